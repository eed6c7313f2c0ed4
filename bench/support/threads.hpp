// How many threads loops run on.
#pragma once

#ifdef _OPENMP
#include <omp.h>
#endif

namespace cusynapse::bench {

inline int thread_count() {
#ifdef _OPENMP
  return omp_get_max_threads();
#else
  return 1;
#endif
}

}  // namespace cusynapse::bench
