// Where work runs and in what order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "cusynapse/export.hpp"

struct CUstream_st;  // what cudaStream_t points to; no CUDA header is needed to name it

namespace cusynapse {

/// A processor that memory lives on and kernels run on.
struct Device {
  /// The backends.
  enum class Kind : std::int32_t { cpu, cuda };
  Kind kind = Kind::cpu;     ///< which backend
  std::int32_t ordinal = 0;  ///< which GPU; 0 for the CPU

  /// The CPU, and a GPU by its number.
  static constexpr Device cpu() noexcept { return {}; }
  static constexpr Device cuda(std::int32_t ordinal) noexcept { return {Kind::cuda, ordinal}; }
  /// The same backend and number.
  friend constexpr bool operator==(Device a, Device b) noexcept {
    return a.kind == b.kind && a.ordinal == b.ordinal;
  }
  /// Another backend or number.
  friend constexpr bool operator!=(Device a, Device b) noexcept { return !(a == b); }
};

/// A device as "cpu" or "cuda:0", for messages.
CUSYNAPSE_EXPORT std::string to_string(Device device);

/// How many GPUs this process can use: 0 without a CUDA build, a driver, or a GPU. Never throws.
CUSYNAPSE_EXPORT int cuda_device_count() noexcept;

/// An order of execution on a device: a non-owning handle, cheap to copy, the explicit first
/// argument of everything that enqueues work. Work on one stream runs in order. A CPU stream runs
/// everything before the call returns; a CUDA stream is the caller's own cudaStream_t.
class CUSYNAPSE_EXPORT Stream {
 public:
  /// The CPU's stream. Calls on it return when their work is done.
  static Stream cpu() noexcept { return Stream(nullptr, Device::cpu()); }

  /// A CUDA stream of the caller's, which must outlive the work enqueued on it. A null handle is
  /// CUDA's legacy default stream, as array libraries hand it out; it is never chosen silently.
  /// Throws `Error(no_device)` without a CUDA build, a driver, or that GPU.
  static Stream cuda(CUstream_st* stream, std::int32_t ordinal);
  static Stream cuda(std::nullptr_t, std::int32_t) = delete;
  static Stream cuda(int, std::int32_t) = delete;

  /// Where its work runs.
  Device device() const noexcept { return device_; }
  /// The cudaStream_t given; null for the CPU.
  CUstream_st* native_handle() const noexcept { return handle_; }
  /// Waits until all work enqueued so far is done. Synchronises the calling thread.
  void synchronize() const;

 private:
  friend class OwnedStream;
  Stream(CUstream_st* handle, Device device) noexcept : handle_(handle), device_(device) {}
  CUstream_st* handle_;
  Device device_;
};

/// A stream made and destroyed by the library, for programs that have none of their own. One that
/// was moved from can only be assigned to.
class CUSYNAPSE_EXPORT OwnedStream {
 public:
  /// A new non-blocking CUDA stream on a GPU, or the CPU's stream. Throws as `Stream::cuda`.
  explicit OwnedStream(Device device);
  ~OwnedStream();
  /// Moves hand the stream over.
  OwnedStream(OwnedStream&& other) noexcept;
  OwnedStream& operator=(OwnedStream&& other) noexcept;
  OwnedStream(const OwnedStream&) = delete;
  OwnedStream& operator=(const OwnedStream&) = delete;

  /// The stream, for as long as this object owns it.
  Stream get() const noexcept { return stream_; }
  operator Stream() const noexcept { return stream_; }

 private:
  Stream stream_;
};

}  // namespace cusynapse
