// Steps of traces stored in float16 on x86: conversions by the processor's instructions, which no
// compiler makes of the body's text, around the step of float.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>
#include <immintrin.h>
#define CUSYNAPSE_HAS_F16C 1
#endif

#include "kernels/bodies/decay_inject.hpp"
#include "kernels/cpu/launch.hpp"

namespace cusynapse::cpu {

#if defined(CUSYNAPSE_HAS_F16C)

/// Whether the machine converts. Clang 14 knows no name of the feature.
inline bool has_float16_conversions() {
  static const bool has = [] {
    unsigned eax = 0;
    unsigned ebx = 0;
    unsigned ecx = 0;
    unsigned edx = 0;
    return __builtin_cpu_supports("avx") != 0 && __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 &&
           (ecx & bit_F16C) != 0;
  }();
  return has;
}

/// As `math::to_float` of `count` elements, a multiple of 8, except that NaNs that signal stop to.
__attribute__((target("avx,f16c"))) inline void to_floats(const float16* from, std::int64_t count,
                                                          float* to) {
  for (std::int64_t i = 0; i < count; i += 8) {
    const __m128i stored = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i));
    _mm256_storeu_ps(to + i, _mm256_cvtph_ps(stored));
  }
}

/// As `math::from_float` of `count` elements, a multiple of 8.
__attribute__((target("avx,f16c"))) inline void from_floats(const float* from, std::int64_t count,
                                                            float16* to) {
  const __m128i nan = _mm_set1_epi16(0x7E00);
  for (std::int64_t i = 0; i < count; i += 8) {
    const __m256 values = _mm256_loadu_ps(from + i);
    const __m128i rounded = _mm256_cvtps_ph(values, _MM_FROUND_TO_NEAREST_INT);
    const __m256i unordered = _mm256_castps_si256(_mm256_cmp_ps(values, values, _CMP_UNORD_Q));
    const __m128i is_nan =
        _mm_packs_epi32(_mm256_castsi256_si128(unordered), _mm256_extractf128_si256(unordered, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i), _mm_blendv_epi8(rounded, nan, is_nan));
  }
}

/// Call (x, 0) steps chunk x: its traces are converted into a ring of two slots of float, stepped
/// there, and converted back.
template <Dynamics dynamics, int TraceCount, InputKind kind>
struct Float16StepBody
    : kernels::DecayInjectBody<float, dynamics, TraceCount, kind, kernels::cpu_width, float16> {
  using Stored =
      kernels::DecayInjectBody<float, dynamics, TraceCount, kind, kernels::cpu_width, float16>;
  using Computed = kernels::DecayInjectBody<float, dynamics, TraceCount, kind, kernels::cpu_width>;
  static constexpr std::int64_t chunk = 1024;  // synapses

  void operator()(std::int64_t x, std::int64_t) const {
    const DecayInject<float>& a = this->arguments;
    const std::int64_t first = x * chunk;
    const std::int32_t head = a.head.get();
    const std::int64_t previous = math::slot_near(head, 1, a.slots);
    alignas(64) float traces[TraceCount][2][chunk];
    alignas(64) std::uint8_t spikes[2][chunk / 8];

    Computed step{a};
    DecayInject<float>& s = step.arguments;
    s.size = std::min(chunk, a.size - first);
    s.stride = chunk;
    s.slots = 2;
    s.head = RingHead{nullptr, 1};
    s.spikes = spikes[0];
    s.input = static_cast<const std::uint8_t*>(a.input) +
              (kind == InputKind::bits ? first / 8 : kernels::frame_bytes<kind, float>(first));
    for (int j = 0; j < a.injected_count; ++j) s.injected[j] = a.injected[j] + first;
    // Whole groups: the padding is zero and stays so.
    const std::int64_t groups = kernels::group_count(s.size, kernels::cpu_width);
    const std::int64_t count = groups * kernels::cpu_width;
    for (int k = 0; k < TraceCount; ++k) {
      if constexpr (kernels::has_memory<dynamics>) {
        to_floats(a.traces[k].as<float16>() + previous * a.stride + first, count, traces[k][0]);
      }
      s.traces[k] = traces[k][0];
    }
    best_loop<Computed>()(step, groups, 0, groups);
    std::memcpy(a.spikes + head * (a.stride / 8) + first / 8, spikes[1],
                static_cast<std::size_t>(count / 8));
    for (int k = 0; k < TraceCount; ++k) {
      from_floats(traces[k][1], count, a.traces[k].as<float16>() + head * a.stride + first);
    }
  }

  Float16StepBody one_step(std::int32_t head, std::int64_t step) const {
    return {Stored::one_step(head, step)};
  }
};

#endif

/// As `launch_steps`.
template <Dynamics dynamics, int TraceCount, InputKind kind>
void launch_float16(const kernels::DecayInjectBody<float, dynamics, TraceCount, kind,
                                                   kernels::cpu_width, float16>& body) {
  const std::int64_t size = body.arguments.size;
#if defined(CUSYNAPSE_HAS_F16C)
  using Converting = Float16StepBody<dynamics, TraceCount, kind>;
  if (has_float16_conversions()) {
    const auto calls = kernels::group_count(size, static_cast<int>(Converting::chunk));
    return launch_steps(Converting{body}, calls, Converting::chunk);
  }
#endif
  launch_steps(body, kernels::group_count(size, kernels::cpu_width), kernels::cpu_width);
}

}  // namespace cusynapse::cpu
