// The models, as data: what their traces are, given their constants and dt.
#include <cmath>
#include <memory>

#include "cusynapse/synapse.hpp"
#include "host/check.hpp"

namespace cusynapse {
namespace {

void check_charge(const char* model, double charge) {
  host::check(std::isfinite(charge) && charge != 0, model, "spike_charge", charge,
              "finite and not 0");
}

// A time constant must also be one in the type it is divided by.
template <class T>
void check_time_constant(const host::Where& where, const char* what, double time_constant) {
  host::check_finite_positive(where, what, time_constant);
  const T rounded = static_cast<T>(time_constant);
  host::check(rounded > 0 && std::isfinite(rounded), where, what, time_constant,
              "within the range of the synapse's type");
}

template <class Model, class T>
SynapseFactory<T> make_factory(const typename Model::Parameters& parameters,
                               const SynapseOptions& defaults) {
  return
      [parameters, defaults](const Stream& stream, const Shape& shape, double step_time,
                             double delay, std::int64_t batch_size) -> std::unique_ptr<Synapse<T>> {
        SynapseOptions options = defaults;
        options.shape = shape;
        options.step_time = step_time;
        options.delay = delay;
        options.batch_size = batch_size;
        return std::make_unique<Model>(stream, options, parameters);
      };
}

// I = Q / dt where there is a spike.
std::function<SynapseModel(double)> delta(const DeltaParameters& p) {
  check_charge("DeltaCurrent", p.spike_charge);
  return [p](double dt) {
    SynapseModel model;
    model.dynamics = Dynamics::spikes_only;
    model.spike_amplitude = p.spike_charge / dt;
    return model;
  };
}

// I = x Q / dt + injected currents.
std::function<SynapseModel(double)> delta_plus(const DeltaParameters& p) {
  check_charge("DeltaPlusCurrent", p.spike_charge);
  return [p](double dt) {
    SynapseModel model;
    model.dynamics = Dynamics::memoryless;
    model.trace_count = 1;
    model.traces[0].gain = p.spike_charge / dt;
    return model;
  };
}

// I jumps by Q / tau and decays with tau.
template <class T>
std::function<SynapseModel(double)> single_exponential(const ExponentialParameters& p) {
  check_charge("SingleExponentialCurrent", p.spike_charge);
  check_time_constant<T>("SingleExponentialCurrent", "time_constant", p.time_constant);
  return [p](double) {
    SynapseModel model;
    model.dynamics = Dynamics::decay;
    model.trace_count = 1;
    model.traces[0] = {p.time_constant, p.spike_charge / p.time_constant, 1.0};
    return model;
  };
}

// I = pos - neg, both jumping by Q / (td - tr).
template <class T>
std::function<SynapseModel(double)> double_exponential(const DoubleExponentialParameters& p) {
  const char* name = "DoubleExponentialCurrent";
  check_charge(name, p.spike_charge);
  check_time_constant<T>(name, "tc_rise", p.tc_rise);
  check_time_constant<T>(name, "tc_decay", p.tc_decay);
  host::check(p.tc_decay > p.tc_rise, name, "tc_decay", p.tc_decay, "above tc_rise");
  return [p](double) {
    const double gain = p.spike_charge / (p.tc_decay - p.tc_rise);
    SynapseModel model;
    model.dynamics = Dynamics::decay;
    model.trace_count = 2;
    model.traces[0] = {p.tc_decay, gain, 1.0};
    model.traces[1] = {p.tc_rise, gain, -1.0};
    return model;
  };
}

// I is the second of two traces with the same tau; the first jumps by Q / tau^2 and feeds it.
template <class T>
std::function<SynapseModel(double)> alpha(const ExponentialParameters& p) {
  check_charge("AlphaCurrent", p.spike_charge);
  check_time_constant<T>("AlphaCurrent", "time_constant", p.time_constant);
  return [p](double) {
    SynapseModel model;
    model.dynamics = Dynamics::chain;
    model.trace_count = 2;
    model.traces[0] = {p.time_constant, p.spike_charge / (p.time_constant * p.time_constant), 0.0};
    model.traces[1] = {p.time_constant, 0.0, 1.0};
    model.feed_rate = 1.0;
    return model;
  };
}

}  // namespace

template <class T>
DeltaCurrent<T>::DeltaCurrent(const Stream& stream, const SynapseOptions& options,
                              const Parameters& parameters)
    : CurrentSynapse<T>(stream, "DeltaCurrent", options, delta(parameters)) {}

template <class T>
SynapseFactory<T> DeltaCurrent<T>::factory(const Parameters& parameters,
                                           const SynapseOptions& defaults) {
  return make_factory<DeltaCurrent, T>(parameters, defaults);
}

template <class T>
DeltaPlusCurrent<T>::DeltaPlusCurrent(const Stream& stream, const SynapseOptions& options,
                                      const Parameters& parameters)
    : CurrentSynapse<T>(stream, "DeltaPlusCurrent", options, delta_plus(parameters)) {}

template <class T>
SynapseFactory<T> DeltaPlusCurrent<T>::factory(const Parameters& parameters,
                                               const SynapseOptions& defaults) {
  return make_factory<DeltaPlusCurrent, T>(parameters, defaults);
}

template <class T>
SingleExponentialCurrent<T>::SingleExponentialCurrent(const Stream& stream,
                                                      const SynapseOptions& options,
                                                      const Parameters& parameters)
    : CurrentSynapse<T>(stream, "SingleExponentialCurrent", options,
                        single_exponential<T>(parameters)),
      parameters_(parameters) {}

template <class T>
SynapseFactory<T> SingleExponentialCurrent<T>::factory(const Parameters& parameters,
                                                       const SynapseOptions& defaults) {
  return make_factory<SingleExponentialCurrent, T>(parameters, defaults);
}

template <class T>
void SingleExponentialCurrent<T>::set_time_constant(double time_constant) {
  Parameters parameters = parameters_;
  parameters.time_constant = time_constant;
  this->set_model(single_exponential<T>(parameters));
  parameters_ = parameters;
}

template <class T>
DoubleExponentialCurrent<T>::DoubleExponentialCurrent(const Stream& stream,
                                                      const SynapseOptions& options,
                                                      const Parameters& parameters)
    : CurrentSynapse<T>(stream, "DoubleExponentialCurrent", options,
                        double_exponential<T>(parameters)) {}

template <class T>
SynapseFactory<T> DoubleExponentialCurrent<T>::factory(const Parameters& parameters,
                                                       const SynapseOptions& defaults) {
  return make_factory<DoubleExponentialCurrent, T>(parameters, defaults);
}

template <class T>
void DoubleExponentialCurrent<T>::pos_current(const Stream& stream, View<T> out) const {
  this->trace(stream, 0, out, "pos_current");
}
template <class T>
void DoubleExponentialCurrent<T>::neg_current(const Stream& stream, View<T> out) const {
  this->trace(stream, 1, out, "neg_current");
}
template <class T>
void DoubleExponentialCurrent<T>::set_pos_current(const Stream& stream, View<const T> values) {
  this->set_trace(stream, 0, values, "set_pos_current");
}
template <class T>
void DoubleExponentialCurrent<T>::set_neg_current(const Stream& stream, View<const T> values) {
  this->set_trace(stream, 1, values, "set_neg_current");
}
template <class T>
void DoubleExponentialCurrent<T>::pos_current_at(const Stream& stream, View<const T> selector,
                                                 View<T> out) const {
  this->trace_at(stream, 0, selector, out, "pos_current_at");
}
template <class T>
void DoubleExponentialCurrent<T>::neg_current_at(const Stream& stream, View<const T> selector,
                                                 View<T> out) const {
  this->trace_at(stream, 1, selector, out, "neg_current_at");
}

template <class T>
AlphaCurrent<T>::AlphaCurrent(const Stream& stream, const SynapseOptions& options,
                              const Parameters& parameters)
    : CurrentSynapse<T>(stream, "AlphaCurrent", options, alpha<T>(parameters)) {}

template <class T>
SynapseFactory<T> AlphaCurrent<T>::factory(const Parameters& parameters,
                                           const SynapseOptions& defaults) {
  return make_factory<AlphaCurrent, T>(parameters, defaults);
}

template class DeltaCurrent<float>;
template class DeltaCurrent<double>;
template class DeltaPlusCurrent<float>;
template class DeltaPlusCurrent<double>;
template class SingleExponentialCurrent<float>;
template class SingleExponentialCurrent<double>;
template class DoubleExponentialCurrent<float>;
template class DoubleExponentialCurrent<double>;
template class AlphaCurrent<float>;
template class AlphaCurrent<double>;

}  // namespace cusynapse
