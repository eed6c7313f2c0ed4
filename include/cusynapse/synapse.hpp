// Level 3: batched synapses with a delay history.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "cusynapse/buffer.hpp"
#include "cusynapse/ops.hpp"
#include "cusynapse/shape.hpp"
#include "cusynapse/state.hpp"
#include "cusynapse/stream.hpp"
#include "cusynapse/view.hpp"

namespace cusynapse {

/// How spikes, and currents without memory, are read between two steps.
enum class SpikeInterpolation : std::int32_t { previous, nearest };

/// What any synapse is made from.
///
/// `storage` of 16 bits rounds a trace to nearest once a step, with unit roundoff u = 2^-11
/// (float16) or 2^-8 (bfloat16). What is stored then lies within (u M + s) / (1 - decay) of the
/// exact trace, up to a factor 1 + O(2^-24 / u): M is the largest magnitude the trace has had since
/// it was zero, decay = exp(-dt / tau) (0 without memory), s half of the smallest spacing, 2^-25
/// for float16 and next to nothing for bfloat16. A trace that another one feeds adds feed times the
/// other's bound to u M. A current between two steps decays from there, and its error with it. 1 -
/// decay must be above u, or rounding would give traces back as they were: dt / tau above 4.9e-4
/// or 3.9e-3. A trace of float16 is infinite above 65504 and stands still below 2^-25 / (1 -
/// decay). Derivation: docs/kernels.md.
struct SynapseOptions {
  Shape shape;                  ///< of one sample, such as {1024}
  std::int64_t batch_size = 1;  ///< samples stepped together
  double step_time = 1.0;       ///< dt, ms
  double delay = 0.0;           ///< the largest delay that can be read, ms
  SpikeInterpolation interpolation = SpikeInterpolation::previous;  ///< between two steps
  double tolerance = 0.0;  ///< delays this near to a step (ms) count as on it
  std::optional<double> current_overbound = 0.0;  ///< current beyond the largest delay, nA; none:
                                                  ///< the current at the largest delay
  std::optional<bool> spike_overbound = false;    ///< the same for spikes
  StorageType storage = StorageType::same;        ///< of traces; 16 bits of float synapses alone
};

/// What becomes of the history when dt or the largest delay changes.
enum class HistoryChange : std::int32_t {
  clear,  ///< all of it is lost
  keep,   ///< it is carried over: for another delay the newest observations stay; for another dt
          ///< every history is resampled by its own rule and every spike goes to the nearest step
};

/// How kernels of others read a synapse's history: what `current_at` and `spike_at` are called
/// with, selector and output left out. A current is a sum over traces (`current.trace_count` above
/// 0) or the amplitude times a spike.
template <class T>
struct SynapseReadout {
  DelayedSelect<T> current;  ///< as `current_at` is called
  SpikeSelect<T> spike;      ///< as `spike_at` is called
};

/// A batch of synapses: turns spikes into currents and remembers both for a while.
///
/// Arrays are dense, on the synapse's device, shaped [batch_size, shape...] where nothing else is
/// said; spikes are bytes 0 or 1; times are ms, charges pC, currents nA. Calls are enqueued on the
/// stream and return without synchronising, allocate nothing, and may be captured in a CUDA graph,
/// unless their comment says otherwise. Errors: `shape_mismatch`, `wrong_device`,
/// `invalid_argument`; after an error the synapse is as it was.
///
/// One stream at a time: calls on one object are ordered by the stream they are given, from its
/// construction on, and the caller orders streams when changing from one to another. A captured
/// graph holds the storage and constants of when it was captured: capture anew after a change of
/// either.
template <class T>
class CUSYNAPSE_EXPORT Synapse {
 public:
  virtual ~Synapse();
  Synapse(const Synapse&) = delete;
  Synapse& operator=(const Synapse&) = delete;

  /// What it was made from or last set to, times in ms, and where it lives.
  virtual const Shape& shape() const noexcept = 0;
  virtual std::int64_t batch_size() const noexcept = 0;
  virtual double step_time() const noexcept = 0;
  virtual double delay() const noexcept = 0;
  virtual Device device() const noexcept = 0;
  Shape batched_shape() const { return shape().prepended(batch_size()); }

  /// One step: decay, inject the input, remember the result as the newest observation. Injected
  /// currents (nA), up to `max_injections`, are added left to right by models that take them;
  /// others refuse them.
  virtual void step(const Stream& stream, const SpikeInput<T>& input,
                    const Injected<T>& injected = {}) = 0;

  /// The newest current and spikes.
  virtual void current(const Stream& stream, View<T> out) const = 0;
  virtual void spike(const Stream& stream, View<std::uint8_t> out) const = 0;
  /// Current and spikes `selector` ms before now, selector and out [batch_size, shape...] or
  /// [batch_size, shape..., D]. Selectors outside [0, delay] by more than the tolerance, and NaN,
  /// give the overbound value if there is one and the value at the nearest end otherwise (NaN:
  /// now). Where delay / dt is a whole number but rounds above it in T, a selector of exactly the
  /// delay wraps around to the newest value, unless there is a tolerance.
  virtual void current_at(const Stream& stream, View<const T> selector, View<T> out) const = 0;
  virtual void spike_at(const Stream& stream, View<const T> selector,
                        View<std::uint8_t> out) const = 0;

  /// Where the histories are and how they are read, for the fused sums of connections.
  virtual SynapseReadout<T> readout() const = 0;
  /// Arguments of this synapse's own step, the input left out. `Connection::forward_sequence` steps
  /// by them and not by `step`.
  virtual DecayInject<T> step_arguments() const = 0;
  /// Increases with every change of storage or constants: what was derived from them is then stale.
  virtual std::uint64_t version() const noexcept = 0;

  /// Everything as if new.
  virtual void clear(const Stream& stream) = 0;
  /// Changes the batch size: the last samples are kept, or zero samples prepended. The same size
  /// moves nothing. Allocates and synchronises; strong guarantee.
  virtual void set_batch_size(const Stream& stream, std::int64_t batch_size) = 0;
  /// Changes dt or the largest delay. Allocates and synchronises; strong guarantee.
  virtual void set_step_time(const Stream& stream, double step_time,
                             HistoryChange history = HistoryChange::clear) = 0;
  virtual void set_delay(const Stream& stream, double delay,
                         HistoryChange history = HistoryChange::clear) = 0;

  /// All the synapse needs to go on bit for bit: histories, options, constants. Allocates and
  /// synchronises. Throws `Error(not_supported)` for a class that cannot be saved.
  virtual std::vector<std::uint8_t> save(const Stream& stream) const;
  /// Becomes what was saved of the same class, element type and shape of one sample: batch size,
  /// dt, delay, options and constants follow. Throws `Error(invalid_state)` for bytes that are no
  /// state of such a synapse, `Error(shape_mismatch)`, `Error(not_supported)`. Allocates and
  /// synchronises; strong guarantee.
  void load(const Stream& stream, StateBytes bytes);

  /// Loading in two halves, so that whoever holds a synapse can make all it needs in between: a new
  /// synapse of this class from a state, on the stream's device, and an exchange with it, which
  /// may not fail. A class that can be saved overrides both and `save`.
  virtual std::unique_ptr<Synapse> restored(const Stream& stream, StateReader& state) const;
  virtual void exchange(Synapse& restored);

 protected:
  Synapse() = default;
};

/// Makes a synapse of a chosen model and constants: what a connection is given to build its own.
template <class T>
using SynapseFactory = std::function<std::unique_ptr<Synapse<T>>(
    const Stream& stream, const Shape& shape, double step_time, double delay,
    std::int64_t batch_size)>;

/// What models check their constants with. Throw `Error(invalid_argument)`, naming the model.
CUSYNAPSE_EXPORT void require_charge(const char* model, double spike_charge);
CUSYNAPSE_EXPORT void require_time_constant(const char* model, const char* what, double value);
CUSYNAPSE_EXPORT void require_above(const char* model, const char* what, double value,
                                    const char* limit_name, double limit);

/// A model as data: up to two traces, stepped by their exact propagator. Constants are computed in
/// double and rounded once to the synapse's type.
struct SynapseModel {
  /// A part of the current with a time constant of its own.
  struct Trace {
    double time_constant = 0.0;  ///< ms; unused without memory
    double gain = 0.0;           ///< jump at a unit input, nA
    double weight = 1.0;         ///< its part in the current: 1, -1 or 0
  };
  Dynamics dynamics = Dynamics::spikes_only;  ///< how the traces move
  int trace_count = 0;                        ///< as the dynamics ask for
  Trace traces[max_traces] = {};              ///< the first of a chain feeds the second
  double feed_rate = 0.0;        ///< chain: how fast the first trace feeds the second, 1/ms
  double spike_amplitude = 0.0;  ///< spikes_only: current of a spike, nA
};

/// The synapse every model shares: one step kernel, one select kernel, a history of spike bits and
/// one of each trace. `ModelSynapse` gives it a model.
template <class T>
class CUSYNAPSE_EXPORT CurrentSynapse : public Synapse<T> {
 public:
  ~CurrentSynapse() override;

  const Shape& shape() const noexcept final { return options_.shape; }
  std::int64_t batch_size() const noexcept final { return options_.batch_size; }
  double step_time() const noexcept final { return options_.step_time; }
  double delay() const noexcept final { return options_.delay; }
  Device device() const noexcept final { return spikes_.device(); }
  /// All it was made from, as last changed.
  const SynapseOptions& options() const noexcept { return options_; }
  /// Name of the model, as in error messages.
  const char* name() const noexcept { return name_; }
  /// Steps the history holds: max(ceil(delay / dt) + 1, 1).
  std::int32_t slots() const noexcept { return slots_; }
  /// The slot the next step writes, read from the device. Synchronises.
  std::int32_t pointer(const Stream& stream) const;
  std::uint64_t version() const noexcept final { return version_; }

  /// Input [batch_size, shape...] as values, bytes or packed bits: 9.1 B a synapse for one float
  /// trace and byte input (5.1 B stored in 16 bits), in one kernel. Input may not overlap the
  /// histories.
  void step(const Stream& stream, const SpikeInput<T>& input,
            const Injected<T>& injected = {}) final;
  /// T steps at once, inputs [T, batch_size, shape...] (packed bits: each frame starts on a new
  /// byte). Equal to T calls of `step` bit for bit; on a GPU the state stays in registers
  /// between them.
  void step_sequence(const Stream& stream, const SpikeInput<T>& inputs);

  void current(const Stream& stream, View<T> out) const final;
  void spike(const Stream& stream, View<std::uint8_t> out) const final;
  void current_at(const Stream& stream, View<const T> selector, View<T> out) const final;
  void spike_at(const Stream& stream, View<const T> selector, View<std::uint8_t> out) const final;
  /// Overwrites the newest spikes or current. Models whose current is derived from spikes, from
  /// several traces or from one of another weight than 1 throw `Error(not_supported)` for the
  /// current.
  void set_spike(const Stream& stream, View<const std::uint8_t> spikes);
  void set_current(const Stream& stream, View<const T> current);

  void clear(const Stream& stream) final;
  void set_batch_size(const Stream& stream, std::int64_t batch_size) final;
  void set_step_time(const Stream& stream, double step_time,
                     HistoryChange history = HistoryChange::clear) final;
  void set_delay(const Stream& stream, double delay,
                 HistoryChange history = HistoryChange::clear) final;

  /// Histories there are besides that of spikes.
  int trace_count() const noexcept { return model_.trace_count; }
  /// One of them, where traces are stored as T, for level-2 operations, kernels of the caller's and
  /// inspection. Valid until the next change of batch size, dt or delay, or load. Throws
  /// `Error(not_supported)` where traces are stored in another type.
  Ring<T> trace_ring(int trace) const;
  /// The same, Stored being what traces are stored as: T, float16 or bfloat16.
  template <class Stored>
  Ring<Stored> trace_ring_as(int trace) const;
  /// The history of spikes, valid for as long.
  Ring<bool> spike_ring() const noexcept;
  SynapseReadout<T> readout() const final;
  DecayInject<T> step_arguments() const final;
  /// Arguments of this synapse's own select, selector and output left out.
  DelayedSelect<T> select_arguments() const noexcept;

 protected:
  /// The model at a step time. Called by the constructor's caller and on every change of dt.
  using ModelAt = std::function<SynapseModel(double step_time)>;

  /// Checks the options, allocates and zeroes the histories. `name` must outlive the object.
  CurrentSynapse(const Stream& stream, const char* name, const SynapseOptions& options,
                 ModelAt model);
  /// The same with the options and histories of a state.
  CurrentSynapse(const Stream& stream, const char* name, StateReader& state, ModelAt model);

  /// A state that holds options and histories.
  StateWriter saved(const Stream& stream) const;
  /// The model's numbers, for constants that a state does not name, and whether they are those of
  /// this model: refused otherwise.
  void save_model(StateWriter& state) const;
  void check_saved_model(StateReader& state) const;
  /// Refuses, with `Error(shape_mismatch)`, another shape of one sample.
  void check_restored(const CurrentSynapse& restored) const;
  /// Exchanges everything but the name; the version counts on.
  void exchange_histories(CurrentSynapse& other) noexcept;

  /// One trace on its own, for models that name their traces.
  /// `function` names the caller in errors.
  void trace(const Stream& stream, int index, View<T> out, const char* function) const;
  void set_trace(const Stream& stream, int index, View<const T> values, const char* function);
  void trace_at(const Stream& stream, int index, View<const T> selector, View<T> out,
                const char* function) const;
  /// Takes other constants of the same model: the step and the interpolation change together.
  void set_model(ModelAt model);

 private:
  std::vector<double> model_numbers() const;
  void replace(const Stream& stream, const SynapseOptions& options, HistoryChange history);

  const char* name_;
  SynapseOptions options_;
  ModelAt model_at_;
  SynapseModel model_;
  std::int32_t slots_ = 0;
  std::int64_t stride_ = 0;
  std::uint64_t version_ = 0;
  Buffer<std::uint8_t> spikes_;
  Buffer<std::uint8_t> traces_[max_traces];  // of elements as options_.storage says
  Buffer<RingState> state_;
};

/// A synapse of one model. `Model` is a struct of three members, all there is to a model:
///
///     using Parameters = ...;
///     static constexpr const char* name = "...";
///     static SynapseModel at(const Parameters& p, double dt);
///
/// `Parameters` is a plain struct of the constants, which states restore if it has a member
/// `fields` (`ParameterField`). `name` begins error messages and names the class in states. `at`
/// checks the constants and gives the model at steps of dt, ms.
template <class T, class Model>
class ModelSynapse : public CurrentSynapse<T> {
 public:
  using Parameters = typename Model::Parameters;  ///< the constants

  /// Allocates and zeroes the histories. Throws `Error(invalid_argument)` for options or constants
  /// outside their domain; `Error(out_of_memory)`.
  ModelSynapse(const Stream& stream, const SynapseOptions& options, const Parameters& parameters)
      : CurrentSynapse<T>(stream, Model::name, options, model_at(parameters)),
        parameters_(parameters) {}

  /// The synapse of a saved state, of which the caller checks that nothing is left
  /// (`StateReader::finish`), as `load_object` does. Its constants must be named:
  /// `ParameterField`. Throws `Error(invalid_state)`, `Error(out_of_memory)`.
  ModelSynapse(const Stream& stream, StateReader& state)
      : ModelSynapse(stream, state, named_parameters(state)) {}

  /// The constants, as given.
  const Parameters& parameters() const noexcept { return parameters_; }
  /// Takes other constants: the step and the interpolation change together, the history stays.
  /// After an error the synapse is as it was.
  void set_parameters(const Parameters& parameters) {
    this->set_model(model_at(parameters));
    parameters_ = parameters;
  }

  /// Constants that are not named are not saved: a state then fits synapses of the same ones, and
  /// others refuse it.
  std::vector<std::uint8_t> save(const Stream& stream) const override {
    StateWriter state = this->saved(stream);
    if constexpr (names_its_fields<Parameters>) {
      save_parameters(state, parameters_);
    } else {
      this->save_model(state);
    }
    return state.finish();
  }
  /// See `Synapse::restored`.
  std::unique_ptr<Synapse<T>> restored(const Stream& stream, StateReader& state) const override {
    Parameters parameters = parameters_;
    if constexpr (names_its_fields<Parameters>) parameters = named_parameters(state);
    std::unique_ptr<ModelSynapse> made(new ModelSynapse(stream, state, parameters));
    if constexpr (!names_its_fields<Parameters>) made->check_saved_model(state);
    this->check_restored(*made);
    return made;
  }
  /// See `Synapse::exchange`.
  void exchange(Synapse<T>& restored) noexcept override {
    auto& other = static_cast<ModelSynapse&>(restored);
    this->exchange_histories(other);
    std::swap(parameters_, other.parameters_);
  }

  /// Makes synapses of these constants; what a call does not give is taken from `defaults`. `Made`
  /// is the class of what is made: this one, or one derived from it.
  template <class Made = ModelSynapse>
  static SynapseFactory<T> factory(const Parameters& parameters,
                                   const SynapseOptions& defaults = {}) {
    return [parameters, defaults](const Stream& stream, const Shape& shape, double step_time,
                                  double delay, std::int64_t batch_size) {
      SynapseOptions options = defaults;
      options.shape = shape;
      options.step_time = step_time;
      options.delay = delay;
      options.batch_size = batch_size;
      return std::unique_ptr<Synapse<T>>(new Made(stream, options, parameters));
    };
  }

 private:
  ModelSynapse(const Stream& stream, StateReader& state, const Parameters& parameters)
      : CurrentSynapse<T>(stream, Model::name, state, model_at(parameters)),
        parameters_(parameters) {}
  static Parameters named_parameters(StateReader& state) {
    state.require<T>(Model::name);
    return load_parameters<Parameters>(state);
  }
  static typename CurrentSynapse<T>::ModelAt model_at(const Parameters& parameters) {
    return [parameters](double step_time) { return Model::at(parameters, step_time); };
  }

  Parameters parameters_;
};

/// Synapse populations of any models, shapes, storages and constants stepped in one launch.
///
/// Owns its members, which keep all their own methods; call `refresh` after a member's batch size,
/// dt, delay or constants changed. Inputs of all members lie in one array: member i's frame, shaped
/// [batch_size, shape...], starts at element `input_offset(i)`; offsets are multiples of 32, and
/// what lies between two frames is not read.
template <class T>
class CUSYNAPSE_EXPORT SynapseGroup {
 public:
  /// Takes the members, all on the stream's device, at least one. Allocates and synchronises.
  SynapseGroup(const Stream& stream, std::vector<std::unique_ptr<CurrentSynapse<T>>> members);
  ~SynapseGroup();
  /// Moves take over the members. A group that was moved from can only be assigned to.
  SynapseGroup(SynapseGroup&& other) noexcept;
  SynapseGroup& operator=(SynapseGroup&& other) noexcept;

  /// The members: how many, and one of them.
  std::size_t size() const noexcept { return members_.size(); }
  CurrentSynapse<T>& operator[](std::size_t i) noexcept { return *members_[i]; }
  const CurrentSynapse<T>& operator[](std::size_t i) const noexcept { return *members_[i]; }
  /// Where member i's input starts, in elements (bits for packed spikes).
  std::int64_t input_offset(std::size_t i) const noexcept { return offsets_[i]; }
  /// Elements of the whole input array.
  std::int64_t input_size() const noexcept { return offsets_.back(); }

  /// One step of every member in one launch; input shaped [input_size()]. Throws
  /// `Error(invalid_argument)` when a member changed since the last `refresh`.
  void step(const Stream& stream, const SpikeInput<T>& input);
  /// Takes over changes of the members. Allocates and synchronises; strong guarantee.
  void refresh(const Stream& stream);

 private:
  std::vector<std::unique_ptr<CurrentSynapse<T>>> members_;
  std::vector<std::uint64_t> versions_;
  std::vector<std::int64_t> offsets_;
  std::int64_t tile_count_ = 0;
  Buffer<DecayInjectGroup<T>> groups_;
  Buffer<std::int32_t> tile_group_;
};

extern template class Synapse<float>;
extern template class Synapse<double>;
extern template class CurrentSynapse<float>;
extern template class CurrentSynapse<double>;
extern template class SynapseGroup<float>;
extern template class SynapseGroup<double>;

}  // namespace cusynapse
