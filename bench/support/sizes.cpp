#include "support/sizes.hpp"

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace cusynapse::bench {
namespace {

std::int64_t divisor_given() {
  const char* const given = std::getenv("CUSYNAPSE_BENCH_DIVISOR");
  if (given == nullptr) return 1;
  char* end = nullptr;
  const std::int64_t divisor = std::strtol(given, &end, 10);
  constexpr std::int64_t most = 64;  // smaller populations may have no spike
  if (end == given || *end != '\0' || divisor < 1 || divisor > most) {
    throw std::invalid_argument(std::string("CUSYNAPSE_BENCH_DIVISOR: got ") + given +
                                ", expected 1 to " + std::to_string(most));
  }
  return divisor;
}

}  // namespace

std::int64_t size_divisor() {
  static const std::int64_t divisor = divisor_given();
  return divisor;
}

}  // namespace cusynapse::bench
