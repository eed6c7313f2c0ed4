// Random sequences of operations: run, and shrunk where they fail.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "model/synapse_pair.hpp"
#include "reference/synapse.hpp"
#include "support/random.hpp"

namespace model_test {

/// An operation is the seed of everything random about it, so that leaving out one changes no
/// other.
using Operations = std::vector<std::uint64_t>;

/// What a run of operations came to: nothing, or the failure; and what each operation was.
struct Outcome {
  std::optional<std::string> failure;
  std::vector<std::string> log;
};

/// Leaves out operations, many and then single ones, as long as the rest still fails.
template <class Run>
Operations shrink(Operations operations, const Run& run) {
  for (std::size_t chunk = operations.size() / 2; chunk > 0; chunk /= 2) {
    for (std::size_t first = 0; first < operations.size();) {
      Operations fewer(operations.begin(), operations.begin() + static_cast<std::ptrdiff_t>(first));
      for (std::size_t i = first + chunk; i < operations.size(); ++i) {
        fewer.push_back(operations[i]);
      }
      if (run(fewer).failure) {
        operations = fewer;
      } else {
        first += chunk;
      }
    }
  }
  return operations;
}

/// Runs `count` sequences: `make_run(seed)` gives a function that runs operations and returns their
/// outcome, and a description of what they are run on.
template <class MakeRun>
void run_sequences(const MakeRun& make_run, std::uint64_t count) {
  constexpr int most_failures = 3;
  int failures = 0;
  for (std::uint64_t i = 0; i < count && failures < most_failures; ++i) {
    // A sequence depends on the seed and its own number alone.
    support::Random random(support::seed() + 0x9E3779B97F4A7C15u * (i + 1));
    const std::uint64_t subject_seed = random.bits();
    Operations operations;
    const std::int64_t length = random.integer(1, 40);
    for (std::int64_t k = 0; k < length; ++k) operations.push_back(random.bits());
    const auto [run, description] = make_run(subject_seed);
    if (!run(operations).failure) continue;
    ++failures;
    const Operations smallest = shrink(operations, run);
    const Outcome outcome = run(smallest);
    std::ostringstream text;
    text << "sequence " << i << " of seed " << support::seed() << " on " << description << "\n";
    for (const std::string& operation : outcome.log) text << "  " << operation << "\n";
    ADD_FAILURE() << text.str() << "  -> " << outcome.failure.value_or("passes when run again");
  }
}

/// Runs operations on a subject until one of them fails.
template <class Subject>
Outcome run_on(Subject& subject, const Operations& operations) {
  Outcome outcome;
  for (const std::uint64_t operation : operations) {
    std::string log = "an operation that threw";
    testing::AssertionResult result = testing::AssertionSuccess();
    try {
      result = subject.operate(operation, log);
    } catch (const std::exception& error) {
      result = testing::AssertionFailure() << error.what();
    }
    outcome.log.push_back(log);
    if (result) continue;
    outcome.failure = result.message();
    break;
  }
  return outcome;
}

/// Numbers that divide evenly and numbers that do not.
inline double random_step_time(support::Random& random) {
  return random.one_of<double>({1.0, 0.5, 0.1, 0.25, 0.3, 0.7, 2.0});
}
inline double random_delay(support::Random& random, double step_time) {
  const double steps = static_cast<double>(random.integer(0, 6));
  return random.chance(0.7) ? steps * step_time : (steps + random.unit()) * step_time;
}

inline reference::Settings random_settings(support::Random& random) {
  reference::Settings settings;
  settings.model = random.one_of(models());
  settings.batch_size = random.integer(1, 3);
  settings.sample_size = random.one_of<std::int64_t>({1, 2, 3, 5, 7, 8, 9, 15, 16, 31, 32, 33, 40});
  settings.step_time = random_step_time(random);
  settings.delay = random_delay(random, settings.step_time);
  settings.nearest = random.chance(0.5);
  settings.tolerance = random.one_of<double>({0.0, 0.0, 1e-6, 0.1, 0.25, 0.5}) * settings.step_time;
  settings.current_overbound = random.one_of<double>({0.0, 1.5, -3.0});
  if (random.chance(0.4)) settings.current_overbound = std::nullopt;
  settings.spike_overbound = random.chance(0.5);
  if (random.chance(0.4)) settings.spike_overbound = std::nullopt;
  settings.spike_charge = random.one_of<double>({1.0, 20.0, -3.3, 0.07});
  settings.time_constant = random.between(0.5, 20.0);
  settings.tc_rise = random.between(0.5, 5.0);
  settings.tc_decay = settings.tc_rise + random.between(0.1, 10.0);
  return settings;
}

}  // namespace model_test
