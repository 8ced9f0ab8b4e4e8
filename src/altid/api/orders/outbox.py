"""`/orders/outbox` and `/orders/inbox`: what has not left or found its place, for whoever looks after it.

Nothing of a patient is shown: kinds, ids and versions of orders, states, counts. To send again or give up is
for operations and administrators, with a reason that is kept and told to the audit.
"""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from altid.access.audit.event import Action, Event, Outcome, who_of
from altid.access.audit.unavailable import AuditUnavailableError
from altid.access.guard import NotIdentifiedError
from altid.access.identity import Identity, Role
from altid.api import errors
from altid.api.failure import failure_response
from altid.api.settings import Service
from altid.fhir.outcome import Language, refuse
from altid.orders.downstream import alarm, inbox, queue
from altid.orders.downstream.destinations import Downstream
from altid.orders.downstream.queue import NotPossibleError
from altid.record.attempt import check

LOOKING = frozenset(
    {Role.DOCTOR, Role.NURSE, Role.PHARMACIST, Role.OPERATIONS, Role.ADMINISTRATOR, Role.AUDITOR}
)
DECIDING = frozenset({Role.OPERATIONS, Role.ADMINISTRATOR})
BASES = ("/orders/outbox", "/orders/inbox")
"""All that is answered here is below these."""
_BODY_BYTES_MAX = 4_096
_REASON_CHARACTERS = (3, 500)

Content = Mapping[str, Any]
Handler = Callable[[Request, Identity], Awaitable[Content]]


def routes(service: Service, settings: Downstream) -> list[BaseRoute]:
    """The endpoints of one server process."""
    desk = _Desk(service, settings)
    places = (
        ("/orders/outbox", LOOKING, desk.outbox, "GET"),
        ("/orders/inbox", LOOKING, desk.inbox, "GET"),
        ("/orders/outbox/{number:int}/{act}", DECIDING, desk.decide, "POST"),
        ("/orders/inbox/{number:int}/{act}", DECIDING, desk.decide_inbox, "POST"),
    )
    return [
        Route(path, _endpoint(service, roles, handler), methods=[method])
        for path, roles, handler, method in places
    ]


class _Desk:
    """Answers, of one process."""

    def __init__(self, service: Service, settings: Downstream) -> None:
        self._service, self._settings = service, settings

    async def outbox(self, request: Request, _identity: Identity) -> Content:
        dead = request.query_params.get("dead") == "true"
        async with self._service.database.writing() as connection:
            found = await queue.listed(connection, dead=dead)
            health = await alarm.health(connection, self._settings)
        return {**health.json, "deliveries": [asdict(one) for one in found]}

    async def inbox(self, _request: Request, _identity: Identity) -> Content:
        async with self._service.database.writing() as connection:
            return {"messages": await inbox.listed(connection)}

    async def decide(self, request: Request, identity: Identity) -> Content:
        act, number = _act_of(request), request.path_params["number"]
        reason = await _reason_of(request)
        await self._tell(identity, f"outbox-{act}", number)
        doing = queue.retry if act == "retry" else queue.discard
        async with self._service.database.writing() as connection:
            try:
                async with connection.transaction():
                    await doing(connection, number, identity.subject, reason)
            except NotPossibleError as error:
                raise _not_possible(error.code) from None
            check(connection)
        return {"number": number, "state": "waiting" if act == "retry" else "discarded"}

    async def decide_inbox(self, request: Request, identity: Identity) -> Content:
        act, number = _act_of(request), request.path_params["number"]
        reason = await _reason_of(request)
        await self._tell(identity, f"inbox-{act}", number)
        state = "waiting" if act == "retry" else "discarded"
        async with self._service.database.writing() as connection:
            done = await inbox.decide(connection, number, state, identity.subject, reason)
            check(connection)
        if not done:
            raise _not_possible("state")
        return {"number": number, "state": state}

    async def _tell(self, identity: Identity, operation: str, number: int) -> None:
        at_us = time.time_ns() // 1_000
        event = Event(
            at_us, Action.ADMINISTER, Outcome.DONE, who_of(identity), operation=operation, id=f"{number}"
        )
        await self._service.guard.audit.record(event)


def _endpoint(
    service: Service, roles: frozenset[Role], handler: Handler
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        id_ = os.urandom(8).hex()
        language: Language = (
            "da" if request.headers.get("accept-language", "").lower().startswith("da") else "en"
        )
        try:
            content = await handler(request, _identity(service, request, roles))
            status, body = 200, orjson.dumps(content)
        except AuditUnavailableError as error:
            failed = failure_response(errors.not_audited(error), request.method, language, id_)
            status, body = failed.status, failed.body
        except Exception as error:
            failed = failure_response(error, request.method, language, id_)
            status, body = failed.status, failed.body
        headers = {"cache-control": "no-store", "x-request-id": id_}
        return Response(body, status, headers, "application/json")

    return endpoint


def _identity(service: Service, request: Request, roles: frozenset[Role]) -> Identity:
    """People by their role, in their own session; systems by `system/*.r` scopes of orders have none here."""
    try:
        identity = service.guard.identify(request.headers)
    except NotIdentifiedError as error:
        raise errors.not_identified(given=error.given) from None
    if identity.role not in roles or not identity.is_own_session:
        raise refuse(
            403,
            "forbidden",
            "The role {role} may not do this with the queues of orders.",
            "Rollen {role} må ikke dette med køerne af ordinationer.",
            role=identity.role,
        )
    return identity


def _act_of(request: Request) -> str:
    act: str = request.path_params["act"]
    if act not in ("retry", "discard"):
        raise errors.not_found()
    return act


async def _reason_of(request: Request) -> str:
    low, high = _REASON_CHARACTERS
    declared = request.headers.get("content-length", "")
    try:
        if not declared.isdigit() or int(declared) > _BODY_BYTES_MAX:
            raise ValueError
        content = orjson.loads(await request.body())
        reason = content["reason"].strip()
        if not (low <= len(reason) <= high and reason.isprintable()):
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError):
        raise refuse(
            422,
            "required",
            'Give a reason of {low} to {high} characters: {{"reason": "…"}}.',
            'Giv en begrundelse på {low} til {high} tegn: {{"reason": "…"}}.',
            low=low,
            high=high,
        ) from None
    return str(reason)


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
