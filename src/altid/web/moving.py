"""`/session/handover` and `/moved`: how a browser whose site is gone comes over to this one.

A script of the page asks for a ticket, by its token (`access.handover`). Then the browser itself comes, by a
form, since only that can bring it here with something that stands in no address: the ticket, the page that is
wanted, and the sealed orders that lie in the browser under the other site's address.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from altid.access import entries, handover, refusal
from altid.access.audit.event import Action, Outcome, Who, who_of
from altid.access.guard import NotIdentifiedError
from altid.access.handover import TICKET_S, Moved, Ticket
from altid.access.logon import log_off
from altid.access.refusal import Refusal
from altid.screen.forms import Form, StrangeFormError, read_form
from altid.screen.language import keep_language, language_named, words_for
from altid.screen.words import words
from altid.web import cookies
from altid.web.addresses import FRONT, LOGON, go, local
from altid.web.answers import as_json, refused_as_json
from altid.web.gate import Service, caller_of, open_to_all
from altid.web.looks import origin_of
from altid.web.rendering import page
from altid.web.tokens import asks_by_page

HANDOVER, MOVED = "/session/handover", "/moved"
FORM_BYTES_MAX = 1_000_000
"""A signed order is some 8 kB sealed; a browser sends no more than fit, and keeps all of them."""
ROWS_MAX = 100
_BROWSERS = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
"""What browsers say of somebody who comes themselves: no script's question, and nothing in a frame."""
_ROW = {
    "id": re.compile(r"[0-9a-f-]{36}", re.ASCII),
    "account": re.compile(r"[0-9a-f-]{36}", re.ASCII),
    "state": re.compile(r"waiting"),
    "nonce": re.compile(r"[A-Za-z0-9+/]{16}", re.ASCII),
    "sealed": re.compile(r"[A-Za-z0-9+/]{24,400000}={0,2}", re.ASCII),
}
"""Of an order that waits, as static/sealed.js keeps it. What it says nobody can read here."""


def moving_routes(service: Service) -> list[BaseRoute]:
    async def give(request: Request) -> Response:
        return await _give(service, request)

    async def arrive(request: Request) -> Response:
        return await _arrive(service, request)

    return [
        Route(HANDOVER, give, methods=["POST"]),
        Route(MOVED, open_to_all(arrive), methods=["POST"]),
    ]


async def _give(service: Service, request: Request) -> Response:
    """A ticket to this address."""
    if not asks_by_page(request):
        return refused_as_json(request, refusal.INVALID_REQUEST)
    try:
        identity = service.guard.identify(request.headers, pages=True)
    except NotIdentifiedError:
        return refused_as_json(request, refusal.NOT_LOGGED_ON)
    desk, caller = service.guard.desk, caller_of(request, service)
    ticket = await handover.ticket_for(desk, caller, identity, request.url.netloc)
    if isinstance(ticket, Refusal):
        return refused_as_json(request, ticket)
    return as_json({"ticket": ticket, "expiresIn": TICKET_S})


async def _arrive(service: Service, request: Request) -> Response:
    """To the page that is wanted, in the session of the ticket; else to the logon, and from there to it."""
    _check_is_of_region(service, request)
    form = await read_form(request, FORM_BYTES_MAX)
    wanted, moved = local(form.get("next")), await _moved(service, request, form)
    where = wanted if moved or wanted == FRONT else f"{LOGON}?next={quote(wanted, safe='')}"
    language, rows = language_named(form.get("language")), _rows(form)
    spoken = words(language) if language else words_for(request)
    answer = page("moved.html", spoken, rows=json.dumps(rows), where=where) if rows else go(where)
    if language:
        keep_language(answer, language, secure=cookies.is_secure(request))
    if moved:
        await _end_former(service, request, moved)
        cookies.begin_moved(answer, moved, secure=cookies.is_secure(request))
    return answer


def _check_is_of_region(service: Service, request: Request) -> None:
    """Raises `StrangeFormError` unless the browser says that a page of the region has sent it here: else
    anybody's page could log somebody on as somebody else."""
    comes_itself = all(request.headers.get(name, value) == value for name, value in _BROWSERS.items())
    if request.headers.get("origin") not in service.guard.desk.settings.origins or not comes_itself:
        raise StrangeFormError


async def _moved(service: Service, request: Request, form: Form) -> Moved | None:
    """The session that goes on here, once that is in the audit. Raises `AuditUnavailableError`."""
    guard = service.guard
    ticket = handover.read_ticket(guard.desk, form.get("ticket", ""), request.url.netloc)
    if ticket is None:
        return None
    answer = await handover.arrived(guard.desk, caller_of(request, service), ticket)
    await _tell(service, request, ticket, answer)
    return None if isinstance(answer, Refusal) else answer


async def _tell(service: Service, request: Request, ticket: Ticket, answer: Moved | Refusal) -> None:
    """A genuine ticket that is good for nothing is an event, too: it may have been used before."""
    guard, origin = service.guard, origin_of(request)
    if isinstance(answer, Refusal):
        who, told = Who("", "", "", "", ticket.session), f"handover ({answer.code})"
        await entries.keep(guard, origin, Action.LOGON, Outcome.REFUSED, who, told)
    else:
        who = who_of(answer.granted.identity)
        await entries.keep(guard, origin, Action.LOGON, Outcome.DONE, who, "handover")


async def _end_former(service: Service, request: Request, moved: Moved) -> None:
    """Whom another had left logged on in this browser, at this site."""
    with suppress(NotIdentifiedError):
        former = service.guard.identify_token(cookies.access_of(request) or "", moved=True)
        if former.session != moved.granted.identity.session:
            await log_off(service.guard.desk, caller_of(request, service), former)


def _rows(form: Form) -> list[dict[str, str]]:
    """What waits in the browser, sealed; nothing where it is not of that form."""
    try:
        rows: Any = json.loads(form.get("rows") or "[]")
    except (ValueError, RecursionError):
        return []
    is_good = isinstance(rows, list) and len(rows) <= ROWS_MAX and all(map(_is_row, rows))
    return rows if is_good else []


def _is_row(row: Any) -> bool:
    return (
        isinstance(row, dict)
        and row.keys() == _ROW.keys()
        and all(isinstance(row[name], str) and form.fullmatch(row[name]) for name, form in _ROW.items())
    )
