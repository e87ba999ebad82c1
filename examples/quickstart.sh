#!/usr/bin/env bash
# What `sinonom demo` does, step by step: carve meshes, render them, index them, ask with pictures of other hands.
# Usage: examples/quickstart.sh [OUT]        (needs the base package: pip install .)
set -euo pipefail
out=${1:-quickstart}
glyphs=$(python3 -c 'import sinonom_cli, pathlib; print(pathlib.Path(sinonom_cli.__file__).parent / "assets" / "glyphs")')

# 1. Meshes. With scans of your own, leave this out.
sinonom carve "$glyphs/wenkai" "$out/meshes"

# 2. Meshes to depth images in which strokes are dark, as in a print.
sinonom render "$out/meshes" "$out/depth"

# 3. Depth images to an index, with the default model.
sinonom index "$out/depth" "$out/db.faiss"

# 4. One picture of a character: which five meshes show it?
picture=$(find "$glyphs" -path "*/wenkai/*" -prune -o -name "*.png" -path "*U+5B57*" -print | sort | head -n 1)
sinonom query "$picture" --index "$out/db.faiss" --sheet "$out/answer.png"

# 5. The same as data, for a script of yours.
sinonom query "$picture" --index "$out/db.faiss" --json
