// delayed_dense on a CPU: hand-shaped, because what fits a GPU's threads does not fit a vector
// unit.
//
// For every run of 32 inputs, their histories are turned from [slot][sample][input] to
// [input][slot][sample] in memory the second-level cache holds; then every output adds up 32 rows
// of them, each at its slot times its weight, with sums in vector registers: one row is a gather of
// whole vectors. With few columns the vectors lie over outputs instead. Threads take blocks of
// columns, or share out the outputs of one; each stages for itself, a tenth of the work, so that
// none ever waits for another.
//
// The order of sums is that of `sum_run`, so the bits are those of every other backend.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/bodies/dense_columns.hpp"
#include "kernels/cpu/launch.hpp"

namespace cusynapse::cpu {

#if defined(__GNUC__)
/// Consecutive elements in registers. Arithmetic is element by element.
template <class T, int Bytes>
struct VectorType {
  typedef T type __attribute__((vector_size(Bytes)));
};
#else
template <class T, int Bytes>
struct VectorType {
  struct type {
    static constexpr int lanes = Bytes / static_cast<int>(sizeof(T));
    T values[lanes];
    T& operator[](int i) { return values[i]; }
    T operator[](int i) const { return values[i]; }
    type& operator+=(const type& a) {
      for (int i = 0; i < lanes; ++i) values[i] += a.values[i];
      return *this;
    }
  };
};
#endif

/// Adds factor * values to the sums. Compilers make one instruction of the loop.
template <class T, class Vector>
CUSYNAPSE_HOST_DEVICE void add_product(T factor, const Vector& values, Vector& sums) {
#pragma GCC unroll 16
  for (int i = 0; i < static_cast<int>(sizeof(Vector) / sizeof(T)); ++i) {
    sums[i] = math::fused_multiply_add(factor, values[i], sums[i]);
  }
}

/// Terms of a call below which starting threads costs more than it saves.
inline constexpr double dense_parallel_threshold = 0x1p20;

/// The largest block of columns.
inline constexpr std::int32_t most_columns = 32;

/// A block of columns of some tiles of outputs, and a thread's places in the workspace.
template <class T>
struct DenseWork {
  const DelayedDense<T>& arguments;
  kernels::ColumnBlock columns;
  std::int32_t traces;       ///< staged one by one, 1 or 2
  std::int64_t input_pitch;  ///< from one staged input to the next
  std::int32_t head = 0;
  std::int64_t first_tile = 0;
  std::int64_t last_tile = 0;
  T* staged = nullptr;  ///< [trace][32 inputs][input_pitch]
  T* group = nullptr;   ///< the sums of the present group of runs: `width` for each output
  T* total = nullptr;   ///< of the groups before

  DenseWork(const DelayedDense<T>& a, std::int64_t first_column, std::int32_t width)
      : arguments(a),
        columns(a, first_column, width),
        traces(kernels::traces_read(a.source, a.plan.width)),
        // Positions are staged four at a time and read in whole vectors; the odd line keeps inputs
        // out of step with the sets of a cache.
        input_pitch((columns.staged() + 15 + 4) / 16 * 16 + 16) {}

  std::int64_t staged_size() const { return traces * sum_run * input_pitch; }
  /// Elements of a thread's memory, for that many tiles.
  std::int64_t size(std::int64_t tiles) const {
    const std::int64_t elements = staged_size() + 2 * tiles * dense_tile_outputs * columns.width;
    return (elements + 63) / 64 * 64;
  }
  void place(T* memory, std::int64_t begin_tile, std::int64_t end_tile) {
    first_tile = begin_tile;
    last_tile = end_tile;
    staged = memory;
    group = staged + staged_size();
    total = group + (last_tile - first_tile) * dense_tile_outputs * columns.width;
  }
};

/// Columns of the block that starts at `first`: the power of two that holds what is left, or less
/// where a run would not fit into the second-level cache.
template <class T>
std::int32_t block_width(const DelayedDense<T>& a, std::int64_t first) {
  constexpr std::int64_t most_bytes = std::int64_t{512} * 1024;
  const std::int64_t left = kernels::column_count(a) - first;
  std::int32_t width = most_columns;
  while (width / 2 >= left) width /= 2;
  while (width > 1 &&
         DenseWork<T>(a, first, width).staged_size() * static_cast<std::int64_t>(sizeof(T)) >
             most_bytes) {
    width /= 2;
  }
  return width;
}

/// How a call is shared out: `groups` of threads take the blocks of columns in turn, the `members`
/// of a group the tiles of outputs.
template <class T>
struct DenseShares {
  std::int64_t threads = 1;
  std::int64_t groups = 1;
  std::int64_t tiles = 0;     ///< of a thread, at most
  std::int64_t elements = 0;  ///< of a thread's memory

  DenseShares(const DelayedDense<T>& a, std::int64_t most_threads) {
    const std::int64_t all = (a.outputs + dense_tile_outputs - 1) / dense_tile_outputs;
    // The first block is as wide as any.
    const std::int32_t width = block_width(a, 0);
    const std::int64_t blocks = (kernels::column_count(a) + width - 1) / width;
    groups = std::min(blocks, most_threads);
    const std::int64_t members = std::min(most_threads / groups, all);
    threads = groups * members;
    tiles = (all + members - 1) / members;
    elements = DenseWork<T>(a, 0, width).size(tiles);
  }
  std::size_t bytes() const { return static_cast<std::size_t>(threads * elements) * sizeof(T); }
};

/// Threads that pay for a call.
template <class T>
std::int64_t dense_threads(const DelayedDense<T>& a) {
  const double terms = static_cast<double>(a.inputs) * static_cast<double>(a.outputs) *
                       static_cast<double>(kernels::column_count(a));
  return terms >= dense_parallel_threshold ? most_threads() : 1;
}

/// Workspace of a call on as many threads as pay, or of one thread, the least there must be.
template <class T>
std::size_t dense_workspace_bytes(const DelayedDense<T>& a, bool is_least) {
  return DenseShares<T>(a, is_least ? 1 : dense_threads(a)).bytes();
}

#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define CUSYNAPSE_HAS_SHUFFLE 1
#endif
#endif

/// Four rows of four into four columns.
template <class T, class Four>
CUSYNAPSE_HOST_DEVICE void transpose(const Four (&in)[4], Four (&out)[4]) {
#if defined(CUSYNAPSE_HAS_SHUFFLE)
  const Four low02 = __builtin_shufflevector(in[0], in[2], 0, 4, 1, 5);
  const Four low13 = __builtin_shufflevector(in[1], in[3], 0, 4, 1, 5);
  const Four high02 = __builtin_shufflevector(in[0], in[2], 2, 6, 3, 7);
  const Four high13 = __builtin_shufflevector(in[1], in[3], 2, 6, 3, 7);
  out[0] = __builtin_shufflevector(low02, low13, 0, 4, 1, 5);
  out[1] = __builtin_shufflevector(low02, low13, 2, 6, 3, 7);
  out[2] = __builtin_shufflevector(high02, high13, 0, 4, 1, 5);
  out[3] = __builtin_shufflevector(high02, high13, 2, 6, 3, 7);
#else
  T rows[4][4];
  T columns[4][4];
  std::memcpy(rows, in, sizeof rows);
  for (int row = 0; row < 4; ++row) {
    for (int column = 0; column < 4; ++column) columns[column][row] = rows[row][column];
  }
  std::memcpy(out, columns, sizeof columns);
#endif
}

#undef CUSYNAPSE_HAS_SHUFFLE

/// Consecutive elements of a trace, whichever way it is stored.
template <class T>
struct LoadInputs {
  const StoredData<const T>& trace;
  std::int64_t offset;
  std::int32_t inputs;
  T (&values)[sum_run];
  template <class Stored>
  CUSYNAPSE_HOST_DEVICE void operator()(Stored) const {
    const Stored* const from = trace.template as<Stored>() + offset;
    for (std::int32_t i = 0; i < inputs; ++i) values[i] = kernels::loaded<T>(from[i]);
  }
};

/// Stages `inputs` inputs from `first_input`, four positions at a time.
template <class T>
CUSYNAPSE_HOST_DEVICE void stage(const DenseWork<T>& work, std::int64_t first_input,
                                 std::int32_t inputs) {
  using Four = typename VectorType<T, 4 * sizeof(T)>::type;
  const DelayedDense<T>& a = work.arguments;
  const CurrentSource<T>& source = a.source;
  const bool is_delayed = a.plan.width != SlotWidth::none;
  const bool is_raw = source.kind == SourceKind::traces && is_delayed;
  const T silence[sum_run] = {};
  for (std::int32_t trace = 0; trace < work.traces; ++trace) {
    T* const to = work.staged + trace * sum_run * work.input_pitch;
    for (std::int32_t position = work.columns.width; position < work.columns.staged();
         position += 4) {
      // Four rows of 32 inputs: in the ring itself, or put together here.
      alignas(64) T values[4][sum_run];
      const T* rows[4];
      for (std::int32_t r = 0; r < 4; ++r) {
        const auto origin = work.columns.origin(position + r);
        rows[r] = silence;
        if (!origin.is_there) continue;
        const std::int32_t slot = math::slot_at(work.head, origin.back, source.slots);
        const std::int64_t offset = slot * source.stride + origin.sample * a.inputs + first_input;
        if (is_raw && inputs == sum_run && source.traces[trace].storage() == StorageType::same) {
          rows[r] = source.traces[trace].template as<T>() + offset;
          continue;
        }
        rows[r] = values[r];
        if (source.kind == SourceKind::bits) {
          // Up to 32 bits from any bit on.
          std::uint64_t bits = 0;
          std::memcpy(&bits, source.spikes + (offset >> 3),
                      static_cast<std::size_t>(((offset & 7) + inputs + 7) >> 3));
          const auto word = static_cast<std::uint32_t>(bits >> (offset & 7));
          const T amplitude = source.amplitude;
          for (std::int32_t i = 0; i < sum_run; ++i) {
            values[r][i] = ((word >> i) & 1u) != 0 ? amplitude : T(0);
          }
        } else if (is_raw || (source.kind == SourceKind::traces && source.trace_count == 1 &&
                              source.weight[0] == T(1))) {
          const StoredData<const T>& from = source.traces[is_raw ? trace : 0];
          visit_storage<T>(from.storage(), LoadInputs<T>{from, offset, inputs, values[r]});
        } else {
          for (std::int32_t i = 0; i < inputs; ++i) {
            values[r][i] = kernels::source_value(source, trace, is_delayed, offset + i);
          }
        }
        for (std::int32_t i = inputs; i < sum_run; ++i) values[r][i] = T(0);
      }
      for (std::int32_t i = 0; i < sum_run; i += 4) {
        Four in[4];
        for (std::int32_t r = 0; r < 4; ++r) std::memcpy(&in[r], rows[r] + i, sizeof(Four));
        Four out[4];
        transpose<T>(in, out);
        for (std::int32_t r = 0; r < 4; ++r) {
          std::memcpy(to + (i + r) * work.input_pitch + position, &out[r], sizeof(Four));
        }
      }
    }
  }
}

/// Writes what weights out of range read, which no staging touches.
template <class T>
void stage_overbound(const DenseWork<T>& work) {
  for (std::int32_t trace = 0; trace < work.traces; ++trace) {
    const T value = trace == 0 ? work.arguments.plan.overbound : T(0);
    for (std::int64_t i = 0; i < sum_run; ++i) {
      T* const row = work.staged + (trace * sum_run + i) * work.input_pitch;
      std::fill(row, row + work.columns.width, value);
    }
  }
}

/// Adds the sums of a run, `count` consecutive ones in `run`, to those of its group, and at the end
/// of a group to the total.
template <class T, class Vector, int Count>
CUSYNAPSE_HOST_DEVICE void add_run(const DenseWork<T>& work, std::int64_t run, bool is_last,
                                   std::int64_t at, Vector (&sums)[Count]) {
  T* const group = work.group + at;
  T* const total = work.total + at;
  for (int v = 0; v < Count; ++v) {
    constexpr std::int64_t lanes = sizeof(Vector) / sizeof(T);
    if (run % sum_group != 0) {
      Vector before;
      std::memcpy(&before, group + v * lanes, sizeof before);
      before += sums[v];
      sums[v] = before;
    }
    if (!is_last && run % sum_group != sum_group - 1) {
      std::memcpy(group + v * lanes, &sums[v], sizeof sums[v]);
      continue;
    }
    if (run >= sum_group) {
      Vector before;
      std::memcpy(&before, total + v * lanes, sizeof before);
      before += sums[v];
      sums[v] = before;
    }
    std::memcpy(total + v * lanes, &sums[v], sizeof sums[v]);
  }
}

/// How many outputs are summed at once: as many as leave registers to work in.
template <int VectorBytes>
constexpr int outputs_at_once(int vectors) {
  const int registers = VectorBytes == 64 ? 16 : 8;
  const int outputs = registers / vectors;
  return outputs < 1 ? 1 : (outputs > 8 ? 8 : outputs);
}

/// Where the rows of one run of a tile start, in the staged values of their input.
struct RowStarts {
  alignas(64) std::int32_t of[sum_run * dense_tile_outputs];

  template <class Slot>
  CUSYNAPSE_HOST_DEVICE void decode(const kernels::ColumnBlock& columns, const Slot* slots) {
    const std::int32_t newest = columns.row_start(0);
    const std::int32_t pitch = columns.pitch;
    const std::int32_t delay_slots = columns.delay_slots;
    for (std::int32_t e = 0; e < sum_run * dense_tile_outputs; ++e) {
      const std::int32_t slot = slots[e];
      of[e] = slot == delay_slots ? 0 : newest - slot * pitch;
    }
  }
};

/// Planned weights of one run of a tile, in the type they are computed with.
template <class T>
struct TileWeights {
  static constexpr std::int64_t size = sum_run * dense_tile_outputs;
  const T* of[max_traces] = {};
  alignas(64) T converted[max_traces][size];

  CUSYNAPSE_HOST_DEVICE void decode(const PlannedWeights<T>& plan, int count,
                                    std::int64_t plan_at) {
    for (int k = 0; k < count; ++k) {
      const StoredData<const T>& weights = plan.weights[k];
      if (weights.storage() == StorageType::same) {
        of[k] = weights.template as<T>() + plan_at;
      } else {
        visit_storage<T>(weights.storage(), Convert{weights, plan_at, converted[k]});
        of[k] = converted[k];
      }
    }
  }

 private:
  struct Convert {
    const StoredData<const T>& weights;
    std::int64_t first;
    T (&to)[size];
    template <class Stored>
    CUSYNAPSE_HOST_DEVICE void operator()(Stored) const {
      const Stored* const from = weights.template as<Stored>() + first;
      for (std::int64_t i = 0; i < size; ++i) to[i] = kernels::loaded<T>(from[i]);
    }
  };
};

/// One run of the sums of one tile of outputs, vectors along columns.
template <class T, int VectorBytes, int Width, bool is_double>
CUSYNAPSE_HOST_DEVICE void sum_columns(const DenseWork<T>& work, std::int64_t run, bool is_last,
                                       std::int64_t tile, std::int32_t inputs,
                                       const TileWeights<T>& weights, const RowStarts& starts) {
  constexpr int row_bytes = Width * static_cast<int>(sizeof(T));
  constexpr int vector_bytes = row_bytes < VectorBytes ? row_bytes : VectorBytes;
  constexpr int lanes = vector_bytes / static_cast<int>(sizeof(T));
  constexpr int vectors = row_bytes / vector_bytes;
  constexpr int at_once = outputs_at_once<VectorBytes>(vectors);
  using Vector = typename VectorType<T, vector_bytes>::type;
  const std::int64_t second = sum_run * work.input_pitch;  // from a trace to the other

  for (std::int64_t first = 0; first < dense_tile_outputs; first += at_once) {
    Vector sums[at_once * vectors] = {};
    const T* weight = weights.of[0] + first;
    const T* share = is_double ? weights.of[1] + first : nullptr;
    const std::int32_t* start = starts.of + first;
    const T* row = work.staged;
    for (std::int32_t i = 0; i < inputs; ++i) {
#pragma GCC unroll 8
      for (int j = 0; j < at_once; ++j) {
        const T* const values = row + start[j];
        const T w = weight[j];
#pragma GCC unroll 8
        for (int v = 0; v < vectors; ++v) {
          Vector piece;
          std::memcpy(&piece, values + v * lanes, sizeof piece);
          if constexpr (is_double) {
            Vector other;
            std::memcpy(&other, values + second + v * lanes, sizeof other);
            add_product(share[j], other, piece);
          }
          add_product(w, piece, sums[j * vectors + v]);
        }
      }
      weight += dense_tile_outputs;
      if constexpr (is_double) share += dense_tile_outputs;
      start += dense_tile_outputs;
      row += work.input_pitch;
    }
    add_run(work, run, is_last, ((tile - work.first_tile) * dense_tile_outputs + first) * Width,
            sums);
  }
}

/// The same with vectors along outputs: for fewer columns than a vector is long.
template <class T, int Width, bool is_double>
CUSYNAPSE_HOST_DEVICE void sum_outputs(const DenseWork<T>& work, std::int64_t run, bool is_last,
                                       std::int64_t tile, std::int32_t inputs,
                                       const TileWeights<T>& weights, const RowStarts& starts) {
  constexpr int lanes = static_cast<int>(dense_tile_outputs);
  const std::int64_t second = sum_run * work.input_pitch;

  T sums[Width][lanes] = {};
  const T* weight = weights.of[0];
  const T* share = is_double ? weights.of[1] : nullptr;
  const std::int32_t* start = starts.of;
  const T* row = work.staged;
  for (std::int32_t i = 0; i < inputs; ++i) {
    for (int c = 0; c < Width; ++c) {
      for (int j = 0; j < lanes; ++j) {
        T value = row[start[j] + c];
        if constexpr (is_double) {
          value = math::fused_multiply_add(share[j], row[second + start[j] + c], value);
        }
        sums[c][j] = math::fused_multiply_add(weight[j], value, sums[c][j]);
      }
    }
    weight += dense_tile_outputs;
    if constexpr (is_double) share += dense_tile_outputs;
    start += dense_tile_outputs;
    row += work.input_pitch;
  }
  using Vector = typename VectorType<T, 16>::type;
  constexpr int vectors = Width * lanes * static_cast<int>(sizeof(T)) / 16;
  Vector as_vectors[vectors];
  std::memcpy(as_vectors, sums, sizeof sums);
  add_run(work, run, is_last, (tile - work.first_tile) * dense_tile_outputs * Width, as_vectors);
}

/// One run of a thread's work.
template <class T>
struct RunPart {
  const DenseWork<T>& work;
  std::int64_t run;
  std::int64_t runs;
  std::int32_t inputs;  ///< of the run, 32 but for the last
};

template <class T, int VectorBytes, int Width, bool is_double>
CUSYNAPSE_HOST_DEVICE void sum_tiles(const RunPart<T>& part) {
  const DenseWork<T>& work = part.work;
  const PlannedWeights<T>& plan = work.arguments.plan;
  const bool is_last = part.run == part.runs - 1;
  RowStarts starts;
  TileWeights<T> weights;
  if (plan.width == SlotWidth::none) {
    std::fill(starts.of, starts.of + sum_run * dense_tile_outputs, work.columns.row_start(0));
  }
  for (std::int64_t tile = work.first_tile; tile < work.last_tile; ++tile) {
    const std::int64_t plan_at = (tile * part.runs + part.run) * sum_run * dense_tile_outputs;
    if (plan.width == SlotWidth::byte) {
      starts.decode(work.columns, static_cast<const std::uint8_t*>(plan.slots) + plan_at);
    } else if (plan.width == SlotWidth::word) {
      starts.decode(work.columns, static_cast<const std::uint16_t*>(plan.slots) + plan_at);
    }
    weights.decode(plan, is_double ? 2 : 1, plan_at);
    if constexpr (Width < 8) {
      sum_outputs<T, Width, is_double>(work, part.run, is_last, tile, part.inputs, weights, starts);
    } else {
      sum_columns<T, VectorBytes, Width, is_double>(work, part.run, is_last, tile, part.inputs,
                                                    weights, starts);
    }
  }
}

template <class T, int VectorBytes, bool is_double>
CUSYNAPSE_HOST_DEVICE void sum_run_of(const RunPart<T>& part) {
  switch (part.work.columns.width) {
    case 32:
      return sum_tiles<T, VectorBytes, 32, is_double>(part);
    case 16:
      return sum_tiles<T, VectorBytes, 16, is_double>(part);
    case 8:
      return sum_tiles<T, VectorBytes, 8, is_double>(part);
    case 4:
      return sum_tiles<T, VectorBytes, 4, is_double>(part);
    case 2:
      return sum_tiles<T, VectorBytes, 2, is_double>(part);
    default:
      return sum_tiles<T, VectorBytes, 1, is_double>(part);
  }
}

template <class T, int VectorBytes>
CUSYNAPSE_HOST_DEVICE void sum_part(const RunPart<T>& part) {
  return part.work.traces == 2 ? sum_run_of<T, VectorBytes, true>(part)
                               : sum_run_of<T, VectorBytes, false>(part);
}

template <class T>
CUSYNAPSE_HOST_DEVICE void stage_part(const RunPart<T>& part) {
  stage(part.work, part.run * sum_run, part.inputs);
}

// One function an instruction set, as the loops of launch.hpp; in builds for sanitizers as well,
// since each has vectors of its own length.
template <class T>
void sum_part_baseline(const RunPart<T>& part) {
  sum_part<T, 16>(part);
}
template <class T>
void stage_part_baseline(const RunPart<T>& part) {
  stage_part(part);
}
#if defined(__x86_64__) && defined(__GNUC__)
template <class T>
__attribute__((target("avx2,fma"))) void sum_part_avx2(const RunPart<T>& part) {
  sum_part<T, 32>(part);
  __builtin_ia32_vzeroupper();
}
template <class T>
__attribute__((target("avx2,fma"))) void stage_part_avx2(const RunPart<T>& part) {
  stage_part(part);
  __builtin_ia32_vzeroupper();
}
template <class T>
__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl"))) void sum_part_avx512(
    const RunPart<T>& part) {
  sum_part<T, 64>(part);
  __builtin_ia32_vzeroupper();
}
template <class T>
__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl"))) void stage_part_avx512(
    const RunPart<T>& part) {
  stage_part(part);
  __builtin_ia32_vzeroupper();
}
#endif

template <class T>
struct RunFunctions {
  void (*sum)(const RunPart<T>&) = sum_part_baseline<T>;
  void (*stage)(const RunPart<T>&) = stage_part_baseline<T>;

  static RunFunctions best() {
    RunFunctions functions;
#if defined(__x86_64__) && defined(__GNUC__)
    switch (best_instruction_set()) {
      case InstructionSet::baseline:
        break;
      case InstructionSet::avx2:
        return {sum_part_avx2<T>, stage_part_avx2<T>};
      case InstructionSet::avx512:
        return {sum_part_avx512<T>, stage_part_avx512<T>};
    }
#endif
    return functions;
  }
};

/// Writes the totals out.
template <class T>
void store_outputs(const DenseWork<T>& work) {
  const DelayedDense<T>& a = work.arguments;
  const std::int32_t width = work.columns.width;
  const std::int64_t columns =
      std::min<std::int64_t>(width, kernels::column_count(a) - work.columns.first);
  for (std::int64_t tile = work.first_tile; tile < work.last_tile; ++tile) {
    const std::int64_t first = tile * dense_tile_outputs;
    const std::int64_t count = std::min(dense_tile_outputs, a.outputs - first);
    // Wide blocks hold the columns of an output together, narrow ones the outputs of a column.
    const std::int64_t column_pitch = width < 8 ? dense_tile_outputs : 1;
    const std::int64_t output_pitch = width < 8 ? 1 : width;
    const T* const total = work.total + (tile - work.first_tile) * dense_tile_outputs * width;
    for (std::int64_t c = 0; c < columns; ++c) {
      T* const out = a.out + (work.columns.first + c) * a.outputs + first;
      for (std::int64_t j = 0; j < count; ++j) {
        T value = total[c * column_pitch + j * output_pitch];
        if (a.bias != nullptr) value = math::add(value, a.bias[first + j]);
        out[j] = a.accumulates ? math::add(out[j], value) : value;
      }
    }
  }
}

/// All runs of a block of columns for some tiles of outputs, on one thread.
template <class T>
void sum_block(const DenseWork<T>& work, const RunFunctions<T>& functions) {
  const DelayedDense<T>& a = work.arguments;
  const std::int64_t runs = (a.inputs + sum_run - 1) / sum_run;
  stage_overbound(work);
  for (std::int64_t run = 0; run < runs; ++run) {
    const auto inputs = static_cast<std::int32_t>(std::min(sum_run, a.inputs - run * sum_run));
    const RunPart<T> part{work, run, runs, inputs};
    functions.stage(part);
    functions.sum(part);
  }
  store_outputs(work);
}

/// What one of the threads of `shares` sums.
template <class T>
void sum_share(const DelayedDense<T>& a, const DenseShares<T>& shares,
               const RunFunctions<T>& functions, std::int32_t head, std::int64_t thread) {
  T* const memory = static_cast<T*>(a.workspace) + thread * shares.elements;
  const std::int64_t all = (a.outputs + dense_tile_outputs - 1) / dense_tile_outputs;
  const std::int64_t begin = std::min(thread / shares.groups * shares.tiles, all);
  const std::int64_t end = std::min(begin + shares.tiles, all);
  if (begin == end) return;
  std::int64_t block = 0;
  for (std::int64_t first = 0; first < kernels::column_count(a); ++block) {
    DenseWork<T> work(a, first, block_width(a, first));
    first += work.columns.width;
    if (block % shares.groups != thread % shares.groups) continue;
    work.head = head;
    work.place(memory, begin, end);
    sum_block(work, functions);
  }
}

template <class T>
void delayed_dense(const DelayedDense<T>& a) {
  // As many threads as the workspace was made for.
  std::int64_t most_threads = dense_threads(a);
  while (most_threads > 1 && DenseShares<T>(a, most_threads).bytes() > a.workspace_bytes) {
    --most_threads;
  }
  const DenseShares<T> shares(a, most_threads);
  const RunFunctions<T> functions = RunFunctions<T>::best();
  const std::int32_t head = a.source.head.get();
#if defined(_OPENMP)
  if (shares.threads > 1) {
#pragma omp parallel for schedule(static, 1) num_threads(static_cast <int>(shares.threads))
    for (std::int64_t thread = 0; thread < shares.threads; ++thread) {
      sum_share(a, shares, functions, head, thread);
    }
    return;
  }
#endif
  sum_share(a, shares, functions, head, 0);
}

}  // namespace cusynapse::cpu
