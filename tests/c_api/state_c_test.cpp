// Saved states in C: the bytes of C++, and objects that go on as theirs.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <type_traits>
#include <vector>

#include "c_api/c_support.hpp"
#include "support/state_bytes.hpp"

namespace {

using c_test::Array;
using c_test::dtype_of;
using c_test::for_each_ring_type;
using c_test::for_each_type;
using c_test::model_of;
using c_test::Owned;
using c_test::refused;
using c_test::ring_dtype;
using c_test::shape_of;
using c_test::stream_of;
using c_test::succeeds;
using c_test::synapse_options;
using cusynapse::Shape;
using cusynapse::Stream;

using Bytes = std::vector<std::uint8_t>;

template <class V>
void append(Bytes& to, const std::vector<V>& values) {
  const auto* first = reinterpret_cast<const std::uint8_t*>(values.data());
  to.insert(to.end(), first, first + values.size() * sizeof(V));
}

// A state with one record more, which no class knows.
Bytes with_another_record(Bytes state) {
  const Bytes record = {4, 'm', 'o', 'r', 'e', '|', 'u', '1', 0, 7};
  const std::size_t count_at = 24U + state[23];
  support::put(state, count_at, state[count_at] + 1U, 2);
  state.insert(state.end() - 4, record.begin(), record.end());
  support::make_consistent(state);
  return state;
}

// What there is to a kind of object; `create` is null where none is made from bytes alone.
template <class Handle>
struct Functions {
  cusynapse_status (*save)(const Handle*, cusynapse_stream, cusynapse_state**);
  cusynapse_status (*load)(Handle*, cusynapse_stream, const std::uint8_t*, std::size_t);
  cusynapse_status (*create)(cusynapse_stream, const std::uint8_t*, std::size_t, Handle**);
};

constexpr Functions<cusynapse_history> history_functions = {
    cusynapse_history_save, cusynapse_history_load, cusynapse_history_create_from_state};
constexpr Functions<cusynapse_synapse> synapse_functions = {
    cusynapse_synapse_save, cusynapse_synapse_load, cusynapse_synapse_create_from_state};
constexpr Functions<cusynapse_synapse> custom_functions = {cusynapse_synapse_save,
                                                           cusynapse_synapse_load, nullptr};
constexpr Functions<cusynapse_connection> connection_functions = {
    cusynapse_connection_save, cusynapse_connection_load, cusynapse_connection_create_from_state};
constexpr Functions<cusynapse_neuron> neuron_functions = {
    cusynapse_neuron_save, cusynapse_neuron_load, cusynapse_neuron_create_from_state};
constexpr Functions<cusynapse_accumulator> accumulator_functions = {
    cusynapse_accumulator_save, cusynapse_accumulator_load, nullptr};
constexpr Functions<cusynapse_updater> updater_functions = {cusynapse_updater_save,
                                                            cusynapse_updater_load, nullptr};
constexpr Functions<cusynapse_projection> projection_functions = {
    cusynapse_projection_save, cusynapse_projection_load, cusynapse_projection_create_from_state};

template <class Handle>
Bytes saved(const Functions<Handle>& functions, cusynapse_stream on, const Handle* handle) {
  cusynapse_state* made = nullptr;
  EXPECT_TRUE(succeeds(functions.save(handle, on, &made)));
  const Owned<cusynapse_state> state(made);
  const std::uint8_t* data = nullptr;
  std::size_t size = 0;
  EXPECT_TRUE(succeeds(cusynapse_state_get_bytes(made, &data, &size)));
  return Bytes(data, data + size);
}

// One step of an object of C, and of one of C++: what it gives.
template <class Handle, class Object>
struct Steps {
  std::function<Bytes(Handle*, std::uint64_t seed)> c;
  std::function<Bytes(Object&, std::uint64_t seed)> cpp;

  template <class Target>
  Bytes run(const Target& step, std::uint64_t first) const {
    Bytes out;
    for (std::uint64_t t = first; t < first + 6; ++t) append(out, step(t));
    return out;
  }
  Bytes run(Handle* handle, std::uint64_t first) const {
    return run([&](std::uint64_t seed) { return c(handle, seed); }, first);
  }
  Bytes run(Object& object, std::uint64_t first) const {
    return run([&](std::uint64_t seed) { return cpp(object, seed); }, first);
  }
};

class CState : public c_test::CTest {
 protected:
  // A state of another class than all but this.
  Bytes foreign(bool is_neuron) {
    if (is_neuron) return cusynapse::History<float>(stream(), {}).save(stream());
    return cusynapse::LeakyIntegrateAndFire<float>(stream(), {}, {}).save(stream());
  }

  template <class Handle>
  void expect_refusals(const Functions<Handle>& functions, Handle* handle, const Bytes& state) {
    const cusynapse_stream on = c_stream();
    const Bytes before = saved(functions, on, handle);
    Handle* none = nullptr;
    const auto expect_refused = [&](const Bytes& bytes, const char* part) {
      EXPECT_TRUE(refused(functions.load(handle, on, bytes.data(), bytes.size()),
                          CUSYNAPSE_INVALID_STATE, {"state", part, "[invalid_state]"}));
      if (functions.create == nullptr) return;
      EXPECT_TRUE(refused(functions.create(on, bytes.data(), bytes.size(), &none),
                          CUSYNAPSE_INVALID_STATE, {part}));
    };
    for (std::size_t i = 0; i < state.size(); ++i) {
      Bytes altered = state;
      altered[i] = static_cast<std::uint8_t>(altered[i] ^ 0x10U);
      expect_refused(altered, "expected");
    }
    for (std::size_t size = 1; size < state.size(); size += 7) {
      Bytes cut(state.begin(), state.begin() + static_cast<std::ptrdiff_t>(size));
      cut.shrink_to_fit();  // reading past the end shows
      expect_refused(cut, "size");
    }
    expect_refused(with_another_record(state), "record \"more\" is there, expected no such record");
    const bool is_neuron = std::is_same_v<Handle, cusynapse_neuron>;
    const Bytes other = foreign(is_neuron);
    EXPECT_TRUE(refused(functions.load(handle, on, other.data(), other.size()),
                        CUSYNAPSE_INVALID_STATE, {"class is"}));
    EXPECT_TRUE(refused(functions.load(handle, on, nullptr, 0), CUSYNAPSE_INVALID_ARGUMENT,
                        {"_load: data is null"}));
    EXPECT_TRUE(refused(functions.load(nullptr, on, state.data(), state.size()),
                        CUSYNAPSE_INVALID_ARGUMENT, {"_load: handle is null"}));
    EXPECT_TRUE(refused(functions.save(handle, on, nullptr), CUSYNAPSE_INVALID_ARGUMENT,
                        {"_save: state is null"}));
    cusynapse_state* no_state = nullptr;
    EXPECT_TRUE(refused(functions.save(nullptr, on, &no_state), CUSYNAPSE_INVALID_ARGUMENT,
                        {"_save: handle is null"}));
    EXPECT_TRUE(refused(functions.save(handle, {}, &no_state), CUSYNAPSE_INVALID_ARGUMENT,
                        {"device kind"}));
    EXPECT_EQ(no_state, nullptr);
    if (functions.create != nullptr) {
      EXPECT_NE(functions.create(on, other.data(), other.size(), &none), CUSYNAPSE_SUCCESS);
      EXPECT_TRUE(refused(functions.create(on, nullptr, 0, &none), CUSYNAPSE_INVALID_ARGUMENT,
                          {"_create_from_state: data is null"}));
      EXPECT_TRUE(refused(functions.create(on, state.data(), state.size(), nullptr),
                          CUSYNAPSE_INVALID_ARGUMENT, {"_create_from_state: ", " is null"}));
    }
    EXPECT_EQ(none, nullptr);
    EXPECT_EQ(saved(functions, on, handle), before) << "a load that is refused changes nothing";
  }

  // `handle` and `object` are the same, new; `other` is made alike, and has gone another way.
  template <class Handle, class Object>
  void expect_goes_on(const Functions<Handle>& functions, Handle* handle, Object& object,
                      Handle* other, const Steps<Handle, Object>& steps) {
    const cusynapse_stream on = c_stream();
    ASSERT_EQ(steps.run(handle, 0), steps.run(object, 0));
    const Bytes state = saved(functions, on, handle);
    ASSERT_EQ(state, object.save(stream()));
    ASSERT_NE(steps.run(other, 50), steps.run(handle, 0));
    ASSERT_TRUE(succeeds(functions.load(handle, on, state.data(), state.size())));
    ASSERT_NE(saved(functions, on, other), state);
    expect_refusals(functions, other, state);

    const Bytes expected = steps.run(object, 10);
    const Bytes expected_state = object.save(stream());
    if (functions.create != nullptr) {
      Handle* made = nullptr;
      ASSERT_TRUE(succeeds(functions.create(on, state.data(), state.size(), &made)));
      const Owned<Handle> owned(made);
      EXPECT_EQ(saved(functions, on, made), state);
      EXPECT_EQ(steps.run(made, 10), expected);
      EXPECT_EQ(saved(functions, on, made), expected_state);
    }
    for (Handle* loads : {handle, other}) {
      ASSERT_TRUE(succeeds(functions.load(loads, on, state.data(), state.size())));
      EXPECT_EQ(saved(functions, on, loads), state);
      EXPECT_EQ(steps.run(loads, 10), expected);
      EXPECT_EQ(saved(functions, on, loads), expected_state);
    }
    object.load(stream(), state);
    EXPECT_EQ(steps.run(object, 10), expected);
  }
};
INSTANTIATE_TEST_SUITE_P(Devices, CState, testing::ValuesIn(support::devices()),
                         support::device_name);

TEST_P(CState, HistoriesGoOn) {
  for_each_ring_type([&]<class T>() {
    using Value = typename cusynapse::History<T>::Value;
    const cusynapse_stream on = c_stream();
    cusynapse_history_options options;
    ASSERT_TRUE(succeeds(cusynapse_history_options_init(&options, sizeof options)));
    options.shape = {1, {5}};
    options.batch_size = 3;
    options.duration = 3.0;
    cusynapse_history* made[2] = {};
    for (cusynapse_history*& handle : made) {
      ASSERT_TRUE(succeeds(cusynapse_history_create(on, ring_dtype<T>(), &options, &handle)));
    }
    const Owned<cusynapse_history> owned[] = {Owned<cusynapse_history>(made[0]),
                                              Owned<cusynapse_history>(made[1])};
    cusynapse::History<T> expected(stream(), {{5}, 3, 1.0, 3.0});
    const Shape shape = expected.batched_shape();
    const auto observation = [&](std::uint64_t seed) {
      std::vector<Value> values;
      for (const std::uint8_t flag : support::Random(seed).flags(shape.size(), 0.5)) {
        values.push_back(static_cast<Value>(flag));
      }
      return Array<Value>(stream(), values, shape);
    };
    const auto bytes_of = [&](const auto& push, const auto& read) {
      push();
      Bytes out;
      for (std::int64_t back = 1; back <= expected.slots(); ++back) {
        Array<Value> values(stream(), shape);
        read(values, back);
        append(out, values.host());
      }
      return out;
    };
    const Steps<cusynapse_history, cusynapse::History<T>> steps = {
        [&](cusynapse_history* h, std::uint64_t seed) {
          return bytes_of(
              [&] { EXPECT_TRUE(succeeds(cusynapse_history_push(h, on, observation(seed).in()))); },
              [&](Array<Value>& values, std::int64_t back) {
                EXPECT_TRUE(succeeds(cusynapse_history_read(h, on, values.c(), back)));
              });
        },
        [&](cusynapse::History<T>& h, std::uint64_t seed) {
          return bytes_of([&] { h.push(stream(), observation(seed).constant()); },
                          [&](Array<Value>& values, std::int64_t back) {
                            h.read(stream(), values.view(), back);
                          });
        }};
    expect_goes_on(history_functions, made[0], expected, made[1], steps);
  });
}

// Steps that are read at delays.
template <class T>
Steps<cusynapse_synapse, cusynapse::Synapse<T>> synapse_steps(const Stream& stream,
                                                              const Shape& shape) {
  const auto step = [stream, shape](std::uint64_t seed, const auto& take) {
    support::Random random(seed);
    const Array<T> input(stream, random.values<T>(shape.size(), 0, 1), shape);
    const Array<T> selector(stream, random.values<T>(shape.size(), -0.5, 2.5), shape);
    Array<T> current(stream, shape);
    Array<std::uint8_t> spikes(stream, shape);
    take(input, selector, current, spikes);
    Bytes out = spikes.host();
    append(out, current.host());
    return out;
  };
  return {
      [stream, step](cusynapse_synapse* s, std::uint64_t seed) {
        const cusynapse_stream on = stream_of(stream);
        return step(seed, [&](auto& input, auto& selector, auto& current, auto& spikes) {
          EXPECT_TRUE(succeeds(cusynapse_synapse_step(s, on, input.in(), nullptr, 0)));
          EXPECT_TRUE(succeeds(cusynapse_synapse_spike_at(s, on, selector.in(), spikes.c())));
          EXPECT_TRUE(succeeds(cusynapse_synapse_current_at(s, on, selector.in(), current.c())));
        });
      },
      [stream, step](cusynapse::Synapse<T>& s, std::uint64_t seed) {
        return step(seed, [&](auto& input, auto& selector, auto& current, auto& spikes) {
          s.step(stream, input.constant());
          s.spike_at(stream, selector.constant(), spikes.view());
          s.current_at(stream, selector.constant(), current.view());
        });
      }};
}

cusynapse_synapse_options c_options() {
  cusynapse_synapse_options options = synapse_options();
  options.shape = {1, {5}};
  options.batch_size = 2;
  options.delay = 2.0;
  return options;
}

cusynapse::SynapseOptions cpp_options() {
  cusynapse::SynapseOptions options;
  options.shape = {5};
  options.batch_size = 2;
  options.delay = 2.0;
  return options;
}

template <class T>
Owned<cusynapse_synapse> make_synapse(cusynapse_stream on, const cusynapse_model& model) {
  const cusynapse_synapse_options options = c_options();
  cusynapse_synapse* made = nullptr;
  EXPECT_TRUE(succeeds(cusynapse_synapse_create(on, dtype_of<T>(), &options, &model, &made)));
  return Owned<cusynapse_synapse>(made);
}

TEST_P(CState, SynapsesGoOn) {
  for_each_type([&]<class T>() {
    cusynapse_model model = model_of(CUSYNAPSE_DOUBLE_EXPONENTIAL_CURRENT);
    const auto handle = make_synapse<T>(c_stream(), model);
    cusynapse::DoubleExponentialCurrent<T> expected(
        stream(), cpp_options(), {model.spike_charge, model.tc_decay, model.tc_rise});
    model.tc_decay += 1.0;  // which a load brings back
    const auto other = make_synapse<T>(c_stream(), model);
    expect_goes_on<cusynapse_synapse, cusynapse::Synapse<T>>(
        synapse_functions, handle.get(), expected, other.get(),
        synapse_steps<T>(stream(), expected.batched_shape()));
    cusynapse_model loaded = {};
    ASSERT_TRUE(succeeds(cusynapse_synapse_get_model(other.get(), &loaded)));
    EXPECT_EQ(loaded.tc_decay, model.tc_decay - 1.0);
  });
}

// A model of the caller's, in C and in C++.
cusynapse_status decay_at(void* context, double, cusynapse_synapse_model* model) {
  const double time_constant = *static_cast<const double*>(context);
  if (std::isnan(time_constant)) return 1234;
  model->dynamics = CUSYNAPSE_DYNAMICS_DECAY;
  model->trace_count = 1;
  model->traces[0].time_constant = time_constant;
  model->traces[0].gain = 2.0;
  return CUSYNAPSE_SUCCESS;
}

struct MyModel {
  struct Parameters {
    double time_constant;
  };
  static constexpr const char* name = "MyCurrent";
  static cusynapse::SynapseModel at(const Parameters& parameters, double) {
    cusynapse::SynapseModel model;
    model.dynamics = cusynapse::Dynamics::decay;
    model.trace_count = 1;
    model.traces[0].time_constant = parameters.time_constant;
    model.traces[0].gain = 2.0;
    return model;
  }
};

cusynapse_model custom_model(double* time_constant, const char* name = MyModel::name) {
  cusynapse_model model = {};
  model.kind = CUSYNAPSE_CUSTOM_CURRENT;
  model.name = name;
  model.function = decay_at;
  model.context = time_constant;
  return model;
}

TEST_P(CState, SynapsesOfModelsOfTheCallersGoOn) {
  for_each_type([&]<class T>() {
    const cusynapse_stream on = c_stream();
    double time_constant = 4.5;
    const auto handle = make_synapse<T>(on, custom_model(&time_constant));
    const auto other = make_synapse<T>(on, custom_model(&time_constant));
    cusynapse::ModelSynapse<T, MyModel> expected(stream(), cpp_options(), {time_constant});
    expect_goes_on<cusynapse_synapse, cusynapse::Synapse<T>>(
        custom_functions, handle.get(), expected, other.get(),
        synapse_steps<T>(stream(), expected.batched_shape()));

    // The model that a load took over from a synapse that is gone still has its name.
    time_constant = std::numeric_limits<double>::quiet_NaN();
    EXPECT_TRUE(
        refused(cusynapse_synapse_set_step_time(handle.get(), on, 0.5, CUSYNAPSE_HISTORY_CLEAR),
                1234, {"MyCurrent: the model's function returned 1234"}));
    const Bytes kept = saved(custom_functions, on, handle.get());
    EXPECT_TRUE(refused(cusynapse_synapse_load(handle.get(), on, kept.data(), kept.size()), 1234,
                        {"MyCurrent: the model's function returned 1234"}));
    EXPECT_EQ(saved(custom_functions, on, handle.get()), kept);

    time_constant = 5.0;
    const auto another = make_synapse<T>(on, custom_model(&time_constant));
    const Bytes before = saved(custom_functions, on, another.get());
    const Bytes saved_before = expected.save(stream());
    EXPECT_TRUE(
        refused(cusynapse_synapse_load(another.get(), on, saved_before.data(), saved_before.size()),
                CUSYNAPSE_INVALID_STATE, {"number 4 of record \"model\" is 4.5, expected 5"}));
    EXPECT_EQ(saved(custom_functions, on, another.get()), before);
    const auto stranger = make_synapse<T>(on, custom_model(&time_constant, "Stranger"));
    EXPECT_TRUE(refused(cusynapse_synapse_load(stranger.get(), on, before.data(), before.size()),
                        CUSYNAPSE_INVALID_STATE, {"class is MyCurrent, expected Stranger"}));
    cusynapse_synapse* made = nullptr;
    EXPECT_TRUE(
        refused(cusynapse_synapse_create_from_state(on, before.data(), before.size(), &made),
                CUSYNAPSE_NOT_SUPPORTED, {"class is MyCurrent"}));
    EXPECT_EQ(made, nullptr);
  });
}

// Connections, and what refers to them.
class CConnectionState : public CState {
 protected:
  template <class T>
  Owned<cusynapse_connection> make_c(std::uint64_t seed) {
    const cusynapse_shape input = {1, {5}};
    const cusynapse_shape output = {1, {4}};
    cusynapse_connection_options options;
    EXPECT_TRUE(succeeds(cusynapse_connection_options_init(&options, sizeof options)));
    options.biased = true;
    options.has_delays = true;
    options.delay = 2.0;
    options.batch_size = 2;
    options.seed = seed;
    if (has_halves<T>(seed)) options.weight_storage = CUSYNAPSE_STORAGE_BFLOAT16;
    const cusynapse_model model = model_of(CUSYNAPSE_ALPHA_CURRENT);
    cusynapse_connection* made = nullptr;
    EXPECT_TRUE(succeeds(cusynapse_linear_dense_create(c_stream(), dtype_of<T>(), &input, &output,
                                                       &options, &model, nullptr, &made)));
    Owned<cusynapse_connection> owned(made);
    const std::vector<T> delays = delays_of<T>();
    EXPECT_TRUE(succeeds(cusynapse_connection_set_from_host(
        made, c_stream(), CUSYNAPSE_PARAMETER_DELAY, {delays.data(), dtype_of<T>(), {2, {4, 5}}})));
    return owned;
  }

  template <class T>
  std::unique_ptr<cusynapse::LinearDense<T>> make_cpp(std::uint64_t seed) {
    const cusynapse_model model = model_of(CUSYNAPSE_ALPHA_CURRENT);
    cusynapse::ConnectionOptions options;
    options.biased = true;
    options.delay = 2.0;
    options.batch_size = 2;
    options.seed = seed;
    if (has_halves<T>(seed)) options.weight_storage = cusynapse::StorageType::bfloat16;
    auto made = std::make_unique<cusynapse::LinearDense<T>>(
        stream(), Shape{5}, Shape{4}, options,
        cusynapse::AlphaCurrent<T>::factory({model.spike_charge, model.time_constant}));
    made->set_from_host(stream(), cusynapse::Parameter::delay, delays_of<T>());
    return made;
  }

  template <class T>
  Steps<cusynapse_connection, cusynapse::Connection<T>> steps() {
    const auto step = [this](std::uint64_t seed, const auto& take) {
      const Array<T> input(stream(), support::Random(seed).values<T>(10, 0, 1), {2, 5});
      Array<T> out(stream(), {2, 4});
      take(input, out);
      Bytes bytes;
      append(bytes, out.host());
      return bytes;
    };
    return {[this, step](cusynapse_connection* c, std::uint64_t seed) {
              return step(seed, [&](auto& input, auto& out) {
                EXPECT_TRUE(succeeds(cusynapse_connection_forward(
                    c, c_stream(), input.in(), out.c(), CUSYNAPSE_OUTPUT_REPLACE, nullptr, 0)));
              });
            },
            [this, step](cusynapse::Connection<T>& c, std::uint64_t seed) {
              return step(seed, [&](auto& input, auto& out) {
                c.forward(stream(), input.constant(), out.view());
              });
            }};
  }

  /// Whether weights are planned in 16 bits: of those that are saved.
  template <class T>
  static bool has_halves(std::uint64_t seed) {
    return std::is_same_v<T, float> && seed == 1;
  }
  template <class T>
  static std::vector<T> delays_of() {
    return support::Random(7).values<T>(20, 0.0, 2.0);
  }
};
INSTANTIATE_TEST_SUITE_P(Devices, CConnectionState, testing::ValuesIn(support::devices()),
                         support::device_name);

TEST_P(CConnectionState, ConnectionsGoOn) {
  for_each_type([&]<class T>() {
    const auto expected = make_cpp<T>(1);
    expect_goes_on<cusynapse_connection, cusynapse::Connection<T>>(
        connection_functions, make_c<T>(1).get(), *expected, make_c<T>(2).get(), steps<T>());
  });
}

TEST_P(CConnectionState, GoOnOverASynapseThatIsThere) {
  for_each_type([&]<class T>() {
    const cusynapse_stream on = c_stream();
    const auto first = make_c<T>(1);
    cusynapse_synapse* shared = nullptr;
    ASSERT_TRUE(succeeds(cusynapse_connection_synapse(first.get(), &shared)));
    const Owned<cusynapse_synapse> synapse(shared);
    static_cast<void>(steps<T>().run(first.get(), 0));
    const Bytes state = saved(connection_functions, on, first.get());

    const Bytes synapse_state = saved(synapse_functions, on, shared);
    cusynapse_synapse* same = nullptr;
    ASSERT_TRUE(succeeds(cusynapse_synapse_create_from_state(on, synapse_state.data(),
                                                             synapse_state.size(), &same)));
    const Owned<cusynapse_synapse> owned_same(same);
    cusynapse_connection* made[2] = {};
    for (cusynapse_connection*& connection : made) {
      ASSERT_TRUE(succeeds(cusynapse_connection_create_shared_from_state(
          on, state.data(), state.size(), same, &connection)));
    }
    const Owned<cusynapse_connection> owned[] = {Owned<cusynapse_connection>(made[0]),
                                                 Owned<cusynapse_connection>(made[1])};
    EXPECT_EQ(saved(connection_functions, on, made[0]), state);
    const Array<T> input(stream(), std::vector<T>(10, T(1)), {2, 5});
    Array<T> expected(stream(), {2, 4});
    Array<T> stepped(stream(), {2, 4});
    Array<T> summed(stream(), {2, 4});
    ASSERT_TRUE(succeeds(cusynapse_connection_forward(first.get(), on, input.in(), expected.c(),
                                                      CUSYNAPSE_OUTPUT_REPLACE, nullptr, 0)));
    ASSERT_TRUE(succeeds(cusynapse_connection_forward(made[0], on, input.in(), stepped.c(),
                                                      CUSYNAPSE_OUTPUT_REPLACE, nullptr, 0)));
    ASSERT_TRUE(
        succeeds(cusynapse_connection_sum(made[1], on, summed.c(), CUSYNAPSE_OUTPUT_REPLACE)));
    EXPECT_TRUE(c_test::same_bits(stepped.host(), expected.host()));
    EXPECT_TRUE(c_test::same_bits(summed.host(), expected.host()))
        << "the second reads what the first stepped";

    cusynapse_connection* none = nullptr;
    EXPECT_TRUE(refused(cusynapse_connection_create_shared_from_state(on, state.data(),
                                                                      state.size(), nullptr, &none),
                        CUSYNAPSE_INVALID_ARGUMENT, {"synapse is null"}));
    EXPECT_TRUE(refused(
        cusynapse_connection_create_shared_from_state(on, nullptr, state.size(), same, &none),
        CUSYNAPSE_INVALID_ARGUMENT, {"data is null"}));
    EXPECT_TRUE(refused(cusynapse_connection_create_shared_from_state(on, state.data(),
                                                                      state.size(), same, nullptr),
                        CUSYNAPSE_INVALID_ARGUMENT, {"connection is null"}));
    EXPECT_TRUE(refused(cusynapse_connection_create_shared_from_state(
                            on, state.data(), state.size() - 1, same, &none),
                        CUSYNAPSE_INVALID_STATE, {"size"}));
    cusynapse_synapse_options options = c_options();
    options.shape = {1, {6}};
    const cusynapse_model model = model_of(CUSYNAPSE_DELTA_CURRENT);
    cusynapse_synapse* wide = nullptr;
    ASSERT_TRUE(succeeds(cusynapse_synapse_create(on, dtype_of<T>(), &options, &model, &wide)));
    const Owned<cusynapse_synapse> owned_wide(wide);
    EXPECT_TRUE(refused(
        cusynapse_connection_create_shared_from_state(on, state.data(), state.size(), wide, &none),
        CUSYNAPSE_INVALID_STATE, {"synapse has shape [6], expected [5]"}));
    EXPECT_EQ(none, nullptr);
  });
}

TEST_P(CConnectionState, UpdatersGoOn) {
  for_each_type([&]<class T>() {
    const cusynapse_stream on = c_stream();
    const auto connection = make_c<T>(1);
    const auto expected_connection = make_cpp<T>(1);
    const cusynapse_parameter parameters[] = {CUSYNAPSE_PARAMETER_WEIGHT, CUSYNAPSE_PARAMETER_BIAS};
    cusynapse_updater* made[2] = {};
    for (cusynapse_updater*& updater : made) {
      ASSERT_TRUE(
          succeeds(cusynapse_updater_create(on, connection.get(), parameters, 2, &updater)));
    }
    const Owned<cusynapse_updater> owned[] = {Owned<cusynapse_updater>(made[0]),
                                              Owned<cusynapse_updater>(made[1])};
    using cusynapse::Parameter;
    cusynapse::Updater<T> expected(stream(), *expected_connection,
                                   {Parameter::weight, Parameter::bias});
    // Both sides get parts; what is accumulated is what the updaters save.
    const auto part = [&](std::uint64_t seed) {
      return Array<T>(stream(), support::Random(seed).values<T>(4, 0, 1), {4});
    };
    const Steps<cusynapse_updater, cusynapse::Updater<T>> steps = {
        [&](cusynapse_updater* u, std::uint64_t seed) {
          cusynapse_accumulator* bias = nullptr;
          EXPECT_TRUE(succeeds(cusynapse_updater_accumulator(u, CUSYNAPSE_PARAMETER_BIAS, &bias)));
          const Owned<cusynapse_accumulator> held(bias);
          EXPECT_TRUE(succeeds(cusynapse_accumulator_add_positive(bias, on, part(seed).in())));
          EXPECT_TRUE(succeeds(cusynapse_accumulator_add_negative(bias, on, part(seed + 1).in())));
          return saved(updater_functions, on, u);
        },
        [&](cusynapse::Updater<T>& u, std::uint64_t seed) {
          u[Parameter::bias].add_positive(stream(), part(seed).constant());
          u[Parameter::bias].add_negative(stream(), part(seed + 1).constant());
          return u.save(stream());
        }};
    expect_goes_on(updater_functions, made[0], expected, made[1], steps);
    ASSERT_TRUE(succeeds(cusynapse_updater_update(made[1], on)));
    expected.update(stream());
    EXPECT_EQ(saved(connection_functions, on, connection.get()),
              expected_connection->save(stream()));
  });
}

TEST_P(CState, AccumulatorsGoOn) {
  for_each_type([&]<class T>() {
    const cusynapse_stream on = c_stream();
    const cusynapse_shape shape = {2, {3, 4}};
    cusynapse_accumulator* made[2] = {};
    for (cusynapse_accumulator*& accumulator : made) {
      ASSERT_TRUE(succeeds(cusynapse_accumulator_create(on, dtype_of<T>(), &shape, &accumulator)));
    }
    const Owned<cusynapse_accumulator> owned[] = {Owned<cusynapse_accumulator>(made[0]),
                                                  Owned<cusynapse_accumulator>(made[1])};
    ASSERT_TRUE(
        succeeds(cusynapse_accumulator_set_reduction(made[0], on, CUSYNAPSE_REDUCTION_MEAN)));
    cusynapse::Accumulator<T> expected(stream(), shape_of(shape));
    expected.set_reduction(stream(), cusynapse::UpdateReduction::mean);
    const auto step = [&](std::uint64_t seed, const auto& take) {
      const Array<T> part(stream(), support::Random(seed).values<T>(12, 0, 1), {3, 4});
      Array<T> parameter(stream(), std::vector<T>(12, T(0.25)), {3, 4});
      take(part, parameter);
      Bytes bytes;
      append(bytes, parameter.host());
      return bytes;
    };
    const Steps<cusynapse_accumulator, cusynapse::Accumulator<T>> steps = {
        [&](cusynapse_accumulator* a, std::uint64_t seed) {
          return step(seed, [&](auto& part, auto& parameter) {
            EXPECT_TRUE(succeeds(cusynapse_accumulator_update(a, on, parameter.c())));
            EXPECT_TRUE(succeeds(cusynapse_accumulator_add_positive(a, on, part.in())));
          });
        },
        [&](cusynapse::Accumulator<T>& a, std::uint64_t seed) {
          return step(seed, [&](auto& part, auto& parameter) {
            a.update(stream(), parameter.view());
            a.add_positive(stream(), part.constant());
          });
        }};
    expect_goes_on(accumulator_functions, made[0], expected, made[1], steps);
  });
}

TEST_P(CState, NeuronsGoOn) {
  for_each_type([&]<class T>() {
    const cusynapse_stream on = c_stream();
    cusynapse_neuron_options options;
    ASSERT_TRUE(succeeds(cusynapse_neuron_options_init(&options, sizeof options)));
    options.shape = {1, {9}};
    options.batch_size = 2;
    cusynapse_neuron* made[2] = {};
    for (cusynapse_neuron*& neuron : made) {
      ASSERT_TRUE(succeeds(cusynapse_leaky_integrate_and_fire_create(on, dtype_of<T>(), &options,
                                                                     nullptr, &neuron)));
    }
    const Owned<cusynapse_neuron> owned[] = {Owned<cusynapse_neuron>(made[0]),
                                             Owned<cusynapse_neuron>(made[1])};
    cusynapse::LeakyIntegrateAndFire<T> expected(stream(), {{9}, 2, options.step_time}, {});
    const auto step = [&](std::uint64_t seed, const auto& take) {
      const Array<T> current(stream(), support::Random(seed).values<T>(18, -20, 250), {2, 9});
      Array<std::uint8_t> spikes(stream(), {2, 9});
      Array<T> voltage(stream(), {2, 9});
      take(current, spikes, voltage);
      Bytes bytes = spikes.host();
      append(bytes, voltage.host());
      return bytes;
    };
    const Steps<cusynapse_neuron, cusynapse::LeakyIntegrateAndFire<T>> steps = {
        [&](cusynapse_neuron* n, std::uint64_t seed) {
          return step(seed, [&](auto& current, auto& spikes, auto& voltage) {
            EXPECT_TRUE(succeeds(cusynapse_neuron_forward(n, on, current.in(), spikes.c())));
            EXPECT_TRUE(succeeds(cusynapse_neuron_voltage(n, on, voltage.c())));
          });
        },
        [&](cusynapse::LeakyIntegrateAndFire<T>& n, std::uint64_t seed) {
          return step(seed, [&](auto& current, auto& spikes, auto& voltage) {
            n.forward(stream(), current.constant(), spikes.view());
            n.voltage(stream(), voltage.view());
          });
        }};
    expect_goes_on(neuron_functions, made[0], expected, made[1], steps);
  });
}

TEST_P(CState, ProjectionsGoOn) {
  for_each_type([&]<class T>() {
    const cusynapse_stream on = c_stream();
    cusynapse_projection_options options;
    ASSERT_TRUE(succeeds(cusynapse_projection_options_init(&options, sizeof options)));
    options.in_features = 5;
    options.out_features = 4;
    const auto make = [&](std::uint64_t seed) {
      options.seed = seed;
      cusynapse_projection* made = nullptr;
      EXPECT_TRUE(succeeds(cusynapse_projection_create(on, dtype_of<T>(), &options, &made)));
      return Owned<cusynapse_projection>(made);
    };
    const auto handle = make(1);
    const auto other = make(2);
    cusynapse::ProjectionOptions<T> expected_options;
    expected_options.in_features = 5;
    expected_options.out_features = 4;
    expected_options.seed = 1;
    cusynapse::Projection<T> expected(stream(), expected_options);
    const auto step = [&](std::uint64_t seed, const auto& take) {
      const Array<T> spikes(stream(), support::Random(seed).values<T>(15, 0, 1), {3, 5});
      Array<T> graded(stream(), {3, 4});
      take(spikes, graded);
      Bytes bytes;
      append(bytes, graded.host());
      return bytes;
    };
    const Steps<cusynapse_projection, cusynapse::Projection<T>> steps = {
        [&](cusynapse_projection* p, std::uint64_t seed) {
          return step(seed, [&](auto& spikes, auto& graded) {
            EXPECT_TRUE(succeeds(cusynapse_projection_forward(p, on, spikes.in(), graded.c(),
                                                              CUSYNAPSE_OUTPUT_REPLACE)));
          });
        },
        [&](cusynapse::Projection<T>& p, std::uint64_t seed) {
          return step(seed, [&](auto& spikes, auto& graded) {
            p.forward(stream(), spikes.constant(), graded.view());
          });
        }};
    expect_goes_on(projection_functions, handle.get(), expected, other.get(), steps);
  });
}

TEST(CStateBytes, RefusesNull) {
  cusynapse_state_destroy(nullptr);
  const std::uint8_t* data = nullptr;
  std::size_t size = 5;
  EXPECT_TRUE(refused(cusynapse_state_get_bytes(nullptr, &data, &size), CUSYNAPSE_INVALID_ARGUMENT,
                      {"cusynapse_state_get_bytes: handle is null"}));
  const auto synapse =
      make_synapse<float>(cusynapse_stream_cpu(), model_of(CUSYNAPSE_DELTA_CURRENT));
  cusynapse_state* state = nullptr;
  ASSERT_TRUE(succeeds(cusynapse_synapse_save(synapse.get(), cusynapse_stream_cpu(), &state)));
  const Owned<cusynapse_state> owned(state);
  EXPECT_TRUE(refused(cusynapse_state_get_bytes(state, nullptr, &size), CUSYNAPSE_INVALID_ARGUMENT,
                      {"data is null"}));
  EXPECT_TRUE(refused(cusynapse_state_get_bytes(state, &data, nullptr), CUSYNAPSE_INVALID_ARGUMENT,
                      {"size is null"}));
  EXPECT_EQ(data, nullptr);
  EXPECT_EQ(size, 5U);
}

}  // namespace
