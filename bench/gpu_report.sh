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
# Exit code: 0 all stages done, or all but the comparisons, for want of PyTorch or cuBLAS; 1 some failed
# or did not run, 2 wrong usage, 3 no GPU.
record_name=record.json
# shellcheck source=bench/gpu_stages.sh
. "$(dirname "${BASH_SOURCE[0]}")/gpu_stages.sh"
time_for_tests=150  # which benches leave, of the budget
python=${CUSYNAPSE_REPORT_PYTHON:-python3}
sanitizer_filter=${CUSYNAPSE_SANITIZER_FILTER:-'*cuda0*:Cuda*:Ranges*:GoldenReplay*'}

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
  elif ! grep -qx dense_sgemm "$scratch/operations"; then
    keep_record note "$record" cublas skipped 'the build found no cuBLAS to compare sums with'
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
  why_not=$(tail -n 1 <<<"$why_not")
  keep_record note "$record" comparators skipped "${why_not:-PyTorch did not start within 60 s}"
fi

# gpu_tests: the command line of every test of the library on the GPU, quoted for the shell. What
# the documents and the examples run besides, the library's tests run as well.
gpu_tests() {
  ctest --test-dir "$build" -L gpu -LE 'docs|demo' --show-only=json-v1 | python3 -c '
import json, shlex, sys
for test in json.load(sys.stdin)["tests"]:
    print(shlex.join(test["command"]))'
}

# sanitize SANITIZER TOOL TESTS_FILE: every test under a tool; fails when one does. Calls of CUDA that
# fail are the tests' affair: some must.
sanitize() {
  local sanitizer=$1 tool=$2 line code status=0
  local -r nothing_ran=77  # of a program that has no test of the filter
  while IFS= read -r line; do
    eval "set -- $line"
    code=0
    "$sanitizer" --tool "$tool" --report-api-errors no --error-exitcode 86 "$@" </dev/null ||
      code=$?
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
