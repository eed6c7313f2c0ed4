"""The same bits on a GPU, where there is one."""

import copy
import pickle

import cusynapse
import models
import numpy as np
import pytest

pytestmark = pytest.mark.skipif(cusynapse.cuda_device_count() == 0, reason="no GPU can be used")

LEGACY = 1  # CUDA's handle of the default stream


def on_gpu(values):
    """An array in memory of the GPU, without an array library: the weights of a connection."""
    rows, columns = values.shape
    owner = cusynapse.LinearDense(
        columns, rows, models.factory("DeltaCurrent"), device="cuda", stream=LEGACY)
    owner.set("weight", values, stream=LEGACY)
    return owner.edit("weight"), owner


def test_sums_have_the_bits_of_the_cpu(generator):
    options = {"delay": 4.0, "batch_size": 3, "seed": 5}
    factory = models.factory("SingleExponentialCurrent")
    on_cpu = cusynapse.LinearDense(40, 24, factory, **options)
    there = cusynapse.LinearDense(40, 24, factory, device="cuda", stream=LEGACY, **options)
    delays = (generator.random((24, 40)) * 4).astype(np.float32)
    on_cpu.set("delay", delays)
    there.set("delay", delays, stream=LEGACY)
    out, owner = on_gpu(np.zeros((3, 24), np.float32))
    for _ in range(6):
        x = (generator.random((3, 40)) < 0.3).astype(np.float32)
        there.forward(on_gpu(x)[0], out=out, stream=LEGACY)
        np.testing.assert_array_equal(owner.to_host("weight", stream=LEGACY), on_cpu.forward(x))


def test_a_state_goes_on_on_the_other_device(generator):
    synapse = models.synapse("AlphaCurrent", (3, 40), delay=4.0)
    for _ in range(7):
        synapse.step(generator.random((1, 3, 40)) < 0.3)
    there = cusynapse.load(synapse.save(), device="cuda", stream=LEGACY)
    assert there.device == "cuda:0"
    assert there.save(stream=LEGACY) == synapse.save()
    synapse.clear()
    synapse.load(there.save(stream=LEGACY))
    assert synapse.save() == there.save(stream=LEGACY)
    assert synapse.current().any()


def test_a_pickle_is_read_on_the_device_it_was_written_on():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    if not torch.cuda.is_available():
        pytest.skip("PyTorch was built without CUDA")
    connection = cusynapse.LinearDense(4, 3, models.factory("AlphaCurrent"), device="cuda")
    for restored in (pickle.loads(pickle.dumps(connection)), copy.copy(connection)):
        assert (restored.device, restored.synapse.device) == ("cuda:0", "cuda:0")
        assert restored.save() == connection.save()


def test_an_array_of_the_host_is_refused():
    synapse = models.synapse("DeltaCurrent", 4, device="cuda", stream=LEGACY)
    with pytest.raises(cusynapse.WrongDevice, match="spikes is on cpu, expected cuda:0"):
        synapse.step(np.zeros((1, 4), bool), stream=LEGACY)


def test_tensors_of_pytorch_run_on_its_current_stream():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    if not torch.cuda.is_available():
        pytest.skip("PyTorch was built without CUDA")
    synapse = models.synapse("SingleExponentialCurrent", 1000, device="cuda", stream=LEGACY)
    torch.cuda.synchronize()
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        spikes = torch.zeros(1, 1000, device="cuda")
        for _ in range(100):  # still under way when the step is enqueued
            spikes = spikes + 0.01
        synapse.step(spikes)
        current = synapse.current()
    stream.synchronize()
    assert current.is_cuda
    torch.testing.assert_close(current, 4 * spikes)
    out = torch.empty_like(current)
    address = out.data_ptr()
    assert synapse.current(out) is out and out.data_ptr() == address
