// What every object of Python's does with saved states.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "array.hpp"
#include "bindings.hpp"
#include "cusynapse/state.hpp"
#include "cusynapse/updater.hpp"
#include "held.hpp"

namespace cusynapse::python {

inline StateBytes to_state(const nb::bytes& state) {
  return {static_cast<const std::uint8_t*>(state.data()), state.size()};
}

/// Where calls of an object run.
template <class Object>
Device device_of(const Object& object) {
  return object.device();
}
template <class T>
Device device_of(const Updater<T>& updater) {
  return updater.connection().device();
}

/// The state of an object of either element type. `type` and `function` name the caller in errors.
template <class... Objects>
nb::bytes save(const Held<Objects...>& held, const char* type, const char* function,
               StreamHandle stream = {}) {
  return visit(held, [&](const auto& object) {
    Call call(type, function, device_of(object), stream);
    std::vector<std::uint8_t> bytes;
    call.run([&](const Stream& on) { bytes = object.save(on); });
    return nb::bytes(bytes.data(), bytes.size());
  });
}

/// Methods `save` and `load` of a class, the object of which is a member of Python's.
template <class Class, class Self, class... Objects>
void bind_saving(Class& bound, const char* type, Held<Objects...> Self::*held) {
  using namespace nb::literals;
  bound
      .def(
          "save",
          [type, held](const Self& self, StreamHandle stream) {
            return save(self.*held, type, "save", stream);
          },
          nb::kw_only(), "stream"_a = nb::none(),
          "All that is needed to go on bit for bit, on any device; `load` and `cusynapse.load` "
          "take "
          "it.")
      .def(
          "load",
          [type, held](const Self& self, const nb::bytes& state, StreamHandle stream) {
            visit(self.*held, [&](auto& object) {
              Call call(type, "load", device_of(object), stream);
              call.run([&](const Stream& on) { object.load(on, to_state(state)); });
            });
          },
          "state"_a, nb::kw_only(), "stream"_a = nb::none(),
          "Becomes what was saved of an object of this class, dtype and shape of one sample.");
}

/// What `make(std::type_identity<T>, stream, bytes)` makes of a state, T being float or double as
/// its elements are.
template <class Loaded, class Make>
Loaded load_held(const nb::bytes& state, const char* type, Device device, StreamHandle stream,
                 const Make& make) {
  Call call(type, "load", device, stream);
  typename Loaded::Pointer made;
  call.run([&](const Stream& on) {
    const StateBytes bytes = to_state(state);
    if (StateReader(bytes).holds<double>()) {
      made = make(std::type_identity<double>(), on, bytes);
    } else {
      made = make(std::type_identity<float>(), on, bytes);
    }
  });
  return Loaded(type, std::move(made));
}

/// The object of a state, as Python's class of its class.
nb::object load_history(const nb::bytes& state, Device device, StreamHandle stream);
nb::object load_synapse(const nb::bytes& state, Device device, StreamHandle stream);
nb::object load_connection(const nb::bytes& state, Device device, StreamHandle stream);
nb::object load_neuron(const nb::bytes& state, Device device, StreamHandle stream);
nb::object load_projection(const nb::bytes& state, Device device, StreamHandle stream);

/// The text "name=value, ..." of named values.
nb::str describe(const nb::dict& values);
/// The text "Class(attribute=value, ...)" of an object.
nb::str describe(nb::handle self, const std::vector<const char*>& attributes);
template <class Class>
void bind_repr(Class& bound, std::vector<const char*> attributes) {
  bound.def("__repr__", [attributes = std::move(attributes)](nb::handle self) {
    return describe(self, attributes);
  });
}

}  // namespace cusynapse::python
