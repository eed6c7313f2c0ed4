// Bytes that are no state of an object are refused, saying why, and change nothing; nor does a load
// that runs out of memory.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cusynapse/cusynapse.hpp"
#include "model/connection_pair.hpp"
#include "model/state_run.hpp"
#include "support/allocation.hpp"
#include "support/failing_calls.hpp"
#include "support/random.hpp"
#include "support/refusal.hpp"
#include "support/state_bytes.hpp"

namespace {

using cusynapse::Errc;
using cusynapse::Parameter;
using cusynapse::Shape;
using cusynapse::Stream;
using model_test::Bytes;
using model_test::run;
using support::refuses;

const Stream cpu = Stream::cpu();

/// Where the parts of a record lie in a state.
struct Place {
  std::size_t name;  ///< its length, then its letters
  std::size_t type;
  std::size_t rank;
  std::size_t extents;
  std::size_t data;
};

Place find(const Bytes& state, const std::string& name) {
  std::string text(1, static_cast<char>(name.size()));
  text += name;
  const auto found = std::search(state.begin(), state.end(), text.begin(), text.end());
  EXPECT_NE(found, state.end()) << name;
  Place place{};
  place.name = static_cast<std::size_t>(found - state.begin());
  place.type = place.name + text.size();
  place.rank = place.type + 3;
  place.extents = place.rank + 1;
  place.data = place.extents + 8 * std::size_t{state.at(place.rank)};
  return place;
}

std::uint64_t bits_of(double value) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

/// States with one thing changed, and sizes and checksums as if they had been written so.
Bytes with_bytes(Bytes state, std::size_t at, std::uint64_t value, std::size_t count) {
  support::put(state, at, value, count);
  support::make_consistent(state);
  return state;
}
Bytes with_number(const Bytes& state, const std::string& record, double value) {
  return with_bytes(state, find(state, record).data, bits_of(value), 8);
}
Bytes with_integer(const Bytes& state, const std::string& record, std::int64_t value) {
  return with_bytes(state, find(state, record).data, static_cast<std::uint64_t>(value), 8);
}
Bytes with_extent(const Bytes& state, const std::string& record, std::size_t axis,
                  std::uint64_t extent) {
  return with_bytes(state, find(state, record).extents + 8 * axis, extent, 8);
}
Bytes with_name(Bytes state, const std::string& record, const std::string& name) {
  const std::size_t at = find(state, record).name + 1;
  EXPECT_EQ(record.size(), name.size());
  std::copy(name.begin(), name.end(), state.begin() + static_cast<std::ptrdiff_t>(at));
  support::make_consistent(state);
  return state;
}
Bytes with_type(Bytes state, const std::string& record, const std::string& type) {
  const auto at = static_cast<std::ptrdiff_t>(find(state, record).type);
  std::copy(type.begin(), type.end(), state.begin() + at);
  support::make_consistent(state);
  return state;
}
/// With a record more at the end, which the number of records counts.
Bytes with_record(Bytes state, const std::string& class_name, const Bytes& record) {
  state.insert(state.end() - 4, record.begin(), record.end());
  const std::size_t count_at = 24 + class_name.size();
  const auto count = static_cast<std::uint64_t>(state[count_at] + 1);
  return with_bytes(std::move(state), count_at, count, 1);
}

/// An object whose state is small, in the middle of a run.
template <class Object>
struct Loading {
  std::unique_ptr<Object> object;
  Bytes state;  ///< another one, which it can load
};

Loading<cusynapse::Synapse<float>> synapse() {
  cusynapse::SynapseOptions options;
  options.shape = {3};
  options.batch_size = 2;
  options.delay = 2.0;
  cusynapse::AlphaCurrent<float> saved(cpu, options, {2.0, 5.0});
  run<float>(cpu, saved, 4, 1);
  options.delay = 1.0;
  auto object = std::make_unique<cusynapse::AlphaCurrent<float>>(
      cpu, options, cusynapse::ExponentialParameters{1.0, 3.0});
  run<float>(cpu, *object, 3, 2);
  return {std::move(object), saved.save(cpu)};
}

template <class T>
Loading<cusynapse::History<T>> history() {
  cusynapse::HistoryOptions options;
  options.shape = {2};
  options.duration = 3.0;
  cusynapse::History<T> saved(cpu, options);
  run(cpu, saved, 4, 1);
  options.duration = 5.0;
  auto object = std::make_unique<cusynapse::History<T>>(cpu, options);
  run(cpu, *object, 3, 2);
  return {std::move(object), saved.save(cpu)};
}

Loading<cusynapse::Connection<float>> connection(model_test::ConnectionKind kind) {
  model_test::ConnectionSettings settings =
      model_test::small_settings(kind, reference::Model::double_exponential);
  settings.synapse.sample_size = 3;
  settings.outputs = 2;
  settings = model_test::consistent(settings);
  // Lateral ones are loaded into another storage of weights than their own.
  const bool has_halves = kind == model_test::ConnectionKind::lateral;
  if (has_halves) settings.weight_storage = reference::Storage::bfloat16;
  const auto saved = model_test::make_connection<float>(cpu, settings, 1);
  run<float>(cpu, *saved, 4, 1);
  settings.synapse.batch_size = 2;
  settings.synapse.delay = 1.0;
  if (has_halves) settings.weight_storage = reference::Storage::float16;
  auto object = model_test::make_connection<float>(cpu, settings, 2);
  run<float>(cpu, *object, 3, 2);
  return {std::move(object), saved->save(cpu)};
}

Loading<cusynapse::Neuron<float>> neuron() {
  cusynapse::NeuronOptions options;
  options.shape = {3};
  cusynapse::LeakyIntegrateAndFire<float> saved(cpu, options, {});
  run<float>(cpu, saved, 9, 1);
  options.batch_size = 2;
  auto object = std::make_unique<cusynapse::LeakyIntegrateAndFire<float>>(
      cpu, options, cusynapse::LeakyIntegrateAndFireParameters{});
  run<float>(cpu, *object, 3, 2);
  return {std::move(object), saved.save(cpu)};
}

Loading<cusynapse::Projection<float>> projection() {
  cusynapse::ProjectionOptions<float> options;
  options.in_features = 3;
  options.out_features = 2;
  const cusynapse::Projection<float> saved(cpu, options, {1, 0, 1, 1, 0, 1});
  options.seed = 2;
  auto object = std::make_unique<cusynapse::Projection<float>>(cpu, options);
  return {std::move(object), saved.save(cpu)};
}

Loading<cusynapse::Accumulator<float>> accumulator() {
  const support::DeviceArray<float> part(cpu, {2}, 1.0F);
  cusynapse::Accumulator<float> saved(cpu, {2});
  saved.add_negative(cpu, part.constant());
  saved.set_bounds(cusynapse::full_bounds(cusynapse::BoundRule::sharp, 0.0, 1.0));
  auto object = std::make_unique<cusynapse::Accumulator<float>>(cpu, Shape{2});
  object->add_positive(cpu, part.constant());
  return {std::move(object), saved.save(cpu)};
}

/// Calls a test with an object of every kind.
template <class Test>
void for_each_object(const Test& test) {
  const auto call = [&](const char* name, auto loading) {
    SCOPED_TRACE(name);
    test(*loading.object, loading.state);
  };
  call("synapse", synapse());
  call("history", history<double>());
  call("history of spikes", history<bool>());
  call("history of 16 bits", history<cusynapse::bfloat16>());
  for (const auto kind : model_test::connection_kinds()) {
    call(model_test::class_name(kind), connection(kind));
  }
  call("neuron", neuron());
  call("projection", projection());
  call("accumulator", accumulator());
}

TEST(StateRefusalTest, EveryTruncationIsRefused) {
  for_each_object([](auto& object, const Bytes& state) {
    const Bytes before = object.save(cpu);
    for (std::size_t size = 0; size < state.size(); ++size) {
      // Memory of just that size: a byte read past it would show under AddressSanitizer.
      const Bytes part(state.begin(), state.begin() + static_cast<std::ptrdiff_t>(size));
      ASSERT_TRUE(refuses([&] { object.load(cpu, part); }, Errc::invalid_state,
                          {"size is " + std::to_string(size) + " bytes, expected"}));
      Bytes consistent = part;
      support::make_consistent(consistent);
      ASSERT_TRUE(refuses([&] { object.load(cpu, consistent); }, Errc::invalid_state, {"state"}))
          << size << " bytes that say so";
    }
    EXPECT_EQ(object.save(cpu), before);
    object.load(cpu, state);
    EXPECT_EQ(object.save(cpu), state);
  });
}

TEST(StateRefusalTest, EveryAlteredByteIsRefused) {
  for_each_object([](auto& object, const Bytes& state) {
    const Bytes before = object.save(cpu);
    for (std::size_t i = 0; i < state.size(); ++i) {
      for (int bit = 0; bit < 8; ++bit) {
        Bytes altered = state;
        altered[i] = static_cast<std::uint8_t>(altered[i] ^ (1U << bit));
        ASSERT_TRUE(refuses([&] { object.load(cpu, altered); }, Errc::invalid_state,
                            {"state: ", " is ", ", expected "}))
            << "bit " << bit << " of byte " << i;
      }
    }
    Bytes longer = state;
    longer.push_back(0);
    EXPECT_TRUE(refuses([&] { object.load(cpu, longer); }, Errc::invalid_state, {"size is"}));
    EXPECT_EQ(object.save(cpu), before);
  });
}

TEST(StateRefusalTest, ALoadThatRunsOutOfMemoryChangesNothing) {
  for_each_object([](auto& object, const Bytes& state) {
    const Bytes before = object.save(cpu);
    const int failures = support::fail_every_allocation(
        [] {}, [&] { object.load(cpu, state); },
        [&] {
          return object.save(cpu) == before ? testing::AssertionSuccess()
                                            : testing::AssertionFailure() << "the object changed";
        });
    EXPECT_GT(failures, 5);
    EXPECT_EQ(object.save(cpu), state);
  });
}

TEST(StateRefusalTest, ASaveThatRunsOutOfMemoryIsReported) {
  for_each_object([](auto& object, const Bytes&) {
    const Bytes before = object.save(cpu);
    Bytes saved;
    EXPECT_GT(support::fail_every_allocation([] {}, [&] { saved = object.save(cpu); },
                                             [] { return testing::AssertionSuccess(); }),
              5);
    EXPECT_EQ(saved, before);
  });
}

TEST(StateRefusalTest, AFailedSequenceOfLoadsLeavesSumsAsTheyWere) {
  // What a state does not show: plans and longer rings.
  for (const auto kind : model_test::connection_kinds()) {
    SCOPED_TRACE(model_test::class_name(kind));
    const auto [object, state] = connection(kind);
    const auto [same, unused] = connection(kind);
    support::fail_every_allocation([] {}, [&, &o = object, &s = state] { o->load(cpu, s); },
                                   [&, &o = object, &other = same] {
                                     return run<float>(cpu, *o, 2, 3) ==
                                                    run<float>(cpu, *other, 2, 3)
                                                ? testing::AssertionSuccess()
                                                : testing::AssertionFailure() << "other sums";
                                   });
  }
}

/// One state that is refused, and parts of the message.
struct Hostile {
  const char* what;
  Bytes state;
  std::vector<std::string> message;
};

template <class Object>
void expect_refused(Object& object, const std::vector<Hostile>& all) {
  const Bytes before = object.save(cpu);
  for (const Hostile& hostile : all) {
    SCOPED_TRACE(hostile.what);
    EXPECT_TRUE(
        refuses([&] { object.load(cpu, hostile.state); }, Errc::invalid_state, hostile.message));
  }
  EXPECT_EQ(object.save(cpu), before);
}

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

TEST(StateRefusalTest, TheFormatIsCheckedBehindTheChecksum) {
  const auto [object, state] = synapse();
  const std::string alpha = "AlphaCurrent";
  const Place delay = find(state, "delay");
  const Bytes one_more(state.begin() + static_cast<std::ptrdiff_t>(delay.name),
                       state.begin() + static_cast<std::ptrdiff_t>(delay.data) + 8);
  Bytes unknown = one_more;
  unknown[1] = 'D';
  Bytes not_magic = state;
  not_magic[1] = 'X';
  const Bytes version_2 = with_bytes(state, 8, 2, 4);
  const std::string left = "bytes left";
  expect_refused(
      *object,
      {{"no bytes", {}, {"state: size is 0 bytes, expected at least"}},
       {"magic", not_magic, {"state: beginning is something else, expected the magic bytes"}},
       {"version", version_2, {"state: format version is 2, expected 1"}},
       {"checksum",
        [&s = state] {
          Bytes altered = s;
          altered[40] ^= 1;
          return altered;
        }(),
        {"state: checksum of the bytes is 0x", ", expected 0x"}},
       {"element type", with_bytes(state, 20, 'x', 1), {"element type is unknown"}},
       {"another element type",
        with_bytes(state, 22, '8', 1),
        {"state of AlphaCurrent: element type is <f8, expected <f4"}},
       {"another class",
        with_bytes(state, 24, 'B', 1),
        {"state of BlphaCurrent: class is BlphaCurrent, expected AlphaCurrent"}},
       {"class name", with_bytes(state, 24, 7, 1), {"class name is empty or not printable"}},
       {"no class name", with_bytes(state, 23, 0, 1), {"class name is empty"}},
       {"a class name too long",
        with_bytes(state, 23, 255, 1),
        {"class name is empty or not printable"}},
       {"fewer records",
        with_bytes(state, 24 + alpha.size(), 3, 2),
        {"end is", "bytes past the last record, expected 0"}},
       {"more records", with_bytes(state, 24 + alpha.size(), 300, 2), {"cut off"}},
       {"record name", with_name(state, "delay", "de ay"), {"name of record", "not printable"}},
       {"an unknown record",
        with_record(state, alpha, unknown),
        {"record \"Delay\" is there, expected no such record"}},
       {"a record twice",
        with_record(state, alpha, one_more),
        {"record \"delay\" is there twice, expected it once"}},
       {"a missing record",
        with_name(state, "delay", "decay"),
        {"record \"delay\" is missing, expected one of type <f8"}},
       {"another type",
        with_type(state, "delay", "<i8"),
        {"type of record \"delay\" is <i8, expected <f8"}},
       {"a type that does not exist",
        with_type(state, "delay", "<f9"),
        {"record \"delay\" is of an unknown type"}},
       {"rank",
        with_bytes(state, find(state, "spikes").rank, 9, 1),
        {"rank of record \"spikes\" is 9, expected at most 8"}},
       {"a scalar with an extent",
        with_type(with_bytes(state, delay.rank, 1, 1), "delay", "|u1"),
        {"extent 0 of record \"delay\"", left}},
       {"an extent beyond the bytes",
        with_extent(state, "trace_0", 1, 1U << 30),
        {"extent 1 of record \"trace_0\" is 1073741824, expected no more", left}},
       {"a negative extent",
        with_extent(state, "trace_0", 0, ~std::uint64_t{0}),
        {"extent 0 of record \"trace_0\" is 18446744073709551615", left}},
       {"a product beyond the bytes",
        with_extent(with_extent(state, "trace_1", 0, 64), "trace_1", 1, 64),
        {"extent 1 of record \"trace_1\" is 64, expected no more", left}},
       {"values beyond the bytes",
        with_extent(state, "trace_1", 0, 10),
        {"size of record \"trace_1\" is 60 elements of <f4, expected no more", left}},
       {"another shape",
        with_extent(with_extent(state, "trace_0", 0, 2), "trace_0", 1, 3),
        {"shape of record \"trace_0\" is [2, 3, 3], expected [3, 2, 3]"}}});
}

TEST(StateRefusalTest, ValuesOfASynapseAreCheckedAsAConstructorChecksThem) {
  const auto [object, state] = synapse();
  Bytes past = state;
  past[find(state, "spikes").data] |= 0x40;  // 6 synapses
  support::make_consistent(past);
  expect_refused(
      *object,
      {{"head",
        with_integer(state, "head", 3),
        {"state of AlphaCurrent: record \"head\" is 3, expected 0 to 2"}},
       {"a negative head", with_integer(state, "head", -1), {"\"head\" is -1, expected 0 to 2"}},
       {"dt",
        with_number(state, "step_time", -1.0),
        {"AlphaCurrent: step_time is -1, expected finite and above 0 [invalid_state]"}},
       {"dt NaN", with_number(state, "step_time", nan), {"step_time is nan"}},
       {"dt 0", with_number(state, "step_time", 0.0), {"step_time is 0"}},
       {"dt out of the range of float",
        with_number(state, "step_time", 1e-60),
        {"step_time is 1e-60", "range of the type"}},
       {"delay", with_number(state, "delay", -0.5), {"delay is -0.5, expected finite"}},
       {"delay NaN", with_number(state, "delay", nan), {"delay is nan"}},
       {"delay infinite", with_number(state, "delay", infinity), {"delay is inf"}},
       {"a delay of more slots than there are",
        with_number(state, "delay", 3.0),
        {"shape of record \"spikes\" is [3, 1], expected [4, 1]"}},
       {"a delay of too many slots",
        with_number(state, "delay", 1e12),
        {"number of steps in the history", "at most 2^30"}},
       {"batch size", with_integer(state, "batch_size", 0), {"batch_size is 0, expected"}},
       {"a batch size beyond the arrays",
        with_integer(state, "batch_size", 1 << 30),
        {"shape of record \"spikes\" is [3, 1], expected [3, 402653184]"}},
       {"a batch size that overflows",
        with_integer(state, "batch_size", std::numeric_limits<std::int64_t>::max()),
        {"at most 2^56 elements"}},
       {"an extent of 0", with_integer(state, "shape", 0), {"extents of at least 1"}},
       {"interpolation",
        with_integer(state, "interpolation", 2),
        {"\"interpolation\" is 2, expected 0 to 1"}},
       {"tolerance", with_number(state, "tolerance", -1.0), {"tolerance is -1"}},
       {"spike overbound",
        with_number(state, "spike_overbound", 0.5),
        {"\"spike_overbound\" is 0.5, expected 0 or 1"}},
       {"charge",
        with_number(state, "parameters.spike_charge", 0.0),
        {"AlphaCurrent: spike_charge is 0"}},
       {"time constant",
        with_number(state, "parameters.time_constant", nan),
        {"time_constant is nan"}},
       {"bits past the frame", past, {"a bit of record \"spikes\" past its frame is 1"}}});
  EXPECT_TRUE(refuses(
      [&, &s = state] {
        cusynapse::load_synapse<float>(cpu, with_number(s, "parameters.time_constant", 1e60));
      },
      Errc::invalid_state,
      {"AlphaCurrent: time constant of a trace is 1e+60", "range of the type"}));
  EXPECT_TRUE(refuses(
      [&, &s = state, &o = object] {
        Bytes six = with_integer(with_integer(s, "batch_size", 1), "shape", 6);
        six = with_extent(with_extent(six, "trace_0", 1, 1), "trace_0", 2, 6);
        six = with_extent(with_extent(six, "trace_1", 1, 1), "trace_1", 2, 6);
        o->load(cpu, six);
      },
      Errc::shape_mismatch, {"AlphaCurrent::load: the state has shape [6], expected [3]"}));
}

TEST(StateRefusalTest, ValuesOfAHistoryAreChecked) {
  const auto [object, state] = history<double>();
  Bytes flag = state;
  flag[find(state, "inclusive").data] = 2;
  support::make_consistent(flag);
  expect_refused(*object,
                 {{"dt",
                   with_number(state, "step_time", -1.0),
                   {"History::load: step_time is -1, expected finite and above 0"}},
                  {"duration", with_number(state, "duration", nan), {"duration is nan"}},
                  {"slots",
                   with_number(state, "duration", 7.0),
                   {"\"observations\" is [3, 1, 2], expected [7, 1, 2]"}},
                  {"head", with_integer(state, "head", 3), {"\"head\" is 3, expected 0 to 2"}},
                  {"flag", flag, {"\"inclusive\" is 2, expected 0 or 1"}}});
  const auto [spikes, bits] = history<bool>();
  expect_refused(*spikes, {{"another element type", state, {"is <f8, expected |b1"}}});
  const auto [half, of_half] = history<cusynapse::float16>();
  const auto [brain, of_brain] = history<cusynapse::bfloat16>();
  expect_refused(*half, {{"another type of 16 bits",
                          of_brain,
                          {"state of History: element type is <V2, expected <f2"}},
                         {"values in place of their bits",
                          with_type(of_half, "observations", "<f2"),
                          {"type of record \"observations\" is <f2, expected <u2"}}});
  expect_refused(*brain, {{"another type of 16 bits", of_half, {"is <f2, expected <V2"}}});
}

TEST(StateRefusalTest, ValuesOfNeuronsAreChecked) {
  const auto [object, state] = neuron();
  const std::size_t refractory = find(state, "refractory").data;
  expect_refused(*object, {{"more steps than the period",
                            with_bytes(state, refractory, 3, 2),
                            {"\"refractory\" is 3 steps, expected at most the period, 2"}},
                           {"time constant",
                            with_number(state, "parameters.time_constant", 0.0),
                            {"time_constant is 0"}},
                           {"threshold",
                            with_number(state, "parameters.threshold_voltage", -70.0),
                            {"threshold_voltage is -70"}},
                           {"period",
                            with_number(state, "parameters.refractory_period", 1e6),
                            {"refractory_period is 1000000"}},
                           {"batch size",
                            with_integer(state, "batch_size", 4),
                            {"shape of record \"voltage\" is [1, 3], expected [4, 3]"}}});
}

TEST(StateRefusalTest, ValuesOfAConnectionAndItsSynapseAreChecked) {
  const auto [object, state] = connection(model_test::ConnectionKind::dense);
  const Bytes no_synapse = with_extent(state, "synapse", 0, 0);
  Bytes altered_synapse = state;
  altered_synapse[find(state, "synapse").data + 60] ^= 1;
  support::put(altered_synapse, altered_synapse.size() - 4,
               support::crc32(altered_synapse.data(), altered_synapse.size() - 4), 4);
  Bytes unbiased = state;
  unbiased[find(state, "biased").data] = 0;
  support::make_consistent(unbiased);
  Bytes undelayed = state;
  undelayed[find(state, "has_delays").data] = 0;
  support::make_consistent(undelayed);
  expect_refused(*object,
                 {{"a synapse that is not there", no_synapse, {"bytes past the last record"}},
                  {"an altered synapse", altered_synapse, {"state: checksum of the bytes"}},
                  {"the synapse's dt",
                   with_number(state, "step_time", -1.0),
                   {"DoubleExponentialCurrent: step_time is -1"}},
                  {"the synapse's head", with_integer(state, "head", 99), {"\"head\" is 99"}},
                  {"the synapse's class",
                   with_name(state, "DoubleExponentialCurrent", "DoubleExponentialCurrenz"),
                   {"class is DoubleExponentialCurrenz"}},
                  {"bias", unbiased, {"\"biased\" is 0, expected 1 of the connection"}},
                  {"delay", undelayed, {"\"has_delays\" is 0, expected 1 of the connection"}}});
  EXPECT_TRUE(refuses(
      [&, &s = state, &o = object] { o->load(cpu, with_integer(s, "output_shape", 3)); },
      Errc::shape_mismatch, {"LinearDense::load: output_shape of the state is [3], expected [2]"}));
  EXPECT_TRUE(refuses(
      [&, &s = state] {
        cusynapse::load_connection<float>(cpu, with_integer(s, "output_shape", 3));
      },
      Errc::invalid_state, {"shape of record \"weight\" is [2, 3], expected [3, 3]"}));
  EXPECT_TRUE(refuses(
      [&, &s = state] {
        cusynapse::load_connection<float>(cpu,
                                          with_integer(s, "input_shape", std::int64_t{1} << 62));
      },
      Errc::invalid_state, {"2^56"}));
  EXPECT_TRUE(refuses([&, &s = state] { cusynapse::load_connection<double>(cpu, s); },
                      Errc::invalid_state, {"element type is <f4, expected <f8"}));
  EXPECT_TRUE(refuses([&, &s = state] { cusynapse::load_synapse<float>(cpu, s); },
                      Errc::not_supported, {"class is LinearDense"}));

  const auto [convolution, pixels] = connection(model_test::ConnectionKind::convolution);
  EXPECT_TRUE(refuses(
      [&, &s = pixels] { cusynapse::load_connection<float>(cpu, with_integer(s, "stride", 0)); },
      Errc::invalid_state, {"Conv2D: stride is 0"}));
  EXPECT_TRUE(
      refuses([&, &s = pixels, &o = convolution] { o->load(cpu, with_integer(s, "stride", 2)); },
              Errc::shape_mismatch, {"stride of the state is [2, 1], expected [1, 1]"}));
}

TEST(StateRefusalTest, ObjectsAreMadeOfWholeStatesOfTheirKindAlone) {
  const Bytes of_synapse = synapse().state;
  const Bytes of_neuron = neuron().state;
  const Bytes of_connection = connection(model_test::ConnectionKind::dense).state;
  EXPECT_TRUE(refuses([&] { cusynapse::load_synapse<float>(cpu, of_neuron); }, Errc::not_supported,
                      {"load_synapse: class is LeakyIntegrateAndFire", "expected"}));
  EXPECT_TRUE(refuses([&] { cusynapse::load_neuron<float>(cpu, of_synapse); }, Errc::not_supported,
                      {"load_neuron: class is AlphaCurrent", "expected LeakyIntegrateAndFire"}));
  EXPECT_TRUE(refuses([&] { cusynapse::load_connection<float>(cpu, of_synapse); },
                      Errc::not_supported, {"load_connection: class is AlphaCurrent", "expected"}));

  const Place place = find(of_synapse, "step_time");
  Bytes more(of_synapse.begin() + static_cast<std::ptrdiff_t>(place.name),
             of_synapse.begin() + static_cast<std::ptrdiff_t>(place.data) + 8);
  more[1] = 'S';
  const auto refuses_more = [](const std::function<void()>& call) {
    return refuses(call, Errc::invalid_state, {"\"Step_time\" is there, expected no such record"});
  };
  const Bytes long_synapse = with_record(of_synapse, "AlphaCurrent", more);
  const Bytes long_neuron = with_record(of_neuron, "LeakyIntegrateAndFire", more);
  const Bytes long_connection = with_record(of_connection, "LinearDense", more);
  EXPECT_TRUE(refuses_more([&] { cusynapse::load_synapse<float>(cpu, long_synapse); }));
  EXPECT_TRUE(refuses_more([&] { cusynapse::load_neuron<float>(cpu, long_neuron); }));
  EXPECT_TRUE(refuses_more([&] { cusynapse::load_connection<float>(cpu, long_connection); }));
}

TEST(StateRefusalTest, StoragesOfWeightsAreChecked) {
  const auto [object, state] = connection(model_test::ConnectionKind::lateral);
  const std::string record = "weight_storage";
  const std::string range = "record \"weight_storage\" is ";
  expect_refused(
      *object,
      {{"0, which is left out", with_integer(state, record, 0), {range + "0, expected 1 to 2"}},
       {"one that there is not", with_integer(state, record, 3), {range + "3, expected 1 to 2"}},
       {"a negative one", with_integer(state, record, -1), {range + "-1, expected 1 to 2"}},
       {"one that is too large for its type",
        with_integer(state, record, (std::int64_t{1} << 32) + 1),
        {range + "4294967297, expected 1 to 2"}},
       {"a number", with_type(state, record, "<f8"), {"type of record \"weight_storage\" is <f8"}},
       {"another name",
        with_name(state, record, "weight_storagE"),
        {"record \"weight_storagE\" is there, expected no such record"}}});
  EXPECT_EQ(object->weight_storage(), cusynapse::StorageType::float16);
  EXPECT_TRUE(refuses(
      [&, &s = state] { cusynapse::load_connection<float>(cpu, with_integer(s, record, 3)); },
      Errc::invalid_state, {range + "3"}));
  // It is what the sums are planned in alone: the other storage is as good.
  object->load(cpu, with_integer(state, record, 1));
  EXPECT_EQ(object->weight_storage(), cusynapse::StorageType::float16);

  // A double connection has none.
  const Place place = find(state, record);
  const Bytes bytes(state.begin() + static_cast<std::ptrdiff_t>(place.name),
                    state.begin() + static_cast<std::ptrdiff_t>(place.data) + 8);
  const auto wide = model_test::make_connection<double>(
      cpu,
      model_test::small_settings(model_test::ConnectionKind::lateral,
                                 reference::Model::double_exponential),
      1);
  run<double>(cpu, *wide, 3, 1);
  const Bytes with_storage = with_record(wide->save(cpu), wide->name(), bytes);
  const std::vector<std::string> message = {"state of LinearLateral: " + range +
                                            "bfloat16, expected none for a double connection"};
  expect_refused(*wide, {{"a double connection", with_storage, message}});
  EXPECT_TRUE(refuses([&] { cusynapse::load_connection<double>(cpu, with_storage); },
                      Errc::invalid_state, message));
}

TEST(StateRefusalTest, ValuesOfAProjectionAreChecked) {
  const auto [object, state] = projection();
  expect_refused(
      *object,
      {{"receptor", with_integer(state, "receptor", 3), {"\"receptor\" is 3, expected 0 to 2"}},
       {"saturation", with_number(state, "saturation.scale", nan), {"saturation is nan"}},
       {"saturation upside down",
        with_number(state, "saturation.maximum", -90.0),
        {"minimum of the saturation"}},
       {"features beyond the weights",
        with_integer(state, "in_features", 1 << 30),
        {"shape of record \"weight\" is [2, 3], expected [2, 1073741824]"}},
       {"no features", with_integer(state, "out_features", 0), {"extents of at least 1"}}});
}

TEST(StateRefusalTest, ValuesOfAnAccumulatorAreChecked) {
  const auto [object, state] = accumulator();
  expect_refused(
      *object,
      {{"reduction", with_integer(state, "reduction", 3), {"\"reduction\" is 3, expected 0 to 2"}},
       {"rule", with_integer(state, "upper.rule", 6), {"\"upper.rule\" is 6, expected 0 to 5"}},
       {"limit", with_number(state, "upper.limit", nan), {"upper.limit is nan"}},
       {"limits", with_number(state, "lower.limit", 2.0), {"above lower.limit"}},
       {"a negative number of parts",
        with_integer(state, "negative.parts", -1),
        {"\"negative.parts\" is -1"}},
       {"more parts than may be added to",
        with_integer(state, "negative.parts", (std::int64_t{1} << 62) + 1),
        {"\"negative.parts\" is 4611686018427387905"}},
       {"parts without values",
        with_integer(state, "positive.parts", 1),
        {"record \"positive\" is missing"}},
       {"values without parts",
        with_integer(state, "negative.parts", 0),
        {"record \"negative\" is there, expected no such record"}}});
  // A shape alone claims memory: it is held against the object's before.
  EXPECT_TRUE(
      refuses([&, &s = state,
               &o = object] { o->load(cpu, with_integer(s, "shape", std::int64_t{1} << 40)); },
              Errc::shape_mismatch, {"Accumulator::load: the state has shape [1099511627776]"}));
}

}  // namespace
