// Owning device memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "cusynapse/export.hpp"
#include "cusynapse/stream.hpp"
#include "cusynapse/view.hpp"

namespace cusynapse {

namespace memory {
/// `bytes` of uninitialised memory on a device, aligned to 256 bytes; null for 0 bytes. May
/// synchronise the device. Throws `Error(out_of_memory)` or `Error(no_device)`.
CUSYNAPSE_EXPORT void* allocate(Device device, std::size_t bytes);
/// Bytes of `size` elements of `element_size`. Throws `Error(invalid_argument)` for a negative size
/// and for more bytes than can be addressed.
CUSYNAPSE_EXPORT std::size_t checked_bytes(std::int64_t size, std::size_t element_size);
/// Throws `Error(wrong_device)` unless the stream is of that device.
CUSYNAPSE_EXPORT void require_device(const Stream& stream, Device device);
/// Gives memory back. May synchronise the device, which is what makes it safe while kernels that
/// use the memory are under way, and so is not allowed while a stream of the device is being
/// captured. Never fails: where the driver has shut down before, at the end of a process, there is
/// nothing to free.
CUSYNAPSE_EXPORT void deallocate(Device device, void* data) noexcept;
/// Copies between host memory and the stream's device and waits for the copy: synchronises.
CUSYNAPSE_EXPORT void copy_from_host(const Stream& stream, void* device, const void* host,
                                     std::size_t bytes);
CUSYNAPSE_EXPORT void copy_to_host(const Stream& stream, void* host, const void* device,
                                   std::size_t bytes);
/// Copies between two places of the stream's device, which may not overlap, in stream order; does
/// not synchronise.
CUSYNAPSE_EXPORT void copy(const Stream& stream, void* to, const void* from, std::size_t bytes);
/// Sets bytes to zero, in stream order; does not synchronise.
CUSYNAPSE_EXPORT void fill_zero(const Stream& stream, void* device, std::size_t bytes);
}  // namespace memory

/// `size` elements of device memory, owned and move-only.
template <class T>
class Buffer {
  static_assert(std::is_trivially_copyable_v<T>, "device memory holds trivially copyable elements");

 public:
  Buffer() noexcept = default;
  /// Uninitialised memory for `size` elements. Throws `Error(out_of_memory)`, `Error(no_device)`,
  /// and `Error(invalid_argument)` for a size below 0.
  Buffer(Device device, std::int64_t size)
      : device_(device),
        size_(size),
        data_(static_cast<T*>(memory::allocate(device, memory::checked_bytes(size, sizeof(T))))) {}
  /// Memory holding a copy of `size` elements of the host's. Synchronises.
  Buffer(const Stream& stream, const T* host, std::int64_t size) : Buffer(stream.device(), size) {
    copy_from_host(stream, host);
  }
  ~Buffer() { memory::deallocate(device_, data_); }
  /// Construction takes the memory over and leaves the other empty; assignment swaps.
  Buffer(Buffer&& other) noexcept
      : device_(other.device_),
        size_(std::exchange(other.size_, 0)),
        data_(std::exchange(other.data_, nullptr)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    swap(other);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  /// Exchanges memory, size and device.
  void swap(Buffer& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(size_, other.size_);
    std::swap(data_, other.data_);
  }

  /// The memory, its elements and its device; null and 0 for an empty buffer, and the CPU for one
  /// made without a device.
  T* data() noexcept { return data_; }
  const T* data() const noexcept { return data_; }
  std::int64_t size() const noexcept { return size_; }
  Device device() const noexcept { return device_; }
  /// The elements under a shape of the same size, not checked.
  View<T> view(const Shape& shape) noexcept { return View<T>(data_, shape); }
  View<const T> view(const Shape& shape) const noexcept { return View<const T>(data_, shape); }

  /// All elements from or to host memory. Synchronises. Throws `Error(wrong_device)`.
  void copy_from_host(const Stream& stream, const T* host) {
    memory::require_device(stream, device_);
    memory::copy_from_host(stream, data_, host, bytes());
  }
  void copy_to_host(const Stream& stream, T* host) const {
    memory::require_device(stream, device_);
    memory::copy_to_host(stream, host, data_, bytes());
  }
  /// Sets every byte to zero, in stream order.
  void fill_zero(const Stream& stream) {
    memory::require_device(stream, device_);
    memory::fill_zero(stream, data_, bytes());
  }

 private:
  std::size_t bytes() const noexcept { return static_cast<std::size_t>(size_) * sizeof(T); }

  Device device_;
  std::int64_t size_ = 0;
  T* data_ = nullptr;
};

}  // namespace cusynapse
