// What is said of many steps' spikes.
#pragma once

#include <cstdint>
#include <vector>

namespace cuda_graph {

/// How many there were, and the FNV-1a hash of all frames, 64 bits (Fowler, Noll and Vo).
struct SpikeRecord {
  std::int64_t count = 0;
  std::uint64_t hash = 0xcbf29ce484222325;

  void add(const std::vector<std::uint8_t>& frame) {
    for (const std::uint8_t spike : frame) {
      count += spike;
      hash = (hash ^ spike) * 0x100000001b3;
    }
  }
};

}  // namespace cuda_graph
