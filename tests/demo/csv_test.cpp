#include "csv.hpp"

#include <gtest/gtest.h>

#include "demo/program.hpp"

namespace {

using decode_recording::InputError;
using decode_recording::read_csv;

/// What reading a file with this content as time_ms,level_db is refused with, its path left out.
std::string refusal(const std::string& content) {
  const std::string path = demo::scratch_file("table.csv", content);
  try {
    read_csv(path, {"time_ms", "level_db"});
  } catch (const InputError& error) {
    const std::string message = error.what();
    EXPECT_EQ(message.substr(0, path.size()), path);
    return message.substr(path.size());
  }
  return "not refused";
}

TEST(Csv, ReadsNamedColumnsInTheOrderAskedFor) {
  const std::string path =
      demo::scratch_file("table.csv", "level_db,channel,time_ms\n60.5,1,0\n-1e-3,2,0.5\n");
  const auto table = read_csv(path, {"time_ms", "level_db"});
  EXPECT_EQ(table.columns[0], (std::vector<double>{0.0, 0.5}));
  EXPECT_EQ(table.columns[1], (std::vector<double>{60.5, -1e-3}));
  EXPECT_EQ(table.lines, (std::vector<std::size_t>{2, 3}));
}

TEST(Csv, TakesWindowsLineEndsAByteOrderMarkBlanksAndNoLastNewline) {
  const std::string path =
      demo::scratch_file("table.csv", "\xEF\xBB\xBFtime_ms, level_db\r\n 0 ,\t60\r\n0.5,61");
  const auto table = read_csv(path, {"time_ms", "level_db"});
  EXPECT_EQ(table.columns[0], (std::vector<double>{0.0, 0.5}));
  EXPECT_EQ(table.columns[1], (std::vector<double>{60.0, 61.0}));
}

TEST(Csv, TakesBlankLinesAtTheEndOnly) {
  const std::string path = demo::scratch_file("table.csv", "time_ms,level_db\n0,60\n\n \n");
  EXPECT_EQ(read_csv(path, {"time_ms", "level_db"}).row_count(), 1U);
  EXPECT_EQ(refusal("time_ms,level_db\n0,60\n\n0.5,61\n"),
            ":3: row: got a blank line, expected 2 fields");
}

TEST(Csv, RefusesAMissingFile) {
  try {
    read_csv("/no/such/folder/spikes.csv", {"time_ms"});
    FAIL() << "not refused";
  } catch (const InputError& error) {
    EXPECT_STREQ(error.what(),
                 "/no/such/folder/spikes.csv:1: file: got \"No such file or directory\", expected "
                 "a file that can be read");
  }
}

TEST(Csv, RefusesAFolder) {
  const std::string folder = ::testing::TempDir();
  try {
    read_csv(folder, {"time_ms"});
    FAIL() << "not refused";
  } catch (const InputError& error) {
    EXPECT_EQ(error.what(),
              folder + ":1: file: got \"Is a directory\", expected a file that can be read");
  }
}

TEST(Csv, RefusesAnEmptyFile) {
  EXPECT_EQ(refusal(""),
            ":1: header: got an empty file, expected a line naming the columns time_ms,level_db");
}

TEST(Csv, RefusesAFileWithoutARow) {
  EXPECT_EQ(refusal("time_ms,level_db\n"),
            ":2: row: got the end of the file, expected at least one row");
}

TEST(Csv, RefusesAMissingColumn) {
  EXPECT_EQ(refusal("time_ms,volume\n0,60\n"),
            ":1: header: got \"time_ms,volume\", expected a column named level_db");
}

TEST(Csv, RefusesTooFewAndTooManyFields) {
  EXPECT_EQ(refusal("time_ms,level_db\n0,60\n0.5\n"),
            ":3: row: got 1 field, expected 2 as in the header");
  EXPECT_EQ(refusal("time_ms,level_db\n0,60,\n"),
            ":2: row: got 3 fields, expected 2 as in the header");
}

TEST(Csv, RefusesTextForANumber) {
  EXPECT_EQ(refusal("time_ms,level_db\n0,60\n0.5,loud\n"),
            ":3: level_db: got \"loud\", expected a number");
  EXPECT_EQ(refusal("time_ms,level_db\n,60\n"), ":2: time_ms: got \"\", expected a number");
}

TEST(Csv, RefusesTrailingJunk) {
  EXPECT_EQ(refusal("time_ms,level_db\n0,60dB\n"), ":2: level_db: got \"60dB\", expected a number");
  EXPECT_EQ(refusal("time_ms,level_db\n0 0,60\n"), ":2: time_ms: got \"0 0\", expected a number");
}

TEST(Csv, RefusesNumbersThatAreNotFinite) {
  for (const char* text : {"nan", "inf", "-inf", "1e999"}) {
    EXPECT_EQ(refusal(std::string("time_ms,level_db\n0,") + text + "\n"),
              std::string(":2: level_db: got \"") + text + "\", expected a finite number");
  }
}

TEST(Csv, RefusesJunkInColumnsThatAreLeftOut) {
  EXPECT_EQ(refusal("time_ms,level_db,comment\n0,60,fine\n"),
            ":2: comment: got \"fine\", expected a number");
}

TEST(Csv, ShowsLongAndBinaryTextShortenedAndClean) {
  EXPECT_EQ(refusal("time_ms,level_db\n\x01\x1B[2J,60\n"),
            ":2: time_ms: got \"??[2J\", expected a number");
  EXPECT_EQ(refusal("time_ms,level_db\n" + std::string(1000, 'x') + ",60\n"),
            ":2: time_ms: got \"" + std::string(40, 'x') + "...\", expected a number");
}

}  // namespace
