// Level 3: a circular history of observations.
#pragma once

#include <cstdint>
#include <vector>

#include "cusynapse/buffer.hpp"
#include "cusynapse/ops.hpp"
#include "cusynapse/shape.hpp"
#include "cusynapse/state.hpp"
#include "cusynapse/stream.hpp"
#include "cusynapse/view.hpp"

namespace cusynapse {

/// What a history is made from.
struct HistoryOptions {
  Shape shape;                  ///< of one sample of an observation
  std::int64_t batch_size = 1;  ///< samples an observation; it is shaped [batch_size, shape...]
  double step_time = 1.0;       ///< time between observations, ms
  double duration = 0.0;        ///< how far back it must reach, ms
  bool inclusive = false;       ///< whether the time `duration` itself is reached
};

/// How `History::select` reads.
struct SelectOptions {
  Interpolation interpolation = Interpolation::previous;  ///< between two observations
  double constant = 0.0;    ///< tau (ms) or lambda (1/ms) of the exponential interpolations
  double tolerance = 0.0;   ///< times this near to an observation (ms) count as its time
  std::int64_t offset = 1;  ///< steps back from the head at time 0; 1 is the newest observation
};

/// How `History::insert` writes.
struct InsertOptions {
  Extrapolation extrapolation = Extrapolation::previous;  ///< onto the two observations around
  double constant = 0.0;      ///< tau (ms) or lambda (1/ms) of the exponential extrapolations
  double adjust_scale = 1.0;  ///< the linear extrapolations keep scale * observation + shift
  double adjust_shift = 0.0;  ///< the shift
  double tolerance = 0.0;     ///< times this near to an observation (ms) count as its time
  std::int64_t offset = 0;  ///< steps back from the head at time 0; 0 is the slot of the next push
};

/// A circular buffer of `slots()` observations [batch_size, shape...] in device memory, T float,
/// double, float16 or bfloat16 (stored in 16 bits, exchanged as float, times in float), or bool
/// (stored at one bit each, exchanged as bytes 0 or 1, times in float). Starts as zeros. The head
/// is the slot the next push writes; k steps back from it, 1 is the newest observation and slots()
/// (or 0) the oldest; steps wrap around.
///
/// In 16 bits a value x is rounded to nearest, halves to even, whenever it is stored, and lies
/// within u |x| + s of x then: u = 2^-11 and s = 2^-25 of float16, which is infinite from 65520 on,
/// and u = 2^-8 and s = 2^-134 of bfloat16. All else is computed in float from what is stored, and
/// not rounded to 16 bits when it is given out. What is moved, by a change of slots, say, is not
/// rounded again; an insert rounds each of the two observations that it writes once.
///
/// Except where a comment says otherwise, calls are enqueued on the stream and return without
/// synchronising, allocate nothing, and may be captured in a CUDA graph. Arrays are dense, on the
/// history's device, and may not overlap its storage. Errors: `shape_mismatch` for arrays of
/// another shape, `wrong_device` for a stream of another device, `invalid_argument` for values
/// outside their domain, `not_supported` for rules a boolean history has not, `out_of_memory` (or
/// std::bad_alloc) where it allocates; after an error the history is as it was. A history that was
/// moved from can only be assigned to. Behaviour: Inferno 0.0.5, RecordTensor.
///
/// One stream at a time: calls on one object are ordered by the stream they are given, from its
/// construction on, and the caller orders streams when changing from one to another. A captured
/// graph holds the storage and constants of when it was captured: capture anew after a change of
/// either.
template <class T>
class CUSYNAPSE_EXPORT History {
 public:
  using Value = typename ElementTraits<T>::Exchanged;  ///< what observations are exchanged as: T,
                                                       ///< bytes for bool, float for 16 bits
  using Time = typename ElementTraits<T>::Time;  ///< what arrays of times hold: T, float for bool
                                                 ///< and 16 bits

  /// Allocates slots = max(ceil(duration / step_time) + inclusive, 1) zeroed observations.
  /// Throws `Error(invalid_argument)` for extents or batch below 1, step_time not finite and
  /// positive, duration not finite or negative; `Error(out_of_memory)`.
  History(const Stream& stream, const HistoryOptions& options);
  /// The history of a saved state, of which the caller checks that nothing is left
  /// (`StateReader::finish`), as `load_object` does. Throws `Error(invalid_state)`,
  /// `Error(out_of_memory)`.
  History(const Stream& stream, StateReader& state);
  ~History();
  /// Moves take over storage and options; nothing is copied.
  History(History&& other) noexcept;
  History& operator=(History&& other) noexcept;

  /// What it was made from or last set to, times in ms.
  const Shape& shape() const noexcept { return options_.shape; }
  Shape batched_shape() const { return options_.shape.prepended(options_.batch_size); }
  std::int64_t batch_size() const noexcept { return options_.batch_size; }
  double step_time() const noexcept { return options_.step_time; }
  double duration() const noexcept { return options_.duration; }
  bool inclusive() const noexcept { return options_.inclusive; }
  /// Observations it holds, and where they lie.
  std::int32_t slots() const noexcept { return slots_; }
  Device device() const noexcept { return storage_.device(); }
  /// The head, read from the device. Synchronises.
  std::int32_t pointer(const Stream& stream) const;
  /// The storage, for level-2 operations and kernels of the caller's. Valid until the next change
  /// of slots or batch size, or load.
  Ring<T> ring() noexcept;

  /// Writes an observation [batch_size, shape...] at the head and moves the head on.
  void push(const Stream& stream, View<const Value> observation);
  /// Copies out the newest observation.
  void peek(const Stream& stream, View<Value> out) const;
  /// Copies out the newest observation and moves the head back onto it. The value stays in storage
  /// until a push overwrites it.
  void pop(const Stream& stream, View<Value> out);
  /// Moves the head on, or back, by n slots without writing.
  void increment(const Stream& stream, std::int64_t n = 1);
  void decrement(const Stream& stream, std::int64_t n = 1);

  /// Copies out the observation `steps_back` from the head, or overwrites it.
  void read(const Stream& stream, View<Value> out, std::int64_t steps_back = 1) const;
  void write(const Stream& stream, View<const Value> observation, std::int64_t steps_back = 0);
  /// Copies out, or overwrites, L consecutive observations [batch_size, shape..., L], old to new,
  /// L <= slots(). Not `forward`: the last is `steps_back` from the head; forward: the first is.
  void read_range(const Stream& stream, View<Value> out, std::int64_t steps_back = 1,
                  bool forward = false) const;
  void write_range(const Stream& stream, View<const Value> observations,
                   std::int64_t steps_back = 0, bool forward = false);

  /// Rotates the storage so that the oldest observation lies in slot `index`; what is read stays
  /// the same. Allocates.
  void align(const Stream& stream, std::int32_t index = 0);
  /// Sets every observation to `fill` and the head to slot 0. Allocates one element, and
  /// synchronises, unless fill is zero.
  void reset(const Stream& stream, Value fill = Value(0));

  /// Observations `times` (ms) before the newest one, into `out` of the same shape: [batch_size,
  /// shape...] or [batch_size, shape..., D]. Checks that all times are from -tolerance to
  /// step_time * (slots - 1) + tolerance, which allocates and synchronises; `select_unchecked` does
  /// neither, and wraps around for times outside.
  void select(const Stream& stream, View<const Time> times, View<Value> out,
              const SelectOptions& options = {}) const;
  void select_unchecked(const Stream& stream, View<const Time> times, View<Value> out,
                        const SelectOptions& options = {}) const;
  /// The same time (checked, without synchronising) for every element; out [batch_size, shape...].
  /// One time is located in double, times of an array in Time.
  void select(const Stream& stream, double time, View<Value> out,
              const SelectOptions& options = {}) const;

  /// Writes an observation as of `times` (ms) before the newest one, one time an element, by
  /// changing the two observations around each. Checks as `select`, `insert_unchecked` likewise.
  void insert(const Stream& stream, View<const Value> observation, View<const Time> times,
              const InsertOptions& options = {});
  void insert_unchecked(const Stream& stream, View<const Value> observation, View<const Time> times,
                        const InsertOptions& options = {});
  void insert(const Stream& stream, View<const Value> observation, double time,
              const InsertOptions& options = {});

  /// Changes what the number of slots follows from. The newest observations are kept, the oldest at
  /// slot 0 and zeros before them; times are reinterpreted, not resampled. The same number of slots
  /// moves nothing. Allocates and synchronises; strong guarantee.
  void set_step_time(const Stream& stream, double step_time);
  void set_duration(const Stream& stream, double duration);
  void set_inclusive(const Stream& stream, bool inclusive);
  /// Changes the batch size, keeping the last samples of each observation, or prepending zero ones,
  /// oldest at slot 0. The same size moves nothing. Allocates and synchronises; strong guarantee.
  void set_batch_size(const Stream& stream, std::int64_t batch_size);

  /// All the history is, its head included. Allocates and synchronises.
  std::vector<std::uint8_t> save(const Stream& stream) const;
  /// Becomes what was saved, of the same shape of one sample: batch size, step time, duration,
  /// observations and head. Throws `Error(invalid_state)` for bytes that are no state of such a
  /// history, `Error(shape_mismatch)`. Allocates and synchronises; strong guarantee.
  void load(const Stream& stream, StateBytes bytes);

 private:
  void change(const Stream& stream, const HistoryOptions& options, const char* function);
  Ring<T> storage() const noexcept;

  HistoryOptions options_;
  std::int32_t slots_ = 0;
  Buffer<typename ElementTraits<T>::Stored> storage_;
  Buffer<RingState> state_;
};

extern template class History<float>;
extern template class History<double>;
extern template class History<float16>;
extern template class History<bfloat16>;
extern template class History<bool>;

}  // namespace cusynapse
