// Floating-point numbers stored in 16 bits: conversions with the same bits on every backend.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "cusynapse/export.hpp"
#include "cusynapse/math/arithmetic.hpp"

namespace cusynapse {

/// IEEE 754 binary16: 11 significant bits, up to 65504, a constant spacing of 2^-24 below 2^-14.
/// Storage alone: arithmetic is in float. Exported, as functions of it are only then.
struct CUSYNAPSE_EXPORT float16 {
  std::uint16_t bits;  ///< sign, 5 bits of exponent, 10 of significand
};

/// The upper half of a float: 8 significant bits, the range of float. Storage alone.
struct CUSYNAPSE_EXPORT bfloat16 {
  std::uint16_t bits;  ///< sign, 8 bits of exponent, 7 of significand
};

namespace math {

/// What the conversions are made of.
namespace half_parts {

/// A float's bits, and the float of some bits.
CUSYNAPSE_HOST_DEVICE std::uint32_t bits_of(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}
template <class Integer>
CUSYNAPSE_HOST_DEVICE float float_of(Integer bits) {
  static_assert(sizeof bits == sizeof(float), "an integer of 32 bits");
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// Floats as integers. They are compared with signs, which vector units do in one instruction.
inline constexpr std::int32_t infinity = 0x7F800000;        ///< the largest of them
inline constexpr std::int32_t exponent_one = 1 << 23;       ///< what one more exponent adds
inline constexpr std::int32_t rebias = 112 * exponent_one;  ///< from float16's exponents
inline constexpr std::int32_t smallest_normal = rebias + exponent_one;  ///< 2^-14
inline constexpr std::int32_t beyond_largest = 143 * exponent_one;      ///< 2^16

}  // namespace half_parts

/// The value of what is stored, exactly; a NaN keeps its bits. Without a branch, so that a loop
/// over it vectorises.
CUSYNAPSE_HOST_DEVICE float to_float(float16 stored) {
  namespace parts = half_parts;
  const auto wide = static_cast<std::uint32_t>(static_cast<std::int16_t>(stored.bits));
  const auto shifted = static_cast<std::int32_t>((wide << 13) & 0x0FFFE000u);
  const std::uint32_t sign = wide & 0x80000000u;
  const bool is_special = shifted >= 31 * parts::exponent_one;
#if defined(__CUDA_ARCH__)
  float value;
  asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(stored.bits));
  const auto special = static_cast<std::uint32_t>(shifted + 2 * parts::rebias);
  return is_special ? parts::float_of(special | sign) : value;
#else
  // The significand of a subnormal number at the exponent of 2^-14 is the number and 2^-14.
  const auto subnormal = static_cast<std::int32_t>(parts::bits_of(subtract(
      parts::float_of(shifted + parts::smallest_normal), parts::float_of(parts::smallest_normal))));
  const std::int32_t finite = shifted < parts::exponent_one ? subnormal : shifted + parts::rebias;
  const std::int32_t magnitude = finite + (is_special ? parts::rebias : 0);
  return parts::float_of(static_cast<std::int32_t>(static_cast<std::uint32_t>(magnitude) | sign));
#endif
}
CUSYNAPSE_HOST_DEVICE float to_float(bfloat16 stored) {
  return half_parts::float_of(static_cast<std::uint32_t>(stored.bits) << 16);
}

/// A value rounded to nearest, halves to even, as it is stored: Stored is float16 or bfloat16. What
/// is too large becomes infinity, every NaN the same one. Without a branch.
template <class Stored>
CUSYNAPSE_HOST_DEVICE Stored from_float(float value) {
  static_assert(std::is_same_v<Stored, float16> || std::is_same_v<Stored, bfloat16>,
                "a type of 16 bits");
  namespace parts = half_parts;
  const std::uint32_t bits = parts::bits_of(value);
  const auto magnitude = static_cast<std::int32_t>(bits & 0x7FFFFFFFu);
  const bool is_nan = magnitude > parts::infinity;
  if constexpr (std::is_same_v<Stored, bfloat16>) {
    const std::uint32_t rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
    return {static_cast<std::uint16_t>(is_nan ? 0x7FC0u : rounded)};
  } else {
#if defined(__CUDA_ARCH__)
    std::uint16_t rounded;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(rounded) : "f"(value));
    return {is_nan ? std::uint16_t{0x7E00} : rounded};
#else
    const std::int32_t bounded =
        magnitude < parts::beyond_largest ? magnitude : parts::beyond_largest;
    const std::int32_t own_exponent = bounded & parts::infinity;
    const std::int32_t exponent =
        own_exponent > parts::smallest_normal ? own_exponent : parts::smallest_normal;
    // A power of two whose last place is that of float16 at this exponent: a sum with it is rounded
    // to whole places, 1024 to 2048 of them, or fewer of a subnormal number.
    const std::int32_t power = exponent + 13 * parts::exponent_one;
    const auto sum = static_cast<std::int32_t>(
        parts::bits_of(add(parts::float_of(bounded), parts::float_of(power))));
    const std::int32_t number = (sum - power) + ((exponent - parts::smallest_normal) >> 13);
    const std::uint32_t rounded = static_cast<std::uint32_t>(number) | ((bits >> 16) & 0x8000u);
    return {static_cast<std::uint16_t>(is_nan ? 0x7E00u : rounded)};
#endif
  }
}

}  // namespace math
}  // namespace cusynapse
