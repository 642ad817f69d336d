#!/usr/bin/env bash
# Builds the fuzzers of a build folder and runs each in turn, from its seeds in fuzz/corpus/<name>.
#
#   FUZZ_SECONDS=60 FUZZ_RUNS= JOBS=2 tools/run_fuzzers.sh build/fuzz [name...]
#
# Inputs found on the way are kept in <build>/corpus/<name> and used the next time; what crashes is in <build>/crashes.
# FUZZ_RUNS counts executions and takes the place of the time. Exit 1 where any fuzzer found something.
set -euo pipefail
folder=$1
shift
cd "$(dirname "$0")/.."
mapfile -t all < <(ninja -C "$folder" -t targets all | sed -n 's/^\([a-z0-9_]*\)_fuzz: phony$/\1/p' | grep -v '^cmake_object_order' | sort -u)
names=("$@")
[[ $# -gt 0 ]] || names=("${all[@]}")
[[ ${#names[@]} -gt 0 ]] || { echo "fuzz: there are no fuzzers in $folder" >&2; exit 1; }
for name in "${names[@]}"; do
  [[ " ${all[*]} " == *" $name "* ]] || { echo "fuzz: there is no fuzzer '$name'; there are: ${all[*]}" >&2; exit 1; }
done
echo "building ${#names[@]} fuzzers"
ninja --quiet -C "$folder" -j"${JOBS:-2}" "${names[@]/%/_fuzz}"

limit=("-max_total_time=${FUZZ_SECONDS:-60}")
[[ -z ${FUZZ_RUNS:-} ]] || limit=("-runs=$FUZZ_RUNS")
found=()
mkdir -p "$folder/crashes"
for name in "${names[@]}"; do
  mkdir -p "$folder/corpus/$name"
  program=$(find "$folder" -name "${name}_fuzz" -type f -perm -u+x | head -n 1)
  seeds=()
  [[ ! -d fuzz/corpus/$name ]] || seeds=("fuzz/corpus/$name")
  log=$folder/crashes/$name.log
  if "$program" "${limit[@]}" -timeout=30 -rss_limit_mb=3000 -print_final_stats=1 \
    "-artifact_prefix=$folder/crashes/$name-" "$folder/corpus/$name" "${seeds[@]}" >"$log" 2>&1; then
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    rate=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")
    printf 'fuzz: %-20s clean, %s executions, %s/s\n' "$name" "$runs" "$rate"
    rm -f "$log"
  else
    printf 'fuzz: %-20s FOUND SOMETHING, see %s\n' "$name" "$log"
    tail -n 30 "$log"
    found+=("$name")
  fi
done
[[ ${#found[@]} -eq 0 ]]
