#include "golden/replay.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>

namespace cusynapse::golden {

std::filesystem::path golden_folder() {
  const char* const chosen = std::getenv("CUSYNAPSE_GOLDEN_DIR");
  return chosen != nullptr && *chosen != '\0' ? chosen : CUSYNAPSE_GOLDEN_DEFAULT_DIR;
}

std::vector<Device> all_devices() {
  std::vector<Device> devices{Device::cpu()};
  for (int ordinal = 0; ordinal < cuda_device_count(); ++ordinal) {
    devices.push_back(Device::cuda(ordinal));
  }
  return devices;
}

void replay_suite(const std::string& name, const std::vector<Device>& devices,
                  const ReplayCase& replay_case) {
  Comparison comparison(name);
  try {
    const Suite suite(golden_folder() / name, name);
    for (const Device device : devices) {
      const OwnedStream stream(device);
      const std::int64_t before = comparison.comparisons();
      for (const Case& replayed : suite.cases()) {
        const std::string place =
            to_string(device) + ", case " + std::to_string(replayed.id) + " " + replayed.name;
        comparison.set_place(place);
        try {
          replay_case(stream, replayed, comparison);
        } catch (const std::exception& error) {
          comparison.mismatch(std::string("stopped by ") + error.what());
        }
      }
      comparison.set_place(to_string(device));
      if (comparison.comparisons() == before) comparison.mismatch("nothing was compared");
    }
  } catch (const std::exception& error) {
    comparison.set_place("the set");
    comparison.mismatch(error.what());
  }
  for (const std::string& message : comparison.messages()) ADD_FAILURE() << message;
  std::printf("%s\n", comparison.summary().c_str());
  std::fflush(stdout);
  EXPECT_EQ(comparison.mismatches(), 0);
  EXPECT_GT(comparison.comparisons(), 0);
}

std::string describe(const Stream& stream, const Case& replayed, const Operation& operation) {
  return to_string(stream.device()) + ", case " + std::to_string(replayed.id) + " " +
         replayed.name + ", " + operation.kind +
         " (index.txt:" + std::to_string(operation.place.line) + ")";
}

Array frame_of(const Array& frames, std::int64_t index) {
  if (frames.extents.empty() || index < 0 || index >= frames.extents.front()) {
    refuse(frames.place, frames.name + " has no frame " + std::to_string(index));
  }
  Array frame = frames;
  const std::size_t bytes = frames.bytes.size() / static_cast<std::size_t>(frames.extents.front());
  frame.bytes = frames.bytes.subspan(static_cast<std::size_t>(index) * bytes, bytes);
  frame.extents.erase(frame.extents.begin());
  return frame;
}

NamedRule<Interpolation> interpolation(const Place& place, const std::string& name,
                                       const Fields& constants) {
  static const std::map<std::string, Interpolation> plain{
      {"previous", Interpolation::previous},
      {"next", Interpolation::next},
      {"nearest", Interpolation::nearest},
      {"linear", Interpolation::linear},
  };
  if (name == "expdecay") {
    return {Interpolation::exponential_decay, constants.number("time_constant"), exponential};
  }
  if (name == "expratedecay") {
    return {Interpolation::exponential_rate_decay, constants.number("rate_constant"), exponential};
  }
  const auto found = plain.find(name);
  if (found == plain.end()) refuse(place, "unknown interpolation '" + name + "'");
  return {found->second, 0.0, bit_for_bit};
}

NamedRule<Extrapolation> extrapolation(const Place& place, const std::string& name,
                                       const Fields& constants) {
  static const std::map<std::string, Extrapolation> plain{
      {"previous", Extrapolation::previous},
      {"next", Extrapolation::next},
      {"nearest", Extrapolation::nearest},
      {"neighbors", Extrapolation::neighbors},
      {"linear_forward", Extrapolation::linear_forward},
      {"linear_backward", Extrapolation::linear_backward},
  };
  if (name == "expdecay") {
    return {Extrapolation::exponential_decay, constants.number("time_constant"), exponential};
  }
  if (name == "expratedecay") {
    return {Extrapolation::exponential_rate_decay, constants.number("rate_constant"), exponential};
  }
  const auto found = plain.find(name);
  if (found == plain.end()) refuse(place, "unknown extrapolation '" + name + "'");
  return {found->second, 0.0, bit_for_bit};
}

}  // namespace cusynapse::golden
