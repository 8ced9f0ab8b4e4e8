"""`/orders/outbox` and `/orders/inbox`: what has not left or found its place, for whoever looks after it.

Nothing of a patient is shown: kinds, ids and versions of orders, states, counts. To send again or give up is
for operations and administrators, with a reason that is kept and told to the audit.
"""

from __future__ import annotations

import re
from dataclasses import asdict

from altid.access.audit.event import Action
from altid.access.identity import Role
from altid.access.permit import Note
from altid.api import errors
from altid.api.messages import Request, Response
from altid.api.orders import answers
from altid.fhir.outcome import refuse
from altid.orders.downstream import alarm, inbox, queue
from altid.orders.downstream.destinations import Downstream
from altid.orders.downstream.queue import NotPossibleError
from altid.record.attempt import check
from altid.record.database import Database

LOOKING = frozenset(
    {Role.DOCTOR, Role.NURSE, Role.PHARMACIST, Role.OPERATIONS, Role.ADMINISTRATOR, Role.AUDITOR}
)
DECIDING = frozenset({Role.OPERATIONS, Role.ADMINISTRATOR})
_REASON_CHARACTERS = (3, 500)
_NUMBER = re.compile(r"[0-9]{1,18}")


async def listed(database: Database, settings: Downstream, request: Request) -> Response:
    """GET /orders/outbox[?dead=true]: what has not been acknowledged."""
    _require(request, LOOKING)
    dead = ("dead", "true") in request.parameters
    async with database.writing() as connection:
        found = await queue.listed(connection, dead=dead)
        health = await alarm.health(connection, settings)
    return answers.json_response({**health.json, "deliveries": [asdict(one) for one in found]})


async def held(database: Database, request: Request) -> Response:
    """GET /orders/inbox: results that found no place."""
    _require(request, LOOKING)
    async with database.writing() as connection:
        return answers.json_response({"messages": await inbox.listed(connection)})


async def decide(database: Database, request: Request) -> Response:
    """POST /orders/{outbox|inbox}/{number}/{retry|discard}, with a reason."""
    _require(request, DECIDING)
    box, digits, act = request.path
    if not _NUMBER.fullmatch(digits) or act not in ("retry", "discard"):
        raise errors.not_found()
    number, state = int(digits), "waiting" if act == "retry" else "discarded"
    reason, by = _reason_of(request), request.permit.identity.subject
    async with database.writing() as connection:
        try:
            async with connection.transaction():
                if box == "inbox":
                    if not await inbox.decide(connection, number, state, by, reason):
                        raise NotPossibleError("state")
                else:
                    await (queue.retry if act == "retry" else queue.discard)(connection, number, by, reason)
        except NotPossibleError as error:
            raise _not_possible(error.code) from None
        check(connection)
    request.permit.note(Note(Action.ADMINISTER, id=digits, operation=f"{box}-{act}"))
    return answers.json_response({"number": number, "state": state})


def _require(request: Request, roles: frozenset[Role]) -> None:
    """People by their role, in their own session; systems by `system/*.r` scopes of orders have none here."""
    identity = request.permit.identity
    if identity.role not in roles or not identity.is_own_session:
        request.permit.was_refused = True
        raise refuse(
            403,
            "forbidden",
            "The role {role} may not do this with the queues of orders.",
            "Rollen {role} må ikke dette med køerne af ordinationer.",
            role=identity.role,
        )


def _reason_of(request: Request) -> str:
    low, high = _REASON_CHARACTERS
    given = request.content.get("reason") if isinstance(request.content, dict) else None
    reason = given.strip() if isinstance(given, str) else ""
    if not (low <= len(reason) <= high and reason.isprintable()):
        raise refuse(
            422,
            "required",
            'Give a reason of {low} to {high} characters: {{"reason": "…"}}.',
            'Giv en begrundelse på {low} til {high} tegn: {{"reason": "…"}}.',
            low=low,
            high=high,
        )
    return reason


def _not_possible(code: str) -> Exception:
    if code == "absent":
        return errors.not_found()
    if code == "superseded":
        return refuse(
            409,
            "conflict",
            "A later version of the order has left already: discard this one.",
            "En senere version af ordinationen er allerede sendt: kassér denne.",
        )
    return refuse(409, "conflict", "It waits for nobody's decision.", "Den venter ikke på nogens beslutning.")
