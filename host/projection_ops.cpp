#include "cusynapse/projection_ops.hpp"

#include "host/check.hpp"
#include "host/dispatch.hpp"

namespace cusynapse::ops {
namespace {

using host::check;
using host::check_pointer;

template <class T>
const ProjectionOperations<T>& operations(const Stream& stream) {
  return host::backend(stream.device()).projections(T{});
}

template <class T>
void run_linear_saturating(const Stream& stream, const LinearSaturating<T>& a) {
  const char* where = "linear_saturating";
  host::check_size(where, "size", a.size);
  check(a.minimum <= a.maximum, where, "minimum", static_cast<double>(a.minimum),
        "at most the maximum");
  if (a.size == 0) return;
  check_pointer(a.values, where, "values");
  check_pointer(a.out, where, "out");
  operations<T>(stream).linear_saturating(stream, a);
}

template <class T>
void run_hardware_image(const Stream& stream, const HardwareImage<T>& a) {
  const char* where = "hardware_image";
  host::check_size(where, "size", a.size);
  if (a.size == 0) return;
  check_pointer(a.values, where, "values");
  if (a.excitatory == nullptr) check_pointer(a.inhibitory, where, "excitatory and inhibitory");
  operations<T>(stream).hardware_image(stream, a);
}

template <class T>
void run_masked_copy(const Stream& stream, const MaskedCopy<T>& a) {
  const char* where = "masked_copy";
  host::check_size(where, "size", a.size);
  if (a.size == 0) return;
  check_pointer(a.values, where, "values");
  check_pointer(a.out, where, "out");
  operations<T>(stream).masked_copy(stream, a);
}

template <class T>
void run_transposed_plan(const Stream& stream, const TransposedPlan<T>& a) {
  const char* where = "transposed_plan";
  host::check_size(where, "inputs", a.inputs);
  host::check_size(where, "outputs", a.outputs);
  host::checked_product(where, "weights", {a.inputs, a.outputs});
  if (a.inputs == 0 || a.outputs == 0) return;
  check_pointer(a.weights, where, "weights");
  check_pointer(a.planned, where, "planned");
  if (reinterpret_cast<std::uintptr_t>(a.planned) % 16 != 0) {
    host::refuse(where, "planned", "not aligned", "storage aligned to 16 bytes");
  }
  operations<T>(stream).transposed_plan(stream, a);
}

template <class T>
void run_outer_product(const Stream& stream, const OuterProduct<T>& a) {
  const char* where = "outer_product";
  host::check_size(where, "rows", a.rows);
  host::check_size(where, "inputs", a.inputs);
  host::check_size(where, "outputs", a.outputs);
  check(a.right_kind >= InputKind::values && a.right_kind <= InputKind::bits, where, "right_kind",
        static_cast<double>(a.right_kind), "one of InputKind");
  host::checked_product(where, "weights", {a.inputs, a.outputs});
  host::checked_product(where, "elements of left", {a.rows, a.outputs});
  host::checked_product(where, "elements of right", {a.rows, a.inputs});
  if (a.inputs == 0 || a.outputs == 0) return;
  if (a.rows > 0) {
    check_pointer(a.left, where, "left");
    check_pointer(a.right, where, "right");
  }
  check_pointer(a.out, where, "out");
  operations<T>(stream).outer_product(stream, a);
}

}  // namespace

void linear_saturating(const Stream& stream, const LinearSaturating<float>& a) {
  run_linear_saturating(stream, a);
}
void linear_saturating(const Stream& stream, const LinearSaturating<double>& a) {
  run_linear_saturating(stream, a);
}
void hardware_image(const Stream& stream, const HardwareImage<float>& a) {
  run_hardware_image(stream, a);
}
void hardware_image(const Stream& stream, const HardwareImage<double>& a) {
  run_hardware_image(stream, a);
}
void masked_copy(const Stream& stream, const MaskedCopy<float>& a) { run_masked_copy(stream, a); }
void masked_copy(const Stream& stream, const MaskedCopy<double>& a) { run_masked_copy(stream, a); }
void transposed_plan(const Stream& stream, const TransposedPlan<float>& a) {
  run_transposed_plan(stream, a);
}
void transposed_plan(const Stream& stream, const TransposedPlan<double>& a) {
  run_transposed_plan(stream, a);
}
void outer_product(const Stream& stream, const OuterProduct<float>& a) {
  run_outer_product(stream, a);
}
void outer_product(const Stream& stream, const OuterProduct<double>& a) {
  run_outer_product(stream, a);
}

}  // namespace cusynapse::ops
