// A synapse of the library next to its oracle: everything done to one is done to the other, and
// every check compares the two.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "cusynapse/models.hpp"
#include "reference/synapse.hpp"
#include "support/compare.hpp"
#include "support/device_array.hpp"
#include "support/random.hpp"

namespace model_test {

inline const std::vector<reference::Model>& models() {
  static const std::vector<reference::Model> all = {
      reference::Model::delta, reference::Model::delta_plus, reference::Model::single_exponential,
      reference::Model::double_exponential, reference::Model::alpha};
  return all;
}

inline const char* class_name(reference::Model model) {
  switch (model) {
    case reference::Model::delta:
      return "DeltaCurrent";
    case reference::Model::delta_plus:
      return "DeltaPlusCurrent";
    case reference::Model::single_exponential:
      return "SingleExponentialCurrent";
    case reference::Model::double_exponential:
      return "DoubleExponentialCurrent";
    case reference::Model::alpha:
      return "AlphaCurrent";
  }
  return "";
}

inline std::string describe(const reference::Settings& settings) {
  std::ostringstream text;
  text.precision(17);
  text << class_name(settings.model) << " batch " << settings.batch_size << " size "
       << settings.sample_size << " dt " << settings.step_time << " delay " << settings.delay
       << (settings.nearest ? " nearest" : " previous") << " tolerance " << settings.tolerance
       << " current overbound ";
  if (settings.current_overbound) text << *settings.current_overbound;
  if (!settings.current_overbound) text << "none";
  text << " spike overbound ";
  if (settings.spike_overbound) text << *settings.spike_overbound;
  if (!settings.spike_overbound) text << "none";
  text << " storage " << static_cast<int>(settings.storage);
  text << " Q " << settings.spike_charge << " tau " << settings.time_constant << " decay "
       << settings.tc_decay << " rise " << settings.tc_rise;
  return text.str();
}

inline cusynapse::SynapseOptions library_options(const reference::Settings& settings,
                                                 const cusynapse::Shape& shape) {
  cusynapse::SynapseOptions options;
  options.shape = shape;
  options.batch_size = settings.batch_size;
  options.step_time = settings.step_time;
  options.delay = settings.delay;
  options.interpolation = settings.nearest ? cusynapse::SpikeInterpolation::nearest
                                           : cusynapse::SpikeInterpolation::previous;
  options.tolerance = settings.tolerance;
  options.current_overbound = settings.current_overbound;
  options.spike_overbound = settings.spike_overbound;
  options.storage = static_cast<cusynapse::StorageType>(settings.storage);
  return options;
}

template <class T>
std::unique_ptr<cusynapse::CurrentSynapse<T>> make_synapse(
    const cusynapse::Stream& stream, const reference::Settings& settings,
    const cusynapse::SynapseOptions& options) {
  switch (settings.model) {
    case reference::Model::delta:
      return std::make_unique<cusynapse::DeltaCurrent<T>>(
          stream, options, cusynapse::DeltaParameters{settings.spike_charge});
    case reference::Model::delta_plus:
      return std::make_unique<cusynapse::DeltaPlusCurrent<T>>(
          stream, options, cusynapse::DeltaParameters{settings.spike_charge});
    case reference::Model::single_exponential:
      return std::make_unique<cusynapse::SingleExponentialCurrent<T>>(
          stream, options,
          cusynapse::ExponentialParameters{settings.spike_charge, settings.time_constant});
    case reference::Model::double_exponential:
      return std::make_unique<cusynapse::DoubleExponentialCurrent<T>>(
          stream, options,
          cusynapse::DoubleExponentialParameters{settings.spike_charge, settings.tc_decay,
                                                 settings.tc_rise});
    case reference::Model::alpha:
      return std::make_unique<cusynapse::AlphaCurrent<T>>(
          stream, options,
          cusynapse::ExponentialParameters{settings.spike_charge, settings.time_constant});
  }
  return nullptr;
}

template <class T>
std::unique_ptr<cusynapse::CurrentSynapse<T>> make_synapse(const cusynapse::Stream& stream,
                                                           const reference::Settings& settings) {
  return make_synapse<T>(stream, settings, library_options(settings, {settings.sample_size}));
}

/// How inputs are handed over.
enum class InputKind { values, bytes, bits };

inline const std::vector<InputKind>& input_kinds() {
  static const std::vector<InputKind> all = {InputKind::values, InputKind::bytes, InputKind::bits};
  return all;
}

/// Inputs as the oracle sees them; what a kind cannot hold does not come up. Weights are positive
/// and negative, and 0 is the most frequent one.
template <class T>
std::vector<T> random_inputs(support::Random& random, InputKind kind, std::int64_t count) {
  const std::vector<T> weights = {T(1), T(0.5), T(-1.5), T(1), T(-0.0), T(0.1)};
  std::vector<T> out;
  for (std::int64_t i = 0; i < count; ++i) {
    T value = random.chance(0.3) ? T(1) : T(0);
    if (kind == InputKind::bytes && value != 0) {
      value = static_cast<T>(random.chance(0.1) ? 255 : random.integer(1, 3));
    }
    if (kind == InputKind::values && value != 0) {
      value =
          random.chance(0.5) ? random.one_of(weights) : static_cast<T>(random.between(-2.0, 2.0));
    }
    out.push_back(value);
  }
  return out;
}

/// Inputs in device memory in one of the three forms.
template <class T>
class DeviceInput {
 public:
  /// `frames` of the shape after the leading extent, or one frame of it where frames is 0.
  DeviceInput(const cusynapse::Stream& stream, InputKind kind, const std::vector<T>& values,
              const cusynapse::Shape& shape, std::int64_t frames = 0)
      : kind_(kind), shape_(shape) {
    if (kind == InputKind::values) {
      values_.emplace(stream, values, shape);
      return;
    }
    std::vector<std::uint8_t> bytes;
    for (const T value : values) bytes.push_back(static_cast<std::uint8_t>(value));
    if (kind == InputKind::bits)
      bytes = support::pack_bits(bytes, std::max<std::int64_t>(frames, 1));
    const auto length = static_cast<std::int64_t>(bytes.size());
    bytes_.emplace(stream, bytes, kind == InputKind::bits ? cusynapse::Shape{length} : shape);
  }

  cusynapse::SpikeInput<T> input() {
    switch (kind_) {
      case InputKind::values:
        return values_->constant();
      case InputKind::bytes:
        return bytes_->constant();
      case InputKind::bits:
        break;
    }
    return cusynapse::PackedSpikes(bytes_->constant().data(), shape_);
  }

 private:
  InputKind kind_;
  cusynapse::Shape shape_;
  std::optional<support::DeviceArray<T>> values_;
  std::optional<support::DeviceArray<std::uint8_t>> bytes_;
};

/// Selectors of every sort: on the grid and off it, within the tolerance of it and just outside,
/// ties, negative and beyond the delay by little and by much, both ends; with `special`, infinities
/// and NaN as well.
template <class T>
std::vector<T> random_selectors(support::Random& random, const reference::Settings& settings,
                                std::int64_t count, bool special) {
  const double dt = settings.step_time;
  const double delay = settings.delay;
  const double tolerance = settings.tolerance;
  const std::int64_t last = reference::slots_for(delay, dt, true) - 1;
  std::vector<T> out;
  for (std::int64_t i = 0; i < count; ++i) {
    const double grid = static_cast<double>(random.integer(0, last)) * dt;
    const double sign = random.chance(0.5) ? 1.0 : -1.0;
    double time = 0.0;
    switch (random.integer(0, special ? 14 : 11)) {
      case 0:
        time = grid;
        break;
      case 1:
        time = random.between(0.0, delay);
        break;
      case 2:
        time = grid + sign * 0.98 * tolerance;
        break;
      case 3:
        time = grid + sign * (1.05 * tolerance + 1e-3 * dt);
        break;
      case 4:
        time = -random.between(0.0, 0.98) * tolerance;
        break;
      case 5:
        time = -random.between(0.0, 3.0) * dt - tolerance;
        break;
      case 6:
        time = delay + random.between(0.0, 0.98) * tolerance;
        break;
      case 7:
        time = delay + tolerance + random.between(0.01, 4.0) * dt;
        break;
      case 8:
        time = grid + 0.5 * dt;
        break;
      case 9:
        time = delay;
        break;
      case 10:
        time = sign * 0.0;
        break;
      case 11:
        time = random.chance(0.5) ? delay + dt : -dt;
        break;
      case 12:
        time = std::numeric_limits<double>::infinity();
        break;
      case 13:
        time = -std::numeric_limits<double>::infinity();
        break;
      default:
        time = std::numeric_limits<double>::quiet_NaN();
        break;
    }
    out.push_back(static_cast<T>(time));
  }
  return out;
}

/// The history of a trace, newest first, whichever way it is stored.
template <class T>
std::deque<std::vector<T>> trace_observations(const cusynapse::Stream& stream,
                                              const cusynapse::CurrentSynapse<T>& synapse,
                                              int index) {
  return cusynapse::visit_storage<T>(synapse.options().storage, [&](auto element) {
    using Stored = decltype(element);
    return support::observations<Stored>(stream, synapse.template trace_ring_as<Stored>(index));
  });
}

inline testing::AssertionResult named(const char* what, const testing::AssertionResult& result) {
  if (result) return result;
  return testing::AssertionFailure() << what << ": " << result.message();
}

template <class Value>
testing::AssertionResult same_history(const char* what, const std::deque<std::vector<Value>>& got,
                                      const std::deque<std::vector<Value>>& expected,
                                      const support::Tolerance<Value>& tolerance) {
  if (got.size() != expected.size()) {
    return testing::AssertionFailure()
           << what << ": got " << got.size() << " slots, expected " << expected.size();
  }
  for (std::size_t k = 0; k < got.size(); ++k) {
    const auto result = support::matches(got[k], expected[k], tolerance);
    if (!result) {
      return testing::AssertionFailure()
             << what << ", " << k + 1 << " steps back: " << result.message();
    }
  }
  return testing::AssertionSuccess();
}

/// How far a trace between two steps may lie from the oracle's: the error of an exponential
/// function.
template <class T>
support::Tolerance<T> trace_tolerance(const reference::Settings& settings) {
  if (settings.model == reference::Model::delta || settings.model == reference::Model::delta_plus) {
    return {};
  }
  return {support::exponential_relative<T>(), std::numeric_limits<T>::denorm_min(), {}};
}

/// The same of a trace that is then stored: of 16 bits one place, for what differs before it is
/// rounded may lie on either side of a tie.
template <class T>
support::Tolerance<T> resampled_tolerance(const reference::Settings& settings) {
  support::Tolerance<T> tolerance = trace_tolerance<T>(settings);
  if (tolerance.relative == 0.0 || settings.storage == reference::Storage::same) return tolerance;
  const bool is_float16 = settings.storage == reference::Storage::float16;
  tolerance.relative += is_float16 ? 0x1p-10 : 0x1p-7;
  if (is_float16) tolerance.absolute = 0x1p-24;
  return tolerance;
}

template <class T>
class SynapsePair {
 public:
  using Settings = reference::Settings;

  /// A new synapse shaped [size].
  SynapsePair(const cusynapse::Stream& stream, const Settings& settings)
      : SynapsePair(stream, settings, {settings.sample_size}) {}
  SynapsePair(const cusynapse::Stream& stream, const Settings& settings,
              const cusynapse::Shape& shape)
      : stream_(stream),
        shape_(shape),
        owned_(make_synapse<T>(stream, settings, library_options(settings, shape))),
        synapse_(owned_.get()),
        expected_(settings) {}
  /// One that somebody else owns, as a group does, new and shaped [size].
  SynapsePair(const cusynapse::Stream& stream, const Settings& settings,
              cusynapse::CurrentSynapse<T>& synapse)
      : stream_(stream), shape_({settings.sample_size}), synapse_(&synapse), expected_(settings) {}

  cusynapse::CurrentSynapse<T>& synapse() { return *synapse_; }
  reference::Synapse<T>& expected() { return expected_; }
  const Settings& settings() const { return expected_.settings(); }
  std::int64_t size() const { return expected_.size(); }

  cusynapse::Shape batched_shape() const { return shape_.prepended(settings().batch_size); }
  /// The shape of a selector with D samples; 0 means no such extent.
  cusynapse::Shape selector_shape(std::int64_t samples) const {
    return samples == 0 ? batched_shape() : batched_shape().appended(samples);
  }

  void step(const std::vector<T>& input, InputKind kind,
            const std::vector<std::vector<T>>& injected = {}) {
    DeviceInput<T> device_input(stream_, kind, input, batched_shape());
    std::vector<support::DeviceArray<T>> arrays;
    for (const std::vector<T>& currents : injected) {
      arrays.emplace_back(stream_, currents, batched_shape());
    }
    std::vector<cusynapse::View<const T>> views;
    for (const support::DeviceArray<T>& array : arrays) views.push_back(array.constant());
    synapse_->step(stream_, device_input.input(), views);
    stream_.synchronize();
    expected_.step(input, injected);
  }

  void step_sequence(const std::vector<T>& inputs, InputKind kind, std::int64_t steps) {
    DeviceInput<T> device_inputs(stream_, kind, inputs, batched_shape().prepended(steps), steps);
    synapse_->step_sequence(stream_, device_inputs.input());
    stream_.synchronize();
    for (std::int64_t t = 0; t < steps; ++t) {
      const auto first = inputs.begin() + t * size();
      expected_.step(std::vector<T>(first, first + size()));
    }
  }

  void clear() {
    synapse_->clear(stream_);
    expected_.clear();
    pointer_is_known_ = true;
  }
  void set_batch_size(std::int64_t batch_size) {
    if (batch_size != settings().batch_size) pointer_is_known_ = true;
    synapse_->set_batch_size(stream_, batch_size);
    expected_.set_batch_size(batch_size);
  }
  void set_step_time(double step_time, bool keep) {
    pointer_is_known_ = !keep;
    synapse_->set_step_time(stream_, step_time, change(keep));
    expected_.set_step_time(step_time, keep);
  }
  void set_delay(double delay, bool keep) {
    pointer_is_known_ = !keep;
    synapse_->set_delay(stream_, delay, change(keep));
    expected_.set_delay(delay, keep);
  }
  /// Of the single-exponential synapse alone.
  void set_time_constant(double time_constant) {
    static_cast<cusynapse::SingleExponentialCurrent<T>&>(*synapse_).set_time_constant(
        time_constant);
    expected_.set_time_constant(time_constant);
  }
  void set_spike(const std::vector<std::uint8_t>& spikes) {
    const support::DeviceArray<std::uint8_t> array(stream_, spikes, batched_shape());
    synapse_->set_spike(stream_, array.constant());
    stream_.synchronize();
    expected_.set_spike(spikes);
  }
  /// Of the models with one trace, and by name of the double-exponential ones.
  void set_trace(int index, const std::vector<T>& values) {
    const support::DeviceArray<T> array(stream_, values, batched_shape());
    if (settings().model == reference::Model::double_exponential) {
      auto& synapse = static_cast<cusynapse::DoubleExponentialCurrent<T>&>(*synapse_);
      if (index == 0) synapse.set_pos_current(stream_, array.constant());
      if (index == 1) synapse.set_neg_current(stream_, array.constant());
    } else {
      synapse_->set_current(stream_, array.constant());
    }
    stream_.synchronize();
    expected_.set_trace(index, values);
  }

  /// For a change made to the synapse itself that may have moved its storage.
  void forget_pointer() { pointer_is_known_ = false; }

  /// What the synapse is, and everything it remembers.
  testing::AssertionResult check_state() {
    const auto histories = check_histories({});
    if (!histories) return histories;
    support::DeviceArray<std::uint8_t> spike(stream_, batched_shape(),
                                             support::untouched<std::uint8_t>());
    synapse_->spike(stream_, spike.view());
    const auto newest_spike = named("spike", support::matches(spike.host(), expected_.spike()));
    if (!newest_spike) return newest_spike;
    return named("current", support::matches(current(), expected_.current()));
  }

  /// The same after a change of dt that kept the history: traces that decay may differ by the error
  /// of an exponential function, and the oracle goes on with the library's values.
  testing::AssertionResult check_resampled() {
    const auto histories = check_histories(resampled_tolerance<T>(settings()));
    if (!histories) return histories;
    for (int index = 0; index < expected_.trace_count(); ++index) {
      expected_.adopt(index, trace_observations(stream_, *synapse_, index));
    }
    return check_state();
  }

  std::vector<T> current() {
    support::DeviceArray<T> out(stream_, batched_shape(), support::untouched<T>());
    synapse_->current(stream_, out.view());
    return out.host();
  }
  std::vector<T> current_at(const std::vector<T>& selector, std::int64_t samples) {
    return selected(selector, samples,
                    [&](auto in, auto out) { synapse_->current_at(stream_, in, out); });
  }
  std::vector<std::uint8_t> spike_at(const std::vector<T>& selector, std::int64_t samples) {
    const support::DeviceArray<T> in(stream_, selector, selector_shape(samples));
    support::DeviceArray<std::uint8_t> out(stream_, selector_shape(samples),
                                           support::untouched<std::uint8_t>());
    synapse_->spike_at(stream_, in.constant(), out.view());
    return out.host();
  }

  /// Everything that can be asked at a selector of D samples (0: no such extent).
  testing::AssertionResult check_query(const std::vector<T>& selector, std::int64_t samples) {
    const std::int64_t per_element = samples == 0 ? 1 : samples;
    const auto spikes = named(
        "spike_at",
        support::matches(spike_at(selector, samples), expected_.spike_at(selector, per_element)));
    if (!spikes) return spikes;
    const auto wanted = expected_.current_at(selector, per_element);
    const auto currents = named(
        "current_at",
        support::matches(current_at(selector, samples), wanted.values, current_tolerance(wanted)));
    if (!currents || settings().model != reference::Model::double_exponential) return currents;
    const auto& parts = static_cast<cusynapse::DoubleExponentialCurrent<T>&>(*synapse_);
    const auto pos = selected(selector, samples,
                              [&](auto in, auto out) { parts.pos_current_at(stream_, in, out); });
    const auto neg = selected(selector, samples,
                              [&](auto in, auto out) { parts.neg_current_at(stream_, in, out); });
    const auto pos_result = named(
        "pos_current_at",
        support::matches(pos, expected_.trace_at(0, selector, per_element), trace_tolerance()));
    if (!pos_result) return pos_result;
    return named(
        "neg_current_at",
        support::matches(neg, expected_.trace_at(1, selector, per_element), trace_tolerance()));
  }

 private:
  static cusynapse::HistoryChange change(bool keep) {
    return keep ? cusynapse::HistoryChange::keep : cusynapse::HistoryChange::clear;
  }

  template <class Call>
  std::vector<T> selected(const std::vector<T>& selector, std::int64_t samples, Call call) {
    const support::DeviceArray<T> in(stream_, selector, selector_shape(samples));
    support::DeviceArray<T> out(stream_, selector_shape(samples), support::untouched<T>());
    call(in.constant(), out.view());
    return out.host();
  }

  support::Tolerance<T> trace_tolerance() const {
    return model_test::trace_tolerance<T>(settings());
  }
  support::Tolerance<T> current_tolerance(const typename reference::Synapse<T>::Selected& wanted) {
    support::Tolerance<T> tolerance = trace_tolerance();
    if (settings().model == reference::Model::double_exponential) {
      for (const T magnitude : wanted.magnitudes) {
        const T scale = std::max(magnitude, static_cast<T>(std::fabs(settings().spike_charge)));
        tolerance.by_element.push_back(static_cast<T>(support::difference_relative<T>()) * scale);
      }
    }
    return tolerance;
  }

  testing::AssertionResult check_histories(const support::Tolerance<T>& tolerance) {
    const auto numbers = check_numbers();
    if (!numbers) return numbers;
    const auto spikes =
        same_history("spike history", support::observations<bool>(stream_, synapse_->spike_ring()),
                     expected_.spikes().newest_first(), {});
    if (!spikes) return spikes;
    for (int index = 0; index < expected_.trace_count(); ++index) {
      const auto trace = same_history(index == 0 ? "trace 0 history" : "trace 1 history",
                                      trace_observations(stream_, *synapse_, index),
                                      expected_.trace(index).newest_first(), tolerance);
      if (!trace) return trace;
    }
    return testing::AssertionSuccess();
  }

  testing::AssertionResult check_numbers() {
    std::ostringstream text;
    text.precision(17);
    const auto expect = [&text](const char* what, auto got, auto wanted) {
      if (got != wanted) text << what << " is " << got << ", expected " << wanted << "; ";
    };
    expect("batch_size", synapse_->batch_size(), settings().batch_size);
    expect("step_time", synapse_->step_time(), settings().step_time);
    expect("delay", synapse_->delay(), settings().delay);
    expect("slots", static_cast<std::int64_t>(synapse_->slots()), expected_.slots());
    expect("shape", to_string(synapse_->shape()), to_string(shape_));
    expect("batched_shape", to_string(synapse_->batched_shape()), to_string(batched_shape()));
    expect("name", synapse_->name(), std::string(class_name(settings().model)));
    expect("storage", static_cast<int>(synapse_->options().storage),
           static_cast<int>(settings().storage));
    expect("trace_count", synapse_->trace_count(), expected_.trace_count());
    if (pointer_is_known_) {
      expect("pointer", static_cast<std::int64_t>(synapse_->pointer(stream_)), expected_.pointer());
    }
    if (text.str().empty()) return testing::AssertionSuccess();
    return testing::AssertionFailure() << text.str();
  }

  cusynapse::Stream stream_;
  cusynapse::Shape shape_;
  std::unique_ptr<cusynapse::CurrentSynapse<T>> owned_;
  cusynapse::CurrentSynapse<T>* synapse_;
  reference::Synapse<T> expected_;
  // Where a kept history lies in its storage is not promised.
  bool pointer_is_known_ = true;
};

/// Calls `test.template operator()<T>(model)` for both types and all five classes.
template <class Test>
void for_each_class(const Test& test) {
  for (const reference::Model model : models()) {
    {
      SCOPED_TRACE(testing::Message() << class_name(model) << "<float>");
      test.template operator()<float>(model);
    }
    {
      SCOPED_TRACE(testing::Message() << class_name(model) << "<double>");
      test.template operator()<double>(model);
    }
  }
}

/// Steps both with random inputs.
template <class T>
void run(SynapsePair<T>& pair, support::Random& random, InputKind kind, std::int64_t steps) {
  for (std::int64_t t = 0; t < steps; ++t) {
    pair.step(random_inputs<T>(random, kind, pair.size()), kind);
  }
}

}  // namespace model_test
