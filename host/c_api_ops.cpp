// Level 2 in C: ops.hpp.
#include "cusynapse/ops.hpp"
#include "host/c_api.hpp"
#include "host/c_api_arguments.hpp"

using namespace cusynapse;
using namespace cusynapse::c_api;
using host::Where;

static_assert(CUSYNAPSE_GROUP_TILE == group_tile && CUSYNAPSE_COUNT_TILE == count_tile);

namespace {

template <class T>
Ring<T> ring_from(const cusynapse_ring& from) {
  Ring<T> to;
  to.data = static_cast<typename ElementTraits<T>::Stored*>(from.data);
  to.size = from.size;
  to.stride = from.stride;
  to.slots = from.slots;
  to.head = head_of(from.head);
  return to;
}

math::Position<double> position_from(const cusynapse_position& from) {
  return {from.older, from.newer, from.elapsed};
}

template <class T>
DecayInjectGroup<T> group_from(const Where& where, const cusynapse_decay_inject_group& from) {
  DecayInjectGroup<T> to;
  to.step = decay_inject_of<T>(where, from.step);
  to.input_offset = from.input_offset;
  to.first_tile = from.first_tile;
  to.tile_count = from.tile_count;
  return to;
}

template <class T>
RingSelect<T> from_c(const Where& where, const cusynapse_ring_select_arguments& from) {
  using Time = typename RingSelect<T>::Time;
  RingSelect<T> to;
  to.ring = ring_from<T>(from.ring);
  to.interpolation =
      enumerator(where, "interpolation", from.interpolation, Interpolation::exponential_rate_decay);
  to.constant = static_cast<Time>(from.constant);
  to.step_time = static_cast<Time>(from.step_time);
  to.tolerance = static_cast<Time>(from.tolerance);
  to.offset = static_cast<Time>(from.offset);
  to.times = static_cast<const Time*>(from.times);
  to.position = position_from(from.position);
  to.samples = from.samples;
  to.out = static_cast<typename RingSelect<T>::Value*>(from.out);
  return to;
}

template <class T>
RingInsert<T> from_c(const Where& where, const cusynapse_ring_insert_arguments& from) {
  using Time = typename RingInsert<T>::Time;
  RingInsert<T> to;
  to.ring = ring_from<T>(from.ring);
  to.extrapolation =
      enumerator(where, "extrapolation", from.extrapolation, Extrapolation::exponential_rate_decay);
  to.constant = static_cast<Time>(from.constant);
  to.adjust_scale = static_cast<Time>(from.adjust_scale);
  to.adjust_shift = static_cast<Time>(from.adjust_shift);
  to.step_time = static_cast<Time>(from.step_time);
  to.tolerance = static_cast<Time>(from.tolerance);
  to.offset = static_cast<Time>(from.offset);
  to.times = static_cast<const Time*>(from.times);
  to.position = position_from(from.position);
  to.values = static_cast<const typename RingInsert<T>::Value*>(from.values);
  return to;
}

template <class T>
RingWrite<T> from_c(const Where&, const cusynapse_ring_write_arguments& from) {
  RingWrite<T> to;
  to.ring = ring_from<T>(from.ring);
  to.values = static_cast<const typename RingWrite<T>::Value*>(from.values);
  to.frames = from.frames;
  to.element_stride = from.element_stride;
  to.frame_stride = from.frame_stride;
  to.steps_back = from.steps_back;
  to.advance = from.advance;
  return to;
}

template <class T>
RingRead<T> from_c(const Where&, const cusynapse_ring_read_arguments& from) {
  RingRead<T> to;
  to.ring = ring_from<T>(from.ring);
  to.out = static_cast<typename RingRead<T>::Value*>(from.out);
  to.frames = from.frames;
  to.element_stride = from.element_stride;
  to.frame_stride = from.frame_stride;
  to.steps_back = from.steps_back;
  return to;
}

template <class T>
RingRegrid<T> from_c(const Where&, const cusynapse_ring_regrid_arguments& from) {
  return {ring_from<T>(from.source), ring_from<T>(from.destination)};
}

template <class T>
RingResample<T> from_c(const Where& where, const cusynapse_ring_resample_arguments& from) {
  using Time = typename RingResample<T>::Time;
  RingResample<T> to;
  to.source = ring_from<T>(from.source);
  to.destination = ring_from<T>(from.destination);
  to.source_step = from.source_step;
  to.destination_step = from.destination_step;
  to.rule = enumerator(where, "rule", from.rule, SelectRule::chain_decay);
  to.time_constant = static_cast<Time>(from.time_constant);
  to.tolerance = static_cast<Time>(from.tolerance);
  to.feed_rate = static_cast<Time>(from.feed_rate);
  to.feeder = static_cast<const typename ElementTraits<T>::Stored*>(from.feeder);
  return to;
}

}  // namespace

int64_t cusynapse_slot_stride(int64_t size) { return slot_stride(size); }

cusynapse_status cusynapse_decay_inject(cusynapse_stream stream, cusynapse_dtype dtype,
                                        const cusynapse_decay_inject_arguments* arguments) {
  return real_call(__func__, stream, dtype, arguments, [&](auto& on, auto element, auto& where) {
    ops::decay_inject(on, decay_inject_of<decltype(element)>(where, *arguments));
  });
}

cusynapse_status cusynapse_decay_inject_group_size(cusynapse_dtype dtype, size_t* bytes) {
  return guarded(__func__, [&](const Where& where) {
    require(where, "bytes", bytes);
    with_real(where, dtype,
              [&](auto element) { *bytes = sizeof(DecayInjectGroup<decltype(element)>); });
  });
}

cusynapse_status cusynapse_decay_inject_group_pack(cusynapse_dtype dtype,
                                                   const cusynapse_decay_inject_group* group,
                                                   void* host_entry) {
  return guarded(__func__, [&](const Where& where) {
    require(where, "group", group);
    require(where, "host_entry", host_entry);
    with_real(where, dtype, [&](auto element) {
      const auto packed = group_from<decltype(element)>(where, *group);
      std::memcpy(host_entry, &packed, sizeof packed);
    });
  });
}

cusynapse_status cusynapse_decay_inject_grouped(
    cusynapse_stream stream, cusynapse_dtype dtype,
    const cusynapse_decay_inject_grouped_arguments* arguments) {
  return real_call(__func__, stream, dtype, arguments, [&](auto& on, auto element, auto& where) {
    using T = decltype(element);
    DecayInjectGroups<T> to;
    to.groups = static_cast<const DecayInjectGroup<T>*>(arguments->groups);
    to.tile_group = arguments->tile_group;
    to.tile_count = arguments->tile_count;
    to.input_kind = enumerator(where, "input_kind", arguments->input_kind, InputKind::bits);
    to.input = arguments->input;
    ops::decay_inject_grouped(on, to);
  });
}

cusynapse_status cusynapse_delayed_select(cusynapse_stream stream, cusynapse_dtype dtype,
                                          const cusynapse_delayed_select_arguments* arguments) {
  return real_call(__func__, stream, dtype, arguments, [&](auto& on, auto element, auto& where) {
    ops::delayed_select(on, delayed_select_of<decltype(element)>(where, *arguments));
  });
}

cusynapse_status cusynapse_spike_select(cusynapse_stream stream, cusynapse_dtype dtype,
                                        const cusynapse_spike_select_arguments* arguments) {
  return real_call(__func__, stream, dtype, arguments, [&](auto& on, auto element, auto&) {
    ops::spike_select(on, spike_select_of<decltype(element)>(*arguments));
  });
}

cusynapse_status cusynapse_ring_select(cusynapse_stream stream, cusynapse_dtype dtype,
                                       const cusynapse_ring_select_arguments* arguments) {
  return ring_call(__func__, stream, dtype, arguments, [&](auto& on, auto element, auto& where) {
    ops::ring_select(on, from_c<decltype(element)>(where, *arguments));
  });
}

cusynapse_status cusynapse_ring_insert(cusynapse_stream stream, cusynapse_dtype dtype,
                                       const cusynapse_ring_insert_arguments* arguments) {
  return ring_call(__func__, stream, dtype, arguments, [&](auto& on, auto element, auto& where) {
    ops::ring_insert(on, from_c<decltype(element)>(where, *arguments));
  });
}

cusynapse_status cusynapse_ring_write(cusynapse_stream stream, cusynapse_dtype dtype,
                                      const cusynapse_ring_write_arguments* arguments) {
  return ring_call(__func__, stream, dtype, arguments, [&](auto& on, auto element, auto& where) {
    ops::ring_write(on, from_c<decltype(element)>(where, *arguments));
  });
}

cusynapse_status cusynapse_ring_read(cusynapse_stream stream, cusynapse_dtype dtype,
                                     const cusynapse_ring_read_arguments* arguments) {
  return ring_call(__func__, stream, dtype, arguments, [&](auto& on, auto element, auto& where) {
    ops::ring_read(on, from_c<decltype(element)>(where, *arguments));
  });
}

cusynapse_status cusynapse_ring_regrid(cusynapse_stream stream, cusynapse_dtype dtype,
                                       const cusynapse_ring_regrid_arguments* arguments) {
  return ring_call(__func__, stream, dtype, arguments, [&](auto& on, auto element, auto& where) {
    ops::ring_regrid(on, from_c<decltype(element)>(where, *arguments));
  });
}

cusynapse_status cusynapse_ring_resample(cusynapse_stream stream, cusynapse_dtype dtype,
                                         const cusynapse_ring_resample_arguments* arguments) {
  return ring_call(__func__, stream, dtype, arguments, [&](auto& on, auto element, auto& where) {
    ops::ring_resample(on, from_c<decltype(element)>(where, *arguments));
  });
}

cusynapse_status cusynapse_ring_advance(cusynapse_stream stream, cusynapse_ring_state* state,
                                        int32_t slots, int64_t steps) {
  return guarded(__func__, [&](const Where& where) {
    const Stream on = stream_of(where, stream);
    ops::ring_advance(on, head_of(cusynapse_ring_head{state, 0}).state, slots, steps);
  });
}

cusynapse_status cusynapse_count_outside(cusynapse_stream stream, cusynapse_dtype dtype,
                                         const void* values, int64_t size, double low, double high,
                                         int64_t* partial_counts) {
  return guarded(__func__, [&](const Where& where) {
    const Stream on = stream_of(where, stream);
    with_real(where, dtype, [&](auto element) {
      using T = decltype(element);
      ops::count_outside(on, static_cast<const T*>(values), size, static_cast<T>(low),
                         static_cast<T>(high), partial_counts);
    });
  });
}
