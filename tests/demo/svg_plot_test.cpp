#include "svg_plot.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "demo/well_formed.hpp"
#include "svg.hpp"

namespace {

using decode_recording::Figure;
using decode_recording::Panel;
using decode_recording::to_svg;
using svg::axis_ticks;

Panel small_panel() {
  Panel panel;
  panel.title = "one";
  panel.step = 0.5;
  panel.curves = {{"heard", {1, 2, 3}}, {"decoded", {2, 2, 2}}};
  return panel;
}

std::size_t occurrences(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

TEST(WellFormed, SeesWhatIsWrongWithADocument) {
  EXPECT_EQ(demo::xml_fault("<a b=\"1\"><c/>x &amp; y</a>\n"), "");
  EXPECT_NE(demo::xml_fault("<a><b></a></b>"), "");
  EXPECT_NE(demo::xml_fault("<a>"), "");
  EXPECT_NE(demo::xml_fault("<a/><a/>"), "");
  EXPECT_NE(demo::xml_fault("<a>x & y</a>"), "");
  EXPECT_NE(demo::xml_fault("<a>1 < 2</a>"), "");
  EXPECT_NE(demo::xml_fault("<a b=1/>"), "");
  EXPECT_NE(demo::xml_fault("<a b=\"1\"c=\"2\"/>"), "");
  EXPECT_NE(demo::xml_fault("<a b=\"1\" b=\"2\"/>"), "");
  EXPECT_NE(demo::xml_fault("<a b=\"<\"/>"), "");
  EXPECT_NE(demo::xml_fault("<a/>text"), "");
  EXPECT_NE(demo::xml_fault("<a/"), "");
  EXPECT_NE(demo::xml_fault(""), "");
}

TEST(SvgPlot, DrawsEveryCurveOfEveryPanelInAWellFormedDocument) {
  const std::string svg = to_svg(
      {"title", "subtitle", "x", "y", "events", {small_panel(), small_panel(), small_panel()}});
  EXPECT_EQ(demo::xml_fault(svg), "");
  EXPECT_EQ(occurrences(svg, "<polyline"), 6U);
  EXPECT_EQ(occurrences(svg, ">heard</text>"), 1U);
}

TEST(SvgPlot, EscapesText) {
  const std::string svg = to_svg({"a < b & \"c\" > d", "", "", "", "", {small_panel()}});
  EXPECT_EQ(demo::xml_fault(svg), "");
  EXPECT_EQ(occurrences(svg, ">a &lt; b &amp; &quot;c&quot; &gt; d<"), 2U);
}

TEST(SvgPlot, DrawsTheEventsWithinTheCurvesOnly) {
  Panel panel = small_panel();  // covers 0 to 1
  const std::string without = to_svg({"", "", "", "", "", {panel}});
  panel.events = {-0.1, 0.0, 0.4, 1.0, 1.1};
  const std::string with = to_svg({"", "", "", "", "", {panel}});
  EXPECT_EQ(occurrences(with, "<line") - occurrences(without, "<line"), 3U);
}

TEST(SvgPlot, DrawsConstantCurves) {
  Panel panel = small_panel();
  for (auto& curve : panel.curves) curve.values = {60, 60, 60};
  const std::string svg = to_svg({"", "", "", "", "", {panel}});
  EXPECT_EQ(demo::xml_fault(svg), "");
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(svg.find("inf"), std::string::npos);
}

TEST(SvgPlot, PutsTicksOnRoundNumbersWithinTheAxis) {
  const auto near = [](const std::vector<double>& ticks, const std::vector<double>& expected) {
    return std::equal(ticks.begin(), ticks.end(), expected.begin(), expected.end(),
                      [](double a, double b) { return std::abs(a - b) < 1e-12; });
  };
  EXPECT_TRUE(near(axis_ticks(41.2, 76.4, 5), {50, 60, 70}));
  EXPECT_TRUE(near(axis_ticks(-1, 1, 5), {-1, -0.5, 0, 0.5, 1}));
  EXPECT_TRUE(
      near(axis_ticks(4.99, 5.49, 10), {5.0, 5.05, 5.1, 5.15, 5.2, 5.25, 5.3, 5.35, 5.4, 5.45}));
}

TEST(SvgPlot, HasAtLeastTwoTicksWhateverTheRange) {
  for (double size = 1e-6; size < 1e6; size *= 1.0371) {
    for (const double low : {0.0, -0.37 * size, 12.3 * size}) {
      EXPECT_GE(axis_ticks(low, low + size, 5).size(), 2U) << low << " " << size;
      EXPECT_LE(axis_ticks(low, low + size, 5).size(), 8U) << low << " " << size;
    }
  }
}

}  // namespace
