"""Probabilities, --calibrate and --reject on the command line agree with a loop over all distances."""

import csv
import io
import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from refused import naming
from tinymodel import tiny_model, tiny_pictures

from sinonom_cli import cli
from sinonom_cli.search import opening
from sinonom_cli.storage.record import begin, finish

LABELS, EACH, NOISE = 20, 2, 60
WAY = ("--index", "db.faiss", "--truth", "truth.csv")


def sinonom(*arguments: object) -> int:
    return cli.run([str(argument) for argument in arguments])


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an index with two pictures of each of 20 characters, and 60 noisy queries with a truth table."""
    folder = tmp_path / "bản khắc 𡦂"
    tiny_model(folder / "model", dimension=12)
    names = [f"images/U+{0x4E00 + i % LABELS:04X}/{i:03d}.png" for i in range(LABELS * EACH)]
    artifact = begin(folder / "set", "imageset", {}, {})
    paths = tiny_pictures(folder / "set", names)
    lines = ["file_name,label,char,source,box"]
    lines += [f"{n},{n[7:13]},{chr(0x4E00 + i % LABELS)},{i:03d}.stl," for i, n in enumerate(names)]
    (folder / "set" / "metadata.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    finish(artifact, counts={"items": len(names), "images": len(names), "failed": 0})
    rng = np.random.default_rng(0)
    (folder / "q").mkdir()
    truth = ["query,label"]
    for number in range(60):
        which = number % len(paths)
        pixels = np.asarray(Image.open(paths[which])).astype(np.float64)
        pixels = np.clip(pixels + rng.normal(0, NOISE, pixels.shape), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / "q" / f"{number:02d}.png")
        truth.append(f"{number:02d}.png,{chr(0x4E00 + which % LABELS)}")
    (folder / "truth.csv").write_text("\n".join(truth) + "\n", encoding="utf-8")
    monkeypatch.chdir(folder)
    assert sinonom("index", "set", "db.faiss", "-q") == 0
    return folder


def calibrated(capsys: pytest.CaptureFixture[str], *more: object) -> dict:
    capsys.readouterr()
    assert sinonom("query", "q", *WAY, "--calibrate", "--json", *more) == 0
    return json.loads(capsys.readouterr().out)["calibration"]


def answered(capsys: pytest.CaptureFixture[str], *more: object) -> list[dict]:
    capsys.readouterr()
    assert sinonom("query", "q", "--index", "db.faiss", "--json", *more) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_temperature_is_the_likeliest_of_a_grid_over_all_answers(
    house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    everything = answered(capsys, "-k", LABELS * EACH)
    found = calibrated(capsys)
    kept = json.loads((house / "db.faiss.json").read_text(encoding="utf-8"))["calibration"]["euclidean"]
    assert kept == found and found["by"] == "label" and found["queries"] == 60
    assert found["found"] == pytest.approx(60.5 / 61)

    def loss(temperature: float) -> float:
        total = 0.0
        for number, answer in enumerate(everything):
            least: dict[str, float] = {}
            for result in answer["results"]:
                least.setdefault(result["label"], result["distance"] ** 2)
            right = least[f"U+{0x4E00 + number % 40 % LABELS:04X}"]
            weights = {label: math.exp(-energy / temperature) for label, energy in least.items()}
            share = math.exp(-right / temperature) / sum(weights.values())
            rest = sum(weight for label, weight in weights.items() if least[label] != right) / sum(weights.values())
            total -= 61 / 62 * math.log(share) + 1 / 62 * math.log(rest)
        return total

    grid = np.exp(np.linspace(math.log(found["temperature"] / 2), math.log(found["temperature"] * 2), 41))
    losses = [loss(one) for one in grid.tolist()]
    assert int(np.argmin(losses)) == 20


def test_every_form_of_answers_shows_the_probability_of_its_label(
    house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = answered(capsys)
    assert "probability" not in before[0]["results"][0] and list(before[0]) == ["query", "results"]
    fitted = calibrated(capsys)
    everything = answered(capsys, "-k", LABELS * EACH)
    for answer in everything:
        least: dict[str, float] = {}
        for result in answer["results"]:
            least.setdefault(result["label"], result["distance"])
        weights = {label: math.exp(-(far**2) / fitted["temperature"]) for label, far in least.items()}
        for result in answer["results"]:
            expected = fitted["found"] * weights[result["label"]] / sum(weights.values())
            assert result["probability"] == pytest.approx(expected, abs=2e-5)
    after = answered(capsys)
    assert list(after[0]["results"][0])[-2:] == ["distance", "probability"]
    assert [answer["results"] for answer in after] == [answer["results"][:5] for answer in everything]
    stripped = [
        [{name: value for name, value in result.items() if name != "probability"} for result in answer["results"]]
        for answer in after
    ]
    assert stripped == [answer["results"] for answer in before]

    assert sinonom("query", "q", "--index", "db.faiss", "--csv", "rows") == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [float(row["probability"]) for row in rows] == [r["probability"] for a in after for r in a["results"]]
    assert sinonom("query", "q/00.png", "--index", "db.faiss", "--report", "r.html", "--sheet", "s.png") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split("\t")[-1] == "probability" and float(lines[1].split("\t")[-1]) > 0.01
    assert f" {100 * after[0]['results'][0]['probability']:.0f}%</small>" in (house / "r.html").read_text("utf-8")


def signs(results: list[dict], without: str = "", spread: float | None = None) -> list[float]:
    """Return log e and log m of one query by a loop over its answers, without one label, and log s."""
    least: dict[str, float] = {}
    for result in results:
        if result["label"] != without:
            least.setdefault(result["label"], result["distance"] ** 2)
    nearest, *others = least.values()
    mean = sum(others[:20]) / len(others[:20])
    return [math.log(max(nearest, 0.001 * mean)), math.log(mean), *([] if spread is None else [math.log(spread)])]


def test_reject_says_of_a_query_that_the_index_holds_nothing_like_it_and_counts_it_as_not_found(
    house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fitted = calibrated(capsys)
    plain = answered(capsys, "-k", LABELS * EACH)
    nearest = [answer["results"][0]["distance"] for answer in plain]
    assert fitted["threshold"] == pytest.approx(np.quantile(nearest, 0.95), abs=1e-5)
    weights = [fitted["doubt"][name] for name in ("distance", "others")]
    assert weights[0] > 0 and weights[1] < 0
    doubts = [sum(w * s for w, s in zip(weights, signs(answer["results"]), strict=True)) for answer in plain]
    assert fitted["doubt"]["limit"] == pytest.approx(np.quantile(doubts, 0.95), abs=1e-4)
    *asked, metrics = answered(capsys, "--reject", "--truth", "truth.csv")
    known = [doubt <= fitted["doubt"]["limit"] for doubt in doubts]
    assert [answer["known"] for answer in asked] == known and 0 < known.count(False) < 6
    assert known != [far <= fitted["threshold"] for far in nearest]  # the distance alone would decide otherwise
    assert [bool(answer["results"]) for answer in asked] == known
    right = [
        yes and answer["results"][0]["label"] == f"U+{0x4E00 + number % 40 % LABELS:04X}"
        for number, (answer, yes) in enumerate(zip(plain, known, strict=True))
    ]
    assert metrics["metrics"]["recall@1"] == pytest.approx(sum(right) / 60)
    place = known.index(False)
    out = ("q", "--index", "db.faiss", "--reject")
    assert sinonom("query", *out, "--csv", "rows") == 0
    rows = [row for row in csv.DictReader(io.StringIO(capsys.readouterr().out)) if row["rank"] == "0"]
    assert len(rows) == known.count(False)
    assert Path(rows[0]["query"]).name == f"{place:02d}.png" and rows[0]["item"] == "nothing like it in the index"
    assert sinonom("query", *out, "--csv", "pairs") == 0
    assert f"{place:02d}.png," in capsys.readouterr().out.splitlines()
    files = ("--report", "r.html", "--sheet", "s.png", "--scores", "s.csv", "--truth", "truth.csv")
    assert sinonom("query", *out, *files, "-q") == 0
    assert (house / "r.html").read_text("utf-8").count("<b>nothing like it in the index</b>") == known.count(False)
    scores = list(csv.DictReader((house / "s.csv").open(encoding="utf-8", newline="")))
    assert [row["failure"] != "" for row in scores] == [not yes for yes in known]
    assert all(row["rank"] == "0" for row in scores if row["failure"])


def test_a_calibration_of_an_older_version_rejects_by_the_distance_alone(
    house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fitted = calibrated(capsys)
    path = house / "db.faiss.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    del record["calibration"]["euclidean"]["doubt"]
    path.write_text(json.dumps(record), encoding="utf-8")
    nearest = [answer["results"][0]["distance"] for answer in answered(capsys)]
    known = [answer["known"] for answer in answered(capsys, "--reject")]
    assert known == [far <= fitted["threshold"] for far in nearest] and False in known


def test_with_views_their_spread_is_a_sign_too(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from sinonom_cli.networks.embedder import Embedder
    from sinonom_cli.networks.preprocess import prepare
    from sinonom_cli.networks.test_time_augmentation import views
    from sinonom_cli.pictures.loading import load_picture
    from sinonom_cli.storage.model_folder import read_model

    fitted = calibrated(capsys, "--tta")["doubt"]
    assert list(fitted) == ["distance", "others", "spread", "limit"]
    embedder = Embedder(read_model(Path("model")))
    doubts = []
    for number, answer in enumerate(answered(capsys, "--tta", "-k", LABELS * EACH)):
        picture = prepare(load_picture(Path(f"q/{number:02d}.png")), 16)
        spread = float(np.var(embedder.embed(views(picture[None])[0]).astype(np.float64), axis=0).sum())
        weights = [fitted[name] for name in ("distance", "others", "spread")]
        doubts.append(sum(w * s for w, s in zip(weights, signs(answer["results"], "", spread), strict=True)))
    assert fitted["limit"] == pytest.approx(np.quantile(doubts, 0.95), abs=1e-3)
    known = [answer["known"] for answer in answered(capsys, "--tta", "--reject")]
    assert known == [doubt <= fitted["limit"] for doubt in doubts] and False in known


def test_figures_are_of_queries_that_the_calibration_was_not_fitted_on(
    house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = calibrated(capsys)
    everything = answered(capsys, "-k", LABELS * EACH)
    labels = [f"U+{0x4E00 + number % 40 % LABELS:04X}" for number in range(60)]
    known = np.array([signs(answer["results"]) for answer in everything])
    unknown = np.array([signs(answer["results"], label) for answer, label in zip(everything, labels, strict=True)])
    correct = [answer["results"][0]["label"] == label for answer, label in zip(everything, labels, strict=True)]
    # Each half of the characters is evaluated with scikit-learn's weights of the other half.
    order = [chr(int(label[2:], 16)) for label in labels]
    distinct, number = np.unique(order, return_inverse=True)
    first = (np.random.default_rng(0).permutation(len(distinct)) % 2 == 0)[number]
    near, without = np.zeros(60), np.zeros(60)
    for half in (first, ~first):
        weights = by_scikit_learn(known[~half], unknown[~half])
        limit = np.quantile(known[~half] @ weights, 0.95)
        near[half], without[half] = known[half] @ weights - limit, unknown[half] @ weights - limit
    wins = np.mean([(u > k) + 0.5 * (u == k) for u in without for k in near])
    assert found["auroc"] == pytest.approx(wins, abs=2e-3)
    assert found["known_kept"] == pytest.approx((near <= 0).mean())
    assert found["unknown_rejected"] == pytest.approx((without > 0).mean())
    assert found["accuracy"] == pytest.approx(sum(correct) / 60)
    assert 0 <= found["ece"] < 0.5 and found["nll"] > 0
    assert found["known_kept"] != pytest.approx(0.95, abs=1e-9)  # on the queries of the fit it would be 57 of 60


def by_scikit_learn(known: np.ndarray, unknown: np.ndarray) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression

    both = np.concatenate([known, unknown])
    target = np.repeat([0, 1], [len(known), len(unknown)])
    scale = both.std(axis=0)
    fitted = LogisticRegression(C=10, tol=1e-9, max_iter=1000).fit((both - both.mean(axis=0)) / scale, target)
    return fitted.coef_[0] / scale


def test_a_truth_of_meshes_makes_probabilities_of_meshes(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["query,label", *(f"{number:02d}.png,{number % 40:03d}.stl" for number in range(60))]
    (house / "truth.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert calibrated(capsys)["by"] == "source"
    first = answered(capsys, "-k", LABELS * EACH)[0]["results"]
    assert sum(result["probability"] for result in first) == pytest.approx(60.5 / 61, abs=1e-3)


def test_what_changes_the_rows_drops_the_calibration(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    calibrated(capsys)
    record = house / "db.faiss.json"
    assert sinonom("index", "set", "db.faiss") == 0 and "calibration" in json.loads(record.read_text("utf-8"))
    assert sinonom("index", "db.faiss", "--remove", "#39") == 0
    assert "--calibrate" in capsys.readouterr().err
    assert "calibration" not in json.loads(record.read_text("utf-8"))
    calibrated(capsys)
    assert sinonom("index", "set", "db.faiss", "--add", "-q") == 0
    assert "calibration" not in json.loads(record.read_text("utf-8"))
    calibrated(capsys)
    assert sinonom("index", "set", "db.faiss", "--overwrite", "-q") == 0
    assert "calibration" not in json.loads(record.read_text("utf-8"))


def test_each_way_of_asking_has_a_calibration_of_its_own(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    calibrated(capsys)
    assert sinonom("query", "q/00.png", "--index", "db.faiss", "--distance", "cosine") == 0
    captured = capsys.readouterr()
    assert "probability" not in captured.out and "cosine" in captured.err
    assert sinonom("query", "q/00.png", "--index", "db.faiss", "--tta", "--reject") == 4
    assert "--tta --calibrate" in capsys.readouterr().err
    plain, cosine = (calibrated(capsys, *more) for more in ((), ("--distance", "cosine")))
    # For vectors of length 1, the cosine distance is half the squared Euclidean distance.
    assert cosine["temperature"] == pytest.approx(plain["temperature"] / 2, rel=1e-3)
    assert calibrated(capsys, "--tta")["temperature"] != plain["temperature"]
    kept = json.loads((house / "db.faiss.json").read_text(encoding="utf-8"))["calibration"]
    assert list(kept) == ["euclidean", "cosine", "euclidean --tta"]


def test_rerank_leaves_each_answer_the_probability_of_its_distance(
    house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calibrated(capsys)
    plain, reranked = answered(capsys, "-k", 8), answered(capsys, "-k", 8, "--rerank", 8)
    assert plain != reranked
    for one, other in zip(plain, reranked, strict=True):
        assert {r["item"]: r["probability"] for r in one["results"]} == {
            r["item"]: r["probability"] for r in other["results"]
        }


def test_characters_have_the_same_probability_whether_the_index_ships_or_is_named(
    house: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    calibrated(capsys)
    wanted = ("label", "distance", "probability")
    named = [[answer["results"][0][name] for name in wanted] for answer in answered(capsys)]
    monkeypatch.setattr(opening, "CHARACTERS", house / "db.faiss")
    assert sinonom("query", "q", "--json") == 0
    shipped = [json.loads(line)["results"] for line in capsys.readouterr().out.splitlines()]
    assert [[results[0][name] for name in wanted] for results in shipped] == named
    assert sinonom("query", "q", "--truth", "truth.csv", "--calibrate") == 2
    assert "--index" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--index", "db.faiss", "--calibrate"), 2, "--truth"),
        ((*WAY, "--calibrate", "--rerank", 3), 2, "--rerank"),
        ((*WAY, "--calibrate", "--limit", 5), 4, "5"),
        (
            ("--index", "db.faiss", "--reject"),
            4,
            "query QUERIES --index db.faiss --truth truth.csv --calibrate",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_with_what_to_type(
    house: Path, capsys: pytest.CaptureFixture[str], arguments: tuple, code: int, told: str
) -> None:
    before = (house / "db.faiss.json").read_bytes()
    assert sinonom("query", "q", *arguments) == code
    assert told in capsys.readouterr().err
    assert (house / "db.faiss.json").read_bytes() == before


def test_a_calibration_that_is_none_is_refused(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = house / "db.faiss.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    whole = {"by": "label", "temperature": 1, "found": 1, "threshold": 1}
    kept = {"euclidean": whole | {"doubt": {"distance": 0, "others": 1, "limit": 1}}}
    for broken in ({"euclidean": {"by": "label"}}, {"euclidean": {"by": "x", "temperature": 1}}, [1], kept):
        path.write_text(json.dumps(record | {"calibration": broken}), encoding="utf-8")
        assert sinonom("query", "q/00.png", "--index", "db.faiss") == 4
        assert "db.faiss.json" in capsys.readouterr().err


def test_an_index_that_changes_meanwhile_keeps_no_calibration_of_what_it_was(
    house: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sinonom_cli.search import calibrate

    held_out = calibrate.held_out

    def meanwhile(asked: calibrate.Asked) -> dict:
        assert sinonom("index", "db.faiss", "--remove", "#39", "-q") == 0
        return held_out(asked)

    monkeypatch.setattr(calibrate, "held_out", meanwhile)
    assert sinonom("query", "q", *WAY, "--calibrate") == 4
    naming(capsys, "db.faiss")
    assert "calibration" not in json.loads((house / "db.faiss.json").read_text(encoding="utf-8"))
