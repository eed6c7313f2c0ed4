// What only a GPU can show: the same bits as the CPU, captured graphs, streams of the caller's.
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "cuda/cuda_support.hpp"
#include "cusynapse/cusynapse.hpp"

namespace cusynapse {
namespace {

using Cuda = CudaTest;

std::vector<std::uint8_t> random_bytes(std::int64_t size, unsigned seed) {
  std::mt19937 engine(seed);
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(size));
  for (std::uint8_t& byte : bytes)
    byte = static_cast<std::uint8_t>(engine() % 4 == 0 ? engine() : 0);
  return bytes;
}

template <class T>
std::vector<T> host(const Stream& stream, const Buffer<T>& buffer) {
  std::vector<T> values(static_cast<std::size_t>(buffer.size()));
  buffer.copy_to_host(stream, values.data());
  return values;
}

template <class T>
Buffer<T> device(const Stream& stream, const std::vector<T>& values) {
  return Buffer<T>(stream, values.data(), static_cast<std::int64_t>(values.size()));
}

constexpr int model_count = 5;

template <class T>
std::unique_ptr<CurrentSynapse<T>> make_model(int model, const Stream& stream,
                                              const SynapseOptions& options) {
  switch (model) {
    case 0:
      return std::make_unique<DeltaCurrent<T>>(stream, options, DeltaParameters{2.5});
    case 1:
      return std::make_unique<DeltaPlusCurrent<T>>(stream, options, DeltaParameters{2.5});
    case 2:
      return std::make_unique<SingleExponentialCurrent<T>>(stream, options,
                                                           ExponentialParameters{2.5, 5.0});
    case 3:
      return std::make_unique<DoubleExponentialCurrent<T>>(
          stream, options, DoubleExponentialParameters{2.5, 5.0, 1.5});
    default:
      return std::make_unique<AlphaCurrent<T>>(stream, options, ExponentialParameters{2.5, 5.0});
  }
}

// Everything a synapse computes in one random program, on one device.
template <class T>
struct Results {
  std::vector<T> currents;
  std::vector<std::uint8_t> spikes;
  bool operator==(const Results& other) const {
    return currents.size() == other.currents.size() && spikes == other.spikes &&
           std::memcmp(currents.data(), other.currents.data(), currents.size() * sizeof(T)) == 0;
  }
};

template <class T>
Results<T> run_program(const Stream& stream, int model, std::int64_t size, std::int64_t samples,
                       unsigned seed) {
  SynapseOptions options;
  options.shape = {size};
  options.batch_size = 3;
  options.step_time = 0.7;
  options.delay = 3.1;
  options.tolerance = seed % 2 == 0 ? 0.0 : 0.1;
  options.interpolation =
      seed % 3 == 0 ? SpikeInterpolation::nearest : SpikeInterpolation::previous;
  if (seed % 5 == 0) options.current_overbound.reset();
  const auto synapse = make_model<T>(model, stream, options);
  const Shape shape = synapse->batched_shape();
  const Shape selector_shape = samples > 0 ? shape.appended(samples) : shape;
  const std::int64_t bits = (shape.size() + 7) / 8;

  const auto values = device(stream, random_values<T>(shape.size(), -1, 1, seed));
  const auto bytes = device(stream, random_bytes(shape.size() * 11, seed + 1));
  const auto selector =
      device(stream, random_values<T>(selector_shape.size(), -0.5, 4.0, seed + 2));
  Buffer<T> current(stream.device(), selector_shape.size());
  Buffer<std::uint8_t> spike(stream.device(), selector_shape.size());

  Results<T> results;
  const auto collect = [&] {
    synapse->current_at(stream, selector.view(selector_shape), current.view(selector_shape));
    synapse->spike_at(stream, selector.view(selector_shape), spike.view(selector_shape));
    const std::vector<T> c = host(stream, current);
    const std::vector<std::uint8_t> s = host(stream, spike);
    results.currents.insert(results.currents.end(), c.begin(), c.end());
    results.spikes.insert(results.spikes.end(), s.begin(), s.end());
  };
  collect();
  for (int t = 0; t < 7; ++t) {
    synapse->step(stream, values.view(shape));
    synapse->step(stream, View<const std::uint8_t>(bytes.data() + t, shape));
    synapse->step(stream, PackedSpikes(bytes.data() + t * bits, shape));
    if (t % 3 == 0) collect();
  }
  synapse->step_sequence(stream, View<const std::uint8_t>(bytes.data(), shape.prepended(11)));
  collect();
  synapse->set_delay(stream, 5.0, HistoryChange::keep);
  collect();
  synapse->set_step_time(stream, 0.5, HistoryChange::keep);
  collect();
  synapse->set_batch_size(stream, 3);
  synapse->set_batch_size(stream, 5);
  synapse->set_batch_size(stream, 3);
  collect();
  return results;
}

template <class T>
class CudaPrograms : public Cuda {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(CudaPrograms, Types);

TYPED_TEST(CudaPrograms, EveryModelGivesTheSameBitsAsOnTheCpu) {
  const OwnedStream stream(Device::cuda(0));
  unsigned seed = 1;
  for (int model = 0; model < model_count; ++model) {
    for (const std::int64_t size :
         std::vector<std::int64_t>{1, 31, 32, 33, 255, 257, 1025, large(70000, 4375)}) {
      for (const std::int64_t samples : {0, 1, 5, 8}) {
        const auto expected = run_program<TypeParam>(Stream::cpu(), model, size, samples, ++seed);
        const auto got = run_program<TypeParam>(stream, model, size, samples, seed);
        EXPECT_TRUE(got == expected) << "model " << model << ", size " << size << ", D " << samples;
      }
    }
  }
}

TYPED_TEST(CudaPrograms, ACapturedGraphReplaysStepsLikeEagerOnes) {
  using T = TypeParam;
  const OwnedStream owned(Device::cuda(0));
  const Stream stream = owned;
  for (int model = 0; model < model_count; ++model) {
    SynapseOptions options;
    options.shape = {1000};
    options.batch_size = 2;
    options.delay = 6.0;
    const auto eager = make_model<T>(model, stream, options);
    const auto replayed = make_model<T>(model, stream, options);
    const Shape shape = eager->batched_shape();
    const auto input = device(stream, random_bytes(shape.size(), 7));
    const auto selector = device(stream, random_values<T>(shape.size(), 0, 6, 8));
    Buffer<T> eager_current(stream.device(), shape.size());
    Buffer<T> replayed_current(stream.device(), shape.size());
    // Outside the graph, to begin with a head that is not 0.
    eager->step(stream, input.view(shape));
    replayed->step(stream, input.view(shape));

    cudaGraph_t graph = nullptr;
    cudaGraphExec_t instance = nullptr;
    require(cudaStreamBeginCapture(stream.native_handle(), cudaStreamCaptureModeGlobal));
    replayed->step(stream, input.view(shape));
    replayed->current_at(stream, selector.view(shape), replayed_current.view(shape));
    require(cudaStreamEndCapture(stream.native_handle(), &graph));
    require(cudaGraphInstantiate(&instance, graph, 0));
    constexpr int steps = 17;
    for (int t = 0; t < steps; ++t) {
      require(cudaGraphLaunch(instance, stream.native_handle()));
      eager->step(stream, input.view(shape));
      eager->current_at(stream, selector.view(shape), eager_current.view(shape));
      EXPECT_EQ(host(stream, replayed_current), host(stream, eager_current))
          << "model " << model << ", step " << t;
    }
    EXPECT_EQ(replayed->pointer(stream), eager->pointer(stream));
    EXPECT_EQ(eager->pointer(stream), (steps + 1) % eager->slots());
    require(cudaGraphExecDestroy(instance));
    require(cudaGraphDestroy(graph));
  }
}

TYPED_TEST(CudaPrograms, AGroupStepsItsMembersInOneCapturedLaunch) {
  using T = TypeParam;
  const OwnedStream owned(Device::cuda(0));
  const Stream stream = owned;
  std::vector<std::unique_ptr<CurrentSynapse<T>>> members;
  std::vector<std::unique_ptr<CurrentSynapse<T>>> alone;
  for (int i = 0; i < 40; ++i) {
    SynapseOptions options;
    options.shape = {1 + 97 * i};
    options.delay = i % 7;
    members.push_back(make_model<T>(i % model_count, stream, options));
    alone.push_back(make_model<T>(i % model_count, stream, options));
  }
  SynapseGroup<T> group(stream, std::move(members));
  const auto input = device(stream, random_bytes(group.input_size(), 3));

  cudaGraph_t graph = nullptr;
  cudaGraphExec_t instance = nullptr;
  require(cudaStreamBeginCapture(stream.native_handle(), cudaStreamCaptureModeGlobal));
  group.step(stream, input.view({group.input_size()}));
  require(cudaStreamEndCapture(stream.native_handle(), &graph));
  std::size_t nodes = 0;
  require(cudaGraphGetNodes(graph, nullptr, &nodes));
  EXPECT_EQ(nodes, 1u);
  require(cudaGraphInstantiate(&instance, graph, 0));
  for (int t = 0; t < 9; ++t) require(cudaGraphLaunch(instance, stream.native_handle()));
  for (std::size_t i = 0; i < alone.size(); ++i) {
    const Shape shape = alone[i]->batched_shape();
    const View<const std::uint8_t> own_input(input.data() + group.input_offset(i), shape);
    for (int t = 0; t < 9; ++t) alone[i]->step(stream, own_input);
    Buffer<T> expected(stream.device(), shape.size());
    Buffer<T> got(stream.device(), shape.size());
    alone[i]->current(stream, expected.view(shape));
    group[i].current(stream, got.view(shape));
    EXPECT_EQ(host(stream, got), host(stream, expected)) << "member " << i;
    EXPECT_EQ(group[i].pointer(stream), alone[i]->pointer(stream)) << "member " << i;
  }
  require(cudaGraphExecDestroy(instance));
  require(cudaGraphDestroy(graph));
}

TEST_F(Cuda, DistinctSynapsesOnDistinctStreamsDoNotMeet) {
  const OwnedStream first_stream(Device::cuda(0));
  const OwnedStream second_stream(Device::cuda(0));
  SynapseOptions options;
  options.shape = {50000};
  options.delay = 9;
  const auto first = make_model<float>(2, first_stream, options);
  const auto second = make_model<float>(2, second_stream, options);
  const Shape shape = first->batched_shape();
  const auto input = device(first_stream.get(), random_bytes(shape.size(), 5));
  for (int t = 0; t < 200; ++t) {
    first->step(first_stream, input.view(shape));
    second->step(second_stream, input.view(shape));
  }
  Buffer<float> first_current(Device::cuda(0), shape.size());
  Buffer<float> second_current(Device::cuda(0), shape.size());
  first->current(first_stream, first_current.view(shape));
  second->current(second_stream, second_current.view(shape));
  EXPECT_EQ(host(first_stream.get(), first_current), host(second_stream.get(), second_current));
}

TEST_F(Cuda, AnErrorTheCallerHasNotClearedIsNotTheSteps) {
  const OwnedStream stream(Device::cuda(0));
  SynapseOptions options;
  options.shape = {1000};
  options.delay = 4;
  const auto synapse = make_model<float>(2, stream, options);
  const auto input = device(stream.get(), random_bytes(1000, 5));
  ASSERT_NE(cudaSetDevice(-1), cudaSuccess);  // stays the thread's last error
  synapse->step(stream, input.view({1, 1000}));
  EXPECT_NE(cudaGetLastError(), cudaSuccess) << "the caller's error was cleared";
  EXPECT_EQ(synapse->pointer(stream), 1);
}

TEST_F(Cuda, AStreamOfAnotherDeviceIsRefused) {
  const OwnedStream stream(Device::cuda(0));
  SynapseOptions options;
  options.shape = {4};
  const auto synapse = make_model<float>(2, stream, options);
  try {
    synapse->clear(Stream::cpu());
    FAIL() << "expected Error(wrong_device)";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::wrong_device);
  }
}

TEST_F(Cuda, MemoryThatIsNotThereIsRefusedAndTheDeviceWorksOn) {
  const OwnedStream stream(Device::cuda(0));
  try {
    Buffer<float> buffer(Device::cuda(0), std::int64_t{1} << 50);
    FAIL() << "expected Error(out_of_memory)";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::out_of_memory) << error.what();
  }
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  Buffer<float> buffer(Device::cuda(0), 1000);
  buffer.fill_zero(stream);
  EXPECT_EQ(host(stream.get(), buffer), std::vector<float>(1000));
}

TEST_F(Cuda, TheExponentialHasTheSameBitsOnBothBackends) {
  // Through the decay of a history of ones, over the whole range of arguments.
  const OwnedStream owned(Device::cuda(0));
  const Stream stream = owned;
  const auto decays = [](const Stream& s) {
    HistoryOptions options;
    options.shape = {100000};
    options.step_time = 120.0;
    options.duration = 120.0;
    options.inclusive = true;
    History<float> history(s, options);
    const Shape shape = history.batched_shape();
    const auto ones = device(s, std::vector<float>(100000, 1.0f));
    const auto times = device(s, random_values<float>(100000, 0, 120, 4));
    history.push(s, ones.view(shape));
    history.push(s, ones.view(shape));
    Buffer<float> out(s.device(), shape.size());
    SelectOptions select;
    select.interpolation = Interpolation::exponential_decay;
    select.constant = 1.1;
    history.select(s, times.view(shape), out.view(shape), select);
    return host(s, out);
  };
  EXPECT_EQ(decays(stream), decays(Stream::cpu()));
}

}  // namespace
}  // namespace cusynapse
