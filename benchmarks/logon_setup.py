"""The region of the logon storm: a database with 20,000 accounts that are at work already.

Made quickly: all accounts share one password and so one hash. Verifying it costs what it always costs.
"""

from __future__ import annotations

import random
import time
import uuid
from contextlib import AbstractContextManager
from typing import Any

import asyncpg

from altid.access import keys, reentry
from altid.access.identity import Level, Role
from altid.access.keys import KeySet
from altid.access.passwords import Passwords
from altid.access.refreshing import Chain
from altid.access.secret import AccessSecret
from altid.access.settings import AccessSettings, moment
from altid.access.tokens import Subject, issue
from altid.record.postgres import Cluster
from altid.record.roles import APP_ROLE
from benchmarks.logon_app import REGION
from benchmarks.logon_load import PASSWORD, Crowd
from benchmarks.starting import Started, started

WORKPLACES = 200
TOKENS = 500
WARD = "ward-1"
_ACCOUNT = ("id", "username", "name", "password", "roles", "organisations", "created")
_SESSION = (
    "sid", "account", "role", "organisation", "level", "idp",
    "refresh_hash", "refresh_number", "created", "last_used", "expires",
)  # fmt: skip
_REENTRY = ("account", "workplace", "badge_hash", "role", "organisation", "level", "expires")


async def populate(cluster: Cluster, secret: AccessSecret, accounts: int) -> Crowd:
    """Accounts, a session for each, and a badge for each at one of the workplaces."""
    rng, now_s, chain = random.Random(1), time.time(), Chain(secret)
    now, later = moment(now_s), moment(now_s + 10 * 3600)
    connection = await asyncpg.connect(cluster.dsn_for(APP_ROLE))
    try:
        pool = Passwords(1, rng)
        hashed = await pool.hash(PASSWORD)
        pool.close()
        places = [
            await reentry.add_workplace(connection, f"PC {number}", WARD, now_s, rng)
            for number in range(WORKPLACES)
        ]
        ids = [str(uuid.UUID(int=rng.getrandbits(128), version=4)) for _ in range(accounts)]
        links = [chain.first(str(uuid.UUID(int=rng.getrandbits(128), version=4)), rng) for _ in ids]
        badges = [reentry.badge_hash_of(secret, f"{number:08X}") for number in range(accounts)]
        await connection.copy_records_to_table(
            "account",
            columns=_ACCOUNT,
            records=[
                (account, f"user{number}", f"User {number}", hashed, [Role.NURSE], [WARD], now)
                for number, account in enumerate(ids)
            ],
        )
        await connection.copy_records_to_table(
            "session",
            columns=_SESSION,
            records=[
                (link.session, account, Role.NURSE, WARD, Level.LOW, "local", link.hash, 1, now, now, later)
                for account, link in zip(ids, links, strict=True)
            ],
        )
        await connection.copy_records_to_table(
            "reentry",
            columns=_REENTRY,
            records=[
                (account, places[number % WORKPLACES][0].id, badge, Role.NURSE, WARD, Level.LOW, later)
                for number, (account, badge) in enumerate(zip(ids, badges, strict=True))
            ],
        )
        await connection.execute("ANALYZE")
        tokens = await _tokens(connection, secret, ids, [link.session for link in links])
    finally:
        await connection.close()
    return Crowd(accounts, [key for _, key in places], [chain.text(link) for link in links], tokens)


async def _tokens(
    connection: asyncpg.Connection[Any], secret: AccessSecret, ids: list[str], sessions: list[str]
) -> list[str]:
    settings = AccessSettings(region=REGION)
    await keys.maintain(connection, settings, secret, time.time())
    key_set = KeySet(settings, secret, time.time)
    await key_set.refresh(connection)
    return [
        issue(
            Subject(account, "User", Role.NURSE, WARD, Level.LOW, session),
            key_set.signing(),
            settings,
            time.time(),
            random.Random(2),
        )[0]
        for account, session in zip(ids[:TOKENS], sessions[:TOKENS], strict=True)
    ]


def server(dsn: str, secret: AccessSecret, *, protected: bool) -> AbstractContextManager[Started]:
    """The server process."""
    settings = {"dsn": dsn, "secret": secret.value.hex(), "protected": protected}
    return started("benchmarks.logon_app", settings, "/ready")
