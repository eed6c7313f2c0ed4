// A history of the library next to its oracle: everything done to one is done to the other, and
// every check compares the two.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

#include "cusynapse/history.hpp"
#include "reference/history.hpp"
#include "support/compare.hpp"
#include "support/device_array.hpp"
#include "support/random.hpp"

namespace model_test {

inline std::string describe(const cusynapse::HistoryOptions& options) {
  std::ostringstream text;
  text.precision(17);
  text << "shape " << to_string(options.shape) << " batch " << options.batch_size << " dt "
       << options.step_time << " duration " << options.duration
       << (options.inclusive ? " inclusive" : " exclusive");
  return text.str();
}

inline reference::Interpolation reference_rule(cusynapse::Interpolation rule) {
  switch (rule) {
    case cusynapse::Interpolation::previous:
      return reference::Interpolation::previous;
    case cusynapse::Interpolation::next:
      return reference::Interpolation::next;
    case cusynapse::Interpolation::nearest:
      return reference::Interpolation::nearest;
    case cusynapse::Interpolation::linear:
      return reference::Interpolation::linear;
    case cusynapse::Interpolation::exponential_decay:
      return reference::Interpolation::expdecay;
    case cusynapse::Interpolation::exponential_rate_decay:
      return reference::Interpolation::expratedecay;
  }
  return reference::Interpolation::previous;
}

inline reference::Extrapolation reference_rule(cusynapse::Extrapolation rule) {
  switch (rule) {
    case cusynapse::Extrapolation::previous:
      return reference::Extrapolation::previous;
    case cusynapse::Extrapolation::next:
      return reference::Extrapolation::next;
    case cusynapse::Extrapolation::nearest:
      return reference::Extrapolation::nearest;
    case cusynapse::Extrapolation::neighbors:
      return reference::Extrapolation::neighbors;
    case cusynapse::Extrapolation::linear_forward:
      return reference::Extrapolation::linear_forward;
    case cusynapse::Extrapolation::linear_backward:
      return reference::Extrapolation::linear_backward;
    case cusynapse::Extrapolation::exponential_decay:
      return reference::Extrapolation::expdecay;
    case cusynapse::Extrapolation::exponential_rate_decay:
      return reference::Extrapolation::expratedecay;
  }
  return reference::Extrapolation::previous;
}

/// The rules an element type can be read by: flags cannot be drawn a line through.
template <class T>
const std::vector<cusynapse::Interpolation>& interpolations() {
  using cusynapse::Interpolation;
  static const std::vector<Interpolation> all = [] {
    std::vector<Interpolation> rules = {Interpolation::previous, Interpolation::next,
                                        Interpolation::nearest};
    if constexpr (!std::is_same_v<T, bool>) {
      rules.insert(rules.end(), {Interpolation::linear, Interpolation::exponential_decay,
                                 Interpolation::exponential_rate_decay});
    }
    return rules;
  }();
  return all;
}

template <class T>
const std::vector<cusynapse::Extrapolation>& extrapolations() {
  using cusynapse::Extrapolation;
  static const std::vector<Extrapolation> all = [] {
    std::vector<Extrapolation> rules = {Extrapolation::previous, Extrapolation::next,
                                        Extrapolation::nearest, Extrapolation::neighbors};
    if constexpr (!std::is_same_v<T, bool>) {
      rules.insert(rules.end(),
                   {Extrapolation::linear_forward, Extrapolation::linear_backward,
                    Extrapolation::exponential_decay, Extrapolation::exponential_rate_decay});
    }
    return rules;
  }();
  return all;
}

inline bool is_exponential(cusynapse::Interpolation rule) {
  return rule == cusynapse::Interpolation::exponential_decay ||
         rule == cusynapse::Interpolation::exponential_rate_decay;
}
inline bool is_exponential(cusynapse::Extrapolation rule) {
  return rule == cusynapse::Extrapolation::exponential_decay ||
         rule == cusynapse::Extrapolation::exponential_rate_decay;
}

/// What the oracle keeps observations of an element type as.
template <class T>
constexpr reference::Storage kept_as = reference::Storage::same;
template <>
inline constexpr reference::Storage kept_as<cusynapse::float16> = reference::Storage::float16;
template <>
inline constexpr reference::Storage kept_as<cusynapse::bfloat16> = reference::Storage::bfloat16;

template <class T>
class HistoryPair {
 public:
  using Value = typename cusynapse::History<T>::Value;
  using Time = typename cusynapse::History<T>::Time;
  using Observation = std::vector<Value>;

  HistoryPair(const cusynapse::Stream& stream, const cusynapse::HistoryOptions& options)
      : stream_(stream),
        history_(stream, options),
        expected_(options.batch_size, options.shape.size(), options.step_time, options.duration,
                  options.inclusive, kept_as<T>) {}

  cusynapse::History<T>& history() { return history_; }
  reference::History<Value, Time>& expected() { return expected_; }
  std::int64_t size() const { return expected_.size(); }
  std::int64_t slots() const { return expected_.slots(); }
  cusynapse::Shape shape() const { return history_.batched_shape(); }

  Observation random_observation(support::Random& random) const {
    if constexpr (std::is_same_v<T, bool>) {
      return random.flags(size(), 0.4);
    } else {
      return random.template values<Value>(size(), -2.0, 2.0);
    }
  }
  /// `count` observations, [size, count].
  std::vector<Value> random_range(support::Random& random, std::int64_t count) const {
    std::vector<Value> out;
    for (std::int64_t i = 0; i < count; ++i) {
      const Observation more = random_observation(random);
      out.insert(out.end(), more.begin(), more.end());
    }
    return out;
  }

  /// Times within the range: on the grid and off it, within the tolerance of it and outside, ties.
  std::vector<Time> random_times(support::Random& random, std::int64_t count,
                                 double tolerance) const {
    const Time dt = static_cast<Time>(history_.step_time());
    // The oldest observation's time, whichever way its product is rounded.
    const double last = history_.step_time() * static_cast<double>(slots() - 1);
    Time end = std::min(dt * static_cast<Time>(slots() - 1), static_cast<Time>(last));
    if (static_cast<double>(end) > last) end = std::nextafter(end, Time(0));
    std::vector<Time> out;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t steps = random.integer(0, slots() - 1);
      const Time grid = std::min(dt * static_cast<Time>(steps), end);
      Time time = grid;
      switch (random.integer(0, 4)) {
        case 0:
          break;
        case 1:
          time = static_cast<Time>(random.between(0.0, 1.0)) * end;
          break;
        case 2: {
          const bool later = steps < slots() - 1 && random.chance(0.5);
          time = grid + static_cast<Time>((later ? 0.98 : -0.98) * tolerance);
          break;
        }
        case 3:
          time = grid - static_cast<Time>(1.05 * tolerance + 1e-3 * history_.step_time());
          if (time < 0) time = grid;
          break;
        default:
          time = steps == slots() - 1 ? end : grid + dt / Time(2);
          break;
      }
      out.push_back(time);
    }
    return out;
  }

  /// Times anywhere, also before the newest and beyond the oldest observation.
  std::vector<Time> random_wild_times(support::Random& random, std::int64_t count) const {
    const double reach = history_.step_time() * static_cast<double>(slots());
    std::vector<Time> out;
    for (std::int64_t i = 0; i < count; ++i) {
      out.push_back(random.chance(0.3)
                        ? static_cast<Time>(history_.step_time()) *
                              static_cast<Time>(random.integer(-2 * slots(), 3 * slots()))
                        : static_cast<Time>(random.between(-2.0 * reach, 3.0 * reach)));
    }
    return out;
  }

  void push(const Observation& observation) {
    const support::DeviceArray<Value> array(stream_, observation, shape());
    history_.push(stream_, array.constant());
    stream_.synchronize();
    expected_.push(observation);
  }
  void write(const Observation& observation, std::int64_t steps_back) {
    const support::DeviceArray<Value> array(stream_, observation, shape());
    history_.write(stream_, array.constant(), steps_back);
    stream_.synchronize();
    expected_.write(observation, steps_back);
  }
  void write_range(const std::vector<Value>& observations, std::int64_t length,
                   std::int64_t steps_back, bool forward) {
    const support::DeviceArray<Value> array(stream_, observations, shape().appended(length));
    history_.write_range(stream_, array.constant(), steps_back, forward);
    stream_.synchronize();
    expected_.write_range(observations, length, steps_back, forward);
  }
  void move(std::int64_t steps) {
    if (steps >= 0) {
      history_.increment(stream_, steps);
      expected_.increment(steps);
    } else {
      history_.decrement(stream_, -steps);
      expected_.decrement(-steps);
    }
  }
  void align(std::int32_t index) {
    history_.align(stream_, index);
    expected_.align(index);
  }
  void reset(Value fill) {
    history_.reset(stream_, fill);
    expected_.reset(fill);
  }
  void set_batch_size(std::int64_t batch_size) {
    history_.set_batch_size(stream_, batch_size);
    expected_.set_batch_size(batch_size);
  }
  void set_step_time(double step_time) {
    history_.set_step_time(stream_, step_time);
    expected_.set_step_time(step_time);
  }
  void set_duration(double duration) {
    history_.set_duration(stream_, duration);
    expected_.set_duration(duration);
  }
  void set_inclusive(bool inclusive) {
    history_.set_inclusive(stream_, inclusive);
    expected_.set_inclusive(inclusive);
  }

  testing::AssertionResult check_pop() {
    support::DeviceArray<Value> out(stream_, shape(), support::untouched<Value>());
    history_.pop(stream_, out.view());
    return support::matches(out.host(), expected_.pop());
  }
  testing::AssertionResult check_peek() {
    support::DeviceArray<Value> out(stream_, shape(), support::untouched<Value>());
    history_.peek(stream_, out.view());
    return support::matches(out.host(), expected_.peek());
  }
  testing::AssertionResult check_read(std::int64_t steps_back) {
    support::DeviceArray<Value> out(stream_, shape(), support::untouched<Value>());
    history_.read(stream_, out.view(), steps_back);
    return support::matches(out.host(), expected_.read(steps_back));
  }
  testing::AssertionResult check_read_range(std::int64_t length, std::int64_t steps_back,
                                            bool forward) {
    support::DeviceArray<Value> out(stream_, shape().appended(length), support::untouched<Value>());
    history_.read_range(stream_, out.view(), steps_back, forward);
    return support::matches(out.host(), expected_.read_range(length, steps_back, forward));
  }

  /// Times of D samples an element (0: no such extent), checked by the library or not.
  testing::AssertionResult check_select(const std::vector<Time>& times, std::int64_t samples,
                                        const cusynapse::SelectOptions& options, bool checked) {
    const cusynapse::Shape selected = samples == 0 ? shape() : shape().appended(samples);
    const support::DeviceArray<Time> in(stream_, times, selected);
    support::DeviceArray<Value> out(stream_, selected, support::untouched<Value>());
    if (checked) {
      history_.select(stream_, in.constant(), out.view(), options);
    } else {
      history_.select_unchecked(stream_, in.constant(), out.view(), options);
    }
    return matches_selected(
        out.host(),
        expected_.select(times, samples == 0 ? 1 : samples, reference_rule(options.interpolation),
                         options.constant, options.tolerance, options.offset),
        options);
  }
  testing::AssertionResult check_select(double time, const cusynapse::SelectOptions& options) {
    support::DeviceArray<Value> out(stream_, shape(), support::untouched<Value>());
    history_.select(stream_, time, out.view(), options);
    return matches_selected(
        out.host(),
        expected_.select_at(time, reference_rule(options.interpolation), options.constant,
                            options.tolerance, options.offset),
        options);
  }

  /// Inserts and compares the histories. Where an exponential function is involved they may differ
  /// by its error, which may round to the next number of 16 bits; the oracle then goes on with the
  /// library's values.
  testing::AssertionResult check_insert(const Observation& observation,
                                        const std::vector<Time>& times,
                                        const cusynapse::InsertOptions& options, bool checked) {
    const support::DeviceArray<Value> values(stream_, observation, shape());
    const support::DeviceArray<Time> in(stream_, times, shape());
    if (checked) {
      history_.insert(stream_, values.constant(), in.constant(), options);
    } else {
      history_.insert_unchecked(stream_, values.constant(), in.constant(), options);
    }
    stream_.synchronize();
    expected_.insert(observation, times, reference_rule(options.extrapolation), options.constant,
                     adjustment(options), options.tolerance, options.offset);
    return check_inserted(options);
  }
  testing::AssertionResult check_insert(const Observation& observation, double time,
                                        const cusynapse::InsertOptions& options) {
    const support::DeviceArray<Value> values(stream_, observation, shape());
    history_.insert(stream_, values.constant(), time, options);
    stream_.synchronize();
    expected_.insert_at(observation, time, reference_rule(options.extrapolation), options.constant,
                        adjustment(options), options.tolerance, options.offset);
    return check_inserted(options);
  }

  /// What the history is, and everything it remembers.
  testing::AssertionResult check_state() { return check_state({}); }

 private:
  static reference::Adjustment<Time> adjustment(const cusynapse::InsertOptions& options) {
    return {static_cast<Time>(options.adjust_scale), static_cast<Time>(options.adjust_shift)};
  }

  static testing::AssertionResult matches_selected(const std::vector<Value>& actual,
                                                   const std::vector<Value>& expected,
                                                   const cusynapse::SelectOptions& options) {
    support::Tolerance<Value> tolerance;
    if (is_exponential(options.interpolation)) {
      tolerance.relative = support::exponential_relative<Time>();
    }
    return support::matches(actual, expected, tolerance);
  }

  testing::AssertionResult check_inserted(const cusynapse::InsertOptions& options) {
    support::Tolerance<Value> tolerance;
    const bool exponential = is_exponential(options.extrapolation);
    if (exponential) {
      tolerance.relative =
          support::exponential_relative<Time>() + 2 * reference::unit_roundoff(kept_as<T>);
      tolerance.absolute = 2 * reference::least_rounding(kept_as<T>);
    }
    const auto result = check_state(tolerance);
    if (result && exponential) {
      const auto actual = support::observations<T>(stream_, history_.ring());
      for (std::int64_t k = 1; k <= slots(); ++k) {
        expected_.write(actual[static_cast<std::size_t>(k - 1)], k);
      }
    }
    return result;
  }

  testing::AssertionResult check_state(const support::Tolerance<Value>& tolerance) {
    std::ostringstream text;
    text.precision(17);
    const auto expect = [&text](const char* what, auto got, auto wanted) {
      if (got != wanted) text << what << " is " << got << ", expected " << wanted << "; ";
    };
    expect("slots", static_cast<std::int64_t>(history_.slots()), expected_.slots());
    expect("pointer", static_cast<std::int64_t>(history_.pointer(stream_)), expected_.pointer());
    expect("size", history_.batched_shape().size(), expected_.size());
    expect("step_time", history_.step_time(), expected_.step_time());
    expect("duration", history_.duration(), expected_.duration());
    expect("inclusive", history_.inclusive(), expected_.inclusive());
    if (!text.str().empty()) return testing::AssertionFailure() << text.str();
    const auto actual = support::observations<T>(stream_, history_.ring());
    for (std::size_t k = 0; k < actual.size(); ++k) {
      const auto result = support::matches(actual[k], expected_.newest_first()[k], tolerance);
      if (!result) {
        return testing::AssertionFailure() << k + 1 << " steps back: " << result.message();
      }
    }
    return testing::AssertionSuccess();
  }

  cusynapse::Stream stream_;
  cusynapse::History<T> history_;
  reference::History<Value, Time> expected_;
};

}  // namespace model_test
