// A figure of curves over time, as an SVG file.
#pragma once

#include <string>
#include <vector>

namespace decode_recording {

/// A line through values at equal distances.
struct Curve {
  std::string name;
  std::vector<double> values;
};

/// Curves on one pair of axes, over a strip that marks when events happened.
struct Panel {
  std::string title;
  double start = 0.0;          ///< of every curve, on the x axis
  double step = 1.0;           ///< from value to value
  std::vector<Curve> curves;   ///< of one length, at least two values each
  std::vector<double> events;  ///< on the x axis; those outside the curves are not drawn
};

/// Panels below each other. The legend names the curves of the first panel; the others have the
/// same ones.
struct Figure {
  std::string title;
  std::string subtitle;
  std::string x_label;
  std::string y_label;
  std::string event_label;
  std::vector<Panel> panels;
};

/// The figure as an SVG document.
std::string to_svg(const Figure& figure);

}  // namespace decode_recording
