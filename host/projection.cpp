#include "cusynapse/projection.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "host/check.hpp"
#include "host/random.hpp"
#include "host/state.hpp"

namespace cusynapse {
namespace {

constexpr const char* class_name = "Projection";

host::Where in(const char* function) { return {class_name, function}; }

template <class T>
ProjectionOptions<T> checked(const ProjectionOptions<T>& options) {
  const host::Where where{class_name};
  host::checked_frame_size(where, {options.out_features, options.in_features}, 1);
  for (const std::int64_t features : {options.in_features, options.out_features}) {
    host::check(features <= std::int64_t{1} << 31, where, "number of features",
                static_cast<double>(features), "at most 2^31");
  }
  host::check(options.receptor >= Receptor::excitatory && options.receptor <= Receptor::both, where,
              "receptor", static_cast<double>(options.receptor), "one of Receptor");
  const LinearSaturation& saturation = options.saturation;
  for (const double value : {saturation.scale, saturation.minimum, saturation.maximum}) {
    host::check(std::isfinite(static_cast<T>(value)), where, "saturation", value,
                "finite and within the range of the type");
  }
  host::check(saturation.minimum <= saturation.maximum, where, "minimum of the saturation",
              saturation.minimum, "at most the maximum");
  return options;
}

/// `shape` with another innermost extent.
Shape with_features(const Shape& shape, std::int64_t features) {
  std::int64_t extents[Shape::max_rank] = {};
  std::copy(shape.begin(), shape.end(), extents);
  extents[shape.rank() - 1] = features;
  return Shape(extents, shape.rank());
}

/// Rows of an array [..., features]: the product of the leading extents.
std::int64_t checked_rows(const host::Where& where, const char* what, const void* data,
                          const Shape& shape, std::int64_t features) {
  const int rank = shape.rank();
  if (rank < 1 || shape[rank - 1] != features ||
      std::any_of(shape.begin(), shape.end(), [](std::int64_t extent) { return extent < 1; })) {
    throw Error(Errc::shape_mismatch, where.name() + ": " + what + " has shape " +
                                          to_string(shape) + ", expected [..., " +
                                          std::to_string(features) +
                                          "] with extents of at least 1");
  }
  host::check_array(where, what, data, shape, shape);
  double size = 1.0;
  for (const std::int64_t extent : shape) size *= static_cast<double>(extent);
  host::check(size <= host::most_elements, where, what, size, "at most 2^56 elements");
  return shape.size() / features;
}

/// What rows of an input start at.
template <class T>
const void* row(InputKind kind, const void* data, std::int64_t element) {
  switch (kind) {
    case InputKind::values:
      return static_cast<const T*>(data) + element;
    case InputKind::bytes:
      return static_cast<const std::uint8_t*>(data) + element;
    case InputKind::bits:
      return static_cast<const std::uint8_t*>(data) + element / 8;
  }
  return nullptr;
}

/// An array of the caller's, as a ring of one slot.
template <class T>
CurrentSource<T> source_of(InputKind kind, const void* data, std::int64_t size) {
  CurrentSource<T> source;
  source.stride = size;
  switch (kind) {
    case InputKind::values:
      source.kind = SourceKind::traces;
      source.traces[0] = static_cast<const T*>(data);
      break;
    case InputKind::bytes:
      source.kind = SourceKind::bytes;
      source.spikes = static_cast<const std::uint8_t*>(data);
      break;
    case InputKind::bits:
      source.kind = SourceKind::bits;
      source.spikes = static_cast<const std::uint8_t*>(data);
      break;
  }
  return source;
}

/// Throws unless every transformed weight is on the grid of hardware weights; of receptors of one
/// sign, the other sign has no bound, since it becomes 0.
template <class T>
void check_transformed(const Stream& stream, const host::Where& where, const Buffer<T>& transformed,
                       Receptor receptor) {
  // The largest value that rounds to 63.
  const T most = std::nextafter(T(largest_hardware_weight) + T(0.5), T(0));
  constexpr T unbounded = std::numeric_limits<T>::infinity();
  const T low = receptor == Receptor::excitatory ? -unbounded : -most;
  const T high = receptor == Receptor::inhibitory ? unbounded : most;
  const std::int64_t size = transformed.size();
  const std::int64_t outside = host::count_outside(stream, transformed.data(), size, low, high);
  if (outside > 0) {
    host::refuse(where, "number of transformed weights that are NaN or beyond 63",
                 std::to_string(outside) + " of " + std::to_string(size), "0");
  }
}

}  // namespace

template <class T>
Projection<T>::Projection(const Stream& stream, const ProjectionOptions<T>& options)
    : options_(checked(options)),
      weight_(stream.device(), weight_shape().size()),
      planned_(stream.device(), dense_plan_size(in_features(), out_features())),
      transposed_(stream.device(), dense_plan_size(out_features(), in_features())),
      workspace_(stream.device(), static_cast<std::int64_t>(
                                      std::max(workspace_bytes(in_features(), out_features()),
                                               workspace_bytes(out_features(), in_features())))) {
  reset_parameters(stream, options.seed);
}

template <class T>
Projection<T>::Projection(const Stream& stream, const ProjectionOptions<T>& options,
                          const std::vector<std::uint8_t>& mask)
    : Projection(stream, options) {
  const auto inputs = static_cast<std::size_t>(in_features());
  const auto outputs = static_cast<std::size_t>(out_features());
  if (mask.size() != inputs * outputs) {
    throw Error(Errc::shape_mismatch, in("Projection").name() + ": mask has " +
                                          std::to_string(mask.size()) + " elements, expected " +
                                          std::to_string(inputs * outputs));
  }
  std::vector<std::uint8_t> transposed(mask.size());
  for (std::size_t i = 0; i < inputs; ++i) {
    for (std::size_t j = 0; j < outputs; ++j) transposed[j * inputs + i] = mask[i * outputs + j];
  }
  mask_ = Buffer<std::uint8_t>(stream, transposed.data(), weight_.size());
  apply_mask(stream);
}

template <class T>
Projection<T>::Projection(const Stream& stream, const ProjectionOptions<T>& options,
                          View<const std::uint8_t> mask)
    : Projection(stream, options) {
  host::check_array(in("Projection"), "mask", mask.data(), mask.shape(),
                    {in_features(), out_features()});
  mask_ = Buffer<std::uint8_t>(stream.device(), weight_.size());
  SynapticCopyArguments<std::uint8_t> transpose;
  transpose.copy = SynapticCopy::transpose;
  transpose.batch = 1;
  transpose.rows = in_features();
  transpose.columns = out_features();
  transpose.in = mask.data();
  transpose.out = mask_.data();
  ops::synaptic_copy(stream, transpose);
  apply_mask(stream);
}

// What a state holds.
template <class T>
struct Projection<T>::Saved {
  ProjectionOptions<T> options;
  bool has_transform = false;
  bool is_changed = false;
  std::vector<T> weight;
  Buffer<std::uint8_t> mask;
};

template <class T>
auto Projection<T>::read(const Stream& stream, StateReader& state) -> Saved {
  state.require<T>(class_name);
  Saved saved;
  ProjectionOptions<T>& options = saved.options;
  options.in_features = state.integer("in_features");
  options.out_features = state.integer("out_features");
  options.receptor = static_cast<Receptor>(state.integer("receptor", 0, 2));
  options.saturation.scale = state.number("saturation.scale");
  options.saturation.minimum = state.number("saturation.minimum");
  options.saturation.maximum = state.number("saturation.maximum");
  host::from_state([&] { return checked(options); });
  saved.has_transform = state.flag("has_transform");
  saved.is_changed = state.flag("changed");
  const Shape shape = {options.out_features, options.in_features};
  saved.weight = state.array<T>("weight", shape);
  if (state.flag("is_masked")) {
    const auto mask = state.array<std::uint8_t>("mask", shape);
    saved.mask = Buffer<std::uint8_t>(stream, mask.data(), shape.size());
  }
  return saved;
}

template <class T>
void Projection<T>::take(const Stream& stream, Saved&& saved) {
  weight_.copy_from_host(stream, saved.weight.data());
  options_.receptor = saved.options.receptor;
  options_.saturation = saved.options.saturation;
  mask_.swap(saved.mask);
  note_change();
  run_version_ = saved.is_changed ? version_ - 1 : version_;
}

template <class T>
Projection<T>::Projection(const Stream& stream, StateReader& state)
    : Projection(stream, read(stream, state)) {}

template <class T>
Projection<T>::Projection(const Stream& stream, Saved&& saved) : Projection(stream, saved.options) {
  if (saved.has_transform) {
    throw Error(Errc::not_supported,
                in("Projection").name() +
                    ": the state is of a projection with a transform of the caller's, expected "
                    "one without, or load into a projection with one");
  }
  take(stream, std::move(saved));
}

template <class T>
std::vector<std::uint8_t> Projection<T>::save(const Stream& stream) const {
  const host::Call call(in("save"), stream, device());
  StateWriter state = StateWriter::of<T>(class_name);
  state.integer("in_features", in_features());
  state.integer("out_features", out_features());
  state.integer("receptor", static_cast<std::int64_t>(receptor()));
  state.number("saturation.scale", options_.saturation.scale);
  state.number("saturation.minimum", options_.saturation.minimum);
  state.number("saturation.maximum", options_.saturation.maximum);
  state.flag("has_transform", static_cast<bool>(options_.transform));
  state.flag("changed", changed_since_last_run());
  state.array("weight", weight_shape(), to_host(stream).data());
  state.flag("is_masked", is_masked());
  if (is_masked()) state.array("mask", weight_shape(), host::to_host(stream, mask_).data());
  return state.finish();
}

template <class T>
void Projection<T>::load(const Stream& stream, StateBytes bytes) {
  const host::Call call(in("load"), stream, device());
  StateReader state(bytes);
  Saved saved = read(stream, state);
  state.finish();
  host::check_state_shape(in("load"), {saved.options.out_features, saved.options.in_features},
                          weight_shape());
  if (saved.has_transform != static_cast<bool>(options_.transform)) {
    state.refuse("record \"has_transform\"", saved.has_transform ? "1" : "0",
                 "that of the projection that loads it");
  }
  take(stream, std::move(saved));
}

template <class T>
Projection<T>::~Projection() = default;
template <class T>
Projection<T>::Projection(Projection&& other) noexcept = default;
template <class T>
Projection<T>& Projection<T>::operator=(Projection&& other) noexcept = default;

template <class T>
std::size_t Projection<T>::workspace_bytes(std::int64_t inputs, std::int64_t outputs) const {
  DelayedDense<T> a;
  a.inputs = inputs;
  a.outputs = outputs;
  // Fewer rows may be cut into more parts.
  std::size_t most = 0;
  for (const SourceKind kind : {SourceKind::traces, SourceKind::bytes, SourceKind::bits}) {
    a.source.kind = kind;
    for (a.batch = 1; a.batch <= rows_per_launch; ++a.batch) {
      most = std::max(most, ops::dense_workspace_bytes(weight_.device(), a));
    }
  }
  return most;
}

template <class T>
void Projection<T>::note_change() noexcept {
  ++version_;
  is_plan_stale_ = true;
  is_transposed_stale_ = true;
}

template <class T>
View<T> Projection<T>::edit() {
  note_change();
  return weight_.view(weight_shape());
}

template <class T>
void Projection<T>::set(const Stream& stream, View<const T> weights) {
  const host::Call call(in("set"), stream, device());
  host::check_array(in("set"), "weights", weights.data(), weights.shape(), weight_shape());
  ops::masked_copy(stream,
                   MaskedCopy<T>{weights.data(), mask_.data(), weight_.size(), weight_.data()});
  note_change();
}

template <class T>
void Projection<T>::set_from_host(const Stream& stream, const std::vector<T>& weights) {
  const host::Where where = in("set_from_host");
  const host::Call call(where, stream, device());
  if (static_cast<std::int64_t>(weights.size()) != weight_.size()) {
    throw Error(Errc::shape_mismatch, where.name() + ": weights have " +
                                          std::to_string(weights.size()) + " elements, expected " +
                                          std::to_string(weight_.size()));
  }
  weight_.copy_from_host(stream, weights.data());
  apply_mask(stream);
  note_change();
}

template <class T>
std::vector<T> Projection<T>::to_host(const Stream& stream) const {
  const host::Call call(in("to_host"), stream, device());
  std::vector<T> out(static_cast<std::size_t>(weight_.size()));
  weight_.copy_to_host(stream, out.data());
  return out;
}

template <class T>
void Projection<T>::reset_parameters(const Stream& stream, std::uint64_t seed) {
  const host::Call call(in("reset_parameters"), stream, device());
  const double root = std::sqrt(static_cast<double>(in_features()));
  std::vector<T> weights = host::uniform<T>(seed, weight_.size());
  for (T& weight : weights) {
    weight = static_cast<T>((2.0 * static_cast<double>(weight) - 1.0) / root);
  }
  set_from_host(stream, weights);
}

template <class T>
void Projection<T>::apply_mask(const Stream& stream) {
  if (!is_masked()) return;
  ops::masked_copy(stream,
                   MaskedCopy<T>{weight_.data(), mask_.data(), weight_.size(), weight_.data()});
}

template <class T>
void Projection<T>::renew_plan(const Stream& stream) {
  if (!is_plan_stale_) return;
  apply_mask(stream);
  DelayPlan<T> plan;
  plan.select.slots = 1;
  plan.rows = out_features();
  plan.columns = in_features();
  plan.is_tiled = true;
  plan.weights = weight_.data();
  plan.planned[0] = planned_.data();
  ops::delay_plan(stream, plan);
  is_plan_stale_ = false;
}

template <class T>
void Projection<T>::renew_transposed_plan(const Stream& stream) {
  if (!is_transposed_stale_) return;
  apply_mask(stream);
  ops::transposed_plan(
      stream, TransposedPlan<T>{in_features(), out_features(), weight_.data(), transposed_.data()});
  is_transposed_stale_ = false;
}

template <class T>
void Projection<T>::prepare(const Stream& stream) {
  const host::Call call(in("prepare"), stream, device());
  renew_plan(stream);
  renew_transposed_plan(stream);
}

template <class T>
void Projection<T>::sum(const Stream& stream, const Buffer<T>& planned, const SpikeInput<T>& input,
                        std::int64_t rows, std::int64_t inputs, std::int64_t outputs, Output output,
                        T* out) {
  // A launch starts on a whole byte of packed bits.
  static_assert(rows_per_launch % 8 == 0);
  DelayedDense<T> a;
  a.plan.weights[0] = planned.data();
  a.inputs = inputs;
  a.outputs = outputs;
  a.accumulates = output == Output::accumulate;
  a.workspace = workspace_.data();
  a.workspace_bytes = static_cast<std::size_t>(workspace_.size());
  for (std::int64_t first = 0; first < rows; first += rows_per_launch) {
    a.batch = std::min(rows - first, rows_per_launch);
    a.source = source_of<T>(input.kind(), row<T>(input.kind(), input.data(), first * inputs),
                            a.batch * inputs);
    a.out = out + first * outputs;
    ops::delayed_dense(stream, a);
  }
}

template <class T>
void Projection<T>::forward(const Stream& stream, const SpikeInput<T>& spikes, View<T> graded,
                            Output output) {
  const host::Where where = in("forward");
  const host::Call call(where, stream, device());
  const std::int64_t rows =
      checked_rows(where, "spikes", spikes.data(), spikes.shape(), in_features());
  host::check_array(where, "graded", graded.data(), graded.shape(),
                    with_features(spikes.shape(), out_features()));
  host::check_output(where, output);
  renew_plan(stream);
  sum(stream, planned_, spikes, rows, in_features(), out_features(), output, graded.data());
}

template <class T>
void Projection<T>::backward(const Stream& stream, View<const T> grad, const SpikeInput<T>& spikes,
                             View<T> grad_spikes, View<T> grad_weight, Output grad_weight_output) {
  const host::Where where = in("backward");
  const host::Call call(where, stream, device());
  const std::int64_t rows = checked_rows(where, "grad", grad.data(), grad.shape(), out_features());
  const Shape input_shape = with_features(grad.shape(), in_features());
  host::check_array(where, "spikes", spikes.data(), spikes.shape(), input_shape);
  const bool wants_spikes = grad_spikes.data() != nullptr || grad_spikes.shape() != Shape();
  const bool wants_weight = grad_weight.data() != nullptr || grad_weight.shape() != Shape();
  if (wants_spikes) {
    host::check_array(where, "grad_spikes", grad_spikes.data(), grad_spikes.shape(), input_shape);
  }
  if (wants_weight) {
    host::check_array(where, "grad_weight", grad_weight.data(), grad_weight.shape(),
                      weight_shape());
  }
  host::check_output(where, grad_weight_output);
  if (wants_spikes) {
    renew_transposed_plan(stream);
    sum(stream, transposed_, grad, rows, out_features(), in_features(), Output::replace,
        grad_spikes.data());
  }
  if (wants_weight) {
    OuterProduct<T> product;
    product.rows = rows;
    product.outputs = out_features();
    product.inputs = in_features();
    product.left = grad.data();
    product.right_kind = spikes.kind();
    product.right = spikes.data();
    product.mask = mask_.data();
    product.accumulates = grad_weight_output == Output::accumulate;
    product.out = grad_weight.data();
    ops::outer_product(stream, product);
  }
}

template <class T>
void Projection<T>::hardware_image(const Stream& stream, View<std::uint8_t> excitatory,
                                   View<std::uint8_t> inhibitory) const {
  const host::Where where = in("hardware_image");
  const host::Call call(where, stream, device());
  const auto check_image = [&](const char* what, const View<std::uint8_t>& image, Receptor other) {
    if (image.data() == nullptr && image.shape() == Shape()) return;
    host::check_array(where, what, image.data(), image.shape(), weight_shape());
    if (receptor() == other) {
      throw Error(Errc::not_supported, where.name() + ": got an " + what +
                                           " image, expected none of a projection without such "
                                           "receptors");
    }
  };
  check_image("excitatory", excitatory, Receptor::inhibitory);
  check_image("inhibitory", inhibitory, Receptor::excitatory);
  const Buffer<T> transformed = transformed_weights(stream);
  check_transformed(stream, where, transformed, receptor());
  if (excitatory.data() == nullptr && inhibitory.data() == nullptr) return;
  ops::hardware_image(stream, HardwareImage<T>{transformed.data(), transformed.size(),
                                               excitatory.data(), inhibitory.data()});
}

template <class T>
Buffer<T> Projection<T>::transformed_weights(const Stream& stream) const {
  const std::int64_t size = weight_.size();
  const Shape shape = weight_shape();
  Buffer<T> weights(stream.device(), size);
  Buffer<T> out(stream.device(), size);
  // Masked before, for what was written since the plan was made, and after, because a transform of
  // 0 need not be 0.
  ops::masked_copy(stream, MaskedCopy<T>{weight_.data(), mask_.data(), size, weights.data()});
  if (options_.transform) {
    options_.transform(stream, std::as_const(weights).view(shape), out.view(shape));
  } else {
    const LinearSaturation& saturation = options_.saturation;
    ops::linear_saturating(
        stream, LinearSaturating<T>{weights.data(), size, static_cast<T>(saturation.scale),
                                    static_cast<T>(saturation.minimum),
                                    static_cast<T>(saturation.maximum), out.data()});
  }
  ops::masked_copy(stream, MaskedCopy<T>{out.data(), mask_.data(), size, out.data()});
  return out;
}

template <class T>
std::vector<PlacedConnection> Projection<T>::get_connections(const Stream& stream,
                                                             Receptor receptor) const {
  const host::Where where = in("get_connections");
  const host::Call call(where, stream, device());
  host::check(receptor == Receptor::excitatory || receptor == Receptor::inhibitory, where,
              "receptor", static_cast<double>(receptor), "excitatory (0) or inhibitory (1)");
  Buffer<std::uint8_t> image(stream.device(), weight_.size());
  const View<std::uint8_t> view = image.view(weight_shape());
  if (receptor == Receptor::excitatory) {
    hardware_image(stream, view, {});
  } else {
    hardware_image(stream, {}, view);
  }
  std::vector<std::uint8_t> magnitudes(static_cast<std::size_t>(image.size()));
  image.copy_to_host(stream, magnitudes.data());
  std::vector<PlacedConnection> out;
  out.reserve(magnitudes.size());
  const std::uint8_t* magnitude = magnitudes.data();
  for (std::int64_t post = 0; post < out_features(); ++post) {
    for (std::int64_t pre = 0; pre < in_features(); ++pre) out.push_back({pre, post, *magnitude++});
  }
  return out;
}

template class Projection<float>;
template class Projection<double>;

}  // namespace cusynapse
