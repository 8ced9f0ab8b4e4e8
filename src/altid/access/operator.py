"""An operator at a terminal: whoever can read the access secret there, and reach the database.

That is all the power there is, so nothing more is asked; but what they do is in the audit, in the same
transaction, under the name of the system's user.
"""

from __future__ import annotations

import os
import pwd
import random
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from altid.access import keys
from altid.access.audit import direct
from altid.access.audit.event import Action, Event, Outcome, Who
from altid.access.identity import Identity
from altid.access.keys import KeySet
from altid.access.secret import AccessSecret
from altid.access.settings import AccessSettings, Clock
from altid.access.tokens import Subject, issue
from altid.record.connection import SETTINGS

SITE = "terminal"
"""In place of a site, in the audit and in tokens: a command is at none."""
_CONNECT_S_MAX = 5.0
_STATEMENT_MS_MAX = 30_000


@dataclass(frozen=True, slots=True)
class Issued:
    """A token, for its holder alone."""

    token: str = field(repr=False)
    identity: Identity


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody at a terminal, for the time of one command."""

    connection: asyncpg.Connection[Any] = field(repr=False)
    secret: AccessSecret = field(repr=False)
    settings: AccessSettings
    public_url: str
    user: str
    """The system's user, and who became that user by sudo."""
    clock: Clock = time.time
    rng: random.Random = field(default_factory=random.SystemRandom, repr=False)

    @property
    def who(self) -> Who:
        """As the audit names them."""
        return Who(f"terminal:{self.user}", f"{self.user} at {self.host}", "operations", self.settings.region)

    @property
    def host(self) -> str:
        return socket.gethostname()

    def event(self, action: Action, operation: str, *, type_: str, id_: str = "") -> Event:
        """What the operator has just done."""
        at_us = round(self.clock() * 1e6)
        return Event(
            at_us,
            action,
            Outcome.DONE,
            self.who,
            type=type_,
            id=id_,
            operation=operation,
            workplace=self.host,
        )

    async def record(self, *events: Event) -> None:
        """Into the audit; inside the transaction of what the events are about."""
        await direct.record(self.connection, self.secret, SITE, *events)

    async def issue(self, subject: Subject, *, life_s: float | None = None) -> Issued:
        """A token, which servers know as one of their own. Raises `NoSigningKeyError`."""
        now = self.clock()
        await keys.maintain(self.connection, self.settings, self.secret, now)
        key_set = KeySet(self.settings, self.secret, self.clock)
        await key_set.refresh(self.connection)
        made, identity = issue(subject, key_set.signing(), self.settings, now, self.rng, life_s=life_s)
        return Issued(made, identity)


@asynccontextmanager
async def at_terminal(
    dsn: str, secret: AccessSecret, settings: AccessSettings, public_url: str
) -> AsyncIterator[Operator]:
    """An operator with a session at the primary. Raises what the driver raises when it can't be reached."""
    limits = {"application_name": "altid terminal", "statement_timeout": str(_STATEMENT_MS_MAX)}
    connection = await asyncpg.connect(dsn, timeout=_CONNECT_S_MAX, server_settings={**SETTINGS, **limits})
    try:
        yield Operator(connection, secret, settings, public_url, _user())
    finally:
        await connection.close(timeout=_CONNECT_S_MAX)


def _user() -> str:
    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        name = str(os.geteuid())
    behind = os.environ.get("SUDO_USER", "")
    return f"{behind} as {name}" if os.geteuid() == 0 and behind not in ("", name) else name
