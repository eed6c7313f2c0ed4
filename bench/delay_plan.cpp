// Renewal of a dense connection's plan: after other delays, and after other weights alone.
#include <memory>
#include <utility>

#include "cusynapse/connection.hpp"
#include "support/benches.hpp"
#include "support/measure.hpp"
#include "support/name.hpp"
#include "support/sizes.hpp"
#include "support/weighted_sum.hpp"

namespace cusynapse::bench {
namespace {

constexpr std::int32_t slots = 17;

struct Change {
  const char* name;
  Parameter parameter;
  double bytes;  // a pair: delay and weight read, planned weight and, for new delays, slot written
};

constexpr Change changes[] = {
    {"delays", Parameter::delay, 13.0},
    {"weights", Parameter::weight, 12.0},
};

Work renewal_work(Backend& backend, const Change& change, std::int64_t size) {
  const Stream stream = backend.stream();
  const auto sum = std::make_shared<WeightedSum>(
      stream, stepped_synapse(stream, "single_exponential", population(1, size, slots)),
      [size](const Stream& on, std::shared_ptr<Synapse<float>> synapse) {
        return std::make_unique<LinearDense<float>>(on, Shape{size}, std::move(synapse));
      });
  Work work;
  work.items = static_cast<double>(size) * static_cast<double>(size);
  set_bytes(work, change.bytes * work.items);
  work.call = [sum, parameter = change.parameter] {
    sum->connection().edit(parameter);
    sum->connection().prepare(sum->stream());
  };
  return work;
}

}  // namespace

void register_delay_plan() {
  for (Backend* backend : backends()) {
    for (const Change& change : changes) {
      for (const std::int64_t full_size : {1024, 2048, 4096}) {
        const std::int64_t size = sized_length(full_size);
        register_bench(
            bench_name({"delay_plan", change.name, "single_exponential", backend->name(), "float"},
                       {{"N", size}, {"R", slots}}),
            *backend, [backend, &change, size] { return renewal_work(*backend, change, size); });
      }
    }
  }
}

}  // namespace cusynapse::bench
