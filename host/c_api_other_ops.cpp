// Level 2 in C: neuron_ops.hpp, update_ops.hpp, projection_ops.hpp.
#include "cusynapse/neuron_ops.hpp"
#include "cusynapse/projection_ops.hpp"
#include "cusynapse/update_ops.hpp"
#include "host/c_api.hpp"
#include "host/c_api_arguments.hpp"

using namespace cusynapse;
using namespace cusynapse::c_api;
using host::Where;

static_assert(CUSYNAPSE_LARGEST_HARDWARE_WEIGHT == largest_hardware_weight);
static_assert(sizeof(cusynapse_update_state) == sizeof(UpdateState) &&
              offsetof(cusynapse_update_state, parts) == offsetof(UpdateState, parts) &&
              offsetof(cusynapse_update_state, arrivals) == offsetof(UpdateState, arrivals));

namespace {

template <class T>
LeakyIntegrateAndFireStep<T> from_c(const Where&,
                                    const cusynapse_leaky_integrate_and_fire_arguments& from) {
  LeakyIntegrateAndFireStep<T> to;
  to.decay = static_cast<T>(from.decay);
  to.gain = static_cast<T>(from.gain);
  to.rest_voltage = static_cast<T>(from.rest_voltage);
  to.reset_voltage = static_cast<T>(from.reset_voltage);
  to.threshold_voltage = static_cast<T>(from.threshold_voltage);
  to.refractory_steps = from.refractory_steps;
  to.size = from.size;
  to.current = static_cast<const T*>(from.current);
  to.voltage = static_cast<T*>(from.voltage);
  to.refractory = from.refractory;
  to.spikes = from.spikes;
  return to;
}

template <class T>
RefractoryRead<T> from_c(const Where&, const cusynapse_refractory_read_arguments& from) {
  RefractoryRead<T> to;
  to.refractory = from.refractory;
  to.size = from.size;
  to.step_time = static_cast<T>(from.step_time);
  to.time_left = static_cast<T*>(from.time_left);
  to.spikes = from.spikes;
  return to;
}

UpdateState* state_from(cusynapse_update_state* state) {
  return reinterpret_cast<UpdateState*>(state);
}

template <class T>
AccumulatePart<T> from_c(const Where& where, const cusynapse_accumulate_part_arguments& from) {
  AccumulatePart<T> to;
  to.side = enumerator(where, "side", from.side, UpdateSide::negative);
  to.reduction = enumerator(where, "reduction", from.reduction, UpdateReduction::maximum);
  to.size = from.size;
  to.part = static_cast<const T*>(from.part);
  to.accumulated = static_cast<T*>(from.accumulated);
  to.state = state_from(from.state);
  return to;
}

template <class T>
UpdateBound<T> bound_from(const Where& where, const cusynapse_update_bound& from) {
  UpdateBound<T> to;
  to.rule = enumerator(where, "rule of a bound", from.rule, BoundRule::sharp);
  to.limit = static_cast<T>(from.limit);
  to.power = static_cast<T>(from.power);
  to.range = static_cast<T>(from.range);
  return to;
}

template <class T>
ParameterUpdate<T> from_c(const Where& where, const cusynapse_parameter_update_arguments& from) {
  ParameterUpdate<T> to;
  to.size = from.size;
  to.parameter = static_cast<T*>(from.parameter);
  to.positive = static_cast<const T*>(from.positive);
  to.negative = static_cast<const T*>(from.negative);
  to.reduction = enumerator(where, "reduction", from.reduction, UpdateReduction::maximum);
  to.state = state_from(from.state);
  to.upper = bound_from<T>(where, from.upper);
  to.lower = bound_from<T>(where, from.lower);
  return to;
}

template <class T>
LinearSaturating<T> from_c(const Where&, const cusynapse_linear_saturating_arguments& from) {
  LinearSaturating<T> to;
  to.values = static_cast<const T*>(from.values);
  to.size = from.size;
  to.scale = static_cast<T>(from.scale);
  to.minimum = static_cast<T>(from.minimum);
  to.maximum = static_cast<T>(from.maximum);
  to.out = static_cast<T*>(from.out);
  return to;
}

template <class T>
HardwareImage<T> from_c(const Where&, const cusynapse_hardware_image_arguments& from) {
  return {static_cast<const T*>(from.values), from.size, from.excitatory, from.inhibitory};
}

template <class T>
MaskedCopy<T> from_c(const Where&, const cusynapse_masked_copy_arguments& from) {
  return {static_cast<const T*>(from.values), from.mask, from.size, static_cast<T*>(from.out)};
}

template <class T>
TransposedPlan<T> from_c(const Where&, const cusynapse_transposed_plan_arguments& from) {
  return {from.inputs, from.outputs, static_cast<const T*>(from.weights),
          static_cast<T*>(from.planned)};
}

template <class T>
OuterProduct<T> from_c(const Where& where, const cusynapse_outer_product_arguments& from) {
  OuterProduct<T> to;
  to.rows = from.rows;
  to.outputs = from.outputs;
  to.inputs = from.inputs;
  to.left = static_cast<const T*>(from.left);
  to.right_kind = enumerator(where, "right_kind", from.right_kind, InputKind::bits);
  to.right = from.right;
  to.mask = from.mask;
  to.accumulates = from.accumulates;
  to.out = static_cast<T*>(from.out);
  return to;
}

}  // namespace

cusynapse_status cusynapse_leaky_integrate_and_fire(
    cusynapse_stream stream, cusynapse_dtype dtype,
    const cusynapse_leaky_integrate_and_fire_arguments* arguments) {
  return real_call(__func__, stream, dtype, arguments, [&](auto& on, auto element, auto& where) {
    ops::leaky_integrate_and_fire(on, from_c<decltype(element)>(where, *arguments));
  });
}

cusynapse_status cusynapse_refractory_read(cusynapse_stream stream, cusynapse_dtype dtype,
                                           const cusynapse_refractory_read_arguments* arguments) {
  return real_call(__func__, stream, dtype, arguments, [&](auto& on, auto element, auto& where) {
    ops::refractory_read(on, from_c<decltype(element)>(where, *arguments));
  });
}

cusynapse_status cusynapse_accumulate_part(cusynapse_stream stream, cusynapse_dtype dtype,
                                           const cusynapse_accumulate_part_arguments* arguments) {
  return real_call(__func__, stream, dtype, arguments, [&](auto& on, auto element, auto& where) {
    ops::accumulate_part(on, from_c<decltype(element)>(where, *arguments));
  });
}

cusynapse_status cusynapse_parameter_update(cusynapse_stream stream, cusynapse_dtype dtype,
                                            const cusynapse_parameter_update_arguments* arguments) {
  return real_call(__func__, stream, dtype, arguments, [&](auto& on, auto element, auto& where) {
    ops::parameter_update(on, from_c<decltype(element)>(where, *arguments));
  });
}

cusynapse_status cusynapse_linear_saturating(
    cusynapse_stream stream, cusynapse_dtype dtype,
    const cusynapse_linear_saturating_arguments* arguments) {
  return real_call(__func__, stream, dtype, arguments, [&](auto& on, auto element, auto& where) {
    ops::linear_saturating(on, from_c<decltype(element)>(where, *arguments));
  });
}

cusynapse_status cusynapse_hardware_image(cusynapse_stream stream, cusynapse_dtype dtype,
                                          const cusynapse_hardware_image_arguments* arguments) {
  return real_call(__func__, stream, dtype, arguments, [&](auto& on, auto element, auto& where) {
    ops::hardware_image(on, from_c<decltype(element)>(where, *arguments));
  });
}

cusynapse_status cusynapse_masked_copy(cusynapse_stream stream, cusynapse_dtype dtype,
                                       const cusynapse_masked_copy_arguments* arguments) {
  return real_call(__func__, stream, dtype, arguments, [&](auto& on, auto element, auto& where) {
    ops::masked_copy(on, from_c<decltype(element)>(where, *arguments));
  });
}

cusynapse_status cusynapse_transposed_plan(cusynapse_stream stream, cusynapse_dtype dtype,
                                           const cusynapse_transposed_plan_arguments* arguments) {
  return real_call(__func__, stream, dtype, arguments, [&](auto& on, auto element, auto& where) {
    ops::transposed_plan(on, from_c<decltype(element)>(where, *arguments));
  });
}

cusynapse_status cusynapse_outer_product(cusynapse_stream stream, cusynapse_dtype dtype,
                                         const cusynapse_outer_product_arguments* arguments) {
  return real_call(__func__, stream, dtype, arguments, [&](auto& on, auto element, auto& where) {
    ops::outer_product(on, from_c<decltype(element)>(where, *arguments));
  });
}
