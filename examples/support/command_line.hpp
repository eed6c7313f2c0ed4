// What the examples read from their command lines.
#pragma once

#include <charconv>
#include <cstddef>
#include <cusynapse/stream.hpp>
#include <stdexcept>
#include <string>
#include <system_error>

namespace command_line {

/// A command line that makes no sense. `what()` says what was given and what is expected.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Reads a number from all of the text from `first` on; says whether it is one.
template <class Number>
bool read_number(const std::string& text, std::size_t first, Number& number) {
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data() + first, end, number);
  return error == std::errc() && stopped == end;
}

/// The device that cpu, cuda:0, cuda:1, ... names. Throws `UsageError`.
cusynapse::Device parse_device(const std::string& text);

}  // namespace command_line
