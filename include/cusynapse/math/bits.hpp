// Spikes packed at one bit each, lowest bit first.
#pragma once

#include "cusynapse/math/arithmetic.hpp"

namespace cusynapse::math {

/// Whether bit `element` of packed spikes is set.
CUSYNAPSE_HOST_DEVICE bool test_bit(const std::uint8_t* bytes, std::int64_t element) {
  return ((bytes[element >> 3] >> (element & 7)) & 1) != 0;
}

/// The eight flags in the bytes of `flags` (each 0 or 1, the first in the lowest byte) as one byte.
/// The product moves bit 8 i to bit 56 + i, and no two terms meet.
CUSYNAPSE_HOST_DEVICE std::uint8_t pack_flags(std::uint64_t flags) {
  return static_cast<std::uint8_t>((flags * 0x0102040810204080ull) >> 56);
}

}  // namespace cusynapse::math
