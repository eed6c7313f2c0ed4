// The exponential function with the same bits on every backend.
#pragma once

#include "cusynapse/math/arithmetic.hpp"

namespace cusynapse::math {

namespace exponential_parts {

// What differs between the two precisions: the format's layout and the degree at which the Taylor
// series of exp on [-ln2/2, ln2/2] is exact to less than a quarter of a unit in the last place.
template <class T>
struct Format;

template <>
struct Format<float> {
  using Bits = std::uint32_t;
  static constexpr int mantissa_bits = 23;
  static constexpr int exponent_bias = 127;
  static constexpr int degree = 7;
  static constexpr float lowest = -104.0f;       // exp is 0 in float below -103.98
  static constexpr float highest = 89.0f;        // and infinite above 88.73
  static constexpr float shifter = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  static constexpr float log2_e = 1.44269504f;
  static constexpr float ln2_high = 0.693145751953125f;  // ln 2 to 15 bits: k * ln2_high is exact
  static constexpr float ln2_low = 1.42860682e-6f;       // ln 2 - ln2_high
};

template <>
struct Format<double> {
  using Bits = std::uint64_t;
  static constexpr int mantissa_bits = 52;
  static constexpr int exponent_bias = 1023;
  static constexpr int degree = 13;
  static constexpr double lowest = -746.0;
  static constexpr double highest = 710.0;
  static constexpr double shifter = 6755399441055744.0;  // 1.5 * 2^52
  static constexpr double log2_e = 1.4426950408889634;
  static constexpr double ln2_high = 0.693147180369123816490;  // ln 2 to 32 bits
  static constexpr double ln2_low = 1.90821492927058770002e-10;
};

constexpr double factorial(int n) { return n < 2 ? 1.0 : n * factorial(n - 1); }

template <class T, int N>
struct TaylorCoefficient {
  static constexpr T value = static_cast<T>(1.0 / factorial(N));
};

// The Taylor series of e^r from its term of degree N down, by Horner's rule; `sum` is what the
// higher terms came to, divided by r^(N + 1).
template <int N, class T>
CUSYNAPSE_HOST_DEVICE T taylor(T r, T sum) {
  const T next = fused_multiply_add(sum, r, TaylorCoefficient<T, N>::value);
  if constexpr (N == 0) {
    return next;
  } else {
    return taylor<N - 1>(r, next);
  }
}

template <class T>
CUSYNAPSE_HOST_DEVICE typename Format<T>::Bits bits_of(T value) {
  typename Format<T>::Bits bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

// 2^k for k a normal exponent, put together from its bits.
template <class T>
CUSYNAPSE_HOST_DEVICE T power_of_two(typename Format<T>::Bits k) {
  const auto bits = static_cast<typename Format<T>::Bits>(k + Format<T>::exponent_bias)
                    << Format<T>::mantissa_bits;
  T value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace exponential_parts

/// e to the x. Within 1 unit in the last place over the whole range, subnormal results included;
/// 0, infinity and NaN (of whichever bits) as std::exp gives them; exp(0) is exactly 1. No table,
/// no branch: a loop over it vectorises. Products are fused with sums where written so, which gives
/// the same bits on the CPU and on every GPU. x = k ln2 + r with k an integer (Cody and Waite's
/// two-part ln2), then the Taylor series of e^r, then a scaling by 2^k in two steps, so that
/// neither factor leaves the range of exponents.
template <class T>
CUSYNAPSE_HOST_DEVICE T exponential(T x) {
  using F = exponential_parts::Format<T>;
  using Bits = typename F::Bits;
  // A NaN fails both comparisons, stays, and comes out of the series.
  T clamped = x < F::lowest ? F::lowest : x;
  clamped = clamped > F::highest ? F::highest : clamped;

  const T shifted = fused_multiply_add(clamped, F::log2_e, F::shifter);
  const T k = subtract(shifted, F::shifter);
  const T r = fused_multiply_add(k, -F::ln2_low, fused_multiply_add(k, -F::ln2_high, clamped));

  const T highest_term = exponential_parts::TaylorCoefficient<T, F::degree>::value;
  const T series = exponential_parts::taylor<F::degree - 1>(r, highest_term);

  // k as an integer, modulo 2^bits, is the difference of the two representations.
  const Bits exponent =
      exponential_parts::bits_of(shifted) - exponential_parts::bits_of(F::shifter);
  // Half of it, rounded down, as an arithmetic shift: bias up, shift, bias down.
  const Bits half = ((exponent + 4096u) >> 1) - 2048u;
  return multiply(multiply(series, exponential_parts::power_of_two<T>(half)),
                  exponential_parts::power_of_two<T>(exponent - half));
}

}  // namespace cusynapse::math
