// What values are stored as, by name.
#pragma once

#include <optional>
#include <string>
#include <type_traits>

#include "array.hpp"
#include "cusynapse/ops.hpp"

namespace cusynapse::python {

/// The name of the type that traces, planned weights or observations are stored as; none: that they
/// are computed in.
using StorageName = std::optional<std::string>;

inline StorageName to_storage_name(const nb::object& storage) {
  if (storage.is_none()) return std::nullopt;
  return dtype_text(storage);
}

/// The name of a storage of values of T, float, double or bool.
template <class T>
const char* storage_text(StorageType storage) {
  if (storage == StorageType::float16) return "float16";
  if (storage == StorageType::bfloat16) return "bfloat16";
  if (std::is_same_v<T, bool>) return "bool";
  return std::is_same_v<T, float> ? "float32" : "float64";
}

/// What a name means for values of T.
template <class T>
StorageType to_storage(const char* where, const char* what, const StorageName& name) {
  if (!name) return StorageType::same;
  if constexpr (std::is_same_v<T, float>) {
    return choose<StorageType>(where, what, *name,
                               {{"float32", StorageType::same},
                                {"float16", StorageType::float16},
                                {"bfloat16", StorageType::bfloat16}});
  } else {
    return choose<StorageType>(where, what, *name,
                               {{storage_text<T>(StorageType::same), StorageType::same}});
  }
}

}  // namespace cusynapse::python
