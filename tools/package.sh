#!/usr/bin/env bash
# Makes the Debian package of a built program.
#
#   tools/package.sh PROGRAM FOLDER      e.g. build/release/tocsin build: writes FOLDER/tocsin_<version>_<architecture>.deb
#
# The same program and commit give the same bytes. TOCSIN_PACKAGE_LEVEL: of the compression, 0 to 9 (default 6).
set -euo pipefail

fail() {
  printf 'package: %s\n' "$@" >&2
  exit 1
}

root=$(cd "$(dirname "$0")/.." && pwd)
program=${1:-}
folder=${2:-}
[[ -n $program && -n $folder ]] || fail "usage: tools/package.sh PROGRAM FOLDER"
[[ -x $program ]] || fail "there is no program $program; build it first, for example with: make package"
for tool in dpkg-deb dpkg-shlibdeps dpkg-architecture strip gzip; do
  command -v "$tool" >/dev/null || fail "$tool is missing; as root, run: apt-get install --no-install-recommends dpkg-dev binutils"
done
program=$(realpath "$program")
mkdir -p "$folder"
folder=$(realpath "$folder")

version=$(sed -n 's/^project(tocsin VERSION \([0-9.]*\).*/\1/p' "$root/CMakeLists.txt")
[[ -n $version ]] || fail "CMakeLists.txt does not tell the version"
architecture=$(dpkg-architecture -qDEB_HOST_ARCH)
maintainer="${DEBFULLNAME:-Tocsin maintainers} <${DEBEMAIL:-maintainers@tocsin.invalid}>"
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct 2>/dev/null || stat -c %Y "$root/CMakeLists.txt")}
export SOURCE_DATE_EPOCH

work=$(mktemp -d "$folder/package.XXXXXX")
trap 'rm -rf "$work"' EXIT
tree=$work/tree
umask 022

put() { install -D -m "$1" "$2" "$tree/$3"; }        # put MODE FROM TO
put_text() { install -D -m "$1" /dev/stdin "$tree/$2"; }  # put_text MODE TO < text

put 0755 "$program" usr/bin/tocsin
strip --strip-unneeded --remove-section=.comment --remove-section=.note "$tree/usr/bin/tocsin"
put 0755 "$root/tools/package/tocsin-install-engine" usr/sbin/tocsin-install-engine
put 0755 "$root/tools/install_engine.sh" usr/lib/tocsin/install_engine.sh
put 0644 "$root/tools/package/tocsin.yaml" etc/tocsin/tocsin.yaml
put 0644 "$root/tools/package/tocsin.service" lib/systemd/system/tocsin.service
put 0644 "$root/tools/package/copyright" usr/share/doc/tocsin/copyright
put 0644 "$root/NOTICE" usr/share/doc/tocsin/NOTICE
put 0644 "$root/docs/configuration.md" usr/share/doc/tocsin/configuration.md
gzip -9nc "$root/tools/package/tocsin.1" | put_text 0644 usr/share/man/man1/tocsin.1.gz
gzip -9nc "$root/tools/package/tocsin-install-engine.8" | put_text 0644 usr/share/man/man8/tocsin-install-engine.8.gz
gzip -9nc <<TEXT | put_text 0644 usr/share/doc/tocsin/changelog.gz
tocsin ($version) unstable; urgency=medium

  * What changed is told in CHANGELOG.md of the source.

 -- $maintainer  $(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")
TEXT

# dpkg-shlibdeps wants the folder of a source package around it.
mkdir -p "$work/debian"
printf 'Source: tocsin\n\nPackage: tocsin\nArchitecture: any\n' >"$work/debian/control"
if ! libraries=$(cd "$work" && dpkg-shlibdeps -O "-e$tree/usr/bin/tocsin" 2>"$work/shlibdeps.log"); then
  cat "$work/shlibdeps.log" >&2
  fail "dpkg-shlibdeps failed, see above"
fi
libraries=$(sed -n 's/^shlibs:Depends=//p' <<<"$libraries")
[[ -n $libraries ]] || fail "dpkg-shlibdeps found no libraries"

mkdir -p "$tree/DEBIAN"
installed_kb=$(du -k -s --apparent-size --exclude=DEBIAN "$tree" | cut -f1)
cat >"$tree/DEBIAN/control" <<TEXT
Package: tocsin
Version: $version
Architecture: $architecture
Maintainer: $maintainer
Installed-Size: $installed_kb
Depends: $libraries, adduser, ca-certificates, tzdata
Recommends: npm
Suggests: chromium
Section: admin
Priority: optional
Description: security operations platform: logs in, explained findings out
 Tocsin takes in logs from many sources, keeps them, evaluates Sigma rules over
 them as they arrive, and shows findings with their explanation in a console in
 the browser. It also works on files from the command line.
 .
 The engine of its store is not part of the package; tocsin-install-engine
 downloads it with npm.
TEXT
echo /etc/tocsin/tocsin.yaml >"$tree/DEBIAN/conffiles"
install -m 0755 "$root"/tools/package/{postinst,prerm,postrm} "$tree/DEBIAN/"
(cd "$tree" && find . -type f -not -path './DEBIAN/*' -printf '%P\0' | LC_ALL=C sort -z | xargs -0 md5sum >DEBIAN/md5sums)
chmod 0644 "$tree"/DEBIAN/{control,conffiles,md5sums}
find "$tree" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

package=$folder/tocsin_${version}_$architecture.deb
dpkg-deb --root-owner-group -Zxz "-z${TOCSIN_PACKAGE_LEVEL:-6}" --build "$tree" "$work/package.deb" >/dev/null
mv "$work/package.deb" "$package"
echo "$package"
