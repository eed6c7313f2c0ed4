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

void release_free_memory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

std::optional<double> resident_bytes() { return status_bytes("VmRSS:"); }

std::optional<double> most_resident_bytes(const std::function<void()>& call) {
  if (!reset_high_water_mark()) return std::nullopt;
  call();
  return status_bytes("VmHWM:");
}

}  // namespace cusynapse::bench
