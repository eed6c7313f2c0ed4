#include "options.hpp"

#include <cstddef>

#include "command_line.hpp"

namespace recurrent_network {

using command_line::parse_device;
using command_line::read_number;
using command_line::UsageError;

const char* const help_text =
    "Usage: recurrent_network [options]\n"
    "\n"
    "Simulates 320 excitatory and 80 inhibitory neurons that excite and inhibit each\n"
    "other over synapses with delays by distance, and plots who spiked when.\n"
    "\n"
    "  --device cpu|cuda:N  where it runs (default: cpu)\n"
    "  --compare            run it on the CPU and on a GPU (default: cuda:0): exit status 1 if\n"
    "                       any spike differs\n"
    "  --seed NUMBER        of connections, background input and initial voltages (default: 1)\n"
    "  --duration MS        simulated time, 1 to 60000 (default: 1000)\n"
    "  --output FILE.svg    the plot to write (default: raster.svg)\n"
    "  --help               print this and exit\n"
    "\n"
    "Exit status: 0 done, 1 it could not be done or spikes differ, 2 wrong options,\n"
    "130 interrupted (Ctrl-C): the plot shows what was simulated until then.\n";

namespace {

constexpr int longest = 60000;  // ms: 48 MB of spikes and as much of background

}  // namespace

Options parse_options(const std::vector<std::string>& arguments) {
  Options options;
  bool has_device = false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& name = arguments[i];
    if (name == "--help") {
      options.help = true;
      return options;
    }
    if (name == "--compare") {
      options.compare = true;
      continue;
    }
    if (name != "--device" && name != "--seed" && name != "--duration" && name != "--output") {
      throw UsageError(
          "unknown option \"" + name +
          "\", expected one of --device, --compare, --seed, --duration, --output, --help");
    }
    if (i + 1 == arguments.size() || arguments[i + 1].empty()) {
      throw UsageError(name + ": got nothing, expected a value after it");
    }
    const std::string& value = arguments[++i];
    if (name == "--output") {
      options.output = value;
    } else if (name == "--device") {
      options.device = parse_device(value);
      has_device = true;
    } else if (name == "--duration") {
      int duration = 0;
      if (!read_number(value, 0, duration) || duration < 1 || duration > longest) {
        throw UsageError("--duration: got \"" + value + "\", expected 1 to 60000 ms");
      }
      options.duration = duration;
    } else if (!read_number(value, 0, options.seed)) {
      throw UsageError("--seed: got \"" + value + "\", expected a whole number from 0 to 2^64 - 1");
    }
  }
  if (options.compare && !has_device) options.device = cusynapse::Device::cuda(0);
  if (options.compare && options.device == cusynapse::Device::cpu()) {
    throw UsageError("--compare: got --device cpu, expected a GPU to compare the CPU with");
  }
  return options;
}

}  // namespace recurrent_network
