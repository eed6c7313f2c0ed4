// Connections as Python holds them.
#pragma once

#include "array.hpp"
#include "cusynapse/connection.hpp"

namespace cusynapse::python {

/// A connection of either element type.
struct ConnectionObject {
  Either<Connection> connection;
  nb::object synapse;  ///< the synapse it was given, or its own, which keeps the connection alive
};

}  // namespace cusynapse::python
