// delayed_select and spike_select: values at a time before the newest observation.
//
// A call covers Width consecutive selectors, of one synapse or of several.
#pragma once

#include "cusynapse/math/interpolate.hpp"
#include "kernels/bodies/access.hpp"

namespace cusynapse::kernels {

/// The synapses that selectors [first, first + Width) of an array [size][samples] belong to. Lanes
/// past the end get the last synapse.
template <int Width>
CUSYNAPSE_HOST_DEVICE void selected_elements(std::int64_t first, std::int64_t samples,
                                             std::int64_t size, std::int64_t (&elements)[Width]) {
  if (samples == 1) {
    for (int i = 0; i < Width; ++i) elements[i] = first + i < size ? first + i : size - 1;
    return;
  }
  // One division a call, of 32 bits where that is enough.
  std::int64_t element = (first | samples) >> 32 == 0 ? static_cast<std::uint32_t>(first) /
                                                            static_cast<std::uint32_t>(samples)
                                                      : first / samples;
  std::int64_t sample = first - element * samples;
  for (int i = 0; i < Width; ++i) {
    elements[i] = element < size ? element : size - 1;
    const bool is_last = ++sample == samples;
    element += is_last ? 1 : 0;
    sample = is_last ? 0 : sample;
  }
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

/// Loads selectors, 0 where there are none.
template <int Width, class T>
CUSYNAPSE_HOST_DEVICE void load_selectors(const T* selectors, std::int64_t first, std::int64_t end,
                                          T (&to)[Width]) {
  if (selectors != nullptr) {
    load_guarded<false>(selectors, first, end, to);
  } else {
    for (int i = 0; i < Width; ++i) to[i] = T(0);
  }
}

/// A trace's part in a current. A weight of 0 leaves it out even where it is infinite.
template <class T>
CUSYNAPSE_HOST_DEVICE T weighted(T weight, T value) {
  return weight == T(0) ? T(0) : math::multiply(weight, value);
}

/// The current `elapsed` after an observation of one or two traces.
template <SelectRule rule, int TraceCount, class T>
CUSYNAPSE_HOST_DEVICE T select_value(const DelayedSelect<T>& a, T first, T second, T elapsed) {
  if constexpr (rule == SelectRule::exponential_decay) {
    const T value = weighted(
        a.weight[0], math::multiply(first, math::decay_factor(elapsed, a.time_constant[0])));
    if constexpr (TraceCount == 1) return value;
    return math::add(
        value, weighted(a.weight[1],
                        math::multiply(second, math::decay_factor(elapsed, a.time_constant[1]))));
  } else if constexpr (rule == SelectRule::chain_decay) {
    const T feeder = math::interpolate_exponential_decay(first, elapsed, a.time_constant[0]);
    const T fed =
        math::interpolate_fed_decay(second, first, elapsed, a.time_constant[1], a.feed_rate);
    // Times 0, an infinite feeder would not be 0.
    return math::add(weighted(a.weight[0], feeder),
                     weighted(a.weight[1], elapsed == T(0) ? second : fed));
  } else {
    return weighted(a.weight[0], first);
  }
}

/// Traces are stored as Stored.
template <class T, SelectRule rule, int TraceCount, int Width, class Stored = T>
struct DelayedSelectBody {
  DelayedSelect<T> arguments;

  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t) const {
    const DelayedSelect<T>& a = arguments;
    const std::int64_t first = x * Width;
    const std::int64_t end = a.size * a.samples;
    const std::int32_t head = a.head.get();

    T selector[Width];
    load_selectors(a.selector, first, end, selector);

    // Where each value lies and how long before the time asked for it was observed; then the
    // values; then the results. Loops of their own, because one that gathers does not vectorise.
    std::int64_t at[Width];
    selected_elements(first, a.samples, a.size, at);
    T elapsed[Width];  // 0 on the grid, where the observation is the value
    for (int i = 0; i < Width; ++i) {
      const T bounded = bounded_selector(selector[i], a.limit);
      const math::Position<T> position = math::locate(bounded, a.step_time, a.tolerance, T(1));
      T back = position.older;
      if constexpr (rule == SelectRule::nearest) {
        const bool is_newer = math::divide(position.elapsed, a.step_time) > T(0.5);
        back = is_newer ? position.newer : position.older;
      }
      const std::int32_t slot = math::slot_near(head, static_cast<std::int32_t>(back), a.slots);
      at[i] += slot * a.stride;
      elapsed[i] = position.older == position.newer ? T(0) : position.elapsed;
    }

    T values[TraceCount][Width];
    for (int k = 0; k < TraceCount; ++k) {
      const Stored* const trace = a.traces[k].template as<Stored>();
      if constexpr (std::is_same_v<T, Stored>) {
        for (int i = 0; i < Width; ++i) values[k][i] = trace[at[i]];
      } else {
        Stored gathered[Width];
        for (int i = 0; i < Width; ++i) gathered[i] = trace[at[i]];
        for (int i = 0; i < Width; ++i) values[k][i] = loaded<T>(gathered[i]);
      }
    }

    T result[Width];
    for (int i = 0; i < Width; ++i) {
      const T fed = TraceCount == 2 ? values[TraceCount - 1][i] : T(0);
      const T value = select_value<rule, TraceCount>(a, values[0][i], fed, elapsed[i]);
      const T bounded = bounded_selector(selector[i], a.limit);
      const bool inside = !a.has_overbound || is_inside(selector[i], bounded, a.tolerance);
      result[i] = inside ? value : a.overbound;
    }
    store_guarded(result, first, end, a.out);
  }
};

/// Calls `launch` with the body for the arguments' rule and storage.
template <int Width, class T, class Launch>
void visit_delayed_select(const DelayedSelect<T>& a, const Launch& launch) {
  visit_storage<T>(a.traces[0].storage(), [&](auto element) {
    using Stored = decltype(element);
    switch (a.rule) {
      case SelectRule::previous:
        return launch(DelayedSelectBody<T, SelectRule::previous, 1, Width, Stored>{a});
      case SelectRule::nearest:
        return launch(DelayedSelectBody<T, SelectRule::nearest, 1, Width, Stored>{a});
      case SelectRule::exponential_decay:
        return a.trace_count == 1
                   ? launch(
                         DelayedSelectBody<T, SelectRule::exponential_decay, 1, Width, Stored>{a})
                   : launch(
                         DelayedSelectBody<T, SelectRule::exponential_decay, 2, Width, Stored>{a});
      case SelectRule::chain_decay:
        return launch(DelayedSelectBody<T, SelectRule::chain_decay, 2, Width, Stored>{a});
    }
  });
}

template <class T, int Width>
struct SpikeSelectBody {
  SpikeSelect<T> arguments;

  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t) const {
    const SpikeSelect<T>& a = arguments;
    const std::int64_t first = x * Width;
    const std::int64_t end = a.size * a.samples;
    const std::int32_t head = a.head.get();

    T selector[Width];
    load_selectors(a.selector, first, end, selector);

    std::int64_t at[Width];  // in bits
    selected_elements(first, a.samples, a.size, at);
    for (int i = 0; i < Width; ++i) {
      const T bounded = bounded_selector(selector[i], a.limit);
      const math::Position<T> position = math::locate(bounded, a.step_time, a.tolerance, T(1));
      const bool is_newer = a.nearest && math::divide(position.elapsed, a.step_time) > T(0.5);
      const T back = is_newer ? position.newer : position.older;
      const std::int32_t slot = math::slot_near(head, static_cast<std::int32_t>(back), a.slots);
      at[i] += slot * a.stride;
    }

    T spike[Width];
    for (int i = 0; i < Width; ++i) spike[i] = math::test_bit(a.spikes, at[i]) ? T(1) : T(0);

    const T amplitude = a.values != nullptr ? a.amplitude : T(1);
    T result[Width];
    for (int i = 0; i < Width; ++i) {
      const T bounded = bounded_selector(selector[i], a.limit);
      const bool inside = !a.has_overbound || is_inside(selector[i], bounded, a.tolerance);
      const T value = spike[i] != T(0) ? amplitude : T(0);
      result[i] = inside ? value : a.overbound;
    }
    if (a.values != nullptr) {
      store_guarded(result, first, end, a.values);
    } else {
      std::uint8_t bytes[Width];
      for (int i = 0; i < Width; ++i) bytes[i] = result[i] != T(0) ? 1 : 0;
      store_guarded(bytes, first, end, a.bytes);
    }
  }
};

}  // namespace cusynapse::kernels
