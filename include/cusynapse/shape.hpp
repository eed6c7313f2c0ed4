// Extents of an array, held inline: making or copying one allocates nothing.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

#include "cusynapse/export.hpp"

namespace cusynapse {

/// Extents of an array of up to `max_rank` dimensions, outermost first.
/// An empty shape is a scalar: rank 0, one element.
class CUSYNAPSE_EXPORT Shape {
 public:
  static constexpr int max_rank = 8;  ///< dimensions there is room for

  constexpr Shape() noexcept = default;
  /// Extents in order. Throws `Error(invalid_argument)` above `max_rank`; extents are not judged
  /// here, the objects that own memory refuse those below one.
  Shape(std::initializer_list<std::int64_t> extents);
  /// `rank` extents read from `extents`.
  Shape(const std::int64_t* extents, int rank);

  /// Dimensions, and the extent of one of them, 0 the outermost; not checked.
  int rank() const noexcept { return rank_; }
  std::int64_t operator[](int dimension) const noexcept { return extents_[dimension]; }
  /// Product of the extents; 1 for a scalar.
  std::int64_t size() const noexcept;
  /// The extents, outermost first.
  const std::int64_t* begin() const noexcept { return extents_; }
  const std::int64_t* end() const noexcept { return extents_ + rank_; }

  /// This shape behind one more outer extent, as a batch puts before a synapse shape. Throws
  /// `Error(invalid_argument)` at `max_rank`.
  Shape prepended(std::int64_t extent) const;
  /// This shape with one more inner extent, as a selector's D. Throws likewise.
  Shape appended(std::int64_t extent) const;
  /// Dimensions `first` and later. Throws `Error(invalid_argument)` below 0 and above the rank.
  Shape without_leading(int first) const;

  /// Of the same rank and extents.
  friend bool operator==(const Shape& a, const Shape& b) noexcept {
    if (a.rank_ != b.rank_) return false;
    for (int i = 0; i < a.rank_; ++i) {
      if (a.extents_[i] != b.extents_[i]) return false;
    }
    return true;
  }
  /// Of another rank or with another extent.
  friend bool operator!=(const Shape& a, const Shape& b) noexcept { return !(a == b); }

 private:
  std::int64_t extents_[max_rank] = {};
  int rank_ = 0;
};

/// A shape as "[32, 1024]", for messages.
CUSYNAPSE_EXPORT std::string to_string(const Shape& shape);

}  // namespace cusynapse
