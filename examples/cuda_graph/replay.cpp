#include "replay.hpp"

#include <cuda_runtime_api.h>

#include <algorithm>
#include <array>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "network.hpp"

namespace cuda_graph {
namespace {

constexpr int rounds = 5;

void check(cudaError_t status, const char* what) {
  if (status != cudaSuccess) {
    throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(status));
  }
}

/// A step of a network, captured once.
class StepGraph {
 public:
  StepGraph(const cusynapse::Stream& stream, Network& network) {
    check(cudaStreamBeginCapture(stream.native_handle(), cudaStreamCaptureModeThreadLocal),
          "cudaStreamBeginCapture");
    network.step(stream);
    cudaGraph_t graph = nullptr;
    check(cudaStreamEndCapture(stream.native_handle(), &graph), "cudaStreamEndCapture");
    const cudaError_t status = cudaGraphInstantiate(&replay_, graph, 0);
    static_cast<void>(cudaGraphDestroy(graph));
    check(status, "cudaGraphInstantiate");
  }
  ~StepGraph() { static_cast<void>(cudaGraphExecDestroy(replay_)); }
  StepGraph(const StepGraph&) = delete;
  StepGraph& operator=(const StepGraph&) = delete;

  void launch(const cusynapse::Stream& stream) {
    check(cudaGraphLaunch(replay_, stream.native_handle()), "cudaGraphLaunch");
  }

 private:
  cudaGraphExec_t replay_ = nullptr;
};

/// The time between two events around many steps.
class Stopwatch {
 public:
  Stopwatch() {
    check(cudaEventCreate(&start_), "cudaEventCreate");
    check(cudaEventCreate(&stop_), "cudaEventCreate");
  }
  ~Stopwatch() {
    static_cast<void>(cudaEventDestroy(start_));
    static_cast<void>(cudaEventDestroy(stop_));
  }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

  double microseconds(const cusynapse::Stream& stream, std::int64_t steps,
                      const std::function<void()>& step) {
    check(cudaEventRecord(start_, stream.native_handle()), "cudaEventRecord");
    for (std::int64_t i = 0; i < steps; ++i) step();
    check(cudaEventRecord(stop_, stream.native_handle()), "cudaEventRecord");
    check(cudaEventSynchronize(stop_), "cudaEventSynchronize");
    float milliseconds = 0.0F;
    check(cudaEventElapsedTime(&milliseconds, start_, stop_), "cudaEventElapsedTime");
    return 1e3 * static_cast<double>(milliseconds) / static_cast<double>(steps);
  }

 private:
  cudaEvent_t start_ = nullptr;
  cudaEvent_t stop_ = nullptr;
};

double median(std::array<double, rounds> samples) {
  std::sort(samples.begin(), samples.end());
  return samples[rounds / 2];
}

void require_same_state(const cusynapse::Stream& stream, const Network& eager,
                        const Network& replayed) {
  if (eager.state(stream) != replayed.state(stream)) {
    throw std::runtime_error("the replayed network's state differs from the eager one's");
  }
}

}  // namespace

Comparison replay(const cusynapse::Stream& stream, std::int64_t steps) {
  check(cudaSetDevice(stream.device().ordinal), "cudaSetDevice");
  Network eager(stream);
  Network replayed(stream);
  StepGraph graph(stream, replayed);
  Comparison comparison;
  for (std::int64_t step = 0; step < steps; ++step) {
    eager.step(stream);
    graph.launch(stream);
    const std::vector<std::uint8_t> spikes = eager.spikes(stream);
    if (replayed.spikes(stream) != spikes) {
      throw std::runtime_error("spikes of a replay differ from those of a call, first in step " +
                               std::to_string(step));
    }
    comparison.spikes.add(spikes);
  }
  require_same_state(stream, eager, replayed);

  Stopwatch stopwatch;
  std::array<double, rounds> eager_times = {};
  std::array<double, rounds> replayed_times = {};
  for (std::size_t round = 0; round < rounds; ++round) {
    eager_times[round] = stopwatch.microseconds(stream, steps, [&] { eager.step(stream); });
    replayed_times[round] = stopwatch.microseconds(stream, steps, [&] { graph.launch(stream); });
  }
  require_same_state(stream, eager, replayed);
  comparison.times = {median(eager_times), median(replayed_times)};
  return comparison;
}

}  // namespace cuda_graph
