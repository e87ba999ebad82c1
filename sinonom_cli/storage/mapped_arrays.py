"""Open arrays that numpy saved, and read parts of them when they are needed."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def mapped_array(path: Path) -> Any:
    """Map a `.npy` file, or open it as an archive if its content is an archive. Pickled data are refused.

    Read its values with `part_of`: those of a mapped file that another program has shortened would end this process.

    Raises
    ------
    Exception
        Any exception: numpy parses the header as Python and passes on all errors of that. A file shorter than its
        header claims raises one as well.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # warning about headers that Python 2 wrote
        return np.load(path, mmap_mode="r", allow_pickle=False)


def part_of(array: np.memmap, start: int, end: int) -> "NDArray[Any]":
    """Read the entries `start` to `end` along the first axis of an array from `mapped_array`, as a new array.

    Raises
    ------
    OSError
        If the file has been shortened since it was mapped.
    """
    shape = array.shape
    inner = int(np.prod(shape[1:]))
    by_rows = array.flags.c_contiguous  # otherwise an entry is scattered over the whole file
    first, count = (start * inner, (end - start) * inner) if by_rows else (0, array.size)
    values = np.fromfile(str(array.filename), array.dtype, count, offset=array.offset + first * array.itemsize)
    if len(values) < count:
        raise OSError("the file was shortened while it was read")
    return values.reshape(end - start, *shape[1:]) if by_rows else values.reshape(shape, order="F")[start:end]
