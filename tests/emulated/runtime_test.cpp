// The emulated CUDA runtime: nothing is done before it is waited for, and what CUDA refuses is
// refused.
#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <cstdint>

namespace {

class EmulatedRuntime : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), cudaSuccess);
    ASSERT_EQ(cudaStreamCreateWithFlags(&other_, cudaStreamNonBlocking), cudaSuccess);
    ASSERT_EQ(cudaMalloc(&data_, 16), cudaSuccess);
    ASSERT_EQ(cudaMemsetAsync(data_, 0, 16, stream_), cudaSuccess);
    ASSERT_EQ(cudaStreamSynchronize(stream_), cudaSuccess);
  }
  void TearDown() override {
    EXPECT_EQ(cudaFree(data_), cudaSuccess);
    EXPECT_EQ(cudaStreamDestroy(stream_), cudaSuccess);
    EXPECT_EQ(cudaStreamDestroy(other_), cudaSuccess);
    EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  }
  // The first byte, as a copy on a stream sees it.
  int byte(cudaStream_t stream) const {
    std::uint8_t value = 0;
    EXPECT_EQ(cudaMemcpyAsync(&value, data_, 1, cudaMemcpyDeviceToHost, stream), cudaSuccess);
    EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
    return value;
  }
  // Expects the thread's last error, and clears it.
  static void expect_error(cudaError_t got, cudaError_t expected) {
    EXPECT_EQ(got, expected);
    EXPECT_EQ(cudaGetLastError(), expected);
  }

  cudaStream_t stream_ = nullptr;
  cudaStream_t other_ = nullptr;
  void* data_ = nullptr;
};

TEST_F(EmulatedRuntime, AnotherStreamSeesWorkOnceItWasWaitedFor) {
  ASSERT_EQ(cudaMemsetAsync(data_, 5, 16, stream_), cudaSuccess);
  EXPECT_NE(byte(other_), 5);
  EXPECT_EQ(byte(stream_), 5);
  EXPECT_EQ(byte(other_), 5);
}

TEST_F(EmulatedRuntime, TheHostMayChangeItsMemoryAfterACopy) {
  std::uint8_t value = 3;
  ASSERT_EQ(cudaMemcpyAsync(data_, &value, 1, cudaMemcpyHostToDevice, stream_), cudaSuccess);
  value = 4;
  EXPECT_EQ(byte(stream_), 3);
}

TEST_F(EmulatedRuntime, TheDefaultStreamWaitsForStreamsThatBlock) {
  cudaStream_t blocking = nullptr;
  ASSERT_EQ(cudaStreamCreateWithFlags(&blocking, cudaStreamDefault), cudaSuccess);
  ASSERT_EQ(cudaMemsetAsync(data_, 5, 16, blocking), cudaSuccess);
  EXPECT_EQ(byte(nullptr), 5);
  ASSERT_EQ(cudaMemsetAsync(data_, 6, 16, nullptr), cudaSuccess);
  EXPECT_EQ(byte(blocking), 6);
  EXPECT_EQ(cudaStreamDestroy(blocking), cudaSuccess);
}

TEST_F(EmulatedRuntime, AGraphHoldsWhatWasCapturedAndRunsItEachTime) {
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t instance = nullptr;
  ASSERT_EQ(cudaMemsetAsync(data_, 1, 16, stream_), cudaSuccess);
  ASSERT_EQ(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeGlobal), cudaSuccess);
  ASSERT_EQ(cudaMemsetAsync(data_, 9, 16, stream_), cudaSuccess);
  ASSERT_EQ(cudaStreamEndCapture(stream_, &graph), cudaSuccess);
  std::size_t nodes = 0;
  ASSERT_EQ(cudaGraphGetNodes(graph, nullptr, &nodes), cudaSuccess);
  EXPECT_EQ(nodes, 1u);
  EXPECT_EQ(byte(stream_), 1);
  ASSERT_EQ(cudaGraphInstantiate(&instance, graph, 0), cudaSuccess);
  EXPECT_EQ(cudaGraphDestroy(graph), cudaSuccess);
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(cudaMemsetAsync(data_, 2, 16, stream_), cudaSuccess);
    ASSERT_EQ(cudaGraphLaunch(instance, stream_), cudaSuccess);
    EXPECT_EQ(byte(stream_), 9);
  }
  EXPECT_EQ(cudaGraphExecDestroy(instance), cudaSuccess);
}

TEST_F(EmulatedRuntime, ACaptureAllowsNoAllocationAndNoWaiting) {
  cudaGraph_t graph = nullptr;
  void* more = nullptr;
  ASSERT_EQ(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeGlobal), cudaSuccess);
  expect_error(cudaMalloc(&more, 16), cudaErrorStreamCaptureUnsupported);
  expect_error(cudaStreamEndCapture(stream_, &graph), cudaErrorStreamCaptureInvalidated);
  ASSERT_EQ(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeGlobal), cudaSuccess);
  expect_error(cudaStreamSynchronize(stream_), cudaErrorStreamCaptureUnsupported);
  expect_error(cudaStreamEndCapture(stream_, &graph), cudaErrorStreamCaptureInvalidated);
  EXPECT_EQ(graph, nullptr);
}

TEST_F(EmulatedRuntime, MoreMemoryThanThereIsIsRefused) {
  void* more = nullptr;
  expect_error(cudaMalloc(&more, std::size_t{1} << 50), cudaErrorMemoryAllocation);
  EXPECT_EQ(more, nullptr);
}

TEST_F(EmulatedRuntime, KernelsThatAreNotThereAreRefused) {
  static const char no_kernel = 0;
  void* arguments[] = {nullptr};
  expect_error(cudaLaunchKernel(&no_kernel, dim3(1), dim3(1), arguments, 0, stream_),
               cudaErrorInvalidDeviceFunction);
}

using EmulatedRuntimeDeathTest = EmulatedRuntime;

TEST_F(EmulatedRuntimeDeathTest, TheHostCannotUseDeviceMemory) {
  ASSERT_EQ(cudaMemsetAsync(data_, 5, 16, stream_), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(stream_), cudaSuccess);
  EXPECT_DEATH(*static_cast<volatile std::uint8_t*>(data_) = 1, "");
}

TEST(EmulatedRuntimeFault, EndsAllThatFollows) {
  EXPECT_EXIT(
      {
        void* data = nullptr;
        cudaStream_t stream = nullptr;
        const bool is_set_up = cudaMalloc(&data, 16) == cudaSuccess &&
                               cudaStreamCreateWithFlags(&stream, 0) == cudaSuccess;
        const bool is_enqueued = cudaMemsetAsync(data, 0, 17, stream) == cudaSuccess;
        const bool is_reported = cudaStreamSynchronize(stream) == cudaErrorLaunchFailure &&
                                 cudaGetLastError() == cudaErrorLaunchFailure &&
                                 cudaFree(data) == cudaErrorLaunchFailure;
        std::_Exit(is_set_up && is_enqueued && is_reported ? 0 : 1);
      },
      testing::ExitedWithCode(0), "17 bytes at byte 0 of an allocation of 16");
}

TEST(EmulatedRuntimeFault, IsACopyOfMemoryThatWasNeverWritten) {
  EXPECT_EXIT(
      {
        void* data = nullptr;
        cudaStream_t stream = nullptr;
        std::uint8_t bytes[16] = {};
        const bool is_set_up = cudaMalloc(&data, 16) == cudaSuccess &&
                               cudaStreamCreateWithFlags(&stream, 0) == cudaSuccess &&
                               cudaMemsetAsync(data, 0, 15, stream) == cudaSuccess;
        const auto copy = [&](std::size_t size) {
          static_cast<void>(cudaMemcpyAsync(bytes, data, size, cudaMemcpyDeviceToHost, stream));
          return cudaStreamSynchronize(stream);
        };
        const bool is_right = copy(15) == cudaSuccess && copy(16) == cudaErrorLaunchFailure;
        std::_Exit(is_set_up && is_right ? 0 : 1);
      },
      testing::ExitedWithCode(0), "never written, at byte 15 of an allocation of 16");
}

}  // namespace
