"""Sessions at the primary, wherever it is now.

Writes go to one PostgreSQL of two, and which one changes when a site is lost. All servers of the address are
asked at the same time, and of those that call themselves primary the one with the highest timeline is it. A
primary that went silent sends nothing, so its sessions would wait for ever: when one takes longer than
`commit_s`, it is looked whether another server has become the primary, and only then sessions are dropped.
While there is no other, a commit that waits goes on waiting: to ask again could not make it faster, and each
asking would leave a process waiting at the server.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg

from altid.record.connection import WriteConnection, connect, look

_LOOK_EVERY_S = 0.05
"""How often a server is asked whether it is the primary now: part of each failover's length."""

_ANSWER_S_MIN = 0.3
"""A server that is well connects in some milliseconds. One that didn't is given twice as long, up to
`connect_s`: it may be busy."""

_WATCH_EVERY_S = 0.1
_DEAF_S, _CHECK_EVERY_S = 1.0, 0.5
"""After so long it is asked whether the server is at work for the session: its answer may have been lost."""

_CLOSE_S = 2.0

FAILURES = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What connecting and asking may raise."""

# A process that is gone, or has had nothing to do for a while, has answered, and the answer was lost.
_AT_WORK = """
SELECT b.place FROM unnest($1::integer[], $2::timestamptz[]) WITH ORDINALITY b(pid, started, place)
  JOIN pg_stat_activity a ON a.pid = b.pid AND a.backend_start = b.started
 WHERE a.state <> 'idle' OR a.state_change > clock_timestamp() - interval '0.5 s'
"""


class NoPrimaryError(Exception):
    """No server took the lead, or no session became free, in time. Nothing was sent."""


class Host(NamedTuple):
    """One server: a name for itself (never logged) and the address of it alone."""

    name: str
    dsn: str


def hosts_of(dsn: str) -> list[Host]:
    """The servers of an address, which may name several: `postgresql://user@a:1,b:2/altid`."""
    parts = urlsplit(dsn)
    user, at, places = parts.netloc.rpartition("@")
    query = urlencode([item for item in parse_qsl(parts.query) if item[0] != "target_session_attrs"])
    return [
        Host(place, urlunsplit(parts._replace(netloc=user + at + place, query=query)))
        for place in places.split(",")
    ]


class Primary:
    """At most `size` sessions at once; each is lent to one task."""

    def __init__(
        self, dsn: str, settings: Mapping[str, str], *, size: int, connect_s: float, commit_s: float
    ) -> None:
        self._hosts = hosts_of(dsn)
        self._settings = settings
        self._size, self._connect_s, self._commit_s = size, connect_s, commit_s
        self._slots = asyncio.Semaphore(size)
        self._idle: list[WriteConnection] = []
        self._busy: set[WriteConnection] = set()
        self._all_back = asyncio.Event()
        self._leader: Host | None = None
        self._timeline = 0
        self._search: asyncio.Task[None] | None = None
        self._watch: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """The first session. Raises `NoPrimaryError`, or what kept the only server from being reached."""
        tried = await asyncio.gather(
            *(self._connect(host, self._connect_s) for host in self._hosts), return_exceptions=True
        )
        found = [one for one in tried if isinstance(one, WriteConnection)]
        for connection in found:
            self._keep(connection)
        if self._leader is None:
            await self.close()
            raise next((one for one in tried if isinstance(one, BaseException)), NoPrimaryError())
        self._watch = asyncio.create_task(self._watch_busy())

    async def close(self) -> None:
        """Wait a little for what is underway, then close every socket."""
        for task in (self._watch, self._search):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        if self._busy:
            with suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_S):
                    await self._all_back.wait()
        for connection in (*self._idle, *self._busy):
            connection.terminate()
        self._idle.clear()

    @asynccontextmanager
    async def session(self, until_s: float) -> AsyncIterator[WriteConnection]:
        """A session to write with, waited for until a moment of the event loop's clock.

        Raises `NoPrimaryError`. A session that comes back broken or inside a transaction is closed.
        """
        await self._take_slot(until_s)
        try:
            connection = self._take_idle() or await self._connect_to_leader(until_s)
            if _now_s() >= until_s:
                self._keep(connection)
                raise NoPrimaryError
        except BaseException:
            self._slots.release()
            raise
        connection.busy_since_s, connection.doubtful = _now_s(), False
        self._busy.add(connection)
        self._all_back.clear()
        try:
            yield connection
        finally:
            self._busy.discard(connection)
            if not self._busy:
                self._all_back.set()
            self._slots.release()
            if not connection.is_closed():
                if connection.is_in_transaction():
                    connection.terminate()
                else:
                    self._keep(connection)

    async def lasting(self, until_s: float) -> WriteConnection:
        """A session of one's own at the primary, for as long as one likes, to hold a lock with.

        It is none of the pool's `size`, and whoever asked closes it. Nobody looks after it: give each of its
        statements a time limit. Raises `NoPrimaryError`.
        """
        async with self.session(until_s) as near:
            host = next(host for host in self._hosts if host.name == near.host)
        try:
            connection = await self._connect(host, self._connect_s)
        except FAILURES:
            raise NoPrimaryError from None
        if not self._leads(connection):
            connection.terminate()
            raise NoPrimaryError
        return connection

    def suspect(self) -> None:
        """A session broke, or its server is no primary: find out anew where the primary is."""
        self._leader = None
        for connection in self._idle:
            connection.terminate()
        self._idle.clear()

    async def _take_slot(self, until_s: float) -> None:
        if not self._slots.locked():
            await self._slots.acquire()
            return
        try:
            async with asyncio.timeout_at(until_s):
                await self._slots.acquire()
        except TimeoutError:
            raise NoPrimaryError from None

    def _take_idle(self) -> WriteConnection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return None

    async def _connect_to_leader(self, until_s: float) -> WriteConnection:
        patience_s = min(_ANSWER_S_MIN, self._connect_s)
        while _now_s() < until_s:
            if self._leader is None:
                await self._search_until(until_s)
            connection = self._take_idle()
            if connection is None and self._leader is not None:
                connection = await self._connect_or_suspect(self._leader, patience_s)
                patience_s = min(2 * patience_s, self._connect_s)
            if connection is not None:
                return connection
        raise NoPrimaryError

    async def _connect_or_suspect(self, leader: Host, patience_s: float) -> WriteConnection | None:
        try:
            connection = await self._connect(leader, patience_s)
        except TimeoutError:
            # It is silent or only busy: all are asked who leads, and its free sessions may still be good.
            self._leader = None
            return None
        except FAILURES:
            self.suspect()
            return None
        if self._leads(connection):
            return connection
        connection.terminate()
        self.suspect()
        return None

    async def _connect(self, host: Host, connect_s: float) -> WriteConnection:
        return await connect(host.name, host.dsn, self._settings, connect_s)

    def _leads(self, connection: WriteConnection) -> bool:
        """Of several servers only a primary will do, and none from before the last change of the lead."""
        if len(self._hosts) == 1:
            return True
        return connection.is_primary and connection.timeline >= self._timeline

    def _keep(self, connection: WriteConnection) -> None:
        """Keep a free session for the next one who writes, if its server leads."""
        if not self._leads(connection) or len(self._idle) >= self._size:
            connection.terminate()
            return
        self._leader = next(host for host in self._hosts if host.name == connection.host)
        if connection.timeline > self._timeline:
            self._timeline = connection.timeline
            self._drop_former()
        self._idle.append(connection)

    def _drop_former(self) -> None:
        """The lead has changed: nothing that a former primary still answers could count."""
        for connection in (*self._idle, *self._busy):
            if connection.timeline < self._timeline:
                connection.terminate()
        self._idle = [connection for connection in self._idle if not connection.is_closed()]

    async def _search_until(self, until_s: float) -> None:
        """Take part in the one search that is underway, or begin it."""
        if self._search is None or self._search.done():
            self._search = asyncio.create_task(self._find(self._timeline))
        await asyncio.wait({self._search}, timeout=max(0.0, until_s - _now_s()))

    async def _find(self, timeline_min: int) -> None:
        """Ask all servers until one is the primary, of this timeline at least, and keep the session."""
        asking = [asyncio.create_task(self._wait_for_lead(host, timeline_min)) for host in self._hosts]
        try:
            done, _ = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                self._keep(task.result())
        finally:
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)

    async def _wait_for_lead(self, host: Host, timeline_min: int) -> WriteConnection:
        connection, patience_s = None, min(_ANSWER_S_MIN, self._connect_s)
        try:
            while True:
                try:
                    if connection is None:
                        connection = await self._connect(host, patience_s)
                    else:
                        async with asyncio.timeout(_ANSWER_S_MIN):
                            await look(connection)
                    if self._leads(connection) and connection.timeline >= timeline_min:
                        return connection
                except FAILURES:
                    patience_s = min(2 * patience_s, self._connect_s)
                    _hang_up(connection)
                    connection = None
                await asyncio.sleep(_LOOK_EVERY_S)
        except asyncio.CancelledError:
            _hang_up(connection)
            raise

    async def _watch_busy(self) -> None:
        """Look after sessions that take long, for ever."""
        elsewhere: asyncio.Task[None] | None = None
        checked_s = 0.0
        try:
            while True:
                await asyncio.sleep(_WATCH_EVERY_S)
                slow = self._slower_than(self._commit_s)
                if elsewhere is not None and (elsewhere.done() or not slow):
                    elsewhere.cancel()
                    elsewhere = None
                if slow and elsewhere is None and len(self._hosts) > 1:
                    elsewhere = asyncio.create_task(self._find(self._timeline + 1))
                deaf = self._slower_than(_DEAF_S)
                if deaf and _now_s() > checked_s + _CHECK_EVERY_S:
                    checked_s = _now_s()
                    await self._check(deaf)
        finally:
            if elsewhere is not None:
                elsewhere.cancel()

    def _slower_than(self, s: float) -> list[WriteConnection]:
        before_s = _now_s() - s
        return [one for one in self._busy if one.busy_since_s is not None and one.busy_since_s < before_s]

    async def _check(self, waiting: Sequence[WriteConnection]) -> None:
        """Close those sessions whose server has nothing more to say to them."""
        for host in self._hosts:
            here = [one for one in waiting if one.host == host.name]
            if not here:
                continue
            try:
                session = await self._connect(host, _ANSWER_S_MIN)
            except FAILURES:
                continue
            try:
                async with asyncio.timeout(_ANSWER_S_MIN):
                    backends = [one.backend for one in here]
                    rows = await session.fetch(
                        _AT_WORK, [b.pid for b in backends], [b.started for b in backends]
                    )
            except FAILURES:
                continue
            finally:
                session.terminate()
            at_work = {row["place"] for row in rows}
            for place, connection in enumerate(here, 1):
                if place not in at_work:
                    connection.terminate()


def _hang_up(connection: WriteConnection | None) -> None:
    if connection is not None:
        connection.terminate()


def _now_s() -> float:
    return asyncio.get_running_loop().time()
