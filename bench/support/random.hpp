// Random data that depends on its index alone: the same on every run, filled in any order.
#pragma once

#include <cstdint>
#include <vector>

#include "support/parallel.hpp"

namespace cusynapse::bench {

/// Uniform in [0, 1). Source: SplitMix64 (Steele, Lea and Flood 2014, OOPSLA).
inline double uniform(std::uint64_t index) {
  std::uint64_t z = (index + 1) * 0x9e3779b97f4a7c15ull;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) * 0x1p-53;
}

/// `size` values uniform in [0, below).
template <class T>
std::vector<T> uniform_values(std::int64_t size, double below) {
  std::vector<T> values(static_cast<std::size_t>(size));
  T* const out = values.data();
  for_each_index(size, [=](std::int64_t i) {
    out[i] = static_cast<T>(uniform(static_cast<std::uint64_t>(i)) * below);
  });
  return values;
}

/// `size` spikes as bytes 0 or 1, one in ten set.
inline std::vector<std::uint8_t> random_spikes(std::int64_t size) {
  std::vector<std::uint8_t> spikes(static_cast<std::size_t>(size));
  std::uint8_t* const out = spikes.data();
  for_each_index(
      size, [=](std::int64_t i) { out[i] = uniform(static_cast<std::uint64_t>(i)) < 0.1 ? 1 : 0; });
  return spikes;
}

}  // namespace cusynapse::bench
