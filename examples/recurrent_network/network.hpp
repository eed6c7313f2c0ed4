// A recurrent network of excitatory and inhibitory neurons whose spikes never leave the device.
#pragma once

#include <cstdint>
#include <cusynapse/cusynapse.hpp>
#include <functional>
#include <vector>

namespace recurrent_network {

constexpr std::int64_t excitatory_count = 320;
constexpr std::int64_t inhibitory_count = 80;
constexpr std::int64_t neuron_count = excitatory_count + inhibitory_count;
constexpr double step_time = 0.5;  // ms

/// Everything random about a network, on the host: the same for every device.
struct Network {
  std::vector<float> weights;            ///< [to][from], multiples of an excitatory synapse
  std::vector<float> delays;             ///< [to][from], ms, by distance; at least one step
  std::vector<std::uint8_t> background;  ///< [step][neuron], spikes from elsewhere in each step
  std::vector<float> voltages;           ///< [neuron], mV, at the start

  std::int64_t step_count() const {
    return static_cast<std::int64_t>(background.size()) / neuron_count;
  }
};

Network make_network(std::uint64_t seed, std::int64_t step_count);

/// Simulates the network on the stream's device, for as long as there is background: spikes
/// [step][neuron], 0 or 1. They are fed back where they are, and copied to the host once, at the
/// end. Asked after every step, with the steps done, whether to go on.
std::vector<std::uint8_t> simulate(const cusynapse::Stream& stream, const Network& network,
                                   const std::function<bool(std::int64_t)>& goes_on);

}  // namespace recurrent_network
