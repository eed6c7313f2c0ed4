// The benches of every operation on every backend of this machine, those that take longest last.
// README.md says how to read them.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <exception>
#include <vector>

#include "support/benches.hpp"
#include "support/context.hpp"
#include "support/measure.hpp"

int main(int argc, char** argv) {
  using namespace cusynapse::bench;
  // Defaults, which options given on the command line override.
  char min_time[] = "--benchmark_min_time=0.1";
  char repetitions[] = "--benchmark_repetitions=5";
  char aggregates[] = "--benchmark_display_aggregates_only=true";
  std::vector<char*> arguments(argv, argv + argc);
  arguments.insert(arguments.begin() + 1, {min_time, repetitions, aggregates});
  int count = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 1;
  try {
    add_context();
    register_copy();
    register_step();
    register_grouped();
    register_select();
    register_delay_plan();
    register_direct();
    register_resize();
    register_conv2d();
    register_dense();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "cusynapse_bench: %s\n", error.what());
    return 1;
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return any_failed() ? 1 : 0;
}
