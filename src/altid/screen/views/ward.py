"""Who lies in a ward: one row a patient, in the order of the beds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from altid.screen.views.admission import Stay, admission_of
from altid.screen.views.cave import Cave, cave_of
from altid.screen.views.chart import Chart
from altid.screen.views.flags import Flags, flags_of
from altid.screen.views.identity import Identity, identity_of, name_order
from altid.screen.views.moments import LONG_AGO
from altid.screen.views.todo import Todo

KINDS = ("Encounter", "AllergyIntolerance", "Flag", "Consent")
"""What of a chart a row is made of."""

_PARTS = re.compile(r"\d+|\D+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Bed:
    """One patient. `stay` is None where nobody may know; `unconfirmed`: orders of theirs that are not known
    to be registered, None where that could not be asked."""

    identity: Identity
    stay: Stay | None
    cave: Cave
    flags: Flags
    closed: frozenset[str]
    """Types that are not for whoever looks."""
    is_partly_blocked: bool
    unconfirmed: int | None

    @property
    def bed(self) -> str | None:
        return self.stay.place.bed if self.stay else None


@dataclass(frozen=True, slots=True)
class WardRow:
    """Of the list that a ward works by: who lies there, and what is to be done next for them."""

    who: Bed
    todo: Todo


def bed_of(chart: Chart, unconfirmed: int | None) -> Bed:
    """A row, of a chart that has `KINDS`."""
    current = admission_of(chart).current
    return Bed(
        identity_of(chart.patient),
        current[0] if current else None,
        cave_of(chart),
        flags_of(chart),
        chart.closed,
        chart.is_partly_blocked,
        unconfirmed,
    )


def by_bed(rows: Iterable[Bed]) -> tuple[Bed, ...]:
    """As one walks: bed 2 before bed 10; who has no bed yet comes last, by name."""

    return tuple(sorted(rows, key=bed_order))


def bed_order(row: Bed) -> Any:
    """For sorting as one walks."""
    return row.bed is None, _walked(row.bed or ""), name_order(row.identity)


def time_order(row: WardRow) -> Any:
    """For sorting by what is late or due next; for whom nothing is known to be due comes last."""
    at = row.todo.at
    return at is None, at or LONG_AGO, bed_order(row.who)


def _walked(name: str) -> list[tuple[int, int, str]]:
    parts = _PARTS.findall(name)
    return [(0, int(part), "") if part.isdigit() else (1, 0, part.casefold()) for part in parts]
