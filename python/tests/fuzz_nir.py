"""Mutates NIR files and reads them: python fuzz_nir.py --minutes 10.

Every file is refused with an error of cusynapse's, or makes a network that runs. A worker does the
reading, so that a crash or a hang (10 s) ends only it; the file that did is kept. The same seed
makes the same files. Exits with 1 where anything went wrong.
"""

import argparse
import ctypes
import gc
import io
import os
import pathlib
import resource
import signal
import subprocess
import sys
import time

MEMORY = 64 << 20  # what a network may take here


def graphs():
    import nir
    import numpy as np
    from test_nir import as_branches, as_expansion, cuba_li, cuba_lif, delayed_graph, li, lif

    generator = np.random.default_rng(0)
    weight = generator.normal(size=(3, 3))
    delays = generator.integers(1, 4, (3, 3))
    branches = delayed_graph(as_branches, weight, delays, cuba_lif((3,)), recurrent=True)
    branches.metadata = {"cusynapse.spike_area": "unit"}
    yield branches
    yield delayed_graph(as_expansion, weight, delays, lif((3,)), recurrent=True)
    yield nir.NIRGraph.from_list(
        nir.Input(np.array([1, 4, 4])),
        nir.Conv2d((4, 4), generator.normal(size=(2, 1, 2, 2)), 1, 0, 1, 1, np.ones(2)),
        nir.Flatten({"input": np.array([2, 3, 3])}, 0, -1),
        nir.Affine(generator.normal(size=(3, 18)), np.ones(3)),
        cuba_li((3,)),
        nir.Scale(np.arange(3.0)),
        li((3,)),
    )


def seeds():
    import nir

    for graph in graphs():
        for compression in (None, "gzip"):
            file = io.BytesIO()
            nir.write(file, graph, compression=compression)
            yield file.getvalue()
            yield in_newest_form(file)


def in_newest_form(file):
    """What a file holds in HDF5's newest structures, which h5py writes only when asked."""
    import h5py

    newest = io.BytesIO()
    with h5py.File(file, "r") as root, h5py.File(newest, "w", libver="latest") as copy:
        for name in root:
            root.copy(name, copy)
    return newest.getvalue()


INTERESTING = [0, 1, 2, 7, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 1 << 20, (1 << 31) - 1, 1 << 31,
               (1 << 32) - 1, 1 << 40, (1 << 63) - 1, 1 << 63, (1 << 64) - 1]  # fmt: skip


def mutate_bytes(whole, generator):
    data = bytearray(whole)
    for _ in range(generator.choice([1, 1, 2, 4, 16])):
        kind, at = generator.integers(5), int(generator.integers(len(data)))
        if kind == 0:
            data[at] ^= 1 << int(generator.integers(8))
        elif kind == 1:
            data[at] = int(generator.integers(256))
        elif kind == 2:
            width = int(generator.choice([2, 4, 8]))
            value = INTERESTING[generator.integers(len(INTERESTING))] % (1 << 8 * width)
            data[at : at + width] = value.to_bytes(width, "little")
        elif kind == 3:
            size, to = int(generator.integers(1, 64)), int(generator.integers(len(data)))
            data[to : to + size] = data[at : at + size]
        else:
            del data[max(at, 8) :]
            if not data:
                break
    return bytes(data)


def mutate_addresses(whole, generator):
    """What may be an address becomes that of something else, or of what it is in: chains close."""
    import numpy as np

    data = bytearray(whole)
    words = np.lib.stride_tricks.sliding_window_view(np.frombuffer(whole, np.uint8), 8)
    words = np.ascontiguousarray(words).view("<u8")[:, 0]
    addresses = np.flatnonzero((words >= 16) & (words < len(whole)))
    for _ in range(generator.choice([1, 1, 2, 4])):
        at, other = generator.choice(addresses, 2)
        value = int(words[other]) if generator.random() < 0.5 else int(at - generator.integers(64))
        data[at : at + 8] = max(value, 0).to_bytes(8, "little")
    return bytes(data)


def mutate_tree(whole, generator):
    """Fields of other types and shapes, missing ones, more of them, and links."""
    import h5py
    import numpy as np

    file = io.BytesIO(whole)
    with h5py.File(file, "r+") as root:
        for _ in range(generator.choice([1, 1, 2, 4])):
            names = []
            root.visit(names.append)
            name = names[generator.integers(len(names))]
            other = names[generator.integers(len(names))]
            kind = generator.integers(6)
            value = [
                np.float64(np.nan), -1, 0, 1 << 40, b"text", "\udcff", np.zeros(0), np.ones((2, 3)),
                np.full(3, 1e300), np.full((3, 3), -0.5), np.array([b"a", b"b"]), h5py.Empty("i4"),
                np.ones(2, bool), np.ones(1, "c16"), np.full(3, 2), np.full((9, 3), 1.0),
                np.zeros(2, [("a", "f4"), ("b", "i4")]),
            ][generator.integers(17)]  # fmt: skip
            if kind < 3:
                if isinstance(value, str):
                    value = np.array([value.encode("utf-8", "surrogateescape")], "S4")
                del root[name]
                root[name] = value
            elif kind == 3:
                del root[name]
            elif kind == 4:
                root[f"{name}.{generator.integers(3)}"] = root[other]
            else:
                del root[name]
                if not name.startswith(other):
                    root[name] = h5py.SoftLink(f"/{other}")
    return file.getvalue()


def read_and_run(path):
    """Whether the file was accepted."""
    import cusynapse
    import numpy as np

    try:
        network = cusynapse.nir.read(
            path, step_time=1.0, time_unit="ms", memory_limit=MEMORY, dtype="float64"
        )
    except cusynapse.Error as error:
        assert isinstance(error, ValueError), error
        return False
    with np.errstate(all="ignore"):
        network.run({name: np.ones((3, 1, *shape)) for name, shape in network.inputs.items()})
    return True


def resident():
    """Bytes in memory, without what was freed and is kept for later."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def work(folder, seed, first, seconds):
    """Reads files from number first on; reports how far it came after each."""
    import cusynapse.nir  # noqa: F401
    import numpy as np

    files, path = list(seeds()), folder / "case.nir"
    end, number, accepted, start = time.monotonic() + seconds, first, 0, None
    while time.monotonic() < end:
        generator = np.random.default_rng([seed, number])
        whole = files[generator.integers(len(files))]
        mutate = generator.choice([mutate_bytes, mutate_addresses, mutate_tree], p=[0.5, 0.2, 0.3])
        try:
            mutated = mutate(whole, generator)
        except (OSError, RuntimeError, ValueError, KeyError, TypeError):
            mutated = whole[: generator.integers(len(whole))]  # h5py would not write that
        path.write_bytes(mutated)
        (folder / "number").write_text(str(number))
        signal.alarm(10)
        accepted += read_and_run(path)
        signal.alarm(0)
        number += 1
        if number - first == 1000:
            start = resident()
        if (number - first) % 1000 == 0:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
            print(
                f"{number} files, {accepted} accepted; resident {resident() >> 10} KiB, "
                f"{(resident() - start) >> 10} KiB more than after the first 1000, "
                f"peak {peak >> 10} KiB",
                flush=True,
            )
    (folder / "number").write_text(str(number))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("fuzz_nir"))
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--worker", action="store_true")
    arguments = parser.parse_args()
    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    if arguments.worker:
        work(folder, arguments.seed, arguments.first, arguments.minutes * 60)
        return 0
    end, first, failures = time.monotonic() + arguments.minutes * 60, arguments.first, 0
    while time.monotonic() < end:
        left = (end - time.monotonic()) / 60
        command = [sys.executable, __file__, "--worker", "--minutes", str(left)]
        command += ["--seed", str(arguments.seed), "--first", str(first), "--folder", str(folder)]
        status = subprocess.run(command, cwd=os.getcwd(), check=False).returncode
        number = int((folder / "number").read_text())
        if status == 0:
            first = number
            break
        failures += 1
        (folder / "case.nir").rename(folder / f"failed_{number}.nir")
        print(f"file {number}: the worker ended with {status}", flush=True)
        first = number + 1
    print(f"{first - arguments.first} files, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
