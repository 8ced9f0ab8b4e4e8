"""Every look at this place, kept on its own disk before it is answered: sealed, synced, chained.

The journal is the one of the record's servers (`altid.access.journal`), under keys of the place's own key. A
body is the audit event as the record keeps it, and what somebody said with it: the reason of a broken glass,
the name of who used the ward's code.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path

from altid.access.audit.event import Event, encode, parts_of
from altid.access.audit.unavailable import AuditUnavailableError
from altid.access.journal.appender import Appender
from altid.access.journal.journal import Journal
from altid.access.journal.journals import take_own
from altid.access.journal.limits import JournalLimits
from altid.access.journal.unavailable import Cause, JournalUnavailableError
from altid.access.secret import AccessSecret

PURPOSE = "lookup looks"
"""Of the keys of journal and chain."""
FOLDER, WRITER = "looks", "opslag"
LIMITS = JournalLimits(bytes_max=512 * 1024 * 1024, segment_bytes=4 * 1024 * 1024)
"""A million looks that nobody could be told of: weeks of a hospital without a line. Then nothing is shown."""


class Looks:
    """One process's way to keep looks. `start` it in the event loop that records, and `close` it there."""

    def __init__(self, journal: Journal, place: str) -> None:
        self.journal = journal
        self._place = place
        self._appender = Appender(journal, LIMITS, PURPOSE)

    @property
    def fault(self) -> Cause | None:
        """Why a look would not be kept now; None when it would."""
        return self._appender.fault

    async def record(self, event: Event, said: Mapping[str, str] | None = None) -> None:
        """Return when it is safe on this disk. Raises `AuditUnavailableError`: then nothing may be shown."""
        try:
            await self._appender.append([_body(part, self._place, said) for part in parts_of(event)])
        except JournalUnavailableError as error:
            raise AuditUnavailableError(error.cause) from None

    def start(self) -> None:
        self._appender.start()

    async def close(self) -> None:
        await self._appender.finish()
        await self._appender.close()


def open_looks(folder: Path, secret: AccessSecret, place: str, rng: random.Random) -> Looks:
    """The looks of the place in this folder. One that was altered is set aside and told in the log; a new one
    is begun. Raises `OSError`."""
    return Looks(take_own(folder / FOLDER, WRITER, secret, PURPOSE, rng), place)


def _body(event: Event, place: str, said: Mapping[str, str] | None) -> bytes:
    """JSON, with the event's own bytes inside."""
    more = b"" if said is None else b',"said":' + json.dumps(said, ensure_ascii=False).encode()
    return b'{"event":' + encode(event, place) + more + b"}"
