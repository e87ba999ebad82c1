"""What `query --rerank` brings and costs, on prints that a model has not learnt from and carvings of them.

Run: `python benchmarks/rerank.py CROPS [MODEL]`. CROPS is a set that the model was not trained on, or one that it was:
then what its training held out of it is taken. Of 500 characters that have three such crops, one crop is carved and
rendered; all three are asked with. On such pictures WEIGHT in query/rerank.py, and the grid and reach in
query/local.py, were chosen.
"""

import argparse
import csv
import shutil
import sys
import tempfile
import time
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from sinonom_cli import cli
from sinonom_cli.artifacts.imageset import read_imageset
from sinonom_cli.artifacts.model import Model, read_model
from sinonom_cli.train.data import gather

CHARACTERS, EACH = 500, 3


def held_out(crops: Path, folder: Path, model: Model) -> None:
    """Copy crops to `folder`: one of each character to `carved/`, all to `asked/`; write `truth.csv`."""
    images = read_imageset(crops)
    learnt = images.identity in [entry["identity"] for entry in model.record["trained_on"]]
    share = model.record["options"]["val"] if learnt else 0.9  # of each character one picture is never held out
    pictures = gather([images], model.record["options"]["seed"], share)
    of_class: dict[int, list[Path]] = {}
    for row in sorted(pictures.held.nonzero()[0].tolist(), key=lambda row: int(pictures.twins[row])):
        of_class.setdefault(int(pictures.classes[row]), []).append(pictures.paths[row])
    chosen = [paths[:EACH] for paths in of_class.values() if len(paths) >= EACH][:CHARACTERS]
    for name in ("carved", "asked"):
        (folder / name).mkdir()
    with (folder / "truth.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("query", "label", "kind"))
        for number, paths in enumerate(chosen):
            shutil.copy(paths[0], folder / "carved" / f"{number:03d}.png")
            for place, path in enumerate(paths):
                shutil.copy(path, folder / "asked" / f"{number:03d}-{place}.png")
                table.writerow((f"{number:03d}-{place}.png", f"{number:03d}.stl", "other" if place else "same"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("crops", type=Path, help="an image set of real prints")
    parser.add_argument("model", type=Path, nargs="?", help="by default, the one that ships")
    given = parser.parse_args()
    model = read_model(given.model)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        held_out(given.crops, folder, model)
        index = str(folder / "db.faiss")
        assert cli.run(["carve", str(folder / "carved"), str(folder / "meshes"), "-q"]) == 0
        assert cli.run(["render", str(folder / "meshes"), str(folder / "depth"), "-q"]) == 0
        assert cli.run(["index", str(folder / "depth"), index, "--model", str(model.path), "-q"]) == 0
        asked = ["query", str(folder / "asked"), "-i", index, "--model", str(model.path), "--workers", "0", "-q"]
        for count in (0, 5, 10, 20):
            started = time.process_time()
            scored = folder / f"{count}.csv"
            out = ["--truth", str(folder / "truth.csv"), "--scores", str(scored), "--rerank", str(count), "--json"]
            with redirect_stdout(StringIO()):
                assert cli.run([*asked, *out]) == 0
            taken = time.process_time() - started
            with scored.open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
            mrr = {
                kind: sum(float(row["reciprocal_rank"]) for row in own if int(row["rank"]) <= 5) / len(own)
                for kind in ("same", "other")
                for own in [[row for row in rows if row["kind"] == kind]]
            }
            figures = ", ".join(f"{kind} print {value:.4f}" for kind, value in mrr.items())
            print(f"--rerank {count}: MRR@5 {figures}; {1000 * taken / len(rows):.1f} ms a query")


if __name__ == "__main__":
    main()
