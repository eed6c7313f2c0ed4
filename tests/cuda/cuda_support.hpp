// What tests that need a GPU share.
#pragma once

#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "cusynapse/stream.hpp"

namespace cusynapse {

/// Skipped where there is no GPU.
class CudaTest : public testing::Test {
 protected:
  void SetUp() override {
    if (cuda_device_count() == 0) GTEST_SKIP() << "no CUDA device on this machine";
  }
};

/// A size for a GPU, or the one for what interprets its code or checks each access.
inline std::int64_t large(std::int64_t size, std::int64_t small) {
  return std::getenv("CUSYNAPSE_TEST_SMALL") == nullptr ? size : small;
}

/// Ends the test.
inline void require(cudaError_t status) {
  if (status != cudaSuccess) {
    throw std::runtime_error(std::string(cudaGetErrorName(status)) + ": " +
                             cudaGetErrorString(status));
  }
}

template <class T>
std::vector<T> random_values(std::int64_t size, double low, double high, unsigned seed) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<double> distribution(low, high);
  std::vector<T> values(static_cast<std::size_t>(size));
  for (T& value : values) value = static_cast<T>(distribution(engine));
  return values;
}

/// The work a function enqueues, to be enqueued again.
class CapturedGraph {
 public:
  CapturedGraph(const Stream& stream, const std::function<void()>& enqueue) : stream_(stream) {
    cudaGraph_t graph = nullptr;
    require(cudaStreamBeginCapture(stream.native_handle(), cudaStreamCaptureModeGlobal));
    enqueue();
    require(cudaStreamEndCapture(stream.native_handle(), &graph));
    require(cudaGraphGetNodes(graph, nullptr, &nodes_));
    require(cudaGraphInstantiate(&instance_, graph, 0));
    require(cudaGraphDestroy(graph));
  }
  ~CapturedGraph() { static_cast<void>(cudaGraphExecDestroy(instance_)); }
  CapturedGraph(const CapturedGraph&) = delete;
  CapturedGraph& operator=(const CapturedGraph&) = delete;

  std::size_t nodes() const { return nodes_; }
  void launch() { require(cudaGraphLaunch(instance_, stream_.native_handle())); }

 private:
  Stream stream_;
  std::size_t nodes_ = 0;
  cudaGraphExec_t instance_ = nullptr;
};

}  // namespace cusynapse
