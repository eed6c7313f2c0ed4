// Planned weights stored in 16 bits: sums equal to those of weights that were rounded beforehand
// where nothing decays, and within the bound the class states everywhere; what keeps a storage,
// what renews it, and what is refused. Random sequences of changes are in connection_sequence_test,
// allocations in connection_allocation_test, states in state_test.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "cusynapse/cusynapse.hpp"
#include "model/connection_pair.hpp"
#include "model/connection_subject.hpp"
#include "support/devices.hpp"
#include "support/random.hpp"
#include "support/refusal.hpp"

namespace {

using cusynapse::Errc;
using cusynapse::HistoryChange;
using cusynapse::StorageType;
using model_test::ConnectionKind;
using model_test::ConnectionPair;
using model_test::ConnectionSettings;
using model_test::DelayKind;
using model_test::host_array;
using model_test::InputKind;
using model_test::library_storage;
using model_test::Parameter;
using model_test::same_bits;
using model_test::small_settings;
using model_test::Subject;
using model_test::Way;
using reference::Model;
using reference::Storage;
using support::refuses;

class WeightStorageTest : public support::DeviceTest {
 protected:
  using Connection = cusynapse::Connection<float>;

  std::vector<float> forward(Subject<float>& subject, std::uint64_t seed) const {
    support::Random random(seed);
    return subject.forward(
        model_test::random_inputs<float>(random, InputKind::values, subject.input_shape().size()),
        InputKind::values);
  }
};
INSTANTIATE_TEST_SUITE_P(Devices, WeightStorageTest, testing::ValuesIn(support::devices()),
                         support::device_name);

const Storage halves[] = {Storage::float16, Storage::bfloat16};

const char* name_of(Storage storage) {
  return storage == Storage::float16 ? "float16" : "bfloat16";
}

/// Calls `test(settings)` for every class and storage, with batches of 1, 7 and 33.
template <class Test>
void for_each(const Test& test) {
  for (const ConnectionKind kind : model_test::connection_kinds()) {
    for (const Storage storage : halves) {
      for (const std::int64_t batch_size : {1, 7, 33}) {
        ConnectionSettings settings = small_settings(kind, Model::delta_plus);
        settings.synapse.batch_size = batch_size;
        settings.weight_storage = storage;
        test(settings);
      }
    }
  }
}

/// Of any pattern that is finite in both types: ties, their neighbours, numbers below the normal
/// range, zeros of both signs.
std::vector<float> awkward_weights(support::Random& random, std::int64_t count) {
  std::vector<float> out;
  for (std::int64_t i = 0; i < count; ++i) {
    const double whole = static_cast<double>(random.integer(1024, 2047));
    const double step = random.one_of<double>({0.0, 0.5, 0.5, 0.25, 0.75});
    const double beside = random.one_of<double>({0.0, 0.0, -0x1p-12, 0x1p-12});
    const double scale =
        std::ldexp(random.chance(0.5) ? 1.0 : -1.0, static_cast<int>(random.integer(-40, 4)));
    const double brain = random.chance(0.5) ? 0.125 : 1.0;
    double value = (std::floor(whole * brain) + step + beside) * scale;
    if (random.chance(0.1)) value = std::copysign(0.0, scale);
    out.push_back(static_cast<float>(value));
  }
  return out;
}

std::vector<float> rounded(Storage storage, std::vector<float> weights) {
  for (float& weight : weights) weight = reference::kept(storage, weight);
  return weights;
}

ConnectionSettings without_storage(ConnectionSettings settings) {
  settings.weight_storage = Storage::same;
  return settings;
}

/// Parameters of two connections of the same settings, of which the second has weights that were
/// rounded beforehand.
void set_both(support::Random& random, const ConnectionSettings& settings, DelayKind delays,
              Subject<float>& half, Subject<float>& plain, Way way = Way::edit) {
  for (const Parameter parameter : model_test::parameters()) {
    if (!half->has(parameter)) continue;
    const std::int64_t count = half->parameter_shape(parameter).size();
    std::vector<float> values;
    if (parameter == Parameter::delay) {
      values = model_test::random_delays<float>(random, settings.synapse, count, delays);
    } else {
      values = awkward_weights(random, count);
    }
    half.set(parameter, values, way);
    plain.set(parameter,
              parameter == Parameter::weight ? rounded(settings.weight_storage, values) : values,
              way);
  }
}

// ---- The same bits ----

TEST_P(WeightStorageTest, SumsAreThoseOfRoundedWeightsWhereNothingDecays) {
  struct Variant {
    Model model;
    bool nearest;
    DelayKind delays;
  };
  std::vector<Variant> variants;
  for (const Model model : model_test::models()) {
    variants.push_back({model, false, DelayKind::none});
    variants.push_back({model, false, DelayKind::largest_is_zero});
    variants.push_back({model, false, DelayKind::on_grid});
  }
  for (const Model model : {Model::delta, Model::delta_plus}) {
    for (const bool nearest : {false, true}) {
      variants.push_back({model, nearest, DelayKind::off_grid});
      variants.push_back({model, nearest, DelayKind::out_of_range});
      variants.push_back({model, nearest, DelayKind::not_a_number});
    }
  }
  support::Random random(support::seed());
  // A third of the variants each time, so that every batch size sees them all in some class.
  std::size_t count = 0;
  for_each([&](ConnectionSettings settings) {
    count += settings.synapse.batch_size == 1 ? 2 : 1;
    for (const Variant& variant : variants) {
      if (count++ % 3 != 0) continue;
      settings.synapse.model = variant.model;
      settings.synapse.nearest = variant.nearest;
      settings.has_delays = variant.delays != DelayKind::none;
      settings.synapse.delay = variant.delays == DelayKind::largest_is_zero ? 0.0 : 2.0;
      settings = model_test::consistent(settings);
      SCOPED_TRACE(model_test::describe(settings));
      Subject<float> half(stream(), settings);
      Subject<float> plain(stream(), without_storage(settings));
      EXPECT_EQ(half->weight_storage(), library_storage(settings.weight_storage));
      EXPECT_EQ(plain->weight_storage(), StorageType::same);
      set_both(random, settings, variant.delays, half, plain);
      const std::int64_t frame = half.input_shape().size();
      for (int t = 0; t < 6; ++t) {
        const InputKind kind = random.one_of(model_test::input_kinds());
        const auto input = model_test::random_inputs<float>(random, kind, frame);
        EXPECT_TRUE(same_bits(half.forward(input, kind), plain.forward(input, kind)));
      }
      const auto before = random.values<float>(half.output_shape().size(), -1.0, 1.0);
      EXPECT_TRUE(same_bits(half.sum(before), plain.sum(before)));
      const auto inputs = model_test::random_inputs<float>(random, InputKind::bits, 5 * frame);
      EXPECT_TRUE(same_bits(half.forward_sequence(inputs, InputKind::bits, 5),
                            plain.forward_sequence(inputs, InputKind::bits, 5)));
    }
  });
}

TEST_P(WeightStorageTest, SumsOverSeveralGroupsOfInputsAreThoseOfRoundedWeights) {
  support::Random random(support::seed());
  for (const Storage storage : halves) {
    for (const Model model : {Model::delta, Model::double_exponential}) {
      for (const auto& [inputs, outputs, batch_size] :
           std::vector<std::tuple<std::int64_t, std::int64_t, std::int64_t>>{
               {300, 9, 33}, {520, 5, 7}, {257, 70, 1}, {770, 2, 2}}) {
        for (const double delay : {2.0, 200.0}) {
          ConnectionSettings settings = small_settings(ConnectionKind::dense, model);
          settings.synapse.sample_size = inputs;
          settings.synapse.batch_size = batch_size;
          settings.synapse.delay = delay;
          settings.outputs = outputs;
          settings.weight_storage = storage;
          SCOPED_TRACE(model_test::describe(settings));
          Subject<float> half(stream(), settings);
          Subject<float> plain(stream(), without_storage(settings));
          set_both(random, settings, DelayKind::on_grid, half, plain);
          for (std::uint64_t t = 0; t < 3; ++t) {
            EXPECT_TRUE(same_bits(forward(half, t), forward(plain, t)));
          }
        }
      }
    }
  }
}

TEST_P(WeightStorageTest, ASequenceIsItsStepsOneByOne) {
  support::Random random(support::seed());
  for_each([&](ConnectionSettings settings) {
    for (const Model model : model_test::models()) {
      settings.synapse.model = model;
      Subject<float> whole(stream(), settings);
      Subject<float> single(stream(), settings);
      whole.set_random_parameters(5, settings, DelayKind::out_of_range);
      single.set_random_parameters(5, settings, DelayKind::out_of_range);
      const std::int64_t frame = whole.input_shape().size();
      const std::int64_t out_frame = whole.output_shape().size();
      for (const std::int64_t steps : {1, 9, 2}) {
        const auto inputs =
            model_test::random_inputs<float>(random, InputKind::values, steps * frame);
        const auto got = whole.forward_sequence(inputs, InputKind::values, steps);
        for (std::int64_t t = 0; t < steps; ++t) {
          EXPECT_TRUE(
              same_bits(host_array(got, t * out_frame, out_frame),
                        single.forward(host_array(inputs, t * frame, frame), InputKind::values)))
              << model_test::describe(settings) << ", step " << t;
        }
        EXPECT_TRUE(same_bits(whole.sum(), single.sum()));
        EXPECT_TRUE(same_bits(whole.sum(), host_array(got, (steps - 1) * out_frame, out_frame)));
      }
    }
  });
}

TEST_P(WeightStorageTest, OptionsAndTheSetterGiveTheSame) {
  for_each([&](ConnectionSettings settings) {
    for (const Model model : model_test::models()) {
      settings.synapse.model = model;
      Subject<float> made(stream(), settings);
      Subject<float> changed(stream(), without_storage(settings));
      made.set_random_parameters(3, settings, DelayKind::off_grid);
      changed.set_random_parameters(3, settings, DelayKind::off_grid);
      // Before the first plan, and after there was one.
      changed->set_weight_storage(stream(), library_storage(settings.weight_storage));
      EXPECT_TRUE(same_bits(forward(changed, 1), forward(made, 1)));
      for (const StorageType on_the_way :
           {StorageType::same, StorageType::bfloat16, StorageType::float16}) {
        changed->set_weight_storage(stream(), on_the_way);
        EXPECT_EQ(changed->weight_storage(), on_the_way);
        changed.sum();
        changed->set_weight_storage(stream(), library_storage(settings.weight_storage));
        EXPECT_TRUE(same_bits(changed.sum(), made.sum())) << model_test::describe(settings);
      }
      EXPECT_TRUE(same_bits(forward(changed, 2), forward(made, 2)));
      EXPECT_EQ(changed->save(stream()), made->save(stream()));
    }
  });
}

TEST_P(WeightStorageTest, ASwitchAndBackRestoresTheBits) {
  for_each([&](ConnectionSettings settings) {
    for (const Model model : model_test::models()) {
      for (const bool has_delays : {true, false}) {
        settings.synapse.model = model;
        settings.has_delays = has_delays;
        settings.synapse.delay = 2.0;
        settings = model_test::consistent(settings);
        SCOPED_TRACE(model_test::describe(settings));
        Subject<float> switched(stream(), without_storage(settings));
        Subject<float> never(stream(), without_storage(settings));
        const DelayKind delays = has_delays ? DelayKind::off_grid : DelayKind::none;
        switched.set_random_parameters(3, settings, delays);
        never.set_random_parameters(3, settings, delays);
        const float* const weights = switched->weight().data();
        for (std::uint64_t t = 0; t < 4; ++t) {
          EXPECT_TRUE(same_bits(forward(switched, t), forward(never, t)));
        }
        switched->reserve_sequence(stream(), 4);
        switched->set_weight_storage(stream(), library_storage(settings.weight_storage));
        EXPECT_FALSE(same_bits(forward(switched, 7), forward(never, 7)));
        EXPECT_FALSE(same_bits(switched.sum(), never.sum()));
        // Parameters stay, and so do views of them and the history.
        EXPECT_EQ(switched->weight().data(), weights);
        for (const Parameter parameter : model_test::parameters()) {
          if (!never->has(parameter)) continue;
          EXPECT_TRUE(same_bits(switched->to_host(stream(), parameter),
                                never->to_host(stream(), parameter)));
        }
        EXPECT_EQ(switched->synapse().save(stream()), never->synapse().save(stream()));
        switched->set_weight_storage(stream(), StorageType::same);
        EXPECT_TRUE(same_bits(switched.sum(), never.sum()));
        EXPECT_TRUE(same_bits(forward(switched, 8), forward(never, 8)));
        EXPECT_EQ(switched->save(stream()), never->save(stream()));
      }
    }
  });
}

TEST_P(WeightStorageTest, ConnectionsOfOneSynapseHaveStoragesOfTheirOwn) {
  support::Random random(support::seed());
  for (const ConnectionKind kind : model_test::connection_kinds()) {
    for (const Model model : {Model::delta_plus, Model::alpha}) {
      ConnectionSettings settings = small_settings(kind, model);
      std::shared_ptr<cusynapse::CurrentSynapse<float>> synapse = model_test::make_synapse<float>(
          stream(), settings.synapse,
          model_test::library_options(settings.synapse, model_test::input_shape(settings)));
      const auto oracle = std::make_shared<reference::Synapse<float>>(settings.synapse);
      std::vector<ConnectionPair<float>> pairs;
      for (const Storage storage : {Storage::float16, Storage::same, Storage::bfloat16}) {
        settings.weight_storage = storage;
        pairs.emplace_back(stream(), settings, synapse, oracle);
        pairs.back().set_random_parameters(random, DelayKind::out_of_range);
      }
      for (int t = 0; t < 6; ++t) {
        const auto stepped = static_cast<std::size_t>(t % 3);
        EXPECT_TRUE(pairs[stepped].forward(random, InputKind::values));
        for (ConnectionPair<float>& pair : pairs) EXPECT_TRUE(pair.sum());
      }
      pairs[1].set_weight_storage(Storage::float16);
      pairs[0].set_weight_storage(Storage::same);
      for (ConnectionPair<float>& pair : pairs) {
        EXPECT_TRUE(pair.sum());
        EXPECT_TRUE(pair.check_state());
      }
    }
  }
}

// ---- What keeps and what renews ----

TEST_P(WeightStorageTest, ChangesOfSizeKeepTheStorage) {
  support::Random random(support::seed());
  for_each([&](ConnectionSettings settings) {
    SCOPED_TRACE(model_test::describe(settings));
    Subject<float> half(stream(), settings);
    Subject<float> plain(stream(), without_storage(settings));
    set_both(random, settings, DelayKind::on_grid, half, plain);
    std::uint64_t seed = 0;
    const auto check = [&](const char* what) {
      EXPECT_EQ(half->weight_storage(), library_storage(settings.weight_storage)) << what;
      for (int t = 0; t < 3; ++t) {
        ++seed;
        EXPECT_TRUE(same_bits(forward(half, seed), forward(plain, seed))) << what;
      }
    };
    const auto change = [&](const char* what, const auto& call) {
      call(*half);
      call(*plain);
      check(what);
    };
    check("made");
    change("set_batch_size", [&](Connection& c) { c.set_batch_size(stream(), 4); });
    change("set_delayed_by", [&](Connection& c) { c.set_delayed_by(stream(), 1.0); });
    // Slots that take two bytes instead of one.
    change("set_delayed_by, keeping",
           [&](Connection& c) { c.set_delayed_by(stream(), 150.0, HistoryChange::keep); });
    change("set_step_time", [&](Connection& c) { c.set_step_time(stream(), 0.25); });
    change("set_delayed_by 0", [&](Connection& c) { c.set_delayed_by(stream(), 0.0); });
    change("set_delayed_by", [&](Connection& c) { c.set_delayed_by(stream(), 2.0); });
    change("the synapse's set_batch_size and refresh", [&](Connection& c) {
      c.synapse().set_batch_size(stream(), 2);
      c.refresh(stream());
    });
    change("clear", [&](Connection& c) { c.clear(stream()); });
    change("clamp_delays", [&](Connection& c) { c.clamp_delays(stream()); });
    change("reserve_sequence", [&](Connection& c) { c.reserve_sequence(stream(), 5); });
    change("prepare", [&](Connection& c) { c.prepare(stream()); });
  });
}

TEST_P(WeightStorageTest, WrittenParametersRenewThePlan) {
  support::Random random(support::seed());
  for_each([&](ConnectionSettings settings) {
    SCOPED_TRACE(model_test::describe(settings));
    Subject<float> half(stream(), settings);
    Subject<float> plain(stream(), without_storage(settings));
    for (const Way way : model_test::ways()) {
      for (const DelayKind delays : {DelayKind::on_grid, DelayKind::off_grid}) {
        set_both(random, settings, delays, half, plain, way);
        EXPECT_TRUE(same_bits(forward(half, 1), forward(plain, 1)));
        // Weights alone, then delays alone.
        const auto count = half->weight_shape().size();
        const auto weights = awkward_weights(random, count);
        half.set(Parameter::weight, weights, way);
        plain.set(Parameter::weight, rounded(settings.weight_storage, weights), way);
        EXPECT_TRUE(same_bits(half.sum(), plain.sum()));
        const auto new_delays =
            model_test::random_delays<float>(random, settings.synapse, count, delays);
        half.set(Parameter::delay, new_delays, way);
        plain.set(Parameter::delay, new_delays, way);
        EXPECT_TRUE(same_bits(half.sum(), plain.sum()));
      }
    }
  });
}

TEST_P(WeightStorageTest, ConstantsOfTheSynapseRenewThePlan) {
  for_each([&](ConnectionSettings settings) {
    settings.synapse.model = Model::single_exponential;
    Subject<float> changed(stream(), settings);
    changed.set_random_parameters(3, settings, DelayKind::off_grid);
    for (std::uint64_t t = 0; t < 5; ++t) forward(changed, t);
    const auto before = changed.sum();
    dynamic_cast<cusynapse::SingleExponentialCurrent<float>&>(changed->synapse())
        .set_time_constant(2.5);
    const auto after = changed.sum();
    EXPECT_FALSE(same_bits(after, before));
    changed->refresh(stream());
    EXPECT_TRUE(same_bits(changed.sum(), after)) << model_test::describe(settings);
  });
}

// ---- The bound ----

/// One connection of the sweep, whose planned weights are within the normal range of float16.
ConnectionSettings random_connection(support::Random& random, ConnectionSettings settings,
                                     bool has_delays) {
  settings.has_delays = has_delays;
  settings.biased = false;
  settings.synapse.delay = 2.0;
  settings.synapse.step_time = random.one_of<double>({0.5, 0.1, 0.7});
  settings.synapse.time_constant = random.one_of<double>({4.3, 0.9});
  settings.synapse.current_overbound = random.chance(0.5) ? -2.25 : 0.0;
  if (settings.kind == ConnectionKind::dense) {
    settings.synapse.sample_size = random.one_of<std::int64_t>({1, 3, 33, 70});
  }
  return model_test::consistent(settings);
}

/// Weights, and what a plan multiplies them by where every delay is the one given.
struct Weights {
  std::vector<float> values;
  std::optional<double> delay;
};

/// Of both signs, at delays of all sorts.
Weights random_weights(support::Random& random, std::int64_t count) {
  Weights out;
  for (std::int64_t i = 0; i < count; ++i) {
    const double size = std::exp2(random.between(-4.0, 1.0));
    out.values.push_back(static_cast<float>(random.chance(0.5) ? size : -size));
  }
  return out;
}

/// Such that storing moves all products the same way and as far as it can: nearly in the middle
/// between 1 and the next number, times what undoes the decay of a quarter of a step.
Weights worst_weights(const reference::Settings& synapse, std::int64_t count, Storage storage) {
  Weights out;
  double decay = 1.0;
  if (synapse.delay > 0) {
    out.delay = 1.75 * synapse.step_time;
    if (synapse.model != Model::delta && synapse.model != Model::delta_plus) {
      const bool is_double = synapse.model == Model::double_exponential;
      const double tau = is_double ? synapse.tc_decay : synapse.time_constant;
      decay = std::exp(-0.25 * synapse.step_time / tau);
    }
  }
  const double worst = 1.0 + 0.99 * reference::unit_roundoff(storage);
  out.values.assign(static_cast<std::size_t>(count), static_cast<float>(worst / decay));
  return out;
}

/// The largest errors, as shares of the bound, of planned weights in 16 bits and in float.
struct Shares {
  double of_half = 0.0;
  double of_float = 0.0;
};

/// Runs a connection; errors above the bound fail.
void find_shares(const cusynapse::Stream& stream, support::Random& random,
                 ConnectionSettings settings, Storage storage, bool is_worst, Shares& largest) {
  // What rises is soon gone, so that the leading trace is nearly the current.
  if (is_worst) settings.synapse.tc_rise = 0.15 * settings.synapse.step_time;
  SCOPED_TRACE(model_test::describe(settings));
  // The oracle is not told of the storage.
  ConnectionPair<float> half(stream, settings);
  ConnectionPair<float> plain(stream, settings);
  half.connection().set_weight_storage(stream, library_storage(storage));
  const std::int64_t count = half.count(Parameter::weight);
  const Weights weights =
      is_worst ? worst_weights(settings.synapse, count, storage) : random_weights(random, count);
  std::vector<float> delays =
      model_test::random_delays<float>(random, settings.synapse, count, DelayKind::out_of_range);
  if (weights.delay) {
    delays.assign(static_cast<std::size_t>(count), static_cast<float>(*weights.delay));
  }
  for (ConnectionPair<float>* pair : {&half, &plain}) {
    pair->set(Parameter::weight, weights.values);
    if (settings.has_delays) pair->set(Parameter::delay, delays);
  }
  for (int t = 0; t < 6; ++t) {
    std::vector<float> input =
        model_test::random_inputs<float>(random, InputKind::bits, half.input_size());
    if (is_worst && t % 2 != 0) input.assign(input.size(), 0.0F);
    (void)half.forward(input, InputKind::bits);  // judged below
    EXPECT_TRUE(plain.forward(input, InputKind::bits));
    const auto exact = half.expected().unrounded_sum(storage);
    for (std::size_t i = 0; i < exact.values.size(); ++i) {
      const double bound = exact.roundings[i];
      // Arithmetic in float, as much as connection_test allows.
      const double slack = exact.magnitudes[i] * model_test::sum_relative<float>();
      const double error = std::fabs(static_cast<double>(half.output()[i]) - exact.values[i]);
      EXPECT_LE(error, bound + slack) << "step " << t << ", index " << i;
      if (bound == 0) continue;
      const double of_float = std::fabs(static_cast<double>(plain.output()[i]) - exact.values[i]);
      largest.of_half = std::max(largest.of_half, error / bound);
      largest.of_float = std::max(largest.of_float, of_float / bound);
    }
  }
}

TEST_P(WeightStorageTest, ErrorsStayBelowTheBoundAndComeNearIt) {
  support::Random random(support::seed());
  for (const ConnectionKind kind : model_test::connection_kinds()) {
    for (const Model model : model_test::models()) {
      for (const Storage storage : halves) {
        for (const bool has_delays : {true, false}) {
          const std::string what = std::string(model_test::class_name(kind)) + "_" +
                                   model_test::class_name(model) + "_" + name_of(storage) +
                                   (has_delays ? "_delayed" : "");
          SCOPED_TRACE(what);
          Shares largest;
          for (const std::int64_t batch_size : {1, 7, 33}) {
            for (const bool is_worst : {false, true}) {
              ConnectionSettings settings = small_settings(kind, model);
              settings.synapse.batch_size = batch_size;
              settings = random_connection(random, settings, has_delays);
              find_shares(stream(), random, settings, storage, is_worst, largest);
            }
          }
          RecordProperty(what, std::to_string(largest.of_half) + ", of float " +
                                   std::to_string(largest.of_float));
          // Nearly reached; and the error is that of the storage, not of the arithmetic.
          EXPECT_GE(largest.of_half, 0.75);
          EXPECT_LE(largest.of_float, 1.0 / 64);
        }
      }
    }
  }
}

// ---- Beyond the normal range ----

/// Direct sums of one unit current each.
std::vector<float> products(const cusynapse::Stream& stream, Storage storage,
                            const std::vector<float>& weights, float current) {
  ConnectionSettings settings = small_settings(ConnectionKind::direct, Model::delta_plus);
  settings.synapse.sample_size = static_cast<std::int64_t>(weights.size());
  settings.synapse.batch_size = 1;
  settings.synapse.spike_charge = settings.synapse.step_time;
  settings.biased = false;
  settings.weight_storage = storage;
  Subject<float> subject(stream, settings);
  subject.set(Parameter::weight, weights);
  return subject.forward(std::vector<float>(weights.size(), current), InputKind::values);
}

TEST_P(WeightStorageTest, LargeWeightsOverflowInFloat16Alone) {
  const std::vector<float> weights = {65504.0F,  -65504.0F, 65519.996F, 65520.0F,
                                      -70000.0F, 3e38F,     0x1p-24F,   0x1p-26F};
  EXPECT_TRUE(
      same_bits(products(stream(), Storage::float16, weights, 1.0F),
                {65504.0F, -65504.0F, 65504.0F, HUGE_VALF, -HUGE_VALF, HUGE_VALF, 0x1p-24F, 0.0F}));
  EXPECT_TRUE(same_bits(
      products(stream(), Storage::bfloat16, weights, 1.0F),
      {65536.0F, -65536.0F, 65536.0F, 65536.0F, -70144.0F, 0x1.c4p127F, 0x1p-24F, 0x1p-26F}));
  // An infinite weight of a silent input is no number, as in any matrix product.
  const auto silent = products(stream(), Storage::float16, weights, 0.0F);
  EXPECT_EQ(silent[0], 0.0F);
  EXPECT_TRUE(std::isnan(silent[3]));
  EXPECT_EQ(products(stream(), Storage::bfloat16, weights, 0.0F)[3], 0.0F);
}

// Parameters are floats whatever the plan makes of them: what overflowed is there again.
TEST_P(WeightStorageTest, WhatOverflowedIsThereAgainInAnotherStorage) {
  for (const ConnectionKind kind : model_test::connection_kinds()) {
    ConnectionSettings settings = small_settings(kind, Model::delta_plus);
    settings.weight_storage = Storage::float16;
    Subject<float> subject(stream(), settings);
    const auto count = static_cast<std::size_t>(subject->weight_shape().size());
    subject.set(Parameter::weight, std::vector<float>(count, 1e5F));
    const std::vector<float> ones(static_cast<std::size_t>(subject.input_shape().size()), 1.0F);
    const auto sums = subject.forward(ones, InputKind::values);
    EXPECT_TRUE(std::any_of(sums.begin(), sums.end(), [](float sum) { return sum == HUGE_VALF; }));
    subject->set_weight_storage(stream(), StorageType::bfloat16);
    for (const float sum : subject.sum()) EXPECT_TRUE(std::isfinite(sum));
  }
}

// It is the weight times its decay that is stored.
TEST_P(WeightStorageTest, DecayedWeightsAreWhatIsRounded) {
  ConnectionSettings settings = small_settings(ConnectionKind::direct, Model::single_exponential);
  settings.synapse.sample_size = 1;
  settings.synapse.batch_size = 1;
  settings.synapse.step_time = 1.0;
  settings.synapse.delay = 2.0;
  settings.synapse.time_constant = 0.5;
  settings.weight_storage = Storage::float16;
  settings.biased = false;
  Subject<float> subject(stream(), settings);
  subject.set(Parameter::weight, {2e5F});
  for (int t = 0; t < 3; ++t) subject.forward({1.0F}, InputKind::values);
  subject.set(Parameter::delay, {1.0F});
  EXPECT_EQ(subject.sum()[0], HUGE_VALF);
  subject.set(Parameter::delay, {0.25F});  // 0.75 after an observation: exp(-1.5) of it
  const float decayed = subject.sum()[0];
  EXPECT_TRUE(std::isfinite(decayed));
  subject->set_weight_storage(stream(), StorageType::same);
  EXPECT_NEAR(decayed, subject.sum()[0], 0x1p-11 * subject.sum()[0]);
}

// ---- Refusals ----

TEST_P(WeightStorageTest, StoragesThatThereAreNotAreRefused) {
  for (const ConnectionKind kind : model_test::connection_kinds()) {
    const std::string name = model_test::class_name(kind);
    ConnectionSettings settings = small_settings(kind, Model::double_exponential);
    for (const Storage storage : halves) {
      settings.weight_storage = storage;
      EXPECT_TRUE(refuses([&] { model_test::make_connection<double>(stream(), settings, 1); },
                          Errc::invalid_argument,
                          {name + ": storage is " + name_of(storage) + ", expected same"}));
    }
    for (const int unknown : {3, -1, 256}) {
      settings.weight_storage = static_cast<Storage>(unknown);
      const std::string text = "storage is " + std::to_string(unknown);
      EXPECT_TRUE(refuses([&] { model_test::make_connection<float>(stream(), settings, 1); },
                          Errc::invalid_argument, {name + ": " + text, "float16 or bfloat16"}));
      EXPECT_TRUE(refuses([&] { model_test::make_connection<double>(stream(), settings, 1); },
                          Errc::invalid_argument, {name + ": " + text}));
    }
    settings.weight_storage = Storage::same;
    const auto refused_by = [&]<class T>(const std::vector<int>& storages) {
      Subject<T> subject(stream(), settings);
      Subject<T> same(stream(), settings);
      if constexpr (std::is_same_v<T, float>) {
        subject->set_weight_storage(stream(), StorageType::float16);
        same->set_weight_storage(stream(), StorageType::float16);
      }
      subject.set_random_parameters(3, settings, DelayKind::off_grid);
      same.set_random_parameters(3, settings, DelayKind::off_grid);
      subject.sum();
      const auto before = subject->save(stream());
      const StorageType storage = subject->weight_storage();
      for (const int unknown : storages) {
        EXPECT_TRUE(refuses(
            [&] { subject->set_weight_storage(stream(), static_cast<StorageType>(unknown)); },
            Errc::invalid_argument, {name + "::set_weight_storage: storage is "}));
        EXPECT_EQ(subject->weight_storage(), storage);
        EXPECT_EQ(subject->save(stream()), before);
        support::Random random(1);
        const auto input =
            model_test::random_inputs<T>(random, InputKind::values, same.input_shape().size());
        EXPECT_TRUE(same_bits(subject.forward(input, InputKind::values),
                              same.forward(input, InputKind::values)));
        subject->clear(stream());
        same->clear(stream());
      }
    };
    refused_by.template operator()<float>({3, -1, 256});
    refused_by.template operator()<double>({1, 2, 3, -1});
    // Same is a storage of double connections, too.
    Subject<double> subject(stream(), settings);
    EXPECT_NO_THROW(subject->set_weight_storage(stream(), StorageType::same));
  }
}

TEST_P(WeightStorageTest, AChangedSynapseIsToBeTakenOverFirst) {
  for (const ConnectionKind kind : model_test::connection_kinds()) {
    ConnectionSettings settings = small_settings(kind, Model::alpha);
    Subject<float> subject(stream(), settings);
    subject->synapse().set_batch_size(stream(), 2);
    EXPECT_TRUE(refuses([&] { subject->set_weight_storage(stream(), StorageType::float16); },
                        Errc::invalid_argument,
                        {"set_weight_storage", "refresh to be called first"}));
    EXPECT_EQ(subject->weight_storage(), StorageType::same);
    subject->refresh(stream());
    subject->set_weight_storage(stream(), StorageType::float16);
    EXPECT_EQ(subject->weight_storage(), StorageType::float16);
  }
}

}  // namespace
