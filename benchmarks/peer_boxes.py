"""Print as JSON what PP-OCRv6 finds in pictures: boxes of characters and of lines.

Needs only rapidocr, which holds its models: `pip install --target FOLDER rapidocr`, then
`PYTHONPATH=FOLDER python benchmarks/peer_boxes.py PICTURE...`.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np


def main() -> None:
    """Read the pictures that are named on the command line."""
    from rapidocr import RapidOCR

    engine: Any = RapidOCR(params={"Global.log_level": "critical"})
    found = {}
    for path in sys.argv[1:]:
        lines = engine(path, use_det=True, use_cls=False, use_rec=False).boxes
        whole = engine(
            path,
            use_det=True,
            use_cls=False,
            use_rec=True,
            return_word_box=True,
            return_single_char_box=True,
            text_score=0.0,
        )
        results = getattr(whole, "word_results", None) or ()  # a picture without text has another type of result
        words = [word[2] for line in results for word in line if word[2] is not None]
        found[Path(path).name] = [_straight(words), _straight(() if lines is None else lines)]
    print(json.dumps(found))


def _straight(quads: Any) -> list[list[float]]:
    """Return the straight box around each quadrangle."""
    corners = [np.array(quad, float).reshape(-1, 2) for quad in quads]
    return [[*one.min(axis=0).tolist(), *one.max(axis=0).tolist()] for one in corners]


if __name__ == "__main__":
    main()
