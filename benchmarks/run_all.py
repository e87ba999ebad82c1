"""Run the benchmarks that take minutes, write their results, and make the page again.

    python benchmarks/run_all.py [--data FOLDER] [NAME ...]

Each benchmark writes benchmarks/results/NAME.json, and `page.py` makes the tables of benchmarks/README.md anew. FOLDER
(or the environment variable SINONOM_BENCHMARKS) holds the test data, which are not part of the repository:

    relief252/   meshes/, queries/, truth.csv, and depth/, which `sinonom render relief252/meshes relief252/depth` makes
    real29141/   meshes/, queries/, truth.csv, boxes.csv, block.png
    pages/       images/ and labels/ of pages with boxes of characters, in YOLO's layout
    nomnaocr/    Patches/ with All.txt, as NomNaOCR is downloaded
    crops/       what `sinonom crop-nomnaocr` makes of nomnaocr/Patches
    glyphs/      what `sinonom synth-fonts FONTS glyphs --charset nomnaocr --degrade 0,0.6,0.6` makes
    crops-validate/  what `sinonom crop-nomnaocr` makes of Patches with the transcripts in Validate.txt, and truth.csv,
                 the first two columns of its metadata.csv as query,label

A benchmark whose data are missing is skipped, and its old result stays; so is one that needs a package that is not
installed. Without NAME, all that take minutes are run, one after the other; those that take longer must be named.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT), str(HERE)]

from results import DATA  # noqa: E402


@dataclass(frozen=True)
class Job:
    """A benchmark.

    Attributes
    ----------
    name : of its result.
    script, arguments : what is run; in the arguments, {data} is the folder of the test data.
    package : what it needs besides the packages of the tests; "" if nothing.
    long : whether it takes more than ten minutes, and is only run if it is named.
    """

    name: str
    script: str
    arguments: tuple[str, ...] = ()
    package: str = ""
    long: bool = False

    def words(self, data: Path | None) -> list[str]:
        """Return the arguments with the real folder."""
        return [word.replace("{data}", str(data)) for word in self.arguments]

    def missing(self, data: Path | None) -> str:
        """Return what is missing to run it; "" if nothing is."""
        if self.package and importlib.util.find_spec(self.package) is None:
            return f"the package {self.package} is not installed"
        needed = [word for word in self.arguments if "{data}" in word]
        if needed and data is None:
            return "the folder of the test data is not given (--data)"
        return next((f"{word} does not exist" for word in self.words(data) if _is_missing(word, data)), "")


def _is_missing(word: str, data: Path | None) -> bool:
    return data is not None and word.startswith(str(data)) and not Path(word).exists()


JOBS = (
    Job("scores", "scores.py", package="ranx"),
    Job("level", "level.py"),
    Job("order-block", "order.py", ("--block", "{data}/real29141/boxes.csv")),
    Job("order-pages", "order.py", ("--pages", "{data}/pages")),
    *(
        Job(
            f"carvings-{name}",
            "carvings.py",
            (f"{{data}}/{name}/meshes", f"{{data}}/{name}/queries", f"{{data}}/{name}/truth.csv"),
        )
        for name in ("relief252", "real29141")
    ),
    Job("tone", "tone.py", ("{data}/relief252/meshes", "{data}/relief252/queries", "{data}/relief252/truth.csv")),
    Job("rerank", "rerank.py", ("--scan", "{data}/real29141")),
    Job(
        "teacher",
        "teacher.py",
        ("{data}/relief252/depth", "{data}/relief252/queries", "{data}/relief252/truth.csv"),
        package="rapidocr",
    ),
    Job(
        "pages-refused",
        "pages_refused.py",
        (
            "{data}/relief252/queries",
            "{data}/relief252/depth",
            "--pages",
            "{data}/pages",
            "--patches",
            "{data}/nomnaocr/Patches",
            "--limit",
            "5000",
        ),
    ),
    Job("photos", "photos.py", ("{data}/nomnaocr/Patches", "{data}/crops-validate")),
    Job("embed", "embed.py"),
    Job("train-batch", "train_batch.py"),
    Job(
        "backbones",
        "backbones.py",
        (
            "build/backbones",
            "--data",
            "{data}/crops",
            "--data",
            "{data}/glyphs",
            *("--characters", "200", "--processor-seconds", "2400", "--threads", "1", "--at-least", "0.8", "--stop"),
            *("--only", "efficientnet_b0+cosface"),
        ),
        long=True,
    ),
    Job("install-size", "install_size.py", ("--demo",)),
    Job(
        "read-columns",
        "read.py",
        ("{data}/nomnaocr/Patches", "--limit", "600", "--seed", "0", "--whole-pages"),
        package="rapidocr",
    ),
    Job("carve", "carve.py"),
    Job("query", "query.py", ("sinonom_cli/assets/model",)),
    Job("inputs", "inputs.py"),
    Job("synth-fonts", "synth_fonts.py"),
    Job("realism", "realism.py", ("{data}/real29141/meshes", "{data}/real29141/queries", "--seeds", "5")),
    Job(
        "sure",
        "sure.py",
        (
            "{data}/crops-validate",
            "sinonom_cli/assets/characters.faiss",
            "{data}/crops-validate/truth.csv",
            "--limit",
            "15000",
        ),
    ),
    Job("serve", "serve.py", ("--rows", "7500", "1000000")),
    Job("serve-memory", "serve.py", ("--many", "50000", "--cores", "2"), long=True),
    Job("faults", "faults.py", long=True),
    Job("fuzz", "fuzz.py", long=True),
)


def main() -> None:
    given = _arguments()
    data = given.data.absolute() if given.data else None
    environment = {**os.environ, **({DATA: str(data)} if data else {})}
    failed = []
    for job in JOBS:
        if job.name not in given.names if given.names else job.long:
            continue
        if missing := job.missing(data):
            print(f"== {job.name}: skipped, because {missing}", flush=True)
            continue
        print(f"== {job.name}", flush=True)
        started = time.perf_counter()
        words = [sys.executable, str(HERE / job.script), *job.words(data)]
        words += ["--result", str(HERE / "results" / f"{job.name}.json")]
        code = subprocess.run(words, check=False, env=environment).returncode
        print(
            f"== {job.name}: {time.perf_counter() - started:.0f} s{f', exit code {code}' if code else ''}", flush=True
        )
        failed += [job.name] if code else []
        subprocess.run([sys.executable, str(HERE / "page.py")], check=True)  # a killed run leaves a page that is right
    if failed:
        sys.exit(f"failed, and the old results stay: {', '.join(failed)}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="run only these")
    parser.add_argument("--data", type=Path, default=os.environ.get(DATA) or None, help="folder of the test data")
    given = parser.parse_args()
    if unknown := set(given.names) - {job.name for job in JOBS}:
        parser.error(f"no benchmark is called {sorted(unknown)[0]}: {', '.join(job.name for job in JOBS)}")
    if given.data is not None and not given.data.is_dir():
        parser.error(f"{given.data} is no folder")
    return given


if __name__ == "__main__":
    main()
