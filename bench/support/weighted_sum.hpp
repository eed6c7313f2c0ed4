// Weighted sums over delayed currents, as the library does them and as an array library would.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "cusynapse/connection.hpp"
#include "support/backend.hpp"
#include "support/measure.hpp"
#include "support/models.hpp"

namespace cusynapse::bench {

/// A population whose history is full, and which has no delays if it has one slot.
std::shared_ptr<CurrentSynapse<float>> stepped_synapse(const Stream& stream, const char* model,
                                                       const SynapseOptions& options);

/// Makes a connection on a synapse.
using MakeConnection = std::function<std::unique_ptr<Connection<float>>(
    const Stream& stream, std::shared_ptr<Synapse<float>> synapse)>;

/// A connection with delays uniform over their range, its plan made.
class WeightedSum {
 public:
  WeightedSum(const Stream& stream, std::shared_ptr<CurrentSynapse<float>> synapse,
              const MakeConnection& make);

  void sum() { connection_->sum(stream_, out_.view(shape_)); }
  const Stream& stream() const { return stream_; }
  CurrentSynapse<float>& synapse() { return *synapse_; }
  Connection<float>& connection() { return *connection_; }
  const Shape& out_shape() const { return shape_; }
  std::vector<float> out() const;

  /// A call of `sum`, which makes so many multiply-adds. Reads plan and rings once and writes the
  /// output.
  Work work(double multiply_adds);
  /// Bytes of the plan, for every weight an element of each planned array and a slot.
  double plan_bytes() const;
  /// Bytes of the rings that are read: traces, or spikes where there are none.
  double ring_bytes() const;

 private:
  /// Adds columns of how much more memory there is than parameters, plan and output need, given
  /// what was allocated and resident before.
  void measure_memory(std::optional<double> allocated, std::optional<double> resident);
  double weights() const { return static_cast<double>(connection_->weight_shape().size()); }

  Stream stream_;
  std::shared_ptr<CurrentSynapse<float>> synapse_;
  std::unique_ptr<Connection<float>> connection_;
  Shape shape_;
  Buffer<float> out_;
  std::vector<std::pair<const char*, double>> memory_;
};

/// The same sum with every step an array of its own: the delays spread over the batch, the currents
/// they read, and those times the weights, added up.
class NaiveSum {
 public:
  /// Elements each of its arrays may have at most: two of them are 1 GiB.
  static constexpr std::int64_t most_elements = std::int64_t{1} << 27;

  /// `synapse` has the connection's synaptic shape; `weights` is [shape.inputs][shape.outputs].
  NaiveSum(Backend& backend, Connection<float>& connection,
           std::shared_ptr<CurrentSynapse<float>> synapse, const std::vector<float>& weights,
           const ProductShape& shape);

  void sum();
  std::vector<float> out() const;

 private:
  Backend& backend_;
  Connection<float>& connection_;
  std::shared_ptr<CurrentSynapse<float>> synapse_;
  Shape selector_shape_;
  ProductShape shape_;
  Buffer<float> weights_, selector_, currents_, out_;
};

/// Sets the bytes of a call, and the copy it is compared with: of as many bytes, going round as
/// much memory.
void set_bytes(Work& work, double bytes);

/// Throws unless sums are what is expected within the tolerance of weighted sums.
void check_sums(const char* what, const std::vector<float>& sums,
                const std::vector<float>& expected);

template <class T>
std::vector<T> host_copy(const Stream& stream, const Buffer<T>& buffer) {
  std::vector<T> values(static_cast<std::size_t>(buffer.size()));
  buffer.copy_to_host(stream, values.data());
  return values;
}

}  // namespace cusynapse::bench
