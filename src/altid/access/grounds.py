"""Why somebody may look at a patient: admitted here, referred here, on one's list, or broken glass.

"Here" is the organisation that one works in, with all that it is part of and all that is part of it: a nurse
of a ward has grounds for the patients of the hospital (sundhedsloven § 42 a: who takes part in treatment).
What the patient has blocked takes the grounds away, and only broken glass (*værdispring*) goes beyond that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from itertools import chain
from typing import Any

from altid.access.identity import Identity, Role
from altid.record.database import Connection
from altid.record.keys import term_keys
from altid.record.visibility import Period


class Grounds(StrEnum):
    """The grounds for one patient, the strongest first."""

    ADMITTED = "admitted"
    REFERRED = "referred"
    LISTED = "listed"
    OVERRIDE = "override"
    SCOPE = "scope"
    """A system: its scopes say what it may, of whomever."""


_PRESENT = ("planned", "arrived", "triaged", "in-progress", "onleave")
_OPEN_REQUESTS = ("draft", "active", "on-hold")

PATIENTS_MAX = 50_000
"""Patients whom one organisation has at once. A whole region has some thousands in its beds."""

_CHAIN = """
WITH RECURSIVE own AS (
    SELECT id FROM resource WHERE type = 'Organization' AND body IS NOT NULL AND terms @> $1::uuid[]
), up AS (
    SELECT id, 0 AS depth FROM own
    UNION
    SELECT split_part(ref, '/', 2), up.depth + 1
      FROM up JOIN resource r ON r.type = 'Organization' AND r.id = up.id CROSS JOIN unnest(r.refs) ref
     WHERE ref ^@ 'partof=Organization/' AND up.depth < 10
), down AS (
    SELECT id, 0 AS depth FROM own
    UNION
    SELECT r.id, down.depth + 1
      FROM down JOIN resource r ON r.terms @> ARRAY[term('Organization.partof=Organization/' || down.id)]
     WHERE r.body IS NOT NULL AND down.depth < 10
)
SELECT id FROM up UNION SELECT id FROM down
"""

_PATIENTS = """
SELECT DISTINCT split_part(ref, '/', 2) AS patient, r.type
  FROM resource r CROSS JOIN unnest(r.refs) ref
 WHERE ref ^@ 'subject=Patient/' AND (
       (r.terms && $1::uuid[] AND r.terms && $2::uuid[]) OR (r.terms && $3::uuid[] AND r.terms && $4::uuid[]))
 LIMIT $5
"""

_OWN = """
SELECT patient, 'listed' AS why, until FROM personal_list WHERE account = $1 AND until > $2
UNION ALL
SELECT patient, 'override', until FROM override WHERE account = $1 AND until > $2
"""

_BLOCKS = """
SELECT patient, data_low, data_high FROM patient_block
 WHERE since <= $3 AND (until IS NULL OR until > $3)
   AND (account IS NULL OR account = $1) AND (organisation IS NULL OR organisation = ANY($2::text[]))
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A place of work: the ids of its organisations, and the patients whom all who work there have."""

    organisations: tuple[str, ...]
    patients: Mapping[str, Grounds]


@dataclass(frozen=True, slots=True)
class Own:
    """What is one person's at one place."""

    listed: Mapping[str, datetime] = field(default_factory=dict)
    """Patient -> until when."""
    overrides: Mapping[str, datetime] = field(default_factory=dict)
    blocked: frozenset[str] = frozenset()
    """Patients who have blocked all of their record for this person or place."""
    hidden: Mapping[str, tuple[Period, ...]] = field(default_factory=dict)
    """Patients who have blocked periods of it."""


_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom an identity has grounds for, at one moment. Patients by their id; making one copies nothing."""

    everyone: bool
    place: Place = Place((), {})
    own: Own = Own()
    now: datetime = _NEVER
    only: str | None = None
    """An application's patient: the reach is this one, if that."""

    def of(self, patient: str) -> Grounds | None:
        """The grounds for one patient, if there are any."""
        if self.everyone:
            return Grounds.SCOPE
        if self.only is not None and patient != self.only:
            return None
        if self._is_overridden(patient):
            return Grounds.OVERRIDE
        if patient in self.own.blocked:
            return None
        here = self.place.patients.get(patient)
        if here is not None:
            return here
        until = self.own.listed.get(patient)
        return Grounds.LISTED if until is not None and until > self.now else None

    @property
    def patients(self) -> Collection[str]:
        """All of them, for whom there are grounds."""
        return _Patients(self)

    @property
    def hidden(self) -> Mapping[str, tuple[Period, ...]]:
        """Of patients with grounds: periods of their data that they have blocked. Broken glass opens them."""
        hidden = self.own.hidden
        if not hidden or not self.own.overrides:
            return hidden
        return {patient: hidden[patient] for patient in hidden if not self._is_overridden(patient)}

    def _is_overridden(self, patient: str) -> bool:
        until = self.own.overrides.get(patient)
        return until is not None and until > self.now


class _Patients(Collection[str]):
    """A view of a reach: membership costs a look-up or two."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach

    def __contains__(self, patient: object) -> bool:
        return isinstance(patient, str) and self._reach.of(patient) is not None

    def __iter__(self) -> Iterator[str]:
        reach = self._reach
        named = chain(reach.place.patients, reach.own.listed, reach.own.overrides)
        return (patient for patient in dict.fromkeys(named) if reach.of(patient) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


EVERYONE = Reach(everyone=True)
NOBODY = Reach(everyone=False)

TREATING = frozenset({Role.DOCTOR, Role.NURSE, Role.PHARMACIST, Role.SECRETARY})
"""The others have grounds for nobody."""


async def organisations_of(connection: Connection, organisation: str) -> tuple[str, ...]:
    """Ids of the organisation with this SOR number, what it is part of, and what is part of it."""
    rows = await connection.fetch(_CHAIN, term_keys([f"Organization.identifier={organisation}"]))
    return tuple(row[0] for row in rows)


async def place_of(connection: Connection, organisation: str) -> Place:
    """The patients of a place of work, by its SOR number."""
    here = await organisations_of(connection, organisation)
    patients: dict[str, Grounds] = {}
    for patient, type_ in await _patients_of(connection, here):
        admitted = type_ == "Encounter"
        patients[patient] = Grounds.ADMITTED if admitted else patients.get(patient, Grounds.REFERRED)
    return Place(here, patients)


async def own_of(
    connection: Connection, identity: Identity, organisations: Sequence[str], now: datetime
) -> Own:
    """What is the person's own, of those who work at these organisations."""
    listed: dict[str, datetime] = {}
    overrides: dict[str, datetime] = {}
    for patient, why, until in await connection.fetch(_OWN, identity.subject, now):
        (listed if why == Grounds.LISTED else overrides)[patient] = until
    blocked: set[str] = set()
    hidden: dict[str, tuple[Period, ...]] = {}
    for patient, low, high in await connection.fetch(_BLOCKS, identity.subject, list(organisations), now):
        if low is None:
            blocked.add(patient)
        else:
            hidden[patient] = (*hidden.get(patient, ()), Period(low, high))
    return Own(listed, overrides, frozenset(blocked), hidden)


async def _patients_of(connection: Connection, organisations: Sequence[str]) -> list[Any]:
    if not organisations:
        return []
    rows: list[Any] = await connection.fetch(
        _PATIENTS,
        _terms("Encounter.service-provider", organisations),
        term_keys(f"Encounter.status={status}" for status in _PRESENT),
        _terms("ServiceRequest.performer", organisations),
        term_keys(f"ServiceRequest.status={status}" for status in _OPEN_REQUESTS),
        PATIENTS_MAX,
    )
    return rows


def _terms(parameter: str, organisations: Iterable[str]) -> list[Any]:
    return term_keys(f"{parameter}=Organization/{organisation}" for organisation in organisations)
