#include "cusynapse/error.hpp"

namespace cusynapse {

const char* to_string(Errc code) noexcept {
  switch (code) {
    case Errc::invalid_argument:
      return "invalid_argument";
    case Errc::shape_mismatch:
      return "shape_mismatch";
    case Errc::wrong_device:
      return "wrong_device";
    case Errc::not_supported:
      return "not_supported";
    case Errc::out_of_memory:
      return "out_of_memory";
    case Errc::no_device:
      return "no_device";
    case Errc::device_error:
      return "device_error";
    case Errc::invalid_state:
      return "invalid_state";
  }
  return "unknown";
}

Error::Error(Errc code, const std::string& message)
    : std::runtime_error(message + " [" + to_string(code) + "]"), code_(code) {}

Error::~Error() = default;

}  // namespace cusynapse
