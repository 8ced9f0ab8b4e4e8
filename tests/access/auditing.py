"""Events, journals and a running audit for the tests of the audit."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from altid.access.audit.event import Action, Event, Outcome, Who
from altid.access.audit.limits import AuditLimits
from altid.access.audit.recorder import Audit, open_audit
from altid.access.audit.store import PURPOSE
from altid.access.audit.verify import Report, verify
from altid.access.journal.journal import Journal, take
from altid.access.journal.sealed import Record, Sealer
from altid.access.journal.segment import Reader, read_mark
from altid.access.secret import AccessSecret
from altid.record.database import Limits, open_database

SECRET = AccessSecret(bytes(range(32)))
WRITER = "A.00000001"
ANNE = Who("a-1", "Anne Holm", "doctor", "32891000016001", "s-1")
BO = Who("a-2", "Bo Lund", "nurse", "32891000016001", "s-2")
NOON_US = 1_800_000_000_000_000
QUICK = AuditLimits(ship_every_s=0.01, retry_s_max=0.05, checkpoint_every_s=3600.0)
SEGMENT_BYTES = 1000
"""A few events."""

_Result = TypeVar("_Result")


def look(number: int = 0, patient: str = "p-1", who: Who = ANNE, **others: Any) -> Event:
    """A doctor has read an Observation."""
    event = Event(
        NOON_US + number,
        Action.READ,
        Outcome.DONE,
        who,
        (patient,),
        ("admitted",),
        type="Observation",
        id=f"o-{number}",
        address="10.0.0.7",
        request=f"r-{number}",
    )
    return replace(event, **others)


def append(journal: Journal, bodies: list[bytes], segment_bytes: int = SEGMENT_BYTES) -> None:
    journal.append(bodies, segment_bytes=segment_bytes, bytes_max=10**9)


def taken(folder: Path) -> Journal:
    journal = take(folder, SECRET, PURPOSE)
    assert journal is not None
    return journal


def stored(folder: Path) -> tuple[list[Record], list[str]]:
    """All that a journal holds by its mark, and what is wrong with it."""
    sealer = Sealer(SECRET, PURPOSE, folder.name)
    reader = Reader(folder, sealer)
    upto, found = read_mark(folder, sealer), list[Record]()
    reader.skip_to(0)
    while records := reader.read(upto, 3):
        found += records
    return found, [str(damage) for damage in reader.damages]


def alter_last_byte(path: Path) -> bytes:
    """Turn one bit around: a fixed value could be what is there already. Gives what the file has now."""
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    return bytes(content)


def auditing(
    dsn: str,
    folder: Path,
    work: Callable[[Audit], Awaitable[_Result]],
    *,
    limits: AuditLimits = QUICK,
    name: str = "A",
    seed: int = 1,
) -> _Result:
    """Run a process's audit as long as the work lasts."""

    async def run() -> _Result:
        async with AsyncExitStack() as stack:
            pools = replace(Limits(), read_connections=1, write_connections=2)
            database = await stack.enter_async_context(open_database(dsn, dsn, limits=pools))
            audit = await stack.enter_async_context(
                open_audit(folder, SECRET, name, database, "A", limits=limits, rng=random.Random(seed))
            )
            return await work(audit)

    return asyncio.run(run())


async def until(condition: Callable[[], bool], s_max: float = 30.0) -> None:
    """Wait for it, with a bound."""
    async with asyncio.timeout(s_max):
        while not condition():  # noqa: ASYNC110 (files and other processes set no event)
            await asyncio.sleep(0.005)


def sql(dsn: str, *statements: str) -> list[Any]:
    """Run statements one by one; the rows of the last."""

    async def run() -> list[Any]:
        connection = await asyncpg.connect(dsn)
        try:
            for statement in statements[:-1]:
                await connection.execute(statement)
            return list(await connection.fetch(statements[-1]))
        finally:
            await connection.close()

    return asyncio.run(run())


def verified(dsn: str, *folders: Path) -> Report:
    async def run() -> Report:
        connection = await asyncpg.connect(dsn)
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                return await verify(connection, SECRET, folders)
        finally:
            await connection.close()

    return asyncio.run(run())
