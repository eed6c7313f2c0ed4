// The network that is stepped: an excitatory and an inhibitory population, each of which excites or
// inhibits the other with a delay for every pair, and the excitatory one itself.
#pragma once

#include <cstdint>
#include <cusynapse/cusynapse.hpp>
#include <memory>
#include <vector>

namespace cuda_graph {

constexpr std::int64_t excitatory_count = 800;
constexpr std::int64_t inhibitory_count = 200;

/// Networks made on any devices are the same, and their steps have the same bits.
class Network {
 public:
  /// Allocates everything steps need, and steps once: that makes the plans of the connections,
  /// which a graph captured before would make again at every replay.
  explicit Network(const cusynapse::Stream& stream);

  /// One step of 1 ms. Enqueues kernels and nothing else, so that it may be captured.
  void step(const cusynapse::Stream& stream);

  /// Who spiked in the last step, the excitatory neurons first. Synchronises.
  std::vector<std::uint8_t> spikes(const cusynapse::Stream& stream) const;
  /// All the next step depends on: histories, voltages, refractory times. Synchronises.
  std::vector<std::vector<std::uint8_t>> state(const cusynapse::Stream& stream) const;

 private:
  std::shared_ptr<cusynapse::Synapse<float>> excitatory_synapses_;
  std::shared_ptr<cusynapse::Synapse<float>> inhibitory_synapses_;
  cusynapse::LinearLateral<float> excitatory_to_excitatory_;
  cusynapse::LinearDense<float> excitatory_to_inhibitory_;
  cusynapse::LinearDense<float> inhibitory_to_excitatory_;
  cusynapse::LeakyIntegrateAndFire<float> excitatory_;
  cusynapse::LeakyIntegrateAndFire<float> inhibitory_;
  cusynapse::Buffer<float> excitatory_current_, inhibitory_current_;
  cusynapse::Buffer<std::uint8_t> excitatory_spikes_, inhibitory_spikes_;
};

}  // namespace cuda_graph
