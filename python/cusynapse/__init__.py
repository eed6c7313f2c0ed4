"""Batched delayed synapses of spiking networks, on CPUs and CUDA GPUs.

Arrays are any library's that speaks DLPack, taken and written without copies. Times are ms, charges
pC, currents nA.
"""

from ._core import (
    AlphaCurrent,
    Connection,
    Conv2D,
    DeltaCurrent,
    DeltaPlusCurrent,
    DoubleExponentialCurrent,
    LinearDense,
    LinearDirect,
    LinearLateral,
    PackedSpikes,
    SingleExponentialCurrent,
    Synapse,
    SynapseFactory,
    __version__,
    cuda_device_count,
)
from ._errors import (
    DeviceError,
    Error,
    InvalidArgument,
    InvalidState,
    NoDevice,
    NotSupported,
    OutOfMemory,
    ShapeMismatch,
    WrongDevice,
)

__all__ = [
    "AlphaCurrent",
    "Connection",
    "Conv2D",
    "DeltaCurrent",
    "DeltaPlusCurrent",
    "DeviceError",
    "DoubleExponentialCurrent",
    "Error",
    "InvalidArgument",
    "InvalidState",
    "LinearDense",
    "LinearDirect",
    "LinearLateral",
    "NoDevice",
    "NotSupported",
    "OutOfMemory",
    "PackedSpikes",
    "ShapeMismatch",
    "SingleExponentialCurrent",
    "Synapse",
    "SynapseFactory",
    "WrongDevice",
    "__version__",
    "cuda_device_count",
]
