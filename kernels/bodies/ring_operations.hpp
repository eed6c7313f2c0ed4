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

template <class T, int Width>
struct RingWriteBody {
  RingWrite<T> arguments;

  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t) const {
    const RingWrite<T>& a = arguments;
    const std::int64_t first = x * Width;
    const std::int32_t head = a.ring.head.get();
    for (std::int64_t frame = 0; frame < a.frames; ++frame) {
      typename Slots<T>::Value values[Width];
      for (int i = 0; i < Width; ++i) {
        values[i] = first + i < a.ring.size
                        ? a.values[(first + i) * a.element_stride + frame * a.frame_stride]
                        : 0;
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
      for (int i = 0; i < Width; ++i) {
        if (first + i < a.ring.size) {
          a.out[(first + i) * a.element_stride + frame * a.frame_stride] = values[i];
        }
      }
    }
  }
};

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
      const math::Position<Time> position =
          a.times != nullptr ? math::locate(a.times[i], a.step_time, a.tolerance, a.offset)
                             : a.position;
      const Time older = observation(head, position.older, element);
      if (position.older == position.newer) {
        a.out[i] = static_cast<Value>(older);
      } else {
        const Time newer = observation(head, position.newer, element);
        a.out[i] = static_cast<Value>(math::interpolate(a.interpolation, older, newer,
                                                        position.elapsed, a.step_time, a.constant));
      }
    }
  }

 private:
  CUSYNAPSE_HOST_DEVICE Time observation(std::int32_t head, Time back, std::int64_t element) const {
    const std::int32_t slot = math::slot_at(head, whole_steps(back), arguments.ring.slots);
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
      const math::Position<Time> position =
          a.times != nullptr ? math::locate(a.times[e], a.step_time, a.tolerance, a.offset)
                             : a.position;
      Stored* older = slot(head, position.older);
      Stored* newer = slot(head, position.newer);
      const Time sample = static_cast<Time>(a.values[e]);
      math::Neighbors<Time> written = {sample, sample};
      if (position.older != position.newer) {
        written = math::extrapolate(
            a.extrapolation, sample, static_cast<Time>(Slots<T>::get(older, e)),
            static_cast<Time>(Slots<T>::get(newer, e)), position.elapsed, a.step_time, a.constant,
            AffineAdjustment<Time>{a.adjust_scale, a.adjust_shift});
      }
      set(older, e, written.older);
      set(newer, e, written.newer);
    }
  }

 private:
  CUSYNAPSE_HOST_DEVICE Stored* slot(std::int32_t head, Time back) const {
    return Slots<T>::start(arguments.ring,
                           math::slot_at(head, whole_steps(back), arguments.ring.slots));
  }
  // A byte of bits belongs to one call, because Width is a multiple of 8.
  CUSYNAPSE_HOST_DEVICE static void set(Stored* slot, std::int64_t element, Time value) {
    if constexpr (std::is_same_v<T, bool>) {
      const unsigned bit = 1u << (element & 7);
      const unsigned byte = slot[element / 8];
      slot[element / 8] = static_cast<Stored>(value != Time(0) ? byte | bit : byte & ~bit);
    } else {
      slot[element] = value;
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
    typename Slots<T>::Value values[Width];
    for (int i = 0; i < Width; ++i) {
      const std::int64_t element = first + i - shift;
      const bool is_there = back <= from.slots && element >= 0 && element < from.size;
      values[i] = is_there ? Slots<T>::get(source, element) : 0;
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
    const std::int64_t steps = math::slot_at(to.head.get(), y + 1, to.slots);
    typename Slots<T>::Value values[Width];
    for (int i = 0; i < Width; ++i) {
      values[i] = first + i < to.size ? value(steps, first + i) : 0;
    }
    Slots<T>::store(values, first, Slots<T>::start(to, static_cast<std::int32_t>(y)));
  }

 private:
  using Value = typename Slots<T>::Value;
  using Time = typename RingResample<T>::Time;

  // The destination's value `steps` before its newest one.
  CUSYNAPSE_HOST_DEVICE Value value(std::int64_t steps, std::int64_t element) const {
    const RingResample<T>& a = arguments;
    const std::int32_t head = a.source.head.get();
    const double time = static_cast<double>(steps) * a.destination_step;
    if constexpr (std::is_same_v<T, bool>) {
      // Source steps that round to this one lie within half a destination step of it.
      const double half = 0.5 * a.destination_step;
      const auto first = static_cast<std::int64_t>(math::floor((time - half) / a.source_step)) - 1;
      const auto last = static_cast<std::int64_t>(math::ceil((time + half) / a.source_step)) + 1;
      bool spike = false;
      for (std::int64_t k = first < 0 ? 0 : first; k <= last && k < a.source.slots; ++k) {
        const double nearest = math::floor(math::add(
            math::divide(math::multiply(static_cast<double>(k), a.source_step), a.destination_step),
            0.5));
        const auto* slot = Slots<T>::start(a.source, math::slot_at(head, k + 1, a.source.slots));
        if (nearest == static_cast<double>(steps)) spike = spike || Slots<T>::get(slot, element);
      }
      return spike ? 1 : 0;
    } else {
      // In double, and with a little slack, so that steps that are multiples of each other meet.
      const double given = static_cast<double>(a.tolerance);
      const double slack = 1e-9 * a.source_step;
      const double tolerance = given > slack ? given : slack;
      if (time > a.source_step * (a.source.slots - 1) + slack) return T(0);
      const math::Position<double> position = math::locate(time, a.source_step, tolerance, 1.0);
      const bool on_grid = position.older == position.newer;
      const bool is_newer =
          a.rule == SelectRule::nearest && math::divide(position.elapsed, a.source_step) > 0.5;
      const std::int64_t back = whole_steps(is_newer ? position.newer : position.older);
      const auto elapsed = static_cast<Time>(position.elapsed);
      const std::int64_t at = math::slot_at(head, back, a.source.slots) * a.source.stride + element;
      const T older = a.source.data[at];
      if (on_grid) return older;
      if (a.rule == SelectRule::exponential_decay) {
        return math::interpolate_exponential_decay(older, elapsed, a.time_constant);
      }
      if (a.rule == SelectRule::chain_decay) {
        return math::interpolate_fed_decay(older, a.feeder[at], elapsed, a.time_constant,
                                           a.feed_rate);
      }
      return older;
    }
  }
};

}  // namespace cusynapse::kernels
