// The network in a CUDA graph, beside the same network stepped by calls.
#pragma once

#include <cstdint>
#include <cusynapse/stream.hpp>

#include "spike_record.hpp"

namespace cuda_graph {

/// What a step takes between device events, in microseconds.
struct StepTimes {
  double eager = 0.0;
  double replayed = 0.0;
};

struct Comparison {
  SpikeRecord spikes;  ///< of the first steps
  StepTimes times;
};

/// Captures a step, replays it so many times beside steps by calls, then times as many of each,
/// more than once. Throws `std::runtime_error` where spikes of a step, or the whole states in the
/// end, are not the same bit for bit.
Comparison replay(const cusynapse::Stream& stream, std::int64_t steps);

}  // namespace cuda_graph
