"""Measures of browsers on this server's disk: a file of lines for each day, the oldest of which go."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from altid.web.telemetry import Measure

FOLDER = "telemetry"
"""In the data folder."""
DAYS_MAX = 14
DAY_BYTES_MAX = 20 * 1024 * 1024
"""Some hundred thousand measures. What comes beyond is dropped: a day's picture doesn't change with more."""
_READ_BYTES_MAX = 4 * 1024 * 1024
"""Of a day, its newest: read in well under a second."""


class TelemetryFiles:
    """Of one server process; others append to the same files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, measures: Sequence[Measure], place: str, now: datetime, ward: str = "") -> None:
        """Append a batch, in one write. `place`: SOR number; `ward`: id of its Location; "" is not known.
        Raises `OSError`."""
        if not measures:
            return
        about = {"at": now.astimezone(UTC).isoformat(timespec="seconds"), "place": place}
        about |= {"ward": ward} if ward else {}
        lines = "".join(f"{json.dumps({'told': about} | each)}\n" for each in measures)
        file = self._of(now)
        is_new = not file.exists()
        self._folder.mkdir(mode=0o700, exist_ok=True)
        handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            if os.fstat(handle).st_size < DAY_BYTES_MAX:
                os.write(handle, lines.encode())
        finally:
            os.close(handle)
        if is_new:
            self._remove_old()

    def newest(self, now: datetime, days: int = 2) -> Iterable[Measure]:
        """The newest measures of the last days, as they were kept."""
        for back in reversed(range(days)):
            yield from _read(self._of(now - timedelta(days=back)))

    def _of(self, moment: datetime) -> Path:
        return self._folder / f"{moment.astimezone(UTC):%Y-%m-%d}.ndjson"

    def _remove_old(self) -> None:
        for file in sorted(self._folder.glob("*.ndjson"))[:-DAYS_MAX]:
            file.unlink(missing_ok=True)


def _read(file: Path) -> Iterable[Measure]:
    try:
        with file.open("rb") as opened:
            size = opened.seek(0, os.SEEK_END)
            opened.seek(max(0, size - _READ_BYTES_MAX))
            lines = opened.read().splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        try:
            found = json.loads(line)
        except ValueError:  # the first line of a part, or one that a full disk has cut
            continue
        if isinstance(found, dict) and isinstance(found.get("told"), dict):
            yield found
