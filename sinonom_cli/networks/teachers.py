"""Networks that a student learns from: what they see, and what is kept of what they say.

A teacher is an ONNX network. PP-OCRv6's recogniser lies in the package rapidocr (Apache-2.0); a network of timm is
exported once; any other is a file.
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
"""Pictures that go through a teacher together, always as many: rows then do not depend on who asks for which."""

OCR_SIDE = 48
OCR_MARGIN = 5
"""The recogniser reads lines 48 pixels high, cut out with a margin around the characters."""

KEPT = 128
"""Numbers that are kept of PP-OCR's 18,709: dot products of these and of all differ by 0.002 in the mean, and rank
prints and reliefs as well (`benchmarks/teacher.py`). All would take 37 kB a picture."""

ENTRY = np.dtype([("value", "<f2"), ("column", "<u2")])
"""One number of an answer and its place in the whole."""
MOST_NUMBERS = 2**16
"""That an answer may have, whose places are written in 16 bits."""

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_DEVIATION = (0.26862954, 0.26130258, 0.27577711)
"""Of colours, in the training of CLIP; networks of ImageNet have nearly the same."""


@dataclass(frozen=True)
class Teacher:
    """A network to learn from; picklable.

    Attributes
    ----------
    path : an ONNX file with one input of pictures: (N, 1, S, S) is ink in [0, 1] as our own models take it;
        (N, 3, H, W) is dark ink on white, normalised as for CLIP. Its first output is taken, (N, D) or, for "pp-ocr",
        (N, T, C).
    reads : "embedding" or "pp-ocr".
    identity : SHA-256 of the file.
    """

    path: Path
    reads: str
    identity: str

    def __call__(self, pictures: NDArray[np.uint8]) -> NDArray[np.void]:
        """Answer pictures.

        Parameters
        ----------
        pictures : (N, S, S) uint8, prepared ink, 255 is full; at least one.

        Returns
        -------
        (N, K) of `ENTRY`: vectors of length 1. Of PP-OCR the square root of its class posteriors, maximum over time,
        without the blank, and of these the `KEPT` greatest; of others the whole embedding.
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
    """Find PP-OCR, or an ONNX file, or a model's folder, and see that it answers.

    Raises
    ------
    SinonomError
        If it is not there, is no such network, or the package that holds it is not installed.
    """
    path = _pp_ocr() if name == PP_OCR else Path(name)
    if path.is_dir():
        path = path / "model.onnx"
    if not path.is_file():
        raise SinonomError(
            f"there is no teacher {name}", f"--teacher {PP_OCR}, FILE.onnx, a model's folder, or a name of timm's"
        )
    teacher = Teacher(path, PP_OCR if name == PP_OCR else "embedding", sha256_of(path))
    try:
        answer = teacher(np.eye(64, dtype=np.uint8)[None] * 255)["value"].astype(np.float32)
    except SinonomError:
        raise
    except Exception as error:  # ONNX Runtime has a dozen exception classes, none of them public
        reason = str(error).strip().partition("\n")[0][:160]
        raise SinonomError(
            f"{path} is no teacher: {reason}", "a network of (N, 1 or 3, H, W) float pictures that gives (N, D)"
        ) from error
    if answer.ndim == 2 and answer.shape[1] > MOST_NUMBERS:
        what = f"its answer has {answer.shape[1]:,} numbers, more than {MOST_NUMBERS:,}"
        raise SinonomError(f"{path} is no teacher: {what}", "a network that gives embeddings, not classes")
    if answer.ndim != 2 or not np.isfinite(answer).all() or not answer.any():
        raise SinonomError(f"{path} is no teacher: its answer is no vector", "a network that gives (N, D)")
    return teacher


def strongest(answers: NDArray[np.float32], count: int) -> NDArray[np.void]:
    """Keep the greatest numbers of each row, scaled so that their vector has length 1.

    Parameters
    ----------
    answers : (N, C) float32, C up to 65,536.
    count : K, how many to keep; all if there are not more.

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
    """The recogniser in the package rapidocr, which is not imported: only its file is read."""
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
    """(N, 3, 48, 48), lines of one character as PP-OCR takes them: dark on white, from -1 to 1."""
    inside = OCR_SIDE - 2 * OCR_MARGIN
    light = np.ones((len(pictures), OCR_SIDE, OCR_SIDE), np.float32)
    middle = slice(OCR_MARGIN, OCR_MARGIN + inside)
    for k, picture in enumerate(pictures):
        light[k, middle, middle] = 1 - _resized(picture, inside, inside) * 2
    return np.repeat(light[:, None], 3, axis=1)


def _as_wanted(pictures: NDArray[np.uint8], shape: list[Any]) -> NDArray[np.float32]:
    """Pictures as a network's input is shaped; free sides get the pictures' own."""
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
