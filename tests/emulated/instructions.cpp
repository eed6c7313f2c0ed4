// What each operation of PTX computes: NVIDIA's "Parallel Thread Execution ISA", chapter 9.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <type_traits>

#include "emulated/machine.hpp"
#include "emulated/ptx.hpp"

namespace emulated {
namespace {

// A number of 16 bits, of which there are conversions alone.
struct Half {
  std::uint16_t bits;
};

template <class T>
constexpr bool is_floating = std::is_floating_point_v<T> || std::is_same_v<T, Half>;

template <class T>
T get(std::uint64_t bits) {
  T value;
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}

// A signed value fills its register, whatever the register's width.
template <class T>
std::uint64_t put(T value) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(value)) &
           (std::is_signed_v<T> ? ~std::uint64_t{0} : std::uint64_t{std::numeric_limits<T>::max()});
  } else {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof(T));
    return bits;
  }
}

// The result of arithmetic: a float that is no number has one form on a GPU.
template <class T>
std::uint64_t put_result(T value) {
  if constexpr (std::is_same_v<T, float>) {
    if (value != value) return 0x7FFFFFFF;
  }
  return put(value);
}

template <class Work>
void for_lanes(std::uint32_t lanes, const Work& work) {
  if (lanes == ~std::uint32_t{0}) {
    for (int l = 0; l < lanes_of_a_warp; ++l) work(l);
  } else {
    for (; lanes != 0; lanes &= lanes - 1) work(std::countr_zero(lanes));
  }
}

// Signed sums and products wrap.
template <class T>
auto wrapping(T value) {
  if constexpr (std::is_integral_v<T>) {
    using Wide = std::conditional_t<(sizeof(T) < 4), std::uint32_t, std::make_unsigned_t<T>>;
    return static_cast<Wide>(value);
  } else {
    return value;
  }
}

template <class T, class Function>
void unary(Warp& warp, const Instruction& in, std::uint32_t lanes) {
  std::uint64_t* const to = warp.row(in.operands[0]);
  const std::uint64_t* const a = warp.source(in.operands[1]);
  for_lanes(lanes, [&](int l) { to[l] = put_result(static_cast<T>(Function()(get<T>(a[l])))); });
}

template <class T, class Function>
void binary(Warp& warp, const Instruction& in, std::uint32_t lanes) {
  std::uint64_t* const to = warp.row(in.operands[0]);
  const std::uint64_t* const a = warp.source(in.operands[1]);
  const std::uint64_t* const b = warp.source(in.operands[2]);
  for_lanes(lanes, [&](int l) {
    to[l] = put_result(static_cast<T>(Function()(get<T>(a[l]), get<T>(b[l]))));
  });
}

// Of a value and a count of 32 bits.
template <class T, class Function>
void shift(Warp& warp, const Instruction& in, std::uint32_t lanes) {
  std::uint64_t* const to = warp.row(in.operands[0]);
  const std::uint64_t* const a = warp.source(in.operands[1]);
  const std::uint64_t* const b = warp.source(in.operands[2]);
  for_lanes(lanes, [&](int l) {
    to[l] = put(static_cast<T>(Function()(get<T>(a[l]), get<std::uint32_t>(b[l]))));
  });
}

template <class T, class Function>
void ternary(Warp& warp, const Instruction& in, std::uint32_t lanes) {
  std::uint64_t* const to = warp.row(in.operands[0]);
  const std::uint64_t* const a = warp.source(in.operands[1]);
  const std::uint64_t* const b = warp.source(in.operands[2]);
  const std::uint64_t* const c = warp.source(in.operands[3]);
  for_lanes(lanes, [&](int l) {
    to[l] = put_result(static_cast<T>(Function()(get<T>(a[l]), get<T>(b[l]), get<T>(c[l]))));
  });
}

template <class T, class Function>
void compare(Warp& warp, const Instruction& in, std::uint32_t lanes) {
  std::uint64_t* const to = warp.row(in.operands[0]);
  const std::uint64_t* const a = warp.source(in.operands[1]);
  const std::uint64_t* const b = warp.source(in.operands[2]);
  for_lanes(lanes, [&](int l) { to[l] = Function()(get<T>(a[l]), get<T>(b[l])) ? 1 : 0; });
}

#define EMULATED_FUNCTION(name, parameters, value) \
  struct name {                                    \
    template <class T>                             \
    auto operator() parameters const {             \
      return value;                                \
    }                                              \
  }
EMULATED_FUNCTION(Add, (T a, T b), wrapping(a) + wrapping(b));
EMULATED_FUNCTION(Subtract, (T a, T b), wrapping(a) - wrapping(b));
EMULATED_FUNCTION(Multiply, (T a, T b), wrapping(a) * wrapping(b));
EMULATED_FUNCTION(MultiplyAdd, (T a, T b, T c), wrapping(a) * wrapping(b) + wrapping(c));
EMULATED_FUNCTION(FusedMultiplyAdd, (T a, T b, T c), std::fma(a, b, c));
EMULATED_FUNCTION(And, (T a, T b), a& b);
EMULATED_FUNCTION(Or, (T a, T b), a | b);
EMULATED_FUNCTION(ExclusiveOr, (T a, T b), a ^ b);
EMULATED_FUNCTION(Not, (T a), ~a);
EMULATED_FUNCTION(NotPredicate, (T a), a ^ 1);
EMULATED_FUNCTION(Equal, (T a, T b), a == b);
EMULATED_FUNCTION(NotEqual, (T a, T b), a<b || a> b);
EMULATED_FUNCTION(Less, (T a, T b), a < b);
EMULATED_FUNCTION(LessEqual, (T a, T b), a <= b);
EMULATED_FUNCTION(Greater, (T a, T b), a > b);
EMULATED_FUNCTION(GreaterEqual, (T a, T b), a >= b);
EMULATED_FUNCTION(EqualOrNan, (T a, T b), !(a < b || a > b));
EMULATED_FUNCTION(NotEqualOrNan, (T a, T b), !(a == b));
EMULATED_FUNCTION(LessOrNan, (T a, T b), !(a >= b));
EMULATED_FUNCTION(LessEqualOrNan, (T a, T b), !(a > b));
EMULATED_FUNCTION(GreaterOrNan, (T a, T b), !(a <= b));
EMULATED_FUNCTION(GreaterEqualOrNan, (T a, T b), !(a < b));
EMULATED_FUNCTION(Numbers, (T a, T b), a == a && b == b);
EMULATED_FUNCTION(EitherNan, (T a, T b), a != a || b != b);
#undef EMULATED_FUNCTION

struct Divide {
  template <class T>
  T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>) {
      if (b == 0) return static_cast<T>(-1);  // no trap on a GPU; the value is not specified
      if constexpr (std::is_signed_v<T>) {
        if (b == -1) return static_cast<T>(-wrapping(a));
      }
    }
    return static_cast<T>(a / b);
  }
};

struct Remainder {
  template <class T>
  T operator()(T a, T b) const {
    if (b == 0) return a;
    if constexpr (std::is_signed_v<T>) {
      if (b == -1) return 0;
    }
    return static_cast<T>(a % b);
  }
};

struct Negate {
  template <class T>
  T operator()(T a) const {
    return static_cast<T>(-wrapping(a));
  }
};

struct Absolute {
  template <class T>
  T operator()(T a) const {
    if constexpr (std::is_floating_point_v<T>) {
      return std::fabs(a);
    } else {
      return a < 0 ? static_cast<T>(-wrapping(a)) : a;
    }
  }
};

// The operand that is a number; -0 is less than +0.
template <bool smaller>
struct Extreme {
  template <class T>
  T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      if (a != a) return b;
      if (b != b) return a;
      if (a == b) return std::signbit(a) == smaller ? a : b;
    }
    return (a < b) == smaller ? a : b;
  }
};

struct ShiftLeft {
  template <class T>
  T operator()(T a, std::uint32_t count) const {
    return count >= 8 * sizeof(T) ? T{0} : static_cast<T>(wrapping(a) << count);
  }
};

struct ShiftRight {
  template <class T>
  T operator()(T a, std::uint32_t count) const {
    constexpr auto bits = static_cast<std::uint32_t>(8 * sizeof(T));
    if (count >= bits) return std::is_signed_v<T> && a < 0 ? static_cast<T>(-1) : T{0};
    return static_cast<T>(a >> count);
  }
};

template <class T>
struct Wide;
template <>
struct Wide<std::int16_t> {
  using type = std::int32_t;
};
template <>
struct Wide<std::uint16_t> {
  using type = std::uint32_t;
};
template <>
struct Wide<std::int32_t> {
  using type = std::int64_t;
};
template <>
struct Wide<std::uint32_t> {
  using type = std::uint64_t;
};

// a * b in twice the width.
template <class T>
void multiply_wide(Warp& warp, const Instruction& in, std::uint32_t lanes) {
  using W = typename Wide<T>::type;
  std::uint64_t* const to = warp.row(in.operands[0]);
  const std::uint64_t* const a = warp.source(in.operands[1]);
  const std::uint64_t* const b = warp.source(in.operands[2]);
  for_lanes(lanes, [&](int l) { to[l] = put(static_cast<W>(W{get<T>(a[l])} * W{get<T>(b[l])})); });
}

// The first bits of 1 / x.
void approximate_reciprocal(Warp& warp, const Instruction& in, std::uint32_t lanes) {
  std::uint64_t* const to = warp.row(in.operands[0]);
  const std::uint64_t* const a = warp.source(in.operands[1]);
  for_lanes(lanes,
            [&](int l) { to[l] = put(1.0 / get<double>(a[l])) & ~std::uint64_t{0xFFFFFFFF}; });
}

template <class T>
void select(Warp& warp, const Instruction& in, std::uint32_t lanes) {
  std::uint64_t* const to = warp.row(in.operands[0]);
  const std::uint64_t* const a = warp.source(in.operands[1]);
  const std::uint64_t* const b = warp.source(in.operands[2]);
  const std::uint64_t* const which = warp.source(in.operands[3]);
  for_lanes(lanes, [&](int l) { to[l] = put(get<T>((which[l] & 1u) != 0 ? a[l] : b[l])); });
}

// Also between registers of one size and vectors of smaller ones.
template <class T>
void move(Warp& warp, const Instruction& in, std::uint32_t lanes) {
  const auto bits = static_cast<unsigned>(8 * sizeof(T)) / static_cast<unsigned>(in.width);
  const std::uint64_t part = bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
  const auto width = static_cast<std::size_t>(in.width);
  for_lanes(lanes, [&](int l) {
    if (in.width == 1) {
      warp.row(in.operands[0])[l] = put(get<T>(warp.source(in.operands[1])[l]));
    } else if (in.offsets[0] == 1) {  // packs
      std::uint64_t value = 0;
      for (std::size_t k = 0; k < width; ++k)
        value |= (warp.source(in.operands[1 + k])[l] & part) << (k * bits);
      warp.row(in.operands[0])[l] = value;
    } else {
      const std::uint64_t value = warp.source(in.operands[width])[l];
      for (std::size_t k = 0; k < width; ++k)
        warp.row(in.operands[k])[l] = value >> (k * bits) & part;
    }
  });
}

void move_predicate(Warp& warp, const Instruction& in, std::uint32_t lanes) {
  std::uint64_t* const to = warp.row(in.operands[0]);
  const std::uint64_t* const a = warp.source(in.operands[1]);
  for_lanes(lanes, [&](int l) { to[l] = a[l] != 0 ? 1 : 0; });
}

// Bytes of two registers, each chosen by four bits, of which the highest repeats the byte's sign.
void permute(Warp& warp, const Instruction& in, std::uint32_t lanes) {
  std::uint64_t* const to = warp.row(in.operands[0]);
  const std::uint64_t* const a = warp.source(in.operands[1]);
  const std::uint64_t* const b = warp.source(in.operands[2]);
  const std::uint64_t* const chosen = warp.source(in.operands[3]);
  for_lanes(lanes, [&](int l) {
    const std::uint64_t bytes = (b[l] & 0xFFFFFFFF) << 32 | (a[l] & 0xFFFFFFFF);
    std::uint64_t result = 0;
    for (unsigned k = 0; k < 4; ++k) {
      const auto choice = static_cast<unsigned>(chosen[l] >> (4 * k)) & 15u;
      std::uint64_t byte = bytes >> (8 * (choice & 7u)) & 0xFF;
      if ((choice & 8u) != 0) byte = (byte & 0x80) != 0 ? 0xFF : 0;
      result |= byte << (8 * k);
    }
    to[l] = result;
  });
}

// The upper half of b and a, shifted left by the shift's lowest five bits.
void funnel_shift_left(Warp& warp, const Instruction& in, std::uint32_t lanes) {
  std::uint64_t* const to = warp.row(in.operands[0]);
  const std::uint64_t* const a = warp.source(in.operands[1]);
  const std::uint64_t* const b = warp.source(in.operands[2]);
  const std::uint64_t* const shift = warp.source(in.operands[3]);
  for_lanes(lanes, [&](int l) {
    const std::uint64_t both = (b[l] & 0xFFFFFFFF) << 32 | (a[l] & 0xFFFFFFFF);
    to[l] = both << (shift[l] & 31) >> 32;
  });
}

// b with a's lowest bits at a place.
void insert_bits(Warp& warp, const Instruction& in, std::uint32_t lanes) {
  std::uint64_t* const to = warp.row(in.operands[0]);
  const std::uint64_t* const a = warp.source(in.operands[1]);
  const std::uint64_t* const b = warp.source(in.operands[2]);
  const std::uint64_t* const place = warp.source(in.operands[3]);
  const std::uint64_t* const length = warp.source(in.operands[4]);
  for_lanes(lanes, [&](int l) {
    const std::uint64_t first = place[l] & 0xFF;
    const std::uint64_t count = length[l] & 0xFF;
    std::uint64_t mask = 0;
    for (std::uint64_t i = first; i < std::min<std::uint64_t>(first + count, 32); ++i)
      mask |= std::uint64_t{1} << i;
    const std::uint64_t inserted = first < 32 ? a[l] << first : 0;
    to[l] = ((b[l] & ~mask) | (inserted & mask)) & 0xFFFFFFFF;
  });
}

double value_of(Half half) {
  const int exponent = half.bits >> 10 & 31;
  const int fraction = half.bits & 1023;
  double value = 0;
  if (exponent == 31) {
    value = fraction == 0 ? std::numeric_limits<double>::infinity()
                          : std::numeric_limits<double>::quiet_NaN();
  } else {
    value = std::ldexp(exponent == 0 ? fraction : fraction + 1024, std::max(exponent, 1) - 25);
  }
  return (half.bits & 0x8000) != 0 ? -value : value;
}

// To the nearest, of two to the even one.
Half half_of(float value) {
  const auto sign = static_cast<std::uint16_t>(std::signbit(value) ? 0x8000 : 0);
  if (value != value) return {0x7FFF};
  const double magnitude = std::fabs(double{value});
  if (magnitude >= 65520) return {static_cast<std::uint16_t>(sign | 0x7C00)};
  const int exponent = magnitude == 0 ? -14 : std::max(std::ilogb(magnitude), -14);
  const double fraction = std::nearbyint(std::ldexp(magnitude, 10 - exponent));  // up to 2048
  const int bits = fraction < 1024 ? static_cast<int>(fraction)
                                   : (exponent + 14) * 1024 + static_cast<int>(fraction);
  return {static_cast<std::uint16_t>(sign | bits)};
}

template <class T>
T rounded(T value, Rounding rounding) {
  switch (rounding) {
    case Rounding::nearest:
      return std::nearbyint(value);
    case Rounding::zero:
      return std::trunc(value);
    case Rounding::down:
      return std::floor(value);
    case Rounding::up:
      return std::ceil(value);
    case Rounding::none:
      break;
  }
  return value;
}

template <class To, class From>
To converted(From value, Rounding rounding, bool to_integer) {
  if constexpr (std::is_same_v<From, Half>) {
    return converted<To>(static_cast<float>(value_of(value)), rounding, to_integer);
  } else if constexpr (std::is_same_v<To, Half>) {
    return half_of(static_cast<float>(value));
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    // Out of range: the nearest there is. Not a number: 0.
    const From whole = rounded(value, rounding);
    if (whole != whole) return 0;
    const auto above = std::ldexp(From{1}, std::numeric_limits<To>::digits);
    if (whole >= above) return std::numeric_limits<To>::max();
    if (whole <= (std::is_signed_v<To> ? -above : From{0})) return std::numeric_limits<To>::min();
    return static_cast<To>(whole);
  } else if constexpr (std::is_floating_point_v<From> && std::is_same_v<From, To>) {
    return to_integer ? rounded(value, rounding) : value;
  } else {
    return static_cast<To>(value);  // rounded to the nearest where it must be
  }
}

template <class To, class From>
void convert(Warp& warp, const Instruction& in, std::uint32_t lanes) {
  std::uint64_t* const to = warp.row(in.operands[0]);
  const std::uint64_t* const a = warp.source(in.operands[1]);
  for_lanes(lanes, [&](int l) { to[l] = put(converted<To>(get<From>(a[l]), in.rounding, true)); });
}

// Which lanes are here together: on a GPU, at least these.
void active_mask(Warp& warp, const Instruction& in, std::uint32_t lanes) {
  std::uint64_t* const to = warp.row(in.operands[0]);
  for_lanes(lanes, [&](int l) { to[l] = lanes; });
}

// Each lane gets the value of the lane whose number differs in some bits, if it is one of those
// that take part, which must all be here; and whether there is one.
void shuffle_butterfly(Warp& warp, const Instruction& in, std::uint32_t lanes) {
  std::uint64_t* const to = warp.row(in.operands[0]);
  std::uint64_t* const found = warp.row(in.operands.back());
  const std::uint64_t* const bits = warp.source(in.operands[2]);
  const std::uint64_t* const members = warp.source(in.operands[4]);
  std::array<std::uint64_t, lanes_of_a_warp> given;
  std::copy_n(warp.source(in.operands[1]), given.size(), given.begin());
  for_lanes(lanes, [&](int l) {
    const auto taking_part = static_cast<std::uint32_t>(members[l]);
    if ((taking_part & ~lanes) != 0 || (taking_part >> l & 1u) == 0) {
      warp.fault("a shuffle whose lanes are not those that are here: " + in.text, l);
    }
    const auto from = static_cast<std::uint32_t>(l) ^ static_cast<std::uint32_t>(bits[l] & 31u);
    to[l] = given[(taking_part >> from & 1u) != 0 ? from : static_cast<std::uint32_t>(l)];
    found[l] = taking_part >> from & 1u;
  });
}

void to_shared(Warp& warp, const Instruction& in, std::uint32_t lanes) {
  std::uint64_t* const to = warp.row(in.operands[0]);
  const std::uint64_t* const a = warp.source(in.operands[1]);
  for_lanes(lanes, [&](int l) { to[l] = a[l] - warp.shared_base(); });
}

void from_shared(Warp& warp, const Instruction& in, std::uint32_t lanes) {
  std::uint64_t* const to = warp.row(in.operands[0]);
  const std::uint64_t* const a = warp.source(in.operands[1]);
  for_lanes(lanes, [&](int l) { to[l] = a[l] + warp.shared_base(); });
}

Address address_of(Warp& warp, const Operand& base, std::int64_t offset, int lane) {
  return warp.source(base)[lane] + static_cast<Address>(offset);
}

template <class T>
void load(Warp& warp, const Instruction& in, std::uint32_t lanes) {
  const auto width = static_cast<std::size_t>(in.width);
  const Operand& base = in.operands[width];
  const std::uint8_t* from = nullptr;
  std::array<Address, lanes_of_a_warp> addresses;
  for_lanes(lanes, [&](int l) {
    if (!base.constant || from == nullptr) {  // all lanes read one parameter
      const Address address = address_of(warp, base, in.offsets[0], l);
      addresses[static_cast<std::size_t>(l)] = address;
      from = warp.read(in, address, sizeof(T) * width, l);
    }
    for (std::size_t k = 0; k < width; ++k) {
      T value;
      std::memcpy(&value, from + k * sizeof(T), sizeof(T));
      warp.row(in.operands[k])[l] = put(value);
    }
  });
  if (!base.constant) warp.count(in, addresses, lanes, sizeof(T) * width, false);
}

template <class T>
void store(Warp& warp, const Instruction& in, std::uint32_t lanes) {
  const auto width = static_cast<std::size_t>(in.width);
  std::array<Address, lanes_of_a_warp> addresses;
  for_lanes(lanes, [&](int l) {
    const Address address = address_of(warp, in.operands[0], in.offsets[0], l);
    addresses[static_cast<std::size_t>(l)] = address;
    std::uint8_t* const to = warp.write(in, address, sizeof(T) * width, l);
    for (std::size_t k = 0; k < width; ++k) {
      const T value = get<T>(warp.source(in.operands[1 + k])[l]);
      std::memcpy(to + k * sizeof(T), &value, sizeof(T));
    }
  });
  warp.count(in, addresses, lanes, sizeof(T) * width, true);
}

template <class T>
void atomic_add(Warp& warp, const Instruction& in, std::uint32_t lanes) {
  for_lanes(lanes, [&](int l) {
    const Address address = address_of(warp, in.operands[1], in.offsets[0], l);
    T value;
    std::memcpy(&value, warp.read(in, address, sizeof(T), l), sizeof(T));
    const T sum = static_cast<T>(Add()(value, get<T>(warp.source(in.operands[2])[l])));
    std::memcpy(warp.write(in, address, sizeof(T), l), &sum, sizeof(T));
    warp.row(in.operands[0])[l] = put(value);
  });
}

void copy_async(Warp& warp, const Instruction& in, std::uint32_t lanes) {
  std::array<Address, lanes_of_a_warp> sources;
  std::size_t bytes = 0;
  for_lanes(lanes, [&](int l) {
    bytes = static_cast<std::size_t>(warp.source(in.operands[2])[l]);
    const auto copied = static_cast<std::size_t>(warp.source(in.operands[3])[l]);
    const Address source = address_of(warp, in.operands[1], in.offsets[1], l);
    sources[static_cast<std::size_t>(l)] = source;
    warp.copy_later(in, address_of(warp, in.operands[0], in.offsets[0], l), source, bytes, copied,
                    l);
  });
  warp.count(in, sources, lanes, bytes, false);
}

void commit_copies(Warp& warp, const Instruction&, std::uint32_t lanes) {
  warp.commit_copies(lanes);
}

void wait_copies(Warp& warp, const Instruction& in, std::uint32_t lanes) {
  warp.wait_copies(lanes, warp.source(in.operands[0])[0]);
}

void nothing(Warp&, const Instruction&, std::uint32_t) {}

// ---- From names to these.

template <class T>
struct Type {
  using type = T;
};

// Calls f with a type's name as a Type; nullptr for one it does not know.
template <class F>
Handler with_type(std::string_view name, F f) {
  if (name == "u8" || name == "b8") return f(Type<std::uint8_t>());
  if (name == "s8") return f(Type<std::int8_t>());
  if (name == "u16" || name == "b16") return f(Type<std::uint16_t>());
  if (name == "s16") return f(Type<std::int16_t>());
  if (name == "u32" || name == "b32") return f(Type<std::uint32_t>());
  if (name == "s32") return f(Type<std::int32_t>());
  if (name == "u64" || name == "b64") return f(Type<std::uint64_t>());
  if (name == "s64") return f(Type<std::int64_t>());
  if (name == "f16") return f(Type<Half>());
  if (name == "f32") return f(Type<float>());
  if (name == "f64") return f(Type<double>());
  return nullptr;
}

template <class F>
Handler with_number(std::string_view name, F f) {
  return with_type(name, [&](auto t) -> Handler {
    if constexpr (std::is_same_v<typename decltype(t)::type, Half>) {
      return nullptr;
    } else {
      return f(t);
    }
  });
}

template <class F>
Handler with_integer(std::string_view name, F f) {
  return with_type(name, [&](auto t) -> Handler {
    if constexpr (is_floating<typename decltype(t)::type>) {
      return nullptr;
    } else {
      return f(t);
    }
  });
}

template <class F>
Handler with_float(std::string_view name, F f) {
  return with_number(name, [&](auto t) -> Handler {
    if constexpr (is_floating<typename decltype(t)::type>) {
      return f(t);
    } else {
      return nullptr;
    }
  });
}

template <class Function>
Handler binary_number(std::string_view type) {
  return with_number(
      type, [](auto t) -> Handler { return binary<typename decltype(t)::type, Function>; });
}
template <class Function>
Handler binary_integer(std::string_view type) {
  return with_integer(
      type, [](auto t) -> Handler { return binary<typename decltype(t)::type, Function>; });
}
template <class Function>
Handler unary_number(std::string_view type) {
  return with_number(type,
                     [](auto t) -> Handler { return unary<typename decltype(t)::type, Function>; });
}
template <class Function>
Handler comparison(std::string_view type) {
  return with_number(
      type, [](auto t) -> Handler { return compare<typename decltype(t)::type, Function>; });
}

Handler comparison_of(std::string_view relation, std::string_view type) {
  if (relation == "eq") return comparison<Equal>(type);
  if (relation == "ne") return comparison<NotEqual>(type);
  if (relation == "lt" || relation == "lo") return comparison<Less>(type);
  if (relation == "le" || relation == "ls") return comparison<LessEqual>(type);
  if (relation == "gt" || relation == "hi") return comparison<Greater>(type);
  if (relation == "ge" || relation == "hs") return comparison<GreaterEqual>(type);
  if (relation == "equ") return comparison<EqualOrNan>(type);
  if (relation == "neu") return comparison<NotEqualOrNan>(type);
  if (relation == "ltu") return comparison<LessOrNan>(type);
  if (relation == "leu") return comparison<LessEqualOrNan>(type);
  if (relation == "gtu") return comparison<GreaterOrNan>(type);
  if (relation == "geu") return comparison<GreaterEqualOrNan>(type);
  if (relation == "num") return comparison<Numbers>(type);
  if (relation == "nan") return comparison<EitherNan>(type);
  return nullptr;
}

Handler conversion_of(std::string_view to, std::string_view from) {
  return with_type(to, [&](auto t) -> Handler {
    return with_type(from, [&](auto f) -> Handler {
      return convert<typename decltype(t)::type, typename decltype(f)::type>;
    });
  });
}

std::vector<std::string_view> words_of(std::string_view operation) {
  std::vector<std::string_view> words;
  while (!operation.empty()) {
    const std::size_t dot = operation.find('.');
    words.push_back(operation.substr(0, dot));
    operation.remove_prefix(dot == std::string_view::npos ? operation.size() : dot + 1);
  }
  return words;
}

Handler memory_access(const std::vector<std::string_view>& words, Instruction& instruction) {
  for (std::size_t i = 1; i + 1 < words.size(); ++i) {
    const std::string_view word = words[i];
    if (word == "global") {
      instruction.space = Space::global;
    } else if (word == "shared") {
      instruction.space = Space::shared;
    } else if (word != "param" && word != "v2" && word != "v4" && word != "nc" && word != "wb" &&
               word != "cs" && word != "cg" && word != "ca" && word != "volatile") {
      return nullptr;
    }
  }
  return with_number(words.back(), [&](auto t) -> Handler {
    using T = typename decltype(t)::type;
    return words[0] == "ld" ? load<T> : store<T>;
  });
}

Handler find_handler(const std::vector<std::string_view>& words, Instruction& instruction) {
  const std::string_view name = words[0];
  const std::string_view type = words.back();
  const auto is = [&](std::size_t count) { return words.size() == count; };
  const bool rounds = is(3) && words[1] == "rn";  // the one rounding of arithmetic that is known
  if (name == "ld" || name == "st") return memory_access(words, instruction);
  if (name == "mov" && is(2)) {
    if (type == "pred") return move_predicate;
    return with_number(type, [](auto t) -> Handler { return move<typename decltype(t)::type>; });
  }
  if (name == "add" && (is(2) || rounds)) return binary_number<Add>(type);
  if (name == "sub" && (is(2) || rounds)) return binary_number<Subtract>(type);
  if (name == "mul" && (is(2) || rounds)) {
    return with_float(
        type, [](auto t) -> Handler { return binary<typename decltype(t)::type, Multiply>; });
  }
  if (name == "mul" && is(3) && words[1] == "lo") return binary_integer<Multiply>(type);
  if (name == "mul" && is(3) && words[1] == "wide") {
    return with_integer(type, [](auto t) -> Handler {
      using T = typename decltype(t)::type;
      if constexpr (sizeof(T) == 2 || sizeof(T) == 4) {
        return multiply_wide<T>;
      } else {
        return nullptr;
      }
    });
  }
  if (name == "mad" && is(3) && words[1] == "lo") {
    return with_integer(
        type, [](auto t) -> Handler { return ternary<typename decltype(t)::type, MultiplyAdd>; });
  }
  if (name == "fma" && rounds) {
    return with_float(type, [](auto t) -> Handler {
      return ternary<typename decltype(t)::type, FusedMultiplyAdd>;
    });
  }
  if (name == "div" && (is(2) || rounds)) return binary_number<Divide>(type);
  if (name == "rem" && is(2)) return binary_integer<Remainder>(type);
  if (name == "neg" && is(2)) return unary_number<Negate>(type);
  if (name == "abs" && is(2)) return unary_number<Absolute>(type);
  if (name == "min" && is(2)) return binary_number<Extreme<true>>(type);
  if (name == "max" && is(2)) return binary_number<Extreme<false>>(type);
  if (name == "rcp" && is(4) && words[1] == "approx" && type == "f64")
    return approximate_reciprocal;
  const std::string_view bits = type == "pred" ? std::string_view("b8") : type;
  if (name == "and" && is(2)) return binary_integer<And>(bits);
  if (name == "or" && is(2)) return binary_integer<Or>(bits);
  if (name == "xor" && is(2)) return binary_integer<ExclusiveOr>(bits);
  if (name == "not" && type == "pred") return unary<std::uint8_t, NotPredicate>;
  if (name == "not" && is(2)) {
    return with_integer(type,
                        [](auto t) -> Handler { return unary<typename decltype(t)::type, Not>; });
  }
  if (name == "shl" && is(2)) {
    return with_integer(
        type, [](auto t) -> Handler { return shift<typename decltype(t)::type, ShiftLeft>; });
  }
  if (name == "shr" && is(2)) {
    return with_integer(
        type, [](auto t) -> Handler { return shift<typename decltype(t)::type, ShiftRight>; });
  }
  if (name == "setp" && is(3)) return comparison_of(words[1], type);
  if (name == "selp" && is(2)) {
    return with_number(type, [](auto t) -> Handler { return select<typename decltype(t)::type>; });
  }
  if (name == "cvt" && (is(3) || is(4))) {
    if (is(4)) {
      const std::string_view rounding = words[1];
      if (rounding == "rni") {
        instruction.rounding = Rounding::nearest;
      } else if (rounding == "rzi") {
        instruction.rounding = Rounding::zero;
      } else if (rounding == "rmi") {
        instruction.rounding = Rounding::down;
      } else if (rounding == "rpi") {
        instruction.rounding = Rounding::up;
      } else if (rounding != "rn") {
        return nullptr;
      }
    }
    return conversion_of(words[words.size() - 2], type);
  }
  if (name == "prmt" && is(2)) return permute;
  if (name == "shf" && is(4) && words[1] == "l" && words[2] == "wrap") return funnel_shift_left;
  if (name == "bfi" && is(2) && type == "b32") return insert_bits;
  if (name == "cvta" && type == "u64") {
    const bool to = words[1] == "to";
    if (words[words.size() - 2] == "shared") return to ? to_shared : from_shared;
    return move<std::uint64_t>;
  }
  if (name == "atom" && words[words.size() - 2] == "add") {
    return with_integer(type,
                        [](auto t) -> Handler { return atomic_add<typename decltype(t)::type>; });
  }
  if (name == "activemask" && is(2)) return active_mask;
  if (name == "shfl" && is(4) && words[1] == "sync" && words[2] == "bfly") {
    return shuffle_butterfly;
  }
  if (name == "membar" || name == "fence") return nothing;
  if (name == "bar" && is(2) && words[1] == "sync") {
    instruction.flow = Flow::barrier;
    return nothing;
  }
  if (name == "cp" && is(5) && words[1] == "async" && words[3] == "shared") {
    instruction.space = Space::shared;
    return copy_async;
  }
  if (name == "cp" && is(3) && words[2] == "commit_group") return commit_copies;
  if (name == "cp" && is(3) && words[2] == "wait_group") return wait_copies;
  return nullptr;
}

}  // namespace

Handler handler_of(std::string_view operation, Instruction& instruction) {
  const Handler handler = find_handler(words_of(operation), instruction);
  if (handler == nullptr) {
    throw std::runtime_error("emulated device: an operation that is not known: " +
                             std::string(operation));
  }
  return handler;
}

}  // namespace emulated
