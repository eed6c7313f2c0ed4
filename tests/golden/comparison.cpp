#include "golden/comparison.hpp"

#include <cmath>
#include <sstream>

namespace cusynapse::golden {

namespace {

bool close(double got, double expected, Tolerance tolerance) {
  if (got == expected || (std::isnan(got) && std::isnan(expected))) return true;
  // An infinite allowance would let anything pass for infinity.
  if (!std::isfinite(got) || !std::isfinite(expected)) return false;
  return std::abs(got - expected) <= tolerance.relative * std::abs(expected) + tolerance.absolute;
}

std::string subscript(std::size_t index, const std::vector<std::int64_t>& extents) {
  std::string text;
  auto rest = static_cast<std::int64_t>(index);
  for (auto extent = extents.rbegin(); extent != extents.rend(); ++extent) {
    text = std::to_string(rest % *extent) + (text.empty() ? "" : ",") + text;
    rest /= *extent;
  }
  return "[" + text + "]";
}

template <class T>
std::vector<double> as_double(const std::vector<T>& values) {
  std::vector<double> result;
  result.reserve(values.size());
  for (const T value : values) result.push_back(static_cast<double>(value));
  return result;
}

}  // namespace

template <class T>
bool Comparison::array(const std::string& name, const std::vector<T>& got, const Array& recorded,
                       Tolerance tolerance, const std::vector<bool>& ignored) {
  return values(name, as_double(got), as_double(recorded.values<T>()), recorded.extents, tolerance,
                ignored);
}

template bool Comparison::array(const std::string&, const std::vector<float>&, const Array&,
                                Tolerance, const std::vector<bool>&);
template bool Comparison::array(const std::string&, const std::vector<std::uint8_t>&, const Array&,
                                Tolerance, const std::vector<bool>&);
template bool Comparison::array(const std::string&, const std::vector<std::int64_t>&, const Array&,
                                Tolerance, const std::vector<bool>&);

template <class T>
bool Comparison::equal(const std::string& name, const std::vector<T>& got,
                       const std::vector<T>& expected) {
  return values(name, as_double(got), as_double(expected),
                {static_cast<std::int64_t>(expected.size())}, bit_for_bit, {});
}

template bool Comparison::equal(const std::string&, const std::vector<float>&,
                                const std::vector<float>&);
template bool Comparison::equal(const std::string&, const std::vector<std::uint8_t>&,
                                const std::vector<std::uint8_t>&);

bool Comparison::number(const std::string& name, double got, double expected) {
  return values(name, {got}, {expected}, {}, bit_for_bit, {});
}

bool Comparison::expect(bool as_recorded, const std::string& description) {
  ++comparisons_;
  if (!as_recorded) mismatch(description);
  return as_recorded;
}

void Comparison::mismatch(const std::string& description) {
  ++mismatches_;
  if (messages_.size() < max_messages) {
    messages_.push_back(suite_ + ": " + place_ + ": " + description);
  }
}

std::string Comparison::summary() const {
  return suite_ + ": " + std::to_string(comparisons_) + " comparisons, " +
         std::to_string(mismatches_) + " mismatches";
}

bool Comparison::values(const std::string& name, const std::vector<double>& got,
                        const std::vector<double>& expected,
                        const std::vector<std::int64_t>& extents, Tolerance tolerance,
                        const std::vector<bool>& ignored) {
  ++comparisons_;
  if (got.size() != expected.size()) {
    mismatch(name + " has " + std::to_string(got.size()) + " elements, expected " +
             std::to_string(expected.size()));
    return false;
  }
  std::size_t wrong = 0;
  std::size_t first = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (!ignored.empty() && ignored[i]) continue;
    if (close(got[i], expected[i], tolerance)) continue;
    if (wrong == 0) first = i;
    ++wrong;
  }
  if (wrong == 0) return true;
  std::ostringstream text;
  text.precision(9);
  text << name << subscript(first, extents) << " is " << got[first] << ", expected "
       << expected[first] << " (" << wrong << " of " << expected.size() << " elements differ)";
  mismatch(text.str());
  return false;
}

}  // namespace cusynapse::golden
