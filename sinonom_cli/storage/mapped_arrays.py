"""Arrays that numpy has saved, mapped into memory: nothing of them is read before it is used."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np


def mapped_array(path: Path) -> Any:
    """Map a `.npy` file; it is an archive, and no array, where the file is one. Nothing pickled is opened.

    Raises
    ------
    Exception
        Whatever numpy raises: it reads the header as Python, and lets all through that Python says of it. A file that
        is shorter than its header claims is among that.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of headers that Python 2 wrote
        return np.load(path, mmap_mode="r", allow_pickle=False)
