// How fast a GPU's shared memory is read.
#pragma once

struct CUstream_st;

namespace cusynapse::bench {

/// Enqueues loads of 16 bytes from shared memory by every thread of a full GPU, no two of which
/// meet in a bank: what dense sums gather with. `sink` has room for a float a multiprocessor.
/// Returns the bytes they load, all together.
double load_shared(CUstream_st* stream, int multiprocessors, float* sink);

}  // namespace cusynapse::bench
