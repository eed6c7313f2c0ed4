#include "golden/connection_of_case.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include "golden/replay.hpp"
#include "golden/synapse_of_case.hpp"

namespace cusynapse::golden {

namespace {

void read_pair(const Case& replayed, const std::string& key, std::int64_t (&pair)[2]) {
  const std::vector<std::int64_t> values = replayed.parameters.integers(key);
  if (values.size() != 2) refuse(replayed.place, key + " is not a pair");
  pair[0] = values[0];
  pair[1] = values[1];
}

ConnectionOptions connection_options(const Case& replayed) {
  const Fields& parameters = replayed.parameters;
  ConnectionOptions options;
  options.biased = parameters.flag("bias");
  options.delay = parameters.optional_number("delay");
  options.step_time = parameters.number("dt");
  options.batch_size = parameters.integer("batch");
  return options;
}

SynapseFactory<float> synapse_factory(const Case& replayed) {
  const Place place = replayed.place;
  const std::string class_name = replayed.parameters.text("cls");
  const SynapseOptions defaults = selection_options(replayed);
  const SynapseConstants constants = synapse_constants(replayed);
  return [=](const Stream& stream, const Shape& shape, double step_time, double delay,
             std::int64_t batch_size) -> std::unique_ptr<Synapse<float>> {
    SynapseOptions options = defaults;
    options.shape = shape;
    options.step_time = step_time;
    options.delay = delay;
    options.batch_size = batch_size;
    return make_synapse(stream, place, class_name, options, constants);
  };
}

}  // namespace

Conv2DOptions convolution_of_case(const Case& replayed) {
  const Fields& parameters = replayed.parameters;
  Conv2DOptions geometry;
  geometry.channels = parameters.integer("channels");
  geometry.height = parameters.integer("height");
  geometry.width = parameters.integer("width");
  geometry.filters = parameters.integer("filters");
  read_pair(replayed, "kernel", geometry.kernel);
  read_pair(replayed, "stride", geometry.stride);
  read_pair(replayed, "padding", geometry.padding);
  read_pair(replayed, "dilation", geometry.dilation);
  return geometry;
}

std::unique_ptr<Connection<float>> make_connection(const Stream& stream, const Case& replayed) {
  const Fields& parameters = replayed.parameters;
  const std::string& class_name = parameters.text("conn");
  const ConnectionOptions options = connection_options(replayed);
  const SynapseFactory<float> factory = synapse_factory(replayed);
  const Shape input = to_shape(parameters.integers("in_shape"));
  const Shape output = to_shape(parameters.integers("out_shape"));
  if (class_name == "LinearDense") {
    return std::make_unique<LinearDense<float>>(stream, input, output, options, factory);
  }
  if (class_name == "LinearDirect") {
    return std::make_unique<LinearDirect<float>>(stream, input, options, factory);
  }
  if (class_name == "LinearLateral") {
    return std::make_unique<LinearLateral<float>>(stream, input, options, factory);
  }
  if (class_name == "Conv2D") {
    return std::make_unique<Conv2D<float>>(stream, convolution_of_case(replayed), options, factory);
  }
  refuse(replayed.place, "unknown connection '" + class_name + "'");
}

}  // namespace cusynapse::golden
