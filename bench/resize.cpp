// Changes of a synapse's batch size, delay and step time with its history kept.
#include <memory>

#include "cusynapse/models.hpp"
#include "support/benches.hpp"
#include "support/measure.hpp"
#include "support/models.hpp"
#include "support/name.hpp"
#include "support/spike_frames.hpp"
#include "support/step_bytes.hpp"

namespace cusynapse::bench {
namespace {

constexpr std::int64_t batch = 32;
constexpr std::int32_t slots = 11;
constexpr double delay = (slots - 1) * step_time;

// A change back and forth; `there` leads away from the population a bench starts with.
struct Change {
  const char* name;
  void (*apply)(CurrentSynapse<float>& synapse, const Stream& stream, bool there);
};

constexpr Change changes[] = {
    {"set_batch_size",
     [](CurrentSynapse<float>& synapse, const Stream& stream, bool there) {
       synapse.set_batch_size(stream, there ? 2 * batch : batch);
     }},
    {"set_delay_keep",
     [](CurrentSynapse<float>& synapse, const Stream& stream, bool there) {
       synapse.set_delay(stream, there ? 2 * delay : delay, HistoryChange::keep);
     }},
    {"set_step_time_keep",
     [](CurrentSynapse<float>& synapse, const Stream& stream, bool there) {
       synapse.set_step_time(stream, there ? step_time / 2 : step_time, HistoryChange::keep);
     }},
};

struct Resizing {
  Resizing(Backend& backend, const Change& of)
      : stream(backend.stream()),
        synapse(models<float>[2].make(
            stream, population(batch, backend.large_population() / 4 / batch, slots))),
        change(of) {
    const SpikeFrames<float> inputs(stream, InputKind::bytes, synapse->batched_shape(), 2);
    for (std::int32_t t = 0; t < slots + 3; ++t) synapse->step(stream, inputs.frame(t));
  }

  void toggle() {
    there = !there;
    change.apply(*synapse, stream, there);
  }

  Stream stream;
  std::unique_ptr<CurrentSynapse<float>> synapse;
  Change change;
  bool there = false;
};

Work resize_work(Backend& backend, const Change& change) {
  const auto resizing = std::make_shared<Resizing>(backend, change);
  const std::int64_t small = ring_bytes(resizing->synapse->step_arguments());
  resizing->toggle();
  const std::int64_t large = ring_bytes(resizing->synapse->step_arguments());
  resizing->toggle();
  Work work;
  work.call = [resizing] { resizing->toggle(); };
  work.items = static_cast<double>(resizing->synapse->step_arguments().size);
  // There: all of the small rings read, the large ones written. Back: as much read as written.
  work.bytes = (static_cast<double>(small + large) + 2.0 * static_cast<double>(small)) / 2.0;
  work.frame_bytes = small;
  work.working_bytes = small + large;
  return work;
}

}  // namespace

void register_resize() {
  for (Backend* backend : backends()) {
    for (const Change& change : changes) {
      register_bench(
          bench_name({change.name, models<float>[2].name, backend->name(), "float"},
                     {{"B", batch}, {"N", backend->large_population() / 4 / batch}, {"R", slots}}),
          *backend, [backend, &change] { return resize_work(*backend, change); });
    }
  }
}

}  // namespace cusynapse::bench
