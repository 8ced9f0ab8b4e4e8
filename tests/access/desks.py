"""A desk on a real database, with clocks that stand still until they are told to go on."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from altid.access import accounts
from altid.access.accounts import Account
from altid.access.desk import Desk, open_desk
from altid.access.door import Caller, Granted
from altid.access.federation.provider import Provider
from altid.access.identity import Role
from altid.access.passwords import Passwords
from altid.access.secret import AccessSecret
from altid.access.settings import AccessSettings
from altid.record.database import Limits, open_database

NOON = 1_800_000_000.0
SECRET = AccessSecret(bytes(range(32)))
SETTINGS = AccessSettings(region="nordby", hash_threads=2)
PASSWORD = "rød grød med fløde"
WARD = "32891000016001"

_Result = TypeVar("_Result")


@dataclass
class Hands:
    """A clock that tests set."""

    now_s: float = NOON

    def __call__(self) -> float:
        return self.now_s

    def forward(self, seconds: float) -> None:
        self.now_s += seconds


@dataclass
class Scene:
    """The desk of one server, its clock, and what it has slept."""

    desk: Desk
    clock: Hands
    slept_s: list[float] = field(default_factory=list)

    def caller(self, address: str = "10.0.0.1", patience_s: float = 5.0) -> Caller:
        return Caller(address, self.clock() + patience_s)

    async def account(
        self,
        username: str = "anne",
        *,
        roles: tuple[Role, ...] = (Role.DOCTOR,),
        organisations: tuple[str, ...] = (WARD,),
        password: str | None = PASSWORD,
        must_change: bool = False,
    ) -> Account:
        hashed = None if password is None else await self.desk.passwords.hash(password)
        async with self.desk.database.writing() as connection:
            return await accounts.add(
                connection,
                username=username,
                name=f"{username.title()} Holm",
                roles=roles,
                organisations=organisations,
                password_hash=hashed,
                must_change=must_change,
                now_s=self.clock(),
                rng=self.desk.rng,
            )


def at_desk(
    dsn: str,
    work: Callable[[Scene], Awaitable[_Result]],
    *,
    settings: AccessSettings = SETTINGS,
    clock: Hands | None = None,
    secret: AccessSecret = SECRET,
    providers: tuple[Provider, ...] = (),
) -> _Result:
    """Open a desk, do the work, close it."""
    hands = clock or Hands()
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def run() -> _Result:
        limits = replace(Limits(), read_connections=4, write_connections=4)
        async with (
            open_database(dsn, dsn, limits=limits) as database,
            open_desk(
                database,
                settings,
                secret,
                clock=hands,
                monotonic=hands,
                sleep=sleep,
                rng=random.Random(),
                providers=providers,
            ) as desk,
        ):
            return await work(Scene(desk, hands, slept))

    return asyncio.run(run())


def granted(answer: object) -> Granted:
    """The answer, which must be tokens."""
    assert isinstance(answer, Granted), answer
    return answer


def hashed(password: str) -> str:
    """A PHC string, made outside a loop."""

    async def run() -> str:
        pool = Passwords(1, random.Random(1))
        try:
            return await pool.hash(password)
        finally:
            pool.close()

    return asyncio.run(run())
