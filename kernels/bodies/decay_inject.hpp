// decay_inject: one or several steps of a population of synapses.
//
// A call covers Width consecutive synapses, whose traces stay in registers from step to step (a CPU
// takes the steps of a tile one at a time: see launch_steps). Calls are independent of each other,
// so any launch shape will do. Slots are padded to whole groups; the padding takes zero input and
// stays zero.
#pragma once

#include "cusynapse/math/decay.hpp"
#include "kernels/bodies/access.hpp"
#include "kernels/bodies/arrival.hpp"

namespace cusynapse::kernels {

/// Bytes from one frame of inputs to the next.
template <InputKind kind, class T>
CUSYNAPSE_HOST_DEVICE std::int64_t frame_bytes(std::int64_t input_stride) {
  constexpr std::int64_t element = kind == InputKind::values ? std::int64_t{sizeof(T)} : 1;
  return input_stride * element;
}

/// Whether the next traces depend on the previous ones.
template <Dynamics dynamics>
inline constexpr bool has_memory = dynamics == Dynamics::decay || dynamics == Dynamics::chain;

/// One step of one synapse: its traces before and after, at input x.
template <Dynamics dynamics, int TraceCount, class T>
CUSYNAPSE_HOST_DEVICE void step_element(const DecayInject<T>& a, T x, const T (&before)[max_traces],
                                        T (&after)[max_traces]) {
  if constexpr (dynamics == Dynamics::memoryless) {
    after[0] = math::inject(a.gain[0], x);
  } else if constexpr (dynamics == Dynamics::chain) {
    after[0] = math::decay_inject(before[0], a.decay[0], a.gain[0], x);
    after[1] = math::decay_feed(before[1], a.decay[1], before[0], a.feed);
  } else if constexpr (dynamics == Dynamics::decay) {
    for (int k = 0; k < TraceCount; ++k) {
      after[k] = math::decay_inject(before[k], a.decay[k], a.gain[k], x);
    }
  }
}

/// Writes the spike bits of a group of inputs.
template <InputKind kind, bool Full, int Width, class T>
CUSYNAPSE_HOST_DEVICE void store_spikes(const InputGroup<kind, Full, Width, T>& input_group,
                                        std::uint8_t* to) {
  if constexpr (kind == InputKind::bits) {
    const auto bits = input_group.bits();
    std::memcpy(to, &bits, Width / 8);
  } else {
    std::uint8_t spikes[Width];
    for (int i = 0; i < Width; ++i) spikes[i] = input_group.is_spike(i);
    store_flags(spikes, to);
  }
}

/// Traces of a group as they are stored. Making them rounds the group's own, if anything is
/// rounded: the next step reads what is stored.
template <int TraceCount, int Width, class Stored, class T>
class StoredTraces {
 public:
  CUSYNAPSE_HOST_DEVICE explicit StoredTraces(T (&traces)[max_traces][Width]) {
    for (int k = 0; k < TraceCount; ++k) {
      for (int i = 0; i < Width; ++i) {
        rounded_[k][i] = stored<Stored>(traces[k][i]);
        traces[k][i] = loaded<T>(rounded_[k][i]);
      }
    }
  }
  CUSYNAPSE_HOST_DEVICE const Stored (&operator[](int k) const)[Width] { return rounded_[k]; }

 private:
  Stored rounded_[max_traces][Width];
};

template <int TraceCount, int Width, class T>
class StoredTraces<TraceCount, Width, T, T> {
 public:
  CUSYNAPSE_HOST_DEVICE explicit StoredTraces(const T (&traces)[max_traces][Width])
      : traces_(traces) {}
  CUSYNAPSE_HOST_DEVICE const T (&operator[](int k) const)[Width] { return traces_[k]; }

 private:
  const T (&traces_)[max_traces][Width];
};

/// Steps synapses [first, first + Width) with `input` in place of the arguments' own. Full says
/// that all of them are among the population's `size`. Traces are stored as Stored, and what was
/// rounded to it is what the next step reads.
template <int Width, Dynamics dynamics, int TraceCount, InputKind kind, class Stored, bool Full,
          class T>
CUSYNAPSE_HOST_DEVICE void step_synapses(const DecayInject<T>& a, const void* input,
                                         std::int64_t first) {
  const std::int32_t head = a.head.get();

  T traces[max_traces][Width];
  if constexpr (has_memory<dynamics>) {
    const std::int64_t previous = math::slot_near(head, 1, a.slots);
    for (int k = 0; k < TraceCount; ++k) {
      load_stored(a.traces[k].template as<Stored>() + previous * a.stride + first, traces[k]);
    }
  }

  std::int32_t slot = head;
  const auto* frame = static_cast<const std::uint8_t*>(input);
  for (std::int64_t step = 0; step < a.steps; ++step) {
    const InputGroup<kind, Full, Width, T> input_group(frame, first, a.size);
    for (int i = 0; i < Width; ++i) {
      T before[max_traces] = {};
      T after[max_traces] = {};
      for (int k = 0; k < TraceCount; ++k) before[k] = traces[k][i];
      step_element<dynamics, TraceCount>(a, input_group[i], before, after);
      for (int k = 0; k < TraceCount; ++k) traces[k][i] = after[k];
    }
    if constexpr (dynamics == Dynamics::memoryless) {
      for (int j = 0; j < a.injected_count; ++j) {
        T injected[Width];
        load_guarded<Full>(a.injected[j], first, a.size, injected);
        for (int i = 0; i < Width; ++i) traces[0][i] = math::add(traces[0][i], injected[i]);
      }
    }

    StoredTraces<TraceCount, Width, Stored, T> kept(traces);
    // Of more steps than slots, only the last round stays.
    if (step + a.slots >= a.steps) {
      store_spikes(input_group, a.spikes + slot * (a.stride / 8) + first / 8);
      for (int k = 0; k < TraceCount; ++k) {
        store_aligned(kept[k], a.traces[k].template as<Stored>() + slot * a.stride + first);
      }
    }
    slot = slot + 1 == a.slots ? 0 : slot + 1;
    frame += frame_bytes<kind, T>(a.input_stride);
  }
}

/// One step of synapses [first, first + Width), all of them there, from slot to slot. On a CPU,
/// traces in an array of their own would be written in pieces of one size and read in pieces of
/// another, and wait for each other.
template <int Width, Dynamics dynamics, int TraceCount, InputKind kind, class Stored, class T>
CUSYNAPSE_HOST_DEVICE void step_in_place(const DecayInject<T>& a, const void* input,
                                         std::int64_t first) {
  const std::int32_t head = a.head.get();
  const std::int64_t previous = math::slot_near(head, 1, a.slots);
  const Stored* previous_slot[max_traces] = {};
  Stored* next_slot[max_traces] = {};
  for (int k = 0; k < TraceCount; ++k) {
    previous_slot[k] = a.traces[k].template as<Stored>() + previous * a.stride + first;
    next_slot[k] = a.traces[k].template as<Stored>() + head * a.stride + first;
  }
  const InputGroup<kind, true, Width, T> input_group(input, first, a.size);
  // Elements do not depend on each other, also where both slots are the same one.
#if defined(__clang__)
#pragma clang loop vectorize(assume_safety)
#elif defined(__GNUC__)
#pragma GCC ivdep
#endif
  for (int i = 0; i < Width; ++i) {
    T before[max_traces] = {};
    T after[max_traces] = {};
    if constexpr (has_memory<dynamics>) {
      for (int k = 0; k < TraceCount; ++k) before[k] = loaded<T>(previous_slot[k][i]);
    }
    step_element<dynamics, TraceCount>(a, input_group[i], before, after);
    for (int k = 0; k < TraceCount; ++k) next_slot[k][i] = stored<Stored>(after[k]);
  }
  store_spikes(input_group, a.spikes + head * (a.stride / 8) + first / 8);
}

template <int Width, Dynamics dynamics, int TraceCount, InputKind kind, class Stored, class T>
CUSYNAPSE_HOST_DEVICE void step_group(const DecayInject<T>& a, const void* input,
                                      std::int64_t first) {
  if constexpr (Width == cpu_width) {
    if (a.steps == 1 && a.injected_count == 0 && first + Width <= a.size) {
      return step_in_place<Width, dynamics, TraceCount, kind, Stored>(a, input, first);
    }
  }
  if (first + Width <= a.size) {
    step_synapses<Width, dynamics, TraceCount, kind, Stored, true>(a, input, first);
  } else {
    step_synapses<Width, dynamics, TraceCount, kind, Stored, false>(a, input, first);
  }
}

/// One population: call (x, 0) covers group x.
template <class T, Dynamics dynamics, int TraceCount, InputKind kind, int Width, class Stored = T>
struct DecayInjectBody {
  DecayInject<T> arguments;

  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t) const {
    step_group<Width, dynamics, TraceCount, kind, Stored>(arguments, arguments.input, x * Width);
  }

  /// The same body for one of its steps, counted from 0, with the head given as a number.
  DecayInjectBody one_step(std::int32_t head, std::int64_t step) const {
    DecayInjectBody one = *this;
    one.arguments.steps = 1;
    one.arguments.head = RingHead{nullptr, math::slot_at(head, -step, arguments.slots)};
    one.arguments.input = static_cast<const std::uint8_t*>(arguments.input) +
                          step * frame_bytes<kind, T>(arguments.input_stride);
    return one;
  }

  template <class Atomics>
  CUSYNAPSE_HOST_DEVICE void arrive(std::int64_t, std::int64_t blocks) const {
    advance_when_last<Atomics>(arguments.head.state, blocks, arguments.slots, arguments.steps);
  }
};

/// Calls `visit` with the dynamics and number of traces of the arguments, as constants. Runs where
/// the visitor does: launches are visited on the host, members of a group on the device.
#if defined(__CUDACC__)
#pragma nv_exec_check_disable
#endif
template <class Visit>
CUSYNAPSE_HOST_DEVICE void visit_dynamics(Dynamics dynamics, int trace_count, const Visit& visit) {
  switch (dynamics) {
    case Dynamics::spikes_only:
      return visit.template operator()<Dynamics::spikes_only, 0>();
    case Dynamics::memoryless:
      return visit.template operator()<Dynamics::memoryless, 1>();
    case Dynamics::decay:
      return trace_count == 1 ? visit.template operator()<Dynamics::decay, 1>()
                              : visit.template operator()<Dynamics::decay, 2>();
    case Dynamics::chain:
      return visit.template operator()<Dynamics::chain, 2>();
  }
}

template <int Width, InputKind kind, class T, class Launch>
struct DecayInjectVisit {
  const DecayInject<T>& arguments;
  const Launch& launch;
  template <Dynamics dynamics, int TraceCount>
  void operator()() const {
    if constexpr (TraceCount == 0) {
      launch(DecayInjectBody<T, dynamics, TraceCount, kind, Width>{arguments});
    } else {
      visit_storage<T>(arguments.traces[0].storage(), [&](auto element) {
        launch(DecayInjectBody<T, dynamics, TraceCount, kind, Width, decltype(element)>{arguments});
      });
    }
  }
};

/// Calls `launch` with the body for the arguments' dynamics and input.
template <int Width, class T, class Launch>
void visit_decay_inject(const DecayInject<T>& a, const Launch& launch) {
  switch (a.input_kind) {
    case InputKind::values:
      return visit_dynamics(a.dynamics, a.trace_count,
                            DecayInjectVisit<Width, InputKind::values, T, Launch>{a, launch});
    case InputKind::bytes:
      return visit_dynamics(a.dynamics, a.trace_count,
                            DecayInjectVisit<Width, InputKind::bytes, T, Launch>{a, launch});
    case InputKind::bits:
      return visit_dynamics(a.dynamics, a.trace_count,
                            DecayInjectVisit<Width, InputKind::bits, T, Launch>{a, launch});
  }
}

/// Many populations: call (x, y) covers group x of tile y. On a CPU traces of 16 bits are the
/// caller's affair: see cpu/converted_steps.hpp.
template <class T, InputKind kind, int Width>
struct DecayInjectGroupedBody {
  static_assert(group_tile % Width == 0, "a tile is whole groups");
  DecayInjectGroups<T> arguments;

  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t y) const {
    const DecayInjectGroup<T>& group = arguments.groups[arguments.tile_group[y]];
    const std::int64_t first = (y - group.first_tile) * group_tile + x * Width;
    if (first >= group.step.size) return;
    visit_dynamics(group.step.dynamics, group.step.trace_count,
                   Step{group.step, input_of(group), first});
  }

  /// Where a population's input starts.
  CUSYNAPSE_HOST_DEVICE const void* input_of(const DecayInjectGroup<T>& group) const {
    const std::int64_t offset =
        kind == InputKind::bits ? group.input_offset / 8 : group.input_offset;
    return static_cast<const std::uint8_t*>(arguments.input) + frame_bytes<kind, T>(offset);
  }

  template <class Atomics>
  CUSYNAPSE_HOST_DEVICE void arrive(std::int64_t y, std::int64_t blocks) const {
    const DecayInjectGroup<T>& group = arguments.groups[arguments.tile_group[y]];
    advance_when_last<Atomics>(group.step.head.state, blocks * group.tile_count, group.step.slots,
                               1);
  }

 private:
  template <Dynamics dynamics, int TraceCount>
  struct StepStored {
    const DecayInject<T>& step;
    const void* input;
    std::int64_t first;
    template <class Stored>
    CUSYNAPSE_HOST_DEVICE void operator()(Stored) const {
      step_group<Width, dynamics, TraceCount, kind, Stored>(step, input, first);
    }
  };
  struct Step {
    const DecayInject<T>& step;
    const void* input;
    std::int64_t first;
    template <Dynamics dynamics, int TraceCount>
    CUSYNAPSE_HOST_DEVICE void operator()() const {
      const StepStored<dynamics, TraceCount> stored{step, input, first};
      if constexpr (TraceCount == 0 || Width == cpu_width) {
        stored(T());
      } else {
        visit_storage<T>(step.traces[0].storage(), stored);
      }
    }
  };
};

/// Calls `launch` with the body for the arguments' input.
template <int Width, class T, class Launch>
void visit_decay_inject_grouped(const DecayInjectGroups<T>& a, const Launch& launch) {
  switch (a.input_kind) {
    case InputKind::values:
      return launch(DecayInjectGroupedBody<T, InputKind::values, Width>{a});
    case InputKind::bytes:
      return launch(DecayInjectGroupedBody<T, InputKind::bytes, Width>{a});
    case InputKind::bits:
      return launch(DecayInjectGroupedBody<T, InputKind::bits, Width>{a});
  }
}

}  // namespace cusynapse::kernels
