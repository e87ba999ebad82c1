"""A page finds the block that printed it, and the very carving of each character, in an index of carvings."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
from refused import naming, refused
from tinyblocks import COLUMNS, PITCH, ROWS, TinyBlock, blocks, indexed, page

from sinonom_cli.errors import ExitCode
from sinonom_cli.pages.block_matches import BlockMatches
from sinonom_cli.pages.carvings import Carvings
from sinonom_cli.pages.find_blocks import find_blocks, upright_middles


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Carvings, list[TinyBlock]]:
    some = blocks("khối a", "khối b", "khối c", "khối d")
    return Carvings(indexed(tmp_path_factory.mktemp("bản khắc"), some)), some


def very(block: TinyBlock) -> list[str]:
    return [f"{block.name}/{k:03d}.png" for k in range(len(block.chars))]


def first_items(matches: BlockMatches) -> list[str]:
    return [each.carvings[0].item for each in matches.characters]


@pytest.mark.parametrize(("mirrored", "turned"), [(False, 0), (True, 0), (False, 90)])
def test_a_page_finds_its_block_and_each_very_carving_although_characters_repeat(
    made: tuple[Carvings, list[TinyBlock]], mirrored: bool, turned: int
) -> None:
    carvings, some = made
    block = some[1]
    assert len(set(block.chars)) < 0.6 * len(block.chars)  # looks alone cannot tell the very carving
    matches = find_blocks(*page(block.carved, block.middles, mirrored, turned), carvings)
    [found] = matches.found
    assert found.block == "khối b" and found.probability > 0.9
    assert found.placed == len(block.chars) and found.agreeing > 0.8 * len(block.chars)
    assert found.size == (COLUMNS * PITCH, ROWS * PITCH)
    assert matches.blocks[1].probability < 0.1
    assert first_items(matches) == very(block)
    assert all(each.carvings[0].agrees for each in matches.characters)
    assert not any(one.agrees for each in matches.characters for one in each.carvings[1:])
    for each, (x, y) in zip(matches.characters, block.middles, strict=True):
        assert len({one.item for one in each.carvings}) == len(each.carvings) == 5
        assert each.carvings[0].box == pytest.approx((x - 5, y - 5, x + 5, y + 5), rel=1e-4)


def test_a_third_of_a_page_with_strange_characters_on_it_finds_its_block(
    made: tuple[Carvings, list[TinyBlock]],
) -> None:
    carvings, some = made
    block = some[2]
    part = slice(0, 12)
    rng = np.random.default_rng(3)
    carved = [*block.carved[part], *((str(char), 7) for char in rng.choice(some[0].chars, 4))]
    middles = np.vstack([block.middles[part], block.middles[part][:4] + [2 * PITCH, PITCH / 2]])
    matches = find_blocks(*page(carved, middles), carvings)
    assert [found.block for found in matches.found] == ["khối c"]
    assert first_items(matches)[:12] == very(block)[part]
    assert not any(each.carvings[0].agrees for each in matches.characters[12:])


def test_a_page_that_no_block_printed_has_none_but_its_nearest_carvings(
    made: tuple[Carvings, list[TinyBlock]],
) -> None:
    carvings, _ = made
    [other] = blocks("khác", seed=9)  # the same characters on the same grid, in another order
    matches = find_blocks(*page(other.carved, other.middles), carvings)
    assert matches.found == () and all(block.probability < 0.1 for block in matches.blocks)
    assert all(one.agrees is None for each in matches.characters for one in each.carvings)
    rows = list(matches.match_rows())
    assert len(rows) == 5 * len(other.chars) and {row["agrees"] for row in rows} == {""}
    distances = np.array([float(row["distance"]) for row in rows]).reshape(-1, 5)
    assert (np.diff(distances, axis=1) >= 0).all()


def test_a_spread_shows_the_halves_of_two_prints(made: tuple[Carvings, list[TinyBlock]]) -> None:
    carvings, some = made
    right, left = some[0], some[3]
    carved = [*right.carved[:21], *left.carved[14:]]
    middles = np.vstack([right.middles[:21] + [3 * PITCH, 0], left.middles[14:] - [2 * PITCH, 0]])
    matches = find_blocks(*page(carved, middles), carvings)
    assert {found.block for found in matches.found} == {"khối a", "khối d"}
    assert first_items(matches) == [*very(right)[:21], *very(left)[14:]]


def test_of_two_blocks_with_one_text_the_one_that_printed_the_page_is_found(tmp_path: Path) -> None:
    first, other = blocks("trước", "khác")
    anew = dataclasses.replace(first, name="sau", seeds=[seed + 1 for seed in first.seeds])  # other strokes
    carvings = Carvings(indexed(tmp_path, [first, anew, other]))
    for block in (first, anew):
        matches = find_blocks(*page(block.carved, block.middles), carvings)
        assert [found.block for found in matches.found] == [block.name]
        assert first_items(matches) == very(block)
        assert matches.blocks[1].block in ("trước", "sau")


def test_two_characters_find_no_block(made: tuple[Carvings, list[TinyBlock]]) -> None:
    carvings, some = made
    matches = find_blocks(*page(some[0].carved[:2], some[0].middles[:2]), carvings)
    assert matches.found == () and len(matches.characters) == 2


def test_rows_that_do_not_know_their_blocks_give_matches_alone_and_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [block] = blocks("a")
    carvings = Carvings(indexed(tmp_path, [block], places=False))
    assert len(naming(capsys, "db.faiss", "sinonom cut").splitlines()) == 1
    matches = find_blocks(*page(block.carved, block.middles), carvings)
    assert matches.blocks == () and list(matches.block_rows()) == []
    rows = list(matches.match_rows())
    assert {row["block"] for row in rows} == {""} and {row["agrees"] for row in rows} == {""}
    chars = [block.chars[int(each.carvings[0].item[2:5])] for each in matches.characters]
    assert np.mean([a == b for a, b in zip(chars, block.chars, strict=True)]) > 0.9


def test_an_index_without_its_sets_says_which_is_missing(tmp_path: Path) -> None:
    path = indexed(tmp_path / "đây", blocks("a"))
    shutil.rmtree(tmp_path / "đây" / "chạm")
    with refused(ExitCode.BAD_INPUT, "chạm", "db.faiss"):
        Carvings(path)


def test_an_index_of_characters_is_refused() -> None:
    from sinonom_cli.search.opening import CHARACTERS

    with refused(ExitCode.BAD_INPUT, "characters.faiss", "--prototypes"):
        Carvings(CHARACTERS)


def test_the_middles_of_a_mirrored_picture_are_those_of_the_page() -> None:
    [block] = blocks("a")
    plain, _ = page(block.carved, block.middles)
    mirrored, _ = page(block.carved, block.middles, mirrored=True)
    turned, _ = page(block.carved, block.middles, turned=90)
    assert upright_middles(mirrored) == pytest.approx(upright_middles(plain))
    assert upright_middles(turned) == pytest.approx(upright_middles(plain))
