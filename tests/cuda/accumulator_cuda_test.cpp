// Updates of parameters on a GPU: the same bits as on the CPU, and graphs that count parts.
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "cuda/cuda_support.hpp"
#include "cusynapse/cusynapse.hpp"

namespace cusynapse {
namespace {

using CudaUpdates = CudaTest;

/// A parameter and an accumulator of it.
template <class T>
struct Subject {
  Subject(const Stream& on, std::int64_t size)
      : stream(on),
        shape({size}),
        accumulator(on, shape),
        parameter(on, random_values<T>(size, -0.5, 1.5, 1).data(), size),
        part(on, random_values<T>(size, -1.0, 1.0, 2).data(), size) {}

  void add() {
    accumulator.add_positive(stream, std::as_const(part).view(shape));
    accumulator.add_negative(stream, std::as_const(parameter).view(shape));
  }
  void update() { accumulator.update(stream, parameter.view(shape)); }
  std::vector<T> host() const {
    std::vector<T> values(static_cast<std::size_t>(parameter.size()));
    parameter.copy_to_host(stream, values.data());
    return values;
  }

  Stream stream;
  Shape shape;
  Accumulator<T> accumulator;
  Buffer<T> parameter;
  Buffer<T> part;
};

template <class T>
void expect_the_bits_of_the_cpu() {
  const OwnedStream gpu(Device::cuda(0));
  for (const std::int64_t size :
       std::vector<std::int64_t>{1, 7, 8, 9, 255, 2049, large(1000003, 62500)}) {
    for (const UpdateReduction reduction :
         {UpdateReduction::sum, UpdateReduction::mean, UpdateReduction::maximum}) {
      for (const BoundRule rule : {BoundRule::none, BoundRule::multiplicative,
                                   BoundRule::scaled_multiplicative, BoundRule::sharp}) {
        Subject<T> on_gpu(gpu, size);
        Subject<T> on_cpu(Stream::cpu(), size);
        for (Subject<T>* subject : {&on_gpu, &on_cpu}) {
          subject->accumulator.set_reduction(subject->stream, reduction);
          subject->accumulator.set_bounds(full_bounds(rule, -0.25, 1.25));
          for (int cycle = 0; cycle < 3; ++cycle) {
            for (int k = 0; k <= cycle; ++k) subject->add();
            subject->update();
          }
        }
        EXPECT_EQ(on_gpu.host(), on_cpu.host()) << "size " << size;
      }
    }
  }
}

TEST_F(CudaUpdates, HaveTheBitsOfTheCpu) {
  expect_the_bits_of_the_cpu<float>();
  expect_the_bits_of_the_cpu<double>();
}

TEST_F(CudaUpdates, GraphsThatAddAndGraphsThatUpdateMixWithEagerCalls) {
  const OwnedStream stream(Device::cuda(0));
  Subject<float> replayed(stream, 1000);
  Subject<float> eager(stream, 1000);
  for (Subject<float>* subject : {&replayed, &eager}) {
    subject->accumulator.set_reduction(stream, UpdateReduction::mean);
    subject->accumulator.set_bounds(full_bounds(BoundRule::multiplicative, -0.25, 1.25));
  }
  CapturedGraph add(stream, [&] { replayed.add(); });
  CapturedGraph update(stream, [&] { replayed.update(); });
  EXPECT_EQ(add.nodes(), 2u);
  EXPECT_EQ(update.nodes(), 1u);
  for (const int adds : {3, 0, 1, 5}) {
    for (int k = 0; k < adds; ++k) {
      if (k == 1) {
        replayed.add();
      } else {
        add.launch();
      }
      eager.add();
    }
    if (adds == 1) {
      replayed.update();
    } else {
      update.launch();
    }
    eager.update();
    EXPECT_EQ(replayed.host(), eager.host()) << adds << " parts";
  }
}

TEST_F(CudaUpdates, ACapturedSumSeesTheUpdatesThatFollowIt) {
  const OwnedStream stream(Device::cuda(0));
  ConnectionOptions options;
  options.delay = 4.0;
  options.batch_size = 8;
  const auto factory = SingleExponentialCurrent<float>::factory({2.0, 5.0});
  LinearDense<float> connection(stream, {70}, {50}, options, factory);
  LinearDense<float> other(stream, {70}, {50}, options, factory);
  Updater<float> updater(stream, connection);
  const Shape in = {8, 70};
  const Buffer<float> input(stream, random_values<float>(in.size(), 0, 1, 3).data(), in.size());
  Buffer<float> out(stream.get().device(), 400);
  Buffer<float> other_out(stream.get().device(), 400);
  const Buffer<float> part(stream, random_values<float>(3500, 0, 1, 4).data(), 3500);
  connection.forward(stream, input.view(in), out.view({8, 50}));
  other.forward(stream, input.view(in), other_out.view({8, 50}));
  connection.prepare(stream);
  CapturedGraph forward(stream, [&] {
    connection.forward(stream, input.view(in), out.view({8, 50}));
  });
  for (int step = 0; step < 4; ++step) {
    for (const Parameter parameter : {Parameter::weight, Parameter::delay}) {
      updater[parameter].add_positive(stream, part.view({50, 70}));
    }
    updater.update(stream);
    for (const Parameter parameter : {Parameter::weight, Parameter::delay}) {
      other.set_from_host(stream, parameter, connection.to_host(stream, parameter));
    }
    forward.launch();
    other.forward(stream, input.view(in), other_out.view({8, 50}));
    std::vector<float> got(400);
    std::vector<float> expected(400);
    out.copy_to_host(stream, got.data());
    other_out.copy_to_host(stream, expected.data());
    EXPECT_EQ(got, expected) << "step " << step;
  }
}

}  // namespace
}  // namespace cusynapse
