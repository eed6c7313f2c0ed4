"""bench/gpu_report.sh on programs that stand for a GPU's: gpu_report_test.py PROJECT."""

import pathlib
import sys
import unittest

from made_up_machine import MadeUpMachine

PROJECT = pathlib.Path(sys.argv.pop(1))

FAKES = {
    "cmake": "#!/bin/bash\necho cmake \"$@\" >>\"$FAKES/calls\"\n",
    "ctest": """#!/bin/bash
echo ctest "$@" >>"$FAKES/calls"
case $* in
  *show-only*) echo '{"tests": [{"command": ["true"]}]}' ;;
  *) while (($#)); do
       if [[ $1 == --output-junit ]]; then
         echo '<s><testcase name="a" status="run"><system-out>[  PASSED  ] 3 tests.</system-out>' \\
           '</testcase><testcase name="cuda_graph" status="run">' \\
           '<system-out>a step by calls: made up</system-out></testcase></s>' >"$2"
       fi
       shift
     done ;;
esac
""",
    "compute-sanitizer": """#!/bin/bash
echo compute-sanitizer "$@" >>"$FAKES/calls"
[[ $* == *'--report-api-errors no'* ]] || exit 86  # of calls that are to fail
[[ -e $FAKES/nothing_sanitized ]] || { echo '[  PASSED  ] 1 test.'; nothing_ran=0; }
echo '========= ERROR SUMMARY: 0 errors'
exit "${nothing_ran:-77}"
""",
    "python_with_torch": """#!/bin/bash
echo python "$@" >>"$FAKES/calls"
[[ -e $FAKES/no_torch ]] && { echo 'no made-up torch'; exit 3; }
if [[ $2 == --output ]]; then echo '{"results": [], "versions": {"torch": "made up"}}' >"$3"; fi
""",
}

BENCH = """#!/usr/bin/env python3
import json, os, re, sys
names = {"copy/device_to_device/cuda/float/N:1/R:11": {"GB/s": 1000.0, "of_copy": 1.0},
         "shared_load/16_bytes/cuda/float": {"shared_B/s": 8e12},
         "grouped/single_exponential/bytes/cuda/float/G:200/N:1000/R:11/graph":
             {"GB/s": 500.0, "of_copy": 0.5},
         "dense_sgemm/undelayed/cuda/float/B:1/N:1": {}}
if os.path.exists(os.environ["FAKES"] + "/no_cublas"):
    del names["dense_sgemm/undelayed/cuda/float/B:1/N:1"]
if "--benchmark_list_tests" in sys.argv:
    print(*names, sep="\\n")
    sys.exit()
options = dict(argument.split("=", 1) for argument in sys.argv[1:])
with open(os.environ["FAKES"] + "/calls", "a") as calls:
    print("bench", options["--benchmark_filter"], file=calls)
if "grouped" in options["--benchmark_filter"] and os.path.exists(os.environ["FAKES"] + "/broken"):
    sys.exit("a made-up failure")
if "grouped" in options["--benchmark_filter"] and os.path.exists(os.environ["FAKES"] + "/hangs"):
    with open(options["--benchmark_out"], "w") as file:
        file.write('{"context": {"gpu": "made up"}, "benchmarks": [\\n    {\\n "name": "a_median", '
                   '"real_time": 1, "time_unit": "us", "aggregate_name": "median"\\n    },\\n    {"na')
    sys.exit(124)  # as a program that is ended
rows = [{"name": f"{name}/manual_time_{aggregate}", "aggregate_name": aggregate, "real_time": time,
         "time_unit": "us", **columns}
        for name, columns in names.items() if re.search(options["--benchmark_filter"], name)
        for aggregate, time in (("median", 8.0), ("cv", 0.01))]
with open(options["--benchmark_out"], "w") as file:
    json.dump({"context": {}, "benchmarks": rows}, file)
"""


class Report(MadeUpMachine):
    def setUp(self):
        self.make_machine(FAKES)
        self.write_program(self.folder / "build" / "bench" / "cusynapse_bench", BENCH)

    def report(self, **settings):
        """Runs the script; the exit code, the record, and what it called."""
        done, record, calls = self.run_script(
            PROJECT / "bench" / "gpu_report.sh", "record.json",
            CUSYNAPSE_REPORT_PYTHON=str(self.fakes / "python_with_torch"), **settings)
        return done.returncode, record, calls

    def test_does_every_stage_once(self):
        code, record, calls = self.report()
        self.assertEqual(code, 0)
        self.assertEqual(list(record["stages"]), [
            "configure", "build_bench", "bench_copy", "bench_shared_load", "bench_grouped",
            "bench_dense_sgemm", "build_tests", "test", "comparators", "sanitize_memcheck", "sanitize_racecheck", "sanitize_synccheck",
            "sanitize_initcheck"])
        self.assertEqual(set(self.statuses(record).values()), {"done"})
        self.assertEqual([call.split("--target ")[1].split()[0] for call in calls
                          if call.startswith("cmake --build")], ["cusynapse_bench", "gpu_tests"])
        self.assertEqual(record["device"]["name"], "Made-up GPU")
        self.assertEqual(record["device"]["driver_version"], "1")
        self.assertIsNone(record["device"]["mig.mode.current"])
        self.assertEqual(record["device"]["clocks"],
                         {"sm": "1", "mem": None, "max.sm": "1", "max.mem": "1"})
        self.assertEqual(record["copy_bandwidth_GB_per_s"], 1000.0)
        self.assertEqual(record["shared_load_GB_per_s"], 8000.0)
        self.assertEqual(record["stages"]["comparators"]["result"]["versions"], {"torch": "made up"})
        self.assertTrue(any("-L gpu" in call and "-LE" not in call for call in calls))
        self.assertEqual(record["stages"]["test"]["result"], {
            "programs": {"a": "run", "cuda_graph": "run"}, "passed": 3, "failed": 0, "skipped": 0,
            "cuda_graph": ["a step by calls: made up"]})
        page = (self.out / "benchmarks.md").read_text(encoding="utf-8")
        self.assertIn("| Step of 200 groups of 1000 synapses in a graph | us | at most 10 | 8.00 "
                      "| 1.0 % | yes |", page)

        code, again, calls = self.report()
        self.assertEqual(code, 0)
        self.assertEqual(again["stages"], record["stages"])
        self.assertEqual(again["shared_load_GB_per_s"], 8000.0)
        self.assertEqual([call for call in calls if call.startswith(("bench", "compute-san"))], [])

    def test_goes_on_after_a_failure_and_repeats_that_stage_alone(self):
        (self.fakes / "broken").touch()
        code, record, _ = self.report()
        self.assertEqual(code, 1)
        statuses = self.statuses(record)
        self.assertEqual(statuses.pop("bench_grouped"), "failed")
        self.assertEqual(set(statuses.values()), {"done"})
        self.assertIn("a made-up failure", record["stages"]["bench_grouped"]["output_tail"])
        self.assertIn("at most 10 | not measured",
                      (self.out / "benchmarks.md").read_text(encoding="utf-8"))

        (self.fakes / "broken").unlink()
        code, record, calls = self.report()
        self.assertEqual(code, 0)
        self.assertEqual(set(self.statuses(record).values()), {"done"})
        self.assertEqual([call for call in calls if call.startswith(("bench", "compute-san"))],
                         ["bench ^grouped/.*/cuda/"])

    def test_keeps_what_was_reported_before_a_bench_hung(self):
        (self.fakes / "hangs").touch()
        code, record, _ = self.report()
        self.assertEqual(code, 1)
        grouped = record["stages"]["bench_grouped"]
        self.assertEqual(grouped["status"], "timeout")
        self.assertEqual([bench["name"] for bench in grouped["result"]["benches"]], ["a_median"])

    def test_leaves_time_for_the_tests(self):
        _, record, _ = self.report(CUSYNAPSE_REPORT_SECONDS="160")
        stages = record["stages"]
        self.assertLessEqual(stages["bench_copy"].get("limit_seconds", 0), 5)
        self.assertEqual(stages["test"]["status"], "done")
        self.assertGreater(stages["test"]["limit_seconds"], 60)

    def test_of_sanitizers_that_saw_no_test_is_not_complete(self):
        (self.fakes / "nothing_sanitized").touch()
        code, record, calls = self.report()
        self.assertEqual(code, 1)
        self.assertEqual(self.statuses(record)["sanitize_memcheck"], "failed")
        self.assertEqual(record["stages"]["sanitize_memcheck"]["exit_code"], 0)

    def test_skips_the_comparison_with_its_reason(self):
        (self.fakes / "no_torch").touch()
        code, record, _ = self.report()
        self.assertEqual(code, 0)
        self.assertEqual(record["stages"]["comparators"],
                         {"status": "skipped", "reason": "no made-up torch"})
        self.assertIn("Not compared: no made-up torch.",
                      (self.out / "benchmarks.md").read_text(encoding="utf-8"))

    def test_says_that_there_is_no_cublas(self):
        (self.fakes / "no_cublas").touch()
        code, record, _ = self.report()
        self.assertEqual(code, 0)
        self.assertEqual(record["stages"]["cublas"], {
            "status": "skipped", "reason": "the build found no cuBLAS to compare sums with"})

    def test_is_not_complete_without_the_time_for_the_comparison(self):
        (self.fakes / "no_torch").touch()
        self.report()
        (self.fakes / "no_torch").unlink()
        code, record, _ = self.report(CUSYNAPSE_REPORT_SECONDS="0")
        self.assertEqual(code, 1)
        self.assertEqual(record["stages"].pop("comparators"),
                         {"status": "timeout", "reason": "no time left of 0 s"})
        self.assertEqual(set(self.statuses(record).values()), {"done"})

    def test_says_that_there_is_no_gpu(self):
        (self.fakes / "no_gpu").touch()
        code, record, calls = self.report()
        self.assertEqual(code, 3)
        self.assertIsNone(record["device"])
        self.assertEqual(record["reason"], "nvidia-smi: made-up failure")
        self.assertEqual(record["stages"], {})
        self.assertEqual(calls, [])


if __name__ == "__main__":
    unittest.main()
