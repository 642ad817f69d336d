#!/usr/bin/env bash
# Builds the fuzzers of a build folder and runs each, from its seeds in fuzz/corpus/<name>; prints a table at the end.
#
#   FUZZ_SECONDS=60 FUZZ_RUNS= FUZZ_AT_ONCE=1 JOBS=2 tools/run_fuzzers.sh build/fuzz [name...]
#
# Each stops after FUZZ_SECONDS (0: never) or FUZZ_RUNS executions (empty: any number), whichever comes first. Words it may
# try: fuzz/dictionaries/<name>.dict. Inputs found on the way are kept in <build>/corpus/<name> and used the next time; what
# crashes is in <build>/crashes. Exit 1 where any fuzzer found something.
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

# The longest input to try, in bytes: what holds a few records. Longer ones find little and cost more.
longest() {
  case $1 in
    archive) echo 8192 ;;
    evtx) echo 1536 ;;
    correlator_state | sniff) echo 512 ;;
    json | windows_xml | rule | rule_tests | ocsf | rows | log_source) echo 320 ;;
    regex) echo 40 ;;
    condition | name) echo 96 ;;
    *) echo 256 ;;
  esac
}

# AddressSanitizer as it is, but for what costs time in each of millions of short executions: a large quarantine, call
# stacks of allocations, the filling of fresh memory, and a false stack that finds uses after return. A crash is run again
# without these: <program> <input>.
export ASAN_OPTIONS=${ASAN_OPTIONS:-quarantine_size_mb=8:malloc_context_size=0:max_malloc_fill_size=0:detect_stack_use_after_return=0}

# How often a line ran is a new path to the fuzzer. Of rules that leads it to ever larger expansions, each a slow execution.
options_of() {
  case $1 in
    rule) echo -use_counters=0 ;;
  esac
}

run() {
  local name=$1 program log=$folder/crashes/$1.log seeds=() result=clean
  mkdir -p "$folder/corpus/$name"
  program=$(find "$folder" -name "${name}_fuzz" -type f -perm -u+x | head -n 1)
  [[ ! -d fuzz/corpus/$name ]] || seeds=("fuzz/corpus/$name")
  [[ ! -f fuzz/dictionaries/$name.dict ]] || seeds+=("-dict=fuzz/dictionaries/$name.dict")
  # -detect_leaks=0: leaks are looked for once, at the end, not whenever a kept buffer grows.
  "$program" -max_total_time="${FUZZ_SECONDS:-60}" -runs="${FUZZ_RUNS:--1}" -max_len="$(longest "$name")" -timeout=30 \
    -rss_limit_mb=3000 -detect_leaks=0 -reload=0 -print_final_stats=1 $(options_of "$name") "-artifact_prefix=$folder/crashes/$name-" \
    "$folder/corpus/$name" "${seeds[@]}" >"$log" 2>&1 || result="FOUND SOMETHING, see $log"
  local runs rate edges
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  rate=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")
  edges=$(grep -oE ' cov: [0-9]+' "$log" | tail -n 1 | tr -dc 0-9 || true)
  [[ $result == clean && -n $runs ]] || result="FOUND SOMETHING, see $log"
  printf '%-18s %12s %10s %8s  %s\n' "$name" "${runs:--}" "${rate:--}" "${edges:--}" "$result" >"$folder/crashes/$name.result"
  echo "fuzz: $name: $result"
  [[ $result == clean ]] || tail -n 30 "$log"
}

mkdir -p "$folder/crashes"
rm -f "$folder"/crashes/*.result
for name in "${names[@]}"; do
  while (($(jobs -rp | wc -l) >= ${FUZZ_AT_ONCE:-1})); do wait -n || true; done
  run "$name" &
done
wait
printf '\n%-18s %12s %10s %8s  %s\n' fuzzer executions per_second edges result
found=0
for name in "${names[@]}"; do
  cat "$folder/crashes/$name.result"
  grep -q ' clean$' "$folder/crashes/$name.result" || found=1
done
exit $found
