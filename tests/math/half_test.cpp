// Numbers stored in 16 bits: every pattern, and every float around which rounding turns.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <type_traits>

#include "cusynapse/math/half.hpp"
#include "reference/half.hpp"
#include "support/random.hpp"

namespace cusynapse::math {
namespace {

template <class Stored>
constexpr reference::Format format =
    std::is_same_v<Stored, float16> ? reference::binary16 : reference::brain16;

template <class Stored>
class Half : public testing::Test {};
using StoredTypes = testing::Types<float16, bfloat16>;
TYPED_TEST_SUITE(Half, StoredTypes);

// As the compiler's own type rounds, where it has one.
template <class Stored>
bool compiler_agrees([[maybe_unused]] float value, [[maybe_unused]] Stored got) {
#if defined(__FLT16_MANT_DIG__)
  if constexpr (std::is_same_v<Stored, float16>) {
    return std::bit_cast<std::uint16_t>(static_cast<_Float16>(value)) == got.bits;
  }
#endif
  return true;
}

// Counts what is wrong, and says the first.
template <class Stored>
class Check {
 public:
  void rounds(float value) {
    const Stored got = from_float<Stored>(value);
    const double expected = reference::nearest(format<Stored>, static_cast<double>(value));
    bool is_right;
    if (std::isnan(value)) {
      is_right = got.bits == (std::is_same_v<Stored, float16> ? 0x7E00 : 0x7FC0);
    } else {
      const double stored = reference::value_of(format<Stored>, got.bits);
      is_right = stored == expected && std::signbit(stored) == std::signbit(expected) &&
                 compiler_agrees(value, got);
    }
    if (!is_right && wrong_++ == 0) {
      ADD_FAILURE() << std::hexfloat << value << " (bits " << std::hex
                    << std::bit_cast<std::uint32_t>(value) << ") became " << got.bits
                    << ", expected " << std::hexfloat << expected;
    }
  }
  void rounds_around(float value) {
    if (!std::isfinite(value)) return rounds(value);
    rounds(value);
    rounds(std::nextafter(value, HUGE_VALF));
    rounds(std::nextafter(value, -HUGE_VALF));
  }
  std::int64_t wrong() const { return wrong_; }

 private:
  std::int64_t wrong_ = 0;
};

TYPED_TEST(Half, EveryPatternIsItsValueAndComesBack) {
  using Stored = TypeParam;
  for (std::uint32_t pattern = 0; pattern < 0x10000; ++pattern) {
    const Stored stored = {static_cast<std::uint16_t>(pattern)};
    const double expected = reference::value_of(format<Stored>, stored.bits);
    const float got = to_float(stored);
    if (std::isnan(expected)) {
      constexpr int dropped = 23 - format<Stored>.significand_bits;
      const std::uint32_t significand = pattern & ((1u << format<Stored>.significand_bits) - 1u);
      ASSERT_EQ(std::bit_cast<std::uint32_t>(got),
                (pattern & 0x8000u) << 16 | 0x7F800000u | significand << dropped)
          << pattern;
      ASSERT_TRUE(std::isnan(to_float(from_float<Stored>(got)))) << pattern;
    } else {
      ASSERT_EQ(static_cast<double>(got), expected) << pattern;
      ASSERT_EQ(std::signbit(got), (pattern & 0x8000u) != 0) << pattern;
      ASSERT_EQ(from_float<Stored>(got).bits, pattern);
    }
  }
}

TYPED_TEST(Half, FloatsAroundEveryPatternAndEveryTieAreRoundedToNearestEven) {
  using Stored = TypeParam;
  Check<Stored> check;
  for (std::uint32_t pattern = 0; pattern < 0x7FFF; ++pattern) {
    const double low = reference::value_of(format<Stored>, static_cast<std::uint16_t>(pattern));
    double high = reference::value_of(format<Stored>, static_cast<std::uint16_t>(pattern + 1));
    if (std::isnan(low) || std::isnan(high) || std::isinf(low)) continue;
    // Where infinity is next, as if the format went on.
    if (std::isinf(high)) high = std::ldexp(1.0, format<Stored>.bias() + 1);
    for (const double sign : {1.0, -1.0}) {
      check.rounds_around(static_cast<float>(sign * low));
      check.rounds_around(static_cast<float>(sign * 0.5 * (low + high)));
    }
  }
  EXPECT_EQ(check.wrong(), 0);
}

TYPED_TEST(Half, FloatsOfRandomBitsAreRoundedToNearestEven) {
  using Stored = TypeParam;
  support::Random random(support::seed());
  Check<Stored> check;
  for (int i = 0; i < 2000000; ++i) {
    check.rounds(std::bit_cast<float>(static_cast<std::uint32_t>(random.bits())));
    // Within float16's range, where few of all floats lie.
    check.rounds(static_cast<float>(
        std::ldexp(random.between(-2.0, 2.0), static_cast<int>(random.integer(-28, 17)))));
  }
  EXPECT_EQ(check.wrong(), 0);
}

TYPED_TEST(Half, InfinitiesAndNaNsStay) {
  using Stored = TypeParam;
  EXPECT_EQ(to_float(from_float<Stored>(HUGE_VALF)), HUGE_VALF);
  EXPECT_EQ(to_float(from_float<Stored>(-HUGE_VALF)), -HUGE_VALF);
  for (const std::uint32_t nan : {0x7F800001u, 0x7FC00000u, 0x7FFFFFFFu, 0xFF800001u, 0xFFFFFFFFu,
                                  0x7F801000u, 0xFFC01234u}) {
    EXPECT_TRUE(std::isnan(to_float(from_float<Stored>(std::bit_cast<float>(nan))))) << nan;
  }
}

TEST(Float16, EndsAt65504AndIsEvenlySpacedBelow) {
  EXPECT_EQ(to_float(from_float<float16>(65519.996f)), 65504.0f);
  EXPECT_EQ(to_float(from_float<float16>(65520.0f)), HUGE_VALF);
  EXPECT_EQ(to_float(from_float<float16>(0x1p-24f)), 0x1p-24f);
  EXPECT_EQ(to_float(from_float<float16>(0x1p-25f)), 0.0f);
  EXPECT_EQ(to_float(from_float<float16>(0x1.000002p-25f)), 0x1p-24f);
}

}  // namespace
}  // namespace cusynapse::math
