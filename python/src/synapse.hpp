// Synapses as Python holds them.
#pragma once

#include <memory>
#include <type_traits>

#include "array.hpp"
#include "cusynapse/models.hpp"
#include "cusynapse/synapse.hpp"
#include "held.hpp"
#include "storage.hpp"

namespace cusynapse::python {

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
