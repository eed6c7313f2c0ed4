// The oracle of connections: weighted sums of delayed currents by obvious loops over the oracle's
// synapse. Which observations a delay reads is decided in arithmetic T, as the rules say; values
// and sums are computed with more digits than T has.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "reference/frames.hpp"
#include "reference/rules.hpp"
#include "reference/synapse.hpp"

namespace reference {

enum class ConnectionKind { dense, direct, lateral, convolution };

/// Extents of a convolution; {height, width} each.
struct Convolution {
  std::int64_t channels = 1;
  std::int64_t height = 1;
  std::int64_t width = 1;
  std::int64_t filters = 1;
  std::int64_t kernel[2] = {1, 1};
  std::int64_t stride[2] = {1, 1};
  std::int64_t padding[2] = {0, 0};
  std::int64_t dilation[2] = {1, 1};

  std::int64_t pixels() const { return channels * height * width; }
  std::int64_t patch() const { return channels * kernel[0] * kernel[1]; }
  std::int64_t out_height() const { return out_extent(height, 0); }
  std::int64_t out_width() const { return out_extent(width, 1); }
  std::int64_t positions() const { return out_height() * out_width(); }

 private:
  std::int64_t out_extent(std::int64_t extent, int axis) const {
    const std::int64_t room = extent + 2 * padding[axis] - dilation[axis] * (kernel[axis] - 1) - 1;
    return room < 0 ? 0 : room / stride[axis] + 1;
  }
};

/// Everything a connection is made from. The synapse's samples are the inputs of a dense one, the
/// elements of a direct or lateral one, the pixels of a convolution.
struct ConnectionSettings {
  ConnectionKind kind = ConnectionKind::dense;
  Settings synapse;
  std::int64_t outputs = 1;  ///< of a dense connection
  Convolution convolution;
  bool has_delays = false;
  bool biased = false;
  Storage weight_storage = Storage::same;  ///< of planned weights
};

/// Arithmetic with more digits than T.
template <class T>
using Wider = std::conditional_t<std::is_same_v<T, float>, double, long double>;

template <class T>
class Connection {
 public:
  using Real = Wider<T>;

  /// Weights, delays and biases start at 0.
  Connection(const ConnectionSettings& settings, std::shared_ptr<Synapse<T>> synapse)
      : settings_(settings),
        synapse_(std::move(synapse)),
        weight_(at(weight_count()), T(0)),
        delay_(at(weight_count()), T(0)),
        bias_(at(bias_count()), T(0)) {}

  const ConnectionSettings& settings() const { return settings_; }
  Synapse<T>& synapse() { return *synapse_; }
  const Synapse<T>& synapse() const { return *synapse_; }
  bool is_delayed() const { return settings_.has_delays && synapse_->settings().delay > 0; }

  std::int64_t batch_size() const { return synapse_->settings().batch_size; }
  /// Of one sample.
  std::int64_t inputs() const { return synapse_->settings().sample_size; }
  std::int64_t outputs() const {
    switch (settings_.kind) {
      case ConnectionKind::dense:
        return settings_.outputs;
      case ConnectionKind::direct:
      case ConnectionKind::lateral:
        return inputs();
      case ConnectionKind::convolution:
        return settings_.convolution.filters * settings_.convolution.positions();
    }
    return 0;
  }
  std::int64_t weight_count() const {
    switch (settings_.kind) {
      case ConnectionKind::dense:
      case ConnectionKind::lateral:
        return outputs() * inputs();
      case ConnectionKind::direct:
        return inputs();
      case ConnectionKind::convolution:
        return settings_.convolution.filters * settings_.convolution.patch();
    }
    return 0;
  }
  std::int64_t bias_count() const {
    return settings_.kind == ConnectionKind::convolution ? settings_.convolution.filters
                                                         : outputs();
  }

  const std::vector<T>& weight() const { return weight_; }
  const std::vector<T>& delay() const { return delay_; }
  const std::vector<T>& bias() const { return bias_; }
  void set_weight(const std::vector<T>& values) { weight_ = without_diagonal(values); }
  void set_delay(const std::vector<T>& values) { delay_ = without_diagonal(values); }
  void set_bias(const std::vector<T>& values) { bias_ = values; }
  void set_weight_storage(Storage storage) { settings_.weight_storage = storage; }

  /// A weighted sum, and the sum of the sizes of all that is added up in it: what the error of a
  /// sum of rounded terms is relative to. And what storing planned weights in 16 bits changes it by
  /// at most, of sums alone.
  struct Sum {
    std::vector<Real> values;
    std::vector<Real> magnitudes;
    std::vector<Real> roundings;
  };

  /// [batch_size, outputs]. Where nothing decays between observations a weight is planned as it is,
  /// so that it is known what it is rounded to; elsewhere not, for the sake of an exponential
  /// function's last bit.
  Sum sum() const { return sum(settings_.weight_storage, true); }
  /// With no weight rounded, and what a storage of planned weights changes that by at most.
  Sum unrounded_sum(Storage storage) const { return sum(storage, false); }

  /// [batch, inputs, outputs], [batch, size, 1] or [batch, patch, positions, filters].
  std::vector<T> selector() const {
    std::vector<T> out;
    const std::vector<Term> order = selected();
    for (std::int64_t sample = 0; sample < batch_size(); ++sample) {
      for (const Term& term : order) out.push_back(delay_[at(term.weight)]);
    }
    return out;
  }

  /// In the selector's order if delayed, [batch, synaptic] if not.
  Sum syncurrent() const {
    Sum out;
    const std::vector<Term> order = is_delayed() ? selected() : synaptic();
    for (std::int64_t sample = 0; sample < batch_size(); ++sample) {
      for (const Term& term : order) {
        const Part current = current_of(reading(term.weight), sample, term.element);
        out.values.push_back(current.value);
        out.magnitudes.push_back(current.magnitude);
      }
    }
    return out;
  }
  std::vector<std::uint8_t> synspike() const {
    std::vector<std::uint8_t> out;
    const std::vector<Term> order = is_delayed() ? selected() : synaptic();
    for (std::int64_t sample = 0; sample < batch_size(); ++sample) {
      for (const Term& term : order) {
        out.push_back(spike_of(reading(term.weight), sample, term.element));
      }
    }
    return out;
  }

  /// [batch, inputs] to [batch, synaptic]: silence where there is no input.
  template <class V>
  std::vector<V> like_synaptic(const std::vector<V>& input) const {
    std::vector<V> out;
    const std::vector<Term> order = synaptic();
    for (std::int64_t sample = 0; sample < batch_size(); ++sample) {
      for (const Term& term : order) {
        out.push_back(term.element ? input[at(sample * inputs() + *term.element)] : V(0));
      }
    }
    return out;
  }

  /// [batch, synaptic] to [batch, inputs]: the mean over all copies of an input.
  std::vector<Real> like_input(const std::vector<T>& values) const {
    std::vector<Real> sums(at(batch_size() * inputs()), Real(0));
    std::vector<Real> counts(sums.size(), Real(0));
    const std::vector<Term> order = synaptic();
    for (std::int64_t sample = 0; sample < batch_size(); ++sample) {
      for (std::size_t k = 0; k < order.size(); ++k) {
        if (!order[k].element) continue;
        const std::size_t input = at(sample * inputs() + *order[k].element);
        sums[input] += values[at(sample) * order.size() + k];
        counts[input] += 1;
      }
    }
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] /= counts[i];
    return sums;
  }

  /// [batch, synaptic] as it is; an array in the selector's order with outputs or filters in front.
  template <class V>
  std::vector<V> presyn_receptive(const std::vector<V>& values) const {
    const std::int64_t last = last_extent();
    const auto rows = static_cast<std::int64_t>(synaptic().size());
    if (static_cast<std::int64_t>(values.size()) != batch_size() * rows * last) return values;
    std::vector<V> out;
    for (std::int64_t sample = 0; sample < batch_size(); ++sample) {
      for (std::int64_t column = 0; column < last; ++column) {
        for (std::int64_t row = 0; row < rows; ++row) {
          out.push_back(values[at((sample * rows + row) * last + column)]);
        }
      }
    }
    return out;
  }

  /// Delays outside [0, largest], NaN among them.
  std::int64_t out_of_range_delays() const {
    const T largest = static_cast<T>(synapse_->settings().delay);
    std::int64_t count = 0;
    for (const T delay : delay_) {
      if (!(delay >= 0 && delay <= largest)) ++count;
    }
    return count;
  }
  void clamp_delays() {
    const T largest = static_cast<T>(synapse_->settings().delay);
    for (T& delay : delay_) {
      if (!(delay >= 0)) delay = 0;
      if (delay > largest) delay = largest;
    }
  }

 private:
  /// One product of a sum: its weight and the element of a sample it reads, none in the padding.
  struct Term {
    std::int64_t weight;
    std::optional<std::int64_t> element;
  };

  /// What a delay reads.
  struct Reading {
    bool is_out_of_range;
    std::int64_t older;
    std::int64_t newer;
    T elapsed;  ///< since the older
  };

  /// A current, and how a plan has it: decay * (leading trace + share * other trace).
  struct Part {
    Real value;
    Real magnitude;
    Real decay = 1;
    Real share = 0;
    Real other = 0;

    /// Whether a plan holds the weight itself.
    bool is_undecayed() const { return decay == 1; }
  };

  /// What storing weight * decay and share changes a product by at most: in the normal range less
  /// than u w (|c| + |o|), c being the current and o what the other trace has in it.
  static Real rounding_of(Storage storage, Real weight, const Part& current) {
    if (storage == Storage::same) return 0;
    const auto of = [&](Real size) {
      const Real roundoff = unit_roundoff(storage);
      return size > 0 ? std::max<Real>(roundoff / (1 + roundoff) * size, least_rounding(storage))
                      : Real(0);
    };
    const Real planned = weight * current.decay;
    return of(planned) * std::fabs(current.value) / current.decay +
           (planned + of(planned)) * of(current.share) * std::fabs(current.other);
  }

  Sum sum(Storage storage, bool rounds) const {
    Sum out;
    out.values.resize(at(batch_size() * outputs()));
    out.magnitudes.resize(out.values.size());
    out.roundings.resize(out.values.size());
    for (std::int64_t output = 0; output < outputs(); ++output) {
      const std::vector<Term> terms = terms_of(output);
      std::vector<Reading> readings;
      for (const Term& term : terms) readings.push_back(reading(term.weight));
      for (std::int64_t sample = 0; sample < batch_size(); ++sample) {
        Real value = 0;
        Real magnitude = 0;
        Real rounding = 0;
        for (std::size_t k = 0; k < terms.size(); ++k) {
          const Part current = current_of(readings[k], sample, terms[k].element);
          T weight = weight_[at(terms[k].weight)];
          if (rounds && current.is_undecayed()) {
            weight = kept(storage, weight);
          } else {
            rounding += rounding_of(storage, std::fabs(Real(weight)), current);
          }
          value += Real(weight) * current.value;
          magnitude += std::fabs(Real(weight)) * current.magnitude;
        }
        if (settings_.biased) {
          const Real bias = bias_[at(bias_of(output))];
          value += bias;
          magnitude += std::fabs(bias);
        }
        out.values[at(sample * outputs() + output)] = value;
        out.magnitudes[at(sample * outputs() + output)] = magnitude;
        out.roundings[at(sample * outputs() + output)] = rounding;
      }
    }
    return out;
  }

  template <class Index>
  static std::size_t at(Index index) {
    return static_cast<std::size_t>(index);
  }

  std::vector<T> without_diagonal(std::vector<T> values) const {
    if (settings_.kind != ConnectionKind::lateral) return values;
    for (std::int64_t i = 0; i < inputs(); ++i) values[at(i * inputs() + i)] = T(0);
    return values;
  }

  /// The pixel under row n of the patch (channel, then kernel row, then kernel column) at output
  /// position l.
  std::optional<std::int64_t> pixel(std::int64_t n, std::int64_t l) const {
    const Convolution& shape = settings_.convolution;
    const std::int64_t kernel_column = n % shape.kernel[1];
    const std::int64_t kernel_row = n / shape.kernel[1] % shape.kernel[0];
    const std::int64_t channel = n / (shape.kernel[0] * shape.kernel[1]);
    const std::int64_t out_column = l % shape.out_width();
    const std::int64_t out_row = l / shape.out_width();
    const std::int64_t row =
        out_row * shape.stride[0] - shape.padding[0] + kernel_row * shape.dilation[0];
    const std::int64_t column =
        out_column * shape.stride[1] - shape.padding[1] + kernel_column * shape.dilation[1];
    if (row < 0 || row >= shape.height || column < 0 || column >= shape.width) return std::nullopt;
    return (channel * shape.height + row) * shape.width + column;
  }

  std::vector<Term> terms_of(std::int64_t output) const {
    std::vector<Term> out;
    switch (settings_.kind) {
      case ConnectionKind::dense:
      case ConnectionKind::lateral:
        for (std::int64_t i = 0; i < inputs(); ++i) out.push_back({output * inputs() + i, i});
        break;
      case ConnectionKind::direct:
        out.push_back({output, output});
        break;
      case ConnectionKind::convolution: {
        const std::int64_t patch = settings_.convolution.patch();
        const std::int64_t filter = output / settings_.convolution.positions();
        const std::int64_t position = output % settings_.convolution.positions();
        for (std::int64_t n = 0; n < patch; ++n) {
          out.push_back({filter * patch + n, pixel(n, position)});
        }
        break;
      }
    }
    return out;
  }
  std::int64_t bias_of(std::int64_t output) const {
    return settings_.kind == ConnectionKind::convolution
               ? output / settings_.convolution.positions()
               : output;
  }
  /// The trailing extent of a selector.
  std::int64_t last_extent() const {
    switch (settings_.kind) {
      case ConnectionKind::dense:
      case ConnectionKind::lateral:
        return outputs();
      case ConnectionKind::direct:
        return 1;
      case ConnectionKind::convolution:
        return settings_.convolution.filters;
    }
    return 0;
  }

  /// What the weights of one sample read, in the order of synaptic arrays. The weight is one of
  /// those that read the element.
  std::vector<Term> synaptic() const {
    std::vector<Term> out;
    if (settings_.kind != ConnectionKind::convolution) {
      for (std::int64_t i = 0; i < inputs(); ++i) out.push_back({i, i});
      return out;
    }
    for (std::int64_t n = 0; n < settings_.convolution.patch(); ++n) {
      for (std::int64_t l = 0; l < settings_.convolution.positions(); ++l) {
        out.push_back({n, pixel(n, l)});
      }
    }
    return out;
  }

  /// The same with an extent of outputs or filters behind.
  std::vector<Term> selected() const {
    std::vector<Term> out;
    const std::int64_t positions =
        settings_.kind == ConnectionKind::convolution ? settings_.convolution.positions() : 1;
    const std::vector<Term> order = synaptic();
    const std::int64_t rows = static_cast<std::int64_t>(order.size()) / positions;
    for (std::int64_t row = 0; row < rows; ++row) {
      for (std::int64_t position = 0; position < positions; ++position) {
        for (std::int64_t column = 0; column < last_extent(); ++column) {
          out.push_back({column * rows + row, order[at(row * positions + position)].element});
        }
      }
    }
    return out;
  }

  Reading reading(std::int64_t weight) const {
    if (!is_delayed()) return {false, 1, 1, T(0)};
    const Settings& synapse = synapse_->settings();
    const T asked = delay_[at(weight)];
    const T limit = static_cast<T>(synapse.delay);
    T bounded = asked;
    if (!(asked >= 0)) bounded = 0;
    if (asked > limit) bounded = limit;
    const T tolerance = static_cast<T>(synapse.tolerance);
    const T distance = std::fabs(asked - bounded);
    const auto where = locate(bounded, static_cast<T>(synapse.step_time), tolerance, 1);
    return {!(distance <= tolerance), where.older, where.newer, where.elapsed};
  }

  /// An observation; those of the padding are 0.
  template <class Value>
  Value observed(const Frames<Value>& frames, std::int64_t steps_back, std::int64_t sample,
                 std::optional<std::int64_t> element) const {
    return element ? frames.back(steps_back)[at(sample * inputs() + *element)] : Value(0);
  }

  /// Of observations without memory, the one read between two.
  std::int64_t steps_back(const Reading& where) const {
    const T share = where.elapsed / static_cast<T>(synapse_->settings().step_time);
    const bool newer_is_nearer = share > T(0.5);
    return synapse_->settings().nearest && newer_is_nearer ? where.newer : where.older;
  }

  Real decay(const Reading& where, double time_constant) const {
    if (where.older == where.newer) return 1;
    return std::exp(-Real(where.elapsed) / Real(static_cast<T>(time_constant)));
  }

  Part current_of(const Reading& where, std::int64_t sample,
                  std::optional<std::int64_t> element) const {
    const Settings& synapse = synapse_->settings();
    if (where.is_out_of_range && synapse.current_overbound) {
      return part(static_cast<T>(*synapse.current_overbound));
    }
    switch (synapse.model) {
      case Model::delta: {
        const auto spike = observed(synapse_->spikes(), steps_back(where), sample, element);
        return part(spike != 0 ? static_cast<T>(synapse.spike_charge / synapse.step_time) : T(0));
      }
      case Model::delta_plus:
        return part(observed(synapse_->trace(0), steps_back(where), sample, element));
      case Model::single_exponential: {
        const Real older = observed(synapse_->trace(0), where.older, sample, element);
        Part out = part(older * decay(where, synapse.time_constant));
        out.decay = decay(where, synapse.time_constant);
        return out;
      }
      case Model::double_exponential: {
        const Real slow = decay(where, synapse.tc_decay);
        const Real fast = decay(where, synapse.tc_rise);
        const Real older_neg = observed(synapse_->trace(1), where.older, sample, element);
        const Real pos = Real(observed(synapse_->trace(0), where.older, sample, element)) * slow;
        const Real neg = older_neg * fast;
        return {pos - neg, std::fabs(pos) + std::fabs(neg), slow, fast / slow, older_neg};
      }
      case Model::alpha: {
        const Real y = observed(synapse_->trace(1), where.older, sample, element);
        if (where.older == where.newer) return part(y);
        const Real z = observed(synapse_->trace(0), where.older, sample, element);
        const Real fed = z * Real(where.elapsed);
        const Real share = decay(where, synapse.time_constant);
        return {(y + fed) * share, (std::fabs(y) + std::fabs(fed)) * share, share,
                Real(where.elapsed), z};
      }
    }
    return {0, 0};
  }
  static Part part(Real value) { return {value, std::fabs(value)}; }

  std::uint8_t spike_of(const Reading& where, std::int64_t sample,
                        std::optional<std::int64_t> element) const {
    const Settings& synapse = synapse_->settings();
    if (where.is_out_of_range && synapse.spike_overbound) return *synapse.spike_overbound ? 1 : 0;
    return observed(synapse_->spikes(), steps_back(where), sample, element);
  }

  ConnectionSettings settings_;
  std::shared_ptr<Synapse<T>> synapse_;
  std::vector<T> weight_;
  std::vector<T> delay_;
  std::vector<T> bias_;
};

}  // namespace reference
