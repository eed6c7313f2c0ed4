import cusynapse
import models
import numpy as np
import pytest
from cusynapse import _errors


@pytest.mark.parametrize("name, code, builtin", [
    ("InvalidArgument", "invalid_argument", ValueError),
    ("ShapeMismatch", "shape_mismatch", ValueError),
    ("WrongDevice", "wrong_device", ValueError),
    ("InvalidState", "invalid_state", ValueError),
    ("NotSupported", "not_supported", TypeError),
    ("OutOfMemory", "out_of_memory", MemoryError),
    ("NoDevice", "no_device", RuntimeError),
    ("DeviceError", "device_error", RuntimeError),
    ("InUse", "in_use", RuntimeError),
])
def test_every_code_is_an_error_and_a_builtin_exception(name, code, builtin):
    error = _errors.make(code, "what happened")
    assert type(error) is getattr(cusynapse, name)
    assert isinstance(error, cusynapse.Error) and isinstance(error, builtin)
    assert (str(error), error.code) == ("what happened", code)


def test_a_code_of_tomorrow_is_an_error():
    error = _errors.make("of_tomorrow", "what happened")
    assert type(error) is cusynapse.Error
    assert error.code == "of_tomorrow"


@pytest.mark.parametrize("options", [
    {"shape": 0}, {"shape": (2, -1)}, {"shape": (1,) * 7}, {"shape": (1,) * 9}, {"batch_size": 0},
    {"step_time": 0.0}, {"step_time": np.nan}, {"delay": -1.0}, {"delay": np.inf}, {"tolerance": -1.0},
    {"spike_charge": 0.0}, {"time_constant": 0.0}, {"interpolation": "linear"}, {"dtype": "float16"},
    {"device": "gpu"}, {"device": "cuda:x"}, {"device": "cuda:"}, {"device": "cuda:99999"},
])
def test_arguments_out_of_their_domain_are_value_errors(options):
    good = {"shape": 4, "spike_charge": 1.0, "time_constant": 1.0}
    cusynapse.SingleExponentialCurrent(**good)
    with pytest.raises(ValueError) as raised:
        cusynapse.SingleExponentialCurrent(**{**good, **options})
    assert raised.value.code == "invalid_argument"
    assert "[invalid_argument]" in str(raised.value)


@pytest.mark.parametrize("arguments", [(), ("4",), (4.5,), ([4, 4.5],), (None,)])
def test_arguments_of_another_type_are_type_errors(arguments):
    with pytest.raises(TypeError):
        cusynapse.SingleExponentialCurrent(*arguments, spike_charge=1.0, time_constant=1.0)


def test_constants_have_no_default():
    with pytest.raises(TypeError):
        cusynapse.SingleExponentialCurrent(4)


def test_too_much_memory_is_a_memory_error():
    with pytest.raises(MemoryError) as raised:
        cusynapse.History(2**45)
    assert isinstance(raised.value, cusynapse.Error)


def test_a_gpu_that_is_not_there_is_a_runtime_error():
    absent = f"cuda:{cusynapse.cuda_device_count()}"
    for options in ({}, {"stream": 1}):
        with pytest.raises(RuntimeError) as raised:
            models.synapse("DeltaCurrent", 4, device=absent, **options)
        assert type(raised.value) is cusynapse.NoDevice


def test_the_version_is_that_of_the_package():
    from importlib.metadata import version

    assert cusynapse.__version__ == version("cusynapse")
