// Neurons in a captured graph: a step is one kernel, and replays are steps. That their bits are the
// CPU's is tested on every device by neuron_test.
#include <gtest/gtest.h>

#include <cstdint>

#include "cuda/cuda_support.hpp"
#include "cusynapse/cusynapse.hpp"
#include "support/device_array.hpp"
#include "support/random.hpp"

namespace cusynapse {
namespace {

template <class T>
class CudaNeurons : public CudaTest {};
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

  CapturedGraph step(stream,
                     [&] { replayed.forward(stream, current.constant(), replayed_spikes.view()); });
  EXPECT_EQ(step.nodes(), 1U);
  std::int64_t spikes = 0;
  for (int t = 0; t < 30; ++t) {
    step.launch();
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
}

}  // namespace
}  // namespace cusynapse
