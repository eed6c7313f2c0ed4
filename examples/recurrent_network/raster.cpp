#include "raster.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <numeric>

#include "svg.hpp"

namespace recurrent_network {
namespace {

constexpr double figure_width = 1080.0;
constexpr double left = 76.0;
constexpr double right = figure_width - 28.0;
constexpr double raster_top = 104.0;
constexpr double neuron_height = 1.25;
constexpr double rate_height = 110.0;
constexpr double panel_gap = 22.0;
constexpr double footer_height = 56.0;
constexpr double bin = 5.0;  // ms

// Told apart by people with any colour vision, and in grey print by their lightness.
constexpr std::array<const char*, 2> colors = {"#d9480f", "#1864ab"};

/// Spikes of neurons [first, first + count) as short upright strokes, one path.
std::string draw_spikes(const std::vector<std::uint8_t>& spikes, std::size_t neurons,
                        std::size_t first, std::size_t count, double step_width,
                        const char* color) {
  std::string path;
  for (std::size_t n = first; n < first + count; ++n) {
    const double y = raster_top + neuron_height * static_cast<double>(n);
    for (std::size_t t = 0; t * neurons < spikes.size(); ++t) {
      if (spikes[t * neurons + n] == 0) continue;
      path += "M" + svg::number(left + step_width * static_cast<double>(t), 1) + " " +
              svg::number(y) + "v2";
    }
  }
  return "<path stroke=\"" + std::string(color) + "\" stroke-width=\"1.2\" d=\"" + path + "\"/>\n";
}

/// Spikes for each neuron and second, in bins.
std::vector<double> rates(const std::vector<std::uint8_t>& spikes, std::size_t neurons,
                          std::size_t first, std::size_t count, std::size_t bin_steps,
                          double step_time) {
  const std::size_t frames = bin_steps * neurons;
  std::vector<double> result;
  for (std::size_t start = 0; start + frames <= spikes.size(); start += frames) {
    int total = 0;
    for (std::size_t t = 0; t < bin_steps; ++t) {
      const auto frame = spikes.begin() + static_cast<std::ptrdiff_t>(start + t * neurons + first);
      total = std::accumulate(frame, frame + static_cast<std::ptrdiff_t>(count), total);
    }
    const double seconds = 1e-3 * step_time * static_cast<double>(bin_steps);
    result.push_back(total / (seconds * static_cast<double>(count)));
  }
  return result;
}

}  // namespace

std::string raster_svg(const std::vector<std::uint8_t>& spikes, double step_time,
                       const std::vector<Population>& populations) {
  std::size_t neurons = 0;
  for (const Population& population : populations) {
    neurons += static_cast<std::size_t>(population.size);
  }
  const double duration = step_time * static_cast<double>(spikes.size() / neurons);
  const double width_per_ms = (right - left) / duration;
  const double raster_bottom = raster_top + neuron_height * static_cast<double>(neurons);
  const double rate_top = raster_bottom + panel_gap;
  const double rate_bottom = rate_top + rate_height;
  const auto bin_steps = static_cast<std::size_t>(bin / step_time);

  std::string content =
      svg::label(left, 36, "A recurrent network of excitatory and inhibitory neurons",
                 {20, svg::text_color, "start", true, false}) +
      svg::label(left, 58,
                 "Every mark is a spike. Spikes travel along a ring and arrive later the farther "
                 "they go",
                 {13, svg::faint_text_color, "start", false, false});
  for (const double tick : svg::axis_ticks(0, duration, 10)) {
    const double x = left + width_per_ms * tick;
    content += svg::line(x, raster_top, x, rate_bottom, svg::grid_color);
    content += svg::label(x, rate_bottom + 20, svg::number(tick, 0),
                          {12, svg::faint_text_color, "middle", false, false});
  }

  std::vector<std::vector<double>> curves;
  double highest = 1.0;
  std::size_t first = 0;
  double legend_x = left;
  for (std::size_t p = 0; p < populations.size(); ++p) {
    const auto count = static_cast<std::size_t>(populations[p].size);
    const char* color = colors[p % colors.size()];
    content += svg::line(legend_x, 81.5, legend_x + 26, 81.5, color, 3);
    content += svg::label(legend_x + 34, 86, populations[p].name, {});
    legend_x += 170;
    content += draw_spikes(spikes, neurons, first, count, width_per_ms * step_time, color);
    curves.push_back(rates(spikes, neurons, first, count, bin_steps, step_time));
    for (const double rate : curves.back()) highest = std::max(highest, rate);
    first += count;
  }

  const auto to_y = [&](double rate) { return rate_bottom - rate / highest * rate_height; };
  const std::vector<double> ticks = svg::axis_ticks(0, highest, 3);
  for (const double tick : ticks) {
    content += svg::line(left, to_y(tick), right, to_y(tick), svg::grid_color);
    content += svg::label(left - 9, to_y(tick) + 4, svg::number(tick, 0),
                          {12, svg::faint_text_color, "end", false, false});
  }
  for (std::size_t p = 0; p < curves.size(); ++p) {
    std::string points;
    for (std::size_t i = 0; i < curves[p].size(); ++i) {
      const double x = left + width_per_ms * bin * (static_cast<double>(i) + 0.5);
      points += (i == 0 ? "" : " ") + svg::number(x) + "," + svg::number(to_y(curves[p][i]));
    }
    content += "<polyline fill=\"none\" stroke-linejoin=\"round\" stroke-width=\"1.5\" stroke=\"" +
               std::string(colors[p % colors.size()]) + "\" points=\"" + points + "\"/>\n";
  }
  content += svg::line(left, raster_top, left, raster_bottom, svg::axis_color);
  content += svg::line(left, raster_bottom, right, raster_bottom, svg::axis_color);
  content += svg::line(left, rate_top, left, rate_bottom, svg::axis_color);
  content += svg::line(left, rate_bottom, right, rate_bottom, svg::axis_color);
  content += svg::label(24, (raster_top + raster_bottom) / 2, "neuron",
                        {13, svg::text_color, "middle", false, true});
  content += svg::label(24, (rate_top + rate_bottom) / 2, "spikes/s",
                        {13, svg::text_color, "middle", false, true});
  content += svg::label((left + right) / 2, rate_bottom + 40, "time (ms)",
                        {13, svg::text_color, "middle", false, false});
  return svg::document(figure_width, rate_bottom + footer_height, "Spikes of a recurrent network",
                       content);
}

}  // namespace recurrent_network
