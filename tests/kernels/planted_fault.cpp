// A program with one fault in it, named on the command line, to show that the sanitizers see faults
// of bodies on the executor: `race` leaves out a barrier, `overrun` writes one element too many,
// `dense_race` runs the dense sum without its barriers (`dense`: with them).
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "kernels/bodies/delayed_dense.hpp"
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

// A block whose barriers do nothing.
class UnsynchronizedContext {
 public:
  explicit UnsynchronizedContext(const cusynapse::test::ThreadContext& context)
      : context_(context) {}
  std::int64_t block() const { return context_.block(); }
  int rank() const { return context_.rank(); }
  int size() const { return context_.size(); }
  void* shared() const { return context_.shared(); }
  void sync() const {}
  template <class T>
  void copy_async(T* to, const T* from) const {
    context_.copy_async(to, from);
  }
  void wait_copies() const { context_.wait_copies(); }

 private:
  const cusynapse::test::ThreadContext& context_;
};

template <class Body>
struct Unsynchronized {
  Body body;
  std::size_t shared_bytes(int threads) const { return body.shared_bytes(threads); }
  template <class Context>
  void operator()(const Context& context) const {
    body(UnsynchronizedContext(context));
  }
};

void run_dense(bool has_barriers) {
  constexpr std::int64_t inputs = 64;
  constexpr std::int64_t batch = 8;
  constexpr int threads = cusynapse::kernels::dense_least_threads;
  constexpr std::int64_t outputs = threads;
  const std::int64_t size = cusynapse::dense_plan_size(inputs, outputs);
  const std::vector<float> ring(static_cast<std::size_t>(3 * inputs * batch), 1.0f);
  const std::vector<float> weights(static_cast<std::size_t>(size), 0.5f);
  const std::vector<std::uint8_t> slots(static_cast<std::size_t>(size), 1);
  cusynapse::DelayedDense<float> a;
  a.source.traces[0] = ring.data();
  a.source.stride = inputs * batch;
  a.source.slots = 3;
  a.plan.weights[0] = weights.data();
  a.plan.width = cusynapse::SlotWidth::byte;
  a.plan.slots = slots.data();
  a.plan.delay_slots = 3;
  a.inputs = inputs;
  a.outputs = outputs;
  a.batch = batch;
  std::vector<float> partial(cusynapse::kernels::dense_partial_bytes(a, threads) / sizeof(float));
  // One of the bodies that visit_delayed_dense chooses from, and the one it would choose.
  using Body = cusynapse::kernels::DelayedDenseBody<float, false, std::uint8_t, true, 0,
                                                    cusynapse::kernels::narrow_columns,
                                                    cusynapse::kernels::DenseStaging::pieces>;
  const Body body{a, cusynapse::kernels::DenseShape<float>::of(a, {threads}).cut, partial.data()};
  if (has_barriers) {
    cusynapse::test::execute_tile(body, body.blocks(), threads);
  } else {
    cusynapse::test::execute_tile(Unsynchronized<Body>{body}, body.blocks(), threads);
  }
}

}  // namespace

int main(int argc, char** argv) {
  using namespace cusynapse::test;
  const char* fault = argc > 1 ? argv[1] : "none";
  if (std::strncmp(fault, "dense", 5) == 0) run_dense(std::strcmp(fault, "dense") == 0);
  constexpr std::int64_t blocks = 64;
  constexpr std::int64_t size = blocks * block_threads;
  const auto out = std::make_unique<int[]>(size);
  execute_tile(CircleBody{std::strcmp(fault, "race") != 0, out.get()}, blocks);
  execute_index(FillBody{std::strcmp(fault, "overrun") == 0 ? size + 1 : size, out.get()},
                size + 8);
  std::printf("ran with fault: %s, last element %d\n", fault, out[size - 1]);
  return 0;
}
