// Whether the tests on the emulated device have run every kernel of the library, between them.
#include <cxxabi.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "emulated/cuda_runtime.hpp"

namespace {

std::string demangled(const std::string& name) {
  int status = 0;
  char* const text = abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status);
  std::string result = status == 0 ? text : name;
  std::free(text);
  return result;
}

TEST(EmulatedKernels, HaveAllRun) {
  const std::filesystem::path folder = EMULATED_KERNELS_FOLDER;
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no test has run on the emulated device";
  std::set<std::string> ran;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path());
    for (std::string name; std::getline(file, name);) ran.insert(name);
  }
  if (ran.empty()) GTEST_SKIP() << "no test has run on the emulated device";
  const std::vector<std::string> names = emulated::kernel_names();
  EXPECT_GE(names.size(), 100u);
  for (const std::string& name : names) EXPECT_EQ(ran.count(name), 1u) << demangled(name);
}

}  // namespace
