// What must hold of every synapse, whatever its numbers: closed forms, and laws between calls.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <utility>
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
  settings.spike_charge = 20.0;
  settings.time_constant = 5.0;
  settings.tc_decay = 8.0;
  settings.tc_rise = 2.0;
  return settings;
}

template <class T>
testing::AssertionResult query(SynapsePair<T>& pair, support::Random& random,
                               std::int64_t samples) {
  const auto selector =
      model_test::random_selectors<T>(random, pair.settings(), pair.size() * samples, true);
  return pair.check_query(selector, samples);
}

/// The current `time` ms after one spike of charge Q, from the definition of each model.
double response(const Settings& settings, double time) {
  const double charge = settings.spike_charge;
  const double tau = settings.time_constant;
  switch (settings.model) {
    case Model::delta:
    case Model::delta_plus:
      return time < settings.step_time ? charge / settings.step_time : 0.0;
    case Model::single_exponential:
      return charge / tau * std::exp(-time / tau);
    case Model::double_exponential:
      return charge / (settings.tc_decay - settings.tc_rise) *
             (std::exp(-time / settings.tc_decay) - std::exp(-time / settings.tc_rise));
    case Model::alpha:
      return charge * time / (tau * tau) * std::exp(-time / tau);
  }
  return 0.0;
}

class SynapseLawsTest : public support::DeviceTest {
 protected:
  /// One synapse that has had one spike `steps` steps ago.
  SynapsePair<double> after_one_spike(const Settings& settings, std::int64_t steps) {
    SynapsePair<double> pair(stream(), settings);
    pair.step({1.0}, InputKind::values);
    for (std::int64_t t = 0; t < steps; ++t) pair.step({0.0}, InputKind::values);
    return pair;
  }
};
INSTANTIATE_TEST_SUITE_P(Devices, SynapseLawsTest, testing::ValuesIn(support::devices()),
                         support::device_name);

TEST_P(SynapseLawsTest, OneSpikeGivesTheClosedFormOnTheGrid) {
  for (const Model model : model_test::models()) {
    for (const double dt : {1.0, 0.1, 0.37}) {
      const Settings settings = settings_of(model, 1, 1, dt, 0.0);
      SynapsePair<double> pair(stream(), settings);
      pair.step({1.0}, InputKind::values);
      for (int step = 0; step < 200; ++step) {
        const double wanted = response(settings, step * dt);
        EXPECT_NEAR(pair.current()[0], wanted, 1e-13 * settings.spike_charge)
            << model_test::class_name(model) << " dt " << dt << " step " << step;
        pair.step({0.0}, InputKind::values);
      }
    }
  }
}

TEST_P(SynapseLawsTest, OneSpikeGivesTheClosedFormBetweenGridPoints) {
  for (const Model model : {Model::single_exponential, Model::double_exponential, Model::alpha}) {
    const Settings settings = settings_of(model, 1, 1, 0.5, 30.0);
    SynapsePair<double> pair = after_one_spike(settings, 60);
    for (double before_now = 0.0; before_now <= 30.0; before_now += 0.0625) {
      const double since_spike = 30.0 - before_now;
      EXPECT_NEAR(pair.current_at({before_now}, 0)[0], response(settings, since_spike),
                  1e-13 * settings.spike_charge)
          << model_test::class_name(model) << " " << since_spike << " ms after the spike";
    }
  }
}

TEST_P(SynapseLawsTest, TheAlphaCurrentPeaksAtItsTimeConstant) {
  const Settings settings = settings_of(Model::alpha, 1, 1, 0.25, 20.0);
  SynapsePair<double> pair = after_one_spike(settings, 80);
  double largest = 0.0;
  double when = 0.0;
  for (double since_spike = 0.0; since_spike <= 20.0; since_spike += 0.03125) {
    const double current = pair.current_at({20.0 - since_spike}, 0)[0];
    if (current > largest) {
      largest = current;
      when = since_spike;
    }
  }
  EXPECT_EQ(when, settings.time_constant);
  EXPECT_NEAR(largest, settings.spike_charge / settings.time_constant * std::exp(-1.0), 1e-12);
}

TEST_P(SynapseLawsTest, TheWholeChargeArrives) {
  for (const Model model : model_test::models()) {
    const double dt = 0.01;
    const Settings settings = settings_of(model, 1, 1, dt, 0.0);
    SynapsePair<double> pair(stream(), settings);
    pair.step({1.0}, InputKind::values);
    // The trapezoidal rule; the delta classes hold their current for the whole step instead.
    const bool is_delta = model == Model::delta || model == Model::delta_plus;
    double charge = pair.current()[0] * (is_delta ? dt : 0.5 * dt);
    for (int step = 0; step < 20000; ++step) {
      pair.step({0.0}, InputKind::values);
      charge += pair.current()[0] * dt;
    }
    EXPECT_NEAR(charge, settings.spike_charge, 1e-5 * settings.spike_charge)
        << model_test::class_name(model);
  }
}

TEST_P(SynapseLawsTest, ClearEqualsFresh) {
  support::Random random(support::seed());
  for_each_class([&]<class T>(Model model) {
    SynapsePair<T> used(stream(), settings_of(model, 2, 33, 1.0, 4.0));
    run(used, random, InputKind::values, 8);
    used.clear();
    SynapsePair<T> fresh(stream(), used.settings());
    EXPECT_TRUE(used.check_state());
    for (int t = 0; t < 7; ++t) {
      const auto input = model_test::random_inputs<T>(random, InputKind::values, used.size());
      used.step(input, InputKind::values);
      fresh.step(input, InputKind::values);
      EXPECT_TRUE(support::matches(used.current(), fresh.current()));
      const auto selector =
          model_test::random_selectors<T>(random, used.settings(), 3 * used.size(), true);
      EXPECT_TRUE(support::matches(used.current_at(selector, 3), fresh.current_at(selector, 3)));
      EXPECT_TRUE(support::matches(used.spike_at(selector, 3), fresh.spike_at(selector, 3)));
      EXPECT_EQ(used.synapse().pointer(stream()), fresh.synapse().pointer(stream()));
    }
  });
}

TEST_P(SynapseLawsTest, DelayZeroReadsTheNewest) {
  support::Random random(support::seed());
  for_each_class([&]<class T>(Model model) {
    for (const double delay : {0.0, 3.0, 2.5}) {
      SynapsePair<T> pair(stream(), settings_of(model, 2, 65, 1.0, delay));
      const std::vector<T> now(static_cast<std::size_t>(pair.size()), T(0));
      for (int t = 0; t < 6; ++t) {
        run(pair, random, InputKind::values, 1);
        EXPECT_TRUE(support::matches(pair.current_at(now, 0), pair.current()));
        EXPECT_TRUE(support::matches(pair.spike_at(now, 0), pair.expected().spike()));
      }
    }
  });
}

TEST_P(SynapseLawsTest, AWholeNumberOfStepsReadsThatCurrentAgain) {
  support::Random random(support::seed());
  for_each_class([&]<class T>(Model model) {
    for (const bool nearest : {false, true}) {
      Settings settings = settings_of(model, 2, 33, 0.5, 3.0);
      settings.nearest = nearest;
      SynapsePair<T> pair(stream(), settings);
      std::vector<std::vector<T>> currents;
      for (int t = 0; t < 17; ++t) {
        run(pair, random, InputKind::values, 1);
        currents.push_back(pair.current());
      }
      for (std::size_t k = 0; k <= 6; ++k) {
        const std::vector<T> delays(static_cast<std::size_t>(pair.size()),
                                    static_cast<T>(0.5 * static_cast<double>(k)));
        EXPECT_TRUE(support::matches(pair.current_at(delays, 0), currents[currents.size() - 1 - k]))
            << k << " steps";
      }
    }
  });
}

TEST_P(SynapseLawsTest, GrowingAndShrinkingTheBatchRestoresIt) {
  support::Random random(support::seed());
  for (const std::int64_t size : {1, 7, 32, 33, 65}) {
    for_each_class([&]<class T>(Model model) {
      SynapsePair<T> pair(stream(), settings_of(model, 3, size, 1.0, 4.0));
      run(pair, random, InputKind::values, 8);
      const auto before = pair.current();
      for (const std::int64_t batch_size : {7, 3, 3, 2, 1, 5}) {
        pair.set_batch_size(batch_size);
        EXPECT_TRUE(pair.check_state()) << "batch " << batch_size;
        EXPECT_TRUE(query(pair, random, 3));
        if (batch_size == 3) {
          EXPECT_TRUE(support::matches(pair.current(), before));
        }
      }
      run(pair, random, InputKind::values, 3);
      EXPECT_TRUE(pair.check_state());
    });
  }
}

TEST_P(SynapseLawsTest, ASequenceEqualsItsSteps) {
  support::Random random(support::seed());
  for (const std::int64_t size : {1, 7, 9, 31, 32, 33, 65, 257}) {
    for_each_class([&]<class T>(Model model) {
      for (const InputKind kind : model_test::input_kinds()) {
        for (const double delay : {0.0, 1.0, 4.0}) {
          for (const std::int64_t steps : {1, 2, 4, 5, 6, 11}) {
            SynapsePair<T> pair(stream(), settings_of(model, 1 + size % 2, size, 1.0, delay));
            run(pair, random, kind, 2);
            pair.step_sequence(model_test::random_inputs<T>(random, kind, steps * pair.size()),
                               kind, steps);
            EXPECT_TRUE(pair.check_state())
                << "size " << size << " kind " << static_cast<int>(kind) << " T " << steps
                << " slots " << pair.synapse().slots();
            run(pair, random, kind, 1);
            EXPECT_TRUE(pair.check_state());
          }
        }
      }
    });
  }
}

TEST_P(SynapseLawsTest, ChangesThatClearLeaveAFreshSynapse) {
  support::Random random(support::seed());
  for_each_class([&]<class T>(Model model) {
    SynapsePair<T> pair(stream(), settings_of(model, 2, 33, 1.0, 4.0));
    for (const double value : {4.0, 2.5, 0.0, 9.0}) {
      run(pair, random, InputKind::values, 6);
      pair.set_delay(value, false);
      EXPECT_TRUE(pair.check_state()) << "delay " << value;
      EXPECT_TRUE(query(pair, random, 3));
    }
    for (const double value : {1.0, 0.5, 0.7, 3.0}) {
      run(pair, random, InputKind::values, 6);
      pair.set_step_time(value, false);
      EXPECT_TRUE(pair.check_state()) << "dt " << value;
      run(pair, random, InputKind::values, 3);
      EXPECT_TRUE(pair.check_state()) << "dt " << value;
      EXPECT_TRUE(query(pair, random, 3));
    }
  });
}

TEST_P(SynapseLawsTest, AKeptDelayChangeKeepsTheNewestObservations) {
  support::Random random(support::seed());
  for (const std::int64_t size : {1, 9, 32, 65}) {
    for_each_class([&]<class T>(Model model) {
      SynapsePair<T> pair(stream(), settings_of(model, 2, size, 1.0, 4.0));
      run(pair, random, InputKind::values, 7);
      for (const double delay : {4.0, 8.0, 7.5, 2.0, 0.0, 3.0}) {
        pair.set_delay(delay, true);
        EXPECT_TRUE(pair.check_state()) << "delay " << delay;
        EXPECT_TRUE(query(pair, random, 5)) << "delay " << delay;
        run(pair, random, InputKind::values, 1);
        EXPECT_TRUE(pair.check_state()) << "delay " << delay;
      }
    });
  }
}

TEST_P(SynapseLawsTest, AKeptStepTimeChangeResamplesEveryHistory) {
  support::Random random(support::seed());
  for_each_class([&]<class T>(Model model) {
    for (const bool nearest : {false, true}) {
      for (const double dt : {0.5, 2.0, 0.7, 1.3, 3.0, 1.0, 6.0, 0.1}) {
        Settings settings = settings_of(model, 2, 33, 1.0, 6.0);
        settings.nearest = nearest;
        SynapsePair<T> pair(stream(), settings);
        run(pair, random, InputKind::values, 12);
        pair.set_step_time(dt, true);
        EXPECT_TRUE(pair.check_resampled()) << "dt " << dt << " nearest " << nearest;
        run(pair, random, InputKind::values, 2);
        EXPECT_TRUE(pair.check_state()) << "dt " << dt << " nearest " << nearest;
        std::vector<T> grid;
        const std::int64_t slots = pair.synapse().slots();
        for (std::int64_t i = 0; i < pair.size() * slots; ++i) {
          grid.push_back(static_cast<T>(dt * static_cast<double>(i % slots)));
        }
        EXPECT_TRUE(pair.check_query(grid, slots)) << "dt " << dt << " nearest " << nearest;
      }
    }
  });
}

TEST_P(SynapseLawsTest, AKeptStepTimeChangeFollowsTheClosedForm) {
  for (const Model model : {Model::single_exponential, Model::double_exponential, Model::alpha}) {
    for (const double dt : {0.25, 0.7, 1.5, 0.3}) {
      Settings settings = settings_of(model, 1, 1, 0.5, 12.0);
      SynapsePair<double> pair = after_one_spike(settings, 24);
      pair.synapse().set_step_time(stream(), dt, cusynapse::HistoryChange::keep);
      // 12 ms after the spike and on: what is in flight goes on as if nothing had happened.
      const auto step = [&] {
        const support::DeviceArray<double> silence(stream(), {0.0}, {1, 1});
        pair.synapse().step(stream(), silence.constant());
      };
      for (int t = 0; t < 10; ++t) {
        const double since_spike = 12.0 + t * dt;
        EXPECT_NEAR(pair.current()[0], response(settings, since_spike),
                    1e-13 * settings.spike_charge)
            << model_test::class_name(model) << " dt " << dt << " step " << t;
        for (double before_now = 0.0; before_now < 11.0; before_now += 0.3125) {
          EXPECT_NEAR(pair.current_at({before_now}, 0)[0],
                      response(settings, since_spike - before_now), 1e-13 * settings.spike_charge)
              << model_test::class_name(model) << " dt " << dt << " step " << t << " " << before_now
              << " ms before";
        }
        step();
      }
    }
  }
}

TEST_P(SynapseLawsTest, NoSpikeIsLostWhenTheHistoryIsKept) {
  for_each_class([&]<class T>(Model model) {
    for (const double dt : {0.3, 0.5, 0.7, 1.0, 1.6, 2.0, 4.9}) {
      constexpr std::int64_t slots = 11;
      // Synapse i has one spike, i steps ago.
      SynapsePair<T> pair(stream(), settings_of(model, 1, slots, 1.0, 10.0));
      for (std::int64_t t = slots - 1; t >= 0; --t) {
        std::vector<T> input(slots, T(0));
        input[static_cast<std::size_t>(t)] = T(1);
        pair.step(input, InputKind::bits);
      }
      pair.set_step_time(dt, true);
      const auto kept = support::observations<bool>(stream(), pair.synapse().spike_ring());
      for (std::int64_t i = 0; i < slots; ++i) {
        const auto nearest = std::llround(static_cast<double>(i) / dt);
        if (nearest >= pair.synapse().slots()) continue;
        int found = 0;
        for (std::size_t k = 0; k < kept.size(); ++k) {
          found += kept[k][static_cast<std::size_t>(i)];
          EXPECT_EQ(kept[k][static_cast<std::size_t>(i)],
                    k == static_cast<std::size_t>(nearest) ? 1 : 0)
              << "dt " << dt << ": spike " << i << " ms ago, slot " << k;
        }
        EXPECT_EQ(found, 1) << "dt " << dt << ": the spike " << i << " ms ago";
      }
    }
  });
}

TEST_P(SynapseLawsTest, TheSameStepTimeKeptChangesNothing) {
  support::Random random(support::seed());
  for_each_class([&]<class T>(Model model) {
    for (const double dt : {1.0, 0.1, 0.3, 0.7}) {
      SynapsePair<T> pair(stream(), settings_of(model, 2, 9, dt, 70.0 * dt));
      run(pair, random, InputKind::values, pair.synapse().slots() + 5);
      pair.set_step_time(dt, true);
      EXPECT_TRUE(pair.check_state()) << "dt " << dt;
    }
  });
}

TEST_P(SynapseLawsTest, ASeveralTimesLongerStepTimeKeptKeepsTheObservationsOnBothGrids) {
  support::Random random(support::seed());
  for_each_class([&]<class T>(Model model) {
    for (const double dt : {1.0, 0.1, 0.3, 0.7, 0.35, 0.15}) {
      for (const std::int64_t factor : {2, 3, 7}) {
        SynapsePair<T> pair(stream(), settings_of(model, 2, 9, dt, 90.0 * dt));
        run(pair, random, InputKind::values, pair.synapse().slots() + 5);
        const reference::Synapse<T> before = pair.expected();
        pair.set_step_time(dt * static_cast<double>(factor), true);
        for (int index = 0; index < before.trace_count(); ++index) {
          const auto kept = support::observations<T>(stream(), pair.synapse().trace_ring(index));
          for (std::int64_t k = 0; k * factor < before.slots(); ++k) {
            EXPECT_TRUE(support::matches(kept[static_cast<std::size_t>(k)],
                                         before.trace(index).back(k * factor + 1)))
                << "dt " << dt << " factor " << factor << " slot " << k << " trace " << index;
          }
        }
      }
    }
  });
}

TEST_P(SynapseLawsTest, AHalvedStepTimeKeptKeepsEveryObservation) {
  support::Random random(support::seed());
  for_each_class([&]<class T>(Model model) {
    for (const double dt : {1.0, 0.2, 0.6, 1.4, 0.7, 0.3}) {
      SynapsePair<T> pair(stream(), settings_of(model, 2, 9, dt, 60.0 * dt));
      run(pair, random, InputKind::values, pair.synapse().slots() + 5);
      const reference::Synapse<T> before = pair.expected();
      pair.set_step_time(dt / 2.0, true);
      for (int index = 0; index < before.trace_count(); ++index) {
        const auto kept = support::observations<T>(stream(), pair.synapse().trace_ring(index));
        for (std::int64_t k = 0; 2 * k < pair.synapse().slots() && k < before.slots(); ++k) {
          EXPECT_TRUE(support::matches(kept[static_cast<std::size_t>(2 * k)],
                                       before.trace(index).back(k + 1)))
              << "dt " << dt << " slot " << 2 * k << " trace " << index;
        }
      }
      EXPECT_TRUE(pair.check_resampled()) << "dt " << dt;
    }
  });
}

TEST_P(SynapseLawsTest, ANewTimeConstantChangesStepAndInterpolationTogether) {
  support::Random random(support::seed());
  SynapsePair<float> pair(stream(), settings_of(Model::single_exponential, 2, 33, 1.0, 4.0));
  run(pair, random, InputKind::values, 7);
  for (const double tau : {2.0, 17.5, 0.3}) {
    const auto before = pair.synapse().version();
    pair.set_time_constant(tau);
    EXPECT_GT(pair.synapse().version(), before);
    EXPECT_TRUE(pair.check_state()) << "the history must stay";
    EXPECT_TRUE(query(pair, random, 5));
    run(pair, random, InputKind::values, 2);
    EXPECT_TRUE(pair.check_state());
    EXPECT_TRUE(query(pair, random, 5));
    pair.set_step_time(pair.settings().step_time * 0.8, false);
    run(pair, random, InputKind::values, 3);
    EXPECT_TRUE(pair.check_state()) << "the new constant must outlive a change of dt";
  }
}

template <class T>
class GroupPair {
 public:
  GroupPair(const cusynapse::Stream& stream, const std::vector<Settings>& settings)
      : stream_(stream), group_(stream, members(stream, settings)) {
    for (std::size_t i = 0; i < settings.size(); ++i) {
      pairs_.emplace_back(stream, settings[i], group_[i]);
    }
  }

  cusynapse::SynapseGroup<T>& group() { return group_; }
  SynapsePair<T>& operator[](std::size_t i) { return pairs_[i]; }
  std::size_t size() const { return pairs_.size(); }

  /// One step of the group; what lies between two frames is NaN, or ones, and must not matter.
  void step(support::Random& random, InputKind kind) {
    const auto total = static_cast<std::size_t>(group_.input_size());
    std::vector<T> input(total,
                         kind == InputKind::values ? std::numeric_limits<T>::quiet_NaN() : T(1));
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      const auto frame = model_test::random_inputs<T>(random, kind, pairs_[i].size());
      const auto offset = static_cast<std::size_t>(group_.input_offset(i));
      for (std::size_t e = 0; e < frame.size(); ++e) input[offset + e] = frame[e];
      pairs_[i].expected().step(frame);
    }
    model_test::DeviceInput<T> array(stream_, kind, input, {group_.input_size()});
    group_.step(stream_, array.input());
    stream_.synchronize();
  }

  testing::AssertionResult check_state() {
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      const auto result = pairs_[i].check_state();
      if (!result) return testing::AssertionFailure() << "member " << i << ": " << result.message();
    }
    return testing::AssertionSuccess();
  }

 private:
  static std::vector<std::unique_ptr<cusynapse::CurrentSynapse<T>>> members(
      const cusynapse::Stream& stream, const std::vector<Settings>& settings) {
    std::vector<std::unique_ptr<cusynapse::CurrentSynapse<T>>> out;
    for (const Settings& one : settings) {
      out.push_back(model_test::make_synapse<T>(stream, one));
    }
    return out;
  }

  cusynapse::Stream stream_;
  cusynapse::SynapseGroup<T> group_;
  std::vector<SynapsePair<T>> pairs_;
};

std::vector<Settings> mixed_members(support::Random& random, std::size_t count) {
  std::vector<Settings> out;
  for (std::size_t i = 0; i < count; ++i) {
    const double dt = random.one_of<double>({1.0, 0.5, 0.1});
    out.push_back(settings_of(random.one_of(model_test::models()), random.integer(1, 3),
                              random.one_of(support::awkward_sizes()), dt,
                              dt * static_cast<double>(random.integer(0, 5))));
  }
  return out;
}

template <class T>
void group_steps_equal_member_steps(const cusynapse::Stream& stream) {
  support::Random random(support::seed());
  for (const std::size_t count : {1u, 2u, 5u, 40u}) {
    GroupPair<T> group(stream, mixed_members(random, count));
    EXPECT_EQ(group.group().size(), count);
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_EQ(group.group().input_offset(i) % 32, 0);
      EXPECT_LE(group.group().input_offset(i) + group[i].size(), group.group().input_size());
    }
    for (int t = 0; t < 9; ++t) {
      const InputKind kind = random.one_of(model_test::input_kinds());
      group.step(random, kind);
      EXPECT_TRUE(group.check_state()) << "step " << t << " of " << count << " members";
      run(group[count / 2], random, kind, 1);
      EXPECT_TRUE(query(group[count / 2], random, 2));
    }
    EXPECT_TRUE(group.check_state());
  }
}

TEST_P(SynapseLawsTest, AGroupStepEqualsSteppingEachMember) {
  group_steps_equal_member_steps<float>(stream());
  group_steps_equal_member_steps<double>(stream());
}

TEST_P(SynapseLawsTest, AGroupWithAChangedMemberIsRefusedUntilRefreshed) {
  support::Random random(support::seed());
  const auto stale = [&](GroupPair<float>& group) {
    const support::DeviceArray<float> input(stream(), {group.group().input_size()}, 1.0f);
    try {
      group.group().step(stream(), input.constant());
    } catch (const cusynapse::Error& error) {
      return error.code() == cusynapse::Errc::invalid_argument;
    }
    return false;
  };
  std::vector<Settings> settings = mixed_members(random, 3);
  settings[1] = settings_of(Model::single_exponential, 2, 33, 1.0, 3.0);
  GroupPair<float> group(stream(), settings);
  group.step(random, InputKind::values);
  for (int change = 0; change < 4; ++change) {
    SCOPED_TRACE(change);
    if (change == 0) group[1].set_batch_size(4);
    if (change == 1) group[1].set_step_time(0.5, true);
    if (change == 2) group[1].set_delay(5.0, true);
    if (change == 3) group[1].set_time_constant(9.0);
    EXPECT_TRUE(stale(group));
    EXPECT_TRUE(stale(group)) << "a refusal is no refresh";
    EXPECT_TRUE(change == 1 ? group[1].check_resampled() : group.check_state());
    group.group().refresh(stream());
    group.step(random, InputKind::values);
    EXPECT_TRUE(group.check_state());
  }
}

TEST_P(SynapseLawsTest, AMovedGroupGoesOn) {
  support::Random random(support::seed());
  GroupPair<float> group(stream(), mixed_members(random, 4));
  group.step(random, InputKind::values);
  cusynapse::SynapseGroup<float> elsewhere = std::move(group.group());
  group.group() = std::move(elsewhere);
  group.step(random, InputKind::bits);
  EXPECT_TRUE(group.check_state());
  cusynapse::SynapseGroup<float>& itself = group.group();
  group.group() = std::move(itself);
  ASSERT_EQ(group.group().size(), 4U);
  group.step(random, InputKind::bytes);
  EXPECT_TRUE(group.check_state());
}

TEST_P(SynapseLawsTest, TheReadoutSelectsWhatCurrentAtAndSpikeAtGive) {
  support::Random random(support::seed());
  for_each_class([&]<class T>(Model model) {
    SynapsePair<T> pair(stream(), settings_of(model, 2, 33, 1.0, 4.0));
    run(pair, random, InputKind::values, 7);
    const std::int64_t size = pair.size();
    const auto selector = model_test::random_selectors<T>(random, pair.settings(), size, true);
    const cusynapse::Buffer<T> delays(stream(), selector.data(), size);
    cusynapse::Buffer<T> currents(GetParam(), size);
    cusynapse::Buffer<std::uint8_t> spikes(GetParam(), size);
    cusynapse::SynapseReadout<T> readout = pair.synapse().readout();
    readout.spike.selector = delays.data();
    if (readout.current.trace_count > 0) {
      readout.current.selector = delays.data();
      readout.current.out = currents.data();
      cusynapse::ops::delayed_select(stream(), readout.current);
    } else {
      cusynapse::SpikeSelect<T> current = readout.spike;
      current.has_overbound = readout.current.has_overbound;
      current.overbound = readout.current.overbound;
      current.values = currents.data();
      cusynapse::ops::spike_select(stream(), current);
    }
    readout.spike.bytes = spikes.data();
    cusynapse::ops::spike_select(stream(), readout.spike);

    std::vector<T> got_currents(selector.size());
    currents.copy_to_host(stream(), got_currents.data());
    EXPECT_TRUE(support::matches(got_currents, pair.current_at(selector, 0)));
    std::vector<std::uint8_t> got_spikes(selector.size());
    spikes.copy_to_host(stream(), got_spikes.data());
    EXPECT_TRUE(support::matches(got_spikes, pair.spike_at(selector, 0)));
  });
}

TEST_P(SynapseLawsTest, EveryChangeOfStorageIncreasesTheVersion) {
  for_each_class([&]<class T>(Model model) {
    SynapsePair<T> pair(stream(), settings_of(model, 2, 5, 1.0, 3.0));
    std::uint64_t version = pair.synapse().version();
    const auto increased = [&] {
      const std::uint64_t before = std::exchange(version, pair.synapse().version());
      return version > before;
    };
    pair.set_batch_size(3);
    EXPECT_TRUE(increased());
    pair.set_delay(6.0, true);
    EXPECT_TRUE(increased());
    pair.set_delay(2.0, false);
    EXPECT_TRUE(increased());
    pair.set_step_time(0.5, true);
    EXPECT_TRUE(increased());
    pair.set_step_time(1.0, false);
    EXPECT_TRUE(increased());
    pair.set_batch_size(3);
    EXPECT_FALSE(increased()) << "the same batch size moves nothing";
  });
}

TEST_P(SynapseLawsTest, AGroupWithoutMembersOrWithoutOneOfThemIsRefused) {
  for (const std::size_t missing : {std::size_t{0}, std::size_t{1}}) {
    std::vector<std::unique_ptr<cusynapse::CurrentSynapse<float>>> members(missing);
    EXPECT_THROW(cusynapse::SynapseGroup<float>(stream(), std::move(members)), cusynapse::Error);
  }
}

}  // namespace
