// Histories of all element types against the oracle, operation by operation.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "cusynapse/cusynapse.hpp"
#include "model/history_pair.hpp"
#include "support/devices.hpp"
#include "support/random.hpp"
#include "support/refusal.hpp"

namespace {

using cusynapse::Errc;
using cusynapse::Error;
using cusynapse::Extrapolation;
using cusynapse::HistoryOptions;
using cusynapse::InsertOptions;
using cusynapse::Interpolation;
using cusynapse::SelectOptions;
using cusynapse::Shape;
using model_test::HistoryPair;

HistoryOptions options_of(const Shape& shape, std::int64_t batch_size, double step_time,
                          double duration, bool inclusive = true) {
  HistoryOptions options;
  options.shape = shape;
  options.batch_size = batch_size;
  options.step_time = step_time;
  options.duration = duration;
  options.inclusive = inclusive;
  return options;
}

/// Calls `test.template operator()<T>()` for every element type a history can have.
template <class Test>
void for_each_type(const Test& test) {
  {
    SCOPED_TRACE("float");
    test.template operator()<float>();
  }
  {
    SCOPED_TRACE("double");
    test.template operator()<double>();
  }
  {
    SCOPED_TRACE("float16");
    test.template operator()<cusynapse::float16>();
  }
  {
    SCOPED_TRACE("bfloat16");
    test.template operator()<cusynapse::bfloat16>();
  }
  {
    SCOPED_TRACE("bool");
    test.template operator()<bool>();
  }
}

/// A pair whose ring has been gone round once and a bit.
template <class T>
HistoryPair<T> filled(const cusynapse::Stream& stream, const HistoryOptions& options,
                      support::Random& random) {
  HistoryPair<T> pair(stream, options);
  const std::int64_t pushes = pair.slots() + 1 + pair.slots() / 2;
  for (std::int64_t i = 0; i < pushes; ++i) pair.push(pair.random_observation(random));
  return pair;
}

/// The code of the error a call throws; a test failure and no code where it throws none.
template <class Call>
Errc code_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()), "");
    return error.code();
  }
  ADD_FAILURE() << "nothing was refused";
  return Errc{};
}

class HistoryTest : public support::DeviceTest {};
INSTANTIATE_TEST_SUITE_P(Devices, HistoryTest, testing::ValuesIn(support::devices()),
                         support::device_name);

TEST_P(HistoryTest, SlotsFollowFromDurationStepTimeAndInclusiveness) {
  const struct {
    double duration;
    double step_time;
    bool inclusive;
    std::int32_t slots;
  } rows[] = {{0.0, 1.0, false, 1},  {0.0, 1.0, true, 1},     {1.0, 1.0, false, 1},
              {1.0, 1.0, true, 2},   {2.5, 1.0, false, 3},    {2.5, 1.0, true, 4},
              {0.3, 0.1, true, 4},   {3 * 0.1, 0.1, true, 5}, {0.3, 0.1, false, 3},
              {1e-9, 1.0, false, 1}, {1e-9, 1.0, true, 2},    {63.0, 1.0, true, 64},
              {10.0, 3.0, false, 4}};
  for (const auto& row : rows) {
    for_each_type([&]<class T>() {
      const cusynapse::History<T> history(
          stream(), options_of({3}, 1, row.step_time, row.duration, row.inclusive));
      EXPECT_EQ(history.slots(), row.slots)
          << row.duration << " at " << row.step_time << " inclusive " << row.inclusive;
    });
  }
}

TEST_P(HistoryTest, StartsAsZerosWithTheHeadAtSlotZero) {
  for_each_type([&]<class T>() {
    HistoryPair<T> pair(stream(), options_of({5, 7}, 3, 0.5, 4.0));
    EXPECT_EQ(pair.history().pointer(stream()), 0);
    EXPECT_EQ(pair.history().shape(), (Shape{5, 7}));
    EXPECT_EQ(pair.history().batched_shape(), (Shape{3, 5, 7}));
    EXPECT_EQ(pair.history().batch_size(), 3);
    EXPECT_EQ(pair.history().device(), GetParam());
    EXPECT_TRUE(pair.check_state());
  });
}

TEST_P(HistoryTest, PushPeekAndReadAgreeAtAwkwardSizes) {
  support::Random random(support::seed());
  for (const std::int64_t size : support::awkward_sizes()) {
    SCOPED_TRACE(size);
    for_each_type([&]<class T>() {
      for (const double duration : {0.0, 1.0, 6.0}) {
        HistoryPair<T> pair(stream(), options_of({size}, 1 + size % 3, 1.0, duration));
        for (std::int64_t i = 0; i < 2 * pair.slots() + 1; ++i) {
          pair.push(pair.random_observation(random));
          EXPECT_TRUE(pair.check_state());
          EXPECT_TRUE(pair.check_peek());
        }
        for (std::int64_t k = -pair.slots() - 1; k <= 3 * pair.slots(); ++k) {
          EXPECT_TRUE(pair.check_read(k)) << k << " steps back";
        }
      }
    });
  }
}

TEST_P(HistoryTest, PopReturnsTheNewestAndLeavesItInStorage) {
  support::Random random(support::seed());
  for_each_type([&]<class T>() {
    HistoryPair<T> pair = filled<T>(stream(), options_of({33}, 2, 1.0, 4.0), random);
    for (std::int64_t i = 0; i < 2 * pair.slots(); ++i) {
      EXPECT_TRUE(pair.check_pop());
      EXPECT_TRUE(pair.check_state());
    }
    pair.push(pair.random_observation(random));
    EXPECT_TRUE(pair.check_state());
  });
}

TEST_P(HistoryTest, TheHeadMovesAnyNumberOfSlotsInBothDirections) {
  support::Random random(support::seed());
  for_each_type([&]<class T>() {
    HistoryPair<T> pair = filled<T>(stream(), options_of({9}, 1, 1.0, 6.0), random);
    for (const std::int64_t steps : {1, -1, 0, 3, -5, 7, -7, 8, 20, -33, 1000, -1001}) {
      pair.move(steps);
      EXPECT_TRUE(pair.check_state()) << "after moving by " << steps;
    }
    pair.move(70'000'000'003);
    EXPECT_TRUE(pair.check_state());
    pair.move(-70'000'000'003);
    EXPECT_TRUE(pair.check_state());
  });
}

TEST_P(HistoryTest, WritesOverwriteOneObservationAndMoveNothing) {
  support::Random random(support::seed());
  for_each_type([&]<class T>() {
    HistoryPair<T> pair = filled<T>(stream(), options_of({65}, 2, 1.0, 5.0), random);
    for (std::int64_t k = -7; k <= 13; ++k) {
      pair.write(pair.random_observation(random), k);
      EXPECT_TRUE(pair.check_state()) << k << " steps back";
    }
  });
}

TEST_P(HistoryTest, RangesOfEveryLengthAreReadAndWrittenOldToNew) {
  support::Random random(support::seed());
  for (const std::int64_t size : {1, 7, 33, 64}) {
    for_each_type([&]<class T>() {
      HistoryPair<T> pair = filled<T>(stream(), options_of({size}, 2, 1.0, 5.0), random);
      for (std::int64_t length = 1; length <= pair.slots(); ++length) {
        for (const bool forward : {false, true}) {
          for (std::int64_t k = -2; k <= pair.slots() + 2; ++k) {
            SCOPED_TRACE(testing::Message() << "size " << size << " length " << length << " from "
                                            << k << (forward ? " forward" : " backward"));
            EXPECT_TRUE(pair.check_read_range(length, k, forward));
            pair.write_range(pair.random_range(random, length), length, k, forward);
            EXPECT_TRUE(pair.check_state());
          }
        }
      }
    });
  }
}

TEST_P(HistoryTest, AlignMovesTheStorageAndNothingThatIsRead) {
  support::Random random(support::seed());
  for_each_type([&]<class T>() {
    HistoryPair<T> pair = filled<T>(stream(), options_of({31}, 2, 1.0, 6.0), random);
    for (const std::int32_t index : {0, 3, 6, 6, 1, 0}) {
      pair.align(index);
      EXPECT_TRUE(pair.check_state()) << "aligned at " << index;
      pair.push(pair.random_observation(random));
      EXPECT_TRUE(pair.check_state());
    }
  });
}

TEST_P(HistoryTest, ResetFillsEveryObservationAndPutsTheHeadAtSlotZero) {
  support::Random random(support::seed());
  for_each_type([&]<class T>() {
    using Value = typename HistoryPair<T>::Value;
    HistoryPair<T> pair = filled<T>(stream(), options_of({33}, 3, 1.0, 4.0), random);
    pair.reset(std::is_same_v<T, bool> ? Value(1) : static_cast<Value>(-2.7));
    EXPECT_TRUE(pair.check_state());
    pair.push(pair.random_observation(random));
    EXPECT_TRUE(pair.check_state());
    pair.reset(Value(0));
    EXPECT_TRUE(pair.check_state());
  });
}

TEST_P(HistoryTest, ValuesOf16BitsLieWithinARoundingOfWhatWasPushed) {
  const auto test = [&]<class T>(const std::vector<float>& infinite) {
    using model_test::kept_as;
    const double u = reference::unit_roundoff(kept_as<T>);
    const double s = reference::least_rounding(kept_as<T>);
    std::vector<float> values = {0.0f, 1.0f + 0x1p-11f, 1.0f + 0x1p-8f, 3.0f - 0x1p-9f, 65519.0f};
    values.insert(values.end(), {0.1f, -7.3e-5f, 0x1p-25f, 0x1.8p-24f, 1e-6f, 1e-40f});
    for (const float value : std::vector<float>(values)) values.push_back(-value);
    const auto finite = static_cast<std::ptrdiff_t>(values.size());
    values.push_back(std::nanf(""));
    values.insert(values.end(), infinite.begin(), infinite.end());
    HistoryPair<T> pair(stream(), options_of({static_cast<std::int64_t>(values.size())}, 1, 1, 2));
    pair.push(values);
    EXPECT_TRUE(pair.check_peek());
    const auto kept = support::observations<T>(stream(), pair.history().ring())[0];
    EXPECT_TRUE(support::matches(std::vector<float>(kept.begin(), kept.begin() + finite),
                                 std::vector<float>(values.begin(), values.begin() + finite),
                                 {u, s, {}}));
    for (std::size_t i = values.size() - infinite.size(); i < values.size(); ++i) {
      EXPECT_TRUE(std::isinf(kept[i])) << values[i];
    }
  };
  const float inf = std::numeric_limits<float>::infinity();
  test.template operator()<cusynapse::float16>({65520.0f, -65520.0f, 3e38f, inf});
  test.template operator()<cusynapse::bfloat16>({std::numeric_limits<float>::max(), -inf});
}

TEST_P(HistoryTest, SelectReadsByEveryRuleAtAwkwardSizes) {
  support::Random random(support::seed());
  for (const std::int64_t size : support::awkward_sizes()) {
    for_each_type([&]<class T>() {
      const double dt = random.one_of<double>({1.0, 0.1, 0.7, 2.5});
      const auto slots = static_cast<double>(random.integer(1, 8));
      HistoryPair<T> pair = filled<T>(
          stream(), options_of({size}, 1 + size % 2, dt, dt * (slots - 0.5), false), random);
      for (const Interpolation rule : model_test::interpolations<T>()) {
        for (const double tolerance : {0.0, 0.25 * dt}) {
          for (const std::int64_t samples : {0, 1, 2, 5}) {
            SelectOptions options;
            options.interpolation = rule;
            options.constant = rule == Interpolation::exponential_rate_decay ? 0.3 : 4.2;
            options.tolerance = tolerance;
            options.offset = random.chance(0.5) ? 1 : random.integer(-3, 12);
            const auto count = pair.size() * (samples == 0 ? 1 : samples);
            SCOPED_TRACE(testing::Message()
                         << "size " << size << " dt " << dt << " slots " << pair.slots() << " rule "
                         << static_cast<int>(rule) << " tolerance " << tolerance << " D " << samples
                         << " offset " << options.offset);
            EXPECT_TRUE(pair.check_select(pair.random_times(random, count, tolerance), samples,
                                          options, true));
            EXPECT_TRUE(
                pair.check_select(pair.random_wild_times(random, count), samples, options, false));
          }
        }
      }
      EXPECT_TRUE(pair.check_state()) << "reading changed something";
    });
  }
}

TEST_P(HistoryTest, SelectAtOneTimeReadsItForEveryElement) {
  support::Random random(support::seed());
  for_each_type([&]<class T>() {
    HistoryPair<T> pair = filled<T>(stream(), options_of({65}, 2, 0.5, 3.0), random);
    for (const Interpolation rule : model_test::interpolations<T>()) {
      for (const double time : {0.0, 0.2, 0.25, 0.5, 1.1, 2.75, 3.0, 3.01, -0.01}) {
        SelectOptions options;
        options.interpolation = rule;
        options.constant = 2.0;
        options.tolerance = 0.02;
        EXPECT_TRUE(pair.check_select(time, options))
            << "rule " << static_cast<int>(rule) << " time " << time;
      }
    }
  });
}

TEST_P(HistoryTest, SelectReadsTheOlderNeighbourOffTheGrid) {
  HistoryPair<float> pair(stream(), options_of({1}, 1, 1.0, 3.0));
  for (const float value : {10.0f, 20.0f, 30.0f, 40.0f}) pair.push({value});
  const auto read = [&](double time, Interpolation rule) {
    support::DeviceArray<float> out(stream(), {1, 1}, support::untouched<float>());
    SelectOptions options;
    options.interpolation = rule;
    pair.history().select(stream(), time, out.view(), options);
    return out.host()[0];
  };
  EXPECT_EQ(read(0.0, Interpolation::previous), 40.0f);
  EXPECT_EQ(read(0.25, Interpolation::previous), 30.0f);
  EXPECT_EQ(read(0.25, Interpolation::next), 40.0f);
  EXPECT_EQ(read(0.25, Interpolation::nearest), 40.0f);
  EXPECT_EQ(read(0.5, Interpolation::nearest), 30.0f) << "a tie reads the older one";
  EXPECT_EQ(read(0.25, Interpolation::linear), 37.5f);
  EXPECT_EQ(read(3.0, Interpolation::previous), 10.0f);
}

TEST_P(HistoryTest, HalfStepsWithinTheToleranceRoundToTheEvenStep) {
  HistoryPair<float> pair(stream(), options_of({3}, 1, 1.0, 4.0));
  for (const float value : {10.0f, 20.0f, 30.0f, 40.0f, 50.0f}) pair.push({value, value, value});
  const support::DeviceArray<float> times(stream(), {0.5f, 1.5f, 2.5f}, {1, 3});
  support::DeviceArray<float> out(stream(), {1, 3}, support::untouched<float>());
  SelectOptions options;
  options.tolerance = 0.5;
  pair.history().select(stream(), times.constant(), out.view(), options);
  EXPECT_EQ(out.host(), (std::vector<float>{50.0f, 30.0f, 30.0f}));
}

TEST_P(HistoryTest, ObservationsLargeEnoughForSeveralThreadsAgree) {
  support::Random random(support::seed());
  for_each_type([&]<class T>() {
    HistoryPair<T> pair = filled<T>(stream(), options_of({17'001}, 2, 1.0, 3.0), random);
    EXPECT_TRUE(pair.check_state());
    EXPECT_TRUE(pair.check_pop());
    EXPECT_TRUE(pair.check_read_range(3, 2, false));
    pair.write_range(pair.random_range(random, 2), 2, 1, true);
    EXPECT_TRUE(pair.check_state());
    EXPECT_TRUE(pair.check_select(pair.random_times(random, 2 * pair.size(), 0.0), 2, {}, true));
    InsertOptions options;
    options.extrapolation = Extrapolation::neighbors;
    EXPECT_TRUE(pair.check_insert(pair.random_observation(random),
                                  pair.random_times(random, pair.size(), 0.0), options, true));
    // One bad time far into the array is found.
    auto times = pair.random_times(random, pair.size(), 0.0);
    times[times.size() - 3] = -1;
    EXPECT_EQ(code_of([&] { (void)pair.check_select(times, 0, {}, true); }),
              Errc::invalid_argument);
    pair.set_duration(5.0);
    pair.set_batch_size(3);
    EXPECT_TRUE(pair.check_state());
  });
}

TEST_P(HistoryTest, InsertWritesByEveryRuleAtAwkwardSizes) {
  support::Random random(support::seed());
  for (const std::int64_t size : support::awkward_sizes()) {
    for_each_type([&]<class T>() {
      const double dt = random.one_of<double>({1.0, 0.1, 0.7, 2.5});
      const auto slots = static_cast<double>(random.integer(2, 8));
      HistoryPair<T> pair = filled<T>(
          stream(), options_of({size}, 1 + size % 2, dt, dt * (slots - 0.5), false), random);
      for (const Extrapolation rule : model_test::extrapolations<T>()) {
        for (const double tolerance : {0.0, 0.25 * dt}) {
          InsertOptions options;
          options.extrapolation = rule;
          options.constant = rule == Extrapolation::exponential_rate_decay ? 0.3 : 4.2;
          options.tolerance = tolerance;
          options.offset = random.chance(0.5) ? 0 : random.integer(-3, 12);
          if (random.chance(0.5)) {
            options.adjust_scale = 0.7;
            options.adjust_shift = -0.3;
          }
          SCOPED_TRACE(testing::Message()
                       << "size " << size << " dt " << dt << " slots " << pair.slots() << " rule "
                       << static_cast<int>(rule) << " tolerance " << tolerance << " offset "
                       << options.offset);
          EXPECT_TRUE(pair.check_insert(pair.random_observation(random),
                                        pair.random_times(random, pair.size(), tolerance), options,
                                        true));
          EXPECT_TRUE(pair.check_insert(pair.random_observation(random),
                                        pair.random_wild_times(random, pair.size()), options,
                                        false));
          pair.push(pair.random_observation(random));
          EXPECT_TRUE(pair.check_state());
        }
      }
    });
  }
}

TEST_P(HistoryTest, InsertAtOneTimeWritesItForEveryElement) {
  support::Random random(support::seed());
  for_each_type([&]<class T>() {
    HistoryPair<T> pair = filled<T>(stream(), options_of({33}, 2, 0.5, 3.0), random);
    for (const Extrapolation rule : model_test::extrapolations<T>()) {
      for (const double time : {0.0, 0.2, 0.25, 0.5, 1.1, 2.75, 3.0, 3.01, -0.01}) {
        InsertOptions options;
        options.extrapolation = rule;
        options.constant = 2.0;
        options.tolerance = 0.02;
        EXPECT_TRUE(pair.check_insert(pair.random_observation(random), time, options))
            << "rule " << static_cast<int>(rule) << " time " << time;
      }
    }
  });
}

TEST_P(HistoryTest, AnInsertedSampleIsReadBackByTheMatchingRule) {
  support::Random random(support::seed());
  const struct {
    Extrapolation written;
    Interpolation read;
  } rules[] = {{Extrapolation::previous, Interpolation::previous},
               {Extrapolation::next, Interpolation::next},
               {Extrapolation::nearest, Interpolation::nearest},
               {Extrapolation::linear_forward, Interpolation::linear},
               {Extrapolation::linear_backward, Interpolation::linear},
               {Extrapolation::exponential_decay, Interpolation::exponential_decay},
               {Extrapolation::exponential_rate_decay, Interpolation::exponential_rate_decay}};
  for (const auto& rule : rules) {
    HistoryPair<double> pair = filled<double>(stream(), options_of({33}, 2, 0.5, 3.0), random);
    const auto sample = pair.random_observation(random);
    InsertOptions writing;
    writing.extrapolation = rule.written;
    writing.constant = 1.5;
    writing.offset = 1;
    SelectOptions reading;
    reading.interpolation = rule.read;
    reading.constant = 1.5;
    ASSERT_TRUE(pair.check_insert(sample, 1.2, writing));
    support::DeviceArray<double> out(stream(), pair.shape(), support::untouched<double>());
    pair.history().select(stream(), 1.2, out.view(), reading);
    EXPECT_TRUE(support::matches(out.host(), sample, {1e-13, 1e-13, {}}))
        << "rule " << static_cast<int>(rule.written);
  }
}

TEST_P(HistoryTest, TimesOutsideTheRangeAreRefusedAndChangeNothing) {
  support::Random random(support::seed());
  for_each_type([&]<class T>() {
    using Time = typename HistoryPair<T>::Time;
    HistoryPair<T> pair = filled<T>(stream(), options_of({33}, 2, 0.5, 3.0), random);
    support::DeviceArray<typename HistoryPair<T>::Value> out(
        stream(), pair.shape(), support::untouched<typename HistoryPair<T>::Value>());
    const auto before = out.host();
    const auto sample = support::DeviceArray<typename HistoryPair<T>::Value>(
        stream(), pair.random_observation(random), pair.shape());
    const std::vector<double> bad = {-0.2,
                                     3.2,
                                     1e30,
                                     -1e30,
                                     std::nan(""),
                                     std::numeric_limits<double>::infinity(),
                                     -std::numeric_limits<double>::infinity()};
    for (const double time : bad) {
      SCOPED_TRACE(time);
      // One bad time among good ones, first, last and in the middle.
      for (const std::size_t index : {std::size_t{0}, std::size_t{31}, std::size_t{65}}) {
        std::vector<Time> times(66, Time(1.25));
        times[index] = static_cast<Time>(time);
        const support::DeviceArray<Time> in(stream(), times, pair.shape());
        SelectOptions reading;
        reading.tolerance = 0.1;
        EXPECT_EQ(
            code_of([&] { pair.history().select(stream(), in.constant(), out.view(), reading); }),
            Errc::invalid_argument);
        InsertOptions writing;
        writing.tolerance = 0.1;
        EXPECT_EQ(code_of([&] {
                    pair.history().insert(stream(), sample.constant(), in.constant(), writing);
                  }),
                  Errc::invalid_argument);
      }
      EXPECT_EQ(code_of([&] { pair.history().select(stream(), time, out.view()); }),
                Errc::invalid_argument);
      EXPECT_EQ(code_of([&] { pair.history().insert(stream(), sample.constant(), time); }),
                Errc::invalid_argument);
    }
    EXPECT_TRUE(support::matches(out.host(), before)) << "an output was written to";
    EXPECT_TRUE(pair.check_state());
  });
}

TEST_P(HistoryTest, BothEndsOfTheRangeAreAccepted) {
  support::Random random(support::seed());
  for_each_type([&]<class T>() {
    using Time = typename HistoryPair<T>::Time;
    for (const double dt : {1.0, 0.1, 0.3, 0.7}) {
      HistoryPair<T> pair = filled<T>(stream(), options_of({9}, 1, dt, 6.5 * dt), random);
      const Time end = static_cast<Time>(dt) * static_cast<Time>(pair.slots() - 1);
      EXPECT_TRUE(pair.check_select(std::vector<Time>(9, end), 0, {}, true)) << "dt " << dt;
      EXPECT_TRUE(pair.check_select(std::vector<Time>(9, Time(-0.0)), 0, {}, true));
      EXPECT_TRUE(pair.check_select(dt * static_cast<double>(pair.slots() - 1), {}));
      EXPECT_EQ(code_of([&] {
                  (void)pair.check_select(
                      std::vector<Time>(9, std::nextafter(end, Time(1000)) * Time(1.000001)), 0, {},
                      true);
                }),
                Errc::invalid_argument);
    }
  });
}

TEST_P(HistoryTest, ChangesOfTheNumberOfSlotsKeepTheNewest) {
  support::Random random(support::seed());
  for_each_type([&]<class T>() {
    HistoryPair<T> pair = filled<T>(stream(), options_of({33}, 2, 1.0, 4.0), random);
    const auto check = [&](const char* what) {
      EXPECT_TRUE(pair.check_state()) << "after " << what;
      pair.push(pair.random_observation(random));
      EXPECT_TRUE(pair.check_state()) << "pushing after " << what;
    };
    pair.set_duration(9.0);
    check("growing");
    pair.set_duration(2.0);
    check("shrinking");
    pair.set_duration(2.0);
    check("no change");
    pair.set_duration(1.5);
    check("another duration of the same slots");
    pair.set_step_time(0.25);
    check("a smaller step time");
    pair.set_step_time(0.9);
    check("a larger step time");
    pair.set_inclusive(false);
    check("leaving out the end");
    pair.set_inclusive(true);
    check("reaching the end");
    pair.set_duration(0.0);
    check("one slot");
    pair.set_duration(3.0);
    check("more slots again");
  });
}

TEST_P(HistoryTest, BatchesKeepTheirLastSamples) {
  support::Random random(support::seed());
  for (const std::int64_t size : {1, 7, 32, 33}) {
    for_each_type([&]<class T>() {
      HistoryPair<T> pair = filled<T>(stream(), options_of({size}, 2, 1.0, 4.0), random);
      for (const std::int64_t batch_size : {5, 3, 3, 1, 4}) {
        pair.set_batch_size(batch_size);
        EXPECT_TRUE(pair.check_state()) << "batch " << batch_size;
        pair.push(pair.random_observation(random));
        EXPECT_TRUE(pair.check_state());
      }
    });
  }
}

TEST_P(HistoryTest, OutsideValuesAreRefusedByTheConstructor) {
  const double inf = std::numeric_limits<double>::infinity();
  const std::vector<HistoryOptions> bad = {
      options_of({0}, 1, 1.0, 1.0),         options_of({4, -2}, 1, 1.0, 1.0),
      options_of({4}, 0, 1.0, 1.0),         options_of({4}, -1, 1.0, 1.0),
      options_of({4}, 1, 0.0, 1.0),         options_of({4}, 1, -1.0, 1.0),
      options_of({4}, 1, inf, 1.0),         options_of({4}, 1, std::nan(""), 1.0),
      options_of({4}, 1, 1.0, -1.0),        options_of({4}, 1, 1.0, inf),
      options_of({4}, 1, 1.0, std::nan(""))};
  for (const HistoryOptions& options : bad) {
    for_each_type([&]<class T>() {
      EXPECT_EQ(code_of([&] { cusynapse::History<T>(stream(), options); }), Errc::invalid_argument)
          << model_test::describe(options);
    });
  }
}

TEST_P(HistoryTest, OutsideValuesAreRefusedByEveryCallAndChangeNothing) {
  support::Random random(support::seed());
  const double inf = std::numeric_limits<double>::infinity();
  for_each_type([&]<class T>() {
    using Value = typename HistoryPair<T>::Value;
    using Time = typename HistoryPair<T>::Time;
    HistoryPair<T> pair = filled<T>(stream(), options_of({4}, 2, 1.0, 3.0), random);
    auto& history = pair.history();
    support::DeviceArray<Value> out(stream(), {2, 4}, support::untouched<Value>());
    support::DeviceArray<Time> times(stream(), {2, 4}, Time(1));
    const auto refused = [&](Errc code, const std::function<void()>& call, const char* what) {
      EXPECT_EQ(code_of(call), code) << what;
      EXPECT_TRUE(pair.check_state()) << what;
    };
    for (const double step_time : {0.0, -1.0, inf, std::nan("")}) {
      refused(
          Errc::invalid_argument, [&] { history.set_step_time(stream(), step_time); }, "step time");
    }
    for (const double duration : {-1.0, inf, std::nan("")}) {
      refused(
          Errc::invalid_argument, [&] { history.set_duration(stream(), duration); }, "duration");
    }
    for (const std::int64_t batch_size : {0, -3}) {
      refused(
          Errc::invalid_argument, [&] { history.set_batch_size(stream(), batch_size); },
          "batch size");
    }
    for (const std::int32_t index : {-1, 4, 100}) {
      refused(
          Errc::invalid_argument, [&] { history.align(stream(), index); }, "align");
    }
    for (const double tolerance : {-2.0, inf, std::nan("")}) {
      cusynapse::SelectOptions select;
      select.tolerance = tolerance;
      cusynapse::InsertOptions insert;
      insert.tolerance = tolerance;
      const support::DeviceArray<Value> observation(stream(), {2, 4}, Value(1));
      for (const std::function<void()>& call : std::vector<std::function<void()>>{
               [&] { history.select(stream(), times.constant(), out.view(), select); },
               [&] { history.select(stream(), 1.0, out.view(), select); },
               [&] { history.insert(stream(), observation.constant(), times.constant(), insert); },
               [&] { history.insert(stream(), observation.constant(), 1.0, insert); }}) {
        EXPECT_TRUE(support::refuses(call, Errc::invalid_argument,
                                     {"tolerance is " + support::printed(tolerance), "expected"}));
        EXPECT_TRUE(pair.check_state());
      }
    }
    for (const Shape& shape : {Shape{4}, Shape{4, 2}, Shape{2, 5}, Shape{1, 4}, Shape{8}}) {
      support::DeviceArray<Value> other(stream(), shape, Value(1));
      support::DeviceArray<Time> other_times(stream(), shape, Time(1));
      refused(
          Errc::shape_mismatch, [&] { history.push(stream(), other.constant()); }, "push");
      refused(
          Errc::shape_mismatch, [&] { history.peek(stream(), other.view()); }, "peek");
      refused(
          Errc::shape_mismatch, [&] { history.pop(stream(), other.view()); }, "pop");
      refused(
          Errc::shape_mismatch, [&] { history.read(stream(), other.view()); }, "read");
      refused(
          Errc::shape_mismatch, [&] { history.write(stream(), other.constant()); }, "write");
      refused(
          Errc::shape_mismatch,
          [&] { history.select(stream(), other_times.constant(), other.view()); }, "select");
      refused(
          Errc::shape_mismatch,
          [&] { history.select_unchecked(stream(), other_times.constant(), other.view()); },
          "select_unchecked");
      refused(
          Errc::shape_mismatch, [&] { history.select(stream(), times.constant(), other.view()); },
          "select into another shape");
      refused(
          Errc::shape_mismatch, [&] { history.select(stream(), 1.0, other.view()); },
          "select at one time");
      refused(
          Errc::shape_mismatch,
          [&] { history.insert(stream(), other.constant(), times.constant()); },
          "insert of another shape");
      refused(
          Errc::shape_mismatch,
          [&] { history.insert(stream(), out.constant(), other_times.constant()); },
          "insert at times of another shape");
      refused(
          Errc::shape_mismatch,
          [&] { history.insert_unchecked(stream(), out.constant(), other_times.constant()); },
          "insert_unchecked");
      refused(
          Errc::shape_mismatch, [&] { history.insert(stream(), other.constant(), 1.0); },
          "insert at one time");
    }
    // Not the position, which is what level 2 reads at without times.
    for (const bool is_checked : {false, true}) {
      const cusynapse::View<const Time> null(nullptr, {2, 4});
      const auto select = [&] {
        is_checked ? history.select(stream(), null, out.view())
                   : history.select_unchecked(stream(), null, out.view());
      };
      EXPECT_TRUE(support::refuses(select, Errc::invalid_argument, {"times is null"}));
      const auto insert = [&] {
        is_checked ? history.insert(stream(), out.constant(), null)
                   : history.insert_unchecked(stream(), out.constant(), null);
      };
      EXPECT_TRUE(support::refuses(insert, Errc::invalid_argument, {"times is null"}));
      EXPECT_TRUE(pair.check_state());
    }
    for (const Shape& shape : {Shape{2, 4}, Shape{2, 5, 2}, Shape{2, 4, 2, 1}}) {
      support::DeviceArray<Value> other(stream(), shape, Value(1));
      refused(
          Errc::shape_mismatch, [&] { history.read_range(stream(), other.view()); }, "read_range");
      refused(
          Errc::shape_mismatch, [&] { history.write_range(stream(), other.constant()); },
          "write_range");
    }
    support::DeviceArray<Value> too_long(stream(), {2, 4, 5}, Value(1));
    EXPECT_THROW(history.read_range(stream(), too_long.view()), Error);
    EXPECT_THROW(history.write_range(stream(), too_long.constant()), Error);
    SelectOptions reading;
    InsertOptions writing;
    for (const double tolerance : {-0.1, std::nan("")}) {
      reading.tolerance = tolerance;
      writing.tolerance = tolerance;
      refused(
          Errc::invalid_argument,
          [&] { history.select(stream(), times.constant(), out.view(), reading); },
          "select tolerance");
      refused(
          Errc::invalid_argument,
          [&] { history.select_unchecked(stream(), times.constant(), out.view(), reading); },
          "select_unchecked tolerance");
      refused(
          Errc::invalid_argument,
          [&] { history.insert(stream(), out.constant(), times.constant(), writing); },
          "insert tolerance");
    }
    reading = {};
    writing = {};
    reading.interpolation = static_cast<Interpolation>(77);
    writing.extrapolation = static_cast<Extrapolation>(77);
    EXPECT_THROW(history.select(stream(), times.constant(), out.view(), reading), Error);
    EXPECT_THROW(history.insert(stream(), out.constant(), times.constant(), writing), Error);
    EXPECT_TRUE(pair.check_state());
  });
}

TEST_P(HistoryTest, ExponentialRulesRefuseConstantsWithoutMeaning) {
  support::Random random(support::seed());
  HistoryPair<float> pair = filled<float>(stream(), options_of({4}, 1, 1.0, 3.0), random);
  support::DeviceArray<float> out(stream(), {1, 4}, support::untouched<float>());
  support::DeviceArray<float> times(stream(), {1, 4}, 0.5f);
  for (const double constant : {0.0, -1.0, std::nan("")}) {
    SelectOptions reading;
    reading.interpolation = Interpolation::exponential_decay;
    reading.constant = constant;
    EXPECT_EQ(
        code_of([&] { pair.history().select(stream(), times.constant(), out.view(), reading); }),
        Errc::invalid_argument)
        << constant;
    InsertOptions writing;
    writing.extrapolation = Extrapolation::exponential_decay;
    writing.constant = constant;
    EXPECT_EQ(code_of([&] {
                pair.history().insert(stream(), out.constant(), times.constant(), writing);
              }),
              Errc::invalid_argument)
        << constant;
  }
  EXPECT_TRUE(pair.check_state());
}

TEST_P(HistoryTest, FlagsRefuseTheRulesThatNeedNumbers) {
  support::Random random(support::seed());
  HistoryPair<bool> pair = filled<bool>(stream(), options_of({4}, 1, 1.0, 3.0), random);
  support::DeviceArray<std::uint8_t> out(stream(), {1, 4}, 1);
  support::DeviceArray<float> times(stream(), {1, 4}, 0.5f);
  for (const Interpolation rule : {Interpolation::linear, Interpolation::exponential_decay,
                                   Interpolation::exponential_rate_decay}) {
    SelectOptions options;
    options.interpolation = rule;
    options.constant = 1.0;
    EXPECT_EQ(
        code_of([&] { pair.history().select(stream(), times.constant(), out.view(), options); }),
        Errc::not_supported);
  }
  for (const Extrapolation rule :
       {Extrapolation::linear_forward, Extrapolation::linear_backward,
        Extrapolation::exponential_decay, Extrapolation::exponential_rate_decay}) {
    InsertOptions options;
    options.extrapolation = rule;
    options.constant = 1.0;
    EXPECT_EQ(code_of([&] {
                pair.history().insert(stream(), out.constant(), times.constant(), options);
              }),
              Errc::not_supported);
  }
  EXPECT_TRUE(pair.check_state());
}

TEST_P(HistoryTest, MovingHandsOverTheWholeState) {
  support::Random random(support::seed());
  for_each_type([&]<class T>() {
    HistoryPair<T> pair = filled<T>(stream(), options_of({33}, 2, 1.0, 4.0), random);
    cusynapse::History<T> elsewhere = std::move(pair.history());
    cusynapse::History<T> target(stream(), options_of({2}, 1, 3.0, 5.0));
    target = std::move(elsewhere);
    pair.history() = std::move(target);
    EXPECT_TRUE(pair.check_state());
    pair.push(pair.random_observation(random));
    EXPECT_TRUE(pair.check_state());
  });
}

TEST_P(HistoryTest, AStreamOfAnotherDeviceIsRefused) {
  if (support::devices().size() < 2) GTEST_SKIP() << "there is one device only";
  const cusynapse::Device other = GetParam() == cusynapse::Device::cpu()
                                      ? cusynapse::Device::cuda(0)
                                      : cusynapse::Device::cpu();
  const cusynapse::OwnedStream other_stream(other);
  support::Random random(support::seed());
  HistoryPair<float> pair = filled<float>(stream(), options_of({4}, 1, 1.0, 3.0), random);
  support::DeviceArray<float> array(other_stream.get(), {1, 4}, 1.0f);
  EXPECT_EQ(code_of([&] { pair.history().push(other_stream.get(), array.constant()); }),
            Errc::wrong_device);
  EXPECT_EQ(code_of([&] { pair.history().peek(other_stream.get(), array.view()); }),
            Errc::wrong_device);
  EXPECT_EQ(code_of([&] { pair.history().set_duration(other_stream.get(), 1.0); }),
            Errc::wrong_device);
  EXPECT_TRUE(pair.check_state());
}

}  // namespace
