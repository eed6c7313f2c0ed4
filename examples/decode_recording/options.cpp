#include "options.hpp"

#include <cstddef>

#include "command_line.hpp"

namespace decode_recording {

using command_line::UsageError;

const char* const help_text =
    "Usage: decode_recording [options]\n"
    "\n"
    "Decodes a sound from the spikes of a neuron that heard it. The spikes drive an exponential\n"
    "synapse; a linear decoder reads its current at 51 delays up to 25 ms, learns on the first "
    "half\n"
    "of each recording and is tested on the second.\n"
    "\n"
    "  --device cpu|cuda    where the synapses run (default: cpu)\n"
    "  --recording FILE     spike times: CSV with a column time_ms, rising\n"
    "  --stimulus FILE      the sound: CSV with columns time_ms,level_db, a row every 0.5 ms\n"
    "                       Both may be repeated, the first stimulus belonging to the first\n"
    "                       recording and so on (default: the two recordings of a locust's\n"
    "                       auditory receptors that come with this example)\n"
    "  --output FILE.svg    the plot to write (default: decoded_sound.svg)\n"
    "  --help               print this and exit\n"
    "\n"
    "Exit status: 0 done, 1 it could not be done, 2 wrong options or input,\n"
    "130 interrupted (Ctrl-C): what was read until then is decoded, if it is 1000 ms or more.\n";

Options parse_options(const std::vector<std::string>& arguments) {
  Options options;
  std::vector<std::string> spikes;
  std::vector<std::string> stimuli;
  const auto take_device = [&](const std::string& value) {
    if (value != "cpu" && value != "cuda") {
      throw UsageError("--device: got \"" + value + "\", expected cpu or cuda");
    }
    options.cuda = value == "cuda";
  };
  options.help = command_line::take_options(
      arguments, {{"--device", take_device},
                  {"--recording", [&](const std::string& value) { spikes.push_back(value); }},
                  {"--stimulus", [&](const std::string& value) { stimuli.push_back(value); }},
                  {"--output", [&](const std::string& value) { options.output = value; }}});
  if (options.help) return options;
  if (spikes.size() != stimuli.size()) {
    throw UsageError("got " + std::to_string(spikes.size()) + " --recording and " +
                     std::to_string(stimuli.size()) +
                     " --stimulus, expected one stimulus for each recording");
  }
  for (std::size_t i = 0; i < spikes.size(); ++i) {
    options.recordings.push_back({spikes[i], stimuli[i]});
  }
  return options;
}

}  // namespace decode_recording
