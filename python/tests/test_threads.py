"""Calls let other threads of Python run, and an object one thread at a time."""

import concurrent.futures
import copy
import functools
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
import time

import cusynapse
import models
import numpy as np
import pytest


def longest_pause_during(call):
    """Runs a call in another thread. Its duration, and the longest this one stood still meanwhile."""
    duration = []

    def timed():
        begin = time.perf_counter()
        call()
        duration.append(time.perf_counter() - begin)

    thread = threading.Thread(target=timed)
    longest, last = 0.0, time.perf_counter()
    thread.start()
    while not duration:
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    thread.join()
    return duration[0], max(longest, time.perf_counter() - last)


def lets_other_threads_run(call):
    """Whether it does once in five: a busy machine stops threads now and then, a lock that is held
    every time."""
    for _ in range(5):
        duration, pause = longest_pause_during(call)
        if pause < duration / 2:
            return True
    return False


def test_the_measure_sees_a_lock_that_is_held():
    assert not lets_other_threads_run(lambda: 3 ** 2_000_000)


def test_a_long_call_lets_other_threads_run():
    connection = cusynapse.LinearDense(
        1024, 1024, models.factory("SingleExponentialCurrent"), delay=20.0, batch_size=8)
    spikes = np.random.default_rng(1).random((200, 8, 1024)) < 0.1
    out = np.empty((200, 8, 1024), np.float32)
    connection.forward_sequence(spikes, out)
    assert lets_other_threads_run(lambda: connection.forward_sequence(spikes, out))


def test_saving_and_loading_let_other_threads_run():
    connection = cusynapse.LinearDense(4096, 2048, models.factory("DeltaCurrent"))
    state = connection.save()
    for call in (connection.save, lambda: connection.load(state), lambda: cusynapse.load(state),
                 connection.__getstate__):
        assert lets_other_threads_run(call)


def test_objects_of_their_own_are_stepped_by_two_threads_at_once():
    synapses = [models.synapse("AlphaCurrent", 50000, delay=3.0) for _ in range(2)]
    spikes = np.random.default_rng(1).random((1, 50000)) < 0.1

    def steps(synapse):
        for _ in range(50):
            synapse.step(spikes)

    threads = [threading.Thread(target=steps, args=(synapse,)) for synapse in synapses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alone = models.synapse("AlphaCurrent", 50000, delay=3.0)
    steps(alone)
    for synapse in synapses:
        np.testing.assert_array_equal(synapse.current(), alone.current())


def test_a_reduction_runs_in_the_calling_thread():
    accumulator = cusynapse.Accumulator(3)
    seen = []
    accumulator.set_reduction(lambda parts: seen.append(threading.get_ident()) or parts[0])
    accumulator.add_positive(np.ones(3, np.float32))
    accumulator.update(np.zeros(3, np.float32))
    assert seen == [threading.get_ident()]


def sum_of_outputs(seed):
    connection = cusynapse.LinearDense(
        256, 256, models.factory("SingleExponentialCurrent"), delay=5.0, batch_size=256, seed=seed)
    spikes = np.random.default_rng(seed).random((256, 256)) < 0.1
    synapse = models.synapse("AlphaCurrent", 65536)
    for _ in range(3):
        synapse.step_sequence(np.ones((2, 1, 65536), bool))
        out = connection.forward(spikes)
    return float(np.asarray(out, np.float64).sum() + synapse.current().sum(dtype=np.float64))


def sums_before_and_after_a_fork():
    alone = [sum_of_outputs(seed) for seed in range(2)]  # OpenMP has started its threads
    with multiprocessing.get_context("fork").Pool(2) as pool:
        return alone, pool.map_async(sum_of_outputs, range(2)).get(timeout=60)


def in_a_fresh_process(function):
    """What it returns where other libraries have no threads, as JAX has, that would not survive a fork."""
    fresh = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=fresh) as executor:
        return executor.submit(function).result(timeout=120)


def test_a_forked_process_goes_on_without_the_threads_it_lacks():
    alone, forked = in_a_fresh_process(sums_before_and_after_a_fork)
    assert forked == alone


class Family:
    """Objects that share memory: calls with an array, during which others are refused; others."""

    def __init__(self, taking, others):
        self.taking, self.others = taking, others


def connection_family():
    factory = models.factory("SingleExponentialCurrent")
    connection = cusynapse.LinearDense(3, 2, factory, delay=4.0, biased=True)
    synapse = connection.synapse
    second = cusynapse.LinearLateral(synapse)
    updater = cusynapse.Updater(connection)
    accumulator = updater["weight"]
    spikes, weights = np.ones((1, 3), np.uint8), np.ones((2, 3), np.float32)
    return Family(
        {
            "LinearDense.forward": (connection.forward, spikes),
            "LinearDense.set": (lambda array: connection.set("weight", array), weights),
            "LinearLateral.forward": (second.forward, spikes),
            "SingleExponentialCurrent.step": (synapse.step, spikes),
            "Accumulator.add_positive": (accumulator.add_positive, weights),
        },
        {
            "LinearDense.sum": connection.sum,
            "LinearDense.weight": lambda: connection.weight,
            "LinearDense.edit": lambda: connection.edit("delay"),
            "LinearDense.batch_size": lambda: connection.batch_size,
            "LinearDense.set_batch_size": lambda: connection.set_batch_size(2),
            "LinearDense.set_weight_storage": lambda: connection.set_weight_storage("float16"),
            "LinearDense.like_bias": lambda: connection.like_bias(np.ones((2, 1), np.float32)),
            "LinearDense.save": connection.save,
            "LinearDense.repr": lambda: repr(connection),
            "LinearDense.copy": lambda: copy.copy(connection),
            "LinearLateral.selector": second.selector,
            "LinearLateral.pickle": lambda: pickle.dumps(second),
            "SingleExponentialCurrent.slots": lambda: synapse.slots,
            "SingleExponentialCurrent.clear": synapse.clear,
            "SingleExponentialCurrent.set_parameters": lambda: synapse.set_parameters(
                spike_charge=1.0, time_constant=1.0),
            "SingleExponentialCurrent as of a new connection": lambda: cusynapse.LinearDense(
                2, synapse),
            "LinearDense as of a new updater": lambda: cusynapse.Updater(connection),
            "Updater.update": updater.update,
            "Updater.getitem": lambda: updater["bias"],
            "Updater.save": updater.save,
            "Accumulator.bounds": lambda: accumulator.bounds,
            "Accumulator.set_reduction": lambda: accumulator.set_reduction("mean"),
        },
    )


def group_family():
    members = [(models.factory("AlphaCurrent"), 3), (models.factory("DeltaCurrent"), 2)]
    group = cusynapse.SynapseGroup(members, delay=2.0)
    spikes = np.zeros(group.input_size, np.uint8)
    return Family(
        {
            "SynapseGroup.step": (group.step, spikes),
            "AlphaCurrent.step": (group[0].step, np.ones((1, 3), np.uint8)),
        },
        {
            "SynapseGroup.refresh": group.refresh,
            "SynapseGroup.len": lambda: len(group),
            "SynapseGroup.getitem": lambda: group[0],
            "SynapseGroup.pickle": lambda: pickle.dumps(group),
            "AlphaCurrent.clear": group[0].clear,
            "DeltaCurrent.current": group[1].current,
        },
    )


def history_family():
    history = cusynapse.History(3, duration=4.0)
    observation = np.ones((1, 3), np.float32)
    return Family(
        {
            "History.push": (history.push, observation),
            "History.select": (history.select, observation),
        },
        {
            "History.pop": history.pop,
            "History.set_duration": lambda: history.set_duration(20.0),
            "History.slots": lambda: history.slots,
            "History.load": lambda: history.load(b""),
        },
    )


def neuron_family():
    neurons = cusynapse.LeakyIntegrateAndFire(3, time_constant=10.0)
    return Family(
        {"LeakyIntegrateAndFire.forward": (neurons.forward, np.ones((1, 3), np.float32))},
        {
            "LeakyIntegrateAndFire.spike": neurons.spike,
            "LeakyIntegrateAndFire.resistance": lambda: neurons.resistance,
        },
    )


def projection_family():
    projection = cusynapse.Projection(3, 2)
    return Family(
        {"Projection.forward": (projection.forward, np.ones((1, 3), np.float32))},
        {
            "Projection.weight": lambda: projection.weight,
            "Projection.reset_parameters": lambda: projection.reset_parameters(1),
        },
    )


def accumulator_family():
    accumulator = cusynapse.Accumulator(3)
    values = np.ones(3, np.float32)
    return Family(
        {
            "Accumulator.add_positive": (accumulator.add_positive, values),
            "Accumulator.update": (accumulator.update, values),
        },
        {"Accumulator.clear": accumulator.clear, "Accumulator.save": accumulator.save},
    )


FAMILIES = [connection_family, group_family, history_family, neuron_family, projection_family,
            accumulator_family]
TAKING = [(make, name) for make in FAMILIES for name in make().taking]


class Watched:
    """An array that calls a function when it is taken."""

    def __init__(self, array, function):
        self.array, self.function = array, function

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()

    def __dlpack__(self, **options):
        self.function()
        return self.array.__dlpack__(**options)


def outcome(call):
    try:
        return call()
    except Exception as error:
        return error


def in_another_thread(call):
    """What a call returns, or raises, in another thread."""
    outcomes = []
    thread = threading.Thread(target=lambda: outcomes.append(outcome(call)))
    thread.start()
    thread.join()
    return outcomes[0]


def state_of(family):
    return {name: outcome(call) for name, call in family.others.items() if name.endswith(".save")}


@pytest.mark.parametrize("make, name", TAKING)
def test_a_second_thread_is_refused_and_changes_nothing(make, name):
    family, alone = make(), make()
    refused = dict(family.others)
    for other, (call, array) in family.taking.items():
        refused[other] = functools.partial(call, array)
    outcomes = {}

    def intrude():
        for other, call in refused.items():
            outcomes[other] = in_another_thread(call)

    call, array = family.taking[name]
    result = call(Watched(array, intrude))
    assert set(outcomes) == set(refused)
    for other, error in outcomes.items():
        assert type(error) is cusynapse.InUse, (other, error)
        assert isinstance(error, RuntimeError) and error.code == "in_use"
        assert str(error).startswith(other.split(".")[0].split(" ")[0] + ": another thread is in a call")
        assert str(error).endswith("hold one threading.Lock in each [in_use]")
    call, array = alone.taking[name]
    np.testing.assert_array_equal(np.asarray(result), np.asarray(call(array)))
    assert state_of(family) == state_of(alone)


@pytest.mark.parametrize("make, name", TAKING)
def test_one_thread_may_call_again_and_another_one_afterwards(make, name):
    family = make()
    call, array = family.taking[name]
    calls = [other for name, other in family.others.items() if ".set_" not in name and ".load" not in name]
    outcomes = []
    call(Watched(array, lambda: outcomes.extend(outcome(other) for other in calls)))
    outcomes.append(in_another_thread(functools.partial(call, array)))
    outcomes.extend(in_another_thread(other) for other in calls)
    assert not [error for error in outcomes if isinstance(error, Exception)]


def test_a_call_that_fails_lets_others_in():
    synapse = models.synapse("DeltaCurrent", 3)
    with pytest.raises(cusynapse.ShapeMismatch):
        synapse.step(np.ones(4, bool))
    with pytest.raises(cusynapse.NotSupported):
        synapse.step(np.ones((1, 3), np.int16))
    assert in_another_thread(lambda: synapse.step(np.ones((1, 3), bool))) is None


def test_a_second_thread_is_refused_during_a_long_call():
    connection = cusynapse.LinearDense(
        1024, 1024, models.factory("SingleExponentialCurrent"), delay=20.0, batch_size=8)
    spikes = np.random.default_rng(1).random((200, 8, 1024)) < 0.1
    thread = threading.Thread(target=lambda: connection.forward_sequence(spikes))
    thread.start()
    is_refused = False
    while thread.is_alive():
        is_refused = is_refused or isinstance(outcome(connection.synapse.current), cusynapse.InUse)
    assert is_refused


def test_two_threads_at_once_make_the_steps_that_are_not_refused():
    synapse = models.synapse("AlphaCurrent", 50000, delay=1000.0)
    spikes = np.random.default_rng(1).random((1, 50000)) < 0.1
    outcomes = []

    def steps():
        for _ in range(200):
            outcomes.append(outcome(lambda: synapse.step(spikes)))

    threads = [threading.Thread(target=steps) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {type(error) for error in outcomes} <= {type(None), cusynapse.InUse}
    assert synapse.pointer() == outcomes.count(None)


def forks_in_a_call():
    history = cusynapse.History(3)
    statuses = []

    def fork():
        process = os.fork()
        if process == 0:
            status = 1
            try:
                status = 0 if isinstance(outcome(history.peek), cusynapse.InUse) else 1
            finally:
                os._exit(status)
        statuses.append(os.waitpid(process, 0)[1])

    history.push(Watched(np.ones((1, 3), np.float32), lambda: in_another_thread(fork)))
    return statuses, bool(history.peek().all())


def test_a_forked_process_is_refused_what_a_thread_of_the_first_was_in():
    assert in_a_fresh_process(forks_in_a_call) == ([0], True)


PROGRAM = '''\
import threading

import cusynapse
import numpy as np

synapse = cusynapse.AlphaCurrent(100000, spike_charge=20.0, time_constant=3.0, delay=20.0)
frames = np.zeros((50, 1, 100000), bool)


def repeat(call, times):
    for index in range(times):
        try:
            call(index)
        except cusynapse.InUse:
            pass


threads = [
    threading.Thread(target=repeat, args=(lambda i: synapse.set_delay(i % 40), 300)),
    threading.Thread(target=repeat, args=(lambda i: synapse.step_sequence(frames), 100)),
]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("there")
'''


def test_two_threads_at_once_do_not_end_the_process():
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (0, "there\n"), ended.stderr


def test_a_reduction_may_call_what_is_updated_and_its_threads_may_not():
    connection = cusynapse.LinearDense(3, 2, models.factory("DeltaCurrent"), delay=4.0)
    updater = cusynapse.Updater(connection)
    outcomes = []

    def reduction(parts):
        outcomes.append(outcome(lambda: connection.to_host("weight").shape))
        outcomes.append(in_another_thread(connection.sum))
        return parts[0]

    updater["weight"].set_reduction(reduction)
    updater["weight"].add_positive(np.ones((2, 3), np.float32))
    updater.update()
    assert outcomes[0] == (2, 3)
    assert isinstance(outcomes[1], cusynapse.InUse)


def test_a_reduction_may_be_replaced_by_itself():
    accumulator = cusynapse.Accumulator(3)

    def reduction(parts):
        accumulator.set_reduction("sum")
        return parts[0]

    accumulator.set_reduction(reduction)
    del reduction
    accumulator.add_positive(np.ones(3, np.float32))
    values = np.zeros(3, np.float32)
    accumulator.update(values)
    np.testing.assert_array_equal(values, 0)  # replacing it forgets all parts
