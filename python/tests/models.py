"""The models, with constants that tests use."""

import cusynapse

CONSTANTS = {
    "DeltaCurrent": {"spike_charge": 20.0},
    "DeltaPlusCurrent": {"spike_charge": 20.0},
    "SingleExponentialCurrent": {"spike_charge": 20.0, "time_constant": 5.0},
    "DoubleExponentialCurrent": {"spike_charge": 20.0, "tc_decay": 7.0, "tc_rise": 2.0},
    "AlphaCurrent": {"spike_charge": 20.0, "time_constant": 3.0},
}
NAMES = sorted(CONSTANTS)


def synapse(name, *arguments, **options):
    return getattr(cusynapse, name)(*arguments, **CONSTANTS[name], **options)


def factory(name, **options):
    return getattr(cusynapse, name).factory(**CONSTANTS[name], **options)
