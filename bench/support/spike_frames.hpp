// Random input of a population, in device memory, in each of the forms a synapse takes.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "cusynapse/buffer.hpp"
#include "cusynapse/view.hpp"
#include "support/random.hpp"

namespace cusynapse::bench {

inline constexpr std::array<InputKind, 3> input_kinds = {InputKind::values, InputKind::bytes,
                                                         InputKind::bits};

inline const char* name_of(InputKind kind) {
  constexpr const char* names[] = {"values", "bytes", "bits"};
  return names[static_cast<int>(kind)];
}

/// Bytes an input takes per synapse.
template <class T>
double input_bytes(InputKind kind) {
  constexpr double bytes[] = {sizeof(T), 1.0, 1.0 / 8.0};
  return bytes[static_cast<int>(kind)];
}

template <class T>
class SpikeFrames {
 public:
  /// `count` frames of a shape.
  SpikeFrames(const Stream& stream, InputKind kind, const Shape& shape, std::int64_t count)
      : kind_(kind), shape_(shape), count_(count) {
    const std::int64_t frame = shape.size();
    const std::vector<std::uint8_t> spikes = random_spikes(frame * count);
    switch (kind) {
      case InputKind::values: {
        const std::vector<T> values(spikes.begin(), spikes.end());
        values_ = Buffer<T>(stream, values.data(), frame * count);
        break;
      }
      case InputKind::bytes:
        bytes_ = Buffer<std::uint8_t>(stream, spikes.data(), frame * count);
        break;
      case InputKind::bits: {
        std::vector<std::uint8_t> packed(static_cast<std::size_t>(packed_bytes() * count));
        for (std::int64_t f = 0; f < count; ++f) {
          for (std::int64_t e = 0; e < frame; ++e) {
            const int bit = spikes[static_cast<std::size_t>(f * frame + e)] << (e % 8);
            std::uint8_t& byte = packed[static_cast<std::size_t>(f * packed_bytes() + e / 8)];
            byte = static_cast<std::uint8_t>(byte | bit);
          }
        }
        bytes_ = Buffer<std::uint8_t>(stream, packed.data(), packed_bytes() * count);
        break;
      }
    }
  }

  /// Frame `index`, modulo their count.
  SpikeInput<T> frame(std::int64_t index) const { return from(index % count_, shape_); }
  /// All frames, as the input of a sequence of steps.
  SpikeInput<T> sequence() const { return from(0, shape_.prepended(count_)); }

  /// Bytes of all frames.
  std::int64_t bytes() const {
    return values_.size() * static_cast<std::int64_t>(sizeof(T)) + bytes_.size();
  }

 private:
  std::int64_t packed_bytes() const { return (shape_.size() + 7) / 8; }

  SpikeInput<T> from(std::int64_t index, const Shape& shape) const {
    const std::int64_t frame = shape_.size();
    switch (kind_) {
      case InputKind::values:
        return View<const T>(values_.data() + index * frame, shape);
      case InputKind::bytes:
        return View<const std::uint8_t>(bytes_.data() + index * frame, shape);
      case InputKind::bits:
        break;
    }
    return PackedSpikes(bytes_.data() + index * packed_bytes(), shape);
  }

  InputKind kind_;
  Shape shape_;
  std::int64_t count_;
  Buffer<T> values_;
  Buffer<std::uint8_t> bytes_;
};

}  // namespace cusynapse::bench
