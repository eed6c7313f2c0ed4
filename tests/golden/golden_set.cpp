#include "golden/golden_set.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <set>
#include <stdexcept>
#include <type_traits>

namespace cusynapse::golden {

static_assert(std::endian::native == std::endian::little, "the arrays of a set are little-endian");

namespace {

constexpr std::int64_t array_alignment = 8;

std::string in_quotes(std::string_view text) {
  std::string result("'");
  result.append(text).append("'");
  return result;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (;;) {
    const std::size_t end = text.find(separator, begin);
    if (end == std::string_view::npos) break;
    parts.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  parts.emplace_back(text.substr(begin));
  return parts;
}

std::int64_t parse_integer(const Place& place, const std::string& what, const std::string& text) {
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (text.empty() || result.ec != std::errc() || result.ptr != end) {
    refuse(place, what + " is " + in_quotes(text) + ", expected an integer");
  }
  return value;
}

std::int64_t parse_count(const Place& place, const std::string& what, const std::string& text) {
  const std::int64_t value = parse_integer(place, what, text);
  if (value < 0) refuse(place, what + " is " + text + ", expected 0 or more");
  return value;
}

double parse_number(const Place& place, const std::string& what, const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0') {
    refuse(place, what + " is " + in_quotes(text) + ", expected a number");
  }
  return value;
}

bool parse_flag(const Place& place, const std::string& what, const std::string& text) {
  if (text != "0" && text != "1") {
    refuse(place, what + " is " + in_quotes(text) + ", expected 0 or 1");
  }
  return text == "1";
}

std::vector<std::int64_t> parse_integers(const Place& place, const std::string& what,
                                         const std::string& text) {
  std::vector<std::int64_t> values;
  if (text == "-") return values;
  for (const std::string& part : split(text, ',')) {
    values.push_back(parse_integer(place, what, part));
  }
  return values;
}

ElementType parse_type(const Place& place, const std::string& text) {
  if (text == "f32") return ElementType::f32;
  if (text == "f64") return ElementType::f64;
  if (text == "u8") return ElementType::u8;
  if (text == "i64") return ElementType::i64;
  refuse(place, "element type is " + in_quotes(text) + ", expected f32, f64, u8 or i64");
}

std::int64_t element_size(ElementType type) {
  switch (type) {
    case ElementType::f32:
      return 4;
    case ElementType::f64:
    case ElementType::i64:
      return 8;
    case ElementType::u8:
      return 1;
  }
  return 1;
}

const char* type_name(ElementType type) {
  switch (type) {
    case ElementType::f32:
      return "f32";
    case ElementType::f64:
      return "f64";
    case ElementType::u8:
      return "u8";
    case ElementType::i64:
      return "i64";
  }
  return "?";
}

template <class T>
constexpr ElementType type_of() {
  if constexpr (std::is_same_v<T, float>) {
    return ElementType::f32;
  } else if constexpr (std::is_same_v<T, double>) {
    return ElementType::f64;
  } else if constexpr (std::is_same_v<T, std::uint8_t>) {
    return ElementType::u8;
  } else {
    static_assert(std::is_same_v<T, std::int64_t>);
    return ElementType::i64;
  }
}

std::vector<std::byte> read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path.string() + ": cannot be opened");
  const std::vector<char> characters{std::istreambuf_iterator<char>(file),
                                     std::istreambuf_iterator<char>()};
  std::vector<std::byte> bytes(characters.size());
  if (!bytes.empty()) std::memcpy(bytes.data(), characters.data(), bytes.size());
  return bytes;
}

std::int64_t product(const Place& place, const std::vector<std::int64_t>& extents) {
  std::int64_t size = 1;
  for (const std::int64_t extent : extents) {
    if (extent < 0) refuse(place, "dimension is " + std::to_string(extent));
    if (extent != 0 && size > std::numeric_limits<std::int64_t>::max() / extent) {
      refuse(place, "dimensions are too large");
    }
    size *= extent;
  }
  return size;
}

// Takes an index one line at a time: where it stands decides which lines may follow.
class IndexParser {
 public:
  IndexParser(std::string name, std::span<const std::byte> data)
      : name_(std::move(name)), data_(data) {}

  void take(const Place& place, const std::string& line) {
    const std::vector<std::string> words = split(line, ' ');
    for (const std::string& word : words) {
      if (word.empty()) refuse(place, "fields are not split by single spaces: " + in_quotes(line));
    }
    const std::string& keyword = words.front();
    if (keyword == "suite") {
      take_suite(place, words);
    } else if (!named_) {
      refuse(place, "the index starts with " + in_quotes(keyword) + ", expected 'suite'");
    } else if (keyword == "case") {
      take_case(place, words);
    } else if (keyword == "p" || keyword == "op" || keyword == "end") {
      if (!inside_case_) refuse(place, in_quotes(keyword) + " outside a case");
      take_case_line(place, words);
    } else if (keyword == "a" || keyword == "e" || keyword == "ok") {
      if (!inside_case_ || cases_.back().operations.empty()) {
        refuse(place, in_quotes(keyword) + " outside an operation");
      }
      take_operation_line(place, words);
    } else {
      refuse(place, "unknown keyword " + in_quotes(keyword));
    }
  }

  std::vector<Case> finish(const Place& place) {
    if (!named_) refuse(place, "the index is empty");
    if (inside_case_) refuse(place, "the index stops before the 'end' of a case");
    return std::move(cases_);
  }

 private:
  static void expect_words(const Place& place, const std::vector<std::string>& words,
                           std::size_t count) {
    if (words.size() != count) {
      refuse(place, in_quotes(words.front()) + " has " + std::to_string(words.size() - 1) +
                        " fields, expected " + std::to_string(count - 1));
    }
  }

  void take_suite(const Place& place, const std::vector<std::string>& words) {
    expect_words(place, words, 2);
    if (named_) refuse(place, "second 'suite'");
    if (words[1] != name_) {
      refuse(place, "suite is " + in_quotes(words[1]) + ", expected " + in_quotes(name_));
    }
    named_ = true;
  }

  void take_case(const Place& place, const std::vector<std::string>& words) {
    expect_words(place, words, 3);
    if (inside_case_) refuse(place, "'case' before the 'end' of the one before");
    Case added;
    added.place = place;
    added.id = parse_count(place, "case", words[1]);
    added.name = words[2];
    added.parameters = Fields(place);
    if (!ids_.insert(added.id).second) refuse(place, "second case " + words[1]);
    cases_.push_back(std::move(added));
    inside_case_ = true;
  }

  void take_case_line(const Place& place, const std::vector<std::string>& words) {
    Case& current = cases_.back();
    if (words.front() == "end") {
      expect_words(place, words, 1);
      inside_case_ = false;
    } else if (words.front() == "p") {
      expect_words(place, words, 3);
      if (!current.operations.empty()) refuse(place, "parameter after an operation");
      current.parameters.add(place, words[1], words[2]);
    } else {
      take_operation(place, words);
    }
  }

  void take_operation(const Place& place, const std::vector<std::string>& words) {
    if (words.size() < 2) refuse(place, "operation without a kind");
    Operation operation;
    operation.place = place;
    operation.kind = words[1];
    operation.fields = Fields(place);
    for (std::size_t i = 2; i < words.size(); ++i) {
      const std::size_t equals = words[i].find('=');
      if (equals == std::string::npos || equals == 0 || equals + 1 == words[i].size()) {
        refuse(place, in_quotes(words[i]) + " is not KEY=VALUE");
      }
      operation.fields.add(place, words[i].substr(0, equals), words[i].substr(equals + 1));
    }
    cases_.back().operations.push_back(std::move(operation));
  }

  void take_operation_line(const Place& place, const std::vector<std::string>& words) {
    Operation& operation = cases_.back().operations.back();
    if (words.front() == "a") {
      take_array(place, words, operation);
      return;
    }
    const bool raised = words.front() == "e";
    expect_words(place, words, raised ? 3 : 2);
    if (!raised && name_ != "errors") refuse(place, "'ok' outside the suite errors");
    for (const Outcome& other : operation.outcomes) {
      if (other.name == words[1]) refuse(place, "second outcome of " + in_quotes(words[1]));
    }
    Outcome outcome{place, words[1], std::nullopt};
    if (raised) outcome.exception = words[2];
    operation.outcomes.push_back(std::move(outcome));
  }

  void take_array(const Place& place, const std::vector<std::string>& words, Operation& operation) {
    expect_words(place, words, 7);
    if (words[1] != "in" && words[1] != "out") {
      refuse(place, "direction is " + in_quotes(words[1]) + ", expected in or out");
    }
    std::vector<Array>& arrays = words[1] == "in" ? operation.inputs : operation.outputs;
    for (const Array& other : arrays) {
      if (other.name == words[2]) refuse(place, "second array " + in_quotes(words[2]));
    }
    Array array;
    array.place = place;
    array.name = words[2];
    array.type = parse_type(place, words[3]);
    const std::int64_t offset = parse_count(place, "offset", words[4]);
    const std::int64_t count = parse_count(place, "count", words[5]);
    array.extents = parse_integers(place, "dimension", words[6]);
    if (product(place, array.extents) != count) {
      refuse(place, "dimensions " + words[6] + " do not multiply to the count " + words[5]);
    }
    if (offset % array_alignment != 0) {
      refuse(place, "offset " + words[4] + " is not on an 8-byte boundary");
    }
    const auto available = static_cast<std::int64_t>(data_.size());
    if (offset > available || count > (available - offset) / element_size(array.type)) {
      refuse(place, words[5] + " elements of " + words[3] + " at offset " + words[4] +
                        " reach past the " + std::to_string(available) + " bytes of data");
    }
    array.bytes = data_.subspan(static_cast<std::size_t>(offset),
                                static_cast<std::size_t>(count * element_size(array.type)));
    arrays.push_back(std::move(array));
  }

  std::string name_;
  std::span<const std::byte> data_;
  bool named_ = false;
  bool inside_case_ = false;
  std::set<std::int64_t> ids_;
  std::vector<Case> cases_;
};

const Array* find(const std::vector<Array>& arrays, std::string_view name) {
  const auto found = std::find_if(arrays.begin(), arrays.end(),
                                  [&](const Array& array) { return array.name == name; });
  return found == arrays.end() ? nullptr : &*found;
}

bool listed(std::initializer_list<std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::string to_string(const Place& place) { return place.file + ":" + std::to_string(place.line); }

void refuse(const Place& place, const std::string& message) {
  throw std::runtime_error(to_string(place) + ": " + message);
}

void Fields::add(const Place& place, const std::string& key, const std::string& value) {
  if (!values_.emplace(key, value).second) refuse(place, "second value of " + in_quotes(key));
}

const std::string& Fields::text(const std::string& key) const {
  const auto found = values_.find(key);
  if (found == values_.end()) refuse(place_, "there is no value of " + in_quotes(key));
  return found->second;
}

double Fields::number(const std::string& key) const { return parse_number(place_, key, text(key)); }

std::int64_t Fields::integer(const std::string& key) const {
  return parse_integer(place_, key, text(key));
}

bool Fields::flag(const std::string& key) const { return parse_flag(place_, key, text(key)); }

std::optional<double> Fields::optional_number(const std::string& key) const {
  if (text(key) == "none") return std::nullopt;
  return number(key);
}

std::optional<bool> Fields::optional_flag(const std::string& key) const {
  if (text(key) == "none") return std::nullopt;
  return flag(key);
}

std::vector<std::int64_t> Fields::integers(const std::string& key) const {
  return parse_integers(place_, key, text(key));
}

void Fields::expect_only(std::initializer_list<std::string_view> keys) const {
  for (const auto& [key, value] : values_) {
    if (!listed(keys, key)) refuse(place_, "unknown argument " + in_quotes(key));
  }
}

std::int64_t Array::size() const {
  return static_cast<std::int64_t>(bytes.size()) / element_size(type);
}

template <class T>
std::vector<T> Array::values() const {
  if (type != type_of<T>()) {
    refuse(place, "array " + in_quotes(name) + " holds " + type_name(type) + ", expected " +
                      type_name(type_of<T>()));
  }
  std::vector<T> result(bytes.size() / sizeof(T));
  if (!result.empty()) std::memcpy(result.data(), bytes.data(), bytes.size());
  return result;
}

template std::vector<float> Array::values() const;
template std::vector<double> Array::values() const;
template std::vector<std::uint8_t> Array::values() const;
template std::vector<std::int64_t> Array::values() const;

std::vector<float> Array::as_float() const {
  if (type == ElementType::u8) {
    const std::vector<std::uint8_t> stored = values<std::uint8_t>();
    return {stored.begin(), stored.end()};
  }
  return values<float>();
}

const Array* Operation::find_input(std::string_view wanted) const { return find(inputs, wanted); }

const Array* Operation::find_output(std::string_view wanted) const { return find(outputs, wanted); }

const Array& Operation::input(std::string_view wanted) const {
  const Array* const found = find_input(wanted);
  if (found == nullptr) refuse(place, kind + " has no input " + in_quotes(wanted));
  return *found;
}

const Array& Operation::output(std::string_view wanted) const {
  const Array* const found = find_output(wanted);
  if (found == nullptr) refuse(place, kind + " has no output " + in_quotes(wanted));
  return *found;
}

void Operation::expect_only(std::initializer_list<std::string_view> keys,
                            std::initializer_list<std::string_view> input_names,
                            std::initializer_list<std::string_view> output_names) const {
  fields.expect_only(keys);
  for (const Array& array : inputs) {
    if (!listed(input_names, array.name)) {
      refuse(array.place, kind + " has an unknown input " + in_quotes(array.name));
    }
  }
  for (const Array& array : outputs) {
    if (!listed(output_names, array.name)) {
      refuse(array.place, kind + " has an unknown output " + in_quotes(array.name));
    }
  }
  for (const Outcome& outcome : outcomes) {
    if (!listed(output_names, outcome.name)) {
      refuse(outcome.place, kind + " has an unknown outcome " + in_quotes(outcome.name));
    }
  }
}

Suite::Suite(const std::filesystem::path& folder, const std::string& name)
    : name_(name), data_(read_bytes(folder / "data.bin")) {
  const std::filesystem::path path = folder / "index.txt";
  std::ifstream file(path);
  if (!file) throw std::runtime_error(path.string() + ": cannot be opened");
  IndexParser parser(name_, data_);
  Place place{path.string(), 0};
  std::string line;
  while (std::getline(file, line)) {
    ++place.line;
    parser.take(place, line);
  }
  cases_ = parser.finish(place);
}

}  // namespace cusynapse::golden
