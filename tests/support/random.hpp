// Random test data that can be had again: every generator is made from a printed seed.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

namespace support {

/// A number from the environment, or what stands in for it.
inline std::uint64_t environment_number(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// The seed of this run: CUSYNAPSE_TEST_SEED, or a fixed one. Printed when first asked for.
inline std::uint64_t seed() {
  static const std::uint64_t value = [] {
    const std::uint64_t chosen = environment_number("CUSYNAPSE_TEST_SEED", 20261);
    std::printf("CUSYNAPSE_TEST_SEED=%llu\n", static_cast<unsigned long long>(chosen));
    std::fflush(stdout);
    return chosen;
  }();
  return value;
}

/// The few distributions the tests draw from, the same on every standard library.
class Random {
 public:
  explicit Random(std::uint64_t seed_value) : engine_(seed_value) {}

  std::uint64_t bits() { return engine_(); }
  /// Uniform in [0, 1).
  double unit() { return static_cast<double>(engine_() >> 11) * 0x1.0p-53; }
  double between(double low, double high) { return low + (high - low) * unit(); }
  /// Uniform in {low, ..., high}.
  std::int64_t integer(std::int64_t low, std::int64_t high) {
    const auto count = static_cast<std::uint64_t>(high - low) + 1;
    return low + static_cast<std::int64_t>(engine_() % count);
  }
  bool chance(double probability) { return unit() < probability; }
  template <class T>
  const T& one_of(const std::vector<T>& values) {
    return values[static_cast<std::size_t>(
        integer(0, static_cast<std::int64_t>(values.size()) - 1))];
  }

  /// `count` values in [low, high).
  template <class T>
  std::vector<T> values(std::int64_t count, double low, double high) {
    std::vector<T> out;
    for (std::int64_t i = 0; i < count; ++i) out.push_back(static_cast<T>(between(low, high)));
    return out;
  }
  /// `count` bytes, 1 with the given probability and 0 otherwise.
  std::vector<std::uint8_t> flags(std::int64_t count, double probability) {
    std::vector<std::uint8_t> out;
    for (std::int64_t i = 0; i < count; ++i) out.push_back(chance(probability) ? 1 : 0);
    return out;
  }

 private:
  std::mt19937_64 engine_;
};

/// Sizes around every power of two that a vector, a word, a warp or a block is long.
inline const std::vector<std::int64_t>& awkward_sizes() {
  static const std::vector<std::int64_t> sizes = {1,  2,  7,   8,   9,   31,   32,   33,  63,
                                                  64, 65, 255, 256, 257, 1023, 1024, 1025};
  return sizes;
}

}  // namespace support
