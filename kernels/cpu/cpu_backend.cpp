// The CPU backend.
#include <cstring>
#include <new>
#include <string>

#include "cusynapse/error.hpp"
#include "kernels/backend.hpp"
#include "kernels/bodies/ring_operations.hpp"
#include "kernels/cpu/launch.hpp"
#include "kernels/cpu/operations.hpp"

namespace cusynapse {
namespace {

constexpr std::align_val_t allocation_alignment{256};  // as cudaMalloc's

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

  void begin_range(const char*, const char*) const noexcept override {}
  void end_range() const noexcept override {}

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
  const RingOperations<float16>& rings(float16) const noexcept override { return float16_rings_; }
  const RingOperations<bfloat16>& rings(bfloat16) const noexcept override {
    return bfloat16_rings_;
  }
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
  cpu::CpuStepOperations<float> float_steps_;
  cpu::CpuStepOperations<double> double_steps_;
  cpu::CpuConnectionOperations<float> float_connections_;
  cpu::CpuConnectionOperations<double> double_connections_;
  cpu::CpuNeuronOperations<float> float_neurons_;
  cpu::CpuNeuronOperations<double> double_neurons_;
  cpu::CpuRingOperations<float> float_rings_;
  cpu::CpuRingOperations<double> double_rings_;
  cpu::CpuRingOperations<float16> float16_rings_;
  cpu::CpuRingOperations<bfloat16> bfloat16_rings_;
  cpu::CpuRingOperations<bool> bool_rings_;
  cpu::CpuUpdateOperations<float> float_updates_;
  cpu::CpuUpdateOperations<double> double_updates_;
  cpu::CpuProjectionOperations<float> float_projections_;
  cpu::CpuProjectionOperations<double> double_projections_;
};

}  // namespace

const Backend& cpu_backend() {
  static const CpuBackend backend;
  return backend;
}

}  // namespace cusynapse
