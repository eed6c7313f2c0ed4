#include "kernels/bodies/ring_operations.hpp"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/operations.cuh"
#include "kernels/cuda/tuning.cuh"

namespace cusynapse::cuda {

using kernels::gpu_width;
using kernels::group_count;

template <class T>
void CudaRingOperations<T>::select(const Stream& stream, const RingSelect<T>& a) const {
  constexpr int width = kernels::single_width<T>;
  launch_index<RingPolicy>(stream, kernels::RingSelectBody<T, width>{a},
                           group_count(a.ring.size * a.samples, width));
}

template <class T>
void CudaRingOperations<T>::insert(const Stream& stream, const RingInsert<T>& a) const {
  constexpr int width = kernels::single_width<T>;
  launch_index<RingPolicy>(stream, kernels::RingInsertBody<T, width>{a},
                           group_count(a.ring.size, width));
}

template <class T>
void CudaRingOperations<T>::write(const Stream& stream, const RingWrite<T>& a) const {
  launch_push<RingPolicy>(stream, kernels::RingWriteBody<T, gpu_width>{a},
                          group_count(a.ring.size, gpu_width));
}

template <class T>
void CudaRingOperations<T>::read(const Stream& stream, const RingRead<T>& a) const {
  launch_index<RingPolicy>(stream, kernels::RingReadBody<T, gpu_width>{a},
                           group_count(a.ring.size, gpu_width));
}

template <class T>
void CudaRingOperations<T>::regrid(const Stream& stream, const RingRegrid<T>& a) const {
  launch_index<RingPolicy>(stream, kernels::RingRegridBody<T, gpu_width>{a},
                           group_count(a.destination.size, gpu_width), a.destination.slots);
}

template <class T>
void CudaRingOperations<T>::resample(const Stream& stream, const RingResample<T>& a) const {
  launch_index<RingPolicy>(stream, kernels::RingResampleBody<T, gpu_width>{a},
                           group_count(a.destination.size, gpu_width), a.destination.slots);
}

template class CudaRingOperations<float>;
template class CudaRingOperations<double>;
template class CudaRingOperations<float16>;
template class CudaRingOperations<bfloat16>;
template class CudaRingOperations<bool>;

void ring_advance(const Stream& stream, RingState* state, std::int32_t slots, std::int64_t steps) {
  launch_index<RingPolicy>(stream, kernels::RingAdvanceBody{state, slots, steps}, 1);
}

}  // namespace cusynapse::cuda
