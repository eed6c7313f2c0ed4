// Projections: signed weights without dynamics.
#include "cusynapse/projection.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/variant.h>

#include <algorithm>
#include <cstddef>
#include <tuple>

#include "bindings.hpp"
#include "state.hpp"

namespace cusynapse::python {
namespace {

using namespace nb::literals;

// A projection of either element type.
struct ProjectionObject {
  Either<Projection> projection;
  Callback transform;  // the one the projection holds
};

int traverse(PyObject* self, visitproc visitor, void* argument) {
  if (const int stop = visitor(reinterpret_cast<PyObject*>(Py_TYPE(self)), argument)) return stop;
  if (!nb::inst_ready(self)) return 0;
  return nb::inst_ptr<ProjectionObject>(self)->transform.traverse(visitor, argument);
}

int clear(PyObject* self) {
  nb::inst_ptr<ProjectionObject>(self)->transform.clear();
  return 0;
}

// What the garbage collector sees: a transform may refer to what holds it.
PyType_Slot collector_slots[] = {{Py_tp_traverse, reinterpret_cast<void*>(traverse)},
                                 {Py_tp_clear, reinterpret_cast<void*>(clear)},
                                 {0, nullptr}};

using Self = ProjectionObject;
using Class = nb::class_<Self>;
constexpr const char* name = "Projection";
// A gradient: an array to write, None for a new one, False for none at all.
using Gradient = std::optional<std::variant<bool, Array>>;

// A function from an array to another.
using Transform = nb::typed<nb::callable, Result(Result)>;

Receptor to_receptor(const std::string& word) {
  return choose<Receptor>(name, "receptor", word,
                          {{"excitatory", Receptor::excitatory},
                           {"inhibitory", Receptor::inhibitory},
                           {"both", Receptor::both}});
}

template <class T>
WeightTransform<T> to_transform(const Callback& callback) {
  return [callback](const Stream& stream, View<const T> weights, View<T> hardware_weights) {
    const nb::gil_scoped_acquire acquired;
    call_into(callback, copy_of(stream, weights), name, "transform", stream, hardware_weights);
  };
}

void bind_constructor(Class& bound) {
  constexpr LinearSaturation defaults;
  bound.def(
      "__init__",
      [](Self* self, Integer in_features, Integer out_features, const std::string& receptor,
         const std::optional<Array>& mask, double scale, double minimum, double maximum,
         const std::optional<Transform>& transform, Seed seed, const nb::object& dtype,
         const nb::object& device, StreamHandle stream) {
        Call call(name, "__init__", to_device(device), stream);
        with_element(to_element(dtype), [&]<class T>(std::type_identity<T>) {
          ProjectionOptions<T> options;
          options.in_features = in_features;
          options.out_features = out_features;
          options.receptor = to_receptor(receptor);
          options.saturation = {scale, minimum, maximum};
          Callback callback;
          if (transform) {
            callback = Callback(*transform);
            options.transform = to_transform<T>(callback);
          }
          options.seed = seed;
          std::optional<View<const std::uint8_t>> connected;
          if (mask) connected = call.spikes_in("mask", *mask);
          std::shared_ptr<Projection<T>> made;
          call.run([&](const Stream& on) {
            made = connected ? std::make_shared<Projection<T>>(on, options, *connected)
                             : std::make_shared<Projection<T>>(on, options);
          });
          new (self) Self{{name, std::move(made)}, callback};
        });
      },
      "in_features"_a, "out_features"_a, nb::kw_only(), "receptor"_a = "both",
      "mask"_a = nb::none(), "scale"_a = defaults.scale, "minimum"_a = defaults.minimum,
      "maximum"_a = defaults.maximum, "transform"_a = nb::none(), "seed"_a = 0,
      "dtype"_a = "float32", "device"_a = "cpu", "stream"_a = nb::none());
}

void bind_weights(Class& bound) {
  const auto def_getter = [&](const char* property, auto get, const char* about) {
    bound.def_prop_ro(
        property, [get](const Self& self) { return visit(self.projection, get); }, about);
  };
  def_getter(
      "in_features", [](auto& p) { return p.in_features(); }, "Inputs, I.");
  def_getter(
      "out_features", [](auto& p) { return p.out_features(); }, "Targets, O.");
  def_getter(
      "is_masked", [](auto& p) { return p.is_masked(); }, "Whether it has a mask.");
  def_getter(
      "changed_since_last_run", [](auto& p) { return p.changed_since_last_run(); },
      "Whether hardware still has to take over the weights.");
  def_getter(
      "device", [](auto& p) { return to_string(p.device()); }, "As 'cpu' or 'cuda:0'.");
  bound
      .def_prop_ro("receptor",
                   [](const Self& self) {
                     constexpr const char* names[] = {"excitatory", "inhibitory", "both"};
                     return names[static_cast<int>(
                         visit(self.projection, [](auto& p) { return p.receptor(); }))];
                   })
      .def_prop_ro("dtype", [](const Self& self) { return dtype_name(self.projection); })
      .def_prop_ro(
          "weight",
          [](nb::pointer_and_handle<Self> self) {
            return visit(self.p->projection, [&](const auto& p) {
              const auto view = p.weight();
              return view_of(view.data(), view.shape(), p.device(), nb::borrow(self.h));
            });
          },
          "The weights (O, I): a read-only view, without a copy.")
      .def(
          "edit",
          [](nb::pointer_and_handle<Self> self) {
            return visit(self.p->projection, [&](auto& p) {
              const auto view = p.edit();
              return view_of(view.data(), view.shape(), p.device(), nb::borrow(self.h));
            });
          },
          "A view of the weights to write to, without a copy. Sums take over what is written "
          "before "
          "the next\none: ask again before writing again.")
      .def(
          "set",
          [](const Self& self, const Array& weights, StreamHandle stream) {
            visit(self.projection, [&]<class T>(Projection<T>& p) {
              Call call(name, "set", p.device(), stream);
              const View<const T> values = call.in<T>("weights", weights);
              call.run([&](const Stream& on) { p.set(on, values); });
            });
          },
          "weights"_a, nb::kw_only(), "stream"_a = nb::none(),
          "Copies weights in. What is not connected becomes 0.")
      .def(
          "to_host",
          [](const Self& self, StreamHandle stream) {
            return visit(self.projection, [&]<class T>(Projection<T>& p) {
              Call call(name, "to_host", p.device(), stream);
              std::vector<T> values;
              call.run([&](const Stream& on) { values = p.to_host(on); });
              Call host(name, "to_host", Device::cpu());
              const auto result = host.out<T>({}, p.weight_shape());
              std::copy(values.begin(), values.end(), result.view.data());
              return host.result(result);
            });
          },
          nb::kw_only(), "stream"_a = nb::none(), "A copy of the weights as an array of NumPy.")
      .def(
          "reset_parameters",
          [](const Self& self, Seed seed, StreamHandle stream) {
            visit(self.projection, [&](auto& p) {
              Call call(name, "reset_parameters", p.device(), stream);
              call.run([&](const Stream& on) { p.reset_parameters(on, seed); });
            });
          },
          "seed"_a, nb::kw_only(), "stream"_a = nb::none(),
          "Draws every weight from U(-1 / sqrt(I), 1 / sqrt(I)).")
      .def("reset_changed",
           [](const Self& self) { visit(self.projection, [](auto& p) { p.reset_changed(); }); });
}

// Rows under the last extent of `like`, `features` wide.
Shape rows_of(const Shape& like, std::int64_t features) {
  if (like.rank() == 0) return {features};
  return Shape(like.begin(), like.rank() - 1).appended(features);
}

// The written array of a gradient that is wanted.
template <class T>
std::optional<Written<T>> gradient(Call& call, const char* what, const Gradient& given,
                                   const Shape& shape) {
  if (!given) return call.out<T>({}, shape, what);
  if (const auto* array = std::get_if<Array>(&*given)) return call.out<T>(*array, shape, what);
  if (std::get<bool>(*given)) return call.out<T>({}, shape, what);
  return {};
}

void bind_sums(Class& bound) {
  bound
      .def(
          "forward",
          [](const Self& self, const Spikes& spikes, const std::optional<Array>& out,
             bool accumulate, StreamHandle stream) {
            return visit(self.projection, [&]<class T>(Projection<T>& p) {
              Call call(name, "forward", p.device(), stream);
              const SpikeInput<T> input = call.spike_input<T>("spikes", spikes);
              const Output output = to_output(call, accumulate, out.has_value());
              const auto graded = call.out<T>(out, rows_of(input.shape(), p.out_features()));
              call.run([&](const Stream& on) { p.forward(on, input, graded.view, output); });
              return call.result(graded);
            });
          },
          "spikes"_a, "out"_a = nb::none(), nb::kw_only(), "accumulate"_a = false,
          "stream"_a = nb::none(),
          "Graded [..., O] from spikes [..., I]. accumulate: adds to what out holds.")
      .def(
          "backward",
          [](const Self& self, const Array& grad, const Spikes& spikes, const Gradient& grad_spikes,
             const Gradient& grad_weight, bool accumulate, StreamHandle stream) {
            return visit(self.projection, [&]<class T>(Projection<T>& p) {
              Call call(name, "backward", p.device(), stream);
              const View<const T> grads = call.in<T>("grad", grad);
              const SpikeInput<T> input = call.spike_input<T>("spikes", spikes);
              const bool has_out = grad_weight && std::holds_alternative<Array>(*grad_weight);
              const Output output = to_output(call, accumulate, has_out);
              const auto of_spikes = gradient<T>(call, "grad_spikes", grad_spikes,
                                                 rows_of(grads.shape(), p.in_features()));
              const auto of_weight =
                  gradient<T>(call, "grad_weight", grad_weight, p.weight_shape());
              call.run([&](const Stream& on) {
                p.backward(on, grads, input, of_spikes ? of_spikes->view : View<T>(),
                           of_weight ? of_weight->view : View<T>(), output);
              });
              return std::tuple(of_spikes ? call.result(*of_spikes) : Result{},
                                of_weight ? call.result(*of_weight) : Result{});
            });
          },
          "grad"_a, "spikes"_a, nb::kw_only(), "grad_spikes"_a = nb::none(),
          "grad_weight"_a = nb::none(), "accumulate"_a = false, "stream"_a = nb::none(),
          "Gradients (of the spikes [..., I], of the weights (O, I)) from the outputs' [..., O]. "
          "Each "
          "is written to\nan array that is given, or to a new one; False leaves it out. "
          "accumulate: "
          "adds to the grad_weight\nthat is given.")
      .def(
          "prepare",
          [](const Self& self, StreamHandle stream) {
            visit(self.projection, [&](auto& p) {
              Call call(name, "prepare", p.device(), stream);
              call.run([&](const Stream& on) { p.prepare(on); });
            });
          },
          nb::kw_only(), "stream"_a = nb::none(), "Renews now what sums read.");
}

void bind_hardware(Class& bound) {
  bound
      .def(
          "hardware_image",
          [](const Self& self, StreamHandle stream) {
            return visit(self.projection, [&](auto& p) {
              Call call(name, "hardware_image", p.device(), stream);
              std::optional<Written<std::uint8_t>> excitatory, inhibitory;
              if (p.receptor() != Receptor::inhibitory) {
                excitatory = call.template out<std::uint8_t>({}, p.weight_shape());
              }
              if (p.receptor() != Receptor::excitatory) {
                inhibitory = call.template out<std::uint8_t>({}, p.weight_shape());
              }
              call.run([&](const Stream& on) {
                p.hardware_image(on, excitatory ? excitatory->view : View<std::uint8_t>(),
                                 inhibitory ? inhibitory->view : View<std::uint8_t>());
              });
              return std::tuple(excitatory ? call.result(*excitatory) : Result{},
                                inhibitory ? call.result(*inhibitory) : Result{});
            });
          },
          nb::kw_only(), "stream"_a = nb::none(),
          "The weights as hardware holds them: magnitudes (O, I), excitatory and inhibitory; None "
          "for a sign\nthere is no receptor of.")
      .def(
          "get_connections",
          [](const Self& self, const std::string& receptor, StreamHandle stream) {
            const auto which = choose<Receptor>(
                "Projection.get_connections", "receptor", receptor,
                {{"excitatory", Receptor::excitatory}, {"inhibitory", Receptor::inhibitory}});
            std::vector<PlacedConnection> placed;
            visit(self.projection, [&](auto& p) {
              Call call(name, "get_connections", p.device(), stream);
              call.run([&](const Stream& on) { placed = p.get_connections(on, which); });
            });
            nb::dict layout;
            layout["names"] = nb::make_tuple("pre", "post", "weight");
            layout["formats"] = nb::make_tuple("i8", "i8", "i4");
            layout["offsets"] =
                nb::make_tuple(offsetof(PlacedConnection, pre), offsetof(PlacedConnection, post),
                               offsetof(PlacedConnection, weight));
            layout["itemsize"] = sizeof(PlacedConnection);
            return Result{nb::module_::import_("numpy").attr("frombuffer")(
                nb::bytes(placed.data(), placed.size() * sizeof(PlacedConnection)), layout)};
          },
          "receptor"_a, nb::kw_only(), "stream"_a = nb::none(),
          "The hardware synapses of the 'excitatory' or 'inhibitory' receptor, all O I of them, "
          "output after\noutput: a structured array of NumPy with the fields pre, post and "
          "weight.");
}

Either<Projection> restored(const nb::bytes& state, Device device, StreamHandle stream) {
  return load_held<Either<Projection>>(
      state, name, device, stream,
      []<class T>(std::type_identity<T>, const Stream& on, StateBytes bytes) {
        return load_object<Projection<T>>(on, bytes);
      });
}

// The same with a transform, which is not in the state.
Either<Projection> restored(const nb::bytes& state, Device device, const Callback& transform) {
  return load_held<Either<Projection>>(
      state, name, device, {},
      [&]<class T>(std::type_identity<T>, const Stream& on, StateBytes bytes) {
        StateReader reader(bytes);
        reader.require<T>(name);
        ProjectionOptions<T> options;
        options.in_features = reader.integer("in_features");
        options.out_features = reader.integer("out_features");
        options.transform = to_transform<T>(transform);
        auto made = std::make_unique<Projection<T>>(on, options);
        made->load(on, bytes);
        return made;
      });
}

void bind_state(Class& bound) {
  bind_saving(bound, name, &Self::projection);
  using State = std::tuple<nb::bytes, std::string, std::optional<Transform>>;
  bound
      .def("__getstate__",
           [](const Self& self) {
             const Device device = visit(self.projection, [](const auto& p) { return p.device(); });
             return std::tuple(save(self.projection, name, "__getstate__"), to_string(device),
                               self.transform.function());
           })
      .def("__setstate__", [](Self* self, const State& state) {
        const auto& [bytes, device_name, transform] = state;
        const Device device = to_device(nb::cast(device_name));
        const Callback callback = transform ? Callback(*transform) : Callback();
        Either<Projection> held =
            transform ? restored(bytes, device, callback) : restored(bytes, device, StreamHandle());
        new (self) Self{std::move(held), callback};
      });
  bind_repr(bound, {"in_features", "out_features", "receptor", "is_masked", "dtype", "device"});
}

}  // namespace

nb::object load_projection(const nb::bytes& state, Device device, StreamHandle stream) {
  return nb::cast(Self{restored(state, device, stream), {}});
}

void bind_projections(nb::module_& module) {
  Class bound(
      module, name, nb::type_slots(collector_slots),
      "A signed weight matrix without bias or dynamics: graded[..., j] = sum over i of\nweight[j, "
      "i] "
      "spikes[..., i].\n\nreceptor is 'excitatory', 'inhibitory' or 'both'. mask (I, O), bool or "
      "uint8: not connected where 0.\nHardware weights are min(max(scale weight, minimum), "
      "maximum), "
      "or what transform, a function of a\ncopy of the weights, returns.");
  bind_constructor(bound);
  bind_weights(bound);
  bind_sums(bound);
  bind_hardware(bound);
  bind_state(bound);
}

}  // namespace cusynapse::python
