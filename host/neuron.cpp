#include "cusynapse/neuron.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "cusynapse/ops.hpp"
#include "host/check.hpp"
#include "host/state.hpp"

namespace cusynapse {
namespace {

constexpr const char* class_name = "LeakyIntegrateAndFire";

host::Where in(const char* function) { return {class_name, function}; }

template <class T>
void check_finite_in(const host::Where& where, const char* what, double value) {
  host::check(std::isfinite(static_cast<T>(value)), where, what, value,
              "finite and within the range of the type");
}

/// The constants of a step.
template <class T>
LeakyIntegrateAndFireStep<T> constants_of(const LeakyIntegrateAndFireParameters& p,
                                          double step_time) {
  LeakyIntegrateAndFireStep<T> a;
  a.decay = static_cast<T>(std::exp(-step_time / p.time_constant));
  // 1 - exp(-x), exact for small x as well.
  a.gain = static_cast<T>(p.resistance * -std::expm1(-step_time / p.time_constant));
  a.rest_voltage = static_cast<T>(p.rest_voltage);
  a.reset_voltage = static_cast<T>(p.reset_voltage);
  a.threshold_voltage = static_cast<T>(p.threshold_voltage);
  a.refractory_steps =
      static_cast<std::uint16_t>(math::refractory_steps(p.refractory_period, step_time));
  return a;
}

/// Checks everything but what allocation may refuse.
template <class T>
void check_options(const host::Where& where, const NeuronOptions& options,
                   const LeakyIntegrateAndFireParameters& p) {
  host::checked_frame_size(where, options.shape, options.batch_size);
  host::check_positive_in<T>(where, "step_time", options.step_time);
  host::check_positive_in<T>(where, "time_constant", p.time_constant);
  check_finite_in<T>(where, "rest_voltage", p.rest_voltage);
  check_finite_in<T>(where, "reset_voltage", p.reset_voltage);
  check_finite_in<T>(where, "threshold_voltage", p.threshold_voltage);
  if (!(static_cast<T>(p.threshold_voltage) > static_cast<T>(p.reset_voltage))) {
    host::refuse(where, "threshold_voltage", host::format(p.threshold_voltage),
                 "above reset_voltage, " + host::format(p.reset_voltage));
  }
  host::check_positive_in<T>(where, "resistance", p.resistance);
  host::check_finite_not_negative(where, "refractory_period", p.refractory_period);
  host::check(
      math::refractory_steps(p.refractory_period, options.step_time) <= math::most_refractory_steps,
      where, "refractory_period", p.refractory_period, "at most 32767 steps");
}

/// The last `size` elements of `before`, with `fresh` ones in front where there are fewer; and
/// zeros behind, up to `padded_size`.
template <class V>
std::vector<V> resized(const std::vector<V>& before, std::int64_t size, V fresh,
                       std::int64_t padded_size) {
  std::vector<V> after(static_cast<std::size_t>(padded_size), V(0));
  std::fill_n(after.begin(), size, fresh);
  const auto kept = std::min(static_cast<std::int64_t>(before.size()), size);
  std::copy(before.end() - kept, before.end(), after.begin() + (size - kept));
  return after;
}

}  // namespace

template <class T>
Neuron<T>::~Neuron() = default;

namespace {

[[noreturn]] void refuse_saving(const char* function) {
  throw Error(Errc::not_supported, host::Where("Neuron", function).name() +
                                       ": got a class without states, expected one that "
                                       "overrides save, restored and exchange");
}

}  // namespace

template <class T>
std::vector<std::uint8_t> Neuron<T>::save(const Stream&) const {
  refuse_saving("save");
}

template <class T>
std::unique_ptr<Neuron<T>> Neuron<T>::restored(const Stream&, StateReader&) const {
  refuse_saving("load");
}

template <class T>
void Neuron<T>::exchange(Neuron&) {
  refuse_saving("load");
}

template <class T>
void Neuron<T>::load(const Stream& stream, StateBytes bytes) {
  const host::Call call({"Neuron", "load"}, stream, device());
  StateReader state(bytes);
  const std::unique_ptr<Neuron> made = restored(stream, state);
  state.finish();
  exchange(*made);
}

template <class T>
std::unique_ptr<Neuron<T>> load_neuron(const Stream& stream, StateBytes bytes) {
  StateReader state(bytes);
  if (state.class_name() != class_name) {
    throw Error(Errc::not_supported,
                "load_neuron: class is " + state.class_name() + ", expected " + class_name);
  }
  auto made = std::make_unique<LeakyIntegrateAndFire<T>>(stream, state);
  state.finish();
  return made;
}

template std::unique_ptr<Neuron<float>> load_neuron(const Stream&, StateBytes);
template std::unique_ptr<Neuron<double>> load_neuron(const Stream&, StateBytes);

template <class T>
LeakyIntegrateAndFire<T>::LeakyIntegrateAndFire(const Stream& stream, const NeuronOptions& options,
                                                const Parameters& parameters)
    : options_(options), parameters_(parameters) {
  check_options<T>(class_name, options, parameters);
  constants_ = constants_of<T>(parameters, options.step_time);
  const std::int64_t size = this->batched_shape().size();
  rest_ = Buffer<T>(stream, &constants_.rest_voltage, 1);
  voltage_ = Buffer<T>(stream.device(), slot_stride(size));
  refractory_ = Buffer<std::uint16_t>(stream.device(), size);
  voltage_.fill_zero(stream);  // its padding
  clear(stream);
}

template <class T>
LeakyIntegrateAndFire<T>::LeakyIntegrateAndFire(const Stream& stream, StateReader& state) {
  state.require<T>(class_name);
  options_.shape = state.shape("shape");
  options_.batch_size = state.integer("batch_size");
  options_.step_time = state.number("step_time");
  parameters_ = load_parameters<Parameters>(state);
  host::from_state([&] { check_options<T>(class_name, options_, parameters_); });
  constants_ = constants_of<T>(parameters_, options_.step_time);

  const Shape frame = this->batched_shape();
  const std::int64_t size = frame.size();
  state.check_array<T>("voltage", frame);
  const auto refractory = state.array<std::uint16_t>("refractory", frame);
  for (const std::uint16_t word : refractory) {
    const int steps = math::refractory_steps_left(word);
    if (steps > constants_.refractory_steps) {
      state.refuse("record \"refractory\"", std::to_string(steps) + " steps",
                   "at most the period, " + std::to_string(constants_.refractory_steps));
    }
  }
  const std::vector<T> voltage = state.array<T>("voltage", frame, size, slot_stride(size));
  rest_ = Buffer<T>(stream, &constants_.rest_voltage, 1);
  voltage_ = Buffer<T>(stream, voltage.data(), slot_stride(size));
  refractory_ = Buffer<std::uint16_t>(stream, refractory.data(), size);
}

template <class T>
LeakyIntegrateAndFire<T>::~LeakyIntegrateAndFire() = default;

template <class T>
std::vector<std::uint8_t> LeakyIntegrateAndFire<T>::save(const Stream& stream) const {
  const host::Call call(in("save"), stream, device());
  const Shape frame = this->batched_shape();
  StateWriter state = StateWriter::of<T>(class_name);
  state.shape("shape", options_.shape);
  state.integer("batch_size", options_.batch_size);
  state.number("step_time", options_.step_time);
  save_parameters(state, parameters_);
  state.array("voltage", frame, host::to_host(stream, voltage_).data());
  state.array("refractory", frame, host::to_host(stream, refractory_).data());
  return state.finish();
}

template <class T>
std::unique_ptr<Neuron<T>> LeakyIntegrateAndFire<T>::restored(const Stream& stream,
                                                              StateReader& state) const {
  auto made = std::make_unique<LeakyIntegrateAndFire>(stream, state);
  host::check_state_shape(in("load"), made->shape(), shape());
  return made;
}

template <class T>
void LeakyIntegrateAndFire<T>::exchange(Neuron<T>& restored) noexcept {
  auto& other = static_cast<LeakyIntegrateAndFire&>(restored);
  std::swap(options_, other.options_);
  std::swap(parameters_, other.parameters_);
  std::swap(constants_, other.constants_);
  rest_.swap(other.rest_);
  voltage_.swap(other.voltage_);
  refractory_.swap(other.refractory_);
}

template <class T>
LeakyIntegrateAndFireStep<T> LeakyIntegrateAndFire<T>::step_arguments() noexcept {
  LeakyIntegrateAndFireStep<T> a = constants_;
  a.size = refractory_.size();
  a.voltage = voltage_.data();
  a.refractory = refractory_.data();
  return a;
}

template <class T>
void LeakyIntegrateAndFire<T>::forward(const Stream& stream, View<const T> current,
                                       View<std::uint8_t> spikes) {
  const host::Where where = in("forward");
  const Shape expected = this->batched_shape();
  const host::Call call(where, stream, device());
  host::check_array(where, "current", current.data(), current.shape(), expected);
  host::check_array(where, "spikes", spikes.data(), spikes.shape(), expected);
  LeakyIntegrateAndFireStep<T> arguments = step_arguments();
  arguments.current = current.data();
  arguments.spikes = spikes.data();
  ops::leaky_integrate_and_fire(stream, arguments);
}

template <class T>
Ring<T> LeakyIntegrateAndFire<T>::voltage_ring() const noexcept {
  Ring<T> ring;
  ring.data = const_cast<T*>(voltage_.data());
  ring.size = refractory_.size();
  ring.stride = voltage_.size();
  ring.slots = 1;
  return ring;
}

template <class T>
void LeakyIntegrateAndFire<T>::voltage(const Stream& stream, View<T> out) const {
  const host::Where where = in("voltage");
  const host::Call call(where, stream, device());
  host::check_array(where, "out", out.data(), out.shape(), this->batched_shape());
  RingRead<T> arguments;
  arguments.ring = voltage_ring();
  arguments.out = out.data();
  ops::ring_read(stream, arguments);
}

template <class T>
void LeakyIntegrateAndFire<T>::refractory_time(const Stream& stream, View<T> out) const {
  const host::Where where = in("refractory_time");
  const host::Call call(where, stream, device());
  host::check_array(where, "out", out.data(), out.shape(), this->batched_shape());
  RefractoryRead<T> arguments;
  arguments.refractory = refractory_.data();
  arguments.size = refractory_.size();
  arguments.step_time = static_cast<T>(options_.step_time);
  arguments.time_left = out.data();
  ops::refractory_read(stream, arguments);
}

template <class T>
void LeakyIntegrateAndFire<T>::spike(const Stream& stream, View<std::uint8_t> out) const {
  const host::Where where = in("spike");
  const host::Call call(where, stream, device());
  host::check_array(where, "out", out.data(), out.shape(), this->batched_shape());
  RefractoryRead<T> arguments;
  arguments.refractory = refractory_.data();
  arguments.size = refractory_.size();
  arguments.spikes = out.data();
  ops::refractory_read(stream, arguments);
}

template <class T>
void LeakyIntegrateAndFire<T>::set_voltage(const Stream& stream, View<const T> voltage) {
  const host::Where where = in("set_voltage");
  const host::Call call(where, stream, device());
  host::check_array(where, "voltage", voltage.data(), voltage.shape(), this->batched_shape());
  RingWrite<T> arguments;
  arguments.ring = voltage_ring();
  arguments.values = voltage.data();
  ops::ring_write(stream, arguments);
}

template <class T>
void LeakyIntegrateAndFire<T>::clear(const Stream& stream) {
  const host::Call call(in("clear"), stream, device());
  RingWrite<T> arguments;
  arguments.ring = voltage_ring();
  arguments.values = rest_.data();
  arguments.element_stride = 0;
  ops::ring_write(stream, arguments);
  refractory_.fill_zero(stream);
}

template <class T>
void LeakyIntegrateAndFire<T>::set_batch_size(const Stream& stream, std::int64_t batch_size) {
  const host::Where where = in("set_batch_size");
  const host::Call call(where, stream, device());
  const std::int64_t size = host::checked_frame_size(where, options_.shape, batch_size);
  if (batch_size == options_.batch_size) return;

  std::vector<T> voltages = host::to_host(stream, voltage_);
  voltages.resize(static_cast<std::size_t>(refractory_.size()));
  voltages = resized(voltages, size, constants_.rest_voltage, slot_stride(size));
  const std::vector<std::uint16_t> refractory =
      resized(host::to_host(stream, refractory_), size, std::uint16_t{0}, size);
  Buffer<T> new_voltage(stream, voltages.data(), slot_stride(size));
  Buffer<std::uint16_t> new_refractory(stream, refractory.data(), size);

  voltage_.swap(new_voltage);
  refractory_.swap(new_refractory);
  options_.batch_size = batch_size;
}

template <class T>
void LeakyIntegrateAndFire<T>::set_step_time(const Stream& stream, double step_time) {
  const host::Where where = in("set_step_time");
  const host::Call call(where, stream, device());
  NeuronOptions options = options_;
  options.step_time = step_time;
  check_options<T>(where, options, parameters_);
  const LeakyIntegrateAndFireStep<T> constants = constants_of<T>(parameters_, step_time);

  std::vector<std::uint16_t> refractory = host::to_host(stream, refractory_);
  for (std::uint16_t& word : refractory) {
    const double time_left = math::refractory_steps_left(word) * options_.step_time;
    const double steps = std::min(math::refractory_steps(time_left, step_time),
                                  static_cast<double>(constants.refractory_steps));
    word = static_cast<std::uint16_t>(static_cast<std::uint16_t>(steps) |
                                      (word & math::refractory_spike));
  }
  Buffer<std::uint16_t> new_refractory(stream, refractory.data(), refractory_.size());

  refractory_.swap(new_refractory);
  options_ = options;
  constants_ = constants;
}

template class Neuron<float>;
template class Neuron<double>;
template class LeakyIntegrateAndFire<float>;
template class LeakyIntegrateAndFire<double>;

}  // namespace cusynapse
