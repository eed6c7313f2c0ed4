import gc
import weakref

import cusynapse
import models
import numpy as np
import pytest

SHAPE = (3, 4)


def connection(dtype="float32", **options):
    return cusynapse.LinearDense(
        4, 3, models.factory("SingleExponentialCurrent"), biased=True, delay=3.0, dtype=dtype,
        **options)


REDUCTIONS = {
    "sum": lambda parts: sum(parts[1:], parts[0]),
    "mean": lambda parts: sum(parts[1:], parts[0]) / parts[0].dtype.type(len(parts)),
    "maximum": lambda parts: np.max(parts, axis=0),
}


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_reduces_both_sides_and_adds_their_difference(reduction, dtype, generator):
    accumulator = cusynapse.Accumulator(SHAPE, dtype=dtype)
    accumulator.set_reduction(reduction)
    positive = list(generator.random((3, *SHAPE)).astype(dtype))
    negative = list(generator.random((2, *SHAPE)).astype(dtype))
    for part in positive:
        accumulator.add_positive(part)
    for part in negative:
        accumulator.add_negative(part)
    before = generator.random(SHAPE).astype(dtype)
    parameter = before.copy()
    accumulator.update(parameter)
    expected = before + (REDUCTIONS[reduction](positive) - REDUCTIONS[reduction](negative))
    np.testing.assert_array_equal(parameter, expected)
    accumulator.update(parameter)  # nothing is left
    np.testing.assert_array_equal(parameter, expected)


# What the positive side is multiplied with, of the room r = 1 - p, with exponent 2 and range 4.
BOUNDS = {
    "none": lambda r: np.ones_like(r),
    "multiplicative": lambda r: r,
    "power": lambda r: r**2,
    "scaled_multiplicative": lambda r: r / 4,
    "scaled_power": lambda r: (r / 4) ** 2,
    "sharp": lambda r: (r > 0).astype(r.dtype),
}


@pytest.mark.parametrize("rule", BOUNDS)
def test_bounds_follow_the_room_that_is_left(rule, dtype, generator):
    accumulator = cusynapse.Accumulator(SHAPE, dtype=dtype)
    accumulator.set_bounds(cusynapse.full_bounds(
        rule, -3.0, 1.0, upper_power=2.0, lower_power=2.0))
    positive, negative = generator.random((2, *SHAPE)).astype(dtype)
    parameter = (generator.random(SHAPE) * 4 - 3).astype(dtype)
    parameter[0] = 1
    expected = parameter + (
        positive * BOUNDS[rule](1 - parameter) - negative * BOUNDS[rule](parameter + 3))
    accumulator.add_positive(positive)
    accumulator.add_negative(negative)
    accumulator.update(parameter)
    # Powers have an absolute error of 5e-7; everything else is exact.
    np.testing.assert_allclose(parameter, expected, rtol=0, atol=5e-7 if "power" in rule else 0)


def test_one_side_may_be_bounded(dtype):
    accumulator = cusynapse.Accumulator(4, dtype=dtype)
    upper = cusynapse.UpdateBound("multiplicative", 2.0)
    accumulator.set_bounds(cusynapse.UpdateBounds(upper=upper))
    assert accumulator.bounds.upper.limit == 2.0
    parameter = np.ones(4, dtype)
    accumulator.add_positive(np.full(4, 0.5, dtype))
    accumulator.add_negative(np.full(4, 3.0, dtype))
    accumulator.update(parameter)
    np.testing.assert_array_equal(parameter, np.full(4, -1.5))


def test_bounds_out_of_their_domain_are_refused():
    with pytest.raises(ValueError, match="rule is 'soft', expected one of 'none'"):
        cusynapse.UpdateBound("soft")
    with pytest.raises(cusynapse.InvalidArgument):
        cusynapse.Accumulator(4).set_bounds(cusynapse.full_bounds("multiplicative", 1.0, 0.0))


def test_updates_the_connections_parameters_and_its_next_sum(dtype, generator):
    updated = connection(dtype)
    updater = cusynapse.Updater(updated)
    weight, bias = updated.to_host("weight"), updated.to_host("bias")
    more = generator.random(SHAPE).astype(dtype)
    x = np.ones((1, 4), bool)
    updated.forward(x)
    updater["weight"].add_positive(more)
    updater["bias"].add_negative(np.ones(3, dtype))
    updater.update("weight")
    np.testing.assert_array_equal(updated.weight, weight + more)
    np.testing.assert_array_equal(updated.bias, bias)
    updater.update()
    np.testing.assert_array_equal(updated.bias, bias - 1)
    current = updated.synapse.current()
    np.testing.assert_allclose(
        updated.sum(), current @ updated.weight.T + updated.bias, rtol=1e-4)


def test_an_updater_of_some_parameters_has_no_others():
    updater = cusynapse.Updater(connection(), ["delay"])
    assert "delay" in updater and "weight" not in updater
    assert updater["delay"] is updater["delay"]
    with pytest.raises(cusynapse.NotSupported):
        updater["weight"]
    unbiased = cusynapse.LinearDense(4, 3, models.factory("DeltaCurrent"))
    with pytest.raises(cusynapse.NotSupported):
        cusynapse.Updater(unbiased, ["bias"])


def test_clear_forgets_all_parts():
    updated = connection()
    before = updated.to_host("weight")
    updater = cusynapse.Updater(updated)
    updater["weight"].add_positive(np.ones(SHAPE, np.float32))
    updater.clear()
    updater.update()
    np.testing.assert_array_equal(updated.weight, before)


def test_a_reduction_may_be_a_function(dtype, generator):
    updated = connection(dtype)
    before = updated.to_host("weight")
    updater = cusynapse.Updater(updated)
    updater["weight"].set_reduction(lambda parts: np.median(parts, axis=0))
    parts = generator.random((3, *SHAPE)).astype(dtype)
    for part in parts:
        updater["weight"].add_positive(part)
    updater.update()
    np.testing.assert_array_equal(updated.weight, before + np.median(parts, axis=0))


def test_a_reduction_may_keep_its_parts():
    accumulator = cusynapse.Accumulator(4)
    kept = []
    accumulator.set_reduction(lambda parts: kept.extend(parts) or parts[0])
    for value in (1, 2):
        accumulator.add_positive(np.full(4, value, np.float32))
        accumulator.update(np.zeros(4, np.float32))
    del accumulator
    np.testing.assert_array_equal(kept, [[1] * 4, [2] * 4])


def raising(parts):
    raise KeyError("mine")


@pytest.mark.parametrize("reduction, error, message", [
    (raising, KeyError, "mine"),
    (lambda parts: np.zeros(5, np.float32), ValueError, r"shape \[5\], expected \[3, 4\]"),
    (lambda parts: parts[0].astype(np.float16), TypeError, "dtype float16, expected float32"),
    (lambda parts: None, TypeError, "NoneType"),
])
def test_a_reduction_that_fails_changes_nothing(reduction, error, message):
    updated = connection()
    before = updated.to_host("weight")
    updater = cusynapse.Updater(updated)
    updater["weight"].set_reduction(reduction)
    updater["weight"].add_positive(np.ones(SHAPE, np.float32))
    with pytest.raises(error, match=message):
        updater.update()
    np.testing.assert_array_equal(updated.weight, before)


def test_a_reduction_that_refers_to_its_updater_is_collected():
    updater = cusynapse.Updater(connection())

    def reduction(parts):
        return updater["weight"], parts

    updater["weight"].set_reduction(reduction)
    watched = weakref.ref(reduction)
    del updater, reduction
    gc.collect()
    assert watched() is None


def test_the_updater_keeps_its_connection():
    updater = cusynapse.Updater(connection())
    updater["weight"].add_positive(np.ones(SHAPE, np.float32))
    updater.update()
    assert updater.connection.weight.min() >= 1


def test_unknown_reductions_are_refused():
    with pytest.raises(ValueError, match="'median', expected one of 'sum', 'mean', 'maximum'"):
        cusynapse.Accumulator(4).set_reduction("median")
