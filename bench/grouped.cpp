// Hundreds of small populations: stepped in one call, and one after another.
#include <memory>
#include <vector>

#include "cusynapse/models.hpp"
#include "support/benches.hpp"
#include "support/measure.hpp"
#include "support/models.hpp"
#include "support/name.hpp"
#include "support/sizes.hpp"
#include "support/spike_frames.hpp"
#include "support/step_bytes.hpp"

namespace cusynapse::bench {
namespace {

constexpr std::int64_t groups = 200;
constexpr std::int64_t full_group_size = 1000;
constexpr std::int32_t slots = 11;
constexpr std::int64_t input_frames = 4;

std::int64_t group_size() { return sized_length(full_group_size); }

struct Grouped {
  explicit Grouped(Backend& backend)
      : stream(backend.stream()),
        group(stream, members(stream)),
        inputs(stream, InputKind::bytes, {group.input_size()}, input_frames) {}

  static std::vector<std::unique_ptr<CurrentSynapse<float>>> members(const Stream& stream) {
    std::vector<std::unique_ptr<CurrentSynapse<float>>> made;
    for (std::int64_t i = 0; i < groups; ++i) {
      made.push_back(models<float>[2].make(stream, population(1, group_size(), slots)));
    }
    return made;
  }

  void step_together() { group.step(stream, inputs.frame(time++)); }

  void step_one_by_one() {
    const auto* frame = static_cast<const std::uint8_t*>(inputs.frame(time++).data());
    for (std::size_t i = 0; i < group.size(); ++i) {
      group[i].step(stream, View<const std::uint8_t>(frame + group.input_offset(i),
                                                     group[i].batched_shape()));
    }
  }

  Stream stream;
  SynapseGroup<float> group;
  SpikeFrames<float> inputs;
  std::int64_t time = 0;
};

Work grouped_work(Backend& backend, void (Grouped::*step)()) {
  const auto grouped = std::make_shared<Grouped>(backend);
  Work work;
  work.working_bytes = grouped->inputs.bytes();
  work.call = [grouped, step] { ((*grouped).*step)(); };
  for (std::size_t i = 0; i < grouped->group.size(); ++i) {
    const DecayInject<float> arguments = grouped->group[i].step_arguments();
    work.items += static_cast<double>(arguments.size);
    work.bytes += step_bytes(arguments, InputKind::bytes, 1);
    work.frame_bytes += arguments.size * static_cast<std::int64_t>(sizeof(float));
    work.working_bytes += ring_bytes(arguments);
  }
  work.launch = Launch::graph;
  return work;
}

void register_one(Backend& backend, const char* operation, void (Grouped::*step)()) {
  const bool cuda = backend.stream().device().kind == Device::Kind::cuda;
  register_bench(bench_name({operation, models<float>[2].name, "bytes", backend.name(), "float"},
                            {{"G", groups}, {"N", group_size()}, {"R", slots}}) +
                     (cuda ? "/graph" : ""),
                 backend, [&backend, step] { return grouped_work(backend, step); });
}

}  // namespace

void register_grouped() {
  for (Backend* backend : backends()) {
    register_one(*backend, "grouped", &Grouped::step_together);
    register_one(*backend, "one_by_one", &Grouped::step_one_by_one);
  }
}

}  // namespace cusynapse::bench
