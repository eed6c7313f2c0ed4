// Synapses that are made from their states alone.
#include "cusynapse/models.hpp"

#include <string>

#include "cusynapse/error.hpp"

namespace cusynapse {

template <class T>
std::unique_ptr<CurrentSynapse<T>> load_synapse(const Stream& stream, StateBytes bytes) {
  StateReader state(bytes);
  const std::string& name = state.class_name();
  std::unique_ptr<CurrentSynapse<T>> made;
  if (name == DeltaModel::name) {
    made = std::make_unique<DeltaCurrent<T>>(stream, state);
  } else if (name == DeltaPlusModel::name) {
    made = std::make_unique<DeltaPlusCurrent<T>>(stream, state);
  } else if (name == SingleExponentialModel::name) {
    made = std::make_unique<SingleExponentialCurrent<T>>(stream, state);
  } else if (name == DoubleExponentialModel::name) {
    made = std::make_unique<DoubleExponentialCurrent<T>>(stream, state);
  } else if (name == AlphaModel::name) {
    made = std::make_unique<AlphaCurrent<T>>(stream, state);
  } else {
    throw Error(Errc::not_supported,
                "load_synapse: class is " + name + ", expected a synapse of the library's models");
  }
  state.finish();
  return made;
}

template std::unique_ptr<CurrentSynapse<float>> load_synapse(const Stream&, StateBytes);
template std::unique_ptr<CurrentSynapse<double>> load_synapse(const Stream&, StateBytes);

}  // namespace cusynapse
