// Blocks of columns of a dense sum, and how their histories lie in fast memory.
//
// A column is one sample, or one sample at one of several steps. What all weights of one input can
// read for a block of columns is staged as a row of fast memory: first the value out of range, then
// the observations from the oldest to the newest, so that slot s of the block starts at
// row_start(s). Columns of a sequence overlap: what slot s is to one step, slot s + 1 is to the
// next, and they share what is staged.
#pragma once

#include "cusynapse/connection_ops.hpp"
#include "kernels/bodies/access.hpp"

namespace cusynapse::kernels {

/// Columns of a dense sum: steps times samples, a step's samples next to each other.
template <class T>
CUSYNAPSE_HOST_DEVICE std::int64_t column_count(const DelayedDense<T>& a) {
  return a.steps * a.batch;
}

struct ColumnBlock {
  std::int64_t first = 0;         ///< its first column
  std::int64_t first_step = 0;    ///< of a sequence: that of the first column, from the oldest a
                                  ///< sum can reach
  std::int64_t first_sample = 0;  ///< of a sequence: that of the first column
  std::int64_t batch = 1;         ///< samples of a step
  std::int64_t steps = 1;
  std::int32_t delay_slots = 1;  ///< slots a weight can choose
  std::int32_t width = 1;        ///< columns; those beyond the last are silent
  std::int32_t pitch = 1;        ///< from one slot to the next newer one

  template <class T>
  CUSYNAPSE_HOST_DEVICE ColumnBlock(const DelayedDense<T>& a, std::int64_t first_column,
                                    std::int32_t block_width)
      : first(first_column),
        first_step(a.steps > 1 ? first_column / a.batch : 0),
        first_sample(first_column - first_step * a.batch),
        batch(a.batch),
        steps(a.steps),
        delay_slots(a.plan.delay_slots),
        width(block_width),
        pitch(a.steps > 1 ? static_cast<std::int32_t>(a.batch) : block_width) {}

  /// Where the `width` values of a slot start; `delay_slots` is out of range.
  CUSYNAPSE_HOST_DEVICE std::int32_t row_start(std::int32_t slot) const {
    return slot == delay_slots ? 0 : width + (delay_slots - 1 - slot) * pitch;
  }
  /// Values staged of one input, those out of range included.
  CUSYNAPSE_HOST_DEVICE std::int32_t staged() const {
    return 2 * width + (delay_slots - 1) * pitch;
  }

  /// Where a staged value comes from.
  struct Origin {
    bool is_there = false;  ///< otherwise it is silent
    std::int32_t back = 1;  ///< steps behind the head
    std::int64_t sample = 0;
  };
  CUSYNAPSE_HOST_DEVICE Origin origin(std::int32_t position) const {
    Origin out;
    const std::int32_t entry = position - width;
    if (steps > 1) {
      // What is staged of an input fits 32 bits, and so does a sequence's batch.
      const auto from_step = static_cast<std::uint32_t>(first_sample + entry);
      const auto pitch_of_step = static_cast<std::uint32_t>(pitch);
      const std::uint32_t step = from_step / pitch_of_step;
      out.sample = from_step - step * pitch_of_step;
      out.back =
          static_cast<std::int32_t>(delay_slots - 1 + steps - first_step - std::int64_t{step});
      out.is_there = out.back >= 1;
    } else {
      const std::int32_t row = entry / width;
      out.sample = first + (entry - row * width);
      out.back = delay_slots - row;
      out.is_there = out.back >= 1 && out.sample < batch;
    }
    return out;
  }
};

/// Value `at`, whichever way it is stored.
template <class T>
struct StoredValue {
  const StoredData<const T>& data;
  std::int64_t at;
  template <class Stored>
  CUSYNAPSE_HOST_DEVICE T operator()(Stored) const {
    return loaded<T>(data.template as<Stored>()[at]);
  }
};
template <class T>
CUSYNAPSE_HOST_DEVICE T stored_value(const StoredData<const T>& data, std::int64_t at) {
  return visit_storage<T>(data.storage(), StoredValue<T>{data, at});
}

/// The current of the values of a source's traces. A weight of 0 leaves one out even where it is
/// infinite.
template <class T, int Traces>
CUSYNAPSE_HOST_DEVICE T weighted_traces(const CurrentSource<T>& source, const T (&values)[Traces]) {
  T current = source.weight[0] == T(0) ? T(0) : math::multiply(source.weight[0], values[0]);
  for (int trace = 1; trace < Traces; ++trace) {
    if (trace < source.trace_count && source.weight[trace] != T(0)) {
      current = math::add(current, math::multiply(source.weight[trace], values[trace]));
    }
  }
  return current;
}

/// One value of a source of a kind: of the given trace for delayed sums, all of the current for
/// undelayed ones. `offset` counts elements from the start of the rings.
template <SourceKind kind, class T>
CUSYNAPSE_HOST_DEVICE T source_value(const CurrentSource<T>& source, std::int32_t trace,
                                     bool is_delayed, std::int64_t offset) {
  if constexpr (kind == SourceKind::traces) {
    if (is_delayed) return stored_value<T>(source.traces[trace], offset);
    T values[max_traces] = {};
    for (int i = 0; i < max_traces; ++i) {
      if (i < source.trace_count && source.weight[i] != T(0)) {
        values[i] = stored_value<T>(source.traces[i], offset);
      }
    }
    return weighted_traces(source, values);
  } else if constexpr (kind == SourceKind::bits) {
    return math::test_bit(source.spikes, offset) ? source.amplitude : T(0);
  } else {
    return math::multiply(static_cast<T>(source.spikes[offset]), source.amplitude);
  }
}
template <class T>
CUSYNAPSE_HOST_DEVICE T source_value(const CurrentSource<T>& source, std::int32_t trace,
                                     bool is_delayed, std::int64_t offset) {
  switch (source.kind) {
    case SourceKind::traces:
      return source_value<SourceKind::traces>(source, trace, is_delayed, offset);
    case SourceKind::bits:
      return source_value<SourceKind::bits>(source, trace, is_delayed, offset);
    case SourceKind::bytes:
      return source_value<SourceKind::bytes>(source, trace, is_delayed, offset);
  }
  return T(0);
}

/// Traces a sum reads one by one: those of a delayed source; otherwise all of the current is one.
template <class T>
CUSYNAPSE_HOST_DEVICE std::int32_t traces_read(const CurrentSource<T>& source, SlotWidth width) {
  return width != SlotWidth::none && source.kind == SourceKind::traces ? source.trace_count : 1;
}

}  // namespace cusynapse::kernels
