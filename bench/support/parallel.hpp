// One loop on the CPU, over the threads and compiled for the instruction sets the library uses.
#pragma once

#include <cstdint>

namespace cusynapse::bench {

/// Elements a thread takes at a time, and below which one thread does it all.
inline constexpr std::int64_t chunk = 8192;
inline constexpr std::int64_t parallel_threshold = 4 * chunk;

template <class Function>
void loop_baseline(const Function& function, std::int64_t begin, std::int64_t end) {
#pragma omp simd
  for (std::int64_t i = begin; i < end; ++i) function(i);
}

#if defined(__x86_64__) && defined(__GNUC__)
template <class Function>
__attribute__((target("avx2"), flatten)) void loop_avx2(const Function& function,
                                                        std::int64_t begin, std::int64_t end) {
#pragma omp simd
  for (std::int64_t i = begin; i < end; ++i) function(i);
}

template <class Function>
__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl"), flatten)) void loop_avx512(
    const Function& function, std::int64_t begin, std::int64_t end) {
#pragma omp simd
  for (std::int64_t i = begin; i < end; ++i) function(i);
}
#endif

template <class Function>
void loop_best(const Function& function, std::int64_t begin, std::int64_t end) {
#if defined(__x86_64__) && defined(__GNUC__)
  static const bool has_avx512 =
      __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
      __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0;
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  if (has_avx512) return loop_avx512(function, begin, end);
  if (has_avx2) return loop_avx2(function, begin, end);
#endif
  loop_baseline(function, begin, end);
}

/// Calls `function(i)` for every i below `count`, in any order, on several threads when it pays.
template <class Function>
void for_each_index(std::int64_t count, const Function& function) {
  const std::int64_t chunks = (count + chunk - 1) / chunk;
#pragma omp parallel for schedule(static) if (count >= parallel_threshold)
  for (std::int64_t c = 0; c < chunks; ++c) {
    const std::int64_t end = (c + 1) * chunk;
    loop_best(function, c * chunk, end < count ? end : count);
  }
}

}  // namespace cusynapse::bench
