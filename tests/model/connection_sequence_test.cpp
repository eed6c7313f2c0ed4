// Random sequences of operations on connections against the oracle, calls that must be refused
// mixed in.
//
// CUSYNAPSE_TEST_SEED chooses the sequences, three for every ten of CUSYNAPSE_TEST_SEQUENCES.
// A sequence that fails is shrunk, by leaving out operations while it still fails, and printed.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "cusynapse/cusynapse.hpp"
#include "model/connection_pair.hpp"
#include "model/random_sequence.hpp"
#include "support/devices.hpp"
#include "support/random.hpp"

namespace {

using model_test::ConnectionKind;
using model_test::ConnectionPair;
using model_test::ConnectionSettings;
using model_test::DelayKind;
using model_test::InputKind;
using model_test::Operations;
using model_test::Parameter;
using model_test::random_delay;
using model_test::random_step_time;
using model_test::run_on;
using model_test::run_sequences;
using model_test::Way;
using reference::Model;
using reference::Storage;

std::uint64_t sequence_count() {
  return support::environment_number("CUSYNAPSE_TEST_SEQUENCES", 10000) * 3 / 10;
}

reference::Convolution random_convolution(support::Random& random) {
  reference::Convolution out;
  out.channels = random.integer(1, 3);
  out.filters = random.integer(1, 4);
  do {
    out.height = random.integer(1, 6);
    out.width = random.integer(1, 6);
    for (int axis = 0; axis < 2; ++axis) {
      out.kernel[axis] = random.integer(1, 4);
      out.stride[axis] = random.integer(1, 3);
      out.padding[axis] = random.integer(0, 2);
      out.dilation[axis] = random.integer(1, 2);
    }
  } while (out.positions() < 1);
  return out;
}

ConnectionSettings random_connection(support::Random& random) {
  ConnectionSettings settings;
  settings.synapse = model_test::random_settings(random);
  settings.kind = random.one_of(model_test::connection_kinds());
  settings.outputs = random.one_of<std::int64_t>({1, 2, 5, 31, 32, 33});
  settings.convolution = random_convolution(random);
  settings.has_delays = random.chance(0.8);
  settings.biased = random.chance(0.5);
  return model_test::consistent(settings);
}

const std::vector<Storage>& all_storages() {
  static const std::vector<Storage> all = {Storage::same, Storage::float16, Storage::bfloat16};
  return all;
}

/// One connection with a synapse of its own, or two that share one, with their oracles.
template <class T>
class Network {
 public:
  Network(const cusynapse::Stream& stream, const std::vector<ConnectionSettings>& settings)
      : stream_(stream) {
    if (settings.size() == 1) {
      pairs_.emplace_back(stream, settings[0]);
      return;
    }
    const reference::Settings& synapse = settings[0].synapse;
    const std::shared_ptr<cusynapse::CurrentSynapse<T>> shared = model_test::make_synapse<T>(
        stream, synapse,
        model_test::library_options(synapse, model_test::input_shape(settings[0])));
    const auto oracle = std::make_shared<reference::Synapse<T>>(synapse);
    for (const ConnectionSettings& one : settings) {
      pairs_.emplace_back(stream, one, shared, oracle);
    }
  }

  /// Does one random operation and checks what comes of it.
  testing::AssertionResult operate(std::uint64_t seed, std::string& log) {
    support::Random random(seed);
    const auto member =
        static_cast<std::size_t>(random.integer(0, static_cast<std::int64_t>(pairs_.size()) - 1));
    std::ostringstream text;
    text.precision(17);
    text << model_test::class_name(pairs_[member].settings().kind) << " " << member << ": ";
    log = text.str() + "an operation that threw";
    const auto result = operate(random, pairs_[member], text);
    log = text.str();
    return result;
  }

 private:
  using Pair = ConnectionPair<T>;

  testing::AssertionResult operate(support::Random& random, Pair& pair, std::ostream& text) {
    const InputKind kind = random.one_of(model_test::input_kinds());
    switch (random.integer(0, 27)) {
      case 0:
        text << "clear";
        pair.clear();
        return checked(pair);
      case 1: {
        const std::int64_t batch_size = random.integer(1, 9);
        text << "set_batch_size " << batch_size;
        pair.set_batch_size(batch_size);
        return refreshed(pair);
      }
      case 2:
      case 3: {
        const double step_time =
            random.chance(0.1) ? pair.settings().synapse.step_time : random_step_time(random);
        const bool keep = random.chance(0.6);
        text << "set_step_time " << step_time << (keep ? " keep" : " clear");
        pair.set_step_time(step_time, keep);
        const auto resampled = pair.check_resampled();
        return resampled ? refreshed(pair) : resampled;
      }
      case 4:
      case 5: {
        if (!pair.has(Parameter::delay)) break;
        const double delay = random.chance(0.1)
                                 ? pair.settings().synapse.delay
                                 : random_delay(random, pair.settings().synapse.step_time);
        const bool keep = random.chance(0.6);
        text << "set_delayed_by " << delay << (keep ? " keep" : " clear");
        pair.set_delayed_by(delay, keep);
        return refreshed(pair);
      }
      case 6:
      case 7:
      case 8:
        return write_parameter(random, pair, text);
      case 9:
        if (!pair.has(Parameter::delay)) break;
        text << "clamp_delays";
        pair.clamp_delays();
        return checked(pair);
      case 10: {
        if (!pair.has(Parameter::delay)) break;
        text << "out_of_range_delays";
        pair.mend_diagonal();
        const std::int64_t got = pair.connection().out_of_range_delays(stream_);
        const std::int64_t expected = pair.expected().out_of_range_delays();
        if (got == expected) return testing::AssertionSuccess();
        return testing::AssertionFailure() << "got " << got << ", expected " << expected;
      }
      case 11:
      case 12:
        text << "selection";
        return pair.check_selection();
      case 13:
        text << "prepare";
        pair.connection().prepare(stream_);
        return checked(pair);
      case 14: {
        const std::int64_t steps = random.integer(1, 9);
        text << "reserve_sequence " << steps;
        pair.connection().reserve_sequence(stream_, steps);
        return checked(pair);
      }
      case 15:
      case 16:
      case 17: {
        const std::int64_t steps = random.integer(1, 12);
        text << "forward_sequence of " << steps << ", kind " << static_cast<int>(kind);
        std::vector<T> before;
        if (random.chance(0.3)) {
          before = random.values<T>(steps * pair.output_size(), -1.0, 1.0);
          text << ", accumulating";
        }
        const auto inputs = model_test::random_inputs<T>(random, kind, steps * pair.input_size());
        const auto result = pair.forward_sequence(inputs, kind, steps, before);
        return result ? pair.check_state() : result;
      }
      case 18:
        return change_constants(random, pair, text);
      case 19:
        return change_the_synapse(random, pair, text);
      case 20:
      case 21:
      case 22:
        return refuse(random, pair, text);
      case 23: {
        text << "sum, accumulating";
        return pair.sum(random.values<T>(pair.output_size(), -1.0, 1.0));
      }
      case 24:
        text << "sum";
        return pair.sum();
      case 25: {
        const Storage storage = random.one_of(all_storages());
        text << "set_weight_storage " << static_cast<int>(storage);
        if (!std::is_same_v<T, float> && storage != Storage::same) {
          return refused(pair, [&] {
            pair.connection().set_weight_storage(stream_, model_test::library_storage(storage));
          });
        }
        pair.set_weight_storage(storage);
        return checked(pair);
      }
      default:
        break;
    }
    text << "forward, kind " << static_cast<int>(kind);
    const auto result = pair.forward(random, kind);
    return result ? checked(pair) : result;
  }

  /// Everything is right, and so are the sums of all.
  testing::AssertionResult checked(Pair& pair) {
    const auto state = pair.check_state();
    if (!state) return state;
    for (Pair& one : pairs_) {
      const auto sum = one.sum();
      if (!sum) return sum;
    }
    return testing::AssertionSuccess();
  }
  /// The same once the others have taken over a change of the synapse.
  testing::AssertionResult refreshed(Pair& pair) {
    for (Pair& other : pairs_) {
      if (&other != &pair) other.connection().refresh(stream_);
    }
    return checked(pair);
  }

  testing::AssertionResult write_parameter(support::Random& random, Pair& pair,
                                           std::ostream& text) {
    const Parameter parameter = random.one_of(model_test::parameters());
    const Way way = random.one_of(model_test::ways());
    text << "write parameter " << static_cast<int>(parameter) << ", way " << static_cast<int>(way);
    if (!pair.has(parameter)) {
      text << ", which is not there";
      return refused(pair, [&] {
        const auto count =
            static_cast<std::size_t>(pair.connection().parameter_shape(parameter).size());
        model_test::write_parameter(stream_, pair.connection(), parameter,
                                    std::vector<T>(count, T(1)), way);
      });
    }
    const std::int64_t count = pair.count(parameter);
    if (parameter == Parameter::delay) {
      const DelayKind kind =
          way == Way::edit ? DelayKind::not_a_number
                           : random.one_of<DelayKind>({DelayKind::on_grid, DelayKind::off_grid,
                                                       DelayKind::out_of_range});
      pair.set(parameter,
               model_test::random_delays<T>(random, pair.settings().synapse, count, kind), way);
    } else {
      pair.set(parameter, model_test::random_weights<T>(random, count), way);
    }
    // Looked at now, or by whatever comes next.
    return random.chance(0.5) ? pair.sum() : testing::AssertionSuccess();
  }

  testing::AssertionResult change_constants(support::Random& random, Pair& pair,
                                            std::ostream& text) {
    const reference::Settings constants = model_test::random_settings(random);
    text << "other constants of the synapse: Q " << constants.spike_charge << " tau "
         << constants.time_constant << " decay " << constants.tc_decay << " rise "
         << constants.tc_rise;
    auto& synapse = pair.synapse();
    switch (pair.settings().synapse.model) {
      case Model::delta:
        dynamic_cast<cusynapse::DeltaCurrent<T>&>(synapse).set_parameters({constants.spike_charge});
        break;
      case Model::delta_plus:
        dynamic_cast<cusynapse::DeltaPlusCurrent<T>&>(synapse).set_parameters(
            {constants.spike_charge});
        break;
      case Model::single_exponential:
        dynamic_cast<cusynapse::SingleExponentialCurrent<T>&>(synapse).set_parameters(
            {constants.spike_charge, constants.time_constant});
        break;
      case Model::double_exponential:
        dynamic_cast<cusynapse::DoubleExponentialCurrent<T>&>(synapse).set_parameters(
            {constants.spike_charge, constants.tc_decay, constants.tc_rise});
        break;
      case Model::alpha:
        dynamic_cast<cusynapse::AlphaCurrent<T>&>(synapse).set_parameters(
            {constants.spike_charge, constants.time_constant});
        break;
    }
    pair.expected().synapse().set_constants(constants);
    return checked(pair);
  }

  /// A change of size made at the synapse, taken over by all.
  testing::AssertionResult change_the_synapse(support::Random& random, Pair& pair,
                                              std::ostream& text) {
    const bool has_delays = pair.has(Parameter::delay);
    reference::Synapse<T>& oracle = pair.expected().synapse();
    if (has_delays && random.chance(0.5)) {
      const double delay = random_delay(random, pair.settings().synapse.step_time);
      text << "the synapse's set_delay " << delay << " keep";
      pair.synapse().set_delay(stream_, delay, cusynapse::HistoryChange::keep);
      oracle.set_delay(delay, true);
    } else if (random.chance(0.5)) {
      const double step_time = random_step_time(random);
      text << "the synapse's set_step_time " << step_time << " clear";
      pair.synapse().set_step_time(stream_, step_time);
      oracle.set_step_time(step_time, false);
    } else {
      const std::int64_t batch_size = random.integer(1, 9);
      text << "the synapse's set_batch_size " << batch_size;
      pair.synapse().set_batch_size(stream_, batch_size);
      oracle.set_batch_size(batch_size);
    }
    pair.connection().refresh(stream_);
    return refreshed(pair);
  }

  /// A call that must throw `Error` and change nothing.
  testing::AssertionResult refused(Pair& pair, const std::function<void()>& call) {
    try {
      call();
    } catch (const cusynapse::Error&) {
      return checked(pair);
    }
    return testing::AssertionFailure() << "nothing was refused";
  }

  testing::AssertionResult refuse(support::Random& random, Pair& pair, std::ostream& text) {
    auto& connection = pair.connection();
    const cusynapse::Shape input_shape = pair.batched_input();
    const cusynapse::Shape output_shape = pair.batched_output();
    support::DeviceArray<T> input(stream_, input_shape, T(1));
    support::DeviceArray<T> out(stream_, output_shape, T(0));
    support::DeviceArray<T> bad_input(stream_, input_shape.appended(1).appended(1), T(1));
    support::DeviceArray<T> bad_out(stream_, output_shape.appended(1).appended(1), T(0));
    const support::DeviceArray<T> bad_weights(stream_, connection.weight_shape().appended(2), T(1));
    constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
    const std::vector<std::pair<const char*, std::function<void()>>> calls = {
        {"forward of a bad input",
         [&] { connection.forward(stream_, bad_input.constant(), out.view()); }},
        {"forward into a bad output",
         [&] { connection.forward(stream_, input.constant(), bad_out.view()); }},
        {"forward with a bad current",
         [&] {
           connection.forward(stream_, input.constant(), out.view(), cusynapse::Output::replace,
                              {input.constant(), bad_input.constant()});
         }},
        {"forward of nothing",
         [&] {
           connection.forward(stream_, cusynapse::View<const T>(nullptr, input_shape), out.view());
         }},
        {"sum into a bad output", [&] { connection.sum(stream_, bad_out.view()); }},
        {"sum into nothing",
         [&] { connection.sum(stream_, cusynapse::View<T>(nullptr, output_shape)); }},
        {"forward_sequence of unlike lengths",
         [&] {
           support::DeviceArray<T> inputs(stream_, input_shape.prepended(3), T(1));
           support::DeviceArray<T> outputs(stream_, output_shape.prepended(2), T(1));
           connection.forward_sequence(stream_, inputs.constant(), outputs.view());
         }},
        {"set of bad weights",
         [&] { connection.set(stream_, Parameter::weight, bad_weights.constant()); }},
        {"set_from_host of too few weights",
         [&] {
           const auto count = static_cast<std::size_t>(connection.weight_shape().size() - 1);
           connection.set_from_host(stream_, Parameter::weight, std::vector<T>(count, T(1)));
         }},
        {"set_batch_size 0", [&] { connection.set_batch_size(stream_, 0); }},
        {"set_step_time 0", [&] { connection.set_step_time(stream_, 0.0); }},
        {"set_step_time NaN",
         [&] { connection.set_step_time(stream_, not_a_number, cusynapse::HistoryChange::keep); }},
        {"set_delayed_by -1", [&] { connection.set_delayed_by(stream_, -1.0); }},
        {"set_delayed_by far too much",
         [&] {
           connection.set_delayed_by(stream_, 70'000.0 * connection.step_time(),
                                     cusynapse::HistoryChange::keep);
         }},
        {"set_weight_storage 3",
         [&] { connection.set_weight_storage(stream_, static_cast<cusynapse::StorageType>(3)); }},
        {"reserve_sequence -1", [&] { connection.reserve_sequence(stream_, -1); }},
        {"syncurrent into a bad array", [&] { connection.syncurrent(stream_, bad_out.view()); }},
        {"delays that are not numbers", [&] {
           std::vector<T> delays(static_cast<std::size_t>(connection.weight_shape().size()), T(0));
           delays.back() = std::numeric_limits<T>::quiet_NaN();
           // Not on the diagonal of a lateral connection.
           if (delays.size() > 1) std::swap(delays.back(), delays[delays.size() - 2]);
           connection.set(
               stream_, Parameter::delay,
               support::DeviceArray<T>(stream_, delays, connection.weight_shape()).constant());
         }}};
    const auto& [what, call] = random.one_of(calls);
    text << what;
    return refused(pair, call);
  }

  cusynapse::Stream stream_;
  std::vector<Pair> pairs_;
};

// `storages`: what traces may be stored as.
template <class T>
void connection_sequences(const cusynapse::Stream& stream, std::uint64_t count,
                          const std::vector<Storage>& storages = {Storage::same}) {
  run_sequences(
      [&](std::uint64_t seed) {
        support::Random random(seed);
        std::vector<ConnectionSettings> settings = {random_connection(random)};
        if (storages.size() > 1) settings[0].synapse.storage = random.one_of(storages);
        if (settings[0].has_delays && settings[0].synapse.delay > 0 && random.chance(0.3)) {
          ConnectionSettings other = random_connection(random);
          if (settings[0].kind == ConnectionKind::convolution ||
              other.kind == ConnectionKind::convolution) {
            other.kind = settings[0].kind;
            other.convolution = settings[0].convolution;
          }
          other.synapse = settings[0].synapse;
          other.has_delays = true;
          settings.push_back(other);
        }
        for (ConnectionSettings& one : settings) {
          if (std::is_same_v<T, float> && random.chance(0.3)) {
            one.weight_storage = random.one_of(all_storages());
          }
        }
        std::string description = settings.size() > 1 ? "two of one synapse" : "";
        for (const ConnectionSettings& one : settings) {
          description += "\n  " + model_test::describe(one);
        }
        const auto run = [=](const Operations& operations) {
          Network<T> network(stream, settings);
          return run_on(network, operations);
        };
        return std::pair(run, description);
      },
      count);
}

class ConnectionSequenceTest : public support::DeviceTest {};
INSTANTIATE_TEST_SUITE_P(Devices, ConnectionSequenceTest, testing::ValuesIn(support::devices()),
                         support::device_name);

TEST_P(ConnectionSequenceTest, ConnectionsOfFloatFollowTheOracle) {
  connection_sequences<float>(stream(), sequence_count());
}
TEST_P(ConnectionSequenceTest, ConnectionsOverSynapsesStoredIn16BitsFollowTheOracle) {
  connection_sequences<float>(stream(), sequence_count() / 2,
                              {Storage::float16, Storage::bfloat16});
}
TEST_P(ConnectionSequenceTest, ConnectionsOfDoubleFollowTheOracle) {
  connection_sequences<double>(stream(), sequence_count() / 2);
}

}  // namespace
