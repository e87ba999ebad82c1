"""Promises of `--pictures`: every protocol sends the whole picture; a terminal without pictures gets the table."""

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tinymodel import tiny_model, tiny_pictures

from sinonom_cli import cli
from sinonom_cli.reports.terminal_pictures import escaped, protocol_of


@pytest.fixture
def image() -> Image.Image:
    rng = np.random.default_rng(0)
    colours = np.array([[0, 0, 0], [255, 255, 255], [51, 153, 102], [255, 0, 51]], np.uint8)
    return Image.fromarray(colours[np.kron(rng.integers(0, 4, (5, 21)), np.ones((4, 4), np.int64))])


def sixels(text: str) -> np.ndarray:
    """Return what a terminal draws for a sixel picture: (H, W, 3) in percent; -1 where nothing was drawn."""
    body = re.fullmatch(r"\033P0;1q(.*)\033\\", text, re.DOTALL)
    assert body
    width, height = map(int, re.match(r'"1;1;(\d+);(\d+)', body[1]).groups())  # type: ignore[union-attr]
    screen, palette = np.full((height + 6, width, 3), -1), {}
    x = y = colour = 0
    for define, r, g, b, choose, count, char, control in re.findall(
        r"#(\d+);2;(\d+);(\d+);(\d+)|#(\d+)|(?:!(\d+))?([?-~])|([$-])",
        body[1].partition("#")[1] + body[1].partition("#")[2],
    ):
        if define:
            palette[int(define)] = (int(r), int(g), int(b))
        elif choose:
            colour = int(choose)
        elif char:
            for _ in range(int(count or 1)):
                for bit in range(6):
                    if (ord(char) - 63) >> bit & 1:
                        screen[y + bit, x] = palette[colour]
                x += 1
        else:
            x, y = 0, y + 6 * (control == "-")
    return screen[:height]


def test_sixels_draw_every_pixel(image: Image.Image) -> None:
    want = np.round(np.asarray(image).astype(float) * 100 / 255)
    assert np.array_equal(sixels(escaped(image, "sixel")), want)


def test_kitty_and_iterm_get_the_picture_whole() -> None:
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, (90, 80, 3)).astype(np.uint8))
    parts = re.findall(r"\033_G([^;]*);([^\033]*)\033\\", escaped(noise, "kitty"))
    assert parts[0][0] == "a=T,f=100,m=1" and {told for told, _ in parts[1:-1]} == {"m=1"} and parts[-1][0] == "m=0"
    assert all(len(part) <= 4096 for _, part in parts)
    inline = re.fullmatch(r"\033\]1337;File=inline=1;size=(\d+);width=80px:(.*)\a", escaped(noise, "iterm"))
    assert inline and int(inline[1]) == len(base64.b64decode(inline[2]))
    for coded in ("".join(part for _, part in parts), inline[2]):
        with Image.open(io.BytesIO(base64.b64decode(coded))) as shown:
            assert np.array_equal(np.asarray(shown), np.asarray(noise))


@pytest.mark.parametrize(
    ("environment", "protocol"),
    [
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, "iterm"),
        ({"TERM": "foot"}, "sixel"),
        ({"WT_SESSION": "1"}, "sixel"),
        ({"TERM": "xterm-256color"}, None),
        ({"TERM": "tmux-256color", "TERM_PROGRAM": "iTerm.app"}, None),
        ({}, None),
    ],
)
def test_a_terminal_is_known_by_what_it_says(environment: dict[str, str], protocol: str | None) -> None:
    assert protocol_of(environment) == protocol


def test_pictures_as_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    tiny_model(tmp_path / "model")
    tiny_pictures(tmp_path / "set", [f"{i}.png" for i in range(6)], side=64)
    (tmp_path / "truth.csv").write_text("query,label\n3.png,3.png\n", encoding="utf-8")
    assert cli.run(["index", "set", "db.faiss", "-q"]) == 0
    asked = ["query", "set/3.png", "-i", "db.faiss", "--truth", "truth.csv", "-k", "2"]
    capsys.readouterr()
    assert cli.run([*asked, "--pictures", "iterm"]) == 0
    shown = capsys.readouterr().out
    coded = re.search(r"px:([^\a]*)\a", shown)
    assert coded and "3.png:  1 3.png" in shown and "mrr@5" in shown
    with Image.open(io.BytesIO(base64.b64decode(coded[1]))) as strip, Image.open(tmp_path / "set" / "3.png") as query:
        pixels = np.asarray(strip.convert("L"))
        assert strip.size == (3 * 74, 70) and strip.getpixel((74, 0)) == (30, 150, 60)  # frame of a right answer
        assert np.array_equal(pixels[3:67, 3:67], np.asarray(query))
        assert np.array_equal(pixels[3:67, 77:141], np.asarray(query))  # the first answer is the query itself
    assert cli.run([*asked, "--pictures", "auto"]) == 0  # stdout is not a terminal
    captured = capsys.readouterr()
    assert "--report" in captured.err and captured.out.startswith("query\trank")
    assert cli.run([*asked, "--pictures", "auto", "--json"]) == 2
