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

// update_operations.cu
template <class T>
class CudaUpdateOperations final : public UpdateOperations<T> {
 public:
  void accumulate_part(const Stream& stream, const AccumulatePart<T>& a) const override;
  void parameter_update(const Stream& stream, const ParameterUpdate<T>& a) const override;
};

void ring_advance(const Stream& stream, RingState* state, std::int32_t slots, std::int64_t steps);

}  // namespace cusynapse::cuda
