"""The gate before every page: who is logged on comes through, all others are sent to the logon page.

The access token is verified here, without asking anybody. Has it run out, the refresh token gets the next
ones and the request goes on, whether it was a look or a form: nobody notices.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response

from altid.access.audit.event import Action
from altid.access.door import Answer, Caller, Granted
from altid.access.guard import Guard, NotIdentifiedError
from altid.access.handover import gone_on
from altid.access.identity import Identity
from altid.access.logon import with_refresh
from altid.access.permit import Note, Permit
from altid.access.refusal import Code, Refusal
from altid.record.database import Database
from altid.screen.forms import Form, check_from_here, check_token, read_form
from altid.screen.headers import POLICY, reaching
from altid.screen.language import words_for
from altid.screen.words import Words
from altid.web import cookies
from altid.web.addresses import to_logon
from altid.web.faults import answered
from altid.web.forms import form_token
from altid.web.language import switched
from altid.web.looks import address_of, require_audit, tell
from altid.web.rendering import refusal_page

PATIENCE_S = 10.0
"""So long a browser waits for whatever a session needs; the line before it refuses much sooner."""


class Service(Protocol):
    """What the pages need of a server: the record, and the guard before it."""

    @property
    def database(self) -> Database: ...

    @property
    def guard(self) -> Guard: ...


def public_url(service: Service) -> str:
    """How browsers reach the region."""
    return service.guard.desk.settings.origins[0]


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of somebody who is logged on."""

    service: Service
    request: Request
    permit: Permit
    """What they may see; and what is noted there is told to the audit before the answer leaves."""
    words: Words
    form_token: str
    """For the forms of the page that is shown."""
    form: Form = field(default_factory=dict, repr=False)
    """What was sent, checked to be from a page of this session; empty where nothing was."""

    @property
    def identity(self) -> Identity:
        return self.permit.identity

    @property
    def caller(self) -> Caller:
        return caller_of(self.request, self.service)

    def note(self, action: Action, page: str, **more: Any) -> None:
        """For the audit: what this page shows or does (`permit.Note`)."""
        self.permit.note(Note(action, operation=f"page:{page}", **more))


PageHandler = Callable[[Visit], Awaitable[Response]]
Handler = Callable[[Request], Awaitable[Response]]


def caller_of(request: Request, service: Service) -> Caller:
    """Where the request comes from, and until when it is worth an answer."""
    return Caller(address_of(request), service.guard.desk.monotonic() + PATIENCE_S)


def gated(
    service: Service, handler: PageHandler, *, needs_audit: bool = True, makes_ways_in: bool = False
) -> Handler:
    """A page for those who are logged on. `needs_audit`: it may show or do something that must be told.
    `makes_ways_in`: a session that came over from the other site is not enough for it."""

    @functools.wraps(handler)
    async def guarded(request: Request) -> Response:
        entered = functools.partial(_enter, needs_audit=needs_audit, makes_ways_in=makes_ways_in)
        return await answered(request, lambda: entered(service, handler, request))

    return guarded


def open_to_all(handler: Handler) -> Handler:
    """A page that needs no session: the ways in."""

    @functools.wraps(handler)
    async def guarded(request: Request) -> Response:
        async def work() -> Response:
            return switched(request) or await handler(request)

        return await answered(request, work)

    return guarded


async def _enter(
    service: Service, handler: PageHandler, request: Request, *, needs_audit: bool, makes_ways_in: bool
) -> Response:
    switch = switched(request)
    if switch:
        return switch
    identity, renewed = known(service, request), None
    if identity is None:
        found = await _renew(service, request)
        if isinstance(found, Response):
            return found
        identity, renewed = found.identity, found
    if makes_ways_in and not identity.makes_ways_in:
        return to_logon(request)

    permit = service.guard.permit(identity)

    async def work() -> Response:
        if needs_audit:
            require_audit(service.guard)
        return await handler(await _visit(service, request, permit))

    async def told() -> Response:
        response = await answered(request, work)
        await tell(service.guard, permit, request)
        return response

    response = await answered(request, told)
    response.headers[POLICY] = reaching(
        response.headers.get(POLICY, ""), service.guard.sites, service.guard.lookup_url
    )
    if renewed is not None and not cookies.decides_session(response):
        cookies.begin(response, renewed, secure=cookies.is_secure(request))
    return response


def known(service: Service, request: Request) -> Identity | None:
    """Who has sent the request, by its cookie. Pages are for people themselves: a token of a system, or of an
    application that acts for somebody, opens none."""
    token = cookies.access_of(request)
    if token is None:
        return None
    try:
        identity = service.guard.identify_token(token, moved=True)
    except NotIdentifiedError:
        return None
    return identity if identity.is_own_session else None


async def go_on(service: Service, request: Request) -> Answer | None:
    """The next tokens where the access token has run out; None where nobody was logged on."""
    desk, caller = service.guard.desk, caller_of(request, service)
    token, stay = cookies.refresh_of(request), cookies.stay_of(request)
    if token is not None:
        return await with_refresh(desk, caller, token)
    return None if stay is None else await gone_on(desk, caller, stay)


async def _renew(service: Service, request: Request) -> Granted | Response:
    renewed = await go_on(service, request)
    if renewed is None:
        return to_logon(request)
    if isinstance(renewed, Granted):
        return renewed
    if isinstance(renewed, Refusal) and renewed.code is not Code.ENDED:
        return refusal_page(renewed, words_for(request))
    answer = to_logon(request)
    cookies.end(answer, secure=cookies.is_secure(request))
    return answer


async def _visit(service: Service, request: Request, permit: Permit) -> Visit:
    """Raises `FormError`, `StrangeFormError`."""
    token = form_token(service.guard.desk.secret, permit.identity.session)
    form: Form = {}
    if request.method == "POST":
        check_from_here(request, public_url(service))
        form = await read_form(request)
        check_token(form, token)
    return Visit(service, request, permit, words_for(request), token, form)
