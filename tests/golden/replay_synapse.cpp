// Suites synapse and mutate: sequences of steps, queries and changes, each replayed on one synapse.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cusynapse/buffer.hpp"
#include "cusynapse/models.hpp"
#include "golden/feed.hpp"
#include "golden/replay.hpp"
#include "golden/synapse_of_case.hpp"

namespace cusynapse::golden {
namespace {

/// Which way the spikes of a case are stored: each kind in turn.
InputKind input_kind(const Case& replayed, Stepping stepping) {
  constexpr InputKind kinds[] = {InputKind::bytes, InputKind::values, InputKind::bits};
  return kinds[(replayed.id + (stepping == Stepping::sequence ? 1 : 0)) % 3];
}

/// Elements whose selector is NaN while there is no overbound to give for it. Which slot such a
/// selector reads is an accident of the recording: the conversion of NaN to an index has no defined
/// result. Infinite selectors are not ignored, they clamp to the ends.
std::vector<bool> undefined_selections(const std::vector<float>& selector, bool has_overbound) {
  std::vector<bool> undefined(selector.size(), false);
  for (std::size_t i = 0; i < selector.size(); ++i) {
    undefined[i] = !has_overbound && std::isnan(selector[i]);
  }
  return undefined;
}

class SynapseReplay {
 public:
  SynapseReplay(const Stream& stream, const Case& replayed, Comparison& comparison,
                Stepping stepping)
      : stream_(stream), case_(replayed), comparison_(comparison), stepping_(stepping) {
    // `inplace` says how the recording library stored its histories; nothing follows from it here.
    replayed.parameters.expect_only({"cls", "shape", "batch", "dt", "delay", "mode", "tol",
                                     "current_overbound", "spike_overbound", "inplace",
                                     "spike_charge", "time_constant", "tc_decay", "tc_rise"});
    const SynapseConstants constants = synapse_constants(replayed);
    spike_charge_ = constants.spike_charge;
    class_name_ = replayed.parameters.text("cls");
    synapse_ =
        make_synapse(stream, replayed.place, class_name_, synapse_options(replayed), constants);
    double_ = dynamic_cast<DoubleExponentialCurrent<float>*>(synapse_.get());
  }

  void replay() {
    for (const Operation& operation : case_.operations) {
      comparison_.set_place(describe(stream_, case_, operation) +
                            (stepping_ == Stepping::sequence ? " as a sequence" : ""));
      if (operation.kind == "run") {
        run(operation);
      } else if (operation.kind == "query") {
        query(operation);
      } else if (operation.kind == "state") {
        state(operation);
      } else {
        change(operation);
      }
    }
  }

  const CurrentSynapse<float>& synapse() const noexcept { return *synapse_; }

 private:
  bool is_delta() const {
    return class_name_ == "DeltaCurrent" || class_name_ == "DeltaPlusCurrent";
  }

  void run(const Operation& operation) {
    operation.expect_only({"steps", "ninj"},
                          {"x", "inj0", "inj1", "inj2", "inj3", "inj4", "inj5", "inj6", "inj7"},
                          {"ret", "spike", "pos", "neg"});
    const Array& x = operation.input("x");
    const std::int64_t steps = operation.fields.integer("steps");
    const std::int64_t injections = operation.fields.integer("ninj");
    const Shape frames = synapse_->batched_shape().prepended(steps);
    if (to_shape(x.extents) != frames) refuse(x.place, "x is not " + to_string(frames));
    if (static_cast<std::int64_t>(operation.inputs.size()) != 1 + injections) {
      refuse(operation.place, "run has other inputs than x and ninj currents");
    }
    std::vector<Buffer<float>> injected;
    for (std::int64_t i = 0; i < injections; ++i) {
      const Array& current = operation.input("inj" + std::to_string(i));
      if (current.extents != x.extents) refuse(current.place, "current of another shape than x");
      injected.push_back(to_device(stream_, current.values<float>()));
    }
    const Feed feed(stream_, x, input_kind(case_, stepping_));
    // A sequence takes no injected currents, so a run with some is always fed one by one.
    if (stepping_ == Stepping::sequence && injected.empty()) {
      run_sequence(operation, feed, frames);
    } else {
      run_one_by_one(operation, feed, frames, injected);
    }
  }

  void run_one_by_one(const Operation& operation, const Feed& feed, const Shape& frames,
                      const std::vector<Buffer<float>>& injected) {
    Buffer<float> current = float_result(stream_, frames.size());
    Buffer<std::uint8_t> spike = byte_result(stream_, frames.size());
    Buffer<float> pos = float_result(stream_, double_ != nullptr ? frames.size() : 0);
    Buffer<float> neg = float_result(stream_, double_ != nullptr ? frames.size() : 0);
    for (std::int64_t t = 0; t < frames[0]; ++t) {
      std::vector<View<const float>> currents;
      for (const Buffer<float>& buffer : injected) currents.push_back(buffer.view(frames)[t]);
      synapse_->step(stream_, feed.frame(t), Injected<float>(currents));
      synapse_->current(stream_, current.view(frames)[t]);
      synapse_->spike(stream_, spike.view(frames)[t]);
      if (double_ == nullptr) continue;
      double_->pos_current(stream_, pos.view(frames)[t]);
      double_->neg_current(stream_, neg.view(frames)[t]);
    }
    comparison_.array("ret", to_host(stream_, current), operation.output("ret"));
    comparison_.array("spike", to_host(stream_, spike), operation.output("spike"));
    compare_parts(operation, "pos", "neg", pos, neg, bit_for_bit);
  }

  // Only what is newest after the last step can be seen, so that is compared with the last frame.
  void run_sequence(const Operation& operation, const Feed& feed, const Shape& frames) {
    synapse_->step_sequence(stream_, feed.all());
    const Shape shape = frames.without_leading(1);
    Buffer<float> current = float_result(stream_, shape.size());
    Buffer<std::uint8_t> spike = byte_result(stream_, shape.size());
    synapse_->current(stream_, current.view(shape));
    synapse_->spike(stream_, spike.view(shape));
    comparison_.array("last ret", to_host(stream_, current),
                      frame_of(operation.output("ret"), frames[0] - 1));
    comparison_.array("last spike", to_host(stream_, spike),
                      frame_of(operation.output("spike"), frames[0] - 1));
  }

  void query(const Operation& operation) {
    operation.expect_only({"D"}, {"sel"}, {"current_at", "spike_at", "pos_at", "neg_at"});
    const Array& recorded = operation.input("sel");
    const Shape shape = to_shape(recorded.extents);
    const std::int64_t samples = operation.fields.integer("D");
    const Shape batched = synapse_->batched_shape();
    if (shape != (samples == -1 ? batched : batched.appended(samples))) {
      refuse(recorded.place,
             "selector is " + to_string(shape) + " for D=" + operation.fields.text("D"));
    }
    const std::vector<float> values = recorded.values<float>();
    const Buffer<float> selector = to_device(stream_, values);
    const View<const float> view = selector.view(shape);
    Buffer<float> current = float_result(stream_, shape.size());
    Buffer<std::uint8_t> spike = byte_result(stream_, shape.size());
    synapse_->current_at(stream_, view, current.view(shape));
    synapse_->spike_at(stream_, view, spike.view(shape));

    const SynapseOptions& options = synapse_->options();
    const std::vector<bool> ignored_currents =
        undefined_selections(values, options.current_overbound.has_value());
    Tolerance tolerance = is_delta() ? bit_for_bit : exponential;
    // The difference of two exponentials keeps the error of both.
    if (double_ != nullptr) tolerance.absolute = 3e-7 * std::abs(spike_charge_);
    comparison_.array("current_at", to_host(stream_, current), operation.output("current_at"),
                      tolerance, ignored_currents);
    comparison_.array("spike_at", to_host(stream_, spike), operation.output("spike_at"),
                      bit_for_bit,
                      undefined_selections(values, options.spike_overbound.has_value()));

    const std::int64_t parts_size = double_ != nullptr ? shape.size() : 0;
    Buffer<float> pos = float_result(stream_, parts_size);
    Buffer<float> neg = float_result(stream_, parts_size);
    if (double_ != nullptr) {
      double_->pos_current_at(stream_, view, pos.view(shape));
      double_->neg_current_at(stream_, view, neg.view(shape));
    }
    compare_parts(operation, "pos_at", "neg_at", pos, neg, exponential, ignored_currents);
  }

  // The two parts of a double exponential, which no other class may have recorded.
  void compare_parts(const Operation& operation, const std::string& pos_name,
                     const std::string& neg_name, const Buffer<float>& pos,
                     const Buffer<float>& neg, Tolerance tolerance,
                     const std::vector<bool>& ignored = {}) {
    if (double_ == nullptr) {
      for (const std::string& name : {pos_name, neg_name}) {
        if (operation.find_output(name) != nullptr) {
          refuse(operation.place, class_name_ + " has no output '" + name + "'");
        }
      }
      return;
    }
    comparison_.array(pos_name, to_host(stream_, pos), operation.output(pos_name), tolerance,
                      ignored);
    comparison_.array(neg_name, to_host(stream_, neg), operation.output(neg_name), tolerance,
                      ignored);
  }

  void state(const Operation& operation) {
    operation.expect_only({"dt", "delay", "batchsz", "recordsz", "duration", "pointer"}, {},
                          {"hist_spike", "hist_current", "hist_pos", "hist_neg"});
    const Fields& fields = operation.fields;
    comparison_.number("dt", synapse_->step_time(), fields.number("dt"));
    comparison_.number("delay", synapse_->delay(), fields.number("delay"));
    comparison_.number("duration", synapse_->delay(), fields.number("duration"));
    comparison_.number("batchsz", static_cast<double>(synapse_->batch_size()),
                       fields.number("batchsz"));
    comparison_.number("recordsz", synapse_->slots(), fields.number("recordsz"));
    comparison_.number("pointer", synapse_->pointer(stream_), fields.number("pointer"));
    for (const Array& recorded : operation.outputs) {
      if (recorded.name == "hist_spike") {
        comparison_.array(recorded.name, spike_history(stream_, *synapse_), recorded);
      } else {
        comparison_.array(recorded.name, trace_history(stream_, *synapse_, trace_of(recorded)),
                          recorded);
      }
    }
  }

  int trace_of(const Array& recorded) const {
    if (double_ != nullptr && recorded.name == "hist_pos") return 0;
    if (double_ != nullptr && recorded.name == "hist_neg") return 1;
    const bool one_trace =
        class_name_ == "DeltaPlusCurrent" || class_name_ == "SingleExponentialCurrent";
    if (one_trace && recorded.name == "hist_current") return 0;
    refuse(recorded.place, class_name_ + " has no history '" + recorded.name + "'");
  }

  void change(const Operation& operation) {
    if (operation.kind == "clear") {
      operation.expect_only({}, {}, {});
      synapse_->clear(stream_);
      return;
    }
    operation.expect_only({"value"}, {}, {});
    if (operation.kind == "set_dt") {
      synapse_->set_step_time(stream_, operation.fields.number("value"));
    } else if (operation.kind == "set_delay") {
      synapse_->set_delay(stream_, operation.fields.number("value"));
    } else if (operation.kind == "set_batchsz") {
      synapse_->set_batch_size(stream_, operation.fields.integer("value"));
    } else {
      refuse(operation.place, "unknown operation '" + operation.kind + "'");
    }
  }

  Stream stream_;
  const Case& case_;
  Comparison& comparison_;
  Stepping stepping_;
  std::string class_name_;
  double spike_charge_ = 0.0;
  std::unique_ptr<CurrentSynapse<float>> synapse_;
  DoubleExponentialCurrent<float>* double_ = nullptr;
};

// Everything two synapses of one case hold, compared bit for bit.
void compare_final_states(const Stream& stream, const CurrentSynapse<float>& sequence,
                          const CurrentSynapse<float>& one_by_one, Comparison& comparison) {
  comparison.number("pointer", sequence.pointer(stream), one_by_one.pointer(stream));
  comparison.equal("spikes", spike_history(stream, sequence), spike_history(stream, one_by_one));
  for (int trace = 0; trace < one_by_one.trace_count(); ++trace) {
    comparison.equal("trace " + std::to_string(trace), trace_history(stream, sequence, trace),
                     trace_history(stream, one_by_one, trace));
  }
}

void replay_synapse_case(const Stream& stream, const Case& replayed, Comparison& comparison) {
  SynapseReplay one_by_one(stream, replayed, comparison, Stepping::one_by_one);
  one_by_one.replay();
  SynapseReplay sequence(stream, replayed, comparison, Stepping::sequence);
  sequence.replay();
  comparison.set_place(to_string(stream.device()) + ", case " + std::to_string(replayed.id) + " " +
                       replayed.name + ", final state of a sequence and of single steps");
  compare_final_states(stream, sequence.synapse(), one_by_one.synapse(), comparison);
}

TEST(GoldenReplay, SynapsesGiveWhatWasRecorded) {
  replay_suite("synapse", all_devices(), replay_synapse_case);
}

TEST(GoldenReplay, ChangedSynapsesGiveWhatWasRecorded) {
  replay_suite("mutate", all_devices(), replay_synapse_case);
}

}  // namespace
}  // namespace cusynapse::golden
