// The devices a test runs on: the CPU, and every GPU there is.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "cusynapse/stream.hpp"

namespace cusynapse {

/// How a test's parameter is printed; found by its type's namespace.
inline void PrintTo(Device device, std::ostream* out) { *out << to_string(device); }

}  // namespace cusynapse

namespace support {

inline std::vector<cusynapse::Device> devices() {
  std::vector<cusynapse::Device> out = {cusynapse::Device::cpu()};
  for (std::int32_t ordinal = 0; ordinal < cusynapse::cuda_device_count(); ++ordinal) {
    out.push_back(cusynapse::Device::cuda(ordinal));
  }
  return out;
}

/// Devices as parts of a test's name: cpu, cuda0.
inline std::string device_name(const testing::TestParamInfo<cusynapse::Device>& info) {
  std::string name;
  for (const char letter : cusynapse::to_string(info.param)) {
    if (letter != ':') name += letter;
  }
  return name;
}

/// A test with a stream of the device it is instantiated for.
class DeviceTest : public testing::TestWithParam<cusynapse::Device> {
 protected:
  cusynapse::Stream stream() const { return stream_.get(); }

 private:
  cusynapse::OwnedStream stream_{GetParam()};
};

}  // namespace support
