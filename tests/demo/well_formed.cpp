#include "demo/well_formed.hpp"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <set>
#include <string_view>
#include <vector>

namespace demo {
namespace {

class Fault {
 public:
  explicit Fault(std::string_view text) : text_(text) {}
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

class Reader {
 public:
  explicit Reader(std::string_view document) : rest_(document) {}

  void read_document() {
    take("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    take_blanks();
    bool root_seen = false;
    while (!rest_.empty()) {
      if (rest_[0] != '<') {
        read_text("<");
      } else if (take("</")) {
        read_end();
      } else {
        if (open_.empty() && root_seen) throw Fault("a second root");
        root_seen = true;
        read_start();
      }
      if (open_.empty()) take_blanks();
    }
    if (!open_.empty()) throw Fault("never closed: " + open_.back());
    if (!root_seen) throw Fault("no root");
  }

 private:
  bool take(std::string_view expected) {
    if (rest_.substr(0, expected.size()) != expected) return false;
    rest_.remove_prefix(expected.size());
    return true;
  }

  void require(std::string_view expected) {
    if (!take(expected)) {
      throw Fault("no " + std::string(expected) + " before " + std::string(rest_.substr(0, 40)));
    }
  }

  bool take_blanks() {
    const std::size_t count = std::min(rest_.find_first_not_of(" \n"), rest_.size());
    rest_.remove_prefix(count);
    return count > 0;
  }

  std::string take_name() {
    std::size_t length = 0;
    while (length < rest_.size()) {
      const auto character = static_cast<unsigned char>(rest_[length]);
      const bool inner = character == '-' || character == ':' || std::isdigit(character) != 0;
      if (std::isalpha(character) == 0 && !(inner && length > 0)) break;
      ++length;
    }
    if (length == 0) throw Fault("no name before " + std::string(rest_.substr(0, 40)));
    const std::string name(rest_.substr(0, length));
    rest_.remove_prefix(length);
    return name;
  }

  /// Characters and entities up to the first of `ends`.
  void read_text(std::string_view ends) {
    if (ends == "<" && open_.empty()) throw Fault("text outside the root");
    while (!rest_.empty() && ends.find(rest_[0]) == std::string_view::npos) {
      if (rest_[0] == '<' || rest_[0] == '>') throw Fault("a bracket that is not escaped");
      if (rest_[0] == '&') {
        const bool entity = take("&amp;") || take("&lt;") || take("&gt;") || take("&quot;");
        if (!entity) throw Fault("an ampersand that is not escaped");
      } else {
        rest_.remove_prefix(1);
      }
    }
  }

  void read_start() {
    require("<");
    const std::string name = take_name();
    std::set<std::string> attributes;
    while (take_blanks() && rest_.substr(0, 1) != ">" && rest_.substr(0, 1) != "/") {
      if (!attributes.insert(take_name()).second) throw Fault("an attribute twice in " + name);
      require("=\"");
      read_text("\"");
      require("\"");
    }
    if (take("/>")) return;
    require(">");
    open_.push_back(name);
  }

  void read_end() {
    const std::string name = take_name();
    require(">");
    if (open_.empty() || open_.back() != name) throw Fault("closes what is not open: " + name);
    open_.pop_back();
  }

  std::string_view rest_;
  std::vector<std::string> open_;
};

}  // namespace

std::string xml_fault(const std::string& document) {
  try {
    Reader(document).read_document();
  } catch (const Fault& fault) {
    return fault.text();
  }
  return "";
}

}  // namespace demo
