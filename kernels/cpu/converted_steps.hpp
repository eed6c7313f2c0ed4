// Steps of traces stored in 16 bits: conversions around the step of float. Those of float16 are
// x86's instructions where the machine has them, which no compiler makes of the text of
// math/half.hpp.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

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
    return allowed_instruction_set() > InstructionSet::baseline &&
           __builtin_cpu_supports("avx") != 0 && __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 &&
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
  _mm256_zeroupper();
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
  _mm256_zeroupper();
}

#endif

/// As `math::to_float` of `count` elements, a multiple of 8.
template <class Stored>
CUSYNAPSE_HOST_DEVICE void convert(const Stored* from, std::int64_t count, float* to) {
#if defined(CUSYNAPSE_HAS_F16C)
  if constexpr (std::is_same_v<Stored, float16>) {
    if (has_float16_conversions()) return to_floats(from, count, to);
  }
#endif
  for (std::int64_t i = 0; i < count; ++i) to[i] = math::to_float(from[i]);
}

/// As `math::from_float` of `count` elements, a multiple of 8.
template <class Stored>
CUSYNAPSE_HOST_DEVICE void convert(const float* from, std::int64_t count, Stored* to) {
#if defined(CUSYNAPSE_HAS_F16C)
  if constexpr (std::is_same_v<Stored, float16>) {
    if (has_float16_conversions()) return from_floats(from, count, to);
  }
#endif
  for (std::int64_t i = 0; i < count; ++i) to[i] = math::from_float<Stored>(from[i]);
}

/// Call (x, 0) steps chunk x: its traces are converted into a ring of two slots of float, stepped
/// there, and converted back.
template <Dynamics dynamics, int TraceCount, InputKind kind, class Stored>
struct ConvertedStepBody
    : kernels::DecayInjectBody<float, dynamics, TraceCount, kind, kernels::cpu_width, Stored> {
  using Whole =
      kernels::DecayInjectBody<float, dynamics, TraceCount, kind, kernels::cpu_width, Stored>;
  using Computed = kernels::DecayInjectBody<float, dynamics, TraceCount, kind, kernels::cpu_width>;
  static constexpr std::int64_t chunk = 1024;  // synapses

  // Inlined, so that it is compiled for the instruction set of the loop it is in.
  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t) const {
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
        const auto* const ring = a.traces[k].template as<Stored>();
        convert(static_cast<const Stored*>(ring) + previous * a.stride + first, count,
                traces[k][0]);
      }
      s.traces[k] = traces[k][0];
    }
    best_loop<Computed>()(step, groups, 0, groups);
    std::copy_n(spikes[1], count / 8, a.spikes + head * (a.stride / 8) + first / 8);
    for (int k = 0; k < TraceCount; ++k) {
      auto* const ring = a.traces[k].template as<Stored>();
      convert(static_cast<const float*>(traces[k][1]), count, ring + head * a.stride + first);
    }
  }

  ConvertedStepBody one_step(std::int32_t head, std::int64_t step) const {
    return {Whole::one_step(head, step)};
  }
};

/// As `launch_steps`.
template <Dynamics dynamics, int TraceCount, InputKind kind, class Stored>
void launch_converted(const kernels::DecayInjectBody<float, dynamics, TraceCount, kind,
                                                     kernels::cpu_width, Stored>& body) {
  using Converting = ConvertedStepBody<dynamics, TraceCount, kind, Stored>;
  const auto chunks =
      kernels::group_count(body.arguments.size, static_cast<int>(Converting::chunk));
  launch_steps(Converting{body}, chunks, Converting::chunk);
}

/// Many populations: as the body it is made of, except that the first call of a tile whose traces
/// are stored in 16 bits steps all of it.
template <InputKind kind>
struct ConvertedGroupsBody : kernels::DecayInjectGroupedBody<float, kind, kernels::cpu_width> {
  using Groups = kernels::DecayInjectGroupedBody<float, kind, kernels::cpu_width>;

  // Inlined for the same reason.
  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t y) const {
    const DecayInjectGroup<float>& group = this->arguments.groups[this->arguments.tile_group[y]];
    const StorageType storage = group.step.traces[0].storage();
    if (group.step.trace_count == 0 || storage == StorageType::same) {
      Groups::operator()(x, y);
    } else if (x == 0) {
      DecayInject<float> step = group.step;
      step.input = this->input_of(group);
      kernels::visit_dynamics(step.dynamics, step.trace_count,
                              StepTile{step, y - group.first_tile});
    }
  }

 private:
  struct StepTile {
    const DecayInject<float>& step;
    std::int64_t tile;
    template <Dynamics dynamics, int TraceCount>
    void operator()() const {
      if constexpr (TraceCount > 0) {
        if (step.traces[0].storage() == StorageType::float16) {
          step_stored<dynamics, TraceCount, float16>();
        } else {
          step_stored<dynamics, TraceCount, bfloat16>();
        }
      }
    }
    template <Dynamics dynamics, int TraceCount, class Stored>
    void step_stored() const {
      using Converted = ConvertedStepBody<dynamics, TraceCount, kind, Stored>;
      static_assert(Converted::chunk == group_tile, "a chunk is a tile");
      Converted{{step}}(tile, 0);
    }
  };
};

}  // namespace cusynapse::cpu
