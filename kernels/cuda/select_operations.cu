#include "kernels/bodies/count_outside.hpp"
#include "kernels/bodies/delayed_select.hpp"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.cuh"
#include "kernels/cuda/tuning.cuh"

namespace cusynapse::cuda {

using kernels::gpu_width;

template <class T>
void CudaStepOperations<T>::delayed_select(const Stream& stream, const DelayedSelect<T>& a) const {
  kernels::visit_delayed_select<gpu_width>(a, [&](const auto& body) {
    launch_index<SelectPolicy>(stream, body, kernels::group_count(a.size * a.samples, gpu_width));
  });
}

template <class T>
void CudaStepOperations<T>::spike_select(const Stream& stream, const SpikeSelect<T>& a) const {
  launch_index<SelectPolicy>(stream, kernels::SpikeSelectBody<T, gpu_width>{a},
                             kernels::group_count(a.size * a.samples, gpu_width));
}

template <class T>
void CudaStepOperations<T>::count_outside(const Stream& stream, const T* values, std::int64_t size,
                                          T low, T high, std::int64_t* partial_counts) const {
  launch_tile<CountPolicy>(stream,
                           kernels::CountOutsideBody<T>{values, size, low, high, partial_counts},
                           (size + count_tile - 1) / count_tile);
}

template void CudaStepOperations<float>::delayed_select(const Stream&,
                                                        const DelayedSelect<float>&) const;
template void CudaStepOperations<double>::delayed_select(const Stream&,
                                                         const DelayedSelect<double>&) const;
template void CudaStepOperations<float>::spike_select(const Stream&,
                                                      const SpikeSelect<float>&) const;
template void CudaStepOperations<double>::spike_select(const Stream&,
                                                       const SpikeSelect<double>&) const;
template void CudaStepOperations<float>::count_outside(const Stream&, const float*, std::int64_t,
                                                       float, float, std::int64_t*) const;
template void CudaStepOperations<double>::count_outside(const Stream&, const double*, std::int64_t,
                                                        double, double, std::int64_t*) const;

}  // namespace cusynapse::cuda
