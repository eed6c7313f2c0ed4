#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdio>
#include <cusynapse/cusynapse.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "demo/endings.hpp"
#include "demo/program.hpp"
#include "demo/well_formed.hpp"

namespace {

const std::string program = DECODE_RECORDING_PROGRAM;
const std::string data = EXAMPLE_DATA_FOLDER;

// Published with the data: correlation of decoded and heard level on the second half.
constexpr double known_correlations[] = {0.53, 0.22};
constexpr double known_to = 0.01;

std::string spikes(int recording) { return data + "/spikes" + std::to_string(recording) + ".csv"; }
std::string stimulus(int recording) {
  return data + "/stimulus" + std::to_string(recording) + ".csv";
}

/// The numbers in lines "recording N: correlation X", which must count from 1.
std::vector<double> printed_correlations(const std::string& output) {
  std::vector<double> correlations;
  std::istringstream lines(output);
  std::string line;
  while (std::getline(lines, line)) {
    std::size_t recording = 0;
    double value = 0.0;
    if (std::sscanf(line.c_str(), "recording %zu: correlation %lf", &recording, &value) == 2) {
      EXPECT_EQ(recording, correlations.size() + 1);
      correlations.push_back(value);
    }
  }
  return correlations;
}

/// The first lines of a file: its header and `rows` rows.
std::string head(const std::string& path, std::size_t rows) {
  std::istringstream lines(demo::file_content(path));
  std::string text;
  std::string line;
  for (std::size_t i = 0; i <= rows && std::getline(lines, line); ++i) text += line + "\n";
  return text;
}

/// The spikes of a file before a time.
std::string spikes_before(const std::string& path, double end) {
  std::istringstream lines(demo::file_content(path));
  std::string line;
  std::getline(lines, line);
  std::string text = line + "\n";
  while (std::getline(lines, line) && std::stod(line) < end) text += line + "\n";
  return text;
}

void expect_known_result(const std::string& device) {
  const std::string plot = demo::scratch_path("plot.svg");
  const demo::Outcome outcome = demo::run_program(program, {"--device", device, "--output", plot});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.error, "") << "progress belongs on a terminal";
  const std::vector<double> correlations = printed_correlations(outcome.output);
  ASSERT_EQ(correlations.size(), 2U) << outcome.output;
  EXPECT_NEAR(correlations[0], known_correlations[0], known_to);
  EXPECT_NEAR(correlations[1], known_correlations[1], known_to);

  const std::string svg = demo::file_content(plot);
  EXPECT_EQ(demo::xml_fault(svg), "");
  for (const char* part : {"Recording 1: correlation ", "Recording 2: correlation ",
                           "sound level (dB SPL)", "time (s)", ">heard<", ">decoded<"}) {
    EXPECT_NE(svg.find(part), std::string::npos) << part;
  }
}

TEST(DecodeRecording, ReachesTheKnownCorrelations) { expect_known_result("cpu"); }

TEST(DecodeRecording, ReachesTheKnownCorrelationsOnAGpu) {
  if (cusynapse::cuda_device_count() == 0) GTEST_SKIP() << "no GPU";
  expect_known_result("cuda");
}

TEST(DecodeRecording, SaysWhyThereIsNoGpu) {
  if (cusynapse::cuda_device_count() != 0) GTEST_SKIP() << "there is a GPU";
  const std::string plot = demo::scratch_path("plot.svg");
  demo::expect_refusal(program, {"--device", "cuda", "--output", plot}, 1,
                       demo::reason_without_gpu());
  EXPECT_FALSE(std::filesystem::exists(plot));
}

TEST(DecodeRecording, DecodesRecordingsOfTheUsersInTheirOrder) {
  const std::string plot = demo::scratch_path("plot.svg");
  const demo::Outcome swapped = demo::run_program(
      program, {"--recording", spikes(2), "--stimulus", stimulus(2), "--recording", spikes(1),
                "--stimulus", stimulus(1), "--output", plot});
  EXPECT_EQ(swapped.exit_code, 0);
  const std::vector<double> correlations = printed_correlations(swapped.output);
  ASSERT_EQ(correlations.size(), 2U) << swapped.output << swapped.error;
  EXPECT_NEAR(correlations[0], known_correlations[1], known_to);
  EXPECT_NEAR(correlations[1], known_correlations[0], known_to);
}

TEST(DecodeRecording, DecodesARecordingTheSameAloneAndBesideALongerOne) {
  const std::string short_spikes =
      demo::scratch_file("spikes.csv", spikes_before(spikes(1), 6000.0));
  const std::string short_stimulus = demo::scratch_file("stimulus.csv", head(stimulus(1), 12000));
  const std::string plot = demo::scratch_path("plot.svg");
  const demo::Outcome alone = demo::run_program(
      program, {"--recording", short_spikes, "--stimulus", short_stimulus, "--output", plot});
  const demo::Outcome beside = demo::run_program(
      program, {"--recording", short_spikes, "--stimulus", short_stimulus, "--recording", spikes(2),
                "--stimulus", stimulus(2), "--output", plot});
  const std::vector<double> expected = printed_correlations(alone.output);
  const std::vector<double> correlations = printed_correlations(beside.output);
  ASSERT_EQ(expected.size(), 1U) << alone.error;
  ASSERT_EQ(correlations.size(), 2U) << beside.error;
  EXPECT_GT(expected[0], 0.3);
  EXPECT_EQ(correlations[0], expected[0]);
  EXPECT_NEAR(correlations[1], known_correlations[1], known_to);
}

TEST(DecodeRecording, SaysThatAConstantSoundHasNoCorrelation) {
  std::string levels = "time_ms,level_db\n";
  for (int i = 0; i < 2000; ++i) levels += std::to_string(0.5 * i) + ",60\n";
  const std::string plot = demo::scratch_path("plot.svg");
  const demo::Outcome outcome = demo::run_program(
      program, {"--recording", demo::scratch_file("spikes.csv", spikes_before(spikes(1), 1000.0)),
                "--stimulus", demo::scratch_file("stimulus.csv", levels), "--output", plot});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.output,
            "recording 1: correlation undefined, for a constant sound\nplot: " + plot + "\n");
  EXPECT_EQ(demo::xml_fault(demo::file_content(plot)), "");
}

TEST(DecodeRecording, RefusesWrongInputWithFileAndLine) {
  struct Case {
    const char* content;
    const char* message;
  };
  const Case cases[] = {
      {"", ":1: header: got an empty file, expected a line naming the columns time_ms"},
      {"ms\n1\n", ":1: header: got \"ms\", expected a column named time_ms"},
      {"time_ms\nearly\n", ":2: time_ms: got \"early\", expected a number"},
      {"time_ms\n1\n2x\n", ":3: time_ms: got \"2x\", expected a number"},
      {"time_ms\n1\n2,3\n", ":3: row: got 2 fields, expected 1 as in the header"},
      {"time_ms\n5\n4\n", ":3: time_ms: got 4, expected a time after 5"},
      {"time_ms\n5\ninf\n", ":3: time_ms: got \"inf\", expected a finite number"},
      {"time_ms\n5\n10000\n",
       ":3: time_ms: got 10000, expected a time within the sound, from 0 to before 10000"},
  };
  for (const Case& wrong : cases) {
    const std::string path = demo::scratch_file("spikes.csv", wrong.content);
    const std::string plot = demo::scratch_path("plot.svg");
    const demo::Outcome outcome = demo::run_program(
        program, {"--recording", path, "--stimulus", stimulus(1), "--output", plot});
    EXPECT_EQ(outcome.exit_code, 2) << wrong.message;
    EXPECT_EQ(outcome.error, path + wrong.message + "\n");
    EXPECT_EQ(outcome.output, "") << wrong.message;
    EXPECT_FALSE(std::filesystem::exists(plot)) << wrong.message;
  }
}

TEST(DecodeRecording, RefusesAStimulusTooShortToLearnFrom) {
  const std::string path = demo::scratch_file("stimulus.csv", head(stimulus(1), 1999));
  const demo::Outcome outcome =
      demo::run_program(program, {"--recording", spikes(1), "--stimulus", path});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.error,
            path + ":2000: last row: got 999.5 ms of sound, expected at least 1000 ms\n");
}

TEST(DecodeRecording, RefusesUnknownOptions) {
  demo::expect_refusal(program, {"--loud"}, 2,
                       "unknown option \"--loud\", expected one of --device, --recording, "
                       "--stimulus, --output, --help");
}

TEST(DecodeRecording, SaysThatThePlotCannotBeWritten) {
  const demo::Outcome outcome =
      demo::run_program(program, {"--output", "/no/such/folder/plot.svg"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.error, "decode_recording: /no/such/folder/plot.svg: cannot be written\n");
}

TEST(DecodeRecording, PrintsItsHelp) {
  const demo::Outcome outcome = demo::run_program(program, {"--help"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.error, "");
  for (const char* option : {"--device", "--recording", "--stimulus", "--output", "--help"}) {
    EXPECT_NE(outcome.output.find(option), std::string::npos) << option;
  }
}

/// The shipped recording 1 one after the other, as files: its spikes and its sound.
struct LongRecording {
  static constexpr int repetitions = 20;
  static constexpr int duration = 10000 * repetitions;  // ms

  std::string spikes_text = "time_ms\n";
  std::string stimulus_text = "time_ms,level_db\n";

  LongRecording() {
    for (int i = 0; i < repetitions; ++i) {
      const double start = 10000.0 * i;
      for_each_row(spikes(1), [&](double time, const std::string&) {
        spikes_text += std::to_string(start + time) + "\n";
      });
      for_each_row(stimulus(1), [&](double time, const std::string& rest) {
        stimulus_text += std::to_string(start + time) + rest + "\n";
      });
    }
  }

  template <class Use>
  static void for_each_row(const std::string& path, Use use) {
    std::istringstream lines(demo::file_content(path));
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line)) {
      std::size_t end = 0;
      const double time = std::stod(line, &end);
      use(time, line.substr(end));
    }
  }
};

std::string without(std::string text, const std::string& part) {
  const std::size_t at = text.find(part);
  EXPECT_NE(at, std::string::npos) << part;
  return at == std::string::npos ? text : text.erase(at, part.size());
}

/// Interrupted in the middle, the program decodes what it has read as if there were no more.
void expect_the_part_read(int signal) {
  const LongRecording whole;
  const std::string whole_spikes = demo::scratch_file("spikes.csv", whole.spikes_text);
  const std::string whole_stimulus = demo::scratch_file("stimulus.csv", whole.stimulus_text);
  const std::string plot = demo::scratch_path("plot.svg");
  demo::Program running(
      program, {"--recording", whole_spikes, "--stimulus", whole_stimulus, "--output", plot},
      demo::Program::Error::to_terminal);
  running.wait_for_terminal("stepping the synapses: 1 %");
  running.send(signal);
  const demo::Outcome partial = running.wait();
  const std::string after = demo::interrupted_after(program, partial, LongRecording::duration);
  ASSERT_NE(after, "");
  const double duration = std::stod(after);

  const std::string part_spikes =
      demo::scratch_file("spikes.csv", spikes_before(whole_spikes, duration));
  const std::string part_stimulus = demo::scratch_file(
      "stimulus.csv", head(whole_stimulus, static_cast<std::size_t>(duration / 0.5)));
  const std::string expected_plot = demo::scratch_path("plot.svg");
  const demo::Outcome expected = demo::run_program(
      program,
      {"--recording", part_spikes, "--stimulus", part_stimulus, "--output", expected_plot});
  EXPECT_EQ(expected.exit_code, 0) << expected.error;
  const std::string part = " in its first " + after + " of 200000 ms";
  EXPECT_EQ(without(without(partial.output, part), plot), without(expected.output, expected_plot));
  const std::string svg = demo::file_content(plot);
  EXPECT_EQ(demo::xml_fault(svg), "");
  std::string expected_svg = demo::file_content(expected_plot);
  const std::string of_all = "first half of a recording and tested";
  const std::size_t subtitle = expected_svg.find(of_all);
  ASSERT_NE(subtitle, std::string::npos);
  expected_svg.replace(subtitle, of_all.size(),
                       "first half of what was read until an interrupt and tested");
  EXPECT_TRUE(without(svg, part) == expected_svg) << "the plots differ";
}

TEST(DecodeRecording, DecodesWhatItHasReadWhenInterrupted) { expect_the_part_read(SIGINT); }

TEST(DecodeRecording, DecodesWhatItHasReadWhenTerminated) { expect_the_part_read(SIGTERM); }

TEST(DecodeRecording, DecodesTheRecordingsThatEndedBeforeAnInterrupt) {
  const LongRecording whole;
  const std::string plot = demo::scratch_path("plot.svg");
  demo::Program running(program,
                        {"--recording", demo::scratch_file("spikes.csv", whole.spikes_text),
                         "--stimulus", demo::scratch_file("stimulus.csv", whole.stimulus_text),
                         "--recording", spikes(2), "--stimulus", stimulus(2), "--output", plot},
                        demo::Program::Error::to_terminal);
  running.wait_for_terminal("stepping the synapses: 10 %");
  running.send(SIGINT);
  const demo::Outcome outcome = running.wait();
  EXPECT_EQ(outcome.exit_code, 130);
  EXPECT_NE(outcome.output.find(" in its first "), std::string::npos) << outcome.output;
  EXPECT_NE(outcome.output.find("recording 2: correlation 0.22\n"), std::string::npos)
      << outcome.output;
}

/// The program waits for the spikes in a pipe, so that it is interrupted at a known place: before
/// it has read anything.
class WaitingProgram {
 public:
  explicit WaitingProgram(const std::string& plot)
      : pipe_(make_pipe()),
        running_(program, {"--recording", pipe_, "--stimulus", stimulus(1), "--output", plot}),
        writer_(pipe_, std::ios::binary) {}  // opens when the program does

  void send(int signal) const { running_.send(signal); }
  bool has_ended() const { return running_.has_ended(); }
  demo::Outcome wait() { return running_.wait(); }
  demo::Outcome finish() {
    writer_ << demo::file_content(spikes(1));
    writer_.close();
    return running_.wait();
  }

 private:
  static std::string make_pipe() {
    const std::string path = demo::scratch_path("pipe");
    EXPECT_EQ(mkfifo(path.c_str(), 0600), 0);
    return path;
  }

  std::string pipe_;
  demo::Program running_;
  std::ofstream writer_;
};

TEST(DecodeRecording, SaysThatTooLittleWasReadWhenInterrupted) {
  for (const int signal : {SIGINT, SIGTERM}) {
    const std::string plot = demo::scratch_path("plot.svg");
    WaitingProgram waiting(plot);
    waiting.send(signal);
    const demo::Outcome outcome = waiting.finish();
    EXPECT_EQ(outcome.exit_code, 130);
    EXPECT_EQ(outcome.output, "recording 1: not decoded, too little in its first 0 of 10000 ms\n");
    EXPECT_EQ(outcome.error,
              "decode_recording: interrupted after 0 of 10000 ms: nothing written, since decoding "
              "takes 1000 ms\n");
    EXPECT_FALSE(std::filesystem::exists(plot));
  }
}

TEST(DecodeRecording, EndsAtASecondInterrupt) {
  WaitingProgram waiting(demo::scratch_path("plot.svg"));
  // Signals that arrive together are one.
  while (!waiting.has_ended()) waiting.send(SIGINT);
  EXPECT_EQ(waiting.wait().exit_code, -1);
}

}  // namespace
