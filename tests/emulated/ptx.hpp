// Reads PTX, the text that nvcc compiles kernels to before it makes machine code for one chip of
// them, into instructions that a Machine runs. Formats: NVIDIA's "Parallel Thread Execution ISA".
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace emulated {

class Warp;
struct Instruction;

/// Does an instruction for some lanes of a warp.
using Handler = void (*)(Warp&, const Instruction&, std::uint32_t lanes);

/// One value a lane: a register of the warp, or a constant of the kernel.
struct Operand {
  std::uint32_t row = 0;
  bool constant = false;
};

enum class Flow { next, branch, barrier, leave };
enum class Space { generic, global, shared };
enum class Rounding { none, nearest, zero, down, up };

/// Which thread of which block this is.
enum class Special {
  tid_x,
  tid_y,
  tid_z,
  ntid_x,
  ntid_y,
  ntid_z,
  ctaid_x,
  ctaid_y,
  ctaid_z,
  nctaid_x,
  nctaid_y,
  nctaid_z
};

struct Instruction {
  Handler handler = nullptr;
  Flow flow = Flow::next;
  int predicate = -1;  // a row; -1: all lanes
  bool negated = false;
  int target = -1;  // of a branch
  std::array<Operand, 6> operands;
  std::array<std::int64_t, 2> offsets{};  // of addresses
  int width = 1;                          // elements of a vector
  Space space = Space::generic;
  Rounding rounding = Rounding::none;
  std::string text;
};

/// A kernel's entry, ready to run.
struct Kernel {
  std::string name;
  std::vector<Instruction> code;
  std::uint32_t rows = 0;  // registers
  std::vector<std::uint64_t> constants;
  std::vector<std::uint32_t> parameter_constants;  // which of them are offsets into the parameters
  std::vector<std::pair<Special, std::uint32_t>> special;       // and their rows
  std::vector<std::pair<std::size_t, std::size_t>> parameters;  // offset and bytes of each
  std::size_t parameter_bytes = 0;
  int most_threads = 1024;
};

/// One translation unit of PTX. Kernels are read when they are first asked for.
class Module {
 public:
  explicit Module(std::string text);
  /// Throws std::runtime_error that names what this reader does not know.
  const Kernel& kernel(const std::string& name);

  /// A function's text: what stands before its body, and that.
  struct Function {
    std::string_view header;
    std::string_view body;
    bool is_entry = false;
  };

 private:
  std::string text_;
  std::map<std::string, Function> functions_;
  std::vector<std::string> shared_;  // dynamic shared memory, which begins at 0
  std::map<std::string, Kernel> kernels_;
};

/// What runs an operation such as "add.rn.f32"; sets what of it stands in the instruction. Throws
/// std::runtime_error for one it does not know.
Handler handler_of(std::string_view operation, Instruction& instruction);

}  // namespace emulated
