// Level 2: weighted sums of delayed currents, one kernel a call (two where a sum is split over
// blocks), on the caller's memory and the caller's stream.
//
// out = W * current(t - d) + b. A delay plan is made once from delays: for every weight the slot
// its delay reads, and the weight times what the current decays by in between. The sums then need
// one gather and one multiply-add a weight, straight from the rings.
//
// As ops.hpp: arguments are plain data, no call allocates, copies to the host or synchronises.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cusynapse/ops.hpp"

namespace cusynapse {

/// How every weighted sum of the library is ordered: runs of `sum_run` consecutive terms are added
/// up from the first to the last, each with one fused multiply-add; `sum_group` consecutive runs
/// likewise; and so are the groups. The result has the same bits on every backend, for every batch
/// size and in every kernel, and its error grows with 32 + 8 + terms / 256 instead of with the
/// number of terms.
inline constexpr std::int64_t sum_run = 32;
/// Consecutive runs that are added up before the groups are.
inline constexpr std::int64_t sum_group = 8;

/// What currents are read from.
enum class SourceKind : std::int32_t {
  traces,  ///< one or two rings of values, added up with weights 1, -1 or 0
  bits,    ///< a ring of spike bits times an amplitude
  bytes,   ///< bytes (the count of spikes) times an amplitude
};

/// Where sums read currents: rings [slots][batch][size of a sample]. An array of the caller's is a
/// ring of one slot with head 0 and, for several steps, a slot for each.
template <class T>
struct CurrentSource {
  SourceKind kind = SourceKind::traces;         ///< which of the members below count
  std::int32_t trace_count = 1;                 ///< of `traces`
  StoredData<const T> traces[max_traces] = {};  ///< storage of each trace's ring, all of one type
  T weight[max_traces] = {1, 0};                ///< the current is weight[0] * v0 + weight[1] * v1
  const std::uint8_t* spikes = nullptr;         ///< storage of a ring of bits, or of bytes
  T amplitude = 1;                              ///< nA a spike, of `bits` and `bytes`
  std::int64_t stride = 0;                      ///< elements from slot to slot
  std::int32_t slots = 1;                       ///< of each ring
  RingHead head;                                ///< the rings move together
};

/// The type delay slots are stored as.
enum class SlotWidth : std::int32_t {
  none,  ///< no slots: every weight reads the newest current
  byte,  ///< std::uint8_t, up to 255 slots
  word,  ///< std::uint16_t, up to 65535 slots
};

/// The narrowest type that holds the slots of a history and one more value, for out of range.
/// Throws `Error(not_supported)` above 65535.
CUSYNAPSE_EXPORT SlotWidth slot_width(std::int32_t slots);

/// Of two traces, the one planned weights scale: the one that decays slower, so that what the other
/// has decayed by in comparison is at most 1; the fed one of a chain; never one that is left out.
template <class T>
CUSYNAPSE_HOST_DEVICE int leading_trace(const DelayedSelect<T>& select) {
  if (select.trace_count < 2) return 0;
  if (select.rule == SelectRule::chain_decay) return select.weight[1] != T(0) ? 1 : 0;
  if (select.weight[0] == T(0)) return 1;
  if (select.weight[1] == T(0)) return 0;
  return select.time_constant[1] > select.time_constant[0] ? 1 : 0;
}

/// What a sum reads besides the rings: planned weights, delay slots, constants. A term of a delayed
/// sum is weights[0] * trace 0, or weights[0] * (trace 0 + weights[1] * trace 1) of a source with
/// two traces, whose first is the leading one; the difference of two traces that are nearly equal
/// then loses no digits to the sum.
template <class T>
struct PlannedWeights {
  StoredData<const T> weights[max_traces] = {};  ///< both of one type; undelayed, weights[0] alone
  SlotWidth width = SlotWidth::none;             ///< the type of `slots`
  const void* slots = nullptr;   ///< 0 the newest observation; delay_slots: out of range
  std::int32_t delay_slots = 1;  ///< observations delays can reach: the slots of the synapse
  T overbound = 0;               ///< the current of delays out of range
};

/// Tiles of planned dense weights: `sum_run` inputs by `dense_tile_outputs` outputs.
inline constexpr std::int64_t dense_tile_outputs = 32;

/// Elements of a planned dense array: [outputs / 32][inputs / 32][32 inputs][32 outputs], both
/// rounded up; what lies beyond the last input or output is 0.
constexpr std::int64_t dense_plan_size(std::int64_t inputs, std::int64_t outputs) {
  return (inputs + sum_run - 1) / sum_run * sum_run *
         ((outputs + dense_tile_outputs - 1) / dense_tile_outputs * dense_tile_outputs);
}

/// Arguments of `ops::delay_plan`: what each of rows x columns delays reads, chosen as
/// `delayed_select` would. weights and delays are [rows][columns]; the results are of the same
/// layout, or in dense tiles (rows are outputs, columns inputs).
template <class T>
struct DelayPlan {
  DelayedSelect<T> select;   ///< rule, time constants, step time, tolerance, limit, overbound,
                             ///< slots, trace_count (0: spikes) and weight; no memory of it is read
  std::int64_t rows = 0;     ///< outputs of a dense matrix
  std::int64_t columns = 0;  ///< inputs of a dense matrix
  bool is_tiled = false;     ///< whether results are laid out in dense tiles
  const T* weights = nullptr;         ///< [rows][columns]
  const T* delays = nullptr;          ///< ms; null without delays
  SlotWidth width = SlotWidth::none;  ///< the type of `slots`
  void* slots = nullptr;  ///< written unless null: a change of weights alone leaves them
  StoredData<T> planned[max_traces] = {};  ///< as PlannedWeights::weights; written unless null
};

/// Arguments of `ops::delayed_dense`: `steps` consecutive sums out[t][b][j] = sum over i of
/// weights[j, i] * current_i[b] (delay slots[j, i] before step t) + bias[j] (+ out[t][b][j] before
/// the call). The source's newest observation is that of the last step; its ring holds at least
/// delay_slots + steps - 1 slots.
template <class T>
struct DelayedDense {
  CurrentSource<T> source;          ///< of [batch][inputs] currents
  PlannedWeights<T> plan;           ///< in dense tiles, each array aligned to 16 bytes
  std::int64_t inputs = 0;          ///< I, terms of a sum
  std::int64_t outputs = 0;         ///< O, sums of a sample
  std::int64_t batch = 0;           ///< samples
  std::int64_t steps = 1;           ///< consecutive ones, which share the plan
  const T* bias = nullptr;          ///< [outputs] or null
  bool accumulates = false;         ///< whether sums are added to what `out` holds
  T* out = nullptr;                 ///< [steps][batch][outputs]
  void* workspace = nullptr;        ///< aligned to 256 bytes
  std::size_t workspace_bytes = 0;  ///< of it: `ops::dense_workspace_bytes`
};

/// Arguments of `ops::delayed_direct`: out[b][n] = weights[n] * current_n[b](t - d[n]) + bias[n]
/// (+ out[b][n]).
template <class T>
struct DelayedDirect {
  CurrentSource<T> source;   ///< of [batch][size] currents
  PlannedWeights<T> plan;    ///< [size]
  std::int64_t size = 0;     ///< N, sums of a sample
  std::int64_t batch = 0;    ///< samples
  const T* bias = nullptr;   ///< [size] or null
  bool accumulates = false;  ///< whether sums are added to what `out` holds
  T* out = nullptr;          ///< [batch][size]
};

/// A two-dimensional convolution: pixels (channels, height, width) under filters of
/// (channels, kernel_height, kernel_width), at (out_height, out_width) positions. Height and width
/// with their padding are at most 2^30 pixels.
struct ConvolutionGeometry {
  std::int64_t channels = 1;          ///< C, of the input
  std::int64_t height = 1;            ///< of the input, pixels
  std::int64_t width = 1;             ///< of the input, pixels
  std::int64_t filters = 1;           ///< F, channels of the output
  std::int64_t kernel[2] = {1, 1};    ///< {height, width} of a filter, pixels
  std::int64_t stride[2] = {1, 1};    ///< from position to position, pixels
  std::int64_t padding[2] = {0, 0};   ///< silent pixels added at either end
  std::int64_t dilation[2] = {1, 1};  ///< between neighbours under a filter, pixels
  std::int64_t out_height = 1;        ///< positions along the height
  std::int64_t out_width = 1;         ///< positions along the width

  /// Elements of a sample of the input, of a filter, and of one channel of the output.
  CUSYNAPSE_HOST_DEVICE std::int64_t pixels() const { return channels * height * width; }
  CUSYNAPSE_HOST_DEVICE std::int64_t patch() const { return channels * kernel[0] * kernel[1]; }
  CUSYNAPSE_HOST_DEVICE std::int64_t positions() const { return out_height * out_width; }
};

/// Arguments of `ops::delayed_conv2d`: out[b][f][l] = sum over the patch n of weights[f, n] *
/// current of the pixel under (n, l) (t - d[f, n]) + bias[f] (+ out[b][f][l]). Pixels in the
/// padding are silent. The rings hold pixels, each once.
template <class T>
struct DelayedConv2D {
  CurrentSource<T> source;       ///< of [batch][pixels] currents
  PlannedWeights<T> plan;        ///< [filters][patch]
  ConvolutionGeometry geometry;  ///< what lies under which filter
  std::int64_t batch = 0;        ///< samples
  const T* bias = nullptr;       ///< [filters] or null
  bool accumulates = false;      ///< whether sums are added to what `out` holds
  T* out = nullptr;              ///< [batch][filters][positions]
};

/// Which synapse and which delay each element of a connection's synaptic arrays belongs to.
enum class SynapticLayout : std::int32_t {
  direct,       ///< [batch][size] and one sample: delay [size]
  dense,        ///< [batch][inputs][outputs]: delay [outputs][inputs]
  convolution,  ///< [batch][patch][positions][filters]: delay [filters][patch]
};

/// Arguments of `ops::synaptic_select`: the currents or spikes a connection's weights read, one by
/// one. Without delays, the newest of each synapse, with no trailing extent.
template <class T>
struct SynapticSelect {
  SynapticLayout layout =
      SynapticLayout::direct;     ///< which synapse and delay an element belongs to
  std::int64_t batch = 0;         ///< samples
  std::int64_t inputs = 0;        ///< of dense, or the size of direct
  std::int64_t outputs = 0;       ///< of dense
  ConvolutionGeometry geometry;   ///< of convolution
  const T* delays = nullptr;      ///< ms, as the layout says; null without delays
  CurrentSource<T> source;        ///< its traces in the order of `select`
  DelayedSelect<T> select;        ///< as `DelayPlan`'s
  T* values = nullptr;            ///< exactly one of values and bytes
  std::uint8_t* bytes = nullptr;  ///< spikes, 0 or 1
};

/// What `ops::synaptic_copy` makes of what.
enum class SynapticCopy : std::int32_t {
  selector,   ///< delays spread over the batch: out as `SynapticLayout` says
  unfold,     ///< pixels [batch][pixels] to patches [batch][patch][positions]; padding is 0
  fold_mean,  ///< patches to pixels: the mean over copies, NaN where no patch covers a pixel
  transpose,  ///< [batch][rows][columns] to [batch][columns][rows]
};

/// Arguments of `ops::synaptic_copy`: arrays of a connection brought into another layout. V is
/// float, double or std::uint8_t.
template <class V>
struct SynapticCopyArguments {
  SynapticCopy copy = SynapticCopy::transpose;     ///< what becomes of what
  SynapticLayout layout = SynapticLayout::direct;  ///< of `selector`
  std::int64_t batch = 0;                          ///< samples
  std::int64_t rows = 0;     ///< of `transpose`; inputs of a dense `selector`, size of a direct one
  std::int64_t columns = 0;  ///< of `transpose`; outputs of a dense `selector`
  ConvolutionGeometry geometry;  ///< of `unfold`, `fold_mean` and a `selector` of a convolution
  const V* in = nullptr;         ///< as `copy` says
  V* out = nullptr;              ///< as `copy` says
};

namespace ops {

/// Makes or renews a delay plan: reads delay and weight, writes slot and planned weight: 13 B a
/// weight with one trace, 11 B where it is planned in 16 bits. A new weight with the old delay
/// costs 1 B less: its decay is computed again, which moves as much as reading a stored one would.
/// Does not synchronise. Throws `Error(invalid_argument)` for negative sizes and null pointers.
CUSYNAPSE_EXPORT void delay_plan(const Stream& stream, const DelayPlan<float>& arguments);
CUSYNAPSE_EXPORT void delay_plan(const Stream& stream, const DelayPlan<double>& arguments);

/// Bytes of workspace that `delayed_dense` needs on a device to be at its fastest; what arrays hold
/// is not looked at. On the CPU they are for the threads there are when this is called, and a call
/// with less runs on fewer, down to one. Throws `Error(invalid_argument)` for sizes out of range,
/// and `Error(no_device)`.
CUSYNAPSE_EXPORT std::size_t dense_workspace_bytes(Device device,
                                                   const DelayedDense<float>& arguments);
CUSYNAPSE_EXPORT std::size_t dense_workspace_bytes(Device device,
                                                   const DelayedDense<double>& arguments);

/// Sums over all pairs. Reads slot and planned weight once (5 B a pair, 9 B with two traces; 3 B
/// and 5 B of weights in 16 bits) and the rings once for each block of outputs; every multiply-add
/// takes one value from fast memory. `out` may not overlap what is read. Does not synchronise.
/// Throws `Error(invalid_argument)`.
CUSYNAPSE_EXPORT void delayed_dense(const Stream& stream, const DelayedDense<float>& arguments);
CUSYNAPSE_EXPORT void delayed_dense(const Stream& stream, const DelayedDense<double>& arguments);

/// One weight a synapse: 5 B of plan for the whole batch, and a gathered value and a result, 8 B, a
/// synapse and sample. `out` may not overlap what is read. Does not synchronise. Throws
/// `Error(invalid_argument)`.
CUSYNAPSE_EXPORT void delayed_direct(const Stream& stream, const DelayedDirect<float>& arguments);
CUSYNAPSE_EXPORT void delayed_direct(const Stream& stream, const DelayedDirect<double>& arguments);

/// Convolution straight from histories of pixels: plan and rings once and 4 B a sum in float, and a
/// pixel from a cache for every multiply-add. `out` may not overlap what is read. Does not
/// synchronise. Throws `Error(invalid_argument)`.
CUSYNAPSE_EXPORT void delayed_conv2d(const Stream& stream, const DelayedConv2D<float>& arguments);
CUSYNAPSE_EXPORT void delayed_conv2d(const Stream& stream, const DelayedConv2D<double>& arguments);

/// Currents or spikes of single weights: 12 B an element in float, to bytes 6 B. Outputs may not
/// overlap what is read. Does not synchronise. Throws `Error(invalid_argument)`.
CUSYNAPSE_EXPORT void synaptic_select(const Stream& stream, const SynapticSelect<float>& arguments);
CUSYNAPSE_EXPORT void synaptic_select(const Stream& stream,
                                      const SynapticSelect<double>& arguments);

/// Brings an array into another layout: 8 B an element in float. `out` may not overlap `in`. V is
/// float, double or std::uint8_t. Does not synchronise. Throws `Error(invalid_argument)`, and
/// `Error(not_supported)` for a mean over bytes.
template <class V>
CUSYNAPSE_EXPORT void synaptic_copy(const Stream& stream,
                                    const SynapticCopyArguments<V>& arguments);

/// Sets the diagonal of a square matrix [size][size] to 0. Does not synchronise. Throws
/// `Error(invalid_argument)` for a size that is negative or above 2^31, and for null.
CUSYNAPSE_EXPORT void zero_diagonal(const Stream& stream, float* matrix, std::int64_t size);
CUSYNAPSE_EXPORT void zero_diagonal(const Stream& stream, double* matrix, std::int64_t size);

/// Brings values into [low, high], in place; NaN becomes low. 8 B a float. Does not synchronise.
/// Throws `Error(invalid_argument)` for a negative size, null, and unless low <= high.
CUSYNAPSE_EXPORT void clamp(const Stream& stream, float* values, std::int64_t size, float low,
                            float high);
CUSYNAPSE_EXPORT void clamp(const Stream& stream, double* values, std::int64_t size, double low,
                            double high);

}  // namespace ops
}  // namespace cusynapse
