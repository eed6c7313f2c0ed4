// Convolutions with a delay for every weight, and the same sums as an array library makes them:
// from a history of patches, in which every pixel is there once for each weight it meets.
#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cusynapse/connection.hpp"
#include "support/benches.hpp"
#include "support/measure.hpp"
#include "support/name.hpp"
#include "support/sizes.hpp"
#include "support/spike_frames.hpp"
#include "support/weighted_sum.hpp"

namespace cusynapse::bench {
namespace {

constexpr const char* model = "single_exponential";
constexpr std::int32_t slots = 17;
constexpr std::int64_t batches[] = {1, 8, 32};

struct Layer {
  std::int64_t channels, full_extent, full_filters, kernel, padding;
  std::int64_t filters = sized_length(full_filters, 16);
  std::int64_t extent = sized_length(full_extent, padding + 1);  // every weight meets a pixel

  std::string name() const {
    const auto text = [](std::int64_t number) { return std::to_string(number); };
    return text(channels) + 'x' + text(extent) + 'x' + text(extent) + "_k" + text(kernel) + "_f" +
           text(filters);
  }
  Conv2DOptions options() const {
    Conv2DOptions options;
    options.channels = channels;
    options.height = extent;
    options.width = extent;
    options.filters = filters;
    options.kernel[0] = kernel;
    options.kernel[1] = kernel;
    options.padding[0] = padding;
    options.padding[1] = padding;
    return options;
  }
  std::int64_t patch() const { return channels * kernel * kernel; }
  std::int64_t positions() const {
    const std::int64_t out = extent + 2 * padding - kernel + 1;
    return out * out;
  }
  ProductShape product(std::int64_t batch) const { return {batch, patch(), positions() * filters}; }
  double multiply_adds(std::int64_t batch) const {
    return static_cast<double>(batch * patch() * positions() * filters);
  }
};

// The first layers of networks for event cameras, and one in the middle of an image network.
const std::array<Layer, 2>& layers() {
  static const std::array<Layer, 2> all = {{{2, 34, 16, 5, 2}, {32, 16, 64, 3, 1}}};
  return all;
}

SynapseOptions options_of(std::int64_t batch, const Shape& shape) {
  SynapseOptions options = population(batch, shape.size(), slots);
  options.shape = shape;
  return options;
}

std::unique_ptr<WeightedSum> convolution(Backend& backend, const Layer& layer, std::int64_t batch) {
  const Stream stream = backend.stream();
  return std::make_unique<WeightedSum>(
      stream,
      stepped_synapse(stream, model,
                      options_of(batch, {layer.channels, layer.extent, layer.extent})),
      [&layer](const Stream& on, std::shared_ptr<Synapse<float>> synapse) {
        return std::make_unique<Conv2D<float>>(on, layer.options(), std::move(synapse));
      });
}

Work conv2d_work(Backend& backend, const Layer& layer, std::int64_t batch) {
  const std::shared_ptr<WeightedSum> sum = convolution(backend, layer, batch);
  Work work = sum->work(layer.multiply_adds(batch));
  work.call = [sum] { sum->sum(); };
  return work;
}

/// A population of patches, stepped with the patches of what the pixels were stepped with.
std::shared_ptr<CurrentSynapse<float>> stepped_patches(const Layer& layer, WeightedSum& sum,
                                                       std::int64_t batch) {
  const Stream stream = sum.stream();
  std::shared_ptr<CurrentSynapse<float>> patches =
      model_named<float>(model).make(stream, options_of(batch, {layer.patch(), layer.positions()}));
  const SpikeFrames<float> inputs(stream, InputKind::bytes, sum.synapse().batched_shape(), 2);
  const Shape shape = patches->batched_shape();
  Buffer<std::uint8_t> unfolded(stream.device(), shape.size());
  for (std::int32_t t = 0; t < slots + 3; ++t) {
    const auto* const pixels = static_cast<const std::uint8_t*>(inputs.frame(t).data());
    sum.connection().like_synaptic(stream,
                                   View<const std::uint8_t>(pixels, sum.synapse().batched_shape()),
                                   unfolded.view(shape));
    patches->step(stream, unfolded.view(shape));
  }
  stream.synchronize();
  return patches;
}

/// Weights [filters][patch] for every output of a position: [patch][positions][filters].
std::vector<float> spread(const Layer& layer, const std::vector<float>& weights) {
  std::vector<float> out;
  out.reserve(static_cast<std::size_t>(layer.patch() * layer.positions() * layer.filters));
  for (std::int64_t n = 0; n < layer.patch(); ++n) {
    for (std::int64_t l = 0; l < layer.positions(); ++l) {
      for (std::int64_t f = 0; f < layer.filters; ++f) {
        out.push_back(weights[static_cast<std::size_t>(f * layer.patch() + n)]);
      }
    }
  }
  return out;
}

/// Outputs [batch][positions][filters] as [batch][filters][positions].
std::vector<float> filters_first(const Layer& layer, const std::vector<float>& out,
                                 std::int64_t batch) {
  std::vector<float> moved;
  moved.reserve(out.size());
  for (std::int64_t b = 0; b < batch; ++b) {
    for (std::int64_t f = 0; f < layer.filters; ++f) {
      for (std::int64_t l = 0; l < layer.positions(); ++l) {
        moved.push_back(
            out[static_cast<std::size_t>((b * layer.positions() + l) * layer.filters + f)]);
      }
    }
  }
  return moved;
}

Work naive_work(Backend& backend, const Layer& layer, std::int64_t batch) {
  const std::shared_ptr<WeightedSum> sum = convolution(backend, layer, batch);
  const auto naive = std::make_shared<NaiveSum>(
      backend, sum->connection(), stepped_patches(layer, *sum, batch),
      spread(layer, sum->connection().to_host(sum->stream(), Parameter::weight)),
      layer.product(batch));
  sum->sum();
  naive->sum();
  check_sums("the naive convolution", filters_first(layer, naive->out(), batch), sum->out());
  Work work = sum->work(layer.multiply_adds(batch));
  work.constants.clear();
  work.call = [sum, naive] { naive->sum(); };
  return work;
}

std::string name_of(const char* operation, Backend& backend, const Layer& layer,
                    std::int64_t batch) {
  return bench_name({operation, model, layer.name(), backend.name(), "float"},
                    {{"B", batch}, {"R", slots}});
}

}  // namespace

void register_conv2d() {
  for (Backend* backend : backends()) {
    for (const Layer& layer : layers()) {
      for (const std::int64_t batch : batches) {
        register_bench(name_of("conv2d", *backend, layer, batch), *backend,
                       [backend, &layer, batch] { return conv2d_work(*backend, layer, batch); });
        Layer full = layer;
        full.extent = layer.full_extent;
        full.filters = layer.full_filters;
        const ProductShape product = full.product(batch);
        if (product.batch * product.inputs * product.outputs <= NaiveSum::most_elements &&
            backend->has_weighted_sum()) {
          register_bench(name_of("conv2d_naive", *backend, layer, batch), *backend,
                         [backend, &layer, batch] { return naive_work(*backend, layer, batch); });
        }
      }
    }
  }
}

}  // namespace cusynapse::bench
