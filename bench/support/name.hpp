// Names of benches: operation/subject/.../backend/type/B:32/N:65536/R:11.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>

#include "cusynapse/ops.hpp"

namespace cusynapse::bench {

template <class T>
constexpr const char* type_name = "float";
template <>
inline constexpr const char* type_name<double> = "double";

/// The type that traces or planned weights of T are stored as.
template <class T>
const char* stored_name(StorageType storage) {
  if (storage == StorageType::float16) return "float16";
  if (storage == StorageType::bfloat16) return "bfloat16";
  return type_name<T>;
}

inline std::string bench_name(std::initializer_list<std::string> words,
                              std::initializer_list<std::pair<const char*, std::int64_t>> sizes) {
  std::string name;
  for (const std::string& word : words) {
    if (!name.empty()) name += '/';
    name += word;
  }
  for (const auto& [key, value] : sizes) {
    name += '/';
    name += key;
    name += ':' + std::to_string(value);
  }
  return name;
}

}  // namespace cusynapse::bench
