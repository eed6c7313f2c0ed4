// Errors of the library: one exception type over one list of codes.
#pragma once

#include <stdexcept>
#include <string>

#include "cusynapse/export.hpp"

namespace cusynapse {

/// What kind of failure an `Error` reports.
enum class Errc {
  invalid_argument = 1,  ///< a value outside its domain
  shape_mismatch,        ///< an array of another shape than the object expects
  wrong_device,          ///< a stream of another device than the object lives on
  not_supported,         ///< the operation has no meaning for this model or element type
  out_of_memory,         ///< device or host memory ran out
  no_device,             ///< no driver, no such GPU, or a build without that backend
  device_error,          ///< the device reported a failure
  invalid_state          ///< bytes that are no saved state, or one that is altered, cut off, of
                         ///< another version, class or element type
};

/// Name of a code, such as "invalid_argument". Never null, never throws.
CUSYNAPSE_EXPORT const char* to_string(Errc code) noexcept;

/// The one exception type of the library, besides std::bad_alloc where vectors and strings of the
/// host find no memory. `what()` says what failed, where, what was given and what was expected.
/// Every call that throws either leaves its object as it was.
class CUSYNAPSE_EXPORT Error : public std::runtime_error {
 public:
  /// The message ends in the name of the code.
  Error(Errc code, const std::string& message);
  ~Error() override;

  /// The kind of failure.
  Errc code() const noexcept { return code_; }

 private:
  Errc code_;
};

}  // namespace cusynapse
