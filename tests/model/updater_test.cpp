// Updates of a connection's parameters: what they come to, and that the sums that follow see them.
#include "cusynapse/updater.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "cusynapse/error.hpp"
#include "cusynapse/models.hpp"
#include "reference/accumulator.hpp"
#include "support/allocation.hpp"
#include "support/compare.hpp"
#include "support/device_array.hpp"
#include "support/devices.hpp"
#include "support/random.hpp"
#include "support/refusal.hpp"

namespace {

using cusynapse::BoundRule;
using cusynapse::Connection;
using cusynapse::ConnectionOptions;
using cusynapse::Errc;
using cusynapse::full_bounds;
using cusynapse::Parameter;
using cusynapse::Shape;
using cusynapse::Stream;
using cusynapse::Updater;
using cusynapse::View;
using support::DeviceArray;
using support::refuses;

constexpr Parameter parameters[] = {Parameter::weight, Parameter::bias, Parameter::delay};

enum class Kind { dense, direct, lateral, convolution };
constexpr Kind kinds[] = {Kind::dense, Kind::direct, Kind::lateral, Kind::convolution};

template <class T>
std::unique_ptr<Connection<T>> make_connection(const Stream& stream, Kind kind,
                                               const ConnectionOptions& options) {
  const auto factory = cusynapse::SingleExponentialCurrent<T>::factory({2.0, 5.0});
  switch (kind) {
    case Kind::dense:
      return std::make_unique<cusynapse::LinearDense<T>>(stream, Shape{5}, Shape{7}, options,
                                                         factory);
    case Kind::direct:
      return std::make_unique<cusynapse::LinearDirect<T>>(stream, Shape{9}, options, factory);
    case Kind::lateral:
      return std::make_unique<cusynapse::LinearLateral<T>>(stream, Shape{6}, options, factory);
    case Kind::convolution:
      break;
  }
  cusynapse::Conv2DOptions geometry;
  geometry.channels = 2;
  geometry.height = 5;
  geometry.width = 4;
  geometry.filters = 3;
  geometry.kernel[0] = 3;
  geometry.kernel[1] = 2;
  return std::make_unique<cusynapse::Conv2D<T>>(stream, geometry, options, factory);
}

ConnectionOptions connection_options(bool biased, std::optional<double> delay) {
  ConnectionOptions options;
  options.biased = biased;
  options.delay = delay;
  options.batch_size = 2;
  options.seed = 3;
  return options;
}

/// What a step gives, from an input that is the same for all connections of a shape.
template <class T>
std::vector<T> forward(const Stream& stream, Connection<T>& connection, std::uint64_t seed) {
  support::Random random(seed);
  const Shape in = connection.input_shape().prepended(connection.batch_size());
  const DeviceArray<T> input(stream, random.values<T>(in.size(), -1, 1), in);
  DeviceArray<T> out(stream, connection.output_shape().prepended(connection.batch_size()),
                     support::untouched<T>());
  connection.forward(stream, input.constant(), out.view());
  return out.host();
}

class UpdaterTest : public support::DeviceTest {
 protected:
  template <class T>
  void add(Updater<T>& updater, Parameter parameter, bool positive, const std::vector<T>& part) {
    const DeviceArray<T> array(stream(), part, updater[parameter].shape());
    if (positive) {
      updater[parameter].add_positive(stream(), array.constant());
    } else {
      updater[parameter].add_negative(stream(), array.constant());
    }
  }

  template <class T>
  std::vector<T> random_part(support::Random& random, const Updater<T>& updater,
                             Parameter parameter) {
    return random.values<T>(updater[parameter].shape().size(), 0.0, 1.0);
  }

  /// Calls `test.template operator()<T>(kind)` for both types and every class.
  template <class Test>
  static void for_each_connection(const Test& test) {
    for (const Kind kind : kinds) {
      SCOPED_TRACE(static_cast<int>(kind));
      test.template operator()<float>(kind);
      test.template operator()<double>(kind);
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Devices, UpdaterTest, testing::ValuesIn(support::devices()),
                         support::device_name);

TEST_P(UpdaterTest, EveryParameterThereIsHasAnAccumulatorOfItsShape) {
  for_each_connection([&]<class T>(Kind kind) {
    for (const bool biased : {false, true}) {
      for (const auto& delay : {std::optional<double>(), std::optional<double>(2.0)}) {
        const auto connection =
            make_connection<T>(stream(), kind, connection_options(biased, delay));
        Updater<T> updater(stream(), *connection);
        EXPECT_EQ(&updater.connection(), connection.get());
        for (const Parameter parameter : parameters) {
          EXPECT_EQ(updater.has(parameter), connection->has(parameter));
          if (updater.has(parameter)) {
            EXPECT_EQ(updater[parameter].shape(), connection->parameter_shape(parameter));
            continue;
          }
          EXPECT_TRUE(refuses([&] { updater[parameter]; }, Errc::not_supported, {"operator[]"}));
          EXPECT_TRUE(refuses([&] { updater.update(stream(), parameter); }, Errc::not_supported,
                              {"Updater::update"}));
          EXPECT_TRUE(refuses([&] { Updater<T> refused(stream(), *connection, {parameter}); },
                              Errc::not_supported, {"Updater::Updater"}));
        }
      }
    }
  });
}

TEST_P(UpdaterTest, OnlyTheParametersAskedForAreAccumulated) {
  const auto connection =
      make_connection<float>(stream(), Kind::dense, connection_options(true, 2.0));
  Updater<float> updater(stream(), *connection, {Parameter::delay, Parameter::bias});
  EXPECT_FALSE(updater.has(Parameter::weight));
  EXPECT_TRUE(updater.has(Parameter::bias));
  EXPECT_TRUE(updater.has(Parameter::delay));
  EXPECT_FALSE(updater.has(static_cast<Parameter>(3)));
  EXPECT_TRUE(refuses([&] { updater[Parameter::weight]; }, Errc::not_supported,
                      {"Updater::operator[]: got weight, expected a parameter"}));
  EXPECT_TRUE(refuses([&] { updater.update(stream(), Parameter::weight); }, Errc::not_supported,
                      {"Updater::update: got weight, expected a parameter"}));
  const auto before = connection->to_host(stream(), Parameter::weight);
  add(updater, Parameter::bias, true, std::vector<float>(7, 1.0f));
  updater.update(stream());
  EXPECT_EQ(connection->to_host(stream(), Parameter::weight), before);
}

TEST_P(UpdaterTest, ParametersAreAsTheOracleHasThemAndSumsAsOfAConnectionSetToThem) {
  for_each_connection([&]<class T>(Kind kind) {
    for (const auto& delay :
         {std::optional<double>(), std::optional<double>(0.0), std::optional<double>(3.0)}) {
      support::Random random(support::seed());
      const ConnectionOptions options = connection_options(true, delay);
      const auto connection = make_connection<T>(stream(), kind, options);
      const auto other = make_connection<T>(stream(), kind, options);
      Updater<T> updater(stream(), *connection);
      for (std::uint64_t step = 0; step < 6; ++step) {
        // Plans are made, and histories filled, before the update.
        ASSERT_TRUE(support::matches(forward(stream(), *connection, step),
                                     forward(stream(), *other, step)));
        for (const Parameter parameter : parameters) {
          if (!updater.has(parameter)) continue;
          reference::Accumulator<T> oracle;
          oracle.upper = {reference::BoundRule::multiplicative, T(3)};
          oracle.lower = {reference::BoundRule::multiplicative, T(-1)};
          updater[parameter].set_bounds(full_bounds(BoundRule::multiplicative, -1.0, 3.0));
          for (int k = 0; k < 2; ++k) {
            oracle.positive.push_back(random_part(random, updater, parameter));
            add(updater, parameter, true, oracle.positive.back());
          }
          oracle.negative.push_back(random_part(random, updater, parameter));
          add(updater, parameter, false, oracle.negative.back());
          auto expected = oracle.update(connection->to_host(stream(), parameter)).parameter;
          if (kind == Kind::lateral && parameter != Parameter::bias) {
            for (std::size_t i = 0; i < expected.size(); i += 7) expected[i] = 0;
          }
          other->set_from_host(stream(), parameter, expected);
        }
        updater.update(stream());
        for (const Parameter parameter : parameters) {
          if (!connection->has(parameter)) continue;
          EXPECT_TRUE(support::matches(connection->to_host(stream(), parameter),
                                       other->to_host(stream(), parameter)))
              << "parameter " << static_cast<int>(parameter);
        }
      }
      EXPECT_TRUE(
          support::matches(forward(stream(), *connection, 9), forward(stream(), *other, 9)));
    }
  });
}

TEST_P(UpdaterTest, TheDiagonalOfALateralConnectionIsZeroRightAfterTheUpdate) {
  const auto connection =
      make_connection<float>(stream(), Kind::lateral, connection_options(false, 2.0));
  Updater<float> updater(stream(), *connection);
  add(updater, Parameter::weight, true, std::vector<float>(36, 1.0f));
  add(updater, Parameter::delay, true, std::vector<float>(36, 1.0f));
  updater.update(stream());
  for (const Parameter parameter : {Parameter::weight, Parameter::delay}) {
    const auto values = connection->to_host(stream(), parameter);
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i % 7 == 0) {
        EXPECT_EQ(values[i], 0.0f);
      } else {
        EXPECT_GE(values[i], 1.0f);
      }
    }
  }
}

TEST_P(UpdaterTest, OneParameterAloneIsUpdatedAndTheOthersWait) {
  const auto connection =
      make_connection<float>(stream(), Kind::direct, connection_options(true, 2.0));
  Updater<float> updater(stream(), *connection);
  const std::vector<float> part(9, 1.0f);
  for (const Parameter parameter : parameters) add(updater, parameter, true, part);
  const auto weight = connection->to_host(stream(), Parameter::weight);
  updater.update(stream(), Parameter::delay);
  EXPECT_EQ(connection->to_host(stream(), Parameter::delay), part);
  EXPECT_EQ(connection->to_host(stream(), Parameter::weight), weight);
  updater.update(stream());
  EXPECT_EQ(connection->to_host(stream(), Parameter::delay), part);
  for (std::size_t i = 0; i < weight.size(); ++i) {
    EXPECT_EQ(connection->to_host(stream(), Parameter::weight)[i], weight[i] + 1.0f);
  }
}

TEST_P(UpdaterTest, ClearedPartsAreNotApplied) {
  const auto connection =
      make_connection<double>(stream(), Kind::dense, connection_options(true, std::nullopt));
  Updater<double> updater(stream(), *connection);
  const auto weight = connection->to_host(stream(), Parameter::weight);
  const auto bias = connection->to_host(stream(), Parameter::bias);
  add(updater, Parameter::weight, true, std::vector<double>(35, 1.0));
  add(updater, Parameter::bias, false, std::vector<double>(7, 1.0));
  updater.clear(stream());
  updater.update(stream());
  EXPECT_EQ(connection->to_host(stream(), Parameter::weight), weight);
  EXPECT_EQ(connection->to_host(stream(), Parameter::bias), bias);
}

TEST_P(UpdaterTest, AReductionThatThrowsChangesNoParameter) {
  const auto connection =
      make_connection<float>(stream(), Kind::direct, connection_options(true, std::nullopt));
  Updater<float> updater(stream(), *connection);
  bool fails = true;
  updater[Parameter::bias].set_reduction(
      stream(),
      [&](const Stream& on, const std::vector<View<const float>>& parts, View<float> out) {
        if (fails) throw std::runtime_error("the caller's");
        cusynapse::AccumulatePart<float> copy;
        copy.size = out.size();
        copy.part = parts.front().data();
        copy.accumulated = out.data();
        cusynapse::ops::accumulate_part(on, copy);
      });
  const auto weight = connection->to_host(stream(), Parameter::weight);
  const auto bias = connection->to_host(stream(), Parameter::bias);
  add(updater, Parameter::weight, true, std::vector<float>(9, 1.0f));
  add(updater, Parameter::bias, true, std::vector<float>(9, 1.0f));
  EXPECT_THROW(updater.update(stream()), std::runtime_error);
  EXPECT_EQ(connection->to_host(stream(), Parameter::weight), weight);
  EXPECT_EQ(connection->to_host(stream(), Parameter::bias), bias);
  fails = false;
  updater.update(stream());
  for (std::size_t i = 0; i < 9; ++i) {
    EXPECT_EQ(connection->to_host(stream(), Parameter::weight)[i], weight[i] + 1.0f);
    EXPECT_EQ(connection->to_host(stream(), Parameter::bias)[i], bias[i] + 1.0f);
  }
}

TEST_P(UpdaterTest, ASynapseChangedElsewhereIsRefusedBeforeAnythingChanges) {
  const auto connection =
      make_connection<float>(stream(), Kind::direct, connection_options(false, 2.0));
  Updater<float> updater(stream(), *connection);
  const auto weight = connection->to_host(stream(), Parameter::weight);
  add(updater, Parameter::weight, true, std::vector<float>(9, 1.0f));
  connection->synapse().set_batch_size(stream(), 5);
  EXPECT_TRUE(refuses([&] { updater.update(stream()); }, Errc::invalid_argument,
                      {"LinearDirect::prepare"}));
  EXPECT_EQ(connection->to_host(stream(), Parameter::weight), weight);
  connection->refresh(stream());
  updater.update(stream());
  EXPECT_EQ(connection->to_host(stream(), Parameter::weight)[0], weight[0] + 1.0f);
}

TEST_P(UpdaterTest, WhatWasAccumulatedMovesWithTheUpdater) {
  const auto connection =
      make_connection<float>(stream(), Kind::direct, connection_options(false, std::nullopt));
  Updater<float> updater(stream(), *connection);
  const auto weight = connection->to_host(stream(), Parameter::weight);
  add(updater, Parameter::weight, true, std::vector<float>(9, 1.0f));
  Updater<float> moved = std::move(updater);
  moved.update(stream());
  EXPECT_EQ(connection->to_host(stream(), Parameter::weight)[8], weight[8] + 1.0f);
}

TEST(UpdaterAllocation, AddingAndUpdatingAllocateNothing) {
  const Stream stream = Stream::cpu();
  for (const Kind kind : kinds) {
    const auto connection = make_connection<float>(stream, kind, connection_options(true, 2.0));
    Updater<float> updater(stream, *connection);
    const DeviceArray<float> weight(stream, connection->weight_shape(), 0.5f);
    const DeviceArray<float> bias(stream, connection->bias_shape(), 0.5f);
    const support::AllocationCounter counter;
    for (int step = 0; step < 3; ++step) {
      updater[Parameter::weight].add_positive(stream, weight.constant());
      updater[Parameter::delay].add_negative(stream, weight.constant());
      updater[Parameter::bias].add_negative(stream, bias.constant());
      updater.update(stream);
    }
    updater.clear(stream);
    EXPECT_EQ(counter.count(), 0);
  }
}

}  // namespace
