// Arithmetic of circular histories: their size, their slots, and where a delay falls between slots.
#pragma once

#include "cusynapse/math/arithmetic.hpp"

namespace cusynapse::math {

/// Slots a history of `duration` needs at steps of `step_time` (both ms):
/// max(ceil(duration / step_time) + inclusive, 1), the quotient in double with no tolerance, so
/// that 0.3 at 0.1 gives one slot less than 3 * 0.1 at 0.1.
inline double history_slots(double duration, double step_time, bool inclusive) {
  const double slots = std::ceil(duration / step_time) + (inclusive ? 1.0 : 0.0);
  return slots < 1.0 ? 1.0 : slots;
}

/// The slot `steps` back from the head of a ring of `slots`, for any steps. The head is the slot
/// the next push writes, so 1 step back is the newest observation and `slots` back the oldest.
CUSYNAPSE_HOST_DEVICE std::int32_t slot_at(std::int32_t head, std::int64_t steps,
                                           std::int32_t slots) {
  std::int64_t slot = head - steps % slots;
  slot += slot < 0 ? slots : 0;
  slot -= slot >= slots ? slots : 0;
  return static_cast<std::int32_t>(slot);
}

/// The same for 0 <= steps <= 2 * slots, without a division.
CUSYNAPSE_HOST_DEVICE std::int32_t slot_near(std::int32_t head, std::int32_t steps,
                                             std::int32_t slots) {
  std::int32_t slot = head - steps;
  slot += slot < 0 ? slots : 0;
  slot += slot < 0 ? slots : 0;
  return slot;
}

/// Where a time falls between the observations of a history.
template <class T>
struct Position {
  T older;    ///< steps back from the head to the observation at or before the time
  T newer;    ///< steps back to the one at or after it; equal to `older` on the grid
  T elapsed;  ///< time since `older` (ms), in (0, step_time]
};

/// Locates `time` (ms before the newest observation, plus `offset` - 1 steps) in a history sampled
/// every `step_time`. A time within `tolerance` of a grid point counts as on it. Every operation is
/// rounded on its own, in T: the slot chosen is the same on every backend.
template <class T>
CUSYNAPSE_HOST_DEVICE Position<T> locate(T time, T step_time, T tolerance, T offset) {
  T steps = divide(time, step_time);
  const T rounded = round_to_even(steps);
  const bool on_grid = absolute(subtract(multiply(step_time, rounded), time)) <= tolerance;
  steps = on_grid ? rounded : steps;
  const T back = add(offset, steps);
  // steps mod 1 as a floored remainder; exact, since both have the same exponent or a larger one.
  const T fraction = subtract(steps, floor(steps));
  return {ceil(back), floor(back), subtract(step_time, multiply(step_time, fraction))};
}

}  // namespace cusynapse::math
