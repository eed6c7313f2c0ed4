// decay_inject: one or several steps of a population of synapses.
//
// A call covers Width consecutive synapses, whose traces stay in registers from step to step. Calls
// are independent of each other, so any launch shape will do. Slots are padded to whole groups; the
// padding takes zero input and stays zero.
#pragma once

#include "cusynapse/math/decay.hpp"
#include "kernels/bodies/access.hpp"
#include "kernels/bodies/arrival.hpp"

namespace cusynapse::kernels {

/// Steps synapses [first, first + Width) with `input` in place of the arguments' own.
template <int Width, Dynamics dynamics, int TraceCount, class T>
CUSYNAPSE_HOST_DEVICE void step_group(const DecayInject<T>& a,
                                      typename SpikeInput<T>::Kind input_kind, const void* input,
                                      std::int64_t first) {
  constexpr bool has_memory = dynamics == Dynamics::decay || dynamics == Dynamics::chain;
  const std::int32_t head = a.head.get();

  T traces[TraceCount > 0 ? TraceCount : 1][Width];
  if constexpr (has_memory) {
    const std::int64_t previous = math::slot_near(head, 1, a.slots);
    for (int k = 0; k < TraceCount; ++k) {
      load_aligned(a.traces[k] + previous * a.stride + first, traces[k]);
    }
  }

  std::int32_t slot = head;
  const std::int64_t frame_bytes =
      a.input_stride * (input_kind == SpikeInput<T>::Kind::values ? std::int64_t{sizeof(T)} : 1);
  const auto* frame = static_cast<const std::uint8_t*>(input);
  for (std::int64_t step = 0; step < a.steps; ++step, frame += frame_bytes) {
    T x[Width];
    load_input(input_kind, frame, first, a.size, x);

    if constexpr (dynamics == Dynamics::memoryless) {
      for (int i = 0; i < Width; ++i) traces[0][i] = math::inject(a.gain[0], x[i]);
      for (int j = 0; j < a.injected_count; ++j) {
        T injected[Width];
        load_guarded(a.injected[j], first, a.size, injected);
        for (int i = 0; i < Width; ++i) traces[0][i] = math::add(traces[0][i], injected[i]);
      }
    } else if constexpr (dynamics == Dynamics::decay) {
      for (int k = 0; k < TraceCount; ++k) {
        for (int i = 0; i < Width; ++i) {
          traces[k][i] = math::decay_inject(traces[k][i], a.decay[k], a.gain[k], x[i]);
        }
      }
    } else if constexpr (dynamics == Dynamics::chain) {
      for (int i = 0; i < Width; ++i) {
        traces[1][i] = math::decay_feed_inject(traces[1][i], a.decay[1], traces[0][i], a.feed,
                                               a.gain[1], x[i]);
        traces[0][i] = math::decay_inject(traces[0][i], a.decay[0], a.gain[0], x[i]);
      }
    }

    // Of more steps than slots, only the last round stays.
    if (step + a.slots >= a.steps) {
      std::uint8_t spikes[Width];
      for (int i = 0; i < Width; ++i) spikes[i] = math::is_spike(x[i]) ? 1 : 0;
      store_bits(spikes, first, a.spikes + slot * (a.stride / 8));
      for (int k = 0; k < TraceCount; ++k) {
        store_aligned(traces[k], a.traces[k] + slot * a.stride + first);
      }
    }
    slot = slot + 1 == a.slots ? 0 : slot + 1;
  }
}

/// One population: call (x, 0) covers group x.
template <class T, Dynamics dynamics, int TraceCount, int Width>
struct DecayInjectBody {
  DecayInject<T> arguments;

  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t) const {
    step_group<Width, dynamics, TraceCount>(arguments, arguments.input_kind, arguments.input,
                                            x * Width);
  }

  template <class Atomics>
  CUSYNAPSE_HOST_DEVICE void arrive(std::int64_t, std::int64_t blocks) const {
    advance_when_last<Atomics>(arguments.head.state, blocks, arguments.slots, arguments.steps);
  }
};

/// Calls `launch` with the body for the arguments' dynamics.
template <int Width, class T, class Launch>
void visit_decay_inject(const DecayInject<T>& a, const Launch& launch) {
  switch (a.dynamics) {
    case Dynamics::spikes_only:
      return launch(DecayInjectBody<T, Dynamics::spikes_only, 0, Width>{a});
    case Dynamics::memoryless:
      return launch(DecayInjectBody<T, Dynamics::memoryless, 1, Width>{a});
    case Dynamics::decay:
      return a.trace_count == 1 ? launch(DecayInjectBody<T, Dynamics::decay, 1, Width>{a})
                                : launch(DecayInjectBody<T, Dynamics::decay, 2, Width>{a});
    case Dynamics::chain:
      return launch(DecayInjectBody<T, Dynamics::chain, 2, Width>{a});
  }
}

/// Many populations: call (x, y) covers group x of tile y.
template <class T, int Width>
struct DecayInjectGroupedBody {
  static_assert(group_tile % Width == 0, "a tile is whole groups");
  DecayInjectGroups<T> arguments;

  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t y) const {
    const DecayInjectGroup<T>& group = arguments.groups[arguments.tile_group[y]];
    const DecayInject<T>& a = group.step;
    const std::int64_t first = (y - group.first_tile) * group_tile + x * Width;
    if (first >= a.size) return;

    using Kind = typename SpikeInput<T>::Kind;
    const std::int64_t offset = arguments.input_kind == Kind::values
                                    ? group.input_offset * std::int64_t{sizeof(T)}
                                : arguments.input_kind == Kind::bytes ? group.input_offset
                                                                      : group.input_offset / 8;
    const void* input = static_cast<const std::uint8_t*>(arguments.input) + offset;
    const Kind kind = arguments.input_kind;
    switch (a.dynamics) {
      case Dynamics::spikes_only:
        return step_group<Width, Dynamics::spikes_only, 0>(a, kind, input, first);
      case Dynamics::memoryless:
        return step_group<Width, Dynamics::memoryless, 1>(a, kind, input, first);
      case Dynamics::decay:
        return a.trace_count == 1 ? step_group<Width, Dynamics::decay, 1>(a, kind, input, first)
                                  : step_group<Width, Dynamics::decay, 2>(a, kind, input, first);
      case Dynamics::chain:
        return step_group<Width, Dynamics::chain, 2>(a, kind, input, first);
    }
  }

  template <class Atomics>
  CUSYNAPSE_HOST_DEVICE void arrive(std::int64_t y, std::int64_t blocks) const {
    const DecayInjectGroup<T>& group = arguments.groups[arguments.tile_group[y]];
    advance_when_last<Atomics>(group.step.head.state, blocks * group.tile_count, group.step.slots,
                               1);
  }
};

}  // namespace cusynapse::kernels
