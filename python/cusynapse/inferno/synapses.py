"""Synapses as PyTorch modules, with the interface of Inferno's."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch

from .. import _core
from .._errors import InvalidArgument, NotSupported, ShapeMismatch
from ._module import (
    Module,
    Extents,
    check_tensor,
    default_dtype,
    dtype_of,
    empty,
    extents,
    integer,
    number,
    spikes_or_values,
    values,
)


def _constant(name: str, about: str) -> Any:
    def get(self):
        return getattr(self._core, name)

    def set(self, value):
        constants = self._read_constants()
        constants[name] = number(f"{type(self).__name__}.{name}", name, value)
        self._core.set_parameters(**constants)
        self._storage_changed()

    return property(get, set, doc=about)


class Synapse(Module):
    """A batch of synapses. Tensors are [batchsz, *shape], times ms, charges pC, currents nA.

    The state lives in an object of the library: ``state_dict`` copies its histories out, under the
    names and in the layout of Inferno's, and ``load_state_dict`` copies them in. No gradients are
    computed; a call with a tensor that requires one raises ``NotSupported`` unless gradients are
    off.
    """

    _model = None  # the library's class
    _constants = ()  # the names of its constants
    _histories = ()  # Inferno's names of what is remembered
    _interpolation = "spike_interp_mode"

    def __init__(self, shape, step_time, delay, batch_size, inplace, constants, mode, tolerance,
                 current_overbound, spike_overbound):
        super().__init__()
        where = f"{type(self).__name__}.__init__"
        mode = str(mode).lower()
        if mode not in ("nearest", "previous"):
            raise RuntimeError(
                f"{where}: {self._interpolation} is {mode!r}, expected 'nearest' or 'previous'")
        self._shape = extents(where, "shape", shape)
        self._inplace = bool(inplace)
        self._owner = None  # the connection's object whose synapse this is
        self._patches = None  # of a convolution: how pixels become what this is shaped like
        self._core = self._model(
            self._shape, number(where, "step_time", step_time),
            **{name: number(where, name, constants[name]) for name in self._constants},
            delay=number(where, "delay", delay),
            batch_size=integer(where, "batch_size", batch_size), interpolation=mode,
            tolerance=number(where, "interp_tol", tolerance),
            current_overbound=(None if current_overbound is None
                               else number(where, "current_overbound", current_overbound)),
            spike_overbound=None if spike_overbound is None else bool(spike_overbound),
            dtype=default_dtype())

    def extra_repr(self) -> str:
        return f"shape={self.shape}, batchsz={self.batchsz}, dt={self.dt}, delay={self.delay}"

    @property
    def shape(self) -> tuple[int, ...]:
        """One sample."""
        return self._shape

    @property
    def count(self) -> int:
        """Synapses in one sample."""
        return torch.Size(self._shape).numel()

    @property
    def batchedshape(self) -> tuple[int, ...]:
        return (self.batchsz, *self._shape)

    @property
    def inplace(self) -> bool:
        """Kept for programs that set it: histories are always written in place."""
        return self._inplace

    @inplace.setter
    def inplace(self, value: bool) -> None:
        self._inplace = bool(value)

    @property
    def batchsz(self) -> int:
        """Samples stepped together. A change keeps the last samples or prepends zero ones."""
        return self._core.batch_size

    @batchsz.setter
    def batchsz(self, value: int) -> None:
        value = integer(f"{type(self).__name__}.batchsz", "batchsz", value)
        if value != self.batchsz:
            self._core.set_batch_size(value)
            self._storage_changed()

    @property
    def dt(self) -> float:
        """The step, ms. Setting it clears the synapse."""
        return self._core.step_time

    @dt.setter
    def dt(self, value: float) -> None:
        self._core.set_step_time(number(f"{type(self).__name__}.dt", "dt", value))
        self.clear()
        self._storage_changed()

    @property
    def delay(self) -> float:
        """The largest delay that can be read, ms. Setting it clears the synapse."""
        return self._core.delay

    @delay.setter
    def delay(self, value: float) -> None:
        self._core.set_delay(number(f"{type(self).__name__}.delay", "delay", value))
        self.clear()
        self._storage_changed()

    def _storage_changed(self):
        if self._owner is not None:
            self._owner.refresh()

    # Reading.

    def _read(self, function, dtype=None):
        out = empty(self._core, self._core.batched_shape, dtype)
        getattr(self._core, function)(out=out)
        return out if self._patches is None else self._patches.of(out)

    def _read_at(self, function, selector, dtype=None):
        selector = values(f"{type(self).__name__}.{function}", "selector", selector, self._core)
        if self._patches is not None:
            return self._patches.read_at(self._core, self._factory(), function, selector, dtype)
        out = empty(self._core, selector.shape, dtype)
        getattr(self._core, function)(selector, out=out)
        return out

    def _overwrite(self, function, tensor):
        where = f"{type(self).__name__}.{function}"
        if self._patches is not None:
            raise NotSupported(f"{where}: the synapse of a Conv2D remembers pixels, not the copies "
                               "of them that it shows")
        check_tensor(where, "values", tensor)
        if tuple(tensor.shape) != self.batchedshape:
            raise ShapeMismatch(f"{where}: values have shape {list(tensor.shape)}, expected "
                                f"{list(self.batchedshape)}")
        taken = (tensor.bool().contiguous() if function == "set_spike"
                 else values(where, "values", tensor, self._core))
        getattr(self._core, function)(taken)

    @property
    def spike(self) -> torch.Tensor:
        """The newest spikes. Setting them overwrites the newest."""
        return self._read("spike", torch.bool)

    @spike.setter
    def spike(self, value: torch.Tensor) -> None:
        self._overwrite("set_spike", value)

    @property
    def current(self) -> torch.Tensor:
        """The newest currents. Setting them overwrites the newest, where they are stored."""
        return self._read("current")

    @current.setter
    def current(self, value: torch.Tensor) -> None:
        if "current_" in self._histories:
            self._overwrite("set_current", value)

    def current_at(self, selector: torch.Tensor) -> torch.Tensor:
        """Currents ``selector`` ms before now; selector [batchsz, *shape] or with delays behind."""
        return self._read_at("current_at", selector)

    def spike_at(self, selector: torch.Tensor) -> torch.Tensor:
        """Spikes ``selector`` ms before now."""
        return self._read_at("spike_at", selector, torch.bool)

    # Stepping.

    def forward(self, *inputs: torch.Tensor, **kwargs: Any) -> torch.Tensor:
        """One step: takes spikes, or values (0.5 is half a charge), and returns currents."""
        where = f"{type(self).__name__}.forward"
        if self._patches is not None:
            raise NotSupported(f"{where}: the synapse of a Conv2D is stepped by its connection")
        if not inputs:
            raise InvalidArgument(f"{where}: no inputs, expected spikes")
        self._core.step(
            spikes_or_values(where, "input", inputs[0], self._core),
            *(values(where, "injected current", injected, self._core, self.batchedshape)
              for injected in inputs[1:]))
        return self.current

    def clear(self, **kwargs: Any) -> None:
        """Everything as if new."""
        self._core.clear()

    # The state, as tensors.

    def _read_constants(self):
        return {name: getattr(self._core, name) for name in self._constants}

    def _read_model(self):
        """What the synapse is made from, besides its shape."""
        names = ("interpolation", "tolerance", "current_overbound", "spike_overbound")
        return {**self._read_constants(), **{name: getattr(self._core, name) for name in names}}

    def _read_histories(self):
        """Every slot of every history, [slots, batchsz, *shape], oldest first."""
        core, slots, delay = self._core, self._core.slots, self._core.delay
        # Times that are located on their slot exactly: a product that location divides back.
        times = torch.arange(slots, dtype=dtype_of(core)) * torch.tensor(core.step_time,
                                                                        dtype=dtype_of(core))
        reach = times[-1].item()
        is_short = reach > torch.tensor(delay, dtype=dtype_of(core)).item()
        if is_short:  # the oldest slot lies beyond the largest delay
            core.set_delay(reach, keep=True)
        try:
            selector = times.to(core.device).expand(*core.batched_shape, slots).contiguous()
            read = OrderedDict((name, self._read_slots(name, selector)) for name in self._histories)
        finally:
            if is_short:
                core.set_delay(delay, keep=True)
                self._storage_changed()
        return read

    def _read_slots(self, history, selector):
        out = empty(self._core, selector.shape, torch.bool if history == "spike_" else None)
        getattr(self._core, history + "at")(selector, out=out)
        slots = out.movedim(-1, 0).flip(0).contiguous()
        if self._patches is None:
            return slots
        return torch.stack([self._patches.of(slot) for slot in slots])

    def _write_histories(self, given):
        """Becomes what `_read_histories` gave: every slot is stepped in, then overwritten."""
        core = self._core
        if self._patches is not None:
            given = {name: self._patches.pixels(data) for name, data in given.items()}
        taken = {name: data.to(device=core.device,
                               dtype=torch.bool if name == "spike_" else dtype_of(core))
                 for name, data in given.items()}
        core.clear()
        for slot in range(core.slots):
            core.step(taken["spike_"][slot].contiguous())
            for name, data in taken.items():
                if name != "spike_":
                    getattr(core, "set_" + name[:-1])(data[slot].contiguous())

    def get_extra_state(self):
        return OrderedDict((f"_{name}_pointer", 0) for name in self._histories)

    def set_extra_state(self, state):
        pass  # taken with the histories

    def _save_to_state_dict(self, destination, prefix, keep_vars):
        for name, data in self._read_histories().items():
            destination[f"{prefix}_{name}_data"] = data
        super()._save_to_state_dict(destination, prefix, keep_vars)

    def _load_from_state_dict(self, state_dict, prefix, local_metadata, strict, missing_keys,
                              unexpected_keys, error_msgs):
        super()._load_from_state_dict(state_dict, prefix, local_metadata, strict, missing_keys,
                                      unexpected_keys, error_msgs)
        keys = {name: f"{prefix}_{name}_data" for name in self._histories}
        unexpected_keys[:] = [key for key in unexpected_keys if key not in keys.values()]
        missing = [key for key in keys.values() if key not in state_dict]
        expected = (self._core.slots, *self.batchedshape)
        errors = [f"size mismatch for {key}: {tuple(state_dict[key].shape)} in the state, "
                  f"{expected} in the module."
                  for key in keys.values()
                  if key not in missing and tuple(state_dict[key].shape) != expected]
        missing_keys.extend(missing)
        error_msgs.extend(errors)
        if missing or errors:
            return
        pointers = state_dict.get(f"{prefix}_extra_state", {})
        # The slot a pointer points at is the next to be written, which holds the oldest.
        self._write_histories({name: state_dict[key].roll(-pointers.get(f"_{name}_pointer", 0), 0)
                               for name, key in keys.items()})

    def __getstate__(self):
        state = self.__dict__.copy()
        del state["_core"], state["_owner"], state["_patches"]
        state["_saved"] = self._save()
        return state

    def _save(self):
        core = self._core
        return self._read_histories(), {
            **self._read_model(), "step_time": core.step_time, "delay": core.delay,
            "batch_size": core.batch_size, "dtype": core.dtype, "device": core.device}

    def _load(self, histories, options):
        self._core = self._model(self._shape, **options)
        self._write_histories(histories)

    def __setstate__(self, state):
        state = dict(state)
        saved = state.pop("_saved")
        super().__setstate__(state)
        self._owner = self._patches = None
        self._load(*saved)

    def _apply(self, fn, *args, **kwargs):
        if self._owner is not None:
            raise NotSupported(f"{type(self).__name__}: the synapse of a connection is moved with "
                               "the connection")
        probe = fn(torch.empty(0, dtype=dtype_of(self._core), device=self._core.device))
        if probe.dtype != dtype_of(self._core) or probe.device != torch.device(self._core.device):
            histories, options = self._save()
            self._load(histories, {**options, "dtype": str(probe.dtype).rpartition(".")[2],
                                   "device": str(probe.device)})
        return super()._apply(fn, *args, **kwargs)

    # For connections.

    def _factory(self):
        return self._model.factory(**self._read_model())

    def _adopt(self, core, owner, patches=None):
        """Becomes the module of a connection's synapse, which replaces its own."""
        self._core, self._owner, self._patches = core, owner, patches


def _partial(cls, **options):
    def constructor(shape: Extents, step_time: float, delay: float, batch_size: int) -> Synapse:
        return cls(shape, step_time, delay=delay, batch_size=batch_size, **options)

    return constructor


# What partial constructors give: a function of shape, step time, delay and batch size.
Partial = Callable[[Extents, float, float, int], Synapse]


class _Delta(Synapse):
    _constants = ("spike_charge",)
    _interpolation = "interp_mode"
    spike_charge: float = _constant("spike_charge", "Charge of a spike, pC.")

    def __init__(self, shape: Extents, step_time: float, *, spike_charge: float,
                 delay: float = 0.0, interp_mode: str = "previous", interp_tol: float = 0.0,
                 current_overbound: float | None = 0.0, spike_overbound: bool | None = False,
                 batch_size: int = 1, inplace: bool = False) -> None:
        super().__init__(shape, step_time, delay, batch_size, inplace,
                         {"spike_charge": spike_charge}, interp_mode, interp_tol,
                         current_overbound, spike_overbound)

    @classmethod
    def partialconstructor(cls, spike_charge: float, interp_mode: str = "previous",
                           interp_tol: float = 0.0, current_overbound: float | None = 0.0,
                           spike_overbound: bool | None = False,
                           inplace: bool = False) -> Partial:
        """A function of shape, step time, delay and batch size, which connections call."""
        return _partial(cls, spike_charge=spike_charge, interp_mode=interp_mode,
                        interp_tol=interp_tol, current_overbound=current_overbound,
                        spike_overbound=spike_overbound, inplace=inplace)


class DeltaCurrent(_Delta):
    """A current of Q / dt in the step of a spike and 0 otherwise."""

    _model = _core.DeltaCurrent
    _histories = ("spike_",)


class DeltaPlusCurrent(_Delta):
    """The charge of this step's spikes spread over the step, plus injected currents."""

    _model = _core.DeltaPlusCurrent
    _histories = ("current_", "spike_")


class SingleExponentialCurrent(Synapse):
    """A current that jumps by Q / tau at a spike and decays with tau."""

    _model = _core.SingleExponentialCurrent
    _constants = ("spike_charge", "time_constant")
    _histories = ("current_", "spike_")
    spike_charge: float = _constant("spike_charge", "Charge of a spike, pC.")
    time_constant: float = _constant("time_constant", "Of the decay, ms.")

    def __init__(self, shape: Extents, step_time: float, *, spike_charge: float,
                 time_constant: float, delay: float = 0.0, spike_interp_mode: str = "previous",
                 interp_tol: float = 0.0, current_overbound: float | None = 0.0,
                 spike_overbound: bool | None = False, batch_size: int = 1,
                 inplace: bool = False) -> None:
        super().__init__(shape, step_time, delay, batch_size, inplace,
                         {"spike_charge": spike_charge, "time_constant": time_constant},
                         spike_interp_mode, interp_tol, current_overbound, spike_overbound)

    @classmethod
    def partialconstructor(cls, spike_charge: float, time_constant: float,
                           spike_interp_mode: str = "previous", interp_tol: float = 0.0,
                           current_overbound: float | None = 0.0,
                           spike_overbound: bool | None = False,
                           inplace: bool = False) -> Partial:
        """A function of shape, step time, delay and batch size, which connections call."""
        return _partial(cls, spike_charge=spike_charge, time_constant=time_constant,
                        spike_interp_mode=spike_interp_mode, interp_tol=interp_tol,
                        current_overbound=current_overbound, spike_overbound=spike_overbound,
                        inplace=inplace)


class DoubleExponentialCurrent(Synapse):
    """A current that rises with one time constant and decays with another."""

    _model = _core.DoubleExponentialCurrent
    _constants = ("spike_charge", "tc_decay", "tc_rise")
    _histories = ("spike_", "pos_current_", "neg_current_")
    spike_charge: float = _constant("spike_charge", "Charge of a spike, pC.")
    tc_decay: float = _constant("tc_decay", "Of the decay, ms; the larger.")
    tc_rise: float = _constant("tc_rise", "Of the rise, ms.")

    def __init__(self, shape: Extents, step_time: float, *, spike_charge: float, tc_decay: float,
                 tc_rise: float, delay: float = 0.0, spike_interp_mode: str = "previous",
                 interp_tol: float = 0.0, current_overbound: float | None = 0.0,
                 spike_overbound: bool | None = False, batch_size: int = 1,
                 inplace: bool = False) -> None:
        super().__init__(shape, step_time, delay, batch_size, inplace,
                         {"spike_charge": spike_charge, "tc_decay": tc_decay, "tc_rise": tc_rise},
                         spike_interp_mode, interp_tol, current_overbound, spike_overbound)

    @classmethod
    def partialconstructor(cls, spike_charge: float, tc_decay: float, tc_rise: float,
                           spike_interp_mode: str = "previous", interp_tol: float = 0.0,
                           current_overbound: float | None = 0.0,
                           spike_overbound: bool | None = False,
                           inplace: bool = False) -> Partial:
        """A function of shape, step time, delay and batch size, which connections call."""
        return _partial(cls, spike_charge=spike_charge, tc_decay=tc_decay, tc_rise=tc_rise,
                        spike_interp_mode=spike_interp_mode, interp_tol=interp_tol,
                        current_overbound=current_overbound, spike_overbound=spike_overbound,
                        inplace=inplace)

    @property
    def pos_current(self) -> torch.Tensor:
        """The newest value of the part that decays. Setting it overwrites the newest."""
        return self._read("pos_current")

    @pos_current.setter
    def pos_current(self, value: torch.Tensor) -> None:
        self._overwrite("set_pos_current", value)

    @property
    def neg_current(self) -> torch.Tensor:
        """The newest value of the part that is taken off. Setting it overwrites the newest."""
        return self._read("neg_current")

    @neg_current.setter
    def neg_current(self, value: torch.Tensor) -> None:
        self._overwrite("set_neg_current", value)

    def pos_current_at(self, selector: torch.Tensor) -> torch.Tensor:
        """The part that decays, ``selector`` ms before now."""
        return self._read_at("pos_current_at", selector)

    def neg_current_at(self, selector: torch.Tensor) -> torch.Tensor:
        """The part that is taken off, ``selector`` ms before now."""
        return self._read_at("neg_current_at", selector)
