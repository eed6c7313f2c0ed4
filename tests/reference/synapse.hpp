// The oracle of a delayed synapse: five models, stepped and read by obvious loops.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "reference/frames.hpp"
#include "reference/half.hpp"
#include "reference/rules.hpp"

namespace reference {

enum class Model { delta, delta_plus, single_exponential, double_exponential, alpha };

/// Everything a synapse is made from. Times in ms, charges in pC, currents in nA.
struct Settings {
  Model model = Model::delta;
  std::int64_t batch_size = 1;
  std::int64_t sample_size = 1;
  double step_time = 1.0;
  double delay = 0.0;
  bool nearest = false;
  double tolerance = 0.0;
  std::optional<double> current_overbound = 0.0;
  std::optional<bool> spike_overbound = false;
  double spike_charge = 1.0;
  double time_constant = 5.0;  ///< single exponential and alpha
  double tc_decay = 5.0;       ///< double exponential
  double tc_rise = 2.0;
  Storage storage = Storage::same;  ///< of traces
};

/// A synapse in arithmetic T: constants computed in double and rounded once, then one rounding an
/// operation, and one more of what is stored.
template <class T>
class Synapse {
 public:
  explicit Synapse(const Settings& settings)
      : settings_(settings),
        spikes_(slots(), settings.batch_size, settings.sample_size),
        traces_(static_cast<std::size_t>(trace_count()),
                Frames<T>(slots(), settings.batch_size, settings.sample_size)) {}

  const Settings& settings() const { return settings_; }
  std::int64_t size() const { return settings_.batch_size * settings_.sample_size; }
  std::int64_t slots() const { return slots_for(settings_.delay, settings_.step_time, true); }
  std::int64_t pointer() const { return spikes_.cursor(); }
  int trace_count() const {
    switch (settings_.model) {
      case Model::delta:
        return 0;
      case Model::delta_plus:
      case Model::single_exponential:
        return 1;
      case Model::double_exponential:
      case Model::alpha:
        return 2;
    }
    return 0;
  }
  const Frames<std::uint8_t>& spikes() const { return spikes_; }
  /// Current of the models with one trace; pos and neg; for alpha, what feeds and the current.
  const Frames<T>& trace(int index) const { return traces_[at(index)]; }

  void step(const std::vector<T>& input, const std::vector<std::vector<T>>& injected = {}) {
    Frame<std::uint8_t> spike = spikes_.zero();
    std::vector<Frame<T>> next;
    for (const Frames<T>& trace : traces_) next.push_back(trace.zero());
    for (std::int64_t i = 0; i < size(); ++i) {
      const T x = input[at(i)];
      spike[at(i)] = (x < 0 || x > 0 || std::isnan(x)) ? 1 : 0;
      switch (settings_.model) {
        case Model::delta:
          break;
        case Model::delta_plus: {
          T current = x * rounded(settings_.spike_charge / settings_.step_time);
          for (const std::vector<T>& currents : injected) current = current + currents[at(i)];
          next[0][at(i)] = current;
          break;
        }
        case Model::single_exponential:
          next[0][at(i)] = decayed(0, i, settings_.time_constant) +
                           rounded(settings_.spike_charge / settings_.time_constant) * x;
          break;
        case Model::double_exponential: {
          const T gain = rounded(settings_.spike_charge / (settings_.tc_decay - settings_.tc_rise));
          next[0][at(i)] = decayed(0, i, settings_.tc_decay) + gain * x;
          next[1][at(i)] = decayed(1, i, settings_.tc_rise) + gain * x;
          break;
        }
        case Model::alpha: {
          const double tau = settings_.time_constant;
          const T feed = rounded(settings_.step_time * std::exp(-settings_.step_time / tau));
          const T fed = traces_[0].back(1)[at(i)] * feed;
          next[0][at(i)] = decayed(0, i, tau) + rounded(settings_.spike_charge / (tau * tau)) * x;
          next[1][at(i)] = decayed(1, i, tau) + fed;
          break;
        }
      }
    }
    spikes_.push(spike);
    for (std::size_t k = 0; k < traces_.size(); ++k) traces_[k].push(stored(next[k]));
  }

  std::vector<T> current() const {
    std::vector<T> out;
    for (std::int64_t i = 0; i < size(); ++i) {
      switch (settings_.model) {
        case Model::delta:
          out.push_back(spikes_.back(1)[at(i)] != 0 ? amplitude() : T(0));
          break;
        case Model::delta_plus:
        case Model::single_exponential:
          out.push_back(traces_[0].back(1)[at(i)]);
          break;
        case Model::double_exponential:
          out.push_back(traces_[0].back(1)[at(i)] - traces_[1].back(1)[at(i)]);
          break;
        case Model::alpha:
          out.push_back(traces_[1].back(1)[at(i)]);
          break;
      }
    }
    return out;
  }
  std::vector<std::uint8_t> spike() const { return spikes_.back(1); }

  /// A current at delays, and the size of the parts it is the difference of: what the error of an
  /// exponential function is relative to.
  struct Selected {
    std::vector<T> values;
    std::vector<T> magnitudes;
  };

  /// selector and the result are [size, samples].
  Selected current_at(const std::vector<T>& selector, std::int64_t samples) const {
    Selected out;
    for (std::int64_t i = 0; i < size() * samples; ++i) {
      const T asked = selector[at(i)];
      const T time = bounded(asked);
      const std::int64_t element = i / samples;
      T value = 0;
      T magnitude = 0;
      switch (settings_.model) {
        case Model::delta:
          value = spike_value(time, element) != 0 ? amplitude() : T(0);
          break;
        case Model::delta_plus:
        case Model::single_exponential:
          value = trace_value(0, time, element);
          break;
        case Model::double_exponential: {
          const T pos = trace_value(0, time, element);
          const T neg = trace_value(1, time, element);
          value = pos - neg;
          magnitude = std::fabs(pos) + std::fabs(neg);
          break;
        }
        case Model::alpha:
          value = trace_value(1, time, element);
          break;
      }
      out.values.push_back(overbounded(value, asked, time));
      out.magnitudes.push_back(magnitude);
    }
    return out;
  }

  /// One trace on its own, as pos_current_at and neg_current_at read it.
  std::vector<T> trace_at(int index, const std::vector<T>& selector, std::int64_t samples) const {
    std::vector<T> out;
    for (std::int64_t i = 0; i < size() * samples; ++i) {
      const T asked = selector[at(i)];
      const T time = bounded(asked);
      out.push_back(overbounded(trace_value(index, time, i / samples), asked, time));
    }
    return out;
  }

  std::vector<std::uint8_t> spike_at(const std::vector<T>& selector, std::int64_t samples) const {
    std::vector<std::uint8_t> out;
    for (std::int64_t i = 0; i < size() * samples; ++i) {
      const T asked = selector[at(i)];
      const T time = bounded(asked);
      std::uint8_t value = spike_value(time, i / samples);
      if (settings_.spike_overbound && !within(asked, time)) {
        value = *settings_.spike_overbound ? 1 : 0;
      }
      out.push_back(value);
    }
    return out;
  }

  void set_spike(const std::vector<std::uint8_t>& spikes) { spikes_.back(1) = spikes; }
  void set_trace(int index, const std::vector<T>& values) {
    traces_[at(index)].back(1) = stored(values);
  }

  /// Other observations of a trace, newest first: to go on from values within the error allowed.
  void adopt(int index, const std::deque<Frame<T>>& newest_first) {
    traces_[at(index)].replace(newest_first);
  }

  void clear() {
    spikes_.fill(0);
    for (Frames<T>& trace : traces_) trace.fill(0);
  }

  void set_batch_size(std::int64_t batch_size) {
    settings_.batch_size = batch_size;
    spikes_.set_batch_size(batch_size);
    for (Frames<T>& trace : traces_) trace.set_batch_size(batch_size);
  }

  void set_delay(double delay, bool keep) {
    settings_.delay = delay;
    if (!keep) return start_anew();
    spikes_.keep_newest(slots());
    for (Frames<T>& trace : traces_) trace.keep_newest(slots());
  }

  void set_step_time(double step_time, bool keep) {
    const Synapse old = *this;
    settings_.step_time = step_time;
    if (!keep) return start_anew();
    if (step_time == old.settings_.step_time) return;
    start_anew();
    std::deque<Frame<std::uint8_t>> spikes = spikes_.newest_first();
    std::vector<std::deque<Frame<T>>> traces;
    for (const Frames<T>& trace : traces_) traces.push_back(trace.newest_first());
    const double slack = resampling_slack * old.settings_.step_time;
    const double reach = old.settings_.step_time * static_cast<double>(old.slots() - 1) + slack;
    for (std::int64_t element = 0; element < size(); ++element) {
      for (std::int64_t k = 0; k < slots(); ++k) {
        const double time = static_cast<double>(k) * step_time;
        for (int index = 0; index < trace_count() && time <= reach; ++index) {
          const Reading reading = old.resampled_from(time);
          traces[at(index)][at(k)][at(element)] =
              kept(settings_.storage, old.trace_value(index, reading, element));
        }
      }
      for (std::int64_t k = 0; k < old.slots(); ++k) {
        const double time = static_cast<double>(k) * old.settings_.step_time;
        const auto nearest = static_cast<std::int64_t>(std::floor(time / step_time + 0.5));
        if (old.spikes_.back(k + 1)[at(element)] != 0 && nearest < slots()) {
          spikes[at(nearest)][at(element)] = 1;
        }
      }
    }
    spikes_.replace(spikes);
    for (int index = 0; index < trace_count(); ++index) {
      traces_[at(index)].replace(traces[at(index)]);
    }
  }

  void set_time_constant(double time_constant) { settings_.time_constant = time_constant; }
  /// Charge and time constants of `other`; the history stays.
  void set_constants(const Settings& other) {
    settings_.spike_charge = other.spike_charge;
    settings_.time_constant = other.time_constant;
    settings_.tc_decay = other.tc_decay;
    settings_.tc_rise = other.tc_rise;
  }

 private:
  template <class Index>
  static std::size_t at(Index index) {
    return static_cast<std::size_t>(index);
  }
  Frame<T> stored(Frame<T> values) const {
    for (T& value : values) value = kept(settings_.storage, value);
    return values;
  }
  static T rounded(double value) { return static_cast<T>(value); }

  T amplitude() const { return rounded(settings_.spike_charge / settings_.step_time); }

  T decayed(int index, std::int64_t element, double time_constant) const {
    return traces_[at(index)].back(1)[at(element)] *
           rounded(std::exp(-settings_.step_time / time_constant));
  }

  void start_anew() {
    spikes_ = Frames<std::uint8_t>(slots(), settings_.batch_size, settings_.sample_size);
    for (Frames<T>& trace : traces_) {
      trace = Frames<T>(slots(), settings_.batch_size, settings_.sample_size);
    }
  }

  /// The selector brought into the range of delays; NaN reads now.
  T bounded(T asked) const {
    const T limit = rounded(settings_.delay);
    if (slots() == 1 || std::isnan(asked) || asked < 0) return 0;
    return asked > limit ? limit : asked;
  }
  bool within(T asked, T time) const {
    const T distance = std::fabs(asked - time);
    return distance <= rounded(settings_.tolerance);
  }
  T overbounded(T value, T asked, T time) const {
    if (!settings_.current_overbound || within(asked, time)) return value;
    return rounded(*settings_.current_overbound);
  }

  /// Which observations are read for a time, and how.
  struct Reading {
    std::int64_t older;
    std::int64_t newer;
    T elapsed;
    bool newer_is_nearer;
  };

  Reading reading(T time) const {
    if (slots() == 1) return {1, 1, T(0), false};
    const T step_time = rounded(settings_.step_time);
    const Position<T> where = locate(time, step_time, rounded(settings_.tolerance), 1);
    return {where.older, where.newer, where.elapsed, where.elapsed / step_time > T(0.5)};
  }

  /// Times that are the same on two grids are products rounded differently: this part of a step
  /// apart, in double, they are the same.
  static constexpr double resampling_slack = 1e-9;

  Reading resampled_from(double time) const {
    const double step_time = settings_.step_time;
    const double slack = resampling_slack * step_time;
    const double tolerance = static_cast<double>(rounded(settings_.tolerance));
    const Position<double> where =
        locate(time, step_time, tolerance > slack ? tolerance : slack, 1);
    return {where.older, where.newer, rounded(where.elapsed), where.elapsed / step_time > 0.5};
  }

  std::uint8_t spike_value(T time, std::int64_t element) const {
    return between(spikes_, reading(time), element);
  }

  T trace_value(int index, T time, std::int64_t element) const {
    return trace_value(index, reading(time), element);
  }

  T trace_value(int index, const Reading& where, std::int64_t element) const {
    const Frames<T>& trace = traces_[at(index)];
    const T older = trace.back(where.older)[at(element)];
    if (where.older == where.newer) return older;
    switch (settings_.model) {
      case Model::delta:
      case Model::delta_plus:
        return between(trace, where, element);
      case Model::single_exponential:
        return older * decay_since(where, settings_.time_constant);
      case Model::double_exponential:
        return older * decay_since(where, index == 0 ? settings_.tc_decay : settings_.tc_rise);
      case Model::alpha: {
        if (index == 0) return older * decay_since(where, settings_.time_constant);
        const T fed = traces_[0].back(where.older)[at(element)] * where.elapsed;
        return (older + fed) * decay_since(where, settings_.time_constant);
      }
    }
    return older;
  }

  /// An observation without memory between two steps: by the interpolation mode.
  template <class Value>
  Value between(const Frames<Value>& frames, const Reading& where, std::int64_t element) const {
    const bool reads_newer =
        where.older == where.newer || (settings_.nearest && where.newer_is_nearer);
    return frames.back(reads_newer ? where.newer : where.older)[at(element)];
  }

  static T decay_since(const Reading& where, double time_constant) {
    const T exponent = -where.elapsed / rounded(time_constant);
    return std::exp(exponent);
  }

  Settings settings_;
  Frames<std::uint8_t> spikes_;
  std::vector<Frames<T>> traces_;
};

}  // namespace reference
