// The only file that asks whether CUDA was built.
#include "host/dispatch.hpp"

#include "cusynapse/error.hpp"

namespace cusynapse::host {

const Backend* find_backend(Device::Kind kind) noexcept {
  if (kind == Device::Kind::cpu) return &cpu_backend();
#if defined(CUSYNAPSE_HAS_CUDA)
  return &cuda_backend();
#else
  return nullptr;
#endif
}

const Backend& backend(Device device) {
  const Backend* found = find_backend(device.kind);
  if (found == nullptr) {
    throw Error(Errc::no_device, "device " + to_string(device) +
                                     ": this cusynapse was built without CUDA, expected a build "
                                     "with CUSYNAPSE_CUDA on");
  }
  return *found;
}

}  // namespace cusynapse::host
