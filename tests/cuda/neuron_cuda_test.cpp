// Neurons in a captured graph: a step is one kernel, and replays are steps. That their bits are the
// CPU's is tested on every device by neuron_test.
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "cusynapse/cusynapse.hpp"
#include "support/device_array.hpp"
#include "support/random.hpp"

namespace cusynapse {
namespace {

// Ends the test.
void require(cudaError_t status) {
  if (status != cudaSuccess) {
    throw std::runtime_error(std::string(cudaGetErrorName(status)) + ": " +
                             cudaGetErrorString(status));
  }
}

template <class T>
class CudaNeurons : public testing::Test {
 protected:
  void SetUp() override {
    if (cuda_device_count() == 0) GTEST_SKIP() << "no CUDA device on this machine";
  }
};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(CudaNeurons, Types);

TYPED_TEST(CudaNeurons, ACapturedGraphReplaysStepsLikeEagerOnes) {
  using T = TypeParam;
  const OwnedStream owned(Device::cuda(0));
  const Stream stream = owned;
  NeuronOptions options;
  options.shape = {1003};
  options.batch_size = 7;
  LeakyIntegrateAndFire<T> eager(stream, options, {});
  LeakyIntegrateAndFire<T> replayed(stream, options, {});
  const Shape shape = eager.batched_shape();
  support::Random random(support::seed());
  const support::DeviceArray<T> current(stream, random.values<T>(shape.size(), 0, 160), shape);
  support::DeviceArray<std::uint8_t> eager_spikes(stream, shape, 0);
  support::DeviceArray<std::uint8_t> replayed_spikes(stream, shape, 0);

  cudaGraph_t graph = nullptr;
  cudaGraphExec_t instance = nullptr;
  require(cudaStreamBeginCapture(stream.native_handle(), cudaStreamCaptureModeGlobal));
  replayed.forward(stream, current.constant(), replayed_spikes.view());
  require(cudaStreamEndCapture(stream.native_handle(), &graph));
  std::size_t nodes = 0;
  require(cudaGraphGetNodes(graph, nullptr, &nodes));
  EXPECT_EQ(nodes, 1U);
  require(cudaGraphInstantiate(&instance, graph, 0));
  std::int64_t spikes = 0;
  for (int t = 0; t < 30; ++t) {
    require(cudaGraphLaunch(instance, stream.native_handle()));
    eager.forward(stream, current.constant(), eager_spikes.view());
    EXPECT_EQ(replayed_spikes.host(), eager_spikes.host()) << "step " << t;
    for (const std::uint8_t spike : eager_spikes.host()) spikes += spike;
  }
  EXPECT_GT(spikes, 0);
  support::DeviceArray<T> eager_voltage(stream, shape, T(0));
  support::DeviceArray<T> replayed_voltage(stream, shape, T(1));
  eager.voltage(stream, eager_voltage.view());
  replayed.voltage(stream, replayed_voltage.view());
  EXPECT_EQ(replayed_voltage.host(), eager_voltage.host());
  require(cudaGraphExecDestroy(instance));
  require(cudaGraphDestroy(graph));
}

}  // namespace
}  // namespace cusynapse
