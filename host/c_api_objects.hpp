// Handles and enumerations of the C interface that more than one of its files works with.
#pragma once

#include <memory>

#include "cusynapse/connection.hpp"
#include "cusynapse/synapse.hpp"
#include "host/c_api.hpp"

struct cusynapse_synapse : cusynapse::c_api::Handle<cusynapse::CurrentSynapse<float>,
                                                    cusynapse::CurrentSynapse<double>> {};

struct cusynapse_connection
    : cusynapse::c_api::Handle<cusynapse::Connection<float>, cusynapse::Connection<double>> {};

namespace cusynapse::c_api {

inline Parameter parameter_of(const host::Where& where, cusynapse_parameter parameter) {
  return enumerator(where, "parameter", parameter, Parameter::delay);
}

inline HistoryChange change_of(const host::Where& where, cusynapse_history_change change) {
  return enumerator(where, "change", change, HistoryChange::keep);
}

SynapseOptions synapse_options(const host::Where& where, const cusynapse_synapse_options* given);

/// A synapse of a model of C. Throws as its constructor, and for a kind that does not exist.
template <class T>
std::unique_ptr<CurrentSynapse<T>> make_synapse(const host::Where& where, const Stream& stream,
                                                const SynapseOptions& options,
                                                const cusynapse_model& model);

extern template std::unique_ptr<CurrentSynapse<float>> make_synapse(const host::Where&,
                                                                    const Stream&,
                                                                    const SynapseOptions&,
                                                                    const cusynapse_model&);
extern template std::unique_ptr<CurrentSynapse<double>> make_synapse(const host::Where&,
                                                                     const Stream&,
                                                                     const SynapseOptions&,
                                                                     const cusynapse_model&);

}  // namespace cusynapse::c_api
