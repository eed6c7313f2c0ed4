// Recorded inputs on a device, stored in any of the ways a step takes them.
#pragma once

#include <cstdint>

#include "cusynapse/buffer.hpp"
#include "cusynapse/shape.hpp"
#include "cusynapse/stream.hpp"
#include "cusynapse/view.hpp"
#include "golden/golden_set.hpp"

namespace cusynapse::golden {

/// How the frames of a run are fed.
enum class Stepping { one_by_one, sequence };

/// The recorded input [steps, batch_size, shape...] of a run, as values, bytes or packed bits.
class Feed {
 public:
  /// `kind` is what binary inputs are stored as; weighted ones can only be values. Throws
  /// std::runtime_error for an input without frames.
  Feed(const Stream& stream, const Array& recorded, InputKind kind);

  SpikeInput<float> frame(std::int64_t t) const;
  SpikeInput<float> all() const;

 private:
  SpikeInput<float> input(std::int64_t first, const Shape& shape) const;

  InputKind kind_;
  Shape shape_;
  std::int64_t frame_size_;
  Buffer<float> values_;
  Buffer<std::uint8_t> bytes_;
};

}  // namespace cusynapse::golden
