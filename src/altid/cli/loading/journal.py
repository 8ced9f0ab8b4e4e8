"""What was accepted already, so that a load that was interrupted goes on where it was.

A file of JSON lines in the data folder, only ever appended to: which items of which file which server has
accepted. A torn last line, from a crash, is passed over; its items are then simply sent again.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import orjson

FILE = "loaded.jsonl"


class Done:
    """A set of item numbers, kept as ranges: a file of ten million lines costs a few of them."""

    def __init__(self) -> None:
        self._ranges: list[tuple[int, int]] = []

    def add(self, first: int, last: int) -> None:
        """Add the numbers from `first` to `last`, both included."""
        touching = [pair for pair in self._ranges if pair[0] <= last + 1 and pair[1] >= first - 1]
        for pair in touching:
            self._ranges.remove(pair)
        low = min([first, *(pair[0] for pair in touching)])
        high = max([last, *(pair[1] for pair in touching)])
        insort(self._ranges, (low, high))

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, int):
            return False
        place = bisect_right(self._ranges, (number, 2**63)) - 1
        return place >= 0 and self._ranges[place][0] <= number <= self._ranges[place][1]

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self._ranges)


class Journal:
    """The journal of one server's loads. Opening raises OSError where it can't be kept."""

    def __init__(self, data: Path, server: str, *, forget: bool = False) -> None:
        self._path = data / FILE
        self._server = server
        self._forget = forget
        self._done: dict[str, Done] = {}
        self._finished: set[str] = set()
        self._file: IO[bytes] | None = None

    def open(self) -> None:
        """Read what earlier loads wrote, and begin to add to it."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._forget:
            self._read()
        self._file = self._path.open("ab")
        self._file.write(b"\n")  # ends a line that a crash has torn

    def close(self) -> None:
        """Write out the rest; nothing can be added afterwards."""
        if self._file is not None:
            self._file.close()

    def done(self, key: str) -> Done:
        """The items of the file `key` that were accepted."""
        return self._done.setdefault(key, Done())

    def is_finished(self, key: str) -> bool:
        """Whether every item of the file was accepted."""
        return key in self._finished

    def accept(self, key: str, numbers: Iterable[int]) -> None:
        """Remember that the server accepted these items."""
        ranges = list(_ranges(sorted(numbers)))
        for first, last in ranges:
            self.done(key).add(first, last)
        if ranges:
            self._append({"server": self._server, "file": key, "items": ranges})

    def finish(self, key: str) -> None:
        """Remember that nothing of the file is left to do."""
        self._finished.add(key)
        self._append({"server": self._server, "file": key, "finished": True})

    def _append(self, record: dict[str, object]) -> None:
        assert self._file is not None
        self._file.write(orjson.dumps(record) + b"\n")
        self._file.flush()

    def _read(self) -> None:
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            for line in file:
                self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            record = orjson.loads(line)
            if record["server"] != self._server:
                return
            if record.get("finished"):
                self._finished.add(record["file"])
            for first, last in record.get("items", []):
                self.done(record["file"]).add(first, last)
        except (ValueError, KeyError, TypeError):
            return


def _ranges(numbers: list[int]) -> Iterable[tuple[int, int]]:
    """Neighbours put together: 1 2 3 7 becomes (1, 3) (7, 7)."""
    first = last = None
    for number in numbers:
        if first is None or last is None:
            first = last = number
        elif number == last + 1:
            last = number
        else:
            yield first, last
            first = last = number
    if first is not None and last is not None:
        yield first, last
