"""NIR graphs: checked, freed of graphs inside graphs, delays folded into weights, and ordered."""

import re
from dataclasses import dataclass
from numbers import Real

import numpy as np

from ._nodes import NEURONS, Stage, parse
from ._refusal import refuse, refuse_node

MILLISECONDS = {"s": 1000.0, "ms": 1.0, "us": 0.001}
SPIKE_AREAS = ("step", "unit")
SPIKE_AREA_KEY = "cusynapse.spike_area"  # in the metadata of a graph; 'step' where it is not
DEEPEST = 32  # graphs inside graphs


@dataclass
class Graph:
    """Stages in the order they run in one step, in the numbers of their file."""

    stages: dict[str, Stage]
    milliseconds: float  # of the unit of time
    step_time: float  # ms
    spike_area: str

    @property
    def area_of_spike(self):
        """What the signal of a spike integrates to, ms."""
        return self.step_time if self.spike_area == "step" else self.milliseconds

    def of_kind(self, kind):
        return {name: stage for name, stage in self.stages.items() if stage.kind == kind}


def milliseconds_of(time_unit):
    if not isinstance(time_unit, str) or time_unit not in MILLISECONDS:
        expected = ", ".join(map(repr, MILLISECONDS))
        refuse("time_unit", f"is {time_unit!r}, expected one of {expected}")
    return MILLISECONDS[time_unit]


def spike_area_of(graph, spike_area):
    """What was asked for, or else what the graph says, or else 'step'."""
    metadata = graph.get("metadata")
    recorded = metadata.get(SPIKE_AREA_KEY) if isinstance(metadata, dict) else None
    if isinstance(recorded, bytes):
        recorded = recorded.decode("utf-8", "replace")
    where = f"the graph's metadata {SPIKE_AREA_KEY!r}"
    for given, name in ((spike_area, "spike_area"), (recorded, where)):
        if given is not None and not (isinstance(given, str) and given in SPIKE_AREAS):
            expected = " or ".join(map(repr, SPIKE_AREAS))
            refuse(name, f"is {given!r}, expected {expected}")
    if None not in (spike_area, recorded) and spike_area != recorded:
        refuse("spike_area", f"is {spike_area!r}, expected {recorded!r}, which the graph says")
    return spike_area or recorded or "step"


def analyse(graph, *, step_time, time_unit, spike_area):
    """The Graph of a dictionary as `NIRGraph.to_dict` gives it. Errors: `invalid_argument`."""
    milliseconds = milliseconds_of(time_unit)
    if not isinstance(step_time, Real) or isinstance(step_time, bool):
        refuse("step_time", f"is {step_time!r}, expected a number of ms")
    step_time = float(step_time)
    if not 0 < step_time < np.inf:
        refuse("step_time", f"is {step_time}, expected finite and above 0")
    spike_area = spike_area_of(graph, spike_area)
    nodes, inner_ends, edges = {}, set(), []
    _collect(graph, "", 0, nodes, inner_ends, edges)
    stages = {name: parse(name, node, milliseconds, step_time) for name, node in nodes.items()}
    for name in inner_ends:
        stages[name].kind = "Identity"
    _connect(stages, edges)
    _fold_delays(stages)
    return Graph(_schedule(stages), milliseconds, step_time, spike_area)


# Nodes and edges -----------------------------------------------------------------------------


def _collect(graph, prefix, depth, nodes, inner_ends, edges):
    """Adds the nodes and edges of a graph; those of graphs inside it are named graph.node."""
    where = f"graph {prefix[:-1]!r}" if prefix else "the graph"
    if not _is(graph, "NIRGraph"):
        refuse(where, f"has type {graph.get('type')!r}, expected 'NIRGraph'")
    if depth > DEEPEST:
        refuse(where, f"lies in {depth} graphs, expected at most {DEEPEST}")
    for missing in sorted({"nodes", "edges"} - set(graph)):
        refuse(where, f"has no {missing}")
    if not isinstance(graph["nodes"], dict):
        refuse(where, "has nodes that are not named")
    entrance, exit = {}, {}
    for name, node in graph["nodes"].items():
        if not isinstance(name, str):
            refuse(where, f"has a node named {name!r}, expected text")
        if not isinstance(node, dict):
            refuse_node(
                prefix + name, type(node).__name__, "is no node, expected fields and a type"
            )
        if _is(node, "NIRGraph"):
            _collect(node, f"{prefix}{name}.", depth + 1, nodes, inner_ends, edges)
            inner = node["nodes"].items()
            entrance[name] = [f"{name}.{key}" for key, end in inner if _is(end, "Input")]
            exit[name] = [f"{name}.{key}" for key, end in inner if _is(end, "Output")]
            for ends, kind in ((entrance[name], "Input"), (exit[name], "Output")):
                if len(ends) != 1:
                    refuse_node(
                        prefix + name, "NIRGraph", f"has {len(ends)} {kind} nodes, expected 1"
                    )
        elif prefix + name in nodes:
            refuse_node(prefix + name, node.get("type"), "has the name of another node")
        else:
            nodes[prefix + name] = node
            if depth > 0 and (_is(node, "Input") or _is(node, "Output")):
                inner_ends.add(prefix + name)
    for edge in _pairs(graph["edges"], where):
        for name in edge:
            if name not in graph["nodes"]:
                refuse(where, f"has an edge {edge}, expected nodes that are there: no {name!r}")
        source, target = edge
        edges.append(
            (prefix + exit.get(source, [source])[0], prefix + entrance.get(target, [target])[0])
        )


def _is(node, kind):
    return isinstance(node.get("type"), str) and node["type"] == kind


def _pairs(edges, where):
    if isinstance(edges, np.ndarray):
        if edges.size == 0:
            return []
        edges = edges.tolist()
    if not isinstance(edges, (list, tuple)):
        refuse(where, f"has edges of type {type(edges).__name__}, expected pairs of names")
    pairs = []
    for edge in edges:
        if isinstance(edge, str) or not isinstance(edge, (list, tuple)) or len(edge) != 2:
            refuse(where, f"has an edge {edge!r}, expected two names")
        pair = tuple(name.decode("utf-8", "replace") if isinstance(name, bytes) else name
                     for name in edge)  # fmt: skip
        if not all(isinstance(name, str) for name in pair):
            refuse(where, f"has an edge {edge!r}, expected two names")
        pairs.append(pair)
    return pairs


def _connect(stages, edges):
    seen = set()
    for edge in edges:
        if edge in seen:
            refuse("the graph", f"has the edge {edge} twice")
        seen.add(edge)
        source, target = (stages[name] for name in edge)
        if target.kind == "Input":
            refuse_node(target.name, "Input", f"has an edge from {source.name!r}, expected none")
        if source.kind == "Output":
            refuse_node(source.name, "Output", f"has an edge to {target.name!r}, expected none")
        if source.output_shape != target.input_shape:
            refuse_node(
                target.name,
                target.kind,
                f"takes {target.input_shape}, and {source.name!r} ({source.kind}) gives "
                f"{source.output_shape}",
            )
        target.sources.append(source.name)
    for kind in ("Input", "Output"):
        if not any(stage.kind == kind for stage in stages.values()):
            refuse("the graph", f"has no {kind} node, expected at least 1")
    leaving = {source for source, _ in edges}
    for stage in stages.values():
        if stage.kind != "Input" and not stage.sources:
            refuse_node(stage.name, stage.kind, "has no edge to it, expected one")
        if stage.kind != "Output" and stage.name not in leaving:
            refuse_node(stage.name, stage.kind, "has no edge from it, expected one")


def _replace_source(stages, name, by):
    """Who read the stage called name reads those of by instead."""
    for stage in stages.values():
        sources = []
        for source in stage.sources:
            sources.extend(by if source == name else [source])
        stage.sources = sources


def _consumers(stages, name):
    return [stage.name for stage in stages.values() for source in stage.sources if source == name]


# Delays --------------------------------------------------------------------------------------


def _fold_delays(stages):
    """Makes of Linear and Delay nodes the Linear stages with a delay for every weight they mean."""
    for fold in (_fold_expanded, _fold_before, _fold_after):
        for delay in [stage for stage in stages.values() if stage.kind == "Delay"]:
            fold(stages, delay)
    for stage in stages.values():
        if stage.kind == "Linear" and stage.delays is not None:
            stage.delays = np.where(stage.fields["weight"] != 0, stage.delays, 0)
    _merge_branches(stages)


def _is_linear(stages, names):
    return len(names) == 1 and stages[names[0]].kind == "Linear"


def _add_delays(stage, delays):
    shape = stage.fields["weight"].shape
    stage.delays = np.broadcast_to(delays, shape) + (0 if stage.delays is None else stage.delays)


def _fold_expanded(stages, delay):
    """Linear, which copies inputs, Delay of every copy, Linear, which sums: one weight a copy."""
    after = _consumers(stages, delay.name)
    if not (_is_linear(stages, delay.sources) and _is_linear(stages, after)):
        return
    copy, total = stages[delay.sources[0]], stages[after[0]]
    if copy is total or copy.bias is not None or total.sources != [delay.name]:
        return
    if _consumers(stages, copy.name) != [delay.name] or copy.delays is not None:
        return
    if total.delays is not None:
        return
    first, last = copy.fields["weight"], total.fields["weight"]
    if last.shape[0] * first.shape[1] > first.size + last.size:
        return  # fewer copies than there are inputs or outputs
    if np.any((first != 0).sum(axis=1) > 1) or np.any((last != 0).sum(axis=0) > 1):
        return
    column, row = (first != 0).argmax(axis=1), (last != 0).argmax(axis=0)
    copies = np.arange(first.shape[0])
    scale, weight = first[copies, column], last[row, copies]
    used = (scale != 0) & (weight != 0)
    row, column, scale, weight = (values[used] for values in (row, column, scale, weight))
    is_exact = np.all((scale == 1) | (weight == 1))
    if not is_exact or np.unique(row * first.shape[1] + column).size != row.size:
        return
    folded = np.zeros((last.shape[0], first.shape[1]), np.result_type(scale, weight))
    folded[row, column] = scale * weight
    delays = np.zeros(folded.shape, np.int64)
    delays[row, column] = delay.delays.reshape(-1)[used]
    total.fields["weight"], total.delays = folded, delays
    total.input_shape, total.sources = copy.input_shape, copy.sources
    del stages[copy.name], stages[delay.name]


def _fold_before(stages, delay):
    """A Delay before a Linear: one delay for each column."""
    for name in _consumers(stages, delay.name):
        stage = stages[name]
        if stage.kind == "Linear" and stage.sources == [delay.name]:
            _add_delays(stage, delay.delays.reshape(1, -1))
            stage.sources = list(delay.sources)
    if not _consumers(stages, delay.name):
        del stages[delay.name]


def _fold_after(stages, delay):
    """A Delay after a Linear: one delay for each row. A bias is not delayed, so there is none."""
    if not _is_linear(stages, delay.sources):
        return
    stage = stages[delay.sources[0]]
    if stage.bias is None and _consumers(stages, stage.name) == [delay.name]:
        _add_delays(stage, delay.delays.reshape(-1, 1))
        del stages[delay.name]
        _replace_source(stages, delay.name, [stage.name])


def _merge_branches(stages):
    """Linear stages between the same ends are one, if no two have a weight at the same place."""
    branches = {}
    for stage in stages.values():
        if stage.kind == "Linear":
            targets = _consumers(stages, stage.name)
            if len(set(targets)) == len(targets):
                branches.setdefault((tuple(stage.sources), tuple(targets)), []).append(stage)
    for group in branches.values():
        if any(stage.delays is not None for stage in group):
            for members in _disjoint(group):
                if len(members) > 1:
                    _merge(stages, members)


def _disjoint(group):
    """Lists of stages of which no two have a weight at the same place, nor two a bias."""
    lists, places = [], []
    for stage in group:
        used = stage.fields["weight"] != 0
        for members, taken in zip(lists, places):
            has_bias = stage.bias is not None and any(one.bias is not None for one in members)
            if not has_bias and not np.any(used & taken):
                members.append(stage)
                taken |= used
                break
        else:
            lists.append([stage])
            places.append(used)
    return lists


def _merge(stages, members):
    first = members[0]
    weight = np.zeros(
        first.fields["weight"].shape,
        np.result_type(*(member.fields["weight"].dtype for member in members)),
    )
    delays = np.zeros(weight.shape, np.int64)
    for member in members:
        used = member.fields["weight"] != 0
        weight[used] = member.fields["weight"][used]
        if member.delays is not None:
            delays[used] = member.delays[used]
        if member.bias is not None:
            first.fields["bias"] = member.bias
    first.fields["weight"], first.delays = weight, delays
    for member in members[1:]:
        _replace_source(stages, member.name, [])
        del stages[member.name]
    name = _common_name([member.name for member in members])
    if name is not None and name not in stages:
        _rename(stages, first.name, name)


def _common_name(names):
    """'w' of 'w.0', 'w.1', ...: what branches of 'w' are written as."""
    matches = [re.fullmatch(r"(.+)\.\d+", name) for name in names]
    bases = {match.group(1) if match else None for match in matches}
    return bases.pop() if len(bases) == 1 else None


def _rename(stages, name, to):
    _replace_source(stages, name, [to])
    order = [(to if key == name else key, stage) for key, stage in stages.items()]
    stages.clear()
    stages.update(order)
    stages[to].name = to


# Order ---------------------------------------------------------------------------------------


def _schedule(stages):
    """The stages in order, with the sources marked that are read one step late.

    Within a loop that a signal could go round in no time, what neurons give reaches the loop one
    step later. A loop with a delay of a step or more is as it says: the delayed stage of it reads
    one step late, with delays one step shorter.
    """
    for stage in stages.values():
        stage.late = [False] * len(stage.sources)
    is_delayed = {name: stage.shortest_delay() > 0 for name, stage in stages.items()}
    undelayed = {name: [] if is_delayed[name] else stage.sources for name, stage in stages.items()}
    for loop in _loops(undelayed):
        for name in loop:
            stage = stages[name]
            if not is_delayed[name]:
                stage.late = [
                    source in loop and stages[source].kind in NEURONS for source in stage.sources
                ]
            _check_late(stage)
    for loop in _loops(_read_now(stages)):
        for name in loop:
            if is_delayed[name]:
                stages[name].late = [True] * len(stages[name].sources)
    now = _read_now(stages)
    for loop in _loops(now):
        names = ", ".join(repr(name) for name in sorted(loop))
        refuse("the graph", f"has a loop without neurons or delays, expected one in it: {names}")
    return {name: stages[name] for name in _order(now)}


def _order(sources):
    """Names, each after its sources, otherwise as they are."""
    missing = {name: len(set(names)) for name, names in sources.items()}
    readers = {name: [] for name in sources}
    for name, names in sources.items():
        for source in set(names):
            readers[source].append(name)
    order = [name for name, count in missing.items() if count == 0]
    for name in order:
        for reader in readers[name]:
            missing[reader] -= 1
            if missing[reader] == 0:
                order.append(reader)
    return order


def _check_late(stage):
    if stage.delays is None or not any(stage.late) or not np.any(stage.delays):
        return
    if not all(stage.late):
        refuse_node(
            stage.name,
            stage.kind,
            "has delays of 0 and longer ones, and reads neurons of a loop and others, expected a "
            "node for each",
        )


def _read_now(stages):
    return {
        name: [source for source, late in zip(stage.sources, stage.late) if not late]
        for name, stage in stages.items()
    }


def _loops(sources):
    """The strongly connected components that have a loop (Tarjan 1972), without recursion."""
    index, low, stack, on_stack, loops = {}, {}, [], set(), []
    for root in sources:
        if root in index:
            continue
        work = [(root, iter(sources[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            name, rest = work[-1]
            for source in rest:
                if source not in index:
                    index[source] = low[source] = len(index)
                    stack.append(source)
                    on_stack.add(source)
                    work.append((source, iter(sources[source])))
                    break
                if source in on_stack:
                    low[name] = min(low[name], index[source])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == index[name]:
                    component = set()
                    while name not in component:
                        component.add(stack.pop())
                    on_stack -= component
                    if len(component) > 1 or name in sources[name]:
                        loops.append(component)
    return loops
