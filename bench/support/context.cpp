#include "support/context.hpp"

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>

#include "support/backend.hpp"
#include "support/threads.hpp"

namespace cusynapse::bench {

void add_context() {
  const char* given = std::getenv("CUSYNAPSE_COMMIT");
  benchmark::AddCustomContext("commit", given != nullptr ? given : CUSYNAPSE_BENCH_COMMIT);
#ifdef __VERSION__
  benchmark::AddCustomContext("compiler", __VERSION__);
#endif
  benchmark::AddCustomContext("threads", std::to_string(thread_count()));
  for (const Backend* backend : backends()) {
    for (const auto& [key, value] : backend->context()) benchmark::AddCustomContext(key, value);
  }
}

}  // namespace cusynapse::bench
