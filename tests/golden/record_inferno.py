"""Records a golden set by running Inferno 0.0.5 on random cases.

The format is that of data/FORMAT.md, the rules are those of docs/semantics.md. README.md beside
this file says how it is run. One seed always gives the same set.

Where Inferno's code contradicts its documentation (docs/semantics.md, section 6), a case is
recorded as follows.
  points 1, 2, 3     mended here at run time, see mend_inferno()
  points 4, 9        recorded as Inferno has it; the replay knows what is expected instead
  points 7, 8        recorded as Inferno has it: an empty array, an exception
  points 5, 6, 10    left out: no case has a bad second input, a changed time constant, or extra
                     inputs to a class that takes none
"""

import argparse
import functools
import math
import pathlib

import numpy as np
import torch
from inferno import Module, RecordTensor
from inferno import functional as rules
from inferno.neural import (
    Accumulator,
    Conv2D,
    DeltaCurrent,
    DeltaPlusCurrent,
    DoubleExponentialCurrent,
    LinearDense,
    LinearDirect,
    LinearLateral,
    SingleExponentialCurrent,
)
from inferno.neural.mixins import DelayedMixin
from inferno.neural.synapses.mixins import SpikeMixin

SYNAPSES = (DeltaCurrent, DeltaPlusCurrent, SingleExponentialCurrent, DoubleExponentialCurrent)
INTERPOLATIONS = ("previous", "next", "nearest", "linear", "expdecay", "expratedecay")
EXTRAPOLATIONS = ("previous", "next", "nearest", "neighbors", "linear_forward", "linear_backward",
                  "expdecay", "expratedecay")


# Inferno as its documentation reads


def mend_spike_at():
    """Point 1: SpikeMixin.spike_at passes its overbound as the tolerance and the other way round.

    With what the two attributes hold exchanged, both mean what they say.
    """
    construct = SpikeMixin.__init__

    @functools.wraps(construct)
    def mended(self, *arguments, **named):
        construct(self, *arguments, **named)
        tolerance, overbound = self._SpikeMixin__tolerance, self._SpikeMixin__overbound
        self._SpikeMixin__tolerance, self._SpikeMixin__overbound = overbound, tolerance

    SpikeMixin.__init__ = mended


def mend_delay_setter():
    """Point 2: DelayedMixin.delay makes histories one step longer than the delay it is given.

    They get the duration after it, which is the only thing the setter got wrong.
    """
    assign = DelayedMixin.delay.fset

    def mended(self, value):
        assign(self, value)
        for name in self._DelayedMixin__constrained:
            getattr(self, name).duration = self.delay

    DelayedMixin.delay = DelayedMixin.delay.setter(mended)


def spread_over_samples(query):
    """Point 3: of one slot, a selector with trailing samples raises or is broadcast wrong.

    Each sample is asked for on its own.
    """

    @functools.wraps(query)
    def mended(self, selector):
        if self.spike_.recordsz > 1 or selector.ndim == len(self.batchedshape):
            return query(self, selector)
        return torch.stack([query(self, sample) for sample in selector.unbind(-1)], -1)

    return mended


def mend_inferno():
    mend_spike_at()
    mend_delay_setter()
    for synapse_class in SYNAPSES:
        for name in ("current_at", "spike_at", "pos_current_at", "neg_current_at"):
            if hasattr(synapse_class, name):
                setattr(synapse_class, name, spread_over_samples(getattr(synapse_class, name)))


# The format


def text_of(value):
    if value is None:
        return "none"
    if isinstance(value, (bool, np.bool_)):
        return str(int(value))
    if isinstance(value, (tuple, list)):
        return ",".join(text_of(entry) for entry in value) or "-"
    if isinstance(value, (float, np.floating)):
        return repr(float(value))
    return str(value)


class SuiteWriter:
    """One suite: lines of its index, and its arrays."""

    TYPES = {"float32": "f32", "float64": "f64", "uint8": "u8", "int64": "i64"}

    def __init__(self, name):
        self.name = name
        self.lines = [f"suite {name}"]
        self.data = bytearray()
        self.offsets = {}
        self.cases = 0
        self.operations = {}

    def begin(self, name, **parameters):
        self.lines.append(f"case {self.cases} {name}")
        self.cases += 1
        for key, value in parameters.items():
            self.lines.append(f"p {key} {text_of(value)}")

    def end(self):
        self.lines.append("end")

    def operation(self, kind, **fields):
        counted = kind.split("=")[0]
        self.operations[counted] = self.operations.get(counted, 0) + 1
        texts = [f"{key}={text_of(value)}" for key, value in fields.items()]
        self.lines.append(" ".join(["op", kind, *texts]))

    def input(self, name, array):
        self._array("in", name, array)

    def output(self, name, array):
        self._array("out", name, array)

    def outcome(self, name, exception):
        if exception is None:
            self.lines.append(f"ok {name}")
        else:
            self.lines.append(f"e {name} {type(exception).__name__}")

    def output_or_exception(self, name, compute):
        try:
            result = compute()
        except Exception as exception:  # what Inferno raises is what is recorded
            self.outcome(name, exception)
        else:
            self.output(name, result)

    def _array(self, direction, name, array):
        array = np.asarray(array)
        if array.dtype == np.bool_:
            array = array.astype(np.uint8)
        offset = self._store(np.ascontiguousarray(array).tobytes())
        self.lines.append(f"a {direction} {name} {self.TYPES[array.dtype.name]} {offset} "
                          f"{array.size} {text_of(array.shape)}")

    def _store(self, content):
        if content not in self.offsets:
            self.offsets[content] = len(self.data)
            self.data += content + bytes(-len(content) % 8)
        return self.offsets[content]

    def write(self, folder):
        folder = folder / self.name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "index.txt").write_text("\n".join(self.lines) + "\n")
        (folder / "data.bin").write_bytes(self.data)


def tensor(array):
    """What Inferno is given: 0/1 spikes as float32 too."""
    return torch.from_numpy(np.array(array, dtype=np.float32))


# Random numbers


class Draw:
    """What several suites draw at random."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)

    def chance(self, probability):
        return bool(self.random.random() < probability)

    def choose(self, values):
        return values[self.random.integers(len(values))]

    def integer(self, lowest, highest):
        return int(self.random.integers(lowest, highest + 1))

    def number(self, lowest, highest):
        return float(self.random.uniform(lowest, highest))

    def rounded(self, lowest, highest):
        return round(self.number(lowest, highest), self.integer(1, 3))

    def shape(self, most_extents=4, largest=6, most_elements=40):
        while True:
            shape = tuple(self.integer(1, largest) for _ in range(self.integer(1, most_extents)))
            if math.prod(shape) <= most_elements:
                return shape

    def step_time(self, lowest=0.05):
        value = self.choose([0.1, 0.3, 0.5, 1.0, 1 / 3, self.number(lowest, 3.0),
                             self.rounded(max(lowest, 0.2), 3.0)])
        return max(value, lowest)

    def delay(self, dt):
        """Its kind and the delay: none, whole steps, or anything."""
        kind = self.choose(["zero", "one", "whole", "whole", "literal", "part", "long"])
        if kind == "part":
            return kind, self.number(0.05, 6.0) * dt
        if kind == "literal":
            return kind, self.rounded(0.2, 3.0) * max(dt, 0.2)
        return kind, {"zero": 0, "one": 1, "whole": self.integer(2, 6),
                      "long": self.integer(7, 30)}[kind] * dt

    def tolerance(self, dt):
        return self.choose([0.0, 0.0, 0.25 * dt, self.number(0.0, 0.45) * dt,
                            self.number(0.45, 0.8) * dt])

    def array(self, shape, lowest=-2.0, highest=2.0):
        return self.random.uniform(lowest, highest, shape).astype(np.float32)

    def spikes(self, shape):
        rate = self.number(0.1, 0.7)
        return (self.random.random(shape) < rate).astype(np.uint8)

    def weighted(self, shape):
        return self.array(shape, -1.5, 2.0) * self.spikes(shape)

    def with_special_values(self, values, special):
        """A tenth of them replaced by one of the special ones."""
        chosen = self.random.random(values.shape) < 0.1
        return np.where(chosen, self.random.choice(special, values.shape), values) \
            .astype(np.float32)

    def time(self, dt, longest, tolerance):
        """A time of one of the kinds that selection must tell apart, also outside [0, longest]."""
        grid = self.integer(0, math.ceil(longest / dt)) * dt
        sign = self.choose([-1, 1])
        kind = self.integer(0, 12)
        if kind <= 1:
            return grid
        if kind <= 3:
            return self.number(0.0, max(longest, 1e-3 * dt))
        if kind == 4:
            return grid + self.number(-0.98, 0.98) * tolerance
        if kind == 5:
            return grid + sign * tolerance * self.choose([1.0, 1.00001, 1.02])
        if kind == 6:
            return -self.choose([self.number(0.0, 1.0) * tolerance, self.number(0.0, 2.0) * dt])
        if kind == 7:
            return longest + self.choose([self.number(0.0, 1.0) * tolerance,
                                          self.number(0.0, 2.0) * dt])
        if kind == 8:
            return grid + 0.5 * dt
        if kind == 9:
            return float(np.nextafter(np.float32(grid), np.float32(sign * np.inf)))
        if kind == 10:
            return self.choose([longest + dt, -dt])
        return self.choose([longest, 0.0, -0.0])

    def times(self, shape, dt, longest, tolerance):
        values = [self.time(dt, longest, tolerance) for _ in range(math.prod(shape))]
        return np.array(values, dtype=np.float32).reshape(shape)


# Suites synapse and mutate


def synapse_parameters(draw, synapse_class):
    # The differences of two exponentials are compared with an absolute tolerance in terms of the
    # charge alone: their steps and constants are such that traces stay within a few charges.
    is_double = synapse_class is DoubleExponentialCurrent
    dt = draw.step_time(0.5 if is_double else 0.05)
    kind, delay = draw.delay(dt)
    charge = draw.choose([1.0, 2.5, draw.number(0.1, 4.0), -draw.number(0.1, 4.0)])
    parameters = {
        "cls": synapse_class.__name__,
        "dt": dt,
        "delay": delay,
        "mode": draw.choose(["nearest", "previous"]),
        "tol": draw.tolerance(dt),
        "current_overbound": draw.choose([0.0, None, draw.rounded(-30.0, 30.0)]),
        "spike_overbound": draw.choose([False, True, None]),
        "inplace": draw.chance(0.5),
        "spike_charge": charge,
    }
    if synapse_class is SingleExponentialCurrent:
        parameters["time_constant"] = draw.number(1.5, 20.0) * dt
    if is_double:
        parameters["tc_rise"] = draw.number(1.5, 6.0) * dt
        parameters["tc_decay"] = parameters["tc_rise"] * draw.number(2.0, 4.0)
    return kind, parameters


def synapse_constructor(synapse_class, parameters):
    mode = "interp_mode" if issubclass(synapse_class, (DeltaCurrent, DeltaPlusCurrent)) \
        else "spike_interp_mode"
    named = {mode: parameters["mode"], "interp_tol": parameters["tol"]}
    for key in ("current_overbound", "spike_overbound", "inplace", "spike_charge",
                "time_constant", "tc_decay", "tc_rise"):
        if key in parameters:
            named[key] = parameters[key]
    return synapse_class.partialconstructor(**named)


class SynapseRecorder:
    """Runs one synapse through random operations and writes what it gives."""

    def __init__(self, suite, draw, synapse_class, specials):
        self.suite = suite
        self.draw = draw
        self.specials = specials
        kind, parameters = synapse_parameters(draw, synapse_class)
        shape = draw.shape()
        batch = draw.choose([1, 2, 3, 4, 9])
        name = f"{synapse_class.__name__}/{kind}/{parameters['mode']}/{suite.cases}"
        self.parameters = {"cls": parameters["cls"], "shape": shape, "batch": batch, **parameters}
        suite.begin(name, **self.parameters)
        construct = synapse_constructor(synapse_class, parameters)
        self.synapse = construct(shape, parameters["dt"], parameters["delay"], batch)

    def frames(self, steps):
        shape = (steps, *self.synapse.batchedshape)
        if self.specials:
            special = [np.nan, np.inf, -np.inf, -0.0]
            if isinstance(self.synapse, (DeltaCurrent, DeltaPlusCurrent)):
                special += [1e-40, 3e38]  # what tolerances of interpolated currents are not for
            return self.draw.with_special_values(self.draw.weighted(shape), special)
        return self.draw.weighted(shape) if self.draw.chance(0.4) else self.draw.spikes(shape)

    def run(self):
        steps = self.draw.integer(1, self.draw.choose([2, 8, 24]))
        takes_currents = isinstance(self.synapse, DeltaPlusCurrent) and self.draw.chance(0.6)
        injections = self.draw.integer(1, 4) if takes_currents else 0
        x = self.frames(steps)
        currents = [self.draw.array(x.shape) for _ in range(injections)]
        self.suite.operation("run", steps=steps, ninj=injections)
        self.suite.input("x", x)
        for index, current in enumerate(currents):
            self.suite.input(f"inj{index}", current)
        recorded = {"ret": [], "spike": [], "pos": [], "neg": []}
        for step in range(steps):
            returned = self.synapse(tensor(x[step]), *(tensor(c[step]) for c in currents))
            now = {"ret": self.synapse.current, "spike": self.synapse.spike}
            assert np.array_equal(returned.numpy(), now["ret"].numpy(), equal_nan=True)
            if isinstance(self.synapse, DoubleExponentialCurrent):
                now.update(pos=self.synapse.pos_current, neg=self.synapse.neg_current)
            # Copied: with `inplace` these are views of slots that later steps overwrite.
            for name, values in now.items():
                recorded[name].append(values.numpy().copy())
        for name, values in recorded.items():
            if values:
                self.suite.output(name, np.stack(values))

    def query(self, not_finite=False):
        samples = self.draw.choose([-1, 1, 2, 3, 5, 9])
        shape = self.synapse.batchedshape + (() if samples == -1 else (samples,))
        selector = self.draw.times(shape, self.synapse.dt, self.synapse.delay,
                                   self.parameters["tol"])
        if not_finite:
            # Without an overbound a NaN reads what the conversion of NaN to an integer makes of it.
            values = [np.inf, -np.inf]
            if self.parameters["current_overbound"] is not None:
                values.append(np.nan)
            chosen = self.draw.random.random(shape) < 0.4
            selector = np.where(chosen, self.draw.random.choice(values, shape), selector)
            selector = selector.astype(np.float32)
        self.suite.operation("query", D=samples)
        self.suite.input("sel", selector)
        queries = {"current_at": "current_at", "spike_at": "spike_at"}
        if isinstance(self.synapse, DoubleExponentialCurrent):
            queries.update(pos_at="pos_current_at", neg_at="neg_current_at")
        for output, method in queries.items():
            self.suite.output(output, getattr(self.synapse, method)(tensor(selector)).numpy())

    def rings(self):
        names = {"hist_spike": "spike_"}
        if isinstance(self.synapse, (DeltaPlusCurrent, SingleExponentialCurrent)):
            names["hist_current"] = "current_"
        if isinstance(self.synapse, DoubleExponentialCurrent):
            names.update(hist_pos="pos_current_", hist_neg="neg_current_")
        return {output: getattr(self.synapse, name) for output, name in names.items()}

    def state(self):
        rings = self.rings()
        described = {(r.duration, r.pointer, r.recordsz) for r in rings.values()}
        assert len(described) == 1
        duration, pointer, slots = described.pop()
        self.suite.operation("state", dt=self.synapse.dt, delay=self.synapse.delay,
                             batchsz=self.synapse.batchsz, recordsz=slots, duration=duration,
                             pointer=pointer)
        for output, ring in rings.items():
            self.suite.output(output, np.stack([ring.read(k + 1).numpy() for k in range(slots)]))

    def clear(self):
        self.suite.operation("clear")
        self.synapse.clear()

    def change(self, kind, attribute, value):
        self.suite.operation(kind, value=value)
        setattr(self.synapse, attribute, value)

    def set_step_time(self):
        dt = self.synapse.dt
        # Twice the step at most, and no less than a half of it: see synapse_parameters().
        value = self.draw.choose([dt, 2.0 * dt, 0.5 * dt, self.draw.number(0.5, 2.0) * dt])
        lowest, highest = 0.5 * self.parameters["dt"], 2.0 * self.parameters["dt"]
        self.change("set_dt", "dt", min(max(value, lowest), highest))

    def set_delay(self):
        value = self.draw.choose([self.synapse.delay, 0.0, self.draw.delay(self.synapse.dt)[1],
                                  self.synapse.delay + self.synapse.dt])
        self.change("set_delay", "delay", value)

    def set_batch_size(self):
        self.change("set_batchsz", "batchsz", self.draw.integer(1, 5))


def record_synapse(suite, draw, number):
    recorder = SynapseRecorder(suite, draw, SYNAPSES[number % len(SYNAPSES)],
                               specials=draw.chance(0.05))
    recorder.state()
    recorder.query()
    for _ in range(draw.integer(4, 7)):
        recorder.run()
        for _ in range(draw.integer(1, 2)):
            recorder.query()
        if draw.chance(0.25):
            recorder.query(not_finite=True)
        if draw.chance(0.4):
            recorder.state()
        if draw.chance(0.2):
            recorder.clear()
    suite.end()


def record_mutate(suite, draw, number):
    recorder = SynapseRecorder(suite, draw, SYNAPSES[number % len(SYNAPSES)], specials=False)
    changes = (recorder.clear, recorder.set_step_time, recorder.set_delay, recorder.set_batch_size)
    recorder.run()
    for _ in range(draw.integer(2, 5)):
        for _ in range(draw.integer(1, 3)):
            draw.choose(changes)()
        recorder.state()
        if draw.chance(0.5):
            recorder.query()
        recorder.run()
        if draw.chance(0.5):
            recorder.state()
        recorder.query(not_finite=draw.chance(0.25))
    suite.end()


# Suite record


def constants_of(draw, rule, dt):
    if rule == "expdecay":
        return {"time_constant": draw.number(0.7, 12.0) * dt}
    if rule == "expratedecay":
        return {"rate_constant": draw.number(0.05, 1.5) / dt}
    return {}


class HistoryRecorder:
    """Runs one RecordTensor through random operations and writes what it gives."""

    def __init__(self, suite, draw):
        self.suite = suite
        self.draw = draw
        self.shape = draw.shape(most_elements=12)
        dt = draw.step_time()
        duration = draw.delay(dt)[1]
        inclusive = draw.chance(0.5)
        self.inplace = draw.chance(0.5)
        suite.begin(f"trace/{suite.cases}", kind="trace", dt=dt, duration=duration,
                    inclusive=inclusive, shape=self.shape, inplace=self.inplace)
        self.owner = Module()
        RecordTensor.create(self.owner, "history", dt, duration, torch.zeros(self.shape),
                            inclusive=inclusive)
        self.history = self.owner.history

    def observation(self, *trailing):
        x = self.draw.array(self.shape + trailing)
        self.suite.input("x", x)
        return tensor(x)

    def longest(self):
        return self.history.dt * (self.history.recordsz - 1)

    def tolerance(self):
        dt = self.history.dt
        return self.draw.choose([1e-6, 1e-6, 0.2 * dt, self.draw.number(0.0, 0.5) * dt, 0.0])

    def times(self, shape, tolerance, outside=False):
        """Times that are accepted, unless they may be outside.

        Whether a float32 time is accepted that is only a rounding away from the end of the range,
        beyond the oldest observation, depends on how the end is rounded, which the rules leave
        open. The oldest observation's time stands in for such times.
        """
        times = self.draw.times(shape, self.history.dt, self.longest(), tolerance)
        if not outside:
            times = np.clip(times, np.float32(-0.9 * tolerance),
                            np.float32(self.longest() + 0.9 * tolerance))
        oldest, end = np.float32(self.longest()), np.float32(self.longest() + tolerance)
        at_the_end = (times > oldest) & (np.abs(times - end) <= 4 * np.spacing(end))
        return np.where(at_the_end, oldest, times)

    def time(self, tolerance, offset, outside=False):
        """One time for all elements, likewise.

        Inferno has no rule for a time that is not within the tolerance of an observation but so
        near to one that offset + time / dt is a whole number: it extrapolates into one slot twice,
        where it takes the observation of an array of times. The observation's time stands in.
        """
        dt = self.history.dt
        time = self.draw.time(dt, self.longest(), tolerance)
        if not outside:
            time = min(max(time, -0.9 * tolerance), self.longest() + 0.9 * tolerance)
        if (offset + time / dt).is_integer():
            time = round(time / dt) * dt
        return time

    def push(self):
        self.suite.operation("push")
        self.history.push(self.observation(), self.inplace)

    def dump(self):
        history = self.history
        self.suite.operation("dump", pointer=history.pointer, recordsz=history.recordsz,
                             dt=history.dt, duration=history.duration)
        self.suite.output("data", history.value.numpy())

    def selection(self, scalar):
        tolerance = self.tolerance()
        rule = self.draw.choose(INTERPOLATIONS)
        constants = constants_of(self.draw, rule, self.history.dt)
        offset = self.draw.choose([1, 1, 0, 2, 5, -1])
        outside = self.draw.chance(0.1)
        fields = {"interp": rule, "offset": offset, "tol": tolerance}
        if scalar:
            time = fields["time"] = self.time(tolerance, offset, outside)
        else:
            time = self.times(self.shape + (self.draw.integer(1, 4),), tolerance, outside)
        self.suite.operation("select_scalar" if scalar else "select", **fields, **constants)
        if not scalar:
            self.suite.input("time", time)
        self.suite.output_or_exception("res", lambda: self.history.select(
            time if scalar else tensor(time), getattr(rules, f"interp_{rule}"),
            tolerance=tolerance, offset=offset, interp_kwargs=constants).numpy())

    def select(self):
        self.selection(scalar=False)

    def select_scalar(self):
        self.selection(scalar=True)

    def insertion(self, scalar):
        tolerance = self.tolerance()
        rule = self.draw.choose(EXTRAPOLATIONS)
        constants = constants_of(self.draw, rule, self.history.dt)
        offset = self.draw.choose([0, 0, 1, 3, -1])
        fields = {"extrap": rule, "offset": offset, "tol": tolerance}
        if scalar:
            time = fields["time"] = self.time(tolerance, offset)
        else:
            time = self.times(self.shape, tolerance)
        self.suite.operation("insert_scalar" if scalar else "insert", **fields,
                             inplace=self.inplace, **constants)
        observation = self.observation()
        if not scalar:
            self.suite.input("time", time)
        self.history.insert(observation, time if scalar else tensor(time),
                            getattr(rules, f"extrap_{rule}"), tolerance=tolerance, offset=offset,
                            inplace=self.inplace, extrap_kwargs=constants)
        self.dump()

    def insert(self):
        self.insertion(scalar=False)

    def insert_scalar(self):
        self.insertion(scalar=True)

    def read(self):
        offset = self.draw.integer(-2, self.history.recordsz + 2)
        self.suite.operation("read", offset=offset)
        self.suite.output("res", self.history.read(offset).numpy())

    def peek(self):
        self.suite.operation("peek")
        self.suite.output("res", self.history.peek().numpy())

    def pop(self):
        self.suite.operation("pop")
        self.suite.output("res", self.history.pop().numpy())

    def move(self):
        kind = self.draw.choose(["incr", "decr"])
        steps = self.draw.integer(0, self.history.recordsz + 2)
        self.suite.operation(kind, pos=steps)
        getattr(self.history, kind)(steps)

    def read_range(self):
        length = self.draw.integer(1, self.history.recordsz)
        offset = self.draw.integer(0, self.history.recordsz)
        forward = self.draw.chance(0.5)
        self.suite.operation("readrange", length=length, offset=offset, forward=forward)
        self.suite.output("res", self.history.readrange(length, offset, forward).numpy())

    def write(self):
        offset = self.draw.integer(0, self.history.recordsz)
        self.suite.operation("write", offset=offset, inplace=self.inplace)
        self.history.write(self.observation(), offset, self.inplace)

    def write_range(self):
        length = self.draw.integer(1, self.history.recordsz)
        offset = self.draw.integer(0, self.history.recordsz)
        forward = self.draw.chance(0.5)
        self.suite.operation("writerange", offset=offset, forward=forward, inplace=self.inplace)
        self.history.writerange(self.observation(length), offset, forward, self.inplace)

    def align(self):
        index = self.draw.integer(0, self.history.recordsz - 1)
        self.suite.operation("align", index=index)
        self.history.align(index)

    def reset(self):
        fill = self.draw.choose([None, 0.0, self.draw.rounded(-3.0, 3.0)])
        self.suite.operation("reset", fill=fill)
        self.history.reset(fill)

    def set_duration(self):
        value = self.draw.delay(self.history.dt)[1]
        self.suite.operation("set_duration", value=value)
        self.history.duration = value

    def set_step_time(self):
        value = self.draw.choose([2.0, 0.5, self.draw.number(0.6, 1.7)]) * self.history.dt
        value = min(max(value, 0.05), 3.0)
        self.suite.operation("set_dt", value=value)
        self.history.dt = value

    def set_inclusive(self):
        value = self.draw.chance(0.5)
        self.suite.operation("set_inclusive", value=value)
        self.history.inclusive = value


def record_slots_table(suite, draw):
    suite.begin("recordsz_table", kind="table")
    rows = []
    for _ in range(1500):
        dt = draw.step_time()
        duration = draw.choose([draw.delay(dt)[1], draw.integer(0, 60) * dt,
                                draw.rounded(0.0, 20.0), draw.integer(0, 200) / 10])
        inclusive = draw.chance(0.5)
        owner = Module()
        RecordTensor.create(owner, "history", dt, duration, torch.zeros(1), inclusive=inclusive)
        rows.append((dt, duration, inclusive, owner.history.recordsz))
    dt, duration, inclusive, slots = zip(*rows)
    suite.operation("table")
    suite.input("dt", np.array(dt))
    suite.input("duration", np.array(duration))
    suite.input("inclusive", np.array(inclusive))
    suite.output("recordsz", np.array(slots, dtype=np.int64))
    suite.end()


def record_history(suite, draw, number):
    if number == 0:
        record_slots_table(suite, draw)
        return
    recorder = HistoryRecorder(suite, draw)
    frequent = (recorder.push, recorder.push, recorder.push, recorder.select, recorder.select,
                recorder.select_scalar, recorder.select_scalar, recorder.insert,
                recorder.insert_scalar, recorder.read, recorder.read_range, recorder.write_range)
    rare = (recorder.dump, recorder.peek, recorder.pop, recorder.move, recorder.write,
            recorder.align, recorder.reset, recorder.set_duration, recorder.set_step_time,
            recorder.set_inclusive)
    recorder.dump()
    for _ in range(draw.integer(20, 60)):
        draw.choose(frequent if draw.chance(0.75) else rare)()
    recorder.dump()
    suite.end()


# Suite interp


def record_rule(suite, draw, number):
    kinds = [("interp", rule) for rule in INTERPOLATIONS]
    kinds += [("extrap", rule) for rule in EXTRAPOLATIONS]
    kind, rule = kinds[number % len(kinds)]
    dt = draw.step_time()
    constants = constants_of(draw, rule, dt)
    suite.begin(f"{kind}/{rule}/{suite.cases}", kind=kind, fn=rule, step_time=dt, **constants)
    shape = draw.shape()
    arrays = {"prev": draw.array(shape), "next": draw.array(shape)}
    elapsed = draw.array(shape, 0.001 * dt, dt)
    ends = draw.random.choice([0.5 * dt, dt, 1e-6 * dt, 0.75 * dt], shape).astype(np.float32)
    arrays["at"] = np.where(draw.random.random(shape) < 0.3, ends, elapsed)
    if kind == "extrap":
        arrays["sample"] = draw.array(shape)
    suite.operation("call")
    for name, values in arrays.items():
        suite.input(name, values)
    previous, following, at = (tensor(arrays[name]) for name in ("prev", "next", "at"))
    function = getattr(rules, f"{kind}_{rule}")
    if kind == "interp":
        suite.output("res", function(previous, following, at, dt, **constants).numpy())
    else:
        older, newer = function(tensor(arrays["sample"]), at, previous, following, dt, **constants)
        suite.output("prev", older.numpy())
        suite.output("next", newer.numpy())
    suite.end()


# Suite connection


def convolution_geometry(draw):
    """Sizes of a convolution whose output is not empty."""
    while True:
        geometry = {
            "height": draw.integer(1, 8),
            "width": draw.integer(1, 8),
            "channels": draw.integer(1, 3),
            "filters": draw.integer(1, 4),
            "kernel": (draw.integer(1, 4), draw.integer(1, 4)),
            "stride": (draw.integer(1, 3), draw.integer(1, 3)),
            "padding": (draw.integer(0, 2), draw.integer(0, 2)),
            "dilation": (draw.integer(1, 2), draw.integer(1, 2)),
        }
        sizes = (geometry["height"], geometry["width"])
        reach = [geometry["dilation"][d] * (geometry["kernel"][d] - 1) + 1 for d in range(2)]
        if all(sizes[d] + 2 * geometry["padding"][d] >= reach[d] for d in range(2)):
            return geometry


def connection_delay(draw, dt):
    kind = draw.choose(["none", "zero", "whole", "part", "part"])
    return kind, {"none": None, "zero": 0.0, "whole": draw.integer(1, 5) * dt,
                  "part": draw.number(0.3, 5.0) * dt}[kind]


def construct_connection(draw, connection_class, named, dt):
    if connection_class is Conv2D:
        geometry = convolution_geometry(draw)
        return Conv2D(step_time=dt, **geometry, **named), geometry
    shapes = [draw.shape(largest=7, most_elements=14)]
    if connection_class is LinearDense:
        shapes.append(draw.shape(largest=7, most_elements=14))
        if draw.chance(0.15):
            shapes = [(draw.integer(15, 300),), (draw.integer(1, 4),)]
    return connection_class(*shapes, step_time=dt, **named), {}


class ConnectionRecorder:
    """Runs one connection through random operations and writes what it gives."""

    def __init__(self, suite, draw, connection_class, synapse_class):
        self.suite = suite
        self.draw = draw
        parameters = synapse_parameters(draw, synapse_class)[1]
        kind, delay = connection_delay(draw, parameters["dt"])
        parameters["delay"] = delay
        self.tolerance = parameters["tol"]
        batch, biased = draw.integer(1, 4), draw.chance(0.5)
        named = {"synapse": synapse_constructor(synapse_class, parameters), "bias": biased,
                 "delay": delay, "batch_size": batch}
        self.connection, geometry = construct_connection(draw, connection_class, named,
                                                         parameters["dt"])
        name = f"{connection_class.__name__}/{synapse_class.__name__}/{kind}/{suite.cases}"
        suite.begin(name, conn=connection_class.__name__, bias=biased, batch=batch, **parameters,
                    synapse_shape=self.connection.synapse.shape, in_shape=self.connection.inshape,
                    out_shape=self.connection.outshape, **geometry)
        self.connection.updater = self.connection.defaultupdater()
        self.first_input = None
        self.last_output = None

    def parameter_names(self):
        return list(self.connection.updater.names)

    def assign(self, name, values):
        self.suite.operation("set_delay_param" if name == "delay" else f"set_{name}")
        self.suite.input(name, values)
        setattr(self.connection, name, tensor(values))
        self.suite.output(name, getattr(self.connection, name).numpy())

    def set_parameter(self, name):
        shape = tuple(getattr(self.connection, name).shape)
        if name != "delay":
            self.assign(name, self.draw.array(shape, self.draw.choose([-1.0, 0.0]), 1.0))
            return
        synapse = self.connection.synapse
        delays = self.draw.array(shape, 0.0, synapse.delay)
        if self.draw.chance(0.6):
            delays = self.draw.times(shape, synapse.dt, synapse.delay, self.tolerance)
        self.assign(name, delays)

    def set_any(self):
        self.set_parameter(self.draw.choose(self.parameter_names()))

    def forward(self):
        steps = self.draw.integer(1, self.draw.choose([2, 16]))
        shape = (steps, *self.connection.batched_inshape)
        takes_currents = isinstance(self.connection.synapse, DeltaPlusCurrent) \
            and self.draw.chance(0.4)
        injections = self.draw.integer(1, 2) if takes_currents else 0
        x = self.draw.weighted(shape) if self.draw.chance(0.3) else self.draw.spikes(shape)
        currents = [self.draw.array(shape) for _ in range(injections)]
        self.suite.operation("forward", steps=steps, ninj=injections)
        self.suite.input("x", x)
        for index, current in enumerate(currents):
            self.suite.input(f"inj{index}", current)
        outputs = [self.connection(tensor(x[t]), *(tensor(c[t]) for c in currents)).numpy()
                   for t in range(steps)]
        self.suite.output("out", np.stack(outputs))
        self.first_input, self.last_output = tensor(x[0]), tensor(outputs[-1])

    def inspect(self):
        connection = self.connection
        synaptic = connection.like_synaptic(self.first_input)
        self.suite.operation("inspect", delayedby=connection.delayedby)
        self.suite.output("selector", connection.selector.numpy())
        self.suite.output("syncurrent", connection.syncurrent.numpy())
        self.suite.output("synspike", connection.synspike.numpy())
        self.suite.output("like_synaptic", synaptic.numpy())
        self.suite.output("like_input_of_like_synaptic", connection.like_input(synaptic).numpy())
        self.suite.output_or_exception(
            "presyn_receptive", lambda: connection.presyn_receptive(connection.synspike).numpy())
        self.suite.output("postsyn_receptive",
                          connection.postsyn_receptive(self.last_output).numpy())

    def update(self):
        names = [name for name in self.parameter_names() if self.draw.chance(0.7)] or ["weight"]
        self.suite.operation("update", params=tuple(names))
        for name in names:
            accumulator = getattr(self.connection.updater, name)
            shape = tuple(getattr(self.connection, name).shape)
            for part in ("pos0", "pos1", "neg0"):
                values = self.draw.array(shape, 0.0, 0.2)
                self.suite.input(f"{name}_{part}", values)
                setattr(accumulator, part[:3], tensor(values))
        self.connection.update()
        for name in names:
            self.suite.output(name, getattr(self.connection, name).numpy())

    def clear(self):
        self.suite.operation("clear")
        self.connection.clear()


def record_connection(suite, draw, number):
    connections = (LinearDense, LinearDirect, LinearLateral, Conv2D)
    recorder = ConnectionRecorder(suite, draw, connections[number % 4], SYNAPSES[number // 4 % 4])
    for name in recorder.parameter_names():
        recorder.set_parameter(name)
    recorder.forward()
    recorder.inspect()
    operations = (recorder.forward, recorder.forward, recorder.inspect, recorder.update,
                  recorder.set_any, recorder.clear)
    for _ in range(draw.integer(4, 8)):
        draw.choose(operations)()
    recorder.forward()
    recorder.inspect()
    suite.end()


# Suite accumulator


REDUCTIONS = {"sum": torch.sum, "mean": torch.mean, "amax": torch.amax}
BOUNDS = ("multiplicative", "power", "scaled_power", "scaled_multiplicative", "sharp")


def bound_parameters(draw, bound, sides):
    parameters = {}
    if bound.startswith("full_") and bound.endswith("power"):
        parameters = {"upper_power": draw.choose([2.0, 1.5, draw.number(0.5, 2.5)]),
                      "lower_power": draw.choose([2.0, 1.5, draw.number(0.5, 2.5)])}
    elif bound.endswith("power"):
        parameters = {"power": draw.choose([2.0, 1.5, draw.number(0.5, 2.5)])}
    if bound.startswith("scaled_"):
        parameters["range"] = draw.number(1.0, 2.0)
    return {"sides": sides, **parameters}


def bind(accumulator, bound, sides, maximum, minimum, constants):
    if bound.startswith("full_"):
        function = getattr(rules, f"bound_{bound.removeprefix('full_')}")
        accumulator.fullbound(function, maximum, minimum, **constants)
        return
    if bound != "none" and sides != "lower":
        accumulator.upperbound(getattr(rules, f"bound_upper_{bound}"), maximum, **constants)
    if bound != "none" and sides != "upper":
        accumulator.lowerbound(getattr(rules, f"bound_lower_{bound}"), minimum, **constants)


def record_accumulator(suite, draw, number):
    bounds = ("none", *BOUNDS, *(f"full_{bound}" for bound in BOUNDS))
    bound = bounds[number % len(bounds)]
    half = bound != "none" and not bound.startswith("full_")
    sides = draw.choose(["both", "upper", "lower"]) if half else "both"
    reduction = draw.choose(sorted(REDUCTIONS))
    minimum = draw.rounded(-1.0, 0.2)
    maximum = minimum + draw.rounded(0.5, 1.5)
    # PyTorch adds up to four parts one after the other, and more in an order of its own.
    most = 7 if reduction == "amax" else 4
    positive, negative = draw.integer(0, most), draw.integer(0, most)
    shape = draw.shape()
    parameters = bound_parameters(draw, bound, sides)
    suite.begin(f"{reduction}/p{positive}n{negative}/{bound}/{sides}/{suite.cases}",
                reduction=reduction, bound=bound, max=maximum, min=minimum, npos=positive,
                nneg=negative, **parameters)
    accumulator = Accumulator()
    accumulator.reduction(REDUCTIONS[reduction])
    bind(accumulator, bound, sides, maximum, minimum,
         {key: value for key, value in parameters.items() if key != "sides"})
    suite.operation("update")
    param = draw.array(shape, minimum - 0.2, maximum + 0.2)
    at_bound = draw.random.choice([minimum, maximum], shape).astype(np.float32)
    param = np.where(draw.random.random(shape) < 0.15, at_bound, param)
    suite.input("param", param)
    for sign, count in (("pos", positive), ("neg", negative)):
        for index in range(count):
            values = draw.array(shape, -0.03, 0.2)
            suite.input(f"{sign}{index}", values)
            setattr(accumulator, sign, tensor(values))
    suite.output_or_exception("param", lambda: accumulator(tensor(param)).numpy())
    suite.end()


# Suite errors


def construction_values(draw, synapse_class):
    """Arguments and values for them, some refused and some not."""
    positive, count = draw.rounded(0.1, 9.0), draw.integer(1, 5)
    numbers = [0.0, -positive, math.nan, math.inf, positive]
    shapes = [0, -count, count, (count, 0), (count, 2), (2, -count), (), float(count), 2.5,
              (2.0, count), (count, 1, 2)]
    modes = ["foo", "NEAREST", "previous", "Previous", "neares", 3]
    values = {
        "step_time": [*numbers, "x", None],
        "delay": numbers,
        "spike_charge": numbers,
        "batch_size": [0, -count, count, count + 0.5, float(count)],
        "shape": shapes,
        "interp_tol": [-positive, 0.0, positive, math.nan],
    }
    if synapse_class in (DeltaCurrent, DeltaPlusCurrent):
        values["interp_mode"] = modes
    else:
        values["spike_interp_mode"] = modes
    if synapse_class is SingleExponentialCurrent:
        values["time_constant"] = numbers
    if synapse_class is DoubleExponentialCurrent:
        values["tc_rise"] = [*numbers, 8.0, 7.5]
        values["tc_decay"] = [*numbers, 2.0, 2.5]
    return values


def default_arguments(synapse_class):
    arguments = {"shape": (4,), "step_time": 1.0, "spike_charge": 1.0}
    if synapse_class is SingleExponentialCurrent:
        arguments["time_constant"] = 5.0
    if synapse_class is DoubleExponentialCurrent:
        arguments.update(tc_decay=8.0, tc_rise=2.0)
    return arguments


def record_attempt(suite, what, attempt):
    suite.operation(what)
    try:
        attempt()
    except Exception as exception:  # what Inferno raises is what is recorded
        suite.outcome(what, exception)
    else:
        suite.outcome(what, None)
    suite.end()


def record_construction(suite, draw, synapse_class):
    values = construction_values(draw, synapse_class)
    argument = draw.choose(list(values))
    value = draw.choose(values[argument])
    text = text_of(value)
    name = synapse_class.__name__
    suite.begin(f"{name}/construct/{argument}={text}/{suite.cases}", cls=name, what="construct",
                arg=argument, value=text, valuetype=type(value).__name__)
    arguments = {**default_arguments(synapse_class), argument: value}
    record_attempt(suite, "construct", lambda: synapse_class(**arguments))


def attempts_on(draw, synapse):
    """What may be tried on a synapse of two samples of four with a delay of three steps."""
    shapes = {"select_ndim_low": (4,), "select_ndim_high": (2, 4, 1, 1),
              "select_batch_small": (1, 4), "select_batch_big": (3, 4), "select_empty": (2, 4, 0)}
    attempts = {what: functools.partial(synapse.current_at, torch.ones(shape))
                for what, shape in shapes.items()}
    attempts["forward_noinput"] = synapse
    attempts["forward_badshape"] = functools.partial(synapse, torch.zeros(2, 5))
    attempts["forward_badbatch"] = functools.partial(synapse, torch.zeros(3, 4))
    number = draw.rounded(0.1, 5.0)
    for attribute, values in {"dt": [0.0, -number, number], "delay": [-number, number, 0.0],
                              "batchsz": [0, -2, 3, 1.5]}.items():
        value = draw.choose(values)
        attempts[f"{attribute}={text_of(value)}"] = \
            functools.partial(setattr, synapse, attribute, value)
    return attempts


def record_error(suite, draw, number):
    synapse_class = SYNAPSES[number % len(SYNAPSES)]
    if draw.chance(0.6):
        record_construction(suite, draw, synapse_class)
        return
    synapse = synapse_class(**default_arguments(synapse_class), batch_size=2, delay=3.0)
    synapse(torch.tensor([[1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0]]))
    attempts = attempts_on(draw, synapse)
    what = draw.choose(list(attempts))
    name = synapse_class.__name__
    suite.begin(f"{name}/{what}/{suite.cases}", cls=name, what=what)
    record_attempt(suite, what, attempts[what])


SUITES = {
    "synapse": record_synapse,
    "mutate": record_mutate,
    "record": record_history,
    "interp": record_rule,
    "connection": record_connection,
    "accumulator": record_accumulator,
    "errors": record_error,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True, metavar="FOLDER")
    parser.add_argument("--cases", type=int, default=600, metavar="N", help="cases of each suite")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    mend_inferno()
    for position, (name, record) in enumerate(SUITES.items()):
        draw = Draw([arguments.seed, position])
        suite = SuiteWriter(name)
        for number in range(arguments.cases):
            record(suite, draw, number)
        suite.write(arguments.out)
        counts = ", ".join(f"{kind} {count}" for kind, count in sorted(suite.operations.items()))
        print(f"{name}: {suite.cases} cases; {counts}")


if __name__ == "__main__":
    main()
