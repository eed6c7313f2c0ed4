// Arrays of Python's array libraries, in and out of calls without copies.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "cusynapse/error.hpp"
#include "cusynapse/shape.hpp"
#include "cusynapse/stream.hpp"
#include "cusynapse/view.hpp"

namespace cusynapse::python {

namespace nb = nanobind;

/// An argument that is an array, not looked at yet.
struct Array {
  nb::object object;
};

/// An argument that is an array or `PackedSpikes`.
struct Spikes {
  nb::object object;
};

/// An argument that is one number or an array.
struct Times {
  nb::object object;
};

/// A result: an array of the library that the arguments belong to.
struct Result {
  nb::object object;
};

/// An integer argument: whatever Python counts with, as the integers of NumPy.
template <class T>
struct Index {
  T value = 0;

  operator T() const noexcept { return value; }
};
using Integer = Index<std::int64_t>;
using Seed = Index<std::uint64_t>;

/// Extents as Python gives them: one number or a sequence.
struct Extents {
  std::vector<std::int64_t> values;

  Shape shape() const { return Shape(values.data(), static_cast<int>(values.size())); }
};

/// Spikes as bits: an array of bytes and the shape of the spikes in it.
struct PackedArray {
  Array array;
  Shape shape;
};

/// Whose array something is; results are made in the same library.
enum class Library : std::uint8_t { unknown, numpy, torch, cupy, jax };

/// An array that a call writes: the caller's, or a new one.
template <class T>
struct Written {
  View<T> view;
  nb::object object;
  std::shared_ptr<void> memory;  ///< of a new array that becomes the library's once it is written
};

/// One call of a method: takes its arrays, makes its results, finds the stream, and runs the work
/// without the interpreter's lock. Arrays live as long as this.
class Call {
 public:
  /// `type` and `function` name the caller in errors. `stream` is a handle given explicitly.
  Call(const char* type, const char* function, Device device,
       std::optional<std::uintptr_t> stream = {})
      : type_(type), function_(function), device_(device), handle_(stream) {}
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  /// An array of T to read.
  template <class T>
  View<const T> in(const char* what, const Array& array);
  /// Spikes to read, as bytes 0 or 1: bool or uint8.
  View<const std::uint8_t> spikes_in(const char* what, const Array& array);
  /// Spikes as values of T, bytes or bits; in a sequence the bits of each step start
  /// on a new byte.
  template <class T>
  SpikeInput<T> spike_input(const char* what, const Spikes& spikes, bool is_sequence = false);
  /// Values of T or spikes as bytes, whichever the array holds.
  template <class T>
  std::variant<View<const T>, View<const std::uint8_t>> values_or_spikes_in(const char* what,
                                                                            const Array& array);

  /// Currents injected in a step.
  template <class T>
  std::vector<View<const T>> injected(const nb::args& arrays) {
    std::vector<View<const T>> currents;
    for (const nb::handle array : arrays) {
      currents.push_back(in<T>("injected current", {nb::borrow(array)}));
    }
    return currents;
  }

  /// An array to write: `out`, or a new one of this shape.
  template <class T>
  Written<T> out(const std::optional<Array>& out, const Shape& shape, const char* what = "out") {
    return writing<T>(what, out, shape, false);
  }
  /// The same for spikes: a new one is bool, `out` may be uint8.
  Written<std::uint8_t> spikes_out(const std::optional<Array>& out, const Shape& shape,
                                   const char* what = "out") {
    return writing<std::uint8_t>(what, out, shape, true);
  }

  /// Runs `work(stream)` with the interpreter's lock released.
  template <class Work>
  void run(Work&& work) {
    const Stream stream = find_stream();
    {
      nb::gil_scoped_release released;
      std::forward<Work>(work)(stream);
      if (library_ == Library::jax) stream.synchronize();  // its arrays know no streams
    }
  }
  /// What Python is given: the array, in its library. After `run`.
  template <class T>
  Result result(const Written<T>& output) {
    return finish(output.object, output.memory);
  }

  [[noreturn]] void refuse(Errc code, const std::string& message) const;

 private:
  struct Taken {
    void* data;
    Shape shape;
    nb::dlpack::dtype dtype;
  };

  Taken take(const char* what, const nb::object& array, bool is_written);
  template <class T>
  Written<T> writing(const char* what, const std::optional<Array>& out, const Shape& shape,
                     bool is_spikes);
  Library library_of_results() const;
  Stream find_stream() const;
  static Result finish(const nb::object& object, const std::shared_ptr<void>& memory);

  const char* type_;
  const char* function_;
  Device device_;
  std::optional<std::uintptr_t> handle_;
  Library library_ = Library::unknown;
  std::vector<nb::ndarray<nb::ro>> held_;
};

/// Whether an array is in host memory.
bool is_on_host(const Array& array);

/// An array's data under another shape of as many elements, in its own library.
Result reshaped(const Array& array, const Shape& shape);

/// Memory of an object as an array: NumPy's on the CPU, an object with `__dlpack__` on a GPU. The
/// array keeps `owner` alive; nothing is copied.
template <class T>
Result view_of(T* data, const Shape& shape, Device device, const nb::object& owner);

/// A copy of an array, Python's own, made in stream order.
template <class T>
nb::object copy_of(const Stream& stream, View<const T> values);

/// A function of Python's that an object of the library holds, which may give it up without the
/// interpreter's lock. The Python object around the holder shows it to the garbage collector.
class Callback {
 public:
  Callback() = default;
  explicit Callback(nb::object function);

  nb::object operator()(const nb::object& argument) const { return (*function_)(argument); }
  /// The function, or None.
  nb::object function() const;
  int traverse(visitproc visitor, void* argument) const;
  void clear() const;

 private:
  std::shared_ptr<nb::object> function_;
};

/// Calls a function of Python's and copies the array it returns into `out`, in stream order. The
/// caller holds the interpreter's lock.
template <class T>
void call_into(const Callback& function, const nb::object& argument, const char* type,
               const char* name, const Stream& stream, View<T> out);

/// A device from its name ("cpu", "cuda", "cuda:1") or anything whose text is one.
Device to_device(const nb::object& device);

/// Calls `make(std::type_identity<T>)` with the element type that "float32" or "float64" names.
enum class Element : std::uint8_t { float32, float64 };
Element to_element(const nb::object& dtype);
/// The name of a dtype of any library: "float32" of torch.float32.
std::string dtype_text(const nb::object& dtype);
template <class Make>
auto with_element(Element element, Make&& make) {
  if (element == Element::float32) return make(std::type_identity<float>{});
  return make(std::type_identity<double>{});
}

/// The choice a word stands for.
template <class Choice>
Choice choose(const char* where, const char* what, const std::string& word,
              std::initializer_list<std::pair<const char*, Choice>> choices) {
  std::string expected;
  for (const auto& [name, choice] : choices) {
    if (word == name) return choice;
    expected += (expected.empty() ? "'" : ", '") + std::string(name) + "'";
  }
  throw Error(Errc::invalid_argument,
              std::string(where) + ": " + what + " is '" + word + "', expected one of " + expected);
}

}  // namespace cusynapse::python

namespace nanobind::detail {

template <>
struct type_caster<cusynapse::python::Array> {
  NB_TYPE_CASTER(cusynapse::python::Array, const_name("cusynapse._typing.Array"))
  bool from_python(handle source, std::uint32_t, cleanup_list*) noexcept {
    value.object = borrow(source);
    return true;
  }
};

template <>
struct type_caster<cusynapse::python::Spikes> {
  NB_TYPE_CASTER(cusynapse::python::Spikes,
                 const_name("cusynapse._typing.Array | cusynapse._core.PackedSpikes"))
  bool from_python(handle source, std::uint32_t, cleanup_list*) noexcept {
    value.object = borrow(source);
    return true;
  }
};

template <>
struct type_caster<cusynapse::python::Times> {
  NB_TYPE_CASTER(cusynapse::python::Times, const_name("float | cusynapse._typing.Array"))
  bool from_python(handle source, std::uint32_t, cleanup_list*) noexcept {
    value.object = borrow(source);
    return true;
  }
};

template <>
struct type_caster<cusynapse::python::Result> {
  NB_TYPE_CASTER(cusynapse::python::Result, const_name("typing.Any"))
  static handle from_cpp(const cusynapse::python::Result& result, rv_policy,
                         cleanup_list*) noexcept {
    return result.object.is_valid() ? object(result.object).release() : none().release();
  }
};

template <class T>
struct type_caster<cusynapse::python::Index<T>> {
  NB_TYPE_CASTER(cusynapse::python::Index<T>, const_name("typing.SupportsIndex"))
  bool from_python(handle source, std::uint32_t flags, cleanup_list* cleanup) noexcept {
    make_caster<T> caster;
    if (!caster.from_python(source, flags, cleanup)) return false;
    value.value = caster.value;
    return true;
  }
};

template <>
struct type_caster<cusynapse::python::Extents> {
  NB_TYPE_CASTER(
      cusynapse::python::Extents,
      const_name("typing.SupportsIndex | collections.abc.Sequence[typing.SupportsIndex]"))
  bool from_python(handle source, std::uint32_t, cleanup_list*) noexcept;
};

template <>
struct type_caster<cusynapse::Shape> {
  NB_TYPE_CASTER(cusynapse::Shape, const_name("tuple[int, ...]"))
  static handle from_cpp(const cusynapse::Shape& shape, rv_policy, cleanup_list*) noexcept;
};

}  // namespace nanobind::detail
