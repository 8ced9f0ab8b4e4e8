"""Places of work: what they are called, and what they are part of, from their Organization resources.

A place of work is named by its SOR number (the national register of health care organisations), everywhere:
in accounts, sessions, broken glass and blocks. A number of another system is never taken for one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from altid.access.grounds import SOR, Above, sor_term
from altid.fhir import json
from altid.record.database import Connection
from altid.record.keys import present_key, term_keys
from altid.record.stored import Stored, compose

DEPTH_MAX = 10
"""Organisations one within the other: a region has four or five. What goes on for longer is a circle."""

_FIND = """
SELECT type, id, version, last_updated, body FROM resource
 WHERE type = 'Organization' AND body IS NOT NULL AND terms && $1::uuid[]
 LIMIT $2
"""
_SAME_MAX = 4
"""Resources that hold the same SOR number by mistake."""

# A step upwards that leads to nothing, or that is told by no reference to a resource, is no end but a gap.
_ABOVE = f"""
WITH RECURSIVE up AS (
    SELECT id, 0 AS depth FROM resource
     WHERE type = 'Organization' AND body IS NOT NULL AND terms @> $1::uuid[]
    UNION
    SELECT split_part(ref, '/', 2), up.depth + 1
      FROM up JOIN resource r ON r.type = 'Organization' AND r.id = up.id CROSS JOIN unnest(r.refs) ref
     WHERE ref ^@ 'partof=Organization/' AND up.depth < {DEPTH_MAX}
)
SELECT up.id,
       up.depth < {DEPTH_MAX} AND r.body IS NOT NULL AND (
           NOT r.present && $2::integer[]
           OR EXISTS (SELECT FROM unnest(r.refs) ref WHERE ref ^@ 'partof=Organization/')) AS is_told
  FROM up LEFT JOIN resource r ON r.type = 'Organization' AND r.id = up.id
"""

# From the top of the tree nothing goes down: whoever works at the region does not work at every hospital.
_BENEATH = f"""
WITH RECURSIVE down AS (
    SELECT id, 0 AS depth,
           EXISTS (SELECT FROM unnest(refs) ref WHERE ref ^@ 'partof=Organization/') AS goes_down
      FROM resource WHERE type = 'Organization' AND body IS NOT NULL AND terms @> $1::uuid[]
    UNION
    SELECT r.id, down.depth + 1, true
      FROM down JOIN resource r ON r.terms @> ARRAY[term('Organization.partof=Organization/' || down.id)]
     WHERE down.goes_down AND r.body IS NOT NULL AND down.depth < {DEPTH_MAX}
)
SELECT DISTINCT id FROM down
"""

_ROOMS = """
SELECT type || '/' || id FROM resource
 WHERE body IS NOT NULL AND terms && $1::uuid[]
"""
_ROOM_TYPES = ("Location", "HealthcareService")


async def names(connection: Connection, organisations: Sequence[str]) -> dict[str, str]:
    """Names by SOR number; those of which nobody has said a name are missing."""
    keys = term_keys(map(sor_term, organisations))
    found: dict[str, str] = {}
    for row in await connection.fetch(_FIND, keys, len(organisations) * _SAME_MAX):
        resource = json.loads(compose(Stored(*row)))
        name = resource.get("name")
        for number in _sor_numbers(resource):
            if isinstance(name, str) and number in organisations:
                found[number] = name
    return found


@dataclass(frozen=True, slots=True)
class Place:
    """`reference`: `Organization/ID`."""

    reference: str
    name: str


async def organisation_of(connection: Connection, organisation: str) -> Place | None:
    """The resource of a place of work, by its SOR number; None where the record has none with a name."""
    rows = await connection.fetch(_FIND, term_keys([sor_term(organisation)]), _SAME_MAX)
    found = [json.loads(compose(Stored(*row))) for row in rows]
    places = [Place(f"Organization/{one['id']}", one["name"]) for one in found if "name" in one]
    return min(places, key=lambda place: place.reference, default=None)


async def above(connection: Connection, organisation: str) -> Above:
    """Where the place of this SOR number stands."""
    partof = [present_key("partof")]
    rows = await connection.fetch(_ABOVE, term_keys([sor_term(organisation)]), partof)
    return Above(frozenset(row[0] for row in rows), bool(rows) and all(row[1] for row in rows))


async def here(connection: Connection, organisation: str) -> tuple[str, ...]:
    """What a place of work is, by its SOR number: references to its organisation, to what is part of that,
    and to the locations and services that these run.

    The top of a tree, a region, is only itself.
    """
    rows = await connection.fetch(_BENEATH, term_keys([sor_term(organisation)]))
    organisations = [f"Organization/{row[0]}" for row in rows]
    run = [f"{type_}.organization={each}" for type_ in _ROOM_TYPES for each in organisations]
    rooms = await connection.fetch(_ROOMS, term_keys(run))
    return (*organisations, *(row[0] for row in rooms))


def _sor_numbers(resource: dict[str, Any]) -> Iterable[str]:
    for identifier in resource.get("identifier", ()):
        if identifier.get("system") == SOR and "value" in identifier:
            yield identifier["value"]
