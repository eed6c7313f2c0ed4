// CUDA's errors as the library's.
#pragma once

#include <cuda_runtime.h>

#include <string>

#include "cusynapse/error.hpp"

namespace cusynapse::cuda {

/// An error's name, number and text.
inline std::string describe(cudaError_t status) {
  return std::string(cudaGetErrorName(status)) + " (" + std::to_string(static_cast<int>(status)) +
         "), " + cudaGetErrorString(status);
}

/// Throws for anything but success, with the error's name and text, and clears it first, so that
/// the caller's next CUDA call does not find it. `what` says what was being done.
inline void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  static_cast<void>(cudaGetLastError());
  Errc code = Errc::device_error;
  if (status == cudaErrorMemoryAllocation) code = Errc::out_of_memory;
  if (status == cudaErrorInsufficientDriver || status == cudaErrorNoDevice ||
      status == cudaErrorInvalidDevice || status == cudaErrorNoKernelImageForDevice ||
      status == cudaErrorInvalidDeviceFunction || status == cudaErrorUnsupportedPtxVersion) {
    code = Errc::no_device;
  }
  throw Error(code, std::string(what) + ": " + describe(status));
}

/// Makes a device current, and the one before again at the end.
class DeviceGuard {
 public:
  explicit DeviceGuard(int ordinal) {
    check(cudaGetDevice(&before_), "cudaGetDevice");
    changed_ = before_ != ordinal;
    if (changed_) check(cudaSetDevice(ordinal), "cudaSetDevice");
  }
  ~DeviceGuard() {
    if (changed_ && cudaSetDevice(before_) != cudaSuccess) static_cast<void>(cudaGetLastError());
  }
  DeviceGuard(const DeviceGuard&) = delete;
  DeviceGuard& operator=(const DeviceGuard&) = delete;

 private:
  int before_ = 0;
  bool changed_ = false;
};

}  // namespace cusynapse::cuda
