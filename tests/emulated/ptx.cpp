#include "emulated/ptx.hpp"

#include <cctype>
#include <charconv>
#include <stdexcept>

namespace emulated {
namespace {

[[noreturn]] void fail(const std::string& what, std::string_view where) {
  throw std::runtime_error("emulated device: " + what + ": " + std::string(where));
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())))
    text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())))
    text.remove_suffix(1);
  return text;
}

// The first word, which is taken off the text.
std::string_view take_word(std::string_view& text) {
  text = trimmed(text);
  std::size_t length = 0;
  while (length < text.size() && !std::isspace(static_cast<unsigned char>(text[length]))) ++length;
  const std::string_view word = text.substr(0, length);
  text.remove_prefix(length);
  return word;
}

// Comments become spaces, as do lines of debug information.
std::string without_comments(std::string text) {
  for (std::size_t i = text.find("//"); i != std::string::npos; i = text.find("//", i)) {
    while (i < text.size() && text[i] != '\n') text[i++] = ' ';
  }
  return text;
}

std::vector<std::string_view> split(std::string_view text) {  // at commas outside brackets
  std::vector<std::string_view> parts;
  int depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i == text.size() || (text[i] == ',' && depth == 0)) {
      const std::string_view part = trimmed(text.substr(begin, i - begin));
      if (!part.empty()) parts.push_back(part);
      begin = i + 1;
    } else if (text[i] == '{' || text[i] == '[' || text[i] == '(') {
      ++depth;
    } else if (text[i] == '}' || text[i] == ']' || text[i] == ')') {
      --depth;
    }
  }
  return parts;
}

std::uint64_t number_of(std::string_view text) {
  std::string_view digits = text;
  const bool negative = !digits.empty() && digits.front() == '-';
  if (negative) digits.remove_prefix(1);
  int base = 10;
  if (digits.size() > 2 && digits[0] == '0' &&
      (digits[1] == 'f' || digits[1] == 'd' || digits[1] == 'x' || digits[1] == 'X')) {
    digits.remove_prefix(2);  // the bits of a float, of a double, or of an integer
    base = 16;
  }
  if (!digits.empty() && digits.back() == 'U') digits.remove_suffix(1);
  std::uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc() || end != digits.data() + digits.size()) fail("not a number", text);
  return negative ? 0 - value : value;
}

bool is_number(std::string_view text) {
  return !text.empty() &&
         (text.front() == '-' || std::isdigit(static_cast<unsigned char>(text.front())));
}

// ".param .align 8 .b8 NAME[120]" or ".param .u64 NAME"
struct Declaration {
  std::string_view name;
  std::size_t alignment = 1;
  std::size_t bytes = 0;
};

Declaration declaration_of(std::string_view text) {
  Declaration result;
  std::size_t element = 0;
  for (std::string_view word = take_word(text); !word.empty(); word = take_word(text)) {
    if (word == ".param" || word == ".ptr" || word == ".global") continue;
    if (word == ".align") {
      result.alignment = static_cast<std::size_t>(number_of(take_word(text)));
    } else if (word.front() == '.') {
      element = static_cast<std::size_t>(number_of(word.substr(2))) / 8;
    } else {
      result.name = word;
    }
  }
  result.bytes = element;
  result.alignment = std::max(result.alignment, element);
  const std::size_t bracket = result.name.find('[');
  if (bracket != std::string_view::npos) {
    result.bytes *= static_cast<std::size_t>(
        number_of(result.name.substr(bracket + 1, result.name.find(']') - bracket - 1)));
    result.name = result.name.substr(0, bracket);
  }
  if (element == 0 || result.name.empty()) fail("a declaration of an unknown form", result.name);
  return result;
}

// The texts of the parentheses of a header: (results) name (parameters), or name (parameters).
std::vector<std::string_view> parentheses_of(std::string_view header) {
  std::vector<std::string_view> found;
  for (std::size_t i = header.find('('); i != std::string_view::npos; i = header.find('(', i)) {
    const std::size_t end = header.find(')', i);
    found.push_back(header.substr(i + 1, end - i - 1));
    i = end;
  }
  return found;
}

Special special_of(std::string_view name) {
  static const std::map<std::string_view, Special> names = {
      {"%tid.x", Special::tid_x},       {"%tid.y", Special::tid_y},
      {"%tid.z", Special::tid_z},       {"%ntid.x", Special::ntid_x},
      {"%ntid.y", Special::ntid_y},     {"%ntid.z", Special::ntid_z},
      {"%ctaid.x", Special::ctaid_x},   {"%ctaid.y", Special::ctaid_y},
      {"%ctaid.z", Special::ctaid_z},   {"%nctaid.x", Special::nctaid_x},
      {"%nctaid.y", Special::nctaid_y}, {"%nctaid.z", Special::nctaid_z}};
  const auto found = names.find(name);
  if (found == names.end()) fail("a special register that is not known", name);
  return found->second;
}

class KernelReader {
 public:
  KernelReader(const std::map<std::string, Module::Function>& functions,
               const std::vector<std::string>& shared, Kernel& kernel)
      : functions_(functions), kernel_(kernel) {
    for (const std::string& name : shared) symbols_[name] = constant(0);
  }

  void read_entry(const Module::Function& function) {
    const auto lists = parentheses_of(function.header);
    if (lists.empty()) fail("a kernel without parameters in parentheses", function.header);
    for (const std::string_view text : split(lists.back())) {
      const Declaration parameter = declaration_of(text);
      std::size_t& offset = kernel_.parameter_bytes;
      offset = (offset + parameter.alignment - 1) / parameter.alignment * parameter.alignment;
      kernel_.constants.push_back(offset);
      const auto index = static_cast<std::uint32_t>(kernel_.constants.size() - 1);
      kernel_.parameter_constants.push_back(index);
      symbols_[std::string(parameter.name)] = {index, true};
      kernel_.parameters.emplace_back(offset, parameter.bytes);
      offset += parameter.bytes;
    }
    const std::size_t most = function.header.find(".maxntid");
    if (most != std::string_view::npos) {
      const auto counts =
          split(function.header.substr(most + 8, function.header.find('\n', most) - most - 8));
      kernel_.most_threads = 1;
      for (const auto count : counts) kernel_.most_threads *= static_cast<int>(number_of(count));
    }
    read_body(function.body, "");
    if (kernel_.code.empty() || kernel_.code.back().flow != Flow::leave) {
      fail("a kernel that does not end with ret", kernel_.name);
    }
  }

 private:
  Operand constant(std::uint64_t value) {
    const auto [place, is_new] =
        constants_.emplace(value, static_cast<std::uint32_t>(kernel_.constants.size()));
    if (is_new) kernel_.constants.push_back(value);
    return {place->second, true};
  }

  Operand row(const std::string& name) {
    const auto [place, is_new] = rows_.emplace(name, kernel_.rows);
    if (is_new) ++kernel_.rows;
    return {place->second, false};
  }

  // A register, a number, the address of a parameter or of shared memory.
  Operand operand(std::string_view text, const std::string& prefix) {
    if (is_number(text)) return constant(number_of(text));
    const auto symbol = symbols_.find(std::string(text));
    if (symbol != symbols_.end()) return symbol->second;
    if (text == "_") return row("_");
    if (text.front() != '%') fail("an operand of an unknown form", text);
    if (text.find('.') == std::string_view::npos) return row(prefix + std::string(text));
    const std::string name(text);
    const bool is_new = rows_.count(name) == 0;
    const Operand result = row(name);
    if (is_new) kernel_.special.emplace_back(special_of(text), result.row);
    return result;
  }

  // The row of a parameter of a call, where the text is one's address.
  bool call_parameter(std::string_view text, const std::string& prefix, Operand& result) {
    if (text.size() < 2 || text.front() != '[') return false;
    std::string_view name = text.substr(1, text.size() - 2);
    const std::size_t plus = name.find('+');
    if (plus != std::string_view::npos) {
      if (number_of(name.substr(plus + 1)) != 0) return false;
      name = name.substr(0, plus);
    }
    const auto found = rows_.find(prefix + std::string(name));
    if (found == rows_.end() || name.front() == '%') return false;
    result = {found->second, false};
    return true;
  }

  void read_address(std::string_view text, const std::string& prefix, Operand& base,
                    std::int64_t& offset) {
    text = text.substr(1, text.size() - 2);
    const std::size_t plus = text.find('+');
    offset = plus == std::string_view::npos
                 ? 0
                 : static_cast<std::int64_t>(number_of(text.substr(plus + 1)));
    base = operand(trimmed(text.substr(0, plus)), prefix);
  }

  Instruction& add(std::string_view operation, std::string_view text) {
    Instruction& instruction = kernel_.code.emplace_back();
    instruction.text = std::string(text);
    if (!operation.empty()) instruction.handler = handler_of(operation, instruction);
    return instruction;
  }

  void move(Operand to, Operand from, std::string_view text) {
    Instruction& instruction = add("mov.b64", text);
    instruction.operands[0] = to;
    instruction.operands[1] = from;
  }

  void read_instruction(std::string_view text, const std::string& prefix) {
    const std::string_view whole = text;
    int predicate = -1;
    bool negated = false;
    if (text.front() == '@') {
      std::string_view name = take_word(text).substr(1);
      negated = name.front() == '!';
      if (negated) name.remove_prefix(1);
      predicate = static_cast<int>(row(prefix + std::string(name)).row);
    }
    const std::string_view operation = take_word(text);
    const auto parts = split(text);
    const auto starts = [operation](std::string_view start) {
      return operation.substr(0, start.size()) == start;
    };

    if (starts("call")) return read_call(parts, prefix, whole);
    Operand parameter;
    if (starts("ld.param") && parts.size() == 2 && call_parameter(parts[1], prefix, parameter)) {
      return move(operand(parts[0], prefix), parameter, whole);
    }
    if (starts("st.param") && parts.size() == 2 && call_parameter(parts[0], prefix, parameter)) {
      return move(parameter, operand(parts[1], prefix), whole);
    }

    if (operation == "bra" || operation == "bra.uni" || operation == "ret" || operation == "exit") {
      Instruction& instruction = add("", whole);
      instruction.predicate = predicate;
      instruction.negated = negated;
      if (operation.front() == 'b') {
        instruction.flow = Flow::branch;
        jumps_.emplace_back(kernel_.code.size() - 1, prefix + std::string(parts.at(0)));
      } else if (operation == "ret" && !prefix.empty()) {
        instruction.flow = Flow::branch;
        jumps_.emplace_back(kernel_.code.size() - 1, prefix + "return");
      } else {
        instruction.flow = Flow::leave;
      }
      return;
    }

    Instruction& instruction = add(operation, whole);
    instruction.predicate = predicate;
    instruction.negated = negated;
    std::size_t count = 0;
    std::size_t addresses = 0;
    const auto next = [&]() -> Operand& {
      if (count == instruction.operands.size()) fail("more operands than are known", whole);
      return instruction.operands[count++];
    };
    for (const std::string_view part : parts) {
      if (part.front() == '[') {
        read_address(part, prefix, next(), instruction.offsets.at(addresses++));
      } else if (part.front() == '{') {
        const auto elements = split(part.substr(1, part.size() - 2));
        instruction.width = static_cast<int>(elements.size());
        for (const std::string_view element : elements) next() = operand(element, prefix);
      } else if (const std::size_t bar = part.find('|'); bar != std::string_view::npos) {
        next() = operand(part.substr(0, bar), prefix);
        instruction.operands.back() = operand(part.substr(bar + 1), prefix);
      } else {
        next() = operand(part, prefix);
      }
    }
    // mov packs where the vector comes last: the element count tells it from unpacking.
    if (starts("mov") && parts.size() == 2 && parts[1].front() == '{') instruction.offsets[0] = 1;
  }

  // call.uni (result), function, (arguments): the function's body, where the call stands.
  void read_call(const std::vector<std::string_view>& parts, const std::string& prefix,
                 std::string_view text) {
    const bool has_result = parts.size() == 3;
    if (parts.size() < 2) fail("a call of an unknown form", text);
    const std::string name(parts[has_result ? 1 : 0]);
    const auto found = functions_.find(name);
    if (found == functions_.end()) fail("a call of a function that is not there", text);
    const auto inner = [](std::string_view list) { return list.substr(1, list.size() - 2); };
    const auto lists = parentheses_of(found->second.header);
    const std::string own = prefix + name + "#" + std::to_string(calls_++) + ".";
    const auto arguments = split(inner(parts.back()));
    const auto parameters = split(lists.back());
    if (arguments.size() != parameters.size()) fail("a call with other arguments", text);
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      const Operand from = row(prefix + std::string(arguments[i]));
      move(row(own + std::string(declaration_of(parameters[i]).name)), from, text);
    }
    const std::string result =
        has_result ? own + std::string(declaration_of(lists.front()).name) : std::string();
    if (has_result) row(result);
    read_body(found->second.body, own);
    labels_[own + "return"] = kernel_.code.size();
    if (has_result) move(row(prefix + std::string(inner(parts[0]))), row(result), text);
  }

  // A statement ends with a semicolon, a label (one word) with a colon.
  static std::size_t end_of_statement(std::string_view body, std::size_t begin) {
    for (std::size_t i = begin; i < body.size(); ++i) {
      if (body[i] == ';' || body[i] == ':') return i;
      if (std::isspace(static_cast<unsigned char>(body[i]))) return body.find(';', i);
    }
    return std::string_view::npos;
  }

  void read_body(std::string_view body, const std::string& prefix) {
    std::size_t i = 0;
    while (true) {
      while (i < body.size() && (std::isspace(static_cast<unsigned char>(body[i])) ||
                                 body[i] == '{' || body[i] == '}')) {
        ++i;
      }
      if (i == body.size()) break;
      const std::size_t end = end_of_statement(body, i);
      if (end == std::string_view::npos) fail("a statement without an end", body.substr(i));
      const std::string_view statement = trimmed(body.substr(i, end - i));
      i = end + 1;
      if (body[end] == ':') {
        labels_[prefix + std::string(statement)] = kernel_.code.size();
      } else if (statement.front() != '.') {
        read_instruction(statement, prefix);
      } else if (statement.substr(0, 6) == ".param") {
        row(prefix + std::string(declaration_of(statement).name));
      } else if (statement.substr(0, 4) != ".reg" && statement.substr(0, 7) != ".pragma") {
        fail("a directive that is not known", statement);
      }
    }
    if (!prefix.empty()) return;
    for (const auto& [index, label] : jumps_) {
      const auto found = labels_.find(label);
      if (found == labels_.end()) fail("a branch to nowhere", label);
      kernel_.code[index].target = static_cast<int>(found->second);
    }
  }

  const std::map<std::string, Module::Function>& functions_;
  Kernel& kernel_;
  std::map<std::string, Operand> symbols_;
  std::map<std::uint64_t, std::uint32_t> constants_;
  std::map<std::string, std::uint32_t> rows_;
  std::map<std::string, std::size_t> labels_;
  std::vector<std::pair<std::size_t, std::string>> jumps_;
  int calls_ = 0;
};

}  // namespace

Module::Module(std::string text) : text_(without_comments(std::move(text))) {
  const std::string_view whole = text_;
  std::size_t i = 0;
  while (true) {
    const std::size_t end = whole.find_first_of(";{\n", i);
    if (end == std::string_view::npos) break;
    const std::string_view line = trimmed(whole.substr(i, end - i));
    const bool is_entry = line.find(".entry") != std::string_view::npos;
    if (is_entry || line.find(".func") != std::string_view::npos) {
      const std::size_t stop = whole.find_first_of(";{", i);  // a declaration, or a body
      const std::string_view header = whole.substr(i, stop - i);
      std::size_t close = stop;
      if (whole[stop] == '{') {
        for (int depth = 0; close < whole.size(); ++close) {
          if (whole[close] == '{') ++depth;
          if (whole[close] == '}' && --depth == 0) break;
        }
        std::string_view rest =
            header.substr(header.find(is_entry ? ".entry" : ".func") + (is_entry ? 6 : 5));
        rest = trimmed(rest);
        if (rest.front() == '(') rest = trimmed(rest.substr(rest.find(')') + 1));
        const std::string name(trimmed(rest.substr(0, rest.find_first_of("( \n\t"))));
        functions_[name] = {header, whole.substr(stop + 1, close - stop - 1), is_entry};
      }
      i = close + 1;
      continue;
    }
    if (line.find(".extern .shared") != std::string_view::npos) {
      shared_.emplace_back(
          declaration_of(line.substr(line.find(".align"), line.find('[') - line.find(".align")))
              .name);
    }
    i = end + 1;
  }
}

const Kernel& Module::kernel(const std::string& name) {
  const auto known = kernels_.find(name);
  if (known != kernels_.end()) return known->second;
  const auto found = functions_.find(name);
  if (found == functions_.end() || !found->second.is_entry) fail("no such kernel", name);
  Kernel kernel;
  kernel.name = name;
  KernelReader(functions_, shared_, kernel).read_entry(found->second);
  return kernels_.emplace(name, std::move(kernel)).first->second;
}

}  // namespace emulated
