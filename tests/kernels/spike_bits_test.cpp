// Spikes as bits on a CPU, by every instruction set this machine has.
#include "kernels/cpu/spike_bits.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "support/random.hpp"

namespace cusynapse::test {
namespace {

using cpu::InstructionSet;

template <class Input>
std::vector<Input> inputs_that_are_no_spikes() {
  if constexpr (std::is_integral_v<Input>) {
    return {0};
  } else {
    return {Input(0), -Input(0)};
  }
}

template <class Input>
std::vector<Input> inputs_that_are_spikes() {
  if constexpr (std::is_integral_v<Input>) {
    return {1, 2, 127, 128, 255};
  } else {
    using Limits = std::numeric_limits<Input>;
    return {Input(1),
            Input(-0.5),
            Limits::denorm_min(),
            -Limits::denorm_min(),
            Limits::quiet_NaN(),
            -Limits::quiet_NaN(),
            Limits::infinity(),
            -Limits::infinity()};
  }
}

template <class Input>
class SpikeBitsTest : public testing::Test {};
using Inputs = testing::Types<std::uint8_t, float, double>;
TYPED_TEST_SUITE(SpikeBitsTest, Inputs);

TYPED_TEST(SpikeBitsTest, EveryInstructionSetWritesTheBitsOfTheSpikes) {
  const auto silent = inputs_that_are_no_spikes<TypeParam>();
  const auto loud = inputs_that_are_spikes<TypeParam>();
  support::Random random(17);
  for (const InstructionSet set :
       {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512}) {
    if (set > cpu::best_instruction_set()) continue;
    for (const std::int64_t groups : {0, 1, 2, 3, 65}) {
      const std::int64_t count = groups * cpu::spike_group;
      // Of exactly their size, and not aligned, for AddressSanitizer and for loads.
      const auto memory = std::make_unique<TypeParam[]>(static_cast<std::size_t>(count) + 1);
      TypeParam* const inputs = memory.get() + 1;
      std::vector<std::uint8_t> expected(static_cast<std::size_t>(count / 8));
      for (std::int64_t i = 0; i < count; ++i) {
        const bool spike = random.chance(0.5);
        inputs[i] = random.one_of(spike ? loud : silent);
        if (spike)
          expected[static_cast<std::size_t>(i / 8)] |= static_cast<std::uint8_t>(1 << i % 8);
      }
      std::vector<std::uint8_t> bits(expected.size(), 0xA5);
      cpu::spike_bits_for<TypeParam>(set)(inputs, groups, bits.data());
      EXPECT_EQ(bits, expected) << "instruction set " << static_cast<int>(set) << ", " << groups
                                << " groups";
    }
  }
}

}  // namespace
}  // namespace cusynapse::test
