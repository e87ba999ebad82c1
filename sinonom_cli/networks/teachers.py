"""Define the networks that a student learns from, their input, and the part of their answers that is kept.

A teacher is an ONNX network. PP-OCRv6's recogniser is part of the package rapidocr (Apache-2.0). A network of timm is
exported once. Any other teacher is a file.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.networks.embedder import session_of
from sinonom_cli.storage.atomic import cached_by_file, sha256_of

PP_OCR = "pp-ocr"
AT_ONCE = 8
"""Number of pictures that go through a teacher together; it is fixed so that an answer depends on its picture alone."""

OCR_SIDE = 48
OCR_MARGIN = 5
"""Height of the lines that the recogniser reads, and margin around their characters, in pixels."""

KEPT = 128
"""How many of PP-OCR's 18,709 numbers are kept. Dot products of these and of all differ by 0.002 on average, and rank
prints and reliefs equally well (`benchmarks/teacher.py`). All of them would take 37 kB for each picture."""

ENTRY = np.dtype([("value", "<f2"), ("column", "<u2")])
"""One number of an answer, and its column in the whole answer."""
MOST_NUMBERS = 2**16
"""Largest length of an answer, since its columns are stored in 16 bits."""

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_DEVIATION = (0.26862954, 0.26130258, 0.27577711)
"""Mean and standard deviation of each colour in the training of CLIP; networks of ImageNet have nearly the same."""


@dataclass(frozen=True)
class Teacher:
    """Network to learn from; it can be pickled.

    Attributes
    ----------
    path : ONNX file with one input of pictures: (N, 1, S, S) is ink in [0, 1], as our own models take it;
        (N, 3, H, W) is dark ink on white, normalised as for CLIP. Its first output is used, (N, D) or, for "pp-ocr",
        (N, T, C).
    reads : kind of the output, "embedding" or "pp-ocr".
    identity : SHA-256 of the file.
    """

    path: Path
    reads: str
    identity: str

    def __call__(self, pictures: NDArray[np.uint8]) -> NDArray[np.void]:
        """Return the teacher's answers to pictures.

        Parameters
        ----------
        pictures : (N, S, S) uint8 prepared ink, 255 = full ink; N is at least 1.

        Returns
        -------
        (N, K) of `ENTRY`: vectors of length 1. PP-OCR gives the square roots of its class posteriors, maximum over time
        and without the blank, of which the `KEPT` greatest are taken. Other teachers give the whole embedding.
        """
        session = _opened(self.path)
        wanted = session.get_inputs()[0]
        given = _lines(pictures) if self.reads == PP_OCR else _as_wanted(pictures, wanted.shape)
        kept = []
        for start in range(0, len(given), AT_ONCE):
            part = given[start : start + AT_ONCE]
            whole = np.concatenate([part, np.zeros((AT_ONCE - len(part), *part.shape[1:]), np.float32)])
            answer = session.run(None, {wanted.name: whole})[0][: len(part)]
            if self.reads == PP_OCR:
                kept.append(strongest(np.sqrt(answer[:, :, 1:]).max(axis=1), KEPT))
            else:
                kept.append(strongest(answer, answer.shape[1]))
        return np.concatenate(kept)


def find_teacher(name: str) -> Teacher:
    """Find PP-OCR, an ONNX file or a model's folder, and check that it answers.

    Raises
    ------
    SinonomError
        If it does not exist, cannot be a teacher, or the package that holds it is not installed.
    """
    path = _pp_ocr() if name == PP_OCR else Path(name)
    if path.is_dir():
        path = path / "model.onnx"
    if not path.is_file():
        raise SinonomError(
            f"there is no teacher {name}", f"--teacher {PP_OCR}, FILE.onnx, a model's folder or a timm model's name"
        )
    teacher = Teacher(path, PP_OCR if name == PP_OCR else "embedding", sha256_of(path))
    try:
        answer = teacher(np.eye(64, dtype=np.uint8)[None] * 255)["value"].astype(np.float32)
    except SinonomError:
        raise
    except Exception as error:  # ONNX Runtime has a dozen exception classes, none of them public
        reason = str(error).strip().partition("\n")[0][:160]
        raise SinonomError(
            f"{path} cannot be a teacher: {reason}",
            "give a network of (N, 1 or 3, H, W) float pictures that returns (N, D)",
        ) from error
    if answer.ndim == 2 and answer.shape[1] > MOST_NUMBERS:
        what = f"its answer has {answer.shape[1]:,} numbers, more than {MOST_NUMBERS:,}"
        raise SinonomError(f"{path} cannot be a teacher: {what}", "give a network that returns embeddings, not classes")
    if answer.ndim != 2 or not np.isfinite(answer).all() or not answer.any():
        raise SinonomError(f"{path} cannot be a teacher: its answer is no vector", "give a network that returns (N, D)")
    return teacher


def strongest(answers: NDArray[np.float32], count: int) -> NDArray[np.void]:
    """Keep the greatest numbers of each row, scaled so that their vector has length 1.

    Parameters
    ----------
    answers : (N, C) float32, C up to 65,536.
    count : K, how many numbers to keep; all if there are fewer.

    Returns
    -------
    (N, K) of `ENTRY`, columns ascending.
    """
    columns = np.broadcast_to(np.arange(answers.shape[1]), answers.shape)
    if count < answers.shape[1]:
        columns = np.sort(np.argpartition(-answers, count, axis=1)[:, :count], axis=1)
        answers = np.take_along_axis(answers, columns, axis=1)
    lengths = np.linalg.norm(answers, axis=1, keepdims=True)
    kept = np.empty(answers.shape, ENTRY)
    kept["value"] = answers / np.where(lengths > 0, lengths, 1)
    kept["column"] = columns
    return kept


def _pp_ocr() -> Path:
    """Return the path of the recogniser in the package rapidocr, which is not imported: only its file is read."""
    found = importlib.util.find_spec("rapidocr")
    if found is None or not found.origin:
        raise SinonomError(
            "--teacher pp-ocr needs the Python package 'rapidocr', which is not installed",
            'pip install "sinonom[teacher]"',
            ExitCode.MISSING_EXTRA,
        )
    files = sorted(Path(found.origin).parent.glob("models/*v6*rec*.onnx"))
    if not files:
        raise SinonomError("this release of rapidocr holds no PP-OCRv6 recogniser", "pip install rapidocr==3.10.0")
    return files[0]


@cached_by_file(2)
def _opened(path: Path) -> Any:
    return session_of(str(path), 1)


def _lines(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return lines of one character as PP-OCR takes them, (N, 3, 48, 48) float32 from -1 (ink) to 1 (white)."""
    inside = OCR_SIDE - 2 * OCR_MARGIN
    light = np.ones((len(pictures), OCR_SIDE, OCR_SIDE), np.float32)
    middle = slice(OCR_MARGIN, OCR_MARGIN + inside)
    for k, picture in enumerate(pictures):
        light[k, middle, middle] = 1 - _resized(picture, inside, inside) * 2
    return np.repeat(light[:, None], 3, axis=1)


def _as_wanted(pictures: NDArray[np.uint8], shape: list[Any]) -> NDArray[np.float32]:
    """Return pictures in the shape of a network's input; a free side gets the length of the pictures' side."""
    channels, height, width = shape[1:]
    side = pictures.shape[1]
    height, width = (each if isinstance(each, int) else side for each in (height, width))
    ink = np.stack([_resized(picture, width, height) for picture in pictures])[:, None]
    if channels != 3:
        return ink
    mean, deviation = (np.array(each, np.float32)[:, None, None] for each in (CLIP_MEAN, CLIP_DEVIATION))
    return (((1 - ink) - mean) / deviation).astype(np.float32)


def _resized(picture: NDArray[np.uint8], width: int, height: int) -> NDArray[np.float32]:
    image = Image.fromarray(picture)
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    grey: NDArray[np.float32] = np.asarray(image, np.float32) / np.float32(255)
    return grey
