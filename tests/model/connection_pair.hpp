// A connection of the library next to its oracle: everything done to one is done to the other, and
// every check compares the two.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "cusynapse/connection.hpp"
#include "model/synapse_pair.hpp"
#include "reference/connection.hpp"
#include "support/compare.hpp"
#include "support/device_array.hpp"
#include "support/random.hpp"

namespace model_test {

using cusynapse::Output;
using cusynapse::Parameter;
using reference::ConnectionKind;
using reference::ConnectionSettings;

inline const std::vector<ConnectionKind>& connection_kinds() {
  static const std::vector<ConnectionKind> all = {ConnectionKind::dense, ConnectionKind::direct,
                                                  ConnectionKind::lateral,
                                                  ConnectionKind::convolution};
  return all;
}

inline const std::vector<Parameter>& parameters() {
  static const std::vector<Parameter> all = {Parameter::weight, Parameter::bias, Parameter::delay};
  return all;
}

inline const char* class_name(ConnectionKind kind) {
  switch (kind) {
    case ConnectionKind::dense:
      return "LinearDense";
    case ConnectionKind::direct:
      return "LinearDirect";
    case ConnectionKind::lateral:
      return "LinearLateral";
    case ConnectionKind::convolution:
      return "Conv2D";
  }
  return "";
}

inline std::string describe(const ConnectionSettings& settings) {
  std::ostringstream text;
  text << class_name(settings.kind) << (settings.biased ? " with bias" : "")
       << (settings.has_delays ? " with delays" : "");
  if (settings.weight_storage != reference::Storage::same) {
    text << " and weights of storage " << static_cast<int>(settings.weight_storage);
  }
  if (settings.kind == ConnectionKind::dense) text << " to " << settings.outputs;
  if (settings.kind == ConnectionKind::convolution) {
    const reference::Convolution& shape = settings.convolution;
    text << " of " << shape.channels << "x" << shape.height << "x" << shape.width << " by "
         << shape.filters << " filters";
    const auto pair = [&text](const char* what, const std::int64_t(&extents)[2]) {
      text << " " << what << " " << extents[0] << "x" << extents[1];
    };
    pair("kernel", shape.kernel);
    pair("stride", shape.stride);
    pair("padding", shape.padding);
    pair("dilation", shape.dilation);
  }
  text << " from " << describe(settings.synapse);
  return text.str();
}

/// Settings that fit together: pixels of a convolution, no largest delay without delays.
inline ConnectionSettings consistent(ConnectionSettings settings) {
  if (settings.kind == ConnectionKind::convolution) {
    settings.synapse.sample_size = settings.convolution.pixels();
  }
  if (!settings.has_delays) settings.synapse.delay = 0.0;
  return settings;
}

inline cusynapse::Shape input_shape(const ConnectionSettings& settings) {
  const reference::Convolution& shape = settings.convolution;
  if (settings.kind == ConnectionKind::convolution) {
    return {shape.channels, shape.height, shape.width};
  }
  return {settings.synapse.sample_size};
}

inline cusynapse::Shape output_shape(const ConnectionSettings& settings) {
  const reference::Convolution& shape = settings.convolution;
  switch (settings.kind) {
    case ConnectionKind::dense:
      return {settings.outputs};
    case ConnectionKind::direct:
    case ConnectionKind::lateral:
      return {settings.synapse.sample_size};
    case ConnectionKind::convolution:
      return {shape.filters, shape.out_height(), shape.out_width()};
  }
  return {};
}

inline cusynapse::Shape weight_shape(const ConnectionSettings& settings) {
  const std::int64_t size = settings.synapse.sample_size;
  const reference::Convolution& shape = settings.convolution;
  switch (settings.kind) {
    case ConnectionKind::dense:
      return {settings.outputs, size};
    case ConnectionKind::direct:
      return {size};
    case ConnectionKind::lateral:
      return {size, size};
    case ConnectionKind::convolution:
      return {shape.filters, shape.channels, shape.kernel[0], shape.kernel[1]};
  }
  return {};
}

inline cusynapse::Shape bias_shape(const ConnectionSettings& settings) {
  if (settings.kind == ConnectionKind::convolution) return {settings.convolution.filters};
  return output_shape(settings);
}

/// Of one sample.
inline cusynapse::Shape synaptic_shape(const ConnectionSettings& settings) {
  if (settings.kind == ConnectionKind::convolution) {
    return {settings.convolution.patch(), settings.convolution.positions()};
  }
  return {settings.synapse.sample_size};
}

/// With the batch.
inline cusynapse::Shape selector_shape(const ConnectionSettings& settings) {
  std::int64_t last = 1;
  if (settings.kind == ConnectionKind::dense) last = settings.outputs;
  if (settings.kind == ConnectionKind::lateral) last = settings.synapse.sample_size;
  if (settings.kind == ConnectionKind::convolution) last = settings.convolution.filters;
  return synaptic_shape(settings).prepended(settings.synapse.batch_size).appended(last);
}

inline cusynapse::Conv2DOptions convolution_options(const reference::Convolution& shape) {
  cusynapse::Conv2DOptions options;
  options.channels = shape.channels;
  options.height = shape.height;
  options.width = shape.width;
  options.filters = shape.filters;
  for (int axis = 0; axis < 2; ++axis) {
    options.kernel[axis] = shape.kernel[axis];
    options.stride[axis] = shape.stride[axis];
    options.padding[axis] = shape.padding[axis];
    options.dilation[axis] = shape.dilation[axis];
  }
  return options;
}

inline cusynapse::StorageType library_storage(reference::Storage storage) {
  return static_cast<cusynapse::StorageType>(storage);
}

inline cusynapse::ConnectionOptions connection_options(const ConnectionSettings& settings,
                                                       std::uint64_t seed) {
  cusynapse::ConnectionOptions options;
  options.biased = settings.biased;
  if (settings.has_delays) options.delay = settings.synapse.delay;
  options.step_time = settings.synapse.step_time;
  options.batch_size = settings.synapse.batch_size;
  options.seed = seed;
  options.weight_storage = library_storage(settings.weight_storage);
  return options;
}

/// Makes synapses of these settings, as far as a connection does not say otherwise.
template <class T>
cusynapse::SynapseFactory<T> synapse_factory(const reference::Settings& settings) {
  return [settings](const cusynapse::Stream& stream, const cusynapse::Shape& shape,
                    double step_time, double delay, std::int64_t batch_size) {
    reference::Settings wanted = settings;
    wanted.step_time = step_time;
    wanted.delay = delay;
    wanted.batch_size = batch_size;
    return make_synapse<T>(stream, wanted, library_options(wanted, shape));
  };
}

template <class T>
std::unique_ptr<cusynapse::Connection<T>> make_connection(const cusynapse::Stream& stream,
                                                          const ConnectionSettings& settings,
                                                          std::uint64_t seed) {
  const cusynapse::ConnectionOptions options = connection_options(settings, seed);
  const cusynapse::SynapseFactory<T> factory = synapse_factory<T>(settings.synapse);
  const cusynapse::Shape input = input_shape(settings);
  switch (settings.kind) {
    case ConnectionKind::dense:
      return std::make_unique<cusynapse::LinearDense<T>>(stream, input, output_shape(settings),
                                                         options, factory);
    case ConnectionKind::direct:
      return std::make_unique<cusynapse::LinearDirect<T>>(stream, input, options, factory);
    case ConnectionKind::lateral:
      return std::make_unique<cusynapse::LinearLateral<T>>(stream, input, options, factory);
    case ConnectionKind::convolution:
      return std::make_unique<cusynapse::Conv2D<T>>(
          stream, convolution_options(settings.convolution), options, factory);
  }
  return nullptr;
}

/// With a synapse that exists.
template <class T>
std::unique_ptr<cusynapse::Connection<T>> make_connection(
    const cusynapse::Stream& stream, const ConnectionSettings& settings, std::uint64_t seed,
    std::shared_ptr<cusynapse::Synapse<T>> synapse) {
  switch (settings.kind) {
    case ConnectionKind::dense:
      return std::make_unique<cusynapse::LinearDense<T>>(stream, output_shape(settings),
                                                         std::move(synapse), settings.biased, seed);
    case ConnectionKind::direct:
      return std::make_unique<cusynapse::LinearDirect<T>>(stream, std::move(synapse),
                                                          settings.biased, seed);
    case ConnectionKind::lateral:
      return std::make_unique<cusynapse::LinearLateral<T>>(stream, std::move(synapse),
                                                           settings.biased, seed);
    case ConnectionKind::convolution:
      return std::make_unique<cusynapse::Conv2D<T>>(stream,
                                                    convolution_options(settings.convolution),
                                                    std::move(synapse), settings.biased, seed);
  }
  return nullptr;
}

/// Ways to write a parameter.
enum class Way { set, set_from_host, edit };

inline const std::vector<Way>& ways() {
  static const std::vector<Way> all = {Way::set, Way::set_from_host, Way::edit};
  return all;
}

template <class T>
void write_parameter(const cusynapse::Stream& stream, cusynapse::Connection<T>& connection,
                     Parameter parameter, const std::vector<T>& values, Way way) {
  const cusynapse::Shape& shape = connection.parameter_shape(parameter);
  switch (way) {
    case Way::set:
      connection.set(stream, parameter, support::DeviceArray<T>(stream, values, shape).constant());
      stream.synchronize();
      break;
    case Way::set_from_host:
      connection.set_from_host(stream, parameter, values);
      break;
    case Way::edit:
      cusynapse::memory::copy_from_host(stream, connection.edit(parameter).data(), values.data(),
                                        values.size() * sizeof(T));
      break;
  }
}

/// What sort of delays a connection has.
enum class DelayKind { none, largest_is_zero, zero, on_grid, off_grid, out_of_range, not_a_number };

inline const std::vector<DelayKind>& delay_kinds() {
  static const std::vector<DelayKind> all = {
      DelayKind::none,     DelayKind::largest_is_zero, DelayKind::zero,        DelayKind::on_grid,
      DelayKind::off_grid, DelayKind::out_of_range,    DelayKind::not_a_number};
  return all;
}

template <class T>
std::vector<T> random_delays(support::Random& random, const reference::Settings& synapse,
                             std::int64_t count, DelayKind kind) {
  const std::int64_t last = reference::slots_for(synapse.delay, synapse.step_time, true) - 1;
  const auto on_grid = [&] {
    return static_cast<double>(random.integer(0, last)) * synapse.step_time;
  };
  std::vector<T> out;
  for (std::int64_t i = 0; i < count; ++i) {
    switch (kind) {
      case DelayKind::none:
      case DelayKind::zero:
        out.push_back(T(0));
        break;
      case DelayKind::on_grid: {
        const double time = on_grid();
        out.push_back(static_cast<T>(time > synapse.delay ? synapse.delay : time));
        break;
      }
      case DelayKind::off_grid:
        out.push_back(static_cast<T>(random.between(0.0, synapse.delay)));
        break;
      case DelayKind::largest_is_zero:
      case DelayKind::out_of_range:
        out.push_back(random_selectors<T>(random, synapse, 1, false)[0]);
        break;
      case DelayKind::not_a_number:
        out.push_back(random.chance(0.2) ? std::numeric_limits<T>::quiet_NaN()
                                         : random_selectors<T>(random, synapse, 1, true)[0]);
        break;
    }
  }
  return out;
}

/// Of both signs, some 0.
template <class T>
std::vector<T> random_weights(support::Random& random, std::int64_t count) {
  std::vector<T> out;
  for (std::int64_t i = 0; i < count; ++i) {
    out.push_back(random.chance(0.1) ? T(0) : static_cast<T>(random.between(-1.0, 1.0)));
  }
  return out;
}

/// How far a weighted sum may lie from the oracle's, relative to the sum of the sizes of its terms:
/// 1e-5 in float, the same number of units in the last place in double. Relative to the result
/// itself nothing could be promised: where terms cancel, the roundings of the terms stay.
template <class T>
constexpr double sum_relative() {
  return 1e-5 * (static_cast<double>(std::numeric_limits<T>::epsilon()) /
                 static_cast<double>(std::numeric_limits<float>::epsilon()));
}

/// Compares with values and magnitudes of the oracle, roundings on top where there are any.
template <class T, class Expected>
testing::AssertionResult matches_magnitudes(const std::vector<T>& got, const Expected& expected,
                                            double relative) {
  std::vector<T> values;
  support::Tolerance<T> tolerance;
  for (std::size_t i = 0; i < expected.values.size(); ++i) {
    values.push_back(static_cast<T>(expected.values[i]));
    const double rounding =
        expected.roundings.empty() ? 0.0 : static_cast<double>(expected.roundings[i]);
    tolerance.by_element.push_back(
        static_cast<T>(static_cast<double>(expected.magnitudes[i]) * relative + rounding));
  }
  return support::matches(got, values, tolerance);
}

template <class T>
class ConnectionPair {
 public:
  ConnectionPair(const cusynapse::Stream& stream, const ConnectionSettings& settings,
                 std::uint64_t seed = 1)
      : stream_(stream),
        connection_(make_connection<T>(stream, consistent(settings), seed)),
        expected_(consistent(settings),
                  std::make_shared<reference::Synapse<T>>(consistent(settings).synapse)) {
    adopt_initial();
  }
  /// Over a synapse and its oracle that exist and may be shared.
  ConnectionPair(const cusynapse::Stream& stream, const ConnectionSettings& settings,
                 std::shared_ptr<cusynapse::CurrentSynapse<T>> synapse,
                 std::shared_ptr<reference::Synapse<T>> expected_synapse, std::uint64_t seed = 1)
      : stream_(stream),
        connection_(make_connection<T>(stream, settings, seed, std::move(synapse))),
        expected_(settings, std::move(expected_synapse)) {
    connection_->set_weight_storage(stream, library_storage(settings.weight_storage));
    adopt_initial();
  }

  cusynapse::Connection<T>& connection() { return *connection_; }
  reference::Connection<T>& expected() { return expected_; }
  cusynapse::CurrentSynapse<T>& synapse() {
    return dynamic_cast<cusynapse::CurrentSynapse<T>&>(connection_->synapse());
  }
  /// What the oracle is now.
  ConnectionSettings settings() const {
    ConnectionSettings out = expected_.settings();
    out.synapse = expected_.synapse().settings();
    return out;
  }
  std::int64_t input_size() const { return expected_.batch_size() * expected_.inputs(); }
  std::int64_t output_size() const { return expected_.batch_size() * expected_.outputs(); }
  cusynapse::Shape batched_input() const { return batched(input_shape(settings())); }
  cusynapse::Shape batched_output() const { return batched(output_shape(settings())); }
  cusynapse::Shape batched_synaptic() const { return batched(synaptic_shape(settings())); }
  /// The result of the last call that gave one.
  const std::vector<T>& output() const { return output_; }

  bool has(Parameter parameter) const {
    if (parameter == Parameter::bias) return expected_.settings().biased;
    return parameter == Parameter::weight || expected_.settings().has_delays;
  }
  std::int64_t count(Parameter parameter) const {
    return parameter == Parameter::bias ? expected_.bias_count() : expected_.weight_count();
  }
  const std::vector<T>& expected_parameter(Parameter parameter) const {
    if (parameter == Parameter::bias) return expected_.bias();
    return parameter == Parameter::weight ? expected_.weight() : expected_.delay();
  }
  void set(Parameter parameter, const std::vector<T>& values, Way way = Way::set) {
    write_parameter(stream_, *connection_, parameter, values, way);
    if (parameter == Parameter::weight) expected_.set_weight(values);
    if (parameter == Parameter::bias) expected_.set_bias(values);
    if (parameter == Parameter::delay) expected_.set_delay(values);
  }
  /// All there are.
  void set_random_parameters(support::Random& random, DelayKind delays) {
    set(Parameter::weight, random_weights<T>(random, count(Parameter::weight)),
        random.one_of(ways()));
    if (has(Parameter::bias)) {
      set(Parameter::bias, random_weights<T>(random, count(Parameter::bias)),
          random.one_of(ways()));
    }
    if (has(Parameter::delay)) {
      // NaN can only be written past the checks.
      const bool checked = delays != DelayKind::not_a_number;
      set(Parameter::delay,
          random_delays<T>(random, settings().synapse, count(Parameter::delay), delays),
          checked ? random.one_of(ways()) : Way::edit);
    }
  }

  /// Steps both and compares; with `before`, adds to that output.
  testing::AssertionResult forward(const std::vector<T>& input, InputKind kind,
                                   const std::vector<T>& before = {},
                                   const std::vector<std::vector<T>>& injected = {}) {
    DeviceInput<T> device_input(stream_, kind, input, batched_input());
    std::vector<support::DeviceArray<T>> arrays;
    for (const std::vector<T>& currents : injected) {
      arrays.emplace_back(stream_, currents, batched_input());
    }
    std::vector<cusynapse::View<const T>> views;
    for (const support::DeviceArray<T>& array : arrays) views.push_back(array.constant());
    support::DeviceArray<T> out = output_array(before, batched_output());
    connection_->forward(stream_, device_input.input(), out.view(), output_mode(before), views);
    output_ = out.host();
    expected_.synapse().step(input, injected);
    return named("forward", check_sum(output_, before));
  }

  /// The sum over the history as it is.
  testing::AssertionResult sum(const std::vector<T>& before = {}) {
    support::DeviceArray<T> out = output_array(before, batched_output());
    connection_->sum(stream_, out.view(), output_mode(before));
    output_ = out.host();
    return named("sum", check_sum(output_, before));
  }

  testing::AssertionResult forward_sequence(const std::vector<T>& inputs, InputKind kind,
                                            std::int64_t steps, const std::vector<T>& before = {}) {
    DeviceInput<T> device_inputs(stream_, kind, inputs, batched_input().prepended(steps), steps);
    support::DeviceArray<T> out = output_array(before, batched_output().prepended(steps));
    connection_->forward_sequence(stream_, device_inputs.input(), out.view(), output_mode(before));
    output_ = out.host();
    testing::AssertionResult result = testing::AssertionSuccess();
    for (std::int64_t t = 0; t < steps; ++t) {
      expected_.synapse().step(frame(inputs, t, input_size()));
      if (!result) continue;
      const std::vector<T> before_step = before.empty() ? before : frame(before, t, output_size());
      const auto step = check_sum(frame(output_, t, output_size()), before_step);
      if (!step) {
        result = testing::AssertionFailure()
                 << "forward_sequence, step " << t << ": " << step.message();
      }
    }
    return result;
  }

  /// Random inputs, and injected currents where the model takes some.
  testing::AssertionResult forward(support::Random& random, InputKind kind) {
    std::vector<std::vector<T>> injected;
    if (settings().synapse.model == reference::Model::delta_plus) {
      const std::int64_t arrays = random.integer(0, 2);
      for (std::int64_t i = 0; i < arrays; ++i) {
        injected.push_back(random.values<T>(input_size(), -1.0, 1.0));
      }
    }
    std::vector<T> before;
    if (random.chance(0.3)) before = random.values<T>(output_size(), -2.0, 2.0);
    return forward(random_inputs<T>(random, kind, input_size()), kind, before, injected);
  }

  void clear() {
    connection_->clear(stream_);
    expected_.synapse().clear();
  }
  void set_batch_size(std::int64_t batch_size) {
    connection_->set_batch_size(stream_, batch_size);
    expected_.synapse().set_batch_size(batch_size);
  }
  void set_step_time(double step_time, bool keep) {
    connection_->set_step_time(stream_, step_time, history_change(keep));
    expected_.synapse().set_step_time(step_time, keep);
  }
  void set_delayed_by(double delay, bool keep) {
    connection_->set_delayed_by(stream_, delay, history_change(keep));
    expected_.synapse().set_delay(delay, keep);
  }
  void set_weight_storage(reference::Storage storage) {
    connection_->set_weight_storage(stream_, library_storage(storage));
    expected_.set_weight_storage(storage);
  }
  void clamp_delays() {
    connection_->clamp_delays(stream_);
    expected_.clamp_delays();
  }

  /// What the connection is, its parameters, and everything its synapse remembers.
  testing::AssertionResult check_state() { return check_state({}); }

  /// The same after a change of dt that kept the history: traces that decay may differ by the error
  /// of an exponential function, and the oracle goes on with the library's values.
  testing::AssertionResult check_resampled() {
    const auto histories = check_state(resampled_tolerance<T>(settings().synapse));
    if (!histories) return histories;
    reference::Synapse<T>& synapse_oracle = expected_.synapse();
    for (int index = 0; index < synapse_oracle.trace_count(); ++index) {
      synapse_oracle.adopt(index, trace_observations(stream_, synapse(), index));
    }
    return testing::AssertionSuccess();
  }

  /// A diagonal written by hand stays until the plan is renewed; the oracle's is mended at once.
  void mend_diagonal() {
    if (settings().kind == ConnectionKind::lateral) connection_->prepare(stream_);
  }

  /// Everything a learning rule can ask for that needs no input.
  testing::AssertionResult check_selection() {
    mend_diagonal();
    const ConnectionSettings now = settings();
    const cusynapse::Shape full = selector_shape(now);
    if (connection_->selector_shape() != full) {
      return testing::AssertionFailure()
             << "selector_shape is " << to_string(connection_->selector_shape()) << ", expected "
             << to_string(full);
    }
    const cusynapse::Shape read = expected_.is_delayed() ? full : batched_synaptic();
    if (connection_->synaptic_selection_shape() != read) {
      return testing::AssertionFailure()
             << "synaptic_selection_shape is " << to_string(connection_->synaptic_selection_shape())
             << ", expected " << to_string(read);
    }
    support::DeviceArray<T> selector(stream_, full, support::untouched<T>());
    connection_->selector(stream_, selector.view());
    const auto same_selector =
        named("selector", support::matches(selector.host(), expected_.selector()));
    if (!same_selector) return same_selector;
    support::DeviceArray<std::uint8_t> spikes(stream_, read, support::untouched<std::uint8_t>());
    connection_->synspike(stream_, spikes.view());
    const auto same_spikes =
        named("synspike", support::matches(spikes.host(), expected_.synspike()));
    if (!same_spikes) return same_spikes;
    support::DeviceArray<T> currents(stream_, read, support::untouched<T>());
    connection_->syncurrent(stream_, currents.view());
    // A difference of two exponentials, or a sum and a product, is a few roundings more.
    return named("syncurrent", matches_magnitudes(currents.host(), expected_.syncurrent(),
                                                  2 * support::exponential_relative<T>()));
  }

 private:
  static cusynapse::HistoryChange history_change(bool keep) {
    return keep ? cusynapse::HistoryChange::keep : cusynapse::HistoryChange::clear;
  }
  static std::vector<T> frame(const std::vector<T>& frames, std::int64_t index, std::int64_t size) {
    const auto first = frames.begin() + index * size;
    return std::vector<T>(first, first + size);
  }
  static Output output_mode(const std::vector<T>& before) {
    return before.empty() ? Output::replace : Output::accumulate;
  }

  cusynapse::Shape batched(const cusynapse::Shape& shape) const {
    return shape.prepended(expected_.batch_size());
  }
  support::DeviceArray<T> output_array(const std::vector<T>& before,
                                       const cusynapse::Shape& shape) const {
    return before.empty() ? support::DeviceArray<T>(stream_, shape, support::untouched<T>())
                          : support::DeviceArray<T>(stream_, before, shape);
  }

  void adopt_initial() {
    expected_.set_weight(connection_->to_host(stream_, Parameter::weight));
    if (has(Parameter::bias)) {
      expected_.set_bias(connection_->to_host(stream_, Parameter::bias));
    }
  }

  testing::AssertionResult check_sum(const std::vector<T>& got, const std::vector<T>& before) {
    auto wanted = expected_.sum();
    for (std::size_t i = 0; i < before.size(); ++i) {
      wanted.values[i] += before[i];
      wanted.magnitudes[i] += std::fabs(before[i]);
    }
    return matches_magnitudes(got, wanted, sum_relative<T>());
  }

  testing::AssertionResult check_state(const support::Tolerance<T>& trace_tolerance) {
    const auto numbers = check_numbers();
    if (!numbers) return numbers;
    connection_->prepare(stream_);
    for (const Parameter parameter : parameters()) {
      if (!has(parameter)) continue;
      const auto values = named(parameter_name(parameter),
                                support::matches(connection_->to_host(stream_, parameter),
                                                 expected_parameter(parameter)));
      if (!values) return values;
    }
    reference::Synapse<T>& synapse_oracle = expected_.synapse();
    const auto spikes =
        same_history("spike history", support::observations<bool>(stream_, synapse().spike_ring()),
                     synapse_oracle.spikes().newest_first(), {});
    if (!spikes) return spikes;
    for (int index = 0; index < synapse_oracle.trace_count(); ++index) {
      const auto trace = same_history(index == 0 ? "trace 0 history" : "trace 1 history",
                                      trace_observations(stream_, synapse(), index),
                                      synapse_oracle.trace(index).newest_first(), trace_tolerance);
      if (!trace) return trace;
    }
    return testing::AssertionSuccess();
  }

  static const char* parameter_name(Parameter parameter) {
    if (parameter == Parameter::bias) return "bias";
    return parameter == Parameter::weight ? "weight" : "delay";
  }

  testing::AssertionResult check_numbers() {
    const ConnectionSettings now = settings();
    std::ostringstream text;
    text.precision(17);
    const auto expect = [&text](const char* what, auto got, auto wanted) {
      if (got != wanted) text << what << " is " << got << ", expected " << wanted << "; ";
    };
    const auto expect_shape = [&](const char* what, const cusynapse::Shape& got,
                                  const cusynapse::Shape& wanted) {
      expect(what, to_string(got), to_string(wanted));
    };
    expect("name", std::string(connection_->name()), std::string(class_name(now.kind)));
    expect("batch_size", connection_->batch_size(), now.synapse.batch_size);
    expect("the synapse's batch_size", synapse().batch_size(), now.synapse.batch_size);
    expect("step_time", connection_->step_time(), now.synapse.step_time);
    expect("biased", connection_->biased(), now.biased);
    expect("weight_storage", static_cast<int>(connection_->weight_storage()),
           static_cast<int>(now.weight_storage));
    expect("delayed_by is given", connection_->delayed_by().has_value(), now.has_delays);
    expect("delayed_by", connection_->delayed_by().value_or(0.0), now.synapse.delay);
    expect("is_delayed", connection_->is_delayed(), expected_.is_delayed());
    expect_shape("input_shape", connection_->input_shape(), input_shape(now));
    expect_shape("output_shape", connection_->output_shape(), output_shape(now));
    expect_shape("synaptic_shape", connection_->synaptic_shape(), synaptic_shape(now));
    expect_shape("weight_shape", connection_->weight_shape(), weight_shape(now));
    expect_shape("bias_shape", connection_->bias_shape(), bias_shape(now));
    for (const Parameter parameter : parameters()) {
      const char* what = parameter_name(parameter);
      expect(what, connection_->has(parameter), has(parameter));
      expect(what, connection_->get(parameter).data() != nullptr, has(parameter));
      expect_shape(what, connection_->parameter_shape(parameter),
                   parameter == Parameter::bias ? bias_shape(now) : weight_shape(now));
      if (has(parameter)) {
        expect_shape(what, connection_->get(parameter).shape(),
                     connection_->parameter_shape(parameter));
      }
    }
    if (text.str().empty()) return testing::AssertionSuccess();
    return testing::AssertionFailure() << text.str();
  }

  cusynapse::Stream stream_;
  std::unique_ptr<cusynapse::Connection<T>> connection_;
  reference::Connection<T> expected_;
  std::vector<T> output_;
};

/// Calls `test.template operator()<T>(kind)` for both types and all four classes.
template <class Test>
void for_each_connection(const Test& test) {
  for (const ConnectionKind kind : connection_kinds()) {
    {
      SCOPED_TRACE(testing::Message() << class_name(kind) << "<float>");
      test.template operator()<float>(kind);
    }
    {
      SCOPED_TRACE(testing::Message() << class_name(kind) << "<double>");
      test.template operator()<double>(kind);
    }
  }
}

/// A small connection of a class, with awkward sizes: 33 to 5, 33, 9, and 2x5x4 pixels by 3 filters
/// of 2x3 with padding.
inline ConnectionSettings small_settings(ConnectionKind kind, reference::Model model) {
  ConnectionSettings settings;
  settings.kind = kind;
  settings.synapse.model = model;
  settings.synapse.batch_size = 3;
  settings.synapse.sample_size = kind == ConnectionKind::lateral ? 9 : 33;
  settings.synapse.step_time = 0.5;
  settings.synapse.delay = 2.0;
  settings.synapse.spike_charge = 3.7;
  settings.synapse.time_constant = 4.3;
  settings.synapse.tc_decay = 6.1;
  settings.synapse.tc_rise = 1.9;
  settings.synapse.current_overbound = -2.25;
  settings.outputs = 5;
  settings.convolution.channels = 2;
  settings.convolution.height = 5;
  settings.convolution.width = 4;
  settings.convolution.filters = 3;
  settings.convolution.kernel[0] = 2;
  settings.convolution.kernel[1] = 3;
  settings.convolution.padding[0] = 1;
  settings.convolution.padding[1] = 1;
  settings.has_delays = true;
  settings.biased = true;
  return consistent(settings);
}

}  // namespace model_test
