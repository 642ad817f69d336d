#!/usr/bin/env bash
# Installs the real clients that tests of sources run (test/clients/package.json), as pinned in the lock file; does nothing
# where they are there. TOCSIN_SKIP_SETUP=1 does nothing. Tests that need them are skipped without them.
set -euo pipefail

main() {
  [[ ${TOCSIN_SKIP_SETUP:-} != 1 ]] || return 0
  cd "$(dirname "$0")/../test/clients"
  cmp -s package-lock.json node_modules/.installed-lock.json && return 0
  command -v npm >/dev/null || {
    echo "install_clients: npm is missing; as root, run: apt-get install --no-install-recommends npm" >&2
    exit 1
  }
  echo "install_clients: npm packages into test/clients/node_modules"
  local log
  log=$(mktemp)
  if ! npm ci --ignore-scripts --no-audit --no-fund >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    echo "install_clients: npm failed, see above" >&2
    exit 1
  fi
  rm -f "$log"
  cp package-lock.json node_modules/.installed-lock.json
}

main "$@"
