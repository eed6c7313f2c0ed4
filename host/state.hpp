// What objects share in saving and loading their states.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "cusynapse/buffer.hpp"
#include "cusynapse/error.hpp"
#include "cusynapse/ops.hpp"
#include "cusynapse/state.hpp"
#include "host/check.hpp"

namespace cusynapse::host {

/// Throws, from a handler of `error`: `invalid_state` with the same message where values or shapes
/// were refused, and the error itself otherwise.
[[noreturn]] void refuse_state(const Error& error);

/// Calls what checks values of a state as those of a caller are checked.
template <class Make>
auto from_state(const Make& make) {
  try {
    return make();
  } catch (const Error& error) {
    refuse_state(error);
  }
}

/// Throws `Error(shape_mismatch)` unless a state has the shape of the object that takes it.
inline void check_state_shape(const Where& where, const Shape& got, const Shape& expected) {
  if (got == expected) return;
  throw Error(Errc::shape_mismatch, where.name() + ": the state has shape " + to_string(got) +
                                        ", expected " + to_string(expected));
}

template <class V>
std::vector<V> to_host(const Stream& stream, const Buffer<V>& buffer) {
  std::vector<V> values(static_cast<std::size_t>(buffer.size()));
  buffer.copy_to_host(stream, values.data());
  return values;
}

// A ring in a state is an array of its slots as they lie, without their padding: [slots,
// batch_size, shape...], or [slots, bytes] of bits, those past the frame 0.

/// What a state holds elements as: those of 16 bits as their bits.
template <class T>
using StateElement = std::conditional_t<std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>,
                                        std::uint16_t, typename ElementTraits<T>::Stored>;

template <class T>
struct StoredRing {
  static constexpr int elements = std::is_same_v<T, bool> ? 8 : 1;  ///< in one that is stored

  StoredRing(const Shape& frame, std::int32_t slots)
      : size(frame.size()),
        row((size + elements - 1) / elements),
        stride(slot_stride(size) / elements),
        shape(std::is_same_v<T, bool> ? Shape{slots, row} : frame.prepended(slots)) {}

  /// The bits of the last byte of a frame that belong to it.
  unsigned mask() const noexcept { return size % 8 == 0 ? 0xFFU : (1U << (size % 8)) - 1U; }

  std::int64_t size;    ///< of a frame
  std::int64_t row;     ///< stored elements of a frame
  std::int64_t stride;  ///< from slot to slot, in stored elements
  Shape shape;          ///< of the record
};

/// The slots of a ring of frames [batch_size, shape...], in memory of elements or of bytes.
/// Synchronises.
template <class T, class Memory>
void save_slots(const Stream& stream, StateWriter& state, const char* name, const Shape& frame,
                std::int32_t slots, const Buffer<Memory>& storage) {
  using Element = StateElement<T>;
  const StoredRing<T> ring(frame, slots);
  std::vector<Element> values(static_cast<std::size_t>(storage.size()) * sizeof(Memory) /
                              sizeof(Element));
  storage.copy_to_host(stream, reinterpret_cast<Memory*>(values.data()));
  if constexpr (std::is_same_v<T, bool>) {
    for (std::int64_t last = ring.row - 1; last < storage.size(); last += ring.stride) {
      auto& byte = values[static_cast<std::size_t>(last)];
      byte = static_cast<std::uint8_t>(byte & ring.mask());
    }
  }
  state.array(name, ring.shape, values.data(), ring.row, ring.stride);
}

/// The storage of a ring, padding zero, as memory of elements or of bytes. Synchronises.
template <class T, class Memory = typename ElementTraits<T>::Stored>
Buffer<Memory> load_slots(const Stream& stream, StateReader& state, const char* name,
                          const Shape& frame, std::int32_t slots) {
  using Element = StateElement<T>;
  const StoredRing<T> ring(frame, slots);
  const auto values = state.array<Element>(name, ring.shape, ring.row, ring.stride);
  if constexpr (std::is_same_v<T, bool>) {
    const auto size = static_cast<std::int64_t>(values.size());
    for (std::int64_t last = ring.row - 1; last < size; last += ring.stride) {
      if ((values[static_cast<std::size_t>(last)] & ~ring.mask()) != 0) {
        state.refuse("a bit of record \"" + std::string(name) + "\" past its frame", "1", "0");
      }
    }
  }
  const std::size_t bytes = values.size() * sizeof(Element);
  return Buffer<Memory>(stream, reinterpret_cast<const Memory*>(values.data()),
                        static_cast<std::int64_t>(bytes / sizeof(Memory)));
}

/// The head of a ring. Both synchronise.
inline void save_head(const Stream& stream, StateWriter& state, const Buffer<RingState>& head) {
  state.integer("head", to_host(stream, head)[0].head);
}
inline Buffer<RingState> load_head(const Stream& stream, StateReader& state, std::int32_t slots) {
  RingState head;
  head.head = static_cast<std::int32_t>(state.integer("head", 0, slots - 1));
  return Buffer<RingState>(stream, &head, 1);
}

}  // namespace cusynapse::host
