// Neurons in C beside those of C++.
#include <gtest/gtest.h>

#include "c_api/c_support.hpp"

namespace {

using c_test::Array;
using c_test::dtype_of;
using c_test::for_each_type;
using c_test::Owned;
using c_test::refused;
using c_test::same_bits;
using c_test::succeeds;
using cusynapse::LeakyIntegrateAndFire;
using cusynapse::Shape;

class CNeuron : public c_test::CTest {};
INSTANTIATE_TEST_SUITE_P(Devices, CNeuron, testing::ValuesIn(support::devices()),
                         support::device_name);

TEST_P(CNeuron, DoesWhatTheClassDoes) {
  for_each_type([&]<class T>() {
    const cusynapse_stream on = c_stream();
    cusynapse_neuron_options options;
    ASSERT_TRUE(succeeds(cusynapse_neuron_options_init(&options, sizeof options)));
    options.shape = {1, {37}};
    options.batch_size = 2;
    options.step_time = 0.5;
    cusynapse_leaky_integrate_and_fire_parameters parameters;
    ASSERT_TRUE(succeeds(
        cusynapse_leaky_integrate_and_fire_parameters_init(&parameters, sizeof parameters)));
    parameters.time_constant = 7.0;
    parameters.resistance = 3.0;
    cusynapse_neuron* made = nullptr;
    ASSERT_TRUE(succeeds(cusynapse_leaky_integrate_and_fire_create(on, dtype_of<T>(), &options,
                                                                   &parameters, &made)));
    const Owned<cusynapse_neuron> neuron(made);
    cusynapse::LeakyIntegrateAndFireParameters expected_parameters;
    expected_parameters.time_constant = 7.0;
    expected_parameters.resistance = 3.0;
    LeakyIntegrateAndFire<T> expected(stream(), {{37}, 2, 0.5}, expected_parameters);

    support::Random random(support::seed());
    const auto expect_same = [&] {
      const Shape shape = expected.batched_shape();
      Array<T> out(stream(), shape);
      Array<T> expected_out(stream(), shape);
      Array<std::uint8_t> bytes(stream(), shape);
      Array<std::uint8_t> expected_bytes(stream(), shape);
      ASSERT_TRUE(succeeds(cusynapse_neuron_voltage(made, on, out.c())));
      expected.voltage(stream(), expected_out.view());
      EXPECT_TRUE(same_bits(out.host(), expected_out.host()));
      ASSERT_TRUE(succeeds(cusynapse_neuron_refractory_time(made, on, out.c())));
      expected.refractory_time(stream(), expected_out.view());
      EXPECT_TRUE(same_bits(out.host(), expected_out.host()));
      ASSERT_TRUE(succeeds(cusynapse_neuron_spike(made, on, bytes.c())));
      expected.spike(stream(), expected_bytes.view());
      EXPECT_TRUE(same_bits(bytes.host(), expected_bytes.host()));
    };
    std::int64_t count = 0;
    const auto step = [&] {
      const Shape shape = expected.batched_shape();
      const Array<T> current(stream(), random.values<T>(shape.size(), 0.0, 20.0), shape);
      Array<std::uint8_t> spikes(stream(), shape);
      Array<std::uint8_t> expected_spikes(stream(), shape);
      ASSERT_TRUE(succeeds(cusynapse_neuron_forward(made, on, current.in(), spikes.c())));
      expected.forward(stream(), current.constant(), expected_spikes.view());
      EXPECT_TRUE(same_bits(spikes.host(), expected_spikes.host()));
      for (const std::uint8_t spike : spikes.host()) count += spike;
    };
    for (int i = 0; i < 30; ++i) step();
    EXPECT_GT(count, 0);
    expect_same();

    // The same step by level 2.
    const Shape shape = expected.batched_shape();
    const Array<T> current(stream(), random.values<T>(shape.size(), 0.0, 20.0), shape);
    Array<std::uint8_t> spikes(stream(), shape);
    cusynapse_leaky_integrate_and_fire_arguments arguments = {};
    ASSERT_TRUE(succeeds(cusynapse_neuron_step_arguments(made, &arguments)));
    arguments.current = current.in().data;
    arguments.spikes = static_cast<std::uint8_t*>(spikes.c().data);
    ASSERT_TRUE(succeeds(cusynapse_leaky_integrate_and_fire(on, dtype_of<T>(), &arguments)));
    expected.forward(stream(), current.constant(), spikes.view());
    expect_same();
    Array<T> left(stream(), shape);
    cusynapse_refractory_read_arguments read = {};
    read.refractory = arguments.refractory;
    read.size = arguments.size;
    read.step_time = 0.5;
    read.time_left = left.c().data;
    ASSERT_TRUE(succeeds(cusynapse_refractory_read(on, dtype_of<T>(), &read)));
    Array<T> expected_left(stream(), shape);
    expected.refractory_time(stream(), expected_left.view());
    EXPECT_TRUE(same_bits(left.host(), expected_left.host()));

    const Array<T> voltage(stream(), random.values<T>(shape.size(), -70.0, -50.0), shape);
    ASSERT_TRUE(succeeds(cusynapse_neuron_set_voltage(made, on, voltage.in())));
    expected.set_voltage(stream(), voltage.constant());
    ASSERT_TRUE(succeeds(cusynapse_neuron_set_batch_size(made, on, 3)));
    expected.set_batch_size(stream(), 3);
    ASSERT_TRUE(succeeds(cusynapse_neuron_set_step_time(made, on, 0.25)));
    expected.set_step_time(stream(), 0.25);
    step();
    expect_same();
    ASSERT_TRUE(succeeds(cusynapse_neuron_get_options(made, &options)));
    EXPECT_EQ(options.batch_size, 3);
    EXPECT_EQ(options.step_time, 0.25);
    EXPECT_EQ(c_test::shape_of(options.shape), Shape{37});
    cusynapse_leaky_integrate_and_fire_parameters got = {sizeof got, 0, 0, 0, 0, 0, 0};
    ASSERT_TRUE(succeeds(cusynapse_neuron_get_parameters(made, &got)));
    EXPECT_EQ(got.time_constant, 7.0);
    EXPECT_EQ(got.rest_voltage, -60.0);
    EXPECT_EQ(got.reset_voltage, -65.0);
    EXPECT_EQ(got.threshold_voltage, -50.0);
    EXPECT_EQ(got.refractory_period, 2.0);
    EXPECT_EQ(got.resistance, 3.0);
    cusynapse_neuron_info info;
    ASSERT_TRUE(succeeds(cusynapse_neuron_info_init(&info, sizeof info)));
    ASSERT_TRUE(succeeds(cusynapse_neuron_get_info(made, &info)));
    EXPECT_EQ(info.dtype, dtype_of<T>());
    EXPECT_EQ(info.device.kind, on.device.kind);
    ASSERT_TRUE(succeeds(cusynapse_neuron_clear(made, on)));
    expected.clear(stream());
    expect_same();

    cusynapse_neuron* none = nullptr;
    parameters.resistance = 0.0;
    EXPECT_TRUE(refused(
        cusynapse_leaky_integrate_and_fire_create(on, dtype_of<T>(), &options, &parameters, &none),
        CUSYNAPSE_INVALID_ARGUMENT, {"resistance is 0"}));
    EXPECT_EQ(none, nullptr);
    EXPECT_TRUE(refused(cusynapse_neuron_forward(made, on, spikes.in(), spikes.c()),
                        CUSYNAPSE_INVALID_ARGUMENT, {"element type of current is uint8"}));
  });
}

}  // namespace
