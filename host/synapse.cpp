#include "cusynapse/synapse.hpp"

#include <cmath>
#include <utility>

#include "host/check.hpp"
#include "host/state.hpp"
#include "host/stored.hpp"

namespace cusynapse {
namespace {

template <class T>
void check_finite_in(const host::Where& where, const char* what, double value) {
  host::check(std::isfinite(static_cast<T>(value)), where, what, value,
              "within the range of the synapse's type");
}

// Checks everything but what allocation may refuse.
template <class T>
std::int32_t slots_of(const host::Where& where, const SynapseOptions& options) {
  const std::int64_t size = host::checked_frame_size(where, options.shape, options.batch_size);
  host::check_positive_in<T>(where, "step_time", options.step_time);
  host::check_finite_not_negative(where, "delay", options.delay);
  check_finite_in<T>(where, "delay", options.delay);
  host::check_finite_not_negative(where, "tolerance", options.tolerance);
  if (options.interpolation != SpikeInterpolation::previous &&
      options.interpolation != SpikeInterpolation::nearest) {
    host::refuse(where, "interpolation", std::to_string(static_cast<int>(options.interpolation)),
                 "previous or nearest");
  }
  host::check_storage<T>(where, options.storage);
  return host::checked_slots(where, options.delay, options.step_time, true, size);
}

constexpr const char* trace_names[max_traces] = {"trace_0", "trace_1"};

// The storage of traces of T whose elements are Stored.
template <class T, class Stored>
constexpr StorageType storage_of() {
  if (std::is_same_v<Stored, T>) return StorageType::same;
  return std::is_same_v<Stored, float16> ? StorageType::float16 : StorageType::bfloat16;
}

// The largest relative error of rounding to a storage, 0 where nothing is rounded.
double unit_roundoff(StorageType storage) {
  switch (storage) {
    case StorageType::same:
      break;
    case StorageType::float16:
      return 0x1p-11;
    case StorageType::bfloat16:
      return 0x1p-8;
  }
  return 0.0;
}

// A trace that loses no more than the unit roundoff u in a step may be rounded back to what it was:
// 1 - decay must be above u.
template <class T>
void check_decay(const host::Where& where, double time_constant, const SynapseOptions& options) {
  const double unit = unit_roundoff(options.storage);
  const double decay = static_cast<T>(std::exp(-options.step_time / time_constant));
  if (unit == 0.0 || 1.0 - decay > unit) return;
  host::refuse(
      where, "time constant of a trace",
      host::format(time_constant) + " ms at a dt of " + host::format(options.step_time) + " ms",
      "dt / tau above " + host::format(-std::log1p(-unit)) + ": traces stored as " +
          host::name_of(options.storage) + " do not resolve a slower decay");
}

// What a model gives must fit its dynamics, and the types it is rounded to.
template <class T>
void check_model(const host::Where& where, const SynapseModel& model,
                 const SynapseOptions& options) {
  host::check(model.trace_count >= 0 &&
                  model.trace_count == host::traces_of(model.dynamics, model.trace_count),
              where, "trace_count", model.trace_count, "as many traces as the dynamics have");
  check_finite_in<T>(where, "spike_amplitude", model.spike_amplitude);
  check_finite_in<T>(where, "feed_rate", model.feed_rate);
  const bool has_memory = model.dynamics == Dynamics::decay || model.dynamics == Dynamics::chain;
  for (int k = 0; k < model.trace_count; ++k) {
    check_finite_in<T>(where, "gain of a trace", model.traces[k].gain);
    if (has_memory) {
      host::check_positive_in<T>(where, "time constant of a trace", model.traces[k].time_constant);
      check_decay<T>(where, model.traces[k].time_constant, options);
    }
  }
}

// The same, of a model that takes the place of another.
template <class T>
void check_model(const host::Where& where, const SynapseModel& model, const SynapseOptions& options,
                 const SynapseModel& before) {
  check_model<T>(where, model, options);
  host::check(model.dynamics == before.dynamics && model.trace_count == before.trace_count, where,
              "trace_count", model.trace_count,
              "the traces and dynamics the synapse was made with");
}

}  // namespace

void require_charge(const char* model, double spike_charge) {
  host::check(std::isfinite(spike_charge) && spike_charge != 0, model, "spike_charge", spike_charge,
              "finite and not 0");
}

void require_time_constant(const char* model, const char* what, double value) {
  host::check_finite_positive(model, what, value);
}

void require_above(const char* model, const char* what, double value, const char* limit_name,
                   double limit) {
  if (!(value > limit)) {
    host::refuse(model, what, host::format(value),
                 std::string("above ") + limit_name + ", " + host::format(limit));
  }
}

template <class T>
Synapse<T>::~Synapse() = default;

namespace {

[[noreturn]] void refuse_saving(const char* function) {
  throw Error(Errc::not_supported, host::Where("Synapse", function).name() +
                                       ": got a class without states, expected one that "
                                       "overrides save, restored and exchange");
}

}  // namespace

template <class T>
std::vector<std::uint8_t> Synapse<T>::save(const Stream&) const {
  refuse_saving("save");
}

template <class T>
std::unique_ptr<Synapse<T>> Synapse<T>::restored(const Stream&, StateReader&) const {
  refuse_saving("load");
}

template <class T>
void Synapse<T>::exchange(Synapse&) {
  refuse_saving("load");
}

template <class T>
void Synapse<T>::load(const Stream& stream, StateBytes bytes) {
  const host::Call call({"Synapse", "load"}, stream, device());
  StateReader state(bytes);
  const std::unique_ptr<Synapse> made = restored(stream, state);
  state.finish();
  exchange(*made);
}

template <class T>
CurrentSynapse<T>::CurrentSynapse(const Stream& stream, const char* name,
                                  const SynapseOptions& options, ModelAt model)
    : name_(name),
      options_(options),
      model_at_(std::move(model)),
      slots_(slots_of<T>(name, options)),
      stride_(slot_stride(options.shape.prepended(options.batch_size).size())) {
  model_ = model_at_(options.step_time);
  check_model<T>(name_, model_, options_);
  spikes_ = Buffer<std::uint8_t>(stream.device(), slots_ * (stride_ / 8));
  for (int k = 0; k < model_.trace_count; ++k) {
    traces_[k] = host::make_stored<T>(stream.device(), options_.storage, slots_ * stride_);
  }
  state_ = Buffer<RingState>(stream.device(), 1);
  clear(stream);
}

namespace {

template <class T>
SynapseOptions options_of(StateReader& state, const char* name) {
  state.require<T>(name);
  SynapseOptions options;
  options.shape = state.shape("shape");
  options.batch_size = state.integer("batch_size");
  options.step_time = state.number("step_time");
  options.delay = state.number("delay");
  options.interpolation = static_cast<SpikeInterpolation>(state.integer("interpolation", 0, 1));
  options.tolerance = state.number("tolerance");
  options.current_overbound = state.optional("current_overbound");
  const std::optional<double> spike = state.optional("spike_overbound");
  options.spike_overbound.reset();
  if (spike) options.spike_overbound = *spike != 0;
  if (spike && *spike != 0 && *spike != 1) {
    state.refuse("record \"spike_overbound\"", host::format(*spike), "0 or 1");
  }
  if (state.has("storage")) {
    options.storage = static_cast<StorageType>(state.integer("storage", 1, 2));
  }
  return options;
}

}  // namespace

template <class T>
CurrentSynapse<T>::CurrentSynapse(const Stream& stream, const char* name, StateReader& state,
                                  ModelAt model)
    : name_(name), model_at_(std::move(model)) {
  options_ = options_of<T>(state, name);
  host::from_state([&] {
    const host::Where where = name_;
    slots_ = slots_of<T>(where, options_);
    model_ = model_at_(options_.step_time);
    check_model<T>(where, model_, options_);
  });
  const Shape frame = this->batched_shape();
  stride_ = slot_stride(frame.size());
  spikes_ = host::load_slots<bool>(stream, state, "spikes", frame, slots_);
  for (int k = 0; k < model_.trace_count; ++k) {
    traces_[k] = visit_storage<T>(options_.storage, [&](auto element) {
      return host::load_slots<decltype(element), std::uint8_t>(stream, state, trace_names[k], frame,
                                                               slots_);
    });
  }
  state_ = host::load_head(stream, state, slots_);
}

template <class T>
CurrentSynapse<T>::~CurrentSynapse() = default;

template <class T>
StateWriter CurrentSynapse<T>::saved(const Stream& stream) const {
  const host::Call call({name_, "save"}, stream, device());
  StateWriter state = StateWriter::of<T>(name_);
  state.shape("shape", options_.shape);
  state.integer("batch_size", options_.batch_size);
  state.number("step_time", options_.step_time);
  state.number("delay", options_.delay);
  state.integer("interpolation", static_cast<std::int64_t>(options_.interpolation));
  state.number("tolerance", options_.tolerance);
  state.optional("current_overbound", options_.current_overbound);
  state.optional("spike_overbound", options_.spike_overbound);
  if (options_.storage != StorageType::same) {
    state.integer("storage", static_cast<std::int64_t>(options_.storage));
  }
  host::save_head(stream, state, state_);
  const Shape frame = this->batched_shape();
  host::save_slots<bool>(stream, state, "spikes", frame, slots_, spikes_);
  for (int k = 0; k < model_.trace_count; ++k) {
    visit_storage<T>(options_.storage, [&](auto element) {
      host::save_slots<decltype(element)>(stream, state, trace_names[k], frame, slots_, traces_[k]);
    });
  }
  return state;
}

template <class T>
std::vector<double> CurrentSynapse<T>::model_numbers() const {
  std::vector<double> numbers = {static_cast<double>(model_.dynamics),
                                 static_cast<double>(model_.trace_count), model_.feed_rate,
                                 model_.spike_amplitude};
  for (int k = 0; k < model_.trace_count; ++k) {
    const SynapseModel::Trace& trace = model_.traces[k];
    numbers.insert(numbers.end(), {trace.time_constant, trace.gain, trace.weight});
  }
  return numbers;
}

template <class T>
void CurrentSynapse<T>::save_model(StateWriter& state) const {
  const std::vector<double> numbers = model_numbers();
  state.array("model", {static_cast<std::int64_t>(numbers.size())}, numbers.data());
}

template <class T>
void CurrentSynapse<T>::check_saved_model(StateReader& state) const {
  const std::vector<double> numbers = model_numbers();
  const auto saved = state.array<double>("model", {static_cast<std::int64_t>(numbers.size())});
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (saved[i] != numbers[i]) {
      state.refuse("number " + std::to_string(i) + " of record \"model\"", host::format(saved[i]),
                   host::format(numbers[i]) + " of the synapse that loads it");
    }
  }
}

template <class T>
void CurrentSynapse<T>::check_restored(const CurrentSynapse& restored) const {
  const host::Where where{name_, "load"};
  host::check_state_shape(where, restored.shape(), shape());
  host::from_state([&] { check_model<T>(where, restored.model_, restored.options_, model_); });
}

template <class T>
void CurrentSynapse<T>::exchange_histories(CurrentSynapse& other) noexcept {
  std::swap(options_, other.options_);
  model_at_.swap(other.model_at_);
  std::swap(model_, other.model_);
  std::swap(slots_, other.slots_);
  std::swap(stride_, other.stride_);
  spikes_.swap(other.spikes_);
  for (int k = 0; k < max_traces; ++k) traces_[k].swap(other.traces_[k]);
  state_.swap(other.state_);
  ++version_;
  ++other.version_;
}

template <class T>
std::int32_t CurrentSynapse<T>::pointer(const Stream& stream) const {
  const host::Call call({name_, "pointer"}, stream, device());
  RingState state;
  state_.copy_to_host(stream, &state);
  return state.head;
}

template <class T>
Ring<T> CurrentSynapse<T>::trace_ring(int trace) const {
  return trace_ring_as<T>(trace);
}

template <class T>
template <class Stored>
Ring<Stored> CurrentSynapse<T>::trace_ring_as(int trace) const {
  const host::Where where{name_, "trace_ring"};
  host::check(trace >= 0 && trace < trace_count(), where, "trace", trace,
              "0 to the number of traces - 1");
  const StoredData<T> traces = host::stored_data<T>(traces_[trace], options_.storage);
  if (storage_of<T, Stored>() != traces.storage()) {
    const char* const name = traces.storage() == StorageType::same
                                 ? (std::is_same_v<T, float> ? "float" : "double")
                                 : host::name_of(traces.storage());
    throw Error(Errc::not_supported, where.name() + ": traces are stored as " + name +
                                         ", expected a call of trace_ring_as<" + name + ">");
  }
  Ring<Stored> ring;
  ring.data = traces.template as<Stored>();
  ring.size = this->batched_shape().size();
  ring.stride = stride_;
  ring.slots = slots_;
  ring.head.state = const_cast<RingState*>(state_.data());
  return ring;
}

template <class T>
Ring<bool> CurrentSynapse<T>::spike_ring() const noexcept {
  Ring<bool> ring;
  ring.data = const_cast<std::uint8_t*>(spikes_.data());
  ring.size = this->batched_shape().size();
  ring.stride = stride_;
  ring.slots = slots_;
  ring.head.state = const_cast<RingState*>(state_.data());
  return ring;
}

template <class T>
DecayInject<T> CurrentSynapse<T>::step_arguments() const {
  DecayInject<T> a;
  a.dynamics = model_.dynamics;
  a.trace_count = model_.trace_count;
  const double dt = options_.step_time;
  for (int k = 0; k < model_.trace_count; ++k) {
    const SynapseModel::Trace& trace = model_.traces[k];
    a.gain[k] = static_cast<T>(trace.gain);
    if (model_.dynamics != Dynamics::memoryless) {
      a.decay[k] = static_cast<T>(std::exp(-dt / trace.time_constant));
    }
    a.traces[k] = host::stored_data<T>(traces_[k], options_.storage);
  }
  if (model_.dynamics == Dynamics::chain) {
    a.feed = static_cast<T>(model_.feed_rate * dt * std::exp(-dt / model_.traces[1].time_constant));
  }
  a.spikes = const_cast<std::uint8_t*>(spikes_.data());
  a.size = this->batched_shape().size();
  a.stride = stride_;
  a.slots = slots_;
  a.head.state = const_cast<RingState*>(state_.data());
  return a;
}

template <class T>
DelayedSelect<T> CurrentSynapse<T>::select_arguments() const noexcept {
  DelayedSelect<T> a;
  switch (model_.dynamics) {
    case Dynamics::spikes_only:
    case Dynamics::memoryless:
      a.rule = options_.interpolation == SpikeInterpolation::nearest ? SelectRule::nearest
                                                                     : SelectRule::previous;
      break;
    case Dynamics::decay:
      a.rule = SelectRule::exponential_decay;
      break;
    case Dynamics::chain:
      a.rule = SelectRule::chain_decay;
      break;
  }
  a.trace_count = model_.trace_count;
  for (int k = 0; k < model_.trace_count; ++k) {
    a.traces[k] = host::stored_data<T>(traces_[k], options_.storage);
    a.time_constant[k] = static_cast<T>(model_.traces[k].time_constant);
    a.weight[k] = static_cast<T>(model_.traces[k].weight);
  }
  a.feed_rate = static_cast<T>(model_.feed_rate);
  a.size = this->batched_shape().size();
  a.stride = stride_;
  a.slots = slots_;
  a.head.state = const_cast<RingState*>(state_.data());
  a.step_time = static_cast<T>(options_.step_time);
  a.tolerance = static_cast<T>(options_.tolerance);
  a.limit = slots_ == 1 ? T(0) : static_cast<T>(options_.delay);
  a.has_overbound = options_.current_overbound.has_value();
  a.overbound = static_cast<T>(options_.current_overbound.value_or(0.0));
  return a;
}

template <class T>
void CurrentSynapse<T>::step(const Stream& stream, const SpikeInput<T>& input,
                             const Injected<T>& injected) {
  const host::Where where{name_, "step"};
  const Shape expected = this->batched_shape();
  const host::Call call(where, stream, device());
  host::check_array(where, "input", input.data(), input.shape(), expected);
  if (injected.size() > 0 && model_.dynamics != Dynamics::memoryless) {
    throw Error(Errc::not_supported, where.name() + ": got " + std::to_string(injected.size()) +
                                         " injected currents, expected none for this model");
  }
  host::check(injected.size() <= max_injections, where, "number of injected currents",
              static_cast<double>(injected.size()), "at most 16");
  DecayInject<T> arguments = step_arguments();
  for (std::int64_t j = 0; j < injected.size(); ++j) {
    host::check_array(where, "injected current", injected[j].data(), injected[j].shape(), expected);
    arguments.injected[j] = injected[j].data();
  }
  arguments.injected_count = static_cast<std::int32_t>(injected.size());
  arguments.input_kind = input.kind();
  arguments.input = input.data();
  ops::decay_inject(stream, arguments);
}

template <class T>
void CurrentSynapse<T>::step_sequence(const Stream& stream, const SpikeInput<T>& inputs) {
  const host::Where where{name_, "step_sequence"};
  const Shape frame = this->batched_shape();
  const host::Call call(where, stream, device());
  const std::int64_t steps = inputs.shape().rank() > 0 ? inputs.shape()[0] : 0;
  if (steps < 1 || inputs.shape() != frame.prepended(steps)) {
    std::string expected = to_string(frame);
    expected.insert(1, "T, ");
    throw Error(Errc::shape_mismatch, where.name() + ": inputs have shape " +
                                          to_string(inputs.shape()) + ", expected " + expected +
                                          " with T at least 1");
  }
  host::check_array(where, "inputs", inputs.data(), inputs.shape(), inputs.shape());
  DecayInject<T> arguments = step_arguments();
  arguments.input_kind = inputs.kind();
  arguments.input = inputs.data();
  arguments.input_stride =
      inputs.kind() == InputKind::bits ? (arguments.size + 7) / 8 : arguments.size;
  arguments.steps = steps;
  ops::decay_inject(stream, arguments);
}

namespace {

// Spikes, or the currents derived from them; without a selector the newest.
template <class T>
SpikeSelect<T> spike_arguments(const DelayedSelect<T>& select, const std::uint8_t* spikes,
                               SpikeInterpolation interpolation) {
  SpikeSelect<T> a;
  a.nearest = interpolation == SpikeInterpolation::nearest;
  a.spikes = spikes;
  a.size = select.size;
  a.stride = select.stride;
  a.slots = select.slots;
  a.head = select.head;
  a.step_time = select.step_time;
  a.tolerance = select.tolerance;
  a.limit = select.limit;
  return a;
}

}  // namespace

template <class T>
SynapseReadout<T> CurrentSynapse<T>::readout() const {
  SynapseReadout<T> out;
  out.current = select_arguments();
  out.spike = spike_arguments(out.current, spikes_.data(), options_.interpolation);
  out.spike.has_overbound = options_.spike_overbound.has_value();
  out.spike.overbound = options_.spike_overbound.value_or(false) ? T(1) : T(0);
  out.spike.amplitude = static_cast<T>(model_.spike_amplitude);
  return out;
}

template <class T>
void CurrentSynapse<T>::current(const Stream& stream, View<T> out) const {
  const host::Where where{name_, "current"};
  const host::Call call(where, stream, device());
  host::check_array(where, "out", out.data(), out.shape(), this->batched_shape());
  DelayedSelect<T> arguments = select_arguments();
  if (model_.dynamics == Dynamics::spikes_only) {
    SpikeSelect<T> spikes = spike_arguments(arguments, spikes_.data(), options_.interpolation);
    spikes.amplitude = static_cast<T>(model_.spike_amplitude);
    spikes.values = out.data();
    return ops::spike_select(stream, spikes);
  }
  // The newest observation is on the grid, where every rule reads the trace itself.
  if (model_.trace_count == 1) arguments.rule = SelectRule::previous;
  arguments.out = out.data();
  ops::delayed_select(stream, arguments);
}

template <class T>
void CurrentSynapse<T>::spike(const Stream& stream, View<std::uint8_t> out) const {
  const host::Where where{name_, "spike"};
  const host::Call call(where, stream, device());
  host::check_array(where, "out", out.data(), out.shape(), this->batched_shape());
  SpikeSelect<T> arguments =
      spike_arguments(select_arguments(), spikes_.data(), options_.interpolation);
  arguments.bytes = out.data();
  ops::spike_select(stream, arguments);
}

template <class T>
void CurrentSynapse<T>::current_at(const Stream& stream, View<const T> selector,
                                   View<T> out) const {
  const host::Where where{name_, "current_at"};
  const host::Call call(where, stream, device());
  const std::int64_t samples = host::check_samples(where, "selector", selector.data(),
                                                   selector.shape(), this->batched_shape());
  host::check_array(where, "out", out.data(), out.shape(), selector.shape());
  DelayedSelect<T> arguments = select_arguments();
  if (model_.dynamics == Dynamics::spikes_only) {
    SpikeSelect<T> spikes = spike_arguments(arguments, spikes_.data(), options_.interpolation);
    spikes.has_overbound = arguments.has_overbound;
    spikes.overbound = arguments.overbound;
    spikes.selector = selector.data();
    spikes.samples = samples;
    spikes.amplitude = static_cast<T>(model_.spike_amplitude);
    spikes.values = out.data();
    return ops::spike_select(stream, spikes);
  }
  arguments.selector = selector.data();
  arguments.samples = samples;
  arguments.out = out.data();
  ops::delayed_select(stream, arguments);
}

template <class T>
void CurrentSynapse<T>::spike_at(const Stream& stream, View<const T> selector,
                                 View<std::uint8_t> out) const {
  const host::Where where{name_, "spike_at"};
  const host::Call call(where, stream, device());
  const std::int64_t samples = host::check_samples(where, "selector", selector.data(),
                                                   selector.shape(), this->batched_shape());
  host::check_array(where, "out", out.data(), out.shape(), selector.shape());
  SpikeSelect<T> arguments =
      spike_arguments(select_arguments(), spikes_.data(), options_.interpolation);
  arguments.has_overbound = options_.spike_overbound.has_value();
  arguments.overbound = options_.spike_overbound.value_or(false) ? T(1) : T(0);
  arguments.selector = selector.data();
  arguments.samples = samples;
  arguments.bytes = out.data();
  ops::spike_select(stream, arguments);
}

template <class T>
void CurrentSynapse<T>::set_spike(const Stream& stream, View<const std::uint8_t> spikes) {
  const host::Where where{name_, "set_spike"};
  const host::Call call(where, stream, device());
  host::check_array(where, "spikes", spikes.data(), spikes.shape(), this->batched_shape());
  RingWrite<bool> arguments;
  arguments.ring = spike_ring();
  arguments.values = spikes.data();
  arguments.steps_back = 1;
  ops::ring_write(stream, arguments);
}

template <class T>
void CurrentSynapse<T>::set_current(const Stream& stream, View<const T> current) {
  if (model_.trace_count != 1 || model_.traces[0].weight != 1.0) {
    throw Error(Errc::not_supported,
                host::Where{name_, "set_current"}.name() +
                    ": the current is derived, expected a model whose current is its one trace");
  }
  set_trace(stream, 0, current, "set_current");
}

template <class T>
void CurrentSynapse<T>::trace(const Stream& stream, int index, View<T> out,
                              const char* function) const {
  const host::Where where{name_, function};
  const host::Call call(where, stream, device());
  host::check_array(where, "out", out.data(), out.shape(), this->batched_shape());
  visit_storage<T>(options_.storage, [&](auto element) {
    RingRead<decltype(element)> arguments;
    arguments.ring = trace_ring_as<decltype(element)>(index);
    arguments.out = out.data();
    ops::ring_read(stream, arguments);
  });
}

template <class T>
void CurrentSynapse<T>::set_trace(const Stream& stream, int index, View<const T> values,
                                  const char* function) {
  const host::Where where{name_, function};
  const host::Call call(where, stream, device());
  host::check_array(where, "values", values.data(), values.shape(), this->batched_shape());
  visit_storage<T>(options_.storage, [&](auto element) {
    RingWrite<decltype(element)> arguments;
    arguments.ring = trace_ring_as<decltype(element)>(index);
    arguments.values = values.data();
    arguments.steps_back = 1;
    ops::ring_write(stream, arguments);
  });
}

template <class T>
void CurrentSynapse<T>::trace_at(const Stream& stream, int index, View<const T> selector,
                                 View<T> out, const char* function) const {
  const host::Where where{name_, function};
  const host::Call call(where, stream, device());
  const std::int64_t samples = host::check_samples(where, "selector", selector.data(),
                                                   selector.shape(), this->batched_shape());
  host::check_array(where, "out", out.data(), out.shape(), selector.shape());
  DelayedSelect<T> arguments = select_arguments();
  if (model_.dynamics == Dynamics::chain) {
    arguments.weight[index] = T(1);
    arguments.weight[1 - index] = T(0);
  } else {
    arguments.trace_count = 1;
    arguments.traces[0] = arguments.traces[index];
    arguments.time_constant[0] = arguments.time_constant[index];
    arguments.weight[0] = T(1);
  }
  arguments.selector = selector.data();
  arguments.samples = samples;
  arguments.out = out.data();
  ops::delayed_select(stream, arguments);
}

template <class T>
void CurrentSynapse<T>::set_model(ModelAt model) {
  const SynapseModel changed = model(options_.step_time);
  check_model<T>({name_, "set_parameters"}, changed, options_, model_);
  model_ = changed;
  model_at_.swap(model);
  ++version_;
}

template <class T>
void CurrentSynapse<T>::clear(const Stream& stream) {
  const host::Call call({name_, "clear"}, stream, device());
  spikes_.fill_zero(stream);
  for (int k = 0; k < model_.trace_count; ++k) traces_[k].fill_zero(stream);
  state_.fill_zero(stream);
}

template <class T>
void CurrentSynapse<T>::set_batch_size(const Stream& stream, std::int64_t batch_size) {
  const host::Where where{name_, "set_batch_size"};
  const host::Call call(where, stream, device());
  SynapseOptions options = options_;
  options.batch_size = batch_size;
  slots_of<T>(where, options);
  if (batch_size != options_.batch_size) replace(stream, options, HistoryChange::keep);
}

template <class T>
void CurrentSynapse<T>::set_step_time(const Stream& stream, double step_time,
                                      HistoryChange history) {
  const host::Where where{name_, "set_step_time"};
  const host::Call call(where, stream, device());
  host::check_history_change(where, history);
  SynapseOptions options = options_;
  options.step_time = step_time;
  slots_of<T>(where, options);
  replace(stream, options, history);
}

template <class T>
void CurrentSynapse<T>::set_delay(const Stream& stream, double delay, HistoryChange history) {
  const host::Where where{name_, "set_delay"};
  const host::Call call(where, stream, device());
  host::check_history_change(where, history);
  SynapseOptions options = options_;
  options.delay = delay;
  slots_of<T>(where, options);
  replace(stream, options, history);
}

// Moves into storage for other options, which have been checked; everything that can fail comes
// before the first change of the object.
template <class T>
void CurrentSynapse<T>::replace(const Stream& stream, const SynapseOptions& options,
                                HistoryChange history) {
  const std::int32_t slots = slots_of<T>(name_, options);
  const std::int64_t size = options.shape.prepended(options.batch_size).size();
  const std::int64_t stride = slot_stride(size);
  const bool is_resampled =
      history == HistoryChange::keep && options.step_time != options_.step_time;
  const SynapseModel model = model_at_(options.step_time);
  check_model<T>(name_, model, options, model_);

  Buffer<std::uint8_t> spikes(device(), slots * (stride / 8));
  Buffer<std::uint8_t> traces[max_traces];
  for (int k = 0; k < model.trace_count; ++k) {
    traces[k] = host::make_stored<T>(device(), options.storage, slots * stride);
  }

  const auto fill = [&](auto& storage, auto element, const auto& source, int trace) {
    using Element = decltype(element);
    using Stored = typename ElementTraits<Element>::Stored;
    Ring<Element> destination;
    destination.data = reinterpret_cast<Stored*>(storage.data());
    destination.size = size;
    destination.stride = stride;
    destination.slots = slots;
    storage.fill_zero(stream);  // the padding of slots as well, which no kernel has to write
    if (history == HistoryChange::clear) return;
    if (is_resampled) {
      RingResample<Element> arguments;
      arguments.source = source;
      arguments.destination = destination;
      arguments.source_step = options_.step_time;
      arguments.destination_step = options.step_time;
      if constexpr (!std::is_same_v<Element, bool>) {
        const DelayedSelect<T> select = select_arguments();
        arguments.rule = select.rule;
        arguments.time_constant = select.time_constant[trace];
        arguments.tolerance = select.tolerance;
        if (select.rule == SelectRule::chain_decay && trace == 0) {
          arguments.rule = SelectRule::exponential_decay;
        }
        arguments.feed_rate = select.feed_rate;
        arguments.feeder = select.traces[0].template as<Stored>();
      }
      ops::ring_resample(stream, arguments);
    } else {
      ops::ring_regrid(stream, RingRegrid<Element>{source, destination});
    }
  };
  fill(spikes, bool{}, spike_ring(), 0);
  for (int k = 0; k < model.trace_count; ++k) {
    visit_storage<T>(options.storage, [&](auto element) {
      fill(traces[k], element, trace_ring_as<decltype(element)>(k), k);
    });
  }

  // Waits for the stream, so that the old storage is no longer read when it is freed.
  const RingState start;
  Buffer<RingState> state(stream, &start, 1);

  options_ = options;
  model_ = model;
  slots_ = slots;
  stride_ = stride;
  spikes_.swap(spikes);
  for (int k = 0; k < model.trace_count; ++k) traces_[k].swap(traces[k]);
  state_.swap(state);
  ++version_;
}

template class Synapse<float>;
template class Synapse<double>;
template class CurrentSynapse<float>;
template class CurrentSynapse<double>;
template Ring<float> CurrentSynapse<float>::trace_ring_as<float>(int) const;
template Ring<float16> CurrentSynapse<float>::trace_ring_as<float16>(int) const;
template Ring<bfloat16> CurrentSynapse<float>::trace_ring_as<bfloat16>(int) const;
template Ring<double> CurrentSynapse<double>::trace_ring_as<double>(int) const;

}  // namespace cusynapse
