// Synapses from what a golden set records about them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cusynapse/models.hpp"
#include "cusynapse/stream.hpp"
#include "golden/golden_set.hpp"

namespace cusynapse::golden {

/// Constants of every class; each takes those it knows.
struct SynapseConstants {
  double spike_charge = 1.0;
  double time_constant = 1.0;
  double tc_decay = 2.0;
  double tc_rise = 1.0;
};

/// The mode of that recorded name. Throws std::runtime_error for other names.
SpikeInterpolation spike_interpolation(const Place& place, const std::string& name);

/// How a case of any suite with a synapse reads between steps and beyond the largest delay; the
/// rest of the options is left as it is by default.
SynapseOptions selection_options(const Case& replayed);
/// All options of a case of the suites synapse and mutate.
SynapseOptions synapse_options(const Case& replayed);
/// Constants of a case of any suite with a synapse.
SynapseConstants synapse_constants(const Case& replayed);

/// A synapse of a recorded class. Throws std::runtime_error for a class nothing is known about, and
/// `Error` where the library refuses the arguments.
std::unique_ptr<CurrentSynapse<float>> make_synapse(const Stream& stream, const Place& place,
                                                    const std::string& class_name,
                                                    const SynapseOptions& options,
                                                    const SynapseConstants& constants);

/// All observations of a trace, or of the spikes, newest first: [slots, batch_size, shape...].
std::vector<float> trace_history(const Stream& stream, const CurrentSynapse<float>& synapse,
                                 int trace);
std::vector<std::uint8_t> spike_history(const Stream& stream, const CurrentSynapse<float>& synapse);

}  // namespace cusynapse::golden
