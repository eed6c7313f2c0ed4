// Neurons in C.
#include "cusynapse/neuron.hpp"
#include "host/c_api.hpp"
#include "host/c_api_state.hpp"

using namespace cusynapse;
using namespace cusynapse::c_api;
using host::Where;

struct cusynapse_neuron : Handle<LeakyIntegrateAndFire<float>, LeakyIntegrateAndFire<double>> {};

namespace {

using In = Array<cusynapse_const_array>;
using Out = Array<cusynapse_array>;

cusynapse_neuron_options options_of(const NeuronOptions& options) {
  return {sizeof(cusynapse_neuron_options), shape_of(options.shape), options.batch_size,
          options.step_time};
}

NeuronOptions read(const Where& where, const cusynapse_neuron_options* given) {
  require(where, "options", given);
  const auto from = read_struct(where, given, options_of(NeuronOptions()));
  return {shape_of(where, "shape", from.shape), from.batch_size, from.step_time};
}

cusynapse_leaky_integrate_and_fire_parameters parameters_of(
    const LeakyIntegrateAndFireParameters& p) {
  return {sizeof(cusynapse_leaky_integrate_and_fire_parameters),
          p.time_constant,
          p.rest_voltage,
          p.reset_voltage,
          p.threshold_voltage,
          p.refractory_period,
          p.resistance};
}

LeakyIntegrateAndFireParameters read(const Where& where,
                                     const cusynapse_leaky_integrate_and_fire_parameters* given) {
  const auto from = read_struct(where, given, parameters_of(LeakyIntegrateAndFireParameters()));
  return {from.time_constant,     from.rest_voltage,      from.reset_voltage,
          from.threshold_voltage, from.refractory_period, from.resistance};
}

}  // namespace

cusynapse_status cusynapse_neuron_options_init(cusynapse_neuron_options* options,
                                               size_t struct_size) {
  return init_struct(__func__, options, struct_size, options_of(NeuronOptions()));
}

cusynapse_status cusynapse_leaky_integrate_and_fire_parameters_init(
    cusynapse_leaky_integrate_and_fire_parameters* parameters, size_t struct_size) {
  return init_struct(__func__, parameters, struct_size,
                     parameters_of(LeakyIntegrateAndFireParameters()));
}

cusynapse_status cusynapse_neuron_info_init(cusynapse_neuron_info* info, size_t struct_size) {
  return init_struct(__func__, info, struct_size, cusynapse_neuron_info());
}

cusynapse_status cusynapse_leaky_integrate_and_fire_create(
    cusynapse_stream stream, cusynapse_dtype dtype, const cusynapse_neuron_options* options,
    const cusynapse_leaky_integrate_and_fire_parameters* parameters, cusynapse_neuron** neuron) {
  return guarded(__func__, [&](const Where& where) {
    require(where, "neuron", neuron);
    const NeuronOptions of = read(where, options);
    const LeakyIntegrateAndFireParameters constants = read(where, parameters);
    const Stream on = stream_of(where, stream);
    with_real(where, dtype, [&](auto element) {
      give(neuron, std::make_shared<LeakyIntegrateAndFire<decltype(element)>>(on, of, constants));
    });
  });
}

void cusynapse_neuron_destroy(cusynapse_neuron* neuron) { delete neuron; }

cusynapse_status cusynapse_neuron_get_options(const cusynapse_neuron* neuron,
                                              cusynapse_neuron_options* options) {
  return with(neuron, __func__, [&](auto& object, const Where& where) {
    write_struct(where, "options", options,
                 options_of({object.shape(), object.batch_size(), object.step_time()}));
  });
}

cusynapse_status cusynapse_neuron_get_info(const cusynapse_neuron* neuron,
                                           cusynapse_neuron_info* info) {
  return with(neuron, __func__, [&](auto& object, const Where& where) {
    cusynapse_neuron_info of = {};
    of.dtype = dtype_of<decltype(element_of(object))>();
    of.device = device_of(object.device());
    write_struct(where, "info", info, of);
  });
}

cusynapse_status cusynapse_neuron_get_parameters(
    const cusynapse_neuron* neuron, cusynapse_leaky_integrate_and_fire_parameters* parameters) {
  return with(neuron, __func__, [&](auto& object, const Where& where) {
    write_struct(where, "parameters", parameters, parameters_of(object.parameters()));
  });
}

cusynapse_status cusynapse_neuron_forward(cusynapse_neuron* neuron, cusynapse_stream stream,
                                          cusynapse_const_array current, cusynapse_array spikes) {
  return with(neuron, __func__, [&](auto& object, const Where& where) {
    object.forward(stream_of(where, stream), In(where, "current", current),
                   Out(where, "spikes", spikes));
  });
}

cusynapse_status cusynapse_neuron_voltage(const cusynapse_neuron* neuron, cusynapse_stream stream,
                                          cusynapse_array out) {
  return with(neuron, __func__, [&](auto& object, const Where& where) {
    object.voltage(stream_of(where, stream), Out(where, "out", out));
  });
}

cusynapse_status cusynapse_neuron_refractory_time(const cusynapse_neuron* neuron,
                                                  cusynapse_stream stream, cusynapse_array out) {
  return with(neuron, __func__, [&](auto& object, const Where& where) {
    object.refractory_time(stream_of(where, stream), Out(where, "out", out));
  });
}

cusynapse_status cusynapse_neuron_spike(const cusynapse_neuron* neuron, cusynapse_stream stream,
                                        cusynapse_array out) {
  return with(neuron, __func__, [&](auto& object, const Where& where) {
    object.spike(stream_of(where, stream), Out(where, "out", out));
  });
}

cusynapse_status cusynapse_neuron_set_voltage(cusynapse_neuron* neuron, cusynapse_stream stream,
                                              cusynapse_const_array voltage) {
  return with(neuron, __func__, [&](auto& object, const Where& where) {
    object.set_voltage(stream_of(where, stream), In(where, "voltage", voltage));
  });
}

cusynapse_status cusynapse_neuron_clear(cusynapse_neuron* neuron, cusynapse_stream stream) {
  return with(neuron, __func__,
              [&](auto& object, const Where& where) { object.clear(stream_of(where, stream)); });
}

cusynapse_status cusynapse_neuron_set_batch_size(cusynapse_neuron* neuron, cusynapse_stream stream,
                                                 int64_t batch_size) {
  return with(neuron, __func__, [&](auto& object, const Where& where) {
    object.set_batch_size(stream_of(where, stream), batch_size);
  });
}

cusynapse_status cusynapse_neuron_set_step_time(cusynapse_neuron* neuron, cusynapse_stream stream,
                                                double step_time) {
  return with(neuron, __func__, [&](auto& object, const Where& where) {
    object.set_step_time(stream_of(where, stream), step_time);
  });
}

cusynapse_status cusynapse_neuron_step_arguments(
    cusynapse_neuron* neuron, cusynapse_leaky_integrate_and_fire_arguments* arguments) {
  return with(neuron, __func__, [&](auto& object, const Where& where) {
    require(where, "arguments", arguments);
    const auto from = object.step_arguments();
    cusynapse_leaky_integrate_and_fire_arguments to = {};
    to.decay = from.decay;
    to.gain = from.gain;
    to.rest_voltage = from.rest_voltage;
    to.reset_voltage = from.reset_voltage;
    to.threshold_voltage = from.threshold_voltage;
    to.refractory_steps = from.refractory_steps;
    to.size = from.size;
    to.current = from.current;
    to.voltage = from.voltage;
    to.refractory = from.refractory;
    to.spikes = from.spikes;
    *arguments = to;
  });
}

cusynapse_status cusynapse_neuron_save(const cusynapse_neuron* neuron, cusynapse_stream stream,
                                       cusynapse_state** state) {
  return save(neuron, __func__, stream, state);
}

cusynapse_status cusynapse_neuron_load(cusynapse_neuron* neuron, cusynapse_stream stream,
                                       const uint8_t* data, size_t size) {
  return load(neuron, __func__, stream, data, size);
}

cusynapse_status cusynapse_neuron_create_from_state(cusynapse_stream stream, const uint8_t* data,
                                                    size_t size, cusynapse_neuron** neuron) {
  return guarded(__func__, [&](const Where& where) {
    create_from_state<float, double>(where, stream, data, size, "neuron", neuron,
                                     [](auto element, const Stream& on, StateBytes bytes) {
                                       return load_object<LeakyIntegrateAndFire<decltype(element)>>(
                                           on, bytes);
                                     });
  });
}
