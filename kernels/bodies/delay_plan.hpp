// delay_plan: from delays to slots and planned weights, once for many steps.
//
// A delay's slot, and what its value has decayed by, are what delayed_select would choose: the same
// arithmetic, on delays instead of selectors.
#pragma once

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
  const std::int32_t slot = static_cast<std::int32_t>(back) - 1;
  const bool inside = !a.has_overbound || is_inside(delay, bounded, a.tolerance);
  ChosenSlot<T> out;
  out.slot = inside ? (slot >= a.slots ? slot - a.slots : slot) : a.slots;
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

/// exp(elapsed / leading - elapsed / other), how much more the other trace has decayed by.
template <class T>
CUSYNAPSE_HOST_DEVICE T relative_decay(T elapsed, T leading, T other) {
  return math::exponential(
      math::subtract(math::divide(elapsed, leading), math::divide(elapsed, other)));
}

template <PlanRule rule, class T>
CUSYNAPSE_HOST_DEVICE PlannedWeight<T> plan_weight(const DelayedSelect<T>& a, T delay, T weight) {
  PlannedWeight<T> out{0, weight, T(0)};
  if constexpr (rule != PlanRule::undelayed) {
    const ChosenSlot<T> chosen = choose_slot<rule>(a, delay);
    out.slot = chosen.slot;
    if constexpr (rule != PlanRule::previous && rule != PlanRule::nearest) {
      const int leading = leading_trace(a);
      const int other = 1 - leading;
      const T elapsed = chosen.elapsed;
      const T factor =
          math::multiply(a.weight[leading], math::decay_factor(elapsed, a.time_constant[leading]));
      T share = T(0);
      if constexpr (planned_count<rule> == 2) {
        if (a.weight[leading] != T(0)) {
          share = a.weight[other] == T(0)
                      ? T(0)
                      : math::multiply(math::divide(a.weight[other], a.weight[leading]),
                                       relative_decay(elapsed, a.time_constant[leading],
                                                      a.time_constant[other]));
        }
      }
      if constexpr (rule == PlanRule::chain_decay) {
        // The second trace has taken over what the first fed it since.
        if (leading == 1) share = math::add(share, math::multiply(elapsed, a.feed_rate));
      }
      const bool inside = chosen.slot != a.slots;
      out.weight = inside ? math::multiply(weight, factor) : weight;
      out.share = inside ? share : T(0);
    }
  }
  return out;
}

/// Stores planned weights at consecutive places from `at` on, the first `count` of Width.
template <PlanRule rule, int Width, class T>
CUSYNAPSE_HOST_DEVICE void store_plan(const DelayPlan<T>& a, const PlannedWeight<T> (&plan)[Width],
                                      std::int64_t at, std::int32_t count) {
  if (a.slots != nullptr) {
    if (a.width == SlotWidth::byte) {
      auto* const slots = static_cast<std::uint8_t*>(a.slots) + at;
      for (int i = 0; i < Width; ++i) {
        if (i < count) slots[i] = static_cast<std::uint8_t>(plan[i].slot);
      }
    } else {
      auto* const slots = static_cast<std::uint16_t*>(a.slots) + at;
      for (int i = 0; i < Width; ++i) {
        if (i < count) slots[i] = static_cast<std::uint16_t>(plan[i].slot);
      }
    }
  }
  if (a.planned[0] != nullptr) {
    for (int i = 0; i < Width; ++i) {
      if (i < count) a.planned[0][at + i] = plan[i].weight;
    }
  }
  if constexpr (planned_count<rule> == 2) {
    if (a.planned[1] != nullptr) {
      for (int i = 0; i < Width; ++i) {
        if (i < count) a.planned[1][at + i] = plan[i].share;
      }
    }
  }
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
    PlannedWeight<T> plan[Width];
    for (int i = 0; i < Width; ++i) plan[i] = plan_weight<rule>(a.select, delays[i], weights[i]);
    const std::int64_t left = size - first;
    store_plan<rule>(a, plan, first, static_cast<std::int32_t>(left < Width ? left : Width));
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
    for (int j = 0; j < Width; ++j) {
      for (int i = 0; i < Inputs; ++i) {
        const bool is_there = first_output + j < a.rows && first_input + i < a.columns;
        const std::int64_t from = (first_output + j) * a.columns + first_input + i;
        weights[i][j] = is_there ? a.weights[from] : T(0);
        if constexpr (rule != PlanRule::undelayed) delays[i][j] = is_there ? a.delays[from] : T(0);
      }
    }
    const std::int64_t tile = y * (sum_run * dense_tile_outputs);
    for (int i = 0; i < Inputs; ++i) {
      PlannedWeight<T> plan[Width];
      for (int j = 0; j < Width; ++j) {
        plan[j] = plan_weight<rule>(a.select, rule == PlanRule::undelayed ? T(0) : delays[i][j],
                                    weights[i][j]);
      }
      store_plan<rule>(a, plan, tile + (in_tile + i) * dense_tile_outputs + out_tile, Width);
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
