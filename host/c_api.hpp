// What the C interface is written with: calls that end in a status, handles, and arguments of C
// turned into those of C++.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "cusynapse/cusynapse.h"
#include "cusynapse/error.hpp"
#include "cusynapse/ops.hpp"
#include "cusynapse/shape.hpp"
#include "cusynapse/stream.hpp"
#include "cusynapse/view.hpp"
#include "host/check.hpp"

namespace cusynapse::c_api {

/// Keeps the message of the exception being handled and returns its status. Call in a handler.
cusynapse_status record_exception() noexcept;

/// A function of the caller's returned `status`: thrown through C++, it becomes the call's status.
class CallbackFailed : public std::exception {
 public:
  CallbackFailed(const host::Where& where, const char* what, cusynapse_status status);
  const char* what() const noexcept override { return message_.c_str(); }
  cusynapse_status status() const noexcept { return status_; }

 private:
  std::string message_;
  cusynapse_status status_;
};

/// Runs `body(where)`; whatever it throws becomes a status and a message.
template <class Body>
cusynapse_status guarded(const char* function, const Body& body) noexcept {
  try {
    body(host::Where(function));
    return CUSYNAPSE_SUCCESS;
  } catch (...) {
    return record_exception();
  }
}

/// Throws `Error(invalid_argument)` for null.
void require(const host::Where& where, const char* what, const void* pointer);

/// One object of several element types, shared with the handles made from it.
template <class... Objects>
struct Handle {
  std::variant<std::shared_ptr<Objects>...> object;
};

/// Runs `body(object, where)` on what a handle holds, of whichever element type.
template <class AnyHandle, class Body>
cusynapse_status with(AnyHandle* handle, const char* function, const Body& body) noexcept {
  return guarded(function, [&](const host::Where& where) {
    require(where, "handle", handle);
    std::visit([&](const auto& object) { body(*object, where); }, handle->object);
  });
}

/// The element type of an object, as a value of it.
template <template <class> class Object, class T>
T element_of(const Object<T>&);

/// A dtype's name, for messages.
std::string name_of(cusynapse_dtype dtype);
[[noreturn]] void refuse_dtype(const host::Where& where, const std::string& what,
                               cusynapse_dtype got, const std::string& expected);

template <class T>
constexpr cusynapse_dtype dtype_of() {
  if constexpr (std::is_same_v<T, float>) return CUSYNAPSE_FLOAT32;
  if constexpr (std::is_same_v<T, double>) return CUSYNAPSE_FLOAT64;
  if constexpr (std::is_same_v<T, std::uint8_t>) return CUSYNAPSE_UINT8;
  if constexpr (std::is_same_v<T, bool>) return CUSYNAPSE_BITS;
  if constexpr (std::is_same_v<T, float16>) return CUSYNAPSE_FLOAT16;
  if constexpr (std::is_same_v<T, bfloat16>) return CUSYNAPSE_BFLOAT16;
}

/// Runs `body(T())` for the one of the types that `dtype` names; messages call it `what`.
template <class... Types, class Body>
void with_type(const host::Where& where, const char* what, cusynapse_dtype dtype,
               const Body& body) {
  if (((dtype == dtype_of<Types>() ? (body(Types()), true) : false) || ...)) return;
  std::string expected;
  ((expected += (expected.empty() ? "" : " or ") + name_of(dtype_of<Types>())), ...);
  refuse_dtype(where, what, dtype, expected);
}

template <class Body>
void with_real(const host::Where& where, cusynapse_dtype dtype, const Body& body) {
  with_type<float, double>(where, "dtype", dtype, body);
}

// Values

Device device_of(const host::Where& where, const cusynapse_device& device);
Stream stream_of(const host::Where& where, const cusynapse_stream& stream);
cusynapse_device device_of(Device device) noexcept;
cusynapse_stream stream_of(const Stream& stream) noexcept;
Shape shape_of(const host::Where& where, const char* what, const cusynapse_shape& shape);
cusynapse_shape shape_of(const Shape& shape) noexcept;

/// A number as an enumerator; throws `Error(invalid_argument)` outside 0 to `last`.
template <class Enum>
Enum enumerator(const host::Where& where, const char* what, std::int32_t value, Enum last) {
  host::check(value >= 0 && value <= static_cast<std::int32_t>(last), where, what, value,
              "one of its enumeration");
  return static_cast<Enum>(value);
}

template <class Enum>
std::int32_t number_of(Enum value) noexcept {
  return static_cast<std::int32_t>(value);
}

// Arrays: each converts to the view a C++ function takes, and is refused where its type is another.

/// An array to write to, or to read from (`Struct` const), as a view of the element type asked for.
template <class Struct>
class Array {
 public:
  Array(const host::Where& where, const char* what, const Struct& array)
      : where_(where), what_(what), array_(array) {}

  template <class T>
  operator View<T>() const {
    static_assert(std::is_const_v<T> == std::is_same_v<Struct, cusynapse_const_array>);
    using Element = std::remove_const_t<T>;
    if (is_left_out()) return {};
    if (array_.dtype != dtype_of<Element>()) {
      refuse_dtype(where_, std::string("element type of ") + what_, array_.dtype,
                   name_of(dtype_of<Element>()));
    }
    return View<T>(static_cast<T*>(array_.data), shape_of(where_, what_, array_.shape));
  }

  template <class T>
  operator SpikeInput<T>() const {
    if (is_left_out()) return View<const T>();
    const Shape shape = shape_of(where_, what_, array_.shape);
    if (array_.dtype == dtype_of<T>()) {
      return View<const T>(static_cast<const T*>(array_.data), shape);
    }
    const auto* bytes = static_cast<const std::uint8_t*>(array_.data);
    if (array_.dtype == CUSYNAPSE_UINT8) return View<const std::uint8_t>(bytes, shape);
    if (array_.dtype == CUSYNAPSE_BITS) return PackedSpikes(bytes, shape);
    refuse_dtype(where_, std::string("element type of ") + what_, array_.dtype,
                 name_of(dtype_of<T>()) + ", uint8 or bits");
  }

 private:
  bool is_left_out() const {
    return array_.data == nullptr && array_.dtype == 0 && array_.shape.rank == 0;
  }

  host::Where where_;
  const char* what_;
  const Struct& array_;
};

template <class T>
cusynapse_const_array array_of(View<const T> view) noexcept {
  return {view.data(), dtype_of<T>(), shape_of(view.shape())};
}
template <class T>
cusynapse_array array_of(View<T> view) noexcept {
  return {view.data(), dtype_of<T>(), shape_of(view.shape())};
}

/// A copy of an array of the host's, which must be of this shape.
template <class T>
std::vector<T> host_copy(const host::Where& where, const char* what,
                         const cusynapse_const_array& array, const Shape& expected) {
  const View<const T> view = Array<cusynapse_const_array>(where, what, array);
  host::check_array(where, what, view.data(), view.shape(), expected);
  return std::vector<T>(view.data(), view.data() + view.size());
}

/// The same the other way.
template <class T>
void copy_out(const host::Where& where, const char* what, const std::vector<T>& values,
              const cusynapse_array& array, const Shape& expected) {
  const View<T> view = Array<cusynapse_array>(where, what, array);
  host::check_array(where, what, view.data(), view.shape(), expected);
  std::copy(values.begin(), values.end(), view.data());
}

/// Injected currents as views, which live as long as this does.
template <class T>
class Injections {
 public:
  Injections(const host::Where& where, const cusynapse_const_array* currents, std::int64_t count)
      : count_(count) {
    host::check(count >= 0 && count <= max_injections, where, "injected_count",
                static_cast<double>(count), "0 to 16");
    if (count > 0) require(where, "injected", currents);
    for (std::int64_t i = 0; i < count; ++i) {
      views_[static_cast<std::size_t>(i)] =
          Array<cusynapse_const_array>(where, "injected", currents[i]);
    }
  }
  operator Injected<T>() const noexcept { return {views_.data(), count_}; }

 private:
  std::array<View<const T>, max_injections> views_;
  std::int64_t count_;
};

// Structs that may grow

/// Throws `Error(invalid_argument)` for a size that is none, and `Error(not_supported)` for one
/// larger than this library knows.
void check_struct_size(const host::Where& where, std::size_t got, std::size_t known);

/// Writes as much of `value` as the caller knows of, and the caller's size.
template <class Struct>
void write_struct(const host::Where& where, Struct* out, std::size_t size, Struct value) {
  check_struct_size(where, size, sizeof(Struct));
  value.struct_size = size;
  std::memcpy(out, &value, size);
}

/// The same into a struct that says its own size.
template <class Struct>
void write_struct(const host::Where& where, const char* what, Struct* out, const Struct& value) {
  require(where, what, out);
  write_struct(where, out, out->struct_size, value);
}

template <class Struct>
cusynapse_status init_struct(const char* function, Struct* out, std::size_t size,
                             const Struct& defaults) noexcept {
  return guarded(function, [&](const host::Where& where) {
    require(where, "struct", out);
    write_struct(where, out, size, defaults);
  });
}

/// What the caller gave, and the defaults of what its header did not have. Null: the defaults.
template <class Struct>
Struct read_struct(const host::Where& where, const Struct* given, const Struct& defaults) {
  Struct value = defaults;
  if (given == nullptr) return value;
  check_struct_size(where, given->struct_size, sizeof(Struct));
  std::memcpy(&value, given, given->struct_size);
  return value;
}

/// Gives an object away as a new handle.
template <class AnyHandle, class Object>
void give(AnyHandle** out, std::shared_ptr<Object> object) {
  *out = new AnyHandle{{std::move(object)}};
}

// Level-2 structs that objects hand out

cusynapse_ring_head head_of(const RingHead& head) noexcept;
RingHead head_of(const cusynapse_ring_head& head) noexcept;

template <class T>
cusynapse_ring ring_of(const Ring<T>& ring) noexcept {
  return {ring.data, ring.size, ring.stride, ring.slots, head_of(ring.head)};
}

}  // namespace cusynapse::c_api
