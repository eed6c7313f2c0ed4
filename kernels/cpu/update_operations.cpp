#include "kernels/cpu/operations.hpp"

#include "kernels/bodies/parameter_update.hpp"
#include "kernels/cpu/launch.hpp"

namespace cusynapse::cpu {

using kernels::cpu_width;
using kernels::group_count;

template <class T>
void CpuUpdateOperations<T>::accumulate_part(const Stream&, const AccumulatePart<T>& a) const {
  launch_push(kernels::AccumulatePartBody<T, cpu_width>{a}, group_count(a.size, cpu_width), 1,
              cpu_width);
}

template <class T>
void CpuUpdateOperations<T>::parameter_update(const Stream&, const ParameterUpdate<T>& a) const {
  launch_push(kernels::ParameterUpdateBody<T, cpu_width>{a}, group_count(a.size, cpu_width), 1,
              cpu_width);
}

template class CpuUpdateOperations<float>;
template class CpuUpdateOperations<double>;

}  // namespace cusynapse::cpu
