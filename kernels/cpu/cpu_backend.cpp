// The CPU backend.
#include <cstring>
#include <new>
#include <string>

#include "cusynapse/error.hpp"
#include "kernels/backend.hpp"
#include "kernels/bodies/count_outside.hpp"
#include "kernels/bodies/decay_inject.hpp"
#include "kernels/bodies/delayed_select.hpp"
#include "kernels/bodies/outer_product.hpp"
#include "kernels/bodies/parameter_update.hpp"
#include "kernels/bodies/projection.hpp"
#include "kernels/bodies/ring_operations.hpp"
#include "kernels/cpu/connection_operations.hpp"
#include "kernels/cpu/launch.hpp"
#include "kernels/cpu/neuron_operations.hpp"

namespace cusynapse {
namespace {

using kernels::cpu_width;
using kernels::group_count;

constexpr std::align_val_t allocation_alignment{256};

template <class T>
class CpuStepOperations final : public StepOperations<T> {
 public:
  void decay_inject(const Stream&, const DecayInject<T>& a) const override {
    kernels::visit_decay_inject<cpu_width>(a, [&](const auto& body) {
      cpu::launch_steps(body, group_count(a.size, cpu_width), cpu_width);
    });
  }

  void decay_inject_grouped(const Stream&, const DecayInjectGroups<T>& a) const override {
    kernels::visit_decay_inject_grouped<cpu_width>(a, [&](const auto& body) {
      cpu::launch_push(body, group_tile / cpu_width, a.tile_count, cpu_width);
    });
  }

  void delayed_select(const Stream&, const DelayedSelect<T>& a) const override {
    kernels::visit_delayed_select<cpu_width>(a, [&](const auto& body) {
      cpu::launch_index(body, group_count(a.size * a.samples, cpu_width), 1, cpu_width);
    });
  }

  void spike_select(const Stream&, const SpikeSelect<T>& a) const override {
    cpu::launch_index(kernels::SpikeSelectBody<T, cpu_width>{a},
                      group_count(a.size * a.samples, cpu_width), 1, cpu_width);
  }

  void count_outside(const Stream&, const T* values, std::int64_t size, T low, T high,
                     std::int64_t* partial_counts) const override {
    cpu::launch_tile(kernels::CountOutsideBody<T>{values, size, low, high, partial_counts},
                     (size + count_tile - 1) / count_tile);
  }
};

template <class T>
class CpuRingOperations final : public RingOperations<T> {
 public:
  void select(const Stream&, const RingSelect<T>& a) const override {
    launch(kernels::RingSelectBody<T, cpu_width>{a}, a.ring.size * a.samples);
  }
  void insert(const Stream&, const RingInsert<T>& a) const override {
    launch(kernels::RingInsertBody<T, cpu_width>{a}, a.ring.size);
  }
  void write(const Stream&, const RingWrite<T>& a) const override {
    cpu::launch_push(kernels::RingWriteBody<T, cpu_width>{a}, group_count(a.ring.size, cpu_width),
                     1, cpu_width * a.frames);
  }
  void read(const Stream&, const RingRead<T>& a) const override {
    launch(kernels::RingReadBody<T, cpu_width>{a}, a.ring.size);
  }
  void regrid(const Stream&, const RingRegrid<T>& a) const override {
    launch(kernels::RingRegridBody<T, cpu_width>{a}, a.destination.size, a.destination.slots);
  }
  void resample(const Stream&, const RingResample<T>& a) const override {
    launch(kernels::RingResampleBody<T, cpu_width>{a}, a.destination.size, a.destination.slots);
  }

 private:
  template <class Body>
  static void launch(const Body& body, std::int64_t size, std::int64_t height = 1) {
    cpu::launch_index(body, group_count(size, cpu_width), height, cpu_width);
  }
};

template <class T>
class CpuUpdateOperations final : public UpdateOperations<T> {
 public:
  void accumulate_part(const Stream&, const AccumulatePart<T>& a) const override {
    cpu::launch_push(kernels::AccumulatePartBody<T, cpu_width>{a}, group_count(a.size, cpu_width),
                     1, cpu_width);
  }
  void parameter_update(const Stream&, const ParameterUpdate<T>& a) const override {
    cpu::launch_push(kernels::ParameterUpdateBody<T, cpu_width>{a}, group_count(a.size, cpu_width),
                     1, cpu_width);
  }
};

template <class T>
class CpuProjectionOperations final : public ProjectionOperations<T> {
 public:
  void linear_saturating(const Stream&, const LinearSaturating<T>& a) const override {
    launch(kernels::LinearSaturatingBody<T, cpu_width>{a}, a.size);
  }
  void hardware_image(const Stream&, const HardwareImage<T>& a) const override {
    launch(kernels::HardwareImageBody<T, cpu_width>{a}, a.size);
  }
  void masked_copy(const Stream&, const MaskedCopy<T>& a) const override {
    launch(kernels::MaskedCopyBody<T, cpu_width>{a}, a.size);
  }
  void transposed_plan(const Stream&, const TransposedPlan<T>& a) const override {
    const kernels::TransposedPlanBody<T, cpu_width> body{a};
    cpu::launch_index(body, body.width(), body.height(), cpu_width);
  }
  void outer_product(const Stream&, const OuterProduct<T>& a) const override {
    constexpr int height = kernels::cpu_outer_height;
    kernels::visit_outer_product<cpu_width, height>(a, [&](const auto& body) {
      cpu::launch_index(body, group_count(a.outputs, height), group_count(a.inputs, cpu_width),
                        cpu_width * height * (a.rows + 1));
    });
  }

 private:
  template <class Body>
  static void launch(const Body& body, std::int64_t size) {
    cpu::launch_index(body, group_count(size, cpu_width), 1, cpu_width);
  }
};

class CpuBackend final : public Backend {
 public:
  int device_count() const noexcept override { return 1; }
  void require(Device device) const override {
    if (device.ordinal != 0) {
      throw Error(Errc::no_device,
                  "device: got " + to_string(device) + ", expected the one CPU, ordinal 0");
    }
  }

  void* allocate(Device, std::size_t bytes) const override {
    if (bytes == 0) return nullptr;
    void* data = ::operator new(bytes, allocation_alignment, std::nothrow);
    if (data == nullptr) {
      throw Error(Errc::out_of_memory,
                  "allocate: " + std::to_string(bytes) + " bytes of host memory are not to be had");
    }
    return data;
  }
  void deallocate(Device, void* data) const noexcept override {
    ::operator delete(data, allocation_alignment);
  }
  void copy_from_host(const Stream&, void* device, const void* host,
                      std::size_t bytes) const override {
    if (bytes > 0) std::memcpy(device, host, bytes);
  }
  void copy_to_host(const Stream&, void* host, const void* device,
                    std::size_t bytes) const override {
    if (bytes > 0) std::memcpy(host, device, bytes);
  }
  void copy(const Stream&, void* to, const void* from, std::size_t bytes) const override {
    if (bytes > 0) std::memcpy(to, from, bytes);
  }
  void fill_zero(const Stream&, void* device, std::size_t bytes) const override {
    if (bytes > 0) std::memset(device, 0, bytes);
  }

  CUstream_st* create_stream(Device device) const override {
    require(device);
    return nullptr;
  }
  void destroy_stream(CUstream_st*) const noexcept override {}
  void synchronize(const Stream&) const override {}

  void ring_advance(const Stream&, RingState* state, std::int32_t slots,
                    std::int64_t steps) const override {
    cpu::launch_index(kernels::RingAdvanceBody{state, slots, steps}, 1, 1, 1);
  }

  const StepOperations<float>& steps(float) const noexcept override { return float_steps_; }
  const StepOperations<double>& steps(double) const noexcept override { return double_steps_; }
  const ConnectionOperations<float>& connections(float) const noexcept override {
    return float_connections_;
  }
  const ConnectionOperations<double>& connections(double) const noexcept override {
    return double_connections_;
  }
  const NeuronOperations<float>& neurons(float) const noexcept override { return float_neurons_; }
  const NeuronOperations<double>& neurons(double) const noexcept override {
    return double_neurons_;
  }
  const RingOperations<float>& rings(float) const noexcept override { return float_rings_; }
  const RingOperations<double>& rings(double) const noexcept override { return double_rings_; }
  const RingOperations<bool>& rings(bool) const noexcept override { return bool_rings_; }
  const UpdateOperations<float>& updates(float) const noexcept override { return float_updates_; }
  const UpdateOperations<double>& updates(double) const noexcept override {
    return double_updates_;
  }
  const ProjectionOperations<float>& projections(float) const noexcept override {
    return float_projections_;
  }
  const ProjectionOperations<double>& projections(double) const noexcept override {
    return double_projections_;
  }

 private:
  CpuStepOperations<float> float_steps_;
  CpuStepOperations<double> double_steps_;
  cpu::CpuConnectionOperations<float> float_connections_;
  cpu::CpuConnectionOperations<double> double_connections_;
  cpu::CpuNeuronOperations<float> float_neurons_;
  cpu::CpuNeuronOperations<double> double_neurons_;
  CpuRingOperations<float> float_rings_;
  CpuRingOperations<double> double_rings_;
  CpuRingOperations<bool> bool_rings_;
  CpuUpdateOperations<float> float_updates_;
  CpuUpdateOperations<double> double_updates_;
  CpuProjectionOperations<float> float_projections_;
  CpuProjectionOperations<double> double_projections_;
};

}  // namespace

const Backend& cpu_backend() {
  static const CpuBackend backend;
  return backend;
}

}  // namespace cusynapse
