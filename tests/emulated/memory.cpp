#include "emulated/memory.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <sstream>

namespace emulated {
namespace {

constexpr std::size_t alignment = 256;
constexpr std::size_t gap = 4096;  // between allocations, so that an overrun meets none
constexpr int uninitialised = 0xFF;

void* map(int protection, int flags, int file) {
  void* const address = mmap(nullptr, DeviceMemory::size, protection, flags, file, 0);
  if (address == MAP_FAILED) throw std::runtime_error("emulated device: mmap failed");
  return address;
}

}  // namespace

DeviceMemory::DeviceMemory() {
  // Addresses without memory: a host that uses them ends with SIGSEGV.
  constexpr int anonymous = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  base_ = reinterpret_cast<Address>(map(PROT_NONE, anonymous, -1));
  bytes_ = static_cast<std::uint8_t*>(map(PROT_READ | PROT_WRITE, anonymous, -1));
  written_ = static_cast<std::uint8_t*>(map(PROT_READ | PROT_WRITE, anonymous, -1));
}

DeviceMemory::~DeviceMemory() {
  munmap(reinterpret_cast<void*>(base_), size);
  munmap(bytes_, size);
  munmap(written_, size);
}

void* DeviceMemory::allocate(std::size_t bytes) {
  if (bytes > capacity - used_ || bytes > size - gap - alignment - next_) return nullptr;
  const Address begin = base_ + next_;
  allocations_.push_back({begin, begin + bytes});
  by_address_[begin] = &allocations_.back();
  next_ += (bytes + alignment - 1) / alignment * alignment + gap;
  used_ += bytes;
  std::memset(host(begin), uninitialised, bytes);
  return reinterpret_cast<void*>(begin);
}

bool DeviceMemory::free(void* data) {
  const auto found = by_address_.find(reinterpret_cast<Address>(data));
  if (found == by_address_.end()) return false;
  Allocation& allocation = *found->second;
  const std::size_t bytes = allocation.end - allocation.begin;
  const auto give_back = [bytes](std::uint8_t* memory) {
    constexpr std::size_t page = 4096;
    if (bytes < 16 * page) return;  // not worth the call
    const auto first = (reinterpret_cast<std::uintptr_t>(memory) + page - 1) / page * page;
    const auto last = (reinterpret_cast<std::uintptr_t>(memory) + bytes) / page * page;
    if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
  };
  give_back(host(allocation.begin));
  give_back(written(allocation.begin));
  used_ -= bytes;
  allocation = {};
  by_address_.erase(found);
  return true;
}

const Allocation& DeviceMemory::find(Address address, std::size_t bytes) const {
  auto after = by_address_.upper_bound(address);
  if (after != by_address_.begin()) {
    const Allocation& allocation = *std::prev(after)->second;
    if (allocation.holds(address, bytes)) return allocation;
    std::ostringstream message;
    message << bytes << " bytes at byte " << address - allocation.begin << " of an allocation of "
            << allocation.end - allocation.begin;
    throw Fault(message.str());
  }
  throw Fault(std::to_string(bytes) + " bytes at address " + std::to_string(address) +
              ", which no allocation holds");
}

}  // namespace emulated
