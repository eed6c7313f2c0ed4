// Saved states in C: what every object does with them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "cusynapse/state.hpp"
#include "host/c_api.hpp"

struct cusynapse_state {
  std::vector<std::uint8_t> bytes;
};

namespace cusynapse::c_api {

inline StateBytes bytes_of(const host::Where& where, const std::uint8_t* data, std::size_t size) {
  require(where, "data", data);
  return {data, size};
}

template <class AnyHandle>
cusynapse_status save(const AnyHandle* handle, const char* function, cusynapse_stream stream,
                      cusynapse_state** state) noexcept {
  return with(handle, function, [&](const auto& object, const host::Where& where) {
    require(where, "state", state);
    *state =
        std::make_unique<cusynapse_state>(cusynapse_state{object.save(stream_of(where, stream))})
            .release();
  });
}

template <class AnyHandle>
cusynapse_status load(AnyHandle* handle, const char* function, cusynapse_stream stream,
                      const std::uint8_t* data, std::size_t size) noexcept {
  return with(handle, function, [&](auto& object, const host::Where& where) {
    object.load(stream_of(where, stream), bytes_of(where, data, size));
  });
}

/// Gives the object that `make(T(), stream, bytes)` owns, T being the type of the state's elements.
/// Elements of none of the types are refused by what makes an object of the first.
template <class First, class... Types, class AnyHandle, class Make>
void create_from_state(const host::Where& where, cusynapse_stream stream, const std::uint8_t* data,
                       std::size_t size, const char* what, AnyHandle** out, const Make& make) {
  require(where, what, out);
  const Stream on = stream_of(where, stream);
  const StateBytes bytes = bytes_of(where, data, size);
  const StateReader state(bytes);
  const auto give_of = [&](auto element) {
    give(out, std::shared_ptr(make(element, on, bytes)));
    return true;
  };
  if (!((state.holds<Types>() && give_of(Types())) || ...)) give_of(First());
}

}  // namespace cusynapse::c_api
