// Reader of golden sets: recorded cases of a suite. The format is described in data/FORMAT.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cusynapse::golden {

/// Where something was written, as "path/index.txt:12", for messages.
struct Place {
  std::string file;
  int line = 0;
};
std::string to_string(const Place& place);

/// Throws the std::runtime_error of everything that is wrong with a set.
[[noreturn]] void refuse(const Place& place, const std::string& message);

/// Named values of a case or an operation, kept as text until asked for. Every getter throws
/// std::runtime_error naming file and line when the value is missing or does not read as its type.
class Fields {
 public:
  explicit Fields(Place place = {}) : place_(std::move(place)) {}

  /// Refuses a key that is already there.
  void add(const Place& place, const std::string& key, const std::string& value);

  bool has(const std::string& key) const { return values_.count(key) != 0; }
  const std::map<std::string, std::string>& all() const noexcept { return values_; }
  const std::string& text(const std::string& key) const;
  double number(const std::string& key) const;
  std::int64_t integer(const std::string& key) const;
  bool flag(const std::string& key) const;
  /// Empty where the value is `none`.
  std::optional<double> optional_number(const std::string& key) const;
  std::optional<bool> optional_flag(const std::string& key) const;
  /// A tuple of integers; `-` is the empty one.
  std::vector<std::int64_t> integers(const std::string& key) const;
  /// Throws std::runtime_error for a key that is not listed: a replay that does not know it would
  /// pass over what it says.
  void expect_only(std::initializer_list<std::string_view> keys) const;

 private:
  Place place_;
  std::map<std::string, std::string> values_;
};

enum class ElementType { f32, f64, u8, i64 };

/// An array of a case; its bytes belong to the suite.
struct Array {
  Place place;
  std::string name;
  ElementType type = ElementType::f32;
  std::vector<std::int64_t> extents;
  std::span<const std::byte> bytes;

  std::int64_t size() const;
  /// The elements as they are stored, T float, double, std::uint8_t or std::int64_t. Throws
  /// std::runtime_error for an array of another type.
  template <class T>
  std::vector<T> values() const;
  /// The elements as float, whatever they are stored as: 0/1 spike tensors were fed as float.
  std::vector<float> as_float() const;
};

/// What asking for an output did: raised an exception of that name, or (suite errors) nothing.
struct Outcome {
  Place place;
  std::string name;
  std::optional<std::string> exception;
};

/// One step of a case: its arguments, input arrays and what was recorded.
struct Operation {
  Place place;
  std::string kind;
  Fields fields;
  std::vector<Array> inputs;
  std::vector<Array> outputs;
  std::vector<Outcome> outcomes;

  /// Null when there is none of that name.
  const Array* find_input(std::string_view name) const;
  const Array* find_output(std::string_view name) const;
  /// Throws std::runtime_error when there is none of that name.
  const Array& input(std::string_view name) const;
  const Array& output(std::string_view name) const;
  /// Throws std::runtime_error for a key, input, output or outcome whose name is not listed.
  void expect_only(std::initializer_list<std::string_view> keys,
                   std::initializer_list<std::string_view> input_names,
                   std::initializer_list<std::string_view> output_names) const;
};

/// Operations to be replayed in order on one object.
struct Case {
  Place place;
  std::int64_t id = 0;
  std::string name;
  Fields parameters;
  std::vector<Operation> operations;
};

/// The cases of one folder. Move-only: arrays point into its bytes.
class Suite {
 public:
  /// Reads `folder`/index.txt and `folder`/data.bin. Throws std::runtime_error, naming file and
  /// line, for a missing file, an index that departs from the grammar, an array outside the data,
  /// off an 8-byte boundary, of unknown type or whose dimensions do not multiply to its count, and
  /// for an index of a suite not called `name`.
  Suite(const std::filesystem::path& folder, const std::string& name);
  Suite(Suite&&) = default;
  Suite& operator=(Suite&&) = default;

  const std::string& name() const noexcept { return name_; }
  const std::vector<Case>& cases() const noexcept { return cases_; }

 private:
  std::string name_;
  std::vector<std::byte> data_;
  std::vector<Case> cases_;
};

}  // namespace cusynapse::golden
