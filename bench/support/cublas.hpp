// cuBLAS, for what benches compare with on a GPU.
#pragma once

#include <memory>

#include "cusynapse/stream.hpp"
#include "support/sgemm.hpp"

namespace cusynapse::bench {

class Cublas : public Sgemm {
 public:
  /// As `Backend::weighted_sum`.
  virtual void weighted_sum(const float* weights, float* values, float* out,
                            const ProductShape& shape) = 0;
};

/// Enqueues on a stream; null where the bench program was built without cuBLAS.
std::unique_ptr<Cublas> make_cublas(const Stream& stream);

}  // namespace cusynapse::bench
