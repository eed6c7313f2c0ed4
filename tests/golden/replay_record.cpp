// Suite record: histories, one per case, in float32.
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cusynapse/error.hpp"
#include "cusynapse/history.hpp"
#include "cusynapse/math/ring.hpp"
#include "golden/replay.hpp"

namespace cusynapse::golden {
namespace {

void replay_table(const Stream& stream, const Case& replayed, Comparison& comparison) {
  replayed.parameters.expect_only({"kind"});
  for (const Operation& operation : replayed.operations) {
    comparison.set_place(describe(stream, replayed, operation));
    if (operation.kind != "table") refuse(operation.place, "unknown operation " + operation.kind);
    operation.expect_only({}, {"dt", "duration", "inclusive"}, {"recordsz"});
    const std::vector<double> step_time = operation.input("dt").values<double>();
    const std::vector<double> duration = operation.input("duration").values<double>();
    const auto inclusive = operation.input("inclusive").values<std::uint8_t>();
    if (duration.size() != step_time.size() || inclusive.size() != step_time.size()) {
      refuse(operation.place, "columns of different lengths");
    }
    std::vector<std::int64_t> slots;
    for (std::size_t i = 0; i < step_time.size(); ++i) {
      slots.push_back(static_cast<std::int64_t>(
          math::history_slots(duration[i], step_time[i], inclusive[i] != 0)));
    }
    comparison.array("recordsz", slots, operation.output("recordsz"));
  }
}

HistoryOptions history_options(const Case& replayed) {
  const Fields& parameters = replayed.parameters;
  // `inplace` says how the recording library stored the history; nothing follows from it here.
  parameters.expect_only({"kind", "dt", "duration", "inclusive", "shape", "inplace"});
  HistoryOptions options;
  options.shape = to_shape(parameters.integers("shape"));
  options.step_time = parameters.number("dt");
  options.duration = parameters.number("duration");
  options.inclusive = parameters.flag("inclusive");
  return options;
}

class HistoryReplay {
 public:
  HistoryReplay(const Stream& stream, const Case& replayed, Comparison& comparison)
      : stream_(stream),
        case_(replayed),
        comparison_(comparison),
        history_(stream, history_options(replayed)) {}

  void replay() {
    for (const Operation& operation : case_.operations) {
      comparison_.set_place(describe(stream_, case_, operation));
      if (!replay_selection(operation) && !replay_access(operation) && !replay_change(operation)) {
        refuse(operation.place, "unknown operation '" + operation.kind + "'");
      }
    }
    if (inexact_) refuse(case_.place, "an insertion with an exponential rule without a dump");
  }

 private:
  // Recorded arrays are of one sample: here they lie in a batch of one.
  static Shape batched(const Array& recorded) { return to_shape(recorded.extents).prepended(1); }

  Tolerance at_least(Tolerance tolerance) const { return inexact_ ? exponential : tolerance; }

  // Compares what `compute` leaves in an array of that shape, or expects it to be refused where the
  // recording raised an exception.
  template <class Compute>
  void compare_result(const Operation& operation, const Shape& shape, Tolerance tolerance,
                      const Compute& compute) {
    Buffer<float> result = float_result(stream_, shape.size());
    if (!operation.outcomes.empty()) {
      const Outcome& outcome = operation.outcomes.front();
      if (!outcome.exception.has_value()) refuse(outcome.place, "outcome without an exception");
      bool refused = false;
      try {
        compute(result.view(shape));
      } catch (const Error&) {
        refused = true;
      }
      comparison_.expect(refused, operation.kind + " was accepted, expected a refusal");
      return;
    }
    const Array& recorded = operation.output("res");
    if (batched(recorded) != shape) refuse(recorded.place, "res is not " + to_string(shape));
    compute(result.view(shape));
    comparison_.array("res", to_host(stream_, result), recorded, at_least(tolerance));
  }

  bool replay_selection(const Operation& operation) {
    const Fields& fields = operation.fields;
    if (operation.kind == "select" || operation.kind == "select_scalar") {
      const bool scalar = operation.kind == "select_scalar";
      if (scalar) {
        operation.expect_only({"interp", "offset", "tol", "time", "time_constant", "rate_constant"},
                              {}, {"res"});
      } else {
        operation.expect_only({"interp", "offset", "tol", "time_constant", "rate_constant"},
                              {"time"}, {"res"});
      }
      const auto named = interpolation(operation.place, fields.text("interp"), fields);
      SelectOptions options;
      options.interpolation = named.rule;
      options.constant = named.constant;
      options.tolerance = fields.number("tol");
      options.offset = fields.integer("offset");
      if (scalar) {
        compare_result(operation, history_.batched_shape(), named.tolerance, [&](View<float> out) {
          history_.select(stream_, fields.number("time"), out, options);
        });
        return true;
      }
      const Array& recorded = operation.input("time");
      const Buffer<float> times = to_device(stream_, recorded.values<float>());
      compare_result(operation, batched(recorded), named.tolerance, [&](View<float> out) {
        history_.select(stream_, times.view(batched(recorded)), out, options);
      });
      return true;
    }
    if (operation.kind == "insert" || operation.kind == "insert_scalar") {
      insert(operation);
      return true;
    }
    return false;
  }

  void insert(const Operation& operation) {
    const Fields& fields = operation.fields;
    const bool scalar = operation.kind == "insert_scalar";
    if (scalar) {
      operation.expect_only(
          {"extrap", "offset", "tol", "time", "inplace", "time_constant", "rate_constant"}, {"x"},
          {});
    } else {
      operation.expect_only(
          {"extrap", "offset", "tol", "inplace", "time_constant", "rate_constant"}, {"x", "time"},
          {});
    }
    const auto named = extrapolation(operation.place, fields.text("extrap"), fields);
    InsertOptions options;
    options.extrapolation = named.rule;
    options.constant = named.constant;
    options.tolerance = fields.number("tol");
    options.offset = fields.integer("offset");
    const Buffer<float> observation = input(operation);
    const View<const float> view = observation.view(batched(operation.input("x")));
    if (scalar) {
      history_.insert(stream_, view, fields.number("time"), options);
    } else {
      const Array& recorded = operation.input("time");
      const Buffer<float> times = to_device(stream_, recorded.values<float>());
      history_.insert(stream_, view, times.view(batched(recorded)), options);
    }
    inexact_ = inexact_ || named.tolerance.relative > 0.0;
  }

  bool replay_access(const Operation& operation) {
    const Fields& fields = operation.fields;
    if (operation.kind == "push") {
      operation.expect_only({}, {"x"}, {});
      const Buffer<float> observation = input(operation);
      history_.push(stream_, observation.view(batched(operation.input("x"))));
    } else if (operation.kind == "peek") {
      operation.expect_only({}, {}, {"res"});
      compare_result(operation, history_.batched_shape(), bit_for_bit,
                     [&](View<float> out) { history_.peek(stream_, out); });
    } else if (operation.kind == "pop") {
      operation.expect_only({}, {}, {"res"});
      compare_result(operation, history_.batched_shape(), bit_for_bit,
                     [&](View<float> out) { history_.pop(stream_, out); });
    } else if (operation.kind == "read") {
      operation.expect_only({"offset"}, {}, {"res"});
      compare_result(operation, history_.batched_shape(), bit_for_bit, [&](View<float> out) {
        history_.read(stream_, out, fields.integer("offset"));
      });
    } else if (operation.kind == "readrange") {
      read_range(operation);
    } else if (operation.kind == "write") {
      operation.expect_only({"offset", "inplace"}, {"x"}, {});
      const Buffer<float> observation = input(operation);
      history_.write(stream_, observation.view(batched(operation.input("x"))),
                     fields.integer("offset"));
    } else if (operation.kind == "writerange") {
      operation.expect_only({"offset", "forward", "inplace"}, {"x"}, {});
      const Buffer<float> observations = input(operation);
      history_.write_range(stream_, observations.view(batched(operation.input("x"))),
                           fields.integer("offset"), fields.flag("forward"));
    } else if (operation.kind == "dump") {
      dump(operation);
    } else {
      return false;
    }
    return true;
  }

  bool replay_change(const Operation& operation) {
    const Fields& fields = operation.fields;
    if (operation.kind == "incr") {
      operation.expect_only({"pos"}, {}, {});
      history_.increment(stream_, fields.integer("pos"));
    } else if (operation.kind == "decr") {
      operation.expect_only({"pos"}, {}, {});
      history_.decrement(stream_, fields.integer("pos"));
    } else if (operation.kind == "align") {
      operation.expect_only({"index"}, {}, {});
      history_.align(stream_, static_cast<std::int32_t>(fields.integer("index")));
    } else if (operation.kind == "reset") {
      operation.expect_only({"fill"}, {}, {});
      const std::optional<double> fill = fields.optional_number("fill");
      if (fill.has_value()) {
        history_.reset(stream_, static_cast<float>(*fill));
      } else {
        history_.align(stream_, 0);
      }
    } else if (operation.kind == "set_duration") {
      operation.expect_only({"value"}, {}, {});
      history_.set_duration(stream_, fields.number("value"));
    } else if (operation.kind == "set_dt") {
      operation.expect_only({"value"}, {}, {});
      history_.set_step_time(stream_, fields.number("value"));
    } else if (operation.kind == "set_inclusive") {
      operation.expect_only({"value"}, {}, {});
      history_.set_inclusive(stream_, fields.flag("value"));
    } else {
      return false;
    }
    return true;
  }

  void read_range(const Operation& operation) {
    operation.expect_only({"length", "offset", "forward"}, {}, {"res"});
    const Fields& fields = operation.fields;
    const std::int64_t length = fields.integer("length");
    const std::int64_t offset = fields.integer("offset");
    const bool forward = fields.flag("forward");
    const Array& recorded = operation.output("res");
    // The whole ring was recorded as nothing, against the documentation: docs/semantics.md, section
    // 6, point 7. What is expected then is put together from single observations.
    if (length == history_.slots() && recorded.size() == 0) {
      const std::int64_t size = history_.batched_shape().size();
      Buffer<float> result = float_result(stream_, size * length);
      history_.read_range(stream_, result.view(history_.batched_shape().appended(length)), offset,
                          forward);
      const std::int64_t first = forward ? offset : offset + length - 1;
      std::vector<float> expected(static_cast<std::size_t>(size * length));
      for (std::int64_t i = 0; i < length; ++i) {
        const std::vector<float> observation = read(first - i);
        for (std::int64_t e = 0; e < size; ++e) {
          expected[static_cast<std::size_t>(e * length + i)] =
              observation[static_cast<std::size_t>(e)];
        }
      }
      comparison_.equal("res over the whole ring", to_host(stream_, result), expected);
      return;
    }
    compare_result(operation, history_.batched_shape().appended(length), bit_for_bit,
                   [&](View<float> out) { history_.read_range(stream_, out, offset, forward); });
  }

  // The storage slot by slot, and what the number of slots follows from.
  void dump(const Operation& operation) {
    operation.expect_only({"pointer", "recordsz", "dt", "duration"}, {}, {"data"});
    const Fields& fields = operation.fields;
    const std::int32_t pointer = history_.pointer(stream_);
    comparison_.number("pointer", pointer, fields.number("pointer"));
    comparison_.number("recordsz", history_.slots(), fields.number("recordsz"));
    comparison_.number("dt", history_.step_time(), fields.number("dt"));
    comparison_.number("duration", history_.duration(), fields.number("duration"));
    std::vector<float> storage;
    for (std::int32_t slot = 0; slot < history_.slots(); ++slot) {
      const std::vector<float> observation = read(pointer - slot);
      storage.insert(storage.end(), observation.begin(), observation.end());
    }
    const Array& recorded = operation.output("data");
    const bool same = comparison_.array("data", storage, recorded, at_least(bit_for_bit));
    if (inexact_ && same) take_over(recorded, pointer);
    inexact_ = false;
  }

  // After an exponential rule has written to the history, puts the recorded bits in place of its
  // own, which lie within the tolerance, so that what follows can be compared bit for bit again.
  void take_over(const Array& recorded, std::int32_t pointer) {
    const Shape shape = history_.batched_shape();
    const Buffer<float> storage = to_device(stream_, recorded.values<float>());
    for (std::int32_t slot = 0; slot < history_.slots(); ++slot) {
      history_.write(stream_, View<const float>(storage.data() + slot * shape.size(), shape),
                     pointer - slot);
    }
  }

  std::vector<float> read(std::int64_t steps_back) {
    const Shape shape = history_.batched_shape();
    Buffer<float> observation = float_result(stream_, shape.size());
    history_.read(stream_, observation.view(shape), steps_back);
    return to_host(stream_, observation);
  }

  Buffer<float> input(const Operation& operation) const {
    return to_device(stream_, operation.input("x").values<float>());
  }

  Stream stream_;
  const Case& case_;
  Comparison& comparison_;
  History<float> history_;
  bool inexact_ = false;
};

void replay_record_case(const Stream& stream, const Case& replayed, Comparison& comparison) {
  const std::string& kind = replayed.parameters.text("kind");
  if (kind == "table") {
    replay_table(stream, replayed, comparison);
  } else if (kind == "trace") {
    HistoryReplay(stream, replayed, comparison).replay();
  } else {
    refuse(replayed.place, "unknown kind '" + kind + "'");
  }
}

TEST(GoldenReplay, HistoriesGiveWhatWasRecorded) {
  replay_suite("record", all_devices(), replay_record_case);
}

}  // namespace
}  // namespace cusynapse::golden
