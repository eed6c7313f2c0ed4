// Floating-point operations rounded once each, on the host and in device code.
//
// A compiler may contract a * b + c into one fused operation, which changes the last bit. Slots are
// chosen from such sums, so the results would depend on the backend. In device code these functions
// are the rounding intrinsics, whatever the flags; in host code, compile with -ffp-contract=off
// (the library does) or for a target without fused multiply-add. Where a fused operation is meant,
// it is written.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

/// Marks an inline function that host and device code can call.
#if defined(__CUDACC__)
#define CUSYNAPSE_HOST_DEVICE __host__ __device__ __forceinline__
#elif defined(__GNUC__)
#define CUSYNAPSE_HOST_DEVICE __attribute__((always_inline)) inline
#else
#define CUSYNAPSE_HOST_DEVICE inline
#endif

namespace cusynapse::math {

/// a + b, rounded once.
CUSYNAPSE_HOST_DEVICE float add(float a, float b) {
#if defined(__CUDA_ARCH__)
  return __fadd_rn(a, b);
#else
  return a + b;
#endif
}
CUSYNAPSE_HOST_DEVICE double add(double a, double b) {
#if defined(__CUDA_ARCH__)
  return __dadd_rn(a, b);
#else
  return a + b;
#endif
}

/// a - b, rounded once.
CUSYNAPSE_HOST_DEVICE float subtract(float a, float b) {
#if defined(__CUDA_ARCH__)
  return __fsub_rn(a, b);
#else
  return a - b;
#endif
}
CUSYNAPSE_HOST_DEVICE double subtract(double a, double b) {
#if defined(__CUDA_ARCH__)
  return __dsub_rn(a, b);
#else
  return a - b;
#endif
}

/// a * b, rounded once, never fused with a sum.
CUSYNAPSE_HOST_DEVICE float multiply(float a, float b) {
#if defined(__CUDA_ARCH__)
  return __fmul_rn(a, b);
#else
  return a * b;
#endif
}
CUSYNAPSE_HOST_DEVICE double multiply(double a, double b) {
#if defined(__CUDA_ARCH__)
  return __dmul_rn(a, b);
#else
  return a * b;
#endif
}

/// a * b + c, rounded once. Where the target has no such instruction (x86 without FMA) it is
/// computed to the same bit, slowly.
CUSYNAPSE_HOST_DEVICE float fused_multiply_add(float a, float b, float c) {
#if defined(__CUDA_ARCH__)
  return __fmaf_rn(a, b, c);
#else
  return ::fmaf(a, b, c);
#endif
}
CUSYNAPSE_HOST_DEVICE double fused_multiply_add(double a, double b, double c) {
#if defined(__CUDA_ARCH__)
  return __fma_rn(a, b, c);
#else
  return ::fma(a, b, c);
#endif
}

/// a / b, correctly rounded: a true division, not a product with 1 / b.
CUSYNAPSE_HOST_DEVICE float divide(float a, float b) {
#if defined(__CUDA_ARCH__)
  return __fdiv_rn(a, b);
#else
  return a / b;
#endif
}
CUSYNAPSE_HOST_DEVICE double divide(double a, double b) {
#if defined(__CUDA_ARCH__)
  return __ddiv_rn(a, b);
#else
  return a / b;
#endif
}

/// Nearest integer, halves to even.
CUSYNAPSE_HOST_DEVICE float round_to_even(float x) { return ::rintf(x); }
CUSYNAPSE_HOST_DEVICE double round_to_even(double x) { return ::rint(x); }

/// Largest integer not above x.
CUSYNAPSE_HOST_DEVICE float floor(float x) { return ::floorf(x); }
CUSYNAPSE_HOST_DEVICE double floor(double x) { return ::floor(x); }

/// Smallest integer not below x.
CUSYNAPSE_HOST_DEVICE float ceil(float x) { return ::ceilf(x); }
CUSYNAPSE_HOST_DEVICE double ceil(double x) { return ::ceil(x); }

/// x without its sign.
CUSYNAPSE_HOST_DEVICE float absolute(float x) { return ::fabsf(x); }
CUSYNAPSE_HOST_DEVICE double absolute(double x) { return ::fabs(x); }

}  // namespace cusynapse::math
