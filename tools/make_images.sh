#!/usr/bin/env bash
# Draws the pictures of docs/images in a headless Chromium (Debian package chromium).
#
#   tools/make_images.sh build/release   those of the report: detects over the sample logs
#   tools/make_images.sh console         those of the console: made by its browser tests; needs web/dist (target `console`)
set -euo pipefail
cd "$(dirname "$0")/.."
if [[ ${1:?make_images: give a build folder, or console} == console ]]; then
  pictures=build/screenshots
  rm -f "$pictures"/readme-*.png
  (cd web && node --test --test-name-pattern='pictures for the README' test/pages.test.mjs >/dev/null) ||
    { echo "make_images: the browser test failed; see: cd web && npm test" >&2; exit 1; }
  for name in console overview; do
    [[ -s $pictures/readme-$name.png ]] || { echo "make_images: the test made no readme-$name.png: is chromium there, and web/dist?" >&2; exit 1; }
    cp "$pictures/readme-$name.png" "docs/images/$name.png"
    echo "docs/images/$name.png"
  done
  exit
fi
program=$1/tocsin
[[ -x $program ]] || { echo "make_images: there is no $program; build it first" >&2; exit 1; }
command -v chromium >/dev/null || { echo "make_images: chromium is not installed" >&2; exit 1; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$program" detect -q --report "$folder/report.html" content/samples/intrusion >/dev/null

# name, size, part of the address behind '#'
shoot() {
  chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$folder/profile" \
    --virtual-time-budget=8000 --run-all-compositor-stages-before-draw --window-size="$2" --screenshot="$folder/$1.png" "file://$folder/report.html#$3" >/dev/null 2>&1
  [[ -s $folder/$1.png ]] || { echo "make_images: chromium drew no $1.png" >&2; exit 1; }
  mv "$folder/$1.png" "docs/images/$1.png"
  echo "docs/images/$1.png"
}
shoot report 1400,1250 light
"$program" detect -q -f jsonl -o "$folder/findings.jsonl" content/samples/intrusion
number=$(grep -n -m 1 '"title":"LSASS memory dumped through comsvcs.dll"' "$folder/findings.jsonl" | cut -d: -f1)
shoot finding 1400,900 "light&finding=$number"
