// delayed_dense on a GPU: sums over all pairs, from histories staged in shared memory.
//
// A block of threads covers as many outputs, one a thread, for a block of columns and one part of
// the inputs: a run of 32, or a group of 8 runs where that fills the device. It stages a few inputs
// at a time, as dense_columns.hpp lays them out; then each thread reads its own weight and slot,
// coalesced, and the columns of that slot in 16-byte pieces, and adds them to sums in registers.
// Threads start at different pieces, so that eight of them never meet in a bank of shared memory
// whatever their slots; register k of a thread then holds piece (thread + k) of the columns. Sums
// of the parts go to the workspace, and DenseReduceBody adds them up in order.
#pragma once

#include <type_traits>

#include "kernels/bodies/delayed_sums.hpp"

namespace cusynapse::kernels {

/// Shared memory a block may use everywhere.
inline constexpr std::size_t dense_shared_bytes = 48 * 1024;

/// How a call is cut into blocks of threads.
struct DenseCut {
  std::int32_t threads = 0;        ///< of a block, and so its outputs
  std::int32_t runs_per_part = 1;  ///< 1 or `sum_group`
  std::int32_t inputs_shift = 0;   ///< inputs staged at a time, as a power of two
  std::int64_t output_blocks = 0;
  std::int64_t column_blocks = 0;
  std::int64_t parts = 0;
};

/// How the columns of a block are kept: in registers, and staged or not.
enum class DenseStaging : std::int32_t {
  pieces,    ///< staged; rows start on 16 bytes
  elements,  ///< staged; rows start anywhere
  none,      ///< histories too long for shared memory are read where they are
};

template <class T, class Slot, bool has_slots, int Columns, DenseStaging staging>
struct DelayedDenseBody {
  static constexpr int lanes =
      staging == DenseStaging::pieces ? 16 / static_cast<int>(sizeof(T)) : 1;
  static constexpr int pieces = Columns / lanes;

  DelayedDense<T> arguments;
  DenseCut cut;
  T* partial;  ///< [parts][columns][outputs]

  /// From one staged input to the next: not a multiple of the banks, but of 16 bytes.
  CUSYNAPSE_HOST_DEVICE static std::int32_t input_pitch(const DelayedDense<T>& a) {
    constexpr std::int32_t piece = 16 / static_cast<std::int32_t>(sizeof(T));
    const std::int32_t staged = ColumnBlock(a, 0, Columns).staged();
    return (staged + piece - 1) / piece * piece + piece;
  }
  /// Shared memory: staged inputs, then each thread's sums of the part, by column.
  std::size_t shared_bytes(int threads) const {
    const std::int64_t staged =
        staging == DenseStaging::none
            ? 0
            : traces_read(arguments.source, arguments.plan.width) *
                  (std::int64_t{input_pitch(arguments)} << cut.inputs_shift);
    return static_cast<std::size_t>(staged + std::int64_t{threads} * Columns) * sizeof(T);
  }
  std::int64_t blocks() const { return cut.output_blocks * cut.column_blocks * cut.parts; }

  template <class Context>
  CUSYNAPSE_HOST_DEVICE void operator()(const Context& context) const {
    const DelayedDense<T>& a = arguments;
    const std::int64_t output_block = context.block() % cut.output_blocks;
    const std::int64_t column_block = context.block() / cut.output_blocks % cut.column_blocks;
    const std::int64_t part = context.block() / (cut.output_blocks * cut.column_blocks);
    const ColumnBlock columns(a, column_block * Columns, Columns);
    const std::int32_t head = a.source.head.get();
    const std::int64_t output = output_block * cut.threads + context.rank();
    const std::int64_t tile_output = output < a.outputs ? output : a.outputs - 1;
    const std::int64_t runs = (a.inputs + sum_run - 1) / sum_run;
    const std::int64_t first_run = part * cut.runs_per_part;
    const std::int64_t last_run =
        first_run + cut.runs_per_part < runs ? first_run + cut.runs_per_part : runs;
    const std::int32_t pitch = input_pitch(a);
    const std::int32_t staged_inputs = 1 << cut.inputs_shift;
    auto* const staged = static_cast<T*>(context.shared());
    const bool is_double = traces_read(a.source, a.plan.width) == 2;
    T* const other = staged + (std::int64_t{pitch} << cut.inputs_shift);
    T* const groups =
        staged + (staging == DenseStaging::none
                      ? 0
                      : (is_double ? 2 : 1) * (std::int64_t{pitch} << cut.inputs_shift));

    for (std::int64_t run = first_run; run < last_run; ++run) {
      T sums[Columns] = {};
      const std::int64_t first_input = run * sum_run;
      const auto inputs = static_cast<std::int32_t>(
          a.inputs - first_input < sum_run ? a.inputs - first_input : sum_run);
      const std::int64_t plan =
          (tile_output / dense_tile_outputs * runs + run) * (sum_run * dense_tile_outputs) +
          tile_output % dense_tile_outputs;
      if constexpr (staging == DenseStaging::none) {
        for (std::int32_t i = 0; i < inputs; ++i) {
          add_unstaged(columns, head, is_double, first_input + i, plan + i * dense_tile_outputs,
                       sums);
        }
      } else {
        for (std::int32_t from = 0; from < inputs; from += staged_inputs) {
          const std::int32_t left = inputs - from;
          const std::int32_t count = left < staged_inputs ? left : staged_inputs;
          context.sync();  // until all are done with what was staged before
          stage(context, columns, head, 0, first_input + from, count, pitch, staged);
          if (is_double) stage(context, columns, head, 1, first_input + from, count, pitch, other);
          context.sync();
          for (std::int32_t i = 0; i < count; ++i) {
            add_input(context.rank(), columns, staged + i * pitch,
                      is_double ? other + i * pitch : nullptr,
                      plan + (from + i) * dense_tile_outputs, sums);
          }
        }
      }
      // A thread's own column of shared memory, which no other touches.
      T* const group = groups + context.rank();
      for (int k = 0; k < Columns; ++k) {
        T& kept = group[column_of(context.rank(), k) * cut.threads];
        kept = run == first_run ? sums[k] : math::add(kept, sums[k]);
      }
    }
    // Column by column, so that consecutive threads write consecutive outputs.
    const std::int64_t column_total = column_count(a);
    if (output < a.outputs) {
      for (int c = 0; c < Columns && columns.first + c < column_total; ++c) {
        partial[(part * column_total + columns.first + c) * a.outputs + output] =
            groups[c * cut.threads + context.rank()];
      }
    }
  }

 private:
  /// The column that register k of a thread holds.
  CUSYNAPSE_HOST_DEVICE static int column_of(int rank, int k) {
    return (rank + k / lanes) % pieces * lanes + k % lanes;
  }

  template <class Context>
  CUSYNAPSE_HOST_DEVICE void stage(const Context& context, const ColumnBlock& columns,
                                   std::int32_t head, std::int32_t trace, std::int64_t first_input,
                                   std::int32_t count, std::int32_t pitch, T* staged) const {
    const DelayedDense<T>& a = arguments;
    // Consecutive threads take consecutive inputs, which lie next to each other in a ring.
    const std::int32_t mask = (1 << cut.inputs_shift) - 1;
    const std::int32_t size = columns.staged() << cut.inputs_shift;
    for (std::int32_t e = context.rank(); e < size; e += context.size()) {
      const std::int32_t i = e & mask;
      const std::int32_t position = e >> cut.inputs_shift;
      if (i >= count) continue;
      T value = T(0);
      if (position < Columns) {
        if (trace == 0) value = a.plan.overbound;
      } else {
        const ColumnBlock::Origin origin = columns.origin(position);
        if (origin.is_there) {
          const std::int64_t offset =
              source_slot(a.source, head, origin.back - 1) * a.source.stride +
              origin.sample * a.inputs + first_input + i;
          value = source_value(a.source, trace, has_slots, offset);
        }
      }
      staged[i * pitch + position] = value;
    }
  }

  CUSYNAPSE_HOST_DEVICE std::int32_t slot_of(std::int64_t plan) const {
    if constexpr (has_slots) return static_cast<const Slot*>(arguments.plan.slots)[plan];
    return 0;
  }

  /// Adds the terms of one input; `other` holds its second trace, where there is one.
  CUSYNAPSE_HOST_DEVICE void add_input(int rank, const ColumnBlock& columns, const T* input,
                                       const T* other, std::int64_t plan,
                                       T (&sums)[Columns]) const {
    const T weight = arguments.plan.weights[0][plan];
    const T share = other != nullptr ? arguments.plan.weights[1][plan] : T(0);
    const std::int32_t start = columns.row_start(slot_of(plan));
    for (int k = 0; k < pieces; ++k) {
      const std::int32_t at = start + column_of(rank, k * lanes);
      Staged values = load(input + at);
      if (other != nullptr) {
        const Staged others = load(other + at);
        for (int l = 0; l < lanes; ++l) {
          values.values[l] = math::add(values.values[l], math::multiply(share, others.values[l]));
        }
      }
      for (int l = 0; l < lanes; ++l) {
        T& sum = sums[k * lanes + l];
        sum = math::add(sum, math::multiply(weight, values.values[l]));
      }
    }
  }

  struct Single {
    T values[1];
  };
  using Staged = std::conditional_t<staging == DenseStaging::pieces, Piece<T>, Single>;
  CUSYNAPSE_HOST_DEVICE static Staged load(const T* from) {
    return *reinterpret_cast<const Staged*>(from);
  }

  CUSYNAPSE_HOST_DEVICE void add_unstaged(const ColumnBlock& columns, std::int32_t head,
                                          bool is_double, std::int64_t input, std::int64_t plan,
                                          T (&sums)[Columns]) const {
    static_assert(staging != DenseStaging::none || Columns == 1, "one column at a time");
    const DelayedDense<T>& a = arguments;
    const std::int32_t slot = slot_of(plan);
    T value = a.plan.overbound;
    if (slot != a.plan.delay_slots) {
      const ColumnBlock::Origin origin = columns.origin(columns.row_start(slot));
      const std::int64_t offset = source_slot(a.source, head, origin.back - 1) * a.source.stride +
                                  origin.sample * a.inputs + input;
      value = planned_value(a.source, a.plan, has_slots, is_double, offset, plan);
    }
    sums[0] = math::add(sums[0], math::multiply(a.plan.weights[0][plan], value));
  }
};

/// Adds up the parts: call (x, y) covers Width outputs of column y.
template <class T, int Width>
struct DenseReduceBody {
  const T* partial;
  std::int64_t parts;
  std::int32_t runs_per_part;
  std::int64_t columns;
  std::int64_t outputs;
  const T* bias;
  bool accumulates;
  T* out;

  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t y) const {
    const std::int64_t first = x * Width;
    const std::int64_t parts_per_group = sum_group / runs_per_part;
    T total[Width] = {};
    for (std::int64_t begin = 0; begin < parts; begin += parts_per_group) {
      T group[Width] = {};
      for (std::int64_t part = begin; part < begin + parts_per_group && part < parts; ++part) {
        T values[Width];
        load_guarded<false>(partial + (part * columns + y) * outputs, first, outputs, values);
        for (int i = 0; i < Width; ++i) {
          group[i] = part == begin ? values[i] : math::add(group[i], values[i]);
        }
      }
      for (int i = 0; i < Width; ++i) {
        total[i] = begin == 0 ? group[i] : math::add(total[i], group[i]);
      }
    }
    for (int i = 0; i < Width; ++i) {
      if (first + i < outputs) {
        store_sum(total[i], bias, first + i, accumulates, out + y * outputs + first + i);
      }
    }
  }
};

/// How many blocks a device is to be filled with at least before a part is more than one run: twice
/// the multiprocessors of the largest.
inline constexpr std::int64_t dense_enough_blocks = 320;

/// The shape of the kernel for some arguments.
template <class T>
struct DenseShape {
  int columns;
  DenseStaging staging;
  DenseCut cut;

  static DenseShape of(const DelayedDense<T>& a, int threads) {
    DenseShape shape{};
    const std::int64_t count = column_count(a);
    constexpr int lanes = 16 / static_cast<int>(sizeof(T));
    const bool is_aligned = a.steps == 1 || a.batch % lanes == 0;
    shape.staging = is_aligned ? DenseStaging::pieces : DenseStaging::elements;
    shape.columns = count > 8 ? 32 : 8;
    if (!is_aligned) shape.columns = 32;
    if (count == 1) {
      shape.columns = 1;
      shape.staging = DenseStaging::elements;
    }
    // What does not fit in with all columns is tried with fewer, and read unstaged in the end.
    while (bytes_of(a, shape.columns, 0, threads) > dense_shared_bytes) {
      if (shape.columns == 32 && is_aligned) {
        shape.columns = 8;
      } else if (shape.columns > 1) {
        shape.columns = 1;
        shape.staging = DenseStaging::elements;
      } else {
        shape.staging = DenseStaging::none;
        break;
      }
    }
    DenseCut& cut = shape.cut;
    cut.threads = threads;
    if (shape.staging != DenseStaging::none) {
      while (cut.inputs_shift < 5 &&
             bytes_of(a, shape.columns, cut.inputs_shift + 1, threads) <= dense_shared_bytes) {
        ++cut.inputs_shift;
      }
    }
    const std::int64_t runs = (a.inputs + sum_run - 1) / sum_run;
    cut.output_blocks = (a.outputs + threads - 1) / threads;
    cut.column_blocks = (count + shape.columns - 1) / shape.columns;
    const std::int64_t groups = (runs + sum_group - 1) / sum_group;
    const bool is_full = cut.output_blocks * cut.column_blocks * groups >= dense_enough_blocks;
    cut.runs_per_part = is_full ? static_cast<std::int32_t>(sum_group) : 1;
    cut.parts = is_full ? groups : runs;
    return shape;
  }

 private:
  static std::size_t bytes_of(const DelayedDense<T>& a, int columns, int inputs_shift,
                              int threads) {
    constexpr std::int64_t piece = 16 / static_cast<std::int64_t>(sizeof(T));
    const std::int64_t staged = 2 * std::int64_t{columns} + std::int64_t{a.plan.delay_slots - 1} *
                                                                (a.steps > 1 ? a.batch : columns);
    const std::int64_t pitch = (staged + piece - 1) / piece * piece + piece;
    const std::int64_t traces = traces_read(a.source, a.plan.width);
    return static_cast<std::size_t>(traces * (pitch << inputs_shift) +
                                    std::int64_t{threads} * columns) *
           sizeof(T);
  }
};

/// Workspace of the parts of a call cut for blocks of `threads`.
template <class T>
std::size_t dense_partial_bytes(const DelayedDense<T>& a, int threads) {
  const DenseShape<T> shape = DenseShape<T>::of(a, threads);
  return static_cast<std::size_t>(shape.cut.parts * column_count(a) * a.outputs) * sizeof(T);
}

/// Calls `launch` with the body for the arguments, to be run on blocks of `threads`.
template <class T, class Launch>
void visit_delayed_dense(const DelayedDense<T>& a, int threads, const Launch& launch) {
  const DenseShape<T> shape = DenseShape<T>::of(a, threads);
  auto* const partial = static_cast<T*>(a.workspace);
  const auto with_slots = [&](auto slot, auto has_slots) {
    using Slot = decltype(slot);
    constexpr bool has = decltype(has_slots)::value;
    const DenseCut& cut = shape.cut;
    if (shape.staging == DenseStaging::none) {
      launch(DelayedDenseBody<T, Slot, has, 1, DenseStaging::none>{a, cut, partial});
    } else if (shape.columns == 1) {
      launch(DelayedDenseBody<T, Slot, has, 1, DenseStaging::elements>{a, cut, partial});
    } else if (shape.columns == 8) {
      launch(DelayedDenseBody<T, Slot, has, 8, DenseStaging::pieces>{a, cut, partial});
    } else if (shape.staging == DenseStaging::pieces) {
      launch(DelayedDenseBody<T, Slot, has, 32, DenseStaging::pieces>{a, cut, partial});
    } else {
      launch(DelayedDenseBody<T, Slot, has, 32, DenseStaging::elements>{a, cut, partial});
    }
  };
  switch (a.plan.width) {
    case SlotWidth::none:
      return with_slots(std::uint8_t{}, std::false_type());
    case SlotWidth::byte:
      return with_slots(std::uint8_t{}, std::true_type());
    case SlotWidth::word:
      return with_slots(std::uint16_t{}, std::true_type());
  }
}

/// What adds up the parts afterwards.
template <int Width, class T>
DenseReduceBody<T, Width> dense_reduction(const DelayedDense<T>& a, int threads) {
  const DenseShape<T> shape = DenseShape<T>::of(a, threads);
  return {static_cast<const T*>(a.workspace),
          shape.cut.parts,
          shape.cut.runs_per_part,
          column_count(a),
          a.outputs,
          a.bias,
          a.accumulates,
          a.out};
}

}  // namespace cusynapse::kernels
