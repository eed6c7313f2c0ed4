// What a program owes its user during a long run: how far it is, and a clean stop on Ctrl-C.
#pragma once

#include <cstdint>
#include <string>

namespace long_run {

/// Exit status of a program that stopped when it was interrupted.
constexpr int exit_interrupted = 130;

/// From this call on, the first interrupt (SIGINT, which is Ctrl-C, or SIGTERM) is noted and does
/// not end the process; a second one of the same kind does.
void note_interrupts();
bool is_interrupted();

/// A line on the terminal that says how far a loop is; nothing where nobody watches.
class Progress {
 public:
  Progress(const char* activity, std::int64_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void report(std::int64_t done) const;

 private:
  const char* activity_;
  std::int64_t total_;
  bool visible_;
};

/// Writes a file, whole. Throws `std::runtime_error` naming it where that cannot be done.
void write_file(const std::string& path, const std::string& content);

}  // namespace long_run
