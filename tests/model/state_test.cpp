// What is saved mid-run goes on bit for bit, in objects of any other batch size, dt and delay, on
// every device, and is saved as the same bytes again.
#include "cusynapse/state.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "cusynapse/cusynapse.hpp"
#include "model/connection_pair.hpp"
#include "model/neuron_pair.hpp"
#include "model/state_run.hpp"
#include "model/synapse_pair.hpp"
#include "support/devices.hpp"
#include "support/random.hpp"
#include "support/refusal.hpp"
#include "support/state_bytes.hpp"

namespace {

using cusynapse::Errc;
using cusynapse::Parameter;
using cusynapse::Shape;
using cusynapse::StateWriter;
using cusynapse::Stream;
using model_test::Bytes;
using model_test::run;
using reference::ConnectionKind;
using reference::ConnectionSettings;
using reference::Model;
using reference::Settings;
using support::refuses;

constexpr int steps = 12;

class StateTest : public support::DeviceTest {};
INSTANTIATE_TEST_SUITE_P(Devices, StateTest, testing::ValuesIn(support::devices()),
                         support::device_name);

/// Loads a state into objects, and follows each of them for many steps beside the one that was
/// saved: the same outputs, and in the end the same state.
template <class Object>
void expect_goes_on(
    const Stream& stream, Object& original,
    const std::vector<std::pair<const char*, std::function<Object&(const Bytes&)>>>& loaders) {
  const Bytes state = original.save(stream);
  EXPECT_EQ(original.save(stream), state) << "saving twice";
  const std::size_t length = state.size() - 4;
  Bytes checksum(4);
  support::put(checksum, 0, support::crc32(state.data(), length), 4);
  EXPECT_EQ(Bytes(state.begin() + static_cast<std::ptrdiff_t>(length), state.end()), checksum);

  const Bytes expected = run(stream, original, steps, 7);
  const Bytes later = original.save(stream);
  EXPECT_NE(later, state) << "nothing happened that a state could show";
  for (const auto& [name, load] : loaders) {
    SCOPED_TRACE(name);
    Object& loaded = load(state);
    EXPECT_EQ(loaded.save(stream), state);
    EXPECT_EQ(run(stream, loaded, steps, 7), expected);
    EXPECT_EQ(loaded.save(stream), later);
  }
}

Settings settings_of(Model model, double delay) {
  Settings settings;
  settings.model = model;
  settings.batch_size = 2;
  settings.sample_size = 33;
  settings.step_time = 0.7;
  settings.delay = delay;
  settings.tolerance = 1e-4;
  settings.nearest = true;
  settings.current_overbound = std::nullopt;
  settings.spike_overbound = true;
  settings.spike_charge = 3.25;
  settings.time_constant = 4.5;
  settings.tc_decay = 6.5;
  settings.tc_rise = 1.5;
  return settings;
}

/// Of the same class and shape, with everything else as it is by default.
Settings other_settings(Model model) {
  Settings settings;
  settings.model = model;
  settings.batch_size = 5;
  settings.sample_size = 33;
  settings.delay = 9.0;
  return settings;
}

template <class Test>
void for_each_class(const Test& test) {
  for (const Model model : model_test::models()) {
    SCOPED_TRACE(model_test::class_name(model));
    test.template operator()<float>(model);
    test.template operator()<double>(model);
  }
}

TEST_P(StateTest, SynapsesGoOnBitForBit) {
  for_each_class([&]<class T>(Model model) {
    using Synapse = cusynapse::Synapse<T>;
    using Case = std::pair<double, reference::Storage>;
    std::vector<Case> cases = {{0.0, reference::Storage::same},
                               {3.4, reference::Storage::same},
                               {60.0, reference::Storage::same}};
    if (std::is_same_v<T, float>) {
      cases.emplace_back(3.4, reference::Storage::float16);
      cases.emplace_back(60.0, reference::Storage::bfloat16);
      cases.emplace_back(3.4, reference::Storage::same);  // into one stored in 16 bits
    }
    for (const auto& [delay, storage] : cases) {
      SCOPED_TRACE(testing::Message() << delay << " ms, storage " << static_cast<int>(storage));
      Settings settings = settings_of(model, delay);
      settings.storage = storage;
      const auto original = model_test::make_synapse<T>(stream(), settings);
      run<T>(stream(), *original, 17, 3);
      std::unique_ptr<Synapse> made;
      Settings others = other_settings(model);
      if (&storage == &cases.back().second && cases.size() > 3) {
        others.storage = reference::Storage::float16;
      }
      const auto other = model_test::make_synapse<T>(stream(), others);
      run<T>(stream(), *other, 4, 4);
      const std::uint64_t version = other->version();
      expect_goes_on<Synapse>(stream(), *original,
                              {{"from the bytes alone",
                                [&](const Bytes& state) -> Synapse& {
                                  made = cusynapse::load_synapse<T>(stream(), state);
                                  return *made;
                                }},
                               {"into another",
                                [&](const Bytes& state) -> Synapse& {
                                  other->load(stream(), state);
                                  return *other;
                                }},
                               {"into the same", [&](const Bytes& state) -> Synapse& {
                                  original->load(stream(), state);
                                  return *original;
                                }}});
      EXPECT_GT(other->version(), version);
      EXPECT_EQ(other->options().interpolation, cusynapse::SpikeInterpolation::nearest);
      EXPECT_EQ(other->options().current_overbound, std::nullopt);
      EXPECT_EQ(other->options().spike_overbound, true);
      EXPECT_EQ(other->options().storage, original->options().storage);
      EXPECT_EQ(other->batch_size(), 2);
      EXPECT_EQ(other->delay(), delay);
      EXPECT_EQ(other->pointer(stream()), original->pointer(stream()));
    }
  });
}

TEST_P(StateTest, ConstantsFollowTheState) {
  using Synapse = cusynapse::DoubleExponentialCurrent<float>;
  cusynapse::SynapseOptions options;
  options.shape = {3};
  const Synapse saved(stream(), options, {2.5, 7.0, 3.0});
  Synapse loaded(stream(), options, {1.0, 2.0, 1.0});
  loaded.load(stream(), saved.save(stream()));
  EXPECT_EQ(loaded.parameters().spike_charge, 2.5);
  EXPECT_EQ(loaded.parameters().tc_decay, 7.0);
  EXPECT_EQ(loaded.parameters().tc_rise, 3.0);
  // They are the constants of later changes of dt as well.
  Synapse expected(stream(), options, {2.5, 7.0, 3.0});
  loaded.set_step_time(stream(), 0.3);
  expected.set_step_time(stream(), 0.3);
  EXPECT_EQ(run<float>(stream(), loaded, 5, 1), run<float>(stream(), expected, 5, 1));
}

TEST_P(StateTest, HistoriesGoOnBitForBit) {
  const auto test = [&]<class T>() {
    cusynapse::HistoryOptions options;
    options.shape = {3, 11};
    options.batch_size = 2;
    options.step_time = 0.5;
    options.duration = 2.9;
    options.inclusive = true;
    cusynapse::History<T> original(stream(), options);
    run(stream(), original, 9, 2);
    cusynapse::HistoryOptions other_options;
    other_options.shape = {3, 11};
    cusynapse::History<T> other(stream(), other_options);
    std::unique_ptr<cusynapse::History<T>> made;
    expect_goes_on<cusynapse::History<T>>(
        stream(), original,
        {{"from the bytes alone",
          [&](const Bytes& bytes) -> cusynapse::History<T>& {
            made = cusynapse::load_object<cusynapse::History<T>>(stream(), bytes);
            return *made;
          }},
         {"into another", [&](const Bytes& bytes) -> cusynapse::History<T>& {
            other.load(stream(), bytes);
            return other;
          }}});
    EXPECT_EQ(other.slots(), original.slots());
    EXPECT_EQ(other.duration(), 2.9);
    EXPECT_TRUE(other.inclusive());
    EXPECT_EQ(other.pointer(stream()), original.pointer(stream()));
  };
  test.template operator()<float>();
  test.template operator()<double>();
  test.template operator()<cusynapse::float16>();
  test.template operator()<cusynapse::bfloat16>();
  test.template operator()<bool>();
}

TEST_P(StateTest, HistoriesOf16BitsAreSavedAsBits) {
  const auto test = [&]<class T>(const std::string& element,
                                 const std::vector<std::uint16_t>& bits) {
    cusynapse::HistoryOptions options;
    options.shape = {3};
    cusynapse::History<T> history(stream(), options);
    const support::DeviceArray<float> values(stream(), {1.0f, -65504.0f, 0x1p-24f}, {1, 3});
    history.push(stream(), values.constant());
    const Bytes state = history.save(stream());
    EXPECT_EQ(std::string(state.begin() + 20, state.begin() + 23), element);
    cusynapse::StateReader reader(state);
    EXPECT_TRUE(reader.holds<T>());
    EXPECT_FALSE(reader.holds<float>());
    EXPECT_EQ(reader.array<std::uint16_t>("observations", {1, 1, 3}), bits);
  };
  test.template operator()<cusynapse::float16>("<f2", {0x3C00, 0xFBFF, 0x0001});
  test.template operator()<cusynapse::bfloat16>("<V2", {0x3F80, 0xC780, 0x3380});
}

ConnectionSettings connection_settings(ConnectionKind kind, Model model, double delay) {
  ConnectionSettings settings;
  settings.kind = kind;
  settings.outputs = 7;
  settings.biased = true;
  settings.has_delays = true;
  settings.synapse = settings_of(model, delay);
  settings.convolution.channels = 2;
  settings.convolution.height = 5;
  settings.convolution.width = 6;
  settings.convolution.filters = 3;
  settings.convolution.kernel[0] = 2;
  settings.convolution.kernel[1] = 3;
  settings.convolution.stride[1] = 2;
  settings.convolution.padding[0] = 1;
  settings.convolution.dilation[1] = 2;
  return model_test::consistent(settings);
}

template <class T>
void set_random_parameters(const Stream& stream, cusynapse::Connection<T>& connection,
                           support::Random& random, model_test::Way way) {
  for (const Parameter parameter : model_test::parameters()) {
    if (!connection.has(parameter)) continue;
    const std::int64_t count = connection.parameter_shape(parameter).size();
    const double most = parameter == Parameter::delay ? *connection.delayed_by() + 0.5 : 1.0;
    model_test::write_parameter<T>(stream, connection, parameter,
                                   random.values<T>(count, -0.5, most), way);
  }
}

TEST_P(StateTest, ConnectionsGoOnBitForBit) {
  support::Random random(support::seed());
  // Of weights: from any of these into any other.
  const std::vector<reference::Storage> storages = {
      reference::Storage::same, reference::Storage::float16, reference::Storage::bfloat16};
  std::size_t count = 0;
  for (const ConnectionKind kind : model_test::connection_kinds()) {
    for_each_class([&]<class T>(Model model) {
      using Connection = cusynapse::Connection<T>;
      // The largest delay in a byte, in two, at 0, and none.
      for (const double delay : {3.4, 300.0, 0.0, -1.0}) {
        ConnectionSettings settings = connection_settings(kind, model, std::max(delay, 0.0));
        settings.has_delays = delay >= 0;
        settings.biased = delay != 0;
        if (std::is_same_v<T, float>) settings.weight_storage = storages[count++ % 3];
        SCOPED_TRACE(model_test::describe(settings));
        const auto original = model_test::make_connection<T>(stream(), settings, 1);
        set_random_parameters(stream(), *original, random, model_test::Way::set_from_host);
        run<T>(stream(), *original, 9, 3);

        ConnectionSettings other_one = settings;
        other_one.synapse.batch_size = 3;
        other_one.synapse.step_time = 1.0;
        other_one.synapse.delay = settings.has_delays ? 2.0 : 0.0;
        other_one.synapse.time_constant = 9.0;
        if (std::is_same_v<T, float>) other_one.weight_storage = storages[count / 3 % 3];
        const auto other = model_test::make_connection<T>(stream(), other_one, 2);
        run<T>(stream(), *other, 3, 5);
        const T* const weights = other->weight().data();
        const cusynapse::Synapse<T>* const synapse = &other->synapse();
        std::unique_ptr<Connection> made;
        // A state of weights that were written after the last sum, to a diagonal as well.
        set_random_parameters(stream(), *original, random, model_test::Way::edit);
        expect_goes_on<Connection>(stream(), *original,
                                   {{"from the bytes alone",
                                     [&](const Bytes& state) -> Connection& {
                                       made = cusynapse::load_connection<T>(stream(), state);
                                       return *made;
                                     }},
                                    {"into another", [&](const Bytes& state) -> Connection& {
                                       other->load(stream(), state);
                                       return *other;
                                     }}});
        EXPECT_EQ(other->weight().data(), weights) << "views of parameters stay valid";
        EXPECT_EQ(&other->synapse(), synapse);
        EXPECT_EQ(other->delayed_by(), original->delayed_by());
        const cusynapse::StorageType storage = model_test::library_storage(settings.weight_storage);
        EXPECT_EQ(original->weight_storage(), storage);
        EXPECT_EQ(other->weight_storage(), storage);
        EXPECT_EQ(made->weight_storage(), storage);
        EXPECT_EQ(cusynapse::StateReader(original->save(stream())).has("weight_storage"),
                  storage != cusynapse::StorageType::same);
      }
    });
  }
}

TEST_P(StateTest, ASynapseThatIsSharedIsLoadedOnceForAll) {
  const auto make = [&](std::int64_t batch) {
    Settings settings = settings_of(Model::alpha, 3.4);
    settings.batch_size = batch;
    return std::shared_ptr<cusynapse::Synapse<float>>(
        model_test::make_synapse<float>(stream(), settings));
  };
  const std::shared_ptr<cusynapse::Synapse<float>> synapse = make(2);
  cusynapse::LinearDense<float> first(stream(), {4}, synapse, false, 1);
  cusynapse::LinearDense<float> second(stream(), {5}, synapse, false, 2);
  const auto sums = [&](cusynapse::LinearDense<float>& connection) {
    support::DeviceArray<float> out(
        stream(), connection.output_shape().prepended(connection.batch_size()), 0.0F);
    connection.sum(stream(), out.view());
    return out.host();
  };
  run<float>(stream(), first, 7, 1);

  const std::shared_ptr<cusynapse::Synapse<float>> other_synapse = make(3);
  cusynapse::LinearDense<float> other_first(stream(), {4}, other_synapse, false, 3);
  cusynapse::LinearDense<float> other_second(stream(), {5}, other_synapse, false, 4);
  sums(other_second);
  other_first.load(stream(), first.save(stream()));
  EXPECT_EQ(sums(other_first), sums(first));
  EXPECT_TRUE(refuses([&] { sums(other_second); }, Errc::invalid_argument, {"refresh"}));
  EXPECT_TRUE(
      refuses([&] { other_second.save(stream()); }, Errc::invalid_argument, {"save", "refresh"}));
  other_second.load(stream(), second.save(stream()));
  EXPECT_EQ(sums(other_second), sums(second));
  EXPECT_EQ(sums(other_first), sums(first));
}

TEST_P(StateTest, AGroupHasToTakeOverALoadedMember) {
  const auto saved = model_test::make_synapse<float>(stream(), settings_of(Model::alpha, 3.4));
  run<float>(stream(), *saved, 7, 1);
  std::vector<std::unique_ptr<cusynapse::CurrentSynapse<float>>> members;
  members.push_back(model_test::make_synapse<float>(stream(), other_settings(Model::alpha)));
  cusynapse::SynapseGroup<float> group(stream(), std::move(members));
  group[0].load(stream(), saved->save(stream()));
  const support::DeviceArray<float> ones(stream(), {group.input_size()}, 1.0F);
  EXPECT_TRUE(
      refuses([&] { group.step(stream(), ones.constant()); }, Errc::invalid_argument, {"refresh"}));
  group.refresh(stream());
  const support::DeviceArray<float> inputs(stream(), {group.input_size()}, 1.0F);
  group.step(stream(), inputs.constant());
  const support::DeviceArray<float> frame(stream(), saved->batched_shape(), 1.0F);
  saved->step(stream(), frame.constant());
  EXPECT_EQ(group[0].save(stream()), saved->save(stream()));
}

TEST_P(StateTest, NeuronsGoOnBitForBit) {
  const auto test = [&]<class T>() {
    using Neuron = cusynapse::Neuron<T>;
    cusynapse::NeuronOptions options;
    options.shape = {5, 7};
    options.batch_size = 2;
    options.step_time = 0.3;
    cusynapse::LeakyIntegrateAndFire<T> original(stream(), options,
                                                 {9.0, -58.0, -63.0, -52.0, 1.4, 0.9});
    run<T>(stream(), original, 20, 3);
    cusynapse::NeuronOptions other_options;
    other_options.shape = {5, 7};
    cusynapse::LeakyIntegrateAndFire<T> other(stream(), other_options, {});
    std::unique_ptr<Neuron> made;
    expect_goes_on<Neuron>(stream(), original,
                           {{"from the bytes alone",
                             [&](const Bytes& state) -> Neuron& {
                               made = cusynapse::load_neuron<T>(stream(), state);
                               return *made;
                             }},
                            {"into another", [&](const Bytes& state) -> Neuron& {
                               other.load(stream(), state);
                               return other;
                             }}});
    EXPECT_EQ(other.parameters().resistance, 0.9);
    // What is cleared comes to the rest voltage that was loaded.
    other.clear(stream());
    original.clear(stream());
    EXPECT_EQ(other.save(stream()), original.save(stream()));
  };
  test.template operator()<float>();
  test.template operator()<double>();
}

TEST_P(StateTest, ProjectionsGoOnBitForBit) {
  support::Random random(support::seed());
  const auto test = [&]<class T>() {
    using Projection = cusynapse::Projection<T>;
    for (const bool is_masked : {false, true}) {
      for (const bool is_changed : {false, true}) {
        cusynapse::ProjectionOptions<T> options;
        options.in_features = 37;
        options.out_features = 5;
        options.seed = 3;
        cusynapse::ProjectionOptions<T> saved_options = options;
        saved_options.receptor = cusynapse::Receptor::inhibitory;
        saved_options.saturation = {20.0, -40.0, 1.0};
        std::vector<std::uint8_t> mask;
        for (int i = 0; i < 37 * 5; ++i) mask.push_back(random.chance(0.6) ? 1 : 0);
        Projection original = is_masked ? Projection(stream(), saved_options, mask)
                                        : Projection(stream(), saved_options);
        original.prepare(stream());
        original.reset_changed();
        // Written after the plans were made, what is not connected as well.
        const std::vector<T> weights = random.values<T>(37 * 5, -1, 1);
        if (is_changed) {
          cusynapse::memory::copy_from_host(stream(), original.edit().data(), weights.data(),
                                            weights.size() * sizeof(T));
        }
        const Bytes state = original.save(stream());
        // With a mask where the state has none, and the other way round.
        Projection other =
            is_masked ? Projection(stream(), options) : Projection(stream(), options, mask);
        run(stream(), other, 1, 1);
        other.reset_changed();
        const T* const view = other.weight().data();
        other.load(stream(), state);
        const auto made = cusynapse::load_object<Projection>(stream(), state);
        for (Projection* loaded : {&other, made.get()}) {
          EXPECT_EQ(loaded->save(stream()), state);
          EXPECT_EQ(loaded->changed_since_last_run(), is_changed);
          EXPECT_EQ(loaded->is_masked(), is_masked);
          EXPECT_EQ(loaded->receptor(), cusynapse::Receptor::inhibitory);
        }
        EXPECT_EQ(other.weight().data(), view) << "views of weights stay valid";
        const Bytes expected = run(stream(), original, 3, 2);
        EXPECT_EQ(run(stream(), other, 3, 2), expected);
        EXPECT_EQ(run(stream(), *made, 3, 2), expected);
        const auto placed = original.get_connections(stream(), cusynapse::Receptor::inhibitory);
        EXPECT_EQ(other.get_connections(stream(), cusynapse::Receptor::inhibitory), placed);
      }
    }
  };
  test.template operator()<float>();
  test.template operator()<double>();
}

TEST_P(StateTest, ATransformOfTheCallersStaysWithItsProjection) {
  cusynapse::ProjectionOptions<float> options;
  options.in_features = 2;
  const cusynapse::Projection<float> plain(stream(), options);
  options.transform = [](const Stream& on, cusynapse::View<const float> in,
                         cusynapse::View<float> out) {
    cusynapse::memory::copy(on, out.data(), in.data(), 2 * sizeof(float));
  };
  options.seed = 5;
  cusynapse::Projection<float> with_transform(stream(), options);
  options.seed = 6;
  cusynapse::Projection<float> other(stream(), options);
  other.load(stream(), with_transform.save(stream()));
  EXPECT_EQ(other.to_host(stream()), with_transform.to_host(stream()));
  other.get_connections(stream(), cusynapse::Receptor::excitatory);

  EXPECT_TRUE(refuses([&] { other.load(stream(), plain.save(stream())); }, Errc::invalid_state,
                      {"\"has_transform\" is 0", "expected that of the projection"}));
  const Bytes state = with_transform.save(stream());
  EXPECT_TRUE(refuses(
      [&] {
        const auto made = cusynapse::load_object<cusynapse::Projection<float>>(stream(), state);
      },
      Errc::not_supported, {"transform"}));
}

TEST_P(StateTest, AccumulatorsGoOnBitForBit) {
  support::Random random(support::seed());
  const auto test = [&]<class T>() {
    using cusynapse::UpdateReduction;
    using Accumulator = cusynapse::Accumulator<T>;
    for (const UpdateReduction reduction :
         {UpdateReduction::sum, UpdateReduction::mean, UpdateReduction::maximum}) {
      for (const int parts : {0, 3}) {
        Accumulator original(stream(), {3, 11});
        original.set_reduction(stream(), reduction);
        original.set_bounds(
            cusynapse::full_bounds(cusynapse::BoundRule::scaled_multiplicative, 0.1, 0.9));
        for (int i = 0; i < parts; ++i) {
          const support::DeviceArray<T> part(stream(), random.values<T>(33, -1, 1), {3, 11});
          original.add_negative(stream(), part.constant());
        }
        Accumulator other(stream(), {3, 11});
        const support::DeviceArray<T> part(stream(), {3, 11}, T(1));
        other.add_positive(stream(), part.constant());
        expect_goes_on<Accumulator>(stream(), original,
                                    {{"into another", [&](const Bytes& state) -> Accumulator& {
                                        other.load(stream(), state);
                                        return other;
                                      }}});
        EXPECT_EQ(other.bounds().upper.limit, 0.9);
      }
    }
  };
  test.template operator()<float>();
  test.template operator()<double>();
}

TEST_P(StateTest, AnUpdaterGoesOnBesideItsConnection) {
  const auto make = [&](std::uint64_t seed) {
    return model_test::make_connection<float>(
        stream(), connection_settings(ConnectionKind::dense, Model::delta, 3.4), seed);
  };
  const auto connection = make(1);
  cusynapse::Updater<float> updater(stream(), *connection, {Parameter::weight, Parameter::delay});
  const support::DeviceArray<float> part(stream(), connection->weight_shape(), 0.125F);
  updater[Parameter::weight].add_positive(stream(), part.constant());
  updater[Parameter::delay].add_negative(stream(), part.constant());
  updater[Parameter::delay].add_negative(stream(), part.constant());

  const auto other = make(2);
  cusynapse::Updater<float> other_updater(stream(), *other, {Parameter::weight, Parameter::delay});
  other->load(stream(), connection->save(stream()));
  other_updater.load(stream(), updater.save(stream()));
  EXPECT_EQ(other_updater.save(stream()), updater.save(stream()));
  updater.update(stream());
  other_updater.update(stream());
  EXPECT_EQ(other->save(stream()), connection->save(stream()));
  EXPECT_EQ(run<float>(stream(), *other, 3, 1), run<float>(stream(), *connection, 3, 1));

  cusynapse::Updater<float> of_weights(stream(), *other, {Parameter::weight});
  EXPECT_TRUE(refuses([&] { of_weights.load(stream(), updater.save(stream())); },
                      Errc::invalid_state, {"\"has_delay\" is 1, expected 0"}));
}

TEST_P(StateTest, ReductionsOfTheCallersAreNotSaved) {
  cusynapse::Accumulator<float> accumulator(stream(), {2});
  const Bytes state = accumulator.save(stream());
  accumulator.set_reduction(
      stream(), [](const Stream& on, const std::vector<cusynapse::View<const float>>& parts,
                   cusynapse::View<float> out) {
        cusynapse::memory::copy(on, out.data(), parts[0].data(), 2 * sizeof(float));
      });
  EXPECT_TRUE(
      refuses([&] { accumulator.save(stream()); }, Errc::not_supported, {"Accumulator::save"}));
  EXPECT_TRUE(refuses([&] { accumulator.load(stream(), state); }, Errc::not_supported,
                      {"Accumulator::load"}));
}

TEST_P(StateTest, StatesMoveBetweenDevices) {
  const Stream cpu = Stream::cpu();
  const auto synapse =
      model_test::make_synapse<float>(stream(), settings_of(Model::double_exponential, 3.4));
  run<float>(stream(), *synapse, 9, 1);
  const Bytes state = synapse->save(stream());
  const auto on_cpu = cusynapse::load_synapse<float>(cpu, state);
  EXPECT_EQ(on_cpu->device(), cusynapse::Device::cpu());
  EXPECT_EQ(on_cpu->save(cpu), state);
  const Bytes expected = run<float>(stream(), *synapse, steps, 2);
  EXPECT_EQ(run<float>(cpu, *on_cpu, steps, 2), expected);
  synapse->load(stream(), on_cpu->save(cpu));
  EXPECT_EQ(run<float>(stream(), *synapse, steps, 3), run<float>(cpu, *on_cpu, steps, 3));
}

TEST_P(StateTest, BitsPastAFrameAreNotSaved) {
  cusynapse::SynapseOptions options;
  options.shape = {3};
  cusynapse::DeltaCurrent<float> synapse(stream(), options, {});
  synapse.step(
      stream(),
      cusynapse::PackedSpikes(
          support::DeviceArray<std::uint8_t>(stream(), {1}, 0x02).constant().data(), {1, 3}));
  stream().synchronize();
  const Bytes state = synapse.save(stream());
  const Bytes spike_and_rest = {0xFA, 0xFF, 0xFF, 0xFF};
  cusynapse::memory::copy_from_host(stream(), synapse.spike_ring().data, spike_and_rest.data(), 4);
  EXPECT_EQ(synapse.save(stream()), state);
}

TEST_P(StateTest, ValuesKeepEveryBit) {
  const std::vector<float> values = {-0.0F, std::numeric_limits<float>::denorm_min(),
                                     std::numeric_limits<float>::infinity(),
                                     -std::numeric_limits<float>::quiet_NaN()};
  cusynapse::SynapseOptions options;
  options.shape = {4};
  cusynapse::SingleExponentialCurrent<float> synapse(stream(), options, {});
  const std::size_t bytes = values.size() * sizeof(float);
  // In memory: a GPU's arithmetic, which setters use, has one form of what is no number.
  cusynapse::memory::copy_from_host(stream(), synapse.trace_ring(0).data, values.data(), bytes);
  const auto loaded = cusynapse::load_synapse<float>(stream(), synapse.save(stream()));
  std::vector<float> kept(values.size());
  cusynapse::memory::copy_to_host(stream(), kept.data(), loaded->trace_ring(0).data, bytes);
  Bytes got;
  Bytes expected;
  model_test::append(got, kept);
  model_test::append(expected, values);
  EXPECT_EQ(got, expected);
}

// Classes from outside the library.

struct UnnamedParameters {
  double gain = 1.0;
  double weight = 1.0;
};
struct UnnamedModel {
  using Parameters = UnnamedParameters;
  static constexpr const char* name = "UnnamedConstants";
  static cusynapse::SynapseModel at(const Parameters& p, double dt) {
    cusynapse::SynapseModel model;
    model.dynamics = cusynapse::Dynamics::decay;
    model.trace_count = 1;
    model.traces[0] = {3.0, p.gain / dt, p.weight};
    return model;
  }
};

struct NamedParameters {
  double gain = 1.0;
  static constexpr cusynapse::ParameterField<NamedParameters> fields[] = {
      {"gain", &NamedParameters::gain}};
};
// What a state would lose.
struct PartlyNamedParameters {
  double gain;
  int order;
  static constexpr cusynapse::ParameterField<PartlyNamedParameters> fields[] = {
      {"gain", &PartlyNamedParameters::gain}};
};
static_assert(cusynapse::names_all_its_fields<NamedParameters>);
static_assert(!cusynapse::names_all_its_fields<PartlyNamedParameters>);
struct NamedModel {
  using Parameters = NamedParameters;
  static constexpr const char* name = "NamedConstants";
  static cusynapse::SynapseModel at(const Parameters& p, double dt) {
    cusynapse::require_charge(name, p.gain);
    return UnnamedModel::at({p.gain}, dt);
  }
};

TEST_P(StateTest, ConstantsWithoutNamesAreCompared) {
  using Synapse = cusynapse::ModelSynapse<float, UnnamedModel>;
  cusynapse::SynapseOptions options;
  options.shape = {5};
  options.step_time = 0.5;
  options.delay = 2.0;
  Synapse original(stream(), options, {2.0});
  run<float>(stream(), original, 9, 1);
  const Bytes state = original.save(stream());
  options.step_time = 1.0;
  Synapse same(stream(), options, {2.0});
  same.load(stream(), state);
  EXPECT_EQ(same.save(stream()), state);
  EXPECT_EQ(run<float>(stream(), same, steps, 2), run<float>(stream(), original, steps, 2));
  Synapse different(stream(), options, {2.5});
  EXPECT_TRUE(refuses([&] { different.load(stream(), state); }, Errc::invalid_state,
                      {"state of UnnamedConstants", "number 5 of record \"model\" is 4",
                       "expected 5 of the synapse"}));
  Synapse inhibitory(stream(), options, {2.0, -1.0});
  EXPECT_TRUE(refuses([&] { inhibitory.load(stream(), state); }, Errc::invalid_state,
                      {"number 6 of record \"model\" is 1", "expected -1 of the synapse"}));
  EXPECT_TRUE(refuses([&] { cusynapse::load_synapse<float>(stream(), state); }, Errc::not_supported,
                      {"UnnamedConstants"}));
}

TEST_P(StateTest, ConstantsWithNamesAreRestored) {
  using Synapse = cusynapse::ModelSynapse<double, NamedModel>;
  cusynapse::SynapseOptions options;
  options.shape = {5};
  Synapse original(stream(), options, {2.0});
  Synapse other(stream(), options, {7.0});
  other.load(stream(), original.save(stream()));
  EXPECT_EQ(other.parameters().gain, 2.0);
  EXPECT_EQ(run<double>(stream(), other, 5, 2), run<double>(stream(), original, 5, 2));
  const Bytes state = original.save(stream());
  EXPECT_EQ(cusynapse::load_object<Synapse>(stream(), state)->parameters().gain, 2.0);
  // A connection loads a synapse of the caller's in its place, but cannot make one.
  const auto factory = [&](double gain) { return Synapse::factory({gain}, options); };
  cusynapse::LinearDirect<double> connection(stream(), {5}, {}, factory(2.0));
  cusynapse::LinearDirect<double> loaded(stream(), {5}, {}, factory(3.0));
  run<double>(stream(), connection, 3, 1);
  loaded.load(stream(), connection.save(stream()));
  EXPECT_EQ(run<double>(stream(), loaded, 5, 2), run<double>(stream(), connection, 5, 2));
  EXPECT_TRUE(
      refuses([&] { cusynapse::load_connection<double>(stream(), connection.save(stream())); },
              Errc::not_supported, {"NamedConstants"}));
}

/// A synapse that passes everything on and knows nothing of states.
class Wrapper final : public cusynapse::Synapse<float> {
 public:
  explicit Wrapper(cusynapse::Synapse<float>& inner) : inner_(inner) {}
  const Shape& shape() const noexcept override { return inner_.shape(); }
  std::int64_t batch_size() const noexcept override { return inner_.batch_size(); }
  double step_time() const noexcept override { return inner_.step_time(); }
  double delay() const noexcept override { return inner_.delay(); }
  cusynapse::Device device() const noexcept override { return inner_.device(); }
  void step(const Stream& on, const cusynapse::SpikeInput<float>& input,
            const cusynapse::Injected<float>& injected) override {
    inner_.step(on, input, injected);
  }
  void current(const Stream& on, cusynapse::View<float> out) const override {
    inner_.current(on, out);
  }
  void spike(const Stream& on, cusynapse::View<std::uint8_t> out) const override {
    inner_.spike(on, out);
  }
  void current_at(const Stream& on, cusynapse::View<const float> selector,
                  cusynapse::View<float> out) const override {
    inner_.current_at(on, selector, out);
  }
  void spike_at(const Stream& on, cusynapse::View<const float> selector,
                cusynapse::View<std::uint8_t> out) const override {
    inner_.spike_at(on, selector, out);
  }
  cusynapse::SynapseReadout<float> readout() const override { return inner_.readout(); }
  cusynapse::DecayInject<float> step_arguments() const override { return inner_.step_arguments(); }
  std::uint64_t version() const noexcept override { return inner_.version(); }
  void clear(const Stream& on) override { inner_.clear(on); }
  void set_batch_size(const Stream& on, std::int64_t size) override {
    inner_.set_batch_size(on, size);
  }
  void set_step_time(const Stream& on, double step_time, cusynapse::HistoryChange how) override {
    inner_.set_step_time(on, step_time, how);
  }
  void set_delay(const Stream& on, double delay, cusynapse::HistoryChange how) override {
    inner_.set_delay(on, delay, how);
  }

 private:
  cusynapse::Synapse<float>& inner_;
};

TEST_P(StateTest, ClassesWithoutStatesSaySo) {
  const auto inner = model_test::make_synapse<float>(stream(), settings_of(Model::delta, 0.0));
  const auto wrapper = std::make_shared<Wrapper>(*inner);
  EXPECT_TRUE(refuses([&] { wrapper->save(stream()); }, Errc::not_supported, {"Synapse::save"}));
  EXPECT_TRUE(refuses([&] { wrapper->load(stream(), inner->save(stream())); }, Errc::not_supported,
                      {"Synapse::load"}));
  cusynapse::LinearDirect<float> connection(stream(), wrapper);
  EXPECT_TRUE(refuses([&] { connection.save(stream()); }, Errc::not_supported, {"Synapse::save"}));
}

TEST_P(StateTest, AWriterRefusesWhatAReaderWould) {
  const auto write = [](const std::string& name) {
    StateWriter::of<float>("Class").number(name, 1.0);
  };
  EXPECT_TRUE(refuses([&] { write(""); }, Errc::invalid_argument, {"record name is \"\""}));
  EXPECT_TRUE(refuses([&] { write("a b"); }, Errc::invalid_argument, {"\"a b\"", "no space"}));
  EXPECT_TRUE(refuses([&] { write(std::string(256, 'a')); }, Errc::invalid_argument, {"255"}));
  write(std::string(255, 'a'));
  EXPECT_TRUE(
      refuses([&] { StateWriter::of<float>("\n"); }, Errc::invalid_argument, {"class name"}));
  StateWriter twice = StateWriter::of<float>("Class");
  twice.flag("name", true);
  EXPECT_TRUE(refuses([&] { twice.number("name", 1.0); }, Errc::invalid_argument,
                      {"record \"name\" is there, expected a new one"}));
}

}  // namespace
