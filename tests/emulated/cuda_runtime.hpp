// What the emulated CUDA runtime tells beyond what CUDA's own does.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "emulated/machine.hpp"

namespace emulated {

/// The kernels of this program, as the compiler names them.
std::vector<std::string> kernel_names();

/// Shared memory a block may have, by kernel, of those that have asked for more than is there
/// unasked.
std::map<std::string, std::size_t> asked_shared_bytes();

/// What all that `work` enqueues moves.
Traffic traffic_of(const std::function<void()>& work);

}  // namespace emulated
