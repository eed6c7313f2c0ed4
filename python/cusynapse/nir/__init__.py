"""Graphs of the Neuromorphic Intermediate Representation (NIR), read, run and written.

docs/nir.md says what of NIR is run, and what a step means. Needs the packages h5py, to read files,
and nir, to write them: pip install cusynapse[nir].
"""

import os
from typing import Any

from ._file import load
from ._graph import analyse
from ._network import Integer, Network
from ._refusal import refuse
from ._write import write

__all__ = ["Network", "read", "write"]


def read(
    path_or_graph: Any,
    *,
    step_time: float,
    time_unit: str,
    spike_area: str | None = None,
    batch_size: Integer = 1,
    dtype: str = "float32",
    device: str = "cpu",
    memory_limit: int = 1 << 32,
) -> Network:
    """The network of a NIR file or of a nir.NIRGraph.

    step_time is dt, ms. time_unit is what the graph's time constants and delays are in, 's', 'ms'
    or 'us': NIR does not say, and exporters differ. spike_area is what a spike is: 'step' a signal
    of 1 during its step, whose area is dt; 'unit' an impulse of area 1 in time_unit. None is what
    the graph was written with by `write`, else 'step'. Where the values of a file, or the network,
    would take more than memory_limit bytes, they are refused before they are taken. Errors:
    `invalid_argument`, which names the node, its type, what it has and what was expected;
    `OSError` for a file that cannot be opened.
    """
    if device != "cpu":
        refuse("device", f"is {device!r}, expected 'cpu': networks run on the host")
    if isinstance(path_or_graph, (str, bytes, os.PathLike)):
        graph = load(path_or_graph, memory_limit)
    else:
        graph = _dictionary_of(path_or_graph)
    analysed = analyse(graph, step_time=step_time, time_unit=time_unit, spike_area=spike_area)
    return Network(analysed, batch_size=batch_size, dtype=dtype, memory_limit=memory_limit)


def _dictionary_of(graph):
    to_dict = getattr(graph, "to_dict", None)
    if to_dict is None:
        refuse("path_or_graph", f"is {type(graph).__name__}, expected a path or a nir.NIRGraph")
    try:
        graph = to_dict()
    except Exception as error:  # whatever the package does with a graph that is none
        refuse("the graph", f"cannot be taken apart: {error!r}", cause=error)
    if not isinstance(graph, dict):
        refuse("the graph", f"is {type(graph).__name__} as a dictionary")
    return graph
