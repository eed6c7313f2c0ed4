// What steps and selections must move, as ops.hpp counts it.
#pragma once

#include <algorithm>
#include <cmath>

#include "cusynapse/ops.hpp"
#include "support/spike_frames.hpp"

namespace cusynapse::bench {

/// Bytes of one observation of all traces of a synapse.
template <class T>
std::int64_t observation_bytes(const DecayInject<T>& step) {
  const auto element =
      visit_storage<T>(step.traces[0].storage(), [](auto of) { return sizeof of; });
  return static_cast<std::int64_t>(element) * step.trace_count;
}

/// Bytes of `steps` steps in one call: every input read, every slot and spike bit written, and what
/// the first step starts from read once.
template <class T>
double step_bytes(const DecayInject<T>& step, InputKind kind, std::int64_t steps) {
  const auto traces = static_cast<double>(observation_bytes(step));
  const double remembered = step.dynamics == Dynamics::memoryless ? 0.0 : traces;
  const double each = input_bytes<T>(kind) + traces + 1.0 / 8.0;
  return static_cast<double>(step.size) * (static_cast<double>(steps) * each + remembered);
}

/// Bytes that `samples` selections of every synapse at random delays gather where memory is read in
/// `units` of so many bytes: each that holds an observation asked for, once. Delays lie between 0
/// and the largest, so the older observation is any but the newest, and of n units that hold the
/// same synapses at other times k selections find each with probability 1 - (1 - 1 / n)^k.
template <class T>
double gathered_bytes(const DecayInject<T>& step, double samples, double unit) {
  const int arrays = std::max(step.trace_count, 1);
  const double element =
      step.trace_count > 0 ? static_cast<double>(observation_bytes(step)) / arrays : 1.0 / 8.0;
  const double synapses_in_one = std::max(unit / element, 1.0);
  const double others = step.slots - 1.0;
  const double found = others * (1.0 - std::pow(1.0 - 1.0 / others, synapses_in_one * samples));
  return static_cast<double>(step.size) * element * found * arrays;
}

/// Bytes of the rings.
template <class T>
std::int64_t ring_bytes(const DecayInject<T>& step) {
  const std::int64_t traces = observation_bytes(step) * step.stride;
  return step.slots * (traces + step.stride / 8);
}

}  // namespace cusynapse::bench
