"""A disk that is full while a FAISS index is written gives one error, whichever block does not fit."""

import subprocess
import sys
from pathlib import Path

import pytest

LIMITED = """
import resource, sys
from pathlib import Path
import faiss
import numpy as np
from sinonom_cli.errors import SinonomError
from sinonom_cli.search.indexing.assemble import load, save
index = faiss.index_factory(16, "IVF4_HNSW32,SQ8")
vectors = np.random.default_rng(0).standard_normal((3000, 16)).astype(np.float32)
index.train(vectors)
index.add(vectors)
path = Path(sys.argv[1])
save(index, path)
assert load(path).ntotal == 3000
whole = path.stat().st_size
path.unlink()
for limit in (whole // 2, whole - 1):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        save(index, path)
    except SinonomError as error:
        print(int(error.code))
print(len(list(path.parent.iterdir())))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files")
def test_a_block_that_finds_no_room_is_an_error_and_no_half_index(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LIMITED, str(tmp_path / "i.faiss")]
    ran = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert ran.stdout.split() == ["5", "5", "0"]
    assert ran.stderr == ""
