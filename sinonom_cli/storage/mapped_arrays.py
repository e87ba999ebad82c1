"""Memory-map arrays that numpy saved, so that their data are only read when they are used."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np


def mapped_array(path: Path) -> Any:
    """Map a `.npy` file, or open it as an archive if its content is an archive. Pickled data are refused.

    Raises
    ------
    Exception
        Any exception: numpy parses the header as Python and passes on all errors of that. A file shorter than its
        header claims raises one as well.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # warning about headers that Python 2 wrote
        return np.load(path, mmap_mode="r", allow_pickle=False)
