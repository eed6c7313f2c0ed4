// Connections in C.
#include <algorithm>
#include <utility>

#include "cusynapse/connection.hpp"
#include "host/c_api.hpp"
#include "host/c_api_objects.hpp"
#include "host/c_api_state.hpp"

using namespace cusynapse;
using namespace cusynapse::c_api;
using host::Where;

namespace {

using In = Array<cusynapse_const_array>;
using Out = Array<cusynapse_array>;

cusynapse_connection_options options_of(const ConnectionOptions& options) {
  cusynapse_connection_options to = {};
  to.struct_size = sizeof to;
  to.biased = options.biased;
  to.has_delays = options.delay.has_value();
  to.delay = options.delay.value_or(0.0);
  to.step_time = options.step_time;
  to.batch_size = options.batch_size;
  to.seed = options.seed;
  to.weight_storage = number_of(options.weight_storage);
  return to;
}

ConnectionOptions read(const Where& where, const cusynapse_connection_options* given) {
  const auto from = read_struct(where, given, options_of(ConnectionOptions()));
  ConnectionOptions to;
  to.biased = from.biased;
  if (from.has_delays) to.delay = from.delay;
  to.step_time = from.step_time;
  to.batch_size = from.batch_size;
  to.seed = from.seed;
  to.weight_storage =
      enumerator(where, "weight_storage", from.weight_storage, StorageType::bfloat16);
  return to;
}

cusynapse_conv2d_options options_of(const Conv2DOptions& options) {
  cusynapse_conv2d_options to = {};
  to.struct_size = sizeof to;
  to.channels = options.channels;
  to.height = options.height;
  to.width = options.width;
  to.filters = options.filters;
  std::copy_n(options.kernel, 2, to.kernel);
  std::copy_n(options.stride, 2, to.stride);
  std::copy_n(options.padding, 2, to.padding);
  std::copy_n(options.dilation, 2, to.dilation);
  return to;
}

Conv2DOptions read(const Where& where, const cusynapse_conv2d_options* given) {
  require(where, "geometry", given);
  const auto from = read_struct(where, given, options_of(Conv2DOptions()));
  Conv2DOptions to;
  to.channels = from.channels;
  to.height = from.height;
  to.width = from.width;
  to.filters = from.filters;
  std::copy_n(from.kernel, 2, to.kernel);
  std::copy_n(from.stride, 2, to.stride);
  std::copy_n(from.padding, 2, to.padding);
  std::copy_n(from.dilation, 2, to.dilation);
  return to;
}

Shape read(const Where& where, const char* what, const cusynapse_shape* shape) {
  require(where, what, shape);
  return shape_of(where, what, *shape);
}

Output output_of(const Where& where, cusynapse_output output) {
  return enumerator(where, "output", output, Output::accumulate);
}

// What a connection's synapse is made of.
struct SynapseSource {
  const cusynapse_model* model;
  const cusynapse_synapse_options* defaults;
};

template <class T>
SynapseFactory<T> factory_of(const Where& where, const SynapseSource& source) {
  require(where, "model", source.model);
  return [where, &model = *source.model, defaults = synapse_options(where, source.defaults)](
             const Stream& stream, const Shape& shape, double step_time, double delay,
             std::int64_t batch_size) -> std::unique_ptr<Synapse<T>> {
    SynapseOptions options = defaults;
    options.shape = shape;
    options.step_time = step_time;
    options.delay = delay;
    options.batch_size = batch_size;
    return make_synapse<T>(where, stream, options, model);
  };
}

// Makes a `Class` from a stream, a geometry, which `geometry(where)` gives as a tuple, options and
// a model.
template <template <class> class Class, class Geometry>
cusynapse_status create(const char* function, cusynapse_stream stream, cusynapse_dtype dtype,
                        const cusynapse_connection_options* options, const SynapseSource& source,
                        cusynapse_connection** connection, const Geometry& geometry) noexcept {
  return guarded(function, [&](const Where& where) {
    require(where, "connection", connection);
    const ConnectionOptions read_options = read(where, options);
    const Stream on = stream_of(where, stream);
    const auto make = [&](auto element, const auto&... extents) {
      using T = decltype(element);
      give(connection, std::shared_ptr<Connection<T>>(std::make_shared<Class<T>>(
                           on, extents..., read_options, factory_of<T>(where, source))));
    };
    with_real(where, dtype, [&](auto element) { geometry(where, element, make); });
  });
}

// The same over a synapse there is.
template <template <class> class Class, class... Geometry>
void create_shared(const Where& where, cusynapse_stream stream, cusynapse_synapse* synapse,
                   bool biased, uint64_t seed, cusynapse_connection** connection,
                   const Geometry&... geometry) {
  require(where, "synapse", synapse);
  require(where, "connection", connection);
  const Stream on = stream_of(where, stream);
  std::visit(
      [&](const auto& shared) {
        using T = decltype(element_of(*shared));
        give(connection, std::shared_ptr<Connection<T>>(
                             std::make_shared<Class<T>>(on, geometry..., shared, biased, seed)));
      },
      synapse->object);
}

// Runs `body(element)` for arrays of the connection's type or of bytes.
template <class T, class Body>
void with_values_or_bytes(const Where& where, const char* what, cusynapse_dtype dtype,
                          const Body& body) {
  with_type<T, std::uint8_t>(where, what, dtype, body);
}

}  // namespace

cusynapse_status cusynapse_connection_options_init(cusynapse_connection_options* options,
                                                   size_t struct_size) {
  return init_struct(__func__, options, struct_size, options_of(ConnectionOptions()));
}

cusynapse_status cusynapse_conv2d_options_init(cusynapse_conv2d_options* options,
                                               size_t struct_size) {
  return init_struct(__func__, options, struct_size, options_of(Conv2DOptions()));
}

cusynapse_status cusynapse_connection_info_init(cusynapse_connection_info* info,
                                                size_t struct_size) {
  return init_struct(__func__, info, struct_size, cusynapse_connection_info());
}

cusynapse_status cusynapse_linear_dense_create(cusynapse_stream stream, cusynapse_dtype dtype,
                                               const cusynapse_shape* input,
                                               const cusynapse_shape* output,
                                               const cusynapse_connection_options* options,
                                               const cusynapse_model* model,
                                               const cusynapse_synapse_options* synapse_defaults,
                                               cusynapse_connection** connection) {
  return create<LinearDense>(__func__, stream, dtype, options, {model, synapse_defaults},
                             connection, [&](auto& where, auto element, auto& make) {
                               make(element, read(where, "input", input),
                                    read(where, "output", output));
                             });
}

cusynapse_status cusynapse_linear_direct_create(cusynapse_stream stream, cusynapse_dtype dtype,
                                                const cusynapse_shape* shape,
                                                const cusynapse_connection_options* options,
                                                const cusynapse_model* model,
                                                const cusynapse_synapse_options* synapse_defaults,
                                                cusynapse_connection** connection) {
  return create<LinearDirect>(
      __func__, stream, dtype, options, {model, synapse_defaults}, connection,
      [&](auto& where, auto element, auto& make) { make(element, read(where, "shape", shape)); });
}

cusynapse_status cusynapse_linear_lateral_create(cusynapse_stream stream, cusynapse_dtype dtype,
                                                 const cusynapse_shape* shape,
                                                 const cusynapse_connection_options* options,
                                                 const cusynapse_model* model,
                                                 const cusynapse_synapse_options* synapse_defaults,
                                                 cusynapse_connection** connection) {
  return create<LinearLateral>(
      __func__, stream, dtype, options, {model, synapse_defaults}, connection,
      [&](auto& where, auto element, auto& make) { make(element, read(where, "shape", shape)); });
}

cusynapse_status cusynapse_conv2d_create(cusynapse_stream stream, cusynapse_dtype dtype,
                                         const cusynapse_conv2d_options* geometry,
                                         const cusynapse_connection_options* options,
                                         const cusynapse_model* model,
                                         const cusynapse_synapse_options* synapse_defaults,
                                         cusynapse_connection** connection) {
  return create<Conv2D>(
      __func__, stream, dtype, options, {model, synapse_defaults}, connection,
      [&](auto& where, auto element, auto& make) { make(element, read(where, geometry)); });
}

cusynapse_status cusynapse_linear_dense_create_shared(cusynapse_stream stream,
                                                      const cusynapse_shape* output,
                                                      cusynapse_synapse* synapse, bool biased,
                                                      uint64_t seed,
                                                      cusynapse_connection** connection) {
  return guarded(__func__, [&](const Where& where) {
    create_shared<LinearDense>(where, stream, synapse, biased, seed, connection,
                               read(where, "output", output));
  });
}

cusynapse_status cusynapse_linear_direct_create_shared(cusynapse_stream stream,
                                                       cusynapse_synapse* synapse, bool biased,
                                                       uint64_t seed,
                                                       cusynapse_connection** connection) {
  return guarded(__func__, [&](const Where& where) {
    create_shared<LinearDirect>(where, stream, synapse, biased, seed, connection);
  });
}

cusynapse_status cusynapse_linear_lateral_create_shared(cusynapse_stream stream,
                                                        cusynapse_synapse* synapse, bool biased,
                                                        uint64_t seed,
                                                        cusynapse_connection** connection) {
  return guarded(__func__, [&](const Where& where) {
    create_shared<LinearLateral>(where, stream, synapse, biased, seed, connection);
  });
}

cusynapse_status cusynapse_conv2d_create_shared(cusynapse_stream stream,
                                                const cusynapse_conv2d_options* geometry,
                                                cusynapse_synapse* synapse, bool biased,
                                                uint64_t seed, cusynapse_connection** connection) {
  return guarded(__func__, [&](const Where& where) {
    create_shared<Conv2D>(where, stream, synapse, biased, seed, connection, read(where, geometry));
  });
}

void cusynapse_connection_destroy(cusynapse_connection* connection) { delete connection; }

cusynapse_status cusynapse_connection_get_info(const cusynapse_connection* connection,
                                               cusynapse_connection_info* info) {
  return with(connection, __func__, [&](auto& object, const Where& where) {
    cusynapse_connection_info of = {};
    of.dtype = dtype_of<decltype(element_of(object))>();
    of.device = device_of(object.device());
    of.name = object.name();
    of.batch_size = object.batch_size();
    of.step_time = object.step_time();
    of.biased = object.biased();
    of.has_delays = object.delayed_by().has_value();
    of.is_delayed = object.is_delayed();
    of.delayed_by = object.delayed_by().value_or(0.0);
    of.weight_storage = number_of(object.weight_storage());
    of.input_shape = shape_of(object.input_shape());
    of.output_shape = shape_of(object.output_shape());
    of.synaptic_shape = shape_of(object.synaptic_shape());
    of.weight_shape = shape_of(object.weight_shape());
    of.bias_shape = shape_of(object.bias_shape());
    of.selector_shape = shape_of(object.selector_shape());
    of.synaptic_selection_shape = shape_of(object.synaptic_selection_shape());
    write_struct(where, "info", info, of);
  });
}

cusynapse_status cusynapse_connection_synapse(cusynapse_connection* connection,
                                              cusynapse_synapse** synapse) {
  return with(connection, __func__, [&](auto& object, const Where& where) {
    using T = decltype(element_of(object));
    require(where, "synapse", synapse);
    // All synapses of C are of this class.
    auto& found = dynamic_cast<CurrentSynapse<T>&>(object.synapse());
    const auto owner = std::get<std::shared_ptr<Connection<T>>>(connection->object);
    give(synapse, std::shared_ptr<CurrentSynapse<T>>(owner, &found));
  });
}

cusynapse_status cusynapse_connection_has(const cusynapse_connection* connection,
                                          cusynapse_parameter parameter, bool* has) {
  return with(connection, __func__, [&](auto& object, const Where& where) {
    require(where, "has", has);
    *has = object.has(parameter_of(where, parameter));
  });
}

cusynapse_status cusynapse_connection_get(const cusynapse_connection* connection,
                                          cusynapse_parameter parameter,
                                          cusynapse_const_array* values) {
  return with(connection, __func__, [&](auto& object, const Where& where) {
    require(where, "values", values);
    *values = array_of(object.get(parameter_of(where, parameter)));
  });
}

cusynapse_status cusynapse_connection_edit(cusynapse_connection* connection,
                                           cusynapse_parameter parameter, cusynapse_array* values) {
  return with(connection, __func__, [&](auto& object, const Where& where) {
    require(where, "values", values);
    *values = array_of(object.edit(parameter_of(where, parameter)));
  });
}

cusynapse_status cusynapse_connection_set(cusynapse_connection* connection, cusynapse_stream stream,
                                          cusynapse_parameter parameter,
                                          cusynapse_const_array values) {
  return with(connection, __func__, [&](auto& object, const Where& where) {
    object.set(stream_of(where, stream), parameter_of(where, parameter),
               In(where, "values", values));
  });
}

cusynapse_status cusynapse_connection_set_from_host(cusynapse_connection* connection,
                                                    cusynapse_stream stream,
                                                    cusynapse_parameter parameter,
                                                    cusynapse_const_array host_values) {
  return with(connection, __func__, [&](auto& object, const Where& where) {
    const Parameter of = parameter_of(where, parameter);
    object.set_from_host(stream_of(where, stream), of,
                         host_copy<decltype(element_of(object))>(where, "host_values", host_values,
                                                                 object.parameter_shape(of)));
  });
}

cusynapse_status cusynapse_connection_to_host(const cusynapse_connection* connection,
                                              cusynapse_stream stream,
                                              cusynapse_parameter parameter,
                                              cusynapse_array host_values) {
  return with(connection, __func__, [&](auto& object, const Where& where) {
    const Parameter of = parameter_of(where, parameter);
    copy_out(where, "host_values", object.to_host(stream_of(where, stream), of), host_values,
             object.parameter_shape(of));
  });
}

cusynapse_status cusynapse_connection_forward(cusynapse_connection* connection,
                                              cusynapse_stream stream, cusynapse_const_array input,
                                              cusynapse_array out, cusynapse_output output,
                                              const cusynapse_const_array* injected,
                                              int64_t injected_count) {
  return with(connection, __func__, [&](auto& object, const Where& where) {
    const Injections<decltype(element_of(object))> injections(where, injected, injected_count);
    object.forward(stream_of(where, stream), In(where, "input", input), Out(where, "out", out),
                   output_of(where, output), injections);
  });
}

cusynapse_status cusynapse_connection_sum(cusynapse_connection* connection, cusynapse_stream stream,
                                          cusynapse_array out, cusynapse_output output) {
  return with(connection, __func__, [&](auto& object, const Where& where) {
    object.sum(stream_of(where, stream), Out(where, "out", out), output_of(where, output));
  });
}

cusynapse_status cusynapse_connection_forward_sequence(cusynapse_connection* connection,
                                                       cusynapse_stream stream,
                                                       cusynapse_const_array inputs,
                                                       cusynapse_array out,
                                                       cusynapse_output output) {
  return with(connection, __func__, [&](auto& object, const Where& where) {
    object.forward_sequence(stream_of(where, stream), In(where, "inputs", inputs),
                            Out(where, "out", out), output_of(where, output));
  });
}

cusynapse_status cusynapse_connection_reserve_sequence(cusynapse_connection* connection,
                                                       cusynapse_stream stream, int64_t steps) {
  return with(connection, __func__, [&](auto& object, const Where& where) {
    object.reserve_sequence(stream_of(where, stream), steps);
  });
}

cusynapse_status cusynapse_connection_prepare(cusynapse_connection* connection,
                                              cusynapse_stream stream) {
  return with(connection, __func__,
              [&](auto& object, const Where& where) { object.prepare(stream_of(where, stream)); });
}

cusynapse_status cusynapse_connection_refresh(cusynapse_connection* connection,
                                              cusynapse_stream stream) {
  return with(connection, __func__,
              [&](auto& object, const Where& where) { object.refresh(stream_of(where, stream)); });
}

cusynapse_status cusynapse_connection_out_of_range_delays(const cusynapse_connection* connection,
                                                          cusynapse_stream stream, int64_t* count) {
  return with(connection, __func__, [&](auto& object, const Where& where) {
    require(where, "count", count);
    *count = object.out_of_range_delays(stream_of(where, stream));
  });
}

cusynapse_status cusynapse_connection_clamp_delays(cusynapse_connection* connection,
                                                   cusynapse_stream stream) {
  return with(connection, __func__, [&](auto& object, const Where& where) {
    object.clamp_delays(stream_of(where, stream));
  });
}

cusynapse_status cusynapse_connection_clear(cusynapse_connection* connection,
                                            cusynapse_stream stream) {
  return with(connection, __func__,
              [&](auto& object, const Where& where) { object.clear(stream_of(where, stream)); });
}

cusynapse_status cusynapse_connection_set_batch_size(cusynapse_connection* connection,
                                                     cusynapse_stream stream, int64_t batch_size) {
  return with(connection, __func__, [&](auto& object, const Where& where) {
    object.set_batch_size(stream_of(where, stream), batch_size);
  });
}

cusynapse_status cusynapse_connection_set_step_time(cusynapse_connection* connection,
                                                    cusynapse_stream stream, double step_time,
                                                    cusynapse_history_change change) {
  return with(connection, __func__, [&](auto& object, const Where& where) {
    object.set_step_time(stream_of(where, stream), step_time, change_of(where, change));
  });
}

cusynapse_status cusynapse_connection_set_delayed_by(cusynapse_connection* connection,
                                                     cusynapse_stream stream, double delay,
                                                     cusynapse_history_change change) {
  return with(connection, __func__, [&](auto& object, const Where& where) {
    object.set_delayed_by(stream_of(where, stream), delay, change_of(where, change));
  });
}

cusynapse_status cusynapse_connection_set_weight_storage(cusynapse_connection* connection,
                                                         cusynapse_stream stream,
                                                         cusynapse_storage_type storage) {
  return with(connection, __func__, [&](auto& object, const Where& where) {
    object.set_weight_storage(stream_of(where, stream),
                              enumerator(where, "storage", storage, StorageType::bfloat16));
  });
}

cusynapse_status cusynapse_connection_selector(const cusynapse_connection* connection,
                                               cusynapse_stream stream, cusynapse_array out) {
  return with(connection, __func__, [&](auto& object, const Where& where) {
    object.selector(stream_of(where, stream), Out(where, "out", out));
  });
}

cusynapse_status cusynapse_connection_syncurrent(const cusynapse_connection* connection,
                                                 cusynapse_stream stream, cusynapse_array out) {
  return with(connection, __func__, [&](auto& object, const Where& where) {
    object.syncurrent(stream_of(where, stream), Out(where, "out", out));
  });
}

cusynapse_status cusynapse_connection_synspike(const cusynapse_connection* connection,
                                               cusynapse_stream stream, cusynapse_array out) {
  return with(connection, __func__, [&](auto& object, const Where& where) {
    object.synspike(stream_of(where, stream), Out(where, "out", out));
  });
}

cusynapse_status cusynapse_connection_like_synaptic(const cusynapse_connection* connection,
                                                    cusynapse_stream stream,
                                                    cusynapse_const_array input,
                                                    cusynapse_array out) {
  return with(connection, __func__, [&](auto& object, const Where& where) {
    using T = decltype(element_of(object));
    with_values_or_bytes<T>(where, "element type of input", input.dtype, [&](auto element) {
      const View<const decltype(element)> from = In(where, "input", input);
      const View<decltype(element)> to = Out(where, "out", out);
      object.like_synaptic(stream_of(where, stream), from, to);
    });
  });
}

cusynapse_status cusynapse_connection_like_input(const cusynapse_connection* connection,
                                                 cusynapse_stream stream,
                                                 cusynapse_const_array synaptic,
                                                 cusynapse_array out) {
  return with(connection, __func__, [&](auto& object, const Where& where) {
    object.like_input(stream_of(where, stream), In(where, "synaptic", synaptic),
                      Out(where, "out", out));
  });
}

cusynapse_status cusynapse_connection_like_bias(const cusynapse_connection* connection,
                                                cusynapse_const_array values,
                                                cusynapse_const_array* out) {
  return with(connection, __func__, [&](auto& object, const Where& where) {
    require(where, "out", out);
    *out = array_of(object.like_bias(In(where, "values", values)));
  });
}

cusynapse_status cusynapse_connection_presyn_receptive_shape(const cusynapse_connection* connection,
                                                             const cusynapse_shape* synaptic,
                                                             cusynapse_shape* shape) {
  return with(connection, __func__, [&](auto& object, const Where& where) {
    require(where, "shape", shape);
    *shape = shape_of(object.presyn_receptive_shape(read(where, "synaptic", synaptic)));
  });
}

cusynapse_status cusynapse_connection_presyn_receptive(const cusynapse_connection* connection,
                                                       cusynapse_stream stream,
                                                       cusynapse_const_array synaptic,
                                                       cusynapse_array out) {
  return with(connection, __func__, [&](auto& object, const Where& where) {
    using T = decltype(element_of(object));
    with_values_or_bytes<T>(where, "element type of synaptic", synaptic.dtype, [&](auto element) {
      const View<const decltype(element)> from = In(where, "synaptic", synaptic);
      const View<decltype(element)> to = Out(where, "out", out);
      object.presyn_receptive(stream_of(where, stream), from, to);
    });
  });
}

cusynapse_status cusynapse_connection_postsyn_receptive(const cusynapse_connection* connection,
                                                        cusynapse_const_array output,
                                                        cusynapse_const_array* out) {
  return with(connection, __func__, [&](auto& object, const Where& where) {
    using T = decltype(element_of(object));
    require(where, "out", out);
    with_values_or_bytes<T>(where, "element type of output", output.dtype, [&](auto element) {
      const View<const decltype(element)> from = In(where, "output", output);
      *out = array_of(object.postsyn_receptive(from));
    });
  });
}

cusynapse_status cusynapse_connection_save(const cusynapse_connection* connection,
                                           cusynapse_stream stream, cusynapse_state** state) {
  return save(connection, __func__, stream, state);
}

cusynapse_status cusynapse_connection_load(cusynapse_connection* connection,
                                           cusynapse_stream stream, const uint8_t* data,
                                           size_t size) {
  return load(connection, __func__, stream, data, size);
}

cusynapse_status cusynapse_connection_create_from_state(cusynapse_stream stream,
                                                        const uint8_t* data, size_t size,
                                                        cusynapse_connection** connection) {
  return guarded(__func__, [&](const Where& where) {
    create_from_state<float, double>(where, stream, data, size, "connection", connection,
                                     [](auto element, const Stream& on, StateBytes bytes) {
                                       return load_connection<decltype(element)>(on, bytes);
                                     });
  });
}

cusynapse_status cusynapse_connection_create_shared_from_state(cusynapse_stream stream,
                                                               const uint8_t* data, size_t size,
                                                               cusynapse_synapse* synapse,
                                                               cusynapse_connection** connection) {
  return guarded(__func__, [&](const Where& where) {
    require(where, "synapse", synapse);
    require(where, "connection", connection);
    const Stream on = stream_of(where, stream);
    const StateBytes bytes = bytes_of(where, data, size);
    std::visit(
        [&](const auto& shared) {
          using T = decltype(element_of(*shared));
          give(connection, std::shared_ptr<Connection<T>>(load_connection<T>(on, bytes, shared)));
        },
        synapse->object);
  });
}
