// What the tests of the C interface share: arrays of C, handles that are given back, and statuses.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "cusynapse/cusynapse.h"
#include "cusynapse/cusynapse.hpp"
#include "support/device_array.hpp"
#include "support/devices.hpp"
#include "support/random.hpp"

namespace c_test {

template <class T>
constexpr cusynapse_dtype dtype_of() {
  if (std::is_same_v<T, float>) return CUSYNAPSE_FLOAT32;
  if (std::is_same_v<T, double>) return CUSYNAPSE_FLOAT64;
  if (std::is_same_v<T, cusynapse::float16>) return CUSYNAPSE_FLOAT16;
  if (std::is_same_v<T, cusynapse::bfloat16>) return CUSYNAPSE_BFLOAT16;
  return CUSYNAPSE_UINT8;
}

/// That of rings and histories of T: float, double, 16 bits or bool.
template <class T>
constexpr cusynapse_dtype ring_dtype() {
  return std::is_same_v<T, bool> ? CUSYNAPSE_BITS : dtype_of<T>();
}

inline cusynapse_shape shape_of(const cusynapse::Shape& shape) {
  cusynapse_shape out = {};
  out.rank = shape.rank();
  for (int i = 0; i < shape.rank(); ++i) out.extents[i] = shape[i];
  return out;
}

inline cusynapse::Shape shape_of(const cusynapse_shape& shape) {
  return cusynapse::Shape(shape.extents, static_cast<int>(shape.rank));
}

inline cusynapse_device device_of(cusynapse::Device device) {
  const bool is_cpu = device.kind == cusynapse::Device::Kind::cpu;
  return {is_cpu ? CUSYNAPSE_CPU : CUSYNAPSE_CUDA, device.ordinal};
}

inline cusynapse_stream stream_of(const cusynapse::Stream& stream) {
  return {device_of(stream.device()), stream.native_handle()};
}

/// An array on a stream's device, in C and in C++.
template <class T>
class Array {
 public:
  Array(const cusynapse::Stream& stream, const std::vector<T>& values,
        const cusynapse::Shape& shape)
      : shape_(shape), array_(stream, values, shape) {}
  /// One to write to.
  Array(const cusynapse::Stream& stream, const cusynapse::Shape& shape)
      : shape_(shape), array_(stream, shape, support::untouched<T>()) {}

  cusynapse_array c() { return {array_.view().data(), dtype_of<T>(), shape_of(shape_)}; }
  cusynapse_const_array in() const {
    return {array_.constant().data(), dtype_of<T>(), shape_of(shape_)};
  }
  cusynapse::View<T> view() { return array_.view(); }
  cusynapse::View<const T> constant() const { return array_.constant(); }
  std::vector<T> host() const { return array_.host(); }

 private:
  cusynapse::Shape shape_;
  support::DeviceArray<T> array_;
};

struct Destroy {
  void operator()(cusynapse_history* handle) const { cusynapse_history_destroy(handle); }
  void operator()(cusynapse_synapse* handle) const { cusynapse_synapse_destroy(handle); }
  void operator()(cusynapse_synapse_group* handle) const {
    cusynapse_synapse_group_destroy(handle);
  }
  void operator()(cusynapse_connection* handle) const { cusynapse_connection_destroy(handle); }
  void operator()(cusynapse_neuron* handle) const { cusynapse_neuron_destroy(handle); }
  void operator()(cusynapse_accumulator* handle) const { cusynapse_accumulator_destroy(handle); }
  void operator()(cusynapse_updater* handle) const { cusynapse_updater_destroy(handle); }
  void operator()(cusynapse_projection* handle) const { cusynapse_projection_destroy(handle); }
  void operator()(cusynapse_state* handle) const { cusynapse_state_destroy(handle); }
};

/// A handle that is given back.
template <class Handle>
using Owned = std::unique_ptr<Handle, Destroy>;

inline testing::AssertionResult succeeds(cusynapse_status status) {
  if (status == CUSYNAPSE_SUCCESS) return testing::AssertionSuccess();
  return testing::AssertionFailure() << cusynapse_last_error_message();
}

/// Whether a call was refused with this status and a message that holds all parts.
inline testing::AssertionResult refused(cusynapse_status got, cusynapse_status expected,
                                        const std::vector<std::string>& parts) {
  const std::string message = cusynapse_last_error_message();
  if (got != expected) {
    return testing::AssertionFailure()
           << "status is " << cusynapse_status_name(got) << ", expected "
           << cusynapse_status_name(expected) << ": " << message;
  }
  for (const std::string& part : parts) {
    if (message.find(part) == std::string::npos) {
      return testing::AssertionFailure() << "no '" << part << "' in: " << message;
    }
  }
  return testing::AssertionSuccess();
}

/// The same bytes, so that NaN and signed zeros count.
template <class T>
testing::AssertionResult same_bits(const std::vector<T>& got, const std::vector<T>& expected) {
  if (got.size() != expected.size()) {
    return testing::AssertionFailure() << got.size() << " and " << expected.size() << " elements";
  }
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::memcmp(&got[i], &expected[i], sizeof(T)) != 0) {
      return testing::AssertionFailure()
             << "index " << i << ": got " << testing::PrintToString(got[i]) << ", expected "
             << testing::PrintToString(expected[i]);
    }
  }
  return testing::AssertionSuccess();
}

inline cusynapse_synapse_options synapse_options() {
  cusynapse_synapse_options options;
  EXPECT_TRUE(succeeds(cusynapse_synapse_options_init(&options, sizeof options)));
  return options;
}

inline cusynapse_model model_of(cusynapse_model_kind kind) {
  cusynapse_model model = {};
  model.kind = kind;
  model.spike_charge = 3.7;
  model.time_constant = 4.3;
  model.tc_decay = 6.1;
  model.tc_rise = 1.9;
  return model;
}

/// Calls `body.operator()<T>()` for both element types of objects.
template <class Body>
void for_each_type(const Body& body) {
  body.template operator()<float>();
  body.template operator()<double>();
}

/// The same for those of rings and histories.
template <class Body>
void for_each_ring_type(const Body& body) {
  for_each_type(body);
  body.template operator()<cusynapse::float16>();
  body.template operator()<cusynapse::bfloat16>();
  body.template operator()<bool>();
}

class CTest : public support::DeviceTest {
 protected:
  cusynapse_stream c_stream() const { return stream_of(stream()); }
};

}  // namespace c_test
