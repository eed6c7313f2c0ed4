// Programs run as a user runs them.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace demo {

/// How a program ended and what it said.
struct Outcome {
  int exit_code = -1;  ///< -1 when a signal ended it
  std::string output;
  std::string error;
};

/// A program that runs, its standard output and error going to files of its own.
class Program {
 public:
  /// Where its standard error goes: a terminal is one of its own, read by `wait_for_terminal`.
  enum class Error { to_file, to_terminal };

  Program(const std::string& path, const std::vector<std::string>& arguments,
          Error error = Error::to_file);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// Waits until its standard output begins with the text. Throws if it ends before.
  void wait_for_output(const std::string& beginning) const;
  /// Waits until its terminal has shown the text. Throws if it ends before.
  void wait_for_terminal(const std::string& text);
  void send(int signal) const;
  bool has_ended() const;
  Outcome wait();

 private:
  /// Adds what the terminal shows next to `shown_`; false when the program has closed it.
  bool read_terminal();

  pid_t process_ = -1;
  std::string output_path_;
  std::string error_path_;
  int terminal_ = -1;  ///< our end of it
  std::string shown_;
};

/// Runs a program to its end.
Outcome run_program(const std::string& path, const std::vector<std::string>& arguments);

/// A path in the tests' scratch folder that no other test of this process has.
std::string scratch_path(const std::string& name);

/// Writes a file into the scratch folder and returns its path.
std::string scratch_file(const std::string& name, const std::string& content);

std::string file_content(const std::string& path);

}  // namespace demo
