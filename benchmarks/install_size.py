"""Claim: `pip install .` in a fresh environment takes at most 600 MB and 25 packages, and runs the demo.

The script makes a virtual environment in a temporary folder and installs this clone into it, as a user would. It then
prints the megabytes on the disk (as `du -sm` counts them), the number of packages in `pip list`, and the largest ones.

Usage: python benchmarks/install_size.py [EXTRA ...] [--demo] [--keep FOLDER] [--result FILE]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from results import Column, publish, result_option  # noqa: E402

LARGEST = 8


def megabytes(folder: Path) -> float:
    """Return the size of a folder on the disk in megabytes, without following links."""
    files = [path.lstat() for path in folder.rglob("*")]
    return sum(getattr(file, "st_blocks", file.st_size // 512 + 1) for file in files) * 512 / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("extras", nargs="*", metavar="EXTRA", help="of pyproject.toml, to install as well")
    parser.add_argument("--demo", action="store_true", help="run `sinonom demo` in the new environment")
    parser.add_argument("--keep", type=Path, help="make the environment here, and leave it")
    result_option(parser)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary) / "venv"
        venv.create(folder, with_pip=True)
        python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        wanted = f"{ROOT}[{','.join(options.extras)}]" if options.extras else str(ROOT)
        subprocess.run([python, "-m", "pip", "install", "--quiet", wanted], check=True)
        listed = subprocess.run([python, "-m", "pip", "list", "--format", "json"], check=True, capture_output=True)
        packages = json.loads(listed.stdout)
        site = next(path for path in folder.rglob("site-packages") if path.is_dir())
        sizes = {path.name: megabytes(path) for path in site.iterdir() if path.is_dir()}
        largest = sorted(sizes.items(), key=lambda entry: -entry[1])[:LARGEST]
        rows = [("everything", megabytes(folder), len(packages)), *((name, size, None) for name, size in largest)]
        if options.demo:
            # The demo runs in another folder, so that it uses the installed package and not this clone.
            subprocess.run([python, "-m", "sinonom_cli", "demo", "demo", "--quiet"], check=True, cwd=temporary)
    publish(
        options.result,
        "`pip install .` in a fresh environment takes at most 600 MB and 25 packages, and runs the demo.",
        [Column(f"`pip install {wanted.replace(str(ROOT), '.')}`"), Column("MB", ",.0f"), Column("packages")],
        rows,
        notes=f"Counted with pip itself; below the sum, the {LARGEST} largest folders."
        + (" The demo ran in it." if options.demo else ""),
    )


if __name__ == "__main__":
    main()
