// Ranges as a profiler is told of them: this program is one, linked in as NVTX's headers allow.
#include <gtest/gtest.h>

#include <nvtx3/nvToolsExt.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "cusynapse/cusynapse.hpp"
#include "kernels/backend.hpp"

namespace {

const int the_domain = 0;
std::string domain_name;
std::vector<std::string> ranges;  // as they begin, indented by the ranges they are in
int depth = 0;

nvtxDomainHandle_t NVTX_API create_domain(const char* name) {
  domain_name = name;
  return reinterpret_cast<nvtxDomainHandle_t>(const_cast<int*>(&the_domain));
}

int NVTX_API push(nvtxDomainHandle_t, const nvtxEventAttributes_t* event) {
  ranges.push_back(std::string(static_cast<std::size_t>(depth), ' ') + event->message.ascii);
  return depth++;
}

int NVTX_API pop(nvtxDomainHandle_t) { return --depth; }

int NVTX_API initialize(NvtxGetExportTableFunc_t table_of) {
  const auto* callbacks =
      static_cast<const NvtxExportTableCallbacks*>(table_of(NVTX_ETID_CALLBACKS));
  NvtxFunctionTable table = nullptr;
  unsigned int size = 0;
  if (callbacks == nullptr ||
      callbacks->GetModuleFunctionTable(NVTX_CB_MODULE_CORE2, &table, &size) == 0) {
    return 0;
  }
  *table[NVTX_CBID_CORE2_DomainCreateA] = reinterpret_cast<NvtxFunctionPointer>(create_domain);
  *table[NVTX_CBID_CORE2_DomainRangePushEx] = reinterpret_cast<NvtxFunctionPointer>(push);
  *table[NVTX_CBID_CORE2_DomainRangePop] = reinterpret_cast<NvtxFunctionPointer>(pop);
  return 1;
}

// NVTX's headers define the pointer, and look at it at their first call, unless a profiler is named
// in the environment.
[[maybe_unused]] const bool is_profiled =
    (unsetenv("NVTX_INJECTION64_PATH"), InitializeInjectionNvtx2_fnptr = initialize, true);

}  // namespace

namespace cusynapse {
namespace {

class Ranges : public testing::Test {
 protected:
  void SetUp() override { ranges.clear(); }
  void TearDown() override { EXPECT_EQ(depth, 0) << "ranges that did not end"; }
};

TEST_F(Ranges, HaveTheNameOfTheClassAndTheFunctionInADomainOfTheLibrary) {
  const Backend& backend = cuda_backend();
  EXPECT_EQ(domain_name, "cusynapse");
  backend.begin_range("SingleExponentialCurrent", "step");
  backend.begin_range(nullptr, "decay_inject");
  backend.end_range();
  backend.end_range();
  EXPECT_EQ(ranges, (std::vector<std::string>{"SingleExponentialCurrent::step", " decay_inject"}));
}

TEST_F(Ranges, CutNamesThatAreTooLong) {
  const std::string name(1000, 'x');
  cuda_backend().begin_range("A", name.c_str());
  cuda_backend().end_range();
  EXPECT_EQ(ranges, std::vector<std::string>{"A::" + std::string(124, 'x')});
}

TEST_F(Ranges, AreNotOpenedByCallsOnTheCpu) {
  const Stream stream = Stream::cpu();
  SynapseOptions options;
  options.shape = {4};
  SingleExponentialCurrent<float> synapse(stream, options, {20.0, 5.0});
  synapse.clear(stream);
  EXPECT_EQ(ranges, std::vector<std::string>{});
}

TEST_F(Ranges, CoverStepsSumsSelectionsAndChangesOnAGpu) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "no CUDA device on this machine";
  const OwnedStream stream(Device::cuda(0));
  ConnectionOptions options;
  options.delay = 4.0;
  LinearDense<float> connection(stream, {2}, {1}, options,
                                SingleExponentialCurrent<float>::factory({20.0, 5.0}));
  const std::uint8_t ones[] = {1, 1};
  const Buffer<std::uint8_t> spikes(stream, ones, 2);
  Buffer<float> out(stream.get().device(), 2);
  Buffer<float> times(stream.get().device(), 2);
  times.fill_zero(stream);
  ranges.clear();
  connection.forward(stream, spikes.view({1, 2}), out.view({1, 1}));
  connection.sum(stream, out.view({1, 1}));
  connection.synapse().current_at(stream, times.view({1, 2}), out.view({1, 2}));
  connection.set_batch_size(stream, 2);
  EXPECT_EQ(ranges,
            (std::vector<std::string>{"LinearDense::forward", " SingleExponentialCurrent::step",
                                      "LinearDense::sum", "SingleExponentialCurrent::current_at",
                                      "LinearDense::set_batch_size",
                                      " SingleExponentialCurrent::set_batch_size"}));
}

}  // namespace
}  // namespace cusynapse
