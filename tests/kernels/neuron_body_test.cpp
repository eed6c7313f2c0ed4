// The bodies of neurons, in the width and shape the GPU runs them, on threads: equal to the CPU
// backend bit for bit, and, under the sanitizers, free of races and of accesses outside arrays.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <tuple>
#include <vector>

#include "cusynapse/cusynapse.hpp"
#include "kernels/bodies/leaky_integrate_and_fire.hpp"
#include "support/random.hpp"
#include "tests/kernels/executor.hpp"

namespace cusynapse::test {
namespace {

using kernels::gpu_width;
using kernels::group_count;

// Memory of exactly the size asked for, `offset` elements past where device memory starts, so that
// AddressSanitizer sees the first byte past its end.
template <class T>
class Memory {
 public:
  Memory(const std::vector<T>& values, std::int64_t offset)
      : offset_(offset),
        size_(static_cast<std::int64_t>(values.size())),
        buffer_(Device::cpu(), offset + size_) {
    std::memcpy(data(), values.data(), values.size() * sizeof(T));
  }
  T* data() { return buffer_.data() + offset_; }
  std::vector<T> values() { return {data(), data() + size_}; }

 private:
  std::int64_t offset_;
  std::int64_t size_;
  Buffer<T> buffer_;
};

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

// Neurons with something in every state: resting, about to spike, refractory, just spiked.
template <class T>
struct Neurons {
  Neurons(std::int64_t neuron_count, support::Random& random) : size(neuron_count) {
    const T special[] = {std::numeric_limits<T>::quiet_NaN(), std::numeric_limits<T>::infinity(),
                         -std::numeric_limits<T>::infinity(), T(0)};
    for (std::int64_t i = 0; i < size; ++i) {
      const bool is_special = random.chance(0.1);
      current.push_back(is_special ? special[random.integer(0, 3)]
                                   : static_cast<T>(random.between(-20, 60)));
      voltage.push_back(static_cast<T>(random.between(-70, -45)));
      const std::int64_t steps = random.chance(0.5) ? 0 : random.integer(1, 3);
      const std::int64_t spike = random.chance(0.3) ? math::refractory_spike : 0;
      refractory.push_back(static_cast<std::uint16_t>(steps | spike));
    }
  }

  LeakyIntegrateAndFireStep<T> constants() const {
    LeakyIntegrateAndFireStep<T> a;
    a.decay = T(0.8);
    a.gain = T(0.7);
    a.rest_voltage = T(-60.1);
    a.reset_voltage = T(-64.7);
    a.threshold_voltage = T(-50.3);
    a.refractory_steps = 3;
    a.size = size;
    return a;
  }

  std::int64_t size;
  std::vector<T> current;
  std::vector<T> voltage;
  std::vector<std::uint16_t> refractory;
};

template <class T>
class NeuronBodies : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(NeuronBodies, Types);

TYPED_TEST(NeuronBodies, TheStepEqualsTheCpuBackend) {
  using T = TypeParam;
  support::Random random(support::seed());
  for (const std::int64_t size : support::awkward_sizes()) {
    for (const std::int64_t offset : {0, 1, 8}) {
      const Neurons<T> neurons(size, random);
      const auto step = [&](std::int64_t at, const auto& run) {
        Memory<T> current(neurons.current, at);
        Memory<T> voltage(neurons.voltage, at);
        Memory<std::uint16_t> refractory(neurons.refractory, at);
        Memory<std::uint8_t> spikes(std::vector<std::uint8_t>(static_cast<std::size_t>(size), 0xA5),
                                    at);
        LeakyIntegrateAndFireStep<T> a = neurons.constants();
        a.current = current.data();
        a.voltage = voltage.data();
        a.refractory = refractory.data();
        a.spikes = spikes.data();
        run(a);
        return std::tuple(voltage.values(), refractory.values(), spikes.values());
      };
      const auto expected = step(0, [](const LeakyIntegrateAndFireStep<T>& a) {
        ops::leaky_integrate_and_fire(Stream::cpu(), a);
      });
      const auto made = step(offset, [&](const LeakyIntegrateAndFireStep<T>& a) {
        execute_index(kernels::LeakyIntegrateAndFireBody<T, gpu_width>{a},
                      group_count(size, gpu_width));
      });
      SCOPED_TRACE(testing::Message() << "size " << size << ", offset " << offset);
      EXPECT_TRUE(same_bits(std::get<0>(made), std::get<0>(expected))) << "voltage";
      EXPECT_EQ(std::get<1>(made), std::get<1>(expected)) << "refractory";
      EXPECT_EQ(std::get<2>(made), std::get<2>(expected)) << "spikes";
    }
  }
}

TYPED_TEST(NeuronBodies, RefractoryReadEqualsTheCpuBackend) {
  using T = TypeParam;
  support::Random random(support::seed());
  for (const std::int64_t size : support::awkward_sizes()) {
    for (const std::int64_t offset : {0, 1, 8}) {
      const Neurons<T> neurons(size, random);
      const auto read = [&](std::int64_t at, const auto& run) {
        Memory<std::uint16_t> refractory(neurons.refractory, at);
        Memory<T> time_left(std::vector<T>(static_cast<std::size_t>(size), T(-1)), at);
        Memory<std::uint8_t> spikes(std::vector<std::uint8_t>(static_cast<std::size_t>(size), 0xA5),
                                    at);
        RefractoryRead<T> a;
        a.refractory = refractory.data();
        a.size = size;
        a.step_time = T(0.3);
        a.time_left = time_left.data();
        run(a);
        a.time_left = nullptr;
        a.spikes = spikes.data();
        run(a);
        return std::tuple(time_left.values(), spikes.values());
      };
      const auto expected =
          read(0, [](const RefractoryRead<T>& a) { ops::refractory_read(Stream::cpu(), a); });
      const auto made = read(offset, [&](const RefractoryRead<T>& a) {
        execute_index(kernels::RefractoryReadBody<T, gpu_width>{a}, group_count(size, gpu_width));
      });
      EXPECT_EQ(made, expected) << "size " << size << ", offset " << offset;
    }
  }
}

}  // namespace
}  // namespace cusynapse::test
