// The operations of connections on the CPU.
#pragma once

#include "kernels/backend.hpp"

namespace cusynapse::cpu {

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

// dense_float.cpp and dense_double.cpp
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

}  // namespace cusynapse::cpu
