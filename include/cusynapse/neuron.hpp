// Level 3: batched spiking neurons.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "cusynapse/buffer.hpp"
#include "cusynapse/neuron_ops.hpp"
#include "cusynapse/ops.hpp"
#include "cusynapse/shape.hpp"
#include "cusynapse/state.hpp"
#include "cusynapse/stream.hpp"
#include "cusynapse/view.hpp"

namespace cusynapse {

/// What any neurons are made from.
struct NeuronOptions {
  Shape shape;                  ///< of one sample, such as {1024}
  std::int64_t batch_size = 1;  ///< samples stepped together
  double step_time = 1.0;       ///< dt, ms
};

/// A batch of neurons: turns currents into spikes.
///
/// Arrays are dense, on the neurons' device, shaped [batch_size, shape...]; spikes are bytes 0 or
/// 1, as synapses and connections take them; times are ms, voltages mV, currents nA. Calls are
/// enqueued on the stream and return without synchronising, allocate nothing, and may be captured
/// in a CUDA graph, unless their comment says otherwise. Errors: `shape_mismatch`, `wrong_device`,
/// `invalid_argument`; after an error the neurons are as they were.
///
/// One stream at a time: calls on one object are ordered by the stream they are given, from its
/// construction on, and the caller orders streams when changing from one to another. A captured
/// graph holds the storage and constants of when it was captured: capture anew after a change of
/// either.
template <class T>
class CUSYNAPSE_EXPORT Neuron {
 public:
  virtual ~Neuron();
  Neuron(const Neuron&) = delete;
  Neuron& operator=(const Neuron&) = delete;

  /// What they were made from or last set to, dt in ms, and where they live.
  virtual const Shape& shape() const noexcept = 0;
  virtual std::int64_t batch_size() const noexcept = 0;
  virtual double step_time() const noexcept = 0;
  virtual Device device() const noexcept = 0;
  /// Neurons of one sample.
  std::int64_t count() const noexcept { return shape().size(); }
  Shape batched_shape() const { return shape().prepended(batch_size()); }

  /// One step: takes the current that flows during the step, and writes which neurons spike at its
  /// end. The arrays may not overlap.
  virtual void forward(const Stream& stream, View<const T> current, View<std::uint8_t> spikes) = 0;

  /// Voltages, refractory times left, and spikes of the last step. A refractory time is the time of
  /// the coming steps in which a neuron does not integrate, 0 for one that will.
  virtual void voltage(const Stream& stream, View<T> out) const = 0;
  virtual void refractory_time(const Stream& stream, View<T> out) const = 0;
  virtual void spike(const Stream& stream, View<std::uint8_t> out) const = 0;
  /// Overwrites the voltages, as initial conditions; those of refractory neurons stay without
  /// effect. Nothing is checked.
  virtual void set_voltage(const Stream& stream, View<const T> voltage) = 0;

  /// Everything as if new.
  virtual void clear(const Stream& stream) = 0;
  /// Changes the batch size: the last samples are kept, or new ones prepended. The same size moves
  /// nothing. Allocates and synchronises; strong guarantee.
  virtual void set_batch_size(const Stream& stream, std::int64_t batch_size) = 0;
  /// Changes dt. Voltages and spikes stay; refractory times left are rounded up to whole new steps,
  /// but to no more than those of a whole period. Allocates and synchronises; strong guarantee.
  virtual void set_step_time(const Stream& stream, double step_time) = 0;

  /// All the neurons need to go on bit for bit: state, options, constants. Allocates and
  /// synchronises. Throws `Error(not_supported)` for a class that cannot be saved.
  virtual std::vector<std::uint8_t> save(const Stream& stream) const;
  /// Become what was saved of the same class, element type and shape of one sample: batch size, dt
  /// and constants follow. Throws `Error(invalid_state)` for bytes that are no state of such
  /// neurons, `Error(shape_mismatch)`, `Error(not_supported)`. Allocates and synchronises; strong
  /// guarantee.
  void load(const Stream& stream, StateBytes bytes);

  /// Loading in two halves, as of `Synapse`.
  virtual std::unique_ptr<Neuron> restored(const Stream& stream, StateReader& state) const;
  virtual void exchange(Neuron& restored);

 protected:
  Neuron() = default;
};

/// Constants of `LeakyIntegrateAndFire`.
struct LeakyIntegrateAndFireParameters {
  double time_constant = 20.0;       ///< tau of the membrane, ms; finite and positive
  double rest_voltage = -60.0;       ///< mV; without input the voltage decays to it
  double reset_voltage = -65.0;      ///< mV; after a spike, and while refractory
  double threshold_voltage = -50.0;  ///< mV; above the reset voltage
  double refractory_period = 2.0;    ///< ms, absolute; at least 0
  double resistance = 1.0;           ///< R of the membrane, MOhm; finite and positive

  /// What states hold of it, by name.
  static constexpr ParameterField<LeakyIntegrateAndFireParameters> fields[] = {
      {"time_constant", &LeakyIntegrateAndFireParameters::time_constant},
      {"rest_voltage", &LeakyIntegrateAndFireParameters::rest_voltage},
      {"reset_voltage", &LeakyIntegrateAndFireParameters::reset_voltage},
      {"threshold_voltage", &LeakyIntegrateAndFireParameters::threshold_voltage},
      {"refractory_period", &LeakyIntegrateAndFireParameters::refractory_period},
      {"resistance", &LeakyIntegrateAndFireParameters::resistance}};
};

/// Leaky integrate-and-fire neurons. The current is constant during a step, which makes the step
/// exact: v <- rest + (v - rest) e + R I (1 - e), with e = exp(-dt / tau). Where that is at or
/// above the threshold the neuron spikes: it is reset, and held at the reset voltage for
/// period / dt steps, rounded up (`math::refractory_steps`), so that a period that is no multiple
/// of dt is held to its end. The next step integrates again: spikes are at least period + dt apart.
/// Starts at rest.
///
/// Constants are computed in double and rounded once to T. A NaN current makes the voltage NaN,
/// which never spikes, until `clear` or `set_voltage`; one during the refractory period is ignored.
/// Source: Rotter and Diesmann 1999, Biol. Cybern. 81:381.
template <class T>
class CUSYNAPSE_EXPORT LeakyIntegrateAndFire final : public Neuron<T> {
 public:
  using Parameters = LeakyIntegrateAndFireParameters;  ///< the constants

  /// Allocates the state and sets it to rest; synchronises. Throws `Error(invalid_argument)` for
  /// options and constants outside their domain or the range of T, and for a refractory period of
  /// more than 32767 steps; `Error(out_of_memory)`.
  LeakyIntegrateAndFire(const Stream& stream, const NeuronOptions& options,
                        const Parameters& parameters);
  /// The neurons of a saved state, of which the caller checks that nothing is left
  /// (`StateReader::finish`), as `load_object` does. Throws `Error(invalid_state)`,
  /// `Error(out_of_memory)`.
  LeakyIntegrateAndFire(const Stream& stream, StateReader& state);
  ~LeakyIntegrateAndFire() override;

  const Shape& shape() const noexcept override { return options_.shape; }
  std::int64_t batch_size() const noexcept override { return options_.batch_size; }
  double step_time() const noexcept override { return options_.step_time; }
  Device device() const noexcept override { return voltage_.device(); }
  /// The constants, as given.
  const Parameters& parameters() const noexcept { return parameters_; }

  /// 17 B a neuron in float, 29 B in double, in one kernel.
  void forward(const Stream& stream, View<const T> current, View<std::uint8_t> spikes) override;
  void voltage(const Stream& stream, View<T> out) const override;
  void refractory_time(const Stream& stream, View<T> out) const override;
  void spike(const Stream& stream, View<std::uint8_t> out) const override;
  void set_voltage(const Stream& stream, View<const T> voltage) override;

  void clear(const Stream& stream) override;
  void set_batch_size(const Stream& stream, std::int64_t batch_size) override;
  void set_step_time(const Stream& stream, double step_time) override;

  std::vector<std::uint8_t> save(const Stream& stream) const override;
  std::unique_ptr<Neuron<T>> restored(const Stream& stream, StateReader& state) const override;
  void exchange(Neuron<T>& restored) noexcept override;

  /// Arguments of this object's own step, current and spikes left out, for level-2 operations and
  /// kernels of the caller's. Valid until the next change of batch size or dt.
  LeakyIntegrateAndFireStep<T> step_arguments() noexcept;

 private:
  Ring<T> voltage_ring() const noexcept;

  NeuronOptions options_;
  Parameters parameters_;
  LeakyIntegrateAndFireStep<T> constants_;  ///< its pointers are null
  Buffer<T> rest_;                          ///< one element
  Buffer<T> voltage_;                       ///< padded as the one slot of a ring
  Buffer<std::uint16_t> refractory_;
};

/// The neurons of a saved state, of the class they were saved from. Throws `Error(invalid_state)`
/// for bytes that are no state of neurons of T, `Error(not_supported)` for a class that is not the
/// library's (`Neuron::load` loads it), `Error(out_of_memory)`. Allocates and synchronises.
template <class T>
std::unique_ptr<Neuron<T>> load_neuron(const Stream& stream, StateBytes bytes);

extern template CUSYNAPSE_EXPORT std::unique_ptr<Neuron<float>> load_neuron(const Stream&,
                                                                            StateBytes);
extern template CUSYNAPSE_EXPORT std::unique_ptr<Neuron<double>> load_neuron(const Stream&,
                                                                             StateBytes);
extern template class Neuron<float>;
extern template class Neuron<double>;
extern template class LeakyIntegrateAndFire<float>;
extern template class LeakyIntegrateAndFire<double>;

}  // namespace cusynapse
