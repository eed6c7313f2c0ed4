// Arrays of single weights and synapses of a connection: what learning rules look at, and what sets
// parameters. Not the way of a step, so an element a call.
#pragma once

#include <type_traits>

#include "kernels/bodies/delay_plan.hpp"
#include "kernels/bodies/delayed_sums.hpp"

namespace cusynapse::kernels {

/// The pixel under patch element n at position l, as an element of one sample; -1 in the padding.
CUSYNAPSE_HOST_DEVICE std::int64_t patch_pixel(const ConvolutionGeometry& g, std::int64_t n,
                                               std::int64_t l) {
  const std::int64_t kernel_column = n % g.kernel[1];
  const std::int64_t kernel_row = n / g.kernel[1] % g.kernel[0];
  const std::int64_t channel = n / (g.kernel[0] * g.kernel[1]);
  const std::int64_t row =
      l / g.out_width * g.stride[0] - g.padding[0] + kernel_row * g.dilation[0];
  const std::int64_t column =
      l % g.out_width * g.stride[1] - g.padding[1] + kernel_column * g.dilation[1];
  if (row < 0 || row >= g.height || column < 0 || column >= g.width) return -1;
  return (channel * g.height + row) * g.width + column;
}

/// Where an element of a synaptic array comes from.
struct SynapticElement {
  std::int64_t sample;
  std::int64_t synapse;  ///< of the sample; -1 in the padding
  std::int64_t delay;    ///< its entry among the delays
};

/// Element e of a synaptic array, with or without its trailing extent.
CUSYNAPSE_HOST_DEVICE SynapticElement synaptic_element(SynapticLayout layout,
                                                       const ConvolutionGeometry& g,
                                                       std::int64_t inputs, std::int64_t outputs,
                                                       bool is_trailing, std::int64_t e) {
  SynapticElement out{0, 0, 0};
  switch (layout) {
    case SynapticLayout::direct:
      out.sample = e / inputs;
      out.synapse = e % inputs;
      out.delay = out.synapse;
      break;
    case SynapticLayout::dense: {
      const std::int64_t output = is_trailing ? e % outputs : 0;
      const std::int64_t synapse = is_trailing ? e / outputs : e;
      out.sample = synapse / inputs;
      out.synapse = synapse % inputs;
      out.delay = output * inputs + out.synapse;
      break;
    }
    case SynapticLayout::convolution: {
      const std::int64_t filter = is_trailing ? e % g.filters : 0;
      const std::int64_t synapse = is_trailing ? e / g.filters : e;
      const std::int64_t position = synapse % g.positions();
      const std::int64_t n = synapse / g.positions() % g.patch();
      out.sample = synapse / (g.positions() * g.patch());
      out.synapse = patch_pixel(g, n, position);
      out.delay = filter * g.patch() + n;
      break;
    }
  }
  return out;
}

/// What a delay reads, by a rule known at run time. The source's traces are in the select's order.
template <PlanRule rule, SelectRule select_rule, class T>
CUSYNAPSE_HOST_DEVICE T delayed_value(const SynapticSelect<T>& a, T delay,
                                      const SynapticElement& element, std::int64_t frame) {
  const ChosenSlot<T> chosen = choose_slot<rule>(a.select, delay);
  if (chosen.slot == a.select.slots) return a.select.overbound;
  if (element.synapse < 0) return T(0);
  const std::int64_t offset =
      source_slot(a.source, a.source.head.get(), chosen.slot) * a.source.stride +
      element.sample * frame + element.synapse;
  const T first = source_value(a.source, 0, true, offset);
  if (a.source.kind != SourceKind::traces) return first;
  constexpr int count = planned_count<rule>;
  const T second = count == 2 ? source_value(a.source, 1, true, offset) : T(0);
  return select_value<select_rule, count>(a.select, first, second, chosen.elapsed);
}

/// Call (x, 0) covers element x.
template <class T>
struct SynapticSelectBody {
  SynapticSelect<T> arguments;

  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t) const {
    const SynapticSelect<T>& a = arguments;
    const bool is_delayed = a.delays != nullptr;
    const SynapticElement element =
        synaptic_element(a.layout, a.geometry, a.inputs, a.outputs, is_delayed, x);
    const std::int64_t frame =
        a.layout == SynapticLayout::convolution ? a.geometry.pixels() : a.inputs;
    T value = T(0);
    if (is_delayed) {
      value = value_at(a.delays[element.delay], element, frame);
    } else if (element.synapse >= 0) {
      const std::int64_t offset = source_slot(a.source, a.source.head.get(), 0) * a.source.stride +
                                  element.sample * frame + element.synapse;
      value = source_value(a.source, 0, false, offset);
    }
    if (a.values != nullptr) {
      a.values[x] = value;
    } else {
      a.bytes[x] = value != T(0) ? 1 : 0;
    }
  }

 private:
  CUSYNAPSE_HOST_DEVICE T value_at(T delay, const SynapticElement& element,
                                   std::int64_t frame) const {
    const SynapticSelect<T>& a = arguments;
    using Rule = PlanRule;
    switch (plan_rule(a.select)) {
      case Rule::undelayed:
      case Rule::previous:
        return delayed_value<Rule::previous, SelectRule::previous>(a, delay, element, frame);
      case Rule::nearest:
        return delayed_value<Rule::nearest, SelectRule::nearest>(a, delay, element, frame);
      case Rule::exponential_decay_1:
        return delayed_value<Rule::exponential_decay_1, SelectRule::exponential_decay>(
            a, delay, element, frame);
      case Rule::exponential_decay_2:
        return delayed_value<Rule::exponential_decay_2, SelectRule::exponential_decay>(
            a, delay, element, frame);
      case Rule::chain_decay:
        return delayed_value<Rule::chain_decay, SelectRule::chain_decay>(a, delay, element, frame);
    }
    return T(0);
  }
};

/// Call (x, 0) covers element x of the output.
template <class V>
struct SynapticCopyBody {
  SynapticCopyArguments<V> arguments;

  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t) const {
    const SynapticCopyArguments<V>& a = arguments;
    switch (a.copy) {
      case SynapticCopy::selector: {
        const SynapticElement element =
            synaptic_element(a.layout, a.geometry, a.rows, a.columns, true, x);
        a.out[x] = a.in != nullptr ? a.in[element.delay] : V(0);
        return;
      }
      case SynapticCopy::unfold: {
        const SynapticElement element =
            synaptic_element(SynapticLayout::convolution, a.geometry, 0, 0, false, x);
        a.out[x] = element.synapse >= 0
                       ? a.in[element.sample * a.geometry.pixels() + element.synapse]
                       : V(0);
        return;
      }
      case SynapticCopy::fold_mean:
        if constexpr (!std::is_integral_v<V>) a.out[x] = mean_over_copies(x);
        return;
      case SynapticCopy::transpose: {
        const std::int64_t row = x % a.rows;
        const std::int64_t column = x / a.rows % a.columns;
        const std::int64_t sample = x / (a.rows * a.columns);
        a.out[x] = a.in[(sample * a.rows + row) * a.columns + column];
        return;
      }
    }
  }

 private:
  /// The output position along an axis whose patch has the pixel at kernel offset k; -1 if none.
  CUSYNAPSE_HOST_DEVICE std::int64_t covering(std::int64_t pixel, std::int64_t k, int axis,
                                              std::int64_t out_size) const {
    const ConvolutionGeometry& g = arguments.geometry;
    const std::int64_t offset = pixel + g.padding[axis] - k * g.dilation[axis];
    if (offset < 0 || offset % g.stride[axis] != 0) return -1;
    const std::int64_t position = offset / g.stride[axis];
    return position < out_size ? position : -1;
  }

  CUSYNAPSE_HOST_DEVICE V mean_over_copies(std::int64_t x) const {
    const ConvolutionGeometry& g = arguments.geometry;
    const std::int64_t column = x % g.width;
    const std::int64_t row = x / g.width % g.height;
    const std::int64_t channel = x / (g.width * g.height) % g.channels;
    const std::int64_t sample = x / g.pixels();
    V sum = V(0);
    std::int32_t copies = 0;
    for (std::int64_t i = 0; i < g.kernel[0]; ++i) {
      const std::int64_t out_row = covering(row, i, 0, g.out_height);
      if (out_row < 0) continue;
      for (std::int64_t j = 0; j < g.kernel[1]; ++j) {
        const std::int64_t out_column = covering(column, j, 1, g.out_width);
        if (out_column < 0) continue;
        const std::int64_t n = (channel * g.kernel[0] + i) * g.kernel[1] + j;
        sum = math::add(sum, arguments.in[(sample * g.patch() + n) * g.positions() +
                                          out_row * g.out_width + out_column]);
        ++copies;
      }
    }
    return math::divide(sum, static_cast<V>(copies));  // NaN of 0 / 0
  }
};

/// Call (x, 0) covers diagonal element x.
template <class T>
struct ZeroDiagonalBody {
  T* matrix;
  std::int64_t size;

  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t) const {
    matrix[x * (size + 1)] = T(0);
  }
};

/// Call (x, 0) covers value x. NaN becomes `low`.
template <class T>
struct ClampBody {
  T* values;
  T low;
  T high;

  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t) const {
    const T value = values[x];
    const T above = value > low ? value : low;
    values[x] = above < high ? above : high;
  }
};

}  // namespace cusynapse::kernels
