"""Connections as PyTorch modules, with the interface of Inferno's."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch

from .. import _core
from .._errors import InvalidArgument, NotSupported, ShapeMismatch
from ._module import (
    Extents,
    Module,
    check_tensor,
    dtype_of,
    empty,
    extents,
    integer,
    spikes_or_values,
    values,
    without_gradient,
)
from ._patches import Patches
from .synapses import Partial, Synapse

# Gives a parameter's first values from those it was made with.
Initialiser = Callable[[torch.Tensor], torch.Tensor]


class _SharedParameter(torch.nn.Parameter):
    """A parameter in the memory of a connection of the library.

    Changes in place are seen by the tensor's version, also those through ``data``, which has a
    version of its own and is therefore the same tensor every time. Assigning ``data`` copies.
    """

    @property
    def data(self):
        if "_data" not in self.__dict__:
            self._data = torch.Tensor.data.__get__(self)
        return self._data

    @data.setter
    def data(self, value):
        if value.shape != self.shape:
            raise ShapeMismatch(f"Connection: a parameter of shape {list(self.shape)} is given "
                                f"values of shape {list(value.shape)}")
        with torch.no_grad():
            self.copy_(value)

    @property
    def versions(self):
        """Of the tensor and of `data`, which grow with changes; None where neither is counted."""
        data = self.__dict__.get("_data")
        if self.is_inference() or (data is not None and data.is_inference()):
            return None
        return self._version, 0 if data is None else data._version  # that of new data is 0


class Connection(Module):
    """Weighted synapses: out = W current(t - d) + b, for a whole batch.

    ``weight``, ``bias`` and ``delay`` are parameters in the memory the sums read: change them in
    place, assign to them, or load a state. A change that PyTorch does not count, such as one
    through ``weight.numpy()``, takes ``parameters_changed()``. No gradients are computed; a call
    with a parameter or input that requires one raises ``NotSupported`` unless gradients are off.
    """

    _names = ("weight", "bias", "delay")

    def __init__(self, synapse, bias, has_delays, weight_init, bias_init, delay_init):
        super().__init__()
        if not isinstance(synapse, Synapse):
            raise NotSupported(f"{type(self).__name__}.__init__: the synapse made is a "
                               f"{type(synapse).__name__}, expected a cusynapse.inferno.Synapse")
        for name in ("forward", "current", "current_at", "spike", "spike_at"):
            if getattr(type(synapse), name) is not getattr(Synapse, name):
                raise NotSupported(
                    f"{type(self).__name__}.__init__: the synapse made is a "
                    f"{type(synapse).__name__} with a {name} of its own, which sums do not call: "
                    "expected that of cusynapse.inferno (forward hooks are called)")
        if synapse._owner is not None:
            raise NotSupported(f"{type(self).__name__}.__init__: the synapse belongs to another "
                               "connection")
        self.updater_ = None
        self.synapse_ = synapse
        self._biased, self._has_delays = bool(bias), bool(has_delays)
        self._build(synapse._core.dtype, synapse._core.device)
        with torch.no_grad():
            for name in ("weight", "bias"):  # drawn in Inferno's order, so that seeds mean the same
                if getattr(self, name) is not None:
                    setattr(self, name, torch.rand(getattr(self, name).shape))
        for name, init in zip(self._names, (weight_init, bias_init, delay_init)):
            if init and getattr(self, name) is not None:
                setattr(self, name, init(getattr(self, name)))

    def _make(self, factory, **options):
        """The connection of the library."""
        raise NotImplementedError

    def _make_patches(self):
        """How the synapse's shape follows from what it holds, where it is not the same."""
        return None

    def _build(self, dtype, device):
        """Makes the connection over a synapse like the module's, and parameters in its memory."""
        synapse = self.synapse_
        delay = synapse.delay if self._has_delays else None
        self._core = self._make(
            synapse._factory(), biased=self._biased, delay=delay, step_time=synapse.dt,
            batch_size=synapse.batchsz, dtype=dtype, device=device)
        if delay is None and synapse.delay > 0:
            self._core.synapse.set_delay(synapse.delay)
            self._core.refresh()
        patches = self._make_patches()
        expected = self._core.synapse.shape if patches is None else patches.shape
        if synapse.shape != expected:
            raise ShapeMismatch(f"{type(self).__name__}.__init__: the synapse made has shape "
                                f"{list(synapse.shape)}, expected {list(expected)}")
        synapse._adopt(self._core.synapse, self._core, patches)
        for name in self._names:
            if getattr(self._core, name) is not None:
                shared = torch.from_dlpack(self._core.edit(name))
                self._parameters[name + "_"] = _SharedParameter(shared, requires_grad=False)
        self.parameters_changed()

    def _take_changes(self):
        """Tells the library of parameters that changed since the last call."""
        for name, versions in self._versions.items():
            parameter = self._parameters[name + "_"]
            if not isinstance(parameter, _SharedParameter):  # as torch.func.functional_call does
                raise NotSupported(f"{type(self).__name__}.forward: {name} was replaced by another "
                                   "tensor, which sums do not read: expected values assigned to it")
            if parameter.requires_grad and torch.is_grad_enabled():
                without_gradient(f"{type(self).__name__}.forward", name, parameter)
            if versions is None or parameter.versions != versions:
                self._core.edit(name)
                self._versions[name] = parameter.versions

    def parameters_changed(self) -> None:
        """Says that parameters were changed in a way PyTorch does not count."""
        self._versions = {name: None for name in self._names if name + "_" in self._parameters}

    def __setattr__(self, name, value):
        if name in ("weight_", "bias_", "delay_") and name in self.__dict__.get("_parameters", {}):
            self._parameters[name].data = value
        else:
            super().__setattr__(name, value)

    def extra_repr(self) -> str:
        return f"inshape={self.inshape}, outshape={self.outshape}, delay={self.delayedby}"

    # Parameters.

    def _get(self, name):
        return self._parameters.get(name + "_")

    def _set(self, name, value):
        if name + "_" in self._parameters:
            check_tensor(f"{type(self).__name__}.{name}", "values", value)
            self._parameters[name + "_"].data = value

    @property
    def weight(self) -> torch.nn.Parameter:
        """Weights. Setting copies values in."""
        return self._get("weight")

    @weight.setter
    def weight(self, value: torch.Tensor) -> None:
        self._set("weight", value)

    @property
    def bias(self) -> torch.nn.Parameter | None:
        """Biases; None where there are none, and setting them then does nothing."""
        return self._get("bias")

    @bias.setter
    def bias(self, value: torch.Tensor | None) -> None:
        self._set("bias", value)

    @property
    def delay(self) -> torch.nn.Parameter | None:
        """The delay of every weight, ms; None where there are none."""
        return self._get("delay")

    @delay.setter
    def delay(self, value: torch.Tensor | None) -> None:
        self._set("delay", value)

    @property
    def biased(self) -> bool:
        return self._biased

    # What the synapse has.

    @property
    def synapse(self) -> Synapse:
        return self.synapse_

    @property
    def batchsz(self) -> int:
        """Samples stepped together."""
        return self.synapse.batchsz

    @batchsz.setter
    def batchsz(self, value: int) -> None:
        self.synapse.batchsz = value

    @property
    def dt(self) -> float:
        """The step, ms."""
        return self.synapse.dt

    @dt.setter
    def dt(self, value: float) -> None:
        self.synapse.dt = value

    @property
    def delayedby(self) -> float | None:
        """The largest delay, ms; None for a connection built without delays."""
        return self.synapse.delay if self._has_delays else None

    @property
    def inshape(self) -> tuple[int, ...]:
        return self._core.input_shape

    @property
    def outshape(self) -> tuple[int, ...]:
        return self._core.output_shape

    @property
    def batched_inshape(self) -> tuple[int, ...]:
        return (self.batchsz, *self.inshape)

    @property
    def batched_outshape(self) -> tuple[int, ...]:
        return (self.batchsz, *self.outshape)

    def insize(self) -> int:
        return math.prod(self.inshape)

    def outsize(self) -> int:
        return math.prod(self.outshape)

    # What learning rules look at.

    def _delays(self):
        return torch.zeros_like(self.weight) if self.delay is None else self.delay.detach()

    @property
    def syncurrent(self) -> torch.Tensor:
        """The currents the weights read: at the selector if delayed, else the newest."""
        self._take_changes()
        if not self._core.is_delayed:
            return self.synapse.current
        return self._core.syncurrent(out=empty(self._core, self._core.selector_shape))

    @property
    def synspike(self) -> torch.Tensor:
        """The spikes the weights read, as ``syncurrent``."""
        self._take_changes()
        if not self._core.is_delayed:
            return self.synapse.spike
        return self._core.synspike(out=empty(self._core, self._core.selector_shape, torch.bool))

    # Updates.

    @property
    def updatable(self) -> bool:
        return self.updater is not None

    @property
    def updater(self) -> Any:
        """What collects updates of parameters: any object with the interface of Inferno's."""
        return self.updater_

    @updater.setter
    def updater(self, value: Any) -> None:
        self.updater_ = value

    @updater.deleter
    def updater(self) -> None:
        self.updater_ = None

    def defaultupdater(self, *includes: str, exclude_weight: bool = False,
                       exclude_bias: bool = False, exclude_delay: bool = False) -> Any:
        """An updater of Inferno's, which must be installed, for the parameters there are."""
        try:
            from inferno.neural import Updater
        except ImportError:
            raise NotSupported(f"{type(self).__name__}.defaultupdater: Inferno, whose updater it "
                               "would be, is not installed") from None
        excluded = dict(zip(self._names, (exclude_weight, exclude_bias, exclude_delay)))
        return Updater(self, *(name for name in self._names
                               if self._get(name) is not None and not excluded[name]), *includes)

    def update(self, clear: bool = True, **kwargs: Any) -> None:
        """Applies what the updater collected."""
        if self.updatable:
            self.updater(**kwargs)
            if clear:
                self.updater.clear(**kwargs)

    def updatesome(self, *params: str, clear: bool = True, **kwargs: Any) -> None:
        """Applies what the updater collected for some parameters."""
        for name in params:
            self.updater(name, **kwargs)
            if clear:
                getattr(self.updater, name).clear(**kwargs)

    def clear(self, **kwargs: Any) -> None:
        """Empties the synapse's history and the updater; parameters stay."""
        if self.updatable:
            self.updater.clear(**kwargs)
        self.synapse.clear(**kwargs)

    # Stepping.

    def _input(self, where, what, tensor):
        check_tensor(where, what, tensor)
        if tensor.ndim == 0 or math.prod(tensor.shape[1:]) != self.insize():
            raise ShapeMismatch(f"{where}: {what} has shape {list(tensor.shape)}, expected "
                                f"{list(self.batched_inshape)}")
        return tensor.reshape(-1, *self.inshape)

    def forward(self, *inputs: torch.Tensor, **kwargs: Any) -> torch.Tensor:
        """One step: steps the synapse, then the weighted sum, [batchsz, *outshape]."""
        where = f"{type(self).__name__}.forward"
        if not inputs:
            raise InvalidArgument(f"{where}: no inputs, expected spikes")
        self._take_changes()
        core = self._core
        spikes = spikes_or_values(where, "input", self._input(where, "input", inputs[0]), core)
        injected = [values(where, "injected current",
                           self._input(where, "injected current", current), core,
                           self.batched_inshape)
                    for current in inputs[1:]]
        out = empty(core, self.batched_outshape)
        if self._steps_by_module():
            self.synapse(*(self.like_synaptic(given) for given in (spikes, *injected)), **kwargs)
            return core.sum(out=out)
        return core.forward(spikes, *injected, out=out)

    def _steps_by_module(self):
        """Whether the synapse is stepped by calling its module, because something looks on."""
        synapse = self.synapse_
        return bool(synapse._forward_hooks or synapse._forward_pre_hooks)

    # The state: parameters here, histories in the synapse; Inferno has an empty key besides.

    def get_extra_state(self):
        return OrderedDict()

    def set_extra_state(self, state):
        pass

    # Moving and copying.

    def _apply(self, fn, *args, **kwargs):
        core = self._core
        probe = fn(torch.empty(0, dtype=dtype_of(core), device=core.device))
        if probe.dtype != dtype_of(core) or probe.device != torch.device(core.device):
            histories = self.synapse_._read_histories()
            parameters = dict(self._parameters)
            self._build(str(probe.dtype).rpartition(".")[2], str(probe.device))
            self._carry(parameters, histories)
        for child in self.children():
            if child is not self.synapse_:
                child._apply(fn, *args, **kwargs)
        return self

    def _carry(self, parameters, histories):
        for name, given in parameters.items():
            self._parameters[name].data = given
            self._parameters[name].requires_grad_(given.requires_grad)
        self.synapse_._write_histories(histories)

    def __getstate__(self):
        state = self.__dict__.copy()
        del state["_core"], state["_versions"]
        state["_parameters"] = {
            name: torch.nn.Parameter(given.detach().clone(), given.requires_grad)
            for name, given in self._parameters.items()}
        return state

    def __setstate__(self, state):
        super().__setstate__(dict(state))
        parameters, self._parameters = self._parameters, {}
        core = self.synapse_._core
        histories = self.synapse_._read_histories()
        self._build(core.dtype, core.device)
        self._carry(parameters, histories)


def _reshaped(where, data, like, shape):
    if tuple(data.shape) != like:
        raise ShapeMismatch(f"{where}: data has shape {list(data.shape)}, expected {list(like)}")
    return data.reshape(shape)


class _Linear(Connection):
    """A connection whose synapse is its input, flattened."""

    def like_input(self, data: torch.Tensor) -> torch.Tensor:
        """[B, I] to [B, *inshape]."""
        return data.reshape(-1, *self.inshape)

    def like_synaptic(self, data: torch.Tensor) -> torch.Tensor:
        """[B, *inshape] to [B, I]."""
        return data.reshape(data.shape[0], -1)


class _Dense(_Linear):
    """A weight from every element of the input to every element of the output."""

    @property
    def selector(self) -> torch.Tensor:
        """The delay each weight reads at, [B, I, O]."""
        return self._delays().t().unsqueeze(0).expand(self.batchsz, -1, -1)

    def like_bias(self, data: torch.Tensor) -> torch.Tensor:
        """[O, 1] to [O]."""
        outputs = self.outsize()
        return _reshaped(f"{type(self).__name__}.like_bias", data, (outputs, 1), (outputs,))

    def presyn_receptive(self, data: torch.Tensor) -> torch.Tensor:
        """[B, I] to [B, 1, I, 1], or [B, I, O] to [B, O, I, 1]."""
        return data.reshape(*data.shape[:2], -1).transpose(1, 2).unsqueeze(-1)

    def postsyn_receptive(self, data: torch.Tensor) -> torch.Tensor:
        """[B, *outshape] to [B, O, 1, 1]."""
        return data.reshape(data.shape[0], -1, 1, 1)


class LinearDense(_Dense):
    """Every input to every output: weight and delay (O, I), bias (O)."""

    def __init__(self, in_shape: Extents, out_shape: Extents, step_time: float, *,
                 synapse: Partial, bias: bool = False, delay: float | None = None,
                 batch_size: int = 1, weight_init: Initialiser | None = None,
                 bias_init: Initialiser | None = None,
                 delay_init: Initialiser | None = None) -> None:
        self.in_shape = extents("LinearDense.__init__", "in_shape", in_shape)
        self.out_shape = extents("LinearDense.__init__", "out_shape", out_shape)
        made = synapse(math.prod(self.in_shape), step_time, 0.0 if delay is None else delay,
                       batch_size)
        super().__init__(made, bias, delay is not None, weight_init, bias_init, delay_init)

    def _make(self, factory, **options):
        return _core.LinearDense(self.in_shape, self.out_shape, factory, **options)


class LinearLateral(_Dense):
    """Every element to every other: weight and delay (N, N), the diagonal held at 0, bias (N)."""

    def __init__(self, shape: Extents, step_time: float, *, synapse: Partial, bias: bool = False,
                 delay: float | None = None, batch_size: int = 1,
                 weight_init: Initialiser | None = None, bias_init: Initialiser | None = None,
                 delay_init: Initialiser | None = None) -> None:
        self.shape = extents("LinearLateral.__init__", "shape", shape)
        made = synapse(math.prod(self.shape), step_time, 0.0 if delay is None else delay,
                       batch_size)
        super().__init__(made, bias, delay is not None, weight_init, bias_init, delay_init)

    def _make(self, factory, **options):
        return _core.LinearLateral(self.shape, factory, **options)

    @property
    def mask(self) -> torch.Tensor:
        """0 on the diagonal and 1 elsewhere."""
        return 1 - torch.eye(math.prod(self.shape), dtype=dtype_of(self._core),
                             device=self._core.device)

    def _set(self, name, value):
        if name != "bias" and name + "_" in self._parameters:
            check_tensor(f"LinearLateral.{name}", "values", value)
            try:
                value = value * self.mask
            except RuntimeError:
                raise ShapeMismatch(
                    f"LinearLateral.{name}: values have shape {list(value.shape)}, expected "
                    f"{list(self.mask.shape)}") from None
        super()._set(name, value)


class LinearDirect(_Linear):
    """One input to one output: weight, delay and bias (N)."""

    def __init__(self, shape: Extents, step_time: float, *, synapse: Partial, bias: bool = False,
                 delay: float | None = None, batch_size: int = 1,
                 weight_init: Initialiser | None = None, bias_init: Initialiser | None = None,
                 delay_init: Initialiser | None = None) -> None:
        self.shape = extents("LinearDirect.__init__", "shape", shape)
        made = synapse(math.prod(self.shape), step_time, 0.0 if delay is None else delay,
                       batch_size)
        super().__init__(made, bias, delay is not None, weight_init, bias_init, delay_init)

    def _make(self, factory, **options):
        return _core.LinearDirect(self.shape, factory, **options)

    @property
    def selector(self) -> torch.Tensor:
        """The delay each weight reads at, [B, N, 1]."""
        return self._delays().reshape(1, -1, 1).expand(self.batchsz, -1, -1)

    def like_bias(self, data: torch.Tensor) -> torch.Tensor:
        """[N] to [N]."""
        return _reshaped("LinearDirect.like_bias", data, (self.outsize(),), (self.outsize(),))

    def presyn_receptive(self, data: torch.Tensor) -> torch.Tensor:
        """[B, N] or [B, N, 1] to [B, N, 1]."""
        return data.reshape(*data.shape[:2], -1)

    def postsyn_receptive(self, data: torch.Tensor) -> torch.Tensor:
        """[B, *outshape] to [B, N, 1]."""
        return data.reshape(data.shape[0], -1, 1)


def _pair(what, value):
    given = tuple(value) if hasattr(value, "__iter__") else (value, value)
    if len(given) != 2:
        raise InvalidArgument(f"Conv2D.__init__: {what} has {len(given)} numbers, expected 2")
    return tuple(integer("Conv2D.__init__", what, number) for number in given)


class Conv2D(Connection):
    """Two-dimensional convolution, (C, H, W) to (F, oh, ow): weight and delay (F, C, kh, kw), bias
    (F).

    The synapse shows one copy of a pixel for every patch it is in, (C * kh * kw, oh * ow), as
    Inferno's does, but remembers every pixel once: its newest values cannot be set, and it is
    stepped by the connection alone.
    """

    def __init__(self, height: int, width: int, channels: int, filters: int, step_time: float,
                 kernel: Extents, *, stride: Extents = 1, padding: Extents = 0,
                 dilation: Extents = 1, synapse: Partial, bias: bool = False,
                 delay: float | None = None, batch_size: int = 1,
                 weight_init: Initialiser | None = None, bias_init: Initialiser | None = None,
                 delay_init: Initialiser | None = None) -> None:
        for what, value in (("height", height), ("width", width), ("channels", channels),
                            ("filters", filters)):
            setattr(self, what, extents("Conv2D.__init__", what, value)[0])
        self.kernel, self.stride = _pair("kernel", kernel), _pair("stride", stride)
        self.padding, self.dilation = _pair("padding", padding), _pair("dilation", dilation)
        if min(*self.kernel, *self.stride, *self.dilation) < 1 or min(self.padding) < 0:
            raise InvalidArgument(
                f"Conv2D.__init__: kernel {self.kernel}, stride {self.stride}, padding "
                f"{self.padding}, dilation {self.dilation}, expected numbers above 0, and padding "
                "not below")
        self.outheight, self.outwidth = (
            (size + 2 * self.padding[i] - self.dilation[i] * (self.kernel[i] - 1) - 1)
            // self.stride[i] + 1
            for i, size in enumerate((self.height, self.width)))
        made = synapse((self.channels * math.prod(self.kernel), self.outheight * self.outwidth),
                       step_time, 0.0 if delay is None else delay, batch_size)
        super().__init__(made, bias, delay is not None, weight_init, bias_init, delay_init)

    def _make(self, factory, **options):
        return _core.Conv2D(self.channels, self.height, self.width, self.filters, self.kernel,
                            factory, stride=self.stride, padding=self.padding,
                            dilation=self.dilation, **options)

    def _steps_by_module(self):
        if super()._steps_by_module():
            raise NotSupported("Conv2D.forward: the synapse has hooks, which would not be called: "
                               "expected none")
        return False

    def _make_patches(self):
        return Patches(self._core, self.channels, self.height, self.width, self.kernel, self.stride,
                       self.padding, self.dilation)

    @property
    def selector(self) -> torch.Tensor:
        """The delay each weight reads at, [B, C * kh * kw, oh * ow, F]."""
        delays = self._delays().reshape(self.filters, -1).t()
        return delays[None, :, None].expand(self.batchsz, -1, self.outheight * self.outwidth, -1)

    def like_input(self, data: torch.Tensor) -> torch.Tensor:
        """[batchsz, C * kh * kw, oh * ow] to [batchsz, C, H, W]: the mean over the copies of a
        pixel, and NaN where no patch covers it."""
        where = "Conv2D.like_input"
        image = self._core.like_input(values(where, "data", data, self._core))
        return image if data.is_floating_point() else image.to(data.dtype)

    def like_synaptic(self, data: torch.Tensor) -> torch.Tensor:
        """[batchsz, C, H, W] to [batchsz, C * kh * kw, oh * ow]."""
        where = "Conv2D.like_synaptic"
        patches = self._core.like_synaptic(spikes_or_values(where, "data", data, self._core))
        return patches if data.is_floating_point() else patches.to(data.dtype)

    def like_bias(self, data: torch.Tensor) -> torch.Tensor:
        """[F, 1, 1, 1] to [F]."""
        return _reshaped("Conv2D.like_bias", data, (self.filters, 1, 1, 1), (self.filters,))

    def presyn_receptive(self, data: torch.Tensor) -> torch.Tensor:
        """[B, C * kh * kw, oh * ow] to [B, 1, C, kh, kw, oh * ow], or with a last extent F to
        [B, F, ...]."""
        batch, rows, positions = data.shape[:3]
        rows_last = data.reshape(batch, rows, positions, -1).movedim(-1, 1)
        return rows_last.unflatten(2, (self.channels, *self.kernel))

    def postsyn_receptive(self, data: torch.Tensor) -> torch.Tensor:
        """[B, F, oh, ow] to [B, F, 1, 1, 1, oh * ow]."""
        return data.reshape(data.shape[0], self.filters, 1, 1, 1, -1)
