// Calls whose allocations are counted, or made to fail one by one. Link allocation.cpp as well.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <new>

#include "cusynapse/error.hpp"
#include "support/allocation.hpp"

namespace support {

/// Allocations of a call.
template <class Call>
std::int64_t allocations(const Call& call) {
  const AllocationCounter counter;
  call();
  return counter.count();
}

enum class Outcome { succeeded, out_of_memory, something_else };

template <class Call>
Outcome outcome(const Call& call) {
  try {
    call();
  } catch (const cusynapse::Error& error) {
    return error.code() == cusynapse::Errc::out_of_memory ? Outcome::out_of_memory
                                                          : Outcome::something_else;
  } catch (const std::bad_alloc&) {
    return Outcome::out_of_memory;
  } catch (...) {
    return Outcome::something_else;
  }
  return Outcome::succeeded;
}

/// Makes the first, the second, ... allocation of a call fail until the call succeeds, which it
/// must in the end. `prepare` comes before each try, `unchanged` judges what a failure left behind.
/// Returns how many allocations were made to fail.
inline int fail_every_allocation(const std::function<void()>& prepare,
                                 const std::function<void()>& call,
                                 const std::function<testing::AssertionResult()>& unchanged) {
  constexpr int limit = 1000;
  for (int n = 1; n < limit; ++n) {
    prepare();
    bool failed = false;
    Outcome result = Outcome::succeeded;
    {
      const FailingAllocation failing(n);
      result = outcome(call);
      failed = failing.happened();
    }
    if (!failed) {
      EXPECT_EQ(result, Outcome::succeeded) << "with nothing made to fail";
      return n - 1;
    }
    EXPECT_EQ(result, Outcome::out_of_memory) << "allocation " << n << " failed";
    EXPECT_TRUE(unchanged()) << "allocation " << n << " failed";
  }
  ADD_FAILURE() << "no end of allocations";
  return limit;
}

}  // namespace support
