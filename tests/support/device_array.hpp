// Arrays of a device, filled from and read back to host vectors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <type_traits>
#include <vector>

#include "cusynapse/buffer.hpp"
#include "cusynapse/ops.hpp"
#include "cusynapse/shape.hpp"
#include "cusynapse/stream.hpp"
#include "cusynapse/view.hpp"

namespace support {

/// An array of the stream's device with a shape, exactly as long as it must be.
template <class T>
class DeviceArray {
 public:
  DeviceArray(const cusynapse::Stream& stream, const std::vector<T>& host,
              const cusynapse::Shape& shape)
      : stream_(stream),
        shape_(shape),
        buffer_(stream, host.data(), static_cast<std::int64_t>(host.size())) {}
  /// Every element `fill`, which a test chooses so that what is not written shows.
  DeviceArray(const cusynapse::Stream& stream, const cusynapse::Shape& shape, T fill)
      : DeviceArray(stream, std::vector<T>(static_cast<std::size_t>(shape.size()), fill), shape) {}

  cusynapse::View<T> view() { return buffer_.view(shape_); }
  cusynapse::View<const T> constant() const { return buffer_.view(shape_); }
  std::vector<T> host() const {
    std::vector<T> out(static_cast<std::size_t>(buffer_.size()));
    buffer_.copy_to_host(stream_, out.data());
    return out;
  }

 private:
  cusynapse::Stream stream_;
  cusynapse::Shape shape_;
  cusynapse::Buffer<T> buffer_;
};

/// What output arrays hold before a call, unlike any result.
template <class T>
constexpr T untouched() {
  if constexpr (std::is_floating_point_v<T>) {
    return T(-12345.5);
  } else {
    return T(0xA5);
  }
}

/// Frames of flags at one bit each, lowest bit first, every frame on a new byte. Bits past a frame
/// are ones, which must be ignored.
inline std::vector<std::uint8_t> pack_bits(const std::vector<std::uint8_t>& flags,
                                           std::int64_t frames) {
  const std::size_t count = static_cast<std::size_t>(frames);
  const std::size_t size = flags.size() / count;
  const std::size_t stride = (size + 7) / 8;
  std::vector<std::uint8_t> out(count * stride, 0xFF);
  for (std::size_t frame = 0; frame < count; ++frame) {
    for (std::size_t i = 0; i < size; ++i) {
      if (flags[frame * size + i] != 0) continue;
      std::uint8_t& byte = out[frame * stride + i / 8];
      byte = static_cast<std::uint8_t>(byte & ~(1u << (i % 8)));
    }
  }
  return out;
}

/// All observations of a ring, newest first, in the type they are exchanged in.
template <class T>
std::deque<std::vector<typename cusynapse::ElementTraits<T>::Exchanged>> observations(
    const cusynapse::Stream& stream, const cusynapse::Ring<T>& ring) {
  using Stored = typename cusynapse::ElementTraits<T>::Stored;
  using Value = typename cusynapse::ElementTraits<T>::Exchanged;
  std::int32_t head = ring.head.value;
  if (ring.head.state != nullptr) {
    cusynapse::RingState state;
    cusynapse::memory::copy_to_host(stream, &state, ring.head.state, sizeof state);
    head = state.head;
  }
  constexpr bool is_bits = std::is_same_v<T, bool>;
  const auto stride = static_cast<std::size_t>(is_bits ? ring.stride / 8 : ring.stride);
  std::vector<Stored> storage(static_cast<std::size_t>(ring.slots) * stride);
  cusynapse::memory::copy_to_host(stream, storage.data(), ring.data,
                                  storage.size() * sizeof(Stored));
  std::deque<std::vector<Value>> out;
  for (std::int32_t k = 1; k <= ring.slots; ++k) {
    const std::int32_t slot = head - k < 0 ? head - k + ring.slots : head - k;
    const Stored* frame = storage.data() + static_cast<std::size_t>(slot) * stride;
    std::vector<Value> values;
    for (std::size_t i = 0; i < static_cast<std::size_t>(ring.size); ++i) {
      if constexpr (is_bits) {
        values.push_back(static_cast<Value>((frame[i / 8] >> (i % 8)) & 1));
      } else if constexpr (std::is_same_v<Stored, Value>) {
        values.push_back(frame[i]);
      } else {
        values.push_back(cusynapse::math::to_float(frame[i]));
      }
    }
    out.push_back(values);
  }
  return out;
}

}  // namespace support
