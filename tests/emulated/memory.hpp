// The memory of an emulated device. Programs on the host get addresses that they cannot use, as of
// a GPU; kernels use them through `translate`, which refuses what no allocation holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <stdexcept>

namespace emulated {

/// What a kernel or a copy did that a GPU, or compute-sanitizer, would report.
struct Fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

using Address = std::uint64_t;

/// A piece of device memory. Once freed it is empty, and its addresses are not given out again.
struct Allocation {
  Address begin = 0;
  Address end = 0;
  bool holds(Address address, std::size_t bytes) const {
    return address >= begin && address <= end && bytes <= end - address;
  }
};

class DeviceMemory {
 public:
  /// Throws std::runtime_error where the system has no address space left.
  DeviceMemory();
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  /// Aligned to 256 bytes, as cudaMalloc does; nullptr where `bytes` are more than the device has.
  void* allocate(std::size_t bytes);
  /// Whether it was an allocation.
  bool free(void* data);

  bool is_device(Address address) const { return address - base_ < size; }
  /// The allocation that holds all these bytes. Throws Fault where there is none.
  const Allocation& find(Address address, std::size_t bytes) const;
  /// Where the host finds what a kernel finds at a device address.
  std::uint8_t* host(Address address) const { return bytes_ + (address - base_); }
  /// A byte for each byte of memory: whether it was ever written.
  std::uint8_t* written(Address address) const { return written_ + (address - base_); }

  static constexpr std::size_t size = std::size_t{1} << 36;      // addresses
  static constexpr std::size_t capacity = std::size_t{1} << 32;  // bytes at a time

 private:
  Address base_ = 0;
  std::uint8_t* bytes_ = nullptr;
  std::uint8_t* written_ = nullptr;
  std::size_t next_ = 0;
  std::size_t used_ = 0;
  std::deque<Allocation> allocations_;
  std::map<Address, Allocation*> by_address_;
};

}  // namespace emulated
