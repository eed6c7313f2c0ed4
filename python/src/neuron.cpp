// Neurons.
#include "cusynapse/neuron.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>

#include "bindings.hpp"
#include "state.hpp"

namespace cusynapse::python {
namespace {

using namespace nb::literals;

// Neurons of either element type.
struct NeuronObject {
  Either<LeakyIntegrateAndFire> neuron;
};

using Self = NeuronObject;
using Parameters = LeakyIntegrateAndFireParameters;
constexpr const char* name = "LeakyIntegrateAndFire";

void bind_constructor(nb::class_<Self>& bound) {
  constexpr Parameters defaults;
  bound.def(
      "__init__",
      [](Self* self, const Extents& shape, double step_time, double time_constant,
         double rest_voltage, double reset_voltage, double threshold_voltage,
         double refractory_period, double resistance, Integer batch_size, const nb::object& dtype,
         const nb::object& device, StreamHandle stream) {
        const NeuronOptions options{shape.shape(), batch_size, step_time};
        const Parameters parameters{time_constant,     rest_voltage,      reset_voltage,
                                    threshold_voltage, refractory_period, resistance};
        Call call(name, "__init__", to_device(device), stream);
        with_element(to_element(dtype), [&]<class T>(std::type_identity<T>) {
          std::shared_ptr<LeakyIntegrateAndFire<T>> made;
          call.run([&](const Stream& on) {
            made = std::make_shared<LeakyIntegrateAndFire<T>>(on, options, parameters);
          });
          new (self) Self{{name, std::move(made)}};
        });
      },
      "shape"_a, "step_time"_a = 1.0, nb::kw_only(), "time_constant"_a = defaults.time_constant,
      "rest_voltage"_a = defaults.rest_voltage, "reset_voltage"_a = defaults.reset_voltage,
      "threshold_voltage"_a = defaults.threshold_voltage,
      "refractory_period"_a = defaults.refractory_period, "resistance"_a = defaults.resistance,
      "batch_size"_a = 1, "dtype"_a = "float32", "device"_a = "cpu", "stream"_a = nb::none());

  const auto def_constant = [&](const char* constant, double Parameters::*member) {
    bound.def_prop_ro(constant, [member](const Self& self) {
      return visit(self.neuron, [&](const auto& neuron) { return neuron.parameters().*member; });
    });
  };
  def_constant("time_constant", &Parameters::time_constant);
  def_constant("rest_voltage", &Parameters::rest_voltage);
  def_constant("reset_voltage", &Parameters::reset_voltage);
  def_constant("threshold_voltage", &Parameters::threshold_voltage);
  def_constant("refractory_period", &Parameters::refractory_period);
  def_constant("resistance", &Parameters::resistance);
}

void bind_properties(nb::class_<Self>& bound) {
  const auto def_getter = [&](const char* property, auto get) {
    bound.def_prop_ro(property, [get](const Self& self) { return visit(self.neuron, get); });
  };
  def_getter("shape", [](auto& n) { return n.shape(); });
  def_getter("batched_shape", [](auto& n) { return n.batched_shape(); });
  def_getter("batch_size", [](auto& n) { return n.batch_size(); });
  def_getter("step_time", [](auto& n) { return n.step_time(); });
  def_getter("device", [](auto& n) { return to_string(n.device()); });
  bound.def_prop_ro("dtype", [](const Self& self) { return dtype_name(self.neuron); });
}

void bind_state(nb::class_<Self>& bound) {
  const auto def_read = [&](const char* function, auto read, const char* about) {
    bound.def(
        function,
        [function, read](const Self& self, const std::optional<Array>& out, StreamHandle stream) {
          return visit(self.neuron, [&]<class T>(LeakyIntegrateAndFire<T>& neuron) {
            Call call(name, function, neuron.device(), stream);
            const auto result = call.out<T>(out, neuron.batched_shape());
            call.run([&](const Stream& on) { read(neuron, on, result.view); });
            return call.result(result);
          });
        },
        "out"_a = nb::none(), nb::kw_only(), "stream"_a = nb::none(), about);
  };
  def_read(
      "voltage", [](auto& n, auto& on, auto out) { n.voltage(on, out); }, "Voltages, mV.");
  def_read(
      "refractory_time", [](auto& n, auto& on, auto out) { n.refractory_time(on, out); },
      "The time of the coming steps in which a neuron does not integrate, ms.");
  bound
      .def(
          "forward",
          [](const Self& self, const Array& current, const std::optional<Array>& out,
             StreamHandle stream) {
            return visit(self.neuron, [&]<class T>(LeakyIntegrateAndFire<T>& neuron) {
              Call call(name, "forward", neuron.device(), stream);
              const View<const T> values = call.in<T>("current", current);
              const auto result = call.spikes_out(out, neuron.batched_shape());
              call.run([&](const Stream& on) { neuron.forward(on, values, result.view); });
              return call.result(result);
            });
          },
          "current"_a, "out"_a = nb::none(), nb::kw_only(), "stream"_a = nb::none(),
          "One step: takes the current (nA) that flows during it, gives the spikes at its end.")
      .def(
          "spike",
          [](const Self& self, const std::optional<Array>& out, StreamHandle stream) {
            return visit(self.neuron, [&](auto& neuron) {
              Call call(name, "spike", neuron.device(), stream);
              const auto result = call.spikes_out(out, neuron.batched_shape());
              call.run([&](const Stream& on) { neuron.spike(on, result.view); });
              return call.result(result);
            });
          },
          "out"_a = nb::none(), nb::kw_only(), "stream"_a = nb::none(), "Spikes of the last step.")
      .def(
          "set_voltage",
          [](const Self& self, const Array& voltage, StreamHandle stream) {
            visit(self.neuron, [&]<class T>(LeakyIntegrateAndFire<T>& neuron) {
              Call call(name, "set_voltage", neuron.device(), stream);
              const View<const T> values = call.in<T>("voltage", voltage);
              call.run([&](const Stream& on) { neuron.set_voltage(on, values); });
            });
          },
          "voltage"_a, nb::kw_only(), "stream"_a = nb::none(),
          "Overwrites the voltages, mV; those of refractory neurons stay without effect.")
      .def(
          "clear",
          [](const Self& self, StreamHandle stream) {
            visit(self.neuron, [&](auto& neuron) {
              Call call(name, "clear", neuron.device(), stream);
              call.run([&](const Stream& on) { neuron.clear(on); });
            });
          },
          nb::kw_only(), "stream"_a = nb::none(), "Everything as if new.")
      .def(
          "set_batch_size",
          [](const Self& self, Integer batch_size, StreamHandle stream) {
            visit(self.neuron, [&](auto& neuron) {
              Call call(name, "set_batch_size", neuron.device(), stream);
              call.run([&](const Stream& on) { neuron.set_batch_size(on, batch_size); });
            });
          },
          "batch_size"_a, nb::kw_only(), "stream"_a = nb::none(),
          "Keeps the last samples, or prepends new ones.")
      .def(
          "set_step_time",
          [](const Self& self, double step_time, StreamHandle stream) {
            visit(self.neuron, [&](auto& neuron) {
              Call call(name, "set_step_time", neuron.device(), stream);
              call.run([&](const Stream& on) { neuron.set_step_time(on, step_time); });
            });
          },
          "step_time"_a, nb::kw_only(), "stream"_a = nb::none(),
          "Changes dt, ms. Voltages and spikes stay.");
}

Either<LeakyIntegrateAndFire> restored(const nb::bytes& state, Device device, StreamHandle stream) {
  return load_held<Either<LeakyIntegrateAndFire>>(
      state, name, device, stream,
      []<class T>(std::type_identity<T>, const Stream& on, StateBytes bytes) {
        return load_object<LeakyIntegrateAndFire<T>>(on, bytes);
      });
}

void bind_saved_state(nb::class_<Self>& bound) {
  bind_saving(bound, name, &Self::neuron);
  bound
      .def("__getstate__",
           [](const Self& self) {
             const Device device = visit(self.neuron, [](const auto& n) { return n.device(); });
             return std::tuple(save(self.neuron, name, "__getstate__"), to_string(device));
           })
      .def("__setstate__", [](Self* self, const std::tuple<nb::bytes, std::string>& state) {
        const auto& [bytes, device] = state;
        new (self) Self{restored(bytes, to_device(nb::cast(device)), {})};
      });
  bind_repr(bound,
            {"shape", "batch_size", "step_time", "time_constant", "rest_voltage", "reset_voltage",
             "threshold_voltage", "refractory_period", "resistance", "dtype", "device"});
}

}  // namespace

nb::object load_neuron(const nb::bytes& state, Device device, StreamHandle stream) {
  return nb::cast(Self{restored(state, device, stream)});
}

void bind_neurons(nb::module_& module) {
  nb::class_<Self> bound(
      module, name,
      "A batch of leaky integrate-and-fire neurons, stepped exactly.\n\nv <- rest + (v - rest) e + "
      "R I (1 - e) with e = exp(-dt / tau); at the threshold a neuron spikes, is\nreset and held "
      "there for the refractory period. Voltages mV, currents nA, times ms, resistance MOhm.");
  bind_constructor(bound);
  bind_properties(bound);
  bind_state(bound);
  bind_saved_state(bound);
}

}  // namespace cusynapse::python
