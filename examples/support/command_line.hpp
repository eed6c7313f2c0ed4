// What the examples read from their command lines, and how they end.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdio>
#include <cusynapse/stream.hpp>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

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

/// What a program can be told: the option's name, and what takes its value, or an empty one where
/// it has none.
struct Option {
  std::string name;
  std::function<void(const std::string& value)> take;
  bool has_value = true;
};

/// Has every option of a command line taken, in order, and returns whether it asks for help: up to
/// --help, which every program has. Throws `UsageError` for an unknown option and a missing value.
bool take_options(const std::vector<std::string>& arguments, const std::vector<Option>& options);

/// The device that cpu, cuda:0, cuda:1, ... names. Throws `UsageError`.
cusynapse::Device parse_device(const std::string& text);

/// Exit status of a program that could not do what it was asked for, and of one that was given
/// what makes no sense.
inline constexpr int exit_failed = 1;
inline constexpr int exit_wrong_input = 2;

/// What a program's main returns: the status of `run`, which gets the options that `parse` reads.
/// Prints the help instead where it is asked for, and what either throws, after the program's name.
template <class Options>
int run_program(const char* name, const char* help_text, const std::vector<std::string>& arguments,
                Options (*parse)(const std::vector<std::string>&), int (*run)(const Options&)) {
  try {
    const Options options = parse(arguments);
    if (options.help) {
      std::fputs(help_text, stdout);
      return 0;
    }
    return run(options);
  } catch (const UsageError& error) {
    std::fprintf(stderr, "%s: %s\n", name, error.what());
    return exit_wrong_input;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", name, error.what());
    return exit_failed;
  }
}

}  // namespace command_line
