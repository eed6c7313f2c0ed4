// What connections do without allocating, counted; and what allocates, with every single allocation
// made to fail.
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <type_traits>
#include <vector>

#include "cusynapse/cusynapse.hpp"
#include "model/connection_pair.hpp"
#include "support/devices.hpp"
#include "support/failing_calls.hpp"
#include "support/random.hpp"

namespace {

using cusynapse::HistoryChange;
using cusynapse::Output;
using cusynapse::Shape;
using model_test::ConnectionKind;
using model_test::ConnectionPair;
using model_test::ConnectionSettings;
using model_test::DelayKind;
using model_test::for_each_connection;
using model_test::InputKind;
using model_test::Parameter;
using model_test::small_settings;
using reference::Model;
using reference::Storage;
using support::allocations;
using support::fail_every_allocation;

/// What planned weights of T may be stored as.
template <class T>
std::vector<Storage> weight_storages() {
  if (!std::is_same_v<T, float>) return {Storage::same};
  return {Storage::same, Storage::float16, Storage::bfloat16};
}

/// Small ones, and ones large enough for several threads and several groups of inputs.
std::vector<ConnectionSettings> settings_of(ConnectionKind kind, Model model) {
  ConnectionSettings large = small_settings(kind, model);
  large.synapse.batch_size = 9;
  large.synapse.sample_size = kind == ConnectionKind::direct ? 9'000 : 300;
  large.outputs = 170;
  large.convolution.channels = 4;
  large.convolution.height = 20;
  large.convolution.width = 21;
  return {small_settings(kind, model), model_test::consistent(large)};
}

class ConnectionAllocationTest : public support::DeviceTest {
 protected:
  /// Whether any allocation was made to fail: without one a test has shown nothing. On a GPU there
  /// may be none, since its memory does not come from operator new.
  bool tried(int failures) const { return failures > 0 || GetParam() != cusynapse::Device::cpu(); }
};
INSTANTIATE_TEST_SUITE_P(Devices, ConnectionAllocationTest, testing::ValuesIn(support::devices()),
                         support::device_name);

/// Arrays for every call there is, made beforehand.
template <class T>
struct Arrays {
  Arrays(const cusynapse::Stream& stream, ConnectionPair<T>& pair, std::int64_t steps)
      : out(stream, pair.batched_output(), T(0)),
        sequence_out(stream, pair.batched_output().prepended(steps), T(0)),
        weights(stream, pair.connection().weight_shape(), T(0.5)),
        biases(stream, pair.connection().bias_shape(), T(0.5)),
        current(stream, pair.batched_input(), T(1)),
        synaptic(stream, pair.batched_synaptic(), T(1)),
        spikes(stream, pair.batched_synaptic(), 1) {
    support::Random random(support::seed());
    for (const InputKind kind : model_test::input_kinds()) {
      const auto values =
          model_test::random_inputs<T>(random, InputKind::bits, steps * pair.input_size());
      const std::vector<T> frame(values.begin(), values.begin() + pair.input_size());
      inputs.emplace_back(stream, kind, frame, pair.batched_input());
      sequences.emplace_back(stream, kind, values, pair.batched_input().prepended(steps), steps);
    }
  }

  support::DeviceArray<T> out, sequence_out, weights, biases, current, synaptic;
  support::DeviceArray<std::uint8_t> spikes;
  std::vector<model_test::DeviceInput<T>> inputs, sequences;
};

TEST_P(ConnectionAllocationTest, StepsAndSumsAllocateNothing) {
  constexpr std::int64_t steps = 6;
  support::Random random(support::seed());
  for_each_connection([&]<class T>(ConnectionKind kind) {
    for (const Model model : model_test::models()) {
      for (ConnectionSettings settings : settings_of(kind, model)) {
        for (const bool has_delays : {true, false}) {
          settings.has_delays = has_delays;
          settings = model_test::consistent(settings);
          settings.weight_storage = random.one_of(weight_storages<T>());
          SCOPED_TRACE(model_test::describe(settings));
          ConnectionPair<T> pair(stream(), settings);
          auto& connection = pair.connection();
          Arrays<T> arrays(stream(), pair, steps);
          // From the very first call, which makes the plan.
          EXPECT_EQ(allocations([&] { connection.sum(stream(), arrays.out.view()); }), 0);
          for (auto& input : arrays.inputs) {
            for (const Output output : {Output::replace, Output::accumulate}) {
              EXPECT_EQ(allocations([&] {
                          connection.forward(stream(), input.input(), arrays.out.view(), output);
                        }),
                        0);
            }
          }
          if (model == Model::delta_plus) {
            EXPECT_EQ(allocations([&] {
                        connection.forward(stream(), arrays.inputs[0].input(), arrays.out.view(),
                                           Output::replace,
                                           {arrays.current.constant(), arrays.current.constant()});
                      }),
                      0);
          }
          connection.reserve_sequence(stream(), steps);
          for (auto& sequence : arrays.sequences) {
            EXPECT_EQ(allocations([&] {
                        connection.forward_sequence(stream(), sequence.input(),
                                                    arrays.sequence_out.view());
                      }),
                      0);
          }
          // Fewer steps than reserved, too.
          EXPECT_EQ(allocations([&] {
                      connection.forward_sequence(
                          stream(),
                          cusynapse::View<const T>(arrays.current.constant().data(),
                                                   pair.batched_input().prepended(1)),
                          cusynapse::View<T>(arrays.sequence_out.view().data(),
                                             pair.batched_output().prepended(1)));
                    }),
                    0);
          EXPECT_EQ(allocations([&] { connection.clear(stream()); }), 0);
          EXPECT_EQ(allocations([&] { connection.prepare(stream()); }), 0);
        }
      }
    }
  });
}

TEST_P(ConnectionAllocationTest, LearningAllocatesNothing) {
  for_each_connection([&]<class T>(ConnectionKind kind) {
    for (const Model model : {Model::delta, Model::double_exponential}) {
      for (ConnectionSettings settings : settings_of(kind, model)) {
        settings.weight_storage = weight_storages<T>().back();
        ConnectionPair<T> pair(stream(), settings);
        auto& connection = pair.connection();
        Arrays<T> arrays(stream(), pair, 1);
        const std::vector<Parameter>& parameters = model_test::parameters();
        EXPECT_EQ(allocations([&] {
                    for (int t = 0; t < 3; ++t) {
                      for (const Parameter parameter : parameters) {
                        const cusynapse::View<T> values = connection.edit(parameter);
                        cusynapse::memory::fill_zero(stream(), values.data(), sizeof(T));
                        connection.forward(stream(), arrays.inputs[1].input(), arrays.out.view());
                      }
                      connection.set(stream(), Parameter::weight, arrays.weights.constant());
                      connection.set(stream(), Parameter::bias, arrays.biases.constant());
                      connection.forward(stream(), arrays.inputs[2].input(), arrays.out.view());
                      connection.clamp_delays(stream());
                      connection.sum(stream(), arrays.out.view(), Output::accumulate);
                    }
                  }),
                  0)
            << model_test::describe(settings);
      }
    }
  });
}

TEST_P(ConnectionAllocationTest, ConstantsOfTheSynapseRenewThePlanWithoutAllocating) {
  for_each_connection([&]<class T>(ConnectionKind kind) {
    ConnectionPair<T> pair(stream(), small_settings(kind, Model::single_exponential));
    Arrays<T> arrays(stream(), pair, 1);
    pair.connection().sum(stream(), arrays.out.view());
    auto& synapse = static_cast<cusynapse::SingleExponentialCurrent<T>&>(pair.synapse());
    for (const double tau : {1.0, 2.0}) {
      synapse.set_time_constant(tau);
      EXPECT_EQ(allocations([&] { pair.connection().sum(stream(), arrays.out.view()); }), 0);
    }
  });
}

TEST_P(ConnectionAllocationTest, WhatLearningRulesLookAtAllocatesNothing) {
  for_each_connection([&]<class T>(ConnectionKind kind) {
    for (const bool has_delays : {true, false}) {
      ConnectionSettings settings = small_settings(kind, Model::alpha);
      settings.has_delays = has_delays;
      settings = model_test::consistent(settings);
      ConnectionPair<T> pair(stream(), settings);
      auto& connection = pair.connection();
      Arrays<T> arrays(stream(), pair, 1);
      const Shape full = connection.selector_shape();
      const Shape read = connection.synaptic_selection_shape();
      support::DeviceArray<T> selector(stream(), full, T(0));
      support::DeviceArray<T> currents(stream(), read, T(0));
      support::DeviceArray<std::uint8_t> spikes(stream(), read, 0);
      support::DeviceArray<T> receptive(stream(), connection.presyn_receptive_shape(full), T(0));
      EXPECT_EQ(
          allocations([&] {
            connection.selector_shape();
            connection.presyn_receptive_shape(full);
            connection.selector(stream(), selector.view());
            connection.syncurrent(stream(), currents.view());
            connection.synspike(stream(), spikes.view());
            connection.like_synaptic(stream(), arrays.current.constant(), arrays.synaptic.view());
            connection.like_input(stream(), arrays.synaptic.constant(), arrays.current.view());
            connection.presyn_receptive(stream(), selector.constant(), receptive.view());
            connection.postsyn_receptive(arrays.out.constant());
          }),
          0);
    }
  });
}

TEST_P(ConnectionAllocationTest, AFailedConstructionIsReported) {
  for_each_connection([&]<class T>(ConnectionKind kind) {
    const ConnectionSettings settings = small_settings(kind, Model::double_exponential);
    std::unique_ptr<cusynapse::Connection<T>> made;
    EXPECT_TRUE(tried(fail_every_allocation(
        [] {}, [&] { made = model_test::make_connection<T>(stream(), settings, 1); },
        [&] {
          return made == nullptr ? testing::AssertionSuccess() : testing::AssertionFailure();
        })));
    EXPECT_NE(made, nullptr);
  });
}

/// What holds of the connection, its synapse and its sums after a failure.
template <class T>
testing::AssertionResult still_right(ConnectionPair<T>& pair) {
  const auto state = pair.check_state();
  if (!state) return state;
  return pair.sum();
}

TEST_P(ConnectionAllocationTest, AFailedChangeLeavesAConnectionAsItWas) {
  support::Random random(support::seed());
  for_each_connection([&]<class T>(ConnectionKind kind) {
    for (const bool keep : {false, true}) {
      const HistoryChange history = keep ? HistoryChange::keep : HistoryChange::clear;
      ConnectionPair<T> pair(stream(), small_settings(kind, Model::double_exponential));
      auto& connection = pair.connection();
      pair.set_random_parameters(random, DelayKind::out_of_range);
      const auto run = [&] {
        for (int t = 0; t < 4; ++t) EXPECT_TRUE(pair.forward(random, InputKind::values));
        const auto inputs =
            model_test::random_inputs<T>(random, InputKind::bits, 3 * pair.input_size());
        EXPECT_TRUE(pair.forward_sequence(inputs, InputKind::bits, 3));
      };
      const auto fail = [&](const char* what, const std::function<void()>& call) {
        EXPECT_TRUE(tried(fail_every_allocation([] {}, call, [&] { return still_right(pair); })))
            << what;
      };
      run();
      // Twice, from a storage of 16 bits at last: what follows is to keep it.
      for (const Storage storage : weight_storages<T>()) {
        fail("set_weight_storage", [&] {
          connection.set_weight_storage(stream(), model_test::library_storage(storage));
        });
        pair.expected().set_weight_storage(storage);
        EXPECT_TRUE(pair.check_state());
        run();
      }
      fail("set_batch_size", [&] { connection.set_batch_size(stream(), 5); });
      pair.expected().synapse().set_batch_size(5);
      EXPECT_TRUE(pair.check_state());
      run();
      // Slots that take two bytes instead of one.
      fail("set_delayed_by", [&] { connection.set_delayed_by(stream(), 150.0, history); });
      pair.expected().synapse().set_delay(150.0, keep);
      EXPECT_TRUE(pair.check_state());
      run();
      fail("set_step_time", [&] { connection.set_step_time(stream(), 2.0, history); });
      pair.expected().synapse().set_step_time(2.0, keep);
      EXPECT_TRUE(pair.check_resampled());
      run();
      // Where every step is summed on its own there is nothing to reserve.
      const int failures =
          fail_every_allocation([] {}, [&] { connection.reserve_sequence(stream(), 30); },
                                [&] { return still_right(pair); });
      const bool is_dense = kind == ConnectionKind::dense || kind == ConnectionKind::lateral;
      EXPECT_TRUE(!is_dense || tried(failures));
      run();
      pair.synapse().set_batch_size(stream(), 2);
      pair.expected().synapse().set_batch_size(2);
      // Until it is refreshed the connection cannot be asked.
      EXPECT_TRUE(tried(fail_every_allocation([] {}, [&] { connection.refresh(stream()); },
                                              [] { return testing::AssertionSuccess(); })));
      EXPECT_TRUE(pair.check_state());
      run();
    }
  });
}

TEST_P(ConnectionAllocationTest, AFailedSequenceDoesNotStep) {
  support::Random random(support::seed());
  constexpr std::int64_t steps = 9;
  for_each_connection([&]<class T>(ConnectionKind kind) {
    for (const Model model : {Model::delta, Model::alpha}) {
      ConnectionPair<T> pair(stream(), small_settings(kind, model));
      pair.set_random_parameters(random, DelayKind::off_grid);
      for (int t = 0; t < 4; ++t) EXPECT_TRUE(pair.forward(random, InputKind::values));
      const auto inputs =
          model_test::random_inputs<T>(random, InputKind::values, steps * pair.input_size());
      const support::DeviceArray<T> device_inputs(stream(), inputs,
                                                  pair.batched_input().prepended(steps));
      support::DeviceArray<T> out(stream(), pair.batched_output().prepended(steps), T(0));
      fail_every_allocation([] {},
                            [&] {
                              pair.connection().forward_sequence(stream(), device_inputs.constant(),
                                                                 out.view());
                            },
                            [&] { return still_right(pair); });
      for (std::int64_t t = 0; t < steps; ++t) {
        const auto first = inputs.begin() + t * pair.input_size();
        pair.expected().synapse().step(std::vector<T>(first, first + pair.input_size()));
      }
      EXPECT_TRUE(still_right(pair));
    }
  });
}

}  // namespace
