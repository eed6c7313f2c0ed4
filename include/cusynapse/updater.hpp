// Level 3: updates of parameters, accumulated, reduced, bounded and applied.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <vector>

#include "cusynapse/buffer.hpp"
#include "cusynapse/connection.hpp"
#include "cusynapse/state.hpp"
#include "cusynapse/update_ops.hpp"

namespace cusynapse {

/// Bounds of both sides of an update.
struct UpdateBounds {
  UpdateBound<double> upper;  ///< of the positive side
  UpdateBound<double> lower;  ///< of the negative side
};

/// The same rule on both sides, with range = maximum - minimum.
CUSYNAPSE_EXPORT UpdateBounds full_bounds(BoundRule rule, double minimum, double maximum,
                                          double upper_power = 1.0, double lower_power = 1.0);

/// A reduction of the caller's: writes what the parts of a side, at least one, come to into `out`,
/// in stream order. All are of the parameter's shape and on the stream's device, and none overlap.
/// It may not call the accumulator it reduces for, nor its updater.
template <class T>
using UpdateReducer =
    std::function<void(const Stream& stream, const std::vector<View<const T>>& parts, View<T> out)>;

/// Updates of one parameter: any number of positive and negative parts, then
///
///     parameter + (upper bound(reduced positive parts) - lower bound(reduced negative parts))
///
/// with bounds evaluated on the parameter before the update. Without parts a side is 0, and without
/// any the parameter stays as it is. Starts with the sum as reduction and without bounds.
///
/// Calls are enqueued on the stream and return without synchronising, allocate nothing and may be
/// captured in a CUDA graph, unless their comment says otherwise. How many parts there are is known
/// on the device: graphs that add, or update, may be replayed in any order and mixed with eager
/// calls. Errors: `shape_mismatch`, `wrong_device`, `invalid_argument`; after an error the
/// accumulator is as it was. One stream at a time.
template <class T>
class CUSYNAPSE_EXPORT Accumulator {
 public:
  /// Memory for two arrays of the shape. Throws `Error(invalid_argument)` for extents below 1 and
  /// more than 6 of them; `Error(out_of_memory)`.
  Accumulator(const Stream& stream, const Shape& shape);
  ~Accumulator();
  /// Moves take over what was accumulated; assignment swaps. One that was moved from can only be
  /// assigned to.
  Accumulator(Accumulator&& other) noexcept;
  Accumulator& operator=(Accumulator&& other) noexcept;
  Accumulator(const Accumulator&) = delete;
  Accumulator& operator=(const Accumulator&) = delete;

  /// Of the parameter, where memory is, and the bounds in force.
  const Shape& shape() const noexcept { return shape_; }
  Device device() const noexcept { return accumulated_[0].device(); }
  const UpdateBounds& bounds() const noexcept { return bounds_; }

  /// How parts become one. Clears what was accumulated.
  void set_reduction(const Stream& stream, UpdateReduction reduction);
  /// The same with a function of the caller's. Parts are then kept as copies until the update:
  /// adding allocates when there are more of them than ever before, and how many there are is known
  /// on the host, so that a graph must hold both the update and all it applies. What the function
  /// throws passes through `update`, which then changes nothing.
  void set_reduction(const Stream& stream, UpdateReducer<T> reducer);
  /// Bounds from the next update on. Throws `Error(invalid_argument)`, judged in T, for a rule that
  /// does not exist, limits and exponents that are not finite, a range that is not finite and above
  /// 0, and an upper limit that is not above the lower one. What a rule does not use is not judged.
  void set_bounds(const UpdateBounds& bounds);

  /// Takes a part of the accumulator's shape into one side. The part may be overwritten after it,
  /// in stream order.
  void add_positive(const Stream& stream, View<const T> part);
  void add_negative(const Stream& stream, View<const T> part);
  /// Applies what was accumulated to a parameter of the accumulator's shape, then clears.
  void update(const Stream& stream, View<T> parameter);
  /// Forgets all parts. Memory is kept.
  void clear(const Stream& stream);

  /// What was accumulated, the reduction and the bounds. Allocates and synchronises. Throws
  /// `Error(not_supported)` with a reduction of the caller's.
  std::vector<std::uint8_t> save(const Stream& stream) const;
  /// Becomes what was saved, of the same shape. Throws `Error(invalid_state)` for bytes that are no
  /// state of such an accumulator, `Error(shape_mismatch)`, `Error(not_supported)` with a reduction
  /// of the caller's. Allocates and synchronises; strong guarantee.
  void load(const Stream& stream, StateBytes bytes);

 private:
  template <class>
  friend class Updater;

  // Copies of parts, for a reduction of the caller's: the first `views.size()` buffers are in use.
  struct Parts {
    std::vector<Buffer<T>> buffers;
    std::vector<View<const T>> views;
  };

  void check_reduction_is_saved(const char* function) const;
  // What a state holds for this accumulator, and that it holds nothing else.
  Accumulator restored(const Stream& stream, StateReader& state) const;
  void add(const char* function, UpdateSide side, const Stream& stream, View<const T> part);
  // An update in two halves: what may still fail for reasons of the caller's, and the rest.
  void reduce(const Stream& stream);
  void apply(const Stream& stream, T* parameter);

  Shape shape_;
  UpdateReduction reduction_ = UpdateReduction::sum;
  UpdateReducer<T> reducer_;
  UpdateBounds bounds_;
  std::array<Buffer<T>, 2> accumulated_;  // by side, as all pairs here
  Buffer<UpdateState> state_;
  std::array<Parts, 2> parts_;
};

/// Updates of a connection's parameters: an accumulator for each of them.
///
///     Updater<float> updater(stream, connection, {Parameter::weight});
///     updater[Parameter::weight].set_bounds(full_bounds(BoundRule::multiplicative, 0.0, 1.0));
///     updater[Parameter::weight].add_positive(stream, potentiation);
///     updater.update(stream);
///
/// Calls follow the rules of `Accumulator`. The connection must outlive its updaters, of which it
/// may have several.
template <class T>
class CUSYNAPSE_EXPORT Updater {
 public:
  /// For every parameter the connection has. Throws `Error(wrong_device)`, `Error(out_of_memory)`.
  Updater(const Stream& stream, Connection<T>& connection);
  /// For these parameters alone, which spares the others' memory, twice their size, and kernels.
  /// Throws `Error(not_supported)` for one that the connection does not have.
  Updater(const Stream& stream, Connection<T>& connection,
          std::initializer_list<Parameter> parameters);
  ~Updater();
  /// Moves take over what was accumulated, for the same connection. One that was moved from can
  /// only be assigned to.
  Updater(Updater&& other) noexcept;
  Updater& operator=(Updater&& other) noexcept;
  Updater(const Updater&) = delete;
  Updater& operator=(const Updater&) = delete;

  /// Whose parameters are updated.
  Connection<T>& connection() const noexcept { return *connection_; }
  /// Whether there is an accumulator for a parameter.
  bool has(Parameter parameter) const noexcept;
  /// The accumulator of a parameter. Throws `Error(not_supported)` where there is none.
  Accumulator<T>& operator[](Parameter parameter);
  const Accumulator<T>& operator[](Parameter parameter) const;

  /// Applies everything accumulated, to all parameters or to one, then clears it. One kernel a
  /// parameter, and the connection's plan is renewed with them: sums that follow, those of graphs
  /// captured before included, are over the new parameters, and the diagonal of a lateral
  /// connection is 0. Delays are not brought into range: `Connection::clamp_delays` does so. Throws
  /// as `Connection::prepare`, and what a reduction of the caller's throws, with nothing changed.
  void update(const Stream& stream);
  void update(const Stream& stream, Parameter parameter);
  /// Forgets everything accumulated.
  void clear(const Stream& stream);

  /// As `Accumulator`, of all accumulators together; those of a state must be of the parameters the
  /// updater was made for. The connection is saved on its own.
  std::vector<std::uint8_t> save(const Stream& stream) const;
  void load(const Stream& stream, StateBytes bytes);

 private:
  void apply(const Stream& stream, std::initializer_list<Parameter> parameters);

  Connection<T>* connection_;
  std::array<std::optional<Accumulator<T>>, 3> accumulators_;  // by parameter
};

extern template class Accumulator<float>;
extern template class Accumulator<double>;
extern template class Updater<float>;
extern template class Updater<double>;

}  // namespace cusynapse
