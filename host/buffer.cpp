#include "cusynapse/buffer.hpp"

#include <string>

#include "host/check.hpp"
#include "host/dispatch.hpp"

namespace cusynapse::memory {

std::size_t checked_bytes(std::int64_t size, std::size_t element_size) {
  constexpr std::int64_t most = std::int64_t{1} << 62;
  const auto element = static_cast<std::int64_t>(element_size);
  if (size < 0 || size > most / element) {
    host::refuse("Buffer", "size", std::to_string(size), "0 to 2^62 bytes of elements");
  }
  return static_cast<std::size_t>(size * element);
}

void require_device(const Stream& stream, Device device) {
  host::check_stream("Buffer", stream, device);
}

void* allocate(Device device, std::size_t bytes) {
  const Backend& backend = host::backend(device);
  backend.require(device);
  return backend.allocate(device, bytes);
}

void deallocate(Device device, void* data) noexcept {
  if (data == nullptr) return;
  // Memory exists only where its backend does.
  host::find_backend(device.kind)->deallocate(device, data);
}

void copy_from_host(const Stream& stream, void* device, const void* host, std::size_t bytes) {
  host::backend(stream.device()).copy_from_host(stream, device, host, bytes);
}

void copy_to_host(const Stream& stream, void* host, const void* device, std::size_t bytes) {
  host::backend(stream.device()).copy_to_host(stream, host, device, bytes);
}

void copy(const Stream& stream, void* to, const void* from, std::size_t bytes) {
  host::backend(stream.device()).copy(stream, to, from, bytes);
}

void fill_zero(const Stream& stream, void* device, std::size_t bytes) {
  host::backend(stream.device()).fill_zero(stream, device, bytes);
}

}  // namespace cusynapse::memory
