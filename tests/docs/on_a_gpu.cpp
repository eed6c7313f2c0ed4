// The program of the README on a GPU. A stream of the library's stands for the caller's.
#include <cstdint>
#include <cstdio>
#include <cusynapse/cusynapse.hpp>

int main() {
  if (cusynapse::cuda_device_count() == 0) {
    std::puts("no GPU");
    return 0;
  }
  const cusynapse::OwnedStream owned(cusynapse::Device::cuda(0));
  CUstream_st* const my_stream = owned.get().native_handle();
  const std::uint8_t host_spikes[] = {1, 0, 1};
  const float host_delays[] = {0.0F, 0.0F, 2.0F};
  cusynapse::Buffer<std::uint8_t> device_spikes(owned, host_spikes, 3);
  cusynapse::Buffer<float> device_delays(owned, host_delays, 3);
  cusynapse::Buffer<float> device_currents(owned.get().device(), 3);
  const std::uint8_t* const spikes = device_spikes.data();
  const float* const delays = device_delays.data();
  float* const currents = device_currents.data();
  cusynapse::SynapseOptions options;
  options.shape = {3};
  options.delay = 10.0;

  const auto stream = cusynapse::Stream::cuda(my_stream, 0);  // your cudaStream_t on GPU 0
  cusynapse::SingleExponentialCurrent<float> synapse(stream, options, {20.0, 5.0});
  const cusynapse::Shape shape = synapse.batched_shape();  // what follows points to memory of GPU 0
  synapse.step(stream, cusynapse::View<const std::uint8_t>(spikes, shape));
  synapse.current_at(stream, {delays, shape}, {currents, shape});

  float result[3];
  device_currents.copy_to_host(stream, result);
  return result[0] == 4.0F && result[1] == 0.0F && result[2] == 0.0F ? 0 : 1;
}
