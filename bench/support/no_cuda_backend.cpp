#include "support/backend.hpp"

namespace cusynapse::bench {

std::unique_ptr<Backend> make_cuda_backend() { return nullptr; }

}  // namespace cusynapse::bench
