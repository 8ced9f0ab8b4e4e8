"""The first administrator of a record that has no account yet."""

from __future__ import annotations

import random
import time

import asyncpg

from altid.access.invitations import invite_first_administrator, link_of
from altid.record.connection import SETTINGS

_CONNECT_S_MAX = 5.0


async def first_link(dsn: str, public_url: str, organisation: str) -> str | None:
    """A link where the first administrator makes an account; it works once, and earlier ones no more.

    None where there is an account already. `organisation` is where the administrator will work. Raises what
    the driver raises.
    """
    connection = await asyncpg.connect(dsn, timeout=_CONNECT_S_MAX, server_settings=dict(SETTINGS))
    try:
        secret = await invite_first_administrator(
            connection, organisation, time.time(), random.SystemRandom()
        )
    finally:
        await connection.close(timeout=_CONNECT_S_MAX)
    return None if secret is None else link_of(public_url, secret)
