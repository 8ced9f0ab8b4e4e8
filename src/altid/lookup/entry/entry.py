"""Entry put together for one process of a place: who is in, whom they may see, and that every look is
kept."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from starlette.requests import Request

from altid.access import policy
from altid.access.audit.event import NOBODY, Action, Outcome, who_of
from altid.access.grounds import Grounds
from altid.access.identity import Role
from altid.access.refusal import Refusal
from altid.access.secret import AccessSecret
from altid.lookup import keys
from altid.lookup.entry import glass, people
from altid.lookup.entry.codes import Codes
from altid.lookup.entry.contact import Contact
from altid.lookup.entry.cookie import cookie_of
from altid.lookup.entry.courier import META_AT, Courier
from altid.lookup.entry.door import Answer, CodeUse, Door
from altid.lookup.entry.events import Origin, origin_of, said_with
from altid.lookup.entry.forwarding import Forwarder
from altid.lookup.entry.line import Line
from altid.lookup.entry.locked import REVOKED
from altid.lookup.entry.looks import Looks, open_looks
from altid.lookup.entry.person import Person, Way
from altid.lookup.entry.reach import Reaches, Sight
from altid.lookup.entry.relations import name_of
from altid.lookup.entry.sessions import Sessions
from altid.lookup.entry.tables import Tables

_LOOKED_AT = (401, 403)
"""Refusals of somebody. The others say that nobody was looked at: slowed, too many at once, badly formed."""
WATCH_S = 5.0
"""How soon a place that has been alone for too long locks itself."""


@dataclass(frozen=True, slots=True)
class EntrySettings:
    """Of one place, from `opslag.toml`."""

    folder: Path
    place: str
    """Its name, which looks are told under."""
    wards: tuple[str, ...] = ()
    """The wards that it is of, by SOR number or id of their Location; () for a site or a hospital."""
    lock_days: float = 7.0
    """Without any contact for so long it locks itself. A downtime of days must not end in a locked copy, and
    a stolen one must not stay open for a holiday. 0: never, for a room that is guarded."""
    hash_threads: int = 0
    """0: as many as this process may use cores."""


class Entry:
    """Everything here is of one process and one event loop."""

    def __init__(
        self,
        tables: Tables,
        key: bytes,
        settings: EntrySettings,
        line: Line | None = None,
        on_closed: Callable[[str], None] | None = None,
    ) -> None:
        """`on_closed`: called when the place locks itself or is revoked; then whoever holds the key or the
        copy must let go of both."""
        rng = random.SystemRandom()
        secret = AccessSecret(key)
        self._tables, self._settings, self._rng = tables, settings, rng
        self._on_closed = on_closed
        threads = settings.hash_threads or len(os.sched_getaffinity(0))
        self.looks: Looks = open_looks(settings.folder, secret, settings.place, rng)
        self.sessions = Sessions(secret, time.monotonic, rng)
        self.codes = Codes(settings.folder, secret)
        self.door = Door(tables, self.codes, settings.place, settings.wards, rng, threads)
        self.contact = Contact(tables, settings.lock_days)
        self.closed: str | None = None
        """Why the place answers nobody any more."""
        self._reaches = Reaches(tables, time.monotonic)
        self.courier: Courier | None = None
        if line is not None:
            forwarder = Forwarder(self.looks, line)
            self.courier = Courier(tables, line, forwarder, self.contact, self._be_revoked)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """In the event loop that answers."""
        self.looks.start()
        self._tasks.append(asyncio.create_task(self._watch()))
        if self.courier is not None:
            self._tasks.append(asyncio.create_task(self.courier.run()))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self.door.close()
        await self.looks.close()

    # Who is in

    def who(self, request: Request) -> Person | None:
        """Whose session the browser has; None for nobody's, and for whoever was closed meanwhile."""
        if self.closed is not None:
            return None
        cookie = cookie_of(request)
        person = self.sessions.find(cookie)
        if person is not None and not self._may_stay(person):
            self.sessions.end(cookie)
            return None
        return person

    async def let_in(
        self, request: Request, answer: Answer, way: Way, use: CodeUse | None = None
    ) -> str | Refusal:
        """The cookie of a new session, once the logon is among the looks. Raises `AuditUnavailableError`:
        then nobody is in."""
        if isinstance(answer, Refusal):
            if answer.status in _LOOKED_AT:
                refused = self._origin(request).logon(NOBODY, way, Outcome.REFUSED)
                await self.looks.record(refused, said_with(use))
            return answer
        self.sessions.end(cookie_of(request))
        whoever = replace(
            answer, workplace=self._settings.place, place=self._name(answer.identity.organisation)
        )
        inside, cookie = self.sessions.begin(whoever)
        try:
            done = self._origin(request).logon(who_of(inside.identity), way, Outcome.DONE)
            await self.looks.record(done, said_with(use))
        except BaseException:
            self.sessions.end(cookie)
            raise
        return cookie

    async def log_off(self, request: Request, person: Person) -> None:
        """The session ends in any case, also where that can't be kept."""
        self.sessions.end(cookie_of(request))
        with suppress(Exception):
            await self.looks.record(
                self._origin(request).event(who_of(person.identity), Action.LOGOFF, "logoff")
            )

    def change_role(self, request: Request, person: Person, role: str, organisation: str) -> bool:
        """Go on in another role or at another place of work of the same account; False if it has no such."""
        if (role, organisation) not in person.choices:
            return False
        identity = replace(person.identity, role=Role(role), organisation=organisation)
        changed = replace(person, identity=identity, place=self._name(organisation))
        self.sessions.change(cookie_of(request), changed)
        return True

    def names_of(self, organisations: Iterable[str]) -> dict[str, str]:
        """What these places are called, by SOR number; that number where nobody says."""
        with self._tables.reading() as connection:
            return {each: name_of(connection, each) or each for each in organisations}

    @property
    def wards_with_code(self) -> list[tuple[str, str]]:
        """SOR number and name of the wards that have a code that opens something."""
        return list(self.names_of(self.codes.wards()).items())

    @property
    def has_pins(self) -> bool:
        """Whether anybody could come in by PIN."""
        with self._tables.reading() as connection:
            return people.has_reentries(connection, time.time())

    @property
    def accounts_at(self) -> datetime | None:
        """When the accounts that are known here were true."""
        told = self._tables.meta(META_AT)
        return None if told is None else datetime.fromisoformat(told)

    # Whom they may see

    def sight(self, person: Person, patient: str) -> Sight:
        """What of one patient. Raises `PlaceTooWideError`."""
        return self._reaches.sight(person, patient)

    def may_read(self, person: Person, type_: str) -> bool:
        """Whether the role reads resources of this type at all."""
        return policy.may(person.identity, "r", type_)

    def breaks_glass(self, person: Person) -> bool:
        return glass.may_break(person)

    async def look(
        self,
        person: Person,
        request: Request | None,
        page: str,
        patients: Sequence[str] = (),
        *,
        action: Action = Action.READ,
        grounds: Sequence[Grounds | None] = (),
        outcome: Outcome = Outcome.DONE,
    ) -> None:
        """Keep what the answer is going to show. Raises `AuditUnavailableError`: then it may not leave.

        `grounds`: one for each patient, or a single one for all. A print is a look as well (`Action.PRINT`).
        """
        named = tuple(str(one or "") for one in grounds)
        event = self._origin(request).event(
            who_of(person.identity), action, page, tuple(patients), grounds=named, outcome=outcome
        )
        await self.looks.record(event)

    async def break_glass(
        self, request: Request, person: Person, patient: str, kind: str, reason: str
    ) -> None:
        """*Værdispring*: grounds for one patient from now on, for a shift. Kept among the looks first; it is
        followed up at the record. Raises `OverrideError`, `AuditUnavailableError`."""
        origin = self._origin(request)
        await glass.break_glass(self._tables, self.looks, origin, person, patient, kind, reason, self._rng)

    # Locked and revoked

    def lock(self, why: str) -> None:
        """Forget everything that opens the copy. Only operations, or enrolling anew, opens it again."""
        try:
            keys.lock(self._settings.folder, why)
        finally:
            self._close_for(why)

    def _be_revoked(self) -> None:
        try:
            keys.wipe(self._settings.folder, REVOKED)
        finally:
            self._close_for(REVOKED)

    def _close_for(self, why: str) -> None:
        is_first, self.closed = self.closed is None, why
        self.sessions.end_where(lambda _: True)
        if is_first and self._on_closed is not None:
            self._on_closed(why)

    async def _watch(self) -> None:
        while self.closed is None:
            self._check()
            await asyncio.sleep(WATCH_S)

    def _check(self) -> None:
        if self.contact.is_overdue:
            self.lock("out of touch for too long")
        else:
            self.contact.keep()

    def _may_stay(self, person: Person) -> bool:
        if person.code is not None:
            return self.codes.is_current(person.code)
        with self._tables.reading() as connection:
            account = people.by_id(connection, person.identity.subject)
        identity = person.identity
        return (
            account is not None
            and not account.is_disabled
            and identity.role in account.roles
            and identity.organisation in account.organisations
        )

    def _name(self, organisation: str) -> str:
        return self.names_of([organisation])[organisation]

    def _origin(self, request: Request | None) -> Origin:
        return origin_of(request, self._settings.place)


@asynccontextmanager
async def open_entry(
    tables: Tables,
    key: bytes,
    settings: EntrySettings,
    line: Line | None = None,
    on_closed: Callable[[str], None] | None = None,
) -> AsyncIterator[Entry]:
    """The entry of one process, started. Raises `OSError` where looks can't be kept: then nothing is
    served."""
    entry = await asyncio.to_thread(Entry, tables, key, settings, line, on_closed)
    entry.start()
    try:
        yield entry
    finally:
        await entry.close()
