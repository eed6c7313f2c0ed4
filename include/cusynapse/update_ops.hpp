// Level 2: parameter updates, one kernel a call, on the caller's memory and the caller's stream.
//
// An update has a positive and a negative side. Parts of each are accumulated, reduced to one,
// bounded by what room the parameter has left, and applied: p + (positive - negative).
//
// As ops.hpp: arguments are plain data, no call allocates, copies to the host or synchronises.
#pragma once

#include <cstdint>

#include "cusynapse/export.hpp"
#include "cusynapse/stream.hpp"

namespace cusynapse {

/// The sides of an update. Parts of both count as they are: a negative part is subtracted.
enum class UpdateSide : std::int32_t { positive, negative };

/// How the parts of a side become one.
enum class UpdateReduction : std::int32_t {
  sum,      ///< added up in the order they came
  mean,     ///< their sum divided by their number
  maximum,  ///< the largest; NaN if one of them is
};

/// Numbers of parts accumulated, kept in device memory so that a replayed CUDA graph counts too.
/// All zero before the first part.
struct UpdateState {
  std::int64_t parts[2] = {};  ///< by `UpdateSide`
  std::uint32_t arrivals = 0;  ///< blocks that have passed during a kernel; 0 between
};

/// What a side is multiplied with, of the room r between the parameter before the update and the
/// limit: limit - p for the upper bound, p - limit for the lower one.
enum class BoundRule : std::int32_t {
  none,                   ///< 1
  multiplicative,         ///< r
  power,                  ///< r^power
  scaled_multiplicative,  ///< r / range
  scaled_power,           ///< (r / range)^power
  sharp,                  ///< 1 where r > 0, else 0
};

/// The bound of one side. A power of a negative room is NaN unless the exponent is a whole number.
template <class T>
struct UpdateBound {
  BoundRule rule = BoundRule::none;  ///< what the side is multiplied with
  T limit = 0;                       ///< where the room ends
  T power = 1;                       ///< of the power rules
  T range = 1;  ///< of the scaled rules: the distance between both limits, as a rule
};

/// Arguments of `ops::accumulate_part`: takes a part into what a side has accumulated.
template <class T>
struct AccumulatePart {
  UpdateSide side = UpdateSide::positive;            ///< which of the two the part belongs to
  UpdateReduction reduction = UpdateReduction::sum;  ///< how it joins what is there
  std::int64_t size = 0;                             ///< elements of the parameter
  const T* part = nullptr;                           ///< [size]
  T* accumulated = nullptr;                          ///< [size]: the running sum, or maximum
  UpdateState* state = nullptr;  ///< the part after none replaces what is there, and is counted;
                                 ///< null: every part replaces it
};

/// Arguments of `ops::parameter_update`: parameter + (upper(positive) - lower(negative)), where a
/// side without parts is 0, and a parameter without any stays as it is.
template <class T>
struct ParameterUpdate {
  std::int64_t size = 0;        ///< elements of the parameter
  T* parameter = nullptr;       ///< [size]
  const T* positive = nullptr;  ///< [size]: what its side has accumulated; null: no parts
  const T* negative = nullptr;  ///< [size]: the same of the other side
  UpdateReduction reduction = UpdateReduction::sum;  ///< how parts were accumulated
  UpdateState* state = nullptr;  ///< counts the parts, and is set back to none; null: one part a
                                 ///< side that is there
  UpdateBound<T> upper;          ///< of the positive side
  UpdateBound<T> lower;          ///< of the negative side
};

namespace ops {

/// Accumulates a part: 8 B an element for the first, 12 B for later ones. `part` and `accumulated`
/// may not overlap. Does not synchronise. Throws `Error(invalid_argument)` for a negative size,
/// null pointers, and a side or reduction that does not exist.
CUSYNAPSE_EXPORT void accumulate_part(const Stream& stream, const AccumulatePart<float>& arguments);
CUSYNAPSE_EXPORT void accumulate_part(const Stream& stream,
                                      const AccumulatePart<double>& arguments);

/// Applies an update: reads the parameter and both sides and writes the parameter, 16 B an element.
/// The same bits on every backend, each operation rounded on its own, except under the power rules:
/// their power function is the system's or CUDA's, taken in double and then rounded, so that in
/// double the last two bits may differ, and in float hardly ever the last. Does not synchronise.
/// Throws `Error(invalid_argument)` for a negative size, null pointers, limits or exponents that
/// are not finite, a range that is not finite and above 0, and an upper limit that is not above the
/// lower one. Source: Inferno's Accumulator and its parameter dependence functions.
CUSYNAPSE_EXPORT void parameter_update(const Stream& stream,
                                       const ParameterUpdate<float>& arguments);
CUSYNAPSE_EXPORT void parameter_update(const Stream& stream,
                                       const ParameterUpdate<double>& arguments);

}  // namespace ops
}  // namespace cusynapse
