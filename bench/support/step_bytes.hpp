// What a step must move, as ops.hpp counts it.
#pragma once

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

/// Bytes of the rings.
template <class T>
std::int64_t ring_bytes(const DecayInject<T>& step) {
  const std::int64_t traces = observation_bytes(step) * step.stride;
  return step.slots * (traces + step.stride / 8);
}

}  // namespace cusynapse::bench
