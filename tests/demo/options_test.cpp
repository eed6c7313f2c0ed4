#include "options.hpp"

#include <gtest/gtest.h>

#include "command_line.hpp"

namespace {

using command_line::UsageError;
using decode_recording::Options;
using decode_recording::parse_options;

std::string refusal(const std::vector<std::string>& arguments) {
  try {
    parse_options(arguments);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "not refused";
}

TEST(Options, DefaultToTheShippedRecordingsOnTheCpu) {
  const Options options = parse_options({});
  EXPECT_FALSE(options.help);
  EXPECT_FALSE(options.cuda);
  EXPECT_TRUE(options.recordings.empty());
  EXPECT_EQ(options.output, "decoded_sound.svg");
}

TEST(Options, PairRecordingsWithStimuliInOrder) {
  const Options options =
      parse_options({"--recording", "a", "--recording", "b", "--stimulus", "c", "--device", "cuda",
                     "--stimulus", "d", "--output", "e.svg"});
  ASSERT_EQ(options.recordings.size(), 2U);
  EXPECT_EQ(options.recordings[0].spikes, "a");
  EXPECT_EQ(options.recordings[0].stimulus, "c");
  EXPECT_EQ(options.recordings[1].spikes, "b");
  EXPECT_EQ(options.recordings[1].stimulus, "d");
  EXPECT_TRUE(options.cuda);
  EXPECT_EQ(options.output, "e.svg");
}

TEST(Options, RefuseWhatTheyDoNotKnow) {
  EXPECT_EQ(refusal({"--speed", "9"}),
            "unknown option \"--speed\", expected one of --device, --recording, --stimulus, "
            "--output, --help");
  EXPECT_EQ(refusal({"--device", "tpu"}), "--device: got \"tpu\", expected cpu or cuda");
}

TEST(Options, RefuseAMissingValueAndAMissingPartner) {
  EXPECT_EQ(refusal({"--output"}), "--output: got nothing, expected a value after it");
  EXPECT_EQ(refusal({"--recording", "a", "--recording", "b", "--stimulus", "c"}),
            "got 2 --recording and 1 --stimulus, expected one stimulus for each recording");
}

}  // namespace
