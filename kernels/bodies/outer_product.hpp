// outer_product: the gradient of a weight matrix, a sum over rows for every weight.
//
// A call (x, y) covers Height outputs and Width inputs. Next to each other along x, calls share the
// inputs: on a GPU one load serves a warp, on a CPU they stay in a cache.
#pragma once

#include "cusynapse/projection_ops.hpp"
#include "kernels/bodies/access.hpp"

namespace cusynapse::kernels {

/// Outputs a call covers. On a GPU, as many as leave three levels of sums in registers; on a CPU,
/// which keeps them in its nearest cache, enough to be worth the loading of the inputs.
inline constexpr int gpu_outer_height = 2;
inline constexpr int cpu_outer_height = 8;

template <InputKind kind, class T, int Width, int Height>
struct OuterProductBody {
  OuterProduct<T> arguments;

  CUSYNAPSE_HOST_DEVICE void operator()(std::int64_t x, std::int64_t y) const {
    const std::int64_t output = x * Height;
    const std::int64_t input = y * Width;
    if (output + Height <= arguments.outputs && input + Width <= arguments.inputs) {
      cover<true>(output, input);
    } else {
      cover<false>(output, input);
    }
  }

 private:
  using Sums = T[Height][Width];

  /// Rows a GPU has on their way. Bits are put together in a loop that others do not pass.
  static constexpr int rows_ahead = kind == InputKind::bits ? 2 : 4;

  template <bool Full>
  CUSYNAPSE_HOST_DEVICE void cover(std::int64_t output, std::int64_t input) const {
    const std::int64_t rows = arguments.rows;
    Sums total = {};
    for (std::int64_t row = 0; row < rows;) {
      Sums group = {};
      for (int k = 0; k < sum_group && row < rows; ++k, row += sum_run) {
        const std::int64_t end = row + sum_run < rows ? row + sum_run : rows;
        Sums run = {};
#if defined(__CUDA_ARCH__)
#pragma unroll rows_ahead
#endif
        for (std::int64_t r = row; r < end; ++r) add_row<Full>(r, output, input, run);
        add(run, group);
      }
      add(group, total);
    }
    store_from<Full, 0>(total, output, input);
  }

  template <bool Full>
  CUSYNAPSE_HOST_DEVICE void add_row(std::int64_t row, std::int64_t output, std::int64_t input,
                                     Sums& sums) const {
    const OuterProduct<T>& a = arguments;
    T right[Width];
    load_right<Full>(row, input, right);
    const T* left = a.left + row * a.outputs + output;
    for (int j = 0; j < Height; ++j) {
      const T factor = Full || output + j < a.outputs ? left[j] : T(0);
      for (int i = 0; i < Width; ++i) {
        sums[j][i] = math::fused_multiply_add(factor, right[i], sums[j][i]);
      }
    }
  }

  /// Inputs [first, first + Width) of a row; zeros past its end.
  template <bool Full>
  CUSYNAPSE_HOST_DEVICE void load_right(std::int64_t row, std::int64_t first,
                                        T (&to)[Width]) const {
    const std::int64_t inputs = arguments.inputs;
    if constexpr (kind == InputKind::values) {
      load_guarded<Full>(static_cast<const T*>(arguments.right) + row * inputs, first, inputs, to);
    } else if constexpr (kind == InputKind::bytes) {
      std::uint8_t bytes[Width];
      load_guarded<Full>(static_cast<const std::uint8_t*>(arguments.right) + row * inputs, first,
                         inputs, bytes);
      for (int i = 0; i < Width; ++i) to[i] = static_cast<T>(bytes[i]);
    } else {
      static_assert(Width <= 32, "a group's bits, begun within a byte, fit in one word");
      const std::int64_t left = inputs - first;
      const int count = Full || left > Width ? Width : static_cast<int>(left);
      const std::int64_t begin = row * inputs + first;
      const auto* bytes = static_cast<const std::uint8_t*>(arguments.right) + begin / 8;
      const int shift = static_cast<int>(begin % 8);
      std::uint64_t word = 0;
      for (int b = 0; b < (shift + count + 7) / 8; ++b) word |= std::uint64_t{bytes[b]} << (8 * b);
      const auto bits = static_cast<std::uint32_t>(word >> shift);
      for (int i = 0; i < Width; ++i) {
        to[i] = static_cast<T>(static_cast<std::int32_t>(i < count ? (bits >> i) & 1u : 0u));
      }
    }
  }

  CUSYNAPSE_HOST_DEVICE static void add(const Sums& from, Sums& to) {
    for (int j = 0; j < Height; ++j) {
      for (int i = 0; i < Width; ++i) to[j][i] = math::add(to[j][i], from[j][i]);
    }
  }

  // A recursion, so that every row is a constant and no compiler keeps the sums in memory.
  template <bool Full, int Row>
  CUSYNAPSE_HOST_DEVICE void store_from(Sums& sums, std::int64_t output, std::int64_t input) const {
    if (Full || output + Row < arguments.outputs) store<Full>(sums[Row], output + Row, input);
    if constexpr (Row + 1 < Height) store_from<Full, Row + 1>(sums, output, input);
  }

  template <bool Full>
  CUSYNAPSE_HOST_DEVICE void store(T (&sums)[Width], std::int64_t output,
                                   std::int64_t input) const {
    const OuterProduct<T>& a = arguments;
    const std::int64_t row = output * a.inputs;
    if (a.mask != nullptr) {
      std::uint8_t mask[Width];
      load_guarded<Full>(a.mask + row, input, a.inputs, mask);
      for (int i = 0; i < Width; ++i) sums[i] = mask[i] != 0 ? sums[i] : T(0);
    }
    if (a.accumulates) {
      T before[Width];
      load_guarded<Full>(a.out + row, input, a.inputs, before);
      for (int i = 0; i < Width; ++i) sums[i] = math::add(before[i], sums[i]);
    }
    store_guarded(sums, input, a.inputs, a.out + row);
  }
};

/// Calls `use` with the body for the kind of `right`.
template <int Width, int Height, class T, class Use>
void visit_outer_product(const OuterProduct<T>& a, const Use& use) {
  switch (a.right_kind) {
    case InputKind::values:
      return use(OuterProductBody<InputKind::values, T, Width, Height>{a});
    case InputKind::bytes:
      return use(OuterProductBody<InputKind::bytes, T, Width, Height>{a});
    case InputKind::bits:
      return use(OuterProductBody<InputKind::bits, T, Width, Height>{a});
  }
}

}  // namespace cusynapse::kernels
