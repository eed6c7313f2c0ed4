"""Inferno's synapses and connections, computed by this library.

A program that takes them from ``inferno.neural`` takes them from here instead: constructors,
properties, methods and the keys of ``state_dict`` are the same. docs/inferno.md lists what differs.
"""

from .connections import Connection, Conv2D, LinearDense, LinearDirect, LinearLateral
from .synapses import (
    DeltaCurrent,
    DeltaPlusCurrent,
    DoubleExponentialCurrent,
    SingleExponentialCurrent,
    Synapse,
)

__all__ = [
    "Connection",
    "Conv2D",
    "DeltaCurrent",
    "DeltaPlusCurrent",
    "DoubleExponentialCurrent",
    "LinearDense",
    "LinearDirect",
    "LinearLateral",
    "SingleExponentialCurrent",
    "Synapse",
]
