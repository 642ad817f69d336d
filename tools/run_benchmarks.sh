#!/usr/bin/env bash
# Runs every benchmark program (*_bench) of a build folder, one after another: two at once would disturb each other.
set -euo pipefail
cd "$(dirname "$0")/.."
mapfile -t programs < <(find "$1" -name '*_bench' -type f -perm -u+x | sort)
[[ ${#programs[@]} -gt 0 ]] || { echo "bench: there are no benchmarks in $1" >&2; exit 1; }
for program in "${programs[@]}"; do
  echo "== $(basename "$program")"
  "$program"
done
