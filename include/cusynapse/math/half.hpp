// Floating-point numbers stored in 16 bits: conversions with the same bits on every backend.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "cusynapse/math/arithmetic.hpp"

namespace cusynapse {

/// IEEE 754 binary16: 11 significant bits, up to 65504, a constant spacing of 2^-24 below 2^-14.
/// Storage alone: arithmetic is in float.
struct float16 {
  std::uint16_t bits;  ///< sign, 5 bits of exponent, 10 of significand
};

/// The upper half of a float: 8 significant bits, the range of float. Storage alone.
struct bfloat16 {
  std::uint16_t bits;  ///< sign, 8 bits of exponent, 7 of significand
};

namespace math {

namespace half_parts {

CUSYNAPSE_HOST_DEVICE std::uint32_t bits_of(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}
CUSYNAPSE_HOST_DEVICE float float_of(std::uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline constexpr std::uint32_t quiet_nan = 0x7FC00000u;  // the float every stored NaN becomes
inline constexpr std::uint32_t infinity = 0x7F800000u;   // as a float
inline constexpr std::uint32_t magnitude_bits = 0x7FFFFFFFu;
inline constexpr std::uint32_t rebias = 112u << 23;           // from float16's exponents to float's
inline constexpr std::uint32_t smallest_normal = 113u << 23;  // 2^-14, of float16
inline constexpr float half = 0.5f;  // whose unit in the last place is 2^-24

}  // namespace half_parts

/// The value of what is stored, exactly. Every NaN becomes the same one. Without a branch, so that
/// a loop over it vectorises.
CUSYNAPSE_HOST_DEVICE float to_float(float16 stored) {
  namespace parts = half_parts;
  const std::uint32_t magnitude = stored.bits & 0x7FFFu;
#if defined(__CUDA_ARCH__)
  float value;
  asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(stored.bits));
  return magnitude > 0x7C00u ? parts::float_of(parts::quiet_nan) : value;
#else
  const std::uint32_t shifted = magnitude << 13;
  const std::uint32_t normal = shifted + parts::rebias;
  // The same significand at the exponent of 2^-14 is a subnormal number and 2^-14 more.
  const std::uint32_t subnormal = parts::bits_of(subtract(
      parts::float_of(shifted + parts::smallest_normal), parts::float_of(parts::smallest_normal)));
  const std::uint32_t finite = magnitude < 0x0400u ? subnormal : normal;
  const std::uint32_t special = magnitude > 0x7C00u ? parts::quiet_nan : parts::infinity;
  const std::uint32_t sign = magnitude > 0x7C00u ? 0u : (stored.bits & 0x8000u) << 16;
  return parts::float_of((magnitude < 0x7C00u ? finite : special) | sign);
#endif
}
CUSYNAPSE_HOST_DEVICE float to_float(bfloat16 stored) {
  namespace parts = half_parts;
  const std::uint32_t bits = static_cast<std::uint32_t>(stored.bits) << 16;
  return parts::float_of((bits & parts::magnitude_bits) > parts::infinity ? parts::quiet_nan
                                                                          : bits);
}

/// A value rounded to nearest, halves to even, as it is stored: Stored is float16 or bfloat16. What
/// is too large becomes infinity, every NaN the same one. Without a branch.
template <class Stored>
CUSYNAPSE_HOST_DEVICE Stored from_float(float value) {
  static_assert(std::is_same_v<Stored, float16> || std::is_same_v<Stored, bfloat16>,
                "a type of 16 bits");
  namespace parts = half_parts;
  const std::uint32_t bits = parts::bits_of(value);
  const std::uint32_t magnitude = bits & parts::magnitude_bits;
  if constexpr (std::is_same_v<Stored, bfloat16>) {
    const std::uint32_t rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
    return {
        static_cast<std::uint16_t>(magnitude > parts::infinity ? parts::quiet_nan >> 16 : rounded)};
  } else {
#if defined(__CUDA_ARCH__)
    std::uint16_t rounded;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(rounded) : "f"(value));
    return {magnitude > parts::infinity ? std::uint16_t{0x7E00} : rounded};
#else
    // Bits beyond the last, half of the last place and whether that is odd: a carry goes on into
    // the exponent, and out of the largest into infinity.
    const std::uint32_t carried = (magnitude + 0x0FFFu + ((magnitude >> 13) & 1u)) >> 13;
    const std::uint32_t normal = carried - (parts::rebias >> 13);
    // A sum with 0.5, whose last place is that of subnormal numbers, rounds to it.
    const std::uint32_t subnormal =
        parts::bits_of(add(parts::float_of(magnitude), parts::half)) - parts::bits_of(parts::half);
    const std::uint32_t bounded = magnitude > 0x477FFFFFu ? 0x7C00u : normal;
    const std::uint32_t number = magnitude < parts::smallest_normal ? subnormal : bounded;
    const std::uint32_t sign = (bits >> 16) & 0x8000u;
    return {static_cast<std::uint16_t>(magnitude > parts::infinity ? 0x7E00u : number | sign)};
#endif
  }
}

}  // namespace math
}  // namespace cusynapse
