// The operations of the CPU backend. Each file defines the members named after it.
#pragma once

#include "kernels/backend.hpp"

namespace cusynapse::cpu {

// step_operations.cpp
template <class T>
class CpuStepOperations final : public StepOperations<T> {
 public:
  void decay_inject(const Stream& stream, const DecayInject<T>& a) const override;
  void decay_inject_grouped(const Stream& stream, const DecayInjectGroups<T>& a) const override;
  void delayed_select(const Stream& stream, const DelayedSelect<T>& a) const override;
  void spike_select(const Stream& stream, const SpikeSelect<T>& a) const override;
  void count_outside(const Stream& stream, const T* values, std::int64_t size, T low, T high,
                     std::int64_t* partial_counts) const override;
};

// connection_operations.cpp; dense_float.cpp and dense_double.cpp for what is named after dense
template <class T>
class CpuConnectionOperations final : public ConnectionOperations<T> {
 public:
  void delay_plan(const Stream& stream, const DelayPlan<T>& a) const override;
  std::size_t dense_workspace_bytes(const DelayedDense<T>& a, bool is_least) const override;
  void delayed_dense(const Stream& stream, const DelayedDense<T>& a) const override;
  void delayed_direct(const Stream& stream, const DelayedDirect<T>& a) const override;
  void delayed_conv2d(const Stream& stream, const DelayedConv2D<T>& a) const override;
  void synaptic_select(const Stream& stream, const SynapticSelect<T>& a,
                       std::int64_t size) const override;
  void synaptic_copy(const Stream& stream, const SynapticCopyArguments<T>& a,
                     std::int64_t size) const override;
  void synaptic_copy(const Stream& stream, const SynapticCopyArguments<std::uint8_t>& a,
                     std::int64_t size) const override;
  void zero_diagonal(const Stream& stream, T* matrix, std::int64_t size) const override;
  void clamp(const Stream& stream, T* values, std::int64_t size, T low, T high) const override;
};

template <>
std::size_t CpuConnectionOperations<float>::dense_workspace_bytes(const DelayedDense<float>& a,
                                                                  bool is_least) const;
template <>
std::size_t CpuConnectionOperations<double>::dense_workspace_bytes(const DelayedDense<double>& a,
                                                                   bool is_least) const;
template <>
void CpuConnectionOperations<float>::delayed_dense(const Stream& stream,
                                                   const DelayedDense<float>& a) const;
template <>
void CpuConnectionOperations<double>::delayed_dense(const Stream& stream,
                                                    const DelayedDense<double>& a) const;

// neuron_operations.cpp
template <class T>
class CpuNeuronOperations final : public NeuronOperations<T> {
 public:
  void leaky_integrate_and_fire(const Stream& stream,
                                const LeakyIntegrateAndFireStep<T>& a) const override;
  void refractory_read(const Stream& stream, const RefractoryRead<T>& a) const override;
};

// ring_operations.cpp
template <class T>
class CpuRingOperations final : public RingOperations<T> {
 public:
  void select(const Stream& stream, const RingSelect<T>& a) const override;
  void insert(const Stream& stream, const RingInsert<T>& a) const override;
  void write(const Stream& stream, const RingWrite<T>& a) const override;
  void read(const Stream& stream, const RingRead<T>& a) const override;
  void regrid(const Stream& stream, const RingRegrid<T>& a) const override;
  void resample(const Stream& stream, const RingResample<T>& a) const override;
};

// update_operations.cpp
template <class T>
class CpuUpdateOperations final : public UpdateOperations<T> {
 public:
  void accumulate_part(const Stream& stream, const AccumulatePart<T>& a) const override;
  void parameter_update(const Stream& stream, const ParameterUpdate<T>& a) const override;
};

// projection_operations.cpp
template <class T>
class CpuProjectionOperations final : public ProjectionOperations<T> {
 public:
  void linear_saturating(const Stream& stream, const LinearSaturating<T>& a) const override;
  void hardware_image(const Stream& stream, const HardwareImage<T>& a) const override;
  void masked_copy(const Stream& stream, const MaskedCopy<T>& a) const override;
  void transposed_plan(const Stream& stream, const TransposedPlan<T>& a) const override;
  void outer_product(const Stream& stream, const OuterProduct<T>& a) const override;
};

}  // namespace cusynapse::cpu
