// Loads whatever bytes it is given, as they are and with sizes and checksums put right, into
// objects of the class the bytes name. Loading may only refuse, as documented; what it takes must
// step, and come to the same bytes when it is saved, loaded and saved again.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "cusynapse/cusynapse.hpp"
#include "support/state_bytes.hpp"

namespace {

using Bytes = std::vector<std::uint8_t>;
using cusynapse::Shape;
using cusynapse::StateReader;
using cusynapse::View;

const cusynapse::Stream stream = cusynapse::Stream::cpu();

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "state_fuzz: %s\n", what.c_str());
  std::abort();
}

// Calls, and ends the program where a call fails in a way that no loading may.
template <class Call>
void may_refuse(const Call& call) {
  try {
    call();
  } catch (const cusynapse::Error& error) {
    switch (error.code()) {
      case cusynapse::Errc::invalid_state:
      case cusynapse::Errc::shape_mismatch:
      case cusynapse::Errc::not_supported:
        return;
      default:
        fail(std::string("refused with ") + error.what());
    }
  }
}

// What an object is saved as, after it was loaded from its own state.
template <class Object>
void check_round_trip(Object& object) {
  const Bytes once = object.save(stream);
  object.load(stream, once);
  if (object.save(stream) != once) fail("another state after loading a state");
}

// Arrays for a step; states are small, so that only shapes without data, such as those of padded
// convolutions, are left out.
bool is_small(const Shape& shape) {
  std::int64_t size = 1;
  for (const std::int64_t extent : shape) {
    if (extent > 1 << 16) return false;
    size *= extent;
    if (size > 1 << 16) return false;
  }
  return true;
}

template <class V>
std::vector<V> zeros(const Shape& shape) {
  return std::vector<V>(static_cast<std::size_t>(shape.size()));
}

template <class T>
void exercise(cusynapse::Synapse<T>& synapse) {
  check_round_trip(synapse);
  const auto input = zeros<std::uint8_t>(synapse.batched_shape());
  synapse.step(stream, View<const std::uint8_t>(input.data(), synapse.batched_shape()));
}

template <class T>
void exercise(cusynapse::Connection<T>& connection) {
  check_round_trip(connection);
  const Shape in = connection.input_shape().prepended(connection.batch_size());
  const Shape out = connection.output_shape().prepended(connection.batch_size());
  if (!is_small(out)) return;
  const auto input = zeros<std::uint8_t>(in);
  auto output = zeros<T>(out);
  connection.forward(stream, View<const std::uint8_t>(input.data(), in),
                     View<T>(output.data(), out));
}

template <class T>
void exercise(cusynapse::Neuron<T>& neurons) {
  check_round_trip(neurons);
  const auto current = zeros<T>(neurons.batched_shape());
  auto spikes = zeros<std::uint8_t>(neurons.batched_shape());
  neurons.forward(stream, View<const T>(current.data(), neurons.batched_shape()),
                  View<std::uint8_t>(spikes.data(), neurons.batched_shape()));
}

template <class T>
void exercise(cusynapse::History<T>& history) {
  check_round_trip(history);
  auto frame = zeros<typename cusynapse::History<T>::Value>(history.batched_shape());
  history.pop(stream, {frame.data(), history.batched_shape()});
}

template <class T>
void exercise(cusynapse::Projection<T>& projection) {
  check_round_trip(projection);
  const auto spikes = zeros<T>({projection.in_features()});
  auto graded = zeros<T>({projection.out_features()});
  projection.forward(stream, View<const T>(spikes.data(), {projection.in_features()}),
                     View<T>(graded.data(), {projection.out_features()}));
}

template <class Object>
void exercise(Object* object) {
  if (object != nullptr) exercise(*object);
}

// An object that is there already, as another process would have it.
template <class Object>
void load_into(Object& object, const Bytes& bytes) {
  const Bytes before = object.save(stream);
  bool is_loaded = false;
  may_refuse([&] {
    object.load(stream, bytes);
    is_loaded = true;
  });
  if (!is_loaded && object.save(stream) != before) fail("a refused state changed the object");
}

template <class T>
void load_history(const Bytes& bytes) {
  std::unique_ptr<cusynapse::History<T>> history;
  may_refuse([&] { history = cusynapse::load_object<cusynapse::History<T>>(stream, bytes); });
  exercise(history.get());
}

template <class T>
void load_as(const Bytes& bytes) {
  std::unique_ptr<cusynapse::Synapse<T>> synapse;
  may_refuse([&] { synapse = cusynapse::load_synapse<T>(stream, bytes); });
  exercise(synapse.get());
  std::unique_ptr<cusynapse::Connection<T>> connection;
  may_refuse([&] { connection = cusynapse::load_connection<T>(stream, bytes); });
  exercise(connection.get());
  std::unique_ptr<cusynapse::Neuron<T>> neurons;
  may_refuse([&] { neurons = cusynapse::load_neuron<T>(stream, bytes); });
  exercise(neurons.get());
  std::unique_ptr<cusynapse::Projection<T>> projection;
  may_refuse([&] { projection = cusynapse::load_object<cusynapse::Projection<T>>(stream, bytes); });
  exercise(projection.get());
  load_history<T>(bytes);

  cusynapse::SynapseOptions options;
  options.shape = {3};
  options.delay = 2;
  cusynapse::AlphaCurrent<T> existing(stream, options, {});
  load_into(existing, bytes);
  cusynapse::ConnectionOptions with_delays;
  with_delays.biased = true;
  with_delays.delay = 2;
  cusynapse::LinearDense<T> dense(stream, {3}, {2}, with_delays,
                                  cusynapse::AlphaCurrent<T>::factory({}));
  load_into(dense, bytes);
  cusynapse::Updater<T> updater(stream, dense);
  load_into(updater, bytes);
  cusynapse::Accumulator<T> accumulator(stream, {2, 3});
  load_into(accumulator, bytes);
}

void load_all(const Bytes& bytes) {
  try {
    const StateReader state{bytes};
  } catch (const cusynapse::Error& error) {
    if (error.code() != cusynapse::Errc::invalid_state) fail(error.what());
    return;
  }
  load_as<float>(bytes);
  load_as<double>(bytes);
  load_history<cusynapse::float16>(bytes);
  load_history<cusynapse::bfloat16>(bytes);
  load_history<bool>(bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes bytes(data, data + size);
  load_all(bytes);
  support::make_consistent(bytes);
  load_all(bytes);
  return 0;
}
