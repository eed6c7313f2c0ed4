// Objects from saved states, and their texts.
#include "state.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <string>

namespace cusynapse::python {
namespace {

using namespace nb::literals;

Result load(const nb::bytes& state, const nb::object& device, StreamHandle stream) {
  const Device on = to_device(device);
  std::string name;
  {
    const nb::gil_scoped_release released;
    name = StateReader(to_state(state)).class_name();
  }
  if (name == "History") return {load_history(state, on, stream)};
  if (name == "LeakyIntegrateAndFire") return {load_neuron(state, on, stream)};
  if (name == "Projection") return {load_projection(state, on, stream)};
  if (name == "Accumulator" || name == "Updater") {
    throw Error(Errc::not_supported,
                "cusynapse.load: class is " + name +
                    ", expected one that is made of its state alone: make an " + name +
                    " and call its load");
  }
  for (const char* connection : {"LinearDense", "LinearDirect", "LinearLateral", "Conv2D"}) {
    if (name == connection) return {load_connection(state, on, stream)};
  }
  return {load_synapse(state, on, stream)};
}

}  // namespace

nb::str describe(const nb::dict& values) {
  nb::list parts;
  for (const auto& [name, value] : values) parts.append(nb::str("{}={!r}").format(name, value));
  return nb::str(nb::str(", ").attr("join")(parts));
}

nb::str describe(nb::handle self, const std::vector<const char*>& attributes) {
  nb::dict values;
  for (const char* attribute : attributes) values[attribute] = self.attr(attribute);
  return nb::str("{}({})").format(self.type().attr("__name__"), describe(values));
}

void bind_states(nb::module_& module) {
  module.def(
      "load", &load, "state"_a, "device"_a = "cpu", nb::kw_only(), "stream"_a = nb::none(),
      "A new object from what `save` gave, of the class and dtype that were saved. Connections "
      "come with a\nsynapse of their own. Accumulators and updaters are made first and load "
      "then.");
}

}  // namespace cusynapse::python
