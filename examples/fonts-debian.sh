#!/usr/bin/env bash
# Draw the characters of NomNaOCR with Debian's CJK fonts: more than 400,000 pictures of one stroke weight, in 77 typeface
# families.
#
#   examples/fonts-debian.sh [OUT] [OPTIONS OF synth-fonts]      e.g. examples/fonts-debian.sh fonts --degrade 0,0.6 --balance
#
# The script installs 643 MB of font packages (Debian or Ubuntu; it asks for sudo unless you are root) and, if npm is
# installed, eight more fonts under the OFL from npm. FONTS=folder uses the fonts in that folder and installs nothing.
# CHARSET=file draws other characters. SET=folder is the folder for the pictures, instead of OUT/set. To continue a killed
# run, type the same command again.
set -euo pipefail
out=${1:-fonts-debian}
shift || true
charset=${CHARSET:-nomnaocr}
fonts=${FONTS:-}
set=${SET:-$out/set}
unset CHARSET FONTS SET
mkdir -p "$out"

packages="fonts-aoyagi-kouzan-t fonts-aoyagi-soseki fonts-arphic-gbsn00lp fonts-arphic-gkai00mp fonts-arphic-ukai
  fonts-arphic-uming fonts-babelstone-han fonts-baekmuk fonts-cns11643-kai fonts-cns11643-sung fonts-cwtex-fs
  fonts-cwtex-heib fonts-cwtex-kai fonts-cwtex-ming fonts-dejima-mincho fonts-droid-fallback fonts-hanazono
  fonts-horai-umefont fonts-ipaexfont-gothic fonts-ipamj-mincho fonts-kiloji fonts-klee fonts-kouzan-mouhitsu
  fonts-lxgw-wenkai fonts-morisawa-bizud-mincho fonts-nanum-extra fonts-noto-cjk fonts-noto-cjk-extra
  fonts-oradano-mincho-gsrr fonts-sawarabi-mincho fonts-seto fonts-unfonts-core fonts-unfonts-extra fonts-vlgothic
  fonts-wqy-zenhei fonts-yozvox-yozfont-antique"
more="cactus-classical-serif chocolate-classical-sans hina-mincho kaisei-tokumin shippori-antique shippori-mincho
  yuji-syuku zen-old-mincho"

if [ -z "$fonts" ]; then
  missing=$(for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q "ok installed" || echo "$package"
  done)
  if [ -n "$missing" ]; then
    sudo=$([ "$(id -u)" = 0 ] || echo sudo)
    # shellcheck disable=SC2086
    $sudo apt-get install --yes --no-install-recommends $missing
  fi
  fonts=/usr/share/fonts
  if command -v npm > /dev/null && [ ! -e "$out/npm/node_modules" ]; then
    # shellcheck disable=SC2086
    npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$out/npm" $(printf '@expo-google-fonts/%s ' $more) ||
      echo "no fonts from npm: going on without" >&2
  fi
fi

folders=("$fonts")
[ ! -d "$out/npm" ] || folders+=("$out/npm")

# List what each face draws, with its typeface family and licence; a font that cannot be read (exit code 6) is named and left
# out.
sinonom fonts "${folders[@]}" --charset "$charset" --output "$out/fonts.csv" > /dev/null || [ $? = 6 ]
sinonom synth-fonts "${folders[@]}" --output "$set" --charset "$charset" --strokes 0 "$@" || [ $? = 6 ]
