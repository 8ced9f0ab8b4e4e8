"""With whom a resource lies in a copy, in which group it is compared, and its digest there.

A resource that is about several patients lies with the least of their ids; one about nobody with itself.
Its group is the first 10 bits of the SHA-256 of that id, or of "Type/id". A version's digest is the first 16
bytes of the SHA-256 of "Type/id/version/microseconds since 1970". A group's is the XOR of its members'.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import NamedTuple

import asyncpg

from altid.fhir import json
from altid.fhir.definitions import resource_types
from altid.fhir.search.about import PATIENT, about_codes, patients_about, patients_in
from altid.record.database import Connection
from altid.record.feed import Cursor, newest
from altid.record.stored import Stored, compose

GROUPS = 1_024
DIGEST_BYTES = 16
_SPAN_RIDS = 100_000
"""Rows that one statement looks at: below a second, so that none comes near the limit of a statement."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Group(NamedTuple):
    """How many resources, and their digests XORed as a number."""

    members: int
    digest: int

    def changed(self, by: int, digest: int) -> Group:
        return Group(self.members + by, self.digest ^ digest)


NO_GROUP = Group(0, 0)


class Digests(NamedTuple):
    """Of the record just as it was at the cursor: below it everything, from it on nothing."""

    cursor: Cursor
    groups: dict[int, Group]


def holder(type_: str, id_: str, refs: Iterable[str]) -> str | None:
    """The patient with whom it lies."""
    return min(patients_about(type_, id_, refs), default=None)


def group_of(type_: str, id_: str, patient: str | None) -> int:
    name = patient or f"{type_}/{id_}"
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:2], "big") >> 6


def member_digest(stored: Stored) -> int:
    at = (stored.last_updated - _EPOCH) // _MICROSECOND
    told = f"{stored.type}/{stored.id}/{stored.version}/{at}"
    return int.from_bytes(hashlib.sha256(told.encode()).digest()[:DIGEST_BYTES], "big")


async def digests(connection: Connection, without: str) -> Digests:
    """Of all groups that have members. `without`: patients whose ids begin so are left out.

    Call it in a transaction with one snapshot (repeatable read). What was committed in it behind the cursor
    is taken back from the sum, so that a reader who has come to just there can compare.
    """
    cursor = await newest(connection)
    groups: dict[int, Group] = {}
    last: int = await connection.fetchval(_LAST_RID)
    for low in range(0, last, _SPAN_RIDS):
        for number, count, digest in await connection.fetch(
            _GROUPS, *_about(), low, low + _SPAN_RIDS, without
        ):
            groups[number] = groups.get(number, NO_GROUP).changed(count, digest.to_int())
    for row in await connection.fetch(_BEHIND, str(cursor.xid)):
        _take_back(groups, row, without)
    return Digests(cursor, {number: group for number, group in groups.items() if group.members})


async def members(connection: Connection, groups: Sequence[int], without: str) -> list[Stored]:
    """All resources of some groups. Looks at everything: see docs/lookup.md for how long that takes."""
    found: list[Stored] = []
    last: int = await connection.fetchval(_LAST_RID)
    for low in range(0, last, _SPAN_RIDS):
        rows = await connection.fetch(_MEMBERS, *_about(), low, low + _SPAN_RIDS, without, list(groups))
        found += [Stored(*row) for row in rows]
    return found


def _take_back(groups: dict[int, Group], row: asyncpg.Record, without: str) -> None:
    now = Stored(row["type"], row["id"], row["version"], row["last_updated"], None)
    if row["is_there"]:
        _count(groups, now, holder(now.type, now.id, row["refs"]), -1, without)
    if row["before"] is not None:
        before = Stored(now.type, now.id, row["first"] - 1, row["before_at"], row["before"])
        patient = min(patients_in(json.loads(compose(before))), default=None)
        _count(groups, before, patient, 1, without)


def _count(groups: dict[int, Group], stored: Stored, patient: str | None, by: int, without: str) -> None:
    if patient is None or not patient.startswith(without):
        number = group_of(stored.type, stored.id, patient)
        groups[number] = groups.get(number, NO_GROUP).changed(by, member_digest(stored))


@cache
def _about() -> tuple[list[str], list[str]]:
    """Types that can be about a patient, and the codes of the references that say so, with spaces between."""
    known = [(type_, about_codes(type_)) for type_ in sorted(resource_types()) if type_ != PATIENT]
    return [type_ for type_, codes in known if codes], [" ".join(codes) for _, codes in known if codes]


_LAST_RID = "SELECT coalesce(max(rid), 0) FROM resource"
# OFFSET 0 keeps the planner from working out anew, wherever it is used, whom a row is about: that is the dear
# part. Ids have no backslash, so their text is their bytes.
_HELD = """
WITH about AS MATERIALIZED (
    SELECT type, string_to_array(codes, ' ') AS codes FROM unnest($1::text[], $2::text[]) t(type, codes)),
held AS (
    SELECT r.rid, r.type, r.id, r.version, r.last_updated,
           CASE WHEN r.type = 'Patient' THEN r.id ELSE (
               SELECT min(split_part(ref, '=Patient/', 2) COLLATE "C") FROM unnest(r.refs) ref
                WHERE split_part(ref, '=Patient/', 1) = ANY (a.codes)) END AS patient
      FROM resource r LEFT JOIN about a ON a.type = r.type
     WHERE r.rid > $3 AND r.rid <= $4 AND r.body IS NOT NULL
    OFFSET 0),
named AS (
    SELECT *, coalesce(patient, type || '/' || id) AS name FROM held
     WHERE patient IS NULL OR NOT patient ^@ $5)
"""
_GROUP_OF = "(get_byte(hash, 0) << 2) | (get_byte(hash, 1) >> 6)"
_GROUPS = f"""{_HELD},
digested AS (
    SELECT name, count(*) AS members,
           bit_xor(('x' || encode(sha256((
               type || '/' || id || '/' || version || '/'
               || (extract(epoch FROM last_updated) * 1000000)::bigint)::bytea), 'hex'))::bit(128)) AS digest
      FROM named GROUP BY name)
SELECT {_GROUP_OF} AS number, sum(members)::bigint, bit_xor(digest)
  FROM (SELECT *, sha256(name::bytea) AS hash FROM digested OFFSET 0) hashed
 GROUP BY number
"""
_MEMBERS = f"""{_HELD}
SELECT h.type, h.id, h.version, h.last_updated, r.body
  FROM (SELECT *, sha256(name::bytea) AS hash FROM named OFFSET 0) h JOIN resource r ON r.rid = h.rid
 WHERE {_GROUP_OF} = ANY ($6::integer[])
"""
_BEHIND = """
WITH c AS (SELECT rid, min(version) AS first FROM change WHERE xid >= $1::text::xid8 GROUP BY rid)
SELECT r.type, r.id, r.version, r.last_updated, r.body IS NOT NULL AS is_there, r.refs, c.first,
       h.body AS before, h.last_updated AS before_at
  FROM c JOIN resource r ON r.rid = c.rid
  LEFT JOIN resource_history h ON h.rid = c.rid AND h.version = c.first - 1
"""
