"""Parts of arrays in files are read as numpy maps them, and a file that is shortened meanwhile raises an error."""

import os
from pathlib import Path

import numpy as np
import pytest
from refused import refused

from sinonom_cli.errors import ExitCode
from sinonom_cli.meshes import height_maps
from sinonom_cli.meshes.height_maps import Scale, read_heights
from sinonom_cli.meshes.read import Notes
from sinonom_cli.search.indexing.npy_source import Arrays
from sinonom_cli.storage.mapped_arrays import mapped_array, part_of


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(7,), (7, 3), (7, 3, 4), (1, 5), (7, 1)])
@pytest.mark.parametrize("kind", ["<f4", ">f8", "<u2"])
def test_a_part_is_what_numpy_maps(order: str, shape: tuple[int, ...], kind: str, tmp_path: Path) -> None:
    values = np.asfortranarray if order == "F" else np.ascontiguousarray
    np.save(tmp_path / "a.npy", values(np.arange(np.prod(shape)).reshape(shape)).astype(kind, order="K"))
    array = mapped_array(tmp_path / "a.npy")
    for start, end in ((0, 1), (0, len(array)), (len(array) // 2, len(array))):
        got = part_of(array, start, end)
        np.testing.assert_array_equal(got, np.load(tmp_path / "a.npy")[start:end])
        assert not isinstance(got, np.memmap)


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_file_that_is_shortened_after_it_was_mapped_is_an_error(order: str, tmp_path: Path) -> None:
    """Values of a mapped file beyond its new end would end the process."""
    path = tmp_path / "a.npy"
    np.save(path, np.zeros((4096, 64), np.float32, order=order))
    array = mapped_array(path)
    os.truncate(path, array.offset + 5000)
    with pytest.raises(OSError):
        part_of(array, 4000, 4096)


def test_a_height_map_that_is_shortened_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.random.default_rng(0).random((600, 600)))
    monkeypatch.setattr(height_maps, "_refuse_size", lambda path, size, most: os.truncate(path, 300))
    with refused(ExitCode.BAD_INPUT, "a.npy"):
        read_heights(path, 0, Scale(0.05), Notes())


def test_vectors_that_are_shortened_while_they_are_read_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "v.npy"
    np.save(path, np.ones((5000, 8), np.float32))
    arrays = Arrays([path], tmp_path / "db.faiss", 8, None)
    os.truncate(path, 5000)
    with refused(ExitCode.BAD_INPUT, "v.npy"):
        list(arrays.blocks())


@pytest.mark.parametrize("limit", [None, 1, 5, 7, 100])
def test_a_limit_takes_the_first_vectors_of_all_files(limit: int | None, tmp_path: Path) -> None:
    paths = [tmp_path / "a.npy", tmp_path / "b.npy"]
    every = np.random.default_rng(1).random((11, 8)).astype(np.float32)
    np.save(paths[0], np.asfortranarray(every[:5]))
    np.save(paths[1], every[5:])
    arrays = Arrays(paths, tmp_path / "db.faiss", 8, limit)
    blocks = list(arrays.blocks())
    np.testing.assert_array_equal(np.concatenate(blocks), every[:limit])
    assert len(list(arrays.rows())) == len(every[:limit]) == arrays.shape[0]
