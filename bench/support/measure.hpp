// One measurement: a call, what it moves, and the copy it is compared with.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "support/backend.hpp"

namespace cusynapse::bench {

/// A call to measure. It owns what it works on.
struct Work {
  std::function<void()> call;
  double items = 0;                   ///< synapses stepped, selections made, ... by a call
  const char* item_rate = "items/s";  ///< the column of their rate
  double bytes = 0;  ///< bytes a call must move: each input read once, each output written once;
                     ///< 0: it is not compared with the copy
  std::int64_t frame_bytes = 0;    ///< what the compared copy copies at a time
  std::int64_t working_bytes = 0;  ///< memory that a run of calls goes through in turn
  Launch launch = Launch::eager;
  std::function<void()> reference;   ///< timed by turns with the call; may be empty
  const char* reference_ratio = "";  ///< the column of the call's time over the reference's
  std::vector<std::pair<const char*, double>> constants;  ///< more columns, the same in every run
};

/// Registers a bench. `prepare` is called when it first runs; what it returns is kept for the
/// repetitions and given up before another bench prepares.
void register_bench(const std::string& name, Backend& backend, std::function<Work()> prepare);

/// Whether a bench that ran could not be prepared or measured.
bool any_failed();

}  // namespace cusynapse::bench
