// The operations of neurons on the CPU.
#pragma once

#include "kernels/backend.hpp"

namespace cusynapse::cpu {

template <class T>
class CpuNeuronOperations final : public NeuronOperations<T> {
 public:
  void leaky_integrate_and_fire(const Stream& stream,
                                const LeakyIntegrateAndFireStep<T>& a) const override;
  void refractory_read(const Stream& stream, const RefractoryRead<T>& a) const override;
};

}  // namespace cusynapse::cpu
