#include "network.hpp"

#include <cstddef>
#include <random>

namespace cuda_graph {
namespace {

constexpr double shortest_delay = 1.0;  // ms: what spikes in a step arrives in a later one
constexpr double largest_delay = 16.0;  // ms
constexpr std::int64_t batch = 1;

// Weights are uniform in [0, 1), and so are biases, in nA: every neuron has a rate of its own.
constexpr bool biased = true;
constexpr cusynapse::ExponentialParameters excitation = {0.01, 5.0};              // pC, ms
constexpr cusynapse::DoubleExponentialParameters inhibition = {-0.03, 8.0, 1.0};  // pC, ms, ms

cusynapse::SynapseOptions synapses(std::int64_t count) {
  cusynapse::SynapseOptions options;
  options.shape = {count};
  options.delay = largest_delay;
  return options;
}

cusynapse::NeuronOptions neurons(std::int64_t count) {
  cusynapse::NeuronOptions options;
  options.shape = {count};
  return options;
}

cusynapse::LeakyIntegrateAndFireParameters neuron_constants() {
  cusynapse::LeakyIntegrateAndFireParameters constants;
  constants.resistance = 20.0;  // MOhm
  return constants;
}

void draw_delays(const cusynapse::Stream& stream, cusynapse::Connection<float>& connection,
                 std::mt19937& engine) {
  std::vector<float> delays(static_cast<std::size_t>(connection.weight_shape().size()));
  for (float& delay : delays) {
    const double share = static_cast<double>(engine()) * 0x1.0p-32;
    delay = static_cast<float>(shortest_delay + share * (largest_delay - shortest_delay));
  }
  connection.set_from_host(stream, cusynapse::Parameter::delay, delays);
}

}  // namespace

Network::Network(const cusynapse::Stream& stream)
    : excitatory_synapses_(std::make_shared<cusynapse::SingleExponentialCurrent<float>>(
          stream, synapses(excitatory_count), excitation)),
      inhibitory_synapses_(std::make_shared<cusynapse::DoubleExponentialCurrent<float>>(
          stream, synapses(inhibitory_count), inhibition)),
      excitatory_to_excitatory_(stream, excitatory_synapses_, biased, 1),
      excitatory_to_inhibitory_(stream, {inhibitory_count}, excitatory_synapses_, biased, 2),
      inhibitory_to_excitatory_(stream, {excitatory_count}, inhibitory_synapses_, !biased, 3),
      excitatory_(stream, neurons(excitatory_count), neuron_constants()),
      inhibitory_(stream, neurons(inhibitory_count), neuron_constants()),
      excitatory_current_(stream.device(), excitatory_count),
      inhibitory_current_(stream.device(), inhibitory_count),
      excitatory_spikes_(stream.device(), excitatory_count),
      inhibitory_spikes_(stream.device(), inhibitory_count) {
  std::mt19937 engine(1);
  draw_delays(stream, excitatory_to_excitatory_, engine);
  draw_delays(stream, excitatory_to_inhibitory_, engine);
  draw_delays(stream, inhibitory_to_excitatory_, engine);
  excitatory_spikes_.fill_zero(stream);
  inhibitory_spikes_.fill_zero(stream);
  step(stream);
}

void Network::step(const cusynapse::Stream& stream) {
  const cusynapse::Shape excitatory = {batch, excitatory_count};
  const cusynapse::Shape inhibitory = {batch, inhibitory_count};
  const auto excitatory_current = excitatory_current_.view(excitatory);
  const auto inhibitory_current = inhibitory_current_.view(inhibitory);
  excitatory_to_excitatory_.forward(stream, excitatory_spikes_.view(excitatory),
                                    excitatory_current);
  excitatory_to_inhibitory_.sum(stream, inhibitory_current);  // of the same synapses
  inhibitory_to_excitatory_.forward(stream, inhibitory_spikes_.view(inhibitory), excitatory_current,
                                    cusynapse::Output::accumulate);
  excitatory_.forward(stream, excitatory_current, excitatory_spikes_.view(excitatory));
  inhibitory_.forward(stream, inhibitory_current, inhibitory_spikes_.view(inhibitory));
}

std::vector<std::uint8_t> Network::spikes(const cusynapse::Stream& stream) const {
  std::vector<std::uint8_t> spikes(static_cast<std::size_t>(excitatory_count + inhibitory_count));
  excitatory_spikes_.copy_to_host(stream, spikes.data());
  inhibitory_spikes_.copy_to_host(stream, spikes.data() + excitatory_count);
  return spikes;
}

std::vector<std::vector<std::uint8_t>> Network::state(const cusynapse::Stream& stream) const {
  return {excitatory_synapses_->save(stream), inhibitory_synapses_->save(stream),
          excitatory_.save(stream), inhibitory_.save(stream), spikes(stream)};
}

}  // namespace cuda_graph
