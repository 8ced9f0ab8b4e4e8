"""Reading the record to make a copy of it: in pages, one patient whole, or a part that somebody may have.

Rows come in the order in which they were first made. What changes meanwhile comes with the feed's changes
from the cursor of the first page on, so nothing is missed; a version that is read twice is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from altid.fhir import json
from altid.fhir.definitions import resource_types
from altid.fhir.search.about import PATIENT, about_codes
from altid.fhir.search.extract import extract
from altid.record.database import Connection
from altid.record.feed import Change, newest
from altid.record.holding import NO_GROUP, Digests, Group, group_of, holder, member_digest
from altid.record.keys import term_keys
from altid.record.stored import Found, Stored, compose

PAGE_MAX = 1_000

Shows = Callable[[str, str, Iterable[str]], bool]
"""By type, id and refs entries: whether it is to be had."""


class Numbered(NamedTuple):
    """A current version and its row's number, which never changes."""

    number: int
    found: Found


@dataclass(frozen=True, slots=True)
class Part:
    """Of the record: all of some types, and what is about some patients."""

    types: Sequence[str]
    patients: Sequence[str]

    @property
    def terms(self) -> list[Any]:
        return term_keys(
            f"{type_}.{code}={PATIENT}/{patient}"
            for type_ in sorted(resource_types())
            if type_ != PATIENT
            for code in about_codes(type_)
            for patient in self.patients
        )


async def page(connection: Connection, after: int, count: int, part: Part | None = None) -> list[Numbered]:
    """The next current versions by number; fewer than `count` are the last. Without a part: of all."""
    if part is None:
        rows = await connection.fetch(_PAGE, after, count)
    else:
        rows = await connection.fetch(
            _PAGE_OF_PART, after, count, list(part.types), list(part.patients), part.terms
        )
    return [Numbered(row[0], Found(Stored(*row[1:6]), row[6])) for row in rows]


async def of_patient(connection: Connection, patient: str) -> list[Found]:
    """All that is about one patient, and the patient."""
    part = Part((), (patient,))
    rows = await connection.fetch(_PAGE_OF_PART, 0, None, [], [patient], part.terms)
    return [Found(Stored(*row[1:6]), row[6]) for row in rows]


async def total(connection: Connection) -> int:
    """How many rows there are, as the database's statistics last knew."""
    count: int = await connection.fetchval(_TOTAL)
    return max(0, count)


async def part_digests(connection: Connection, part: Part, shows: Shows) -> Digests:
    """As `holding.digests`, of a part. Call it in a transaction with one snapshot."""
    cursor = await newest(connection)
    groups: dict[int, Group] = {}
    behind = {row["rid"]: row for row in await connection.fetch(_BEHIND, str(cursor.xid))}
    for row in await connection.fetch(_HEADS_OF_PART, list(part.types), list(part.patients), part.terms):
        if row["rid"] not in behind:
            stored = Stored(row["type"], row["id"], row["version"], row["last_updated"], None)
            _add(groups, stored, row["refs"], shows)
    for row in behind.values():
        if row["before"] is not None:
            before = Stored(row["type"], row["id"], row["first"] - 1, row["before_at"], row["before"])
            _add(groups, before, refs_in(before), shows)
    return Digests(cursor, groups)


async def before(connection: Connection, changed: Sequence[Change]) -> dict[tuple[int, int], Stored]:
    """The newest version with content before each of these, by the row's number and the version."""
    numbers, versions = [one.cursor.rid for one in changed], [one.stored.version for one in changed]
    rows = await connection.fetch(_BEFORE, numbers, versions) if changed else []
    return {(row[0], row[1]): Stored(*row[2:]) for row in rows}


def refs_in(stored: Stored) -> list[str]:
    """The references of a version that is not the current one."""
    return extract(json.loads(compose(stored))).refs


def _add(groups: dict[int, Group], stored: Stored, refs: Sequence[str], shows: Shows) -> None:
    if shows(stored.type, stored.id, refs):
        number = group_of(stored.type, stored.id, holder(stored.type, stored.id, refs))
        groups[number] = groups.get(number, NO_GROUP).changed(1, member_digest(stored))


_PAGE = """
SELECT rid, type, id, version, last_updated, body, refs FROM resource
 WHERE rid > $1 AND body IS NOT NULL ORDER BY rid LIMIT $2
"""
_IN_PART = "(type = ANY ($3::text[]) OR type = 'Patient' AND id = ANY ($4::text[]) OR terms && $5::uuid[])"
_PAGE_OF_PART = f"""
SELECT rid, type, id, version, last_updated, body, refs FROM resource
 WHERE rid > $1 AND body IS NOT NULL AND {_IN_PART} ORDER BY rid LIMIT $2
"""
_HEADS_OF_PART = """
SELECT rid, type, id, version, last_updated, refs FROM resource
 WHERE body IS NOT NULL
   AND (type = ANY ($1::text[]) OR type = 'Patient' AND id = ANY ($2::text[]) OR terms && $3::uuid[])
"""
_TOTAL = "SELECT reltuples::bigint FROM pg_class WHERE oid = 'resource'::regclass"
_BEHIND = """
WITH c AS (SELECT rid, min(version) AS first FROM change WHERE xid >= $1::text::xid8 GROUP BY rid)
SELECT c.rid, r.type, r.id, c.first, h.body AS before, h.last_updated AS before_at
  FROM c JOIN resource r ON r.rid = c.rid
  LEFT JOIN resource_history h ON h.rid = c.rid AND h.version = c.first - 1
"""
_BEFORE = """
SELECT n.rid, n.version, r.type, r.id, h.version, h.last_updated, h.body
  FROM unnest($1::bigint[], $2::integer[]) n(rid, version) JOIN resource r ON r.rid = n.rid
  JOIN LATERAL (SELECT version, last_updated, body FROM resource_history
                 WHERE rid = n.rid AND version < n.version AND body IS NOT NULL
                 ORDER BY version DESC LIMIT 1) h ON true
"""
