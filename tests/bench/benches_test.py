"""The benches of a GPU on an emulated one, at small sizes: benches_test.py PROJECT PROGRAM."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

PROGRAM = pathlib.Path(sys.argv.pop(2))
PROJECT = pathlib.Path(sys.argv.pop(1))
NOTHING_RAN = 77
SMALL = 64
OF_CUBLAS = {"dense_sgemm", "dense_naive", "conv2d_naive"}
sys.dont_write_bytecode = True
sys.path.insert(0, str(PROJECT / "bench"))

import benchmarks_page  # pylint: disable=wrong-import-position


def run(*arguments, divisor):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False,
                          env={**os.environ, "CUSYNAPSE_BENCH_DIVISOR": str(divisor)})


def names(divisor):
    listed = run("--benchmark_list_tests", "--benchmark_filter=/cuda/", divisor=divisor)
    return [name.removesuffix("/manual_time") for name in listed.stdout.splitlines() if "/cuda/" in name]


def without_sizes(names_with_sizes):
    return [re.sub(r"(N:|x|_f)\d+", r"\1", name) for name in names_with_sizes]


class Benches(unittest.TestCase):
    def test_all_run_at_small_sizes(self):
        small = names(SMALL)
        self.assertEqual(without_sizes(small), without_sizes(names(1)))
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder) / "report.json"
            done = run("--benchmark_filter=/cuda/", "--benchmark_min_time=0",
                       "--benchmark_repetitions=1", f"--benchmark_out={out}",
                       "--benchmark_out_format=json", divisor=SMALL)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            report = json.loads(out.read_text(encoding="utf-8"))
        self.assertEqual([row["run_name"].removesuffix("/manual_time") for row in report["benchmarks"]],
                         small)
        for row in report["benchmarks"]:
            self.assertEqual(row["calls_per_graph"], 32 if "/graph" in row["name"] else 0, row)
            self.assertGreater(row["real_time"], 0, row)
            if row["name"].startswith("shared_load/"):
                self.assertGreater(row["shared_B/s"], 0)
            else:
                self.assertGreater(row["of_copy"], 0, row)
        self.assertEqual(report["context"]["gpu"], "emulated device")

    def test_have_the_names_that_the_page_of_figures_asks_for(self):
        listed = names(1)
        for target in benchmarks_page.TARGETS:
            self.assertIn(target.bench, listed)
        operations = {name.split("/")[0] for name in listed}
        on_the_page = set(benchmarks_page.LIMITS).union(
            *(family for _, _, family in benchmarks_page.FAMILIES))
        self.assertLessEqual(operations, on_the_page)
        self.assertIn(on_the_page - operations, [set(), OF_CUBLAS])  # where there is none

    def test_refuse_a_divisor_that_is_none(self):
        for divisor in ("", "0", "65", "8x"):
            done = run("--benchmark_list_tests", divisor=divisor)
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"CUSYNAPSE_BENCH_DIVISOR: got {divisor}, expected 1 to 64", done.stderr)


if __name__ == "__main__":
    if not names(1):
        print("the emulated device has no kernels it can read")
        sys.exit(NOTHING_RAN)
    unittest.main()
