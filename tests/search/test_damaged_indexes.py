"""A damaged or forged index is refused in one line, and FAISS never allocates the memory that a file claims."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tinymodel import tiny_model, tiny_pictures

from sinonom_cli import cli

KINDS = ("hnsw", "ivf-sq8", "pq-refine")

FORGE = """
import hashlib, json, resource, struct, sys
from pathlib import Path
from sinonom_cli.search.index import read_index
from sinonom_cli.errors import SinonomError
refused = 0
for name in sys.argv[1:]:
    path = Path(name)
    whole, record_path = path.read_bytes(), path.with_name(path.name + ".json")
    record = json.loads(record_path.read_text(encoding="utf-8"))
    read_index(path)
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    for place in range(0, 140, 4):
        for claim in (2**40, 2**61 - 1):
            forged = bytearray(whole)
            forged[place:place + 8] = struct.pack("<Q", claim)
            path.write_bytes(forged)
            # Whoever forges a file forges its record, too.
            record["faiss"] = {"bytes": len(forged), "sha256": hashlib.sha256(forged).hexdigest()}
            record_path.write_text(json.dumps(record), encoding="utf-8")
            try:
                read_index(path)
            except SinonomError:
                refused += 1
# Not ru_maxrss, which a new process has from the one that started it.
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(refused, peak.split()[1])
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an index of 600 vectors of each type, and a picture as the query."""
    folder = tmp_path_factory.mktemp("damaged") / "bản khắc 𡦂"
    tiny_model(folder / "model")
    tiny_pictures(folder, ["hỏi.png"])
    np.save(folder / "v.npy", np.random.default_rng(0).standard_normal((600, 8)).astype(np.float32))
    for kind in KINDS:
        typed = ["index", folder / "v.npy", folder / f"{kind}.faiss", "--model", folder / "model", "--type", kind, "-q"]
        assert cli.run([str(word) for word in typed]) == 0
    return folder


@pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does")
def test_sizes_that_a_compressed_index_claims_are_never_believed(house: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parent.parent), "OMP_NUM_THREADS": "1"}
    copies = []
    for kind in KINDS:
        for path in house.glob(f"{kind}.faiss*"):
            (house / "forged").mkdir(exist_ok=True)
            (house / "forged" / path.name).write_bytes(path.read_bytes())
        copies.append(str(house / "forged" / f"{kind}.faiss"))
    command = [sys.executable, "-c", FORGE, *copies]
    done = subprocess.run(command, env=environment, capture_output=True, check=False, encoding="utf-8")
    assert done.returncode == 0, done.stderr  # there is no crash and no error of the program itself
    refused, kilobytes = map(int, done.stdout.split())
    assert refused > 50 and kilobytes < 1_000_000


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("damage", ["truncated", "one bit", "no vectors", "vectors cut", "rows gone"])
def test_damage_to_any_file_of_a_compressed_index_is_bad_input(
    house: Path, capsys: pytest.CaptureFixture[str], kind: str, damage: str
) -> None:
    path = house / f"{kind}.faiss"
    name = {"no vectors": ".vectors", "vectors cut": ".vectors", "rows gone": ".rows.csv"}.get(damage, "")
    victim = path.with_name(path.name + name)
    content = victim.read_bytes()
    try:
        if damage in ("no vectors", "rows gone"):
            victim.unlink()
        elif damage == "one bit":
            victim.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
        else:
            victim.write_bytes(content[:-12])
        capsys.readouterr()
        assert cli.run(["query", str(house / "hỏi.png"), "-i", str(path), "--model", str(house / "model")]) == 4
        said = capsys.readouterr().err
        assert f"error: {victim} " in said and "sinonom index" in said and len(said.splitlines()) == 2
    finally:
        victim.write_bytes(content)
    assert cli.run(["query", str(house / "hỏi.png"), "-i", str(path), "--model", str(house / "model")]) == 0
