import cusynapse
import numpy as np
import pytest
import references

SHAPE, BATCH = (2, 9), 3
OPTIONS = {
    "time_constant": 10.0,
    "rest_voltage": -60.0,
    "reset_voltage": -66.0,
    "threshold_voltage": -50.0,
    "refractory_period": 2.0,
    "resistance": 2.0,
}


def neurons(dtype="float32"):
    return cusynapse.LeakyIntegrateAndFire(SHAPE, 1.0, batch_size=BATCH, dtype=dtype, **OPTIONS)


def test_steps_as_the_exact_solution_bit_for_bit(dtype, generator):
    neuron = neurons(dtype)
    reference = references.LeakyIntegrateAndFire(
        (BATCH, *SHAPE), 1.0, *OPTIONS.values(), dtype=dtype)
    count = 0
    for _ in range(60):
        current = (generator.random((BATCH, *SHAPE)) * 20).astype(dtype)
        spikes = neuron.forward(current)
        assert spikes.dtype == bool
        np.testing.assert_array_equal(spikes, reference.forward(current))
        np.testing.assert_array_equal(neuron.voltage(), reference.voltage)
        np.testing.assert_array_equal(neuron.refractory_time(), reference.left)
        np.testing.assert_array_equal(neuron.spike(), spikes)
        count += spikes.sum()
    assert count > 0


def test_has_its_constants_and_shapes(dtype):
    neuron = neurons(dtype)
    assert {name: getattr(neuron, name) for name in OPTIONS} == OPTIONS
    assert (neuron.shape, neuron.batched_shape) == (SHAPE, (BATCH, *SHAPE))
    assert (neuron.dtype, neuron.device, neuron.step_time) == (dtype, "cpu", 1.0)


def test_voltages_are_set_and_cleared(dtype):
    neuron = neurons(dtype)
    voltage = np.full((BATCH, *SHAPE), -55.0, dtype)
    neuron.set_voltage(voltage)
    np.testing.assert_array_equal(neuron.voltage(), voltage)
    neuron.clear()
    np.testing.assert_array_equal(neuron.voltage(), np.full_like(voltage, -60.0))


def test_changes_of_batch_and_dt_keep_voltages(dtype):
    neuron = neurons(dtype)
    voltage = np.arange(BATCH * 18, dtype=dtype).reshape(BATCH, *SHAPE) - 100
    neuron.set_voltage(voltage)
    neuron.set_step_time(0.5)
    assert neuron.step_time == 0.5
    np.testing.assert_array_equal(neuron.voltage(), voltage)
    neuron.set_batch_size(1)
    np.testing.assert_array_equal(neuron.voltage(), voltage[-1:])


def test_constants_out_of_their_domain_are_refused():
    for option, value in (("time_constant", 0.0), ("threshold_voltage", -70.0), ("resistance", -1.0)):
        with pytest.raises(cusynapse.InvalidArgument):
            cusynapse.LeakyIntegrateAndFire(4, **{option: value})
