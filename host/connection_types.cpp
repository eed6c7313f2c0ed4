// The connections there are: what each is, as data.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "cusynapse/connection.hpp"
#include "host/check.hpp"
#include "host/state.hpp"

namespace cusynapse {
namespace {

// Extents whose product is checked before anything is made of it.
std::int64_t checked_size(const host::Where& where, const Shape& shape) {
  return host::checked_frame_size(where, shape, 1);
}

// The product of two sizes, as elements of a matrix.
void check_weights(const host::Where& where, std::int64_t outputs, std::int64_t inputs) {
  constexpr std::int64_t most = std::int64_t{1} << 31;
  host::check(inputs <= most, where, "number of inputs", static_cast<double>(inputs),
              "at most 2^31");
  host::check(outputs <= most, where, "number of outputs", static_cast<double>(outputs),
              "at most 2^31");
  host::checked_product(where, "number of weights", {outputs, inputs});
}

template <class T>
Shape shape_of(const char* name, const std::shared_ptr<Synapse<T>>& synapse) {
  if (synapse == nullptr) host::refuse(name, "synapse", "null", "a synapse");
  return synapse->shape();
}

template <class Description>
Description dense(const char* name, const Shape& input, const Shape& output) {
  Description d;
  d.name = name;
  d.layout = SynapticLayout::dense;
  d.input = input;
  d.output = output;
  const std::int64_t inputs = checked_size(d.name, input);
  const std::int64_t outputs = checked_size(d.name, output);
  check_weights(d.name, outputs, inputs);
  d.synaptic = {inputs};
  d.weight = {outputs, inputs};
  d.bias = {outputs};
  d.synapse = {inputs};
  return d;
}

template <class Description>
Description direct(const Shape& shape) {
  Description d;
  d.name = "LinearDirect";
  d.layout = SynapticLayout::direct;
  d.input = shape;
  d.output = shape;
  const std::int64_t size = checked_size(d.name, shape);
  check_weights(d.name, size, 1);
  d.synaptic = {size};
  d.weight = {size};
  d.bias = {size};
  d.synapse = {size};
  return d;
}

template <class Description>
Description lateral(const Shape& shape) {
  Description d = dense<Description>("LinearLateral", shape, shape);
  d.is_lateral = true;
  return d;
}

template <class Description>
Description convolution(const Conv2DOptions& options) {
  Description d;
  d.name = "Conv2D";
  d.layout = SynapticLayout::convolution;
  d.input = {options.channels, options.height, options.width};
  checked_size(d.name, d.input);
  const host::Where where = d.name;
  constexpr std::int64_t most = std::int64_t{1} << 31;
  const auto check_extent = [&](const char* what, std::int64_t value, std::int64_t least) {
    host::check(value >= least && value <= most, where, what, static_cast<double>(value),
                least == 0 ? "0 to 2^31" : "1 to 2^31");
  };
  check_extent("channels", options.channels, 1);
  check_extent("filters", options.filters, 1);
  ConvolutionGeometry& g = d.geometry;
  g.channels = options.channels;
  g.height = options.height;
  g.width = options.width;
  g.filters = options.filters;
  for (int axis = 0; axis < 2; ++axis) {
    check_extent("kernel", options.kernel[axis], 1);
    check_extent("stride", options.stride[axis], 1);
    check_extent("padding", options.padding[axis], 0);
    check_extent("dilation", options.dilation[axis], 1);
    g.kernel[axis] = options.kernel[axis];
    g.stride[axis] = options.stride[axis];
    g.padding[axis] = options.padding[axis];
    g.dilation[axis] = options.dilation[axis];
    const std::int64_t size = axis == 0 ? options.height : options.width;
    const std::int64_t reach = g.dilation[axis] * (g.kernel[axis] - 1) + 1;
    const std::int64_t padded = size + 2 * g.padding[axis];
    if (reach > padded) {
      host::refuse(where, axis == 0 ? "kernel height with dilation" : "kernel width with dilation",
                   std::to_string(reach), "at most the padded input, " + std::to_string(padded));
    }
    if (padded > std::int64_t{1} << 30) {
      host::refuse(where, axis == 0 ? "height with padding" : "width with padding",
                   std::to_string(padded), "at most 2^30 pixels");
    }
    (axis == 0 ? g.out_height : g.out_width) = (padded - reach) / g.stride[axis] + 1;
  }
  d.output = {g.filters, g.out_height, g.out_width};
  checked_size(d.name, d.output);
  checked_size(d.name, {g.channels, g.kernel[0], g.kernel[1], g.filters});
  check_extent("number of weights", g.filters * g.patch(), 1);
  d.synaptic = {g.patch(), g.positions()};
  checked_size(d.name, d.synaptic);
  d.weight = {g.filters, g.channels, g.kernel[0], g.kernel[1]};
  d.bias = {g.filters};
  d.synapse = d.input;
  return d;
}

// The geometry in a state. Its pairs are checked against the description made of it.
Conv2DOptions geometry_of(StateReader& state) {
  const auto read = [&](const char* name, int rank) {
    const Shape shape = state.shape(name);
    if (shape.rank() != rank) {
      state.refuse("length of record \"" + std::string(name) + '"', std::to_string(shape.rank()),
                   std::to_string(rank));
    }
    return shape;
  };
  const Shape input = read("input_shape", 3);
  const Shape output = read("output_shape", 3);
  Conv2DOptions options;
  options.channels = input[0];
  options.height = input[1];
  options.width = input[2];
  options.filters = output[0];
  const auto copy = [&](const char* name, std::int64_t* to) {
    const Shape pair = read(name, 2);
    std::copy(pair.begin(), pair.end(), to);
  };
  copy("kernel", options.kernel);
  copy("stride", options.stride);
  copy("padding", options.padding);
  copy("dilation", options.dilation);
  return options;
}

}  // namespace

template <class T>
LinearDense<T>::LinearDense(const Stream& stream, const Shape& input, const Shape& output,
                            const ConnectionOptions& options, const SynapseFactory<T>& factory)
    : Connection<T>(stream,
                    dense<typename Connection<T>::Description>("LinearDense", input, output),
                    options, factory) {}

template <class T>
LinearDense<T>::LinearDense(const Stream& stream, const Shape& output,
                            std::shared_ptr<Synapse<T>> synapse, bool biased, std::uint64_t seed)
    : Connection<T>(stream,
                    dense<typename Connection<T>::Description>(
                        "LinearDense", shape_of("LinearDense", synapse), output),
                    biased, seed, synapse) {}

template <class T>
LinearDense<T>::LinearDense(const Stream& stream, StateReader& state,
                            std::shared_ptr<Synapse<T>> synapse)
    : Connection<T>(stream,
                    dense<typename Connection<T>::Description>(
                        "LinearDense", state.shape("input_shape"), state.shape("output_shape")),
                    state, std::move(synapse)) {}

template <class T>
LinearDirect<T>::LinearDirect(const Stream& stream, const Shape& shape,
                              const ConnectionOptions& options, const SynapseFactory<T>& factory)
    : Connection<T>(stream, direct<typename Connection<T>::Description>(shape), options, factory) {}

template <class T>
LinearDirect<T>::LinearDirect(const Stream& stream, std::shared_ptr<Synapse<T>> synapse,
                              bool biased, std::uint64_t seed)
    : Connection<T>(stream,
                    direct<typename Connection<T>::Description>(shape_of("LinearDirect", synapse)),
                    biased, seed, synapse) {}

template <class T>
LinearDirect<T>::LinearDirect(const Stream& stream, StateReader& state,
                              std::shared_ptr<Synapse<T>> synapse)
    : Connection<T>(stream, direct<typename Connection<T>::Description>(state.shape("input_shape")),
                    state, std::move(synapse)) {}

template <class T>
LinearLateral<T>::LinearLateral(const Stream& stream, const Shape& shape,
                                const ConnectionOptions& options, const SynapseFactory<T>& factory)
    : Connection<T>(stream, lateral<typename Connection<T>::Description>(shape), options, factory) {
}

template <class T>
LinearLateral<T>::LinearLateral(const Stream& stream, std::shared_ptr<Synapse<T>> synapse,
                                bool biased, std::uint64_t seed)
    : Connection<T>(
          stream, lateral<typename Connection<T>::Description>(shape_of("LinearLateral", synapse)),
          biased, seed, synapse) {}

template <class T>
LinearLateral<T>::LinearLateral(const Stream& stream, StateReader& state,
                                std::shared_ptr<Synapse<T>> synapse)
    : Connection<T>(stream,
                    lateral<typename Connection<T>::Description>(state.shape("input_shape")), state,
                    std::move(synapse)) {}

template <class T>
Conv2D<T>::Conv2D(const Stream& stream, const Conv2DOptions& geometry,
                  const ConnectionOptions& options, const SynapseFactory<T>& factory)
    : Connection<T>(stream, convolution<typename Connection<T>::Description>(geometry), options,
                    factory) {}

template <class T>
Conv2D<T>::Conv2D(const Stream& stream, const Conv2DOptions& geometry,
                  std::shared_ptr<Synapse<T>> synapse, bool biased, std::uint64_t seed)
    : Connection<T>(stream, convolution<typename Connection<T>::Description>(geometry), biased,
                    seed, std::move(synapse)) {}

template <class T>
Conv2D<T>::Conv2D(const Stream& stream, StateReader& state, std::shared_ptr<Synapse<T>> synapse)
    : Connection<T>(stream, convolution<typename Connection<T>::Description>(geometry_of(state)),
                    state, std::move(synapse)) {}

template <class T>
std::unique_ptr<Connection<T>> load_connection(const Stream& stream, StateBytes bytes,
                                               std::shared_ptr<Synapse<T>> synapse) {
  StateReader state(bytes);
  const std::string& name = state.class_name();
  std::unique_ptr<Connection<T>> made;
  host::from_state([&] {
    if (name == "LinearDense") {
      made.reset(new LinearDense<T>(stream, state, std::move(synapse)));
    } else if (name == "LinearDirect") {
      made.reset(new LinearDirect<T>(stream, state, std::move(synapse)));
    } else if (name == "LinearLateral") {
      made.reset(new LinearLateral<T>(stream, state, std::move(synapse)));
    } else if (name == "Conv2D") {
      made.reset(new Conv2D<T>(stream, state, std::move(synapse)));
    } else {
      throw Error(Errc::not_supported,
                  "load_connection: class is " + name + ", expected one of the library's");
    }
  });
  state.finish();
  return made;
}

template std::unique_ptr<Connection<float>> load_connection(const Stream&, StateBytes,
                                                            std::shared_ptr<Synapse<float>>);
template std::unique_ptr<Connection<double>> load_connection(const Stream&, StateBytes,
                                                             std::shared_ptr<Synapse<double>>);

template class LinearDense<float>;
template class LinearDense<double>;
template class LinearDirect<float>;
template class LinearDirect<double>;
template class LinearLateral<float>;
template class LinearLateral<double>;
template class Conv2D<float>;
template class Conv2D<double>;

}  // namespace cusynapse
