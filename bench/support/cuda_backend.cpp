#include <cuda_runtime_api.h>

#include <stdexcept>

#include "cusynapse/buffer.hpp"
#include "support/backend.hpp"
#include "support/cublas.hpp"
#include "support/shared_loads.hpp"
#include "support/sizes.hpp"

namespace cusynapse::bench {
namespace {

constexpr int ordinal = 0;

void check(cudaError_t status, const char* what) {
  if (status != cudaSuccess) {
    throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(status));
  }
}

class Event {
 public:
  Event() { check(cudaEventCreate(&event_), "cudaEventCreate"); }
  ~Event() { cudaEventDestroy(event_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  cudaEvent_t get() const { return event_; }

 private:
  cudaEvent_t event_ = nullptr;
};

/// The time between two events around a call. What `before` enqueues comes ahead of the first, and
/// keeps the device busy while the host enqueues the rest: the launch itself is not timed. A graph
/// comes ahead of itself.
class TimedCudaCall : public TimedCall {
 public:
  explicit TimedCudaCall(cudaStream_t stream) : stream_(stream) {}
  double seconds() override {
    before();
    check(cudaEventRecord(start_.get(), stream_), "cudaEventRecord");
    const int calls = enqueue();
    check(cudaEventRecord(stop_.get(), stream_), "cudaEventRecord");
    check(cudaEventSynchronize(stop_.get()), "cudaEventSynchronize");
    float milliseconds = 0.0f;
    check(cudaEventElapsedTime(&milliseconds, start_.get(), stop_.get()), "cudaEventElapsedTime");
    return static_cast<double>(milliseconds) * 1e-3 / calls;
  }

 protected:
  cudaStream_t stream_;

 private:
  virtual void before() = 0;
  /// Enqueues calls and says how many.
  virtual int enqueue() = 0;

  Event start_;
  Event stop_;
};

class EagerCall final : public TimedCudaCall {
 public:
  EagerCall(cudaStream_t stream, std::function<void()> call, Buffer<std::uint8_t>& flush)
      : TimedCudaCall(stream), call_(std::move(call)), flush_(flush) {}

 private:
  void before() override {
    check(cudaMemsetAsync(flush_.data(), 0, static_cast<std::size_t>(flush_.size()), stream_),
          "cudaMemsetAsync");
  }
  int enqueue() override {
    call_();
    return 1;
  }

  std::function<void()> call_;
  Buffer<std::uint8_t>& flush_;
};

class GraphCall final : public TimedCudaCall {
 public:
  GraphCall(cudaStream_t stream, const std::function<void()>& call) : TimedCudaCall(stream) {
    check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal),
          "cudaStreamBeginCapture");
    cudaGraph_t graph = nullptr;
    try {
      for (int i = 0; i < calls_per_graph; ++i) call();
    } catch (...) {  // benches after this one find the stream as it was
      if (cudaStreamEndCapture(stream, &graph) == cudaSuccess) cudaGraphDestroy(graph);
      cudaGetLastError();
      throw;
    }
    check(cudaStreamEndCapture(stream, &graph), "cudaStreamEndCapture");
    const cudaError_t status = cudaGraphInstantiateWithFlags(&replay_, graph, 0);
    cudaGraphDestroy(graph);
    check(status, "cudaGraphInstantiateWithFlags");
    check(cudaGraphUpload(replay_, stream), "cudaGraphUpload");
  }
  ~GraphCall() override { cudaGraphExecDestroy(replay_); }
  GraphCall(const GraphCall&) = delete;
  GraphCall& operator=(const GraphCall&) = delete;

 private:
  void before() override { check(cudaGraphLaunch(replay_, stream_), "cudaGraphLaunch"); }
  int enqueue() override {
    before();
    return calls_per_graph;
  }

  cudaGraphExec_t replay_ = nullptr;
};

class CudaBackend final : public Backend {
 public:
  CudaBackend() : owned_(Device::cuda(ordinal)) {
    check(cudaGetDeviceProperties(&properties_, ordinal), "cudaGetDeviceProperties");
    flush_ = Buffer<std::uint8_t>(Device::cuda(ordinal),
                                  2 * static_cast<std::int64_t>(properties_.l2CacheSize) + 1);
    shared_sink_ = Buffer<float>(Device::cuda(ordinal), properties_.multiProcessorCount);
    cublas_ = make_cublas(owned_.get());
  }
  const char* name() const override { return "cuda"; }
  Stream stream() const override { return owned_.get(); }
  std::int64_t large_population() const override { return sized_population(std::int64_t{1} << 24); }
  std::unique_ptr<TimedCall> timed(std::function<void()> call, Launch launch) override {
    if (launch == Launch::graph) return std::make_unique<GraphCall>(native(), call);
    return std::make_unique<EagerCall>(native(), std::move(call), flush_);
  }
  void settle() override {}
  Sgemm* sgemm() override { return cublas_.get(); }
  bool has_weighted_sum() const override { return cublas_ != nullptr; }
  void weighted_sum(const float* weights, float* values, float* out,
                    const ProductShape& shape) override {
    cublas_->weighted_sum(weights, values, out, shape);
  }
  void copy(float* destination, const float* source, std::int64_t count) override {
    check(cudaMemcpyAsync(destination, source, static_cast<std::size_t>(count) * sizeof(float),
                          cudaMemcpyDeviceToDevice, native()),
          "cudaMemcpyAsync");
  }
  double load_shared() override {
    const auto multiprocessors = static_cast<int>(sized_length(properties_.multiProcessorCount));
    return bench::load_shared(native(), multiprocessors, shared_sink_.data());
  }
  std::vector<std::pair<std::string, std::string>> context() const override {
    int driver = 0;
    int runtime = 0;
    check(cudaDriverGetVersion(&driver), "cudaDriverGetVersion");
    check(cudaRuntimeGetVersion(&runtime), "cudaRuntimeGetVersion");
    return {{"gpu", properties_.name},
            {"gpu_compute_capability",
             std::to_string(properties_.major) + "." + std::to_string(properties_.minor)},
            {"gpu_multiprocessors", std::to_string(properties_.multiProcessorCount)},
            {"gpu_l2_bytes", std::to_string(properties_.l2CacheSize)},
            {"cuda_driver", std::to_string(driver)},
            {"cuda_runtime", std::to_string(runtime)},
            {"cuda_sgemm", describe(cublas_.get())}};
  }

 private:
  cudaStream_t native() const { return owned_.get().native_handle(); }

  OwnedStream owned_;
  cudaDeviceProp properties_ = {};
  Buffer<std::uint8_t> flush_;
  Buffer<float> shared_sink_;
  std::unique_ptr<Cublas> cublas_;
};

}  // namespace

std::unique_ptr<Backend> make_cuda_backend() {
  if (cuda_device_count() == 0) return nullptr;
  check(cudaSetDevice(ordinal), "cudaSetDevice");
  return std::make_unique<CudaBackend>();
}

}  // namespace cusynapse::bench
