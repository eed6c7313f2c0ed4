#include "golden/feed.hpp"

#include <vector>

#include "golden/replay.hpp"
#include "support/device_array.hpp"

namespace cusynapse::golden {

Feed::Feed(const Stream& stream, const Array& recorded, InputKind kind)
    : kind_(recorded.type == ElementType::u8 ? kind : InputKind::values),
      shape_(to_shape(recorded.extents)),
      frame_size_(shape_.without_leading(1).size()) {
  if (shape_[0] < 1) refuse(recorded.place, recorded.name + " has no frames");
  if (kind_ == InputKind::values) {
    values_ = to_device(stream, recorded.as_float());
    return;
  }
  const std::vector<std::uint8_t> flags = recorded.values<std::uint8_t>();
  bytes_ =
      to_device(stream, kind_ == InputKind::bytes ? flags : support::pack_bits(flags, shape_[0]));
}

SpikeInput<float> Feed::frame(std::int64_t t) const { return input(t, shape_.without_leading(1)); }

SpikeInput<float> Feed::all() const { return input(0, shape_); }

SpikeInput<float> Feed::input(std::int64_t first, const Shape& shape) const {
  switch (kind_) {
    case InputKind::values:
      return View<const float>(values_.data() + first * frame_size_, shape);
    case InputKind::bytes:
      return View<const std::uint8_t>(bytes_.data() + first * frame_size_, shape);
    case InputKind::bits:
      break;
  }
  return PackedSpikes(bytes_.data() + first * ((frame_size_ + 7) / 8), shape);
}

}  // namespace cusynapse::golden
