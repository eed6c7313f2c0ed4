// What memory the process takes, on the host.
#pragma once

#include <functional>
#include <optional>

namespace cusynapse::bench {

/// Bytes allocated and not given back, by the C library's own count; none where it keeps no count.
std::optional<double> allocated_bytes();

/// Gives memory that is free back to the system, so that what is resident is in use.
void release_free_memory();

/// Bytes of the process that are resident now, and the most that are during a call; none where the
/// system does not say or does not let its high-water mark be reset (Linux does both).
std::optional<double> resident_bytes();
std::optional<double> most_resident_bytes(const std::function<void()>& call);

}  // namespace cusynapse::bench
