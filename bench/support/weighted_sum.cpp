#include "support/weighted_sum.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "support/memory.hpp"
#include "support/random.hpp"
#include "support/spike_frames.hpp"

namespace cusynapse::bench {
std::shared_ptr<CurrentSynapse<float>> stepped_synapse(const Stream& stream, const char* model,
                                                       const SynapseOptions& options) {
  std::shared_ptr<CurrentSynapse<float>> synapse = model_named<float>(model).make(stream, options);
  const SpikeFrames<float> inputs(stream, InputKind::bytes, synapse->batched_shape(), 2);
  for (std::int32_t t = 0; t < synapse->slots() + 3; ++t) synapse->step(stream, inputs.frame(t));
  stream.synchronize();
  return synapse;
}

WeightedSum::WeightedSum(const Stream& stream, std::shared_ptr<CurrentSynapse<float>> synapse,
                         const MakeConnection& make)
    : stream_(stream), synapse_(std::move(synapse)) {
  release_free_memory();
  const std::optional<double> allocated = allocated_bytes();
  const std::optional<double> resident = resident_bytes();
  connection_ = make(stream, synapse_);
  if (connection_->is_delayed()) {
    connection_->set_from_host(
        stream, Parameter::delay,
        uniform_values<float>(connection_->weight_shape().size(), *connection_->delayed_by()));
  }
  connection_->prepare(stream);
  stream.synchronize();
  shape_ = connection_->output_shape().prepended(connection_->batch_size());
  out_ = Buffer<float>(stream.device(), shape_.size());
  out_.fill_zero(stream);
  if (stream.device().kind == Device::Kind::cpu) measure_memory(allocated, resident);
}

void WeightedSum::measure_memory(std::optional<double> allocated, std::optional<double> resident) {
  // Without tiles and without decay the plan's weights are the connection's own.
  const bool is_tiled = connection_->weight_shape().rank() == 2;
  const bool decays = synapse_->readout().current.rule == SelectRule::exponential_decay;
  const bool has_planned = is_tiled || (connection_->is_delayed() && decays);
  const double planned = plan_bytes() - (has_planned ? 0.0 : sizeof(float) * weights());
  const double parameters = (connection_->is_delayed() ? 2 : 1) * sizeof(float) * weights();
  const double needed = parameters + planned + sizeof(float) * static_cast<double>(shape_.size());

  release_free_memory();
  const std::optional<double> allocated_now = allocated_bytes();
  if (allocated.has_value() && allocated_now.has_value()) {
    memory_.emplace_back("held_beyond_bytes", *allocated_now - *allocated - needed);
  }
  const std::optional<double> most = most_resident_bytes([this] {
    for (int i = 0; i < 5; ++i) sum();
  });
  if (resident.has_value() && most.has_value()) {
    memory_.emplace_back("resident_beyond_bytes", *most - *resident - needed);
  }
}

std::vector<float> WeightedSum::out() const { return host_copy(stream_, out_); }

double WeightedSum::plan_bytes() const {
  const bool is_delayed = connection_->is_delayed();
  const int slot = !is_delayed ? 0 : synapse_->slots() <= 255 ? 1 : 2;
  const int arrays = is_delayed && synapse_->trace_count() == 2 ? 2 : 1;
  const int weight = connection_->weight_storage() == StorageType::same ? sizeof(float) : 2;
  return (slot + static_cast<double>(weight) * arrays) * weights();
}

double WeightedSum::ring_bytes() const {
  const DecayInject<float> rings = synapse_->step_arguments();
  const double observation =
      rings.trace_count > 0 ? static_cast<double>(sizeof(float)) * rings.trace_count : 1.0 / 8.0;
  return observation * static_cast<double>(rings.size) * static_cast<double>(rings.slots);
}

Work WeightedSum::work(double multiply_adds) {
  Work work;
  work.items = multiply_adds;
  work.item_rate = "MAC/s";
  set_bytes(work, plan_bytes() + ring_bytes() + sizeof(float) * static_cast<double>(shape_.size()));
  work.constants = memory_;
  return work;
}

NaiveSum::NaiveSum(Backend& backend, Connection<float>& connection,
                   std::shared_ptr<CurrentSynapse<float>> synapse,
                   const std::vector<float>& weights, const ProductShape& shape)
    : backend_(backend),
      connection_(connection),
      synapse_(std::move(synapse)),
      selector_shape_(connection.selector_shape()),
      shape_(shape),
      weights_(backend.stream(), weights.data(), static_cast<std::int64_t>(weights.size())),
      selector_(backend.stream().device(), selector_shape_.size()),
      currents_(backend.stream().device(), selector_shape_.size()),
      out_(backend.stream().device(), shape.batch * shape.outputs) {}

void NaiveSum::sum() {
  const Stream stream = backend_.stream();
  connection_.selector(stream, selector_.view(selector_shape_));
  synapse_->current_at(stream, selector_.view(selector_shape_), currents_.view(selector_shape_));
  backend_.weighted_sum(weights_.data(), currents_.data(), out_.data(), shape_);
}

std::vector<float> NaiveSum::out() const { return host_copy(backend_.stream(), out_); }

void set_bytes(Work& work, double bytes) {
  work.bytes = bytes;
  work.frame_bytes = static_cast<std::int64_t>(bytes / 2);
  work.working_bytes = static_cast<std::int64_t>(bytes);
}

void check_sums(const char* what, const std::vector<float>& sums,
                const std::vector<float>& expected) {
  float largest = 0.0f;
  for (const float value : expected) largest = std::max(largest, std::abs(value));
  bool equal = sums.size() == expected.size() && largest > 0.0f;
  for (std::size_t i = 0; equal && i < sums.size(); ++i) {
    equal = std::abs(sums[i] - expected[i]) <= 1e-4f * std::abs(expected[i]) + 1e-6f * largest;
  }
  if (!equal) throw std::runtime_error(std::string(what) + " differs from the library's");
}

}  // namespace cusynapse::bench
