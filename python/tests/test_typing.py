"""Programs with types, checked strictly against the package's."""

import subprocess
import sys

import pytest

pytest.importorskip("mypy", reason="mypy is not installed")

# Integers of NumPy, which are as good as Python's.
INTEGERS = '''\
import cusynapse
import numpy as np

factory = cusynapse.SingleExponentialCurrent.factory(spike_charge=20.0, time_constant=5.0)
three = np.int64(3)
history = cusynapse.History((three, 2), duration=5.0, batch_size=np.uint8(2))
history.increment(three)
history.align(np.int32(1))
history.read(three)
lateral = cusynapse.LinearLateral(three, factory, batch_size=three, seed=np.uint64(7))
lateral.set_batch_size(three)
group = cusynapse.SynapseGroup([(factory, three)], batch_size=three)
group[np.int64(0)].set_batch_size(three)
offset: int = group.input_offset(np.int8(0))
convolution = cusynapse.Conv2D(three, three, three, three, (three, 2), factory, stride=three)
cusynapse.Projection(three, three).reset_parameters(three)
'''

PROGRAM = INTEGERS + '''\
import cusynapse.nir
import cusynapse.plot
from cusynapse import inferno

connection = cusynapse.LinearDense((4, 2), 3, factory, delay=16.0, dtype=np.float32)
second = cusynapse.LinearDense(10, connection.synapse)
out = np.empty((1, 3), np.float32)
connection.forward(np.zeros((1, 4, 2), bool), out=out)
connection.edit("weight")[0, 0] = 1.0
updater = cusynapse.Updater(connection)
updater["weight"].set_reduction(lambda parts: np.median(parts, axis=0))
cusynapse.LinearDense("4", 3, factory)  # type: ignore[arg-type]

history.read(2.0)  # type: ignore[arg-type]
lateral.set_batch_size("3")  # type: ignore[arg-type]
cusynapse.Conv2D(1, 5, 5, 2, 2.0, factory)  # type: ignore[call-overload]

network = cusynapse.nir.read("network.nir", step_time=1.0, time_unit="ms", batch_size=three)
network.set_batch_size(np.int32(2))
outputs = network.step({"input": np.ones((2, 3))})
spikes: tuple[int, ...] = outputs["output"].shape
network.step(3, 4)  # type: ignore[call-arg]

axes = cusynapse.plot.traces(np.zeros((3, 2)), 1.0, labels=["a", "b"])
cusynapse.plot.raster([[0, 1]], 1.0)
cusynapse.plot.traces([1.0], "1")  # type: ignore[arg-type]

module = inferno.LinearDense(
    (4, 2), 3, 1.0, synapse=inferno.SingleExponentialCurrent.partialconstructor(20.0, 5.0),
    delay=4.0, weight_init=lambda weight: weight)
module.dt = 0.5
batch: tuple[int, ...] = module.batched_inshape
synapse = inferno.DoubleExponentialCurrent(3, 1.0, spike_charge=1.0, tc_decay=5.0, tc_rise=2.0)
half: float = synapse.tc_decay / 2
made = inferno.Conv2D(5, 5, 1, 2, 1.0, (3, 3), synapse=lambda *arguments: synapse)
made.clear()
inferno.LinearLateral("3", 1.0, synapse=3)  # type: ignore[arg-type]
'''


def test_a_program_with_types_is_accepted_and_its_mistakes_are_found(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", tmp_path / "cache", program],
        capture_output=True, text=True)
    assert checked.stdout.startswith("Success"), checked.stdout + checked.stderr


def test_integers_of_numpy_are_taken():
    exec(INTEGERS, {})
