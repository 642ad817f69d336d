#!/usr/bin/env bash
# Installs the Debian packages that building, testing or checking Tocsin needs, where they are missing.
#
#   tools/setup.sh run|report|test|package|lint|fuzz|bench|plot...     several groups may be named; each brings what it builds on
#
# Does nothing, and asks nothing of the network, where all of them are installed. Uses sudo, for apt only, where it is
# not run by root. TOCSIN_SKIP_SETUP=1 leaves everything to you, for systems other than Debian.
set -euo pipefail

# group, package, why. What depends on what is at group_packages. Versions: docs/dependencies.md.
packages='
run   g++              the compiler (version 12 or later)
run   cmake            configures the build
run   ninja-build      runs the build
run   pkg-config       finds the libraries
run   ccache           makes the second build quick
run   libsimdjson-dev  reads JSON
run   libre2-dev       regular expressions in linear time
run   libyaml-dev      reads Sigma rules
run   libarchive-dev   reads .gz .zst .xz .zip .tar .7z
run   libcli11-dev     the command line
run   libssl-dev       checksums of rule packages, TLS
run   libboost-dev     the HTTP server (Beast and Asio, headers only)
run   zlib1g-dev       gzip and deflate in requests
run   libzstd-dev      zstd in requests
run   libabsl-dev      local times of time zones
run   tzdata           the time zones
run   libcurl4-openssl-dev  sends mail and webhooks
run   librdkafka-dev   the source that consumes Kafka
run   libnats-dev      the source that consumes NATS JetStream
run   libsoci-dev      transactions on the database of the ledger
run   libsqlite3-dev   the database of the ledger
run   libsystemd-dev   reads the journal of systemd
run   libsodium-dev    password hashes, sealed secrets, tokens
web   npm              installs what the console is built with, the engine of the store and clients of tests
web   nodejs           builds the console, runs clients of tests
test  libgtest-dev     unit tests
test  python3          checks of the source tree
test  jq               runs the examples of the documents
test  npm              installs the engine of the store (tools/install_engine.sh), builds the console and clients (tools/install_clients.sh)
test  nodejs           runs real clients of the HTTP inputs
test  npm              installs the engine of the store (tools/install_engine.sh), builds the console
test  chromium         the browser of the tests of the console; makes PDF of reports
test  systemd-journal-remote  makes journals for tests
test  curl             a real client for the HTTP server
test  nats-server      a real server for the NATS source
test  openssl          certificates for tests
test  rsyslog          a real sender of syslog
test  rsyslog-gnutls   the same over TLS
test  dpkg-dev         makes the Debian package
package dpkg-dev       makes the Debian package
lint  clang-format-19  checks how code is laid out
tidy  clang-19         the compiler whose analysis is used
tidy  clang-tidy-19    finds suspect code
bench python3          runs the benchmarks and prints the table
plot  python3-matplotlib  draws the history of the benchmarks
fuzz  clang-19         the compiler with libFuzzer
fuzz  libclang-rt-19-dev  libFuzzer and the sanitizers
'

fail() {
  printf 'setup: %s\n' "$@" >&2
  exit 1
}

group_packages() {
  case "$1" in
    run) echo run web ;;
    report) echo run ;;
    bench) echo run bench ;;
    package) echo run web package ;;
    plot) echo plot ;;
    test) echo run web test ;;
    lint) echo test lint ;;
    tidy) echo run web test tidy ;;
    fuzz) echo run fuzz ;;
    *) fail "there is no group '$1'; groups: run report bench package plot test lint tidy fuzz" ;;
  esac
}

wanted_lines() {
  local group part
  for group in "$@"; do
    for part in $(group_packages "$group"); do
      awk -v part="$part" '$1 == part' <<<"$packages"
    done
  done | awk '!seen[$2]++'
}

# npm and node may also have come from elsewhere than Debian.
is_installed() {
  case "$1" in
    npm) ! command -v npm >/dev/null || return 0 ;;
    nodejs) ! command -v node >/dev/null || return 0 ;;
  esac
  dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

check_system() {
  local id='' version=''
  if [[ -r /etc/os-release ]]; then
    id=$(. /etc/os-release && echo "${ID:-}")
    version=$(. /etc/os-release && echo "${VERSION_ID:-}")
  fi
  if [[ $id != debian || -z $version || ${version%%.*} -lt 12 ]] || ! command -v apt-get >/dev/null; then
    fail "this is '${id:-unknown} ${version}'; packages can be installed for you on Debian 12 or later only." \
      "Elsewhere install what corresponds to these, then set TOCSIN_SKIP_SETUP=1:" "$@"
  fi
}

install_packages() {
  [[ $# -gt 0 ]] || fail "which group? run report bench package plot test lint tidy fuzz"
  [[ ${TOCSIN_SKIP_SETUP:-} != 1 ]] || return 0
  local lines missing=() reasons=() package why
  lines=$(wanted_lines "$@")
  while read -r _ package why; do
    if ! is_installed "$package"; then
      missing+=("$package")
      reasons+=("$(printf '  %-18s %s' "$package" "$why")")
    fi
  done <<<"$lines"
  [[ ${#missing[@]} -gt 0 ]] || return 0
  check_system "${reasons[@]}"

  local as_root=()
  if [[ $(id -u) -ne 0 ]]; then
    command -v sudo >/dev/null || fail "these packages are missing and there is no sudo; as root, run:" \
      "  apt-get update && apt-get install --no-install-recommends ${missing[*]}"
    as_root=(sudo)
  fi
  echo "setup: installing with apt:"
  printf '%s\n' "${reasons[@]}"
  local log
  log=$(mktemp)
  trap "rm -f '$log'" EXIT
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)
  if ! "${apt[@]}" update >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "setup: 'apt-get update' failed, see above; going on with the list of packages that is there." >&2
  fi
  if ! "${apt[@]}" install --no-install-recommends "${missing[@]}" >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    fail "'apt-get install ${missing[*]}' failed, see above."
  fi
  echo "setup: done"
}

# The engine of the store and the clients that tests start are no Debian packages: npm brings them, for the groups that run
# them. syslog-ng is one, but not to be installed beside rsyslog.
main() {
  install_packages "$@"
  local tools
  tools=$(dirname "$0")
  [[ " $* " != *" run "* && " $* " != *" test "* ]] || "$tools/install_engine.sh"
  [[ " $* " != *" test "* ]] || "$tools/install_clients.sh"
  [[ " $* " != *" test "* ]] || "$tools/unpack_syslog_ng.sh" || true  # It says what is wrong; its tests are skipped.
}

main "$@"
