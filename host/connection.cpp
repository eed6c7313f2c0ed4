#include "cusynapse/connection.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "cusynapse/models.hpp"
#include "host/check.hpp"
#include "host/random.hpp"
#include "host/state.hpp"
#include "host/stored.hpp"

namespace cusynapse {
namespace {

// Columns several steps at once make up: enough to read weights seldom and to fill a device.
constexpr std::int64_t sequence_columns = 256;

// The synapse's currents as a source. Delayed sums over two traces want the leading one first.
template <class T>
CurrentSource<T> source_of(const SynapseReadout<T>& readout, bool is_delayed) {
  CurrentSource<T> source;
  const DelayedSelect<T>& current = readout.current;
  source.kind = current.trace_count > 0 ? SourceKind::traces : SourceKind::bits;
  source.trace_count = current.trace_count;
  const int first = is_delayed ? leading_trace(current) : 0;
  for (int k = 0; k < current.trace_count; ++k) {
    const int trace = k == 0 ? first : 1 - first;
    source.traces[k] = current.traces[trace];
    source.weight[k] = current.weight[trace];
  }
  source.spikes = readout.spike.spikes;
  source.amplitude = readout.spike.amplitude;
  source.stride = current.stride;
  source.slots = current.slots;
  source.head = current.head;
  return source;
}

// Whether a plan has weights of its own because values decay between observations.
template <class T>
bool is_folded(const DelayedSelect<T>& select) {
  return select.rule == SelectRule::exponential_decay || select.rule == SelectRule::chain_decay;
}

// Frame `step` of a sequence of inputs.
template <class T>
SpikeInput<T> frame_of(const SpikeInput<T>& inputs, std::int64_t step, const Shape& frame) {
  const std::int64_t size = frame.size();
  switch (inputs.kind()) {
    case InputKind::values:
      return View<const T>(static_cast<const T*>(inputs.data()) + step * size, frame);
    case InputKind::bytes:
      return View<const std::uint8_t>(static_cast<const std::uint8_t*>(inputs.data()) + step * size,
                                      frame);
    case InputKind::bits:
      return PackedSpikes(static_cast<const std::uint8_t*>(inputs.data()) + step * ((size + 7) / 8),
                          frame);
  }
  return inputs;
}

void check_sequence(const host::Where& where, const char* what, const Shape& got,
                    const Shape& frame) {
  if (got.rank() > 0 && got[0] >= 1 && got == frame.prepended(got[0])) return;
  std::string expected = to_string(frame);
  expected.insert(1, "T, ");
  throw Error(Errc::shape_mismatch, where.name() + ": " + what + " has shape " + to_string(got) +
                                        ", expected " + expected + " with T at least 1");
}

// The width of the slots that delays choose from. Refused before anything is allocated.
SlotWidth checked_slot_width(const host::Where& where, std::int32_t slots) {
  if (slots > 65535) {
    throw Error(Errc::not_supported, where.name() + ": delays reach " + std::to_string(slots) +
                                         " steps, expected at most 65535");
  }
  return slot_width(slots);
}

template <class T>
StorageType checked_storage(const char* name, StorageType storage) {
  host::check_storage<T>(name, storage);
  return storage;
}

template <class T>
std::shared_ptr<Synapse<T>> made_by(const SynapseFactory<T>& factory, const Stream& stream,
                                    const char* name, const Shape& shape,
                                    const ConnectionOptions& options) {
  if (!factory) host::refuse(name, "synapse factory", "empty", "one that makes synapses");
  const std::int64_t frame = host::checked_frame_size(name, shape, options.batch_size);
  host::check_positive_in<T>(name, "step_time", options.step_time);
  const double delay = options.delay.value_or(0.0);
  host::check_finite_not_negative(name, "delay", delay);
  if (delay > 0) {
    checked_slot_width(name, host::checked_slots(name, delay, options.step_time, true, frame));
  }
  std::shared_ptr<Synapse<T>> synapse =
      factory(stream, shape, options.step_time, delay, options.batch_size);
  if (synapse != nullptr &&
      (synapse->batch_size() != options.batch_size || synapse->step_time() != options.step_time ||
       synapse->delay() != delay)) {
    host::refuse(name, "synapse of the factory", "of another batch size, dt or delay",
                 "one as it was asked for");
  }
  return synapse;
}

}  // namespace

// All that depends on the weights' storage, batch size, dt and largest delay, made before anything
// is changed.
template <class T>
struct Connection<T>::Storage {
  StorageType weight_storage = StorageType::same;
  std::int64_t batch_size = 0;
  SlotWidth width = SlotWidth::none;
  std::int32_t ring_slots = 1;
  Buffer<std::uint8_t> slots;
  Buffer<std::uint8_t> planned[max_traces];
  Buffer<std::uint8_t> workspace;
};

template <class T>
Connection<T>::Connection(const Stream& stream, const Description& description,
                          const ConnectionOptions& options, const SynapseFactory<T>& factory)
    : Connection(stream, description, options.biased, options.delay.has_value(), options.seed,
                 checked_storage<T>(description.name, options.weight_storage),
                 made_by(factory, stream, description.name, description.synapse, options)) {}

template <class T>
Connection<T>::Connection(const Stream& stream, const Description& description, bool biased,
                          std::uint64_t seed, std::shared_ptr<Synapse<T>> synapse)
    : Connection(stream, description, biased, synapse != nullptr && synapse->delay() > 0, seed,
                 StorageType::same, synapse) {}

template <class T>
Connection<T>::Connection(const Stream& stream, const Description& description, bool biased,
                          bool has_delays, std::uint64_t seed, StorageType weight_storage,
                          std::shared_ptr<Synapse<T>> synapse)
    : description_(description),
      biased_(biased),
      has_delays_(has_delays),
      synapse_(std::move(synapse)) {
  const host::Where where = description_.name;
  if (synapse_ == nullptr) host::refuse(where, "synapse", "null", "a synapse");
  const host::Call call(where, stream, synapse_->device());
  if (synapse_->shape().size() != description_.synapse.size()) {
    throw Error(Errc::shape_mismatch, where.name() + ": synapse has shape " +
                                          to_string(synapse_->shape()) + ", expected " +
                                          to_string(description_.synapse));
  }
  host::checked_frame_size(where, description_.output, synapse_->batch_size());

  const std::int64_t weights = description_.weight.size();
  const std::int64_t biases = description_.bias.size();
  weight_ = Buffer<T>(stream, host::uniform<T>(seed, weights).data(), weights);
  hold_diagonal(stream, Parameter::weight);
  if (biased_) bias_ = Buffer<T>(stream, host::uniform<T>(seed, biases, weights).data(), biases);
  if (has_delays_) {
    delay_ = Buffer<T>(stream.device(), weights);
    delay_.fill_zero(stream);
  }
  take(make_storage(where, weight_storage, synapse_->batch_size(), synapse_->step_time(),
                    synapse_->delay()));
}

// What a state holds of a connection itself.
template <class T>
struct Connection<T>::Parameters {
  std::vector<T> weight, bias, delay;  // empty where there is none
};

// A description, and the state held against it.
template <class T>
auto Connection<T>::checked(const Description& description, StateReader& state)
    -> const Description& {
  const host::Where where{description.name, "load"};
  state.require<T>(description.name);
  const auto check = [&](const char* what, const Shape& got, const Shape& expected) {
    if (got == expected) return;
    throw Error(Errc::shape_mismatch, where.name() + ": " + what + " of the state is " +
                                          to_string(got) + ", expected " + to_string(expected));
  };
  check("input_shape", state.shape("input_shape"), description.input);
  check("output_shape", state.shape("output_shape"), description.output);
  if (description.layout == SynapticLayout::convolution) {
    const ConvolutionGeometry& g = description.geometry;
    check("kernel", state.shape("kernel"), Shape(g.kernel, 2));
    check("stride", state.shape("stride"), Shape(g.stride, 2));
    check("padding", state.shape("padding"), Shape(g.padding, 2));
    check("dilation", state.shape("dilation"), Shape(g.dilation, 2));
  }
  state.check_array<T>("weight", description.weight);
  return description;
}

template <class T>
auto Connection<T>::read_parameters(StateReader& state) const -> Parameters {
  Parameters parameters;
  parameters.weight = state.array<T>("weight", weight_shape());
  if (biased_) parameters.bias = state.array<T>("bias", bias_shape());
  if (has_delays_) parameters.delay = state.array<T>("delay", weight_shape());
  return parameters;
}

template <class T>
void Connection<T>::take_parameters(const Stream& stream, const Parameters& parameters) {
  weight_.copy_from_host(stream, parameters.weight.data());
  if (biased_) bias_.copy_from_host(stream, parameters.bias.data());
  if (has_delays_) delay_.copy_from_host(stream, parameters.delay.data());
}

namespace {

// What a state says weights are stored as. Like batch size and dt, it is taken over.
template <class T>
StorageType storage_of(StateReader& state) {
  if (!state.has("weight_storage")) return StorageType::same;
  const auto storage = static_cast<StorageType>(state.integer("weight_storage", 1, 2));
  if (!std::is_same_v<T, float>) {
    state.refuse("record \"weight_storage\"", host::name_of(storage),
                 "none for a double connection");
  }
  return storage;
}

template <class T>
std::shared_ptr<Synapse<T>> given_or_loaded(const Stream& stream, std::shared_ptr<Synapse<T>> given,
                                            StateBytes saved) {
  return given != nullptr ? given : load_synapse<T>(stream, saved);
}

}  // namespace

template <class T>
Connection<T>::Connection(const Stream& stream, const Description& description, StateReader& state,
                          std::shared_ptr<Synapse<T>> synapse)
    : Connection{stream,
                 checked(description, state),
                 state.flag("biased"),
                 state.flag("has_delays"),
                 0,
                 storage_of<T>(state),
                 given_or_loaded(stream, std::move(synapse), state.state("synapse"))} {
  take_parameters(stream, read_parameters(state));
}

template <class T>
std::vector<std::uint8_t> Connection<T>::save(const Stream& stream) const {
  const host::Where where{name(), "save"};
  const host::Call call(where, stream, device());
  check_unchanged(where);
  StateWriter state = StateWriter::of<T>(name());
  state.shape("input_shape", input_shape());
  state.shape("output_shape", output_shape());
  if (description_.layout == SynapticLayout::convolution) {
    const ConvolutionGeometry& g = description_.geometry;
    state.shape("kernel", Shape(g.kernel, 2));
    state.shape("stride", Shape(g.stride, 2));
    state.shape("padding", Shape(g.padding, 2));
    state.shape("dilation", Shape(g.dilation, 2));
  }
  state.flag("biased", biased_);
  state.flag("has_delays", has_delays_);
  if (weight_storage_ != StorageType::same) {
    state.integer("weight_storage", static_cast<std::int64_t>(weight_storage_));
  }
  for (const Parameter parameter : {Parameter::weight, Parameter::bias, Parameter::delay}) {
    if (!has(parameter)) continue;
    state.array(host::name_of(parameter), parameter_shape(parameter),
                to_host(stream, parameter).data());
  }
  state.state("synapse", synapse_->save(stream));
  return state.finish();
}

template <class T>
void Connection<T>::load(const Stream& stream, StateBytes bytes) {
  const host::Where where{name(), "load"};
  const host::Call call(where, stream, device());
  StateReader state(bytes);
  checked(description_, state);
  const auto check_kind = [&](const char* what, bool expected) {
    if (state.flag(what) != expected) {
      state.refuse("record \"" + std::string(what) + '"', expected ? "0" : "1",
                   std::string(expected ? "1" : "0") + " of the connection that loads it");
    }
  };
  check_kind("biased", biased_);
  check_kind("has_delays", has_delays_);
  const StorageType weight_storage = storage_of<T>(state);
  const Parameters parameters = read_parameters(state);
  StateReader synapse_state(state.state("synapse"));
  const std::unique_ptr<Synapse<T>> synapse = synapse_->restored(stream, synapse_state);
  synapse_state.finish();
  state.finish();
  Storage storage = host::from_state([&] {
    return make_storage(where, weight_storage, synapse->batch_size(), synapse->step_time(),
                        synapse->delay());
  });

  // Nothing is allocated from here on.
  synapse_->exchange(*synapse);
  take(std::move(storage));
  take_parameters(stream, parameters);
}

template <class T>
Connection<T>::~Connection() = default;

template <class T>
auto Connection<T>::make_storage(const host::Where& where, StorageType weight_storage,
                                 std::int64_t batch_size, double step_time, double delay) const
    -> Storage {
  Storage storage;
  storage.weight_storage = weight_storage;
  const SynapseReadout<T> readout = synapse_->readout();
  const std::int64_t frame = host::checked_frame_size(where, description_.synapse, batch_size);
  host::checked_frame_size(where, description_.output, batch_size);
  host::check(batch_size <= std::int64_t{1} << 31, where, "batch_size",
              static_cast<double>(batch_size), "at most 2^31");
  storage.batch_size = batch_size;
  storage.ring_slots = host::checked_slots(where, delay, step_time, true, frame);
  const bool will_delay = has_delays_ && delay > 0;
  if (will_delay) storage.width = checked_slot_width(where, storage.ring_slots);

  const bool is_dense = description_.layout == SynapticLayout::dense;
  const std::int64_t weights = description_.weight.size();
  const std::int64_t entries =
      is_dense ? dense_plan_size(description_.weight[1], description_.weight[0]) : weights;
  if (will_delay) {
    const std::int64_t slot_bytes = storage.width == SlotWidth::word ? 2 : 1;
    storage.slots = Buffer<std::uint8_t>(device(), entries * slot_bytes);
  }
  const bool is_planned =
      is_dense || weight_storage != StorageType::same || (will_delay && is_folded(readout.current));
  const int planned = will_delay && readout.current.trace_count == 2 ? 2 : 1;
  for (int k = 0; k < planned && is_planned; ++k) {
    storage.planned[k] = host::make_stored<T>(device(), weight_storage, entries);
  }
  if (is_dense) {
    DelayedDense<T> a = dense_arguments(batch_size, will_delay ? storage.ring_slots : 1);
    a.plan.width = storage.width;
    storage.workspace = Buffer<std::uint8_t>(
        device(), static_cast<std::int64_t>(ops::dense_workspace_bytes(device(), a)));
  }
  return storage;
}

template <class T>
void Connection<T>::take(Storage&& storage) noexcept {
  weight_storage_ = storage.weight_storage;
  batch_size_ = storage.batch_size;
  width_ = storage.width;
  ring_slots_ = storage.ring_slots;
  slots_.swap(storage.slots);
  for (int k = 0; k < max_traces; ++k) planned_[k].swap(storage.planned[k]);
  workspace_.swap(storage.workspace);
  is_weight_stale_ = true;
  is_delay_stale_ = true;
  sequence_steps_ = 0;
  for (Buffer<std::uint8_t>& trace : sequence_traces_) trace = Buffer<std::uint8_t>();
  sequence_spikes_ = Buffer<std::uint8_t>();
  sequence_workspace_ = Buffer<std::uint8_t>();
}

template <class T>
std::optional<double> Connection<T>::delayed_by() const noexcept {
  return has_delays_ ? std::optional<double>(synapse_->delay()) : std::nullopt;
}

template <class T>
bool Connection<T>::has(Parameter parameter) const noexcept {
  switch (parameter) {
    case Parameter::weight:
      return true;
    case Parameter::bias:
      return biased_;
    case Parameter::delay:
      return has_delays_;
  }
  return false;
}

template <class T>
Buffer<T>& Connection<T>::buffer(Parameter parameter) noexcept {
  switch (parameter) {
    case Parameter::weight:
      return weight_;
    case Parameter::bias:
      return bias_;
    case Parameter::delay:
      break;
  }
  return delay_;
}

template <class T>
View<const T> Connection<T>::get(Parameter parameter) const noexcept {
  const Buffer<T>& values = const_cast<Connection*>(this)->buffer(parameter);
  return has(parameter) ? values.view(parameter_shape(parameter)) : View<const T>();
}

template <class T>
void Connection<T>::check_there(const host::Where& where, Parameter parameter) const {
  if (has(parameter)) return;
  throw Error(Errc::not_supported, where.name() + ": got " + host::name_of(parameter) +
                                       ", expected a parameter the connection was built with");
}

template <class T>
void Connection<T>::mark_stale(Parameter parameter) noexcept {
  if (parameter == Parameter::weight) is_weight_stale_ = true;
  if (parameter == Parameter::delay) is_delay_stale_ = true;
}

template <class T>
void Connection<T>::hold_diagonal(const Stream& stream, Parameter parameter) {
  if (!description_.is_lateral || parameter == Parameter::bias) return;
  ops::zero_diagonal(stream, buffer(parameter).data(), description_.weight[0]);
}

template <class T>
View<T> Connection<T>::edit(Parameter parameter) {
  check_there({name(), "edit"}, parameter);
  mark_stale(parameter);
  return buffer(parameter).view(parameter_shape(parameter));
}

template <class T>
void Connection<T>::set(const Stream& stream, Parameter parameter, View<const T> values) {
  const host::Where where{name(), "set"};
  const host::Call call(where, stream, device());
  check_there(where, parameter);
  host::check_array(where, host::name_of(parameter), values.data(), values.shape(),
                    parameter_shape(parameter));
  if (parameter == Parameter::delay) {
    constexpr T infinity = std::numeric_limits<T>::infinity();
    const std::int64_t not_numbers =
        host::count_outside(stream, values.data(), values.size(), -infinity, infinity);
    if (not_numbers > 0) {
      host::refuse(where, "delay", std::to_string(not_numbers) + " NaN", "numbers");
    }
  }
  Buffer<T>& to = buffer(parameter);
  if (to.data() != values.data()) {
    memory::copy(stream, to.data(), values.data(), static_cast<std::size_t>(to.size()) * sizeof(T));
  }
  hold_diagonal(stream, parameter);
  mark_stale(parameter);
}

template <class T>
void Connection<T>::set_from_host(const Stream& stream, Parameter parameter,
                                  const std::vector<T>& values) {
  const host::Where where{name(), "set_from_host"};
  const host::Call call(where, stream, device());
  check_there(where, parameter);
  const Shape& shape = parameter_shape(parameter);
  if (static_cast<std::int64_t>(values.size()) != shape.size()) {
    throw Error(Errc::shape_mismatch, where.name() + ": " + host::name_of(parameter) + " has " +
                                          std::to_string(values.size()) +
                                          " values, expected those of " + to_string(shape));
  }
  if (parameter == Parameter::delay) {
    const auto is_nan = [](T value) { return std::isnan(value); };
    const auto not_numbers = std::count_if(values.begin(), values.end(), is_nan);
    if (not_numbers > 0) {
      host::refuse(where, "delay", std::to_string(not_numbers) + " NaN", "numbers");
    }
  }
  buffer(parameter).copy_from_host(stream, values.data());
  hold_diagonal(stream, parameter);
  mark_stale(parameter);
}

template <class T>
std::vector<T> Connection<T>::to_host(const Stream& stream, Parameter parameter) const {
  const host::Where where{name(), "to_host"};
  const host::Call call(where, stream, device());
  check_there(where, parameter);
  std::vector<T> values(static_cast<std::size_t>(parameter_shape(parameter).size()));
  const_cast<Connection*>(this)->buffer(parameter).copy_to_host(stream, values.data());
  return values;
}

template <class T>
void Connection<T>::check_unchanged(const host::Where& where) const {
  const bool is_same =
      synapse_->batch_size() == batch_size_ && synapse_->readout().current.slots == ring_slots_;
  if (!is_same) {
    host::refuse(where, "synapse", "changed since the last refresh", "refresh to be called first");
  }
}

template <class T>
void Connection<T>::check_out(const host::Where& where, const void* out, const Shape& got,
                              const Shape& expected) const {
  check_unchanged(where);
  host::check_array(where, "out", out, got, expected);
}

template <class T>
void Connection<T>::renew_plan(const Stream& stream) {
  const std::uint64_t version = synapse_->version();
  const bool is_delay_new = is_delay_stale_ || version != planned_version_;
  if (!is_delay_new && !is_weight_stale_) return;
  if (is_weight_stale_) hold_diagonal(stream, Parameter::weight);
  if (is_delay_stale_ && has_delays_) hold_diagonal(stream, Parameter::delay);

  DelayPlan<T> a;
  a.select = synapse_->readout().current;
  a.is_tiled = description_.layout == SynapticLayout::dense;
  a.rows = a.is_tiled ? description_.weight[0] : 1;
  a.columns = a.is_tiled ? description_.weight[1] : description_.weight.size();
  a.weights = weight_.data();
  a.width = width_;
  if (width_ != SlotWidth::none) {
    a.delays = delay_.data();
    if (is_delay_new) a.slots = slots_.data();
  }
  for (int k = 0; k < max_traces; ++k) {
    a.planned[k] = host::stored_data<T>(planned_[k], weight_storage_);
  }
  if (a.slots != nullptr || a.planned[0].data() != nullptr) ops::delay_plan(stream, a);
  planned_version_ = version;
  is_weight_stale_ = false;
  is_delay_stale_ = false;
}

template <class T>
void Connection<T>::prepare(const Stream& stream) {
  const host::Where where{name(), "prepare"};
  const host::Call call(where, stream, device());
  check_unchanged(where);
  renew_plan(stream);
}

template <class T>
DelayedDense<T> Connection<T>::dense_arguments(std::int64_t batch_size,
                                               std::int32_t delay_slots) const {
  DelayedDense<T> a;
  const SynapseReadout<T> readout = synapse_->readout();
  a.source = source_of(readout, width_ != SlotWidth::none);
  for (int k = 0; k < max_traces; ++k) {
    a.plan.weights[k] = host::stored_data<T>(planned_[k], weight_storage_);
  }
  a.plan.width = width_;
  a.plan.slots = slots_.data();
  a.plan.delay_slots = delay_slots;
  a.plan.overbound = readout.current.overbound;
  a.inputs = description_.weight[1];
  a.outputs = description_.weight[0];
  a.batch = batch_size;
  a.bias = bias_.data();
  return a;
}

template <class T>
void Connection<T>::launch_sum(const Stream& stream, View<T> out, Output output) {
  const std::int32_t delay_slots = width_ != SlotWidth::none ? ring_slots_ : 1;
  const bool accumulates = output == Output::accumulate;
  if (description_.layout == SynapticLayout::dense) {
    DelayedDense<T> a = dense_arguments(batch_size_, delay_slots);
    a.accumulates = accumulates;
    a.out = out.data();
    a.workspace = workspace_.data();
    a.workspace_bytes = static_cast<std::size_t>(workspace_.size());
    return ops::delayed_dense(stream, a);
  }
  const SynapseReadout<T> readout = synapse_->readout();
  PlannedWeights<T> plan;
  for (int k = 0; k < max_traces; ++k) {
    plan.weights[k] = host::stored_data<T>(planned_[k], weight_storage_);
  }
  if (plan.weights[0].data() == nullptr) plan.weights[0] = weight_.data();
  plan.width = width_;
  plan.slots = slots_.data();
  plan.delay_slots = delay_slots;
  plan.overbound = readout.current.overbound;
  if (description_.layout == SynapticLayout::direct) {
    DelayedDirect<T> a;
    a.source = source_of(readout, width_ != SlotWidth::none);
    a.plan = plan;
    a.size = description_.weight.size();
    a.batch = batch_size_;
    a.bias = bias_.data();
    a.accumulates = accumulates;
    a.out = out.data();
    return ops::delayed_direct(stream, a);
  }
  DelayedConv2D<T> a;
  a.source = source_of(readout, width_ != SlotWidth::none);
  a.plan = plan;
  a.geometry = description_.geometry;
  a.batch = batch_size_;
  a.bias = bias_.data();
  a.accumulates = accumulates;
  a.out = out.data();
  ops::delayed_conv2d(stream, a);
}

template <class T>
void Connection<T>::forward(const Stream& stream, const SpikeInput<T>& input, View<T> out,
                            Output output, const Injected<T>& injected) {
  const host::Where where{name(), "forward"};
  const host::Call call(where, stream, device());
  host::check_output(where, output);
  const Shape frame = input_shape().prepended(batch_size_);
  check_out(where, out.data(), out.shape(), output_shape().prepended(batch_size_));
  host::check_array(where, "input", input.data(), input.shape(), frame);
  host::check(injected.size() <= max_injections, where, "number of injected currents",
              static_cast<double>(injected.size()), "at most 16");
  const Shape synapse_frame = synapse_->batched_shape();
  View<const T> currents[max_injections];
  for (std::int64_t k = 0; k < injected.size(); ++k) {
    host::check_array(where, "injected current", injected[k].data(), injected[k].shape(), frame);
    currents[k] = View<const T>(injected[k].data(), synapse_frame);
  }
  synapse_->step(stream, input.reshaped(synapse_frame), Injected<T>(currents, injected.size()));
  renew_plan(stream);
  launch_sum(stream, out, output);
}

template <class T>
void Connection<T>::sum(const Stream& stream, View<T> out, Output output) {
  const host::Where where{name(), "sum"};
  const host::Call call(where, stream, device());
  host::check_output(where, output);
  check_out(where, out.data(), out.shape(), output_shape().prepended(batch_size_));
  renew_plan(stream);
  launch_sum(stream, out, output);
}

template <class T>
void Connection<T>::reserve_sequence(const Stream& stream, std::int64_t steps) {
  const host::Where where{name(), "reserve_sequence"};
  const host::Call call(where, stream, device());
  check_unchanged(where);
  host::check(steps >= 1, where, "steps", static_cast<double>(steps), "at least 1");
  if (description_.layout != SynapticLayout::dense) return;
  const DecayInject<T> step = synapse_->step_arguments();
  const StorageType storage = step.traces[0].storage();
  std::int64_t chunk = std::min(steps, std::max<std::int64_t>(1, sequence_columns / batch_size_));
  // A state that the synapse has loaded may have brought traces of another type.
  const bool is_usable = sequence_steps_ == 0 || storage == sequence_storage_;
  if (is_usable && chunk <= std::max<std::int64_t>(sequence_steps_, 1)) return;
  chunk = std::max(chunk, sequence_steps_);

  const std::int64_t slots = std::max(ring_slots_ - 1, 1) + chunk;
  Buffer<std::uint8_t> traces[max_traces];
  for (int k = 0; k < step.trace_count; ++k) {
    traces[k] = host::make_stored<T>(device(), step.traces[k].storage(), slots * step.stride);
    traces[k].fill_zero(stream);
  }
  Buffer<std::uint8_t> spikes(device(), slots * (step.stride / 8));
  spikes.fill_zero(stream);
  // A shorter rest of a sequence may be cut into more parts.
  DelayedDense<T> a = dense_arguments(batch_size_, width_ != SlotWidth::none ? ring_slots_ : 1);
  std::size_t bytes = 0;
  for (a.steps = 1; a.steps <= chunk; ++a.steps) {
    bytes = std::max(bytes, ops::dense_workspace_bytes(device(), a));
  }
  Buffer<std::uint8_t> workspace(device(), static_cast<std::int64_t>(bytes));
  sequence_steps_ = chunk;
  sequence_storage_ = storage;
  for (int k = 0; k < max_traces; ++k) sequence_traces_[k].swap(traces[k]);
  sequence_spikes_.swap(spikes);
  sequence_workspace_.swap(workspace);
}

// Steps through rings that hold what delays can reach of every one of the steps, and the synapse
// as well, then sums for all steps at once.
template <class T>
void Connection<T>::run_sequence(const Stream& stream, const SpikeInput<T>& inputs,
                                 std::int64_t steps, T* out, Output output) {
  const auto before = static_cast<std::int32_t>(std::max(ring_slots_ - 1, 1));
  DecayInject<T> step = synapse_->step_arguments();
  const auto ring_of = [&](auto element, auto* data, std::int32_t slots, const RingHead& head) {
    Ring<decltype(element)> ring;
    ring.data = data;
    ring.size = step.size;
    ring.stride = step.stride;
    ring.slots = slots;
    ring.head = head;
    return ring;
  };
  StoredData<T> traces[max_traces];
  for (int k = 0; k < step.trace_count; ++k) {
    traces[k] = host::stored_data<T>(sequence_traces_[k], step.traces[k].storage());
    visit_storage<T>(traces[k].storage(), [&](auto element) {
      using Stored = decltype(element);
      ops::ring_regrid(
          stream, RingRegrid<Stored>{
                      ring_of(element, step.traces[k].template as<Stored>(), step.slots, step.head),
                      ring_of(element, traces[k].template as<Stored>(), before, {})});
    });
  }
  ops::ring_regrid(stream, RingRegrid<bool>{ring_of(bool{}, step.spikes, step.slots, step.head),
                                            ring_of(bool{}, sequence_spikes_.data(), before, {})});
  step.input_kind = inputs.kind();
  step.input = inputs.data();
  step.input_stride = inputs.kind() == InputKind::bits ? (step.size + 7) / 8 : step.size;
  step.steps = steps;
  ops::decay_inject(stream, step);

  DecayInject<T> longer = step;
  longer.slots = before + static_cast<std::int32_t>(steps);
  longer.head = RingHead{nullptr, before};
  longer.spikes = sequence_spikes_.data();
  for (int k = 0; k < step.trace_count; ++k) longer.traces[k] = traces[k];
  ops::decay_inject(stream, longer);

  DelayedDense<T> a = dense_arguments(batch_size_, width_ != SlotWidth::none ? ring_slots_ : 1);
  for (int k = 0; k < step.trace_count; ++k) {
    const bool is_first = a.source.traces[k].data() == step.traces[0].data();
    a.source.traces[k] = traces[is_first ? 0 : 1];
  }
  a.source.spikes = sequence_spikes_.data();
  a.source.slots = longer.slots;
  a.source.head = RingHead{nullptr, 0};
  a.steps = steps;
  a.accumulates = output == Output::accumulate;
  a.out = out;
  a.workspace = sequence_workspace_.data();
  a.workspace_bytes = static_cast<std::size_t>(sequence_workspace_.size());
  ops::delayed_dense(stream, a);
}

template <class T>
void Connection<T>::forward_sequence(const Stream& stream, const SpikeInput<T>& inputs, View<T> out,
                                     Output output) {
  const host::Where where{name(), "forward_sequence"};
  const host::Call call(where, stream, device());
  host::check_output(where, output);
  const Shape frame = input_shape().prepended(batch_size_);
  const Shape out_frame = output_shape().prepended(batch_size_);
  check_sequence(where, "inputs", inputs.shape(), frame);
  const std::int64_t steps = inputs.shape()[0];
  check_out(where, out.data(), out.shape(), out_frame.prepended(steps));
  host::check_array(where, "inputs", inputs.data(), inputs.shape(), inputs.shape());
  reserve_sequence(stream, steps);
  renew_plan(stream);

  const bool is_dense = description_.layout == SynapticLayout::dense;
  const std::int64_t chunk = is_dense ? std::max<std::int64_t>(sequence_steps_, 1) : 1;
  const Shape synapse_frame = synapse_->batched_shape();
  for (std::int64_t first = 0; first < steps; first += chunk) {
    const SpikeInput<T> input = frame_of(inputs, first, synapse_frame);
    T* const to = out.data() + first * out_frame.size();
    const std::int64_t count = std::min(chunk, steps - first);
    if (count > 1) {
      run_sequence(stream, input, count, to, output);
    } else {
      synapse_->step(stream, input);
      launch_sum(stream, View<T>(to, out_frame), output);
    }
  }
}

template <class T>
void Connection<T>::refresh(const Stream& stream) {
  const host::Where where{name(), "refresh"};
  const host::Call call(where, stream, device());
  take(make_storage(where, weight_storage_, synapse_->batch_size(), synapse_->step_time(),
                    synapse_->delay()));
}

template <class T>
std::int64_t Connection<T>::out_of_range_delays(const Stream& stream) const {
  const host::Call call({name(), "out_of_range_delays"}, stream, device());
  if (!has_delays_) return 0;
  return host::count_outside(stream, delay_.data(), delay_.size(), T(0),
                             static_cast<T>(synapse_->delay()));
}

template <class T>
void Connection<T>::clamp_delays(const Stream& stream) {
  const host::Where where{name(), "clamp_delays"};
  const host::Call call(where, stream, device());
  check_there(where, Parameter::delay);
  ops::clamp(stream, delay_.data(), delay_.size(), T(0), static_cast<T>(synapse_->delay()));
  mark_stale(Parameter::delay);
}

template <class T>
void Connection<T>::clear(const Stream& stream) {
  const host::Call call({name(), "clear"}, stream, device());
  synapse_->clear(stream);
}

template <class T>
void Connection<T>::set_batch_size(const Stream& stream, std::int64_t batch_size) {
  const host::Where where{name(), "set_batch_size"};
  const host::Call call(where, stream, device());
  Storage storage =
      make_storage(where, weight_storage_, batch_size, synapse_->step_time(), synapse_->delay());
  synapse_->set_batch_size(stream, batch_size);
  take(std::move(storage));
}

template <class T>
void Connection<T>::set_step_time(const Stream& stream, double step_time, HistoryChange history) {
  const host::Where where{name(), "set_step_time"};
  const host::Call call(where, stream, device());
  host::check_positive_in<T>(where, "step_time", step_time);
  Storage storage =
      make_storage(where, weight_storage_, synapse_->batch_size(), step_time, synapse_->delay());
  synapse_->set_step_time(stream, step_time, history);
  take(std::move(storage));
}

template <class T>
void Connection<T>::set_delayed_by(const Stream& stream, double delay, HistoryChange history) {
  const host::Where where{name(), "set_delayed_by"};
  const host::Call call(where, stream, device());
  check_there(where, Parameter::delay);
  host::check_finite_not_negative(where, "delay", delay);
  Storage storage =
      make_storage(where, weight_storage_, synapse_->batch_size(), synapse_->step_time(), delay);
  synapse_->set_delay(stream, delay, history);
  take(std::move(storage));
}

template <class T>
void Connection<T>::set_weight_storage(const Stream& stream, StorageType storage) {
  const host::Where where{name(), "set_weight_storage"};
  const host::Call call(where, stream, device());
  check_unchanged(where);
  host::check_storage<T>(where, storage);
  take(make_storage(where, storage, batch_size_, synapse_->step_time(), synapse_->delay()));
}

template <class T>
Shape Connection<T>::selector_shape() const {
  const Shape batched = synaptic_shape().prepended(batch_size_);
  switch (description_.layout) {
    case SynapticLayout::direct:
      return batched.appended(1);
    case SynapticLayout::dense:
    case SynapticLayout::convolution:
      break;
  }
  return batched.appended(weight_shape()[0]);
}

template <class T>
Shape Connection<T>::synaptic_selection_shape() const {
  return is_delayed() ? selector_shape() : synaptic_shape().prepended(batch_size_);
}

template <class T>
template <class V>
void Connection<T>::copy_synaptic(const host::Where& where, const Stream& stream, SynapticCopy kind,
                                  View<const V> in, const Shape& expected_in, View<V> out,
                                  const Shape& expected_out) const {
  const host::Call call(where, stream, device());
  host::check_array(where, "in", in.data(), in.shape(), expected_in);
  host::check_array(where, "out", out.data(), out.shape(), expected_out);
  if (description_.layout != SynapticLayout::convolution) {
    const auto bytes = static_cast<std::size_t>(in.size()) * sizeof(V);
    return memory::copy(stream, out.data(), in.data(), bytes);
  }
  SynapticCopyArguments<V> a;
  a.copy = kind;
  a.batch = batch_size_;
  a.geometry = description_.geometry;
  a.in = in.data();
  a.out = out.data();
  ops::synaptic_copy(stream, a);
}

template <class T>
void Connection<T>::selector(const Stream& stream, View<T> out) const {
  const host::Where where{name(), "selector"};
  const host::Call call(where, stream, device());
  check_out(where, out.data(), out.shape(), selector_shape());
  SynapticCopyArguments<T> a;
  a.copy = SynapticCopy::selector;
  a.layout = description_.layout;
  a.batch = batch_size_;
  a.rows = synaptic_shape().size();
  a.columns = weight_shape()[0];
  a.geometry = description_.geometry;
  a.in = has_delays_ ? delay_.data() : nullptr;
  a.out = out.data();
  ops::synaptic_copy(stream, a);
}

template <class T>
SynapticSelect<T> Connection<T>::synaptic_arguments() const {
  const SynapseReadout<T> readout = synapse_->readout();
  SynapticSelect<T> a;
  a.layout = description_.layout;
  a.batch = batch_size_;
  a.inputs = synaptic_shape().size();
  a.outputs = weight_shape()[0];
  a.geometry = description_.geometry;
  if (is_delayed()) a.delays = delay_.data();
  a.source = source_of(readout, false);
  a.select = readout.current;
  return a;
}

template <class T>
void Connection<T>::syncurrent(const Stream& stream, View<T> out) const {
  const host::Where where{name(), "syncurrent"};
  const host::Call call(where, stream, device());
  check_out(where, out.data(), out.shape(), synaptic_selection_shape());
  SynapticSelect<T> a = synaptic_arguments();
  a.values = out.data();
  ops::synaptic_select(stream, a);
}

template <class T>
void Connection<T>::synspike(const Stream& stream, View<std::uint8_t> out) const {
  const host::Where where{name(), "synspike"};
  const host::Call call(where, stream, device());
  check_out(where, out.data(), out.shape(), synaptic_selection_shape());
  const SynapseReadout<T> readout = synapse_->readout();
  SynapticSelect<T> a = synaptic_arguments();
  a.source.kind = SourceKind::bits;
  a.source.amplitude = T(1);
  a.select.rule = readout.spike.nearest ? SelectRule::nearest : SelectRule::previous;
  a.select.has_overbound = readout.spike.has_overbound;
  a.select.overbound = readout.spike.overbound;
  a.bytes = out.data();
  ops::synaptic_select(stream, a);
}

template <class T>
void Connection<T>::like_synaptic(const Stream& stream, View<const T> input, View<T> out) const {
  copy_synaptic({name(), "like_synaptic"}, stream, SynapticCopy::unfold, input,
                input_shape().prepended(batch_size_), out, synaptic_shape().prepended(batch_size_));
}

template <class T>
void Connection<T>::like_synaptic(const Stream& stream, View<const std::uint8_t> input,
                                  View<std::uint8_t> out) const {
  copy_synaptic({name(), "like_synaptic"}, stream, SynapticCopy::unfold, input,
                input_shape().prepended(batch_size_), out, synaptic_shape().prepended(batch_size_));
}

template <class T>
void Connection<T>::like_input(const Stream& stream, View<const T> synaptic, View<T> out) const {
  copy_synaptic({name(), "like_input"}, stream, SynapticCopy::fold_mean, synaptic,
                synaptic_shape().prepended(batch_size_), out, input_shape().prepended(batch_size_));
}

template <class T>
View<const T> Connection<T>::like_bias(View<const T> values) const {
  Shape expected = bias_shape();
  if (description_.layout == SynapticLayout::dense) expected = expected.appended(1);
  if (description_.layout == SynapticLayout::convolution) {
    expected = expected.appended(1).appended(1).appended(1);
  }
  host::check_array({name(), "like_bias"}, "values", values.data(), values.shape(), expected);
  return View<const T>(values.data(), bias_shape());
}

template <class T>
Shape Connection<T>::presyn_receptive_shape(const Shape& synaptic) const {
  const Shape undelayed = synaptic_shape().prepended(batch_size_);
  const bool is_delayed_shape = synaptic == selector_shape();
  if (synaptic != undelayed && !is_delayed_shape) {
    throw Error(Errc::shape_mismatch, host::Where{name(), "presyn_receptive"}.name() +
                                          ": array has shape " + to_string(synaptic) +
                                          ", expected " + to_string(undelayed) + " or " +
                                          to_string(selector_shape()));
  }
  const std::int64_t outputs = is_delayed_shape ? weight_shape()[0] : 1;
  switch (description_.layout) {
    case SynapticLayout::direct:
      return undelayed.appended(1);
    case SynapticLayout::dense:
      return {batch_size_, outputs, synaptic_shape().size(), 1};
    case SynapticLayout::convolution:
      break;
  }
  const ConvolutionGeometry& g = description_.geometry;
  return {batch_size_, outputs, g.channels, g.kernel[0], g.kernel[1], g.positions()};
}

template <class T>
template <class V>
void Connection<T>::copy_receptive(const Stream& stream, View<const V> synaptic,
                                   View<V> out) const {
  const host::Where where{name(), "presyn_receptive"};
  const host::Call call(where, stream, device());
  const Shape expected = presyn_receptive_shape(synaptic.shape());
  host::check_array(where, "array", synaptic.data(), synaptic.shape(), synaptic.shape());
  host::check_array(where, "out", out.data(), out.shape(), expected);
  SynapticCopyArguments<V> a;
  a.copy = SynapticCopy::transpose;
  a.batch = batch_size_;
  a.columns = description_.layout == SynapticLayout::direct ? 1 : expected[1];
  a.rows = synaptic.size() / (a.batch * a.columns);
  a.in = synaptic.data();
  a.out = out.data();
  ops::synaptic_copy(stream, a);
}

template <class T>
void Connection<T>::presyn_receptive(const Stream& stream, View<const T> synaptic,
                                     View<T> out) const {
  copy_receptive(stream, synaptic, out);
}

template <class T>
void Connection<T>::presyn_receptive(const Stream& stream, View<const std::uint8_t> synaptic,
                                     View<std::uint8_t> out) const {
  copy_receptive(stream, synaptic, out);
}

template <class T>
template <class V>
View<const V> Connection<T>::postsyn_view(View<const V> output) const {
  host::check_array({name(), "postsyn_receptive"}, "output", output.data(), output.shape(),
                    output_shape().prepended(batch_size_));
  const std::int64_t outputs = bias_shape().size();
  switch (description_.layout) {
    case SynapticLayout::direct:
      return View<const V>(output.data(), {batch_size_, outputs, 1});
    case SynapticLayout::dense:
      return View<const V>(output.data(), {batch_size_, outputs, 1, 1});
    case SynapticLayout::convolution:
      break;
  }
  return View<const V>(output.data(),
                       {batch_size_, outputs, 1, 1, 1, description_.geometry.positions()});
}

template <class T>
View<const T> Connection<T>::postsyn_receptive(View<const T> output) const {
  return postsyn_view(output);
}

template <class T>
View<const std::uint8_t> Connection<T>::postsyn_receptive(View<const std::uint8_t> output) const {
  return postsyn_view(output);
}

template class Connection<float>;
template class Connection<double>;

}  // namespace cusynapse
