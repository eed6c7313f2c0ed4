// The dense sum in double. Each type has a file of its own, because all its forms for all
// instruction sets take long to compile.
#include "kernels/cpu/dense.hpp"
#include "kernels/cpu/operations.hpp"

namespace cusynapse::cpu {

template <>
std::size_t CpuConnectionOperations<double>::dense_workspace_bytes(const DelayedDense<double>& a,
                                                                   bool is_least) const {
  return cpu::dense_workspace_bytes(a, is_least);
}

template <>
void CpuConnectionOperations<double>::delayed_dense(const Stream&,
                                                    const DelayedDense<double>& a) const {
  cpu::delayed_dense(a);
}

}  // namespace cusynapse::cpu
