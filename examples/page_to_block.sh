#!/usr/bin/env bash
# Go from the scan of a block and a photo of a page to the block that printed it and the carving of each character.
#
#   examples/page_to_block.sh [OUT [BLOCKS PAGES]]
#
# BLOCKS is a folder of scans, PAGES one of photos of prints. Without them, the script composes two pages of characters
# that ship, carves both into mirrored blocks, and makes a worn, unevenly lit photo of a part of the second.
set -euo pipefail
out=${1:-print}
mkdir -p "$out"

step() { printf '\n== %s\n' "$1" >&2; }

if [ $# -ge 3 ]; then
  blocks=$2
  pages=$3
else
  step "compose two pages, carve them into blocks, and photograph a print of the second"
  blocks=$out/blocks
  pages=$out/photos
  python - "$out" <<'PYTHON'
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from sinonom_cli.assets import GLYPHS
from sinonom_cli.relief.compose import compose_page
from sinonom_cli.relief.composition import Composition
from sinonom_cli.relief.physics import Span

out = Path(sys.argv[1])
glyphs = {}
for path in sorted(GLYPHS.glob("yuji/images/*/*.png")):
    glyphs.setdefault(chr(int(path.parent.name[2:], 16)), []).append(np.asarray(Image.open(path).convert("L")))
amounts = Composition(size=Span(36, 36), columns=Span(5, 5), rows=Span(6, 6), strip=0, notes=0, short=0)
for folder in ("pages", "photos"):
    (out / folder).mkdir(exist_ok=True)
for number in (1, 2):
    page = compose_page(glyphs, np.random.default_rng(number), amounts).picture
    Image.fromarray(page).save(out / "pages" / f"block-{number}.png")

rng = np.random.default_rng(3)
height, width = page.shape
worn = 255 - (255 - page.astype(float)) * np.clip(
    1.3 + np.asarray(Image.fromarray(rng.normal(size=(height // 12, width // 12))).resize((width, height))), 0, 1
)
light = np.linspace(1, 0.6, width) * np.linspace(0.9, 1, height)[:, None]
photo = Image.fromarray((worn * light + rng.normal(0, 5, page.shape)).clip(0, 255).astype(np.uint8))
photo = photo.filter(ImageFilter.GaussianBlur(0.7)).rotate(1, Image.Resampling.BICUBIC, fillcolor=170)
photo = photo.crop((0, 0, 2 * width // 3, height)).resize((width, 3 * height // 2), Image.Resampling.BICUBIC)
photo.save(out / "photos" / "photo.png")
PYTHON
  sinonom carve "$out/pages" "$blocks" --page --mirror --tilt 0:6
fi

step "cut the blocks into their characters, render and index them"
sinonom cut "$blocks" "$out/characters" || [ $? = 6 ]
sinonom render "$out/characters" "$out/images" || [ $? = 6 ]
sinonom index "$out/images" "$out/db.faiss"

step "what do the pages read, which blocks printed them, and which carvings?"
sinonom read "$pages" "$out/reading" --index "$out/db.faiss" || [ $? = 6 ]
head -n 3 "$out/reading/blocks.csv"
echo "$out/reading: text, matches.csv, and a page for each print that shows it beside its block"
