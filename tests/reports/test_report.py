"""Promises of the page of `--report`, which a real browser shows, and of the same facts in `--scores` and `--csv`."""

import base64
import csv
import io
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tinymodel import tiny_model, tiny_pictures

from sinonom_cli import cli
from sinonom_cli.reports import html_report, html_thumbnails
from sinonom_cli.reports import query as ask
from sinonom_cli.storage.record import begin, finish

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
CHARS = "一字"


def sinonom(*arguments: object) -> int:
    return cli.run([str(argument) for argument in arguments])


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a labelled set of 12 pictures, its index, the same pictures as queries, one damaged, and a wrong truth."""
    folder = tmp_path / "bản khắc 𡦂"
    tiny_model(folder / "model")
    names = [f"images/U+{ord(CHARS[i % 2]):04X}/{i:03d}.png" for i in range(12)]
    artifact = begin(folder / "set", "imageset", {}, {})
    tiny_pictures(folder / "set", names)
    tiny_pictures(folder / "queries", [f"{i:03d}.png" for i in range(12)])
    (folder / "queries" / "011.png").write_bytes(b"no picture")
    (folder / "queries" / "000.png").rename(folder / "queries" / "a<b>&'c.png")
    lines = ["file_name,label,char,source,box"]
    lines += [f"{name},{name[7:13]},{CHARS[i % 2]},khắc/{i:03d}.stl," for i, name in enumerate(names)]
    (folder / "set" / "metadata.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    finish(artifact, counts={"items": 12, "images": 12, "failed": 0})
    truth = ["query,label,kind", "a<b>&'c.png,000.stl,same", "001.png,001.stl,same", "002.png,009.stl,other"]
    truth += ['003.png,"404.stl,405.stl",other', "011.png,011.stl,other"]
    (folder / "truth.csv").write_text("\n".join(truth) + "\n", encoding="utf-8")
    monkeypatch.chdir(folder)
    assert sinonom("index", "set", "db.faiss", "-q") == 0
    return folder


def query(*more: object) -> int:
    return sinonom("query", "queries", "-i", "db.faiss", "--truth", "truth.csv", *more)


class Page(HTMLParser):
    """Parser that collects the texts and attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, text: str) -> None:
        self.texts.append(text)

    def of_class(self, name: str) -> list[dict]:
        return [attributes for _, attributes in self.tags if name in attributes.get("class", "").split()]


def test_the_report_is_one_page_with_every_picture_once_and_no_network(house: Path) -> None:
    assert query("--report", "out/report.html") == 6  # one picture cannot be read; the others are reported
    text = (house / "out" / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert not re.search(r"""(?i)https?:|["'(]//|@import|<link|src=|url\((?!data:image/png;base64,)""", text)
    assert [tag for tag, _ in page.tags].count("script") == 1
    stored = re.findall(r"\.(t\d+)\{background-image:url\(data:image/png;base64,([^)]+)\)\}", text)
    assert len(stored) == 12 + 11  # pictures of the set and readable queries; 11 x 5 answers are shown
    for _, uri in stored:
        with Image.open(io.BytesIO(base64.b64decode(uri))) as image:
            assert max(image.size) == html_thumbnails.SIDE
    shown = {name for _, attributes in page.tags for name in attributes.get("class", "").split()}
    assert {name for name, _ in stored} <= shown
    assert len(page.of_class("answer")) == 11  # a line for every query that could be read
    assert "a<b>&'c.png" in "".join(page.texts) and not [1 for tag, _ in page.tags if tag == "b&'c.png"]
    assert any("011.png" in text and "not a picture" in text for text in page.texts)


def test_the_report_puts_the_worst_first_and_shows_what_was_right(house: Path) -> None:
    assert query("--report", "report.html", "-k", 1) == 6
    text = (house / "report.html").read_text(encoding="utf-8")
    lines = [page["data-text"].split()[0] for page in Page(text).of_class("answer")]
    assert lines[:2] == ["003.png", "002.png"]  # the first is never found, the second has a late rank
    [second] = [part for part in text.split('<div class="answer"') if 'data-text="002.png' in part[:200]]
    assert "009.stl" in second and "<b>right: </b>" in second  # the right picture is shown even if it is no answer
    tags = {page["data-text"].split()[0]: page["data-tags"].split("|") for page in Page(text).of_class("answer")}
    assert tags["001.png"] == ["same"] and tags["003.png"] == ["other", "wrong", "missed"]


def test_a_page_stays_small_whatever_is_asked(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html_report, "MOST_BYTES", 3000)
    monkeypatch.setattr(html_report, "MOST_QUERIES", 2)  # every eighth time, only the two worst are kept
    assert query("--report", "report.html") == 6
    text = (house / "report.html").read_text(encoding="utf-8")
    assert sum(map(len, re.findall(r"base64,([^)]+)\)", text))) < 3000 + 2000
    assert [page["data-text"].split()[0] for page in Page(text).of_class("answer")] == ["003.png", "002.png"]
    assert (
        "9 more are not listed" in text and "11 queries and their answers" in text and "pictures are not drawn" in text
    )


def test_without_a_truth_the_report_shows_the_answers(house: Path) -> None:
    assert sinonom("query", "queries/001.png", "-i", "db.faiss", "--report", "report.html") == 0
    page = Page((house / "report.html").read_text(encoding="utf-8"))
    assert len(page.of_class("answer")) == 1 and not page.of_class("right")
    assert "Figures" not in page.texts


def test_equal_work_gives_equal_bytes_and_foreign_files_stay(house: Path) -> None:
    assert query("--report", "report.html", "--scores", "scores.csv") == 6
    first = (house / "report.html").read_bytes(), (house / "scores.csv").read_bytes()
    assert query("--report", "report.html", "--scores", "scores.csv") == 6
    assert ((house / "report.html").read_bytes(), (house / "scores.csv").read_bytes()) == first
    (house / "mine.html").write_text("<p>mine</p>", encoding="utf-8")
    assert query("--report", "mine.html") == 5
    assert query("--scores", "truth.csv") == 5
    assert query("--report", "report.pdf") == 2
    assert sinonom("query", "queries", "-i", "db.faiss", "--scores", "scores.csv") == 2
    assert query("--csv", "rows", "--json") == 2
    assert (house / "mine.html").read_text(encoding="utf-8") == "<p>mine</p>"


@pytest.mark.skipif(not CHROMIUM, reason="no browser: apt install chromium")
def test_a_real_browser_shows_the_report_and_its_filter_works(house: Path, tmp_path: Path) -> None:
    assert query("--report", "report.html") == 6
    shown = browser(tmp_path, house / "report.html", "--window-size=1200,2400", f"--screenshot={tmp_path / 'shot.png'}")
    with Image.open(tmp_path / "shot.png") as image:
        screen = np.asarray(image.convert("RGB")).reshape(-1, 3).astype(int)
    for colour in ((30, 150, 60), (60, 90, 170)):  # colours of the frames of right answers and of queries
        assert (np.abs(screen - colour).max(axis=1) < 3).sum() > 500
    ink = (screen.max(axis=1) < 40).mean()
    assert 0.005 < ink < 0.5  # pictures and text are drawn
    text = (house / "report.html").read_text(encoding="utf-8")
    # A line of script at the end of the page does what a reader would type.
    typed = 'which.value = "wrong"; filter(); console.assert(false, `shown ${count.textContent}`);'
    (tmp_path / "typed.html").write_text(text.replace("</script>", f"{typed}</script>"), encoding="utf-8")
    shown = browser(tmp_path, tmp_path / "typed.html", "--dump-dom")
    assert re.search(r'<span id="count"[^>]*>2 of 11</span>', shown)
    hidden = re.findall(r'<div class="answer"[^>]*data-text="(\S+)[^>]*hidden', shown)
    assert len(hidden) == 9 and "002.png" not in hidden


def browser(tmp_path: Path, page: Path, *options: str) -> str:
    command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    done = subprocess.run(
        [*command, profile, *options, page.as_uri()], capture_output=True, check=True, encoding="utf-8", timeout=120
    )
    return done.stdout


def test_scores_tell_the_rank_and_the_mistake_of_every_query(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert query("--scores", "scores.csv", "--csv", "rows", "-k", 12) == 6
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    with (house / "scores.csv").open(encoding="utf-8", newline="") as file:
        scores = {row["query"]: row for row in csv.DictReader(file)}
    assert list(scores) == ["001.png", "002.png", "003.png", "011.png", "a<b>&'c.png"]
    answers = [row for row in rows if Path(row["query"]).name == "002.png"]
    [right] = [row for row in answers if row["source"] == "khắc/009.stl"]
    found = scores["002.png"]
    assert (found["rank"], found["right"], found["right_distance"]) == (right["rank"], "009.stl", right["distance"][:8])
    assert (found["first"], found["first_char"]) == ("002.stl", "一")  # the query was confused with it
    assert float(found["reciprocal_rank"]) == pytest.approx(1 / int(right["rank"]), abs=1e-6)
    assert (scores["003.png"]["rank"], scores["003.png"]["right"]) == ("0", "")
    assert scores["003.png"]["wanted"] == "404.stl,405.stl"
    assert "not a picture" in scores["011.png"]["failure"] and scores["011.png"]["rank"] == "0"


def test_csv_pairs_are_a_truth_table_of_the_answers(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert query("--csv", "pairs") == 6
    captured = capsys.readouterr()
    table = list(csv.reader(io.StringIO(captured.out)))
    assert table[0] == ["query", "label"] and len(table) == 13
    pairs = dict(table[1:])
    assert pairs["001.png"].split(",")[0] == "001.stl" and len(pairs["001.png"].split(",")) == 5
    assert pairs["011.png"] == ""  # every query has its line
    assert "mrr@5" in captured.err  # figures go to stderr, so stdout is one table
    (house / "answers.csv").write_text(captured.out.replace("011.png,\n", ""), encoding="utf-8")
    assert ask.DEPTH == 5
    assert sinonom("query", "queries/001.png", "-i", "db.faiss", "--truth", "answers.csv") == 0
