#include "kernels/cpu/operations.hpp"

#include "kernels/bodies/ring_operations.hpp"
#include "kernels/cpu/launch.hpp"

namespace cusynapse::cpu {
namespace {

using kernels::cpu_width;
using kernels::group_count;

template <class Body>
void launch(const Body& body, std::int64_t size, std::int64_t height = 1) {
  launch_index(body, group_count(size, cpu_width), height, cpu_width);
}

}  // namespace

template <class T>
void CpuRingOperations<T>::select(const Stream&, const RingSelect<T>& a) const {
  launch(kernels::RingSelectBody<T, cpu_width>{a}, a.ring.size * a.samples);
}

template <class T>
void CpuRingOperations<T>::insert(const Stream&, const RingInsert<T>& a) const {
  launch(kernels::RingInsertBody<T, cpu_width>{a}, a.ring.size);
}

template <class T>
void CpuRingOperations<T>::write(const Stream&, const RingWrite<T>& a) const {
  launch_push(kernels::RingWriteBody<T, cpu_width>{a}, group_count(a.ring.size, cpu_width), 1,
              cpu_width * a.frames);
}

template <class T>
void CpuRingOperations<T>::read(const Stream&, const RingRead<T>& a) const {
  launch(kernels::RingReadBody<T, cpu_width>{a}, a.ring.size);
}

template <class T>
void CpuRingOperations<T>::regrid(const Stream&, const RingRegrid<T>& a) const {
  launch(kernels::RingRegridBody<T, cpu_width>{a}, a.destination.size, a.destination.slots);
}

template <class T>
void CpuRingOperations<T>::resample(const Stream&, const RingResample<T>& a) const {
  launch(kernels::RingResampleBody<T, cpu_width>{a}, a.destination.size, a.destination.slots);
}

template class CpuRingOperations<float>;
template class CpuRingOperations<double>;
template class CpuRingOperations<float16>;
template class CpuRingOperations<bfloat16>;
template class CpuRingOperations<bool>;

}  // namespace cusynapse::cpu
