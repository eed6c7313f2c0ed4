// Level 3: a signed weight matrix between spikes and targets, trained here and placed on analog
// hardware.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "cusynapse/buffer.hpp"
#include "cusynapse/connection.hpp"
#include "cusynapse/projection_ops.hpp"
#include "cusynapse/shape.hpp"
#include "cusynapse/state.hpp"
#include "cusynapse/stream.hpp"
#include "cusynapse/view.hpp"

namespace cusynapse {

/// Which hardware synapses a projection has. A weight has the sign of its synapse: with receptors
/// of one kind, weights of the other sign are 0 in hardware.
enum class Receptor : std::int32_t {
  excitatory,  ///< from the positive part of the weights
  inhibitory,  ///< from the negative part
  both,        ///< the pair; at most one of the two is not 0
};

/// The transform `linear_saturating`: min(max(scale * weight, minimum), maximum).
struct LinearSaturation {
  double scale = 1.0;                         ///< of every weight
  double minimum = -largest_hardware_weight;  ///< -63 is the hardware's
  double maximum = largest_hardware_weight;   ///< 63 is the hardware's
};

/// A transform of the caller's: reads weights and writes as many hardware weights, (O, I) both, not
/// overlapping, on the stream. It may not change the projection.
template <class T>
using WeightTransform =
    std::function<void(const Stream& stream, View<const T> weights, View<T> hardware_weights)>;

/// What a `Projection` is made from.
template <class T>
struct ProjectionOptions {
  std::int64_t in_features = 1;        ///< I
  std::int64_t out_features = 1;       ///< O
  Receptor receptor = Receptor::both;  ///< which hardware synapses there are
  LinearSaturation saturation;         ///< from weights to hardware weights
  WeightTransform<T> transform;        ///< in its place, where there is one
  std::uint64_t seed = 0;              ///< of the initial weights
};

/// A synapse of the hardware: from input `pre` to output `post`, with a magnitude of 0 to 63.
struct PlacedConnection {
  std::int64_t pre = 0;     ///< input, from 0
  std::int64_t post = 0;    ///< output, from 0
  std::int32_t weight = 0;  ///< magnitude, 0 to 63

  /// Equal in all three.
  friend bool operator==(const PlacedConnection& a, const PlacedConnection& b) noexcept {
    return a.pre == b.pre && a.post == b.post && a.weight == b.weight;
  }
};

/// A signed weight matrix from I spiking inputs to O targets, without bias or dynamics:
/// graded[..., j] = sum over i of weight[j, i] * spikes[..., i]. It can be exported to the 6-bit
/// synapses of analog hardware.
///
/// Weights are (O, I). Inputs and outputs have any leading extents, [..., I] and [..., O], the same
/// in one call; packed bits are one frame of all elements. Arrays are dense and on the projection's
/// device. Calls are enqueued on the stream and return without synchronising, allocate nothing and
/// may be captured in a CUDA graph, unless their comment says otherwise. Sums are ordered as
/// `sum_run` says: a forward call gives the bits that a `LinearDense` with the same weights gives
/// without delays, or with every delay 0, over a `DeltaCurrent` of charge dt. Errors:
/// `shape_mismatch`, `wrong_device`, `invalid_argument`; after an error the projection is as it
/// was. One stream at a time, as for a synapse.
///
/// Sums read a plan made from the weights, which the first call after a change renews on its
/// stream; a graph captured then renews it at every replay.
///
/// With a connectivity mask, weights that are not connected are 0: in forward, in their gradient
/// and on hardware.
template <class T>
class CUSYNAPSE_EXPORT Projection {
 public:
  /// Rows, the product of the leading extents, that one launch covers, which bounds the memory a
  /// sum works in. More rows take more launches and have the same bits.
  static constexpr std::int64_t rows_per_launch = 1024;

  /// Starts with `reset_parameters(stream, options.seed)`. Allocates and synchronises. Throws
  /// `Error(invalid_argument)` for extents below 1 and saturations that are not finite or whose
  /// minimum is above the maximum; `Error(out_of_memory)`.
  Projection(const Stream& stream, const ProjectionOptions<T>& options);
  /// With a connectivity mask (I, O), not 0 where an input and an output are connected, in host
  /// memory or on the stream's device.
  Projection(const Stream& stream, const ProjectionOptions<T>& options,
             const std::vector<std::uint8_t>& mask);
  Projection(const Stream& stream, const ProjectionOptions<T>& options,
             View<const std::uint8_t> mask);
  /// The projection of a saved state, of which the caller checks that nothing is left
  /// (`StateReader::finish`), as `load_object` does. Throws `Error(invalid_state)`,
  /// `Error(out_of_memory)`, and `Error(not_supported)` where a transform of the caller's was
  /// saved, which `load` keeps.
  Projection(const Stream& stream, StateReader& state);
  ~Projection();
  /// Moves take over weights and mask; nothing is copied. One that was moved from can only be
  /// assigned to.
  Projection(Projection&& other) noexcept;
  Projection& operator=(Projection&& other) noexcept;

  /// I, O, (O, I), and what else it was made from.
  std::int64_t in_features() const noexcept { return options_.in_features; }
  std::int64_t out_features() const noexcept { return options_.out_features; }
  Shape weight_shape() const { return {out_features(), in_features()}; }
  Receptor receptor() const noexcept { return options_.receptor; }
  bool is_masked() const noexcept { return mask_.size() > 0; }
  Device device() const noexcept { return weight_.device(); }

  /// The weights (O, I), in memory of the device. Valid as long as the projection.
  View<const T> weight() const { return weight_.view(weight_shape()); }
  /// The weights to write to, by kernels of the caller's. Counts as a change from this call until
  /// the plan is next renewed: ask again before writing again. What is not connected is set to 0
  /// when the plan is renewed.
  View<T> edit();
  /// Copies weights in from memory of the device, or of the host (which synchronises). What is not
  /// connected becomes 0.
  void set(const Stream& stream, View<const T> weights);
  void set_from_host(const Stream& stream, const std::vector<T>& weights);
  /// A copy on the host. Synchronises.
  std::vector<T> to_host(const Stream& stream) const;
  /// Draws every weight from U(-1 / sqrt(I), 1 / sqrt(I)), which is Kaiming's uniform
  /// initialisation with a = sqrt(5), and then applies the mask: the number of inputs counts in
  /// full. Weight e is (2 u - 1) / sqrt(I), in double and rounded once, with u draw e of the
  /// SplitMix64 generator of the seed (its upper 53 bits for double, 24 for float, as a fraction of
  /// 1): the same on every backend. Allocates and synchronises.
  /// Source: He et al. 2015, "Delving deep into rectifiers".
  void reset_parameters(const Stream& stream, std::uint64_t seed);

  /// graded [..., O] from spikes [..., I], with the weights as they are, not as transformed for
  /// hardware. graded may not overlap the spikes.
  void forward(const Stream& stream, const SpikeInput<T>& spikes, View<T> graded,
               Output output = Output::replace);
  /// Gradients from the outputs' [..., O]: grad_spikes [..., I] = grad * W, and grad_weight (O, I)
  /// = grad^T * spikes over all rows, 0 where not connected, which replaces or is added to what was
  /// there. Either result may be a default-constructed view and is then left out. Results may not
  /// overlap each other or what is read.
  void backward(const Stream& stream, View<const T> grad, const SpikeInput<T>& spikes,
                View<T> grad_spikes, View<T> grad_weight,
                Output grad_weight_output = Output::replace);
  /// Renews what the weights' change made stale, for `forward` and `backward`.
  void prepare(const Stream& stream);

  /// The weights as hardware holds them, (O, I): the transformed ones, sorted by sign, as
  /// magnitudes floor(|value| + 0.5). A default-constructed view leaves its sign out. Throws
  /// `Error(invalid_argument)`, with nothing written, where a transformed weight is NaN or would
  /// round to more than 63: a transform that leaves the range is an error in it, and clamping would
  /// hide it. `Error(not_supported)` for a sign this projection has no receptor of. Allocates and
  /// synchronises.
  void hardware_image(const Stream& stream, View<std::uint8_t> excitatory,
                      View<std::uint8_t> inhibitory) const;
  /// The synapses of one receptor, excitatory or inhibitory, on the hardware: all O * I of them in
  /// the order of the weights, output after output. Weights of 0 are kept, and so are synapses that
  /// are not connected: the routing must not depend on the weights. Errors as `hardware_image`.
  /// Allocates and synchronises.
  std::vector<PlacedConnection> get_connections(const Stream& stream, Receptor receptor) const;

  /// Whether hardware still has to take over the weights: until the first `reset_changed`, and when
  /// they were drawn, set, or handed out by `edit` since the last one. Compares no weights.
  bool changed_since_last_run() const noexcept { return version_ != run_version_; }
  /// The hardware has the weights as they are now.
  void reset_changed() noexcept { run_version_ = version_; }

  /// All the projection is, but the function of a transform of the caller's: a state remembers that
  /// there was one. Allocates and synchronises.
  std::vector<std::uint8_t> save(const Stream& stream) const;
  /// Becomes what was saved, of as many features, and with a transform of the caller's where there
  /// was one: weights, mask, receptor, saturation, and whether hardware has taken over the weights.
  /// Views of weights stay valid. Throws `Error(invalid_state)` for bytes that are no state of such
  /// a projection, `Error(shape_mismatch)`. Allocates and synchronises; strong guarantee.
  void load(const Stream& stream, StateBytes bytes);

 private:
  struct Saved;

  Projection(const Stream& stream, Saved&& saved);
  static Saved read(const Stream& stream, StateReader& state);
  void take(const Stream& stream, Saved&& saved);
  void note_change() noexcept;
  Buffer<T> transformed_weights(const Stream& stream) const;
  void apply_mask(const Stream& stream);
  void renew_plan(const Stream& stream);
  void renew_transposed_plan(const Stream& stream);
  void sum(const Stream& stream, const Buffer<T>& planned, const SpikeInput<T>& input,
           std::int64_t rows, std::int64_t inputs, std::int64_t outputs, Output output, T* out);
  std::size_t workspace_bytes(std::int64_t inputs, std::int64_t outputs) const;

  ProjectionOptions<T> options_;
  Buffer<std::uint8_t> mask_;  // as the weights, (O, I); empty without a mask
  Buffer<T> weight_;
  std::uint64_t version_ = 1;
  std::uint64_t run_version_ = 0;

  Buffer<T> planned_, transposed_;  // dense tiles of W and of its transpose
  bool is_plan_stale_ = true;
  bool is_transposed_stale_ = true;
  Buffer<std::uint8_t> workspace_;
};

extern template class Projection<float>;
extern template class Projection<double>;

}  // namespace cusynapse
