"""Test the input and the kept answers of teachers, and the losses by which a student learns from them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from refused import refused  # noqa: E402
from torch import nn  # noqa: E402

from sinonom_cli.errors import ExitCode, SinonomError, need  # noqa: E402
from sinonom_cli.networks import teachers  # noqa: E402
from sinonom_cli.networks.onnx_export import export_onnx  # noqa: E402
from sinonom_cli.networks.teachers import find_teacher, strongest  # noqa: E402
from sinonom_cli.train.distill import (  # noqa: E402
    TEMPERATURE,
    Lessons,
    as_tensor,
    dense,
    distilled,
    relational,
    similarity,
)
from sinonom_cli.train.prepared_pictures import Cells  # noqa: E402


class Blocks(nn.Module):
    """Network that gives the mean ink of 16 parts of a picture, which can be computed by hand."""

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return nn.functional.avg_pool2d(pictures, 8).flatten(1)


@pytest.fixture(scope="module")
def blocks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("teachers") / "thầy 𡦂.onnx"
    path.write_bytes(export_onnx(Blocks(), 32)[0])
    return path


@pytest.fixture
def pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (21, 32, 32), dtype=np.uint8)


def test_an_onnx_teacher_sees_ink_and_its_answers_have_length_1(blocks: Path, pictures: np.ndarray) -> None:
    answers = find_teacher(str(blocks))(pictures)
    means = pictures.reshape(21, 4, 8, 4, 8).mean(axis=(2, 4)).reshape(21, 16)
    np.testing.assert_allclose(answers["value"], means / np.linalg.norm(means, axis=1, keepdims=True), atol=1e-3)
    assert (answers["column"] == np.arange(16)).all()


def test_what_a_teacher_says_of_a_picture_does_not_depend_on_what_it_is_asked_with(
    blocks: Path, pictures: np.ndarray
) -> None:
    teacher = find_teacher(str(blocks))
    together = teacher(pictures)
    assert all((teacher(pictures[k : k + 1])[0] == together[k]).all() for k in range(21))


def test_the_strongest_numbers_are_kept_in_their_places() -> None:
    kept = strongest(np.array([[0.1, 4, 0, 3, 0.2]], np.float32), 2)
    assert kept["column"].tolist() == [[1, 3]]
    np.testing.assert_allclose(kept["value"], [[0.8, 0.6]], atol=1e-3)


def test_dense_answers_have_the_dot_products_of_the_whole(pictures: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    whole = rng.random((9, 500)).astype(np.float32) ** 8
    kept = strongest(whole, 40)
    table = np.zeros_like(whole)
    np.put_along_axis(table, kept["column"].astype(np.int64), kept["value"].astype(np.float32), axis=1)
    short = dense(as_tensor(kept))
    assert short.shape[1] == len(np.unique(kept["column"]))
    np.testing.assert_allclose((short @ short.T).numpy(), table @ table.T, atol=1e-5)


def test_relational_distillation_is_the_paper_s_loop() -> None:
    generator = torch.Generator().manual_seed(0)
    student, teacher = (torch.randn(7, n, generator=generator) for n in (4, 9))
    student[3] *= 9  # so far out that Huber's loss is linear

    def normalised(rows: torch.Tensor) -> dict[tuple[int, int], float]:
        rows = rows.double().numpy()
        far = {(i, j): float(np.sqrt(((rows[i] - rows[j]) ** 2).sum())) for i in range(7) for j in range(7) if i != j}
        mean = sum(far.values()) / len(far)
        return {pair: d / mean for pair, d in far.items()}

    s, t = normalised(student), normalised(teacher)
    gaps = [abs(s[pair] - t[pair]) for pair in s]
    assert max(gaps) > 1
    expected = np.mean([g * g / 2 if g <= 1 else g - 0.5 for g in gaps])
    assert float(relational(student, teacher)) == pytest.approx(expected, rel=1e-5)
    assert float(relational(teacher * 3, teacher)) == pytest.approx(0, abs=1e-10)


def test_a_student_of_nothing_but_a_teacher_comes_to_see_its_distances() -> None:
    generator = torch.Generator().manual_seed(0)
    teacher = nn.functional.normalize(torch.randn(12, 6, generator=generator), dim=1)
    student = torch.randn(12, 6, generator=generator).requires_grad_()
    optimizer = torch.optim.Adam([student], 0.05)
    first = float(relational(student, teacher).detach())
    for _ in range(150):
        optimizer.zero_grad()
        relational(student, teacher).backward()
        optimizer.step()
    assert float(relational(student, teacher).detach()) < first / 50


def test_similarity_distillation_is_the_divergence_of_the_likenesses_picture_by_picture() -> None:
    generator = torch.Generator().manual_seed(2)
    student, teacher = (torch.randn(6, n, generator=generator) for n in (4, 9))

    def likenesses(rows: torch.Tensor, i: int) -> np.ndarray:
        rows = rows.double().numpy()
        rows = rows / np.sqrt((rows**2).sum(axis=1, keepdims=True))
        weights = np.array([np.exp(rows[i] @ rows[j] / TEMPERATURE) for j in range(6) if j != i])
        return weights / weights.sum()

    pairs = [(likenesses(teacher, i), likenesses(student, i)) for i in range(6)]
    expected = np.mean([(t * np.log(t / s)).sum() for t, s in pairs])
    assert float(similarity(student, teacher)) == pytest.approx(expected, rel=1e-4)
    assert float(similarity(teacher * 3, teacher)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("way", ["similarity", "distance"])
def test_pictures_that_the_teacher_was_not_asked_about_do_not_count(way: str) -> None:
    generator = torch.Generator().manual_seed(3)
    answers = as_tensor(strongest(torch.rand(8, 30, generator=generator).numpy(), 5))
    student = nn.functional.normalize(torch.randn(8, 4, generator=generator), dim=1).requires_grad_()
    whole = distilled(way, student[:5], answers[:5]).item()
    answers[5:, :, 0] = 0
    found = distilled(way, student, answers)
    found.backward()
    assert found.item() == pytest.approx(whole, rel=1e-5)
    assert student.grad is not None and not student.grad[5:].any() and student.grad[:5].any(dim=1).all()
    answers[1:, :, 0] = 0
    assert distilled(way, student, answers).item() == 0


def cells(folder: Path, pictures: np.ndarray) -> Cells:
    """Make two sets, the first of the even pictures and the second of the odd ones."""
    files = []
    for k in range(2):
        (folder / str(k)).mkdir()
        pictures[k::2].tofile(folder / str(k) / "pictures.u8")
        files.append((folder / str(k) / "pictures.u8", len(pictures[k::2])))
    count = np.arange(len(pictures))
    return Cells(tuple(files), 32, count % 2, count // 2, {})


def test_each_picture_is_asked_for_once_even_by_another_training(
    blocks: Path, pictures: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    teacher = find_teacher(str(blocks))
    lessons = Lessons.of(teacher, cells(tmp_path, pictures))
    expected = teacher(pictures)
    positions = np.array([3, 8, 3, 20, 0])
    assert (lessons(positions) == expected[positions]).all()
    asked: list[int] = []
    answer = teachers.Teacher.__call__
    monkeypatch.setattr(
        teachers.Teacher, "__call__", lambda self, some: (asked.append(len(some)), answer(self, some))[1]
    )
    again = Lessons.of(teacher, lessons.cells)
    asked.clear()
    assert (again(np.array([20, 8, 5, 0, 5])) == expected[[20, 8, 5, 0, 5]]).all()
    assert asked == [1], "only picture 5 was new, and it came twice"


def test_a_teacher_is_asked_about_the_sets_that_it_is_to_teach_alone(
    blocks: Path, pictures: np.ndarray, tmp_path: Path
) -> None:
    teacher = find_teacher(str(blocks))
    lessons = Lessons.of(teacher, cells(tmp_path, pictures), [1])
    answers = lessons(np.array([0, 1, 2, 3]))
    assert (answers[[1, 3]] == teacher(pictures)[[1, 3]]).all()
    assert not answers["value"][[0, 2]].any()
    assert [path.exists() for path, _ in lessons.files] == [False, True]


def test_a_file_that_is_no_teacher_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"no network")
    for name, words in (("broken.onnx", "cannot be a teacher"), ("nowhere.onnx", "there is no teacher")):
        with pytest.raises(SinonomError, match=words) as caught:
            find_teacher(str(tmp_path / name))
        assert caught.value.code == ExitCode.BAD_INPUT and "\n" not in caught.value.message


def test_an_answer_too_long_for_its_places_to_be_kept_is_refused(blocks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teachers, "MOST_NUMBERS", 16)
    assert find_teacher(str(blocks)).reads == "embedding"
    monkeypatch.setattr(teachers, "MOST_NUMBERS", 15)
    with refused(ExitCode.BAD_INPUT, 16, 15):
        find_teacher(str(blocks))


def test_without_rapidocr_the_pip_line_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teachers.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(SinonomError, match="rapidocr") as caught:
        find_teacher("pp-ocr")
    assert caught.value.code == ExitCode.MISSING_EXTRA and "sinonom[teacher]" in caught.value.hint


def test_pp_ocr_reads_a_drawn_character_and_its_answers_match_the_package_s() -> None:
    """The package's own preparation of the same picture, as in its source, gives the same posteriors."""
    try:
        need("cv2", "teacher")
        recogniser = need("rapidocr.ch_ppocr_rec.main", "teacher")
    except SinonomError as error:
        pytest.skip(error.message)
    import onnxruntime
    from PIL import Image, ImageDraw

    image = Image.new("L", (48, 48), 255)
    draw = ImageDraw.Draw(image)
    for line in ((10, 14, 38, 14), (24, 8, 24, 40), (14, 26, 34, 26), (10, 40, 38, 40)):  # a tidy 王 with a long stem
        draw.line(line, fill=0, width=4)
    page = np.asarray(image)
    ink = 255 - page[5:43, 5:43]  # a prepared picture holds the part inside the margin
    teacher = find_teacher("pp-ocr")
    session = onnxruntime.InferenceSession(str(teacher.path), providers=["CPUExecutionProvider"])
    symbols = ["", *session.get_modelmeta().custom_metadata_map["character"].splitlines(), " "]
    answer = teacher(ink[None])[0]
    best = int(answer["column"][answer["value"].argmax()]) + 1  # the blank is left out
    assert symbols[best] in "王玉主土丰"

    resize = recogniser.TextRecognizer.resize_norm_img
    given = resize(type("Like", (), {"rec_image_shape": [3, 48, 320]})(), np.repeat(page[:, :, None], 3, 2), 1.0)
    posteriors = session.run(None, {session.get_inputs()[0].name: given[None].astype(np.float32)})[0][0, :, 1:]
    expected = np.sqrt(posteriors).max(axis=0)
    top = np.argsort(-expected)[: teachers.KEPT]
    expected = expected[np.sort(top)] / np.linalg.norm(expected[top])
    assert (answer["column"] == np.sort(top)).mean() > 0.95
    assert answer["value"].astype(float).max() == pytest.approx(expected.max(), abs=0.01)


def test_timm_s_networks_teach_too_and_show_dark_ink_on_white(tmp_path: Path) -> None:
    timm = pytest.importorskip("timm")
    from safetensors.torch import save_file

    from sinonom_cli.networks.timm_teacher import export_timm_teacher

    torch.manual_seed(0)
    theirs = timm.create_model("test_resnet", num_classes=0).eval()
    save_file(theirs.state_dict(), tmp_path / "resnet.safetensors")
    path = export_timm_teacher("test_resnet", str(tmp_path / "resnet.safetensors"), 32, tmp_path / "out")
    assert export_timm_teacher("test_resnet", str(tmp_path / "resnet.safetensors"), 32, tmp_path / "out") == path
    picture = np.random.default_rng(0).integers(0, 256, (1, 32, 32), dtype=np.uint8)
    answer = find_teacher(str(path))(picture)["value"][0].astype(float)
    mean, deviation = (np.mean(theirs.pretrained_cfg[name]) for name in ("mean", "std"))
    light = (1 - picture[0] / 255 - mean) / deviation
    side = theirs.pretrained_cfg["input_size"][-1]
    colours = torch.from_numpy(np.repeat(light[None, None], 3, 1)).float()
    colours = nn.functional.interpolate(colours, size=(side, side), mode="bilinear")
    with torch.no_grad():
        expected = nn.functional.normalize(theirs(colours), dim=1)[0].numpy()
    np.testing.assert_allclose(answer, expected, atol=2e-3)


def test_a_training_with_a_teacher_notes_it_and_what_it_adds(tmp_path: Path, blocks: Path) -> None:
    from PIL import Image

    from sinonom_cli import cli

    for k in range(5):
        for hand in range(4):
            page = np.full((40, 40), 255, np.uint8)
            page[8:32, 6 + 5 * k : 10 + 5 * k] = page[10 + 4 * k : 14 + 4 * k, 6 : 30 + hand] = 0
            path = tmp_path / "set" / f"U+{0x4E00 + k:X}" / f"{hand}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(page).save(path)
    command = ["train", "--data", str(tmp_path / "set"), "-o", str(tmp_path / "m"), "--cache", str(tmp_path / "cache")]
    command += ["--size", "32", "--steps", "3", "--classes", "4", "--embedding", "8", "--workers", "0", "-q"]
    assert cli.run([*command, "--teacher", str(blocks), "--distill", "0.5"]) == ExitCode.DONE
    record = json.loads((tmp_path / "m" / "artifact.json").read_text(encoding="utf-8"))
    assert record["options"]["teacher"] == f"{blocks.name} {find_teacher(str(blocks)).identity[:16]}"
    assert record["options"]["distill"] == 0.5 and record["options"]["distill_loss"] == "similarity"
    with (tmp_path / "m" / "metrics.csv").open(encoding="utf-8", newline="") as file:
        assert 0 < float(list(csv.DictReader(file))[-1]["teacher"]) < 1
    for alone in (["--distill", "0.5"], ["--distill-loss", "distance"], ["--teach", str(tmp_path / "set")]):
        assert cli.run([*command, *alone, "--overwrite"]) == ExitCode.USAGE
    of_another = ["--teacher", str(blocks), "--teach", str(tmp_path)]
    assert cli.run([*command, *of_another, "--overwrite"]) == ExitCode.USAGE
    of_all = ["--teacher", str(blocks), "--teach", str(tmp_path / "set"), "--distill-loss", "distance"]
    assert cli.run([*command, *of_all, "--overwrite"]) == ExitCode.DONE
    record = json.loads((tmp_path / "m" / "artifact.json").read_text(encoding="utf-8"))
    assert record["options"]["teach"] == [0] and record["options"]["distill"] == 1.0
    assert cli.run([*command, "--teacher", str(blocks), "--loss", "cross-entropy", "--overwrite"]) == ExitCode.USAGE
