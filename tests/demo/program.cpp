#include "demo/program.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>
#include <thread>

namespace demo {
namespace {

/// A folder of this process's own, which goes when it ends.
class ScratchFolder {
 public:
  ScratchFolder() : path_(::testing::TempDir() + "demo_test_XXXXXX") {
    if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error("cannot make " + path_);
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Our end of a new terminal.
int open_terminal() {
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (terminal == -1 || grantpt(terminal) != 0 || unlockpt(terminal) != 0) {
    throw std::runtime_error("cannot make a terminal");
  }
  return terminal;
}

}  // namespace

Program::Program(const std::string& path, const std::vector<std::string>& arguments, Error error)
    : output_path_(scratch_path("output")), error_path_(scratch_path("error")) {
  if (error == Error::to_terminal) {
    terminal_ = open_terminal();
    error_path_ = ptsname(terminal_);
  }
  std::vector<std::string> texts = arguments;
  texts.insert(texts.begin(), path);
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  constexpr int flags = O_WRONLY | O_CREAT | O_TRUNC;
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, output_path_.c_str(), flags, 0600);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, error_path_.c_str(), flags, 0600);
  const int failure =
      posix_spawn(&process_, path.c_str(), &files, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (failure != 0) throw std::runtime_error("cannot start " + path);
}

bool Program::has_ended() const {
  siginfo_t ended = {};
  return waitid(P_PID, static_cast<id_t>(process_), &ended, WEXITED | WNOHANG | WNOWAIT) != 0 ||
         ended.si_pid != 0;
}

void Program::wait_for_output(const std::string& beginning) const {
  while (file_content(output_path_).compare(0, beginning.size(), beginning) != 0) {
    if (has_ended()) {
      throw std::runtime_error("the program ended without printing " + beginning);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

Program::~Program() {
  if (terminal_ != -1) close(terminal_);
}

bool Program::read_terminal() {
  char text[256];
  const ssize_t count = read(terminal_, text, sizeof text);
  if (count > 0) shown_.append(text, static_cast<std::size_t>(count));
  return count > 0;
}

void Program::wait_for_terminal(const std::string& text) {
  while (shown_.find(text) == std::string::npos) {
    if (!read_terminal()) throw std::runtime_error("the program ended without showing " + text);
  }
}

void Program::send(int signal) const { kill(process_, signal); }

Outcome Program::wait() {
  if (terminal_ != -1) {
    while (read_terminal()) continue;
  }
  int status = 0;
  if (waitpid(process_, &status, 0) != process_) throw std::runtime_error("lost the program");
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, file_content(output_path_),
          terminal_ == -1 ? file_content(error_path_) : shown_};
}

Outcome run_program(const std::string& path, const std::vector<std::string>& arguments) {
  return Program(path, arguments).wait();
}

std::string scratch_path(const std::string& name) {
  static const ScratchFolder folder;
  static int count = 0;
  return folder.path() + "/" + std::to_string(count++) + "_" + name;
}

std::string scratch_file(const std::string& name, const std::string& content) {
  const std::string path = scratch_path(name);
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

std::string file_content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace demo
