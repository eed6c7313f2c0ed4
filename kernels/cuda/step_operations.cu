#include "kernels/bodies/decay_inject.hpp"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.cuh"
#include "kernels/cuda/tuning.cuh"

namespace cusynapse::cuda {

using kernels::gpu_width;

template <class T>
void CudaStepOperations<T>::decay_inject(const Stream& stream, const DecayInject<T>& a) const {
  kernels::visit_decay_inject<gpu_width>(a, [&](const auto& body) {
    launch_push<StepPolicy>(stream, body, kernels::group_count(a.size, gpu_width));
  });
}

template <class T>
void CudaStepOperations<T>::decay_inject_grouped(const Stream& stream,
                                                 const DecayInjectGroups<T>& a) const {
  static_assert(group_tile / gpu_width == GroupPolicy::threads, "a block is a tile");
  kernels::visit_decay_inject_grouped<gpu_width>(a, [&](const auto& body) {
    launch_push<GroupPolicy>(stream, body, group_tile / gpu_width, a.tile_count);
  });
}

template void CudaStepOperations<float>::decay_inject(const Stream&,
                                                      const DecayInject<float>&) const;
template void CudaStepOperations<double>::decay_inject(const Stream&,
                                                       const DecayInject<double>&) const;
template void CudaStepOperations<float>::decay_inject_grouped(
    const Stream&, const DecayInjectGroups<float>&) const;
template void CudaStepOperations<double>::decay_inject_grouped(
    const Stream&, const DecayInjectGroups<double>&) const;

}  // namespace cusynapse::cuda
