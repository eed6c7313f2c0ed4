"""Calls let other threads of Python run."""

import concurrent.futures
import multiprocessing
import threading
import time

import cusynapse
import models
import numpy as np


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


def test_a_forked_process_goes_on_without_the_threads_it_lacks():
    # From a process of its own: other libraries' threads in this one, as JAX's, need not survive it.
    fresh = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=fresh) as executor:
        alone, forked = executor.submit(sums_before_and_after_a_fork).result(timeout=120)
    assert forked == alone
