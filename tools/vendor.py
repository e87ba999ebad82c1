"""Fetch the JavaScript libraries of the web application from npm, and check what they are.

    python tools/vendor.py            # fetch the versions below; refuse files with another SHA-256
    python tools/vendor.py --accept   # after a version was changed below: print the new SHA-256 of each file

The files go to `sinonom_cli/serve/static/vendor` with their licences; axe, which only tests use, to `tests/serve`.
"""

import argparse
import hashlib
import io
import sys
import tarfile
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parent.parent
SHIPPED, TESTS = ROOT / "sinonom_cli" / "serve" / "static" / "vendor", ROOT / "tests" / "serve" / "vendor"
REGISTRY = "https://registry.npmjs.org"
THREE, AXE = ("three", "0.170.0"), ("axe-core", "4.14.1")
FILES = (
    (THREE, "build/three.module.min.js", SHIPPED / "three.module.min.js",
     "08fd7545d13d2c7fb65ab691530a802dafefd638596501854f267d0fb13c39e7"),
    (THREE, "examples/jsm/controls/OrbitControls.js", SHIPPED / "OrbitControls.js",
     "80efaadea4f8a636a65fb0bd08bfef62f3d93a0bb94e2e7500f23176c5c07f4e"),
    (THREE, "LICENSE", SHIPPED / "three-LICENSE.txt", ""),
    (AXE, "axe.min.js", TESTS / "axe.min.js", "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"),
    (AXE, "LICENSE", TESTS / "axe-LICENSE.txt", ""),
)  # fmt: skip
"""Package and version, file in it, where it goes, and the SHA-256 of the file in the package."""
REPLACED = {"OrbitControls.js": (b"} from 'three';", b"} from './three.module.min.js';")}
"""What is changed in a file: a page without an import map needs the path of a module."""


def main() -> None:
    """Fetch, check and write all files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accept", action="store_true", help="take files with another SHA-256, and print it")
    accept = parser.parse_args().accept
    packages: dict[tuple[str, str], dict[str, bytes]] = {}
    for package, name, path, known in FILES:
        if package not in packages:
            packages[package] = fetched(*package)
        content = packages[package][f"package/{name}"]
        digest = hashlib.sha256(content).hexdigest()
        if known and digest != known and not accept:
            sys.exit(f"{package[0]} {package[1]}: {name} has the SHA-256 {digest}, not {known}")
        old, new = REPLACED.get(path.name, (b"", b""))
        if old and content.count(old) != 1:
            sys.exit(f"{name}: {old!r} was not found once")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.replace(old, new) if old else content)
        print(f"{path.relative_to(ROOT)}  {len(content):,} bytes  {digest}")
    versions = "".join(f"{name} {version}\n" for name, version in (THREE,))
    (SHIPPED / "VERSIONS.txt").write_text(f"{versions}tools/vendor.py fetches these files.\n", encoding="utf-8")


def fetched(name: str, version: str) -> dict[str, bytes]:
    """Return the files of a package of npm by their names."""
    with urllib.request.urlopen(f"{REGISTRY}/{name}/-/{name}-{version}.tgz") as answer:
        content = answer.read()
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return {each.name: archive.extractfile(each).read() for each in archive if each.isfile()}  # type: ignore[union-attr]


if __name__ == "__main__":
    main()
