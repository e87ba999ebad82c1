"""Find sets that have changed since they were indexed, and pictures of answers that are gone or changed."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

from sinonom_cli import messages
from sinonom_cli.search.index import Index
from sinonom_cli.search.index_files import MARK
from sinonom_cli.search.integrity import remake
from sinonom_cli.search.results import Answer
from sinonom_cli.search.rows import Row

READ = 256
"""Number of answers' pictures that are read in one run; for further ones, only their existence is checked."""


class Stale:
    """Finds answers whose sets or pictures differ from what was indexed.

    Sets are checked in another thread, while the network is loaded and answers are found.

    Parameters
    ----------
    index : the index that is searched.
    """

    def __init__(self, index: Index) -> None:
        self.index = index
        self._seen = index.record.seen
        self._changed: dict[str, bool] = {}
        self._states: dict[int, str] = {}
        self._first: dict[str, Path] = {}
        # A thread that is never started would form a reference cycle, which would keep the index's files open.
        self._thread = threading.Thread(target=self._look_at_sets, daemon=True) if self._seen else None
        if self._thread:
            self._thread.start()

    def _look_at_sets(self) -> None:
        from sinonom_cli.storage.set_identity import quick_identity

        for name, known in self._seen.items():
            try:
                self._changed[name] = quick_identity(self.index.path.parent / name) != known
            except (OSError, ValueError):  # the set is missing, so its pictures are reported as gone
                self._changed[name] = False

    def _wait(self) -> None:
        if self._thread:
            self._thread.join()

    def look_at(self, answer: Answer, top: int) -> Answer:
        """Return an answer with the states of the sets and pictures of its first `top` rows."""
        rows = answer.rows[:top]
        self._wait()
        changed = [name for name in dict.fromkeys(row.set for row in rows) if self._changed.get(name)]
        pictures = [self._state(number, row) for number, row in zip(answer.numbers, rows, strict=False)]
        return replace(answer, changed=changed, pictures=pictures)

    def _state(self, number: int, row: Row) -> str:
        if number not in self._states:
            picture = self.index.picture(row)
            state = self._state_of(picture, number) if row.set else ""  # a row that names no set has no picture
            self._states[number] = state
            if state:
                self._first.setdefault(state, picture)
        return self._states[number]

    def _state_of(self, picture: Path, number: int) -> str:
        try:
            if self.index.marks is None or len(self._states) >= READ:
                return "" if picture.exists() else "gone"
            known = self.index.marks[number]
            same = not known.any() or hashlib.sha256(picture.read_bytes()).digest()[:MARK] == known.tobytes()
        except OSError:
            return "gone"
        return "" if same else "changed"

    def warn(self) -> None:
        """Warn in one line of sets and pictures that have changed or gone since the index was made."""
        self._wait()
        sets = [name for name, changed in self._changed.items() if changed]
        counts = Counter(state for state in self._states.values() if state)
        said = []
        if sets:
            more = f" and {len(sets) - 1} more sets have" if len(sets) > 1 else " has"
            said.append(f"{self.index.path.parent / sets[0]}{more} changed since {self.index.path} was made")
        for state in sorted(counts):
            said.append(f"pictures of answers that are {state}: {counts[state]}, the first is {self._first[state]}")
        if said:
            messages.warn(f"{'; '.join(said)}: {remake(self.index.path, self.index.record)}")
