#include "cusynapse/shape.hpp"

#include <algorithm>

#include "host/check.hpp"

namespace cusynapse {

Shape::Shape(std::initializer_list<std::int64_t> extents)
    : Shape(extents.begin(), static_cast<int>(extents.size())) {}

Shape::Shape(const std::int64_t* extents, int rank) {
  if (rank < 0 || rank > max_rank) {
    host::refuse("Shape", "rank", std::to_string(rank), "0 to " + std::to_string(max_rank));
  }
  std::copy_n(extents, rank, extents_);
  rank_ = rank;
}

std::int64_t Shape::size() const noexcept {
  std::int64_t size = 1;
  for (const std::int64_t extent : *this) size *= extent;
  return size;
}

Shape Shape::prepended(std::int64_t extent) const {
  std::int64_t extents[max_rank + 1] = {extent};
  std::copy_n(extents_, rank_, extents + 1);
  return Shape(extents, rank_ + 1);
}

Shape Shape::appended(std::int64_t extent) const {
  std::int64_t extents[max_rank + 1] = {};
  std::copy_n(extents_, rank_, extents);
  extents[rank_] = extent;
  return Shape(extents, rank_ + 1);
}

Shape Shape::without_leading(int first) const {
  if (first < 0 || first > rank_) {
    host::refuse("Shape::without_leading", "first", std::to_string(first),
                 "0 to the rank, " + std::to_string(rank_));
  }
  return Shape(extents_ + first, rank_ - first);
}

std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (int i = 0; i < shape.rank(); ++i) {
    text += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  }
  return text + "]";
}

}  // namespace cusynapse
