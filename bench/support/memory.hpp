// What memory the process takes, on the host.
#pragma once

#include <functional>
#include <optional>

namespace cusynapse::bench {

/// Bytes allocated and not given back, by the C library's own count; none where it keeps no count.
std::optional<double> allocated_bytes();

/// Bytes by which the process's resident memory, at its highest during a call, exceeds what it was
/// before; none where the system does not let its high-water mark be reset (Linux does).
std::optional<double> resident_growth(const std::function<void()>& call);

}  // namespace cusynapse::bench
