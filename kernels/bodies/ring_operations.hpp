// The general history operations: read and write slots, at given times, and into other rings.
//
// A call (x, y) covers group x of Width elements; y counts slots where whole rings are made.
#pragma once

#include "cusynapse/math/interpolate.hpp"
#include "kernels/bodies/access.hpp"
#include "kernels/bodies/arrival.hpp"

namespace cusynapse::kernels {

/// Steps back as a whole number; 0 for what is none (NaN, infinities, beyond 2^31).
template <class Time>
CUSYNAPSE_HOST_DEVICE std::int64_t whole_steps(Time steps) {
  return math::absolute(steps) < Time(2147483648.0) ? static_cast<std::int64_t>(steps) : 0;
}

/// A position in whole steps, whichever type it was located in.
template <class Time>
struct Place {
  std::int64_t older;
  std::int64_t newer;
  Time elapsed;  ///< since `older`
  bool on_grid;
};
template <class Time, class Located>
CUSYNAPSE_HOST_DEVICE Place<Time> place_of(const math::Position<Located>& position) {
  return {whole_steps(position.older), whole_steps(position.newer),
          static_cast<Time>(position.elapsed), position.older == position.newer};
}

template <class T, int Width>
struct RingWriteBody {
  RingWrite<T> arguments;

  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t) const {
    const RingWrite<T>& a = arguments;
    const std::int64_t first = x * Width;
    const std::int32_t head = a.ring.head.get();
    // Of more frames than slots the last stay. On a GPU a group may be stored by another lane than
    // the time before, so none is stored twice.
    std::int64_t frame = a.frames > a.ring.slots ? a.frames - a.ring.slots : 0;
    for (; frame < a.frames; ++frame) {
      typename Slots<T>::Value values[Width];
      const auto* from = a.values + frame * a.frame_stride;
      if (a.element_stride == 1) {
        load_guarded<false>(from, first, a.ring.size, values);
      } else {
        for (int i = 0; i < Width; ++i) {
          values[i] = first + i < a.ring.size ? from[(first + i) * a.element_stride] : 0;
        }
      }
      const std::int32_t slot = math::slot_at(head, a.steps_back - frame, a.ring.slots);
      Slots<T>::store(values, first, Slots<T>::start(a.ring, slot));
    }
  }

  template <class Atomics>
  CUSYNAPSE_HOST_DEVICE void arrive(std::int64_t, std::int64_t blocks) const {
    if (arguments.advance == 0) return;
    advance_when_last<Atomics>(arguments.ring.head.state, blocks, arguments.ring.slots,
                               arguments.advance);
  }
};

template <class T, int Width>
struct RingReadBody {
  RingRead<T> arguments;

  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t) const {
    const RingRead<T>& a = arguments;
    const std::int64_t first = x * Width;
    const std::int32_t head = a.ring.head.get();
    for (std::int64_t frame = 0; frame < a.frames; ++frame) {
      const std::int32_t slot = math::slot_at(head, a.steps_back - frame, a.ring.slots);
      typename Slots<T>::Value values[Width];
      Slots<T>::load(Slots<T>::start(a.ring, slot), first, values);
      auto* to = a.out + frame * a.frame_stride;
      if (a.element_stride == 1) {
        store_guarded(values, first, a.ring.size, to);
      } else {
        for (int i = 0; i < Width; ++i) {
          if (first + i < a.ring.size) to[(first + i) * a.element_stride] = values[i];
        }
      }
    }
  }
};

/// Elements a call of the general select and insert covers on a GPU. One, so that accesses of
/// neighbours are one access of their threads; but the bits of a byte belong to one call.
template <class T>
inline constexpr int single_width = std::is_same_v<T, bool> ? gpu_width : 1;

template <class T, int Width>
struct RingSelectBody {
  RingSelect<T> arguments;
  using Time = typename RingSelect<T>::Time;
  using Value = typename RingSelect<T>::Value;

  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t) const {
    const RingSelect<T>& a = arguments;
    const std::int32_t head = a.ring.head.get();
    const std::int64_t end = a.ring.size * a.samples;
    for (std::int64_t i = x * Width; i < end && i < (x + 1) * Width; ++i) {
      const std::int64_t element = i / a.samples;
      const Place<Time> place =
          a.times != nullptr
              ? place_of<Time>(math::locate(a.times[i], a.step_time, a.tolerance, a.offset))
              : place_of<Time>(a.position);
      const Time older = observation(head, place.older, element);
      if (place.on_grid) {
        a.out[i] = static_cast<Value>(older);
      } else {
        const Time newer = observation(head, place.newer, element);
        a.out[i] = static_cast<Value>(math::interpolate(a.interpolation, older, newer,
                                                        place.elapsed, a.step_time, a.constant));
      }
    }
  }

 private:
  CUSYNAPSE_HOST_DEVICE Time observation(std::int32_t head, std::int64_t back,
                                         std::int64_t element) const {
    const std::int32_t slot = math::slot_at(head, back, arguments.ring.slots);
    return static_cast<Time>(Slots<T>::get(Slots<T>::start(arguments.ring, slot), element));
  }
};

/// The kept observation of the linear extrapolations, scaled and shifted.
template <class Time>
struct AffineAdjustment {
  Time scale;
  Time shift;
  CUSYNAPSE_HOST_DEVICE Time operator()(Time observation) const {
    return math::add(math::multiply(scale, observation), shift);
  }
};

template <class T, int Width>
struct RingInsertBody {
  RingInsert<T> arguments;
  using Time = typename RingInsert<T>::Time;
  using Stored = typename Slots<T>::Stored;

  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t) const {
    const RingInsert<T>& a = arguments;
    const std::int32_t head = a.ring.head.get();
    for (std::int64_t e = x * Width; e < a.ring.size && e < (x + 1) * Width; ++e) {
      const Place<Time> place =
          a.times != nullptr
              ? place_of<Time>(math::locate(a.times[e], a.step_time, a.tolerance, a.offset))
              : place_of<Time>(a.position);
      Stored* older = slot(head, place.older);
      Stored* newer = slot(head, place.newer);
      const Time sample = static_cast<Time>(a.values[e]);
      math::Neighbors<Time> written = {sample, sample};
      if (!place.on_grid) {
        written = math::extrapolate(
            a.extrapolation, sample, static_cast<Time>(Slots<T>::get(older, e)),
            static_cast<Time>(Slots<T>::get(newer, e)), place.elapsed, a.step_time, a.constant,
            AffineAdjustment<Time>{a.adjust_scale, a.adjust_shift});
      }
      set(older, e, written.older);
      set(newer, e, written.newer);
    }
  }

 private:
  CUSYNAPSE_HOST_DEVICE Stored* slot(std::int32_t head, std::int64_t back) const {
    return Slots<T>::start(arguments.ring, math::slot_at(head, back, arguments.ring.slots));
  }
  // A byte of bits belongs to one call: for bool, Width is a multiple of 8.
  CUSYNAPSE_HOST_DEVICE static void set(Stored* slot, std::int64_t element, Time value) {
    if constexpr (std::is_same_v<T, bool>) {
      const unsigned bit = 1u << (element & 7);
      const unsigned byte = slot[element / 8];
      slot[element / 8] = static_cast<Stored>(value != Time(0) ? byte | bit : byte & ~bit);
    } else {
      slot[element] = stored<Stored>(value);
    }
  }
};

template <class T, int Width>
struct RingRegridBody {
  RingRegrid<T> arguments;

  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t y) const {
    const Ring<T>& from = arguments.source;
    const Ring<T>& to = arguments.destination;
    // Steps back of destination slot y, from 1, the newest, to its number of slots.
    const auto back = std::int64_t{1} + math::slot_at(to.head.get(), y + 1, to.slots);
    const auto* source = Slots<T>::start(from, math::slot_at(from.head.get(), back, from.slots));
    const std::int64_t first = x * Width;
    const std::int64_t shift = to.size - from.size;
    typename Slots<T>::Value values[Width] = {};
    if (back <= from.slots) {
      const bool is_whole = first >= shift && first + Width - shift <= from.size;
      for (int i = 0; i < Width; ++i) {
        const std::int64_t element = first + i - shift;
        const bool is_there = is_whole || (element >= 0 && element < from.size);
        if (is_there) values[i] = Slots<T>::get(source, element);
      }
    }
    Slots<T>::store(values, first, Slots<T>::start(to, static_cast<std::int32_t>(y)));
  }
};

template <class T, int Width>
struct RingResampleBody {
  RingResample<T> arguments;

  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t y) const {
    const Ring<T>& to = arguments.destination;
    const std::int64_t first = x * Width;
    // Slot y lies this long before the destination's newest observation.
    const std::int64_t steps = math::slot_at(to.head.get(), y + 1, to.slots);
    typename Slots<T>::Value values[Width] = {};
    if constexpr (std::is_same_v<T, bool>) {
      collect_spikes(steps, first, values);
    } else {
      interpolate(steps, first, values);
    }
    // The padding stays zero.
    for (int i = 0; i < Width; ++i) {
      if (first + i >= to.size) values[i] = 0;
    }
    Slots<T>::store(values, first, Slots<T>::start(to, static_cast<std::int32_t>(y)));
  }

 private:
  using Value = typename Slots<T>::Value;
  using Time = typename RingResample<T>::Time;

  // The spikes of all source steps that are nearer to this step than to any other.
  CUSYNAPSE_HOST_DEVICE void collect_spikes(std::int64_t steps, std::int64_t first,
                                            Value (&spikes)[Width]) const {
    const RingResample<T>& a = arguments;
    const std::int32_t head = a.source.head.get();
    const double time = static_cast<double>(steps) * a.destination_step;
    // They lie within half a destination step, and a source step for what rounding may do.
    const double half = 0.5 * a.destination_step;
    const double from = math::floor((time - half) / a.source_step) - 1;
    const double last = math::ceil((time + half) / a.source_step) + 1;
    if (from >= a.source.slots) return;
    for (std::int64_t k = from < 0 ? 0 : static_cast<std::int64_t>(from);
         k < a.source.slots && static_cast<double>(k) <= last; ++k) {
      const double quotient =
          math::divide(math::multiply(static_cast<double>(k), a.source_step), a.destination_step);
      if (math::floor(math::add(quotient, 0.5)) != static_cast<double>(steps)) continue;
      const auto* slot = Slots<T>::start(a.source, math::slot_at(head, k + 1, a.source.slots));
      Value recorded[Width];
      Slots<T>::load(slot, first, recorded);
      for (int i = 0; i < Width; ++i) spikes[i] = spikes[i] | recorded[i];
    }
  }

  // The trace that long ago, by its rule.
  CUSYNAPSE_HOST_DEVICE void interpolate(std::int64_t steps, std::int64_t first,
                                         Value (&values)[Width]) const {
    const RingResample<T>& a = arguments;
    const double time = static_cast<double>(steps) * a.destination_step;
    // In double, and with a little slack, so that steps that are multiples of each other meet.
    const double given = static_cast<double>(a.tolerance);
    const double slack = 1e-9 * a.source_step;
    const double tolerance = given > slack ? given : slack;
    if (time > a.source_step * (a.source.slots - 1) + slack) return;
    const math::Position<double> position = math::locate(time, a.source_step, tolerance, 1.0);
    const bool on_grid = position.older == position.newer;
    const bool is_newer =
        a.rule == SelectRule::nearest && math::divide(position.elapsed, a.source_step) > 0.5;
    const std::int64_t back = whole_steps(is_newer ? position.newer : position.older);
    const std::int32_t slot = math::slot_at(a.source.head.get(), back, a.source.slots);
    Slots<T>::load(Slots<T>::start(a.source, slot), first, values);
    if (on_grid) return;

    const auto elapsed = static_cast<Time>(position.elapsed);
    const Time factor = math::decay_factor(elapsed, a.time_constant);
    if (a.rule == SelectRule::exponential_decay) {
      for (int i = 0; i < Width; ++i) values[i] = math::multiply(values[i], factor);
    } else if (a.rule == SelectRule::chain_decay) {
      Value feeders[Width];
      Slots<T>::load(a.feeder + slot * a.source.stride, first, feeders);
      for (int i = 0; i < Width; ++i) {
        values[i] = math::interpolate_fed_decay(values[i], feeders[i], elapsed, a.time_constant,
                                                a.feed_rate);
      }
    }
  }
};

}  // namespace cusynapse::kernels
