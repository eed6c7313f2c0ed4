// The step of a neuron: a leaky membrane, and the steps it stays refractory for after a spike.
#pragma once

#include "cusynapse/math/arithmetic.hpp"

namespace cusynapse::math {

/// One step of a leaky membrane (mV) whose input current is constant during the step:
/// rest + ((voltage - rest) * decay + gain * current), with decay = exp(-dt / tau) and
/// gain = resistance * (1 - decay). Each operation rounded on its own. Source: exact propagator of
/// a linear membrane (Rotter and Diesmann 1999, Biol. Cybern. 81:381).
template <class T>
CUSYNAPSE_HOST_DEVICE T leaky_integrate(T voltage, T rest, T decay, T gain, T current) {
  return add(rest, add(multiply(subtract(voltage, rest), decay), multiply(gain, current)));
}

/// What is left of a refractory period, and whether the last step spiked, in 16 bits: the highest
/// bit is the spike, the others the number of steps.
inline constexpr std::uint16_t refractory_spike = 0x8000;
/// The longest refractory period, steps.
inline constexpr std::uint16_t most_refractory_steps = 0x7FFF;

/// Steps of the coming ones in which the neuron stays refractory.
CUSYNAPSE_HOST_DEVICE std::uint16_t refractory_steps_left(std::uint16_t refractory) {
  return refractory & most_refractory_steps;
}

/// Whether the last step spiked.
CUSYNAPSE_HOST_DEVICE bool has_spiked(std::uint16_t refractory) {
  return (refractory & refractory_spike) != 0;
}

/// Steps that cover a refractory `period` (both ms): period / step_time rounded up, except that a
/// quotient within 1e-9 of a whole number, relative to it, is that number, so that 0.3 at 0.1 and
/// 3 * 0.1 at 0.1 both are 3 steps.
inline double refractory_steps(double period, double step_time) {
  const double quotient = period / step_time;
  const double whole = std::round(quotient);
  return std::fabs(quotient - whole) <= 1e-9 * whole ? whole : std::ceil(quotient);
}

}  // namespace cusynapse::math
