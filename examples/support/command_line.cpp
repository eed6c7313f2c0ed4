#include "command_line.hpp"

#include <cstdint>

namespace command_line {

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
