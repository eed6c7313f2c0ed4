import cusynapse
import models
import numpy as np
import pytest
import references

SHAPE, BATCH, DT, DELAY = (3, 11), 2, 0.5, 2.0


@pytest.fixture(params=models.NAMES)
def name(request):
    return request.param


def pair(name, dtype, **options):
    """A synapse and its reference."""
    options = {"delay": DELAY, "batch_size": BATCH, "dtype": dtype, **options}
    reference = references.Synapse(name, SHAPE, DT, models.CONSTANTS[name], **options)
    return models.synapse(name, SHAPE, DT, **options), reference


def close_to(name, dtype):
    """How exact currents between two steps are: docs/semantics.md, section 7."""
    if dtype == "float64":
        return {"rtol": 1e-14, "atol": 1e-14}
    return {"rtol": 5e-7, "atol": 6e-6 if name == "DoubleExponentialCurrent" else 0}


INPUTS = {
    "bool": lambda x, dtype: x != 0,
    "uint8": lambda x, dtype: (x * 3).astype(np.uint8),
    "values": lambda x, dtype: (x * -1.5).astype(dtype),
}


@pytest.mark.parametrize("kind", INPUTS)
def test_steps_every_kind_of_input_bit_for_bit(name, dtype, kind, generator):
    synapse, reference = pair(name, dtype)
    for _ in range(12):
        x = INPUTS[kind](generator.random((BATCH, *SHAPE)) < 0.4, dtype)
        synapse.step(x)
        reference.step(x)
        np.testing.assert_array_equal(synapse.current(), reference.current())
        np.testing.assert_array_equal(synapse.spike(), reference.spikes[0])
    assert synapse.current().dtype == dtype
    assert synapse.spike().dtype == bool


def test_packed_spikes_are_bits_lowest_first(name, dtype, generator):
    synapse, reference = pair(name, dtype)
    for _ in range(5):
        x = generator.random((BATCH, *SHAPE)) < 0.4
        synapse.step(cusynapse.PackedSpikes(np.packbits(x, bitorder="little"), x.shape))
        reference.step(x)
    np.testing.assert_array_equal(synapse.current(), reference.current())


@pytest.mark.parametrize("is_packed", [False, True])
def test_a_sequence_equals_its_steps(name, dtype, is_packed, generator):
    synapse, stepped = pair(name, dtype)[0], pair(name, dtype)[0]
    x = generator.random((9, BATCH, *SHAPE)) < 0.4
    if is_packed:
        frames = np.packbits(x.reshape(9, -1), axis=1, bitorder="little")
        synapse.step_sequence(cusynapse.PackedSpikes(frames, x.shape))
    else:
        synapse.step_sequence(x)
    for frame in x:
        stepped.step(frame)
    selector = (generator.random((BATCH, *SHAPE, 4)) * DELAY).astype(dtype)
    np.testing.assert_array_equal(synapse.current_at(selector), stepped.current_at(selector))
    np.testing.assert_array_equal(synapse.spike_at(selector), stepped.spike_at(selector))


@pytest.mark.parametrize("trailing", [(), (1,), (5,)])
@pytest.mark.parametrize("interpolation", ["previous", "nearest"])
@pytest.mark.parametrize("overbound", [None, 7.0])
def test_reads_at_delays(name, dtype, trailing, interpolation, overbound, generator):
    synapse, reference = pair(
        name, dtype, interpolation=interpolation, current_overbound=overbound,
        spike_overbound=None if overbound is None else True)
    for _ in range(7):
        x = generator.random((BATCH, *SHAPE)) < 0.4
        synapse.step(x)
        reference.step(x)
    selector = (generator.random((BATCH, *SHAPE, *trailing)) * (DELAY + 1) - 0.5).astype(dtype)
    selector.ravel()[::5] = 1.0  # on a step
    selector.ravel()[::17] = np.nan
    np.testing.assert_allclose(
        synapse.current_at(selector), reference.current_at(selector), **close_to(name, dtype))
    np.testing.assert_array_equal(synapse.spike_at(selector), reference.spike_at(selector))


def test_a_tolerance_reads_the_step_nearby(name, dtype, generator):
    synapse, reference = pair(name, dtype, tolerance=0.1)
    for _ in range(7):
        x = generator.random((BATCH, *SHAPE)) < 0.4
        synapse.step(x)
        reference.step(x)
    selector = (np.rint(generator.random((BATCH, *SHAPE)) * 4) * DT + 0.05).astype(dtype)
    np.testing.assert_array_equal(synapse.current_at(selector), reference.current_at(selector))


def test_without_a_delay_the_newest_is_read(name, dtype, generator):
    synapse, _ = pair(name, dtype, delay=0.0)
    assert synapse.slots == 1
    synapse.step(generator.random((BATCH, *SHAPE)) < 0.4)
    selector = np.zeros((BATCH, *SHAPE, 2), dtype)
    expected = np.repeat(synapse.current()[..., None], 2, axis=-1)
    np.testing.assert_array_equal(synapse.current_at(selector), expected)


def test_injected_currents_are_added_in_order(dtype, generator):
    synapse, reference = pair("DeltaPlusCurrent", dtype)
    x = generator.random((BATCH, *SHAPE)) < 0.4
    injected = [(generator.random((BATCH, *SHAPE)) * 10**k).astype(dtype) for k in range(3)]
    synapse.step(x, *injected)
    reference.step(x, *injected)
    np.testing.assert_array_equal(synapse.current(), reference.current())


def test_models_that_take_no_injected_currents_refuse_them():
    synapse = models.synapse("SingleExponentialCurrent", 4)
    with pytest.raises(cusynapse.NotSupported):
        synapse.step(np.zeros((1, 4), bool), np.zeros((1, 4), np.float32))


def test_the_parts_of_a_double_exponential_are_its_current(dtype, generator):
    name = "DoubleExponentialCurrent"
    synapse, reference = pair(name, dtype)
    x = generator.random((BATCH, *SHAPE)) < 0.4
    synapse.step(x)
    reference.step(x)
    np.testing.assert_array_equal(synapse.pos_current(), reference.traces[0][0])
    np.testing.assert_array_equal(synapse.neg_current(), reference.traces[1][0])
    zero = np.zeros((BATCH, *SHAPE), dtype)
    np.testing.assert_array_equal(synapse.pos_current_at(zero), synapse.pos_current())
    np.testing.assert_array_equal(synapse.neg_current_at(zero), synapse.neg_current())
    synapse.set_pos_current(zero + 3)
    synapse.set_neg_current(zero + 1)
    np.testing.assert_array_equal(synapse.current(), zero + 2)


def test_overwrites_the_newest_current_and_spikes(dtype):
    synapse = models.synapse("SingleExponentialCurrent", 4, dtype=dtype)
    values = np.arange(4, dtype=dtype).reshape(1, 4)
    synapse.set_current(values)
    synapse.set_spike(values > 1)
    np.testing.assert_array_equal(synapse.current(), values)
    np.testing.assert_array_equal(synapse.spike(), values > 1)


def test_clear_makes_it_as_new(name, dtype, generator):
    synapse = pair(name, dtype)[0]
    synapse.step(generator.random((BATCH, *SHAPE)) < 0.4)
    synapse.clear()
    np.testing.assert_array_equal(synapse.current(), np.zeros((BATCH, *SHAPE), dtype))


def test_another_batch_size_keeps_the_last_samples(name, dtype, generator):
    synapse, reference = pair(name, dtype)
    x = generator.random((BATCH, *SHAPE)) < 0.4
    synapse.step(x)
    reference.step(x)
    synapse.set_batch_size(1)
    assert synapse.batched_shape == (1, *SHAPE)
    np.testing.assert_array_equal(synapse.current(), reference.current()[-1:])
    synapse.set_batch_size(3)
    np.testing.assert_array_equal(synapse.current()[:2], np.zeros((2, *SHAPE), dtype))
    np.testing.assert_array_equal(synapse.current()[2:], reference.current()[-1:])


def test_changes_of_dt_and_delay_clear_or_keep(dtype, generator):
    name = "SingleExponentialCurrent"
    synapse, reference = pair(name, dtype)
    for _ in range(5):
        x = generator.random((BATCH, *SHAPE)) < 0.4
        synapse.step(x)
        reference.step(x)
    synapse.set_delay(4.0, keep=True)
    assert (synapse.delay, synapse.slots) == (4.0, 9)
    at = np.full((BATCH, *SHAPE), 2.0, dtype)
    np.testing.assert_array_equal(synapse.current_at(at), reference.current_at(at))
    synapse.set_step_time(1.0, keep=True)
    assert (synapse.step_time, synapse.slots) == (1.0, 5)
    np.testing.assert_array_equal(synapse.current_at(at), reference.current_at(at))
    synapse.set_step_time(0.5)
    np.testing.assert_array_equal(synapse.current_at(at), 0 * at)


def test_takes_other_constants():
    synapse = models.synapse("SingleExponentialCurrent", 4)
    assert (synapse.spike_charge, synapse.time_constant) == (20.0, 5.0)
    synapse.set_parameters(spike_charge=6.0, time_constant=2.0)
    assert (synapse.spike_charge, synapse.time_constant) == (6.0, 2.0)
    synapse.step(np.ones((1, 4), bool))
    np.testing.assert_array_equal(synapse.current(), np.full((1, 4), 3.0))


def test_has_the_options_it_was_made_with(name, dtype):
    synapse = models.synapse(
        name, (2, 3), 0.5, delay=1.2, batch_size=4, interpolation="nearest", tolerance=0.1,
        current_overbound=None, spike_overbound=True, dtype=dtype)
    assert (synapse.shape, synapse.batch_size, synapse.batched_shape) == ((2, 3), 4, (4, 2, 3))
    assert (synapse.step_time, synapse.delay, synapse.slots) == (0.5, 1.2, 4)
    assert (synapse.interpolation, synapse.tolerance) == ("nearest", 0.1)
    assert (synapse.current_overbound, synapse.spike_overbound) == (None, True)
    for constant, value in models.CONSTANTS[name].items():
        assert getattr(synapse, constant) == value
    synapse.step(np.zeros((4, 2, 3), bool))
    assert synapse.pointer() == 1


@pytest.mark.parametrize("storage", ["float16", "bfloat16"])
def test_stores_what_it_rounded(name, storage, generator):
    synapse = models.synapse(name, 40, storage=storage, batch_size=2)
    assert (synapse.storage, synapse.dtype) == (storage, "float32")
    if name in ("SingleExponentialCurrent", "DeltaPlusCurrent"):
        decay = np.float32(np.exp(-1 / 5)) if name.startswith("Single") else np.float32(0)
        gain = np.float32(20 / 5 if name.startswith("Single") else 20)
        expected = np.zeros((2, 40), np.float32)
        for _ in range(30):
            spikes = generator.random((2, 40), np.float32) - np.float32(0.3)
            synapse.step(spikes)
            expected = references.rounded(expected * decay + gain * spikes, storage)
            np.testing.assert_array_equal(synapse.current(), expected)
        values = generator.random((2, 40), np.float32)
        synapse.set_current(values)
        np.testing.assert_array_equal(synapse.current(), references.rounded(values, storage))
    restored = cusynapse.load(synapse.save())
    assert restored.storage == storage
    np.testing.assert_array_equal(restored.current(), synapse.current())


def test_storage_is_a_type_of_the_synapse():
    assert models.synapse("AlphaCurrent", 4).storage == "float32"
    assert models.synapse("AlphaCurrent", 4, storage=np.float16).storage == "float16"
    assert models.synapse("AlphaCurrent", 4, storage="float32").storage == "float32"
    assert models.synapse("AlphaCurrent", 4, dtype="float64").storage == "float64"
    for storage, dtype in (("float16", "float64"), ("float32", "float64"), ("float64", "float32"),
                           ("int8", "float32")):
        with pytest.raises(cusynapse.InvalidArgument, match="storage"):
            models.synapse("AlphaCurrent", 4, storage=storage, dtype=dtype)
        with pytest.raises(cusynapse.InvalidArgument, match="storage"):
            models.factory("AlphaCurrent", storage=storage)(4, dtype=dtype)
    with pytest.raises(cusynapse.InvalidArgument, match="dt / tau above"):
        cusynapse.SingleExponentialCurrent(4, spike_charge=1.0, time_constant=500.0,
                                           storage="bfloat16")


def test_a_factory_makes_synapses_of_its_model(name, dtype):
    factory = models.factory(name, current_overbound=None)
    made = factory((2, 3), 0.5, delay=1.0, batch_size=4, dtype=dtype)
    assert type(made) is getattr(cusynapse, name)
    assert factory.model == name
    assert made.batched_shape == (4, 2, 3)
    assert (made.step_time, made.delay, made.dtype, made.device) == (0.5, 1.0, dtype, "cpu")


def test_a_group_steps_all_its_members(dtype, generator):
    members = [(models.factory(name), shape) for name, shape in zip(models.NAMES, (5, (2, 3), 40, 1, 7))]
    group = cusynapse.SynapseGroup(members, 0.5, delay=1.0, batch_size=2, dtype=dtype)
    alone = [factory(shape, 0.5, delay=1.0, batch_size=2, dtype=dtype) for factory, shape in members]
    assert len(group) == 5
    for _ in range(6):
        spikes = generator.random(group.input_size) < 0.4
        group.step(spikes)
        for i, synapse in enumerate(alone):
            start = group.input_offset(i)
            size = int(np.prod(synapse.batched_shape))
            synapse.step(spikes[start : start + size].reshape(synapse.batched_shape))
            np.testing.assert_array_equal(group[i].current(), synapse.current())


def test_a_member_outlives_its_group_and_needs_a_refresh_after_a_change():
    group = cusynapse.SynapseGroup([(models.factory("AlphaCurrent"), 5)])
    member = group[-1]
    member.set_batch_size(2)
    with pytest.raises(cusynapse.InvalidArgument):
        group.step(np.zeros(32, bool))
    group.refresh()
    group.step(np.ones(group.input_size, bool))
    del group
    assert member.current().shape == (2, 5)
    assert member.spike().all()


def test_a_group_counts_members_from_both_ends():
    group = cusynapse.SynapseGroup([(models.factory("AlphaCurrent"), 5)])
    with pytest.raises(IndexError, match="1 members, got index 1"):
        group[1]
