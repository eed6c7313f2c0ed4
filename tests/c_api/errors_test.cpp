// Statuses, messages, streams, memory and what every handle refuses.
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "c_api/c_support.hpp"
#include "support/allocation.hpp"

namespace {

using c_test::Owned;
using c_test::refused;
using c_test::succeeds;
using c_test::synapse_options;

TEST(CErrors, NamesEveryStatus) {
  EXPECT_STREQ(cusynapse_status_name(CUSYNAPSE_SUCCESS), "success");
  EXPECT_STREQ(cusynapse_status_name(CUSYNAPSE_SHAPE_MISMATCH), "shape_mismatch");
  EXPECT_STREQ(cusynapse_status_name(CUSYNAPSE_INTERNAL_ERROR), "internal_error");
  EXPECT_STREQ(cusynapse_status_name(12345), "unknown");
}

TEST(CErrors, ReportsTheVersionOfTheHeader) {
  cusynapse_version(nullptr);
  int32_t version[3];
  cusynapse_version(version);
  EXPECT_EQ(version[0], CUSYNAPSE_VERSION_MAJOR);
  EXPECT_EQ(version[1], CUSYNAPSE_VERSION_MINOR);
  EXPECT_EQ(version[2], CUSYNAPSE_VERSION_PATCH);
}

TEST(CErrors, MessagesBelongToTheirThread) {
  EXPECT_TRUE(refused(cusynapse_synapse_clear(nullptr, cusynapse_stream_cpu()),
                      CUSYNAPSE_INVALID_ARGUMENT,
                      {"cusynapse_synapse_clear: handle is null", "[invalid_argument]"}));
  std::thread([] {
    EXPECT_STREQ(cusynapse_last_error_message(), "");
    EXPECT_TRUE(refused(cusynapse_neuron_clear(nullptr, cusynapse_stream_cpu()),
                        CUSYNAPSE_INVALID_ARGUMENT, {"cusynapse_neuron_clear"}));
  }).join();
  EXPECT_NE(std::string(cusynapse_last_error_message()).find("cusynapse_synapse_clear"),
            std::string::npos);
  int32_t version[3];
  cusynapse_version(version);
  EXPECT_TRUE(succeeds(cusynapse_stream_synchronize(cusynapse_stream_cpu())));
  EXPECT_NE(std::string(cusynapse_last_error_message()).find("cusynapse_synapse_clear"),
            std::string::npos)
      << "a call that succeeds leaves the message";
}

TEST(CErrors, RefusesNullHandlesAndPointers) {
  const cusynapse_stream cpu = cusynapse_stream_cpu();
  const cusynapse_const_array in = {};
  const cusynapse_array out = {};
  bool has = false;
  const std::vector<cusynapse_status> statuses = {
      cusynapse_history_push(nullptr, cpu, in),
      cusynapse_history_get_info(nullptr, nullptr),
      cusynapse_synapse_step(nullptr, cpu, in, nullptr, 0),
      cusynapse_synapse_pos_current(nullptr, cpu, out),
      cusynapse_synapse_group_step(nullptr, cpu, in),
      cusynapse_synapse_group_create(cpu, CUSYNAPSE_FLOAT32, nullptr, nullptr, 1, nullptr),
      cusynapse_connection_forward(nullptr, cpu, in, out, CUSYNAPSE_OUTPUT_REPLACE, nullptr, 0),
      cusynapse_connection_has(nullptr, CUSYNAPSE_PARAMETER_BIAS, &has),
      cusynapse_linear_direct_create_shared(cpu, nullptr, false, 0, nullptr),
      cusynapse_neuron_forward(nullptr, cpu, in, out),
      cusynapse_accumulator_add_positive(nullptr, cpu, in),
      cusynapse_updater_create(cpu, nullptr, nullptr, 0, nullptr),
      cusynapse_updater_update(nullptr, cpu),
      cusynapse_projection_forward(nullptr, cpu, in, out, CUSYNAPSE_OUTPUT_REPLACE),
      cusynapse_owned_stream_get(nullptr, nullptr),
      cusynapse_owned_stream_create({CUSYNAPSE_CPU, 0}, nullptr),
      cusynapse_stream_cuda(nullptr, 0, nullptr),
      cusynapse_memory_allocate({CUSYNAPSE_CPU, 0}, 1, nullptr),
      cusynapse_memory_copy_to_host(cpu, nullptr, &has, 1),
      cusynapse_memory_copy_from_host(cpu, &has, nullptr, 1),
      cusynapse_memory_copy(cpu, nullptr, &has, 1),
      cusynapse_memory_fill_zero(cpu, nullptr, 1),
      cusynapse_synapse_options_init(nullptr, sizeof(cusynapse_synapse_options)),
      cusynapse_decay_inject(cpu, CUSYNAPSE_FLOAT32, nullptr),
      cusynapse_delayed_select(cpu, CUSYNAPSE_FLOAT32, nullptr),
      cusynapse_delay_plan(cpu, CUSYNAPSE_FLOAT64, nullptr),
      cusynapse_ring_read(cpu, CUSYNAPSE_BITS, nullptr),
      cusynapse_parameter_update(cpu, CUSYNAPSE_FLOAT32, nullptr),
      cusynapse_slot_width_of(3, nullptr),
      cusynapse_full_bounds(CUSYNAPSE_BOUND_SHARP, 0, 1, 1, 1, nullptr),
  };
  for (std::size_t i = 0; i < statuses.size(); ++i) {
    EXPECT_EQ(statuses[i], CUSYNAPSE_INVALID_ARGUMENT) << "call " << i;
  }
}

TEST(CErrors, DestroysNull) {
  cusynapse_history_destroy(nullptr);
  cusynapse_synapse_destroy(nullptr);
  cusynapse_synapse_group_destroy(nullptr);
  cusynapse_connection_destroy(nullptr);
  cusynapse_neuron_destroy(nullptr);
  cusynapse_accumulator_destroy(nullptr);
  cusynapse_updater_destroy(nullptr);
  cusynapse_projection_destroy(nullptr);
  cusynapse_owned_stream_destroy(nullptr);
}

TEST(CErrors, RefusesStreamsThatAreNone) {
  EXPECT_TRUE(refused(cusynapse_stream_synchronize({}), CUSYNAPSE_INVALID_ARGUMENT,
                      {"device kind is 0", "CUSYNAPSE_CPU or CUSYNAPSE_CUDA"}));
  cusynapse_stream stream = {{7, 7}, nullptr};
  const int32_t none = cusynapse_cuda_device_count();
  EXPECT_TRUE(
      refused(cusynapse_stream_cuda(nullptr, none, &stream), CUSYNAPSE_NO_DEVICE, {"device"}));
  EXPECT_EQ(stream.device.kind, 7) << "a call that fails writes no output";
  cusynapse_owned_stream* owned = nullptr;
  EXPECT_TRUE(refused(cusynapse_owned_stream_create({CUSYNAPSE_CUDA, none}, &owned),
                      CUSYNAPSE_NO_DEVICE, {"device"}));
  EXPECT_EQ(owned, nullptr);
  const cusynapse_stream gone = {{CUSYNAPSE_CUDA, none}, nullptr};
  EXPECT_EQ(cusynapse_stream_synchronize(gone), CUSYNAPSE_NO_DEVICE);
}

TEST(CErrors, RefusesElementTypesAndStructSizesThatAreNone) {
  const cusynapse_stream cpu = cusynapse_stream_cpu();
  cusynapse_synapse_options options = synapse_options();
  const cusynapse_model model = c_test::model_of(CUSYNAPSE_ALPHA_CURRENT);
  cusynapse_synapse* synapse = nullptr;
  EXPECT_TRUE(refused(cusynapse_synapse_create(cpu, CUSYNAPSE_BITS, &options, &model, &synapse),
                      CUSYNAPSE_INVALID_ARGUMENT, {"dtype is bits, expected float32 or float64"}));
  EXPECT_TRUE(refused(cusynapse_synapse_create(cpu, CUSYNAPSE_BFLOAT16, &options, &model, &synapse),
                      CUSYNAPSE_INVALID_ARGUMENT,
                      {"dtype is bfloat16, expected float32 or float64"}));
  EXPECT_TRUE(refused(cusynapse_synapse_create(cpu, 17, &options, &model, &synapse),
                      CUSYNAPSE_INVALID_ARGUMENT, {"dtype is dtype 17"}));
  options.struct_size = 0;
  EXPECT_TRUE(refused(cusynapse_synapse_create(cpu, CUSYNAPSE_FLOAT32, &options, &model, &synapse),
                      CUSYNAPSE_INVALID_ARGUMENT, {"struct_size is 0"}));
  options.struct_size = sizeof options + 8;
  EXPECT_TRUE(refused(cusynapse_synapse_create(cpu, CUSYNAPSE_FLOAT32, &options, &model, &synapse),
                      CUSYNAPSE_NOT_SUPPORTED, {"struct_size", "newer library"}));
  EXPECT_EQ(synapse, nullptr);
}

// A program compiled for a library whose options ended sooner.
TEST(CErrors, AnOlderStructHasTheDefaultsOfWhatItLacks) {
  struct {
    cusynapse_synapse_options options;
    char after[8];
  } older;
  std::memset(&older, 0x5A, sizeof older);
  const std::size_t size = offsetof(cusynapse_synapse_options, interpolation);
  ASSERT_TRUE(succeeds(cusynapse_synapse_options_init(&older.options, size)));
  EXPECT_EQ(older.options.struct_size, size);
  EXPECT_EQ(older.options.batch_size, 1);
  const auto* bytes = reinterpret_cast<const unsigned char*>(&older);
  for (std::size_t i = size; i < sizeof older; ++i) ASSERT_EQ(bytes[i], 0x5A) << i;

  older.options.shape = {1, {3}};
  const cusynapse_model model = c_test::model_of(CUSYNAPSE_ALPHA_CURRENT);
  cusynapse_synapse* made = nullptr;
  ASSERT_TRUE(succeeds(cusynapse_synapse_create(cusynapse_stream_cpu(), CUSYNAPSE_FLOAT32,
                                                &older.options, &model, &made)));
  const Owned<cusynapse_synapse> synapse(made);
  cusynapse_synapse_options read = synapse_options();
  ASSERT_TRUE(succeeds(cusynapse_synapse_get_options(made, &read)));
  EXPECT_EQ(read.struct_size, sizeof read);
  EXPECT_EQ(read.interpolation, CUSYNAPSE_SPIKE_INTERPOLATION_PREVIOUS);
  EXPECT_TRUE(read.has_current_overbound);
  EXPECT_EQ(read.tolerance, 0.0);
}

TEST(CErrors, RunningOutOfMemoryIsAStatus) {
  const cusynapse_stream cpu = cusynapse_stream_cpu();
  cusynapse_synapse_options options = synapse_options();
  options.shape = {1, {40}};
  const cusynapse_model model = c_test::model_of(CUSYNAPSE_DOUBLE_EXPONENTIAL_CURRENT);
  std::int64_t failures = 0;
  for (std::int64_t n = 1;; ++n) {
    cusynapse_synapse* synapse = nullptr;
    cusynapse_status status = CUSYNAPSE_SUCCESS;
    bool happened = false;
    {
      const support::FailingAllocation failing(n);
      status = cusynapse_synapse_create(cpu, CUSYNAPSE_FLOAT64, &options, &model, &synapse);
      happened = failing.happened();
    }
    if (!happened) {
      EXPECT_TRUE(succeeds(status));
      cusynapse_synapse_destroy(synapse);
      break;
    }
    ++failures;
    EXPECT_TRUE(refused(status, CUSYNAPSE_OUT_OF_MEMORY, {"[out_of_memory]"}));
    EXPECT_EQ(synapse, nullptr);
  }
  EXPECT_GT(failures, 3);
}

class CMemory : public c_test::CTest {};
INSTANTIATE_TEST_SUITE_P(Devices, CMemory, testing::ValuesIn(support::devices()),
                         support::device_name);

TEST_P(CMemory, HoldsWhatIsCopiedIn) {
  const cusynapse_device device = c_test::device_of(GetParam());
  cusynapse_owned_stream* owned = nullptr;
  ASSERT_TRUE(succeeds(cusynapse_owned_stream_create(device, &owned)));
  cusynapse_stream stream = {};
  ASSERT_TRUE(succeeds(cusynapse_owned_stream_get(owned, &stream)));
  EXPECT_EQ(stream.device.kind, device.kind);
  const std::vector<float> values = {1, 2, 3, 4, 5};
  const std::size_t bytes = values.size() * sizeof(float);
  void* first = nullptr;
  void* second = nullptr;
  ASSERT_TRUE(succeeds(cusynapse_memory_allocate(device, bytes, &first)));
  ASSERT_TRUE(succeeds(cusynapse_memory_allocate(device, bytes, &second)));
  EXPECT_TRUE(succeeds(cusynapse_memory_copy_from_host(stream, first, values.data(), bytes)));
  EXPECT_TRUE(succeeds(cusynapse_memory_copy(stream, second, first, bytes)));
  EXPECT_TRUE(succeeds(cusynapse_memory_fill_zero(stream, first, bytes)));
  std::vector<float> copied(5, 9.0f);
  EXPECT_TRUE(succeeds(cusynapse_memory_copy_to_host(stream, copied.data(), second, bytes)));
  EXPECT_EQ(copied, values);
  EXPECT_TRUE(succeeds(cusynapse_memory_copy_to_host(stream, copied.data(), first, bytes)));
  EXPECT_EQ(copied, std::vector<float>(5, 0.0f));
  EXPECT_TRUE(succeeds(cusynapse_memory_deallocate(device, first)));
  EXPECT_TRUE(succeeds(cusynapse_memory_deallocate(device, second)));
  EXPECT_TRUE(succeeds(cusynapse_memory_deallocate(device, nullptr)));
  EXPECT_TRUE(succeeds(cusynapse_stream_synchronize(stream)));
  cusynapse_owned_stream_destroy(owned);
}

}  // namespace
