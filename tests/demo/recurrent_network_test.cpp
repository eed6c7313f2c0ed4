#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cusynapse/cusynapse.hpp>
#include <filesystem>
#include <optional>
#include <regex>
#include <string>
#include <vector>

#include "demo/endings.hpp"
#include "demo/program.hpp"
#include "demo/well_formed.hpp"
#include "recurrent_network/network.hpp"
#include "support/compare.hpp"
#include "support/devices.hpp"

namespace {

const std::string program = RECURRENT_NETWORK_PROGRAM;

/// What the program prints about the spikes of a device.
struct Report {
  std::string device;
  long spikes = 0;
  double rate = 0.0;  ///< of a neuron, 1/s
  std::string hash;
};

std::vector<Report> reports(const std::string& output) {
  const std::regex line(
      "(cpu|cuda:[0-9]+): ([0-9]+) spikes, ([0-9.]+) a neuron and second, hash ([0-9a-f]{16})\n");
  std::vector<Report> result;
  for (std::sregex_iterator it(output.begin(), output.end(), line), end; it != end; ++it) {
    result.push_back({(*it)[1], std::stol((*it)[2]), std::stod((*it)[3]), (*it)[4]});
  }
  return result;
}

/// The one report of a run that succeeds.
Report report_of(const std::vector<std::string>& arguments) {
  std::vector<std::string> all = {"--output", demo::scratch_path("raster.svg")};
  all.insert(all.end(), arguments.begin(), arguments.end());
  const demo::Outcome outcome = demo::run_program(program, all);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.error;
  EXPECT_EQ(outcome.error, "");
  const std::vector<Report> found = reports(outcome.output);
  EXPECT_EQ(found.size(), 1U) << outcome.output;
  return found.empty() ? Report() : found[0];
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++found;
  }
  return found;
}

/// Programs run on one thread: steps are short, and on a busy machine threads that wait for each
/// other take long.
class RecurrentNetwork : public testing::Test {
 protected:
  RecurrentNetwork() {
    const char* before = std::getenv(variable);
    if (before != nullptr) before_ = before;
    set_threads("1");
  }
  ~RecurrentNetwork() override {
    if (before_.has_value()) {
      set_threads(before_->c_str());
    } else {
      unsetenv(variable);
    }
  }

  static void set_threads(const char* count) { ASSERT_EQ(setenv(variable, count, 1), 0); }

 private:
  static constexpr const char* variable = "OMP_NUM_THREADS";
  std::optional<std::string> before_;
};

TEST_F(RecurrentNetwork, IsNeitherSilentNorSaturated) {
  const Report report = report_of({});
  EXPECT_EQ(report.device, "cpu");
  EXPECT_GT(report.spikes, 0);
  EXPECT_GT(report.rate, 5.0);
  EXPECT_LT(report.rate, 100.0) << "the refractory period allows 400";
  EXPECT_NEAR(report.rate, static_cast<double>(report.spikes) / 400, 0.05) << "400 neurons, 1 s";
}

/// Spikes [step][neuron] of a network by a loop over all pairs, in double.
std::vector<std::uint8_t> simulate_by_loops(const recurrent_network::Network& network,
                                            std::int64_t steps) {
  constexpr double dt = 0.5;
  constexpr double jump = 0.15 / 5.0;  // nA, of a spike's current
  constexpr double reset = -60.0;      // mV, and at rest
  constexpr double threshold = -50.0;
  constexpr double resistance = 100.0;
  constexpr int refractory_steps = 4;
  const double synaptic_decay = std::exp(-dt / 5.0);
  const double membrane_decay = std::exp(-dt / 20.0);
  const auto count = static_cast<std::size_t>(recurrent_network::neuron_count);

  std::vector<double> voltage(network.voltages.begin(), network.voltages.end());
  std::vector<double> background(count, 0.0);
  std::vector<int> held(count, 0);
  std::vector<double> current(count, 0.0);
  std::vector<std::vector<double>> currents;  // of every neuron's spikes, in every step so far
  std::vector<std::uint8_t> newest(count, 0);
  std::vector<std::uint8_t> spikes;
  for (std::size_t t = 0; t < static_cast<std::size_t>(steps); ++t) {
    for (std::size_t n = 0; n < count; ++n) {
      current[n] = current[n] * synaptic_decay + jump * newest[n];
      background[n] = background[n] * synaptic_decay + jump * network.background[t * count + n];
    }
    currents.push_back(current);
    for (std::size_t to = 0; to < count; ++to) {
      newest[to] = 0;
      double sum = background[to];
      for (std::size_t from = 0; from < count; ++from) {
        if (from == to) continue;
        // The current some time ago is what it was at the step before then, decayed since.
        const double steps_ago = network.delays[to * count + from] / dt;
        const double older = std::ceil(steps_ago - 1e-5);
        if (older > static_cast<double>(t)) continue;
        const double then = currents[t - static_cast<std::size_t>(older)][from];
        const double since = std::max(older - steps_ago, 0.0) * dt;
        sum += network.weights[to * count + from] * then * std::exp(-since / 5.0);
      }
      if (held[to] > 0) {
        held[to] -= 1;
        continue;
      }
      voltage[to] = reset + (voltage[to] - reset) * membrane_decay +
                    resistance * sum * (1.0 - membrane_decay);
      if (voltage[to] < threshold) continue;
      voltage[to] = reset;
      held[to] = refractory_steps;
      newest[to] = 1;
    }
    spikes.insert(spikes.end(), newest.begin(), newest.end());
  }
  return spikes;
}

bool to_the_end(std::int64_t) { return true; }

TEST_F(RecurrentNetwork, SpikesAsALoopOverAllPairsDoes) {
  constexpr std::int64_t steps = 100;  // rounding would tell in the end
  const recurrent_network::Network network = recurrent_network::make_network(1, steps);
  const std::vector<std::uint8_t> expected = simulate_by_loops(network, steps);
  EXPECT_GT(std::count(expected.begin(), expected.end(), 1), 400);
  for (const cusynapse::Device device : support::devices()) {
    const cusynapse::OwnedStream stream(device);
    EXPECT_TRUE(
        support::matches(recurrent_network::simulate(stream, network, to_the_end), expected))
        << to_string(device);
  }
}

TEST_F(RecurrentNetwork, SpikesTheSameEveryTimeAndDifferentlyFromAnotherSeed) {
  const Report first = report_of({});
  const Report second = report_of({"--seed", "1"});
  const Report other = report_of({"--seed", "2"});
  EXPECT_EQ(first.hash, second.hash);
  EXPECT_EQ(first.spikes, second.spikes);
  EXPECT_NE(first.hash, other.hash);
}

TEST_F(RecurrentNetwork, SpikesTheSameOnOneThreadAsOnSeveral) {
  const Report one = report_of({});
  set_threads("3");
  const Report several = report_of({});
  EXPECT_EQ(one.hash, several.hash);
}

TEST_F(RecurrentNetwork, DrawsEverySpike) {
  const std::string raster = demo::scratch_path("raster.svg");
  const demo::Outcome outcome = demo::run_program(program, {"--output", raster});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.error;
  const std::vector<Report> found = reports(outcome.output);
  ASSERT_EQ(found.size(), 1U) << outcome.output;
  const std::string svg = demo::file_content(raster);
  EXPECT_EQ(demo::xml_fault(svg), "");
  EXPECT_EQ(count(svg, "v2"), static_cast<std::size_t>(found[0].spikes));
  for (const char* part : {"excitatory", "inhibitory", "time (ms)", "neuron", "spikes/s"}) {
    EXPECT_NE(svg.find(part), std::string::npos) << part;
  }
}

TEST_F(RecurrentNetwork, KeepsTheStepsUntilItIsStopped) {
  const recurrent_network::Network network = recurrent_network::make_network(1, 20);
  const cusynapse::Stream stream = cusynapse::Stream::cpu();
  std::vector<std::uint8_t> expected = recurrent_network::simulate(stream, network, to_the_end);
  EXPECT_EQ(expected.size(), 20U * recurrent_network::neuron_count);
  expected.resize(7 * recurrent_network::neuron_count);
  EXPECT_TRUE(support::matches(
      recurrent_network::simulate(stream, network, [](std::int64_t done) { return done < 7; }),
      expected));
}

TEST_F(RecurrentNetwork, DrawsWhatItHasWhenInterrupted) {
  const std::string raster = demo::scratch_path("raster.svg");
  demo::Program running(program, {"--duration", "60000", "--output", raster});
  running.wait_for_output("cpu: simulating 60000 ms\n");
  running.send(SIGINT);
  const demo::Outcome outcome = running.wait();
  demo::interrupted_after(program, outcome, 60000);
  const std::vector<Report> found = reports(outcome.output);
  ASSERT_EQ(found.size(), 1U) << outcome.output;
  const std::string svg = demo::file_content(raster);
  EXPECT_EQ(demo::xml_fault(svg), "");
  EXPECT_EQ(count(svg, "v2"), static_cast<std::size_t>(found[0].spikes));
}

TEST_F(RecurrentNetwork, SpikesTheSameOnAGpu) {
  if (cusynapse::cuda_device_count() == 0) GTEST_SKIP() << "no GPU";
  const demo::Outcome outcome =
      demo::run_program(program, {"--compare", "--output", demo::scratch_path("raster.svg")});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.error;
  const std::vector<Report> found = reports(outcome.output);
  ASSERT_EQ(found.size(), 2U) << outcome.output;
  EXPECT_EQ(found[0].device, "cuda:0");
  EXPECT_EQ(found[1].device, "cpu");
  EXPECT_EQ(found[0].hash, found[1].hash);
  EXPECT_EQ(report_of({"--device", "cuda:0"}).hash, found[0].hash);
}

TEST_F(RecurrentNetwork, SaysWhyThereIsNoGpu) {
  if (cusynapse::cuda_device_count() != 0) GTEST_SKIP() << "there is a GPU";
  const std::string raster = demo::scratch_path("raster.svg");
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"--compare"}, {"--device", "cuda:0"}}) {
    std::vector<std::string> all = {"--output", raster};
    all.insert(all.end(), arguments.begin(), arguments.end());
    demo::expect_refusal(program, all, 1, demo::reason_without_gpu());
    EXPECT_FALSE(std::filesystem::exists(raster));
  }
}

TEST_F(RecurrentNetwork, RefusesWrongOptions) {
  const struct {
    std::vector<std::string> arguments;
    std::string message;
  } rows[] = {
      {{"--loud"},
       "unknown option \"--loud\", expected one of --device, --compare, --seed, --duration, "
       "--output, --help"},
      {{"--device", "gpu"}, "--device: got \"gpu\", expected cpu, cuda:0, cuda:1, ..."},
      {{"--device", "cuda:"}, "--device: got \"cuda:\", expected cpu, cuda:0, cuda:1, ..."},
      {{"--device", "cuda:-1"}, "--device: got \"cuda:-1\", expected cpu, cuda:0, cuda:1, ..."},
      {{"--device", "cuda:0x"}, "--device: got \"cuda:0x\", expected cpu, cuda:0, cuda:1, ..."},
      {{"--seed", "-1"}, "--seed: got \"-1\", expected a whole number from 0 to 2^64 - 1"},
      {{"--seed", "1.5"}, "--seed: got \"1.5\", expected a whole number from 0 to 2^64 - 1"},
      {{"--duration", "0"}, "--duration: got \"0\", expected 1 to 60000 ms"},
      {{"--duration", "60001"}, "--duration: got \"60001\", expected 1 to 60000 ms"},
      {{"--duration", "1e3"}, "--duration: got \"1e3\", expected 1 to 60000 ms"},
      {{"--seed"}, "--seed: got nothing, expected a value after it"},
      {{"--compare", "--device", "cpu"},
       "--compare: got --device cpu, expected a GPU to compare the CPU with"}};
  for (const auto& row : rows) {
    demo::expect_refusal(program, row.arguments, 2, row.message);
  }
}

TEST_F(RecurrentNetwork, SaysThatTheRasterCannotBeWritten) {
  const demo::Outcome outcome =
      demo::run_program(program, {"--output", "/no/such/folder/raster.svg"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.error, "recurrent_network: /no/such/folder/raster.svg: cannot be written\n");
}

TEST_F(RecurrentNetwork, PrintsItsHelp) {
  const demo::Outcome outcome = demo::run_program(program, {"--help"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.error, "");
  for (const char* option :
       {"--device", "--compare", "--seed", "--duration", "--output", "--help"}) {
    EXPECT_NE(outcome.output.find(option), std::string::npos) << option;
  }
}

}  // namespace
