// The oracle of numbers stored in 16 bits, in double: what a pattern means by its fields, and the
// nearest number that a format has.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace reference {

/// A binary format with a sign, exponents and significands of so many bits.
struct Format {
  int exponent_bits;
  int significand_bits;  ///< those that are stored

  int bias() const { return (1 << (exponent_bits - 1)) - 1; }
  int lowest_exponent() const { return 1 - bias(); }
  double largest() const { return std::ldexp(2.0 - std::ldexp(1.0, -significand_bits), bias()); }
};

inline constexpr Format binary16 = {5, 10};
inline constexpr Format brain16 = {8, 7};

/// The value of a pattern of 16 bits.
inline double value_of(const Format& format, std::uint16_t pattern) {
  const double sign = (pattern >> 15) != 0 ? -1.0 : 1.0;
  const int exponent = (pattern >> format.significand_bits) & ((1 << format.exponent_bits) - 1);
  const int significand = pattern & ((1 << format.significand_bits) - 1);
  if (exponent == (1 << format.exponent_bits) - 1) {
    return significand != 0 ? std::numeric_limits<double>::quiet_NaN()
                            : sign * std::numeric_limits<double>::infinity();
  }
  const double fraction = std::ldexp(static_cast<double>(significand), -format.significand_bits);
  return exponent == 0 ? sign * std::ldexp(fraction, format.lowest_exponent())
                       : sign * std::ldexp(1.0 + fraction, exponent - format.bias());
}

/// The number of a format that is nearest to a value, of two the even one; infinity from half a
/// place above the largest on.
inline double nearest(const Format& format, double value) {
  if (std::isnan(value) || std::isinf(value) || value == 0) return value;
  const int exponent = std::max(std::ilogb(value), format.lowest_exponent());
  const double place = std::ldexp(1.0, exponent - format.significand_bits);
  const double scaled = value / place;  // exact: a power of two
  double whole = std::floor(scaled);
  const double rest = scaled - whole;
  if (rest > 0.5 || (rest == 0.5 && std::fmod(whole, 2.0) != 0)) whole += 1;
  const double rounded = std::copysign(whole * place, value);
  return std::fabs(rounded) > format.largest()
             ? std::copysign(std::numeric_limits<double>::infinity(), value)
             : rounded;
}

/// How traces or planned weights are stored.
enum class Storage { same, float16, bfloat16 };

/// Of a storage of 16 bits.
inline const Format& format_of(Storage storage) {
  return storage == Storage::float16 ? binary16 : brain16;
}

/// A value as a storage keeps it.
template <class T>
T kept(Storage storage, T value) {
  if (storage == Storage::same) return value;
  return static_cast<T>(nearest(format_of(storage), static_cast<double>(value)));
}

/// What a number of the normal range changes by at most when it is stored, relative to its size.
inline double unit_roundoff(Storage storage) {
  return storage == Storage::same ? 0.0 : std::ldexp(1.0, -format_of(storage).significand_bits - 1);
}
/// Half of the spacing of the smallest numbers: what a number below the normal range changes by.
inline double least_rounding(Storage storage) {
  if (storage == Storage::same) return 0.0;
  const Format& format = format_of(storage);
  return std::ldexp(1.0, format.lowest_exponent() - format.significand_bits - 1);
}

}  // namespace reference
