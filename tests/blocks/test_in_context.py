"""Names of a block's characters are judged by their neighbours; what is known or sure stays; both names are kept."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tinyboxes import rows as table
from tinycommands import sinonom
from tinyscan import scans

from sinonom_cli.blocks.doubts import IMPROBABLE, NOT_IN_TEXT, Doubt
from sinonom_cli.blocks.find import Character, Read
from sinonom_cli.blocks.in_context import in_context
from sinonom_cli.blocks.learn import Called, Learnt, Pieces
from sinonom_cli.blocks.upright import Way
from sinonom_cli.characters import label_of
from sinonom_cli.layout.order import Placed
from sinonom_cli.pages.places import names_in_context
from sinonom_cli.search.naming import Name


def names(**chances: float) -> list[Name]:
    return [Name(label=label_of(char), char=char, distance=1.0, probability=chance) for char, chance in chances.items()]


def called(char: str = "", by: str = "model", chance: float = 0.9) -> Called:
    return Called(char=char, named_by=by if char else "", probability=chance)


def learnt(candidates: list[list[Name]], called: list[Called], doubts: list[Doubt]) -> Learnt:
    """Return characters of one column, cut out of an empty block."""
    nothing = np.zeros((0, 2))
    characters = [
        Character(
            placed=Placed(index=k, column=1, place=k + 1, part="text", box=(0.0, 0.0, 9.0, 9.0)),
            outline=nothing,
            score=1.0,
        )
        for k in range(len(candidates))
    ]
    read = Read(way=Way(), ink=np.zeros((9, 9), np.float32), size=9.0, characters=characters)
    embeddings = np.eye(len(candidates), dtype=np.float32)  # no two of them look alike
    pieces = Pieces(polygons=[], meshes=[], candidates=candidates, embeddings=embeddings)
    return Learnt(read=read, pieces=pieces, called=called, doubts=doubts)


def test_what_people_and_transcripts_say_is_certain_for_its_neighbours_and_stays() -> None:
    seen = []

    def turned(places: object, given: object, embeddings: object) -> list[list[Name]]:
        seen.extend(given)  # type: ignore[call-overload]
        return [several[::-1] for several in given]  # type: ignore[attr-defined]

    given = learnt(
        [names(上=0.7, 下=0.2), names(大=0.8, 天=0.1), names(人=0.4, 入=0.3), []],
        [called("上", "transcript"), called("大"), called(), called()],
        [
            Doubt(reason=NOT_IN_TEXT, number=1),
            Doubt(reason=IMPROBABLE, number=2),
            Doubt(reason=IMPROBABLE, number=3),
        ],
    )
    found = in_context(given, turned)
    assert [(one.char, one.probability) for one in seen[0]] == [("上", 1.0)]
    assert found.called[0] == given.called[0] and found.names[0] == given.pieces.names[0]
    assert [[one.char for one in several] for several in found.names] == [["上", "下"], ["天", "大"], ["入", "人"], []]
    assert [one.char for one in found.called] == ["上", "", "", ""]
    assert [(one.number, one.reason) for one in found.doubts] == [
        (1, NOT_IN_TEXT), (2, IMPROBABLE), (3, IMPROBABLE),
    ]  # fmt: skip


def test_neighbours_decide_a_doubtful_name_and_never_a_sure_one() -> None:
    given = learnt(
        [names(天=0.985, 大=0.01), names(干=0.5, 下=0.45)],
        [called("天"), called("干")],
        [],
    )
    found = in_context(given, names_in_context)
    assert [several[0].char for several in found.names] == ["天", "下"]
    assert found.called[0].probability == pytest.approx(0.985) and found.called[1].char == "下"
    assert [several[0].char for several in found.pieces.names] == ["天", "干"]


def test_what_people_say_of_a_character_helps_its_look_alikes_on_the_block() -> None:
    rare = [names(𪚥=0.45, 𪚦=0.4), names(𪚥=0.45, 𪚦=0.4), names(𪚥=0.45, 𪚦=0.4)]
    given = learnt(rare, [called("𪚦", "correction", 1.0), called("𪚥"), called("𪚥")], [])
    alike = np.array([[1, 0], [0.95, np.sqrt(1 - 0.95**2)], [0, 1]], np.float32)
    found = in_context(replace(given, pieces=replace(given.pieces, embeddings=alike)), names_in_context)
    assert [several[0].char for several in found.names[1:]] == ["𪚦", "𪚥"]


def test_both_names_are_in_the_table_and_without_context_they_are_the_same(tmp_path: Path) -> None:
    scans(tmp_path, columns=3, rows=4)
    assert sinonom("cut", tmp_path / "scans", tmp_path / "cut", "--workers", 0, "-q") == 0
    assert sinonom("cut", tmp_path / "scans", tmp_path / "sight", "--no-context", "--workers", 0, "-q") == 0
    both, alone = table(tmp_path / "cut/metadata.csv"), table(tmp_path / "sight/metadata.csv")
    assert len(both) == len(alone) == 12
    assert [row["names_by_sight"] for row in both] == [row["names"] for row in alone]
    assert [row["probabilities_by_sight"] for row in both] == [row["probabilities"] for row in alone]
    assert all(row["names"] == row["names_by_sight"] for row in alone)
    assert all(len(row["names"].split()) == 5 for row in both)
    assert [row["probabilities"] for row in both] != [row["probabilities"] for row in alone]
