"""The Python of the documents: programs print what is shown, and the lines quoted from here work."""

import concurrent.futures
import pathlib
import subprocess
import sys
import threading

import numpy as np
import pytest

import cusynapse

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "docs"))
import documents  # noqa: E402
import state_reader  # noqa: E402

PROGRAMS = [program for program in documents.programs(ROOT) if program[0].language == "python"]


def test_there_are_programs():
    assert PROGRAMS


@pytest.mark.parametrize("block, shown", PROGRAMS, ids=lambda part: getattr(part, "place", ""))
def test_a_program_prints_what_is_shown(block, shown):
    command = [sys.executable, "-c", block.text]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == shown


class Steps:
    """True a number of times."""

    def __init__(self, count):
        self.left = count

    def __bool__(self):
        self.left -= 1
        return self.left >= 0


def test_arrays_of_torch():
    torch = pytest.importorskip("torch")
    factory = cusynapse.DeltaCurrent.factory(spike_charge=1.0)
    connection = cusynapse.LinearDense(1024, 1024, factory, batch_size=32)
    spikes = torch.ones(32, 1024, dtype=torch.uint8)
    simulating = Steps(2)

    out = torch.empty(32, 1024)
    while simulating:
        connection.forward(spikes, out=out)  # reads and writes PyTorch's memory; allocates nothing

    assert torch.allclose(out[0], torch.from_dlpack(connection.edit("weight")).sum(1), rtol=1e-4)

    weight = torch.from_dlpack(connection.edit("weight"))  # the same memory

    weight.zero_()
    assert connection.forward(spikes, out=out).abs().max() == 0


def test_traces_of_16_bits():
    synapse = cusynapse.AlphaCurrent(
        65536, spike_charge=20.0, time_constant=3.0, delay=10.0, storage="float16")

    synapse.step(np.ones((1, 65536), np.uint8))
    synapse.step(np.zeros((1, 65536), np.uint8))
    assert synapse.current().dtype == np.float32
    assert (synapse.current() == synapse.current().astype(np.float16)).all()


def test_synapses_of_connections():
    factory = cusynapse.SingleExponentialCurrent.factory(spike_charge=20.0, time_constant=5.0)
    connection = cusynapse.LinearDense(1024, 1024, factory, delay=16.0, batch_size=32)
    second = cusynapse.LinearDense(10, connection.synapse)  # reads the same history

    connection.forward(np.ones((32, 1024), np.uint8))
    assert second.sum().shape == (32, 10)
    assert second.sum().min() > 0


def test_reductions_of_yours():
    factory = cusynapse.DeltaCurrent.factory(spike_charge=1.0)
    connection = cusynapse.LinearDense(2, 2, factory)
    connection.set("weight", np.zeros((2, 2), np.float32))
    updater = cusynapse.Updater(connection)

    updater["weight"].set_reduction(lambda parts: np.median(parts, axis=0))

    for value in (1.0, 2.0, 9.0):
        updater["weight"].add_positive(np.full((2, 2), value, np.float32))
    updater.update()
    assert (connection.weight == 2.0).all()


def test_one_object_in_several_threads():
    factory = cusynapse.DeltaPlusCurrent.factory(spike_charge=1.0)
    connection = cusynapse.LinearDense(256, 64, factory, batch_size=3)
    lock = threading.Lock()

    def step(count):
        spikes = np.full((3, 256), count, np.uint8)
        out = np.empty((3, 64), np.float32)

        with lock:
            connection.forward(spikes, out=out)
            current = connection.synapse.current()

        return (current == count).all() and np.allclose(out, count * connection_sums, rtol=1e-5)

    connection_sums = connection.weight.sum(axis=1)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert all(pool.map(step, range(1, 101)))


def test_saving():
    factory = cusynapse.AlphaCurrent.factory(spike_charge=20.0, time_constant=5.0)
    connection = cusynapse.LinearDense(8, 4, factory, delay=3.0)
    recording = np.random.default_rng(1).random((6, 1, 8)) < 0.5
    connection.forward(recording[0])
    device = "cpu"

    state = connection.save()
    for spikes in recording:
        connection.forward(spikes)
    connection.load(state)  # back to where it was
    another = cusynapse.load(state, device=device)

    assert connection.save() == another.save() == state
    for spikes in recording:
        np.testing.assert_array_equal(connection.forward(spikes), another.forward(spikes))
    assert connection.save() != state


def test_in_place_of_inferno():
    torch = pytest.importorskip("torch")
    spikes = torch.ones(32, 28, 28)

    # from inferno.neural import LinearDense, SingleExponentialCurrent
    from cusynapse.inferno import LinearDense, SingleExponentialCurrent

    connection = LinearDense(
        (28, 28), 100, 1.0,
        synapse=SingleExponentialCurrent.partialconstructor(spike_charge=20.0, time_constant=5.0),
        delay=16.0, batch_size=32)
    current = connection(spikes)  # [32, 28, 28] to [32, 100]

    assert current.shape == (32, 100)


def test_graphs(tmp_path, monkeypatch):
    pytest.importorskip("h5py")
    nir = pytest.importorskip("nir")
    monkeypatch.chdir(tmp_path)
    ones = np.ones(3)
    nodes = {
        "input": nir.Input({"input": np.array([3])}),
        "lif": nir.CubaLIF(0.005 * ones, 0.02 * ones, ones, 0.0 * ones, ones),
        "output": nir.Output({"output": np.array([3])}),
    }
    nir.write("network.nir", nir.NIRGraph(nodes, [("input", "lif"), ("lif", "output")]))
    spikes = np.ones((32, 3), np.float32)
    sequence = np.ones((4, 32, 3), np.float32)

    import cusynapse.nir

    network = cusynapse.nir.read("network.nir", step_time=0.1, time_unit="s", batch_size=32)
    outputs = network.step({"input": spikes})     # [32, ...] in and out, by the names of the nodes
    outputs = network.run({"input": sequence})    # [T, 32, ...]
    network.voltages["lif"], network.currents["lif"]
    cusynapse.nir.write(network, "again.nir", time_unit="ms")

    assert outputs["output"].shape == (4, 32, 3)
    assert (tmp_path / "again.nir").exists()


def test_the_reader_of_saved_states():
    state = (ROOT / "tests/fuzz/corpus/state/single_exponential_float").read_bytes()
    name, element, records = state_reader.read(state)
    assert (name, element) == ("SingleExponentialCurrent", "<f4")
    assert records["step_time"] == 1.0
    assert records["trace_0"].shape == (3, 2, 3)
