// Level 2: what a `Projection` needs besides the sums of connection_ops.hpp, one kernel a call, on
// the caller's memory and the caller's stream.
//
// As ops.hpp: arguments are plain data, no call allocates, copies to the host or synchronises.
#pragma once

#include <cstdint>

#include "cusynapse/connection_ops.hpp"

namespace cusynapse {

/// The largest magnitude of a hardware weight, which has 6 bits.
inline constexpr int largest_hardware_weight = 63;

/// Arguments of `ops::linear_saturating`: out = min(max(scale * value, minimum), maximum); NaN
/// stays NaN.
template <class T>
struct LinearSaturating {
  const T* values = nullptr;             ///< [size]
  std::int64_t size = 0;                 ///< elements
  T scale = 1;                           ///< of every value
  T minimum = -largest_hardware_weight;  ///< of the results
  T maximum = largest_hardware_weight;   ///< of the results; at least the minimum
  T* out = nullptr;                      ///< may be `values`
};

/// Arguments of `ops::hardware_image`: magnitudes floor(|value| + 0.5), exactly, of positive values
/// in one array and of negative ones in the other, and 0 in the place of the other sign.
template <class T>
struct HardwareImage {
  const T* values = nullptr;           ///< [size]
  std::int64_t size = 0;               ///< elements
  std::uint8_t* excitatory = nullptr;  ///< of positive values; not written if null
  std::uint8_t* inhibitory = nullptr;  ///< of negative values; not written if null
};

/// Arguments of `ops::masked_copy`: out = mask != 0 ? value : 0.
template <class T>
struct MaskedCopy {
  const T* values = nullptr;           ///< [size]
  const std::uint8_t* mask = nullptr;  ///< null: everything is copied
  std::int64_t size = 0;               ///< elements
  T* out = nullptr;                    ///< may be `values`
};

/// Arguments of `ops::transposed_plan`: the planned weights of `ops::delayed_dense`, without
/// delays, of the transpose of a matrix: the sums that carry gradients from its outputs to its
/// inputs.
template <class T>
struct TransposedPlan {
  std::int64_t inputs = 0;     ///< of the matrix; the outputs of those sums
  std::int64_t outputs = 0;    ///< of the matrix; the inputs of those sums
  const T* weights = nullptr;  ///< [outputs][inputs]
  T* planned = nullptr;        ///< dense_plan_size(outputs, inputs) elements, aligned to 16 bytes
};

/// Arguments of `ops::outer_product`: out[j][i] = sum over rows r of left[r][j] * right[r][i]
/// (+ out[j][i]), the gradient of a weight matrix. Sums are ordered as `sum_run` says. Where there
/// is a mask and it is 0, the sum counts as 0.
template <class T>
struct OuterProduct {
  std::int64_t rows = 0;                     ///< terms of a sum
  std::int64_t outputs = 0;                  ///< rows of the weight matrix
  std::int64_t inputs = 0;                   ///< columns of the weight matrix
  const T* left = nullptr;                   ///< [rows][outputs]
  InputKind right_kind = InputKind::values;  ///< how `right` is stored
  const void* right = nullptr;         ///< [rows][inputs]; bits: one frame, rows follow each other
  const std::uint8_t* mask = nullptr;  ///< [outputs][inputs] or null
  bool accumulates = false;            ///< whether sums are added to what `out` holds
  T* out = nullptr;                    ///< [outputs][inputs]
};

namespace ops {

/// Weights as analog hardware can hold them: 8 B a float. Does not synchronise. Throws
/// `Error(invalid_argument)` for a negative size, null pointers, and unless minimum <= maximum.
CUSYNAPSE_EXPORT void linear_saturating(const Stream& stream,
                                        const LinearSaturating<float>& arguments);
CUSYNAPSE_EXPORT void linear_saturating(const Stream& stream,
                                        const LinearSaturating<double>& arguments);

/// Rounds weights to the integers 0 to 63 of excitatory and inhibitory synapses: 6 B a float for
/// both. Larger magnitudes count as 63, NaN as 0: `Projection` refuses both beforehand. Does not
/// synchronise. Throws `Error(invalid_argument)`.
CUSYNAPSE_EXPORT void hardware_image(const Stream& stream, const HardwareImage<float>& arguments);
CUSYNAPSE_EXPORT void hardware_image(const Stream& stream, const HardwareImage<double>& arguments);

/// Copies values, with 0 where the mask is 0: 9 B a float. Does not synchronise. Throws
/// `Error(invalid_argument)` for a negative size and null pointers.
CUSYNAPSE_EXPORT void masked_copy(const Stream& stream, const MaskedCopy<float>& arguments);
CUSYNAPSE_EXPORT void masked_copy(const Stream& stream, const MaskedCopy<double>& arguments);

/// Plans the sums of a transpose: 8 B a float. `planned` may not overlap the weights. Does not
/// synchronise. Throws `Error(invalid_argument)` for negative sizes, null pointers and a plan that
/// is not aligned.
CUSYNAPSE_EXPORT void transposed_plan(const Stream& stream, const TransposedPlan<float>& arguments);
CUSYNAPSE_EXPORT void transposed_plan(const Stream& stream,
                                      const TransposedPlan<double>& arguments);

/// Reads `left` once for every group of inputs (8 on a GPU, 32 on a CPU) and `right` once for every
/// few outputs, mostly from caches, and writes `out` once. `out` may not overlap what is read. Does
/// not synchronise. Throws `Error(invalid_argument)`.
CUSYNAPSE_EXPORT void outer_product(const Stream& stream, const OuterProduct<float>& arguments);
CUSYNAPSE_EXPORT void outer_product(const Stream& stream, const OuterProduct<double>& arguments);

}  // namespace ops
}  // namespace cusynapse
