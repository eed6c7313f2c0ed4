// Traces stored in 16 bits: how far they lie from those of the double oracle, what is refused, and
// the conversions of a device. That every step is rounded as the oracle rounds it is shown by
// sequence_test, of connections by connection_sequence_test, of states by state_test.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cusynapse/cusynapse.hpp"
#include "model/synapse_pair.hpp"
#include "support/devices.hpp"
#include "support/random.hpp"
#include "support/refusal.hpp"
#include "support/state_bytes.hpp"

namespace {

using cusynapse::bfloat16;
using cusynapse::Errc;
using cusynapse::float16;
using cusynapse::StorageType;
using cusynapse::SynapseOptions;
using reference::Model;
using reference::Settings;
using reference::Storage;
using support::refuses;

class TraceStorageTest : public support::DeviceTest {};
INSTANTIATE_TEST_SUITE_P(Devices, TraceStorageTest, testing::ValuesIn(support::devices()),
                         support::device_name);

/// The time constant of each trace.
std::vector<double> time_constants(const Settings& settings) {
  switch (settings.model) {
    case Model::delta:
      return {};
    case Model::delta_plus:
      return {0.0};
    case Model::single_exponential:
      return {settings.time_constant};
    case Model::double_exponential:
      return {settings.tc_decay, settings.tc_rise};
    case Model::alpha:
      return {settings.time_constant, settings.time_constant};
  }
  return {};
}

/// What the errors of one synapse's traces are bounded by: (u M + r) / (1 - decay), M being the
/// largest magnitude stored and r half of the smallest spacing; a trace that another feeds adds
/// feed times the other's bound before the division. Arithmetic in float adds a few of its own
/// roundoffs to u.
class ErrorBound {
 public:
  explicit ErrorBound(const Settings& settings) : settings_(settings) {}

  void see(std::size_t trace, double stored) {
    largest_[trace] = std::max(largest_[trace], std::fabs(stored));
  }
  double of(std::size_t trace) const {
    const double dt = settings_.step_time;
    const double tau = time_constants(settings_)[trace];
    const double decay = tau > 0 ? std::exp(-dt / tau) : 0.0;
    double rounding = (unit_roundoff(settings_.storage) + 8 * 0x1p-24) * largest_[trace] +
                      least_rounding(settings_.storage);
    if (settings_.model == Model::alpha && trace == 1) rounding += dt * decay * of(0);
    return rounding / (1.0 - decay);
  }
  /// Of a current off the grid, where traces have decayed by a factor of at most 1.
  double of_current(double elapsed_most) const {
    switch (settings_.model) {
      case Model::delta:
        return 0.0;
      case Model::delta_plus:
      case Model::single_exponential:
        return of(0);
      case Model::double_exponential:
        return of(0) + of(1);
      case Model::alpha:
        return of(1) + elapsed_most * of(0);
    }
    return 0.0;
  }
  double largest() const { return std::max(largest_[0], largest_[1]); }

 private:
  Settings settings_;
  double largest_[2] = {};
};

Settings random_program(support::Random& random, Model model, Storage storage) {
  Settings settings;
  settings.model = model;
  settings.storage = storage;
  settings.batch_size = random.integer(1, 2);
  settings.sample_size = random.one_of<std::int64_t>({3, 33, 40});
  settings.step_time = random.one_of<double>({0.1, 0.5, 1.0});
  settings.delay = 6 * settings.step_time;
  settings.current_overbound = std::nullopt;
  settings.spike_charge = random.one_of<double>({1.0, 20.0, -3.3, 0.004});
  // As slow as the storage resolves, and faster.
  const double slowest = storage == Storage::float16 ? 1500.0 : 200.0;
  settings.time_constant = settings.step_time * std::exp(random.between(0.0, std::log(slowest)));
  settings.tc_decay = settings.time_constant * 1.2;
  settings.tc_rise = settings.time_constant * random.between(0.1, 1.0);
  return settings;
}

// Runs a program and returns the largest error of a trace as a share of its bound; errors above the
// bound fail.
double largest_share(const cusynapse::Stream& stream, const Settings& settings,
                     support::Random& random) {
  const auto synapse = model_test::make_synapse<float>(stream, settings);
  Settings exact_settings = settings;
  exact_settings.storage = Storage::same;
  reference::Synapse<double> exact(exact_settings);
  const auto size = static_cast<std::size_t>(exact.size());
  std::vector<ErrorBound> bounds(size, ErrorBound(settings));
  const cusynapse::Shape frame = synapse->batched_shape();
  double largest = 0.0;
  const bool has_negative = random.chance(0.5);
  for (int step = 0; step < 300; ++step) {
    std::vector<float> input;
    for (std::size_t i = 0; i < size; ++i) {
      const double value = random.between(has_negative ? -1.0 : 0.0, 2.0);
      input.push_back(random.chance(0.3) ? static_cast<float>(value) : 0.0F);
    }
    const support::DeviceArray<float> array(stream, input, frame);
    synapse->step(stream, array.constant());
    exact.step(std::vector<double>(input.begin(), input.end()));
    for (int k = 0; k < exact.trace_count(); ++k) {
      const auto trace = static_cast<std::size_t>(k);
      const auto stored = model_test::trace_observations(stream, *synapse, k).front();
      for (std::size_t i = 0; i < size; ++i) {
        bounds[i].see(trace, static_cast<double>(stored[i]));
        const double error = static_cast<double>(stored[i]) - exact.trace(k).back(1)[i];
        const double bound = bounds[i].of(trace);
        EXPECT_LE(std::fabs(error), bound)
            << model_test::describe(settings) << " step " << step << " trace " << k;
        if (bound > 0) largest = std::max(largest, std::fabs(error) / bound);
      }
    }
  }
  // Between steps, clear of where float and double could choose different ones.
  std::vector<float> selector;
  for (std::size_t i = 0; i < size; ++i) {
    const double steps = static_cast<double>(random.integer(0, 5)) + random.between(0.1, 0.4);
    selector.push_back(static_cast<float>(steps * settings.step_time));
  }
  const support::DeviceArray<float> delays(stream, selector, frame);
  support::DeviceArray<float> currents(stream, frame, 0.0F);
  synapse->current_at(stream, delays.constant(), currents.view());
  const auto got = currents.host();
  const auto wanted =
      exact.current_at(std::vector<double>(selector.begin(), selector.end()), 1).values;
  for (std::size_t i = 0; i < size; ++i) {
    // The delay is a float, and so are the exponential function and what follows it.
    const double slack =
        1e-5 * (bounds[i].largest() * (1.0 + settings.step_time) + std::fabs(wanted[i]));
    EXPECT_LE(std::fabs(static_cast<double>(got[i]) - wanted[i]),
              bounds[i].of_current(settings.step_time) + slack)
        << model_test::describe(settings) << " at " << selector[i] << " ms";
  }
  return largest;
}

TEST_P(TraceStorageTest, ErrorsStayBelowTheirBoundAndComeNearIt) {
  support::Random random(support::seed());
  for (const Storage storage : {Storage::float16, Storage::bfloat16}) {
    for (const Model model : model_test::models()) {
      double largest = 0.0;
      for (int program = 0; program < 20; ++program) {
        largest = std::max(largest,
                           largest_share(stream(), random_program(random, model, storage), random));
      }
      SCOPED_TRACE(testing::Message()
                   << model_test::class_name(model) << " storage " << static_cast<int>(storage));
      EXPECT_GE(largest, model == Model::delta ? 0.0 : 0.01);
      RecordProperty(std::string(model_test::class_name(model)) +
                         (storage == Storage::float16 ? "_float16" : "_bfloat16"),
                     std::to_string(largest));
    }
  }
}

TEST_P(TraceStorageTest, TracesTakeHalfOfTheMemory) {
  SynapseOptions options;
  options.shape = {64};
  options.delay = 3.0;
  options.storage = StorageType::float16;
  const cusynapse::SingleExponentialCurrent<float> synapse(stream(), options, {20.0, 5.0});
  const auto ring = synapse.trace_ring_as<float16>(0);
  EXPECT_EQ(ring.slots, 4);
  EXPECT_EQ(ring.stride, 64);
  EXPECT_EQ(sizeof *ring.data, 2U);
  EXPECT_EQ(synapse.step_arguments().traces[0].data(), ring.data);
  EXPECT_EQ(synapse.step_arguments().traces[0].storage(), StorageType::float16);
  EXPECT_EQ(synapse.readout().current.traces[0].data(), ring.data);
}

TEST_P(TraceStorageTest, LargeValuesOverflowInFloat16Alone) {
  SynapseOptions options;
  options.shape = {1};
  for (const StorageType storage : {StorageType::float16, StorageType::bfloat16}) {
    options.storage = storage;
    cusynapse::SingleExponentialCurrent<float> synapse(stream(), options, {327600.0, 5.0});
    const support::DeviceArray<float> input(stream(), {1, 1}, 1.0F);
    synapse.step(stream(), input.constant());
    support::DeviceArray<float> out(stream(), {1, 1}, 0.0F);
    synapse.current(stream(), out.view());
    EXPECT_EQ(out.host()[0], storage == StorageType::float16 ? HUGE_VALF : 65536.0F);
  }
}

TEST_P(TraceStorageTest, StoragesThatThereAreNotAreRefused) {
  SynapseOptions options;
  options.shape = {3};
  options.storage = StorageType::float16;
  using Double = cusynapse::SingleExponentialCurrent<double>;
  EXPECT_TRUE(refuses(
      [&] {
        Double(stream(), options, {20.0, 5.0});
      },
      Errc::invalid_argument, {"SingleExponentialCurrent: storage is float16, expected same"}));
  EXPECT_TRUE(refuses([&] { cusynapse::DeltaCurrent<double>(stream(), options, {20.0}); },
                      Errc::invalid_argument, {"storage is float16"}));
  options.storage = static_cast<StorageType>(3);
  using Float = cusynapse::SingleExponentialCurrent<float>;
  EXPECT_TRUE(refuses(
      [&] {
        Float(stream(), options, {20.0, 5.0});
      },
      Errc::invalid_argument, {"storage is 3", "same, float16 or bfloat16"}));
}

TEST_P(TraceStorageTest, RingsAreThoseOfTheStorageAlone) {
  SynapseOptions options;
  options.shape = {3};
  const auto made = [&](StorageType storage) {
    options.storage = storage;
    return cusynapse::SingleExponentialCurrent<float>(stream(), options, {20.0, 5.0});
  };
  const auto same = made(StorageType::same);
  const auto half = made(StorageType::float16);
  const auto brain = made(StorageType::bfloat16);
  EXPECT_NO_THROW(same.trace_ring_as<float>(0));
  EXPECT_NO_THROW(half.trace_ring_as<float16>(0));
  EXPECT_NO_THROW(brain.trace_ring_as<bfloat16>(0));
  EXPECT_TRUE(refuses([&] { half.trace_ring(0); }, Errc::not_supported,
                      {"traces are stored as float16", "trace_ring_as<float16>"}));
  EXPECT_TRUE(refuses([&] { half.trace_ring_as<bfloat16>(0); }, Errc::not_supported,
                      {"trace_ring_as<float16>"}));
  EXPECT_TRUE(
      refuses([&] { brain.trace_ring(0); }, Errc::not_supported, {"trace_ring_as<bfloat16>"}));
  EXPECT_TRUE(refuses([&] { same.trace_ring_as<float16>(0); }, Errc::not_supported,
                      {"traces are stored as float,", "trace_ring_as<float>"}));
  EXPECT_TRUE(
      refuses([&] { half.trace_ring_as<float16>(1); }, Errc::invalid_argument, {"trace is 1"}));
}

TEST_P(TraceStorageTest, DecaysThatRoundingTakesBackAreRefused) {
  using Single = cusynapse::SingleExponentialCurrent<float>;
  SynapseOptions options;
  options.shape = {2};
  for (const auto& [storage, limit] : {std::pair(StorageType::float16, -std::log1p(-0x1p-11)),
                                       std::pair(StorageType::bfloat16, -std::log1p(-0x1p-8))}) {
    options.storage = storage;
    options.step_time = 1.0;
    const std::vector<std::string> words = {
        "time constant of a trace", " ms at a dt of 1 ms",
        storage == StorageType::float16 ? "dt / tau above 0.000488" : "dt / tau above 0.003913",
        storage == StorageType::float16 ? "float16" : "bfloat16"};
    for (const double share : {0.999, 1.0}) {
      EXPECT_TRUE(refuses(
          [&] {
            Single(stream(), options, {1.0, 1.0 / (share * limit)});
          },
          Errc::invalid_argument, words));
    }
    Single synapse(stream(), options, {1.0, 1.0 / (1.001 * limit)});
    const std::uint64_t version = synapse.version();
    EXPECT_TRUE(refuses([&] { synapse.set_step_time(stream(), 0.99); }, Errc::invalid_argument,
                        {"a dt of 0.99 ms"}));
    EXPECT_TRUE(refuses([&] { synapse.set_time_constant(1.0 / (0.9 * limit)); },
                        Errc::invalid_argument, {"time constant of a trace"}));
    EXPECT_EQ(synapse.step_time(), 1.0);
    EXPECT_EQ(synapse.version(), version);
    // The slower of two, and both of a chain.
    const double slow = 1.0 / (0.9 * limit);
    EXPECT_TRUE(refuses(
        [&] {
          cusynapse::DoubleExponentialCurrent<float>(stream(), options, {1.0, slow, 2.0});
        },
        Errc::invalid_argument, {"dt / tau above"}));
    EXPECT_TRUE(refuses(
        [&] {
          cusynapse::AlphaCurrent<float>(stream(), options, {1.0, slow});
        },
        Errc::invalid_argument, {"dt / tau above"}));
    // Nothing decays, and what is stored as float resolves it.
    EXPECT_NO_THROW(cusynapse::DeltaPlusCurrent<float>(stream(), options, {1.0}));
    options.storage = StorageType::same;
    EXPECT_NO_THROW(Single(stream(), options, {1.0, slow}));
  }
}

// Every number that is not among the smallest is less after a step, however slow the decay that is
// taken, and none stays.
TEST_P(TraceStorageTest, EveryNormalTraceDecays) {
  SynapseOptions options;
  options.storage = StorageType::float16;
  std::vector<float> values;
  for (std::uint32_t bits = 0x0400; bits < 0x7C00; ++bits) {
    values.push_back(cusynapse::math::to_float(float16{static_cast<std::uint16_t>(bits)}));
  }
  options.shape = {static_cast<std::int64_t>(values.size())};
  cusynapse::SingleExponentialCurrent<float> synapse(stream(), options,
                                                     {1.0, -1.0 / (1.0005 * std::log1p(-0x1p-11))});
  const support::DeviceArray<float> before(stream(), values, synapse.batched_shape());
  synapse.set_current(stream(), before.constant());
  const support::DeviceArray<float> silence(stream(), synapse.batched_shape(), 0.0F);
  synapse.step(stream(), silence.constant());
  support::DeviceArray<float> after(stream(), synapse.batched_shape(), 0.0F);
  synapse.current(stream(), after.view());
  const auto got = after.host();
  std::int64_t stayed = 0;
  for (std::size_t i = 0; i < values.size(); ++i) stayed += got[i] < values[i] ? 0 : 1;
  EXPECT_EQ(stayed, 0);
}

TEST_P(TraceStorageTest, StatesNameAStorageOf16BitsAlone) {
  using Single = cusynapse::SingleExponentialCurrent<float>;
  SynapseOptions options;
  options.shape = {5};
  Single same(stream(), options, {20.0, 5.0});
  options.storage = StorageType::bfloat16;
  const Single brain(stream(), options, {20.0, 5.0});
  std::vector<std::uint8_t> state = brain.save(stream());
  EXPECT_FALSE(cusynapse::StateReader(same.save(stream())).has("storage"));
  ASSERT_TRUE(cusynapse::StateReader(state).has("storage"));

  // Numbers that are no such storage. The record: its name, type, rank 0 and 8 bytes.
  const std::string name = "storage<i8";
  const auto at = std::search(state.begin(), state.end(), name.begin(), name.end());
  ASSERT_NE(at, state.end());
  for (const auto value : {std::uint8_t{0}, std::uint8_t{3}}) {
    *(at + static_cast<std::ptrdiff_t>(name.size()) + 1) = value;
    support::make_consistent(state);
    EXPECT_TRUE(refuses([&] { same.load(stream(), state); }, Errc::invalid_state, {"storage"}));
    EXPECT_EQ(same.options().storage, StorageType::same);
  }
  // Traces of bfloat16 are an array of 16 bits, whichever storage is named.
  *(at + static_cast<std::ptrdiff_t>(name.size()) + 1) = 1;
  support::make_consistent(state);
  EXPECT_NO_THROW(same.load(stream(), state));
  EXPECT_EQ(same.options().storage, StorageType::float16);
  // A decay that the storage does not resolve.
  options.storage = StorageType::same;
  const Single slow(stream(), options, {20.0, 1e6});
  std::vector<std::uint8_t> slow_state = brain.save(stream());
  const std::string constant = "parameters.time_constant<f8";
  const auto tau =
      std::search(slow_state.begin(), slow_state.end(), constant.begin(), constant.end());
  ASSERT_NE(tau, slow_state.end());
  support::put(slow_state, static_cast<std::size_t>(tau - slow_state.begin()) + constant.size() + 1,
               std::bit_cast<std::uint64_t>(1e6), 8);
  support::make_consistent(slow_state);
  EXPECT_TRUE(
      refuses([&] { same.load(stream(), slow_state); }, Errc::invalid_state, {"dt / tau above"}));
}

// Rings reserved for a sequence may be too short for the traces that a state brings.
TEST_P(TraceStorageTest, SequencesFollowAStorageThatTheSynapseLoads) {
  constexpr std::int64_t steps = 7;
  SynapseOptions options;
  options.shape = {300};
  options.delay = 3.0;
  options.batch_size = 2;
  support::Random random(support::seed());
  const support::DeviceArray<float> inputs(stream(), random.values<float>(steps * 600, -1, 1),
                                           {steps, 2, 300});
  for (const StorageType from : {StorageType::float16, StorageType::bfloat16, StorageType::same}) {
    for (const StorageType to : {StorageType::same, StorageType::bfloat16, StorageType::float16}) {
      const auto make = [&](StorageType storage) {
        options.storage = storage;
        return std::make_shared<cusynapse::DoubleExponentialCurrent<float>>(
            stream(), options, cusynapse::DoubleExponentialParameters{20.0, 5.0, 2.0});
      };
      const auto synapse = make(from);
      const auto loaded = make(to);
      cusynapse::LinearDense<float> connection(stream(), {3}, synapse);
      cusynapse::LinearDense<float> expected(stream(), {3}, loaded);
      connection.reserve_sequence(stream(), steps);
      synapse->load(stream(), loaded->save(stream()));
      support::DeviceArray<float> out(stream(), {steps, 2, 3}, 0.0F);
      support::DeviceArray<float> expected_out(stream(), {steps, 2, 3}, 0.0F);
      connection.forward_sequence(stream(), inputs.constant(), out.view());
      expected.forward_sequence(stream(), inputs.constant(), expected_out.view());
      EXPECT_EQ(out.host(), expected_out.host());
      EXPECT_EQ(connection.save(stream()), expected.save(stream()));
    }
  }
}

// What a device makes of every pattern, and of floats that must be rounded, has the bits of the
// host.
template <class Stored>
void expect_conversions(const cusynapse::Stream& stream) {
  constexpr std::int64_t size = 65536;
  std::vector<Stored> patterns;
  std::vector<float> exact;
  for (std::uint32_t bits = 0; bits < size; ++bits) {
    patterns.push_back({static_cast<std::uint16_t>(bits)});
    exact.push_back(cusynapse::math::to_float(patterns.back()));
  }
  cusynapse::Buffer<Stored> memory(stream, patterns.data(), size);
  cusynapse::Buffer<float> values(stream.device(), size);
  cusynapse::RingRead<Stored> read;
  read.ring.data = memory.data();
  read.ring.size = size;
  read.ring.stride = size;
  read.ring.slots = 1;
  read.out = values.data();
  cusynapse::ops::ring_read(stream, read);
  std::vector<float> got(size);
  values.copy_to_host(stream, got.data());
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(std::bit_cast<std::uint32_t>(got[i]), std::bit_cast<std::uint32_t>(exact[i])) << i;
  }

  // Each value, ties and neighbours of both, and random bits.
  support::Random random(support::seed());
  for (int variant = 0; variant < 8; ++variant) {
    std::vector<float> floats;
    for (std::size_t i = 0; i < exact.size(); ++i) {
      const auto bits = std::bit_cast<std::uint32_t>(exact[i]);
      const std::uint32_t tie = std::is_same_v<Stored, float16> ? 0x1000U : 0x8000U;
      const std::uint32_t changed[] = {bits,
                                       bits + tie,
                                       bits + tie - 1,
                                       bits + tie + 1,
                                       bits + 1,
                                       bits - 1,
                                       static_cast<std::uint32_t>(random.bits()),
                                       static_cast<std::uint32_t>(random.bits() % 0x48000000U)};
      floats.push_back(std::bit_cast<float>(changed[variant]));
    }
    cusynapse::Buffer<float> inputs(stream, floats.data(), size);
    cusynapse::RingWrite<Stored> write;
    write.ring = read.ring;
    write.values = inputs.data();
    cusynapse::ops::ring_write(stream, write);
    std::vector<Stored> stored(size);
    memory.copy_to_host(stream, stored.data());
    for (std::size_t i = 0; i < floats.size(); ++i) {
      ASSERT_EQ(stored[i].bits, cusynapse::math::from_float<Stored>(floats[i]).bits)
          << "bits " << std::bit_cast<std::uint32_t>(floats[i]);
    }
  }
}

TEST_P(TraceStorageTest, EveryDeviceConvertsAsTheHostDoes) {
  expect_conversions<float16>(stream());
  expect_conversions<bfloat16>(stream());
}

}  // namespace
