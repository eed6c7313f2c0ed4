#include "kernels/cpu/operations.hpp"

#include "kernels/bodies/outer_product.hpp"
#include "kernels/bodies/projection.hpp"
#include "kernels/cpu/launch.hpp"

namespace cusynapse::cpu {
namespace {

using kernels::cpu_width;
using kernels::group_count;

template <class Body>
void launch(const Body& body, std::int64_t size) {
  launch_index(body, group_count(size, cpu_width), 1, cpu_width);
}

}  // namespace

template <class T>
void CpuProjectionOperations<T>::linear_saturating(const Stream&,
                                                   const LinearSaturating<T>& a) const {
  launch(kernels::LinearSaturatingBody<T, cpu_width>{a}, a.size);
}

template <class T>
void CpuProjectionOperations<T>::hardware_image(const Stream&, const HardwareImage<T>& a) const {
  launch(kernels::HardwareImageBody<T, cpu_width>{a}, a.size);
}

template <class T>
void CpuProjectionOperations<T>::masked_copy(const Stream&, const MaskedCopy<T>& a) const {
  launch(kernels::MaskedCopyBody<T, cpu_width>{a}, a.size);
}

template <class T>
void CpuProjectionOperations<T>::transposed_plan(const Stream&, const TransposedPlan<T>& a) const {
  const kernels::TransposedPlanBody<T, cpu_width> body{a};
  launch_index(body, body.width(), body.height(), cpu_width);
}

template <class T>
void CpuProjectionOperations<T>::outer_product(const Stream&, const OuterProduct<T>& a) const {
  constexpr int height = kernels::cpu_outer_height;
  kernels::visit_outer_product<cpu_width, height>(a, [&](const auto& body) {
    launch_index(body, group_count(a.outputs, height), group_count(a.inputs, cpu_width),
                 cpu_width * height * (a.rows + 1));
  });
}

template class CpuProjectionOperations<float>;
template class CpuProjectionOperations<double>;

}  // namespace cusynapse::cpu
