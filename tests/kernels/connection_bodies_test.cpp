// The bodies of connections, in the width and shape the GPU runs them, on threads: equal to the CPU
// backend bit for bit, which for the dense sum has a text of its own.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "cusynapse/cusynapse.hpp"
#include "kernels/bodies/delay_plan.hpp"
#include "kernels/bodies/delayed_dense.hpp"
#include "kernels/bodies/delayed_sums.hpp"
#include "kernels/bodies/synaptic_arrays.hpp"
#include "tests/kernels/executor.hpp"
#include "tests/kernels/memory.hpp"

namespace cusynapse::test {
namespace {

using kernels::gpu_width;
using kernels::group_count;

const Stream stream = Stream::cpu();

struct Case {
  std::int64_t inputs;
  std::int64_t outputs;
  std::int64_t batch;
  std::int64_t steps = 1;
  std::int32_t delay_slots = 1;
  SlotWidth width = SlotWidth::byte;
  SourceKind kind = SourceKind::traces;
  std::int32_t traces = 1;
  bool has_bias = false;
  bool accumulates = false;
  StorageType storage = StorageType::same;         // of traces
  StorageType weight_storage = StorageType::same;  // of planned weights
};

// Values as a storage has them, in `halves` where it is one of 16 bits. The values of T are then
// the same, rounded.
template <class T>
StoredData<T> stored_as(StorageType storage, Memory<T>& values, Memory<std::uint16_t>& halves) {
  if (storage == StorageType::same) return values.data();
  visit_storage<T>(storage, [&](auto element) {
    using Stored = decltype(element);
    for (std::int64_t i = 0; i < values.size(); ++i) {
      const Stored rounded = kernels::stored<Stored>(values[i]);
      std::memcpy(&halves[i], &rounded, sizeof rounded);
      values[i] = kernels::loaded<T>(rounded);
    }
  });
  return {halves.data(), storage};
}

// Rings, a plan and outputs of exactly their sizes, filled with something everywhere.
template <class T>
struct Sums {
  Sums(const Case& c, std::int64_t frame, std::int64_t entries, std::int64_t output_size,
       Random& random)
      : slots(c.delay_slots + static_cast<std::int32_t>(c.steps) - 1 +
              static_cast<std::int32_t>(random.below(3))),
        stride(slot_stride(frame)),
        traces{Memory<T>(slots * stride), Memory<T>(slots * stride)},
        halves{Memory<std::uint16_t>(slots * stride), Memory<std::uint16_t>(slots * stride)},
        spikes(slots * stride),
        weights{Memory<T>(entries), Memory<T>(entries)},
        half_weights{Memory<std::uint16_t>(entries), Memory<std::uint16_t>(entries)},
        plan_slots(entries * 2),
        bias(output_size),
        out(output_size * c.batch * c.steps) {
    for (int k = 0; k < 2; ++k) {
      for (std::int64_t i = 0; i < slots * stride; ++i) {
        traces[k][i] = static_cast<T>(random.uniform(-2, 2));
      }
      for (std::int64_t i = 0; i < entries; ++i) {
        // Some below the normal range of float16.
        const double size = random.below(8) == 0 ? 0x1p-16 : 1.0;
        weights[k][i] = static_cast<T>(size * random.uniform(-1, 1));
      }
    }
    for (std::int64_t i = 0; i < slots * stride; ++i) {
      spikes[i] = static_cast<std::uint8_t>(random.below(256));
    }
    for (std::int64_t i = 0; i < entries; ++i) {
      const std::int64_t slot = random.below(c.delay_slots + 1);
      if (c.width == SlotWidth::word) {
        const auto word = static_cast<std::uint16_t>(slot);
        std::memcpy(plan_slots.data() + 2 * i, &word, sizeof word);
      } else {
        plan_slots[i] = static_cast<std::uint8_t>(slot);
      }
    }
    for (std::int64_t i = 0; i < bias.size(); ++i) bias[i] = static_cast<T>(random.uniform(-1, 1));
    for (std::int64_t i = 0; i < out.size(); ++i) out[i] = static_cast<T>(random.uniform(-1, 1));

    source.kind = c.kind;
    source.trace_count = c.traces;
    for (int k = 0; k < c.traces; ++k) {
      source.traces[k] = stored_as(c.storage, traces[k], halves[k]);
    }
    source.weight[1] = T(-1);
    source.spikes = spikes.data();
    source.amplitude = T(0.75);
    source.stride = stride;
    source.slots = slots;
    source.head.value = static_cast<std::int32_t>(random.below(slots));

    plan.width = c.width;
    for (int k = 0; k < 2; ++k) {
      plan.weights[k] = stored_as(c.weight_storage, weights[k], half_weights[k]);
    }
    plan.slots = c.width == SlotWidth::none ? nullptr : plan_slots.data();
    plan.delay_slots = c.delay_slots;
    plan.overbound = T(-3.5);
  }

  // The same source over rings of T.
  CurrentSource<T> rounded_source() const {
    CurrentSource<T> rounded = source;
    for (int k = 0; k < source.trace_count; ++k) rounded.traces[k] = traces[k].data();
    return rounded;
  }
  // The same plan in T.
  PlannedWeights<T> rounded_plan() const {
    PlannedWeights<T> rounded = plan;
    for (int k = 0; k < 2; ++k) rounded.weights[k] = weights[k].data();
    return rounded;
  }

  std::int32_t slots;
  std::int64_t stride;
  Memory<T> traces[2];
  Memory<std::uint16_t> halves[2];  ///< traces stored in 16 bits
  Memory<std::uint8_t> spikes;
  Memory<T> weights[2];
  Memory<std::uint16_t> half_weights[2];  ///< planned weights stored in 16 bits
  Memory<std::uint8_t> plan_slots;
  Memory<T> bias;
  Memory<T> out;
  CurrentSource<T> source;
  PlannedWeights<T> plan;
};

// What values of T may be stored as.
template <class T>
std::vector<StorageType> storages() {
  if (!std::is_same_v<T, float>) return {StorageType::same};
  return {StorageType::same, StorageType::float16, StorageType::bfloat16};
}

template <class T>
class ConnectionBodies : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(ConnectionBodies, Types);

template <class T>
void expect_dense_equal(const Case& c, Random& random,
                        const kernels::DenseLimits& limits = {kernels::dense_least_threads}) {
  SCOPED_TRACE(testing::Message() << c.inputs << " inputs, " << c.outputs << " outputs, batch "
                                  << c.batch << ", steps " << c.steps << ", slots " << c.delay_slots
                                  << ", kind " << static_cast<int>(c.kind) << ", traces "
                                  << c.traces << ", storage " << static_cast<int>(c.storage)
                                  << ", of weights " << static_cast<int>(c.weight_storage)
                                  << ", width " << static_cast<int>(c.width) << ", threads "
                                  << limits.threads << ", bytes " << limits.shared_bytes << " to "
                                  << limits.most_shared_bytes);
  Sums<T> sums(c, c.inputs * c.batch, dense_plan_size(c.inputs, c.outputs), c.outputs, random);
  DelayedDense<T> a;
  a.source = sums.source;
  a.plan = sums.plan;
  a.inputs = c.inputs;
  a.outputs = c.outputs;
  a.batch = c.batch;
  a.steps = c.steps;
  a.bias = c.has_bias ? sums.bias.data() : nullptr;
  a.accumulates = c.accumulates;

  Memory<T> expected = sums.out;
  a.out = expected.data();
  Memory<std::uint8_t> cpu_workspace(
      static_cast<std::int64_t>(ops::dense_workspace_bytes(Device::cpu(), a)));
  a.workspace = cpu_workspace.data();
  a.workspace_bytes = static_cast<std::size_t>(cpu_workspace.size());
  ops::delayed_dense(stream, a);
  Memory<T> rounded = sums.out;
  DelayedDense<T> of_rounded = a;
  of_rounded.source = sums.rounded_source();
  of_rounded.plan = sums.rounded_plan();
  of_rounded.out = rounded.data();
  ops::delayed_dense(stream, of_rounded);
  EXPECT_TRUE(rounded == expected);

  Memory<T> got = sums.out;
  a.out = got.data();
  Memory<std::uint8_t> workspace(
      static_cast<std::int64_t>(kernels::dense_partial_bytes(a, limits.threads)));
  a.workspace = workspace.data();
  kernels::visit_delayed_dense(
      a, limits, [&](const auto& body) { execute_tile(body, body.blocks(), limits.threads); });
  const auto reduction = kernels::dense_reduction(a, limits.threads);
  execute_index(reduction, group_count(a.outputs, reduction.width), kernels::column_count(a));
  EXPECT_TRUE(got == expected);
}

TYPED_TEST(ConnectionBodies, DenseSumsOfEveryShapeEqualTheCpus) {
  Random random(1);
  for (const std::int64_t batch : {1, 2, 7, 8, 33}) {
    for (const std::int64_t inputs : {1, 31, 33, 70}) {
      expect_dense_equal<TypeParam>(
          {.inputs = inputs, .outputs = 37, .batch = batch, .delay_slots = 5}, random);
    }
  }
  expect_dense_equal<TypeParam>({.inputs = 40, .outputs = 1, .batch = 3, .delay_slots = 255},
                                random);
}

TYPED_TEST(ConnectionBodies, DenseSumsOfManyPartsEqualTheCpus) {
  Random random(12);
  for (const std::int64_t inputs : {256, 257, 512, 530}) {
    for (const std::int64_t outputs : {6, 8}) {  // read one by one, and 16 bytes at a time
      expect_dense_equal<TypeParam>(
          {.inputs = inputs, .outputs = outputs, .batch = 2, .delay_slots = 3, .accumulates = true},
          random);
    }
  }
}

TYPED_TEST(ConnectionBodies, DenseSumsOfEverySourceEqualTheCpus) {
  Random random(2);
  for (const SlotWidth width : {SlotWidth::none, SlotWidth::byte, SlotWidth::word}) {
    for (const SourceKind kind : {SourceKind::traces, SourceKind::bits, SourceKind::bytes}) {
      for (const std::int32_t traces : {1, 2}) {
        for (const std::int64_t batch : {1, 9}) {
          expect_dense_equal<TypeParam>({.inputs = 45,
                                         .outputs = 11,
                                         .batch = batch,
                                         .delay_slots = width == SlotWidth::none ? 1 : 4,
                                         .width = width,
                                         .kind = kind,
                                         .traces = traces,
                                         .has_bias = batch == 1,
                                         .accumulates = traces == 2},
                                        random);
        }
      }
    }
  }
}

TYPED_TEST(ConnectionBodies, DenseSumsOfEveryStorageEqualTheCpus) {
  Random random(10);
  for (const StorageType storage : storages<TypeParam>()) {
    for (const SlotWidth width : {SlotWidth::none, SlotWidth::byte}) {
      for (const std::int32_t traces : {1, 2}) {
        for (const std::int64_t steps : {1, 5}) {
          for (const std::int64_t batch : {1, 4, 9}) {
            expect_dense_equal<TypeParam>({.inputs = 45,
                                           .outputs = 11,
                                           .batch = batch,
                                           .steps = steps,
                                           .delay_slots = width == SlotWidth::none ? 1 : 4,
                                           .width = width,
                                           .traces = traces,
                                           .storage = storage},
                                          random);
          }
        }
      }
    }
    // Too long for shared memory.
    expect_dense_equal<TypeParam>({.inputs = 33,
                                   .outputs = 4,
                                   .batch = 2,
                                   .delay_slots = 12000,
                                   .width = SlotWidth::word,
                                   .traces = 2,
                                   .storage = storage},
                                  random);
  }
}

TYPED_TEST(ConnectionBodies, DenseSumsOfEveryStorageOfWeightsEqualTheCpus) {
  Random random(11);
  const std::vector<StorageType> all = storages<TypeParam>();
  int count = 0;
  for (const StorageType weight_storage : all) {
    for (const SlotWidth width : {SlotWidth::none, SlotWidth::byte, SlotWidth::word}) {
      for (const std::int32_t traces : {0, 1, 2}) {
        for (const auto& [batch, steps] : std::vector<std::pair<std::int64_t, std::int64_t>>{
                 {1, 1}, {4, 1}, {33, 1}, {1, 5}, {9, 5}}) {
          // Traces stored otherwise than weights as well.
          expect_dense_equal<TypeParam>(
              {.inputs = 45,
               .outputs = 11,
               .batch = batch,
               .steps = steps,
               .delay_slots = width == SlotWidth::none ? 1 : 4,
               .width = width,
               .kind = traces == 0 ? SourceKind::bits : SourceKind::traces,
               .traces = traces == 0 ? 1 : traces,
               .has_bias = batch == 4,
               .accumulates = batch == 9,
               .storage = all[static_cast<std::size_t>(count++) % all.size()],
               .weight_storage = weight_storage},
              random);
        }
      }
    }
    // Too long for shared memory, and staged in elements.
    for (const std::int32_t traces : {1, 2}) {
      for (const std::int32_t delay_slots : {300, 3000, 12000}) {
        expect_dense_equal<TypeParam>({.inputs = 33,
                                       .outputs = 4,
                                       .batch = 2,
                                       .delay_slots = delay_slots,
                                       .width = SlotWidth::word,
                                       .traces = traces,
                                       .weight_storage = weight_storage},
                                      random);
      }
    }
  }
}

TYPED_TEST(ConnectionBodies, DenseSumsOfSequencesEqualTheCpus) {
  Random random(3);
  for (const std::int64_t batch : {1, 3, 4, 8, 33}) {
    for (const std::int64_t steps : {2, 5, 40}) {
      expect_dense_equal<TypeParam>({.inputs = 35,
                                     .outputs = 6,
                                     .batch = batch,
                                     .steps = steps,
                                     .delay_slots = 7,
                                     .traces = 2,
                                     .has_bias = true},
                                    random);
    }
  }
  expect_dense_equal<TypeParam>({.inputs = 35,
                                 .outputs = 6,
                                 .batch = 5,
                                 .steps = 11,
                                 .width = SlotWidth::none,
                                 .accumulates = true},
                                random);
}

TYPED_TEST(ConnectionBodies, DenseSumsOfManyBlocksAddGroupsOfRunsInOrder) {
  Random random(4);
  // Of many columns, and of few, which stage the plan.
  for (const Case& c : {Case{.inputs = 260, .outputs = 490, .batch = 33, .delay_slots = 3},
                        Case{.inputs = 1030, .outputs = 490, .batch = 1, .delay_slots = 3},
                        Case{.inputs = 1030, .outputs = 490, .batch = 3, .delay_slots = 3},
                        Case{.inputs = 2330, .outputs = 200, .batch = 1, .delay_slots = 3}}) {
    Sums<TypeParam> sums(c, c.inputs * c.batch, 1, 1, random);
    DelayedDense<TypeParam> a;
    a.inputs = c.inputs;
    a.outputs = c.outputs;
    a.batch = c.batch;
    a.plan.delay_slots = c.delay_slots;
    a.plan.width = c.width;
    const kernels::DenseCut cut = kernels::dense_parts(a, kernels::dense_least_threads);
    ASSERT_EQ(cut.runs_per_part, sum_group) << "the case no longer fills a device";
    expect_dense_equal<TypeParam>(c, random);
  }
}

TYPED_TEST(ConnectionBodies, DenseSumsOfEveryCutEqualTheCpus) {
  // From one stage of a few inputs to several of 32, and from threads that share out the columns of
  // a slot to threads that share out slots.
  Random random(6);
  for (const kernels::DenseLimits& limits :
       {kernels::DenseLimits{8, 100000, 200000}, kernels::DenseLimits{16, 4096, 8192},
        kernels::DenseLimits{64, 6144, 65536}, kernels::DenseLimits{128, 1, 65536}}) {
    for (const std::int64_t batch : {1, 5, 34}) {
      for (const std::int64_t steps : {1, 3}) {
        for (const StorageType weight_storage : storages<TypeParam>()) {
          expect_dense_equal<TypeParam>({.inputs = 40,
                                         .outputs = 33,
                                         .batch = batch,
                                         .steps = steps,
                                         .delay_slots = 6,
                                         .traces = batch == 5 ? 2 : 1,
                                         .weight_storage = weight_storage},
                                        random, limits);
        }
      }
    }
  }
}

TYPED_TEST(ConnectionBodies, DenseSumsOverHistoriesOfAnyLengthEqualTheCpus) {
  Random random(5);
  for (const std::int32_t delay_slots : {300, 1000, 3000, 65535}) {
    const SlotWidth width = SlotWidth::word;
    expect_dense_equal<TypeParam>({.inputs = 3,
                                   .outputs = 7,
                                   .batch = delay_slots < 10000 ? 10 : 2,
                                   .delay_slots = delay_slots,
                                   .width = width},
                                  random);
    expect_dense_equal<TypeParam>({.inputs = 2,
                                   .outputs = 7,
                                   .batch = 3,
                                   .steps = 5,
                                   .delay_slots = delay_slots,
                                   .width = width},
                                  random);
  }
}

TYPED_TEST(ConnectionBodies, DirectSumsEqualTheCpus) {
  using T = TypeParam;
  Random random(6);
  for (const SlotWidth width : {SlotWidth::none, SlotWidth::byte, SlotWidth::word}) {
    for (const std::int32_t traces : {1, 2}) {
      for (const std::int64_t size : {1, 3, 4, 70, 71, 72}) {
        const std::vector<StorageType> all = storages<T>();
        const auto at = static_cast<std::size_t>(size);
        for (const StorageType weight_storage : all) {
          const Case c{.inputs = size,
                       .outputs = size,
                       .batch = 3,
                       .delay_slots = width == SlotWidth::none ? 1 : 6,
                       .width = width,
                       .traces = traces,
                       .storage = all[at % all.size()],
                       .weight_storage = weight_storage};
          Sums<T> sums(c, size * c.batch, size, size, random);
          DelayedDirect<T> a;
          a.source = sums.source;
          a.plan = sums.plan;
          a.size = size;
          a.batch = c.batch;
          a.bias = traces == 1 ? sums.bias.data() : nullptr;
          a.accumulates = traces == 2;
          Memory<T> expected = sums.out;
          a.out = expected.data();
          ops::delayed_direct(stream, a);
          Memory<T> rounded = sums.out;
          DelayedDirect<T> of_rounded = a;
          of_rounded.source = sums.rounded_source();
          of_rounded.plan = sums.rounded_plan();
          of_rounded.out = rounded.data();
          ops::delayed_direct(stream, of_rounded);
          EXPECT_TRUE(rounded == expected);
          Memory<T> got = sums.out;
          a.out = got.data();
          execute_index(kernels::DelayedDirectBody<T, 4>{a}, group_count(size, 4), c.batch);
          EXPECT_TRUE(got == expected);
        }
      }
    }
  }
}

ConvolutionGeometry geometry_of(std::int64_t height, std::int64_t width, std::int64_t stride,
                                std::int64_t padding, std::int64_t dilation) {
  ConvolutionGeometry g;
  g.channels = 5;
  g.height = height;
  g.width = width;
  g.filters = 3;
  g.kernel[0] = 2;
  g.kernel[1] = 4;
  for (int axis = 0; axis < 2; ++axis) {
    g.stride[axis] = stride;
    g.padding[axis] = padding;
    g.dilation[axis] = dilation;
  }
  g.out_height = (height + 2 * padding - dilation * (g.kernel[0] - 1) - 1) / stride + 1;
  g.out_width = (width + 2 * padding - dilation * (g.kernel[1] - 1) - 1) / stride + 1;
  return g;
}

TYPED_TEST(ConnectionBodies, ConvolutionsEqualTheCpus) {
  using T = TypeParam;
  Random random(7);
  // Spikes, and traces of every storage.
  std::vector<std::pair<SourceKind, StorageType>> sources = {
      {SourceKind::bits, StorageType::same}, {SourceKind::bytes, StorageType::same}};
  for (const StorageType storage : storages<T>()) {
    sources.emplace_back(SourceKind::traces, storage);
  }
  for (const auto& [kind, storage] : sources) {
    for (const SlotWidth width : {SlotWidth::none, SlotWidth::byte}) {
      for (const std::int64_t padding : {0, 2}) {
        for (const std::int64_t stride : {1, 2}) {
          for (const StorageType weight_storage : storages<T>()) {
            const ConvolutionGeometry g = geometry_of(6, 21, stride, padding, 1 + padding / 2);
            const Case c{.inputs = g.pixels(),
                         .outputs = g.filters,
                         .batch = 2,
                         .delay_slots = width == SlotWidth::none ? 1 : 6,
                         .width = width,
                         .kind = kind,
                         .traces = padding == 0 ? 2 : 1,
                         .storage = storage,
                         .weight_storage = weight_storage};
            Sums<T> sums(c, g.pixels() * c.batch, g.filters * g.patch(), g.filters * g.positions(),
                         random);
            DelayedConv2D<T> a;
            if (width == SlotWidth::none && stride == 2 && kind == SourceKind::traces) {
              // Infinity times a weight of 0 would be no number.
              sums.source.weight[0] = T(0);
              Memory<T>& left_out = sums.traces[0];
              std::fill_n(left_out.data(), left_out.size(), std::numeric_limits<T>::infinity());
              sums.source.traces[0] = stored_as(storage, left_out, sums.halves[0]);
            }
            a.source = sums.source;
            a.plan = sums.plan;
            a.geometry = g;
            a.batch = c.batch;
            a.bias = sums.bias.data();
            a.accumulates = stride == 2;
            Memory<T> expected = sums.out;
            a.out = expected.data();
            ops::delayed_conv2d(stream, a);
            Memory<T> rounded = sums.out;
            DelayedConv2D<T> of_rounded = a;
            of_rounded.source = sums.rounded_source();
            of_rounded.plan = sums.rounded_plan();
            of_rounded.out = rounded.data();
            ops::delayed_conv2d(stream, of_rounded);
            EXPECT_TRUE(rounded == expected);
            Memory<T> got = sums.out;
            a.out = got.data();
            const kernels::DelayedConv2DBody<T, 4> body{a};
            execute_index(body, body.calls(), a.batch * g.filters);
            EXPECT_TRUE(got == expected);
          }
        }
      }
    }
  }
}

template <class T>
std::vector<DelayedSelect<T>> select_rules() {
  std::vector<DelayedSelect<T>> out;
  for (const SelectRule rule : {SelectRule::previous, SelectRule::nearest,
                                SelectRule::exponential_decay, SelectRule::chain_decay}) {
    for (const int traces : {1, 2}) {
      DelayedSelect<T> a;
      a.rule = rule;
      a.trace_count = traces;
      a.time_constant[0] = T(5);
      a.time_constant[1] = T(2);
      a.weight[0] = T(1);
      a.weight[1] = T(-1);
      a.feed_rate = T(0.5);
      a.slots = 7;
      a.step_time = T(0.7);
      a.tolerance = T(0.05);
      a.limit = T(4.1);
      a.has_overbound = traces == 1;
      out.push_back(a);
    }
  }
  return out;
}

TYPED_TEST(ConnectionBodies, PlansEqualTheCpusInBothOrders) {
  using T = TypeParam;
  Random random(8);
  for (const DelayedSelect<T>& select : select_rules<T>()) {
    for (const SlotWidth width : {SlotWidth::none, SlotWidth::byte, SlotWidth::word}) {
      for (const bool is_tiled : {false, true}) {
        constexpr std::int64_t rows = 37;
        constexpr std::int64_t columns = 45;
        const std::int64_t entries = is_tiled ? dense_plan_size(columns, rows) : rows * columns;
        Memory<T> weights(rows * columns);
        Memory<T> delays(rows * columns);
        for (std::int64_t i = 0; i < rows * columns; ++i) {
          weights[i] = static_cast<T>(random.uniform(-1, 1));
          delays[i] = random.below(3) == 0 ? static_cast<T>(random.below(7)) * T(0.7)
                                           : static_cast<T>(random.uniform(-1, 5));
        }
        DelayPlan<T> a;
        a.select = select;
        a.rows = rows;
        a.columns = columns;
        a.is_tiled = is_tiled;
        a.weights = weights.data();
        a.width = width;
        struct Plan {
          Memory<std::uint8_t> slots;
          Memory<T> planned[2];
          Memory<std::uint16_t> halves[2];
        };
        const auto point_to = [&](Plan& plan, StorageType storage) {
          if (width != SlotWidth::none) {
            a.delays = delays.data();
            a.slots = plan.slots.data();
          }
          for (int k = 0; k < 2; ++k) {
            a.planned[k] = plan.planned[k].data();
            if (storage != StorageType::same) a.planned[k] = {plan.halves[k].data(), storage};
          }
        };
        const Plan empty{Memory<std::uint8_t>(entries * 2),
                         {Memory<T>(entries), Memory<T>(entries)},
                         {Memory<std::uint16_t>(entries), Memory<std::uint16_t>(entries)}};
        Plan in_t = empty;
        point_to(in_t, StorageType::same);
        ops::delay_plan(stream, a);
        for (const StorageType storage : storages<T>()) {
          SCOPED_TRACE(testing::Message() << "storage " << static_cast<int>(storage));
          Plan expected = empty;
          point_to(expected, storage);
          ops::delay_plan(stream, a);
          Plan got = empty;
          point_to(got, storage);
          kernels::visit_plan(a, [&](auto rule) {
            if (is_tiled) {
              using Body = kernels::PlanTileBody<T, decltype(rule)::value, 1, gpu_width>;
              execute_index(Body{a}, Body::calls, entries / (sum_run * dense_tile_outputs));
            } else {
              execute_index(kernels::PlanRowBody<T, decltype(rule)::value, gpu_width>{a},
                            group_count(rows * columns, gpu_width));
            }
          });
          // What a plan in T holds, rounded.
          Plan rounded = in_t;
          for (int k = 0; k < 2; ++k) stored_as(storage, rounded.planned[k], rounded.halves[k]);
          for (const Plan* plan : {&got, &rounded}) {
            EXPECT_TRUE(plan->slots == expected.slots);
            for (int k = 0; k < 2; ++k) {
              if (storage == StorageType::same) {
                EXPECT_TRUE(plan->planned[k] == expected.planned[k]);
              } else {
                EXPECT_TRUE(plan->halves[k] == expected.halves[k]);
              }
            }
          }
        }
      }
    }
  }
}

TYPED_TEST(ConnectionBodies, SynapticArraysEqualTheCpus) {
  using T = TypeParam;
  Random random(9);
  const ConvolutionGeometry g = geometry_of(5, 9, 2, 1, 1);
  for (const SynapticLayout layout :
       {SynapticLayout::direct, SynapticLayout::dense, SynapticLayout::convolution}) {
    const bool is_convolution = layout == SynapticLayout::convolution;
    for (int variant = 0; variant < 2 * static_cast<int>(storages<T>().size()); ++variant) {
      const bool is_delayed = variant % 2 != 0;
      const Case c{.inputs = is_convolution ? g.pixels() : 13,
                   .outputs = is_convolution ? g.filters : 5,
                   .batch = 3,
                   .delay_slots = 7,
                   .traces = 2,
                   .storage = storages<T>()[static_cast<std::size_t>(variant / 2)]};
      const std::int64_t delays_size =
          is_convolution ? g.filters * g.patch()
                         : (layout == SynapticLayout::dense ? c.inputs * c.outputs : c.inputs);
      const std::int64_t synapses =
          c.batch * (is_convolution ? g.patch() * g.positions() : c.inputs);
      const std::int64_t size =
          synapses * (is_delayed && layout != SynapticLayout::direct ? c.outputs : 1);
      Sums<T> sums(c, c.inputs * c.batch, delays_size, 1, random);
      Memory<T> delays(delays_size);
      for (std::int64_t i = 0; i < delays_size; ++i) {
        delays[i] = static_cast<T>(random.uniform(-1, 5));
      }
      SynapticSelect<T> a;
      a.layout = layout;
      a.batch = c.batch;
      a.inputs = c.inputs;
      a.outputs = c.outputs;
      a.geometry = g;
      a.delays = is_delayed ? delays.data() : nullptr;
      a.source = sums.source;
      a.select = select_rules<T>()[5];
      a.select.has_overbound = true;
      a.select.overbound = T(-2);
      Memory<T> expected(size);
      a.values = expected.data();
      ops::synaptic_select(stream, a);
      Memory<T> rounded(size);
      SynapticSelect<T> of_rounded = a;
      of_rounded.source = sums.rounded_source();
      of_rounded.values = rounded.data();
      ops::synaptic_select(stream, of_rounded);
      EXPECT_TRUE(rounded == expected);
      Memory<T> got(size);
      a.values = got.data();
      execute_index(kernels::SynapticSelectBody<T>{a}, size);
      EXPECT_TRUE(got == expected);
      EXPECT_FALSE(got == Memory<T>(size));

      SynapticCopyArguments<T> copy;
      copy.copy = SynapticCopy::selector;
      copy.layout = layout;
      copy.batch = c.batch;
      copy.rows = c.inputs;
      copy.columns = c.outputs;
      copy.geometry = g;
      copy.in = delays.data();
      const std::int64_t spread = synapses * (layout != SynapticLayout::direct ? c.outputs : 1);
      Memory<T> expected_copy(spread);
      copy.out = expected_copy.data();
      ops::synaptic_copy(stream, copy);
      Memory<T> got_copy(spread);
      copy.out = got_copy.data();
      execute_index(kernels::SynapticCopyBody<T>{copy}, spread);
      EXPECT_TRUE(got_copy == expected_copy);
    }
  }
}

TYPED_TEST(ConnectionBodies, MatrixAndPixelOperationsEqualTheCpus) {
  using T = TypeParam;
  Random random(10);
  const ConvolutionGeometry g = geometry_of(5, 9, 2, 1, 1);
  for (const SynapticCopy kind :
       {SynapticCopy::unfold, SynapticCopy::fold_mean, SynapticCopy::transpose}) {
    SynapticCopyArguments<T> a;
    a.copy = kind;
    a.batch = 2;
    a.rows = 7;
    a.columns = 5;
    a.geometry = g;
    const std::int64_t patches = a.batch * g.patch() * g.positions();
    const std::int64_t pixels = a.batch * g.pixels();
    const std::int64_t in_size = kind == SynapticCopy::unfold      ? pixels
                                 : kind == SynapticCopy::fold_mean ? patches
                                                                   : a.batch * a.rows * a.columns;
    const std::int64_t size = kind == SynapticCopy::unfold      ? patches
                              : kind == SynapticCopy::fold_mean ? pixels
                                                                : in_size;
    Memory<T> in(in_size);
    for (std::int64_t i = 0; i < in_size; ++i) in[i] = static_cast<T>(random.uniform(-1, 1));
    a.in = in.data();
    Memory<T> expected(size);
    a.out = expected.data();
    ops::synaptic_copy(stream, a);
    Memory<T> got(size);
    a.out = got.data();
    execute_index(kernels::SynapticCopyBody<T>{a}, size);
    EXPECT_TRUE(got == expected);
  }

  Memory<T> matrix(11 * 11);
  for (std::int64_t i = 0; i < matrix.size(); ++i) {
    matrix[i] = static_cast<T>(random.uniform(-1, 1));
  }
  matrix[7] = std::numeric_limits<T>::quiet_NaN();
  Memory<T> expected = matrix;
  ops::zero_diagonal(stream, expected.data(), 11);
  ops::clamp(stream, expected.data(), 121, T(-0.5), T(0.25));
  execute_index(kernels::ZeroDiagonalBody<T>{matrix.data(), 11}, 11);
  execute_index(kernels::ClampBody<T>{matrix.data(), T(-0.5), T(0.25)}, 121);
  EXPECT_TRUE(matrix == expected);
  EXPECT_EQ(matrix[7], T(-0.5));
}

}  // namespace
}  // namespace cusynapse::test
