"""Saved states: objects go on bit for bit after save and load, pickle and copy."""

import copy
import pickle

import cusynapse
import models
import numpy as np
import pytest
import state_reader

CONNECTIONS = {
    "LinearDense": lambda *rest, **options: cusynapse.LinearDense(4, 3, *rest, **options),
    "LinearDirect": lambda *rest, **options: cusynapse.LinearDirect((2, 2), *rest, **options),
    "LinearLateral": lambda *rest, **options: cusynapse.LinearLateral((2, 2), *rest, **options),
    "Conv2D": lambda *rest, **options: cusynapse.Conv2D(
        2, 4, 5, 3, (3, 2), *rest, stride=2, padding=1, **options),
}


class HistoryCase:
    def __init__(self, storage=None):
        self.storage = storage

    def make(self, dtype, seed):
        storage = self.storage if dtype == "float32" else None
        return cusynapse.History((3, 2), 1.0, 4.0, batch_size=2, storage=storage, dtype=dtype)

    def step(self, history, generator):
        values = generator.random(history.batched_shape)
        history.push(values < 0.5 if history.dtype == "bool" else values.astype(history.dtype))
        return [history.read_range(history.slots), history.select(1.5)]


class SynapseCase:
    def __init__(self, name):
        self.name = name

    def make(self, dtype, seed):
        return models.synapse(self.name, (3, 2), delay=2.5, batch_size=2, dtype=dtype,
                              interpolation="nearest", current_overbound=None, tolerance=0.01)

    def step(self, synapse, generator):
        synapse.step(generator.random(synapse.batched_shape) < 0.3)
        times = generator.uniform(-0.5, 3, (*synapse.batched_shape, 2)).astype(synapse.dtype)
        return [synapse.current(), synapse.spike(), synapse.current_at(times),
                synapse.spike_at(times)]


class ConnectionCase:
    def __init__(self, name, weight_storage=None):
        self.name = name
        self.weight_storage = weight_storage

    def make(self, dtype, seed):
        connection = CONNECTIONS[self.name](models.factory("AlphaCurrent"), delay=2.5, biased=True,
                                            batch_size=2, seed=seed, dtype=dtype)
        delays = np.random.default_rng(seed).uniform(0, 2.5, connection.weight_shape)
        connection.set("delay", delays.astype(dtype))
        if dtype == "float32" and seed == 1:
            connection.set_weight_storage(self.weight_storage)
        return connection

    def step(self, connection, generator):
        shape = (connection.batch_size, *connection.input_shape)
        return [connection.forward(generator.random(shape) < 0.3), connection.to_host("weight"),
                connection.to_host("bias"), connection.to_host("delay"), connection.synapse.current()]


class NeuronCase:
    def make(self, dtype, seed):
        return cusynapse.LeakyIntegrateAndFire((3, 2), time_constant=7.0, batch_size=2, dtype=dtype)

    def step(self, neurons, generator):
        current = generator.uniform(-20, 250, neurons.batched_shape).astype(neurons.dtype)
        return [neurons.forward(current), neurons.voltage(), neurons.refractory_time()]


class ProjectionCase:
    def make(self, dtype, seed):
        mask = np.random.default_rng(seed).random((5, 4)) < 0.7
        return cusynapse.Projection(5, 4, mask=mask, seed=seed, scale=9.0, dtype=dtype)

    def step(self, projection, generator):
        return [projection.forward(generator.random((3, 5)).astype(projection.dtype)),
                projection.to_host(), *projection.hardware_image()]


class AccumulatorCase:
    def make(self, dtype, seed):
        accumulator = cusynapse.Accumulator((3, 2), dtype=dtype)
        accumulator.set_reduction("mean")
        accumulator.set_bounds(cusynapse.full_bounds("power", -1.0, 2.0, upper_power=1.5))
        return accumulator

    def step(self, accumulator, generator):
        parameter = np.full(accumulator.shape, 0.25, accumulator.dtype)
        accumulator.update(parameter)
        for _ in range(2):
            accumulator.add_positive(generator.random(accumulator.shape).astype(parameter.dtype))
            accumulator.add_negative(generator.random(accumulator.shape).astype(parameter.dtype))
        return [parameter]


class UpdaterCase:
    def make(self, dtype, seed):
        return cusynapse.Updater(ConnectionCase("LinearDense").make(dtype, 1), ["weight", "bias"])

    def step(self, updater, generator):
        updater.update()
        weight = generator.random(updater.connection.weight_shape)
        updater["weight"].add_negative(weight.astype(updater.connection.dtype))
        return [updater.connection.to_host("weight"), updater.connection.to_host("bias")]


class GroupCase:
    def make(self, dtype, seed):
        members = [(models.factory(name), (3, index + 1)) for index, name in enumerate(models.NAMES)]
        return cusynapse.SynapseGroup(members, delay=2.0, batch_size=2, dtype=dtype)

    def step(self, group, generator):
        group.step(generator.random(group.input_size) < 0.3)
        return [group[index].current() for index in range(len(group))]


CASES = {
    "History": HistoryCase(),
    "History of float16": HistoryCase("float16"),
    "History of bfloat16": HistoryCase("bfloat16"),
    **{name: SynapseCase(name) for name in models.NAMES},
    **{name: ConnectionCase(name) for name in CONNECTIONS},
    "LinearDense of float16": ConnectionCase("LinearDense", "float16"),
    "Conv2D of bfloat16": ConnectionCase("Conv2D", "bfloat16"),
    "LeakyIntegrateAndFire": NeuronCase(),
    "Projection": ProjectionCase(),
    "Accumulator": AccumulatorCase(),
    "Updater": UpdaterCase(),
    "SynapseGroup": GroupCase(),
}


def run(case, made, seed):
    """What some steps give, byte for byte."""
    generator = np.random.default_rng(seed)
    steps = [array for _ in range(6) for array in case.step(made, generator)]
    return [(array.dtype.name, array.shape, array.tobytes()) for array in steps]


def through_save_and_load(made, other):
    other.load(made.save())
    return other


def through_an_own_state(made, other):
    state = made.save()
    made.clear()
    made.load(state)
    return made


def through_load(made, other):
    return cusynapse.load(made.save())


def through_pickle(made, other):
    return pickle.loads(pickle.dumps(made))


def through_pickle_2(made, other):
    return pickle.loads(pickle.dumps(made, protocol=2))


def through_copy(made, other):
    return copy.copy(made)


def through_deepcopy(made, other):
    return copy.deepcopy(made)


WAYS = [through_save_and_load, through_an_own_state, through_load, through_pickle, through_pickle_2,
        through_copy, through_deepcopy]
COPIES = [through_pickle, through_copy, through_deepcopy]
ABSENT = {
    "through_load": ["Accumulator", "Updater", "SynapseGroup"],
    "through_save_and_load": ["Updater", "SynapseGroup"],  # its connection is not in its state
    "through_an_own_state": [*(name for name in CASES if name.startswith("History")),
                             "Projection", "SynapseGroup"],  # no clear
    "through_copy": ["Updater"],  # of the same connection
}


@pytest.mark.parametrize("name, way, dtype", [
    (name, way, dtype)
    for name in CASES for way in WAYS if name not in ABSENT.get(way.__name__, [])
    for dtype in ["float32", "float64"] + ["bool"] * (name == "History")
])
def test_goes_on_bit_for_bit(name, way, dtype):
    case = CASES[name]
    same = case.make(dtype, 1)  # goes the same way, never saved
    run(case, same, 1)
    expected = run(case, same, 2)
    made, other = case.make(dtype, 1), case.make(dtype, 2)
    run(case, made, 1)
    run(case, other, 3)
    assert run(case, copy.deepcopy(other), 2) != expected

    restored = way(made, other)
    assert (restored is made) == (way is through_an_own_state)
    assert type(restored) is type(made)
    assert repr(restored) == repr(made)
    assert run(case, restored, 2) == expected
    if restored is not made:
        assert run(case, made, 2) == expected


SAVED = sorted(set(CASES) - {"SynapseGroup"})


@pytest.mark.parametrize("name", SAVED)
def test_bytes_that_are_no_state_are_refused_and_change_nothing(name):
    case = CASES[name]
    made = case.make("float32", 1)
    run(case, made, 1)
    state = made.save()
    other = case.make("float32", 2)
    run(case, other, 2)
    before = other.save()
    assert before != state

    altered = [state[:at] + bytes([state[at] ^ 4]) + state[at + 1:] for at in range(0, len(state), 7)]
    cut = [state[:size] for size in range(0, len(state), 11)]
    for wrong in [*altered, *cut, state + b"\0"]:
        for load in (other.load, cusynapse.load):
            with pytest.raises(cusynapse.InvalidState, match="state.*expected"):
                load(wrong)
    is_history = name.startswith("History")
    foreign = CASES["AlphaCurrent" if is_history else "History"].make("float32", 1).save()
    with pytest.raises(cusynapse.InvalidState, match="class is"):
        other.load(foreign)
    with pytest.raises(cusynapse.InvalidState, match="element type"):
        other.load(case.make("float64", 1).save())
    for wrong in (None, "text", bytearray(state), np.frombuffer(state, np.uint8)):
        for load in (other.load, cusynapse.load):
            with pytest.raises(TypeError):
                load(wrong)
    with pytest.raises((cusynapse.Error, TypeError)):
        type(other).__new__(type(other)).__setstate__((foreign, *other.__getstate__()[1:]))
    assert other.save() == before


@pytest.mark.parametrize("name", models.NAMES)
def test_another_shape_is_refused(name):
    made, other = models.synapse(name, 4), models.synapse(name, 5)
    other.step(np.ones((1, 5), bool))
    before = other.save()
    with pytest.raises(cusynapse.ShapeMismatch):
        other.load(made.save())
    assert other.save() == before


def test_options_and_constants_follow_the_state():
    made = cusynapse.AlphaCurrent(4, 0.5, spike_charge=1.0, time_constant=2.0, delay=3.0, batch_size=5)
    other = cusynapse.AlphaCurrent(4, spike_charge=9.0, time_constant=9.0)
    other.load(made.save())
    assert repr(other) == repr(made)
    assert "step_time=0.5, delay=3.0, spike_charge=1.0, time_constant=2.0" in repr(other)


def test_a_state_is_read_by_another_reader():
    made = ConnectionCase("LinearDense").make("float64", 1)
    name, element, records = state_reader.read(made.save())
    assert (name, element) == ("LinearDense", "<f8")
    np.testing.assert_array_equal(records["weight"], made.weight)
    np.testing.assert_array_equal(records["delay"], made.delay)
    assert state_reader.read(records["synapse"].tobytes())[0] == "AlphaCurrent"


@pytest.mark.parametrize("storage, expected", [("float16", "<f2"), ("bfloat16", "<V2")])
def test_observations_of_16_bits_are_read_by_another_reader(storage, expected):
    case = HistoryCase(storage)
    made = case.make("float32", 1)
    run(case, made, 1)
    name, element, records = state_reader.read(made.save())
    assert (name, element) == ("History", expected)
    bits = records["observations"]
    values = bits.view(np.float16) if storage == "float16" else (bits.astype("<u4") << 16).view("<f4")
    np.testing.assert_array_equal(values[made.pointer() - 1], made.peek())


@pytest.mark.parametrize("way", [way for way in WAYS if way is not through_an_own_state])
@pytest.mark.parametrize("number, storage", [(1, "float16"), (2, "bfloat16"), (None, "float32")])
def test_the_storage_of_weights_follows_the_state(way, number, storage):
    made = ConnectionCase("LinearDirect", storage).make("float32", 1)
    other = ConnectionCase("LinearDirect").make("float32", 2)
    other.set_weight_storage("bfloat16" if storage == "float16" else "float16")
    records = state_reader.read(made.save())[2]
    assert records.get("weight_storage") == number
    assert records["weight"].dtype == np.float32
    assert way(made, other).weight_storage == storage


@pytest.mark.parametrize("name", ["Accumulator", "Updater"])
def test_what_needs_an_object_is_not_made_from_bytes_alone(name):
    with pytest.raises(cusynapse.NotSupported, match=f"class is {name}"):
        cusynapse.load(CASES[name].make("float32", 1).save())


def test_a_device_is_chosen_for_a_new_object():
    state = models.synapse("AlphaCurrent", 4).save()
    assert cusynapse.load(state, device="cpu").device == "cpu"
    with pytest.raises(cusynapse.InvalidArgument):
        cusynapse.load(state, device="gpu")
    with pytest.raises(cusynapse.NoDevice):
        cusynapse.load(state, device=f"cuda:{cusynapse.cuda_device_count()}")


@pytest.mark.parametrize("name", sorted(CONNECTIONS))
@pytest.mark.parametrize("way", [through_pickle, through_deepcopy])
def test_connections_that_share_a_synapse_still_do(name, way):
    first = ConnectionCase(name).make("float32", 1)
    if name == "LinearDense":
        second = cusynapse.LinearDense(7, first.synapse)
    elif name == "Conv2D":
        second = cusynapse.Conv2D(2, 4, 5, 1, 2, first.synapse)
    else:
        second = getattr(cusynapse, name)(first.synapse)
    shape = (2, *first.input_shape)
    first.forward(np.ones(shape, bool))
    synapse, one, two = way((first.synapse, first, second), None)
    assert one.synapse is synapse and two.synapse is synapse
    assert synapse is not first.synapse
    spikes = np.random.default_rng(1).random(shape) < 0.5
    np.testing.assert_array_equal(one.forward(spikes), first.forward(spikes))
    np.testing.assert_array_equal(two.sum(), second.sum())
    assert two.sum().any()


def test_a_copy_of_a_connection_has_a_synapse_of_its_own():
    connection = ConnectionCase("LinearDense").make("float32", 1)
    assert copy.copy(connection).synapse is not connection.synapse


def test_an_updater_keeps_its_connection():
    updater = UpdaterCase().make("float32", 1)
    assert copy.copy(updater).connection is updater.connection
    connection, copied = copy.deepcopy((updater.connection, updater))
    assert copied.connection is connection
    assert connection is not updater.connection
    assert "bias" in copied and "delay" not in copied


def halved(weights):
    return weights / 2


@pytest.mark.parametrize("way", COPIES)
def test_the_transform_of_a_projection_is_pickled_by_its_name(way):
    made = cusynapse.Projection(5, 4, transform=halved, maximum=500.0, seed=1)
    made.set(np.random.default_rng(1).uniform(-90, 90, (4, 5)).astype(np.float32))
    restored = way(made, None)
    for expected, got in zip(made.hardware_image(), restored.hardware_image()):
        assert expected.any()
        np.testing.assert_array_equal(got, expected)
    with pytest.raises(cusynapse.NotSupported, match="transform"):
        cusynapse.load(made.save())


def test_a_reduction_of_yours_is_not_saved():
    accumulator = cusynapse.Accumulator(3)
    accumulator.set_reduction(lambda parts: parts[0])
    for save in (accumulator.save, lambda: pickle.dumps(accumulator), lambda: copy.copy(accumulator)):
        with pytest.raises(cusynapse.NotSupported, match="reduction"):
            save()


@pytest.mark.parametrize("way", COPIES)
@pytest.mark.parametrize("name", models.NAMES)
def test_a_factory_makes_the_same_synapses(name, way):
    factory = models.factory(name, interpolation="nearest", tolerance=0.25, current_overbound=None,
                             spike_overbound=True)
    restored = way(factory, None)
    assert restored is not factory
    assert repr(restored) == repr(factory)
    assert restored((3, 2), 0.5, delay=2.0).save() == factory((3, 2), 0.5, delay=2.0).save()
    assert restored(3, dtype="float64").save() == factory(3, dtype="float64").save()
    half = models.factory(name, storage="float16")
    assert repr(way(half, None)) == repr(half)
    assert way(half, None)(3).storage == "float16"


@pytest.mark.parametrize("way", COPIES)
@pytest.mark.parametrize("rule", ["none", "multiplicative", "power", "scaled_multiplicative",
                                  "scaled_power", "sharp"])
def test_bounds_stay_what_they_are(rule, way):
    bounds = cusynapse.full_bounds(rule, -1.0, 2.0, upper_power=3.0)
    restored = way(bounds, None)
    assert repr(restored) == repr(bounds)
    assert (restored.upper.rule, restored.upper.power, restored.lower.limit) == (rule, 3.0, -1.0)


@pytest.mark.parametrize("way", COPIES)
def test_packed_spikes_stay_what_they_are(way):
    synapse = models.synapse("DeltaCurrent", 12)
    packed = cusynapse.PackedSpikes(np.array([0b1010, 0b1], np.uint8), (1, 12))
    synapse.step(way(packed, None))
    assert synapse.spike().nonzero()[1].tolist() == [1, 3, 8]


class Mine(cusynapse.AlphaCurrent):
    pass


class MyConnection(cusynapse.LinearDense):
    pass


@pytest.mark.parametrize("way", COPIES)
def test_a_class_of_yours_stays_and_its_attributes_do_not(way):
    made = MyConnection(3, Mine(4, spike_charge=1.0, time_constant=2.0))
    made.note = "mine"
    made.forward(np.ones((1, 4), bool))
    restored = way(made, None)
    assert type(restored) is MyConnection and type(restored.synapse) is Mine
    assert not hasattr(restored, "note")
    assert restored.save() == made.save()
    assert restored.forward(np.ones((1, 4), bool)).any()
    assert restored.save() != made.save()


def test_texts_say_what_an_object_is():
    factory = models.factory("DeltaCurrent")
    assert repr(cusynapse.History(3, dtype="bool")) == (
        "History(shape=(3,), batch_size=1, step_time=1.0, duration=0.0, inclusive=False, "
        "storage='bool', dtype='bool', device='cpu')")
    assert repr(cusynapse.LinearDense(4, 3, factory, dtype="float64")) == (
        "LinearDense(input_shape=(4,), output_shape=(3,), batch_size=1, step_time=1.0, "
        "delayed_by=None, biased=False, dtype='float64', device='cpu')")
    assert repr(cusynapse.Projection(5, 4)) == (
        "Projection(in_features=5, out_features=4, receptor='both', is_masked=False, "
        "dtype='float32', device='cpu')")
    assert repr(cusynapse.Accumulator(3)) == "Accumulator(shape=(3,), dtype='float32', device='cpu')"
    assert repr(factory) == (
        "DeltaCurrent.factory(spike_charge=20.0, interpolation='previous', tolerance=0.0, "
        "current_overbound=0.0, spike_overbound=False, storage=None)")
    assert repr(cusynapse.SynapseGroup([(factory, 3), (factory, 40)])) == (
        "SynapseGroup(2 members, input_size=96, dtype='float32', device='cpu')")
    assert repr(cusynapse.full_bounds("sharp", 0.0, 2.0).lower) == (
        "UpdateBound(rule='sharp', limit=0.0, power=1.0, range=2.0)")
    assert repr(cusynapse.PackedSpikes(np.zeros(1, np.uint8), (2, 4))) == "PackedSpikes(shape=(2, 4))"
    updater = cusynapse.Updater(cusynapse.LinearDense(4, 3, factory))
    assert repr(updater) == f"Updater(parameters=['weight'], connection={updater.connection!r})"
    assert repr(Mine(4, spike_charge=1.0, time_constant=2.0)).startswith("Mine(shape=(4,), ")
