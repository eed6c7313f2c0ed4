// Dense connections: every input to every output, each pair with a delay of its own. Beside them
// the same sums as an array library makes them, and products without delays by the vendor's BLAS.
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "cusynapse/connection.hpp"
#include "support/benches.hpp"
#include "support/measure.hpp"
#include "support/name.hpp"
#include "support/random.hpp"
#include "support/sizes.hpp"
#include "support/spike_frames.hpp"
#include "support/step_bytes.hpp"
#include "support/weighted_sum.hpp"

namespace cusynapse::bench {
namespace {

constexpr const char* exponential = "single_exponential";
constexpr std::int64_t batches[] = {1, 8, 32, 128};
constexpr std::int64_t full_sizes[] = {256, 512, 1024, 2048, 4096};
constexpr std::int64_t full_middle_size = 1024;
constexpr std::int32_t few_slots = 17;
constexpr std::int32_t more_slots = 33;
constexpr std::int32_t many_slots = 65;
constexpr std::int32_t undelayed = 1;
constexpr std::int64_t sequence_steps = 32;

struct Case {
  const char* model;
  std::int64_t batch;
  std::int64_t size;  // of inputs and of outputs
  std::int32_t slots;
  StorageType weights = StorageType::same;  // of the plan

  double multiply_adds() const {
    return static_cast<double>(batch) * static_cast<double>(size) * static_cast<double>(size);
  }
  ProductShape product() const { return {batch, size, size}; }
};

std::unique_ptr<WeightedSum> dense(Backend& backend, const Case& of) {
  const Stream stream = backend.stream();
  return std::make_unique<WeightedSum>(
      stream, stepped_synapse(stream, of.model, population(of.batch, of.size, of.slots)),
      [&of](const Stream& on, std::shared_ptr<Synapse<float>> synapse) {
        auto made = std::make_unique<LinearDense<float>>(on, Shape{of.size}, std::move(synapse));
        made->set_weight_storage(on, of.weights);
        return made;
      });
}

/// The product of a connection's weights with the newest currents of its synapse.
class Product {
 public:
  Product(Backend& backend, WeightedSum& dense, const Case& of)
      : sgemm_(*backend.sgemm()),
        stream_(backend.stream()),
        weights_(dense.connection().weight().data()),
        shape_(of.product()),
        input_(stream_.device(), of.batch * of.size),
        out_(stream_.device(), of.batch * of.size) {
    dense.synapse().current(stream_, input_.view({of.batch, of.size}));
  }
  void multiply() { sgemm_.multiply(weights_, input_.data(), out_.data(), shape_); }
  std::vector<float> out() const { return host_copy(stream_, out_); }

 private:
  Sgemm& sgemm_;
  Stream stream_;
  const float* weights_;
  ProductShape shape_;
  Buffer<float> input_, out_;
};

void compare_with_sgemm(Work& work, Backend& backend, const std::shared_ptr<WeightedSum>& sum,
                        const Case& of) {
  if (backend.sgemm() == nullptr) return;
  const auto product = std::make_shared<Product>(backend, *sum, of);
  work.reference = [sum, product] { product->multiply(); };
  work.reference_ratio = "ratio_to_sgemm";
}

Work dense_work(Backend& backend, const Case& of) {
  const std::shared_ptr<WeightedSum> sum = dense(backend, of);
  Work work = sum->work(of.multiply_adds());
  work.call = [sum] { sum->sum(); };
  compare_with_sgemm(work, backend, sum, of);
  return work;
}

Work sgemm_work(Backend& backend, const Case& of) {
  const std::shared_ptr<WeightedSum> sum = dense(backend, of);
  const auto product = std::make_shared<Product>(backend, *sum, of);
  sum->sum();
  product->multiply();
  check_sums("the product without delays", product->out(), sum->out());
  Work work = sum->work(of.multiply_adds());
  work.constants.clear();
  work.call = [sum, product] { product->multiply(); };
  return work;
}

/// A matrix [rows][columns] as [columns][rows].
std::vector<float> transposed(const std::vector<float>& matrix, std::int64_t rows,
                              std::int64_t columns) {
  std::vector<float> out(matrix.size());
  for (std::int64_t c = 0; c < columns; ++c) {
    for (std::int64_t r = 0; r < rows; ++r) {
      out[static_cast<std::size_t>(c * rows + r)] =
          matrix[static_cast<std::size_t>(r * columns + c)];
    }
  }
  return out;
}

Work naive_work(Backend& backend, const Case& of) {
  const std::shared_ptr<WeightedSum> sum = dense(backend, of);
  const std::vector<float> weights =
      transposed(sum->connection().to_host(sum->stream(), Parameter::weight), of.size, of.size);
  const auto naive = std::make_shared<NaiveSum>(
      backend, sum->connection(), std::shared_ptr<CurrentSynapse<float>>(sum, &sum->synapse()),
      weights, of.product());
  sum->sum();
  naive->sum();
  check_sums("the naive sum", naive->out(), sum->out());
  Work work = sum->work(of.multiply_adds());
  work.constants.clear();
  work.call = [sum, naive] { naive->sum(); };
  return work;
}

/// The level-2 operation on memory of its own.
class LevelTwo {
 public:
  LevelTwo(Backend& backend, const Case& of)
      : stream_(backend.stream()),
        synapse_(stepped_synapse(stream_, of.model, population(of.batch, of.size, of.slots))),
        planned_(stream_.device(), dense_plan_size(of.size, of.size)),
        slots_(stream_.device(), dense_plan_size(of.size, of.size)),
        out_(stream_.device(), of.batch * of.size) {
    const DelayedSelect<float> read = synapse_->readout().current;
    plan(of, read);
    arguments_.source.trace_count = read.trace_count;
    arguments_.source.traces[0] = read.traces[0];
    arguments_.source.stride = read.stride;
    arguments_.source.slots = read.slots;
    arguments_.source.head = read.head;
    arguments_.plan.weights[0] = planned_.data();
    arguments_.plan.width = slot_width(of.slots);
    arguments_.plan.slots = slots_.data();
    arguments_.plan.delay_slots = of.slots;
    arguments_.plan.overbound = read.overbound;
    arguments_.inputs = of.size;
    arguments_.outputs = of.size;
    arguments_.batch = of.batch;
    arguments_.out = out_.data();
    workspace_ = Buffer<std::uint8_t>(stream_.device(), workspace_bytes());
    arguments_.workspace = workspace_.data();
    arguments_.workspace_bytes = static_cast<std::size_t>(workspace_.size());
  }

  void sum() { ops::delayed_dense(stream_, arguments_); }
  std::int64_t workspace_bytes() const {
    return static_cast<std::int64_t>(ops::dense_workspace_bytes(stream_.device(), arguments_));
  }
  std::vector<float> out() const { return host_copy(stream_, out_); }

 private:
  void plan(const Case& of, const DelayedSelect<float>& read) {
    if (read.trace_count != 1 || slot_width(of.slots) != SlotWidth::byte) {
      throw std::invalid_argument("LevelTwo: one trace and slots of a byte");
    }
    const std::int64_t pairs = of.size * of.size;
    const Buffer<float> weights(stream_, uniform_values<float>(pairs, 1.0).data(), pairs);
    const Buffer<float> delays(stream_, uniform_values<float>(pairs, synapse_->delay()).data(),
                               pairs);
    DelayPlan<float> plan;
    plan.select = read;
    plan.rows = of.size;
    plan.columns = of.size;
    plan.is_tiled = true;
    plan.weights = weights.data();
    plan.delays = delays.data();
    plan.width = slot_width(of.slots);
    plan.slots = slots_.data();
    plan.planned[0] = planned_.data();
    ops::delay_plan(stream_, plan);
    stream_.synchronize();
  }

  Stream stream_;
  std::shared_ptr<CurrentSynapse<float>> synapse_;
  Buffer<float> planned_;
  Buffer<std::uint8_t> slots_;
  Buffer<float> out_;
  Buffer<std::uint8_t> workspace_;
  DelayedDense<float> arguments_;
};

Work level_two_work(Backend& backend, const Case& of) {
  const auto level_two = std::make_shared<LevelTwo>(backend, of);
  const std::shared_ptr<WeightedSum> sum = dense(backend, of);
  sum->connection().set_from_host(backend.stream(), Parameter::weight,
                                  uniform_values<float>(of.size * of.size, 1.0));
  sum->sum();
  level_two->sum();
  if (level_two->out() != sum->out()) {
    throw std::runtime_error("delayed_dense differs from the connection's sum");
  }
  Work work = sum->work(of.multiply_adds());
  work.constants = {{"workspace_bytes", static_cast<double>(level_two->workspace_bytes())}};
  work.call = [level_two] { level_two->sum(); };
  compare_with_sgemm(work, backend, sum, of);
  return work;
}

/// Steps of a connection: input, currents and sum.
struct Stepping {
  Stepping(Backend& backend, const Case& of)
      : sum(dense(backend, of)),
        inputs(sum->stream(), InputKind::bytes, sum->synapse().batched_shape(), sequence_steps),
        shape(sum->out_shape().prepended(sequence_steps)),
        out(sum->stream().device(), shape.size()) {
    sum->connection().reserve_sequence(sum->stream(), sequence_steps);
  }

  void step_together() {
    sum->connection().forward_sequence(sum->stream(), inputs.sequence(), out.view(shape));
  }
  void step_one_by_one() {
    for (std::int64_t t = 0; t < sequence_steps; ++t) {
      sum->connection().forward(sum->stream(), inputs.frame(t), out.view(shape)[t]);
    }
  }

  std::unique_ptr<WeightedSum> sum;
  SpikeFrames<float> inputs;
  Shape shape;
  Buffer<float> out;
};

/// Bytes of steps and their sums: the plan, every step and its sums, and the slots that the first
/// sum reads besides the one its step writes and the one its step starts from, which a step reads
/// anyway.
double stepped_bytes(WeightedSum& sum, const Case& of, std::int64_t steps) {
  return sum.plan_bytes() + step_bytes(sum.synapse().step_arguments(), InputKind::bytes, steps) +
         sum.ring_bytes() * (of.slots - 2) / of.slots +
         sizeof(float) * static_cast<double>(steps * sum.out_shape().size());
}

Work sequence_work(Backend& backend, const Case& of, void (Stepping::*step)()) {
  const auto stepping = std::make_shared<Stepping>(backend, of);
  Work work = stepping->sum->work(of.multiply_adds() * static_cast<double>(sequence_steps));
  work.constants.clear();
  set_bytes(work, stepped_bytes(*stepping->sum, of, sequence_steps));
  work.call = [stepping, step] { ((*stepping).*step)(); };
  return work;
}

Work step_work(Backend& backend, const Case& of) {
  const auto stepping = std::make_shared<Stepping>(backend, of);
  Work work = stepping->sum->work(of.multiply_adds());
  work.constants.clear();
  set_bytes(work, stepped_bytes(*stepping->sum, of, 1));
  work.call = [stepping, t = std::int64_t{0}]() mutable {
    stepping->sum->connection().forward(stepping->sum->stream(), stepping->inputs.frame(t++),
                                        stepping->out.view(stepping->shape)[0]);
  };
  return work;
}

std::string name_of(const char* operation, Backend& backend, const Case& of) {
  return bench_name({operation, of.model, backend.name(), stored_name<float>(of.weights)},
                    {{"B", of.batch}, {"N", of.size}, {"R", of.slots}});
}

using MakeWork = Work (*)(Backend& backend, const Case& of);

void register_one(const char* operation, Backend& backend, const Case& of, MakeWork make) {
  register_bench(name_of(operation, backend, of), backend,
                 [&backend, of, make] { return make(backend, of); });
}

void register_sequence(const char* operation, Backend& backend, const Case& of,
                       void (Stepping::*step)()) {
  register_bench(name_of(operation, backend, of) + "/T:" + std::to_string(sequence_steps), backend,
                 [&backend, of, step] { return sequence_work(backend, of, step); });
}

void register_on(Backend& backend) {
  for (const std::int64_t full_size : full_sizes) {
    const std::int64_t size = sized_length(full_size);
    for (const std::int64_t batch : batches) {
      for (const Case& of :
           {Case{exponential, batch, size, few_slots}, Case{exponential, batch, size, more_slots},
            Case{exponential, batch, size, many_slots}, Case{"delta", batch, size, few_slots}}) {
        register_one("dense", backend, of, dense_work);
        const bool fits = batch * full_size * full_size <= NaiveSum::most_elements;
        if (fits && of.slots == few_slots && backend.has_weighted_sum()) {
          register_one("dense_naive", backend, of, naive_work);
        }
      }
      if (full_size >= full_middle_size && (batch == 1 || batch == 32)) {
        register_one("dense", backend, {exponential, batch, size, more_slots, StorageType::float16},
                     dense_work);
      }
      register_one("dense_step", backend, {exponential, batch, size, more_slots}, step_work);
      if (backend.sgemm() != nullptr) {
        register_one("dense_sgemm", backend, {exponential, batch, size, undelayed}, sgemm_work);
      }
    }
    for (const std::int64_t batch : {1, 8}) {
      const Case of = {exponential, batch, size, few_slots};
      register_sequence("dense_sequence", backend, of, &Stepping::step_together);
      register_sequence("dense_one_by_one", backend, of, &Stepping::step_one_by_one);
    }
  }
  const std::int64_t middle_size = sized_length(full_middle_size);
  for (const std::int64_t batch : batches) {
    register_one("dense", backend, {exponential, batch, middle_size, undelayed}, dense_work);
    register_one("delayed_dense", backend, {exponential, batch, middle_size, few_slots},
                 level_two_work);
  }
}

}  // namespace

void register_dense() {
  for (Backend* backend : backends()) register_on(*backend);
}

}  // namespace cusynapse::bench
