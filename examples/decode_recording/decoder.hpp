// Linear decoding: least squares with a ridge, and how well it did.
#pragma once

#include <cstddef>
#include <vector>

namespace decode_recording {

/// Rows of features somewhere in memory; row i starts at data[i * stride].
struct Features {
  const float* data = nullptr;
  std::size_t rows = 0;
  std::size_t width = 0;   ///< features a row
  std::size_t stride = 0;  ///< elements from row to row

  const float* row(std::size_t index) const { return data + index * stride; }
  /// Rows `first` to before `last`.
  Features slice(std::size_t first, std::size_t last) const {
    return {row(first), last - first, width, stride};
  }
};

/// prediction = weights . features + intercept
struct LinearDecoder {
  std::vector<double> weights;
  double intercept = 0.0;

  std::vector<double> predict(const Features& features) const;
};

/// The decoder that minimises sum (prediction - target)^2 + ridge * |weights|^2; the intercept is
/// not held down. Throws `std::invalid_argument` unless there is a target for every row and at
/// least one, and `std::domain_error` where the features do not determine the weights, which a
/// positive ridge prevents.
LinearDecoder fit_linear_decoder(const Features& features, const std::vector<double>& targets,
                                 double ridge);

/// Solves A x = b for a symmetric positive definite A [n, n], row-major, of which only the lower
/// triangle is read, by Cholesky's factorisation. Throws `std::domain_error` for another A.
std::vector<double> solve_positive_definite(std::vector<double> a, std::vector<double> b);

/// Pearson's correlation of two series of one length; NaN where one of them is constant.
double correlation(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace decode_recording
