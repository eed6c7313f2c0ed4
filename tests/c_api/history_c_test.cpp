// Histories in C beside those of C++.
#include <gtest/gtest.h>

#include <type_traits>

#include "c_api/c_support.hpp"

namespace {

using c_test::Array;
using c_test::for_each_ring_type;
using c_test::Owned;
using c_test::refused;
using c_test::ring_dtype;
using c_test::same_bits;
using c_test::succeeds;
using cusynapse::History;
using cusynapse::HistoryOptions;
using cusynapse::Shape;

class CHistory : public c_test::CTest {
 protected:
  // A history of C++ and one of C, both filled alike.
  template <class T>
  struct Pair {
    History<T> expected;
    Owned<cusynapse_history> handle;
  };

  template <class T>
  Pair<T> make_pair() {
    HistoryOptions options;
    options.shape = {3, 3};
    options.batch_size = 2;
    options.step_time = 0.5;
    options.duration = 3.0;
    options.inclusive = true;
    cusynapse_history_options c_options;
    EXPECT_TRUE(succeeds(cusynapse_history_options_init(&c_options, sizeof c_options)));
    c_options.shape = {2, {3, 3}};
    c_options.batch_size = 2;
    c_options.step_time = 0.5;
    c_options.duration = 3.0;
    c_options.inclusive = true;
    cusynapse_history* made = nullptr;
    EXPECT_TRUE(succeeds(cusynapse_history_create(c_stream(), ring_dtype<T>(), &c_options, &made)));
    return {History<T>(stream(), options), Owned<cusynapse_history>(made)};
  }

  template <class T>
  Array<typename History<T>::Value> random_observation(const Shape& shape) {
    using Value = typename History<T>::Value;
    if constexpr (std::is_same_v<T, bool>) {
      return Array<Value>(stream(), random_.flags(shape.size(), 0.4), shape);
    } else {
      return Array<Value>(stream(), random_.values<Value>(shape.size(), 0.5, 2.0), shape);
    }
  }

  template <class T>
  void push_both(Pair<T>& pair) {
    const auto observation = random_observation<T>(pair.expected.batched_shape());
    ASSERT_TRUE(succeeds(cusynapse_history_push(pair.handle.get(), c_stream(), observation.in())));
    pair.expected.push(stream(), observation.constant());
  }

  // All observations, through the ring each says it has.
  template <class T>
  void expect_same(Pair<T>& pair) {
    cusynapse_ring c_ring = {};
    ASSERT_TRUE(succeeds(cusynapse_history_ring(pair.handle.get(), &c_ring)));
    cusynapse::Ring<T> ring;
    ring.data = static_cast<typename cusynapse::ElementTraits<T>::Stored*>(c_ring.data);
    ring.size = c_ring.size;
    ring.stride = c_ring.stride;
    ring.slots = c_ring.slots;
    ring.head.state = reinterpret_cast<cusynapse::RingState*>(c_ring.head.state);
    EXPECT_EQ(support::observations(stream(), ring),
              support::observations(stream(), pair.expected.ring()));
    std::int32_t head = -1;
    ASSERT_TRUE(succeeds(cusynapse_history_pointer(pair.handle.get(), c_stream(), &head)));
    EXPECT_EQ(head, pair.expected.pointer(stream()));
    cusynapse_history_info info;
    ASSERT_TRUE(succeeds(cusynapse_history_info_init(&info, sizeof info)));
    ASSERT_TRUE(succeeds(cusynapse_history_get_info(pair.handle.get(), &info)));
    EXPECT_EQ(info.slots, pair.expected.slots());
    EXPECT_EQ(info.dtype, ring_dtype<T>());
  }

  support::Random random_{support::seed()};
};
INSTANTIATE_TEST_SUITE_P(Devices, CHistory, testing::ValuesIn(support::devices()),
                         support::device_name);

TEST_P(CHistory, MovesObservationsAsTheClass) {
  for_each_ring_type([&]<class T>() {
    using Value = typename History<T>::Value;
    Pair<T> pair = make_pair<T>();
    History<T>& expected = pair.expected;
    cusynapse_history* const handle = pair.handle.get();
    const cusynapse_stream on = c_stream();
    for (int i = 0; i < 9; ++i) push_both(pair);
    expect_same(pair);
    const Shape shape = expected.batched_shape();
    Array<Value> out(stream(), shape);
    Array<Value> expected_out(stream(), shape);
    ASSERT_TRUE(succeeds(cusynapse_history_peek(handle, on, out.c())));
    expected.peek(stream(), expected_out.view());
    EXPECT_TRUE(same_bits(out.host(), expected_out.host()));
    ASSERT_TRUE(succeeds(cusynapse_history_pop(handle, on, out.c())));
    expected.pop(stream(), expected_out.view());
    EXPECT_TRUE(same_bits(out.host(), expected_out.host()));
    ASSERT_TRUE(succeeds(cusynapse_history_increment(handle, on, 3)));
    expected.increment(stream(), 3);
    ASSERT_TRUE(succeeds(cusynapse_history_decrement(handle, on, 5)));
    expected.decrement(stream(), 5);
    ASSERT_TRUE(succeeds(cusynapse_history_read(handle, on, out.c(), 4)));
    expected.read(stream(), expected_out.view(), 4);
    EXPECT_TRUE(same_bits(out.host(), expected_out.host()));
    const auto written = random_observation<T>(shape);
    ASSERT_TRUE(succeeds(cusynapse_history_write(handle, on, written.in(), 2)));
    expected.write(stream(), written.constant(), 2);
    const auto range = random_observation<T>(shape.appended(3));
    ASSERT_TRUE(succeeds(cusynapse_history_write_range(handle, on, range.in(), 1, true)));
    expected.write_range(stream(), range.constant(), 1, true);
    Array<Value> read(stream(), shape.appended(4));
    Array<Value> expected_read(stream(), shape.appended(4));
    ASSERT_TRUE(succeeds(cusynapse_history_read_range(handle, on, read.c(), 2, false)));
    expected.read_range(stream(), expected_read.view(), 2, false);
    EXPECT_TRUE(same_bits(read.host(), expected_read.host()));
    expect_same(pair);
    ASSERT_TRUE(succeeds(cusynapse_history_align(handle, on, 2)));
    expected.align(stream(), 2);
    expect_same(pair);
    const double fill = std::is_same_v<T, bool> ? 1.0 : 0.7;
    ASSERT_TRUE(succeeds(cusynapse_history_reset(handle, on, fill)));
    expected.reset(stream(), static_cast<Value>(fill));
    expect_same(pair);
  });
}

TEST_P(CHistory, ChangesAsTheClass) {
  for_each_ring_type([&]<class T>() {
    Pair<T> pair = make_pair<T>();
    History<T>& expected = pair.expected;
    cusynapse_history* const handle = pair.handle.get();
    const cusynapse_stream on = c_stream();
    for (int i = 0; i < 5; ++i) push_both(pair);
    ASSERT_TRUE(succeeds(cusynapse_history_set_step_time(handle, on, 0.25)));
    expected.set_step_time(stream(), 0.25);
    expect_same(pair);
    ASSERT_TRUE(succeeds(cusynapse_history_set_duration(handle, on, 2.0)));
    expected.set_duration(stream(), 2.0);
    expect_same(pair);
    ASSERT_TRUE(succeeds(cusynapse_history_set_inclusive(handle, on, false)));
    expected.set_inclusive(stream(), false);
    ASSERT_TRUE(succeeds(cusynapse_history_set_batch_size(handle, on, 3)));
    expected.set_batch_size(stream(), 3);
    expect_same(pair);
    cusynapse_history_options options;
    ASSERT_TRUE(succeeds(cusynapse_history_options_init(&options, sizeof options)));
    ASSERT_TRUE(succeeds(cusynapse_history_get_options(handle, &options)));
    EXPECT_EQ(options.step_time, 0.25);
    EXPECT_EQ(options.duration, 2.0);
    EXPECT_FALSE(options.inclusive);
    EXPECT_EQ(options.batch_size, 3);
    EXPECT_EQ(c_test::shape_of(options.shape), expected.shape());
  });
}

TEST_P(CHistory, SelectsAndInsertsAsTheClass) {
  for_each_ring_type([&]<class T>() {
    using Value = typename History<T>::Value;
    using Time = typename History<T>::Time;
    constexpr bool is_bits = std::is_same_v<T, bool>;
    Pair<T> pair = make_pair<T>();
    History<T>& expected = pair.expected;
    cusynapse_history* const handle = pair.handle.get();
    const cusynapse_stream on = c_stream();
    for (int i = 0; i < 9; ++i) push_both(pair);
    const Shape shape = expected.batched_shape();
    const Shape selected = shape.appended(2);

    const Array<Time> times(stream(), random_.values<Time>(selected.size(), 0.0, 3.0), selected);
    Array<Value> out(stream(), selected);
    Array<Value> expected_out(stream(), selected);
    ASSERT_TRUE(succeeds(cusynapse_history_select(handle, on, times.in(), out.c(), nullptr)));
    expected.select(stream(), times.constant(), expected_out.view());
    EXPECT_TRUE(same_bits(out.host(), expected_out.host()));

    cusynapse_select_options select;
    ASSERT_TRUE(succeeds(cusynapse_select_options_init(&select, sizeof select)));
    select.interpolation =
        is_bits ? CUSYNAPSE_INTERPOLATION_NEAREST : CUSYNAPSE_INTERPOLATION_EXPONENTIAL_DECAY;
    select.constant = 2.5;
    select.tolerance = 1e-3;
    select.offset = 2;
    cusynapse::SelectOptions expected_select;
    expected_select.interpolation =
        is_bits ? cusynapse::Interpolation::nearest : cusynapse::Interpolation::exponential_decay;
    expected_select.constant = 2.5;
    expected_select.tolerance = 1e-3;
    expected_select.offset = 2;
    ASSERT_TRUE(
        succeeds(cusynapse_history_select_unchecked(handle, on, times.in(), out.c(), &select)));
    expected.select_unchecked(stream(), times.constant(), expected_out.view(), expected_select);
    EXPECT_TRUE(same_bits(out.host(), expected_out.host()));
    Array<Value> one(stream(), shape);
    Array<Value> expected_one(stream(), shape);
    ASSERT_TRUE(succeeds(cusynapse_history_select_at_time(handle, on, 1.3, one.c(), &select)));
    expected.select(stream(), 1.3, expected_one.view(), expected_select);
    EXPECT_TRUE(same_bits(one.host(), expected_one.host()));

    cusynapse_insert_options insert;
    ASSERT_TRUE(succeeds(cusynapse_insert_options_init(&insert, sizeof insert)));
    insert.extrapolation =
        is_bits ? CUSYNAPSE_EXTRAPOLATION_NEIGHBORS : CUSYNAPSE_EXTRAPOLATION_LINEAR_FORWARD;
    insert.adjust_scale = 0.75;
    insert.adjust_shift = 0.125;
    insert.tolerance = 1e-3;
    insert.offset = 1;
    cusynapse::InsertOptions expected_insert;
    expected_insert.extrapolation =
        is_bits ? cusynapse::Extrapolation::neighbors : cusynapse::Extrapolation::linear_forward;
    expected_insert.adjust_scale = 0.75;
    expected_insert.adjust_shift = 0.125;
    expected_insert.tolerance = 1e-3;
    expected_insert.offset = 1;
    const Array<Time> at(stream(), random_.values<Time>(shape.size(), 0.0, 3.0), shape);
    const auto observation = random_observation<T>(shape);
    ASSERT_TRUE(succeeds(cusynapse_history_insert(handle, on, observation.in(), at.in(), &insert)));
    expected.insert(stream(), observation.constant(), at.constant(), expected_insert);
    expect_same(pair);
    ASSERT_TRUE(succeeds(
        cusynapse_history_insert_unchecked(handle, on, observation.in(), at.in(), nullptr)));
    expected.insert_unchecked(stream(), observation.constant(), at.constant());
    expect_same(pair);
    ASSERT_TRUE(
        succeeds(cusynapse_history_insert_at_time(handle, on, observation.in(), 0.8, &insert)));
    expected.insert(stream(), observation.constant(), 0.8, expected_insert);
    expect_same(pair);

    EXPECT_TRUE(refused(cusynapse_history_select_at_time(handle, on, 99.0, one.c(), nullptr),
                        CUSYNAPSE_INVALID_ARGUMENT, {"99"}));
    select.interpolation = 6;
    EXPECT_TRUE(refused(cusynapse_history_select_at_time(handle, on, 1.0, one.c(), &select),
                        CUSYNAPSE_INVALID_ARGUMENT, {"interpolation is 6"}));
    insert.extrapolation = -1;
    EXPECT_TRUE(
        refused(cusynapse_history_insert_at_time(handle, on, observation.in(), 1.0, &insert),
                CUSYNAPSE_INVALID_ARGUMENT, {"extrapolation is -1"}));
    expect_same(pair);
  });
}

TEST_P(CHistory, RefusesWhatItCannotHold) {
  Pair<bool> pair = make_pair<bool>();
  EXPECT_TRUE(refused(cusynapse_history_reset(pair.handle.get(), c_stream(), 0.5),
                      CUSYNAPSE_INVALID_ARGUMENT, {"fill is 0.5, expected 0 or 1"}));
  const Shape shape = pair.expected.batched_shape();
  const Array<float> values(stream(), shape);
  EXPECT_TRUE(refused(cusynapse_history_push(pair.handle.get(), c_stream(), values.in()),
                      CUSYNAPSE_INVALID_ARGUMENT,
                      {"element type of observation is float32, expected uint8"}));
  cusynapse_history_options options;
  ASSERT_TRUE(succeeds(cusynapse_history_options_init(&options, sizeof options)));
  cusynapse_history* made = nullptr;
  EXPECT_TRUE(
      refused(cusynapse_history_create(c_stream(), CUSYNAPSE_UINT8, &options, &made),
              CUSYNAPSE_INVALID_ARGUMENT,
              {"dtype is uint8, expected float32 or float64 or float16 or bfloat16 or bits"}));
  Pair<cusynapse::float16> half = make_pair<cusynapse::float16>();
  cusynapse_const_array array = values.in();
  array.dtype = CUSYNAPSE_FLOAT16;
  EXPECT_TRUE(refused(cusynapse_history_push(half.handle.get(), c_stream(), array),
                      CUSYNAPSE_INVALID_ARGUMENT,
                      {"element type of observation is float16, expected float32"}));
  options.duration = -1.0;
  EXPECT_TRUE(refused(cusynapse_history_create(c_stream(), CUSYNAPSE_FLOAT32, &options, &made),
                      CUSYNAPSE_INVALID_ARGUMENT, {"duration is -1"}));
  EXPECT_EQ(made, nullptr);
}

}  // namespace
