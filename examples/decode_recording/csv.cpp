#include "csv.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string_view>
#include <system_error>

namespace decode_recording {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::vector<std::string> split(std::string_view line) {
  std::vector<std::string> fields;
  while (true) {
    const std::size_t comma = line.find(',');
    fields.emplace_back(trimmed(line.substr(0, comma)));
    if (comma == std::string_view::npos) return fields;
    line.remove_prefix(comma + 1);
  }
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ",") + name;
  return text;
}

std::string fields_text(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " field" : " fields");
}

}  // namespace

InputError::InputError(const std::string& path, std::size_t line, const std::string& what,
                       const std::string& got, const std::string& expected)
    : std::runtime_error(path + ":" + std::to_string(line) + ": " + what + ": got " + got +
                         ", expected " + expected) {}

std::string quoted(const std::string& text) {
  constexpr std::size_t longest = 40;
  std::string shown = text.substr(0, longest);
  std::replace_if(
      shown.begin(), shown.end(), [](unsigned char byte) { return byte < 0x20 || byte == 0x7F; },
      '?');
  return '"' + shown + (text.size() > longest ? "...\"" : "\"");
}

std::string to_text(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.10g", number);
  return text;
}

CsvTable read_csv(const std::string& path, const std::vector<std::string>& column_names) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  // A folder opens like a file and fails at the first byte.
  if (!file || (file.peek(), file.bad())) {
    const std::string reason = errno != 0 ? std::strerror(errno) : "no access";
    throw InputError(path, 1, "file", quoted(reason), "a file that can be read");
  }

  std::string line;
  const std::string header_text = "a line naming the columns " + joined(column_names);
  if (!std::getline(file, line)) throw InputError(path, 1, "header", "an empty file", header_text);
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (line.compare(0, byte_order_mark.size(), byte_order_mark) == 0) {
    line.erase(0, byte_order_mark.size());
  }
  const std::vector<std::string> header = split(line);
  std::vector<std::size_t> positions;
  for (const std::string& name : column_names) {
    const auto found = std::find(header.begin(), header.end(), name);
    if (found == header.end()) {
      throw InputError(path, 1, "header", quoted(std::string(trimmed(line))),
                       "a column named " + name);
    }
    positions.push_back(static_cast<std::size_t>(found - header.begin()));
  }

  CsvTable table;
  table.path = path;
  table.columns.resize(column_names.size());
  std::size_t line_number = 1;
  std::size_t first_blank = 0;  // blank lines are only let pass at the end of the file
  while (std::getline(file, line)) {
    ++line_number;
    if (trimmed(line).empty()) {
      if (first_blank == 0) first_blank = line_number;
      continue;
    }
    if (first_blank != 0) {
      throw InputError(path, first_blank, "row", "a blank line", fields_text(header.size()));
    }
    const std::vector<std::string> fields = split(line);
    if (fields.size() != header.size()) {
      throw InputError(path, line_number, "row", fields_text(fields.size()),
                       std::to_string(header.size()) + " as in the header");
    }
    std::vector<double> row(fields.size());
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const char* end = fields[i].data() + fields[i].size();
      const auto [rest, failure] = std::from_chars(fields[i].data(), end, row[i]);
      if (failure == std::errc::invalid_argument || rest != end) {
        throw InputError(path, line_number, header[i], quoted(fields[i]), "a number");
      }
      if (failure == std::errc::result_out_of_range || !std::isfinite(row[i])) {
        throw InputError(path, line_number, header[i], quoted(fields[i]), "a finite number");
      }
    }
    for (std::size_t i = 0; i < positions.size(); ++i) {
      table.columns[i].push_back(row[positions[i]]);
    }
    table.lines.push_back(line_number);
  }
  if (file.bad()) {
    throw InputError(path, line_number + 1, "file", quoted(std::strerror(errno)),
                     "a file that can be read");
  }
  if (table.row_count() == 0) {
    throw InputError(path, line_number + 1, "row", "the end of the file", "at least one row");
  }
  return table;
}

}  // namespace decode_recording
