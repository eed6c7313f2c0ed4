// Level 2 on memory of the caller's, what it refuses, and what the memory under it refuses.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "cusynapse/cusynapse.hpp"

namespace cusynapse {
namespace {

const Stream cpu = Stream::cpu();

void expect_refused(Errc code, const std::string& words, const std::function<void()>& call) {
  try {
    call();
    FAIL() << "expected an error with '" << words << "'";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
  }
}

// A population of three synapses with one trace, of which the caller owns and advances everything.
struct Population {
  Population() : trace(Device::cpu(), 4 * stride), spikes(Device::cpu(), 4 * stride / 8) {
    trace.fill_zero(cpu);
    spikes.fill_zero(cpu);
  }
  DecayInject<float> step(const float* input) {
    DecayInject<float> a;
    a.trace_count = 1;
    a.decay[0] = 0.5f;
    a.gain[0] = 2.0f;
    a.traces[0] = trace.data();
    a.spikes = spikes.data();
    a.size = 3;
    a.stride = stride;
    a.slots = 4;
    a.head.value = head;
    a.input = input;
    return a;
  }
  DelayedSelect<float> select(const float* selector, float* out) {
    DelayedSelect<float> a;
    a.traces[0] = trace.data();
    a.size = 3;
    a.stride = stride;
    a.slots = 4;
    a.head.value = head;
    a.limit = 3;
    a.selector = selector;
    a.out = out;
    return a;
  }

  static constexpr std::int64_t stride = slot_stride(3);
  Buffer<float> trace;
  Buffer<std::uint8_t> spikes;
  std::int32_t head = 0;
};

TEST(Ops, StepAndSelectWithAHeadOfTheCallers) {
  Population population;
  const float input[] = {1, 0, 2};
  const float silence[] = {0, 0, 0};
  ops::decay_inject(cpu, population.step(input));
  population.head = 1;
  ops::decay_inject(cpu, population.step(silence));
  population.head = 2;
  const float delays[] = {0, 1, 1};
  float out[3];
  ops::delayed_select(cpu, population.select(delays, out));
  EXPECT_EQ(out[0], 1.0f);
  EXPECT_EQ(out[1], 0.0f);
  EXPECT_EQ(out[2], 4.0f);
}

TEST(Ops, ResultsMayTakeTheSelectorsPlace) {
  Population population;
  const float input[] = {1, 0, 2};
  ops::decay_inject(cpu, population.step(input));
  population.head = 1;
  float delays[] = {0, 0, 0};
  ops::delayed_select(cpu, population.select(delays, delays));
  EXPECT_EQ(delays[2], 4.0f);
}

// What a pointer says of its elements, and what may not be taken for traces.
TEST(StoredDatas, KnowTheTypeOfTheirPointer) {
  float16 half[2] = {};
  const bfloat16 brain[2] = {};
  float same[2] = {};
  const StoredData<float> of_half = half;
  EXPECT_EQ(of_half.storage(), StorageType::float16);
  EXPECT_EQ(of_half.as<float16>() + 1, half + 1);
  const StoredData<const float> of_const = of_half;
  EXPECT_EQ(of_const.storage(), StorageType::float16);
  EXPECT_EQ(of_const.data(), half);
  EXPECT_EQ(StoredData<const float>(brain).storage(), StorageType::bfloat16);
  EXPECT_EQ(StoredData<const float>(same).storage(), StorageType::same);
  EXPECT_EQ(StoredData<float>(nullptr).data(), nullptr);
  static_assert(!std::is_convertible_v<float16*, StoredData<double>>);
  static_assert(!std::is_convertible_v<double*, StoredData<float>>);
  static_assert(!std::is_convertible_v<const bfloat16*, StoredData<float>>);
  static_assert(!std::is_convertible_v<StoredData<const float>, StoredData<float>>);
  static_assert(!std::is_convertible_v<std::uint16_t*, StoredData<float>>);
}

TEST(Ops, NothingToStepIsNoError) {
  Population population;
  DecayInject<float> a = population.step(nullptr);
  a.size = 0;
  EXPECT_NO_THROW(ops::decay_inject(cpu, a));
}

TEST(Ops, ArgumentsOutsideTheirDomainAreRefused) {
  Population population;
  const float values[] = {0, 0, 0};
  float out[3];
  const auto refuse_step = [&](const char* words, auto change) {
    DecayInject<float> a = population.step(values);
    change(a);
    expect_refused(Errc::invalid_argument, words, [&] { ops::decay_inject(cpu, a); });
  };
  refuse_step("size is -1", [](auto& a) { a.size = -1; });
  refuse_step("stride is 3", [](auto& a) { a.stride = 3; });
  refuse_step("slots is 0", [](auto& a) { a.slots = 0; });
  refuse_step("head is 4", [](auto& a) { a.head.value = 4; });
  refuse_step("steps is 0", [](auto& a) { a.steps = 0; });
  constexpr std::int64_t huge = std::int64_t{1} << 62;
  refuse_step("size is 4.61168602e+18, expected 0 to 2^56", [=](auto& a) { a.size = huge; });
  refuse_step("stride is 4.61168602e+18", [=](auto& a) { a.stride = huge; });
  refuse_step("inputs of all steps is 1.38350581e+19, expected at most 2^56",
              [=](auto& a) { a.steps = huge; });
  refuse_step("trace_count is 3", [](auto& a) { a.trace_count = 3; });
  refuse_step("input_kind is 7", [](auto& a) { a.input_kind = static_cast<InputKind>(7); });
  refuse_step("injected_count is 1", [](auto& a) { a.injected_count = 1; });
  refuse_step("input is null", [](auto& a) { a.input = nullptr; });
  refuse_step("traces is null", [](auto& a) { a.traces[0] = nullptr; });
  refuse_step("traces is not aligned",
              [](auto& a) { a.traces[0] = a.traces[0].template as<float>() + 1; });
  refuse_step("traces is float16 and same, expected all of one storage", [](auto& a) {
    a.trace_count = 2;
    a.traces[1] = a.traces[0];
    a.traces[0] = StoredData<float>(a.traces[0].data(), StorageType::float16);
  });
  refuse_step("storage is 5", [](auto& a) {
    a.traces[0] = StoredData<float>(a.traces[0].data(), static_cast<StorageType>(5));
  });
  refuse_step("trace_count is -1", [](auto& a) {
    a.dynamics = static_cast<Dynamics>(9);
    a.trace_count = -1;
  });

  const auto refuse_select = [&](const char* words, auto change) {
    DelayedSelect<float> a = population.select(values, out);
    change(a);
    expect_refused(Errc::invalid_argument, words, [&] { ops::delayed_select(cpu, a); });
  };
  refuse_select("samples is 0", [](auto& a) { a.samples = 0; });
  // 3 * 2^62 wraps to what is below 0.
  refuse_select("samples of all elements is 1.38350581e+19, expected at most 2^56",
                [=](auto& a) { a.samples = huge; });
  refuse_select("step_time is 0", [](auto& a) { a.step_time = 0; });
  refuse_select("limit is -1", [](auto& a) { a.limit = -1; });
  refuse_select("limit is 100", [](auto& a) { a.limit = 100; });
  refuse_select("limit is inf", [](auto& a) { a.limit = HUGE_VALF; });
  refuse_select("tolerance is nan", [](auto& a) { a.tolerance = NAN; });
  refuse_select("trace_count is 2", [](auto& a) { a.trace_count = 2; });
  refuse_select("rule is 9", [](auto& a) { a.rule = static_cast<SelectRule>(9); });
  refuse_select("traces is same and float16", [](auto& a) {
    a.rule = SelectRule::exponential_decay;
    a.trace_count = 2;
    a.traces[1] = StoredData<const float>(a.traces[0].data(), StorageType::float16);
  });
  refuse_select("out is null", [](auto& a) { a.out = nullptr; });

  const DecayInjectGroup<float> group{population.step(values), 0, 0, 1};
  const std::int32_t tile_group = 0;
  DecayInjectGroups<float> groups;
  groups.groups = &group;
  groups.tile_group = &tile_group;
  groups.tile_count = 1;
  groups.input = values;
  groups.input_kind = static_cast<InputKind>(7);
  expect_refused(Errc::invalid_argument, "input_kind is 7",
                 [&] { ops::decay_inject_grouped(cpu, groups); });

  SpikeSelect<float> spikes;
  spikes.spikes = population.spikes.data();
  spikes.size = 3;
  spikes.stride = Population::stride;
  spikes.slots = 4;
  spikes.samples = huge;
  spikes.values = out;
  expect_refused(Errc::invalid_argument, "samples of all elements",
                 [&] { ops::spike_select(cpu, spikes); });

  History<float> history(cpu, HistoryOptions{{3}});
  RingSelect<float> select;
  select.ring = history.ring();
  select.times = values;
  select.samples = huge;
  select.out = out;
  expect_refused(Errc::invalid_argument, "samples of all elements",
                 [&] { ops::ring_select(cpu, select); });
  for (const bool is_write : {false, true}) {
    RingWrite<float> write{history.ring(), values};
    RingRead<float> read{history.ring(), out};
    write.frames = read.frames = huge;
    expect_refused(Errc::invalid_argument, "frames is 4.61168602e+18", [&] {
      if (is_write) return ops::ring_write(cpu, write);
      ops::ring_read(cpu, read);
    });
  }
  RingResample<float> resample;
  resample.source = history.ring();
  resample.destination = history.ring();
  resample.destination.head = {};
  resample.rule = static_cast<SelectRule>(9);
  expect_refused(Errc::invalid_argument, "rule is 9", [&] { ops::ring_resample(cpu, resample); });
}

TEST(Ops, HeadsMoveByAnyNumberOfSteps) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
  for (const std::int32_t slots : {1, 5, 1 << 30}) {
    for (const std::int64_t steps : {most, least, most - 1, least + 1}) {
      RingState state;
      state.head = slots - 1;
      ops::ring_advance(cpu, &state, slots, steps);
      const std::int64_t moved = (slots - 1 + steps % slots) % slots;
      EXPECT_EQ(state.head, moved < 0 ? moved + slots : moved) << steps << " of " << slots;
    }
  }
  HistoryOptions options;
  options.shape = {1};
  options.duration = 3.0;
  History<float> history(cpu, options);
  for (const float value : {1.0F, 2.0F, 3.0F}) {
    history.push(cpu, View<const float>(&value, {1, 1}));
  }
  RingRead<float> read;
  read.ring = history.ring();
  float out = 0;
  read.out = &out;
  read.steps_back = least;  // 1 modulo 3
  ops::ring_read(cpu, read);
  EXPECT_EQ(out, 3.0F);
}

TEST(Ops, AHistoryMadeAnewHasItsHeadAsANumber) {
  HistoryOptions options;
  options.shape = {3};
  History<float> history(cpu, options);
  RingRegrid<float> regrid{history.ring(), history.ring()};
  expect_refused(Errc::invalid_argument, "destination.head",
                 [&] { ops::ring_regrid(cpu, regrid); });
}

// One time is located in double, and its slot is the one that double has.
TEST(Histories, LongerThanFloatCountsAreReadAndWrittenAtOneTime) {
  HistoryOptions options;
  options.shape = {1};
  options.duration = 0x1p25;
  History<bool> history(cpu, options);
  const std::uint8_t spike = 1;
  const View<const std::uint8_t> observation(&spike, {1, 1});
  std::uint8_t out = 7;
  const View<std::uint8_t> result(&out, {1, 1});
  history.push(cpu, observation);
  history.increment(cpu, 1 << 24);  // now it is 2^24 + 1 steps back
  history.select(cpu, 0x1p24, result);
  EXPECT_EQ(out, 1);
  history.select(cpu, 0x1p24 + 1, result);
  EXPECT_EQ(out, 0);
  history.reset(cpu);
  history.insert(cpu, observation, 0x1p24 + 3);
  history.read(cpu, result, (1 << 24) + 3);
  EXPECT_EQ(out, 1);
  history.read(cpu, result, (1 << 24) + 4);
  EXPECT_EQ(out, 0);
}

TEST(BufferMemory, SizesThatCannotBeAreRefused) {
  expect_refused(Errc::invalid_argument, "size is -1",
                 [] { Buffer<float> buffer(Device::cpu(), -1); });
  expect_refused(Errc::invalid_argument, "size is 4611686018427387904",
                 [] { Buffer<float> buffer(Device::cpu(), std::int64_t{1} << 62); });
}

// A model that says of itself what it is told to.
struct ToldModel {
  using Parameters = SynapseModel;
  static constexpr const char* name = "ToldModel";
  static SynapseModel at(const Parameters& model, double) { return model; }
};
using ToldSynapse = ModelSynapse<float, ToldModel>;

SynapseModel decaying(int trace_count) {
  SynapseModel model;
  model.dynamics = Dynamics::decay;
  model.trace_count = trace_count;
  for (SynapseModel::Trace& trace : model.traces) trace = {2.0, 1.0, 1.0};
  return model;
}

SynapseOptions one_synapse() {
  SynapseOptions options;
  options.shape = {1};
  options.delay = 2;
  return options;
}

TEST(OwnModel, MustFitItsDynamicsAndItsType) {
  const auto refuse = [](const char* words, auto change) {
    SynapseModel model = decaying(1);
    change(model);
    expect_refused(Errc::invalid_argument, words,
                   [&] { ToldSynapse synapse(cpu, one_synapse(), model); });
  };
  refuse("trace_count is 5", [](auto& m) { m.trace_count = 5; });
  refuse("trace_count is 0", [](auto& m) { m.trace_count = 0; });
  refuse("trace_count is 2", [](auto& m) {
    m.dynamics = Dynamics::memoryless;
    m.trace_count = 2;
  });
  refuse("time constant of a trace is 0", [](auto& m) { m.traces[0].time_constant = 0; });
  refuse("time constant of a trace is 1e-60", [](auto& m) { m.traces[0].time_constant = 1e-60; });
  refuse("gain of a trace is 1e+60", [](auto& m) { m.traces[0].gain = 1e60; });
}

TEST(OwnModel, KeepsItsTracesWhenItsConstantsChange) {
  ToldSynapse synapse(cpu, one_synapse(), decaying(1));
  expect_refused(Errc::invalid_argument, "trace_count is 2",
                 [&] { synapse.set_parameters(decaying(2)); });
  EXPECT_EQ(synapse.parameters().trace_count, 1);
  const float input = 1;
  float current = 0;
  synapse.step(cpu, View<const float>(&input, {1, 1}));
  synapse.current(cpu, View<float>(&current, {1, 1}));
  EXPECT_EQ(current, 1.0f);
}

TEST(OwnModel, TheWeightOfAnOnlyTraceCountsNowAndAtDelays) {
  SynapseModel model = decaying(1);
  model.traces[0].weight = -1;
  ToldSynapse synapse(cpu, one_synapse(), model);
  const float input = 4;
  const float delay = 0;
  float current = 0;
  synapse.step(cpu, View<const float>(&input, {1, 1}));
  synapse.current(cpu, View<float>(&current, {1, 1}));
  EXPECT_EQ(current, -4.0f);
  synapse.current_at(cpu, View<const float>(&delay, {1, 1}), View<float>(&current, {1, 1}));
  EXPECT_EQ(current, -4.0f);
}

// What is written is the current; a trace that counts negatively is not.
TEST(OwnModel, AnOnlyTraceIsTheCurrentWhereItsWeightIsOne) {
  SynapseModel model = decaying(1);
  model.traces[0].weight = -1;
  ToldSynapse synapse(cpu, one_synapse(), model);
  const float wanted = 4;
  float current = 7;
  expect_refused(Errc::not_supported, "set_current", [&] {
    synapse.set_current(cpu, View<const float>(&wanted, {1, 1}));
  });
  synapse.current(cpu, View<float>(&current, {1, 1}));
  EXPECT_EQ(current, 0.0F);
  model.traces[0].weight = 1;
  synapse.set_parameters(model);
  synapse.set_current(cpu, View<const float>(&wanted, {1, 1}));
  synapse.current(cpu, View<float>(&current, {1, 1}));
  EXPECT_EQ(current, wanted);
}

// More steps than float tells apart: the quotient of the largest delay and dt, as float has it, is
// some steps more than there are.
TEST(Synapses, HistoriesLongerThanFloatCountsAreRead) {
  SynapseOptions options;
  options.shape = {1};
  options.step_time = 1.0 + 0x0.FFp-24;  // rounded down by all but half a place
  constexpr double steps = 0x1p25 + 0x1p23;
  options.delay = steps * options.step_time;
  DeltaCurrent<float> synapse(cpu, options, {1.0});
  ASSERT_GT(static_cast<float>(options.delay) / static_cast<float>(options.step_time),
            static_cast<float>(synapse.slots()));
  const std::uint8_t spike = 1;
  synapse.step(cpu, View<const std::uint8_t>(&spike, {1, 1}));
  const float delays[] = {0.0F, 5.0F, static_cast<float>(options.delay)};
  std::uint8_t spikes[3] = {7, 7, 7};
  synapse.spike_at(cpu, View<const float>(delays, {1, 1, 3}), {spikes, {1, 1, 3}});
  EXPECT_EQ(spikes[0], 1);
  EXPECT_EQ(spikes[1], 0);
  EXPECT_LE(spikes[2], 1);
}

TEST(Synapses, DelaysBeyondTheirTypeAreRefused) {
  SynapseOptions options = one_synapse();
  options.step_time = 1e38;
  options.delay = 1e39;
  expect_refused(Errc::invalid_argument, "delay is 1e+39", [&] {
    SingleExponentialCurrent<float> synapse(cpu, options, {1.0, 1.0});
  });
}

}  // namespace
}  // namespace cusynapse
