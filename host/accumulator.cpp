#include <utility>

#include "cusynapse/updater.hpp"
#include "host/check.hpp"

namespace cusynapse {
namespace {

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
  const std::int64_t size = host::checked_frame_size({"Accumulator", "Accumulator"}, shape, 1);
  for (Buffer<T>& accumulated : accumulated_) accumulated = Buffer<T>(stream.device(), size);
  state_ = Buffer<UpdateState>(stream.device(), 1);
  state_.fill_zero(stream);
}

template <class T>
Accumulator<T>::~Accumulator() = default;
template <class T>
Accumulator<T>::Accumulator(Accumulator&& other) noexcept = default;
template <class T>
Accumulator<T>& Accumulator<T>::operator=(Accumulator&& other) noexcept = default;

template <class T>
void Accumulator<T>::set_reduction(const Stream& stream, UpdateReduction reduction) {
  const host::Where where{"Accumulator", "set_reduction"};
  host::check_stream(where, stream, device());
  host::check_update_reduction(where, reduction);
  clear(stream);
  reduction_ = reduction;
  reducer_ = nullptr;
}

template <class T>
void Accumulator<T>::set_reduction(const Stream& stream, UpdateReducer<T> reducer) {
  const host::Where where{"Accumulator", "set_reduction"};
  host::check_stream(where, stream, device());
  if (!reducer) host::refuse(where, "reducer", "empty", "a function");
  clear(stream);
  reduction_ = UpdateReduction::sum;
  reducer_ = std::move(reducer);
}

template <class T>
void Accumulator<T>::set_bounds(const UpdateBounds& bounds) {
  host::check_update_bounds({"Accumulator", "set_bounds"}, rounded<T>(bounds.upper),
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
  const host::Where where{"Accumulator", function};
  host::check_stream(where, stream, device());
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
  const host::Where where{"Accumulator", "update"};
  host::check_stream(where, stream, device());
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
  host::check_stream({"Accumulator", "clear"}, stream, device());
  state_.fill_zero(stream);
  for (Parts& parts : parts_) parts.views.clear();
}

template class Accumulator<float>;
template class Accumulator<double>;

}  // namespace cusynapse
