// What the emulated CUDA runtime tells beyond what CUDA's own does.
#pragma once

#include <string>
#include <vector>

namespace emulated {

/// The kernels of this program, as the compiler names them.
std::vector<std::string> kernel_names();

}  // namespace emulated
