// Whether a call refuses its arguments as it should.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <exception>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "cusynapse/error.hpp"

namespace support {

/// A number as messages print it.
inline std::string printed(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  std::ostringstream text;
  text << value;
  return text.str();
}

/// Whether a call throws `Error` with this code and a message that holds every one of `parts`, one
/// after the other: where, what, got and expected.
inline testing::AssertionResult refuses(const std::function<void()>& call, cusynapse::Errc code,
                                        const std::vector<std::string>& parts) {
  try {
    call();
  } catch (const cusynapse::Error& error) {
    const std::string message = error.what();
    if (error.code() != code) {
      return testing::AssertionFailure() << "refused with " << to_string(error.code())
                                         << ", expected " << to_string(code) << ": " << message;
    }
    std::size_t at = 0;
    for (const std::string& part : parts) {
      const std::size_t found = message.find(part, at);
      if (found == std::string::npos) {
        return testing::AssertionFailure()
               << "no '" << part << "' from character " << at << " of: " << message;
      }
      at = found + part.size();
    }
    return testing::AssertionSuccess();
  } catch (const std::exception& error) {
    return testing::AssertionFailure() << "threw something else: " << error.what();
  }
  return testing::AssertionFailure() << "nothing was refused";
}

}  // namespace support
