#!/usr/bin/env bash
# Go from the scan of a whole block to the carvings of a character: cut, render, index, query.
#
#   examples/block_to_answer.sh [OUT [BLOCKS PICTURE]]
#
# BLOCKS is a folder of scans, PICTURE a picture of a character. Without them, the script composes a page of characters
# that ship, carves it into a mirrored block, and asks for its first character in another typeface.
set -euo pipefail
out=${1:-block}
mkdir -p "$out"

step() { printf '\n== %s\n' "$1" >&2; }

if [ $# -ge 3 ]; then
  blocks=$2
  picture=$3
else
  step "compose a page and carve it into a block"
  blocks=$out/blocks
  picture=$(python - "$out" <<'EOF'
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from sinonom_cli.assets import GLYPHS
from sinonom_cli.relief.compose import compose_page
from sinonom_cli.relief.composition import Composition
from sinonom_cli.relief.physics import Span

out = Path(sys.argv[1])
glyphs = {}
for path in sorted(GLYPHS.glob("yuji/images/*/*.png")):
    glyphs.setdefault(chr(int(path.parent.name[2:], 16)), []).append(np.asarray(Image.open(path).convert("L")))
page = compose_page(glyphs, np.random.default_rng(1), Composition(size=Span(40, 40), columns=Span(6, 6), rows=Span(8, 8)))
(out / "pages").mkdir(exist_ok=True)
Image.fromarray(page.picture).save(out / "pages" / "page.png")
other = (GLYPHS / "hanamin" / "images" / f"U+{ord(placed.char):04X}" for placed in page.characters)
print(next(path for folder in other for path in folder.glob("*.png")))
EOF
)
  sinonom carve "$out/pages" "$blocks" --page --mirror --tilt 0:6
fi

step "cut the block into its characters; blocks.html shows them"
sinonom cut "$blocks" "$out/characters" --sheet "$out/blocks.html" || [ $? = 6 ]

step "render and index them"
sinonom render "$out/characters" "$out/images" || [ $? = 6 ]
sinonom index "$out/images" "$out/db.faiss"

step "which carvings show the character of $picture?"
sinonom query "$picture" --index "$out/db.faiss" --sheet "$out/answer.png"
