// Suite errors: what is refused and what is accepted.
#include <gtest/gtest.h>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "cusynapse/error.hpp"
#include "cusynapse/models.hpp"
#include "golden/replay.hpp"
#include "golden/synapse_of_case.hpp"

namespace cusynapse::golden {
namespace {

// One row: a class, what was tried on it, and whether that was refused.
struct Row {
  Place place;
  std::string class_name;
  std::string what;
  std::string argument;    // of a construction
  std::string value;       // of a construction, or behind the '=' of a change
  std::string value_type;  // Python's name for the type of a construction's argument
  bool refused = false;
};

Row read_row(const Case& recorded) {
  const Fields& parameters = recorded.parameters;
  parameters.expect_only({"cls", "what", "arg", "value", "valuetype"});
  Row row;
  row.place = recorded.place;
  row.class_name = parameters.text("cls");
  row.what = parameters.text("what");
  if (recorded.operations.size() != 1) refuse(recorded.place, "a row has one operation");
  const Operation& operation = recorded.operations.front();
  operation.expect_only({}, {}, {row.what});
  if (operation.kind != row.what || operation.outcomes.size() != 1) {
    refuse(operation.place, "a row has one outcome, of its own operation");
  }
  row.refused = operation.outcomes.front().exception.has_value();
  const std::size_t equals = row.what.find('=');
  if (row.what == "construct") {
    row.argument = parameters.text("arg");
    row.value = parameters.text("value");
    row.value_type = parameters.text("valuetype");
  } else if (equals != std::string::npos) {
    row.argument = row.what.substr(0, equals);
    row.value = row.what.substr(equals + 1);
  }
  return row;
}

std::optional<double> as_number(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0') return std::nullopt;
  return value;
}

std::optional<std::int64_t> as_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

// A tuple such as "2,-1", "-" for an empty one, or a single integer.
std::optional<std::vector<std::int64_t>> as_extents(const std::string& text) {
  std::vector<std::int64_t> extents;
  if (text == "-") return extents;
  std::string_view rest = text;
  for (;;) {
    const std::size_t comma = rest.find(',');
    const std::optional<std::int64_t> extent = as_integer(rest.substr(0, comma));
    if (!extent.has_value()) return std::nullopt;
    extents.push_back(*extent);
    if (comma == std::string_view::npos) return extents;
    rest.remove_prefix(comma + 1);
  }
}

bool is_mode(const Row& row) {
  return row.argument == "interp_mode" || row.argument == "spike_interp_mode";
}

bool is_integral(const Row& row) {
  return row.argument == "batch_size" || row.argument == "shape" || row.argument == "batchsz";
}

// Why a row says nothing about a C++ library; empty when it does say something.
struct NotApplicable {
  bool (*applies)(const Row&);
  const char* reason;
};

const NotApplicable not_applicable[] = {
    {[](const Row& row) { return row.value_type == "NoneType"; },
     "None: an argument of a C++ call cannot be of no type"},
    {[](const Row& row) { return row.value_type == "str" && !is_mode(row); },
     "text for a number: does not compile in C++"},
    {[](const Row& row) { return is_mode(row) && row.value_type == "int"; },
     "an integer for a mode: does not compile in C++, modes are an enumeration"},
    {[](const Row& row) {
       return is_integral(row) && row.value_type != "str" && !as_extents(row.value).has_value() &&
              (row.value_type == "tuple" || as_number(row.value).has_value());
     },
     "a floating-point number for an integer: sizes are integers in C++"},
};

// Where docs/semantics.md wins over what was recorded.
struct Difference {
  bool (*applies)(const Row&);
  bool refused;
  const char* reason;
};

const Difference differences[] = {
    {[](const Row& row) {
       return row.argument == "interp_tol" && as_number(row.value).value_or(0.0) < 0.0;
     },
     true, "section 6, point 4: every class refuses a negative tolerance"},
    {[](const Row& row) {
       return !row.argument.empty() && !is_mode(row) &&
              !std::isfinite(as_number(row.value).value_or(0.0));
     },
     true, "section 3: values that are not finite are refused"},
    {[](const Row& row) { return row.what == "select_batch_small"; }, true,
     "section 3: a selector of another shape is refused, not broadcast"},
};

// The constants the recorded synapses were built with where a row does not change them. Only their
// order matters: rows put tc_rise above and tc_decay down to the other one.
constexpr SynapseConstants row_constants{1.0, 5.0, 8.0, 2.0};

SynapseOptions row_options() {
  SynapseOptions options;
  options.shape = {4};
  options.step_time = 1.0;
  return options;
}

double number_of(const Row& row) {
  const std::optional<double> value = as_number(row.value);
  if (!value.has_value()) refuse(row.place, row.argument + " is '" + row.value + "'");
  return *value;
}

std::int64_t integer_of(const Row& row) {
  const std::optional<std::int64_t> value = as_integer(row.value);
  if (!value.has_value()) refuse(row.place, row.argument + " is '" + row.value + "'");
  return *value;
}

Shape shape_of(const Row& row) {
  const std::optional<std::vector<std::int64_t>> extents = as_extents(row.value);
  if (!extents.has_value()) refuse(row.place, row.argument + " is '" + row.value + "'");
  return to_shape(*extents);
}

// Modes are recorded as texts in any case of letters; one that names no mode is a value outside the
// enumeration here.
SpikeInterpolation mode_of(const Row& row) {
  std::string name = row.value;
  for (char& letter : name) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  if (name == "previous") return SpikeInterpolation::previous;
  if (name == "nearest") return SpikeInterpolation::nearest;
  return static_cast<SpikeInterpolation>(1000);
}

void construct(const Stream& stream, const Row& row) {
  SynapseOptions options = row_options();
  SynapseConstants constants = row_constants;
  const std::map<std::string, std::function<void()>> arguments{
      {"step_time", [&] { options.step_time = number_of(row); }},
      {"delay", [&] { options.delay = number_of(row); }},
      {"spike_charge", [&] { constants.spike_charge = number_of(row); }},
      {"time_constant", [&] { constants.time_constant = number_of(row); }},
      {"tc_decay", [&] { constants.tc_decay = number_of(row); }},
      {"tc_rise", [&] { constants.tc_rise = number_of(row); }},
      {"batch_size", [&] { options.batch_size = integer_of(row); }},
      {"shape", [&] { options.shape = shape_of(row); }},
      {"interp_tol", [&] { options.tolerance = number_of(row); }},
      {"interp_mode", [&] { options.interpolation = mode_of(row); }},
      {"spike_interp_mode", [&] { options.interpolation = mode_of(row); }},
  };
  const auto set = arguments.find(row.argument);
  if (set == arguments.end()) refuse(row.place, "unknown argument '" + row.argument + "'");
  set->second();
  make_synapse(stream, row.place, row.class_name, options, constants);
}

// The synapse the other rows act on: two samples of four, reaching back three steps, after one.
constexpr std::int64_t row_batch = 2;

std::unique_ptr<CurrentSynapse<float>> stepped_synapse(const Stream& stream, const Row& row) {
  SynapseOptions options = row_options();
  options.batch_size = row_batch;
  options.delay = 3.0;
  auto synapse = make_synapse(stream, row.place, row.class_name, options, row_constants);
  const Buffer<float> input =
      to_device(stream, std::vector<float>{1.0f, 0.0f, 0.0f, 1.0f, 0.0f, 1.0f, 1.0f, 0.0f});
  synapse->step(stream, input.view(synapse->batched_shape()));
  return synapse;
}

// A call a row makes on that synapse. Rows that query make one for each kind of query.
struct Call {
  std::string name;
  std::function<void(CurrentSynapse<float>&)> make;
};

std::vector<Call> step_calls(const Stream& stream, const Shape& shape) {
  return {{"step", [stream, shape](CurrentSynapse<float>& synapse) {
             const Buffer<float> input =
                 to_device(stream, std::vector<float>(static_cast<std::size_t>(shape.size())));
             synapse.step(stream, input.view(shape));
           }}};
}

std::vector<Call> query_calls(const Stream& stream, const Shape& shape,
                              const std::string& class_name) {
  // Selector and results have the same shape: only that one shape can be what is refused.
  const auto query = [stream, shape](const auto& ask) {
    const Buffer<float> selector =
        to_device(stream, std::vector<float>(static_cast<std::size_t>(shape.size()), 1.0f));
    ask(selector.view(shape));
  };
  std::vector<Call> calls{
      {"current_at",
       [=](CurrentSynapse<float>& synapse) {
         query([&](View<const float> selector) {
           Buffer<float> out = float_result(stream, shape.size());
           synapse.current_at(stream, selector, out.view(shape));
         });
       }},
      {"spike_at",
       [=](CurrentSynapse<float>& synapse) {
         query([&](View<const float> selector) {
           Buffer<std::uint8_t> out = byte_result(stream, shape.size());
           synapse.spike_at(stream, selector, out.view(shape));
         });
       }},
  };
  if (class_name != "DoubleExponentialCurrent") return calls;
  using Part = void (DoubleExponentialCurrent<float>::*)(const Stream&, View<const float>,
                                                         View<float>) const;
  const std::pair<const char*, Part> parts[] = {
      {"pos_current_at", &DoubleExponentialCurrent<float>::pos_current_at},
      {"neg_current_at", &DoubleExponentialCurrent<float>::neg_current_at},
  };
  for (const auto& [name, method] : parts) {
    calls.push_back({name, [=, part = method](CurrentSynapse<float>& synapse) {
                       query([&](View<const float> selector) {
                         Buffer<float> out = float_result(stream, shape.size());
                         const auto& with_parts =
                             dynamic_cast<DoubleExponentialCurrent<float>&>(synapse);
                         (with_parts.*part)(stream, selector, out.view(shape));
                       });
                     }});
  }
  return calls;
}

std::vector<Call> calls_of(const Stream& stream, const Row& row) {
  if (row.argument == "dt") {
    return {{row.what, [=](CurrentSynapse<float>& synapse) {
               synapse.set_step_time(stream, number_of(row));
             }}};
  }
  if (row.argument == "delay") {
    return {{row.what,
             [=](CurrentSynapse<float>& synapse) { synapse.set_delay(stream, number_of(row)); }}};
  }
  if (row.argument == "batchsz") {
    return {{row.what, [=](CurrentSynapse<float>& synapse) {
               synapse.set_batch_size(stream, integer_of(row));
             }}};
  }
  // The recording does not say which shapes were given: these are the ones the names describe. No
  // input at all is an empty view.
  if (row.what == "forward_noinput") {
    return {{"step",
             [=](CurrentSynapse<float>& synapse) { synapse.step(stream, View<const float>()); }}};
  }
  if (row.what == "forward_badshape") return step_calls(stream, {row_batch, 5});
  if (row.what == "forward_badbatch") return step_calls(stream, {row_batch + 1, 4});
  const std::map<std::string, Shape> selectors{
      {"select_ndim_low", {4}},
      {"select_ndim_high", {row_batch, 4, 1, 1}},
      {"select_batch_small", {1, 4}},
      {"select_batch_big", {row_batch + 1, 4}},
      {"select_empty", {row_batch, 4, 0}},
  };
  const auto selector = selectors.find(row.what);
  if (selector == selectors.end()) refuse(row.place, "unknown row '" + row.what + "'");
  return query_calls(stream, selector->second, row.class_name);
}

// Everything about a synapse that a refused call may not change.
struct Snapshot {
  double step_time;
  double delay;
  std::int64_t batch_size;
  std::int32_t slots;
  std::int32_t pointer;
  std::vector<std::uint8_t> spikes;
  std::vector<std::vector<float>> traces;
  bool operator==(const Snapshot&) const = default;
};

Snapshot snapshot(const Stream& stream, const CurrentSynapse<float>& synapse) {
  Snapshot taken{synapse.step_time(),
                 synapse.delay(),
                 synapse.batch_size(),
                 synapse.slots(),
                 synapse.pointer(stream),
                 {},
                 {}};
  taken.spikes = spike_history(stream, synapse);
  for (int trace = 0; trace < synapse.trace_count(); ++trace) {
    taken.traces.push_back(trace_history(stream, synapse, trace));
  }
  return taken;
}

// The message of the library's refusal; empty when it accepts.
template <class Attempt>
std::optional<std::string> refusal(const Attempt& attempt) {
  try {
    attempt();
  } catch (const Error& error) {
    return error.what();
  }
  return std::nullopt;
}

void expect_outcome(Comparison& comparison, const std::string& name, bool refused,
                    const std::optional<std::string>& message) {
  comparison.expect(message.has_value() == refused,
                    refused ? name + " was accepted, expected a refusal"
                            : name + " was refused: " + message.value_or(""));
}

class ErrorsReplay {
 public:
  void replay(const Stream& stream, const Case& recorded, Comparison& comparison) {
    const Row row = read_row(recorded);
    comparison.set_place(describe(stream, recorded, recorded.operations.front()));
    const bool first_device = stream.device() == Device::cpu();
    for (const NotApplicable& entry : not_applicable) {
      if (!entry.applies(row)) continue;
      if (first_device) {
        ++not_applicable_rows_;
        std::printf("not applicable in C++: %s: %s\n", recorded.name.c_str(), entry.reason);
      }
      return;
    }
    bool refused = row.refused;
    for (const Difference& entry : differences) {
      if (!entry.applies(row) || entry.refused == refused) continue;
      refused = entry.refused;
      if (first_device) {
        ++different_rows_;
        std::printf("documentation wins: %s: %s\n", recorded.name.c_str(), entry.reason);
      }
    }
    if (row.what == "construct") {
      expect_outcome(comparison, "construction", refused, refusal([&] { construct(stream, row); }));
      return;
    }
    for (const Call& call : calls_of(stream, row)) {
      const auto synapse = stepped_synapse(stream, row);
      const Snapshot before = snapshot(stream, *synapse);
      expect_outcome(comparison, call.name, refused, refusal([&] { call.make(*synapse); }));
      if (refused) {
        comparison.expect(snapshot(stream, *synapse) == before,
                          call.name + " was refused but changed the synapse");
      }
    }
  }

  void print_counts() const {
    std::printf("%d rows not applicable in C++, %d rows where the documentation wins\n",
                not_applicable_rows_, different_rows_);
  }

 private:
  int not_applicable_rows_ = 0;
  int different_rows_ = 0;
};

TEST(GoldenReplay, RefusesWhatWasRefused) {
  ErrorsReplay errors;
  replay_suite("errors", all_devices(),
               [&](const Stream& stream, const Case& recorded, Comparison& comparison) {
                 errors.replay(stream, recorded, comparison);
               });
  errors.print_counts();
}

}  // namespace
}  // namespace cusynapse::golden
