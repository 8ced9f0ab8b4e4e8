"""Reads the grounds from the record: who is admitted or referred to a place, and what is one person's own.

"Here" is the organisation that one works in, with all that it is part of and all that is part of it: a nurse
of a ward has grounds for the patients of the hospital (sundhedsloven § 42 a: who takes part in treatment).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from altid.access.grounds import Grounds, Own, Place
from altid.access.identity import Identity
from altid.access.overrides import BREAK
from altid.access.places import SOR, Above, above, beneath
from altid.record.database import Connection
from altid.record.keys import term_keys
from altid.record.visibility import Period

_PRESENT = ("planned", "arrived", "triaged", "in-progress", "onleave")
_OPEN_REQUESTS = ("draft", "active", "on-hold")

PATIENTS_MAX = 50_000
"""Patients whom one organisation has at once. A whole region has some thousands in its beds."""


_PATIENTS = """
SELECT DISTINCT split_part(ref, '/', 2) AS patient, r.type
  FROM resource r CROSS JOIN unnest(r.refs) ref
 WHERE ref ^@ 'subject=Patient/' AND (
       (r.terms && $1::uuid[] AND r.terms && $2::uuid[]) OR (r.terms && $3::uuid[] AND r.terms && $4::uuid[]))
 LIMIT $5
"""

_OWN = """
SELECT patient, 'listed' AS why, until FROM personal_list
 WHERE account = $1 AND role = $2 AND organisation = $3 AND until > $4
UNION ALL
SELECT patient, 'override', until FROM override
 WHERE account = $1 AND coalesce(role, $2) = $2 AND organisation = $3 AND until > $4
"""

_BLOCKS = """
WITH block AS MATERIALIZED (
    SELECT patient, organisation, data_low, data_high FROM patient_block
     WHERE since <= $2 AND (until IS NULL OR until > $2) AND (account IS NULL OR account = $1)
), named AS (
    SELECT organisation, ARRAY(
               SELECT id FROM resource
                WHERE type = 'Organization' AND body IS NOT NULL
                  AND terms @> ARRAY[term($3::text || organisation)]) AS ids
      FROM (SELECT DISTINCT organisation FROM block WHERE organisation IS NOT NULL) each
), covering AS (
    SELECT organisation FROM named WHERE $5 OR ids = '{}' OR ids && $4::text[]
)
SELECT patient, data_low, data_high FROM block
 WHERE organisation IS NULL OR organisation IN (SELECT organisation FROM covering)
"""
"""A block by organisation covers who works there or in what is part of it. Where that can't be told, because
the record doesn't know one of the two or what it is part of, the block covers everybody."""


async def place_of(connection: Connection, organisation: str) -> Place:
    """The patients of a place of work, by its SOR number."""
    stands = await above(connection, organisation)
    here = stands.organisations | set(await beneath(connection, organisation))
    patients: dict[str, Grounds] = {}
    for patient, type_ in await _patients_of(connection, here):
        admitted = type_ == "Encounter"
        patients[patient] = Grounds.ADMITTED if admitted else patients.get(patient, Grounds.REFERRED)
    return Place(stands, patients)


async def own_of(connection: Connection, identity: Identity, stands: Above, now: datetime) -> Own:
    """What is the person's own in this role, at a place that stands there."""
    listed: dict[str, datetime] = {}
    overrides: dict[str, datetime] = {}
    whose = identity.subject, identity.role, identity.organisation
    for patient, why, until in await connection.fetch(_OWN, *whose, now):
        if why == Grounds.LISTED:
            listed[patient] = until
        elif identity.role in BREAK:
            overrides[patient] = max(until, overrides.get(patient, until))
    blocked: set[str] = set()
    hidden: dict[str, tuple[Period, ...]] = {}
    for patient, low, high in await _blocks(connection, identity, stands, now):
        if low is None:
            blocked.add(patient)
        else:
            hidden[patient] = (*hidden.get(patient, ()), Period(low, high))
    return Own(listed, overrides, frozenset(blocked), hidden)


async def _blocks(connection: Connection, identity: Identity, stands: Above, now: datetime) -> list[Any]:
    rows: list[Any] = await connection.fetch(
        _BLOCKS,
        identity.subject,
        now,
        f"Organization.identifier={SOR}|",
        list(stands.organisations),
        not stands.is_whole,
    )
    return rows


async def _patients_of(connection: Connection, organisations: Collection[str]) -> list[Any]:
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
