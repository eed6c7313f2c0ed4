// The models: what each is made of, as data for the one step and the one select kernel.
#pragma once

#include <memory>

#include "cusynapse/state.hpp"
#include "cusynapse/synapse.hpp"

namespace cusynapse {

/// Constants of `DeltaCurrent` and `DeltaPlusCurrent`.
struct DeltaParameters {
  double spike_charge = 1.0;  ///< Q, pC; finite and not 0

  /// What states hold of it, by name.
  static constexpr ParameterField<DeltaParameters> fields[] = {
      {"spike_charge", &DeltaParameters::spike_charge}};
};

/// Constants of `SingleExponentialCurrent` and `AlphaCurrent`.
struct ExponentialParameters {
  double spike_charge = 1.0;   ///< Q, pC; finite and not 0
  double time_constant = 1.0;  ///< tau, ms; finite and positive

  /// What states hold of it, by name.
  static constexpr ParameterField<ExponentialParameters> fields[] = {
      {"spike_charge", &ExponentialParameters::spike_charge},
      {"time_constant", &ExponentialParameters::time_constant}};
};

/// Constants of `DoubleExponentialCurrent`.
struct DoubleExponentialParameters {
  double spike_charge = 1.0;  ///< Q, pC; finite and not 0
  double tc_decay = 2.0;      ///< ms; larger than tc_rise
  double tc_rise = 1.0;       ///< ms; positive

  /// What states hold of it, by name.
  static constexpr ParameterField<DoubleExponentialParameters> fields[] = {
      {"spike_charge", &DoubleExponentialParameters::spike_charge},
      {"tc_decay", &DoubleExponentialParameters::tc_decay},
      {"tc_rise", &DoubleExponentialParameters::tc_rise}};
};

/// The model of `DeltaCurrent`.
struct DeltaModel {
  using Parameters = DeltaParameters;                  ///< the constants
  static constexpr const char* name = "DeltaCurrent";  ///< for error messages
  /// Checks the constants. The model at steps of dt, ms.
  static SynapseModel at(const Parameters& p, double dt) {
    require_charge(name, p.spike_charge);
    SynapseModel model;
    model.dynamics = Dynamics::spikes_only;
    model.spike_amplitude = p.spike_charge / dt;
    return model;
  }
};

/// A current of Q / dt in the step of a spike and 0 otherwise, however large the input. Takes no
/// injected currents. I = (Q / dt) [x != 0]. Source: Inferno 0.0.5, DeltaCurrent.
template <class T>
using DeltaCurrent = ModelSynapse<T, DeltaModel>;

/// The model of `DeltaPlusCurrent`.
struct DeltaPlusModel {
  using Parameters = DeltaParameters;                      ///< the constants
  static constexpr const char* name = "DeltaPlusCurrent";  ///< for error messages
  /// Checks the constants. The model at steps of dt, ms.
  static SynapseModel at(const Parameters& p, double dt) {
    require_charge(name, p.spike_charge);
    SynapseModel model;
    model.dynamics = Dynamics::memoryless;
    model.trace_count = 1;
    model.traces[0].gain = p.spike_charge / dt;
    return model;
  }
};

/// The charge of this step's input spread over the step, plus injected currents:
/// I = x Q / dt + inj1 + inj2 + ... Source: Inferno 0.0.5, DeltaPlusCurrent.
template <class T>
using DeltaPlusCurrent = ModelSynapse<T, DeltaPlusModel>;

/// The model of `SingleExponentialCurrent`.
struct SingleExponentialModel {
  using Parameters = ExponentialParameters;                        ///< the constants
  static constexpr const char* name = "SingleExponentialCurrent";  ///< for error messages
  /// Checks the constants. The model at steps of dt, ms.
  static SynapseModel at(const Parameters& p, double) {
    require_charge(name, p.spike_charge);
    require_time_constant(name, "time_constant", p.time_constant);
    SynapseModel model;
    model.dynamics = Dynamics::decay;
    model.trace_count = 1;
    model.traces[0] = {p.time_constant, p.spike_charge / p.time_constant, 1.0};
    return model;
  }
};

/// A current that jumps by Q / tau at a unit input and decays with tau:
/// I <- I exp(-dt / tau) + (Q / tau) x. Source: Inferno 0.0.5, SingleExponentialCurrent.
template <class T>
class SingleExponentialCurrent final : public ModelSynapse<T, SingleExponentialModel> {
 public:
  using Base = ModelSynapse<T, SingleExponentialModel>;  ///< what it shares with the other models
  using Base::Base;
  using typename Base::Parameters;

  /// As `ModelSynapse::factory`, making this class.
  static SynapseFactory<T> factory(const Parameters& parameters,
                                   const SynapseOptions& defaults = {}) {
    return Base::template factory<SingleExponentialCurrent>(parameters, defaults);
  }
  /// tau, ms.
  double time_constant() const noexcept { return this->parameters().time_constant; }
  /// As `set_parameters`, with another tau (ms).
  void set_time_constant(double time_constant) {
    this->set_parameters({this->parameters().spike_charge, time_constant});
  }
};

/// The model of `DoubleExponentialCurrent`.
struct DoubleExponentialModel {
  using Parameters = DoubleExponentialParameters;                  ///< the constants
  static constexpr const char* name = "DoubleExponentialCurrent";  ///< for error messages
  /// Checks the constants. The model at steps of dt, ms.
  static SynapseModel at(const Parameters& p, double) {
    require_charge(name, p.spike_charge);
    require_time_constant(name, "tc_rise", p.tc_rise);
    require_time_constant(name, "tc_decay", p.tc_decay);
    require_above(name, "tc_decay", p.tc_decay, "tc_rise", p.tc_rise);
    const double gain = p.spike_charge / (p.tc_decay - p.tc_rise);
    SynapseModel model;
    model.dynamics = Dynamics::decay;
    model.trace_count = 2;
    model.traces[0] = {p.tc_decay, gain, 1.0};
    model.traces[1] = {p.tc_rise, gain, -1.0};
    return model;
  }
};

/// A current that rises with tc_rise and decays with tc_decay, pos - neg, each an exponential with
/// the gain Q / (tc_decay - tc_rise). Source: Inferno 0.0.5, DoubleExponentialCurrent.
template <class T>
class DoubleExponentialCurrent final : public ModelSynapse<T, DoubleExponentialModel> {
 public:
  using Base = ModelSynapse<T, DoubleExponentialModel>;  ///< what it shares with the other models
  using Base::Base;
  using typename Base::Parameters;

  /// As `ModelSynapse::factory`, making this class.
  static SynapseFactory<T> factory(const Parameters& parameters,
                                   const SynapseOptions& defaults = {}) {
    return Base::template factory<DoubleExponentialCurrent>(parameters, defaults);
  }

  /// The decaying and the rising part on their own: newest, overwritten, and at delays.
  void pos_current(const Stream& stream, View<T> out) const {
    this->trace(stream, 0, out, "pos_current");
  }
  void neg_current(const Stream& stream, View<T> out) const {
    this->trace(stream, 1, out, "neg_current");
  }
  void set_pos_current(const Stream& stream, View<const T> values) {
    this->set_trace(stream, 0, values, "set_pos_current");
  }
  void set_neg_current(const Stream& stream, View<const T> values) {
    this->set_trace(stream, 1, values, "set_neg_current");
  }
  void pos_current_at(const Stream& stream, View<const T> selector, View<T> out) const {
    this->trace_at(stream, 0, selector, out, "pos_current_at");
  }
  void neg_current_at(const Stream& stream, View<const T> selector, View<T> out) const {
    this->trace_at(stream, 1, selector, out, "neg_current_at");
  }
};

/// The model of `AlphaCurrent`.
struct AlphaModel {
  using Parameters = ExponentialParameters;            ///< the constants
  static constexpr const char* name = "AlphaCurrent";  ///< for error messages
  /// Checks the constants. The model at steps of dt, ms.
  static SynapseModel at(const Parameters& p, double) {
    require_charge(name, p.spike_charge);
    require_time_constant(name, "time_constant", p.time_constant);
    const double tau = p.time_constant;
    SynapseModel model;
    model.dynamics = Dynamics::chain;
    model.trace_count = 2;
    model.traces[0] = {tau, p.spike_charge / (tau * tau), 0.0};  // z, which jumps and feeds
    model.traces[1] = {tau, 0.0, 1.0};                           // y, the current
    model.feed_rate = 1.0;
    return model;
  }
};

/// A current that rises and falls with one time constant: after a spike I(t) = Q t / tau^2
/// exp(-t / tau), which peaks at tau and carries the charge Q. Two traces, y fed by z:
/// z <- z e + (Q / tau^2) x, y <- y e + z dt e, with e = exp(-dt / tau).
/// Source: exact propagator of the alpha function (Rotter and Diesmann 1999, Biol. Cybern. 81:381).
template <class T>
using AlphaCurrent = ModelSynapse<T, AlphaModel>;

/// The synapse of a saved state, of the class it was saved from: one of the models above. Throws
/// `Error(invalid_state)` for bytes that are no state of a synapse of T, `Error(not_supported)` for
/// a class that is not the library's (`Synapse::load` loads it), `Error(out_of_memory)`. Allocates
/// and synchronises.
template <class T>
std::unique_ptr<CurrentSynapse<T>> load_synapse(const Stream& stream, StateBytes bytes);

extern template CUSYNAPSE_EXPORT std::unique_ptr<CurrentSynapse<float>> load_synapse(const Stream&,
                                                                                     StateBytes);
extern template CUSYNAPSE_EXPORT std::unique_ptr<CurrentSynapse<double>> load_synapse(const Stream&,
                                                                                      StateBytes);

}  // namespace cusynapse
