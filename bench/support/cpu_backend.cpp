#include <chrono>
#include <fstream>

#include "support/backend.hpp"
#include "support/parallel.hpp"

namespace cusynapse::bench {
namespace {

class TimedCpuCall final : public TimedCall {
 public:
  explicit TimedCpuCall(std::function<void()> call) : call_(std::move(call)) {}
  double seconds() override {
    const auto start = std::chrono::steady_clock::now();
    call_();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

 private:
  std::function<void()> call_;
};

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("model name", 0) == 0) {
      const std::size_t colon = line.find(": ");
      if (colon != std::string::npos) return line.substr(colon + 2);
    }
  }
  return "unknown";
}

class CpuBackend final : public Backend {
 public:
  const char* name() const override { return "cpu"; }
  Stream stream() const override { return Stream::cpu(); }
  std::int64_t large_population() const override { return std::int64_t{1} << 21; }
  std::unique_ptr<TimedCall> timed(std::function<void()> call, Launch) override {
    return std::make_unique<TimedCpuCall>(std::move(call));
  }
  void copy(float* destination, const float* source, std::int64_t count) override {
    for_each_index(count, [=](std::int64_t i) { destination[i] = source[i]; });
  }
  std::vector<std::pair<std::string, std::string>> context() const override {
    return {{"cpu", processor_name()}};
  }
};

}  // namespace

std::unique_ptr<Backend> make_cpu_backend() { return std::make_unique<CpuBackend>(); }

}  // namespace cusynapse::bench
