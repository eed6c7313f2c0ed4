#include "cusynapse/history.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "host/check.hpp"
#include "host/state.hpp"

namespace cusynapse {
namespace {

constexpr const char* class_name = "History";

host::Where in(const char* function) { return {class_name, function}; }

template <class T>
std::int32_t slots_of(const host::Where& where, const HistoryOptions& options) {
  const std::int64_t size = host::checked_frame_size(where, options.shape, options.batch_size);
  host::check_positive_in<typename ElementTraits<T>::Time>(where, "step_time", options.step_time);
  host::check_finite_not_negative(where, "duration", options.duration);
  return host::checked_slots(where, options.duration, options.step_time, options.inclusive, size);
}

template <class T>
HistoryOptions options_of(StateReader& state) {
  state.require<T>(class_name);
  HistoryOptions options;
  options.shape = state.shape("shape");
  options.batch_size = state.integer("batch_size");
  options.step_time = state.number("step_time");
  options.duration = state.number("duration");
  options.inclusive = state.flag("inclusive");
  return options;
}

// Storage of `slots` frames of `size` elements: elements, or bytes of eight for bool.
template <class T>
std::int64_t stored_size(std::int64_t size, std::int64_t slots) {
  return slots * slot_stride(size) / (std::is_same_v<T, bool> ? 8 : 1);
}

// The times that select and insert take, in the arithmetic they are selected in. The largest is
// that of the oldest observation, by whichever of its two roundings is later.
template <class Time>
struct Range {
  Time low;
  Time high;
};

template <class Time, class T>
Range<Time> time_range(const host::Where& where, const History<T>& history, double tolerance) {
  host::check_finite_not_negative(where, "tolerance", tolerance);
  const auto steps = static_cast<double>(history.slots() - 1);
  const Time oldest = std::max(static_cast<Time>(history.step_time()) * static_cast<Time>(steps),
                               static_cast<Time>(history.step_time() * steps));
  const Time rounded_tolerance = static_cast<Time>(tolerance);
  return {Time(0) - rounded_tolerance, oldest + rounded_tolerance};
}

template <class Time>
std::string describe(const Range<Time>& range) {
  return "within [" + host::format(static_cast<double>(range.low)) + ", " +
         host::format(static_cast<double>(range.high)) + "] ms";
}

void check_time(const host::Where& where, const Range<double>& range, double time) {
  if (!(time >= range.low && time <= range.high)) {
    host::refuse(where, "time", host::format(time), describe(range));
  }
}

template <class Time>
void check_times(const host::Where& where, const Range<Time>& range, const Stream& stream,
                 View<const Time> times) {
  const std::int64_t size = times.size();
  const std::int64_t outside =
      host::count_outside(stream, times.data(), size, range.low, range.high);
  if (outside > 0) {
    throw Error(Errc::invalid_argument, where.name() + ": " + std::to_string(outside) + " of " +
                                            std::to_string(size) +
                                            " times are outside, expected all " + describe(range));
  }
}

}  // namespace

template <class T>
History<T>::History(const Stream& stream, const HistoryOptions& options)
    : options_(options),
      slots_(slots_of<T>(in("History"), options)),
      storage_(stream.device(), stored_size<T>(batched_shape().size(), slots_)),
      state_(stream.device(), 1) {
  storage_.fill_zero(stream);
  state_.fill_zero(stream);
}

template <class T>
History<T>::History(const Stream& stream, StateReader& state)
    : options_(options_of<T>(state)),
      slots_(host::from_state([&] { return slots_of<T>(in("load"), options_); })),
      storage_(host::load_slots<T>(stream, state, "observations", batched_shape(), slots_)),
      state_(host::load_head(stream, state, slots_)) {}

template <class T>
History<T>::~History() = default;
template <class T>
History<T>::History(History&& other) noexcept = default;
template <class T>
History<T>& History<T>::operator=(History&& other) noexcept = default;

template <class T>
std::int32_t History<T>::pointer(const Stream& stream) const {
  const host::Call call(in("pointer"), stream, device());
  RingState state;
  state_.copy_to_host(stream, &state);
  return state.head;
}

template <class T>
Ring<T> History<T>::storage() const noexcept {
  // Operations that only read take the same argument; those that write are not const themselves.
  Ring<T> ring;
  ring.data = const_cast<typename ElementTraits<T>::Stored*>(storage_.data());
  ring.size = batched_shape().size();
  ring.stride = slot_stride(ring.size);
  ring.slots = slots_;
  ring.head.state = const_cast<RingState*>(state_.data());
  return ring;
}

template <class T>
Ring<T> History<T>::ring() noexcept {
  return storage();
}

template <class T>
void History<T>::push(const Stream& stream, View<const Value> observation) {
  const host::Call call(in("push"), stream, device());
  host::check_array(in("push"), "observation", observation.data(), observation.shape(),
                    batched_shape());
  RingWrite<T> arguments;
  arguments.ring = storage();
  arguments.values = observation.data();
  arguments.advance = 1;
  ops::ring_write(stream, arguments);
}

template <class T>
void History<T>::peek(const Stream& stream, View<Value> out) const {
  read(stream, out, 1);
}

template <class T>
void History<T>::pop(const Stream& stream, View<Value> out) {
  read(stream, out, 1);
  decrement(stream, 1);
}

template <class T>
void History<T>::increment(const Stream& stream, std::int64_t n) {
  const host::Call call(in("increment"), stream, device());
  ops::ring_advance(stream, state_.data(), slots_, n % slots_);
}

template <class T>
void History<T>::decrement(const Stream& stream, std::int64_t n) {
  const host::Call call(in("decrement"), stream, device());
  ops::ring_advance(stream, state_.data(), slots_, -(n % slots_));
}

template <class T>
void History<T>::read(const Stream& stream, View<Value> out, std::int64_t steps_back) const {
  const host::Call call(in("read"), stream, device());
  host::check_array(in("read"), "out", out.data(), out.shape(), batched_shape());
  RingRead<T> arguments;
  arguments.ring = storage();
  arguments.out = out.data();
  arguments.steps_back = steps_back % slots_;
  ops::ring_read(stream, arguments);
}

template <class T>
void History<T>::write(const Stream& stream, View<const Value> observation,
                       std::int64_t steps_back) {
  const host::Call call(in("write"), stream, device());
  host::check_array(in("write"), "observation", observation.data(), observation.shape(),
                    batched_shape());
  RingWrite<T> arguments;
  arguments.ring = storage();
  arguments.values = observation.data();
  arguments.steps_back = steps_back % slots_;
  ops::ring_write(stream, arguments);
}

namespace {

// The length of a range [batch_size, shape..., L] after checking it.
template <class T, class Value>
std::int64_t checked_length(const host::Where& where, const char* what, const Value* data,
                            const Shape& shape, const History<T>& history) {
  const Shape expected = history.batched_shape();
  const bool has_length = shape.rank() == expected.rank() + 1;
  const std::int64_t length = has_length ? shape[expected.rank()] : 1;
  host::check_array(where, what, data, shape, expected.appended(length));
  host::check(length >= 1 && length <= history.slots(), where, "length",
              static_cast<double>(length), "1 to the number of slots");
  return length;
}

}  // namespace

template <class T>
void History<T>::read_range(const Stream& stream, View<Value> out, std::int64_t steps_back,
                            bool forward) const {
  const host::Call call(in("read_range"), stream, device());
  const std::int64_t length =
      checked_length(in("read_range"), "out", out.data(), out.shape(), *this);
  RingRead<T> arguments;
  arguments.ring = storage();
  arguments.out = out.data();
  arguments.frames = length;
  arguments.element_stride = length;
  arguments.frame_stride = 1;
  arguments.steps_back = steps_back % slots_ + (forward ? 0 : length - 1);
  ops::ring_read(stream, arguments);
}

template <class T>
void History<T>::write_range(const Stream& stream, View<const Value> observations,
                             std::int64_t steps_back, bool forward) {
  const host::Call call(in("write_range"), stream, device());
  const std::int64_t length = checked_length(in("write_range"), "observations", observations.data(),
                                             observations.shape(), *this);
  RingWrite<T> arguments;
  arguments.ring = storage();
  arguments.values = observations.data();
  arguments.frames = length;
  arguments.element_stride = length;
  arguments.frame_stride = 1;
  arguments.steps_back = steps_back % slots_ + (forward ? 0 : length - 1);
  ops::ring_write(stream, arguments);
}

template <class T>
void History<T>::align(const Stream& stream, std::int32_t index) {
  const host::Call call(in("align"), stream, device());
  host::check(index >= 0 && index < slots_, in("align"), "index", index, "0 to slots - 1");
  RingState state;
  state.head = index;
  Buffer<typename ElementTraits<T>::Stored> aligned(device(), storage_.size());
  aligned.fill_zero(stream);
  RingRegrid<T> arguments;
  arguments.source = storage();
  arguments.destination = storage();
  arguments.destination.data = aligned.data();
  arguments.destination.head = {nullptr, index};
  ops::ring_regrid(stream, arguments);
  Buffer<RingState> moved(stream, &state, 1);
  storage_.swap(aligned);
  state_.swap(moved);
}

template <class T>
void History<T>::reset(const Stream& stream, Value fill) {
  const host::Call call(in("reset"), stream, device());
  if (fill == Value(0)) {
    storage_.fill_zero(stream);
  } else {
    Buffer<Value> value(stream, &fill, 1);
    RingWrite<T> arguments;
    arguments.ring = storage();
    arguments.values = value.data();
    arguments.frames = slots_;
    arguments.element_stride = 0;
    ops::ring_write(stream, arguments);
    stream.synchronize();
  }
  state_.fill_zero(stream);
}

namespace {

template <class T>
RingSelect<T> select_arguments(const host::Where& where, const Ring<T>& ring, double step_time,
                               const SelectOptions& options) {
  using Time = typename ElementTraits<T>::Time;
  host::check_finite_not_negative(where, "tolerance", options.tolerance);
  if (options.interpolation == Interpolation::exponential_decay) {
    host::check_finite_positive(where, "constant", options.constant);
  }
  RingSelect<T> arguments;
  arguments.ring = ring;
  arguments.interpolation = options.interpolation;
  arguments.constant = static_cast<Time>(options.constant);
  arguments.step_time = static_cast<Time>(step_time);
  arguments.tolerance = static_cast<Time>(options.tolerance);
  arguments.offset = static_cast<Time>(options.offset);
  return arguments;
}

template <class T>
RingInsert<T> insert_arguments(const host::Where& where, const Ring<T>& ring, double step_time,
                               const InsertOptions& options) {
  using Time = typename ElementTraits<T>::Time;
  host::check_finite_not_negative(where, "tolerance", options.tolerance);
  if (options.extrapolation == Extrapolation::exponential_decay) {
    host::check_finite_positive(where, "constant", options.constant);
  }
  RingInsert<T> arguments;
  arguments.ring = ring;
  arguments.extrapolation = options.extrapolation;
  arguments.constant = static_cast<Time>(options.constant);
  arguments.adjust_scale = static_cast<Time>(options.adjust_scale);
  arguments.adjust_shift = static_cast<Time>(options.adjust_shift);
  arguments.step_time = static_cast<Time>(step_time);
  arguments.tolerance = static_cast<Time>(options.tolerance);
  arguments.offset = static_cast<Time>(options.offset);
  return arguments;
}

// One time for all elements is located once, in double: slots are chosen as exactly as the time was
// given.
math::Position<double> locate_once(double time, double step_time, double tolerance,
                                   std::int64_t offset) {
  return math::locate(time, step_time, tolerance, static_cast<double>(offset));
}

}  // namespace

template <class T>
void History<T>::select_unchecked(const Stream& stream, View<const Time> times, View<Value> out,
                                  const SelectOptions& options) const {
  const host::Where where = in("select");
  const host::Call call(where, stream, device());
  const std::int64_t samples =
      host::check_samples(where, "times", times.data(), times.shape(), batched_shape());
  host::check_array(where, "out", out.data(), out.shape(), times.shape());
  RingSelect<T> arguments = select_arguments<T>(where, storage(), step_time(), options);
  arguments.times = times.data();
  arguments.samples = samples;
  arguments.out = out.data();
  ops::ring_select(stream, arguments);
}

template <class T>
void History<T>::select(const Stream& stream, View<const Time> times, View<Value> out,
                        const SelectOptions& options) const {
  const host::Where where = in("select");
  const host::Call call(where, stream, device());
  host::check_samples(where, "times", times.data(), times.shape(), batched_shape());
  check_times(where, time_range<Time>(where, *this, options.tolerance), stream, times);
  select_unchecked(stream, times, out, options);
}

template <class T>
void History<T>::select(const Stream& stream, double time, View<Value> out,
                        const SelectOptions& options) const {
  const host::Where where = in("select");
  const host::Call call(where, stream, device());
  host::check_array(where, "out", out.data(), out.shape(), batched_shape());
  check_time(where, time_range<double>(where, *this, options.tolerance), time);
  RingSelect<T> arguments = select_arguments<T>(where, storage(), step_time(), options);
  arguments.position = locate_once(time, step_time(), options.tolerance, options.offset);
  arguments.out = out.data();
  ops::ring_select(stream, arguments);
}

template <class T>
void History<T>::insert_unchecked(const Stream& stream, View<const Value> observation,
                                  View<const Time> times, const InsertOptions& options) {
  const host::Where where = in("insert");
  const host::Call call(where, stream, device());
  host::check_array(where, "observation", observation.data(), observation.shape(), batched_shape());
  host::check_array(where, "times", times.data(), times.shape(), batched_shape());
  RingInsert<T> arguments = insert_arguments<T>(where, storage(), step_time(), options);
  arguments.times = times.data();
  arguments.values = observation.data();
  ops::ring_insert(stream, arguments);
}

template <class T>
void History<T>::insert(const Stream& stream, View<const Value> observation, View<const Time> times,
                        const InsertOptions& options) {
  const host::Where where = in("insert");
  const host::Call call(where, stream, device());
  host::check_array(where, "times", times.data(), times.shape(), batched_shape());
  check_times(where, time_range<Time>(where, *this, options.tolerance), stream, times);
  insert_unchecked(stream, observation, times, options);
}

template <class T>
void History<T>::insert(const Stream& stream, View<const Value> observation, double time,
                        const InsertOptions& options) {
  const host::Where where = in("insert");
  const host::Call call(where, stream, device());
  host::check_array(where, "observation", observation.data(), observation.shape(), batched_shape());
  check_time(where, time_range<double>(where, *this, options.tolerance), time);
  RingInsert<T> arguments = insert_arguments<T>(where, storage(), step_time(), options);
  arguments.position = locate_once(time, step_time(), options.tolerance, options.offset);
  arguments.values = observation.data();
  ops::ring_insert(stream, arguments);
}

template <class T>
void History<T>::change(const Stream& stream, const HistoryOptions& options, const char* function) {
  const host::Call call(in(function), stream, device());
  const std::int32_t slots = slots_of<T>(in(function), options);
  if (slots != slots_ || options.batch_size != options_.batch_size) {
    RingRegrid<T> arguments;
    arguments.source = storage();
    Ring<T>& destination = arguments.destination;
    destination.size = options.shape.prepended(options.batch_size).size();
    destination.stride = slot_stride(destination.size);
    destination.slots = slots;
    Buffer<typename ElementTraits<T>::Stored> changed(device(),
                                                      stored_size<T>(destination.size, slots));
    changed.fill_zero(stream);
    destination.data = changed.data();
    ops::ring_regrid(stream, arguments);
    const RingState start;
    Buffer<RingState> state(stream, &start, 1);
    storage_.swap(changed);
    state_.swap(state);
    slots_ = slots;
  }
  options_ = options;
}

template <class T>
void History<T>::set_step_time(const Stream& stream, double step_time) {
  HistoryOptions options = options_;
  options.step_time = step_time;
  change(stream, options, "set_step_time");
}

template <class T>
void History<T>::set_duration(const Stream& stream, double duration) {
  HistoryOptions options = options_;
  options.duration = duration;
  change(stream, options, "set_duration");
}

template <class T>
void History<T>::set_inclusive(const Stream& stream, bool inclusive) {
  HistoryOptions options = options_;
  options.inclusive = inclusive;
  change(stream, options, "set_inclusive");
}

template <class T>
void History<T>::set_batch_size(const Stream& stream, std::int64_t batch_size) {
  HistoryOptions options = options_;
  options.batch_size = batch_size;
  change(stream, options, "set_batch_size");
}

template <class T>
std::vector<std::uint8_t> History<T>::save(const Stream& stream) const {
  const host::Call call(in("save"), stream, device());
  StateWriter state = StateWriter::of<T>(class_name);
  state.shape("shape", options_.shape);
  state.integer("batch_size", options_.batch_size);
  state.number("step_time", options_.step_time);
  state.number("duration", options_.duration);
  state.flag("inclusive", options_.inclusive);
  host::save_head(stream, state, state_);
  host::save_slots<T>(stream, state, "observations", batched_shape(), slots_, storage_);
  return state.finish();
}

template <class T>
void History<T>::load(const Stream& stream, StateBytes bytes) {
  const host::Call call(in("load"), stream, device());
  StateReader state(bytes);
  History loaded(stream, state);
  state.finish();
  host::check_state_shape(in("load"), loaded.shape(), shape());
  *this = std::move(loaded);
}

template class History<float>;
template class History<double>;
template class History<float16>;
template class History<bfloat16>;
template class History<bool>;

}  // namespace cusynapse
