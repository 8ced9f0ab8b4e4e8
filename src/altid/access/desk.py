"""The desk: what one server process needs to let people in, put together once at its start."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg

from altid.access import accounts, codes, keys, reentry, sessions, spent
from altid.access.admission import Admission
from altid.access.appointments import Appointments
from altid.access.federation.provider import Provider
from altid.access.federation.providers import Federation, open_federation
from altid.access.keys import KeySet
from altid.access.passkeys import Challenges
from altid.access.passwords import Passwords
from altid.access.refreshing import Chain
from altid.access.secret import AccessSecret
from altid.access.settings import AccessSettings, Clock
from altid.access.throttle import Throttle
from altid.access.tokens import Verifier
from altid.access.waiting import LineLimits
from altid.record.database import Database
from altid.record.primary import NoPrimaryError

TIDIED_EVERY_S = 300.0
_HELD_BY_FETCHING = 1
"""Beside those that hash, one may be asking the database: the cores never wait for it."""
_LIGHT_WAIT_S_MAX = 0.5

_log = logging.getLogger("altid.access")
_AWAY = (OSError, TimeoutError, NoPrimaryError, asyncpg.PostgresError, asyncpg.InterfaceError)


@dataclass(slots=True)
class Emergency:
    """User names of those who go first, as last read."""

    usernames: frozenset[str] = field(default=frozenset(), repr=False)


@dataclass(slots=True)
class Trouble:
    """When it was last said that the database is away: in a storm once in a while, not for everybody."""

    said_s: float = float("-inf")


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything here is of one process, but for what lies in the database."""

    settings: AccessSettings
    secret: AccessSecret
    database: Database
    keys: KeySet
    verifier: Verifier
    passwords: Passwords
    hashing: Admission
    """Before passwords and PINs."""
    light: Admission
    """Before what costs a write and a signature: badge, refresh, passkey, system."""
    throttle: Throttle
    chain: Chain
    challenges: Challenges
    appointments: Appointments
    emergency: Emergency
    trouble: Trouble
    federation: Federation
    """The region's own identity providers."""
    clock: Clock
    """Epoch seconds."""
    monotonic: Clock
    """Of deadlines and waits."""
    sleep: Callable[[float], Awaitable[None]]
    rng: random.Random = field(repr=False)


@asynccontextmanager
async def open_desk(
    database: Database,
    settings: AccessSettings,
    secret: AccessSecret,
    *,
    clock: Clock = time.time,
    monotonic: Clock = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    rng: random.Random | None = None,
    providers: tuple[Provider, ...] = (),
) -> AsyncIterator[Desk]:
    """The desk, and the tasks that keep it fresh. Opens also while the database or a provider is away."""
    rng = rng or random.SystemRandom()
    passwords = Passwords(settings.hash_threads, rng)
    try:
        async with open_federation(providers, secret, monotonic=monotonic, rng=rng) as federation:
            key_set = KeySet(settings, secret, clock)
            desk = Desk(
                settings=settings,
                secret=secret,
                database=database,
                keys=key_set,
                verifier=Verifier(key_set, settings, clock),
                passwords=passwords,
                hashing=Admission(LineLimits(at_once=settings.hash_threads + _HELD_BY_FETCHING), monotonic),
                light=Admission(_light_limits(database), monotonic),
                throttle=Throttle(monotonic),
                chain=Chain(secret),
                challenges=Challenges(secret, rng),
                appointments=Appointments(secret),
                emergency=Emergency(),
                trouble=Trouble(),
                federation=federation,
                clock=clock,
                monotonic=monotonic,
                sleep=sleep,
                rng=rng,
            )
            async with _kept_fresh(desk):
                yield desk
    finally:
        passwords.close()


@asynccontextmanager
async def _kept_fresh(desk: Desk) -> AsyncIterator[None]:
    try:
        await tidy(desk)
        async with desk.database.reading() as connection:
            await desk.keys.refresh(connection)
    except _AWAY as error:
        _log.warning("logon begins without the database (%s)", type(error).__name__)
    tasks = [asyncio.create_task(desk.keys.keep_fresh(desk.database)), asyncio.create_task(_keep_tidy(desk))]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def tidy(desk: Desk) -> None:
    """Keys made and rotated, what has expired removed, who goes first read.

    Any server may do it, as often as it likes.
    """
    now = desk.clock()
    async with desk.database.writing() as connection:
        await keys.maintain(connection, desk.settings, desk.secret, now)
        await sessions.remove_old(connection, now)
        await reentry.remove_old(connection, now)
        await spent.remove_old(connection, now)
        await codes.remove_old(connection, now)
    async with desk.database.reading() as connection:
        first = await accounts.usernames_at(connection, desk.settings.emergency_organisations)
    desk.emergency.usernames = first


async def _keep_tidy(desk: Desk) -> None:
    while True:
        # Spread, so that the servers of a region don't do it in the same moment.
        await asyncio.sleep(TIDIED_EVERY_S * desk.rng.uniform(0.5, 1.5))
        try:
            await tidy(desk)
        except _AWAY as error:
            _log.warning("expired sessions stay for now (%s)", type(error).__name__)


def _light_limits(database: Database) -> LineLimits:
    """As many at once as there are connections to write with."""
    return LineLimits(
        at_once=database.limits.write_connections, wait_s_max=_LIGHT_WAIT_S_MAX, first_service_s=0.01
    )
