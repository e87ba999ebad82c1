#!/usr/bin/env bash
# Do what `sinonom demo` does, step by step: carve meshes, render and index them, and search with pictures in other typefaces.
# Usage: examples/quickstart.sh [OUT]        (needs the base package: pip install .)
set -euo pipefail
out=${1:-quickstart}
glyphs=$(python3 -c 'import sinonom_cli, pathlib; print(pathlib.Path(sinonom_cli.__file__).parent / "assets" / "glyphs")')

# 1. Make meshes. Leave this step out if you have scans.
sinonom carve "$glyphs/wenkai" "$out/meshes"

# 2. Make depth images of the meshes, in which strokes are dark, as in a print.
sinonom render "$out/meshes" "$out/depth"

# 3. Make an index of the depth images, with the default model.
sinonom index "$out/depth" "$out/db.faiss"

# 4. Find the five meshes that show the same character as one picture.
picture=$(find "$glyphs" -path "*/wenkai/*" -prune -o -name "*.png" -path "*U+5B57*" -print | sort | head -n 1)
sinonom query "$picture" --index "$out/db.faiss" --sheet "$out/answer.png"

# 5. Print the same answers as data for a script.
sinonom query "$picture" --index "$out/db.faiss" --json
