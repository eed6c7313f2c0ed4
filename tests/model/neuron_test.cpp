// Leaky integrate-and-fire neurons against the oracle, bit for bit, against closed forms, and their
// refusals.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "cusynapse/cusynapse.hpp"
#include "model/neuron_pair.hpp"
#include "support/devices.hpp"
#include "support/random.hpp"
#include "support/refusal.hpp"

namespace {

using cusynapse::Errc;
using cusynapse::LeakyIntegrateAndFire;
using cusynapse::LeakyIntegrateAndFireParameters;
using cusynapse::NeuronOptions;
using cusynapse::Shape;
using model_test::NeuronPair;
using reference::NeuronSettings;
using support::refuses;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// Calls `test.template operator()<T>()` for both types.
template <class Test>
void for_each_type(const Test& test) {
  {
    SCOPED_TRACE("float");
    test.template operator()<float>();
  }
  {
    SCOPED_TRACE("double");
    test.template operator()<double>();
  }
}

/// Currents of which some spike in one step, some never, and a few are not finite.
template <class T>
std::vector<T> random_currents(support::Random& random, std::int64_t size) {
  std::vector<T> currents = random.values<T>(size, -40, 160);
  for (T& current : currents) {
    if (random.chance(0.002)) current = static_cast<T>(random.chance(0.5) ? infinity : -infinity);
    if (random.chance(0.001)) current = static_cast<T>(not_a_number);
  }
  return currents;
}

template <class T>
void run(NeuronPair<T>& pair, support::Random& random, std::int64_t steps) {
  for (std::int64_t t = 0; t < steps; ++t) {
    EXPECT_TRUE(pair.forward(random_currents<T>(random, pair.size()))) << "step " << t;
    EXPECT_TRUE(pair.check()) << "step " << t;
  }
}

NeuronSettings small_settings() {
  NeuronSettings settings;
  settings.batch_size = 3;
  settings.sample_size = 11;
  settings.time_constant = 8.0;
  return settings;
}

class NeuronTest : public support::DeviceTest {};
INSTANTIATE_TEST_SUITE_P(Devices, NeuronTest, testing::ValuesIn(support::devices()),
                         support::device_name);

TEST_P(NeuronTest, StartsAtRestWithTheNumbersItWasGiven) {
  for_each_type([&]<class T>() {
    NeuronOptions options;
    options.shape = {5, 3};
    options.batch_size = 2;
    options.step_time = 0.25;
    const LeakyIntegrateAndFireParameters parameters{15.0, -58.0, -61.0, -49.0, 1.5, 2.0};
    const LeakyIntegrateAndFire<T> made(stream(), options, parameters);
    const cusynapse::Neuron<T>& neurons = made;
    EXPECT_EQ(neurons.shape(), (Shape{5, 3}));
    EXPECT_EQ(neurons.batched_shape(), (Shape{2, 5, 3}));
    EXPECT_EQ(neurons.count(), 15);
    EXPECT_EQ(neurons.batch_size(), 2);
    EXPECT_EQ(neurons.step_time(), 0.25);
    EXPECT_EQ(neurons.device(), GetParam());
    EXPECT_EQ(made.parameters().resistance, 2.0);
    support::DeviceArray<T> values(stream(), neurons.batched_shape(), support::untouched<T>());
    neurons.voltage(stream(), values.view());
    EXPECT_TRUE(support::matches(values.host(), std::vector<T>(30, T(-58))));
    neurons.refractory_time(stream(), values.view());
    EXPECT_TRUE(support::matches(values.host(), std::vector<T>(30, T(0))));
  });
}

TEST_P(NeuronTest, EveryStepIsTheOraclesBitForBitAtAwkwardSizes) {
  support::Random random(support::seed());
  for_each_type([&]<class T>() {
    std::int64_t spikes = 0;
    for (const std::int64_t size : support::awkward_sizes()) {
      for (const std::int64_t batch_size : {1, 7, 33}) {
        NeuronSettings settings;
        settings.batch_size = batch_size;
        settings.sample_size = size;
        settings.step_time = random.one_of<double>({1.0, 0.1, 0.7});
        settings.time_constant = random.between(2.0, 6.0) * settings.step_time;
        settings.refractory_period =
            settings.step_time * random.one_of<double>({0.0, 0.3, 1.0, 2.5, 4.0});
        settings.resistance = random.between(0.5, 1.5);
        SCOPED_TRACE(testing::Message()
                     << "size " << size << " batch " << batch_size << " dt " << settings.step_time
                     << " refractory " << settings.refractory_period);
        NeuronPair<T> pair(stream(), settings);
        for (int t = 0; t < 8; ++t) {
          EXPECT_TRUE(pair.forward(random_currents<T>(random, pair.size()))) << "step " << t;
          EXPECT_TRUE(pair.check()) << "step " << t;
          for (const std::uint8_t spike : pair.expected().spike()) spikes += spike;
        }
      }
    }
    EXPECT_GT(spikes, 1000) << "the oracle hardly spiked, so little was compared";
  });
}

TEST_P(NeuronTest, PopulationsLargeEnoughForSeveralThreadsAgree) {
  support::Random random(support::seed());
  for_each_type([&]<class T>() {
    NeuronSettings settings = small_settings();
    settings.sample_size = 17'001;
    NeuronPair<T> pair(stream(), settings);
    run(pair, random, 4);
  });
}

TEST_P(NeuronTest, StepsOnArraysThatAreNotAlignedAreTheSame) {
  support::Random random(support::seed());
  for_each_type([&]<class T>() {
    NeuronPair<T> pair(stream(), small_settings());
    reference::Neuron<T> expected = pair.expected();
    for (int t = 0; t < 5; ++t) {
      const std::vector<T> current = random.values<T>(pair.size(), 0, 120);
      std::vector<T> shifted = {T(1000)};
      shifted.insert(shifted.end(), current.begin(), current.end());
      const auto longer = static_cast<std::int64_t>(shifted.size());
      support::DeviceArray<T> in(stream(), shifted, {longer});
      support::DeviceArray<std::uint8_t> out(stream(), {longer}, 0xA5);
      pair.neurons().forward(stream(), {in.constant().data() + 1, pair.shape()},
                             {out.view().data() + 1, pair.shape()});
      expected.forward(current);
      std::vector<std::uint8_t> wanted = {0xA5};
      wanted.insert(wanted.end(), expected.spike().begin(), expected.spike().end());
      EXPECT_TRUE(support::matches(out.host(), wanted)) << "step " << t;
    }
  });
}

TEST_P(NeuronTest, AConstantCurrentChargesTheMembraneExactlyWhateverTheStep) {
  NeuronSettings settings;
  settings.time_constant = 10.0;
  settings.resistance = 5.0;
  const double current = 1.5;  // 7.5 mV above rest in the end, below the threshold
  for (const double dt : {0.1, 0.5, 1.0, 5.0, 20.0}) {
    settings.step_time = dt;
    LeakyIntegrateAndFire<double> neuron(stream(), model_test::neuron_options(settings),
                                         model_test::neuron_parameters(settings));
    const support::DeviceArray<double> in(stream(), {1, 1}, current);
    support::DeviceArray<std::uint8_t> spikes(stream(), {1, 1}, 0);
    const int steps = static_cast<int>(std::lround(20.0 / dt));
    for (int t = 0; t < steps; ++t) neuron.forward(stream(), in.constant(), spikes.view());
    support::DeviceArray<double> voltage(stream(), {1, 1}, 0.0);
    neuron.voltage(stream(), voltage.view());
    const double exact = -60.0 + 7.5 * (1 - std::exp(-20.0 / 10.0));
    EXPECT_NEAR(voltage.host()[0], exact, 1e-11) << "dt " << dt;
  }
}

TEST_P(NeuronTest, AConstantCurrentSpikesAtTheRateOfTheClosedForm) {
  NeuronSettings settings;
  settings.step_time = 0.1;
  settings.time_constant = 10.0;
  settings.refractory_period = 2.0;
  settings.resistance = 10.0;
  NeuronPair<double> pair(stream(), settings);
  std::vector<int> times;
  for (int t = 0; t < 2000; ++t) {
    EXPECT_TRUE(pair.forward({2.0}));  // 20 mV above rest in the end
    if (pair.expected().spike()[0] != 0) times.push_back(t);
  }
  // From reset to threshold: 10 ms ln((-40 + 65) / (-40 + 50)), on the grid, and 2 ms of rest.
  const double charging = 10.0 * std::log(25.0 / 10.0);
  const int interval = static_cast<int>(std::ceil(charging / 0.1)) + 20;
  ASSERT_GT(times.size(), 10U);
  for (std::size_t i = 1; i < times.size(); ++i) EXPECT_EQ(times[i] - times[i - 1], interval);
}

TEST_P(NeuronTest, StaysRefractoryForTheWholePeriodRoundedUpToSteps) {
  const struct {
    double period;
    double dt;
    int silent_steps;
  } rows[] = {{0.0, 1.0, 0}, {1.0, 1.0, 1},  {2.0, 1.0, 2}, {2.5, 1.0, 3},     {2.001, 1.0, 3},
              {0.3, 1.0, 1}, {1e-9, 1.0, 1}, {0.3, 0.1, 3}, {3 * 0.1, 0.1, 3}, {0.7, 0.1, 7},
              {2.1, 0.7, 3}, {5.0, 0.1, 50}, {0.1, 0.3, 1}, {4.0, 7.0, 1},     {0.35, 0.05, 7}};
  for (const auto& row : rows) {
    for_each_type([&]<class T>() {
      NeuronSettings settings;
      settings.step_time = row.dt;
      settings.refractory_period = row.period;
      LeakyIntegrateAndFire<T> neuron(stream(), model_test::neuron_options(settings),
                                      model_test::neuron_parameters(settings));
      const support::DeviceArray<T> in(stream(), {1, 1}, T(1e6));  // spikes whenever it can
      support::DeviceArray<std::uint8_t> spikes(stream(), {1, 1}, 9);
      support::DeviceArray<T> time(stream(), {1, 1}, T(-1));
      support::DeviceArray<T> voltage(stream(), {1, 1}, T(-1));
      for (int cycle = 0; cycle < 2; ++cycle) {
        for (int t = 0; t <= row.silent_steps; ++t) {
          neuron.forward(stream(), in.constant(), spikes.view());
          EXPECT_EQ(spikes.host()[0], t == 0 ? 1 : 0)
              << row.period << " at " << row.dt << ", " << t;
          neuron.refractory_time(stream(), time.view());
          EXPECT_EQ(time.host()[0], T(row.silent_steps - t) * T(row.dt));
          neuron.voltage(stream(), voltage.view());
          EXPECT_EQ(voltage.host()[0], T(-65)) << "held at the reset voltage";
        }
      }
    });
  }
}

TEST_P(NeuronTest, SpikesAtTheThresholdItselfAndNotJustBelow) {
  for_each_type([&]<class T>() {
    NeuronSettings settings;
    settings.sample_size = 2;
    settings.rest_voltage = settings.threshold_voltage;  // where nothing moves the voltage
    NeuronPair<T> pair(stream(), settings);
    pair.set_voltage({T(-50), std::nextafter(T(-50), T(-60))});
    EXPECT_TRUE(pair.forward({T(0), T(0)}));
    EXPECT_EQ(pair.expected().spike(), (std::vector<std::uint8_t>{1, 0}));
    EXPECT_TRUE(pair.check());
  });
}

TEST_P(NeuronTest, ANanCurrentSilencesTheNeuronUntilItIsCleared) {
  for_each_type([&]<class T>() {
    NeuronSettings settings;
    settings.sample_size = 2;
    settings.refractory_period = 1.0;
    NeuronPair<T> pair(stream(), settings);
    const T nan = static_cast<T>(not_a_number);
    EXPECT_TRUE(pair.forward({nan, T(1e6)}));
    EXPECT_TRUE(pair.forward({T(1e6), nan}));  // the second is refractory and does not take it
    EXPECT_TRUE(pair.forward({T(1e6), T(1e6)}));
    EXPECT_EQ(pair.expected().spike(), (std::vector<std::uint8_t>{0, 1}));
    EXPECT_TRUE(std::isnan(pair.expected().voltage()[0]));
    EXPECT_TRUE(pair.check());
    pair.clear();
    EXPECT_TRUE(pair.check());
    EXPECT_TRUE(pair.forward({T(1e6), T(0)}));
    EXPECT_EQ(pair.expected().spike(), (std::vector<std::uint8_t>{1, 0}));
  });
}

TEST_P(NeuronTest, ClearingIsAFreshStart) {
  support::Random random(support::seed());
  for_each_type([&]<class T>() {
    NeuronPair<T> pair(stream(), small_settings());
    run(pair, random, 5);
    pair.clear();
    EXPECT_TRUE(pair.check());
    run(pair, random, 5);
  });
}

TEST_P(NeuronTest, ASmallerBatchKeepsTheLastSamplesAndALargerOnePrependsFreshOnes) {
  support::Random random(support::seed());
  for_each_type([&]<class T>() {
    NeuronPair<T> pair(stream(), small_settings());
    for (const std::int64_t batch_size : {2, 5, 5, 1, 33, 7}) {
      run(pair, random, 4);
      pair.set_batch_size(batch_size);
      EXPECT_TRUE(pair.check()) << "batch size " << batch_size;
    }
    run(pair, random, 4);
  });
}

TEST_P(NeuronTest, ChangesOfTheStepTimeKeepVoltagesSpikesAndRefractoryTimes) {
  support::Random random(support::seed());
  for_each_type([&]<class T>() {
    for (const double period : {0.0, 2.0, 2.5, 10.0}) {
      NeuronSettings settings = small_settings();
      settings.refractory_period = period;
      NeuronPair<T> pair(stream(), settings);
      for (const double dt : {0.5, 1.0, 0.3, 0.3, 4.0, 0.1, 1.0}) {
        run(pair, random, 4);
        pair.set_step_time(dt);
        EXPECT_TRUE(pair.check()) << "refractory " << period << ", dt " << dt;
      }
      run(pair, random, 4);
    }
  });
}

TEST_P(NeuronTest, LevelTwoStepsTheCallersMemoryLikeTheObject) {
  support::Random random(support::seed());
  for_each_type([&]<class T>() {
    for (const std::int64_t size : {1, 7, 8, 9, 31, 32, 33, 100}) {
      NeuronSettings settings = small_settings();
      settings.batch_size = 1;
      settings.sample_size = size;
      NeuronPair<T> pair(stream(), settings);
      support::DeviceArray<T> voltage(stream(), {size}, T(settings.rest_voltage));
      support::DeviceArray<std::uint16_t> refractory(stream(), {size}, 0);
      support::DeviceArray<std::uint8_t> spikes(stream(), {size}, 0xA5);
      support::DeviceArray<T> time_left(stream(), {size}, support::untouched<T>());
      for (int t = 0; t < 6; ++t) {
        const std::vector<T> current = random.values<T>(size, 0, 160);
        const support::DeviceArray<T> in(stream(), current, {size});
        cusynapse::LeakyIntegrateAndFireStep<T> step = pair.neurons().step_arguments();
        step.voltage = voltage.view().data();
        step.refractory = refractory.view().data();
        step.current = in.constant().data();
        step.spikes = spikes.view().data();
        cusynapse::ops::leaky_integrate_and_fire(stream(), step);
        EXPECT_TRUE(pair.forward(current));
        EXPECT_TRUE(support::matches(spikes.host(), pair.expected().spike()));
        EXPECT_TRUE(support::matches(voltage.host(), pair.expected().voltage()));
        cusynapse::RefractoryRead<T> read;
        read.refractory = refractory.constant().data();
        read.size = size;
        read.step_time = static_cast<T>(settings.step_time);
        read.time_left = time_left.view().data();
        cusynapse::ops::refractory_read(stream(), read);
        EXPECT_TRUE(support::matches(time_left.host(), pair.expected().refractory_time()));
      }
    }
  });
}

struct WrongOptions {
  std::string what;
  std::function<void(NeuronOptions&, LeakyIntegrateAndFireParameters&)> change;
};

TEST_P(NeuronTest, RefusesOptionsAndConstantsOutsideTheirDomain) {
  using O = NeuronOptions;
  using P = LeakyIntegrateAndFireParameters;
  std::vector<WrongOptions> rows = {
      {"shape",
       [](O& o, P&) {
         o.shape = {3, 0};
       }},
      {"shape", [](O& o, P&) { o.shape = {-1}; }},
      {"shape", [](O& o, P&) { o.shape = {1, 1, 1, 1, 1, 1, 1}; }},
      {"batch_size", [](O& o, P&) { o.batch_size = 0; }},
      {"batch_size", [](O& o, P&) { o.batch_size = -4; }},
      {"threshold_voltage", [](O&, P& p) { p.threshold_voltage = p.reset_voltage; }},
      {"threshold_voltage", [](O&, P& p) { p.threshold_voltage = p.reset_voltage - 1; }},
      {"refractory_period", [](O&, P& p) { p.refractory_period = 32768.0; }},
      {"refractory_period", [](O&, P& p) { p.refractory_period = 1e300; }}};
  for (const double wrong : {0.0, -1.0, not_a_number, infinity, -infinity}) {
    rows.push_back({"step_time", [wrong](O& o, P&) { o.step_time = wrong; }});
    rows.push_back({"time_constant", [wrong](O&, P& p) { p.time_constant = wrong; }});
    rows.push_back({"resistance", [wrong](O&, P& p) { p.resistance = wrong; }});
    if (wrong != 0) {
      rows.push_back({"refractory_period", [wrong](O&, P& p) { p.refractory_period = wrong; }});
    }
    if (!std::isfinite(wrong)) {
      rows.push_back({"rest_voltage", [wrong](O&, P& p) { p.rest_voltage = wrong; }});
      rows.push_back({"reset_voltage", [wrong](O&, P& p) { p.reset_voltage = wrong; }});
      rows.push_back({"threshold_voltage", [wrong](O&, P& p) { p.threshold_voltage = wrong; }});
    }
  }
  for (const WrongOptions& row : rows) {
    for_each_type([&]<class T>() {
      NeuronOptions options = model_test::neuron_options(small_settings());
      LeakyIntegrateAndFireParameters parameters = model_test::neuron_parameters(small_settings());
      EXPECT_NO_THROW(LeakyIntegrateAndFire<T>(stream(), options, parameters));
      row.change(options, parameters);
      EXPECT_TRUE(refuses([&] { LeakyIntegrateAndFire<T>(stream(), options, parameters); },
                          Errc::invalid_argument, {"LeakyIntegrateAndFire", row.what, "expected"}));
    });
  }
  // Voltages that are the same once they are rounded.
  const NeuronOptions options = model_test::neuron_options(small_settings());
  LeakyIntegrateAndFireParameters close = model_test::neuron_parameters(small_settings());
  close.threshold_voltage = close.reset_voltage + 1e-9;
  EXPECT_NO_THROW(LeakyIntegrateAndFire<double>(stream(), options, close));
  EXPECT_TRUE(refuses([&] { LeakyIntegrateAndFire<float>(stream(), options, close); },
                      Errc::invalid_argument, {"threshold_voltage", "above reset_voltage"}));
}

TEST_P(NeuronTest, TakesTheLongestRefractoryPeriodThereIs) {
  for_each_type([&]<class T>() {
    NeuronSettings settings = small_settings();
    settings.refractory_period = 32767.0;
    NeuronPair<T> pair(stream(), settings);
    EXPECT_TRUE(pair.forward(std::vector<T>(static_cast<std::size_t>(pair.size()), T(1e6))));
    EXPECT_TRUE(pair.check());
    EXPECT_EQ(pair.expected().refractory_time()[0], T(32767));
  });
}

TEST_P(NeuronTest, RefusalsLeaveTheNeuronsAsTheyWere) {
  support::Random random(support::seed());
  for_each_type([&]<class T>() {
    NeuronPair<T> pair(stream(), small_settings());
    run(pair, random, 3);
    auto& neurons = pair.neurons();
    const support::DeviceArray<T> good(stream(), {3, 11}, T(100));
    support::DeviceArray<T> good_out(stream(), {3, 11}, T(100));
    support::DeviceArray<std::uint8_t> good_spikes(stream(), {3, 11}, 0xA5);
    const std::string name = "LeakyIntegrateAndFire";
    for (const Shape& shape : {Shape{11}, Shape{33}, Shape{11, 3}, Shape{3, 12}, Shape{2, 11},
                               Shape{3, 11, 1}, Shape{}}) {
      const std::vector<std::string> parts = {name, to_string(shape), "expected", "[3, 11]"};
      support::DeviceArray<T> bad(stream(), shape, T(100));
      support::DeviceArray<std::uint8_t> bad_spikes(stream(), shape, 0);
      const std::vector<std::function<void()>> calls = {
          [&] { neurons.forward(stream(), bad.constant(), good_spikes.view()); },
          [&] { neurons.forward(stream(), good.constant(), bad_spikes.view()); },
          [&] { neurons.voltage(stream(), bad.view()); },
          [&] { neurons.refractory_time(stream(), bad.view()); },
          [&] { neurons.spike(stream(), bad_spikes.view()); },
          [&] { neurons.set_voltage(stream(), bad.constant()); }};
      for (const auto& call : calls) {
        EXPECT_TRUE(refuses(call, Errc::shape_mismatch, parts));
        EXPECT_TRUE(pair.check());
      }
    }
    const cusynapse::View<T> null(nullptr, {3, 11});
    const cusynapse::View<std::uint8_t> null_spikes(nullptr, {3, 11});
    const std::vector<std::function<void()>> calls = {
        [&] { neurons.forward(stream(), null, good_spikes.view()); },
        [&] { neurons.forward(stream(), good.constant(), null_spikes); },
        [&] { neurons.voltage(stream(), null); },
        [&] { neurons.refractory_time(stream(), null); },
        [&] { neurons.spike(stream(), null_spikes); },
        [&] { neurons.set_voltage(stream(), null); },
        [&] { neurons.set_batch_size(stream(), 0); },
        [&] { neurons.set_batch_size(stream(), -2); },
        [&] { neurons.set_batch_size(stream(), std::int64_t{1} << 60); },
        [&] { neurons.set_step_time(stream(), 0.0); },
        [&] { neurons.set_step_time(stream(), -1.0); },
        [&] { neurons.set_step_time(stream(), not_a_number); },
        [&] { neurons.set_step_time(stream(), infinity); },
        [&] { neurons.set_step_time(stream(), 1e-5); }};  // a period of 200000 steps
    for (const auto& call : calls) {
      EXPECT_TRUE(refuses(call, Errc::invalid_argument, {name, "expected"}));
      EXPECT_TRUE(pair.check());
    }
    EXPECT_TRUE(support::matches(good_spikes.host(), std::vector<std::uint8_t>(33, 0xA5)));
    run(pair, random, 3);
  });
}

TEST_P(NeuronTest, RefusesStreamsOfAnotherDevice) {
  if (support::devices().size() < 2) GTEST_SKIP() << "there is one device only";
  support::Random random(support::seed());
  const cusynapse::OwnedStream other(GetParam() == cusynapse::Device::cpu()
                                         ? cusynapse::Device::cuda(0)
                                         : cusynapse::Device::cpu());
  for_each_type([&]<class T>() {
    NeuronPair<T> pair(stream(), small_settings());
    run(pair, random, 3);
    auto& neurons = pair.neurons();
    support::DeviceArray<T> values(other, {3, 11}, T(100));
    support::DeviceArray<std::uint8_t> flags(other, {3, 11}, 0);
    const std::vector<std::function<void()>> calls = {
        [&] { neurons.forward(other, values.constant(), flags.view()); },
        [&] { neurons.voltage(other, values.view()); },
        [&] { neurons.refractory_time(other, values.view()); },
        [&] { neurons.spike(other, flags.view()); },
        [&] { neurons.set_voltage(other, values.constant()); },
        [&] { neurons.clear(other); },
        [&] { neurons.set_batch_size(other, 2); },
        [&] { neurons.set_step_time(other, 0.5); }};
    for (const auto& call : calls) {
      EXPECT_TRUE(refuses(call, Errc::wrong_device, {"LeakyIntegrateAndFire"}));
      EXPECT_TRUE(pair.check());
    }
  });
}

TEST_P(NeuronTest, LevelTwoRefusesNullPointersAndSizesOutOfRange) {
  for_each_type([&]<class T>() {
    support::DeviceArray<T> values(stream(), {4}, T(0));
    support::DeviceArray<T> currents(stream(), {4}, T(0));
    support::DeviceArray<std::uint16_t> words(stream(), {4}, 0);
    support::DeviceArray<std::uint8_t> flags(stream(), {4}, 0);
    cusynapse::LeakyIntegrateAndFireStep<T> good;
    good.size = 4;
    good.current = currents.constant().data();
    good.voltage = values.view().data();
    good.refractory = words.view().data();
    good.spikes = flags.view().data();
    const auto step_refused = [&](const std::string& what, const auto& change) {
      cusynapse::LeakyIntegrateAndFireStep<T> wrong = good;
      change(wrong);
      return refuses([&] { cusynapse::ops::leaky_integrate_and_fire(stream(), wrong); },
                     Errc::invalid_argument, {"leaky_integrate_and_fire", what, "expected"});
    };
    EXPECT_NO_THROW(cusynapse::ops::leaky_integrate_and_fire(stream(), good));
    EXPECT_TRUE(step_refused("size", [](auto& a) { a.size = -1; }));
    EXPECT_TRUE(step_refused("refractory_steps", [](auto& a) { a.refractory_steps = 0x8000; }));
    EXPECT_TRUE(step_refused("current", [](auto& a) { a.current = nullptr; }));
    EXPECT_TRUE(step_refused("voltage", [](auto& a) { a.voltage = nullptr; }));
    EXPECT_TRUE(step_refused("refractory", [](auto& a) { a.refractory = nullptr; }));
    EXPECT_TRUE(step_refused("spikes", [](auto& a) { a.spikes = nullptr; }));
    EXPECT_NO_THROW(cusynapse::ops::leaky_integrate_and_fire(
        stream(), cusynapse::LeakyIntegrateAndFireStep<T>{}));

    cusynapse::RefractoryRead<T> read;
    read.refractory = words.constant().data();
    read.size = 4;
    read.time_left = values.view().data();
    const auto read_refused = [&](const std::string& what, const auto& change) {
      cusynapse::RefractoryRead<T> wrong = read;
      change(wrong);
      return refuses([&] { cusynapse::ops::refractory_read(stream(), wrong); },
                     Errc::invalid_argument, {"refractory_read", what, "expected"});
    };
    EXPECT_NO_THROW(cusynapse::ops::refractory_read(stream(), read));
    EXPECT_TRUE(read_refused("size", [](auto& a) { a.size = -1; }));
    EXPECT_TRUE(read_refused("refractory", [](auto& a) { a.refractory = nullptr; }));
    EXPECT_TRUE(read_refused("output", [](auto& a) { a.time_left = nullptr; }));
    EXPECT_TRUE(read_refused("output", [&](auto& a) { a.spikes = flags.view().data(); }));
  });
}

}  // namespace
