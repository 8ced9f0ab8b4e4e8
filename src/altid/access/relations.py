"""Reads the grounds from the record: who is admitted or referred to a place, and what is one person's own.

"Here" is the organisation that one works in, all that is part of it, and the locations and services that they
run: a nurse of a ward has grounds for who lies in the ward, is referred or booked there; a doctor of the
hospital for all of the hospital (sundhedsloven § 42 a: who takes part in treatment). A region is no hospital.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from altid.access.glass import BREAK
from altid.access.grounds import APPOINTMENT_DAYS, HERE, OPEN, OPEN_MAX, SOR, Above, Grounds, Own, Place
from altid.access.identity import Identity
from altid.access.places import above, here
from altid.fhir.search.hidden import Period
from altid.record.database import Connection
from altid.record.keys import name_key, term_keys

# Terms begin with their type, so one condition says for all types: here, and open.
_PATIENTS = """
SELECT DISTINCT split_part(ref, '/', 2) AS patient, r.type = 'Encounter' AS is_admitted,
       CASE WHEN r.type = 'Appointment' THEN r.rid END AS appointment
  FROM resource r CROSS JOIN unnest(r.refs) ref
 WHERE r.terms && $1::uuid[] AND r.terms && $2::uuid[]
   AND (ref ^@ 'subject=Patient/' OR r.type = 'Appointment' AND ref ^@ 'actor=Patient/')
 LIMIT $3
"""

_PAST = "SELECT rid FROM index_date WHERE rid = ANY($1::bigint[]) AND key = $2 AND high <= $3"

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


async def place_of(connection: Connection, organisation: str, now: datetime) -> Place:
    """The patients of a place of work, by its SOR number; of one that has too many: none, and that."""
    stands = await above(connection, organisation)
    found = await _patients_of(connection, await here(connection, organisation))
    if len(found) > OPEN_MAX:
        return Place(stands, is_too_wide=True)
    past = await _past(connection, [appointment for _, _, appointment in found if appointment], now)
    patients: dict[str, Grounds] = {}
    for patient, is_admitted, appointment in found:
        if appointment not in past:
            patients[patient] = Grounds.ADMITTED if is_admitted else patients.get(patient, Grounds.REFERRED)
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


async def _patients_of(connection: Connection, places: Collection[str]) -> list[Any]:
    if not places:
        return []
    is_here = [f"{parameter}={place}" for parameter, types in HERE.items() for place in _of(types, places)]
    is_open = [f"{type_}.status={status}" for type_, statuses in OPEN.items() for status in statuses]
    rows: list[Any] = await connection.fetch(_PATIENTS, term_keys(is_here), term_keys(is_open), OPEN_MAX + 1)
    return rows


async def _past(connection: Connection, appointments: Collection[int], now: datetime) -> frozenset[int]:
    """Those of the appointments whose day is long over, though nobody has closed them."""
    if not appointments:
        return frozenset()
    until = now - timedelta(days=APPOINTMENT_DAYS)
    rows = await connection.fetch(_PAST, list(appointments), name_key("Appointment.date"), until)
    return frozenset(row[0] for row in rows)


def _of(types: Collection[str], references: Iterable[str]) -> Iterable[str]:
    return (each for each in references if each.partition("/")[0] in types)
