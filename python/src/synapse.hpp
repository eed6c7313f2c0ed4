// Synapses as Python holds them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <type_traits>

#include "array.hpp"
#include "cusynapse/models.hpp"
#include "cusynapse/synapse.hpp"
#include "held.hpp"

namespace cusynapse::python {

/// The name of the type that traces or planned weights are stored as; none: that they are computed
/// in.
using StorageName = std::optional<std::string>;

inline StorageName to_storage_name(const nb::object& storage) {
  if (storage.is_none()) return std::nullopt;
  return dtype_text(storage);
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
    return choose<StorageType>(where, what, *name, {{"float64", StorageType::same}});
  }
}

template <class T>
const char* storage_text(StorageType storage) {
  if (storage == StorageType::float16) return "float16";
  if (storage == StorageType::bfloat16) return "bfloat16";
  return std::is_same_v<T, float> ? "float32" : "float64";
}

/// A synapse of either element type.
struct SynapseObject {
  Either<CurrentSynapse> synapse;
};

/// Arguments by name.
using Arguments = nb::typed<nb::dict, nb::str, nb::object>;

/// Makes synapses of one model and its constants, of either element type.
struct FactoryObject {
  const char* model;
  Arguments arguments;  ///< what the model's `factory` was called with
  SynapseFactory<float> of_float;
  SynapseFactory<double> of_double;

  template <class T>
  const SynapseFactory<T>& of() const {
    if constexpr (std::is_same_v<T, float>) {
      return of_float;
    } else {
      return of_double;
    }
  }
};

/// A synapse as an object of the class of its model.
template <class T>
nb::object wrap(const std::shared_ptr<CurrentSynapse<T>>& synapse,
                const std::shared_ptr<Guard>& guard);

}  // namespace cusynapse::python
