// Whether benches count what their calls move: beside what the emulated device sees move.
#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

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

double bytes_of(const emulated::Traffic& traffic) {
  int bytes = 0;
  for (const auto& [sector, touched] : traffic.touched) {
    bytes += std::popcount(touched.read) + std::popcount(touched.written);
  }
  return bytes;
}

double sector_bytes_of(const emulated::Traffic& traffic) {
  int sectors = 0;
  for (const auto& [sector, touched] : traffic.touched) {
    sectors += (touched.read != 0) + (touched.written != 0);
  }
  return 32.0 * sectors;
}

TEST(Bytes, AreThoseThatACallMoves) {
  namespace bench = cusynapse::bench;
  bench::register_copy();
  bench::register_step();
  bench::register_grouped();
  bench::register_select();
  bench::register_resize();
  bench::register_dense();
  bench::register_conv2d();
  bench::register_direct();
  bench::register_delay_plan();
  for (const Bench& each : benches()) {
    const Work work = each.prepare();
    work.call();
    const emulated::Traffic traffic = emulated::traffic_of(work.call);
    const double bytes = bytes_of(traffic);
    std::printf("%-80s %10.0f %10.0f %6.3f", each.name.c_str(), work.bytes, bytes,
                bytes / work.bytes);
    for (const auto& [column, value] : work.constants) {
      if (std::string(column) == "sector_bytes")
        std::printf("  %10.0f %10.0f %6.3f", value, sector_bytes_of(traffic),
                    sector_bytes_of(traffic) / value);
    }
    std::printf("\n");
  }
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
