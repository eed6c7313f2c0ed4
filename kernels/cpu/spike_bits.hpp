// Spikes of inputs as bits, 64 at a time, on a CPU. Compilers do not make a mask of a comparison by
// themselves, and a step that remembers spikes alone is nothing else.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

#include "kernels/bodies/access.hpp"
#include "kernels/cpu/launch.hpp"

namespace cusynapse::cpu {

/// Inputs of a group: its bits make a word.
inline constexpr std::int64_t spike_group = 64;

/// Writes the spikes of `groups` groups of inputs, as `math::is_spike` sees them.
template <class Input>
using SpikeBits = void (*)(const Input* inputs, std::int64_t groups, std::uint8_t* bits);

template <class Input>
void spike_bits_baseline(const Input* inputs, std::int64_t groups, std::uint8_t* bits) {
  for (std::int64_t group = 0; group < groups; ++group) {
    std::uint8_t flags[spike_group];
    for (int i = 0; i < spike_group; ++i) {
      flags[i] = math::is_spike(inputs[group * spike_group + i]) ? 1 : 0;
    }
    kernels::store_flags(flags, bits + group * spike_group / 8);
  }
}

#if defined(__x86_64__) && defined(__GNUC__)

__attribute__((target("avx2"))) inline std::uint64_t spikes_avx2(const std::uint8_t* inputs) {
  const __m256i zero = _mm256_setzero_si256();
  std::uint64_t silent = 0;
  for (std::int64_t part = 0; part < 2; ++part) {
    const __m256i values = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(inputs + 32 * part));
    const int mask = _mm256_movemask_epi8(_mm256_cmpeq_epi8(values, zero));
    silent |= std::uint64_t{static_cast<std::uint32_t>(mask)} << (32 * part);
  }
  return ~silent;
}
__attribute__((target("avx2"))) inline std::uint64_t spikes_avx2(const float* inputs) {
  const __m256 zero = _mm256_setzero_ps();
  std::uint64_t spikes = 0;
  for (std::int64_t part = 0; part < 8; ++part) {
    const __m256 values = _mm256_loadu_ps(inputs + 8 * part);
    const int mask = _mm256_movemask_ps(_mm256_cmp_ps(values, zero, _CMP_NEQ_UQ));
    spikes |= std::uint64_t{static_cast<std::uint32_t>(mask)} << (8 * part);
  }
  return spikes;
}
__attribute__((target("avx2"))) inline std::uint64_t spikes_avx2(const double* inputs) {
  const __m256d zero = _mm256_setzero_pd();
  std::uint64_t spikes = 0;
  for (std::int64_t part = 0; part < 16; ++part) {
    const __m256d values = _mm256_loadu_pd(inputs + 4 * part);
    const int mask = _mm256_movemask_pd(_mm256_cmp_pd(values, zero, _CMP_NEQ_UQ));
    spikes |= std::uint64_t{static_cast<std::uint32_t>(mask)} << (4 * part);
  }
  return spikes;
}

__attribute__((target("avx512f,avx512bw"))) inline std::uint64_t spikes_avx512(
    const std::uint8_t* inputs) {
  const __m512i values = _mm512_loadu_si512(inputs);
  return _mm512_test_epi8_mask(values, values);
}
__attribute__((target("avx512f,avx512bw"))) inline std::uint64_t spikes_avx512(
    const float* inputs) {
  const __m512 zero = _mm512_setzero_ps();
  std::uint64_t spikes = 0;
  for (std::int64_t part = 0; part < 4; ++part) {
    const __m512 values = _mm512_loadu_ps(inputs + 16 * part);
    spikes |= std::uint64_t{_mm512_cmp_ps_mask(values, zero, _CMP_NEQ_UQ)} << (16 * part);
  }
  return spikes;
}
__attribute__((target("avx512f,avx512bw"))) inline std::uint64_t spikes_avx512(
    const double* inputs) {
  const __m512d zero = _mm512_setzero_pd();
  std::uint64_t spikes = 0;
  for (std::int64_t part = 0; part < 8; ++part) {
    const __m512d values = _mm512_loadu_pd(inputs + 8 * part);
    spikes |= std::uint64_t{_mm512_cmp_pd_mask(values, zero, _CMP_NEQ_UQ)} << (8 * part);
  }
  return spikes;
}

template <class Input>
__attribute__((target("avx2"))) void spike_bits_avx2(const Input* inputs, std::int64_t groups,
                                                     std::uint8_t* bits) {
  for (std::int64_t group = 0; group < groups; ++group) {
    const std::uint64_t spikes = spikes_avx2(inputs + group * spike_group);
    std::memcpy(bits + group * spike_group / 8, &spikes, sizeof spikes);
  }
  __builtin_ia32_vzeroupper();
}
template <class Input>
__attribute__((target("avx512f,avx512bw"))) void spike_bits_avx512(const Input* inputs,
                                                                   std::int64_t groups,
                                                                   std::uint8_t* bits) {
  for (std::int64_t group = 0; group < groups; ++group) {
    const std::uint64_t spikes = spikes_avx512(inputs + group * spike_group);
    std::memcpy(bits + group * spike_group / 8, &spikes, sizeof spikes);
  }
  __builtin_ia32_vzeroupper();
}

#endif

template <class Input>
SpikeBits<Input> spike_bits_for(InstructionSet set) {
#if defined(__x86_64__) && defined(__GNUC__)
  switch (set) {
    case InstructionSet::baseline:
      break;
    case InstructionSet::avx2:
      return spike_bits_avx2<Input>;
    case InstructionSet::avx512:
      return spike_bits_avx512<Input>;
  }
#else
  static_cast<void>(set);
#endif
  return spike_bits_baseline<Input>;
}

/// Call (x, 0) writes the groups of chunk x.
template <class Input>
struct SpikeBitsBody {
  static constexpr std::int64_t chunk = 64;  // groups

  const Input* inputs;
  std::int64_t groups;
  std::uint8_t* bits;
  SpikeBits<Input> write;

  void operator()(std::int64_t x, std::int64_t) const {
    const std::int64_t first = x * chunk;
    write(inputs + first * spike_group, std::min(chunk, groups - first),
          bits + first * spike_group / 8);
  }
};

/// As `launch_steps`, for a body of a population that remembers spikes alone. The steps that are
/// overwritten by later ones of the same call are left out.
template <class T, InputKind kind, int Width>
void launch_spikes(const kernels::DecayInjectBody<T, Dynamics::spikes_only, 0, kind, Width>& body) {
  const DecayInject<T>& a = body.arguments;
  const std::int32_t head = a.head.get();
  const std::int64_t groups = a.size / spike_group;
  for (std::int64_t step = std::max<std::int64_t>(a.steps - a.slots, 0); step < a.steps; ++step) {
    const auto one = body.one_step(head, step);
    std::uint8_t* const bits = a.spikes + one.arguments.head.get() * (a.stride / 8);
    if constexpr (kind == InputKind::bits) {
      std::memcpy(bits, one.arguments.input, static_cast<std::size_t>(groups * spike_group / 8));
    } else {
      using Input = std::conditional_t<kind == InputKind::values, T, std::uint8_t>;
      using Chunks = SpikeBitsBody<Input>;
      launch_index(Chunks{static_cast<const Input*>(one.arguments.input), groups, bits,
                          spike_bits_for<Input>(best_instruction_set())},
                   kernels::group_count(groups, Chunks::chunk), 1, Chunks::chunk * spike_group);
    }
    for (std::int64_t x = groups * spike_group / Width; x < kernels::group_count(a.size, Width);
         ++x) {
      one(x, 0);
    }
  }
  body.template arrive<SerialAtomics>(0, 1);
}

}  // namespace cusynapse::cpu
