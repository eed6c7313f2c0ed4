// Neurons of the library beside the oracle's, going through the same calls.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "cusynapse/neuron.hpp"
#include "reference/neuron.hpp"
#include "support/compare.hpp"
#include "support/device_array.hpp"

namespace model_test {

inline cusynapse::NeuronOptions neuron_options(const reference::NeuronSettings& settings) {
  cusynapse::NeuronOptions options;
  options.shape = {settings.sample_size};
  options.batch_size = settings.batch_size;
  options.step_time = settings.step_time;
  return options;
}

inline cusynapse::LeakyIntegrateAndFireParameters neuron_parameters(
    const reference::NeuronSettings& settings) {
  cusynapse::LeakyIntegrateAndFireParameters parameters;
  parameters.time_constant = settings.time_constant;
  parameters.rest_voltage = settings.rest_voltage;
  parameters.reset_voltage = settings.reset_voltage;
  parameters.threshold_voltage = settings.threshold_voltage;
  parameters.refractory_period = settings.refractory_period;
  parameters.resistance = settings.resistance;
  return parameters;
}

template <class T>
class NeuronPair {
 public:
  NeuronPair(const cusynapse::Stream& stream, const reference::NeuronSettings& settings)
      : stream_(stream),
        neurons_(stream, neuron_options(settings), neuron_parameters(settings)),
        expected_(settings) {}

  cusynapse::LeakyIntegrateAndFire<T>& neurons() { return neurons_; }
  const reference::Neuron<T>& expected() const { return expected_; }
  std::int64_t size() const { return expected_.size(); }
  cusynapse::Shape shape() const { return neurons_.batched_shape(); }

  /// Steps both; what the step wrote is checked.
  testing::AssertionResult forward(const std::vector<T>& current) {
    const support::DeviceArray<T> in(stream_, current, shape());
    support::DeviceArray<std::uint8_t> spikes(stream_, shape(), support::untouched<std::uint8_t>());
    neurons_.forward(stream_, in.constant(), spikes.view());
    expected_.forward(current);
    const auto result = support::matches(spikes.host(), expected_.spike());
    return result ? result : testing::AssertionFailure() << "spikes written: " << result.message();
  }

  void set_voltage(const std::vector<T>& voltage) {
    const support::DeviceArray<T> in(stream_, voltage, shape());
    neurons_.set_voltage(stream_, in.constant());
    expected_.set_voltage(voltage);
  }
  void clear() {
    neurons_.clear(stream_);
    expected_.clear();
  }
  void set_batch_size(std::int64_t batch_size) {
    neurons_.set_batch_size(stream_, batch_size);
    expected_.set_batch_size(batch_size);
  }
  void set_step_time(double step_time) {
    neurons_.set_step_time(stream_, step_time);
    expected_.set_step_time(step_time);
  }

  /// Whether everything that can be asked for is the oracle's, bit for bit.
  testing::AssertionResult check() const {
    const reference::NeuronSettings& settings = expected_.settings();
    if (neurons_.batch_size() != settings.batch_size ||
        neurons_.step_time() != settings.step_time || neurons_.count() != settings.sample_size) {
      return testing::AssertionFailure()
             << "batch size, step time, count: " << neurons_.batch_size() << ", "
             << neurons_.step_time() << ", " << neurons_.count();
    }
    support::DeviceArray<T> values(stream_, shape(), support::untouched<T>());
    neurons_.voltage(stream_, values.view());
    const auto voltage = support::matches(values.host(), expected_.voltage());
    if (!voltage) return testing::AssertionFailure() << "voltage: " << voltage.message();
    neurons_.refractory_time(stream_, values.view());
    const auto time = support::matches(values.host(), expected_.refractory_time());
    if (!time) return testing::AssertionFailure() << "refractory time: " << time.message();
    support::DeviceArray<std::uint8_t> flags(stream_, shape(), support::untouched<std::uint8_t>());
    neurons_.spike(stream_, flags.view());
    const auto spike = support::matches(flags.host(), expected_.spike());
    if (!spike) return testing::AssertionFailure() << "spike: " << spike.message();
    return testing::AssertionSuccess();
  }

 private:
  cusynapse::Stream stream_;
  cusynapse::LeakyIntegrateAndFire<T> neurons_;
  reference::Neuron<T> expected_;
};

}  // namespace model_test
