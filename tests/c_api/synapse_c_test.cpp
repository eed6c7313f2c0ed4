// Synapses and groups in C beside those of C++.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "c_api/c_support.hpp"

namespace {

using c_test::Array;
using c_test::dtype_of;
using c_test::for_each_type;
using c_test::model_of;
using c_test::Owned;
using c_test::refused;
using c_test::same_bits;
using c_test::succeeds;
using cusynapse::CurrentSynapse;
using cusynapse::Shape;
using cusynapse::Stream;
using cusynapse::SynapseOptions;
namespace ops = cusynapse::ops;

// The model of SingleExponentialCurrent as one of the caller's.
cusynapse_status exponential_at(void* context, double, cusynapse_synapse_model* model) {
  const auto& constants = *static_cast<const cusynapse_model*>(context);
  if (constants.spike_charge < 0) return 1234;
  model->dynamics = CUSYNAPSE_DYNAMICS_DECAY;
  model->trace_count = 1;
  model->traces[0].time_constant = constants.time_constant;
  model->traces[0].gain = constants.spike_charge / constants.time_constant;
  return CUSYNAPSE_SUCCESS;
}

cusynapse_model custom_model(cusynapse_model* context) {
  cusynapse_model model = {};
  model.kind = CUSYNAPSE_CUSTOM_CURRENT;
  model.name = "MyCurrent";
  model.function = exponential_at;
  model.context = context;
  return model;
}

template <class T>
std::unique_ptr<CurrentSynapse<T>> cpp_synapse(const Stream& stream, const SynapseOptions& options,
                                               const cusynapse_model& m) {
  using namespace cusynapse;
  switch (m.kind) {
    case CUSYNAPSE_DELTA_CURRENT:
      return std::make_unique<DeltaCurrent<T>>(stream, options, DeltaParameters{m.spike_charge});
    case CUSYNAPSE_DELTA_PLUS_CURRENT:
      return std::make_unique<DeltaPlusCurrent<T>>(stream, options,
                                                   DeltaParameters{m.spike_charge});
    case CUSYNAPSE_DOUBLE_EXPONENTIAL_CURRENT:
      return std::make_unique<DoubleExponentialCurrent<T>>(
          stream, options, DoubleExponentialParameters{m.spike_charge, m.tc_decay, m.tc_rise});
    case CUSYNAPSE_ALPHA_CURRENT:
      return std::make_unique<AlphaCurrent<T>>(
          stream, options, ExponentialParameters{m.spike_charge, m.time_constant});
    default:
      return std::make_unique<SingleExponentialCurrent<T>>(
          stream, options,
          ExponentialParameters{model_of(m.kind).spike_charge, model_of(m.kind).time_constant});
  }
}

SynapseOptions cpp_options() {
  SynapseOptions options;
  options.shape = {3, 5};
  options.batch_size = 2;
  options.step_time = 0.5;
  options.delay = 3.0;
  options.interpolation = cusynapse::SpikeInterpolation::nearest;
  options.tolerance = 1e-3;
  options.current_overbound.reset();
  options.spike_overbound = true;
  return options;
}

cusynapse_synapse_options c_options() {
  cusynapse_synapse_options options = c_test::synapse_options();
  options.shape = {2, {3, 5}};
  options.batch_size = 2;
  options.step_time = 0.5;
  options.delay = 3.0;
  options.interpolation = CUSYNAPSE_SPIKE_INTERPOLATION_NEAREST;
  options.tolerance = 1e-3;
  options.has_current_overbound = false;
  options.spike_overbound = true;
  return options;
}

template <class T>
Owned<cusynapse_synapse> c_synapse(cusynapse_stream stream,
                                   const cusynapse_synapse_options& options,
                                   const cusynapse_model& model) {
  cusynapse_synapse* made = nullptr;
  EXPECT_TRUE(succeeds(cusynapse_synapse_create(stream, dtype_of<T>(), &options, &model, &made)));
  return Owned<cusynapse_synapse>(made);
}

const std::vector<cusynapse_model_kind> all_kinds = {CUSYNAPSE_DELTA_CURRENT,
                                                     CUSYNAPSE_DELTA_PLUS_CURRENT,
                                                     CUSYNAPSE_SINGLE_EXPONENTIAL_CURRENT,
                                                     CUSYNAPSE_DOUBLE_EXPONENTIAL_CURRENT,
                                                     CUSYNAPSE_ALPHA_CURRENT,
                                                     CUSYNAPSE_CUSTOM_CURRENT};

// What traces of T may be stored as.
template <class T>
std::vector<cusynapse_storage_type> storages() {
  if (!std::is_same_v<T, float>) return {CUSYNAPSE_STORAGE_SAME};
  return {CUSYNAPSE_STORAGE_SAME, CUSYNAPSE_STORAGE_FLOAT16, CUSYNAPSE_STORAGE_BFLOAT16};
}

class CSynapse : public c_test::CTest {
 protected:
  template <class Body>
  void for_each_model(const Body& body) {
    for_each_type([&]<class T>() {
      for (const cusynapse_model_kind kind : all_kinds) {
        SCOPED_TRACE(kind);
        cusynapse_model constants = model_of(kind);
        const cusynapse_model model =
            kind == CUSYNAPSE_CUSTOM_CURRENT ? custom_model(&constants) : constants;
        for (const cusynapse_storage_type storage : storages<T>()) {
          SCOPED_TRACE(storage);
          SynapseOptions options = cpp_options();
          options.storage = static_cast<cusynapse::StorageType>(storage);
          cusynapse_synapse_options of_c = c_options();
          of_c.storage = storage;
          const auto expected = cpp_synapse<T>(stream(), options, model);
          const auto synapse = c_synapse<T>(c_stream(), of_c, model);
          body(*expected, synapse.get(), T());
        }
      }
    });
  }

  // What can be read, at this moment, from both.
  template <class T>
  void expect_same_state(const CurrentSynapse<T>& expected, const cusynapse_synapse* synapse) {
    const Shape shape = expected.batched_shape();
    Array<T> current(stream(), shape);
    Array<T> expected_current(stream(), shape);
    Array<std::uint8_t> spike(stream(), shape);
    Array<std::uint8_t> expected_spike(stream(), shape);
    ASSERT_TRUE(succeeds(cusynapse_synapse_current(synapse, c_stream(), current.c())));
    expected.current(stream(), expected_current.view());
    EXPECT_TRUE(same_bits(current.host(), expected_current.host()));
    ASSERT_TRUE(succeeds(cusynapse_synapse_spike(synapse, c_stream(), spike.c())));
    expected.spike(stream(), expected_spike.view());
    EXPECT_TRUE(same_bits(spike.host(), expected_spike.host()));

    const Shape selected = shape.appended(4);
    const Array<T> selector(stream(), random_.values<T>(selected.size(), -1.0, 5.0), selected);
    Array<T> at(stream(), selected);
    Array<T> expected_at(stream(), selected);
    Array<std::uint8_t> spike_at(stream(), selected);
    Array<std::uint8_t> expected_spike_at(stream(), selected);
    ASSERT_TRUE(succeeds(cusynapse_synapse_current_at(synapse, c_stream(), selector.in(), at.c())));
    expected.current_at(stream(), selector.constant(), expected_at.view());
    EXPECT_TRUE(same_bits(at.host(), expected_at.host()));
    ASSERT_TRUE(
        succeeds(cusynapse_synapse_spike_at(synapse, c_stream(), selector.in(), spike_at.c())));
    expected.spike_at(stream(), selector.constant(), expected_spike_at.view());
    EXPECT_TRUE(same_bits(spike_at.host(), expected_spike_at.host()));

    std::int32_t head = -1;
    ASSERT_TRUE(succeeds(cusynapse_synapse_pointer(synapse, c_stream(), &head)));
    EXPECT_EQ(head, expected.pointer(stream()));
  }

  template <class T>
  void step_both(CurrentSynapse<T>& expected, cusynapse_synapse* synapse) {
    const Shape shape = expected.batched_shape();
    const Array<std::uint8_t> spikes(stream(), random_.flags(shape.size(), 0.4), shape);
    ASSERT_TRUE(succeeds(cusynapse_synapse_step(synapse, c_stream(), spikes.in(), nullptr, 0)));
    expected.step(stream(), spikes.constant());
  }

  support::Random random_{support::seed()};
};
INSTANTIATE_TEST_SUITE_P(Devices, CSynapse, testing::ValuesIn(support::devices()),
                         support::device_name);

TEST_P(CSynapse, StepsAndReadsAsTheClass) {
  for_each_model([&](auto& expected, cusynapse_synapse* synapse, auto element) {
    using T = decltype(element);
    expect_same_state(expected, synapse);
    for (int i = 0; i < 9; ++i) step_both(expected, synapse);
    const Shape shape = expected.batched_shape();
    const Array<T> values(stream(), random_.values<T>(shape.size(), -1.0, 2.0), shape);
    ASSERT_TRUE(succeeds(cusynapse_synapse_step(synapse, c_stream(), values.in(), nullptr, 0)));
    expected.step(stream(), values.constant());
    const std::vector<std::uint8_t> flags = random_.flags(shape.size(), 0.5);
    const Array<std::uint8_t> bytes(stream(), support::pack_bits(flags, 1), Shape{4});
    cusynapse_const_array bits = bytes.in();
    bits.dtype = CUSYNAPSE_BITS;
    bits.shape = c_test::shape_of(shape);
    ASSERT_TRUE(succeeds(cusynapse_synapse_step(synapse, c_stream(), bits, nullptr, 0)));
    expected.step(stream(), cusynapse::PackedSpikes(bytes.constant().data(), shape));
    expect_same_state(expected, synapse);

    const Shape several = shape.prepended(5);
    const Array<std::uint8_t> inputs(stream(), random_.flags(several.size(), 0.3), several);
    ASSERT_TRUE(succeeds(cusynapse_synapse_step_sequence(synapse, c_stream(), inputs.in())));
    expected.step_sequence(stream(), inputs.constant());
    expect_same_state(expected, synapse);
  });
}

TEST_P(CSynapse, TakesInjectedCurrentsWhereTheClassDoes) {
  for_each_model([&](auto& expected, cusynapse_synapse* synapse, auto element) {
    using T = decltype(element);
    const Shape shape = expected.batched_shape();
    const Array<T> input(stream(), random_.values<T>(shape.size(), 0.0, 1.0), shape);
    const Array<T> first(stream(), random_.values<T>(shape.size(), 0.0, 1.0), shape);
    const Array<T> second(stream(), random_.values<T>(shape.size(), 0.0, 1.0), shape);
    const cusynapse_const_array injected[] = {first.in(), second.in()};
    const auto status = cusynapse_synapse_step(synapse, c_stream(), input.in(), injected, 2);
    try {
      expected.step(stream(), input.constant(), {first.constant(), second.constant()});
      EXPECT_TRUE(succeeds(status));
    } catch (const cusynapse::Error& error) {
      EXPECT_EQ(status, static_cast<cusynapse_status>(error.code()));
    }
    expect_same_state(expected, synapse);
  });
}

TEST_P(CSynapse, ChangesAsTheClass) {
  for_each_model([&](auto& expected, cusynapse_synapse* synapse, auto) {
    for (int i = 0; i < 8; ++i) step_both(expected, synapse);
    const cusynapse_stream on = c_stream();
    ASSERT_TRUE(succeeds(cusynapse_synapse_set_batch_size(synapse, on, 3)));
    expected.set_batch_size(stream(), 3);
    expect_same_state(expected, synapse);
    ASSERT_TRUE(succeeds(cusynapse_synapse_set_delay(synapse, on, 5.0, CUSYNAPSE_HISTORY_KEEP)));
    expected.set_delay(stream(), 5.0, cusynapse::HistoryChange::keep);
    expect_same_state(expected, synapse);
    ASSERT_TRUE(
        succeeds(cusynapse_synapse_set_step_time(synapse, on, 0.25, CUSYNAPSE_HISTORY_KEEP)));
    expected.set_step_time(stream(), 0.25, cusynapse::HistoryChange::keep);
    step_both(expected, synapse);
    expect_same_state(expected, synapse);
    cusynapse_synapse_options options = c_test::synapse_options();
    ASSERT_TRUE(succeeds(cusynapse_synapse_get_options(synapse, &options)));
    EXPECT_EQ(options.step_time, 0.25);
    EXPECT_EQ(options.delay, 5.0);
    EXPECT_EQ(options.batch_size, 3);
    EXPECT_EQ(c_test::shape_of(options.shape), expected.shape());
    EXPECT_EQ(options.interpolation, CUSYNAPSE_SPIKE_INTERPOLATION_NEAREST);
    EXPECT_EQ(options.tolerance, 1e-3);
    EXPECT_FALSE(options.has_current_overbound);
    EXPECT_TRUE(options.has_spike_overbound && options.spike_overbound);
    EXPECT_EQ(options.storage, static_cast<cusynapse_storage_type>(expected.options().storage));
    cusynapse_synapse_info info;
    ASSERT_TRUE(succeeds(cusynapse_synapse_info_init(&info, sizeof info)));
    ASSERT_TRUE(succeeds(cusynapse_synapse_get_info(synapse, &info)));
    EXPECT_EQ(info.slots, expected.slots());
    EXPECT_EQ(info.trace_count, expected.trace_count());
    EXPECT_EQ(info.version, expected.version());
    EXPECT_EQ(info.device.kind, on.device.kind);
    ASSERT_TRUE(succeeds(cusynapse_synapse_clear(synapse, on)));
    expected.clear(stream());
    expect_same_state(expected, synapse);
  });
}

TEST_P(CSynapse, OverwritesAsTheClass) {
  for_each_model([&](auto& expected, cusynapse_synapse* synapse, auto element) {
    using T = decltype(element);
    step_both(expected, synapse);
    const Shape shape = expected.batched_shape();
    const Array<std::uint8_t> spikes(stream(), random_.flags(shape.size(), 0.4), shape);
    ASSERT_TRUE(succeeds(cusynapse_synapse_set_spike(synapse, c_stream(), spikes.in())));
    expected.set_spike(stream(), spikes.constant());
    const Array<T> current(stream(), random_.values<T>(shape.size(), 0.0, 1.0), shape);
    const auto status = cusynapse_synapse_set_current(synapse, c_stream(), current.in());
    try {
      expected.set_current(stream(), current.constant());
      EXPECT_TRUE(succeeds(status));
    } catch (const cusynapse::Error& error) {
      EXPECT_TRUE(refused(status, static_cast<cusynapse_status>(error.code()), {error.what()}));
    }
    expect_same_state(expected, synapse);
  });
}

TEST_P(CSynapse, ReadsAndTakesConstants) {
  for_each_model([&](auto& expected, cusynapse_synapse* synapse, auto element) {
    using T = decltype(element);
    cusynapse_model model = {};
    ASSERT_TRUE(succeeds(cusynapse_synapse_get_model(synapse, &model)));
    cusynapse_synapse_info info;
    ASSERT_TRUE(succeeds(cusynapse_synapse_info_init(&info, sizeof info)));
    ASSERT_TRUE(succeeds(cusynapse_synapse_get_info(synapse, &info)));
    EXPECT_EQ(info.dtype, dtype_of<T>());
    if (model.kind == CUSYNAPSE_CUSTOM_CURRENT) {
      EXPECT_STREQ(info.name, "MyCurrent");
      EXPECT_STREQ(model.name, "MyCurrent");
      EXPECT_EQ(model.function, exponential_at);
      return;
    }
    EXPECT_STREQ(info.name, expected.name());
    EXPECT_EQ(model.spike_charge, 3.7);
    model.spike_charge = -1.25;
    ASSERT_TRUE(succeeds(cusynapse_synapse_set_model(synapse, &model)));
    SynapseOptions same_options = cpp_options();
    same_options.storage = expected.options().storage;
    const auto changed = cpp_synapse<T>(stream(), same_options, model);
    if (model.kind != CUSYNAPSE_SINGLE_EXPONENTIAL_CURRENT) {
      step_both(*changed, synapse);
      expect_same_state(*changed, synapse);
    }
    model.spike_charge = 0.0;
    EXPECT_TRUE(refused(cusynapse_synapse_set_model(synapse, &model), CUSYNAPSE_INVALID_ARGUMENT,
                        {"spike_charge is 0"}));
    model.kind = model.kind % 5 + 1;
    EXPECT_TRUE(refused(cusynapse_synapse_set_model(synapse, &model), CUSYNAPSE_INVALID_ARGUMENT,
                        {"model->kind", "the kind of the synapse"}));
  });
}

TEST_P(CSynapse, AModelOfTheCallersFailsWithItsOwnStatus) {
  cusynapse_model constants = model_of(CUSYNAPSE_CUSTOM_CURRENT);
  const auto synapse = c_synapse<float>(c_stream(), c_options(), custom_model(&constants));
  constants.spike_charge = -1.0;
  EXPECT_TRUE(refused(
      cusynapse_synapse_set_step_time(synapse.get(), c_stream(), 0.25, CUSYNAPSE_HISTORY_CLEAR),
      1234, {"MyCurrent: the model's function returned 1234"}));
  cusynapse_synapse_options options = c_test::synapse_options();
  ASSERT_TRUE(succeeds(cusynapse_synapse_get_options(synapse.get(), &options)));
  EXPECT_EQ(options.step_time, 0.5);
  cusynapse_model nameless = custom_model(&constants);
  nameless.name = nullptr;
  EXPECT_TRUE(refused(cusynapse_synapse_set_model(synapse.get(), &nameless),
                      CUSYNAPSE_INVALID_ARGUMENT, {"model->name is null"}));
  nameless = custom_model(&constants);
  nameless.function = nullptr;
  EXPECT_TRUE(refused(cusynapse_synapse_set_model(synapse.get(), &nameless),
                      CUSYNAPSE_INVALID_ARGUMENT, {"model->function is null"}));
}

TEST_P(CSynapse, ReadsThePartsOfADoubleExponentialCurrent) {
  for_each_model([&](auto& any, cusynapse_synapse* synapse, auto element) {
    using T = decltype(element);
    const Shape shape = any.batched_shape();
    Array<T> out(stream(), shape);
    auto* expected = dynamic_cast<cusynapse::DoubleExponentialCurrent<T>*>(&any);
    if (expected == nullptr) {
      EXPECT_TRUE(refused(cusynapse_synapse_pos_current(synapse, c_stream(), out.c()),
                          CUSYNAPSE_NOT_SUPPORTED, {"expected a DoubleExponentialCurrent"}));
      return;
    }
    const Array<T> pos(stream(), random_.values<T>(shape.size(), 0.0, 1.0), shape);
    const Array<T> neg(stream(), random_.values<T>(shape.size(), 0.0, 1.0), shape);
    ASSERT_TRUE(succeeds(cusynapse_synapse_set_pos_current(synapse, c_stream(), pos.in())));
    ASSERT_TRUE(succeeds(cusynapse_synapse_set_neg_current(synapse, c_stream(), neg.in())));
    expected->set_pos_current(stream(), pos.constant());
    expected->set_neg_current(stream(), neg.constant());
    step_both(any, synapse);
    expect_same_state(any, synapse);
    Array<T> expected_out(stream(), shape);
    ASSERT_TRUE(succeeds(cusynapse_synapse_pos_current(synapse, c_stream(), out.c())));
    expected->pos_current(stream(), expected_out.view());
    EXPECT_TRUE(same_bits(out.host(), expected_out.host()));
    ASSERT_TRUE(succeeds(cusynapse_synapse_neg_current(synapse, c_stream(), out.c())));
    expected->neg_current(stream(), expected_out.view());
    EXPECT_TRUE(same_bits(out.host(), expected_out.host()));
    const Array<T> selector(stream(), random_.values<T>(shape.size(), 0.0, 1.0), shape);
    ASSERT_TRUE(
        succeeds(cusynapse_synapse_pos_current_at(synapse, c_stream(), selector.in(), out.c())));
    expected->pos_current_at(stream(), selector.constant(), expected_out.view());
    EXPECT_TRUE(same_bits(out.host(), expected_out.host()));
    ASSERT_TRUE(
        succeeds(cusynapse_synapse_neg_current_at(synapse, c_stream(), selector.in(), out.c())));
    expected->neg_current_at(stream(), selector.constant(), expected_out.view());
    EXPECT_TRUE(same_bits(out.host(), expected_out.host()));
  });
}

// The same step and the same reading by level 2, with the arguments the object gives.
TEST_P(CSynapse, GivesArgumentsForLevelTwo) {
  for_each_model([&](auto& expected, cusynapse_synapse* synapse, auto element) {
    using T = decltype(element);
    for (int i = 0; i < 4; ++i) step_both(expected, synapse);
    const Shape shape = expected.batched_shape();
    const Array<std::uint8_t> spikes(stream(), random_.flags(shape.size(), 0.4), shape);
    cusynapse_decay_inject_arguments step = {};
    ASSERT_TRUE(succeeds(cusynapse_synapse_step_arguments(synapse, &step)));
    step.input_kind = CUSYNAPSE_INPUT_BYTES;
    step.input = spikes.in().data;
    ASSERT_TRUE(succeeds(cusynapse_decay_inject(c_stream(), dtype_of<T>(), &step)));
    expected.step(stream(), spikes.constant());
    expect_same_state(expected, synapse);

    cusynapse_delayed_select_arguments current = {};
    cusynapse_spike_select_arguments spike = {};
    ASSERT_TRUE(succeeds(cusynapse_synapse_readout(synapse, &current, &spike)));
    const Array<T> selector(stream(), random_.values<T>(shape.size(), -1.0, 4.0), shape);
    Array<std::uint8_t> bytes(stream(), shape);
    Array<std::uint8_t> expected_bytes(stream(), shape);
    spike.selector = selector.in().data;
    spike.bytes = static_cast<std::uint8_t*>(bytes.c().data);
    ASSERT_TRUE(succeeds(cusynapse_spike_select(c_stream(), dtype_of<T>(), &spike)));
    expected.spike_at(stream(), selector.constant(), expected_bytes.view());
    EXPECT_TRUE(same_bits(bytes.host(), expected_bytes.host()));
    cusynapse_ring ring = {};
    ASSERT_TRUE(succeeds(cusynapse_synapse_spike_ring(synapse, &ring)));
    EXPECT_EQ(ring.size, shape.size());
    EXPECT_EQ(ring.slots, expected.slots());
    if (expected.trace_count() == 0) {
      EXPECT_TRUE(refused(cusynapse_synapse_trace_ring(synapse, 0, &ring),
                          CUSYNAPSE_INVALID_ARGUMENT, {"trace is 0"}));
      return;
    }
    cusynapse_ring trace = {};
    ASSERT_TRUE(succeeds(cusynapse_synapse_trace_ring(synapse, 0, &trace)));
    EXPECT_EQ(trace.data, current.traces[0]);
    EXPECT_EQ(current.storage, static_cast<cusynapse_storage_type>(expected.options().storage));
    Array<T> newest(stream(), shape);
    const cusynapse_ring_read_arguments read = {trace, newest.c().data, 1, 1, 0, 1};
    cusynapse::visit_storage<T>(expected.options().storage, [&](auto stored) {
      using Stored = decltype(stored);
      ASSERT_TRUE(succeeds(cusynapse_ring_read(c_stream(), dtype_of<Stored>(), &read)));
      const auto of_cpp = expected.template trace_ring_as<Stored>(0);
      EXPECT_TRUE(same_bits(newest.host(), support::observations(stream(), of_cpp)[0]));
    });
    cusynapse_delayed_select_arguments select = {};
    ASSERT_TRUE(succeeds(cusynapse_synapse_select_arguments(synapse, &select)));
    Array<T> out(stream(), shape);
    Array<T> expected_out(stream(), shape);
    select.selector = selector.in().data;
    select.out = out.c().data;
    ASSERT_TRUE(succeeds(cusynapse_delayed_select(c_stream(), dtype_of<T>(), &select)));
    expected.current_at(stream(), selector.constant(), expected_out.view());
    EXPECT_TRUE(same_bits(out.host(), expected_out.host()));
  });
}

TEST_P(CSynapse, RefusesWrongArraysAndWritesNothing) {
  for_each_model([&](auto& expected, cusynapse_synapse* synapse, auto element) {
    using T = decltype(element);
    using Other = std::conditional_t<std::is_same_v<T, float>, double, float>;
    step_both(expected, synapse);
    const std::string wanted = std::is_same_v<T, float> ? "float32" : "float64";
    const Shape shape = expected.batched_shape();
    Array<T> out(stream(), shape);
    Array<Other> other(stream(), shape);
    const std::vector<T> before = out.host();
    EXPECT_TRUE(refused(cusynapse_synapse_current(synapse, c_stream(), other.c()),
                        CUSYNAPSE_INVALID_ARGUMENT,
                        {"cusynapse_synapse_current: element type of out is", wanted}));
    EXPECT_TRUE(refused(cusynapse_synapse_step(synapse, c_stream(), other.in(), nullptr, 0),
                        CUSYNAPSE_INVALID_ARGUMENT,
                        {"element type of input", "expected " + wanted + ", uint8 or bits"}));
    cusynapse_array wrong = out.c();
    wrong.shape.extents[1] += 1;
    EXPECT_TRUE(refused(cusynapse_synapse_current(synapse, c_stream(), wrong),
                        CUSYNAPSE_SHAPE_MISMATCH, {"[2, 4, 5]", "expected [2, 3, 5]"}));
    wrong = out.c();
    wrong.shape.rank = 9;
    EXPECT_TRUE(refused(cusynapse_synapse_current(synapse, c_stream(), wrong),
                        CUSYNAPSE_INVALID_ARGUMENT, {"rank of out is 9, expected 0 to 8"}));
    wrong = out.c();
    wrong.data = nullptr;
    EXPECT_TRUE(refused(cusynapse_synapse_current(synapse, c_stream(), wrong),
                        CUSYNAPSE_INVALID_ARGUMENT, {"out is null"}));
    EXPECT_TRUE(refused(cusynapse_synapse_current(synapse, c_stream(), {}),
                        CUSYNAPSE_SHAPE_MISMATCH, {"out has shape []"}));
    const cusynapse_const_array many[17] = {};
    EXPECT_TRUE(refused(cusynapse_synapse_step(synapse, c_stream(), out.in(), many, 17),
                        CUSYNAPSE_INVALID_ARGUMENT, {"injected_count is 17"}));
    EXPECT_TRUE(refused(cusynapse_synapse_step(synapse, c_stream(), out.in(), nullptr, 1),
                        CUSYNAPSE_INVALID_ARGUMENT, {"injected is null"}));
    EXPECT_TRUE(refused(cusynapse_synapse_set_delay(synapse, c_stream(), 1.0, 2),
                        CUSYNAPSE_INVALID_ARGUMENT, {"change is 2"}));
    EXPECT_TRUE(
        refused(cusynapse_synapse_set_step_time(synapse, c_stream(), -1.0, CUSYNAPSE_HISTORY_CLEAR),
                CUSYNAPSE_INVALID_ARGUMENT, {"step_time is -1"}));
    EXPECT_TRUE(same_bits(out.host(), before));
    expect_same_state(expected, synapse);
  });
}

TEST_P(CSynapse, RefusesModelsAndOptionsOutOfTheirDomain) {
  cusynapse_synapse* made = nullptr;
  cusynapse_model model = model_of(7);
  cusynapse_synapse_options options = c_options();
  const auto create = [&] {
    return cusynapse_synapse_create(c_stream(), CUSYNAPSE_FLOAT32, &options, &model, &made);
  };
  EXPECT_TRUE(refused(create(), CUSYNAPSE_INVALID_ARGUMENT, {"model->kind is 7"}));
  model = model_of(CUSYNAPSE_ALPHA_CURRENT);
  options.interpolation = 2;
  EXPECT_TRUE(refused(create(), CUSYNAPSE_INVALID_ARGUMENT, {"interpolation is 2"}));
  options = c_options();
  options.storage = 3;
  EXPECT_TRUE(refused(create(), CUSYNAPSE_INVALID_ARGUMENT, {"storage is 3"}));
  options.storage = CUSYNAPSE_STORAGE_BFLOAT16;
  EXPECT_TRUE(
      refused(cusynapse_synapse_create(c_stream(), CUSYNAPSE_FLOAT64, &options, &model, &made),
              CUSYNAPSE_INVALID_ARGUMENT, {"storage is bfloat16", "expected same"}));
  options = c_options();
  options.shape.rank = -1;
  EXPECT_TRUE(refused(create(), CUSYNAPSE_INVALID_ARGUMENT, {"rank of shape is -1"}));
  options = c_options();
  options.batch_size = 0;
  EXPECT_TRUE(refused(create(), CUSYNAPSE_INVALID_ARGUMENT, {"batch_size is 0"}));
  EXPECT_EQ(made, nullptr);
}

TEST_P(CSynapse, AGroupStepsItsMembersAsTheClass) {
  for_each_type([&]<class T>() {
    const std::vector<cusynapse_model> models = {model_of(CUSYNAPSE_ALPHA_CURRENT),
                                                 model_of(CUSYNAPSE_DELTA_CURRENT)};
    std::vector<cusynapse_synapse_options> options(2, c_options());
    options[1].shape = {1, {70}};
    std::vector<SynapseOptions> expected_options(2, cpp_options());
    expected_options[1].shape = {70};
    std::vector<std::unique_ptr<CurrentSynapse<T>>> members;
    for (std::size_t i = 0; i < 2; ++i) {
      members.push_back(cpp_synapse<T>(stream(), expected_options[i], models[i]));
    }
    cusynapse::SynapseGroup<T> expected(stream(), std::move(members));
    const cusynapse_synapse_options* all_options[] = {&options[0], &options[1]};
    const cusynapse_model* all_models[] = {&models[0], &models[1]};
    cusynapse_synapse_group* made = nullptr;
    ASSERT_TRUE(succeeds(cusynapse_synapse_group_create(c_stream(), dtype_of<T>(), all_options,
                                                        all_models, 2, &made)));
    Owned<cusynapse_synapse_group> group(made);
    cusynapse_synapse_group_info info;
    ASSERT_TRUE(succeeds(cusynapse_synapse_group_info_init(&info, sizeof info)));
    ASSERT_TRUE(succeeds(cusynapse_synapse_group_get_info(made, &info)));
    EXPECT_EQ(info.size, 2);
    EXPECT_EQ(info.dtype, dtype_of<T>());
    ASSERT_EQ(info.input_size, expected.input_size());
    std::int64_t offset = -1;
    ASSERT_TRUE(succeeds(cusynapse_synapse_group_input_offset(made, 1, &offset)));
    EXPECT_EQ(offset, expected.input_offset(1));
    EXPECT_TRUE(refused(cusynapse_synapse_group_input_offset(made, 2, &offset),
                        CUSYNAPSE_INVALID_ARGUMENT, {"index is 2"}));
    cusynapse_synapse* member = nullptr;
    ASSERT_TRUE(succeeds(cusynapse_synapse_group_member(made, 1, &member)));
    const Owned<cusynapse_synapse> second(member);
    const auto step = [&] {
      const Shape shape = {expected.input_size()};
      const Array<std::uint8_t> input(stream(), random_.flags(shape.size(), 0.4), shape);
      const auto status = cusynapse_synapse_group_step(made, c_stream(), input.in());
      if (status == CUSYNAPSE_SUCCESS) expected.step(stream(), input.constant());
      return status;
    };
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(succeeds(step()));
    expect_same_state(expected[1], member);
    ASSERT_TRUE(succeeds(cusynapse_synapse_set_batch_size(member, c_stream(), 3)));
    EXPECT_TRUE(refused(step(), CUSYNAPSE_INVALID_ARGUMENT, {"member 1", "refresh"}));
    ASSERT_TRUE(succeeds(cusynapse_synapse_group_refresh(made, c_stream())));
    expected[1].set_batch_size(stream(), 3);
    expected.refresh(stream());
    ASSERT_TRUE(succeeds(step()));
    group.reset();  // a member lives as long as its handle
    expect_same_state(expected[1], member);
    EXPECT_TRUE(refused(cusynapse_synapse_group_create(c_stream(), dtype_of<T>(), all_options,
                                                       all_models, -1, &made),
                        CUSYNAPSE_INVALID_ARGUMENT, {"count is -1, expected at least 1"}));
    all_models[1] = nullptr;
    EXPECT_TRUE(refused(cusynapse_synapse_group_create(c_stream(), dtype_of<T>(), all_options,
                                                       all_models, 2, &made),
                        CUSYNAPSE_INVALID_ARGUMENT, {"an element of models is null"}));
  });
}

}  // namespace
