#!/usr/bin/env bash
# Make the model and the index of characters that ship with sinonom, and measure them.
#
#   examples/train_default.sh [OUT]
#
# The script needs the extras `train` and `teacher` (pip install ".[train,teacher]"), 643 MB of Debian's font packages and
# `unicode-data` (it installs both, and asks for sudo unless you are root), about 30 GB of disk, four and a half hours on
# two cores, and
#   SINONOM_DATA     folder that holds nomnaocr/ (tar files, All.txt, Train.txt, Validate.txt) and fonts/charset.txt
#   SINONOM_BENCH    folder relief252/ with make_meshes.py, queries/, truth.csv, pages.txt   [$SINONOM_DATA/../bench/relief252]
#   FONTS            folder of fonts to draw with, in place of Debian's
# To continue a killed run, type the same command again.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
data=$(cd "${SINONOM_DATA:-$here/../shared/data}" && pwd)
bench=$(cd "${SINONOM_BENCH:-$data/../bench/relief252}" && pwd)
unset SINONOM_BENCH   # sinonom has no such option
out=${1:-default-model}
mkdir -p "$out"
cd "$out"   # so that records hold names instead of this machine's paths

step() { printf '\n== %s (%s)\n' "$1" "$(date +%H:%M:%S)" >&2; }

step "unpack NomNaOCR"
if [ ! -e nomnaocr/Patches/Validate.txt ]; then
  mkdir -p nomnaocr
  for tar in "$data"/nomnaocr/*.tar; do tar xf "$tar" -C nomnaocr; done
  cp "$data"/nomnaocr/{All,Train,Validate}.txt nomnaocr/Patches/
fi

step "crop characters, without the pages that relief252 is made of; those of Validate.txt go into a separate test set"
crop() { sinonom crop-nomnaocr nomnaocr "$1" --transcripts "nomnaocr/Patches/$2" --exclude "$bench/pages.txt" "${@:3}" || [ $? = 6 ]; }
crop data/crops Train.txt --check   # --check is not used for the test set: it would remove crops that the model gets wrong
crop held-out/crops Validate.txt

step "choose characters: NomNaOCR's, those with a Vietnamese reading or source, and Unicode's first 20,992"
unihan=/usr/share/unicode
if [ ! -e "$unihan/Unihan_IRGSources.txt.bz2" ]; then
  $([ "$(id -u)" = 0 ] || echo sudo) apt-get install --yes --no-install-recommends unicode-data
fi
python3 - "$data/fonts/charset.txt" "$unihan" charset.txt << 'PYTHON'
import bz2, sys
nomnaocr, unihan, out = sys.argv[1:]
chars = {line.split()[0] for line in open(nomnaocr, encoding="utf-8") if line.strip()}
chars |= {chr(code) for code in range(0x4E00, 0xA000)}
for name, fact in ("Unihan_IRGSources", "kIRG_VSource"), ("Unihan_Readings", "kVietnamese"):
    with bz2.open(f"{unihan}/{name}.txt.bz2", "rt", encoding="utf-8") as file:
        chars |= {chr(int(line.split("\t")[0][2:], 16)) for line in file if f"\t{fact}\t" in line}
private = lambda c: 0xE000 <= ord(c) <= 0xF8FF or ord(c) >= 0xF0000
chosen = sorted(c for c in chars if len(c) == 1 and ord(c) > 0x2E00 and not private(c))
with open(out, "w", encoding="utf-8") as file:
    file.write("\n".join(chosen) + "\n")
PYTHON

step "draw them with Debian's fonts and eight fonts from npm"
CHARSET=charset.txt SET=data/fonts "$here/examples/fonts-debian.sh" fonts

step "train, then continue with PP-OCR as a teacher for the real prints"
learn() { sinonom train --loss cosface --backbone directmap-large --data data/crops:"$1" --data data/fonts --output "$2" \
  --classes 128 --images 2 --frequency 0.5 --weight-decay 0.02 --val 0.01 "${@:3}"; }
learn 1 first --steps 13000
learn 2 second --steps 4000 --lr 0.001 --weights first/model.safetensors --teacher pp-ocr --teach data/crops
learn 8 model --steps 3600 --lr 0.001 --weights second/model.safetensors --teacher pp-ocr --teach data/crops --distill 6 --hard-classes 0.5

step "make the index of characters, from real prints and from similar typefaces that together draw all characters"
hands='LXGWWenKai-(Regular|Bold)|cwfs|dejima-mincho.*|OradanoGSRR|ZenOldMincho_600SemiBold|KaiseiTokumin_800ExtraBold'
hands="$hands|NotoSerifCJK-Bold|YujiSyuku.*|UnGungseo|TW-(Kai|Sung)-(Ext-B-)?98_1|BabelStoneHan|HanaMin[AB]|uming"
find "${FONTS:-/usr/share/fonts}" fonts -type f | grep -E "/($hands)\.(tt[fc]|ot[fc])$" | sort > hands.txt
sinonom synth-fonts - data/hands --charset charset.txt --strokes 0 < hands.txt || [ $? = 6 ]
sinonom index data/crops data/hands characters.faiss --model model --prototypes 3 --type fp16

step "calibrate the probabilities of its answers with prints that the model has not seen"
python3 - held-out/crops/metadata.csv held-out/truth.csv << 'PYTHON'
import csv, sys
with open(sys.argv[1], encoding="utf-8", newline="") as given, open(sys.argv[2], "w", encoding="utf-8", newline="") as out:
    rows = csv.writer(out)
    rows.writerow(("query", "label"))
    rows.writerows((row["file_name"].removeprefix("images/"), row["label"]) for row in csv.DictReader(given))
PYTHON
for how in "" --tta; do
  sinonom query held-out/crops/images --index characters.faiss --model model --truth held-out/truth.csv --calibrate $how
done

step "measure the model"
[ -e meshes/251.stl ] || python3 "$bench/make_meshes.py" meshes
sinonom render meshes depth
python3 "$here/benchmarks/default_model.py" held-out/crops --model model --characters characters.faiss \
  --depth depth --queries "$bench/queries" --truth "$bench/truth.csv" --learnt data/crops --variants
