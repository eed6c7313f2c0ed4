// What a record says about where it was made.
#pragma once

namespace cusynapse::bench {

/// Adds commit, compiler, threads and devices to the context of every report.
void add_context();

}  // namespace cusynapse::bench
