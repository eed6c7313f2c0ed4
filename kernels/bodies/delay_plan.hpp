// delay_plan: from delays to slots and planned weights, once for many steps.
//
// A delay's slot, and what its value has decayed by, are what delayed_select would choose: the same
// arithmetic, on delays instead of selectors.
#pragma once

#include <cmath>

#include "cusynapse/connection_ops.hpp"
#include "kernels/bodies/delayed_select.hpp"

namespace cusynapse::kernels {

/// How a plan is made: a rule of selection with its number of traces, or no delays.
enum class PlanRule : std::int32_t {
  undelayed,
  previous,
  nearest,
  exponential_decay_1,
  exponential_decay_2,
  chain_decay,
};

template <class T>
CUSYNAPSE_HOST_DEVICE PlanRule plan_rule(const DelayedSelect<T>& select) {
  switch (select.rule) {
    case SelectRule::previous:
      return PlanRule::previous;
    case SelectRule::nearest:
      return PlanRule::nearest;
    case SelectRule::exponential_decay:
      return select.trace_count == 2 ? PlanRule::exponential_decay_2
                                     : PlanRule::exponential_decay_1;
    case SelectRule::chain_decay:
      return PlanRule::chain_decay;
  }
  return PlanRule::previous;
}

/// Planned arrays of a rule.
template <PlanRule rule>
inline constexpr int planned_count =
    rule == PlanRule::exponential_decay_2 || rule == PlanRule::chain_decay ? 2 : 1;

/// The observation a delay reads.
template <class T>
struct ChosenSlot {
  std::int32_t slot;  ///< 0 the newest; the number of slots there are, out of range
  T elapsed;          ///< since it was observed; 0 on the grid
};

template <PlanRule rule, class T>
CUSYNAPSE_HOST_DEVICE ChosenSlot<T> choose_slot(const DelayedSelect<T>& a, T delay) {
  const T bounded = bounded_selector(delay, a.limit);
  const math::Position<T> position = math::locate(bounded, a.step_time, a.tolerance, T(1));
  T back = position.older;
  if constexpr (rule == PlanRule::nearest) {
    const bool is_newer = math::divide(position.elapsed, a.step_time) > T(0.5);
    back = is_newer ? position.newer : position.older;
  }
  const std::int32_t steps = static_cast<std::int32_t>(back) - 1;
  const std::int32_t slot = steps >= a.slots ? steps - a.slots : steps;
  // is_inside, as a comparison with a number that is the same for all delays: so a loop over delays
  // vectorises. Without an overbound nothing is outside, not even NaN.
  const T reach = a.has_overbound ? a.tolerance : T(INFINITY);
  const T difference = math::absolute(math::subtract(delay, bounded));
  const T distance = difference >= T(0) ? difference : T(INFINITY);
  ChosenSlot<T> out;
  out.slot = distance <= reach ? slot : a.slots;
  out.elapsed = position.older == position.newer ? T(0) : position.elapsed;
  return out;
}

/// What one weight reads: weight * (leading trace + share * other trace) at a slot. Out of range
/// the leading trace is the overbound and the other 0.
template <class T>
struct PlannedWeight {
  std::int32_t slot;
  T weight;
  T share;
};

/// exp(elapsed / leading - elapsed / other), how much more the other trace has decayed by; 0 where
/// both quotients are infinite, and nothing is left of either.
template <class T>
CUSYNAPSE_HOST_DEVICE T relative_decay(T elapsed, T leading, T other) {
  const T difference = math::subtract(math::divide(elapsed, leading), math::divide(elapsed, other));
  return math::exponential(difference == difference ? difference : -T(INFINITY));
}

template <PlanRule rule, class T>
CUSYNAPSE_HOST_DEVICE PlannedWeight<T> plan_weight(const DelayedSelect<T>& a, T delay, T weight) {
  PlannedWeight<T> out{0, weight, T(0)};
  if constexpr (rule != PlanRule::undelayed) {
    const ChosenSlot<T> chosen = choose_slot<rule>(a, delay);
    out.slot = chosen.slot;
    if constexpr (rule != PlanRule::previous && rule != PlanRule::nearest) {
      const bool second_leads = planned_count<rule> == 2 && leading_trace(a) == 1;
      const T leading_weight = second_leads ? a.weight[1] : a.weight[0];
      const T leading_constant = second_leads ? a.time_constant[1] : a.time_constant[0];
      const T elapsed = chosen.elapsed;
      const T factor =
          math::multiply(leading_weight, math::decay_factor(elapsed, leading_constant));
      T share = T(0);
      if constexpr (planned_count<rule> == 2) {
        const T other_weight = second_leads ? a.weight[0] : a.weight[1];
        const T other_constant = second_leads ? a.time_constant[0] : a.time_constant[1];
        if (leading_weight != T(0) && other_weight != T(0)) {
          share = math::multiply(math::divide(other_weight, leading_weight),
                                 relative_decay(elapsed, leading_constant, other_constant));
        }
      }
      if constexpr (rule == PlanRule::chain_decay) {
        // The second trace has taken over what the first fed it since.
        if (second_leads) share = math::add(share, math::multiply(elapsed, a.feed_rate));
      }
      const bool inside = chosen.slot != a.slots;
      out.weight = inside ? math::multiply(weight, factor) : weight;
      out.share = inside ? share : T(0);
    }
  }
  return out;
}

/// Stores slots from place `at` on, as far as it is below `end`.
template <class Slot, int Width>
CUSYNAPSE_HOST_DEVICE void store_slots(const std::int32_t (&slots)[Width], std::int64_t at,
                                       std::int64_t end, void* to) {
  Slot narrow[Width];
  for (int i = 0; i < Width; ++i) narrow[i] = static_cast<Slot>(slots[i]);
  store_guarded(narrow, at, end, static_cast<Slot*>(to));
}

/// Stores values from place `at` on, as far as it is below `end`, whichever way they are stored.
template <class T, int Width>
struct StorePlanned {
  const StoredData<T>& to;
  const T (&values)[Width];
  std::int64_t at;
  std::int64_t end;
  template <class Stored>
  CUSYNAPSE_HOST_DEVICE void operator()(Stored) const {
    if constexpr (std::is_same_v<T, Stored>) {
      store_guarded(values, at, end, to.template as<T>());
    } else {
      Stored elements[Width];
      for (int i = 0; i < Width; ++i) elements[i] = stored<Stored>(values[i]);
      store_guarded(elements, at, end, to.template as<Stored>());
    }
  }
};
template <class T, int Width>
CUSYNAPSE_HOST_DEVICE void store_planned(const T (&values)[Width], std::int64_t at,
                                         std::int64_t end, const StoredData<T>& to) {
  if (to.data() == nullptr) return;
  visit_storage<T>(to.storage(), StorePlanned<T, Width>{to, values, at, end});
}

/// Plans Width weights and stores them from place `at` on, as far as it is below `end`. In loops of
/// their own, which vectorise.
template <PlanRule rule, int Width, class T>
CUSYNAPSE_HOST_DEVICE void plan_and_store(const DelayPlan<T>& a, const T* delays, const T* weights,
                                          std::int64_t at, std::int64_t end) {
  std::int32_t slots[Width];
  T planned[Width];
  T shares[Width];
  for (int i = 0; i < Width; ++i) {
    const PlannedWeight<T> plan = plan_weight<rule>(a.select, delays[i], weights[i]);
    slots[i] = plan.slot;
    planned[i] = plan.weight;
    shares[i] = plan.share;
  }
  if (a.slots != nullptr && a.width == SlotWidth::byte) {
    store_slots<std::uint8_t>(slots, at, end, a.slots);
  } else if (a.slots != nullptr) {
    store_slots<std::uint16_t>(slots, at, end, a.slots);
  }
  store_planned(planned, at, end, a.planned[0]);
  if constexpr (planned_count<rule> == 2) store_planned(shares, at, end, a.planned[1]);
}

/// Plans in the order of the weights: call (x, 0) covers Width consecutive ones.
template <class T, PlanRule rule, int Width>
struct PlanRowBody {
  DelayPlan<T> arguments;

  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t) const {
    const DelayPlan<T>& a = arguments;
    const std::int64_t first = x * Width;
    const std::int64_t size = a.rows * a.columns;
    T weights[Width];
    T delays[Width] = {};
    load_guarded<false>(a.weights, first, size, weights);
    if constexpr (rule != PlanRule::undelayed) load_guarded<false>(a.delays, first, size, delays);
    plan_and_store<rule, Width>(a, delays, weights, first, size);
  }
};

/// Plans in dense tiles: call (x, y) covers Inputs inputs of Width outputs of tile y, which follow
/// each other in the tile and lie a row apart in the weights.
template <class T, PlanRule rule, int Inputs, int Width>
struct PlanTileBody {
  static_assert(dense_tile_outputs % Width == 0 && sum_run % Inputs == 0, "whole tiles");
  static constexpr std::int64_t calls =
      (dense_tile_outputs / Width) * (sum_run / Inputs);  ///< of a tile
  DelayPlan<T> arguments;

  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t y) const {
    const DelayPlan<T>& a = arguments;
    const std::int64_t runs = (a.columns + sum_run - 1) / sum_run;
    const std::int64_t in_tile = x / (dense_tile_outputs / Width) * Inputs;
    const std::int64_t out_tile = x % (dense_tile_outputs / Width) * Width;
    const std::int64_t first_input = y % runs * sum_run + in_tile;
    const std::int64_t first_output = y / runs * dense_tile_outputs + out_tile;

    T weights[Inputs][Width];
    T delays[Inputs][Width];
    load(a.weights, first_input, first_output, weights);
    if constexpr (rule != PlanRule::undelayed) load(a.delays, first_input, first_output, delays);
    const std::int64_t tile = y * (sum_run * dense_tile_outputs);
    for (int i = 0; i < Inputs; ++i) {
      const std::int64_t at = tile + (in_tile + i) * dense_tile_outputs + out_tile;
      plan_and_store<rule, Width>(a, rule == PlanRule::undelayed ? weights[i] : delays[i],
                                  weights[i], at, at + Width);
    }
  }

 private:
  // Turned over from [output][input]; 0 where there is no weight.
  CUSYNAPSE_HOST_DEVICE void load(const T* from, std::int64_t first_input,
                                  std::int64_t first_output, T (&to)[Inputs][Width]) const {
    const DelayPlan<T>& a = arguments;
    const bool is_whole = first_output + Width <= a.rows && first_input + Inputs <= a.columns;
    for (int j = 0; j < Width; ++j) {
      const T* const row = from + (first_output + j) * a.columns + first_input;
      for (int i = 0; i < Inputs; ++i) {
        const bool is_there =
            is_whole || (first_output + j < a.rows && first_input + i < a.columns);
        to[i][j] = is_there ? row[i] : T(0);
      }
    }
  }
};

/// Calls `visit` with the plan's rule as a constant.
template <class T, class Visit>
void visit_plan(const DelayPlan<T>& a, const Visit& visit) {
  using Rule = PlanRule;
  switch (a.delays == nullptr ? Rule::undelayed : plan_rule(a.select)) {
    case Rule::undelayed:
      return visit(std::integral_constant<Rule, Rule::undelayed>());
    case Rule::previous:
      return visit(std::integral_constant<Rule, Rule::previous>());
    case Rule::nearest:
      return visit(std::integral_constant<Rule, Rule::nearest>());
    case Rule::exponential_decay_1:
      return visit(std::integral_constant<Rule, Rule::exponential_decay_1>());
    case Rule::exponential_decay_2:
      return visit(std::integral_constant<Rule, Rule::exponential_decay_2>());
    case Rule::chain_decay:
      return visit(std::integral_constant<Rule, Rule::chain_decay>());
  }
}

}  // namespace cusynapse::kernels
