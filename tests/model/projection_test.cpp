// Projections against their oracle: initial weights, both directions of the product, masks, what
// hardware gets, refusals and allocations.
#include "cusynapse/projection.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "cusynapse/cusynapse.hpp"
#include "model/synapse_pair.hpp"
#include "reference/projection.hpp"
#include "support/compare.hpp"
#include "support/device_array.hpp"
#include "support/devices.hpp"
#include "support/failing_calls.hpp"
#include "support/random.hpp"
#include "support/refusal.hpp"

namespace {

using cusynapse::Errc;
using cusynapse::Output;
using cusynapse::PlacedConnection;
using cusynapse::Projection;
using cusynapse::ProjectionOptions;
using cusynapse::Receptor;
using cusynapse::Shape;
using cusynapse::View;
using model_test::DeviceInput;
using model_test::InputKind;
using support::allocations;
using support::DeviceArray;
using support::matches;
using support::refuses;
using support::untouched;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

template <class T>
ProjectionOptions<T> options_of(std::int64_t inputs, std::int64_t outputs,
                                Receptor receptor = Receptor::both) {
  ProjectionOptions<T> options;
  options.in_features = inputs;
  options.out_features = outputs;
  options.receptor = receptor;
  options.seed = 7;
  return options;
}

/// Calls `test.template operator()<T>()` for both types.
template <class Test>
void for_each_type(const Test& test) {
  test.template operator()<float>();
  test.template operator()<double>();
}

/// The same values as doubles.
template <class T>
std::vector<double> in_double(const std::vector<T>& values) {
  return std::vector<double>(values.begin(), values.end());
}

/// How far a weighted sum may lie from the same in double.
template <class T>
support::Tolerance<double> of_sums(const std::vector<double>& expected) {
  double largest = 0;
  for (const double value : expected) largest = std::max(largest, std::fabs(value));
  const double units = std::numeric_limits<T>::epsilon() / std::numeric_limits<float>::epsilon();
  return {1e-4 * units, 1e-6 * units * largest, {}};
}

/// A transform of the caller's that computes on the host, element by element.
template <class T>
cusynapse::WeightTransform<T> transform_of(const std::function<T(T)>& function) {
  return [function](const cusynapse::Stream& stream, View<const T> weights, View<T> out) {
    const std::size_t bytes = static_cast<std::size_t>(weights.size()) * sizeof(T);
    std::vector<T> values(static_cast<std::size_t>(weights.size()));
    cusynapse::memory::copy_to_host(stream, values.data(), weights.data(), bytes);
    for (T& value : values) value = function(value);
    cusynapse::memory::copy_from_host(stream, out.data(), values.data(), bytes);
  };
}

class ProjectionTest : public support::DeviceTest {
 protected:
  /// One array of the hardware image, (outputs, inputs).
  template <class T>
  std::vector<std::uint8_t> image(const Projection<T>& projection, bool excitatory) {
    DeviceArray<std::uint8_t> out(stream(), projection.weight_shape(), untouched<std::uint8_t>());
    if (excitatory) projection.hardware_image(stream(), out.view(), {});
    if (!excitatory) projection.hardware_image(stream(), {}, out.view());
    return out.host();
  }

  template <class T>
  std::vector<T> forward(Projection<T>& projection, InputKind kind, const std::vector<T>& spikes,
                         const Shape& shape) {
    DeviceInput<T> input(stream(), kind, spikes, shape);
    std::vector<std::int64_t> extents(shape.begin(), shape.end());
    extents.back() = projection.out_features();
    DeviceArray<T> out(stream(), Shape(extents.data(), shape.rank()), untouched<T>());
    projection.forward(stream(), input.input(), out.view());
    return out.host();
  }

  support::Random random_{support::seed()};
};
INSTANTIATE_TEST_SUITE_P(Devices, ProjectionTest, testing::ValuesIn(support::devices()),
                         support::device_name);

// Initial weights

TEST_P(ProjectionTest, TheOraclesGeneratorGivesThePublishedNumbers) {
  reference::SplitMix64 generator(1234567);
  for (const std::uint64_t expected :
       {6457827717110365317u, 3203168211198807973u, 9817491932198370423u, 4593380528125082431u,
        16408922859458223821u}) {
    EXPECT_EQ(generator.next(), expected);
  }
}

TEST_P(ProjectionTest, StartsWithTheDrawsOfItsSeed) {
  for_each_type([&]<class T>() {
    for (const std::int64_t inputs : {1, 3, 33}) {
      for (const std::int64_t outputs : {1, 5, 64}) {
        ProjectionOptions<T> options = options_of<T>(inputs, outputs);
        Projection<T> projection(stream(), options);
        EXPECT_TRUE(matches(projection.to_host(stream()),
                            reference::initial_weights<T>(7, inputs, outputs)));
        projection.reset_parameters(stream(), ~std::uint64_t{0});
        EXPECT_TRUE(matches(projection.to_host(stream()),
                            reference::initial_weights<T>(~std::uint64_t{0}, inputs, outputs)));
      }
    }
  });
}

TEST_P(ProjectionTest, InitialWeightsAreUniformWithinKaimingsBound) {
  constexpr std::int64_t inputs = 400;
  constexpr std::int64_t outputs = 250;
  const double bound = reference::kaiming_bound(inputs);
  for_each_type([&]<class T>() {
    Projection<T> projection(stream(), options_of<T>(inputs, outputs));
    for (const std::uint64_t seed : {0u, 1u, 2u}) {
      projection.reset_parameters(stream(), seed);
      const std::vector<double> weights = in_double(projection.to_host(stream()));
      const auto count = static_cast<double>(weights.size());
      constexpr std::size_t bins = 20;
      std::vector<double> histogram(bins, 0.0);
      double sum = 0, squares = 0, products = 0, previous = 0;
      for (const double weight : weights) {
        ASSERT_LE(std::fabs(weight), bound * (1 + 1e-7));
        sum += weight;
        squares += weight * weight;
        products += weight * previous;
        previous = weight;
        const double place = (weight / bound + 1) / 2 * static_cast<double>(bins);
        ++histogram[std::min(bins - 1, static_cast<std::size_t>(std::max(place, 0.0)))];
      }
      const double variance = bound * bound / 3;
      // Five standard deviations of each mean; the variance of w^2 is (4 / 45) bound^4.
      EXPECT_LE(std::fabs(sum / count), 5 * std::sqrt(variance / count));
      EXPECT_LE(std::fabs(squares / count - variance),
                5 * bound * bound * std::sqrt(4.0 / 45.0 / count));
      EXPECT_LE(std::fabs(products / count), 5 * variance / std::sqrt(count));
      double chi_squared = 0;
      for (const double found : histogram) {
        const double expected = count / static_cast<double>(bins);
        chi_squared += (found - expected) * (found - expected) / expected;
      }
      EXPECT_LE(chi_squared, 50.8) << "the one in 10^4 of 19 degrees of freedom";
    }
  });
}

TEST_P(ProjectionTest, AMaskedProjectionDrawsWithTheFullFanInAndThenMasks) {
  for_each_type([&]<class T>() {
    const std::vector<std::uint8_t> mask = random_.flags(9 * 35, 0.3);
    Projection<T> projection(stream(), options_of<T>(9, 35), mask);
    const std::vector<std::uint8_t> by_weight = reference::transposed(mask, 35);
    EXPECT_TRUE(matches(projection.to_host(stream()),
                        reference::masked(reference::initial_weights<T>(7, 9, 35), by_weight)));
    projection.reset_parameters(stream(), 8);
    EXPECT_TRUE(matches(projection.to_host(stream()),
                        reference::masked(reference::initial_weights<T>(8, 9, 35), by_weight)));
  });
}

TEST_P(ProjectionTest, AMaskOfTheDeviceIsTheSameAsOneOfTheHost) {
  for_each_type([&]<class T>() {
    std::vector<std::uint8_t> mask = random_.flags(40 * 7, 0.5);
    mask[3] = 255;  // any number but 0 connects
    const DeviceArray<std::uint8_t> on_device(stream(), mask, {40, 7});
    const Projection<T> from_host(stream(), options_of<T>(40, 7), mask);
    const Projection<T> from_device(stream(), options_of<T>(40, 7), on_device.constant());
    EXPECT_TRUE(from_host.is_masked());
    EXPECT_TRUE(from_device.is_masked());
    EXPECT_FALSE(Projection<T>(stream(), options_of<T>(40, 7)).is_masked());
    EXPECT_TRUE(matches(from_device.to_host(stream()), from_host.to_host(stream())));
  });
}

// Forward

TEST_P(ProjectionTest, ForwardIsTheProductOfEveryKindOfInput) {
  const std::pair<std::int64_t, std::int64_t> sizes[] = {{1, 1},   {1, 40},  {40, 1},   {7, 9},
                                                         {31, 33}, {33, 31}, {300, 65}, {64, 257}};
  const std::vector<std::vector<std::int64_t>> leading = {{}, {1}, {5}, {3, 11}, {2, 3, 4}};
  for_each_type([&]<class T>() {
    for (const auto& [inputs, outputs] : sizes) {
      Projection<T> projection(stream(), options_of<T>(inputs, outputs));
      const std::vector<T> weights = projection.to_host(stream());
      for (const InputKind kind : model_test::input_kinds()) {
        for (std::vector<std::int64_t> extents : leading) {
          extents.push_back(inputs);
          const Shape shape(extents.data(), static_cast<int>(extents.size()));
          SCOPED_TRACE(cusynapse::to_string(shape) + " to " + std::to_string(outputs) + ", kind " +
                       std::to_string(static_cast<int>(kind)));
          const auto spikes = model_test::random_inputs<T>(random_, kind, shape.size());
          const std::vector<T> graded = forward(projection, kind, spikes, shape);
          const auto inner = static_cast<std::size_t>(inputs);
          const auto exact = reference::product(in_double(spikes), in_double(weights), inner);
          EXPECT_TRUE(matches(in_double(graded), exact, of_sums<T>(exact)));
          EXPECT_TRUE(matches(graded, reference::product(spikes, weights, inner)));
        }
      }
    }
  });
}

TEST_P(ProjectionTest, MoreRowsThanALaunchCoversGiveTheSameBits) {
  for_each_type([&]<class T>() {
    Projection<T> projection(stream(), options_of<T>(5, 3));
    const std::vector<T> weights = projection.to_host(stream());
    const std::int64_t rows = 2 * Projection<T>::rows_per_launch + 7;
    for (const InputKind kind : model_test::input_kinds()) {
      const auto spikes = model_test::random_inputs<T>(random_, kind, rows * 5);
      EXPECT_TRUE(matches(forward(projection, kind, spikes, {rows, 5}),
                          reference::product(spikes, weights, 5)));
    }
  });
}

TEST_P(ProjectionTest, ForwardReplacesOrAddsToTheOutput) {
  for_each_type([&]<class T>() {
    Projection<T> projection(stream(), options_of<T>(6, 4));
    const DeviceArray<T> spikes(stream(), {3, 6}, T(1));
    DeviceArray<T> once(stream(), {3, 4}, untouched<T>());
    projection.forward(stream(), spikes.constant(), once.view());
    const std::vector<T> sums = once.host();
    std::vector<T> expected;
    for (const T sum : sums) expected.push_back(sum + sum);
    projection.forward(stream(), spikes.constant(), once.view(), Output::accumulate);
    EXPECT_TRUE(matches(once.host(), expected));
    projection.forward(stream(), spikes.constant(), once.view(), Output::replace);
    EXPECT_TRUE(matches(once.host(), sums));
  });
}

TEST_P(ProjectionTest, ForwardUsesRawWeightsWhateverTheTransform) {
  for_each_type([&]<class T>() {
    ProjectionOptions<T> options = options_of<T>(2, 1);
    options.saturation = {10.0, -1.0, 1.0};
    Projection<T> projection(stream(), options);
    projection.set_from_host(stream(), {T(100.25), T(-0.125)});
    EXPECT_TRUE(matches(forward(projection, InputKind::values, {T(1), T(2)}, {2}), {T(100)}));
  });
}

TEST_P(ProjectionTest, ForwardEqualsADenseConnectionOverADeltaCurrent) {
  for_each_type([&]<class T>() {
    for (const double step_time : {1.0, 0.3}) {
      for (const std::optional<double> delay :
           {std::optional<double>(), std::optional<double>(0.0), std::optional<double>(2.5)}) {
        for (const std::int64_t batch : {1, 9}) {
          SCOPED_TRACE(std::to_string(step_time) + " delay " + std::to_string(delay.value_or(-1)) +
                       " batch " + std::to_string(batch));
          constexpr std::int64_t inputs = 293;
          constexpr std::int64_t outputs = 70;
          Projection<T> projection(stream(), options_of<T>(inputs, outputs));
          cusynapse::ConnectionOptions options;
          options.delay = delay;
          options.step_time = step_time;
          options.batch_size = batch;
          cusynapse::LinearDense<T> dense(stream(), {inputs}, {outputs}, options,
                                          cusynapse::DeltaCurrent<T>::factory({step_time}));
          dense.set(stream(), cusynapse::Parameter::weight, std::as_const(projection).weight());
          DeviceArray<T> expected(stream(), {batch, outputs}, untouched<T>());
          for (int t = 0; t < 5; ++t) {
            std::vector<T> spikes;
            for (const std::uint8_t flag : random_.flags(batch * inputs, 0.3))
              spikes.push_back(flag);
            for (const InputKind kind : model_test::input_kinds()) {
              DeviceInput<T> input(stream(), kind, spikes, {batch, inputs});
              dense.forward(stream(), input.input(), expected.view());
              EXPECT_TRUE(
                  matches(forward(projection, kind, spikes, {batch, inputs}), expected.host()));
            }
          }
        }
      }
    }
  });
}

// Backward

TEST_P(ProjectionTest, BackwardIsTheProductWithTheWeightsAndTheInputs) {
  const std::pair<std::int64_t, std::int64_t> sizes[] = {{1, 1},   {1, 40},  {40, 1}, {7, 9},
                                                         {31, 33}, {33, 31}, {65, 64}};
  const std::vector<std::vector<std::int64_t>> leading = {{}, {5}, {3, 11}, {2, 5, 29}};
  for_each_type([&]<class T>() {
    for (const auto& [inputs, outputs] : sizes) {
      Projection<T> projection(stream(), options_of<T>(inputs, outputs));
      const std::vector<T> weights = projection.to_host(stream());
      const auto in = static_cast<std::size_t>(inputs);
      const auto out = static_cast<std::size_t>(outputs);
      for (const InputKind kind : model_test::input_kinds()) {
        for (std::vector<std::int64_t> extents : leading) {
          extents.push_back(inputs);
          const int rank = static_cast<int>(extents.size());
          const Shape input_shape(extents.data(), rank);
          extents.back() = outputs;
          const Shape output_shape(extents.data(), rank);
          SCOPED_TRACE(cusynapse::to_string(input_shape) + " to " + std::to_string(outputs) +
                       ", kind " + std::to_string(static_cast<int>(kind)));
          const auto spikes = model_test::random_inputs<T>(random_, kind, input_shape.size());
          const auto grad = random_.values<T>(output_shape.size(), -1, 1);
          DeviceInput<T> input(stream(), kind, spikes, input_shape);
          const DeviceArray<T> given(stream(), grad, output_shape);
          DeviceArray<T> grad_spikes(stream(), input_shape, untouched<T>());
          DeviceArray<T> grad_weight(stream(), {outputs, inputs}, untouched<T>());
          projection.backward(stream(), given.constant(), input.input(), grad_spikes.view(),
                              grad_weight.view());
          const auto by_input = reference::transposed(weights, in);
          const auto exact = reference::product(in_double(grad), in_double(by_input), out);
          EXPECT_TRUE(matches(in_double(grad_spikes.host()), exact, of_sums<T>(exact)));
          EXPECT_TRUE(matches(grad_spikes.host(), reference::product(grad, by_input, out)));
          const auto rows = grad.size() / out;
          const auto grad_by_output = reference::transposed(grad, out);
          const auto spikes_by_input = reference::transposed(spikes, in);
          const auto exact_weight =
              reference::product(in_double(grad_by_output), in_double(spikes_by_input), rows);
          EXPECT_TRUE(
              matches(in_double(grad_weight.host()), exact_weight, of_sums<T>(exact_weight)));
          EXPECT_TRUE(matches(grad_weight.host(),
                              reference::product(grad_by_output, spikes_by_input, rows)));
        }
      }
    }
  });
}

TEST_P(ProjectionTest, WeightGradientsAreReplacedOrAddedUp) {
  for_each_type([&]<class T>() {
    const std::vector<std::uint8_t> mask = random_.flags(10 * 3, 0.5);
    Projection<T> projection(stream(), options_of<T>(10, 3), mask);
    const auto spikes = model_test::random_inputs<T>(random_, InputKind::values, 6 * 10);
    const DeviceArray<T> input(stream(), spikes, {6, 10});
    const DeviceArray<T> grad(stream(), random_.values<T>(6 * 3, -1, 1), {6, 3});
    const auto before = random_.values<T>(3 * 10, -1, 1);
    DeviceArray<T> alone(stream(), {3, 10}, untouched<T>());
    DeviceArray<T> added(stream(), before, {3, 10});
    projection.backward(stream(), grad.constant(), input.constant(), {}, alone.view());
    projection.backward(stream(), grad.constant(), input.constant(), {}, added.view(),
                        Output::accumulate);
    std::vector<T> expected = alone.host();
    for (std::size_t e = 0; e < expected.size(); ++e) expected[e] = before[e] + expected[e];
    EXPECT_TRUE(matches(added.host(), expected));
  });
}

TEST_P(ProjectionTest, EitherGradientCanBeLeftOut) {
  for_each_type([&]<class T>() {
    Projection<T> projection(stream(), options_of<T>(10, 3));
    const DeviceArray<T> input(stream(), {2, 10}, T(1));
    const DeviceArray<T> grad(stream(), {2, 3}, T(0.5));
    DeviceArray<T> both[2] = {{stream(), {2, 10}, untouched<T>()}, {stream(), {3, 10}, T(9)}};
    DeviceArray<T> alone[2] = {{stream(), {2, 10}, untouched<T>()}, {stream(), {3, 10}, T(9)}};
    projection.backward(stream(), grad.constant(), input.constant(), both[0].view(),
                        both[1].view());
    projection.backward(stream(), grad.constant(), input.constant(), alone[0].view(), {});
    projection.backward(stream(), grad.constant(), input.constant(), {}, alone[1].view());
    projection.backward(stream(), grad.constant(), input.constant(), {}, {});
    EXPECT_TRUE(matches(alone[0].host(), both[0].host()));
    EXPECT_TRUE(matches(alone[1].host(), both[1].host()));
  });
}

TEST_P(ProjectionTest, BackwardIsTheDerivativeOfForward) {
  constexpr std::int64_t rows = 4, inputs = 6, outputs = 5;
  const std::vector<std::uint8_t> mask = random_.flags(inputs * outputs, 0.7);
  const std::vector<std::uint8_t> by_weight = reference::transposed(mask, outputs);
  Projection<double> projection(stream(), options_of<double>(inputs, outputs), mask);
  const std::vector<double> weights = projection.to_host(stream());
  const auto spikes = random_.values<double>(rows * inputs, -1, 1);
  const auto grad = random_.values<double>(rows * outputs, -1, 1);
  // The loss whose gradient with respect to the outputs is `grad`.
  const auto loss = [&](const std::vector<double>& w, const std::vector<double>& x) {
    projection.set_from_host(stream(), w);
    const auto graded = forward(projection, InputKind::values, x, {rows, inputs});
    double sum = 0;
    for (std::size_t e = 0; e < graded.size(); ++e) sum += grad[e] * graded[e];
    return sum;
  };
  const auto slopes = [&](std::vector<double> at, const auto& loss_at) {
    std::vector<double> out;
    for (double& value : at) {
      const double middle = value;
      value = middle + 1e-3;
      const double above = loss_at(at);
      value = middle - 1e-3;
      out.push_back((above - loss_at(at)) / 2e-3);
      value = middle;
    }
    return out;
  };
  const auto weight_slopes = slopes(weights, [&](const auto& w) { return loss(w, spikes); });
  const auto spike_slopes = slopes(spikes, [&](const auto& x) { return loss(weights, x); });
  projection.set_from_host(stream(), weights);
  const DeviceArray<double> input(stream(), spikes, {rows, inputs});
  const DeviceArray<double> given(stream(), grad, {rows, outputs});
  DeviceArray<double> grad_spikes(stream(), {rows, inputs}, untouched<double>());
  DeviceArray<double> grad_weight(stream(), {outputs, inputs}, untouched<double>());
  projection.backward(stream(), given.constant(), input.constant(), grad_spikes.view(),
                      grad_weight.view());
  // The loss is linear in both, so the difference quotient is wrong by rounding alone.
  EXPECT_TRUE(matches(grad_spikes.host(), spike_slopes, {0, 1e-11, {}}));
  EXPECT_TRUE(matches(grad_weight.host(), weight_slopes, {0, 1e-11, {}}));
  EXPECT_TRUE(matches(grad_weight.host(), reference::masked(grad_weight.host(), by_weight)));
}

// Masks and changes of weights

TEST_P(ProjectionTest, WhatIsNotConnectedIsZeroInBothDirections) {
  for_each_type([&]<class T>() {
    constexpr std::int64_t inputs = 45, outputs = 34;
    const std::vector<std::uint8_t> mask = random_.flags(inputs * outputs, 0.4);
    const std::vector<std::uint8_t> by_weight = reference::transposed(mask, outputs);
    Projection<T> projection(stream(), options_of<T>(inputs, outputs), mask);
    const auto values = random_.values<T>(inputs * outputs, -2, 2);
    const auto weights = reference::masked(values, by_weight);
    const auto spikes = model_test::random_inputs<T>(random_, InputKind::values, 3 * inputs);
    const auto grad = random_.values<T>(3 * outputs, -1, 1);
    const auto check = [&](const char* how) {
      SCOPED_TRACE(how);
      EXPECT_TRUE(matches(forward(projection, InputKind::values, spikes, {3, inputs}),
                          reference::product(spikes, weights, inputs)));
      EXPECT_TRUE(matches(projection.to_host(stream()), weights));
      const DeviceArray<T> input(stream(), spikes, {3, inputs});
      const DeviceArray<T> given(stream(), grad, {3, outputs});
      DeviceArray<T> grad_spikes(stream(), {3, inputs}, untouched<T>());
      DeviceArray<T> grad_weight(stream(), {outputs, inputs}, untouched<T>());
      projection.backward(stream(), given.constant(), input.constant(), grad_spikes.view(),
                          grad_weight.view());
      EXPECT_TRUE(
          matches(grad_spikes.host(),
                  reference::product(grad, reference::transposed(weights, inputs), outputs)));
      const auto dense = reference::product(reference::transposed(grad, outputs),
                                            reference::transposed(spikes, inputs), 3);
      EXPECT_TRUE(matches(grad_weight.host(), reference::masked(dense, by_weight)));
    };
    projection.set_from_host(stream(), values);
    check("set_from_host");
    projection.reset_parameters(stream(), 3);
    const DeviceArray<T> on_device(stream(), values, {outputs, inputs});
    projection.set(stream(), on_device.constant());
    check("set");
    projection.reset_parameters(stream(), 3);
    projection.prepare(stream());
    cusynapse::memory::copy_from_host(stream(), projection.edit().data(), values.data(),
                                      values.size() * sizeof(T));
    check("edit");
  });
}

TEST_P(ProjectionTest, GradientsOfWhatIsNotConnectedAreZeroEvenBesideInfinities) {
  for_each_type([&]<class T>() {
    Projection<T> projection(stream(), options_of<T>(2, 1), {0, 1});
    const DeviceArray<T> input(stream(), {T(infinity), T(2)}, {1, 2});
    const DeviceArray<T> grad(stream(), {1, 1}, T(3));
    DeviceArray<T> grad_weight(stream(), {1, 2}, untouched<T>());
    projection.backward(stream(), grad.constant(), input.constant(), {}, grad_weight.view());
    EXPECT_TRUE(matches(grad_weight.host(), {T(0), T(6)}));
  });
}

TEST_P(ProjectionTest, BackwardAloneSeesWeightsThatChanged) {
  for_each_type([&]<class T>() {
    Projection<T> projection(stream(), options_of<T>(2, 1), {1, 0});
    const DeviceArray<T> input(stream(), {1, 2}, T(1));
    const DeviceArray<T> grad(stream(), {1, 1}, T(3));
    DeviceArray<T> out(stream(), {1, 2}, untouched<T>());
    for (const T weight : {T(2), T(-5)}) {
      const T written[2] = {weight, T(7)};
      cusynapse::memory::copy_from_host(stream(), projection.edit().data(), written,
                                        sizeof written);
      projection.backward(stream(), grad.constant(), input.constant(), out.view(), {});
      EXPECT_TRUE(matches(out.host(), {3 * weight, T(0)}));
    }
  });
}

TEST_P(ProjectionTest, AMovedProjectionGoesOnWhereItWas) {
  for_each_type([&]<class T>() {
    Projection<T> first(stream(), options_of<T>(3, 2), {1, 1, 0, 1, 1, 0});
    const auto expected = forward(first, InputKind::values, {T(1), T(2), T(3)}, {3});
    first.reset_changed();
    Projection<T> second(std::move(first));
    EXPECT_FALSE(second.changed_since_last_run());
    EXPECT_TRUE(matches(forward(second, InputKind::values, {T(1), T(2), T(3)}, {3}), expected));
    Projection<T> third(stream(), options_of<T>(1, 1));
    third = std::move(second);
    EXPECT_EQ(third.in_features(), 3);
    EXPECT_EQ(third.out_features(), 2);
    EXPECT_TRUE(matches(forward(third, InputKind::values, {T(1), T(2), T(3)}, {3}), expected));
  });
}

// Hardware

TEST_P(ProjectionTest, LinearSaturatingScalesAndClamps) {
  for_each_type([&]<class T>() {
    for (const std::int64_t size : support::awkward_sizes()) {
      std::vector<T> values = random_.values<T>(size, -50, 50);
      values[0] = T(infinity);
      if (size > 2) values[1] = T(-infinity);
      if (size > 2) values[2] = T(not_a_number);
      std::vector<T> expected;
      for (const T value : values) {
        expected.push_back(reference::linear_saturating<T>(value, T(1.7), T(-63), T(60)));
      }
      DeviceArray<T> array(stream(), values, {size});
      DeviceArray<T> out(stream(), {size}, untouched<T>());
      cusynapse::LinearSaturating<T> arguments;
      arguments.values = array.view().data();
      arguments.size = size;
      arguments.scale = T(1.7);
      arguments.maximum = T(60);
      arguments.out = out.view().data();
      cusynapse::ops::linear_saturating(stream(), arguments);
      EXPECT_TRUE(matches(out.host(), expected));
      arguments.out = array.view().data();
      cusynapse::ops::linear_saturating(stream(), arguments);
      EXPECT_TRUE(matches(array.host(), expected));
    }
  });
}

TEST_P(ProjectionTest, HardwareWeightsAreRoundedHalvesAwayFromZero) {
  for_each_type([&]<class T>() {
    const T below = std::nextafter(T(0.5), T(0));
    std::vector<T> weights = {T(0),    T(-0.0), below,   -below,   T(0.5),   T(-0.5), T(1),
                              T(1.49), T(1.5),  T(-1.5), T(2.5),   T(-2.5),  T(-63),  T(62.5),
                              T(63.4), T(63.5), T(64),   T(-1000), T(1e-30), T(62.49)};
    const std::vector<std::int32_t> excitatory = {0, 0, 0, 0,  1,  0,  1,  1, 2, 0,
                                                  3, 0, 0, 63, 63, 63, 63, 0, 0, 62};
    const std::vector<std::int32_t> inhibitory = {0, 0, 0,  0, 0, 1, 0, 0,  0, 2,
                                                  0, 3, 63, 0, 0, 0, 0, 63, 0, 0};
    weights.push_back(T(infinity));
    const auto size = static_cast<std::int64_t>(weights.size());
    Projection<T> projection(stream(), options_of<T>(size, 1));
    projection.set_from_host(stream(), weights);
    const auto positive = image(projection, true);
    const auto negative = image(projection, false);
    EXPECT_TRUE(
        matches(std::vector<std::int32_t>(positive.begin(), positive.end() - 1), excitatory));
    EXPECT_TRUE(
        matches(std::vector<std::int32_t>(negative.begin(), negative.end() - 1), inhibitory));
    EXPECT_EQ(positive.back(), 63);
    EXPECT_EQ(negative.back(), 0);
  });
}

TEST_P(ProjectionTest, TheImageHoldsEverySynapseInOneSignAlone) {
  for_each_type([&]<class T>() {
    for (const std::int64_t inputs : {1, 7, 33, 257}) {
      constexpr std::int64_t outputs = 5;
      ProjectionOptions<T> options = options_of<T>(inputs, outputs);
      options.saturation = {1.5, -40.25, 63.0};
      const std::vector<std::uint8_t> mask = random_.flags(inputs * outputs, 0.8);
      Projection<T> projection(stream(), options, mask);
      const auto values = random_.values<T>(inputs * outputs, -60, 60);
      projection.set_from_host(stream(), values);
      std::vector<std::uint8_t> expected[2];
      for (const T weight : reference::masked(values, reference::transposed(mask, outputs))) {
        const T held = reference::linear_saturating<T>(weight, T(1.5), T(-40.25), T(63));
        for (const bool excitatory : {false, true}) {
          expected[excitatory].push_back(
              static_cast<std::uint8_t>(reference::hardware_weight(held, excitatory)));
        }
      }
      DeviceArray<std::uint8_t> positive(stream(), {outputs, inputs}, untouched<std::uint8_t>());
      DeviceArray<std::uint8_t> negative(stream(), {outputs, inputs}, untouched<std::uint8_t>());
      projection.hardware_image(stream(), positive.view(), negative.view());
      EXPECT_TRUE(matches(positive.host(), expected[1]));
      EXPECT_TRUE(matches(negative.host(), expected[0]));
      for (std::size_t e = 0; e < expected[0].size(); ++e) {
        EXPECT_EQ(positive.host()[e] * negative.host()[e], 0);
      }
      EXPECT_TRUE(matches(image(projection, true), expected[1]));
      EXPECT_TRUE(matches(image(projection, false), expected[0]));
    }
  });
}

TEST_P(ProjectionTest, AWeightOfTheWrongSignIsZeroForASingleReceptor) {
  for_each_type([&]<class T>() {
    const std::vector<T> weights = {T(3), T(-4), T(0), T(-70)};
    Projection<T> excitatory(stream(), options_of<T>(4, 1, Receptor::excitatory));
    excitatory.set_from_host(stream(), weights);
    EXPECT_TRUE(matches(image(excitatory, true), {3, 0, 0, 0}));
    Projection<T> inhibitory(stream(), options_of<T>(4, 1, Receptor::inhibitory));
    inhibitory.set_from_host(stream(), weights);
    EXPECT_TRUE(matches(image(inhibitory, false), {0, 4, 0, 63}));
    const auto asks = [&](Projection<T>& projection, bool positive) {
      return refuses([&] { image(projection, positive); }, Errc::not_supported,
                     {"Projection::hardware_image", positive ? "excitatory" : "inhibitory"});
    };
    EXPECT_TRUE(asks(excitatory, false));
    EXPECT_TRUE(asks(inhibitory, true));
  });
}

TEST_P(ProjectionTest, NaNAndMoreThan63AreRefusedAndNothingIsWritten) {
  for_each_type([&]<class T>() {
    constexpr std::int64_t inputs = 5000;  // more than a partial count covers
    const T most = std::nextafter(T(63.5), T(0));
    const auto identity = transform_of<T>([](T weight) { return weight; });
    for (const Receptor receptor : {Receptor::excitatory, Receptor::inhibitory, Receptor::both}) {
      ProjectionOptions<T> options = options_of<T>(inputs, 1, receptor);
      options.transform = identity;
      Projection<T> projection(stream(), options);
      const auto holds = [&](T weight) {
        std::vector<T> weights(inputs, T(0));
        weights[4711] = weight;
        projection.set_from_host(stream(), weights);
        const bool seen = projection.changed_since_last_run();
        DeviceArray<std::uint8_t> out(stream(), {1, inputs}, untouched<std::uint8_t>());
        const bool excitatory = receptor != Receptor::inhibitory;
        const auto call = [&] {
          if (excitatory) projection.hardware_image(stream(), out.view(), {});
          if (!excitatory) projection.hardware_image(stream(), {}, out.view());
        };
        try {
          call();
          return true;
        } catch (const cusynapse::Error&) {
          EXPECT_TRUE(refuses(call, Errc::invalid_argument,
                              {"Projection::hardware_image", "is 1 of 5000, expected 0"}));
          EXPECT_TRUE(matches(out.host(), std::vector<std::uint8_t>(inputs, 0xA5)));
          EXPECT_TRUE(matches(projection.to_host(stream()), weights));
          EXPECT_EQ(projection.changed_since_last_run(), seen);
          return false;
        }
      };
      EXPECT_FALSE(holds(T(not_a_number)));
      EXPECT_TRUE(holds(most));
      EXPECT_TRUE(holds(-most));
      EXPECT_EQ(holds(T(63.5)), receptor == Receptor::inhibitory);
      EXPECT_EQ(holds(T(-63.5)), receptor == Receptor::excitatory);
      EXPECT_EQ(holds(T(infinity)), receptor == Receptor::inhibitory);
      EXPECT_EQ(holds(T(-infinity)), receptor == Receptor::excitatory);
    }
    // The saturation of the projection's own is held to the same.
    ProjectionOptions<T> options = options_of<T>(1, 1);
    options.saturation = {1.0, -63.0, 100.0};
    Projection<T> projection(stream(), options);
    projection.set_from_host(stream(), {T(64)});
    EXPECT_TRUE(refuses([&] { image(projection, true); }, Errc::invalid_argument, {"beyond 63"}));
    EXPECT_TRUE(refuses([&] { projection.get_connections(stream(), Receptor::excitatory); },
                        Errc::invalid_argument, {"beyond 63"}));
  });
}

TEST_P(ProjectionTest, ATransformOfTheCallersIsUsedAndMasked) {
  for_each_type([&]<class T>() {
    ProjectionOptions<T> options = options_of<T>(4, 1);
    options.transform = transform_of<T>([](T weight) { return 1 / weight; });
    Projection<T> projection(stream(), options, {1, 0, 1, 0});
    // Written past the mask, and not planned since: masked all the same, and 1 / 0 is not judged.
    const T weights[4] = {T(0.1), T(0.2), T(-0.25), T(not_a_number)};
    cusynapse::memory::copy_from_host(stream(), projection.edit().data(), weights, sizeof weights);
    EXPECT_TRUE(matches(image(projection, true), {10, 0, 0, 0}));
    EXPECT_TRUE(matches(image(projection, false), {0, 0, 4, 0}));
  });
}

TEST_P(ProjectionTest, ATransformSeesWhatIsConnectedAlone) {
  ProjectionOptions<double> options = options_of<double>(3, 1);
  std::vector<double> seen(3, untouched<double>());
  options.transform = [&](const cusynapse::Stream& on, View<const double> weights,
                          View<double> out) {
    cusynapse::memory::copy_to_host(on, seen.data(), weights.data(), 3 * sizeof(double));
    cusynapse::memory::fill_zero(on, out.data(), 3 * sizeof(double));
  };
  Projection<double> projection(stream(), options, {1, 0, 1});
  const double weights[3] = {1, 2, 3};
  cusynapse::memory::copy_from_host(stream(), projection.edit().data(), weights, sizeof weights);
  image(projection, true);
  EXPECT_TRUE(matches(seen, {1, 0, 3}));
}

TEST_P(ProjectionTest, WhatATransformThrowsReachesTheCaller) {
  ProjectionOptions<float> options = options_of<float>(4, 1);
  options.transform = [](const cusynapse::Stream&, View<const float>, View<float>) {
    throw std::bad_alloc();
  };
  Projection<float> projection(stream(), options);
  EXPECT_THROW(image(projection, true), std::bad_alloc);
}

TEST_P(ProjectionTest, ConnectionsAreAllOfThemOutputByOutput) {
  for_each_type([&]<class T>() {
    Projection<T> projection(stream(), options_of<T>(3, 2), {1, 1, 1, 0, 1, 1});
    projection.set_from_host(stream(), {T(1.5), T(-2), T(0), T(-63.4), T(9), T(62.6)});
    const std::vector<PlacedConnection> excitatory = {{0, 0, 2}, {1, 0, 0}, {2, 0, 0},
                                                      {0, 1, 0}, {1, 1, 0}, {2, 1, 63}};
    const std::vector<PlacedConnection> inhibitory = {{0, 0, 0},  {1, 0, 2}, {2, 0, 0},
                                                      {0, 1, 63}, {1, 1, 0}, {2, 1, 0}};
    EXPECT_EQ(projection.get_connections(stream(), Receptor::excitatory), excitatory);
    EXPECT_EQ(projection.get_connections(stream(), Receptor::inhibitory), inhibitory);
    // The routing does not depend on the weights.
    projection.set_from_host(stream(), std::vector<T>(6, T(0)));
    const auto silent = projection.get_connections(stream(), Receptor::excitatory);
    ASSERT_EQ(silent.size(), 6u);
    for (std::size_t e = 0; e < 6; ++e) {
      EXPECT_EQ(silent[e], (PlacedConnection{excitatory[e].pre, excitatory[e].post, 0}));
    }
    EXPECT_TRUE(refuses([&] { projection.get_connections(stream(), Receptor::both); },
                        Errc::invalid_argument, {"Projection::get_connections", "receptor is 2"}));
    Projection<T> single(stream(), options_of<T>(3, 2, Receptor::inhibitory));
    EXPECT_TRUE(refuses([&] { single.get_connections(stream(), Receptor::excitatory); },
                        Errc::not_supported, {"excitatory"}));
    EXPECT_EQ(single.get_connections(stream(), Receptor::inhibitory).size(), 6u);
  });
}

TEST_P(ProjectionTest, ChangesAreSeenFromOneResetToTheNext) {
  Projection<float> projection(stream(), options_of<float>(3, 2));
  EXPECT_TRUE(projection.changed_since_last_run()) << "before the first run";
  const std::vector<float> weights = projection.to_host(stream());
  forward(projection, InputKind::values, {1, 1, 1}, {3});
  EXPECT_TRUE(projection.changed_since_last_run());
  projection.reset_changed();
  EXPECT_FALSE(projection.changed_since_last_run());
  forward(projection, InputKind::values, {1, 1, 1}, {3});
  projection.prepare(stream());
  image(projection, true);
  EXPECT_FALSE(projection.changed_since_last_run()) << "reading changes nothing";
  const DeviceArray<float> on_device(stream(), weights, {2, 3});
  const std::pair<const char*, std::function<void()>> changes[] = {
      {"set", [&] { projection.set(stream(), on_device.constant()); }},
      {"set_from_host", [&] { projection.set_from_host(stream(), weights); }},
      {"edit", [&] { projection.edit(); }},
      {"reset_parameters", [&] { projection.reset_parameters(stream(), 1); }},
  };
  for (const auto& [name, change] : changes) {
    change();
    EXPECT_TRUE(projection.changed_since_last_run()) << name;
    projection.prepare(stream());
    EXPECT_TRUE(projection.changed_since_last_run()) << name;
    projection.reset_changed();
    EXPECT_FALSE(projection.changed_since_last_run()) << name;
  }
}

// Refusals

TEST_P(ProjectionTest, RefusesOptionsOutOfTheirDomain) {
  for_each_type([&]<class T>() {
    const auto make = [&](const std::function<void(ProjectionOptions<T>&)>& change) {
      return [this, change] {
        ProjectionOptions<T> options = options_of<T>(3, 2);
        change(options);
        Projection<T>(stream(), options);
      };
    };
    using Options = ProjectionOptions<T>;
    constexpr Errc invalid = Errc::invalid_argument;
    EXPECT_TRUE(refuses(make([](Options& o) { o.in_features = 0; }), invalid, {"Projection", "0"}));
    EXPECT_TRUE(refuses(make([](Options& o) { o.out_features = -2; }), invalid, {"-2"}));
    EXPECT_TRUE(refuses(make([](Options& o) {
                          o.in_features = std::int64_t{1} << 40;
                          o.out_features = std::int64_t{1} << 40;
                        }),
                        invalid, {"2^56"}));
    EXPECT_TRUE(refuses(make([](Options& o) { o.in_features = std::int64_t{1} << 32; }), invalid,
                        {"number of features is 4.2949673e+09, expected at most 2^31"}));
    EXPECT_TRUE(refuses(make([](Options& o) {
                          o.in_features = 1;
                          o.out_features = std::int64_t{1} << 32;
                        }),
                        invalid, {"number of features is 4.2949673e+09, expected at most 2^31"}));
    EXPECT_TRUE(refuses(make([](Options& o) { o.receptor = static_cast<Receptor>(3); }), invalid,
                        {"receptor is 3"}));
    for (const double bad : {infinity, -infinity, not_a_number}) {
      EXPECT_TRUE(
          refuses(make([&](Options& o) { o.saturation.scale = bad; }), invalid, {"saturation"}));
      EXPECT_TRUE(
          refuses(make([&](Options& o) { o.saturation.minimum = bad; }), invalid, {"saturation"}));
      EXPECT_TRUE(
          refuses(make([&](Options& o) { o.saturation.maximum = bad; }), invalid, {"saturation"}));
    }
    if (std::is_same_v<T, float>) {
      EXPECT_TRUE(refuses(make([](Options& o) { o.saturation.scale = 1e39; }), invalid,
                          {"saturation is 1e+39, expected finite and within the range"}));
    }
    EXPECT_TRUE(refuses(make([&](Options& o) { o.saturation.minimum = 63.5; }), invalid,
                        {"minimum of the saturation is 63.5"}));
    const Options options = options_of<T>(3, 2);
    for (const std::size_t wrong : {5u, 7u}) {
      const std::vector<std::uint8_t> mask(wrong, 1);
      EXPECT_TRUE(refuses([&] { Projection<T>(stream(), options, mask); }, Errc::shape_mismatch,
                          {"mask has " + std::to_string(wrong) + " elements, expected 6"}));
    }
    DeviceArray<std::uint8_t> mask(stream(), {2, 3}, 1);
    EXPECT_TRUE(refuses([&] { Projection<T>(stream(), options, mask.constant()); },
                        Errc::shape_mismatch, {"mask has shape [2, 3], expected [3, 2]"}));
    EXPECT_TRUE(refuses(
        [&] {
          Projection<T>(stream(), options, View<const std::uint8_t>(nullptr, {3, 2}));
        },
        invalid, {"mask is null"}));
  });
}

TEST_P(ProjectionTest, RefusedCallsLeaveTheProjectionAndTheOutputsAsTheyWere) {
  for_each_type([&]<class T>() {
    Projection<T> projection(stream(), options_of<T>(3, 2), {1, 1, 1, 0, 1, 1});
    const std::vector<T> spikes = {T(1), T(2), T(3), T(4), T(5), T(6)};
    const auto graded = forward(projection, InputKind::values, spikes, {2, 3});
    const std::vector<T> weights = projection.to_host(stream());
    projection.reset_changed();
    const DeviceArray<T> good(stream(), {2, 3}, T(1));
    const DeviceArray<T> grad(stream(), {2, 2}, T(1));
    DeviceArray<T> out(stream(), {2, 2}, untouched<T>());
    DeviceArray<T> grad_spikes(stream(), {2, 3}, untouched<T>());
    const auto view = [&](const Shape& shape) { return View<T>(out.view().data(), shape); };
    const auto refused = [&](const std::function<void()>& call, Errc code,
                             const std::vector<std::string>& parts) {
      EXPECT_TRUE(refuses(call, code, parts));
      EXPECT_FALSE(projection.changed_since_last_run());
      EXPECT_TRUE(matches(projection.to_host(stream()), weights));
      EXPECT_TRUE(matches(out.host(), std::vector<T>(4, untouched<T>())));
      EXPECT_TRUE(matches(grad_spikes.host(), std::vector<T>(6, untouched<T>())));
      EXPECT_TRUE(matches(forward(projection, InputKind::values, spikes, {2, 3}), graded));
    };
    constexpr Errc shape = Errc::shape_mismatch;
    constexpr Errc invalid = Errc::invalid_argument;
    const auto forward_of = [&](const cusynapse::SpikeInput<T>& input, const View<T>& to) {
      return [&, input, to] { projection.forward(stream(), input, to); };
    };
    refused(forward_of(good.constant(), view({2, 3})), shape,
            {"Projection::forward", "graded has shape [2, 3], expected [2, 2]"});
    refused(forward_of(good.constant(), view({2})), shape, {"graded has shape [2]"});
    refused(forward_of(good.constant(), View<T>(nullptr, {2, 2})), invalid, {"graded is null"});
    refused(forward_of(View<const T>(good.constant().data(), {3, 2}), view({3, 2})), shape,
            {"spikes has shape [3, 2], expected [..., 3]"});
    refused(forward_of(View<const T>(good.constant().data(), {}), view({2})), shape,
            {"spikes has shape []"});
    refused(forward_of(View<const T>(good.constant().data(), {0, 3}), view({0, 2})), shape,
            {"spikes has shape [0, 3]", "extents of at least 1"});
    refused(forward_of(View<const T>(nullptr, {2, 3}), view({2, 2})), invalid, {"spikes is null"});
    refused(
        [&] {
          projection.forward(stream(), good.constant(), view({2, 2}), static_cast<Output>(7));
        },
        invalid, {"output is 7"});

    const View<T> no_view;
    const auto backward_of = [&](View<const T> from, const cusynapse::SpikeInput<T>& input,
                                 View<T> to, View<T> weight) {
      return
          [&, from, input, to, weight] { projection.backward(stream(), from, input, to, weight); };
    };
    refused(backward_of(good.constant(), good.constant(), grad_spikes.view(), no_view), shape,
            {"Projection::backward", "grad has shape [2, 3], expected [..., 2]"});
    refused(backward_of(grad.constant(), grad.constant(), grad_spikes.view(), no_view), shape,
            {"spikes has shape [2, 2], expected [2, 3]"});
    refused(backward_of(grad.constant(), good.constant(), view({2, 2}), no_view), shape,
            {"grad_spikes has shape [2, 2]"});
    refused(backward_of(grad.constant(), good.constant(), grad_spikes.view(), view({2, 2})), shape,
            {"grad_weight has shape [2, 2], expected [2, 3]"});
    refused(backward_of(grad.constant(), good.constant(), View<T>(nullptr, {2, 3}), no_view),
            invalid, {"grad_spikes is null"});
    refused(
        [&] {
          projection.backward(stream(), grad.constant(), good.constant(), grad_spikes.view(),
                              no_view, static_cast<Output>(-1));
        },
        invalid, {"output is -1"});

    refused([&] { projection.set(stream(), grad.constant()); }, shape,
            {"Projection::set", "weights has shape [2, 2], expected [2, 3]"});
    refused([&] { projection.set(stream(), View<const T>(nullptr, {2, 3})); }, invalid, {"null"});
    refused([&] { projection.set_from_host(stream(), {T(1)}); }, shape,
            {"Projection::set_from_host", "1 elements, expected 6"});
    DeviceArray<std::uint8_t> small(stream(), {2, 2}, 0xA5);
    refused(
        [&] {
          projection.hardware_image(stream(), View<std::uint8_t>(nullptr, {2, 3}), {});
        },
        invalid, {"excitatory is null"});
    refused([&] { projection.hardware_image(stream(), small.view(), {}); }, shape,
            {"excitatory has shape [2, 2], expected [2, 3]"});
  });
}

TEST_P(ProjectionTest, RefusesStreamsOfAnotherDevice) {
  if (GetParam() == cusynapse::Device::cpu()) {
    GTEST_SKIP() << "there is one device only";
  }
  const cusynapse::Stream other = cusynapse::Stream::cpu();
  Projection<float> projection(stream(), options_of<float>(3, 2));
  DeviceArray<float> array(stream(), {2, 3}, 1.0f);
  constexpr Errc wrong = Errc::wrong_device;
  EXPECT_TRUE(refuses([&] { projection.set(other, array.constant()); }, wrong, {"cpu"}));
  EXPECT_TRUE(refuses([&] { projection.reset_parameters(other, 1); }, wrong, {"cpu"}));
  EXPECT_TRUE(refuses([&] { projection.to_host(other); }, wrong, {"cpu"}));
  EXPECT_TRUE(refuses([&] { projection.prepare(other); }, wrong, {"cpu"}));
  EXPECT_TRUE(
      refuses([&] { projection.forward(other, array.constant(), array.view()); }, wrong, {"cpu"}));
  EXPECT_TRUE(refuses(
      [&] { projection.backward(other, array.constant(), array.constant(), array.view(), {}); },
      wrong, {"cpu"}));
  EXPECT_TRUE(refuses([&] { projection.hardware_image(other, {}, {}); }, wrong, {"cpu"}));
}

TEST_P(ProjectionTest, LevelTwoRefusesWhatItCannotRun) {
  for_each_type([&]<class T>() {
    constexpr Errc invalid = Errc::invalid_argument;
    DeviceArray<T> array(stream(), {64, 64}, T(1));
    T* data = array.view().data();
    cusynapse::LinearSaturating<T> saturating{data, 4, T(1), T(2), T(1), data};
    const auto saturate = [&] { cusynapse::ops::linear_saturating(stream(), saturating); };
    EXPECT_TRUE(refuses(saturate, invalid, {"linear_saturating: minimum is 2"}));
    saturating = {data, -1, T(1), T(0), T(1), data};
    EXPECT_TRUE(refuses(saturate, invalid, {"size is -1"}));
    saturating = {nullptr, 4, T(1), T(0), T(1), data};
    EXPECT_TRUE(refuses(saturate, invalid, {"values is null"}));
    saturating = {data, 4, T(1), T(0), T(1), nullptr};
    EXPECT_TRUE(refuses(saturate, invalid, {"out is null"}));
    DeviceArray<std::uint8_t> signs(stream(), {4}, 7);
    cusynapse::HardwareImage<T> image{data, 4, nullptr, nullptr};
    const auto draw = [&] { cusynapse::ops::hardware_image(stream(), image); };
    EXPECT_TRUE(refuses(draw, invalid, {"hardware_image: excitatory and inhibitory is null"}));
    image = {nullptr, 4, signs.view().data(), nullptr};
    EXPECT_TRUE(refuses(draw, invalid, {"hardware_image: values is null"}));
    image = {data, -1, signs.view().data(), nullptr};
    EXPECT_TRUE(refuses(draw, invalid, {"hardware_image: size is -1"}));
    EXPECT_EQ(signs.host(), std::vector<std::uint8_t>(4, 7));
    cusynapse::MaskedCopy<T> masked{data, nullptr, 4, nullptr};
    const auto copy = [&] { cusynapse::ops::masked_copy(stream(), masked); };
    EXPECT_TRUE(refuses(copy, invalid, {"masked_copy: out is null"}));
    masked = {nullptr, nullptr, 4, data};
    EXPECT_TRUE(refuses(copy, invalid, {"masked_copy: values is null"}));
    masked = {data, nullptr, -1, data};
    EXPECT_TRUE(refuses(copy, invalid, {"masked_copy: size is -1"}));
    const auto plan = [&](const cusynapse::TransposedPlan<T>& arguments, const char* what) {
      return refuses([&] { cusynapse::ops::transposed_plan(stream(), arguments); }, invalid,
                     {std::string("transposed_plan: ") + what});
    };
    EXPECT_TRUE(plan({4, 4, data, data + 1}, "planned is not aligned"));
    EXPECT_TRUE(plan({-1, 4, data, data}, "inputs is -1"));
    EXPECT_TRUE(plan({4, -1, data, data}, "outputs is -1"));
    EXPECT_TRUE(plan({4, 4, nullptr, data}, "weights is null"));
    EXPECT_TRUE(plan({4, 4, data, nullptr}, "planned is null"));
    cusynapse::OuterProduct<T> product;
    product.rows = -1;
    const auto multiply = [&] { cusynapse::ops::outer_product(stream(), product); };
    EXPECT_TRUE(refuses(multiply, invalid, {"outer_product: rows is -1"}));
    product.rows = product.inputs = product.outputs = 2;
    product.left = data;
    product.out = data + 128;
    EXPECT_TRUE(refuses(multiply, invalid, {"right is null"}));
    product.right = data;
    product.right_kind = static_cast<cusynapse::InputKind>(3);
    EXPECT_TRUE(refuses(multiply, invalid, {"right_kind is 3"}));
    product.right_kind = cusynapse::InputKind::values;
    product.left = nullptr;
    EXPECT_TRUE(refuses(multiply, invalid, {"left is null"}));
    product.left = data;
    product.out = nullptr;
    EXPECT_TRUE(refuses(multiply, invalid, {"out is null"}));
    product.out = data;
    product.inputs = -1;
    EXPECT_TRUE(refuses(multiply, invalid, {"inputs is -1"}));
    product.inputs = 2;
    product.outputs = -1;
    EXPECT_TRUE(refuses(multiply, invalid, {"outputs is -1"}));
    EXPECT_TRUE(matches(array.host(), std::vector<T>(64 * 64, T(1))));
  });
}

// Allocations

TEST_P(ProjectionTest, ForwardAndBackwardAllocateNothing) {
  for_each_type([&]<class T>() {
    for (const std::int64_t rows : {1, 8, 33, 1500}) {
      Projection<T> projection(stream(), options_of<T>(70, 40),
                               std::vector<std::uint8_t>(70 * 40, 1));
      const DeviceArray<T> weights(stream(), {40, 70}, T(0.5));
      const DeviceArray<T> grad(stream(), {rows, 40}, T(1));
      DeviceArray<T> graded(stream(), {rows, 40}, T(0));
      DeviceArray<T> grad_spikes(stream(), {rows, 70}, T(0));
      DeviceArray<T> grad_weight(stream(), {40, 70}, T(0));
      const std::vector<T> ones(static_cast<std::size_t>(rows) * 70, T(1));
      for (const InputKind kind : model_test::input_kinds()) {
        DeviceInput<T> input(stream(), kind, ones, {rows, 70});
        EXPECT_EQ(allocations([&] {
                    projection.edit();
                    projection.forward(stream(), input.input(), graded.view());
                    projection.backward(stream(), grad.constant(), input.input(),
                                        grad_spikes.view(), grad_weight.view());
                    projection.set(stream(), weights.constant());
                    projection.prepare(stream());
                  }),
                  0);
      }
    }
  });
}

TEST_P(ProjectionTest, AnAllocationThatFailsChangesNothing) {
  Projection<float> projection(stream(), options_of<float>(30, 20),
                               std::vector<std::uint8_t>(600, 1));
  const std::vector<float> weights = projection.to_host(stream());
  DeviceArray<std::uint8_t> out(stream(), {20, 30}, 0xA5);
  projection.reset_changed();
  const std::function<void()> calls[] = {
      [&] { projection.reset_parameters(stream(), 99); },
      [&] { projection.hardware_image(stream(), out.view(), {}); },
      [&] { projection.get_connections(stream(), Receptor::inhibitory); },
  };
  for (const auto& call : calls) {
    int failures = 0;
    for (bool failed = true; failed;) {
      bool threw = false;
      {
        const support::FailingAllocation failing(failures + 1);
        try {
          call();
        } catch (const std::bad_alloc&) {
          threw = true;
        } catch (const cusynapse::Error& error) {
          threw = error.code() == Errc::out_of_memory;
        }
        failed = failing.happened();
      }
      ASSERT_EQ(threw, failed) << "allocation " << failures + 1;
      if (!failed) break;
      ++failures;
      EXPECT_TRUE(matches(projection.to_host(stream()), weights));
      EXPECT_FALSE(projection.changed_since_last_run());
      EXPECT_TRUE(matches(out.host(), std::vector<std::uint8_t>(600, 0xA5)));
    }
    EXPECT_GT(failures, 0);
    projection.set_from_host(stream(), weights);
    projection.reset_changed();
    out = DeviceArray<std::uint8_t>(stream(), {20, 30}, 0xA5);
  }
}

TEST_P(ProjectionTest, AFailedConstructionIsReported) {
  const std::vector<std::uint8_t> mask(600, 1);
  std::unique_ptr<Projection<float>> made;
  int failures = 0;
  while (made == nullptr && failures < 100) {
    const support::FailingAllocation failing(failures + 1);
    try {
      made = std::make_unique<Projection<float>>(stream(), options_of<float>(30, 20), mask);
    } catch (const std::bad_alloc&) {
      ++failures;
    } catch (const cusynapse::Error& error) {
      ASSERT_EQ(error.code(), Errc::out_of_memory);
      ++failures;
    }
  }
  EXPECT_NE(made, nullptr);
  EXPECT_GT(failures, 0);
}

}  // namespace
