// The last block to arrive, and advancing the head of a ring at the end of the kernel that pushed.
//
// Every block reads the head when it starts, so it may change only after the last one has: blocks
// count themselves off, and the last to arrive moves the head. This spares a second launch a step.
#pragma once

#include "cusynapse/math/ring.hpp"
#include "cusynapse/ops.hpp"

namespace cusynapse::kernels {

/// Called by one thread of each of `blocks` blocks, after all threads of its block are done.
/// Whether this block is the last; never without a state. Atomics gives `fetch_add` that releases
/// what its thread saw and acquires what earlier arrivals released.
template <class Atomics, class State>
CUSYNAPSE_HOST_DEVICE bool is_last_arrival(State* state, std::int64_t blocks) {
  if (state == nullptr) return false;
  if (Atomics::fetch_add(&state->arrivals, 1u) != static_cast<std::uint32_t>(blocks - 1)) {
    return false;
  }
  state->arrivals = 0;
  return true;
}

/// Called likewise: moves the head on once all blocks have arrived.
template <class Atomics>
CUSYNAPSE_HOST_DEVICE void advance_when_last(RingState* state, std::int64_t blocks,
                                             std::int32_t slots, std::int64_t steps) {
  if (!is_last_arrival<Atomics>(state, blocks)) return;
  state->head = math::slot_at(state->head, -steps, slots);
}

/// Moves the head without a push.
struct RingAdvanceBody {
  RingState* state;
  std::int32_t slots;
  std::int64_t steps;

  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t, std::int64_t) const {
    state->head = math::slot_at(state->head, -steps, slots);
  }
};

}  // namespace cusynapse::kernels
