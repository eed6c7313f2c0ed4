// Connections from what a golden set records about them.
#pragma once

#include <memory>

#include "cusynapse/connection.hpp"
#include "cusynapse/stream.hpp"
#include "golden/golden_set.hpp"

namespace cusynapse::golden {

/// The geometry of a recorded Conv2D. Throws std::runtime_error for what is missing or is no pair.
Conv2DOptions convolution_of_case(const Case& replayed);

/// A connection as that of a case of the suite connection. Throws std::runtime_error for a class
/// nothing is known about, and `Error` where the library refuses the arguments.
std::unique_ptr<Connection<float>> make_connection(const Stream& stream, const Case& replayed);

}  // namespace cusynapse::golden
