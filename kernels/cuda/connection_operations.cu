#include "kernels/bodies/delay_plan.hpp"
#include "kernels/bodies/delayed_sums.hpp"
#include "kernels/bodies/synaptic_arrays.hpp"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.cuh"
#include "kernels/cuda/tuning.cuh"

namespace cusynapse::cuda {

using kernels::gpu_width;
using kernels::group_count;

/// Synapses, or outputs of a row, that one thread of a sum covers.
inline constexpr int sum_width = 4;

template <class T>
void CudaConnectionOperations<T>::delay_plan(const Stream& stream, const DelayPlan<T>& a) const {
  kernels::visit_plan(a, [&](auto rule) {
    if (a.is_tiled) {
      using Body = kernels::PlanTileBody<T, decltype(rule)::value, 1, gpu_width>;
      const std::int64_t tiles =
          dense_plan_size(a.columns, a.rows) / (sum_run * dense_tile_outputs);
      launch_index<PlanPolicy>(stream, Body{a}, Body::calls, tiles);
    } else {
      launch_index<PlanPolicy>(stream, kernels::PlanRowBody<T, decltype(rule)::value, gpu_width>{a},
                               group_count(a.rows * a.columns, gpu_width));
    }
  });
}

template <class T>
void CudaConnectionOperations<T>::delayed_direct(const Stream& stream,
                                                 const DelayedDirect<T>& a) const {
  launch_index<SumPolicy>(stream, kernels::DelayedDirectBody<T, sum_width>{a},
                          group_count(a.size, sum_width), a.batch);
}

template <class T>
void CudaConnectionOperations<T>::delayed_conv2d(const Stream& stream,
                                                 const DelayedConv2D<T>& a) const {
  const kernels::DelayedConv2DBody<T, sum_width> body{a};
  launch_index<SumPolicy>(stream, body, body.calls(), a.batch * a.geometry.filters);
}

template <class T>
void CudaConnectionOperations<T>::synaptic_select(const Stream& stream, const SynapticSelect<T>& a,
                                                  std::int64_t size) const {
  launch_index<ArrayPolicy>(stream, kernels::SynapticSelectBody<T>{a}, size);
}

template <class T>
void CudaConnectionOperations<T>::synaptic_copy(const Stream& stream,
                                                const SynapticCopyArguments<T>& a,
                                                std::int64_t size) const {
  launch_index<ArrayPolicy>(stream, kernels::SynapticCopyBody<T>{a}, size);
}

template <class T>
void CudaConnectionOperations<T>::synaptic_copy(const Stream& stream,
                                                const SynapticCopyArguments<std::uint8_t>& a,
                                                std::int64_t size) const {
  launch_index<ArrayPolicy>(stream, kernels::SynapticCopyBody<std::uint8_t>{a}, size);
}

template <class T>
void CudaConnectionOperations<T>::zero_diagonal(const Stream& stream, T* matrix,
                                                std::int64_t size) const {
  launch_index<ArrayPolicy>(stream, kernels::ZeroDiagonalBody<T>{matrix, size}, size);
}

template <class T>
void CudaConnectionOperations<T>::clamp(const Stream& stream, T* values, std::int64_t size, T low,
                                        T high) const {
  launch_index<ArrayPolicy>(stream, kernels::ClampBody<T>{values, low, high}, size);
}

template void CudaConnectionOperations<float>::delay_plan(const Stream&,
                                                          const DelayPlan<float>&) const;
template void CudaConnectionOperations<float>::delayed_direct(const Stream&,
                                                              const DelayedDirect<float>&) const;
template void CudaConnectionOperations<float>::delayed_conv2d(const Stream&,
                                                              const DelayedConv2D<float>&) const;
template void CudaConnectionOperations<float>::synaptic_select(const Stream&,
                                                               const SynapticSelect<float>&,
                                                               std::int64_t) const;
template void CudaConnectionOperations<float>::synaptic_copy(const Stream&,
                                                             const SynapticCopyArguments<float>&,
                                                             std::int64_t) const;
template void CudaConnectionOperations<float>::synaptic_copy(
    const Stream&, const SynapticCopyArguments<std::uint8_t>&, std::int64_t) const;
template void CudaConnectionOperations<float>::zero_diagonal(const Stream&, float*,
                                                             std::int64_t) const;
template void CudaConnectionOperations<float>::clamp(const Stream&, float*, std::int64_t, float,
                                                     float) const;
template void CudaConnectionOperations<double>::delay_plan(const Stream&,
                                                           const DelayPlan<double>&) const;
template void CudaConnectionOperations<double>::delayed_direct(const Stream&,
                                                               const DelayedDirect<double>&) const;
template void CudaConnectionOperations<double>::delayed_conv2d(const Stream&,
                                                               const DelayedConv2D<double>&) const;
template void CudaConnectionOperations<double>::synaptic_select(const Stream&,
                                                                const SynapticSelect<double>&,
                                                                std::int64_t) const;
template void CudaConnectionOperations<double>::synaptic_copy(const Stream&,
                                                              const SynapticCopyArguments<double>&,
                                                              std::int64_t) const;
template void CudaConnectionOperations<double>::synaptic_copy(
    const Stream&, const SynapticCopyArguments<std::uint8_t>&, std::int64_t) const;
template void CudaConnectionOperations<double>::zero_diagonal(const Stream&, double*,
                                                              std::int64_t) const;
template void CudaConnectionOperations<double>::clamp(const Stream&, double*, std::int64_t, double,
                                                      double) const;

}  // namespace cusynapse::cuda
