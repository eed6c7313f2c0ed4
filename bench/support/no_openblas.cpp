#include "support/sgemm.hpp"

namespace cusynapse::bench {

std::unique_ptr<Sgemm> make_openblas() { return nullptr; }

}  // namespace cusynapse::bench
