"""POST /orders/outboxes: a browser tells what it holds unconfirmed, and gets the receipts."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from altid.api.messages import Request, Response
from altid.api.orders import answers
from altid.api.orders.looking import note_look, require_any_right
from altid.fhir.outcome import refuse
from altid.orders.desk import OrderDesk
from altid.orders.intent import Held
from altid.orders.looking import look_up
from altid.orders.outboxes import Unconfirmed, tell
from altid.orders.receipt import is_key
from altid.record.transaction import Transaction, run_transaction

HELD_MAX = 500
"""Orders that one browser holds unconfirmed: more than anybody signs in a shift."""
_CHARACTERS_MAX = 64
_AHEAD_MAX = timedelta(minutes=5)
"""Clocks of browsers differ; what is later than that is no time of signing."""


async def outbox(desk: OrderDesk, request: Request) -> Response:
    """Keep it to be reconciled: in this server's journal first, then in the record. Gives receipts.

    The body is all that this `client` of this person holds: what it does not name any more is released.
    """
    require_any_right(request)
    client, held = _told(request)
    identity = request.permit.identity
    database = desk.registrar.database

    async def work(transaction: Transaction) -> None:
        await tell(transaction.connection, identity.subject, identity.organisation, client, held)

    async with answers.refusals():
        if held:
            keys, patients = tuple(one.key for one in held), tuple(one.patient for one in held)
            at_us = time.time_ns() // 1_000
            await desk.notebook.hold(Held(at_us, identity.subject, identity.organisation, keys, patients))
        await run_transaction(database, work)
        found = await look_up(database, desk.sites, [one.key for one in held]) if held else []
    note_look(request, found)
    return answers.json_response({"receipts": [one.json for one in found]})


def _told(request: Request) -> tuple[str, list[Unconfirmed]]:
    """The client, and what it holds, each key once. Raises `FhirError` 400."""
    content = request.content
    given = content.get("held") if isinstance(content, dict) else None
    if not isinstance(given, list) or len(given) > HELD_MAX:
        raise _no_outbox()
    held = {one.key: one for one in (_unconfirmed(each) for each in given)}
    return _text(content, "client"), list(held.values())


def _unconfirmed(given: Any) -> Unconfirmed:
    key = given.get("key") if isinstance(given, dict) else None
    if not isinstance(key, str) or not is_key(key):
        raise _no_outbox()
    patient, kind, action, ward = (_text(given, name) for name in ("patient", "kind", "action", "ward"))
    return Unconfirmed(key, patient, kind, action, ward, _moment(given))


def _text(given: dict[str, Any], name: str) -> str:
    text = given.get(name, "")
    if not isinstance(text, str) or not (text.isprintable() or text == ""):
        raise _no_outbox()
    return text[:_CHARACTERS_MAX]


def _moment(given: dict[str, Any]) -> datetime | None:
    if given.get("since") is None:
        return None
    try:
        moment = datetime.fromisoformat(given["since"])
    except (TypeError, ValueError):
        raise _no_outbox() from None
    if moment.tzinfo is None:
        raise _no_outbox()
    return min(moment, datetime.now(UTC) + _AHEAD_MAX)


def _no_outbox() -> Exception:
    return refuse(
        400,
        "structure",
        "An outbox is an object with client, and held: a list of at most {limit} objects with a key, and "
        "patient, kind, action, ward and since where they are known.",
        "En udbakke er et objekt med client og held: en liste af højst {limit} objekter med key og, hvor de "
        "kendes, patient, kind, action, ward og since.",
        limit=HELD_MAX,
    )
