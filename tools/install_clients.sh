#!/usr/bin/env bash
# Installs the clients that tests start (test/clients/package.json) with npm, outside git; does nothing where they are there.
#
# About 70 MB. TOCSIN_SKIP_SETUP=1 does nothing; without them their tests are skipped.
set -euo pipefail

main() {
  [[ ${TOCSIN_SKIP_SETUP:-} != 1 ]] || return 0
  local folder
  folder=$(cd "$(dirname "$0")/../test/clients" && pwd)
  # npm writes this file last; the stamp beside it says for which lock.
  local stamp="$folder/node_modules/.tocsin-lock"
  [[ ! -f $stamp ]] || ! cmp -s "$stamp" "$folder/package-lock.json" || return 0
  if ! command -v npm >/dev/null; then
    echo "install_clients: npm is missing; as root, run: apt-get install --no-install-recommends npm" >&2
    return 1
  fi
  echo "install_clients: npm ci in test/clients"
  local log
  log=$(mktemp)
  if ! npm ci --prefix "$folder" --no-audit --no-fund --ignore-scripts >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    echo "install_clients: npm failed, see above" >&2
    return 1
  fi
  rm -f "$log"
  cp "$folder/package-lock.json" "$stamp"
}

main "$@"
