// The five synapse classes against the oracle: every step bit for bit, every query within what
// another exponential function may differ by.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "cusynapse/cusynapse.hpp"
#include "model/synapse_pair.hpp"
#include "support/devices.hpp"
#include "support/random.hpp"

namespace {

using model_test::for_each_class;
using model_test::InputKind;
using model_test::run;
using model_test::SynapsePair;
using reference::Model;
using reference::Settings;

Settings settings_of(Model model, std::int64_t batch_size, std::int64_t size, double step_time,
                     double delay) {
  Settings settings;
  settings.model = model;
  settings.batch_size = batch_size;
  settings.sample_size = size;
  settings.step_time = step_time;
  settings.delay = delay;
  settings.spike_charge = 3.7;
  settings.time_constant = 4.3;
  settings.tc_decay = 6.1;
  settings.tc_rise = 1.9;
  return settings;
}

template <class T>
void query(SynapsePair<T>& pair, support::Random& random, std::int64_t samples) {
  const std::int64_t count = pair.size() * (samples == 0 ? 1 : samples);
  const auto selector = model_test::random_selectors<T>(random, pair.settings(), count, true);
  EXPECT_TRUE(pair.check_query(selector, samples))
      << model_test::describe(pair.settings()) << " D " << samples;
}

class SynapseTest : public support::DeviceTest {};
INSTANTIATE_TEST_SUITE_P(Devices, SynapseTest, testing::ValuesIn(support::devices()),
                         support::device_name);

TEST_P(SynapseTest, StartsAtRestWithTheNumbersItWasGiven) {
  for_each_class([&]<class T>(Model model) {
    SynapsePair<T> pair(stream(), settings_of(model, 3, 15, 0.5, 4.0), {5, 3});
    EXPECT_TRUE(pair.check_state());
    EXPECT_EQ(pair.synapse().device(), GetParam());
    EXPECT_EQ(pair.synapse().batched_shape(), (cusynapse::Shape{3, 5, 3}));
  });
}

TEST_P(SynapseTest, SlotsFollowFromTheDelayAndTheStepTime) {
  const struct {
    double delay;
    double step_time;
    std::int32_t slots;
  } rows[] = {{0.0, 1.0, 1},     {1.0, 1.0, 2},  {2.5, 1.0, 4},    {0.3, 0.1, 4},
              {3 * 0.1, 0.1, 5}, {1e-9, 1.0, 2}, {100.0, 0.5, 201}};
  for (const auto& row : rows) {
    for_each_class([&]<class T>(Model model) {
      SynapsePair<T> pair(stream(), settings_of(model, 1, 2, row.step_time, row.delay));
      EXPECT_EQ(pair.synapse().slots(), row.slots) << row.delay << " at " << row.step_time;
    });
  }
}

TEST_P(SynapseTest, EveryStepIsTheOraclesBitForBitAtAwkwardSizes) {
  support::Random random(support::seed());
  for (const std::int64_t size : support::awkward_sizes()) {
    for_each_class([&]<class T>(Model model) {
      for (const InputKind kind : model_test::input_kinds()) {
        SCOPED_TRACE(testing::Message() << "size " << size << " kind " << static_cast<int>(kind));
        const double dt = random.one_of<double>({1.0, 0.1, 0.7});
        const double delay = dt * static_cast<double>(random.integer(0, 4));
        SynapsePair<T> pair(stream(), settings_of(model, 1 + size % 3, size, dt, delay));
        for (std::int64_t t = 0; t < pair.synapse().slots() + 3; ++t) {
          pair.step(model_test::random_inputs<T>(random, kind, pair.size()), kind);
          EXPECT_TRUE(pair.check_state()) << "step " << t;
        }
      }
    });
  }
}

TEST_P(SynapseTest, EveryKindOfSelectorReadsTheOraclesValue) {
  support::Random random(support::seed());
  const std::vector<std::int64_t> samples = {0, 1, 2, 5, 8, 9, 33};
  for_each_class([&]<class T>(Model model) {
    for (const double steps : {0.0, 1.0, 3.0, 2.4, 7.0}) {
      for (const bool nearest : {false, true}) {
        for (const double tolerance : {0.0, 0.25}) {
          for (const bool overbound : {false, true}) {
            const double dt = random.one_of<double>({1.0, 0.1, 0.7});
            Settings settings = settings_of(model, 2, random.integer(1, 40), dt, steps * dt);
            settings.nearest = nearest;
            settings.tolerance = tolerance * dt;
            settings.current_overbound = -2.25;
            settings.spike_overbound = random.chance(0.5);
            if (!overbound) settings.current_overbound = std::nullopt;
            if (!overbound) settings.spike_overbound = std::nullopt;
            SynapsePair<T> pair(stream(), settings);
            query(pair, random, 1);
            run(pair, random, InputKind::values, 2);
            query(pair, random, 0);
            run(pair, random, InputKind::values, 2 * pair.synapse().slots() + 1);
            for (const std::int64_t d : samples) query(pair, random, d);
            pair.clear();
            query(pair, random, 5);
            run(pair, random, InputKind::bytes, 2);
            query(pair, random, 2);
            EXPECT_TRUE(pair.check_state());
          }
        }
      }
    }
  });
}

TEST_P(SynapseTest, QueriesAgreeAtAwkwardSizes) {
  support::Random random(support::seed());
  for (const std::int64_t size : support::awkward_sizes()) {
    for_each_class([&]<class T>(Model model) {
      Settings settings = settings_of(model, 1 + size % 2, size, 0.5, 3.25);
      settings.nearest = random.chance(0.5);
      SynapsePair<T> pair(stream(), settings);
      run(pair, random, InputKind::bits, pair.synapse().slots() + 2);
      query(pair, random, 0);
      query(pair, random, random.one_of<std::int64_t>({1, 2, 5, 8, 9, 33}));
    });
  }
}

TEST_P(SynapseTest, PopulationsLargeEnoughForSeveralThreadsAgree) {
  support::Random random(support::seed());
  for_each_class([&]<class T>(Model model) {
    SynapsePair<T> pair(stream(), settings_of(model, 2, 17'001, 1.0, 2.5));
    for (const InputKind kind : model_test::input_kinds()) {
      run(pair, random, kind, 2);
      EXPECT_TRUE(pair.check_state());
      pair.step_sequence(model_test::random_inputs<T>(random, kind, 5 * pair.size()), kind, 5);
      EXPECT_TRUE(pair.check_state());
    }
    query(pair, random, 0);
    query(pair, random, 3);
    pair.set_step_time(0.5, true);
    EXPECT_TRUE(pair.check_resampled());
    pair.set_batch_size(3);
    EXPECT_TRUE(pair.check_state());
  });
}

TEST_P(SynapseTest, LongHistoriesAreReadToTheirEnd) {
  support::Random random(support::seed());
  for_each_class([&]<class T>(Model model) {
    for (const double dt : {1.0, 0.1}) {
      Settings settings = settings_of(model, 2, 9, dt, 130.0 * dt);
      settings.time_constant = 40.0;
      settings.tc_decay = 50.0;
      settings.tc_rise = 30.0;
      SynapsePair<T> pair(stream(), settings);
      run(pair, random, InputKind::values, 2 * pair.synapse().slots() + 7);
      for (int i = 0; i < 4; ++i) query(pair, random, 33);
      EXPECT_TRUE(pair.check_state());
    }
  });
}

TEST_P(SynapseTest, ShapesOfAnyRankAreTheSameSynapses) {
  support::Random random(support::seed());
  for_each_class([&]<class T>(Model model) {
    for (const cusynapse::Shape& shape : {cusynapse::Shape{24}, cusynapse::Shape{4, 6},
                                          cusynapse::Shape{2, 3, 4}, cusynapse::Shape{1, 24, 1}}) {
      SynapsePair<T> pair(stream(), settings_of(model, 2, 24, 1.0, 3.0), shape);
      run(pair, random, InputKind::values, 6);
      EXPECT_TRUE(pair.check_state());
      query(pair, random, 0);
      query(pair, random, 3);
    }
  });
}

TEST_P(SynapseTest, OneSlotReadsTheNewestAtEverySelector) {
  support::Random random(support::seed());
  for_each_class([&]<class T>(Model model) {
    for (const bool overbound : {false, true}) {
      for (const double tolerance : {0.0, 0.4}) {
        Settings settings = settings_of(model, 2, 33, 1.0, 0.0);
        settings.tolerance = tolerance;
        if (!overbound) settings.current_overbound = std::nullopt;
        if (!overbound) settings.spike_overbound = std::nullopt;
        SynapsePair<T> pair(stream(), settings);
        run(pair, random, InputKind::values, 3);
        EXPECT_TRUE(pair.check_state());
        for (const std::int64_t samples : {0, 1, 2, 9}) query(pair, random, samples);
        const std::vector<T> now(static_cast<std::size_t>(pair.size()), T(0));
        EXPECT_TRUE(support::matches(pair.current_at(now, 0), pair.current()));
      }
    }
  });
}

TEST_P(SynapseTest, InputsThatAreNotFiniteAreSpikes) {
  const double inf = std::numeric_limits<double>::infinity();
  for_each_class([&]<class T>(Model model) {
    const std::vector<T> input = {std::numeric_limits<T>::quiet_NaN(),
                                  static_cast<T>(inf),
                                  static_cast<T>(-inf),
                                  T(0),
                                  T(-0.0),
                                  std::numeric_limits<T>::denorm_min(),
                                  -std::numeric_limits<T>::denorm_min(),
                                  std::numeric_limits<T>::max(),
                                  T(1e-30)};
    SynapsePair<T> pair(stream(), settings_of(model, 1, 9, 1.0, 3.0));
    pair.step(input, InputKind::values);
    EXPECT_EQ(pair.expected().spike(), (std::vector<std::uint8_t>{1, 1, 1, 0, 0, 1, 1, 1, 1}));
    EXPECT_TRUE(pair.check_state());
    for (int t = 0; t < 5; ++t) {
      pair.step(std::vector<T>(9, T(0)), InputKind::values);
      EXPECT_TRUE(pair.check_state()) << "step " << t;
    }
  });
}

TEST_P(SynapseTest, EveryByteCountsAsThatManySpikes) {
  for_each_class([&]<class T>(Model model) {
    std::vector<T> counts;
    for (int count = 0; count < 256; ++count) counts.push_back(static_cast<T>(count));
    SynapsePair<T> pair(stream(), settings_of(model, 1, 256, 1.0, 2.0));
    for (int t = 0; t < 4; ++t) {
      pair.step(counts, InputKind::bytes);
      EXPECT_TRUE(pair.check_state());
    }
  });
}

TEST_P(SynapseTest, InjectedCurrentsAreAddedLeftToRight) {
  support::Random random(support::seed());
  for (const std::int64_t size : {1, 8, 31, 33, 257}) {
    for (const InputKind kind : model_test::input_kinds()) {
      for (int count = 0; count <= cusynapse::max_injections; ++count) {
        SynapsePair<float> pair(stream(), settings_of(Model::delta_plus, 2, size, 0.5, 2.0));
        for (int t = 0; t < 2; ++t) {
          std::vector<std::vector<float>> injected;
          for (int i = 0; i < count; ++i) {
            // Of very different magnitudes, so that another order of the sum shows.
            injected.push_back(random.values<float>(pair.size(), -1.0, 1.0));
            for (float& current : injected.back()) {
              current *= std::pow(10.0f, static_cast<float>(random.integer(-3, 3)));
            }
          }
          pair.step(model_test::random_inputs<float>(random, kind, pair.size()), kind, injected);
          EXPECT_TRUE(pair.check_state()) << count << " injections, size " << size;
        }
      }
    }
  }
}

TEST_P(SynapseTest, OverwritingTheNewestChangesNothingElse) {
  support::Random random(support::seed());
  for_each_class([&]<class T>(Model model) {
    SynapsePair<T> pair(stream(), settings_of(model, 2, 33, 1.0, 4.0));
    run(pair, random, InputKind::values, 7);
    pair.set_spike(random.flags(pair.size(), 0.5));
    EXPECT_TRUE(pair.check_state());
    if (model == Model::delta_plus || model == Model::single_exponential) {
      pair.set_trace(0, random.values<T>(pair.size(), -3.0, 3.0));
    }
    if (model == Model::double_exponential) {
      pair.set_trace(0, random.values<T>(pair.size(), -3.0, 3.0));
      EXPECT_TRUE(pair.check_state());
      pair.set_trace(1, random.values<T>(pair.size(), -3.0, 3.0));
    }
    EXPECT_TRUE(pair.check_state());
    query(pair, random, 5);
    run(pair, random, InputKind::values, 2);
    EXPECT_TRUE(pair.check_state());
  });
}

TEST_P(SynapseTest, EveryByteThatIsNotZeroSetsASpike) {
  for_each_class([&]<class T>(Model model) {
    SynapsePair<T> pair(stream(), settings_of(model, 1, 5, 1.0, 2.0));
    const support::DeviceArray<std::uint8_t> spikes(stream(), {0, 1, 2, 128, 255}, {1, 5});
    pair.synapse().set_spike(stream(), spikes.constant());
    support::DeviceArray<std::uint8_t> out(stream(), {1, 5}, support::untouched<std::uint8_t>());
    pair.synapse().spike(stream(), out.view());
    EXPECT_EQ(out.host(), (std::vector<std::uint8_t>{0, 1, 1, 1, 1}));
  });
}

TEST_P(SynapseTest, PartsOfTheDoubleExponentialAreReadOnTheirOwn) {
  support::Random random(support::seed());
  SynapsePair<float> pair(stream(), settings_of(Model::double_exponential, 2, 33, 1.0, 3.0));
  run(pair, random, InputKind::values, 6);
  const auto& synapse = static_cast<cusynapse::DoubleExponentialCurrent<float>&>(pair.synapse());
  support::DeviceArray<float> pos(stream(), {2, 33}, support::untouched<float>());
  support::DeviceArray<float> neg(stream(), {2, 33}, support::untouched<float>());
  synapse.pos_current(stream(), pos.view());
  synapse.neg_current(stream(), neg.view());
  EXPECT_TRUE(support::matches(pos.host(), pair.expected().trace(0).back(1)));
  EXPECT_TRUE(support::matches(neg.host(), pair.expected().trace(1).back(1)));
}

TEST_P(SynapseTest, FactoriesMakeTheSynapsesTheyAreNamedAfter) {
  support::Random random(support::seed());
  cusynapse::SynapseOptions defaults;
  defaults.tolerance = 0.125;
  defaults.interpolation = cusynapse::SpikeInterpolation::nearest;
  defaults.current_overbound = 7.5;
  for (const Model model : model_test::models()) {
    SCOPED_TRACE(model_test::class_name(model));
    Settings settings = settings_of(model, 3, 10, 0.5, 2.0);
    settings.tolerance = 0.125;
    settings.nearest = true;
    settings.current_overbound = 7.5;
    cusynapse::SynapseFactory<float> factory;
    switch (model) {
      case Model::delta:
        factory = cusynapse::DeltaCurrent<float>::factory({settings.spike_charge}, defaults);
        break;
      case Model::delta_plus:
        factory = cusynapse::DeltaPlusCurrent<float>::factory({settings.spike_charge}, defaults);
        break;
      case Model::single_exponential:
        factory = cusynapse::SingleExponentialCurrent<float>::factory(
            {settings.spike_charge, settings.time_constant}, defaults);
        break;
      case Model::double_exponential:
        factory = cusynapse::DoubleExponentialCurrent<float>::factory(
            {settings.spike_charge, settings.tc_decay, settings.tc_rise}, defaults);
        break;
      case Model::alpha:
        factory = cusynapse::AlphaCurrent<float>::factory(
            {settings.spike_charge, settings.time_constant}, defaults);
        break;
    }
    const auto made = factory(stream(), {10}, 0.5, 2.0, 3);
    auto* synapse = dynamic_cast<cusynapse::CurrentSynapse<float>*>(made.get());
    ASSERT_NE(synapse, nullptr);
    SynapsePair<float> pair(stream(), settings, *synapse);
    EXPECT_TRUE(pair.check_state());
    run(pair, random, InputKind::values, 6);
    EXPECT_TRUE(pair.check_state());
    query(pair, random, 9);
  }
}

}  // namespace
