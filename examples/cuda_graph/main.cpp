// A network whose step is captured in a CUDA graph once and replayed: the same bits as calls,
// without their launches. On the CPU the same network is stepped by calls.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cusynapse/cusynapse.hpp>
#include <optional>
#include <string>
#include <vector>

#include "command_line.hpp"
#include "network.hpp"
#include "replay.hpp"

namespace cuda_graph {
namespace {

constexpr int exit_no_device = 77;
constexpr std::int64_t most_steps = 1000000;

constexpr const char* help_text =
    "Usage: cuda_graph [options]\n"
    "\n"
    "Captures a step of a network of 1000 neurons in a CUDA graph, replays it beside the same\n"
    "network stepped by calls, compares the two bit for bit, and prints what a step takes both\n"
    "ways. On the CPU it steps by calls alone.\n"
    "\n"
    "  --device cuda:N|cpu  where it runs (default: cuda:0)\n"
    "  --steps NUMBER       steps of 1 ms, 1 to 1000000 (default: 1000)\n"
    "  --help               print this and exit\n"
    "\n"
    "Exit status: 0 done, 1 it could not be done or replays differ, 2 wrong options,\n"
    "77 no such GPU can be used, or the library was built without CUDA.\n";

struct Options {
  bool help = false;
  cusynapse::Device device = cusynapse::Device::cuda(0);
  std::int64_t steps = 1000;
};

Options parse_options(const std::vector<std::string>& arguments) {
  Options options;
  const auto take_device = [&](const std::string& value) {
    options.device = command_line::parse_device(value);
  };
  const auto take_steps = [&](const std::string& value) {
    if (!command_line::read_number(value, 0, options.steps) || options.steps < 1 ||
        options.steps > most_steps) {
      throw command_line::UsageError("--steps: got \"" + value + "\", expected 1 to 1000000");
    }
  };
  options.help =
      command_line::take_options(arguments, {{"--device", take_device}, {"--steps", take_steps}});
  return options;
}

void print(const Options& options, const SpikeRecord& spikes) {
  std::printf("%s: %lld steps, %lld spikes, hash %016llx\n", to_string(options.device).c_str(),
              static_cast<long long>(options.steps), static_cast<long long>(spikes.count),
              static_cast<unsigned long long>(spikes.hash));
}

void run_on_cpu(const Options& options) {
  using Clock = std::chrono::steady_clock;
  const cusynapse::Stream stream = cusynapse::Stream::cpu();
  Network network(stream);
  SpikeRecord spikes;
  const Clock::time_point start = Clock::now();
  for (std::int64_t step = 0; step < options.steps; ++step) {
    network.step(stream);
    spikes.add(network.spikes(stream));
  }
  const std::chrono::duration<double, std::micro> taken = Clock::now() - start;
  print(options, spikes);
  std::printf("a step by calls: %.2f us\n", taken.count() / static_cast<double>(options.steps));
}

void run_on_gpu(const Options& options, const cusynapse::Stream& stream) {
  const Comparison comparison = replay(stream, options.steps);
  print(options, comparison.spikes);
  std::printf("replays and calls agree, bit for bit\n");
  const StepTimes times = comparison.times;
  std::printf("a step by calls: %.2f us, replayed: %.2f us; launches of the calls: %.2f us\n",
              times.eager, times.replayed, times.eager - times.replayed);
}

/// Returns the exit status.
int run(const Options& options) {
  if (options.device == cusynapse::Device::cpu()) {
    run_on_cpu(options);
    return 0;
  }
  std::optional<cusynapse::OwnedStream> stream;
  try {
    stream.emplace(options.device);
  } catch (const cusynapse::Error& error) {
    if (error.code() != cusynapse::Errc::no_device) throw;
    std::fprintf(stderr, "cuda_graph: %s\n", error.what());
    return exit_no_device;
  }
  run_on_gpu(options, *stream);
  return 0;
}

}  // namespace
}  // namespace cuda_graph

int main(int argc, char** argv) {
  using namespace cuda_graph;
  return command_line::run_program("cuda_graph", help_text, {argv + 1, argv + argc}, parse_options,
                                   run);
}
