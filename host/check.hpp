// Checks that end in errors saying what, where, got and expected.
#pragma once

#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>

#include "cusynapse/error.hpp"
#include "cusynapse/ops.hpp"
#include "cusynapse/shape.hpp"
#include "cusynapse/stream.hpp"
#include "cusynapse/update_ops.hpp"

namespace cusynapse {
class Backend;
enum class HistoryChange : std::int32_t;
enum class Output : std::int32_t;
enum class Parameter : std::int32_t;
}  // namespace cusynapse

namespace cusynapse::host {

/// The function an error is reported from; its name is put together only when there is an error, so
/// that a step allocates nothing.
struct Where {
  Where(const char* function_name) : function(function_name) {}
  Where(const char* owner_name, const char* function_name)
      : owner(owner_name), function(function_name) {}
  std::string name() const {
    return owner != nullptr ? owner + std::string("::") + function : function;
  }

  const char* owner = nullptr;  ///< class, when it is a member function
  const char* function;
};

/// A number as messages show it.
std::string format(double value);

/// Throws `Error(invalid_argument)`: "<where>: <what> is <got>, expected <expected>".
[[noreturn]] void refuse(const Where& where, const std::string& what, const std::string& got,
                         const std::string& expected);

void check(bool condition, const Where& where, const char* what, double got, const char* expected);
void check_finite_positive(const Where& where, const char* what, double got);
void check_finite_not_negative(const Where& where, const char* what, double got);

/// As `check_finite_positive`, of the value rounded to T as well.
template <class T>
void check_positive_in(const Where& where, const char* what, double got) {
  check_finite_positive(where, what, got);
  const T rounded = static_cast<T>(got);
  check(rounded > 0 && std::isfinite(rounded), where, what, got, "within the range of the type");
}

/// Throws `Error(invalid_argument)` for null.
void check_pointer(const void* pointer, const Where& where, const char* what);

/// Throws `Error(shape_mismatch)` unless `got` is `expected`, and `Error(invalid_argument)` for
/// null data of a shape with elements.
void check_array(const Where& where, const char* what, const void* data, const Shape& got,
                 const Shape& expected);

/// As `check_array`, but `expected` may be followed by one more extent, at least 1, which is
/// returned; 1 without it.
std::int64_t check_samples(const Where& where, const char* what, const void* data, const Shape& got,
                           const Shape& expected);

/// Throw `Error(invalid_argument)` for one that does not exist.
void check_history_change(const Where& where, HistoryChange history);
void check_output(const Where& where, Output output);

/// A parameter of a connection, as messages and states name it.
const char* name_of(Parameter parameter);

/// Traces that dynamics have: `trace_count` itself where they may have one or two, -1 for dynamics
/// that do not exist.
int traces_of(Dynamics dynamics, int trace_count);

/// Throws `Error(wrong_device)` unless the stream is of the object's device.
void check_stream(const Where& where, const Stream& stream, Device expected);

/// A call of a member function on a stream, until it returns: what a profiler shows as a range,
/// with the name errors have.
class Call {
 public:
  /// Begins with `check_stream`.
  Call(const Where& where, const Stream& stream, Device expected);
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

 private:
  const Backend& backend_;
};

/// How many of `size` values in memory of the device lie outside [low, high], NaN included.
/// Allocates and synchronises.
template <class T>
std::int64_t count_outside(const Stream& stream, const T* values, std::int64_t size, T low, T high);

extern template std::int64_t count_outside(const Stream&, const float*, std::int64_t, float, float);
extern template std::int64_t count_outside(const Stream&, const double*, std::int64_t, double,
                                           double);

/// Elements that arrays and rings have at most: bytes, strides and what else is computed from them
/// then stay in range.
inline constexpr double most_elements = 0x1p56;
inline constexpr double most_ring_elements = 0x1p59;

/// Throws `Error(invalid_argument)` for sizes below 0 and above `most_elements`.
void check_size(const Where& where, const char* what, std::int64_t size);

/// A product of extents. Throws `Error(invalid_argument)` above `most_elements`.
std::int64_t checked_product(const Where& where, const char* what,
                             std::initializer_list<std::int64_t> extents);

/// Throws `Error(invalid_argument)` unless selectors, which are clamped to [0, limit], do not reach
/// past the ring: one step more is what rounding may add, and a little where there are more steps
/// than T tells apart.
template <class Select>
void check_times(const Where& where, const Select& a) {
  using T = decltype(a.limit);
  check(a.step_time > 0 && std::isfinite(a.step_time), where, "step_time", a.step_time,
        "finite and above 0");
  check(a.tolerance >= 0, where, "tolerance", a.tolerance, "at least 0");
  check(a.slots >= 1, where, "slots", a.slots, "at least 1");
  const T slots = static_cast<T>(a.slots);
  const T most = a.slots == 1 ? slots : slots + slots * (4 * std::numeric_limits<T>::epsilon());
  check(a.limit >= 0 && a.limit / a.step_time <= most, where, "limit", a.limit,
        "at least 0 and within the ring");
}

/// Elements of one frame [batch_size, shape...]. Throws `Error(invalid_argument)` for extents or a
/// batch below 1, a shape without room for two more extents, and sizes that `slots` frames of would
/// not fit in memory addresses.
std::int64_t checked_frame_size(const Where& where, const Shape& shape, std::int64_t batch_size);

/// Slots of a history. Throws `Error(invalid_argument)` for more slots, or elements in all of them,
/// than can be counted.
std::int32_t checked_slots(const Where& where, double duration, double step_time, bool inclusive,
                           std::int64_t frame_size);

/// Throws `Error(invalid_argument)` for a reduction that does not exist.
void check_update_reduction(const Where& where, UpdateReduction reduction);

/// Throws `Error(invalid_argument)` unless the bounds of an update are what `parameter_update`
/// takes.
template <class T>
void check_update_bounds(const Where& where, const UpdateBound<T>& upper,
                         const UpdateBound<T>& lower);

}  // namespace cusynapse::host
