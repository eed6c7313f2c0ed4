// What only a GPU can show of connections: the bits of the CPU, and captured graphs.
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "cuda/cuda_support.hpp"
#include "cusynapse/cusynapse.hpp"

namespace cusynapse {
namespace {

using CudaConnections = CudaTest;

// Spikes of `steps` frames, one in four.
std::vector<std::uint8_t> random_spikes(std::int64_t size, unsigned seed) {
  std::mt19937 engine(seed);
  std::vector<std::uint8_t> spikes(static_cast<std::size_t>(size));
  for (std::uint8_t& spike : spikes) spike = engine() % 4 == 0 ? 1 : 0;
  return spikes;
}

constexpr int kinds = 4;
constexpr double delay = 5.0;

template <class T>
std::unique_ptr<Connection<T>> make_connection(int kind, const Stream& stream,
                                               const SynapseFactory<T>& factory,
                                               std::int64_t batch_size) {
  ConnectionOptions options;
  options.biased = true;
  options.delay = delay;
  options.step_time = 0.7;
  options.batch_size = batch_size;
  options.seed = 3;
  std::unique_ptr<Connection<T>> connection;
  Conv2DOptions geometry;
  switch (kind) {
    case 0:
      connection =
          std::make_unique<LinearDense<T>>(stream, Shape{330}, Shape{141}, options, factory);
      break;
    case 1:
      connection = std::make_unique<LinearDirect<T>>(stream, Shape{330}, options, factory);
      break;
    case 2:
      connection = std::make_unique<LinearLateral<T>>(stream, Shape{70}, options, factory);
      break;
    default:
      geometry.channels = 3;
      geometry.height = 9;
      geometry.width = 14;
      geometry.filters = 5;
      geometry.kernel[0] = 3;
      geometry.kernel[1] = 2;
      geometry.padding[0] = 1;
      geometry.stride[1] = 2;
      connection = std::make_unique<Conv2D<T>>(stream, geometry, options, factory);
      break;
  }
  const std::int64_t size = connection->weight_shape().size();
  connection->set_from_host(stream, Parameter::delay, random_values<T>(size, -0.5, 6.0, 7));
  connection->set_from_host(stream, Parameter::weight, random_values<T>(size, -1.0, 1.0, 8));
  return connection;
}

template <class T>
std::vector<SynapseFactory<T>> factories() {
  return {DeltaCurrent<T>::factory(DeltaParameters{2.5}),
          DeltaPlusCurrent<T>::factory(DeltaParameters{2.5}),
          SingleExponentialCurrent<T>::factory(ExponentialParameters{2.5, 5.0}),
          DoubleExponentialCurrent<T>::factory(DoubleExponentialParameters{2.5, 5.0, 1.5}),
          AlphaCurrent<T>::factory(ExponentialParameters{2.5, 5.0})};
}
constexpr std::size_t one_trace = 2;
constexpr std::size_t two_traces = 3;

// Outputs of `steps` steps, step by step or as a sequence.
template <class T>
std::vector<T> outputs_of(const Stream& stream, Connection<T>& connection, std::int64_t steps,
                          bool is_sequence) {
  const Shape in = connection.input_shape().prepended(connection.batch_size());
  const Shape out = connection.output_shape().prepended(connection.batch_size());
  const std::vector<std::uint8_t> spikes = random_spikes(steps * in.size(), 5);
  Buffer<std::uint8_t> input(stream, spikes.data(), steps * in.size());
  Buffer<T> output(stream.device(), steps * out.size());
  const View<const std::uint8_t> inputs(input.data(), in.prepended(steps));
  const View<T> outputs = output.view(out.prepended(steps));
  if (is_sequence) {
    connection.forward_sequence(stream, inputs, outputs);
  } else {
    for (std::int64_t t = 0; t < steps; ++t) connection.forward(stream, inputs[t], outputs[t]);
  }
  std::vector<T> values(static_cast<std::size_t>(output.size()));
  output.copy_to_host(stream, values.data());
  return values;
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

template <class T>
void expect_the_bits_of_the_cpu(std::int64_t batch_size) {
  const Stream cpu = Stream::cpu();
  const OwnedStream gpu(Device::cuda(0));
  for (int kind = 0; kind < kinds; ++kind) {
    for (std::size_t model = 0; model < factories<T>().size(); ++model) {
      SCOPED_TRACE(testing::Message()
                   << "kind " << kind << ", model " << model << ", batch " << batch_size);
      const SynapseFactory<T> factory = factories<T>()[model];
      const auto on_cpu = make_connection<T>(kind, cpu, factory, batch_size);
      const auto on_gpu = make_connection<T>(kind, gpu.get(), factory, batch_size);
      const auto sequence = make_connection<T>(kind, gpu.get(), factory, batch_size);
      const std::int64_t steps = large(12, 5);
      const std::vector<T> expected = outputs_of<T>(cpu, *on_cpu, steps, false);
      EXPECT_TRUE(same_bits(outputs_of<T>(gpu.get(), *on_gpu, steps, false), expected));
      EXPECT_TRUE(same_bits(outputs_of<T>(gpu.get(), *sequence, steps, true), expected));
    }
  }
}

TEST_F(CudaConnections, HaveTheBitsOfTheCpu) {
  for (const std::int64_t batch_size : {1, 8, 33}) {
    expect_the_bits_of_the_cpu<float>(batch_size);
    expect_the_bits_of_the_cpu<double>(batch_size);
  }
}

/// The synapses of a layer, and what it stores weights as.
struct Layer {
  std::size_t model = one_trace;
  StorageType weights = StorageType::same;
};

/// Of one and of two traces, with weights of T and, of float, of 16 bits.
template <class T>
std::vector<Layer> layers() {
  std::vector<Layer> out = {{one_trace}, {two_traces}};
  if (std::is_same_v<T, float>) {
    out.push_back({one_trace, StorageType::float16});
    out.push_back({two_traces, StorageType::bfloat16});
  }
  return out;
}

// Whether a layer's sums over histories of that many steps have the CPU's bits.
template <class T>
bool sums_have_the_bits_of_the_cpu(std::optional<double> steps_back, std::int64_t batch_size,
                                   const Shape& inputs, const Shape& outputs, std::int64_t steps,
                                   bool is_sequence, const Layer& layer = {}) {
  const OwnedStream gpu(Device::cuda(0));
  const SynapseFactory<T> factory = factories<T>()[layer.model];
  ConnectionOptions options;
  options.weight_storage = layer.weights;
  options.delay = steps_back;
  options.step_time = 1.0;
  options.batch_size = batch_size;
  options.seed = 3;
  const auto outputs_on = [&](const Stream& stream) {
    LinearDense<T> connection(stream, inputs, outputs, options, factory);
    const std::int64_t size = connection.weight_shape().size();
    if (steps_back) {
      connection.set_from_host(stream, Parameter::delay,
                               random_values<T>(size, -0.5, static_cast<double>(steps), 7));
    }
    connection.set_from_host(stream, Parameter::weight, random_values<T>(size, -1.0, 1.0, 8));
    return outputs_of<T>(stream, connection, steps, is_sequence);
  };
  return same_bits(outputs_on(gpu.get()), outputs_on(Stream::cpu()));
}

// Histories from what two blocks of a multiprocessor can stage to what no block can.
TEST_F(CudaConnections, OverHistoriesOfAnyLengthHaveTheBitsOfTheCpu) {
  for (const double steps_back : {16.0, 32.0, 90.0, 250.0, 300.0, 800.0, 8000.0, 20000.0}) {
    for (const std::int64_t batch_size : {1, 8, 32}) {
      SCOPED_TRACE(testing::Message() << steps_back << " steps, batch " << batch_size);
      const Shape outputs = {large(4800, 300)};
      const std::int64_t steps = large(24, 5);
      EXPECT_TRUE(sums_have_the_bits_of_the_cpu<float>(steps_back, batch_size, {70}, outputs, steps,
                                                       false));
      EXPECT_TRUE(
          sums_have_the_bits_of_the_cpu<double>(steps_back, batch_size, {9}, {140}, steps, false));
    }
  }
}

// Small layers of every kind, with delays of up to so many steps (the trace's -1 stands for none).
template <class T>
void expect_layers_have_the_bits_of_the_cpu(
    const std::vector<std::optional<double>>& most_steps_back,
    const std::vector<std::int64_t>& batch_sizes, std::int64_t steps, bool is_sequence) {
  for (const std::optional<double> steps_back : most_steps_back) {
    for (const std::int64_t batch_size : batch_sizes) {
      for (const Layer& layer : layers<T>()) {
        SCOPED_TRACE(testing::Message()
                     << steps_back.value_or(-1) << " steps, batch " << batch_size << ", model "
                     << layer.model << ", weights " << static_cast<int>(layer.weights));
        EXPECT_TRUE(sums_have_the_bits_of_the_cpu<T>(steps_back, batch_size, {9}, {7}, steps,
                                                     is_sequence, layer));
      }
    }
  }
}

template <class T>
class CudaLayers : public CudaConnections {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(CudaLayers, Types);

// The histories of a sequence hold all samples, one beside the other.
TYPED_TEST(CudaLayers, SequencesOfAnyBatchHaveTheBitsOfTheCpu) {
  expect_layers_have_the_bits_of_the_cpu<TypeParam>({std::nullopt, 20.0, 200.0, 300.0},
                                                    {3, 8, 60, large(500, 130)}, 5, true);
}

TYPED_TEST(CudaLayers, StepsOfAnyBatchHaveTheBitsOfTheCpu) {
  expect_layers_have_the_bits_of_the_cpu<TypeParam>({std::nullopt, 20.0, 300.0, 20000.0},
                                                    {1, 8, 33}, 3, false);
}

TEST_F(CudaConnections, ACapturedForwardIsTheEagerOne) {
  const OwnedStream owned(Device::cuda(0));
  const Stream stream = owned.get();
  const SynapseFactory<float> factory = factories<float>()[2];
  for (int kind = 0; kind < kinds; ++kind) {
    SCOPED_TRACE(testing::Message() << "kind " << kind);
    constexpr std::int64_t steps = 20;
    const auto eager = make_connection<float>(kind, stream, factory, 8);
    const auto captured = make_connection<float>(kind, stream, factory, 8);
    const std::vector<float> expected = outputs_of<float>(stream, *eager, steps, false);

    const Shape in = captured->input_shape().prepended(8);
    const Shape out = captured->output_shape().prepended(8);
    const std::vector<std::uint8_t> spikes = random_spikes(steps * in.size(), 5);
    Buffer<std::uint8_t> inputs(stream, spikes.data(), steps * in.size());
    Buffer<std::uint8_t> input(stream.device(), in.size());
    Buffer<float> output(stream.device(), out.size());
    captured->prepare(stream);
    CapturedGraph step(stream, [&] {
      captured->forward(stream, View<const std::uint8_t>(input.data(), in), output.view(out));
    });

    std::vector<float> got;
    for (std::int64_t t = 0; t < steps; ++t) {
      memory::copy(stream, input.data(), inputs.data() + t * in.size(),
                   static_cast<std::size_t>(in.size()));
      step.launch();
      std::vector<float> values(static_cast<std::size_t>(out.size()));
      output.copy_to_host(stream, values.data());
      got.insert(got.end(), values.begin(), values.end());
    }
    EXPECT_TRUE(same_bits(got, expected));
  }
}

// A graph that was captured with all prepared reads the plans, which `prepare` renews.
TEST_F(CudaConnections, ACapturedProjectionReadsTheWeightsThatWerePreparedLast) {
  const OwnedStream owned(Device::cuda(0));
  const Stream stream = owned.get();
  constexpr std::int64_t rows = 3;
  ProjectionOptions<float> options;
  options.in_features = 70;
  options.out_features = 40;
  const Shape in = {rows, options.in_features};
  const Shape out = {rows, options.out_features};
  const std::vector<std::uint8_t> host_spikes = random_spikes(in.size(), 5);
  const std::vector<float> host_gradients(static_cast<std::size_t>(out.size()), 0.25F);
  const Buffer<std::uint8_t> spikes(stream, host_spikes.data(), in.size());
  const Buffer<float> gradients(stream, host_gradients.data(), out.size());
  Buffer<float> graded(stream.device(), out.size());
  Buffer<float> spike_gradients(stream.device(), in.size());
  const auto run = [&](Projection<float>& projection) {
    projection.forward(stream, spikes.view(in), graded.view(out));
    projection.backward(stream, gradients.view(out), spikes.view(in), spike_gradients.view(in), {});
  };
  const auto results = [&] {
    std::vector<float> values(static_cast<std::size_t>(out.size() + in.size()));
    graded.copy_to_host(stream, values.data());
    spike_gradients.copy_to_host(stream, values.data() + out.size());
    return values;
  };

  Projection<float> captured(stream, options);
  captured.prepare(stream);
  run(captured);  // with room for its sums
  CapturedGraph graph(stream, [&] { run(captured); });
  for (const std::uint64_t seed : {1u, 2u}) {
    options.seed = seed;
    Projection<float> eager(stream, options);
    run(eager);
    const std::vector<float> expected = results();
    captured.set_from_host(stream, eager.to_host(stream));
    captured.prepare(stream);
    graded.fill_zero(stream);
    spike_gradients.fill_zero(stream);
    graph.launch();
    EXPECT_TRUE(same_bits(results(), expected)) << "seed " << seed;
  }
}

}  // namespace
}  // namespace cusynapse
