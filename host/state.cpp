#include "cusynapse/state.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <utility>

#include "cusynapse/error.hpp"
#include "host/state.hpp"

namespace cusynapse {
namespace {

// Bytes that no text begins with, and that a transfer as text changes.
constexpr std::array<std::uint8_t, 8> magic = {0x89, 'C', 'S', 'Y', 'N', '\r', '\n', 0x1A};
constexpr std::size_t version_at = magic.size();
constexpr std::size_t size_at = version_at + 4;
constexpr std::size_t element_at = size_at + 8;
constexpr std::size_t type_length = 3;
constexpr std::size_t class_at = element_at + type_length;
constexpr std::size_t checksum_length = 4;
// No class name, no records.
constexpr std::size_t least_size = class_at + 1 + 2 + checksum_length;
constexpr std::size_t most_records = 65535;

// Types as NumPy writes them, bfloat16 as its extension ml_dtypes does. Those of 16 bits are of
// objects: records hold the bits of their values, as std::uint16_t.
template <class V>
constexpr const char* type_of = nullptr;
template <>
constexpr const char* type_of<bool> = "|b1";
template <>
constexpr const char* type_of<std::uint8_t> = "|u1";
template <>
constexpr const char* type_of<std::uint16_t> = "<u2";
template <>
constexpr const char* type_of<std::int64_t> = "<i8";
template <>
constexpr const char* type_of<float16> = "<f2";
template <>
constexpr const char* type_of<bfloat16> = "<V2";
template <>
constexpr const char* type_of<float> = "<f4";
template <>
constexpr const char* type_of<double> = "<f8";

// Bytes of an element, 0 for a type that does not exist.
std::size_t size_of(const std::string& type) {
  if (type == type_of<bool> || type == type_of<std::uint8_t>) return 1;
  if (type == type_of<std::uint16_t> || type == type_of<float16> || type == type_of<bfloat16>) {
    return 2;
  }
  if (type == type_of<float>) return 4;
  if (type == type_of<std::int64_t> || type == type_of<double>) return 8;
  return 0;
}

template <std::size_t size>
struct Bits;
template <>
struct Bits<1> {
  using Type = std::uint8_t;
};
template <>
struct Bits<2> {
  using Type = std::uint16_t;
};
template <>
struct Bits<4> {
  using Type = std::uint32_t;
};
template <>
struct Bits<8> {
  using Type = std::uint64_t;
};

// Values at the bytes of a state, lowest byte first whatever the machine.
template <class V>
void store(std::uint8_t* to, V value) {
  typename Bits<sizeof(V)>::Type bits;
  std::memcpy(&bits, &value, sizeof bits);
  for (std::size_t i = 0; i < sizeof bits; ++i) {
    to[i] = static_cast<std::uint8_t>(std::uint64_t{bits} >> (8 * i));
  }
}

template <class V>
V load(const std::uint8_t* from) {
  std::uint64_t wide = 0;
  for (std::size_t i = 0; i < sizeof(V); ++i) wide |= std::uint64_t{from[i]} << (8 * i);
  const auto bits = static_cast<typename Bits<sizeof(V)>::Type>(wide);
  V value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// CRC-32 as zlib, gzip and PNG compute it: polynomial 0x04C11DB7, bits reflected.
// Eight bytes at a time: remainders are linear, so those of the bytes are added up, each from a
// table for its place (Kounavis and Berry 2005, ISCC, p. 855).
std::uint32_t crc32(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t places = 8;
  // [place][byte]: the remainder of a byte that 7 - place bytes of 0 follow.
  static constexpr auto tables = [] {
    std::array<std::array<std::uint32_t, 256>, places> entries{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
      std::uint32_t remainder = byte;
      for (std::size_t place = places; place-- > 0;) {
        for (int bit = 0; bit < 8; ++bit) {
          remainder = (remainder >> 1) ^ ((remainder & 1U) != 0 ? 0xEDB88320U : 0U);
        }
        entries[place][byte] = remainder;
      }
    }
    return entries;
  }();
  std::uint32_t crc = 0xFFFFFFFFU;
  for (; size >= places; size -= places, data += places) {
    std::uint64_t word = load<std::uint64_t>(data) ^ crc;
    crc = 0;
    for (const auto& table : tables) {
      crc ^= table[word & 0xFFU];
      word >>= 8;
    }
  }
  for (; size > 0; --size, ++data) crc = tables.back()[(crc ^ *data) & 0xFFU] ^ (crc >> 8);
  return ~crc;
}

std::string hexadecimal(std::uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%08x", value);
  return text;
}

// Printable, without space.
bool is_name(const std::string& name) {
  return !name.empty() && name.size() <= 255 &&
         std::all_of(name.begin(), name.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

void check_name(const char* what, const std::string& name) {
  if (!is_name(name)) {
    host::refuse("StateWriter", what, '"' + name + '"', "1 to 255 printable characters, no space");
  }
}

std::string quoted(const std::string& name) { return "record \"" + name + '"'; }

}  // namespace

namespace host {

void refuse_state(const Error& error) {
  if (error.code() != Errc::invalid_argument && error.code() != Errc::shape_mismatch) throw;
  std::string message = error.what();
  message.resize(message.size() - std::string(to_string(error.code())).size() - 3);
  throw Error(Errc::invalid_state, message);
}

}  // namespace host

StateWriter::StateWriter(const std::string& class_name, const char* element) {
  check_name("class name", class_name);
  bytes_.insert(bytes_.end(), magic.begin(), magic.end());
  append(state_format_version);
  append(std::uint64_t{0});  // the size, known at the end
  bytes_.insert(bytes_.end(), element, element + type_length);
  append(static_cast<std::uint8_t>(class_name.size()));
  bytes_.insert(bytes_.end(), class_name.begin(), class_name.end());
  count_at_ = bytes_.size();
  append(std::uint16_t{0});
}

template <class T>
StateWriter StateWriter::of(const std::string& class_name) {
  return StateWriter(class_name, type_of<T>);
}

template <class V>
void StateWriter::append(V value) {
  bytes_.resize(bytes_.size() + sizeof value);
  store(bytes_.data() + bytes_.size() - sizeof value, value);
}

void StateWriter::begin(const std::string& name, const char* type, const Shape& shape) {
  check_name("record name", name);
  if (!names_.insert(name).second) host::refuse("StateWriter", quoted(name), "there", "a new one");
  host::check(names_.size() <= most_records, "StateWriter", "number of records",
              static_cast<double>(names_.size()), "at most 65535");
  append(static_cast<std::uint8_t>(name.size()));
  bytes_.insert(bytes_.end(), name.begin(), name.end());
  bytes_.insert(bytes_.end(), type, type + type_length);
  append(static_cast<std::uint8_t>(shape.rank()));
  for (const std::int64_t extent : shape) append(extent);
}

void StateWriter::number(const std::string& name, double value) {
  begin(name, type_of<double>, {});
  append(value);
}

void StateWriter::integer(const std::string& name, std::int64_t value) {
  begin(name, type_of<std::int64_t>, {});
  append(value);
}

void StateWriter::flag(const std::string& name, bool value) {
  begin(name, type_of<bool>, {});
  append(static_cast<std::uint8_t>(value));
}

void StateWriter::optional(const std::string& name, const std::optional<double>& value) {
  const double one = value.value_or(0.0);
  array(name, {value.has_value() ? 1 : 0}, &one);
}

void StateWriter::shape(const std::string& name, const Shape& shape) {
  array(name, {shape.rank()}, shape.begin());
}

template <class V>
void StateWriter::array(const std::string& name, const Shape& shape, const V* values,
                        std::int64_t row, std::int64_t stride) {
  begin(name, type_of<V>, shape);
  const std::int64_t size = shape.size();
  const std::size_t start = bytes_.size();
  bytes_.resize(start + static_cast<std::size_t>(size) * sizeof(V));
  std::uint8_t* to = bytes_.data() + start;
  for (std::int64_t done = 0; done < size; done += row, values += stride) {
    for (std::int64_t i = 0; i < row; ++i, to += sizeof(V)) store(to, values[i]);
  }
}

void StateWriter::state(const std::string& name, const std::vector<std::uint8_t>& state) {
  array(name, {static_cast<std::int64_t>(state.size())}, state.data());
}

std::vector<std::uint8_t> StateWriter::finish() {
  store(bytes_.data() + count_at_, static_cast<std::uint16_t>(names_.size()));
  store(bytes_.data() + size_at, std::uint64_t{bytes_.size() + checksum_length});
  append(crc32(bytes_.data(), bytes_.size()));
  return std::move(bytes_);
}

StateReader::StateReader(StateBytes bytes) {
  const std::uint8_t* const data = bytes.data();
  const std::size_t size = bytes.size();
  const auto got = std::to_string(size) + " bytes";
  if (size < least_size) refuse("size", got, "at least " + std::to_string(least_size));
  if (!std::equal(magic.begin(), magic.end(), data)) {
    refuse("beginning", "something else", "the magic bytes of a saved state");
  }
  const auto version = load<std::uint32_t>(data + version_at);
  if (version != state_format_version) {
    refuse("format version", std::to_string(version), std::to_string(state_format_version));
  }
  const auto expected_size = load<std::uint64_t>(data + size_at);
  if (size != expected_size) refuse("size", got, std::to_string(expected_size));
  const std::uint8_t* const end = data + size - checksum_length;
  const std::uint32_t checksum = crc32(data, size - checksum_length);
  if (checksum != load<std::uint32_t>(end)) {
    refuse("checksum of the bytes", hexadecimal(checksum), hexadecimal(load<std::uint32_t>(end)));
  }
  parse(data + element_at, end);
}

void StateReader::parse(const std::uint8_t* at, const std::uint8_t* end) {
  const auto left = [&] { return static_cast<std::size_t>(end - at); };
  const auto take = [&](std::size_t count, const std::string& what) {
    if (count > left()) {
      refuse(what, "cut off after " + std::to_string(left()) + " bytes", std::to_string(count));
    }
    const std::uint8_t* const taken = at;
    at += count;
    return taken;
  };
  const auto text = [&](std::size_t count, const std::string& what) {
    const std::uint8_t* const first = take(count, what);
    return std::string(first, first + count);
  };
  const auto name = [&](const std::string& what) {
    std::string read = text(load<std::uint8_t>(take(1, what)), what);
    if (!is_name(read)) refuse(what, "empty or not printable", "printable characters, no space");
    return read;
  };

  element_ = text(type_length, "element type");
  if (size_of(element_) == 0) refuse("element type", "unknown", "a type of the format");
  class_name_ = name("class name");
  const std::size_t count = load<std::uint16_t>(take(2, "number of records"));
  for (std::size_t i = 0; i < count; ++i) {
    const std::string record_name = name("name of record " + std::to_string(i));
    const std::string what = quoted(record_name);
    Record record;
    record.type = text(type_length, what);
    const std::size_t element_size = size_of(record.type);
    if (element_size == 0) refuse(what, "of an unknown type", "of a type of the format");
    const int rank = load<std::uint8_t>(take(1, what));
    if (rank > Shape::max_rank) {
      refuse("rank of " + what, std::to_string(rank), "at most " + std::to_string(Shape::max_rank));
    }
    // No extent, and no product of them, is larger than the bytes that are there, unless it is
    // multiplied by 0.
    std::int64_t extents[Shape::max_rank] = {};
    std::size_t size = 1;
    for (int axis = 0; axis < rank; ++axis) {
      const auto extent = load<std::uint64_t>(take(8, what));
      if (extent > left() || (extent > 0 && size > left() / extent)) {
        refuse("extent " + std::to_string(axis) + " of " + what, std::to_string(extent),
               "no more elements than the " + std::to_string(left()) + " bytes left");
      }
      extents[axis] = static_cast<std::int64_t>(extent);
      size *= static_cast<std::size_t>(extent);
    }
    if (size > left() / element_size) {
      refuse("size of " + what, std::to_string(size) + " elements of " + record.type,
             "no more than the " + std::to_string(left()) + " bytes left hold");
    }
    record.shape = Shape(extents, rank);
    record.data = take(size * element_size, what);
    if (!records_.emplace(record_name, std::move(record)).second) {
      refuse(what, "there twice", "it once");
    }
  }
  if (left() > 0) refuse("end", std::to_string(left()) + " bytes past the last record", "0");
}

void StateReader::refuse(const std::string& what, const std::string& got,
                         const std::string& expected) const {
  const std::string where = class_name_.empty() ? "state" : "state of " + class_name_;
  throw Error(Errc::invalid_state, where + ": " + what + " is " + got + ", expected " + expected);
}

template <class T>
bool StateReader::holds() const noexcept {
  return element_ == type_of<T>;
}

bool StateReader::has(const std::string& name) const { return records_.count(name) != 0; }

template <class T>
void StateReader::require(const std::string& class_name) const {
  if (class_name_ != class_name) refuse("class", class_name_, class_name);
  if (!holds<T>()) refuse("element type", element_, type_of<T>);
}

auto StateReader::record(const std::string& name, const char* type) const -> const Record& {
  const auto found = records_.find(name);
  if (found == records_.end()) refuse(quoted(name), "missing", "one of type " + std::string(type));
  if (found->second.type != type) refuse("type of " + quoted(name), found->second.type, type);
  return found->second;
}

template <class V>
void StateReader::check_array(const std::string& name, const Shape& shape) const {
  const Record& found = record(name, type_of<V>);
  if (found.shape != shape) {
    refuse("shape of " + quoted(name), to_string(found.shape), to_string(shape));
  }
}

auto StateReader::scalar(const std::string& name, const char* type) -> const Record& {
  const Record& found = record(name, type);
  if (found.shape != Shape()) refuse("shape of " + quoted(name), to_string(found.shape), "[]");
  records_.find(name)->second.is_read = true;
  return found;
}

double StateReader::number(const std::string& name) {
  return load<double>(scalar(name, type_of<double>).data);
}

std::int64_t StateReader::integer(const std::string& name, std::int64_t low, std::int64_t high) {
  const auto value = load<std::int64_t>(scalar(name, type_of<std::int64_t>).data);
  if (value < low || value > high) {
    refuse(quoted(name), std::to_string(value),
           std::to_string(low) + " to " + std::to_string(high));
  }
  return value;
}

bool StateReader::flag(const std::string& name) {
  const std::uint8_t value = *scalar(name, type_of<bool>).data;
  if (value > 1) refuse(quoted(name), std::to_string(value), "0 or 1");
  return value == 1;
}

std::optional<double> StateReader::optional(const std::string& name) {
  const Shape& shape = record(name, type_of<double>).shape;
  if (shape != Shape{0} && shape != Shape{1}) {
    refuse("shape of " + quoted(name), to_string(shape), "[0] or [1]");
  }
  const std::vector<double> values = array<double>(name, shape);
  return values.empty() ? std::nullopt : std::optional<double>(values[0]);
}

Shape StateReader::shape(const std::string& name) {
  const Shape& shape = record(name, type_of<std::int64_t>).shape;
  if (shape.rank() != 1 || shape[0] > Shape::max_rank) {
    refuse("shape of " + quoted(name), to_string(shape),
           "[0] to [" + std::to_string(Shape::max_rank) + ']');
  }
  const std::vector<std::int64_t> extents = array<std::int64_t>(name, shape);
  return Shape(extents.data(), static_cast<int>(extents.size()));
}

template <class V>
std::vector<V> StateReader::array(const std::string& name, const Shape& shape, std::int64_t row,
                                  std::int64_t stride) {
  check_array<V>(name, shape);
  Record& found = records_.find(name)->second;
  const std::int64_t size = shape.size();
  const std::int64_t rows = row > 0 ? size / row : 0;
  std::vector<V> values(static_cast<std::size_t>(rows * stride));
  const std::uint8_t* from = found.data;
  for (std::int64_t first = 0; first < rows * stride; first += stride) {
    for (std::int64_t i = 0; i < row; ++i, from += sizeof(V)) {
      values[static_cast<std::size_t>(first + i)] = load<V>(from);
    }
  }
  found.is_read = true;
  return values;
}

StateBytes StateReader::state(const std::string& name) {
  const Record& found = record(name, type_of<std::uint8_t>);
  if (found.shape.rank() != 1) {
    refuse("shape of " + quoted(name), to_string(found.shape), "that of bytes, one extent");
  }
  records_.find(name)->second.is_read = true;
  return {found.data, static_cast<std::size_t>(found.shape[0])};
}

void StateReader::finish() const {
  for (const auto& [name, record] : records_) {
    if (!record.is_read) refuse(quoted(name), "there", "no such record");
  }
}

template StateWriter StateWriter::of<float>(const std::string&);
template StateWriter StateWriter::of<double>(const std::string&);
template StateWriter StateWriter::of<float16>(const std::string&);
template StateWriter StateWriter::of<bfloat16>(const std::string&);
template StateWriter StateWriter::of<bool>(const std::string&);
template bool StateReader::holds<float>() const noexcept;
template bool StateReader::holds<double>() const noexcept;
template bool StateReader::holds<float16>() const noexcept;
template bool StateReader::holds<bfloat16>() const noexcept;
template bool StateReader::holds<bool>() const noexcept;
template void StateReader::require<float>(const std::string&) const;
template void StateReader::require<double>(const std::string&) const;
template void StateReader::require<float16>(const std::string&) const;
template void StateReader::require<bfloat16>(const std::string&) const;
template void StateReader::require<bool>(const std::string&) const;

template void StateWriter::array(const std::string&, const Shape&, const float*, std::int64_t,
                                 std::int64_t);
template void StateWriter::array(const std::string&, const Shape&, const double*, std::int64_t,
                                 std::int64_t);
template void StateWriter::array(const std::string&, const Shape&, const std::int64_t*,
                                 std::int64_t, std::int64_t);
template void StateWriter::array(const std::string&, const Shape&, const std::uint16_t*,
                                 std::int64_t, std::int64_t);
template void StateWriter::array(const std::string&, const Shape&, const std::uint8_t*,
                                 std::int64_t, std::int64_t);
template void StateReader::check_array<float>(const std::string&, const Shape&) const;
template void StateReader::check_array<double>(const std::string&, const Shape&) const;
template void StateReader::check_array<std::int64_t>(const std::string&, const Shape&) const;
template void StateReader::check_array<std::uint16_t>(const std::string&, const Shape&) const;
template void StateReader::check_array<std::uint8_t>(const std::string&, const Shape&) const;
template std::vector<float> StateReader::array(const std::string&, const Shape&, std::int64_t,
                                               std::int64_t);
template std::vector<double> StateReader::array(const std::string&, const Shape&, std::int64_t,
                                                std::int64_t);
template std::vector<std::int64_t> StateReader::array(const std::string&, const Shape&,
                                                      std::int64_t, std::int64_t);
template std::vector<std::uint16_t> StateReader::array(const std::string&, const Shape&,
                                                       std::int64_t, std::int64_t);
template std::vector<std::uint8_t> StateReader::array(const std::string&, const Shape&,
                                                      std::int64_t, std::int64_t);

}  // namespace cusynapse
