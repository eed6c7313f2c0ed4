#include <algorithm>
#include <chrono>
#include <ctime>
#include <fstream>
#include <thread>

#include "support/backend.hpp"
#include "support/parallel.hpp"
#include "support/sizes.hpp"

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

/// out[o] = sum over i of values[i][o].
void sum_rows(const float* values, float* out, const ProductShape& shape) {
  constexpr std::int64_t block = 256;
  const std::int64_t blocks = (shape.outputs + block - 1) / block;
#pragma omp parallel for schedule(static) if (shape.inputs * shape.outputs >= parallel_threshold)
  for (std::int64_t c = 0; c < blocks; ++c) {
    const std::int64_t begin = c * block;
    const std::int64_t end = std::min(begin + block, shape.outputs);
    loop_best([=](std::int64_t o) { out[o] = 0.0f; }, begin, end);
    for (std::int64_t i = 0; i < shape.inputs; ++i) {
      const float* const row = values + i * shape.outputs;
      loop_best([=](std::int64_t o) { out[o] += row[o]; }, begin, end);
    }
  }
}

class CpuBackend final : public Backend {
 public:
  CpuBackend() : sgemm_(make_openblas()) {}
  const char* name() const override { return "cpu"; }
  Stream stream() const override { return Stream::cpu(); }
  std::int64_t large_population() const override { return sized_population(std::int64_t{1} << 21); }
  std::unique_ptr<TimedCall> timed(std::function<void()> call, Launch) override {
    return std::make_unique<TimedCpuCall>(std::move(call));
  }
  void settle() override {
    // Idle threads of a pool run for a while before they sleep, 26 ms by OpenBLAS's default.
    constexpr auto pause = std::chrono::milliseconds(2);
    constexpr std::clock_t idle = CLOCKS_PER_SEC / 2000;
    constexpr int most_pauses = 100;
    for (int i = 0; i < most_pauses; ++i) {
      const std::clock_t before = std::clock();
      std::this_thread::sleep_for(pause);
      if (std::clock() - before < idle) return;
    }
  }
  Sgemm* sgemm() override { return sgemm_.get(); }
  bool has_weighted_sum() const override { return true; }
  void weighted_sum(const float* weights, float* values, float* out,
                    const ProductShape& shape) override {
    const std::int64_t matrix = shape.inputs * shape.outputs;
    for (std::int64_t b = 0; b < shape.batch; ++b) {
      float* const sample = values + b * matrix;
      for_each_index(matrix, [=](std::int64_t i) { sample[i] = weights[i] * sample[i]; });
      sum_rows(sample, out + b * shape.outputs, shape);
    }
  }
  void copy(float* destination, const float* source, std::int64_t count) override {
    for_each_index(count, [=](std::int64_t i) { destination[i] = source[i]; });
  }
  double load_shared() override { return 0.0; }
  std::vector<std::pair<std::string, std::string>> context() const override {
    return {{"cpu", processor_name()}, {"cpu_sgemm", describe(sgemm_.get())}};
  }

 private:
  std::unique_ptr<Sgemm> sgemm_;
};

}  // namespace

std::unique_ptr<Backend> make_cpu_backend() { return std::make_unique<CpuBackend>(); }

}  // namespace cusynapse::bench
