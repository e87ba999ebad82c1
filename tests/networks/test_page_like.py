"""A query with a page, a column or a line of characters is refused."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from tinymodel import tiny_model, tiny_pictures

from sinonom_cli import cli
from sinonom_cli.assets import GLYPHS
from sinonom_cli.networks.page_like import looks_like_page, strokes


def glyphs() -> list[np.ndarray]:
    return [np.asarray(Image.open(path).convert("L")) for path in sorted(GLYPHS.rglob("*.png"))]


def set_of(columns: int, rows: int, cell: int, seed: int = 0, gap: float = 1.15) -> np.ndarray:
    """Return a page of glyphs: columns and rows of squares of `cell` pixels."""
    chosen = np.random.default_rng(seed).permutation(len(glyphs()))
    page = Image.new("L", (round(columns * cell * gap) + cell, rows * cell + cell), 255)
    drawn = glyphs()
    for place in range(columns * rows):
        glyph = Image.fromarray(drawn[chosen[place % len(chosen)]]).resize((cell, cell), Image.Resampling.BOX)
        at = round((place // rows) * cell * gap) + cell // 2, (place % rows) * cell + cell // 2
        page.paste(glyph, at)
    return np.asarray(page)


def on_a_dark_table(page: np.ndarray) -> np.ndarray:
    return np.pad(page, 60, constant_values=5)


PAGE = set_of(18, 20, 30)
PAGES = {
    "page": PAGE,
    "on a dark table": on_a_dark_table(PAGE),
    "white on black": 255 - PAGE,
    "under a lamp": (PAGE * np.linspace(1, 0.5, PAGE.shape[1])).astype(np.uint8),
    "a large scan": set_of(12, 14, 150),
    "turned": np.rot90(set_of(18, 12, 30)),
    "a column": set_of(1, 10, 30)[15:-15, 15:48],
    "a line": np.rot90(set_of(1, 10, 30)[15:-15, 15:48]),
    "two columns": set_of(2, 16, 24),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_or_a_column_looks_like_one(name: str) -> None:
    assert looks_like_page(np.ascontiguousarray(PAGES[name]))


@pytest.mark.parametrize("side", [64, 300, 1500])
@pytest.mark.parametrize("noise", [0, 15])
def test_no_single_glyph_looks_like_a_page(side: int, noise: int) -> None:
    rng = np.random.default_rng(side)
    for glyph in glyphs()[:: 8 if side < 1500 else 40]:
        large = np.asarray(Image.fromarray(glyph).resize((side, side), Image.Resampling.BICUBIC), float) * 0.8 + 20
        worn = np.clip(large + rng.normal(0, noise, large.shape), 0, 255).astype(np.uint8)
        assert not looks_like_page(worn)
        assert not looks_like_page(on_a_dark_table(worn))


def test_a_stroke_cut_out_tightly_is_no_line_of_text() -> None:
    bar = np.full((40, 400), 250, np.uint8)
    bar[5:35, 4:396] = 20
    assert not looks_like_page(bar) and not looks_like_page(np.ascontiguousarray(bar.T))
    for shape in ((1, 400), (400, 2), (1, 1)):
        assert not looks_like_page(np.full(shape, 200, np.uint8))


def test_strokes_are_counted_across_and_down() -> None:
    image = Image.new("L", (200, 200), 255)
    draw = ImageDraw.Draw(image)
    for place in range(5):
        draw.rectangle((20 + 36 * place, 10, 30 + 36 * place, 190), fill=0)
    assert strokes(np.asarray(image)) == (5.0, 1.0)


def test_query_refuses_a_page_and_leaves_it_out_among_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tiny_model(tmp_path / "model")
    tiny_pictures(tmp_path / "set", ["0.png", "1.png"])
    Image.fromarray(PAGES["page"]).save("trang.png")
    assert cli.run(["index", "set", "db.faiss", "--model", "model", "-q"]) == 0
    capsys.readouterr()
    assert cli.run(["query", "trang.png", "-i", "db.faiss", "--json"]) == 4
    captured = capsys.readouterr()
    assert captured.out == "" and "trang.png" in captured.err and "crop-nomnaocr" in captured.err
    assert cli.run(["query", "trang.png", "set/0.png", "-i", "db.faiss", "--json"]) == 6
    assert capsys.readouterr().out.count('"query"') == 1
