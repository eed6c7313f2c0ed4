// Accumulators and updaters in C.
#include "cusynapse/updater.hpp"

#include <vector>

#include "host/c_api.hpp"
#include "host/c_api_objects.hpp"
#include "host/c_api_state.hpp"

using namespace cusynapse;
using namespace cusynapse::c_api;
using host::Where;

struct cusynapse_accumulator : Handle<Accumulator<float>, Accumulator<double>> {};

namespace {

using In = Array<cusynapse_const_array>;
using Out = Array<cusynapse_array>;

// An updater and the connection it refers to, which it keeps alive.
template <class T>
struct OwningUpdater {
  OwningUpdater(const Stream& stream, std::shared_ptr<Connection<T>> updated)
      : connection(std::move(updated)), updater(stream, *connection) {}
  OwningUpdater(const Stream& stream, std::shared_ptr<Connection<T>> updated,
                std::initializer_list<Parameter> parameters)
      : connection(std::move(updated)), updater(stream, *connection, parameters) {}

  std::vector<std::uint8_t> save(const Stream& stream) const { return updater.save(stream); }
  void load(const Stream& stream, StateBytes bytes) { updater.load(stream, bytes); }

  std::shared_ptr<Connection<T>> connection;
  Updater<T> updater;
};

cusynapse_update_bound bound_of(const UpdateBound<double>& bound) {
  return {number_of(bound.rule), bound.limit, bound.power, bound.range};
}

UpdateBound<double> bound_of(const Where& where, const char* what,
                             const cusynapse_update_bound& bound) {
  return {enumerator(where, what, bound.rule, BoundRule::sharp), bound.limit, bound.power,
          bound.range};
}

}  // namespace

struct cusynapse_updater : Handle<OwningUpdater<float>, OwningUpdater<double>> {};

cusynapse_status cusynapse_accumulator_info_init(cusynapse_accumulator_info* info,
                                                 size_t struct_size) {
  return init_struct(__func__, info, struct_size, cusynapse_accumulator_info());
}

cusynapse_status cusynapse_full_bounds(cusynapse_bound_rule rule, double minimum, double maximum,
                                       double upper_power, double lower_power,
                                       cusynapse_update_bounds* bounds) {
  return guarded(__func__, [&](const Where& where) {
    require(where, "bounds", bounds);
    const UpdateBounds made = full_bounds(enumerator(where, "rule", rule, BoundRule::sharp),
                                          minimum, maximum, upper_power, lower_power);
    *bounds = {bound_of(made.upper), bound_of(made.lower)};
  });
}

cusynapse_status cusynapse_accumulator_create(cusynapse_stream stream, cusynapse_dtype dtype,
                                              const cusynapse_shape* shape,
                                              cusynapse_accumulator** accumulator) {
  return guarded(__func__, [&](const Where& where) {
    require(where, "shape", shape);
    require(where, "accumulator", accumulator);
    const Shape of = shape_of(where, "shape", *shape);
    const Stream on = stream_of(where, stream);
    with_real(where, dtype, [&](auto element) {
      give(accumulator, std::make_shared<Accumulator<decltype(element)>>(on, of));
    });
  });
}

void cusynapse_accumulator_destroy(cusynapse_accumulator* accumulator) { delete accumulator; }

cusynapse_status cusynapse_accumulator_get_info(const cusynapse_accumulator* accumulator,
                                                cusynapse_accumulator_info* info) {
  return with(accumulator, __func__, [&](auto& object, const Where& where) {
    cusynapse_accumulator_info of = {};
    of.dtype = dtype_of<decltype(element_of(object))>();
    of.device = device_of(object.device());
    of.shape = shape_of(object.shape());
    write_struct(where, "info", info, of);
  });
}

cusynapse_status cusynapse_accumulator_get_bounds(const cusynapse_accumulator* accumulator,
                                                  cusynapse_update_bounds* bounds) {
  return with(accumulator, __func__, [&](auto& object, const Where& where) {
    require(where, "bounds", bounds);
    *bounds = {bound_of(object.bounds().upper), bound_of(object.bounds().lower)};
  });
}

cusynapse_status cusynapse_accumulator_set_bounds(cusynapse_accumulator* accumulator,
                                                  const cusynapse_update_bounds* bounds) {
  return with(accumulator, __func__, [&](auto& object, const Where& where) {
    require(where, "bounds", bounds);
    object.set_bounds({bound_of(where, "upper.rule", bounds->upper),
                       bound_of(where, "lower.rule", bounds->lower)});
  });
}

cusynapse_status cusynapse_accumulator_set_reduction(cusynapse_accumulator* accumulator,
                                                     cusynapse_stream stream,
                                                     cusynapse_update_reduction reduction) {
  return with(accumulator, __func__, [&](auto& object, const Where& where) {
    object.set_reduction(stream_of(where, stream),
                         enumerator(where, "reduction", reduction, UpdateReduction::maximum));
  });
}

cusynapse_status cusynapse_accumulator_set_reducer(cusynapse_accumulator* accumulator,
                                                   cusynapse_stream stream,
                                                   cusynapse_update_reducer reducer,
                                                   void* context) {
  return with(accumulator, __func__, [&](auto& object, const Where& where) {
    using T = decltype(element_of(object));
    if (reducer == nullptr) host::refuse(where, "reducer", "null", "not null");
    object.set_reduction(
        stream_of(where, stream),
        [reducer, context](const Stream& on, const std::vector<View<const T>>& parts, View<T> out) {
          std::vector<cusynapse_const_array> arrays;
          arrays.reserve(parts.size());
          for (const View<const T>& part : parts) arrays.push_back(array_of(part));
          const cusynapse_status status =
              reducer(context, c_api::stream_of(on), arrays.data(),
                      static_cast<std::int64_t>(arrays.size()), array_of(out));
          if (status == CUSYNAPSE_SUCCESS) return;
          throw CallbackFailed({"Accumulator", "update"}, "the reducer", status);
        });
  });
}

cusynapse_status cusynapse_accumulator_add_positive(cusynapse_accumulator* accumulator,
                                                    cusynapse_stream stream,
                                                    cusynapse_const_array part) {
  return with(accumulator, __func__, [&](auto& object, const Where& where) {
    object.add_positive(stream_of(where, stream), In(where, "part", part));
  });
}

cusynapse_status cusynapse_accumulator_add_negative(cusynapse_accumulator* accumulator,
                                                    cusynapse_stream stream,
                                                    cusynapse_const_array part) {
  return with(accumulator, __func__, [&](auto& object, const Where& where) {
    object.add_negative(stream_of(where, stream), In(where, "part", part));
  });
}

cusynapse_status cusynapse_accumulator_update(cusynapse_accumulator* accumulator,
                                              cusynapse_stream stream, cusynapse_array parameter) {
  return with(accumulator, __func__, [&](auto& object, const Where& where) {
    object.update(stream_of(where, stream), Out(where, "parameter", parameter));
  });
}

cusynapse_status cusynapse_accumulator_clear(cusynapse_accumulator* accumulator,
                                             cusynapse_stream stream) {
  return with(accumulator, __func__,
              [&](auto& object, const Where& where) { object.clear(stream_of(where, stream)); });
}

cusynapse_status cusynapse_accumulator_save(const cusynapse_accumulator* accumulator,
                                            cusynapse_stream stream, cusynapse_state** state) {
  return save(accumulator, __func__, stream, state);
}

cusynapse_status cusynapse_accumulator_load(cusynapse_accumulator* accumulator,
                                            cusynapse_stream stream, const uint8_t* data,
                                            size_t size) {
  return load(accumulator, __func__, stream, data, size);
}

cusynapse_status cusynapse_updater_create(cusynapse_stream stream, cusynapse_connection* connection,
                                          const cusynapse_parameter* parameters, int64_t count,
                                          cusynapse_updater** updater) {
  return with(connection, __func__, [&](auto& object, const Where& where) {
    using T = decltype(element_of(object));
    require(where, "updater", updater);
    host::check(count >= 0 && count <= 3, where, "count", static_cast<double>(count), "0 to 3");
    if (count > 0) require(where, "parameters", parameters);
    const auto at = [&](int i) { return parameter_of(where, parameters[i]); };
    const auto give_for = [&](auto... selected) {
      give(updater, std::make_shared<OwningUpdater<T>>(
                        stream_of(where, stream),
                        std::get<std::shared_ptr<Connection<T>>>(connection->object), selected...));
    };
    using Parameters = std::initializer_list<Parameter>;
    if (count == 1) return give_for(Parameters{at(0)});
    if (count == 2) return give_for(Parameters{at(0), at(1)});
    if (count == 3) return give_for(Parameters{at(0), at(1), at(2)});
    if (parameters == nullptr) return give_for();
    give_for(Parameters{});
  });
}

void cusynapse_updater_destroy(cusynapse_updater* updater) { delete updater; }

cusynapse_status cusynapse_updater_has(const cusynapse_updater* updater,
                                       cusynapse_parameter parameter, bool* has) {
  return with(updater, __func__, [&](auto& object, const Where& where) {
    require(where, "has", has);
    *has = object.updater.has(parameter_of(where, parameter));
  });
}

cusynapse_status cusynapse_updater_accumulator(cusynapse_updater* updater,
                                               cusynapse_parameter parameter,
                                               cusynapse_accumulator** accumulator) {
  return with(updater, __func__, [&](auto& object, const Where& where) {
    using T = decltype(element_of(object));
    require(where, "accumulator", accumulator);
    auto& found = object.updater[parameter_of(where, parameter)];
    const auto owner = std::get<std::shared_ptr<OwningUpdater<T>>>(updater->object);
    give(accumulator, std::shared_ptr<Accumulator<T>>(owner, &found));
  });
}

cusynapse_status cusynapse_updater_update(cusynapse_updater* updater, cusynapse_stream stream) {
  return with(updater, __func__, [&](auto& object, const Where& where) {
    object.updater.update(stream_of(where, stream));
  });
}

cusynapse_status cusynapse_updater_update_parameter(cusynapse_updater* updater,
                                                    cusynapse_stream stream,
                                                    cusynapse_parameter parameter) {
  return with(updater, __func__, [&](auto& object, const Where& where) {
    object.updater.update(stream_of(where, stream), parameter_of(where, parameter));
  });
}

cusynapse_status cusynapse_updater_clear(cusynapse_updater* updater, cusynapse_stream stream) {
  return with(updater, __func__, [&](auto& object, const Where& where) {
    object.updater.clear(stream_of(where, stream));
  });
}

cusynapse_status cusynapse_updater_save(const cusynapse_updater* updater, cusynapse_stream stream,
                                        cusynapse_state** state) {
  return save(updater, __func__, stream, state);
}

cusynapse_status cusynapse_updater_load(cusynapse_updater* updater, cusynapse_stream stream,
                                        const uint8_t* data, size_t size) {
  return load(updater, __func__, stream, data, size);
}
