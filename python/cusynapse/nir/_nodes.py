"""Nodes of NIR: their fields, checked, as the stages a network is made of."""

import math
from dataclasses import dataclass, field

import numpy as np

from ._refusal import refuse_node

NEURONS = {"LI", "LIF", "CubaLI", "CubaLIF"}
SPIKING = {"LIF", "CubaLIF"}
TIMES = {"tau", "tau_mem", "tau_syn"}
MOST_AXES = 6  # of a signal

# Fields of a node: those it must have, and those it may.
FIELDS = {
    "Input": ({"shape"}, set()),
    "Output": ({"shape"}, set()),
    "Linear": ({"weight"}, set()),
    "Affine": ({"weight", "bias"}, set()),
    "Scale": ({"scale"}, set()),
    "Delay": ({"delay"}, set()),
    "Conv2d": (
        {"input_shape", "weight", "stride", "padding", "dilation", "groups", "bias"},
        set(),
    ),
    "Flatten": ({"input_type", "start_dim", "end_dim"}, set()),
    "LI": ({"tau", "r", "v_leak"}, set()),
    "LIF": ({"tau", "r", "v_leak", "v_threshold"}, {"v_reset"}),
    "CubaLI": ({"tau_syn", "tau_mem", "r", "v_leak"}, {"w_in"}),
    "CubaLIF": ({"tau_syn", "tau_mem", "r", "v_leak", "v_threshold"}, {"v_reset", "w_in"}),
}

Extents = tuple[int, ...]


@dataclass
class Stage:
    """A node that computes, in the numbers of its file: times are in the file's unit.

    An Affine is a Linear with a bias. A Flatten, and the ends of a graph inside a graph, are an
    Identity. Delays are steps, one for every weight of a Linear and for every element of a Delay.
    """

    name: str
    kind: str
    input_shape: Extents
    output_shape: Extents
    fields: dict[str, np.ndarray] = field(default_factory=dict)
    delays: np.ndarray | None = None
    sources: list[str] = field(default_factory=list)
    late: list[bool] = field(default_factory=list)  # of each source: read one step late

    @property
    def bias(self):
        return self.fields.get("bias")

    def shortest_delay(self):
        """Steps from what comes in to what goes out, at least."""
        if self.delays is None:
            return 0
        if self.kind == "Linear":
            used = self.delays[self.fields["weight"] != 0]
            return int(used.min()) if used.size else 0
        return int(self.delays.min())

    def delays_to_read(self):
        """Delays into a history whose newest entry is what the sources are read as."""
        if self.delays is None or not all(self.late):
            return self.delays
        return np.maximum(self.delays - 1, 0)


def parse(name, node, milliseconds, step_time):
    """The stage of a node given as a dictionary. milliseconds: of the unit of time."""
    kind = node.get("type")
    if not isinstance(kind, str) or kind not in FIELDS:
        expected = ", ".join(sorted(FIELDS))
        refuse_node(name, kind, f"is of a type that cannot be run, expected one of {expected}")
    return _Parser(name, kind, node, milliseconds, step_time).parse()


class _Parser:
    def __init__(self, name, kind, node, milliseconds, step_time):
        self.name, self.kind, self.node = name, kind, node
        self.milliseconds, self.step_time = milliseconds, step_time

    def refuse(self, what):
        refuse_node(self.name, self.kind, what)

    def parse(self):
        needed, optional = FIELDS[self.kind]
        given = set(self.node) - {"type", "metadata"}
        for missing in sorted(needed - given):
            self.refuse(f"has no field {missing!r}")
        for unknown in sorted(given - needed - optional):
            self.refuse(f"has a field {unknown!r}, expected {', '.join(sorted(needed | optional))}")
        if self.kind in NEURONS:
            return self.neurons()
        return getattr(self, self.kind.lower())()

    def numbers(self, key):
        value = np.asarray(self.node[key])
        if value.dtype.kind not in "biuf":
            self.refuse(f"{key} has type {value.dtype}, expected numbers")
        if value.dtype.kind == "f" and value.dtype.itemsize > 8:
            with np.errstate(over="ignore"):  # refused below
                value = value.astype(np.float64)
        if not np.all(np.isfinite(value)):
            self.refuse(f"{key} has values that are not finite")
        return value

    def elements(self, key):
        """One number for each element of a signal."""
        value = self.numbers(key)
        self.extents(key, value.shape)
        return value

    def extents(self, what, shape):
        if not 1 <= len(shape) <= MOST_AXES or min(shape) < 1:
            self.refuse(f"{what} has shape {shape}, expected 1 to {MOST_AXES} axes, none empty")
        return shape

    def integers(self, key, count):
        """That many integers, from as many or one."""
        value = self.numbers(key)
        if value.dtype.kind not in "iu":
            self.refuse(f"{key} has type {value.dtype}, expected integers")
        if value.ndim > 1 or value.size not in (1, count):
            self.refuse(f"{key} has shape {value.shape}, expected {count} integers")
        values = tuple(int(number) for number in value.reshape(-1))
        return values * count if len(values) < count else values

    def shape(self, key):
        value = self.numbers(key)
        if value.ndim != 1 or value.dtype.kind not in "iu":
            self.refuse(
                f"{key} is {value.dtype} of shape {value.shape}, expected a list of integers"
            )
        return self.extents(key, tuple(int(extent) for extent in value))

    def stage(self, input_shape, output_shape, kind=None, **rest):
        return Stage(self.name, kind or self.kind, input_shape, output_shape, **rest)

    def input(self):
        shape = self.shape("shape")
        return self.stage(shape, shape)

    output = input

    def linear(self):
        weight = self.numbers("weight")
        if weight.ndim != 2 or weight.size == 0:
            self.refuse(f"weight has shape {weight.shape}, expected (outputs, inputs)")
        return self.stage(weight.shape[1:], weight.shape[:1], fields={"weight": weight})

    def affine(self):
        stage = self.linear()
        bias = self.numbers("bias")
        if bias.shape != stage.output_shape:
            self.refuse(f"bias has shape {bias.shape}, expected {stage.output_shape}")
        stage.kind, stage.fields["bias"] = "Linear", bias
        return stage

    def scale(self):
        scale = self.elements("scale")
        return self.stage(scale.shape, scale.shape, fields={"scale": scale})

    def delay(self):
        delay = self.elements("delay").astype(np.float64)
        if np.any(delay < 0):
            self.refuse(f"delay has {delay.min()}, expected none below 0")
        with np.errstate(over="ignore"):
            steps = delay * (self.milliseconds / self.step_time)
        whole = np.rint(steps)
        if steps.max() >= 2**30:
            self.refuse(f"delay has {delay.max()}: {steps.max():g} steps, expected less than 2^30")
        off = np.abs(steps - whole) > 1e-6 * np.maximum(whole, 1)
        if np.any(off):
            self.refuse(
                f"delay has {delay[off][0]}: {steps[off][0]:g} steps of {self.step_time} ms, "
                "expected whole steps"
            )
        return self.stage(delay.shape, delay.shape, delays=whole.astype(np.int64))

    def flatten(self):
        shape = self.shape("input_type")
        start, end = (
            axis + len(shape) if axis < 0 else axis
            for axis in (self.integers("start_dim", 1)[0], self.integers("end_dim", 1)[0])
        )
        if not 0 <= start <= end < len(shape):
            self.refuse(f"flattens axes {start} to {end} of the shape {shape}")
        middle = math.prod(shape[start : end + 1])
        return self.stage(
            shape,
            (*shape[:start], middle, *shape[end + 1 :]),
            kind="Identity",
            fields={"start_dim": np.array(start), "end_dim": np.array(end)},
        )

    def conv2d(self):
        weight, bias = self.numbers("weight"), self.numbers("bias")
        if weight.ndim != 4 or weight.size == 0:
            self.refuse(
                f"weight has shape {weight.shape}, expected (outputs, inputs, height, width)"
            )
        if bias.shape != weight.shape[:1]:
            self.refuse(f"bias has shape {bias.shape}, expected {weight.shape[:1]}")
        groups = self.integers("groups", 1)[0]
        if groups != 1:
            self.refuse(f"groups is {groups}, expected 1")
        size = self.node["input_shape"]
        if size is None:
            self.refuse("input_shape is not there, expected (height, width)")
        size, stride, dilation = (
            self.integers(k, 2) for k in ("input_shape", "stride", "dilation")
        )
        for key, pair in (("input_shape", size), ("stride", stride), ("dilation", dilation)):
            if min(pair) < 1 or max(pair) >= 2**31:
                self.refuse(f"{key} is {pair}, expected 1 or more, below 2^31")
        kernel = weight.shape[2:]
        spread = [d * (k - 1) for d, k in zip(dilation, kernel)]
        padding = self.padding(spread, stride)
        output = tuple(
            (n + 2 * p - s - 1) // t + 1 if n + 2 * p > s else 0
            for n, p, s, t in zip(size, padding, spread, stride)
        )
        if min(output) < 1:
            self.refuse(f"has an output of {output} pixels, expected at least 1 by 1")
        return self.stage(
            (weight.shape[1], *size),
            (weight.shape[0], *output),
            fields={
                "weight": weight,
                "bias": bias,
                "stride": np.array(stride),
                "padding": np.array(padding),
                "dilation": np.array(dilation),
            },
        )

    def padding(self, spread, stride):
        given = self.node["padding"]
        if isinstance(given, bytes):
            given = given.decode("utf-8", "replace")
        if isinstance(given, str):
            if given == "valid":
                return (0, 0)
            if given != "same":
                self.refuse(f"padding is {given!r}, expected numbers, 'same' or 'valid'")
            if stride != (1, 1) or any(extent % 2 for extent in spread):
                self.refuse("padding is 'same', expected with it a stride of 1 and an even spread")
            return tuple(extent // 2 for extent in spread)
        padding = self.integers("padding", 2)
        if min(padding) < 0 or max(padding) >= 2**31:
            self.refuse(f"padding is {padding}, expected 0 or more, below 2^31")
        return padding

    def neurons(self):
        needed, optional = FIELDS[self.kind]
        shape = self.elements("v_leak").shape
        fields = {}
        for key in sorted(needed | optional):
            if key not in self.node:
                value = np.full(shape, 1.0 if key == "w_in" else 0.0)
            else:
                value = self.numbers(key)
                if key == "w_in" and value.ndim == 0:
                    value = np.full(shape, value)
            if value.shape != shape:
                self.refuse(f"{key} has shape {value.shape}, expected {shape} as v_leak")
            first = value.flat[0]
            if np.any(value != first):
                other = value[value != first][0]
                self.refuse(f"{key} has {first} and {other}, expected one value for all neurons")
            if (key in TIMES or key == "r") and first <= 0:
                self.refuse(f"{key} is {first}, expected above 0")
            fields[key] = value
        if self.kind in SPIKING and fields["v_reset"].flat[0] >= fields["v_threshold"].flat[0]:
            self.refuse(
                f"v_reset is {fields['v_reset'].flat[0]}, expected below v_threshold, "
                f"{fields['v_threshold'].flat[0]}"
            )
        if "w_in" in fields and fields["w_in"].flat[0] == 0:
            self.refuse("w_in is 0, expected another value")
        return self.stage(shape, shape, fields=fields)
