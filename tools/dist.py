"""Build the sdist and the wheel, check both, and try the wheel in an empty environment.

The wheel is built from the sdist, and once more from the working tree: both must have the same bytes. twine checks
what a package index would refuse, check-wheel-contents what a wheel should not hold. Then each of the two is installed
in an environment that has nothing else, in a temporary folder, and the wheel runs `sinonom demo` there. Only
distributions that pass all of this come to OUT. Usage, with the extra `release` installed:

    python tools/dist.py [OUT]
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", nargs="?", type=Path, default=Path("dist"), help="folder of the distributions")
    out = parser.parse_args().out
    with tempfile.TemporaryDirectory(prefix="sinonom-dist-") as temporary:
        folder = Path(temporary)
        sdist, wheel = build(folder)
        step("checking both")
        run(sys.executable, "-m", "twine", "check", "--strict", sdist, wheel)
        run(sys.executable, "-m", "check_wheel_contents", wheel, cwd=ROOT)  # pyproject.toml has its settings
        no_foreign_files(wheel)
        try_wheel(wheel, folder)
        try_sdist(sdist, folder)
        out.mkdir(parents=True, exist_ok=True)
        for path in (sdist, wheel):
            shutil.copyfile(path, out / f".{path.name}.part")
            os.replace(out / f".{path.name}.part", out / path.name)
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            print(f"{digest}  {out / path.name}  {path.stat().st_size / 1e6:.1f} MB")


def build(folder: Path) -> tuple[Path, Path]:
    """Build the sdist, the wheel from it, and the wheel from the tree; return the first two, or end if they differ."""
    step("building the sdist, and the wheel from the sdist")
    run(sys.executable, "-m", "build", "--outdir", folder / "built", ROOT)
    step("building the wheel from the working tree")
    run(sys.executable, "-m", "build", "--wheel", "--outdir", folder / "tree", ROOT)
    [sdist], [wheel] = (folder / "built").glob("*.tar.gz"), (folder / "built").glob("*.whl")
    if wheel.read_bytes() != (folder / "tree" / wheel.name).read_bytes():
        sys.exit(f"{wheel.name}: the sdist builds another wheel than the working tree does")
    return sdist, wheel


def no_foreign_files(wheel: Path) -> None:
    """End if the wheel holds anything beside the package and its metadata."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    allowed = ("sinonom_cli/", f"{'-'.join(wheel.name.split('-')[:2])}.dist-info/")
    if foreign := [name for name in names if not name.startswith(allowed)]:
        sys.exit(f"{wheel.name} holds {foreign[0]}, which is no part of the package")
    print(f"{len(names)} files in {wheel.name}")


def try_wheel(wheel: Path, folder: Path) -> None:
    """Install the wheel in an empty environment, and run the demo with it, far from the working tree."""
    step("the wheel in an empty environment: 0.6 GB of disk, one to five minutes")
    python = new_environment(folder / "wheel")
    run(python, "-m", "pip", "install", "--quiet", wheel)
    run(python, "-m", "pip", "check")
    step("the demo, from the wheel")
    (folder / "elsewhere").mkdir()
    run(python, "-m", "sinonom_cli", "demo", "bản khắc", "--quiet", cwd=folder / "elsewhere")


def try_sdist(sdist: Path, folder: Path) -> None:
    """Install the sdist in place of the wheel, and ask it for its version."""
    step("the sdist in the same environment")
    python = python_of(folder / "wheel")
    run(python, "-m", "pip", "install", "--quiet", "--force-reinstall", "--no-deps", sdist)
    run(python, "-m", "sinonom_cli", "version", cwd=folder / "elsewhere")


def new_environment(folder: Path) -> Path:
    """Make a virtual environment; return its Python."""
    venv.create(folder, with_pip=True)
    return python_of(folder)


def python_of(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def step(what: str) -> None:
    print(f"== {what}", flush=True)


def run(*command: object, cwd: Path | None = None) -> None:
    """Run a command without the caller's PYTHONPATH; end with its exit code if it fails."""
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=clean, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: exit code {done.returncode}")


if __name__ == "__main__":
    main()
