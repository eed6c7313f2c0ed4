#include "cusynapse/stream.hpp"

#include <utility>

#include "host/dispatch.hpp"

namespace cusynapse {

std::string to_string(Device device) {
  if (device.kind == Device::Kind::cpu) return "cpu";
  return "cuda:" + std::to_string(device.ordinal);
}

int cuda_device_count() noexcept {
  const Backend* backend = host::find_backend(Device::Kind::cuda);
  return backend != nullptr ? backend->device_count() : 0;
}

Stream Stream::cuda(CUstream_st* stream, std::int32_t ordinal) {
  const Device device = Device::cuda(ordinal);
  host::backend(device).require(device);
  return Stream(stream, device);
}

void Stream::synchronize() const { host::backend(device_).synchronize(*this); }

OwnedStream::OwnedStream(Device device)
    : stream_(host::backend(device).create_stream(device), device) {}

OwnedStream::~OwnedStream() {
  if (stream_.handle_ == nullptr) return;
  // A handle exists only where its backend does.
  host::find_backend(stream_.device_.kind)->destroy_stream(stream_.handle_);
}

OwnedStream::OwnedStream(OwnedStream&& other) noexcept : stream_(other.stream_) {
  other.stream_.handle_ = nullptr;
}

OwnedStream& OwnedStream::operator=(OwnedStream&& other) noexcept {
  std::swap(stream_, other.stream_);
  return *this;
}

}  // namespace cusynapse
