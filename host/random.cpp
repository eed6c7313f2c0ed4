#include "host/random.hpp"

#include <limits>

namespace cusynapse::host {
namespace {

std::uint64_t split_mix(std::uint64_t seed, std::uint64_t number) {
  std::uint64_t z = seed + (number + 1) * 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

}  // namespace

template <class T>
std::vector<T> uniform(std::uint64_t seed, std::int64_t count, std::int64_t first) {
  constexpr int bits = std::numeric_limits<T>::digits;
  constexpr T unit = T(1) / static_cast<T>(std::uint64_t{1} << bits);
  std::vector<T> out(static_cast<std::size_t>(count));
  auto number = static_cast<std::uint64_t>(first);
  for (T& value : out) value = static_cast<T>(split_mix(seed, number++) >> (64 - bits)) * unit;
  return out;
}

template std::vector<float> uniform(std::uint64_t, std::int64_t, std::int64_t);
template std::vector<double> uniform(std::uint64_t, std::int64_t, std::int64_t);

}  // namespace cusynapse::host
