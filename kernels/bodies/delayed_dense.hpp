// delayed_dense on a GPU: sums over all pairs, from histories staged in shared memory.
//
// A block of threads covers as many outputs, one a thread, for a block of columns and one part of
// the inputs: a run of 32, or a group of 8 runs where that fills the device. It stages a few inputs
// at a time, as dense_columns.hpp lays them out, by copies that go on while those staged before are
// added up; each thread has its own weight and slot, and adds the columns of that slot, read in
// 16-byte pieces, to sums in registers. Blocks of many columns are bound by those reads: a thread
// loads its weights some inputs ahead. Those of few are bound by the plan, and stage it as well, so
// that all of it that fits is on its way.
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
  std::int32_t stages = 2;         ///< 1 where all inputs of a part are staged at once
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

/// Whether blocks of so many columns stage the plan.
constexpr bool stages_plan(int columns, DenseStaging staging) {
  return columns <= narrow_columns && staging != DenseStaging::none;
}

/// Inputs whose planned weights a thread that loads them itself has on their way while it adds up
/// others, as registers allow: those of two traces take twice as long to add up, and those of 16
/// bits take registers to convert.
constexpr std::int32_t dense_ahead(int traces, bool is_half) {
  return traces == 2 || is_half ? 1 : 2;
}

/// Inputs staged at a time at least.
template <class T>
constexpr std::int32_t dense_least_inputs(int columns, DenseStaging staging) {
  return stages_plan(columns, staging) ? 32 / static_cast<std::int32_t>(sizeof(T)) : 2;
}

/// Bytes staged of the planned weight of an output and input.
template <class T>
std::int64_t planned_bytes(const DelayedDense<T>& a) {
  const bool is_half = a.plan.weights[0].storage() != StorageType::same;
  const std::int64_t slot = a.plan.width == SlotWidth::word ? 2 : 1;
  return traces_read(a.source, a.plan.width) * (is_half ? 2 : static_cast<int>(sizeof(T))) +
         (a.plan.width == SlotWidth::none ? 0 : slot);
}

/// Outputs whose plan a block of so many threads stages: whole rows of tiles.
CUSYNAPSE_HOST_DEVICE std::int64_t staged_outputs(std::int32_t threads) {
  return threads > dense_tile_outputs ? threads : dense_tile_outputs;
}
/// Enough to stage the inputs of a block.
inline constexpr std::int32_t dense_least_threads = 8;

/// Shared memory of a block: each thread's sums of the part, by column, then the stages of
/// histories, then of plans.
template <class T>
std::size_t dense_block_bytes(const DelayedDense<T>& a, int columns, DenseStaging staging,
                              const DenseCut& cut) {
  constexpr std::int64_t piece = 16 / static_cast<std::int64_t>(sizeof(T));
  const std::int64_t sums = std::int64_t{cut.threads} * columns * static_cast<int>(sizeof(T));
  if (staging == DenseStaging::none) return static_cast<std::size_t>(sums);
  const std::int64_t history = 2 * std::int64_t{columns} + std::int64_t{a.plan.delay_slots - 1} *
                                                               (a.steps > 1 ? a.batch : columns);
  const std::int64_t pitch = (history + piece - 1) / piece * piece + piece;
  std::int64_t input = traces_read(a.source, a.plan.width) * pitch * static_cast<int>(sizeof(T));
  if (stages_plan(columns, staging)) input += staged_outputs(cut.threads) * planned_bytes(a);
  return static_cast<std::size_t>(cut.stages * (input << cut.inputs_shift) + sums);
}

/// is_half: planned weights are stored in 16 bits, of either type. Traces: those read one by one, 1
/// or 2; 0 where it does not pay to have a kernel of each.
template <class T, bool is_half, class Slot, bool has_slots, int Traces, int Columns,
          DenseStaging staging>
struct DelayedDenseBody {
  static constexpr int lanes =
      staging == DenseStaging::pieces ? 16 / static_cast<int>(sizeof(T)) : 1;
  static constexpr int pieces = Columns / lanes;
  static constexpr bool is_plan_staged = stages_plan(Columns, staging);
  static constexpr std::int32_t ahead = dense_ahead(Traces, is_half);

  DelayedDense<T> arguments;
  DenseCut cut;
  T* partial;  ///< [parts][columns][outputs]

  /// From one staged input to the next: not a multiple of the banks, but of 16 bytes.
  CUSYNAPSE_HOST_DEVICE static std::int32_t input_pitch(const DelayedDense<T>& a) {
    constexpr std::int32_t piece = 16 / static_cast<std::int32_t>(sizeof(T));
    const std::int32_t staged = ColumnBlock(a, 0, Columns).staged();
    return (staged + piece - 1) / piece * piece + piece;
  }
  std::size_t shared_bytes(int) const {
    return dense_block_bytes(arguments, Columns, staging, cut);
  }
  std::int64_t blocks() const { return cut.output_blocks * cut.column_blocks * cut.parts; }

  template <class Context>
  CUSYNAPSE_HOST_DEVICE void operator()(const Context& context) const {
    const DelayedDense<T>& a = arguments;
    const Place place = place_of(context.block());
    const std::int64_t output = place.output_block * cut.threads + context.rank();
    const std::int64_t tile_output = output < a.outputs ? output : a.outputs - 1;
    const std::int64_t runs = (a.inputs + sum_run - 1) / sum_run;
    const std::int64_t first_run = place.part * cut.runs_per_part;
    const std::int64_t left = a.inputs - first_run * sum_run;
    const std::int64_t most = cut.runs_per_part * sum_run;

    Part p;
    p.column_block = static_cast<std::int32_t>(place.column_block);
    p.head = a.source.head.get();
    p.first_input = static_cast<std::int32_t>(first_run * sum_run);
    p.inputs = static_cast<std::int32_t>(left < most ? left : most);
    // The plan of consecutive inputs of an output lies a tile's outputs apart, from tile to tile.
    p.tile_size = runs * (sum_run * dense_tile_outputs);
    p.plan = tile_output / dense_tile_outputs * p.tile_size +
             first_run * (sum_run * dense_tile_outputs) + tile_output % dense_tile_outputs;
    p.is_double = Traces == 0 ? traces_read(a.source, a.plan.width) == 2 : Traces == 2;
    T* const group = static_cast<T*>(context.shared()) + context.rank();
    if constexpr (staging == DenseStaging::none) {
      add_unstaged(p, group);
    } else {
      p.pitch = input_pitch(a);
      p.trace_size = p.pitch << cut.inputs_shift;
      p.stage_size = p.is_double ? 2 * p.trace_size : p.trace_size;
      T* const staged = static_cast<T*>(context.shared()) + cut.threads * Columns;
      auto* const plans =
          reinterpret_cast<unsigned char*>(staged + stages() * std::int64_t{p.stage_size});
      if constexpr (is_plan_staged) {
        p.first_tile = place.output_block * cut.threads / dense_tile_outputs;
        p.tiles = (a.outputs + dense_tile_outputs - 1) / dense_tile_outputs;
        p.staged_at = context.rank() / static_cast<int>(dense_tile_outputs) *
                          (static_cast<std::int32_t>(dense_tile_outputs) << cut.inputs_shift) +
                      static_cast<std::int32_t>(output % dense_tile_outputs);
        p.plan_size = staged_plan_size(p);
      }
      add_staged(context, p, staged, plans, group);
    }
    store(context, group);
  }

 private:
  /// Which of the blocks one is; there are less than 2^31.
  struct Place {
    std::int64_t output_block;
    std::int64_t column_block;
    std::int64_t part;
  };
  CUSYNAPSE_HOST_DEVICE Place place_of(std::int64_t block) const {
    const auto number = static_cast<std::uint32_t>(block);
    const auto output_blocks = static_cast<std::uint32_t>(cut.output_blocks);
    const auto column_blocks = static_cast<std::uint32_t>(cut.column_blocks);
    const std::uint32_t rest = number / output_blocks;
    return {number % output_blocks, rest % column_blocks, rest / column_blocks};
  }

  /// Stores a thread's sums column by column, so that consecutive threads write consecutive
  /// outputs. The block is asked again where it is, so that no register holds it while inputs are
  /// added up.
  template <class Context>
  CUSYNAPSE_HOST_DEVICE void store(const Context& context, const T* group) const {
    const Place place = place_of(context.block());
    const std::int64_t outputs = arguments.outputs;
    const std::int64_t output = place.output_block * cut.threads + context.rank();
    if (output >= outputs) return;
    const std::int64_t first = place.column_block * Columns;
    const std::int64_t columns = column_count(arguments);
    T* const to = partial + (place.part * columns + first) * outputs + output;
    for (int c = 0; c < Columns && first + c < columns; ++c) {
      to[c * outputs] = group[c * cut.threads];
    }
  }

  /// What a block adds up, as one of its threads sees it.
  struct Part {
    std::int32_t column_block = 0;
    std::int32_t head = 0;
    std::int32_t inputs = 0;
    std::int32_t first_input = 0;
    std::int64_t plan = 0;       ///< entry of the first input
    std::int64_t tile_size = 0;  ///< entries of the tiles of 32 outputs
    bool is_double = false;
    std::int32_t pitch = 0;       ///< of staged inputs
    std::int32_t trace_size = 0;  ///< elements of one trace of a stage
    std::int32_t stage_size = 0;
    // Of a staged plan: [tile][input][32 outputs] of weights, then shares, then slots.
    std::int64_t first_tile = 0;
    std::int64_t tiles = 0;      ///< there are
    std::int32_t staged_at = 0;  ///< entry of a thread's output and the first input
    std::int32_t plan_size = 0;  ///< bytes of a stage
  };

  /// Planned weights of consecutive inputs, as they are stored: converting them would wait for
  /// them.
  using Weight = std::conditional_t<is_half, std::uint16_t, T>;
  struct Planned {
    Weight weights[ahead];
    Weight shares[ahead];
    std::int32_t slots[ahead];
  };

  CUSYNAPSE_HOST_DEVICE static std::int64_t first_column(const Part& p) {
    return std::int64_t{p.column_block} * Columns;
  }
  CUSYNAPSE_HOST_DEVICE ColumnBlock columns(const Part& p) const {
    return ColumnBlock(arguments, first_column(p), Columns);
  }

  /// Where the plan is loaded, no part is one stage.
  CUSYNAPSE_HOST_DEVICE std::int32_t stages() const { return is_plan_staged ? cut.stages : 2; }

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

  /// Where a thread finds the pieces of the columns it adds up: those of a row lie `at[k]` and the
  /// row's place, in bytes.
  struct Pieces {
    const unsigned char* at[pieces];
    std::int32_t newest;      ///< of the row of slot 0
    std::int32_t slot_pitch;  ///< from a slot to the next newer one
  };
  CUSYNAPSE_HOST_DEVICE Pieces pieces_of(int rank, const Part& p, const T* staged) const {
    constexpr auto size = static_cast<std::int32_t>(sizeof(T));
    Pieces out;
    for (int k = 0; k < pieces; ++k) {
      out.at[k] = reinterpret_cast<const unsigned char*>(staged + column_of(rank, k * lanes));
    }
    const ColumnBlock block = columns(p);
    out.newest = block.row_start(0) * size;
    out.slot_pitch = block.pitch * size;
    return out;
  }

  /// While the inputs of one stage are added up, the copies of the next are on their way, and so
  /// are, where the plan is not staged, the planned weights of the next inputs.
  template <class Context>
  CUSYNAPSE_HOST_DEVICE void add_staged(const Context& context, const Part& p, T* staged,
                                        unsigned char* plans, T* group) const {
    const std::int32_t stage_inputs = 1 << cut.inputs_shift;
    stage_out_of_range(context, p, staged);
    const Pieces at = pieces_of(context.rank(), p, staged);
    Planned planned;
    if constexpr (!is_plan_staged) planned = read_plan(p, 0);
    T sums[Columns] = {};
    std::int32_t current = stages() - 1;
    std::int32_t other = 0;
    for (std::int32_t begin = -stage_inputs; begin < p.inputs; begin += stage_inputs) {
      context.wait_copies();
      context.sync();  // all copies are there, and all threads done with the other stage
      stage(context, p, begin + stage_inputs, staged + other * p.stage_size);
      if constexpr (is_plan_staged) {
        stage_plan(context, p, begin + stage_inputs, plans + other * p.plan_size);
      }
      if (begin >= 0) {
        const std::int32_t left = p.inputs - begin;
        const std::int32_t count = left < stage_inputs ? left : stage_inputs;
        const std::int32_t row = current * p.stage_size * static_cast<std::int32_t>(sizeof(T));
        if constexpr (!is_plan_staged) {
          add_inputs(p, at, row, begin, count, planned, sums);
        } else if (has_slots && p.is_double) {
          add_inputs<2>(p, at, row, plans + current * p.plan_size, count, sums);
        } else {
          add_inputs<1>(p, at, row, plans + current * p.plan_size, count, sums);
        }
        const std::int32_t done = begin + count;
        if (done % sum_run == 0 || done == p.inputs) {
          end_run(context.rank(), done <= sum_run, group, sums);
        }
      }
      const std::int32_t staged_next = other;
      other = current;
      current = staged_next;
    }
  }

  /// Adds up `count` inputs of a stage, whose histories start at `row` and whose plan is staged.
  template <int TraceCount>
  CUSYNAPSE_HOST_DEVICE void add_inputs(const Part& p, const Pieces& at, std::int32_t row,
                                        const unsigned char* plan, std::int32_t count,
                                        T (&sums)[Columns]) const {
    const std::int32_t entries = staged_entries();
    const Weight* const weights = reinterpret_cast<const Weight*>(plan) + p.staged_at;
    const Weight* const shares = weights + entries;
    const auto* const slots =
        reinterpret_cast<const Slot*>(plan + TraceCount * entries *
                                                 static_cast<std::int32_t>(sizeof(Weight))) +
        p.staged_at;
#if defined(__CUDA_ARCH__)
#pragma unroll 8  // what is read is on its way for several inputs
#endif
    for (std::int32_t i = 0; i < count; ++i) {
      const std::int32_t entry = i * static_cast<std::int32_t>(dense_tile_outputs);
      const std::int32_t input = row + i * p.pitch * static_cast<std::int32_t>(sizeof(T));
      const T weight = value_of(weights[entry]);
      std::int32_t slot = 0;
      if constexpr (has_slots) slot = slots[entry];
      const T share = TraceCount == 2 ? value_of(shares[entry]) : T(0);
      add_input<TraceCount>(p, at, weight, share, input, slot, sums);
    }
  }

  /// The same of inputs from `begin` of the part on, the first of which are planned already.
  CUSYNAPSE_HOST_DEVICE void add_inputs(const Part& p, const Pieces& at, std::int32_t row,
                                        std::int32_t begin, std::int32_t count, Planned& planned,
                                        T (&sums)[Columns]) const {
    for (std::int32_t offset = 0; offset < count; offset += ahead) {
      const Planned next = read_plan(p, begin + offset + ahead);
#if defined(__CUDA_ARCH__)
#pragma unroll  // what is planned stays in registers
#endif
      for (std::int32_t i = 0; i < ahead; ++i) {
        if (offset + i >= count) break;
        const std::int32_t input =
            row + (offset + i) * p.pitch * static_cast<std::int32_t>(sizeof(T));
        const T share = Traces == 2 ? value_of(planned.shares[i]) : T(0);
        add_input<Traces>(p, at, value_of(planned.weights[i]), share, input, planned.slots[i],
                          sums);
      }
      planned = next;
    }
  }

  /// Entries of a staged plan, and its bytes.
  CUSYNAPSE_HOST_DEVICE std::int32_t staged_entries() const {
    return static_cast<std::int32_t>(staged_outputs(cut.threads)) << cut.inputs_shift;
  }
  CUSYNAPSE_HOST_DEVICE std::int32_t staged_plan_size(const Part& p) const {
    const int weights = (p.is_double ? 2 : 1) * static_cast<int>(sizeof(Weight));
    const int slots = has_slots ? static_cast<int>(sizeof(Slot)) : 0;
    return staged_entries() * (weights + slots);
  }

  /// Begins to stage the plan of the inputs from `from` on.
  template <class Context>
  CUSYNAPSE_HOST_DEVICE void stage_plan(const Context& context, const Part& p, std::int32_t from,
                                        unsigned char* to) const {
    if (from >= p.inputs) return;
    const PlannedWeights<T>& plan = arguments.plan;
    for (int trace = 0; trace < (p.is_double ? 2 : 1); ++trace) {
      to = stage_entries<sizeof(Weight)>(context, p, from, plan.weights[trace].data(), to);
    }
    if constexpr (has_slots) stage_entries<sizeof(Slot)>(context, p, from, plan.slots, to);
  }

  /// One array of it; returns the end of what is staged. A tile's rows of consecutive inputs follow
  /// each other, up to the end of the last run. Tiles that are not there are staged as the last
  /// one.
  template <std::size_t size, class Context>
  CUSYNAPSE_HOST_DEVICE unsigned char* stage_entries(const Context& context, const Part& p,
                                                     std::int32_t from, const void* array,
                                                     unsigned char* to) const {
    using Bytes = Piece<std::uint32_t>;
    constexpr auto row = static_cast<std::int32_t>(dense_tile_outputs * size / sizeof(Bytes));
    const std::int32_t tile_pieces = row << cut.inputs_shift;
    const std::int32_t count = staged_entries() / static_cast<std::int32_t>(sizeof(Bytes) / size);
    const auto* const first =
        static_cast<const unsigned char*>(array) +
        (std::int64_t{p.first_input} + from) * std::int64_t{dense_tile_outputs * size};
    auto* const staged = reinterpret_cast<Bytes*>(to);
    for (std::int32_t e = context.rank(); e < count; e += context.size()) {
      const std::int32_t tile_staged = e / row >> cut.inputs_shift;
      const std::int64_t wanted = p.first_tile + tile_staged;
      const std::int64_t tile = wanted < p.tiles ? wanted : p.tiles - 1;
      const auto* const tile_first = reinterpret_cast<const Bytes*>(
          first + tile * p.tile_size * static_cast<std::int64_t>(size));
      context.copy_async(staged + e, tile_first + (e - tile_staged * tile_pieces));
    }
    return to + count * static_cast<std::int32_t>(sizeof(Bytes));
  }

  /// Planned weights of inputs [from, from + ahead) of a part; of others where there are none. Past
  /// the last input the plan goes on to the end of the run.
  CUSYNAPSE_HOST_DEVICE Planned read_plan(const Part& p, std::int32_t from) const {
    const std::int32_t first = from < p.inputs ? from : 0;
    Planned out;
    for (std::int32_t i = 0; i < ahead; ++i) {
      const std::int64_t entry = p.plan + (first + i) * dense_tile_outputs;
      out.weights[i] = stored_weight(0, entry);
      out.shares[i] = Traces == 2 ? stored_weight(1, entry) : Weight(0);
      out.slots[i] = slot_of(entry);
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
    const std::int32_t rows = stages() * p.stage_size / p.pitch;
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
      const std::int64_t input = std::int64_t{p.first_input} + from + i;
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
#if defined(__CUDA_ARCH__)
#pragma unroll 1  // sums in registers leave no room
#endif
        for (std::int32_t k = 0; k < count; ++k) {
          at[k * step] = source_value(source, trace, has_slots, offset + k * stride);
        }
      }
    };
    if (arguments.steps > 1) {
      const ColumnBlock block = columns(p);
      for (std::int32_t at = Columns + turn; at < block.staged(); at += turns) {
        const ColumnBlock::Origin origin = block.origin(at);
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
    const std::int32_t delay_slots = arguments.plan.delay_slots;
    const std::int32_t slot = source_slot(source, p.head, delay_slots - 1 - first_row);
    const std::int32_t count = (delay_slots - first_row + rows_at_once - 1) / rows_at_once;
    const std::int32_t to_end = (source.slots - slot + rows_at_once - 1) / rows_at_once;
    const std::int32_t before = count < to_end ? count : to_end;
    const std::int64_t stride = rows_at_once * source.stride;
    const std::int32_t step = rows_at_once * Columns;
    for (std::int32_t column = turns > Columns ? turn % Columns : turn;
         column < Columns && first_column(p) + column < arguments.batch; column += turns) {
      const std::int64_t offset =
          slot * source.stride + (first_column(p) + column) * arguments.inputs + input;
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
  CUSYNAPSE_HOST_DEVICE void add_input(const Part& p, const Pieces& pieces_at, T weight, T share,
                                       std::int32_t input, std::int32_t slot,
                                       T (&sums)[Columns]) const {
    const std::int32_t row = input + (has_slots && slot == arguments.plan.delay_slots
                                          ? 0
                                          : pieces_at.newest - slot * pieces_at.slot_pitch);
    const std::int32_t to_other = p.trace_size * static_cast<std::int32_t>(sizeof(T));
    for (int k = 0; k < pieces; ++k) {
      const unsigned char* const at = pieces_at.at[k] + row;
      Staged values = load(at);
      if constexpr (TraceCount == 2) {
        const Staged others = load(at + to_other);
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
  CUSYNAPSE_HOST_DEVICE static Staged load(const unsigned char* from) {
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
        const ColumnBlock block = columns(p);
        const ColumnBlock::Origin origin = block.origin(block.row_start(slot));
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

/// Adds up the parts: call (x, y) covers Width outputs of column y, 16 bytes of them.
template <class T>
struct DenseReduceBody {
  static constexpr int width = 16 / static_cast<int>(sizeof(T));
  const T* partial;
  std::int64_t parts;
  std::int32_t runs_per_part;
  std::int64_t columns;
  std::int64_t outputs;
  const T* bias;
  bool accumulates;
  T* out;

  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t y) const {
    const std::int64_t first = x * width;
    const std::int64_t part_size = columns * outputs;
    const bool in_pieces = outputs % width == 0 && is_piece_aligned<width>(partial);
    const bool are_groups = runs_per_part == sum_group;  // the parts; or runs of them
    const T* row = partial + y * outputs;
    T total[width] = {};
    for (std::int64_t begin = 0; begin < parts; begin += sum_group) {
      const auto count = static_cast<int>(parts - begin < sum_group ? parts - begin : sum_group);
      // All are on their way before the first is added: a small batch has few threads, which
      // would wait for one load after the other.
      T values[sum_group][width] = {};
      for (int k = 0; k < sum_group; ++k) {
        if (k >= count) continue;
        if (in_pieces) {
          load_aligned(row + first, values[k]);
        } else {
          load_guarded<false>(row, first, outputs, values[k]);
        }
        row += part_size;
      }
      T group[width] = {};
      for (int k = 0; k < sum_group; ++k) {
        if (k >= count) continue;
        if (are_groups) {
          add(values[k], begin + k == 0, total);
        } else {
          add(values[k], k == 0, group);
        }
      }
      if (!are_groups) add(group, begin == 0, total);
    }
    store_sums(total, first, outputs, bias, accumulates, out + y * outputs);
  }

 private:
  CUSYNAPSE_HOST_DEVICE static void add(const T (&values)[width], bool is_first, T (&sums)[width]) {
    for (int i = 0; i < width; ++i) {
      sums[i] = is_first ? values[i] : math::add(sums[i], values[i]);
    }
  }
};

/// How the inputs of a call are cut into parts. Parts of more than one run save memory traffic, but
/// only where enough blocks are left to fill the largest devices.
template <class T>
DenseCut dense_parts(const DelayedDense<T>& a, std::int32_t threads) {
  constexpr std::int64_t enough_blocks = 240;
  const std::int64_t count = column_count(a);
  const std::int64_t runs = (a.inputs + sum_run - 1) / sum_run;
  const std::int64_t groups = (runs + sum_group - 1) / sum_group;
  DenseCut cut;
  cut.threads = threads;
  cut.output_blocks = (a.outputs + threads - 1) / threads;
  const std::int64_t blocks = cut.output_blocks * groups * ((count + 31) / 32);
  const bool is_full = blocks >= enough_blocks;
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
    DenseCut& cut = shape.cut;
    const auto stage_inputs = [&](std::int32_t shift) {
      cut.inputs_shift = shift;
      const bool is_one_stage = cut.runs_per_part == 1 && 1 << shift == sum_run;
      cut.stages = stages_plan(shape.columns, shape.staging) && is_one_stage ? 1 : 2;
    };
    const auto fits = [&](std::size_t bytes) {
      return dense_block_bytes(a, shape.columns, shape.staging, cut) <= bytes;
    };
    while (true) {
      stage_inputs(shift_of(dense_least_inputs<T>(shape.columns, shape.staging)));
      if (fits(limits.most_shared_bytes)) break;
      if (shape.columns == 1) {
        shape.staging = DenseStaging::none;
        break;
      }
      shape.columns = shape.columns > narrow_columns && is_aligned ? narrow_columns : 1;
    }
    if (shape.columns == 1 && shape.staging == DenseStaging::pieces) {
      shape.staging = DenseStaging::elements;
    }
    for (std::int32_t shift = cut.inputs_shift + 1; shift <= 5 && 1 << shift <= limits.threads;
         ++shift) {
      stage_inputs(shift);
      if (fits(limits.shared_bytes)) continue;
      stage_inputs(shift - 1);
      break;
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
  const bool is_double = traces_read(a.source, a.plan.width) == 2;
  const auto with_slots = [&](auto slot, auto has_slots, auto is_half) {
    using Slot = std::decay_t<decltype(slot)>;
    constexpr bool has = decltype(has_slots)::value;
    constexpr bool half = decltype(is_half)::value;
    constexpr auto in_pieces = DenseStaging::pieces;
    constexpr auto in_elements = DenseStaging::elements;
    const DenseCut& cut = shape.cut;
    const auto launch_wide = [&](auto staging) {
      constexpr int wide = wide_columns<T>(staging);
      if constexpr (stages_plan(wide, staging)) {
        launch(DelayedDenseBody<T, half, Slot, has, 0, wide, staging>{a, cut, partial});
      } else {
        if constexpr (has) {
          if (is_double) {
            return launch(DelayedDenseBody<T, half, Slot, has, 2, wide, staging>{a, cut, partial});
          }
        }
        launch(DelayedDenseBody<T, half, Slot, has, 1, wide, staging>{a, cut, partial});
      }
    };
    if constexpr (has) {  // one value a history always fits
      if (shape.staging == DenseStaging::none) {
        return launch(
            DelayedDenseBody<T, half, Slot, has, 0, 1, DenseStaging::none>{a, cut, partial});
      }
    }
    if (shape.columns == 1) {
      launch(DelayedDenseBody<T, half, Slot, has, 0, 1, in_elements>{a, cut, partial});
    } else if (shape.staging == in_elements) {
      launch_wide(std::integral_constant<DenseStaging, in_elements>());
    } else if (shape.columns == narrow_columns) {
      launch(DelayedDenseBody<T, half, Slot, has, 0, narrow_columns, in_pieces>{a, cut, partial});
    } else {
      launch_wide(std::integral_constant<DenseStaging, in_pieces>());
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
template <class T>
DenseReduceBody<T> dense_reduction(const DelayedDense<T>& a, std::int32_t threads) {
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
