#include "support/shared_loads.hpp"

#include <cuda_runtime.h>

#include <stdexcept>
#include <string>

namespace cusynapse::bench {
namespace {

constexpr int threads = 256;
constexpr int blocks_a_multiprocessor = 8;
constexpr int rounds = 512;
constexpr unsigned loads_a_round = 8;
constexpr unsigned first_rows = 2 * threads;  // of a round's first load
constexpr unsigned row_step = 64;             // to the next
constexpr unsigned rows = first_rows + loads_a_round * row_step;
constexpr unsigned shared_bytes = rows * sizeof(float4);  // 16 KiB

// Eight threads of a load read 128 bytes in a row. Loads wait for none before them, and nothing but
// them and the sums that use what they load is done more than once a round.
__global__ void __launch_bounds__(threads) shared_loads(float* sink) {
  extern __shared__ float4 values[];
  for (unsigned i = threadIdx.x; i < rows; i += threads) {
    const float value = static_cast<float>(i);
    values[i] = make_float4(value, value, value, value);
  }
  __syncthreads();
  float4 sum = make_float4(0.0F, 0.0F, 0.0F, 0.0F);
  unsigned row = threadIdx.x;
  for (int round = 0; round < rounds; ++round) {
#pragma unroll
    for (unsigned load = 0; load < loads_a_round; ++load) {
      const float4 value = values[row + load * row_step];
      sum.x += value.x;
      sum.y += value.y;
      sum.z += value.z;
      sum.w += value.w;
    }
    row = (row + 8) % first_rows;
  }
  // Never so: what is loaded is not negative, which the compiler does not know.
  if (sum.x + sum.y + sum.z + sum.w < 0.0F) sink[blockIdx.x / blocks_a_multiprocessor] = sum.x;
}

}  // namespace

double load_shared(cudaStream_t stream, int multiprocessors, float* sink) {
  const int blocks = multiprocessors * blocks_a_multiprocessor;
  shared_loads<<<static_cast<unsigned>(blocks), threads, shared_bytes, stream>>>(sink);
  const cudaError_t status = cudaGetLastError();
  if (status != cudaSuccess) {
    throw std::runtime_error(std::string("shared_loads: ") + cudaGetErrorString(status));
  }
  return 16.0 * rounds * loads_a_round * threads * static_cast<double>(blocks);
}

}  // namespace cusynapse::bench
