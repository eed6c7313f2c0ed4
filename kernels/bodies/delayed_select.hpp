// delayed_select and spike_select: values at a time before the newest observation.
//
// With one selector a synapse, a call covers Width consecutive synapses; with several, Width
// selectors of one synapse, neighbouring calls covering neighbouring synapses, so that gathers at
// like delays fall together.
#pragma once

#include "cusynapse/math/interpolate.hpp"
#include "kernels/bodies/access.hpp"

namespace cusynapse::kernels {

/// Which elements a call of a select covers.
struct SelectRange {
  std::int64_t first;           ///< first selector and result
  std::int64_t end;             ///< of the selectors this call may touch
  std::int64_t element;         ///< synapse of the first selector
  std::int64_t element_stride;  ///< 1: a selector a synapse; 0: all of one synapse
};

CUSYNAPSE_HOST_DEVICE SelectRange select_range(std::int64_t x, std::int64_t y, std::int64_t size,
                                               std::int64_t samples, int width) {
  if (samples == 1) return {x * width, size, x * width, 1};
  return {x * samples + y * width, (x + 1) * samples, x, 0};
}

/// Calls (x, y) that cover a select.
struct SelectGrid {
  std::int64_t x;
  std::int64_t y;
};
inline SelectGrid select_grid(std::int64_t size, std::int64_t samples, int width) {
  if (samples == 1) return {group_count(size, width), 1};
  return {size, group_count(samples, width)};
}

/// A selector brought into [0, limit]; NaN becomes 0.
template <class T>
CUSYNAPSE_HOST_DEVICE T bounded_selector(T selector, T limit) {
  const T below = selector < limit ? selector : limit;
  return selector > T(0) ? below : T(0);
}

/// Whether a selector counts as inside: no further than `tolerance` from its bounded value. Never
/// for NaN.
template <class T>
CUSYNAPSE_HOST_DEVICE bool is_inside(T selector, T bounded, T tolerance) {
  return math::absolute(math::subtract(selector, bounded)) <= tolerance;
}

template <class T, SelectRule rule, int TraceCount, int Width>
struct DelayedSelectBody {
  DelayedSelect<T> arguments;

  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t y) const {
    const DelayedSelect<T>& a = arguments;
    const SelectRange range = select_range(x, y, a.size, a.samples, Width);
    const std::int32_t head = a.head.get();

    T selector[Width];
    if (a.selector != nullptr) {
      load_guarded(a.selector, range.first, range.end, selector);
    } else {
      for (int i = 0; i < Width; ++i) selector[i] = T(0);
    }

    // Past the end, lanes read the slot's own padding or the same synapse, and are not stored.
    T result[Width];
    for (int i = 0; i < Width; ++i) {
      const T bounded = bounded_selector(selector[i], a.limit);
      const math::Position<T> position = math::locate(bounded, a.step_time, a.tolerance, T(1));
      const bool on_grid = position.older == position.newer;
      T back = position.older;
      if constexpr (rule == SelectRule::nearest) {
        const bool is_newer = math::divide(position.elapsed, a.step_time) > T(0.5);
        back = is_newer ? position.newer : position.older;
      }
      const std::int32_t slot = math::slot_near(head, static_cast<std::int32_t>(back), a.slots);
      const std::int64_t at = slot * a.stride + range.element + i * range.element_stride;

      T value;
      if constexpr (rule == SelectRule::exponential_decay) {
        value = decayed(0, at, position.elapsed, on_grid);
        if constexpr (TraceCount == 2) {
          value = math::add(value, decayed(1, at, position.elapsed, on_grid));
        }
      } else if constexpr (rule == SelectRule::chain_decay) {
        const T feeder = a.traces[0][at];
        const T fed = a.traces[1][at];
        const T fed_value = math::interpolate_fed_decay(fed, feeder, position.elapsed,
                                                        a.time_constant[1], a.feed_rate);
        const T feeder_value =
            math::interpolate_exponential_decay(feeder, position.elapsed, a.time_constant[0]);
        value = math::add(weighted(0, on_grid ? feeder : feeder_value),
                          weighted(1, on_grid ? fed : fed_value));
      } else {
        value = a.traces[0][at];
      }
      const bool inside = !a.has_overbound || is_inside(selector[i], bounded, a.tolerance);
      result[i] = inside ? value : a.overbound;
    }
    store_guarded(result, range.first, range.end, a.out);
  }

 private:
  // A weight of 0 leaves a trace out even where it is infinite.
  CUSYNAPSE_HOST_DEVICE T weighted(int k, T value) const {
    return arguments.weight[k] == T(0) ? T(0) : math::multiply(arguments.weight[k], value);
  }
  CUSYNAPSE_HOST_DEVICE T decayed(int k, std::int64_t at, T elapsed, bool on_grid) const {
    const T factor = math::decay_factor(elapsed, arguments.time_constant[k]);
    return weighted(k, math::multiply(arguments.traces[k][at], on_grid ? T(1) : factor));
  }
};

/// Calls `launch` with the body for the arguments' rule.
template <int Width, class T, class Launch>
void visit_delayed_select(const DelayedSelect<T>& a, const Launch& launch) {
  switch (a.rule) {
    case SelectRule::previous:
      return launch(DelayedSelectBody<T, SelectRule::previous, 1, Width>{a});
    case SelectRule::nearest:
      return launch(DelayedSelectBody<T, SelectRule::nearest, 1, Width>{a});
    case SelectRule::exponential_decay:
      return a.trace_count == 1
                 ? launch(DelayedSelectBody<T, SelectRule::exponential_decay, 1, Width>{a})
                 : launch(DelayedSelectBody<T, SelectRule::exponential_decay, 2, Width>{a});
    case SelectRule::chain_decay:
      return launch(DelayedSelectBody<T, SelectRule::chain_decay, 2, Width>{a});
  }
}

template <class T, int Width>
struct SpikeSelectBody {
  SpikeSelect<T> arguments;

  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t y) const {
    const SpikeSelect<T>& a = arguments;
    const SelectRange range = select_range(x, y, a.size, a.samples, Width);
    const std::int32_t head = a.head.get();

    T selector[Width];
    if (a.selector != nullptr) {
      load_guarded(a.selector, range.first, range.end, selector);
    } else {
      for (int i = 0; i < Width; ++i) selector[i] = T(0);
    }

    bool spike[Width];
    bool inside[Width];
    for (int i = 0; i < Width; ++i) {
      const T bounded = bounded_selector(selector[i], a.limit);
      const math::Position<T> position = math::locate(bounded, a.step_time, a.tolerance, T(1));
      const bool is_newer = a.nearest && math::divide(position.elapsed, a.step_time) > T(0.5);
      const T back = is_newer ? position.newer : position.older;
      const std::int32_t slot = math::slot_near(head, static_cast<std::int32_t>(back), a.slots);
      const std::int64_t element = range.element + i * range.element_stride;
      spike[i] = math::test_bit(a.spikes + slot * (a.stride / 8), element);
      inside[i] = !a.has_overbound || is_inside(selector[i], bounded, a.tolerance);
    }

    if (a.values != nullptr) {
      T result[Width];
      for (int i = 0; i < Width; ++i) {
        result[i] = inside[i] ? (spike[i] ? a.amplitude : T(0)) : a.overbound;
      }
      store_guarded(result, range.first, range.end, a.values);
    } else {
      for (int i = 0; i < Width; ++i) {
        if (range.first + i < range.end) {
          a.bytes[range.first + i] = inside[i] ? spike[i] : a.overbound != T(0);
        }
      }
    }
  }
};

}  // namespace cusynapse::kernels
