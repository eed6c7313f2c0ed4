// The limits themselves: the copy, as the floor of everything that is bound by memory, and loads
// from shared memory.
#include <cstring>
#include <memory>

#include "cusynapse/buffer.hpp"
#include "support/benches.hpp"
#include "support/measure.hpp"
#include "support/name.hpp"

namespace cusynapse::bench {
namespace {

constexpr std::int64_t frames = 11;

using Copy = void (*)(Backend& backend, float* destination, const float* source,
                      std::int64_t count);

void copy_as_compared(Backend& backend, float* destination, const float* source,
                      std::int64_t count) {
  backend.copy(destination, source, count);
}

void copy_by_memcpy(Backend&, float* destination, const float* source, std::int64_t count) {
  std::memcpy(destination, source, static_cast<std::size_t>(count) * sizeof(float));
}

Work copy_work(Backend& backend, Copy copy) {
  const std::int64_t size = backend.large_population();
  const auto ring = std::make_shared<Buffer<float>>(backend.stream().device(), size * frames);
  ring->fill_zero(backend.stream());
  Work work;
  work.items = static_cast<double>(size);
  work.bytes = 2.0 * static_cast<double>(size) * sizeof(float);
  work.frame_bytes = size * static_cast<std::int64_t>(sizeof(float));
  work.working_bytes = work.frame_bytes * frames;
  work.call = [&backend, ring, size, copy, from = std::int64_t{0}]() mutable {
    const std::int64_t to = (from + 1) % frames;
    copy(backend, ring->data() + to * size, ring->data() + from * size, size);
    from = to;
  };
  return work;
}

Work shared_load_work(Backend& backend) {
  Work work;
  work.items = backend.load_shared();
  work.item_rate = "shared_B/s";
  work.call = [&backend] { backend.load_shared(); };
  return work;
}

void register_one(Backend& backend, const char* how, Copy copy) {
  register_bench(bench_name({"copy", how, backend.name(), "float"},
                            {{"N", backend.large_population()}, {"R", frames}}),
                 backend, [&backend, copy] { return copy_work(backend, copy); });
}

}  // namespace

void register_copy() {
  for (Backend* backend : backends()) {
    const bool cuda = backend->stream().device().kind == Device::Kind::cuda;
    register_one(*backend, cuda ? "device_to_device" : "loop", copy_as_compared);
    if (!cuda) register_one(*backend, "memcpy", copy_by_memcpy);
    if (cuda) {
      register_bench(bench_name({"shared_load", "16_bytes", backend->name(), "float"}, {}),
                     *backend, [backend] { return shared_load_work(*backend); });
    }
  }
}

}  // namespace cusynapse::bench
