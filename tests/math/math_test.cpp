// Level 1: the functions a kernel of the user's own is written with.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "cusynapse/math/bits.hpp"
#include "cusynapse/math/decay.hpp"
#include "cusynapse/math/exponential.hpp"
#include "cusynapse/math/interpolate.hpp"
#include "cusynapse/math/neuron.hpp"
#include "cusynapse/math/ring.hpp"

namespace cusynapse::math {
namespace {

float from_bits(std::uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// Distance in units in the last place of the exact result, subnormals having those of the smallest.
double error_in_ulps(float got, double exact) {
  int exponent;
  std::frexp(exact, &exponent);
  const int last_place = exponent - 24 < -149 ? -149 : exponent - 24;
  return std::abs(static_cast<double>(got) - exact) / std::ldexp(1.0, last_place);
}

TEST(Exponential, IsWithinOneUlpForEveryFloatItDoesNotSaturateFor) {
  double worst = 0;
  float worst_at = 0;
  // Every 101st float from the smallest magnitudes to those that saturate, of both signs.
  for (std::uint32_t bits = 0; bits < 0x42d00000u; bits += 101) {
    for (const float x : {from_bits(bits), -from_bits(bits)}) {
      if (x > 88.72f || x < -103.9f) continue;
      const double error = error_in_ulps(exponential(x), std::exp(static_cast<double>(x)));
      if (error > worst) {
        worst = error;
        worst_at = x;
      }
    }
  }
  EXPECT_LE(worst, 1.0) << "at " << worst_at;
}

TEST(Exponential, IsWithinOneUlpInDouble) {
  double worst = 0;
  for (double x = -708; x < 709; x += 0.00917) {
    const long double exact = std::exp(static_cast<long double>(x));
    const double ulp =
        std::nextafter(static_cast<double>(exact), HUGE_VAL) - static_cast<double>(exact);
    const double error =
        static_cast<double>(std::abs(static_cast<long double>(exponential(x)) - exact)) / ulp;
    worst = std::max(worst, error);
  }
  EXPECT_LE(worst, 1.0);
}

TEST(Exponential, HasTheLimitsOfStdExp) {
  EXPECT_EQ(exponential(0.0f), 1.0f);
  EXPECT_EQ(exponential(-0.0f), 1.0f);
  EXPECT_EQ(exponential(-200.0f), 0.0f);
  EXPECT_EQ(exponential(-HUGE_VALF), 0.0f);
  EXPECT_EQ(exponential(200.0f), HUGE_VALF);
  EXPECT_EQ(exponential(HUGE_VALF), HUGE_VALF);
  EXPECT_TRUE(std::isnan(exponential(std::numeric_limits<float>::quiet_NaN())));
  EXPECT_EQ(exponential(0.0), 1.0);
  EXPECT_EQ(exponential(-800.0), 0.0);
  EXPECT_EQ(exponential(800.0), HUGE_VAL);
  EXPECT_TRUE(std::isnan(exponential(std::numeric_limits<double>::quiet_NaN())));
}

TEST(HistorySlots, FollowTheQuotientInDoubleWithoutTolerance) {
  EXPECT_EQ(history_slots(0.3, 0.1, true), 4);
  EXPECT_EQ(history_slots(3 * 0.1, 0.1, true), 5);
  EXPECT_EQ(history_slots(0, 1, false), 1);
  EXPECT_EQ(history_slots(0, 1, true), 1);
  EXPECT_EQ(history_slots(10, 1, false), 10);
}

TEST(Slots, WrapAroundBothWays) {
  for (std::int32_t slots = 1; slots < 6; ++slots) {
    for (std::int32_t head = 0; head < slots; ++head) {
      std::int32_t expected = head;
      for (std::int32_t steps = 0; steps <= 2 * slots; ++steps) {
        EXPECT_EQ(slot_at(head, steps, slots), expected);
        EXPECT_EQ(slot_near(head, steps, slots), expected);
        expected = expected == 0 ? slots - 1 : expected - 1;
      }
      EXPECT_EQ(slot_at(head, -1, slots), (head + 1) % slots);
      EXPECT_EQ(slot_at(head, 7 * slots + 1, slots), slot_at(head, 1, slots));
      const std::int64_t far = (std::int64_t{1} << 31) * slots;
      EXPECT_EQ(slot_at(head, far + 1, slots), slot_at(head, 1, slots));
    }
  }
}

TEST(Slots, WrapAroundFromAnyDistance) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(slot_at(0, most, 1), 0);
  EXPECT_EQ(slot_at(0, least, 1), 0);
  EXPECT_EQ(slot_at(4, least, 5), 2);  // 2^63 = 3 modulo 5
  EXPECT_EQ(slot_at(4, most, 5), 2);   // 2^63 - 1 = 2 modulo 5
  EXPECT_EQ(slot_at((1 << 30) - 1, least, 1 << 30), (1 << 30) - 1);
}

TEST(Locate, FindsTheNeighboursAndTheTimeSinceTheOlder) {
  const Position<float> between = locate(2.25f, 1.0f, 0.0f, 1.0f);
  EXPECT_EQ(between.older, 4.0f);
  EXPECT_EQ(between.newer, 3.0f);
  EXPECT_EQ(between.elapsed, 0.75f);
  const Position<float> on_grid = locate(2.0f, 1.0f, 0.0f, 1.0f);
  EXPECT_EQ(on_grid.older, 3.0f);
  EXPECT_EQ(on_grid.newer, 3.0f);
  EXPECT_EQ(on_grid.elapsed, 1.0f);
}

TEST(Locate, CountsTimesWithinTheToleranceAsOnTheGrid) {
  EXPECT_EQ(locate(2.1f, 1.0f, 0.125f, 1.0f).older, 3.0f);
  EXPECT_EQ(locate(1.9f, 1.0f, 0.125f, 1.0f).older, 3.0f);
  EXPECT_EQ(locate(2.2f, 1.0f, 0.125f, 1.0f).older, 4.0f);
}

TEST(Locate, RoundsHalvesToEven) {
  EXPECT_EQ(locate(2.5f, 1.0f, 0.5f, 0.0f).older, 2.0f);
  EXPECT_EQ(locate(3.5f, 1.0f, 0.5f, 0.0f).older, 4.0f);
}

TEST(RefractorySteps, TakeAQuotientWithin1e9OfAWholeNumberForIt) {
  EXPECT_EQ(refractory_steps(3000 * (1 + 9e-10), 1), 3000);
  EXPECT_EQ(refractory_steps(3000 * (1 + 1.1e-9), 1), 3001);
  EXPECT_EQ(refractory_steps(3000 * (1 - 1.1e-9), 1), 3000);
}

TEST(Interpolate, NearestTakesTheOlderOnATie) {
  EXPECT_EQ(interpolate_nearest(1.0f, 2.0f, 0.5f, 1.0f), 1.0f);
  EXPECT_EQ(interpolate_nearest(1.0f, 2.0f, 0.5000001f, 1.0f), 2.0f);
}

TEST(Extrapolate, IsUndoneByTheInterpolationOfTheSameName) {
  constexpr double sample = 1.7, older = 0.4, newer = -0.9, elapsed = 0.3, step = 1.0, constant = 2;
  const struct {
    Extrapolation write;
    Interpolation read;
  } pairs[] = {{Extrapolation::previous, Interpolation::previous},
               {Extrapolation::next, Interpolation::next},
               {Extrapolation::nearest, Interpolation::nearest},
               {Extrapolation::neighbors, Interpolation::linear},
               {Extrapolation::linear_forward, Interpolation::linear},
               {Extrapolation::linear_backward, Interpolation::linear},
               {Extrapolation::exponential_decay, Interpolation::exponential_decay},
               {Extrapolation::exponential_rate_decay, Interpolation::exponential_rate_decay}};
  for (const auto& pair : pairs) {
    const Neighbors<double> written =
        extrapolate(pair.write, sample, older, newer, elapsed, step, constant);
    EXPECT_NEAR(interpolate(pair.read, written.older, written.newer, elapsed, step, constant),
                sample, 1e-14)
        << static_cast<int>(pair.write);
  }
}

TEST(Extrapolate, AdjustsTheKeptObservationOfTheLinearRules) {
  const auto halve = [](auto x) { return x / 2; };
  EXPECT_EQ(extrapolate(Extrapolation::linear_forward, 1.0, 4.0, 0.0, 0.5, 1.0, 0.0, halve).older,
            2.0);
  EXPECT_EQ(extrapolate(Extrapolation::linear_backward, 1.0, 0.0, 4.0, 0.5, 1.0, 0.0, halve).newer,
            2.0);
}

TEST(Bits, PackEveryCombinationOfFlags) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    std::uint64_t flags = 0;
    for (int i = 0; i < 8; ++i) flags |= std::uint64_t{(byte >> i) & 1u} << (8 * i);
    const std::uint8_t packed = pack_flags(flags);
    EXPECT_EQ(packed, byte);
    for (int i = 0; i < 8; ++i) EXPECT_EQ(test_bit(&packed, i), ((byte >> i) & 1u) != 0);
  }
}

TEST(Spikes, AreAnythingButZero) {
  EXPECT_FALSE(is_spike(0.0f));
  EXPECT_FALSE(is_spike(-0.0f));
  EXPECT_TRUE(is_spike(1e-45f));
  EXPECT_TRUE(is_spike(-1.0f));
  EXPECT_TRUE(is_spike(std::numeric_limits<float>::quiet_NaN()));
}

}  // namespace
}  // namespace cusynapse::math
