// Weighted sums without fast memory: delayed_direct and delayed_conv2d, and the order of sums.
#pragma once

#include "kernels/bodies/dense_columns.hpp"

namespace cusynapse::kernels {

/// The slot of plan entry `at`.
template <class T>
CUSYNAPSE_HOST_DEVICE std::int32_t planned_slot(const PlannedWeights<T>& plan, std::int64_t at) {
  switch (plan.width) {
    case SlotWidth::none:
      return 0;
    case SlotWidth::byte:
      return static_cast<const std::uint8_t*>(plan.slots)[at];
    case SlotWidth::word:
      return static_cast<const std::uint16_t*>(plan.slots)[at];
  }
  return 0;
}

/// Slots of entries [first, first + Width), 0 past `size`.
template <class Slot, int Width>
CUSYNAPSE_HOST_DEVICE void load_slots(const void* from, std::int64_t first, std::int64_t size,
                                      std::int32_t (&slots)[Width]) {
  Slot narrow[Width];
  load_guarded<false>(static_cast<const Slot*>(from), first, size, narrow);
  for (int i = 0; i < Width; ++i) slots[i] = narrow[i];
}
template <int Width, class T>
CUSYNAPSE_HOST_DEVICE void planned_slots(const PlannedWeights<T>& plan, std::int64_t first,
                                         std::int64_t size, std::int32_t (&slots)[Width]) {
  switch (plan.width) {
    case SlotWidth::none:
      for (int i = 0; i < Width; ++i) slots[i] = 0;
      return;
    case SlotWidth::byte:
      return load_slots<std::uint8_t>(plan.slots, first, size, slots);
    case SlotWidth::word:
      return load_slots<std::uint16_t>(plan.slots, first, size, slots);
  }
}

/// Planned weights [first, first + Width), 0 past `size`, whichever way they are stored.
template <class T, int Width>
struct LoadPlanned {
  const StoredData<const T>& data;
  std::int64_t first;
  std::int64_t size;
  T (&values)[Width];
  template <class Stored>
  CUSYNAPSE_HOST_DEVICE void operator()(Stored) const {
    Stored elements[Width];
    load_guarded<false>(data.template as<Stored>(), first, size, elements);
    for (int i = 0; i < Width; ++i) values[i] = loaded<T>(elements[i]);
  }
};
template <int Width, class T>
CUSYNAPSE_HOST_DEVICE void load_planned(const StoredData<const T>& data, std::int64_t first,
                                        std::int64_t size, T (&values)[Width]) {
  visit_storage<T>(data.storage(), LoadPlanned<T, Width>{data, first, size, values});
}

/// Several values, whichever way they are stored.
template <class T, int Width>
struct StoredValues {
  const StoredData<const T>& data;
  const std::int64_t (&offsets)[Width];
  T (&values)[Width];
  template <class Stored>
  CUSYNAPSE_HOST_DEVICE void operator()(Stored) const {
    const Stored* const elements = data.template as<Stored>();
    for (int i = 0; i < Width; ++i) values[i] = loaded<T>(elements[offsets[i]]);
  }
};
template <int Width, class T>
CUSYNAPSE_HOST_DEVICE void stored_values(const StoredData<const T>& data,
                                         const std::int64_t (&offsets)[Width], T (&values)[Width]) {
  visit_storage<T>(data.storage(), StoredValues<T, Width>{data, offsets, values});
}

/// Pixels `column`, `column` + 1, ... of a row of a trace that starts at element `pixels`; outside
/// the row there is silence.
template <class T, int Width>
struct TracePixels {
  const StoredData<const T>& trace;
  std::int64_t pixels;
  std::int64_t column;
  std::int64_t width;
  T (&values)[Width];
  template <class Stored>
  CUSYNAPSE_HOST_DEVICE void operator()(Stored) const {
    const Stored* const row = trace.template as<Stored>() + pixels;
    if (column >= 0 && column + Width <= width) {
      for (int i = 0; i < Width; ++i) values[i] = loaded<T>(row[column + i]);
    } else {
      for (int i = 0; i < Width; ++i) {
        const std::int64_t at = column + i;
        values[i] = at >= 0 && at < width ? loaded<T>(row[at]) : T(0);
      }
    }
  }
};

/// `source_value` of several elements.
template <int Width, class T>
CUSYNAPSE_HOST_DEVICE void source_values(const CurrentSource<T>& source, std::int32_t trace,
                                         bool is_delayed, const std::int64_t (&offsets)[Width],
                                         T (&values)[Width]) {
  if (source.kind == SourceKind::traces && is_delayed) {
    const StoredData<const T>& of = source.traces[trace];
    visit_storage<T>(of.storage(), StoredValues<T, Width>{of, offsets, values});
  } else {
    for (int i = 0; i < Width; ++i) {
      values[i] = source_value(source, trace, is_delayed, offsets[i]);
    }
  }
}

/// Slot `steps` behind the newest observation of a source, of at most as many as it has.
template <class T>
CUSYNAPSE_HOST_DEVICE std::int32_t source_slot(const CurrentSource<T>& source, std::int32_t head,
                                               std::int32_t steps) {
  const std::int32_t slot = head - 1 - steps;
  return slot < 0 ? slot + source.slots : slot;
}

/// What planned weight `entry` is multiplied with: the value, or both traces, at `offset` of the
/// rings.
template <class T>
CUSYNAPSE_HOST_DEVICE T planned_value(const CurrentSource<T>& source, const PlannedWeights<T>& plan,
                                      bool is_delayed, bool is_double, std::int64_t offset,
                                      std::int64_t entry) {
  const T value = source_value(source, 0, is_delayed, offset);
  if (!is_double) return value;
  const T other = source_value(source, 1, is_delayed, offset);
  return math::fused_multiply_add(stored_value(plan.weights[1], entry), other, value);
}

/// Sums of Width elements in the order of `sum_run`. Terms of a run are added to `run`; `end_run`
/// closes it.
template <class T, int Width>
struct OrderedSums {
  T run[Width] = {};
  T group[Width] = {};
  T total[Width] = {};
  std::int64_t runs = 0;

  CUSYNAPSE_HOST_DEVICE void end_run() {
    const bool starts_group = runs % sum_group == 0;
    for (int i = 0; i < Width; ++i) {
      group[i] = starts_group ? run[i] : math::add(group[i], run[i]);
      run[i] = T(0);
    }
    ++runs;
    if (runs % sum_group == 0) end_group();
  }
  /// After the last run.
  CUSYNAPSE_HOST_DEVICE void end() {
    if (runs % sum_group != 0) end_group();
  }

 private:
  CUSYNAPSE_HOST_DEVICE void end_group() {
    const bool is_first = runs <= sum_group;
    for (int i = 0; i < Width; ++i) {
      total[i] = is_first ? group[i] : math::add(total[i], group[i]);
    }
  }
};

/// What becomes of sums [first, first + Width) of a row of `size`: each with its bias, unless that
/// is null, and added to what the row holds.
template <int Width, class T>
CUSYNAPSE_HOST_DEVICE void store_sums(T (&sums)[Width], std::int64_t first, std::int64_t size,
                                      const T* bias, bool accumulates, T* row) {
  T other[Width];
  if (bias != nullptr) {
    load_guarded<false>(bias, first, size, other);
    for (int i = 0; i < Width; ++i) sums[i] = math::add(sums[i], other[i]);
  }
  if (accumulates) {
    load_guarded<false>(row, first, size, other);
    for (int i = 0; i < Width; ++i) sums[i] = math::add(other[i], sums[i]);
  }
  store_guarded(sums, first, size, row);
}

/// One weight a synapse: call (x, y) covers Width synapses of sample y.
template <class T, int Width>
struct DelayedDirectBody {
  DelayedDirect<T> arguments;

  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t y) const {
    const DelayedDirect<T>& a = arguments;
    const std::int32_t head = a.source.head.get();
    const bool is_delayed = a.plan.width != SlotWidth::none;
    const bool is_double = traces_read(a.source, a.plan.width) == 2;
    const std::int64_t first = x * Width;

    std::int32_t slots[Width];
    planned_slots(a.plan, first, a.size, slots);
    std::int64_t offsets[Width];
    for (int i = 0; i < Width; ++i) {
      const bool is_inside = !is_delayed || slots[i] != a.plan.delay_slots;
      // Past the end, where the slot is 0, any synapse will do.
      const std::int64_t synapse = first + i < a.size ? first + i : a.size - 1;
      offsets[i] = source_slot(a.source, head, is_inside ? slots[i] : 0) * a.source.stride +
                   y * a.size + synapse;
    }
    T values[Width];
    source_values(a.source, 0, is_delayed, offsets, values);
    T weights[Width];
    if (is_double) {
      T others[Width];
      source_values(a.source, 1, is_delayed, offsets, others);
      load_planned(a.plan.weights[1], first, a.size, weights);
      for (int i = 0; i < Width; ++i) {
        values[i] = math::fused_multiply_add(weights[i], others[i], values[i]);
      }
    }
    if (is_delayed) {
      for (int i = 0; i < Width; ++i) {
        if (slots[i] == a.plan.delay_slots) values[i] = a.plan.overbound;
      }
    }
    load_planned(a.plan.weights[0], first, a.size, weights);
    T sums[Width];
    for (int i = 0; i < Width; ++i) {
      // As a sum of one term, which starts at 0.
      sums[i] = math::fused_multiply_add(weights[i], values[i], T(0));
    }
    store_sums(sums, first, a.size, a.bias, a.accumulates, a.out + y * a.size);
  }
};

/// Convolution: call (x, y) covers Width outputs next to each other in one row, of sample and
/// filter y. The weight and its slot are the same for all of them, so they read consecutive pixels
/// of one observation.
template <class T, int Width>
struct DelayedConv2DBody {
  DelayedConv2D<T> arguments;

  /// Calls that cover the positions of one filter.
  std::int64_t calls() const {
    return arguments.geometry.out_height * group_count(arguments.geometry.out_width, Width);
  }

  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t y) const {
    const DelayedConv2D<T>& a = arguments;
    const ConvolutionGeometry& g = a.geometry;
    const std::int32_t head = a.source.head.get();
    const bool is_delayed = a.plan.width != SlotWidth::none;
    const bool is_double = traces_read(a.source, a.plan.width) == 2;
    const std::int64_t groups = (g.out_width + Width - 1) / Width;
    const std::int64_t out_row = x / groups;
    const std::int64_t first = x % groups * Width;
    const std::int64_t sample = y / g.filters;
    const std::int64_t filter = y % g.filters;
    const std::int64_t patch = g.patch();

    OrderedSums<T, Width> sums;
    for (std::int64_t begin = 0; begin < patch; begin += sum_run) {
      const std::int64_t end = begin + sum_run < patch ? begin + sum_run : patch;
      std::int64_t kernel_column = begin % g.kernel[1];
      std::int64_t kernel_row = begin / g.kernel[1] % g.kernel[0];
      std::int64_t channel = begin / (g.kernel[0] * g.kernel[1]);
      for (std::int64_t n = begin; n < end; ++n) {
        const std::int64_t entry = filter * patch + n;
        const std::int32_t slot = planned_slot(a.plan, entry);
        const std::int64_t row = out_row * g.stride[0] - g.padding[0] + kernel_row * g.dilation[0];
        const std::int64_t column =
            first * g.stride[1] - g.padding[1] + kernel_column * g.dilation[1];
        const bool is_outside = is_delayed && slot == a.plan.delay_slots;
        if (is_outside || row < 0 || row >= g.height) {
          // Padding is a term as well: an infinite weight times 0 is NaN.
          const T weight = stored_value(a.plan.weights[0], entry);
          const T value = is_outside ? a.plan.overbound : T(0);
          for (int i = 0; i < Width; ++i) {
            sums.run[i] = math::fused_multiply_add(weight, value, sums.run[i]);
          }
        } else {
          const std::int64_t pixels = source_slot(a.source, head, slot) * a.source.stride +
                                      ((sample * g.channels + channel) * g.height + row) * g.width;
          add_pixels(entry, is_delayed, is_double, pixels, column, sums.run);
        }
        if (++kernel_column == g.kernel[1]) {
          kernel_column = 0;
          if (++kernel_row == g.kernel[0]) {
            kernel_row = 0;
            ++channel;
          }
        }
      }
      sums.end_run();
    }
    sums.end();

    if (a.bias != nullptr) {
      for (int i = 0; i < Width; ++i) sums.total[i] = math::add(sums.total[i], a.bias[filter]);
    }
    T* const row = a.out + (y * g.out_height + out_row) * g.out_width;
    store_sums(sums.total, first, g.out_width, static_cast<const T*>(nullptr), a.accumulates, row);
  }

 private:
  /// Adds the terms of weight `entry` for pixels `column`, `column` + stride, ... of a row that
  /// starts at element `pixels` of the rings. Outside the row there is silence.
  CUSYNAPSE_HOST_DEVICE void add_pixels(std::int64_t entry, bool is_delayed, bool is_double,
                                        std::int64_t pixels, std::int64_t column,
                                        T (&sums)[Width]) const {
    const DelayedConv2D<T>& a = arguments;
    const T weight = stored_value(a.plan.weights[0], entry);
    T values[Width];
    load_pixels(0, is_delayed, pixels, column, values);
    if (is_double) {
      const T share = stored_value(a.plan.weights[1], entry);
      T others[Width];
      load_pixels(1, is_delayed, pixels, column, others);
      for (int i = 0; i < Width; ++i) {
        values[i] = math::fused_multiply_add(share, others[i], values[i]);
      }
    }
    for (int i = 0; i < Width; ++i) {
      sums[i] = math::fused_multiply_add(weight, values[i], sums[i]);
    }
  }

  CUSYNAPSE_HOST_DEVICE void load_pixels(std::int32_t trace, bool is_delayed, std::int64_t pixels,
                                         std::int64_t column, T (&values)[Width]) const {
    const DelayedConv2D<T>& a = arguments;
    const std::int64_t stride = a.geometry.stride[1];
    const std::int64_t width = a.geometry.width;
    if (stride == 1 && a.source.kind == SourceKind::traces && is_delayed) {
      const StoredData<const T>& of = a.source.traces[trace];
      visit_storage<T>(of.storage(), TracePixels<T, Width>{of, pixels, column, width, values});
      return;
    }
    for (int i = 0; i < Width; ++i) {
      const std::int64_t at = column + i * stride;
      values[i] =
          at >= 0 && at < width ? source_value(a.source, trace, is_delayed, pixels + at) : T(0);
    }
  }
};

}  // namespace cusynapse::kernels
