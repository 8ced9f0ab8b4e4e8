"""All that the record holds about one patient (`Patient/$everything`, R4 patient-operation-everything.html).

The patient, everything in the patient's compartment, and what that refers to outside of any patient's
compartment (staff, places, drugs). A reference to another patient is never followed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from altid.record.database import Connection
from altid.record.keys import term_keys
from altid.record.stored import Found, Stored

_EVERYTHING = """
WITH core AS MATERIALIZED (
    SELECT type, id, refs FROM resource
     WHERE terms && $1::uuid[] AND NOT terms && $9::uuid[] AND body IS NOT NULL
    UNION ALL
    SELECT type, id, refs FROM resource WHERE type = 'Patient' AND id = $2 AND body IS NOT NULL),
referred AS (
    SELECT DISTINCT split_part(split_part(ref, '=', 2), '/', 1) AS type, split_part(ref, '/', 2) AS id
      FROM core CROSS JOIN unnest(refs) ref),
wanted AS (
    SELECT type, id FROM core
    UNION
    SELECT type, id FROM referred WHERE type = ANY($3::text[]))
SELECT r.type, r.id, r.version, r.last_updated, r.body, r.refs
  FROM wanted w JOIN resource r ON r.type = w.type AND r.id = w.id
 WHERE r.body IS NOT NULL
   AND (r.type, r.id) > ($4, $5)
   AND ($6::text[] IS NULL OR r.type = ANY($6))
   AND ($7::timestamptz IS NULL OR r.last_updated >= $7)
 ORDER BY r.type, r.id
 LIMIT $8
"""


@dataclass(frozen=True, slots=True)
class Everything:
    """One question: the terms that place a resource in the compartment, and the types outside of all. What
    has one of the terms in `without` is left out."""

    patient: str
    terms: Sequence[str]
    outside: Sequence[str] = ()
    types: Sequence[str] | None = None
    since: datetime | None = None
    without: Sequence[str] = ()


async def everything(
    connection: Connection, asked: Everything, *, after: tuple[str, str], count: int
) -> list[Found]:
    """The next resources behind `after` (type, id), in that order."""
    types: Any = list(asked.types) if asked.types else None
    rows = await connection.fetch(
        _EVERYTHING,
        term_keys(asked.terms),
        asked.patient,
        list(asked.outside),
        *after,
        types,
        asked.since,
        count,
        term_keys(asked.without),
    )
    return [Found(Stored(*row[:5]), row[5]) for row in rows]
