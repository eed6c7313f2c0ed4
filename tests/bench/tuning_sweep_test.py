"""bench/tuning_sweep.sh on programs that stand for a GPU's: tuning_sweep_test.py PROJECT."""

import pathlib
import re
import subprocess
import sys
import unittest

from made_up_machine import MadeUpMachine

PROJECT = pathlib.Path(sys.argv.pop(1))

FAKES = {
    # A build leaves the bench program in its folder, and says what ptxas would of two kernels.
    "cmake": """#!/bin/bash
echo cmake "$@" >>"$FAKES/calls"
[[ $1 == --build ]] || { mkdir -p "$4"; exit; }
[[ -e $FAKES/broken && $2 == *"/$(<"$FAKES/broken")" ]] && { echo 'a made-up error'; exit 1; }
mkdir -p "$2/bench"
cp "$FAKES/bench" "$2/bench/cusynapse_bench"
for kernel in 10StepPolicyENS_4BodyAEEv 11DensePolicyIfEENS_4BodyBEEv 11DensePolicyIdEENS_4BodyBEEv; do
  echo "ptxas info    : Function properties for _ZN9cusynapse4cuda12index_kernelINS0_$kernel"
  echo '    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads'
  echo "ptxas info    : Used ${#kernel} registers, used 1 barriers, 400 bytes cmem[0]"
done
""",
    # Times of steps: variant 1 takes 0.9 of the default's, 2 less than the default's two runs of a
    # round differ, 3 takes 1.5, and every run a little longer than the one before. Of selections,
    # variant 1 is faster in two rounds of three.
    "bench": """#!/usr/bin/env python3
import json, os, pathlib, re, sys
options = dict(argument.split("=", 1) for argument in sys.argv[1:])
variant = int(pathlib.Path(sys.argv[0]).parents[1].name)
calls = pathlib.Path(os.environ["FAKES"]) / "calls"
measured = calls.with_name("measured")
count = len(measured.read_text()) if measured.exists() else 0
measured.write_text("x" * (count + 1))
with calls.open("a") as file:
    print("bench", variant, file=file)
drift = 1 + 0.005 * count
names = {
    "copy/device_to_device/cuda/float/N:1/R:11": 1,
    "step/single_exponential/bytes/cuda/float/B:32/N:524288/R:11": [1, 0.9, 0.999, 1.5][variant],
    "step/single_exponential/bytes/cuda/float/B:1/N:1024/R:11/graph": 1,
    "select/single_exponential/off_grid/cuda/float/B:32/N:524288/R:11/D:none":
        1.5 if variant == 1 and count > 9 else [1, 0.5, 1, 1][variant],
    "delay_plan/delays/single_exponential/cuda/float/N:4096/R:17": 1,
    "dense/single_exponential/cuda/float/B:32/N:4096/R:33": 1,
    "direct/single_exponential/cuda/float/B:32/N:524288/R:17": 1,
}
rows = [{"name": f"{name}/manual_time_{aggregate}", "aggregate_name": aggregate, "time_unit": "us",
         "real_time": 10 * factor * drift, "GB/s": 100.0}
        for name, factor in names.items()
        if re.search(options["--benchmark_filter"], f"{name}/manual_time")
        for aggregate in ("median", "cv")]
with open(options["--benchmark_out"], "w") as file:
    json.dump({"context": {}, "benchmarks": rows}, file)
""",
}


class Sweep(MadeUpMachine):
    def setUp(self):
        self.make_machine(FAKES)

    def sweep(self, **settings):
        """Runs the script; the exit code, the record, what it called and what it printed."""
        done, record, calls = self.run_script(PROJECT / "bench" / "tuning_sweep.sh", "sweep.json",
                                              **settings)
        return done.returncode, record, calls, done.stdout

    def ran(self, calls):
        return [call for call in calls if call.startswith("bench")]

    def test_measures_every_candidate_by_turns_and_once(self):
        code, record, calls, out = self.sweep()
        self.assertEqual(code, 0, out)
        self.assertEqual(self.ran(calls), [f"bench {k}" for _ in range(3) for k in (0, 1, 2, 3, 0)])
        self.assertEqual(record["device"]["name"], "Made-up GPU")
        self.assertEqual(record["copy_bandwidth_GB_per_s"], 100.0)
        for k in range(4):
            self.assertEqual(record["stages"][f"build_{k}"]["result"]["StepPolicy"],
                             {"kernels": 1, "registers": 25, "spilled_bytes": 0})
            self.assertTrue(any(f"TUNING_VARIANT={k}" in call and call.endswith(f"{k}")
                                for call in calls), calls)

        code, again, calls, _ = self.sweep()
        self.assertEqual(code, 0)
        self.assertEqual(again["stages"], record["stages"])
        self.assertEqual(again["policies"], record["policies"])
        self.assertEqual([call for call in calls if "--build" in call or call in self.ran(calls)], [])

    def test_tells_differences_from_noise(self):
        _, record, _, out = self.sweep()
        step = record["policies"]["StepPolicy"]
        self.assertEqual(list(step["microseconds"]),
                         ["step/single_exponential/bytes/cuda/float/B:32/N:524288/R:11"])
        # The first round's two runs of the default, 4 runs apart.
        self.assertAlmostEqual(step["noise"]["all"], 0.02)
        verdicts = [entry["benches"]["all"]["verdict"] for entry in step["candidates"][1:]]
        self.assertEqual(verdicts, ["faster", "noise", "slower"])
        self.assertAlmostEqual(step["candidates"][1]["benches"]["all"]["rounds"][0], 0.9 * 1.005)
        faster = step["candidates"][1]
        self.assertEqual(step["best"], [faster["threads"], faster["min_blocks"]])
        self.assertIn("best: {} x {}, 9.".format(*step["best"]), out)
        self.assertEqual(step["candidates"][0]["registers"], 25)

        select = record["policies"]["SelectPolicy"]
        self.assertEqual(select["candidates"][1]["benches"]["all"]["verdict"], "noise")
        self.assertIsNone(select["best"])
        self.assertIn("no other is faster beyond noise", out)

    def test_goes_on_without_a_variant_that_does_not_build(self):
        (self.fakes / "broken").write_text("1", encoding="utf-8")
        code, record, _, out = self.sweep()
        self.assertEqual(code, 1)
        self.assertEqual(record["stages"]["build_1"]["status"], "failed")
        self.assertIn("a made-up error", record["stages"]["build_1"]["output_tail"])
        self.assertEqual(record["stages"]["bench_2_1"],
                         {"status": "skipped", "reason": "variant 1 is not built"})
        others = {name: status for name, status in self.statuses(record).items()
                  if not re.fullmatch("build_1|bench_[123]_1", name)}
        self.assertEqual(set(others.values()), {"done"})
        self.assertEqual(len(others), 4 + 3 + 3 * 4)
        self.assertIsNone(record["policies"]["StepPolicy"]["best"])
        self.assertIn("build_1: failed", out)

        (self.fakes / "broken").unlink()
        code, record, calls, _ = self.sweep()
        self.assertEqual(code, 0)
        self.assertEqual(self.ran(calls), ["bench 1"] * 3)
        self.assertEqual(sum("--build" in call for call in calls), 1)
        self.assertEqual(set(self.statuses(record).values()), {"done"})

    def test_goes_on_where_time_ran_out(self):
        code, record, calls, out = self.sweep(CUSYNAPSE_REPORT_SECONDS="0")
        self.assertEqual(code, 1)
        self.assertIn("StepPolicy: not measured", out)
        self.assertEqual(self.ran(calls), [])
        self.assertEqual(self.statuses(record)["configure_0"], "timeout")
        code, record, _, _ = self.sweep()
        self.assertEqual(code, 0)

    def test_says_that_there_is_no_gpu(self):
        (self.fakes / "no_gpu").touch()
        code, record, calls, _ = self.sweep()
        self.assertEqual(code, 3)
        self.assertEqual(record["reason"], "nvidia-smi: made-up failure")
        self.assertEqual(calls, [])

    def test_refuses_candidates_that_no_bench_times(self):
        copy = self.folder / "project"
        for file in ("bench/tuning_table.py", "bench/gpu_record.py", "kernels/cuda/tuning.cuh"):
            (copy / file).parent.mkdir(parents=True, exist_ok=True)
            text = (PROJECT / file).read_text(encoding="utf-8")
            text = text.replace("struct RingPolicy : LaunchShape<256, 3> {}",
                                "struct RingPolicy : Candidates<LaunchShape<256, 3>> {}")
            (copy / file).write_text(text, encoding="utf-8")
        done = subprocess.run([sys.executable, copy / "bench" / "tuning_table.py", "--variants"],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("'RingPolicy'", done.stderr)


if __name__ == "__main__":
    unittest.main()
