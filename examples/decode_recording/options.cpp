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
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& name = arguments[i];
    if (name == "--help") {
      options.help = true;
      return options;
    }
    if (name != "--device" && name != "--recording" && name != "--stimulus" && name != "--output") {
      throw UsageError("unknown option \"" + name + "\", expected one of --device, --recording, " +
                       "--stimulus, --output, --help");
    }
    if (i + 1 == arguments.size() || arguments[i + 1].empty()) {
      throw UsageError(name + ": got nothing, expected a value after it");
    }
    const std::string& value = arguments[++i];
    if (name == "--recording") {
      spikes.push_back(value);
    } else if (name == "--stimulus") {
      stimuli.push_back(value);
    } else if (name == "--output") {
      options.output = value;
    } else if (value == "cpu" || value == "cuda") {
      options.cuda = value == "cuda";
    } else {
      throw UsageError("--device: got \"" + value + "\", expected cpu or cuda");
    }
  }
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
