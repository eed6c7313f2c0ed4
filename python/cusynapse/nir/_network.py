"""Networks that run a graph by the library's objects, on the CPU."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import (
    Connection,
    Conv2D,
    DeltaCurrent,
    DeltaPlusCurrent,
    LeakyIntegrateAndFire,
    LinearDense,
    LinearDirect,
    SingleExponentialCurrent,
)
from .._errors import InvalidArgument, NotSupported, ShapeMismatch
from .._guard import Guard
from ._nodes import NEURONS, SPIKING, TIMES
from ._refusal import refuse, refuse_node

CONNECTIONS = {"Linear", "Scale", "Delay", "Conv2d"}
BYTES = 8  # an element of the larger type

Inputs = npt.ArrayLike | dict[str, npt.ArrayLike]
Integer = int | np.integer[Any]


class Network:
    """A graph of NIR that runs. `read` makes it.

    Arrays are NumPy's, [batch_size, *shape]. Inputs and outputs go by the names of the nodes. In a
    step every node reads what its sources give in the same step, except in loops: docs/nir.md.
    """

    def __init__(self, graph, *, batch_size, dtype, memory_limit):
        self._graph, self._memory_limit = graph, memory_limit
        self._guard = Guard("cusynapse.nir.Network")
        try:
            self._dtype = np.dtype(dtype)
        except TypeError:
            self._dtype = None
        if self._dtype not in (np.float32, np.float64):
            refuse("dtype", f"is {dtype}, expected float32 or float64")
        self._batch_size = self._checked(batch_size)
        self._spike = self._signal_of_spike()
        self._objects = {}
        for name, stage in graph.stages.items():
            self._check_range(stage)
            try:
                self._objects[name] = self._make(stage)
            except (InvalidArgument, NotSupported) as error:
                reason = str(error).rsplit(" [", 1)[0]  # the library's text without its code
                refuse_node(name, stage.kind, f"cannot be run: {reason}", cause=error)
        self._clear_late()

    # What it is -----------------------------------------------------------------------------

    @property
    def inputs(self) -> dict[str, tuple[int, ...]]:
        """Shapes of one sample of the inputs, by name."""
        return {name: stage.output_shape for name, stage in self._graph.of_kind("Input").items()}

    @property
    def outputs(self) -> dict[str, tuple[int, ...]]:
        """Shapes of one sample of the outputs, by name."""
        return {name: stage.input_shape for name, stage in self._graph.of_kind("Output").items()}

    @property
    def batch_size(self) -> int:
        return self._batch_size

    @property
    def step_time(self) -> float:
        """dt, ms."""
        return self._graph.step_time

    @property
    def spike_area(self) -> str:
        """'step' or 'unit': `read`."""
        return self._graph.spike_area

    @property
    def dtype(self) -> str:
        return self._dtype.name

    @property
    def device(self) -> str:
        return "cpu"

    @property
    def connections(self) -> dict[str, Connection]:
        """The connections that run nodes, by name. Delays are counted from what a step reads.

        Within a loop that is what neurons gave one step ago: delays there are one step shorter.
        """
        return {
            name: made[0]
            for name, made in self._objects.items()
            if made and self._is(name, CONNECTIONS)
        }

    @property
    def neurons(self) -> dict[str, LeakyIntegrateAndFire]:
        """The neurons that run nodes, by name."""
        return {name: made[-1] for name, made in self._objects.items() if self._is(name, NEURONS)}

    @property
    def voltages(self) -> dict[str, np.ndarray]:
        """v of all neurons at the end of the last step, by name."""
        with self._guard:
            return {name: np.asarray(neurons.voltage()) for name, neurons in self.neurons.items()}

    @property
    def currents(self) -> dict[str, np.ndarray]:
        """I of CubaLI and CubaLIF neurons at the end of the last step, by name."""
        currents = {}
        with self._guard:
            for name, stage in self._graph.stages.items():
                if "tau_syn" in stage.fields:
                    decay = math.exp(-self.step_time / self._constant(stage, "tau_syn"))
                    start = np.asarray(self._objects[name][0].current())
                    currents[name] = start * self._dtype.type(decay / self._share(stage))
        return currents

    def _is(self, name, kinds):
        return self._graph.stages[name].kind in kinds

    # Making ---------------------------------------------------------------------------------

    def _checked(self, batch_size):
        """A batch size, as int, with which the network is within its memory."""
        if (
            isinstance(batch_size, bool)
            or not isinstance(batch_size, (int, np.integer))
            or batch_size < 1
        ):
            refuse("batch_size", f"is {batch_size!r}, expected an integer of at least 1")
        total, batch_size = 0, int(batch_size)
        for name, stage in self._graph.stages.items():
            signal, history = math.prod(stage.output_shape), 0
            if stage.kind in CONNECTIONS:
                delays = stage.delays_to_read()
                slots = 2 + (0 if delays is None else int(delays.max()))
                history = slots * math.prod(stage.input_shape)
            total += BYTES * (batch_size * (4 * signal + history) + 4 * self._weights(stage))
            if total > self._memory_limit:
                refuse_node(
                    name,
                    stage.kind,
                    f"brings the network to {total} bytes, expected at most {self._memory_limit}: "
                    "memory_limit",
                )
        return batch_size

    def _check_range(self, stage):
        most = np.finfo(self._dtype).max
        for key in {"weight", "bias", "scale"} & set(stage.fields):
            if np.any(np.abs(stage.fields[key]) > most):
                refuse_node(stage.name, stage.kind, f"{key} has values beyond {self.dtype}")
        for key in TIMES & set(stage.fields):
            if self._constant(stage, key) == 0:
                time = stage.fields[key].flat[0]
                refuse_node(stage.name, stage.kind, f"{key} is {time}, which is 0 in ms")

    def _signal_of_spike(self):
        """What a spike is during its step: its area over dt."""
        with np.errstate(over="ignore"):
            spike = self._dtype.type(self._graph.area_of_spike / self.step_time)
        if not 0 < spike < np.inf:
            refuse(
                "step_time",
                f"is {self.step_time}: a spike of area {self._graph.area_of_spike} ms has the "
                f"signal {spike}, expected one that {self.dtype} holds",
            )
        return spike

    @staticmethod
    def _weights(stage):
        return max((array.size for array in stage.fields.values()), default=0)

    def _constant(self, stage, key):
        """A field that is the same for all neurons; times in ms."""
        value = float(stage.fields[key].flat[0])
        return value * self._graph.milliseconds if key in TIMES else value

    def _share(self, stage):
        """What of a current that decays during a step the voltage sees, as a constant current.

        With a = dt / tau_mem, b = dt / tau_syn: a (exp(-b) - exp(-a)) / ((a - b) (1 - exp(-a))).
        """
        a = self.step_time / self._constant(stage, "tau_mem")
        b = self.step_time / self._constant(stage, "tau_syn")
        return math.exp(-min(a, b)) * _mean_decay(abs(a - b)) / _mean_decay(a)

    def _make(self, stage):
        """The library's objects for a stage, in the order they run."""
        if stage.kind in CONNECTIONS:
            return [self._make_connection(stage)]
        if stage.kind in NEURONS:
            neurons = [self._make_neurons(stage)]
            return [self._make_synapses(stage), *neurons] if "tau_syn" in stage.fields else neurons
        return []

    def _options(self):
        return {"step_time": self.step_time, "batch_size": self._batch_size, "dtype": self.dtype}

    def _make_neurons(self, stage):
        spikes = stage.kind in SPIKING
        rest = self._constant(stage, "v_leak")
        return LeakyIntegrateAndFire(
            stage.output_shape,
            time_constant=self._constant(stage, "tau_mem" if "tau_mem" in stage.fields else "tau"),
            rest_voltage=rest,
            reset_voltage=self._constant(stage, "v_reset") if spikes else rest,
            threshold_voltage=self._next_above(self._constant(stage, "v_threshold"))
            if spikes
            else float(np.finfo(self._dtype).max),
            refractory_period=0.0,
            resistance=self._constant(stage, "r"),
            **self._options(),
        )

    def _next_above(self, threshold):
        """The library spikes at a threshold, NIR above it."""
        rounded = self._dtype.type(threshold)
        if float(rounded) <= threshold:
            rounded = np.nextafter(rounded, self._dtype.type(np.inf))
        return float(rounded)

    def _make_synapses(self, stage):
        """w_in dt / tau_syn at a unit input, in units of what the voltage sees of it."""
        return SingleExponentialCurrent(
            stage.output_shape,
            spike_charge=self._constant(stage, "w_in") * self.step_time * self._share(stage),
            time_constant=self._constant(stage, "tau_syn"),
            **self._options(),
        )

    def _make_connection(self, stage):
        delays = stage.delays_to_read()
        longest = 0 if delays is None else int(delays.max())
        # Their current is the signal. Delays are whole steps, up to rounding.
        model, charge = DeltaPlusCurrent, self.step_time
        if self._gives_spikes(stage.sources):
            model, charge = DeltaCurrent, self._graph.area_of_spike
        synapse = model.factory(spike_charge=charge, tolerance=self.step_time / 4)
        bias = stage.bias
        if stage.kind == "Conv2d" and not np.any(bias):
            bias = None
        options = dict(self._options(), biased=bias is not None)
        options["delay"] = longest * self.step_time if longest else None
        fields = stage.fields
        if stage.kind == "Conv2d":
            weight = fields["weight"]
            connection = Conv2D(
                *stage.input_shape,
                weight.shape[0],
                weight.shape[2:],
                synapse,
                **{key: fields[key].tolist() for key in ("stride", "padding", "dilation")},
                **options,
            )
        elif stage.kind == "Linear":
            weight = fields["weight"]
            connection = LinearDense(stage.input_shape, stage.output_shape, synapse, **options)
        else:
            weight = fields.get("scale", np.ones(stage.input_shape))
            connection = LinearDirect(stage.input_shape, synapse, **options)
        connection.set("weight", np.ascontiguousarray(weight, self._dtype))
        if bias is not None:
            connection.set("bias", np.ascontiguousarray(bias, self._dtype))
        if longest:
            connection.set("delay", np.ascontiguousarray(delays * self.step_time, self._dtype))
        return connection

    def _gives_spikes(self, names):
        """Whether sources give one array of spikes, which a history holds as bits."""
        while len(names) == 1:
            stage = self._graph.stages[names[0]]
            if stage.kind != "Identity":
                return stage.kind in SPIKING
            names = stage.sources
        return False

    # Running --------------------------------------------------------------------------------

    def step(self, inputs: Inputs) -> dict[str, np.ndarray]:
        """One step: takes what flows in during it, gives what flows out, by name.

        One array will do for one input. Before the first step every signal is 0. Where spike_area
        is 'unit', an array of bool is spikes, and one of floating point is a signal. Errors:
        `shape_mismatch`, `invalid_argument`; nothing has happened then.
        """
        with self._guard:
            return self._step(self._check_inputs(inputs, ()))

    def run(self, inputs: Inputs) -> dict[str, np.ndarray]:
        """T steps, inputs and outputs [T, batch_size, *shape]."""
        with self._guard:
            return self._run(inputs)

    def _run(self, inputs):
        sequence = self._check_inputs(inputs, (None,))
        lengths = {len(values) for values in sequence.values()}
        if len(lengths) != 1:
            refuse("inputs", f"have {sorted(lengths)} steps, expected as many of each")
        steps = lengths.pop()
        spiking = {
            name: self._gives_spikes(self._graph.stages[name].sources) for name in self.outputs
        }
        outputs = {
            name: np.empty(
                (steps, self._batch_size, *shape), bool if spiking[name] else self._dtype
            )
            for name, shape in self.outputs.items()
        }
        for index in range(steps):
            given = self._step({name: values[index] for name, values in sequence.items()})
            for name, values in given.items():
                outputs[name][index] = values
        return outputs

    def _check_inputs(self, inputs, leading):
        shapes = self.inputs
        if not isinstance(inputs, dict):
            if len(shapes) != 1:
                refuse("inputs", f"is one array, expected one for each of {sorted(shapes)}")
            inputs = {next(iter(shapes)): inputs}
        if set(inputs) != set(shapes):
            refuse("inputs", f"are {sorted(map(str, inputs))}, expected {sorted(shapes)}")
        checked = {}
        for name, shape in shapes.items():
            given = np.asarray(inputs[name])
            if given.dtype.kind not in "biuf":
                refuse(f"input {name!r}", f"has type {given.dtype}, expected numbers")
            if self.spike_area != "step" and given.dtype.kind not in "bf":
                refuse(
                    f"input {name!r}",
                    f"has type {given.dtype}, expected bool for spikes or floating point for a "
                    f"signal: spike_area is {self.spike_area!r}",
                )
            values = np.ascontiguousarray(self._values(given))
            expected = (self._batch_size, *shape)
            if values.shape[len(leading) :] != expected or values.ndim < len(leading):
                raise ShapeMismatch(
                    f"cusynapse.nir: input {name!r} has shape {values.shape}, expected "
                    f"{('T',) * len(leading) + expected} [shape_mismatch]"
                )
            checked[name] = values
        return checked

    def _step(self, inputs):
        signals = {}
        for name, stage in self._graph.stages.items():
            if stage.kind == "Input":
                signals[name] = inputs[name]
                continue
            signal = self._sum(stage, signals)
            objects = self._objects[name]
            if stage.kind in CONNECTIONS:
                signal = objects[0].forward(signal)
            elif stage.kind in NEURONS:
                if "tau_syn" in stage.fields:
                    objects[0].step(signal)
                    signal = objects[0].current()
                spikes = objects[-1].forward(signal)
                signal = spikes if stage.kind in SPIKING else objects[-1].voltage()
            signals[name] = np.asarray(signal).reshape(self._batch_size, *stage.output_shape)
        self._late = {name: signals[name] for name in self._late}
        return {name: np.array(signals[name]) for name in self.outputs}

    def _sum(self, stage, signals):
        values = [
            self._late[source] if late else signals[source]
            for source, late in zip(stage.sources, stage.late)
        ]
        if len(values) == 1 and stage.kind not in NEURONS:
            return values[0]
        total = self._values(values[0])
        for value in values[1:]:
            total = total + self._values(value)
        return total

    def _values(self, signal):
        """A signal in numbers: a spike is its area over dt."""
        values = signal.astype(self._dtype, copy=False)
        return values * self._spike if signal.dtype == bool else values

    def _clear_late(self):
        """What is read one step late: signals of the step before, zeros before the first."""
        self._late = {}
        for stage in self._graph.stages.values():
            for source, late in zip(stage.sources, stage.late):
                if late:
                    kind = bool if self._gives_spikes([source]) else self._dtype
                    shape = self._graph.stages[source].output_shape
                    self._late[source] = np.zeros((self._batch_size, *shape), kind)

    def clear(self) -> None:
        """Everything as if new."""
        with self._guard:
            for made in self._objects.values():
                for made_object in made:
                    made_object.clear()
            self._clear_late()

    def set_batch_size(self, batch_size: Integer) -> None:
        """Keeps the last samples, or prepends new ones. Errors: `invalid_argument`, beforehand."""
        batch_size = self._checked(batch_size)
        with self._guard:
            for made in self._objects.values():
                for made_object in made:
                    made_object.set_batch_size(batch_size)
            new = max(batch_size - self._batch_size, 0)
            for name, signal in self._late.items():
                kept = signal[max(self._batch_size - batch_size, 0) :]
                zeros = np.zeros((new, *signal.shape[1:]), signal.dtype)
                self._late[name] = np.concatenate([zeros, kept])
            self._batch_size = batch_size


def _mean_decay(x):
    """(1 - exp(-x)) / x, the mean of exp(-t) from 0 to x."""
    return -math.expm1(-x) / x if x > 0 else 1.0
