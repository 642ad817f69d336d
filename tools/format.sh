#!/usr/bin/env bash
# Lays out all C++ of the project by .clang-format; with --check says what differs and changes nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
# Tracked and new files alike; without git (an unpacked release) all files.
files() {
  if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git ls-files -z --cached --others --exclude-standard -- 'src/*.h' 'src/*.cc' 'bench/*.h' 'bench/*.cc' 'fuzz/*.cc' 'test/*.cc' 'test/*.h'
  else
    find src bench fuzz test \( -name '*.h' -o -name '*.cc' \) -print0
  fi
}
present() {
  files | while IFS= read -r -d '' file; do [[ ! -f $file ]] || printf '%s\0' "$file"; done
}
if [[ ${1:-} != --check ]]; then
  present | xargs -0 -r -n 32 -P 2 clang-format-19 -i
  exit
fi
# One line a file is enough: what to do about it is always the same.
if ! said=$(present | xargs -0 -r -n 32 clang-format-19 --dry-run -Werror 2>&1); then
  sed -n 's/: error: .*\[-Wclang-format-violations\]$//p' <<<"$said" | awk -F: '!seen[$1]++ {print "format: " $0 ": not laid out by .clang-format"}' >&2
  grep -q 'clang-format-violations' <<<"$said" || printf '%s\n' "$said" >&2
  echo "format: run 'make format'" >&2
  exit 1
fi
