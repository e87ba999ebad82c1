"""Test naming by two views of a character: the mesh's picture and the ink on the block."""

import numpy as np
import pytest

from sinonom_cli.blocks import names
from sinonom_cli.search.naming import Name


class Namer:
    """Stands for the namer: a picture's first two pixels are its embedding; the known characters are 上 and 下."""

    KNOWN = (("上", np.array([1.0, 0])), ("下", np.array([0.0, 1])))

    def embed(self, pictures: list[np.ndarray]) -> np.ndarray:
        vectors = np.array([picture.ravel()[:2] for picture in pictures], np.float32).reshape(-1, 2)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def names(self, embeddings: np.ndarray, top: int) -> list[list[Name]]:
        found = []
        for one in embeddings:
            away = [(float(np.linalg.norm(one - vector)), char) for char, vector in self.KNOWN]
            found.append(
                [Name(label="", char=char, distance=distance, probability=0.5) for distance, char in sorted(away)]
            )
        return found


@pytest.mark.parametrize(
    ("mesh", "ink", "char"),
    [
        ((9, 1), (1, 9), "上"),  # their mean is far from both: the mesh alone decides
        ((1, 9), (9, 1), "下"),
        ((5, 4), (0, 9), "下"),  # the mean is nearer to a known character than the mesh
        ((9, 0), (4, 5), "上"),
    ],
)
def test_the_view_that_is_nearer_to_a_known_character_gives_the_name(
    mesh: tuple[int, int], ink: tuple[int, int], char: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "shipped_namer", Namer)
    [found], [embedding] = names.named([np.array([mesh], np.uint8)], [np.array([ink], np.uint8)])
    assert found[0].char == char
    known = dict(Namer.KNOWN)[char]
    assert np.linalg.norm(embedding - known) == pytest.approx(found[0].distance, abs=1e-6)  # of the view that named it


def test_a_mesh_without_relief_has_no_name_and_does_not_move_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "shipped_namer", Namer)
    up, down = np.array([[9, 0]], np.uint8), np.array([[0, 9]], np.uint8)
    found, embeddings = names.named([None, up, None, down], [down, up, down, down])
    assert [called[0].char if called else "" for called in found] == ["", "上", "", "下"]
    assert embeddings.tolist() == [[0, 0], [1, 0], [0, 0], [0, 1]]
    nothing, none = names.named([None], [up])
    assert nothing == [[]] and none.tolist() == [[0, 0]]
