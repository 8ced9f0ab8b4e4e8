"""Why somebody may look at a patient: admitted here, referred here, on one's list, or broken glass.

"Here" is the organisation that one works in, with all that it is part of and all that is part of it: a nurse
of a ward has grounds for the patients of the hospital (sundhedsloven § 42 a: who takes part in treatment).
What the patient has blocked takes the grounds away, and only broken glass (*værdispring*) goes beyond that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from altid.access.identity import Identity, Role
from altid.record.database import Connection
from altid.record.keys import term_keys


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
SELECT patient, 'listed' AS why FROM personal_list WHERE account = $1 AND until > $2
UNION ALL
SELECT patient, 'override' FROM override WHERE account = $1 AND until > $2
"""

_BLOCKS = """
SELECT patient, data_low, data_high FROM patient_block
 WHERE since <= $3 AND (until IS NULL OR until > $3)
   AND (account IS NULL OR account = $1) AND (organisation IS NULL OR organisation = ANY($2::text[]))
"""


@dataclass(frozen=True, slots=True)
class Period:
    """A period of data, half-open."""

    low: datetime
    high: datetime


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom an identity has grounds for, at one moment. Patients by their id."""

    everyone: bool
    grounds: dict[str, Grounds]
    hidden: dict[str, tuple[Period, ...]]
    """For patients with grounds: periods of their data that they have blocked."""

    def of(self, patient: str) -> Grounds | None:
        """The grounds for one patient, if there are any."""
        return Grounds.SCOPE if self.everyone else self.grounds.get(patient)


EVERYONE = Reach(everyone=True, grounds={}, hidden={})
NOBODY = Reach(everyone=False, grounds={}, hidden={})


async def chain(connection: Connection, organisation: str) -> list[str]:
    """Ids of the organisation with this SOR number, what it is part of, and what is part of it."""
    rows = await connection.fetch(_CHAIN, term_keys([f"Organization.identifier={organisation}"]))
    return [row[0] for row in rows]


async def reach(connection: Connection, identity: Identity, now: datetime) -> Reach:
    """Look up whom the identity has grounds for. Roles that treat nobody have grounds for nobody."""
    if identity.role is Role.SYSTEM:
        return EVERYONE
    if identity.role not in _TREATING:
        return NOBODY
    here = await chain(connection, identity.organisation)
    grounds: dict[str, Grounds] = {}
    for patient, type_ in await _patients_of(connection, here):
        admitted = type_ == "Encounter"
        grounds[patient] = Grounds.ADMITTED if admitted else grounds.get(patient, Grounds.REFERRED)
    own = await connection.fetch(_OWN, identity.subject, now)
    for patient, why in own:
        if why == Grounds.LISTED:
            grounds.setdefault(patient, Grounds.LISTED)
    hidden = await _apply_blocks(connection, identity, here, grounds, now)
    for patient, why in own:
        if why == Grounds.OVERRIDE:
            grounds[patient] = Grounds.OVERRIDE
            hidden.pop(patient, None)
    return Reach(False, grounds, {patient: tuple(periods) for patient, periods in hidden.items()})


_TREATING = frozenset({Role.DOCTOR, Role.NURSE, Role.PHARMACIST, Role.SECRETARY})


async def _patients_of(connection: Connection, organisations: list[str]) -> list[Any]:
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


async def _apply_blocks(
    connection: Connection, identity: Identity, here: list[str], grounds: dict[str, Grounds], now: datetime
) -> dict[str, list[Period]]:
    """Take away what the patients have blocked; gives the periods that only hide a part."""
    hidden: dict[str, list[Period]] = {}
    for patient, low, high in await connection.fetch(_BLOCKS, identity.subject, here, now):
        if patient not in grounds:
            continue
        if low is None:
            del grounds[patient]
            hidden.pop(patient, None)
        else:
            hidden.setdefault(patient, []).append(Period(low, high))
    return {patient: periods for patient, periods in hidden.items() if patient in grounds}
