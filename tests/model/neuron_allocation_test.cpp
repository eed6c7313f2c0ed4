// Steps and queries of neurons allocate nothing; changes that allocate leave the neurons as they
// were when any one allocation fails.
#include <gtest/gtest.h>

#include <cstdint>
#include <new>

#include "cusynapse/cusynapse.hpp"
#include "model/neuron_pair.hpp"
#include "support/devices.hpp"
#include "support/failing_calls.hpp"
#include "support/random.hpp"

namespace {

using model_test::NeuronPair;
using reference::NeuronSettings;
using support::allocations;
using support::fail_every_allocation;

NeuronSettings settings_of(std::int64_t size) {
  NeuronSettings settings;
  settings.batch_size = 2;
  settings.sample_size = size;
  return settings;
}

class NeuronAllocationTest : public support::DeviceTest {};
INSTANTIATE_TEST_SUITE_P(Devices, NeuronAllocationTest, testing::ValuesIn(support::devices()),
                         support::device_name);

template <class T>
void expect_steps_allocate_nothing(const cusynapse::Stream& stream, std::int64_t size) {
  NeuronPair<T> pair(stream, settings_of(size));
  cusynapse::Neuron<T>& neurons = pair.neurons();
  support::DeviceArray<T> values(stream, pair.shape(), T(30));
  support::DeviceArray<std::uint8_t> spikes(stream, pair.shape(), 0);
  EXPECT_EQ(allocations([&] { neurons.forward(stream, values.constant(), spikes.view()); }), 0);
  EXPECT_EQ(allocations([&] { neurons.spike(stream, spikes.view()); }), 0);
  EXPECT_EQ(allocations([&] { neurons.refractory_time(stream, values.view()); }), 0);
  EXPECT_EQ(allocations([&] { neurons.voltage(stream, values.view()); }), 0);
  EXPECT_EQ(allocations([&] { neurons.set_voltage(stream, values.constant()); }), 0);
  EXPECT_EQ(allocations([&] { neurons.clear(stream); }), 0);
}

TEST_P(NeuronAllocationTest, StepsAndQueriesAllocateNothing) {
  EXPECT_EQ(allocations([] { ::operator delete(::operator new(4)); }), 1) << "the counter works";
  for (const std::int64_t size : {33, 40000}) {
    expect_steps_allocate_nothing<float>(stream(), size);
    expect_steps_allocate_nothing<double>(stream(), size);
  }
}

template <class T>
void expect_strong_guarantee(const cusynapse::Stream& stream, bool must_fail) {
  support::Random random(support::seed());
  NeuronPair<T> pair(stream, settings_of(33));
  for (int t = 0; t < 3; ++t) EXPECT_TRUE(pair.forward(random.values<T>(pair.size(), 0, 400)));
  const auto unchanged = [&] { return pair.check(); };
  const auto nothing = [] {};
  auto& neurons = pair.neurons();
  const int batch = fail_every_allocation(
      nothing, [&] { neurons.set_batch_size(stream, 3); }, unchanged);
  EXPECT_GT(batch, 0);
  neurons.set_batch_size(stream, 2);
  const int step = fail_every_allocation(
      nothing, [&] { neurons.set_step_time(stream, 0.5); }, unchanged);
  EXPECT_GT(step, 0);
  const auto make = [&] {
    const cusynapse::LeakyIntegrateAndFire<T> made(stream,
                                                   model_test::neuron_options(settings_of(33)),
                                                   model_test::neuron_parameters(settings_of(33)));
  };
  const int made = fail_every_allocation(nothing, make, [] { return testing::AssertionSuccess(); });
  // On a GPU the state does not come from operator new.
  EXPECT_TRUE(made > 0 || !must_fail);
}

TEST_P(NeuronAllocationTest, AFailedChangeLeavesTheNeuronsAsTheyWere) {
  expect_strong_guarantee<float>(stream(), GetParam() == cusynapse::Device::cpu());
  expect_strong_guarantee<double>(stream(), GetParam() == cusynapse::Device::cpu());
}

}  // namespace
