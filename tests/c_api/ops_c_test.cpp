// Level 2 in C beside level 2 of C++: the same arguments give the same bits. What the objects'
// tests run already (steps, selections, neurons) is not repeated here.
#include <gtest/gtest.h>

#include <type_traits>
#include <vector>

#include "c_api/c_support.hpp"

namespace {

using c_test::Array;
using c_test::dtype_of;
using c_test::for_each_ring_type;
using c_test::for_each_type;
using c_test::refused;
using c_test::ring_dtype;
using c_test::same_bits;
using c_test::succeeds;
using cusynapse::Shape;
namespace ops = cusynapse::ops;

constexpr std::int64_t size = 35;
constexpr std::int64_t stride = 64;
constexpr std::int32_t slots = 6;

class COps : public c_test::CTest {
 protected:
  // Two copies of one array: what C and what C++ write to.
  template <class T>
  struct Twin {
    Array<T> c, cpp;
    void* c_data() { return c.c().data; }
    T* cpp_data() { return cpp.view().data(); }
    testing::AssertionResult agree() const { return same_bits(c.host(), cpp.host()); }
  };
  template <class T>
  Twin<T> twin(const std::vector<T>& values) {
    const Shape shape = {static_cast<std::int64_t>(values.size())};
    return {Array<T>(stream(), values, shape), Array<T>(stream(), values, shape)};
  }
  template <class T>
  Twin<T> outputs(std::int64_t count) {
    return twin(std::vector<T>(static_cast<std::size_t>(count), support::untouched<T>()));
  }
  template <class T>
  Twin<T> values(std::int64_t count, double low = -1.0, double high = 1.0) {
    return twin(random_.values<T>(count, low, high));
  }

  // Storage of a ring of T, and a ring of it with the head given as a number.
  template <class T>
  using Stored = typename cusynapse::ElementTraits<T>::Stored;
  template <class T>
  Twin<Stored<T>> storage() {
    if constexpr (std::is_same_v<T, bool>) {
      std::vector<std::uint8_t> bytes;
      for (std::int64_t i = 0; i < slots * stride / 8; ++i) {
        bytes.push_back(static_cast<std::uint8_t>(random_.bits()));
      }
      return twin(bytes);
    } else if constexpr (sizeof(T) == 2) {
      std::vector<T> stored;
      for (const float value : random_.values<float>(slots * stride, 0.5, 2.0)) {
        stored.push_back(cusynapse::math::from_float<T>(value));
      }
      return twin(stored);
    } else {
      return values<T>(slots * stride, 0.5, 2.0);
    }
  }
  template <class T>
  cusynapse_ring c_ring(Twin<Stored<T>>& data, std::int32_t head) {
    return {data.c_data(), size, stride, slots, {nullptr, head}};
  }
  template <class T>
  cusynapse::Ring<T> cpp_ring(Twin<Stored<T>>& data, std::int32_t head) {
    return {data.cpp_data(), size, stride, slots, {nullptr, head}};
  }

  support::Random random_{support::seed()};
};
INSTANTIATE_TEST_SUITE_P(Devices, COps, testing::ValuesIn(support::devices()),
                         support::device_name);

TEST_P(COps, RingsAreSelectedAndInserted) {
  for_each_ring_type([&]<class T>() {
    using Time = typename cusynapse::ElementTraits<T>::Time;
    using Value = typename cusynapse::ElementTraits<T>::Exchanged;
    constexpr bool is_bits = std::is_same_v<T, bool>;
    auto data = storage<T>();
    auto times = values<Time>(size * 2, 0.0, 2.0);
    auto out = outputs<Value>(size * 2);
    cusynapse_ring_select_arguments c = {};
    c.ring = c_ring<T>(data, 2);
    c.interpolation =
        is_bits ? CUSYNAPSE_INTERPOLATION_NEXT : CUSYNAPSE_INTERPOLATION_EXPONENTIAL_RATE_DECAY;
    c.constant = 0.7;
    c.step_time = 0.5;
    c.tolerance = 1e-3;
    c.offset = 2;
    c.times = times.c_data();
    c.samples = 2;
    c.out = out.c_data();
    cusynapse::RingSelect<T> cpp;
    cpp.ring = cpp_ring<T>(data, 2);
    cpp.interpolation =
        is_bits ? cusynapse::Interpolation::next : cusynapse::Interpolation::exponential_rate_decay;
    cpp.constant = Time(0.7);
    cpp.step_time = Time(0.5);
    cpp.tolerance = Time(1e-3);
    cpp.offset = 2;
    cpp.times = times.cpp_data();
    cpp.samples = 2;
    cpp.out = out.cpp_data();
    ASSERT_TRUE(succeeds(cusynapse_ring_select(c_stream(), ring_dtype<T>(), &c)));
    ops::ring_select(stream(), cpp);
    EXPECT_TRUE(out.agree());
    c.times = nullptr;
    c.position = {3, 2, 0.3};
    c.samples = 1;
    cpp.times = nullptr;
    cpp.position = {3, 2, Time(0.3)};
    cpp.samples = 1;
    ASSERT_TRUE(succeeds(cusynapse_ring_select(c_stream(), ring_dtype<T>(), &c)));
    ops::ring_select(stream(), cpp);
    EXPECT_TRUE(out.agree());

    auto written = outputs<Value>(size);
    cusynapse_ring_insert_arguments c_insert = {};
    c_insert.ring = c_ring<T>(data, 3);
    c_insert.extrapolation =
        is_bits ? CUSYNAPSE_EXTRAPOLATION_NEAREST : CUSYNAPSE_EXTRAPOLATION_LINEAR_BACKWARD;
    c_insert.constant = 0.1;
    c_insert.adjust_scale = 0.75;
    c_insert.adjust_shift = 0.25;
    c_insert.step_time = 0.5;
    c_insert.tolerance = 1e-3;
    c_insert.offset = 1;
    c_insert.times = times.c_data();
    c_insert.values = written.c_data();
    cusynapse::RingInsert<T> cpp_insert;
    cpp_insert.ring = cpp_ring<T>(data, 3);
    cpp_insert.extrapolation =
        is_bits ? cusynapse::Extrapolation::nearest : cusynapse::Extrapolation::linear_backward;
    cpp_insert.constant = Time(0.1);
    cpp_insert.adjust_scale = Time(0.75);
    cpp_insert.adjust_shift = Time(0.25);
    cpp_insert.step_time = Time(0.5);
    cpp_insert.tolerance = Time(1e-3);
    cpp_insert.offset = 1;
    cpp_insert.times = times.cpp_data();
    cpp_insert.values = written.cpp_data();
    ASSERT_TRUE(succeeds(cusynapse_ring_insert(c_stream(), ring_dtype<T>(), &c_insert)));
    ops::ring_insert(stream(), cpp_insert);
    EXPECT_TRUE(data.agree());
    c_insert.extrapolation = 8;
    EXPECT_TRUE(refused(cusynapse_ring_insert(c_stream(), ring_dtype<T>(), &c_insert),
                        CUSYNAPSE_INVALID_ARGUMENT, {"extrapolation is 8"}));
  });
}

TEST_P(COps, RingsAreReadWrittenAndResized) {
  for_each_ring_type([&]<class T>() {
    using Value = typename cusynapse::ElementTraits<T>::Exchanged;
    constexpr bool is_bits = std::is_same_v<T, bool>;
    auto data = storage<T>();
    auto frames = outputs<Value>(size * 3);
    const cusynapse_ring_write_arguments c_write = {
        c_ring<T>(data, 2), frames.c_data(), 3, 3, 1, 4, 0};
    cusynapse::RingWrite<T> cpp_write;
    cpp_write.ring = cpp_ring<T>(data, 2);
    cpp_write.values = frames.cpp_data();
    cpp_write.frames = 3;
    cpp_write.element_stride = 3;
    cpp_write.frame_stride = 1;
    cpp_write.steps_back = 4;
    ASSERT_TRUE(succeeds(cusynapse_ring_write(c_stream(), ring_dtype<T>(), &c_write)));
    ops::ring_write(stream(), cpp_write);
    EXPECT_TRUE(data.agree());
    auto read = outputs<Value>(size * 2);
    const cusynapse_ring_read_arguments c_read = {c_ring<T>(data, 2), read.c_data(), 2, 2, 1, 5};
    cusynapse::RingRead<T> cpp_read;
    cpp_read.ring = cpp_ring<T>(data, 2);
    cpp_read.out = read.cpp_data();
    cpp_read.frames = 2;
    cpp_read.element_stride = 2;
    cpp_read.frame_stride = 1;
    cpp_read.steps_back = 5;
    ASSERT_TRUE(succeeds(cusynapse_ring_read(c_stream(), ring_dtype<T>(), &c_read)));
    ops::ring_read(stream(), cpp_read);
    EXPECT_TRUE(read.agree());

    auto resized = storage<T>();
    const cusynapse_ring_regrid_arguments c_regrid = {c_ring<T>(data, 2), c_ring<T>(resized, 1)};
    ASSERT_TRUE(succeeds(cusynapse_ring_regrid(c_stream(), ring_dtype<T>(), &c_regrid)));
    ops::ring_regrid(stream(),
                     cusynapse::RingRegrid<T>{cpp_ring<T>(data, 2), cpp_ring<T>(resized, 1)});
    EXPECT_TRUE(resized.agree());
    auto resampled = storage<T>();
    cusynapse_ring_resample_arguments c_resample = {};
    c_resample.source = c_ring<T>(data, 2);
    c_resample.destination = c_ring<T>(resampled, 4);
    c_resample.source_step = 0.5;
    c_resample.destination_step = 0.3;
    c_resample.rule = is_bits ? CUSYNAPSE_SELECT_NEAREST : CUSYNAPSE_SELECT_CHAIN_DECAY;
    c_resample.time_constant = 2.5;
    c_resample.tolerance = 1e-3;
    c_resample.feed_rate = 0.8;
    c_resample.feeder = data.c_data();
    cusynapse::RingResample<T> cpp_resample;
    using Time = typename cusynapse::RingResample<T>::Time;
    cpp_resample.source = cpp_ring<T>(data, 2);
    cpp_resample.destination = cpp_ring<T>(resampled, 4);
    cpp_resample.source_step = 0.5;
    cpp_resample.destination_step = 0.3;
    cpp_resample.rule =
        is_bits ? cusynapse::SelectRule::nearest : cusynapse::SelectRule::chain_decay;
    cpp_resample.time_constant = Time(2.5);
    cpp_resample.tolerance = Time(1e-3);
    cpp_resample.feed_rate = Time(0.8);
    cpp_resample.feeder = data.cpp_data();
    ASSERT_TRUE(succeeds(cusynapse_ring_resample(c_stream(), ring_dtype<T>(), &c_resample)));
    ops::ring_resample(stream(), cpp_resample);
    EXPECT_TRUE(resampled.agree());
  });
}

TEST_P(COps, AHeadOfTheDeviceMoves) {
  void* memory = nullptr;
  const cusynapse_device device = c_test::device_of(GetParam());
  cusynapse_ring_state state = {2, 0};
  ASSERT_TRUE(succeeds(cusynapse_memory_allocate(device, sizeof state, &memory)));
  ASSERT_TRUE(succeeds(cusynapse_memory_copy_from_host(c_stream(), memory, &state, sizeof state)));
  auto* const on_device = static_cast<cusynapse_ring_state*>(memory);
  ASSERT_TRUE(succeeds(cusynapse_ring_advance(c_stream(), on_device, slots, -4)));
  ASSERT_TRUE(succeeds(cusynapse_memory_copy_to_host(c_stream(), &state, memory, sizeof state)));
  EXPECT_EQ(state.head, 4);
  EXPECT_TRUE(refused(cusynapse_ring_advance(c_stream(), nullptr, slots, 1),
                      CUSYNAPSE_INVALID_ARGUMENT, {"null"}));
  EXPECT_TRUE(succeeds(cusynapse_memory_deallocate(device, memory)));
}

TEST_P(COps, PopulationsStepTogether) {
  for_each_type([&]<class T>() {
    auto traces = values<T>(slots * stride);
    auto bits = storage<bool>();
    auto input = twin(random_.flags(stride, 0.5));
    auto tiles = twin(std::vector<std::int32_t>{0});
    cusynapse::DecayInjectGroup<T> cpp;
    cpp.step.trace_count = 1;
    cpp.step.decay[0] = T(0.9);
    cpp.step.gain[0] = T(0.7);
    cpp.step.traces[0] = traces.cpp_data();
    cpp.step.spikes = bits.cpp_data();
    cpp.step.size = size;
    cpp.step.stride = stride;
    cpp.step.slots = slots;
    cpp.step.head.value = 3;
    cpp.tile_count = 1;
    cusynapse_decay_inject_group c = {};
    c.step.dynamics = CUSYNAPSE_DYNAMICS_DECAY;
    c.step.trace_count = 1;
    c.step.decay[0] = 0.9;
    c.step.gain[0] = 0.7;
    c.step.traces[0] = traces.c_data();
    c.step.spikes = static_cast<std::uint8_t*>(bits.c_data());
    c.step.size = size;
    c.step.stride = stride;
    c.step.slots = slots;
    c.step.head.value = 3;
    c.step.steps = 1;
    c.tile_count = 1;
    std::size_t bytes = 0;
    ASSERT_TRUE(succeeds(cusynapse_decay_inject_group_size(dtype_of<T>(), &bytes)));
    std::vector<std::uint8_t> packed(bytes);
    ASSERT_TRUE(succeeds(cusynapse_decay_inject_group_pack(dtype_of<T>(), &c, packed.data())));
    const Array<std::uint8_t> c_table(stream(), packed, {static_cast<std::int64_t>(bytes)});
    const cusynapse::Buffer<cusynapse::DecayInjectGroup<T>> cpp_table(stream(), &cpp, 1);
    const cusynapse_decay_inject_grouped_arguments c_arguments = {
        c_table.in().data, static_cast<const std::int32_t*>(tiles.c_data()), 1,
        CUSYNAPSE_INPUT_BYTES, input.c_data()};
    cusynapse::DecayInjectGroups<T> cpp_arguments;
    cpp_arguments.groups = cpp_table.data();
    cpp_arguments.tile_group = tiles.cpp_data();
    cpp_arguments.tile_count = 1;
    cpp_arguments.input_kind = cusynapse::InputKind::bytes;
    cpp_arguments.input = input.cpp_data();
    const auto before = traces.c.host();
    ASSERT_TRUE(succeeds(cusynapse_decay_inject_grouped(c_stream(), dtype_of<T>(), &c_arguments)));
    ops::decay_inject_grouped(stream(), cpp_arguments);
    EXPECT_TRUE(traces.agree());
    EXPECT_TRUE(bits.agree());
    EXPECT_FALSE(same_bits(traces.c.host(), before));
  });
}

// A plan made and read by each of the sums.
TEST_P(COps, SumsArePlannedAndTaken) {
  for_each_type([&]<class T>() {
    using namespace cusynapse;
    constexpr std::int64_t batch = 2;
    constexpr std::int64_t inputs = 16;
    constexpr std::int64_t outs = 5;
    auto trace = values<T>(slots * stride);
    auto weights = values<T>(outs * inputs);
    auto delays = values<T>(outs * inputs, -0.5, 3.0);
    auto bias = values<T>(outs);
    // Tiled and not, with weights of every storage.
    const int variants = std::is_same_v<T, float> ? 6 : 2;
    for (int variant = 0; variant < variants; ++variant) {
      const bool is_tiled = variant % 2 == 0;
      const auto storage = static_cast<StorageType>(variant / 2);
      SCOPED_TRACE(testing::Message() << is_tiled << ", storage " << variant / 2);
      const std::int64_t planned_size =
          is_tiled ? cusynapse_dense_plan_size(inputs, outs) : outs * inputs;
      ASSERT_EQ(cusynapse_dense_plan_size(inputs, outs), dense_plan_size(inputs, outs));
      auto planned = outputs<T>(planned_size);
      auto plan_slots = outputs<std::uint8_t>(planned_size);
      cusynapse_delay_plan_arguments c = {};
      c.select.rule = CUSYNAPSE_SELECT_EXPONENTIAL_DECAY;
      c.select.trace_count = 1;
      c.select.time_constant[0] = 3.3;
      c.select.weight[0] = 1;
      c.select.slots = slots;
      c.select.step_time = 0.5;
      c.select.tolerance = 1e-3;
      c.select.limit = 2.5;
      c.select.has_overbound = true;
      c.select.overbound = 0.25;
      c.rows = outs;
      c.columns = inputs;
      c.is_tiled = is_tiled;
      c.weights = weights.c_data();
      c.delays = delays.c_data();
      ASSERT_TRUE(succeeds(cusynapse_slot_width_of(slots, &c.width)));
      EXPECT_EQ(c.width, CUSYNAPSE_SLOT_WIDTH_BYTE);
      c.slots = plan_slots.c_data();
      c.planned[0] = planned.c_data();  // room for weights of T, whatever they are stored as
      c.storage = static_cast<cusynapse_storage_type>(storage);
      DelayPlan<T> cpp;
      cpp.select.rule = SelectRule::exponential_decay;
      cpp.select.time_constant[0] = T(3.3);
      cpp.select.slots = slots;
      cpp.select.step_time = T(0.5);
      cpp.select.tolerance = T(1e-3);
      cpp.select.limit = T(2.5);
      cpp.select.has_overbound = true;
      cpp.select.overbound = T(0.25);
      cpp.rows = outs;
      cpp.columns = inputs;
      cpp.is_tiled = is_tiled;
      cpp.weights = weights.cpp_data();
      cpp.delays = delays.cpp_data();
      cpp.width = slot_width(slots);
      cpp.slots = plan_slots.cpp_data();
      cpp.planned[0] = StoredData<T>(planned.cpp_data(), storage);
      ASSERT_TRUE(succeeds(cusynapse_delay_plan(c_stream(), dtype_of<T>(), &c)));
      ops::delay_plan(stream(), cpp);
      EXPECT_TRUE(planned.agree());
      EXPECT_TRUE(plan_slots.agree());
      EXPECT_EQ(planned.c.host().back() == support::untouched<T>(), storage != StorageType::same);

      cusynapse_current_source c_source = {};
      c_source.trace_count = 1;
      c_source.traces[0] = trace.c_data();
      c_source.weight[0] = 1;
      c_source.stride = stride;
      c_source.slots = slots;
      c_source.head.value = 4;
      CurrentSource<T> source;
      source.traces[0] = trace.cpp_data();
      source.stride = stride;
      source.slots = slots;
      source.head.value = 4;
      const cusynapse_planned_weights c_plan = {{planned.c_data(), nullptr}, c.storage, c.width,
                                                plan_slots.c_data(),         slots,     0.25};
      PlannedWeights<T> plan;
      plan.weights[0] = StoredData<const T>(planned.cpp_data(), storage);
      plan.width = cpp.width;
      plan.slots = plan_slots.cpp_data();
      plan.delay_slots = slots;
      plan.overbound = T(0.25);
      if (is_tiled) {
        auto out = values<T>(batch * outs);
        cusynapse_delayed_dense_arguments c_dense = {};
        c_dense.source = c_source;
        c_dense.plan = c_plan;
        c_dense.inputs = inputs;
        c_dense.outputs = outs;
        c_dense.batch = batch;
        c_dense.steps = 1;
        c_dense.bias = bias.c_data();
        c_dense.accumulates = true;
        c_dense.out = out.c_data();
        DelayedDense<T> dense;
        dense.source = source;
        dense.plan = plan;
        dense.inputs = inputs;
        dense.outputs = outs;
        dense.batch = batch;
        dense.bias = bias.cpp_data();
        dense.accumulates = true;
        dense.out = out.cpp_data();
        ASSERT_TRUE(succeeds(cusynapse_dense_workspace_bytes(c_stream().device, dtype_of<T>(),
                                                             &c_dense, &c_dense.workspace_bytes)));
        dense.workspace_bytes = ops::dense_workspace_bytes(GetParam(), dense);
        EXPECT_EQ(c_dense.workspace_bytes, dense.workspace_bytes);
        const Buffer<std::uint8_t> work(GetParam(),
                                        static_cast<std::int64_t>(dense.workspace_bytes));
        c_dense.workspace = const_cast<std::uint8_t*>(work.data());
        dense.workspace = c_dense.workspace;
        ASSERT_TRUE(succeeds(cusynapse_delayed_dense(c_stream(), dtype_of<T>(), &c_dense)));
        ops::delayed_dense(stream(), dense);
        EXPECT_TRUE(out.agree());
        c_dense.plan.storage = 3;
        EXPECT_TRUE(refused(cusynapse_delayed_dense(c_stream(), dtype_of<T>(), &c_dense),
                            CUSYNAPSE_INVALID_ARGUMENT, {"storage is 3"}));
        c.storage = 3;
        EXPECT_TRUE(refused(cusynapse_delay_plan(c_stream(), dtype_of<T>(), &c),
                            CUSYNAPSE_INVALID_ARGUMENT, {"storage is 3"}));
        if (!std::is_same_v<T, float>) {
          c.storage = CUSYNAPSE_STORAGE_FLOAT16;
          EXPECT_TRUE(refused(cusynapse_delay_plan(c_stream(), dtype_of<T>(), &c),
                              CUSYNAPSE_INVALID_ARGUMENT, {"storage is float16, expected same"}));
        }
        continue;
      }
      // One weight a synapse: the first row of the plan.
      auto out = values<T>(batch * inputs);
      const cusynapse_delayed_direct_arguments c_direct = {
          c_source, c_plan, inputs, batch, weights.c_data(), true, out.c_data()};
      DelayedDirect<T> direct;
      direct.source = source;
      direct.plan = plan;
      direct.size = inputs;
      direct.batch = batch;
      direct.bias = weights.cpp_data();
      direct.accumulates = true;
      direct.out = out.cpp_data();
      ASSERT_TRUE(succeeds(cusynapse_delayed_direct(c_stream(), dtype_of<T>(), &c_direct)));
      ops::delayed_direct(stream(), direct);
      EXPECT_TRUE(out.agree());

      // 4 x 4 pixels under 5 filters of 4 x 4 with padding.
      const cusynapse_convolution_geometry c_geometry = {1,      4,      4,      outs, {4, 4},
                                                         {1, 2}, {0, 2}, {1, 1}, 1,    3};
      ConvolutionGeometry geometry;
      geometry.height = 4;
      geometry.width = 4;
      geometry.filters = outs;
      geometry.kernel[0] = 4;
      geometry.kernel[1] = 4;
      geometry.stride[1] = 2;
      geometry.padding[1] = 2;
      geometry.out_width = 3;
      auto image = values<T>(batch * outs * 3);
      const cusynapse_delayed_conv2d_arguments c_conv = {
          c_source, c_plan, c_geometry, batch, bias.c_data(), true, image.c_data()};
      DelayedConv2D<T> conv;
      conv.source = source;
      conv.plan = plan;
      conv.geometry = geometry;
      conv.batch = batch;
      conv.bias = bias.cpp_data();
      conv.accumulates = true;
      conv.out = image.cpp_data();
      ASSERT_TRUE(succeeds(cusynapse_delayed_conv2d(c_stream(), dtype_of<T>(), &c_conv)));
      ops::delayed_conv2d(stream(), conv);
      EXPECT_TRUE(image.agree());

      auto single = outputs<T>(batch * inputs * 3 * outs);
      cusynapse_synaptic_select_arguments c_select = {};
      c_select.layout = CUSYNAPSE_LAYOUT_CONVOLUTION;
      c_select.batch = batch;
      c_select.geometry = c_geometry;
      c_select.delays = delays.c_data();
      c_select.source = c_source;
      c_select.select = c.select;
      c_select.values = single.c_data();
      SynapticSelect<T> select;
      select.layout = SynapticLayout::convolution;
      select.batch = batch;
      select.geometry = geometry;
      select.delays = delays.cpp_data();
      select.source = source;
      select.select = cpp.select;
      select.values = single.cpp_data();
      ASSERT_TRUE(succeeds(cusynapse_synaptic_select(c_stream(), dtype_of<T>(), &c_select)));
      ops::synaptic_select(stream(), select);
      EXPECT_TRUE(single.agree());
      c_select.source.kind = 3;
      EXPECT_TRUE(refused(cusynapse_synaptic_select(c_stream(), dtype_of<T>(), &c_select),
                          CUSYNAPSE_INVALID_ARGUMENT, {"source.kind is 3"}));
    }
  });
}

TEST_P(COps, ArraysAreCopiedClampedAndCounted) {
  const auto copy = [&]<class V>(V) {
    Twin<V> in = outputs<V>(24);
    if constexpr (std::is_floating_point_v<V>) in = values<V>(24);
    auto out = outputs<V>(24);
    cusynapse_synaptic_copy_arguments c = {};
    c.copy = CUSYNAPSE_COPY_TRANSPOSE;
    c.batch = 2;
    c.rows = 3;
    c.columns = 4;
    c.in = in.c_data();
    c.out = out.c_data();
    cusynapse::SynapticCopyArguments<V> cpp;
    cpp.batch = 2;
    cpp.rows = 3;
    cpp.columns = 4;
    cpp.in = in.cpp_data();
    cpp.out = out.cpp_data();
    ASSERT_TRUE(succeeds(cusynapse_synaptic_copy(c_stream(), dtype_of<V>(), &c)));
    ops::synaptic_copy(stream(), cpp);
    EXPECT_TRUE(out.agree());
  };
  copy(1.0f);
  copy(1.0);
  copy(std::uint8_t(1));
  for_each_type([&]<class T>() {
    auto matrix = values<T>(25);
    ASSERT_TRUE(succeeds(cusynapse_zero_diagonal(c_stream(), dtype_of<T>(), matrix.c_data(), 5)));
    ops::zero_diagonal(stream(), matrix.cpp_data(), 5);
    EXPECT_TRUE(matrix.agree());
    EXPECT_EQ(matrix.c.host()[6], T(0));
    auto partial = outputs<std::int64_t>(1);
    ASSERT_TRUE(
        succeeds(cusynapse_count_outside(c_stream(), dtype_of<T>(), matrix.c_data(), 25, -0.25, 0.5,
                                         static_cast<std::int64_t*>(partial.c_data()))));
    ops::count_outside(stream(), matrix.cpp_data(), 25, T(-0.25), T(0.5), partial.cpp_data());
    EXPECT_TRUE(partial.agree());
    ASSERT_TRUE(
        succeeds(cusynapse_clamp(c_stream(), dtype_of<T>(), matrix.c_data(), 25, -0.25, 0.5)));
    ops::clamp(stream(), matrix.cpp_data(), 25, T(-0.25), T(0.5));
    EXPECT_TRUE(matrix.agree());
  });
  EXPECT_EQ(cusynapse_slot_stride(33), cusynapse::slot_stride(33));
}

TEST_P(COps, UpdatesAreAccumulatedAndApplied) {
  for_each_type([&]<class T>() {
    auto part = values<T>(size, 0.0, 1.0);
    auto accumulated = outputs<T>(size);
    const cusynapse_accumulate_part_arguments c_part = {CUSYNAPSE_UPDATE_NEGATIVE,
                                                        CUSYNAPSE_REDUCTION_MAXIMUM,
                                                        size,
                                                        part.c_data(),
                                                        accumulated.c_data(),
                                                        nullptr};
    cusynapse::AccumulatePart<T> cpp_part;
    cpp_part.side = cusynapse::UpdateSide::negative;
    cpp_part.reduction = cusynapse::UpdateReduction::maximum;
    cpp_part.size = size;
    cpp_part.part = part.cpp_data();
    cpp_part.accumulated = accumulated.cpp_data();
    ASSERT_TRUE(succeeds(cusynapse_accumulate_part(c_stream(), dtype_of<T>(), &c_part)));
    ops::accumulate_part(stream(), cpp_part);
    EXPECT_TRUE(accumulated.agree());
    auto parameter = values<T>(size, 0.0, 1.0);
    const cusynapse_parameter_update_arguments c_update = {
        size,
        parameter.c_data(),
        part.c_data(),
        accumulated.c_data(),
        CUSYNAPSE_REDUCTION_SUM,
        nullptr,
        {CUSYNAPSE_BOUND_SCALED_MULTIPLICATIVE, 1.5, 1.0, 3.0},
        {CUSYNAPSE_BOUND_MULTIPLICATIVE, -0.5, 1.0, 1.0}};
    cusynapse::ParameterUpdate<T> cpp_update;
    cpp_update.size = size;
    cpp_update.parameter = parameter.cpp_data();
    cpp_update.positive = part.cpp_data();
    cpp_update.negative = accumulated.cpp_data();
    cpp_update.upper = {cusynapse::BoundRule::scaled_multiplicative, T(1.5), T(1), T(3)};
    cpp_update.lower = {cusynapse::BoundRule::multiplicative, T(-0.5), T(1), T(1)};
    ASSERT_TRUE(succeeds(cusynapse_parameter_update(c_stream(), dtype_of<T>(), &c_update)));
    ops::parameter_update(stream(), cpp_update);
    EXPECT_TRUE(parameter.agree());
  });
}

TEST_P(COps, ProjectionsAreMadeOfTheSameParts) {
  for_each_type([&]<class T>() {
    auto in = values<T>(size, -3.0, 3.0);
    auto out = outputs<T>(size);
    const cusynapse_linear_saturating_arguments c_saturating = {in.c_data(), size, 20.0,
                                                                -50.0,       40.0, out.c_data()};
    ASSERT_TRUE(succeeds(cusynapse_linear_saturating(c_stream(), dtype_of<T>(), &c_saturating)));
    ops::linear_saturating(stream(), cusynapse::LinearSaturating<T>{in.cpp_data(), size, T(20),
                                                                    T(-50), T(40), out.cpp_data()});
    EXPECT_TRUE(out.agree());
    auto excitatory = outputs<std::uint8_t>(size);
    auto inhibitory = outputs<std::uint8_t>(size);
    const cusynapse_hardware_image_arguments c_image = {
        out.c_data(), size, static_cast<std::uint8_t*>(excitatory.c_data()),
        static_cast<std::uint8_t*>(inhibitory.c_data())};
    ASSERT_TRUE(succeeds(cusynapse_hardware_image(c_stream(), dtype_of<T>(), &c_image)));
    ops::hardware_image(stream(),
                        cusynapse::HardwareImage<T>{out.cpp_data(), size, excitatory.cpp_data(),
                                                    inhibitory.cpp_data()});
    EXPECT_TRUE(excitatory.agree());
    EXPECT_TRUE(inhibitory.agree());
    auto mask = twin(random_.flags(size, 0.5));
    const cusynapse_masked_copy_arguments c_copy = {
        in.c_data(), static_cast<const std::uint8_t*>(mask.c_data()), size, out.c_data()};
    ASSERT_TRUE(succeeds(cusynapse_masked_copy(c_stream(), dtype_of<T>(), &c_copy)));
    ops::masked_copy(
        stream(), cusynapse::MaskedCopy<T>{in.cpp_data(), mask.cpp_data(), size, out.cpp_data()});
    EXPECT_TRUE(out.agree());
    auto planned = outputs<T>(cusynapse_dense_plan_size(5, 7));
    const cusynapse_transposed_plan_arguments c_plan = {7, 5, in.c_data(), planned.c_data()};
    ASSERT_TRUE(succeeds(cusynapse_transposed_plan(c_stream(), dtype_of<T>(), &c_plan)));
    ops::transposed_plan(stream(),
                         cusynapse::TransposedPlan<T>{7, 5, in.cpp_data(), planned.cpp_data()});
    EXPECT_TRUE(planned.agree());
    auto left = values<T>(3 * 5);
    auto right = twin(random_.flags(3 * 7, 0.5));
    const cusynapse_outer_product_arguments c_outer = {
        3,
        5,
        7,
        left.c_data(),
        CUSYNAPSE_INPUT_BYTES,
        right.c_data(),
        static_cast<const std::uint8_t*>(mask.c_data()),
        true,
        out.c_data()};
    cusynapse::OuterProduct<T> outer;
    outer.rows = 3;
    outer.outputs = 5;
    outer.inputs = 7;
    outer.left = left.cpp_data();
    outer.right_kind = cusynapse::InputKind::bytes;
    outer.right = right.cpp_data();
    outer.mask = mask.cpp_data();
    outer.accumulates = true;
    outer.out = out.cpp_data();
    ASSERT_TRUE(succeeds(cusynapse_outer_product(c_stream(), dtype_of<T>(), &c_outer)));
    ops::outer_product(stream(), outer);
    EXPECT_TRUE(out.agree());
  });
}

TEST_P(COps, RefusesWhatLevelTwoOfCppRefuses) {
  cusynapse_decay_inject_arguments step = {};
  step.size = -1;
  step.slots = 1;
  EXPECT_TRUE(refused(cusynapse_decay_inject(c_stream(), CUSYNAPSE_FLOAT32, &step),
                      CUSYNAPSE_INVALID_ARGUMENT, {"decay_inject: size is -1"}));
  EXPECT_TRUE(refused(cusynapse_decay_inject(c_stream(), CUSYNAPSE_UINT8, &step),
                      CUSYNAPSE_INVALID_ARGUMENT, {"dtype is uint8, expected float32 or float64"}));
  EXPECT_TRUE(refused(cusynapse_decay_inject(c_stream(), CUSYNAPSE_FLOAT16, &step),
                      CUSYNAPSE_INVALID_ARGUMENT,
                      {"dtype is float16, expected float32 or float64"}));
  const cusynapse_ring_read_arguments read = {};
  EXPECT_TRUE(
      refused(cusynapse_ring_read(c_stream(), CUSYNAPSE_UINT8, &read), CUSYNAPSE_INVALID_ARGUMENT,
              {"dtype is uint8, expected float32 or float64 or float16 or bfloat16 or bits"}));
  step.dynamics = 4;
  EXPECT_TRUE(refused(cusynapse_decay_inject(c_stream(), CUSYNAPSE_FLOAT32, &step),
                      CUSYNAPSE_INVALID_ARGUMENT, {"dynamics is 4"}));
  const cusynapse_linear_saturating_arguments saturating = {nullptr, 1, 1.0, -1.0, 1.0, nullptr};
  EXPECT_TRUE(refused(cusynapse_linear_saturating(c_stream(), CUSYNAPSE_FLOAT64, &saturating),
                      CUSYNAPSE_INVALID_ARGUMENT, {"null"}));
  cusynapse_slot_width width = 9;
  EXPECT_TRUE(refused(cusynapse_slot_width_of(70000, &width), CUSYNAPSE_NOT_SUPPORTED, {"70000"}));
  EXPECT_EQ(width, 9);
}

}  // namespace
