// The CUDA backend: devices, memory, streams and a profiler's ranges. Memory is plain cudaMalloc.
#include "kernels/cuda/check.cuh"
#include "kernels/cuda/operations.cuh"
#include "kernels/cuda/ranges.cuh"

namespace cusynapse {
namespace {

class CudaBackend final : public Backend {
 public:
  // Drivers and devices do not come and go while a process runs.
  CudaBackend() : status_(cudaGetDeviceCount(&device_count_)) {
    if (status_ != cudaSuccess) {
      static_cast<void>(cudaGetLastError());
      device_count_ = 0;
    }
  }

  int device_count() const noexcept override { return device_count_; }

  void require(Device device) const override {
    if (status_ != cudaSuccess) {
      throw Error(Errc::no_device,
                  "device " + to_string(device) +
                      ": no CUDA device can be used, the library works on the CPU: " +
                      cuda::describe(status_));
    }
    if (device.ordinal < 0 || device.ordinal >= device_count_) {
      throw Error(Errc::no_device, "device: got " + to_string(device) + ", expected one of " +
                                       std::to_string(device_count_) + " CUDA devices");
    }
  }

  void* allocate(Device device, std::size_t bytes) const override {
    if (bytes == 0) return nullptr;
    const cuda::DeviceGuard guard(device.ordinal);
    void* data = nullptr;
    const cudaError_t status = cudaMalloc(&data, bytes);
    if (status != cudaSuccess) {  // what could be refused memory comes after the memory
      cuda::check(
          status,
          ("allocate: " + std::to_string(bytes) + " bytes on " + to_string(device)).c_str());
    }
    return data;
  }

  // At the end of a process the driver may be gone before the last buffer: nothing is left to free.
  void deallocate(Device, void* data) const noexcept override {
    if (cudaFree(data) != cudaSuccess) static_cast<void>(cudaGetLastError());
  }

  void copy_from_host(const Stream& stream, void* device, const void* host,
                      std::size_t bytes) const override {
    copy_and_wait(stream, device, host, bytes, cudaMemcpyHostToDevice);
  }
  void copy_to_host(const Stream& stream, void* host, const void* device,
                    std::size_t bytes) const override {
    copy_and_wait(stream, host, device, bytes, cudaMemcpyDeviceToHost);
  }
  void copy(const Stream& stream, void* to, const void* from, std::size_t bytes) const override {
    if (bytes == 0) return;
    const cuda::DeviceGuard guard(stream.device().ordinal);
    cuda::check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream.native_handle()),
                "copy");
  }
  void fill_zero(const Stream& stream, void* device, std::size_t bytes) const override {
    if (bytes == 0) return;
    const cuda::DeviceGuard guard(stream.device().ordinal);
    cuda::check(cudaMemsetAsync(device, 0, bytes, stream.native_handle()), "fill_zero");
  }

  CUstream_st* create_stream(Device device) const override {
    require(device);
    const cuda::DeviceGuard guard(device.ordinal);
    cudaStream_t stream = nullptr;
    cuda::check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "create stream");
    return stream;
  }
  void destroy_stream(CUstream_st* stream) const noexcept override {
    if (cudaStreamDestroy(stream) != cudaSuccess) static_cast<void>(cudaGetLastError());
  }
  void synchronize(const Stream& stream) const override {
    const cuda::DeviceGuard guard(stream.device().ordinal);
    cuda::check(cudaStreamSynchronize(stream.native_handle()), "synchronize");
  }

  void begin_range(const char* owner, const char* function) const noexcept override {
    ranges_.begin(owner, function);
  }
  void end_range() const noexcept override { ranges_.end(); }

  void ring_advance(const Stream& stream, RingState* state, std::int32_t slots,
                    std::int64_t steps) const override {
    cuda::ring_advance(stream, state, slots, steps);
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
  static void copy_and_wait(const Stream& stream, void* to, const void* from, std::size_t bytes,
                            cudaMemcpyKind kind) {
    const cuda::DeviceGuard guard(stream.device().ordinal);
    if (bytes > 0) {
      cuda::check(cudaMemcpyAsync(to, from, bytes, kind, stream.native_handle()), "copy");
    }
    cuda::check(cudaStreamSynchronize(stream.native_handle()), "copy");
  }

  int device_count_ = 0;
  cudaError_t status_;
  cuda::Ranges ranges_;
  cuda::CudaStepOperations<float> float_steps_;
  cuda::CudaStepOperations<double> double_steps_;
  cuda::CudaConnectionOperations<float> float_connections_;
  cuda::CudaConnectionOperations<double> double_connections_;
  cuda::CudaNeuronOperations<float> float_neurons_;
  cuda::CudaNeuronOperations<double> double_neurons_;
  cuda::CudaRingOperations<float> float_rings_;
  cuda::CudaRingOperations<double> double_rings_;
  cuda::CudaRingOperations<float16> float16_rings_;
  cuda::CudaRingOperations<bfloat16> bfloat16_rings_;
  cuda::CudaRingOperations<bool> bool_rings_;
  cuda::CudaUpdateOperations<float> float_updates_;
  cuda::CudaUpdateOperations<double> double_updates_;
  cuda::CudaProjectionOperations<float> float_projections_;
  cuda::CudaProjectionOperations<double> double_projections_;
};

}  // namespace

const Backend& cuda_backend() {
  static const CudaBackend backend;
  return backend;
}

}  // namespace cusynapse
