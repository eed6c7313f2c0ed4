"""What the library must compute, in NumPy, written from docs/semantics.md: one element at a time, every
operation rounded on its own to the type T."""

import math

import numpy as np


def select(records, time, dt, tolerance, interpolate, T):
    """Section 1. records: newest first. time: ms before the newest, of type T."""
    dt, tolerance = T(dt), T(tolerance)
    s = T(time) / dt
    nearest = np.rint(s)
    if abs(dt * nearest - T(time)) <= tolerance:
        s = nearest
    older = records[(math.ceil(T(1) + s) - 1) % len(records)]
    newer = records[(math.floor(T(1) + s) - 1) % len(records)]
    if math.ceil(T(1) + s) == math.floor(T(1) + s):
        return older
    return interpolate(older, newer, dt - dt * T(s % T(1)), dt)


def previous(older, newer, at, dt):
    return older


def following(older, newer, at, dt):
    return newer


def nearest(older, newer, at, dt):
    return newer if at / dt > 0.5 else older


def linear(older, newer, at, dt):
    return older + ((newer - older) / dt) * at


def exponential_decay(tau):
    return lambda older, newer, at, dt: older * np.exp(-at / type(at)(tau))


def bounded(select_at, selector, delay, tolerance, overbound, slots, T):
    """Section 3: a selector beyond [0, delay] gives the overbound, or the end where there is none."""
    selector = T(selector)
    inside = min(max(selector, T(0)), T(delay)) if selector == selector else T(0)
    value = select_at(T(0) if slots == 1 else inside)
    if overbound is None or abs(selector - inside) <= T(tolerance):
        return value
    return overbound


class Synapse:
    """Section 3. Histories are lists of observations, newest first."""

    def __init__(self, model, shape, dt, constants, delay=0.0, batch_size=1, interpolation="previous",
                 tolerance=0.0, current_overbound=0.0, spike_overbound=False, dtype="float32"):
        self.T = np.dtype(dtype).type
        self.model, self.dt, self.delay, self.tolerance = model, dt, delay, tolerance
        self.constants = constants
        self.rule = {"previous": previous, "nearest": nearest}[interpolation]
        self.current_overbound, self.spike_overbound = current_overbound, spike_overbound
        self.slots = max(math.ceil(delay / dt) + 1, 1)
        zeros = np.zeros((batch_size, *shape), dtype)
        self.spikes = [zeros != 0] * self.slots
        self.traces = [[zeros] * self.slots, [zeros] * self.slots]

    def step(self, x, *injected):
        T, dt, c = self.T, self.dt, self.constants
        x = np.asarray(x)
        self._push(self.spikes, x != 0)
        x = x.astype(T)
        first, second = self.traces[0][0], self.traces[1][0]
        if self.model == "DeltaPlusCurrent":
            first = x * T(c["spike_charge"] / dt)
            for current in injected:
                first = first + current
        elif self.model == "SingleExponentialCurrent":
            tau = c["time_constant"]
            first = first * T(math.exp(-dt / tau)) + T(c["spike_charge"] / tau) * x
        elif self.model == "DoubleExponentialCurrent":
            gain = T(c["spike_charge"] / (c["tc_decay"] - c["tc_rise"]))
            first = first * T(math.exp(-dt / c["tc_decay"])) + gain * x
            second = second * T(math.exp(-dt / c["tc_rise"])) + gain * x
        elif self.model == "AlphaCurrent":  # z, then y
            tau = c["time_constant"]
            e = math.exp(-dt / tau)
            second = second * T(e) + first * T(dt * e)
            first = first * T(e) + T(c["spike_charge"] / tau**2) * x
        self._push(self.traces[0], first)
        self._push(self.traces[1], second)

    def _push(self, records, observation):
        records.insert(0, observation)
        records.pop()

    def current(self):
        if self.model == "DeltaCurrent":
            return self.spikes[0].astype(self.T) * self.T(self.constants["spike_charge"] / self.dt)
        if self.model == "DoubleExponentialCurrent":
            return self.traces[0][0] - self.traces[1][0]
        return self.traces[1 if self.model == "AlphaCurrent" else 0][0]

    def current_at(self, selector):
        return self._at(selector, self._current_of, self.current_overbound).astype(self.T)

    def spike_at(self, selector):
        return self._at(selector, self._spike_of, self.spike_overbound).astype(bool)

    def _at(self, selector, value_of, overbound):
        """Element by element; selector is [B, S...] or [B, S..., D]."""
        out = np.empty(selector.shape, object)
        rank = self.spikes[0].ndim
        for index in np.ndindex(*selector.shape):
            out[index] = bounded(
                lambda time: value_of(index[:rank], time), selector[index], self.delay, self.tolerance,
                overbound, self.slots, self.T)
        return out

    def _pick(self, records, index, time, rule):
        at_index = [record[index] for record in records]
        return select(at_index, time, self.dt, self.tolerance, rule, self.T)

    def _spike_of(self, index, time):
        return self._pick(self.spikes, index, time, self.rule)

    def _current_of(self, index, time):
        c, (first, second) = self.constants, self.traces
        if self.model == "DeltaCurrent":
            return self.T(self._spike_of(index, time)) * self.T(c["spike_charge"] / self.dt)
        if self.model == "DeltaPlusCurrent":
            return self._pick(first, index, time, self.rule)
        if self.model == "SingleExponentialCurrent":
            return self._pick(first, index, time, exponential_decay(c["time_constant"]))
        if self.model == "DoubleExponentialCurrent":
            return (self._pick(first, index, time, exponential_decay(c["tc_decay"]))
                    - self._pick(second, index, time, exponential_decay(c["tc_rise"])))
        # Alpha: y, or off the grid (y + z at) exp(-at / tau) of the older observation.
        pairs = list(zip(first, second))
        at_index = [np.array([z[index], y[index]]) for z, y in pairs]

        def between(older, newer, at, dt):
            value = (older[1] + older[0] * at) * np.exp(-at / self.T(c["time_constant"]))
            return np.array([older[0], value])

        return select(at_index, time, self.dt, self.tolerance, between, self.T)[1]


def dense(weight, currents, bias):
    """Section 4: currents [B, I], or [B, I, O] at a delay for every weight."""
    if currents.ndim == 2:
        currents = currents[:, :, None]
    return (weight.T[None].astype(np.float64) * currents).sum(axis=1) + bias


def convolution(weight, currents_at, shape, stride, padding, dilation):
    """Section 4. currents_at(f, c, i, j, y, x): what weight (f, c, i, j) reads at pixel (y, x)."""
    filters, channels, kernel_height, kernel_width = weight.shape
    height, width = shape
    out_height = (height + 2 * padding - dilation * (kernel_height - 1) - 1) // stride + 1
    out_width = (width + 2 * padding - dilation * (kernel_width - 1) - 1) // stride + 1
    out = np.zeros((filters, out_height, out_width))
    for f, oy, ox in np.ndindex(*out.shape):
        for c, i, j in np.ndindex(channels, kernel_height, kernel_width):
            y = oy * stride - padding + i * dilation
            x = ox * stride - padding + j * dilation
            if 0 <= y < height and 0 <= x < width:
                out[f, oy, ox] += float(weight[f, c, i, j]) * currents_at(f, c, i, j, y, x)
    return out


class LeakyIntegrateAndFire:
    """Section 8."""

    def __init__(self, shape, dt, tau, rest, reset, threshold, period, resistance, dtype):
        self.T = T = np.dtype(dtype).type
        self.dt, self.steps = dt, math.ceil(period / dt)
        one_minus_e = -math.expm1(-dt / tau)
        self.decay, self.gain = T(math.exp(-dt / tau)), T(resistance * one_minus_e)
        self.rest, self.reset, self.threshold = T(rest), T(reset), T(threshold)
        self.voltage = np.full(shape, self.rest)
        self.left = np.zeros(shape, int)

    def forward(self, current):
        spikes = np.zeros(current.shape, bool)
        for i in np.ndindex(*current.shape):
            if self.left[i] > 0:
                self.left[i] -= 1
                continue
            v = self.rest + ((self.voltage[i] - self.rest) * self.decay + self.gain * current[i])
            spikes[i] = v >= self.threshold
            self.voltage[i] = self.reset if spikes[i] else v
            self.left[i] = self.steps if spikes[i] else 0
        return spikes


def rounded(values, storage):
    """Values of float32 as float16 or bfloat16 has them: to nearest, halves to even."""
    if storage == "float16":
        return values.astype(np.float16).astype(np.float32)
    bits = values.view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16 << 16).astype(np.uint32).view(np.float32)
