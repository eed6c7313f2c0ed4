"""NIR: graphs against a simulation of the nodes' definitions, round trips, and refusals."""

import copy
import pickle
import struct
import threading

import numpy as np
import pytest

h5py = pytest.importorskip("h5py", reason="reading NIR files needs h5py")
nir = pytest.importorskip("nir", reason="the graphs of these tests are made with nir")

import cusynapse  # noqa: E402
import cusynapse.nir  # noqa: E402

MS = {"step_time": 1.0, "time_unit": "ms"}


class Simulation:
    """Signals of a graph, step by step, from the definitions of its nodes; nothing is folded.

    Differential equations are integrated in double precision by the classical Runge-Kutta method
    with many substeps. A signal is 0 before the first step. late: the edges read one step late.
    spike: the signal of a spike during its step; inputs of bool are spikes. Times are the file's.
    """

    def __init__(self, graph, step_time, inputs, late=(), substeps=64, spike=1.0):
        self.substeps, self.spike = substeps, spike
        self.nodes, self.dt, self.inputs, self.late = graph.nodes, step_time, inputs, set(late)
        self.sources = {name: [a for a, b in graph.edges if b == name] for name in graph.nodes}
        self.memory, self.state = {}, {}

    def input_of(self, name, t):
        return sum(
            self.signal(source, t - ((source, name) in self.late)) for source in self.sources[name]
        )

    def signal(self, name, t):
        node = self.nodes[name]
        if t < 0:
            return np.zeros(np.asarray(node.output_type["output"]))
        if (name, t) not in self.memory:
            if t > 0 and (name, t - 1) not in self.memory:
                self.signal(name, t - 1)  # so that neurons step in order
            self.memory[name, t] = getattr(self, type(node).__name__)(name, node, t)
        return self.memory[name, t]

    def Input(self, name, node, t):
        x = np.asarray(self.inputs[name][t])
        return x * (self.spike if x.dtype == bool else 1.0)

    def Output(self, name, node, t):
        return self.input_of(name, t)

    def Linear(self, name, node, t):
        return node.weight @ self.input_of(name, t)

    def Affine(self, name, node, t):
        return node.weight @ self.input_of(name, t) + node.bias

    def Scale(self, name, node, t):
        return node.scale * self.input_of(name, t)

    def Flatten(self, name, node, t):
        return self.input_of(name, t).reshape(node.output_type["output"])

    def Delay(self, name, node, t):
        steps = np.rint(node.delay / self.dt).astype(int)
        out = np.zeros(steps.shape)
        for s in np.unique(steps):
            if s <= t:
                out[steps == s] = self.input_of(name, t - s)[steps == s]
        return out

    def Conv2d(self, name, node, t):
        x = self.input_of(name, t)
        (ph, pw), (sh, sw), (dh, dw) = node.padding, node.stride, node.dilation
        x = np.pad(x, ((0, 0), (ph, ph), (pw, pw)))
        _, _, kh, kw = node.weight.shape
        height = (x.shape[1] - dh * (kh - 1) - 1) // sh + 1
        width = (x.shape[2] - dw * (kw - 1) - 1) // sw + 1
        out = np.empty((node.weight.shape[0], height, width))
        for i in range(height):
            for j in range(width):
                patch = x[:, i * sh : i * sh + dh * kh : dh, j * sw : j * sw + dw * kw : dw]
                patch = patch[:, :kh, :kw]
                out[:, i, j] = np.tensordot(node.weight, patch, 3) + node.bias
        return out

    def integrate(self, rate, state):
        h = self.dt / self.substeps
        for _ in range(self.substeps):
            k1 = rate(state)
            k2 = rate(state + h / 2 * k1)
            k3 = rate(state + h / 2 * k2)
            k4 = rate(state + h * k3)
            state = state + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        return state

    def neuron(self, name, node, t, cuba, spiking):
        x = self.input_of(name, t)
        v, i = self.state.get(name, (node.v_leak.astype(float), np.zeros(node.v_leak.shape)))
        if cuba:
            # x holds for a step, and all of its area, x dt, meets I at the start of the step.
            i = i + node.w_in * x * self.dt / node.tau_syn

            def rate(s):
                return np.stack(
                    [(node.v_leak - s[0] + node.r * s[1]) / node.tau_mem, -s[1] / node.tau_syn]
                )

            v, i = self.integrate(rate, np.stack([v, i]))
        else:
            v = self.integrate(lambda v: (node.v_leak - v + node.r * x) / node.tau, v)
        z = v > node.v_threshold if spiking else None
        self.state[name] = (np.where(z, node.v_reset, v) if spiking else v, i)
        return z * self.spike if spiking else v

    def LIF(self, name, node, t):
        return self.neuron(name, node, t, False, True)

    def LI(self, name, node, t):
        return self.neuron(name, node, t, False, False)

    def CubaLIF(self, name, node, t):
        return self.neuron(name, node, t, True, True)

    def CubaLI(self, name, node, t):
        return self.neuron(name, node, t, True, False)


def lif(shape, tau=10.0, r=1.0, v_leak=0.0, v_threshold=0.3, v_reset=-0.1):
    return nir.LIF(*(np.full(shape, x) for x in (tau, r, v_leak, v_threshold, v_reset)))


def li(shape, tau=10.0, r=1.0, v_leak=0.5):
    return nir.LI(*(np.full(shape, x) for x in (tau, r, v_leak)))


def cuba_lif(shape, tau_syn=5.0, tau_mem=12.0, w_in=3.0):
    full = {"tau_syn": tau_syn, "tau_mem": tau_mem, "r": 2.0, "v_leak": -0.2}
    full.update(v_threshold=0.4, v_reset=-0.3, w_in=w_in)
    return nir.CubaLIF(**{key: np.full(shape, x) for key, x in full.items()})


def cuba_li(shape, tau_syn=5.0, tau_mem=12.0, w_in=1.5):
    full = {"tau_syn": tau_syn, "tau_mem": tau_mem, "r": 0.7, "v_leak": 0.2, "w_in": w_in}
    return nir.CubaLI(**{key: np.full(shape, x) for key, x in full.items()})


def chain(*nodes):
    return nir.NIRGraph.from_list(*nodes)


MILLISECONDS = {"s": 1000.0, "ms": 1.0, "us": 0.001}


def compare(
    graph, generator, steps=40, step_time=1.0, late=(), substeps=64, tolerance=1e-10,
    time_unit="ms", spike_area=None, signals=(),
):  # fmt: skip
    """Runs a graph in double precision and by simulation, on spikes at random.

    signals: the inputs that are given numbers, not spikes. step_time is in ms, times of the graph
    in time_unit.
    """
    network = cusynapse.nir.read(
        graph, step_time=step_time, time_unit=time_unit, batch_size=2, dtype="float64",
        spike_area=spike_area,
    )  # fmt: skip
    dt = step_time / MILLISECONDS[time_unit]
    spike = 1.0 / dt if spike_area == "unit" else 1.0
    inputs = {
        name: generator.normal(size=(steps, 2, *shape)) * spike
        if name in signals
        else generator.random((steps, 2, *shape)) < 0.4
        for name, shape in network.inputs.items()
    }
    outputs = network.run(inputs)
    some = False
    for sample in range(2):
        simulation = Simulation(
            graph, dt, {name: x[:, sample] for name, x in inputs.items()}, late, substeps, spike
        )
        for name, values in outputs.items():
            expected = np.stack([simulation.signal(name, t) for t in range(steps)])
            if values.dtype == bool:
                expected = expected / spike
            np.testing.assert_allclose(values[:, sample], expected, rtol=0, atol=tolerance)
            some |= bool(np.any(expected))
        for name in network.voltages:
            simulation.signal(name, steps - 1)
            voltage, current = simulation.state[name]
            np.testing.assert_allclose(
                network.voltages[name][sample], voltage, rtol=0, atol=tolerance
            )
            if name in network.currents:
                np.testing.assert_allclose(
                    network.currents[name][sample], current, rtol=0, atol=tolerance
                )
    assert some, "nothing happened, so nothing was compared"
    return network


@pytest.mark.parametrize("make", [lif, li, cuba_lif, cuba_li])
@pytest.mark.parametrize("step_time", [0.5, 1.0])
def test_neurons_solve_their_equations(make, step_time, generator):
    weight = generator.normal(size=(4, 3)) + 0.4
    compare(chain(nir.Linear(weight), make((4,))), generator, step_time=step_time)


@pytest.mark.parametrize(
    "tau_syn, substeps", [(12.0, 64), (12.0 * (1 + 1e-9), 64), (11.9, 64), (0.3, 1024), (500.0, 64)]
)
def test_two_exponentials_are_exact_at_any_distance(tau_syn, substeps, generator):
    graph = chain(nir.Linear(np.eye(3)), cuba_li((3,), tau_syn=tau_syn))
    compare(graph, generator, substeps=substeps)


def test_spikes_above_the_threshold_and_not_at_it(dtype):
    one = nir.Input(np.array([1]))

    def after_a_step(neurons):
        network = cusynapse.nir.read(chain(one, neurons), dtype=dtype, **MS)
        return network.step(np.ones((1, 1)))["output"].item()

    reached = after_a_step(li((1,), v_leak=0.0))
    assert 0 < reached < 1
    assert after_a_step(lif((1,), v_threshold=np.nextafter(reached, 0))) == 1
    assert after_a_step(lif((1,), v_threshold=reached)) == 0
    assert after_a_step(lif((1,), v_threshold=np.nextafter(reached, 1))) == 0


def test_affine_scale_delay_and_fan_in(generator):
    nodes = {
        "a": nir.Input(np.array([3])),
        "b": nir.Input(np.array([4])),
        "affine": nir.Affine(generator.normal(size=(4, 3)), generator.normal(size=4)),
        "scale": nir.Scale(generator.normal(size=4)),
        "delay": nir.Delay(np.array([0.0, 1.0, 2.0, 5.0])),
        "li": li((4,)),
        "out": nir.Output(np.array([4])),
        "sum": nir.Output(np.array([4])),
    }
    edges = [("a", "affine"), ("affine", "li"), ("b", "li"), ("b", "scale"), ("scale", "delay"),
             ("delay", "li"), ("li", "out"), ("scale", "sum"), ("delay", "sum")]  # fmt: skip
    network = compare(nir.NIRGraph(nodes, edges), generator)
    assert network.outputs == {"out": (4,), "sum": (4,)}


@pytest.mark.parametrize("padding", [(1, 2), "valid", "same"])
def test_convolution(padding, tmp_path, generator):
    kernel = (3, 3) if padding == "same" else (2, 3)
    stride = (1, 1) if padding == "same" else (2, 1)
    shape = (7, 6)
    convolution = nir.Conv2d(
        shape, generator.normal(size=(3, 2, *kernel)), stride, padding, (1, 1), 1,
        generator.normal(size=3),
    )  # fmt: skip
    numbers = {"same": (1, 1), "valid": (0, 0)}.get(padding, padding)
    out = [(n + 2 * p - k) // s + 1 for n, p, k, s in zip(shape, numbers, kernel, stride)]
    size = 3 * out[0] * out[1]
    graph = nir.NIRGraph(
        {
            "input": nir.Input(np.array([2, *shape])),
            "conv": convolution,
            "flatten": nir.Flatten({"input": np.array([3, *out])}, 0, -1),
            "weight": nir.Linear(generator.normal(size=(2, size))),
            "output": nir.Output(np.array([2])),
        },
        [("input", "conv"), ("conv", "flatten"), ("flatten", "weight"), ("weight", "output")],
        type_check=False,
    )
    simulated = nir.NIRGraph(dict(graph.nodes), list(graph.edges), type_check=False)
    network = cusynapse.nir.read(graph, dtype="float64", **MS)
    x = generator.random((5, 1, 2, *shape)) < 0.4
    given = network.run(x)["output"][:, 0]
    cusynapse.nir.write(network, tmp_path / "a.nir", time_unit="ms")
    again = cusynapse.nir.read(tmp_path / "a.nir", dtype="float64", **MS)
    np.testing.assert_array_equal(again.run(x)["output"][:, 0], given)
    convolution.padding = numbers
    simulation = Simulation(simulated, 1.0, {"input": x[:, 0]})
    expected = np.stack([simulation.signal("output", t) for t in range(5)])
    np.testing.assert_allclose(given, expected, rtol=0, atol=1e-12)


# Delays of single weights ------------------------------------------------------------------


def matrices(generator, outputs=4, inputs=5):
    weight = generator.normal(size=(outputs, inputs))
    weight[generator.random(weight.shape) < 0.3] = 0
    return weight, np.where(weight != 0, generator.integers(0, 5, weight.shape), 0)


def as_branches(weight, delays, unit=1.0):
    """One Delay and one Linear for every distinct delay."""
    nodes, edges = {}, []
    for d in np.unique(delays[weight != 0]):
        nodes[f"w.{d}"] = nir.Linear(np.where(delays == d, weight, 0))
        if d > 0:
            nodes[f"d.{d}"] = nir.Delay(np.full(weight.shape[1], d * unit))
            edges += [("in", f"d.{d}"), (f"d.{d}", f"w.{d}")]
        else:
            edges.append(("in", f"w.{d}"))
        edges.append((f"w.{d}", "neurons"))
    return nodes, edges


def as_expansion(weight, delays, unit=1.0):
    """Linear that copies, Delay of every copy, Linear that sums."""
    outputs, inputs = weight.shape
    nodes = {
        "copy": nir.Linear(np.tile(np.eye(inputs), (outputs, 1))),
        "delay": nir.Delay(delays.reshape(-1) * unit),
        "w": nir.Linear(np.kron(np.eye(outputs), np.ones((1, inputs))) * weight.reshape(1, -1)),
    }
    return nodes, [("in", "copy"), ("copy", "delay"), ("delay", "w"), ("w", "neurons")]


def delayed_graph(encoding, weight, delays, neurons, recurrent=False, unit=1.0):
    nodes, edges = encoding(weight, delays, unit)
    outputs, inputs = weight.shape
    nodes["neurons"] = neurons
    nodes["out"] = nir.Output(np.array([outputs]))
    edges = [*edges, ("neurons", "out")]
    if recurrent:
        edges = [("neurons" if a == "in" else a, b) for a, b in edges]
        nodes["to"] = nir.Linear(np.eye(outputs))
        edges = [("in", "to"), ("to", "neurons"), *edges]
    nodes["in"] = nir.Input(np.array([inputs]))
    return nir.NIRGraph(nodes, edges)


@pytest.mark.parametrize("encoding", [as_branches, as_expansion])
def test_delays_of_weights_are_one_connection(encoding, generator):
    weight, delays = matrices(generator)
    network = compare(delayed_graph(encoding, weight, delays, li((4,))), generator)
    (connection,) = network.connections.values()
    assert list(network.connections) == ["w"]
    assert isinstance(connection, cusynapse.LinearDense)
    np.testing.assert_array_equal(connection.weight, weight)
    np.testing.assert_array_equal(connection.delay, delays)


def test_both_encodings_give_the_same_bits(generator):
    weight, delays = matrices(generator)
    x = generator.random((30, 3, 5)) < 0.5
    given = [
        cusynapse.nir.read(delayed_graph(e, weight, delays, cuba_lif((4,))), batch_size=3, **MS)
        .run(x)["out"]
        for e in (as_branches, as_expansion)
    ]  # fmt: skip
    assert given[0].any()
    np.testing.assert_array_equal(given[0], given[1])


def test_delay_before_a_linear_is_its_columns_and_after_it_its_rows(generator):
    weight = generator.normal(size=(4, 3))
    before, after = np.array([0.0, 2.0, 3.0]), np.array([1.0, 0.0, 4.0, 1.0])
    graph = chain(nir.Delay(before), nir.Linear(weight), nir.Delay(after), li((4,)))
    network = compare(graph, generator)
    (connection,) = network.connections.values()
    np.testing.assert_array_equal(connection.delay, before[None, :] + after[:, None])


def test_a_delayed_bias_is_not_folded(generator):
    weight, bias = generator.normal(size=(4, 3)), generator.normal(size=4)
    graph = chain(nir.Affine(weight, bias), nir.Delay(np.array([0.0, 1.0, 2.0, 3.0])), li((4,)))
    assert len(compare(graph, generator).connections) == 2


def test_branches_with_weights_at_the_same_place_stay_apart(generator):
    weight = generator.normal(size=(4, 4))
    nodes = {
        "in": nir.Input(np.array([4])),
        "now": nir.Linear(weight),
        "delay": nir.Delay(np.full(4, 2.0)),
        "then": nir.Linear(weight),
        "li": li((4,)),
        "out": nir.Output(np.array([4])),
    }
    edges = [("in", "now"), ("now", "li"), ("in", "delay"), ("delay", "then"), ("then", "li"),
             ("li", "out")]  # fmt: skip
    network = compare(nir.NIRGraph(nodes, edges), generator)
    assert set(network.connections) == {"now", "then"}


def test_copies_that_are_scaled_twice_are_not_folded(generator):
    weight, delays = matrices(generator)
    graph = delayed_graph(as_expansion, weight, delays, li((4,)))
    graph.nodes["copy"].weight = graph.nodes["copy"].weight * 1.7
    assert set(compare(graph, generator).connections) > {"w"}


def test_a_bottleneck_is_not_taken_for_copies(generator):
    first, last = np.eye(1, 3), generator.normal(size=(4, 1))
    graph = chain(nir.Linear(first), nir.Delay(np.array([2.0])), nir.Linear(last), li((4,)))
    assert {c.weight_shape for c in compare(graph, generator).connections.values()} == {
        (1, 3),
        (4, 1),
    }


# Loops -------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", [as_branches, as_expansion])
@pytest.mark.parametrize("make", [lif, cuba_lif, li])
def test_delayed_loops_are_as_they_say(encoding, make, generator):
    weight, delays = matrices(generator, 4, 4)
    graph = delayed_graph(encoding, weight * 0.5, delays + 1, make((4,)), recurrent=True)
    network = compare(graph, generator)
    assert set(network.connections) == {"to", "w"}
    np.testing.assert_array_equal(network.connections["w"].delay, delays)


def test_a_loop_without_delay_takes_one_step(generator):
    nodes = {
        "in": nir.Input(np.array([4])),
        "one": lif((4,)),
        "forth": nir.Linear(generator.normal(size=(3, 4))),
        "two": cuba_lif((3,)),
        "back": nir.Linear(generator.normal(size=(4, 3))),
        "self": nir.Scale(generator.normal(size=3)),
        "out": nir.Output(np.array([3])),
    }
    edges = [("in", "one"), ("one", "forth"), ("forth", "two"), ("two", "back"), ("back", "one"),
             ("two", "self"), ("self", "two"), ("two", "out")]  # fmt: skip
    late = [("one", "forth"), ("two", "back"), ("two", "self")]
    compare(nir.NIRGraph(nodes, edges), generator, late=late)


def test_a_loop_reads_what_comes_from_outside_in_the_same_step(generator):
    nodes = {
        "in": nir.Input(np.array([3])),
        "before": lif((3,), v_threshold=0.05),
        "in_loop": lif((3,), v_threshold=0.05),
        "self": nir.Scale(generator.normal(size=3)),
        "out": nir.Output(np.array([3])),
    }
    edges = [("in", "before"), ("before", "in_loop"), ("in_loop", "self"), ("self", "in_loop"),
             ("in_loop", "out")]  # fmt: skip
    compare(nir.NIRGraph(nodes, edges), generator, late=[("in_loop", "self")])


def test_a_delay_of_zero_in_a_loop_is_one_step_and_others_stay(generator):
    weight, delays = matrices(generator, 4, 4)
    assert {0, 1} <= set(delays[weight != 0])
    graph = delayed_graph(as_branches, weight * 0.5, delays, lif((4,)), recurrent=True)
    compare(graph, generator, late=[("neurons", "w.0")])


def test_a_graph_in_a_graph(generator):
    inner = nir.NIRGraph(
        {
            "input": nir.Input(np.array([4])),
            "lif": lif((4,)),
            "w": nir.Linear(generator.normal(size=(4, 4))),
            "output": nir.Output(np.array([4])),
        },
        [("input", "lif"), ("lif", "w"), ("w", "lif"), ("lif", "output")],
    )
    weight = generator.normal(size=(4, 3)) + 1
    outer = nir.NIRGraph(
        {
            "in": nir.Input(np.array([3])),
            "to": nir.Linear(weight),
            "inner": inner,
            "out": nir.Output(np.array([4])),
        },
        [("in", "to"), ("to", "inner"), ("inner", "out")],
        type_check=False,
    )
    flat = nir.NIRGraph(
        {
            "in": nir.Input(np.array([3])),
            "to": nir.Linear(weight),
            "lif": inner.nodes["lif"],
            "w": inner.nodes["w"],
            "out": nir.Output(np.array([4])),
        },
        [("in", "to"), ("to", "lif"), ("lif", "w"), ("w", "lif"), ("lif", "out")],
    )
    x = generator.random((30, 1, 3)) < 0.5
    nested, plain = (cusynapse.nir.read(graph, **MS) for graph in (outer, flat))
    assert "inner.lif" in nested.voltages
    spikes = plain.run(x)["out"]
    assert spikes.any()
    np.testing.assert_array_equal(nested.run(x)["out"], spikes)


# Areas of spikes ---------------------------------------------------------------------------


def times(unit, **milliseconds):
    return {key: value / MILLISECONDS[unit] for key, value in milliseconds.items()}


@pytest.mark.parametrize("spike_area", ["step", "unit"])
@pytest.mark.parametrize("unit", ["s", "ms", "us"])
@pytest.mark.parametrize("step_time", [0.1, 2.5])
def test_every_node_takes_spikes_by_their_area(spike_area, unit, step_time, generator):
    dt = step_time / MILLISECONDS[unit]
    spike = 1 / dt if spike_area == "unit" else 1.0
    gain = 1 / spike  # of what is given a spike, so that voltages are of order 1
    shape, synapse = (3,), times(unit, tau_syn=2.0, tau_mem=9.0)

    def normal(*extents):
        return generator.normal(size=extents)

    nodes = {
        "spikes": nir.Input(np.array(shape)),
        "signal": nir.Input(np.array(shape)),
        "image": nir.Input(np.array([1, 2, 4])),
        "linear": nir.Linear(normal(3, 3) * gain),
        "affine": nir.Affine(normal(3, 3) * gain, normal(3)),
        "conv": nir.Conv2d((2, 4), normal(1, 1, 2, 2) * gain, 1, 0, 1, 1, normal(1)),
        "flatten": nir.Flatten({"input": np.array([1, 1, 3])}, 0, -1),
        "scale": nir.Scale(normal(3) * gain),
        "delay": nir.Delay(np.array([0.0, 1.0, 3.0]) * dt),
        "lif": lif(shape, **times(unit, tau=10.0), r=2.0),
        "cuba": cuba_lif(shape, **times(unit, tau_syn=5.0, tau_mem=12.0), w_in=8.0 / step_time),
        "weak": nir.Scale(normal(3) * gain),
        "to_li": nir.Linear(normal(3, 3) * gain),
        "li": li(shape, **times(unit, tau=7.0)),
        "direct_li": li(shape, **times(unit, tau=7.0), r=gain),
        "cuba_li": cuba_li(shape, **synapse, w_in=3.0 / step_time * gain),
        "lone_li": li(shape, **times(unit, tau=7.0), r=gain),
        "lone_cuba": cuba_li(shape, **synapse, w_in=3.0 / step_time * gain),
        "lone_out": nir.Output(np.array(shape)),
        "li_out": nir.Output(np.array(shape)),
        "direct_out": nir.Output(np.array(shape)),
        "cuba_out": nir.Output(np.array(shape)),
        "spikes_out": nir.Output(np.array(shape)),
        "sum_out": nir.Output(np.array(shape)),
    }
    edges = [("spikes", "linear"), ("spikes", "affine"), ("image", "conv"), ("conv", "flatten"),
             ("linear", "lif"), ("affine", "lif"), ("flatten", "lif"), ("signal", "weak"),
             ("weak", "lif"), ("lif", "scale"), ("scale", "delay"), ("delay", "cuba"),
             ("affine", "cuba"), ("lif", "to_li"), ("cuba", "to_li"), ("to_li", "li"),
             ("lif", "direct_li"), ("cuba", "direct_li"), ("spikes", "direct_li"),
             ("cuba", "cuba_li"), ("signal", "cuba_li"), ("li", "li_out"),
             ("direct_li", "direct_out"), ("cuba_li", "cuba_out"), ("cuba", "spikes_out"),
             ("lif", "sum_out"), ("cuba", "sum_out"), ("lif", "lone_li"), ("lif", "lone_cuba"),
             ("lone_li", "lone_out"), ("lone_cuba", "lone_out")]  # fmt: skip
    network = compare(
        nir.NIRGraph(nodes, edges), generator, step_time=step_time, time_unit=unit,
        spike_area=spike_area, signals=("signal",), steps=20, substeps=128,
        tolerance=1e-9,
    )  # fmt: skip
    assert network.spike_area == spike_area
    for neurons in network.neurons.values():
        assert 0.1 < np.abs(np.asarray(neurons.voltage())).max() < 30


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
@pytest.mark.parametrize("step_time", [0.1, 2.5])
@pytest.mark.parametrize("make", [cuba_lif, cuba_li])
def test_a_spike_of_unit_area_raises_a_current_by_w_in_over_tau_syn(make, unit, step_time):
    tau_syn, weight = 5.0 / MILLISECONDS[unit], 0.7
    neurons = make((1,), **times(unit, tau_syn=5.0, tau_mem=12.0))
    network = cusynapse.nir.read(
        chain(nir.Linear(np.full((1, 1), weight)), neurons),
        step_time=step_time, time_unit=unit, dtype="float64", spike_area="unit",
    )  # fmt: skip
    for t in range(1, 4):
        network.step(np.full((1, 1), t == 1))
        (current,) = network.currents.values()
        jump = weight * neurons.w_in / tau_syn
        np.testing.assert_allclose(current[0], jump * np.exp(-t * step_time / 5.0), rtol=1e-14)


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
@pytest.mark.parametrize("make", [lif, li])
def test_a_spike_of_unit_area_is_spread_over_its_step(make, unit):
    tau, r, weight = 10.0 / MILLISECONDS[unit], 1.5, 1e-9
    error = []
    for step_time in (0.5, 0.25, 0.125):
        network = cusynapse.nir.read(
            chain(nir.Linear(np.full((1, 1), weight)), make((1,), tau=tau, r=r, v_leak=0.0)),
            step_time=step_time, time_unit=unit, dtype="float64", spike_area="unit",
        )  # fmt: skip
        network.step(np.ones((1, 1), bool))
        voltage = next(iter(network.voltages.values())).item()
        dt = step_time / MILLISECONDS[unit]
        assert voltage == pytest.approx(-r * weight / dt * np.expm1(-dt / tau), rel=1e-13)
        error.append(1 - voltage / (r * weight / tau))  # against the jump of the equation
    np.testing.assert_allclose(error, np.array([0.5, 0.25, 0.125]) / 20, rtol=0.02)


def test_networks_of_unit_area_do_not_depend_on_the_step():
    currents = []
    for step_time, every in ((1.0, 1), (0.25, 4)):
        graph = chain(nir.Linear(np.full((1, 1), 0.3)), cuba_li((1,)))
        network = cusynapse.nir.read(
            graph, step_time=step_time, time_unit="ms", dtype="float64", spike_area="unit"
        )
        spikes = np.zeros((20 * every, 1, 1), bool)
        spikes[::every] = np.random.default_rng(4).random((20, 1, 1)) < 0.4
        currents.append(network.run(spikes)["output"][every - 1 :: every])
    np.testing.assert_allclose(currents[0], currents[1], rtol=0, atol=1e-13)


def test_inputs_of_unit_area_are_spikes_or_signals():
    graph = chain(nir.Linear(np.eye(1)), li((1,)))
    network = cusynapse.nir.read(graph, spike_area="unit", step_time=0.5, time_unit="ms")
    spikes = network.step(np.ones((1, 1), bool))["output"].item()
    for values in (np.full((1, 1), 2.0), np.full((1, 1), 2, np.float32)):  # 1 / dt
        network.clear()
        assert network.step(values)["output"].item() == spikes
    before = network.voltages
    for values in (np.ones((1, 1), np.uint8), [[1]]):
        match = "'input' has type u?int.*expected bool"
        with pytest.raises(cusynapse.InvalidArgument, match=match):
            network.step(values)
    assert network.voltages == before


@pytest.mark.parametrize("unit", ["ms", "s"])
def test_an_area_is_written_down(unit, tmp_path):
    graph = example(np.random.default_rng(3), unit=1 / MILLISECONDS[unit])
    arguments = {"step_time": 0.5, "time_unit": unit}
    x = np.random.default_rng(5).random((30, 1, 4)) < 0.5
    network = cusynapse.nir.read(graph, spike_area="unit", **arguments)
    cusynapse.nir.write(network, tmp_path / "a.nir", time_unit=unit)
    again = cusynapse.nir.read(tmp_path / "a.nir", **arguments)
    assert again.spike_area == "unit"
    spikes = network.run(x)["out"]
    assert spikes.any()
    np.testing.assert_array_equal(again.run(x)["out"], spikes)
    np.testing.assert_array_equal(again.voltages["neurons"], network.voltages["neurons"])
    cusynapse.nir.write(again, tmp_path / "b.nir", time_unit=unit)
    assert_same_nodes(nir.read(tmp_path / "a.nir"), nir.read(tmp_path / "b.nir"))
    read = nir.read(tmp_path / "b.nir")  # as a graph of nir, too
    assert cusynapse.nir.read(read, spike_area="unit", **arguments).spike_area == "unit"
    refuses(read, "spike_area is 'step', expected 'unit', which the graph", spike_area="step")
    match = f"time_unit is 'us', expected '{unit}': spikes have area 1"
    with pytest.raises(ValueError, match=match):
        cusynapse.nir.write(again, tmp_path / "c.nir", time_unit="us")
    assert not (tmp_path / "c.nir").exists()


def test_a_graph_of_steps_says_nothing_of_areas(tmp_path, generator):
    network = cusynapse.nir.read(example(generator), spike_area="step", **MS)
    cusynapse.nir.write(network, tmp_path / "a.nir", time_unit="us")
    assert nir.read(tmp_path / "a.nir").metadata == {}
    assert cusynapse.nir.read(example(generator), **MS).spike_area == "step"


def test_refuses_areas():
    graph = between(lif((3,)))
    for area in ("dt", "", 1.0, b"unit"):
        refuses(graph, "spike_area is .*, expected 'step' or 'unit'", spike_area=area)
    for step_time, unit, kind in ((1e-36, "s", "float32"), (1e50, "us", "float32")):
        refuses(graph, "step_time is .*a spike of area", step_time=step_time, time_unit=unit,
                dtype=kind, spike_area="unit")  # fmt: skip
    for area in ("dt", 1.0, np.ones(2)):
        graph.metadata = {"cusynapse.spike_area": area, "other": 3}
        refuses(graph, "metadata 'cusynapse.spike_area' is .*, expected 'step' or 'unit'")


# Networks ----------------------------------------------------------------------------------


def example(generator, encoding=as_branches, unit=1.0):
    weight, delays = matrices(generator, 4, 4)
    neurons = cuba_lif((4,), tau_syn=5.0 * unit, tau_mem=12.0 * unit)
    return delayed_graph(encoding, weight, delays + 1, neurons, recurrent=True, unit=unit)


def test_the_unit_of_time_is_the_files(generator):
    x = generator.random((30, 1, 4)) < 0.5
    spikes = []
    for unit, factor in (("ms", 1.0), ("s", 0.001), ("us", 1000.0)):
        graph = example(np.random.default_rng(3), unit=factor)
        network = cusynapse.nir.read(graph, step_time=1.0, time_unit=unit, dtype="float64")
        spikes.append(network.run(x)["out"])
    assert spikes[0].any()
    np.testing.assert_array_equal(spikes[0], spikes[1])
    np.testing.assert_array_equal(spikes[0], spikes[2])


def test_delays_on_a_grid_that_is_not_binary(dtype, generator):
    weight = generator.normal(size=(4, 5))
    delays = np.arange(6, 26).reshape(4, 5)  # 0.9 n / 0.9 in float32 is not n for 6, 9, ...
    graph = delayed_graph(as_expansion, weight, delays, li((4,)), unit=0.9)
    graph.nodes["delay"].delay = graph.nodes["delay"].delay.astype(np.float32)
    network = cusynapse.nir.read(graph, step_time=0.9, time_unit="ms", dtype=dtype)
    whole = delayed_graph(as_expansion, weight, delays, li((4,), tau=100.0))
    expected = cusynapse.nir.read(whole, dtype=dtype, **MS)
    x = generator.random((40, 1, 5)) < 0.5
    network.run(x)
    expected.run(x)
    np.testing.assert_array_equal(network.connections["w"].sum(), expected.connections["w"].sum())


@pytest.mark.parametrize("kind", [np.int8, np.uint8])
def test_a_batch_size_is_an_integer_of_any_type(kind, generator):
    with np.errstate(over="raise"):
        network = cusynapse.nir.read(example(generator), batch_size=kind(100), **MS)
        same = cusynapse.nir.read(example(np.random.default_rng(1)), batch_size=100, **MS)
        for size in (100, 3, 5):
            network.set_batch_size(kind(size))
            same.set_batch_size(size)
            assert network.batch_size == size and type(network.batch_size) is int
            x = generator.random((20, size, 4)) < 0.5
            np.testing.assert_array_equal(network.run(x)["out"], same.run(x)["out"])
    with pytest.raises(cusynapse.InvalidArgument, match="memory_limit"):
        cusynapse.nir.read(example(generator), batch_size=kind(100), memory_limit=10000, **MS)


def test_clear_and_batch_sizes(generator):
    network = cusynapse.nir.read(example(generator), batch_size=2, **MS)
    x = generator.random((25, 3, 4)) < 0.5
    first = network.run(x[:, :2])["out"]
    assert first.any()
    network.clear()
    np.testing.assert_array_equal(network.run(x[:, :2])["out"], first)
    network.clear()
    network.run(x[:10, :2])
    network.set_batch_size(3)  # a new sample in front of the two
    given = network.run(np.roll(x, 1, axis=1)[10:])["out"]
    np.testing.assert_array_equal(given[:, 1:], first[10:])
    network.clear()
    network.run(np.roll(x, 1, axis=1)[:10])
    network.set_batch_size(2)  # the last two
    np.testing.assert_array_equal(network.run(x[10:, :2])["out"], first[10:])


def test_inputs_are_checked_before_anything_happens(generator):
    network = cusynapse.nir.read(example(generator), **MS)
    before = network.voltages["neurons"]
    with pytest.raises(
        cusynapse.ShapeMismatch, match=r"'in' has shape \(1, 3\), expected \(1, 4\)"
    ):
        network.step(np.ones((1, 3)))
    with pytest.raises(ValueError, match=r"\['other'\], expected \['in'\]"):
        network.step({"other": np.ones((1, 4))})
    for given, dtype in ((np.ones((1, 4)) * 1j, "complex128"), ([list("abcd")], "<U1"),
                         (None, "object")):  # fmt: skip
        with pytest.raises(ValueError, match=f"input 'in' has type {dtype}, expected numbers"):
            network.step(given)
    np.testing.assert_array_equal(network.voltages["neurons"], before)


# Files -------------------------------------------------------------------------------------


def assert_same_nodes(one, other):
    assert one.nodes.keys() == other.nodes.keys()
    assert sorted(one.edges) == sorted(other.edges)
    for name, node in one.nodes.items():
        fields, others = node.to_dict(), other.nodes[name].to_dict()
        assert fields.keys() == others.keys()
        for key, value in fields.items():
            np.testing.assert_array_equal(np.asarray(value), np.asarray(others[key]), name)
            assert np.asarray(value).dtype == np.asarray(others[key]).dtype, (name, key)


@pytest.mark.parametrize("encoding", [as_branches, as_expansion])
@pytest.mark.parametrize("unit", ["ms", "s"])
def test_round_trip(encoding, unit, tmp_path, generator):
    factor = {"ms": 1.0, "s": 0.001}[unit]
    arguments = {"step_time": 1.0, "time_unit": unit}
    nir.write(tmp_path / "a.nir", example(generator, encoding, factor))
    first = cusynapse.nir.read(tmp_path / "a.nir", **arguments)
    cusynapse.nir.write(first, tmp_path / "b.nir", time_unit=unit)
    second = cusynapse.nir.read(tmp_path / "b.nir", **arguments)
    cusynapse.nir.write(second, tmp_path / "c.nir", time_unit=unit)
    cusynapse.nir.write(second, tmp_path / "us.nir", time_unit="us")
    third = cusynapse.nir.read(tmp_path / "us.nir", step_time=1.0, time_unit="us")
    assert_same_nodes(nir.read(tmp_path / "b.nir"), nir.read(tmp_path / "c.nir"))
    x = generator.random((30, 1, 4)) < 0.5
    spikes = first.run(x)["out"]
    assert spikes.any()
    for network in (second, third):
        assert network.connections.keys() == first.connections.keys() == {"to", "w"}
        for name, connection in first.connections.items():
            for parameter in ("weight", "delay"):
                np.testing.assert_array_equal(
                    getattr(network.connections[name], parameter), getattr(connection, parameter)
                )
        np.testing.assert_array_equal(network.run(x)["out"], spikes)


def test_a_written_graph_is_the_graph_that_was_read(tmp_path, generator):
    graph = nir.NIRGraph(
        {
            "in": nir.Input(np.array([2, 5, 6])),
            "conv": nir.Conv2d((5, 6), generator.normal(size=(3, 2, 2, 2)).astype("f"), (1, 1),
                               (0, 1), (1, 1), 1, generator.normal(size=3)),
            "flatten": nir.Flatten({"input": np.array([3, 4, 7])}, 0, 2),
            "affine": nir.Affine(generator.normal(size=(4, 84)), generator.normal(size=4)),
            "lif": lif((4,)),
            "scale": nir.Scale(generator.normal(size=4)),
            "delay": nir.Delay(np.array([0.0, 1.0, 2.0, 3.0])),
            "cuba": cuba_lif((4,)),
            "w": nir.Linear(generator.normal(size=(4, 4))),
            "w.delay": nir.Delay(np.full(4, 3.0)),
            "li": li((4,)),
            "cubali": cuba_li((4,)),
            "out": nir.Output(np.array([4])),
        },
        [("in", "conv"), ("conv", "flatten"), ("flatten", "affine"), ("affine", "lif"),
         ("lif", "scale"), ("scale", "delay"), ("delay", "cuba"), ("cuba", "w.delay"),
         ("w.delay", "w"), ("w", "cuba"), ("cuba", "li"), ("li", "cubali"), ("cubali", "out")],
    )  # fmt: skip
    nir.write(tmp_path / "a.nir", graph)
    network = cusynapse.nir.read(tmp_path / "a.nir", **MS)
    cusynapse.nir.write(network, tmp_path / "b.nir", time_unit="ms")
    assert_same_nodes(nir.read(tmp_path / "b.nir"), nir.read(tmp_path / "a.nir"))
    x = generator.random((20, 1, 2, 5, 6))
    again = cusynapse.nir.read(tmp_path / "b.nir", **MS)
    np.testing.assert_array_equal(network.run(x)["out"], again.run(x)["out"])


def test_changed_weights_are_written_and_changed_delays_refused(tmp_path, generator):
    network = cusynapse.nir.read(example(generator), **MS)
    changed = np.asarray(network.connections["to"].weight) * np.float32(2)
    network.connections["to"].set("weight", changed)
    cusynapse.nir.write(network, tmp_path / "a.nir", time_unit="ms")
    np.testing.assert_array_equal(nir.read(tmp_path / "a.nir").nodes["to"].weight, changed)
    network.connections["w"].set("delay", np.zeros((4, 4), np.float32))
    with pytest.raises(ValueError, match="'w' .*other delays"):
        cusynapse.nir.write(network, tmp_path / "a.nir", time_unit="ms")


# Refusals ----------------------------------------------------------------------------------


def refuses(graph, match, **arguments):
    with pytest.raises(ValueError, match=match) as raised:
        cusynapse.nir.read(graph, **{**MS, **arguments})
    assert isinstance(raised.value, cusynapse.InvalidArgument)


def test_a_time_that_is_0_in_ms_is_refused():
    match = r"'cubalif' \(CubaLIF\) tau_syn is 5e-324, which is 0 in ms"
    refuses(chain(nir.Linear(np.eye(3)), cuba_lif((3,), tau_syn=5e-324)), match, time_unit="us")


def unchecked(nodes, edges):
    return nir.NIRGraph(nodes, edges, type_check=False)


def between(node, shape_in=(3,), shape_out=(3,)):
    return unchecked(
        {"in": nir.Input(np.array(shape_in)), "x": node, "out": nir.Output(np.array(shape_out))},
        [("in", "x"), ("x", "out")],
    )


def changed(node, **fields):
    for key, value in fields.items():
        setattr(node, key, value)
    return node


def convolution(**fields):
    node = nir.Conv2d((5, 5), np.ones((2, 3, 2, 2)), 1, 0, 1, 1, np.zeros(2))
    return between(changed(node, **fields), (3, 5, 5), (2, 4, 4))


NODES = [
    (lambda: nir.IF(np.ones(3), np.ones(3)), r"'x' \(IF\) is of a type .* expected one of Affine"),
    (lambda: nir.Threshold(np.ones(3)), r"'x' \(Threshold\)"),
    (lambda: nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])), r"SumPool2d"),
    (lambda: nir.Linear(np.ones((2, 3, 3))), r"'x' \(Linear\) weight has shape \(2, 3, 3\)"),
    (
        lambda: nir.Linear(np.full((3, 3), np.nan)),
        r"'x' \(Linear\) weight has values that are not f",
    ),
    (lambda: nir.Linear(np.full((3, 3), 1e60)), r"'x' \(Linear\) weight has values beyond float32"),
    (lambda: nir.Linear(np.full((3, 3), "a")), r"'x' \(Linear\) weight has type <U1, expected num"),
    (lambda: nir.Affine(np.ones((3, 3)), np.ones(2)), r"'x' \(Affine\) bias has shape \(2,\), exp"),
    (lambda: nir.Delay(np.array([1.0, -2.0, 0.0])), r"'x' \(Delay\) delay has -2.0, expected none"),
    (
        lambda: nir.Delay(np.array([1.0, np.nan, 0.0])),
        r"'x' \(Delay\) delay has values that are no",
    ),
    (lambda: nir.Delay(np.array([1.0, 2.5, 0.0])), r"'x' \(Delay\) delay has 2.5: 2.5 steps of 1"),
    (lambda: nir.Delay(np.full(3, 1e300)), r"'x' \(Delay\) delay has 1e\+300.*less than 2\^30"),
    (lambda: nir.Delay(np.full(3, 1e8)), r"'x' \(Delay\) cannot be run: .*at most 65535"),
    (lambda: nir.Delay(np.full(3, 9e8)), r"'x' \(Delay\) brings the network to .* memory_limit"),
    (lambda: lif((3,), tau=0.0), r"'x' \(LIF\) tau is 0.0, expected above 0"),
    (lambda: lif((3,), r=-1.0), r"'x' \(LIF\) r is -1.0, expected above 0"),
    (
        lambda: lif((3,), v_reset=0.3),
        r"'x' \(LIF\) v_reset is 0.3, expected below v_threshold, 0.3",
    ),
    (lambda: lif((3,), tau=1e-60), r"'x' \(LIF\) cannot be run"),
    (
        lambda: changed(lif((3,)), tau=np.array([1.0, 1.0, 2.0])),
        r"'x' \(LIF\) tau has 1.0 and 2.0, expected one value for all neurons",
    ),
    (
        lambda: changed(lif((3,)), r=np.ones(2)),
        r"'x' \(LIF\) r has shape \(2,\), expected \(3,\) as v_leak",
    ),
    (lambda: cuba_lif((3,), w_in=0.0), r"'x' \(CubaLIF\) w_in is 0"),
    (lambda: cuba_li((3,), tau_syn=-5.0), r"'x' \(CubaLI\) tau_syn is -5.0"),
    (
        lambda: changed(cuba_lif((3,)), tau_syn=np.full(3, np.longdouble("1e-400"))),
        r"'x' \(CubaLIF\) tau_syn is 0.0, expected above 0",
    ),
]


@pytest.mark.parametrize("make, match", NODES, ids=[match for _, match in NODES])
def test_refuses_nodes(make, match):
    refuses(between(make()), match)


@pytest.mark.parametrize(
    "fields, match",
    [
        ({"groups": 3}, "groups is 3, expected 1"),
        ({"stride": (0, 1)}, r"stride is \(0, 1\), expected 1 or more"),
        ({"dilation": (1, 2, 3)}, r"dilation has shape \(3,\), expected 2 integers"),
        ({"padding": (-1, 0)}, r"padding is \(-1, 0\)"),
        ({"padding": "full"}, "padding is 'full'"),
        ({"padding": "same"}, "padding is 'same'"),
        ({"input_shape": None}, "input_shape is not there"),
        ({"input_shape": (1, 1)}, r"output of \(0, 0\) pixels"),
        ({"input_shape": (10**9, 10**9)}, r"and 'in' \(Input\) gives|takes"),
        ({"bias": np.zeros(3)}, r"bias has shape \(3,\)"),
        ({"weight": np.zeros((2, 3, 2))}, r"weight has shape \(2, 3, 2\)"),
    ],
)
def test_refuses_convolutions(fields, match):
    refuses(convolution(**fields), r"'x' \(Conv2d\).*" + match)


def test_refuses_edges():
    nodes = between(lif((3,))).nodes
    edges = [("in", "x"), ("x", "out")]
    for more, match in (
        (
            [("x", "nowhere")],
            r"edge \('x', 'nowhere'\), expected nodes that are there: no 'nowhere'",
        ),
        ([("x", "in")], r"'in' \(Input\) has an edge from 'x', expected none"),
        ([("out", "x")], r"'out' \(Output\) has an edge to 'x', expected none"),
        ([("in", "x")], r"has the edge \('in', 'x'\) twice"),
        ([("in", "x", "out")], r"has an edge \('in', 'x', 'out'\), expected two names"),
        ([(1, "x")], r"has an edge \(1, 'x'\), expected two names"),
    ):
        graph = unchecked(nodes, edges)
        graph.edges = edges + more
        refuses(graph, match)
    refuses(
        unchecked(nodes, edges[1:]),
        r"'in' \(Input\) has no edge from it|'x' \(LIF\) has no edge to",
    )
    refuses(
        unchecked(nodes, edges[:1]), r"'out' \(Output\) has no edge to it|'x' \(LIF\) has no edge"
    )
    refuses(unchecked({"x": nodes["x"], "in": nodes["in"]}, edges[:1]), "no Output node")
    refuses(unchecked({"x": nodes["x"], "out": nodes["out"]}, edges[1:]), "no Input node")
    refuses(between(lif((3,)), (4,)), r"'x' \(LIF\) takes \(3,\), and 'in' \(Input\) gives \(4,\)")


def test_refuses_loops_without_neurons():
    nodes = {"in": nir.Input(np.array([3])), "a": nir.Linear(np.eye(3)), "b": nir.Scale(np.ones(3)),
             "out": nir.Output(np.array([3]))}  # fmt: skip
    edges = [("in", "a"), ("a", "b"), ("b", "a"), ("b", "out")]
    refuses(unchecked(nodes, edges), "loop without neurons or delays.*'a', 'b'")
    nodes["lif"] = lif((3,))
    refuses(
        unchecked(nodes, [*edges, ("b", "lif"), ("lif", "a")]), "loop without neurons.*'a', 'b'"
    )


def test_refuses_arguments():
    graph = between(lif((3,)))
    with pytest.raises(TypeError, match="time_unit"):
        cusynapse.nir.read(graph, step_time=1.0)
    refuses(graph, "time_unit is None, expected one of 's', 'ms', 'us'", time_unit=None)
    refuses(graph, "time_unit is 'fortnight'", time_unit="fortnight")
    for step_time in (0.0, -1.0, np.nan, np.inf):
        refuses(graph, "step_time is", step_time=step_time)
    for step_time in (None, "1", True, np.ones(2)):
        refuses(graph, "expected a number of ms", step_time=step_time)
    assert isinstance(cusynapse.nir.read(graph, step_time=1, time_unit="ms").step_time, float)
    refuses(graph, "batch_size is 0", batch_size=0)
    refuses(graph, "batch_size is 1.5", batch_size=1.5)
    refuses(graph, "memory_limit", batch_size=10**9)
    refuses(graph, "device is 'cuda:0', expected 'cpu'", device="cuda:0")
    refuses(graph, "dtype is int32", dtype="int32")
    refuses(graph, "dtype is brief, expected float32 or float64", dtype="brief")
    refuses(7, "path_or_graph is int")
    refuses(nir.Linear(np.eye(3)), "the graph has type 'Linear', expected 'NIRGraph'")
    refuses(unchecked({"in": 3}, []), "the graph cannot be taken apart: AttributeError")
    refuses(unchecked({3: nir.Linear(np.eye(3))}, []), "a node named 3, expected text")
    with pytest.raises(FileNotFoundError):
        cusynapse.nir.read("/nowhere/at/all.nir", **MS)
    with pytest.raises(ValueError, match="network is NIRGraph, expected a cusynapse.nir.Network"):
        cusynapse.nir.write(graph, "/nowhere/at/all.nir", time_unit="ms")


# Malformed files ---------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path, generator):
    path = tmp_path / "graph.nir"
    nir.write(path, example(generator))
    return path


def broken(file, change, match):
    with h5py.File(file, "r+") as root:
        change(root)
    refuses(file, match)


def replace(root, name, value, **options):
    del root[name]
    root.create_dataset(name, data=value, **options)


@pytest.mark.parametrize(
    "name, value, match",
    [
        ("version", "2.0", "/version is '2.0', expected 0.x or 1.x"),
        ("version", 1.0, "/version is .*1.0"),
        ("node/type", "Tree", "has type 'Tree', expected 'NIRGraph'"),
        ("node/type", np.ones(3), "has type array"),
        ("node/edges", np.ones((3, 2)), "has an edge"),
        ("node/edges", np.array([b"in", b"to"]), "has an edge 'in', expected two names"),
        ("node/edges", np.array([[b"in", b"to", b"w"]]), "expected two names"),
        ("node/edges", b"in", "has edges of type str"),
        ("node/nodes/to/weight", b"text", r"'to' \(Linear\) weight has type"),
        ("node/nodes/to/weight", np.ones((4, 4), complex), "has type complex128, expected numbers"),
        ("node/nodes/to/weight", h5py.Empty("f"), "is empty"),
        ("node/nodes/to/type", b"Lunear", r"'to' \(Lunear\)"),
        ("node/nodes/to/type", 3, r"'to' \(.*3"),
        ("node/nodes/in/shape", np.array([-4]), r"'in' \(Input\) shape has shape \(-4,\)"),
        ("node/nodes/in/shape", np.array([2**62]), r"'to' \(Linear\) takes"),
        ("node/nodes/in/shape", np.ones((2, 2), int), r"'in' \(Input\) shape is int64 of shape"),
        ("node/nodes/in/shape", 4.0, r"'in' \(Input\)"),
        ("node/nodes", 1.0, "nodes that are not named"),
        ("node", 1.0, "/node is a data set, expected a group"),
    ],
)
def test_refuses_files_with_wrong_fields(file, name, value, match):
    broken(file, lambda root: replace(root, name, value), match)


@pytest.mark.parametrize(
    "name, match",
    [
        ("version", "/ has no 'version'"),
        ("node", "/ has no 'node'"),
        ("node/type", "has type None"),
        ("node/edges", "has no edges"),
        ("node/nodes", "has no nodes"),
        ("node/nodes/in", "no 'in'"),
        ("node/nodes/in/shape", r"'in' \(Input\) has no field 'shape'"),
        ("node/nodes/neurons/tau_mem", r"'neurons' \(CubaLIF\) has no field 'tau_mem'"),
    ],
)
def test_refuses_files_with_missing_fields(file, name, match):
    broken(file, lambda root: root.__delitem__(name), match)


def test_refuses_fields_and_nodes_nir_does_not_have(file):
    broken(file, lambda root: replace_with_more(root), r"'to' \(Linear\) has a field 'inner'")


def replace_with_more(root):
    root["node/nodes/to"].create_dataset("inner", data=1.0)


def test_refuses_links(file):
    nodes = "node/nodes/"

    def link(name, value):
        def change(root):
            if name in root:
                del root[name]
            root[name] = value(root) if callable(value) else value

        return change

    broken(file, link(nodes + "loop", lambda root: root["node"]), "group that is there twice")
    nir.write(file, example(np.random.default_rng(1)))
    broken(file, link(nodes + "to/weight", h5py.SoftLink("/nowhere")), "SoftLink, expected no link")
    nir.write(file, example(np.random.default_rng(1)))
    other = h5py.ExternalLink("/etc/passwd", "/")
    broken(file, link(nodes + "to/weight", other), "ExternalLink, expected no link")


def test_refuses_values_in_other_files(file, tmp_path):
    (tmp_path / "values").write_bytes(bytes(4 * 4 * 8))

    def change(root):
        del root["node/nodes/to/weight"]
        root.create_dataset(
            "node/nodes/to/weight", (4, 4), "f8", external=[(tmp_path / "values", 0, 128)]
        )

    broken(file, change, "/node/nodes/to/weight lies in other files")


@pytest.mark.parametrize("options", [{}, {"chunks": (1024, 1024), "compression": "gzip"}])
def test_refuses_sizes_the_file_cannot_hold(file, options):
    def change(root):
        del root["node/nodes/to/weight"]
        root.create_dataset("node/nodes/to/weight", (1 << 17, 1 << 17), "f8", **options)

    broken(file, change, r"/node/nodes/to/weight has shape .* expected at most|chunks")


def test_refuses_heaps_without_end(file):
    data = bytearray(file.read_bytes())
    first = data.index(b"GCOL\x01") + 16
    data[first : first + 16] = bytes(16)  # free space of no size: HDF5's reader would stay there
    file.write_bytes(data)
    refuses(file, "a broken heap at byte")


def test_refuses_names_without_end(file):
    data = bytearray(file.read_bytes())
    heap = data.index(b"HEAP\x00")
    free, segment = struct.unpack("<QQ", data[heap + 16 : heap + 32])
    data[segment + free : segment + free + 8] = free.to_bytes(8, "little")  # its own successor
    file.write_bytes(data)
    refuses(file, f"a broken heap at byte {heap}")


@pytest.mark.parametrize("kind", [0, 1])  # of groups; of data sets in chunks
def test_refuses_trees_without_end(file, kind):
    with h5py.File(file, "r+") as root:
        weight = root["node/nodes/to/weight"][()]
        replace(root, "node/nodes/to/weight", weight, chunks=(1, 1))
    data = bytearray(file.read_bytes())
    node = data.index(b"TREE" + bytes([kind]))
    data[node + 16 : node + 24] = node.to_bytes(8, "little")  # to the right of itself
    file.write_bytes(data)
    refuses(file, "a broken tree at byte")


def test_reads_trees_of_many_nodes(file):
    weight = np.full((90, 90), 0.5)
    with h5py.File(file, "w") as root:
        nodes = root.create_group("node/nodes")
        root["version"], root["node/type"] = "1.0", "NIRGraph"
        for number in range(300):
            nodes[f"unit{number}/type"] = "Input"
        root.create_dataset("node/weight", data=weight, chunks=(1, 9))
    assert file.read_bytes().count(b"TREE\x01") > 2
    read = cusynapse.nir._file.load(file, 1 << 20)
    assert len(read["nodes"]) == 300 and np.array_equal(read["weight"], weight)


def test_refuses_texts_longer_than_the_file(file):
    data = bytearray(file.read_bytes())
    heap = data.index(b"GCOL\x01").to_bytes(8, "little")
    length = data.index(heap) - 4
    data[length : length + 4] = b"\xff" * 4  # HDF5 would take 4 GiB before it looks
    file.write_bytes(data)
    refuses(file, "bytes of text, expected at most")


def test_refuses_texts_in_chunks(file):
    def change(root):
        edges = root["node/edges"][()]
        replace(root, "node/edges", edges, dtype=h5py.string_dtype(), compression="gzip")

    broken(file, change, "/node/edges has its texts in chunks")


def test_reads_texts_of_fixed_length(file):
    with h5py.File(file, "r+") as root:
        edges = root["node/edges"][()].astype("S20")
        replace(root, "node/edges", edges, compression="gzip")
    assert cusynapse.nir.read(file, **MS).connections.keys() == {"to", "w"}


def test_refuses_bytes_that_are_no_file(tmp_path, generator):
    path = tmp_path / "bytes.nir"
    for size in (0, 1, 8, 100, 5000):
        path.write_bytes(generator.bytes(size))
        refuses(path, "is no readable HDF5 file")


def test_refuses_truncated_files(file):
    whole = file.read_bytes()
    for size in range(0, len(whole), 97):
        file.write_bytes(whole[:size])
        refuses(file, "cusynapse.nir: ")


# Threads -----------------------------------------------------------------------------------


class Watched:
    """An array that calls a function when it is taken."""

    def __init__(self, array, function):
        self.array, self.function = array, function

    def __array__(self, *arguments, **options):
        self.function()
        return self.array


def refusals(network, x):
    """What another thread gets from every call of a network."""
    calls = [
        lambda: network.step(x),
        lambda: network.run(x[None]),
        lambda: network.voltages,
        lambda: network.currents,
        lambda: network.set_batch_size(3),
        network.clear,
    ]
    raised = []

    def run():
        for call in calls:
            try:
                raised.append(call())
            except cusynapse.Error as error:
                raised.append(type(error))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return raised


def test_a_second_thread_is_refused_and_changes_nothing(generator):
    network = cusynapse.nir.read(example(generator), batch_size=2, **MS)
    alone = copy.deepcopy(network)
    raised, voltages = [], []

    def intrude():
        raised.extend(refusals(network, x))
        voltages.append(network.voltages["neurons"])

    for x in generator.random((20, 2, 4)) < 0.5:
        out = network.step(Watched(x, intrude))["out"]
        np.testing.assert_array_equal(out, alone.step(x)["out"])
    assert len(voltages) == 20 and voltages[-1].any()
    assert raised == 20 * 6 * [cusynapse.InUse]
    with pytest.raises(cusynapse.ShapeMismatch):
        network.step(x[0])
    assert cusynapse.InUse not in refusals(network, x)


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda network: pickle.loads(pickle.dumps(network))]
)
def test_a_copy_goes_on_alone(copied, generator):
    network = cusynapse.nir.read(example(generator), batch_size=2, **MS)
    x = generator.random((30, 2, 4)) < 0.5
    network.run(x[:10])
    other = copied(network)
    out = []
    other.step(Watched(x[10], lambda: out.append(network.run(x[10:]))))
    network.clear()
    other.run(x[11:20])
    np.testing.assert_array_equal(other.run(x[20:])["out"], out[0]["out"][10:])
