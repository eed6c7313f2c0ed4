#include "host/c_api.hpp"

#include <algorithm>
#include <cstdio>
#include <new>

#include "cusynapse/buffer.hpp"
#include "cusynapse/error.hpp"
#include "host/dispatch.hpp"

namespace cusynapse::c_api {
namespace {

// Written without allocating, so that running out of memory can be reported.
thread_local char last_message[1024] = "";

cusynapse_status record(cusynapse_status status, const char* message) noexcept {
  std::snprintf(last_message, sizeof last_message, "%s", message);
  return status;
}

static_assert(CUSYNAPSE_INVALID_ARGUMENT == static_cast<int>(Errc::invalid_argument));
static_assert(CUSYNAPSE_SHAPE_MISMATCH == static_cast<int>(Errc::shape_mismatch));
static_assert(CUSYNAPSE_WRONG_DEVICE == static_cast<int>(Errc::wrong_device));
static_assert(CUSYNAPSE_NOT_SUPPORTED == static_cast<int>(Errc::not_supported));
static_assert(CUSYNAPSE_OUT_OF_MEMORY == static_cast<int>(Errc::out_of_memory));
static_assert(CUSYNAPSE_NO_DEVICE == static_cast<int>(Errc::no_device));
static_assert(CUSYNAPSE_DEVICE_ERROR == static_cast<int>(Errc::device_error));
static_assert(CUSYNAPSE_INVALID_STATE == static_cast<int>(Errc::invalid_state));

static_assert(CUSYNAPSE_MAX_RANK == Shape::max_rank);
static_assert(CUSYNAPSE_MAX_TRACES == max_traces);
static_assert(CUSYNAPSE_MAX_INJECTIONS == max_injections);

}  // namespace

cusynapse_status record_exception() noexcept {
  try {
    throw;
  } catch (const Error& error) {
    return record(static_cast<cusynapse_status>(error.code()), error.what());
  } catch (const CallbackFailed& failure) {
    return record(failure.status(), failure.what());
  } catch (const std::bad_alloc&) {
    return record(CUSYNAPSE_OUT_OF_MEMORY, "host memory ran out [out_of_memory]");
  } catch (const std::exception& exception) {
    return record(CUSYNAPSE_INTERNAL_ERROR, exception.what());
  } catch (...) {
    return record(CUSYNAPSE_INTERNAL_ERROR, "an exception of unknown type [internal_error]");
  }
}

CallbackFailed::CallbackFailed(const host::Where& where, const char* what, cusynapse_status status)
    : message_(where.name() + ": " + what + " returned " + std::to_string(status) +
               ", expected 0 [" + cusynapse_status_name(status) + "]"),
      status_(status) {}

void require(const host::Where& where, const char* what, const void* pointer) {
  if (pointer == nullptr) host::refuse(where, what, "null", "not null");
}

std::string name_of(cusynapse_dtype dtype) {
  switch (dtype) {
    case CUSYNAPSE_FLOAT32:
      return "float32";
    case CUSYNAPSE_FLOAT64:
      return "float64";
    case CUSYNAPSE_UINT8:
      return "uint8";
    case CUSYNAPSE_BITS:
      return "bits";
    case CUSYNAPSE_FLOAT16:
      return "float16";
    case CUSYNAPSE_BFLOAT16:
      return "bfloat16";
    default:
      return "dtype " + std::to_string(dtype);
  }
}

void refuse_dtype(const host::Where& where, const std::string& what, cusynapse_dtype got,
                  const std::string& expected) {
  host::refuse(where, what, name_of(got), expected);
}

void check_struct_size(const host::Where& where, std::size_t got, std::size_t known) {
  if (got > known) {
    throw Error(Errc::not_supported, where.name() + ": struct_size is " + std::to_string(got) +
                                         ", expected at most " + std::to_string(known) +
                                         ": the program was compiled for a newer library");
  }
  if (got < sizeof(std::size_t)) {
    host::refuse(where, "struct_size", std::to_string(got),
                 "the size of the struct, which its init function sets");
  }
}

Device device_of(const host::Where& where, const cusynapse_device& device) {
  if (device.kind == CUSYNAPSE_CPU) return Device::cpu();
  host::check(device.kind == CUSYNAPSE_CUDA, where, "device kind", device.kind,
              "CUSYNAPSE_CPU or CUSYNAPSE_CUDA");
  return Device::cuda(device.ordinal);
}

Stream stream_of(const host::Where& where, const cusynapse_stream& stream) {
  const Device device = device_of(where, stream.device);
  if (device.kind == Device::Kind::cpu) return Stream::cpu();
  return Stream::cuda(static_cast<CUstream_st*>(stream.handle), device.ordinal);
}

cusynapse_device device_of(Device device) noexcept {
  return {device.kind == Device::Kind::cpu ? CUSYNAPSE_CPU : CUSYNAPSE_CUDA, device.ordinal};
}

cusynapse_stream stream_of(const Stream& stream) noexcept {
  return {device_of(stream.device()), stream.native_handle()};
}

Shape shape_of(const host::Where& where, const char* what, const cusynapse_shape& shape) {
  if (shape.rank < 0 || shape.rank > CUSYNAPSE_MAX_RANK) {
    host::refuse(where, std::string("rank of ") + what, std::to_string(shape.rank),
                 "0 to " + std::to_string(CUSYNAPSE_MAX_RANK));
  }
  return Shape(shape.extents, static_cast<int>(shape.rank));
}

cusynapse_shape shape_of(const Shape& shape) noexcept {
  cusynapse_shape out = {};
  out.rank = shape.rank();
  std::copy(shape.begin(), shape.end(), out.extents);
  return out;
}

static_assert(sizeof(cusynapse_ring_state) == sizeof(RingState) &&
              offsetof(cusynapse_ring_state, head) == offsetof(RingState, head) &&
              offsetof(cusynapse_ring_state, arrivals) == offsetof(RingState, arrivals));

cusynapse_ring_head head_of(const RingHead& head) noexcept {
  return {reinterpret_cast<cusynapse_ring_state*>(head.state), head.value};
}

RingHead head_of(const cusynapse_ring_head& head) noexcept {
  return {reinterpret_cast<RingState*>(head.state), head.value};
}

}  // namespace cusynapse::c_api

using namespace cusynapse;
using c_api::guarded;
using host::Where;

struct cusynapse_owned_stream {
  OwnedStream stream;
};

const char* cusynapse_status_name(cusynapse_status status) {
  if (status == CUSYNAPSE_SUCCESS) return "success";
  if (status == CUSYNAPSE_INTERNAL_ERROR) return "internal_error";
  return to_string(static_cast<Errc>(status));
}

const char* cusynapse_last_error_message(void) { return c_api::last_message; }

void cusynapse_version(int32_t version[3]) {
  if (version == nullptr) return;
  version[0] = CUSYNAPSE_VERSION_MAJOR;
  version[1] = CUSYNAPSE_VERSION_MINOR;
  version[2] = CUSYNAPSE_VERSION_PATCH;
}

int32_t cusynapse_cuda_device_count(void) { return cuda_device_count(); }

cusynapse_stream cusynapse_stream_cpu(void) { return c_api::stream_of(Stream::cpu()); }

cusynapse_status cusynapse_stream_cuda(void* cuda_stream, int32_t ordinal,
                                       cusynapse_stream* stream) {
  return guarded(__func__, [&](const Where& where) {
    c_api::require(where, "stream", stream);
    *stream = c_api::stream_of(Stream::cuda(static_cast<CUstream_st*>(cuda_stream), ordinal));
  });
}

cusynapse_status cusynapse_stream_synchronize(cusynapse_stream stream) {
  return guarded(__func__,
                 [&](const Where& where) { c_api::stream_of(where, stream).synchronize(); });
}

cusynapse_status cusynapse_owned_stream_create(cusynapse_device device,
                                               cusynapse_owned_stream** owned) {
  return guarded(__func__, [&](const Where& where) {
    c_api::require(where, "owned", owned);
    *owned = new cusynapse_owned_stream{OwnedStream(c_api::device_of(where, device))};
  });
}

void cusynapse_owned_stream_destroy(cusynapse_owned_stream* owned) { delete owned; }

cusynapse_status cusynapse_owned_stream_get(const cusynapse_owned_stream* owned,
                                            cusynapse_stream* stream) {
  return guarded(__func__, [&](const Where& where) {
    c_api::require(where, "handle", owned);
    c_api::require(where, "stream", stream);
    *stream = c_api::stream_of(owned->stream.get());
  });
}

cusynapse_status cusynapse_memory_allocate(cusynapse_device device, size_t bytes, void** data) {
  return guarded(__func__, [&](const Where& where) {
    c_api::require(where, "data", data);
    *data = memory::allocate(c_api::device_of(where, device), bytes);
  });
}

cusynapse_status cusynapse_memory_deallocate(cusynapse_device device, void* data) {
  return guarded(__func__, [&](const Where& where) {
    const Device owner = c_api::device_of(where, device);
    if (data == nullptr) return;
    static_cast<void>(host::backend(owner));  // refuses a device that this build has not
    memory::deallocate(owner, data);
  });
}

cusynapse_status cusynapse_memory_copy_from_host(cusynapse_stream stream, void* device_data,
                                                 const void* host_data, size_t bytes) {
  return guarded(__func__, [&](const Where& where) {
    if (bytes > 0) c_api::require(where, "device_data", device_data);
    if (bytes > 0) c_api::require(where, "host_data", host_data);
    memory::copy_from_host(c_api::stream_of(where, stream), device_data, host_data, bytes);
  });
}

cusynapse_status cusynapse_memory_copy_to_host(cusynapse_stream stream, void* host_data,
                                               const void* device_data, size_t bytes) {
  return guarded(__func__, [&](const Where& where) {
    if (bytes > 0) c_api::require(where, "host_data", host_data);
    if (bytes > 0) c_api::require(where, "device_data", device_data);
    memory::copy_to_host(c_api::stream_of(where, stream), host_data, device_data, bytes);
  });
}

cusynapse_status cusynapse_memory_copy(cusynapse_stream stream, void* to, const void* from,
                                       size_t bytes) {
  return guarded(__func__, [&](const Where& where) {
    if (bytes > 0) c_api::require(where, "to", to);
    if (bytes > 0) c_api::require(where, "from", from);
    memory::copy(c_api::stream_of(where, stream), to, from, bytes);
  });
}

cusynapse_status cusynapse_memory_fill_zero(cusynapse_stream stream, void* data, size_t bytes) {
  return guarded(__func__, [&](const Where& where) {
    if (bytes > 0) c_api::require(where, "data", data);
    memory::fill_zero(c_api::stream_of(where, stream), data, bytes);
  });
}
