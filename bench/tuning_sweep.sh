#!/usr/bin/env bash
# tuning_sweep.sh FOLDER [DEPENDENCIES]: builds every candidate of the launch policies of
# kernels/cuda/tuning.cuh, measures them on this machine's GPU, and writes FOLDER/sweep.json and
# FOLDER/log.txt. Prints for each policy its candidates' times beside those of the one that is built
# by default, and whether the differences are larger than noise.
#
# Variant k is a build of the k-th candidate of every policy at once. All are built side by side,
# then measured by turns, in rounds that begin and end with the default: its two figures of a round
# say what noise is.
#
# DEPENDENCIES (or $CUSYNAPSE_DEPENDENCIES) is a folder with sources of Google Benchmark in benchmark/,
# for machines that have neither it nor a network. Other settings, from the environment:
#   CUSYNAPSE_REPORT_SECONDS    time all stages together may take (570)
#   CUSYNAPSE_REPORT_BUILD      build folder (build/tuning_sweep)
#   CUSYNAPSE_REPORT_MIN_TIME   seconds a repetition of a bench lasts at least (0.01)
#   CUSYNAPSE_COMMIT            commit to record where there is no git
#
# Stages have time limits, and one that fails or runs out of time does not stop the others. The
# record is written after every stage; run again with the same FOLDER, the script repeats only what
# is not recorded as done for the same sources and the same GPU. It needs bash, Python 3, CMake and
# nvcc, and changes no setting of the GPU.
#
# Exit code: 0 all stages done, 1 some failed or did not run, 2 wrong usage, 3 no GPU.
record_name=sweep.json
# shellcheck source=bench/gpu_stages.sh
. "$(dirname "${BASH_SOURCE[0]}")/gpu_stages.sh"
table() { python3 "$root/bench/tuning_table.py" "$@"; }
rounds=3
variants=$(table --variants) && filter=$(table --filter) || exit 1

options=(-DCMAKE_BUILD_TYPE=Release -DCUSYNAPSE_CUDA=ON -DCUSYNAPSE_PTXAS_REPORT=ON
  -DCUSYNAPSE_BUILD_TESTS=OFF -DCUSYNAPSE_BUILD_EXAMPLES=OFF
  "-DCMAKE_CUDA_ARCHITECTURES=$architecture")
if command -v ninja >/dev/null; then options+=(-G Ninja); fi
require_package benchmark benchmark CUSYNAPSE_BUILD_BENCH
jobs=$(($(nproc) / variants + 1))

# stages_of VARIANT: its measurements.
stages_of() {
  local round
  for ((round = 1; round <= rounds; ++round)); do
    echo "bench_${round}_$1"
    if (($1 == 0)); then echo "bench_${round}_again"; fi
  done
}

# needs VARIANT: whether some measurement of it is not recorded as done.
needs() {
  local stage
  for stage in $(stages_of "$1"); do
    keep_record is_done "$record" "$stage" || return 0
  done
  return 1
}

is_built() { [[ -f $build/$1/source && $(<"$build/$1/source") == "$source_id" ]]; }

# build_variant VARIANT. What ptxas says of the files compiled is kept for a build that goes on later.
build_variant() {
  local folder=$build/$1
  run_stage "configure_$1" 90 - cmake -S "$root" -B "$folder" "${options[@]}" \
    "-DCMAKE_CUDA_FLAGS=-DCUSYNAPSE_TUNING_VARIANT=$1" &&
    run_stage "build_$1" 400 "$folder/ptxas.txt" bash -o pipefail -c \
      "cmake --build \"\$0\" --target cusynapse_bench --parallel $jobs 2>&1 | tee -a \"\$0/ptxas.txt\"" \
      "$folder" &&
    echo "$source_id" >"$folder/source"
}

# measure VARIANT STAGE
measure() {
  local program=$build/$1/bench/cusynapse_bench result=$scratch/$2.json
  if keep_record is_done "$record" "$2"; then
    echo "$2: already done"
  elif is_built "$1"; then
    run_stage "$2" 90 "$result" "$program" "--benchmark_filter=$filter" \
      --benchmark_repetitions=3 "--benchmark_min_time=$min_time" \
      "--benchmark_out=$result" --benchmark_out_format=json </dev/null
  else
    keep_record note "$record" "$2" skipped "variant $1 is not built"
  fi
}

if [[ -n $unavailable ]]; then
  keep_record note "$record" build failed "$unavailable"
else
  for ((variant = 0; variant < variants; ++variant)); do
    if needs "$variant" && ! is_built "$variant"; then build_variant "$variant" & fi
  done
  wait
  for ((round = 1; round <= rounds; ++round)); do
    for ((variant = 0; variant < variants; ++variant)); do
      measure "$variant" "bench_${round}_$variant"
    done
    measure 0 "bench_${round}_again"
  done
fi
table "$record"
