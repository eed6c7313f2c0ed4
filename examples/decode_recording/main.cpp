// Decodes a sound from the spikes of neurons that heard it.
//
// The recordings are a batch of synapses: every step takes the spikes of all of them and reads
// their currents at 51 delays, by one call each. What was read at all steps is copied out once.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cusynapse/cusynapse.hpp>
#include <string>
#include <vector>

#include "command_line.hpp"
#include "csv.hpp"
#include "decoder.hpp"
#include "long_run.hpp"
#include "options.hpp"
#include "recording.hpp"
#include "svg_plot.hpp"

namespace decode_recording {
namespace {

constexpr double step_time = 0.5;  // ms; the sound is sampled so
constexpr std::int64_t delay_count = 51;
constexpr double largest_delay = static_cast<double>(delay_count - 1) * step_time;
constexpr cusynapse::ExponentialParameters synapse_constants = {1.0, 2.0};  // pC, ms

constexpr std::size_t sound_lag = 20;  // steps: the sound is decoded 10 ms after it was heard
// Not learnt from: the history fills up, and the neuron answers the onset of the sound.
constexpr std::size_t onset = 200;  // steps
constexpr double ridge = 1e-2;
constexpr double least_duration = 1000.0;    // ms: leaves a second half, and enough to learn from
constexpr std::size_t excerpt_steps = 1000;  // what the plot shows

/// Currents of all recordings at all delays and the steps until an interrupt, on the host:
/// [step_count, batch_size, 1, delay_count]. Recordings shorter than the longest one are silent
/// after their end.
struct DelayedCurrents {
  std::int64_t step_count = 0;
  std::int64_t longest = 0;  ///< steps of the longest recording
  std::int64_t batch_size = 0;
  std::vector<float> values;

  Features of_recording(std::size_t index, std::size_t steps) const {
    const auto width = static_cast<std::size_t>(delay_count);
    return {values.data() + index * width, steps, width,
            static_cast<std::size_t>(batch_size) * width};
  }
};

DelayedCurrents read_delayed_currents(const cusynapse::Stream& stream,
                                      const std::vector<Recording>& recordings) {
  DelayedCurrents result;
  result.batch_size = static_cast<std::int64_t>(recordings.size());
  for (const Recording& recording : recordings) {
    result.longest = std::max(result.longest, static_cast<std::int64_t>(recording.step_count()));
  }
  std::vector<float> spikes(static_cast<std::size_t>(result.longest * result.batch_size));
  for (std::size_t b = 0; b < recordings.size(); ++b) {
    const std::vector<float> counts = spike_counts(recordings[b], step_time);
    for (std::size_t t = 0; t < counts.size(); ++t) spikes[t * recordings.size() + b] = counts[t];
  }
  std::vector<float> delays;
  for (std::int64_t b = 0; b < result.batch_size; ++b) {
    for (std::int64_t d = 0; d < delay_count; ++d) {
      delays.push_back(static_cast<float>(static_cast<double>(d) * step_time));
    }
  }

  cusynapse::SynapseOptions options;
  options.shape = {1};
  options.batch_size = result.batch_size;
  options.step_time = step_time;
  options.delay = largest_delay;
  cusynapse::SingleExponentialCurrent<float> synapse(stream, options, synapse_constants);

  const cusynapse::Shape frame = synapse.batched_shape();        // [batch_size, 1]
  const cusynapse::Shape readout = frame.appended(delay_count);  // [batch_size, 1, delay_count]
  const cusynapse::Shape inputs_shape = frame.prepended(result.longest);
  const cusynapse::Shape currents_shape = readout.prepended(result.longest);
  const cusynapse::Buffer<float> inputs(stream, spikes.data(), inputs_shape.size());
  const cusynapse::Buffer<float> selector(stream, delays.data(), readout.size());
  cusynapse::Buffer<float> currents(stream.device(), currents_shape.size());

  const long_run::Progress progress("stepping the synapses", result.longest);
  while (result.step_count < result.longest && !long_run::is_interrupted()) {
    const std::int64_t t = result.step_count;
    synapse.step(stream, inputs.view(inputs_shape)[t]);
    synapse.current_at(stream, selector.view(readout), currents.view(currents_shape)[t]);
    progress.report(++result.step_count);
  }
  result.values.resize(static_cast<std::size_t>(currents.size()));
  currents.copy_to_host(stream, result.values.data());
  result.values.resize(static_cast<std::size_t>(result.step_count * readout.size()));
  return result;
}

/// The second half of what was read of a recording, a value a step: what was heard, and what the
/// spikes say.
struct DecodedSound {
  std::size_t first_step = 0;  ///< of the sound
  std::vector<double> heard;
  std::vector<double> decoded;
};

/// The levels heard `sound_lag` steps before the steps `first` to before `last`.
std::vector<double> levels_heard(const Recording& recording, std::size_t first, std::size_t last) {
  const auto from = static_cast<std::ptrdiff_t>(first - sound_lag);
  const auto to = static_cast<std::ptrdiff_t>(last - sound_lag);
  return {recording.levels.begin() + from, recording.levels.begin() + to};
}

DecodedSound decode_second_half(const Recording& recording, const Features& currents) {
  const std::size_t end = currents.rows;
  const std::size_t half = end / 2;
  const LinearDecoder decoder =
      fit_linear_decoder(currents.slice(onset, half), levels_heard(recording, onset, half), ridge);
  return {half - sound_lag, levels_heard(recording, half, end),
          decoder.predict(currents.slice(half, end))};
}

std::string correlation_text(const DecodedSound& sound) {
  const double value = correlation(sound.heard, sound.decoded);
  if (std::isnan(value)) return "undefined, for a constant sound";
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

/// An excerpt from the middle of what was read on, with the spikes fired meanwhile. Time in
/// seconds.
Panel make_panel(const std::string& title, const Recording& recording, const DecodedSound& sound) {
  constexpr double seconds = 1e-3;
  const auto excerpt = [](const std::vector<double>& values) {
    const std::size_t last = std::min(values.size(), sound_lag + excerpt_steps + 1);
    return std::vector<double>(values.begin() + static_cast<std::ptrdiff_t>(sound_lag),
                               values.begin() + static_cast<std::ptrdiff_t>(last));
  };
  Panel panel;
  panel.title = title;
  panel.start =
      seconds * (recording.start + static_cast<double>(sound.first_step + sound_lag) * step_time);
  panel.step = seconds * step_time;
  panel.curves = {{"heard", excerpt(sound.heard)}, {"decoded", excerpt(sound.decoded)}};
  for (const double time : recording.spike_times) panel.events.push_back(seconds * time);
  return panel;
}

std::string milliseconds(std::size_t steps) {
  return to_text(step_time * static_cast<double>(steps));
}

/// Returns the exit status.
int run(const Options& options) {
  const cusynapse::OwnedStream stream(options.cuda ? cusynapse::Device::cuda(0)
                                                   : cusynapse::Device::cpu());
  const std::string shipped = DECODE_RECORDING_DATA_FOLDER;
  const std::vector<RecordingFiles> shipped_files = {
      {shipped + "/spikes1.csv", shipped + "/stimulus1.csv"},
      {shipped + "/spikes2.csv", shipped + "/stimulus2.csv"}};
  std::vector<Recording> recordings;
  for (const RecordingFiles& files :
       options.recordings.empty() ? shipped_files : options.recordings) {
    recordings.push_back(read_recording(files.spikes, files.stimulus, step_time, least_duration));
  }

  const DelayedCurrents currents = read_delayed_currents(stream, recordings);
  const auto steps_read = static_cast<std::size_t>(currents.step_count);
  const auto longest = static_cast<std::size_t>(currents.longest);
  const bool is_partial = steps_read < longest;
  Figure figure;
  figure.title = "A sound, decoded from the spikes of the neuron that heard it";
  figure.subtitle =
      std::string(
          "Linear readout of an exponential synapse at 51 delays, learnt on the first half of ") +
      (is_partial ? "what was read until an interrupt" : "a recording") +
      " and tested on the second";
  figure.x_label = "time (s)";
  figure.y_label = "sound level (dB SPL)";
  figure.event_label = "spikes";
  for (std::size_t i = 0; i < recordings.size(); ++i) {
    const std::size_t whole = recordings[i].step_count();
    const std::size_t read = std::min(whole, steps_read);
    const std::string name = std::to_string(i + 1) + ": ";
    const std::string part =
        read < whole ? " in its first " + milliseconds(read) + " of " + milliseconds(whole) + " ms"
                     : "";
    if (static_cast<double>(read) * step_time < least_duration) {
      std::printf("recording %snot decoded, too little%s\n", name.c_str(), part.c_str());
      continue;
    }
    const DecodedSound sound = decode_second_half(recordings[i], currents.of_recording(i, read));
    const std::string score = name + "correlation " + correlation_text(sound) + part;
    std::printf("recording %s\n", score.c_str());
    figure.panels.push_back(make_panel("Recording " + score, recordings[i], sound));
  }
  if (!figure.panels.empty()) {
    long_run::write_file(options.output, to_svg(figure));
    std::printf("plot: %s\n", options.output.c_str());
  }
  if (!is_partial) return 0;
  const std::string fate = figure.panels.empty() ? ": nothing written, since decoding takes " +
                                                       to_text(least_duration) + " ms"
                                                 : "";
  std::fprintf(stderr, "decode_recording: interrupted after %s of %s ms%s\n",
               milliseconds(steps_read).c_str(), milliseconds(longest).c_str(), fate.c_str());
  return long_run::exit_interrupted;
}

/// The same; wrong input is named by its file and line alone.
int run_on_files(const Options& options) {
  try {
    return run(options);
  } catch (const InputError& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return command_line::exit_wrong_input;
  }
}

}  // namespace
}  // namespace decode_recording

int main(int argc, char** argv) {
  using namespace decode_recording;
  long_run::note_interrupts();
  return command_line::run_program("decode_recording", help_text, {argv + 1, argv + argc},
                                   parse_options, run_on_files);
}
