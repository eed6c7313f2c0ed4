// Level-2 sums on memory of the caller's: a plan and a sum put together by hand, workspaces of any
// size that will do, and what is refused.
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "cusynapse/cusynapse.hpp"
#include "support/random.hpp"
#include "support/refusal.hpp"

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

TEST(SlotWidths, AreTheNarrowestThatHoldOutOfRangeAsWell) {
  EXPECT_EQ(slot_width(255), SlotWidth::byte);
  EXPECT_EQ(slot_width(256), SlotWidth::word);
  EXPECT_EQ(slot_width(65535), SlotWidth::word);
  EXPECT_TRUE(support::refuses([] { slot_width(65536); }, Errc::not_supported, {"65536", "65535"}));
}

}  // namespace
}  // namespace cusynapse
