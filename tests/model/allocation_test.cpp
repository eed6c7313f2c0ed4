// What allocates nothing, counted; and what allocates, with every single allocation made to fail.
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "cusynapse/cusynapse.hpp"
#include "model/history_pair.hpp"
#include "model/synapse_pair.hpp"
#include "support/allocation.hpp"
#include "support/devices.hpp"
#include "support/failing_calls.hpp"
#include "support/random.hpp"

namespace {

using cusynapse::HistoryChange;
using model_test::HistoryPair;
using model_test::InputKind;
using model_test::SynapsePair;
using reference::Model;
using reference::Settings;
using reference::Storage;
using support::allocations;
using support::fail_every_allocation;

/// What traces of T are stored as here.
template <class T>
std::vector<Storage> storages() {
  if (!std::is_same_v<T, float>) return {Storage::same};
  return {Storage::same, Storage::float16};
}

Settings settings_of(Model model, std::int64_t size = 33, Storage storage = Storage::same) {
  Settings settings;
  settings.storage = storage;
  settings.model = model;
  settings.batch_size = 2;
  settings.sample_size = size;
  settings.delay = 3.0;
  return settings;
}

cusynapse::HistoryOptions history_options(std::int64_t size = 33) {
  cusynapse::HistoryOptions options;
  options.shape = {size};
  options.batch_size = 2;
  options.duration = 4.0;
  options.inclusive = true;
  return options;
}

template <class T>
void run(SynapsePair<T>& pair, support::Random& random, std::int64_t steps) {
  for (std::int64_t t = 0; t < steps; ++t) {
    pair.step(model_test::random_inputs<T>(random, InputKind::values, pair.size()),
              InputKind::values);
  }
}

/// Calls `test.template operator()<T>(model)` for both types and all five classes.
template <class Test>
void for_each_class(const Test& test) {
  for (const Model model : model_test::models()) {
    SCOPED_TRACE(model_test::class_name(model));
    test.template operator()<float>(model);
    test.template operator()<double>(model);
  }
}

template <class Test>
void for_each_type(const Test& test) {
  test.template operator()<float>();
  test.template operator()<double>();
  test.template operator()<cusynapse::float16>();
  test.template operator()<cusynapse::bfloat16>();
  test.template operator()<bool>();
}

class AllocationTest : public support::DeviceTest {
 protected:
  /// Whether any allocation was made to fail: without one a test has shown nothing. On a GPU there
  /// may be none, since its memory does not come from operator new.
  bool tried(int failures) const { return failures > 0 || GetParam() != cusynapse::Device::cpu(); }
};
INSTANTIATE_TEST_SUITE_P(Devices, AllocationTest, testing::ValuesIn(support::devices()),
                         support::device_name);

TEST_P(AllocationTest, TheCounterAndTheFailuresWork) {
  // Calls of operator new, unlike new expressions, may not be optimised away.
  constexpr std::align_val_t wide{256};
  EXPECT_EQ(allocations([] { ::operator delete(::operator new(4)); }), 1);
  EXPECT_EQ(allocations([] { ::operator delete[](::operator new[](9)); }), 1);
  EXPECT_EQ(allocations([] { ::operator delete(::operator new(300, wide), wide); }), 1);
  const support::FailingAllocation failing(2);
  ::operator delete(::operator new(1));
  EXPECT_FALSE(failing.happened());
  EXPECT_THROW(::operator delete(::operator new(1)), std::bad_alloc);
  EXPECT_TRUE(failing.happened());
  ::operator delete(::operator new(1));
}

TEST_P(AllocationTest, StepsAndQueriesOfSynapsesAllocateNothing) {
  support::Random random(support::seed());
  for (const std::int64_t size : {33, 40000}) {
    for_each_class([&]<class T>(Model model) {
      for (const Storage storage : storages<T>()) {
        SynapsePair<T> pair(stream(), settings_of(model, size, storage));
        auto& synapse = pair.synapse();
        const cusynapse::Shape shape = pair.batched_shape();
        const auto inputs = model_test::random_inputs<T>(random, InputKind::bits, 6 * pair.size());
        const std::vector<T> frame(inputs.begin(), inputs.begin() + pair.size());
        const support::DeviceArray<T> selector(stream(), shape.appended(2), T(1.3));
        support::DeviceArray<T> currents(stream(), shape.appended(2), T(0));
        support::DeviceArray<std::uint8_t> spikes(stream(), shape.appended(2), 0);
        support::DeviceArray<T> current(stream(), shape, T(0));
        support::DeviceArray<std::uint8_t> spike(stream(), shape, 0);
        for (const InputKind kind : model_test::input_kinds()) {
          SCOPED_TRACE(static_cast<int>(kind));
          model_test::DeviceInput<T> one(stream(), kind, frame, shape);
          model_test::DeviceInput<T> sequence(stream(), kind, inputs, shape.prepended(6), 6);
          EXPECT_EQ(allocations([&] { synapse.step(stream(), one.input()); }), 0);
          EXPECT_EQ(allocations([&] { synapse.step_sequence(stream(), sequence.input()); }), 0);
          if (model == Model::delta_plus) {
            EXPECT_EQ(
                allocations([&] {
                  synapse.step(stream(), one.input(), {current.constant(), current.constant()});
                }),
                0);
          }
        }
        EXPECT_EQ(allocations([&] { synapse.current(stream(), current.view()); }), 0);
        EXPECT_EQ(allocations([&] { synapse.spike(stream(), spike.view()); }), 0);
        EXPECT_EQ(allocations(
                      [&] { synapse.current_at(stream(), selector.constant(), currents.view()); }),
                  0);
        EXPECT_EQ(
            allocations([&] { synapse.spike_at(stream(), selector.constant(), spikes.view()); }),
            0);
        EXPECT_EQ(allocations([&] { synapse.set_spike(stream(), spike.constant()); }), 0);
        EXPECT_EQ(allocations([&] { synapse.clear(stream()); }), 0);
        if (model == Model::double_exponential) {
          auto& parts = static_cast<cusynapse::DoubleExponentialCurrent<T>&>(synapse);
          EXPECT_EQ(allocations([&] {
                      parts.pos_current(stream(), current.view());
                      parts.set_neg_current(stream(), current.constant());
                      parts.pos_current_at(stream(), selector.constant(), currents.view());
                      parts.neg_current_at(stream(), selector.constant(), currents.view());
                    }),
                    0);
        }
      }
    });
  }
}

TEST_P(AllocationTest, AGroupStepAllocatesNothing) {
  std::vector<std::unique_ptr<cusynapse::CurrentSynapse<float>>> members;
  for (const Model model : model_test::models()) {
    members.push_back(model_test::make_synapse<float>(stream(), settings_of(model, 2000)));
  }
  cusynapse::SynapseGroup<float> group(stream(), std::move(members));
  for (const InputKind kind : model_test::input_kinds()) {
    const std::vector<float> ones(static_cast<std::size_t>(group.input_size()), 1.0f);
    model_test::DeviceInput<float> input(stream(), kind, ones, {group.input_size()});
    EXPECT_EQ(allocations([&] { group.step(stream(), input.input()); }), 0);
  }
}

TEST_P(AllocationTest, HistoriesAreWrittenAndReadWithoutAllocating) {
  for (const std::int64_t size : {33, 40000}) {
    for_each_type([&]<class T>() {
      using Value = typename HistoryPair<T>::Value;
      using Time = typename HistoryPair<T>::Time;
      cusynapse::History<T> history(stream(), history_options(size));
      support::DeviceArray<Value> frame(stream(), {2, size}, Value(1));
      support::DeviceArray<Value> frames(stream(), {2, size, 3}, Value(1));
      const support::DeviceArray<Time> times(stream(), {2, size}, Time(1.3));
      EXPECT_EQ(allocations([&] { history.push(stream(), frame.constant()); }), 0);
      EXPECT_EQ(allocations([&] { history.peek(stream(), frame.view()); }), 0);
      EXPECT_EQ(allocations([&] { history.pop(stream(), frame.view()); }), 0);
      EXPECT_EQ(allocations([&] { history.increment(stream(), 3); }), 0);
      EXPECT_EQ(allocations([&] { history.decrement(stream(), 2); }), 0);
      EXPECT_EQ(allocations([&] { history.read(stream(), frame.view(), 2); }), 0);
      EXPECT_EQ(allocations([&] { history.write(stream(), frame.constant(), 2); }), 0);
      EXPECT_EQ(allocations([&] { history.read_range(stream(), frames.view()); }), 0);
      EXPECT_EQ(allocations([&] { history.write_range(stream(), frames.constant()); }), 0);
      EXPECT_EQ(
          allocations([&] { history.select_unchecked(stream(), times.constant(), frame.view()); }),
          0);
      EXPECT_EQ(allocations([&] { history.select(stream(), 1.3, frame.view()); }), 0);
      EXPECT_EQ(allocations([&] {
                  history.insert_unchecked(stream(), frame.constant(), times.constant());
                }),
                0);
      EXPECT_EQ(allocations([&] { history.insert(stream(), frame.constant(), 1.3); }), 0);
      EXPECT_EQ(allocations([&] { history.reset(stream(), Value(0)); }), 0);
    });
  }
}

TEST_P(AllocationTest, AFailedConstructionOfASynapseIsReported) {
  for_each_class([&]<class T>(Model model) {
    const Settings settings = settings_of(model);
    std::unique_ptr<cusynapse::CurrentSynapse<T>> made;
    const int failures = fail_every_allocation(
        [] {}, [&] { made = model_test::make_synapse<T>(stream(), settings); },
        [&] {
          return made == nullptr ? testing::AssertionSuccess() : testing::AssertionFailure();
        });
    EXPECT_TRUE(tried(failures));
    EXPECT_NE(made, nullptr);
  });
}

TEST_P(AllocationTest, AFailedChangeOfASynapseLeavesItAsItWas) {
  support::Random random(support::seed());
  for_each_class([&]<class T>(Model model) {
    for (const Storage storage : storages<T>()) {
      for (const bool keep : {false, true}) {
        const HistoryChange history = keep ? HistoryChange::keep : HistoryChange::clear;
        SCOPED_TRACE(keep ? "keep" : "clear");
        SynapsePair<T> pair(stream(), settings_of(model, 33, storage));
        run(pair, random, 6);
        auto& synapse = pair.synapse();
        std::uint64_t version = synapse.version();
        const auto unchanged = [&] {
          if (synapse.version() != version) {
            return testing::AssertionFailure() << "the version changed";
          }
          return pair.check_state();
        };
        EXPECT_TRUE(tried(
            fail_every_allocation([] {}, [&] { synapse.set_batch_size(stream(), 4); }, unchanged)))
            << "set_batch_size";
        pair.expected().set_batch_size(4);
        EXPECT_TRUE(pair.check_state());
        run(pair, random, 2);
        version = synapse.version();
        EXPECT_TRUE(tried(fail_every_allocation(
            [] {}, [&] { synapse.set_delay(stream(), 6.0, history); }, unchanged)))
            << "set_delay";
        pair.set_delay(6.0, keep);
        EXPECT_TRUE(pair.check_state());
        run(pair, random, 2);
      }
    }
  });
}

TEST_P(AllocationTest, AFailedChangeOfTheStepTimeLeavesASynapseAsItWas) {
  support::Random random(support::seed());
  for_each_class([&]<class T>(Model model) {
    for (const Storage storage : storages<T>()) {
      for (const bool keep : {false, true}) {
        const HistoryChange history = keep ? HistoryChange::keep : HistoryChange::clear;
        SCOPED_TRACE(keep ? "keep" : "clear");
        SynapsePair<T> pair(stream(), settings_of(model, 33, storage));
        run(pair, random, 6);
        EXPECT_TRUE(tried(fail_every_allocation(
            [] {}, [&] { pair.synapse().set_step_time(stream(), 0.4, history); },
            [&] { return pair.check_state(); })));
        EXPECT_EQ(pair.synapse().step_time(), 0.4);
        EXPECT_EQ(pair.synapse().slots(), 9);
        // Failures before the success left nothing behind: the same as a change without failures.
        pair.expected().set_step_time(0.4, keep);
        pair.forget_pointer();
        EXPECT_TRUE(pair.check_resampled());
      }
    }
  });
}

TEST_P(AllocationTest, AFailedChangeOfTheTimeConstantLeavesASynapseAsItWas) {
  support::Random random(support::seed());
  SynapsePair<float> pair(stream(), settings_of(Model::single_exponential));
  run(pair, random, 6);
  auto& synapse = static_cast<cusynapse::SingleExponentialCurrent<float>&>(pair.synapse());
  const double before = synapse.time_constant();
  fail_every_allocation([] {}, [&] { synapse.set_time_constant(9.5); },
                        [&] {
                          if (synapse.time_constant() != before) {
                            return testing::AssertionFailure() << "the time constant changed";
                          }
                          run(pair, random, 1);
                          return pair.check_state();
                        });
  EXPECT_EQ(synapse.time_constant(), 9.5);
  pair.expected().set_time_constant(9.5);
  run(pair, random, 1);
  EXPECT_TRUE(pair.check_state());
}

TEST_P(AllocationTest, AFailedConstructionOfAGroupIsReported) {
  std::vector<std::unique_ptr<cusynapse::CurrentSynapse<float>>> members;
  std::optional<cusynapse::SynapseGroup<float>> group;
  const auto prepare = [&] {
    members.clear();
    for (const Model model : model_test::models()) {
      members.push_back(model_test::make_synapse<float>(stream(), settings_of(model)));
    }
  };
  const int failures = fail_every_allocation(
      prepare, [&] { group.emplace(stream(), std::move(members)); },
      [&] { return group ? testing::AssertionFailure() : testing::AssertionSuccess(); });
  EXPECT_TRUE(tried(failures));
  ASSERT_TRUE(group.has_value());
  EXPECT_EQ(group->size(), 5u);
}

TEST_P(AllocationTest, AFailedRefreshLeavesAGroupAsItWas) {
  support::Random random(support::seed());
  std::vector<std::unique_ptr<cusynapse::CurrentSynapse<float>>> members;
  for (const Model model : model_test::models()) {
    members.push_back(model_test::make_synapse<float>(stream(), settings_of(model)));
  }
  cusynapse::SynapseGroup<float> group(stream(), std::move(members));
  std::vector<SynapsePair<float>> pairs;
  for (std::size_t i = 0; i < group.size(); ++i) {
    pairs.emplace_back(stream(), settings_of(model_test::models()[i]), group[i]);
    run(pairs[i], random, 5);
  }
  const auto offsets = [&] {
    std::vector<std::int64_t> out;
    for (std::size_t i = 0; i < group.size(); ++i) out.push_back(group.input_offset(i));
    out.push_back(group.input_size());
    return out;
  };
  // One sample more takes more input, so that offsets and tables have to change.
  pairs[1].set_batch_size(70);
  const auto before = offsets();
  const int failures = fail_every_allocation(
      [] {}, [&] { group.refresh(stream()); },
      [&]() -> testing::AssertionResult {
        if (offsets() != before) {
          return testing::AssertionFailure() << "the offsets changed";
        }
        const support::DeviceArray<float> input(stream(), {group.input_size()}, 1.0f);
        try {
          group.step(stream(), input.constant());
          return testing::AssertionFailure() << "a stale group stepped";
        } catch (const cusynapse::Error&) {
        }
        return pairs[1].check_state();
      });
  EXPECT_TRUE(tried(failures));
  EXPECT_NE(offsets(), before);
  const std::vector<float> ones(static_cast<std::size_t>(group.input_size()), 1.0f);
  const support::DeviceArray<float> input(stream(), ones, {group.input_size()});
  group.step(stream(), input.constant());
  for (SynapsePair<float>& pair : pairs) {
    pair.expected().step(std::vector<float>(static_cast<std::size_t>(pair.size()), 1.0f));
    EXPECT_TRUE(pair.check_state());
  }
}

TEST_P(AllocationTest, AFailedConstructionOfAHistoryIsReported) {
  for_each_type([&]<class T>() {
    std::optional<cusynapse::History<T>> history;
    const int failures = fail_every_allocation(
        [] {}, [&] { history.emplace(stream(), history_options()); },
        [&] { return history ? testing::AssertionFailure() : testing::AssertionSuccess(); });
    EXPECT_TRUE(tried(failures));
    EXPECT_TRUE(history.has_value());
  });
}

TEST_P(AllocationTest, AFailedChangeOfAHistoryLeavesItAsItWas) {
  support::Random random(support::seed());
  for_each_type([&]<class T>() {
    HistoryPair<T> pair(stream(), history_options());
    for (int i = 0; i < 7; ++i) pair.push(pair.random_observation(random));
    auto& history = pair.history();
    const auto fail = [&](const char* what, const std::function<void()>& call) {
      EXPECT_TRUE(tried(fail_every_allocation([] {}, call, [&] { return pair.check_state(); })))
          << what;
    };
    fail("set_step_time", [&] { history.set_step_time(stream(), 0.5); });
    pair.expected().set_step_time(0.5);
    EXPECT_TRUE(pair.check_state());
    fail("set_duration", [&] { history.set_duration(stream(), 1.5); });
    pair.expected().set_duration(1.5);
    EXPECT_TRUE(pair.check_state());
    fail("set_inclusive", [&] { history.set_inclusive(stream(), false); });
    pair.expected().set_inclusive(false);
    EXPECT_TRUE(pair.check_state());
    fail("set_batch_size", [&] { history.set_batch_size(stream(), 5); });
    pair.expected().set_batch_size(5);
    EXPECT_TRUE(pair.check_state());
    pair.push(pair.random_observation(random));
    EXPECT_TRUE(pair.check_state());
    fail("align", [&] { history.align(stream(), 2); });
    pair.expected().align(2);
    EXPECT_TRUE(pair.check_state());
    fail("reset", [&] { history.reset(stream(), 1); });
    pair.expected().reset(1);
    EXPECT_TRUE(pair.check_state());
  });
}

TEST_P(AllocationTest, AFailedCheckOfTimesLeavesAHistoryAsItWas) {
  support::Random random(support::seed());
  for_each_type([&]<class T>() {
    using Value = typename HistoryPair<T>::Value;
    using Time = typename HistoryPair<T>::Time;
    HistoryPair<T> pair(stream(), history_options());
    for (int i = 0; i < 7; ++i) pair.push(pair.random_observation(random));
    const auto observation = pair.random_observation(random);
    const support::DeviceArray<Value> values(stream(), observation, pair.shape());
    const support::DeviceArray<Time> times(stream(), pair.shape(), Time(2));
    support::DeviceArray<Value> out(stream(), pair.shape(), support::untouched<Value>());
    EXPECT_TRUE(tried(fail_every_allocation(
        [] {}, [&] { pair.history().select(stream(), times.constant(), out.view()); },
        [&] { return pair.check_state(); })));
    EXPECT_TRUE(support::matches(out.host(), pair.expected().read(3)));
    EXPECT_TRUE(tried(fail_every_allocation(
        [] {}, [&] { pair.history().insert(stream(), values.constant(), times.constant()); },
        [&] { return pair.check_state(); })));
    pair.expected().write(observation, 2);
    EXPECT_TRUE(pair.check_state());
  });
}

}  // namespace
