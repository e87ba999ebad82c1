#!/usr/bin/env bash
# Run every stage on real data: from real prints and fonts to MRR@5 on relief252 (simulated carvings of real prints).
#
#   examples/nomnaocr_to_mrr.sh [OUT]
#
# The script needs the extra `train` (pip install ".[train]"), about 10 GB of disk, and
#   SINONOM_DATA     folder that holds nomnaocr/ (tar files and All.txt) and fonts/charset.txt
#   SINONOM_BENCH    folder relief252/ with make_meshes.py, queries/, truth.csv, pages.txt   [$SINONOM_DATA/../bench/relief252]
#   SINONOM_FONTS    folder of CJK fonts, named as in Debian's packages                      [/usr/share/fonts]
# To continue a killed run, type the same command again.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
data=${SINONOM_DATA:-$here/../shared/data}
bench=${SINONOM_BENCH:-$data/../bench/relief252}
fonts=${SINONOM_FONTS:-/usr/share/fonts}
out=${1:-nomnaocr}
unset SINONOM_BENCH SINONOM_FONTS   # sinonom has no such options
mkdir -p "$out"

step() { printf '\n== %s (%s)\n' "$1" "$(date +%H:%M:%S)" >&2; }

step "unpack NomNaOCR"
if [ ! -e "$out/nomnaocr/Patches/All.txt" ]; then
  mkdir -p "$out/nomnaocr"
  for tar in "$data"/nomnaocr/*.tar; do tar xf "$tar" -C "$out/nomnaocr"; done
  cp "$data/nomnaocr/All.txt" "$out/nomnaocr/Patches/All.txt"
fi

step "crop characters, without the pages that relief252 is made of"
sinonom crop-nomnaocr "$out/nomnaocr" "$out/data/crops" --exclude "$bench/pages.txt" || [ $? = 6 ]

step "draw the same characters with fonts of many typeface families"
# One face of each design is enough: the Debian packages hold nearly two hundred faces, many with identical pictures.
hands='uming|ukai|gbsn00lp|gkai00mp|BabelStoneHan|HanaMin[AB]|TW-(Kai|Sung)-(Ext-B-)?98_1|LXGWWenKai-(Regular|Bold)'
hands="$hands|cw(fs|heib|kai|ming)|dejima-mincho.*|ipamjm|KleeOne-SemiBold|OradanoGSRR|NotoSerifCJK-(Regular|Bold)"
hands="$hands|AoyagiKouzanT|aoyagi-soseki|kouzan-mouhitsu|BIZUDMincho-Regular|sawarabi-mincho-medium|Un(Gungseo|Batang)"
find "$fonts" -type f | grep -E "/($hands|wqy-zenhei)\.(tt[fc]|ot[fc])$" | sort > "$out/fonts.txt"
sinonom synth-fonts - "$out/data/fonts" < "$out/fonts.txt" --charset "$data/fonts/charset.txt" --strokes 0 || [ $? = 6 ]

step "make and render the meshes of relief252"
[ -e "$out/meshes/251.stl" ] || python3 "$bench/make_meshes.py" "$out/meshes"
sinonom render "$out/meshes" "$out/depth"

# examples/train_default.sh makes the model that ships.
for loss in "lda --embedding 128 --steps 1000" "triplet --steps 2000"; do
  name=${loss%% *}
  step "train --loss $loss"
  sinonom train --loss $loss --data "$out/data/crops" --data "$out/data/fonts" --output "$out/model-$name"
  step "index and query with $name"
  sinonom index "$out/depth" "$out/$name.faiss" --model "$out/model-$name"
  sinonom query "$bench/queries" --index "$out/$name.faiss" --truth "$bench/truth.csv" --sheet "$out/$name.png" \
    > "$out/$name.tsv"
  sinonom query "$bench/queries" --index "$out/$name.faiss" --truth "$bench/truth.csv" --json -q | tail -n 1
done
step "done"
