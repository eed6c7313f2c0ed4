// The oracle of parameter updates: every part is kept, and everything is computed at the end.
//
// Written from the formulas alone, one rounded operation a line, in the parameter's type; powers in
// long double, rounded once. Nothing of the library is used here.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

namespace reference {

enum class UpdateReduction { sum, mean, maximum };

enum class BoundRule { none, multiplicative, power, scaled_multiplicative, scaled_power, sharp };

inline bool is_power(BoundRule rule) {
  return rule == BoundRule::power || rule == BoundRule::scaled_power;
}

template <class T>
struct UpdateBound {
  BoundRule rule = BoundRule::none;
  T limit = 0;
  T power = 1;
  T range = 1;
};

template <class T>
struct Accumulator {
  using Part = std::vector<T>;

  UpdateReduction reduction = UpdateReduction::sum;
  UpdateBound<T> upper;
  UpdateBound<T> lower;
  std::vector<Part> positive;
  std::vector<Part> negative;

  struct Updated {
    Part parameter;
    /// Sizes of an element's values, 0 where no power function took part: of the bounded sides with
    /// a power, which are as wrong as the power is, and of the sums they went into, whose last bit
    /// may turn with them.
    std::vector<T> powers;
    std::vector<T> sums;
  };

  /// The parameter after the update, and nothing accumulated any more.
  Updated update(const Part& parameter) {
    const std::vector<T> zeros(parameter.size(), T(0));
    Updated result{parameter, zeros, zeros};
    for (std::size_t i = 0; i < parameter.size() && (!positive.empty() || !negative.empty()); ++i) {
      const T p = parameter[i];
      const T room_above = upper.limit - p;
      const T room_below = p - lower.limit;
      const T increase = bounded(upper, room_above, reduced(positive, i));
      const T decrease = bounded(lower, room_below, reduced(negative, i));
      // A side without parts is 0, whatever its bound.
      const T change = (positive.empty() ? T(0) : increase) - (negative.empty() ? T(0) : decrease);
      result.parameter[i] = p + change;
      if (is_power(upper.rule) && !positive.empty()) result.powers[i] += std::fabs(increase);
      if (is_power(lower.rule) && !negative.empty()) result.powers[i] += std::fabs(decrease);
      if (result.powers[i] != T(0)) result.sums[i] = std::fabs(change) + std::fabs(p + change);
    }
    positive.clear();
    negative.clear();
    return result;
  }

 private:
  T reduced(const std::vector<Part>& parts, std::size_t element) const {
    if (parts.empty()) return T(0);
    T value = parts.front()[element];
    for (std::size_t k = 1; k < parts.size(); ++k) {
      const T next = parts[k][element];
      if (reduction != UpdateReduction::maximum) {
        value = value + next;
      } else if (std::isnan(next) || next > value) {
        value = next;
      }
    }
    if (reduction == UpdateReduction::mean) value = value / static_cast<T>(parts.size());
    return value;
  }

  static T bounded(const UpdateBound<T>& bound, T room, T part) {
    const T share = room / bound.range;
    switch (bound.rule) {
      case BoundRule::none:
        return part;
      case BoundRule::multiplicative:
        return room * part;
      case BoundRule::power:
        return raised(room, bound.power) * part;
      case BoundRule::scaled_multiplicative:
        return share * part;
      case BoundRule::scaled_power:
        return raised(share, bound.power) * part;
      case BoundRule::sharp:
        return (room > T(0) ? T(1) : T(0)) * part;
    }
    return part;
  }

  static T raised(T base, T exponent) {
    return static_cast<T>(
        std::pow(static_cast<long double>(base), static_cast<long double>(exponent)));
  }
};

}  // namespace reference
