// What a program sees on a machine that has no GPU, or fewer than it asks for.
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "cusynapse/cusynapse.hpp"

namespace cusynapse {
namespace {

// Asks for the first GPU that is not there.
void expect_no_device(const std::function<void(int ordinal)>& use) {
  const int ordinal = cuda_device_count();
  try {
    use(ordinal);
    FAIL() << "expected Error(no_device)";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::no_device) << error.what();
    EXPECT_NE(std::string(error.what()).find("cuda:" + std::to_string(ordinal)), std::string::npos)
        << error.what();
  }
}

TEST(NoDevice, AStreamOnAMissingGpuIsRefused) {
  expect_no_device([](int ordinal) { OwnedStream stream(Device::cuda(ordinal)); });
  expect_no_device([](int ordinal) {
    CUstream_st* const default_stream = nullptr;
    Stream::cuda(default_stream, ordinal);
  });
}

TEST(NoDevice, MemoryOnAMissingGpuIsRefused) {
  expect_no_device([](int ordinal) { Buffer<float> buffer(Device::cuda(ordinal), 4); });
}

TEST(NoDevice, TheCpuWorksAllTheSame) {
  SynapseOptions options;
  options.shape = {3};
  SingleExponentialCurrent<float> synapse(Stream::cpu(), options, {2.0, 4.0});
  const float input[] = {1, 0, 2};
  float current[3] = {};
  synapse.step(Stream::cpu(), View<const float>(input, {1, 3}));
  synapse.current(Stream::cpu(), View<float>(current, {1, 3}));
  EXPECT_EQ(current[0], 0.5f);
  EXPECT_EQ(current[1], 0.0f);
  EXPECT_EQ(current[2], 1.0f);
}

TEST(NoDevice, AMissingDeviceIsNotCounted) { EXPECT_GE(cuda_device_count(), 0); }

}  // namespace
}  // namespace cusynapse
