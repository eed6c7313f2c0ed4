#!/usr/bin/env python3
"""Times on one device what dense sums with a delay for every pair are compared with.

comparators.py --output FILE [--device cuda|cpu] [--sizes B,N,R ...] [--seconds S]
comparators.py --check [--device cuda|cpu]

  inferno        a step of Inferno's LinearDense, eager: its synapse and the delayed sum
  torch_compile  the delayed sum as array operations, through torch.compile
  torch_matmul   the product without delays, without TF32

B samples of N inputs and N outputs, histories of R slots, single exponential currents, delays
between the steps. Needs PyTorch, and for the first inferno-ai with einops; what cannot run is left
out with its reason. Before a delayed sum is timed it must give what a loop over the slots gives in
double. On a GPU a call is timed between two events, after the L2 cache was overwritten, as bench/
times its own; the figure is the median of the means of 5 repetitions, each of S seconds of calls.
Where nothing can be compared the exit code is 3, and --check does no more than say why.
"""

import argparse
import json
import os
import statistics
import sys
import time

CUDA_SIZES = ["1,4096,33", "32,4096,33", "1,1024,33", "32,1024,33"]
CPU_SIZES = ["1,64,9", "4,128,9"]
STEP_TIME = 1.0  # ms
CHARGE = 20.0  # pC
TIME_CONSTANT = 5.0  # ms
REPETITIONS = 5
RELATIVE_TOLERANCE = 1e-4
CHECKED_OUTPUTS = 8


class Skipped(Exception):
    """Why a comparator cannot run."""


def why_not(device):
    """Why nothing can be compared, or None."""
    try:
        import torch
    except ImportError as error:
        return f"PyTorch cannot be imported: {error}"
    if device == "cuda" and not torch.cuda.is_available():
        return f"PyTorch {torch.__version__} finds no GPU"
    return None


class Timer:
    """Times calls on a device."""

    def __init__(self, torch, device, seconds):
        self._torch, self._cuda, self._seconds = torch, device == "cuda", seconds
        if self._cuda:
            cache = getattr(torch.cuda.get_device_properties(0), "L2_cache_size", 1 << 26)
            # Takes long enough that the host has enqueued the call before the device comes to it.
            self._flush = torch.zeros(16 * cache + 1, dtype=torch.uint8, device=device)
            self._events = [torch.cuda.Event(enable_timing=True) for _ in range(2)]

    def call(self, function):
        """Seconds of one call."""
        if not self._cuda:
            begin = time.perf_counter()
            function()
            return time.perf_counter() - begin
        self._flush.zero_()
        self._events[0].record()
        function()
        self._events[1].record()
        self._torch.cuda.synchronize()
        return 1e-3 * self._events[0].elapsed_time(self._events[1])

    def measure(self, function):
        for _ in range(3):
            self.call(function)
        means, calls = [], 0
        for _ in range(REPETITIONS):
            times = []
            while not times or sum(times) < self._seconds and len(times) < 1000:
                times.append(self.call(function))
            means.append(statistics.mean(times))
            calls += len(times)
        return {
            "median_us": 1e6 * statistics.median(means),
            "spread": statistics.stdev(means) / statistics.mean(means),
            "calls": calls,
        }


class Problem:
    """Weights, delays and a full history of one size, the same every time."""

    def __init__(self, torch, device, samples, size, slots):
        generator = torch.Generator().manual_seed(1)
        self.torch, self.device = torch, device
        self.out_of_memory = getattr(torch.cuda, "OutOfMemoryError", MemoryError)
        self.samples, self.size, self.slots = samples, size, slots
        self.largest_delay = (slots - 1) * STEP_TIME
        self.weight = torch.rand(size, size, generator=generator).to(device)
        self.delay = (torch.rand(size, size, generator=generator) * self.largest_delay).to(device)
        self.spikes = (torch.rand(slots + 3, samples, size, generator=generator) < 0.1).to(device)
        self.history = torch.zeros(samples, slots, size, device=device)
        decay = torch.exp(torch.tensor(-STEP_TIME / TIME_CONSTANT, device=device))
        current = torch.zeros(samples, size, device=device)
        for step, spikes in enumerate(self.spikes):
            current = current * decay + spikes * (CHARGE / TIME_CONSTANT)
            self.history[:, step % slots] = current
        self.head = torch.tensor((len(self.spikes) - 1) % slots, device=device)  # the newest

    def expected(self):
        """The sums of the first outputs, slot by slot in double."""
        torch = self.torch
        delay = self.delay[:CHECKED_OUTPUTS].double()
        older = torch.ceil(delay / STEP_TIME)
        factor = torch.exp((delay - older * STEP_TIME) / TIME_CONSTANT)
        weight = self.weight[:CHECKED_OUTPUTS].double() * factor
        sums = torch.zeros(self.samples, len(delay), dtype=torch.float64, device=self.device)
        for steps in range(self.slots):
            slot = (self.head.item() - steps) % self.slots
            read = torch.where(older == steps, weight, torch.zeros_like(weight))
            sums += self.history[:, slot].double() @ read.T
        return sums

    def check(self, sums):
        expected = self.expected()
        got = sums[:, :CHECKED_OUTPUTS].double()
        worst = ((got - expected).abs() / expected.abs().clamp_min(1e-30)).max().item()
        if not worst <= RELATIVE_TOLERANCE:
            raise RuntimeError(f"sums differ from the loop's by a relative {worst:.2e}, expected at "
                               f"most {RELATIVE_TOLERANCE:.0e}")


def delayed_sum(torch, history, head, weight, delay):
    """history [B, R, I], weight and delay [O, I]: the sums [B, O]."""
    samples, slots, size = history.shape
    older = torch.ceil(delay / STEP_TIME)
    factor = torch.exp((delay - older * STEP_TIME) / TIME_CONSTANT)
    slot = torch.remainder(head - older.long(), slots)
    index = slot * size + torch.arange(size, device=history.device)
    return (history.reshape(samples, slots * size)[:, index] * (weight * factor)).sum(-1)


def inferno(problem):
    try:
        from inferno.neural import LinearDense, SingleExponentialCurrent
    except ImportError as error:
        raise Skipped(f"Inferno cannot be imported: {error}") from error
    connection = LinearDense(
        problem.size, problem.size, STEP_TIME, delay=problem.largest_delay,
        batch_size=problem.samples,
        synapse=SingleExponentialCurrent.partialconstructor(
            spike_charge=CHARGE, time_constant=TIME_CONSTANT))
    connection = connection.to(problem.device)
    connection.weight = problem.weight
    connection.delay = problem.delay
    for spikes in problem.spikes[:-1]:
        connection.synapse(spikes)
    problem.check(connection(problem.spikes[-1]))
    return lambda: connection(problem.spikes[0])


def torch_compile(problem):
    torch = problem.torch
    if not hasattr(torch, "compiler"):
        raise Skipped(f"PyTorch {torch.__version__} has no torch.compiler")

    def formula(history, head, weight, delay):
        return delayed_sum(torch, history, head, weight, delay)

    # Each size is compiled for itself: otherwise all but the first for any size, and the ninth not at all.
    torch.compiler.reset()
    compiled = torch.compile(formula, dynamic=False)
    arguments = (problem.history, problem.head, problem.weight, problem.delay)
    try:
        sums = compiled(*arguments)
    except problem.out_of_memory:
        raise
    except Exception as error:  # whatever a compiler that is not there or fails throws
        raise Skipped(f"torch.compile: {str(error).splitlines()[0]}") from error
    problem.check(sums)
    return lambda: compiled(*arguments)


def torch_matmul(problem):
    problem.torch.backends.cuda.matmul.allow_tf32 = False
    newest = problem.history[:, problem.head.item()].contiguous()
    transposed = problem.weight.T
    return lambda: newest @ transposed


COMPARATORS = {"inferno": inferno, "torch_compile": torch_compile, "torch_matmul": torch_matmul}


def versions(torch):
    from importlib.metadata import PackageNotFoundError, version
    found = {"torch": torch.__version__}
    try:
        found["inferno-ai"] = version("inferno-ai")
    except PackageNotFoundError:
        pass
    return found


def compare(device, sizes, seconds, save):
    """Gives `save` the report after every figure: whoever is ended before all keeps those there are."""
    import torch
    torch.set_grad_enabled(False)
    problem = Problem(torch, device, 2, 16, 5)
    problem.check(delayed_sum(torch, problem.history, problem.head, problem.weight, problem.delay))
    timer = Timer(torch, device, seconds)
    report = {
        "device": torch.cuda.get_device_name(0) if device == "cuda" else "cpu",
        "versions": versions(torch), "results": [], "skipped": []}
    usable = dict(COMPARATORS)
    for samples, size, slots in sizes:
        for name, prepare in list(usable.items()):
            problem = Problem(torch, device, samples, size, slots)
            try:
                measured = timer.measure(prepare(problem))
            except Skipped as reason:
                report["skipped"].append({"comparator": name, "reason": str(reason)})
                del usable[name]
                continue
            except problem.out_of_memory:
                report["skipped"].append({
                    "comparator": name,
                    "reason": f"{samples} samples of {size} inputs do not fit in memory"})
                continue
            report["results"].append(
                {"comparator": name, "B": samples, "N": size, "R": slots, **measured})
            save(report)
            print(f"{name} B:{samples} N:{size} R:{slots} {measured['median_us']:.1f} us", flush=True)
    save(report)


def size_of(text):
    numbers = [int(number) for number in text.split(",")]
    if len(numbers) != 3 or min(numbers) < 1 or numbers[2] < 2:
        raise argparse.ArgumentTypeError(f"got {text}, expected B,N,R with R at least 2")
    return tuple(numbers)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--check", action="store_true", help="only say why nothing can be compared")
    parser.add_argument("--output", help="the JSON file to write")
    parser.add_argument("--sizes", nargs="+", type=size_of, metavar="B,N,R",
                        help="samples, inputs and outputs, slots")
    parser.add_argument("--seconds", type=float, default=0.05, metavar="S",
                        help="how long a repetition takes, or 1000 calls (0.05)")
    arguments = parser.parse_args()
    reason = why_not(arguments.device)
    if reason:
        print(reason)
        return 3
    if arguments.check:
        return 0
    if not arguments.output:
        parser.error("--output: got nothing, expected a file")
    defaults = CUDA_SIZES if arguments.device == "cuda" else CPU_SIZES

    def save(report):
        with open(arguments.output + ".new", "w", encoding="utf-8") as file:
            json.dump(report, file, indent=1)
            file.write("\n")
        os.replace(arguments.output + ".new", arguments.output)

    compare(arguments.device, arguments.sizes or [size_of(size) for size in defaults],
            arguments.seconds, save)
    return 0


if __name__ == "__main__":
    sys.exit(main())
