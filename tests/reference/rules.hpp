// The oracle: where a time falls between observations, and what is read and written there.
//
// Written from the formulas alone, one rounded operation a line, in the arithmetic type Time. The
// library's own math headers are not used here, so that an error in them shows.
#pragma once

#include <cmath>
#include <cstdint>
#include <utility>

namespace reference {

/// Observations a history holds: max(ceil(duration / step_time) + inclusive, 1), in double.
inline std::int64_t slots_for(double duration, double step_time, bool inclusive) {
  const double quotient = duration / step_time;
  const auto whole = static_cast<std::int64_t>(std::ceil(quotient));
  const std::int64_t slots = inclusive ? whole + 1 : whole;
  return slots < 1 ? 1 : slots;
}

template <class Time>
struct Position {
  std::int64_t older;  ///< steps back to the observation at or before the time
  std::int64_t newer;  ///< steps back to the one at or after it
  Time elapsed;        ///< since `older`
};

template <class Time>
Position<Time> locate(Time time, Time step_time, Time tolerance, std::int64_t offset) {
  Time steps = time / step_time;
  const Time rounded = std::nearbyint(steps);
  const Time rounded_time = step_time * rounded;
  const Time distance = std::fabs(rounded_time - time);
  if (distance <= tolerance) steps = rounded;
  const Time back = static_cast<Time>(offset) + steps;
  Time remainder = std::fmod(steps, Time(1));
  if (remainder < 0) remainder = remainder + Time(1);
  const Time until_newer = step_time * remainder;
  return {static_cast<std::int64_t>(std::ceil(back)), static_cast<std::int64_t>(std::floor(back)),
          step_time - until_newer};
}

enum class Interpolation { previous, next, nearest, linear, expdecay, expratedecay };

template <class Time, class Value>
Value interpolate(Interpolation rule, Value older, Value newer, Time elapsed, Time step_time,
                  Time constant) {
  switch (rule) {
    case Interpolation::previous:
      return older;
    case Interpolation::next:
      return newer;
    case Interpolation::nearest: {
      const Time share = elapsed / step_time;
      return share > Time(0.5) ? newer : older;
    }
    case Interpolation::linear: {
      const Time difference = static_cast<Time>(newer) - static_cast<Time>(older);
      const Time slope = difference / step_time;
      const Time rise = slope * elapsed;
      return static_cast<Value>(static_cast<Time>(older) + rise);
    }
    case Interpolation::expdecay: {
      const Time exponent = -elapsed / constant;
      return static_cast<Value>(static_cast<Time>(older) * std::exp(exponent));
    }
    case Interpolation::expratedecay: {
      const Time exponent = -elapsed * constant;
      return static_cast<Value>(static_cast<Time>(older) * std::exp(exponent));
    }
  }
  return older;
}

enum class Extrapolation {
  previous,
  next,
  nearest,
  neighbors,
  linear_forward,
  linear_backward,
  expdecay,
  expratedecay
};

/// What the linear extrapolations make of the observation they keep: scale * observation + shift.
template <class Time>
struct Adjustment {
  Time scale = 1;
  Time shift = 0;
  Time operator()(Time observation) const {
    const Time scaled = scale * observation;
    return scaled + shift;
  }
};

/// The pair (older, newer) that replaces the one there was.
template <class Time, class Value>
std::pair<Value, Value> extrapolate(Extrapolation rule, Value sample, Value older, Value newer,
                                    Time elapsed, Time step_time, Time constant,
                                    const Adjustment<Time>& adjust) {
  const Time x = static_cast<Time>(sample);
  switch (rule) {
    case Extrapolation::previous:
      return {sample, newer};
    case Extrapolation::next:
      return {older, sample};
    case Extrapolation::nearest: {
      const Time half = step_time / Time(2);
      if (elapsed > half) return {older, sample};
      return {sample, newer};
    }
    case Extrapolation::neighbors:
      return {sample, sample};
    case Extrapolation::linear_forward: {
      const Time kept = adjust(static_cast<Time>(older));
      const Time slope = (x - kept) / elapsed;
      const Time rise = slope * step_time;
      return {static_cast<Value>(kept), static_cast<Value>(kept + rise)};
    }
    case Extrapolation::linear_backward: {
      const Time kept = adjust(static_cast<Time>(newer));
      const Time slope = (kept - x) / (step_time - elapsed);
      const Time rise = slope * step_time;
      return {static_cast<Value>(kept - rise), static_cast<Value>(kept)};
    }
    case Extrapolation::expdecay: {
      const Time back = elapsed / constant;
      const Time on = (elapsed - step_time) / constant;
      return {static_cast<Value>(x * std::exp(back)), static_cast<Value>(x * std::exp(on))};
    }
    case Extrapolation::expratedecay: {
      const Time back = elapsed * constant;
      const Time on = (elapsed - step_time) * constant;
      return {static_cast<Value>(x * std::exp(back)), static_cast<Value>(x * std::exp(on))};
    }
  }
  return {older, newer};
}

}  // namespace reference
