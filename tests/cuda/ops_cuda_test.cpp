// Level 2 on a GPU, where no class of level 3 reaches it: the bits of the CPU.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "cuda/cuda_support.hpp"
#include "cusynapse/cusynapse.hpp"

namespace cusynapse {
namespace {

constexpr std::int64_t size = 1003;
constexpr std::int64_t stride = 1024;
constexpr std::int32_t slots = 6;

template <class T>
std::vector<std::uint8_t> bytes_of(const std::vector<T>& values) {
  std::vector<std::uint8_t> bytes(values.size() * sizeof(T));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

template <class T>
std::vector<std::uint8_t> bytes_of(const Stream& stream, const Buffer<T>& buffer) {
  std::vector<T> values(static_cast<std::size_t>(buffer.size()));
  buffer.copy_to_host(stream, values.data());
  return bytes_of(values);
}

/// A ring of random observations, and random times in it.
template <class T>
struct History {
  explicit History(const Stream& on)
      : stream(on),
        storage(on, stored().data(), stride * slots),
        times(on, random_values<float>(size, 0.0, 4.0, 3).data(), size),
        values(on, random_values<float>(size, -2.0, 2.0, 4).data(), size) {
    ring.data = storage.data();
    ring.size = size;
    ring.stride = stride;
    ring.slots = slots;
    ring.head.value = 2;
  }

  static std::vector<T> stored() {
    std::vector<T> elements;
    for (const float value : random_values<float>(stride * slots, -2.0, 2.0, 5)) {
      elements.push_back(math::from_float<T>(value));
    }
    return elements;
  }

  Stream stream;
  Buffer<T> storage;
  Buffer<float> times;
  Buffer<float> values;
  Ring<T> ring;
};

template <class T>
class CudaRings : public CudaTest {};
using Stored = testing::Types<float16, bfloat16>;
TYPED_TEST_SUITE(CudaRings, Stored);

TYPED_TEST(CudaRings, AreSelectedFromWithTheBitsOfTheCpu) {
  const OwnedStream gpu(Device::cuda(0));
  for (const Interpolation rule :
       {Interpolation::previous, Interpolation::next, Interpolation::nearest, Interpolation::linear,
        Interpolation::exponential_decay, Interpolation::exponential_rate_decay}) {
    const auto selected = [&](const Stream& stream) {
      const History<TypeParam> history(stream);
      Buffer<float> out(stream.device(), size);
      RingSelect<TypeParam> select;
      select.ring = history.ring;
      select.interpolation = rule;
      select.constant = 1.7f;
      select.times = history.times.data();
      select.out = out.data();
      ops::ring_select(stream, select);
      return bytes_of(stream, out);
    };
    EXPECT_EQ(selected(gpu.get()), selected(Stream::cpu())) << "rule " << static_cast<int>(rule);
  }
}

TYPED_TEST(CudaRings, AreInsertedIntoWithTheBitsOfTheCpu) {
  const OwnedStream gpu(Device::cuda(0));
  for (const Extrapolation rule :
       {Extrapolation::previous, Extrapolation::next, Extrapolation::nearest,
        Extrapolation::neighbors, Extrapolation::linear_forward, Extrapolation::linear_backward,
        Extrapolation::exponential_decay, Extrapolation::exponential_rate_decay}) {
    const auto inserted = [&](const Stream& stream) {
      const History<TypeParam> history(stream);
      RingInsert<TypeParam> insert;
      insert.ring = history.ring;
      insert.extrapolation = rule;
      insert.constant = 1.7f;
      insert.offset = 1;
      insert.times = history.times.data();
      insert.values = history.values.data();
      ops::ring_insert(stream, insert);
      return bytes_of(stream, history.storage);
    };
    const std::vector<std::uint8_t> expected = inserted(Stream::cpu());
    EXPECT_NE(expected, bytes_of(History<TypeParam>::stored()));
    EXPECT_EQ(inserted(gpu.get()), expected) << "rule " << static_cast<int>(rule);
  }
}

template <class T>
void expect_weights_that_stay(const Stream& stream) {
  constexpr std::int64_t rows = 7;
  constexpr std::int64_t columns = 45;
  const std::vector<T> weights = random_values<T>(rows * columns, -1.0, 1.0, 6);
  const Buffer<T> given(stream, weights.data(), rows * columns);
  Buffer<T> planned(stream.device(), rows * columns);
  DelayPlan<T> plan;
  plan.select.trace_count = 1;
  plan.select.weight[0] = T(1);
  plan.select.slots = 1;
  plan.rows = rows;
  plan.columns = columns;
  plan.weights = given.data();
  plan.planned[0] = planned.data();
  ops::delay_plan(stream, plan);
  EXPECT_EQ(bytes_of(stream, planned), bytes_of(weights));
}

using CudaPlans = CudaTest;

TEST_F(CudaPlans, OfRowsWithoutDelaysAreTheWeights) {
  expect_weights_that_stay<float>(Stream::cpu());
  expect_weights_that_stay<double>(Stream::cpu());
  const OwnedStream gpu(Device::cuda(0));
  expect_weights_that_stay<float>(gpu.get());
  expect_weights_that_stay<double>(gpu.get());
}

}  // namespace
}  // namespace cusynapse
