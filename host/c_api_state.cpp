// Bytes of saved states in C.
#include "host/c_api_state.hpp"

using namespace cusynapse::c_api;
using cusynapse::host::Where;

void cusynapse_state_destroy(cusynapse_state* state) { delete state; }

cusynapse_status cusynapse_state_get_bytes(const cusynapse_state* state, const uint8_t** data,
                                           size_t* size) {
  return guarded(__func__, [&](const Where& where) {
    require(where, "handle", state);
    require(where, "data", data);
    require(where, "size", size);
    *data = state->bytes.data();
    *size = state->bytes.size();
  });
}
