#include "cusynapse/update_ops.hpp"

#include "host/check.hpp"
#include "host/dispatch.hpp"

namespace cusynapse::ops {
namespace {

using host::check;
using host::check_pointer;

template <class T>
void run_accumulate_part(const Stream& stream, const AccumulatePart<T>& a) {
  const char* where = "accumulate_part";
  check(a.side == UpdateSide::positive || a.side == UpdateSide::negative, where, "side",
        static_cast<double>(a.side), "one of UpdateSide");
  host::check_update_reduction(where, a.reduction);
  host::check_size(where, "size", a.size);
  if (a.size == 0) return;
  check_pointer(a.part, where, "part");
  check_pointer(a.accumulated, where, "accumulated");
  host::backend(stream.device()).updates(T{}).accumulate_part(stream, a);
}

template <class T>
void run_parameter_update(const Stream& stream, const ParameterUpdate<T>& a) {
  const char* where = "parameter_update";
  host::check_update_reduction(where, a.reduction);
  host::check_size(where, "size", a.size);
  host::check_update_bounds(where, a.upper, a.lower);
  if (a.size == 0) return;
  check_pointer(a.parameter, where, "parameter");
  host::backend(stream.device()).updates(T{}).parameter_update(stream, a);
}

}  // namespace

void accumulate_part(const Stream& stream, const AccumulatePart<float>& a) {
  run_accumulate_part(stream, a);
}
void accumulate_part(const Stream& stream, const AccumulatePart<double>& a) {
  run_accumulate_part(stream, a);
}
void parameter_update(const Stream& stream, const ParameterUpdate<float>& a) {
  run_parameter_update(stream, a);
}
void parameter_update(const Stream& stream, const ParameterUpdate<double>& a) {
  run_parameter_update(stream, a);
}

}  // namespace cusynapse::ops
