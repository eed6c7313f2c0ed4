// Weighted sums without fast memory: delayed_direct and delayed_conv2d, and the order of sums.
#pragma once

#include "kernels/bodies/dense_columns.hpp"

namespace cusynapse::kernels {

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

// How a convolution reads pixels. `load` reads an element of one of `traces` rings, `at` elements
// from its start; `value` makes a pixel of those at the same place. Between the two is the wait for
// memory.

/// Delayed traces stored as Stored. What the second one is multiplied with is planned with the
/// weight.
template <class T, class Stored, int Traces>
struct DelayedPixels {
  using Element = Stored;
  static constexpr int traces = Traces;
  static constexpr int planned = Traces;  ///< arrays of the plan that are read
  const Stored* rings[Traces];

  CUSYNAPSE_HOST_DEVICE bool is_read(int) const { return true; }
  CUSYNAPSE_HOST_DEVICE Stored load(int trace, std::int64_t at) const { return rings[trace][at]; }
  CUSYNAPSE_HOST_DEVICE T value(const Stored (&elements)[Traces], T share, std::uint32_t) const {
    const T value = loaded<T>(elements[0]);
    if constexpr (Traces == 1) {
      return value;
    } else {
      return math::fused_multiply_add(share, loaded<T>(elements[1]), value);
    }
  }
};

/// The whole current of undelayed traces stored as Stored.
template <class T, class Stored, int Traces>
struct CurrentPixels {
  using Element = Stored;
  static constexpr int traces = Traces;
  static constexpr int planned = 1;
  const Stored* rings[Traces];
  const CurrentSource<T>& source;

  CUSYNAPSE_HOST_DEVICE bool is_read(int trace) const { return source.weight[trace] != T(0); }
  CUSYNAPSE_HOST_DEVICE Stored load(int trace, std::int64_t at) const { return rings[trace][at]; }
  CUSYNAPSE_HOST_DEVICE T value(const Stored (&elements)[Traces], T, std::uint32_t) const {
    T values[Traces];
    for (int trace = 0; trace < Traces; ++trace) values[trace] = loaded<T>(elements[trace]);
    return weighted_traces(source, values);
  }
};

/// Spikes in bits. On a GPU a bit is taken out of its byte after the wait.
template <class T, bool is_gpu>
struct BitPixels {
  using Element = std::conditional_t<is_gpu, std::uint8_t, T>;
  static constexpr int traces = 1;
  static constexpr int planned = 1;
  const CurrentSource<T>& source;

  CUSYNAPSE_HOST_DEVICE bool is_read(int) const { return true; }
  CUSYNAPSE_HOST_DEVICE Element load(int, std::int64_t at) const {
    if constexpr (is_gpu) {
      return source.spikes[at >> 3];
    } else {
      return source_value<SourceKind::bits>(source, 0, false, at);
    }
  }
  CUSYNAPSE_HOST_DEVICE T value(const Element (&elements)[1], T, std::uint32_t at) const {
    if constexpr (is_gpu) {
      return (elements[0] >> (at & 7) & 1) != 0 ? source.amplitude : T(0);
    } else {
      return elements[0];
    }
  }
};

/// Spikes in bytes.
template <class T>
struct BytePixels {
  using Element = std::uint8_t;
  static constexpr int traces = 1;
  static constexpr int planned = 1;
  const CurrentSource<T>& source;

  CUSYNAPSE_HOST_DEVICE bool is_read(int) const { return true; }
  CUSYNAPSE_HOST_DEVICE Element load(int, std::int64_t at) const { return source.spikes[at]; }
  CUSYNAPSE_HOST_DEVICE T value(const Element (&elements)[1], T, std::uint32_t) const {
    return math::multiply(static_cast<T>(elements[0]), source.amplitude);
  }
};

/// Convolution: call (x, y) covers Width outputs of one row, of sample and filter y. The weight and
/// its slot are the same for all of them. On a CPU the outputs of a call lie next to each other,
/// and so do the pixels that it reads; on a GPU those of neighbouring calls do.
template <class T, int Width>
struct DelayedConv2DBody {
  DelayedConv2D<T> arguments;

  /// Calls that cover the positions of one filter.
  std::int64_t calls() const {
    return arguments.geometry.out_height * group_count(arguments.geometry.out_width, Width);
  }

  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t y) const {
    const DelayedConv2D<T>& a = arguments;
    switch (a.source.kind) {
      case SourceKind::traces:
        return visit_storage<T>(a.source.traces[0].storage(), SumOfTraces{*this, x, y});
      case SourceKind::bits:
        return sum(BitPixels<T, is_gpu>{a.source}, x, y);
      case SourceKind::bytes:
        return sum(BytePixels<T>{a.source}, x, y);
    }
  }

 private:
  static constexpr bool is_gpu = Width <= gpu_width;
  /// Weights whose pixels are loaded before any is added: on a GPU, 16 bytes of them.
  static constexpr int depth = is_gpu ? 16 / static_cast<int>(sizeof(T)) : 1;
  static_assert(sum_run % depth == 0, "runs end where weights loaded together do");

  struct SumOfTraces {
    const DelayedConv2DBody& body;
    std::int64_t x;
    std::int64_t y;
    template <class Stored>
    CUSYNAPSE_HOST_DEVICE void operator()(Stored) const {
      const CurrentSource<T>& source = body.arguments.source;
      const bool is_delayed = body.arguments.plan.width != SlotWidth::none;
      const Stored* const first = source.traces[0].template as<Stored>();
      if (source.trace_count == 2) {
        const Stored* const second = source.traces[1].template as<Stored>();
        if (is_delayed) return body.sum(DelayedPixels<T, Stored, 2>{{first, second}}, x, y);
        return body.sum(CurrentPixels<T, Stored, 2>{{first, second}, source}, x, y);
      }
      if (is_delayed) return body.sum(DelayedPixels<T, Stored, 1>{{first}}, x, y);
      return body.sum(CurrentPixels<T, Stored, 1>{{first}, source}, x, y);
    }
  };

  /// A weight's place under a filter, in pixels from the filter's first one.
  struct Place {
    std::int64_t start;  ///< of the row of pixels, in elements from the start of a slot
    std::uint32_t row = 0;
    std::uint32_t column = 0;

    CUSYNAPSE_HOST_DEVICE void advance(const ConvolutionGeometry& g) {
      column += static_cast<std::uint32_t>(g.dilation[1]);
      const bool ends_row = column == static_cast<std::uint32_t>(g.kernel[1] * g.dilation[1]);
      column = ends_row ? 0 : column;
      row += ends_row ? static_cast<std::uint32_t>(g.dilation[0]) : 0;
      start += ends_row ? g.dilation[0] * g.width : 0;
      const bool ends_channel = row == static_cast<std::uint32_t>(g.kernel[0] * g.dilation[0]);
      row = ends_channel ? 0 : row;
      start += ends_channel ? (g.height - g.kernel[0] * g.dilation[0]) * g.width : 0;
    }
  };

  /// The pixels under a filter's first weight. Rows and columns before the first are those far past
  /// the last.
  struct Origin {
    std::uint32_t row;
    std::uint32_t column;  ///< of the first output
    std::uint32_t step;    ///< columns from output to output
  };

  template <class Pixels>
  CUSYNAPSE_HOST_DEVICE void sum(const Pixels& pixels, std::int64_t x, std::int64_t y) const {
    const DelayedConv2D<T>& a = arguments;
    const ConvolutionGeometry& g = a.geometry;
    const std::int64_t groups = (g.out_width + Width - 1) / Width;
    const std::int64_t out_row = x / groups;
    const std::int64_t group = x - out_row * groups;
    const std::int64_t first = is_gpu ? group : group * Width;
    const std::int64_t spacing = is_gpu ? groups : 1;
    const std::int64_t sample = y / g.filters;
    const std::int64_t filter = y - sample * g.filters;
    const std::int64_t patch = g.patch();
    const std::int64_t first_row = out_row * g.stride[0] - g.padding[0];
    const Origin origin = {static_cast<std::uint32_t>(first_row),
                           static_cast<std::uint32_t>(first * g.stride[1] - g.padding[1]),
                           static_cast<std::uint32_t>(spacing * g.stride[1])};
    Place place = {sample * g.pixels() + first_row * g.width};
    const std::int32_t head = a.source.head.get();

    OrderedSums<T, Width> sums;
    const std::int64_t end = (filter + 1) * patch;
    for (std::int64_t entry = end - patch; entry < end;) {
      const std::int64_t run_end = entry + sum_run < end ? entry + sum_run : end;
      for (; entry < run_end; entry += depth) {
        add_weights(pixels, head, entry, end, origin, place, sums.run);
      }
      sums.end_run();
    }
    sums.end();

    T* const row = a.out + (y * g.out_height + out_row) * g.out_width;
    for (int i = 0; i < Width; ++i) {
      const std::int64_t column = first + i * spacing;
      if (column < g.out_width) {
        T value = sums.total[i];
        if (a.bias != nullptr) value = math::add(value, a.bias[filter]);
        row[column] = a.accumulates ? math::add(row[column], value) : value;
      }
    }
  }

  /// Adds the terms of weights [entry, entry + depth), as far as they are before `end`.
  template <class Pixels>
  CUSYNAPSE_HOST_DEVICE void add_weights(const Pixels& pixels, std::int32_t head,
                                         std::int64_t entry, std::int64_t end, const Origin& origin,
                                         Place& place, T (&sums)[Width]) const {
    const DelayedConv2D<T>& a = arguments;
    const ConvolutionGeometry& g = a.geometry;
    const auto width = static_cast<std::uint32_t>(g.width);
    const int count = end - entry < depth ? static_cast<int>(end - entry) : depth;
    std::int32_t slots[depth] = {};
    planned_slots(a.plan, entry, end, slots);
    T weights[Pixels::planned][depth];
    for (int trace = 0; trace < Pixels::planned; ++trace) {
      load_planned(a.plan.weights[trace], entry, end, weights[trace]);
    }

    typename Pixels::Element elements[depth][Pixels::traces][Width];
    std::uint32_t firsts[depth];  // lower bits of where the first pixel is in the rings
#if defined(__CUDA_ARCH__)
#pragma unroll  // what is loaded stays in registers
#endif
    for (int k = 0; k < depth; ++k) {
      const std::uint32_t row = origin.row + place.row;
      const std::uint32_t column = origin.column + place.column;
      const bool is_inside = k < count && row < static_cast<std::uint32_t>(g.height);
      const bool is_beyond = slots[k] == a.plan.delay_slots;
      if (k >= count) {
        // There is no such weight, and a term of -0 changes no sum. Padding is a term as any other:
        // an infinite weight times 0 is NaN.
        for (int trace = 0; trace < Pixels::planned; ++trace) weights[trace][k] = -T(0);
      }
      const auto slot =
          static_cast<std::uint32_t>(source_slot(a.source, head, is_beyond ? 0 : slots[k]));
      const std::int64_t start = slot * a.source.stride + place.start;
      for (int trace = 0; trace < Pixels::traces; ++trace) {
        load_pixels(pixels, trace, start, column, origin.step,
                    is_inside && !is_beyond && pixels.is_read(trace) ? width : 0,
                    elements[k][trace]);
      }
      firsts[k] = static_cast<std::uint32_t>(start) + column;
      place.advance(g);
    }
    for (int k = 0; k < depth; ++k) {
      const bool is_beyond = slots[k] == a.plan.delay_slots;
      const T weight = weights[0][k];
      const T share = weights[Pixels::planned - 1][k];
      for (int i = 0; i < Width; ++i) {
        typename Pixels::Element pixel[Pixels::traces];
        for (int trace = 0; trace < Pixels::traces; ++trace) pixel[trace] = elements[k][trace][i];
        const std::uint32_t at = firsts[k] + static_cast<std::uint32_t>(i) * origin.step;
        T value = pixels.value(pixel, share, at);
        if (is_beyond) value = a.plan.overbound;
        sums[i] = math::fused_multiply_add(weight, value, sums[i]);
      }
    }
  }

  /// Pixels `column`, `column` + step, ... of a row that starts at element `start` of the rings.
  /// From `width` on there is silence.
  template <class Pixels>
  CUSYNAPSE_HOST_DEVICE static void load_pixels(const Pixels& pixels, std::int32_t trace,
                                                std::int64_t start, std::uint32_t column,
                                                std::uint32_t step, std::uint32_t width,
                                                typename Pixels::Element (&elements)[Width]) {
    if (!is_gpu && step == 1 && column < width && width - column >= Width) {
      const std::int64_t first = start + column;
      for (int i = 0; i < Width; ++i) {
        elements[i] = pixels.load(trace, first + i);
      }
      return;
    }
    for (int i = 0; i < Width; ++i) {
      const std::uint32_t at = column + static_cast<std::uint32_t>(i) * step;
      elements[i] = at < width ? pixels.load(trace, start + at) : typename Pixels::Element{};
    }
  }
};

}  // namespace cusynapse::kernels
