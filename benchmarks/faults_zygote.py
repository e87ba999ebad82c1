"""Run commands for `faults.py` in forks of a process that has done its imports, so that they start at once."""

import json
import os
import subprocess
import sys
from pathlib import Path

from faults_stages import ROOT

from sinonom_cli import cli


class Zygote:
    """Process that has imported the modules of all commands, and forks for each command, which then starts at once."""

    def __init__(self) -> None:
        command = [sys.executable, __file__]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment, encoding="utf-8")

    def start(self, typed: list[str], log: Path) -> int:
        """Start a command in a process group of its own; return its process id."""
        assert self.process.stdin and self.process.stdout
        print(json.dumps([typed, str(log)]), file=self.process.stdin, flush=True)
        return int(self.process.stdout.readline())

    def wait(self) -> int:
        """Wait for the command; return its exit code, or the negative number of the signal that ended it."""
        assert self.process.stdout
        return os.waitstatus_to_exitcode(int(self.process.stdout.readline()))


def zygote() -> None:
    """Fork for each line of stdin, and print the process id and then the exit status."""
    import faiss  # noqa: F401
    import fontTools.ttLib  # noqa: F401
    import numba  # noqa: F401
    import onnxruntime  # noqa: F401
    import PIL.Image  # noqa: F401
    import starlette.applications  # noqa: F401
    import torch  # noqa: F401
    import uvicorn  # noqa: F401

    for line in sys.stdin:
        typed, log = json.loads(line)
        child = os.fork()
        if not child:
            os.setsid()
            file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            null = os.open(os.devnull, os.O_RDONLY)
            for standard, own in ((0, null), (1, file), (2, file)):
                os.dup2(own, standard)
            sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
            code = cli.run(typed)
            sys.stdout.flush()
            os._exit(code)
        print(child, flush=True)
        print(os.waitpid(child, 0)[1], flush=True)


if __name__ == "__main__":
    zygote()
