// The oracle of a general history.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "reference/frames.hpp"
#include "reference/half.hpp"
#include "reference/rules.hpp"

namespace reference {

/// Observations of type Value read at times of type Time, every operation in Time, and kept as a
/// storage has them. Arrays are flat: an observation is [batch_size, sample_size], times are
/// [batch_size, sample_size, D].
template <class Value, class Time>
class History {
 public:
  History(std::int64_t batch_size, std::int64_t sample_size, double step_time, double duration,
          bool inclusive, Storage storage = Storage::same)
      : step_time_(step_time),
        duration_(duration),
        inclusive_(inclusive),
        storage_(storage),
        frames_(slots_for(duration, step_time, inclusive), batch_size, sample_size) {}

  std::int64_t slots() const { return frames_.slots(); }
  std::int64_t size() const { return frames_.size(); }
  std::int64_t pointer() const { return frames_.cursor(); }
  double step_time() const { return step_time_; }
  double duration() const { return duration_; }
  bool inclusive() const { return inclusive_; }
  const std::deque<Frame<Value>>& newest_first() const { return frames_.newest_first(); }

  void push(const Frame<Value>& observation) { frames_.push(stored(observation)); }
  Frame<Value> peek() const { return frames_.back(1); }
  Frame<Value> pop() {
    const Frame<Value> newest = peek();
    frames_.advance(-1);
    return newest;
  }
  void increment(std::int64_t n) { frames_.advance(n); }
  void decrement(std::int64_t n) { frames_.advance(-n); }
  Frame<Value> read(std::int64_t steps_back) const { return frames_.back(steps_back); }
  void write(const Frame<Value>& observation, std::int64_t steps_back) {
    frames_.back(steps_back) = stored(observation);
  }

  /// [size, length], old to new.
  std::vector<Value> read_range(std::int64_t length, std::int64_t steps_back, bool forward) const {
    std::vector<Value> out;
    for (std::int64_t element = 0; element < size(); ++element) {
      for (std::int64_t i = 0; i < length; ++i) {
        out.push_back(frames_.back(range_step(length, steps_back, forward, i))[at(element)]);
      }
    }
    return out;
  }
  void write_range(const std::vector<Value>& observations, std::int64_t length,
                   std::int64_t steps_back, bool forward) {
    for (std::int64_t element = 0; element < size(); ++element) {
      for (std::int64_t i = 0; i < length; ++i) {
        frames_.back(range_step(length, steps_back, forward, i))[at(element)] =
            stored(observations[at(element * length + i)]);
      }
    }
  }

  void align(std::int64_t index) { frames_.align(index); }
  void reset(Value fill) { frames_.fill(stored(fill)); }

  /// times and the result are [size, samples].
  std::vector<Value> select(const std::vector<Time>& times, std::int64_t samples,
                            Interpolation rule, double constant, double tolerance,
                            std::int64_t offset) const {
    std::vector<Value> out;
    for (std::int64_t element = 0; element < size(); ++element) {
      for (std::int64_t sample = 0; sample < samples; ++sample) {
        const auto where = locate(times[at(element * samples + sample)], rounded(step_time_),
                                  rounded(tolerance), offset);
        out.push_back(selected(element, where, rule, constant));
      }
    }
    return out;
  }

  /// One time for all elements is a number of the host's: its place is found in double, and only
  /// the elapsed time is rounded.
  std::vector<Value> select_at(double time, Interpolation rule, double constant, double tolerance,
                               std::int64_t offset) const {
    std::vector<Value> out;
    for (std::int64_t element = 0; element < size(); ++element) {
      out.push_back(selected(element, located(time, tolerance, offset), rule, constant));
    }
    return out;
  }

  void insert(const Frame<Value>& observation, const std::vector<Time>& times, Extrapolation rule,
              double constant, const Adjustment<Time>& adjust, double tolerance,
              std::int64_t offset) {
    for (std::int64_t element = 0; element < size(); ++element) {
      const auto where =
          locate(times[at(element)], rounded(step_time_), rounded(tolerance), offset);
      insert_one(element, observation[at(element)], where, rule, constant, adjust);
    }
  }
  void insert_at(const Frame<Value>& observation, double time, Extrapolation rule, double constant,
                 const Adjustment<Time>& adjust, double tolerance, std::int64_t offset) {
    for (std::int64_t element = 0; element < size(); ++element) {
      insert_one(element, observation[at(element)], located(time, tolerance, offset), rule,
                 constant, adjust);
    }
  }

  void set_step_time(double step_time) {
    step_time_ = step_time;
    resize();
  }
  void set_duration(double duration) {
    duration_ = duration;
    resize();
  }
  void set_inclusive(bool inclusive) {
    inclusive_ = inclusive;
    resize();
  }
  void set_batch_size(std::int64_t batch_size) { frames_.set_batch_size(batch_size); }

 private:
  static std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }
  static Time rounded(double value) { return static_cast<Time>(value); }

  Value stored(Value value) const { return kept(storage_, value); }
  Frame<Value> stored(Frame<Value> observation) const {
    for (Value& value : observation) value = stored(value);
    return observation;
  }

  static std::int64_t range_step(std::int64_t length, std::int64_t steps_back, bool forward,
                                 std::int64_t i) {
    return forward ? steps_back - i : steps_back + (length - 1 - i);
  }

  Position<Time> located(double time, double tolerance, std::int64_t offset) const {
    const Position<double> where = locate(time, step_time_, tolerance, offset);
    return {where.older, where.newer, rounded(where.elapsed)};
  }

  Value selected(std::int64_t element, const Position<Time>& where, Interpolation rule,
                 double constant) const {
    const Value older = frames_.back(where.older)[at(element)];
    const Value newer = frames_.back(where.newer)[at(element)];
    if (where.older == where.newer) return older;
    return interpolate<Time, Value>(rule, older, newer, where.elapsed, rounded(step_time_),
                                    rounded(constant));
  }

  void insert_one(std::int64_t element, Value sample, const Position<Time>& where,
                  Extrapolation rule, double constant, const Adjustment<Time>& adjust) {
    Value& older = frames_.back(where.older)[at(element)];
    Value& newer = frames_.back(where.newer)[at(element)];
    if (where.older == where.newer) {
      older = stored(sample);
      return;
    }
    const auto pair = extrapolate<Time, Value>(rule, sample, older, newer, where.elapsed,
                                               rounded(step_time_), rounded(constant), adjust);
    older = stored(pair.first);
    newer = stored(pair.second);
  }

  void resize() { frames_.keep_newest(slots_for(duration_, step_time_, inclusive_)); }

  double step_time_;
  double duration_;
  bool inclusive_;
  Storage storage_;
  Frames<Value> frames_;
};

}  // namespace reference
