// A figure of who spiked when, as an SVG file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace recurrent_network {

/// Neurons that are drawn below each other in one colour.
struct Population {
  std::string name;
  std::int64_t size = 0;
};

/// Spikes [step][neuron], neurons ordered by population, and how many there are a second over time.
/// Returns an SVG document.
std::string raster_svg(const std::vector<std::uint8_t>& spikes, double step_time,
                       const std::vector<Population>& populations);

}  // namespace recurrent_network
