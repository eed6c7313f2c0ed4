// Suite connection: weighted sums, and what learning rules look at, replayed on one connection.
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "cusynapse/buffer.hpp"
#include "cusynapse/connection.hpp"
#include "cusynapse/updater.hpp"
#include "golden/connection_of_case.hpp"
#include "golden/feed.hpp"
#include "golden/replay.hpp"

namespace cusynapse::golden {
namespace {

/// A way to feed the inputs of a case.
struct Feeding {
  InputKind kind = InputKind::values;
  Stepping stepping = Stepping::one_by_one;
};

std::string to_string(const Feeding& feeding) {
  std::string text = "fed as values";
  if (feeding.kind == InputKind::bytes) text = "fed as bytes";
  if (feeding.kind == InputKind::bits) text = "fed as bits";
  return text + (feeding.stepping == Stepping::sequence ? ", as a sequence" : "");
}

/// Whether any input of a case holds spikes, which can be stored in other ways than as values.
bool has_spikes(const Case& replayed) {
  for (const Operation& operation : replayed.operations) {
    const Array* const x = operation.find_input("x");
    if (x != nullptr && x->type == ElementType::u8) return true;
  }
  return false;
}

std::vector<Feeding> feedings(const Case& replayed) {
  std::vector<Feeding> result;
  for (const Stepping stepping : {Stepping::one_by_one, Stepping::sequence}) {
    result.push_back({InputKind::values, stepping});
    if (!has_spikes(replayed)) continue;
    result.push_back({InputKind::bytes, stepping});
    result.push_back({InputKind::bits, stepping});
  }
  return result;
}

/// Of weighted sums, whose order is not recorded.
Tolerance sum_tolerance(const Array& recorded) {
  double largest = 0.0;
  for (const float value : recorded.values<float>()) {
    if (std::isfinite(value)) largest = std::fmax(largest, std::abs(value));
  }
  return {1e-4, 1e-6 * largest};
}

/// Recorded spikes of a convolution, [batch, patch, positions] or [batch, patch, positions,
/// filters], brought to [batch, 1 or filters, channels, kernel, kernel, positions] by the
/// definition of that shape.
std::vector<std::uint8_t> convolution_presyn_receptive(const Conv2DOptions& geometry,
                                                       const Array& synspike) {
  const std::vector<std::int64_t>& extents = synspike.extents;
  const std::int64_t filters = extents.size() == 4 ? extents[3] : 1;
  const std::vector<std::uint8_t> spikes = synspike.values<std::uint8_t>();
  std::vector<std::uint8_t> result;
  for (std::int64_t sample = 0; sample < extents[0]; ++sample) {
    for (std::int64_t filter = 0; filter < filters; ++filter) {
      for (std::int64_t channel = 0; channel < geometry.channels; ++channel) {
        for (std::int64_t y = 0; y < geometry.kernel[0]; ++y) {
          for (std::int64_t x = 0; x < geometry.kernel[1]; ++x) {
            for (std::int64_t position = 0; position < extents[2]; ++position) {
              const std::int64_t row = (channel * geometry.kernel[0] + y) * geometry.kernel[1] + x;
              const std::int64_t element =
                  ((sample * extents[1] + row) * extents[2] + position) * filters + filter;
              result.push_back(spikes.at(static_cast<std::size_t>(element)));
            }
          }
        }
      }
    }
  }
  return result;
}

class ConnectionReplay {
 public:
  ConnectionReplay(const Stream& stream, const Case& replayed, Comparison& comparison,
                   const Feeding& feeding)
      : stream_(stream), case_(replayed), comparison_(comparison), feeding_(feeding) {
    // `inplace` says how the recording library stored its histories; nothing follows from it here.
    replayed.parameters.expect_only(
        {"conn",          "cls",      "dt",        "delay",         "bias",
         "batch",         "mode",     "tol",       "inplace",       "current_overbound",
         "spike_charge",  "tc_decay", "tc_rise",   "time_constant", "spike_overbound",
         "synapse_shape", "in_shape", "out_shape", "height",        "width",
         "channels",      "filters",  "kernel",    "stride",        "padding",
         "dilation"});
    connection_ = make_connection(stream, replayed);
  }

  void replay() {
    comparison_.set_place(cusynapse::to_string(stream_.device()) + ", case " +
                          std::to_string(case_.id) + " " + case_.name);
    expect_shape("input", connection_->input_shape(), "in_shape");
    expect_shape("output", connection_->output_shape(), "out_shape");
    expect_shape("synaptic", connection_->synaptic_shape(), "synapse_shape");
    for (const Operation& operation : case_.operations) {
      comparison_.set_place(describe(stream_, case_, operation) + " " + to_string(feeding_));
      if (operation.kind == "forward") {
        forward(operation);
      } else if (operation.kind == "inspect") {
        inspect(operation);
      } else if (operation.kind == "set_weight") {
        set(operation, "weight");
      } else if (operation.kind == "set_bias") {
        set(operation, "bias");
      } else if (operation.kind == "set_delay_param") {
        set(operation, "delay");
      } else if (operation.kind == "update") {
        update(operation);
      } else if (operation.kind == "clear") {
        operation.expect_only({}, {}, {});
        connection_->clear(stream_);
      } else {
        refuse(operation.place, "unknown operation '" + operation.kind + "'");
      }
    }
  }

  /// What each forward operation gave.
  const std::vector<std::vector<float>>& outputs() const noexcept { return outputs_; }

 private:
  static Parameter parameter(const Place& place, const std::string& name) {
    if (name == "weight") return Parameter::weight;
    if (name == "bias") return Parameter::bias;
    if (name == "delay") return Parameter::delay;
    refuse(place, "unknown parameter '" + name + "'");
  }

  void expect_shape(const std::string& what, const Shape& shape, const std::string& key) {
    const Shape recorded = to_shape(case_.parameters.integers(key));
    comparison_.expect(shape == recorded, what + " shape is " + cusynapse::to_string(shape) +
                                              ", expected " + cusynapse::to_string(recorded));
  }

  // A computed array of a shape of the connection's with what was recorded.
  template <class T>
  void compare(const std::string& name, const Shape& shape, const std::vector<T>& got,
               const Array& recorded, Tolerance tolerance = bit_for_bit) {
    if (shape != to_shape(recorded.extents)) {
      comparison_.mismatch(name + " has shape " + cusynapse::to_string(shape) + ", expected " +
                           cusynapse::to_string(to_shape(recorded.extents)));
      return;
    }
    comparison_.array(name, got, recorded, tolerance);
  }

  // Single steps take parameters from memory of the device, sequences from the host.
  void assign(Parameter parameter, const std::vector<float>& values) {
    if (feeding_.stepping == Stepping::sequence) {
      connection_->set_from_host(stream_, parameter, values);
      return;
    }
    const Buffer<float> buffer = to_device(stream_, values);
    connection_->set(stream_, parameter, buffer.view(connection_->parameter_shape(parameter)));
  }

  void compare_parameter(const Operation& operation, const std::string& name) {
    const Parameter which = parameter(operation.place, name);
    compare(name, connection_->get(which).shape(), connection_->to_host(stream_, which),
            operation.output(name));
  }

  // Recorded values of an array as large as a parameter.
  std::vector<float> values_for(Parameter which, const Array& recorded) const {
    const Shape& shape = connection_->parameter_shape(which);
    if (to_shape(recorded.extents) != shape) {
      refuse(recorded.place, recorded.name + " is not " + cusynapse::to_string(shape));
    }
    return recorded.values<float>();
  }

  void set(const Operation& operation, const std::string& name) {
    operation.expect_only({}, {name}, {name});
    const Parameter which = parameter(operation.place, name);
    assign(which, values_for(which, operation.input(name)));
    compare_parameter(operation, name);
  }

  void update(const Operation& operation) {
    operation.expect_only({"params"},
                          {"weight_pos0", "weight_pos1", "weight_neg0", "bias_pos0", "bias_pos1",
                           "bias_neg0", "delay_pos0", "delay_pos1", "delay_neg0"},
                          {"weight", "bias", "delay"});
    Updater<float> updater(stream_, *connection_);
    std::vector<std::string> names;
    std::istringstream listed(operation.fields.text("params"));
    for (std::string name; std::getline(listed, name, ',');) {
      const Parameter which = parameter(operation.place, name);
      const Shape& shape = connection_->parameter_shape(which);
      for (const std::string part : {"_pos0", "_pos1", "_neg0"}) {
        const Buffer<float> values =
            to_device(stream_, values_for(which, operation.input(name + part)));
        if (part == "_neg0") {
          updater[which].add_negative(stream_, values.view(shape));
        } else {
          updater[which].add_positive(stream_, values.view(shape));
        }
      }
      names.push_back(name);
    }
    updater.update(stream_);
    for (const std::string& name : names) compare_parameter(operation, name);
  }

  void forward(const Operation& operation) {
    operation.expect_only({"steps", "ninj"}, {"x", "inj0", "inj1", "inj2", "inj3"}, {"out"});
    const Array& x = operation.input("x");
    const std::int64_t steps = operation.fields.integer("steps");
    const std::int64_t injections = operation.fields.integer("ninj");
    const Shape frames = connection_->input_shape().prepended(batch()).prepended(steps);
    if (to_shape(x.extents) != frames) {
      refuse(x.place, "x is not " + cusynapse::to_string(frames));
    }
    if (static_cast<std::int64_t>(operation.inputs.size()) != 1 + injections) {
      refuse(operation.place, "forward has other inputs than x and ninj currents");
    }
    std::vector<Buffer<float>> injected;
    for (std::int64_t i = 0; i < injections; ++i) {
      const Array& current = operation.input("inj" + std::to_string(i));
      if (current.extents != x.extents) refuse(current.place, "current of another shape than x");
      injected.push_back(to_device(stream_, current.values<float>()));
    }
    const Array& recorded = operation.output("out");
    const Shape shape = connection_->output_shape().prepended(batch()).prepended(steps);
    if (to_shape(recorded.extents) != shape) {
      refuse(recorded.place, "out is not " + cusynapse::to_string(shape));
    }
    const Feed feed(stream_, x, feeding_.kind);
    Buffer<float> out = float_result(stream_, shape.size());
    // A sequence takes no injected currents, so what has some is always fed one by one.
    if (feeding_.stepping == Stepping::sequence && injected.empty()) {
      connection_->forward_sequence(stream_, feed.all(), out.view(shape));
    } else {
      for (std::int64_t t = 0; t < steps; ++t) {
        std::vector<View<const float>> currents;
        for (const Buffer<float>& buffer : injected) currents.push_back(buffer.view(frames)[t]);
        connection_->forward(stream_, feed.frame(t), out.view(shape)[t], Output::replace,
                             Injected<float>(currents));
      }
    }
    outputs_.push_back(to_host(stream_, out));
    comparison_.array("out", outputs_.back(), recorded, sum_tolerance(recorded));
    first_input_ = frame_of(x, 0);
    last_output_ = frame_of(recorded, steps - 1);
  }

  void inspect(const Operation& operation) {
    operation.expect_only({"delayedby"}, {},
                          {"selector", "syncurrent", "synspike", "like_synaptic",
                           "like_input_of_like_synaptic", "presyn_receptive", "postsyn_receptive"});
    if (!first_input_ || !last_output_) refuse(operation.place, "inspect before any forward");
    comparison_.expect(connection_->delayed_by() == operation.fields.optional_number("delayedby"),
                       "delayed_by is not what was recorded");
    for (const Outcome& outcome : operation.outcomes) {
      if (connection_->name() != std::string("Conv2D") || outcome.name != "presyn_receptive") {
        refuse(outcome.place, "nothing is known about a refusal of " + outcome.name);
      }
    }
    inspect_synapses(operation);
    inspect_layouts(operation);
  }

  void inspect_synapses(const Operation& operation) {
    const Shape all = connection_->selector_shape();
    Buffer<float> selector = float_result(stream_, all.size());
    connection_->selector(stream_, selector.view(all));
    compare("selector", all, to_host(stream_, selector), operation.output("selector"));

    const Shape read = connection_->synaptic_selection_shape();
    Buffer<float> current = float_result(stream_, read.size());
    connection_->syncurrent(stream_, current.view(read));
    compare("syncurrent", read, to_host(stream_, current), operation.output("syncurrent"),
            current_tolerance());
    Buffer<std::uint8_t> spike = byte_result(stream_, read.size());
    connection_->synspike(stream_, spike.view(read));
    compare("synspike", read, to_host(stream_, spike), operation.output("synspike"));

    const Shape receptive = connection_->presyn_receptive_shape(read);
    Buffer<std::uint8_t> presynaptic = byte_result(stream_, receptive.size());
    connection_->presyn_receptive(stream_, View<const std::uint8_t>(spike.view(read)),
                                  presynaptic.view(receptive));
    compare_presyn_receptive(operation, receptive, to_host(stream_, presynaptic));
  }

  // The recording library raised on Conv2D.presyn_receptive, which here works
  // (docs/semantics.md, section 6, point 8): what it must be follows from the recorded spikes.
  void compare_presyn_receptive(const Operation& operation, const Shape& shape,
                                const std::vector<std::uint8_t>& got) {
    if (operation.outcomes.empty()) {
      compare("presyn_receptive", shape, got, operation.output("presyn_receptive"));
    }
    if (connection_->name() != std::string("Conv2D")) return;
    const Conv2DOptions geometry = convolution_of_case(case_);
    const Array& spikes = operation.output("synspike");
    if (to_shape(spikes.extents) != connection_->synaptic_selection_shape()) {
      refuse(spikes.place, "synspike has another shape than the connection's");
    }
    const Shape expected{spikes.extents[0],  spikes.extents.size() == 4 ? spikes.extents[3] : 1,
                         geometry.channels,  geometry.kernel[0],
                         geometry.kernel[1], spikes.extents[2]};
    comparison_.expect(shape == expected, "Conv2D.presyn_receptive has shape " +
                                              cusynapse::to_string(shape) + ", expected " +
                                              cusynapse::to_string(expected));
    comparison_.equal("Conv2D.presyn_receptive", got,
                      convolution_presyn_receptive(geometry, spikes));
  }

  void inspect_layouts(const Operation& operation) {
    const Shape input_shape = connection_->input_shape().prepended(batch());
    const Shape synaptic_shape = connection_->synaptic_shape().prepended(batch());
    const Buffer<float> input = to_device(stream_, first_input_->as_float());
    Buffer<float> synaptic = float_result(stream_, synaptic_shape.size());
    connection_->like_synaptic(stream_, input.view(input_shape), synaptic.view(synaptic_shape));
    compare("like_synaptic", synaptic_shape, to_host(stream_, synaptic),
            operation.output("like_synaptic"));
    Buffer<float> back = float_result(stream_, input_shape.size());
    connection_->like_input(stream_, View<const float>(synaptic.view(synaptic_shape)),
                            back.view(input_shape));
    compare("like_input_of_like_synaptic", input_shape, to_host(stream_, back),
            operation.output("like_input_of_like_synaptic"));

    // Moves nothing, so that the recorded output comes out as it went in, under another shape.
    const std::vector<float> output = last_output_->values<float>();
    const Buffer<float> outputs = to_device(stream_, output);
    const View<const float> receptive = connection_->postsyn_receptive(
        outputs.view(connection_->output_shape().prepended(batch())));
    comparison_.expect(receptive.data() == outputs.data(), "postsyn_receptive moved its elements");
    compare("postsyn_receptive", receptive.shape(), output, operation.output("postsyn_receptive"));
  }

  Tolerance current_tolerance() const {
    const std::string& class_name = case_.parameters.text("cls");
    if (!connection_->is_delayed()) return bit_for_bit;
    if (class_name == "SingleExponentialCurrent") return exponential;
    if (class_name != "DoubleExponentialCurrent") return bit_for_bit;
    // The difference of two exponentials keeps the error of both.
    return {exponential.relative, 3e-7 * std::abs(case_.parameters.number("spike_charge"))};
  }

  std::int64_t batch() const noexcept { return connection_->batch_size(); }

  Stream stream_;
  const Case& case_;
  Comparison& comparison_;
  Feeding feeding_;
  std::unique_ptr<Connection<float>> connection_;
  std::vector<std::vector<float>> outputs_;
  std::optional<Array> first_input_;
  std::optional<Array> last_output_;
};

// Every way to feed a case is replayed on a connection of its own, and gives the same bits.
void replay_connection_case(const Stream& stream, const Case& replayed, Comparison& comparison) {
  std::optional<std::vector<std::vector<float>>> expected;
  for (const Feeding& feeding : feedings(replayed)) {
    ConnectionReplay replay(stream, replayed, comparison, feeding);
    replay.replay();
    if (!expected) {
      expected = replay.outputs();
      continue;
    }
    comparison.set_place(cusynapse::to_string(stream.device()) + ", case " +
                         std::to_string(replayed.id) + " " + replayed.name + ", " +
                         to_string(feeding) + " and by single steps of values");
    for (std::size_t i = 0; i < expected->size(); ++i) {
      comparison.equal("out of forward " + std::to_string(i), replay.outputs().at(i),
                       expected->at(i));
    }
  }
}

TEST(GoldenReplay, ConnectionsGiveWhatWasRecorded) {
  replay_suite("connection", all_devices(), replay_connection_case);
}

}  // namespace
}  // namespace cusynapse::golden
