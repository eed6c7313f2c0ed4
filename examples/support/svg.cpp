#include "svg.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace svg {

std::string number(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

std::string escaped(const std::string& text) {
  std::string result;
  for (const char character : text) {
    switch (character) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += character;
    }
  }
  return result;
}

std::string line(double x1, double y1, double x2, double y2, const char* color, double width) {
  return "<line x1=\"" + number(x1) + "\" y1=\"" + number(y1) + "\" x2=\"" + number(x2) +
         "\" y2=\"" + number(y2) + "\" stroke=\"" + color + "\" stroke-width=\"" + number(width) +
         "\"/>\n";
}

std::string label(double x, double y, const std::string& text, const TextStyle& style) {
  std::string svg = "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" font-size=\"" +
                    number(style.size, 0) + "\" fill=\"" + style.color + "\" text-anchor=\"" +
                    style.anchor + "\"";
  if (style.bold) svg += " font-weight=\"600\"";
  if (style.upwards) svg += " transform=\"rotate(-90 " + number(x) + " " + number(y) + ")\"";
  return svg + ">" + escaped(text) + "</text>\n";
}

std::vector<double> axis_ticks(double low, double high, int count) {
  const double rough = (high - low) / count;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  double distance = 10.0 * power;
  for (const double multiple : {5.0, 2.0, 1.0}) {
    if (multiple * power >= rough * 0.8) distance = multiple * power;
  }
  std::vector<double> ticks;
  const double slack = 1e-9 * (high - low);
  for (double index = std::ceil((low - slack) / distance); index * distance <= high + slack;
       ++index) {
    ticks.push_back(index * distance + 0.0);  // never -0
  }
  return ticks;
}

int decimals_for(double distance) {
  return std::clamp(static_cast<int>(std::ceil(-std::log10(distance) - 1e-9)), 0, 9);
}

std::string document(double width, double height, const std::string& title,
                     const std::string& content) {
  const std::string size = number(width, 0) + "\" height=\"" + number(height, 0);
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
         "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" +
         size + "\" viewBox=\"0 0 " + number(width, 0) + " " + number(height, 0) +
         "\" font-family=\"Helvetica Neue, Helvetica, Arial, DejaVu Sans, sans-serif\">\n" +
         "<title>" + escaped(title) + "</title>\n<rect width=\"" + size +
         "\" fill=\"#ffffff\"/>\n" + content + "</svg>\n";
}

}  // namespace svg
