// Objects that go on from where they are: what they give is compared byte for byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "cusynapse/cusynapse.hpp"
#include "model/synapse_pair.hpp"
#include "support/device_array.hpp"
#include "support/random.hpp"

namespace model_test {

using Bytes = std::vector<std::uint8_t>;

template <class V>
void append(Bytes& to, const std::vector<V>& values) {
  const std::size_t start = to.size();
  to.resize(start + values.size() * sizeof(V));
  if (!values.empty()) std::memcpy(to.data() + start, values.data(), values.size() * sizeof(V));
}

/// Steps with inputs of the seed; everything that can be read after each of them.
template <class T>
Bytes run(const cusynapse::Stream& stream, cusynapse::Synapse<T>& synapse, int steps,
          std::uint64_t seed) {
  support::Random random(seed);
  Bytes out;
  const cusynapse::Shape shape = synapse.batched_shape();
  for (int t = 0; t < steps; ++t) {
    const support::DeviceArray<T> input(
        stream, random_inputs<T>(random, InputKind::values, shape.size()), shape);
    const support::DeviceArray<T> selector(
        stream, random.values<T>(shape.size(), -0.5, synapse.delay() + 0.5), shape);
    support::DeviceArray<T> values(stream, shape, T(0));
    support::DeviceArray<std::uint8_t> spikes(stream, shape, 0);
    synapse.step(stream, input.constant());
    synapse.current(stream, values.view());
    append(out, values.host());
    synapse.current_at(stream, selector.constant(), values.view());
    append(out, values.host());
    synapse.spike(stream, spikes.view());
    append(out, spikes.host());
    synapse.spike_at(stream, selector.constant(), spikes.view());
    append(out, spikes.host());
  }
  return out;
}

template <class T>
Bytes run(const cusynapse::Stream& stream, cusynapse::Connection<T>& connection, int steps,
          std::uint64_t seed) {
  support::Random random(seed);
  Bytes out;
  const cusynapse::Shape in_shape = connection.input_shape().prepended(connection.batch_size());
  const cusynapse::Shape out_shape = connection.output_shape().prepended(connection.batch_size());
  for (int t = 0; t < steps; ++t) {
    const support::DeviceArray<T> input(
        stream, random_inputs<T>(random, InputKind::values, in_shape.size()), in_shape);
    support::DeviceArray<T> sums(stream, out_shape, T(0));
    connection.forward(stream, input.constant(), sums.view());
    append(out, sums.host());
  }
  return out;
}

template <class T>
Bytes run(const cusynapse::Stream& stream, cusynapse::Neuron<T>& neurons, int steps,
          std::uint64_t seed) {
  support::Random random(seed);
  Bytes out;
  const cusynapse::Shape shape = neurons.batched_shape();
  for (int t = 0; t < steps; ++t) {
    const support::DeviceArray<T> current(stream, random.values<T>(shape.size(), -20, 250), shape);
    support::DeviceArray<T> values(stream, shape, T(0));
    support::DeviceArray<std::uint8_t> spikes(stream, shape, 0);
    neurons.forward(stream, current.constant(), spikes.view());
    append(out, spikes.host());
    neurons.voltage(stream, values.view());
    append(out, values.host());
    neurons.refractory_time(stream, values.view());
    append(out, values.host());
  }
  return out;
}

template <class T>
Bytes run(const cusynapse::Stream& stream, cusynapse::History<T>& history, int steps,
          std::uint64_t seed) {
  using Value = typename cusynapse::History<T>::Value;
  support::Random random(seed);
  Bytes out;
  const cusynapse::Shape shape = history.batched_shape();
  for (int t = 0; t < steps; ++t) {
    std::vector<Value> observation;
    if constexpr (std::is_same_v<T, bool>) {
      observation = random.flags(shape.size(), 0.5);
    } else {
      observation = random.values<Value>(shape.size(), -2.0, 2.0);
    }
    const support::DeviceArray<Value> in(stream, observation, shape);
    support::DeviceArray<Value> values(stream, shape, Value(0));
    history.push(stream, in.constant());
    for (std::int64_t back = 1; back <= history.slots(); ++back) {
      history.read(stream, values.view(), back);
      append(out, values.host());
    }
    history.select(stream, random.between(0.0, history.step_time() * (history.slots() - 1)),
                   values.view());
    append(out, values.host());
  }
  return out;
}

template <class T>
Bytes run(const cusynapse::Stream& stream, cusynapse::Projection<T>& projection, int steps,
          std::uint64_t seed) {
  support::Random random(seed);
  Bytes out;
  const std::int64_t inputs = projection.in_features();
  const std::int64_t outputs = projection.out_features();
  for (int t = 0; t < steps; ++t) {
    const support::DeviceArray<T> spikes(
        stream, random_inputs<T>(random, InputKind::values, 3 * inputs), {3, inputs});
    const support::DeviceArray<T> gradient(stream, random.values<T>(3 * outputs, -1, 1),
                                           {3, outputs});
    support::DeviceArray<T> graded(stream, {3, outputs}, T(0));
    support::DeviceArray<T> spike_gradient(stream, {3, inputs}, T(0));
    support::DeviceArray<T> weight_gradient(stream, projection.weight_shape(), T(0));
    projection.forward(stream, spikes.constant(), graded.view());
    projection.backward(stream, gradient.constant(), spikes.constant(), spike_gradient.view(),
                        weight_gradient.view());
    append(out, graded.host());
    append(out, spike_gradient.host());
    append(out, weight_gradient.host());
  }
  append(out, projection.to_host(stream));
  return out;
}

/// Parts that are added and applied to zeros.
template <class T>
Bytes run(const cusynapse::Stream& stream, cusynapse::Accumulator<T>& accumulator, int steps,
          std::uint64_t seed) {
  support::Random random(seed);
  const cusynapse::Shape& shape = accumulator.shape();
  support::DeviceArray<T> parameter(stream, shape, T(0.25));
  Bytes out;
  for (int t = 0; t < steps; ++t) {
    accumulator.update(stream, parameter.view());
    append(out, parameter.host());
    const support::DeviceArray<T> part(stream, random.values<T>(shape.size(), 0, 0.1), shape);
    accumulator.add_positive(stream, part.constant());
    accumulator.add_negative(stream, part.constant());
  }
  return out;
}

}  // namespace model_test
