"""Tests check exit codes, error classes and the names in a message, so that its sentences can be rewritten."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
SENTENCE = re.compile(r"(?<![\w./-])[A-Za-z]{2,}(?:[ ,;:]+[A-Za-z]{1,}){2,}(?![\w/-]*\.\w)")
"""Three words or more in a row, without file names and options."""
COMMAND = re.compile(r"\s*(sinonom|pip|apt-get|--)")
SAID = re.compile(r"\b(err|stderr|message|hint|said|caught|raised)\b")
"""Names of variables that hold the text of an error."""


def texts(node: ast.AST) -> list[str]:
    return [each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)]


def sentences(source: str) -> list[str]:
    """Return the sentences of messages that a file of tests asserts, by `match=` and in comparisons."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.keyword) and node.arg == "match":
            found += texts(node.value)
        elif isinstance(node, ast.Compare) and SAID.search(ast.unparse(node)):
            plain = [node.left, *node.comparators]
            found += [text for part in plain if not isinstance(part, ast.Call) for text in texts(part)]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("refused", "naming"):
            found += [text for part in node.args for text in texts(part)]
    return [text for text in found if SENTENCE.search(text) and not COMMAND.match(text)]


@pytest.mark.parametrize("path", sorted(TESTS.rglob("test_*.py")), ids=lambda p: p.relative_to(TESTS).as_posix())
def test_no_sentence_of_a_message_is_asserted(path: Path) -> None:
    assert sentences(path.read_text(encoding="utf-8")) == []


def test_a_sentence_is_told_from_names_numbers_and_commands() -> None:
    source = """
with pytest.raises(SinonomError, match="the disk is full"): pass
assert "was not made by sinonom" in capsys.readouterr().err
assert caught.value.message == f"{path} is no index"
assert "a.png, line 3" in said and "--classes 6" in said
assert "sinonom index set db.faiss --overwrite" in caught.value.hint
assert run(["train", "--data", "in"]) == 4
with pytest.raises(SinonomError, match="step 4"): pass
"""
    assert sorted(sentences(source)) == [" is no index", "the disk is full", "was not made by sinonom"]
