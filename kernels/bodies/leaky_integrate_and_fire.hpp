// leaky_integrate_and_fire: one step of spiking neurons; and what their refractory state says.
//
// A call covers Width consecutive neurons and writes nothing else. All arrays end where the
// population does.
#pragma once

#include "cusynapse/math/neuron.hpp"
#include "cusynapse/neuron_ops.hpp"
#include "kernels/bodies/access.hpp"

namespace cusynapse::kernels {

/// One step of one neuron. Without a branch, so that a loop over it vectorises.
template <class T>
CUSYNAPSE_HOST_DEVICE void step_neuron(const LeakyIntegrateAndFireStep<T>& a, T current, T& voltage,
                                       std::uint16_t& refractory, std::uint8_t& spike) {
  const T integrated = math::leaky_integrate(voltage, a.rest_voltage, a.decay, a.gain, current);
  const std::uint16_t left = math::refractory_steps_left(refractory);
  const bool is_held = left != 0;
  const bool fires = !is_held & (integrated >= a.threshold_voltage);
  const auto fired = static_cast<std::uint16_t>(a.refractory_steps | math::refractory_spike);
  voltage = (is_held | fires) ? a.reset_voltage : integrated;
  refractory = fires ? fired : static_cast<std::uint16_t>(left - (is_held ? 1 : 0));
  spike = fires ? 1 : 0;
}

/// Call (x, 0) covers group x.
template <class T, int Width>
struct LeakyIntegrateAndFireBody {
  LeakyIntegrateAndFireStep<T> arguments;

  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t) const {
    const std::int64_t first = x * Width;
    if constexpr (Width == cpu_width) {
      if (first + Width <= arguments.size) {
        step_in_place(first, Width);
      } else {
        step_in_place(first, arguments.size - first);
      }
    } else if (first + Width <= arguments.size) {
      step_group<true>(first);
    } else {
      step_group<false>(first);
    }
  }

 private:
  // On a CPU elements stay where they are: nothing passes through memory on its way.
  CUSYNAPSE_HOST_DEVICE void step_in_place(std::int64_t first, std::int64_t count) const {
    const LeakyIntegrateAndFireStep<T>& a = arguments;
    const T* current = a.current + first;
    T* voltage = a.voltage + first;
    std::uint16_t* refractory = a.refractory + first;
    std::uint8_t* spikes = a.spikes + first;
    // The arrays do not overlap.
#if defined(__clang__)
#pragma clang loop vectorize(assume_safety)
#elif defined(__GNUC__)
#pragma GCC ivdep
#endif
    for (std::int64_t i = 0; i < count; ++i) {
      step_neuron(a, current[i], voltage[i], refractory[i], spikes[i]);
    }
  }

  template <bool Full>
  CUSYNAPSE_HOST_DEVICE void step_group(std::int64_t first) const {
    const LeakyIntegrateAndFireStep<T>& a = arguments;
    T current[Width];
    T voltage[Width];
    std::uint16_t refractory[Width];
    std::uint8_t spikes[Width];
    load_guarded<Full>(a.current, first, a.size, current);
    load_guarded<Full>(static_cast<const T*>(a.voltage), first, a.size, voltage);
    load_guarded<Full>(static_cast<const std::uint16_t*>(a.refractory), first, a.size, refractory);
    for (int i = 0; i < Width; ++i) {
      step_neuron(a, current[i], voltage[i], refractory[i], spikes[i]);
    }
    store_guarded(voltage, first, a.size, a.voltage);
    store_guarded(refractory, first, a.size, a.refractory);
    store_guarded(spikes, first, a.size, a.spikes);
  }
};

/// Call (x, 0) covers group x.
template <class T, int Width>
struct RefractoryReadBody {
  RefractoryRead<T> arguments;

  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t) const {
    const RefractoryRead<T>& a = arguments;
    const std::int64_t first = x * Width;
    std::uint16_t refractory[Width];
    load_guarded<false>(a.refractory, first, a.size, refractory);
    if (a.spikes != nullptr) {
      std::uint8_t spikes[Width];
      for (int i = 0; i < Width; ++i) spikes[i] = math::has_spiked(refractory[i]) ? 1 : 0;
      store_guarded(spikes, first, a.size, a.spikes);
    } else {
      T time_left[Width];
      for (int i = 0; i < Width; ++i) {
        const auto steps = static_cast<T>(math::refractory_steps_left(refractory[i]));
        time_left[i] = math::multiply(steps, a.step_time);
      }
      store_guarded(time_left, first, a.size, a.time_left);
    }
  }
};

}  // namespace cusynapse::kernels
