// What an eager array library does: every operation a pass over memory of its own, every result a
// temporary. The passes run on the CPU as fast loops over preallocated temporaries, without the
// interpreter, the dispatch and the allocations such a library adds; each vectorises where it can.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <vector>

#include "cusynapse/math/exponential.hpp"
#include "cusynapse/ops.hpp"
#include "support/parallel.hpp"

namespace cusynapse::bench {

/// An array of the naive forms.
template <class T>
class Temporary {
 public:
  explicit Temporary(std::int64_t size) : values_(static_cast<std::size_t>(size)) {}
  T* data() { return values_.data(); }
  const T* data() const { return values_.data(); }
  std::int64_t size() const { return static_cast<std::int64_t>(values_.size()); }

  /// One pass: every element from `function(i)`.
  template <class Function>
  const T* fill(const Function& function) {
    T* const out = data();
    for_each_index(size(), [=](std::int64_t i) { out[i] = function(i); });
    return out;
  }

 private:
  std::vector<T> values_;
};

/// A step of any model: its constants and its rings' shape from `model`, histories of its own.
template <class T>
class NaiveStep {
 public:
  explicit NaiveStep(const DecayInject<T>& model)
      : model_(model),
        converted_(model.size),
        decayed_(model.size),
        scaled_(model.size),
        sum_(model.size),
        spikes_(model.size),
        spike_history_(model.size * model.slots) {
    for (int k = 0; k < model.trace_count; ++k) {
      histories_.emplace_back(model.size * model.slots);
    }
  }

  void step(const std::uint8_t* input) {
    step(converted_.fill([=](std::int64_t i) { return static_cast<T>(input[i]); }));
  }

  void step(const T* input) {
    const std::uint8_t* spikes = spikes_.fill([=](std::int64_t i) { return input[i] != T(0); });
    push(spike_history_, spikes);
    // The second trace of a chain takes from the first one before its step.
    for (int k = model_.trace_count - 1; k >= 0; --k) {
      push(histories_[static_cast<std::size_t>(k)], stepped(k, input));
    }
    head_ = (head_ + 1) % model_.slots;
  }

  const T* newest(int trace) const { return previous(trace, head_); }

 private:
  const T* previous(int trace, std::int32_t head) const {
    const std::int64_t slot = (head + model_.slots - 1) % model_.slots;
    return histories_[static_cast<std::size_t>(trace)].data() + slot * model_.size;
  }

  const T* stepped(int trace, const T* input) {
    const T gain = model_.gain[trace];
    if (model_.dynamics == Dynamics::memoryless) return scaled(input, gain, scaled_);
    const T* decayed = scaled(previous(trace, head_), model_.decay[trace], decayed_);
    const bool is_fed = model_.dynamics == Dynamics::chain && trace == 1;
    const T* added =
        is_fed ? scaled(previous(0, head_), model_.feed, scaled_) : scaled(input, gain, scaled_);
    return sum_.fill([=](std::int64_t i) { return decayed[i] + added[i]; });
  }

  static const T* scaled(const T* values, T factor, Temporary<T>& out) {
    return out.fill([=](std::int64_t i) { return values[i] * factor; });
  }

  template <class Element>
  void push(Temporary<Element>& history, const Element* frame) {
    Element* const out = history.data() + head_ * model_.size;
    for_each_index(model_.size, [=](std::int64_t i) { out[i] = frame[i]; });
  }

  DecayInject<T> model_;
  Temporary<T> converted_, decayed_, scaled_, sum_;
  Temporary<std::uint8_t> spikes_, spike_history_;
  std::vector<Temporary<T>> histories_;
  std::int32_t head_ = 0;
};

/// The current at delays, for rules other than chain_decay, from the rings `select` refers to.
template <class T>
class NaiveSelect {
 public:
  explicit NaiveSelect(const DelayedSelect<T>& select)
      : select_(select),
        count_(select.size * select.samples),
        bounded_(count_),
        steps_(count_),
        rounded_(count_),
        product_(count_),
        difference_(count_),
        magnitude_(count_),
        position_(count_),
        older_(count_),
        newer_(count_),
        elapsed_(count_),
        between_(count_),
        sum_(count_),
        mask_(count_),
        older_index_(count_),
        newer_index_(count_) {
    if (select.rule == SelectRule::chain_decay || select.weight[0] != T(1)) {
      throw std::invalid_argument("NaiveSelect: no naive form of this model");
    }
    for (int k = 0; k < select.trace_count; ++k) values_.emplace_back(count_);
  }

  void select(const T* selector, T* out) {
    const T limit = select_.limit;
    const T* bounded = bounded_.fill([=](std::int64_t i) {
      return selector[i] < T(0) ? T(0) : selector[i] > limit ? limit : selector[i];
    });
    const T* steps = steps_back(bounded);
    const T* position = position_.fill([=](std::int64_t i) { return T(1) + steps[i]; });
    const std::int64_t* older_index =
        index(older_index_, older_.fill([=](std::int64_t i) { return math::ceil(position[i]); }));
    const std::int64_t* newer_index =
        index(newer_index_, newer_.fill([=](std::int64_t i) { return math::floor(position[i]); }));
    const T* elapsed = time_since_older(steps);

    const T* sum = interpolated(0, older_index, newer_index, elapsed);
    for (int k = 1; k < select_.trace_count; ++k) {
      const T* value = interpolated(k, older_index, newer_index, elapsed);
      const T weight = select_.weight[k];
      sum = sum_.fill([=](std::int64_t i) { return sum[i] + weight * value[i]; });
    }
    apply_overbound(selector, bounded, sum, out);
  }

 private:
  // Delay over step time, on the grid where it is near enough.
  const T* steps_back(const T* bounded) {
    const T step = select_.step_time;
    const T tolerance = select_.tolerance;
    const T* steps = steps_.fill([=](std::int64_t i) { return bounded[i] / step; });
    const T* rounded = rounded_.fill([=](std::int64_t i) { return math::round_to_even(steps[i]); });
    const T* product = product_.fill([=](std::int64_t i) { return step * rounded[i]; });
    const T* difference = difference_.fill([=](std::int64_t i) { return product[i] - bounded[i]; });
    const std::uint8_t* on_grid = within(difference, tolerance);
    return steps_.fill([=](std::int64_t i) { return on_grid[i] != 0 ? rounded[i] : steps[i]; });
  }

  const std::uint8_t* within(const T* difference, T tolerance) {
    const T* magnitude =
        magnitude_.fill([=](std::int64_t i) { return math::absolute(difference[i]); });
    return mask_.fill([=](std::int64_t i) { return magnitude[i] <= tolerance; });
  }

  // The slot so many steps back from the head: an integer tensor, a difference, a remainder.
  const std::int64_t* index(Temporary<std::int64_t>& slot, const T* steps) {
    const std::int64_t head = select_.head.get();
    const std::int64_t slots = select_.slots;
    const std::int64_t* back =
        slot.fill([=](std::int64_t i) { return static_cast<std::int64_t>(steps[i]); });
    slot.fill([=](std::int64_t i) { return head - back[i]; });
    return slot.fill([=](std::int64_t i) {
      const std::int64_t remainder = back[i] % slots;
      return remainder < 0 ? remainder + slots : remainder;
    });
  }

  const T* time_since_older(const T* steps) {
    const T step = select_.step_time;
    const T* fraction =
        product_.fill([=](std::int64_t i) { return steps[i] - math::floor(steps[i]); });
    const T* since_newer = difference_.fill([=](std::int64_t i) { return step * fraction[i]; });
    return elapsed_.fill([=](std::int64_t i) { return step - since_newer[i]; });
  }

  const T* gather(Temporary<T>& out, int trace, const std::int64_t* slot) {
    const T* const history = select_.traces[trace].template as<T>();
    const std::int64_t stride = select_.stride;
    const std::int64_t samples = select_.samples;
    if (samples == 1) {
      return out.fill([=](std::int64_t i) { return history[slot[i] * stride + i]; });
    }
    return out.fill([=](std::int64_t i) { return history[slot[i] * stride + i / samples]; });
  }

  const T* interpolated(int trace, const std::int64_t* older_index, const std::int64_t* newer_index,
                        const T* elapsed) {
    const T* older = gather(older_, trace, older_index);
    const T* newer = gather(newer_, trace, newer_index);
    const T* between = between_observations(trace, older, newer, elapsed);
    const std::uint8_t* same =
        mask_.fill([=](std::int64_t i) { return older_index[i] == newer_index[i]; });
    Temporary<T>& value = values_[static_cast<std::size_t>(trace)];
    return value.fill([=](std::int64_t i) { return same[i] != 0 ? older[i] : between[i]; });
  }

  const T* between_observations(int trace, const T* older, const T* newer, const T* elapsed) {
    switch (select_.rule) {
      case SelectRule::previous:
        return older;
      case SelectRule::nearest: {
        const T step = select_.step_time;
        const T* share = product_.fill([=](std::int64_t i) { return elapsed[i] / step; });
        return between_.fill(
            [=](std::int64_t i) { return share[i] > T(0.5) ? newer[i] : older[i]; });
      }
      default:
        break;
    }
    const T tau = select_.time_constant[trace];
    const T* exponent = product_.fill([=](std::int64_t i) { return -elapsed[i] / tau; });
    const T* factor =
        difference_.fill([=](std::int64_t i) { return math::exponential(exponent[i]); });
    return between_.fill([=](std::int64_t i) { return older[i] * factor[i]; });
  }

  void apply_overbound(const T* selector, const T* bounded, const T* value, T* out) {
    if (!select_.has_overbound) {
      for_each_index(count_, [=](std::int64_t i) { out[i] = value[i]; });
      return;
    }
    const T overbound = select_.overbound;
    const T* difference =
        difference_.fill([=](std::int64_t i) { return selector[i] - bounded[i]; });
    const std::uint8_t* inside = within(difference, select_.tolerance);
    for_each_index(count_, [=](std::int64_t i) { out[i] = inside[i] != 0 ? value[i] : overbound; });
  }

  DelayedSelect<T> select_;
  std::int64_t count_;
  Temporary<T> bounded_, steps_, rounded_, product_, difference_, magnitude_, position_, older_,
      newer_, elapsed_, between_, sum_;
  Temporary<std::uint8_t> mask_;
  Temporary<std::int64_t> older_index_, newer_index_;
  std::vector<Temporary<T>> values_;
};

}  // namespace cusynapse::bench
