#include "support/cublas.hpp"

#include <cublas_v2.h>

#include <stdexcept>
#include <vector>

#include "cusynapse/buffer.hpp"

namespace cusynapse::bench {
namespace {

void check(cublasStatus_t status, const char* what) {
  if (status != CUBLAS_STATUS_SUCCESS) {
    throw std::runtime_error(std::string(what) + ": " + cublasGetStatusString(status));
  }
}

// cuBLAS takes columns where the arrays here have rows: it is given the transposed product.
class CublasOnStream final : public Cublas {
 public:
  explicit CublasOnStream(const Stream& stream) : stream_(stream) {
    check(cublasCreate(&handle_), "cublasCreate");
    check(cublasSetStream(handle_, stream.native_handle()), "cublasSetStream");
  }
  ~CublasOnStream() override { cublasDestroy(handle_); }
  CublasOnStream(const CublasOnStream&) = delete;
  CublasOnStream& operator=(const CublasOnStream&) = delete;

  std::string name() const override {
    int version = 0;
    check(cublasGetVersion(handle_, &version), "cublasGetVersion");
    return "cuBLAS " + std::to_string(version);
  }

  void multiply(const float* weights, const float* input, float* out,
                const ProductShape& shape) override {
    const int batch = static_cast<int>(shape.batch);
    const int inputs = static_cast<int>(shape.inputs);
    const int outputs = static_cast<int>(shape.outputs);
    const float one = 1.0f;
    const float zero = 0.0f;
    check(cublasSgemm(handle_, CUBLAS_OP_T, CUBLAS_OP_N, outputs, batch, inputs, &one, weights,
                      inputs, input, inputs, &zero, out, outputs),
          "cublasSgemm");
  }

  void weighted_sum(const float* weights, float* values, float* out,
                    const ProductShape& shape) override {
    const int batch = static_cast<int>(shape.batch);
    const int inputs = static_cast<int>(shape.inputs);
    const int outputs = static_cast<int>(shape.outputs);
    const int matrix = inputs * outputs;
    if (ones_.size() < shape.inputs) {
      const std::vector<float> ones(static_cast<std::size_t>(shape.inputs), 1.0f);
      ones_ = Buffer<float>(stream_, ones.data(), shape.inputs);
    }
    const float one = 1.0f;
    const float zero = 0.0f;
    check(cublasSdgmm(handle_, CUBLAS_SIDE_LEFT, matrix, batch, values, matrix, weights, 1, values,
                      matrix),
          "cublasSdgmm");
    check(cublasSgemvStridedBatched(handle_, CUBLAS_OP_N, outputs, inputs, &one, values, outputs,
                                    matrix, ones_.data(), 1, 0, &zero, out, 1, outputs, batch),
          "cublasSgemvStridedBatched");
  }

 private:
  Stream stream_;
  cublasHandle_t handle_ = nullptr;
  Buffer<float> ones_;
};

}  // namespace

std::unique_ptr<Cublas> make_cublas(const Stream& stream) {
  return std::make_unique<CublasOnStream>(stream);
}

}  // namespace cusynapse::bench
