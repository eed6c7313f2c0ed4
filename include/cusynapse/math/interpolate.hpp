// Values between the observations of a history, and observations from values between them.
//
// `older` and `newer` are the observations around a time, `elapsed` the time since `older`, in
// (0, step_time]; all times in ms. Formulas: Inferno 0.0.5, inferno.functional (interpolation and
// extrapolation), evaluated in T with every operation rounded on its own.
#pragma once

#include "cusynapse/math/arithmetic.hpp"
#include "cusynapse/math/exponential.hpp"

namespace cusynapse {

/// How a history is read between two observations.
enum class Interpolation : std::int32_t {
  previous,                ///< the older observation
  next,                    ///< the newer one
  nearest,                 ///< the one nearer in time; the older on a tie
  linear,                  ///< the straight line between both
  exponential_decay,       ///< the older one decayed; constant: tau (ms)
  exponential_rate_decay,  ///< the older one decayed; constant: lambda (1/ms)
};

/// How a sample between two observations is written to them.
enum class Extrapolation : std::int32_t {
  previous,                ///< to the older observation
  next,                    ///< to the newer one
  nearest,                 ///< to the one nearer in time; the older on a tie
  neighbors,               ///< to both
  linear_forward,          ///< newer on the line from the (adjusted) older one through the sample
  linear_backward,         ///< older on the line from the (adjusted) newer one through the sample
  exponential_decay,       ///< both on the decay through the sample; constant: tau (ms)
  exponential_rate_decay,  ///< both on the decay through the sample; constant: lambda (1/ms)
};

namespace math {

/// The observation nearer in time, the older on a tie.
template <class T>
CUSYNAPSE_HOST_DEVICE T interpolate_nearest(T older, T newer, T elapsed, T step_time) {
  return divide(elapsed, step_time) > T(0.5) ? newer : older;
}

/// The straight line: older + ((newer - older) / step_time) * elapsed.
template <class T>
CUSYNAPSE_HOST_DEVICE T interpolate_linear(T older, T newer, T elapsed, T step_time) {
  return add(older, multiply(divide(subtract(newer, older), step_time), elapsed));
}

/// exp(-elapsed / time_constant), the factor an exponential trace has decayed by since `older`.
template <class T>
CUSYNAPSE_HOST_DEVICE T decay_factor(T elapsed, T time_constant) {
  return exponential(divide(-elapsed, time_constant));
}

/// older * exp(-elapsed / time_constant).
template <class T>
CUSYNAPSE_HOST_DEVICE T interpolate_exponential_decay(T older, T elapsed, T time_constant) {
  return multiply(older, decay_factor(elapsed, time_constant));
}

/// older * exp(-elapsed * rate_constant), the rate in 1/ms.
template <class T>
CUSYNAPSE_HOST_DEVICE T interpolate_exponential_rate_decay(T older, T elapsed, T rate_constant) {
  return multiply(older, exponential(multiply(-elapsed, rate_constant)));
}

/// A trace that `feeder` feeds at `feed_rate` (1/ms), both decaying with the same time constant,
/// `elapsed` after both were observed:
/// (older + feeder * elapsed * feed_rate) * exp(-elapsed / tau).
template <class T>
CUSYNAPSE_HOST_DEVICE T interpolate_fed_decay(T older, T feeder, T elapsed, T time_constant,
                                              T feed_rate) {
  return multiply(add(older, multiply(feeder, multiply(elapsed, feed_rate))),
                  decay_factor(elapsed, time_constant));
}

/// Any of the rules, chosen at run time; `constant` as the rule's comment says.
template <class T>
CUSYNAPSE_HOST_DEVICE T interpolate(Interpolation rule, T older, T newer, T elapsed, T step_time,
                                    T constant) {
  switch (rule) {
    case Interpolation::previous:
      return older;
    case Interpolation::next:
      return newer;
    case Interpolation::nearest:
      return interpolate_nearest(older, newer, elapsed, step_time);
    case Interpolation::linear:
      return interpolate_linear(older, newer, elapsed, step_time);
    case Interpolation::exponential_decay:
      return interpolate_exponential_decay(older, elapsed, constant);
    case Interpolation::exponential_rate_decay:
      return interpolate_exponential_rate_decay(older, elapsed, constant);
  }
  return older;
}

/// The two observations around a time.
template <class T>
struct Neighbors {
  T older;  ///< at or before the time
  T newer;  ///< at or after it
};

/// Leaves an observation as it is: the adjustment the linear extrapolations use by default.
struct Unadjusted {
  /// The observation.
  template <class T>
  CUSYNAPSE_HOST_DEVICE T operator()(T observation) const {
    return observation;
  }
};

/// The observations that make `interpolate` give `sample`, from those there were. `constant` as the
/// rule's comment says; `adjust` changes the kept observation of the linear rules first.
template <class T, class Adjust = Unadjusted>
CUSYNAPSE_HOST_DEVICE Neighbors<T> extrapolate(Extrapolation rule, T sample, T older, T newer,
                                               T elapsed, T step_time, T constant,
                                               Adjust adjust = {}) {
  switch (rule) {
    case Extrapolation::previous:
      return {sample, newer};
    case Extrapolation::next:
      return {older, sample};
    case Extrapolation::nearest:
      return elapsed > divide(step_time, T(2)) ? Neighbors<T>{older, sample}
                                               : Neighbors<T>{sample, newer};
    case Extrapolation::neighbors:
      return {sample, sample};
    case Extrapolation::linear_forward: {
      const T kept = adjust(older);
      const T slope = divide(subtract(sample, kept), elapsed);
      return {kept, add(kept, multiply(slope, step_time))};
    }
    case Extrapolation::linear_backward: {
      const T kept = adjust(newer);
      const T slope = divide(subtract(kept, sample), subtract(step_time, elapsed));
      return {subtract(kept, multiply(slope, step_time)), kept};
    }
    case Extrapolation::exponential_decay:
      return {multiply(sample, exponential(divide(elapsed, constant))),
              multiply(sample, exponential(divide(subtract(elapsed, step_time), constant)))};
    case Extrapolation::exponential_rate_decay:
      return {multiply(sample, exponential(multiply(elapsed, constant))),
              multiply(sample, exponential(multiply(subtract(elapsed, step_time), constant)))};
  }
  return {older, newer};
}

}  // namespace math
}  // namespace cusynapse
