"""cusynapse.inferno against the objects of the library, and against Inferno where it is there."""

import copy
import inspect
import io
import pathlib
import pickle
import subprocess
import sys

import models
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import cusynapse  # noqa: E402
import cusynapse.inferno as drop_in  # noqa: E402

ROOT = pathlib.Path(__file__).parents[2]
NAMES = [name for name in models.NAMES if name != "AlphaCurrent"]
KINDS = ["LinearDense", "LinearDirect", "LinearLateral", "Conv2D"]
DT, DELAY, BATCH = 0.5, 3.2, 2  # the largest delay lies between two steps


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(1)


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def make_synapse(name, shape=(3, 2), **options):
    options = {"delay": DELAY, "batch_size": BATCH, **options}
    return getattr(drop_in, name)(shape, DT, **models.CONSTANTS[name], **options)


def make_connection(kind, name="SingleExponentialCurrent", **options):
    options = {"delay": DELAY, "bias": True, "batch_size": BATCH, **options}
    synapse = getattr(drop_in, name).partialconstructor(**models.CONSTANTS[name])
    arguments = {"LinearDense": ((3, 2), 4, DT), "LinearDirect": ((3, 2), DT),
                 "LinearLateral": (5, DT), "Conv2D": (4, 5, 2, 3, DT, (3, 2))}[kind]
    if kind == "Conv2D":
        options["padding"] = 1
    connection = getattr(drop_in, kind)(*arguments, synapse=synapse, **options)
    if connection.delay is not None:
        connection.delay = torch.rand_like(connection.delay) * (DELAY + 1)
    return connection


def spikes(module):
    shape = getattr(module, "batchedshape", None) or module.batched_inshape
    return torch.rand(shape) < 0.4


def assert_same_from_here(first, second, steps=12):
    for _ in range(steps):
        x = spikes(first)
        assert torch.equal(first(x), second(x))


def test_a_synapse_is_the_library_s(name):
    module = make_synapse(name)
    core = getattr(cusynapse, name)(
        (3, 2), DT, **models.CONSTANTS[name], delay=DELAY, batch_size=BATCH)
    for _ in range(9):
        x = spikes(module)
        core.step(x)
        assert torch.equal(module(x), torch.from_numpy(core.current()))
        selector = torch.rand(BATCH, 3, 2, 4) * (DELAY + 1)
        assert torch.equal(module.current_at(selector), core.current_at(selector))
        assert torch.equal(module.spike_at(selector), core.spike_at(selector))


def test_a_connection_is_the_library_s(kind, name):
    module = make_connection(kind, name)
    core = module._make(module.synapse._factory(), biased=True, delay=DELAY, step_time=DT,
                        batch_size=BATCH)
    for parameter in ("weight", "bias", "delay"):
        core.set(parameter, getattr(module, parameter).detach())
    for _ in range(9):
        x = spikes(module)
        assert torch.equal(module(x), core.forward(x))
        assert torch.equal(module.syncurrent, torch.from_numpy(core.syncurrent()))
        assert torch.equal(module.synspike, torch.from_numpy(core.synspike()))
    assert torch.equal(module.selector, torch.from_numpy(core.selector()))


def test_weights_are_drawn_as_inferno_draws_them():
    connection = make_connection("LinearDense", delay=None)
    torch.manual_seed(1)
    assert torch.equal(connection.weight, torch.rand(4, 6))
    assert torch.equal(connection.bias, torch.rand(4))


def change_by_assignment(connection, name, values):
    setattr(connection, name, values)


def change_in_place(connection, name, values):
    with torch.no_grad():
        getattr(connection, name).copy_(values)


def change_a_slice_of_data(connection, name, values):
    data = getattr(connection, name).data
    for i, row in enumerate(values):
        data[i] = row


def change_data(connection, name, values):
    getattr(connection, name).data = values


def change_a_parameter(connection, name, values):
    setattr(connection, name + "_", torch.nn.Parameter(values, requires_grad=False))


def change_by_the_state(connection, name, values):
    connection.state_dict()[name + "_"].copy_(values)


def change_by_loading(connection, name, values):
    connection.load_state_dict({**connection.state_dict(), name + "_": values})


def change_by_numpy(connection, name, values):
    getattr(connection, name).detach().numpy()[...] = values.numpy()
    connection.parameters_changed()


@pytest.mark.parametrize("change", [
    change_by_assignment, change_in_place, change_a_slice_of_data, change_data, change_a_parameter,
    change_by_the_state, change_by_loading, change_by_numpy])
@pytest.mark.parametrize("parameter", ["weight", "bias", "delay"])
def test_a_changed_parameter_counts_in_the_next_sum(kind, parameter, change):
    connection = make_connection(kind, delay=3.0)  # copied without a change of storage
    for _ in range(3):  # the first change must not be the only one that is seen
        connection(spikes(connection))
        values = torch.rand_like(getattr(connection, parameter)) * 2
        if kind == "LinearLateral" and parameter != "bias":
            values *= connection.mask
        change(connection, parameter, values)
        assert torch.equal(getattr(connection, parameter), values)
        fresh = copy.deepcopy(connection)  # has read nothing yet
        x = spikes(connection)
        assert torch.equal(connection(x), fresh(x))


@pytest.mark.parametrize("before", range(5))
@pytest.mark.parametrize("after", range(1, 5))
def test_changes_of_data_are_counted_apart(before, after):
    connection = make_connection("LinearDirect", delay=3.0)  # copied without a change of storage
    with torch.no_grad():
        for _ in range(before):
            connection.weight.mul_(2)
        connection.delay.fill_(0.2)
    x = torch.ones(connection.batched_inshape)
    connection(x)
    for _ in range(after):
        connection.weight.data.mul_(3)
    fresh = copy.deepcopy(connection)
    assert torch.equal(connection(x), fresh(x))


@pytest.mark.parametrize("is_made_inside", [False, True])
def test_changes_count_in_inference_mode(kind, is_made_inside):
    connection = make_connection(kind, delay=3.0)
    with torch.inference_mode():
        if is_made_inside:
            connection = make_connection(kind, delay=3.0)
        for change in change_in_place, change_a_slice_of_data, change_by_assignment:
            connection(spikes(connection))
            change(connection, "weight", 2 * connection.weight.detach())
            fresh = copy.deepcopy(connection)
            x = spikes(connection)
            assert torch.equal(connection(x), fresh(x))


@pytest.mark.skipif(not hasattr(torch, "func"), reason="PyTorch has no torch.func")
def test_a_parameter_replaced_for_a_call_is_refused(kind):
    connection = make_connection(kind, delay=3.0)
    x = spikes(connection)
    untouched = copy.deepcopy(connection)
    with pytest.raises(cusynapse.NotSupported, match=f"{kind}.forward: weight was replaced"):
        torch.func.functional_call(
            connection, {"weight_": torch.zeros_like(connection.weight)}, (x,))
    assert torch.equal(connection(x), untouched(x))


@pytest.mark.skipif(not hasattr(torch, "compile"), reason="PyTorch has no torch.compile")
def test_a_compiled_program_gives_the_same(kind):
    plain = make_connection(kind, delay=3.0)
    connection = copy.deepcopy(plain)

    def step(connection, x):
        out = connection(x * 1.0) + 1
        connection.weight.mul_(0.5)
        return out

    compiled = torch.compile(step, backend="eager")
    for _ in range(4):
        x = spikes(plain)
        assert torch.equal(compiled(connection, x), step(plain, x))


def test_the_diagonal_of_a_lateral_connection_stays_0():
    connection = make_connection("LinearLateral")
    connection.weight = torch.ones(5, 5)
    assert torch.equal(connection.weight, 1 - torch.eye(5))
    with torch.no_grad():
        connection.weight.fill_(2)
    connection(spikes(connection))
    assert torch.equal(connection.weight, 2 * (1 - torch.eye(5)))


def through_the_state(module, make):
    new = make()
    new.load_state_dict(module.state_dict())
    return new


def through_a_file(module, make):
    file = io.BytesIO()
    torch.save(module.state_dict(), file)
    file.seek(0)
    new = make()
    new.load_state_dict(torch.load(file))
    return new


def through_pickle(module, make):
    return pickle.loads(pickle.dumps(module))


def through_deepcopy(module, make):
    return copy.deepcopy(module)


WAYS = [through_the_state, through_a_file, through_pickle, through_deepcopy]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("steps", [0, 3, 20])
def test_a_synapse_carries_on_bit_for_bit(name, steps, way):
    module = make_synapse(name)
    for _ in range(steps):
        module(spikes(module))
    new = way(module, lambda: make_synapse(name))
    for selector in torch.rand(5, BATCH, 3, 2) * DELAY:
        assert torch.equal(new.current_at(selector), module.current_at(selector))
        assert torch.equal(new.spike_at(selector), module.spike_at(selector))
    assert_same_from_here(module, new)


@pytest.mark.parametrize("way", WAYS)
def test_a_connection_carries_on_bit_for_bit(kind, name, way):
    module = make_connection(kind, name)
    for _ in range(20):
        module(spikes(module))
    new = way(module, lambda: make_connection(kind, name))
    assert torch.equal(new.syncurrent, module.syncurrent)
    assert_same_from_here(module, new)


def test_a_state_may_start_at_any_slot(name):
    """As Inferno's do: the pointer is the slot to write next, which holds the oldest."""
    module, new = make_synapse(name), make_synapse(name)
    for _ in range(20):
        module(spikes(module))
    state = module.state_dict()
    for key, pointer in state["_extra_state"].items():
        assert pointer == 0
        data = key.replace("_pointer", "_data")
        state[data] = state[data].roll(3, 0)
        state["_extra_state"][key] = 3
    new.load_state_dict(state)
    assert_same_from_here(module, new)


def test_states_that_do_not_fit_are_refused_and_change_nothing(name):
    module = make_synapse(name)
    module(spikes(module))
    before = module.state_dict()
    other = make_synapse(name, delay=DELAY + 1)
    other(spikes(other))
    with pytest.raises(RuntimeError, match="size mismatch for _spike__data"):
        module.load_state_dict(other.state_dict())
    with pytest.raises(RuntimeError, match="Missing key.*_spike__data"):
        module.load_state_dict({})
    after = module.state_dict()
    assert all(torch.equal(after[key], before[key]) for key in before if key != "_extra_state")


def test_another_dtype_takes_everything_along(kind):
    connection = make_connection(kind)
    for _ in range(8):
        connection(spikes(connection))
    connection.bias.requires_grad_()
    double = copy.deepcopy(connection).double()
    assert double.bias.requires_grad and not double.weight.requires_grad
    double.bias.requires_grad_(False)
    connection.bias.requires_grad_(False)
    assert double.weight.dtype == double.synapse.current.dtype == torch.float64
    assert torch.equal(double.syncurrent.float().isnan(), connection.syncurrent.isnan())
    for _ in range(8):
        x = spikes(connection)
        torch.testing.assert_close(double(x).float(), connection(x), rtol=1e-4, atol=1e-4)
    assert connection.to("cpu") is connection


def test_on_a_gpu_it_is_the_cpu_s(kind, name):
    if cusynapse.cuda_device_count() == 0 or not torch.cuda.is_available():
        pytest.skip("no GPU can be used")
    connection = make_connection(kind, name)
    for _ in range(8):
        connection(spikes(connection))
    moved = copy.deepcopy(connection).to("cuda:0")
    assert moved.weight.device == torch.device("cuda:0")
    for _ in range(8):
        x = spikes(connection)
        assert torch.equal(moved(x.cuda()).cpu(), connection(x))
    assert torch.equal(moved.syncurrent.cpu(), connection.syncurrent)
    moved.weight = connection.weight.cuda() * 2
    connection.weight = connection.weight * 2
    x = spikes(connection)
    assert torch.equal(moved.to("cpu")(x), connection(x))


def test_of_the_default_dtype():
    torch.set_default_dtype(torch.float64)
    try:
        connection = make_connection("LinearDense")
        assert connection(spikes(connection)).dtype == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_refused_where_they_would_be_lost(kind):
    connection = make_connection(kind)
    x = spikes(connection).float().requires_grad_()
    before = connection.synapse.spike
    with pytest.raises(cusynapse.NotSupported, match="input requires a gradient"):
        connection(x)
    connection.weight.requires_grad_()
    with pytest.raises(cusynapse.NotSupported, match="weight requires a gradient"):
        connection(x.detach())
    assert torch.equal(connection.synapse.spike, before)
    with torch.no_grad():
        assert not connection(x).requires_grad


def test_the_synapse_of_a_convolution_shows_patches(name):
    connection = make_connection("Conv2D", name)
    for _ in range(8):
        x = spikes(connection)
        connection(x)
    synapse = connection.synapse
    assert synapse.shape == (12, 24)
    assert torch.equal(synapse.spike, connection.like_synaptic(x))
    assert torch.equal(synapse.current_at(connection.selector), connection.syncurrent)
    assert torch.equal(synapse.spike_at(connection.selector), connection.synspike)
    with pytest.raises(cusynapse.NotSupported):
        synapse(synapse.spike)
    with pytest.raises(cusynapse.NotSupported):
        synapse.spike = synapse.spike


def test_hooks_of_the_synapse_see_every_step(kind):
    connection = make_connection(kind)
    plain = copy.deepcopy(connection)
    seen = []
    connection.synapse.register_forward_hook(lambda module, inputs, current: seen.append(current))
    if kind == "Conv2D":
        with pytest.raises(cusynapse.NotSupported, match="hooks"):
            connection(spikes(connection))
        return
    assert_same_from_here(plain, connection, steps=5)
    assert len(seen) == 5
    assert torch.equal(seen[-1], connection.synapse.current)


def test_changes_at_the_synapse_reach_the_connection(kind):
    connection = make_connection(kind)
    connection(spikes(connection))
    for change in ("batchsz", 3), ("dt", 0.25), ("delay", 2.0), ("time_constant", 9.0):
        setattr(connection.synapse, *change)
        new = copy.deepcopy(connection)
        assert getattr(new.synapse, change[0]) == change[1]
        assert_same_from_here(connection, new)


@pytest.mark.parametrize("arguments, error", [
    ({"shape": (0,)}, ValueError), ({"shape": "3"}, ValueError), ({"step_time": 0.0}, ValueError),
    ({"step_time": "soon"}, ValueError), ({"batch_size": 0}, ValueError),
    ({"batch_size": 1.5}, ValueError), ({"delay": -1.0}, ValueError),
    ({"spike_charge": 0.0}, ValueError), ({"time_constant": 0.0}, ValueError),
    ({"interp_tol": -1.0}, ValueError), ({"spike_interp_mode": "linear"}, RuntimeError)])
def test_wrong_arguments_are_refused(arguments, error):
    good = {"shape": 3, "step_time": 1.0, "spike_charge": 20.0, "time_constant": 5.0}
    with pytest.raises(error):
        drop_in.SingleExponentialCurrent(**{**good, **arguments})


def test_wrong_inputs_are_refused_and_change_nothing(kind):
    connection = make_connection(kind)
    connection(spikes(connection))
    before = connection.synapse.current
    shape = connection.batched_inshape
    for wrong in torch.zeros(shape[0] + 1, *shape[1:]), torch.zeros(shape[0], 7), torch.zeros(()):
        with pytest.raises(cusynapse.ShapeMismatch):
            connection(wrong)
    with pytest.raises(cusynapse.ShapeMismatch):
        connection.weight = torch.zeros(9)
    with pytest.raises(cusynapse.NotSupported):
        connection(spikes(connection), torch.zeros(shape))  # takes no injected currents
    assert torch.equal(connection.synapse.current, before)


def test_what_is_no_tensor_is_refused(kind):
    connection, synapse = make_connection(kind), make_synapse("SingleExponentialCurrent")
    for wrong in torch.ones(connection.batched_inshape).numpy(), [[1.0]], 1.0, None:
        expected = rf"is of type {type(wrong).__name__}, expected a torch\.Tensor"
        with pytest.raises(cusynapse.NotSupported, match=f"{kind}.forward: input {expected}"):
            connection(wrong)
        for call in (connection.like_synaptic, connection.like_input)[:2 * (kind == "Conv2D")]:
            with pytest.raises(cusynapse.NotSupported, match=f"{kind}.*: data {expected}"):
                call(wrong)
        with pytest.raises(cusynapse.NotSupported, match=f"{kind}.weight: values {expected}"):
            connection.weight = wrong
        with pytest.raises(cusynapse.NotSupported, match=f"forward: input {expected}"):
            synapse(wrong)
        with pytest.raises(cusynapse.NotSupported, match=f"current_at: selector {expected}"):
            synapse.current_at(wrong)
        with pytest.raises(cusynapse.NotSupported, match=f"set_spike: values {expected}"):
            synapse.spike = wrong
    assert torch.equal(synapse.current, torch.zeros(synapse.batchedshape))
    bare = make_connection(kind, bias=False, delay=None)
    bare.bias = bare.delay = None  # which it does not have: nothing happens


def test_a_synapse_serves_one_connection():
    made = make_synapse("DeltaCurrent", shape=6)
    drop_in.LinearDirect(6, DT, synapse=lambda *arguments: made)
    with pytest.raises(cusynapse.NotSupported, match="belongs to another"):
        drop_in.LinearDirect(6, DT, synapse=lambda *arguments: made)
    with pytest.raises(cusynapse.ShapeMismatch):
        drop_in.LinearDirect(5, DT, synapse=lambda *arguments: make_synapse("DeltaCurrent"))


@pytest.mark.parametrize("overridden", ["forward", "current", "spike_at"])
def test_a_synapse_that_sums_would_not_see_is_refused(overridden):
    class Derived(drop_in.DeltaCurrent):
        pass

    def make():
        return drop_in.LinearDirect(6, DT, synapse=lambda shape, dt, delay, batch_size: Derived(
            shape, dt, spike_charge=1.0, delay=delay, batch_size=batch_size))

    Derived.clear = lambda self, **kwargs: None  # which a connection calls
    assert type(make().synapse) is Derived
    setattr(Derived, overridden, getattr(drop_in.SingleExponentialCurrent, overridden))
    make()  # the same as it had
    setattr(Derived, overridden, lambda self, *arguments: torch.ones(1, 6))
    with pytest.raises(cusynapse.NotSupported, match=f"Derived with a {overridden} of its own"):
        make()


def run_example(library):
    return subprocess.run(
        [sys.executable, str(ROOT / "examples/python/inferno_program.py"), "--library", library],
        capture_output=True, text=True, check=True).stdout


def test_a_program_written_for_inferno_runs():
    assert "spikes" in run_example("cusynapse")


class TestAgainstInferno:
    """Where Inferno is installed: docs/inferno.md says how."""

    @pytest.fixture(autouse=True)
    def inferno(self, monkeypatch):
        pytest.importorskip("inferno.neural", reason="Inferno is not installed")
        monkeypatch.syspath_prepend(str(ROOT / "python/tests/inferno"))

    @pytest.mark.parametrize("made", NAMES + KINDS)
    def test_constructors_and_names_are_inferno_s(self, made):
        import inferno.neural

        theirs, ours = getattr(inferno.neural, made), getattr(drop_in, made)

        def parameters(function):
            return [(parameter.name, parameter.kind, parameter.default)
                    for parameter in inspect.signature(function).parameters.values()]

        assert parameters(ours.__init__) == parameters(theirs.__init__)
        if made in NAMES:
            assert parameters(ours.partialconstructor) == parameters(theirs.partialconstructor)
        names = {name for name in dir(theirs) if not name.startswith("_")}
        # Of single histories, and of Inferno's own kind of module: docs/inferno.md.
        assert names - set(dir(ours)) <= {"add_batched", "add_delayed", "get_extra",
                                          "register_extra"}

    def test_random_programs(self):
        import compare_inferno
        assert compare_inferno.run_programs(100, seed=5000) == 0

    @pytest.mark.parametrize("number", [1, 40, 1000])
    def test_a_difference_is_seen(self, number):
        import compare_inferno
        assert compare_inferno.run_programs(40, seed=5000, perturbed=number) == 1

    def test_a_program_prints_the_same_with_both(self):
        assert run_example("cusynapse") == run_example("inferno")

    @pytest.mark.parametrize("kind", ["LinearDense", "LinearLateral"])
    def test_inferno_trains_it(self, kind):
        import inferno.learn
        import inferno.neural
        import pytorch_2

        pytorch_2.add()

        def train(library):
            torch.manual_seed(3)
            make = getattr(library, kind)
            shapes = ((4, 5), 6) if kind == "LinearDense" else (12,)
            connection = make(
                *shapes, 1.0, delay=4.0, batch_size=2,
                synapse=library.SingleExponentialCurrent.partialconstructor(60.0, 5.0),
                delay_init=lambda delay: torch.rand_like(delay) * 4)
            connection.updater = connection.defaultupdater()
            neurons = inferno.neural.LIF(
                connection.outshape, 1.0, rest_v=-60.0, reset_v=-65.0, thresh_v=-50.0,
                refrac_t=2.0, time_constant=20.0, resistance=1.0, batch_size=2)
            layer = inferno.neural.Serial(connection, neurons)
            trainer = inferno.learn.STDP(
                lr_post=1e-2, lr_pre=-5e-3, tc_post=20.0, tc_pre=20.0, delayed=True)
            trainer.register_cell("cell", layer.cell)
            before, spikes = connection.weight.detach().clone(), []
            for _ in range(60):
                x = (torch.rand(2, *connection.inshape) < 0.2).float()
                spikes.append(layer(x))
                trainer()
                connection.update()
            assert not torch.equal(connection.weight, before)
            return torch.stack(spikes), connection.weight.detach().clone()

        for expected, got in zip(train(inferno.neural), train(drop_in)):
            assert expected.any()
            assert torch.equal(expected, got)
