#include "kernels/bodies/parameter_update.hpp"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.cuh"
#include "kernels/cuda/tuning.cuh"

namespace cusynapse::cuda {

using kernels::gpu_width;
using kernels::group_count;

template <class T>
void CudaUpdateOperations<T>::accumulate_part(const Stream& stream,
                                              const AccumulatePart<T>& a) const {
  launch_push<UpdatePolicy>(stream, kernels::AccumulatePartBody<T, gpu_width>{a},
                            group_count(a.size, gpu_width));
}

template <class T>
void CudaUpdateOperations<T>::parameter_update(const Stream& stream,
                                               const ParameterUpdate<T>& a) const {
  launch_push<UpdatePolicy>(stream, kernels::ParameterUpdateBody<T, gpu_width>{a},
                            group_count(a.size, gpu_width));
}

template class CudaUpdateOperations<float>;
template class CudaUpdateOperations<double>;

}  // namespace cusynapse::cuda
