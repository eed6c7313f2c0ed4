// Level 2 on memory of the caller's, what it refuses, and what the memory under it refuses.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>

#include "cusynapse/cusynapse.hpp"
#include "support/sparse_memory.hpp"

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

constexpr std::int64_t huge = std::int64_t{1} << 62;

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

TEST(Ops, BytesOfSpikesKnowNoAmplitude) {
  const std::uint8_t spikes[4] = {0x05, 0, 0, 0};
  std::uint8_t bytes[3] = {7, 7, 7};
  SpikeSelect<float> a;
  a.spikes = spikes;
  a.size = 3;
  a.stride = 32;
  a.slots = 1;
  a.amplitude = 0;
  a.bytes = bytes;
  ops::spike_select(cpu, a);
  EXPECT_EQ(std::vector<std::uint8_t>(bytes, bytes + 3), (std::vector<std::uint8_t>{1, 0, 1}));
}

TEST(Ops, EveryByteOfAMaskThatIsNotZeroConnects) {
  const std::uint8_t mask[4] = {0, 1, 2, 255};
  const std::vector<float> values = {3, 4, 5, 6};
  std::vector<float> out(4, 7.0f);
  MaskedCopy<float> copy;
  copy.values = values.data();
  copy.mask = mask;
  copy.size = 4;
  copy.out = out.data();
  ops::masked_copy(cpu, copy);
  EXPECT_EQ(out, (std::vector<float>{0, 4, 5, 6}));
  const float one = 1;
  OuterProduct<float> product;
  product.rows = 1;
  product.outputs = 1;
  product.inputs = 4;
  product.left = &one;
  product.right = values.data();
  product.mask = mask;
  product.out = out.data();
  ops::outer_product(cpu, product);
  EXPECT_EQ(out, (std::vector<float>{0, 4, 5, 6}));
}

// Two slots of a trace and of spikes, `stride` elements apart, and what calls make of them.
template <class Stored>
std::vector<float> results_of_two_slots(const support::SparseMemory& traces,
                                        const support::SparseMemory& spikes, std::int64_t stride) {
  constexpr std::int64_t size = 97;  // whole groups and a rest
  auto* const trace = static_cast<Stored*>(traces.data());
  auto* const bits = static_cast<std::uint8_t*>(spikes.data());
  std::vector<float> input;
  std::vector<float> delays;
  for (std::int64_t i = 0; i < 3 * size; ++i) {
    input.push_back(i % 3 == 0 ? 0.0f : 0.25f * static_cast<float>(i));
  }
  for (std::int64_t i = 0; i < size; ++i) delays.push_back(i % 2 == 0 ? 1.0f : 0.0f);

  DecayInject<float> step;
  step.trace_count = 1;
  step.decay[0] = 0.5f;
  step.gain[0] = 2.0f;
  step.traces[0] = trace;
  step.spikes = bits;
  step.size = size;
  step.stride = stride;
  step.slots = 2;
  step.input = input.data();
  step.input_stride = size;
  step.steps = 3;
  ops::decay_inject(cpu, step);  // into slots 0, 1 and 0 again
  step.steps = 1;
  for (const std::int32_t head : {1, 0, 1}) {
    step.head.value = head;
    ops::decay_inject(cpu, step);
  }
  const DecayInjectGroup<float> group{step, 0, 0, 1};
  const std::int32_t tile_group = 0;
  DecayInjectGroups<float> groups;
  groups.groups = &group;
  groups.tile_group = &tile_group;
  groups.tile_count = 1;
  groups.input = input.data() + 1;
  ops::decay_inject_grouped(cpu, groups);

  std::vector<float> results;
  std::vector<float> out(size);
  const auto keep = [&] { results.insert(results.end(), out.begin(), out.end()); };
  DelayedSelect<float> select;
  select.traces[0] = trace;
  select.size = size;
  select.stride = stride;
  select.slots = 2;
  select.limit = 1;
  select.selector = delays.data();
  select.out = out.data();
  ops::delayed_select(cpu, select);
  keep();
  SpikeSelect<float> spike;
  spike.spikes = bits;
  spike.size = size;
  spike.stride = stride;
  spike.slots = 2;
  spike.limit = 1;
  spike.selector = delays.data();
  spike.values = out.data();
  ops::spike_select(cpu, spike);
  keep();
  // Steps that remember spikes alone.
  step.dynamics = Dynamics::spikes_only;
  step.trace_count = 0;
  step.input = input.data() + 2;
  ops::decay_inject(cpu, step);
  ops::spike_select(cpu, spike);
  keep();

  const Ring<Stored> ring{trace, size, stride, 2, {}};
  RingInsert<Stored> insert;
  insert.ring = ring;
  insert.extrapolation = Extrapolation::exponential_decay;
  insert.constant = 2;
  insert.offset = 1;
  const std::vector<float> times(size, 0.5f);
  insert.times = times.data();
  insert.values = input.data();
  ops::ring_insert(cpu, insert);
  RingSelect<Stored> at;
  at.ring = ring;
  at.interpolation = Interpolation::linear;
  at.times = times.data();
  at.out = out.data();
  ops::ring_select(cpu, at);
  keep();
  std::vector<float> frames(2 * size);
  for (int round = 0; round < 2; ++round) {
    RingRead<Stored> read;
    read.ring = ring;
    read.out = frames.data();
    read.frames = 2;
    read.frame_stride = size;
    read.steps_back = 2;
    ops::ring_read(cpu, read);
    results.insert(results.end(), frames.begin(), frames.end());
    RingWrite<Stored> write;
    write.ring = ring;
    write.values = input.data();
    write.frames = 2;
    write.frame_stride = size;
    write.steps_back = 2;
    ops::ring_write(cpu, write);
  }

  std::vector<float> other(2 * size);
  const support::SparseMemory resampled(2 * 128 * sizeof(Stored));
  RingResample<Stored> resample;
  resample.source = ring;
  resample.destination = {static_cast<Stored*>(resampled.data()), size, 128, 2, {}};
  resample.source.head.value = 1;
  resample.destination_step = 0.5;
  resample.rule = SelectRule::chain_decay;
  resample.time_constant = 2;
  resample.feed_rate = 0.5f;
  resample.feeder = trace;
  ops::ring_resample(cpu, resample);
  RingRead<Stored> made;
  made.ring = resample.destination;
  made.out = other.data();
  made.frames = 2;
  made.frame_stride = size;
  made.steps_back = 2;
  ops::ring_read(cpu, made);
  results.insert(results.end(), other.begin(), other.end());

  const Ring<bool> flags{bits, size, stride, 2, {}};
  std::vector<std::uint8_t> bytes(2 * size, 1);
  RingWrite<bool> write;
  write.ring = flags;
  write.values = bytes.data();
  write.steps_back = 1;
  ops::ring_write(cpu, write);
  RingRead<bool> read;
  read.ring = flags;
  read.out = bytes.data();
  read.frames = 2;
  read.frame_stride = size;
  read.steps_back = 2;
  ops::ring_read(cpu, read);
  results.insert(results.end(), bytes.begin(), bytes.end());
  return results;
}

// As 2^31 elements are more than an int counts.
TEST(Ops, SlotsMayLieAnyNumberOfElementsApart) {
  constexpr std::int64_t far = std::int64_t{1} << 31;
  const auto expect_equal = [&]<class Stored>(Stored) {
    const support::SparseMemory traces(2 * far * sizeof(Stored));
    const support::SparseMemory spikes(2 * far / 8);
    if (traces.data() == nullptr || spikes.data() == nullptr) GTEST_SKIP() << "too few addresses";
    const support::SparseMemory near_traces(2 * 128 * sizeof(Stored));
    const support::SparseMemory near_spikes(2 * 128 / 8);
    EXPECT_EQ(results_of_two_slots<Stored>(traces, spikes, far),
              results_of_two_slots<Stored>(near_traces, near_spikes, 128));
  };
  expect_equal(float());
  expect_equal(float16());
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
  refuse_step("slots is 2e+09", [](auto& a) { a.slots = 2000000000; });
  refuse_step("head is -1", [](auto& a) { a.head.value = -1; });
  refuse_step("stride is 33", [](auto& a) { a.stride = 33; });
  refuse_step("spikes is null", [](auto& a) { a.spikes = nullptr; });
  const auto inject = [](auto& a, std::int32_t count) {
    a.dynamics = Dynamics::memoryless;
    a.injected_count = count;
  };
  refuse_step("injected_count is 17", [&](auto& a) { inject(a, 17); });
  refuse_step("injected_count is -1", [&](auto& a) { inject(a, -1); });
  refuse_step("injected is null", [&](auto& a) { inject(a, 1); });
  refuse_step("trace_count is -1", [](auto& a) {
    a.dynamics = static_cast<Dynamics>(9);
    a.trace_count = -1;
  });

  const auto refuse_select = [&](const char* words, auto change) {
    DelayedSelect<float> a = population.select(values, out);
    change(a);
    expect_refused(Errc::invalid_argument, words, [&] { ops::delayed_select(cpu, a); });
  };
  refuse_select("stride is 33", [](auto& a) { a.stride = 33; });
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
  refuse_select("traces is null", [](auto& a) { a.traces[0] = nullptr; });
  refuse_select("out is null", [](auto& a) { a.out = nullptr; });

  const auto refuse_spikes = [&](const char* words, auto change) {
    SpikeSelect<float> a;
    a.spikes = population.spikes.data();
    a.size = 3;
    a.stride = Population::stride;
    a.slots = 4;
    a.values = out;
    change(a);
    expect_refused(Errc::invalid_argument, words, [&] { ops::spike_select(cpu, a); });
  };
  std::uint8_t bytes[3];
  refuse_spikes("slots is 0", [](auto& a) { a.slots = 0; });
  refuse_spikes("samples is 0", [](auto& a) { a.samples = 0; });
  refuse_spikes("step_time is inf", [](auto& a) { a.step_time = HUGE_VALF; });
  refuse_spikes("spikes is null", [](auto& a) { a.spikes = nullptr; });
  refuse_spikes("output is null", [](auto& a) { a.values = nullptr; });
  refuse_spikes("output is both values and bytes", [&](auto& a) { a.bytes = bytes; });

  const DecayInjectGroup<float> group{population.step(values), 0, 0, 1};
  const std::int32_t tile_group = 0;
  DecayInjectGroups<float> groups;
  groups.groups = &group;
  groups.tile_group = &tile_group;
  groups.tile_count = 1;
  groups.input = values;
  const auto refuse_groups = [&](const char* words, auto change) {
    DecayInjectGroups<float> a = groups;
    change(a);
    expect_refused(Errc::invalid_argument, words, [&] { ops::decay_inject_grouped(cpu, a); });
  };
  refuse_groups("input_kind is 7", [](auto& a) { a.input_kind = static_cast<InputKind>(7); });
  refuse_groups("tile_count is -1", [](auto& a) { a.tile_count = -1; });
  refuse_groups("groups is null", [](auto& a) { a.groups = nullptr; });
  refuse_groups("tile_group is null", [](auto& a) { a.tile_group = nullptr; });
  refuse_groups("input is null", [](auto& a) { a.input = nullptr; });

  std::int64_t count = 7;
  const auto refuse_count = [&](const char* words, const float* counted, std::int64_t size,
                                std::int64_t* counts) {
    expect_refused(Errc::invalid_argument, words,
                   [&] { ops::count_outside(cpu, counted, size, 0.0f, 1.0f, counts); });
  };
  refuse_count("size is -1", values, -1, &count);
  refuse_count("values is null", nullptr, 3, &count);
  refuse_count("partial_counts is null", values, 3, nullptr);
  EXPECT_EQ(count, 7);

  SpikeSelect<float> spikes;
  spikes.spikes = population.spikes.data();
  spikes.size = 3;
  spikes.stride = Population::stride;
  spikes.slots = 4;
  spikes.samples = huge;
  spikes.values = out;
  expect_refused(Errc::invalid_argument, "samples of all elements",
                 [&] { ops::spike_select(cpu, spikes); });
}

TEST(Ops, RingsOutsideTheirDomainAreRefused) {
  HistoryOptions options;
  options.shape = {3};
  History<float> history(cpu, options);
  History<bool> flags(cpu, options);
  const float values[] = {1, 2, 3};
  float out[] = {7, 7, 7};
  const auto refuse = [](const char* words, auto arguments, auto call, auto change) {
    change(arguments);
    expect_refused(Errc::invalid_argument, words, [&] { call(arguments); });
  };

  RingSelect<float> select;
  select.ring = history.ring();
  select.out = out;
  const auto refuse_select = [&](const char* words, auto change) {
    refuse(
        words, select, [](const auto& a) { ops::ring_select(cpu, a); }, change);
  };
  refuse_select("samples is 0", [](auto& a) { a.samples = 0; });
  refuse_select("interpolation is 9",
                [](auto& a) { a.interpolation = static_cast<Interpolation>(9); });
  refuse_select("out is null", [](auto& a) { a.out = nullptr; });
  refuse_select("samples of all elements", [=](auto& a) {
    a.times = values;
    a.samples = huge;
  });
  refuse_select("stride is 33", [](auto& a) { a.ring.stride = 33; });
  refuse_select("ring.data is null", [](auto& a) { a.ring.data = nullptr; });
  refuse_select("ring.data is not aligned", [](auto& a) { ++a.ring.data; });

  RingInsert<float> insert;
  insert.ring = history.ring();
  insert.values = values;
  const auto refuse_insert = [&](const char* words, auto change) {
    refuse(
        words, insert, [](const auto& a) { ops::ring_insert(cpu, a); }, change);
  };
  refuse_insert("stride is 33", [](auto& a) { a.ring.stride = 33; });
  refuse_insert("extrapolation is -1",
                [](auto& a) { a.extrapolation = static_cast<Extrapolation>(-1); });
  refuse_insert("values is null", [](auto& a) { a.values = nullptr; });

  RingWrite<float> write;
  write.ring = history.ring();
  write.values = values;
  const auto refuse_write = [&](const char* words, auto change) {
    refuse(
        words, write, [](const auto& a) { ops::ring_write(cpu, a); }, change);
  };
  refuse_write("stride is 33", [](auto& a) { a.ring.stride = 33; });
  refuse_write("frames is -1", [](auto& a) { a.frames = -1; });
  refuse_write("frames is 4.61168602e+18", [=](auto& a) { a.frames = huge; });
  refuse_write("values is null", [](auto& a) { a.values = nullptr; });

  RingRead<bool> read;
  read.ring = flags.ring();
  std::uint8_t bytes[3];
  read.out = bytes;
  const auto refuse_read = [&](const char* words, auto change) {
    refuse(
        words, read, [](const auto& a) { ops::ring_read(cpu, a); }, change);
  };
  refuse_read("slots is 0", [](auto& a) { a.ring.slots = 0; });
  refuse_read("frames is -1", [](auto& a) { a.frames = -1; });
  refuse_read("frames is 4.61168602e+18", [=](auto& a) { a.frames = huge; });
  refuse_read("out is null", [](auto& a) { a.out = nullptr; });
  refuse_read("ring.data is null", [](auto& a) { a.ring.data = nullptr; });

  RingResample<float> resample;
  resample.source = history.ring();
  resample.destination = history.ring();
  resample.destination.head = {};
  const auto refuse_resample = [&](const char* words, auto change) {
    refuse(
        words, resample, [](const auto& a) { ops::ring_resample(cpu, a); }, change);
  };
  refuse_resample("stride is 33", [](auto& a) { a.source.stride = 33; });
  refuse_resample("slots is 0", [](auto& a) { a.destination.slots = 0; });
  refuse_resample("destination.head", [&](auto& a) { a.destination = history.ring(); });
  refuse_resample("destination.size is 2", [](auto& a) { a.destination.size = 2; });
  refuse_resample("source_step is 0", [](auto& a) { a.source_step = 0; });
  refuse_resample("destination_step is nan", [](auto& a) { a.destination_step = NAN; });
  refuse_resample("rule is 9", [](auto& a) { a.rule = static_cast<SelectRule>(9); });
  refuse_resample("feeder is null", [](auto& a) { a.rule = SelectRule::chain_decay; });

  RingRegrid<float> regrid{history.ring(), resample.destination};
  const auto refuse_regrid = [&](const char* words, auto change) {
    refuse(
        words, regrid, [](const auto& a) { ops::ring_regrid(cpu, a); }, change);
  };
  refuse_regrid("stride is 33", [](auto& a) { a.source.stride = 33; });
  refuse_regrid("head is 1", [](auto& a) { a.destination.head.value = 1; });

  RingState state;
  expect_refused(Errc::invalid_argument, "ring_advance: state is null",
                 [] { ops::ring_advance(cpu, nullptr, 4, 1); });
  expect_refused(Errc::invalid_argument, "ring_advance: slots is 0",
                 [&] { ops::ring_advance(cpu, &state, 0, 1); });
  EXPECT_EQ(out[0], 7.0f);
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
  refuse("spike_amplitude is 1e+60", [](auto& m) { m.spike_amplitude = 1e60; });
  refuse("feed_rate is 1e+60", [](auto& m) { m.feed_rate = 1e60; });
}

TEST(OwnModel, KeepsItsTracesWhenItsConstantsChange) {
  ToldSynapse synapse(cpu, one_synapse(), decaying(1));
  expect_refused(Errc::invalid_argument, "trace_count is 2",
                 [&] { synapse.set_parameters(decaying(2)); });
  SynapseModel memoryless = decaying(1);
  memoryless.dynamics = Dynamics::memoryless;
  expect_refused(Errc::invalid_argument, "dynamics the synapse was made with",
                 [&] { synapse.set_parameters(memoryless); });
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
