#!/usr/bin/env bash
# Lays out all C++ of the project by .clang-format; with --check says what differs and changes nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=(-i)
[[ ${1:-} != --check ]] || mode=(--dry-run -Werror)
# Tracked and new files alike; without git (an unpacked release) all files.
files() {
  if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git ls-files -z --cached --others --exclude-standard -- 'src/*.h' 'src/*.cc' 'bench/*.h' 'bench/*.cc' 'fuzz/*.cc' 'test/*.cc' 'test/*.h'
  else
    find src bench fuzz test \( -name '*.h' -o -name '*.cc' \) -print0
  fi
}
files | while IFS= read -r -d '' file; do [[ ! -f $file ]] || printf '%s\0' "$file"; done |
  xargs -0 -r -n 32 -P 2 clang-format-19 "${mode[@]}"
