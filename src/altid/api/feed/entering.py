"""Who may come in at a copy, and what was looked at there."""

from __future__ import annotations

from datetime import UTC, datetime

from altid.access import copies, copy_entry, copy_looks
from altid.access.audit.event import Action
from altid.access.copy_looks import LooksError, NotNextError
from altid.access.permit import Note
from altid.access.secret import AccessSecret
from altid.api.feed import asking, lines
from altid.api.messages import Request, Response
from altid.fhir.outcome import refuse
from altid.orders.synthetic import CANARY
from altid.record.attempt import check
from altid.record.database import Database

NOT_KEPT_STATUS, NOT_NEXT_STATUS = 422, 409


async def entry(database: Database, request: Request) -> Response:
    """GET /feed/entry: accounts, blocks, lists and open broken glass; a place that was revoked is told so."""
    now = datetime.now(UTC)
    async with (
        database.reading() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        place = await asking.known(connection, request)
        head = {
            "at": now.isoformat().replace("+00:00", "Z"),
            "revoked": place.is_revoked,
            "place": place.name,
        }
        if place.is_revoked:
            return lines.as_json(head)
        keeps = await copies.keeps_of(connection, place, now, CANARY)
        found = await copy_entry.entry_of(connection, place, keeps, now)
    request.permit.note(Note(Action.EXPORT, operation=f"feed-entry:{len(found['accounts'])}"))
    return lines.as_json({**head, **found})


async def looks(database: Database, secret: AccessSecret, request: Request) -> Response:
    """POST /feed/looks: events of a copy, kept once; answers the number of the last that is kept at both
    sites. 409 with that number for what does not follow it."""
    async with database.writing() as connection:
        async with connection.transaction():
            place = await asking.known(connection, request)
            try:
                copy, sent = copy_looks.read_looks(request.content, place)
                last = await copy_looks.keep(connection, secret, place, copy, sent)
            except LooksError as error:
                raise refuse(
                    NOT_KEPT_STATUS, "invalid", "{text}", "Opslagene kan ikke læses: {text}", text=error
                ) from None
            except NotNextError as error:
                return lines.as_json({"last": error.last}, NOT_NEXT_STATUS)
        check(connection)
    return lines.as_json({"last": last})
