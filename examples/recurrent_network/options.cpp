#include "options.hpp"

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
  const auto take_device = [&](const std::string& value) {
    options.device = parse_device(value);
    has_device = true;
  };
  const auto take_seed = [&](const std::string& value) {
    if (!read_number(value, 0, options.seed)) {
      throw UsageError("--seed: got \"" + value + "\", expected a whole number from 0 to 2^64 - 1");
    }
  };
  const auto take_duration = [&](const std::string& value) {
    int duration = 0;
    if (!read_number(value, 0, duration) || duration < 1 || duration > longest) {
      throw UsageError("--duration: got \"" + value + "\", expected 1 to 60000 ms");
    }
    options.duration = duration;
  };
  options.help = command_line::take_options(
      arguments, {{"--device", take_device},
                  {"--compare", [&](const std::string&) { options.compare = true; }, false},
                  {"--seed", take_seed},
                  {"--duration", take_duration},
                  {"--output", [&](const std::string& value) { options.output = value; }}});
  if (options.help) return options;
  if (options.compare && !has_device) options.device = cusynapse::Device::cuda(0);
  if (options.compare && options.device == cusynapse::Device::cpu()) {
    throw UsageError("--compare: got --device cpu, expected a GPU to compare the CPU with");
  }
  return options;
}

}  // namespace recurrent_network
