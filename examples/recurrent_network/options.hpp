// What the program is asked to do.
#pragma once

#include <cstdint>
#include <cusynapse/stream.hpp>
#include <string>
#include <vector>

namespace recurrent_network {

struct Options {
  bool help = false;
  bool compare = false;
  cusynapse::Device device;  ///< the CPU, or with compare the GPU it is compared with
  std::uint64_t seed = 1;
  double duration = 1000.0;  ///< ms of simulated time
  std::string output = "raster.svg";
};

/// What `--help` prints.
extern const char* const help_text;

/// Reads the arguments after the program's name. Throws `command_line::UsageError`.
Options parse_options(const std::vector<std::string>& arguments);

}  // namespace recurrent_network
