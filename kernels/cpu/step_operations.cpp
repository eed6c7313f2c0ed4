#include "kernels/cpu/operations.hpp"

#include "kernels/bodies/count_outside.hpp"
#include "kernels/bodies/decay_inject.hpp"
#include "kernels/bodies/delayed_select.hpp"
#include "kernels/cpu/converted_steps.hpp"
#include "kernels/cpu/launch.hpp"
#include "kernels/cpu/spike_bits.hpp"

namespace cusynapse::cpu {

using kernels::cpu_width;
using kernels::group_count;

namespace {

template <class Body>
void launch_population(const Body& body) {
  launch_steps(body, group_count(body.arguments.size, cpu_width), cpu_width);
}
template <class T, InputKind kind>
void launch_population(
    const kernels::DecayInjectBody<T, Dynamics::spikes_only, 0, kind, cpu_width>& body) {
  launch_spikes(body);
}
template <Dynamics dynamics, int TraceCount, InputKind kind>
void launch_population(
    const kernels::DecayInjectBody<float, dynamics, TraceCount, kind, cpu_width, float16>& body) {
  launch_converted(body);
}
template <Dynamics dynamics, int TraceCount, InputKind kind>
void launch_population(
    const kernels::DecayInjectBody<float, dynamics, TraceCount, kind, cpu_width, bfloat16>& body) {
  launch_converted(body);
}

template <InputKind kind>
ConvertedGroupsBody<kind> grouped(
    const kernels::DecayInjectGroupedBody<float, kind, cpu_width>& body) {
  return {body};
}
template <InputKind kind>
auto grouped(const kernels::DecayInjectGroupedBody<double, kind, cpu_width>& body) {
  return body;
}

}  // namespace

template <class T>
void CpuStepOperations<T>::decay_inject(const Stream&, const DecayInject<T>& a) const {
  kernels::visit_decay_inject<cpu_width>(a, [](const auto& body) { launch_population(body); });
}

template <class T>
void CpuStepOperations<T>::decay_inject_grouped(const Stream&,
                                                const DecayInjectGroups<T>& a) const {
  kernels::visit_decay_inject_grouped<cpu_width>(a, [&](const auto& body) {
    launch_push(grouped(body), group_tile / cpu_width, a.tile_count, cpu_width);
  });
}

template <class T>
void CpuStepOperations<T>::delayed_select(const Stream&, const DelayedSelect<T>& a) const {
  kernels::visit_delayed_select<cpu_width>(a, [&](const auto& body) {
    launch_index(body, group_count(a.size * a.samples, cpu_width), 1, cpu_width);
  });
}

template <class T>
void CpuStepOperations<T>::spike_select(const Stream&, const SpikeSelect<T>& a) const {
  launch_index(kernels::SpikeSelectBody<T, cpu_width>{a},
               group_count(a.size * a.samples, cpu_width), 1, cpu_width);
}

template <class T>
void CpuStepOperations<T>::count_outside(const Stream&, const T* values, std::int64_t size, T low,
                                         T high, std::int64_t* partial_counts) const {
  launch_tile(kernels::CountOutsideBody<T>{values, size, low, high, partial_counts},
              (size + count_tile - 1) / count_tile);
}

template class CpuStepOperations<float>;
template class CpuStepOperations<double>;

}  // namespace cusynapse::cpu
