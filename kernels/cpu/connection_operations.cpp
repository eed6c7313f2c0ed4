#include "kernels/bodies/delay_plan.hpp"
#include "kernels/bodies/delayed_sums.hpp"
#include "kernels/bodies/synaptic_arrays.hpp"
#include "kernels/cpu/launch.hpp"
#include "kernels/cpu/operations.hpp"

namespace cusynapse::cpu {
namespace {

using kernels::cpu_width;
using kernels::group_count;

/// Inputs of a tile one call of a plan covers: a cache line of weights.
constexpr int plan_inputs = 16;
/// Outputs of a row one call of a convolution covers.
constexpr int convolution_width = 16;

}  // namespace

template <class T>
void CpuConnectionOperations<T>::delay_plan(const Stream&, const DelayPlan<T>& a) const {
  kernels::visit_plan(a, [&](auto rule) {
    if (a.is_tiled) {
      using Body = kernels::PlanTileBody<T, decltype(rule)::value, plan_inputs, cpu_width>;
      const std::int64_t tiles =
          dense_plan_size(a.columns, a.rows) / (sum_run * dense_tile_outputs);
      launch_index(Body{a}, Body::calls, tiles, plan_inputs * cpu_width);
    } else {
      launch_index(kernels::PlanRowBody<T, decltype(rule)::value, cpu_width>{a},
                   group_count(a.rows * a.columns, cpu_width), 1, cpu_width);
    }
  });
}

template <class T>
void CpuConnectionOperations<T>::delayed_direct(const Stream&, const DelayedDirect<T>& a) const {
  launch_index(kernels::DelayedDirectBody<T, cpu_width>{a}, group_count(a.size, cpu_width), a.batch,
               cpu_width);
}

template <class T>
void CpuConnectionOperations<T>::delayed_conv2d(const Stream&, const DelayedConv2D<T>& a) const {
  const kernels::DelayedConv2DBody<T, convolution_width> body{a};
  launch_index(body, body.calls(), a.batch * a.geometry.filters,
               convolution_width * a.geometry.patch());
}

template <class T>
void CpuConnectionOperations<T>::synaptic_select(const Stream&, const SynapticSelect<T>& a,
                                                 std::int64_t size) const {
  launch_index(kernels::SynapticSelectBody<T>{a}, size, 1, 1);
}

template <class T>
void CpuConnectionOperations<T>::synaptic_copy(const Stream&, const SynapticCopyArguments<T>& a,
                                               std::int64_t size) const {
  launch_index(kernels::SynapticCopyBody<T>{a}, size, 1, 1);
}

template <class T>
void CpuConnectionOperations<T>::synaptic_copy(const Stream&,
                                               const SynapticCopyArguments<std::uint8_t>& a,
                                               std::int64_t size) const {
  launch_index(kernels::SynapticCopyBody<std::uint8_t>{a}, size, 1, 1);
}

template <class T>
void CpuConnectionOperations<T>::zero_diagonal(const Stream&, T* matrix, std::int64_t size) const {
  launch_index(kernels::ZeroDiagonalBody<T>{matrix, size}, size, 1, 1);
}

template <class T>
void CpuConnectionOperations<T>::clamp(const Stream&, T* values, std::int64_t size, T low,
                                       T high) const {
  launch_index(kernels::ClampBody<T>{values, low, high}, size, 1, 1);
}

template void CpuConnectionOperations<float>::delay_plan(const Stream&,
                                                         const DelayPlan<float>&) const;
template void CpuConnectionOperations<float>::delayed_direct(const Stream&,
                                                             const DelayedDirect<float>&) const;
template void CpuConnectionOperations<float>::delayed_conv2d(const Stream&,
                                                             const DelayedConv2D<float>&) const;
template void CpuConnectionOperations<float>::synaptic_select(const Stream&,
                                                              const SynapticSelect<float>&,
                                                              std::int64_t) const;
template void CpuConnectionOperations<float>::synaptic_copy(const Stream&,
                                                            const SynapticCopyArguments<float>&,
                                                            std::int64_t) const;
template void CpuConnectionOperations<float>::synaptic_copy(
    const Stream&, const SynapticCopyArguments<std::uint8_t>&, std::int64_t) const;
template void CpuConnectionOperations<float>::zero_diagonal(const Stream&, float*,
                                                            std::int64_t) const;
template void CpuConnectionOperations<float>::clamp(const Stream&, float*, std::int64_t, float,
                                                    float) const;
template void CpuConnectionOperations<double>::delay_plan(const Stream&,
                                                          const DelayPlan<double>&) const;
template void CpuConnectionOperations<double>::delayed_direct(const Stream&,
                                                              const DelayedDirect<double>&) const;
template void CpuConnectionOperations<double>::delayed_conv2d(const Stream&,
                                                              const DelayedConv2D<double>&) const;
template void CpuConnectionOperations<double>::synaptic_select(const Stream&,
                                                               const SynapticSelect<double>&,
                                                               std::int64_t) const;
template void CpuConnectionOperations<double>::synaptic_copy(const Stream&,
                                                             const SynapticCopyArguments<double>&,
                                                             std::int64_t) const;
template void CpuConnectionOperations<double>::synaptic_copy(
    const Stream&, const SynapticCopyArguments<std::uint8_t>&, std::int64_t) const;
template void CpuConnectionOperations<double>::zero_diagonal(const Stream&, double*,
                                                             std::int64_t) const;
template void CpuConnectionOperations<double>::clamp(const Stream&, double*, std::int64_t, double,
                                                     double) const;

}  // namespace cusynapse::cpu
