#include <cstdint>
#include <cstdio>
#include <cusynapse/cusynapse.hpp>

int main() {
  const auto stream = cusynapse::Stream::cpu();
  cusynapse::SynapseOptions options;
  options.shape = {1};      // one synapse, stepped every millisecond
  options.step_time = 1.0;  // ms
  options.delay = 10.0;     // ms
  cusynapse::SingleExponentialCurrent<float> synapse(stream, options, {20.0, 5.0});  // 20 pC, 5 ms

  const std::uint8_t spikes[] = {1, 0, 0, 0, 1, 0};
  const float delays[] = {0.0F, 2.5F};  // ms
  float currents[2];                    // nA
  for (int step = 0; step < 6; ++step) {
    synapse.step(stream, cusynapse::View<const std::uint8_t>(&spikes[step], {1, 1}));
    synapse.current_at(stream, {delays, {1, 1, 2}}, {currents, {1, 1, 2}});
    std::printf("%d ms: %.3f nA now, %.3f nA 2.5 ms ago\n", step, currents[0], currents[1]);
  }
}
