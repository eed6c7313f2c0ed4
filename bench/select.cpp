// Currents at delays off the grid, one and several a synapse.
#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "cusynapse/buffer.hpp"
#include "cusynapse/models.hpp"
#include "support/benches.hpp"
#include "support/measure.hpp"
#include "support/models.hpp"
#include "support/naive.hpp"
#include "support/name.hpp"
#include "support/random.hpp"
#include "support/spike_frames.hpp"
#include "support/step_bytes.hpp"

namespace cusynapse::bench {
namespace {

constexpr std::int64_t batch = 32;
constexpr std::int64_t no_samples = 0;

struct Case {
  const char* model;
  std::int32_t slots;
  std::int64_t samples;   // D; no_samples for a selector shaped as the synapse
  bool naive;             // whether there is a naive form
  std::int64_t part = 1;  // population: the large one over this
  StorageType storage = StorageType::same;

  std::int64_t size(Backend& backend) const {
    return std::max<std::int64_t>(backend.large_population() / batch / part, 1);
  }
  SynapseOptions options(Backend& backend) const {
    SynapseOptions options = population(batch, size(backend), slots);
    options.storage = storage;
    return options;
  }
};

constexpr Case cases[] = {
    {"delta", 11, no_samples, false},
    {"delta_plus", 11, no_samples, true},
    {"single_exponential", 11, no_samples, true},
    {"single_exponential", 33, no_samples, true},
    {"single_exponential", 11, 1, true},
    {"single_exponential", 11, 8, true},
    {"double_exponential", 11, no_samples, true},
    {"alpha", 11, no_samples, false},
};

template <class T>
struct Selecting {
  Selecting(Backend& backend, const Case& of)
      : stream(backend.stream()),
        synapse(model_named<T>(of.model).make(stream, of.options(backend))),
        shape(of.samples == no_samples ? synapse->batched_shape()
                                       : synapse->batched_shape().appended(of.samples)),
        selector(stream, uniform_values<T>(shape.size(), synapse->delay()).data(), shape.size()),
        out(stream.device(), shape.size()) {
    const SpikeFrames<T> inputs(stream, InputKind::bytes, synapse->batched_shape(), 2);
    for (std::int32_t t = 0; t < of.slots + 3; ++t) synapse->step(stream, inputs.frame(t));
    stream.synchronize();
  }

  void select() {
    synapse->current_at(stream, View<const T>(selector.data(), shape), out.view(shape));
  }

  Stream stream;
  std::unique_ptr<CurrentSynapse<T>> synapse;
  Shape shape;
  Buffer<T> selector;
  Buffer<T> out;
};

template <class T>
Work work_of(const Selecting<T>& selecting) {
  const DecayInject<T> rings = selecting.synapse->step_arguments();
  const double selections = static_cast<double>(selecting.shape.size());
  const double samples = selections / static_cast<double>(rings.size);
  Work work;
  work.items = selections;
  work.bytes = selections * 2.0 * sizeof(T) + gathered_bytes(rings, samples, 1.0);
  work.frame_bytes = selecting.shape.size() * static_cast<std::int64_t>(sizeof(T));
  work.working_bytes = ring_bytes(rings) + 2 * work.frame_bytes;
  const double sector = selecting.stream.device().kind == Device::Kind::cuda ? 32.0 : 64.0;
  work.constants = {
      {"sector_bytes", selections * 2.0 * sizeof(T) + gathered_bytes(rings, samples, sector)}};
  return work;
}

template <class T>
Work select_work(Backend& backend, const Case& of) {
  const auto selecting = std::make_shared<Selecting<T>>(backend, of);
  Work work = work_of(*selecting);
  work.call = [selecting] { selecting->select(); };
  return work;
}

DelayedSelect<float> arguments_of(const Selecting<float>& selecting, const Case& of) {
  DelayedSelect<float> arguments = selecting.synapse->select_arguments();
  arguments.samples = std::max<std::int64_t>(of.samples, 1);
  return arguments;
}

// Both forms use the same exponential, so they must agree to the bit.
void check_against_library(Selecting<float>& selecting, NaiveSelect<float>& naive) {
  selecting.select();
  std::vector<float> out(static_cast<std::size_t>(selecting.shape.size()));
  naive.select(selecting.selector.data(), out.data());
  if (!std::equal(out.begin(), out.end(), selecting.out.data())) {
    throw std::runtime_error("the naive select differs from the library's");
  }
}

Work naive_work(Backend& backend, const Case& of) {
  const auto selecting = std::make_shared<Selecting<float>>(backend, of);
  const auto naive = std::make_shared<NaiveSelect<float>>(arguments_of(*selecting, of));
  check_against_library(*selecting, *naive);
  Work work = work_of(*selecting);
  work.call = [selecting, naive] {
    naive->select(selecting->selector.data(), selecting->out.data());
  };
  return work;
}

std::string name_of_select(Backend& backend, const Case& of, const char* how, const char* type) {
  std::string name = bench_name({"select", of.model, "off_grid", how, type},
                                {{"B", batch}, {"N", of.size(backend)}, {"R", of.slots}});
  return name + "/D:" + (of.samples == no_samples ? "none" : std::to_string(of.samples));
}

template <class T>
void register_one(Backend& backend, const Case& of) {
  register_bench(name_of_select(backend, of, backend.name(), stored_name<T>(of.storage)), backend,
                 [&backend, of] { return select_work<T>(backend, of); });
}

}  // namespace

void register_select() {
  for (Backend* backend : backends()) {
    for (const Case& of : cases) {
      register_one<float>(*backend, of);
      if (of.naive && backend->stream().device().kind == Device::Kind::cpu) {
        register_bench(name_of_select(*backend, of, "naive", "float"), *backend,
                       [backend, of] { return naive_work(*backend, of); });
      }
    }
    for (const std::int64_t part : smaller_parts) {
      register_one<float>(*backend, {"single_exponential", 11, no_samples, false, part});
      register_one<float>(*backend, {"single_exponential", 11, 8, false, part});
    }
    for (const StorageType storage : {StorageType::float16, StorageType::bfloat16}) {
      for (const std::int32_t slots : {11, 33}) {
        register_one<float>(*backend, {"single_exponential", slots, no_samples, false, 1, storage});
      }
    }
    register_one<double>(*backend, {"single_exponential", 11, no_samples, false});
  }
}

}  // namespace cusynapse::bench
