// What of the example of CUDA graphs can be seen without a GPU. The test cuda_graph is the program
// on one.
#include <gtest/gtest.h>

#include <cusynapse/cusynapse.hpp>
#include <regex>
#include <string>
#include <vector>

#include "demo/endings.hpp"
#include "demo/program.hpp"

namespace {

const std::string program = CUDA_GRAPH_PROGRAM;

/// What the program prints about the spikes of a device.
struct Report {
  long steps = 0;
  long spikes = 0;
  std::string hash;
};

Report report_of(const std::string& device, const std::string& steps) {
  const demo::Outcome outcome = demo::run_program(program, {"--device", device, "--steps", steps});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.error;
  EXPECT_EQ(outcome.error, "");
  const std::regex line(device + ": ([0-9]+) steps, ([0-9]+) spikes, hash ([0-9a-f]{16})\n");
  std::smatch match;
  if (!std::regex_search(outcome.output, match, line)) {
    ADD_FAILURE() << outcome.output;
    return {};
  }
  return {std::stol(match[1]), std::stol(match[2]), match[3]};
}

TEST(CudaGraphExample, IsNeitherSilentNorSaturatedOnTheCpu) {
  const Report report = report_of("cpu", "300");
  EXPECT_EQ(report.steps, 300);
  EXPECT_GT(report.spikes, 300 * 1000 / 200) << "5 spikes a neuron and second";
  EXPECT_LT(report.spikes, 300 * 1000 / 10) << "100; the refractory period allows 333";
}

TEST(CudaGraphExample, SpikesTheSameEveryTimeAndOnEveryDevice) {
  const Report report = report_of("cpu", "100");
  EXPECT_EQ(report_of("cpu", "100").hash, report.hash);
  EXPECT_NE(report_of("cpu", "101").hash, report.hash);
  if (cusynapse::cuda_device_count() != 0) {
    EXPECT_EQ(report_of("cuda:0", "100").hash, report.hash);
  }
}

TEST(CudaGraphExample, SaysWhyThereIsNoGpu) {
  if (cusynapse::cuda_device_count() != 0) GTEST_SKIP() << "there is a GPU";
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{}, {"--device", "cuda:0"}}) {
    demo::expect_refusal(program, arguments, 77, demo::reason_without_gpu());
  }
}

TEST(CudaGraphExample, RefusesWrongOptions) {
  const struct {
    std::vector<std::string> arguments;
    std::string message;
  } rows[] = {{{"--loud"}, "unknown option \"--loud\", expected one of --device, --steps, --help"},
              {{"--device", "gpu"}, "--device: got \"gpu\", expected cpu, cuda:0, cuda:1, ..."},
              {{"--steps", "0"}, "--steps: got \"0\", expected 1 to 1000000"},
              {{"--steps", "1000001"}, "--steps: got \"1000001\", expected 1 to 1000000"},
              {{"--steps", "1e3"}, "--steps: got \"1e3\", expected 1 to 1000000"},
              {{"--steps"}, "--steps: got nothing, expected a value after it"}};
  for (const auto& row : rows) {
    demo::expect_refusal(program, row.arguments, 2, row.message);
  }
}

TEST(CudaGraphExample, PrintsItsHelp) {
  const demo::Outcome outcome = demo::run_program(program, {"--help"});
  EXPECT_EQ(outcome.exit_code, 0);
  for (const char* part : {"--device", "--steps", "--help", "77"}) {
    EXPECT_NE(outcome.output.find(part), std::string::npos) << part;
  }
}

}  // namespace
