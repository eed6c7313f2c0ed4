// The oracle of projections: matrix products, gradients, hardware weights and initial draws, in
// obvious loops. Includes nothing of the library.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace reference {

/// SplitMix64 as published: a state that grows by a constant, and its mixed value.
class SplitMix64 {
 public:
  explicit SplitMix64(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15u;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
    return mixed ^ (mixed >> 31);
  }

 private:
  std::uint64_t state_;
};

/// Half the width of Kaiming's uniform initial weights: gain * sqrt(3 / inputs), where the gain of
/// a leaky rectifier of slope a is sqrt(2 / (1 + a * a)), and a is sqrt(5).
inline double kaiming_bound(std::int64_t inputs) {
  const double gain = std::sqrt(2.0 / (1.0 + 5.0));
  return gain * std::sqrt(3.0 / static_cast<double>(inputs));
}

/// Initial weights: (2 u - 1) / sqrt(inputs), with u the upper bits of each draw.
template <class T>
std::vector<T> initial_weights(std::uint64_t seed, std::int64_t inputs, std::int64_t outputs) {
  constexpr int bits = std::numeric_limits<T>::digits;
  SplitMix64 generator(seed);
  std::vector<T> out;
  for (std::int64_t e = 0; e < inputs * outputs; ++e) {
    const double unit = std::ldexp(static_cast<double>(generator.next() >> (64 - bits)), -bits);
    out.push_back(static_cast<T>((2.0 * unit - 1.0) / std::sqrt(static_cast<double>(inputs))));
  }
  return out;
}

/// The sum of products in the order the library promises: runs of 32 terms, each added by one fused
/// multiply-add, groups of 8 runs, then the groups.
template <class T>
T ordered_sum(const T* a, const T* b, std::size_t terms) {
  T total = 0;
  for (std::size_t group = 0; group < terms; group += 256) {
    T group_sum = 0;
    for (std::size_t run = group; run < std::min(group + 256, terms); run += 32) {
      T run_sum = 0;
      for (std::size_t k = run; k < std::min(run + 32, terms); ++k) {
        run_sum = std::fma(a[k], b[k], run_sum);
      }
      group_sum = group_sum + run_sum;
    }
    total = total + group_sum;
  }
  return total;
}

/// A (rows, inner) times the transpose of B (columns, inner): (rows, columns). In double, or in T
/// rounded as the library promises.
template <class T>
std::vector<T> product(const std::vector<T>& a, const std::vector<T>& b, std::size_t inner) {
  const std::size_t rows = a.size() / inner;
  const std::size_t columns = b.size() / inner;
  std::vector<T> out;
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) {
      out.push_back(ordered_sum(a.data() + r * inner, b.data() + c * inner, inner));
    }
  }
  return out;
}

/// The transpose of an array with rows of `columns` elements.
template <class V>
std::vector<V> transposed(const std::vector<V>& values, std::size_t columns) {
  const std::size_t rows = values.size() / columns;
  std::vector<V> out;
  for (std::size_t c = 0; c < columns; ++c) {
    for (std::size_t r = 0; r < rows; ++r) out.push_back(values[r * columns + c]);
  }
  return out;
}

/// Values where the mask is not 0, and 0 elsewhere.
template <class T>
std::vector<T> masked(std::vector<T> values, const std::vector<std::uint8_t>& mask) {
  for (std::size_t e = 0; e < values.size(); ++e) {
    if (mask[e] == 0) values[e] = 0;
  }
  return values;
}

/// clamp(scale * weight, minimum, maximum).
template <class T>
T linear_saturating(T weight, T scale, T minimum, T maximum) {
  const T scaled = scale * weight;
  if (scaled < minimum) return minimum;
  if (scaled > maximum) return maximum;
  return scaled;
}

/// floor(|value| + 0.5) of values of one sign, 0 of the other. Extended precision holds the sum.
template <class T>
std::int32_t hardware_weight(T value, bool excitatory) {
  const bool has_sign = excitatory ? value > 0 : value < 0;
  if (!has_sign) return 0;
  const long double magnitude = std::fabs(static_cast<long double>(value));
  return static_cast<std::int32_t>(std::floor(magnitude + 0.5L));
}

}  // namespace reference
