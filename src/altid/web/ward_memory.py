"""What the search index told of a ward's patients, kept while nothing of theirs is written.

At seven in the morning everybody opens the same list. When a drug was last given, and which round of vital
signs is the newest, is found among thousands of rows, and changes with a few of them. So it is kept, and each
time the change feed is asked whether anything of these patients was written since: what is kept is never
older than the record, and one who has just given a dose sees it given.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from altid.record.database import Connection
from altid.screen.views.todo import Measuring

KINDS = ("MedicationAdministration", "Observation")
AGE_S_MAX = 60.0
"""However little is written: what no longer names one of the patients is told by no change about them."""
_WARDS_MAX = 200
"""Sets of patients: wards, and the parts of them that somebody may see; some kilobytes each."""


@dataclass(frozen=True, slots=True)
class Known:
    """`last_given`: by order's reference; `measured`: by patient. None: could not be read, or is not for
    whoever asked."""

    last_given: Mapping[str, datetime] | None
    measured: Mapping[str, Measuring] | None

    @property
    def is_whole(self) -> bool:
        return self.last_given is not None and self.measured is not None


@dataclass(slots=True)
class _Kept:
    known: Known
    since: int
    """Transactions from this one on were not seen (`pg_snapshot_xmin`)."""
    at_s: float


class WardMemory:
    """Of one server process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[tuple[str, ...], _Kept] = OrderedDict()

    async def find(
        self, connection: Connection, patients: tuple[str, ...], terms: list[UUID]
    ) -> tuple[Known | None, int]:
        """What is kept and still so of just these patients; and from which transaction on whatever is read
        now must be asked about. `terms`: of rows about the patients."""
        kept = self._kept.get(patients)
        if kept is None or self._clock() - kept.at_s > AGE_S_MAX:
            return None, int(await connection.fetchval(_NOW))
        now, has_changed = await connection.fetchrow(_SINCE, str(kept.since), list(KINDS), terms)
        if has_changed:
            return None, int(now)
        kept.since = int(now)
        if patients in self._kept:  # others were kept meanwhile
            self._kept.move_to_end(patients)
        return kept.known, int(now)

    def keep(self, patients: tuple[str, ...], known: Known, since: int) -> None:
        """Only what is whole: what could not be read is asked for again."""
        if not known.is_whole:
            return
        self._kept[patients] = _Kept(known, since, self._clock())
        self._kept.move_to_end(patients)
        if len(self._kept) > _WARDS_MAX:
            self._kept.popitem(last=False)


_NOW = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text"
# What was deleted names nobody any more: it may have been anybody's.
_SINCE = """
SELECT pg_snapshot_xmin(pg_current_snapshot())::text,
       EXISTS (SELECT FROM change c JOIN resource r ON r.rid = c.rid
                WHERE c.xid >= ($1::text)::xid8 AND c.type = ANY($2::text[])
                  AND (r.body IS NULL OR r.terms && $3::uuid[]))
"""
