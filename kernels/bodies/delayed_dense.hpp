// delayed_dense on a GPU: sums over all pairs, from histories staged in shared memory.
//
// A block of threads covers as many outputs, one a thread, for a block of columns and one part of
// the inputs: a run of 32, or a group of 8 runs where that fills the device. It stages a few inputs
// at a time, as dense_columns.hpp lays them out, by copies that go on while those staged before are
// added up; each thread reads its own weight and slot, coalesced and some inputs ahead, and the
// columns of that slot in 16-byte pieces, and adds them to sums in registers.
// Threads start at different pieces, so that eight of them never meet in a bank of shared memory
// whatever their slots; register k of a thread then holds piece (thread + k) of the columns. Sums
// of the parts go to the workspace, and DenseReduceBody adds them up in order.
#pragma once

#include <type_traits>

#include "kernels/bodies/delayed_sums.hpp"

namespace cusynapse::kernels {

/// Shared memory a block may have everywhere.
inline constexpr std::size_t dense_shared_bytes = 48 * 1024;

/// What a device lends a block.
struct DenseLimits {
  std::int32_t threads = 0;                       ///< of a block: a power of two, at least
                                                  ///< `dense_least_threads`
  std::size_t shared_bytes = dense_shared_bytes;  ///< with as many blocks as should run at once
  std::size_t most_shared_bytes = dense_shared_bytes;  ///< at all
};

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

/// Columns of the widest blocks: a row of 128 bytes, which is all banks of shared memory; half of
/// it where every element is a register's address of its own.
template <class T>
constexpr int wide_columns(DenseStaging staging) {
  return (staging == DenseStaging::pieces ? 128 : 64) / static_cast<int>(sizeof(T));
}
inline constexpr int narrow_columns = 8;

/// Planned weights a thread has on their way to it while it adds up others, as registers allow.
/// Inputs are staged so many at a time at least.
template <class T>
constexpr std::int32_t dense_ahead(int columns) {
  return (columns > narrow_columns ? 16 : 32) / static_cast<std::int32_t>(sizeof(T));
}
/// Enough to stage the inputs of a block.
inline constexpr std::int32_t dense_least_threads = 8;

/// is_half: planned weights are stored in 16 bits, of either type.
template <class T, bool is_half, class Slot, bool has_slots, int Columns, DenseStaging staging>
struct DelayedDenseBody {
  static constexpr int lanes =
      staging == DenseStaging::pieces ? 16 / static_cast<int>(sizeof(T)) : 1;
  static constexpr int pieces = Columns / lanes;
  static constexpr std::int32_t ahead = dense_ahead<T>(Columns);

  DelayedDense<T> arguments;
  DenseCut cut;
  T* partial;  ///< [parts][columns][outputs]

  /// From one staged input to the next: not a multiple of the banks, but of 16 bytes.
  CUSYNAPSE_HOST_DEVICE static std::int32_t input_pitch(const DelayedDense<T>& a) {
    constexpr std::int32_t piece = 16 / static_cast<std::int32_t>(sizeof(T));
    const std::int32_t staged = ColumnBlock(a, 0, Columns).staged();
    return (staged + piece - 1) / piece * piece + piece;
  }
  /// Shared memory: two stages of inputs, then each thread's sums of the part, by column.
  std::size_t shared_bytes(int threads) const {
    const std::int64_t staged =
        staging == DenseStaging::none
            ? 0
            : 2 * traces_read(arguments.source, arguments.plan.width) *
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
    const std::int64_t output = output_block * cut.threads + context.rank();
    const std::int64_t tile_output = output < a.outputs ? output : a.outputs - 1;
    const std::int64_t runs = (a.inputs + sum_run - 1) / sum_run;
    const std::int64_t first_run = part * cut.runs_per_part;
    const std::int64_t left = a.inputs - first_run * sum_run;
    const std::int64_t most = cut.runs_per_part * sum_run;

    Part p{ColumnBlock(a, column_block * Columns, Columns)};
    p.head = a.source.head.get();
    p.first_input = first_run * sum_run;
    p.inputs = static_cast<std::int32_t>(left < most ? left : most);
    // The plan of consecutive inputs of an output lies a tile's outputs apart, from tile to tile.
    p.plan =
        (tile_output / dense_tile_outputs * runs + first_run) * (sum_run * dense_tile_outputs) +
        tile_output % dense_tile_outputs;
    p.is_double = traces_read(a.source, a.plan.width) == 2;
    T* const staged = static_cast<T*>(context.shared());
    T* groups = staged;
    if constexpr (staging == DenseStaging::none) {
      add_unstaged(p, groups + context.rank());
    } else {
      p.pitch = input_pitch(a);
      p.trace_size = p.pitch << cut.inputs_shift;
      p.stage_size = p.is_double ? 2 * p.trace_size : p.trace_size;
      groups += 2 * std::int64_t{p.stage_size};
      add_staged(context, p, staged, groups + context.rank());
    }
    // Column by column, so that consecutive threads write consecutive outputs.
    const std::int64_t column_total = column_count(a);
    if (output < a.outputs) {
      for (int c = 0; c < Columns && p.columns.first + c < column_total; ++c) {
        partial[(part * column_total + p.columns.first + c) * a.outputs + output] =
            groups[c * cut.threads + context.rank()];
      }
    }
  }

 private:
  /// What a block adds up, as one of its threads sees it.
  struct Part {
    ColumnBlock columns;
    std::int32_t head = 0;
    std::int32_t inputs = 0;
    std::int64_t first_input = 0;
    std::int64_t plan = 0;  ///< entry of the first input
    bool is_double = false;
    std::int32_t pitch = 0;       ///< of staged inputs
    std::int32_t trace_size = 0;  ///< elements of one trace of a stage
    std::int32_t stage_size = 0;
  };

  /// Planned weights of consecutive inputs, as they are stored: converting them would wait for
  /// them.
  using Weight = std::conditional_t<is_half, std::uint16_t, T>;
  struct Planned {
    Weight weights[ahead];
    Weight shares[ahead];
    std::int32_t slots[ahead];
  };

  /// The column that register k of a thread holds.
  CUSYNAPSE_HOST_DEVICE static int column_of(int rank, int k) {
    return (rank + k / lanes) % pieces * lanes + k % lanes;
  }

  /// Sums of a run become part of a thread's own column of shared memory, which no other touches.
  CUSYNAPSE_HOST_DEVICE void end_run(int rank, bool is_first, T* group, T (&sums)[Columns]) const {
    for (int k = 0; k < Columns; ++k) {
      T& kept = group[column_of(rank, k) * cut.threads];
      kept = is_first ? sums[k] : math::add(kept, sums[k]);
      sums[k] = T(0);
    }
  }

  /// While the inputs of one stage are added up, the copies of the next are on their way, and so
  /// are the planned weights of the next inputs.
  template <class Context>
  CUSYNAPSE_HOST_DEVICE void add_staged(const Context& context, const Part& p, T* staged,
                                        T* group) const {
    const std::int32_t stage_inputs = 1 << cut.inputs_shift;
    stage_out_of_range(context, p, staged);
    Planned planned = read_plan(p, 0);
    T sums[Columns] = {};
    T* current = staged + p.stage_size;
    T* other = staged;
    for (std::int32_t begin = -stage_inputs; begin < p.inputs; begin += stage_inputs) {
      context.wait_copies();
      context.sync();  // all copies are there, and all threads done with the other stage
      stage(context, p, begin + stage_inputs, other);
      const std::int32_t left = begin < 0 ? 0 : p.inputs - begin;
      for (std::int32_t offset = 0; offset < stage_inputs && offset < left; offset += ahead) {
        const std::int32_t from = begin + offset;
        const Planned next = read_plan(p, from + ahead);
#if defined(__CUDA_ARCH__)
#pragma unroll  // what is planned stays in registers
#endif
        for (std::int32_t i = 0; i < ahead; ++i) {
          if (from + i >= p.inputs) break;
          const T* const input = current + (offset + i) * p.pitch;
          const T weight = value_of(planned.weights[i]);
          if (has_slots && p.is_double) {
            add_input<2>(context.rank(), p, weight, value_of(planned.shares[i]), input,
                         planned.slots[i], sums);
          } else {
            add_input<1>(context.rank(), p, weight, T(0), input, planned.slots[i], sums);
          }
        }
        const std::int32_t done = from + ahead;
        if (done % sum_run == 0 || done >= p.inputs) {
          end_run(context.rank(), done <= sum_run, group, sums);
        }
        planned = next;
      }
      T* const staged_next = other;
      other = current;
      current = staged_next;
    }
  }

  /// Planned weights of inputs [from, from + ahead) of a part, as far as there are any.
  CUSYNAPSE_HOST_DEVICE Planned read_plan(const Part& p, std::int32_t from) const {
    Planned out;
    for (std::int32_t i = 0; i < ahead; ++i) {
      const bool is_there = from + i < p.inputs;
      const std::int64_t entry = p.plan + (from + i) * dense_tile_outputs;
      out.weights[i] = is_there ? stored_weight(0, entry) : Weight(0);
      out.shares[i] = is_there && p.is_double ? stored_weight(1, entry) : Weight(0);
      out.slots[i] = is_there ? slot_of(entry) : 0;
    }
    return out;
  }

  CUSYNAPSE_HOST_DEVICE Weight stored_weight(int trace, std::int64_t entry) const {
    const StoredData<const T>& weights = arguments.plan.weights[trace];
    if constexpr (is_half) {
      return weights.storage() == StorageType::float16
                 ? weights.template as<float16>()[entry].bits
                 : weights.template as<bfloat16>()[entry].bits;
    } else {
      return weights.template as<T>()[entry];
    }
  }
  CUSYNAPSE_HOST_DEVICE T value_of(Weight weight) const {
    if constexpr (is_half) {
      return arguments.plan.weights[0].storage() == StorageType::float16
                 ? math::to_float(float16{weight})
                 : math::to_float(bfloat16{weight});
    } else {
      return weight;
    }
  }

  /// What lies before the histories of an input, in both stages.
  template <class Context>
  CUSYNAPSE_HOST_DEVICE void stage_out_of_range(const Context& context, const Part& p,
                                                T* staged) const {
    const std::int32_t rows = (2 * p.stage_size) / p.pitch;
    for (std::int32_t e = context.rank(); e < rows * Columns; e += context.size()) {
      const std::int32_t row = e / Columns;
      const bool is_first_trace = row * p.pitch % p.stage_size < p.trace_size;
      staged[row * p.pitch + e % Columns] = is_first_trace ? arguments.plan.overbound : T(0);
    }
  }

  /// Begins to stage the inputs from `from` on, counted in the part; `wait_copies` ends it.
  template <class Context>
  CUSYNAPSE_HOST_DEVICE void stage(const Context& context, const Part& p, std::int32_t from,
                                   T* staged) const {
    // Consecutive threads take consecutive inputs, which lie next to each other in a ring.
    const std::int32_t i = context.rank() & ((1 << cut.inputs_shift) - 1);
    if (from + i >= p.inputs) return;
    for (std::int32_t trace = 0; trace <= (p.is_double ? 1 : 0); ++trace) {
      T* const to = staged + trace * p.trace_size + i * p.pitch;
      const std::int64_t input = p.first_input + from + i;
      if (has_slots && arguments.source.kind == SourceKind::traces &&
          arguments.source.traces[trace].storage() == StorageType::same) {
        stage_input<true>(context, p, trace, input, to);
      } else {
        stage_input<false>(context, p, trace, input, to);
      }
    }
  }

  /// One thread's share of an input: as many threads as there are for each input take positions in
  /// turn. is_copied: values are staged as they are in memory. Columns beyond the last are left as
  /// they are: nobody reads their sums.
  template <bool is_copied, class Context>
  CUSYNAPSE_HOST_DEVICE void stage_input(const Context& context, const Part& p, std::int32_t trace,
                                         std::int64_t input, T* to) const {
    const CurrentSource<T>& source = arguments.source;
    const std::int32_t turn = context.rank() >> cut.inputs_shift;
    const std::int32_t turns = context.size() >> cut.inputs_shift;
    // Stages `count` values, `stride` elements of the ring and `step` of the stage apart.
    const auto place = [&](T* at, std::int64_t offset, std::int32_t count, std::int64_t stride,
                           std::int32_t step) {
      if constexpr (is_copied) {
        const T* from = source.traces[trace].template as<T>() + offset;
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800  // before, copies pass through registers
#pragma unroll 4
#endif
        for (std::int32_t k = 0; k < count; ++k) {
          context.copy_async(at, from);
          at += step;
          from += stride;
        }
      } else {
        for (std::int32_t k = 0; k < count; ++k) {
          at[k * step] = source_value(source, trace, has_slots, offset + k * stride);
        }
      }
    };
    if (p.columns.steps > 1) {
      for (std::int32_t at = Columns + turn; at < p.columns.staged(); at += turns) {
        const ColumnBlock::Origin origin = p.columns.origin(at);
        if (!origin.is_there) continue;
        place(to + at,
              source_slot(source, p.head, origin.back - 1) * source.stride +
                  origin.sample * arguments.inputs + input,
              1, 0, 0);
      }
      return;
    }
    // Row by row, a slot each, from the oldest; around the end of the ring at most once.
    const std::int32_t rows_at_once = turns > Columns ? turns / Columns : 1;
    const std::int32_t first_row = turns > Columns ? turn / Columns : 0;
    const std::int32_t slot = source_slot(source, p.head, p.columns.delay_slots - 1 - first_row);
    const std::int32_t count =
        (p.columns.delay_slots - first_row + rows_at_once - 1) / rows_at_once;
    const std::int32_t to_end = (source.slots - slot + rows_at_once - 1) / rows_at_once;
    const std::int32_t before = count < to_end ? count : to_end;
    const std::int64_t stride = rows_at_once * source.stride;
    const std::int32_t step = rows_at_once * Columns;
    for (std::int32_t column = turns > Columns ? turn % Columns : turn;
         column < Columns && p.columns.first + column < p.columns.batch; column += turns) {
      const std::int64_t offset =
          slot * source.stride + (p.columns.first + column) * arguments.inputs + input;
      T* const at = to + (first_row + 1) * Columns + column;
      place(at, offset, before, stride, step);
      place(at + before * step, offset + before * stride - source.slots * source.stride,
            count - before, stride, step);
    }
  }

  CUSYNAPSE_HOST_DEVICE std::int32_t slot_of(std::int64_t entry) const {
    if constexpr (has_slots) return static_cast<const Slot*>(arguments.plan.slots)[entry];
    return 0;
  }

  /// Adds the terms of one staged input, of TraceCount traces. A constant number of them lets a
  /// thread read all its pieces before it needs the first.
  template <int TraceCount>
  CUSYNAPSE_HOST_DEVICE void add_input(int rank, const Part& p, T weight, T share, const T* input,
                                       std::int32_t slot, T (&sums)[Columns]) const {
    const T* const row = input + p.columns.row_start(slot);
    for (int k = 0; k < pieces; ++k) {
      const T* const at = row + column_of(rank, k * lanes);
      Staged values = load(at);
      if constexpr (TraceCount == 2) {
        const Staged others = load(at + p.trace_size);
        for (int l = 0; l < lanes; ++l) {
          values.values[l] = math::fused_multiply_add(share, others.values[l], values.values[l]);
        }
      }
      for (int l = 0; l < lanes; ++l) {
        T& sum = sums[k * lanes + l];
        sum = math::fused_multiply_add(weight, values.values[l], sum);
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

  CUSYNAPSE_HOST_DEVICE void add_unstaged(const Part& p, T* group) const {
    static_assert(staging != DenseStaging::none || Columns == 1, "one column at a time");
    const DelayedDense<T>& a = arguments;
    T sums[Columns] = {};
    for (std::int32_t i = 0; i < p.inputs; ++i) {
      const std::int64_t entry = p.plan + i * dense_tile_outputs;
      const std::int32_t slot = slot_of(entry);
      T value = a.plan.overbound;
      if (slot != a.plan.delay_slots) {
        const ColumnBlock::Origin origin = p.columns.origin(p.columns.row_start(slot));
        const std::int64_t offset =
            source_slot(a.source, p.head, origin.back - 1) * a.source.stride +
            origin.sample * a.inputs + p.first_input + i;
        value = planned_value(a.source, a.plan, has_slots, p.is_double, offset, entry);
      }
      sums[0] = math::fused_multiply_add(value_of(stored_weight(0, entry)), value, sums[0]);
      if ((i + 1) % sum_run == 0 || i + 1 == p.inputs) end_run(0, i < sum_run, group, sums);
    }
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
    store_sums(total, first, outputs, bias, accumulates, out + y * outputs);
  }
};

/// How the inputs of a call are cut into parts. Parts of more than one run save memory traffic, but
/// only where enough blocks are left to fill the largest devices; a block of one column waits for
/// memory alone and needs others beside it.
template <class T>
DenseCut dense_parts(const DelayedDense<T>& a, std::int32_t threads) {
  constexpr std::int64_t enough_blocks = 240;
  constexpr std::int64_t enough_blocks_of_one_column = 960;
  const std::int64_t count = column_count(a);
  const std::int64_t runs = (a.inputs + sum_run - 1) / sum_run;
  const std::int64_t groups = (runs + sum_group - 1) / sum_group;
  DenseCut cut;
  cut.threads = threads;
  cut.output_blocks = (a.outputs + threads - 1) / threads;
  const std::int64_t blocks = cut.output_blocks * groups * ((count + 31) / 32);
  const bool is_full = blocks >= (count == 1 ? enough_blocks_of_one_column : enough_blocks);
  cut.runs_per_part = is_full ? static_cast<std::int32_t>(sum_group) : 1;
  cut.parts = is_full ? groups : runs;
  return cut;
}

/// The shape of the kernel for some arguments.
template <class T>
struct DenseShape {
  int columns;
  DenseStaging staging;
  DenseCut cut;

  static DenseShape of(const DelayedDense<T>& a, const DenseLimits& limits) {
    DenseShape shape{};
    shape.cut = dense_parts(a, limits.threads);
    const std::int64_t count = column_count(a);
    constexpr int piece = 16 / static_cast<int>(sizeof(T));
    const bool is_aligned = a.steps == 1 || a.batch % piece == 0;
    shape.staging = is_aligned ? DenseStaging::pieces : DenseStaging::elements;
    shape.columns =
        count > narrow_columns || !is_aligned ? wide_columns<T>(shape.staging) : narrow_columns;
    if (count == 1) shape.columns = 1;
    // What does not fit in with all columns is tried with fewer, and read unstaged in the end.
    const auto fits = [&](std::int32_t inputs_shift, std::size_t bytes) {
      return bytes_of(a, shape.columns, inputs_shift, limits.threads) <= bytes;
    };
    while (!fits(shift_of(dense_ahead<T>(shape.columns)), limits.most_shared_bytes)) {
      if (shape.columns == 1) {
        shape.staging = DenseStaging::none;
        break;
      }
      shape.columns = shape.columns > narrow_columns && is_aligned ? narrow_columns : 1;
    }
    if (shape.columns == 1 && shape.staging == DenseStaging::pieces) {
      shape.staging = DenseStaging::elements;
    }
    DenseCut& cut = shape.cut;
    if (shape.staging != DenseStaging::none) {
      cut.inputs_shift = shift_of(dense_ahead<T>(shape.columns));
      while (cut.inputs_shift < 5 && 2 << cut.inputs_shift <= limits.threads &&
             fits(cut.inputs_shift + 1, limits.shared_bytes)) {
        ++cut.inputs_shift;
      }
    }
    cut.column_blocks = (count + shape.columns - 1) / shape.columns;
    return shape;
  }

 private:
  static std::int32_t shift_of(std::int32_t power_of_two) {
    std::int32_t shift = 0;
    while (1 << shift < power_of_two) ++shift;
    return shift;
  }
  static std::size_t bytes_of(const DelayedDense<T>& a, int columns, int inputs_shift,
                              int threads) {
    constexpr std::int64_t piece = 16 / static_cast<std::int64_t>(sizeof(T));
    const std::int64_t staged = 2 * std::int64_t{columns} + std::int64_t{a.plan.delay_slots - 1} *
                                                                (a.steps > 1 ? a.batch : columns);
    const std::int64_t pitch = (staged + piece - 1) / piece * piece + piece;
    const std::int64_t traces = traces_read(a.source, a.plan.width);
    return static_cast<std::size_t>(2 * traces * (pitch << inputs_shift) +
                                    std::int64_t{threads} * columns) *
           sizeof(T);
  }
};

/// Workspace of the parts of a call cut for blocks of `threads`.
template <class T>
std::size_t dense_partial_bytes(const DelayedDense<T>& a, std::int32_t threads) {
  return static_cast<std::size_t>(dense_parts(a, threads).parts * column_count(a) * a.outputs) *
         sizeof(T);
}

/// Calls `launch` with the body for the arguments, to be run on blocks of `limits.threads`.
template <class T, class Launch>
void visit_delayed_dense(const DelayedDense<T>& a, const DenseLimits& limits,
                         const Launch& launch) {
  const DenseShape<T> shape = DenseShape<T>::of(a, limits);
  auto* const partial = static_cast<T*>(a.workspace);
  const auto with_slots = [&](auto slot, auto has_slots, auto is_half) {
    using Slot = decltype(slot);
    constexpr bool has = decltype(has_slots)::value;
    constexpr bool half = decltype(is_half)::value;
    constexpr auto in_pieces = DenseStaging::pieces;
    constexpr auto in_elements = DenseStaging::elements;
    constexpr int wide = wide_columns<T>(in_pieces);
    constexpr int wide_elements = wide_columns<T>(in_elements);
    const DenseCut& cut = shape.cut;
    if constexpr (has) {  // one value a history always fits
      if (shape.staging == DenseStaging::none) {
        return launch(DelayedDenseBody<T, half, Slot, has, 1, DenseStaging::none>{a, cut, partial});
      }
    }
    if (shape.columns == 1) {
      launch(DelayedDenseBody<T, half, Slot, has, 1, in_elements>{a, cut, partial});
    } else if (shape.staging == in_elements) {
      launch(DelayedDenseBody<T, half, Slot, has, wide_elements, in_elements>{a, cut, partial});
    } else if (shape.columns == narrow_columns) {
      launch(DelayedDenseBody<T, half, Slot, has, narrow_columns, in_pieces>{a, cut, partial});
    } else {
      launch(DelayedDenseBody<T, half, Slot, has, wide, in_pieces>{a, cut, partial});
    }
  };
  const auto with_weights = [&](auto is_half) {
    switch (a.plan.width) {
      case SlotWidth::none:
        return with_slots(std::uint8_t{}, std::false_type(), is_half);
      case SlotWidth::byte:
        return with_slots(std::uint8_t{}, std::true_type(), is_half);
      case SlotWidth::word:
        return with_slots(std::uint16_t{}, std::true_type(), is_half);
    }
  };
  if constexpr (std::is_same_v<T, float>) {
    if (a.plan.weights[0].storage() != StorageType::same) return with_weights(std::true_type());
  }
  with_weights(std::false_type());
}

/// What adds up the parts afterwards.
template <int Width, class T>
DenseReduceBody<T, Width> dense_reduction(const DelayedDense<T>& a, std::int32_t threads) {
  const DenseCut cut = dense_parts(a, threads);
  return {static_cast<const T*>(a.workspace),
          cut.parts,
          cut.runs_per_part,
          column_count(a),
          a.outputs,
          a.bias,
          a.accumulates,
          a.out};
}

}  // namespace cusynapse::kernels
