// A recording: when a neuron fired, and the sound it heard.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace decode_recording {

/// Spikes of one neuron while a sound was played.
struct Recording {
  std::vector<double> spike_times;  ///< ms, rising, each within the sound
  double start = 0.0;               ///< time of the first level, ms
  std::vector<double> levels;       ///< dB SPL, one a step

  std::size_t step_count() const { return levels.size(); }
};

/// Reads `spikes_path` (column time_ms) and `stimulus_path` (columns time_ms, level_db; a row every
/// `step_time` ms, `least_duration` ms or more). Throws `InputError` for anything else.
Recording read_recording(const std::string& spikes_path, const std::string& stimulus_path,
                         double step_time, double least_duration);

/// Spikes in every step of a recording: those that share one add up.
std::vector<float> spike_counts(const Recording& recording, double step_time);

}  // namespace decode_recording
