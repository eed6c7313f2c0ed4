#include "network.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <random>

namespace recurrent_network {
namespace {

// Neurons of each kind stand at equal distances on a ring, along which spikes travel.
constexpr double circumference = 2.0;  // mm
constexpr double speed = 0.2;          // mm/ms
constexpr double transmission = 1.0;   // ms: what the shortest way takes
constexpr double largest_delay = transmission + 0.5 * circumference / speed;
static_assert(transmission >= step_time, "a spike arrives in a later step");

constexpr double connection_probability = 0.2;
constexpr double inhibition = 5.0;       // of one inhibitory synapse, in excitatory ones
constexpr double background_rate = 1.0;  // spikes from elsewhere, for each neuron and ms

constexpr cusynapse::ExponentialParameters synapse_constants = {0.15, 5.0};  // pC, ms

cusynapse::LeakyIntegrateAndFireParameters neuron_constants() {
  cusynapse::LeakyIntegrateAndFireParameters constants;
  constants.time_constant = 20.0;       // ms
  constants.rest_voltage = -60.0;       // mV
  constants.reset_voltage = -60.0;      // mV
  constants.threshold_voltage = -50.0;  // mV
  constants.refractory_period = 2.0;    // ms
  constants.resistance = 100.0;         // MOhm
  return constants;
}

// Distributions of our own: those of the standard library differ from one implementation to the
// next.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  /// Uniform in [0, 1).
  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1.0p-53; }

  /// A number of events of which `mean` are expected (Knuth, The Art of Computer Programming,
  /// volume 2, 3.4.1).
  int poisson(double mean) {
    const double limit = std::exp(-mean);
    int count = -1;
    for (double product = 1.0; product > limit; product *= uniform()) ++count;
    return count;
  }

 private:
  std::mt19937_64 engine_;
};

/// Where a neuron stands on the ring, in mm.
double position(std::int64_t neuron) {
  const bool is_excitatory = neuron < excitatory_count;
  const std::int64_t place = is_excitatory ? neuron : neuron - excitatory_count;
  return circumference * static_cast<double>(place) /
         static_cast<double>(is_excitatory ? excitatory_count : inhibitory_count);
}

double distance(std::int64_t a, std::int64_t b) {
  const double one_way = std::fabs(position(a) - position(b));
  return std::min(one_way, circumference - one_way);
}

}  // namespace

Network make_network(std::uint64_t seed, std::int64_t step_count) {
  Random random(seed);
  Network network;
  for (std::int64_t to = 0; to < neuron_count; ++to) {
    for (std::int64_t from = 0; from < neuron_count; ++from) {
      const double strength = from < excitatory_count ? 1.0 : -inhibition;
      const bool is_connected = random.uniform() < connection_probability;
      network.weights.push_back(is_connected ? static_cast<float>(strength) : 0.0F);
      network.delays.push_back(static_cast<float>(transmission + distance(to, from) / speed));
    }
  }
  for (std::int64_t i = 0; i < step_count * neuron_count; ++i) {
    network.background.push_back(
        static_cast<std::uint8_t>(std::min(random.poisson(background_rate * step_time), 255)));
  }
  const cusynapse::LeakyIntegrateAndFireParameters constants = neuron_constants();
  const double range = constants.threshold_voltage - constants.rest_voltage;
  for (std::int64_t i = 0; i < neuron_count; ++i) {
    network.voltages.push_back(
        static_cast<float>(constants.rest_voltage + range * random.uniform()));
  }
  return network;
}

std::vector<std::uint8_t> simulate(const cusynapse::Stream& stream, const Network& network,
                                   const std::function<bool(std::int64_t)>& goes_on) {
  const std::int64_t steps = network.step_count();
  const auto synapses = cusynapse::SingleExponentialCurrent<float>::factory(synapse_constants);
  cusynapse::ConnectionOptions options;
  options.step_time = step_time;
  cusynapse::LinearDirect<float> background(stream, {neuron_count}, options, synapses);
  background.set_from_host(stream, cusynapse::Parameter::weight,
                           std::vector<float>(static_cast<std::size_t>(neuron_count), 1.0F));
  options.delay = largest_delay;
  cusynapse::LinearLateral<float> recurrent(stream, {neuron_count}, options, synapses);
  recurrent.set_from_host(stream, cusynapse::Parameter::weight, network.weights);
  recurrent.set_from_host(stream, cusynapse::Parameter::delay, network.delays);

  cusynapse::NeuronOptions neuron_options;
  neuron_options.shape = {neuron_count};
  neuron_options.step_time = step_time;
  cusynapse::LeakyIntegrateAndFire<float> neurons(stream, neuron_options, neuron_constants());

  const cusynapse::Shape frame = neurons.batched_shape();
  const cusynapse::Buffer<float> voltages(stream, network.voltages.data(), neuron_count);
  neurons.set_voltage(stream, voltages.view(frame));
  const cusynapse::Shape background_shape = frame.prepended(steps);
  const cusynapse::Buffer<std::uint8_t> background_spikes(stream, network.background.data(),
                                                          background_shape.size());
  cusynapse::Buffer<float> current(stream.device(), neuron_count);
  // A frame a step, and a silent one before the first.
  const cusynapse::Shape spikes_shape = frame.prepended(steps + 1);
  cusynapse::Buffer<std::uint8_t> spikes(stream.device(), spikes_shape.size());
  spikes.fill_zero(stream);

  const auto all_spikes = spikes.view(spikes_shape);
  std::int64_t done = 0;
  for (bool more = true; more && done < steps; more = goes_on(done)) {
    const std::int64_t t = done++;
    background.forward(stream, background_spikes.view(background_shape)[t], current.view(frame));
    recurrent.forward(stream, all_spikes[t], current.view(frame), cusynapse::Output::accumulate);
    neurons.forward(stream, current.view(frame), all_spikes[t + 1]);
  }

  std::vector<std::uint8_t> recorded(static_cast<std::size_t>(spikes.size()));
  spikes.copy_to_host(stream, recorded.data());
  recorded.resize(static_cast<std::size_t>((done + 1) * neuron_count));
  recorded.erase(recorded.begin(), recorded.begin() + neuron_count);
  return recorded;
}

}  // namespace recurrent_network
