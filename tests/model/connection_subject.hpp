// A connection of the library alone, and the comparison of its sums to the bit.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "cusynapse/connection.hpp"
#include "model/connection_pair.hpp"
#include "support/compare.hpp"
#include "support/device_array.hpp"
#include "support/random.hpp"

namespace model_test {

/// A part of an array.
template <class T>
std::vector<T> host_array(const std::vector<T>& frames, std::int64_t first, std::int64_t count) {
  const auto begin = frames.begin() + first;
  return std::vector<T>(begin, begin + count);
}

/// A connection of the library alone, for comparisons of it with itself.
template <class T>
class Subject {
 public:
  Subject(const cusynapse::Stream& stream, const ConnectionSettings& settings,
          std::uint64_t seed = 1)
      : stream_(stream), connection_(make_connection<T>(stream, settings, seed)) {}

  cusynapse::Connection<T>& operator*() { return *connection_; }
  cusynapse::Connection<T>* operator->() { return connection_.get(); }

  void set(Parameter parameter, const std::vector<T>& values, Way way = Way::set) {
    write_parameter(stream_, *connection_, parameter, values, way);
  }
  /// Weights, and biases and delays where there are any.
  void set_random_parameters(std::uint64_t seed, const ConnectionSettings& settings,
                             DelayKind delays) {
    support::Random random(seed);
    for (const Parameter parameter : parameters()) {
      if (!connection_->has(parameter)) continue;
      const std::int64_t count = connection_->parameter_shape(parameter).size();
      set(parameter,
          parameter == Parameter::delay ? random_delays<T>(random, settings.synapse, count, delays)
                                        : random_weights<T>(random, count),
          Way::edit);
    }
  }
  cusynapse::Shape input_shape() const {
    return connection_->input_shape().prepended(connection_->batch_size());
  }
  cusynapse::Shape output_shape() const {
    return connection_->output_shape().prepended(connection_->batch_size());
  }

  std::vector<T> forward(const std::vector<T>& input, InputKind kind,
                         const std::vector<T>& before = {}) {
    DeviceInput<T> device_input(stream_, kind, input, input_shape());
    return called(output_shape(), before, [&](auto out, Output output) {
      connection_->forward(stream_, device_input.input(), out, output);
    });
  }
  std::vector<T> forward_sequence(const std::vector<T>& inputs, InputKind kind, std::int64_t steps,
                                  const std::vector<T>& before = {}) {
    DeviceInput<T> device_inputs(stream_, kind, inputs, input_shape().prepended(steps), steps);
    return called(output_shape().prepended(steps), before, [&](auto out, Output output) {
      connection_->forward_sequence(stream_, device_inputs.input(), out, output);
    });
  }
  std::vector<T> sum(const std::vector<T>& before = {}) {
    return called(output_shape(), before,
                  [&](auto out, Output output) { connection_->sum(stream_, out, output); });
  }

 private:
  template <class Call>
  std::vector<T> called(const cusynapse::Shape& shape, const std::vector<T>& before,
                        const Call& call) {
    auto out = before.empty() ? support::DeviceArray<T>(stream_, shape, support::untouched<T>())
                              : support::DeviceArray<T>(stream_, before, shape);
    call(out.view(), before.empty() ? Output::replace : Output::accumulate);
    return out.host();
  }

  cusynapse::Stream stream_;
  std::unique_ptr<cusynapse::Connection<T>> connection_;
};

/// Bit for bit, which `support::matches` is without a tolerance but for the sign of zero.
template <class T>
testing::AssertionResult same_bits(const std::vector<T>& got, const std::vector<T>& expected) {
  const auto values = support::matches(got, expected);
  if (!values) return values;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::signbit(got[i]) != std::signbit(expected[i]) && !std::isnan(got[i])) {
      return testing::AssertionFailure() << "index " << i << ": another sign of zero";
    }
  }
  return testing::AssertionSuccess();
}

}  // namespace model_test
