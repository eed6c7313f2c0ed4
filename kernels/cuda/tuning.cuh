// Launch parameters, as types. Each is passed to a launch of launch.cuh: threads a block, and how
// many blocks a multiprocessor must hold at least, which bounds registers. The bounds are the
// tightest that leave every kernel without spills on every default architecture.
#pragma once

namespace cusynapse::cuda {

/// decay_inject: a thread covers 8 synapses.
struct StepPolicy {
  static constexpr int threads = 256;
  static constexpr int min_blocks = 2;
};

/// decay_inject_grouped: a block is a tile of 1024 synapses, 8 a thread.
struct GroupPolicy {
  static constexpr int threads = 128;
  static constexpr int min_blocks = 4;
};

/// delayed_select and spike_select: a thread covers 8 selectors.
struct SelectPolicy {
  static constexpr int threads = 256;
  static constexpr int min_blocks = 1;
};

/// The general history operations: a thread covers 8 elements.
struct RingPolicy {
  static constexpr int threads = 256;
  static constexpr int min_blocks = 3;
};

/// delay_plan: a thread plans 8 weights, a block a tile.
struct PlanPolicy {
  static constexpr int threads = 128;
  static constexpr int min_blocks = 4;
};

/// delayed_dense: a thread is an output, with the sums of a row of 128 bytes of columns in
/// registers.
template <class T>
struct DensePolicy;
template <>
struct DensePolicy<float> {
  static constexpr int threads = 256;
  static constexpr int min_blocks = 2;
};
template <>
struct DensePolicy<double> {
  static constexpr int threads = 128;
  static constexpr int min_blocks = 2;
};

/// The sums of delayed_dense's parts: a thread adds up 8 outputs.
struct ReducePolicy {
  static constexpr int threads = 128;
  static constexpr int min_blocks = 4;
};

/// delayed_direct: a thread covers 4 synapses. delayed_conv2d: 4 outputs of a row.
struct SumPolicy {
  static constexpr int threads = 256;
  static constexpr int min_blocks = 2;
};

/// Synaptic arrays: a thread an element.
struct ArrayPolicy {
  static constexpr int threads = 256;
  static constexpr int min_blocks = 3;
};

/// leaky_integrate_and_fire and refractory_read: a thread covers 8 neurons.
struct NeuronPolicy {
  static constexpr int threads = 256;
  static constexpr int min_blocks = 3;
};

/// Parameter updates: a thread covers 8 elements.
struct UpdatePolicy {
  static constexpr int threads = 256;
  static constexpr int min_blocks = 2;
};

/// Element-wise operations on the weights of projections: a thread covers 8 of them.
struct ProjectionPolicy {
  static constexpr int threads = 256;
  static constexpr int min_blocks = 3;
};

/// outer_product: a thread keeps 8 inputs by 2 outputs in three levels of sums.
struct OuterProductPolicy {
  static constexpr int threads = 128;
  static constexpr int min_blocks = 2;
};

/// count_outside: a block counts 4096 values.
struct CountPolicy {
  static constexpr int threads = 256;
  static constexpr int min_blocks = 4;
};

}  // namespace cusynapse::cuda
