// Launch parameters, as types. Each is passed to a launch of launch.cuh. The bounds are the
// tightest that leave every kernel without spills on every default architecture.
//
// A policy whose kernels alone decide some bench has candidates. The first is built;
// bench/tuning_sweep.sh measures the others against it, and docs/kernels.md says how one is chosen.
#pragma once

#include <algorithm>
#include <cstddef>
#include <tuple>

/// Which candidates are built: another than the first in the builds of bench/tuning_sweep.sh alone.
#ifndef CUSYNAPSE_TUNING_VARIANT
#define CUSYNAPSE_TUNING_VARIANT 0
#endif

namespace cusynapse::cuda {

/// Threads a block, and how many blocks a multiprocessor must hold at least, which bounds
/// registers.
template <int Threads, int MinBlocks>
struct LaunchShape {
  static constexpr int threads = Threads;
  static constexpr int min_blocks = MinBlocks;
};

/// The candidate of this build; of a policy with fewer, the last.
template <class... Shapes>
using Candidates =
    std::tuple_element_t<std::min<std::size_t>(CUSYNAPSE_TUNING_VARIANT, sizeof...(Shapes) - 1),
                         std::tuple<Shapes...>>;

/// decay_inject: a thread covers 8 synapses.
struct StepPolicy : Candidates<LaunchShape<256, 2>, LaunchShape<128, 4>, LaunchShape<512, 1>,
                               LaunchShape<64, 8>> {};

/// decay_inject_grouped: a block is a tile of 1024 synapses, 8 a thread.
struct GroupPolicy : LaunchShape<128, 4> {};

/// delayed_select and spike_select: a thread covers 8 selectors.
struct SelectPolicy : Candidates<LaunchShape<256, 1>, LaunchShape<128, 3>, LaunchShape<64, 6>> {};

/// The general history operations: a thread covers 8 elements; of a select or an insert one, but of
/// bits 8.
struct RingPolicy : LaunchShape<256, 3> {};

/// delay_plan: a thread plans 8 weights, a block a tile.
struct PlanPolicy : Candidates<LaunchShape<128, 4>, LaunchShape<64, 8>, LaunchShape<128, 5>> {};

/// delayed_dense: a thread is an output, with the sums of a row of 128 bytes of columns in
/// registers.
template <class T>
struct DensePolicy;
template <>
struct DensePolicy<float> : Candidates<LaunchShape<256, 2>, LaunchShape<512, 1>,
                                       LaunchShape<128, 4>, LaunchShape<128, 3>> {};
template <>
struct DensePolicy<double> : LaunchShape<128, 2> {};

/// The sums of delayed_dense's parts: a thread adds up 16 bytes of outputs.
struct ReducePolicy : LaunchShape<128, 4> {};

/// delayed_direct: a thread covers 4 synapses. delayed_conv2d: 4 outputs of a row.
struct SumPolicy : Candidates<LaunchShape<256, 2>, LaunchShape<128, 4>, LaunchShape<512, 1>,
                              LaunchShape<64, 8>> {};

/// Synaptic arrays: a thread an element.
struct ArrayPolicy : LaunchShape<256, 3> {};

/// leaky_integrate_and_fire and refractory_read: a thread covers 8 neurons.
struct NeuronPolicy : LaunchShape<256, 3> {};

/// Parameter updates: a thread covers 8 elements.
struct UpdatePolicy : LaunchShape<256, 2> {};

/// Element-wise operations on the weights of projections: a thread covers 8 of them.
struct ProjectionPolicy : LaunchShape<256, 3> {};

/// outer_product: a thread keeps 8 inputs by 2 outputs in three levels of sums.
struct OuterProductPolicy : LaunchShape<128, 2> {};

/// count_outside: a block counts 4096 values.
struct CountPolicy : LaunchShape<256, 4> {};

}  // namespace cusynapse::cuda
