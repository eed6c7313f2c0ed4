// Tables of numbers in comma-separated text.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

namespace decode_recording {

/// A file that cannot be used. `what()` reads "file:line: what: got ..., expected ...".
class InputError : public std::runtime_error {
 public:
  InputError(const std::string& path, std::size_t line, const std::string& what,
             const std::string& got, const std::string& expected);
};

/// A table read from a file, and where each row of it came from.
struct CsvTable {
  std::string path;
  std::vector<std::vector<double>> columns;  ///< in the order they were asked for
  std::vector<std::size_t> lines;            ///< line of each row in the file, from 1

  std::size_t row_count() const { return lines.size(); }
};

/// Reads the named columns of a file whose first line names its columns; other columns must hold
/// numbers too and are left out. Every field has to be one finite number and nothing more. Throws
/// `InputError` at the first line that is otherwise, and for a file without a row.
CsvTable read_csv(const std::string& path, const std::vector<std::string>& column_names);

/// Text from a file as it may be shown in a message: in quotes, shortened, without control bytes.
std::string quoted(const std::string& text);

/// A number as short as it can be without changing it by more than a part in 10^10.
std::string to_text(double number);

}  // namespace decode_recording
