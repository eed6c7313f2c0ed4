// The conversions that a CPU's instructions make, against those of math/half.hpp.
#include "kernels/cpu/converted_steps.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "tests/kernels/memory.hpp"

namespace cusynapse::test {
namespace {

#if defined(CUSYNAPSE_HAS_F16C)

class Float16Steps : public testing::Test {
 protected:
  void SetUp() override {
    if (!cpu::has_float16_conversions()) GTEST_SKIP() << "a machine without F16C";
  }
};

TEST_F(Float16Steps, InstructionsGiveTheValueOfEveryPattern) {
  std::vector<float16> patterns;
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    patterns.push_back({static_cast<std::uint16_t>(bits)});
  }
  std::vector<float> got(patterns.size());
  cpu::to_floats(patterns.data(), static_cast<std::int64_t>(patterns.size()), got.data());
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    const float expected = math::to_float(patterns[i]);
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(got[i])) << i;
    } else {
      ASSERT_EQ(std::bit_cast<std::uint32_t>(got[i]), std::bit_cast<std::uint32_t>(expected)) << i;
    }
  }
}

TEST_F(Float16Steps, InstructionsRoundAsTheFunctionDoes) {
  Random random(13);
  std::vector<float> values = {HUGE_VALF, -HUGE_VALF, NAN,      -NAN,
                               65520.0F,  -65519.99F, 0x1p-25F, -0.0F};
  for (int i = 0; i < 1 << 20; ++i) {
    values.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(random.below(1LL << 32))));
    values.push_back(static_cast<float>(
        std::ldexp(random.uniform(-2, 2), static_cast<int>(random.below(45)) - 28)));
  }
  std::vector<float16> got(values.size());
  cpu::from_floats(values.data(), static_cast<std::int64_t>(values.size()), got.data());
  for (std::size_t i = 0; i < values.size(); ++i) {
    ASSERT_EQ(got[i].bits, math::from_float<float16>(values[i]).bits) << values[i];
  }
}

#endif

template <class Stored>
class ConvertedSteps : public testing::Test {};
using StoredTypes = testing::Types<float16, bfloat16>;
TYPED_TEST_SUITE(ConvertedSteps, StoredTypes);

// Chunks and their rests, against the body's own text.
TYPED_TEST(ConvertedSteps, ChunksEqualTheBody) {
  using Stored = TypeParam;
  using Body = kernels::DecayInjectBody<float, Dynamics::chain, 2, InputKind::bytes,
                                        kernels::cpu_width, Stored>;
  Random random(14);
  for (const std::int64_t size : {1, 31, 32, 33, 1023, 1024, 1025, 2500, 70000}) {
    for (const std::int32_t slots : {1, 2, 5}) {
      constexpr std::int64_t steps = 3;
      const std::int64_t stride = slot_stride(size);
      Memory<Stored> traces[2] = {Memory<Stored>(slots * stride), Memory<Stored>(slots * stride)};
      for (Memory<Stored>& trace : traces) {
        for (std::int64_t slot = 0; slot < slots; ++slot) {
          for (std::int64_t e = 0; e < size; ++e) {
            // Infinities and NaNs as well.
            trace[slot * stride + e] = {static_cast<std::uint16_t>(random.below(0x10000))};
          }
        }
      }
      Memory<std::uint8_t> spikes(slots * stride / 8);
      Memory<std::uint8_t> input(size * steps);
      for (std::int64_t i = 0; i < input.size(); ++i) {
        input[i] = static_cast<std::uint8_t>(random.below(4));
      }
      Memory<Stored> expected[2] = {traces[0], traces[1]};
      Memory<std::uint8_t> expected_spikes = spikes;
      const auto body = [&](Memory<Stored>(&of)[2], Memory<std::uint8_t>& bits) {
        DecayInject<float> a;
        a.dynamics = Dynamics::chain;
        a.trace_count = 2;
        a.decay[0] = a.decay[1] = 0.8F;
        a.gain[0] = 1.3F;
        a.feed = 0.4F;
        for (int k = 0; k < 2; ++k) a.traces[k] = of[k].data();
        a.spikes = bits.data();
        a.size = size;
        a.stride = stride;
        a.slots = slots;
        a.head.value = slots - 1;
        a.input_kind = InputKind::bytes;
        a.input = input.data();
        a.input_stride = size;
        a.steps = steps;
        return Body{a};
      };
      cpu::launch_steps(body(expected, expected_spikes),
                        kernels::group_count(size, kernels::cpu_width), kernels::cpu_width);
      cpu::launch_converted(body(traces, spikes));
      EXPECT_TRUE(traces[0] == expected[0]) << size << " synapses, " << slots << " slots";
      EXPECT_TRUE(traces[1] == expected[1]) << size << " synapses, " << slots << " slots";
      EXPECT_TRUE(spikes == expected_spikes) << size << " synapses, " << slots << " slots";
    }
  }
}

}  // namespace
}  // namespace cusynapse::test
