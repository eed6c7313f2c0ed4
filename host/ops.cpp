#include "cusynapse/ops.hpp"

#include <cmath>
#include <type_traits>

#include "host/check.hpp"
#include "host/dispatch.hpp"
#include "host/stored.hpp"

namespace cusynapse::ops {
namespace {

using host::check;
using host::check_pointer;

void check_geometry(const char* where, std::int64_t size, std::int64_t stride, std::int32_t slots,
                    const RingHead& head) {
  host::check_size(where, "size", size);
  check(stride >= size && stride % slot_alignment == 0, where, "stride",
        static_cast<double>(stride), "a multiple of 32, at least the size");
  check(slots >= 1 && slots <= (1 << 30), where, "slots", slots, "1 to 2^30");
  check(static_cast<double>(stride) * slots <= host::most_ring_elements, where, "stride",
        static_cast<double>(stride), "at most 2^59 elements in all slots");
  check(head.state != nullptr || (head.value >= 0 && head.value < slots), where, "head", head.value,
        "0 to slots - 1");
}

// Several values for each element of a frame.
void check_samples(const char* where, std::int64_t size, std::int64_t samples) {
  check(samples >= 1, where, "samples", static_cast<double>(samples), "at least 1");
  host::checked_product(where, "samples of all elements", {size, samples});
}

// Rings are accessed 16 bytes at a time.
void check_aligned(const void* pointer, const char* where, const char* what) {
  check_pointer(pointer, where, what);
  if (reinterpret_cast<std::uintptr_t>(pointer) % 16 != 0) {
    host::refuse(where, what, "not aligned", "storage aligned to 32 bytes");
  }
}

template <class T>
void check_ring(const char* where, const Ring<T>& ring) {
  check_geometry(where, ring.size, ring.stride, ring.slots, ring.head);
  if (ring.size > 0 && std::is_same_v<T, bool>) check_pointer(ring.data, where, "ring.data");
  if (ring.size > 0 && !std::is_same_v<T, bool>) check_aligned(ring.data, where, "ring.data");
}

// A ring about to be made: its head has not reached the device yet.
template <class T>
void check_destination(const char* where, const Ring<T>& ring) {
  check_ring(where, ring);
  if (ring.head.state != nullptr) {
    host::refuse(where, "destination.head", "in device memory", "a number");
  }
}

template <class T>
void run_decay_inject(const Stream& stream, const DecayInject<T>& a) {
  const char* where = "decay_inject";
  check_geometry(where, a.size, a.stride, a.slots, a.head);
  check(a.trace_count >= 0 && host::traces_of(a.dynamics, a.trace_count) == a.trace_count, where,
        "trace_count", a.trace_count, "as many as the dynamics have");
  check(a.steps >= 1, where, "steps", static_cast<double>(a.steps), "at least 1");
  host::checked_product(where, "inputs of all steps", {a.size, a.steps});
  check(a.injected_count >= 0 && a.injected_count <= max_injections, where, "injected_count",
        a.injected_count, "0 to 16");
  check(a.injected_count == 0 || (a.dynamics == Dynamics::memoryless && a.steps == 1), where,
        "injected_count", a.injected_count, "0, except in one step of memoryless dynamics");
  if (a.size == 0) {
    if (a.head.state != nullptr) ring_advance(stream, a.head.state, a.slots, a.steps);
    return;
  }
  check(a.input_kind >= InputKind::values && a.input_kind <= InputKind::bits, where, "input_kind",
        static_cast<double>(a.input_kind), "one of InputKind");
  check_pointer(a.spikes, where, "spikes");
  check_pointer(a.input, where, "input");
  host::check_stored(where, "traces", a.traces, a.trace_count);
  for (int k = 0; k < a.trace_count; ++k) check_aligned(a.traces[k].data(), where, "traces");
  for (int j = 0; j < a.injected_count; ++j) check_pointer(a.injected[j], where, "injected");
  host::backend(stream.device()).steps(T{}).decay_inject(stream, a);
}

template <class T>
void run_decay_inject_grouped(const Stream& stream, const DecayInjectGroups<T>& a) {
  const char* where = "decay_inject_grouped";
  host::check_size(where, "tile_count", a.tile_count);
  if (a.tile_count == 0) return;
  check(a.input_kind >= InputKind::values && a.input_kind <= InputKind::bits, where, "input_kind",
        static_cast<double>(a.input_kind), "one of InputKind");
  check_pointer(a.groups, where, "groups");
  check_pointer(a.tile_group, where, "tile_group");
  check_pointer(a.input, where, "input");
  host::backend(stream.device()).steps(T{}).decay_inject_grouped(stream, a);
}

template <class T>
void run_delayed_select(const Stream& stream, const DelayedSelect<T>& a) {
  const char* where = "delayed_select";
  check_geometry(where, a.size, a.stride, a.slots, a.head);
  check_samples(where, a.size, a.samples);
  host::check_times(where, a);
  check(a.rule >= SelectRule::previous && a.rule <= SelectRule::chain_decay, where, "rule",
        static_cast<double>(a.rule), "one of SelectRule");
  const bool is_exponential = a.rule == SelectRule::exponential_decay;
  check(a.rule == SelectRule::chain_decay
            ? a.trace_count == 2
            : a.trace_count == 1 || (is_exponential && a.trace_count == 2),
        where, "trace_count", a.trace_count, "as many as the rule reads");
  if (a.size == 0) return;
  host::check_stored(where, "traces", a.traces, a.trace_count);
  for (int k = 0; k < a.trace_count; ++k) check_pointer(a.traces[k].data(), where, "traces");
  check_pointer(a.out, where, "out");
  host::backend(stream.device()).steps(T{}).delayed_select(stream, a);
}

template <class T>
void run_spike_select(const Stream& stream, const SpikeSelect<T>& a) {
  const char* where = "spike_select";
  check_geometry(where, a.size, a.stride, a.slots, a.head);
  check_samples(where, a.size, a.samples);
  host::check_times(where, a);
  if (a.size == 0) return;
  check_pointer(a.spikes, where, "spikes");
  if ((a.values != nullptr) == (a.bytes != nullptr)) {
    host::refuse(where, "output", a.values != nullptr ? "both values and bytes" : "null",
                 "one of values and bytes");
  }
  host::backend(stream.device()).steps(T{}).spike_select(stream, a);
}

template <class T>
void run_count_outside(const Stream& stream, const T* values, std::int64_t size, T low, T high,
                       std::int64_t* partial_counts) {
  const char* where = "count_outside";
  host::check_size(where, "size", size);
  if (size == 0) return;
  check_pointer(values, where, "values");
  check_pointer(partial_counts, where, "partial_counts");
  host::backend(stream.device())
      .steps(T{})
      .count_outside(stream, values, size, low, high, partial_counts);
}

}  // namespace

void decay_inject(const Stream& stream, const DecayInject<float>& a) {
  run_decay_inject(stream, a);
}
void decay_inject(const Stream& stream, const DecayInject<double>& a) {
  run_decay_inject(stream, a);
}
void decay_inject_grouped(const Stream& stream, const DecayInjectGroups<float>& a) {
  run_decay_inject_grouped(stream, a);
}
void decay_inject_grouped(const Stream& stream, const DecayInjectGroups<double>& a) {
  run_decay_inject_grouped(stream, a);
}
void delayed_select(const Stream& stream, const DelayedSelect<float>& a) {
  run_delayed_select(stream, a);
}
void delayed_select(const Stream& stream, const DelayedSelect<double>& a) {
  run_delayed_select(stream, a);
}
void spike_select(const Stream& stream, const SpikeSelect<float>& a) {
  run_spike_select(stream, a);
}
void spike_select(const Stream& stream, const SpikeSelect<double>& a) {
  run_spike_select(stream, a);
}

template <class T>
void ring_select(const Stream& stream, const RingSelect<T>& a) {
  const char* where = "ring_select";
  check_ring(where, a.ring);
  check_samples(where, a.ring.size, a.samples);
  check(a.interpolation >= Interpolation::previous &&
            a.interpolation <= Interpolation::exponential_rate_decay,
        where, "interpolation", static_cast<double>(a.interpolation), "one of Interpolation");
  if (std::is_same_v<T, bool> && a.interpolation != Interpolation::previous &&
      a.interpolation != Interpolation::next && a.interpolation != Interpolation::nearest) {
    throw Error(Errc::not_supported,
                "ring_select: interpolation of a boolean history, expected previous, next or "
                "nearest");
  }
  if (a.ring.size == 0) return;
  check_pointer(a.out, where, "out");
  host::backend(stream.device()).rings(T{}).select(stream, a);
}

template <class T>
void ring_insert(const Stream& stream, const RingInsert<T>& a) {
  const char* where = "ring_insert";
  check_ring(where, a.ring);
  check(a.extrapolation >= Extrapolation::previous &&
            a.extrapolation <= Extrapolation::exponential_rate_decay,
        where, "extrapolation", static_cast<double>(a.extrapolation), "one of Extrapolation");
  if (std::is_same_v<T, bool> && a.extrapolation != Extrapolation::previous &&
      a.extrapolation != Extrapolation::next && a.extrapolation != Extrapolation::nearest &&
      a.extrapolation != Extrapolation::neighbors) {
    throw Error(Errc::not_supported,
                "ring_insert: extrapolation of a boolean history, expected previous, next, nearest "
                "or neighbors");
  }
  if (a.ring.size == 0) return;
  check_pointer(a.values, where, "values");
  host::backend(stream.device()).rings(T{}).insert(stream, a);
}

namespace {

// Consecutive frames from a step back on, which comes to the same modulo the slots.
template <class Arguments>
Arguments checked_frames(const char* where, const Arguments& a) {
  check_ring(where, a.ring);
  host::check_size(where, "frames", a.frames);
  Arguments wrapped = a;
  wrapped.steps_back %= a.ring.slots;
  return wrapped;
}

}  // namespace

template <class T>
void ring_write(const Stream& stream, const RingWrite<T>& arguments) {
  const char* where = "ring_write";
  const RingWrite<T> a = checked_frames(where, arguments);
  if (a.ring.size == 0) {
    if (a.ring.head.state != nullptr) {
      ring_advance(stream, a.ring.head.state, a.ring.slots, a.advance);
    }
    return;
  }
  check_pointer(a.values, where, "values");
  host::backend(stream.device()).rings(T{}).write(stream, a);
}

template <class T>
void ring_read(const Stream& stream, const RingRead<T>& arguments) {
  const char* where = "ring_read";
  const RingRead<T> a = checked_frames(where, arguments);
  if (a.ring.size == 0) return;
  check_pointer(a.out, where, "out");
  host::backend(stream.device()).rings(T{}).read(stream, a);
}

template <class T>
void ring_regrid(const Stream& stream, const RingRegrid<T>& a) {
  check_ring("ring_regrid", a.source);
  check_destination("ring_regrid", a.destination);
  if (a.destination.size == 0) return;
  host::backend(stream.device()).rings(T{}).regrid(stream, a);
}

template <class T>
void ring_resample(const Stream& stream, const RingResample<T>& a) {
  const char* where = "ring_resample";
  check_ring(where, a.source);
  check_destination(where, a.destination);
  check(a.source.size == a.destination.size, where, "destination.size",
        static_cast<double>(a.destination.size), "the source's");
  host::check_finite_positive(where, "source_step", a.source_step);
  host::check_finite_positive(where, "destination_step", a.destination_step);
  check(a.rule >= SelectRule::previous && a.rule <= SelectRule::chain_decay, where, "rule",
        static_cast<double>(a.rule), "one of SelectRule");
  if (a.rule == SelectRule::chain_decay) check_pointer(a.feeder, where, "feeder");
  if (a.destination.size == 0) return;
  host::backend(stream.device()).rings(T{}).resample(stream, a);
}

void ring_advance(const Stream& stream, RingState* state, std::int32_t slots, std::int64_t steps) {
  const char* where = "ring_advance";
  check_pointer(state, where, "state");
  check(slots >= 1, where, "slots", slots, "at least 1");
  host::backend(stream.device()).ring_advance(stream, state, slots, steps % slots);
}

void count_outside(const Stream& stream, const float* values, std::int64_t size, float low,
                   float high, std::int64_t* partial_counts) {
  run_count_outside(stream, values, size, low, high, partial_counts);
}
void count_outside(const Stream& stream, const double* values, std::int64_t size, double low,
                   double high, std::int64_t* partial_counts) {
  run_count_outside(stream, values, size, low, high, partial_counts);
}

template void ring_select(const Stream&, const RingSelect<float>&);
template void ring_select(const Stream&, const RingSelect<double>&);
template void ring_select(const Stream&, const RingSelect<float16>&);
template void ring_select(const Stream&, const RingSelect<bfloat16>&);
template void ring_select(const Stream&, const RingSelect<bool>&);
template void ring_insert(const Stream&, const RingInsert<float>&);
template void ring_insert(const Stream&, const RingInsert<double>&);
template void ring_insert(const Stream&, const RingInsert<float16>&);
template void ring_insert(const Stream&, const RingInsert<bfloat16>&);
template void ring_insert(const Stream&, const RingInsert<bool>&);
template void ring_write(const Stream&, const RingWrite<float>&);
template void ring_write(const Stream&, const RingWrite<double>&);
template void ring_write(const Stream&, const RingWrite<float16>&);
template void ring_write(const Stream&, const RingWrite<bfloat16>&);
template void ring_write(const Stream&, const RingWrite<bool>&);
template void ring_read(const Stream&, const RingRead<float>&);
template void ring_read(const Stream&, const RingRead<double>&);
template void ring_read(const Stream&, const RingRead<float16>&);
template void ring_read(const Stream&, const RingRead<bfloat16>&);
template void ring_read(const Stream&, const RingRead<bool>&);
template void ring_regrid(const Stream&, const RingRegrid<float>&);
template void ring_regrid(const Stream&, const RingRegrid<double>&);
template void ring_regrid(const Stream&, const RingRegrid<float16>&);
template void ring_regrid(const Stream&, const RingRegrid<bfloat16>&);
template void ring_regrid(const Stream&, const RingRegrid<bool>&);
template void ring_resample(const Stream&, const RingResample<float>&);
template void ring_resample(const Stream&, const RingResample<double>&);
template void ring_resample(const Stream&, const RingResample<float16>&);
template void ring_resample(const Stream&, const RingResample<bfloat16>&);
template void ring_resample(const Stream&, const RingResample<bool>&);

}  // namespace cusynapse::ops
