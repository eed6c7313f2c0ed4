// The four connection classes against the oracle, over all synapse models; and what must be the
// same to the bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cusynapse/cusynapse.hpp"
#include "model/connection_pair.hpp"
#include "model/connection_subject.hpp"
#include "support/devices.hpp"
#include "support/random.hpp"

namespace {

using cusynapse::Shape;
using model_test::ConnectionKind;
using model_test::ConnectionPair;
using model_test::ConnectionSettings;
using model_test::DelayKind;
using model_test::for_each_connection;
using model_test::host_array;
using model_test::InputKind;
using model_test::Output;
using model_test::Parameter;
using model_test::same_bits;
using model_test::small_settings;
using model_test::Subject;
using model_test::Way;
using reference::Convolution;
using reference::Model;

constexpr double infinity = std::numeric_limits<double>::infinity();

/// A model with the way spikes are read between steps, where that makes a difference.
struct Variant {
  Model model;
  bool nearest;
};
const std::vector<Variant>& variants() {
  static const std::vector<Variant> all = {{Model::delta, false},
                                           {Model::delta, true},
                                           {Model::delta_plus, false},
                                           {Model::delta_plus, true},
                                           {Model::single_exponential, false},
                                           {Model::double_exponential, false},
                                           {Model::alpha, false}};
  return all;
}

Convolution convolution_of(std::int64_t channels, std::int64_t height, std::int64_t width,
                           std::int64_t filters, std::int64_t kernel_height,
                           std::int64_t kernel_width) {
  Convolution out;
  out.channels = channels;
  out.height = height;
  out.width = width;
  out.filters = filters;
  out.kernel[0] = kernel_height;
  out.kernel[1] = kernel_width;
  return out;
}

/// Geometries that are unlike in height and width, one after the other.
const std::vector<Convolution>& convolutions() {
  static const std::vector<Convolution> all = [] {
    std::vector<Convolution> out = {
        convolution_of(1, 1, 1, 1, 1, 1), convolution_of(2, 5, 7, 3, 3, 2),
        convolution_of(3, 6, 4, 5, 2, 3), convolution_of(1, 9, 8, 2, 3, 3),
        convolution_of(2, 4, 9, 1, 4, 9), convolution_of(4, 7, 3, 33, 2, 2),
        convolution_of(1, 3, 3, 2, 3, 3), convolution_of(2, 8, 9, 3, 3, 2)};
    const auto set = [](std::int64_t(&extents)[2], std::int64_t vertical, std::int64_t horizontal) {
      extents[0] = vertical;
      extents[1] = horizontal;
    };
    set(out[1].padding, 1, 2);
    set(out[2].stride, 2, 1);
    set(out[2].padding, 0, 1);
    set(out[3].dilation, 2, 3);
    set(out[3].padding, 2, 3);
    set(out[3].stride, 1, 2);
    set(out[5].stride, 3, 2);
    // Wider than the kernel: some positions see the padding alone.
    set(out[6].padding, 4, 3);
    // Some pixels lie under no patch.
    set(out[7].stride, 4, 5);
    return out;
  }();
  return all;
}

/// One connection of the sweep: sizes drawn at random, small on the whole, but together at most
/// `most_terms` products a sum.
ConnectionSettings random_connection(support::Random& random, ConnectionKind kind,
                                     const Variant& variant, DelayKind delays,
                                     std::int64_t batch_size, std::int64_t most_terms) {
  ConnectionSettings settings;
  settings.kind = kind;
  settings.synapse.model = variant.model;
  settings.synapse.nearest = variant.nearest;
  settings.synapse.batch_size = batch_size;
  settings.biased = random.chance(0.5);
  settings.has_delays = delays != DelayKind::none;
  auto& synapse = settings.synapse;
  synapse.step_time = random.one_of<double>({1.0, 0.1, 0.7});
  const double steps = random.one_of<double>({1.0, 2.0, 2.5, 16.0});
  synapse.delay = delays == DelayKind::largest_is_zero ? 0.0 : steps * synapse.step_time;
  synapse.tolerance = random.chance(0.5) ? 0.0 : 0.25 * synapse.step_time;
  synapse.current_overbound = random.chance(0.5) ? -2.25 : 0.0;
  if (random.chance(0.3)) synapse.current_overbound = std::nullopt;
  synapse.spike_overbound = random.chance(0.5);
  if (random.chance(0.3)) synapse.spike_overbound = std::nullopt;
  synapse.spike_charge = random.one_of<double>({3.7, -0.6});
  synapse.time_constant = random.one_of<double>({4.3, 0.9});
  synapse.tc_decay = 6.1;
  synapse.tc_rise = 1.9;
  const std::vector<std::int64_t> inputs = {1, 31, 33, 70, 300};
  const std::vector<std::int64_t> outputs = {1, 5, 33, 70};
  do {
    synapse.sample_size = random.one_of(inputs);
    settings.outputs = random.one_of(outputs);
    if (kind == ConnectionKind::lateral) settings.outputs = synapse.sample_size;
  } while (kind != ConnectionKind::direct && synapse.sample_size > 1 &&
           synapse.sample_size * settings.outputs * batch_size > most_terms);
  settings.convolution = random.one_of(convolutions());
  return model_test::consistent(settings);
}

class ConnectionTest : public support::DeviceTest {};
INSTANTIATE_TEST_SUITE_P(Devices, ConnectionTest, testing::ValuesIn(support::devices()),
                         support::device_name);

// ---- Sums ----

/// The sweep: every class with every model, sort of delays and batch size.
class ConnectionSweep
    : public testing::TestWithParam<std::tuple<cusynapse::Device, ConnectionKind, DelayKind>> {
 protected:
  cusynapse::Stream stream() const { return stream_.get(); }

 private:
  cusynapse::OwnedStream stream_{std::get<0>(GetParam())};
};

std::string sweep_name(const testing::TestParamInfo<ConnectionSweep::ParamType>& info) {
  const auto& [device, kind, delays] = info.param;
  const char* const names[] = {"NoDelays", "LargestDelay0", "Delays0", "OnGrid",
                               "OffGrid",  "OutOfRange",    "NaN"};
  return support::device_name({device, 0}) + model_test::class_name(kind) +
         names[static_cast<int>(delays)];
}
INSTANTIATE_TEST_SUITE_P(Devices, ConnectionSweep,
                         testing::Combine(testing::ValuesIn(support::devices()),
                                          testing::ValuesIn(model_test::connection_kinds()),
                                          testing::ValuesIn(model_test::delay_kinds())),
                         sweep_name);

template <class T>
void follow_the_oracle(const cusynapse::Stream& stream, support::Random& random,
                       const ConnectionSettings& settings, DelayKind delays, std::int64_t steps) {
  SCOPED_TRACE(model_test::describe(settings));
  ConnectionPair<T> pair(stream, settings, random.bits());
  pair.set_random_parameters(random, delays);
  EXPECT_TRUE(pair.sum()) << "before the first step";
  for (std::int64_t t = 0; t < steps; ++t) {
    EXPECT_TRUE(pair.forward(random, random.one_of(model_test::input_kinds()))) << "step " << t;
  }
  EXPECT_TRUE(pair.sum());
  EXPECT_TRUE(pair.check_state());
  if (settings.synapse.batch_size >= 8) return;  // as many selections as terms
  EXPECT_TRUE(pair.check_selection());
}

TEST_P(ConnectionSweep, SumsAreTheOracles) {
  const auto& [device, kind, delays] = GetParam();
  support::Random random(support::seed());
  for (const Variant& variant : variants()) {
    for (const std::int64_t batch_size : {1, 7, 8, 33}) {
      const auto run = [&]<class T>() {
        const ConnectionSettings settings =
            random_connection(random, kind, variant, delays, batch_size, 40'000);
        const std::int64_t slots =
            reference::slots_for(settings.synapse.delay, settings.synapse.step_time, true);
        follow_the_oracle<T>(stream(), random, settings, delays, std::min<std::int64_t>(slots, 6));
      };
      run.template operator()<float>();
      run.template operator()<double>();
    }
  }
}

TEST_P(ConnectionTest, SumsOverSeveralGroupsOfInputsAreTheOracles) {
  support::Random random(support::seed());
  for (const Variant& variant : variants()) {
    for (const auto& [inputs, outputs, batch_size] :
         std::vector<std::tuple<std::int64_t, std::int64_t, std::int64_t>>{
             {300, 9, 33}, {520, 5, 8}, {256, 70, 1}, {257, 1, 7}, {255, 31, 9}, {770, 2, 2}}) {
      for (const DelayKind delays : {DelayKind::none, DelayKind::out_of_range}) {
        ConnectionSettings settings = small_settings(ConnectionKind::dense, variant.model);
        settings.synapse.nearest = variant.nearest;
        settings.synapse.sample_size = inputs;
        settings.synapse.batch_size = batch_size;
        settings.outputs = outputs;
        settings.has_delays = delays != DelayKind::none;
        settings = model_test::consistent(settings);
        follow_the_oracle<float>(stream(), random, settings, delays, 3);
        if (batch_size < 8) follow_the_oracle<double>(stream(), random, settings, delays, 3);
      }
    }
  }
}

TEST_P(ConnectionTest, HistoriesOfAnyLengthAreReachedToTheirEnd) {
  support::Random random(support::seed());
  for_each_connection([&]<class T>(ConnectionKind kind) {
    for (const std::int64_t slots : {1, 2, 17, 254, 255, 256, 257, 300}) {
      for (const auto& [model, step_time] :
           std::vector<std::pair<Model, double>>{{Model::delta, 1.0},
                                                 {Model::double_exponential, 1.0},
                                                 {Model::delta, 0.1},
                                                 {Model::double_exponential, 0.7}}) {
        ConnectionSettings settings = small_settings(kind, model);
        settings.synapse.step_time = step_time;
        settings.synapse.delay = static_cast<double>(slots - 1) * settings.synapse.step_time;
        settings.synapse.time_constant = 40.0;
        settings.synapse.tc_decay = 50.0;
        settings.synapse.tc_rise = 30.0;
        settings.synapse.batch_size = 2;
        SCOPED_TRACE(model_test::describe(settings));
        ConnectionPair<T> pair(stream(), settings);
        pair.set_random_parameters(random, DelayKind::on_grid);
        const InputKind input = InputKind::bits;
        for (std::int64_t t = 0; t < slots + 5; t += 50) {
          const auto inputs = model_test::random_inputs<T>(random, input, 50 * pair.input_size());
          pair.synapse().step_sequence(
              stream(), model_test::DeviceInput<T>(stream(), input, inputs,
                                                   pair.batched_input().prepended(50), 50)
                            .input());
          stream().synchronize();
          for (std::int64_t i = 0; i < 50; ++i) {
            pair.expected().synapse().step(
                host_array(inputs, i * pair.input_size(), pair.input_size()));
          }
        }
        EXPECT_TRUE(pair.sum());
        EXPECT_TRUE(pair.forward(random, InputKind::values));
        for (const DelayKind delays : {DelayKind::off_grid, DelayKind::out_of_range}) {
          pair.set_random_parameters(random, delays);
          EXPECT_TRUE(pair.forward(random, InputKind::bytes));
        }
        const auto inputs = model_test::random_inputs<T>(random, input, 9 * pair.input_size());
        EXPECT_TRUE(pair.forward_sequence(inputs, input, 9));
        // The largest delay itself, and the smallest that is out of range.
        const T largest = static_cast<T>(settings.synapse.delay);
        const auto all = [&](T delay) {
          pair.set(Parameter::delay,
                   std::vector<T>(static_cast<std::size_t>(pair.count(Parameter::delay)), delay));
        };
        all(largest);
        EXPECT_TRUE(pair.sum()) << "at the largest delay";
        all(std::nextafter(largest, std::numeric_limits<T>::max()));
        EXPECT_TRUE(pair.sum()) << "just above the largest delay";
        all(-std::numeric_limits<T>::denorm_min());
        EXPECT_TRUE(pair.sum()) << "just below 0";
      }
    }
  });
}

TEST_P(ConnectionTest, TheLongestHistoryIsReachedToItsEnd) {
  constexpr std::int64_t slots = 65'535;
  ConnectionSettings settings = small_settings(ConnectionKind::direct, Model::delta);
  settings.synapse.step_time = 1.0;
  settings.synapse.delay = static_cast<double>(slots - 1);
  settings.synapse.batch_size = 1;
  settings.synapse.sample_size = 4;
  settings.biased = false;
  Subject<float> subject(stream(), settings);
  subject.set(Parameter::weight, {1.0f, 10.0f, 100.0f, 1000.0f});
  subject.set(Parameter::delay, {0.0f, 65'533.0f, 65'534.0f, 65'535.0f});
  auto& synapse = dynamic_cast<cusynapse::CurrentSynapse<float>&>(subject->synapse());
  ASSERT_EQ(synapse.slots(), slots);
  // A spike of each, long ago.
  const float amplitude = 3.7f;
  const float overbound = -2.25f;
  EXPECT_EQ(subject.forward({1.0f, 1.0f, 1.0f, 1.0f}, InputKind::bits),
            (std::vector<float>{amplitude, 0.0f, 0.0f, 1000.0f * overbound}));
  const std::vector<std::uint8_t> silence(static_cast<std::size_t>(slots - 3), 0);
  const support::DeviceArray<std::uint8_t> bits(stream(), silence, {slots - 3});
  synapse.step_sequence(stream(),
                        cusynapse::PackedSpikes(bits.constant().data(), {slots - 3, 1, 4}));
  const std::vector<float> none(4, 0.0f);
  EXPECT_EQ(subject.forward(none, InputKind::bits),
            (std::vector<float>{0.0f, 10.0f * amplitude, 0.0f, 1000.0f * overbound}));
  EXPECT_EQ(subject.forward(none, InputKind::bits),
            (std::vector<float>{0.0f, 0.0f, 100.0f * amplitude, 1000.0f * overbound}));
  EXPECT_EQ(subject.forward(none, InputKind::bits),
            (std::vector<float>{0.0f, 0.0f, 0.0f, 1000.0f * overbound}));
}

TEST_P(ConnectionTest, ConvolutionsOfEveryGeometryAreTheOracles) {
  support::Random random(support::seed());
  for (const Convolution& geometry : convolutions()) {
    for (const Variant& variant : variants()) {
      for (const DelayKind delays :
           {DelayKind::none, DelayKind::off_grid, DelayKind::not_a_number}) {
        ConnectionSettings settings = small_settings(ConnectionKind::convolution, variant.model);
        settings.synapse.nearest = variant.nearest;
        settings.convolution = geometry;
        settings.has_delays = delays != DelayKind::none;
        settings = model_test::consistent(settings);
        follow_the_oracle<float>(stream(), random, settings, delays, 4);
        follow_the_oracle<double>(stream(), random, settings, delays, 4);
      }
    }
  }
}

// Two kernels of unlike texts, which order their sums alike: more than a group of runs.
TEST_P(ConnectionTest, AConvolutionOfItsWholeInputIsADenseSum) {
  support::Random random(support::seed());
  const auto compare = [&]<class T>() {
    for (const Model model : model_test::models()) {
      for (const bool has_delays : {false, true}) {
        ConnectionSettings settings = small_settings(ConnectionKind::convolution, model);
        settings.convolution = convolution_of(3, 10, 11, 4, 10, 11);
        settings.has_delays = has_delays;
        settings = model_test::consistent(settings);
        Subject<T> convolution(stream(), settings);
        convolution.set_random_parameters(3, settings, DelayKind::off_grid);
        settings.kind = ConnectionKind::dense;
        settings.outputs = settings.convolution.filters;
        Subject<T> dense(stream(), settings);
        dense.set_random_parameters(3, settings, DelayKind::off_grid);
        for (int t = 0; t < 4; ++t) {
          const auto input =
              model_test::random_inputs<T>(random, InputKind::values, dense.input_shape().size());
          EXPECT_TRUE(same_bits(convolution.forward(input, InputKind::values),
                                dense.forward(input, InputKind::values)))
              << model_test::describe(settings);
        }
      }
    }
  };
  compare.template operator()<float>();
  compare.template operator()<double>();
}

TEST_P(ConnectionTest, PaddingOutOfRangeReadsTheOverbound) {
  ConnectionSettings settings = small_settings(ConnectionKind::convolution, Model::delta_plus);
  settings.biased = false;
  settings.synapse.current_overbound = -20.0;
  settings.convolution = convolution_of(1, 1, 1, 1, 1, 1);
  settings.convolution.padding[0] = 1;
  settings.synapse.batch_size = 1;
  settings = model_test::consistent(settings);
  ConnectionPair<float> pair(stream(), settings);
  pair.set(Parameter::weight, {0.5f});
  EXPECT_TRUE(pair.forward({1.0f}, InputKind::values));
  EXPECT_EQ(pair.output(), (std::vector<float>{0.0f, 0.5f * 7.4f, 0.0f}));
  pair.set(Parameter::delay, {99.0f});
  EXPECT_TRUE(pair.sum());
  EXPECT_EQ(pair.output(), (std::vector<float>{-10.0f, -10.0f, -10.0f}));
}

// Padding is a history of zeros, on all four sides: an infinite weight times 0 is no number.
TEST_P(ConnectionTest, AnInfiniteWeightOverPaddingIsNoNumber) {
  for (const Model model : {Model::delta_plus, Model::single_exponential, Model::alpha}) {
    for (const bool has_delays : {false, true}) {
      ConnectionSettings settings = small_settings(ConnectionKind::convolution, model);
      settings.has_delays = has_delays;
      settings.convolution = convolution_of(1, 1, 1, 1, 1, 1);
      settings.convolution.padding[0] = 1;
      settings.convolution.padding[1] = 1;
      settings.synapse.batch_size = 1;
      settings = model_test::consistent(settings);
      SCOPED_TRACE(model_test::describe(settings));
      ConnectionPair<float> pair(stream(), settings);
      pair.set(Parameter::weight, {std::numeric_limits<float>::infinity()});
      for (int step = 0; step < 2; ++step) {
        EXPECT_TRUE(pair.forward({1.0f}, InputKind::values));
      }
      const std::vector<float> output = pair.output();
      for (std::size_t i = 0; i < output.size(); ++i) {
        EXPECT_EQ(std::isnan(output[i]), i != 4) << "output " << i;
      }
    }
  }
}

TEST_P(ConnectionTest, DelaysOutOfRangeReadTheOverboundWhateverTheHistoryHolds) {
  for_each_connection([&]<class T>(ConnectionKind kind) {
    if (kind == ConnectionKind::lateral) return;  // the delays of its diagonal are in range
    for (const Model model :
         {Model::delta_plus, Model::single_exponential, Model::double_exponential, Model::alpha}) {
      const ConnectionSettings settings = small_settings(kind, model);
      ConnectionPair<T> pair(stream(), settings);
      const auto count = static_cast<std::size_t>(pair.count(Parameter::delay));
      pair.set(Parameter::delay, std::vector<T>(count, T(77)));
      const auto size = static_cast<std::size_t>(pair.input_size());
      for (const double value : {infinity, -infinity, std::nan("")}) {
        EXPECT_TRUE(pair.forward(std::vector<T>(size, static_cast<T>(value)), InputKind::values));
        for (const T output : pair.output()) EXPECT_TRUE(std::isfinite(output));
      }
    }
  });
}

TEST_P(ConnectionTest, AnInfinityStaysInItsSampleAndItsInput) {
  for_each_connection([&]<class T>(ConnectionKind kind) {
    for (const Model model :
         {Model::delta_plus, Model::single_exponential, Model::double_exponential, Model::alpha}) {
      for (const bool has_delays : {false, true}) {
        ConnectionSettings settings = small_settings(kind, model);
        settings.has_delays = has_delays;
        settings = model_test::consistent(settings);
        SCOPED_TRACE(model_test::describe(settings));
        Subject<T> finite(stream(), settings);
        Subject<T> infinite(stream(), settings);
        const std::int64_t size = finite.input_shape().size();
        const std::int64_t sample = size / settings.synapse.batch_size;
        std::vector<T> input(static_cast<std::size_t>(size), T(1));
        const std::vector<T> without = finite.forward(input, InputKind::values);
        // The first and the last input of the middle sample: padding of a tile lies beside both.
        input[static_cast<std::size_t>(sample)] = std::numeric_limits<T>::infinity();
        input[static_cast<std::size_t>(2 * sample - 1)] = std::numeric_limits<T>::infinity();
        const std::vector<T> with = infinite.forward(input, InputKind::values);
        const auto third = static_cast<std::int64_t>(with.size()) / 3;
        EXPECT_TRUE(same_bits(host_array(with, 0, third), host_array(without, 0, third)));
        EXPECT_TRUE(
            same_bits(host_array(with, 2 * third, third), host_array(without, 2 * third, third)));
        if (model == Model::delta_plus && kind == ConnectionKind::direct) {
          EXPECT_TRUE(std::isinf(with[static_cast<std::size_t>(third)]));
          EXPECT_TRUE(same_bits(host_array(with, third + 1, third - 2),
                                host_array(without, third + 1, third - 2)));
        }
      }
    }
  });
}

TEST_P(ConnectionTest, InjectedCurrentsReachTheWeights) {
  support::Random random(support::seed());
  for_each_connection([&]<class T>(ConnectionKind kind) {
    ConnectionPair<T> pair(stream(), small_settings(kind, Model::delta_plus));
    pair.set_random_parameters(random, DelayKind::off_grid);
    for (int count = 0; count <= 3; ++count) {
      std::vector<std::vector<T>> injected;
      for (int i = 0; i < count; ++i) {
        injected.push_back(random.values<T>(pair.input_size(), -3.0, 3.0));
      }
      for (const InputKind input : model_test::input_kinds()) {
        EXPECT_TRUE(pair.forward(model_test::random_inputs<T>(random, input, pair.input_size()),
                                 input, {}, injected));
      }
    }
    EXPECT_TRUE(pair.check_state());
  });
}

// ---- The same bits ----

TEST_P(ConnectionTest, AccumulatingAddsTheSumToWhatWasThere) {
  support::Random random(support::seed());
  for_each_connection([&]<class T>(ConnectionKind kind) {
    for (const bool biased : {false, true}) {
      ConnectionSettings settings = small_settings(kind, Model::single_exponential);
      settings.biased = biased;
      Subject<T> subject(stream(), settings);
      subject.set_random_parameters(7, settings, DelayKind::off_grid);
      subject.forward(
          model_test::random_inputs<T>(random, InputKind::values, subject.input_shape().size()),
          InputKind::values);
      const std::vector<T> replaced = subject.sum();
      const auto before = random.values<T>(subject.output_shape().size(), -5.0, 5.0);
      std::vector<T> expected;
      for (std::size_t i = 0; i < before.size(); ++i) expected.push_back(replaced[i] + before[i]);
      EXPECT_TRUE(same_bits(subject.sum(before), expected));
    }
  });
}

TEST_P(ConnectionTest, TheBiasIsAddedToTheWholeSum) {
  support::Random random(support::seed());
  for_each_connection([&]<class T>(ConnectionKind kind) {
    ConnectionSettings settings = small_settings(kind, Model::double_exponential);
    Subject<T> biased(stream(), settings);
    settings.biased = false;
    Subject<T> plain(stream(), settings);
    biased.set_random_parameters(7, settings, DelayKind::off_grid);
    for (const Parameter parameter : {Parameter::weight, Parameter::delay}) {
      plain.set(parameter, biased->to_host(stream(), parameter));
    }
    const auto input =
        model_test::random_inputs<T>(random, InputKind::values, plain.input_shape().size());
    const std::vector<T> sums = plain.forward(input, InputKind::values);
    biased.forward(input, InputKind::values);
    const std::int64_t outputs = plain->output_shape().size();
    // Twice, and written in place the second time: biases are no part of a plan.
    for (const Way way : {Way::set, Way::edit}) {
      const auto bias = random.values<T>(biased->bias_shape().size(), -3.0, 3.0);
      biased.set(Parameter::bias, bias, way);
      const std::int64_t share = outputs / static_cast<std::int64_t>(bias.size());
      std::vector<T> expected;
      for (std::size_t i = 0; i < sums.size(); ++i) {
        const std::int64_t output = static_cast<std::int64_t>(i) % outputs;
        expected.push_back(sums[i] + bias[static_cast<std::size_t>(output / share)]);
      }
      EXPECT_TRUE(same_bits(biased.sum(), expected));
    }
  });
}

TEST_P(ConnectionTest, ASampleOfABatchIsTheSampleAlone) {
  support::Random random(support::seed());
  for_each_connection([&]<class T>(ConnectionKind kind) {
    for (const Variant& variant : variants()) {
      for (const DelayKind delays : {DelayKind::none, DelayKind::out_of_range}) {
        ConnectionSettings settings = small_settings(kind, variant.model);
        settings.synapse.nearest = variant.nearest;
        settings.has_delays = delays != DelayKind::none;
        if (kind == ConnectionKind::dense) settings.synapse.sample_size = 300;
        settings = model_test::consistent(settings);
        const std::int64_t most = 33;
        const std::int64_t size = settings.synapse.sample_size;
        const std::int64_t steps = 4;
        const auto inputs =
            model_test::random_inputs<T>(random, InputKind::values, steps * most * size);
        // The outputs of the first `count` samples, every step.
        const auto run = [&](std::int64_t count) {
          settings.synapse.batch_size = count;
          Subject<T> subject(stream(), settings);
          subject.set_random_parameters(11, settings, delays);
          std::vector<std::vector<T>> out;
          for (std::int64_t t = 0; t < steps; ++t) {
            out.push_back(subject.forward(host_array(inputs, t * most * size, count * size),
                                          InputKind::values));
          }
          return out;
        };
        const auto all = run(most);
        const std::int64_t outputs = static_cast<std::int64_t>(all[0].size()) / most;
        for (const std::int64_t count : {1, 2, 7, 8, 9, 16, 32}) {
          const auto some = run(count);
          for (std::int64_t t = 0; t < steps; ++t) {
            const auto step = static_cast<std::size_t>(t);
            EXPECT_TRUE(same_bits(some[step], host_array(all[step], 0, count * outputs)))
                << model_test::describe(settings) << ", step " << t;
          }
        }
      }
    }
  });
}

TEST_P(ConnectionTest, AnySampleOfABatchIsTheSampleAlone) {
  support::Random random(support::seed());
  for_each_connection([&]<class T>(ConnectionKind kind) {
    ConnectionSettings settings = small_settings(kind, Model::double_exponential);
    settings.synapse.batch_size = 13;
    Subject<T> batch(stream(), settings);
    batch.set_random_parameters(11, settings, DelayKind::out_of_range);
    const std::int64_t size = settings.synapse.sample_size;
    const auto input = model_test::random_inputs<T>(random, InputKind::values, 13 * size);
    const std::vector<T> all = batch.forward(input, InputKind::values);
    const std::int64_t outputs = batch->output_shape().size();
    settings.synapse.batch_size = 1;
    for (std::int64_t sample = 0; sample < 13; ++sample) {
      Subject<T> alone(stream(), settings);
      alone.set_random_parameters(11, settings, DelayKind::out_of_range);
      EXPECT_TRUE(
          same_bits(alone.forward(host_array(input, sample * size, size), InputKind::values),
                    host_array(all, sample * outputs, outputs)))
          << "sample " << sample;
    }
  });
}

TEST_P(ConnectionTest, ASequenceIsItsStepsOneByOne) {
  support::Random random(support::seed());
  for_each_connection([&]<class T>(ConnectionKind kind) {
    for (const Variant& variant : variants()) {
      for (const DelayKind delays :
           {DelayKind::none, DelayKind::largest_is_zero, DelayKind::out_of_range}) {
        ConnectionSettings settings = small_settings(kind, variant.model);
        settings.synapse.nearest = variant.nearest;
        settings.has_delays = delays != DelayKind::none;
        settings.synapse.batch_size = random.one_of<std::int64_t>({1, 3, 9, 33});
        if (delays == DelayKind::largest_is_zero) settings.synapse.delay = 0.0;
        settings = model_test::consistent(settings);
        SCOPED_TRACE(model_test::describe(settings));
        Subject<T> whole(stream(), settings);
        Subject<T> single(stream(), settings);
        whole.set_random_parameters(5, settings, delays);
        single.set_random_parameters(5, settings, delays);
        const std::int64_t frame = whole.input_shape().size();
        const std::int64_t out_frame = whole.output_shape().size();
        // Short of the five slots, as many, longer, much longer, and short again.
        for (const std::int64_t steps : {1, 2, 5, 40, 3}) {
          const InputKind input = random.one_of(model_test::input_kinds());
          const auto inputs = model_test::random_inputs<T>(random, input, steps * frame);
          const std::vector<T> before =
              steps == 5 ? random.values<T>(steps * out_frame, -1.0, 1.0) : std::vector<T>();
          const std::vector<T> got = whole.forward_sequence(inputs, input, steps, before);
          for (std::int64_t t = 0; t < steps; ++t) {
            const auto was = before.empty() ? before : host_array(before, t * out_frame, out_frame);
            const auto expected = single.forward(host_array(inputs, t * frame, frame), input, was);
            EXPECT_TRUE(same_bits(host_array(got, t * out_frame, out_frame), expected))
                << "step " << t << " of " << steps << ", kind " << static_cast<int>(input);
          }
          EXPECT_TRUE(same_bits(whole.sum(), single.sum())) << "after " << steps;
          const auto next = model_test::random_inputs<T>(random, InputKind::values, frame);
          EXPECT_TRUE(same_bits(whole.forward(next, InputKind::values),
                                single.forward(next, InputKind::values)));
        }
      }
    }
  });
}

TEST_P(ConnectionTest, SequencesFollowTheOracleThroughChanges) {
  support::Random random(support::seed());
  for_each_connection([&]<class T>(ConnectionKind kind) {
    ConnectionPair<T> pair(stream(), small_settings(kind, Model::alpha));
    pair.set_random_parameters(random, DelayKind::off_grid);
    const auto run = [&](std::int64_t steps) {
      const InputKind input = random.one_of(model_test::input_kinds());
      return pair.forward_sequence(
          model_test::random_inputs<T>(random, input, steps * pair.input_size()), input, steps);
    };
    EXPECT_TRUE(run(3));
    pair.connection().reserve_sequence(stream(), 9);
    EXPECT_TRUE(run(9));
    pair.set_random_parameters(random, DelayKind::out_of_range);
    EXPECT_TRUE(run(2));
    pair.set_batch_size(5);
    EXPECT_TRUE(run(6));
    pair.set_delayed_by(7.25, true);
    EXPECT_TRUE(run(21));
    pair.set_delayed_by(0.5, true);
    EXPECT_TRUE(run(4));
    pair.set_step_time(0.25, false);
    EXPECT_TRUE(run(4));
    pair.clear();
    EXPECT_TRUE(run(1));
    EXPECT_TRUE(pair.check_state());
    EXPECT_TRUE(pair.check_selection());
  });
}

TEST_P(ConnectionTest, TwoRunsGiveTheSameBits) {
  for_each_connection([&]<class T>(ConnectionKind kind) {
    ConnectionSettings settings = small_settings(kind, Model::double_exponential);
    settings.synapse.batch_size = 9;
    if (kind == ConnectionKind::dense) settings.synapse.sample_size = 600;
    const auto run = [&] {
      support::Random random(support::seed());
      Subject<T> subject(stream(), settings, 42);
      std::vector<T> out;
      for (int t = 0; t < 6; ++t) {
        const auto one = subject.forward(
            model_test::random_inputs<T>(random, InputKind::values, subject.input_shape().size()),
            InputKind::values);
        out.insert(out.end(), one.begin(), one.end());
      }
      return out;
    };
    EXPECT_TRUE(same_bits(run(), run()));
  });
}

TEST_P(ConnectionTest, ValuesBytesAndBitsOfTheSameSpikesGiveTheSameBits) {
  support::Random random(support::seed());
  for_each_connection([&]<class T>(ConnectionKind kind) {
    for (const Model model : model_test::models()) {
      for (const bool has_delays : {false, true}) {
        ConnectionSettings settings = small_settings(kind, model);
        settings.has_delays = has_delays;
        settings = model_test::consistent(settings);
        std::vector<Subject<T>> subjects;
        for (int i = 0; i < 3; ++i) {
          subjects.emplace_back(stream(), settings);
          subjects.back().set_random_parameters(3, settings, DelayKind::off_grid);
        }
        for (int t = 0; t < 6; ++t) {
          const auto input = model_test::random_inputs<T>(random, InputKind::bits,
                                                          subjects[0].input_shape().size());
          const auto values = subjects[0].forward(input, InputKind::values);
          EXPECT_TRUE(same_bits(subjects[1].forward(input, InputKind::bytes), values));
          EXPECT_TRUE(same_bits(subjects[2].forward(input, InputKind::bits), values));
        }
      }
    }
  });
}

TEST_P(ConnectionTest, ASumRepeatedIsTheSameAndMovesNothing) {
  support::Random random(support::seed());
  for_each_connection([&]<class T>(ConnectionKind kind) {
    const ConnectionSettings settings = small_settings(kind, Model::alpha);
    ConnectionPair<T> pair(stream(), settings);
    pair.set_random_parameters(random, DelayKind::off_grid);
    for (int t = 0; t < 7; ++t) {
      EXPECT_TRUE(
          pair.forward(model_test::random_inputs<T>(random, InputKind::values, pair.input_size()),
                       InputKind::values));
      const std::vector<T> stepped = pair.output();
      EXPECT_TRUE(pair.sum());
      EXPECT_TRUE(same_bits(pair.output(), stepped));
      pair.connection().prepare(stream());
      EXPECT_TRUE(pair.sum());
      EXPECT_TRUE(same_bits(pair.output(), stepped));
    }
    EXPECT_TRUE(pair.check_state());
  });
}

// ---- Changes ----

/// A pair with random parameters and a few steps behind it.
template <class T>
ConnectionPair<T> running_pair(const cusynapse::Stream& stream, support::Random& random,
                               const ConnectionSettings& settings) {
  ConnectionPair<T> pair(stream, settings);
  pair.set_random_parameters(random, DelayKind::out_of_range);
  for (int t = 0; t < 6; ++t) EXPECT_TRUE(pair.forward(random, InputKind::values));
  return pair;
}

TEST_P(ConnectionTest, ParametersChangedBetweenStepsCountFromTheNextSum) {
  support::Random random(support::seed());
  for_each_connection([&]<class T>(ConnectionKind kind) {
    for (const Model model : model_test::models()) {
      for (const bool has_delays : {false, true}) {
        ConnectionSettings settings = small_settings(kind, model);
        settings.has_delays = has_delays;
        settings = model_test::consistent(settings);
        auto pair = running_pair<T>(stream(), random, settings);
        for (const Way way : model_test::ways()) {
          for (const Parameter parameter : model_test::parameters()) {
            if (!pair.has(parameter)) continue;
            const std::int64_t count = pair.count(parameter);
            pair.set(parameter,
                     parameter == Parameter::delay
                         ? model_test::random_delays<T>(random, settings.synapse, count,
                                                        DelayKind::out_of_range)
                         : model_test::random_weights<T>(random, count),
                     way);
            EXPECT_TRUE(pair.sum()) << "way " << static_cast<int>(way);
            EXPECT_TRUE(pair.forward(random, InputKind::bytes));
          }
        }
        EXPECT_TRUE(pair.check_state());
        EXPECT_TRUE(pair.check_selection());
      }
    }
  });
}

TEST_P(ConnectionTest, AParameterMayBeEditedForAsLongAsThePlanIsStale) {
  support::Random random(support::seed());
  for_each_connection([&]<class T>(ConnectionKind kind) {
    auto pair = running_pair<T>(stream(), random, small_settings(kind, Model::single_exponential));
    const auto written = model_test::random_weights<T>(random, pair.count(Parameter::weight));
    const cusynapse::View<T> view = pair.connection().edit(Parameter::weight);
    // Something else is asked of the connection in between; the write comes after it.
    pair.connection().selector(
        stream(),
        support::DeviceArray<T>(stream(), pair.connection().selector_shape(), T(0)).view());
    cusynapse::memory::copy_from_host(stream(), view.data(), written.data(),
                                      written.size() * sizeof(T));
    pair.expected().set_weight(written);
    EXPECT_TRUE(pair.sum());
    EXPECT_TRUE(pair.check_state());
  });
}

TEST_P(ConnectionTest, ConstantsOfTheSynapseCountFromTheNextSum) {
  support::Random random(support::seed());
  for_each_connection([&]<class T>(ConnectionKind kind) {
    for (const Model model : model_test::models()) {
      const ConnectionSettings settings = small_settings(kind, model);
      auto pair = running_pair<T>(stream(), random, settings);
      reference::Settings constants = settings.synapse;
      constants.spike_charge = -1.3;
      constants.time_constant = 0.8;
      constants.tc_decay = 3.3;
      constants.tc_rise = 0.7;
      auto& synapse = pair.synapse();
      switch (model) {
        case Model::delta:
          static_cast<cusynapse::DeltaCurrent<T>&>(synapse).set_parameters(
              {constants.spike_charge});
          break;
        case Model::delta_plus:
          static_cast<cusynapse::DeltaPlusCurrent<T>&>(synapse).set_parameters(
              {constants.spike_charge});
          break;
        case Model::single_exponential:
          static_cast<cusynapse::SingleExponentialCurrent<T>&>(synapse).set_parameters(
              {constants.spike_charge, constants.time_constant});
          break;
        case Model::double_exponential:
          static_cast<cusynapse::DoubleExponentialCurrent<T>&>(synapse).set_parameters(
              {constants.spike_charge, constants.tc_decay, constants.tc_rise});
          break;
        case Model::alpha:
          static_cast<cusynapse::AlphaCurrent<T>&>(synapse).set_parameters(
              {constants.spike_charge, constants.time_constant});
          break;
      }
      pair.expected().synapse().set_constants(constants);
      EXPECT_TRUE(pair.sum()) << model_test::class_name(model);
      EXPECT_TRUE(pair.forward(random, InputKind::values));
      EXPECT_TRUE(pair.check_state());
      EXPECT_TRUE(pair.check_selection());
    }
  });
}

TEST_P(ConnectionTest, BatchSizesChange) {
  support::Random random(support::seed());
  for_each_connection([&]<class T>(ConnectionKind kind) {
    for (const Model model : {Model::delta, Model::double_exponential}) {
      auto pair = running_pair<T>(stream(), random, small_settings(kind, model));
      for (const std::int64_t batch_size : {5, 1, 1, 33, 2, 8}) {
        pair.set_batch_size(batch_size);
        EXPECT_TRUE(pair.sum()) << "batch " << batch_size;
        EXPECT_TRUE(pair.check_state());
        EXPECT_TRUE(pair.check_selection());
        EXPECT_TRUE(pair.forward(random, InputKind::bits));
      }
    }
  });
}

TEST_P(ConnectionTest, TheLargestDelayChanges) {
  support::Random random(support::seed());
  for_each_connection([&]<class T>(ConnectionKind kind) {
    for (const Model model : {Model::delta, Model::double_exponential}) {
      for (const bool keep : {false, true}) {
        auto pair = running_pair<T>(stream(), random, small_settings(kind, model));
        const auto delays = pair.expected().delay();
        for (const double delay : {3.75, 1.0, 0.0, 0.5, 130.0, 2.0, 2.0}) {
          pair.set_delayed_by(delay, keep);
          EXPECT_TRUE(pair.sum()) << "delay " << delay;
          EXPECT_TRUE(pair.check_state());
          EXPECT_TRUE(pair.check_selection());
          EXPECT_TRUE(pair.forward(random, InputKind::bits));
          EXPECT_TRUE(pair.forward(random, InputKind::values));
        }
        EXPECT_EQ(pair.connection().to_host(stream(), Parameter::delay), delays);
      }
    }
  });
}

TEST_P(ConnectionTest, TheStepTimeChanges) {
  support::Random random(support::seed());
  for_each_connection([&]<class T>(ConnectionKind kind) {
    for (const Model model : model_test::models()) {
      for (const bool keep : {false, true}) {
        auto pair = running_pair<T>(stream(), random, small_settings(kind, model));
        for (const double step_time : {0.25, 0.7, 0.7, 2.0, 0.01}) {
          pair.set_step_time(step_time, keep);
          EXPECT_TRUE(pair.check_resampled()) << "dt " << step_time;
          EXPECT_TRUE(pair.sum()) << "dt " << step_time;
          EXPECT_TRUE(pair.forward(random, InputKind::bits));
          EXPECT_TRUE(pair.forward(random, InputKind::values));
        }
        EXPECT_TRUE(pair.check_selection());
      }
    }
  });
}

TEST_P(ConnectionTest, ClearingEmptiesTheHistoryAndKeepsTheParameters) {
  support::Random random(support::seed());
  for_each_connection([&]<class T>(ConnectionKind kind) {
    for (const Model model : model_test::models()) {
      auto pair = running_pair<T>(stream(), random, small_settings(kind, model));
      pair.clear();
      EXPECT_TRUE(pair.check_state());
      EXPECT_TRUE(pair.sum());
      EXPECT_TRUE(pair.forward(random, InputKind::values));
      EXPECT_TRUE(pair.check_state());
    }
  });
}

// ---- Synapses of others ----

TEST_P(ConnectionTest, ASynapseThatExistsIsTakenAsItIs) {
  support::Random random(support::seed());
  for_each_connection([&]<class T>(ConnectionKind kind) {
    for (const double delay : {0.0, 2.0}) {
      ConnectionSettings settings = small_settings(kind, Model::single_exponential);
      settings.synapse.delay = delay;
      settings.has_delays = delay > 0.0;
      const Shape shape = model_test::input_shape(settings);
      std::shared_ptr<cusynapse::CurrentSynapse<T>> synapse = model_test::make_synapse<T>(
          stream(), settings.synapse, model_test::library_options(settings.synapse, shape));
      auto oracle = std::make_shared<reference::Synapse<T>>(settings.synapse);
      const std::int64_t size = settings.synapse.batch_size * settings.synapse.sample_size;
      // It has a history already.
      for (int t = 0; t < 4; ++t) {
        const auto input = model_test::random_inputs<T>(random, InputKind::values, size);
        synapse->step(stream(),
                      support::DeviceArray<T>(stream(), input, synapse->batched_shape()).view());
        stream().synchronize();
        oracle->step(input);
      }
      ConnectionPair<T> pair(stream(), settings, synapse, oracle);
      EXPECT_EQ(&pair.connection().synapse(), synapse.get());
      EXPECT_TRUE(pair.check_state());
      pair.set_random_parameters(random, DelayKind::off_grid);
      EXPECT_TRUE(pair.sum());
      EXPECT_TRUE(pair.forward(random, InputKind::values));
      EXPECT_TRUE(pair.check_state());
      EXPECT_TRUE(pair.check_selection());
    }
  });
}

TEST_P(ConnectionTest, ASynapseFeedsSeveralConnections) {
  support::Random random(support::seed());
  ConnectionSettings settings = small_settings(ConnectionKind::dense, Model::alpha);
  settings.synapse.sample_size = 9;
  const Shape shape = model_test::input_shape(settings);
  std::shared_ptr<cusynapse::CurrentSynapse<float>> synapse = model_test::make_synapse<float>(
      stream(), settings.synapse, model_test::library_options(settings.synapse, shape));
  auto oracle = std::make_shared<reference::Synapse<float>>(settings.synapse);
  std::vector<ConnectionPair<float>> pairs;
  std::uint64_t seed = 1;
  for (const ConnectionKind kind :
       {ConnectionKind::dense, ConnectionKind::direct, ConnectionKind::lateral}) {
    settings.kind = kind;
    pairs.emplace_back(stream(), settings, synapse, oracle, seed++);
    pairs.back().set_random_parameters(random, DelayKind::out_of_range);
  }
  const auto step_and_sum = [&] {
    for (int t = 0; t < 4; ++t) {
      // The first steps the synapse; the others read what it holds.
      EXPECT_TRUE(pairs[0].forward(random, InputKind::values));
      EXPECT_TRUE(pairs[1].sum());
      EXPECT_TRUE(pairs[2].sum());
      EXPECT_TRUE(pairs[2].forward(random, InputKind::bytes));
      EXPECT_TRUE(pairs[1].sum());
      EXPECT_TRUE(pairs[0].sum());
    }
    for (auto& pair : pairs) EXPECT_TRUE(pair.check_state());
  };
  step_and_sum();
  // Two sums into one target.
  const auto before = random.values<float>(pairs[1].output_size(), -1.0, 1.0);
  EXPECT_TRUE(pairs[1].sum(before));
  EXPECT_TRUE(pairs[2].sum(std::vector<float>(pairs[1].output())));
  // A change made through one connection, or at the synapse, is taken over by the others.
  pairs[0].set_batch_size(5);
  pairs[1].connection().refresh(stream());
  pairs[2].connection().refresh(stream());
  step_and_sum();
  synapse->set_delay(stream(), 3.5, cusynapse::HistoryChange::keep);
  oracle->set_delay(3.5, true);
  for (auto& pair : pairs) pair.connection().refresh(stream());
  step_and_sum();
  synapse->set_step_time(stream(), 0.25);
  oracle->set_step_time(0.25, false);
  for (auto& pair : pairs) pair.connection().refresh(stream());
  step_and_sum();
}

TEST_P(ConnectionTest, AChangeAtTheSynapseIsNeverReadWrongly) {
  support::Random random(support::seed());
  for_each_connection([&]<class T>(ConnectionKind kind) {
    for (const int change : {0, 1, 2, 3}) {
      auto pair =
          running_pair<T>(stream(), random, small_settings(kind, Model::single_exponential));
      auto& oracle = pair.expected().synapse();
      if (change == 0) {
        pair.synapse().set_delay(stream(), 4.5, cusynapse::HistoryChange::keep);
        oracle.set_delay(4.5, true);
      } else if (change == 1) {
        pair.synapse().set_delay(stream(), 0.5, cusynapse::HistoryChange::keep);
        oracle.set_delay(0.5, true);
      } else if (change == 2) {
        pair.synapse().set_step_time(stream(), 0.2);
        oracle.set_step_time(0.2, false);
      } else {
        pair.synapse().set_batch_size(stream(), 4);
        oracle.set_batch_size(4);
      }
      // Either the sum is the new one, or it is refused until the change is taken over.
      try {
        EXPECT_TRUE(pair.sum()) << "change " << change;
      } catch (const cusynapse::Error& error) {
        EXPECT_EQ(error.code(), change == 3 ? error.code() : cusynapse::Errc::invalid_argument);
        EXPECT_NE(std::string(error.what()).find("refresh"), std::string::npos) << error.what();
      }
      pair.connection().refresh(stream());
      EXPECT_TRUE(pair.sum()) << "change " << change;
      EXPECT_TRUE(pair.forward(random, InputKind::values)) << "change " << change;
      EXPECT_TRUE(pair.check_state());
      EXPECT_TRUE(pair.check_selection());
    }
  });
}

/// Two decaying traces of the caller's own choice.
struct TwoTraces {
  struct Parameters {
    double time_constants[2];
    double weights[2];
  };
  static constexpr const char* name = "TwoTraces";
  static cusynapse::SynapseModel at(const Parameters& p, double) {
    cusynapse::SynapseModel model;
    model.dynamics = cusynapse::Dynamics::decay;
    model.trace_count = 2;
    for (int k = 0; k < 2; ++k) model.traces[k] = {p.time_constants[k], 1.0 + k, p.weights[k]};
    return model;
  }
};

TEST_P(ConnectionTest, ModelsOfTheCallersOwnAreSummed) {
  support::Random random(support::seed());
  constexpr std::int64_t inputs = 33;
  constexpr std::int64_t outputs = 5;
  constexpr std::int64_t batch = 3;
  const std::vector<TwoTraces::Parameters> models = {
      {{6.0, 2.0}, {1.0, -1.0}},
      {{2.0, 6.0}, {1.0, -1.0}},
      {{2.0, 6.0}, {-1.0, 1.0}},
      {{2.0, 6.0}, {1.0, 1.0}},
      {{6.0, 2.0}, {1.0, 0.0}},
      {{2.0, 6.0}, {1.0, 0.0}},
      {{6.0, 2.0}, {0.0, 1.0}},
      {{2.0, 6.0}, {0.0, -1.0}},
      {{3.0, 3.0}, {1.0, 1.0}},
      // So fast that nothing is left after a step, beside one that hardly decays.
      {{0.001, 1000.0}, {1.0, 1.0}},
      {{1000.0, 0.001}, {1.0, -1.0}}};
  const auto run = [&]<class T>() {
    for (const TwoTraces::Parameters& model : models) {
      for (const bool has_delays : {false, true}) {
        SCOPED_TRACE(testing::Message()
                     << "tau " << model.time_constants[0] << ", " << model.time_constants[1]
                     << " weights " << model.weights[0] << ", " << model.weights[1]
                     << (has_delays ? " delayed" : ""));
        cusynapse::ConnectionOptions options;
        options.batch_size = batch;
        if (has_delays) options.delay = 4.0;
        cusynapse::LinearDense<T> connection(stream(), {inputs}, {outputs}, options,
                                             cusynapse::ModelSynapse<T, TwoTraces>::factory(model));
        if (has_delays) {
          connection.set_from_host(stream(), Parameter::delay,
                                   random.values<T>(inputs * outputs, -0.2, 4.2));
        }
        const auto weights = connection.to_host(stream(), Parameter::weight);
        support::DeviceArray<T> selector(stream(), connection.selector_shape(), T(0));
        connection.selector(stream(), selector.view());
        for (int t = 0; t < 7; ++t) {
          const auto spikes = model_test::random_inputs<T>(random, InputKind::bits, batch * inputs);
          const support::DeviceArray<T> input(stream(), spikes, {batch, inputs});
          support::DeviceArray<T> out(stream(), {batch, outputs}, T(0));
          connection.forward(stream(), input.constant(), out.view());
          // The currents of every weight, as the synapse gives them.
          support::DeviceArray<T> currents(stream(), connection.selector_shape(), T(0));
          connection.synapse().current_at(stream(), selector.constant(), currents.view());
          const auto read = currents.host();
          std::vector<T> expected;
          for (std::int64_t b = 0; b < batch; ++b) {
            for (std::int64_t o = 0; o < outputs; ++o) {
              long double sum = 0;
              for (std::int64_t i = 0; i < inputs; ++i) {
                sum += static_cast<long double>(weights[static_cast<std::size_t>(o * inputs + i)]) *
                       read[static_cast<std::size_t>((b * inputs + i) * outputs + o)];
              }
              expected.push_back(static_cast<T>(sum));
            }
          }
          // In seven steps of at most one spike the traces grow to 7 and 14, and weights are
          // below 1.
          const double magnitude = static_cast<double>(inputs) * 21.0;
          EXPECT_TRUE(support::matches(out.host(), expected,
                                       {0.0, model_test::sum_relative<T>() * magnitude, {}}));
        }
      }
    }
  };
  run.template operator()<float>();
  run.template operator()<double>();
}

// ---- Delays ----

TEST_P(ConnectionTest, DelaysOutOfRangeAreCountedAndBroughtIntoRange) {
  support::Random random(support::seed());
  for_each_connection([&]<class T>(ConnectionKind kind) {
    for (const DelayKind delays : {DelayKind::zero, DelayKind::on_grid, DelayKind::out_of_range,
                                   DelayKind::not_a_number, DelayKind::largest_is_zero}) {
      ConnectionSettings settings = small_settings(kind, Model::single_exponential);
      if (delays == DelayKind::largest_is_zero) settings.synapse.delay = 0.0;
      ConnectionPair<T> pair(stream(), settings);
      pair.set_random_parameters(random, delays);
      pair.connection().prepare(stream());
      EXPECT_EQ(pair.connection().out_of_range_delays(stream()),
                pair.expected().out_of_range_delays());
      EXPECT_TRUE(pair.forward(random, InputKind::values));
      pair.clamp_delays();
      EXPECT_TRUE(pair.check_state());
      EXPECT_EQ(pair.connection().out_of_range_delays(stream()), 0);
      EXPECT_TRUE(pair.sum());
      EXPECT_TRUE(pair.check_selection());
    }
  });
}

TEST_P(ConnectionTest, ManyDelaysOutOfRangeAreAllCounted) {
  ConnectionSettings settings = small_settings(ConnectionKind::dense, Model::delta);
  settings.synapse.sample_size = 301;
  settings.outputs = 70;
  ConnectionPair<float> pair(stream(), settings);
  std::vector<float> delays(301 * 70, 9.0f);
  for (const std::size_t i : {0u, 4095u, 4096u, 21069u}) delays[i] = 1.0f;
  pair.set(Parameter::delay, delays);
  EXPECT_EQ(pair.connection().out_of_range_delays(stream()), 301 * 70 - 4);
}

// ---- What learning rules look at ----

TEST_P(ConnectionTest, CurrentsAndSpikesOfWeightsAreTheSynapsesAtTheSelector) {
  support::Random random(support::seed());
  for_each_connection([&]<class T>(ConnectionKind kind) {
    if (kind == ConnectionKind::convolution) return;  // its synapse holds pixels, not patches
    for (const Variant& variant : variants()) {
      ConnectionSettings settings = small_settings(kind, variant.model);
      settings.synapse.nearest = variant.nearest;
      settings.synapse.tolerance = 0.1;
      settings.synapse.spike_overbound = true;
      ConnectionPair<T> pair(stream(), settings);
      pair.set_random_parameters(random, DelayKind::not_a_number);
      for (int t = 0; t < 6; ++t) EXPECT_TRUE(pair.forward(random, InputKind::values));
      auto& connection = pair.connection();
      const Shape shape = connection.synaptic_selection_shape();
      support::DeviceArray<T> selector(stream(), shape, T(0));
      connection.selector(stream(), selector.view());
      support::DeviceArray<T> currents(stream(), shape, support::untouched<T>());
      support::DeviceArray<T> expected(stream(), shape, support::untouched<T>());
      connection.syncurrent(stream(), currents.view());
      connection.synapse().current_at(stream(), selector.constant(), expected.view());
      // The alpha current is one product of a sum there, and a sum of two products here.
      EXPECT_TRUE(variant.model == Model::alpha ? pair.check_selection()
                                                : same_bits(currents.host(), expected.host()))
          << model_test::class_name(variant.model);
      support::DeviceArray<std::uint8_t> spikes(stream(), shape, 9);
      support::DeviceArray<std::uint8_t> expected_spikes(stream(), shape, 9);
      connection.synspike(stream(), spikes.view());
      connection.synapse().spike_at(stream(), selector.constant(), expected_spikes.view());
      EXPECT_EQ(spikes.host(), expected_spikes.host());
    }
  });
}

/// The shape of weights with samples in front and receptive positions behind.
Shape receptive_shape(const ConnectionSettings& settings, bool spread) {
  const std::int64_t batch = settings.synapse.batch_size;
  const std::int64_t size = settings.synapse.sample_size;
  const Convolution& geometry = settings.convolution;
  switch (settings.kind) {
    case ConnectionKind::dense:
      return {batch, spread ? settings.outputs : 1, size, 1};
    case ConnectionKind::direct:
      return {batch, size, 1};
    case ConnectionKind::lateral:
      return {batch, spread ? size : 1, size, 1};
    case ConnectionKind::convolution:
      return {batch,
              spread ? geometry.filters : 1,
              geometry.channels,
              geometry.kernel[0],
              geometry.kernel[1],
              geometry.positions()};
  }
  return {};
}

template <class V, class T>
void check_layouts(const cusynapse::Stream& stream, ConnectionPair<T>& pair,
                   const std::vector<V>& input, const std::vector<V>& selected) {
  auto& connection = pair.connection();
  const ConnectionSettings settings = pair.settings();
  const support::DeviceArray<V> device_input(stream, input, pair.batched_input());
  support::DeviceArray<V> synaptic(stream, pair.batched_synaptic(), support::untouched<V>());
  connection.like_synaptic(stream, device_input.constant(), synaptic.view());
  const std::vector<V> expected = pair.expected().like_synaptic(input);
  EXPECT_TRUE(support::matches(synaptic.host(), expected));

  const Shape one = receptive_shape(settings, false);
  EXPECT_EQ(to_string(connection.presyn_receptive_shape(pair.batched_synaptic())), to_string(one));
  support::DeviceArray<V> receptive(stream, one, support::untouched<V>());
  connection.presyn_receptive(stream, synaptic.constant(), receptive.view());
  EXPECT_TRUE(support::matches(receptive.host(), expected));

  const Shape full = model_test::selector_shape(settings);
  const Shape spread = receptive_shape(settings, true);
  EXPECT_EQ(to_string(connection.presyn_receptive_shape(full)), to_string(spread));
  const support::DeviceArray<V> device_selected(stream, selected, full);
  support::DeviceArray<V> receptive_selected(stream, spread, support::untouched<V>());
  connection.presyn_receptive(stream, device_selected.constant(), receptive_selected.view());
  EXPECT_TRUE(
      support::matches(receptive_selected.host(), pair.expected().presyn_receptive(selected)));
}

template <class T>
void check_outputs_and_biases(const cusynapse::Stream& stream, ConnectionPair<T>& pair) {
  auto& connection = pair.connection();
  const ConnectionSettings settings = pair.settings();
  const std::int64_t batch = settings.synapse.batch_size;
  const std::int64_t size = connection.output_shape().size();
  Shape outputs = {batch, size, 1, 1};
  Shape one_weight = {size, 1};
  if (settings.kind == ConnectionKind::direct) {
    outputs = {batch, size, 1};
    one_weight = {size};
  }
  if (settings.kind == ConnectionKind::convolution) {
    const Convolution& geometry = settings.convolution;
    outputs = {batch, geometry.filters, 1, 1, 1, geometry.positions()};
    one_weight = {geometry.filters, 1, 1, 1};
  }
  const support::DeviceArray<T> values(stream, pair.batched_output(), T(1));
  const auto received = connection.postsyn_receptive(values.constant());
  EXPECT_EQ(received.data(), values.constant().data());
  EXPECT_EQ(to_string(received.shape()), to_string(outputs));
  const support::DeviceArray<std::uint8_t> bytes(stream, pair.batched_output(), 1);
  const auto received_bytes = connection.postsyn_receptive(bytes.constant());
  EXPECT_EQ(received_bytes.data(), bytes.constant().data());
  EXPECT_EQ(to_string(received_bytes.shape()), to_string(outputs));

  const support::DeviceArray<T> weights(stream, one_weight, T(1));
  const auto bias = connection.like_bias(weights.constant());
  EXPECT_EQ(bias.data(), weights.constant().data());
  EXPECT_EQ(to_string(bias.shape()), to_string(connection.bias_shape()));
}

TEST_P(ConnectionTest, ArraysAreBroughtIntoTheShapesOfWeights) {
  support::Random random(support::seed());
  for_each_connection([&]<class T>(ConnectionKind kind) {
    for (const Convolution& geometry : convolutions()) {
      if (kind != ConnectionKind::convolution && geometry.channels != 3) continue;
      for (const bool has_delays : {false, true}) {
        ConnectionSettings settings = small_settings(kind, Model::delta);
        settings.convolution = geometry;
        settings.has_delays = has_delays;
        settings = model_test::consistent(settings);
        SCOPED_TRACE(model_test::describe(settings));
        ConnectionPair<T> pair(stream(), settings);
        const std::int64_t inputs = pair.input_size();
        const std::int64_t selected = model_test::selector_shape(settings).size();
        check_layouts<T>(stream(), pair, random.values<T>(inputs, -2.0, 2.0),
                         random.values<T>(selected, -2.0, 2.0));
        std::vector<std::uint8_t> bytes;
        for (std::int64_t i = 0; i < selected + inputs; ++i) {
          bytes.push_back(static_cast<std::uint8_t>(random.integer(0, 255)));
        }
        check_layouts<std::uint8_t>(stream(), pair, host_array(bytes, 0, inputs),
                                    host_array(bytes, inputs, selected));
        check_outputs_and_biases(stream(), pair);

        const std::int64_t synaptic = pair.batched_synaptic().size();
        const auto values = random.values<T>(synaptic, -2.0, 2.0);
        const support::DeviceArray<T> device_values(stream(), values, pair.batched_synaptic());
        support::DeviceArray<T> folded(stream(), pair.batched_input(), support::untouched<T>());
        pair.connection().like_input(stream(), device_values.constant(), folded.view());
        std::vector<T> expected;
        for (const auto value : pair.expected().like_input(values)) {
          expected.push_back(static_cast<T>(value));
        }
        // A mean of up to 81 values in [-2, 2].
        EXPECT_TRUE(support::matches(
            folded.host(), expected,
            {0.0, 2.0 * 81.0 * static_cast<double>(std::numeric_limits<T>::epsilon()), {}}));
        if (kind == ConnectionKind::convolution && geometry.stride[0] == 4) {
          EXPECT_TRUE(std::isnan(folded.host().back())) << "a pixel that no patch covers";
        }
      }
    }
  });
}

TEST_P(ConnectionTest, FoldingWhatWasUnfoldedGivesTheInputBack) {
  support::Random random(support::seed());
  for_each_connection([&]<class T>(ConnectionKind kind) {
    ConnectionPair<T> pair(stream(), small_settings(kind, Model::delta));
    // Whole numbers, whose means are exact.
    std::vector<T> input;
    for (std::int64_t i = 0; i < pair.input_size(); ++i) {
      input.push_back(static_cast<T>(random.integer(-1000, 1000)));
    }
    const support::DeviceArray<T> device_input(stream(), input, pair.batched_input());
    support::DeviceArray<T> synaptic(stream(), pair.batched_synaptic(), support::untouched<T>());
    support::DeviceArray<T> back(stream(), pair.batched_input(), support::untouched<T>());
    pair.connection().like_synaptic(stream(), device_input.constant(), synaptic.view());
    pair.connection().like_input(stream(), synaptic.constant(), back.view());
    EXPECT_EQ(back.host(), input);
  });
}

// ---- A new connection ----

TEST_P(ConnectionTest, ANewConnectionIsWhatItWasMadeAs) {
  for_each_connection([&]<class T>(ConnectionKind kind) {
    for (const bool biased : {false, true}) {
      for (const bool has_delays : {false, true}) {
        ConnectionSettings settings = small_settings(kind, Model::delta);
        settings.biased = biased;
        settings.has_delays = has_delays;
        ConnectionPair<T> pair(stream(), settings);
        EXPECT_TRUE(pair.check_state());
        EXPECT_TRUE(pair.check_selection());
        EXPECT_EQ(pair.connection().device(), GetParam());
        EXPECT_TRUE(pair.sum());
      }
    }
  });
}

TEST_P(ConnectionTest, DelaysStartAtZeroAndWeightsAndBiasesUniformBelowOne) {
  for_each_connection([&]<class T>(ConnectionKind kind) {
    ConnectionSettings settings = small_settings(kind, Model::delta);
    settings.synapse.sample_size = kind == ConnectionKind::direct ? 4000 : 70;
    settings.outputs = 90;
    settings.convolution = convolution_of(20, 6, 6, 40, 2, 3);
    settings = model_test::consistent(settings);
    const auto connection = model_test::make_connection<T>(stream(), settings, 1);
    const auto delays = connection->to_host(stream(), Parameter::delay);
    EXPECT_EQ(delays, std::vector<T>(delays.size(), T(0)));
    const auto weights = connection->to_host(stream(), Parameter::weight);
    double sum = 0.0;
    double count = 0.0;
    std::vector<int> tenths(10, 0);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      if (kind == ConnectionKind::lateral && i % 71 == 0) {
        EXPECT_EQ(weights[i], T(0));
        continue;
      }
      EXPECT_GE(weights[i], T(0));
      EXPECT_LT(weights[i], T(1));
      sum += static_cast<double>(weights[i]);
      count += 1.0;
      ++tenths[static_cast<std::size_t>(weights[i] * T(10))];
    }
    // Five standard deviations.
    EXPECT_NEAR(sum / count, 0.5, 5.0 * std::sqrt(1.0 / 12.0 / count));
    for (const int tenth : tenths) {
      EXPECT_NEAR(tenth, count / 10.0, 5.0 * std::sqrt(0.09 * count));
    }
    const auto biases = connection->to_host(stream(), Parameter::bias);
    for (const T bias : biases) {
      EXPECT_GE(bias, T(0));
      EXPECT_LT(bias, T(1));
    }
    EXPECT_NE(biases.front(), biases.back());
    EXPECT_NE(biases.front(), weights[1]);
  });
}

TEST_P(ConnectionTest, TheSeedDecidesTheInitialValues) {
  for_each_connection([&]<class T>(ConnectionKind kind) {
    const ConnectionSettings settings = small_settings(kind, Model::delta);
    const auto weights = [&](std::uint64_t seed) {
      return model_test::make_connection<T>(stream(), settings, seed)
          ->to_host(stream(), Parameter::weight);
    };
    const auto biases = [&](std::uint64_t seed) {
      return model_test::make_connection<T>(stream(), settings, seed)
          ->to_host(stream(), Parameter::bias);
    };
    EXPECT_EQ(weights(5), weights(5));
    EXPECT_EQ(biases(5), biases(5));
    for (const std::uint64_t other : {std::uint64_t{0}, std::uint64_t{6}, ~std::uint64_t{0}}) {
      const auto some = weights(5);
      const auto others = weights(other);
      std::size_t same = 0;
      for (std::size_t i = 0; i < some.size(); ++i) same += some[i] == others[i] ? 1 : 0;
      // The diagonal of a lateral connection, and chance.
      EXPECT_LE(same, kind == ConnectionKind::lateral ? 11u : 2u);
      EXPECT_NE(biases(5), biases(other));
    }
  });
}

TEST_P(ConnectionTest, ShapesOfAnyRankAreFlattened) {
  support::Random random(support::seed());
  ConnectionSettings settings = small_settings(ConnectionKind::dense, Model::single_exponential);
  settings.synapse.sample_size = 24;
  settings.outputs = 6;
  for (const ConnectionKind kind :
       {ConnectionKind::dense, ConnectionKind::direct, ConnectionKind::lateral}) {
    settings.kind = kind;
    for (const Shape& shape : {Shape{4, 6}, Shape{2, 3, 4}, Shape{1, 24, 1}}) {
      SCOPED_TRACE(to_string(shape));
      Subject<float> flat(stream(), settings);
      const auto options = model_test::connection_options(settings, 1);
      const auto factory = model_test::synapse_factory<float>(settings.synapse);
      std::unique_ptr<cusynapse::Connection<float>> folded;
      const Shape output = kind == ConnectionKind::dense ? Shape{3, 2} : shape;
      if (kind == ConnectionKind::dense) {
        folded = std::make_unique<cusynapse::LinearDense<float>>(stream(), shape, output, options,
                                                                 factory);
      } else if (kind == ConnectionKind::direct) {
        folded =
            std::make_unique<cusynapse::LinearDirect<float>>(stream(), shape, options, factory);
      } else {
        folded =
            std::make_unique<cusynapse::LinearLateral<float>>(stream(), shape, options, factory);
      }
      EXPECT_EQ(folded->input_shape(), shape);
      EXPECT_EQ(folded->output_shape(), output);
      EXPECT_EQ(folded->synaptic_shape(), (Shape{24}));
      EXPECT_EQ(folded->weight_shape(), flat->weight_shape());
      EXPECT_EQ(folded->bias_shape(), flat->bias_shape());
      EXPECT_EQ(folded->selector_shape(), flat->selector_shape());
      for (const Parameter parameter : model_test::parameters()) {
        folded->set_from_host(stream(), parameter, flat->to_host(stream(), parameter));
      }
      for (int t = 0; t < 3; ++t) {
        const auto input = model_test::random_inputs<float>(random, InputKind::values, 72);
        const support::DeviceArray<float> device_input(stream(), input, shape.prepended(3));
        support::DeviceArray<float> out(stream(), output.prepended(3), 0.0f);
        folded->forward(stream(), device_input.constant(), out.view());
        EXPECT_TRUE(same_bits(out.host(), flat.forward(input, InputKind::values)));
      }
      support::DeviceArray<float> folded_currents(stream(), folded->synaptic_selection_shape(),
                                                  0.0f);
      support::DeviceArray<float> flat_currents(stream(), flat->synaptic_selection_shape(), 1.0f);
      folded->syncurrent(stream(), folded_currents.view());
      flat->syncurrent(stream(), flat_currents.view());
      EXPECT_TRUE(same_bits(folded_currents.host(), flat_currents.host()));
    }
  }
}

TEST_P(ConnectionTest, TheDiagonalOfALateralConnectionIsAlwaysZero) {
  support::Random random(support::seed());
  const auto diagonal = [](const std::vector<float>& matrix) {
    std::vector<float> out;
    for (std::size_t i = 0; i < matrix.size(); i += 10) out.push_back(matrix[i]);
    return out;
  };
  const std::vector<float> zeros(9, 0.0f);
  const ConnectionSettings settings = small_settings(ConnectionKind::lateral, Model::delta);
  ConnectionPair<float> pair(stream(), settings);
  const auto check = [&] {
    EXPECT_EQ(diagonal(pair.connection().to_host(stream(), Parameter::weight)), zeros);
    EXPECT_EQ(diagonal(pair.connection().to_host(stream(), Parameter::delay)), zeros);
  };
  check();
  for (const Parameter parameter : {Parameter::weight, Parameter::delay}) {
    for (const Way way : model_test::ways()) {
      pair.set(parameter, std::vector<float>(81, 1.5f), way);
      // What was written by hand is mended when the plan is renewed.
      if (way == Way::edit) pair.connection().prepare(stream());
      check();
      EXPECT_TRUE(pair.forward(random, InputKind::values));
      check();
    }
  }
  // One spike reaches every element but its own.
  pair.clear();
  pair.set(Parameter::delay, std::vector<float>(81, 0.0f));
  pair.set(Parameter::bias, zeros);
  std::vector<float> input(27, 0.0f);
  input[4] = 1.0f;
  EXPECT_TRUE(pair.forward(input, InputKind::bits));
  for (std::size_t i = 0; i < 27; ++i) {
    EXPECT_EQ(pair.output()[i] != 0.0f, i < 9 && i != 4) << i;
  }
}

}  // namespace
