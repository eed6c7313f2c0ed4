"""Runs random programs on Inferno and on cusynapse.inferno, and compares every result.

A program makes a synapse or a connection with random arguments and then steps it, reads it, assigns
to its properties and parameters, and saves and loads its state. Results are compared bit for bit
where docs/semantics.md, section 7, says so, and with its tolerances elsewhere. Where the library
differs from Inferno on purpose, `DIFFERENCES` says so by name: Inferno is then made to do what its
documentation says, the comparison is made all the same, and counted under that name.
"""

import argparse
import collections
import copy
import math
import random
import sys

import torch

DIFFERENCES = {
    "spike_at": "section 6, 1: spike_at swaps overbound and tolerance",
    "delay": "section 6, 2: assigning the delay stores one step more and grows by a slot",
    "undelayed": "section 6, 3: several delays a synapse where the history has one slot",
    "time constant": "section 6, 6: a new time constant does not reach the interpolation",
    "presyn_receptive": "section 6, 8: Conv2D.presyn_receptive raises",
    "extra inputs": "section 6, 10: inputs a class does not take are ignored",
    "setters": "docs/inferno.md: assigned currents and spikes are pushed as a step, in one history",
}

SYNAPSES = ("DeltaCurrent", "DeltaPlusCurrent", "SingleExponentialCurrent",
            "DoubleExponentialCurrent")
CONNECTIONS = ("LinearDense", "LinearDirect", "LinearLateral", "Conv2D")
RECORDS = ("spike", "current", "pos_current", "neg_current")


class Ours:
    """The drop-in, used as it is."""

    def __init__(self):
        import cusynapse.inferno
        self.package = cusynapse.inferno

    def read_at(self, synapse, name, selector):
        return getattr(synapse, name)(selector)

    def set_delay(self, synapse, value):
        synapse.delay = value

    def set_constant(self, synapse, name, value):
        setattr(synapse, name, value)

    def overwrite(self, synapse, name, value):
        setattr(synapse, name, value)

    def synspike(self, connection):
        return connection.synspike

    def syncurrent(self, connection):
        return connection.syncurrent

    def presyn_receptive(self, connection, data):
        return connection.presyn_receptive(data)

    def forward_extra(self, synapse, spikes, extra):
        """The class refuses what it does not take, and nothing has changed."""
        try:
            synapse(spikes, extra)
        except (ValueError, TypeError):
            return synapse(spikes)
        raise AssertionError("an input that the class does not take was taken")


class Inferno:
    """Inferno, made to do what its documentation says where `DIFFERENCES` names it."""

    def __init__(self, counted):
        import inferno.functional
        import inferno.neural
        from inferno.neural.synapses.mixins import _synparam_at
        self.package = inferno.neural
        self._functional = inferno.functional
        self._select = _synparam_at
        self._counted = counted

    def _differs(self, name):
        self._counted[name] += 1

    def _reader(self, synapse, name):
        options = synapse.options_of_program
        if name == "spike_at" and (options["tolerance"] != 0
                                   or options["spike_overbound"] is not False):
            self._differs("spike_at")
            interpolation = getattr(self._functional, "interp_" + options["mode"])
            return lambda selector: self._select(
                synapse.spike_, selector, interpolation, {}, options["tolerance"],
                options["spike_overbound"]).bool()
        return getattr(synapse, name)

    def read_at(self, synapse, name, selector):
        read = self._reader(synapse, name)
        if synapse.spike_.recordsz == 1 and selector.ndim > len(synapse.batchedshape):
            self._differs("undelayed")
            return torch.stack([read(one) for one in selector.unbind(-1)], -1)
        return read(selector)

    def _records(self, synapse):
        return [getattr(synapse, name + "_") for name in RECORDS
                if type(getattr(synapse, name + "_", None)).__name__ == "RecordTensor"]

    def set_delay(self, synapse, value):
        if value != synapse.delay:
            self._differs("delay")
        synapse.delay = value
        for record in self._records(synapse):
            record.duration = value
            record.reset(0)

    def set_constant(self, synapse, name, value):
        setattr(synapse, name, value)
        if name == "time_constant":
            self._differs("time constant")
            synapse._CurrentMixin__interp_kwargs[name] = value

    def overwrite(self, synapse, name, value):
        record = getattr(synapse, name + "_", None)
        if type(record).__name__ == "RecordTensor" and record.recordsz > 1:
            self._differs("setters")
            record.write(value.bool() if name == "spike" else value, 1)
        else:
            setattr(synapse, name, value)

    def synspike(self, connection):
        if connection.delayedby:
            return self.read_at(connection.synapse, "spike_at", connection.selector)
        return connection.synspike

    def syncurrent(self, connection):
        if connection.delayedby:
            return self.read_at(connection.synapse, "current_at", connection.selector)
        return connection.syncurrent

    def presyn_receptive(self, connection, data):
        if type(connection).__name__ != "Conv2D":
            return connection.presyn_receptive(data)
        self._differs("presyn_receptive")
        batch, rows, positions = data.shape[:3]
        shape = (connection.channels, *connection.kernel)
        return (data.reshape(batch, rows, positions, -1).permute(0, 3, 1, 2)
                .reshape(batch, -1, *shape, positions))

    def forward_extra(self, synapse, spikes, extra):
        self._differs("extra inputs")
        return synapse(spikes, extra)


class Mismatch(Exception):
    """A result that differs."""


def bits(tensor):
    return tensor.view(torch.int32) if tensor.dtype is torch.float32 else tensor


class Comparison:
    """Compares results and counts them."""

    def __init__(self, perturbed):
        self.count = 0
        self._perturbed = perturbed

    def tensors(self, what, expected, got, relative=None, absolute=0.0):
        """Equal bit for bit (a zero of either sign is 0), or within a tolerance if one is given."""
        self.count += 1
        if self.count == self._perturbed:
            got = (~got if got.dtype is torch.bool
                   else torch.nextafter(got, torch.full_like(got, math.inf)) if relative is None
                   else got * (1 + 3 * relative) + 3 * absolute + 1e-30)
        if expected.shape != got.shape or expected.dtype != got.dtype:
            raise Mismatch(f"{what}: {got.dtype} {list(got.shape)}, expected {expected.dtype} "
                           f"{list(expected.shape)}")
        expected, got = expected.detach(), got.detach()
        if relative is None:
            equal = (bits(expected + 0) == bits(got + 0)) if expected.dtype is not torch.bool else (
                expected == got)
            if expected.is_floating_point():
                equal |= expected.isnan() & got.isnan()
        else:
            equal = torch.isclose(got, expected, relative, absolute, equal_nan=True)
        if not equal.all():
            at = tuple((~equal).nonzero()[0].tolist())
            raise Mismatch(f"{what}{list(at)}: {got[at].item()!r}, expected "
                           f"{expected[at].item()!r}; {(~equal).sum()} of {equal.numel()} differ")

    def objects(self, what, expected, got):
        self.count += 1
        if self.count == self._perturbed:
            got = (got,)
        if expected != got:
            raise Mismatch(f"{what}: {got!r}, expected {expected!r}")


class Program:
    """One random program, run on two libraries in step."""

    def __init__(self, seed, libraries, comparison):
        self.random = random.Random(seed)
        self.generator = torch.Generator().manual_seed(seed)
        self.seed = seed
        self.libraries = libraries
        self.comparison = comparison
        self.done = []  # what it did, for the message

    # Random values.

    def choice(self, *values):
        return self.random.choice(values)

    def uniform(self, *shape, low=-1.0, high=1.0):
        return torch.rand(shape, generator=self.generator) * (high - low) + low

    def spikes(self, shape):
        fired = torch.rand(shape, generator=self.generator) < 0.4
        kind = self.choice("bool", "float", "weighted")
        if kind == "bool":
            return fired
        return fired.float() * (1 if kind == "float" else self.uniform(*shape, low=-2, high=2))

    def times(self, shape):
        """Delays: on steps, between them, near them, at the ends and outside."""
        synapse = self.synapses[0]
        dt, delay, tolerance = synapse.dt, synapse.delay, self.options["tolerance"]
        times = self.uniform(*shape, low=-0.2 * dt, high=delay + 1.2 * dt)
        on_step = torch.randint(0, int(delay / dt) + 2, shape, generator=self.generator) * dt
        near = on_step + self.uniform(*shape, low=-1.2, high=1.2) * tolerance
        ends = torch.full(shape, float(delay)) + self.uniform(*shape) * tolerance
        half = on_step + 0.5 * dt
        kinds = [times, on_step, near, ends, half]
        if self.options["current_overbound"] is not None and (
                self.options["spike_overbound"] is not None):
            kinds += [torch.full(shape, value) for value in (math.inf, -math.inf, math.nan)]
        stacked = torch.stack([kind.float() for kind in kinds])
        picked = torch.randint(0, len(kinds), shape, generator=self.generator)
        if len(kinds) > 5:  # values that are not finite are rare
            rare = torch.rand(shape, generator=self.generator) < 0.9
            picked = torch.where(rare, picked % 5, picked)
        return stacked.gather(0, picked.unsqueeze(0))[0]

    # Running the same on both.

    def both(self, call):
        return [call(*pair) for pair in zip(self.libraries, self.objects)]

    def compare(self, what, call, **tolerances):
        expected, got = self.both(call)
        self.comparison.tensors(what, expected, got, **tolerances)
        return expected

    def compare_objects(self, what, call):
        self.comparison.objects(what, *self.both(call))

    def compare_refusal(self, what, call):
        """Both raise, this library a ValueError or the exception Inferno raises."""
        raised = []
        for library, made in zip(self.libraries, self.objects):
            try:
                call(library, made)
                raised.append(None)
            except Exception as error:
                raised.append(error)
        self.comparison.objects(f"{what} is refused", True, None not in raised
                                and isinstance(raised[1], (ValueError, type(raised[0]))))

    # Synapses.

    def synapse_options(self):
        name = self.choice(*SYNAPSES)
        dt = self.choice(1.0, 0.5, 0.1, 0.7, 1.3)
        self.options = {
            "class": name, "dt": dt, "mode": self.choice("previous", "nearest"),
            "tolerance": self.choice(0.0, 0.25 * dt),
            "current_overbound": self.choice(0.0, 0.0, -3.5, None),
            "spike_overbound": self.choice(False, False, True, None),
        }
        constants = {"spike_charge": self.choice(20.0, -5.5, 0.3)}
        if name == "SingleExponentialCurrent":
            constants["time_constant"] = self.choice(5.0, 0.8, 20.0)
        if name == "DoubleExponentialCurrent":
            constants["tc_decay"], constants["tc_rise"] = self.choice((5.0, 2.0), (20.0, 0.5),
                                                                      (3.0, 2.9))
        mode = "interp_mode" if name.startswith("Delta") else "spike_interp_mode"
        arguments = dict(
            constants, inplace=self.choice(True, False), interp_tol=self.options["tolerance"],
            current_overbound=self.options["current_overbound"],
            spike_overbound=self.options["spike_overbound"], **{mode: self.options["mode"]})
        for key, default in ((mode, "previous"), ("interp_tol", 0.0), ("current_overbound", 0.0),
                             ("spike_overbound", False), ("inplace", False)):
            if arguments[key] == default and arguments[key] is not None and self.choice(0, 1):
                del arguments[key]
        self.options["constants"] = constants
        self.options["largest_charge"] = abs(constants["spike_charge"])
        return name, arguments

    def delay_of(self, dt):
        return self.choice(0.0, dt, 3 * dt, 2.5 * dt, 7 * dt, 4.2)

    def adopt(self, objects, synapse_of):
        self.objects = objects
        self.synapses = [synapse_of(made) for made in objects]
        self.synapse_of = synapse_of
        self.synapses[0].options_of_program = self.options
        if isinstance(self.libraries[1], Inferno):
            self.synapses[1].options_of_program = self.options

    def make_synapse(self):
        name, arguments = self.synapse_options()
        shape = self.choice((3,), (2, 3), (1,), 5, (2, 1, 2), [4])
        dt, batch = self.options["dt"], self.choice(1, 2, 3)
        delay = self.delay_of(dt)
        self.done.append((name, shape, dt, delay, batch, arguments))
        if self.choice(0, 1):
            def make(library):
                return getattr(library.package, name)(shape, dt, delay=delay, batch_size=batch,
                                                      **arguments)
        else:
            def make(library):
                return getattr(library.package, name).partialconstructor(**arguments)(
                    shape, dt, delay, batch)
        self.make = make
        self.adopt([make(library) for library in self.libraries], lambda made: made)

    def of_synapses(self, call):
        return lambda library, made: call(library, self.synapse_of(made))

    def read_tolerance(self, name):
        if name == "spike_at" or self.options["class"].startswith("Delta"):
            return {}
        absolute = 0.0
        if self.options["class"] == "DoubleExponentialCurrent" and name == "current_at":
            absolute = 3e-7 * self.options["largest_charge"]
            absolute += self.cancellation()
        return {"relative": 5e-7, "absolute": absolute}

    def cancellation(self):
        """What the parts of a double exponential current with nearly equal time constants may be
        off by: 5e-7 of themselves, and not of their difference, which is far smaller."""
        constants = self.options["constants"]
        if constants.get("tc_decay", math.inf) - constants.get("tc_rise", 0.0) >= 1:
            return 0.0
        synapse = self.synapses[0]
        return 5e-7 * sum(part.value.abs().max().item()
                          for part in (synapse.pos_current_, synapse.neg_current_))

    def op_step(self):
        shape = self.synapses[0].batchedshape
        inputs = [self.spikes(shape)]
        if self.options["class"] == "DeltaPlusCurrent":
            for _ in range(self.choice(0, 0, 1, 3)):
                inputs.append(self.uniform(*self.choice(shape, shape[1:], (1,))))
        for _ in range(self.choice(1, 1, 2, 5)):
            self.compare("forward", lambda library, made: made(*inputs))

    def op_extra_input(self):
        if self.options["class"] == "DeltaPlusCurrent":
            return self.op_step()
        shape = self.synapses[0].batchedshape
        spikes, extra = self.spikes(shape), self.uniform(*shape)
        self.compare("forward", lambda library, made: library.forward_extra(made, spikes, extra))

    def op_read(self):
        names = ["current", "spike"]
        if self.options["class"] == "DoubleExponentialCurrent":
            names += ["pos_current", "neg_current"]
        for name in names:
            self.compare(name, self.of_synapses(lambda library, s: getattr(s, name)))

    def op_read_at(self):
        delays = self.choice(None, 1, 4)
        shape = self.synapses[0].batchedshape + (() if delays is None else (delays,))
        selector = self.times(shape)
        names = ["current_at", "spike_at"]
        if self.options["class"] == "DoubleExponentialCurrent":
            names += ["pos_current_at", "neg_current_at"]
        for name in names:
            self.compare(name, self.of_synapses(
                lambda library, s: library.read_at(s, name, selector)), **self.read_tolerance(name))

    def op_attributes(self):
        for name in ("shape", "count", "batchedshape", "batchsz", "dt", "delay", "inplace",
                     *self.options["constants"]):
            self.compare_objects(name, self.of_synapses(lambda library, s: getattr(s, name)))
        self.compare_objects("repr", lambda library, made: repr(made))

    def op_clear(self):
        self.both(lambda library, made: made.clear())
        self.op_read()

    def op_batchsz(self):
        batch = self.choice(1, 2, 3, 5)

        def assign(library, made):
            made.batchsz = batch
        self.both(assign)
        self.op_read()

    def op_dt(self):
        dt = self.choice(1.0, 0.5, 0.1, self.synapses[0].dt)

        def assign(library, made):
            made.dt = dt
        self.both(assign)
        self.op_read()

    def op_delay(self):
        delay = self.delay_of(self.synapses[0].dt)
        self.both(self.of_synapses(lambda library, s: library.set_delay(s, delay)))
        self.op_read()

    def op_constant(self):
        name = self.choice(*self.options["constants"])
        value = {"spike_charge": self.choice(7.0, -1.5), "time_constant": self.choice(2.0, 9.0),
                 "tc_decay": self.choice(8.0, 30.0), "tc_rise": self.choice(1.0, 0.25)}[name]

        self.both(self.of_synapses(lambda library, s: library.set_constant(s, name, value)))
        self.options["constants"][name] = value
        self.options["largest_charge"] = max(self.options["largest_charge"],
                                             abs(self.options["constants"]["spike_charge"]))

    def op_overwrite(self):
        names = ["current", "spike"]
        if self.options["class"] == "DoubleExponentialCurrent":
            names += ["pos_current", "neg_current"]
        name = self.choice(*names)
        shape = self.synapses[0].batchedshape
        value = self.spikes(shape) if name == "spike" else self.uniform(*shape)
        self.both(self.of_synapses(lambda library, s: library.overwrite(s, name, value.clone())))
        self.op_read()

    def op_state(self):
        """Saved, loaded into a new object of the same or the other library, and carried on."""
        states = [copy.deepcopy(made.state_dict()) for made in self.objects]
        self.compare_objects("keys of the state", lambda library, made: sorted(made.state_dict()))
        if self.choice(0, 1):
            states.reverse()
        loaded = []
        for library, made, state in zip(self.libraries, self.objects, states):
            if self.choice(0, 1) and not isinstance(library, Inferno):
                new = copy.deepcopy(made)  # has other constants, dt and delay already
                new.clear()
            else:
                new = made
                new.clear()
            new.load_state_dict(state)
            loaded.append(new)
        self.adopt(loaded, self.synapse_of)
        self.op_read()

    def op_refused(self):
        def wrong(library, made):
            kind(library, made)

        def forward(library, made):
            made(torch.zeros(made.batchsz + 1, 2, 2, 7))

        def batchsz(library, made):
            made.batchsz = 0

        def dt(library, made):
            made.dt = -1.0

        def delay(library, made):
            self.synapse_of(made).delay = -0.5

        def text(library, made):
            made.dt = "soon"
        kind = self.choice(forward, batchsz, dt, delay, text)
        self.done.append(kind.__name__)
        self.compare_refusal(kind.__name__, wrong)
        self.op_read()

    # Connections.

    def make_connection(self):
        name, arguments = self.synapse_options()
        self.kind = self.choice(*CONNECTIONS)
        dt, batch = self.options["dt"], self.choice(1, 2, 3)
        delay = self.choice(None, 0.0, 3 * dt, 2.5 * dt, 7 * dt)
        shapes = {
            "LinearDense": self.choice((3, 4), ((2, 3), (4,)), ((5,), (2, 2)), ((40,), (3,))),
            "LinearDirect": (self.choice((2, 3), 4),),
            "LinearLateral": (self.choice((2, 3), 4, (1,)),),
            "Conv2D": self.choice((4, 5, 2, 3), (6, 3, 1, 2)),
        }[self.kind]
        options = {"bias": self.choice(True, False), "delay": delay, "batch_size": batch}
        if delay is None and self.choice(0, 1):
            del options["delay"]
        if self.choice(0, 1):
            options["weight_init"] = lambda weight: weight * 2 - 1
        if self.choice(0, 0, 1):
            options["delay_init"] = lambda delays: delays + dt
        positional = (*shapes, dt)
        if self.kind == "Conv2D":
            positional += (self.choice(2, 3, (3, 2)),)
            options.update(stride=self.choice(1, 2, (2, 1)), padding=self.choice(0, 1, (1, 0)),
                           dilation=self.choice(1, 1, (2, 1)))
            if positional[0] == 4 and options["dilation"] != 1:
                options["padding"] = 1
        self.done.append((self.kind, positional, options, name, arguments))

        def make(library):
            torch.manual_seed(self.seed)
            synapse = getattr(library.package, name).partialconstructor(**arguments)
            return getattr(library.package, self.kind)(*positional, synapse=synapse, **options)
        self.make = make
        self.adopt([make(library) for library in self.libraries], lambda made: made.synapse)

    def sum_tolerance(self, expected):
        finite = expected[expected.isfinite()]
        largest = finite.abs().max().item() if finite.numel() else 0.0
        weight = self.objects[0].weight.detach()
        most = weight.abs().flatten(1).sum(1).max() if weight.ndim > 1 else weight.abs().max()
        return {"relative": 1e-4,
                "absolute": 1e-6 * largest + most.item() * self.cancellation()}

    def conn_step(self):
        shape = self.objects[0].batched_inshape
        inputs = [self.spikes(shape)]
        if self.options["class"] == "DeltaPlusCurrent":
            inputs += [self.uniform(*shape) for _ in range(self.choice(0, 0, 1, 2))]
        for _ in range(self.choice(1, 2, 5)):
            expected, got = self.both(lambda library, made: made(*inputs))
            self.comparison.tensors("forward", expected, got, **self.sum_tolerance(expected))
        self.output = expected

    def conn_parameter(self):
        name = self.choice("weight", "bias", "delay")
        if getattr(self.objects[0], name) is None:
            name = "weight"
        shape = getattr(self.objects[0], name).shape
        value = self.times(shape).nan_to_num(0.0, 0.0, 0.0) if name == "delay" else (
            self.uniform(*shape))
        how = self.choice("assign", "parameter", "copy", "data", "state")
        if self.kind == "LinearLateral" and how not in ("assign", "parameter"):
            value = value * (1 - torch.eye(shape[0])) if name != "bias" else value

        def change(library, made):
            if how == "assign":
                setattr(made, name, value.clone())
            elif how == "parameter":
                setattr(made, name, torch.nn.Parameter(value.clone(), requires_grad=False))
            elif how == "copy":
                with torch.no_grad():
                    getattr(made, name).copy_(value)
            elif how == "data":
                getattr(made, name).data[...] = value
            else:
                made.state_dict()[name + "_"].copy_(value)
        self.both(change)
        self.compare(name, lambda library, made: getattr(made, name).detach())
        self.conn_step()

    def conn_read(self):
        self.compare("selector", lambda library, made: made.selector.detach())
        self.compare("syncurrent", lambda library, made: library.syncurrent(made),
                     **self.read_tolerance("current_at"))
        self.compare("synspike", lambda library, made: library.synspike(made))
        self.op_read()

    def conn_shapes(self):
        shape = self.objects[0].batched_inshape
        inputs = self.spikes(shape)
        synaptic = self.compare("like_synaptic", lambda library, made: made.like_synaptic(inputs))
        if synaptic.is_floating_point():
            # The mean of equal copies, summed and divided in any order.
            self.compare("like_input", lambda library, made: made.like_input(synaptic),
                         relative=1e-6)
        self.compare("presyn_receptive",
                     lambda library, made: library.presyn_receptive(made, synaptic))
        selected = self.uniform(*self.objects[0].selector.shape)
        self.compare("presyn_receptive",
                     lambda library, made: library.presyn_receptive(made, selected))
        output = self.uniform(*self.objects[0].batched_outshape)
        self.compare("postsyn_receptive", lambda library, made: made.postsyn_receptive(output))
        outputs = {"LinearDirect": (self.objects[0].outsize(),),
                   "Conv2D": (self.objects[0].outshape[0], 1, 1, 1)}.get(
                       self.kind, (self.objects[0].outsize(), 1))
        one_each = self.uniform(*outputs)
        self.compare("like_bias", lambda library, made: made.like_bias(one_each))

    def conn_update(self):
        """Inferno's Updater on both connections."""
        names = [name for name in ("weight", "bias", "delay")
                 if getattr(self.objects[0], name) is not None]
        parts = {name: [self.uniform(*getattr(self.objects[0], name).shape, low=0.0)
                        for _ in range(3)] for name in names}

        def update(library, made):
            made.updater = made.defaultupdater()
            for name, (first, second, third) in parts.items():
                setattr(made.updater, name, (first, second))
                getattr(made.updater, name).pos = third
            made.update()
            del made.updater
        self.both(update)
        for name in names:
            self.compare(name, lambda library, made: getattr(made, name).detach())
        self.conn_step()

    def conn_attributes(self):
        for name in ("inshape", "outshape", "batched_inshape", "batched_outshape", "biased",
                     "delayedby", "batchsz", "dt", "updatable"):
            self.compare_objects(name, lambda library, made: getattr(made, name))
        self.compare_objects("insize", lambda library, made: made.insize())
        self.compare_objects("outsize", lambda library, made: made.outsize())
        self.compare_objects("parameters", lambda library, made: sorted(
            (name, tuple(given.shape), given.requires_grad)
            for name, given in made.named_parameters()))
        self.op_attributes()

    def run(self):
        if self.random.random() < 0.5:
            self.make_synapse()
            common = (self.op_step,) * 6 + (self.op_read_at,) * 5
            others = (self.op_extra_input, self.op_read, self.op_attributes, self.op_clear,
                      self.op_batchsz, self.op_dt, self.op_delay, self.op_constant,
                      self.op_overwrite, self.op_state, self.op_refused)
        else:
            self.make_connection()
            for name in ("weight", "bias", "delay"):
                if getattr(self.objects[0], name) is not None:
                    self.compare(f"initial {name}",
                                 lambda library, made: getattr(made, name).detach())
            common = (self.conn_step,) * 5 + (self.conn_parameter,) * 5 + (self.conn_read,) * 3
            others = (self.conn_shapes, self.conn_attributes, self.conn_update, self.op_clear,
                      self.op_batchsz, self.op_dt, self.op_delay, self.op_constant,
                      self.op_state, self.op_refused, self.op_read_at)
        for _ in range(self.random.randrange(8, 25)):
            operation = self.choice(*common, *others)
            self.done.append(operation.__name__)
            operation()


def run_programs(count, seed, against="cusynapse", perturbed=None, out=sys.stdout):
    """Runs programs and prints one line; returns the number of programs with a mismatch."""
    counted = collections.Counter()
    reference = Inferno(counted)
    libraries = [reference, Ours() if against == "cusynapse" else Inferno(collections.Counter())]
    comparison = Comparison(perturbed)
    mismatches = 0
    for number in range(count):
        program = Program(seed + number, libraries, comparison)
        try:
            program.run()
        except Exception as error:
            mismatches += 1
            kind = "" if isinstance(error, Mismatch) else f"{type(error).__name__}: "
            print(f"program {seed + number}: {kind}{error}\n  after {program.done}",
                  file=sys.stderr)
    print(f"{count} programs, {comparison.count} comparisons, {mismatches} mismatches; by "
          "documented difference: "
          + (", ".join(f"{name} {counted[name]}" for name in DIFFERENCES)), file=out)
    return mismatches


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1, help="of the first program")
    parser.add_argument("--against", choices=("cusynapse", "inferno"), default="cusynapse",
                        help="inferno: Inferno against itself, to test the comparison")
    parser.add_argument("--perturb", type=int, metavar="N",
                        help="changes the result of comparison N, which must then fail")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    mismatches = run_programs(arguments.programs, arguments.seed, arguments.against,
                              arguments.perturb)
    return 1 if mismatches else 0


if __name__ == "__main__":
    sys.exit(main())
