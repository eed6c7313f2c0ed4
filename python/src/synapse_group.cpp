// Populations of synapses stepped in one launch.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include "bindings.hpp"
#include "state.hpp"
#include "synapse.hpp"

namespace cusynapse::python {
namespace {

using namespace nb::literals;

// A group of either element type.
struct GroupObject {
  Either<SynapseGroup> group;
};

using Self = GroupObject;
constexpr const char* name = "SynapseGroup";

// An index as Python counts, from the end below 0.
template <class T>
std::size_t checked_index(const SynapseGroup<T>& group, std::int64_t index) {
  const auto size = static_cast<std::int64_t>(group.size());
  if (index < -size || index >= size) {
    throw nb::index_error(("SynapseGroup has " + std::to_string(size) + " members, got index " +
                           std::to_string(index))
                              .c_str());
  }
  return static_cast<std::size_t>(index < 0 ? index + size : index);
}

}  // namespace

void bind_groups(nb::module_& module) {
  nb::class_<Self>(
      module, name,
      "Populations of any models, shapes and constants stepped in one launch.\n\nmembers are pairs "
      "of a factory and a shape. The input of all is one array, in which member i starts at\n"
      "element input_offset(i); what lies between two frames is not read. A member that is changed "
      "on its own\n(batch size, dt, delay, constants) needs a refresh.")
      .def(
          "__init__",
          [](Self* self, const std::vector<std::pair<FactoryObject, Extents>>& members,
             double step_time, double delay, Integer batch_size, const nb::object& dtype,
             const nb::object& device, StreamHandle stream) {
            Call call(name, "__init__", to_device(device), stream);
            with_element(to_element(dtype), [&]<class T>(std::type_identity<T>) {
              std::shared_ptr<SynapseGroup<T>> made;
              call.run([&](const Stream& on) {
                std::vector<std::unique_ptr<CurrentSynapse<T>>> synapses;
                for (const auto& [factory, shape] : members) {
                  // All factories of Python make a CurrentSynapse.
                  synapses.emplace_back(static_cast<CurrentSynapse<T>*>(
                      factory.template of<T>()(on, shape.shape(), step_time, delay, batch_size)
                          .release()));
                }
                made = std::make_shared<SynapseGroup<T>>(on, std::move(synapses));
              });
              new (self) Self{{name, std::move(made)}};
            });
          },
          "members"_a, "step_time"_a = 1.0, nb::kw_only(), "delay"_a = 0.0, "batch_size"_a = 1,
          "dtype"_a = "float32", "device"_a = "cpu", "stream"_a = nb::none())
      .def("__len__",
           [](const Self& self) {
             return visit(self.group, [](const auto& group) { return group.size(); });
           })
      .def(
          "__getitem__",
          [](const Self& self, Integer index) {
            return self.group.visit_pointer([&]<class T>(
                                                const std::shared_ptr<SynapseGroup<T>>& group) {
              CurrentSynapse<T>& member = (*group)[checked_index(*group, index)];
              return wrap(std::shared_ptr<CurrentSynapse<T>>(group, &member), self.group.guard());
            });
          },
          nb::sig("def __getitem__(self, index: typing.SupportsIndex) -> Synapse"),
          "A member, with all its methods.")
      .def(
          "input_offset",
          [](const Self& self, Integer index) {
            return visit(self.group, [&](const auto& group) {
              return group.input_offset(checked_index(group, index));
            });
          },
          "index"_a, "Where a member's input starts, in elements.")
      .def_prop_ro(
          "input_size",
          [](const Self& self) {
            return visit(self.group, [](const auto& group) { return group.input_size(); });
          },
          "Elements of the whole input.")
      .def_prop_ro("dtype", [](const Self& self) { return dtype_name(self.group); })
      .def_prop_ro("device",
                   [](const Self& self) {
                     return visit(self.group,
                                  [](const auto& group) { return to_string(group[0].device()); });
                   })
      .def(
          "step",
          [](const Self& self, const Spikes& spikes, StreamHandle stream) {
            visit(self.group, [&]<class T>(SynapseGroup<T>& group) {
              Call call(name, "step", group[0].device(), stream);
              const SpikeInput<T> input = call.spike_input<T>("spikes", spikes);
              call.run([&](const Stream& on) { group.step(on, input); });
            });
          },
          "spikes"_a, nb::kw_only(), "stream"_a = nb::none(),
          "One step of every member, spikes [input_size].")
      .def(
          "refresh",
          [](const Self& self, StreamHandle stream) {
            visit(self.group, [&](auto& group) {
              Call call(name, "refresh", group[0].device(), stream);
              call.run([&](const Stream& on) { group.refresh(on); });
            });
          },
          nb::kw_only(), "stream"_a = nb::none(), "Takes over changes of the members.")
      .def("__repr__",
           [](nb::handle self) {
             return nb::str("SynapseGroup({} members, input_size={}, dtype={!r}, device={!r})")
                 .format(nb::len(self), self.attr("input_size"), self.attr("dtype"),
                         self.attr("device"));
           })
      .def("__getstate__",
           [](const Self& self) {
             return visit(self.group, []<class T>(const SynapseGroup<T>& group) {
               Call call(name, "__getstate__", group[0].device());
               std::vector<std::vector<std::uint8_t>> states;
               call.run([&](const Stream& on) {
                 for (std::size_t i = 0; i < group.size(); ++i) states.push_back(group[i].save(on));
               });
               std::vector<nb::bytes> members;
               for (const auto& state : states) members.emplace_back(state.data(), state.size());
               return std::tuple(std::move(members), to_string(group[0].device()));
             });
           })
      .def("__setstate__",
           [](Self* self, const std::tuple<std::vector<nb::bytes>, std::string>& state) {
             const auto& [members, device] = state;
             if (members.empty()) throw nb::value_error("SynapseGroup: a state without members");
             new (self) Self{load_held<Either<SynapseGroup>>(
                 members[0], name, to_device(nb::cast(device)), {},
                 [&members]<class T>(std::type_identity<T>, const Stream& on, StateBytes) {
                   std::vector<std::unique_ptr<CurrentSynapse<T>>> synapses;
                   for (const nb::bytes& member : members) {
                     synapses.push_back(cusynapse::load_synapse<T>(on, to_state(member)));
                   }
                   return std::make_shared<SynapseGroup<T>>(on, std::move(synapses));
                 })};
           });
}

}  // namespace cusynapse::python
