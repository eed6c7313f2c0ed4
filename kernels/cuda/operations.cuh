// The operations of the CUDA backend. Each file defines the members named after it.
#pragma once

#include "kernels/backend.hpp"

namespace cusynapse::cuda {

template <class T>
class CudaStepOperations final : public StepOperations<T> {
 public:
  // step_operations.cu
  void decay_inject(const Stream& stream, const DecayInject<T>& a) const override;
  void decay_inject_grouped(const Stream& stream, const DecayInjectGroups<T>& a) const override;
  // select_operations.cu
  void delayed_select(const Stream& stream, const DelayedSelect<T>& a) const override;
  void spike_select(const Stream& stream, const SpikeSelect<T>& a) const override;
  void count_outside(const Stream& stream, const T* values, std::int64_t size, T low, T high,
                     std::int64_t* partial_counts) const override;
};

// ring_operations.cu
template <class T>
class CudaRingOperations final : public RingOperations<T> {
 public:
  void select(const Stream& stream, const RingSelect<T>& a) const override;
  void insert(const Stream& stream, const RingInsert<T>& a) const override;
  void write(const Stream& stream, const RingWrite<T>& a) const override;
  void read(const Stream& stream, const RingRead<T>& a) const override;
  void regrid(const Stream& stream, const RingRegrid<T>& a) const override;
  void resample(const Stream& stream, const RingResample<T>& a) const override;
};

// projection_operations.cu
template <class T>
class CudaProjectionOperations final : public ProjectionOperations<T> {
 public:
  void linear_saturating(const Stream& stream, const LinearSaturating<T>& a) const override;
  void hardware_image(const Stream& stream, const HardwareImage<T>& a) const override;
  void masked_copy(const Stream& stream, const MaskedCopy<T>& a) const override;
  void transposed_plan(const Stream& stream, const TransposedPlan<T>& a) const override;
  void outer_product(const Stream& stream, const OuterProduct<T>& a) const override;
};

void ring_advance(const Stream& stream, RingState* state, std::int32_t slots, std::int64_t steps);

}  // namespace cusynapse::cuda
