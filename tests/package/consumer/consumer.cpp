// A user's program: one spike through one synapse.
#include <cstdio>

#include "cusynapse/cusynapse.hpp"

int main() {
  const auto stream = cusynapse::Stream::cpu();
  cusynapse::SynapseOptions options;
  options.shape = {1};
  cusynapse::SingleExponentialCurrent<float> synapse(stream, options, {20.0, 5.0});
  const float spike = 1.0f;
  float current = 0.0f;
  synapse.step(stream, cusynapse::View<const float>(&spike, {1, 1}));
  synapse.current(stream, cusynapse::View<float>(&current, {1, 1}));
  std::printf("current %g nA\n", static_cast<double>(current));
  return current == 4.0f ? 0 : 1;
}
