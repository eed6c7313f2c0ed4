#include "decoder.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <utility>

namespace decode_recording {
namespace {

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

bool is_constant(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(),
                     [&](double value) { return value == values.front(); });
}

}  // namespace

std::vector<double> LinearDecoder::predict(const Features& features) const {
  std::vector<double> predictions(features.rows);
  for (std::size_t i = 0; i < features.rows; ++i) {
    const float* row = features.row(i);
    predictions[i] = std::inner_product(weights.begin(), weights.end(), row, intercept);
  }
  return predictions;
}

LinearDecoder fit_linear_decoder(const Features& features, const std::vector<double>& targets,
                                 double ridge) {
  if (features.rows == 0 || features.rows != targets.size()) {
    throw std::invalid_argument(
        "fit_linear_decoder: needs one target for each of at least one row");
  }
  const std::size_t width = features.width;
  std::vector<double> feature_means(width, 0.0);
  for (std::size_t i = 0; i < features.rows; ++i) {
    for (std::size_t k = 0; k < width; ++k) feature_means[k] += features.row(i)[k];
  }
  for (double& value : feature_means) value /= static_cast<double>(features.rows);
  const double target_mean = mean(targets);

  // Centring both sides takes the intercept out of the normal equations.
  std::vector<double> gram(width * width, 0.0);
  std::vector<double> moments(width, 0.0);
  std::vector<double> centred(width);
  for (std::size_t i = 0; i < features.rows; ++i) {
    for (std::size_t k = 0; k < width; ++k) centred[k] = features.row(i)[k] - feature_means[k];
    for (std::size_t k = 0; k < width; ++k) {
      moments[k] += centred[k] * (targets[i] - target_mean);
      for (std::size_t l = 0; l <= k; ++l) gram[k * width + l] += centred[k] * centred[l];
    }
  }
  for (std::size_t k = 0; k < width; ++k) gram[k * width + k] += ridge;

  LinearDecoder decoder;
  decoder.weights = solve_positive_definite(std::move(gram), std::move(moments));
  decoder.intercept = target_mean - std::inner_product(feature_means.begin(), feature_means.end(),
                                                       decoder.weights.begin(), 0.0);
  return decoder;
}

std::vector<double> solve_positive_definite(std::vector<double> a, std::vector<double> b) {
  const std::size_t n = b.size();
  const double rounding = static_cast<double>(n) * std::numeric_limits<double>::epsilon();
  for (std::size_t j = 0; j < n; ++j) {
    const double diagonal = a[j * n + j];
    for (std::size_t k = 0; k < j; ++k) a[j * n + j] -= a[j * n + k] * a[j * n + k];
    if (!(a[j * n + j] > rounding * diagonal)) {
      throw std::domain_error("solve_positive_definite: the matrix is not positive definite");
    }
    a[j * n + j] = std::sqrt(a[j * n + j]);
    for (std::size_t i = j + 1; i < n; ++i) {
      for (std::size_t k = 0; k < j; ++k) a[i * n + j] -= a[i * n + k] * a[j * n + k];
      a[i * n + j] /= a[j * n + j];
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < i; ++k) b[i] -= a[i * n + k] * b[k];
    b[i] /= a[i * n + i];
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) b[i] -= a[k * n + i] * b[k];
    b[i] /= a[i * n + i];
  }
  return b;
}

double correlation(const std::vector<double>& a, const std::vector<double>& b) {
  // Rounding of the mean would leave a constant series a variance above zero.
  if (is_constant(a) || is_constant(b)) return std::numeric_limits<double>::quiet_NaN();
  const double mean_a = mean(a);
  const double mean_b = mean(b);
  double covariance = 0.0;
  double variance_a = 0.0;
  double variance_b = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    covariance += (a[i] - mean_a) * (b[i] - mean_b);
    variance_a += (a[i] - mean_a) * (a[i] - mean_a);
    variance_b += (b[i] - mean_b) * (b[i] - mean_b);
  }
  return covariance / std::sqrt(variance_a * variance_b);
}

}  // namespace decode_recording
