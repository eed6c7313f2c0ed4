// What the replays of all suites share: the set's folder, the devices, arrays on a device.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "cusynapse/buffer.hpp"
#include "cusynapse/math/interpolate.hpp"
#include "cusynapse/shape.hpp"
#include "cusynapse/stream.hpp"
#include "golden/comparison.hpp"
#include "golden/golden_set.hpp"

namespace cusynapse::golden {

/// CUSYNAPSE_GOLDEN_DIR where that is set, otherwise the project's own set.
std::filesystem::path golden_folder();

/// The CPU, and every GPU this process can use.
std::vector<Device> all_devices();

/// Replays one case on the stream's device.
using ReplayCase = std::function<void(const Stream&, const Case&, Comparison&)>;

/// Replays every case of a suite on each of the devices and prints one line, "<suite>: N
/// comparisons, M mismatches". Fails the running test on a mismatch, on anything thrown, and when a
/// device has made no comparison.
void replay_suite(const std::string& name, const std::vector<Device>& devices,
                  const ReplayCase& replay_case);

/// Describes an operation of a case: "cpu, case 3 NAME, run (index.txt:12)".
std::string describe(const Stream& stream, const Case& replayed, const Operation& operation);

/// Frame `index` of a recorded array [frames, ...]. Throws std::runtime_error where it has none.
Array frame_of(const Array& frames, std::int64_t index);

/// Interpolations and extrapolations by their recorded names, with their constant and the tolerance
/// of what they compute. Throw std::runtime_error for other names.
template <class Rule>
struct NamedRule {
  Rule rule;
  double constant = 0.0;
  Tolerance tolerance;
};
NamedRule<Interpolation> interpolation(const Place& place, const std::string& name,
                                       const Fields& constants);
NamedRule<Extrapolation> extrapolation(const Place& place, const std::string& name,
                                       const Fields& constants);

inline Shape to_shape(const std::vector<std::int64_t>& extents) {
  return Shape(extents.data(), static_cast<int>(extents.size()));
}

template <class T>
Buffer<T> to_device(const Stream& stream, const std::vector<T>& values) {
  return Buffer<T>(stream, values.data(), static_cast<std::int64_t>(values.size()));
}

/// Memory for a result, holding a value no result has, so that an element left out is seen.
inline Buffer<float> float_result(const Stream& stream, std::int64_t size) {
  return to_device(stream, std::vector<float>(static_cast<std::size_t>(size), -12345.678f));
}
inline Buffer<std::uint8_t> byte_result(const Stream& stream, std::int64_t size) {
  return to_device(stream, std::vector<std::uint8_t>(static_cast<std::size_t>(size), 171));
}

template <class T>
std::vector<T> to_host(const Stream& stream, const Buffer<T>& buffer) {
  std::vector<T> values(static_cast<std::size_t>(buffer.size()));
  buffer.copy_to_host(stream, values.data());
  return values;
}

}  // namespace cusynapse::golden
