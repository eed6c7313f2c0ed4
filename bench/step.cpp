// One step, and several in one call, of every model and every form of input.
#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>

#include "cusynapse/models.hpp"
#include "support/benches.hpp"
#include "support/measure.hpp"
#include "support/models.hpp"
#include "support/naive.hpp"
#include "support/name.hpp"
#include "support/sizes.hpp"
#include "support/spike_frames.hpp"
#include "support/step_bytes.hpp"

namespace cusynapse::bench {
namespace {

constexpr std::int64_t large_batch = 32;
constexpr std::int32_t slots = 11;
constexpr std::int64_t input_frames = 4;

struct Population {
  std::int64_t batch;
  std::int64_t size;
  Launch launch;
  StorageType storage = StorageType::same;

  SynapseOptions options() const {
    SynapseOptions options = population(batch, size, slots);
    options.storage = storage;
    return options;
  }
};

template <class T>
struct Stepping {
  Stepping(Backend& backend, const Model<T>& model, InputKind kind, const Population& of,
           std::int64_t frames)
      : stream(backend.stream()),
        synapse(model.make(stream, of.options())),
        inputs(stream, kind, synapse->batched_shape(), frames) {}

  void step() { synapse->step(stream, inputs.frame(time++)); }

  Stream stream;
  std::unique_ptr<CurrentSynapse<T>> synapse;
  SpikeFrames<T> inputs;
  std::int64_t time = 0;
};

template <class T>
Work work_of(const Stepping<T>& stepping, InputKind kind, std::int64_t steps, Launch launch) {
  const DecayInject<T> arguments = stepping.synapse->step_arguments();
  Work work;
  work.items = static_cast<double>(arguments.size * steps);
  work.bytes = step_bytes(arguments, kind, steps);
  work.frame_bytes = static_cast<std::int64_t>(sizeof(T)) * arguments.size;
  work.working_bytes = ring_bytes(arguments) + stepping.inputs.bytes();
  work.launch = launch;
  return work;
}

template <class T>
Work step_work(Backend& backend, const Model<T>& model, InputKind kind, const Population& of) {
  const auto stepping = std::make_shared<Stepping<T>>(backend, model, kind, of, input_frames);
  Work work = work_of(*stepping, kind, 1, of.launch);
  work.call = [stepping] { stepping->step(); };
  return work;
}

template <class T>
Work sequence_work(Backend& backend, const Model<T>& model, InputKind kind, const Population& of,
                   std::int64_t steps) {
  const auto stepping = std::make_shared<Stepping<T>>(backend, model, kind, of, steps);
  Work work = work_of(*stepping, kind, steps, of.launch);
  work.call = [stepping] {
    stepping->synapse->step_sequence(stepping->stream, stepping->inputs.sequence());
  };
  return work;
}

void step_with(NaiveStep<float>& naive, const SpikeInput<float>& input) {
  if (input.kind() == InputKind::bytes) {
    naive.step(static_cast<const std::uint8_t*>(input.data()));
  } else {
    naive.step(static_cast<const float*>(input.data()));
  }
}

// Both forms run side by side for a turn of the ring and must agree to the bit.
void check_against_library(Stepping<float>& stepping, NaiveStep<float>& naive) {
  for (int t = 0; t < slots + 1; ++t) {
    step_with(naive, stepping.inputs.frame(stepping.time));
    stepping.step();
  }
  const std::int32_t newest = (stepping.synapse->pointer(stepping.stream) + slots - 1) % slots;
  for (int k = 0; k < stepping.synapse->trace_count(); ++k) {
    const Ring<float> ring = stepping.synapse->trace_ring(k);
    if (!std::equal(naive.newest(k), naive.newest(k) + ring.size,
                    ring.data + newest * ring.stride)) {
      throw std::runtime_error("the naive step differs from the library's");
    }
  }
}

Work naive_work(Backend& backend, const Model<float>& model, InputKind kind, const Population& of) {
  const auto stepping = std::make_shared<Stepping<float>>(backend, model, kind, of, input_frames);
  const auto naive = std::make_shared<NaiveStep<float>>(stepping->synapse->step_arguments());
  check_against_library(*stepping, *naive);
  Work work = work_of(*stepping, kind, 1, of.launch);
  work.call = [stepping, naive] { step_with(*naive, stepping->inputs.frame(stepping->time++)); };
  return work;
}

std::string name_of_step(const char* operation, const char* model, InputKind kind,
                         const char* backend, const char* type, const Population& of) {
  std::string name = bench_name({operation, model, name_of(kind), backend, type},
                                {{"B", of.batch}, {"N", of.size}, {"R", slots}});
  if (of.launch == Launch::graph) name += "/graph";
  return name;
}

template <class T>
void register_one(Backend& backend, const Model<T>& model, InputKind kind, const Population& of) {
  register_bench(
      name_of_step("step", model.name, kind, backend.name(), stored_name<T>(of.storage), of),
      backend, [&backend, &model, kind, of] { return step_work(backend, model, kind, of); });
}

template <class T>
void register_sequence(Backend& backend, const Model<T>& model, InputKind kind,
                       const Population& of) {
  constexpr std::int64_t steps = 8;
  register_bench(name_of_step("step_sequence", model.name, kind, backend.name(),
                              stored_name<T>(of.storage), of) +
                     "/T:" + std::to_string(steps),
                 backend, [&backend, &model, kind, of] {
                   return sequence_work(backend, model, kind, of, steps);
                 });
}

}  // namespace

void register_step() {
  for (Backend* backend : backends()) {
    const bool cuda = backend->stream().device().kind == Device::Kind::cuda;
    const Population large = {large_batch, backend->large_population() / large_batch,
                              Launch::eager};
    const Population small = {1, sized_length(1024), cuda ? Launch::graph : Launch::eager};
    for (const Model<float>& model : models<float>) {
      for (const InputKind kind : input_kinds) {
        register_one(*backend, model, kind, large);
        if (!cuda && kind != InputKind::bits) {
          register_bench(
              name_of_step("step", model.name, kind, "naive", "float", large), *backend,
              [backend, &model, kind, large] { return naive_work(*backend, model, kind, large); });
        }
      }
      register_one(*backend, model, InputKind::bytes, small);
    }
    for (const std::int64_t part : smaller_parts) {
      Population smaller = large;
      smaller.size = std::max<std::int64_t>(smaller.size / part, 1);
      register_one(*backend, models<float>[2], InputKind::bytes, smaller);
    }
    const Model<double>& single = models<double>[2];
    register_one(*backend, single, InputKind::bytes, large);

    for (const InputKind kind : input_kinds) {
      register_sequence(*backend, models<float>[2], kind, large);
    }
    for (const StorageType storage : {StorageType::float16, StorageType::bfloat16}) {
      Population half = large;
      half.storage = storage;
      for (const std::size_t model : {2u, 3u}) {
        register_one(*backend, models<float>[model], InputKind::bytes, half);
      }
      register_sequence(*backend, models<float>[2], InputKind::bytes, half);
    }
  }
}

}  // namespace cusynapse::bench
