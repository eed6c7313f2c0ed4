// Every kernel body, in the width and shape the GPU runs it, on threads: equal to the CPU backend
// bit for bit, and, under the sanitizers, free of races and of accesses outside its arrays.
#include <gtest/gtest.h>

#include <tuple>
#include <vector>

#include "cusynapse/cusynapse.hpp"
#include "kernels/bodies/count_outside.hpp"
#include "kernels/bodies/decay_inject.hpp"
#include "kernels/bodies/delayed_select.hpp"
#include "kernels/bodies/ring_operations.hpp"
#include "tests/kernels/executor.hpp"
#include "tests/kernels/memory.hpp"

namespace cusynapse::test {
namespace {

using kernels::gpu_width;
using kernels::group_count;

constexpr std::int64_t sizes[] = {1, 7, 8, 9, 31, 32, 33, 255, 256, 257, 1025};

// What values of a stored type are computed in.
template <class Stored>
using Computed = typename ElementTraits<Stored>::Exchanged;

// The rings of one population with something in every slot but the padding.
template <class Stored>
struct Population {
  Population(std::int64_t population_size, std::int32_t slot_count, Random& random)
      : size(population_size),
        slots(slot_count),
        stride(slot_stride(population_size)),
        traces{Memory<Stored>(slot_count * stride), Memory<Stored>(slot_count * stride)},
        spikes(slot_count * stride / 8),
        state(1) {
    for (std::int64_t slot = 0; slot < slots; ++slot) {
      for (std::int64_t e = 0; e < size; ++e) {
        for (Memory<Stored>& trace : traces) {
          trace[slot * stride + e] =
              kernels::stored<Stored>(static_cast<Computed<Stored>>(random.uniform(-2, 2)));
        }
        if (random.below(3) == 0) {
          std::uint8_t& byte = spikes[(slot * stride + e) / 8];
          byte = static_cast<std::uint8_t>(byte | (1u << (e % 8)));
        }
      }
    }
    state[0].head = static_cast<std::int32_t>(random.below(slots));
  }

  bool operator==(const Population& other) const {
    return traces[0] == other.traces[0] && traces[1] == other.traces[1] && spikes == other.spikes &&
           state == other.state;
  }

  // Whether what slots are padded with is zero.
  bool is_silent_beyond() const {
    bool is_silent = true;
    for (std::int64_t at = 0; at < slots * stride; ++at) {
      if (at % stride < size) continue;
      for (const Memory<Stored>& trace : traces) {
        is_silent = is_silent && kernels::loaded<Computed<Stored>>(trace.data()[at]) == 0;
      }
      is_silent = is_silent && !math::test_bit(spikes.data(), at);
    }
    return is_silent;
  }

  Ring<Stored> ring(int trace) {
    return {traces[trace].data(), size, stride, slots, {state.data(), 0}};
  }
  Ring<bool> spike_ring() { return {spikes.data(), size, stride, slots, {state.data(), 0}}; }

  std::int64_t size;
  std::int32_t slots;
  std::int64_t stride;
  Memory<Stored> traces[max_traces];
  Memory<std::uint8_t> spikes;
  Memory<RingState> state;
};

template <class Stored>
DecayInject<Computed<Stored>> step_arguments(Population<Stored>& population, Dynamics dynamics,
                                             int trace_count) {
  using T = Computed<Stored>;
  DecayInject<T> a;
  a.dynamics = dynamics;
  a.trace_count = trace_count;
  a.decay[0] = T(0.875);
  a.decay[1] = T(0.75);
  a.gain[0] = T(1.7);
  a.gain[1] = T(0.3);
  a.feed = T(0.4);
  for (int k = 0; k < trace_count; ++k) a.traces[k] = population.traces[k].data();
  a.spikes = population.spikes.data();
  a.size = population.size;
  a.stride = population.stride;
  a.slots = population.slots;
  a.head.state = population.state.data();
  return a;
}

template <class T>
struct InputFrames {
  InputFrames(InputKind input_kind, std::int64_t size, std::int64_t steps, Random& random)
      : kind(input_kind),
        stride(kind == InputKind::bits ? (size + 7) / 8 : size),
        values(kind == InputKind::values ? stride * steps : 0),
        bytes(kind == InputKind::values ? 0 : stride * steps) {
    for (std::int64_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<T>(random.below(2) != 0 ? 0.0 : random.uniform(-1, 1));
    }
    for (std::int64_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = static_cast<std::uint8_t>(random.below(256));
    }
  }
  const void* data() const {
    if (kind == InputKind::values) return values.data();
    return bytes.data();
  }

  InputKind kind;
  std::int64_t stride;
  Memory<T> values;
  Memory<std::uint8_t> bytes;
};

template <class T>
class Bodies : public testing::Test {};
using Types = testing::Types<float, double, float16, bfloat16>;
TYPED_TEST_SUITE(Bodies, Types);

struct DynamicsCase {
  Dynamics dynamics;
  int trace_count;
};
constexpr DynamicsCase all_dynamics[] = {{Dynamics::spikes_only, 0},
                                         {Dynamics::memoryless, 1},
                                         {Dynamics::decay, 1},
                                         {Dynamics::decay, 2},
                                         {Dynamics::chain, 2}};

TYPED_TEST(Bodies, DecayInjectEqualsTheCpuBackend) {
  using Stored = TypeParam;
  using T = Computed<Stored>;
  Random random(1);
  for (const std::int64_t size : sizes) {
    for (const DynamicsCase& c : all_dynamics) {
      for (const InputKind kind : {InputKind::values, InputKind::bytes, InputKind::bits}) {
        const std::int64_t steps = 1 + random.below(9);
        Population<Stored> population(size, static_cast<std::int32_t>(1 + random.below(5)), random);
        Population<Stored> expected = population;
        const InputFrames<T> input(kind, size, steps, random);

        const auto with_input = [&](Population<Stored>& p) {
          DecayInject<T> a = step_arguments(p, c.dynamics, c.trace_count);
          a.input_kind = kind;
          a.input = input.data();
          a.input_stride = input.stride;
          a.steps = steps;
          return a;
        };
        ops::decay_inject(Stream::cpu(), with_input(expected));
        kernels::visit_decay_inject<gpu_width>(with_input(population), [&](const auto& body) {
          execute_push(body, group_count(size, gpu_width));
        });
        EXPECT_TRUE(population == expected)
            << "size " << size << ", dynamics " << static_cast<int>(c.dynamics) << ", traces "
            << c.trace_count << ", input kind " << static_cast<int>(kind) << ", steps " << steps;
        EXPECT_TRUE(population.is_silent_beyond()) << "size " << size;
      }
    }
  }
}

TYPED_TEST(Bodies, InjectedCurrentsAreAddedInOrder) {
  using Stored = TypeParam;
  using T = Computed<Stored>;
  Random random(2);
  for (const std::int64_t size : sizes) {
    Population<Stored> population(size, 3, random);
    Population<Stored> expected = population;
    const InputFrames<T> input(InputKind::values, size, 1, random);
    const InputFrames<T> first(InputKind::values, size, 1, random);
    const InputFrames<T> second(InputKind::values, size, 1, random);
    const auto with_input = [&](Population<Stored>& p) {
      DecayInject<T> a = step_arguments(p, Dynamics::memoryless, 1);
      a.input = input.data();
      a.injected[0] = first.values.data();
      a.injected[1] = second.values.data();
      a.injected_count = 2;
      return a;
    };
    ops::decay_inject(Stream::cpu(), with_input(expected));
    kernels::visit_decay_inject<gpu_width>(with_input(population), [&](const auto& body) {
      execute_push(body, group_count(size, gpu_width));
    });
    EXPECT_TRUE(population == expected) << "size " << size;
    EXPECT_TRUE(population.is_silent_beyond()) << "size " << size;
  }
}

TYPED_TEST(Bodies, GroupedStepEqualsTheStepOfEachMember) {
  using Stored = TypeParam;
  using T = Computed<Stored>;
  Random random(3);
  for (const InputKind kind : {InputKind::values, InputKind::bytes, InputKind::bits}) {
    std::vector<Population<Stored>> members;
    std::vector<DecayInjectGroup<T>> groups;
    std::vector<std::int32_t> tile_group;
    std::int64_t input_size = 0;
    for (const std::int64_t size : {1, 33, 1023, 1024, 2500}) {
      members.emplace_back(size, static_cast<std::int32_t>(1 + random.below(4)), random);
    }
    std::vector<Population<Stored>> expected = members;
    for (std::size_t i = 0; i < members.size(); ++i) {
      DecayInjectGroup<T> group;
      group.step =
          step_arguments(members[i], all_dynamics[i].dynamics, all_dynamics[i].trace_count);
      group.input_offset = input_size;
      group.first_tile = static_cast<std::int64_t>(tile_group.size());
      group.tile_count = (members[i].size + group_tile - 1) / group_tile;
      tile_group.insert(tile_group.end(), static_cast<std::size_t>(group.tile_count),
                        static_cast<std::int32_t>(i));
      input_size += slot_stride(members[i].size);
      groups.push_back(group);
    }
    const InputFrames<T> input(kind, input_size, 1, random);
    for (std::size_t i = 0; i < members.size(); ++i) {
      DecayInject<T> a =
          step_arguments(expected[i], all_dynamics[i].dynamics, all_dynamics[i].trace_count);
      const std::int64_t offset = groups[i].input_offset;
      a.input_kind = kind;
      a.input = kind == InputKind::values  ? static_cast<const void*>(input.values.data() + offset)
                : kind == InputKind::bytes ? input.bytes.data() + offset
                                           : input.bytes.data() + offset / 8;
      ops::decay_inject(Stream::cpu(), a);
    }
    DecayInjectGroups<T> arguments;
    arguments.groups = groups.data();
    arguments.tile_group = tile_group.data();
    arguments.tile_count = static_cast<std::int64_t>(tile_group.size());
    arguments.input_kind = kind;
    arguments.input = input.data();
    kernels::visit_decay_inject_grouped<gpu_width>(arguments, [&](const auto& body) {
      execute_push(body, group_tile / gpu_width, arguments.tile_count);
    });
    for (std::size_t i = 0; i < members.size(); ++i) {
      EXPECT_TRUE(members[i] == expected[i])
          << "member " << i << ", input kind " << static_cast<int>(kind);
      EXPECT_TRUE(members[i].is_silent_beyond()) << "member " << i;
    }
  }
}

TEST(GroupedBodies, MembersMayBeStoredInDifferentTypes) {
  Random random(12);
  Population<float> same(1025, 3, random);
  Population<float16> half(70, 2, random);
  Population<bfloat16> brain(2050, 4, random);
  auto expected = std::tuple(same, half, brain);
  std::vector<DecayInjectGroup<float>> groups;
  std::vector<std::int32_t> tile_group;
  std::int64_t input_size = 0;
  const auto add = [&](const DecayInject<float>& step) {
    const std::int64_t tiles = (step.size + group_tile - 1) / group_tile;
    const auto first = static_cast<std::int64_t>(tile_group.size());
    tile_group.insert(tile_group.end(), static_cast<std::size_t>(tiles),
                      static_cast<std::int32_t>(groups.size()));
    groups.push_back({step, input_size, first, tiles});
    input_size += slot_stride(step.size);
  };
  add(step_arguments(same, Dynamics::decay, 2));
  add(step_arguments(half, Dynamics::chain, 2));
  add(step_arguments(brain, Dynamics::decay, 1));
  const InputFrames<float> input(InputKind::values, input_size, 1, random);
  const auto step_alone = [&](DecayInject<float> a, std::size_t member) {
    a.input = input.values.data() + groups[member].input_offset;
    ops::decay_inject(Stream::cpu(), a);
  };
  step_alone(step_arguments(std::get<0>(expected), Dynamics::decay, 2), 0);
  step_alone(step_arguments(std::get<1>(expected), Dynamics::chain, 2), 1);
  step_alone(step_arguments(std::get<2>(expected), Dynamics::decay, 1), 2);

  DecayInjectGroups<float> arguments;
  arguments.groups = groups.data();
  arguments.tile_group = tile_group.data();
  arguments.tile_count = static_cast<std::int64_t>(tile_group.size());
  arguments.input = input.data();
  kernels::visit_decay_inject_grouped<gpu_width>(arguments, [&](const auto& body) {
    execute_push(body, group_tile / gpu_width, arguments.tile_count);
  });
  EXPECT_TRUE(same == std::get<0>(expected));
  EXPECT_TRUE(half == std::get<1>(expected));
  EXPECT_TRUE(brain == std::get<2>(expected));
}

template <class T>
Memory<T> selectors(std::int64_t size, double limit, Random& random) {
  Memory<T> selector(size);
  for (std::int64_t i = 0; i < size; ++i) {
    const double special[] = {0, limit, -0.1, limit + 0.1, HUGE_VAL, -HUGE_VAL, NAN, 1.0};
    const std::int64_t choice = random.below(16);
    selector[i] = static_cast<T>(choice < 8 ? special[choice] : random.uniform(0, limit));
  }
  return selector;
}

TYPED_TEST(Bodies, DelayedSelectEqualsTheCpuBackend) {
  using Stored = TypeParam;
  using T = Computed<Stored>;
  Random random(4);
  for (const std::int64_t size : sizes) {
    for (const std::int64_t samples : {1, 2, 8, 9, 33}) {
      for (const SelectRule rule : {SelectRule::previous, SelectRule::nearest,
                                    SelectRule::exponential_decay, SelectRule::chain_decay}) {
        Population<Stored> population(size, 5, random);
        const Memory<T> selector = selectors<T>(size * samples, 4.0, random);
        Memory<T> out(size * samples);
        Memory<T> expected(size * samples);
        DelayedSelect<T> a;
        a.rule = rule;
        a.trace_count = rule == SelectRule::chain_decay         ? 2
                        : rule == SelectRule::exponential_decay ? int(1 + random.below(2))
                                                                : 1;
        for (int k = 0; k < 2; ++k) {
          a.traces[k] = population.traces[k].data();
          a.time_constant[k] = T(2.5);
        }
        a.weight[1] = T(-1);
        a.feed_rate = T(1);
        a.size = size;
        a.stride = population.stride;
        a.slots = population.slots;
        a.head.state = population.state.data();
        a.tolerance = T(0.05);
        a.limit = T(4);
        a.has_overbound = random.below(2) == 0;
        a.overbound = T(-20);
        a.selector = selector.data();
        a.samples = samples;
        a.out = expected.data();
        ops::delayed_select(Stream::cpu(), a);
        a.out = out.data();
        kernels::visit_delayed_select<gpu_width>(a, [&](const auto& body) {
          execute_index(body, group_count(size * samples, gpu_width));
        });
        EXPECT_TRUE(out == expected)
            << "size " << size << ", samples " << samples << ", rule " << static_cast<int>(rule);
      }
    }
  }
}

TYPED_TEST(Bodies, SpikeSelectEqualsTheCpuBackend) {
  using Stored = TypeParam;
  using T = Computed<Stored>;
  Random random(5);
  for (const std::int64_t size : sizes) {
    for (const std::int64_t samples : {1, 3, 8, 17}) {
      for (const bool as_values : {false, true}) {
        Population<Stored> population(size, 4, random);
        const Memory<T> selector = selectors<T>(size * samples, 3.0, random);
        Memory<T> values(size * samples);
        Memory<T> expected_values(size * samples);
        Memory<std::uint8_t> bytes(size * samples);
        Memory<std::uint8_t> expected_bytes(size * samples);
        SpikeSelect<T> a;
        a.nearest = random.below(2) == 0;
        a.spikes = population.spikes.data();
        a.size = size;
        a.stride = population.stride;
        a.slots = population.slots;
        a.head.state = population.state.data();
        a.limit = T(3);
        a.has_overbound = random.below(2) == 0;
        a.overbound = T(1);
        a.amplitude = T(2.5);
        a.selector = selector.data();
        a.samples = samples;
        a.values = as_values ? expected_values.data() : nullptr;
        a.bytes = as_values ? nullptr : expected_bytes.data();
        ops::spike_select(Stream::cpu(), a);
        a.values = as_values ? values.data() : nullptr;
        a.bytes = as_values ? nullptr : bytes.data();
        execute_index(kernels::SpikeSelectBody<T, gpu_width>{a},
                      group_count(size * samples, gpu_width));
        EXPECT_TRUE(values == expected_values && bytes == expected_bytes)
            << "size " << size << ", samples " << samples;
      }
    }
  }
}

// The general history operations, of all element types alike.
template <class T>
class RingBodies : public testing::Test {
 public:
  using Value = typename ElementTraits<T>::Exchanged;
  using Time = typename ElementTraits<T>::Time;
  using Element = std::conditional_t<std::is_same_v<T, bool>, float, T>;

  static Ring<T> ring(Population<Element>& population) {
    if constexpr (std::is_same_v<T, bool>) {
      return population.spike_ring();
    } else {
      return population.ring(0);
    }
  }
  static Memory<Value> values(std::int64_t size, Random& random) {
    Memory<Value> result(size);
    for (std::int64_t i = 0; i < size; ++i) {
      result[i] = std::is_same_v<T, bool> ? static_cast<Value>(random.below(2))
                                          : static_cast<Value>(random.uniform(-2, 2));
    }
    return result;
  }
};
using RingTypes = testing::Types<float, double, float16, bfloat16, bool>;
TYPED_TEST_SUITE(RingBodies, RingTypes);

TYPED_TEST(RingBodies, WriteEqualsTheCpuBackend) {
  using T = TypeParam;
  using Fixture = RingBodies<T>;
  Random random(6);
  for (const std::int64_t size : sizes) {
    Population<typename Fixture::Element> population(size, 5, random);
    auto expected = population;
    const auto values = Fixture::values(size * 3, random);
    const auto arguments = [&](auto& p) {
      RingWrite<T> a;
      a.ring = Fixture::ring(p);
      a.values = values.data();
      a.frames = 3;
      a.element_stride = 3;
      a.frame_stride = 1;
      a.steps_back = 4;
      a.advance = 2;
      return a;
    };
    ops::ring_write(Stream::cpu(), arguments(expected));
    execute_push(kernels::RingWriteBody<T, gpu_width>{arguments(population)},
                 group_count(size, gpu_width));
    EXPECT_TRUE(population == expected) << "size " << size;
    EXPECT_TRUE(population.is_silent_beyond()) << "size " << size;
  }
}

TYPED_TEST(RingBodies, WriteOfMoreFramesThanSlotsIsFrameByFrame) {
  using T = TypeParam;
  using Fixture = RingBodies<T>;
  constexpr std::int64_t frames = 12;
  Random random(16);
  for (const std::int64_t size : sizes) {
    Population<typename Fixture::Element> population(size, 5, random);
    auto expected = population;
    const auto values = Fixture::values(size * frames, random);
    RingWrite<T> a;
    a.element_stride = frames;
    a.frame_stride = 1;
    for (std::int64_t frame = 0; frame < frames; ++frame) {
      a.ring = Fixture::ring(expected);
      a.values = values.data() + frame;
      a.steps_back = 4 - frame;
      ops::ring_write(Stream::cpu(), a);
    }
    a.ring = Fixture::ring(population);
    a.values = values.data();
    a.steps_back = 4;
    a.frames = frames;
    execute_push(kernels::RingWriteBody<T, gpu_width>{a}, group_count(size, gpu_width));
    EXPECT_TRUE(population == expected) << "size " << size;
  }
}

TYPED_TEST(RingBodies, ReadEqualsTheCpuBackend) {
  using T = TypeParam;
  using Fixture = RingBodies<T>;
  Random random(7);
  for (const std::int64_t size : sizes) {
    Population<typename Fixture::Element> population(size, 5, random);
    Memory<typename Fixture::Value> out(size * 4);
    Memory<typename Fixture::Value> expected(size * 4);
    RingRead<T> a;
    a.ring = Fixture::ring(population);
    a.frames = 4;
    a.element_stride = 4;
    a.frame_stride = 1;
    a.steps_back = 5;
    a.out = expected.data();
    ops::ring_read(Stream::cpu(), a);
    a.out = out.data();
    execute_index(kernels::RingReadBody<T, gpu_width>{a}, group_count(size, gpu_width));
    EXPECT_TRUE(out == expected) << "size " << size;
  }
}

TYPED_TEST(RingBodies, SelectEqualsTheCpuBackend) {
  using T = TypeParam;
  using Fixture = RingBodies<T>;
  Random random(8);
  const int rules = std::is_same_v<T, bool> ? 3 : 6;
  for (const std::int64_t size : sizes) {
    for (int rule = 0; rule < rules; ++rule) {
      Population<typename Fixture::Element> population(size, 5, random);
      const auto times = selectors<typename Fixture::Time>(size * 3, 4.0, random);
      Memory<typename Fixture::Value> out(size * 3);
      Memory<typename Fixture::Value> expected(size * 3);
      RingSelect<T> a;
      a.ring = Fixture::ring(population);
      a.interpolation = static_cast<Interpolation>(rule);
      a.constant = 2;
      a.times = times.data();
      a.samples = 3;
      a.out = expected.data();
      ops::ring_select(Stream::cpu(), a);
      a.out = out.data();
      constexpr int width = kernels::single_width<T>;
      execute_index(kernels::RingSelectBody<T, width>{a}, group_count(size * 3, width));
      EXPECT_TRUE(out == expected) << "size " << size << ", rule " << rule;
    }
  }
}

TYPED_TEST(RingBodies, InsertEqualsTheCpuBackend) {
  using T = TypeParam;
  using Fixture = RingBodies<T>;
  Random random(9);
  const int rules = std::is_same_v<T, bool> ? 4 : 8;
  for (const std::int64_t size : sizes) {
    for (int rule = 0; rule < rules; ++rule) {
      Population<typename Fixture::Element> population(size, 5, random);
      auto expected = population;
      const auto times = selectors<typename Fixture::Time>(size, 4.0, random);
      const auto values = Fixture::values(size, random);
      const auto arguments = [&](auto& p) {
        RingInsert<T> a;
        a.ring = Fixture::ring(p);
        a.extrapolation = static_cast<Extrapolation>(rule);
        a.constant = 2;
        a.adjust_scale = typename Fixture::Time(0.5);
        a.times = times.data();
        a.values = values.data();
        return a;
      };
      ops::ring_insert(Stream::cpu(), arguments(expected));
      constexpr int width = kernels::single_width<T>;
      execute_index(kernels::RingInsertBody<T, width>{arguments(population)},
                    group_count(size, width));
      EXPECT_TRUE(population == expected) << "size " << size << ", rule " << rule;
    }
  }
}

TYPED_TEST(RingBodies, RegridAndResampleEqualTheCpuBackend) {
  using T = TypeParam;
  using Fixture = RingBodies<T>;
  Random random(10);
  for (const std::int64_t size : sizes) {
    Population<typename Fixture::Element> source(size, 5, random);
    for (const std::int32_t slots : {1, 4, 11}) {
      for (const std::int64_t new_size : {size, size + 3, (size + 1) / 2}) {
        Population<typename Fixture::Element> made(new_size, slots, random);
        auto expected = made;
        const auto regrid = [&](auto& p) {
          RingRegrid<T> a{Fixture::ring(source), Fixture::ring(p)};
          a.destination.head = {nullptr, slots / 2};
          return a;
        };
        ops::ring_regrid(Stream::cpu(), regrid(expected));
        execute_index(kernels::RingRegridBody<T, gpu_width>{regrid(made)},
                      group_count(new_size, gpu_width), slots);
        EXPECT_TRUE(made == expected) << "regrid " << size << " to " << new_size;
        EXPECT_TRUE(made.is_silent_beyond()) << "regrid " << size << " to " << new_size;
      }
      for (const double step : {0.3, 1.0, 2.5}) {
        for (const SelectRule rule : {SelectRule::previous, SelectRule::nearest,
                                      SelectRule::exponential_decay, SelectRule::chain_decay}) {
          Population<typename Fixture::Element> made(size, slots, random);
          auto expected = made;
          const auto resample = [&](auto& p) {
            RingResample<T> a;
            a.source = Fixture::ring(source);
            a.destination = Fixture::ring(p);
            a.destination.head = {nullptr, 0};
            a.destination_step = step;
            a.rule = rule;
            a.time_constant = 2;
            a.feed_rate = 1;
            a.feeder = a.source.data;
            return a;
          };
          ops::ring_resample(Stream::cpu(), resample(expected));
          execute_index(kernels::RingResampleBody<T, gpu_width>{resample(made)},
                        group_count(size, gpu_width), slots);
          EXPECT_TRUE(made == expected) << "resample to " << step;
          EXPECT_TRUE(made.is_silent_beyond()) << "resample to " << step;
        }
      }
    }
  }
}

TEST(RingAdvance, MovesBothWaysAroundTheRing) {
  Memory<RingState> state(1);
  state[0].head = 3;
  execute_index(kernels::RingAdvanceBody{state.data(), 5, 4}, 1);
  EXPECT_EQ(state[0].head, 2);
  execute_index(kernels::RingAdvanceBody{state.data(), 5, -9}, 1);
  EXPECT_EQ(state[0].head, 3);
}

TYPED_TEST(Bodies, CountOutsideCountsEveryValueOnce) {
  using T = Computed<TypeParam>;
  Random random(11);
  for (const std::int64_t size : {1, 4095, 4096, 4097, 20000}) {
    Memory<T> values(size);
    std::int64_t outside = 0;
    for (std::int64_t i = 0; i < size; ++i) {
      values[i] = static_cast<T>(random.below(50) == 0 ? NAN : random.uniform(-1.1, 1.1));
      outside += values[i] >= T(-1) && values[i] <= T(1) ? 0 : 1;
    }
    const std::int64_t blocks = (size + count_tile - 1) / count_tile;
    for (const int threads : {1, 4, 5}) {
      Memory<std::int64_t> counts(blocks);
      execute_tile(kernels::CountOutsideBody<T>{values.data(), size, T(-1), T(1), counts.data()},
                   blocks, threads);
      std::int64_t sum = 0;
      for (std::int64_t b = 0; b < blocks; ++b) sum += counts[b];
      EXPECT_EQ(sum, outside) << "size " << size << ", threads " << threads;
    }
  }
}

}  // namespace
}  // namespace cusynapse::test
