// The bodies of parameter updates, in the width the GPU runs them, on threads: equal to the CPU
// backend bit for bit, with the counts of parts moved once a launch whatever the number of blocks.
#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <vector>

#include "cusynapse/buffer.hpp"
#include "cusynapse/update_ops.hpp"
#include "kernels/bodies/parameter_update.hpp"
#include "tests/kernels/executor.hpp"

namespace cusynapse::test {
namespace {

using kernels::gpu_width;
using kernels::group_count;

constexpr std::int64_t sizes[] = {1, 7, 8, 9, 33, 257};
constexpr UpdateReduction reductions[] = {UpdateReduction::sum, UpdateReduction::mean,
                                          UpdateReduction::maximum};
constexpr BoundRule rules[] = {BoundRule::none,         BoundRule::multiplicative,
                               BoundRule::power,        BoundRule::scaled_multiplicative,
                               BoundRule::scaled_power, BoundRule::sharp};

/// What updates work on, in memory of exactly the size, so that AddressSanitizer sees the first
/// byte past its end. `offset` elements into an aligned array, as a caller's array may be.
template <class T>
class Memory {
 public:
  Memory(const std::vector<T>& parameter, std::int64_t offset)
      : size_(static_cast<std::int64_t>(parameter.size())), offset_(offset) {
    for (Buffer<T>* buffer : {&parameter_, &sides_[0], &sides_[1]}) {
      *buffer = Buffer<T>(Device::cpu(), size_ + offset);
      for (std::int64_t i = 0; i < buffer->size(); ++i) buffer->data()[i] = T(-77);
    }
    for (std::int64_t i = 0; i < size_; ++i) {
      parameter_.data()[offset + i] = parameter[static_cast<std::size_t>(i)];
    }
    state_.fill_zero(Stream::cpu());
  }

  AccumulatePart<T> accumulate(UpdateSide side, UpdateReduction reduction, const Buffer<T>& part) {
    AccumulatePart<T> a;
    a.side = side;
    a.reduction = reduction;
    a.size = size_;
    a.part = part.data();
    a.accumulated = sides_[static_cast<int>(side)].data() + offset_;
    a.state = state_.data();
    return a;
  }
  ParameterUpdate<T> update(UpdateReduction reduction, const UpdateBound<T>& upper,
                            const UpdateBound<T>& lower) {
    ParameterUpdate<T> a;
    a.size = size_;
    a.parameter = parameter_.data() + offset_;
    a.positive = sides_[0].data() + offset_;
    a.negative = sides_[1].data() + offset_;
    a.reduction = reduction;
    a.state = state_.data();
    a.upper = upper;
    a.lower = lower;
    return a;
  }

  const UpdateState& state() const { return *state_.data(); }
  /// Everything there is, whatever lies before the arrays included.
  std::vector<T> contents() const {
    std::vector<T> all;
    for (const Buffer<T>* buffer : {&parameter_, &sides_[0], &sides_[1]}) {
      all.insert(all.end(), buffer->data(), buffer->data() + buffer->size());
    }
    return all;
  }

 private:
  std::int64_t size_;
  std::int64_t offset_;
  Buffer<T> parameter_;
  Buffer<T> sides_[2];
  Buffer<UpdateState> state_{Device::cpu(), 1};
};

template <class T>
class ParameterUpdateBodies : public testing::Test {};
using ElementTypes = testing::Types<float, double>;
TYPED_TEST_SUITE(ParameterUpdateBodies, ElementTypes);

TYPED_TEST(ParameterUpdateBodies, AreTheCpuBackendsBitForBitAndCountOnceALaunch) {
  using T = TypeParam;
  const Stream stream = Stream::cpu();
  std::mt19937 engine(17);
  std::uniform_real_distribution<double> uniform(-0.5, 1.5);
  const auto values = [&](std::int64_t size) {
    std::vector<T> out;
    for (std::int64_t i = 0; i < size; ++i) out.push_back(static_cast<T>(uniform(engine)));
    return out;
  };
  for (const std::int64_t size : sizes) {
    for (const std::int64_t offset : {0, 1}) {
      for (int r = 0; r < 3; ++r) {
        for (int rule = 0; rule < 6; ++rule) {
          const UpdateBound<T> upper = {rules[rule], T(1), T(2), T(1.25)};
          const UpdateBound<T> lower = {rules[(rule + r) % 6], T(0), T(3), T(1.25)};
          const std::vector<T> parameter = values(size);
          Memory<T> expected(parameter, offset);
          Memory<T> made(parameter, offset);
          for (const UpdateSide side :
               {UpdateSide::negative, UpdateSide::positive, UpdateSide::positive}) {
            const Buffer<T> part(stream, values(size).data(), size);
            ops::accumulate_part(stream, expected.accumulate(side, reductions[r], part));
            execute_push(kernels::AccumulatePartBody<T, gpu_width>{made.accumulate(
                             side, reductions[r], part)},
                         group_count(size, gpu_width));
          }
          for (const Memory<T>* memory : {&expected, &made}) {
            ASSERT_EQ(memory->state().parts[0], 2);
            ASSERT_EQ(memory->state().parts[1], 1);
            ASSERT_EQ(memory->state().arrivals, 0u);
          }
          ops::parameter_update(stream, expected.update(reductions[r], upper, lower));
          execute_push(
              kernels::ParameterUpdateBody<T, gpu_width>{made.update(reductions[r], upper, lower)},
              group_count(size, gpu_width));
          for (const Memory<T>* memory : {&expected, &made}) {
            ASSERT_EQ(memory->state().parts[0], 0);
            ASSERT_EQ(memory->state().parts[1], 0);
            ASSERT_EQ(memory->state().arrivals, 0u);
          }
          ASSERT_EQ(made.contents(), expected.contents()) << "size " << size << ", rule " << rule;
          ASSERT_NE(made.contents(), Memory<T>(parameter, offset).contents());
        }
      }
    }
  }
}

TYPED_TEST(ParameterUpdateBodies, WriteNothingWithoutParts) {
  using T = TypeParam;
  Memory<T> memory(std::vector<T>(33, T(0.5)), 0);
  const std::vector<T> before = memory.contents();
  execute_push(kernels::ParameterUpdateBody<T, gpu_width>{memory.update(
                   UpdateReduction::mean, {BoundRule::sharp, T(1)}, {BoundRule::sharp, T(0)})},
               group_count(33, gpu_width));
  EXPECT_EQ(memory.contents(), before);
}

}  // namespace
}  // namespace cusynapse::test
