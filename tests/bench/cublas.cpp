// The functions of cuBLAS that the benches call, on an emulated device: as cuBLAS's documentation
// defines them, computed on the host. Matrices are stored by columns.
#include <cublas_v2.h>
#include <cuda_runtime_api.h>

#include <cstddef>
#include <vector>

struct cublasContext {
  cudaStream_t stream = nullptr;
};

namespace {

/// Columns of an array on the device, with `pitch` elements from one to the next.
struct Columns {
  const float* data;
  int rows, columns;
  long long pitch;

  std::vector<float> read(cudaStream_t stream) const {
    std::vector<float> values;
    for (int c = 0; c < columns; ++c) {
      std::vector<float> column(static_cast<std::size_t>(rows));
      cudaMemcpyAsync(column.data(), data + c * pitch, column.size() * sizeof(float),
                      cudaMemcpyDeviceToHost, stream);
      cudaStreamSynchronize(stream);
      values.insert(values.end(), column.begin(), column.end());
    }
    return values;
  }
};

/// Writes columns of `rows` values.
void write(cudaStream_t stream, float* data, int rows, long long pitch,
           const std::vector<float>& values) {
  const auto count = static_cast<std::size_t>(rows);
  for (std::size_t c = 0; c * count < values.size(); ++c) {
    cudaMemcpyAsync(data + static_cast<long long>(c) * pitch, values.data() + c * count,
                    count * sizeof(float), cudaMemcpyHostToDevice, stream);
  }
}

}  // namespace

cublasStatus_t cublasCreate_v2(cublasHandle_t* handle) {
  *handle = new cublasContext;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasGetVersion_v2(cublasHandle_t, int* version) {
  *version = CUBLAS_VERSION;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
  handle->stream = stream;
  return CUBLAS_STATUS_SUCCESS;
}
const char* cublasGetStatusString(cublasStatus_t) { return "a status of the emulated device"; }

// C = alpha op(A) op(B) + beta C, of m x k and k x n. What the benches do not ask for is refused.
cublasStatus_t cublasSgemm_v2(cublasHandle_t handle, cublasOperation_t transa,
                              cublasOperation_t transb, int m, int n, int k, const float* alpha,
                              const float* A, int lda, const float* B, int ldb, const float* beta,
                              float* C, int ldc) {
  if (transa != CUBLAS_OP_T || transb != CUBLAS_OP_N || *beta != 0.0f) {
    return CUBLAS_STATUS_NOT_SUPPORTED;
  }
  if (lda < k || ldb < k || ldc < m) return CUBLAS_STATUS_INVALID_VALUE;
  const std::vector<float> a = Columns{A, k, m, lda}.read(handle->stream);
  const std::vector<float> b = Columns{B, k, n, ldb}.read(handle->stream);
  std::vector<float> c;
  for (int column = 0; column < n; ++column) {
    for (int row = 0; row < m; ++row) {
      float sum = 0.0f;
      for (int i = 0; i < k; ++i) {
        sum +=
            a[static_cast<std::size_t>(row * k + i)] * b[static_cast<std::size_t>(column * k + i)];
      }
      c.push_back(*alpha * sum);
    }
  }
  write(handle->stream, C, m, ldc, c);
  return CUBLAS_STATUS_SUCCESS;
}

// C = diag(x) A, of m x n.
cublasStatus_t cublasSdgmm(cublasHandle_t handle, cublasSideMode_t mode, int m, int n,
                           const float* A, int lda, const float* x, int incx, float* C, int ldc) {
  if (mode != CUBLAS_SIDE_LEFT) return CUBLAS_STATUS_NOT_SUPPORTED;
  if (lda < m || ldc < m) return CUBLAS_STATUS_INVALID_VALUE;
  std::vector<float> c = Columns{A, m, n, lda}.read(handle->stream);
  const std::vector<float> factors = Columns{x, 1, m, incx}.read(handle->stream);
  for (std::size_t i = 0; i < c.size(); ++i) c[i] *= factors[i % factors.size()];
  write(handle->stream, C, m, ldc, c);
  return CUBLAS_STATUS_SUCCESS;
}

// y = alpha A x + beta y for each of a batch, A of m x n.
cublasStatus_t cublasSgemvStridedBatched(cublasHandle_t handle, cublasOperation_t trans, int m,
                                         int n, const float* alpha, const float* A, int lda,
                                         long long strideA, const float* x, int incx,
                                         long long stridex, const float* beta, float* y, int incy,
                                         long long stridey, int batchCount) {
  if (trans != CUBLAS_OP_N || *beta != 0.0f) return CUBLAS_STATUS_NOT_SUPPORTED;
  if (lda < m) return CUBLAS_STATUS_INVALID_VALUE;
  for (int sample = 0; sample < batchCount; ++sample) {
    const std::vector<float> a = Columns{A + sample * strideA, m, n, lda}.read(handle->stream);
    const std::vector<float> factors =
        Columns{x + sample * stridex, 1, n, incx}.read(handle->stream);
    std::vector<float> sums(static_cast<std::size_t>(m), 0.0f);
    for (std::size_t i = 0; i < a.size(); ++i) {
      sums[i % sums.size()] += *alpha * a[i] * factors[i / sums.size()];
    }
    write(handle->stream, y + sample * stridey, 1, incy, sums);
  }
  return CUBLAS_STATUS_SUCCESS;
}
