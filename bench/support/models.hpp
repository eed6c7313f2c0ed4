// The models benches go through, as a table.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "cusynapse/models.hpp"

namespace cusynapse::bench {

inline constexpr double step_time = 1.0;

/// The large population over these, where a bench shows how its rate depends on size.
inline constexpr std::int64_t smaller_parts[] = {4, 16, 64};

template <class T>
struct Model {
  const char* name;
  std::unique_ptr<CurrentSynapse<T>> (*make)(const Stream& stream, const SynapseOptions& options);
};

inline void set_constants(DeltaParameters& parameters) { parameters = {20.0}; }
inline void set_constants(ExponentialParameters& parameters) { parameters = {20.0, 5.0}; }
inline void set_constants(DoubleExponentialParameters& parameters) {
  parameters = {20.0, 8.0, 2.0};
}

template <class Current, class T>
std::unique_ptr<CurrentSynapse<T>> make_current(const Stream& stream,
                                                const SynapseOptions& options) {
  typename Current::Parameters parameters;
  set_constants(parameters);
  return std::make_unique<Current>(stream, options, parameters);
}

template <class T>
inline constexpr std::array<Model<T>, 5> models = {{
    {"delta", make_current<DeltaCurrent<T>, T>},
    {"delta_plus", make_current<DeltaPlusCurrent<T>, T>},
    {"single_exponential", make_current<SingleExponentialCurrent<T>, T>},
    {"double_exponential", make_current<DoubleExponentialCurrent<T>, T>},
    {"alpha", make_current<AlphaCurrent<T>, T>},
}};

/// The model of a name that is in the table.
template <class T>
const Model<T>& model_named(std::string_view name) {
  return *std::find_if(models<T>.begin(), models<T>.end(),
                       [name](const Model<T>& model) { return model.name == name; });
}

/// Options of `batch` samples of `size` synapses that remember `slots` steps.
inline SynapseOptions population(std::int64_t batch, std::int64_t size, std::int32_t slots) {
  SynapseOptions options;
  options.shape = {size};
  options.batch_size = batch;
  options.step_time = step_time;
  options.delay = (slots - 1) * step_time;
  return options;
}

}  // namespace cusynapse::bench
