#include "kernels/cpu/operations.hpp"

#include "kernels/bodies/leaky_integrate_and_fire.hpp"
#include "kernels/cpu/launch.hpp"

namespace cusynapse::cpu {

using kernels::cpu_width;
using kernels::group_count;

template <class T>
void CpuNeuronOperations<T>::leaky_integrate_and_fire(const Stream&,
                                                      const LeakyIntegrateAndFireStep<T>& a) const {
  launch_index(kernels::LeakyIntegrateAndFireBody<T, cpu_width>{a}, group_count(a.size, cpu_width),
               1, cpu_width);
}

template <class T>
void CpuNeuronOperations<T>::refractory_read(const Stream&, const RefractoryRead<T>& a) const {
  launch_index(kernels::RefractoryReadBody<T, cpu_width>{a}, group_count(a.size, cpu_width), 1,
               cpu_width);
}

template class CpuNeuronOperations<float>;
template class CpuNeuronOperations<double>;

}  // namespace cusynapse::cpu
