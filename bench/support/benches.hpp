// The benches there are, by operation.
#pragma once

namespace cusynapse::bench {

void register_copy();
void register_step();
void register_grouped();
void register_select();
void register_resize();

}  // namespace cusynapse::bench
