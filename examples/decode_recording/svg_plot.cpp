#include "svg_plot.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "svg.hpp"

namespace decode_recording {
namespace {

using svg::axis_color;
using svg::axis_ticks;
using svg::decimals_for;
using svg::faint_text_color;
using svg::grid_color;
using svg::label;
using svg::line;
using svg::number;
using svg::text_color;

constexpr double figure_width = 1080.0;
constexpr double left = 76.0;
constexpr double right = figure_width - 28.0;
constexpr double header_height = 92.0;
constexpr double panel_title_height = 40.0;
constexpr double axes_height = 220.0;
constexpr double event_strip_height = 22.0;
constexpr double panel_footer_height = 52.0;
constexpr double panel_height =
    panel_title_height + axes_height + event_strip_height + panel_footer_height;

// The first curve is what the others are compared with: it stays behind them. Colours told apart by
// people with any colour vision, and in grey print by their lightness.
constexpr std::array<const char*, 4> curve_colors = {"#9aa5b1", "#d9480f", "#1864ab", "#2b8a3e"};
constexpr std::array<double, 4> curve_widths = {1.2, 1.8, 1.8, 1.8};
struct Range {
  double low;
  double high;

  double size() const { return high - low; }
};

Range value_range(const Panel& panel) {
  Range range{panel.curves.front().values.front(), panel.curves.front().values.front()};
  for (const Curve& curve : panel.curves) {
    const auto [low, high] = std::minmax_element(curve.values.begin(), curve.values.end());
    range.low = std::min(range.low, *low);
    range.high = std::max(range.high, *high);
  }
  const double margin = range.high > range.low ? 0.06 * range.size() : 1.0;
  return {range.low - margin, range.high + margin};
}

/// One panel, its top edge at y = 0.
std::string draw_panel(const Figure& figure, const Panel& panel) {
  const double top = panel_title_height;
  const double bottom = top + axes_height;
  const double strip_bottom = bottom + event_strip_height;
  const std::size_t count = panel.curves.front().values.size();
  const Range x_range{panel.start, panel.start + panel.step * static_cast<double>(count - 1)};
  const Range y_range = value_range(panel);
  const auto to_x = [&](double x) {
    return left + (x - x_range.low) / x_range.size() * (right - left);
  };
  const auto to_y = [&](double y) {
    return bottom - (y - y_range.low) / y_range.size() * axes_height;
  };

  std::string svg = label(left, top - 14, panel.title, {15, text_color, "start", true, false});
  const std::vector<double> y_ticks = axis_ticks(y_range.low, y_range.high, 5);
  for (const double tick : y_ticks) {
    svg += line(left, to_y(tick), right, to_y(tick), grid_color);
    svg += label(left - 9, to_y(tick) + 4, number(tick, decimals_for(y_ticks[1] - y_ticks[0])),
                 {12, faint_text_color, "end", false, false});
  }
  const std::vector<double> x_ticks = axis_ticks(x_range.low, x_range.high, 10);
  for (const double tick : x_ticks) {
    svg += line(to_x(tick), top, to_x(tick), bottom, grid_color);
    svg += line(to_x(tick), strip_bottom, to_x(tick), strip_bottom + 5, axis_color);
    svg += label(to_x(tick), strip_bottom + 20, number(tick, decimals_for(x_ticks[1] - x_ticks[0])),
                 {12, faint_text_color, "middle", false, false});
  }
  for (std::size_t c = 0; c < panel.curves.size(); ++c) {
    svg += "<polyline fill=\"none\" stroke-linejoin=\"round\" stroke-width=\"" +
           number(curve_widths[c % curve_widths.size()]) + "\" stroke=\"" +
           curve_colors[c % curve_colors.size()] + "\" points=\"";
    for (std::size_t i = 0; i < count; ++i) {
      const double x = x_range.low + panel.step * static_cast<double>(i);
      svg += (i == 0 ? "" : " ") + number(to_x(x)) + "," + number(to_y(panel.curves[c].values[i]));
    }
    svg += "\"/>\n";
  }
  for (const double event : panel.events) {
    if (event < x_range.low || event > x_range.high) continue;
    svg += line(to_x(event), bottom + 6, to_x(event), strip_bottom - 4, text_color, 1.2);
  }
  svg += line(left, top, left, strip_bottom, axis_color);
  svg += line(left, bottom, right, bottom, grid_color);
  svg += line(left, strip_bottom, right, strip_bottom, axis_color);
  svg += label(left - 9, strip_bottom - 6, figure.event_label,
               {12, faint_text_color, "end", false, false});
  svg += label(24, (top + bottom) / 2, figure.y_label, {13, text_color, "middle", false, true});
  svg += label((left + right) / 2, strip_bottom + 40, figure.x_label,
               {13, text_color, "middle", false, false});
  return svg;
}

/// Names and colours of the curves, in a row that starts at (left, y).
std::string draw_legend(const Panel& panel, double y) {
  std::string svg;
  double x = left;
  for (std::size_t c = 0; c < panel.curves.size(); ++c) {
    const std::string& name = panel.curves[c].name;
    svg += line(x, y - 4.5, x + 26, y - 4.5, curve_colors[c % curve_colors.size()], 3);
    svg += label(x + 34, y, name, {13, text_color, "start", false, false});
    constexpr double character_width = 7.0;
    x += 64 + character_width * static_cast<double>(name.size());
  }
  return svg;
}

}  // namespace

std::string to_svg(const Figure& figure) {
  const double height = header_height + panel_height * static_cast<double>(figure.panels.size());
  std::string content = label(left, 36, figure.title, {20, text_color, "start", true, false});
  content += label(left, 58, figure.subtitle, {13, faint_text_color, "start", false, false});
  if (!figure.panels.empty()) content += draw_legend(figure.panels.front(), 86);
  double y = header_height;
  for (const Panel& panel : figure.panels) {
    content += "<g transform=\"translate(0 " + number(y, 0) + ")\">\n" + draw_panel(figure, panel) +
               "</g>\n";
    y += panel_height;
  }
  return svg::document(figure_width, height, figure.title, content);
}

}  // namespace decode_recording
