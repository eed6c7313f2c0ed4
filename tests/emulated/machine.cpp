#include "emulated/machine.hpp"

#include <algorithm>
#include <bit>
#include <climits>
#include <cstring>
#include <sstream>

namespace emulated {
namespace {

constexpr std::size_t word_bytes = 4;     // of shared memory, which races are looked for in
constexpr std::size_t sector_bytes = 32;  // of device memory
constexpr std::size_t banks = 32;         // of shared memory, of a word each
constexpr int left = INT_MAX;             // where a lane is that ended

template <class Word>
bool all_ones(const std::uint8_t* bytes) {
  Word word;
  std::memcpy(&word, bytes, sizeof(Word));
  return word == static_cast<Word>(0x0101010101010101);
}

// Of 1, 2, 4, 8 or 16 bytes.
bool all_written(const std::uint8_t* written, std::size_t bytes) {
  switch (bytes) {
    case 1:
      return *written != 0;
    case 2:
      return all_ones<std::uint16_t>(written);
    case 4:
      return all_ones<std::uint32_t>(written);
    case 8:
      return all_ones<std::uint64_t>(written);
    default:
      return all_ones<std::uint64_t>(written) && all_ones<std::uint64_t>(written + 8);
  }
}

// No access, of a power of two bytes, at most 16, is in two sectors.
void touch(Traffic& traffic, Address address, std::size_t bytes, bool writes) {
  const std::uint32_t mask = ((1u << bytes) - 1) << address % sector_bytes;
  Traffic::Touched& sector = traffic.touched[address / sector_bytes];
  if (writes) {
    sector.written |= mask & ~sector.internal;
  } else {
    sector.internal |= mask & sector.written;
    sector.written &= ~sector.internal;
    sector.read |= mask & ~sector.internal;
  }
}

std::uint32_t value_of(Special special, const Launch& launch, const Dimensions& block,
                       std::uint32_t thread) {
  switch (special) {
    case Special::tid_x:
      return thread % launch.block.x;
    case Special::tid_y:
      return thread / launch.block.x % launch.block.y;
    case Special::tid_z:
      return thread / launch.block.x / launch.block.y;
    case Special::ntid_x:
      return launch.block.x;
    case Special::ntid_y:
      return launch.block.y;
    case Special::ntid_z:
      return launch.block.z;
    case Special::ctaid_x:
      return block.x;
    case Special::ctaid_y:
      return block.y;
    case Special::ctaid_z:
      return block.z;
    case Special::nctaid_x:
      return launch.grid.x;
    case Special::nctaid_y:
      return launch.grid.y;
    case Special::nctaid_z:
      return launch.grid.z;
  }
  return 0;
}

}  // namespace

void Machine::run(const Launch& launch) {
  const Kernel& kernel = *launch.kernel;
  constants_.resize(kernel.constants.size() * lanes_of_a_warp);
  for (std::size_t i = 0; i < kernel.constants.size(); ++i) {
    std::fill_n(constants_.begin() + static_cast<std::ptrdiff_t>(i * lanes_of_a_warp),
                lanes_of_a_warp, kernel.constants[i]);
  }
  const auto parameters = reinterpret_cast<Address>(launch.parameters.data());
  for (const std::uint32_t index : kernel.parameter_constants) {
    for (int l = 0; l < lanes_of_a_warp; ++l)
      constants_[std::size_t{index} * lanes_of_a_warp + static_cast<std::size_t>(l)] += parameters;
  }
  parameters_ = &launch.parameters;
  shared_.assign(launch.shared_bytes, 0xFF);
  touched_.assign(launch.shared_bytes / word_bytes + 1, {});
  interval_ = 0;
  last_.assign(kernel.code.size(), nullptr);

  const std::size_t threads = std::size_t{launch.block.x} * launch.block.y * launch.block.z;
  const std::size_t count = (threads + lanes_of_a_warp - 1) / lanes_of_a_warp;
  const std::size_t registers = std::size_t{kernel.rows} * lanes_of_a_warp;
  if (registers_.size() < count * registers) registers_.resize(count * registers);
  std::vector<Warp> warps;
  for (std::size_t i = 0; i < count; ++i) {
    warps.emplace_back(*this, launch, static_cast<int>(i) * lanes_of_a_warp,
                       registers_.data() + i * registers);
  }
  Dimensions block;
  for (block.z = 0; block.z < launch.grid.z; ++block.z) {
    for (block.y = 0; block.y < launch.grid.y; ++block.y) {
      for (block.x = 0; block.x < launch.grid.x; ++block.x) run_block(launch, block, warps);
    }
  }
}

void Machine::run_block(const Launch& launch, const Dimensions& block, std::vector<Warp>& warps) {
  if (!shared_.empty()) std::fill(shared_.begin(), shared_.end(), std::uint8_t{0xFF});
  ++interval_;
  for (Warp& warp : warps) warp.begin(launch, block);
  // From the last warp to the first: an order that no barrier enforces is not the one in the text.
  for (bool more = true; more; ++interval_) {
    more = false;
    for (auto warp = warps.rbegin(); warp != warps.rend(); ++warp) {
      if (!warp->has_left() && warp->run()) more = true;
    }
  }
}

Warp::Warp(Machine& machine, const Launch& launch, int first_thread, std::uint64_t* registers)
    : machine_(machine),
      code_(launch.kernel->code),
      kernel_(*launch.kernel),
      registers_(registers),
      constants_(machine.constants_.data()),
      first_thread_(first_thread) {
  const Dimensions& block = launch.block;
  const int threads = static_cast<int>(block.x * block.y * block.z);
  for (int l = 0; l < lanes_of_a_warp && first_thread + l < threads; ++l) existing_ |= 1u << l;
}

void Warp::begin(const Launch& launch, const Dimensions& block) {
  block_ = block;
  has_left_ = false;
  copies_.clear();
  groups_.fill(0);
  for (int l = 0; l < lanes_of_a_warp; ++l) {
    at_[static_cast<std::size_t>(l)] = (existing_ >> l & 1u) != 0 ? 0 : left;
  }
  for (const auto& [special, index] : kernel_.special) {
    std::uint64_t* const values = row({index, false});
    for (int l = 0; l < lanes_of_a_warp; ++l) {
      values[l] = value_of(special, launch, block, static_cast<std::uint32_t>(first_thread_ + l));
    }
  }
}

bool Warp::run() {
  while (true) {
    // The lanes that are furthest behind go on, until they come to where others wait for them.
    int at = left;
    for (const int lane_at : at_) at = std::min(at, lane_at);
    if (at == left) {
      has_left_ = true;
      return false;
    }
    std::uint32_t lanes = 0;
    std::uint32_t others = 0;
    int limit = left;
    for (int l = 0; l < lanes_of_a_warp; ++l) {
      const int lane_at = at_[static_cast<std::size_t>(l)];
      if (lane_at == at) {
        lanes |= 1u << l;
      } else if (lane_at != left) {
        others |= 1u << l;
        limit = std::min(limit, lane_at);
      }
    }
    const auto send = [this](std::uint32_t which, int to) {
      for (int l = 0; l < lanes_of_a_warp; ++l) {
        if ((which >> l & 1u) != 0) at_[static_cast<std::size_t>(l)] = to;
      }
    };
    while (at < limit) {
      const Instruction& instruction = code_[static_cast<std::size_t>(at)];
      std::uint32_t chosen = lanes;
      if (instruction.predicate >= 0) {
        const std::uint64_t* const values =
            source({static_cast<std::uint32_t>(instruction.predicate), false});
        std::uint32_t holds = 0;
        for (int l = 0; l < lanes_of_a_warp; ++l)
          holds |= static_cast<std::uint32_t>(values[l] & 1u) << l;
        chosen &= instruction.negated ? ~holds : holds;
      }
      if (machine_.traffic_ != nullptr) ++machine_.traffic_->instructions;
      if (instruction.flow == Flow::next) {
        if (chosen != 0) instruction.handler(*this, instruction, chosen);
        ++at;
      } else if (instruction.flow == Flow::barrier) {
        if (others != 0 || chosen != lanes) {
          fault("a barrier that not all threads of the warp reach together: " + instruction.text,
                0);
        }
        send(lanes, at + 1);
        return true;
      } else {
        const int to = instruction.flow == Flow::leave ? left : instruction.target;
        if (chosen == lanes && to != left) {
          at = to;
        } else if (chosen == 0) {
          ++at;
        } else {
          send(lanes, at + 1);
          send(chosen, to);
          lanes = 0;
          break;
        }
      }
    }
    send(lanes, at);
  }
}

Address Warp::shared_base() const { return reinterpret_cast<Address>(machine_.shared_.data()); }

const std::uint8_t* Warp::read(const Instruction& at, Address address, std::size_t bytes,
                               int lane) {
  return access(at, address, bytes, lane, false);
}

std::uint8_t* Warp::write(const Instruction& at, Address address, std::size_t bytes, int lane) {
  return access(at, address, bytes, lane, true);
}

std::uint8_t* Warp::access(const Instruction& at, Address address, std::size_t bytes, int lane,
                           bool writes) {
  const char* const what = writes ? "a write of " : "a read of ";
  if ((address & (bytes - 1)) != 0) {
    fault(what + std::to_string(bytes) + " bytes that is not aligned: " + at.text, lane);
  }
  if (at.space == Space::shared || address - shared_base() < machine_.shared_.size()) {
    const Address offset = at.space == Space::shared ? address : address - shared_base();
    const std::size_t size = machine_.shared_.size();
    if (offset > size || bytes > size - offset) {
      fault(what + std::to_string(bytes) + " bytes at byte " + std::to_string(offset) + " of " +
                std::to_string(size) + " of shared memory: " + at.text,
            lane);
    }
    note_shared(at, offset, bytes, lane, writes);
    return machine_.shared_.data() + offset;
  }
  const Address parameters = reinterpret_cast<Address>(machine_.parameters_->data());
  if (!writes && address - parameters < machine_.parameters_->size()) {
    if (bytes > machine_.parameters_->size() - (address - parameters)) {
      fault(what + std::to_string(bytes) + " bytes past the parameters: " + at.text, lane);
    }
    return reinterpret_cast<std::uint8_t*>(address);
  }
  const Allocation*& last = machine_.last_[static_cast<std::size_t>(&at - code_.data())];
  if (last == nullptr || !last->holds(address, bytes)) {
    try {
      last = &machine_.memory_.find(address, bytes);
    } catch (const Fault& problem) {
      fault(what + std::string(problem.what()) + ": " + at.text, lane);
    }
  }
  if (writes) {
    std::memset(machine_.memory_.written(address), 1, bytes);
  } else if (!all_written(machine_.memory_.written(address), bytes)) {
    fault_unwritten(at, address, lane);
  }
  return machine_.memory_.host(address);
}

void Warp::fault_unwritten(const Instruction& at, Address address, int lane) const {
  const Allocation& allocation = machine_.memory_.find(address, 1);
  fault("a read of memory that was never written, at byte " +
            std::to_string(address - allocation.begin) + " of an allocation of " +
            std::to_string(allocation.end - allocation.begin) + ": " + at.text,
        lane);
}

void Warp::note_shared(const Instruction& at, std::size_t offset, std::size_t bytes, int lane,
                       bool writes) {
  const auto thread = static_cast<std::int16_t>(first_thread_ + lane);
  const std::uint32_t interval = machine_.interval_;
  const std::size_t last = (offset + bytes - 1) / word_bytes;
  for (std::size_t i = offset / word_bytes; i <= last; ++i) {
    Machine::SharedWord& word = machine_.touched_[i];
    const bool written = word.write_interval == interval;
    const bool was_read = word.read_interval == interval;
    if ((written && word.writer != thread) || (writes && was_read && word.reader != thread)) {
      fault(std::string(writes ? "a write" : "a read") + " of shared memory at byte " +
                std::to_string(i * word_bytes) + ", which " +
                (written           ? "thread " + std::to_string(word.writer) + " wrote"
                 : word.reader < 0 ? std::string("several threads read")
                                   : "thread " + std::to_string(word.reader) + " read") +
                " since the last barrier: " + at.text,
            lane);
    }
    if (writes) {
      word.write_interval = interval;
      word.writer = thread;
    } else {
      word.reader = was_read && word.reader != thread ? std::int16_t{-1} : thread;
      word.read_interval = interval;
    }
  }
}

void Warp::count(const Instruction& at, const std::array<Address, lanes_of_a_warp>& addresses,
                 std::uint32_t lanes, std::size_t bytes, bool writes) {
  if (machine_.traffic_ == nullptr) return;
  Traffic& traffic = *machine_.traffic_;
  std::array<Address, 2 * lanes_of_a_warp> units;  // sectors, or words of shared memory
  const auto distinct = [&units](std::size_t found) {
    const auto end = units.begin() + static_cast<std::ptrdiff_t>(found);
    std::sort(units.begin(), end);
    return static_cast<std::size_t>(std::unique(units.begin(), end) - units.begin());
  };
  if (machine_.memory_.is_device(addresses[static_cast<std::size_t>(std::countr_zero(lanes))])) {
    std::size_t found = 0;
    for (std::size_t l = 0; l < lanes_of_a_warp; ++l) {
      if ((lanes >> l & 1u) == 0) continue;
      units[found++] = addresses[l] / sector_bytes;
      touch(traffic, addresses[l], bytes, writes);
    }
    const std::uint64_t asked = found * bytes;
    const std::size_t sectors = distinct(found);
    (writes ? traffic.written_bytes : traffic.read_bytes) += asked;
    (writes ? traffic.written_sectors : traffic.read_sectors) += sectors;
  } else if (at.space == Space::shared && !writes) {
    // 8 bytes a lane: half a warp a turn; 16: a quarter. Lanes that read one word share it.
    const std::size_t words = std::max<std::size_t>(bytes / word_bytes, 1);
    for (std::size_t first = 0; first < lanes_of_a_warp; first += lanes_of_a_warp / words) {
      std::size_t found = 0;
      for (std::size_t l = first; l < first + lanes_of_a_warp / words; ++l) {
        if ((lanes >> l & 1u) == 0) continue;
        traffic.shared_bytes += bytes;
        for (std::size_t k = 0; k < words; ++k) units[found++] = addresses[l] / word_bytes + k;
      }
      if (found == 0) continue;
      std::array<std::uint64_t, banks> of_bank{};
      const std::size_t count = distinct(found);
      for (std::size_t i = 0; i < count; ++i) ++of_bank[units[i] % banks];
      ++traffic.shared_reads;
      traffic.shared_turns += *std::max_element(of_bank.begin(), of_bank.end());
    }
  }
}

void Warp::copy_later(const Instruction& at, Address to, Address from, std::size_t bytes,
                      std::size_t copied, int lane) {
  // The places are checked now. Nothing arrives before it is waited for.
  static_cast<void>(write(at, to, bytes, lane));
  copies_.push_back({to, from, bytes, copied, lane, groups_[static_cast<std::size_t>(lane)], &at});
  if (copied > 0) {
    if (from % bytes != 0) fault("an asynchronous copy that is not aligned: " + at.text, lane);
    try {
      static_cast<void>(machine_.memory_.find(from, copied));
    } catch (const Fault& problem) {
      fault(std::string("an asynchronous copy of ") + problem.what() + ": " + at.text, lane);
    }
    if (!all_written(machine_.memory_.written(from), copied)) {
      fault("an asynchronous copy of memory that was never written: " + at.text, lane);
    }
  }
}

void Warp::commit_copies(std::uint32_t lanes) {
  for (int l = 0; l < lanes_of_a_warp; ++l) {
    if ((lanes >> l & 1u) != 0) ++groups_[static_cast<std::size_t>(l)];
  }
}

void Warp::wait_copies(std::uint32_t lanes, std::uint64_t groups_left) {
  const auto arrives = [&](const Copy& copy) {
    return (lanes >> copy.lane & 1u) != 0 &&
           copy.group + groups_left < groups_[static_cast<std::size_t>(copy.lane)];
  };
  for (const Copy& copy : copies_) {
    if (!arrives(copy)) continue;
    std::uint8_t* const to = write(*copy.at, copy.to, copy.bytes, copy.lane);
    std::memset(to, 0, copy.bytes);
    std::memcpy(to, machine_.memory_.host(copy.from), copy.copied);
  }
  copies_.erase(std::remove_if(copies_.begin(), copies_.end(), arrives), copies_.end());
}

void Warp::fault(const std::string& what, int lane) const {
  std::ostringstream message;
  message << kernel_.name << ", block (" << block_.x << ", " << block_.y << ", " << block_.z
          << "), thread " << first_thread_ + lane << ": " << what;
  throw Fault(message.str());
}

}  // namespace emulated
