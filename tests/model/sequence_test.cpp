// Random sequences of operations on synapses, groups and histories against the oracle.
//
// CUSYNAPSE_TEST_SEED chooses the sequences and CUSYNAPSE_TEST_SEQUENCES how many there are. A
// sequence that fails is shrunk, by leaving out operations while it still fails, and printed.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "cusynapse/cusynapse.hpp"
#include "model/history_pair.hpp"
#include "model/random_sequence.hpp"
#include "model/synapse_pair.hpp"
#include "support/devices.hpp"
#include "support/random.hpp"

namespace {

using model_test::HistoryPair;
using model_test::InputKind;
using model_test::Operations;
using model_test::Outcome;
using model_test::random_delay;
using model_test::random_settings;
using model_test::random_step_time;
using model_test::run_on;
using model_test::run_sequences;
using model_test::shrink;
using model_test::SynapsePair;
using reference::Model;
using reference::Settings;
using reference::Storage;

std::uint64_t sequence_count() {
  return support::environment_number("CUSYNAPSE_TEST_SEQUENCES", 10000);
}

/// One to three synapses, alone or as a group, with their oracles.
template <class T>
class Population {
 public:
  Population(const cusynapse::Stream& stream, const std::vector<Settings>& settings, bool grouped)
      : stream_(stream) {
    if (grouped) {
      std::vector<std::unique_ptr<cusynapse::CurrentSynapse<T>>> members;
      for (const Settings& one : settings) {
        members.push_back(model_test::make_synapse<T>(stream, one));
      }
      group_.emplace(stream, std::move(members));
    }
    for (std::size_t i = 0; i < settings.size(); ++i) {
      if (grouped) pairs_.emplace_back(stream, settings[i], (*group_)[i]);
      if (!grouped) pairs_.emplace_back(stream, settings[i]);
    }
  }

  /// Does one random operation and checks what comes of it.
  testing::AssertionResult operate(std::uint64_t seed, std::string& log) {
    support::Random random(seed);
    const auto member =
        static_cast<std::size_t>(random.integer(0, static_cast<std::int64_t>(pairs_.size()) - 1));
    SynapsePair<T>& pair = pairs_[member];
    std::ostringstream text;
    text.precision(17);
    text << model_test::class_name(pair.settings().model) << " " << member << ": ";
    const auto result = operate(random, pair, text);
    log = text.str();
    return result;
  }

 private:
  testing::AssertionResult operate(support::Random& random, SynapsePair<T>& pair,
                                   std::ostream& text) {
    const InputKind kind = random.one_of(model_test::input_kinds());
    switch (random.integer(0, 19)) {
      case 0:
        text << "clear";
        pair.clear();
        return pair.check_state();
      case 1: {
        const std::int64_t batch_size = random.integer(1, 4);
        text << "set_batch_size " << batch_size;
        if (batch_size != pair.settings().batch_size) stale_ = true;
        pair.set_batch_size(batch_size);
        return pair.check_state();
      }
      case 2:
      case 3: {
        const double step_time =
            random.chance(0.1) ? pair.settings().step_time : random_step_time(random);
        const bool keep = random.chance(0.6);
        text << "set_step_time " << step_time << (keep ? " keep" : " clear");
        stale_ = true;
        pair.set_step_time(step_time, keep);
        return pair.check_resampled();
      }
      case 4:
      case 5: {
        const double delay = random.chance(0.1) ? pair.settings().delay
                                                : random_delay(random, pair.settings().step_time);
        const bool keep = random.chance(0.6);
        text << "set_delay " << delay << (keep ? " keep" : " clear");
        stale_ = true;
        pair.set_delay(delay, keep);
        return pair.check_state();
      }
      case 6: {
        const auto spikes = random.flags(pair.size(), 0.5);
        text << "set_spike";
        pair.set_spike(spikes);
        return pair.check_state();
      }
      case 7: {
        const auto values = random.values<T>(pair.size(), -2.0, 2.0);
        const Model model = pair.settings().model;
        if (model == Model::delta || model == Model::alpha) break;
        const int index =
            model == Model::double_exponential ? static_cast<int>(random.integer(0, 1)) : 0;
        text << "overwrite trace " << index;
        pair.set_trace(index, values);
        return pair.check_state();
      }
      case 8: {
        if (pair.settings().model != Model::single_exponential) break;
        const double time_constant = random.between(0.5, 20.0);
        text << "set_time_constant " << time_constant;
        stale_ = true;
        pair.set_time_constant(time_constant);
        return pair.check_state();
      }
      case 9:
      case 10: {
        const std::int64_t steps = random.integer(1, 2 * pair.synapse().slots() + 1);
        text << "step_sequence of " << steps << ", kind " << static_cast<int>(kind);
        pair.step_sequence(model_test::random_inputs<T>(random, kind, steps * pair.size()), kind,
                           steps);
        return pair.check_state();
      }
      case 11:
      case 12:
      case 13:
      case 14: {
        const std::int64_t samples = random.one_of<std::int64_t>({0, 1, 2, 3, 5, 8});
        const std::int64_t count = pair.size() * (samples == 0 ? 1 : samples);
        text << "query of D " << samples;
        return pair.check_query(
            model_test::random_selectors<T>(random, pair.settings(), count, random.chance(0.3)),
            samples);
      }
      case 15:
      case 16:
        if (group_) return step_group(random, kind, text);
        break;
      default:
        break;
    }
    std::vector<std::vector<T>> injected;
    if (pair.settings().model == Model::delta_plus) {
      const std::int64_t count = random.integer(0, 3);
      for (std::int64_t i = 0; i < count; ++i) {
        injected.push_back(random.values<T>(pair.size(), -1.0, 1.0));
      }
    }
    text << "step, kind " << static_cast<int>(kind) << ", " << injected.size() << " injected";
    pair.step(model_test::random_inputs<T>(random, kind, pair.size()), kind, injected);
    return pair.check_state();
  }

  testing::AssertionResult step_group(support::Random& random, InputKind kind, std::ostream& text) {
    text << "group step, kind " << static_cast<int>(kind);
    if (stale_) {
      text << ", refused and refreshed";
      const support::DeviceArray<T> input(stream_, {group_->input_size()}, T(1));
      bool refused = false;
      try {
        group_->step(stream_, input.constant());
      } catch (const cusynapse::Error&) {
        refused = true;
      }
      if (!refused) return testing::AssertionFailure() << "a stale group stepped";
      group_->refresh(stream_);
      stale_ = false;
    }
    std::vector<T> input(static_cast<std::size_t>(group_->input_size()), T(1));
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      const auto frame = model_test::random_inputs<T>(random, kind, pairs_[i].size());
      const auto offset = static_cast<std::size_t>(group_->input_offset(i));
      for (std::size_t e = 0; e < frame.size(); ++e) input[offset + e] = frame[e];
      pairs_[i].expected().step(frame);
    }
    model_test::DeviceInput<T> array(stream_, kind, input, {group_->input_size()});
    group_->step(stream_, array.input());
    stream_.synchronize();
    for (SynapsePair<T>& pair : pairs_) {
      const auto result = pair.check_state();
      if (!result) return result;
    }
    return testing::AssertionSuccess();
  }

  cusynapse::Stream stream_;
  std::optional<cusynapse::SynapseGroup<T>> group_;
  std::vector<SynapsePair<T>> pairs_;
  bool stale_ = false;
};

// `storages`: what traces may be stored as; members of a group differ.
template <class T>
void synapse_sequences(const cusynapse::Stream& stream, std::uint64_t count,
                       const std::vector<Storage>& storages = {Storage::same}) {
  run_sequences(
      [&](std::uint64_t seed) {
        support::Random random(seed);
        const bool grouped = random.chance(0.4);
        std::vector<Settings> settings;
        const std::int64_t members = grouped ? random.integer(1, 3) : 1;
        for (std::int64_t i = 0; i < members; ++i) {
          settings.push_back(random_settings(random));
          if (storages.size() > 1) settings.back().storage = random.one_of(storages);
        }
        std::string description = grouped ? "a group of" : "";
        for (const Settings& one : settings) description += "\n  " + model_test::describe(one);
        const auto run = [=](const Operations& operations) {
          Population<T> population(stream, settings, grouped);
          return run_on(population, operations);
        };
        return std::pair(run, description);
      },
      count);
}

/// A history with its oracle.
template <class T>
class RandomHistory {
 public:
  RandomHistory(const cusynapse::Stream& stream, const cusynapse::HistoryOptions& options)
      : pair_(stream, options) {}

  testing::AssertionResult operate(std::uint64_t seed, std::string& log) {
    support::Random random(seed);
    std::ostringstream text;
    text.precision(17);
    const auto result = operate(random, text);
    log = text.str();
    return result;
  }

 private:
  using Value = typename HistoryPair<T>::Value;

  testing::AssertionResult operate(support::Random& random, std::ostream& text) {
    const std::int64_t steps_back = random.integer(-3, 2 * pair_.slots());
    const std::int64_t length = random.integer(1, pair_.slots());
    const bool forward = random.chance(0.5);
    switch (random.integer(0, 19)) {
      case 0:
        text << "pop";
        return also(pair_.check_pop());
      case 1:
        text << "peek";
        return pair_.check_peek();
      case 2: {
        const std::int64_t steps = random.integer(-9, 9);
        text << "move by " << steps;
        pair_.move(steps);
        return pair_.check_state();
      }
      case 3:
        text << "read " << steps_back;
        return pair_.check_read(steps_back);
      case 4: {
        const auto observation = pair_.random_observation(random);
        text << "write " << steps_back;
        pair_.write(observation, steps_back);
        return pair_.check_state();
      }
      case 5:
        text << "read_range of " << length << " from " << steps_back
             << (forward ? " forward" : " backward");
        return pair_.check_read_range(length, steps_back, forward);
      case 6: {
        const auto observations = pair_.random_range(random, length);
        text << "write_range of " << length << " from " << steps_back
             << (forward ? " forward" : " backward");
        pair_.write_range(observations, length, steps_back, forward);
        return pair_.check_state();
      }
      case 7: {
        const auto index = static_cast<std::int32_t>(random.integer(0, pair_.slots() - 1));
        text << "align at " << index;
        pair_.align(index);
        return pair_.check_state();
      }
      case 8: {
        const auto fill = static_cast<Value>(random.integer(0, 1));
        text << "reset to " << static_cast<int>(fill);
        pair_.reset(fill);
        return pair_.check_state();
      }
      case 9:
      case 10:
        return select(random, text);
      case 11:
      case 12:
        return insert(random, text);
      case 13: {
        const std::int64_t batch_size = random.integer(1, 4);
        text << "set_batch_size " << batch_size;
        pair_.set_batch_size(batch_size);
        return pair_.check_state();
      }
      case 14: {
        const double duration = random_delay(random, pair_.history().step_time());
        text << "set_duration " << duration;
        pair_.set_duration(duration);
        return pair_.check_state();
      }
      case 15: {
        const double step_time = random_step_time(random);
        text << "set_step_time " << step_time;
        pair_.set_step_time(step_time);
        return pair_.check_state();
      }
      case 16:
        text << "set_inclusive " << forward;
        pair_.set_inclusive(forward);
        return pair_.check_state();
      default: {
        const auto observation = pair_.random_observation(random);
        text << "push";
        pair_.push(observation);
        return pair_.check_state();
      }
    }
  }

  testing::AssertionResult also(const testing::AssertionResult& first) {
    return first ? pair_.check_state() : first;
  }

  testing::AssertionResult select(support::Random& random, std::ostream& text) {
    const double dt = pair_.history().step_time();
    cusynapse::SelectOptions options;
    options.interpolation = random.one_of(model_test::interpolations<T>());
    options.constant = random.between(0.5, 10.0);
    options.tolerance = random.one_of<double>({0.0, 1e-6, 0.25, 0.5}) * dt;
    options.offset = random.chance(0.6) ? 1 : random.integer(-3, 9);
    const std::int64_t samples = random.one_of<std::int64_t>({0, 1, 2, 5});
    const std::int64_t count = pair_.size() * (samples == 0 ? 1 : samples);
    const bool wild = random.chance(0.4);
    text << (wild ? "select_unchecked" : "select") << " rule "
         << static_cast<int>(options.interpolation) << " tolerance " << options.tolerance
         << " offset " << options.offset << " D " << samples;
    if (wild) {
      return pair_.check_select(pair_.random_wild_times(random, count), samples, options, false);
    }
    if (random.chance(0.2)) {
      return pair_.check_select(pair_.random_times(random, 1, options.tolerance)[0], options);
    }
    return pair_.check_select(pair_.random_times(random, count, options.tolerance), samples,
                              options, true);
  }

  testing::AssertionResult insert(support::Random& random, std::ostream& text) {
    const double dt = pair_.history().step_time();
    cusynapse::InsertOptions options;
    options.extrapolation = random.one_of(model_test::extrapolations<T>());
    options.constant = random.between(0.5, 10.0);
    options.tolerance = random.one_of<double>({0.0, 1e-6, 0.25, 0.5}) * dt;
    options.offset = random.chance(0.6) ? 0 : random.integer(-3, 9);
    if (random.chance(0.3)) options.adjust_scale = random.between(-1.0, 1.0);
    if (random.chance(0.3)) options.adjust_shift = random.between(-1.0, 1.0);
    const auto observation = pair_.random_observation(random);
    // A single slot is both neighbours of a time off the grid; which one it becomes is not
    // promised.
    const bool wild = random.chance(0.3) && pair_.slots() > 1;
    text << (wild ? "insert_unchecked" : "insert") << " rule "
         << static_cast<int>(options.extrapolation) << " tolerance " << options.tolerance
         << " offset " << options.offset;
    if (wild) {
      return pair_.check_insert(observation, pair_.random_wild_times(random, pair_.size()), options,
                                false);
    }
    if (random.chance(0.2)) {
      return pair_.check_insert(observation, pair_.random_times(random, 1, options.tolerance)[0],
                                options);
    }
    return pair_.check_insert(
        observation, pair_.random_times(random, pair_.size(), options.tolerance), options, true);
  }

  HistoryPair<T> pair_;
};

template <class T>
void history_sequences(const cusynapse::Stream& stream, std::uint64_t count) {
  run_sequences(
      [&](std::uint64_t seed) {
        support::Random random(seed);
        cusynapse::HistoryOptions options;
        options.shape = {random.one_of<std::int64_t>({1, 2, 3, 7, 8, 9, 31, 32, 33, 40})};
        options.batch_size = random.integer(1, 3);
        options.step_time = random_step_time(random);
        options.duration = random_delay(random, options.step_time);
        options.inclusive = random.chance(0.5);
        const auto run = [=](const Operations& operations) {
          RandomHistory<T> history(stream, options);
          return run_on(history, operations);
        };
        return std::pair(run, "a history of " + model_test::describe(options));
      },
      count);
}

class SequenceTest : public support::DeviceTest {};
INSTANTIATE_TEST_SUITE_P(Devices, SequenceTest, testing::ValuesIn(support::devices()),
                         support::device_name);

TEST_P(SequenceTest, SynapsesOfFloatFollowTheOracle) {
  synapse_sequences<float>(stream(), sequence_count());
}
TEST_P(SequenceTest, SynapsesStoredIn16BitsFollowTheOracle) {
  synapse_sequences<float>(
      stream(), sequence_count() / 2,
      {Storage::float16, Storage::bfloat16, Storage::same, Storage::float16, Storage::bfloat16});
}
TEST_P(SequenceTest, SynapsesOfDoubleFollowTheOracle) {
  synapse_sequences<double>(stream(), sequence_count() / 2);
}
TEST_P(SequenceTest, HistoriesOfFloatFollowTheOracle) {
  history_sequences<float>(stream(), sequence_count() / 2);
}
TEST_P(SequenceTest, HistoriesOfDoubleFollowTheOracle) {
  history_sequences<double>(stream(), sequence_count() / 4);
}
TEST_P(SequenceTest, HistoriesOf16BitsFollowTheOracle) {
  history_sequences<cusynapse::float16>(stream(), sequence_count() / 4);
  history_sequences<cusynapse::bfloat16>(stream(), sequence_count() / 4);
}
TEST_P(SequenceTest, HistoriesOfFlagsFollowTheOracle) {
  history_sequences<bool>(stream(), sequence_count() / 4);
}

TEST_P(SequenceTest, AFailingSequenceIsShrunkToTheOperationsThatMatter) {
  // Fails where 7 comes anywhere before 3.
  const auto run = [](const Operations& operations) {
    Outcome outcome;
    bool seven = false;
    for (const std::uint64_t operation : operations) {
      seven = seven || operation == 7;
      if (operation == 3 && seven) outcome.failure = "3 after 7";
    }
    return outcome;
  };
  EXPECT_EQ(shrink({1, 7, 2, 5, 7, 9, 4, 3, 8, 3, 6}, run), (Operations{7, 3}));
}

}  // namespace
