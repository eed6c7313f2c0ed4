// A recurrent network of excitatory and inhibitory neurons, simulated on one device: what spikes in
// a step reaches the others later, by distance. The same spikes come out on every device.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cusynapse/cusynapse.hpp>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "command_line.hpp"
#include "long_run.hpp"
#include "network.hpp"
#include "options.hpp"
#include "raster.hpp"

namespace recurrent_network {
namespace {

std::int64_t steps_of(const std::vector<std::uint8_t>& spikes) {
  return static_cast<std::int64_t>(spikes.size()) / neuron_count;
}

/// The FNV-1a hash, 64 bits (Fowler, Noll and Vo).
std::uint64_t hash(const std::vector<std::uint8_t>& bytes) {
  std::uint64_t value = 0xcbf29ce484222325;
  for (const std::uint8_t byte : bytes) value = (value ^ byte) * 0x100000001b3;
  return value;
}

std::vector<std::uint8_t> run_on(cusynapse::Device device, const Network& network) {
  const cusynapse::OwnedStream stream(device);
  const std::int64_t steps = network.step_count();
  std::printf("%s: simulating %.0f ms\n", to_string(device).c_str(),
              step_time * static_cast<double>(steps));
  std::fflush(stdout);
  const long_run::Progress progress("simulating", steps);
  const std::vector<std::uint8_t> spikes = simulate(stream, network, [&](std::int64_t done) {
    progress.report(done);
    return !long_run::is_interrupted();
  });
  const auto count = std::accumulate(spikes.begin(), spikes.end(), std::int64_t{0});
  const double seconds = 1e-3 * step_time * static_cast<double>(steps_of(spikes));
  std::printf("%s: %lld spikes, %.1f a neuron and second, hash %016llx\n",
              to_string(device).c_str(), static_cast<long long>(count),
              static_cast<double>(count) / (static_cast<double>(neuron_count) * seconds),
              static_cast<unsigned long long>(hash(spikes)));
  return spikes;
}

/// Returns the exit status.
int run(const Options& options) {
  const auto steps = static_cast<std::int64_t>(options.duration / step_time);
  const Network network = make_network(options.seed, steps);
  const std::vector<std::uint8_t> spikes = run_on(options.device, network);
  if (options.compare && !long_run::is_interrupted()) {
    const std::vector<std::uint8_t> expected = run_on(cusynapse::Device::cpu(), network);
    const auto [one, other] =
        std::mismatch(spikes.begin(), spikes.end(), expected.begin(), expected.end());
    if (one != spikes.end() && other != expected.end()) {
      const auto step = (one - spikes.begin()) / neuron_count;
      throw std::runtime_error("spikes differ, first in step " + std::to_string(step));
    }
    if (!long_run::is_interrupted()) std::printf("same spikes on both\n");
  }
  long_run::write_file(options.output, raster_svg(spikes, step_time,
                                                  {{"excitatory", excitatory_count},
                                                   {"inhibitory", inhibitory_count}}));
  std::printf("raster: %s\n", options.output.c_str());
  if (!long_run::is_interrupted()) return 0;
  std::fprintf(stderr, "recurrent_network: interrupted after %.1f of %.0f ms\n",
               step_time * static_cast<double>(steps_of(spikes)), options.duration);
  return long_run::exit_interrupted;
}

}  // namespace
}  // namespace recurrent_network

int main(int argc, char** argv) {
  using namespace recurrent_network;
  long_run::note_interrupts();
  return command_line::run_program("recurrent_network", help_text, {argv + 1, argv + argc},
                                   parse_options, run);
}
