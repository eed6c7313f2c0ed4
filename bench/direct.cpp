// Direct connections: one delayed input to one output.
#include <memory>
#include <utility>

#include "cusynapse/connection.hpp"
#include "support/benches.hpp"
#include "support/measure.hpp"
#include "support/name.hpp"
#include "support/sizes.hpp"
#include "support/step_bytes.hpp"
#include "support/weighted_sum.hpp"

namespace cusynapse::bench {
namespace {

constexpr std::int32_t slots = 17;

struct Case {
  const char* model;
  std::int64_t batch;
  std::int64_t size;
};

Work direct_work(Backend& backend, const Case& of) {
  const Stream stream = backend.stream();
  const auto sum = std::make_shared<WeightedSum>(
      stream, stepped_synapse(stream, of.model, population(of.batch, of.size, slots)),
      [](const Stream& on, std::shared_ptr<Synapse<float>> synapse) {
        return std::make_unique<LinearDirect<float>>(on, std::move(synapse));
      });
  const double synapses = static_cast<double>(of.batch * of.size);
  Work work = sum->work(synapses);
  // Each synapse reads one of its observations and writes a result.
  set_bytes(work, sum->plan_bytes() + gathered_bytes(sum->synapse().step_arguments(), 1.0, 1.0) +
                      sizeof(float) * synapses);
  work.working_bytes = static_cast<std::int64_t>(sum->ring_bytes());
  work.call = [sum] { sum->sum(); };
  return work;
}

}  // namespace

void register_direct() {
  for (Backend* backend : backends()) {
    for (const Case& of : {Case{"single_exponential", 32, backend->large_population() / 32},
                           Case{"single_exponential", 1, sized_length(1024)},
                           Case{"delta", 32, backend->large_population() / 32}}) {
      register_bench(bench_name({"direct", of.model, backend->name(), "float"},
                                {{"B", of.batch}, {"N", of.size}, {"R", slots}}),
                     *backend, [backend, of] { return direct_work(*backend, of); });
    }
  }
}

}  // namespace cusynapse::bench
