// Random numbers of initial parameters: the same for a seed on every backend and machine.
#pragma once

#include <cstdint>
#include <vector>

namespace cusynapse::host {

/// Draws first, first + 1, ... of a seed, `count` of them, uniform in [0, 1). A draw depends on
/// the seed and its own number alone. A float is the double of the same draw rounded down, and so
/// never 1. Source: SplitMix64 (Steele, Lea and Flood 2014, OOPSLA, "Fast splittable pseudorandom
/// number generators"), whose output `number` is the mixed value of seed + (number + 1) * gamma.
template <class T>
std::vector<T> uniform(std::uint64_t seed, std::int64_t count, std::int64_t first = 0);

extern template std::vector<float> uniform(std::uint64_t, std::int64_t, std::int64_t);
extern template std::vector<double> uniform(std::uint64_t, std::int64_t, std::int64_t);

}  // namespace cusynapse::host
