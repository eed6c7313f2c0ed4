// One measurement: a call, what it moves, and the copy it is compared with.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "support/backend.hpp"

namespace cusynapse::bench {

/// A call to measure. It owns what it works on.
struct Work {
  std::function<void()> call;
  double items = 0;  ///< synapses stepped, selections made, ... by a call
  double bytes = 0;  ///< bytes a call must move: each input read once, each output written once
  std::int64_t frame_bytes = 0;    ///< what the compared copy copies at a time
  std::int64_t working_bytes = 0;  ///< memory that a run of calls goes through in turn
  Launch launch = Launch::eager;
};

/// Registers a bench. `prepare` is called when it first runs; what it returns is kept for the
/// repetitions and given up before another bench prepares.
void register_bench(const std::string& name, Backend& backend, std::function<Work()> prepare);

}  // namespace cusynapse::bench
