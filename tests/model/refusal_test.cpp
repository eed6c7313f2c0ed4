// Everything the synapses must refuse, one by one, for every class: with the right code, with a
// message that says where, what was given and what was expected, and with nothing changed.
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cusynapse/cusynapse.hpp"
#include "model/synapse_pair.hpp"
#include "support/devices.hpp"
#include "support/random.hpp"
#include "support/refusal.hpp"

namespace {

using cusynapse::Errc;
using cusynapse::Error;
using cusynapse::Shape;
using cusynapse::SynapseOptions;
using model_test::for_each_class;
using model_test::InputKind;
using model_test::SynapsePair;
using reference::Model;
using reference::Settings;
using support::printed;
using support::refuses;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

Settings good_settings(Model model) {
  Settings settings;
  settings.model = model;
  settings.batch_size = 2;
  settings.sample_size = 5;
  settings.delay = 3.0;
  settings.tolerance = 0.1;
  return settings;
}

/// A synapse with something in its history, and the oracle that knows what.
template <class T>
class Subject {
 public:
  Subject(const cusynapse::Stream& stream, Model model) : pair_(stream, good_settings(model)) {
    for (int t = 0; t < 6; ++t) step();
  }

  cusynapse::CurrentSynapse<T>& synapse() { return pair_.synapse(); }

  /// Whether nothing changed: every history, and what the next step makes of it.
  testing::AssertionResult unchanged() {
    const auto state = pair_.check_state();
    if (!state) return state;
    step();
    const auto next = pair_.check_state();
    if (!next) return testing::AssertionFailure() << "after the next step: " << next.message();
    const auto selector =
        model_test::random_selectors<T>(random_, pair_.settings(), 3 * pair_.size(), true);
    return pair_.check_query(selector, 3);
  }

 private:
  void step() {
    pair_.step(model_test::random_inputs<T>(random_, InputKind::values, pair_.size()),
               InputKind::values);
  }

  support::Random random_{support::seed()};
  SynapsePair<T> pair_;
};

class RefusalTest : public support::DeviceTest {
 protected:
  template <class T>
  testing::AssertionResult construction_refused(Model model,
                                                const std::function<void(SynapseOptions&)>& change,
                                                const std::vector<std::string>& parts) {
    Settings settings = good_settings(model);
    SynapseOptions options = model_test::library_options(settings, {settings.sample_size});
    change(options);
    return parameters_refused<T>(settings, options, parts);
  }

  template <class T>
  testing::AssertionResult parameters_refused(const Settings& settings,
                                              const SynapseOptions& options,
                                              std::vector<std::string> parts) {
    parts.insert(parts.begin(), model_test::class_name(settings.model));
    parts.push_back("expected");
    return refuses([&] { model_test::make_synapse<T>(stream(), settings, options); },
                   Errc::invalid_argument, parts);
  }

  template <class T>
  testing::AssertionResult parameters_refused(Model model,
                                              const std::function<void(Settings&)>& change,
                                              const std::vector<std::string>& parts) {
    Settings settings = good_settings(model);
    const SynapseOptions options = model_test::library_options(settings, {settings.sample_size});
    change(settings);
    return parameters_refused<T>(settings, options, parts);
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
INSTANTIATE_TEST_SUITE_P(Devices, RefusalTest, testing::ValuesIn(support::devices()),
                         support::device_name);

TEST_P(RefusalTest, ExtentsBelowOne) {
  for_each_class([&]<class T>(Model model) {
    for (const Shape& shape : {Shape{0}, Shape{-4}, Shape{3, 0}, Shape{0, 3}, Shape{2, -1, 3}}) {
      EXPECT_TRUE(construction_refused<T>(model,
                                          [&](SynapseOptions& options) { options.shape = shape; },
                                          {"shape", to_string(shape)}));
    }
  });
}

TEST_P(RefusalTest, SizesThatNoMemoryCanHold) {
  for_each_class([&]<class T>(Model model) {
    const std::int64_t large = std::int64_t{1} << 40;
    for (const Shape& shape : {Shape{large, large}, Shape{large, large, large, large}}) {
      Settings settings = good_settings(model);
      EXPECT_THROW(model_test::make_synapse<T>(stream(), settings,
                                               model_test::library_options(settings, shape)),
                   Error)
          << to_string(shape);
    }
    EXPECT_TRUE(construction_refused<T>(
        model, [&](SynapseOptions& options) { options.delay = 1e12; }, {"1e+12"}));
    EXPECT_TRUE(construction_refused<T>(model,
                                        [&](SynapseOptions& options) {
                                          options.shape = {};
                                          options.batch_size = (std::int64_t{1} << 56) + 1;
                                        },
                                        {"batch_size", "72057594037927937"}));
    Subject<T> subject(stream(), model);
    EXPECT_THROW(subject.synapse().set_delay(stream(), 1e12), Error);
    EXPECT_THROW(subject.synapse().set_step_time(stream(), 1e-12), Error);
    EXPECT_THROW(subject.synapse().set_batch_size(stream(), std::int64_t{1} << 62), Error);
    EXPECT_TRUE(subject.unchanged());
  });
}

TEST_P(RefusalTest, BatchSizesBelowOne) {
  for_each_class([&]<class T>(Model model) {
    Subject<T> subject(stream(), model);
    for (const std::int64_t batch_size : {0, -1, -1000}) {
      EXPECT_TRUE(construction_refused<T>(
          model, [&](SynapseOptions& options) { options.batch_size = batch_size; },
          {"batch_size", std::to_string(batch_size)}));
      EXPECT_TRUE(refuses([&] { subject.synapse().set_batch_size(stream(), batch_size); },
                          Errc::invalid_argument,
                          {model_test::class_name(model), "set_batch_size",
                           std::to_string(batch_size), "expected"}));
      EXPECT_TRUE(subject.unchanged());
    }
  });
}

TEST_P(RefusalTest, StepTimesNotPositiveOrNotFinite) {
  for_each_class([&]<class T>(Model model) {
    Subject<T> subject(stream(), model);
    for (const double step_time : {0.0, -1.0, infinity, -infinity, not_a_number}) {
      EXPECT_TRUE(construction_refused<T>(
          model, [&](SynapseOptions& options) { options.step_time = step_time; },
          {"step_time", printed(step_time)}));
      for (const auto change : {cusynapse::HistoryChange::clear, cusynapse::HistoryChange::keep}) {
        EXPECT_TRUE(refuses(
            [&] { subject.synapse().set_step_time(stream(), step_time, change); },
            Errc::invalid_argument,
            {model_test::class_name(model), "set_step_time", printed(step_time), "expected"}));
      }
      EXPECT_TRUE(subject.unchanged());
    }
  });
}

TEST_P(RefusalTest, DelaysNegativeOrNotFinite) {
  for_each_class([&]<class T>(Model model) {
    Subject<T> subject(stream(), model);
    for (const double delay : {-1.0, -1e-9, infinity, -infinity, not_a_number}) {
      EXPECT_TRUE(construction_refused<T>(model,
                                          [&](SynapseOptions& options) { options.delay = delay; },
                                          {"delay", printed(delay)}));
      for (const auto change : {cusynapse::HistoryChange::clear, cusynapse::HistoryChange::keep}) {
        EXPECT_TRUE(refuses(
            [&] { subject.synapse().set_delay(stream(), delay, change); }, Errc::invalid_argument,
            {model_test::class_name(model), "set_delay", printed(delay), "expected"}));
      }
      EXPECT_TRUE(subject.unchanged());
    }
  });
}

TEST_P(RefusalTest, SpikeChargesOfZeroOrNotFinite) {
  for_each_class([&]<class T>(Model model) {
    for (const double charge : {0.0, -0.0, infinity, -infinity, not_a_number}) {
      EXPECT_TRUE(parameters_refused<T>(model,
                                        [&](Settings& settings) { settings.spike_charge = charge; },
                                        {"spike_charge", printed(charge)}));
    }
  });
}

TEST_P(RefusalTest, NegativeSpikeChargesAreAccepted) {
  for_each_class([&]<class T>(Model model) {
    Settings settings = good_settings(model);
    settings.spike_charge = -2.5;
    SynapsePair<T> pair(stream(), settings);
    pair.step(std::vector<T>(static_cast<std::size_t>(pair.size()), T(1)), InputKind::bits);
    EXPECT_TRUE(pair.check_state());
  });
}

TEST_P(RefusalTest, TimeConstantsNotPositiveOrNotFinite) {
  for_each_class([&]<class T>(Model model) {
    if (model != Model::single_exponential && model != Model::alpha) return;
    for (const double tau : {0.0, -3.0, infinity, not_a_number}) {
      EXPECT_TRUE(parameters_refused<T>(model,
                                        [&](Settings& settings) { settings.time_constant = tau; },
                                        {"time_constant", printed(tau)}));
    }
  });
}

TEST_P(RefusalTest, NewTimeConstantsNotPositiveOrNotFinite) {
  for (const double tau : {0.0, -3.0, infinity, not_a_number}) {
    Subject<float> subject(stream(), Model::single_exponential);
    auto& synapse = static_cast<cusynapse::SingleExponentialCurrent<float>&>(subject.synapse());
    const double before = synapse.time_constant();
    const std::uint64_t version = synapse.version();
    EXPECT_TRUE(refuses([&] { synapse.set_time_constant(tau); }, Errc::invalid_argument,
                        {"SingleExponentialCurrent", "time_constant", printed(tau), "expected"}));
    EXPECT_EQ(synapse.time_constant(), before);
    EXPECT_EQ(synapse.version(), version);
    EXPECT_TRUE(subject.unchanged());
  }
}

TEST_P(RefusalTest, DecayTimesNotLargerThanRiseTimes) {
  const struct {
    double decay;
    double rise;
    std::string name;
    double value;
  } rows[] = {{2.0, 2.0, "tc_decay", 2.0},
              {1.5, 2.0, "tc_decay", 1.5},
              {not_a_number, 2.0, "tc_decay", not_a_number},
              {infinity, 2.0, "tc_decay", infinity},
              {5.0, 0.0, "tc_rise", 0.0},
              {5.0, -2.0, "tc_rise", -2.0},
              {5.0, not_a_number, "tc_rise", not_a_number}};
  for (const auto& row : rows) {
    const auto change = [&](Settings& settings) {
      settings.tc_decay = row.decay;
      settings.tc_rise = row.rise;
    };
    EXPECT_TRUE(parameters_refused<float>(Model::double_exponential, change,
                                          {row.name, printed(row.value)}));
    EXPECT_TRUE(parameters_refused<double>(Model::double_exponential, change,
                                           {row.name, printed(row.value)}));
  }
}

TEST_P(RefusalTest, TolerancesNegativeOrNotFinite) {
  for_each_class([&]<class T>(Model model) {
    for (const double tolerance : {-0.5, -1e-9, infinity, not_a_number}) {
      EXPECT_TRUE(construction_refused<T>(
          model, [&](SynapseOptions& options) { options.tolerance = tolerance; },
          {"tolerance", printed(tolerance)}));
    }
  });
}

TEST_P(RefusalTest, UnknownInterpolationModes) {
  for_each_class([&]<class T>(Model model) {
    for (const std::int32_t mode : {2, -1, 77}) {
      EXPECT_TRUE(construction_refused<T>(model,
                                          [&](SynapseOptions& options) {
                                            options.interpolation =
                                                static_cast<cusynapse::SpikeInterpolation>(mode);
                                          },
                                          {"interpolation", std::to_string(mode)}));
    }
  });
}

TEST_P(RefusalTest, InputsOfAnotherShape) {
  for_each_class([&]<class T>(Model model) {
    Subject<T> subject(stream(), model);
    for (const Shape& shape : {Shape{5}, Shape{10}, Shape{5, 2}, Shape{2, 6}, Shape{3, 5},
                               Shape{2, 5, 1}, Shape{1, 2, 5}, Shape{}}) {
      const std::vector<T> values(static_cast<std::size_t>(shape.size()), T(1));
      for (const InputKind kind : model_test::input_kinds()) {
        model_test::DeviceInput<T> input(stream(), kind, values, shape);
        EXPECT_TRUE(refuses([&] { subject.synapse().step(stream(), input.input()); },
                            Errc::shape_mismatch,
                            {model_test::class_name(model), "step", "input", to_string(shape),
                             "expected", "[2, 5]"}));
        if (shape == Shape{1, 2, 5}) continue;  // one step of a sequence
        EXPECT_TRUE(refuses([&] { subject.synapse().step_sequence(stream(), input.input()); },
                            Errc::shape_mismatch,
                            {model_test::class_name(model), "step_sequence", "input",
                             to_string(shape), "expected", "2, 5]"}));
      }
      EXPECT_TRUE(subject.unchanged()) << to_string(shape);
    }
    const cusynapse::View<const T> no_steps(nullptr, {0, 2, 5});
    EXPECT_TRUE(refuses([&] { subject.synapse().step_sequence(stream(), no_steps); },
                        Errc::shape_mismatch, {"step_sequence", "[0, 2, 5]", "T at least 1"}));
    const cusynapse::View<const T> null(nullptr, {3, 2, 5});
    EXPECT_TRUE(refuses([&] { subject.synapse().step_sequence(stream(), null); },
                        Errc::invalid_argument, {"step_sequence", "inputs is null"}));
    EXPECT_TRUE(subject.unchanged());
  });
}

TEST_P(RefusalTest, SelectorsAndResultsOfAnotherShape) {
  for_each_class([&]<class T>(Model model) {
    Subject<T> subject(stream(), model);
    auto& synapse = subject.synapse();
    const std::string name = model_test::class_name(model);
    for (const Shape& shape : {Shape{5}, Shape{10}, Shape{5, 2}, Shape{2, 6}, Shape{3, 5, 2},
                               Shape{2, 5, 2, 1}, Shape{2, 5, 0}}) {
      const support::DeviceArray<T> selector(stream(), shape, T(1));
      support::DeviceArray<T> currents(stream(), shape, support::untouched<T>());
      support::DeviceArray<std::uint8_t> spikes(stream(), shape,
                                                support::untouched<std::uint8_t>());
      EXPECT_TRUE(refuses(
          [&] { synapse.current_at(stream(), selector.constant(), currents.view()); },
          Errc::shape_mismatch,
          {name, "current_at", "selector", to_string(shape), "expected", "[2, 5]", "[2, 5, D]"}));
      EXPECT_TRUE(refuses(
          [&] { synapse.spike_at(stream(), selector.constant(), spikes.view()); },
          Errc::shape_mismatch,
          {name, "spike_at", "selector", to_string(shape), "expected", "[2, 5]", "[2, 5, D]"}));
      const support::DeviceArray<T> good(stream(), {2, 5}, T(1));
      EXPECT_TRUE(refuses([&] { synapse.current_at(stream(), good.constant(), currents.view()); },
                          Errc::shape_mismatch,
                          {name, "current_at", "out", to_string(shape), "expected", "[2, 5]"}));
      EXPECT_TRUE(refuses([&] { synapse.spike_at(stream(), good.constant(), spikes.view()); },
                          Errc::shape_mismatch,
                          {name, "spike_at", "out", to_string(shape), "expected", "[2, 5]"}));
      EXPECT_TRUE(refuses([&] { synapse.current(stream(), currents.view()); }, Errc::shape_mismatch,
                          {name, "current", "out", to_string(shape), "expected", "[2, 5]"}));
      EXPECT_TRUE(refuses([&] { synapse.spike(stream(), spikes.view()); }, Errc::shape_mismatch,
                          {name, "spike", "out", to_string(shape), "expected", "[2, 5]"}));
      EXPECT_TRUE(refuses([&] { synapse.set_spike(stream(), spikes.constant()); },
                          Errc::shape_mismatch,
                          {name, "set_spike", to_string(shape), "expected", "[2, 5]"}));
      EXPECT_TRUE(support::matches(
          currents.host(), std::vector<T>(currents.host().size(), support::untouched<T>())));
      EXPECT_TRUE(subject.unchanged()) << to_string(shape);
    }
    const support::DeviceArray<T> three(stream(), {2, 5, 3}, T(1));
    support::DeviceArray<T> four(stream(), {2, 5, 4}, T(1));
    EXPECT_TRUE(refuses([&] { synapse.current_at(stream(), three.constant(), four.view()); },
                        Errc::shape_mismatch,
                        {name, "current_at", "out", "[2, 5, 4]", "expected", "[2, 5, 3]"}));
    // Not the newest, which is what level 2 reads without a selector.
    support::DeviceArray<std::uint8_t> flags(stream(), {2, 5, 4}, 1);
    const cusynapse::View<const T> null(nullptr, {2, 5, 4});
    EXPECT_TRUE(refuses([&] { synapse.current_at(stream(), null, four.view()); },
                        Errc::invalid_argument, {name, "current_at", "selector is null"}));
    EXPECT_TRUE(refuses([&] { synapse.spike_at(stream(), null, flags.view()); },
                        Errc::invalid_argument, {name, "spike_at", "selector is null"}));
    const cusynapse::View<T> none(four.view().data(), {2, 5, 0});
    EXPECT_TRUE(refuses([&] { synapse.current_at(stream(), none, none); }, Errc::shape_mismatch,
                        {name, "current_at", "[2, 5, 0]", "expected", "[2, 5, D]", "at least 1"}));
    EXPECT_TRUE(subject.unchanged());
  });
}

TEST_P(RefusalTest, InjectedCurrentsOfAnotherShape) {
  Subject<float> subject(stream(), Model::delta_plus);
  const support::DeviceArray<float> input(stream(), {2, 5}, 1.0f);
  const support::DeviceArray<float> good(stream(), {2, 5}, 1.0f);
  for (const Shape& shape : {Shape{5}, Shape{10}, Shape{5, 2}, Shape{2, 5, 1}, Shape{3, 5}}) {
    const support::DeviceArray<float> bad(stream(), shape, 1.0f);
    // The bad one last: all are checked before anything is pushed.
    EXPECT_TRUE(refuses(
        [&] {
          subject.synapse().step(stream(), input.constant(), {good.constant(), bad.constant()});
        },
        Errc::shape_mismatch,
        {"DeltaPlusCurrent", "step", "injected", to_string(shape), "expected", "[2, 5]"}));
    EXPECT_TRUE(subject.unchanged());
  }
}

TEST_P(RefusalTest, MoreInjectedCurrentsThanAStepTakes) {
  Subject<float> subject(stream(), Model::delta_plus);
  const support::DeviceArray<float> array(stream(), {2, 5}, 1.0f);
  const std::vector<cusynapse::View<const float>> many(cusynapse::max_injections + 1,
                                                       array.constant());
  EXPECT_TRUE(refuses([&] { subject.synapse().step(stream(), array.constant(), many); },
                      Errc::invalid_argument,
                      {"DeltaPlusCurrent", "step", "injected", "17", "expected", "16"}));
  EXPECT_TRUE(subject.unchanged());
}

TEST_P(RefusalTest, InjectedCurrentsIntoClassesThatTakeNone) {
  for_each_class([&]<class T>(Model model) {
    if (model == Model::delta_plus) return;
    Subject<T> subject(stream(), model);
    const support::DeviceArray<T> array(stream(), {2, 5}, T(1));
    EXPECT_TRUE(
        refuses([&] { subject.synapse().step(stream(), array.constant(), {array.constant()}); },
                Errc::not_supported, {model_test::class_name(model), "step", "injected"}));
    EXPECT_TRUE(subject.unchanged());
  });
}

TEST_P(RefusalTest, OverwritingCurrentsThatAreDerived) {
  for_each_class([&]<class T>(Model model) {
    if (model == Model::delta_plus || model == Model::single_exponential) return;
    Subject<T> subject(stream(), model);
    const support::DeviceArray<T> array(stream(), {2, 5}, T(1));
    EXPECT_TRUE(refuses([&] { subject.synapse().set_current(stream(), array.constant()); },
                        Errc::not_supported, {model_test::class_name(model), "set_current"}));
    EXPECT_TRUE(subject.unchanged());
  });
}

TEST_P(RefusalTest, PartsOfAnotherShape) {
  Subject<float> subject(stream(), Model::double_exponential);
  auto& synapse = static_cast<cusynapse::DoubleExponentialCurrent<float>&>(subject.synapse());
  support::DeviceArray<float> bad(stream(), {5, 2}, 1.0f);
  const auto expect_refusal = [&](const std::string& where, const std::function<void()>& call) {
    EXPECT_TRUE(refuses(call, Errc::shape_mismatch,
                        {"DoubleExponentialCurrent", where, "[5, 2]", "expected", "[2, 5]"}))
        << where;
    EXPECT_TRUE(subject.unchanged()) << where;
  };
  expect_refusal("pos_current", [&] { synapse.pos_current(stream(), bad.view()); });
  expect_refusal("neg_current", [&] { synapse.neg_current(stream(), bad.view()); });
  expect_refusal("set_pos_current", [&] { synapse.set_pos_current(stream(), bad.constant()); });
  expect_refusal("set_neg_current", [&] { synapse.set_neg_current(stream(), bad.constant()); });
  expect_refusal("pos_current_at",
                 [&] { synapse.pos_current_at(stream(), bad.constant(), bad.view()); });
  expect_refusal("neg_current_at",
                 [&] { synapse.neg_current_at(stream(), bad.constant(), bad.view()); });
}

TEST_P(RefusalTest, GroupInputsOfAnotherShape) {
  std::vector<std::unique_ptr<cusynapse::CurrentSynapse<float>>> members;
  members.push_back(
      model_test::make_synapse<float>(stream(), good_settings(Model::single_exponential)));
  members.push_back(model_test::make_synapse<float>(stream(), good_settings(Model::alpha)));
  cusynapse::SynapseGroup<float> group(stream(), std::move(members));
  const std::int64_t size = group.input_size();
  for (const Shape& shape : {Shape{size - 1}, Shape{size + 1}, Shape{1, size}, Shape{2, 5}}) {
    const support::DeviceArray<float> bad(stream(), shape, 1.0f);
    EXPECT_TRUE(refuses(
        [&] { group.step(stream(), bad.constant()); }, Errc::shape_mismatch,
        {"SynapseGroup", "step", "input", to_string(shape), "expected", to_string(Shape{size})}));
    EXPECT_EQ(group[0].pointer(stream()), 0);
    EXPECT_EQ(group[1].pointer(stream()), 0);
  }
}

TEST_P(RefusalTest, StreamsOfAnotherDevice) {
  if (support::devices().size() < 2) GTEST_SKIP() << "there is one device only";
  const cusynapse::Stream other = other_device_stream();
  for_each_class([&]<class T>(Model model) {
    Subject<T> subject(stream(), model);
    auto& synapse = subject.synapse();
    support::DeviceArray<T> array(other, {2, 5}, T(1));
    support::DeviceArray<std::uint8_t> spikes(other, {2, 5}, 1);
    support::DeviceArray<T> sequence(other, {1, 2, 5}, T(1));
    const std::vector<std::uint8_t> state = synapse.save(stream());
    const std::vector<std::function<void()>> calls = {
        [&] { synapse.pointer(other); },
        [&] { synapse.save(other); },
        [&] { synapse.step(other, array.constant()); },
        [&] { synapse.step_sequence(other, sequence.constant()); },
        [&] { synapse.current(other, array.view()); },
        [&] { synapse.spike(other, spikes.view()); },
        [&] { synapse.current_at(other, array.constant(), array.view()); },
        [&] { synapse.spike_at(other, array.constant(), spikes.view()); },
        [&] { synapse.set_spike(other, spikes.constant()); },
        [&] { synapse.clear(other); },
        [&] { synapse.set_batch_size(other, 3); },
        [&] { synapse.set_step_time(other, 0.5); },
        [&] { synapse.set_delay(other, 5.0); }};
    for (const auto& call : calls) {
      EXPECT_TRUE(refuses(
          call, Errc::wrong_device,
          {model_test::class_name(model), to_string(other.device()), to_string(GetParam())}));
      EXPECT_TRUE(subject.unchanged());
    }
    EXPECT_TRUE(refuses([&] { synapse.load(other, state); }, Errc::wrong_device,
                        {"Synapse::load", to_string(other.device()), to_string(GetParam())}));
    EXPECT_TRUE(subject.unchanged());
  });
}

TEST_P(RefusalTest, GroupMembersOfAnotherDevice) {
  if (support::devices().size() < 2) GTEST_SKIP() << "there is one device only";
  const cusynapse::Stream other = other_device_stream();
  // A member elsewhere, alone and behind one that is where the group is.
  for (const bool is_first_there : {false, true}) {
    std::vector<std::unique_ptr<cusynapse::CurrentSynapse<float>>> members;
    if (is_first_there) {
      members.push_back(model_test::make_synapse<float>(other, good_settings(Model::alpha)));
    }
    members.push_back(model_test::make_synapse<float>(stream(), good_settings(Model::alpha)));
    EXPECT_TRUE(refuses(
        [&] { cusynapse::SynapseGroup<float>(other, std::move(members)); }, Errc::wrong_device,
        {"SynapseGroup", to_string(other.device()), "expected", to_string(GetParam())}));
  }
}

}  // namespace
