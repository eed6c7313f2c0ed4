#include <algorithm>

#include "kernels/bodies/delayed_dense.hpp"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.cuh"
#include "kernels/cuda/tuning.cuh"

namespace cusynapse::cuda {

template <class T>
std::size_t CudaConnectionOperations<T>::dense_workspace_bytes(const DelayedDense<T>& a,
                                                               bool) const {
  return kernels::dense_partial_bytes(a, DensePolicy<T>::threads);
}

template <class T>
void CudaConnectionOperations<T>::delayed_dense(const Stream& stream,
                                                const DelayedDense<T>& a) const {
  constexpr int threads = DensePolicy<T>::threads;
  static_assert(threads >= kernels::dense_least_threads && (threads & (threads - 1)) == 0,
                "threads share out the inputs of a stage, a power of two");
  const int ordinal = stream.device().ordinal;
  const kernels::DenseLimits limits{
      threads,
      std::max(shared_bytes_of(ordinal, DensePolicy<T>::min_blocks), kernels::dense_shared_bytes),
      std::max(shared_bytes_of(ordinal, 1), kernels::dense_shared_bytes)};
  kernels::visit_delayed_dense(a, limits, [&](const auto& body) {
    launch_tile<DensePolicy<T>>(stream, body, body.blocks());
  });
  const auto reduction = kernels::dense_reduction(a, threads);
  launch_index<ReducePolicy>(stream, reduction, kernels::group_count(a.outputs, reduction.width),
                             kernels::column_count(a));
}

template std::size_t CudaConnectionOperations<float>::dense_workspace_bytes(
    const DelayedDense<float>&, bool) const;
template std::size_t CudaConnectionOperations<double>::dense_workspace_bytes(
    const DelayedDense<double>&, bool) const;
template void CudaConnectionOperations<float>::delayed_dense(const Stream&,
                                                             const DelayedDense<float>&) const;
template void CudaConnectionOperations<double>::delayed_dense(const Stream&,
                                                              const DelayedDense<double>&) const;

}  // namespace cusynapse::cuda
