#include "decoder.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <stdexcept>

namespace {

using decode_recording::correlation;
using decode_recording::Features;
using decode_recording::fit_linear_decoder;
using decode_recording::LinearDecoder;
using decode_recording::solve_positive_definite;

TEST(Decoder, SolvesAPositiveDefiniteSystemFromItsLowerTriangle) {
  constexpr double unread = 1e30;
  // A = L L^T with L = [2 0 0; 1 3 0; -1 2 1], and b = A [1, -2, 3].
  const std::vector<double> a = {4, unread, unread, 2, 10, unread, -2, 5, 6};
  const std::vector<double> x = solve_positive_definite(a, {-6, -3, 6});
  ASSERT_EQ(x.size(), 3U);
  EXPECT_NEAR(x[0], 1.0, 1e-14);
  EXPECT_NEAR(x[1], -2.0, 1e-14);
  EXPECT_NEAR(x[2], 3.0, 1e-14);
}

TEST(Decoder, RefusesMatricesThatAreNotPositiveDefinite) {
  EXPECT_THROW(solve_positive_definite({1, 2, 2, 1}, {1, 1}), std::domain_error);
  EXPECT_THROW(solve_positive_definite({0.1, 0.3, 0.3, 0.9}, {1, 1}), std::domain_error);
  EXPECT_THROW(solve_positive_definite({0}, {1}), std::domain_error);
}

TEST(Decoder, FitsOneFeatureAsTheClosedFormSays) {
  // Centred, x = -1.5, -0.5, 0.5, 1.5 and y = -3, -2, 1, 4: w = Sxy / (Sxx + ridge).
  const std::vector<float> x = {1, 2, 3, 4};
  const std::vector<double> y = {2, 3, 6, 9};
  constexpr double ridge = 3.0;
  const LinearDecoder decoder = fit_linear_decoder({x.data(), 4, 1, 1}, y, ridge);
  const double weight = 12.0 / (5.0 + ridge);
  EXPECT_NEAR(decoder.weights[0], weight, 1e-14);
  EXPECT_NEAR(decoder.intercept, 5.0 - weight * 2.5, 1e-14);
}

TEST(Decoder, FindsTheExactLineWithoutARidge) {
  const std::vector<float> x = {1, 0, 0, 1, 1, 1, 2, -1};  // four rows of two features
  std::vector<double> y;
  for (std::size_t i = 0; i < 4; ++i) y.push_back(3.0 * x[2 * i] - 2.0 * x[2 * i + 1] + 0.5);
  const Features features = {x.data(), 4, 2, 2};
  const LinearDecoder decoder = fit_linear_decoder(features, y, 0.0);
  EXPECT_NEAR(decoder.weights[0], 3.0, 1e-12);
  EXPECT_NEAR(decoder.weights[1], -2.0, 1e-12);
  EXPECT_NEAR(decoder.intercept, 0.5, 1e-12);
  const std::vector<double> predictions = decoder.predict(features);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(predictions[i], y[i], 1e-12);
}

TEST(Decoder, LeavesNoGradientAndDoesNotHoldDownTheIntercept) {
  constexpr std::size_t rows = 200;
  constexpr std::size_t width = 7;
  constexpr std::size_t stride = 10;
  constexpr double ridge = 25.0;
  std::mt19937 generator(7);
  std::normal_distribution<float> normal;
  std::vector<float> x(rows * stride);
  for (float& value : x) value = normal(generator);
  std::vector<double> y(rows);
  for (double& value : y) value = 1000.0 + static_cast<double>(normal(generator));
  const Features features = {x.data(), rows, width, stride};

  const LinearDecoder decoder = fit_linear_decoder(features, y, ridge);
  const std::vector<double> predictions = decoder.predict(features);
  double residual_sum = 0.0;
  std::vector<double> gradient(width, 0.0);
  for (std::size_t i = 0; i < rows; ++i) {
    const double residual = y[i] - predictions[i];
    residual_sum += residual;
    for (std::size_t k = 0; k < width; ++k) gradient[k] += residual * features.row(i)[k];
  }
  EXPECT_NEAR(residual_sum, 0.0, 1e-8);
  for (std::size_t k = 0; k < width; ++k) {
    EXPECT_NEAR(gradient[k] - ridge * decoder.weights[k], 0.0, 1e-8) << k;
    EXPECT_GT(std::abs(decoder.weights[k]), 1e-6) << k;
  }
}

TEST(Decoder, NeedsARidgeWhereFeaturesRepeatEachOther) {
  const std::vector<float> x = {1, 1, 2, 2, 4, 4};
  const Features features = {x.data(), 3, 2, 2};
  EXPECT_THROW(fit_linear_decoder(features, {1, 2, 4}, 0.0), std::domain_error);
  const LinearDecoder decoder = fit_linear_decoder(features, {1, 2, 4}, 1e-2);
  EXPECT_NEAR(decoder.weights[0], decoder.weights[1], 1e-12);
}

TEST(Decoder, RefusesATargetMissing) {
  const std::vector<float> x = {1, 2};
  EXPECT_THROW(fit_linear_decoder({x.data(), 2, 1, 1}, {1}, 1.0), std::invalid_argument);
  EXPECT_THROW(fit_linear_decoder({x.data(), 0, 1, 1}, {}, 1.0), std::invalid_argument);
}

TEST(Correlation, IsOneForALineUpwardsAndMinusOneDownwards) {
  EXPECT_NEAR(correlation({1, 2, 4}, {12, 14, 18}), 1.0, 1e-15);
  EXPECT_NEAR(correlation({1, 2, 4}, {-1, -2, -4}), -1.0, 1e-15);
}

TEST(Correlation, IsWhatTheFormulaGives) {
  EXPECT_NEAR(correlation({1, 2, 3}, {1, 3, 2}), 0.5, 1e-15);
  EXPECT_NEAR(correlation({0, 1, 0, 1}, {0, 0, 1, 1}), 0.0, 1e-15);
}

TEST(Correlation, IsUndefinedForAConstant) {
  const std::vector<double> constant(1000, 0.1);
  std::vector<double> changing(1000, 0.0);
  changing[3] = 1.0;
  EXPECT_TRUE(std::isnan(correlation(constant, changing)));
  EXPECT_TRUE(std::isnan(correlation(changing, constant)));
}

}  // namespace
