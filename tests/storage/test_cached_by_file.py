"""Test the cache of file results: a result is dropped when its file changes, as one process may run several
commands."""

from dataclasses import dataclass
from pathlib import Path

from tinycommands import fonts, patches, sinonom
from tinyfont import build

from sinonom_cli.storage.atomic import cached_by_file


@dataclass(frozen=True)
class Place:
    path: Path


def test_a_result_is_made_anew_when_one_of_its_files_has_changed(tmp_path: Path) -> None:
    path, made = tmp_path / "a", []

    @cached_by_file(4)
    def content(where: Path | Place | tuple[tuple[Place, int], ...], times: int = 1) -> str:
        made.append(times)
        return path.read_text(encoding="utf-8") * times

    path.write_text("a", encoding="utf-8")
    for where in (path, Place(path), ((Place(path), 1),)):
        made.clear()
        assert [content(where), content(where), content(where, times=2)] == [path.read_text(encoding="utf-8")] * 2 + [
            2 * path.read_text(encoding="utf-8")
        ]
        assert made == [1, 2]
        path.write_text(path.read_text(encoding="utf-8") + "b", encoding="utf-8")
        assert content(where) == path.read_text(encoding="utf-8")
    path.unlink()
    assert made == [1, 2, 1]


def pictures(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*.png")}


def test_a_font_that_changed_between_two_commands_is_drawn_as_it_is_now(tmp_path: Path) -> None:
    arguments, changed = fonts(tmp_path / "in")
    arguments += ["--degrade", "0.5", "--workers", "0", "-q"]
    assert sinonom(*arguments, tmp_path / "one") == 0
    build(changed, chars="字喃人", style=2)
    assert sinonom(*arguments, tmp_path / "one", "--overwrite") == 0
    (tmp_path / "in").rename(tmp_path / "moved")
    assert sinonom("synth-fonts", tmp_path / "moved", *arguments[2:], tmp_path / "fresh") == 0
    assert pictures(tmp_path / "one") == pictures(tmp_path / "fresh")


def test_a_patch_that_changed_between_two_commands_is_cut_as_it_is_now(tmp_path: Path) -> None:
    arguments, changed = patches(tmp_path / "in")
    changed.with_name("page2_1.png").unlink()
    assert sinonom(*arguments, tmp_path / "one", "-q") == 6
    changed.write_bytes(changed.with_name("page0_1.png").read_bytes())
    assert sinonom(*arguments, tmp_path / "one", "--overwrite", "-q") == 6
    made = pictures(tmp_path / "one")
    for name, content in made.items():
        if "page1" in name:
            assert content == made[name.replace("page1", "page0")]
