"""Everything that reconciliation compares, read from each site by itself: its journals and its PostgreSQL.

Sites are read one after the other while orders come in; so what one has and another has not yet is looked up
there once more, before it counts as missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from altid.access.secret import AccessSecret
from altid.fhir import json
from altid.orders.evidence import Evidence, HeldKey, Holding, Promise, Shown, Version
from altid.orders.intent import Held, Intent
from altid.orders.reading import Noted, read_intents
from altid.orders.receipt import PARTS_MAX, identity_of, part_key
from altid.record.database import Connection

TEST_TAG = ("https://altid.dk/fhir/tag", "test-order")
"""`meta.tag` of orders that only try the way."""
INTENTS_MAX = 200_000
"""Of one site, some hundred megabytes: an hour of 50 orders a second. Longer windows are cut in pieces."""
VERSIONS_MAX = 500_000
"""Of one site, as the intents."""
_AGAIN_S = 2.0
"""A site that follows has by then what the other has shown, if it ever gets it."""


class TooManyError(Exception):
    """More versions than can be compared at once: a shorter time is to be given."""


@dataclass(frozen=True, slots=True)
class Site:
    """One site's own word. `connection`: None where its database can't be reached."""

    name: str
    folder: Path
    """Of all its journals."""
    connection: Connection | None


async def gather(sites: Sequence[Site], secret: AccessSecret, since: datetime, until: datetime) -> Evidence:
    """Read all. What can't be read is named, and the rest goes on.

    Raises `TooManyError`, and what the driver raises.
    """
    promises: list[Promise] = []
    told: list[HeldKey] = []
    unread: list[str] = []
    for site in sites:
        noted, is_whole = await asyncio.to_thread(_journals, site.folder, secret, since, until)
        promises += [_promise(site.name, one, one.entry) for one in noted if isinstance(one.entry, Intent)]
        told += [held for one in noted if isinstance(one.entry, Held) for held in _held_in_journal(one.entry)]
        if not is_whole:
            unread.append(f"{site.name} (intents)")
    unread += [f"{site.name} (database)" for site in sites if site.connection is None]
    reached = [(site.name, site.connection) for site in sites if site.connection is not None]
    held = _newest([held for _, there in reached for held in await _outboxes(there, since, until)], told)
    wanted = {one.identity for one in promises} | {each for one in held for each in one.identities}
    holdings = [await _holding(name, there, since, until, wanted) for name, there in reached]
    return Evidence(
        since, until, tuple(promises), tuple(held), await _looked_again(reached, holdings), tuple(unread)
    )


def _journals(
    folder: Path, secret: AccessSecret, since: datetime, until: datetime
) -> tuple[tuple[Noted, ...], bool]:
    """A site whose servers have run has the folder: where it lacks, nobody knows what was in it."""
    try:
        reading = read_intents(folder, secret, since, until, most=INTENTS_MAX)
    except OSError:
        return (), False
    return reading.noted, reading.is_whole and folder.is_dir()


def _promise(site: str, noted: Noted, intent: Intent) -> Promise:
    return Promise(
        identity=intent.identity,
        write_key=intent.write_key,
        key=intent.key,
        site=site,
        writer=noted.writer,
        at=intent.at,
        action=intent.action,
        order=intent.reference,
        patient=intent.patient,
        organisation=intent.organisation,
        signer_name=intent.signer_name,
        end=None if noted.outcome is None else noted.outcome.end,
        is_test=_is_test(intent.content),
    )


def _is_test(content: str) -> bool:
    if TEST_TAG[1] not in content:  # reading each as JSON would take minutes
        return False
    tags = json.loads(content.encode()).get("meta", {}).get("tag", ())
    return any((tag.get("system"), tag.get("code")) == TEST_TAG for tag in tags)


def _held_in_journal(held: Held) -> list[HeldKey]:
    return [
        HeldKey(_identities(key), key, held.at, patient, signer=held.signer)
        for key, patient in zip(held.keys, held.patients, strict=True)
    ]


def _identities(key: str) -> tuple[bytes, ...]:
    """Of the key, and of the orders of a Bundle that had it."""
    parts = [] if "#" in key else [part_key(key, place) for place in range(1, PARTS_MAX + 1)]
    return tuple(identity_of(name) for name in (key, *parts))


def _newest(in_records: Iterable[HeldKey], in_journals: Iterable[HeldKey]) -> list[HeldKey]:
    """Each key once: what the record has of it knows whether it was released since."""
    found: dict[str, HeldKey] = {}
    for one in in_records:
        known = found.get(one.key)
        # Another browser may still hold what one has released.
        if known is None or known.is_released:
            found[one.key] = one
    for one in in_journals:
        found.setdefault(one.key, one)
    return list(found.values())


async def _outboxes(connection: Connection, since: datetime, until: datetime) -> list[HeldKey]:
    rows = await connection.fetch(_OUTBOXES, since, until)
    return [HeldKey(_identities(row["key"]), *row) for row in rows]


async def _holding(
    name: str, connection: Connection, since: datetime, until: datetime, wanted: set[bytes]
) -> Holding:
    if await connection.fetchval(_COUNT, since, until, VERSIONS_MAX + 1) > VERSIONS_MAX:
        raise TooManyError
    rows = await connection.fetch(_IN_WINDOW, since, until, *TEST_TAG)
    versions = [Version(*row) for row in rows]
    rest = wanted - {one.identity for one in versions}
    versions += await _versions(connection, rest)
    shown = await connection.fetch(_SHOWN, since, until, list(wanted))
    return Holding(name, tuple(versions), tuple(Shown(*row) for row in shown))


async def _versions(connection: Connection, identities: Iterable[bytes]) -> list[Version]:
    return [Version(*row) for row in await connection.fetch(_BY_IDENTITY, list(identities), *TEST_TAG)]


async def _looked_again(
    reached: Sequence[tuple[str, Connection]], holdings: Sequence[Holding]
) -> tuple[Holding, ...]:
    """What some have and one lacks, asked of that one again."""
    every = {one.identity for holding in holdings for one in holding.versions}
    lacking = [every - {one.identity for one in holding.versions} for holding in holdings]
    if not any(lacking):
        return tuple(holdings)
    await asyncio.sleep(_AGAIN_S)
    found = []
    for (_, connection), holding, missing in zip(reached, holdings, lacking, strict=True):
        more = await _versions(connection, missing)
        found.append(replace(holding, versions=(*holding.versions, *more)))
    return tuple(found)


# The body of a version is in `resource` while it is current, then in `resource_history`. Patient and tag are
# those of the newest version: neither ever changes.
_VERSIONS = """
SELECT k.identity, k.key::text, k.type || '/' || k.id, k.version, k.at,
       COALESCE(sha256(CASE WHEN c.version = k.version THEN c.body ELSE h.body END), ''),
       COALESCE((SELECT split_part(ref, '/', 2) FROM unnest(c.refs) ref
                  WHERE ref ^@ 'subject=Patient/' LIMIT 1), ''),
       COALESCE(c.terms @> ARRAY[term(k.type || '._tag=' || {system} || '|' || {code})], false)
  FROM order_key k
       LEFT JOIN resource c ON c.rid = k.rid
       LEFT JOIN resource_history h ON h.rid = k.rid AND h.version = k.version
"""
_IN_WINDOW = _VERSIONS.format(system="$3::text", code="$4::text") + " WHERE k.at >= $1 AND k.at < $2"
_BY_IDENTITY = _VERSIONS.format(system="$2::text", code="$3::text") + " WHERE k.identity = ANY($1::bytea[])"
_COUNT = "SELECT count(*) FROM (SELECT FROM order_key WHERE at >= $1 AND at < $2 LIMIT $3) k"
_SHOWN = """
SELECT identity, client_key, type || '/' || id, action, patient, organisation, signer_name, intended,
       state = 'open' AND NOT EXISTS (SELECT FROM order_key k WHERE k.identity = r.identity)
  FROM order_recovered r
 WHERE (intended >= $1 AND intended < $2) OR identity = ANY($3::bytea[])
"""
# What was held at any moment of the time: told of after its beginning, signed before its end.
_OUTBOXES = """
SELECT key, since, patient, kind, action, ward, signer, released IS NOT NULL
  FROM client_outbox
 WHERE since < $2 AND told >= $1
"""
