// Runs bodies on a GPU. The only __global__ functions of the library are here.
#pragma once

#include <cuda_pipeline_primitives.h>
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

/// Arrivals of blocks anywhere on the device. One instruction: atomicAdd between two calls of
/// __threadfence waits twice, and for an order of all fences that nothing here needs.
struct DeviceAtomics {
  static __device__ __forceinline__ std::uint32_t fetch_add(std::uint32_t* counter,
                                                            std::uint32_t amount) {
    std::uint32_t before;
    asm volatile("atom.acq_rel.gpu.add.u32 %0, [%1], %2;"
                 : "=r"(before)
                 : "l"(counter), "r"(amount)
                 : "memory");
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
  /// Read anew by every call: a compiler keeps nothing that it could make of it again.
  __device__ std::int64_t block() const {
    unsigned block;
    asm volatile("mov.u32 %0, %%ctaid.x;" : "=r"(block));
    return block;
  }
  __device__ int rank() const { return static_cast<int>(threadIdx.x); }
  __device__ int size() const { return static_cast<int>(blockDim.x); }
  __device__ void* shared() const { return shared_; }
  __device__ void sync() const { __syncthreads(); }
  /// Copies a value to shared memory; there, for this thread, once wait_copies returns.
  template <class T>
  __device__ void copy_async(T* to, const T* from) const {
    __pipeline_memcpy_async(to, from, sizeof(T));
  }
  __device__ void wait_copies() const {
    __pipeline_commit();
    __pipeline_wait_prior(0);
  }

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

/// Blocks that cover `count` threads, as far as one grid dimension reaches; index and push kernels
/// loop over the rest.
inline unsigned blocks_of(std::int64_t count, std::int64_t threads, std::int64_t most) {
  return static_cast<unsigned>(std::min((count + threads - 1) / threads, most));
}

inline constexpr std::int64_t most_blocks_x = 2147483647;
inline constexpr std::int64_t most_blocks_y = 65535;

/// Shared memory a block may have without being asked for.
inline constexpr std::size_t unasked_shared_bytes = 48 * 1024;

inline int device_attribute(cudaDeviceAttr which, int ordinal) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, which, ordinal), "cudaDeviceGetAttribute");
  return value;
}

/// Shared memory a block may have on a device, such that `blocks` of them fit a multiprocessor.
inline std::size_t shared_bytes_of(int ordinal, int blocks) {
  const int most = device_attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin, ordinal);
  const int share =
      device_attribute(cudaDevAttrMaxSharedMemoryPerMultiprocessor, ordinal) / blocks -
      device_attribute(cudaDevAttrReservedSharedMemoryPerBlock, ordinal);
  return static_cast<std::size_t>(std::min(most, share));
}

/// Launches a kernel and throws what the launch itself says: the thread's last error may be
/// another's. A kernel that asks for shared memory asks for all there is: what it may have is the
/// kernel's, not the launch's, and another thread's launch must not lower it in between.
template <class... Arguments>
void launch(void (*kernel)(Arguments...), const Stream& stream, dim3 grid, int threads,
            std::size_t shared_bytes, Arguments... arguments) {
  const DeviceGuard guard(stream.device().ordinal);
  if (shared_bytes > unasked_shared_bytes) {
    check(cudaFuncSetAttribute(
              reinterpret_cast<const void*>(kernel), cudaFuncAttributeMaxDynamicSharedMemorySize,
              device_attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin, stream.device().ordinal)),
          "cudaFuncSetAttribute");
  }
  void* pointers[] = {&arguments...};
  check(cudaLaunchKernel(reinterpret_cast<const void*>(kernel), grid,
                         dim3(static_cast<unsigned>(threads)), pointers, shared_bytes,
                         stream.native_handle()),
        "kernel launch");
}

/// The grid of a kernel over x < width, y < height.
template <class Policy>
dim3 grid_over(std::int64_t width, std::int64_t height) {
  return dim3(blocks_of(width, Policy::threads, most_blocks_x),
              blocks_of(height, 1, most_blocks_y));
}

template <class Policy, class Body>
void launch_index(const Stream& stream, const Body& body, std::int64_t width,
                  std::int64_t height = 1) {
  launch<Body, std::int64_t, std::int64_t>(index_kernel<Policy, Body>, stream,
                                           grid_over<Policy>(width, height), Policy::threads, 0,
                                           body, width, height);
}

template <class Policy, class Body>
void launch_push(const Stream& stream, const Body& body, std::int64_t width,
                 std::int64_t height = 1) {
  launch<Body, std::int64_t, std::int64_t>(push_kernel<Policy, Body>, stream,
                                           grid_over<Policy>(width, height), Policy::threads, 0,
                                           body, width, height);
}

/// Throws `Error(invalid_argument)` for more blocks than a grid has.
template <class Policy, class Body>
void launch_tile(const Stream& stream, const Body& body, std::int64_t blocks) {
  if (blocks > most_blocks_x) {
    throw Error(Errc::invalid_argument, "kernel launch: got " + std::to_string(blocks) +
                                            " blocks, expected at most 2^31 - 1");
  }
  launch<Body>(tile_kernel<Policy, Body>, stream, dim3(static_cast<unsigned>(blocks)),
               Policy::threads, body.shared_bytes(Policy::threads), body);
}

}  // namespace cusynapse::cuda
