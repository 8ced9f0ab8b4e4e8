"""What a server that died, or a write whose answer never came, leaves open: looked up, sent again, or shown.

An intent without an outcome is looked up by its key, at the leader. What was registered is noted so. What the
record has never seen is sent again with the same key while it is young; older, it is put before a person, for
whoever signed it may long have ordered something else. Done twice it does no harm: the key is the same.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import asyncpg
from asyncpg.pgproto.pgproto import UUID

from altid.access.journal.journal import Journal
from altid.access.journal.journals import SET_ASIDE, journals, take_or_set_aside
from altid.access.journal.segment import Reader
from altid.access.journal.unavailable import JournalUnavailableError
from altid.access.secret import AccessSecret
from altid.access.settings import Clock
from altid.fhir import json
from altid.orders import recovered
from altid.orders.intent import PURPOSE, End, Entry, Intent, Outcome, decode, open_intents
from altid.orders.limits import OrderLimits
from altid.orders.looking import Kept, kept
from altid.orders.notebook import append_outcomes
from altid.orders.registering import NotRegisteredError, Planned, Registrar, write_all
from altid.orders.synthetic import is_canary_patient
from altid.record.attempt import LocalOnlyError, NotStoredError, OutcomeUnknownError
from altid.record.primary import NoPrimaryError
from altid.record.transaction import Transaction, run_transaction
from altid.record.write import MUST_BE_NEW, Write, Written, create, update
from altid.record.write_key import WriteKey

AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    NoPrimaryError,
    LocalOnlyError,
    NotStoredError,
    OutcomeUnknownError,
    JournalUnavailableError,
)
"""The record or the disk is away: it is tried again."""

READ_MAX = 1_000

_log = logging.getLogger("altid.orders")

Told = Callable[[Intent, int], Awaitable[None]]
"""Called for each order that was sent again and registered, with its version."""


class Recovery:
    """Of one process. `run` never ends by itself."""

    def __init__(
        self,
        registrar: Registrar,
        secret: AccessSecret,
        site: str,
        limits: OrderLimits,
        told: Told,
        clock: Clock = time.time,
    ) -> None:
        self._registrar, self._secret, self._site = registrar, secret, site
        self._limits, self._told, self._clock = limits, told, clock
        self._finished: dict[Path, list[int]] = {}

    async def run(self) -> None:
        """Until cancelled. That the record is away is said once, and once that it is back."""
        away = False
        while True:
            try:
                await self.step()
                if away:
                    _log.info("open intents can be looked up again")
                away = False
            except AWAY as error:
                if not away:
                    _log.warning("open intents stay open for now (%s)", type(error).__name__)
                away = True
            except Exception as error:  # must not end it; its text could quote an order
                _log.error("recovery failed (%s)", type(error).__name__)
            await asyncio.sleep(self._limits.look_every_s)

    async def step(self) -> None:
        """Deal with what is open in the own journal for too long, and in those that nobody holds."""
        notebook = self._registrar.notebook
        overdue = notebook.overdue()
        if overdue:
            for number, outcome in (await self._settle(overdue, notebook.journal.writer)).items():
                notebook.settle([number], *outcome)
        await notebook.release()
        for path in await asyncio.to_thread(journals, notebook.journal.folder.parent):
            if path != notebook.journal.folder and path not in self._finished:
                await self._adopt(path)

    async def _adopt(self, path: Path) -> None:
        """A journal that its process has left, if it has: the lock says so."""
        if (path / SET_ASIDE).exists():
            self._finished[path] = []
            return
        journal = await asyncio.to_thread(take_or_set_aside, path, self._secret, PURPOSE)
        if journal is None:
            return
        try:
            await self._finish(journal)
            self._finished[path] = journal.firsts()
            if journal.head.seq == 0:
                await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)
        finally:
            await asyncio.to_thread(journal.close)
        await self._make_room()

    async def _finish(self, journal: Journal) -> None:
        left = open_intents(await asyncio.to_thread(entries_of, journal))
        if not left:
            return
        _log.warning("%d open intents found in the journal %s", len(left), journal.writer)
        for some in _chunks(left):
            ends = await self._settle(some, journal.writer)
            at_us = round(self._clock() * 1e6)
            outcomes: list[Entry] = [
                Outcome(at_us, number, end, versions[0] if versions else None)
                for number, (end, versions) in ends.items()
            ]
            await asyncio.to_thread(append_outcomes, journal, self._limits, outcomes)

    async def _settle(
        self, left: Mapping[int, Intent], writer: str
    ) -> dict[int, tuple[End, tuple[int, ...]]]:
        """What has become of them, by their numbers, after all was done that is to be done."""
        found = await self._look_up([one.identity for one in left.values()])
        ends: dict[int, tuple[End, tuple[int, ...]]] = {}
        old: dict[int, Intent] = {}
        for some in _groups(left):
            known = {n: found[one.identity] for n, one in some.items() if one.identity in found}
            if known:
                ends |= {n: _end_of(one, found.get(one.identity)) for n, one in some.items()}
            elif all(is_canary_patient(one.patient) for one in some.values()):
                ends |= dict.fromkeys(some, (End.NOT_STORED, ()))  # a test order: nobody waits for it
            elif self._is_young(some) and (written := await self._send_again(list(some.values()))):
                ends |= {n: (End.REGISTERED, (one.version,)) for n, one in zip(some, written, strict=True)}
            else:
                old |= some
        if old:
            await self._show(list(old.values()), writer)
            ends |= dict.fromkeys(old, (End.SHOWN, ()))
        return ends

    def _is_young(self, some: Mapping[int, Intent]) -> bool:
        now_us = self._clock() * 1e6
        is_whole = len(some) == next(iter(some.values())).parts
        return is_whole and all(now_us - one.at_us < self._limits.young_s * 1e6 for one in some.values())

    async def _look_up(self, identities: Sequence[bytes]) -> dict[bytes, Kept]:
        async def work(transaction: Transaction) -> dict[bytes, Kept]:
            return await kept(transaction.connection, identities)

        async with asyncio.timeout(self._limits.lookup_s):
            return (await run_transaction(self._registrar.database, work)).result

    async def _send_again(self, intents: Sequence[Intent]) -> list[Written] | None:
        """None if the record says no: a person must see it."""
        planned = [planned_again(one) for one in intents]
        try:
            written = await write_all(self._registrar.database, self._registrar.writer, planned)
        except NotRegisteredError:
            return None
        for intent, one in zip(intents, written, strict=True):
            await self._told(intent, one.version)
        return written

    async def _show(self, intents: Sequence[Intent], writer: str) -> None:
        async def work(transaction: Transaction) -> None:
            await recovered.show(transaction.connection, intents, self._site, writer)

        await run_transaction(self._registrar.database, work)
        _log.warning("%d orders of the journal %s wait for a person to decide", len(intents), writer)

    async def _make_room(self) -> None:
        """Delete the oldest of those that are finished, while they are too big together."""
        done = [path for path, firsts in self._finished.items() if firsts and path.exists()]
        sizes = await asyncio.to_thread(lambda: {path: _size_of(path) for path in done})
        total = sum(size for size, _ in sizes.values())
        for path, (size, _) in sorted(sizes.items(), key=lambda item: item[1][1]):
            if total <= self._limits.kept_bytes_max:
                return
            await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)
            total -= size


def planned_again(intent: Intent) -> Planned:
    """The very write that an intent was of."""
    return Planned(write_of(intent.content, intent.id, intent.expected), key_of(intent.write_key), intent)


def write_of(content: str | bytes, id_: str, expected: int | None) -> Write:
    """The write of a resource that an intent or a recovered order holds."""
    resource = json.loads(content.encode() if isinstance(content, str) else content)
    if expected == MUST_BE_NEW:
        return create(resource, id_)
    return update({**resource, "id": id_}, expected)


def key_of(text: str) -> WriteKey:
    """The key of a write, which may have been done before."""
    return WriteKey(UUID(text), again=True)


def entries_of(journal: Journal) -> list[tuple[int, Entry]]:
    """All that a journal holds that this process has. What does not open is told, and left."""
    reader, found = Reader(journal.folder, journal.sealer), list[tuple[int, Entry]]()
    reader.skip_to(0)
    while records := reader.read(journal.head.seq, READ_MAX):
        found += [(record.seq, decode(record.body)) for record in records]
    for damage in reader.damages:
        _log.error("an intent journal was altered: %s", damage)
    return found


def _end_of(intent: Intent, one: Kept | None) -> tuple[End, tuple[int, ...]]:
    """Of a part of what was written together: as the others, also where it has no row of its own."""
    if one is None:
        return End.REGISTERED, ()
    if not one.version or one.key != intent.write_key:
        return End.REFUSED, ()
    return End.REGISTERED, (one.version,)


def _groups(left: Mapping[int, Intent]) -> list[dict[int, Intent]]:
    """Those that were to be written together, in order."""
    groups: list[dict[int, Intent]] = []
    for number, one in left.items():
        newest = groups[-1] if groups else {}
        last = next(reversed(newest.items()), None)
        if (
            last is not None
            and one.parts > 1
            and (last[0], last[1].parts, last[1].at_us) == (number - 1, one.parts, one.at_us)
            and len(newest) < one.parts
        ):
            newest[number] = one
        else:
            groups.append({number: one})
    return groups


def _chunks(left: Mapping[int, Intent]) -> list[dict[int, Intent]]:
    """Of some hundred each, without parting what belongs together."""
    chunks: list[dict[int, Intent]] = [{}]
    for some in _groups(left):
        if len(chunks[-1]) + len(some) > _CHUNK_MAX and chunks[-1]:
            chunks.append({})
        chunks[-1] |= some
    return chunks


_CHUNK_MAX = 400


def _size_of(path: Path) -> tuple[int, float]:
    """Bytes, and when it was written last."""
    stats = [one.stat() for one in path.glob("*.journal")]
    return sum(one.st_size for one in stats), max((one.st_mtime for one in stats), default=0.0)
