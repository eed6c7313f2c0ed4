// A program with one fault in it, named on the command line, to show that the sanitizers see faults
// of bodies on the executor: `race` leaves out a barrier, `overrun` writes one element too many.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>

#include "tests/kernels/executor.hpp"

namespace {

// A block passes its ranks around a circle through shared memory, with the barrier or without.
struct CircleBody {
  bool has_barrier;
  int* out;

  static constexpr std::size_t shared_bytes(int threads) {
    return static_cast<std::size_t>(threads) * sizeof(int);
  }

  template <class Context>
  void operator()(const Context& context) const {
    int* ranks = static_cast<int*>(context.shared());
    ranks[context.rank()] = context.rank();
    if (has_barrier) context.sync();
    out[context.block() * context.size() + context.rank()] =
        ranks[(context.rank() + 1) % context.size()];
  }
};

struct FillBody {
  std::int64_t size;
  int* out;
  void operator()(std::int64_t x, std::int64_t) const {
    if (x < size) out[x] = 1;
  }
};

}  // namespace

int main(int argc, char** argv) {
  using namespace cusynapse::test;
  const char* fault = argc > 1 ? argv[1] : "none";
  constexpr std::int64_t blocks = 64;
  constexpr std::int64_t size = blocks * block_threads;
  const auto out = std::make_unique<int[]>(size);
  execute_tile(CircleBody{std::strcmp(fault, "race") != 0, out.get()}, blocks);
  execute_index(FillBody{std::strcmp(fault, "overrun") == 0 ? size + 1 : size, out.get()},
                size + 8);
  std::printf("ran with fault: %s, last element %d\n", fault, out[size - 1]);
  return 0;
}
