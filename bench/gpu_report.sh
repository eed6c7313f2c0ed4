#!/usr/bin/env bash
# gpu_report.sh FOLDER [DEPENDENCIES]: builds, measures, tests, compares and sanitizes the project on
# this machine's GPU, and writes FOLDER/record.json, FOLDER/log.txt and, from the record,
# FOLDER/benchmarks.md with its figures.
#
# DEPENDENCIES (or $CUSYNAPSE_DEPENDENCIES) is a folder with sources of GoogleTest and Google
# Benchmark in googletest/ and benchmark/, for machines that have neither them nor a network.
# Other settings, from the environment:
#   CUSYNAPSE_REPORT_SECONDS    time all stages together may take (570)
#   CUSYNAPSE_REPORT_BUILD      build folder (build/gpu_report)
#   CUSYNAPSE_REPORT_MIN_TIME   seconds a repetition of a bench lasts at least (0.01)
#   CUSYNAPSE_REPORT_PYTHON     Python that has PyTorch and, for all comparisons, Inferno (python3)
#   CUSYNAPSE_SANITIZER_FILTER  GoogleTest filter of the tests run under compute-sanitizer (those that
#                               use a GPU)
#   CUSYNAPSE_COMMIT            commit to record where there is no git
#
# Stages have time limits, and one that fails or runs out of time does not stop the others. Benches
# come first and leave time for the tests; sanitizers, the slowest, come last. The
# record is written after every stage; run again with the same FOLDER, the script repeats only what
# is not recorded as done for the same sources and the same GPU. It needs bash, Python 3, CMake and
# nvcc, and changes no setting of the GPU.
#
# Exit code: 0 all stages done, or all but the comparison, for want of PyTorch; 1 some failed or did
# not run, 2 wrong usage, 3 no GPU.
set -uo pipefail

if [[ $# -lt 1 || $# -gt 2 || $1 == -* ]]; then
  sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
mkdir -p "$1" || exit 2
folder=$(cd "$1" && pwd)
dependencies=${2:-${CUSYNAPSE_DEPENDENCIES:-}}
if [[ -n $dependencies ]]; then
  dependencies=$(cd "$dependencies" && pwd) || exit 2
fi
budget=${CUSYNAPSE_REPORT_SECONDS:-570}
time_for_tests=150  # which benches leave, of the budget
build=${CUSYNAPSE_REPORT_BUILD:-$root/build/gpu_report}
min_time=${CUSYNAPSE_REPORT_MIN_TIME:-0.01}
python=${CUSYNAPSE_REPORT_PYTHON:-python3}
sanitizer_filter=${CUSYNAPSE_SANITIZER_FILTER:-'*cuda0*:Cuda*:Ranges*:GoldenReplay*'}
# The products of cuBLAS and PyTorch that sums are compared with: single precision, not TF32.
export NVIDIA_TF32_OVERRIDE=0
record=$folder/record.json
log=$folder/log.txt
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
SECONDS=0

cat >"$scratch/record.py" <<'PYTHON'
"""Keeps the record: one JSON file, replaced whole after every stage."""
import datetime
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree


def load(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def save(path, record):
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(record, file, indent=1)
        file.write("\n")
    os.replace(path + ".new", path)


def output_of(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def gpu_fields(*fields):
    """What nvidia-smi, which can take a second to start, says of the GPU; None for what it does not know."""
    answer = output_of("nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader",
                       "--id=0")
    values = answer.split(", ") if answer else []
    if len(values) != len(fields):  # it answers nothing where it knows no field of one name
        return {} if len(fields) == 1 else {
            name: value for field in fields for name, value in gpu_fields(field).items()}
    return {field: value for field, value in zip(fields, values)
            if "not supported" not in value.lower()}


def clocks():
    names = ("sm", "mem", "max.sm", "max.mem")
    found = gpu_fields(*(f"clocks.{name}" for name in names))
    return {name: found.get(f"clocks.{name}") for name in names}


def device():
    fields = ("name", "driver_version", "compute_cap", "memory.total", "power.limit", "pstate",
              "temperature.gpu", "ecc.mode.current", "mig.mode.current")
    found = gpu_fields(*fields)
    if "name" not in found:
        return None
    return {**{field: found.get(field) for field in fields}, "clocks": clocks()}


def processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            found = re.search(r"^model name\s*: (.*)$", file.read(), re.MULTILINE)
    except OSError:
        found = None
    return found.group(1) if found else None


def begin(path, root, source, reason):
    """Starts a record, or goes on with one of the same sources and GPU."""
    def git(*arguments):
        return output_of("git", "-c", "safe.directory=*", "-C", root, *arguments)

    changes = git("status", "--porcelain", "--", ".", ":(exclude)bench/results")
    compiler = output_of("nvcc", "--version")
    release = re.search(r"release (\S+), (\S+)", compiler or "")
    record = {
        "commit": os.environ.get("CUSYNAPSE_COMMIT") or git("rev-parse", "HEAD"),
        "dirty": None if changes is None else changes != "",
        "source": source,
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "device": None if reason else device(),
        "reason": reason or None,
        "cuda": release.group(2) if release else None,
        "host": {"cpu": processor(), "cores": os.cpu_count()},
        "copy_bandwidth_GB_per_s": None,
        "shared_load_GB_per_s": None,
        "stages": {},
    }
    before = load(path)
    same_device = (before.get("device") or {}).get("name") == (record["device"] or {}).get("name")
    if before.get("source") == source and same_device:
        record["stages"] = {name: stage for name, stage in before.get("stages", {}).items()
                            if stage["status"] == "done"}
        for limit in ("copy_bandwidth_GB_per_s", "shared_load_GB_per_s"):
            record[limit] = before.get(limit)
    save(path, record)


def is_done(path, stage):
    sys.exit(0 if load(path).get("stages", {}).get(stage, {}).get("status") == "done" else 1)


def tests_result(path):
    try:
        suite = xml.etree.ElementTree.parse(path).getroot()
    except (OSError, xml.etree.ElementTree.ParseError):
        return None
    texts = {case.get("name"): case.findtext("system-out") or "" for case in suite.iter("testcase")}
    text = " ".join(texts.values())
    return {
        "programs": {case.get("name"): case.get("status") for case in suite.iter("testcase")},
        "passed": sum(int(n) for n in re.findall(r"\[  PASSED  \] (\d+) test", text)),
        "failed": sum(int(n) for n in re.findall(r"\[  FAILED  \] (\d+) test", text)),
        "skipped": sum(int(n) for n in re.findall(r"\[  SKIPPED \] (\d+) test", text)),
        "cuda_graph": texts.get("cuda_graph", "").split("\n"),  # times of a step, by calls and replayed
    }


def sanitizer_result(text):
    return {
        "errors": [int(n) for n in re.findall(r"ERROR SUMMARY: (\d+) error", text)],
        "hazards": [int(n) for n in re.findall(r"RACECHECK SUMMARY: (\d+) hazard", text)],
        "passed": sum(int(n) for n in re.findall(r"\[  PASSED  \] (\d+) test", text)),
    }


def bench_report(path):
    """A report, or the benches that had been reported when the program was ended."""
    report = load(path)
    if report:
        return report
    try:
        with open(path, encoding="utf-8") as file:
            return json.loads(file.read().rpartition("\n    }")[0] + "}]}")
    except (OSError, ValueError):
        return {}


def bench_result(path):
    report = bench_report(path)
    drop = ("family_index", "per_family_instance_index", "run_name", "threads", "repetition_index",
            "aggregate_unit")
    context = {key: value for key, value in report.get("context", {}).items()
               if key not in ("host_name", "executable")}
    return {
        "context": context,
        "benches": [{key: value for key, value in bench.items() if key not in drop}
                    for bench in report.get("benchmarks", [])
                    if bench.get("aggregate_name") in ("median", "cv") or "error_message" in bench],
    }


def add(path, stage, status, code, seconds, limit, text_path, result_path):
    """Adds a stage, with what its output and result file say."""
    record = load(path)
    try:
        with open(text_path, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError:
        text = ""
    entry = {"status": status, "exit_code": int(code), "seconds": float(seconds),
             "limit_seconds": int(limit), "clocks_after": clocks()}
    if stage == "test":
        entry["result"] = tests_result(result_path)
        # Tests that skipped themselves, for want of a usable GPU, have tested nothing.
        if status == "done" and not (entry["result"] or {}).get("passed"):
            entry["status"] = "failed"
    elif stage.startswith("sanitize_"):
        entry["result"] = sanitizer_result(text)
        # A tool that reports no total has checked nothing, whatever its exit code; nor has one
        # that saw no test.
        result = entry["result"]
        if status == "done" and not (result["passed"] and (result["errors"] or result["hazards"])):
            entry["status"] = "failed"
    elif stage.startswith("bench_"):
        entry["result"] = bench_result(result_path)
        benches = entry["result"]["benches"]
        if status == "done" and (not benches or any("error_message" in b for b in benches)):
            entry["status"] = "failed"
        medians = [b for b in benches if b.get("aggregate_name") == "median"]
        if stage == "bench_copy":
            record["copy_bandwidth_GB_per_s"] = next((b.get("GB/s") for b in medians), None)
        if stage == "bench_shared_load":
            record["shared_load_GB_per_s"] = next(
                (b["shared_B/s"] / 1e9 for b in medians if "shared_B/s" in b), None)
    elif stage == "comparators":
        entry["result"] = load(result_path) or None
    if entry["status"] != "done":
        entry["output_tail"] = text.splitlines()[-40:]
    record["stages"][stage] = entry
    save(path, record)


def note(path, stage, status, reason):
    record = load(path)
    record["stages"][stage] = {"status": status, "reason": reason}
    save(path, record)


def summary(path):
    """Prints the stages, and answers with the exit code of the whole."""
    record = load(path)
    for name, stage in record["stages"].items():
        seconds = stage.get("seconds")
        print(f"{name:24} {stage['status']:8} "
              f"{'' if seconds is None else format(seconds, '7.1f') + ' s'} "
              f"{stage.get('reason', '')}")
        for bench in (stage.get("result") or {}).get("benches", []):
            if bench.get("aggregate_name") == "median":
                print(f"    {bench['name']:84} {bench['real_time']:10.2f} {bench['time_unit']}"
                      + (f" {bench['GB/s']:8.1f} GB/s {bench['of_copy']:6.2f} of copy"
                         if "of_copy" in bench else ""))
    complete = all(stage["status"] == "done" or (name, stage["status"]) == ("comparators", "skipped")
                   for name, stage in record["stages"].items())
    sys.exit(0 if complete else 1)


{"begin": begin, "is_done": is_done, "add": add, "note": note, "summary": summary}[sys.argv[1]](
    *sys.argv[2:])
PYTHON
keep_record() { python3 "$scratch/record.py" "$@"; }

# Identifies the sources, with or without git: a digest of every file that decides the results.
source_digest() {
  (cd "$root" && find CMakeLists.txt README.md cmake include kernels host tests bench examples docs \
    -type f -not -path 'bench/results/*' -not -path '*/__pycache__/*' -print0 | LC_ALL=C sort -z |
    xargs -0 sha256sum | sha256sum | cut -c1-64)
}

remaining() { echo $((budget - SECONDS)); }

left_over=0  # seconds that the stages to come are to find

# run_stage NAME LIMIT RESULT_FILE COMMAND...: runs a command within its own and the total limit.
run_stage() {
  local name=$1 limit=$2 result=$3 code status begun left
  shift 3
  left=$(($(remaining) - 5 - left_over))
  if ((limit > left)); then limit=$left; fi
  if ((limit < 2)); then
    keep_record note "$record" "$name" timeout "no time left of $budget s"
    return 1
  fi
  echo "$name ..."
  begun=$EPOCHREALTIME
  timeout --kill-after=5 "$limit" "$@" >"$scratch/output" 2>&1
  code=$?
  case $code in
    0) status='done' ;;
    124 | 137) status=timeout ;;
    *) status=failed ;;
  esac
  { printf '\n==== %s: %s, exit code %d\n' "$name" "$status" "$code"; cat "$scratch/output"; } \
    >>"$log"
  keep_record add "$record" "$name" "$status" "$code" \
    "$(python3 -c 'import sys; print(round(float(sys.argv[2]) - float(sys.argv[1]), 2))' \
      "$begun" "$EPOCHREALTIME")" "$limit" "$scratch/output" "$result"
  return "$code"
}

# run_once NAME ...: the same, unless the stage is recorded as done.
run_once() {
  if keep_record is_done "$record" "$1"; then
    echo "$1: already done"
    return 0
  fi
  run_stage "$@"
}

source_id=$(source_digest)

reason=
if ! command -v nvidia-smi >/dev/null; then
  reason='nvidia-smi is not on the path'
elif ! nvidia-smi --query-gpu=name --format=csv,noheader --id=0 >"$scratch/name" 2>&1; then
  reason="nvidia-smi: $(tail -n 1 "$scratch/name")"
fi
if [[ -n $reason ]]; then
  keep_record begin "$record" "$root" "$source_id" "$reason"
  echo "no device: $reason"
  exit 3
fi

if ! command -v nvcc >/dev/null && [[ -x /usr/local/cuda/bin/nvcc ]]; then
  PATH=$PATH:/usr/local/cuda/bin
fi
keep_record begin "$record" "$root" "$source_id" ''

capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader --id=0 2>/dev/null)
if [[ $capability =~ ^[0-9]+\.[0-9]+$ ]]; then
  architecture=${capability/./}
else
  architecture=native
fi

# has_package NAME: whether find_package finds it.
has_package() {
  mkdir -p "$scratch/probe"
  printf '%s\n' 'cmake_minimum_required(VERSION 3.25)' 'project(probe CXX)' \
    "find_package($1 REQUIRED)" >"$scratch/probe/CMakeLists.txt"
  cmake -S "$scratch/probe" -B "$scratch/probe/$1" >/dev/null 2>&1
}

has_network() {
  timeout 10 python3 -c \
    'import urllib.request; urllib.request.urlopen("https://github.com", timeout=5)' 2>/dev/null
}

# require_package PACKAGE FOLDER OPTION: adds to `options` what makes OPTION buildable, or turns it
# off and says why in `unavailable`.
require_package() {
  local package=$1 name=$2 option=$3
  unavailable=
  if has_package "$package"; then
    options+=("-D$option=ON")
  elif [[ -n $dependencies && -f $dependencies/$name/CMakeLists.txt ]]; then
    options+=("-D$option=ON" "-DFETCHCONTENT_SOURCE_DIR_${name^^}=$dependencies/$name")
  elif has_network; then
    options+=("-D$option=ON")
  else
    options+=("-D$option=OFF")
    unavailable="$package is not installed, its sources are not in a dependencies folder, and "
    unavailable+="it cannot be downloaded"
  fi
}

# is_built PART: whether that stage is done, here and for these sources.
is_built() {
  local stamp=$build/gpu_report.$1
  [[ -f $stamp && $(<"$stamp") == "$source_id" ]] && keep_record is_done "$record" "build_$1"
}

# build PART TARGET: builds a target, unless a stage before has. What is needed later, or not at
# all, holds nothing up.
build() {
  if is_built "$1"; then
    echo "build_$1: already done"
    return 0
  fi
  if [[ $configured == no ]]; then
    run_stage configure 60 - cmake -S "$root" -B "$build" "${options[@]}" || return 1
    configured=yes
  fi
  run_stage "build_$1" 240 - cmake --build "$build" --target "$2" --parallel "$(nproc)" || return 1
  echo "$source_id" >"$build/gpu_report.$1"
}

options=(-DCMAKE_BUILD_TYPE=Release -DCUSYNAPSE_CUDA=ON -DCUSYNAPSE_BUILD_EXAMPLES=ON
  "-DCMAKE_CUDA_ARCHITECTURES=$architecture" -DCMAKE_CUDA_FLAGS=-lineinfo)
if command -v ninja >/dev/null; then options+=(-G Ninja); fi
require_package GTest googletest CUSYNAPSE_BUILD_TESTS
no_tests=$unavailable
require_package benchmark benchmark CUSYNAPSE_BUILD_BENCH
no_bench=$unavailable

configured=no

bench=$build/bench/cusynapse_bench
if [[ -n $no_bench ]]; then
  keep_record note "$record" bench skipped "$no_bench"
elif ! build bench cusynapse_bench; then
  keep_record note "$record" bench skipped 'the build is not complete'
else
  # The limits come first: the others are compared with them.
  timeout 60 "$bench" --benchmark_list_tests --benchmark_filter=/cuda/ 2>/dev/null | cut -d/ -f1 |
    awk '!seen[$0]++' >"$scratch/operations"
  if [[ ! -s $scratch/operations ]]; then
    keep_record note "$record" bench failed 'the bench program names no bench of the GPU'
  fi
  left_over=$time_for_tests
  while IFS= read -r operation; do
    result=$scratch/$operation.json
    run_once "bench_$operation" 200 "$result" "$bench" \
      "--benchmark_filter=^$operation/.*/cuda/" "--benchmark_min_time=$min_time" \
      "--benchmark_out=$result" --benchmark_out_format=json </dev/null
  done <"$scratch/operations"
  left_over=0
fi

tests_built=no
if [[ -n $no_tests ]]; then
  keep_record note "$record" test skipped "$no_tests"
elif ! build tests gpu_tests; then
  keep_record note "$record" test skipped 'the build is not complete'
else
  tests_built=yes
  run_once test 120 "$scratch/tests.xml" ctest --test-dir "$build" -L gpu --no-tests=error \
    --timeout 60 --output-on-failure --test-output-size-passed 10000000 \
    --output-junit "$scratch/tests.xml"
fi

# Runs on the device the benches ran on, with PyTorch's own events.
if why_not=$(timeout 60 "$python" "$root/bench/comparators.py" --check 2>&1); then
  run_once comparators 120 "$scratch/comparators.json" \
    "$python" "$root/bench/comparators.py" --output "$scratch/comparators.json" </dev/null
else
  keep_record note "$record" comparators skipped "$(tail -n 1 <<<"$why_not")"
fi

# gpu_tests: the command line of every test of the library on the GPU, quoted for the shell. What
# the documents and the examples run besides, the library's tests run as well.
gpu_tests() {
  ctest --test-dir "$build" -L gpu -LE 'docs|demo' --show-only=json-v1 | python3 -c '
import json, shlex, sys
for test in json.load(sys.stdin)["tests"]:
    print(shlex.join(test["command"]))'
}

# sanitize SANITIZER TOOL TESTS_FILE: every test under a tool; fails when one does.
sanitize() {
  local sanitizer=$1 tool=$2 line code status=0
  local -r nothing_ran=77  # of a program that has no test of the filter
  while IFS= read -r line; do
    eval "set -- $line"
    code=0
    "$sanitizer" --tool "$tool" --error-exitcode 86 "$@" </dev/null || code=$?
    if ((code != 0 && code != nothing_ran)); then status=$code; fi
  done <"$3"
  return "$status"
}
export -f sanitize

sanitizer=
for candidate in compute-sanitizer "$(dirname "$(command -v nvcc)")/compute-sanitizer"; do
  if [[ -z $sanitizer ]] && command -v "$candidate" >/dev/null; then sanitizer=$candidate; fi
done
if [[ $tests_built == yes ]]; then gpu_tests >"$scratch/gpu_tests"; fi
for tool in memcheck racecheck synccheck initcheck; do
  stage=sanitize_$tool
  if [[ -z $sanitizer ]]; then
    keep_record note "$record" "$stage" skipped 'compute-sanitizer is not installed'
  elif [[ ! -s $scratch/gpu_tests ]]; then
    keep_record note "$record" "$stage" skipped 'there are no tests of the GPU to run'
  else
    run_once "$stage" 120 - env "GTEST_FILTER=$sanitizer_filter" CUSYNAPSE_TEST_SMALL=1 \
      bash -c "sanitize \"\$@\"" sanitize "$sanitizer" "$tool" "$scratch/gpu_tests"
  fi
done

python3 "$root/bench/benchmarks_page.py" --record "$record" --output "$folder" ||
  echo 'the page of benchmarks could not be written' >&2
keep_record summary "$record"
