// Non-owning arrays: what callers pass in and get results through.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <type_traits>
#include <vector>

#include "cusynapse/shape.hpp"

namespace cusynapse {

/// A pointer with extents: a dense row-major array in memory the caller owns, on the device of the
/// stream it is used with. Copying it copies no data.
template <class T>
class View {
 public:
  constexpr View() noexcept = default;
  /// Refers to memory of the caller's.
  View(T* data, const Shape& shape) noexcept : data_(data), shape_(shape) {}
  /// A view of T where one of const T is wanted.
  template <class U, std::enable_if_t<std::is_same_v<const U, T> && !std::is_const_v<U>, int> = 0>
  View(const View<U>& other) noexcept : data_(other.data()), shape_(other.shape()) {}

  /// The first element, the extents, and the number of elements.
  T* data() const noexcept { return data_; }
  const Shape& shape() const noexcept { return shape_; }
  std::int64_t size() const noexcept { return shape_.size(); }

  /// Element `index` along the outermost dimension, not checked, as a view of one rank less.
  View operator[](std::int64_t index) const {
    const Shape inner = shape_.without_leading(1);
    return View(data_ + index * inner.size(), inner);
  }

 private:
  T* data_ = nullptr;
  Shape shape_;
};

/// Spikes at one bit each: element e of a frame is bit e % 8 of byte e / 8, lowest bit first
/// (NumPy's packbits with bitorder='little'; on little-endian machines also bit e % 32 of 32-bit
/// word e / 32). A frame of n elements takes (n + 7) / 8 bytes; bits past n are ignored.
class PackedSpikes {
 public:
  /// Refers to memory of the caller's.
  PackedSpikes(const std::uint8_t* bytes, const Shape& shape) noexcept
      : bytes_(bytes), shape_(shape) {}
  /// The first byte, and the extents, counted in spikes.
  const std::uint8_t* data() const noexcept { return bytes_; }
  const Shape& shape() const noexcept { return shape_; }

 private:
  const std::uint8_t* bytes_;
  Shape shape_;
};

/// How input spikes are stored: weighted values (0.5 is half a charge), bytes (the count of spikes,
/// 0 to 255) or packed bits.
enum class InputKind : std::int32_t { values, bytes, bits };

/// Input of a synapse, whichever way spikes are stored. Implicit from each; copies no data.
template <class T>
class SpikeInput {
 public:
  /// Spikes as values, as bytes, or as bits.
  SpikeInput(View<const T> values) noexcept
      : kind_(InputKind::values), data_(values.data()), shape_(values.shape()) {}
  SpikeInput(View<T> values) noexcept : SpikeInput(View<const T>(values)) {}
  SpikeInput(View<const std::uint8_t> bytes) noexcept
      : kind_(InputKind::bytes), data_(bytes.data()), shape_(bytes.shape()) {}
  SpikeInput(View<std::uint8_t> bytes) noexcept : SpikeInput(View<const std::uint8_t>(bytes)) {}
  SpikeInput(PackedSpikes bits) noexcept
      : kind_(InputKind::bits), data_(bits.data()), shape_(bits.shape()) {}

  /// How the input is stored, where, and its extents, counted in spikes.
  InputKind kind() const noexcept { return kind_; }
  const void* data() const noexcept { return data_; }
  const Shape& shape() const noexcept { return shape_; }
  /// The same input under another shape of as many elements, not checked.
  SpikeInput reshaped(const Shape& shape) const noexcept {
    SpikeInput out = *this;
    out.shape_ = shape;
    return out;
  }

 private:
  InputKind kind_;
  const void* data_;
  Shape shape_;
};

/// Currents injected in one step, in the order they are added. Refers to the views it is made from,
/// which must live until the call it is passed to returns: `step(stream, x, {a, b})`.
template <class T>
class Injected {
 public:
  constexpr Injected() noexcept = default;
#if defined(__GNUC__) && !defined(__clang__)
// GCC warns that the list may not outlive this object, which is what this type is for.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winit-list-lifetime"
#endif
  /// The views of a list, an array or a vector.
  Injected(std::initializer_list<View<const T>> currents) noexcept
      : first_(currents.begin()), size_(static_cast<std::int64_t>(currents.size())) {}
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
  /// The views of an array, or of a vector.
  Injected(const View<const T>* first, std::int64_t size) noexcept : first_(first), size_(size) {}
  Injected(const std::vector<View<const T>>& currents) noexcept
      : first_(currents.data()), size_(static_cast<std::int64_t>(currents.size())) {}

  /// How many currents there are, and one of them.
  std::int64_t size() const noexcept { return size_; }
  const View<const T>& operator[](std::int64_t index) const noexcept { return first_[index]; }

 private:
  const View<const T>* first_ = nullptr;
  std::int64_t size_ = 0;
};

}  // namespace cusynapse
