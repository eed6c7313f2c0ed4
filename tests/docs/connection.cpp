// The connection of the README.
#include <cstddef>
#include <cstdint>
#include <cusynapse/cusynapse.hpp>
#include <vector>

int main() {
  const auto stream = cusynapse::Stream::cpu();
  const std::vector<float> delays(1024 * 1024, 2.0F);
  const std::vector<std::uint8_t> ones(32 * 1024, 1);
  std::vector<float> sums(32 * 1024);
  const cusynapse::View<const std::uint8_t> spikes(ones.data(), {32, 1024});
  const cusynapse::View<float> out(sums.data(), {32, 1024});

  cusynapse::ConnectionOptions options;
  options.delay = 16.0;  // ms; the largest
  options.batch_size = 32;
  cusynapse::LinearDense<float> connection(
      stream, {1024}, {1024}, options,
      cusynapse::SingleExponentialCurrent<float>::factory({20.0, 5.0}));
  connection.set_from_host(stream, cusynapse::Parameter::delay, delays);  // [1024, 1024], ms
  connection.forward(stream, spikes, out);  // [32, 1024] in, [32, 1024] out, every step

  // All inputs spike in every step: nothing arrives for two steps, then every weight times 4 nA.
  for (int step = 1; step < 3; ++step) {
    if (sums[0] != 0.0F) return 1;
    connection.forward(stream, spikes, out);
  }
  double expected = 0.0;
  const std::vector<float> weights = connection.to_host(stream, cusynapse::Parameter::weight);
  for (std::size_t input = 0; input < 1024; ++input) expected += 4.0 * weights[input];
  if (sums[0] < 0.9999 * expected || sums[0] > 1.0001 * expected) return 1;
}
