// Memory of traces and planned weights, whose type is known at run time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>

#include "cusynapse/buffer.hpp"
#include "cusynapse/ops.hpp"
#include "host/check.hpp"

namespace cusynapse::host {

/// A storage, as messages name it; null for one that does not exist.
const char* name_of(StorageType storage);

/// Throws `Error(invalid_argument)` for a storage that there is not for values of T.
template <class T>
void check_storage(const Where& where, StorageType storage) {
  const char* const name = name_of(storage);
  if (name == nullptr) {
    refuse(where, "storage", std::to_string(static_cast<int>(storage)),
           "same, float16 or bfloat16");
  }
  if (!std::is_same_v<T, float> && storage != StorageType::same) {
    refuse(where, "storage", name, "same: 16 bits are for float alone");
  }
}

/// Throws `Error(invalid_argument)` unless all of `count` arrays are stored in the same type, one
/// that there is.
template <class T>
void check_stored(const Where& where, const char* what, const StoredData<T> (&data)[max_traces],
                  int count) {
  for (int k = 0; k < count; ++k) {
    check_storage<std::remove_const_t<T>>(where, data[k].storage());
    if (data[k].storage() != data[0].storage()) {
      refuse(where, what,
             std::string(name_of(data[0].storage())) + " and " + name_of(data[k].storage()),
             "all of one storage");
    }
  }
}

/// Bytes of an element.
template <class T>
std::size_t element_bytes(StorageType storage) {
  return visit_storage<T>(storage, [](auto element) { return sizeof element; });
}

/// Uninitialised memory for `size` elements.
template <class T>
Buffer<std::uint8_t> make_stored(Device device, StorageType storage, std::int64_t size) {
  const std::size_t bytes = memory::checked_bytes(size, element_bytes<T>(storage));
  return Buffer<std::uint8_t>(device, static_cast<std::int64_t>(bytes));
}

/// The elements in it.
template <class T>
StoredData<T> stored_data(const Buffer<std::uint8_t>& memory, StorageType storage) {
  return StoredData<T>(const_cast<std::uint8_t*>(memory.data()), storage);
}

}  // namespace cusynapse::host
