"""Arrays of NumPy, PyTorch and JAX, in and out: without copies, and refused where they do not fit."""

import ctypes
import importlib.util
import os
import sys

import cusynapse
import models
import numpy as np
import pytest


class NumPy:
    @staticmethod
    def array(values, dtype):
        return np.array(values, dtype)

    address = staticmethod(lambda array: array.ctypes.data)
    is_mine = staticmethod(lambda array: type(array) is np.ndarray)


class PyTorch:
    @staticmethod
    def array(values, dtype):
        import torch

        return torch.tensor(np.array(values).tolist(), dtype=getattr(torch, dtype))

    address = staticmethod(lambda array: array.data_ptr())

    @staticmethod
    def is_mine(array):
        import torch

        return type(array) is torch.Tensor


@pytest.fixture(params=[NumPy, PyTorch])
def library(request):
    if request.param is PyTorch:
        pytest.importorskip("torch", reason="PyTorch is not installed")
    return request.param


def single(dtype="float32", **options):
    return models.synapse("SingleExponentialCurrent", 5, batch_size=2, dtype=dtype, **options)


def test_out_is_written_in_place_and_returned(library, dtype):
    synapse = single(dtype, delay=2.0)
    synapse.step(library.array(np.ones((2, 5)), "bool"))
    out = library.array(np.zeros((2, 5)), dtype)
    address = library.address(out)
    assert synapse.current(out) is out
    assert library.address(out) == address
    np.testing.assert_array_equal(np.asarray(out), np.full((2, 5), 4.0))
    assert synapse.current_at(library.array(np.full((2, 5), 1.0), dtype), out=out) is out
    np.testing.assert_array_equal(np.asarray(out), np.zeros((2, 5)))


@pytest.mark.parametrize("spike_dtype", ["bool", "uint8"])
def test_spikes_are_written_as_bool_or_uint8(library, spike_dtype):
    synapse = single()
    spikes = library.array([[1, 0, 1, 0, 1], [0, 0, 0, 1, 1]], spike_dtype)
    synapse.step(spikes)
    out = library.array(np.zeros((2, 5)), spike_dtype)
    assert synapse.spike(out) is out
    np.testing.assert_array_equal(np.asarray(out), np.asarray(spikes))


def test_results_are_of_the_inputs_library(library, dtype):
    connection = cusynapse.LinearDense(
        5, 3, models.factory("AlphaCurrent"), delay=2.0, batch_size=2, dtype=dtype)
    sums = connection.forward(library.array(np.ones((2, 5)), "bool"))
    assert library.is_mine(sums)
    assert str(sums.dtype).split(".")[-1] == dtype
    spikes = connection.synapse.spike_at(library.array(np.zeros((2, 5)), dtype))
    assert library.is_mine(spikes)
    assert str(spikes.dtype).split(".")[-1] == "bool"
    assert type(connection.sum()) is np.ndarray  # nothing says otherwise


def test_a_parameter_is_updated_in_the_callers_memory(library, dtype):
    accumulator = cusynapse.Accumulator(3, dtype=dtype)
    accumulator.add_positive(library.array([1, 2, 3], dtype))
    parameter = library.array([0, 0, 0], dtype)
    address = library.address(parameter)
    accumulator.update(parameter)
    assert library.address(parameter) == address
    np.testing.assert_array_equal(np.asarray(parameter), [1, 2, 3])


def test_a_tensor_shares_the_connections_weights(dtype):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    connection = cusynapse.LinearDense(5, 3, models.factory("DeltaCurrent"), dtype=dtype)
    tensor = torch.from_dlpack(connection.edit("weight"))
    assert tensor.data_ptr() == connection.weight.ctypes.data
    tensor.fill_(2)
    np.testing.assert_array_equal(connection.weight, np.full((3, 5), 2.0))


def test_a_large_input_is_not_copied():
    """The peak of the process's memory, over a call whose input is 64 MB."""
    if not os.access("/proc/self/clear_refs", os.W_OK):
        pytest.skip("the peak of memory can be reset on Linux alone")

    def memory(name):
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith(name)) // 1024

    def growth(call):
        with open("/proc/self/clear_refs", "w") as peak:
            peak.write("5")
        before = memory("VmRSS")
        call()
        return memory("VmHWM") - before

    history = cusynapse.History(16 * 2**20)
    values = np.ones((1, 16 * 2**20), np.float32)
    history.push(values)
    assert growth(lambda: history.push(values.copy())) >= 60
    assert growth(lambda: history.push(values)) < 16


def test_arrays_are_given_back_after_the_call(library):
    synapse = single()
    spikes = library.array(np.ones((2, 5)), "uint8")
    count = sys.getrefcount(spikes)
    for _ in range(10):
        synapse.step(spikes)
    assert sys.getrefcount(spikes) == count


def test_jax_arrays_go_in_and_come_out():
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    synapse = single(delay=2.0)
    synapse.step(jax.numpy.ones((2, 5), bool))
    current = synapse.current_at(jax.numpy.zeros((2, 5), "float32"))
    assert isinstance(current, jax.Array)
    np.testing.assert_array_equal(current, np.full((2, 5), 4.0))
    with pytest.raises(TypeError, match="out is an array of JAX"):
        synapse.current(jax.numpy.zeros((2, 5), "float32"))
    with pytest.raises(TypeError, match="spikes is traced by JAX and has no values"):
        jax.jit(lambda spikes: synapse.step(spikes))(jax.numpy.ones((2, 5), bool))
    np.testing.assert_array_equal(synapse.current(), np.full((2, 5), 4.0))


@pytest.mark.parametrize("dtype_given", ["float16", "float64", "int8", "int64", "complex64"])
def test_another_dtype_is_refused_not_cast(library, dtype_given):
    synapse = single()
    with pytest.raises(
            TypeError,
            match=f"SingleExponentialCurrent.step: spikes has dtype {dtype_given}, "
            "expected bool, uint8 or float32") as raised:
        synapse.step(library.array(np.zeros((2, 5)), dtype_given))
    assert raised.value.code == "not_supported"
    if dtype_given != "float16":
        with pytest.raises(
                TypeError, match=f"current: out has dtype {dtype_given}, expected float32"):
            synapse.current(library.array(np.zeros((2, 5)), dtype_given))


def test_arrays_of_derived_classes_are_their_library_s(library):
    synapse = single(delay=2.0)
    given = library.array(np.zeros((2, 5)), "float32")
    derived = type("Derived", (type(given),), {})
    as_derived = getattr(given, "as_subclass", getattr(given, "view", None))(derived)
    assert isinstance(synapse.current_at(as_derived), type(given))
    synapse.step(as_derived)


@pytest.mark.parametrize("dtype_given", [">f4", "O", "S1", "M8[s]"])
def test_a_dtype_that_dlpack_does_not_know_is_named(dtype_given):
    spikes = np.zeros((2, 5)).astype(dtype_given)
    with pytest.raises(TypeError, match="spikes is of type ndarray and dtype") as raised:
        single().step(spikes)
    assert str(spikes.dtype) in str(raised.value)


def test_another_order_is_refused_not_copied(library):
    synapse = single()
    transposed = library.array(np.zeros((5, 2)), "bool").T
    with pytest.raises(ValueError, match=r"spikes of shape \[2, 5\] is not contiguous"):
        synapse.step(transposed)
    every_second = library.array(np.zeros((2, 10)), "float32")[:, ::2]
    with pytest.raises(ValueError, match=r"out of shape \[2, 5\] is not contiguous"):
        synapse.current(every_second)


def test_rows_that_follow_each_other_are_contiguous(library):
    synapse = models.synapse("SingleExponentialCurrent", 5)
    column = library.array(np.ones((5, 1)), "bool").T  # one row, whatever its stride
    synapse.step(column)
    assert synapse.spike().all()


def test_another_shape_is_refused(library):
    synapse = single(delay=2.0)
    with pytest.raises(ValueError, match=r"\[5\], expected \[2, 5\]") as raised:
        synapse.step(library.array(np.zeros(5), "bool"))
    assert raised.value.code == "shape_mismatch"
    with pytest.raises(cusynapse.ShapeMismatch):
        synapse.current(library.array(np.zeros((2, 4)), "float32"))
    with pytest.raises(cusynapse.ShapeMismatch):
        synapse.current_at(library.array(np.zeros((2, 6)), "float32"))
    with pytest.raises(cusynapse.InvalidArgument):
        synapse.step(library.array(np.zeros((1,) * 9), "bool"))


@pytest.mark.parametrize("given", [[[0] * 5] * 2, 3, "spikes"])
def test_what_is_no_array_is_refused(given):
    with pytest.raises(TypeError, match="expected an array that can be taken through DLPack"):
        single().step(given)
    with pytest.raises(TypeError):
        single().step(None)


def test_read_only_arrays_are_read_and_not_written():
    synapse = single()
    array = np.ones((2, 5), np.float32)
    array.flags.writeable = False
    synapse.step(array)
    with pytest.raises(ValueError, match="out is read-only"):
        synapse.current(array)


def test_unaligned_and_byte_swapped_arrays_are_refused():
    unaligned = np.zeros(41, np.uint8)[1:].view(np.float32).reshape(2, 5)
    with pytest.raises(ValueError, match="not aligned"):
        single().step(unaligned)
    with pytest.raises(TypeError):
        single().step(np.zeros((2, 5), ">f4"))


def test_tensors_that_require_a_gradient_are_refused():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    with pytest.raises(ValueError, match=r"requires a gradient.*tensor.detach\(\)"):
        single().step(torch.zeros(2, 5, requires_grad=True))


@pytest.mark.parametrize("count", [1, 3])
def test_packed_spikes_of_another_size_are_refused(count):
    packed = cusynapse.PackedSpikes(np.zeros(count, np.uint8), (2, 5))
    with pytest.raises(ValueError, match=rf"has {count} bytes, expected 2 for bits of \[2, 5\]"):
        single().step(packed)


def test_packed_spikes_are_bytes():
    with pytest.raises(TypeError, match="dtype int8, expected uint8"):
        single().step(cusynapse.PackedSpikes(np.zeros(2, np.int8), (2, 5)))


@pytest.mark.parametrize("shape", [(2**61, 1, 64), (2**62, 4, 3), (0, 2**62, 2**62), (-1, 5)])
def test_packed_spikes_that_cannot_be_counted_are_refused(shape):
    with pytest.raises(ValueError, match="PackedSpikes: shape is .*, expected extents of at least 0"):
        cusynapse.PackedSpikes(np.zeros(0, np.uint8), shape)


class OfAnotherLibrary:
    """An array of a library that has DLPack and nothing else that is known."""

    def __init__(self, array):
        self.array = array

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)


def test_results_for_another_library_are_of_numpy():
    synapse = single(delay=2.0)
    synapse.step(OfAnotherLibrary(np.ones((2, 5), np.uint8)))
    current = synapse.current_at(OfAnotherLibrary(np.zeros((2, 5), np.float32)))
    assert type(current) is np.ndarray
    out = OfAnotherLibrary(np.zeros((2, 5), np.float32))
    assert synapse.current(out) is out
    np.testing.assert_array_equal(out.array, np.full((2, 5), 4.0))
    np.testing.assert_array_equal(current, out.array)


class OnDevice:
    """An array on a device that is not there: DLPack's description of it, and no memory."""

    class Tensor(ctypes.Structure):
        _fields_ = [
            ("data", ctypes.c_void_p), ("device_type", ctypes.c_int32), ("device", ctypes.c_int32),
            ("ndim", ctypes.c_int32), ("code", ctypes.c_uint8), ("bits", ctypes.c_uint8),
            ("lanes", ctypes.c_uint16), ("shape", ctypes.POINTER(ctypes.c_int64)),
            ("strides", ctypes.POINTER(ctypes.c_int64)), ("byte_offset", ctypes.c_uint64),
            ("manager", ctypes.c_void_p), ("deleter", ctypes.c_void_p)]

    def __init__(self, device_type, device):
        self.shape = (ctypes.c_int64 * 2)(2, 5)
        self.tensor = self.Tensor(
            None, device_type, device, 2, 2, 32, 1, self.shape, None, 0, None, None)

    def __dlpack_device__(self):
        return self.tensor.device_type, self.tensor.device

    def __dlpack__(self, *, stream=None):
        make = ctypes.pythonapi.PyCapsule_New
        make.restype = ctypes.py_object
        make.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        return make(ctypes.addressof(self.tensor), b"dltensor", None)


@pytest.mark.parametrize("device_type, device, name", [
    (2, 0, "cuda:0"), (2, 3, "cuda:3"), (8, 0, "another kind of device")])
def test_another_device_is_refused(device_type, device, name):
    array = OnDevice(device_type, device)
    with pytest.raises(ValueError, match=f"spikes is on {name}, expected cpu") as raised:
        single().step(array)
    assert raised.value.code == "wrong_device"
    with pytest.raises(cusynapse.WrongDevice, match=f"out is on {name}"):
        single().current(array)


def test_a_stream_is_refused_on_the_cpu():
    with pytest.raises(ValueError, match="expected none for an object on cpu"):
        single().clear(stream=1)


def test_a_refused_call_changes_nothing():
    synapse = models.synapse("DeltaPlusCurrent", 5, batch_size=2, delay=2.0)
    synapse.step(np.ones((2, 5), bool), np.ones((2, 5), np.float32))
    before = synapse.current()
    for arguments in (
            (np.ones((2, 5), np.int32),),
            (np.ones((2, 5), bool), np.ones((2, 5))),
            (np.ones((2, 5), bool), np.ones((1, 5), np.float32))):
        with pytest.raises(cusynapse.Error):
            synapse.step(*arguments)
    np.testing.assert_array_equal(synapse.current(), before)
    np.testing.assert_array_equal(
        synapse.current_at(np.full((2, 5), 1.0, np.float32)), np.zeros((2, 5)))


def test_importing_the_package_imports_no_array_library():
    import subprocess

    code = "import sys, cusynapse; print([m for m in ('torch', 'cupy', 'jax') if m in sys.modules])"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "[]"


def test_names_of_dtypes_and_devices_may_be_those_of_a_library(dtype):
    given = [dtype, np.dtype(dtype), getattr(np, dtype)]
    devices = ["cpu"]
    if importlib.util.find_spec("torch"):
        import torch

        given.append(getattr(torch, dtype))
        devices.append(torch.device("cpu"))
    for each in given:
        for device in devices:
            synapse = models.synapse("DeltaCurrent", 2, dtype=each, device=device)
            assert (synapse.dtype, synapse.device) == (dtype, "cpu")
