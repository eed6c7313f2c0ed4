// Saved states as bytes: a checksum of one's own, and states altered so that it still holds.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace support {

/// CRC-32 of zlib, by its definition: the remainder of a division, bit by bit.
inline std::uint32_t crc32(const std::uint8_t* data, std::size_t size) {
  std::uint32_t remainder = 0xFFFFFFFFU;
  for (std::size_t i = 0; i < size; ++i) {
    remainder ^= data[i];
    for (int bit = 0; bit < 8; ++bit) {
      remainder = (remainder >> 1) ^ ((remainder & 1U) != 0 ? 0xEDB88320U : 0U);
    }
  }
  return ~remainder;
}

/// Writes a number at a place of a state, lowest byte first.
inline void put(std::vector<std::uint8_t>& bytes, std::size_t at, std::uint64_t value,
                std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    bytes[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
  }
}

/// Gives a state, and every state within it, the size and the checksum of its bytes as they are.
/// Bytes that do not begin as a state stay as they are.
inline void make_consistent(std::vector<std::uint8_t>& bytes) {
  constexpr std::array<std::uint8_t, 8> magic = {0x89, 'C', 'S', 'Y', 'N', '\r', '\n', 0x1A};
  constexpr std::size_t size_at = 12;
  constexpr std::size_t least = 24;
  if (bytes.size() < least || !std::equal(magic.begin(), magic.end(), bytes.begin())) return;
  put(bytes, size_at, bytes.size(), 8);
  for (std::size_t at = bytes.size() - least + 1; at-- > 0;) {
    const auto first = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    if (!std::equal(magic.begin(), magic.end(), first)) continue;
    std::uint64_t size = 0;
    for (std::size_t i = 8; i-- > 0;) size = size << 8 | bytes[at + size_at + i];
    if (size < least || size > bytes.size() - at) continue;
    const auto length = static_cast<std::size_t>(size) - 4;
    put(bytes, at + length, crc32(bytes.data() + at, length), 4);
  }
}

}  // namespace support
