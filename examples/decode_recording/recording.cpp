#include "recording.hpp"

#include <cmath>
#include <utility>

#include "csv.hpp"

namespace decode_recording {
namespace {

void require_rising_times(const CsvTable& table) {
  const std::vector<double>& times = table.columns[0];
  for (std::size_t row = 1; row < times.size(); ++row) {
    if (!(times[row] > times[row - 1])) {
      throw InputError(table.path, table.lines[row], "time_ms", to_text(times[row]),
                       "a time after " + to_text(times[row - 1]));
    }
  }
}

}  // namespace

Recording read_recording(const std::string& spikes_path, const std::string& stimulus_path,
                         double step_time, double least_duration) {
  CsvTable spikes = read_csv(spikes_path, {"time_ms"});
  require_rising_times(spikes);
  CsvTable stimulus = read_csv(stimulus_path, {"time_ms", "level_db"});
  require_rising_times(stimulus);

  Recording recording;
  recording.start = stimulus.columns[0].front();
  for (std::size_t row = 0; row < stimulus.row_count(); ++row) {
    const double expected = recording.start + static_cast<double>(row) * step_time;
    const double time = stimulus.columns[0][row];
    if (std::abs(time - expected) > 0.01 * step_time) {
      throw InputError(stimulus.path, stimulus.lines[row], "time_ms", to_text(time),
                       to_text(expected) + ", a row every " + to_text(step_time) + " ms");
    }
  }
  const double duration = static_cast<double>(stimulus.row_count()) * step_time;
  if (duration < least_duration) {
    throw InputError(stimulus.path, stimulus.lines.back(), "last row",
                     to_text(duration) + " ms of sound",
                     "at least " + to_text(least_duration) + " ms");
  }
  const double end = recording.start + duration;
  for (std::size_t row = 0; row < spikes.row_count(); ++row) {
    const double time = spikes.columns[0][row];
    if (time < recording.start || time >= end) {
      throw InputError(spikes.path, spikes.lines[row], "time_ms", to_text(time),
                       "a time within the sound, from " + to_text(recording.start) + " to before " +
                           to_text(end));
    }
  }
  recording.spike_times = std::move(spikes.columns[0]);
  recording.levels = std::move(stimulus.columns[1]);
  return recording;
}

std::vector<float> spike_counts(const Recording& recording, double step_time) {
  std::vector<float> counts(recording.step_count(), 0.0F);
  for (const double time : recording.spike_times) {
    counts[static_cast<std::size_t>((time - recording.start) / step_time)] += 1.0F;
  }
  return counts;
}

}  // namespace decode_recording
