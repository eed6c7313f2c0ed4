// The oracle's memory: a deque of whole observations, newest first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace reference {

template <class Value>
using Frame = std::vector<Value>;

/// A fixed number of observations of `batch_size` samples each, newest first. Nothing here knows of
/// storage slots: `cursor` only counts pushes, for those who ask where a ring would stand.
template <class Value>
class Frames {
 public:
  Frames(std::int64_t slots, std::int64_t batch_size, std::int64_t sample_size)
      : batch_size_(batch_size), sample_size_(sample_size) {
    for (std::int64_t k = 0; k < slots; ++k) newest_first_.push_back(zero());
  }

  std::int64_t slots() const { return static_cast<std::int64_t>(newest_first_.size()); }
  std::int64_t size() const { return batch_size_ * sample_size_; }
  std::int64_t cursor() const { return cursor_; }
  const std::deque<Frame<Value>>& newest_first() const { return newest_first_; }

  /// The observation `steps` back from where the next one goes: 1 newest, slots() or 0 oldest, and
  /// around again in both directions.
  Frame<Value>& back(std::int64_t steps) {
    while (steps < 1) steps += slots();
    while (steps > slots()) steps -= slots();
    return newest_first_[static_cast<std::size_t>(steps - 1)];
  }
  const Frame<Value>& back(std::int64_t steps) const {
    return const_cast<Frames&>(*this).back(steps);
  }

  void push(const Frame<Value>& frame) {
    newest_first_.pop_back();
    newest_first_.push_front(frame);
    count(1);
  }

  /// Moves on by `steps` without writing: the oldest observation comes to be the newest.
  void advance(std::int64_t steps) {
    count(steps);
    for (std::int64_t k = 0; k < steps % slots(); ++k) {
      newest_first_.push_front(newest_first_.back());
      newest_first_.pop_back();
    }
    for (std::int64_t k = 0; k < -steps % slots(); ++k) {
      newest_first_.push_back(newest_first_.front());
      newest_first_.pop_front();
    }
  }

  void fill(Value value) {
    for (Frame<Value>& frame : newest_first_) frame.assign(frame.size(), value);
    cursor_ = 0;
  }

  void align(std::int64_t cursor) { cursor_ = cursor; }

  /// Keeps the newest min(old, new) observations; every further, older one is zero.
  void keep_newest(std::int64_t slots) {
    if (slots == this->slots()) return;
    std::deque<Frame<Value>> kept;
    for (std::int64_t k = 0; k < slots; ++k) {
      const bool exists = k < this->slots();
      kept.push_back(exists ? newest_first_[static_cast<std::size_t>(k)] : zero());
    }
    newest_first_ = kept;
    cursor_ = 0;
  }

  /// Keeps the last samples, or prepends zero ones.
  void set_batch_size(std::int64_t batch_size) {
    if (batch_size == batch_size_) return;
    const std::int64_t old_size = size();
    batch_size_ = batch_size;
    cursor_ = 0;
    for (Frame<Value>& frame : newest_first_) {
      Frame<Value> changed = zero();
      for (std::int64_t from_end = 1; from_end <= old_size && from_end <= size(); ++from_end) {
        changed[static_cast<std::size_t>(size() - from_end)] =
            frame[static_cast<std::size_t>(old_size - from_end)];
      }
      frame = changed;
    }
  }

  /// Other observations altogether, newest first.
  void replace(const std::deque<Frame<Value>>& newest_first) {
    newest_first_ = newest_first;
    cursor_ = 0;
  }

  Frame<Value> zero() const { return Frame<Value>(static_cast<std::size_t>(size()), Value(0)); }

 private:
  void count(std::int64_t steps) {
    cursor_ = (cursor_ + steps) % slots();
    if (cursor_ < 0) cursor_ += slots();
  }

  std::int64_t batch_size_;
  std::int64_t sample_size_;
  std::int64_t cursor_ = 0;
  std::deque<Frame<Value>> newest_first_;
};

}  // namespace reference
