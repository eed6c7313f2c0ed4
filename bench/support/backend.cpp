#include "support/backend.hpp"

namespace cusynapse::bench {

const std::vector<Backend*>& backends() {
  // Never destroyed: benches hold device memory until the program ends.
  static const std::vector<Backend*>& all = *[] {
    auto* made = new std::vector<Backend*>{make_cpu_backend().release()};
    if (auto cuda = make_cuda_backend()) made->push_back(cuda.release());
    return made;
  }();
  return all;
}

}  // namespace cusynapse::bench
