// Level 2: the step of spiking neurons, one kernel a call, on the caller's memory and the caller's
// stream.
//
// As ops.hpp: arguments are plain data, no call allocates, copies to the host or synchronises.
#pragma once

#include <cstdint>

#include "cusynapse/export.hpp"
#include "cusynapse/math/neuron.hpp"
#include "cusynapse/stream.hpp"

namespace cusynapse {

/// Arguments of `ops::leaky_integrate_and_fire`: one step of `size` neurons. A neuron with
/// refractory steps left is held at the reset voltage and uses one of them up. Any other takes the
/// voltage `math::leaky_integrate` gives, and where that is at or above the threshold it spikes: it
/// is reset and is refractory for the next `refractory_steps` steps. NaN is below every threshold.
template <class T>
struct LeakyIntegrateAndFireStep {
  T decay = 0;                          ///< exp(-dt / tau)
  T gain = 0;                           ///< resistance * (1 - exp(-dt / tau)), MOhm
  T rest_voltage = 0;                   ///< mV
  T reset_voltage = 0;                  ///< mV
  T threshold_voltage = 0;              ///< mV
  std::uint16_t refractory_steps = 0;   ///< 0 to `math::most_refractory_steps`
  std::int64_t size = 0;                ///< neurons, all batch samples together
  const T* current = nullptr;           ///< [size], nA
  T* voltage = nullptr;                 ///< [size], mV; replaced by the next
  std::uint16_t* refractory = nullptr;  ///< [size], as math/neuron.hpp; replaced by the next
  std::uint8_t* spikes = nullptr;       ///< [size], written: 1 for a spike and 0 otherwise
};

/// Arguments of `ops::refractory_read`: what the 16 bits of each neuron say.
template <class T>
struct RefractoryRead {
  const std::uint16_t* refractory = nullptr;  ///< [size]
  std::int64_t size = 0;                      ///< neurons, all batch samples together
  T step_time = 1;                            ///< ms
  T* time_left = nullptr;                     ///< [size], ms: the steps left times the step time
  std::uint8_t* spikes = nullptr;  ///< [size], 0 or 1; exactly one of time_left and spikes is set
};

namespace ops {

/// One step. Reads current, voltage and refractory state, writes the last two and the spikes: 17 B
/// a neuron in float, 29 B in double, in one kernel. The arrays may not overlap. Does not
/// synchronise. Throws `Error(invalid_argument)` for a negative size, null pointers and more
/// refractory steps than there are bits for.
CUSYNAPSE_EXPORT void leaky_integrate_and_fire(const Stream& stream,
                                               const LeakyIntegrateAndFireStep<float>& arguments);
CUSYNAPSE_EXPORT void leaky_integrate_and_fire(const Stream& stream,
                                               const LeakyIntegrateAndFireStep<double>& arguments);

/// Refractory times left (6 B a neuron in float, 10 B in double) or spikes of the last step (3 B).
/// Does not synchronise. Throws `Error(invalid_argument)` for a negative size and null pointers.
CUSYNAPSE_EXPORT void refractory_read(const Stream& stream, const RefractoryRead<float>& arguments);
CUSYNAPSE_EXPORT void refractory_read(const Stream& stream,
                                      const RefractoryRead<double>& arguments);

}  // namespace ops
}  // namespace cusynapse
