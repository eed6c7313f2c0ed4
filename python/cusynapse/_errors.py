"""Exceptions: one class for each error code of the library."""


class Error(Exception):
    """What the library refuses or cannot do. ``code`` names the kind of failure."""

    code = "error"


class InvalidArgument(Error, ValueError):
    """A value outside its domain."""

    code = "invalid_argument"


class ShapeMismatch(Error, ValueError):
    """An array of another shape than the object expects."""

    code = "shape_mismatch"


class WrongDevice(Error, ValueError):
    """An array or a stream of another device than the object lives on."""

    code = "wrong_device"


class InvalidState(Error, ValueError):
    """A saved state that does not fit the object."""

    code = "invalid_state"


class NotSupported(Error, TypeError):
    """An operation without meaning for this model, or an array of another element type."""

    code = "not_supported"


class OutOfMemory(Error, MemoryError):
    """Device or host memory ran out."""

    code = "out_of_memory"


class NoDevice(Error, RuntimeError):
    """No driver, no such GPU, or a build without the CUDA backend."""

    code = "no_device"


class DeviceError(Error, RuntimeError):
    """The device reported a failure."""

    code = "device_error"


class InUse(Error, RuntimeError):
    """A call of an object that another thread is in a call of. It has changed nothing."""

    code = "in_use"


# What the extension looks a code up in; a code that is not here is an `Error`.
CLASSES = {cls.code: cls for cls in Error.__subclasses__()}


def make(code: str, message: str) -> Error:
    """The exception of a code."""
    error = CLASSES.get(code, Error)(message)
    error.code = code
    return error


def in_use(name: str) -> Error:
    """What a call of an object raises that another thread is in a call of."""
    return make(
        "in_use",
        f"{name}: another thread is in a call of this object, or of one it shares memory with, "
        "expected one thread at a time: make the calls one after another, or hold one "
        "threading.Lock in each [in_use]",
    )
