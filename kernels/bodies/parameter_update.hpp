// Parameter updates: accumulate parts, then apply what they come to.
//
// A call covers group x of Width elements. Every block reads the counts of parts when it starts, so
// they change only after the last one has: as the head of a ring, see bodies/arrival.hpp.
#pragma once

#include <cmath>

#include "cusynapse/update_ops.hpp"
#include "kernels/bodies/access.hpp"
#include "kernels/bodies/arrival.hpp"

namespace cusynapse::kernels {

template <class T, int Width>
struct AccumulatePartBody {
  AccumulatePart<T> arguments;

  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t) const {
    const AccumulatePart<T>& a = arguments;
    const std::int64_t first = x * Width;
    T values[Width];
    load_guarded<false>(a.part, first, a.size, values);
    if (a.state != nullptr && a.state->parts[static_cast<int>(a.side)] > 0) {
      T before[Width];
      load_guarded<false>(a.accumulated, first, a.size, before);
      if (a.reduction == UpdateReduction::maximum) {
        for (int i = 0; i < Width; ++i) values[i] = larger(before[i], values[i]);
      } else {
        for (int i = 0; i < Width; ++i) values[i] = math::add(before[i], values[i]);
      }
    }
    store_guarded(values, first, a.size, a.accumulated);
  }

  template <class Atomics>
  CUSYNAPSE_HOST_DEVICE void arrive(std::int64_t, std::int64_t blocks) const {
    UpdateState* state = arguments.state;
    if (is_last_arrival<Atomics>(state, blocks)) ++state->parts[static_cast<int>(arguments.side)];
  }

 private:
  // A NaN on either side stays.
  CUSYNAPSE_HOST_DEVICE static T larger(T a, T b) { return a > b || a != a ? a : b; }
};

template <class T, int Width>
struct ParameterUpdateBody {
  ParameterUpdate<T> arguments;

  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t) const {
    const ParameterUpdate<T>& a = arguments;
    const std::int64_t positive_parts = parts(a.positive, UpdateSide::positive);
    const std::int64_t negative_parts = parts(a.negative, UpdateSide::negative);
    if (positive_parts == 0 && negative_parts == 0) return;
    const std::int64_t first = x * Width;
    T parameter[Width];
    load_guarded<false>(a.parameter, first, a.size, parameter);

    T room[Width];
    T increase[Width] = {};
    if (positive_parts > 0) {
      load_guarded<false>(a.positive, first, a.size, increase);
      for (int i = 0; i < Width; ++i) room[i] = math::subtract(a.upper.limit, parameter[i]);
      reduce(positive_parts, increase);
      bound(a.upper, room, increase);
    }
    T decrease[Width] = {};
    if (negative_parts > 0) {
      load_guarded<false>(a.negative, first, a.size, decrease);
      for (int i = 0; i < Width; ++i) room[i] = math::subtract(parameter[i], a.lower.limit);
      reduce(negative_parts, decrease);
      bound(a.lower, room, decrease);
    }
    for (int i = 0; i < Width; ++i) {
      parameter[i] = math::add(parameter[i], math::subtract(increase[i], decrease[i]));
    }
    store_guarded(parameter, first, a.size, a.parameter);
  }

  template <class Atomics>
  CUSYNAPSE_HOST_DEVICE void arrive(std::int64_t, std::int64_t blocks) const {
    UpdateState* state = arguments.state;
    if (!is_last_arrival<Atomics>(state, blocks)) return;
    state->parts[0] = 0;
    state->parts[1] = 0;
  }

 private:
  CUSYNAPSE_HOST_DEVICE std::int64_t parts(const T* accumulated, UpdateSide side) const {
    if (accumulated == nullptr) return 0;
    return arguments.state != nullptr ? arguments.state->parts[static_cast<int>(side)] : 1;
  }

  CUSYNAPSE_HOST_DEVICE void reduce(std::int64_t count, T (&values)[Width]) const {
    if (arguments.reduction != UpdateReduction::mean) return;
    const T divisor = static_cast<T>(count);
    for (int i = 0; i < Width; ++i) values[i] = math::divide(values[i], divisor);
  }

  // In double for float as well: rounded once, whatever the last bits of the backend's function.
  CUSYNAPSE_HOST_DEVICE static T power(T base, T exponent) {
    return static_cast<T>(::pow(static_cast<double>(base), static_cast<double>(exponent)));
  }

  // Multiplies values with the bound's factor of the room, which is overwritten.
  CUSYNAPSE_HOST_DEVICE static void bound(const UpdateBound<T>& bound, T (&room)[Width],
                                          T (&values)[Width]) {
    if (bound.rule == BoundRule::none) return;
    if (bound.rule == BoundRule::scaled_multiplicative || bound.rule == BoundRule::scaled_power) {
      for (int i = 0; i < Width; ++i) room[i] = math::divide(room[i], bound.range);
    }
    if (bound.rule == BoundRule::power || bound.rule == BoundRule::scaled_power) {
      for (int i = 0; i < Width; ++i) room[i] = power(room[i], bound.power);
    }
    if (bound.rule == BoundRule::sharp) {
      for (int i = 0; i < Width; ++i) room[i] = room[i] > T(0) ? T(1) : T(0);
    }
    for (int i = 0; i < Width; ++i) values[i] = math::multiply(room[i], values[i]);
  }
};

}  // namespace cusynapse::kernels
