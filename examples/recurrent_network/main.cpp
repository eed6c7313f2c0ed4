// A recurrent network of excitatory and inhibitory neurons, simulated on one device: what spikes in
// a step reaches the others later, by distance. The same spikes come out on every device.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cusynapse/cusynapse.hpp>
#include <exception>
#include <fstream>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "network.hpp"
#include "options.hpp"
#include "raster.hpp"

namespace recurrent_network {
namespace {

constexpr int exit_failed = 1;
constexpr int exit_wrong_options = 2;

/// The FNV-1a hash, 64 bits (Fowler, Noll and Vo).
std::uint64_t hash(const std::vector<std::uint8_t>& bytes) {
  std::uint64_t value = 0xcbf29ce484222325;
  for (const std::uint8_t byte : bytes) value = (value ^ byte) * 0x100000001b3;
  return value;
}

std::vector<std::uint8_t> run_on(cusynapse::Device device, const Network& network) {
  const cusynapse::OwnedStream stream(device);
  const std::vector<std::uint8_t> spikes = simulate(stream, network);
  const auto count = std::accumulate(spikes.begin(), spikes.end(), std::int64_t{0});
  const double seconds = 1e-3 * step_time * static_cast<double>(step_count);
  std::printf("%s: %lld spikes, %.1f a neuron and second, hash %016llx\n",
              to_string(device).c_str(), static_cast<long long>(count),
              static_cast<double>(count) / (static_cast<double>(neuron_count) * seconds),
              static_cast<unsigned long long>(hash(spikes)));
  return spikes;
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) throw std::runtime_error(path + ": cannot be written");
}

void run(const Options& options) {
  const Network network = make_network(options.seed);
  const std::vector<std::uint8_t> spikes = run_on(options.device, network);
  if (options.compare) {
    const std::vector<std::uint8_t> expected = run_on(cusynapse::Device::cpu(), network);
    const auto differs = std::mismatch(spikes.begin(), spikes.end(), expected.begin()).first;
    if (differs != spikes.end()) {
      const auto step = (differs - spikes.begin()) / neuron_count;
      throw std::runtime_error("spikes differ, first in step " + std::to_string(step));
    }
    std::printf("same spikes on both\n");
  }
  write_file(options.output,
             raster_svg(spikes, step_time,
                        {{"excitatory", excitatory_count}, {"inhibitory", inhibitory_count}}));
  std::printf("raster: %s\n", options.output.c_str());
}

}  // namespace
}  // namespace recurrent_network

int main(int argc, char** argv) {
  using namespace recurrent_network;
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  try {
    const Options options = parse_options(arguments);
    if (options.help) {
      std::fputs(help_text, stdout);
    } else {
      run(options);
    }
    return 0;
  } catch (const UsageError& error) {
    std::fprintf(stderr, "recurrent_network: %s\n", error.what());
    return exit_wrong_options;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "recurrent_network: %s\n", error.what());
    return exit_failed;
  }
}
