#include "recording.hpp"

#include <gtest/gtest.h>

#include "csv.hpp"
#include "demo/program.hpp"

namespace {

using decode_recording::InputError;
using decode_recording::read_recording;
using decode_recording::Recording;

constexpr double step_time = 0.5;
constexpr double least_duration = 2.0;
const char* const good_spikes = "time_ms\n0.2\n0.3\n1.9\n";
const char* const good_stimulus = "time_ms,level_db\n0,60\n0.5,61\n1,62\n1.5,63\n";

Recording read(const std::string& spikes, const std::string& stimulus) {
  return read_recording(demo::scratch_file("spikes.csv", spikes),
                        demo::scratch_file("stimulus.csv", stimulus), step_time, least_duration);
}

/// What a pair of files is refused with, from the file's own name on.
std::string refusal(const std::string& spikes, const std::string& stimulus) {
  try {
    read(spikes, stimulus);
  } catch (const InputError& error) {
    const std::string message = error.what();
    return message.substr(message.rfind('_', message.find(".csv:")) + 1);
  }
  return "not refused";
}

TEST(Recording, CountsTheSpikesThatShareAStep) {
  const Recording recording = read(good_spikes, good_stimulus);
  EXPECT_EQ(recording.levels, (std::vector<double>{60, 61, 62, 63}));
  EXPECT_EQ(decode_recording::spike_counts(recording, step_time), (std::vector<float>{2, 0, 0, 1}));
}

TEST(Recording, CountsFromTheStartOfTheSound) {
  const Recording recording =
      read("time_ms\n10\n11.75\n", "time_ms,level_db\n10,60\n10.5,61\n11,62\n11.5,63\n");
  EXPECT_EQ(recording.start, 10.0);
  EXPECT_EQ(decode_recording::spike_counts(recording, step_time), (std::vector<float>{1, 0, 0, 1}));
}

TEST(Recording, RefusesTimesThatDoNotRise) {
  EXPECT_EQ(refusal("time_ms\n0.2\n0.7\n0.6\n", good_stimulus),
            "spikes.csv:4: time_ms: got 0.6, expected a time after 0.7");
  EXPECT_EQ(refusal("time_ms\n0.2\n0.2\n", good_stimulus),
            "spikes.csv:3: time_ms: got 0.2, expected a time after 0.2");
  EXPECT_EQ(refusal(good_spikes, "time_ms,level_db\n0,60\n0.5,61\n0.5,62\n1,63\n"),
            "stimulus.csv:4: time_ms: got 0.5, expected a time after 0.5");
}

TEST(Recording, RefusesAStimulusWithAGap) {
  EXPECT_EQ(refusal(good_spikes, "time_ms,level_db\n0,60\n0.5,61\n1.5,62\n2,63\n"),
            "stimulus.csv:4: time_ms: got 1.5, expected 1, a row every 0.5 ms");
}

TEST(Recording, RefusesAStimulusThatIsTooShort) {
  EXPECT_EQ(refusal(good_spikes, "time_ms,level_db\n0,60\n0.5,61\n1,62\n"),
            "stimulus.csv:4: last row: got 1.5 ms of sound, expected at least 2 ms");
}

TEST(Recording, RefusesSpikesOutsideTheSound) {
  EXPECT_EQ(refusal("time_ms\n-0.1\n", good_stimulus),
            "spikes.csv:2: time_ms: got -0.1, expected a time within the sound, from 0 to before "
            "2");
  EXPECT_EQ(refusal("time_ms\n1\n2\n", good_stimulus),
            "spikes.csv:3: time_ms: got 2, expected a time within the sound, from 0 to before 2");
}

TEST(Recording, ReadsTheRecordingsOfTheExample) {
  const std::string folder = EXAMPLE_DATA_FOLDER;
  const std::size_t spike_numbers[] = {929, 868};
  for (int i = 0; i < 2; ++i) {
    const std::string number = std::to_string(i + 1);
    const Recording recording = read_recording(folder + "/spikes" + number + ".csv",
                                               folder + "/stimulus" + number + ".csv", 0.5, 1000);
    EXPECT_EQ(recording.spike_times.size(), spike_numbers[i]);
    EXPECT_EQ(recording.step_count(), 20000U);
  }
}

}  // namespace
