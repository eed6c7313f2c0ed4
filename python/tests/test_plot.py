"""Plots show what was recorded, element by element."""

import numpy as np
import pytest

matplotlib = pytest.importorskip("matplotlib", reason="Matplotlib is not installed")
matplotlib.use("agg")

from cusynapse import plot  # noqa: E402


@pytest.fixture(autouse=True)
def close_figures():
    yield
    from matplotlib import pyplot

    pyplot.close("all")


def test_traces_draws_a_line_an_element_over_time():
    values = np.arange(12.0).reshape(4, 3)
    axes = plot.traces(values, 0.5, labels=["a", "b", "c"], title="Currents")
    assert len(axes.lines) == 3
    for element, line in enumerate(axes.lines):
        np.testing.assert_array_equal(line.get_xdata(), [0.0, 0.5, 1.0, 1.5])
        np.testing.assert_array_equal(line.get_ydata(), values[:, element])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a", "b", "c"]
    assert (axes.get_title(), axes.get_xlabel()) == ("Currents", "time (ms)")


def test_traces_takes_one_element_alone():
    axes = plot.traces([1.0, 2.0], 1.0)
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [1.0, 2.0])


def test_raster_marks_every_spike_and_nothing_else():
    spikes = np.zeros((5, 4), np.uint8)
    spikes[1, 3] = spikes[4, 0] = 1
    axes = plot.raster(spikes, 2.0)
    (line,) = axes.lines
    marks = set(zip(line.get_xdata().tolist(), line.get_ydata().tolist()))
    assert marks == {(2.0, 3), (8.0, 0)}
    assert axes.get_xlim() == (0.0, 10.0)


def test_both_draw_into_axes_that_are_given():
    from matplotlib import pyplot

    upper, lower = pyplot.subplots(2)[1]
    assert plot.raster(np.ones((2, 2)), 1.0, axes=upper) is upper
    assert plot.traces(np.ones(2), 1.0, axes=lower) is lower


@pytest.mark.parametrize("call, message", [
    (lambda: plot.traces(np.zeros((2, 2, 2)), 1.0),
     r"values have shape \[2, 2, 2\], expected \[steps\] or \[steps, elements\]"),
    (lambda: plot.raster(np.zeros(3), 1.0),
     r"spikes have shape \[3\], expected \[steps, elements\]"),
    (lambda: plot.traces(np.zeros((2, 3)), 1.0, labels=["a"]), "got 1 labels, expected 3"),
])
def test_what_cannot_be_drawn_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
