#include "command_line.hpp"

#include <algorithm>
#include <cstdint>

namespace command_line {

bool take_options(const std::vector<std::string>& arguments, const std::vector<Option>& options) {
  for (auto argument = arguments.begin(); argument != arguments.end(); ++argument) {
    if (*argument == "--help") return true;
    const auto option = std::find_if(options.begin(), options.end(),
                                     [&](const Option& one) { return one.name == *argument; });
    if (option == options.end()) {
      std::string names;
      for (const Option& one : options) names += one.name + ", ";
      throw UsageError("unknown option \"" + *argument + "\", expected one of " + names + "--help");
    }
    if (!option->has_value) {
      option->take("");
      continue;
    }
    if (++argument == arguments.end() || argument->empty()) {
      throw UsageError(option->name + ": got nothing, expected a value after it");
    }
    option->take(*argument);
  }
  return false;
}

cusynapse::Device parse_device(const std::string& text) {
  if (text == "cpu") return cusynapse::Device::cpu();
  const std::string gpu = "cuda:";
  std::int32_t ordinal = 0;
  if (text.rfind(gpu, 0) != 0 || !read_number(text, gpu.size(), ordinal) || ordinal < 0) {
    throw UsageError("--device: got \"" + text + "\", expected cpu, cuda:0, cuda:1, ...");
  }
  return cusynapse::Device::cuda(ordinal);
}

}  // namespace command_line
