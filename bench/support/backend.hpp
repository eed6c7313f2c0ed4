// The devices benches run on: how time is taken there, and how memory is copied there.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cusynapse/stream.hpp"
#include "support/sgemm.hpp"

namespace cusynapse::bench {

/// How a call is brought to the device while it is timed.
enum class Launch {
  eager,  ///< one call at a time, caches as the call itself left them; on a GPU after its L2 cache
          ///< was overwritten, so that inputs come from memory
  graph,  ///< on a GPU, `calls_per_graph` calls captured once and replayed, the cache left alone:
          ///< for calls so short that their launch would be timed
};

inline constexpr int calls_per_graph = 32;

/// A call ready to be timed.
class TimedCall {
 public:
  virtual ~TimedCall() = default;
  /// Seconds one call takes, measured now.
  virtual double seconds() = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual const char* name() const = 0;
  virtual Stream stream() const = 0;
  /// Synapses whose histories exceed every cache of the device.
  virtual std::int64_t large_population() const = 0;
  virtual std::unique_ptr<TimedCall> timed(std::function<void()> call, Launch launch) = 0;
  /// Waits until nothing of the calls before still occupies the device: threads that look out for
  /// more work take time from another library's.
  virtual void settle() = 0;
  /// The vendor's product of matrices; null where the bench program was built without one.
  virtual Sgemm* sgemm() = 0;
  /// out[b][o] = sum over i of weights[i][o] * values[b][i][o], as an array library does it: a
  /// product of elements, in place, then their sum. Enqueued.
  virtual bool has_weighted_sum() const = 0;
  virtual void weighted_sum(const float* weights, float* values, float* out,
                            const ProductShape& shape) = 0;
  /// Enqueues the copy whose speed benches are compared with.
  virtual void copy(float* destination, const float* source, std::int64_t count) = 0;
  /// Enqueues loads from memory that threads share, at the rate dense sums are bound by, and
  /// returns their bytes: 0, and nothing is enqueued, where threads share none.
  virtual double load_shared() = 0;
  /// What a record should know about the device, as key and value.
  virtual std::vector<std::pair<std::string, std::string>> context() const = 0;
};

std::unique_ptr<Backend> make_cpu_backend();
/// Null without a CUDA build, a driver, or a GPU.
std::unique_ptr<Backend> make_cuda_backend();

/// The backends of this machine, the CPU first. They live as long as the program.
const std::vector<Backend*>& backends();

}  // namespace cusynapse::bench
