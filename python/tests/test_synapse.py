import cusynapse
import numpy as np
import pytest

CHARGE, TAU, DT = 20.0, 5.0, 1.0


def single_exponential(spikes, dtype):
    """c <- c f(exp(-dt / tau)) + f(Q / tau) x, one step after the other."""
    decay = np.dtype(dtype).type(np.exp(-DT / TAU))
    gain = np.dtype(dtype).type(CHARGE / TAU)
    current = np.zeros(spikes.shape[1:], dtype)
    for x in spikes.astype(dtype):
        current = current * decay + gain * x
    return current


def test_steps_as_the_exact_propagator(dtype, generator):
    spikes = generator.random((50, 3, 7)) < 0.3
    synapse = cusynapse.SingleExponentialCurrent(
        7, DT, spike_charge=CHARGE, time_constant=TAU, batch_size=3, dtype=dtype
    )
    for x in spikes:
        synapse.step(x)
    current = synapse.current()
    assert current.dtype == dtype
    np.testing.assert_array_equal(current, single_exponential(spikes, dtype))
    np.testing.assert_array_equal(synapse.spike(), spikes[-1])


def test_zero_delay_reads_the_newest_current(dtype, generator):
    synapse = cusynapse.SingleExponentialCurrent(
        7, DT, spike_charge=CHARGE, time_constant=TAU, delay=4.0, dtype=dtype
    )
    synapse.step(generator.random((1, 7)) < 0.5)
    at = synapse.current_at(np.zeros((1, 7), dtype))
    np.testing.assert_array_equal(at, synapse.current())


def test_refuses_another_shape():
    synapse = cusynapse.SingleExponentialCurrent(7, spike_charge=CHARGE, time_constant=TAU)
    with pytest.raises(ValueError, match=r"\[1, 3\].*\[1, 7\]") as raised:
        synapse.step(np.zeros((1, 3), bool))
    assert isinstance(raised.value, cusynapse.Error)
    assert raised.value.code == "shape_mismatch"
