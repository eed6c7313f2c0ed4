// Connections as Python holds them.
#pragma once

#include <nanobind/nanobind.h>

#include "cusynapse/connection.hpp"
#include "held.hpp"

namespace cusynapse::python {

/// A connection of either element type.
struct ConnectionObject {
  Either<Connection> connection;
  /// The synapse it was given, or its own, which keeps the connection alive.
  nanobind::object synapse;
};

}  // namespace cusynapse::python
