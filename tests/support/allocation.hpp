// Counts allocations, and makes a chosen one fail. Link allocation.cpp into a test program to use
// it: that replaces every form of the global operator new.
#pragma once

#include <cstdint>

namespace support {

/// Counts the allocations made while it lives.
class AllocationCounter {
 public:
  AllocationCounter();
  AllocationCounter(const AllocationCounter&) = delete;
  AllocationCounter& operator=(const AllocationCounter&) = delete;

  std::int64_t count() const;

 private:
  std::int64_t start_;
};

/// Makes the n-th allocation from now throw std::bad_alloc, once, while it lives.
class FailingAllocation {
 public:
  explicit FailingAllocation(std::int64_t n);
  ~FailingAllocation();
  FailingAllocation(const FailingAllocation&) = delete;
  FailingAllocation& operator=(const FailingAllocation&) = delete;

  /// Whether that many allocations were asked for.
  bool happened() const;
};

}  // namespace support
