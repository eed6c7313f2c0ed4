#!/usr/bin/env python3
"""The candidates of launch policies and the benches that time them, for bench/tuning_sweep.sh.

tuning_table.py --variants   prints how many builds have every candidate in one of them
tuning_table.py --filter     prints the benches to run, as a regular expression
tuning_table.py RECORD       compares the candidates, adds that to the record and prints a table for
                             each policy. Exit code 1: some stage is not done, or a policy not measured
"""

import math
import pathlib
import re
import statistics
import sys

import gpu_record

TUNING = pathlib.Path(__file__).resolve().parent.parent / "kernels" / "cuda" / "tuning.cuh"

# What times the kernels of each policy that has candidates: large calls, which no other policy's
# kernels decide.
BENCHES = {
    "StepPolicy": "^step(_sequence)?/(delta_plus|single_exponential|double_exponential)/bytes/cuda/"
                  "(float|double|float16)/B:32/N:524288/",
    "SelectPolicy": "^select/(single|double)_exponential/off_grid/cuda/(float|double)/B:32/N:524288/",
    "PlanPolicy": "^delay_plan/.*/cuda/float/N:4096/",
    "DensePolicy<float>": "^dense/single_exponential/cuda/float/B:[0-9]+/N:(1024|4096)/R:33/",
    "SumPolicy": "^(direct|conv2d)/single_exponential/.*cuda/float/B:32/",
}
COPY = "^copy/.*/cuda/"


def candidates():
    """Threads and least blocks of every candidate, by policy, as tuning.cuh has them."""
    text = re.sub(r"//.*", "", TUNING.read_text(encoding="utf-8"))
    found = {policy: [[int(n) for n in shape]
                      for shape in re.findall(r"LaunchShape<(\d+), (\d+)>", shapes)]
             for policy, shapes in re.findall(r"struct (\S+) : Candidates<([^;{]*)> \{\};", text)}
    if set(found) != set(BENCHES):
        sys.exit(f"tuning_table.py: got candidates of {sorted(found)} in {TUNING}, "
                 f"expected of {sorted(BENCHES)}, which have benches")
    return found


def times_of(record, run, pattern):
    """Microseconds of each bench in a run by round: {round: {bench: time}}."""
    rounds = {}
    for name, stage in record["stages"].items():
        stage_round = re.fullmatch(rf"bench_(\d+)_{run}", name)
        if stage_round and stage["status"] == "done":
            rounds[int(stage_round[1])] = {
                bench["name"].split("/manual_time")[0]: bench["real_time"]
                for bench in stage["result"]["benches"]
                if bench.get("aggregate_name") == "median" and re.search(pattern, bench["name"])}
    return rounds


def ratios(times, default_times):
    """Times over those of the default in the same round, by bench and of all (the geometric mean):
    {bench: [ratio of each round]}."""
    by_bench = {}
    for number in sorted(times):
        both = {bench: time / default_times[number][bench] for bench, time in times[number].items()
                if bench in default_times.get(number, {})}
        if both:
            both["all"] = math.exp(statistics.fmean(math.log(ratio) for ratio in both.values()))
        for bench, ratio in both.items():
            by_bench.setdefault(bench, []).append(ratio)
    return by_bench


def compared(rounds, noise):
    """A candidate's ratios in a bench: their median, and whether it is beyond noise, which the
    default's own ratios between its two runs of a round tell, in every round."""
    result = {"ratio": statistics.median(rounds), "rounds": rounds, "verdict": "noise"}
    if noise is None or len(rounds) < 2:
        result["verdict"] = "unknown"
    elif max(rounds) < 1 - noise:
        result["verdict"] = "faster"
    elif min(rounds) > 1 + noise:
        result["verdict"] = "slower"
    return result


def compare(record, policy, shapes):
    pattern = BENCHES[policy]
    default_times = times_of(record, 0, pattern)
    again = ratios(times_of(record, "again", pattern), default_times)
    noise = {bench: max(abs(ratio - 1) for ratio in rounds)
             for bench, rounds in again.items() if len(rounds) >= 2}
    by_bench = {}
    for times in default_times.values():
        for bench, time in times.items():
            by_bench.setdefault(bench, []).append(time)
    result = {"microseconds": {bench: statistics.median(times) for bench, times in by_bench.items()},
              "noise": noise, "candidates": []}
    for variant, shape in enumerate(shapes):
        build = record["stages"].get(f"build_{variant}", {})
        entry = {"threads": shape[0], "min_blocks": shape[1],
                 **(build.get("result") or {}).get(policy, {}), "benches": {}}
        if variant > 0:
            times = times_of(record, variant, pattern)
            entry["benches"] = {bench: compared(rounds, noise.get(bench))
                                for bench, rounds in ratios(times, default_times).items()}
        result["candidates"].append(entry)
    faster = [entry for entry in result["candidates"]
              if entry["benches"].get("all", {}).get("verdict") == "faster"]
    best = min(faster, key=lambda entry: entry["benches"]["all"]["ratio"], default=None)
    result["best"] = None if best is None else [best["threads"], best["min_blocks"]]
    return result


def percent(share):
    return "" if share is None else f"{100 * share:.1f} %"


def show(policy, result):
    """A table: the default's time, noise, and the other candidates' times as ratios to it."""
    marks = {"faster": "+", "slower": "-", "noise": " ", "unknown": "?"}
    entries = result["candidates"]
    labels = [f"{entry['threads']} x {entry['min_blocks']}" for entry in entries]

    def line(title, *columns):
        print(f"  {title:72}" + "".join(f"{column:>13}" for column in columns))

    if not result["microseconds"]:
        print(f"\n{policy}: not measured")
        return
    print(f"\n{policy}")
    line("threads x least blocks", labels[0], "noise", *labels[1:])
    for bench in [*result["microseconds"], "all"]:
        time = result["microseconds"].get(bench)
        line(bench, "" if time is None else f"{time:.2f} us", percent(result["noise"].get(bench)),
             *(f"{found['ratio']:.3f} {marks[found['verdict']]}" if found else "none"
               for found in (entry["benches"].get(bench) for entry in entries[1:])))
    for title, field in (("registers at most", "registers"), ("bytes spilled", "spilled_bytes")):
        most = [entry.get(field, "unknown") for entry in entries]
        line(title, most[0], "", *most[1:])
    if result["best"] is None:
        print(f"  best: {labels[0]}, which is built; no other is faster beyond noise")
    else:
        best = entries[[[e["threads"], e["min_blocks"]] for e in entries].index(result["best"])]
        print("  best: {} x {}, ".format(*result["best"]) +
              f"{percent(1 - best['benches']['all']['ratio'])} less time; "
              f"noise {percent(result['noise'].get('all'))}")


def main(path):
    record = gpu_record.load(path)
    record["policies"] = {policy: compare(record, policy, shapes)
                          for policy, shapes in candidates().items()}
    copies = [bench["GB/s"] for stage in record["stages"].values()
              for bench in (stage.get("result") or {}).get("benches", [])
              if bench.get("aggregate_name") == "median" and re.search(COPY, bench["name"])]
    if copies:
        record["copy_bandwidth_GB_per_s"] = statistics.median(copies)
        print(f"copy: {min(copies):.0f} to {max(copies):.0f} GB/s in {len(copies)} runs")
    gpu_record.save(path, record)
    for policy, result in record["policies"].items():
        show(policy, result)
    print("\n+ faster and - slower than what is built, in every round by more than its two runs of a "
          "round differ in any; ? fewer than two rounds")
    left = {name: stage for name, stage in record["stages"].items() if stage["status"] != "done"}
    for name, stage in left.items():
        print(f"{name}: {stage['status']} {stage.get('reason', '')}")
    is_measured = all(result["microseconds"] for result in record["policies"].values())
    sys.exit(0 if is_measured and not left else 1)


if __name__ == "__main__":
    if sys.argv[1:] == ["--variants"]:
        print(max(len(shapes) for shapes in candidates().values()))
    elif sys.argv[1:] == ["--filter"]:
        print("|".join([COPY, *BENCHES.values()]))
    elif len(sys.argv) == 2:
        main(sys.argv[1])
    else:
        sys.exit(__doc__)
