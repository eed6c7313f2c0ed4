// From a device to the backend that serves it.
#pragma once

#include "kernels/backend.hpp"

namespace cusynapse::host {

/// The backend of a device. Throws `Error(no_device)` for CUDA in a build without it.
const Backend& backend(Device device);

/// The same, or null in a build without it.
const Backend* find_backend(Device::Kind kind) noexcept;

}  // namespace cusynapse::host
