// The benches there are, by operation.
#pragma once

namespace cusynapse::bench {

void register_copy();
void register_step();
void register_grouped();
void register_select();
void register_resize();
void register_dense();
void register_conv2d();
void register_direct();
void register_delay_plan();

}  // namespace cusynapse::bench
