// Runs kernel bodies the way a GPU does, on threads of the operating system: every thread of a
// block at once, behind a barrier, several blocks at a time. Under ThreadSanitizer a missing
// barrier, and under AddressSanitizer a wild index, shows without a GPU.
#pragma once

#include <atomic>
#include <barrier>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

namespace cusynapse::test {

/// Threads of a block. Few, since each is a real one; bodies may not depend on how many.
inline constexpr int block_threads = 5;
/// Blocks that run at the same time.
inline constexpr int concurrent_blocks = 2;

/// Arrivals of blocks on any thread.
struct ThreadAtomics {
  static std::uint32_t fetch_add(std::uint32_t* counter, std::uint32_t amount) {
    return std::atomic_ref<std::uint32_t>(*counter).fetch_add(amount, std::memory_order_acq_rel);
  }
};

/// One thread's view of its block, to a tile body.
class ThreadContext {
 public:
  ThreadContext(std::int64_t block, int rank, int size, void* shared, std::barrier<>& barrier)
      : block_(block), rank_(rank), size_(size), shared_(shared), barrier_(barrier) {}
  std::int64_t block() const { return block_; }
  int rank() const { return rank_; }
  int size() const { return size_; }
  void* shared() const { return shared_; }
  void sync() const { barrier_.arrive_and_wait(); }
  /// Nothing arrives before it is waited for.
  template <class T>
  void copy_async(T* to, const T* from) const {
    copies_.push_back({to, from, sizeof(T)});
  }
  void wait_copies() const {
    for (const Copy& copy : copies_) std::memcpy(copy.to, copy.from, copy.size);
    copies_.clear();
  }

 private:
  std::int64_t block_;
  int rank_;
  int size_;
  void* shared_;
  std::barrier<>& barrier_;
  struct Copy {
    void* to;
    const void* from;
    std::size_t size;
  };
  mutable std::vector<Copy> copies_;
};

/// Runs `work(group, rank, barrier)` on `concurrent_blocks` groups of `threads` threads.
template <class Work>
void run_threads(int threads, const Work& work) {
  std::vector<std::unique_ptr<std::barrier<>>> barriers;
  std::vector<std::thread> running;
  for (int group = 0; group < concurrent_blocks; ++group) {
    barriers.push_back(std::make_unique<std::barrier<>>(threads));
    for (int rank = 0; rank < threads; ++rank) {
      running.emplace_back(
          [&work, group, rank, barrier = barriers.back().get()] { work(group, rank, *barrier); });
    }
  }
  for (std::thread& thread : running) thread.join();
}

/// As cuda::launch_index: body(x, y) for all x < width, y < height.
template <class Body>
void execute_index(const Body& body, std::int64_t width, std::int64_t height = 1) {
  run_threads(block_threads, [&](int group, int rank, std::barrier<>&) {
    const std::int64_t stride = std::int64_t{concurrent_blocks} * block_threads;
    for (std::int64_t y = 0; y < height; ++y) {
      for (std::int64_t x = group * block_threads + rank; x < width; x += stride) body(x, y);
    }
  });
}

/// As cuda::launch_push: blocks share out the rows, and arrive at each.
template <class Body>
void execute_push(const Body& body, std::int64_t width, std::int64_t height = 1) {
  run_threads(block_threads, [&](int group, int rank, std::barrier<>& barrier) {
    const std::int64_t stride = std::int64_t{concurrent_blocks} * block_threads;
    for (std::int64_t y = 0; y < height; ++y) {
      for (std::int64_t x = group * block_threads + rank; x < width; x += stride) body(x, y);
      barrier.arrive_and_wait();
      if (rank == 0) body.template arrive<ThreadAtomics>(y, concurrent_blocks);
      barrier.arrive_and_wait();
    }
  });
}

/// As cuda::launch_tile. Shared memory is exactly as large as the body asks for.
template <class Body>
void execute_tile(const Body& body, std::int64_t blocks, int threads = block_threads) {
  std::vector<std::unique_ptr<std::byte[]>> shared;
  for (int group = 0; group < concurrent_blocks; ++group) {
    shared.push_back(std::make_unique<std::byte[]>(body.shared_bytes(threads)));
  }
  run_threads(threads, [&](int group, int rank, std::barrier<>& barrier) {
    for (std::int64_t block = group; block < blocks; block += concurrent_blocks) {
      body(ThreadContext(block, rank, threads, shared[static_cast<std::size_t>(group)].get(),
                         barrier));
      barrier.arrive_and_wait();
    }
  });
}

}  // namespace cusynapse::test
