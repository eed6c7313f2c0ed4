// Synapses and their models.
#include "synapse.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>

#include <string>

#include "bindings.hpp"
#include "cusynapse/models.hpp"
#include "state.hpp"

namespace cusynapse::python {
namespace {

using namespace nb::literals;

// A synapse of one model, for the class of its name.
template <template <class> class Model>
struct ModelObject : SynapseObject {};

template <template <class> class Model, class Visitor>
decltype(auto) visit_model(const ModelObject<Model>& object, Visitor&& visitor) {
  return visit(object.synapse, [&]<class T>(CurrentSynapse<T>& synapse) -> decltype(auto) {
    return visitor(static_cast<Model<T>&>(synapse));
  });
}

// A constant of a model: its name in Python and where it is.
template <class Parameters>
struct Constant {
  const char* name;
  double Parameters::*member;
};
template <class>
using Number = double;

// Makes synapses of T, whose storage may be one that T has not.
template <template <class> class Model, class T, class Parameters>
SynapseFactory<T> make_factory(const char* model, const Parameters& parameters,
                               const SynapseOptions& options, const StorageName& storage) {
  return [=](const Stream& stream, const Shape& shape, double step_time, double delay,
             std::int64_t batch_size) {
    SynapseOptions stored = options;
    stored.storage = to_storage<T>(model, "storage", storage);
    return Model<T>::factory(parameters, stored)(stream, shape, step_time, delay, batch_size);
  };
}

SynapseOptions make_options(const char* model, const std::string& interpolation, double tolerance,
                            std::optional<double> current_overbound,
                            std::optional<bool> spike_overbound) {
  SynapseOptions options;
  options.interpolation = choose<SpikeInterpolation>(
      model, "interpolation", interpolation,
      {{"previous", SpikeInterpolation::previous}, {"nearest", SpikeInterpolation::nearest}});
  options.tolerance = tolerance;
  options.current_overbound = current_overbound;
  options.spike_overbound = spike_overbound;
  return options;
}

constexpr const char* option_text =
    "\n\nshape is of one sample, step_time in ms, delay the largest that can be read, ms. Between "
    "two steps\nspikes are read by interpolation, 'previous' or 'nearest'; delays within tolerance "
    "(ms) of a step\ncount as on it. current_overbound and spike_overbound are read beyond the "
    "largest delay; None: the\nvalue at it. storage is the type traces are stored as: 'float16' or "
    "'bfloat16' of a float32 synapse,\nwhich takes half of the memory and rounds every trace each "
    "step; None: as dtype.";

template <template <class> class Model, class... Constants>
auto bind_model(nb::module_& module, const char* name, const char* about,
                const Constants&... constants) {
  using Parameters = typename Model<float>::Parameters;
  using Object = ModelObject<Model>;
  nb::class_<Object, SynapseObject> bound(module, name, (std::string(about) + option_text).c_str());
  bound.def(
      "__init__",
      [name](Object* self, const Extents& shape, double step_time, Number<Constants>... values,
             double delay, Integer batch_size, const std::string& interpolation, double tolerance,
             std::optional<double> current_overbound, std::optional<bool> spike_overbound,
             const nb::object& storage, const nb::object& dtype, const nb::object& device,
             StreamHandle stream) {
        SynapseOptions options =
            make_options(name, interpolation, tolerance, current_overbound, spike_overbound);
        options.shape = shape.shape();
        options.step_time = step_time;
        options.delay = delay;
        options.batch_size = batch_size;
        const StorageName storage_name = to_storage_name(storage);
        Call call(name, "__init__", to_device(device), stream);
        with_element(to_element(dtype), [&]<class T>(std::type_identity<T>) {
          options.storage = to_storage<T>(name, "storage", storage_name);
          std::shared_ptr<CurrentSynapse<T>> made;
          call.run([&](const Stream& on) {
            made = std::make_shared<Model<T>>(on, options, Parameters{values...});
          });
          new (self) Object{{{name, std::move(made)}}};
        });
      },
      "shape"_a, "step_time"_a = 1.0, nb::kw_only(), nb::arg(constants.name)..., "delay"_a = 0.0,
      "batch_size"_a = 1, "interpolation"_a = "previous", "tolerance"_a = 0.0,
      "current_overbound"_a.none() = 0.0, "spike_overbound"_a.none() = false,
      "storage"_a = nb::none(), "dtype"_a = "float32", "device"_a = "cpu", "stream"_a = nb::none());
  bound.def_static(
      "factory",
      [name, constants...](Number<Constants>... values, const std::string& interpolation,
                           double tolerance, std::optional<double> current_overbound,
                           std::optional<bool> spike_overbound, const nb::object& storage) {
        const StorageName storage_name = to_storage_name(storage);
        if (storage_name != "float64")
          to_storage<float>(name, "storage", storage_name);  // known at all
        Arguments arguments;
        ((arguments[constants.name] = values), ...);
        arguments["interpolation"] = interpolation;
        arguments["tolerance"] = tolerance;
        arguments["current_overbound"] = current_overbound;
        arguments["spike_overbound"] = spike_overbound;
        arguments["storage"] = storage_name;
        const SynapseOptions options =
            make_options(name, interpolation, tolerance, current_overbound, spike_overbound);
        const Parameters parameters{values...};
        return FactoryObject{name, arguments,
                             make_factory<Model, float>(name, parameters, options, storage_name),
                             make_factory<Model, double>(name, parameters, options, storage_name)};
      },
      nb::kw_only(), nb::arg(constants.name)..., "interpolation"_a = "previous",
      "tolerance"_a = 0.0, "current_overbound"_a.none() = 0.0, "spike_overbound"_a.none() = false,
      "storage"_a = nb::none(),
      "Makes synapses of this model and these constants: what connections and groups are given.");
  bound.def(
      "set_parameters",
      [](const Object& self, Number<Constants>... values) {
        visit_model(self, [&](auto& synapse) { synapse.set_parameters(Parameters{values...}); });
      },
      nb::kw_only(), nb::arg(constants.name)...,
      "Takes other constants: the step and the interpolation change together, the history stays.");
  (bound.def_prop_ro(constants.name,
                     [member = constants.member](const Object& self) {
                       return visit_model(
                           self, [&](const auto& synapse) { return synapse.parameters().*member; });
                     }),
   ...);
  bound
      .def("__getstate__",
           [name](const Object& self) {
             const Device device = visit(self.synapse, [](const auto& s) { return s.device(); });
             return std::tuple(save(self.synapse, name, "__getstate__"), to_string(device));
           })
      .def("__setstate__", [name](Object* self, const std::tuple<nb::bytes, std::string>& state) {
        const auto& [bytes, device] = state;
        new (self) Object{{load_held<Either<CurrentSynapse>>(
            bytes, name, to_device(nb::cast(device)), {},
            []<class T>(std::type_identity<T>, const Stream& on, StateBytes of) {
              return load_object<Model<T>>(on, of);
            })}};
      });
  bind_repr(bound,
            {"shape", "batch_size", "step_time", "delay", constants.name..., "dtype", "device"});
  return bound;
}

template <template <class> class Model, class T>
bool wrap_as(const std::shared_ptr<CurrentSynapse<T>>& synapse, const std::shared_ptr<Guard>& guard,
             nb::object& wrapped) {
  if (dynamic_cast<const Model<T>*>(synapse.get()) == nullptr) return false;
  wrapped = nb::cast(ModelObject<Model>{{{synapse->name(), synapse, guard}}});
  return true;
}

using Double = ModelObject<DoubleExponentialCurrent>;

void bind_parts(nb::class_<Double, SynapseObject>& bound) {
  const auto def_part = [&]<class Read, class At, class Set>(const char* name, Read,
                                                             const char* name_at, At,
                                                             const char* name_set, Set) {
    bound.def(
        name,
        [name](const Double& self, const std::optional<Array>& out, StreamHandle stream) {
          return visit_model(self, [&]<class T>(DoubleExponentialCurrent<T>& synapse) {
            Call call(synapse.name(), name, synapse.device(), stream);
            const auto result = call.out<T>(out, synapse.batched_shape());
            call.run([&](const Stream& on) { Read()(synapse, on, result.view); });
            return call.result(result);
          });
        },
        "out"_a = nb::none(), nb::kw_only(), "stream"_a = nb::none(),
        "The newest value of this part of the current, nA.");
    bound.def(
        name_at,
        [name_at](const Double& self, const Array& selector, const std::optional<Array>& out,
                  StreamHandle stream) {
          return visit_model(self, [&]<class T>(DoubleExponentialCurrent<T>& synapse) {
            Call call(synapse.name(), name_at, synapse.device(), stream);
            const View<const T> times = call.in<T>("selector", selector);
            const auto result = call.out<T>(out, times.shape());
            call.run([&](const Stream& on) { At()(synapse, on, times, result.view); });
            return call.result(result);
          });
        },
        "selector"_a, "out"_a = nb::none(), nb::kw_only(), "stream"_a = nb::none(),
        "This part of the current, nA, selector ms before now.");
    bound.def(
        name_set,
        [name_set](const Double& self, const Array& values, StreamHandle stream) {
          visit_model(self, [&]<class T>(DoubleExponentialCurrent<T>& synapse) {
            Call call(synapse.name(), name_set, synapse.device(), stream);
            const View<const T> taken = call.in<T>("values", values);
            call.run([&](const Stream& on) { Set()(synapse, on, taken); });
          });
        },
        "values"_a, nb::kw_only(), "stream"_a = nb::none(),
        "Overwrites the newest value of this part of the current, nA.");
  };
  def_part(
      "pos_current", [](auto& s, auto& on, auto out) { s.pos_current(on, out); },  //
      "pos_current_at", [](auto& s, auto& on, auto t, auto out) { s.pos_current_at(on, t, out); },
      "set_pos_current", [](auto& s, auto& on, auto values) { s.set_pos_current(on, values); });
  def_part(
      "neg_current", [](auto& s, auto& on, auto out) { s.neg_current(on, out); },  //
      "neg_current_at", [](auto& s, auto& on, auto t, auto out) { s.neg_current_at(on, t, out); },
      "set_neg_current", [](auto& s, auto& on, auto values) { s.set_neg_current(on, values); });
}

void bind_base(nb::module_& module) {
  using Self = SynapseObject;
  nb::class_<Self> bound(
      module, "Synapse",
      "A batch of synapses: turns spikes into currents and remembers both for a while."
      "\n\nArrays are [batch_size, *shape], times ms, charges pC, currents nA.");
  bind_saving(bound, "Synapse", &Self::synapse);
  bound
      .def_prop_ro(
          "shape",
          [](const Self& self) { return visit(self.synapse, [](auto& s) { return s.shape(); }); })
      .def_prop_ro("batched_shape",
                   [](const Self& self) {
                     return visit(self.synapse, [](auto& s) { return s.batched_shape(); });
                   })
      .def_prop_ro("batch_size",
                   [](const Self& self) {
                     return visit(self.synapse, [](auto& s) { return s.batch_size(); });
                   })
      .def_prop_ro("step_time",
                   [](const Self& self) {
                     return visit(self.synapse, [](auto& s) { return s.step_time(); });
                   })
      .def_prop_ro(
          "delay",
          [](const Self& self) { return visit(self.synapse, [](auto& s) { return s.delay(); }); })
      .def_prop_ro(
          "slots",
          [](const Self& self) { return visit(self.synapse, [](auto& s) { return s.slots(); }); },
          "Steps the history holds.")
      .def_prop_ro("interpolation",
                   [](const Self& self) {
                     const auto rule =
                         visit(self.synapse, [](auto& s) { return s.options().interpolation; });
                     return rule == SpikeInterpolation::previous ? "previous" : "nearest";
                   })
      .def_prop_ro(
          "tolerance",
          [](const Self& self) {
            return visit(self.synapse, [](auto& s) { return s.options().tolerance; });
          },
          "Delays this near to a step count as on it, ms.")
      .def_prop_ro(
          "current_overbound",
          [](const Self& self) {
            return visit(self.synapse, [](auto& s) { return s.options().current_overbound; });
          },
          "The current beyond the largest delay, nA; None: the one at it.")
      .def_prop_ro(
          "spike_overbound",
          [](const Self& self) {
            return visit(self.synapse, [](auto& s) { return s.options().spike_overbound; });
          },
          "The same for spikes.")
      .def_prop_ro(
          "storage",
          [](const Self& self) {
            return visit(self.synapse, []<class T>(CurrentSynapse<T>& s) {
              return storage_text<T>(s.options().storage);
            });
          },
          "The type traces are stored as.")
      .def(
          "pointer",
          [](const Self& self, StreamHandle stream) {
            return visit(self.synapse, [&](const auto& synapse) {
              Call call(synapse.name(), "pointer", synapse.device(), stream);
              std::int32_t pointer = 0;
              call.run([&](const Stream& on) { pointer = synapse.pointer(on); });
              return pointer;
            });
          },
          nb::kw_only(), "stream"_a = nb::none(), "The slot the next step writes.")
      .def_prop_ro("dtype", [](const Self& self) { return dtype_name(self.synapse); })
      .def_prop_ro("device",
                   [](const Self& self) {
                     return visit(self.synapse, [](auto& s) { return to_string(s.device()); });
                   })
      .def(
          "step",
          [](const Self& self, const Spikes& spikes, const nb::args& injected,
             StreamHandle stream) {
            visit(self.synapse, [&]<class T>(CurrentSynapse<T>& synapse) {
              Call call(synapse.name(), "step", synapse.device(), stream);
              const SpikeInput<T> input = call.spike_input<T>("spikes", spikes);
              const std::vector<View<const T>> currents = call.injected<T>(injected);
              call.run([&](const Stream& on) { synapse.step(on, input, currents); });
            });
          },
          "spikes"_a, "injected"_a, "stream"_a = nb::none(),
          nb::sig("def step(self, spikes: cusynapse._typing.Array | PackedSpikes, "
                  "*injected: cusynapse._typing.Array, stream: int | None = None) -> None"),
          "One step: decay, inject the spikes, remember the result. Spikes are bool, uint8, values "
          "of\nthe dtype (0.5 is half a charge) or PackedSpikes; injected currents (nA) are added "
          "by models\nthat take them.")
      .def(
          "step_sequence",
          [](const Self& self, const Spikes& spikes, StreamHandle stream) {
            visit(self.synapse, [&]<class T>(CurrentSynapse<T>& synapse) {
              Call call(synapse.name(), "step_sequence", synapse.device(), stream);
              const SpikeInput<T> input = call.spike_input<T>("spikes", spikes, true);
              call.run([&](const Stream& on) { synapse.step_sequence(on, input); });
            });
          },
          "spikes"_a, nb::kw_only(), "stream"_a = nb::none(),
          "T steps at once, spikes [T, batch_size, *shape].")
      .def(
          "current",
          [](const Self& self, const std::optional<Array>& out, StreamHandle stream) {
            return visit(self.synapse, [&]<class T>(CurrentSynapse<T>& synapse) {
              Call call(synapse.name(), "current", synapse.device(), stream);
              const auto result = call.out<T>(out, synapse.batched_shape());
              call.run([&](const Stream& on) { synapse.current(on, result.view); });
              return call.result(result);
            });
          },
          "out"_a = nb::none(), nb::kw_only(), "stream"_a = nb::none(), "The newest current, nA.")
      .def(
          "spike",
          [](const Self& self, const std::optional<Array>& out, StreamHandle stream) {
            return visit(self.synapse, [&](auto& synapse) {
              Call call(synapse.name(), "spike", synapse.device(), stream);
              const auto result = call.spikes_out(out, synapse.batched_shape());
              call.run([&](const Stream& on) { synapse.spike(on, result.view); });
              return call.result(result);
            });
          },
          "out"_a = nb::none(), nb::kw_only(), "stream"_a = nb::none(), "The newest spikes.")
      .def(
          "current_at",
          [](const Self& self, const Array& selector, const std::optional<Array>& out,
             StreamHandle stream) {
            return visit(self.synapse, [&]<class T>(CurrentSynapse<T>& synapse) {
              Call call(synapse.name(), "current_at", synapse.device(), stream);
              const View<const T> times = call.in<T>("selector", selector);
              const auto result = call.out<T>(out, times.shape());
              call.run([&](const Stream& on) { synapse.current_at(on, times, result.view); });
              return call.result(result);
            });
          },
          "selector"_a, "out"_a = nb::none(), nb::kw_only(), "stream"_a = nb::none(),
          "The current, nA, selector ms before now; selector is [batch_size, *shape] or\n"
          "[batch_size, *shape, D], and so is the result.")
      .def(
          "spike_at",
          [](const Self& self, const Array& selector, const std::optional<Array>& out,
             StreamHandle stream) {
            return visit(self.synapse, [&]<class T>(CurrentSynapse<T>& synapse) {
              Call call(synapse.name(), "spike_at", synapse.device(), stream);
              const View<const T> times = call.in<T>("selector", selector);
              const auto result = call.spikes_out(out, times.shape());
              call.run([&](const Stream& on) { synapse.spike_at(on, times, result.view); });
              return call.result(result);
            });
          },
          "selector"_a, "out"_a = nb::none(), nb::kw_only(), "stream"_a = nb::none(),
          "The spikes selector ms before now, as current_at.")
      .def(
          "set_current",
          [](const Self& self, const Array& current, StreamHandle stream) {
            visit(self.synapse, [&]<class T>(CurrentSynapse<T>& synapse) {
              Call call(synapse.name(), "set_current", synapse.device(), stream);
              const View<const T> values = call.in<T>("current", current);
              call.run([&](const Stream& on) { synapse.set_current(on, values); });
            });
          },
          "current"_a, nb::kw_only(), "stream"_a = nb::none(),
          "Overwrites the newest current, of models that store one as it is.")
      .def(
          "set_spike",
          [](const Self& self, const Array& spikes, StreamHandle stream) {
            visit(self.synapse, [&](auto& synapse) {
              Call call(synapse.name(), "set_spike", synapse.device(), stream);
              const View<const std::uint8_t> values = call.spikes_in("spikes", spikes);
              call.run([&](const Stream& on) { synapse.set_spike(on, values); });
            });
          },
          "spikes"_a, nb::kw_only(), "stream"_a = nb::none(), "Overwrites the newest spikes.")
      .def(
          "clear",
          [](const Self& self, StreamHandle stream) {
            visit(self.synapse, [&](auto& synapse) {
              Call call(synapse.name(), "clear", synapse.device(), stream);
              call.run([&](const Stream& on) { synapse.clear(on); });
            });
          },
          nb::kw_only(), "stream"_a = nb::none(), "Everything as if new.")
      .def(
          "set_batch_size",
          [](const Self& self, Integer batch_size, StreamHandle stream) {
            visit(self.synapse, [&](auto& synapse) {
              Call call(synapse.name(), "set_batch_size", synapse.device(), stream);
              call.run([&](const Stream& on) { synapse.set_batch_size(on, batch_size); });
            });
          },
          "batch_size"_a, nb::kw_only(), "stream"_a = nb::none(),
          "Keeps the last samples, or prepends zero ones.")
      .def(
          "set_step_time",
          [](const Self& self, double step_time, bool keep, StreamHandle stream) {
            visit(self.synapse, [&](auto& synapse) {
              Call call(synapse.name(), "set_step_time", synapse.device(), stream);
              call.run([&](const Stream& on) {
                synapse.set_step_time(on, step_time, history_change(keep));
              });
            });
          },
          "step_time"_a, "keep"_a = false, nb::kw_only(), "stream"_a = nb::none(),
          "Changes dt, ms. The history is cleared, or kept: resampled onto the new steps.")
      .def(
          "set_delay",
          [](const Self& self, double delay, bool keep, StreamHandle stream) {
            visit(self.synapse, [&](auto& synapse) {
              Call call(synapse.name(), "set_delay", synapse.device(), stream);
              call.run(
                  [&](const Stream& on) { synapse.set_delay(on, delay, history_change(keep)); });
            });
          },
          "delay"_a, "keep"_a = false, nb::kw_only(), "stream"_a = nb::none(),
          "Changes the largest delay, ms. The history is cleared, or the newest of it kept.");
}

void bind_factory(nb::module_& module) {
  nb::class_<FactoryObject> bound(
      module, "SynapseFactory",
      "A model and its constants, without a shape: makes synapses, for connections and groups.");
  bound
      .def("__repr__",
           [](const FactoryObject& self) {
             return nb::str("{}.factory({})").format(self.model, describe(self.arguments));
           })
      .def("__getstate__",
           [](const FactoryObject& self) {
             return std::tuple(std::string(self.model), self.arguments);
           })
      .def("__setstate__",
           [](FactoryObject* self, const std::tuple<std::string, Arguments>& state) {
             const auto& [model, arguments] = state;
             const nb::object made =
                 nb::module_::import_("cusynapse").attr(model.c_str()).attr("factory")(**arguments);
             new (self) FactoryObject(nb::cast<FactoryObject>(made));
           })
      .def_prop_ro("model", [](const FactoryObject& self) { return self.model; })
      .def(
          "__call__",
          [](const FactoryObject& self, const Extents& shape, double step_time, double delay,
             Integer batch_size, const nb::object& dtype, const nb::object& device,
             StreamHandle stream) {
            Call call(self.model, "__init__", to_device(device), stream);
            return with_element(to_element(dtype), [&]<class T>(std::type_identity<T>) {
              std::shared_ptr<CurrentSynapse<T>> made;
              call.run([&](const Stream& on) {
                made = std::static_pointer_cast<CurrentSynapse<T>>(std::shared_ptr<Synapse<T>>(
                    self.of<T>()(on, shape.shape(), step_time, delay, batch_size)));
              });
              return Result{wrap(made, std::make_shared<Guard>())};
            });
          },
          "shape"_a, "step_time"_a = 1.0, nb::kw_only(), "delay"_a = 0.0, "batch_size"_a = 1,
          "dtype"_a = "float32", "device"_a = "cpu", "stream"_a = nb::none());
}

}  // namespace

template <class T>
nb::object wrap(const std::shared_ptr<CurrentSynapse<T>>& synapse,
                const std::shared_ptr<Guard>& guard) {
  nb::object wrapped;
  wrap_as<DeltaCurrent>(synapse, guard, wrapped) ||
      wrap_as<DeltaPlusCurrent>(synapse, guard, wrapped) ||
      wrap_as<SingleExponentialCurrent>(synapse, guard, wrapped) ||
      wrap_as<DoubleExponentialCurrent>(synapse, guard, wrapped) ||
      wrap_as<AlphaCurrent>(synapse, guard, wrapped);
  return wrapped;
}

template nb::object wrap(const std::shared_ptr<CurrentSynapse<float>>&,
                         const std::shared_ptr<Guard>&);
template nb::object wrap(const std::shared_ptr<CurrentSynapse<double>>&,
                         const std::shared_ptr<Guard>&);

nb::object load_synapse(const nb::bytes& state, Device device, StreamHandle stream) {
  const auto held = load_held<Either<CurrentSynapse>>(
      state, "Synapse", device, stream,
      []<class T>(std::type_identity<T>, const Stream& on, StateBytes bytes) {
        return cusynapse::load_synapse<T>(on, bytes);
      });
  return held.visit_pointer([&](const auto& synapse) { return wrap(synapse, held.guard()); });
}

void bind_synapses(nb::module_& module) {
  bind_base(module);
  bind_factory(module);
  const Constant delta_charge{"spike_charge", &DeltaParameters::spike_charge};
  const Constant charge{"spike_charge", &ExponentialParameters::spike_charge};
  const Constant time_constant{"time_constant", &ExponentialParameters::time_constant};
  bind_model<DeltaCurrent>(module, "DeltaCurrent",
                           "A current of Q / dt in the step of a spike and 0 otherwise.",
                           delta_charge);
  bind_model<DeltaPlusCurrent>(
      module, "DeltaPlusCurrent",
      "The charge of this step's spikes spread over the step, x Q / dt, plus injected currents.",
      delta_charge);
  bind_model<SingleExponentialCurrent>(
      module, "SingleExponentialCurrent",
      "A current that jumps by Q / tau at a spike and decays with tau (time_constant, ms).", charge,
      time_constant);
  auto two_parts = bind_model<DoubleExponentialCurrent>(
      module, "DoubleExponentialCurrent",
      "A current that rises with tc_rise and decays with tc_decay (ms, the larger).",
      Constant{"spike_charge", &DoubleExponentialParameters::spike_charge},
      Constant{"tc_decay", &DoubleExponentialParameters::tc_decay},
      Constant{"tc_rise", &DoubleExponentialParameters::tc_rise});
  bind_parts(two_parts);
  bind_model<AlphaCurrent>(
      module, "AlphaCurrent",
      "A current that rises and falls with one time constant (ms): Q t / tau^2 exp(-t / tau).",
      charge, time_constant);
}

}  // namespace cusynapse::python
