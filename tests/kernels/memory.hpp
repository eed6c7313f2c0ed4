// What tests of bodies work on.
#pragma once

#include <cstdint>
#include <cstring>
#include <random>

#include "cusynapse/buffer.hpp"

namespace cusynapse::test {

// Memory of exactly the size asked for, aligned as device memory is, so that AddressSanitizer sees
// the first byte past its end. A copy has contents of its own.
template <class T>
class Memory {
 public:
  explicit Memory(std::int64_t size) : size_(size), buffer_(Device::cpu(), size) {
    if (size > 0) std::memset(static_cast<void*>(buffer_.data()), 0, bytes());
  }
  Memory(const Memory& other) : Memory(other.size_) {
    if (size_ > 0) std::memcpy(static_cast<void*>(data()), other.data(), bytes());
  }
  T* data() { return buffer_.data(); }
  const T* data() const { return buffer_.data(); }
  T& operator[](std::int64_t i) { return buffer_.data()[i]; }
  std::int64_t size() const { return size_; }
  bool operator==(const Memory& other) const {
    return size_ == other.size_ && (size_ == 0 || std::memcmp(data(), other.data(), bytes()) == 0);
  }

 private:
  std::size_t bytes() const { return static_cast<std::size_t>(size_) * sizeof(T); }
  std::int64_t size_;
  Buffer<T> buffer_;
};

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  double uniform(double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(engine_);
  }
  std::int64_t below(std::int64_t n) {
    return std::uniform_int_distribution<std::int64_t>(0, n - 1)(engine_);
  }

 private:
  std::mt19937 engine_;
};

}  // namespace cusynapse::test
