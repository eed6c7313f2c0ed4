// Projections in C beside those of C++.
#include <gtest/gtest.h>

#include <vector>

#include "c_api/c_support.hpp"

namespace {

using c_test::Array;
using c_test::dtype_of;
using c_test::for_each_type;
using c_test::Owned;
using c_test::refused;
using c_test::same_bits;
using c_test::succeeds;
using cusynapse::Projection;
using cusynapse::ProjectionOptions;
using cusynapse::Receptor;
using cusynapse::Shape;

constexpr std::int64_t inputs = 7;
constexpr std::int64_t outputs = 5;

class CProjection : public c_test::CTest {
 protected:
  cusynapse_projection_options options() {
    cusynapse_projection_options out;
    EXPECT_TRUE(succeeds(cusynapse_projection_options_init(&out, sizeof out)));
    out.in_features = inputs;
    out.out_features = outputs;
    out.saturation_scale = 40.0;
    out.saturation_maximum = 20.0;
    out.seed = 3;
    return out;
  }

  template <class T>
  ProjectionOptions<T> cpp_options() {
    ProjectionOptions<T> out;
    out.in_features = inputs;
    out.out_features = outputs;
    out.saturation.scale = 40.0;
    out.saturation.maximum = 20.0;
    out.seed = 3;
    return out;
  }

  template <class T>
  void expect_same(Projection<T>& expected, cusynapse_projection* projection) {
    const cusynapse_stream on = c_stream();
    const Shape weight = expected.weight_shape();
    std::vector<T> weights(static_cast<std::size_t>(weight.size()));
    ASSERT_TRUE(succeeds(cusynapse_projection_to_host(
        projection, on, {weights.data(), dtype_of<T>(), c_test::shape_of(weight)})));
    EXPECT_TRUE(same_bits(weights, expected.to_host(stream())));

    const Shape in_shape = {2, 3, inputs};
    const Shape out_shape = {2, 3, outputs};
    const Array<std::uint8_t> spikes(stream(), random_.flags(in_shape.size(), 0.4), in_shape);
    Array<T> graded(stream(), out_shape);
    Array<T> expected_graded(stream(), out_shape);
    ASSERT_TRUE(succeeds(cusynapse_projection_forward(projection, on, spikes.in(), graded.c(),
                                                      CUSYNAPSE_OUTPUT_REPLACE)));
    expected.forward(stream(), spikes.constant(), expected_graded.view());
    EXPECT_TRUE(same_bits(graded.host(), expected_graded.host()));

    const Array<T> grad(stream(), random_.values<T>(out_shape.size(), -1.0, 1.0), out_shape);
    Array<T> grad_spikes(stream(), in_shape);
    Array<T> expected_grad_spikes(stream(), in_shape);
    Array<T> grad_weight(stream(), std::vector<T>(weights), weight);
    Array<T> expected_grad_weight(stream(), std::vector<T>(weights), weight);
    ASSERT_TRUE(succeeds(cusynapse_projection_backward(projection, on, grad.in(), spikes.in(),
                                                       grad_spikes.c(), grad_weight.c(),
                                                       CUSYNAPSE_OUTPUT_ACCUMULATE)));
    expected.backward(stream(), grad.constant(), spikes.constant(), expected_grad_spikes.view(),
                      expected_grad_weight.view(), cusynapse::Output::accumulate);
    EXPECT_TRUE(same_bits(grad_spikes.host(), expected_grad_spikes.host()));
    EXPECT_TRUE(same_bits(grad_weight.host(), expected_grad_weight.host()));
    ASSERT_TRUE(succeeds(cusynapse_projection_backward(projection, on, grad.in(), spikes.in(), {},
                                                       {}, CUSYNAPSE_OUTPUT_REPLACE)));

    Array<std::uint8_t> excitatory(stream(), weight);
    Array<std::uint8_t> inhibitory(stream(), weight);
    Array<std::uint8_t> expected_excitatory(stream(), weight);
    Array<std::uint8_t> expected_inhibitory(stream(), weight);
    ASSERT_TRUE(succeeds(
        cusynapse_projection_hardware_image(projection, on, excitatory.c(), inhibitory.c())));
    expected.hardware_image(stream(), expected_excitatory.view(), expected_inhibitory.view());
    EXPECT_TRUE(same_bits(excitatory.host(), expected_excitatory.host()));
    EXPECT_TRUE(same_bits(inhibitory.host(), expected_inhibitory.host()));

    std::vector<cusynapse_placed_connection> placed(35);
    ASSERT_TRUE(succeeds(cusynapse_projection_get_connections(
        projection, on, CUSYNAPSE_RECEPTOR_INHIBITORY, placed.data(), 35)));
    const auto expected_placed = expected.get_connections(stream(), Receptor::inhibitory);
    ASSERT_EQ(expected_placed.size(), placed.size());
    for (std::size_t i = 0; i < placed.size(); ++i) {
      EXPECT_EQ(placed[i].pre, expected_placed[i].pre);
      EXPECT_EQ(placed[i].post, expected_placed[i].post);
      EXPECT_EQ(placed[i].weight, expected_placed[i].weight);
    }
    EXPECT_TRUE(refused(cusynapse_projection_get_connections(
                            projection, on, CUSYNAPSE_RECEPTOR_INHIBITORY, placed.data(), 34),
                        CUSYNAPSE_INVALID_ARGUMENT, {"capacity is 34, expected at least 35"}));
  }

  bool has_changed(const cusynapse_projection* projection) {
    cusynapse_projection_info info;
    EXPECT_TRUE(succeeds(cusynapse_projection_info_init(&info, sizeof info)));
    EXPECT_TRUE(succeeds(cusynapse_projection_get_info(projection, &info)));
    return info.changed_since_last_run;
  }

  support::Random random_{support::seed()};
};
INSTANTIATE_TEST_SUITE_P(Devices, CProjection, testing::ValuesIn(support::devices()),
                         support::device_name);

TEST_P(CProjection, DoesWhatTheClassDoes) {
  for_each_type([&]<class T>() {
    const cusynapse_stream on = c_stream();
    const cusynapse_projection_options given = options();
    cusynapse_projection* made = nullptr;
    ASSERT_TRUE(succeeds(cusynapse_projection_create(on, dtype_of<T>(), &given, &made)));
    const Owned<cusynapse_projection> projection(made);
    Projection<T> expected(stream(), cpp_options<T>());
    expect_same(expected, made);
    EXPECT_TRUE(has_changed(made));
    ASSERT_TRUE(succeeds(cusynapse_projection_reset_changed(made)));
    EXPECT_FALSE(has_changed(made));
    ASSERT_TRUE(succeeds(cusynapse_projection_reset_parameters(made, on, 8)));
    expected.reset_parameters(stream(), 8);
    EXPECT_TRUE(has_changed(made));
    expect_same(expected, made);
    const Shape shape = expected.weight_shape();
    const std::vector<T> values = random_.values<T>(shape.size(), -1.0, 1.0);
    const Array<T> weights(stream(), values, shape);
    ASSERT_TRUE(succeeds(cusynapse_projection_set(made, on, weights.in())));
    expected.set(stream(), weights.constant());
    expect_same(expected, made);
    cusynapse_array edited = {};
    ASSERT_TRUE(succeeds(cusynapse_projection_edit(made, &edited)));
    ASSERT_TRUE(
        succeeds(cusynapse_memory_fill_zero(on, edited.data, values.size() / 2 * sizeof(T))));
    cusynapse::memory::fill_zero(stream(), expected.edit().data(), values.size() / 2 * sizeof(T));
    ASSERT_TRUE(succeeds(cusynapse_projection_prepare(made, on)));
    expect_same(expected, made);
    cusynapse_const_array weight = {};
    ASSERT_TRUE(succeeds(cusynapse_projection_weight(made, &weight)));
    EXPECT_EQ(weight.data, edited.data);
    ASSERT_TRUE(succeeds(cusynapse_projection_set_from_host(
        made, on, {values.data(), dtype_of<T>(), c_test::shape_of(shape)})));
    expected.set_from_host(stream(), values);
    expect_same(expected, made);
  });
}

TEST_P(CProjection, MasksAsTheClass) {
  for_each_type([&]<class T>() {
    const std::vector<std::uint8_t> mask = random_.flags(inputs * outputs, 0.5);
    const Shape shape = {inputs, outputs};
    const Array<std::uint8_t> device_mask(stream(), mask, shape);
    const cusynapse_const_array host_mask = {mask.data(), CUSYNAPSE_UINT8, c_test::shape_of(shape)};
    const cusynapse_projection_options given = options();
    for (const bool from_host : {false, true}) {
      cusynapse_projection* made = nullptr;
      ASSERT_TRUE(succeeds(from_host
                               ? cusynapse_projection_create_masked_from_host(
                                     c_stream(), dtype_of<T>(), &given, host_mask, &made)
                               : cusynapse_projection_create_masked(
                                     c_stream(), dtype_of<T>(), &given, device_mask.in(), &made)));
      const Owned<cusynapse_projection> projection(made);
      Projection<T> expected(stream(), cpp_options<T>(), mask);
      expect_same(expected, made);
      cusynapse_projection_info info;
      ASSERT_TRUE(succeeds(cusynapse_projection_info_init(&info, sizeof info)));
      ASSERT_TRUE(succeeds(cusynapse_projection_get_info(made, &info)));
      EXPECT_TRUE(info.is_masked);
      EXPECT_EQ(info.in_features, inputs);
      EXPECT_EQ(info.out_features, outputs);
      EXPECT_EQ(info.receptor, CUSYNAPSE_RECEPTOR_BOTH);
      EXPECT_EQ(info.dtype, dtype_of<T>());
    }
    cusynapse_const_array transposed = host_mask;
    std::swap(transposed.shape.extents[0], transposed.shape.extents[1]);
    cusynapse_projection* none = nullptr;
    EXPECT_TRUE(refused(cusynapse_projection_create_masked_from_host(c_stream(), dtype_of<T>(),
                                                                     &given, transposed, &none),
                        CUSYNAPSE_SHAPE_MISMATCH, {"host_mask has shape [5, 7], expected [7, 5]"}));
  });
}

template <class T>
cusynapse_status twice(void* context, cusynapse_stream stream, cusynapse_const_array weights,
                       cusynapse_array hardware_weights) {
  if (*static_cast<bool*>(context)) return CUSYNAPSE_DEVICE_ERROR;
  const auto size = static_cast<std::size_t>(c_test::shape_of(weights.shape).size());
  std::vector<T> values(size);
  const auto status =
      cusynapse_memory_copy_to_host(stream, values.data(), weights.data, size * sizeof(T));
  if (status != CUSYNAPSE_SUCCESS) return status;
  for (T& value : values) value *= T(2);
  return cusynapse_memory_copy_from_host(stream, hardware_weights.data, values.data(),
                                         size * sizeof(T));
}

TEST_P(CProjection, TakesATransformOfTheCallers) {
  for_each_type([&]<class T>() {
    bool fails = false;
    cusynapse_projection_options given = options();
    given.transform = twice<T>;
    given.transform_context = &fails;
    cusynapse_projection* made = nullptr;
    ASSERT_TRUE(succeeds(cusynapse_projection_create(c_stream(), dtype_of<T>(), &given, &made)));
    const Owned<cusynapse_projection> projection(made);
    const std::vector<T> values = random_.values<T>(inputs * outputs, -31.0, 31.0);
    const Shape shape = {outputs, inputs};
    ASSERT_TRUE(succeeds(cusynapse_projection_set_from_host(
        made, c_stream(), {values.data(), dtype_of<T>(), c_test::shape_of(shape)})));
    ProjectionOptions<T> expected_options = cpp_options<T>();
    expected_options.saturation = {2.0, -63.0, 63.0};
    Projection<T> expected(stream(), expected_options);
    expected.set_from_host(stream(), values);
    expect_same(expected, made);
    fails = true;
    Array<std::uint8_t> image(stream(), shape);
    const auto before = image.host();
    EXPECT_TRUE(refused(cusynapse_projection_hardware_image(made, c_stream(), image.c(), {}),
                        CUSYNAPSE_DEVICE_ERROR, {"the transform returned 7"}));
    EXPECT_TRUE(same_bits(image.host(), before));
  });
}

TEST_P(CProjection, RefusesWhatTheClassRefuses) {
  cusynapse_projection_options given = options();
  given.receptor = 3;
  cusynapse_projection* made = nullptr;
  EXPECT_TRUE(refused(cusynapse_projection_create(c_stream(), CUSYNAPSE_FLOAT32, &given, &made),
                      CUSYNAPSE_INVALID_ARGUMENT, {"receptor is 3"}));
  given.receptor = CUSYNAPSE_RECEPTOR_EXCITATORY;
  given.in_features = 0;
  EXPECT_TRUE(refused(cusynapse_projection_create(c_stream(), CUSYNAPSE_FLOAT32, &given, &made),
                      CUSYNAPSE_INVALID_ARGUMENT, {"shape is [5, 0]"}));
  EXPECT_EQ(made, nullptr);
  given.in_features = inputs;
  ASSERT_TRUE(succeeds(cusynapse_projection_create(c_stream(), CUSYNAPSE_FLOAT32, &given, &made)));
  const Owned<cusynapse_projection> projection(made);
  Array<std::uint8_t> image(stream(), {outputs, inputs});
  EXPECT_TRUE(refused(cusynapse_projection_hardware_image(made, c_stream(), {}, image.c()),
                      CUSYNAPSE_NOT_SUPPORTED, {"hardware_image"}));
}

}  // namespace
