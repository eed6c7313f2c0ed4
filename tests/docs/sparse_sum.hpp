// A kernel of a user's: sums of delayed currents over a sparse matrix, straight from a ring.
#pragma once

#include <cstdint>
#include <cusynapse/math/interpolate.hpp>
#include <cusynapse/math/ring.hpp>
#include <cusynapse/ops.hpp>

// out[row] = sum over the row's weights k of weight[k] * current of input[k], delay[k] ms ago.
struct SparseSum {
  cusynapse::Ring<float> ring;          // the trace of a single exponential synapse, batch 1
  float step_time = 1.0F;               // ms
  float time_constant = 1.0F;           // ms
  const std::int32_t* begin = nullptr;  // [rows + 1]: where a row's weights begin
  const std::int32_t* input = nullptr;
  const float* weight = nullptr;
  const float* delay = nullptr;  // ms, each from 0 to the largest of the synapse
  float* out = nullptr;          // [rows]

  CUSYNAPSE_HOST_DEVICE void operator()(std::int32_t row) const {
    namespace math = cusynapse::math;
    const std::int32_t head = ring.head.get();
    float sum = 0.0F;
    for (std::int32_t k = begin[row]; k < begin[row + 1]; ++k) {
      const auto at = math::locate(delay[k], step_time, 1e-3F * step_time, 1.0F);
      const auto older = static_cast<std::int64_t>(at.older);
      float current = ring.data[math::slot_at(head, older, ring.slots) * ring.stride + input[k]];
      if (at.older != at.newer) {
        current = math::interpolate_exponential_decay(current, at.elapsed, time_constant);
      }
      sum = math::add(sum, math::multiply(weight[k], current));
    }
    out[row] = sum;
  }
};
