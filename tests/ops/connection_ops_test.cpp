// Level-2 sums on memory of the caller's: a plan and a sum put together by hand, workspaces of any
// size that will do, and what is refused.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <vector>

#include "cusynapse/cusynapse.hpp"
#include "support/random.hpp"
#include "support/refusal.hpp"
#include "support/sparse_memory.hpp"

namespace cusynapse {
namespace {

const Stream cpu = Stream::cpu();

// A dense sum over a history with one trace, enough terms for several threads.
struct DenseSum {
  static constexpr std::int64_t inputs = 300;
  static constexpr std::int64_t outputs = 270;
  static constexpr std::int64_t batch = 40;
  static constexpr std::int32_t slots = 9;
  static constexpr std::int64_t stride = slot_stride(inputs * batch);

  DenseSum()
      : ring(Device::cpu(), slots * stride),
        planned(Device::cpu(), dense_plan_size(inputs, outputs)),
        delay_slots(Device::cpu(), dense_plan_size(inputs, outputs)),
        out(static_cast<std::size_t>(outputs * batch)) {
    support::Random random(4);
    for (std::int64_t i = 0; i < ring.size(); ++i) {
      ring.data()[i] = static_cast<float>(random.between(-1, 1));
    }
    for (std::int64_t i = 0; i < inputs * outputs; ++i) {
      weights.push_back(static_cast<float>(random.between(-1, 1)));
      delays.push_back(static_cast<float>(random.between(0, 10)));
    }
    DelayPlan<float> plan;
    plan.select.rule = SelectRule::exponential_decay;
    plan.select.time_constant[0] = 5.0f;
    plan.select.slots = slots;
    plan.select.limit = 8.0f;
    plan.select.has_overbound = true;
    plan.select.overbound = 0.5f;
    plan.rows = outputs;
    plan.columns = inputs;
    plan.is_tiled = true;
    plan.weights = weights.data();
    plan.delays = delays.data();
    plan.width = SlotWidth::byte;
    plan.slots = delay_slots.data();
    plan.planned[0] = planned.data();
    ops::delay_plan(cpu, plan);

    sum.source.traces[0] = ring.data();
    sum.source.stride = stride;
    sum.source.slots = slots;
    sum.source.head.value = 4;
    sum.plan.weights[0] = planned.data();
    sum.plan.width = SlotWidth::byte;
    sum.plan.slots = delay_slots.data();
    sum.plan.delay_slots = slots;
    sum.plan.overbound = 0.5f;
    sum.inputs = inputs;
    sum.outputs = outputs;
    sum.batch = batch;
    sum.out = out.data();
  }

  std::vector<float> with_workspace(std::int64_t bytes) {
    Buffer<std::uint8_t> workspace(Device::cpu(), bytes);
    sum.workspace = workspace.data();
    sum.workspace_bytes = static_cast<std::size_t>(bytes);
    ops::delayed_dense(cpu, sum);
    return out;
  }

  Buffer<float> ring;
  std::vector<float> weights;
  std::vector<float> delays;
  Buffer<float> planned;
  Buffer<std::uint8_t> delay_slots;
  std::vector<float> out;
  DelayedDense<float> sum;
};

TEST(DelayedDense, SumsCurrentsAtTheirDelays) {
  DenseSum dense;
  const auto bytes =
      static_cast<std::int64_t>(ops::dense_workspace_bytes(Device::cpu(), dense.sum));
  const std::vector<float> out = dense.with_workspace(bytes);
  // The same by selection: [batch][inputs][outputs] currents.
  std::vector<float> selectors;
  for (std::int64_t e = 0; e < DenseSum::batch * DenseSum::inputs; ++e) {
    for (std::int64_t j = 0; j < DenseSum::outputs; ++j) {
      selectors.push_back(
          dense.delays[static_cast<std::size_t>(j * DenseSum::inputs + e % DenseSum::inputs)]);
    }
  }
  DelayedSelect<float> select;
  select.rule = SelectRule::exponential_decay;
  select.time_constant[0] = 5.0f;
  select.traces[0] = dense.ring.data();
  select.size = DenseSum::inputs * DenseSum::batch;
  select.stride = DenseSum::stride;
  select.slots = DenseSum::slots;
  select.head.value = 4;
  select.limit = 8.0f;
  select.has_overbound = true;
  select.overbound = 0.5f;
  select.selector = selectors.data();
  select.samples = DenseSum::outputs;
  select.out = selectors.data();
  ops::delayed_select(cpu, select);
  for (std::int64_t b = 0; b < DenseSum::batch; ++b) {
    for (std::int64_t j = 0; j < DenseSum::outputs; ++j) {
      double expected = 0;
      double scale = 0;
      for (std::int64_t i = 0; i < DenseSum::inputs; ++i) {
        const std::int64_t e = (b * DenseSum::inputs + i) * DenseSum::outputs + j;
        const double term =
            double{dense.weights[static_cast<std::size_t>(j * DenseSum::inputs + i)]} *
            double{selectors[static_cast<std::size_t>(e)]};
        expected += term;
        scale += std::abs(term);
      }
      EXPECT_NEAR(out[static_cast<std::size_t>(b * DenseSum::outputs + j)], expected, 1e-6 * scale);
    }
  }
}

TEST(DelayedDense, HasTheSameBitsWithEveryWorkspaceThatWillDo) {
  DenseSum dense;
  const auto most = static_cast<std::int64_t>(ops::dense_workspace_bytes(Device::cpu(), dense.sum));
  const std::vector<float> expected = dense.with_workspace(most);
  // The least is found by asking for less and less.
  std::int64_t least = most;
  int sizes = 0;
  try {
    for (; least > 0; least -= 4096, ++sizes) {
      EXPECT_EQ(dense.with_workspace(least), expected) << least << " bytes of " << most;
    }
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::invalid_argument) << error.what();
  }
  EXPECT_GT(least, 0);
  EXPECT_GT(sizes, 0);
}

// Sums of every kind over two slots, `stride` elements apart.
std::vector<float> sums_over_two_slots(SourceKind kind, const support::SparseMemory& memory,
                                       std::int64_t stride) {
  constexpr std::int64_t inputs = 45;
  constexpr std::int64_t outputs = 3;
  constexpr std::int64_t batch = 2;
  support::Random random(9);
  CurrentSource<float> source;
  source.kind = kind;
  source.stride = stride;
  source.slots = 2;
  for (std::int64_t i = 0; i < inputs * batch; ++i) {
    for (const std::int64_t slot : {0, 1}) {
      const std::int64_t at = slot * stride + i;
      if (kind == SourceKind::traces) {
        static_cast<float*>(memory.data())[at] = static_cast<float>(random.between(-1, 1));
      } else if (kind == SourceKind::bytes) {
        static_cast<std::uint8_t*>(memory.data())[at] =
            static_cast<std::uint8_t>(random.integer(0, 3));
      } else if (random.chance(0.5)) {
        static_cast<std::uint8_t*>(memory.data())[at / 8] |= static_cast<std::uint8_t>(1 << at % 8);
      }
    }
  }
  source.spikes = static_cast<const std::uint8_t*>(memory.data());
  source.traces[0] = static_cast<const float*>(memory.data());

  const auto entries = static_cast<std::size_t>(dense_plan_size(inputs, outputs));
  Buffer<float> weights(Device::cpu(), static_cast<std::int64_t>(entries));
  Buffer<std::uint8_t> slots(Device::cpu(), static_cast<std::int64_t>(entries));
  for (std::int64_t i = 0; i < weights.size(); ++i) {
    weights.data()[i] = static_cast<float>(random.between(-1, 1));
    slots.data()[i] = static_cast<std::uint8_t>(random.integer(0, 2));
  }
  PlannedWeights<float> plan;
  plan.weights[0] = weights.data();
  plan.width = SlotWidth::byte;
  plan.slots = slots.data();
  plan.delay_slots = 2;
  plan.overbound = -2.0F;

  std::vector<float> results;
  std::vector<float> out(inputs * outputs * batch);
  const auto keep = [&] { results.insert(results.end(), out.begin(), out.end()); };
  DelayedDense<float> dense;
  dense.source = source;
  dense.plan = plan;
  dense.inputs = inputs;
  dense.outputs = outputs;
  dense.batch = batch;
  dense.out = out.data();
  dense.workspace_bytes = ops::dense_workspace_bytes(Device::cpu(), dense);
  Buffer<std::uint8_t> workspace(Device::cpu(), static_cast<std::int64_t>(dense.workspace_bytes));
  dense.workspace = workspace.data();
  ops::delayed_dense(cpu, dense);
  keep();
  DelayedDirect<float> direct;
  direct.source = source;
  direct.plan = plan;
  direct.size = inputs;
  direct.batch = batch;
  direct.out = out.data();
  ops::delayed_direct(cpu, direct);
  keep();
  DelayedConv2D<float> convolution;
  convolution.source = source;
  convolution.plan = plan;
  ConvolutionGeometry& g = convolution.geometry;
  g.channels = 5;
  g.height = 3;
  g.width = 3;
  g.kernel[0] = g.kernel[1] = 2;
  g.out_height = g.out_width = 2;
  convolution.batch = batch;
  convolution.out = out.data();
  ops::delayed_conv2d(cpu, convolution);
  keep();
  std::vector<float> delays;
  for (std::int64_t i = 0; i < inputs; ++i) {
    delays.push_back(static_cast<float>(random.integer(0, 1)));
  }
  SynapticSelect<float> select;
  select.batch = batch;
  select.inputs = inputs;
  select.delays = delays.data();
  select.source = source;
  select.select.slots = 2;
  select.select.limit = 1.0F;
  select.values = out.data();
  ops::synaptic_select(cpu, select);
  keep();
  return results;
}

// As 2^31 elements are more than an int counts.
TEST(Sums, SlotsMayLieAnyNumberOfElementsApart) {
  constexpr std::int64_t far = std::int64_t{1} << 31;
  for (const SourceKind kind : {SourceKind::traces, SourceKind::bits, SourceKind::bytes}) {
    const support::SparseMemory memory(2 * far * sizeof(float));
    if (memory.data() == nullptr) GTEST_SKIP() << "too few addresses";
    const support::SparseMemory near_memory(2 * 96 * sizeof(float));
    EXPECT_EQ(sums_over_two_slots(kind, memory, far), sums_over_two_slots(kind, near_memory, 96))
        << static_cast<int>(kind);
  }
}

TEST(DelayedConv2D, RefusesExtentsThatRowsAndColumnsCannotCount) {
  for (int axis = 0; axis < 2; ++axis) {
    DelayedConv2D<float> convolution;
    ConvolutionGeometry& g = convolution.geometry;
    (axis == 0 ? g.height : g.width) = (std::int64_t{1} << 30) - 1;
    (axis == 0 ? g.out_height : g.out_width) = (std::int64_t{1} << 30) + 1;
    g.padding[axis] = 1;
    convolution.batch = 1;
    EXPECT_TRUE(support::refuses(
        [&] { ops::delayed_conv2d(cpu, convolution); }, Errc::invalid_argument,
        {"delayed_conv2d", axis == 0 ? "geometry.height" : "geometry.width", "2^30"}));
  }
}

// Products of extents that 64 bits do not hold, each of them small enough alone.
TEST(ConvolutionGeometries, AreOfSizesThatCanBeCounted) {
  constexpr std::int64_t channels = std::int64_t{1} << 31;
  constexpr std::int64_t extent = std::int64_t{1} << 29;
  const std::vector<std::uint8_t> memory(64);
  DelayedConv2D<float> sum;
  sum.geometry.channels = channels;
  sum.geometry.height = sum.geometry.out_height = extent;
  sum.geometry.width = sum.geometry.out_width = extent;
  sum.batch = 1;
  sum.source.kind = SourceKind::bits;
  sum.source.spikes = memory.data();
  const float weight = 1;
  float out = 0;
  sum.plan.weights[0] = &weight;
  sum.out = &out;
  EXPECT_TRUE(support::refuses([&] { ops::delayed_conv2d(cpu, sum); }, Errc::invalid_argument,
                               {"delayed_conv2d", "geometry", "2^56"}));

  SynapticSelect<float> select;
  select.layout = SynapticLayout::convolution;
  select.geometry = sum.geometry;
  select.batch = 1;
  select.source = sum.source;
  select.values = &out;
  EXPECT_TRUE(support::refuses([&] { ops::synaptic_select(cpu, select); }, Errc::invalid_argument,
                               {"synaptic_select", "geometry", "2^56"}));

  SynapticCopyArguments<float> copy;
  copy.copy = SynapticCopy::unfold;
  copy.geometry = sum.geometry;
  copy.batch = 1;
  copy.in = &weight;
  copy.out = &out;
  EXPECT_TRUE(support::refuses([&] { ops::synaptic_copy(cpu, copy); }, Errc::invalid_argument,
                               {"synaptic_copy", "geometry", "2^56"}));
  copy.copy = SynapticCopy::transpose;
  copy.batch = copy.rows = copy.columns = std::int64_t{1} << 22;  // together 2^66
  EXPECT_TRUE(support::refuses([&] { ops::synaptic_copy(cpu, copy); }, Errc::invalid_argument,
                               {"synaptic_copy", "elements", "2^56"}));
}

// Time constants so small that dt over either is infinite in float: nothing is left half a step
// after a spike, of one trace nor of both.
TEST(Connections, TracesThatAreGoneBetweenStepsAddNothing) {
  SynapseOptions options;
  options.shape = {1};
  options.delay = 2.0;
  const auto synapse = std::make_shared<DoubleExponentialCurrent<float>>(
      cpu, options, DoubleExponentialParameters{1e-35, 1e-39, 5e-40});
  LinearDense<float> connection(cpu, {1}, synapse);
  connection.set_from_host(cpu, Parameter::weight, {1.0F});
  connection.set_from_host(cpu, Parameter::delay, {0.5F});
  const float spike = 1;
  const float selector = 0.5F;
  float sum = 7;
  float current = 7;
  for (int step = 0; step < 2; ++step) {
    connection.forward(cpu, View<const float>(&spike, {1, 1}), {&sum, {1, 1}});
  }
  synapse->current_at(cpu, {&selector, {1, 1}}, {&current, {1, 1}});
  EXPECT_EQ(current, 0.0F);
  EXPECT_EQ(sum, 0.0F);
}

TEST(DelayedDense, RefusesPartsThatCannotBeCounted) {
  DelayedDense<float> a;
  a.inputs = std::int64_t{1} << 31;
  a.outputs = std::int64_t{1} << 31;
  a.batch = std::int64_t{1} << 25;
  EXPECT_TRUE(support::refuses([&] { ops::dense_workspace_bytes(Device::cpu(), a); },
                               Errc::invalid_argument, {"dense_workspace_bytes", "2^56"}));
}

TEST(DelayedDense, RefusesWhatItCannotSumOver) {
  DenseSum dense;
  const auto bytes =
      static_cast<std::int64_t>(ops::dense_workspace_bytes(Device::cpu(), dense.sum));
  Buffer<std::uint8_t> workspace(Device::cpu(), bytes);
  dense.sum.workspace = workspace.data();
  dense.sum.workspace_bytes = static_cast<std::size_t>(bytes);
  ops::delayed_dense(cpu, dense.sum);
  const std::vector<float> before = dense.out;
  const auto refuses = [&](const char* what,
                           const std::function<void(DelayedDense<float>&)>& change) {
    DelayedDense<float> changed = dense.sum;
    change(changed);
    return support::refuses([&] { ops::delayed_dense(cpu, changed); }, Errc::invalid_argument,
                            {"delayed_dense", what, "expected"});
  };
  EXPECT_TRUE(refuses("workspace_bytes", [](auto& a) { a.workspace_bytes = 64; }));
  EXPECT_TRUE(refuses("workspace", [](auto& a) { a.workspace = nullptr; }));
  EXPECT_TRUE(refuses("inputs", [](auto& a) { a.inputs = 0; }));
  EXPECT_TRUE(refuses("outputs", [](auto& a) { a.outputs = -1; }));
  EXPECT_TRUE(refuses("batch", [](auto& a) { a.batch = 0; }));
  EXPECT_TRUE(refuses("steps", [](auto& a) { a.steps = 0; }));
  EXPECT_TRUE(refuses("source.slots", [](auto& a) { a.steps = 2; }));
  EXPECT_TRUE(refuses("source.stride", [](auto& a) { a.source.stride = 10; }));
  EXPECT_TRUE(refuses("source.head", [](auto& a) { a.source.head.value = DenseSum::slots; }));
  EXPECT_TRUE(refuses("source.trace_count", [](auto& a) { a.source.trace_count = 3; }));
  EXPECT_TRUE(refuses("source.traces is same and bfloat16", [](auto& a) {
    a.source.trace_count = 2;
    a.plan.weights[1] = a.plan.weights[0];
    a.source.traces[1] = StoredData<const float>(a.source.traces[0].data(), StorageType::bfloat16);
  }));
  EXPECT_TRUE(refuses("plan.weights", [](auto& a) { a.plan.weights[0] = nullptr; }));
  EXPECT_TRUE(refuses("plan.weights is same and float16", [](auto& a) {
    a.source.trace_count = 2;
    a.source.traces[1] = a.source.traces[0];
    a.plan.weights[1] = StoredData<const float>(a.plan.weights[0].data(), StorageType::float16);
  }));
  EXPECT_TRUE(refuses("storage is 3", [](auto& a) {
    a.plan.weights[0] =
        StoredData<const float>(a.plan.weights[0].data(), static_cast<StorageType>(3));
  }));
  EXPECT_TRUE(refuses("plan.weights", [](auto& a) {
    a.plan.weights[0] = StoredData<const float>(nullptr, StorageType::bfloat16);
  }));
  EXPECT_TRUE(refuses("plan.slots", [](auto& a) { a.plan.slots = nullptr; }));
  EXPECT_TRUE(refuses("plan.slots", [](auto& a) {
    a.plan.slots = static_cast<const std::uint8_t*>(a.plan.slots) + 1;
  }));
  EXPECT_TRUE(refuses("plan.weights", [](auto& a) {
    a.plan.weights[0] = static_cast<const float*>(a.plan.weights[0].data()) + 1;
  }));
  EXPECT_TRUE(refuses("plan.delay_slots", [](auto& a) { a.plan.delay_slots = 256; }));
  EXPECT_TRUE(refuses("out", [](auto& a) { a.out = nullptr; }));
  EXPECT_EQ(dense.out, before);
}

TEST(SynapticSelects, ReadTheTracesThatTheirRuleAsksFor) {
  const std::vector<float> trace(32, 1.0F);
  const std::vector<float> delays(4, 0.0F);
  std::vector<float> out(4, 7.0F);
  SynapticSelect<float> a;
  a.batch = 1;
  a.inputs = 4;
  a.delays = delays.data();
  a.source.traces[0] = trace.data();
  a.source.stride = 32;
  a.select.slots = 1;
  a.select.rule = SelectRule::exponential_decay;
  a.select.time_constant[0] = 5.0F;
  a.select.time_constant[1] = 2.0F;
  a.values = out.data();
  const auto refuses = [&](const char* what) {
    return support::refuses([&] { ops::synaptic_select(cpu, a); }, Errc::invalid_argument,
                            {"synaptic_select", what, "expected"});
  };
  a.select.trace_count = 2;
  EXPECT_TRUE(refuses("source.trace_count is 1"));
  a.select.rule = SelectRule::chain_decay;
  a.select.trace_count = 1;
  EXPECT_TRUE(refuses("source.trace_count is 1"));
  EXPECT_EQ(out, std::vector<float>(4, 7.0F));
  a.select.rule = SelectRule::exponential_decay;
  ops::synaptic_select(cpu, a);
  EXPECT_EQ(out, std::vector<float>(4, 1.0F));
  // Without delays no rule is asked.
  a.delays = nullptr;
  a.select.trace_count = 2;
  ops::synaptic_select(cpu, a);
}

TEST(DelayPlans, AreOfOneStorageThatThereIs) {
  const std::vector<float> weights(6, 1.0F);
  std::vector<float16> half(6, float16{7});
  std::vector<bfloat16> brain(6, bfloat16{7});
  DelayPlan<float> a;
  a.rows = 2;
  a.columns = 3;
  a.weights = weights.data();
  const auto refuses = [&](const char* what) {
    return support::refuses([&] { ops::delay_plan(cpu, a); }, Errc::invalid_argument,
                            {"delay_plan", what, "expected"});
  };
  a.planned[0] = half.data();
  a.planned[1] = brain.data();
  EXPECT_TRUE(refuses("planned is float16 and bfloat16"));
  a.planned[0] = StoredData<float>(half.data(), static_cast<StorageType>(3));
  a.planned[1] = nullptr;
  EXPECT_TRUE(refuses("storage is 3"));
  EXPECT_EQ(half[0].bits, 7);
  EXPECT_EQ(brain[0].bits, 7);
  a.planned[0] = half.data();
  ops::delay_plan(cpu, a);
  EXPECT_EQ(half[5].bits, 0x3C00);
  a.planned[0] = brain.data();
  ops::delay_plan(cpu, a);
  EXPECT_EQ(brain[5].bits, 0x3F80);
  // Of two arrays one alone; without a second trace it is left as it is.
  a.planned[0] = nullptr;
  a.planned[1] = half.data();
  half[5].bits = 7;
  ops::delay_plan(cpu, a);
  EXPECT_EQ(half[5].bits, 7);

  const std::vector<double> wide(6, 1.0);
  DelayPlan<double> of_double;
  of_double.rows = 2;
  of_double.columns = 3;
  of_double.weights = wide.data();
  of_double.planned[0] = StoredData<double>(half.data(), StorageType::float16);
  EXPECT_TRUE(support::refuses([&] { ops::delay_plan(cpu, of_double); }, Errc::invalid_argument,
                               {"delay_plan", "storage is float16", "expected same"}));
}

// As selections do: the newest observation.
TEST(DelayPlans, WrapAroundWhereAQuotientIsRoundedUpAndReadNoNumberAsZero) {
  constexpr std::int32_t last = 13;
  const float longest = 9.1F;  // over 0.7 it is rounded above `last`
  const std::vector<float> delays = {longest, std::numeric_limits<float>::quiet_NaN(), 0.7F};
  const std::vector<float> weights(3, 1.0F);
  std::vector<std::uint8_t> slots(3, 7);
  DelayPlan<float> a;
  a.rows = 1;
  a.columns = 3;
  a.weights = weights.data();
  a.delays = delays.data();
  a.select.step_time = 0.7F;
  a.select.limit = longest;
  a.select.slots = last + 1;
  a.width = SlotWidth::byte;
  a.slots = slots.data();
  ops::delay_plan(cpu, a);
  EXPECT_EQ(slots, (std::vector<std::uint8_t>{0, 0, 1}));
}

// What a call of level 2 refuses, one argument at a time.
template <class Arguments>
class Refusals {
 public:
  Refusals(const char* where, const Arguments& good, void (*call)(const Stream&, const Arguments&))
      : where_(where), good_(good), call_(call) {}

  testing::AssertionResult operator()(const char* what,
                                      const std::function<void(Arguments&)>& change,
                                      Errc code = Errc::invalid_argument) const {
    Arguments changed = good_;
    change(changed);
    return support::refuses([&] { call_(cpu, changed); }, code, {where_, what, "expected"});
  }

 private:
  const char* where_;
  const Arguments& good_;
  void (*call_)(const Stream&, const Arguments&);
};

TEST(DelayPlans, RefuseWhatTheyCannotPlan) {
  const std::vector<float> numbers(6, 1.0F);
  std::vector<std::uint8_t> slots(6, 7);
  DelayPlan<float> plan;
  plan.rows = 2;
  plan.columns = 3;
  plan.weights = numbers.data();
  plan.delays = numbers.data();
  plan.select.slots = 255;
  plan.select.limit = 254.0F;
  plan.width = SlotWidth::byte;
  plan.slots = slots.data();
  const Refusals<DelayPlan<float>> refuses("delay_plan", plan, &ops::delay_plan);
  EXPECT_TRUE(refuses("rows is -1", [](auto& a) { a.rows = -1; }));
  EXPECT_TRUE(refuses("columns is -1", [](auto& a) { a.columns = -1; }));
  EXPECT_TRUE(refuses("weights is null", [](auto& a) { a.weights = nullptr; }));
  EXPECT_TRUE(refuses("delays is null", [](auto& a) { a.delays = nullptr; }));
  EXPECT_TRUE(refuses("width is 0", [](auto& a) { a.width = SlotWidth::none; }));
  EXPECT_TRUE(refuses("width is 3", [](auto& a) { a.width = static_cast<SlotWidth>(3); }));
  EXPECT_TRUE(refuses("slots is 256", [](auto& a) { a.select.slots = 256; }));
  EXPECT_TRUE(refuses("slots is 65536", [](auto& a) {
    a.width = SlotWidth::word;
    a.select.slots = 65536;
  }));
  EXPECT_TRUE(refuses("slots is 0", [](auto& a) {
    a.select.slots = 0;
    a.select.limit = 0;
  }));
  EXPECT_TRUE(refuses("step_time is 0", [](auto& a) { a.select.step_time = 0; }));
  EXPECT_TRUE(refuses("tolerance is nan", [](auto& a) { a.select.tolerance = NAN; }));
  EXPECT_TRUE(refuses("limit is -1", [](auto& a) { a.select.limit = -1; }));
  EXPECT_TRUE(refuses("limit is 256", [](auto& a) { a.select.limit = 256; }));
  EXPECT_TRUE(refuses("rule is 4", [](auto& a) { a.select.rule = static_cast<SelectRule>(4); }));
  EXPECT_EQ(slots, std::vector<std::uint8_t>(6, 7));
  ops::delay_plan(cpu, plan);
  EXPECT_EQ(slots, std::vector<std::uint8_t>(6, 1));
}

TEST(DelayedDirects, RefuseWhatTheyCannotSumOver) {
  const std::vector<float> numbers(64, 1.0F);
  const std::vector<std::uint8_t> bytes(64, 1);
  std::vector<float> out(4, 7.0F);
  DelayedDirect<float> sum;
  sum.source.traces[0] = numbers.data();
  sum.source.stride = 32;
  sum.source.slots = 2;
  sum.plan.weights[0] = numbers.data();
  sum.size = 4;
  sum.batch = 1;
  sum.out = out.data();
  const Refusals<DelayedDirect<float>> refuses("delayed_direct", sum, &ops::delayed_direct);
  EXPECT_TRUE(refuses("size is 0", [](auto& a) { a.size = 0; }));
  EXPECT_TRUE(refuses("batch is 0", [](auto& a) { a.batch = 0; }));
  EXPECT_TRUE(refuses("out is null", [](auto& a) { a.out = nullptr; }));
  EXPECT_TRUE(
      refuses("source.kind is 3", [](auto& a) { a.source.kind = static_cast<SourceKind>(3); }));
  EXPECT_TRUE(refuses("source.spikes is null", [](auto& a) { a.source.kind = SourceKind::bits; }));
  EXPECT_TRUE(refuses("source.traces is null", [](auto& a) { a.source.traces[0] = nullptr; }));
  EXPECT_TRUE(refuses("source.slots is", [](auto& a) { a.source.slots = (1 << 30) + 1; }));
  EXPECT_TRUE(refuses("source.stride is 3", [](auto& a) { a.source.stride = 3; }));
  EXPECT_TRUE(refuses("source.head is -1", [](auto& a) { a.source.head.value = -1; }));
  EXPECT_TRUE(
      refuses("plan.width is 3", [](auto& a) { a.plan.width = static_cast<SlotWidth>(3); }));
  EXPECT_TRUE(refuses("plan.delay_slots is 2", [](auto& a) { a.plan.delay_slots = 2; }));
  EXPECT_TRUE(refuses("plan.delay_slots is 0", [&](auto& a) {
    a.plan.width = SlotWidth::byte;
    a.plan.slots = bytes.data();
    a.plan.delay_slots = 0;
  }));
  EXPECT_TRUE(refuses("plan.delay_slots is 65536", [&](auto& a) {
    a.plan.width = SlotWidth::word;
    a.plan.slots = bytes.data();
    a.plan.delay_slots = 65536;
  }));
  EXPECT_EQ(out, std::vector<float>(4, 7.0F));
  ops::delayed_direct(cpu, sum);
  EXPECT_EQ(out, std::vector<float>(4, 1.0F));
}

TEST(DelayedConv2D, RefusesGeometriesThatDoNotFitTogether) {
  const std::vector<float> numbers(64, 1.0F);
  std::vector<float> out(6, 7.0F);
  DelayedConv2D<float> sum;
  sum.source.traces[0] = numbers.data();
  sum.source.stride = 32;
  sum.plan.weights[0] = numbers.data();
  sum.geometry.height = 4;
  sum.geometry.width = 5;
  sum.geometry.kernel[0] = sum.geometry.kernel[1] = 2;
  sum.geometry.out_height = 3;
  sum.geometry.out_width = 2;
  sum.geometry.stride[1] = 2;
  sum.batch = 1;
  sum.out = out.data();
  const Refusals<DelayedConv2D<float>> refuses("delayed_conv2d", sum, &ops::delayed_conv2d);
  EXPECT_TRUE(refuses("batch is 0", [](auto& a) { a.batch = 0; }));
  EXPECT_TRUE(refuses("out is null", [](auto& a) { a.out = nullptr; }));
  EXPECT_TRUE(refuses("plan.weights is null", [](auto& a) { a.plan.weights[0] = nullptr; }));
  EXPECT_TRUE(refuses("source.stride is 19", [](auto& a) { a.source.stride = 19; }));
  EXPECT_TRUE(refuses("geometry.channels is 0", [](auto& a) { a.geometry.channels = 0; }));
  EXPECT_TRUE(refuses("geometry.height is 0", [](auto& a) { a.geometry.height = 0; }));
  EXPECT_TRUE(refuses("geometry.width is 0", [](auto& a) { a.geometry.width = 0; }));
  EXPECT_TRUE(refuses("geometry.filters is 0", [](auto& a) { a.geometry.filters = 0; }));
  EXPECT_TRUE(refuses("geometry.out_height is 0", [](auto& a) {
    a.geometry.kernel[0] = 5;
    a.geometry.out_height = 0;
  }));
  EXPECT_TRUE(refuses("geometry.out_width is 0", [](auto& a) {
    a.geometry.kernel[1] = 7;
    a.geometry.out_width = 0;
  }));
  EXPECT_TRUE(refuses("geometry.out_height is 2", [](auto& a) { a.geometry.out_height = 2; }));
  EXPECT_TRUE(refuses("geometry.out_width is 3", [](auto& a) { a.geometry.out_width = 3; }));
  for (int axis = 0; axis < 2; ++axis) {
    EXPECT_TRUE(refuses("geometry.kernel is 0", [=](auto& a) { a.geometry.kernel[axis] = 0; }));
    EXPECT_TRUE(refuses("geometry.stride is 0", [=](auto& a) { a.geometry.stride[axis] = 0; }));
    EXPECT_TRUE(refuses("geometry.dilation is 0", [=](auto& a) { a.geometry.dilation[axis] = 0; }));
    EXPECT_TRUE(refuses("geometry.padding is -1", [=](auto& a) { a.geometry.padding[axis] = -1; }));
  }
  EXPECT_EQ(out, std::vector<float>(6, 7.0F));
  ops::delayed_conv2d(cpu, sum);
  EXPECT_EQ(out, std::vector<float>(6, 4.0F));
}

TEST(SynapticSelects, RefuseWhatTheyCannotRead) {
  const std::vector<float> numbers(64, 0.0F);
  std::vector<float> out(4, 7.0F);
  std::vector<std::uint8_t> bytes(4, 7);
  SynapticSelect<float> select;
  select.batch = 1;
  select.inputs = 4;
  select.outputs = 1;
  select.delays = numbers.data();
  select.source.traces[0] = numbers.data();
  select.source.stride = 32;
  select.source.slots = 2;
  select.select.slots = 2;
  select.select.limit = 1;
  select.values = out.data();
  const Refusals<SynapticSelect<float>> refuses("synaptic_select", select, &ops::synaptic_select);
  EXPECT_TRUE(refuses("layout is 3", [](auto& a) { a.layout = static_cast<SynapticLayout>(3); }));
  EXPECT_TRUE(refuses("batch is 0", [](auto& a) { a.batch = 0; }));
  EXPECT_TRUE(refuses("inputs is 0", [](auto& a) { a.inputs = 0; }));
  EXPECT_TRUE(refuses("outputs is 0", [](auto& a) {
    a.layout = SynapticLayout::dense;
    a.outputs = 0;
  }));
  EXPECT_TRUE(refuses("geometry.channels is 0", [](auto& a) {
    a.layout = SynapticLayout::convolution;
    a.geometry.channels = 0;
  }));
  EXPECT_TRUE(refuses("source.slots is 1", [](auto& a) { a.source.slots = 1; }));
  EXPECT_TRUE(refuses("source.stride is 3", [](auto& a) { a.source.stride = 3; }));
  EXPECT_TRUE(refuses("step_time is 0", [](auto& a) { a.select.step_time = 0; }));
  EXPECT_TRUE(refuses("values and bytes is both", [&](auto& a) { a.bytes = bytes.data(); }));
  EXPECT_TRUE(refuses("values and bytes is neither", [](auto& a) { a.values = nullptr; }));
  EXPECT_EQ(out, std::vector<float>(4, 7.0F));
  ops::synaptic_select(cpu, select);
  EXPECT_EQ(out, std::vector<float>(4, 0.0F));
}

TEST(SynapticCopies, RefuseWhatTheyCannotCopy) {
  const std::vector<float> in = {1, 2, 3, 4, 5, 6};
  std::vector<float> out(6, 7.0F);
  using Arguments = SynapticCopyArguments<float>;
  Arguments copy;
  copy.batch = 1;
  copy.rows = 2;
  copy.columns = 3;
  copy.in = in.data();
  copy.out = out.data();
  const Refusals<Arguments> refuses("synaptic_copy", copy, &ops::synaptic_copy<float>);
  EXPECT_TRUE(refuses("copy is 4", [](auto& a) { a.copy = static_cast<SynapticCopy>(4); }));
  EXPECT_TRUE(refuses("batch is 0", [](auto& a) { a.batch = 0; }));
  EXPECT_TRUE(refuses("rows is 0", [](auto& a) { a.rows = 0; }));
  EXPECT_TRUE(refuses("columns is 0", [](auto& a) { a.columns = 0; }));
  EXPECT_TRUE(refuses("in is null", [](auto& a) { a.in = nullptr; }));
  EXPECT_TRUE(refuses("out is null", [](auto& a) { a.out = nullptr; }));
  EXPECT_TRUE(refuses("layout is -1", [](auto& a) {
    a.copy = SynapticCopy::selector;
    a.layout = static_cast<SynapticLayout>(-1);
  }));
  EXPECT_TRUE(refuses("geometry.out_width is 2", [](auto& a) {
    a.copy = SynapticCopy::unfold;
    a.geometry.out_width = 2;
  }));
  EXPECT_EQ(out, std::vector<float>(6, 7.0F));
  ops::synaptic_copy(cpu, copy);
  EXPECT_EQ(out, (std::vector<float>{1, 4, 2, 5, 3, 6}));

  std::vector<std::uint8_t> bytes(1, 7);
  SynapticCopyArguments<std::uint8_t> mean;
  mean.copy = SynapticCopy::fold_mean;
  mean.batch = 1;
  mean.in = mean.out = bytes.data();
  EXPECT_TRUE(support::refuses([&] { ops::synaptic_copy(cpu, mean); }, Errc::not_supported,
                               {"synaptic_copy", "a mean over bytes"}));
  EXPECT_EQ(bytes[0], 7);
}

TEST(Parameters, AreNeitherClampedNorHeldAtZeroOutsideTheirDomain) {
  std::vector<float> values(4, 7.0F);
  const auto refuses = [](const char* what, const std::function<void()>& call) {
    return support::refuses(call, Errc::invalid_argument, {what, "expected"});
  };
  float* const data = values.data();
  EXPECT_TRUE(refuses("clamp: size is -1", [=] { ops::clamp(cpu, data, -1, 0.0F, 1.0F); }));
  EXPECT_TRUE(refuses("clamp: low is 2", [=] { ops::clamp(cpu, data, 4, 2.0F, 1.0F); }));
  EXPECT_TRUE(refuses("clamp: low is nan", [=] { ops::clamp(cpu, data, 4, NAN, 1.0F); }));
  float* const none = nullptr;
  EXPECT_TRUE(refuses("clamp: values is null", [=] { ops::clamp(cpu, none, 4, 0.0F, 1.0F); }));
  EXPECT_TRUE(refuses("zero_diagonal: size is -1", [=] { ops::zero_diagonal(cpu, data, -1); }));
  EXPECT_TRUE(refuses("zero_diagonal: matrix is null", [=] { ops::zero_diagonal(cpu, none, 2); }));
  EXPECT_EQ(values, std::vector<float>(4, 7.0F));
  ops::clamp(cpu, none, 0, 0.0F, 1.0F);
  ops::zero_diagonal(cpu, none, 0);
}

TEST(SlotWidths, AreTheNarrowestThatHoldOutOfRangeAsWell) {
  EXPECT_EQ(slot_width(255), SlotWidth::byte);
  EXPECT_EQ(slot_width(256), SlotWidth::word);
  EXPECT_EQ(slot_width(65535), SlotWidth::word);
  EXPECT_TRUE(support::refuses([] { slot_width(65536); }, Errc::not_supported, {"65536", "65535"}));
}

}  // namespace
}  // namespace cusynapse
