// Saved states: what objects write of themselves, and read back, bit for bit.
//
// A state is bytes, the same on every machine and backend: what it is (magic, version, class,
// element type), named records, and a checksum. docs/state_format.md describes it to the byte. The
// library reads and writes memory; which file, stream or database the bytes go to is the caller's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include "cusynapse/export.hpp"
#include "cusynapse/shape.hpp"
#include "cusynapse/stream.hpp"

namespace cusynapse {

/// The version of the format that is written, and the only one that is read.
inline constexpr std::uint32_t state_format_version = 1;

/// Bytes of a saved state, not owned: a vector of them, or a pointer and a size.
class StateBytes {
 public:
  /// Refers to bytes of the caller's.
  StateBytes(const std::vector<std::uint8_t>& bytes) noexcept
      : data_(bytes.data()), size_(bytes.size()) {}
  StateBytes(const std::uint8_t* data, std::size_t size) noexcept : data_(data), size_(size) {}

  /// The first byte, and how many there are.
  const std::uint8_t* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
};

/// A constant of a model or neuron, and the name it is saved under. A struct of constants lists its
/// own in a static member `fields`, an array of these, which is all it takes for them to be saved
/// and restored. All its members are doubles and listed: a state would lose others, which does not
/// compile.
template <class Parameters>
struct ParameterField {
  /// A member of the struct. By this name, for nvcc writes the type in a way that GCC warns of.
  using Member = double Parameters::*;
  const char* name;  ///< as states hold it
  Member value;      ///< the constant
};

/// Puts a state together, record by record. For classes that can be saved; host memory only. Names
/// are printable ASCII without spaces, 1 to 255 characters, each given once. Throws
/// `Error(invalid_argument)` for others, std::bad_alloc.
class CUSYNAPSE_EXPORT StateWriter {
 public:
  /// A state of a class with elements of T: float, double, float16, bfloat16 or bool.
  template <class T>
  static StateWriter of(const std::string& class_name);

  /// A scalar.
  void number(const std::string& name, double value);
  void integer(const std::string& name, std::int64_t value);
  void flag(const std::string& name, bool value);
  /// One value, or none; extents.
  void optional(const std::string& name, const std::optional<double>& value);
  void shape(const std::string& name, const Shape& shape);
  /// An array of the shape, V float, double, std::int64_t, std::uint16_t or std::uint8_t: rows of
  /// `row` elements that start `stride` apart, or one dense array.
  template <class V>
  void array(const std::string& name, const Shape& shape, const V* values, std::int64_t row,
             std::int64_t stride);
  template <class V>
  void array(const std::string& name, const Shape& shape, const V* values) {
    array(name, shape, values, shape.size(), shape.size());
  }
  /// The whole state of something the object holds.
  void state(const std::string& name, const std::vector<std::uint8_t>& state);

  /// The finished state. The writer can then only be destroyed.
  std::vector<std::uint8_t> finish();

 private:
  StateWriter(const std::string& class_name, const char* element);
  void begin(const std::string& name, const char* type, const Shape& shape);
  template <class V>
  void append(V value);

  std::vector<std::uint8_t> bytes_;
  std::size_t count_at_ = 0;
  std::set<std::string> names_;
};

/// Takes a state apart. Every member function throws `Error(invalid_state)` that says what is
/// wrong, with what was found and what was expected. Every length is held against the bytes that
/// are there before anything is allocated. The bytes must outlive the reader.
class CUSYNAPSE_EXPORT StateReader {
 public:
  /// Checks the bytes as a whole: magic, version, size, checksum, and the structure of the records.
  explicit StateReader(StateBytes bytes);

  /// The class whose state it is.
  const std::string& class_name() const noexcept { return class_name_; }
  /// Whether its elements are of type T: float, double, float16, bfloat16 or bool.
  template <class T>
  bool holds() const noexcept;
  /// Whether there is a record of that name: one that some states leave out.
  bool has(const std::string& name) const;
  /// Refuses a state of another class, or with elements of another type than T: float, double,
  /// float16, bfloat16 or bool.
  template <class T>
  void require(const std::string& class_name) const;

  /// A scalar of that name.
  double number(const std::string& name);
  /// From `low` to `high`, both included.
  std::int64_t integer(const std::string& name,
                       std::int64_t low = std::numeric_limits<std::int64_t>::min(),
                       std::int64_t high = std::numeric_limits<std::int64_t>::max());
  /// A value of that name: a flag, one that may be missing, extents.
  bool flag(const std::string& name);
  std::optional<double> optional(const std::string& name);
  Shape shape(const std::string& name);
  /// Refuses a record that is not an array of V of this shape: before what it is for is allocated.
  template <class V>
  void check_array(const std::string& name, const Shape& shape) const;
  /// The array, with the types of `StateWriter::array`: rows of `row` elements put `stride` apart,
  /// with zeros between, or one dense array.
  template <class V>
  std::vector<V> array(const std::string& name, const Shape& shape, std::int64_t row,
                       std::int64_t stride);
  template <class V>
  std::vector<V> array(const std::string& name, const Shape& shape) {
    return array<V>(name, shape, shape.size(), shape.size());
  }
  /// The state that is held under a name.
  StateBytes state(const std::string& name);

  /// Refuses records that nothing has read. The last call of every load.
  void finish() const;
  /// Throws: "<what> is <got>, expected <expected>".
  [[noreturn]] void refuse(const std::string& what, const std::string& got,
                           const std::string& expected) const;

 private:
  struct Record {
    std::string type;
    Shape shape;
    const std::uint8_t* data = nullptr;
    bool is_read = false;
  };

  void parse(const std::uint8_t* at, const std::uint8_t* end);
  const Record& record(const std::string& name, const char* type) const;
  const Record& scalar(const std::string& name, const char* type);

  std::string class_name_;
  std::string element_;
  std::map<std::string, Record> records_;
};

/// The object of a saved state, of a class that has a constructor from one: `History`,
/// `Projection`, `LeakyIntegrateAndFire`, synapses of any `ModelSynapse`. Throws
/// `Error(invalid_state)` for bytes that are no state of an `Object`, or have records that it does
/// not know, and what the constructor throws. Allocates and synchronises.
template <class Object>
std::unique_ptr<Object> load_object(const Stream& stream, StateBytes bytes) {
  StateReader state(bytes);
  auto made = std::make_unique<Object>(stream, state);
  state.finish();
  return made;
}

/// Whether a struct of constants lists them for states.
template <class Parameters, class = void>
inline constexpr bool names_its_fields = false;
template <class Parameters>
inline constexpr bool names_its_fields<Parameters, std::void_t<decltype(Parameters::fields)>> =
    true;

/// Whether those are all the members there are.
template <class Parameters>
inline constexpr bool names_all_its_fields = sizeof(Parameters) ==
                                             sizeof(double) * std::size(Parameters::fields);

/// Constants under the name of each field, to and from a state.
template <class Parameters>
void save_parameters(StateWriter& state, const Parameters& parameters) {
  static_assert(names_all_its_fields<Parameters>, "constants with names are doubles, all listed");
  for (const ParameterField<Parameters>& field : Parameters::fields) {
    state.number(std::string("parameters.") + field.name, parameters.*field.value);
  }
}
template <class Parameters>
Parameters load_parameters(StateReader& state) {
  static_assert(names_all_its_fields<Parameters>, "constants with names are doubles, all listed");
  Parameters parameters;
  for (const ParameterField<Parameters>& field : Parameters::fields) {
    parameters.*field.value = state.number(std::string("parameters.") + field.name);
  }
  return parameters;
}

}  // namespace cusynapse
