#include "kernels/bodies/leaky_integrate_and_fire.hpp"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.cuh"
#include "kernels/cuda/tuning.cuh"

namespace cusynapse::cuda {

using kernels::gpu_width;
using kernels::group_count;

template <class T>
void CudaNeuronOperations<T>::leaky_integrate_and_fire(
    const Stream& stream, const LeakyIntegrateAndFireStep<T>& a) const {
  launch_index<NeuronPolicy>(stream, kernels::LeakyIntegrateAndFireBody<T, gpu_width>{a},
                             group_count(a.size, gpu_width));
}

template <class T>
void CudaNeuronOperations<T>::refractory_read(const Stream& stream,
                                              const RefractoryRead<T>& a) const {
  launch_index<NeuronPolicy>(stream, kernels::RefractoryReadBody<T, gpu_width>{a},
                             group_count(a.size, gpu_width));
}

template class CudaNeuronOperations<float>;
template class CudaNeuronOperations<double>;

}  // namespace cusynapse::cuda
