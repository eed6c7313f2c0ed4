// Level 3: weighted connections with a delay for every weight.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "cusynapse/buffer.hpp"
#include "cusynapse/connection_ops.hpp"
#include "cusynapse/state.hpp"
#include "cusynapse/synapse.hpp"

namespace cusynapse {

namespace host {
struct Where;
}

/// What any connection is made from.
struct ConnectionOptions {
  bool biased = false;          ///< whether a bias is added to the sums
  std::optional<double> delay;  ///< the largest delay, ms; none: no delays can be set. A connection
                                ///< with 0 holds delays but reads the newest currents
  double step_time = 1.0;       ///< dt, ms
  std::int64_t batch_size = 1;  ///< samples stepped together
  std::uint64_t seed = 0;       ///< weights and biases start uniform in [0, 1), delays at 0
  StorageType weight_storage = StorageType::same;  ///< of the plan: see `set_weight_storage`
};

/// The parameters of a connection.
enum class Parameter : std::int32_t { weight, bias, delay };

/// Whether a sum replaces what the output held or is added to it, so that several connections can
/// feed one target.
enum class Output : std::int32_t { replace, accumulate };

/// Weighted synapses: out = W * current(t - d) + b, for a whole batch.
///
/// B is the batch size, I and O what goes in and out. Arrays are dense and on the connection's
/// device. Calls are enqueued on the stream and return without synchronising, allocate nothing and
/// may be captured in a CUDA graph, unless their comment says otherwise. Sums are ordered as
/// `sum_run` says: the same bits on every backend and for every batch size. Errors:
/// `shape_mismatch`, `wrong_device`, `invalid_argument`; after an error the connection is as it
/// was.
///
/// What the sums read is a plan made from weights, delays and the synapse's constants. It is
/// renewed by the first call that needs it after a change, on that call's stream; a graph captured
/// then renews it at every replay, which is what a network that learns delays wants, and one
/// captured after a call to `prepare` does not.
///
/// The plan of a float connection may hold its weights in 16 bits, 3 B a pair in place of 5, which
/// sums at small batches are bound by. Each weight, times what its current decays by, is rounded
/// once; parameters and sums stay float. With c_i the current weight w_i reads, o_i the part of it
/// that a second trace has, and u = 2^-11 of float16 or 2^-8 of bfloat16, that changes a sum by at
/// most u * sum over i of |w_i| (|c_i| + |o_i|), as long as planned weights are within the
/// type's normal range (docs/kernels.md).
///
/// Delays outside [0, delayed_by()] read the synapse's overbound value, or the current at the
/// nearest end where it has none. Sums are matrix products: an infinite current times a weight of 0
/// is NaN, and so is an infinite trace of a synapse of two whose share in the current is 0. One
/// stream at a time, as for a synapse.
template <class T>
class CUSYNAPSE_EXPORT Connection {
 public:
  virtual ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// One sample of input and output, without the batch: what `forward` takes and gives.
  const Shape& input_shape() const noexcept { return description_.input; }
  const Shape& output_shape() const noexcept { return description_.output; }
  /// One sample of what the weights read: (I), or (C * kh * kw, positions) of a convolution, whose
  /// synapse holds pixels.
  const Shape& synaptic_shape() const noexcept { return description_.synaptic; }
  /// Samples stepped together, dt (ms), the device of all memory, whether biases are added.
  std::int64_t batch_size() const noexcept { return batch_size_; }
  double step_time() const noexcept { return synapse_->step_time(); }
  Device device() const noexcept { return synapse_->device(); }
  bool biased() const noexcept { return biased_; }
  /// What the plan stores weights as.
  StorageType weight_storage() const noexcept { return weight_storage_; }
  /// The largest delay, ms; none for a connection built without delays.
  std::optional<double> delayed_by() const noexcept;
  /// Whether sums read delayed currents: built with delays, and the largest is above 0.
  bool is_delayed() const noexcept { return has_delays_ && synapse_->delay() > 0; }
  /// What turns the input into currents and remembers them.
  Synapse<T>& synapse() noexcept { return *synapse_; }
  const Synapse<T>& synapse() const noexcept { return *synapse_; }
  /// Name of the class, as in error messages.
  const char* name() const noexcept { return description_.name; }

  /// Weight and delay of a shape, bias of another. Views are valid as long as the connection.
  /// A parameter that is not there has an empty view: null data.
  const Shape& weight_shape() const noexcept { return description_.weight; }
  const Shape& bias_shape() const noexcept { return description_.bias; }
  const Shape& parameter_shape(Parameter parameter) const noexcept {
    return parameter == Parameter::bias ? bias_shape() : weight_shape();
  }
  bool has(Parameter parameter) const noexcept;
  View<const T> get(Parameter parameter) const noexcept;
  View<const T> weight() const noexcept { return get(Parameter::weight); }
  View<const T> bias() const noexcept { return get(Parameter::bias); }
  View<const T> delay() const noexcept { return get(Parameter::delay); }
  /// The parameter to write to, by kernels of the caller's. The plan counts as stale from this call
  /// until it is next renewed: ask again before writing again. Nothing is checked: NaN delays count
  /// as out of range. The diagonal of a lateral connection is set to 0 when the plan is renewed.
  /// Throws `Error(not_supported)` for a parameter that is not there.
  View<T> edit(Parameter parameter);
  /// Copies values in from memory of the device, or of the host. NaN among delays is refused, which
  /// synchronises, for delays alone when they are on the device. `Error(not_supported)` for a
  /// parameter that is not there.
  void set(const Stream& stream, Parameter parameter, View<const T> values);
  void set_from_host(const Stream& stream, Parameter parameter, const std::vector<T>& values);
  /// A copy on the host. Synchronises.
  std::vector<T> to_host(const Stream& stream, Parameter parameter) const;

  /// One step: steps the synapse with the input [B, input...], then the weighted sum over its
  /// currents into out [B, output...]. Injected currents have the input's shape. out may not
  /// overlap the input.
  void forward(const Stream& stream, const SpikeInput<T>& input, View<T> out,
               Output output = Output::replace, const Injected<T>& injected = {});
  /// The weighted sum alone, over the synapse's history as it is.
  void sum(const Stream& stream, View<T> out, Output output = Output::replace);
  /// T steps, inputs [T, B, input...], out [T, B, output...]: bit for bit what T calls of `forward`
  /// give, with weights and slots read once for several steps. Allocates, and synchronises, when
  /// T or the synapse are larger than before, or its traces of another type: `reserve_sequence`
  /// does so ahead of time. Bits: each frame starts on a new byte.
  void forward_sequence(const Stream& stream, const SpikeInput<T>& inputs, View<T> out,
                        Output output = Output::replace);
  void reserve_sequence(const Stream& stream, std::int64_t steps);
  /// Renews the plan now if it is stale.
  void prepare(const Stream& stream);
  /// Takes over a change of batch size, dt or delay that was made at the synapse and not here.
  /// Allocates and synchronises; strong guarantee.
  void refresh(const Stream& stream);

  /// How many delays lie outside [0, delayed_by()]. Allocates and synchronises.
  std::int64_t out_of_range_delays(const Stream& stream) const;
  /// Brings every delay into [0, delayed_by()]; NaN becomes 0.
  void clamp_delays(const Stream& stream);

  /// Empties the synapse's history; parameters stay.
  void clear(const Stream& stream);
  /// As the synapse's. Allocate and synchronise; strong guarantee.
  void set_batch_size(const Stream& stream, std::int64_t batch_size);
  void set_step_time(const Stream& stream, double step_time,
                     HistoryChange history = HistoryChange::clear);
  /// Changes the largest delay. Throws `Error(not_supported)` for a connection built without
  /// delays.
  void set_delayed_by(const Stream& stream, double delay,
                      HistoryChange history = HistoryChange::clear);

  /// Changes what the plan stores weights as; parameters stay, what `reserve_sequence` made does
  /// not. `Error(invalid_argument)` for 16 bits of a double connection.
  void set_weight_storage(const Stream& stream, StorageType storage);

  /// All the connection needs to go on bit for bit: parameters and, within it, the state of its
  /// synapse. Allocates and synchronises. Throws `Error(not_supported)` for a synapse that cannot
  /// be saved, and `Error(invalid_argument)` where `refresh` is to be called first.
  std::vector<std::uint8_t> save(const Stream& stream) const;
  /// Becomes what was saved of the same class, element type, geometry and kinds of parameters. The
  /// synapse is loaded as well, in its place: connections that share it need a `refresh` if its
  /// batch size, dt or delay changed. Views of parameters stay valid. Throws `Error(invalid_state)`
  /// for bytes that are no state of such a connection, `Error(shape_mismatch)` for another
  /// geometry, `Error(not_supported)`. Allocates and synchronises; strong guarantee.
  void load(const Stream& stream, StateBytes bytes);

  // What learning rules look at: arrays of single weights, and the shapes that line them up.

  /// [B, I, O], [B, N, 1] or [B, C * kh * kw, positions, F]: the delay each of them is read at.
  Shape selector_shape() const;
  /// Delays spread over the batch; zeros where there are none.
  void selector(const Stream& stream, View<T> out) const;
  /// The selector's shape if delayed, the synaptic shape [B, synaptic...] if not.
  Shape synaptic_selection_shape() const;
  /// The currents and spikes the weights read: current_at(selector) if delayed, else the newest.
  void syncurrent(const Stream& stream, View<T> out) const;
  void synspike(const Stream& stream, View<std::uint8_t> out) const;

  /// [B, input...] to [B, synaptic...], as the synapse sees it.
  void like_synaptic(const Stream& stream, View<const T> input, View<T> out) const;
  void like_synaptic(const Stream& stream, View<const std::uint8_t> input,
                     View<std::uint8_t> out) const;
  /// [B, synaptic...] to [B, input...]. A convolution gives the mean over the copies of a pixel,
  /// and NaN where no patch covers it.
  void like_input(const Stream& stream, View<const T> synaptic, View<T> out) const;
  /// An array shaped like one weight an output, (O, 1), (N), (N, 1) or (F, 1, 1, 1), under the
  /// bias's shape. Moves nothing.
  View<const T> like_bias(View<const T> values) const;
  /// Synaptic arrays [B, synaptic...] or of `selector_shape()` brought into the shape of weights
  /// with samples in front and receptive positions behind:
  /// dense (B, 1 or O, I, 1), direct (B, N, 1), convolution (B, 1 or F, C, kh, kw, positions).
  Shape presyn_receptive_shape(const Shape& synaptic) const;
  void presyn_receptive(const Stream& stream, View<const T> synaptic, View<T> out) const;
  void presyn_receptive(const Stream& stream, View<const std::uint8_t> synaptic,
                        View<std::uint8_t> out) const;
  /// Outputs [B, output...] under the shape that lines up with those: dense (B, O, 1, 1), direct
  /// (B, N, 1), convolution (B, F, 1, 1, 1, positions). Moves nothing.
  View<const T> postsyn_receptive(View<const T> output) const;
  View<const std::uint8_t> postsyn_receptive(View<const std::uint8_t> output) const;

 protected:
  /// What a class is, besides its geometry.
  struct Description {
    const char* name = "";                           ///< begins error messages
    SynapticLayout layout = SynapticLayout::direct;  ///< which weight reads which synapse
    bool is_lateral = false;                         ///< the diagonal is held at 0
    Shape input;                                     ///< of a sample
    Shape output;                                    ///< of a sample
    Shape synaptic;                                  ///< of what the weights read of a sample
    Shape weight;                                    ///< of weights and delays
    Shape bias;                                      ///< of biases
    Shape synapse;                                   ///< of a sample of the synapse
    ConvolutionGeometry geometry;                    ///< of a convolution
  };

  /// Builds the synapse with the factory.
  Connection(const Stream& stream, const Description& description, const ConnectionOptions& options,
             const SynapseFactory<T>& factory);
  /// Takes a synapse, whose step time, batch size and delay count: the connection has delays if
  /// its delay is above 0.
  Connection(const Stream& stream, const Description& description, bool biased, std::uint64_t seed,
             std::shared_ptr<Synapse<T>> synapse);
  /// The connection of a saved state, over a synapse that is given or, for null, the saved one: one
  /// of the library's.
  Connection(const Stream& stream, const Description& description, StateReader& state,
             std::shared_ptr<Synapse<T>> synapse);

 private:
  struct Storage;
  struct Parameters;

  static const Description& checked(const Description& description, StateReader& state);
  Parameters read_parameters(StateReader& state) const;
  void take_parameters(const Stream& stream, const Parameters& parameters);

  Connection(const Stream& stream, const Description& description, bool biased, bool has_delays,
             std::uint64_t seed, StorageType weight_storage, std::shared_ptr<Synapse<T>> synapse);
  Storage make_storage(const host::Where& where, StorageType weight_storage,
                       std::int64_t batch_size, double step_time, double delay) const;
  void take(Storage&& storage) noexcept;
  void check_out(const host::Where& where, const void* out, const Shape& got,
                 const Shape& expected) const;
  void check_unchanged(const host::Where& where) const;
  void check_there(const host::Where& where, Parameter parameter) const;
  Buffer<T>& buffer(Parameter parameter) noexcept;
  void mark_stale(Parameter parameter) noexcept;
  void hold_diagonal(const Stream& stream, Parameter parameter);
  void renew_plan(const Stream& stream);
  DelayedDense<T> dense_arguments(std::int64_t batch_size, std::int32_t delay_slots) const;
  void launch_sum(const Stream& stream, View<T> out, Output output);
  void run_sequence(const Stream& stream, const SpikeInput<T>& inputs, std::int64_t steps, T* out,
                    Output output);
  SynapticSelect<T> synaptic_arguments() const;
  template <class V>
  void copy_synaptic(const host::Where& where, const Stream& stream, SynapticCopy kind,
                     View<const V> in, const Shape& expected_in, View<V> out,
                     const Shape& expected_out) const;
  template <class V>
  void copy_receptive(const Stream& stream, View<const V> synaptic, View<V> out) const;
  template <class V>
  View<const V> postsyn_view(View<const V> output) const;

  Description description_;
  std::int64_t batch_size_ = 0;
  bool biased_ = false;
  bool has_delays_ = false;
  StorageType weight_storage_ = StorageType::same;
  std::shared_ptr<Synapse<T>> synapse_;
  Buffer<T> weight_, bias_, delay_;

  // The plan, and what it was made for.
  SlotWidth width_ = SlotWidth::none;
  std::int32_t ring_slots_ = 1;
  Buffer<std::uint8_t> slots_;
  Buffer<std::uint8_t> planned_[max_traces];  // stored as weight_storage_ says
  Buffer<std::uint8_t> workspace_;
  std::uint64_t planned_version_ = 0;
  bool is_weight_stale_ = true;
  bool is_delay_stale_ = true;

  // Longer rings, for several steps at once.
  std::int64_t sequence_steps_ = 0;
  StorageType sequence_storage_ = StorageType::same;
  Buffer<std::uint8_t> sequence_traces_[max_traces];  // stored as the synapse's
  Buffer<std::uint8_t> sequence_spikes_;
  Buffer<std::uint8_t> sequence_workspace_;
};

/// Every input to every output: weight and delay (O, I), bias (O).
template <class T>
class CUSYNAPSE_EXPORT LinearDense final : public Connection<T> {
 public:
  /// Throws `Error(invalid_argument)` for extents below 1 and options out of their domain;
  /// `Error(out_of_memory)`. With a synapse instead of a factory: its shape is `input`, and dt,
  /// batch size and largest delay are its own; it may feed several connections, one of which (or
  /// the caller) steps it.
  LinearDense(const Stream& stream, const Shape& input, const Shape& output,
              const ConnectionOptions& options, const SynapseFactory<T>& factory);
  LinearDense(const Stream& stream, const Shape& output, std::shared_ptr<Synapse<T>> synapse,
              bool biased = false, std::uint64_t seed = 0);

 private:
  template <class U>
  friend std::unique_ptr<Connection<U>> load_connection(const Stream& stream, StateBytes bytes,
                                                        std::shared_ptr<Synapse<U>> synapse);
  LinearDense(const Stream& stream, StateReader& state, std::shared_ptr<Synapse<T>> synapse);
};

/// One input to one output: weight, delay and bias (N).
template <class T>
class CUSYNAPSE_EXPORT LinearDirect final : public Connection<T> {
 public:
  /// As those of `LinearDense`, with one shape for input and output.
  LinearDirect(const Stream& stream, const Shape& shape, const ConnectionOptions& options,
               const SynapseFactory<T>& factory);
  explicit LinearDirect(const Stream& stream, std::shared_ptr<Synapse<T>> synapse,
                        bool biased = false, std::uint64_t seed = 0);

 private:
  template <class U>
  friend std::unique_ptr<Connection<U>> load_connection(const Stream& stream, StateBytes bytes,
                                                        std::shared_ptr<Synapse<U>> synapse);
  LinearDirect(const Stream& stream, StateReader& state, std::shared_ptr<Synapse<T>> synapse);
};

/// Every element to every other: weight and delay (N, N) with the diagonal held at 0, bias (N).
template <class T>
class CUSYNAPSE_EXPORT LinearLateral final : public Connection<T> {
 public:
  /// As those of `LinearDense`, with one shape for input and output.
  LinearLateral(const Stream& stream, const Shape& shape, const ConnectionOptions& options,
                const SynapseFactory<T>& factory);
  explicit LinearLateral(const Stream& stream, std::shared_ptr<Synapse<T>> synapse,
                         bool biased = false, std::uint64_t seed = 0);

 private:
  template <class U>
  friend std::unique_ptr<Connection<U>> load_connection(const Stream& stream, StateBytes bytes,
                                                        std::shared_ptr<Synapse<U>> synapse);
  LinearLateral(const Stream& stream, StateReader& state, std::shared_ptr<Synapse<T>> synapse);
};

/// Geometry of a `Conv2D`; {height, width} each.
struct Conv2DOptions {
  std::int64_t channels = 1;          ///< C, of the input
  std::int64_t height = 1;            ///< of the input, pixels
  std::int64_t width = 1;             ///< of the input, pixels
  std::int64_t filters = 1;           ///< F, channels of the output
  std::int64_t kernel[2] = {1, 1};    ///< extents of a filter, pixels
  std::int64_t stride[2] = {1, 1};    ///< from position to position, pixels
  std::int64_t padding[2] = {0, 0};   ///< silent pixels added at either end
  std::int64_t dilation[2] = {1, 1};  ///< between neighbours under a filter, pixels
};

/// Two-dimensional convolution, (C, H, W) to (F, out_h, out_w), with out = floor((n + 2 * padding -
/// dilation * (kernel - 1) - 1) / stride + 1) an axis: weight and delay (F, C, kh, kw), bias (F).
/// The synapse holds the (C, H, W) pixels; the padding is silent.
template <class T>
class CUSYNAPSE_EXPORT Conv2D final : public Connection<T> {
 public:
  /// Refuses an output without extent, a stride, dilation or kernel below 1, and heights and widths
  /// above 2^30 pixels with their padding.
  Conv2D(const Stream& stream, const Conv2DOptions& geometry, const ConnectionOptions& options,
         const SynapseFactory<T>& factory);
  Conv2D(const Stream& stream, const Conv2DOptions& geometry, std::shared_ptr<Synapse<T>> synapse,
         bool biased = false, std::uint64_t seed = 0);

 private:
  template <class U>
  friend std::unique_ptr<Connection<U>> load_connection(const Stream& stream, StateBytes bytes,
                                                        std::shared_ptr<Synapse<U>> synapse);
  Conv2D(const Stream& stream, StateReader& state, std::shared_ptr<Synapse<T>> synapse);
};

/// The connection of a saved state, of the class it was saved from, with a synapse of its own: the
/// saved one. Over a synapse that is given, which may feed several connections, the saved one is
/// not read, and dt, batch size and largest delay are the given one's. Throws
/// `Error(invalid_state)` for bytes that are no state of a connection of T, or of one over a
/// synapse of another size; `Error(not_supported)` for a class, or a synapse, that is not the
/// library's (`Connection::load` loads it); `Error(wrong_device)`, `Error(out_of_memory)`.
/// Allocates and synchronises.
template <class T>
std::unique_ptr<Connection<T>> load_connection(const Stream& stream, StateBytes bytes,
                                               std::shared_ptr<Synapse<T>> synapse = nullptr);

extern template CUSYNAPSE_EXPORT std::unique_ptr<Connection<float>> load_connection(
    const Stream&, StateBytes, std::shared_ptr<Synapse<float>>);
extern template CUSYNAPSE_EXPORT std::unique_ptr<Connection<double>> load_connection(
    const Stream&, StateBytes, std::shared_ptr<Synapse<double>>);

extern template class Connection<float>;
extern template class Connection<double>;
extern template class LinearDense<float>;
extern template class LinearDense<double>;
extern template class LinearDirect<float>;
extern template class LinearDirect<double>;
extern template class LinearLateral<float>;
extern template class LinearLateral<double>;
extern template class Conv2D<float>;
extern template class Conv2D<double>;

}  // namespace cusynapse
