// Suite interp: the rules between two observations, as pure functions.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cusynapse/math/interpolate.hpp"
#include "golden/replay.hpp"

namespace cusynapse::golden {
namespace {

void replay_interp_case(const Stream& stream, const Case& replayed, Comparison& comparison) {
  const Fields& parameters = replayed.parameters;
  parameters.expect_only({"kind", "fn", "step_time", "time_constant", "rate_constant"});
  const std::string& kind = parameters.text("kind");
  const auto step_time = static_cast<float>(parameters.number("step_time"));

  for (const Operation& operation : replayed.operations) {
    comparison.set_place(describe(stream, replayed, operation));
    if (operation.kind != "call") refuse(operation.place, "unknown operation " + operation.kind);
    if (kind == "interp") {
      operation.expect_only({}, {"prev", "next", "at"}, {"res"});
    } else if (kind == "extrap") {
      operation.expect_only({}, {"prev", "next", "at", "sample"}, {"prev", "next"});
    } else {
      refuse(replayed.place, "unknown kind '" + kind + "'");
    }
    const std::vector<float> older = operation.input("prev").values<float>();
    const std::vector<float> newer = operation.input("next").values<float>();
    const std::vector<float> elapsed = operation.input("at").values<float>();
    if (newer.size() != older.size() || elapsed.size() != older.size()) {
      refuse(operation.place, "inputs of different sizes");
    }

    if (kind == "interp") {
      const auto [rule, constant, tolerance] =
          interpolation(replayed.place, parameters.text("fn"), parameters);
      std::vector<float> result;
      for (std::size_t i = 0; i < older.size(); ++i) {
        result.push_back(math::interpolate(rule, older[i], newer[i], elapsed[i], step_time,
                                           static_cast<float>(constant)));
      }
      comparison.array("res", result, operation.output("res"), tolerance);
      continue;
    }
    const auto [rule, constant, tolerance] =
        extrapolation(replayed.place, parameters.text("fn"), parameters);
    const std::vector<float> sample = operation.input("sample").values<float>();
    if (sample.size() != older.size()) refuse(operation.place, "inputs of different sizes");
    std::vector<float> result_older;
    std::vector<float> result_newer;
    for (std::size_t i = 0; i < older.size(); ++i) {
      const auto result = math::extrapolate(rule, sample[i], older[i], newer[i], elapsed[i],
                                            step_time, static_cast<float>(constant));
      result_older.push_back(result.older);
      result_newer.push_back(result.newer);
    }
    comparison.array("prev", result_older, operation.output("prev"), tolerance);
    comparison.array("next", result_newer, operation.output("next"), tolerance);
  }
}

// Host functions: on a GPU the same rules are reached through the histories of the other suites.
TEST(GoldenReplay, InterpolationsGiveWhatWasRecorded) {
  replay_suite("interp", {Device::cpu()}, replay_interp_case);
}

}  // namespace
}  // namespace cusynapse::golden
