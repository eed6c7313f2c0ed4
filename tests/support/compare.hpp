// Comparison of arrays that says where and by how much they differ.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <iomanip>
#include <limits>
#include <sstream>
#include <type_traits>
#include <vector>

namespace support {

/// How far values may lie apart: relative * |expected| + absolute, and `by_element` on top of that
/// where given. NaN agrees with NaN alone, an infinity with the same infinity alone.
template <class T>
struct Tolerance {
  double relative = 0.0;
  double absolute = 0.0;
  std::vector<T> by_element = {};
};

template <class T>
bool agree(T actual, T expected, double margin) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(actual) || std::isnan(expected)) {
      return std::isnan(actual) && std::isnan(expected);
    }
    if (std::isinf(actual) || std::isinf(expected)) return actual == expected;
  }
  if (actual == expected) return true;
  return std::fabs(static_cast<double>(actual) - static_cast<double>(expected)) <= margin;
}

/// Whether two arrays agree element by element: exactly, or within a tolerance. A failure names the
/// first wrong index, both values there, and how many elements are wrong.
template <class T>
testing::AssertionResult matches(const std::vector<T>& actual, const std::vector<T>& expected,
                                 const Tolerance<T>& tolerance = {}) {
  if (actual.size() != expected.size()) {
    return testing::AssertionFailure()
           << "got " << actual.size() << " elements, expected " << expected.size();
  }
  std::size_t wrong = 0;
  std::size_t first = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    double margin =
        tolerance.absolute + tolerance.relative * std::fabs(static_cast<double>(expected[i]));
    if (!tolerance.by_element.empty()) margin += static_cast<double>(tolerance.by_element[i]);
    if (agree(actual[i], expected[i], margin)) continue;
    if (wrong == 0) first = i;
    ++wrong;
  }
  if (wrong == 0) return testing::AssertionSuccess();
  const auto got = static_cast<double>(actual[first]);
  const auto wanted = static_cast<double>(expected[first]);
  std::ostringstream text;
  text << std::setprecision(std::numeric_limits<double>::max_digits10) << "index " << first
       << " of " << actual.size() << ": got " << got << ", expected " << wanted << " (difference "
       << got - wanted << "); " << wrong << " wrong in all";
  return testing::AssertionFailure() << text.str();
}

/// Relative error allowed where an exponential function of another library is involved: 5e-7 in
/// float, the same number of units in the last place in double.
template <class T>
constexpr double exponential_relative() {
  return 5e-7 * (static_cast<double>(std::numeric_limits<T>::epsilon()) /
                 static_cast<double>(std::numeric_limits<float>::epsilon()));
}

/// The share of the parts' size a difference of two exponentials may be wrong by: 3e-7 in float.
template <class T>
constexpr double difference_relative() {
  return 0.6 * exponential_relative<T>();
}

}  // namespace support
