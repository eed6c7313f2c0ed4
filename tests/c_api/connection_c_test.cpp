// Connections and updaters in C beside those of C++.
#include <gtest/gtest.h>

#include <memory>
#include <string>
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
using cusynapse::Connection;
using cusynapse::Parameter;
using cusynapse::Shape;

enum class Class { dense, direct, lateral, convolution };

const std::vector<Class> all_classes = {Class::dense, Class::direct, Class::lateral,
                                        Class::convolution};

cusynapse::Conv2DOptions cpp_geometry() {
  cusynapse::Conv2DOptions geometry;
  geometry.channels = 2;
  geometry.height = 5;
  geometry.width = 6;
  geometry.filters = 3;
  geometry.kernel[0] = 3;
  geometry.kernel[1] = 2;
  geometry.stride[0] = 2;
  geometry.padding[1] = 1;
  return geometry;
}

cusynapse_conv2d_options c_geometry() {
  cusynapse_conv2d_options geometry;
  EXPECT_TRUE(succeeds(cusynapse_conv2d_options_init(&geometry, sizeof geometry)));
  geometry.channels = 2;
  geometry.height = 5;
  geometry.width = 6;
  geometry.filters = 3;
  geometry.kernel[0] = 3;
  geometry.kernel[1] = 2;
  geometry.stride[0] = 2;
  geometry.padding[1] = 1;
  return geometry;
}

cusynapse_connection_options c_options(bool has_delays) {
  cusynapse_connection_options options;
  EXPECT_TRUE(succeeds(cusynapse_connection_options_init(&options, sizeof options)));
  options.biased = true;
  options.has_delays = has_delays;
  options.delay = 4.0;
  options.step_time = 0.5;
  options.batch_size = 2;
  options.seed = 99;
  return options;
}

class CConnection : public c_test::CTest {
 protected:
  template <class T>
  std::unique_ptr<Connection<T>> make_cpp(
      Class kind, bool has_delays,
      cusynapse::StorageType weight_storage = cusynapse::StorageType::same) {
    using namespace cusynapse;
    ConnectionOptions options;
    options.weight_storage = weight_storage;
    options.biased = true;
    if (has_delays) options.delay = 4.0;
    options.step_time = 0.5;
    options.batch_size = 2;
    options.seed = 99;
    SynapseOptions defaults;
    defaults.current_overbound.reset();
    const auto factory = DoubleExponentialCurrent<T>::factory({3.7, 6.1, 1.9}, defaults);
    switch (kind) {
      case Class::dense:
        return std::make_unique<LinearDense<T>>(stream(), Shape{3, 4}, Shape{5}, options, factory);
      case Class::direct:
        return std::make_unique<LinearDirect<T>>(stream(), Shape{7}, options, factory);
      case Class::lateral:
        return std::make_unique<LinearLateral<T>>(stream(), Shape{6}, options, factory);
      case Class::convolution:
        return std::make_unique<Conv2D<T>>(stream(), cpp_geometry(), options, factory);
    }
    return nullptr;
  }

  template <class T>
  Owned<cusynapse_connection> make_c(
      Class kind, bool has_delays, cusynapse_storage_type weight_storage = CUSYNAPSE_STORAGE_SAME) {
    cusynapse_connection_options options = c_options(has_delays);
    EXPECT_EQ(options.weight_storage, CUSYNAPSE_STORAGE_SAME);
    options.weight_storage = weight_storage;
    const cusynapse_model model = model_of(CUSYNAPSE_DOUBLE_EXPONENTIAL_CURRENT);
    cusynapse_synapse_options defaults = c_test::synapse_options();
    defaults.has_current_overbound = false;
    cusynapse_connection* made = nullptr;
    const cusynapse_dtype dtype = dtype_of<T>();
    const cusynapse_shape input = {2, {3, 4}};
    const cusynapse_shape output = {1, {5}};
    const cusynapse_shape seven = {1, {7}};
    const cusynapse_shape six = {1, {6}};
    const cusynapse_conv2d_options geometry = c_geometry();
    cusynapse_status status = CUSYNAPSE_SUCCESS;
    switch (kind) {
      case Class::dense:
        status = cusynapse_linear_dense_create(c_stream(), dtype, &input, &output, &options, &model,
                                               &defaults, &made);
        break;
      case Class::direct:
        status = cusynapse_linear_direct_create(c_stream(), dtype, &seven, &options, &model,
                                                &defaults, &made);
        break;
      case Class::lateral:
        status = cusynapse_linear_lateral_create(c_stream(), dtype, &six, &options, &model,
                                                 &defaults, &made);
        break;
      case Class::convolution:
        status = cusynapse_conv2d_create(c_stream(), dtype, &geometry, &options, &model, &defaults,
                                         &made);
        break;
    }
    EXPECT_TRUE(succeeds(status));
    return Owned<cusynapse_connection>(made);
  }

  template <class Body>
  void for_each_class(const Body& body) {
    for_each_type([&]<class T>() {
      for (const Class kind : all_classes) {
        for (const bool has_delays : {false, true}) {
          SCOPED_TRACE(static_cast<int>(kind));
          const auto expected = make_cpp<T>(kind, has_delays);
          const auto connection = make_c<T>(kind, has_delays);
          body(*expected, connection.get(), T());
        }
      }
    });
  }

  template <class T>
  void set_delays(Connection<T>& expected, cusynapse_connection* connection) {
    if (!expected.has(Parameter::delay)) return;
    const Shape shape = expected.weight_shape();
    const std::vector<T> delays = random_.values<T>(shape.size(), 0.0, 4.0);
    expected.set_from_host(stream(), Parameter::delay, delays);
    ASSERT_TRUE(succeeds(cusynapse_connection_set_from_host(
        connection, c_stream(), CUSYNAPSE_PARAMETER_DELAY,
        {delays.data(), dtype_of<T>(), c_test::shape_of(shape)})));
  }

  template <class T>
  void forward_both(Connection<T>& expected, cusynapse_connection* connection) {
    const Shape in_shape = expected.input_shape().prepended(expected.batch_size());
    const Shape out_shape = expected.output_shape().prepended(expected.batch_size());
    const Array<std::uint8_t> spikes(stream(), random_.flags(in_shape.size(), 0.4), in_shape);
    Array<T> out(stream(), out_shape);
    Array<T> expected_out(stream(), out_shape);
    ASSERT_TRUE(succeeds(cusynapse_connection_forward(connection, c_stream(), spikes.in(), out.c(),
                                                      CUSYNAPSE_OUTPUT_REPLACE, nullptr, 0)));
    expected.forward(stream(), spikes.constant(), expected_out.view());
    EXPECT_TRUE(same_bits(out.host(), expected_out.host()));
    ASSERT_TRUE(succeeds(
        cusynapse_connection_sum(connection, c_stream(), out.c(), CUSYNAPSE_OUTPUT_ACCUMULATE)));
    expected.sum(stream(), expected_out.view(), cusynapse::Output::accumulate);
    EXPECT_TRUE(same_bits(out.host(), expected_out.host()));
  }

  template <class T>
  void expect_same_parameters(const Connection<T>& expected, cusynapse_connection* connection) {
    for (const Parameter parameter : {Parameter::weight, Parameter::bias, Parameter::delay}) {
      const auto number = static_cast<cusynapse_parameter>(parameter);
      bool has = false;
      ASSERT_TRUE(succeeds(cusynapse_connection_has(connection, number, &has)));
      EXPECT_EQ(has, expected.has(parameter));
      cusynapse_const_array view = {};
      ASSERT_TRUE(succeeds(cusynapse_connection_get(connection, number, &view)));
      EXPECT_EQ(view.data != nullptr, has);
      const Shape shape = expected.parameter_shape(parameter);
      std::vector<T> values(static_cast<std::size_t>(shape.size()));
      const auto status = cusynapse_connection_to_host(
          connection, c_stream(), number, {values.data(), dtype_of<T>(), c_test::shape_of(shape)});
      if (!has) {
        EXPECT_TRUE(refused(status, CUSYNAPSE_NOT_SUPPORTED, {"to_host"}));
        continue;
      }
      EXPECT_TRUE(succeeds(status));
      EXPECT_EQ(c_test::shape_of(view.shape), shape);
      EXPECT_TRUE(same_bits(values, expected.to_host(stream(), parameter)));
    }
  }

  support::Random random_{support::seed()};
};
INSTANTIATE_TEST_SUITE_P(Devices, CConnection, testing::ValuesIn(support::devices()),
                         support::device_name);

TEST_P(CConnection, SumsAsTheClass) {
  for_each_class([&](auto& expected, cusynapse_connection* connection, auto element) {
    using T = decltype(element);
    expect_same_parameters(expected, connection);
    for (int i = 0; i < 3; ++i) forward_both(expected, connection);
    set_delays(expected, connection);
    for (int i = 0; i < 9; ++i) forward_both(expected, connection);
    const Shape inputs = expected.input_shape().prepended(2).prepended(4);
    const Shape outputs = expected.output_shape().prepended(2).prepended(4);
    const Array<T> values(stream(), random_.values<T>(inputs.size(), -1.0, 1.0), inputs);
    Array<T> out(stream(), outputs);
    Array<T> expected_out(stream(), outputs);
    ASSERT_TRUE(succeeds(cusynapse_connection_reserve_sequence(connection, c_stream(), 4)));
    ASSERT_TRUE(succeeds(cusynapse_connection_forward_sequence(connection, c_stream(), values.in(),
                                                               out.c(), CUSYNAPSE_OUTPUT_REPLACE)));
    expected.forward_sequence(stream(), values.constant(), expected_out.view());
    EXPECT_TRUE(same_bits(out.host(), expected_out.host()));
    forward_both(expected, connection);
    ASSERT_TRUE(succeeds(cusynapse_connection_clear(connection, c_stream())));
    expected.clear(stream());
    forward_both(expected, connection);
  });
}

TEST_P(CConnection, ChangesAsTheClass) {
  for_each_class([&](auto& expected, cusynapse_connection* connection, auto element) {
    using T = decltype(element);
    const cusynapse_stream on = c_stream();
    set_delays(expected, connection);
    for (int i = 0; i < 5; ++i) forward_both(expected, connection);
    const Shape shape = expected.weight_shape();
    const Array<T> weights(stream(), random_.values<T>(shape.size(), -1.0, 1.0), shape);
    ASSERT_TRUE(succeeds(
        cusynapse_connection_set(connection, on, CUSYNAPSE_PARAMETER_WEIGHT, weights.in())));
    expected.set(stream(), Parameter::weight, weights.constant());
    cusynapse_array edited = {};
    ASSERT_TRUE(succeeds(cusynapse_connection_edit(connection, CUSYNAPSE_PARAMETER_BIAS, &edited)));
    ASSERT_TRUE(succeeds(cusynapse_memory_fill_zero(
        on, edited.data, static_cast<std::size_t>(expected.bias_shape().size()) * sizeof(T))));
    const auto bias = expected.edit(Parameter::bias);
    cusynapse::memory::fill_zero(stream(), bias.data(),
                                 static_cast<std::size_t>(bias.size()) * sizeof(T));
    ASSERT_TRUE(succeeds(cusynapse_connection_prepare(connection, on)));
    forward_both(expected, connection);
    expect_same_parameters(expected, connection);
    ASSERT_TRUE(succeeds(cusynapse_connection_set_batch_size(connection, on, 3)));
    expected.set_batch_size(stream(), 3);
    ASSERT_TRUE(
        succeeds(cusynapse_connection_set_step_time(connection, on, 0.25, CUSYNAPSE_HISTORY_KEEP)));
    expected.set_step_time(stream(), 0.25, cusynapse::HistoryChange::keep);
    forward_both(expected, connection);
    const auto status =
        cusynapse_connection_set_delayed_by(connection, on, 2.0, CUSYNAPSE_HISTORY_CLEAR);
    if (!expected.delayed_by().has_value()) {
      EXPECT_TRUE(refused(status, CUSYNAPSE_NOT_SUPPORTED, {"set_delayed_by"}));
    } else {
      ASSERT_TRUE(succeeds(status));
      expected.set_delayed_by(stream(), 2.0);
      std::int64_t outside = -1;
      ASSERT_TRUE(succeeds(cusynapse_connection_out_of_range_delays(connection, on, &outside)));
      EXPECT_EQ(outside, expected.out_of_range_delays(stream()));
      EXPECT_GT(outside, 0);
      ASSERT_TRUE(succeeds(cusynapse_connection_clamp_delays(connection, on)));
      expected.clamp_delays(stream());
      expect_same_parameters(expected, connection);
    }
    forward_both(expected, connection);
    cusynapse_connection_info info;
    ASSERT_TRUE(succeeds(cusynapse_connection_info_init(&info, sizeof info)));
    ASSERT_TRUE(succeeds(cusynapse_connection_get_info(connection, &info)));
    EXPECT_EQ(info.dtype, dtype_of<T>());
    EXPECT_STREQ(info.name, expected.name());
    EXPECT_EQ(info.batch_size, 3);
    EXPECT_EQ(info.step_time, 0.25);
    EXPECT_TRUE(info.biased);
    EXPECT_EQ(info.has_delays, expected.delayed_by().has_value());
    EXPECT_EQ(info.delayed_by, expected.delayed_by().value_or(0.0));
    EXPECT_EQ(info.is_delayed, expected.is_delayed());
    EXPECT_EQ(c_test::shape_of(info.input_shape), expected.input_shape());
    EXPECT_EQ(c_test::shape_of(info.output_shape), expected.output_shape());
    EXPECT_EQ(c_test::shape_of(info.synaptic_shape), expected.synaptic_shape());
    EXPECT_EQ(c_test::shape_of(info.weight_shape), expected.weight_shape());
    EXPECT_EQ(c_test::shape_of(info.bias_shape), expected.bias_shape());
    EXPECT_EQ(c_test::shape_of(info.selector_shape), expected.selector_shape());
    EXPECT_EQ(c_test::shape_of(info.synaptic_selection_shape), expected.synaptic_selection_shape());
  });
}

TEST_P(CConnection, StoresWeightsAsTheClass) {
  for (const Class kind : all_classes) {
    for (const bool has_delays : {false, true}) {
      for (const cusynapse_storage_type storage :
           {CUSYNAPSE_STORAGE_FLOAT16, CUSYNAPSE_STORAGE_BFLOAT16}) {
        SCOPED_TRACE(testing::Message() << static_cast<int>(kind) << ", storage " << storage);
        const auto cpp_storage = static_cast<cusynapse::StorageType>(storage);
        const auto expected = make_cpp<float>(kind, has_delays, cpp_storage);
        const auto same = make_cpp<float>(kind, has_delays);
        const auto connection = make_c<float>(kind, has_delays, storage);
        const auto expect_storage = [&](cusynapse_storage_type wanted) {
          cusynapse_connection_info info;
          ASSERT_TRUE(succeeds(cusynapse_connection_info_init(&info, sizeof info)));
          ASSERT_TRUE(succeeds(cusynapse_connection_get_info(connection.get(), &info)));
          EXPECT_EQ(info.weight_storage, wanted);
        };
        expect_storage(storage);
        set_delays(*expected, connection.get());
        for (int i = 0; i < 6; ++i) forward_both(*expected, connection.get());
        // Not what a connection without it gives.
        const Shape shape = expected->output_shape().prepended(2);
        Array<float> sums(stream(), shape);
        Array<float> same_sums(stream(), shape);
        same->load(stream(), expected->save(stream()));
        same->set_weight_storage(stream(), cusynapse::StorageType::same);
        expected->sum(stream(), sums.view());
        same->sum(stream(), same_sums.view());
        EXPECT_FALSE(same_bits(sums.host(), same_sums.host()));

        for (const cusynapse_storage_type changed :
             {CUSYNAPSE_STORAGE_SAME, CUSYNAPSE_STORAGE_BFLOAT16, CUSYNAPSE_STORAGE_FLOAT16}) {
          ASSERT_TRUE(succeeds(
              cusynapse_connection_set_weight_storage(connection.get(), c_stream(), changed)));
          expected->set_weight_storage(stream(), static_cast<cusynapse::StorageType>(changed));
          expect_storage(changed);
          forward_both(*expected, connection.get());
        }
        for (const cusynapse_storage_type unknown : {3, -1}) {
          EXPECT_TRUE(refused(
              cusynapse_connection_set_weight_storage(connection.get(), c_stream(), unknown),
              CUSYNAPSE_INVALID_ARGUMENT,
              {"set_weight_storage", "storage is " + std::to_string(unknown)}));
        }
        expect_storage(CUSYNAPSE_STORAGE_FLOAT16);
        forward_both(*expected, connection.get());
      }
    }
  }
  EXPECT_TRUE(
      refused(cusynapse_connection_set_weight_storage(nullptr, c_stream(), CUSYNAPSE_STORAGE_SAME),
              CUSYNAPSE_INVALID_ARGUMENT, {"handle is null"}));
  const auto wide = make_c<double>(Class::dense, true);
  EXPECT_TRUE(refused(
      cusynapse_connection_set_weight_storage(wide.get(), c_stream(), CUSYNAPSE_STORAGE_BFLOAT16),
      CUSYNAPSE_INVALID_ARGUMENT, {"storage is bfloat16, expected same"}));
  EXPECT_TRUE(succeeds(
      cusynapse_connection_set_weight_storage(wide.get(), c_stream(), CUSYNAPSE_STORAGE_SAME)));

  // Options that say what there is not.
  const cusynapse_model model = model_of(CUSYNAPSE_DELTA_CURRENT);
  const cusynapse_shape shape = {1, {3}};
  cusynapse_connection_options options = c_options(false);
  cusynapse_connection* none = nullptr;
  options.weight_storage = 3;
  EXPECT_TRUE(refused(cusynapse_linear_direct_create(c_stream(), CUSYNAPSE_FLOAT32, &shape,
                                                     &options, &model, nullptr, &none),
                      CUSYNAPSE_INVALID_ARGUMENT, {"weight_storage is 3"}));
  options.weight_storage = CUSYNAPSE_STORAGE_FLOAT16;
  EXPECT_TRUE(refused(cusynapse_linear_direct_create(c_stream(), CUSYNAPSE_FLOAT64, &shape,
                                                     &options, &model, nullptr, &none),
                      CUSYNAPSE_INVALID_ARGUMENT, {"storage is float16, expected same"}));
  EXPECT_EQ(none, nullptr);
}

TEST_P(CConnection, ShowsLearningRulesWhatTheClassDoes) {
  for_each_class([&](auto& expected, cusynapse_connection* connection, auto element) {
    using T = decltype(element);
    const cusynapse_stream on = c_stream();
    set_delays(expected, connection);
    for (int i = 0; i < 5; ++i) forward_both(expected, connection);

    Array<T> selector(stream(), expected.selector_shape());
    Array<T> expected_selector(stream(), expected.selector_shape());
    ASSERT_TRUE(succeeds(cusynapse_connection_selector(connection, on, selector.c())));
    expected.selector(stream(), expected_selector.view());
    EXPECT_TRUE(same_bits(selector.host(), expected_selector.host()));

    const Shape selection = expected.synaptic_selection_shape();
    Array<T> current(stream(), selection);
    Array<T> expected_current(stream(), selection);
    ASSERT_TRUE(succeeds(cusynapse_connection_syncurrent(connection, on, current.c())));
    expected.syncurrent(stream(), expected_current.view());
    EXPECT_TRUE(same_bits(current.host(), expected_current.host()));
    Array<std::uint8_t> spike(stream(), selection);
    Array<std::uint8_t> expected_spike(stream(), selection);
    ASSERT_TRUE(succeeds(cusynapse_connection_synspike(connection, on, spike.c())));
    expected.synspike(stream(), expected_spike.view());
    EXPECT_TRUE(same_bits(spike.host(), expected_spike.host()));

    const Shape presyn = expected.presyn_receptive_shape(selection);
    const cusynapse_shape c_selection = c_test::shape_of(selection);
    cusynapse_shape c_presyn = {};
    ASSERT_TRUE(
        succeeds(cusynapse_connection_presyn_receptive_shape(connection, &c_selection, &c_presyn)));
    EXPECT_EQ(c_test::shape_of(c_presyn), presyn);
    Array<T> receptive(stream(), presyn);
    Array<T> expected_receptive(stream(), presyn);
    ASSERT_TRUE(succeeds(
        cusynapse_connection_presyn_receptive(connection, on, current.in(), receptive.c())));
    expected.presyn_receptive(stream(), current.constant(), expected_receptive.view());
    EXPECT_TRUE(same_bits(receptive.host(), expected_receptive.host()));
    Array<std::uint8_t> bytes(stream(), presyn);
    Array<std::uint8_t> expected_bytes(stream(), presyn);
    ASSERT_TRUE(
        succeeds(cusynapse_connection_presyn_receptive(connection, on, spike.in(), bytes.c())));
    expected.presyn_receptive(stream(), spike.constant(), expected_bytes.view());
    EXPECT_TRUE(same_bits(bytes.host(), expected_bytes.host()));

    const Shape in_shape = expected.input_shape().prepended(2);
    const Shape synaptic = expected.synaptic_shape().prepended(2);
    const Array<T> input(stream(), random_.values<T>(in_shape.size(), 0.0, 1.0), in_shape);
    Array<T> like(stream(), synaptic);
    Array<T> expected_like(stream(), synaptic);
    ASSERT_TRUE(succeeds(cusynapse_connection_like_synaptic(connection, on, input.in(), like.c())));
    expected.like_synaptic(stream(), input.constant(), expected_like.view());
    EXPECT_TRUE(same_bits(like.host(), expected_like.host()));
    Array<T> back(stream(), in_shape);
    Array<T> expected_back(stream(), in_shape);
    ASSERT_TRUE(succeeds(cusynapse_connection_like_input(connection, on, like.in(), back.c())));
    expected.like_input(stream(), like.constant(), expected_back.view());
    EXPECT_TRUE(same_bits(back.host(), expected_back.host()));

    const Shape out_shape = expected.output_shape().prepended(2);
    const Array<std::uint8_t> output(stream(), out_shape);
    cusynapse_const_array postsyn = {};
    ASSERT_TRUE(
        succeeds(cusynapse_connection_postsyn_receptive(connection, output.in(), &postsyn)));
    const auto expected_postsyn = expected.postsyn_receptive(output.constant());
    EXPECT_EQ(postsyn.data, expected_postsyn.data());
    EXPECT_EQ(postsyn.dtype, CUSYNAPSE_UINT8);
    EXPECT_EQ(c_test::shape_of(postsyn.shape), expected_postsyn.shape());

    const Shape weight = expected.weight_shape();
    const Shape one_each = weight.rank() == 1   ? weight
                           : weight.rank() == 4 ? Shape{weight[0], 1, 1, 1}
                                                : Shape{weight[0], 1};
    const Array<T> values(stream(), one_each);
    cusynapse_const_array bias = {};
    ASSERT_TRUE(succeeds(cusynapse_connection_like_bias(connection, values.in(), &bias)));
    EXPECT_EQ(bias.data, values.in().data);
    EXPECT_EQ(c_test::shape_of(bias.shape), expected.bias_shape());
  });
}

TEST_P(CConnection, FeedsSeveralFromOneSynapse) {
  for_each_type([&]<class T>() {
    using namespace cusynapse;
    for (const Class kind : all_classes) {
      SCOPED_TRACE(static_cast<int>(kind));
      const bool is_image = kind == Class::convolution;
      SynapseOptions options;
      options.shape = is_image ? Shape{2, 5, 6} : Shape{6};
      options.delay = 2.0;
      const auto shared =
          std::make_shared<AlphaCurrent<T>>(stream(), options, ExponentialParameters{3.7, 4.3});
      cusynapse_synapse_options c_options = c_test::synapse_options();
      c_options.shape = c_test::shape_of(options.shape);
      c_options.delay = 2.0;
      const cusynapse_model model = model_of(CUSYNAPSE_ALPHA_CURRENT);
      cusynapse_synapse* made_synapse = nullptr;
      ASSERT_TRUE(succeeds(
          cusynapse_synapse_create(c_stream(), dtype_of<T>(), &c_options, &model, &made_synapse)));
      Owned<cusynapse_synapse> synapse(made_synapse);
      cusynapse_connection* made = nullptr;
      std::unique_ptr<Connection<T>> expected;
      cusynapse_status status = CUSYNAPSE_SUCCESS;
      const cusynapse_shape four = {1, {4}};
      const cusynapse_conv2d_options geometry = c_geometry();
      switch (kind) {
        case Class::dense:
          expected = std::make_unique<LinearDense<T>>(stream(), Shape{4}, shared, true, 5);
          status =
              cusynapse_linear_dense_create_shared(c_stream(), &four, made_synapse, true, 5, &made);
          break;
        case Class::direct:
          expected = std::make_unique<LinearDirect<T>>(stream(), shared, true, 5);
          status = cusynapse_linear_direct_create_shared(c_stream(), made_synapse, true, 5, &made);
          break;
        case Class::lateral:
          expected = std::make_unique<LinearLateral<T>>(stream(), shared, true, 5);
          status = cusynapse_linear_lateral_create_shared(c_stream(), made_synapse, true, 5, &made);
          break;
        case Class::convolution:
          expected = std::make_unique<Conv2D<T>>(stream(), cpp_geometry(), shared, true, 5);
          status =
              cusynapse_conv2d_create_shared(c_stream(), &geometry, made_synapse, true, 5, &made);
          break;
      }
      ASSERT_TRUE(succeeds(status));
      Owned<cusynapse_connection> connection(made);
      set_delays(*expected, made);
      for (int i = 0; i < 4; ++i) forward_both(*expected, made);

      // The handles of one synapse, each of which keeps it.
      cusynapse_synapse* again = nullptr;
      ASSERT_TRUE(succeeds(cusynapse_connection_synapse(made, &again)));
      const Owned<cusynapse_synapse> kept(again);
      synapse.reset();
      ASSERT_TRUE(succeeds(cusynapse_synapse_set_batch_size(again, c_stream(), 2)));
      shared->set_batch_size(stream(), 2);
      cusynapse_array out = {};
      EXPECT_TRUE(refused(cusynapse_connection_sum(made, c_stream(), out, 0),
                          CUSYNAPSE_INVALID_ARGUMENT, {"refresh"}));
      ASSERT_TRUE(succeeds(cusynapse_connection_refresh(made, c_stream())));
      expected->refresh(stream());
      forward_both(*expected, made);
      connection.reset();
      const Shape state_shape = shared->batched_shape();
      Array<T> current(stream(), state_shape);
      Array<T> expected_current(stream(), state_shape);
      ASSERT_TRUE(succeeds(cusynapse_synapse_current(again, c_stream(), current.c())));
      shared->current(stream(), expected_current.view());
      EXPECT_TRUE(same_bits(current.host(), expected_current.host()));
    }
  });
}

TEST_P(CConnection, RefusesWhatTheClassRefuses) {
  const auto connection = make_c<float>(Class::dense, true);
  cusynapse_connection* const handle = connection.get();
  const cusynapse_stream on = c_stream();
  const Array<std::uint8_t> spikes(stream(), std::vector<std::uint8_t>(24, 1), {2, 3, 4});
  Array<float> out(stream(), {2, 5});
  Array<double> wide(stream(), {2, 5});
  const std::vector<float> before = out.host();
  const auto forward = [&](cusynapse_const_array input, cusynapse_array to, cusynapse_output kind) {
    return cusynapse_connection_forward(handle, on, input, to, kind, nullptr, 0);
  };
  EXPECT_TRUE(refused(forward(spikes.in(), wide.c(), 0), CUSYNAPSE_INVALID_ARGUMENT,
                      {"element type of out is float64, expected float32"}));
  EXPECT_TRUE(
      refused(forward(spikes.in(), out.c(), 2), CUSYNAPSE_INVALID_ARGUMENT, {"output is 2"}));
  cusynapse_const_array wrong = spikes.in();
  wrong.shape.extents[2] = 5;
  EXPECT_TRUE(refused(forward(wrong, out.c(), 0), CUSYNAPSE_SHAPE_MISMATCH,
                      {"[2, 3, 5]", "expected [2, 3, 4]"}));
  EXPECT_TRUE(same_bits(out.host(), before));
  bool has = false;
  EXPECT_TRUE(refused(cusynapse_connection_has(handle, 3, &has), CUSYNAPSE_INVALID_ARGUMENT,
                      {"parameter is 3"}));
  std::vector<float> values(12, 1.0f);
  EXPECT_TRUE(
      refused(cusynapse_connection_set_from_host(handle, on, CUSYNAPSE_PARAMETER_WEIGHT,
                                                 {values.data(), CUSYNAPSE_FLOAT32, {2, {3, 4}}}),
              CUSYNAPSE_SHAPE_MISMATCH, {"host_values has shape [3, 4], expected [5, 12]"}));
  EXPECT_TRUE(refused(
      cusynapse_connection_like_synaptic(handle, on, {values.data(), 4, {0, {}}}, out.c()),
      CUSYNAPSE_INVALID_ARGUMENT, {"element type of input is bits, expected float32 or uint8"}));
  const cusynapse_shape shape = {1, {0}};
  const cusynapse_model model = model_of(CUSYNAPSE_DELTA_CURRENT);
  cusynapse_connection* none = nullptr;
  EXPECT_TRUE(refused(cusynapse_linear_direct_create(on, CUSYNAPSE_FLOAT32, &shape, nullptr, &model,
                                                     nullptr, &none),
                      CUSYNAPSE_INVALID_ARGUMENT, {"[0]"}));
  EXPECT_TRUE(refused(cusynapse_linear_direct_create(on, CUSYNAPSE_FLOAT32, &shape, nullptr,
                                                     nullptr, nullptr, &none),
                      CUSYNAPSE_INVALID_ARGUMENT, {"model is null"}));
  EXPECT_TRUE(refused(cusynapse_linear_direct_create(on, CUSYNAPSE_FLOAT32, nullptr, nullptr,
                                                     &model, nullptr, &none),
                      CUSYNAPSE_INVALID_ARGUMENT, {"shape is null"}));
  EXPECT_EQ(none, nullptr);
}

// The mean of all parts but the first, on the host.
template <class T>
cusynapse_status add_later_parts(void* context, cusynapse_stream stream,
                                 const cusynapse_const_array* parts, std::int64_t count,
                                 cusynapse_array out) {
  auto& calls = *static_cast<int*>(context);
  if (++calls > 2) return 77;
  const auto size = static_cast<std::size_t>(c_test::shape_of(out.shape).size());
  std::vector<T> sum(size, T(0));
  std::vector<T> part(size);
  for (std::int64_t i = 1; i < count; ++i) {
    const auto status =
        cusynapse_memory_copy_to_host(stream, part.data(), parts[i].data, size * sizeof(T));
    if (status != CUSYNAPSE_SUCCESS) return status;
    for (std::size_t e = 0; e < size; ++e) sum[e] += part[e];
  }
  return cusynapse_memory_copy_from_host(stream, out.data, sum.data(), size * sizeof(T));
}

TEST_P(CConnection, UpdatesAsTheClass) {
  for_each_type([&]<class T>() {
    const auto expected = make_cpp<T>(Class::dense, true);
    auto connection = make_c<T>(Class::dense, true);
    cusynapse_connection* const handle = connection.get();
    const cusynapse_stream on = c_stream();
    set_delays(*expected, handle);
    cusynapse::Updater<T> expected_updater(stream(), *expected,
                                           {Parameter::weight, Parameter::delay});
    const cusynapse_parameter parameters[] = {CUSYNAPSE_PARAMETER_WEIGHT,
                                              CUSYNAPSE_PARAMETER_DELAY};
    cusynapse_updater* made = nullptr;
    ASSERT_TRUE(succeeds(cusynapse_updater_create(on, handle, parameters, 2, &made)));
    const Owned<cusynapse_updater> updater(made);
    bool has = true;
    ASSERT_TRUE(succeeds(cusynapse_updater_has(made, CUSYNAPSE_PARAMETER_BIAS, &has)));
    EXPECT_FALSE(has);
    cusynapse_accumulator* made_accumulator = nullptr;
    EXPECT_TRUE(
        refused(cusynapse_updater_accumulator(made, CUSYNAPSE_PARAMETER_BIAS, &made_accumulator),
                CUSYNAPSE_NOT_SUPPORTED, {"a parameter the updater was made for"}));
    ASSERT_TRUE(succeeds(
        cusynapse_updater_accumulator(made, CUSYNAPSE_PARAMETER_WEIGHT, &made_accumulator)));
    const Owned<cusynapse_accumulator> accumulator(made_accumulator);
    auto& expected_accumulator = expected_updater[Parameter::weight];

    cusynapse_update_bounds bounds = {};
    ASSERT_TRUE(succeeds(
        cusynapse_full_bounds(CUSYNAPSE_BOUND_SCALED_MULTIPLICATIVE, 0.0, 2.0, 1.0, 1.0, &bounds)));
    ASSERT_TRUE(succeeds(cusynapse_accumulator_set_bounds(made_accumulator, &bounds)));
    expected_accumulator.set_bounds(
        cusynapse::full_bounds(cusynapse::BoundRule::scaled_multiplicative, 0.0, 2.0));
    cusynapse_update_bounds got = {};
    ASSERT_TRUE(succeeds(cusynapse_accumulator_get_bounds(made_accumulator, &got)));
    EXPECT_EQ(got.upper.limit, 2.0);
    EXPECT_EQ(got.lower.range, 2.0);
    EXPECT_EQ(got.upper.rule, CUSYNAPSE_BOUND_SCALED_MULTIPLICATIVE);
    bounds.upper.limit = -1.0;
    EXPECT_TRUE(refused(cusynapse_accumulator_set_bounds(made_accumulator, &bounds),
                        CUSYNAPSE_INVALID_ARGUMENT, {"upper.limit is -1"}));
    bounds.upper.rule = 6;
    EXPECT_TRUE(refused(cusynapse_accumulator_set_bounds(made_accumulator, &bounds),
                        CUSYNAPSE_INVALID_ARGUMENT, {"upper.rule is 6"}));

    const Shape shape = expected->weight_shape();
    const auto add_both = [&](int count) {
      for (int i = 0; i < count; ++i) {
        const Array<T> part(stream(), random_.values<T>(shape.size(), 0.0, 0.1), shape);
        ASSERT_TRUE(succeeds(cusynapse_accumulator_add_positive(made_accumulator, on, part.in())));
        expected_accumulator.add_positive(stream(), part.constant());
        const Array<T> other(stream(), random_.values<T>(shape.size(), 0.0, 0.1), shape);
        ASSERT_TRUE(succeeds(cusynapse_accumulator_add_negative(made_accumulator, on, other.in())));
        expected_accumulator.add_negative(stream(), other.constant());
      }
    };
    ASSERT_TRUE(succeeds(
        cusynapse_accumulator_set_reduction(made_accumulator, on, CUSYNAPSE_REDUCTION_MEAN)));
    expected_accumulator.set_reduction(stream(), cusynapse::UpdateReduction::mean);
    add_both(3);
    ASSERT_TRUE(succeeds(cusynapse_updater_update(made, on)));
    expected_updater.update(stream());
    expect_same_parameters(*expected, handle);
    add_both(2);
    ASSERT_TRUE(succeeds(cusynapse_updater_clear(made, on)));
    expected_updater.clear(stream());
    add_both(1);
    ASSERT_TRUE(succeeds(cusynapse_updater_update_parameter(made, on, CUSYNAPSE_PARAMETER_WEIGHT)));
    expected_updater.update(stream(), Parameter::weight);
    expect_same_parameters(*expected, handle);
    forward_both(*expected, handle);

    int calls = 0;
    ASSERT_TRUE(succeeds(
        cusynapse_accumulator_set_reducer(made_accumulator, on, add_later_parts<T>, &calls)));
    expected_accumulator.set_reduction(
        stream(), [](const cusynapse::Stream& s, const std::vector<cusynapse::View<const T>>& parts,
                     cusynapse::View<T> out) {
          const auto size = static_cast<std::size_t>(out.size());
          std::vector<T> sum(size, T(0));
          std::vector<T> part(size);
          for (std::size_t i = 1; i < parts.size(); ++i) {
            cusynapse::memory::copy_to_host(s, part.data(), parts[i].data(), size * sizeof(T));
            for (std::size_t e = 0; e < size; ++e) sum[e] += part[e];
          }
          cusynapse::memory::copy_from_host(s, out.data(), sum.data(), size * sizeof(T));
        });
    add_both(3);
    ASSERT_TRUE(succeeds(cusynapse_updater_update(made, on)));
    expected_updater.update(stream());
    EXPECT_EQ(calls, 2);
    expect_same_parameters(*expected, handle);
    ASSERT_TRUE(succeeds(cusynapse_accumulator_add_positive(
        made_accumulator, on,
        {expected->weight().data(), dtype_of<T>(), c_test::shape_of(shape)})));
    EXPECT_TRUE(refused(cusynapse_updater_update(made, on), 77, {"the reducer returned 77"}));
    expect_same_parameters(*expected, handle);
    EXPECT_TRUE(refused(cusynapse_accumulator_set_reducer(made_accumulator, on, nullptr, nullptr),
                        CUSYNAPSE_INVALID_ARGUMENT, {"reducer is null"}));

    cusynapse_updater* all = nullptr;
    ASSERT_TRUE(succeeds(cusynapse_updater_create(on, handle, nullptr, 0, &all)));
    connection.reset();  // an updater keeps its connection
    ASSERT_TRUE(succeeds(cusynapse_updater_has(all, CUSYNAPSE_PARAMETER_BIAS, &has)));
    EXPECT_TRUE(has);
    EXPECT_TRUE(succeeds(cusynapse_updater_update(all, on)));
    cusynapse_updater_destroy(all);
  });
}

TEST_P(CConnection, AccumulatesAloneAsTheClass) {
  for_each_type([&]<class T>() {
    const cusynapse_stream on = c_stream();
    const Shape shape = {3, 7};
    const cusynapse_shape c_shape = c_test::shape_of(shape);
    cusynapse_accumulator* made = nullptr;
    ASSERT_TRUE(succeeds(cusynapse_accumulator_create(on, dtype_of<T>(), &c_shape, &made)));
    const Owned<cusynapse_accumulator> accumulator(made);
    cusynapse_accumulator_info info;
    ASSERT_TRUE(succeeds(cusynapse_accumulator_info_init(&info, sizeof info)));
    ASSERT_TRUE(succeeds(cusynapse_accumulator_get_info(made, &info)));
    EXPECT_EQ(c_test::shape_of(info.shape), shape);
    EXPECT_EQ(info.dtype, dtype_of<T>());
    cusynapse::Accumulator<T> expected(stream(), shape);
    const std::vector<T> start = random_.values<T>(shape.size(), 0.0, 1.0);
    Array<T> parameter(stream(), start, shape);
    Array<T> expected_parameter(stream(), start, shape);
    const Array<T> part(stream(), random_.values<T>(shape.size(), 0.0, 1.0), shape);
    ASSERT_TRUE(succeeds(cusynapse_accumulator_add_negative(made, on, part.in())));
    expected.add_negative(stream(), part.constant());
    ASSERT_TRUE(succeeds(cusynapse_accumulator_update(made, on, parameter.c())));
    expected.update(stream(), expected_parameter.view());
    EXPECT_TRUE(same_bits(parameter.host(), expected_parameter.host()));
    ASSERT_TRUE(succeeds(cusynapse_accumulator_add_positive(made, on, part.in())));
    ASSERT_TRUE(succeeds(cusynapse_accumulator_clear(made, on)));
    ASSERT_TRUE(succeeds(cusynapse_accumulator_update(made, on, parameter.c())));
    EXPECT_TRUE(same_bits(parameter.host(), expected_parameter.host()));
  });
}

}  // namespace
