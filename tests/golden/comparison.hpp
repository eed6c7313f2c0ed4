// Counting comparison of computed with recorded values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "golden/golden_set.hpp"

namespace cusynapse::golden {

/// How far a value may be from the recorded one: relative * |recorded| + absolute. Both 0: equal, a
/// NaN being equal to a NaN and 0 to -0.
struct Tolerance {
  double relative = 0.0;
  double absolute = 0.0;
};

inline constexpr Tolerance bit_for_bit{};
/// Of values an exponential function took part in, which differs between libraries.
inline constexpr Tolerance exponential{5e-7, 0.0};

/// Counts comparisons and mismatches of a suite and describes the first of them. One array is one
/// comparison.
class Comparison {
 public:
  static constexpr std::size_t max_messages = 20;

  explicit Comparison(std::string suite) : suite_(std::move(suite)) {}

  /// Where the following comparisons are made, as their descriptions say.
  void set_place(const std::string& place) { place_ = place; }

  /// Whether `got` has the size and the values of what was recorded. Where `ignored` is true,
  /// elements are not looked at; it is empty or as long as the array.
  template <class T>
  bool array(const std::string& name, const std::vector<T>& got, const Array& recorded,
             Tolerance tolerance = bit_for_bit, const std::vector<bool>& ignored = {});
  /// The same between two computed arrays, element by element.
  template <class T>
  bool equal(const std::string& name, const std::vector<T>& got, const std::vector<T>& expected);
  bool number(const std::string& name, double got, double expected);
  /// Whether something happened as it should have.
  bool expect(bool as_recorded, const std::string& description);
  /// What could not be compared at all, such as an operation nothing is known about.
  void mismatch(const std::string& description);

  std::int64_t comparisons() const noexcept { return comparisons_; }
  std::int64_t mismatches() const noexcept { return mismatches_; }
  /// The first mismatches, each with place, index and both values.
  const std::vector<std::string>& messages() const noexcept { return messages_; }
  /// "<suite>: N comparisons, M mismatches".
  std::string summary() const;

 private:
  bool values(const std::string& name, const std::vector<double>& got,
              const std::vector<double>& expected, const std::vector<std::int64_t>& extents,
              Tolerance tolerance, const std::vector<bool>& ignored);

  std::string suite_;
  std::string place_;
  std::int64_t comparisons_ = 0;
  std::int64_t mismatches_ = 0;
  std::vector<std::string> messages_;
};

}  // namespace cusynapse::golden
