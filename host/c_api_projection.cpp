// Projections in C.
#include "cusynapse/projection.hpp"

#include <vector>

#include "host/c_api.hpp"
#include "host/c_api_state.hpp"

using namespace cusynapse;
using namespace cusynapse::c_api;
using host::Where;

struct cusynapse_projection : Handle<Projection<float>, Projection<double>> {};

namespace {

using In = Array<cusynapse_const_array>;
using Out = Array<cusynapse_array>;

// The defaults do not depend on the element type.
cusynapse_projection_options default_options() {
  const ProjectionOptions<float> options;
  cusynapse_projection_options to = {};
  to.struct_size = sizeof to;
  to.in_features = options.in_features;
  to.out_features = options.out_features;
  to.receptor = number_of(options.receptor);
  to.saturation_scale = options.saturation.scale;
  to.saturation_minimum = options.saturation.minimum;
  to.saturation_maximum = options.saturation.maximum;
  to.seed = options.seed;
  return to;
}

Receptor receptor_of(const Where& where, cusynapse_receptor receptor) {
  return enumerator(where, "receptor", receptor, Receptor::both);
}

Output output_of(const Where& where, const char* what, cusynapse_output output) {
  return enumerator(where, what, output, Output::accumulate);
}

template <class T>
ProjectionOptions<T> read(const Where& where, const cusynapse_projection_options* given) {
  const auto from = read_struct(where, given, default_options());
  ProjectionOptions<T> to;
  to.in_features = from.in_features;
  to.out_features = from.out_features;
  to.receptor = receptor_of(where, from.receptor);
  to.saturation = {from.saturation_scale, from.saturation_minimum, from.saturation_maximum};
  to.seed = from.seed;
  if (from.transform != nullptr) {
    to.transform = [transform = from.transform, context = from.transform_context](
                       const Stream& on, View<const T> weights, View<T> hardware_weights) {
      const cusynapse_status status =
          transform(context, c_api::stream_of(on), array_of(weights), array_of(hardware_weights));
      if (status == CUSYNAPSE_SUCCESS) return;
      throw CallbackFailed({"Projection", "hardware_image"}, "the transform", status);
    };
  }
  return to;
}

// Makes a projection with the mask, if any, that `mask(where, options)` gives for its options.
template <class... Mask>
cusynapse_status create(const char* function, cusynapse_stream stream, cusynapse_dtype dtype,
                        const cusynapse_projection_options* options,
                        cusynapse_projection** projection, const Mask&... mask) noexcept {
  return guarded(function, [&](const Where& where) {
    require(where, "options", options);
    require(where, "projection", projection);
    const Stream on = stream_of(where, stream);
    with_real(where, dtype, [&](auto element) {
      using T = decltype(element);
      const auto of = read<T>(where, options);
      give(projection, std::make_shared<Projection<T>>(on, of, mask(where, of)...));
    });
  });
}

}  // namespace

cusynapse_status cusynapse_projection_options_init(cusynapse_projection_options* options,
                                                   size_t struct_size) {
  return init_struct(__func__, options, struct_size, default_options());
}

cusynapse_status cusynapse_projection_info_init(cusynapse_projection_info* info,
                                                size_t struct_size) {
  return init_struct(__func__, info, struct_size, cusynapse_projection_info());
}

cusynapse_status cusynapse_projection_create(cusynapse_stream stream, cusynapse_dtype dtype,
                                             const cusynapse_projection_options* options,
                                             cusynapse_projection** projection) {
  return create(__func__, stream, dtype, options, projection);
}

cusynapse_status cusynapse_projection_create_masked(cusynapse_stream stream, cusynapse_dtype dtype,
                                                    const cusynapse_projection_options* options,
                                                    cusynapse_const_array mask,
                                                    cusynapse_projection** projection) {
  return create(__func__, stream, dtype, options, projection,
                [&](const Where& where, const auto&) -> View<const std::uint8_t> {
                  return In(where, "mask", mask);
                });
}

cusynapse_status cusynapse_projection_create_masked_from_host(
    cusynapse_stream stream, cusynapse_dtype dtype, const cusynapse_projection_options* options,
    cusynapse_const_array host_mask, cusynapse_projection** projection) {
  return create(__func__, stream, dtype, options, projection,
                [&](const Where& where, const auto& of) {
                  return host_copy<std::uint8_t>(where, "host_mask", host_mask,
                                                 Shape{of.in_features, of.out_features});
                });
}

void cusynapse_projection_destroy(cusynapse_projection* projection) { delete projection; }

cusynapse_status cusynapse_projection_get_info(const cusynapse_projection* projection,
                                               cusynapse_projection_info* info) {
  return with(projection, __func__, [&](auto& object, const Where& where) {
    cusynapse_projection_info of = {};
    of.dtype = dtype_of<decltype(element_of(object))>();
    of.device = device_of(object.device());
    of.in_features = object.in_features();
    of.out_features = object.out_features();
    of.receptor = number_of(object.receptor());
    of.is_masked = object.is_masked();
    of.changed_since_last_run = object.changed_since_last_run();
    write_struct(where, "info", info, of);
  });
}

cusynapse_status cusynapse_projection_weight(const cusynapse_projection* projection,
                                             cusynapse_const_array* weight) {
  return with(projection, __func__, [&](auto& object, const Where& where) {
    require(where, "weight", weight);
    *weight = array_of(object.weight());
  });
}

cusynapse_status cusynapse_projection_edit(cusynapse_projection* projection,
                                           cusynapse_array* weight) {
  return with(projection, __func__, [&](auto& object, const Where& where) {
    require(where, "weight", weight);
    *weight = array_of(object.edit());
  });
}

cusynapse_status cusynapse_projection_set(cusynapse_projection* projection, cusynapse_stream stream,
                                          cusynapse_const_array weights) {
  return with(projection, __func__, [&](auto& object, const Where& where) {
    object.set(stream_of(where, stream), In(where, "weights", weights));
  });
}

cusynapse_status cusynapse_projection_set_from_host(cusynapse_projection* projection,
                                                    cusynapse_stream stream,
                                                    cusynapse_const_array host_weights) {
  return with(projection, __func__, [&](auto& object, const Where& where) {
    object.set_from_host(stream_of(where, stream),
                         host_copy<decltype(element_of(object))>(
                             where, "host_weights", host_weights, object.weight_shape()));
  });
}

cusynapse_status cusynapse_projection_to_host(const cusynapse_projection* projection,
                                              cusynapse_stream stream,
                                              cusynapse_array host_weights) {
  return with(projection, __func__, [&](auto& object, const Where& where) {
    copy_out(where, "host_weights", object.to_host(stream_of(where, stream)), host_weights,
             object.weight_shape());
  });
}

cusynapse_status cusynapse_projection_reset_parameters(cusynapse_projection* projection,
                                                       cusynapse_stream stream, uint64_t seed) {
  return with(projection, __func__, [&](auto& object, const Where& where) {
    object.reset_parameters(stream_of(where, stream), seed);
  });
}

cusynapse_status cusynapse_projection_forward(cusynapse_projection* projection,
                                              cusynapse_stream stream, cusynapse_const_array spikes,
                                              cusynapse_array graded, cusynapse_output output) {
  return with(projection, __func__, [&](auto& object, const Where& where) {
    object.forward(stream_of(where, stream), In(where, "spikes", spikes),
                   Out(where, "graded", graded), output_of(where, "output", output));
  });
}

cusynapse_status cusynapse_projection_backward(cusynapse_projection* projection,
                                               cusynapse_stream stream, cusynapse_const_array grad,
                                               cusynapse_const_array spikes,
                                               cusynapse_array grad_spikes,
                                               cusynapse_array grad_weight,
                                               cusynapse_output grad_weight_output) {
  return with(projection, __func__, [&](auto& object, const Where& where) {
    object.backward(stream_of(where, stream), In(where, "grad", grad), In(where, "spikes", spikes),
                    Out(where, "grad_spikes", grad_spikes), Out(where, "grad_weight", grad_weight),
                    output_of(where, "grad_weight_output", grad_weight_output));
  });
}

cusynapse_status cusynapse_projection_prepare(cusynapse_projection* projection,
                                              cusynapse_stream stream) {
  return with(projection, __func__,
              [&](auto& object, const Where& where) { object.prepare(stream_of(where, stream)); });
}

cusynapse_status cusynapse_projection_hardware_image(const cusynapse_projection* projection,
                                                     cusynapse_stream stream,
                                                     cusynapse_array excitatory,
                                                     cusynapse_array inhibitory) {
  return with(projection, __func__, [&](auto& object, const Where& where) {
    object.hardware_image(stream_of(where, stream), Out(where, "excitatory", excitatory),
                          Out(where, "inhibitory", inhibitory));
  });
}

cusynapse_status cusynapse_projection_get_connections(const cusynapse_projection* projection,
                                                      cusynapse_stream stream,
                                                      cusynapse_receptor receptor,
                                                      cusynapse_placed_connection* connections,
                                                      int64_t capacity) {
  return with(projection, __func__, [&](auto& object, const Where& where) {
    require(where, "connections", connections);
    const std::int64_t count = object.weight_shape().size();
    if (capacity < count) {
      host::refuse(where, "capacity", std::to_string(capacity),
                   "at least " + std::to_string(count));
    }
    const std::vector<PlacedConnection> placed =
        object.get_connections(stream_of(where, stream), receptor_of(where, receptor));
    std::transform(placed.begin(), placed.end(), connections, [](const PlacedConnection& from) {
      return cusynapse_placed_connection{from.pre, from.post, from.weight};
    });
  });
}

cusynapse_status cusynapse_projection_reset_changed(cusynapse_projection* projection) {
  return with(projection, __func__, [&](auto& object, const Where&) { object.reset_changed(); });
}

cusynapse_status cusynapse_projection_save(const cusynapse_projection* projection,
                                           cusynapse_stream stream, cusynapse_state** state) {
  return save(projection, __func__, stream, state);
}

cusynapse_status cusynapse_projection_load(cusynapse_projection* projection,
                                           cusynapse_stream stream, const uint8_t* data,
                                           size_t size) {
  return load(projection, __func__, stream, data, size);
}

cusynapse_status cusynapse_projection_create_from_state(cusynapse_stream stream,
                                                        const uint8_t* data, size_t size,
                                                        cusynapse_projection** projection) {
  return guarded(__func__, [&](const Where& where) {
    create_from_state<float, double>(where, stream, data, size, "projection", projection,
                                     [](auto element, const Stream& on, StateBytes bytes) {
                                       return load_object<Projection<decltype(element)>>(on, bytes);
                                     });
  });
}
