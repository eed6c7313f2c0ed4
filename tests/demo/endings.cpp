#include "demo/endings.hpp"

#include <gtest/gtest.h>

#include <cusynapse/cusynapse.hpp>
#include <filesystem>
#include <regex>

namespace demo {
namespace {

/// What its messages begin with.
std::string name_of(const std::string& program) {
  return std::filesystem::path(program).filename().string();
}

}  // namespace

void expect_refusal(const std::string& program, const std::vector<std::string>& arguments,
                    int exit_code, const std::string& message) {
  const Outcome outcome = run_program(program, arguments);
  EXPECT_EQ(outcome.exit_code, exit_code) << message;
  EXPECT_EQ(outcome.output, "") << message;
  EXPECT_EQ(outcome.error, name_of(program) + ": " + message + "\n");
}

std::string reason_without_gpu() {
  try {
    const cusynapse::OwnedStream stream(cusynapse::Device::cuda(0));
  } catch (const cusynapse::Error& error) {
    EXPECT_EQ(error.code(), cusynapse::Errc::no_device);
    return error.what();
  }
  ADD_FAILURE() << "a stream without a GPU";
  return {};
}

std::string interrupted_after(const std::string& program, const Outcome& outcome, int total) {
  EXPECT_EQ(outcome.exit_code, 130);
  // On a terminal the progress before it was erased.
  const std::regex message("(?:[^\n]*\x1b\\[K)?" + name_of(program) +
                           ": interrupted after ([0-9]+(?:\\.[05])?) of " + std::to_string(total) +
                           " ms\r?\n");
  std::smatch match;
  if (!std::regex_match(outcome.error, match, message)) {
    ADD_FAILURE() << outcome.error;
    return {};
  }
  EXPECT_LT(std::stod(match[1]), total);
  return match[1];
}

}  // namespace demo
