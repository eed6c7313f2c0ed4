#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <sstream>

#include "demo/program.hpp"

namespace {

TEST(QuickStart, PrintsTheCurrentOfTwoSpikesNowAndALittleEarlier) {
  const demo::Outcome outcome = demo::run_program(QUICK_START_PROGRAM, {});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.error, "");
  // 20 pC over 5 ms: a jump of 4 nA at 0 and at 4 ms, decaying with 5 ms.
  const auto current = [](double time) {
    double sum = 0.0;
    for (const double spike : {0.0, 4.0}) {
      if (time >= spike) sum += 4.0 * std::exp((spike - time) / 5.0);
    }
    return sum;
  };
  std::istringstream lines(outcome.output);
  std::string line;
  int step = 0;
  while (std::getline(lines, line)) {
    int time = -1;
    double now = -1.0;
    double before = -1.0;
    ASSERT_EQ(
        std::sscanf(line.c_str(), "%d ms: %lf nA now, %lf nA 2.5 ms ago", &time, &now, &before), 3)
        << line;
    EXPECT_EQ(time, step);
    EXPECT_NEAR(now, current(time), 5.1e-4);
    EXPECT_NEAR(before, current(time - 2.5), 5.1e-4);
    ++step;
  }
  EXPECT_EQ(step, 6);
}

#ifdef C_QUICK_START_PROGRAM
TEST(QuickStart, PrintsTheSameInC) {
  const demo::Outcome outcome = demo::run_program(C_QUICK_START_PROGRAM, {});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.output, demo::run_program(QUICK_START_PROGRAM, {}).output);
}
#endif

}  // namespace
