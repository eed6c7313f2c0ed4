#include "cusynapse/connection_ops.hpp"

#include <cmath>

#include "host/check.hpp"
#include "host/dispatch.hpp"
#include "host/stored.hpp"

namespace cusynapse {

SlotWidth slot_width(std::int32_t slots) {
  if (slots <= 255) return SlotWidth::byte;
  if (slots <= 65535) return SlotWidth::word;
  throw Error(Errc::not_supported, "slot_width: got " + std::to_string(slots) +
                                       " steps of delay, expected at most 65535");
}

namespace ops {
namespace {

using host::check;
using host::check_pointer;

void check_count(const char* where, const char* what, std::int64_t count, std::int64_t least) {
  check(count >= least && count <= (std::int64_t{1} << 31), where, what, static_cast<double>(count),
        least == 0 ? "0 to 2^31" : "1 to 2^31");
}

template <class T>
void check_source(const char* where, const CurrentSource<T>& source, std::int64_t frame,
                  std::int64_t slots) {
  check(source.kind >= SourceKind::traces && source.kind <= SourceKind::bytes, where, "source.kind",
        static_cast<double>(source.kind), "one of SourceKind");
  check(source.slots >= slots && source.slots <= (1 << 30), where, "source.slots", source.slots,
        "as many as the delays and steps read, and at most 2^30");
  check(source.stride >= frame, where, "source.stride", static_cast<double>(source.stride),
        "at least the size of a frame");
  check(
      source.head.state != nullptr || (source.head.value >= 0 && source.head.value < source.slots),
      where, "source.head", source.head.value, "0 to slots - 1");
  if (source.kind == SourceKind::traces) {
    check(source.trace_count == 1 || source.trace_count == 2, where, "source.trace_count",
          source.trace_count, "1 or 2");
    host::check_stored(where, "source.traces", source.traces, source.trace_count);
    for (int k = 0; k < source.trace_count; ++k) {
      check_pointer(source.traces[k].data(), where, "source.traces");
    }
  } else {
    check_pointer(source.spikes, where, "source.spikes");
  }
}

template <class T>
void check_plan(const char* where, const PlannedWeights<T>& plan, const CurrentSource<T>& source) {
  check(plan.width >= SlotWidth::none && plan.width <= SlotWidth::word, where, "plan.width",
        static_cast<double>(plan.width), "one of SlotWidth");
  const bool is_delayed = plan.width != SlotWidth::none;
  const int most = plan.width == SlotWidth::word ? 65535 : 255;
  check(is_delayed ? plan.delay_slots >= 1 && plan.delay_slots <= most : plan.delay_slots == 1,
        where, "plan.delay_slots", plan.delay_slots,
        "1 without slots, up to 255 with bytes and up to 65535 with words");
  if (is_delayed) check_pointer(plan.slots, where, "plan.slots");
  const bool is_double = is_delayed && source.kind == SourceKind::traces && source.trace_count == 2;
  const int count = is_double ? 2 : 1;
  host::check_stored(where, "plan.weights", plan.weights, count);
  for (int k = 0; k < count; ++k) check_pointer(plan.weights[k].data(), where, "plan.weights");
}

void check_geometry(const char* where, const ConvolutionGeometry& g, std::int64_t batch) {
  check_count(where, "geometry.channels", g.channels, 1);
  check_count(where, "geometry.height", g.height, 1);
  check_count(where, "geometry.width", g.width, 1);
  check_count(where, "geometry.filters", g.filters, 1);
  check_count(where, "geometry.out_height", g.out_height, 1);
  check_count(where, "geometry.out_width", g.out_width, 1);
  for (int axis = 0; axis < 2; ++axis) {
    check_count(where, "geometry.kernel", g.kernel[axis], 1);
    check_count(where, "geometry.stride", g.stride[axis], 1);
    check_count(where, "geometry.dilation", g.dilation[axis], 1);
    check_count(where, "geometry.padding", g.padding[axis], 0);
    const double padded = static_cast<double>(axis == 0 ? g.height : g.width) +
                          2.0 * static_cast<double>(g.padding[axis]);
    check(padded <= 0x1p30, where, axis == 0 ? "geometry.height" : "geometry.width", padded,
          "at most 2^30 pixels with the padding");
    const double span =
        padded -
        static_cast<double>(g.dilation[axis]) * (static_cast<double>(g.kernel[axis]) - 1.0) - 1.0;
    const double out = std::floor(span / static_cast<double>(g.stride[axis])) + 1.0;
    const auto got = static_cast<double>(axis == 0 ? g.out_height : g.out_width);
    check(got == out, where, axis == 0 ? "geometry.out_height" : "geometry.out_width", got,
          "floor((size + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1)");
  }
  host::checked_product(where, "pixels of the geometry", {batch, g.channels, g.height, g.width});
  host::checked_product(where, "weights of the geometry",
                        {g.filters, g.channels, g.kernel[0], g.kernel[1]});
  host::checked_product(where, "outputs of the geometry",
                        {batch, g.filters, g.out_height, g.out_width});
}

template <class T>
void check_select(const char* where, const DelayedSelect<T>& a) {
  host::check_times(where, a);
  check(a.rule >= SelectRule::previous && a.rule <= SelectRule::chain_decay, where, "rule",
        static_cast<double>(a.rule), "one of SelectRule");
}

template <class T>
void check_traces(const char* where, const DelayedSelect<T>& select,
                  const CurrentSource<T>& source) {
  const bool reads_two = select.rule == SelectRule::chain_decay ||
                         (select.rule == SelectRule::exponential_decay && select.trace_count == 2);
  check(source.kind != SourceKind::traces || !reads_two || source.trace_count == 2, where,
        "source.trace_count", source.trace_count, "2 for what the rule reads");
}

template <class T>
void run_delay_plan(const Stream& stream, const DelayPlan<T>& a) {
  const char* where = "delay_plan";
  check_count(where, "rows", a.rows, 0);
  check_count(where, "columns", a.columns, 0);
  if (a.rows == 0 || a.columns == 0) return;
  check_pointer(a.weights, where, "weights");
  const bool are_both = a.planned[0].data() != nullptr && a.planned[1].data() != nullptr;
  if (are_both) host::check_stored(where, "planned", a.planned, 2);
  for (const auto& planned : a.planned) host::check_storage<T>(where, planned.storage());
  if (a.delays != nullptr) check_select(where, a.select);
  if (a.slots != nullptr) {
    check_pointer(a.delays, where, "delays");
    check(a.width == SlotWidth::byte || a.width == SlotWidth::word, where, "width",
          static_cast<double>(a.width), "byte or word");
    check(a.select.slots <= (a.width == SlotWidth::byte ? 255 : 65535), where, "slots",
          a.select.slots, "as many as the width holds");
  }
  host::backend(stream.device()).connections(T{}).delay_plan(stream, a);
}

template <class T>
void check_dense(const char* where, const DelayedDense<T>& a) {
  check_count(where, "inputs", a.inputs, 1);
  check_count(where, "outputs", a.outputs, 1);
  check_count(where, "batch", a.batch, 1);
  check_count(where, "steps", a.steps, 1);
  host::checked_product(where, "inputs of all samples", {a.inputs, a.batch});
  // Of every run of inputs, which a workspace may hold apart.
  host::checked_product(where, "outputs of all samples, steps and runs",
                        {a.outputs, a.batch, a.steps, (a.inputs + sum_run - 1) / sum_run});
  check(a.steps == 1 ||
            static_cast<double>(a.plan.delay_slots) * static_cast<double>(a.batch) <= 0x1p30,
        where, "samples of all slots", static_cast<double>(a.batch), "at most 2^30");
}

template <class T>
void run_delayed_dense(const Stream& stream, const DelayedDense<T>& a) {
  const char* where = "delayed_dense";
  check_dense(where, a);
  check_plan(where, a.plan, a.source);
  check_source(where, a.source, a.inputs * a.batch, a.plan.delay_slots + a.steps - 1);
  check_pointer(a.out, where, "out");
  check_pointer(a.workspace, where, "workspace");
  const auto check_aligned = [&](const char* what, const void* memory, unsigned bytes) {
    if (reinterpret_cast<std::uintptr_t>(memory) % bytes == 0) return;
    host::refuse(where, what, "not aligned",
                 "memory aligned to " + std::to_string(bytes) + " bytes");
  };
  check_aligned("workspace", a.workspace, 256);
  check_aligned("plan.slots", a.plan.slots, 16);
  for (const auto& weights : a.plan.weights) check_aligned("plan.weights", weights.data(), 16);
  const auto& operations = host::backend(stream.device()).connections(T{});
  const std::size_t least = operations.dense_workspace_bytes(a, true);
  if (a.workspace_bytes < least) {
    host::refuse(where, "workspace_bytes", std::to_string(a.workspace_bytes),
                 "at least " + std::to_string(least));
  }
  operations.delayed_dense(stream, a);
}

template <class T>
std::size_t workspace_bytes(Device device, const DelayedDense<T>& a) {
  check_dense("dense_workspace_bytes", a);
  return host::backend(device).connections(T{}).dense_workspace_bytes(a, false);
}

template <class T>
void run_delayed_direct(const Stream& stream, const DelayedDirect<T>& a) {
  const char* where = "delayed_direct";
  check_count(where, "size", a.size, 1);
  check_count(where, "batch", a.batch, 1);
  host::checked_product(where, "elements of all samples", {a.size, a.batch});
  check_plan(where, a.plan, a.source);
  check_source(where, a.source, a.size * a.batch, a.plan.delay_slots);
  check_pointer(a.out, where, "out");
  host::backend(stream.device()).connections(T{}).delayed_direct(stream, a);
}

template <class T>
void run_delayed_conv2d(const Stream& stream, const DelayedConv2D<T>& a) {
  const char* where = "delayed_conv2d";
  check_count(where, "batch", a.batch, 1);
  check_geometry(where, a.geometry, a.batch);
  check_plan(where, a.plan, a.source);
  check_source(where, a.source, a.geometry.pixels() * a.batch, a.plan.delay_slots);
  check_pointer(a.out, where, "out");
  host::backend(stream.device()).connections(T{}).delayed_conv2d(stream, a);
}

// Elements of an array of a layout, with its trailing extent or without.
std::int64_t synaptic_size(const char* where, SynapticLayout layout, const ConvolutionGeometry& g,
                           std::int64_t batch, std::int64_t inputs, std::int64_t outputs,
                           bool is_trailing) {
  switch (layout) {
    case SynapticLayout::direct:
      return host::checked_product(where, "elements", {batch, inputs});
    case SynapticLayout::dense:
      return host::checked_product(where, "elements", {batch, inputs, is_trailing ? outputs : 1});
    case SynapticLayout::convolution:
      return host::checked_product(where, "elements",
                                   {batch, g.patch(), g.positions(), is_trailing ? g.filters : 1});
  }
  return 0;
}

void check_layout(const char* where, SynapticLayout layout, const ConvolutionGeometry& g,
                  std::int64_t batch, std::int64_t inputs, std::int64_t outputs) {
  check(layout >= SynapticLayout::direct && layout <= SynapticLayout::convolution, where, "layout",
        static_cast<double>(layout), "one of SynapticLayout");
  check_count(where, "batch", batch, 1);
  if (layout == SynapticLayout::convolution) return check_geometry(where, g, batch);
  check_count(where, "inputs", inputs, 1);
  if (layout == SynapticLayout::dense) check_count(where, "outputs", outputs, 1);
}

template <class T>
void run_synaptic_select(const Stream& stream, const SynapticSelect<T>& a) {
  const char* where = "synaptic_select";
  check_layout(where, a.layout, a.geometry, a.batch, a.inputs, a.outputs);
  const std::int64_t frame =
      a.layout == SynapticLayout::convolution ? a.geometry.pixels() : a.inputs;
  const std::int64_t size =
      synaptic_size(where, a.layout, a.geometry, a.batch, a.inputs, a.outputs, a.delays != nullptr);
  check_source(where, a.source, frame * a.batch, a.delays != nullptr ? a.select.slots : 1);
  if (a.delays != nullptr) {
    check_select(where, a.select);
    check_traces(where, a.select, a.source);
  }
  if ((a.values != nullptr) == (a.bytes != nullptr)) {
    host::refuse(where, "values and bytes", a.values != nullptr ? "both" : "neither",
                 "exactly one of them");
  }
  host::backend(stream.device()).connections(T{}).synaptic_select(stream, a, size);
}

// The operations that serve an element type; bytes are served by those of float.
inline float served_by(float) { return 0; }
inline double served_by(double) { return 0; }
inline float served_by(std::uint8_t) { return 0; }

template <class V>
void run_synaptic_copy(const Stream& stream, const SynapticCopyArguments<V>& a) {
  const char* where = "synaptic_copy";
  std::int64_t size = 0;
  switch (a.copy) {
    case SynapticCopy::selector:
      check_layout(where, a.layout, a.geometry, a.batch, a.rows, a.columns);
      size = synaptic_size(where, a.layout, a.geometry, a.batch, a.rows, a.columns, true);
      break;
    case SynapticCopy::unfold:
    case SynapticCopy::fold_mean:
      if (a.copy == SynapticCopy::fold_mean && std::is_integral_v<V>) {
        throw Error(Errc::not_supported, "synaptic_copy: got a mean over bytes, expected values");
      }
      check_layout(where, SynapticLayout::convolution, a.geometry, a.batch, 1, 1);
      size = synaptic_size(where, SynapticLayout::convolution, a.geometry, a.batch, 1, 1, false);
      if (a.copy == SynapticCopy::fold_mean) size = a.batch * a.geometry.pixels();
      break;
    case SynapticCopy::transpose:
      check_count(where, "batch", a.batch, 1);
      check_count(where, "rows", a.rows, 1);
      check_count(where, "columns", a.columns, 1);
      size = host::checked_product(where, "elements", {a.batch, a.rows, a.columns});
      break;
    default:
      host::refuse(where, "copy", std::to_string(static_cast<int>(a.copy)), "one of SynapticCopy");
  }
  if (a.copy != SynapticCopy::selector) check_pointer(a.in, where, "in");
  check_pointer(a.out, where, "out");
  host::backend(stream.device()).connections(served_by(V{})).synaptic_copy(stream, a, size);
}

template <class T>
void run_zero_diagonal(const Stream& stream, T* matrix, std::int64_t size) {
  check_count("zero_diagonal", "size", size, 0);
  if (size == 0) return;
  check_pointer(matrix, "zero_diagonal", "matrix");
  host::backend(stream.device()).connections(T{}).zero_diagonal(stream, matrix, size);
}

template <class T>
void run_clamp(const Stream& stream, T* values, std::int64_t size, T low, T high) {
  host::check_size("clamp", "size", size);
  check(low <= high, "clamp", "low", static_cast<double>(low), "at most high");
  if (size == 0) return;
  check_pointer(values, "clamp", "values");
  host::backend(stream.device()).connections(T{}).clamp(stream, values, size, low, high);
}

}  // namespace

void delay_plan(const Stream& stream, const DelayPlan<float>& a) { run_delay_plan(stream, a); }
void delay_plan(const Stream& stream, const DelayPlan<double>& a) { run_delay_plan(stream, a); }
std::size_t dense_workspace_bytes(Device device, const DelayedDense<float>& a) {
  return workspace_bytes(device, a);
}
std::size_t dense_workspace_bytes(Device device, const DelayedDense<double>& a) {
  return workspace_bytes(device, a);
}
void delayed_dense(const Stream& stream, const DelayedDense<float>& a) {
  run_delayed_dense(stream, a);
}
void delayed_dense(const Stream& stream, const DelayedDense<double>& a) {
  run_delayed_dense(stream, a);
}
void delayed_direct(const Stream& stream, const DelayedDirect<float>& a) {
  run_delayed_direct(stream, a);
}
void delayed_direct(const Stream& stream, const DelayedDirect<double>& a) {
  run_delayed_direct(stream, a);
}
void delayed_conv2d(const Stream& stream, const DelayedConv2D<float>& a) {
  run_delayed_conv2d(stream, a);
}
void delayed_conv2d(const Stream& stream, const DelayedConv2D<double>& a) {
  run_delayed_conv2d(stream, a);
}
void synaptic_select(const Stream& stream, const SynapticSelect<float>& a) {
  run_synaptic_select(stream, a);
}
void synaptic_select(const Stream& stream, const SynapticSelect<double>& a) {
  run_synaptic_select(stream, a);
}
template <class V>
void synaptic_copy(const Stream& stream, const SynapticCopyArguments<V>& a) {
  run_synaptic_copy(stream, a);
}
template void synaptic_copy(const Stream&, const SynapticCopyArguments<float>&);
template void synaptic_copy(const Stream&, const SynapticCopyArguments<double>&);
template void synaptic_copy(const Stream&, const SynapticCopyArguments<std::uint8_t>&);
void zero_diagonal(const Stream& stream, float* matrix, std::int64_t size) {
  run_zero_diagonal(stream, matrix, size);
}
void zero_diagonal(const Stream& stream, double* matrix, std::int64_t size) {
  run_zero_diagonal(stream, matrix, size);
}
void clamp(const Stream& stream, float* values, std::int64_t size, float low, float high) {
  run_clamp(stream, values, size, low, high);
}
void clamp(const Stream& stream, double* values, std::int64_t size, double low, double high) {
  run_clamp(stream, values, size, low, high);
}

}  // namespace ops
}  // namespace cusynapse
