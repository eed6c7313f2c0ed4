#include "cusynapse/neuron_ops.hpp"

#include "host/check.hpp"
#include "host/dispatch.hpp"

namespace cusynapse::ops {
namespace {

using host::check_pointer;

template <class T>
void run_leaky_integrate_and_fire(const Stream& stream, const LeakyIntegrateAndFireStep<T>& a) {
  const char* where = "leaky_integrate_and_fire";
  host::check_size(where, "size", a.size);
  host::check(a.refractory_steps <= math::most_refractory_steps, where, "refractory_steps",
              a.refractory_steps, "at most 32767");
  if (a.size == 0) return;
  check_pointer(a.current, where, "current");
  check_pointer(a.voltage, where, "voltage");
  check_pointer(a.refractory, where, "refractory");
  check_pointer(a.spikes, where, "spikes");
  host::backend(stream.device()).neurons(T{}).leaky_integrate_and_fire(stream, a);
}

template <class T>
void run_refractory_read(const Stream& stream, const RefractoryRead<T>& a) {
  const char* where = "refractory_read";
  host::check_size(where, "size", a.size);
  if (a.size == 0) return;
  check_pointer(a.refractory, where, "refractory");
  if ((a.time_left != nullptr) == (a.spikes != nullptr)) {
    host::refuse(where, "output", a.spikes != nullptr ? "both time_left and spikes" : "null",
                 "one of time_left and spikes");
  }
  host::backend(stream.device()).neurons(T{}).refractory_read(stream, a);
}

}  // namespace

void leaky_integrate_and_fire(const Stream& stream, const LeakyIntegrateAndFireStep<float>& a) {
  run_leaky_integrate_and_fire(stream, a);
}
void leaky_integrate_and_fire(const Stream& stream, const LeakyIntegrateAndFireStep<double>& a) {
  run_leaky_integrate_and_fire(stream, a);
}
void refractory_read(const Stream& stream, const RefractoryRead<float>& a) {
  run_refractory_read(stream, a);
}
void refractory_read(const Stream& stream, const RefractoryRead<double>& a) {
  run_refractory_read(stream, a);
}

}  // namespace cusynapse::ops
