// Level 2: one kernel a call, on the caller's memory and the caller's stream.
//
// Every argument struct is plain data; pointers are to memory of the stream's device. No call
// allocates, copies to the host or synchronises, so all of them can be captured in a CUDA graph.
// Calls check what can be checked in constant time and throw `Error`; what pointers point to is the
// caller's affair. Arrays have at most 2^56 elements, rings 2^59. Level 3 (history.hpp,
// synapse.hpp) is built on nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "cusynapse/export.hpp"
#include "cusynapse/math/half.hpp"
#include "cusynapse/math/interpolate.hpp"
#include "cusynapse/math/ring.hpp"
#include "cusynapse/stream.hpp"
#include "cusynapse/view.hpp"

namespace cusynapse {

/// Position of a ring, kept in device memory so that a replayed CUDA graph advances it.
struct RingState {
  std::int32_t head = 0;       ///< the slot the next push writes; it holds the oldest observation
  std::uint32_t arrivals = 0;  ///< blocks that have passed during an advancing kernel; 0 between
};

/// Where a kernel finds the head of a ring: in device memory, or a number given with the call.
struct RingHead {
  RingState* state = nullptr;  ///< when set, holds the head, and kernels that push advance it
  std::int32_t value = 0;      ///< otherwise the head; the caller advances it

  /// The head, wherever it is. In device code, and on the CPU for memory of the CPU.
  CUSYNAPSE_HOST_DEVICE std::int32_t get() const { return state != nullptr ? state->head : value; }
};

/// Elements a slot of a ring is padded to, so that every slot starts on a 32-byte boundary and, for
/// bits, on a whole 32-bit word.
inline constexpr std::int64_t slot_alignment = 32;

/// Distance between slots for frames of `size` elements: `size` rounded up to `slot_alignment`.
constexpr std::int64_t slot_stride(std::int64_t size) {
  return (size + slot_alignment - 1) / slot_alignment * slot_alignment;
}

/// What an element type is stored and exchanged as: float and double as themselves; bool stored at
/// one bit each in bytes (as PackedSpikes) and exchanged as bytes 0 or 1, with times in float;
/// float16 and bfloat16 exchanged as float, rounded to nearest when they are stored.
template <class T>
struct ElementTraits {
  using Stored = T;     ///< in a ring
  using Exchanged = T;  ///< in arrays of callers
  using Time = T;       ///< of arrays of times
};
/// Spikes: stored as bits, exchanged as bytes.
template <>
struct ElementTraits<bool> {
  using Stored = std::uint8_t;     ///< eight elements
  using Exchanged = std::uint8_t;  ///< one element, 0 or 1
  using Time = float;              ///< of arrays of times
};
/// Values of 16 bits: stored as they are, exchanged as float.
template <>
struct ElementTraits<float16> {
  using Stored = float16;   ///< in a ring
  using Exchanged = float;  ///< in arrays of callers
  using Time = float;       ///< of arrays of times
};
/// The same.
template <>
struct ElementTraits<bfloat16> {
  using Stored = bfloat16;  ///< in a ring
  using Exchanged = float;  ///< in arrays of callers
  using Time = float;       ///< of arrays of times
};

/// What values are stored as: the traces of a synapse, the planned weights of a connection. In 16
/// bits, of float alone, what reads them moves half of their bytes; arithmetic is in float, a value
/// is rounded to nearest (halves to even) when it is stored, and only what was stored is read.
enum class StorageType : std::int32_t {
  same,      ///< in the type they are computed in
  float16,   ///< 11 significant bits; infinite above 65504, a constant spacing of 2^-24 below 2^-14
  bfloat16,  ///< 8 significant bits, the range of float
};

/// Calls `visit` with an element of the type that values of T, float or double, are stored as; its
/// value means nothing. Runs where the visitor does.
#if defined(__CUDACC__)
#pragma nv_exec_check_disable
#endif
template <class T, class Visit>
CUSYNAPSE_HOST_DEVICE decltype(auto) visit_storage(StorageType storage, const Visit& visit) {
  if constexpr (std::is_same_v<T, float>) {
    if (storage == StorageType::float16) return visit(float16());
    if (storage == StorageType::bfloat16) return visit(bfloat16());
  }
  return visit(T());
}

/// Where values start, such as a trace's ring, and what they are stored as: made from a pointer to
/// T and, where T is float, to float16 or bfloat16. T may be const. Copying it copies no data.
template <class T>
class StoredData {
  template <class Element>
  using Qualified = std::conditional_t<std::is_const_v<T>, const Element, Element>;
  template <class Element>
  static constexpr bool is_stored = std::is_same_v<std::remove_const_t<T>, float> &&
                                    (std::is_same_v<Element, Qualified<float16>> ||
                                     std::is_same_v<Element, Qualified<bfloat16>>);

 public:
  using Pointer = Qualified<void>*;  ///< to memory of any type

  /// None.
  constexpr StoredData() noexcept = default;
  constexpr StoredData(std::nullptr_t) noexcept {}
  /// Elements of T, or of 16 bits.
  constexpr StoredData(T* data) noexcept : data_(data) {}
  template <class Stored, std::enable_if_t<is_stored<Qualified<Stored>>, int> = 0>
  constexpr StoredData(Stored* data) noexcept
      : data_(data),
        storage_(std::is_same_v<std::remove_const_t<Stored>, float16> ? StorageType::float16
                                                                      : StorageType::bfloat16) {}
  /// Memory whose type is known at run time.
  constexpr StoredData(Pointer data, StorageType storage) noexcept
      : data_(data), storage_(storage) {}
  /// Data of T where data of const T is wanted.
  template <class U, std::enable_if_t<std::is_same_v<const U, T> && !std::is_const_v<U>, int> = 0>
  constexpr StoredData(const StoredData<U>& other) noexcept
      : data_(other.data()), storage_(other.storage()) {}

  /// Where it starts, and what it is stored as.
  CUSYNAPSE_HOST_DEVICE Pointer data() const noexcept { return data_; }
  CUSYNAPSE_HOST_DEVICE StorageType storage() const noexcept { return storage_; }
  /// The elements, Stored being the type they are stored as; not checked.
  template <class Stored>
  CUSYNAPSE_HOST_DEVICE Qualified<Stored>* as() const noexcept {
    return static_cast<Qualified<Stored>*>(data_);
  }

 private:
  Pointer data_ = nullptr;
  StorageType storage_ = StorageType::same;
};

/// A circular history: `slots` frames of `size` elements. Element e of slot s is data[s * stride +
/// e], or that bit for bool. `data` is aligned to 32 bytes and `stride` a multiple of 32.
template <class T>
struct Ring {
  typename ElementTraits<T>::Stored* data = nullptr;  ///< slot after slot
  std::int64_t size = 0;                              ///< elements of a frame
  std::int64_t stride = 0;  ///< elements from slot to slot, a multiple of 32
  std::int32_t slots = 0;   ///< frames
  RingHead head;            ///< the slot the next push writes
};

/// Traces a model can have.
inline constexpr int max_traces = 2;
/// Injected currents a step can take.
inline constexpr int max_injections = 16;

/// How a model's traces move from one step to the next and add up to a current.
enum class Dynamics : std::int32_t {
  spikes_only,  ///< no trace: the current is the newest spike times an amplitude
  memoryless,   ///< one trace, this step's charge and the injected currents
  decay,        ///< each trace decays and takes its own charge
  chain,        ///< as decay, and the first trace feeds the second
};

/// Arguments of `ops::decay_inject`, for `steps` steps of one population of `size` synapses:
/// for every trace k  next_k = previous_k * decay[k] + gain[k] * input, except that in a chain
/// next_1 = previous_1 * decay[1] + previous_0 * feed; and spike = input != 0 (NaN is a spike);
/// every operation is rounded on its own, and what is stored in 16 bits is rounded once more after
/// each step. `previous` is the slot before the head, `next` the head's; the head moves on by
/// `steps`.
template <class T>
struct DecayInject {
  Dynamics dynamics = Dynamics::decay;       ///< which of the terms below there are
  std::int32_t trace_count = 0;              ///< 0 spikes_only, 1 memoryless, 1 or 2 decay, 2 chain
  T decay[max_traces] = {};                  ///< exp(-dt / tau)
  T gain[max_traces] = {};                   ///< jump of the trace at a unit input
  T feed = 0;                                ///< chain: rate * dt * exp(-dt / tau)
  StoredData<T> traces[max_traces] = {};     ///< storage of each trace's ring, all of one type
  std::uint8_t* spikes = nullptr;            ///< storage of the spike ring, bits
  std::int64_t size = 0;                     ///< synapses, all batch samples together
  std::int64_t stride = 0;                   ///< elements from slot to slot, the same in every ring
  std::int32_t slots = 0;                    ///< of every ring
  RingHead head;                             ///< the rings move together
  InputKind input_kind = InputKind::values;  ///< how the input is stored
  const void* input = nullptr;               ///< `steps` frames of `size` inputs
  std::int64_t input_stride = 0;             ///< elements, or bytes for bits, from frame to frame
  std::int64_t steps = 1;                    ///< consecutive ones
  const T* injected[max_injections] = {};    ///< memoryless: frames added left to right, each size
  std::int32_t injected_count = 0;           ///< 0 unless memoryless and steps is 1
};

/// One population of a grouped step: where its input starts in the shared input.
template <class T>
struct DecayInjectGroup {
  DecayInject<T> step;  ///< `input`, `input_kind` and `input_stride` are ignored; `steps` is 1
  std::int64_t input_offset = 0;  ///< elements into the shared input, a multiple of 32
  std::int64_t first_tile = 0;    ///< its first tile in `DecayInjectGroups::tile_group`
  std::int64_t tile_count = 0;    ///< group_tile elements each, the last one less
};

/// Elements of a population one tile of a grouped step covers.
inline constexpr std::int64_t group_tile = 1024;

/// Arguments of `ops::decay_inject_grouped`: many populations in one launch. The tables are in
/// memory of the device.
template <class T>
struct DecayInjectGroups {
  const DecayInjectGroup<T>* groups = nullptr;  ///< a population each
  const std::int32_t* tile_group = nullptr;     ///< tile_count entries: the tile's population
  std::int64_t tile_count = 0;                  ///< of all populations together
  InputKind input_kind = InputKind::values;     ///< of all populations
  const void* input = nullptr;  ///< the shared input: a frame of slot_stride(size) per population
};

/// How `ops::delayed_select` reads the traces between two observations.
enum class SelectRule : std::int32_t {
  previous,           ///< the older observation of one trace
  nearest,            ///< the nearer one of one trace
  exponential_decay,  ///< weighted traces, each decayed since its older observation
  chain_decay,        ///< two traces, the first feeding the second; weighted likewise
};

/// Arguments of `ops::delayed_select`: current at a time before the newest observation. For each
/// selector: bounded = clamp(selector, 0, limit); the value at `bounded` by the rule; where
/// |selector - bounded| > tolerance, or the selector is NaN, `overbound` if there is one.
/// Traces add up as weight[0] * v0 + weight[1] * v1, a weight being 1, -1 or 0.
template <class T>
struct DelayedSelect {
  SelectRule rule = SelectRule::previous;       ///< between two observations
  std::int32_t trace_count = 1;                 ///< 1 or 2
  StoredData<const T> traces[max_traces] = {};  ///< storage of each trace's ring, all of one type
  T time_constant[max_traces] = {};             ///< ms, of the exponential rules
  T feed_rate = 0;                              ///< 1/ms, of chain_decay
  T weight[max_traces] = {1, 0};                ///< 1, -1 or 0
  std::int64_t size = 0;                        ///< synapses, all batch samples together
  std::int64_t stride = 0;                      ///< elements from slot to slot, a multiple of 32
  std::int32_t slots = 0;                       ///< of every ring
  RingHead head;                                ///< the rings move together
  T step_time = 1;                              ///< dt, ms
  T tolerance = 0;              ///< times this near to an observation (ms) count as its time
  T limit = 0;                  ///< the largest delay, ms
  bool has_overbound = false;   ///< if not, the value at the nearest end
  T overbound = 0;              ///< value of selectors out of range, nA
  const T* selector = nullptr;  ///< [size][samples], ms; null reads the newest observation
  std::int64_t samples = 1;     ///< D, the selectors of one synapse
  T* out = nullptr;             ///< [size][samples]; may be the selector's memory
};

/// Arguments of `ops::spike_select`: spikes at a time before the newest observation, by the same
/// rule as `DelayedSelect` with previous or nearest. Writes bytes 0 or 1, or amplitude * spike.
template <class T>
struct SpikeSelect {
  bool nearest = false;                  ///< the nearer spike in place of the older
  const std::uint8_t* spikes = nullptr;  ///< storage of the spike ring, bits
  std::int64_t size = 0;                 ///< synapses, all batch samples together
  std::int64_t stride = 0;               ///< elements (bits) from slot to slot, a multiple of 32
  std::int32_t slots = 0;                ///< of the ring
  RingHead head;                         ///< the slot the next push writes
  T step_time = 1;                       ///< dt, ms
  T tolerance = 0;                ///< times this near to an observation (ms) count as its time
  T limit = 0;                    ///< the largest delay, ms
  bool has_overbound = false;     ///< if not, the spike at the nearest end
  T overbound = 0;                ///< for bytes: 0 or 1
  const T* selector = nullptr;    ///< [size][samples], ms; null reads the newest observation
  std::int64_t samples = 1;       ///< D, the selectors of one synapse
  T amplitude = 1;                ///< of `values`
  T* values = nullptr;            ///< [size][samples]; exactly one of values and bytes is set
  std::uint8_t* bytes = nullptr;  ///< [size][samples]
};

/// Arguments of `ops::ring_select`: a general history at given times, by any interpolation, without
/// clamping; slots wrap around as `math::slot_at`. `times` null: `position`, which the caller has
/// located, for every element.
template <class T>
struct RingSelect {
  using Time = typename ElementTraits<T>::Time;           ///< of arrays of times
  using Value = typename ElementTraits<T>::Exchanged;     ///< of arrays of callers
  Ring<T> ring;                                           ///< what is read
  Interpolation interpolation = Interpolation::previous;  ///< between two observations
  Time constant = 0;            ///< the interpolation's tau (ms) or lambda (1/ms)
  Time step_time = 1;           ///< ms
  Time tolerance = 0;           ///< times this near to an observation (ms) count as its time
  Time offset = 1;              ///< steps back at time 0
  const Time* times = nullptr;  ///< [size][samples], ms
  math::Position<double> position = {};  ///< of all elements, without `times`
  std::int64_t samples = 1;              ///< times an element
  Value* out = nullptr;                  ///< [size][samples]
};

/// Arguments of `ops::ring_insert`: the mirror image, writing observations around given times.
template <class T>
struct RingInsert {
  using Time = typename ElementTraits<T>::Time;           ///< of arrays of times
  using Value = typename ElementTraits<T>::Exchanged;     ///< of arrays of callers
  Ring<T> ring;                                           ///< what is written to
  Extrapolation extrapolation = Extrapolation::previous;  ///< onto the two observations around
  Time constant = 0;            ///< the extrapolation's tau (ms) or lambda (1/ms)
  Time adjust_scale = 1;        ///< the linear rules keep scale * observation + shift
  Time adjust_shift = 0;        ///< the shift
  Time step_time = 1;           ///< ms
  Time tolerance = 0;           ///< times this near to an observation (ms) count as its time
  Time offset = 0;              ///< steps back at time 0
  const Time* times = nullptr;  ///< [size], ms
  math::Position<double> position = {};  ///< of all elements, without `times`
  const Value* values = nullptr;         ///< [size]
};

/// Arguments of `ops::ring_write`: frames into consecutive slots, the first `steps_back` behind the
/// head, each next one a step newer. Element e of frame i is values[e * element_stride + i *
/// frame_stride]. Then the head moves on by `advance` when it is held in device memory.
template <class T>
struct RingWrite {
  using Value = typename ElementTraits<T>::Exchanged;  ///< of arrays of callers
  Ring<T> ring;                                        ///< what is written to
  const Value* values = nullptr;                       ///< what is written
  std::int64_t frames = 1;                             ///< consecutive slots
  std::int64_t element_stride = 1;                     ///< from element to element of a frame
  std::int64_t frame_stride = 0;                       ///< from frame to frame
  std::int64_t steps_back = 0;                         ///< of the first frame; 0 is the head's slot
  std::int32_t advance = 0;                            ///< slots the head moves on by
};

/// Arguments of `ops::ring_read`: the same the other way.
template <class T>
struct RingRead {
  using Value = typename ElementTraits<T>::Exchanged;  ///< of arrays of callers
  Ring<T> ring;                                        ///< what is read
  Value* out = nullptr;                                ///< where it is written
  std::int64_t frames = 1;                             ///< consecutive slots
  std::int64_t element_stride = 1;                     ///< from element to element of a frame
  std::int64_t frame_stride = 0;                       ///< from frame to frame
  std::int64_t steps_back = 1;  ///< of the first frame; 1 is the newest observation
};

/// Arguments of `ops::ring_regrid`: copies the newest observations of one ring into another of
/// other slots or batch size, elements counted from the end; what the source lacks becomes zero.
/// The destination's head is given as a number.
template <class T>
struct RingRegrid {
  Ring<T> source;       ///< stays as it is
  Ring<T> destination;  ///< all of it is written
};

/// Arguments of `ops::ring_resample`: fills a destination ring so that its slot k steps before the
/// newest holds the source at time k * destination_step, read by the rule; beyond the source's
/// oldest observation, zero. Times are located in double, and count as an observation's within
/// `tolerance` or 1e-9 source steps of it, whichever is more. For bool the rule is fixed: every
/// recorded spike goes to the nearest slot. The destination's head is given as a number.
template <class T>
struct RingResample {
  using Time = typename ElementTraits<T>::Time;               ///< of constants: T, float for bool
  Ring<T> source;                                             ///< stays as it is
  Ring<T> destination;                                        ///< all of it is written
  double source_step = 1;                                     ///< ms
  double destination_step = 1;                                ///< ms
  SelectRule rule = SelectRule::previous;                     ///< between two observations
  Time time_constant = 0;                                     ///< ms, of the exponential rules
  Time tolerance = 0;                                         ///< ms
  Time feed_rate = 0;                                         ///< 1/ms, of chain_decay
  const typename ElementTraits<T>::Stored* feeder = nullptr;  ///< chain_decay: the first trace
};

/// Values a partial count of `count_outside` covers.
inline constexpr std::int64_t count_tile = 4096;

namespace ops {

/// Steps a population. Reads each trace's previous slot (4 B a float), the input (4 B, 1 B or 1/8
/// B) and writes the next slot (4 B) and the spike bit (1/8 B): 9.1 B a synapse for one trace and
/// byte input, 5.1 B where it is stored in 16 bits. Memory of input and injections may not overlap
/// the rings. Does not synchronise. Throws `Error(invalid_argument)` for negative sizes, counts
/// that do not fit `dynamics`, null pointers, traces of different types, a head outside the ring.
/// Source: exact propagator of a linear system (Rotter and Diesmann 1999, Biological Cybernetics
/// 81:381).
CUSYNAPSE_EXPORT void decay_inject(const Stream& stream, const DecayInject<float>& arguments);
CUSYNAPSE_EXPORT void decay_inject(const Stream& stream, const DecayInject<double>& arguments);

/// Steps many populations in one launch; bytes and what may overlap as `decay_inject`. The tables
/// are not looked at from the host. Does not synchronise. Throws `Error(invalid_argument)` for a
/// negative number of tiles, null pointers, an input kind that does not exist.
CUSYNAPSE_EXPORT void decay_inject_grouped(const Stream& stream,
                                           const DecayInjectGroups<float>& arguments);
CUSYNAPSE_EXPORT void decay_inject_grouped(const Stream& stream,
                                           const DecayInjectGroups<double>& arguments);

/// Reads currents at delays. Moves 12 B a selection for one float trace: the selector, the gathered
/// observation and the result (8 B and a shared 4 B gather as D grows). Does not synchronise.
/// Throws `Error(invalid_argument)` for negative sizes, null pointers, a number of traces that does
/// not fit the rule, traces of different types, a head outside the ring, a step time that is not
/// finite and above 0, a negative tolerance, and a limit that reaches past the ring.
CUSYNAPSE_EXPORT void delayed_select(const Stream& stream, const DelayedSelect<float>& arguments);
CUSYNAPSE_EXPORT void delayed_select(const Stream& stream, const DelayedSelect<double>& arguments);

/// Reads spikes at delays: 5 to 8 B a selection and a gathered bit. Neither output may overlap the
/// ring. Does not synchronise. Throws as `delayed_select`, and unless one output is set.
CUSYNAPSE_EXPORT void spike_select(const Stream& stream, const SpikeSelect<float>& arguments);
CUSYNAPSE_EXPORT void spike_select(const Stream& stream, const SpikeSelect<double>& arguments);

/// The general history operations, for T float, double, float16, bfloat16 and bool. In float an
/// element takes 12 to 16 B of a select, 16 to 24 B of an insert, 8 B of the others (a resampled
/// chain 12 B). Arrays may not overlap rings, nor a source its destination. None synchronises. They
/// throw `Error(invalid_argument)` for negative sizes, null pointers, rings that are not aligned, a
/// head outside the ring, and a rule that does not exist. For bool, interpolation is previous, next
/// or nearest, and extrapolation previous, next, nearest or neighbors; others throw
/// `Error(not_supported)`. Source of select and insert: Inferno 0.0.5, RecordTensor.
template <class T>
CUSYNAPSE_EXPORT void ring_select(const Stream& stream, const RingSelect<T>& arguments);
template <class T>
CUSYNAPSE_EXPORT void ring_insert(const Stream& stream, const RingInsert<T>& arguments);
template <class T>
CUSYNAPSE_EXPORT void ring_write(const Stream& stream, const RingWrite<T>& arguments);
template <class T>
CUSYNAPSE_EXPORT void ring_read(const Stream& stream, const RingRead<T>& arguments);
template <class T>
CUSYNAPSE_EXPORT void ring_regrid(const Stream& stream, const RingRegrid<T>& arguments);
template <class T>
CUSYNAPSE_EXPORT void ring_resample(const Stream& stream, const RingResample<T>& arguments);

/// Moves a head held in device memory by `steps` (negative: back) around `slots`. Does not
/// synchronise. Throws `Error(invalid_argument)` for null and for less than one slot.
CUSYNAPSE_EXPORT void ring_advance(const Stream& stream, RingState* state, std::int32_t slots,
                                   std::int64_t steps);

/// Counts values outside [low, high] (NaN counts) among `size` of them, a partial count for every
/// `count_tile` of them begun, in memory of the device; their sum is the count. 4 B a float. Does
/// not synchronise. Throws `Error(invalid_argument)` for a negative size and null pointers.
CUSYNAPSE_EXPORT void count_outside(const Stream& stream, const float* values, std::int64_t size,
                                    float low, float high, std::int64_t* partial_counts);
CUSYNAPSE_EXPORT void count_outside(const Stream& stream, const double* values, std::int64_t size,
                                    double low, double high, std::int64_t* partial_counts);

}  // namespace ops
}  // namespace cusynapse
