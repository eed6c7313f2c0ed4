// How programs end that do not do what they were asked for, or not all of it.
#pragma once

#include <string>
#include <vector>

#include "demo/program.hpp"

namespace demo {

/// Fails unless the program ends with the code, prints nothing, and gives the message alone, after
/// its name, as its error.
void expect_refusal(const std::string& program, const std::vector<std::string>& arguments,
                    int exit_code, const std::string& message);

/// What the library says where a GPU is asked for and there is none. Fails where there is one.
std::string reason_without_gpu();

/// How far the program says it came, of so many ms, when it was interrupted: the X of its only
/// message, "interrupted after X of <total> ms". Fails, and is empty, unless it said so, with a
/// number below the total, and ended as interrupted programs do.
std::string interrupted_after(const std::string& program, const Outcome& outcome, int total);

}  // namespace demo
