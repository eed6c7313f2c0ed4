// Statuses, messages, streams, memory and what every handle refuses.
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <type_traits>
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

// Each pointer on its own: everything else is as it should be.
TEST(CErrors, RefusesEveryPointerThatIsNull) {
  const cusynapse_stream cpu = cusynapse_stream_cpu();
  const cusynapse_device device = {CUSYNAPSE_CPU, 0};
  const cusynapse_dtype type = CUSYNAPSE_FLOAT32;
  const cusynapse_shape shape = {1, {3}};
  const cusynapse_model model = c_test::model_of(CUSYNAPSE_ALPHA_CURRENT);
  cusynapse_synapse_options options = synapse_options();
  options.shape = shape;
  cusynapse_history_options history_options;
  ASSERT_TRUE(succeeds(cusynapse_history_options_init(&history_options, sizeof history_options)));
  history_options.shape = shape;
  cusynapse_neuron_options neuron_options;
  ASSERT_TRUE(succeeds(cusynapse_neuron_options_init(&neuron_options, sizeof neuron_options)));
  neuron_options.shape = shape;
  cusynapse_projection_options projection_options;
  ASSERT_TRUE(
      succeeds(cusynapse_projection_options_init(&projection_options, sizeof projection_options)));
  projection_options.in_features = 2;
  projection_options.out_features = 2;

  const auto owned = [](auto* made, cusynapse_status status) {
    EXPECT_TRUE(succeeds(status));
    return Owned<std::remove_pointer_t<decltype(made)>>(made);
  };
  const cusynapse_synapse_options* const all_options[] = {&options};
  const cusynapse_synapse_options* const no_options[] = {nullptr};
  const cusynapse_model* const all_models[] = {&model};
  const cusynapse_model* const no_models[] = {nullptr};
  cusynapse_history* made_history = nullptr;
  cusynapse_status status = cusynapse_history_create(cpu, type, &history_options, &made_history);
  const auto history = owned(made_history, status);
  cusynapse_synapse* made_synapse = nullptr;
  status = cusynapse_synapse_create(cpu, type, &options, &model, &made_synapse);
  const auto synapse = owned(made_synapse, status);
  cusynapse_synapse_group* made_group = nullptr;
  status = cusynapse_synapse_group_create(cpu, type, all_options, all_models, 1, &made_group);
  const auto group = owned(made_group, status);
  cusynapse_connection* made_connection = nullptr;
  status = cusynapse_linear_dense_create(cpu, type, &shape, &shape, nullptr, &model, nullptr,
                                         &made_connection);
  const auto connection = owned(made_connection, status);
  cusynapse_updater* made_updater = nullptr;
  status = cusynapse_updater_create(cpu, connection.get(), nullptr, 0, &made_updater);
  const auto updater = owned(made_updater, status);
  cusynapse_accumulator* made_accumulator = nullptr;
  status = cusynapse_accumulator_create(cpu, type, &shape, &made_accumulator);
  const auto accumulator = owned(made_accumulator, status);
  cusynapse_neuron* made_neuron = nullptr;
  status =
      cusynapse_leaky_integrate_and_fire_create(cpu, type, &neuron_options, nullptr, &made_neuron);
  const auto neuron = owned(made_neuron, status);
  cusynapse_projection* made_projection = nullptr;
  status = cusynapse_projection_create(cpu, type, &projection_options, &made_projection);
  const auto projection = owned(made_projection, status);
  cusynapse_state* made_state = nullptr;
  status = cusynapse_history_save(history.get(), cpu, &made_state);
  const auto state = owned(made_state, status);

  const auto expect_null = [](const std::string& what, cusynapse_status got) {
    EXPECT_TRUE(refused(got, CUSYNAPSE_INVALID_ARGUMENT, {": " + what + " is null"})) << what;
  };
  cusynapse_stream stream = {};
  cusynapse_owned_stream* made_stream = nullptr;
  ASSERT_TRUE(succeeds(cusynapse_owned_stream_create(device, &made_stream)));
  expect_null("handle", cusynapse_owned_stream_get(nullptr, &stream));
  expect_null("stream", cusynapse_owned_stream_get(made_stream, nullptr));
  cusynapse_owned_stream_destroy(made_stream);
  float number = 0;
  expect_null("device_data", cusynapse_memory_copy_from_host(cpu, nullptr, &number, 4));
  expect_null("host_data", cusynapse_memory_copy_from_host(cpu, &number, nullptr, 4));
  expect_null("host_data", cusynapse_memory_copy_to_host(cpu, nullptr, &number, 4));
  expect_null("device_data", cusynapse_memory_copy_to_host(cpu, &number, nullptr, 4));
  expect_null("to", cusynapse_memory_copy(cpu, nullptr, &number, 4));
  expect_null("from", cusynapse_memory_copy(cpu, &number, nullptr, 4));

  expect_null("options", cusynapse_history_create(cpu, type, nullptr, &made_history));
  expect_null("history", cusynapse_history_create(cpu, type, &history_options, nullptr));
  expect_null("options", cusynapse_history_get_options(history.get(), nullptr));
  expect_null("info", cusynapse_history_get_info(history.get(), nullptr));
  expect_null("head", cusynapse_history_pointer(history.get(), cpu, nullptr));
  expect_null("ring", cusynapse_history_ring(history.get(), nullptr));
  const std::uint8_t* data = nullptr;
  std::size_t size = 0;
  expect_null("handle", cusynapse_state_get_bytes(nullptr, &data, &size));
  expect_null("data", cusynapse_state_get_bytes(state.get(), nullptr, &size));
  expect_null("size", cusynapse_state_get_bytes(state.get(), &data, nullptr));

  expect_null("options", cusynapse_synapse_create(cpu, type, nullptr, &model, &made_synapse));
  expect_null("model", cusynapse_synapse_create(cpu, type, &options, nullptr, &made_synapse));
  expect_null("synapse", cusynapse_synapse_create(cpu, type, &options, &model, nullptr));
  cusynapse_model custom = model;
  custom.kind = CUSYNAPSE_CUSTOM_CURRENT;
  custom.function = [](void*, double, cusynapse_synapse_model*) -> cusynapse_status {
    return CUSYNAPSE_SUCCESS;
  };
  expect_null("model->name", cusynapse_synapse_create(cpu, type, &options, &custom, &made_synapse));
  custom.name = "custom";
  custom.function = nullptr;
  expect_null("model->function",
              cusynapse_synapse_create(cpu, type, &options, &custom, &made_synapse));
  expect_null("model", cusynapse_synapse_get_model(synapse.get(), nullptr));
  expect_null("model", cusynapse_synapse_set_model(synapse.get(), nullptr));
  expect_null("head", cusynapse_synapse_pointer(synapse.get(), cpu, nullptr));
  expect_null("ring", cusynapse_synapse_trace_ring(synapse.get(), 0, nullptr));
  expect_null("ring", cusynapse_synapse_spike_ring(synapse.get(), nullptr));
  cusynapse_delayed_select_arguments current;
  cusynapse_spike_select_arguments spike;
  expect_null("current", cusynapse_synapse_readout(synapse.get(), nullptr, &spike));
  expect_null("spike", cusynapse_synapse_readout(synapse.get(), &current, nullptr));
  expect_null("arguments", cusynapse_synapse_step_arguments(synapse.get(), nullptr));
  expect_null("arguments", cusynapse_synapse_select_arguments(synapse.get(), nullptr));
  expect_null("injected", cusynapse_synapse_step(synapse.get(), cpu, {}, nullptr, 1));

  const auto create_group = [&](auto* of, auto* models, cusynapse_synapse_group** made) {
    return cusynapse_synapse_group_create(cpu, type, of, models, 1, made);
  };
  using Options = const cusynapse_synapse_options* const;
  using Models = const cusynapse_model* const;
  expect_null("group", create_group(all_options, all_models, nullptr));
  expect_null("options", create_group(static_cast<Options*>(nullptr), all_models, &made_group));
  expect_null("models", create_group(all_options, static_cast<Models*>(nullptr), &made_group));
  expect_null("an element of options", create_group(no_options, all_models, &made_group));
  expect_null("an element of models", create_group(all_options, no_models, &made_group));
  expect_null("member", cusynapse_synapse_group_member(group.get(), 0, nullptr));
  expect_null("offset", cusynapse_synapse_group_input_offset(group.get(), 0, nullptr));

  const auto create_dense = [&](const cusynapse_shape* input, const cusynapse_model* of,
                                cusynapse_connection** made) {
    return cusynapse_linear_dense_create(cpu, type, input, &shape, nullptr, of, nullptr, made);
  };
  expect_null("input", create_dense(nullptr, &model, &made_connection));
  expect_null("model", create_dense(&shape, nullptr, &made_connection));
  expect_null("connection", create_dense(&shape, &model, nullptr));
  expect_null("geometry", cusynapse_conv2d_create(cpu, type, nullptr, nullptr, &model, nullptr,
                                                  &made_connection));
  expect_null("synapse",
              cusynapse_linear_direct_create_shared(cpu, nullptr, false, 0, &made_connection));
  expect_null("connection",
              cusynapse_linear_direct_create_shared(cpu, synapse.get(), false, 0, nullptr));
  expect_null("synapse", cusynapse_connection_synapse(connection.get(), nullptr));
  expect_null("has", cusynapse_connection_has(connection.get(), CUSYNAPSE_PARAMETER_BIAS, nullptr));
  expect_null("values",
              cusynapse_connection_get(connection.get(), CUSYNAPSE_PARAMETER_WEIGHT, nullptr));
  expect_null("values",
              cusynapse_connection_edit(connection.get(), CUSYNAPSE_PARAMETER_WEIGHT, nullptr));
  expect_null("count", cusynapse_connection_out_of_range_delays(connection.get(), cpu, nullptr));
  expect_null("out", cusynapse_connection_like_bias(connection.get(), {}, nullptr));
  expect_null("out", cusynapse_connection_postsyn_receptive(connection.get(), {}, nullptr));
  expect_null("shape",
              cusynapse_connection_presyn_receptive_shape(connection.get(), &shape, nullptr));
  expect_null("synapse", cusynapse_connection_create_shared_from_state(cpu, nullptr, 0, nullptr,
                                                                       &made_connection));
  expect_null("connection", cusynapse_connection_create_shared_from_state(cpu, nullptr, 0,
                                                                          synapse.get(), nullptr));

  expect_null("updater", cusynapse_updater_create(cpu, connection.get(), nullptr, 0, nullptr));
  expect_null("parameters",
              cusynapse_updater_create(cpu, connection.get(), nullptr, 1, &made_updater));
  expect_null("has", cusynapse_updater_has(updater.get(), CUSYNAPSE_PARAMETER_WEIGHT, nullptr));
  expect_null("accumulator",
              cusynapse_updater_accumulator(updater.get(), CUSYNAPSE_PARAMETER_WEIGHT, nullptr));
  expect_null("shape", cusynapse_accumulator_create(cpu, type, nullptr, &made_accumulator));
  expect_null("accumulator", cusynapse_accumulator_create(cpu, type, &shape, nullptr));
  expect_null("bounds", cusynapse_accumulator_get_bounds(accumulator.get(), nullptr));
  expect_null("bounds", cusynapse_accumulator_set_bounds(accumulator.get(), nullptr));

  const auto create_neuron = [&](const cusynapse_neuron_options* of, cusynapse_neuron** made) {
    return cusynapse_leaky_integrate_and_fire_create(cpu, type, of, nullptr, made);
  };
  expect_null("options", create_neuron(nullptr, &made_neuron));
  expect_null("neuron", create_neuron(&neuron_options, nullptr));
  expect_null("arguments", cusynapse_neuron_step_arguments(neuron.get(), nullptr));

  expect_null("options", cusynapse_projection_create(cpu, type, nullptr, &made_projection));
  expect_null("projection", cusynapse_projection_create(cpu, type, &projection_options, nullptr));
  expect_null("weight", cusynapse_projection_weight(projection.get(), nullptr));
  expect_null("weight", cusynapse_projection_edit(projection.get(), nullptr));
  expect_null("connections", cusynapse_projection_get_connections(
                                 projection.get(), cpu, CUSYNAPSE_RECEPTOR_EXCITATORY, nullptr, 4));
  const cusynapse_delayed_dense_arguments dense = {};
  expect_null("arguments", cusynapse_dense_workspace_bytes(device, type, nullptr, &size));
  expect_null("bytes", cusynapse_dense_workspace_bytes(device, type, &dense, nullptr));
  const cusynapse_decay_inject_group entry = {};
  expect_null("bytes", cusynapse_decay_inject_group_size(type, nullptr));
  expect_null("group", cusynapse_decay_inject_group_pack(type, nullptr, &number));
  expect_null("host_entry", cusynapse_decay_inject_group_pack(type, &entry, nullptr));
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
