// count_outside: how many values lie outside an interval, a partial count a block.
//
// A tile body: a block of threads with shared memory and a barrier, behind a context that gives
// rank, size, block, sync and shared. On a GPU the context is a thread block; on a CPU a single
// thread; in tests, threads of the operating system.
#pragma once

#include "kernels/bodies/access.hpp"

namespace cusynapse::kernels {

template <class T>
struct CountOutsideBody {
  const T* values;
  std::int64_t size;
  T low;
  T high;
  std::int64_t* partial_counts;

  /// Shared memory a block of `threads` needs.
  static constexpr std::size_t shared_bytes(int threads) {
    return static_cast<std::size_t>(threads) * sizeof(std::int32_t);
  }

  template <class Context>
  CUSYNAPSE_HOST_DEVICE void operator()(const Context& context) const {
    const std::int64_t begin = context.block() * count_tile;
    const std::int64_t end = begin + count_tile < size ? begin + count_tile : size;
    std::int32_t count = 0;
    for (std::int64_t i = begin + context.rank(); i < end; i += context.size()) {
      const T value = values[i];
      count += value >= low && value <= high ? 0 : 1;
    }
    auto* counts = static_cast<std::int32_t*>(context.shared());
    counts[context.rank()] = count;
    // Halve the number of counts until one is left; the barrier comes before each reading round.
    for (int active = context.size(); active > 1;) {
      const int half = (active + 1) / 2;
      context.sync();
      if (context.rank() + half < active) {
        counts[context.rank()] += counts[context.rank() + half];
      }
      active = half;
    }
    if (context.rank() == 0) partial_counts[context.block()] = counts[0];
  }
};

}  // namespace cusynapse::kernels
