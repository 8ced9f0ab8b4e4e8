"""What a request below /feed asks for, and who asks. What can't be read is refused."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from altid.access import copies
from altid.access.copies import Keeps, NotAFeederError, Place
from altid.api import errors
from altid.api.messages import Request
from altid.orders.synthetic import CANARY
from altid.record import heartbeat
from altid.record.database import Connection, Database
from altid.record.feed import Cursor

_EPOCH = re.compile(r"[0-9a-f.]{1,64}")


@dataclass(frozen=True, slots=True)
class View:
    """One snapshot of the record: all that is asked through its connection is from the same moment."""

    connection: Connection
    place: Place
    epoch: str

    async def keeps(self) -> Keeps:
        """What the copy that asks may have."""
        return await copies.keeps_of(self.connection, self.place, datetime.now(UTC), CANARY)


@asynccontextmanager
async def viewing(database: Database, request: Request) -> AsyncIterator[View]:
    """For whoever may read the feed. Raises `FhirError`."""
    async with (
        database.reading() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        place = await known(connection, request)
        if place.is_revoked:
            raise refused(request)
        epoch = await heartbeat.epoch_of(connection)
        if epoch is None:
            raise errors.unavailable()
        yield View(connection, place, epoch)


async def known(connection: Connection, request: Request) -> Place:
    """Whose copy asks, even one that was revoked. Raises `FhirError` 403."""
    try:
        return await copies.place_of(connection, request.permit.identity)
    except NotAFeederError:
        raise refused(request) from None


def refused(request: Request) -> Exception:
    request.permit.was_refused = True
    return errors.forbidden("feed")


def number(request: Request, name: str, default: int, most: int) -> int:
    """A whole number that is not negative; more than `most` is `most`."""
    text = given(request, name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise errors.bad_parameter(name)
    return min(int(text), most)


def cursor(request: Request, name: str) -> Cursor | None:
    text = given(request, name)
    try:
        return None if text is None else Cursor.parse(text)
    except ValueError:
        raise errors.bad_parameter(name) from None


def epoch(request: Request) -> str:
    text = given(request, "epoch") or ""
    if not _EPOCH.fullmatch(text):
        raise errors.bad_parameter("epoch")
    return text


def given(request: Request, name: str) -> str | None:
    return next((value for key, value in request.parameters if key == name), None)
