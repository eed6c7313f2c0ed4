// What kernels move, counted on the emulated device: whole sectors of device memory are written,
// shared memory is read without conflicts, and no more bytes are asked for than documented. And
// what they ask the device for.
#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <vector>

#include "cusynapse/cusynapse.hpp"
#include "emulated/cuda_runtime.hpp"

namespace {

using cusynapse::Buffer;
using cusynapse::View;
using emulated::Traffic;
using emulated::traffic_of;

constexpr double sector_bytes = 32;

template <class T>
std::vector<T> random_values(std::int64_t size, double high) {
  std::mt19937 engine(1);
  std::uniform_real_distribution<double> distribution(0.0, high);
  std::vector<T> values(static_cast<std::size_t>(size));
  for (T& value : values) value = static_cast<T>(distribution(engine));
  return values;
}

/// Counts for each of `units`, synapses or pairs.
struct PerUnit {
  PerUnit(const Traffic& traffic, std::int64_t units)
      : read(of(traffic.read_bytes, units)),
        written(of(traffic.written_bytes, units)),
        written_in(sector_bytes * of(traffic.written_sectors, units)),
        shared(of(traffic.shared_bytes, units)) {}
  static double of(std::uint64_t count, std::int64_t units) {
    return static_cast<double>(count) / static_cast<double>(units);
  }

  double read;
  double written;
  double written_in;  // bytes of sectors
  double shared;
};

class TrafficTest : public testing::Test {
 protected:
  void SetUp() override {
    if (cusynapse::cuda_device_count() == 0) GTEST_SKIP() << "the kernels' PTX is not there";
  }
  template <class T>
  Buffer<T> random(std::int64_t size, double high) const {
    return Buffer<T>(stream(), random_values<T>(size, high).data(), size);
  }
  cusynapse::Stream stream() const { return stream_.get(); }

 private:
  cusynapse::OwnedStream stream_{cusynapse::Device::cuda(0)};
};

template <class T>
class StepTraffic : public TrafficTest {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(StepTraffic, Types);

TYPED_TEST(StepTraffic, IsTheCountedBytesAndWritesWholeSectors) {
  constexpr std::int64_t size = 100000;  // not whole blocks
  cusynapse::SynapseOptions options;
  options.shape = {size};
  options.delay = 9.0;
  cusynapse::SingleExponentialCurrent<TypeParam> synapse(this->stream(), options, {20.0, 5.0});
  const Buffer<std::uint8_t> input = this->template random<std::uint8_t>(size, 3.0);
  const Traffic traffic = traffic_of([&] { synapse.step(this->stream(), input.view({1, size})); });
  const PerUnit synapse_moves(traffic, size);
  // A trace and a byte; a trace and a bit. Each thread reads the head as well: 4 bytes of 8
  // synapses.
  EXPECT_NEAR(synapse_moves.read, sizeof(TypeParam) + 1.0 + 4.0 / 8, 0.02);
  EXPECT_NEAR(synapse_moves.written, sizeof(TypeParam) + 1.0 / 8, 0.02);
  EXPECT_NEAR(synapse_moves.written_in, synapse_moves.written, 0.02);
}

TYPED_TEST(StepTraffic, OfASelectionWritesWholeSectors) {
  constexpr std::int64_t size = 100000;
  cusynapse::SynapseOptions options;
  options.shape = {size};
  options.delay = 9.0;
  cusynapse::SingleExponentialCurrent<TypeParam> synapse(this->stream(), options, {20.0, 5.0});
  const Buffer<TypeParam> times = this->template random<TypeParam>(size, 9.0);
  Buffer<TypeParam> out(this->stream().device(), size);
  const PerUnit selection(
      traffic_of([&] {
        synapse.current_at(this->stream(), times.view({1, size}), out.view({1, size}));
      }),
      size);
  EXPECT_NEAR(selection.read, 2.0 * sizeof(TypeParam) + 4.0 / 8, 0.02);
  EXPECT_NEAR(selection.written, sizeof(TypeParam), 0.02);
  EXPECT_NEAR(selection.written_in, selection.written, 0.02);
}

class DenseTraffic : public TrafficTest, public testing::WithParamInterface<std::int64_t> {};

TEST_P(DenseTraffic, ReadsPlansOnceAndSharedMemoryWithoutConflicts) {
  constexpr std::int64_t side = 512;
  constexpr std::int64_t pairs = side * side;
  const std::int64_t batch = GetParam();
  cusynapse::ConnectionOptions options;
  options.delay = 32.0;
  options.batch_size = batch;
  options.seed = 3;
  cusynapse::LinearDense<float> dense(
      stream(), {side}, {side}, options,
      cusynapse::SingleExponentialCurrent<float>::factory({20.0, 5.0}));
  dense.set_from_host(stream(), cusynapse::Parameter::delay, random_values<float>(pairs, 32.0));
  const Buffer<std::uint8_t> input = random<std::uint8_t>(batch * side, 3.0);
  Buffer<float> out(stream().device(), batch * side);

  // Weights and delays; planned weights and slots.
  const PerUnit plan(traffic_of([&] { dense.prepare(stream()); }), pairs);
  EXPECT_NEAR(plan.read, 8.0, 0.05);
  EXPECT_NEAR(plan.written, 5.0, 0.05);
  EXPECT_NEAR(plan.written_in, plan.written, 0.05);

  const Traffic traffic = traffic_of([&] {
    dense.forward(stream(), View<const std::uint8_t>(input.data(), {batch, side}),
                  out.view({batch, side}));
  });
  const PerUnit sum(traffic, pairs * batch);
  // A value of a history for each pair and sample; the plan as well, where blocks stage it.
  EXPECT_NEAR(sum.shared, batch == 1 ? 9.0 : 4.0, 0.15);
  EXPECT_EQ(traffic.shared_turns, traffic.shared_reads);
}

// Else a launch could take it from one of another thread, which has asked and is about to launch.
TEST_F(TrafficTest, ALaunchLeavesItsKernelTheSharedMemoryThatAnotherNeeds) {
  constexpr std::int64_t side = 64;
  constexpr std::int64_t batch = 32;
  const auto asked_by_a_sum = [&](double delay) {
    cusynapse::ConnectionOptions options;
    options.delay = delay;
    options.batch_size = batch;
    cusynapse::LinearDense<float> dense(
        stream(), {side}, {side}, options,
        cusynapse::SingleExponentialCurrent<float>::factory({20.0, 5.0}));
    Buffer<float> out(stream().device(), batch * side);
    dense.sum(stream(), out.view({batch, side}));
    stream().synchronize();
    return emulated::asked_shared_bytes();
  };
  const auto asked = asked_by_a_sum(32.0);
  EXPECT_FALSE(asked.empty());
  EXPECT_EQ(asked_by_a_sum(8.0), asked);
}

// A column of its own, and rows of 32 columns, which are all banks.
INSTANTIATE_TEST_SUITE_P(Batches, DenseTraffic, testing::Values(1, 32));

}  // namespace
