// Element-wise bodies of projections: saturating and rounding weights, masking and tiling them.
//
// A call (x, y) covers group x of Width elements; y counts rows where weights are tiled.
#pragma once

#include "cusynapse/projection_ops.hpp"
#include "kernels/bodies/access.hpp"

namespace cusynapse::kernels {

template <class T, int Width>
struct LinearSaturatingBody {
  LinearSaturating<T> arguments;

  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t) const {
    const LinearSaturating<T>& a = arguments;
    T values[Width];
    load_guarded<false>(a.values, x * Width, a.size, values);
    for (int i = 0; i < Width; ++i) {
      const T scaled = math::multiply(a.scale, values[i]);
      const T raised = scaled < a.minimum ? a.minimum : scaled;
      values[i] = raised > a.maximum ? a.maximum : raised;
    }
    store_guarded(values, x * Width, a.size, a.out);
  }
};

template <class T, int Width>
struct HardwareImageBody {
  HardwareImage<T> arguments;

  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t) const {
    const HardwareImage<T>& a = arguments;
    T values[Width];
    load_guarded<false>(a.values, x * Width, a.size, values);
    std::uint8_t excitatory[Width];
    std::uint8_t inhibitory[Width];
    for (int i = 0; i < Width; ++i) {
      excitatory[i] = magnitude(values[i]);
      inhibitory[i] = magnitude(-values[i]);
    }
    if (a.excitatory != nullptr) store_guarded(excitatory, x * Width, a.size, a.excitatory);
    if (a.inhibitory != nullptr) store_guarded(inhibitory, x * Width, a.size, a.inhibitory);
  }

 private:
  // The fraction is exact, unlike value + 0.5, which rounds the number below a half up to 1.
  CUSYNAPSE_HOST_DEVICE static std::uint8_t magnitude(T value) {
    if (!(value > T(0))) return 0;
    if (value >= T(largest_hardware_weight)) return largest_hardware_weight;
    const T whole = math::floor(value);
    const int rounded_up = math::subtract(value, whole) >= T(0.5) ? 1 : 0;
    return static_cast<std::uint8_t>(static_cast<int>(whole) + rounded_up);
  }
};

template <class T, int Width>
struct MaskedCopyBody {
  MaskedCopy<T> arguments;

  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t) const {
    const MaskedCopy<T>& a = arguments;
    T values[Width];
    load_guarded<false>(a.values, x * Width, a.size, values);
    if (a.mask != nullptr) {
      std::uint8_t mask[Width];
      load_guarded<false>(a.mask, x * Width, a.size, mask);
      for (int i = 0; i < Width; ++i) values[i] = mask[i] != 0 ? values[i] : T(0);
    }
    store_guarded(values, x * Width, a.size, a.out);
  }
};

/// Row y of the matrix, padding rows included, is a row of tiles: its inputs lie next to each other
/// in both layouts.
template <class T, int Width>
struct TransposedPlanBody {
  TransposedPlan<T> arguments;

  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t y) const {
    static_assert(dense_tile_outputs % Width == 0, "a group lies in one tile");
    const TransposedPlan<T>& a = arguments;
    const std::int64_t first = x * Width;
    T values[Width] = {};
    if (y < a.outputs) load_guarded<false>(a.weights + y * a.inputs, first, a.inputs, values);
    const std::int64_t tiles_across = (a.outputs + sum_run - 1) / sum_run;
    const std::int64_t tile = first / dense_tile_outputs * tiles_across + y / sum_run;
    const std::int64_t row = tile * sum_run + y % sum_run;
    store_aligned(values, a.planned + row * dense_tile_outputs + first % dense_tile_outputs);
  }

  /// Groups in a row, and rows, padding included.
  CUSYNAPSE_HOST_DEVICE std::int64_t width() const {
    return (arguments.inputs + dense_tile_outputs - 1) / dense_tile_outputs *
           (dense_tile_outputs / Width);
  }
  CUSYNAPSE_HOST_DEVICE std::int64_t height() const {
    return (arguments.outputs + sum_run - 1) / sum_run * sum_run;
  }
};

}  // namespace cusynapse::kernels
