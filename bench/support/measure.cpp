#include "support/measure.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <optional>
#include <vector>

#include "cusynapse/buffer.hpp"
#include "support/sizes.hpp"

namespace cusynapse::bench {
namespace {

/// Copies frame after frame around a buffer as large as what the measured call works on, so that
/// both find the caches in the same state.
Work copy_like(const Work& work, Backend& backend) {
  const std::int64_t frame =
      std::max<std::int64_t>(work.frame_bytes / static_cast<std::int64_t>(sizeof(float)), 1);
  const std::int64_t frames = std::max<std::int64_t>(
      work.working_bytes / (frame * static_cast<std::int64_t>(sizeof(float))), 2);
  const auto buffer = std::make_shared<Buffer<float>>(backend.stream().device(), frame * frames);
  buffer->fill_zero(backend.stream());
  Work copy;
  copy.call = [&backend, buffer, frame, frames, from = std::int64_t{0}]() mutable {
    const std::int64_t to = (from + 1) % frames;
    backend.copy(buffer->data() + to * frame, buffer->data() + from * frame, frame);
    from = to;
  };
  copy.bytes = 2.0 * static_cast<double>(frame) * sizeof(float);
  copy.launch = work.launch;
  return copy;
}

bool has_failed = false;

struct Prepared {
  std::string name;
  Work work;
  std::unique_ptr<TimedCall> call;
  Work copy;
  std::unique_ptr<TimedCall> timed_copy;
  std::unique_ptr<TimedCall> reference;
};

/// Calls until the clocks of a device that was idle have risen, which takes a GPU tens of
/// milliseconds.
void warm_up(Backend& backend, const Work& work) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds least(50);
  const Clock::time_point begin = Clock::now();
  do {
    work.call();
    work.call();
    backend.stream().synchronize();
    // Benches of divided sizes are tried, not measured.
  } while (size_divisor() == 1 && Clock::now() - begin < least);
}

Prepared& prepare_once(const std::string& name, Backend& backend,
                       const std::function<Work()>& prepare) {
  static std::optional<Prepared> current;
  if (current.has_value() && current->name == name) return *current;
  current.reset();
  Prepared next;
  next.name = name;
  next.work = prepare();
  next.copy = copy_like(next.work, backend);
  warm_up(backend, next.work);
  warm_up(backend, next.copy);
  next.call = backend.timed(next.work.call, next.work.launch);
  next.timed_copy = backend.timed(next.copy.call, next.copy.launch);
  if (next.work.reference) {
    next.work.reference();
    backend.stream().synchronize();
    next.reference = backend.timed(next.work.reference, next.work.launch);
  }
  return current.emplace(std::move(next));
}

double median(std::vector<double>& samples) {
  const auto middle = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
  std::nth_element(samples.begin(), middle, samples.end());
  return *middle;
}

/// A call's time, the median of a few in a row. Before them it warms up: after a rest, caches and
/// clocks take several short calls to come back.
double seconds_in_a_row(Backend& backend, TimedCall& call) {
  constexpr double warm_up_seconds = 8e-3;
  constexpr int most_warm_ups = 8;
  constexpr std::size_t calls_in_a_row = 5;
  backend.settle();
  double warm = 0.0;
  for (int i = 0; i < most_warm_ups && warm < warm_up_seconds; ++i) warm += call.seconds();
  std::vector<double> samples(calls_in_a_row);
  for (double& sample : samples) sample = call.seconds();
  return median(samples);
}

/// How many times as long as the reference a call takes: the two by turns, and the median of the
/// turns' ratios, so that what slows the machine down for a while slows both.
double ratio_to_reference(Backend& backend, Prepared& prepared, double call_seconds) {
  constexpr double turns_seconds = 0.5;
  const double turns = turns_seconds / (20.0 * std::max(call_seconds, 1e-6));
  // Benches of divided sizes are tried, not measured.
  const double bounded = size_divisor() > 1 ? 1.0 : std::clamp(turns, 3.0, 15.0);
  std::vector<double> ratios(static_cast<std::size_t>(bounded));
  for (double& ratio : ratios) {
    ratio = seconds_in_a_row(backend, *prepared.call);
    ratio /= seconds_in_a_row(backend, *prepared.reference);
  }
  return median(ratios);
}

void measure(benchmark::State& state, Backend& backend, Prepared& prepared) {
  std::vector<double> calls;
  for (auto iteration : state) {
    static_cast<void>(iteration);
    calls.push_back(prepared.call->seconds());
    state.SetIterationTime(calls.back());
  }
  std::vector<double> copies(std::clamp<std::size_t>(calls.size(), 5, 1000));
  for (double& seconds : copies) seconds = prepared.timed_copy->seconds();

  // Medians, since other programs may interrupt single calls.
  const double call_seconds = median(calls);
  const double rate = prepared.work.bytes / call_seconds;
  const double copy_rate = prepared.copy.bytes / median(copies);
  if (prepared.work.bytes > 0) {
    state.counters["bytes"] = prepared.work.bytes;
    state.counters["GB/s"] = rate * 1e-9;
    state.counters["copy_GB/s"] = copy_rate * 1e-9;
    state.counters["of_copy"] = rate / copy_rate;
  }
  state.counters[prepared.work.item_rate] = prepared.work.items / call_seconds;
  for (const auto& [column, value] : prepared.work.constants) state.counters[column] = value;
  if (prepared.reference != nullptr) {
    state.counters[prepared.work.reference_ratio] =
        ratio_to_reference(backend, prepared, call_seconds);
  }
  if (backend.stream().device().kind == Device::Kind::cuda) {
    state.counters["calls_per_graph"] = prepared.work.launch == Launch::graph ? calls_per_graph : 0;
    state.counters["l2_flushed"] = prepared.work.launch == Launch::eager ? 1 : 0;
  }
}

}  // namespace

bool any_failed() { return has_failed; }

void register_bench(const std::string& name, Backend& backend, std::function<Work()> prepare) {
  benchmark::RegisterBenchmark(
      name.c_str(),
      [name, &backend, prepare = std::move(prepare)](benchmark::State& state) {
        try {
          measure(state, backend, prepare_once(name, backend, prepare));
        } catch (const std::exception& error) {
          has_failed = true;
          state.SkipWithError(error.what());
        }
      })
      ->UseManualTime()
      ->Unit(benchmark::kMicrosecond);
}

}  // namespace cusynapse::bench
