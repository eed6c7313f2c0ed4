// What the emulated CUDA runtime tells beyond what CUDA's own does.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "emulated/machine.hpp"

namespace emulated {

/// The kernels of this program, as the compiler names them.
std::vector<std::string> kernel_names();

/// What all that `work` enqueues moves.
Traffic traffic_of(const std::function<void()>& work);

}  // namespace emulated
