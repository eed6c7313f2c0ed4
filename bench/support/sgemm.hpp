// The vendor's product of matrices, which weighted sums without delays come down to.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace cusynapse::bench {

struct ProductShape {
  std::int64_t batch = 0;
  std::int64_t inputs = 0;
  std::int64_t outputs = 0;
};

class Sgemm {
 public:
  virtual ~Sgemm() = default;
  /// The library and its version.
  virtual std::string name() const = 0;
  /// out[b][o] = sum over i of weights[o][i] * input[b][i]: dense row-major arrays in memory of the
  /// device. Enqueued.
  virtual void multiply(const float* weights, const float* input, float* out,
                        const ProductShape& shape) = 0;
};

/// OpenBLAS on as many threads as OpenMP has; null where the bench program was built without it.
std::unique_ptr<Sgemm> make_openblas();

/// What a report says about a product.
inline std::string describe(const Sgemm* sgemm) {
  return sgemm != nullptr ? sgemm->name() : "left out: not found when the benches were configured";
}

}  // namespace cusynapse::bench
