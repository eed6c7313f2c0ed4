// The step of a synapse: exponential decay from one step to the next, and the charge a spike adds.
#pragma once

#include "cusynapse/math/arithmetic.hpp"

namespace cusynapse::math {

/// One step of a decaying trace: previous * decay + gain * input, with decay = exp(-dt / tau) and
/// gain the trace's jump at a unit input. Each operation rounded on its own.
template <class T>
CUSYNAPSE_HOST_DEVICE T decay_inject(T previous, T decay, T gain, T input) {
  return add(multiply(previous, decay), multiply(gain, input));
}

/// One step of a trace that another one feeds: previous * decay + feeder * feed, with feeder the
/// other trace before this step and feed = rate * dt * exp(-dt / tau): the exact propagator of two
/// equal time constants in a chain.
template <class T>
CUSYNAPSE_HOST_DEVICE T decay_feed(T previous, T decay, T feeder, T feed) {
  return add(multiply(previous, decay), multiply(feeder, feed));
}

/// One step of a trace without memory: the charge of this step's input, spread over the step.
template <class T>
CUSYNAPSE_HOST_DEVICE T inject(T gain, T input) {
  return multiply(input, gain);
}

/// Whether an input is a spike: anything but zero, NaN included.
template <class T>
CUSYNAPSE_HOST_DEVICE bool is_spike(T input) {
  return input != T(0);
}

}  // namespace cusynapse::math
