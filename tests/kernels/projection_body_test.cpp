// The bodies of projections, in the width the GPU runs them, on threads: equal to the CPU backend
// bit for bit, and, under the sanitizers, free of races and of accesses outside their arrays.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "cusynapse/cusynapse.hpp"
#include "kernels/bodies/outer_product.hpp"
#include "kernels/bodies/projection.hpp"
#include "support/random.hpp"
#include "tests/kernels/executor.hpp"

namespace cusynapse::test {
namespace {

using kernels::gpu_outer_height;
using kernels::gpu_width;
using kernels::group_count;

// Exactly as long as it must be, aligned as device memory is.
template <class T>
Buffer<T> memory_of(const std::vector<T>& values) {
  return Buffer<T>(Stream::cpu(), values.data(), static_cast<std::int64_t>(values.size()));
}

template <class T>
Buffer<T> memory_of(std::int64_t size, T fill) {
  return memory_of(std::vector<T>(static_cast<std::size_t>(size), fill));
}

template <class T>
bool same_bits(const Buffer<T>& a, const Buffer<T>& b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(T)) == 0;
}

template <class T>
std::vector<T> random_weights(support::Random& random, std::int64_t size) {
  std::vector<T> out = random.values<T>(size, -80, 80);
  for (T& value : out) {
    if (random.chance(0.1)) value = std::floor(value) + T(0.5);
    if (random.chance(0.02)) value = std::numeric_limits<T>::quiet_NaN();
    if (random.chance(0.02)) value = std::numeric_limits<T>::infinity();
  }
  return out;
}

template <class T>
class ProjectionBodies : public testing::Test {
 protected:
  support::Random random_{support::seed()};
};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(ProjectionBodies, Types);

TYPED_TEST(ProjectionBodies, LinearSaturatingEqualsTheCpuBackend) {
  using T = TypeParam;
  for (const std::int64_t size : support::awkward_sizes()) {
    const Buffer<T> values = memory_of(random_weights<T>(this->random_, size));
    Buffer<T> expected = memory_of(size, T(-1));
    Buffer<T> got = memory_of(size, T(-2));
    LinearSaturating<T> a{values.data(), size, T(1.3), T(-63), T(50), expected.data()};
    ops::linear_saturating(Stream::cpu(), a);
    a.out = got.data();
    execute_index(kernels::LinearSaturatingBody<T, gpu_width>{a}, group_count(size, gpu_width));
    EXPECT_TRUE(same_bits(got, expected)) << "size " << size;
  }
}

TYPED_TEST(ProjectionBodies, HardwareImageEqualsTheCpuBackend) {
  using T = TypeParam;
  for (const std::int64_t size : support::awkward_sizes()) {
    const Buffer<T> values = memory_of(random_weights<T>(this->random_, size));
    for (const int sign : {0, 1, 2}) {
      Buffer<std::uint8_t> expected[2] = {memory_of<std::uint8_t>(size, 99),
                                          memory_of<std::uint8_t>(size, 99)};
      Buffer<std::uint8_t> got[2] = {memory_of<std::uint8_t>(size, 99),
                                     memory_of<std::uint8_t>(size, 99)};
      const auto arguments = [&](Buffer<std::uint8_t>(&out)[2]) {
        return HardwareImage<T>{values.data(), size, sign != 1 ? out[0].data() : nullptr,
                                sign != 0 ? out[1].data() : nullptr};
      };
      ops::hardware_image(Stream::cpu(), arguments(expected));
      execute_index(kernels::HardwareImageBody<T, gpu_width>{arguments(got)},
                    group_count(size, gpu_width));
      EXPECT_TRUE(same_bits(got[0], expected[0])) << "size " << size << ", sign " << sign;
      EXPECT_TRUE(same_bits(got[1], expected[1])) << "size " << size << ", sign " << sign;
      EXPECT_EQ(got[0].data()[0] == 99, sign == 1);
      EXPECT_EQ(got[1].data()[0] == 99, sign == 0);
    }
  }
}

TYPED_TEST(ProjectionBodies, MaskedCopyEqualsTheCpuBackend) {
  using T = TypeParam;
  for (const std::int64_t size : support::awkward_sizes()) {
    const Buffer<T> values = memory_of(random_weights<T>(this->random_, size));
    const Buffer<std::uint8_t> mask = memory_of(this->random_.flags(size, 0.5));
    for (const std::uint8_t* connected : {mask.data(), static_cast<const std::uint8_t*>(nullptr)}) {
      Buffer<T> expected = memory_of(size, T(-1));
      Buffer<T> got = memory_of(size, T(-2));
      MaskedCopy<T> a{values.data(), connected, size, expected.data()};
      ops::masked_copy(Stream::cpu(), a);
      a.out = got.data();
      execute_index(kernels::MaskedCopyBody<T, gpu_width>{a}, group_count(size, gpu_width));
      EXPECT_TRUE(same_bits(got, expected)) << "size " << size;
    }
  }
}

TYPED_TEST(ProjectionBodies, TransposedPlanEqualsTheCpuBackendAndTheTileLayout) {
  using T = TypeParam;
  for (const std::int64_t inputs : {1, 7, 31, 32, 33, 70}) {
    for (const std::int64_t outputs : {1, 9, 32, 65}) {
      const std::vector<T> values = this->random_.template values<T>(inputs * outputs, -1, 1);
      const Buffer<T> weights = memory_of(values);
      const std::int64_t size = dense_plan_size(outputs, inputs);
      Buffer<T> expected = memory_of(size, T(-1));
      Buffer<T> got = memory_of(size, T(-2));
      TransposedPlan<T> a{inputs, outputs, weights.data(), expected.data()};
      ops::transposed_plan(Stream::cpu(), a);
      a.planned = got.data();
      const kernels::TransposedPlanBody<T, gpu_width> body{a};
      execute_index(body, body.width(), body.height());
      EXPECT_TRUE(same_bits(got, expected)) << inputs << " to " << outputs;
      // Tile by tile, 32 outputs of the matrix by 32 of its inputs, zeros past either end.
      std::vector<T> tiled;
      for (std::int64_t i0 = 0; i0 < inputs; i0 += 32) {
        for (std::int64_t j0 = 0; j0 < outputs; j0 += 32) {
          for (std::int64_t j = j0; j < j0 + 32; ++j) {
            for (std::int64_t i = i0; i < i0 + 32; ++i) {
              const auto at = static_cast<std::size_t>(j * inputs + i);
              tiled.push_back(i < inputs && j < outputs ? values[at] : T(0));
            }
          }
        }
      }
      EXPECT_TRUE(same_bits(got, memory_of(tiled))) << inputs << " to " << outputs;
    }
  }
}

TYPED_TEST(ProjectionBodies, OuterProductEqualsTheCpuBackend) {
  using T = TypeParam;
  struct Sizes {
    std::int64_t rows, outputs, inputs;
  };
  for (const Sizes size :
       {Sizes{1, 1, 1}, Sizes{2, 3, 7}, Sizes{31, 8, 9}, Sizes{32, 9, 8}, Sizes{33, 5, 33},
        Sizes{256, 17, 32}, Sizes{257, 7, 31}, Sizes{600, 2, 40}, Sizes{0, 5, 9}}) {
    const auto left = memory_of(this->random_.template values<T>(size.rows * size.outputs, -1, 1));
    const auto values = memory_of(this->random_.template values<T>(size.rows * size.inputs, -1, 1));
    const auto spike_bytes = [&](std::int64_t count) {
      std::vector<std::uint8_t> out;
      for (std::int64_t e = 0; e < count; ++e) {
        out.push_back(static_cast<std::uint8_t>(this->random_.integer(0, 255)));
      }
      return memory_of(out);
    };
    const auto bytes = spike_bytes(size.rows * size.inputs);
    const auto bits = spike_bytes((size.rows * size.inputs + 7) / 8);
    const auto mask = memory_of(this->random_.flags(size.outputs * size.inputs, 0.7));
    const auto before = this->random_.template values<T>(size.outputs * size.inputs, -1, 1);
    for (const InputKind kind : {InputKind::values, InputKind::bytes, InputKind::bits}) {
      for (const bool is_masked : {false, true}) {
        for (const bool accumulates : {false, true}) {
          Buffer<T> expected = memory_of(before);
          Buffer<T> got = memory_of(before);
          OuterProduct<T> a;
          a.rows = size.rows;
          a.outputs = size.outputs;
          a.inputs = size.inputs;
          a.left = left.data();
          a.right_kind = kind;
          a.right = values.data();
          if (kind != InputKind::values) {
            a.right = kind == InputKind::bytes ? bytes.data() : bits.data();
          }
          a.mask = is_masked ? mask.data() : nullptr;
          a.accumulates = accumulates;
          a.out = expected.data();
          ops::outer_product(Stream::cpu(), a);
          a.out = got.data();
          kernels::visit_outer_product<gpu_width, gpu_outer_height>(a, [&](const auto& body) {
            execute_index(body, group_count(size.outputs, gpu_outer_height),
                          group_count(size.inputs, gpu_width));
          });
          EXPECT_TRUE(same_bits(got, expected))
              << "rows " << size.rows << ", " << size.outputs << " by " << size.inputs << ", kind "
              << static_cast<int>(kind) << (is_masked ? ", masked" : "")
              << (accumulates ? ", added" : "");
        }
      }
    }
  }
}

}  // namespace
}  // namespace cusynapse::test
