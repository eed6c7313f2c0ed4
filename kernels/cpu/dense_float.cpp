// The dense sum in float. Each type has a file of its own, because all its forms for all
// instruction sets take long to compile.
#include "kernels/cpu/dense.hpp"
#include "kernels/cpu/operations.hpp"

namespace cusynapse::cpu {

template <>
std::size_t CpuConnectionOperations<float>::dense_workspace_bytes(const DelayedDense<float>& a,
                                                                  bool is_least) const {
  return cpu::dense_workspace_bytes(a, is_least);
}

template <>
void CpuConnectionOperations<float>::delayed_dense(const Stream&,
                                                   const DelayedDense<float>& a) const {
  cpu::delayed_dense(a);
}

}  // namespace cusynapse::cpu
