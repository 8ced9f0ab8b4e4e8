"""A site's own lookup record, registered by the site's servers: nobody need enrol it.

The place's supervisor makes its key and leaves the public half in the site's folder (`CLIENT_FILE`); a server
registers that as a system that may read the feed. Who can write there has the access secret beside it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from pathlib import Path
from typing import Any

from altid.access import clients
from altid.access.audit.event import Action, Event, Outcome, Who
from altid.access.audit.recorder import Audit
from altid.access.audit.unavailable import AuditUnavailableError
from altid.access.clients import BUILT_IN, Client, ClientError
from altid.access.scopes import FEED
from altid.record.attempt import LocalOnlyError, check
from altid.record.database import Database
from altid.record.primary import FAILURES, NoPrimaryError

CLIENT_FILE = Path("lookup") / "client.json"
_AGAIN_S = 2.0
_OURSELVES = Who(BUILT_IN, "Altid", "system", "")

_log = logging.getLogger("altid.access")


async def keep_registered(database: Database, audit: Audit, folder: Path) -> None:
    """Register the site's copy, and end when that is done. Without a file there is nothing to do."""
    while True:
        told = await asyncio.to_thread(_read, folder / CLIENT_FILE)
        if told is None:
            return
        try:
            if await _register(database, told):
                await audit.record(_event(told.id))
            return
        except ClientError as error:
            _log.warning("the site's lookup record is not registered: %s", error)
            return
        except (NoPrimaryError, LocalOnlyError, AuditUnavailableError, TimeoutError, *FAILURES):
            await asyncio.sleep(_AGAIN_S)


async def _register(database: Database, told: Client) -> bool:
    """Whether it was not so before."""
    async with database.writing() as connection:
        known = await clients.find(connection, told.id)
        if known is not None and known.jwks == told.jwks:
            return False
        if known is not None:
            await clients.rotate(connection, told.id, told.jwks)
        else:
            await clients.add(connection, told, time.time())
        check(connection)
    return True


def _event(client: str) -> Event:
    at_us = time.time_ns() // 1_000
    return Event(
        at_us, Action.ADMINISTER, Outcome.DONE, _OURSELVES, type="client", id=client, operation="add"
    )


def _read(path: Path) -> Client | None:
    try:
        told: dict[str, Any] = json.loads(path.read_text())
        return Client(told["id"], told["name"], told["organisation"], (FEED,), told["jwks"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        _log.warning("%s can't be read: the site's lookup record is not registered", path)
        return None
