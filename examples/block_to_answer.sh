#!/usr/bin/env bash
# Go from the scan of a whole block to the carvings of a character: cut, render, index, query.
#
#   examples/block_to_answer.sh [OUT [BLOCKS PICTURE]]
#
# BLOCKS is a folder of scans, PICTURE a picture of a character. Without them, practice.py makes two mirrored blocks of
# characters that ship, and the script asks for the first character of the first one in another typeface.
set -euo pipefail
out=${1:-block}
mkdir -p "$out"

step() { printf '\n== %s\n' "$1" >&2; }

if [ $# -ge 3 ]; then
  blocks=$2
  picture=$3
else
  step "make two blocks to practise on"
  python "$(dirname "$0")/practice.py" "$out/practice" > /dev/null
  blocks=$out/practice/scans
  picture=$(find "$out/practice/asked" -name '*.png')
fi

step "cut the block into its characters; blocks.html shows them"
sinonom cut "$blocks" "$out/characters" --sheet "$out/blocks.html" || [ $? = 6 ]

step "render and index them"
sinonom render "$out/characters" "$out/images" || [ $? = 6 ]
sinonom index "$out/images" "$out/db.faiss"

step "which carvings show the character of $picture?"
sinonom query "$picture" --index "$out/db.faiss" --sheet "$out/answer.png"
