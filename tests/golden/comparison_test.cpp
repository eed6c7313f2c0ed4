#include "golden/comparison.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <vector>

namespace cusynapse::golden {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

Array array_of(const std::vector<float>& values, const std::vector<std::int64_t>& extents) {
  return {{"index.txt", 1}, "x", ElementType::f32, extents, std::as_bytes(std::span(values))};
}

TEST(GoldenComparison, CountsArraysAndNamesTheFirstWrongElement) {
  const std::vector<float> recorded{0.0f, 1.0f, 2.0f, 3.0f, 4.0f, 5.0f};
  std::vector<float> got = recorded;
  Comparison comparison("synapse");
  comparison.set_place("case 3, run");
  EXPECT_TRUE(comparison.array<float>("ret", got, array_of(recorded, {2, 3})));
  got[4] = 4.5f;
  got[5] = -5.0f;
  EXPECT_FALSE(comparison.array<float>("ret", got, array_of(recorded, {2, 3})));
  EXPECT_EQ(comparison.summary(), "synapse: 2 comparisons, 1 mismatches");
  ASSERT_EQ(comparison.messages().size(), 1u);
  EXPECT_EQ(comparison.messages()[0],
            "synapse: case 3, run: ret[1,1] is 4.5, expected 4 (2 of 6 elements differ)");
}

TEST(GoldenComparison, SeesTheLastBitAndTakesNaNForNaN) {
  const std::vector<float> recorded{1.0f, not_a_number, infinity, 0.0f};
  Comparison comparison("record");
  EXPECT_TRUE(comparison.array<float>("res", {1.0f, not_a_number, infinity, -0.0f},
                                      array_of(recorded, {4})));
  EXPECT_FALSE(comparison.array<float>("res", {1.00000012f, not_a_number, infinity, 0.0f},
                                       array_of(recorded, {4})));
  EXPECT_FALSE(
      comparison.array<float>("res", {1.0f, 0.0f, infinity, 0.0f}, array_of(recorded, {4})));
  EXPECT_FALSE(comparison.array<float>("res", {1.0f, not_a_number, infinity, not_a_number},
                                       array_of(recorded, {4})));
}

TEST(GoldenComparison, AppliesTheToleranceToFiniteValuesOnly) {
  const std::vector<float> recorded{2.0f, infinity};
  Comparison comparison("interp");
  EXPECT_TRUE(
      comparison.array<float>("res", {2.0000005f, infinity}, array_of(recorded, {2}), exponential));
  EXPECT_FALSE(
      comparison.array<float>("res", {2.000002f, infinity}, array_of(recorded, {2}), exponential));
  EXPECT_FALSE(comparison.array<float>("res", {2.0f, 3.0f}, array_of(recorded, {2}), exponential));
  EXPECT_TRUE(
      comparison.array<float>("res", {2.25f, infinity}, array_of(recorded, {2}), {0.0, 0.25}));
}

TEST(GoldenComparison, RefusesAnArrayOfAnotherSize) {
  const std::vector<float> recorded{2.0f};
  Comparison comparison("interp");
  EXPECT_FALSE(comparison.array<float>("res", std::vector<float>{}, array_of(recorded, {1})));
  EXPECT_FALSE(comparison.array<float>("res", {2.0f, 2.0f}, array_of(recorded, {1})));
}

TEST(GoldenComparison, PassesOverIgnoredElementsAlone) {
  const std::vector<float> recorded{2.0f, 3.0f};
  Comparison comparison("synapse");
  EXPECT_TRUE(comparison.array<float>("x", {9.0f, 3.0f}, array_of(recorded, {2}), bit_for_bit,
                                      {true, false}));
  EXPECT_FALSE(comparison.array<float>("x", {9.0f, 9.0f}, array_of(recorded, {2}), bit_for_bit,
                                       {true, false}));
}

TEST(GoldenComparison, CountsWhatCouldNotBeComparedAndKeepsTheFirstDescriptions) {
  Comparison comparison("errors");
  for (std::size_t i = 0; i < Comparison::max_messages + 5; ++i) comparison.mismatch("unknown");
  EXPECT_TRUE(comparison.expect(true, "accepted"));
  EXPECT_FALSE(comparison.number("dt", 1.0, 2.0));
  EXPECT_EQ(comparison.summary(), "errors: 2 comparisons, 26 mismatches");
  EXPECT_EQ(comparison.messages().size(), Comparison::max_messages);
}

}  // namespace
}  // namespace cusynapse::golden
