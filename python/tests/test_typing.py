"""Programs with types, checked strictly against the package's."""

import subprocess
import sys

import pytest

pytest.importorskip("mypy", reason="mypy is not installed")

PROGRAM = '''\
import cusynapse
import cusynapse.nir
import cusynapse.plot
import numpy as np
from cusynapse import inferno

factory = cusynapse.SingleExponentialCurrent.factory(spike_charge=20.0, time_constant=5.0)
connection = cusynapse.LinearDense((4, 2), 3, factory, delay=16.0, dtype=np.float32)
second = cusynapse.LinearDense(10, connection.synapse)
out = np.empty((1, 3), np.float32)
connection.forward(np.zeros((1, 4, 2), bool), out=out)
connection.edit("weight")[0, 0] = 1.0
updater = cusynapse.Updater(connection)
updater["weight"].set_reduction(lambda parts: np.median(parts, axis=0))
cusynapse.LinearDense("4", 3, factory)  # type: ignore[arg-type]

network = cusynapse.nir.read("network.nir", step_time=1.0, time_unit="ms", batch_size=2)
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
