// The elements the examples' figures are made of, as SVG text. Lengths are pixels.
#pragma once

#include <string>
#include <vector>

namespace svg {

constexpr const char* text_color = "#212529";
constexpr const char* faint_text_color = "#5c6770";
constexpr const char* grid_color = "#e9ecef";
constexpr const char* axis_color = "#adb5bd";

/// A number with so many decimals.
std::string number(double value, int decimals = 2);

/// Text as it is written between tags and in attributes.
std::string escaped(const std::string& text);

std::string line(double x1, double y1, double x2, double y2, const char* color, double width = 1);

struct TextStyle {
  double size = 13.0;
  const char* color = text_color;
  const char* anchor = "start";
  bool bold = false;
  bool upwards = false;
};

std::string label(double x, double y, const std::string& text, const TextStyle& style);

/// Round numbers within [low, high], about `count` of them.
std::vector<double> axis_ticks(double low, double high, int count);

/// Decimals that tell apart ticks this far from each other.
int decimals_for(double distance);

/// A document of this size on a white ground. `title` is what readers of the file are told.
std::string document(double width, double height, const std::string& title,
                     const std::string& content);

}  // namespace svg
