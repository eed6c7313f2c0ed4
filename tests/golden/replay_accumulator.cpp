// Suite accumulator: parts of an update, reduced, bounded and applied to a parameter.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "cusynapse/updater.hpp"
#include "golden/replay.hpp"
#include "reference/accumulator.hpp"
#include "support/compare.hpp"

namespace cusynapse::golden {
namespace {

/// Of values a power function took part in, which differs between libraries.
constexpr Tolerance powers{0.0, 5e-7};

UpdateReduction reduction_of(const Case& recorded) {
  static const std::map<std::string, UpdateReduction> names{
      {"sum", UpdateReduction::sum},
      {"mean", UpdateReduction::mean},
      {"amax", UpdateReduction::maximum},
  };
  const std::string& name = recorded.parameters.text("reduction");
  const auto found = names.find(name);
  if (found == names.end()) refuse(recorded.place, "unknown reduction '" + name + "'");
  return found->second;
}

/// The bounds of a case: those of one half each, whose range is given, or a full one.
UpdateBounds bounds_of(const Case& recorded) {
  static const std::map<std::string, BoundRule> names{
      {"none", BoundRule::none},
      {"multiplicative", BoundRule::multiplicative},
      {"power", BoundRule::power},
      {"scaled_multiplicative", BoundRule::scaled_multiplicative},
      {"scaled_power", BoundRule::scaled_power},
      {"sharp", BoundRule::sharp},
  };
  const Fields& parameters = recorded.parameters;
  const auto number = [&](const char* key, double otherwise) {
    return parameters.has(key) ? parameters.number(key) : otherwise;
  };
  std::string name = parameters.text("bound");
  const std::string full_prefix = "full_";
  const bool is_full = name.rfind(full_prefix, 0) == 0;
  if (is_full) name.erase(0, full_prefix.size());
  const auto rule = names.find(name);
  if (rule == names.end()) refuse(recorded.place, "unknown bound '" + name + "'");
  const bool is_power = rule->second == BoundRule::power || rule->second == BoundRule::scaled_power;
  const bool is_scaled =
      rule->second == BoundRule::scaled_multiplicative || rule->second == BoundRule::scaled_power;
  const double maximum = parameters.number("max");
  const double minimum = parameters.number("min");
  const std::string& sides = parameters.text("sides");
  if (sides != "both" && sides != "upper" && sides != "lower") {
    refuse(recorded.place, "unknown sides '" + sides + "'");
  }
  if (is_full) {
    if (sides != "both") refuse(recorded.place, "a full bound of one side");
    if (is_power) {
      return full_bounds(rule->second, minimum, maximum, parameters.number("upper_power"),
                         parameters.number("lower_power"));
    }
    return full_bounds(rule->second, minimum, maximum);
  }
  if (is_power && !parameters.has("power")) refuse(recorded.place, "no power");
  if (is_scaled && !parameters.has("range")) refuse(recorded.place, "no range");
  const double power = number("power", 1.0);
  const double range = number("range", 1.0);
  UpdateBounds bounds;
  if (sides != "lower") bounds.upper = {rule->second, maximum, power, range};
  if (sides != "upper") bounds.lower = {rule->second, minimum, power, range};
  return bounds;
}

bool has_power(const UpdateBounds& bounds) {
  const auto is_power = [](BoundRule rule) {
    return rule == BoundRule::power || rule == BoundRule::scaled_power;
  };
  return is_power(bounds.upper.rule) || is_power(bounds.lower.rule);
}

reference::UpdateBound<float> reference_bound(const UpdateBound<double>& bound) {
  return {static_cast<reference::BoundRule>(bound.rule), static_cast<float>(bound.limit),
          static_cast<float>(bound.power), static_cast<float>(bound.range)};
}

/// What the formulas of semantics.md, section 4, make of an update's inputs.
std::vector<float> documented(const Operation& operation, UpdateReduction reduction,
                              const UpdateBounds& bounds, std::int64_t positive_parts,
                              std::int64_t negative_parts) {
  reference::Accumulator<float> oracle;
  oracle.reduction = static_cast<reference::UpdateReduction>(reduction);
  oracle.upper = reference_bound(bounds.upper);
  oracle.lower = reference_bound(bounds.lower);
  for (std::int64_t k = 0; k < positive_parts; ++k) {
    oracle.positive.push_back(operation.input("pos" + std::to_string(k)).values<float>());
  }
  for (std::int64_t k = 0; k < negative_parts; ++k) {
    oracle.negative.push_back(operation.input("neg" + std::to_string(k)).values<float>());
  }
  return oracle.update(operation.input("param").values<float>()).parameter;
}

class AccumulatorReplay {
 public:
  void replay(const Stream& stream, const Case& recorded, Comparison& comparison) {
    const Fields& parameters = recorded.parameters;
    parameters.expect_only({"reduction", "bound", "sides", "max", "min", "npos", "nneg", "power",
                            "range", "upper_power", "lower_power"});
    const std::int64_t positive_parts = parameters.integer("npos");
    const std::int64_t negative_parts = parameters.integer("nneg");
    const UpdateReduction reduction = reduction_of(recorded);
    const UpdateBounds bounds = bounds_of(recorded);

    for (const Operation& operation : recorded.operations) {
      comparison.set_place(describe(stream, recorded, operation));
      if (operation.kind != "update") refuse(operation.place, "unknown operation");
      const auto inputs = static_cast<std::int64_t>(operation.inputs.size());
      if (inputs != 1 + positive_parts + negative_parts) {
        refuse(operation.place, "inputs are not the parameter and its parts");
      }
      const Array& initial = operation.input("param");
      const Shape shape = to_shape(initial.extents);
      Buffer<float> parameter = to_device(stream, initial.values<float>());
      Accumulator<float> accumulator(stream, shape);
      accumulator.set_reduction(stream, reduction);
      accumulator.set_bounds(bounds);
      const auto part = [&](const std::string& name, std::int64_t index) {
        return to_device(stream, operation.input(name + std::to_string(index)).values<float>());
      };
      for (std::int64_t k = 0; k < positive_parts; ++k) {
        accumulator.add_positive(stream, part("pos", k).view(shape));
      }
      for (std::int64_t k = 0; k < negative_parts; ++k) {
        accumulator.add_negative(stream, part("neg", k).view(shape));
      }
      accumulator.update(stream, parameter.view(shape));
      const std::vector<float> result = to_host(stream, parameter);

      if (operation.outcomes.empty()) {
        comparison.array("param", result, operation.output("param"),
                         has_power(bounds) ? powers : bit_for_bit);
        continue;
      }
      // Semantics.md, section 6, point 9: power bounds work. The recorded library meant them to,
      // and raised. What is expected is then what the formulas say.
      if (!has_power(bounds)) refuse(operation.place, "raised with bounds that are no powers");
      if (stream.device() == Device::cpu()) ++raised_rows_;
      const auto matches = support::matches(
          result, documented(operation, reduction, bounds, positive_parts, negative_parts),
          {powers.relative, powers.absolute});
      comparison.expect(matches, std::string("param, which raised in the recording and is "
                                             "documented: ") +
                                     matches.message());
    }
  }

  void print_counts() const {
    std::printf("documentation wins: %d rows of power bounds that raised in the recording\n",
                raised_rows_);
  }

 private:
  int raised_rows_ = 0;
};

TEST(GoldenReplay, UpdatesGiveWhatWasRecordedAndPowerBoundsThatRaisedWhatIsDocumented) {
  AccumulatorReplay accumulators;
  replay_suite("accumulator", all_devices(),
               [&](const Stream& stream, const Case& recorded, Comparison& comparison) {
                 accumulators.replay(stream, recorded, comparison);
               });
  accumulators.print_counts();
}

}  // namespace
}  // namespace cusynapse::golden
