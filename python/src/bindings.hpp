// The parts of the module, and what they share.
#pragma once

#include "array.hpp"
#include "cusynapse/synapse.hpp"

namespace cusynapse::python {

void bind_errors();
void bind_arrays(nb::module_& module);
void bind_synapses(nb::module_& module);

/// What every constructor and method takes last.
using StreamHandle = std::optional<std::uintptr_t>;

/// What becomes of a history, from a `keep` argument.
inline HistoryChange history_change(bool keep) {
  return keep ? HistoryChange::keep : HistoryChange::clear;
}

}  // namespace cusynapse::python
