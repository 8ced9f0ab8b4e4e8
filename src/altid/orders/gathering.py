"""Everything that reconciliation compares, read from each site by itself: its journals and its PostgreSQL.

Sites are read one after the other while orders come in; so what one has and another has not yet is looked up
there once more, before it counts as missing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, TypeVar

import asyncpg

from altid.access.secret import AccessSecret
from altid.orders.evidence import Evidence, HeldKey, Holding, Promise, Shown
from altid.orders.intent import Held, Intent
from altid.orders.reading import Noted, read_intents
from altid.orders.receipt import PARTS_MAX, identity_of, part_key
from altid.orders.synthetic import is_test_content
from altid.orders.trimming import OUTBOXES_KEPT
from altid.orders.versions import versions_in, versions_of
from altid.record.database import Connection

INTENTS_MAX = 200_000
"""Of one site, some hundred megabytes: an hour of 50 a second. What is longer is asked about in pieces."""
VERSIONS_MAX = 500_000
"""Of one site, as the intents."""
_AGAIN_S = 2.0
"""A site that follows has by then what the other has shown, if it ever gets it."""

_AWAY = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
_Answer = TypeVar("_Answer")
_log = logging.getLogger("altid.orders")


class TooManyError(Exception):
    """More versions than can be compared at once: a shorter time is to be given."""


class Journals(NamedTuple):
    """What a site's journals hold of a time."""

    promises: tuple[Promise, ...]
    held: tuple[HeldKey, ...]
    is_whole: bool


Ask = Callable[[datetime, datetime], Awaitable[Journals]]


@dataclass(frozen=True, slots=True)
class Site:
    """One site's own word. `connection`: None where its database can't be reached."""

    name: str
    folder: Path
    """Of all its journals, if they are here."""
    connection: Connection | None
    ask: Ask | None = None
    """How its journals are read where the folder is not here."""


class Reached(NamedTuple):
    """A site's database that has been reached."""

    name: str
    connection: Connection


async def gather(sites: Sequence[Site], secret: AccessSecret, since: datetime, until: datetime) -> Evidence:
    """Read all. What can't be read, or not to its end, is named, and the rest goes on.

    How long a site may take is up to its connection (`command_timeout`). Raises `TooManyError`.
    """
    # Before that the record alone is asked what browsers hold: what they let go of since is forgotten there.
    remembered = datetime.now(UTC) - OUTBOXES_KEPT
    promises: list[Promise] = []
    told: list[HeldKey] = []
    unread: list[str] = []
    for site in sites:
        journals = await _journals(site, secret, since, until)
        promises += journals.promises
        told += [one for one in journals.held if one.at >= remembered]
        if not journals.is_whole:
            unread.append(f"{site.name} (intents)")
    reached = [Reached(site.name, site.connection) for site in sites if site.connection is not None]
    outboxes = await _asked(reached, lambda one: _outboxes(one.connection, since, until))
    held = _newest([one for _, some in outboxes for one in some], told)
    wanted = {one.identity for one in promises} | {each for one in held for each in one.identities}
    first = await _asked([one for one, _ in outboxes], lambda one: _holding(one, since, until, wanted))
    holdings = await _looked_again(first)
    there = {one.site for one in holdings}
    unread += [f"{site.name} (database)" for site in sites if site.name not in there]
    return Evidence(since, until, tuple(promises), tuple(held), holdings, tuple(unread))


async def _asked(
    sites: Sequence[Reached], ask: Callable[[Reached], Awaitable[_Answer]]
) -> list[tuple[Reached, _Answer]]:
    """The answers of those that give one: what a site begins to tell and doesn't finish is not used."""
    answers = []
    for site in sites:
        try:
            answers.append((site, await ask(site)))
        except _AWAY as error:
            _log.warning("site %s was not read (%s)", site.name, type(error).__name__)
    return answers


async def _journals(site: Site, secret: AccessSecret, since: datetime, until: datetime) -> Journals:
    if site.ask is None or await asyncio.to_thread(site.folder.is_dir):
        return await asyncio.to_thread(_in_folder, site, secret, since, until)
    return await site.ask(since, until)


def _in_folder(site: Site, secret: AccessSecret, since: datetime, until: datetime) -> Journals:
    """A site whose servers have run has the folder: where it lacks, nobody knows what was in it."""
    try:
        reading = read_intents(site.folder, secret, since, until, most=INTENTS_MAX, keep=_lean)
    except OSError:
        return Journals((), (), is_whole=False)
    return Journals(
        tuple(_promise(site.name, one, one.entry) for one in reading.noted if isinstance(one.entry, Intent)),
        tuple(
            key for one in reading.noted if isinstance(one.entry, Held) for key in _held_in_journal(one.entry)
        ),
        reading.is_whole and site.folder.is_dir(),
    )


def _lean(entry: Intent | Held) -> Intent | Held:
    """Without what an order holds, which would fill the memory; a test order keeps it, and is known by it."""
    if isinstance(entry, Held) or is_test_content(entry.content):
        return entry
    return replace(entry, content="")


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
        is_test=is_test_content(intent.content),
    )


def _held_in_journal(held: Held) -> list[HeldKey]:
    return [
        HeldKey(identities_of(key), key, held.at, patient, signer=held.signer)
        for key, patient in zip(held.keys, held.patients, strict=True)
    ]


def identities_of(key: str) -> tuple[bytes, ...]:
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
    return [HeldKey(identities_of(row["key"]), *row) for row in rows]


async def _holding(site: Reached, since: datetime, until: datetime, wanted: set[bytes]) -> Holding:
    connection = site.connection
    versions = await versions_in(connection, since, until, VERSIONS_MAX)
    if len(versions) > VERSIONS_MAX:
        raise TooManyError
    versions += await versions_of(connection, wanted - {one.identity for one in versions})
    shown = await connection.fetch(_SHOWN, since, until, list(wanted))
    return Holding(site.name, tuple(versions), tuple(Shown(*row) for row in shown))


async def _looked_again(first: Sequence[tuple[Reached, Holding]]) -> tuple[Holding, ...]:
    """What some have and one lacks, asked of that one again."""
    holdings = {site.name: holding for site, holding in first}
    every = {one.identity for holding in holdings.values() for one in holding.versions}
    lacking = {name: every - {one.identity for one in holding.versions} for name, holding in holdings.items()}
    if not any(lacking.values()):
        return tuple(holdings.values())
    await asyncio.sleep(_AGAIN_S)
    again = await _asked(
        [site for site, _ in first], lambda one: versions_of(one.connection, lacking[one.name])
    )
    return tuple(
        replace(holdings[site.name], versions=(*holdings[site.name].versions, *more)) for site, more in again
    )


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
