"""Kill `sinonom serve` for `faults.py` while people correct: what it confirmed over HTTP must be in the file.

Two clients correct at once, one a page and one a block, as fast as the server answers. The server gets SIGKILL at a
random moment. A kill cannot divide a line, which is one call of the system; after three of ten kills, the beginning of
a line is therefore written behind the file, as a power cut may leave it. Then the file must be readable and hold, in
their order, all corrections that were confirmed, and at most one more. The next server must show all of them and go
on. No other file may change.
"""

import http.client
import json
import os
import random
import re
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

from faults_files import USERS_INSIDE, content, lost, put
from faults_stages import ROOT
from faults_zygote import Zygote

sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from tinysite import write_block, write_page  # noqa: E402

from sinonom_cli.errors import SinonomError  # noqa: E402
from sinonom_cli.layout.corrections import FILE, Correction, read_corrections  # noqa: E402

FOLDERS = {"page": write_page, "block": write_block}
LONGEST = 1.0
"""Longest time that the clients correct before a kill, s."""
KEPT = 300
"""Number of corrections in a file after which it is begun anew, so that a start stays short."""
Seen = tuple[str, str]
"""Action and new character of a correction."""


class Client(threading.Thread):
    """Correct one sheet again and again until the server is gone.

    Attributes
    ----------
    version : number of corrections that the sheet had at the start.
    confirmed : the corrections to which the server answered that they are done.
    """

    def __init__(self, address: str, folder: int, token: str, seed: int) -> None:
        super().__init__()
        self.connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=20)
        self.path, self.token, self.rng = f"/api/folders/{folder}/sheets/0", token, random.Random(seed)
        self.confirmed: list[Seen] = []
        self.refused: Counter[str] = Counter()
        self.version = int(self.asked("GET", self.path)["version"])

    def asked(self, method: str, path: str, fields: object = None) -> dict[str, object]:
        """Return what the server answers; {} if it refuses."""
        body = None if fields is None else json.dumps(fields)
        self.connection.request(method, path, body, {"X-Sinonom-Token": self.token})
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            self.refused[f"HTTP {answer.status}: {content[:200].decode(errors='replace')}"] += 1
            return {}
        found: dict[str, object] = json.loads(content)
        return found

    def run(self) -> None:
        """Correct until the connection breaks."""
        version = self.version
        try:
            while not self.refused:
                action = self.rng.choice(("change", "change", "accept", "undo") if version else ("change",))
                char = chr(self.rng.randrange(0x4E00, 0x9FA0))
                given = {"places": [0]} if action == "accept" else {"places": [1], "chars": [char]}
                fields = {"action": action, "version": version, **(given if action != "undo" else {})}
                answer = self.asked("POST", f"{self.path}/corrections", fields)
                if answer:
                    version = int(str(answer["version"]))
                    self.confirmed.append((action, char if action == "change" else ""))
                elif action == "undo" and next(iter(self.refused)).startswith("HTTP 409"):  # nothing is left to undo
                    self.refused.clear()
        except (OSError, http.client.HTTPException, ValueError):
            pass  # the server was killed


class Serving:
    """Folders of a page and a block that are served, corrected, and served again.

    Parameters
    ----------
    work : folder that only this stage uses.
    """

    disks = 0

    def __init__(self, work: Path, zygote: Zygote) -> None:
        self.work, self.zygote, self.log = work, zygote, work.with_name("serve.log")
        self.inputs = work / "inputs"
        self.inputs.mkdir(parents=True)
        self.wrong: Counter[str] = Counter()
        self.kills = self.confirmed = self.unconfirmed = self.torn = 0
        self.known: dict[str, list[Seen]] = {}
        for name, write in FOLDERS.items():
            write(self.inputs / name)
            put(self.inputs / name, USERS_INSIDE)
        self.before = content(self.inputs)

    def told(self) -> str:
        """Return what the table says of the stage."""
        confirmed = f"{self.confirmed:,} corrections confirmed, {self.unconfirmed} kept that were not"
        return f"{confirmed}, {self.torn} lines divided"

    def killed(self, rng: random.Random) -> None:
        """Correct, kill the server, and check the files and what the next server shows."""
        for name in FOLDERS:
            if len(self.known.get(name, ())) > KEPT:
                (self.inputs / name / FILE).unlink()
                self.known[name] = []
        clients = self._begun(rng)
        if not clients:
            return
        for client in clients:
            client.start()
        time.sleep(rng.uniform(0, LONGEST))
        os.killpg(self.child, signal.SIGKILL)
        if self.zygote.wait() != -signal.SIGKILL:
            self.wrong[f"it ended before the kill: {self._said()}"] += 1
        self.kills += 1
        for name, client in zip(FOLDERS, clients, strict=True):
            client.join()
            self.wrong.update(client.refused)
            self._judge(name, client.confirmed)
            if self.known[name] and rng.random() < 0.3:
                self._divide(self.inputs / name / FILE, rng)

    def _begun(self, rng: random.Random) -> list[Client]:
        """Start a server; return clients that have seen all corrections, or nothing if it does not start."""
        folders = [str(self.inputs / name) for name in FOLDERS]
        self.log.unlink(missing_ok=True)
        self.child = self.zygote.start(["serve", *folders, "--port", "0", "--no-browser"], self.log)
        address, deadline = None, time.monotonic() + 60
        while address is None and time.monotonic() < deadline:
            time.sleep(0.002)
            address = re.search(r"http://\S+/", self._said())
        try:
            if address is None:
                raise OSError("no address")
            connection = http.client.HTTPConnection(urlsplit(address[0]).netloc, timeout=20)
            connection.request("GET", "/api/state")
            token = json.loads(connection.getresponse().read())["token"]
            clients = [Client(address[0], number, token, rng.randrange(2**30)) for number in range(len(FOLDERS))]
        except (OSError, http.client.HTTPException, KeyError, ValueError) as error:
            self.wrong[f"it does not start again: {error}: {self._said()}"] += 1
            os.killpg(self.child, signal.SIGKILL)
            self.zygote.wait()
            return []
        for name, client in zip(FOLDERS, clients, strict=True):
            more = client.version - len(self.known.get(name, ()))
            if more:
                self.wrong[f"the next server shows {more:+} corrections"] += 1
        return clients

    def _judge(self, name: str, confirmed: list[Seen]) -> None:
        """Compare a file of corrections with what was confirmed, and the other files with what they were."""
        path, known = self.inputs / name / FILE, self.known.get(name, [])
        try:
            found = [_seen(each) for each in read_corrections(path).corrections] if path.exists() else []
        except SinonomError as error:
            self.wrong[f"unreadable: {error.message}"] += 1
            return
        wanted = [*known, *confirmed]
        if found[: len(wanted)] != wanted:
            self.wrong["a confirmed correction is lost or another one"] += 1
        if len(found) > len(wanted) + 1:
            self.wrong["a correction that nobody made"] += 1
        for changed in lost(self.inputs, self.before):
            self.wrong[f"{changed} is gone or changed"] += 1
        self.confirmed += len(confirmed)
        self.unconfirmed += max(len(found) - len(wanted), 0)
        self.known[name] = found

    def _divide(self, path: Path, rng: random.Random) -> None:
        """Write the beginning of a line at the end of a file."""
        line = path.read_bytes().splitlines(keepends=True)[-1]
        with path.open("ab") as file:
            file.write(line[: rng.randrange(1, len(line) - 1)])
        self.torn += 1

    def _said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-500:] if self.log.exists() else ""


def _seen(correction: Correction) -> Seen:
    return correction.action, correction.now[0].char if correction.action == "change" else ""
