# shellcheck shell=bash disable=SC2034,SC2154  # some variables are read, and record_name is set, by scripts
# What the scripts that make a record on this machine's GPU share: gpu_report.sh and tuning_sweep.sh.
# They source it with their own arguments, FOLDER [DEPENDENCIES], and with the name of the record's
# file in `record_name`. It sets folder, dependencies, budget, build, min_time, record, scratch,
# source_id and architecture as the arguments and the environment say, and ends the script with its
# usage and exit code 2 on wrong arguments, with 3 on a machine without a GPU, once the record says so.
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
build=${CUSYNAPSE_REPORT_BUILD:-$root/build/$(basename "$0" .sh)}
min_time=${CUSYNAPSE_REPORT_MIN_TIME:-0.01}
# The products of cuBLAS and PyTorch that sums are compared with: single precision, not TF32.
export NVIDIA_TF32_OVERRIDE=0
record=$folder/$record_name
log=$folder/log.txt
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
SECONDS=0

# Stages may run side by side; the record is one file.
keep_record() { flock "$scratch/lock" python3 "$root/bench/gpu_record.py" "$@"; }

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
  local name=$1 limit=$2 result=$3 output=$scratch/$1.output code status begun left
  shift 3
  left=$(($(remaining) - 5 - left_over))
  if ((limit > left)); then limit=$left; fi
  if ((limit < 2)); then
    keep_record note "$record" "$name" timeout "no time left of $budget s"
    return 1
  fi
  echo "$name ..."
  begun=$EPOCHREALTIME
  timeout --kill-after=5 "$limit" "$@" >"$output" 2>&1
  code=$?
  case $code in
    0) status='done' ;;
    124 | 137) status=timeout ;;
    *) status=failed ;;
  esac
  { printf '\n==== %s: %s, exit code %d\n' "$name" "$status" "$code"; cat "$output"; } \
    >>"$log"
  keep_record add "$record" "$name" "$status" "$code" \
    "$(python3 -c 'import sys; print(round(float(sys.argv[2]) - float(sys.argv[1]), 2))' \
      "$begun" "$EPOCHREALTIME")" "$limit" "$output" "$result"
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
