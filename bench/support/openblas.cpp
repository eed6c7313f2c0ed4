#include <cblas.h>

#include "support/sgemm.hpp"
#include "support/threads.hpp"

namespace cusynapse::bench {
namespace {

class OpenBlas final : public Sgemm {
 public:
  OpenBlas() { openblas_set_num_threads(thread_count()); }
  std::string name() const override {
    return std::string(openblas_get_config()) + ", threads " +
           std::to_string(openblas_get_num_threads());
  }
  void multiply(const float* weights, const float* input, float* out,
                const ProductShape& shape) override {
    const auto batch = static_cast<blasint>(shape.batch);
    const auto inputs = static_cast<blasint>(shape.inputs);
    const auto outputs = static_cast<blasint>(shape.outputs);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, batch, outputs, inputs, 1.0f, input,
                inputs, weights, inputs, 0.0f, out, outputs);
  }
};

}  // namespace

std::unique_ptr<Sgemm> make_openblas() { return std::make_unique<OpenBlas>(); }

}  // namespace cusynapse::bench
