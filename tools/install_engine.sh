#!/usr/bin/env bash
# Installs the engine of the store (libchdb, embedded ClickHouse) with npm, outside git; does nothing where it is there.
#
#   tools/install_engine.sh          into $TOCSIN_ENGINE_FOLDER, else var/engine: <folder>/libchdb.so
#
# 166 MB to download, 559 MB on disk. TOCSIN_SKIP_SETUP=1 does nothing. Without it everything but the store works.
set -euo pipefail

version=26.5.3
fail() {
  printf 'install_engine: %s\n' "$@" >&2
  exit 1
}

main() {
  [[ ${TOCSIN_SKIP_SETUP:-} != 1 ]] || return 0
  local folder=${TOCSIN_ENGINE_FOLDER:-$(cd "$(dirname "$0")/.." && pwd)/var/engine}
  local package
  case "$(uname -m)" in
    x86_64) package=@chdb/lib-linux-x64-gnu ;;
    aarch64) package=@chdb/lib-linux-arm64-gnu ;;
    *) fail "there is no engine for $(uname -m)" ;;
  esac
  local at="$folder/node_modules/$package"
  installed() { [[ -s $at/libchdb.so ]] && grep -q "\"version\": *\"$version\"" "$at/package.json" 2>/dev/null; }
  if ! installed; then
    command -v npm >/dev/null || fail "npm is missing; as root, run: apt-get install --no-install-recommends npm"
    mkdir -p "$folder"
    echo "install_engine: $package@$version into $folder (166 MB to download)"
    local log="$folder/npm.log"
    if ! npm install --prefix "$folder" --no-save --no-audit --no-fund --ignore-scripts "$package@$version" >"$log" 2>&1; then
      tail -n 20 "$log" >&2
      fail "npm failed, see above"
    fi
    installed || fail "$at does not hold libchdb.so of version $version"
  fi
  ln -sfn "node_modules/$package/libchdb.so" "$folder/libchdb.so"
}

main "$@"
