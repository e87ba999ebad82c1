#!/usr/bin/env bash
# Go from the scan of a block and a photo of a page to the block that printed it and the carving of each character.
#
#   examples/page_to_block.sh [OUT [BLOCKS PAGES]]
#
# BLOCKS is a folder of scans, PAGES one of photos of prints. Without them, practice.py makes two mirrored blocks of
# characters that ship, and a worn, unevenly lit photo of a part of a print of the second.
set -euo pipefail
out=${1:-print}
mkdir -p "$out"

step() { printf '\n== %s\n' "$1" >&2; }

if [ $# -ge 3 ]; then
  blocks=$2
  pages=$3
else
  step "make two blocks, and a photo of a print of the second, to practise on"
  python "$(dirname "$0")/practice.py" "$out/practice" > /dev/null
  blocks=$out/practice/scans
  pages=$out/practice/photos
fi

step "cut the blocks into their characters, render and index them"
sinonom cut "$blocks" "$out/characters" || [ $? = 6 ]
sinonom render "$out/characters" "$out/images" || [ $? = 6 ]
sinonom index "$out/images" "$out/db.faiss"

step "what do the pages read, which blocks printed them, and which carvings?"
sinonom read "$pages" "$out/reading" --index "$out/db.faiss" || [ $? = 6 ]
head -n 3 "$out/reading/blocks.csv"
echo "$out/reading: text, matches.csv, and a page for each print that shows it beside its block"
