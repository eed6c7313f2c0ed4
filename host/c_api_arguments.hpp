// Argument structs of level 2 between C and C++, where objects hand them out as well.
#pragma once

#include <algorithm>

#include "cusynapse/ops.hpp"
#include "host/c_api.hpp"

namespace cusynapse::c_api {

/// Numbers, rounded once.
template <class From, class To, std::size_t n>
void copy_numbers(const From (&from)[n], To (&to)[n]) {
  std::transform(from, from + n, to, [](From value) { return static_cast<To>(value); });
}

/// Pointers to elements, which are void in C.
template <class From, class To, std::size_t n>
void copy_pointers(From* const (&from)[n], To* (&to)[n]) {
  std::transform(from, from + n, to, [](From* pointer) { return static_cast<To*>(pointer); });
}

/// Traces or planned weights, which are void in C and of a storage that is given once.
template <class Pointer, class T>
void copy_stored(const host::Where& where, cusynapse_storage_type type,
                 const Pointer (&from)[max_traces], StoredData<T> (&to)[max_traces]) {
  const StorageType storage = enumerator(where, "storage", type, StorageType::bfloat16);
  for (int k = 0; k < max_traces; ++k) to[k] = StoredData<T>(from[k], storage);
}
template <class From, class T>
void copy_traces(const host::Where& where, const From& from, StoredData<T> (&to)[max_traces]) {
  copy_stored(where, from.storage, from.traces, to);
}
template <class T, class To>
void copy_traces(const StoredData<T> (&from)[max_traces], To& to) {
  for (int k = 0; k < max_traces; ++k) to.traces[k] = from[k].data();
  to.storage = number_of(from[0].storage());
}

/// A call of level 2: `body(stream, element, where)` for the element type among `Types` that
/// `dtype` names.
template <class... Types, class Body>
cusynapse_status typed_call(const char* function, cusynapse_stream stream, cusynapse_dtype dtype,
                            const void* arguments, const Body& body) noexcept {
  return guarded(function, [&](const host::Where& where) {
    require(where, "arguments", arguments);
    const Stream on = stream_of(where, stream);
    with_type<Types...>(where, "dtype", dtype, [&](auto element) { body(on, element, where); });
  });
}

/// A call on rings, of any element type there is.
template <class Body>
cusynapse_status ring_call(const char* function, cusynapse_stream stream, cusynapse_dtype dtype,
                           const void* arguments, const Body& body) noexcept {
  return typed_call<float, double, float16, bfloat16, bool>(function, stream, dtype, arguments,
                                                            body);
}

template <class Body>
cusynapse_status real_call(const char* function, cusynapse_stream stream, cusynapse_dtype dtype,
                           const void* arguments, const Body& body) noexcept {
  return typed_call<float, double>(function, stream, dtype, arguments, body);
}

template <class T>
DecayInject<T> decay_inject_of(const host::Where& where,
                               const cusynapse_decay_inject_arguments& from) {
  DecayInject<T> to;
  to.dynamics = enumerator(where, "dynamics", from.dynamics, Dynamics::chain);
  to.trace_count = from.trace_count;
  copy_numbers(from.decay, to.decay);
  copy_numbers(from.gain, to.gain);
  to.feed = static_cast<T>(from.feed);
  copy_traces(where, from, to.traces);
  to.spikes = from.spikes;
  to.size = from.size;
  to.stride = from.stride;
  to.slots = from.slots;
  to.head = head_of(from.head);
  to.input_kind = enumerator(where, "input_kind", from.input_kind, InputKind::bits);
  to.input = from.input;
  to.input_stride = from.input_stride;
  to.steps = from.steps;
  copy_pointers(from.injected, to.injected);
  to.injected_count = from.injected_count;
  return to;
}

template <class T>
cusynapse_decay_inject_arguments decay_inject_of(const DecayInject<T>& from) {
  cusynapse_decay_inject_arguments to = {};
  to.dynamics = number_of(from.dynamics);
  to.trace_count = from.trace_count;
  copy_numbers(from.decay, to.decay);
  copy_numbers(from.gain, to.gain);
  to.feed = from.feed;
  copy_traces(from.traces, to);
  to.spikes = from.spikes;
  to.size = from.size;
  to.stride = from.stride;
  to.slots = from.slots;
  to.head = head_of(from.head);
  to.input_kind = number_of(from.input_kind);
  to.input = from.input;
  to.input_stride = from.input_stride;
  to.steps = from.steps;
  copy_pointers(from.injected, to.injected);
  to.injected_count = from.injected_count;
  return to;
}

template <class T>
DelayedSelect<T> delayed_select_of(const host::Where& where,
                                   const cusynapse_delayed_select_arguments& from) {
  DelayedSelect<T> to;
  to.rule = enumerator(where, "rule", from.rule, SelectRule::chain_decay);
  to.trace_count = from.trace_count;
  copy_traces(where, from, to.traces);
  copy_numbers(from.time_constant, to.time_constant);
  to.feed_rate = static_cast<T>(from.feed_rate);
  copy_numbers(from.weight, to.weight);
  to.size = from.size;
  to.stride = from.stride;
  to.slots = from.slots;
  to.head = head_of(from.head);
  to.step_time = static_cast<T>(from.step_time);
  to.tolerance = static_cast<T>(from.tolerance);
  to.limit = static_cast<T>(from.limit);
  to.has_overbound = from.has_overbound;
  to.overbound = static_cast<T>(from.overbound);
  to.selector = static_cast<const T*>(from.selector);
  to.samples = from.samples;
  to.out = static_cast<T*>(from.out);
  return to;
}

template <class T>
cusynapse_delayed_select_arguments delayed_select_of(const DelayedSelect<T>& from) {
  cusynapse_delayed_select_arguments to = {};
  to.rule = number_of(from.rule);
  to.trace_count = from.trace_count;
  copy_traces(from.traces, to);
  copy_numbers(from.time_constant, to.time_constant);
  to.feed_rate = from.feed_rate;
  copy_numbers(from.weight, to.weight);
  to.size = from.size;
  to.stride = from.stride;
  to.slots = from.slots;
  to.head = head_of(from.head);
  to.step_time = from.step_time;
  to.tolerance = from.tolerance;
  to.limit = from.limit;
  to.has_overbound = from.has_overbound;
  to.overbound = from.overbound;
  to.selector = from.selector;
  to.samples = from.samples;
  to.out = from.out;
  return to;
}

template <class T>
SpikeSelect<T> spike_select_of(const cusynapse_spike_select_arguments& from) {
  SpikeSelect<T> to;
  to.nearest = from.nearest;
  to.spikes = from.spikes;
  to.size = from.size;
  to.stride = from.stride;
  to.slots = from.slots;
  to.head = head_of(from.head);
  to.step_time = static_cast<T>(from.step_time);
  to.tolerance = static_cast<T>(from.tolerance);
  to.limit = static_cast<T>(from.limit);
  to.has_overbound = from.has_overbound;
  to.overbound = static_cast<T>(from.overbound);
  to.selector = static_cast<const T*>(from.selector);
  to.samples = from.samples;
  to.amplitude = static_cast<T>(from.amplitude);
  to.values = static_cast<T*>(from.values);
  to.bytes = from.bytes;
  return to;
}

template <class T>
cusynapse_spike_select_arguments spike_select_of(const SpikeSelect<T>& from) {
  cusynapse_spike_select_arguments to = {};
  to.nearest = from.nearest;
  to.spikes = from.spikes;
  to.size = from.size;
  to.stride = from.stride;
  to.slots = from.slots;
  to.head = head_of(from.head);
  to.step_time = from.step_time;
  to.tolerance = from.tolerance;
  to.limit = from.limit;
  to.has_overbound = from.has_overbound;
  to.overbound = from.overbound;
  to.selector = from.selector;
  to.samples = from.samples;
  to.amplitude = from.amplitude;
  to.values = from.values;
  to.bytes = from.bytes;
  return to;
}

}  // namespace cusynapse::c_api
