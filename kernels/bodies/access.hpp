// How bodies reach memory: groups of consecutive elements in 16-byte pieces, and slots of rings.
#pragma once

#include <cstring>
#include <type_traits>

#include "cusynapse/math/bits.hpp"
#include "cusynapse/math/decay.hpp"
#include "cusynapse/math/half.hpp"
#include "cusynapse/math/ring.hpp"
#include "cusynapse/ops.hpp"

namespace cusynapse::kernels {

/// Elements one call of a body covers on a GPU: two 16-byte accesses of float and one byte of
/// spikes.
inline constexpr int gpu_width = 8;
/// The same on a CPU: a few vector registers, whatever their length.
inline constexpr int cpu_width = 32;
static_assert(slot_alignment % cpu_width == 0 && slot_alignment % gpu_width == 0,
              "a group of elements never reaches past the padding of a slot");

/// Elements that a GPU moves in one access.
template <class T, int Lanes = 16 / static_cast<int>(sizeof(T))>
struct alignas(sizeof(T) * Lanes) Piece {
  static constexpr int lanes = Lanes;
  T values[lanes];
};

/// What a group of Width elements is moved in on a GPU: 16 bytes at a time, or all there are.
template <class T, int Width>
using GroupPiece = Piece<T, (Width * sizeof(T) < 16 ? Width : 16 / static_cast<int>(sizeof(T)))>;

/// Whether a group of Width elements that starts here can be moved in pieces: on a GPU, whose
/// groups are of gpu_width or less.
template <int Width, class T>
CUSYNAPSE_HOST_DEVICE bool is_piece_aligned(const T* pointer) {
  constexpr std::uintptr_t mask = alignof(GroupPiece<T, Width>) - 1;
  return Width <= gpu_width && (reinterpret_cast<std::uintptr_t>(pointer) & mask) == 0;
}

#if defined(__CUDA_ARCH__)
/// The words of a piece. nvcc 13.0 takes pieces of other types apart into their elements, and does
/// not always put them together again; of stores it does so with words as well.
template <std::size_t bytes>
struct PieceWords;
template <>
struct PieceWords<2> {
  using Type = unsigned short;
};
template <>
struct PieceWords<4> {
  using Type = unsigned;
};
template <>
struct PieceWords<8> {
  using Type = uint2;
};
template <>
struct PieceWords<16> {
  using Type = uint4;
};
#endif

template <class AnyPiece>
CUSYNAPSE_HOST_DEVICE AnyPiece load_piece(const AnyPiece* from) {
#if defined(__CUDA_ARCH__)
  using Words = typename PieceWords<sizeof(AnyPiece)>::Type;
  const Words words = *reinterpret_cast<const Words*>(from);
  AnyPiece piece;
  memcpy(&piece, &words, sizeof piece);
  return piece;
#else
  return *from;
#endif
}

template <class AnyPiece>
CUSYNAPSE_HOST_DEVICE void store_piece(const AnyPiece& piece, AnyPiece* to) {
#if defined(__CUDA_ARCH__)
  using Words = typename PieceWords<sizeof(AnyPiece)>::Type;
  Words words;
  memcpy(&words, &piece, sizeof piece);
  __stwb(reinterpret_cast<Words*>(to), words);
#else
  *to = piece;
#endif
}

#if defined(__CUDA_ARCH__)
/// Stores the pieces of a group of 32 bytes or more. An access of a warp that writes one piece of
/// each lane's group would write halves of all sectors of 32 bytes; so two lanes whose groups are
/// neighbours exchange every other piece, and each access writes whole sectors. A lane without such
/// a partner stores its own. Blocks have one dimension. A lane must neither read nor write again
/// what it has stored: another one may have done it.
template <class AnyPiece, int pieces>
__device__ void store_in_pairs(const AnyPiece (&own)[pieces], AnyPiece* to) {
  static_assert(pieces % 2 == 0, "a group is whole sectors");
  const unsigned here = __activemask();
  const unsigned lane = threadIdx.x % 32;
  const unsigned is_odd = lane % 2;
  const auto address = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(to));
  const std::uint32_t neighbour = __shfl_xor_sync(here, address, 1);
  const bool is_paired = (here >> (lane ^ 1) & 1) != 0 &&
                         neighbour - address == (is_odd ? -1 : 1) * std::uint32_t{sizeof own};
  using Words = typename PieceWords<sizeof(AnyPiece)>::Type;
  auto* const group = reinterpret_cast<Words*>(to);
#pragma unroll
  for (int p = 0; p < pieces; p += 2) {
    Words first;
    Words second;
    memcpy(&first, &own[p], sizeof first);
    memcpy(&second, &own[p + 1], sizeof second);
    // Word by word: what is chosen by address is kept in memory.
    Words taken;
    taken.x = __shfl_xor_sync(here, is_odd ? first.x : second.x, 1);
    taken.y = __shfl_xor_sync(here, is_odd ? first.y : second.y, 1);
    taken.z = __shfl_xor_sync(here, is_odd ? first.z : second.z, 1);
    taken.w = __shfl_xor_sync(here, is_odd ? first.w : second.w, 1);
    if (is_paired) {  // first a piece of the even lane's group, then one of the odd lane's
      if (is_odd) {
        first = taken;
      } else {
        second = taken;
      }
      Words* const even = is_odd ? group - pieces : group;
      __stwb(even + p + is_odd, first);
      __stwb(even + pieces + p + is_odd, second);
    } else {
      __stwb(group + p, first);
      __stwb(group + p + 1, second);
    }
  }
}
#endif

/// Loads Width consecutive elements from memory aligned to 16 bytes.
template <int Width, class T>
CUSYNAPSE_HOST_DEVICE void load_aligned(const T* from, T (&to)[Width]) {
  if constexpr (Width <= gpu_width) {
    using GroupPiece = GroupPiece<T, Width>;
    for (int p = 0; p < Width / GroupPiece::lanes; ++p) {
      const auto piece = load_piece(reinterpret_cast<const GroupPiece*>(from) + p);
      for (int i = 0; i < GroupPiece::lanes; ++i) to[p * GroupPiece::lanes + i] = piece.values[i];
    }
  } else {
    for (int i = 0; i < Width; ++i) to[i] = from[i];
  }
}

/// Stores Width consecutive elements to memory aligned to 16 bytes.
template <int Width, class T>
CUSYNAPSE_HOST_DEVICE void store_aligned(const T (&from)[Width], T* to) {
  if constexpr (Width <= gpu_width) {
    using GroupPiece = GroupPiece<T, Width>;
    constexpr int count = Width / GroupPiece::lanes;
    GroupPiece pieces[count];
    for (int i = 0; i < Width; ++i)
      pieces[i / GroupPiece::lanes].values[i % GroupPiece::lanes] = from[i];
    auto* const first = reinterpret_cast<GroupPiece*>(to);
#if defined(__CUDA_ARCH__)
    constexpr bool exchanges = count > 1;
#else
    constexpr bool exchanges = false;
#endif
    if constexpr (exchanges) {
      store_in_pairs(pieces, first);
    } else {
      for (int p = 0; p < count; ++p) store_piece(pieces[p], first + p);
    }
  } else {
    for (int i = 0; i < Width; ++i) to[i] = from[i];
  }
}

/// Loads elements [first, first + Width) of the caller's `size`, zeros past the end. Full says that
/// there is no end to look for.
template <bool Full, int Width, class T>
CUSYNAPSE_HOST_DEVICE void load_guarded(const T* from, std::int64_t first, std::int64_t size,
                                        T (&to)[Width]) {
  if (Full || first + Width <= size) {
    if (is_piece_aligned<Width>(from + first)) {
      load_aligned(from + first, to);
    } else {
      for (int i = 0; i < Width; ++i) to[i] = from[first + i];
    }
  } else {
    for (int i = 0; i < Width; ++i) to[i] = first + i < size ? from[first + i] : T{};
  }
}

/// A stored element as it is computed with.
template <class T, class Stored>
CUSYNAPSE_HOST_DEVICE T loaded(Stored stored) {
  if constexpr (std::is_same_v<T, Stored>) {
    return stored;
  } else {
    return math::to_float(stored);
  }
}

/// A value as it is stored, rounded to nearest.
template <class Stored, class T>
CUSYNAPSE_HOST_DEVICE Stored stored(T value) {
  if constexpr (std::is_same_v<T, Stored>) {
    return value;
  } else {
    return math::from_float<Stored>(value);
  }
}

/// Loads Width consecutive stored elements from memory aligned to 16 bytes.
template <int Width, class Stored, class T>
CUSYNAPSE_HOST_DEVICE void load_stored(const Stored* from, T (&to)[Width]) {
  if constexpr (std::is_same_v<T, Stored>) {
    load_aligned(from, to);
  } else {
    Stored elements[Width];
    load_aligned(from, elements);
    for (int i = 0; i < Width; ++i) to[i] = loaded<T>(elements[i]);
  }
}

/// Stores elements [first, first + Width) as far as they are among the caller's `size`.
template <int Width, class T>
CUSYNAPSE_HOST_DEVICE void store_guarded(const T (&from)[Width], std::int64_t first,
                                         std::int64_t size, T* to) {
  if (first + Width <= size) {
    if (is_piece_aligned<Width>(to + first)) {
      store_aligned(from, to + first);
    } else {
      for (int i = 0; i < Width; ++i) to[first + i] = from[i];
    }
  } else {
    for (int i = 0; i < Width; ++i) {
      if (first + i < size) to[first + i] = from[i];
    }
  }
}

/// Inputs [first, first + Width) of a frame as T. Where not Full, zeros past `size`. On a GPU they
/// are loaded at once; on a CPU, where a whole group is there, they stay in place until used, so
/// that a loop over them has nothing to pass through memory.
template <InputKind kind, bool Full, int Width, class T>
class InputGroup;

template <bool Full, int Width, class T>
class InputGroup<InputKind::values, Full, Width, T> {
 public:
  CUSYNAPSE_HOST_DEVICE InputGroup(const void* frame, std::int64_t first, std::int64_t size)
      : in_place_(static_cast<const T*>(frame) + first) {
    if constexpr (is_loaded) load_guarded<Full>(static_cast<const T*>(frame), first, size, loaded_);
  }
  CUSYNAPSE_HOST_DEVICE T operator[](int i) const {
    if constexpr (is_loaded) {
      return loaded_[i];
    } else {
      return in_place_[i];
    }
  }
  CUSYNAPSE_HOST_DEVICE std::uint8_t is_spike(int i) const {
    return math::is_spike((*this)[i]) ? 1 : 0;
  }

 private:
  static constexpr bool is_loaded = Width == gpu_width || !Full;
  const T* in_place_;
  T loaded_[is_loaded ? Width : 1];
};

template <bool Full, int Width, class T>
class InputGroup<InputKind::bytes, Full, Width, T> {
 public:
  CUSYNAPSE_HOST_DEVICE InputGroup(const void* frame, std::int64_t first, std::int64_t size)
      : in_place_(static_cast<const std::uint8_t*>(frame) + first) {
    if constexpr (is_loaded) {
      load_guarded<Full>(static_cast<const std::uint8_t*>(frame), first, size, loaded_);
    }
  }
  CUSYNAPSE_HOST_DEVICE T operator[](int i) const { return static_cast<T>(byte(i)); }
  CUSYNAPSE_HOST_DEVICE std::uint8_t is_spike(int i) const { return byte(i) != 0 ? 1 : 0; }

 private:
  CUSYNAPSE_HOST_DEVICE std::uint8_t byte(int i) const {
    if constexpr (is_loaded) {
      return loaded_[i];
    } else {
      return in_place_[i];
    }
  }

  static constexpr bool is_loaded = Width == gpu_width || !Full;
  const std::uint8_t* in_place_;
  std::uint8_t loaded_[is_loaded ? Width : 1];
};

template <bool Full, int Width, class T>
class InputGroup<InputKind::bits, Full, Width, T> {
 public:
  static_assert(Width % 8 == 0 && Width <= 32, "a group's bits fit in one word");
  CUSYNAPSE_HOST_DEVICE InputGroup(const void* frame, std::int64_t first, std::int64_t size) {
    const auto* bytes = static_cast<const std::uint8_t*>(frame) + first / 8;
    for (int b = 0; b < Width / 8; ++b) {
      const std::int64_t left = size - first - std::int64_t{8} * b;
      if (Full || left > 0) bits_ |= std::uint32_t{bytes[b]} << (8 * b);
    }
    if (!Full && first + Width > size) bits_ &= (1u << (size - first)) - 1u;
  }
  CUSYNAPSE_HOST_DEVICE T operator[](int i) const { return static_cast<T>((bits_ >> i) & 1u); }
  CUSYNAPSE_HOST_DEVICE std::uint32_t bits() const { return bits_; }

 private:
  std::uint32_t bits_ = 0;
};

/// Eight flags (0 or 1) to a byte.
template <int Width>
CUSYNAPSE_HOST_DEVICE void store_flags(const std::uint8_t (&flags)[Width], std::uint8_t* to) {
  std::uint8_t packed[Width / 8];
  for (int b = 0; b < Width / 8; ++b) {
    std::uint64_t eight;
    std::memcpy(&eight, flags + 8 * b, 8);
    packed[b] = math::pack_flags(eight);
  }
  std::memcpy(to, packed, Width / 8);
}

/// The slots of a ring of T: where they start, and their elements.
template <class T>
struct Slots {
  using Stored = typename ElementTraits<T>::Stored;
  using Value = typename ElementTraits<T>::Exchanged;

  CUSYNAPSE_HOST_DEVICE static Stored* start(const Ring<T>& ring, std::int32_t slot) {
    return ring.data + slot * ring.stride;
  }
  CUSYNAPSE_HOST_DEVICE static Value get(const Stored* slot, std::int64_t element) {
    return loaded<Value>(slot[element]);
  }
  template <int Width>
  CUSYNAPSE_HOST_DEVICE static void load(const Stored* slot, std::int64_t first,
                                         Value (&to)[Width]) {
    load_stored(slot + first, to);
  }
  /// Stores a whole group, padding included; the values past the size are zeros.
  template <int Width>
  CUSYNAPSE_HOST_DEVICE static void store(const Value (&from)[Width], std::int64_t first,
                                          Stored* slot) {
    if constexpr (std::is_same_v<Stored, Value>) {
      store_aligned(from, slot + first);
    } else {
      Stored elements[Width];
      for (int i = 0; i < Width; ++i) elements[i] = stored<Stored>(from[i]);
      store_aligned(elements, slot + first);
    }
  }
};

template <>
struct Slots<bool> {
  using Stored = std::uint8_t;
  using Value = std::uint8_t;

  CUSYNAPSE_HOST_DEVICE static Stored* start(const Ring<bool>& ring, std::int32_t slot) {
    return ring.data + slot * (ring.stride / 8);
  }
  CUSYNAPSE_HOST_DEVICE static Value get(const Stored* slot, std::int64_t element) {
    return math::test_bit(slot, element) ? 1 : 0;
  }
  template <int Width>
  CUSYNAPSE_HOST_DEVICE static void load(const Stored* slot, std::int64_t first,
                                         Value (&to)[Width]) {
    for (int i = 0; i < Width; ++i) to[i] = get(slot, first + i);
  }
  template <int Width>
  CUSYNAPSE_HOST_DEVICE static void store(const Value (&from)[Width], std::int64_t first,
                                          Stored* slot) {
    std::uint8_t flags[Width];
    for (int i = 0; i < Width; ++i) flags[i] = from[i] != 0 ? 1 : 0;
    store_flags(flags, slot + first / 8);
  }
};

/// Groups of Width that cover `size` elements.
constexpr std::int64_t group_count(std::int64_t size, int width) {
  return (size + width - 1) / width;
}

}  // namespace cusynapse::kernels
