// The main function of test programs: as GoogleTest's own, except that a program whose tests were
// all skipped says so to ctest, which nothing in the output of one that failed can be taken for.
#include <gtest/gtest.h>

int main(int argc, char** argv) {
  constexpr int nothing_ran = 77;
  testing::InitGoogleTest(&argc, argv);
  const int result = RUN_ALL_TESTS();
  const bool any_ran = testing::UnitTest::GetInstance()->successful_test_count() > 0;
  return result == 0 && !any_ran ? nothing_ran : result;
}
