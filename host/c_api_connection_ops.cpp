// Level 2 in C: connection_ops.hpp.
#include "cusynapse/connection_ops.hpp"
#include "host/c_api.hpp"
#include "host/c_api_arguments.hpp"

using namespace cusynapse;
using namespace cusynapse::c_api;
using host::Where;

namespace {

template <class T>
CurrentSource<T> source_from(const Where& where, const cusynapse_current_source& from) {
  CurrentSource<T> to;
  to.kind = enumerator(where, "source.kind", from.kind, SourceKind::bytes);
  to.trace_count = from.trace_count;
  copy_traces(where, from, to.traces);
  copy_numbers(from.weight, to.weight);
  to.spikes = from.spikes;
  to.amplitude = static_cast<T>(from.amplitude);
  to.stride = from.stride;
  to.slots = from.slots;
  to.head = head_of(from.head);
  return to;
}

template <class T>
PlannedWeights<T> plan_from(const Where& where, const cusynapse_planned_weights& from) {
  PlannedWeights<T> to;
  copy_stored(where, from.storage, from.weights, to.weights);
  to.width = enumerator(where, "plan.width", from.width, SlotWidth::word);
  to.slots = from.slots;
  to.delay_slots = from.delay_slots;
  to.overbound = static_cast<T>(from.overbound);
  return to;
}

ConvolutionGeometry geometry_from(const cusynapse_convolution_geometry& from) {
  ConvolutionGeometry to;
  to.channels = from.channels;
  to.height = from.height;
  to.width = from.width;
  to.filters = from.filters;
  copy_numbers(from.kernel, to.kernel);
  copy_numbers(from.stride, to.stride);
  copy_numbers(from.padding, to.padding);
  copy_numbers(from.dilation, to.dilation);
  to.out_height = from.out_height;
  to.out_width = from.out_width;
  return to;
}

template <class T>
DelayPlan<T> from_c(const Where& where, const cusynapse_delay_plan_arguments& from) {
  DelayPlan<T> to;
  to.select = delayed_select_of<T>(where, from.select);
  to.rows = from.rows;
  to.columns = from.columns;
  to.is_tiled = from.is_tiled;
  to.weights = static_cast<const T*>(from.weights);
  to.delays = static_cast<const T*>(from.delays);
  to.width = enumerator(where, "width", from.width, SlotWidth::word);
  to.slots = from.slots;
  copy_stored(where, from.storage, from.planned, to.planned);
  return to;
}

template <class T>
DelayedDense<T> from_c(const Where& where, const cusynapse_delayed_dense_arguments& from) {
  DelayedDense<T> to;
  to.source = source_from<T>(where, from.source);
  to.plan = plan_from<T>(where, from.plan);
  to.inputs = from.inputs;
  to.outputs = from.outputs;
  to.batch = from.batch;
  to.steps = from.steps;
  to.bias = static_cast<const T*>(from.bias);
  to.accumulates = from.accumulates;
  to.out = static_cast<T*>(from.out);
  to.workspace = from.workspace;
  to.workspace_bytes = from.workspace_bytes;
  return to;
}

template <class T>
DelayedDirect<T> from_c(const Where& where, const cusynapse_delayed_direct_arguments& from) {
  DelayedDirect<T> to;
  to.source = source_from<T>(where, from.source);
  to.plan = plan_from<T>(where, from.plan);
  to.size = from.size;
  to.batch = from.batch;
  to.bias = static_cast<const T*>(from.bias);
  to.accumulates = from.accumulates;
  to.out = static_cast<T*>(from.out);
  return to;
}

template <class T>
DelayedConv2D<T> from_c(const Where& where, const cusynapse_delayed_conv2d_arguments& from) {
  DelayedConv2D<T> to;
  to.source = source_from<T>(where, from.source);
  to.plan = plan_from<T>(where, from.plan);
  to.geometry = geometry_from(from.geometry);
  to.batch = from.batch;
  to.bias = static_cast<const T*>(from.bias);
  to.accumulates = from.accumulates;
  to.out = static_cast<T*>(from.out);
  return to;
}

template <class T>
SynapticSelect<T> from_c(const Where& where, const cusynapse_synaptic_select_arguments& from) {
  SynapticSelect<T> to;
  to.layout = enumerator(where, "layout", from.layout, SynapticLayout::convolution);
  to.batch = from.batch;
  to.inputs = from.inputs;
  to.outputs = from.outputs;
  to.geometry = geometry_from(from.geometry);
  to.delays = static_cast<const T*>(from.delays);
  to.source = source_from<T>(where, from.source);
  to.select = delayed_select_of<T>(where, from.select);
  to.values = static_cast<T*>(from.values);
  to.bytes = from.bytes;
  return to;
}

template <class V>
SynapticCopyArguments<V> from_c(const Where& where, const cusynapse_synaptic_copy_arguments& from) {
  SynapticCopyArguments<V> to;
  to.copy = enumerator(where, "copy", from.copy, SynapticCopy::transpose);
  to.layout = enumerator(where, "layout", from.layout, SynapticLayout::convolution);
  to.batch = from.batch;
  to.rows = from.rows;
  to.columns = from.columns;
  to.geometry = geometry_from(from.geometry);
  to.in = static_cast<const V*>(from.in);
  to.out = static_cast<V*>(from.out);
  return to;
}

}  // namespace

cusynapse_status cusynapse_slot_width_of(int32_t slots, cusynapse_slot_width* width) {
  return guarded(__func__, [&](const Where& where) {
    require(where, "width", width);
    *width = number_of(slot_width(slots));
  });
}

int64_t cusynapse_dense_plan_size(int64_t inputs, int64_t outputs) {
  return dense_plan_size(inputs, outputs);
}

cusynapse_status cusynapse_delay_plan(cusynapse_stream stream, cusynapse_dtype dtype,
                                      const cusynapse_delay_plan_arguments* arguments) {
  return real_call(__func__, stream, dtype, arguments, [&](auto& on, auto element, auto& where) {
    ops::delay_plan(on, from_c<decltype(element)>(where, *arguments));
  });
}

cusynapse_status cusynapse_dense_workspace_bytes(cusynapse_device device, cusynapse_dtype dtype,
                                                 const cusynapse_delayed_dense_arguments* arguments,
                                                 size_t* bytes) {
  return guarded(__func__, [&](const Where& where) {
    require(where, "arguments", arguments);
    require(where, "bytes", bytes);
    const Device on = device_of(where, device);
    with_real(where, dtype, [&](auto element) {
      *bytes = ops::dense_workspace_bytes(on, from_c<decltype(element)>(where, *arguments));
    });
  });
}

cusynapse_status cusynapse_delayed_dense(cusynapse_stream stream, cusynapse_dtype dtype,
                                         const cusynapse_delayed_dense_arguments* arguments) {
  return real_call(__func__, stream, dtype, arguments, [&](auto& on, auto element, auto& where) {
    ops::delayed_dense(on, from_c<decltype(element)>(where, *arguments));
  });
}

cusynapse_status cusynapse_delayed_direct(cusynapse_stream stream, cusynapse_dtype dtype,
                                          const cusynapse_delayed_direct_arguments* arguments) {
  return real_call(__func__, stream, dtype, arguments, [&](auto& on, auto element, auto& where) {
    ops::delayed_direct(on, from_c<decltype(element)>(where, *arguments));
  });
}

cusynapse_status cusynapse_delayed_conv2d(cusynapse_stream stream, cusynapse_dtype dtype,
                                          const cusynapse_delayed_conv2d_arguments* arguments) {
  return real_call(__func__, stream, dtype, arguments, [&](auto& on, auto element, auto& where) {
    ops::delayed_conv2d(on, from_c<decltype(element)>(where, *arguments));
  });
}

cusynapse_status cusynapse_synaptic_select(cusynapse_stream stream, cusynapse_dtype dtype,
                                           const cusynapse_synaptic_select_arguments* arguments) {
  return real_call(__func__, stream, dtype, arguments, [&](auto& on, auto element, auto& where) {
    ops::synaptic_select(on, from_c<decltype(element)>(where, *arguments));
  });
}

cusynapse_status cusynapse_synaptic_copy(cusynapse_stream stream, cusynapse_dtype dtype,
                                         const cusynapse_synaptic_copy_arguments* arguments) {
  return typed_call<float, double, std::uint8_t>(
      __func__, stream, dtype, arguments, [&](auto& on, auto element, auto& where) {
        ops::synaptic_copy(on, from_c<decltype(element)>(where, *arguments));
      });
}

cusynapse_status cusynapse_zero_diagonal(cusynapse_stream stream, cusynapse_dtype dtype,
                                         void* matrix, int64_t size) {
  return guarded(__func__, [&](const Where& where) {
    const Stream on = stream_of(where, stream);
    with_real(where, dtype, [&](auto element) {
      ops::zero_diagonal(on, static_cast<decltype(element)*>(matrix), size);
    });
  });
}

cusynapse_status cusynapse_clamp(cusynapse_stream stream, cusynapse_dtype dtype, void* values,
                                 int64_t size, double low, double high) {
  return guarded(__func__, [&](const Where& where) {
    const Stream on = stream_of(where, stream);
    with_real(where, dtype, [&](auto element) {
      using T = decltype(element);
      ops::clamp(on, static_cast<T*>(values), size, static_cast<T>(low), static_cast<T>(high));
    });
  });
}
