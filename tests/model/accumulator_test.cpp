// Updates of a parameter against the oracle: every reduction, bound and side, what is refused, what
// allocates.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "cusynapse/error.hpp"
#include "cusynapse/updater.hpp"
#include "reference/accumulator.hpp"
#include "support/compare.hpp"
#include "support/device_array.hpp"
#include "support/devices.hpp"
#include "support/failing_calls.hpp"
#include "support/random.hpp"
#include "support/refusal.hpp"

namespace {

using cusynapse::Accumulator;
using cusynapse::BoundRule;
using cusynapse::Errc;
using cusynapse::Error;
using cusynapse::full_bounds;
using cusynapse::Shape;
using cusynapse::Stream;
using cusynapse::UpdateBound;
using cusynapse::UpdateBounds;
using cusynapse::UpdateReduction;
using cusynapse::View;
using support::allocations;
using support::DeviceArray;
using support::refuses;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

struct NamedReduction {
  UpdateReduction of_library;
  reference::UpdateReduction of_oracle;
};
constexpr NamedReduction reductions[] = {
    {UpdateReduction::sum, reference::UpdateReduction::sum},
    {UpdateReduction::mean, reference::UpdateReduction::mean},
    {UpdateReduction::maximum, reference::UpdateReduction::maximum},
};

constexpr BoundRule rules[] = {BoundRule::none,         BoundRule::multiplicative,
                               BoundRule::power,        BoundRule::scaled_multiplicative,
                               BoundRule::scaled_power, BoundRule::sharp};

reference::BoundRule oracle_rule(BoundRule rule) {
  switch (rule) {
    case BoundRule::none:
      return reference::BoundRule::none;
    case BoundRule::multiplicative:
      return reference::BoundRule::multiplicative;
    case BoundRule::power:
      return reference::BoundRule::power;
    case BoundRule::scaled_multiplicative:
      return reference::BoundRule::scaled_multiplicative;
    case BoundRule::scaled_power:
      return reference::BoundRule::scaled_power;
    case BoundRule::sharp:
      return reference::BoundRule::sharp;
  }
  return reference::BoundRule::none;
}

template <class T>
reference::UpdateBound<T> oracle_bound(const UpdateBound<double>& bound) {
  return {oracle_rule(bound.rule), static_cast<T>(bound.limit), static_cast<T>(bound.power),
          static_cast<T>(bound.range)};
}

/// An accumulator, a parameter, and the oracle that knows both.
template <class T>
class AccumulatorPair {
 public:
  AccumulatorPair(const Stream& stream, const Shape& shape, std::vector<T> parameter)
      : stream_(stream),
        shape_(shape),
        accumulator_(stream, shape),
        parameter_(stream, parameter, shape),
        expected_(std::move(parameter)) {}

  Accumulator<T>& accumulator() { return accumulator_; }
  reference::Accumulator<T>& oracle() { return oracle_; }

  void set_reduction(const NamedReduction& reduction) {
    accumulator_.set_reduction(stream_, reduction.of_library);
    oracle_.reduction = reduction.of_oracle;
  }
  void set_bounds(const UpdateBounds& bounds) {
    accumulator_.set_bounds(bounds);
    oracle_.upper = oracle_bound<T>(bounds.upper);
    oracle_.lower = oracle_bound<T>(bounds.lower);
  }
  void set_parameter(const std::vector<T>& parameter) {
    parameter_ = DeviceArray<T>(stream_, parameter, shape_);
    expected_ = parameter;
  }
  void add_positive(const std::vector<T>& part) {
    DeviceArray<T> array(stream_, part, shape_);
    accumulator_.add_positive(stream_, array.constant());
    overwrite(array);
    oracle_.positive.push_back(part);
  }
  void add_negative(const std::vector<T>& part) {
    DeviceArray<T> array(stream_, part, shape_);
    accumulator_.add_negative(stream_, array.constant());
    overwrite(array);
    oracle_.negative.push_back(part);
  }
  /// Updates both and compares: bit for bit, but for what power functions took part in.
  testing::AssertionResult update() {
    accumulator_.update(stream_, parameter_.view());
    const auto updated = oracle_.update(expected_);
    support::Tolerance<T> tolerance;
    for (std::size_t i = 0; i < updated.powers.size(); ++i) {
      tolerance.by_element.push_back(static_cast<T>(support::exponential_relative<T>()) *
                                         updated.powers[i] +
                                     std::numeric_limits<T>::epsilon() * updated.sums[i]);
    }
    const std::vector<T> got = parameter_.host();
    const auto result = support::matches(got, updated.parameter, tolerance);
    expected_ = got;  // so that differences allowed once do not add up
    return result;
  }
  std::vector<T> parameter() const { return parameter_.host(); }

 private:
  // The part is the caller's again after the call.
  static void overwrite(DeviceArray<T>& array) { array = DeviceArray<T>(Stream::cpu(), {}, {0}); }

  Stream stream_;
  Shape shape_;
  Accumulator<T> accumulator_;
  DeviceArray<T> parameter_;
  std::vector<T> expected_;
  reference::Accumulator<T> oracle_;
};

/// Parameters in and around [-0.25, 1.25], the limits among them.
template <class T>
std::vector<T> random_parameters(support::Random& random, std::int64_t size) {
  auto values = random.values<T>(size, -0.75, 1.75);
  for (T& value : values) {
    if (random.chance(0.1)) value = T(1.25);
    if (random.chance(0.1)) value = T(-0.25);
  }
  return values;
}

UpdateBounds half_bounds(BoundRule upper, BoundRule lower, double upper_power, double lower_power) {
  UpdateBounds bounds;
  bounds.upper = {upper, 1.25, upper_power, 1.7};
  bounds.lower = {lower, -0.25, lower_power, 1.7};
  return bounds;
}

class AccumulatorTest : public support::DeviceTest {
 protected:
  /// Calls `test.template operator()<T>()` for both types.
  template <class Test>
  static void for_each_type(const Test& test) {
    test.template operator()<float>();
    test.template operator()<double>();
  }
};

INSTANTIATE_TEST_SUITE_P(Devices, AccumulatorTest, testing::ValuesIn(support::devices()),
                         support::device_name);

TEST_P(AccumulatorTest, EveryReductionBoundAndNumberOfPartsIsAsTheOracleHasIt) {
  constexpr std::pair<int, int> counts[] = {{0, 0}, {1, 0}, {0, 1}, {3, 0}, {0, 3}, {2, 1}, {5, 4}};
  for_each_type([&]<class T>() {
    support::Random random(support::seed());
    for (const std::int64_t size : {1, 7, 33}) {
      AccumulatorPair<T> pair(stream(), {size}, random_parameters<T>(random, size));
      for (const NamedReduction& reduction : reductions) {
        pair.set_reduction(reduction);
        for (const BoundRule upper : rules) {
          for (const BoundRule lower : rules) {
            pair.set_bounds(half_bounds(upper, lower, 1.5, 2.0));
            for (const auto& [positive, negative] : counts) {
              pair.set_parameter(random_parameters<T>(random, size));
              for (int k = 0; k < positive; ++k) pair.add_positive(random.values<T>(size, -1, 2));
              for (int k = 0; k < negative; ++k) pair.add_negative(random.values<T>(size, -1, 2));
              ASSERT_TRUE(pair.update())
                  << "size " << size << ", reduction " << static_cast<int>(reduction.of_library)
                  << ", bounds " << static_cast<int>(upper) << " and " << static_cast<int>(lower)
                  << ", parts " << positive << " and " << negative;
            }
          }
        }
      }
    }
  });
}

TEST_P(AccumulatorTest, EverySizeIsAsTheOracleHasIt) {
  for_each_type([&]<class T>() {
    support::Random random(support::seed() + 1);
    auto sizes = support::awkward_sizes();
    sizes.push_back(100003);  // several threads on a CPU
    for (const std::int64_t size : sizes) {
      AccumulatorPair<T> pair(stream(), {size}, random_parameters<T>(random, size));
      pair.set_bounds(half_bounds(BoundRule::multiplicative, BoundRule::scaled_power, 1, 1.5));
      for (int cycle = 0; cycle < 2; ++cycle) {
        for (int k = 0; k < 3; ++k) pair.add_positive(random.values<T>(size, -1, 1));
        for (int k = 0; k < 2; ++k) pair.add_negative(random.values<T>(size, -1, 1));
        ASSERT_TRUE(pair.update()) << "size " << size;
      }
    }
  });
}

TEST_P(AccumulatorTest, ShapesOfAnyRankAreTakenUpToSix) {
  for (const Shape& shape : {Shape{}, Shape{3, 5}, Shape{2, 3, 2, 2}, Shape{1, 2, 1, 2, 1, 2}}) {
    support::Random random(support::seed() + 2);
    AccumulatorPair<float> pair(stream(), shape, random.values<float>(shape.size(), 0, 1));
    EXPECT_EQ(pair.accumulator().shape(), shape);
    EXPECT_EQ(pair.accumulator().device(), GetParam());
    pair.add_positive(random.values<float>(shape.size(), 0, 1));
    EXPECT_TRUE(pair.update());
  }
}

TEST_P(AccumulatorTest, UpdatesFollowOneAnotherAndStartFromNothing) {
  for_each_type([&]<class T>() {
    support::Random random(support::seed() + 3);
    constexpr std::int64_t size = 65;
    AccumulatorPair<T> pair(stream(), {size}, random_parameters<T>(random, size));
    for (int cycle = 0; cycle < 200; ++cycle) {
      if (random.chance(0.2))
        pair.set_reduction(
            random.one_of<NamedReduction>({std::begin(reductions), std::end(reductions)}));
      if (random.chance(0.2)) {
        const std::vector<BoundRule> all(std::begin(rules), std::end(rules));
        pair.set_bounds(half_bounds(random.one_of(all), random.one_of(all), 2, 3));
        pair.set_parameter(random_parameters<T>(random, size));
      }
      for (std::int64_t k = random.integer(0, 3); k > 0; --k) {
        pair.add_positive(random.values<T>(size, -0.1, 0.1));
      }
      for (std::int64_t k = random.integer(0, 3); k > 0; --k) {
        pair.add_negative(random.values<T>(size, -0.1, 0.1));
      }
      if (random.chance(0.1)) {
        pair.accumulator().clear(stream());
        pair.oracle().positive.clear();
        pair.oracle().negative.clear();
      }
      ASSERT_TRUE(pair.update()) << "cycle " << cycle;
    }
  });
}

TEST_P(AccumulatorTest, WithoutPartsTheParameterKeepsItsBits) {
  const std::vector<float> parameter = {-0.0f, 0.5f, std::numeric_limits<float>::infinity(), 2.0f};
  AccumulatorPair<float> pair(stream(), {4}, parameter);
  for (const BoundRule rule : rules) {
    pair.set_bounds(full_bounds(rule, -1, 1, 0.5, 0.5));
    EXPECT_TRUE(pair.update());
    EXPECT_EQ(pair.parameter(), parameter);
    EXPECT_TRUE(std::signbit(pair.parameter()[0]));
  }
}

TEST_P(AccumulatorTest, ASideWithoutPartsIsZeroEvenWhereItsBoundIsNoNumber) {
  // Below the minimum a fractional power of the room there is NaN; only the upper side has a part.
  AccumulatorPair<float> pair(stream(), {2}, {-1.0f, 0.0f});
  pair.set_bounds(full_bounds(BoundRule::power, -0.5, 1.0, 2.0, 0.5));
  pair.add_positive({0.25f, 0.25f});
  EXPECT_TRUE(pair.update());
  EXPECT_EQ(pair.parameter(), (std::vector<float>{0.0f, 0.25f}));
}

TEST_P(AccumulatorTest, FullBoundsAreBothHalvesWithTheDistanceOfTheLimitsAsRange) {
  for_each_type([&]<class T>() {
    support::Random random(support::seed() + 4);
    for (const BoundRule rule : rules) {
      const UpdateBounds bounds = full_bounds(rule, -0.25, 1.25, 1.5, 2.0);
      EXPECT_EQ(bounds.upper.limit, 1.25);
      EXPECT_EQ(bounds.lower.limit, -0.25);
      EXPECT_EQ(bounds.upper.range, 1.5);
      EXPECT_EQ(bounds.lower.range, 1.5);
      EXPECT_EQ(bounds.upper.power, 1.5);
      EXPECT_EQ(bounds.lower.power, 2.0);
      AccumulatorPair<T> pair(stream(), {33}, random_parameters<T>(random, 33));
      pair.set_bounds(bounds);
      pair.add_positive(random.values<T>(33, 0, 1));
      pair.add_negative(random.values<T>(33, 0, 1));
      EXPECT_TRUE(pair.update());
    }
  });
}

TEST_P(AccumulatorTest, PowersOfARoomBelowZeroNeedAWholeExponent) {
  struct Row {
    double exponent;
    double parameter;
    double expected;  // of the bound's factor
  };
  const Row rows[] = {
      {2.0, 3.0, 4.0},   {3.0, 3.0, -8.0}, {1.0, 3.0, -2.0},         {0.0, 3.0, 1.0},
      {-1.0, 3.0, -0.5}, {0.0, 1.0, 1.0},  {2.0, 1.0, 0.0},          {-1.0, 1.0, infinity},
      {0.5, -3.0, 2.0},  {0.5, 1.0, 0.0},  {0.5, 3.0, not_a_number}, {1.5, 3.0, not_a_number},
  };
  for_each_type([&]<class T>() {
    for (const Row& row : rows) {
      UpdateBounds bounds;
      bounds.upper = {BoundRule::power, 1.0, row.exponent, 1.0};
      AccumulatorPair<T> pair(stream(), {1}, {static_cast<T>(row.parameter)});
      pair.set_bounds(bounds);
      pair.add_positive({T(1)});
      EXPECT_TRUE(pair.update());
      const auto expected = static_cast<T>(row.parameter + row.expected);
      EXPECT_TRUE(support::matches(pair.parameter(), std::vector<T>{expected}))
          << "exponent " << row.exponent << " of 1 - " << row.parameter;
    }
  });
}

TEST_P(AccumulatorTest, SharpBoundsStopAtTheLimitItself) {
  AccumulatorPair<float> pair(stream(), {3}, {0.999f, 1.0f, 1.001f});
  pair.set_bounds(full_bounds(BoundRule::sharp, 0.0, 1.0));
  pair.add_positive({4.0f, 4.0f, 4.0f});
  EXPECT_TRUE(pair.update());
  EXPECT_EQ(pair.parameter(), (std::vector<float>{4.999f, 1.0f, 1.001f}));
  pair.set_parameter({0.001f, 0.0f, -0.001f});
  pair.add_negative({4.0f, 4.0f, 4.0f});
  EXPECT_TRUE(pair.update());
  EXPECT_EQ(pair.parameter(), (std::vector<float>{0.001f - 4.0f, 0.0f, -0.001f}));
}

TEST_P(AccumulatorTest, MaximumKeepsNoNumberWhereverItComes) {
  for (int position = 0; position < 3; ++position) {
    AccumulatorPair<double> pair(stream(), {2}, {0.0, 0.0});
    pair.set_reduction(reductions[2]);
    for (int k = 0; k < 3; ++k) {
      pair.add_positive({k == position ? not_a_number : 1.0 * k, -1.0 - k});
    }
    EXPECT_TRUE(pair.update());
    EXPECT_TRUE(std::isnan(pair.parameter()[0])) << "NaN in part " << position;
    EXPECT_EQ(pair.parameter()[1], -1.0);
  }
}

TEST_P(AccumulatorTest, BoundsAreTheOnesOfTheTimeOfTheUpdate) {
  AccumulatorPair<float> pair(stream(), {1}, {0.5f});
  pair.set_bounds(full_bounds(BoundRule::multiplicative, 0.0, 1.0));
  pair.add_positive({1.0f});
  pair.set_bounds(full_bounds(BoundRule::multiplicative, 0.0, 2.0));
  EXPECT_TRUE(pair.update());
  EXPECT_EQ(pair.parameter(), (std::vector<float>{2.0f}));
  EXPECT_EQ(pair.accumulator().bounds().upper.limit, 2.0);
}

TEST_P(AccumulatorTest, AnotherReductionStartsFromNothing) {
  AccumulatorPair<float> pair(stream(), {2}, {0.5f, 0.25f});
  pair.add_positive({1.0f, 1.0f});
  pair.set_reduction(reductions[1]);
  pair.oracle().positive.clear();
  EXPECT_TRUE(pair.update());
  pair.add_negative({1.0f, 1.0f});
  pair.add_negative({3.0f, 5.0f});
  EXPECT_TRUE(pair.update());
  EXPECT_EQ(pair.parameter(), (std::vector<float>{0.5f - 2.0f, 0.25f - 3.0f}));
}

TEST_P(AccumulatorTest, WhatWasAccumulatedMovesWithTheObject) {
  AccumulatorPair<float> pair(stream(), {2}, {0.5f, 0.25f});
  pair.add_positive({1.0f, 2.0f});
  Accumulator<float> moved = std::move(pair.accumulator());
  DeviceArray<float> parameter(stream(), std::vector<float>{0.5f, 0.25f}, {2});
  moved.update(stream(), parameter.view());
  EXPECT_EQ(parameter.host(), (std::vector<float>{1.5f, 2.25f}));
  pair.accumulator() = std::move(moved);
  pair.oracle().positive.clear();
  pair.add_negative({1.0f, 2.0f});
  EXPECT_TRUE(pair.update());
}

/// A reduction the library does not have: the part closest to 0, of the first of two as close.
template <class T>
void closest_to_zero(const Stream& stream, const std::vector<View<const T>>& parts, View<T> out) {
  std::vector<std::vector<T>> values;
  for (const View<const T>& part : parts) {
    values.emplace_back(static_cast<std::size_t>(part.size()));
    cusynapse::memory::copy_to_host(stream, values.back().data(), part.data(),
                                    values.back().size() * sizeof(T));
  }
  std::vector<T> closest = values.front();
  for (const std::vector<T>& value : values) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (std::fabs(value[i]) < std::fabs(closest[i])) closest[i] = value[i];
    }
  }
  cusynapse::memory::copy_from_host(stream, out.data(), closest.data(), closest.size() * sizeof(T));
}

TEST_P(AccumulatorTest, AReductionOfTheCallersSeesEveryPartOfASide) {
  for_each_type([&]<class T>() {
    std::vector<std::size_t> counts;
    AccumulatorPair<T> pair(stream(), {2, 2}, {T(0.5), T(0.25), T(0), T(1)});
    const auto reducer = [&](const Stream& on, const std::vector<View<const T>>& parts,
                             View<T> out) {
      counts.push_back(parts.size());
      EXPECT_EQ(parts.front().shape(), (Shape{2, 2}));
      EXPECT_EQ(out.shape(), (Shape{2, 2}));
      closest_to_zero<T>(on, parts, out);
    };
    pair.accumulator().set_reduction(stream(), reducer);
    pair.set_bounds(full_bounds(BoundRule::multiplicative, -1.0, 2.0));
    const auto update = [&](const std::vector<std::vector<T>>& positive,
                            const std::vector<std::vector<T>>& negative,
                            const std::vector<T>& reduced_positive,
                            const std::vector<T>& reduced_negative) {
      for (const auto& part : positive) pair.add_positive(part);
      for (const auto& part : negative) pair.add_negative(part);
      pair.oracle().positive.clear();
      pair.oracle().negative.clear();
      if (!positive.empty()) pair.oracle().positive = {reduced_positive};
      if (!negative.empty()) pair.oracle().negative = {reduced_negative};
      return pair.update();
    };
    EXPECT_TRUE(update({{T(1), T(-2), T(3), T(4)}, {T(-0.5), T(3), T(2), T(-4)}},
                       {{T(1), T(2), T(3), T(5)}}, {T(-0.5), T(-2), T(2), T(4)},
                       {T(1), T(2), T(3), T(5)}));
    EXPECT_EQ(counts, (std::vector<std::size_t>{2, 1}));
    // Not called for a side without parts, nor with parts of an earlier update.
    counts.clear();
    EXPECT_TRUE(update({}, {}, {}, {}));
    EXPECT_TRUE(counts.empty());
    EXPECT_TRUE(update({}, {{T(1), T(2), T(3), T(5)}, {T(2), T(1), T(1), T(1)}}, {},
                       {T(1), T(1), T(1), T(1)}));
    EXPECT_EQ(counts, (std::vector<std::size_t>{2}));
    // Cleared.
    counts.clear();
    pair.add_positive({T(1), T(1), T(1), T(1)});
    pair.accumulator().clear(stream());
    EXPECT_TRUE(update({}, {}, {}, {}));
    EXPECT_TRUE(counts.empty());
    // And back to a reduction of the library's.
    pair.set_reduction(reductions[0]);
    pair.add_positive({T(1), T(1), T(1), T(1)});
    EXPECT_TRUE(pair.update());
    EXPECT_TRUE(counts.empty());
  });
}

TEST_P(AccumulatorTest, AMoveOntoItselfLosesNothing) {
  const DeviceArray<float> first(stream(), std::vector<float>{1.0F, -2.0F}, {2});
  const DeviceArray<float> second(stream(), std::vector<float>{-0.5F, 4.0F}, {2});
  for (const bool is_of_the_callers : {false, true}) {
    Accumulator<float> accumulator(stream(), {2});
    if (is_of_the_callers) accumulator.set_reduction(stream(), closest_to_zero<float>);
    accumulator.add_positive(stream(), first.constant());
    accumulator.add_positive(stream(), second.constant());
    Accumulator<float>& itself = accumulator;
    accumulator = std::move(itself);
    DeviceArray<float> parameter(stream(), {2}, 0.0F);
    accumulator.update(stream(), parameter.view());
    EXPECT_EQ(parameter.host(), is_of_the_callers ? (std::vector<float>{-0.5F, -2.0F})
                                                  : (std::vector<float>{0.5F, 2.0F}));
  }
}

TEST_P(AccumulatorTest, WhatAReductionOfTheCallersThrowsLeavesEverythingAsItWas) {
  bool fails = true;
  AccumulatorPair<float> pair(stream(), {2}, {0.5f, 0.25f});
  pair.accumulator().set_reduction(
      stream(),
      [&](const Stream& on, const std::vector<View<const float>>& parts, View<float> out) {
        if (fails && parts.size() == 2) throw std::runtime_error("the caller's");
        closest_to_zero<float>(on, parts, out);
      });
  pair.add_positive({1.0f, 2.0f});
  pair.add_negative({3.0f, 4.0f});
  pair.add_negative({4.0f, 3.0f});
  DeviceArray<float> parameter(stream(), std::vector<float>{0.5f, 0.25f}, {2});
  EXPECT_THROW(pair.accumulator().update(stream(), parameter.view()), std::runtime_error);
  EXPECT_EQ(parameter.host(), (std::vector<float>{0.5f, 0.25f}));
  fails = false;
  pair.accumulator().update(stream(), parameter.view());
  EXPECT_EQ(parameter.host(), (std::vector<float>{0.5f + (1.0f - 3.0f), 0.25f + (2.0f - 3.0f)}));
}

TEST_P(AccumulatorTest, BoundsThatHaveNoMeaningAreRefusedAndTheOldOnesStay) {
  struct Row {
    UpdateBounds bounds;
    std::vector<std::string> message;
  };
  const auto upper = [](BoundRule rule, double limit, double power, double range) {
    UpdateBounds bounds;
    bounds.upper = {rule, limit, power, range};
    return bounds;
  };
  const auto lower = [](BoundRule rule, double limit, double power, double range) {
    UpdateBounds bounds;
    bounds.lower = {rule, limit, power, range};
    return bounds;
  };
  const Row rows[] = {
      {upper(static_cast<BoundRule>(6), 1, 1, 1), {"upper.rule is 6", "one of BoundRule"}},
      {lower(static_cast<BoundRule>(-1), 1, 1, 1), {"lower.rule is -1", "one of BoundRule"}},
      {upper(BoundRule::sharp, not_a_number, 1, 1), {"upper.limit is nan", "finite"}},
      {lower(BoundRule::multiplicative, -infinity, 1, 1), {"lower.limit is -inf", "finite"}},
      {upper(BoundRule::power, 1, infinity, 1), {"upper.power is inf", "finite"}},
      {lower(BoundRule::scaled_power, 1, not_a_number, 1), {"lower.power is nan", "finite"}},
      {upper(BoundRule::scaled_power, 1, 1, 0), {"upper.range is 0", "finite and above 0"}},
      {lower(BoundRule::scaled_multiplicative, 1, 1, -1), {"lower.range is -1", "above 0"}},
      {upper(BoundRule::scaled_multiplicative, 1, 1, infinity), {"upper.range is inf", "finite"}},
      {full_bounds(BoundRule::sharp, 1, 1), {"upper.limit is 1", "above lower.limit"}},
      {full_bounds(BoundRule::multiplicative, 2, 1), {"upper.limit is 1", "above lower.limit"}},
      {full_bounds(BoundRule::scaled_multiplicative, 2, 2), {"upper.range is 0", "above 0"}},
      {full_bounds(BoundRule::scaled_power, -infinity, 1), {"is inf", "finite"}},
      {half_bounds(BoundRule::sharp, BoundRule::power, 1, not_a_number), {"lower.power is nan"}},
  };
  const UpdateBounds kept = full_bounds(BoundRule::multiplicative, 0.0, 2.0);
  for_each_type([&]<class T>() {
    for (const Row& row : rows) {
      AccumulatorPair<T> pair(stream(), {2}, {T(0.5), T(1)});
      pair.set_bounds(kept);
      pair.add_positive({T(1), T(2)});
      auto message = row.message;
      message.insert(message.begin(), "Accumulator::set_bounds: ");
      EXPECT_TRUE(refuses([&] { pair.accumulator().set_bounds(row.bounds); },
                          Errc::invalid_argument, message));
      EXPECT_EQ(pair.accumulator().bounds().upper.limit, 2.0);
      EXPECT_TRUE(pair.update());
    }
  });
  // Only what is used is judged, and it is judged in the type of the parameter.
  Accumulator<float> in_float(stream(), {1});
  Accumulator<double> in_double(stream(), {1});
  const UpdateBounds unused = upper(BoundRule::sharp, 1, not_a_number, 0);
  EXPECT_NO_THROW(in_float.set_bounds(unused));
  EXPECT_NO_THROW(in_float.set_bounds(full_bounds(BoundRule::none, not_a_number, infinity)));
  EXPECT_NO_THROW(in_float.set_bounds(upper(BoundRule::power, 1, 1, 0)));
  const UpdateBounds close = full_bounds(BoundRule::sharp, 1.0, 1.0 + 1e-12);
  EXPECT_NO_THROW(in_double.set_bounds(close));
  EXPECT_TRUE(refuses([&] { in_float.set_bounds(close); }, Errc::invalid_argument, {"above"}));
  const UpdateBounds narrow = upper(BoundRule::scaled_power, 1, 1, 1e-60);
  EXPECT_NO_THROW(in_double.set_bounds(narrow));
  EXPECT_TRUE(refuses([&] { in_float.set_bounds(narrow); }, Errc::invalid_argument, {"range"}));
}

TEST_P(AccumulatorTest, ArraysOfAnotherShapeAreRefusedAndNothingChanges) {
  for_each_type([&]<class T>() {
    AccumulatorPair<T> pair(stream(), {2, 3}, std::vector<T>(6, T(0.5)));
    pair.add_positive(std::vector<T>(6, T(1)));
    pair.add_negative(std::vector<T>(6, T(0.25)));
    Accumulator<T>& accumulator = pair.accumulator();
    for (const Shape& shape : {Shape{6}, Shape{3, 2}, Shape{2, 3, 1}, Shape{1, 3}, Shape{}}) {
      DeviceArray<T> other(stream(), shape, T(7));
      const auto with = [&](const std::string& name) {
        return std::vector<std::string>{"Accumulator::" + name + ": ", "shape " + to_string(shape),
                                        "expected [2, 3]"};
      };
      EXPECT_TRUE(refuses([&] { accumulator.add_positive(stream(), other.constant()); },
                          Errc::shape_mismatch, with("add_positive")));
      EXPECT_TRUE(refuses([&] { accumulator.add_negative(stream(), other.constant()); },
                          Errc::shape_mismatch, with("add_negative")));
      EXPECT_TRUE(refuses([&] { accumulator.update(stream(), other.view()); }, Errc::shape_mismatch,
                          with("update")));
      EXPECT_EQ(other.host(), std::vector<T>(static_cast<std::size_t>(shape.size()), T(7)));
    }
    const View<T> null(nullptr, {2, 3});
    EXPECT_TRUE(refuses([&] { accumulator.add_positive(stream(), null); }, Errc::invalid_argument,
                        {"part is null"}));
    EXPECT_TRUE(refuses([&] { accumulator.update(stream(), null); }, Errc::invalid_argument,
                        {"parameter is null"}));
    EXPECT_TRUE(
        refuses([&] { accumulator.set_reduction(stream(), static_cast<UpdateReduction>(3)); },
                Errc::invalid_argument, {"Accumulator::set_reduction", "reduction is 3"}));
    EXPECT_TRUE(refuses([&] { accumulator.set_reduction(stream(), cusynapse::UpdateReducer<T>()); },
                        Errc::invalid_argument, {"reducer is empty", "a function"}));
    EXPECT_TRUE(pair.update());
  });
}

TEST_P(AccumulatorTest, ShapesThatHoldNothingAreRefused) {
  for (const Shape& shape : {Shape{0}, Shape{2, -1}, Shape{1, 1, 1, 1, 1, 1, 1}}) {
    EXPECT_TRUE(refuses([&] { const Accumulator<float> refused(stream(), shape); },
                        Errc::invalid_argument, {"Accumulator::Accumulator: shape is"}));
  }
}

TEST_P(AccumulatorTest, StreamsOfAnotherDeviceAreRefused) {
  if (support::devices().size() == 1) GTEST_SKIP() << "there is one device";
  const cusynapse::OwnedStream other(GetParam() == cusynapse::Device::cpu()
                                         ? cusynapse::Device::cuda(0)
                                         : cusynapse::Device::cpu());
  AccumulatorPair<float> pair(stream(), {2}, {0.5f, 0.25f});
  pair.add_positive({1.0f, 2.0f});
  DeviceArray<float> array(stream(), std::vector<float>{0.5f, 0.25f}, {2});
  Accumulator<float>& accumulator = pair.accumulator();
  const auto refused = [&](const std::function<void()>& call) {
    return refuses(call, Errc::wrong_device, {"Accumulator::"});
  };
  EXPECT_TRUE(refused([&] { accumulator.add_positive(other, array.constant()); }));
  EXPECT_TRUE(refused([&] { accumulator.update(other, array.view()); }));
  EXPECT_TRUE(refused([&] { accumulator.clear(other); }));
  EXPECT_TRUE(refused([&] { accumulator.set_reduction(other, UpdateReduction::mean); }));
  EXPECT_TRUE(pair.update());
}

TEST(AccumulatorAllocation, AddingUpdatingAndClearingAllocateNothing) {
  const Stream stream = Stream::cpu();
  for (const NamedReduction& reduction : reductions) {
    Accumulator<float> accumulator(stream, {1000});
    accumulator.set_reduction(stream, reduction.of_library);
    DeviceArray<float> part(stream, {1000}, 0.5f);
    DeviceArray<float> parameter(stream, {1000}, 0.5f);
    EXPECT_EQ(allocations([&] {
                accumulator.set_bounds(full_bounds(BoundRule::scaled_power, 0, 1, 2, 3));
                for (int k = 0; k < 3; ++k) accumulator.add_positive(stream, part.constant());
                for (int k = 0; k < 2; ++k) accumulator.add_negative(stream, part.constant());
                accumulator.update(stream, parameter.view());
                accumulator.add_positive(stream, part.constant());
                accumulator.clear(stream);
              }),
              0);
  }
}

/// A reduction of the caller's that allocates nothing: the last part.
void last_part(const Stream&, const std::vector<View<const float>>& parts, View<float> out) {
  for (std::int64_t i = 0; i < out.size(); ++i) out.data()[i] = parts.back().data()[i];
}

TEST(AccumulatorAllocation, AReductionOfTheCallersAllocatesForMorePartsThanEverBefore) {
  const Stream stream = Stream::cpu();
  Accumulator<float> accumulator(stream, {9});
  accumulator.set_reduction(stream, last_part);
  const DeviceArray<float> part(stream, {9}, 0.5f);
  DeviceArray<float> parameter(stream, {9}, 0.5f);
  const auto cycle = [&](int parts) {
    return allocations([&] {
      for (int k = 0; k < parts; ++k) accumulator.add_positive(stream, part.constant());
      accumulator.update(stream, parameter.view());
    });
  };
  EXPECT_GT(cycle(3), 0);
  EXPECT_EQ(cycle(3), 0);
  EXPECT_EQ(cycle(2), 0);
  EXPECT_GT(cycle(4), 0);
}

TEST(AccumulatorAllocation, AFailedAllocationLosesNoPartAndAddsNone) {
  const Stream stream = Stream::cpu();
  const DeviceArray<float> one(stream, {9}, 1.0f);
  const DeviceArray<float> two(stream, {9}, 2.0f);
  int failures = 0;
  for (std::int64_t n = 1;; ++n) {
    Accumulator<float> accumulator(stream, {9});
    std::size_t count = 0;
    accumulator.set_reduction(
        stream,
        [&](const Stream& on, const std::vector<View<const float>>& parts, View<float> out) {
          count = parts.size();
          last_part(on, parts, out);
        });
    accumulator.add_positive(stream, one.constant());
    bool happened = false;
    {
      const support::FailingAllocation failing(n);
      try {
        accumulator.add_positive(stream, two.constant());
      } catch (const std::bad_alloc&) {
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), Errc::out_of_memory);
      }
      happened = failing.happened();
    }
    DeviceArray<float> parameter(stream, {9}, 0.0f);
    accumulator.update(stream, parameter.view());
    EXPECT_EQ(count, happened ? 1u : 2u);
    EXPECT_EQ(parameter.host(), std::vector<float>(9, happened ? 1.0f : 2.0f));
    if (!happened) break;
    ++failures;
  }
  EXPECT_GE(failures, 2);  // the copy, and the lists of copies
}

class UpdateOpsTest : public AccumulatorTest {};

INSTANTIATE_TEST_SUITE_P(Devices, UpdateOpsTest, testing::ValuesIn(support::devices()),
                         support::device_name);

TEST_P(UpdateOpsTest, WithoutAStateEveryPartReplacesAndEverySideCountsAsOne) {
  DeviceArray<float> part(stream(), std::vector<float>{1.0f, 2.0f, 3.0f}, {3});
  DeviceArray<float> accumulated(stream(), std::vector<float>{9.0f, 9.0f, 9.0f}, {3});
  DeviceArray<float> parameter(stream(), std::vector<float>{0.0f, 0.5f, 1.0f}, {3});
  cusynapse::AccumulatePart<float> accumulate;
  accumulate.size = 3;
  accumulate.part = part.constant().data();
  accumulate.accumulated = accumulated.view().data();
  cusynapse::ops::accumulate_part(stream(), accumulate);
  cusynapse::ops::accumulate_part(stream(), accumulate);
  EXPECT_EQ(accumulated.host(), part.host());

  cusynapse::ParameterUpdate<float> update;
  update.size = 3;
  update.parameter = parameter.view().data();
  update.reduction = UpdateReduction::mean;
  cusynapse::ops::parameter_update(stream(), update);
  EXPECT_EQ(parameter.host(), (std::vector<float>{0.0f, 0.5f, 1.0f}));
  update.negative = accumulated.view().data();
  cusynapse::ops::parameter_update(stream(), update);
  EXPECT_EQ(parameter.host(), (std::vector<float>{-1.0f, -1.5f, -2.0f}));
  update.positive = part.constant().data();
  update.upper = {BoundRule::scaled_multiplicative, 1.0f, 1.0f, 2.0f};
  cusynapse::ops::parameter_update(stream(), update);
  EXPECT_EQ(parameter.host(), (std::vector<float>{-1.0f + (1.0f - 1.0f), -1.5f + (2.5f - 2.0f),
                                                  -2.0f + (4.5f - 3.0f)}));
}

TEST_P(UpdateOpsTest, NothingHappensForASizeOfZero) {
  cusynapse::ops::accumulate_part(stream(), cusynapse::AccumulatePart<double>());
  cusynapse::ops::parameter_update(stream(), cusynapse::ParameterUpdate<double>());
}

TEST_P(UpdateOpsTest, ArgumentsWithoutMeaningAreRefused) {
  DeviceArray<double> array(stream(), {3}, 0.5);
  cusynapse::AccumulatePart<double> good;
  good.size = 3;
  good.part = array.constant().data();
  good.accumulated = array.view().data();
  const auto accumulate = [&](const auto& change, const std::string& message) {
    auto arguments = good;
    change(arguments);
    return refuses([&] { cusynapse::ops::accumulate_part(stream(), arguments); },
                   Errc::invalid_argument, {"accumulate_part: " + message});
  };
  EXPECT_TRUE(accumulate([](auto& a) { a.size = -1; }, "size is -1"));
  EXPECT_TRUE(accumulate([](auto& a) { a.part = nullptr; }, "part is null"));
  EXPECT_TRUE(accumulate([](auto& a) { a.accumulated = nullptr; }, "accumulated is null"));
  EXPECT_TRUE(
      accumulate([](auto& a) { a.side = static_cast<cusynapse::UpdateSide>(2); }, "side is 2"));
  EXPECT_TRUE(accumulate([](auto& a) { a.reduction = static_cast<UpdateReduction>(-1); },
                         "reduction is -1"));

  cusynapse::ParameterUpdate<double> update;
  update.size = 3;
  update.parameter = array.view().data();
  const auto apply = [&](const auto& change, const std::string& message) {
    auto arguments = update;
    change(arguments);
    return refuses([&] { cusynapse::ops::parameter_update(stream(), arguments); },
                   Errc::invalid_argument, {"parameter_update: " + message});
  };
  EXPECT_TRUE(apply([](auto& a) { a.size = -1; }, "size is -1"));
  EXPECT_TRUE(apply([](auto& a) { a.parameter = nullptr; }, "parameter is null"));
  EXPECT_TRUE(
      apply([](auto& a) { a.reduction = static_cast<UpdateReduction>(3); }, "reduction is 3"));
  EXPECT_TRUE(apply(
      [](auto& a) {
        a.upper = {BoundRule::power, 1, infinity, 1};
      },
      "upper.power is inf"));
  EXPECT_TRUE(apply([](auto& a) { a.upper.rule = a.lower.rule = BoundRule::sharp; },
                    "upper.limit is 0, expected above lower.limit"));
  EXPECT_EQ(array.host(), std::vector<double>(3, 0.5));
}

}  // namespace
