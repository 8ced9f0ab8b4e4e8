"""What became of keys, and what this machine's journals hold."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from altid.access.audit.event import Action as Told
from altid.access.identity import Role
from altid.access.permit import Note
from altid.api import errors
from altid.api.messages import Request, Response
from altid.api.orders import answers
from altid.api.orders.asking import TYPES
from altid.orders.desk import OrderDesk
from altid.orders.intent import Held, Intent
from altid.orders.looking import look_up
from altid.orders.policy import OPERATORS, READERS, told_of
from altid.orders.reading import Noted, read_intents
from altid.orders.receipt import Receipt, is_key
from altid.orders.synthetic import is_test_content
from altid.record.stored import instant


async def receipts(desk: OrderDesk, request: Request, key: str) -> Response:
    """GET /orders/receipts/{key}: also of one that was never seen."""
    require_any_right(request)
    if not is_key(key):
        raise errors.bad_parameter("key")
    async with answers.refusals():
        found = await look_up(desk.registrar.database, desk.sites, [key])
    note_look(request, found)
    if len(found) == 1 and found[0].key == key:
        return answers.json_response(found[0].json, headers=[(answers.WORD_HEADER, found[0].word)])
    return answers.json_response({"receipts": [one.json for one in found]})


async def intents(desk: OrderDesk, request: Request) -> Response:
    """GET /orders/intents?from=&to=: those of this machine, with what came of them."""
    require_to_oversee(request, "intents")
    is_whole = request.permit.identity.role in READERS or _reads_orders(request)
    parameters = dict(request.parameters)
    since, until = _moment(parameters, "from"), _moment(parameters, "to")
    reading = await asyncio.to_thread(read_intents, desk.folder, desk.secret, since, until)
    shown = await told_of(request.permit, {patient for one in reading.noted for patient in _patients(one)})
    if is_whole and shown:
        request.permit.note(Note(Told.SEARCH, "orders", patients=tuple(sorted(shown)), operation="intents"))
    return answers.json_response(
        {
            "site": desk.site,
            "whole": reading.is_whole,
            "open": sum(isinstance(one.entry, Intent) and one.outcome is None for one in reading.noted),
            "intents": [
                _intent(one, one.entry, is_whole=is_whole and one.entry.patient in shown)
                for one in reading.noted
                if isinstance(one.entry, Intent)
            ],
            "held": [
                _holding(one.entry, shown if is_whole else frozenset())
                for one in reading.noted
                if isinstance(one.entry, Held)
            ],
        }
    )


def _patients(one: Noted) -> tuple[str, ...]:
    return (one.entry.patient,) if isinstance(one.entry, Intent) else one.entry.patients


def _intent(one: Noted, intent: Intent, *, is_whole: bool) -> dict[str, Any]:
    told: dict[str, Any] = {
        "writer": one.writer,
        "number": one.seq,
        "at": instant(intent.at),
        "key": intent.key,
        "action": intent.action,
        "type": intent.type,
        "outcome": one.outcome and one.outcome.end,
    }
    if is_whole:
        told |= {
            "order": intent.reference,
            "version": one.outcome and one.outcome.version,
            "patient": intent.patient,
            "organisation": intent.organisation,
            "signer": intent.signer,
            "signerName": intent.signer_name,
            "writeKey": intent.write_key,
            "test": is_test_content(intent.content),
        }
    return told


def _holding(held: Held, shown: frozenset[str]) -> dict[str, Any]:
    told = [
        {"key": key, **({"patient": patient} if patient in shown else {})}
        for key, patient in zip(held.keys, held.patients, strict=True)
    ]
    return {"at": instant(held.at), "held": told, **({"signer": held.signer} if shown else {})}


def _moment(parameters: dict[str, str], name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(parameters[name].replace(" ", "+"))
    except (KeyError, ValueError):
        raise errors.bad_parameter(name) from None
    if moment.tzinfo is None:
        raise errors.bad_parameter(name)
    return moment


def _reads_orders(request: Request) -> bool:
    return request.permit.is_for_everyone and all(request.permit.may("r", type_) for type_ in TYPES)


def require_to_oversee(request: Request, what: str) -> None:
    """Who may see that there are orders of others: people by their role, in their own session; systems that
    may read orders."""
    identity = request.permit.identity
    is_system = request.permit.is_for_everyone
    if identity.role not in OPERATORS or not (identity.is_own_session or is_system):
        raise _refused(request, what)
    if is_system and not _reads_orders(request):
        raise _refused(request, what)


def require_any_right(request: Request) -> None:
    """A receipt holds nothing of a patient; whoever has to do with orders may ask for one."""
    identity = request.permit.identity
    if identity.role in (Role.SECRETARY, *OPERATORS) and identity.role is not Role.SYSTEM:
        return
    if request.permit.is_for_everyone and any(
        request.permit.may(letter, type_) for letter in "rcu" for type_ in TYPES
    ):
        return
    raise _refused(request, "receipts")


def _refused(request: Request, what: str) -> Exception:
    request.permit.was_refused = True
    return answers.may_not(what)


def note_look(request: Request, found: Iterable[Receipt]) -> None:
    """One look, however many were asked for."""
    orders = [one.order for one in found if one.order]
    if orders:
        type_, _, id_ = orders[0].partition("/")
        request.permit.note(Note(Told.READ, type_, id_, operation="receipt"))
