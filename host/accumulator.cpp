#include "cusynapse/updater.hpp"

#include <string>
#include <utility>

#include "host/check.hpp"
#include "host/state.hpp"

namespace cusynapse {
namespace {

constexpr const char* class_name = "Accumulator";
constexpr std::size_t side_count = 2;
constexpr const char* side_names[side_count] = {"positive", "negative"};
constexpr const char* bound_names[] = {"upper", "lower"};

void save_bound(StateWriter& state, const std::string& name, const UpdateBound<double>& bound) {
  state.integer(name + ".rule", static_cast<std::int64_t>(bound.rule));
  state.number(name + ".limit", bound.limit);
  state.number(name + ".power", bound.power);
  state.number(name + ".range", bound.range);
}

UpdateBound<double> load_bound(StateReader& state, const std::string& name) {
  UpdateBound<double> bound;
  bound.rule = static_cast<BoundRule>(
      state.integer(name + ".rule", 0, static_cast<std::int64_t>(BoundRule::sharp)));
  bound.limit = state.number(name + ".limit");
  bound.power = state.number(name + ".power");
  bound.range = state.number(name + ".range");
  return bound;
}

template <class T>
UpdateBound<T> rounded(const UpdateBound<double>& bound) {
  return {bound.rule, static_cast<T>(bound.limit), static_cast<T>(bound.power),
          static_cast<T>(bound.range)};
}

}  // namespace

UpdateBounds full_bounds(BoundRule rule, double minimum, double maximum, double upper_power,
                         double lower_power) {
  const double range = maximum - minimum;
  return {{rule, maximum, upper_power, range}, {rule, minimum, lower_power, range}};
}

template <class T>
Accumulator<T>::Accumulator(const Stream& stream, const Shape& shape) : shape_(shape) {
  const std::int64_t size = host::checked_frame_size({class_name, class_name}, shape, 1);
  for (Buffer<T>& accumulated : accumulated_) accumulated = Buffer<T>(stream.device(), size);
  state_ = Buffer<UpdateState>(stream.device(), 1);
  state_.fill_zero(stream);
}

template <class T>
Accumulator<T> Accumulator<T>::restored(const Stream& stream, StateReader& state) const {
  const host::Where where{class_name, "load"};
  check_reduction_is_saved("load");
  state.require<T>(class_name);
  host::check_state_shape(where, state.shape("shape"), shape_);
  Accumulator made(stream, shape_);
  made.reduction_ = static_cast<UpdateReduction>(
      state.integer("reduction", 0, static_cast<std::int64_t>(UpdateReduction::maximum)));
  UpdateBounds bounds;
  bounds.upper = load_bound(state, bound_names[0]);
  bounds.lower = load_bound(state, bound_names[1]);
  host::from_state([&] { made.set_bounds(bounds); });
  UpdateState parts;
  for (std::size_t side = 0; side < side_count; ++side) {
    const std::string name = side_names[side];
    constexpr std::int64_t most = std::int64_t{1} << 62;  // so that parts can be added
    parts.parts[side] = state.integer(name + ".parts", 0, most);
    if (parts.parts[side] == 0) continue;
    made.accumulated_[side].copy_from_host(stream, state.array<T>(name, shape_).data());
  }
  made.state_.copy_from_host(stream, &parts);
  state.finish();
  return made;
}

template <class T>
void Accumulator<T>::check_reduction_is_saved(const char* function) const {
  if (!reducer_) return;
  throw Error(Errc::not_supported, host::Where(class_name, function).name() +
                                       ": the reduction is a function of the caller's, expected "
                                       "one of UpdateReduction");
}

template <class T>
std::vector<std::uint8_t> Accumulator<T>::save(const Stream& stream) const {
  const host::Call call({class_name, "save"}, stream, device());
  check_reduction_is_saved("save");
  StateWriter state = StateWriter::of<T>(class_name);
  state.shape("shape", shape_);
  state.integer("reduction", static_cast<std::int64_t>(reduction_));
  save_bound(state, bound_names[0], bounds_.upper);
  save_bound(state, bound_names[1], bounds_.lower);
  const UpdateState parts = host::to_host(stream, state_)[0];
  for (std::size_t side = 0; side < side_count; ++side) {
    const std::string name = side_names[side];
    state.integer(name + ".parts", parts.parts[side]);
    if (parts.parts[side] == 0) continue;
    state.array(name, shape_, host::to_host(stream, accumulated_[side]).data());
  }
  return state.finish();
}

template <class T>
void Accumulator<T>::load(const Stream& stream, StateBytes bytes) {
  const host::Call call({class_name, "load"}, stream, device());
  StateReader state(bytes);
  *this = restored(stream, state);
}

template <class T>
Accumulator<T>::~Accumulator() = default;
template <class T>
Accumulator<T>::Accumulator(Accumulator&& other) noexcept = default;
template <class T>
Accumulator<T>& Accumulator<T>::operator=(Accumulator&& other) noexcept {
  std::swap(shape_, other.shape_);
  std::swap(reduction_, other.reduction_);
  reducer_.swap(other.reducer_);
  std::swap(bounds_, other.bounds_);
  accumulated_.swap(other.accumulated_);
  state_.swap(other.state_);
  parts_.swap(other.parts_);
  return *this;
}

template <class T>
void Accumulator<T>::set_reduction(const Stream& stream, UpdateReduction reduction) {
  const host::Where where{class_name, "set_reduction"};
  const host::Call call(where, stream, device());
  host::check_update_reduction(where, reduction);
  clear(stream);
  reduction_ = reduction;
  reducer_ = nullptr;
}

template <class T>
void Accumulator<T>::set_reduction(const Stream& stream, UpdateReducer<T> reducer) {
  const host::Where where{class_name, "set_reduction"};
  const host::Call call(where, stream, device());
  if (!reducer) host::refuse(where, "reducer", "empty", "a function");
  clear(stream);
  reducer_ = std::move(reducer);
}

template <class T>
void Accumulator<T>::set_bounds(const UpdateBounds& bounds) {
  host::check_update_bounds({class_name, "set_bounds"}, rounded<T>(bounds.upper),
                            rounded<T>(bounds.lower));
  bounds_ = bounds;
}

template <class T>
void Accumulator<T>::add_positive(const Stream& stream, View<const T> part) {
  add("add_positive", UpdateSide::positive, stream, part);
}
template <class T>
void Accumulator<T>::add_negative(const Stream& stream, View<const T> part) {
  add("add_negative", UpdateSide::negative, stream, part);
}

template <class T>
void Accumulator<T>::add(const char* function, UpdateSide side, const Stream& stream,
                         View<const T> part) {
  const host::Where where{class_name, function};
  const host::Call call(where, stream, device());
  host::check_array(where, "part", part.data(), part.shape(), shape_);
  const auto index = static_cast<std::size_t>(side);
  AccumulatePart<T> arguments;
  arguments.side = side;
  arguments.reduction = reduction_;
  arguments.size = shape_.size();
  arguments.part = part.data();
  if (!reducer_) {
    arguments.accumulated = accumulated_[index].data();
    arguments.state = state_.data();
    ops::accumulate_part(stream, arguments);
    return;
  }
  Parts& parts = parts_[index];
  const std::size_t count = parts.views.size();
  if (count == parts.buffers.size()) parts.buffers.emplace_back(device(), shape_.size());
  arguments.accumulated = parts.buffers[count].data();
  ops::accumulate_part(stream, arguments);
  parts.views.push_back(std::as_const(parts.buffers[count]).view(shape_));
}

template <class T>
void Accumulator<T>::update(const Stream& stream, View<T> parameter) {
  const host::Where where{class_name, "update"};
  const host::Call call(where, stream, device());
  host::check_array(where, "parameter", parameter.data(), parameter.shape(), shape_);
  reduce(stream);
  apply(stream, parameter.data());
}

template <class T>
void Accumulator<T>::reduce(const Stream& stream) {
  if (!reducer_) return;
  for (std::size_t side = 0; side < parts_.size(); ++side) {
    if (parts_[side].views.empty()) continue;
    reducer_(stream, parts_[side].views, accumulated_[side].view(shape_));
  }
}

template <class T>
void Accumulator<T>::apply(const Stream& stream, T* parameter) {
  const bool is_counted = !reducer_;  // by the device; otherwise by the host
  ParameterUpdate<T> arguments;
  arguments.size = shape_.size();
  arguments.parameter = parameter;
  arguments.reduction = reduction_;
  arguments.upper = rounded<T>(bounds_.upper);
  arguments.lower = rounded<T>(bounds_.lower);
  if (is_counted) arguments.state = state_.data();
  if (is_counted || !parts_[0].views.empty()) arguments.positive = accumulated_[0].data();
  if (is_counted || !parts_[1].views.empty()) arguments.negative = accumulated_[1].data();
  ops::parameter_update(stream, arguments);
  for (Parts& parts : parts_) parts.views.clear();
}

template <class T>
void Accumulator<T>::clear(const Stream& stream) {
  const host::Call call({class_name, "clear"}, stream, device());
  state_.fill_zero(stream);
  for (Parts& parts : parts_) parts.views.clear();
}

template class Accumulator<float>;
template class Accumulator<double>;

}  // namespace cusynapse
