// Everything connections must refuse, for every class: with the right code, with a message that
// says where, what was given and what was expected, and with nothing changed, which a twin shows
// that was never asked.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cusynapse/cusynapse.hpp"
#include "model/connection_pair.hpp"
#include "support/devices.hpp"
#include "support/random.hpp"
#include "support/refusal.hpp"

namespace {

using cusynapse::Connection;
using cusynapse::ConnectionOptions;
using cusynapse::Conv2DOptions;
using cusynapse::Errc;
using cusynapse::Shape;
using model_test::ConnectionKind;
using model_test::ConnectionSettings;
using model_test::for_each_connection;
using model_test::InputKind;
using model_test::Parameter;
using model_test::small_settings;
using reference::Model;
using support::printed;
using support::refuses;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

const char* parameter_name(Parameter parameter) {
  if (parameter == Parameter::bias) return "bias";
  return parameter == Parameter::weight ? "weight" : "delay";
}

/// Two connections that are alike; what is refused is asked of the first alone.
template <class T>
class Twins {
 public:
  Twins(const cusynapse::Stream& stream, const ConnectionSettings& settings) : stream_(stream) {
    support::Random random(support::seed());
    for (auto& one : twins_) one = model_test::make_connection<T>(stream, settings, 3);
    for (const Parameter parameter : model_test::parameters()) {
      if (!asked().has(parameter)) continue;
      const std::int64_t count = asked().parameter_shape(parameter).size();
      const auto values = parameter == Parameter::delay
                              ? model_test::random_delays<T>(random, settings.synapse, count,
                                                             model_test::DelayKind::out_of_range)
                              : model_test::random_weights<T>(random, count);
      for (auto& one : twins_) one->set_from_host(stream, parameter, values);
    }
    for (int t = 0; t < 6; ++t) EXPECT_TRUE(same_step());
  }

  Connection<T>& asked() { return *twins_[0]; }
  Shape batched_input() { return asked().input_shape().prepended(asked().batch_size()); }
  Shape batched_output() { return asked().output_shape().prepended(asked().batch_size()); }
  Shape batched_synaptic() { return asked().synaptic_shape().prepended(asked().batch_size()); }

  /// Whether the one that was asked is like the other still: its numbers, its parameters, its
  /// history, and what the next steps make of them.
  testing::AssertionResult unchanged() {
    const Connection<T>& other = *twins_[1];
    if (asked().batch_size() != other.batch_size() || asked().step_time() != other.step_time() ||
        asked().delayed_by() != other.delayed_by() ||
        asked().synapse().delay() != other.synapse().delay() ||
        asked().synapse().batch_size() != other.synapse().batch_size()) {
      return testing::AssertionFailure() << "batch size, step time or delay changed";
    }
    for (const Parameter parameter : model_test::parameters()) {
      if (!other.has(parameter)) continue;
      const auto same =
          support::matches(asked().to_host(stream_, parameter), other.to_host(stream_, parameter));
      if (!same) {
        return testing::AssertionFailure() << parameter_name(parameter) << ": " << same.message();
      }
    }
    const auto sums = same_result(
        "sum", {}, [&](Connection<T>& one, cusynapse::View<T> out) { one.sum(stream_, out); });
    if (!sums) return sums;
    for (int t = 0; t < 2; ++t) {
      const auto step = same_step();
      if (!step) return step;
    }
    const std::int64_t steps = 3;
    const auto inputs =
        model_test::random_inputs<T>(random_, InputKind::bytes, steps * batched_input().size());
    model_test::DeviceInput<T> device_inputs(stream_, InputKind::bytes, inputs,
                                             batched_input().prepended(steps), steps);
    return same_result("forward_sequence", {steps},
                       [&](Connection<T>& one, cusynapse::View<T> out) {
                         one.forward_sequence(stream_, device_inputs.input(), out);
                       });
  }

 private:
  testing::AssertionResult same_step() {
    const auto input =
        model_test::random_inputs<T>(random_, InputKind::values, batched_input().size());
    const support::DeviceArray<T> device_input(stream_, input, batched_input());
    return same_result("forward", {}, [&](Connection<T>& one, cusynapse::View<T> out) {
      one.forward(stream_, device_input.constant(), out);
    });
  }

  template <class Call>
  testing::AssertionResult same_result(const char* what, const std::vector<std::int64_t>& steps,
                                       const Call& call) {
    const Shape shape =
        steps.empty() ? batched_output() : batched_output().prepended(steps.front());
    std::vector<T> results[2];
    for (std::size_t i = 0; i < 2; ++i) {
      support::DeviceArray<T> out(stream_, shape, support::untouched<T>());
      call(*twins_[i], out.view());
      results[i] = out.host();
    }
    const auto same = support::matches(results[0], results[1]);
    if (same) return same;
    return testing::AssertionFailure() << what << ": " << same.message();
  }

  cusynapse::Stream stream_;
  support::Random random_{support::seed() + 1};
  std::unique_ptr<Connection<T>> twins_[2];
};

/// Shapes that are not the one given: with extents more, fewer, swapped, larger, and flat.
std::vector<Shape> other_shapes(const Shape& shape) {
  const std::vector<std::int64_t> extents(shape.begin(), shape.end());
  std::vector<Shape> out = {Shape{}, shape.appended(1), shape.prepended(1),
                            shape.without_leading(1)};
  for (std::size_t i = 0; i < extents.size(); ++i) {
    auto changed = extents;
    changed[i] += 1;
    out.emplace_back(changed.data(), static_cast<int>(changed.size()));
    if (extents[i] == 1) continue;
    changed[i] -= 2;
    out.emplace_back(changed.data(), static_cast<int>(changed.size()));
  }
  if (extents.size() > 1) {
    out.push_back({shape.size()});
    auto swapped = extents;
    std::swap(swapped[0], swapped[1]);
    out.emplace_back(swapped.data(), static_cast<int>(swapped.size()));
  }
  std::vector<Shape> different;
  for (const Shape& one : out) {
    if (one != shape) different.push_back(one);
  }
  return different;
}

class ConnectionRefusalTest : public support::DeviceTest {
 protected:
  /// That a call of an array is refused for every other shape, and for no data, and that nothing
  /// came of it. `call` is given a view of the array.
  template <class V, class T, class Call>
  void expect_shape(Twins<T>& twins, const char* function, const char* what, const Shape& expected,
                    const Call& call) {
    const std::string name = twins.asked().name();
    for (const Shape& shape : other_shapes(expected)) {
      support::DeviceArray<V> array(stream(), shape, support::untouched<V>());
      EXPECT_TRUE(
          refuses([&] { call(array.view()); }, Errc::shape_mismatch,
                  {name, function, what, to_string(shape), "expected", to_string(expected)}))
          << function << " " << what;
      EXPECT_TRUE(support::matches(array.host(),
                                   std::vector<V>(array.host().size(), support::untouched<V>())));
    }
    EXPECT_TRUE(refuses([&] { call(cusynapse::View<V>(nullptr, expected)); },
                        Errc::invalid_argument, {name, function, what, "null"}))
        << function << " " << what;
    EXPECT_TRUE(twins.unchanged()) << function << " " << what;
  }

  template <class T>
  testing::AssertionResult construction_refused(
      ConnectionKind kind, const std::function<void(ConnectionSettings&)>& change,
      std::vector<std::string> parts, Errc code = Errc::invalid_argument) {
    ConnectionSettings settings = small_settings(kind, Model::single_exponential);
    change(settings);
    parts.push_back("expected");
    return refuses([&] { model_test::make_connection<T>(stream(), settings, 1); }, code, parts);
  }

  cusynapse::Stream other_device_stream() {
    if (!other_) {
      other_ = std::make_unique<cusynapse::OwnedStream>(GetParam() == cusynapse::Device::cpu()
                                                            ? cusynapse::Device::cuda(0)
                                                            : cusynapse::Device::cpu());
    }
    return other_->get();
  }

 private:
  std::unique_ptr<cusynapse::OwnedStream> other_;
};
INSTANTIATE_TEST_SUITE_P(Devices, ConnectionRefusalTest, testing::ValuesIn(support::devices()),
                         support::device_name);

ConnectionSettings good_settings(ConnectionKind kind) {
  return small_settings(kind, Model::single_exponential);
}

/// Good settings without biases and delays.
ConnectionSettings plain_settings(ConnectionKind kind) {
  ConnectionSettings settings = good_settings(kind);
  settings.has_delays = false;
  settings.biased = false;
  return model_test::consistent(settings);
}

// ---- Construction ----

TEST_P(ConnectionRefusalTest, ExtentsBelowOne) {
  const auto factory = model_test::synapse_factory<float>({});
  const ConnectionOptions options;
  for (const Shape& shape : {Shape{0}, Shape{-4}, Shape{3, 0}, Shape{0, 3}, Shape{2, -1, 3}}) {
    const auto with = [&](const char* name) {
      return std::vector<std::string>{name, to_string(shape), "expected"};
    };
    EXPECT_TRUE(
        refuses([&] { cusynapse::LinearDense<float>(stream(), shape, {2}, options, factory); },
                Errc::invalid_argument, with("LinearDense")));
    EXPECT_TRUE(
        refuses([&] { cusynapse::LinearDense<float>(stream(), {2}, shape, options, factory); },
                Errc::invalid_argument, with("LinearDense")));
    EXPECT_TRUE(refuses([&] { cusynapse::LinearDirect<float>(stream(), shape, options, factory); },
                        Errc::invalid_argument, with("LinearDirect")));
    EXPECT_TRUE(refuses([&] { cusynapse::LinearLateral<float>(stream(), shape, options, factory); },
                        Errc::invalid_argument, with("LinearLateral")));
  }
}

TEST_P(ConnectionRefusalTest, SizesThatNoMemoryCanHold) {
  const auto factory = model_test::synapse_factory<double>({});
  const ConnectionOptions options;
  const std::int64_t large = std::int64_t{1} << 40;
  using Dense = cusynapse::LinearDense<double>;
  const auto refused = [&](const std::function<void()>& call) {
    EXPECT_THROW(call(), cusynapse::Error);
  };
  refused([&] { Dense(stream(), {3}, {large, large}, options, factory); });
  refused([&] { Dense(stream(), {large}, {large}, options, factory); });
  refused([&] { Dense(stream(), {large, large}, {3}, options, factory); });
  const std::int64_t huge = std::int64_t{1} << 62;
  refused([&] { Dense(stream(), {3}, {huge, huge}, options, factory); });
  refused([&] {
    cusynapse::LinearLateral<double>(stream(), {std::int64_t{1} << 32}, options, factory);
  });
  refused([&] {
    cusynapse::LinearDirect<double>(stream(), {large, large, large}, options, factory);
  });
  Conv2DOptions geometry;
  geometry.channels = large;
  geometry.filters = large;
  refused([&] { cusynapse::Conv2D<double>(stream(), geometry, options, factory); });
  geometry = {};
  geometry.padding[0] = huge;
  refused([&] { cusynapse::Conv2D<double>(stream(), geometry, options, factory); });
  geometry = {};
  geometry.kernel[0] = large * 4096;
  geometry.dilation[0] = large * 4096;
  refused([&] { cusynapse::Conv2D<double>(stream(), geometry, options, factory); });
}

// What the sums cannot count is refused when a connection is made or changed, before a step.
TEST_P(ConnectionRefusalTest, SizesThatSumsCannotCount) {
  const auto factory = model_test::synapse_factory<float>({});
  const ConnectionOptions options;
  constexpr std::int64_t most = std::int64_t{1} << 31;
  for (const int axis : {0, 1}) {
    Conv2DOptions geometry;
    geometry.padding[axis] = most / 4;  // on both sides of the one pixel: 2^30 + 1
    geometry.stride[axis] = most;
    EXPECT_TRUE(refuses([&] { cusynapse::Conv2D<float>(stream(), geometry, options, factory); },
                        Errc::invalid_argument,
                        {"Conv2D", axis == 0 ? "height" : "width", std::to_string(most / 2 + 1),
                         "expected", "2^30"}));
  }
  Conv2DOptions geometry;
  geometry.channels = most + 1;
  EXPECT_TRUE(refuses([&] { cusynapse::Conv2D<float>(stream(), geometry, options, factory); },
                      Errc::invalid_argument, {"Conv2D", "channels", "expected", "2^31"}));
  geometry.channels = most / 2048;
  geometry.filters = 4096;
  EXPECT_TRUE(refuses([&] { cusynapse::Conv2D<float>(stream(), geometry, options, factory); },
                      Errc::invalid_argument, {"Conv2D", "number of weights", "expected", "2^31"}));
  const std::vector<std::string> weights = {"number of weights", "expected", "2^56"};
  EXPECT_TRUE(refuses(
      [&] { cusynapse::LinearDense<float>(stream(), {most / 32}, {most}, options, factory); },
      Errc::invalid_argument, weights));
  cusynapse::LinearDirect<float> direct(stream(), {1}, options, factory);
  EXPECT_TRUE(refuses([&] { direct.set_batch_size(stream(), most + 1); }, Errc::invalid_argument,
                      {"LinearDirect", "set_batch_size", "batch_size", "expected", "2^31"}));
  EXPECT_EQ(direct.batch_size(), 1);
}

TEST_P(ConnectionRefusalTest, GeometriesOutOfTheirDomain) {
  const auto factory = model_test::synapse_factory<float>({});
  const auto expect_refusal = [&](const char* what, std::int64_t value,
                                  const std::function<std::int64_t&(Conv2DOptions&)>& member) {
    Conv2DOptions geometry;
    geometry.channels = 2;
    geometry.height = 6;
    geometry.width = 7;
    geometry.filters = 3;
    geometry.kernel[0] = 3;
    geometry.kernel[1] = 2;
    member(geometry) = value;
    EXPECT_TRUE(
        refuses([&] { cusynapse::Conv2D<float>(stream(), geometry, ConnectionOptions(), factory); },
                Errc::invalid_argument, {"Conv2D", std::to_string(value), "expected"}))
        << what << " " << value;
  };
  for (const std::int64_t value : {0, -1, -1000}) {
    expect_refusal(
        "channels", value, [](auto& g) -> auto& { return g.channels; });
    expect_refusal(
        "height", value, [](auto& g) -> auto& { return g.height; });
    expect_refusal(
        "width", value, [](auto& g) -> auto& { return g.width; });
    expect_refusal(
        "filters", value, [](auto& g) -> auto& { return g.filters; });
    for (const int axis : {0, 1}) {
      expect_refusal(
          "kernel", value, [=](auto& g) -> auto& { return g.kernel[axis]; });
      expect_refusal(
          "stride", value, [=](auto& g) -> auto& { return g.stride[axis]; });
      expect_refusal(
          "dilation", value, [=](auto& g) -> auto& { return g.dilation[axis]; });
      if (value < 0) {
        expect_refusal(
            "padding", value, [=](auto& g) -> auto& { return g.padding[axis]; });
      }
    }
  }
}

TEST_P(ConnectionRefusalTest, KernelsLargerThanThePaddedInput) {
  const auto factory = model_test::synapse_factory<float>({});
  for (const int axis : {0, 1}) {
    for (const std::int64_t padding : {0, 2}) {
      for (const std::int64_t dilation : {1, 2}) {
        Conv2DOptions geometry;
        geometry.height = 5;
        geometry.width = 5;
        geometry.padding[axis] = padding;
        geometry.dilation[axis] = dilation;
        // The largest kernel that fits, and one more.
        geometry.kernel[axis] = (5 + 2 * padding - 1) / dilation + 1;
        const cusynapse::Conv2D<float> fits(stream(), geometry, ConnectionOptions(), factory);
        EXPECT_EQ(fits.output_shape()[1 + axis], 1);
        geometry.kernel[axis] += 1;
        EXPECT_TRUE(refuses(
            [&] { cusynapse::Conv2D<float>(stream(), geometry, ConnectionOptions(), factory); },
            Errc::invalid_argument, {"Conv2D", "expected"}));
      }
    }
  }
}

TEST_P(ConnectionRefusalTest, BatchSizesStepTimesAndDelaysOutOfTheirDomain) {
  for_each_connection([&]<class T>(ConnectionKind kind) {
    for (const std::int64_t batch_size : {0, -1, -1000}) {
      EXPECT_TRUE(construction_refused<T>(
          kind, [&](auto& settings) { settings.synapse.batch_size = batch_size; },
          {"batch_size", std::to_string(batch_size)}));
    }
    for (const double step_time : {0.0, -1.0, infinity, -infinity, not_a_number}) {
      EXPECT_TRUE(construction_refused<T>(
          kind, [&](auto& settings) { settings.synapse.step_time = step_time; },
          {"step_time", printed(step_time)}));
    }
    for (const double delay : {-1.0, -1e-9, infinity, -infinity, not_a_number}) {
      EXPECT_TRUE(construction_refused<T>(kind,
                                          [&](auto& settings) { settings.synapse.delay = delay; },
                                          {"delay", printed(delay)}));
    }
  });
}

TEST_P(ConnectionRefusalTest, MoreSlotsThanDelaysCanCount) {
  for_each_connection([&]<class T>(ConnectionKind kind) {
    const auto longest = [](std::int64_t slots) {
      return [slots](ConnectionSettings& settings) {
        settings.synapse.delay = static_cast<double>(slots - 1) * 0.5;
      };
    };
    EXPECT_TRUE(construction_refused<T>(kind, longest(65'536), {"65536"}, Errc::not_supported));
    EXPECT_TRUE(construction_refused<T>(kind, longest(300'000), {"300000"}, Errc::not_supported));
    Twins<T> twins(stream(), good_settings(kind));
    auto& asked = twins.asked();
    for (const auto change : {cusynapse::HistoryChange::clear, cusynapse::HistoryChange::keep}) {
      EXPECT_TRUE(refuses([&] { asked.set_delayed_by(stream(), 65'535.0 * 0.5, change); },
                          Errc::not_supported, {asked.name(), "expected at most 65535"}));
      EXPECT_TRUE(twins.unchanged());
      EXPECT_TRUE(refuses([&] { asked.set_step_time(stream(), 2.0 / 70'000.0, change); },
                          Errc::not_supported, {asked.name(), "expected at most 65535"}));
      EXPECT_TRUE(twins.unchanged());
    }
    // Of a synapse that exists.
    ConnectionSettings settings = good_settings(kind);
    settings.synapse.batch_size = 1;
    longest(65'536)(settings);
    const std::shared_ptr<cusynapse::Synapse<T>> synapse = model_test::make_synapse<T>(
        stream(), settings.synapse,
        model_test::library_options(settings.synapse, model_test::input_shape(settings)));
    EXPECT_TRUE(refuses([&] { model_test::make_connection<T>(stream(), settings, 1, synapse); },
                        Errc::not_supported,
                        {model_test::class_name(kind), "expected at most 65535"}));
  });
}

TEST_P(ConnectionRefusalTest, NoFactoryAndNoSynapse) {
  for_each_connection([&]<class T>(ConnectionKind kind) {
    const ConnectionSettings settings = good_settings(kind);
    EXPECT_TRUE(refuses([&] { model_test::make_connection<T>(stream(), settings, 1, nullptr); },
                        Errc::invalid_argument, {model_test::class_name(kind), "synapse"}));
  });
  const Shape shape = {3};
  const ConnectionOptions options;
  const cusynapse::SynapseFactory<float> none;
  const cusynapse::SynapseFactory<float> gives_none = [](const cusynapse::Stream&, const Shape&,
                                                         double, double, std::int64_t) {
    return std::unique_ptr<cusynapse::Synapse<float>>();
  };
  for (const auto& factory : {none, gives_none}) {
    EXPECT_TRUE(
        refuses([&] { cusynapse::LinearDense<float>(stream(), shape, {2}, options, factory); },
                Errc::invalid_argument, {"LinearDense"}));
    EXPECT_TRUE(refuses([&] { cusynapse::LinearDirect<float>(stream(), shape, options, factory); },
                        Errc::invalid_argument, {"LinearDirect"}));
    EXPECT_TRUE(refuses([&] { cusynapse::LinearLateral<float>(stream(), shape, options, factory); },
                        Errc::invalid_argument, {"LinearLateral"}));
    EXPECT_TRUE(
        refuses([&] { cusynapse::Conv2D<float>(stream(), Conv2DOptions(), options, factory); },
                Errc::invalid_argument, {"Conv2D"}));
  }
}

TEST_P(ConnectionRefusalTest, FactoriesThatMakeSomethingElse) {
  const auto other = [](const std::function<void(reference::Settings&)>& change) {
    return cusynapse::SynapseFactory<float>([change](const cusynapse::Stream& stream,
                                                     const Shape& shape, double step_time,
                                                     double delay, std::int64_t batch_size) {
      reference::Settings settings;
      settings.step_time = step_time;
      settings.delay = delay;
      settings.batch_size = batch_size;
      settings.sample_size = shape.size();
      change(settings);
      return model_test::make_synapse<float>(stream, settings);
    });
  };
  ConnectionOptions options;
  options.delay = 2.0;
  const auto expect_refusal = [&](const std::function<void(reference::Settings&)>& change,
                                  Errc code) {
    EXPECT_TRUE(
        refuses([&] { cusynapse::LinearDirect<float>(stream(), {3}, options, other(change)); },
                code, {"LinearDirect", "synapse", "expected"}));
  };
  expect_refusal([](auto& settings) { settings.sample_size += 1; }, Errc::shape_mismatch);
  expect_refusal([](auto& settings) { settings.batch_size += 1; }, Errc::invalid_argument);
  expect_refusal([](auto& settings) { settings.step_time = 0.25; }, Errc::invalid_argument);
  expect_refusal([](auto& settings) { settings.delay = 3.0; }, Errc::invalid_argument);
}

TEST_P(ConnectionRefusalTest, SynapsesWithOtherPixels) {
  ConnectionSettings settings = good_settings(ConnectionKind::convolution);
  for (const Shape& shape : other_shapes({2, 5, 4})) {
    // As many elements are as good: they are read as pixels.
    if (shape.size() == 40) continue;
    const std::shared_ptr<cusynapse::Synapse<float>> synapse = model_test::make_synapse<float>(
        stream(), settings.synapse, model_test::library_options(settings.synapse, shape));
    EXPECT_TRUE(refuses([&] { model_test::make_connection<float>(stream(), settings, 1, synapse); },
                        Errc::shape_mismatch,
                        {"Conv2D", "synapse", to_string(shape), "expected", "[2, 5, 4]"}));
  }
}

// ---- Parameters ----

TEST_P(ConnectionRefusalTest, ParametersOfAnotherShape) {
  for_each_connection([&]<class T>(ConnectionKind kind) {
    Twins<T> twins(stream(), good_settings(kind));
    for (const Parameter parameter : model_test::parameters()) {
      expect_shape<T>(
          twins, "set", parameter_name(parameter), twins.asked().parameter_shape(parameter),
          [&](cusynapse::View<T> values) { twins.asked().set(stream(), parameter, values); });
    }
  });
}

TEST_P(ConnectionRefusalTest, HostParametersOfAnotherSize) {
  for_each_connection([&]<class T>(ConnectionKind kind) {
    Twins<T> twins(stream(), good_settings(kind));
    auto& asked = twins.asked();
    for (const Parameter parameter : model_test::parameters()) {
      const std::int64_t size = asked.parameter_shape(parameter).size();
      for (const std::int64_t wrong : {std::int64_t{0}, size - 1, size + 1, 2 * size}) {
        if (wrong == size) continue;
        const std::vector<T> values(static_cast<std::size_t>(wrong), T(1));
        EXPECT_TRUE(refuses(
            [&] { asked.set_from_host(stream(), parameter, values); }, Errc::shape_mismatch,
            {asked.name(), "set_from_host", parameter_name(parameter), std::to_string(wrong),
             "expected", to_string(asked.parameter_shape(parameter))}));
        EXPECT_TRUE(twins.unchanged());
      }
    }
  });
}

TEST_P(ConnectionRefusalTest, DelaysThatAreNotNumbers) {
  for_each_connection([&]<class T>(ConnectionKind kind) {
    Twins<T> twins(stream(), good_settings(kind));
    auto& asked = twins.asked();
    const std::int64_t size = asked.weight_shape().size();
    // Not at place 0, which is on the diagonal of a lateral connection.
    for (const std::int64_t place : {std::int64_t{1}, size / 2 + 1, size - 2}) {
      std::vector<T> delays(static_cast<std::size_t>(size), T(1));
      delays[static_cast<std::size_t>(place)] = std::numeric_limits<T>::quiet_NaN();
      const support::DeviceArray<T> array(stream(), delays, asked.weight_shape());
      EXPECT_TRUE(refuses([&] { asked.set(stream(), Parameter::delay, array.constant()); },
                          Errc::invalid_argument,
                          {asked.name(), "set", "delay", "NaN", "expected"}));
      EXPECT_TRUE(twins.unchanged());
      EXPECT_TRUE(refuses([&] { asked.set_from_host(stream(), Parameter::delay, delays); },
                          Errc::invalid_argument,
                          {asked.name(), "set_from_host", "delay", "NaN", "expected"}));
      EXPECT_TRUE(twins.unchanged());
    }
    // Infinite ones are numbers, out of range.
    const support::DeviceArray<T> infinite(stream(), asked.weight_shape(),
                                           std::numeric_limits<T>::infinity());
    EXPECT_NO_THROW(asked.set(stream(), Parameter::delay, infinite.constant()));
    EXPECT_GT(asked.out_of_range_delays(stream()), 0);
  });
}

TEST_P(ConnectionRefusalTest, ParametersThatAreNotThere) {
  for_each_connection([&]<class T>(ConnectionKind kind) {
    Twins<T> twins(stream(), plain_settings(kind));
    auto& asked = twins.asked();
    for (const Parameter parameter : {Parameter::bias, Parameter::delay}) {
      const Shape shape = asked.parameter_shape(parameter);
      const std::vector<T> values(static_cast<std::size_t>(shape.size()), T(1));
      const support::DeviceArray<T> array(stream(), values, shape);
      const std::vector<std::pair<const char*, std::function<void()>>> calls = {
          {"edit", [&] { asked.edit(parameter); }},
          {"set", [&] { asked.set(stream(), parameter, array.constant()); }},
          {"set_from_host", [&] { asked.set_from_host(stream(), parameter, values); }},
          {"to_host", [&] { asked.to_host(stream(), parameter); }}};
      for (const auto& [function, call] : calls) {
        EXPECT_TRUE(refuses(call, Errc::not_supported,
                            {asked.name(), function, parameter_name(parameter)}));
        EXPECT_TRUE(twins.unchanged()) << function;
      }
    }
    EXPECT_TRUE(refuses([&] { asked.set_delayed_by(stream(), 2.0); }, Errc::not_supported,
                        {asked.name(), "set_delayed_by", "delay"}));
    EXPECT_TRUE(refuses([&] { asked.clamp_delays(stream()); }, Errc::not_supported,
                        {asked.name(), "clamp_delays", "delay"}));
    EXPECT_EQ(asked.out_of_range_delays(stream()), 0);
    EXPECT_TRUE(twins.unchanged());
  });
}

// ---- Steps and sums ----

TEST_P(ConnectionRefusalTest, InputsAndOutputsOfAnotherShape) {
  for_each_connection([&]<class T>(ConnectionKind kind) {
    for (const ConnectionSettings& settings : {good_settings(kind), plain_settings(kind)}) {
      Twins<T> twins(stream(), settings);
      auto& asked = twins.asked();
      const Shape input_shape = twins.batched_input();
      const Shape output_shape = twins.batched_output();
      const support::DeviceArray<T> input(stream(), input_shape, T(1));
      support::DeviceArray<T> out(stream(), output_shape, T(0));
      expect_shape<T>(twins, "forward", "input", input_shape, [&](cusynapse::View<T> values) {
        asked.forward(stream(), values, out.view());
      });
      expect_shape<std::uint8_t>(
          twins, "forward", "input", input_shape,
          [&](cusynapse::View<std::uint8_t> bytes) { asked.forward(stream(), bytes, out.view()); });
      expect_shape<std::uint8_t>(
          twins, "forward", "input", input_shape, [&](cusynapse::View<std::uint8_t> bits) {
            asked.forward(stream(), cusynapse::PackedSpikes(bits.data(), bits.shape()), out.view());
          });
      expect_shape<T>(twins, "forward", "out", output_shape, [&](cusynapse::View<T> result) {
        asked.forward(stream(), input.constant(), result);
      });
      expect_shape<T>(twins, "sum", "out", output_shape,
                      [&](cusynapse::View<T> result) { asked.sum(stream(), result); });
    }
  });
}

TEST_P(ConnectionRefusalTest, OutputsThatThereAreNot) {
  for_each_connection([&]<class T>(ConnectionKind kind) {
    Twins<T> twins(stream(), good_settings(kind));
    auto& asked = twins.asked();
    const auto output = static_cast<cusynapse::Output>(2);
    const support::DeviceArray<T> inputs(stream(), twins.batched_input().prepended(1), T(1));
    support::DeviceArray<T> out(stream(), twins.batched_output().prepended(1), T(0));
    const std::vector<std::string> words = {asked.name(), "output is 2", "expected"};
    EXPECT_TRUE(
        refuses([&] { asked.forward(stream(), inputs.constant()[0], out.view()[0], output); },
                Errc::invalid_argument, words));
    EXPECT_TRUE(refuses([&] { asked.sum(stream(), out.view()[0], output); }, Errc::invalid_argument,
                        words));
    EXPECT_TRUE(
        refuses([&] { asked.forward_sequence(stream(), inputs.constant(), out.view(), output); },
                Errc::invalid_argument, words));
    EXPECT_EQ(out.host(), std::vector<T>(out.host().size(), T(0)));
    EXPECT_TRUE(twins.unchanged());
  });
}

TEST_P(ConnectionRefusalTest, SequencesOfAnotherShape) {
  for_each_connection([&]<class T>(ConnectionKind kind) {
    Twins<T> twins(stream(), good_settings(kind));
    auto& asked = twins.asked();
    const Shape one_input = twins.batched_input();
    const Shape one_output = twins.batched_output();
    const support::DeviceArray<T> inputs(stream(), one_input.prepended(4), T(1));
    support::DeviceArray<T> out(stream(), one_output.prepended(4), T(0));
    const std::string name = asked.name();
    for (const Shape& shape : other_shapes(one_output.prepended(4))) {
      support::DeviceArray<T> bad(stream(), shape, T(0));
      EXPECT_TRUE(refuses([&] { asked.forward_sequence(stream(), inputs.constant(), bad.view()); },
                          Errc::shape_mismatch,
                          {name, "forward_sequence", "out", to_string(shape), "expected"}));
      EXPECT_EQ(bad.host(), std::vector<T>(bad.host().size(), T(0)));
    }
    for (const Shape& shape : other_shapes(one_input.prepended(4))) {
      const support::DeviceArray<T> bad(stream(), shape, T(1));
      // Inputs of another length are good inputs, for another output.
      const bool is_longer = shape.rank() > 0 && shape.without_leading(1) == one_input;
      const Shape at_fault = is_longer ? out.view().shape() : shape;
      EXPECT_TRUE(refuses([&] { asked.forward_sequence(stream(), bad.constant(), out.view()); },
                          Errc::shape_mismatch,
                          {name, "forward_sequence", to_string(at_fault), "expected"}));
    }
    EXPECT_TRUE(twins.unchanged());
    EXPECT_TRUE(refuses(
        [&] {
          asked.forward_sequence(stream(), inputs.constant(),
                                 cusynapse::View<T>(nullptr, one_output.prepended(4)));
        },
        Errc::invalid_argument, {name, "forward_sequence", "out", "null"}));
    EXPECT_TRUE(refuses(
        [&] {
          asked.forward_sequence(
              stream(), cusynapse::View<const T>(nullptr, one_input.prepended(4)), out.view());
        },
        Errc::invalid_argument, {name, "forward_sequence", "input", "null"}));
    EXPECT_TRUE(twins.unchanged());
    EXPECT_TRUE(refuses(
        [&] {
          asked.forward_sequence(stream(),
                                 cusynapse::View<const T>(nullptr, one_input.prepended(0)),
                                 cusynapse::View<T>(nullptr, one_output.prepended(0)));
        },
        Errc::shape_mismatch, {name, "forward_sequence", "inputs", "expected", "T at least 1"}));
    for (const std::int64_t steps : {0, -1, -7}) {
      EXPECT_TRUE(refuses([&] { asked.reserve_sequence(stream(), steps); }, Errc::invalid_argument,
                          {name, "reserve_sequence", std::to_string(steps), "expected"}));
    }
  });
}

TEST_P(ConnectionRefusalTest, InjectedCurrents) {
  for_each_connection([&]<class T>(ConnectionKind kind) {
    Twins<T> takes(stream(), small_settings(kind, Model::delta_plus));
    const Shape shape = takes.batched_input();
    const support::DeviceArray<T> input(stream(), shape, T(1));
    support::DeviceArray<T> out(stream(), takes.batched_output(), T(0));
    const auto forward = [&](Connection<T>& connection,
                             const std::vector<cusynapse::View<const T>>& injected) {
      connection.forward(stream(), input.constant(), out.view(), cusynapse::Output::replace,
                         injected);
    };
    for (const Shape& other : other_shapes(shape)) {
      const support::DeviceArray<T> bad(stream(), other, T(1));
      EXPECT_TRUE(refuses(
          [&] {
            forward(takes.asked(), {input.constant(), bad.constant()});
          },
          Errc::shape_mismatch, {"injected", to_string(other), "expected", to_string(shape)}));
      EXPECT_TRUE(takes.unchanged());
    }
    EXPECT_TRUE(refuses(
        [&] {
          forward(takes.asked(), {input.constant(), cusynapse::View<const T>(nullptr, shape)});
        },
        Errc::invalid_argument, {"injected", "null"}));
    EXPECT_TRUE(takes.unchanged());
    EXPECT_TRUE(refuses([&] { forward(takes.asked(), std::vector(17, input.constant())); },
                        Errc::invalid_argument, {"injected", "17", "expected", "16"}));
    EXPECT_TRUE(takes.unchanged());
    for (const Model model :
         {Model::delta, Model::single_exponential, Model::double_exponential, Model::alpha}) {
      Twins<T> takes_none(stream(), small_settings(kind, model));
      EXPECT_TRUE(refuses([&] { forward(takes_none.asked(), {input.constant()}); },
                          Errc::not_supported, {"injected"}));
      EXPECT_TRUE(takes_none.unchanged());
    }
  });
}

// ---- Changes ----

TEST_P(ConnectionRefusalTest, ChangesOutOfTheirDomain) {
  for_each_connection([&]<class T>(ConnectionKind kind) {
    Twins<T> twins(stream(), good_settings(kind));
    auto& asked = twins.asked();
    for (const std::int64_t batch_size : {0, -1, -1000}) {
      EXPECT_TRUE(refuses([&] { asked.set_batch_size(stream(), batch_size); },
                          Errc::invalid_argument,
                          {"batch_size", std::to_string(batch_size), "expected"}));
      EXPECT_TRUE(twins.unchanged());
    }
    EXPECT_THROW(asked.set_batch_size(stream(), std::int64_t{1} << 62), cusynapse::Error);
    EXPECT_TRUE(twins.unchanged());
    for (const auto change : {cusynapse::HistoryChange::clear, cusynapse::HistoryChange::keep}) {
      for (const double step_time : {0.0, -1.0, infinity, -infinity, not_a_number}) {
        EXPECT_TRUE(refuses([&] { asked.set_step_time(stream(), step_time, change); },
                            Errc::invalid_argument, {"step_time", printed(step_time), "expected"}));
      }
      EXPECT_TRUE(twins.unchanged());
      for (const double delay : {-1.0, -1e-9, infinity, -infinity, not_a_number}) {
        EXPECT_TRUE(refuses([&] { asked.set_delayed_by(stream(), delay, change); },
                            Errc::invalid_argument, {"delay", printed(delay), "expected"}));
      }
      EXPECT_TRUE(twins.unchanged());
    }
    const auto change = static_cast<cusynapse::HistoryChange>(2);
    const std::vector<std::string> words = {"history is 2", "expected"};
    EXPECT_TRUE(refuses([&] { asked.set_step_time(stream(), 0.3, change); }, Errc::invalid_argument,
                        words));
    EXPECT_TRUE(refuses([&] { asked.set_delayed_by(stream(), 1.0, change); },
                        Errc::invalid_argument, words));
    EXPECT_TRUE(twins.unchanged());
  });
}

// ---- What learning rules look at ----

TEST_P(ConnectionRefusalTest, SelectionsOfAnotherShape) {
  for_each_connection([&]<class T>(ConnectionKind kind) {
    for (const ConnectionSettings& settings : {good_settings(kind), plain_settings(kind)}) {
      Twins<T> twins(stream(), settings);
      auto& asked = twins.asked();
      expect_shape<T>(twins, "selector", "out", asked.selector_shape(),
                      [&](cusynapse::View<T> out) { asked.selector(stream(), out); });
      expect_shape<T>(twins, "syncurrent", "out", asked.synaptic_selection_shape(),
                      [&](cusynapse::View<T> out) { asked.syncurrent(stream(), out); });
      expect_shape<std::uint8_t>(
          twins, "synspike", "out", asked.synaptic_selection_shape(),
          [&](cusynapse::View<std::uint8_t> out) { asked.synspike(stream(), out); });
    }
  });
}

TEST_P(ConnectionRefusalTest, LayoutsOfAnotherShape) {
  for_each_connection([&]<class T>(ConnectionKind kind) {
    Twins<T> twins(stream(), good_settings(kind));
    auto& asked = twins.asked();
    const Shape input_shape = twins.batched_input();
    const Shape synaptic_shape = twins.batched_synaptic();
    const Shape receptive_shape = asked.presyn_receptive_shape(synaptic_shape);
    support::DeviceArray<T> input(stream(), input_shape, T(1));
    support::DeviceArray<T> synaptic(stream(), synaptic_shape, T(1));
    support::DeviceArray<T> receptive(stream(), receptive_shape, T(1));
    support::DeviceArray<std::uint8_t> input_bytes(stream(), input_shape, 1);
    support::DeviceArray<std::uint8_t> synaptic_bytes(stream(), synaptic_shape, 1);
    support::DeviceArray<std::uint8_t> receptive_bytes(stream(), receptive_shape, 1);
    using View = cusynapse::View<T>;
    using Bytes = cusynapse::View<std::uint8_t>;
    expect_shape<T>(twins, "like_synaptic", ": in ", input_shape,
                    [&](View array) { asked.like_synaptic(stream(), array, synaptic.view()); });
    expect_shape<T>(twins, "like_synaptic", "out", synaptic_shape,
                    [&](View array) { asked.like_synaptic(stream(), input.constant(), array); });
    expect_shape<std::uint8_t>(twins, "like_synaptic", ": in ", input_shape, [&](Bytes array) {
      asked.like_synaptic(stream(), array, synaptic_bytes.view());
    });
    expect_shape<std::uint8_t>(twins, "like_synaptic", "out", synaptic_shape, [&](Bytes array) {
      asked.like_synaptic(stream(), input_bytes.constant(), array);
    });
    expect_shape<T>(twins, "like_input", ": in ", synaptic_shape,
                    [&](View array) { asked.like_input(stream(), array, input.view()); });
    expect_shape<T>(twins, "like_input", "out", input_shape,
                    [&](View array) { asked.like_input(stream(), synaptic.constant(), array); });
    expect_shape<T>(twins, "presyn_receptive", "out", receptive_shape, [&](View array) {
      asked.presyn_receptive(stream(), synaptic.constant(), array);
    });
    expect_shape<std::uint8_t>(twins, "presyn_receptive", "out", receptive_shape, [&](Bytes array) {
      asked.presyn_receptive(stream(), synaptic_bytes.constant(), array);
    });
    expect_shape<T>(twins, "postsyn_receptive", "output", twins.batched_output(),
                    [&](View array) { asked.postsyn_receptive(array); });
    expect_shape<std::uint8_t>(twins, "postsyn_receptive", "output", twins.batched_output(),
                               [&](Bytes array) { asked.postsyn_receptive(array); });
    // Two shapes are taken: that of synaptic arrays, and the selector's.
    for (const Shape& shape : other_shapes(synaptic_shape)) {
      if (shape == asked.selector_shape()) continue;
      const std::vector<std::string> parts = {
          asked.name(), "presyn_receptive",        to_string(shape),
          "expected",   to_string(synaptic_shape), to_string(asked.selector_shape())};
      EXPECT_TRUE(
          refuses([&] { asked.presyn_receptive_shape(shape); }, Errc::shape_mismatch, parts));
      const support::DeviceArray<T> bad(stream(), shape, T(1));
      EXPECT_TRUE(
          refuses([&] { asked.presyn_receptive(stream(), bad.constant(), receptive.view()); },
                  Errc::shape_mismatch, parts));
    }
    const Shape wide = asked.presyn_receptive_shape(asked.selector_shape());
    if (wide != receptive_shape) {
      support::DeviceArray<T> spread(stream(), wide, T(1));
      EXPECT_TRUE(
          refuses([&] { asked.presyn_receptive(stream(), synaptic.constant(), spread.view()); },
                  Errc::shape_mismatch,
                  {asked.name(), "presyn_receptive", "out", to_string(wide), "expected",
                   to_string(receptive_shape)}));
    }
    EXPECT_TRUE(twins.unchanged());
  });
}

TEST_P(ConnectionRefusalTest, BiasesLikeNothing) {
  for_each_connection([&]<class T>(ConnectionKind kind) {
    Twins<T> twins(stream(), good_settings(kind));
    auto& asked = twins.asked();
    Shape expected = {asked.bias_shape()[0], 1};
    if (kind == ConnectionKind::direct) expected = {asked.bias_shape()[0]};
    if (kind == ConnectionKind::convolution) expected = {asked.bias_shape()[0], 1, 1, 1};
    expect_shape<T>(twins, "like_bias", "", expected,
                    [&](cusynapse::View<T> array) { asked.like_bias(array); });
  });
}

// ---- Devices ----

TEST_P(ConnectionRefusalTest, StreamsOfAnotherDevice) {
  if (support::devices().size() < 2) GTEST_SKIP() << "there is one device only";
  const cusynapse::Stream other = other_device_stream();
  for_each_connection([&]<class T>(ConnectionKind kind) {
    Twins<T> twins(stream(), good_settings(kind));
    auto& asked = twins.asked();
    support::DeviceArray<T> input(other, twins.batched_input(), T(1));
    support::DeviceArray<T> out(other, twins.batched_output(), T(1));
    support::DeviceArray<T> weights(other, asked.weight_shape(), T(1));
    support::DeviceArray<T> selector(other, asked.selector_shape(), T(1));
    support::DeviceArray<std::uint8_t> spikes(other, asked.selector_shape(), 1);
    support::DeviceArray<T> synaptic(other, twins.batched_synaptic(), T(1));
    const std::vector<T> host(static_cast<std::size_t>(asked.weight_shape().size()), T(1));
    const Shape receptive_shape = asked.presyn_receptive_shape(twins.batched_synaptic());
    support::DeviceArray<T> receptive(other, receptive_shape, T(1));
    support::DeviceArray<T> inputs(other, twins.batched_input().prepended(1), T(1));
    support::DeviceArray<T> outs(other, twins.batched_output().prepended(1), T(1));
    const std::vector<std::uint8_t> state = asked.save(stream());
    const std::vector<std::function<void()>> calls = {
        [&] { asked.save(other); },
        [&] { asked.load(other, state); },
        [&] { asked.forward_sequence(other, inputs.constant(), outs.view()); },
        [&] { asked.set_weight_storage(other, cusynapse::StorageType::same); },
        [&] { asked.presyn_receptive(other, synaptic.constant(), receptive.view()); },
        [&] { asked.set(other, Parameter::weight, weights.constant()); },
        [&] { asked.set_from_host(other, Parameter::weight, host); },
        [&] { asked.to_host(other, Parameter::weight); },
        [&] { asked.forward(other, input.constant(), out.view()); },
        [&] { asked.sum(other, out.view()); },
        [&] { asked.reserve_sequence(other, 5); },
        [&] { asked.prepare(other); },
        [&] { asked.refresh(other); },
        [&] { asked.out_of_range_delays(other); },
        [&] { asked.clamp_delays(other); },
        [&] { asked.clear(other); },
        [&] { asked.set_batch_size(other, 5); },
        [&] { asked.set_step_time(other, 0.25); },
        [&] { asked.set_delayed_by(other, 1.0); },
        [&] { asked.selector(other, selector.view()); },
        [&] { asked.syncurrent(other, selector.view()); },
        [&] { asked.synspike(other, spikes.view()); },
        [&] { asked.like_synaptic(other, input.constant(), synaptic.view()); },
        [&] { asked.like_input(other, synaptic.constant(), input.view()); }};
    for (std::size_t i = 0; i < calls.size(); ++i) {
      EXPECT_TRUE(
          refuses(calls[i], Errc::wrong_device, {to_string(other.device()), to_string(GetParam())}))
          << "call " << i;
      EXPECT_TRUE(twins.unchanged()) << "call " << i;
    }
    const std::shared_ptr<cusynapse::Synapse<T>> elsewhere = model_test::make_synapse<T>(
        other, good_settings(kind).synapse,
        model_test::library_options(good_settings(kind).synapse,
                                    model_test::input_shape(good_settings(kind))));
    EXPECT_TRUE(refuses(
        [&] { model_test::make_connection<T>(stream(), good_settings(kind), 1, elsewhere); },
        Errc::wrong_device, {model_test::class_name(kind)}));
  });
}

}  // namespace
