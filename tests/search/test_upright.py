"""Queries that were photographed askew are set upright, and others are searched as they are."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tinymodel import tiny_model

import sinonom_cli as sinonom
from sinonom_cli import cli
from sinonom_cli.assets import GLYPHS
from sinonom_cli.networks.embed_pictures import embed_pictures
from sinonom_cli.networks.embedder import Embedder
from sinonom_cli.networks.preprocess import prepare
from sinonom_cli.pictures.loading import load_picture
from sinonom_cli.search import upright
from sinonom_cli.search.opening import shipped_characters
from sinonom_cli.search.upright import ANGLES, FAR, PENALTY, Upright, upright_for
from sinonom_cli.storage.model_folder import read_model


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return Embedder(read_model(None))


@pytest.fixture(scope="module")
def askew(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[Path]]:
    """Glyphs of a hand, by the degrees by which they were turned clockwise."""
    folder = tmp_path_factory.mktemp("askew")
    made: dict[int, list[Path]] = {}
    for path in sorted(GLYPHS.glob("yuji/images/*/*.png"))[::2]:
        glyph = np.pad(load_picture(path), 24, constant_values=255)
        large = Image.fromarray(glyph).resize((256, 256), Image.Resampling.BICUBIC)
        for degrees in (-14, 0, 14):
            made.setdefault(degrees, []).append(folder / f"{degrees}" / path.parent.name / path.name)
            made[degrees][-1].parent.mkdir(parents=True)
            large.rotate(-degrees, Image.Resampling.BICUBIC, fillcolor=255).save(made[degrees][-1])
    return made


def least(vectors: np.ndarray) -> np.ndarray:
    """Return the squared distance of each embedding to its nearest known character, over all of them."""
    known = shipped_characters().vectors.astype(np.float64)
    return np.array([((known - vector) ** 2).sum(axis=1).min() for vector in vectors.astype(np.float64)])


def test_what_is_far_is_turned_to_where_it_is_nearest(embedder: Embedder, askew: dict[int, list[Path]]) -> None:
    for degrees in (-14, 14):
        pictures = np.stack([prepare(load_picture(path), embedder.model.size) for path in askew[degrees]])
        plain = embedder.embed(pictures)
        there, vectors, (turns, sure) = Upright()(embedder, pictures)
        far = least(plain) > FAR
        assert far.sum() > 3
        assert not turns[~far].any()
        assert set(turns.tolist()) <= {0, *ANGLES}
        assert (sure[~far] == 1).all()
        assert ((sure > 0) & (sure <= 1)).all()
        assert (sure[far] < 1).any()
        moved = turns != 0
        assert (np.sign(turns[moved]) == -np.sign(degrees)).mean() > 0.8
        assert moved.sum() > far.sum() / 2
        cost = least(vectors) + PENALTY * (turns / 12) ** 2
        assert (cost[moved] < least(plain)[moved]).all()
        assert (vectors[~moved] == plain[~moved]).all()
        assert np.allclose(embedder.embed(there), vectors, atol=1e-6)


def test_more_characters_are_named_when_they_were_askew(askew: dict[int, list[Path]], embedder: Embedder) -> None:
    shipped = shipped_characters()
    right = {}
    for setting in (None, Upright()):
        paths = [*askew[-14], *askew[14]]
        [found] = embed_pictures(embedder, [paths], embedder.model.size, 0, upright=setting)
        rows, _ = shipped.candidates(found.vectors, 1)
        names = [shipped.rows[int(row)].label for row in rows[:, 0]]
        right[setting] = np.mean([name == path.parent.name for name, path in zip(names, paths, strict=True)])
    assert right[Upright()] > right[None]


def test_workers_turn_pictures_as_this_process_does(askew: dict[int, list[Path]], embedder: Embedder) -> None:
    batches = [askew[14][:22], askew[14][22:]]
    here = list(embed_pictures(embedder, batches, embedder.model.size, 0, upright=Upright()))
    there = list(embed_pictures(embedder, batches, embedder.model.size, 2, upright=Upright()))
    for one, other in zip(here, there, strict=True):
        assert one.turns is not None
        assert other.turns is not None
        assert (one.turns.degrees == other.turns.degrees).all()
        assert (one.vectors == other.vectors).all()


def test_views_are_of_the_picture_that_was_set_upright(askew: dict[int, list[Path]], embedder: Embedder) -> None:
    paths = askew[14]
    [plain] = embed_pictures(embedder, [paths], embedder.model.size, 0, tta=True)
    [found] = embed_pictures(embedder, [paths], embedder.model.size, 0, tta=True, upright=Upright())
    assert found.turns is not None
    moved = found.turns.degrees != 0
    assert moved.any()
    assert (found.vectors[~moved] == plain.vectors[~moved]).all()
    assert (found.vectors[moved] != plain.vectors[moved]).any(axis=1).all()


def test_an_answer_says_by_how_many_degrees_its_query_was_turned(
    askew: dict[int, list[Path]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["query", *map(str, askew[14]), "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    turned = [line["turned"] for line in lines if "turned" in line]
    assert turned
    assert set(turned) <= set(ANGLES)
    assert len(turned) < len(lines)


def test_embeddings_in_python_are_those_of_an_index(askew: dict[int, list[Path]], embedder: Embedder) -> None:
    pictures = np.stack([prepare(load_picture(path), embedder.model.size) for path in askew[14]])
    assert np.allclose(sinonom.embed(askew[14]), embedder.embed(pictures), atol=1e-6)


def test_queries_of_another_model_are_not_turned(tmp_path: Path) -> None:
    assert upright_for(tiny_model(tmp_path / "model")) is None
    assert upright_for(read_model(None)) is not None


def test_angles_that_show_other_characters_take_their_share_of_the_probability() -> None:
    costs, names = np.array([[0.5, 0.9], [0.4, 0.9], [0.7, 0.2]]), np.array([["a", "a"], ["b", "b"], ["b", "c"]])
    weights = [[np.exp(-cost / upright.TEMPERATURE) for cost in column] for column in costs.T]
    wanted = [(weights[0][1] + weights[0][2]) / sum(weights[0]), weights[1][2] / sum(weights[1])]
    assert np.allclose(upright._agreement(costs, names), wanted)
