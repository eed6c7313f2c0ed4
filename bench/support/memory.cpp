#include "support/memory.hpp"

#include <cstdlib>
#include <fstream>
#include <string>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace cusynapse::bench {
namespace {

/// A line of /proc/self/status, in bytes; it gives kB.
std::optional<double> status_bytes(const std::string& key) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, key.size(), key) == 0) {
      return 1024.0 * std::strtod(line.c_str() + key.size(), nullptr);
    }
  }
  return std::nullopt;
}

/// Sets the high-water mark to what is resident now.
bool reset_high_water_mark() {
  std::ofstream file("/proc/self/clear_refs");
  file << "5" << std::flush;
  return file.good();
}

}  // namespace

std::optional<double> allocated_bytes() {
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
  const struct mallinfo2 info = mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd);
#else
  return std::nullopt;
#endif
}

std::optional<double> resident_growth(const std::function<void()>& call) {
  if (!reset_high_water_mark()) return std::nullopt;
  const std::optional<double> before = status_bytes("VmRSS:");
  call();
  const std::optional<double> highest = status_bytes("VmHWM:");
  if (!before.has_value() || !highest.has_value()) return std::nullopt;
  return *highest - *before;
}

}  // namespace cusynapse::bench
