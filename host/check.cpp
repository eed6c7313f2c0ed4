#include "host/check.hpp"

#include <cmath>
#include <cstdio>
#include <numeric>
#include <vector>

#include "cusynapse/buffer.hpp"
#include "cusynapse/connection.hpp"
#include "cusynapse/math/ring.hpp"
#include "cusynapse/ops.hpp"
#include "host/dispatch.hpp"
#include "host/stored.hpp"

namespace cusynapse::host {

std::string format(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

void refuse(const Where& where, const std::string& what, const std::string& got,
            const std::string& expected) {
  throw Error(Errc::invalid_argument,
              where.name() + ": " + what + " is " + got + ", expected " + expected);
}

void check(bool condition, const Where& where, const char* what, double got, const char* expected) {
  if (!condition) refuse(where, what, format(got), expected);
}

void check_finite_positive(const Where& where, const char* what, double got) {
  check(std::isfinite(got) && got > 0, where, what, got, "finite and above 0");
}

void check_finite_not_negative(const Where& where, const char* what, double got) {
  check(std::isfinite(got) && got >= 0, where, what, got, "finite and at least 0");
}

void check_pointer(const void* pointer, const Where& where, const char* what) {
  if (pointer == nullptr) refuse(where, what, "null", "a pointer to device memory");
}

void check_array(const Where& where, const char* what, const void* data, const Shape& got,
                 const Shape& expected) {
  if (got != expected) {
    throw Error(Errc::shape_mismatch, where.name() + ": " + what + " has shape " + to_string(got) +
                                          ", expected " + to_string(expected));
  }
  if (data == nullptr) refuse(where, what, "null", "an array of " + to_string(expected));
}

std::int64_t check_samples(const Where& where, const char* what, const void* data, const Shape& got,
                           const Shape& expected) {
  const int rank = expected.rank();
  const bool has_samples =
      got.rank() == rank + 1 && got[rank] >= 1 && expected.appended(got[rank]) == got;
  if (got != expected && !has_samples) {
    std::string with_samples = to_string(expected);
    with_samples.insert(with_samples.size() - 1, rank > 0 ? ", D" : "D");
    throw Error(Errc::shape_mismatch, where.name() + ": " + what + " has shape " + to_string(got) +
                                          ", expected " + to_string(expected) + " or " +
                                          with_samples + " with D at least 1");
  }
  if (data == nullptr) refuse(where, what, "null", "an array of " + to_string(got));
  return has_samples ? got[rank] : 1;
}

void check_history_change(const Where& where, HistoryChange history) {
  check(history == HistoryChange::clear || history == HistoryChange::keep, where, "history",
        static_cast<double>(history), "one of HistoryChange");
}

void check_output(const Where& where, Output output) {
  check(output == Output::replace || output == Output::accumulate, where, "output",
        static_cast<double>(output), "one of Output");
}

const char* name_of(Parameter parameter) {
  switch (parameter) {
    case Parameter::weight:
      return "weight";
    case Parameter::bias:
      return "bias";
    case Parameter::delay:
      return "delay";
  }
  return "parameter";
}

const char* name_of(StorageType storage) {
  switch (storage) {
    case StorageType::same:
      return "same";
    case StorageType::float16:
      return "float16";
    case StorageType::bfloat16:
      return "bfloat16";
  }
  return nullptr;
}

int traces_of(Dynamics dynamics, int trace_count) {
  switch (dynamics) {
    case Dynamics::spikes_only:
      return 0;
    case Dynamics::memoryless:
      return 1;
    case Dynamics::decay:
      return trace_count == 2 ? 2 : 1;
    case Dynamics::chain:
      return 2;
  }
  return -1;
}

void check_stream(const Where& where, const Stream& stream, Device expected) {
  if (stream.device() != expected) {
    throw Error(Errc::wrong_device, where.name() + ": stream is on " + to_string(stream.device()) +
                                        ", expected " + to_string(expected));
  }
}

Call::Call(const Where& where, const Stream& stream, Device expected)
    : backend_((check_stream(where, stream, expected), backend(expected))) {
  backend_.begin_range(where.owner, where.function);
}

Call::~Call() { backend_.end_range(); }

template <class T>
std::int64_t count_outside(const Stream& stream, const T* values, std::int64_t size, T low,
                           T high) {
  Buffer<std::int64_t> partial_counts(stream.device(), (size + count_tile - 1) / count_tile);
  ops::count_outside(stream, values, size, low, high, partial_counts.data());
  std::vector<std::int64_t> counts(static_cast<std::size_t>(partial_counts.size()));
  partial_counts.copy_to_host(stream, counts.data());
  return std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
}

template std::int64_t count_outside(const Stream&, const float*, std::int64_t, float, float);
template std::int64_t count_outside(const Stream&, const double*, std::int64_t, double, double);

void check_size(const Where& where, const char* what, std::int64_t size) {
  check(size >= 0 && static_cast<double>(size) <= most_elements, where, what,
        static_cast<double>(size), "0 to 2^56");
}

std::int64_t checked_product(const Where& where, const char* what,
                             std::initializer_list<std::int64_t> extents) {
  double product = 1.0;
  for (const std::int64_t extent : extents) product *= static_cast<double>(extent);
  check(product <= most_elements, where, what, product, "at most 2^56");
  std::int64_t exact = 1;
  for (const std::int64_t extent : extents) exact *= extent;
  return exact;
}

std::int64_t checked_frame_size(const Where& where, const Shape& shape, std::int64_t batch_size) {
  if (shape.rank() > Shape::max_rank - 2) {
    refuse(where, "shape", to_string(shape),
           "at most " + std::to_string(Shape::max_rank - 2) + " extents");
  }
  constexpr auto largest = static_cast<std::int64_t>(most_elements);
  if (batch_size < 1) refuse(where, "batch_size", std::to_string(batch_size), "at least 1");
  std::int64_t size = batch_size;
  for (const std::int64_t extent : shape) {
    if (extent < 1) refuse(where, "shape", to_string(shape), "extents of at least 1");
    if (size > largest / extent) {
      refuse(where, "shape", to_string(shape) + " with batch_size " + std::to_string(batch_size),
             "at most 2^56 elements");
    }
    size *= extent;
  }
  if (size > largest) {
    refuse(where, "batch_size", std::to_string(batch_size), "at most 2^56 elements");
  }
  return size;
}

std::int32_t checked_slots(const Where& where, double duration, double step_time, bool inclusive,
                           std::int64_t frame_size) {
  const double slots = math::history_slots(duration, step_time, inclusive);
  // Half the range, so that sums of two slots fit as well.
  constexpr double most = 1 << 30;
  if (!(slots <= most)) {
    refuse(where, "number of steps in the history", format(slots), "at most 2^30");
  }
  if (slots * static_cast<double>(slot_stride(frame_size)) > most_ring_elements) {
    refuse(where, "history",
           format(slots) + " observations of " + std::to_string(frame_size) + " elements",
           "at most 2^59 elements");
  }
  return static_cast<std::int32_t>(slots);
}

void check_update_reduction(const Where& where, UpdateReduction reduction) {
  check(reduction >= UpdateReduction::sum && reduction <= UpdateReduction::maximum, where,
        "reduction", static_cast<double>(reduction), "one of UpdateReduction");
}

namespace {

// Names of a bound's members, as messages show them.
struct BoundNames {
  const char* rule;
  const char* limit;
  const char* power;
  const char* range;
};

template <class T>
void check_update_bound(const Where& where, const BoundNames& names, const UpdateBound<T>& bound) {
  check(bound.rule >= BoundRule::none && bound.rule <= BoundRule::sharp, where, names.rule,
        static_cast<double>(bound.rule), "one of BoundRule");
  if (bound.rule == BoundRule::none) return;
  check(std::isfinite(bound.limit), where, names.limit, bound.limit, "finite");
  if (bound.rule == BoundRule::power || bound.rule == BoundRule::scaled_power) {
    check(std::isfinite(bound.power), where, names.power, bound.power, "finite");
  }
  if (bound.rule == BoundRule::scaled_multiplicative || bound.rule == BoundRule::scaled_power) {
    check_finite_positive(where, names.range, bound.range);
  }
}

}  // namespace

template <class T>
void check_update_bounds(const Where& where, const UpdateBound<T>& upper,
                         const UpdateBound<T>& lower) {
  check_update_bound(where, {"upper.rule", "upper.limit", "upper.power", "upper.range"}, upper);
  check_update_bound(where, {"lower.rule", "lower.limit", "lower.power", "lower.range"}, lower);
  if (upper.rule == BoundRule::none || lower.rule == BoundRule::none) return;
  check(upper.limit > lower.limit, where, "upper.limit", upper.limit, "above lower.limit");
}

template void check_update_bounds(const Where&, const UpdateBound<float>&,
                                  const UpdateBound<float>&);
template void check_update_bounds(const Where&, const UpdateBound<double>&,
                                  const UpdateBound<double>&);

}  // namespace cusynapse::host
