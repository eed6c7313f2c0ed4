// How large benches are.
#pragma once

#include <algorithm>
#include <cstdint>

namespace cusynapse::bench {

/// What lengths are divided by: $CUSYNAPSE_BENCH_DIVISOR, or 1. Throws std::invalid_argument where
/// that is no whole number of at least 1.
std::int64_t size_divisor();

/// A number of rows, columns or pixels in a row.
inline std::int64_t sized_length(std::int64_t length, std::int64_t least = 1) {
  return std::max(length / size_divisor(), least);
}

/// A number of synapses, which is divided as that of the elements of a matrix.
inline std::int64_t sized_population(std::int64_t synapses) {
  return synapses / (size_divisor() * size_divisor());
}

}  // namespace cusynapse::bench
