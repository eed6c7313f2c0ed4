// Runs kernels read from PTX as a GPU does: warps of 32 lanes, blocks behind barriers, shared
// memory for each block, asynchronous copies that arrive when they are waited for and not before.
//
// It reports what compute-sanitizer's four tools do (accesses outside of allocations or not
// aligned, reads of what was never written, races in shared memory, barriers that not all threads
// reach), and counts what moves. It says nothing of time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "emulated/memory.hpp"
#include "emulated/ptx.hpp"

namespace emulated {

inline constexpr int lanes_of_a_warp = 32;

struct Dimensions {
  std::uint32_t x = 1;
  std::uint32_t y = 1;
  std::uint32_t z = 1;
};

/// What moves between warps and memory.
struct Traffic {
  std::uint64_t instructions = 0;     ///< of warps
  std::uint64_t read_bytes = 0;       ///< that threads ask of device memory
  std::uint64_t read_sectors = 0;     ///< of 32 bytes that they are in, each access of a warp alone
  std::uint64_t written_bytes = 0;    ///< likewise, to device memory
  std::uint64_t written_sectors = 0;  ///< likewise
  std::uint64_t shared_bytes = 0;     ///< that threads read from shared memory
  std::uint64_t shared_reads = 0;     ///< turns of 32 banks that takes where no two lanes conflict
  std::uint64_t shared_turns = 0;     ///< turns it does take

  /// Of a sector of device memory, by bytes.
  struct Touched {
    std::uint32_t read = 0;      ///< before kernels wrote them, if they did
    std::uint32_t written = 0;   ///< and not read after that
    std::uint32_t internal = 0;  ///< written, then read
  };
  std::unordered_map<Address, Touched> touched;  ///< by address over 32
};

/// A kernel, and what it is launched with.
struct Launch {
  const Kernel* kernel = nullptr;
  Dimensions grid;
  Dimensions block;
  std::size_t shared_bytes = 0;
  std::vector<std::uint8_t> parameters;
};

/// Runs one launch after the other, blocks and warps in an order of its own, on one thread.
class Machine {
 public:
  explicit Machine(DeviceMemory& memory) : memory_(memory) {}
  /// Runs every block. Throws Fault, which names the kernel, the thread and the instruction.
  void run(const Launch& launch);
  /// Counts into this from now on; null: no more.
  void count_into(Traffic* traffic) { traffic_ = traffic; }

 private:
  friend class Warp;
  struct SharedWord {  // who touched its four bytes last, and between which barriers
    std::uint32_t write_interval = 0;
    std::uint32_t read_interval = 0;
    std::int16_t writer = 0;
    std::int16_t reader = 0;  // -1: several
  };

  void run_block(const Launch& launch, const Dimensions& block, std::vector<Warp>& warps);

  DeviceMemory& memory_;
  // Of one launch; kept for the memory of the next.
  std::vector<std::uint64_t> registers_;
  std::vector<std::uint64_t> constants_;
  const std::vector<std::uint8_t>* parameters_ = nullptr;
  std::vector<std::uint8_t> shared_;
  std::vector<SharedWord> touched_;
  std::uint32_t interval_ = 0;           // between two barriers
  std::vector<const Allocation*> last_;  // that an instruction used
  Traffic* traffic_ = nullptr;
};

/// The registers of 32 threads, and where each of them is.
class Warp {
 public:
  Warp(Machine& machine, const Launch& launch, int first_thread, std::uint64_t* registers);

  /// Begins a block.
  void begin(const Launch& launch, const Dimensions& block);
  /// Runs until all lanes are at a barrier, or have left. Whether there is more to do.
  bool run();
  bool has_left() const { return has_left_; }

  // For the instructions.
  std::uint64_t* row(const Operand& operand) {
    return registers_ + std::size_t{operand.row} * lanes_of_a_warp;
  }
  const std::uint64_t* source(const Operand& operand) const {
    return (operand.constant ? constants_ : registers_) +
           std::size_t{operand.row} * lanes_of_a_warp;
  }
  /// Where a lane's bytes are. Throws Fault.
  const std::uint8_t* read(const Instruction& at, Address address, std::size_t bytes, int lane);
  std::uint8_t* write(const Instruction& at, Address address, std::size_t bytes, int lane);
  Address shared_base() const;
  /// Counts an access of `bytes` by each of the lanes.
  void count(const Instruction& at, const std::array<Address, lanes_of_a_warp>& addresses,
             std::uint32_t lanes, std::size_t bytes, bool writes);
  /// Copies `copied` of `bytes` to shared memory, zeros after them, once the lane waits for it.
  void copy_later(const Instruction& at, Address to, Address from, std::size_t bytes,
                  std::size_t copied, int lane);
  /// The copies so far are one group; waits for all groups but the newest ones.
  void commit_copies(std::uint32_t lanes);
  void wait_copies(std::uint32_t lanes, std::uint64_t groups_left);
  [[noreturn]] void fault(const std::string& what, int lane) const;

 private:
  struct Copy {
    Address to;
    Address from;
    std::size_t bytes;
    std::size_t copied;  // the rest is zero
    int lane;
    std::uint64_t group;
    const Instruction* at;
  };

  [[noreturn]] void fault_unwritten(const Instruction& at, Address address, int lane) const;
  std::uint8_t* access(const Instruction& at, Address address, std::size_t bytes, int lane,
                       bool writes);
  void note_shared(const Instruction& at, std::size_t offset, std::size_t bytes, int lane,
                   bool writes);

  Machine& machine_;
  const std::vector<Instruction>& code_;
  const Kernel& kernel_;
  std::uint64_t* registers_;
  const std::uint64_t* constants_;
  int first_thread_;
  std::uint32_t existing_ = 0;  // lanes
  bool has_left_ = false;
  std::array<int, lanes_of_a_warp> at_{};  // instruction
  Dimensions block_;
  std::vector<Copy> copies_;
  std::array<std::uint64_t, lanes_of_a_warp> groups_{};
};

}  // namespace emulated
