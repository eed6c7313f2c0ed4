// Runs bodies on the CPU: a loop compiled for every instruction set the machine may have, over as
// many threads as pay.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#if defined(_OPENMP)
#include <omp.h>
#include <unistd.h>
#endif

#include "cusynapse/error.hpp"
#include "cusynapse/math/arithmetic.hpp"
#include "kernels/bodies/decay_inject.hpp"

// Whether loops are compiled for the instruction sets of today's x86 machines besides the least
// one. Sanitizers see the same text in each, and one copy compiles in a third of the time.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define CUSYNAPSE_HAS_X86_LOOPS 1
#endif

namespace cusynapse::cpu {

/// Elements below which starting threads costs more than it saves (two threads pay above about
/// 32 k elements of a step).
inline constexpr std::int64_t parallel_threshold = 32768;

/// Threads that loops may run on. One in a process that was forked after they had run on several:
/// the others are not there, and some OpenMP runtimes wait for them for ever.
inline int most_threads() {
#if defined(_OPENMP)
  static const pid_t first_process = getpid();
  return getpid() == first_process ? std::max(omp_get_max_threads(), 1) : 1;
#else
  return 1;
#endif
}

/// Calls body(x, y) for i = y * width + x in [begin, end).
template <class Body>
using Loop = void (*)(const Body&, std::int64_t, std::int64_t, std::int64_t);

/// Takes the body by value, on the stack, so that stores cannot alias its arguments.
template <class Body>
CUSYNAPSE_HOST_DEVICE void loop(const Body body, std::int64_t width, std::int64_t begin,
                                std::int64_t end) {
  std::int64_t y = begin / width;
  std::int64_t x = begin % width;
  for (std::int64_t i = begin; i < end; ++y, x = 0) {
    const std::int64_t row_end = std::min(x + (end - i), width);
    i += row_end - x;
    for (; x < row_end; ++x) body(x, y);
  }
}

// One function an instruction set, the body inlined into each and compiled for it. They have names
// of their own, so that no code for one instruction set can be linked in place of another's. Those
// of AVX end in vzeroupper, which GCC adds from -O2 on alone: without it some processors run what
// follows several times slower.
template <class Body>
void loop_baseline(const Body& body, std::int64_t width, std::int64_t begin, std::int64_t end) {
  loop<Body>(body, width, begin, end);
}
#if defined(CUSYNAPSE_HAS_X86_LOOPS)
template <class Body>
__attribute__((target("avx2,fma"))) void loop_avx2(const Body& body, std::int64_t width,
                                                   std::int64_t begin, std::int64_t end) {
  loop<Body>(body, width, begin, end);
  __builtin_ia32_vzeroupper();
}
template <class Body>
__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl"))) void loop_avx512(const Body& body,
                                                                               std::int64_t width,
                                                                               std::int64_t begin,
                                                                               std::int64_t end) {
  loop<Body>(body, width, begin, end);
  __builtin_ia32_vzeroupper();
}
#endif

/// Instruction sets code is compiled for.
enum class InstructionSet { baseline, avx2, avx512 };

/// The highest one that the environment variable CUSYNAPSE_CPU_INSTRUCTION_SET allows, as it was at
/// the first call; all of them where it is not set. Throws `Error(invalid_argument)` where it names
/// none.
inline InstructionSet allowed_instruction_set() {
  static const InstructionSet allowed = [] {
    const char* const name = std::getenv("CUSYNAPSE_CPU_INSTRUCTION_SET");
    if (name == nullptr || std::strcmp(name, "avx512") == 0) return InstructionSet::avx512;
    if (std::strcmp(name, "avx2") == 0) return InstructionSet::avx2;
    if (std::strcmp(name, "baseline") == 0) return InstructionSet::baseline;
    throw Error(Errc::invalid_argument, "environment: CUSYNAPSE_CPU_INSTRUCTION_SET is '" +
                                            std::string(name) +
                                            "', expected baseline, avx2 or avx512");
  }();
  return allowed;
}

/// The best one of this machine that is allowed.
inline InstructionSet best_instruction_set() {
  static const InstructionSet best = [] {
    InstructionSet has = InstructionSet::baseline;
#if defined(__x86_64__) && defined(__GNUC__)
    if (__builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0) {
      has = InstructionSet::avx2;
    }
    if (__builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
        __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0) {
      has = InstructionSet::avx512;
    }
#endif
    return std::min(has, allowed_instruction_set());
  }();
  return best;
}

/// The loop for it.
template <class Body>
Loop<Body> best_loop() {
#if defined(CUSYNAPSE_HAS_X86_LOOPS)
  switch (best_instruction_set()) {
    case InstructionSet::baseline:
      break;
    case InstructionSet::avx2:
      return loop_avx2<Body>;
    case InstructionSet::avx512:
      return loop_avx512<Body>;
  }
#endif
  return loop_baseline<Body>;
}

/// Calls body(x, y) for all x < width, y < height, in any order and on several threads when there
/// are at least `parallel_threshold` of them times `elements`, the elements a call covers.
template <class Body>
void launch_index(const Body& body, std::int64_t width, std::int64_t height,
                  std::int64_t elements) {
  const Loop<Body> loop = best_loop<Body>();
  const std::int64_t calls = width * height;
#if defined(_OPENMP)
  if (calls * elements >= parallel_threshold && most_threads() > 1) {
#pragma omp parallel
    {
      const std::int64_t threads = omp_get_num_threads();
      const std::int64_t thread = omp_get_thread_num();
      const std::int64_t begin = calls / threads * thread + std::min(calls % threads, thread);
      const std::int64_t end = begin + calls / threads + (thread < calls % threads ? 1 : 0);
      loop(body, width, begin, end);
    }
    return;
  }
#else
  static_cast<void>(elements);
#endif
  if (calls > 0) loop(body, width, 0, calls);
}

/// Arrivals of one thread: no other is there to meet.
struct SerialAtomics {
  static std::uint32_t fetch_add(std::uint32_t* counter, std::uint32_t amount) {
    const std::uint32_t before = *counter;
    *counter += amount;
    return before;
  }
};

/// As `launch_index`, then advances the rings the body pushed to.
template <class Body>
void launch_push(const Body& body, std::int64_t width, std::int64_t height, std::int64_t elements) {
  launch_index(body, width, height, elements);
  for (std::int64_t y = 0; y < height; ++y) body.template arrive<SerialAtomics>(y, 1);
}

/// Synapses that make a tile of a step: its traces stay in the second-level cache from one step to
/// the next, and every slot is still written in long runs.
inline constexpr std::int64_t step_tile = 65536;

/// As `launch_push`, for a body of several steps of a population: all steps of a tile, one at a
/// time.
template <class Body>
void launch_steps(const Body& body, std::int64_t width, std::int64_t elements) {
  const std::int64_t steps = body.arguments.steps;
  if (steps <= 1) return launch_push(body, width, 1, elements);
  const Loop<Body> loop = best_loop<Body>();
  const std::int32_t head = body.arguments.head.get();
  const std::int64_t calls = step_tile / elements;
  const std::int64_t tiles = (width + calls - 1) / calls;
#if defined(_OPENMP)
  const int threads = width * elements * steps >= parallel_threshold ? most_threads() : 1;
#pragma omp parallel for schedule(static) num_threads(threads)
#endif
  for (std::int64_t tile = 0; tile < tiles; ++tile) {
    const std::int64_t end = std::min((tile + 1) * calls, width);
    for (std::int64_t step = 0; step < steps; ++step) {
      loop(body.one_step(head, step), width, tile * calls, end);
    }
  }
  body.template arrive<SerialAtomics>(0, 1);
}

/// A block of one thread.
class SerialContext {
 public:
  SerialContext(std::int64_t block, void* shared) : block_(block), shared_(shared) {}
  std::int64_t block() const { return block_; }
  int rank() const { return 0; }
  int size() const { return 1; }
  void* shared() const { return shared_; }
  void sync() const {}

 private:
  std::int64_t block_;
  void* shared_;
};

/// Runs a tile body, one block after the other.
template <class Body>
void launch_tile(const Body& body, std::int64_t blocks) {
  alignas(16) std::byte shared[Body::shared_bytes(1)];
  for (std::int64_t block = 0; block < blocks; ++block) body(SerialContext(block, shared));
}

}  // namespace cusynapse::cpu
