#!/usr/bin/env bash
# Unpacks Debian's syslog-ng for tests, outside git and beside the system: its package and rsyslog's exclude each other.
#
#   tools/unpack_syslog_ng.sh        into $TOCSIN_SYSLOG_NG_FOLDER, else var/syslog-ng: <folder>/syslog-ng runs it
#
# 1 MB to download, as the user that calls it; nothing is installed. Does nothing where it is there or syslog-ng is
# installed; TOCSIN_SKIP_SETUP=1 does nothing. Without it the tests with syslog-ng are skipped.
set -euo pipefail

# And, where the system does not have them, the libraries it needs.
libraries='libcap2 libglib2.0-0 libivykis0 libjson-c5 libnet1 libnsl2 libpcre3 libtirpc3 libwrap0'

fail() {
  printf 'unpack_syslog_ng: %s\n' "$@" >&2
  exit 1
}

is_installed() { dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed; }

# Names and sums of packages, for who may not or did not ask apt for them.
fetch_lists() {
  mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
  apt=(apt-get -q -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=)
  "${apt[@]}" update
}

download() {
  local package wanted=(syslog-ng-core)
  for package in $libraries; do
    is_installed "$package" || wanted+=("$package")
  done
  echo "unpack_syslog_ng: ${wanted[*]} into $folder"
  apt=(apt-get -q -o APT::Sandbox::User=)
  (cd "$work" && { "${apt[@]}" download "${wanted[@]}" || { fetch_lists && "${apt[@]}" download "${wanted[@]}"; }; })
}

write_wrapper() {
  local modules
  modules=$(dirname "$(find "$work/root/usr/lib/syslog-ng" -name libafsocket.so)")
  cat >"$work/syslog-ng" <<END
#!/bin/sh
root=\$(dirname "\$0")/root
LD_LIBRARY_PATH=\$(echo "\$root"/usr/lib/*-linux-*):\$(echo "\$root"/lib/*-linux-*):\$root/usr/lib/syslog-ng
export LD_LIBRARY_PATH
exec "\$root/usr/sbin/syslog-ng" --module-path="\$root/${modules#"$work/root/"}" --no-caps "\$@"
END
  chmod +x "$work/syslog-ng"
}

main() {
  [[ ${TOCSIN_SKIP_SETUP:-} != 1 ]] || return 0
  ! command -v syslog-ng >/dev/null && [[ ! -x /usr/sbin/syslog-ng ]] || return 0
  folder=${TOCSIN_SYSLOG_NG_FOLDER:-$(cd "$(dirname "$0")/.." && pwd)/var/syslog-ng}
  [[ ! -x $folder/syslog-ng ]] || return 0
  command -v apt-get >/dev/null || fail "this is no Debian; the tests with syslog-ng are skipped"
  mkdir -p "$(dirname "$folder")"
  work=$(mktemp -d "$folder.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  local package
  if ! download >"$work/log" 2>&1; then
    tail -n 10 "$work/log" >&2
    fail "apt-get download failed, see above; the tests with syslog-ng are skipped"
  fi
  for package in "$work"/*.deb; do
    dpkg-deb -x "$package" "$work/root"
  done
  write_wrapper
  "$work/syslog-ng" -V >>"$work/log" 2>&1 || {
    tail -n 5 "$work/log" >&2
    fail "it does not run, see above; the tests with syslog-ng are skipped"
  }
  rm -rf "$work"/*.deb "$work/lists" "$work/cache" "$folder"
  chmod 755 "$work"
  mv "$work" "$folder"
}

main "$@"
