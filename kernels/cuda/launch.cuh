// Runs bodies on a GPU. The only __global__ functions of the library are here.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>

#include "cusynapse/stream.hpp"
#include "kernels/cuda/check.cuh"

namespace cusynapse::cuda {

/// Calls body(x, y) for all x < width, y < height.
template <class Policy, class Body>
__global__ void __launch_bounds__(Policy::threads, Policy::min_blocks)
    index_kernel(const __grid_constant__ Body body, std::int64_t width, std::int64_t height) {
  const std::int64_t first = std::int64_t{blockIdx.x} * Policy::threads + threadIdx.x;
  const std::int64_t stride = std::int64_t{gridDim.x} * Policy::threads;
  for (std::int64_t y = blockIdx.y; y < height; y += gridDim.y) {
    for (std::int64_t x = first; x < width; x += stride) body(x, y);
  }
}

/// Arrivals of blocks anywhere on the device.
struct DeviceAtomics {
  static __device__ __forceinline__ std::uint32_t fetch_add(std::uint32_t* counter,
                                                            std::uint32_t amount) {
    __threadfence();
    const std::uint32_t before = atomicAdd(counter, amount);
    __threadfence();
    return before;
  }
};

/// As index_kernel, then advances the rings the body pushed to: see bodies/arrival.hpp.
template <class Policy, class Body>
__global__ void __launch_bounds__(Policy::threads, Policy::min_blocks)
    push_kernel(const __grid_constant__ Body body, std::int64_t width, std::int64_t height) {
  const std::int64_t first = std::int64_t{blockIdx.x} * Policy::threads + threadIdx.x;
  const std::int64_t stride = std::int64_t{gridDim.x} * Policy::threads;
  for (std::int64_t y = blockIdx.y; y < height; y += gridDim.y) {
    for (std::int64_t x = first; x < width; x += stride) body(x, y);
    __syncthreads();
    if (threadIdx.x == 0) body.template arrive<DeviceAtomics>(y, gridDim.x);
  }
}

/// A thread block, to a tile body.
class BlockContext {
 public:
  __device__ explicit BlockContext(void* shared) : shared_(shared) {}
  __device__ std::int64_t block() const { return blockIdx.x; }
  __device__ int rank() const { return static_cast<int>(threadIdx.x); }
  __device__ int size() const { return static_cast<int>(blockDim.x); }
  __device__ void* shared() const { return shared_; }
  __device__ void sync() const { __syncthreads(); }

 private:
  void* shared_;
};

/// Runs a tile body, one block a block.
template <class Policy, class Body>
__global__ void __launch_bounds__(Policy::threads, Policy::min_blocks)
    tile_kernel(const __grid_constant__ Body body) {
  extern __shared__ __align__(16) unsigned char shared[];
  body(BlockContext(shared));
}

/// Blocks that cover `count` threads, as far as one grid dimension reaches; kernels loop over the
/// rest.
inline unsigned blocks_of(std::int64_t count, std::int64_t threads, std::int64_t most) {
  return static_cast<unsigned>(std::min((count + threads - 1) / threads, most));
}

inline constexpr std::int64_t most_blocks_x = 2147483647;
inline constexpr std::int64_t most_blocks_y = 65535;

template <class Policy, class Body>
void launch_index(const Stream& stream, const Body& body, std::int64_t width,
                  std::int64_t height = 1) {
  const DeviceGuard guard(stream.device().ordinal);
  const dim3 grid(blocks_of(width, Policy::threads, most_blocks_x),
                  blocks_of(height, 1, most_blocks_y));
  index_kernel<Policy><<<grid, Policy::threads, 0, stream.native_handle()>>>(body, width, height);
  check(cudaGetLastError(), "kernel launch");
}

template <class Policy, class Body>
void launch_push(const Stream& stream, const Body& body, std::int64_t width,
                 std::int64_t height = 1) {
  const DeviceGuard guard(stream.device().ordinal);
  const dim3 grid(blocks_of(width, Policy::threads, most_blocks_x),
                  blocks_of(height, 1, most_blocks_y));
  push_kernel<Policy><<<grid, Policy::threads, 0, stream.native_handle()>>>(body, width, height);
  check(cudaGetLastError(), "kernel launch");
}

template <class Policy, class Body>
void launch_tile(const Stream& stream, const Body& body, std::int64_t blocks) {
  const DeviceGuard guard(stream.device().ordinal);
  tile_kernel<Policy><<<static_cast<unsigned>(blocks), Policy::threads,
                        Body::shared_bytes(Policy::threads), stream.native_handle()>>>(body);
  check(cudaGetLastError(), "kernel launch");
}

}  // namespace cusynapse::cuda
