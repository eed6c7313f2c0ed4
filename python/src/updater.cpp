// Updates of parameters.
#include "cusynapse/updater.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>

#include <algorithm>

#include "bindings.hpp"
#include "connection.hpp"
#include "state.hpp"

namespace cusynapse::python {
namespace {

using namespace nb::literals;

// An accumulator of either element type: its own, or one of an updater that it keeps alive.
struct AccumulatorObject {
  Either<Accumulator> accumulator;
  Callback reducer;  // the one the accumulator holds
};

struct UpdaterObject {
  Either<Updater> updater;
  nb::object connection;    // which the updater refers to
  nb::object accumulators;  // by name
};

int traverse_accumulator(PyObject* self, visitproc visitor, void* argument) {
  if (const int stop = visitor(reinterpret_cast<PyObject*>(Py_TYPE(self)), argument)) return stop;
  if (!nb::inst_ready(self)) return 0;
  return nb::inst_ptr<AccumulatorObject>(self)->reducer.traverse(visitor, argument);
}

int clear_accumulator(PyObject* self) {
  nb::inst_ptr<AccumulatorObject>(self)->reducer.clear();
  return 0;
}

int traverse_updater(PyObject* self, visitproc visitor, void* argument) {
  if (const int stop = visitor(reinterpret_cast<PyObject*>(Py_TYPE(self)), argument)) return stop;
  if (!nb::inst_ready(self)) return 0;
  const auto* updater = nb::inst_ptr<UpdaterObject>(self);
  if (const int stop = visitor(updater->connection.ptr(), argument)) return stop;
  return visitor(updater->accumulators.ptr(), argument);
}

// What the garbage collector sees: a reduction may refer to what holds it.
PyType_Slot accumulator_slots[] = {{Py_tp_traverse, reinterpret_cast<void*>(traverse_accumulator)},
                                   {Py_tp_clear, reinterpret_cast<void*>(clear_accumulator)},
                                   {0, nullptr}};
PyType_Slot updater_slots[] = {{Py_tp_traverse, reinterpret_cast<void*>(traverse_updater)},
                               {0, nullptr}};

// A function from a list of arrays to one.
using Reducer = nb::typed<nb::callable, Result(nb::typed<nb::list, Result>)>;

constexpr std::initializer_list<std::pair<const char*, BoundRule>> rules = {
    {"none", BoundRule::none},
    {"multiplicative", BoundRule::multiplicative},
    {"power", BoundRule::power},
    {"scaled_multiplicative", BoundRule::scaled_multiplicative},
    {"scaled_power", BoundRule::scaled_power},
    {"sharp", BoundRule::sharp}};

BoundRule to_rule(const std::string& word) {
  return choose<BoundRule>("UpdateBound", "rule", word, rules);
}

const char* name_of(BoundRule rule) {
  const auto* const found = std::find_if(rules.begin(), rules.end(),
                                         [&](const auto& pair) { return pair.second == rule; });
  return found->first;
}

// A reduction by a function of Python's: it is given copies of the parts and gives their reduction.
template <class T>
UpdateReducer<T> to_reducer(const Callback& callback) {
  return [callback](const Stream& stream, const std::vector<View<const T>>& parts, View<T> out) {
    const nb::gil_scoped_acquire acquired;
    nb::list arrays;
    for (const View<const T>& part : parts) arrays.append(copy_of(stream, part));
    call_into(callback, arrays, "Accumulator", "reduction", stream, out);
  };
}

void bind_bounds(nb::module_& module) {
  nb::class_<UpdateBound<double>> bound(
      module, "UpdateBound",
      "The bound of one side: what it is multiplied with, of the room r between the parameter "
      "before the\nupdate and limit.\n\nrule is 'none' (1), 'multiplicative' (r), 'power' "
      "(r**power), "
      "'scaled_multiplicative' (r / range),\n'scaled_power' ((r / range)**power) or 'sharp' (1 "
      "where "
      "r > 0, else 0).");
  bind_repr(bound, {"rule", "limit", "power", "range"});
  using Bound = std::tuple<std::string, double, double, double>;
  bound
      .def("__getstate__",
           [](const UpdateBound<double>& self) {
             return Bound(name_of(self.rule), self.limit, self.power, self.range);
           })
      .def("__setstate__",
           [](UpdateBound<double>* self, const Bound& state) {
             const auto& [rule, limit, power, range] = state;
             new (self) UpdateBound<double>{to_rule(rule), limit, power, range};
           })
      .def(
          "__init__",
          [](UpdateBound<double>* self, const std::string& rule, double limit, double power,
             double range) {
            new (self) UpdateBound<double>{to_rule(rule), limit, power, range};
          },
          "rule"_a = "none", "limit"_a = 0.0, nb::kw_only(), "power"_a = 1.0, "range"_a = 1.0)
      .def_prop_ro("rule", [](const UpdateBound<double>& self) { return name_of(self.rule); })
      .def_ro("limit", &UpdateBound<double>::limit)
      .def_ro("power", &UpdateBound<double>::power)
      .def_ro("range", &UpdateBound<double>::range);
  nb::class_<UpdateBounds> both(
      module, "UpdateBounds",
      "Bounds of the positive side (upper) and of the negative one (lower).");
  bind_repr(both, {"upper", "lower"});
  using Both = std::tuple<UpdateBound<double>, UpdateBound<double>>;
  both.def("__getstate__", [](const UpdateBounds& self) { return Both(self.upper, self.lower); })
      .def("__setstate__",
           [](UpdateBounds* self, const Both& state) {
             new (self) UpdateBounds{std::get<0>(state), std::get<1>(state)};
           })
      .def(nb::init<UpdateBound<double>, UpdateBound<double>>(), nb::kw_only(),
           "upper"_a = UpdateBound<double>(), "lower"_a = UpdateBound<double>())
      .def_ro("upper", &UpdateBounds::upper)
      .def_ro("lower", &UpdateBounds::lower);
  module.def(
      "full_bounds",
      [](const std::string& rule, double minimum, double maximum, double upper_power,
         double lower_power) {
        return full_bounds(to_rule(rule), minimum, maximum, upper_power, lower_power);
      },
      "rule"_a, "minimum"_a, "maximum"_a, nb::kw_only(), "upper_power"_a = 1.0,
      "lower_power"_a = 1.0, "The same rule on both sides, with range = maximum - minimum.");
}

void bind_accumulator(nb::module_& module) {
  using Self = AccumulatorObject;
  constexpr const char* name = "Accumulator";
  nb::class_<Self> bound(
      module, name, nb::type_slots(accumulator_slots),
      "Updates of one parameter: any number of positive and negative parts, then\nparameter + "
      "(upper bound(reduced positive parts) - lower bound(reduced negative parts)).");
  bound
      .def(
          "__init__",
          [](Self* self, const Extents& shape, const nb::object& dtype, const nb::object& device,
             StreamHandle stream) {
            Call call("Accumulator", "__init__", to_device(device), stream);
            with_element(to_element(dtype), [&]<class T>(std::type_identity<T>) {
              std::shared_ptr<Accumulator<T>> made;
              call.run([&](const Stream& on) {
                made = std::make_shared<Accumulator<T>>(on, shape.shape());
              });
              new (self) Self{{"Accumulator", std::move(made)}, {}};
            });
          },
          "shape"_a, nb::kw_only(), "dtype"_a = "float32", "device"_a = "cpu",
          "stream"_a = nb::none())
      .def_prop_ro("shape",
                   [](const Self& self) {
                     return visit(self.accumulator, [](const auto& a) { return a.shape(); });
                   })
      .def_prop_ro("bounds",
                   [](const Self& self) {
                     return visit(self.accumulator, [](const auto& a) { return a.bounds(); });
                   })
      .def_prop_ro("dtype", [](const Self& self) { return dtype_name(self.accumulator); })
      .def_prop_ro("device",
                   [](const Self& self) {
                     return visit(self.accumulator,
                                  [](const auto& a) { return to_string(a.device()); });
                   })
      .def(
          "set_reduction",
          [](Self& self, const std::variant<std::string, Reducer>& reduction, StreamHandle stream) {
            visit(self.accumulator, [&]<class T>(Accumulator<T>& accumulator) {
              Call call("Accumulator", "set_reduction", accumulator.device(), stream);
              if (const auto* function = std::get_if<Reducer>(&reduction)) {
                const Callback callback(*function);
                UpdateReducer<T> reducer = to_reducer<T>(callback);
                call.run(
                    [&](const Stream& on) { accumulator.set_reduction(on, std::move(reducer)); });
                self.reducer = callback;
                return;
              }
              const auto rule = choose<UpdateReduction>("Accumulator.set_reduction", "reduction",
                                                        std::get<std::string>(reduction),
                                                        {{"sum", UpdateReduction::sum},
                                                         {"mean", UpdateReduction::mean},
                                                         {"maximum", UpdateReduction::maximum}});
              call.run([&](const Stream& on) { accumulator.set_reduction(on, rule); });
              self.reducer = Callback();
            });
          },
          "reduction"_a, nb::kw_only(), "stream"_a = nb::none(),
          "How parts become one: 'sum', 'mean', 'maximum', or a function that is given a list of "
          "arrays (copies\nof the parts: NumPy's, on a GPU objects with __dlpack__) and returns "
          "one. Clears what was accumulated.")
      .def(
          "set_bounds",
          [](const Self& self, const UpdateBounds& bounds) {
            visit(self.accumulator, [&](auto& accumulator) { accumulator.set_bounds(bounds); });
          },
          "bounds"_a, "Bounds from the next update on.")
      .def(
          "update",
          [](const Self& self, const Array& parameter, StreamHandle stream) {
            visit(self.accumulator, [&]<class T>(Accumulator<T>& accumulator) {
              Call call("Accumulator", "update", accumulator.device(), stream);
              const auto written = call.out<T>(parameter, accumulator.shape(), "parameter");
              call.run([&](const Stream& on) { accumulator.update(on, written.view); });
            });
          },
          "parameter"_a, nb::kw_only(), "stream"_a = nb::none(),
          "Applies what was accumulated to an array, in place, then clears.")
      .def(
          "clear",
          [](const Self& self, StreamHandle stream) {
            visit(self.accumulator, [&](auto& accumulator) {
              Call call("Accumulator", "clear", accumulator.device(), stream);
              call.run([&](const Stream& on) { accumulator.clear(on); });
            });
          },
          nb::kw_only(), "stream"_a = nb::none(), "Forgets all parts.");

  bind_saving(bound, name, &Self::accumulator);
  bind_repr(bound, {"shape", "dtype", "device"});
  bound
      .def("__getstate__",
           [](const Self& self) {
             return visit(self.accumulator, [&](const auto& a) {
               return std::tuple(save(self.accumulator, "Accumulator", "__getstate__"), a.shape(),
                                 to_string(a.device()));
             });
           })
      .def(
          "__setstate__", [](Self* self, const std::tuple<nb::bytes, Extents, std::string>& state) {
            const auto& [bytes, shape, device] = state;
            new (self)
                Self{load_held<Either<Accumulator>>(
                         bytes, "Accumulator", to_device(nb::cast(device)), {},
                         [&shape]<class T>(std::type_identity<T>, const Stream& on, StateBytes of) {
                           auto made = std::make_shared<Accumulator<T>>(on, shape.shape());
                           made->load(on, of);
                           return made;
                         }),
                     {}};
          });

  const auto def_add = [&](const char* function, auto add, const char* about) {
    bound.def(
        function,
        [function, add](const Self& self, const Array& part, StreamHandle stream) {
          visit(self.accumulator, [&]<class T>(Accumulator<T>& accumulator) {
            Call call("Accumulator", function, accumulator.device(), stream);
            const View<const T> values = call.in<T>("part", part);
            call.run([&](const Stream& on) { add(accumulator, on, values); });
          });
        },
        "part"_a, nb::kw_only(), "stream"_a = nb::none(), about);
  };
  def_add(
      "add_positive", [](auto& a, auto& on, auto part) { a.add_positive(on, part); },
      "Takes a part into the positive side.");
  def_add(
      "add_negative", [](auto& a, auto& on, auto part) { a.add_negative(on, part); },
      "Takes a part into the negative side.");
}

template <class T>
std::shared_ptr<Updater<T>> make_updater(const Stream& stream, Connection<T>& connection,
                                         const std::optional<std::vector<Parameter>>& parameters) {
  if (!parameters) return std::make_shared<Updater<T>>(stream, connection);
  const auto make = [&](std::initializer_list<Parameter> list) {
    return std::make_shared<Updater<T>>(stream, connection, list);
  };
  const std::vector<Parameter>& p = *parameters;
  switch (p.size()) {
    case 0:
      return make({});
    case 1:
      return make({p[0]});
    case 2:
      return make({p[0], p[1]});
    case 3:
      return make({p[0], p[1], p[2]});
    default:
      throw Error(Errc::invalid_argument, "Updater.__init__: parameters has " +
                                              std::to_string(p.size()) +
                                              " names, expected up to 3");
  }
}

using Given = nb::pointer_and_handle<ConnectionObject>;
using Names = std::vector<std::string>;

// An updater and the objects of its accumulators.
UpdaterObject make_object(const Given& connection, const std::optional<Names>& parameters,
                          StreamHandle stream) {
  std::optional<std::vector<Parameter>> chosen;
  if (parameters) {
    chosen.emplace();
    for (const std::string& name : *parameters) {
      chosen->push_back(to_parameter("Updater.__init__", name));
    }
  }
  const std::shared_ptr<Guard>& guard = connection.p->connection.guard();
  return visit(connection.p->connection, [&]<class T>(Connection<T>& held) {
    Call call("Updater", "__init__", held.device(), stream);
    std::shared_ptr<Updater<T>> made;
    call.run([&](const Stream& on) { made = make_updater(on, held, chosen); });
    nb::dict accumulators;
    for (const auto& [parameter, word] :
         {std::pair{Parameter::weight, "weight"}, std::pair{Parameter::bias, "bias"},
          std::pair{Parameter::delay, "delay"}}) {
      if (!made->has(parameter)) continue;
      std::shared_ptr<Accumulator<T>> accumulator(made, &(*made)[parameter]);
      accumulators[word] =
          nb::cast(AccumulatorObject{{"Accumulator", std::move(accumulator), guard}, {}});
    }
    return UpdaterObject{
        {"Updater", std::move(made), guard}, nb::borrow(connection.h), accumulators};
  });
}

void bind_updater(nb::module_& module) {
  using Self = UpdaterObject;
  constexpr const char* where = "Updater";
  nb::class_<Self> bound(
      module, where, nb::type_slots(updater_slots),
      "Updates of a connection's parameters: an accumulator for each of them, updater['weight'].");
  bind_saving(bound, where, &Self::updater);
  bound
      .def("__repr__",
           [](const Self& self) {
             return nb::str("Updater(parameters={!r}, connection={!r})")
                 .format(nb::list(self.accumulators), self.connection);
           })
      .def("__getstate__",
           [](const Self& self) {
             return std::tuple(save(self.updater, where, "__getstate__"), self.connection,
                               nb::cast<Names>(nb::list(self.accumulators)));
           })
      .def("__setstate__",
           [](Self* self, const std::tuple<nb::bytes, Given, Names>& state) {
             const auto& [bytes, connection, parameters] = state;
             UpdaterObject made = make_object(connection, parameters, {});
             visit(made.updater, [&bytes = bytes](auto& updater) {
               Call call(where, "__setstate__", device_of(updater));
               call.run([&](const Stream& on) { updater.load(on, to_state(bytes)); });
             });
             new (self) Self(std::move(made));
           })
      .def(
          "__init__",
          [](Self* self, const Given& connection, const std::optional<Names>& parameters,
             StreamHandle stream) { new (self) Self(make_object(connection, parameters, stream)); },
          "connection"_a, "parameters"_a = nb::none(), nb::kw_only(), "stream"_a = nb::none(),
          "For these parameters, or for every one the connection has.")
      .def_prop_ro(
          "connection", [](const Self& self) { return self.connection; },
          nb::sig("def connection(self) -> Connection"))
      .def(
          "__contains__",
          [](const Self& self, const std::string& parameter) {
            const Parameter which = to_parameter("Updater", parameter);
            return visit(self.updater, [&](const auto& updater) { return updater.has(which); });
          },
          "parameter"_a)
      .def(
          "__getitem__",
          [](const Self& self, const std::string& parameter) {
            const Parameter which = to_parameter("Updater", parameter);
            // Names what is wrong where there is none.
            visit(self.updater, [&](const auto& updater) { static_cast<void>(updater[which]); });
            return nb::object(self.accumulators[parameter.c_str()]);
          },
          nb::sig("def __getitem__(self, parameter: str) -> Accumulator"), "parameter"_a,
          "The accumulator of 'weight', 'bias' or 'delay'.")
      .def(
          "update",
          [](const Self& self, const std::optional<std::string>& parameter, StreamHandle stream) {
            visit(self.updater, [&](auto& updater) {
              Call call("Updater", "update", updater.connection().device(), stream);
              if (!parameter) {
                call.run([&](const Stream& on) { updater.update(on); });
                return;
              }
              const Parameter which = to_parameter("Updater.update", *parameter);
              call.run([&](const Stream& on) { updater.update(on, which); });
            });
          },
          "parameter"_a = nb::none(), nb::kw_only(), "stream"_a = nb::none(),
          "Applies everything accumulated, to one parameter or to all, then clears it. Delays are "
          "not brought\ninto range: Connection.clamp_delays does so.")
      .def(
          "clear",
          [](const Self& self, StreamHandle stream) {
            visit(self.updater, [&](auto& updater) {
              Call call("Updater", "clear", updater.connection().device(), stream);
              call.run([&](const Stream& on) { updater.clear(on); });
            });
          },
          nb::kw_only(), "stream"_a = nb::none(), "Forgets everything accumulated.");
}

}  // namespace

void bind_updaters(nb::module_& module) {
  bind_bounds(module);
  bind_accumulator(module);
  bind_updater(module);
}

}  // namespace cusynapse::python
