#include "kernels/bodies/outer_product.hpp"
#include "kernels/bodies/projection.hpp"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.cuh"
#include "kernels/cuda/tuning.cuh"

namespace cusynapse::cuda {

using kernels::gpu_width;
using kernels::group_count;

template <class T>
void CudaProjectionOperations<T>::linear_saturating(const Stream& stream,
                                                    const LinearSaturating<T>& a) const {
  launch_index<ProjectionPolicy>(stream, kernels::LinearSaturatingBody<T, gpu_width>{a},
                                 group_count(a.size, gpu_width));
}

template <class T>
void CudaProjectionOperations<T>::hardware_image(const Stream& stream,
                                                 const HardwareImage<T>& a) const {
  launch_index<ProjectionPolicy>(stream, kernels::HardwareImageBody<T, gpu_width>{a},
                                 group_count(a.size, gpu_width));
}

template <class T>
void CudaProjectionOperations<T>::masked_copy(const Stream& stream, const MaskedCopy<T>& a) const {
  launch_index<ProjectionPolicy>(stream, kernels::MaskedCopyBody<T, gpu_width>{a},
                                 group_count(a.size, gpu_width));
}

template <class T>
void CudaProjectionOperations<T>::transposed_plan(const Stream& stream,
                                                  const TransposedPlan<T>& a) const {
  const kernels::TransposedPlanBody<T, gpu_width> body{a};
  launch_index<ProjectionPolicy>(stream, body, body.width(), body.height());
}

template <class T>
void CudaProjectionOperations<T>::outer_product(const Stream& stream,
                                                const OuterProduct<T>& a) const {
  constexpr int height = kernels::gpu_outer_height;
  kernels::visit_outer_product<gpu_width, height>(a, [&](const auto& body) {
    launch_index<OuterProductPolicy>(stream, body, group_count(a.outputs, height),
                                     group_count(a.inputs, gpu_width));
  });
}

template class CudaProjectionOperations<float>;
template class CudaProjectionOperations<double>;

}  // namespace cusynapse::cuda
