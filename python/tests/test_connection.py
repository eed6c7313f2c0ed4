import cusynapse
import models
import numpy as np
import pytest
import references

DT, DELAY, BATCH = 1.0, 5.0, 3


@pytest.fixture(params=models.NAMES)
def name(request):
    return request.param


def assert_sums(got, expected):
    """docs/semantics.md, section 7."""
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6 * np.abs(expected).max())


def reference_of(name, shape, dtype, delay=DELAY):
    return references.Synapse(
        name, shape, DT, models.CONSTANTS[name], delay=delay, batch_size=BATCH, dtype=dtype)


def set_random(connection, generator, delay=DELAY):
    """Random parameters, delays beyond the largest included."""
    shape, dtype = connection.weight_shape, connection.dtype
    connection.set("weight", generator.standard_normal(shape).astype(dtype))
    connection.set("delay", (generator.random(shape) * (delay + 1)).astype(dtype))
    if connection.biased:
        bias = generator.standard_normal(connection.bias_shape).astype(dtype)
        connection.set("bias", bias)


def test_dense_sums_every_weight_at_its_own_delay(name, dtype, generator):
    connection = cusynapse.LinearDense(
        7, (2, 5), models.factory(name), biased=True, delay=DELAY, step_time=DT, batch_size=BATCH,
        dtype=dtype)
    set_random(connection, generator)
    reference = reference_of(name, (7,), dtype)
    selector = np.repeat(connection.delay.T[None], BATCH, axis=0)
    for _ in range(8):
        x = generator.random((BATCH, 7)) < 0.4
        reference.step(x)
        expected = references.dense(connection.weight, reference.current_at(selector), connection.bias)
        out = connection.forward(x)
        assert out.dtype == dtype
        assert_sums(out.reshape(BATCH, 10), expected)
    np.testing.assert_array_equal(connection.selector(), selector)
    assert_sums(connection.syncurrent(), reference.current_at(selector))
    np.testing.assert_array_equal(connection.synspike(), reference.spike_at(selector))


@pytest.mark.parametrize("delay", [None, 0.0])
def test_without_delays_it_is_a_matrix_product(name, delay, dtype, generator):
    connection = cusynapse.LinearDense(
        9, 4, models.factory(name), delay=delay, step_time=DT, batch_size=BATCH, dtype=dtype)
    assert connection.delayed_by == delay
    assert not connection.is_delayed
    assert connection.bias is None
    x = generator.random((BATCH, 9)) < 0.4
    out = connection.forward(x)
    assert_sums(out, connection.synapse.current() @ connection.weight.T)
    np.testing.assert_array_equal(connection.syncurrent(), connection.synapse.current())


def test_direct_scales_every_input(name, dtype, generator):
    connection = cusynapse.LinearDirect(
        (2, 4), models.factory(name), biased=True, delay=DELAY, step_time=DT, batch_size=BATCH,
        dtype=dtype)
    set_random(connection, generator)
    reference = reference_of(name, (8,), dtype)
    selector = np.repeat(connection.delay[None, :, None], BATCH, axis=0)
    for _ in range(8):
        x = generator.random((BATCH, 8)) < 0.4
        out = connection.forward(x.reshape(BATCH, 2, 4))
        reference.step(x)
    currents = reference.current_at(selector)[..., 0]
    assert_sums(out.reshape(BATCH, 8), connection.weight * currents + connection.bias)


def test_lateral_leaves_out_the_diagonal(name, dtype, generator):
    connection = cusynapse.LinearLateral(
        6, models.factory(name), delay=DELAY, step_time=DT, batch_size=BATCH, dtype=dtype)
    set_random(connection, generator)
    weight = connection.weight.copy()
    assert not weight.diagonal().any()
    reference = reference_of(name, (6,), dtype)
    selector = np.repeat(connection.delay.T[None], BATCH, axis=0)
    for _ in range(8):
        x = generator.random((BATCH, 6)) < 0.4
        out = connection.forward(x)
        reference.step(x)
    assert_sums(out, references.dense(weight, reference.current_at(selector), 0))


@pytest.mark.parametrize("stride, padding, dilation", [(1, 0, 1), (2, 1, 1), (1, 2, 2)])
def test_a_convolution_reads_pixels_at_the_delays_of_its_kernel(
        stride, padding, dilation, dtype, generator):
    name = "SingleExponentialCurrent"
    connection = cusynapse.Conv2D(
        2, 6, 5, 3, (2, 3), models.factory(name), stride=stride, padding=padding, dilation=dilation,
        delay=DELAY, step_time=DT, batch_size=BATCH, dtype=dtype)
    set_random(connection, generator, delay=DELAY - 1)  # in range: the padding is silent
    reference = reference_of(name, (2, 6, 5), dtype)
    for _ in range(8):
        x = generator.random((BATCH, 2, 6, 5)) < 0.4
        out = connection.forward(x)
        reference.step(x)
    for b in range(BATCH):
        def at(f, c, i, j, y, x):
            return reference._current_of((b, c, y, x), connection.delay[f, c, i, j])

        expected = references.convolution(connection.weight, at, (6, 5), stride, padding, dilation)
        assert_sums(out[b], expected)


def connections_of_every_kind(dtype="float32", **more):
    factory = models.factory("SingleExponentialCurrent")
    options = {"delay": DELAY, "batch_size": BATCH, "dtype": dtype, **more}
    return [
        cusynapse.LinearDense(8, 3, factory, **options),
        cusynapse.LinearDirect(8, factory, **options),
        cusynapse.LinearLateral(8, factory, **options),
        cusynapse.Conv2D(1, 4, 5, 2, 2, factory, **options),
    ]


@pytest.mark.parametrize("kind", range(4))
def test_a_sequence_equals_its_steps_bit_for_bit(kind, dtype, generator):
    connection = connections_of_every_kind(dtype)[kind]
    stepped = connections_of_every_kind(dtype)[kind]
    delays = (generator.random(connection.weight_shape) * DELAY).astype(dtype)
    for each in (connection, stepped):
        each.set("delay", delays)
    x = generator.random((7, BATCH, *connection.input_shape)) < 0.4
    out = connection.forward_sequence(x)
    np.testing.assert_array_equal(out, np.stack([stepped.forward(frame) for frame in x]))
    packed = np.packbits(x.reshape(7, -1), axis=1, bitorder="little")
    connection.clear()
    again = connection.forward_sequence(cusynapse.PackedSpikes(packed, x.shape))
    np.testing.assert_array_equal(again, out)


def test_accumulates_onto_what_out_holds(generator):
    connection = connections_of_every_kind()[0]
    connection.forward(generator.random((BATCH, 8)) < 0.4)
    once = connection.sum()
    out = np.full_like(once, 100)
    assert connection.sum(out, accumulate=True) is out
    np.testing.assert_array_equal(out, 100 + once)
    with pytest.raises(ValueError, match="accumulate without out"):
        connection.sum(accumulate=True)


def test_injected_currents_reach_the_synapse(dtype):
    connection = cusynapse.LinearDirect(4, models.factory("DeltaPlusCurrent"), dtype=dtype)
    injected = np.arange(4, dtype=dtype).reshape(1, 4)
    out = connection.forward(np.zeros((1, 4), bool), injected, injected)
    assert_sums(out, connection.weight * 2 * injected)


def test_two_connections_share_a_synapse(dtype, generator):
    synapse = models.synapse(
        "AlphaCurrent", 6, DT, delay=DELAY, batch_size=BATCH, dtype=dtype)
    first = cusynapse.LinearDense(4, synapse, seed=1)
    second = cusynapse.LinearLateral(synapse, biased=True, seed=2)
    assert first.synapse is synapse and second.synapse is synapse
    assert (first.dtype, first.batch_size, first.delayed_by) == (dtype, BATCH, DELAY)
    for _ in range(3):
        synapse.step(generator.random((BATCH, 6)) < 0.4)
    assert_sums(first.sum(), synapse.current() @ first.weight.T)
    assert_sums(second.sum(), synapse.current() @ second.weight.T + second.bias)


def test_the_synapse_keeps_its_connection():
    connection = connections_of_every_kind()[0]
    synapse = connection.synapse
    assert type(synapse) is cusynapse.SingleExponentialCurrent
    assert connection.synapse is synapse
    connection.forward(np.ones((BATCH, 8), bool))
    del connection
    np.testing.assert_array_equal(synapse.current(), np.full((BATCH, 8), 4.0))


def test_parameters_are_views_of_the_connections_own_memory():
    connection = connections_of_every_kind()[0]
    weight = connection.weight
    assert connection.weight.ctypes.data == weight.ctypes.data
    assert not weight.flags.writeable
    with pytest.raises(ValueError):
        weight[0] = 1
    edited = connection.edit("weight")
    assert edited.ctypes.data == weight.ctypes.data
    before = connection.forward(np.ones((BATCH, 8), bool))
    connection.edit("weight")[...] *= 2
    np.testing.assert_array_equal(connection.sum(), 2 * before)
    expected = weight.copy()
    del connection
    np.testing.assert_array_equal(weight, expected)  # the view keeps it alive


def test_edited_delays_are_read_by_the_next_sum():
    connection = cusynapse.LinearDirect(
        4, models.factory("SingleExponentialCurrent"), delay=2.0)
    connection.edit("weight")[...] = 1
    connection.forward(np.ones((1, 4), bool))
    connection.forward(np.zeros((1, 4), bool))
    connection.edit("delay")[...] = [0, 1, 2, 3]
    decayed = np.float32(4) * np.float32(np.exp(-1 / 5))
    np.testing.assert_array_equal(connection.sum(), [[decayed, 4, 0, 0]])


def test_delays_out_of_range_are_counted_and_clamped():
    connection = connections_of_every_kind()[1]
    connection.edit("delay")[:4] = [-1, 6, np.nan, 5]
    assert connection.out_of_range_delays() == 3
    connection.clamp_delays()
    assert connection.out_of_range_delays() == 0
    np.testing.assert_array_equal(connection.delay[:4], [0, 5, 0, 5])


def test_a_parameter_that_is_not_there_is_none_and_refused():
    connection = cusynapse.LinearDense(4, 2, models.factory("DeltaCurrent"))
    assert connection.bias is None and connection.delay is None
    for refused in (lambda: connection.edit("bias"), lambda: connection.set_delayed_by(1.0)):
        with pytest.raises(cusynapse.NotSupported):
            refused()
    with pytest.raises(ValueError, match="'weights', expected one of 'weight', 'bias', 'delay'"):
        connection.edit("weights")


def test_set_copies_and_refuses_what_does_not_fit():
    connection = connections_of_every_kind()[0]
    values = np.ones((3, 8), np.float32)
    connection.set("weight", values)
    values[...] = 5
    np.testing.assert_array_equal(connection.to_host("weight"), np.ones((3, 8)))
    with pytest.raises(cusynapse.ShapeMismatch):
        connection.set("weight", np.ones((8, 3), np.float32))
    with pytest.raises(cusynapse.InvalidArgument):
        connection.set("delay", np.full((3, 8), np.nan, np.float32))
    np.testing.assert_array_equal(connection.weight, np.ones((3, 8)))


def test_initial_parameters_follow_the_seed(dtype):
    def weights(seed):
        return cusynapse.LinearDense(
            16, 16, models.factory("DeltaCurrent"), seed=seed, dtype=dtype).to_host("weight")

    np.testing.assert_array_equal(weights(3), weights(3))
    assert (weights(3) != weights(4)).any()
    assert (0 <= weights(3)).all() and (weights(3) < 1).all()


def test_changes_of_batch_dt_and_delay_reach_the_synapse():
    connection = connections_of_every_kind()[0]
    connection.set_batch_size(1)
    connection.set_step_time(0.5)
    connection.set_delayed_by(2.0, keep=True)
    synapse = connection.synapse
    assert (synapse.batch_size, synapse.step_time, synapse.delay) == (1, 0.5, 2.0)
    assert (connection.batch_size, connection.step_time, connection.delayed_by) == (1, 0.5, 2.0)
    assert connection.forward(np.zeros((1, 8), bool)).shape == (1, 3)
    synapse.set_batch_size(2)
    with pytest.raises(cusynapse.Error):
        connection.forward(np.zeros((2, 8), bool))
    connection.refresh()
    assert connection.forward(np.zeros((2, 8), bool)).shape == (2, 3)


@pytest.mark.parametrize("storage", ["float16", "bfloat16"])
@pytest.mark.parametrize("kind", range(4))
def test_sums_weights_as_they_are_stored(kind, storage, generator):
    """Nothing decays between spikes, so that the plan holds the weights themselves."""
    def made():
        options = {"delay": DELAY, "batch_size": BATCH}
        factory = models.factory("DeltaPlusCurrent")
        return [lambda: cusynapse.LinearDense(8, 3, factory, **options),
                lambda: cusynapse.LinearDirect(8, factory, **options),
                lambda: cusynapse.LinearLateral(8, factory, **options),
                lambda: cusynapse.Conv2D(1, 4, 5, 2, 2, factory, **options)][kind]()

    connection, plain = made(), made()
    set_random(connection, generator)
    weight, delay = connection.to_host("weight"), connection.to_host("delay")
    plain.set("weight", references.rounded(weight, storage))
    plain.set("delay", delay)
    assert connection.weight_storage == connection.dtype == "float32"
    assert connection.set_weight_storage(storage) is None
    assert (connection.weight_storage, connection.dtype) == (storage, "float32")
    for _ in range(8):
        x = generator.random((BATCH, *connection.input_shape)) < 0.4
        np.testing.assert_array_equal(connection.forward(x), plain.forward(x))
    assert connection.sum().any()
    np.testing.assert_array_equal(connection.to_host("weight"), weight)
    sequence = generator.random((5, BATCH, *connection.input_shape)) < 0.4
    np.testing.assert_array_equal(
        connection.forward_sequence(sequence), plain.forward_sequence(sequence))
    for each in (connection, plain):
        each.set_batch_size(2)
        each.set_batch_size(BATCH)
        each.forward(x)
    assert connection.weight_storage == storage
    np.testing.assert_array_equal(connection.sum(), plain.sum())
    plain.set("weight", weight)
    assert (connection.sum() != plain.sum()).any()
    connection.set_weight_storage(None)
    assert connection.weight_storage == "float32"
    np.testing.assert_array_equal(connection.sum(), plain.sum())


@pytest.mark.parametrize("storage, unit", [("float16", 2**-11), ("bfloat16", 2**-8)])
@pytest.mark.parametrize("model", ["DeltaCurrent", "DeltaPlusCurrent", "SingleExponentialCurrent"])
def test_stored_weights_change_sums_by_no_more_than_their_rounding(model, storage, unit, generator):
    connection = cusynapse.LinearDense(
        7, 5, models.factory(model), delay=DELAY, step_time=DT, batch_size=BATCH)
    set_random(connection, generator)
    for _ in range(8):
        connection.forward(generator.random((BATCH, 7)) < 0.4)
    exact = connection.sum()
    connection.set_weight_storage(storage)
    error = np.abs(connection.sum() - exact)
    size = np.einsum("oi,bio->bo", np.abs(connection.weight), np.abs(connection.syncurrent()))
    assert (error <= (unit + 1e-5) * size).all()
    assert (error > unit / 64 * size).any()


@pytest.mark.parametrize("kind", range(4))
def test_a_connection_is_made_with_a_storage_of_weights(kind, generator):
    for storage, stored in [("float16", "float16"), ("bfloat16", "bfloat16"), (np.float16, "float16"),
                            ("float32", "float32"), (None, "float32")]:
        made = connections_of_every_kind(weight_storage=storage, biased=True, seed=3)[kind]
        changed = connections_of_every_kind(biased=True, seed=3)[kind]
        changed.set_weight_storage(storage)
        assert made.weight_storage == changed.weight_storage == stored
        assert (made.biased, made.delayed_by, made.dtype) == (True, DELAY, "float32")
        assert made.save() == changed.save()
        x = generator.random((BATCH, *made.input_shape)) < 0.4
        np.testing.assert_array_equal(made.forward(x), changed.forward(x))
    for dtype, storage in [("float64", "float16"), ("float32", "float64"), ("float32", "int8")]:
        with pytest.raises(cusynapse.InvalidArgument, match="LinearDense: weight_storage is '"):
            connections_of_every_kind(dtype, weight_storage=storage)
    assert connections_of_every_kind("float64", weight_storage="float64")[kind].dtype == "float64"


def test_a_storage_of_weights_is_a_type_of_the_connection():
    connection, wide = (connections_of_every_kind(dtype)[0] for dtype in ("float32", "float64"))
    connection.set_weight_storage(np.float16)
    assert connection.weight_storage == "float16"
    before, sums = connection.save(), connection.sum()
    for storage in ("float64", "int8", "", "Float16"):
        with pytest.raises(cusynapse.InvalidArgument, match="storage"):
            connection.set_weight_storage(storage)
    with pytest.raises(TypeError):
        connection.set_weight_storage()
    with pytest.raises(AttributeError):
        connection.weight_storage = "float32"
    assert connection.weight_storage == "float16"
    assert connection.save() == before
    np.testing.assert_array_equal(connection.sum(), sums)
    connection.set_weight_storage("float32")
    assert connection.weight_storage == "float32"
    for storage in ("float16", "bfloat16", "float32"):
        with pytest.raises(cusynapse.InvalidArgument, match="expected one of 'float64'"):
            wide.set_weight_storage(storage)
    wide.set_weight_storage("float64")
    wide.set_weight_storage(None)
    assert wide.weight_storage == "float64"


def test_reserved_sequences_have_the_same_result(generator):
    connection, other = connections_of_every_kind()[0], connections_of_every_kind()[0]
    connection.reserve_sequence(5)
    connection.prepare()
    x = generator.random((5, BATCH, 8)) < 0.4
    np.testing.assert_array_equal(connection.forward_sequence(x), other.forward_sequence(x))


def test_dense_arrays_line_up_with_weights(dtype, generator):
    connection = connections_of_every_kind(dtype)[0]
    values = generator.random((BATCH, 8)).astype(dtype)
    np.testing.assert_array_equal(connection.like_synaptic(values), values)
    np.testing.assert_array_equal(connection.like_input(values), values)
    received = connection.presyn_receptive(values)
    np.testing.assert_array_equal(received, values[:, None, :, None])
    spikes = values < 0.5
    received = connection.presyn_receptive(spikes)
    assert received.dtype == bool
    np.testing.assert_array_equal(received, spikes[:, None, :, None])
    delayed = generator.random((BATCH, 8, 3)).astype(dtype)
    np.testing.assert_array_equal(
        connection.presyn_receptive(delayed), delayed.transpose(0, 2, 1)[..., None])
    output = generator.random((BATCH, 3)).astype(dtype)
    received = connection.postsyn_receptive(output)
    np.testing.assert_array_equal(received, output[:, :, None, None])
    assert received.ctypes.data == output.ctypes.data
    per_output = np.arange(3, dtype=dtype).reshape(3, 1)
    assert connection.like_bias(per_output).shape == (3,)


def test_convolution_arrays_line_up_with_weights(dtype, generator):
    connection = connections_of_every_kind(dtype)[3]
    image = generator.random((BATCH, 1, 4, 5)).astype(dtype)
    synaptic = connection.like_synaptic(image)
    assert synaptic.shape == (BATCH, 4, 12)
    for n, (i, j) in enumerate(np.ndindex(2, 2)):  # rows in order c, kh, kw
        np.testing.assert_array_equal(
            synaptic[:, n], image[:, 0, i : i + 3, j : j + 4].reshape(BATCH, 12))
    np.testing.assert_allclose(connection.like_input(synaptic), image, rtol=1e-6)
    assert connection.presyn_receptive(synaptic).shape == (BATCH, 1, 1, 2, 2, 12)
    output = np.zeros((BATCH, 2, 3, 4), dtype)
    assert connection.postsyn_receptive(output).shape == (BATCH, 2, 1, 1, 1, 12)
    assert connection.like_bias(np.zeros((2, 1, 1, 1), dtype)).shape == (2,)


def test_geometry_is_refused_with_its_numbers():
    factory = models.factory("DeltaCurrent")
    with pytest.raises(ValueError, match="kernel has 3 numbers, expected 1 or 2"):
        cusynapse.Conv2D(1, 4, 4, 1, (1, 2, 3), factory)
    with pytest.raises(cusynapse.InvalidArgument):
        cusynapse.Conv2D(1, 4, 4, 1, 5, factory)
    with pytest.raises(cusynapse.InvalidArgument):
        cusynapse.LinearDense(0, 4, factory)
    with pytest.raises(TypeError):
        cusynapse.LinearDense(4, 4)
