"""Networks as NIR files."""

import os

import numpy as np

from ._graph import MILLISECONDS, SPIKE_AREA_KEY, milliseconds_of
from ._network import Network
from ._nodes import NEURONS, TIMES
from ._refusal import refuse, refuse_node


def write(network: Network, path: str | os.PathLike[str], *, time_unit: str) -> None:
    """Writes the network's graph with nir.write; time constants and delays are in time_unit.

    A Linear with delays is written as one branch, Delay then Linear, for every distinct delay.
    Weights and biases are those the connections hold now. A spike_area of 'unit' is written down,
    and is an area in the unit the network was read in. Errors: `invalid_argument` for delays that
    were changed since the network was read, and for another time_unit than that one; whatever
    nir.write raises.
    """
    import nir

    if not isinstance(network, Network):
        found = type(network).__name__
        refuse("network", f"is {found}, expected a cusynapse.nir.Network")
    nir.write(os.fspath(path), graph_of(network, time_unit))


def graph_of(network, time_unit):
    """The nir.NIRGraph that `write` writes."""
    import nir

    writer = _Writer(network, nir, milliseconds_of(time_unit))
    metadata = writer.metadata(time_unit)
    for name, stage in network._graph.stages.items():
        writer.add(name, stage)
    return nir.NIRGraph(
        writer.nodes, writer.edges(), metadata=metadata, type_check=False  # it has been checked
    )


class _Writer:
    def __init__(self, network, nir, milliseconds):
        self.network, self.graph, self.nir = network, network._graph, nir
        self.milliseconds = milliseconds
        self.nodes = {}
        self.entrances, self.exits = {}, {}  # of a stage: the nodes edges lead to and from
        self.inner = []  # edges within a stage

    def metadata(self, time_unit):
        if self.graph.spike_area == "step":
            return {}
        if self.graph.milliseconds != self.milliseconds:
            units = {milliseconds: unit for unit, milliseconds in MILLISECONDS.items()}
            read = units[self.graph.milliseconds]
            refuse(
                "time_unit",
                f"is {time_unit!r}, expected {read!r}: spikes have area 1 in the unit the network "
                "was read in",
            )
        return {SPIKE_AREA_KEY: self.graph.spike_area}

    def edges(self):
        edges = [
            (exit, entrance)
            for name, stage in self.graph.stages.items()
            for source in stage.sources
            for exit in self.exits[source]
            for entrance in self.entrances[name]
        ]
        return edges + self.inner

    def add(self, name, stage):
        if stage.kind == "Linear":
            self.add_linear(name, stage)
            return
        make = self.make_neurons if stage.kind in NEURONS else getattr(self, stage.kind.lower())
        self.nodes[name] = make(stage)
        self.entrances[name] = self.exits[name] = [name]

    def input(self, stage):
        return self.nir.Input(np.array(stage.output_shape))

    def output(self, stage):
        return self.nir.Output(np.array(stage.input_shape))

    def identity(self, stage):
        start, end = stage.fields.get("start_dim", 0), stage.fields.get("end_dim", 0)
        return self.nir.Flatten({"input": np.array(stage.input_shape)}, int(start), int(end))

    def scale(self, stage):
        return self.nir.Scale(self.held(stage, "weight", stage.fields["scale"]))

    def delay(self, stage):
        self.check_delays(stage)
        return self.nir.Delay(self.in_unit(stage.delays))

    def conv2d(self, stage):
        fields = dict(stage.fields)
        for key in ("weight", "bias"):
            fields[key] = self.held(stage, key, fields[key])
        return self.nir.Conv2d(input_shape=stage.input_shape[1:], groups=1, **fields)

    def make_neurons(self, stage):
        fields = dict(stage.fields)
        if self.graph.milliseconds != self.milliseconds:
            for key in TIMES & set(fields):
                fields[key] = fields[key] * (self.graph.milliseconds / self.milliseconds)
        return getattr(self.nir, stage.kind)(**fields)

    def add_linear(self, name, stage):
        self.check_delays(stage)
        weight = self.held(stage, "weight", stage.fields["weight"])
        bias = None if stage.bias is None else self.held(stage, "bias", stage.bias)
        delays = np.zeros(weight.shape, np.int64) if stage.delays is None else stage.delays
        distinct = np.unique(delays[weight != 0])
        if distinct.size == 0:
            distinct = np.zeros(1, np.int64)
        self.entrances[name], self.exits[name] = [], []
        for index, steps in enumerate(distinct):
            branch = name if distinct.size == 1 else self.named(f"{name}.{index}")
            part = weight if distinct.size == 1 else np.where(delays == steps, weight, 0)
            if bias is not None and index == 0:
                self.nodes[branch] = self.nir.Affine(part, bias)
            else:
                self.nodes[branch] = self.nir.Linear(part)
            entrance = branch
            if steps > 0:
                entrance = self.named(f"{branch}.delay")
                delay = np.full(weight.shape[1:], steps)
                self.nodes[entrance] = self.nir.Delay(self.in_unit(delay))
                self.inner.append((entrance, branch))
            self.entrances[name].append(entrance)
            self.exits[name].append(branch)

    def named(self, name):
        if name in self.graph.stages:
            refuse("the graph", f"has a node {name!r}, which is what a branch would be called")
        return name

    def in_unit(self, steps):
        return steps * (self.graph.step_time / self.milliseconds)

    def held(self, stage, parameter, read):
        """What was read, if it still rounds to what the connection holds; else what it holds."""
        held = getattr(self.network.connections[stage.name], parameter)
        if held is None or np.array_equal(read.astype(held.dtype), np.asarray(held)):
            return read
        return np.array(held)

    def check_delays(self, stage):
        delays = self.network.connections[stage.name].delay
        if delays is None:
            return
        expected = stage.delays_to_read() * self.graph.step_time
        if not np.array_equal(np.asarray(delays), expected.astype(delays.dtype)):
            refuse_node(stage.name, stage.kind, "has other delays than were read")
