// Connections with a delay for every weight.
#include "connection.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>

#include <algorithm>
#include <string>

#include "bindings.hpp"
#include "state.hpp"
#include "synapse.hpp"

namespace cusynapse::python {
namespace {

using namespace nb::literals;

// A connection of one kind, for the class of its name.
template <template <class> class Kind>
struct KindObject : ConnectionObject {};

// A connection with the object of the synapse that it made: all of Python's are a CurrentSynapse.
template <class T>
ConnectionObject with_own_synapse(const std::shared_ptr<Connection<T>>& connection) {
  auto& synapse = static_cast<CurrentSynapse<T>&>(connection->synapse());
  const auto guard = std::make_shared<Guard>();
  return {{connection->name(), connection, guard},
          wrap(std::shared_ptr<CurrentSynapse<T>>(connection, &synapse), guard)};
}

// Constructs what `make(type, stream, options, factory)` makes.
template <class Object, class Make>
void construct(Object* self, const char* name, ConnectionOptions options,
               const nb::object& weight_storage, const FactoryObject& factory,
               const nb::object& dtype, const nb::object& device, StreamHandle stream,
               const Make& make) {
  const StorageName storage = to_storage_name(weight_storage);
  Call call(name, "__init__", to_device(device), stream);
  with_element(to_element(dtype), [&]<class T>(std::type_identity<T> type) {
    options.weight_storage = to_storage<T>(name, "weight_storage", storage);
    std::shared_ptr<Connection<T>> made;
    call.run([&](const Stream& on) { made = make(type, on, options, factory.of<T>()); });
    new (self) Object{with_own_synapse(made)};
  });
}

// A synapse that is there, with its object.
using Given = nb::pointer_and_handle<SynapseObject>;

// Constructs what `make(type, stream, synapse, biased, seed)` makes over a synapse that is there.
template <class Object, class Make>
void construct_over(Object* self, const char* name, const Given& synapse, bool biased,
                    std::uint64_t seed, StreamHandle stream, const Make& make) {
  const auto& given = synapse.p->synapse;
  given.visit_pointer([&]<class T>(const std::shared_ptr<CurrentSynapse<T>>& held) {
    Call call(name, "__init__", held->device(), stream);
    std::shared_ptr<Connection<T>> made;
    call.run([&](const Stream& on) {
      made = make(std::type_identity<T>(), on, std::shared_ptr<Synapse<T>>(held), biased, seed);
    });
    new (self) Object{{{name, std::move(made), given.guard()}, nb::borrow(synapse.h)}};
  });
}

// What pickle and copy call. A connection is pickled with its synapse, so that those that share one
// still do; a copy has one of its own.
template <class Object>
void bind_copying(nb::class_<Object, ConnectionObject>& bound, const char* name) {
  bound
      .def("__getstate__",
           [name](const Object& self) {
             return std::tuple(save(self.connection, name, "__getstate__"), self.synapse);
           })
      .def("__setstate__",
           [name](Object* self, const std::tuple<nb::bytes, Given>& state) {
             const auto& [bytes, synapse] = state;
             const auto& given = synapse.p->synapse;
             given.visit_pointer([&]<class T>(const std::shared_ptr<CurrentSynapse<T>>& held) {
               Call call(name, "__setstate__", held->device());
               std::shared_ptr<Connection<T>> made;
               call.run([&](const Stream& on) {
                 const StateBytes of = to_state(bytes);
                 StateReader(of).require<T>(name);
                 made = cusynapse::load_connection<T>(on, of, held);
               });
               new (self) Object{{{name, std::move(made), given.guard()}, nb::borrow(synapse.h)}};
             });
           })
      .def("__copy__", [](nb::handle self) {
        const auto state = nb::cast<nb::tuple>(self.attr("__getstate__")());
        const nb::object synapse = nb::module_::import_("copy").attr("copy")(state[1]);
        nb::object made = self.type().attr("__new__")(self.type());
        made.attr("__setstate__")(nb::make_tuple(state[0], synapse));
        return Result{std::move(made)};
      });
}

ConnectionOptions make_options(bool biased, std::optional<double> delay, double step_time,
                               std::int64_t batch_size, std::uint64_t seed) {
  ConnectionOptions options;
  options.biased = biased;
  options.delay = delay;
  options.step_time = step_time;
  options.batch_size = batch_size;
  options.seed = seed;
  return options;
}

constexpr const char* own_text =
    "With a synapse of its own. delay is the largest, ms; None: no delays can be set. "
    "weight_storage: as\nset_weight_storage takes it.";
constexpr const char* over_text =
    "Over a synapse that is there, which may feed several connections: batch size, step time, "
    "largest\ndelay, dtype and device are its own.";

void bind_dense(nb::module_& module) {
  using Object = KindObject<LinearDense>;
  static constexpr const char* name = "LinearDense";
  nb::class_<Object, ConnectionObject> bound(
      module, name, "Every input to every output: weight and delay (O, I), bias (O).");
  bind_copying(bound, name);
  bound
      .def(
          "__init__",
          [](Object* self, const Extents& input, const Extents& output,
             const FactoryObject& synapse, bool biased, std::optional<double> delay,
             double step_time, Integer batch_size, Seed seed, const nb::object& weight_storage,
             const nb::object& dtype, const nb::object& device, StreamHandle stream) {
            construct(self, name, make_options(biased, delay, step_time, batch_size, seed),
                      weight_storage, synapse, dtype, device, stream,
                      [&]<class T>(std::type_identity<T>, const auto& on, const auto&... rest) {
                        return std::make_shared<LinearDense<T>>(on, input.shape(), output.shape(),
                                                                rest...);
                      });
          },
          "input_shape"_a, "output_shape"_a, "synapse"_a, nb::kw_only(), "biased"_a = false,
          "delay"_a = nb::none(), "step_time"_a = 1.0, "batch_size"_a = 1, "seed"_a = 0,
          "weight_storage"_a = nb::none(), "dtype"_a = "float32", "device"_a = "cpu",
          "stream"_a = nb::none(), own_text)
      .def(
          "__init__",
          [](Object* self, const Extents& output, const Given& synapse, bool biased, Seed seed,
             StreamHandle stream) {
            construct_over(
                self, name, synapse, biased, seed, stream,
                [&]<class T>(std::type_identity<T>, const auto& on, const auto&... rest) {
                  return std::make_shared<LinearDense<T>>(on, output.shape(), rest...);
                });
          },
          "output_shape"_a, "synapse"_a, nb::kw_only(), "biased"_a = false, "seed"_a = 0,
          "stream"_a = nb::none(), over_text);
}

// Kinds whose outputs have the shape of their inputs.
template <template <class> class Kind>
void bind_square(nb::module_& module, const char* name, const char* about) {
  using Object = KindObject<Kind>;
  nb::class_<Object, ConnectionObject> bound(module, name, about);
  bind_copying(bound, name);
  bound
      .def(
          "__init__",
          [name](Object* self, const Extents& shape, const FactoryObject& synapse, bool biased,
                 std::optional<double> delay, double step_time, Integer batch_size, Seed seed,
                 const nb::object& weight_storage, const nb::object& dtype,
                 const nb::object& device, StreamHandle stream) {
            construct(self, name, make_options(biased, delay, step_time, batch_size, seed),
                      weight_storage, synapse, dtype, device, stream,
                      [&]<class T>(std::type_identity<T>, const auto& on, const auto&... rest) {
                        return std::make_shared<Kind<T>>(on, shape.shape(), rest...);
                      });
          },
          "shape"_a, "synapse"_a, nb::kw_only(), "biased"_a = false, "delay"_a = nb::none(),
          "step_time"_a = 1.0, "batch_size"_a = 1, "seed"_a = 0, "weight_storage"_a = nb::none(),
          "dtype"_a = "float32", "device"_a = "cpu", "stream"_a = nb::none(), own_text)
      .def(
          "__init__",
          [name](Object* self, const Given& synapse, bool biased, Seed seed, StreamHandle stream) {
            construct_over(self, name, synapse, biased, seed, stream,
                           []<class T>(std::type_identity<T>, const auto&... rest) {
                             return std::make_shared<Kind<T>>(rest...);
                           });
          },
          "synapse"_a, nb::kw_only(), "biased"_a = false, "seed"_a = 0, "stream"_a = nb::none(),
          over_text);
}

// {height, width} from one number for both or from two.
void set_pair(const char* what, const Extents& given, std::int64_t (&pair)[2]) {
  if (given.values.size() != 1 && given.values.size() != 2) {
    throw Error(Errc::invalid_argument, std::string("Conv2D.__init__: ") + what + " has " +
                                            std::to_string(given.values.size()) +
                                            " numbers, expected 1 or 2");
  }
  pair[0] = given.values.front();
  pair[1] = given.values.back();
}

Conv2DOptions make_geometry(std::int64_t channels, std::int64_t height, std::int64_t width,
                            std::int64_t filters, const Extents& kernel, const Extents& stride,
                            const Extents& padding, const Extents& dilation) {
  Conv2DOptions geometry;
  geometry.channels = channels;
  geometry.height = height;
  geometry.width = width;
  geometry.filters = filters;
  set_pair("kernel", kernel, geometry.kernel);
  set_pair("stride", stride, geometry.stride);
  set_pair("padding", padding, geometry.padding);
  set_pair("dilation", dilation, geometry.dilation);
  return geometry;
}

void bind_conv2d(nb::module_& module) {
  using Object = KindObject<Conv2D>;
  static constexpr const char* name = "Conv2D";
  nb::class_<Object, ConnectionObject> bound(
      module, name,
      "Two-dimensional convolution, (C, H, W) to (F, oh, ow): weight and delay (F, C, kh, kw), "
      "bias (F).\n\nkernel, stride, padding and dilation are one number or (height, width); the "
      "padding is silent. The\nsynapse holds the (C, H, W) pixels.");
  bind_copying(bound, name);
  bound
      .def(
          "__init__",
          [](Object* self, Integer channels, Integer height, Integer width, Integer filters,
             const Extents& kernel, const FactoryObject& synapse, const Extents& stride,
             const Extents& padding, const Extents& dilation, bool biased,
             std::optional<double> delay, double step_time, Integer batch_size, Seed seed,
             const nb::object& weight_storage, const nb::object& dtype, const nb::object& device,
             StreamHandle on_stream) {
            const Conv2DOptions geometry =
                make_geometry(channels, height, width, filters, kernel, stride, padding, dilation);
            construct(self, name, make_options(biased, delay, step_time, batch_size, seed),
                      weight_storage, synapse, dtype, device, on_stream,
                      [&]<class T>(std::type_identity<T>, const auto& on, const auto&... rest) {
                        return std::make_shared<Conv2D<T>>(on, geometry, rest...);
                      });
          },
          "channels"_a, "height"_a, "width"_a, "filters"_a, "kernel"_a, "synapse"_a, nb::kw_only(),
          "stride"_a = 1, "padding"_a = 0, "dilation"_a = 1, "biased"_a = false,
          "delay"_a = nb::none(), "step_time"_a = 1.0, "batch_size"_a = 1, "seed"_a = 0,
          "weight_storage"_a = nb::none(), "dtype"_a = "float32", "device"_a = "cpu",
          "stream"_a = nb::none(), own_text)
      .def(
          "__init__",
          [](Object* self, Integer channels, Integer height, Integer width, Integer filters,
             const Extents& kernel, const Given& synapse, const Extents& stride,
             const Extents& padding, const Extents& dilation, bool biased, Seed seed,
             StreamHandle on_stream) {
            const Conv2DOptions geometry =
                make_geometry(channels, height, width, filters, kernel, stride, padding, dilation);
            construct_over(
                self, name, synapse, biased, seed, on_stream,
                [&]<class T>(std::type_identity<T>, const auto& on, const auto&... rest) {
                  return std::make_shared<Conv2D<T>>(on, geometry, rest...);
                });
          },
          "channels"_a, "height"_a, "width"_a, "filters"_a, "kernel"_a, "synapse"_a, nb::kw_only(),
          "stride"_a = 1, "padding"_a = 0, "dilation"_a = 1, "biased"_a = false, "seed"_a = 0,
          "stream"_a = nb::none(), over_text);
}

using Self = ConnectionObject;
using Class = nb::class_<Self>;

// Properties that are a getter of the connection's.
void bind_properties(Class& bound) {
  const auto def_getter = [&](const char* name, auto get, const char* about) {
    bound.def_prop_ro(
        name, [get](const Self& self) { return visit(self.connection, get); }, about);
  };
  def_getter(
      "input_shape", [](auto& c) { return c.input_shape(); }, "Of one sample.");
  def_getter(
      "output_shape", [](auto& c) { return c.output_shape(); }, "Of one sample.");
  def_getter(
      "synaptic_shape", [](auto& c) { return c.synaptic_shape(); },
      "One sample of what the weights read.");
  def_getter(
      "weight_shape", [](auto& c) { return c.weight_shape(); }, "Of weights and delays.");
  def_getter(
      "bias_shape", [](auto& c) { return c.bias_shape(); }, "Of the biases.");
  def_getter(
      "selector_shape", [](auto& c) { return c.selector_shape(); },
      "(B, I, O), (B, N, 1) or (B, C kh kw, positions, F).");
  def_getter(
      "batch_size", [](auto& c) { return c.batch_size(); }, "Samples stepped together.");
  def_getter(
      "step_time", [](auto& c) { return c.step_time(); }, "dt, ms.");
  def_getter(
      "biased", [](auto& c) { return c.biased(); }, "Whether there are biases.");
  def_getter(
      "delayed_by", [](auto& c) { return c.delayed_by(); },
      "The largest delay, ms; None for a connection built without delays.");
  def_getter(
      "is_delayed", [](auto& c) { return c.is_delayed(); }, "Whether sums read delayed currents.");
  def_getter(
      "device", [](auto& c) { return to_string(c.device()); }, "As 'cpu' or 'cuda:0'.");
  bound.def_prop_ro(
      "weight_storage",
      [](const Self& self) {
        return visit(self.connection, []<class T>(const Connection<T>& c) {
          return storage_text<T>(c.weight_storage());
        });
      },
      "What the plan of the sums stores weights as.");
  bound.def_prop_ro("dtype", [](const Self& self) { return dtype_name(self.connection); });
  bound.def_prop_ro(
      "synapse", [](const Self& self) { return self.synapse; },
      nb::sig("def synapse(self) -> Synapse"), "The synapse it reads.");
}

void bind_parameters(Class& bound) {
  for (const auto& [name, parameter] :
       {std::pair{"weight", Parameter::weight}, std::pair{"bias", Parameter::bias},
        std::pair{"delay", Parameter::delay}}) {
    bound.def_prop_ro(
        name,
        [parameter = parameter](nb::pointer_and_handle<Self> self) {
          return visit(self.p->connection, [&](const auto& c) {
            if (!c.has(parameter)) return Result{nb::none()};
            const auto view = c.get(parameter);
            return view_of(view.data(), view.shape(), c.device(), nb::borrow(self.h));
          });
        },
        "A read-only view, without a copy; None where there is none. `edit` gives one to write "
        "to.");
  }
  bound
      .def(
          "edit",
          [](nb::pointer_and_handle<Self> self, const std::string& parameter) {
            return visit(self.p->connection, [&](auto& c) {
              const auto view = c.edit(to_parameter("Connection.edit", parameter));
              return view_of(view.data(), view.shape(), c.device(), nb::borrow(self.h));
            });
          },
          "parameter"_a,
          "A view of 'weight', 'bias' or 'delay' to write to, without a copy. Sums take over what "
          "is\nwritten before the next one: ask again before writing again.")
      .def(
          "set",
          [](const Self& self, const std::string& parameter, const Array& values,
             StreamHandle stream) {
            visit(self.connection, [&]<class T>(Connection<T>& c) {
              const Parameter which = to_parameter("Connection.set", parameter);
              Call call(c.name(), "set", c.device(), stream);
              if (c.device() == Device::cpu() || !is_on_host(values)) {
                const View<const T> taken = call.in<T>("values", values);
                call.run([&](const Stream& on) { c.set(on, which, taken); });
                return;
              }
              Call host(c.name(), "set", Device::cpu());
              const View<const T> taken = host.in<T>("values", values);
              if (taken.shape() != c.parameter_shape(which)) {
                call.refuse(Errc::shape_mismatch, "values has shape " + to_string(taken.shape()) +
                                                      ", expected " +
                                                      to_string(c.parameter_shape(which)));
              }
              const std::vector<T> copied(taken.data(), taken.data() + taken.size());
              call.run([&](const Stream& on) { c.set_from_host(on, which, copied); });
            });
          },
          "parameter"_a, "values"_a, nb::kw_only(), "stream"_a = nb::none(),
          "Copies values into 'weight', 'bias' or 'delay', from the connection's device or the "
          "host. NaN\namong delays is refused.")
      .def(
          "to_host",
          [](const Self& self, const std::string& parameter, StreamHandle stream) {
            return visit(self.connection, [&]<class T>(Connection<T>& c) {
              const Parameter which = to_parameter("Connection.to_host", parameter);
              Call call(c.name(), "to_host", c.device(), stream);
              std::vector<T> values;
              call.run([&](const Stream& on) { values = c.to_host(on, which); });
              Call host(c.name(), "to_host", Device::cpu());
              const auto result = host.out<T>({}, c.parameter_shape(which));
              std::copy(values.begin(), values.end(), result.view.data());
              return host.result(result);
            });
          },
          "parameter"_a, nb::kw_only(), "stream"_a = nb::none(),
          "A copy of 'weight', 'bias' or 'delay' as an array of NumPy.")
      .def(
          "out_of_range_delays",
          [](const Self& self, StreamHandle stream) {
            return visit(self.connection, [&](const auto& c) {
              Call call(c.name(), "out_of_range_delays", c.device(), stream);
              std::int64_t count = 0;
              call.run([&](const Stream& on) { count = c.out_of_range_delays(on); });
              return count;
            });
          },
          nb::kw_only(), "stream"_a = nb::none(), "How many delays lie outside [0, delayed_by].");
}

// Methods that take a stream alone, or one more argument.
void bind_changes(Class& bound) {
  const auto def_action = [&](const char* name, auto act, const char* about) {
    bound.def(
        name,
        [name, act](const Self& self, StreamHandle stream) {
          visit(self.connection, [&](auto& c) {
            Call call(c.name(), name, c.device(), stream);
            call.run([&](const Stream& on) { act(c, on); });
          });
        },
        nb::kw_only(), "stream"_a = nb::none(), about);
  };
  def_action(
      "clear", [](auto& c, auto& on) { c.clear(on); },
      "Empties the synapse's history; parameters stay.");
  def_action(
      "clamp_delays", [](auto& c, auto& on) { c.clamp_delays(on); },
      "Brings every delay into [0, delayed_by]; NaN becomes 0.");
  def_action(
      "prepare", [](auto& c, auto& on) { c.prepare(on); },
      "Renews now what sums read, if parameters changed.");
  def_action(
      "refresh", [](auto& c, auto& on) { c.refresh(on); },
      "Takes over a change of batch size, dt or delay that was made at the synapse.");

  const auto def_change = [&](const char* name, const char* what, auto change, const char* about) {
    bound.def(
        name,
        [name, change](const Self& self, double value, bool keep, StreamHandle stream) {
          visit(self.connection, [&](auto& c) {
            Call call(c.name(), name, c.device(), stream);
            call.run([&](const Stream& on) { change(c, on, value, history_change(keep)); });
          });
        },
        nb::arg(what), "keep"_a = false, nb::kw_only(), "stream"_a = nb::none(), about);
  };
  def_change(
      "set_step_time", "step_time",
      [](auto& c, auto& on, double value, auto history) { c.set_step_time(on, value, history); },
      "Changes dt, ms; the history is cleared, or kept.");
  def_change(
      "set_delayed_by", "delay",
      [](auto& c, auto& on, double value, auto history) { c.set_delayed_by(on, value, history); },
      "Changes the largest delay, ms; the history is cleared, or kept.");

  bound.def(
      "set_weight_storage",
      [](const Self& self, const nb::object& storage, StreamHandle stream) {
        visit(self.connection, [&]<class T>(Connection<T>& c) {
          const StorageType type =
              to_storage<T>("Connection.set_weight_storage", "storage", to_storage_name(storage));
          Call call(c.name(), "set_weight_storage", c.device(), stream);
          call.run([&](const Stream& on) { c.set_weight_storage(on, type); });
        });
      },
      "storage"_a.none(), nb::kw_only(), "stream"_a = nb::none(),
      "What the plan of the sums stores weights as: 'float16' or 'bfloat16' of float32, 3 bytes a "
      "pair\nin place of 5, each weight rounded once; None: the connection's dtype. Parameters "
      "stay as they are.");

  const auto def_count = [&](const char* name, const char* what, auto act, const char* about) {
    bound.def(
        name,
        [name, act](const Self& self, Integer count, StreamHandle stream) {
          visit(self.connection, [&](auto& c) {
            Call call(c.name(), name, c.device(), stream);
            call.run([&](const Stream& on) { act(c, on, count); });
          });
        },
        nb::arg(what), nb::kw_only(), "stream"_a = nb::none(), about);
  };
  def_count(
      "set_batch_size", "batch_size",
      [](auto& c, auto& on, std::int64_t size) { c.set_batch_size(on, size); },
      "Keeps the last samples, or prepends zero ones.");
  def_count(
      "reserve_sequence", "steps",
      [](auto& c, auto& on, std::int64_t steps) { c.reserve_sequence(on, steps); },
      "Memory for sequences of this many steps.");
}

void bind_sums(Class& bound) {
  bound
      .def(
          "forward",
          [](const Self& self, const Spikes& spikes, const nb::args& injected,
             const std::optional<Array>& out, bool accumulate, StreamHandle stream) {
            return visit(self.connection, [&]<class T>(Connection<T>& c) {
              Call call(c.name(), "forward", c.device(), stream);
              const SpikeInput<T> input = call.spike_input<T>("spikes", spikes);
              const std::vector<View<const T>> currents = call.injected<T>(injected);
              const Output output = to_output(call, accumulate, out.has_value());
              const auto sums = call.out<T>(out, c.output_shape().prepended(c.batch_size()));
              call.run(
                  [&](const Stream& on) { c.forward(on, input, sums.view, output, currents); });
              return call.result(sums);
            });
          },
          "spikes"_a, "injected"_a, "out"_a = nb::none(), "accumulate"_a = false,
          "stream"_a = nb::none(),
          nb::sig("def forward(self, spikes: cusynapse._typing.Array | PackedSpikes, "
                  "*injected: cusynapse._typing.Array, out: cusynapse._typing.Array | None = None, "
                  "accumulate: bool = False, stream: int | None = None) -> typing.Any"),
          "One step: steps the synapse with spikes [B, *input_shape], then W current(t - d) + b, "
          "nA,\n[B, *output_shape]. accumulate: adds it to what out holds.")
      .def(
          "sum",
          [](const Self& self, const std::optional<Array>& out, bool accumulate,
             StreamHandle stream) {
            return visit(self.connection, [&]<class T>(Connection<T>& c) {
              Call call(c.name(), "sum", c.device(), stream);
              const Output output = to_output(call, accumulate, out.has_value());
              const auto sums = call.out<T>(out, c.output_shape().prepended(c.batch_size()));
              call.run([&](const Stream& on) { c.sum(on, sums.view, output); });
              return call.result(sums);
            });
          },
          "out"_a = nb::none(), nb::kw_only(), "accumulate"_a = false, "stream"_a = nb::none(),
          "The weighted sum alone, over the synapse's history as it is.")
      .def(
          "forward_sequence",
          [](const Self& self, const Spikes& spikes, const std::optional<Array>& out,
             bool accumulate, StreamHandle stream) {
            return visit(self.connection, [&]<class T>(Connection<T>& c) {
              Call call(c.name(), "forward_sequence", c.device(), stream);
              const SpikeInput<T> input = call.spike_input<T>("spikes", spikes, true);
              const std::int64_t steps = input.shape().rank() > 0 ? input.shape()[0] : 0;
              const Output output = to_output(call, accumulate, out.has_value());
              const auto sums =
                  call.out<T>(out, c.output_shape().prepended(c.batch_size()).prepended(steps));
              call.run([&](const Stream& on) { c.forward_sequence(on, input, sums.view, output); });
              return call.result(sums);
            });
          },
          "spikes"_a, "out"_a = nb::none(), nb::kw_only(), "accumulate"_a = false,
          "stream"_a = nb::none(),
          "T steps, spikes [T, B, *input_shape] to [T, B, *output_shape].");
}

// What learning rules look at.
void bind_synaptic(Class& bound) {
  bound
      .def(
          "selector",
          [](const Self& self, const std::optional<Array>& out, StreamHandle stream) {
            return visit(self.connection, [&]<class T>(Connection<T>& c) {
              Call call(c.name(), "selector", c.device(), stream);
              const auto result = call.out<T>(out, c.selector_shape());
              call.run([&](const Stream& on) { c.selector(on, result.view); });
              return call.result(result);
            });
          },
          "out"_a = nb::none(), nb::kw_only(), "stream"_a = nb::none(),
          "Delays spread over the batch; zeros where there are none.")
      .def(
          "syncurrent",
          [](const Self& self, const std::optional<Array>& out, StreamHandle stream) {
            return visit(self.connection, [&]<class T>(Connection<T>& c) {
              Call call(c.name(), "syncurrent", c.device(), stream);
              const auto result = call.out<T>(out, c.synaptic_selection_shape());
              call.run([&](const Stream& on) { c.syncurrent(on, result.view); });
              return call.result(result);
            });
          },
          "out"_a = nb::none(), nb::kw_only(), "stream"_a = nb::none(),
          "The currents the weights read, nA: at the selector if delayed, else the newest.")
      .def(
          "synspike",
          [](const Self& self, const std::optional<Array>& out, StreamHandle stream) {
            return visit(self.connection, [&](auto& c) {
              Call call(c.name(), "synspike", c.device(), stream);
              const auto result = call.spikes_out(out, c.synaptic_selection_shape());
              call.run([&](const Stream& on) { c.synspike(on, result.view); });
              return call.result(result);
            });
          },
          "out"_a = nb::none(), nb::kw_only(), "stream"_a = nb::none(),
          "The spikes the weights read, as syncurrent.")
      .def(
          "like_input",
          [](const Self& self, const Array& synaptic, const std::optional<Array>& out,
             StreamHandle stream) {
            return visit(self.connection, [&]<class T>(Connection<T>& c) {
              Call call(c.name(), "like_input", c.device(), stream);
              const View<const T> values = call.in<T>("synaptic", synaptic);
              const auto result = call.out<T>(out, c.input_shape().prepended(c.batch_size()));
              call.run([&](const Stream& on) { c.like_input(on, values, result.view); });
              return call.result(result);
            });
          },
          "synaptic"_a, "out"_a = nb::none(), nb::kw_only(), "stream"_a = nb::none(),
          "[B, *synaptic_shape] to [B, *input_shape]; a convolution gives the mean over the copies "
          "of a\npixel.")
      .def(
          "like_bias",
          [](const Self& self, const Array& values) {
            return visit(self.connection, [&]<class T>(Connection<T>& c) {
              Call call(c.name(), "like_bias", c.device());
              return reshaped(values, c.like_bias(call.in<T>("values", values)).shape());
            });
          },
          "values"_a, "An array shaped like one weight an output, under the bias's shape.");

  // Values or spikes in, the same out, in a shape that follows from theirs.
  const auto def_copy = [&](const char* name, const char* what, auto shape_of, auto copy,
                            const char* about) {
    bound.def(
        name,
        [name, what, shape_of, copy](const Self& self, const Array& array,
                                     const std::optional<Array>& out, StreamHandle stream) {
          return visit(self.connection, [&]<class T>(Connection<T>& c) {
            Call call(c.name(), name, c.device(), stream);
            return std::visit(
                [&]<class V>(View<const V> values) {
                  const Shape shape = shape_of(c, values.shape());
                  const auto result = [&] {
                    if constexpr (std::is_same_v<V, std::uint8_t>)
                      return call.spikes_out(out, shape);
                    else
                      return call.template out<V>(out, shape);
                  }();
                  call.run([&](const Stream& on) { copy(c, on, values, result.view); });
                  return call.result(result);
                },
                call.values_or_spikes_in<T>(what, array));
          });
        },
        nb::arg(what), "out"_a = nb::none(), nb::kw_only(), "stream"_a = nb::none(), about);
  };
  def_copy(
      "like_synaptic", "input",
      [](auto& c, const Shape&) { return c.synaptic_shape().prepended(c.batch_size()); },
      [](auto& c, auto& on, auto in, auto out) { c.like_synaptic(on, in, out); },
      "Values or spikes [B, *input_shape] to [B, *synaptic_shape], as the weights see them.");
  def_copy(
      "presyn_receptive", "synaptic",
      [](auto& c, const Shape& shape) { return c.presyn_receptive_shape(shape); },
      [](auto& c, auto& on, auto in, auto out) { c.presyn_receptive(on, in, out); },
      "Synaptic values or spikes in the shape of weights, samples in front and receptive positions "
      "behind:\n(B, 1 or O, I, 1), (B, N, 1) or (B, 1 or F, C, kh, kw, positions).");
  bound.def(
      "postsyn_receptive",
      [](const Self& self, const Array& output) {
        return visit(self.connection, [&]<class T>(Connection<T>& c) {
          Call call(c.name(), "postsyn_receptive", c.device());
          return std::visit(
              [&](const auto& values) {
                return reshaped(output, c.postsyn_receptive(values).shape());
              },
              call.values_or_spikes_in<T>("output", output));
        });
      },
      "output"_a,
      "Outputs under the shape that lines up with presyn_receptive: (B, O, 1, 1), (B, N, 1) or\n"
      "(B, F, 1, 1, 1, positions).");
}

// As the class of the library's.
template <class T>
nb::object as_kind(const std::shared_ptr<Connection<T>>& made) {
  const ConnectionObject object = with_own_synapse(made);
  const auto is = [&]<template <class> class Kind>() {
    return dynamic_cast<const Kind<T>*>(made.get()) != nullptr;
  };
  if (is.template operator()<LinearDense>()) return nb::cast(KindObject<LinearDense>{object});
  if (is.template operator()<LinearDirect>()) return nb::cast(KindObject<LinearDirect>{object});
  if (is.template operator()<LinearLateral>()) return nb::cast(KindObject<LinearLateral>{object});
  return nb::cast(KindObject<Conv2D>{object});
}

}  // namespace

nb::object load_connection(const nb::bytes& state, Device device, StreamHandle stream) {
  const auto held = load_held<Either<Connection>>(
      state, "Connection", device, stream,
      []<class T>(std::type_identity<T>, const Stream& on, StateBytes bytes) {
        return cusynapse::load_connection<T>(on, bytes);
      });
  return held.visit_pointer([](const auto& made) { return as_kind(made); });
}

void bind_connections(nb::module_& module) {
  Class base(module, "Connection",
             "Weighted synapses: out = W current(t - d) + b, for a whole batch.\n\nB is the batch "
             "size, I and O what goes in and out. Parameters are 'weight', 'bias' and 'delay'.\n"
             "Weights and biases start uniform in [0, 1) from the seed, delays at 0.");
  bind_properties(base);
  bind_parameters(base);
  bind_changes(base);
  bind_sums(base);
  bind_synaptic(base);
  bind_saving(base, "Connection", &Self::connection);
  bind_repr(base, {"input_shape", "output_shape", "batch_size", "step_time", "delayed_by", "biased",
                   "dtype", "device"});
  bind_dense(module);
  bind_square<LinearDirect>(module, "LinearDirect",
                            "One input to one output: weight, delay and bias (N).");
  bind_square<LinearLateral>(module, "LinearLateral",
                             "Every element to every other: weight and delay (N, N) with the "
                             "diagonal held at 0, bias (N).");
  bind_conv2d(module);
}

}  // namespace cusynapse::python
