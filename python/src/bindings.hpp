// The parts of the module, and what they share.
#pragma once

#include "array.hpp"
#include "cusynapse/connection.hpp"

namespace cusynapse::python {

void bind_errors();
void bind_arrays(nb::module_& module);
void bind_synapses(nb::module_& module);
void bind_groups(nb::module_& module);
void bind_histories(nb::module_& module);
void bind_connections(nb::module_& module);
void bind_updaters(nb::module_& module);
void bind_projections(nb::module_& module);
void bind_neurons(nb::module_& module);
void bind_states(nb::module_& module);

/// What every constructor and method takes last.
using StreamHandle = std::optional<std::uintptr_t>;

/// What becomes of a history, from a `keep` argument.
inline HistoryChange history_change(bool keep) {
  return keep ? HistoryChange::keep : HistoryChange::clear;
}

/// Whether a sum replaces what `out` held, from an `accumulate` argument, which needs an `out`.
inline Output to_output(const Call& call, bool accumulate, bool has_out) {
  if (accumulate && !has_out) {
    call.refuse(Errc::invalid_argument, "accumulate without out, expected an array to add to");
  }
  return accumulate ? Output::accumulate : Output::replace;
}

/// A parameter from its name.
inline Parameter to_parameter(const char* where, const std::string& name) {
  return choose<Parameter>(
      where, "parameter", name,
      {{"weight", Parameter::weight}, {"bias", Parameter::bias}, {"delay", Parameter::delay}});
}

}  // namespace cusynapse::python
