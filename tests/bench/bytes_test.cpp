// Whether benches count what their calls move: beside what the emulated device sees kernels move.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cusynapse/stream.hpp"
#include "emulated/cuda_runtime.hpp"
#include "support/benches.hpp"
#include "support/measure.hpp"

namespace {

using cusynapse::bench::Work;

struct Bench {
  std::string name;
  std::function<Work()> prepare;
};

std::vector<Bench>& benches() {
  static std::vector<Bench> all;
  return all;
}

/// What two calls move in the mean: those of some benches go back and forth.
struct Moved {
  explicit Moved(const std::function<void()>& call) {
    constexpr int calls = 2;
    for (int i = 0; i < calls; ++i) {
      const emulated::Traffic traffic = emulated::traffic_of(call);
      for (const auto& [sector, touched] : traffic.touched) {
        bytes += (std::popcount(touched.read) + std::popcount(touched.written)) / double{calls};
        internal += std::popcount(touched.internal) / double{calls};
        sector_bytes += ((touched.read != 0) + (touched.written != 0)) * 32.0 / calls;
      }
      shared_bytes += static_cast<double>(traffic.shared_bytes) / calls;
    }
  }
  double bytes = 0.0;         // read, and written to stay
  double internal = 0.0;      // written, then read
  double sector_bytes = 0.0;  // of the sectors of `bytes`
  double shared_bytes = 0.0;  // read from shared memory
};

// Heads of rings and counters of arrivals.
constexpr double few_bytes = 16.0;
// Spikes of two steps of which one is made.
constexpr double spikes_share = 0.01;
// Of what is at random delays.
constexpr double random_share = 0.03;
// Of a history of 17 slots: the newest, which no delay asks for.
constexpr double newest_share = 1.0 / 17;
// What a grouped step is told of a population.
constexpr double population_bytes = 128.0;

// Of a plan of N by N weights and slots, which blocks of few columns read in whole tiles, what
// there is beside the matrix; 0 of other benches.
double plan_padding(const std::string& name) {
  const std::size_t at = name.find("/N:");
  if (name.rfind("dense", 0) != 0 || at == std::string::npos) return 0.0;
  const double side = std::stod(name.substr(at + 3));
  const double padded = std::ceil(side / 32) * 32;
  return (padded * padded - side * side) * (sizeof(float) + 1);
}

void expect_counted(const std::string& name, const Work& work, const Moved& moved) {
  const std::string operation = name.substr(0, name.find('/'));
  if (operation == "shared_load") {
    EXPECT_EQ(work.items, moved.shared_bytes);
    return;
  }
  double least = moved.bytes - few_bytes - plan_padding(name);
  double most = moved.bytes + few_bytes;
  if (operation == "select" || operation == "direct") {
    least -= random_share * moved.bytes;
    most += random_share * moved.bytes;
  } else if (operation == "set_step_time_keep") {
    least -= spikes_share * moved.bytes;
  } else if (operation == "conv2d") {
    most += newest_share * work.bytes + random_share * moved.bytes;
  } else if (operation == "grouped") {
    constexpr double populations = 200;
    least -= populations * population_bytes;
  } else if (operation == "dense_step" || operation == "dense_sequence") {
    most += moved.internal;  // slots that steps write and sums read, and a workspace
  }
  EXPECT_GE(work.bytes, least);
  EXPECT_LE(work.bytes, most);
  for (const auto& [column, value] : work.constants) {
    if (std::string_view(column) != "sector_bytes") continue;
    EXPECT_NEAR(value, moved.sector_bytes, random_share * moved.sector_bytes + few_bytes * 32);
  }
}

TEST(Bytes, ThatBenchesCountAreThoseThatMove) {
  if (cusynapse::cuda_device_count() == 0) GTEST_SKIP() << "the kernels' PTX is not there";
  ASSERT_EQ(setenv("CUSYNAPSE_BENCH_DIVISOR", "32", 1), 0);
  namespace bench = cusynapse::bench;
  bench::register_copy();
  bench::register_step();
  bench::register_grouped();
  bench::register_select();
  bench::register_delay_plan();
  bench::register_direct();
  bench::register_resize();
  bench::register_conv2d();
  bench::register_dense();
  std::set<std::string> compared;
  for (const Bench& each : benches()) {
    const std::string operation = each.name.substr(0, each.name.find('/'));
    // No kernels of the library, or an operation that is done otherwise and shows its bytes.
    if (operation == "copy" || operation == "dense_sgemm" || operation == "one_by_one" ||
        operation == "dense_one_by_one" || operation.find("naive") != std::string::npos) {
      continue;
    }
    SCOPED_TRACE(each.name);
    const Work work = each.prepare();
    work.call();
    const Moved moved(work.call);
    expect_counted(each.name, work, moved);
    compared.insert(operation);
  }
  EXPECT_EQ(compared.size(), 15u);
}

}  // namespace

namespace cusynapse::bench {

// In place of the function that measures.
void register_bench(const std::string& name, Backend& backend, std::function<Work()> prepare) {
  if (backend.stream().device().kind == Device::Kind::cuda) {
    benches().push_back({name, std::move(prepare)});
  }
}

}  // namespace cusynapse::bench
