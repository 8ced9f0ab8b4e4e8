"""What a server process needs to know who asks, and tokens of anybody for tests."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import asyncpg

from altid.access import keys
from altid.access.guard import SECRET_FILE, GuardSettings
from altid.access.identity import Level, Role
from altid.access.keys import KeySet
from altid.access.programs import bearer, program_token
from altid.access.secret import AccessSecret, read_secret_file
from altid.access.tokens import Subject, issue
from altid.cli.operating import operator_at
from altid.region.layout import Layout

__all__ = ["EVERYTHING", "SECRET", "bearer", "make_guard", "minted", "token", "token_of"]

SECRET = AccessSecret(bytes(range(1, 33)))
"""Of all servers that tests start themselves, so that several can share a database."""
EVERYTHING = "system/*.cruds"


def make_guard(folder: Path) -> GuardSettings:
    """Settings for a server process, with the access secret in the folder."""
    path = folder / SECRET_FILE
    path.touch(mode=0o600)
    path.write_text(SECRET.value.hex() + "\n")
    return GuardSettings(str(folder))


def token(
    dsn: str,
    *,
    role: Role = Role.SYSTEM,
    organisation: str = "",
    scopes: Sequence[str] = (),
    subject: str | None = None,
    name: str = "Test Testesen",
    level: Level = Level.HIGH,
    life_s: float | None = None,
    guard: GuardSettings | None = None,
) -> str:
    """A good bearer token of anybody: signed with the key that the servers on this database verify with.

    `guard`: of servers that have another secret or region than those of `make_guard`. Nobody has logged on:
    the subject need not have an account. Call it where no event loop runs, or `minted` where one does.
    """
    whom = Subject(
        id=subject or str(uuid.uuid4()),
        name=name,
        role=role,
        organisation=organisation,
        level=level,
        session=str(uuid.uuid4()),
        scopes=tuple(scopes),
    )
    return asyncio.run(minted(dsn, whom, life_s=life_s, guard=guard))


async def minted(
    dsn: str, subject: Subject, *, life_s: float | None = None, guard: GuardSettings | None = None
) -> str:
    """A token for the subject."""
    settings = (guard or GuardSettings("")).for_access()
    secret = SECRET if guard is None else read_secret_file(Path(guard.folder) / SECRET_FILE)
    key_set, now = KeySet(settings, secret, time.time), time.time()
    connection = await asyncpg.connect(dsn)
    try:
        await keys.maintain(connection, settings, secret, now)
        await key_set.refresh(connection)
    finally:
        await connection.close()
    made, _ = issue(subject, key_set.signing(), settings, now, random.SystemRandom(), life_s=life_s)
    return made


def token_of(data: Path, program: str = "load", *, life_s: float = 3600.0) -> str:
    """A token for a program of whoever runs the record in a data folder: `altid serve`'s, or a region's.

    It is longer than a usual one, as a story is that is told in several tests.
    """

    where = Layout(data.resolve())

    async def made() -> str:
        async with operator_at(where) as operator:
            return (await program_token(operator, program, life_s=life_s)).token

    return asyncio.run(made())
