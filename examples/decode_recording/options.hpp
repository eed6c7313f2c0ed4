// What the program is asked to do.
#pragma once

#include <string>
#include <vector>

namespace decode_recording {

/// Where a recording is read from.
struct RecordingFiles {
  std::string spikes;
  std::string stimulus;
};

struct Options {
  bool help = false;
  bool cuda = false;
  std::vector<RecordingFiles> recordings;  ///< none: the ones that come with the example
  std::string output = "decoded_sound.svg";
};

/// What `--help` prints.
extern const char* const help_text;

/// Reads the arguments after the program's name. Throws `command_line::UsageError`.
Options parse_options(const std::vector<std::string>& arguments);

}  // namespace decode_recording
