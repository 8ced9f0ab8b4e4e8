"""What a copy needs so that people can come in there, and see what they may: read as one snapshot.

A ward's copy has the accounts of those who may work in the ward or in what it is part of, and of blocks,
lists and broken glass those of its patients. Badges are hashed under the region's secret, so they are of no
use there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from altid.access.copies import Keeps, Place
from altid.access.grounds import SOR
from altid.access.places import above
from altid.fhir import json
from altid.record.database import Connection
from altid.record.stored import Stored, compose

Row = dict[str, Any]


async def entry_of(connection: Connection, place: Place, keeps: Keeps, now: datetime) -> dict[str, list[Row]]:
    """Lists by name, as /feed/entry answers them; times are ISO 8601 in UTC."""
    organisations = await _organisations(connection, place) if place.is_ward else None
    patients = None if keeps.patients is None else sorted(keeps.patients)
    return {
        "accounts": await _rows(connection, _ACCOUNTS, organisations),
        "blocks": await _rows(connection, _BLOCKS, now, patients),
        "lists": await _rows(connection, _LISTS, now, patients),
        "overrides": await _rows(connection, _OVERRIDES, now, patients),
        "reentries": await _rows(connection, _REENTRIES, now, organisations),
    }


async def _organisations(connection: Connection, place: Place) -> list[str]:
    """SOR numbers of the ward and of all that it is part of."""
    stands = await above(connection, place.organisation)
    numbers = {place.organisation}
    for row in await connection.fetch(_NUMBERS, sorted(stands.organisations)):
        organisation = json.loads(compose(Stored(*row)))
        numbers |= {
            str(identifier.get("value"))
            for identifier in organisation.get("identifier", ())
            if identifier.get("system") == SOR
        }
    return sorted(numbers)


async def _rows(connection: Connection, statement: str, *arguments: Any) -> list[Row]:
    return [_told(row) for row in await connection.fetch(statement, *arguments)]


def _told(row: Mapping[str, Any]) -> Row:
    return {
        name: value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
        for name, value in row.items()
    }


_NUMBERS = """
SELECT type, id, version, last_updated, body FROM resource
 WHERE type = 'Organization' AND id = ANY ($1::text[]) AND body IS NOT NULL
"""
_ACCOUNTS = """
SELECT id::text, username, name, roles, organisations, practitioner,
       CASE WHEN disabled_at IS NULL AND NOT must_change THEN password END AS password,
       disabled_at IS NOT NULL AS disabled
  FROM account WHERE $1::text[] IS NULL OR organisations && $1::text[]
 ORDER BY id
"""
_BLOCKS = """
SELECT id::text, patient, account, organisation, data_low AS low, data_high AS high, until
  FROM patient_block
 WHERE since <= $1 AND (until IS NULL OR until > $1) AND ($2::text[] IS NULL OR patient = ANY ($2::text[]))
 ORDER BY id
"""
_LISTS = """
SELECT account, role, organisation, patient, until FROM personal_list
 WHERE until > $1 AND ($2::text[] IS NULL OR patient = ANY ($2::text[]))
 ORDER BY account, role, organisation, patient
"""
_OVERRIDES = """
SELECT id::text, account, role, organisation, patient, until FROM override
 WHERE until > $1 AND role IS NOT NULL AND ($2::text[] IS NULL OR patient = ANY ($2::text[]))
 ORDER BY id
"""
_REENTRIES = """
SELECT r.account::text, r.workplace::text, r.role, r.organisation, r.pin, r.expires
  FROM reentry r JOIN account a ON a.id = r.account JOIN workplace w ON w.id = r.workplace
 WHERE r.expires > $1 AND r.pin IS NOT NULL AND a.disabled_at IS NULL AND w.disabled_at IS NULL
   AND ($2::text[] IS NULL OR r.organisation = ANY ($2::text[]))
 ORDER BY r.account, r.workplace
"""
