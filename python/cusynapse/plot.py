"""Plots of what a simulation gave: traces and rasters, with Matplotlib (the extra ``plot``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def _figure(title, x_label, y_label, axes):
    if axes is None:
        from matplotlib import pyplot

        axes = pyplot.figure(layout="constrained").add_subplot()
    axes.set(title=title, xlabel=x_label, ylabel=y_label)
    return axes


def _recorded(what, values, ranks):
    values = np.asarray(values)
    if values.ndim not in ranks:
        expected = " or ".join("[" + ", ".join(["steps", "elements"][:rank]) + "]" for rank in ranks)
        raise ValueError(f"{what} have shape {list(values.shape)}, expected {expected}")
    return values


def traces(
    values: npt.ArrayLike,
    step_time: float,
    *,
    labels: Sequence[str] | None = None,
    title: str = "",
    unit: str = "current (nA)",
    axes: Axes | None = None,
) -> Axes:
    """Values over time, a line an element.

    ``values``: [steps] or [steps, elements] of anything NumPy takes, one sample; ``step_time``: ms;
    ``labels``: one an element. Draws into ``axes``, or a new figure. Returns the axes.
    """
    values = _recorded("values", values, (1, 2))
    times = step_time * np.arange(len(values))
    axes = _figure(title, "time (ms)", unit, axes)
    lines = axes.plot(times, values)
    if labels is not None:
        if len(labels) != len(lines):
            raise ValueError(f"got {len(labels)} labels, expected {len(lines)}, one an element")
        axes.legend(lines, labels)
    return axes


def raster(
    spikes: npt.ArrayLike, step_time: float, *, title: str = "", axes: Axes | None = None
) -> Axes:
    """A mark for each spike: when, and of which element.

    ``spikes``: [steps, elements], nonzero where there is one, one sample; ``step_time``: ms. Draws
    into ``axes``, or a new figure. Returns the axes.
    """
    spikes = _recorded("spikes", spikes, (2,))
    steps, elements = np.nonzero(spikes)
    axes = _figure(title, "time (ms)", "element", axes)
    axes.plot(step_time * steps, elements, linestyle="none", marker="|", markersize=4)
    axes.set_xlim(0, step_time * len(spikes))
    axes.set_ylim(-0.5, spikes.shape[1] - 0.5)
    return axes
