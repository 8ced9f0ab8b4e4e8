"""The logon page and its ways in: password, passkey, and badge or PIN at a known workplace; and the way out.

Each way is a form. With a script the password's form is sent in the background, so that what was typed
stays while one waits in line; it is answered with JSON then. Whoever has no script gets a page or a redirect.
"""

from __future__ import annotations

import json
import math
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from altid.access import accounts, entries, passkeys, refusal, start_wards
from altid.access.audit.event import Action, Outcome, who_of
from altid.access.audit.unavailable import AuditUnavailableError
from altid.access.door import Answer, Caller, Granted
from altid.access.guard import NotIdentifiedError
from altid.access.identity import Identity
from altid.access.logon import Typed, log_off, with_new_password, with_passkey, with_password
from altid.access.refusal import Code, Refusal
from altid.access.returning import with_badge, with_pin
from altid.screen.forms import Form, check_from_here, read_form
from altid.screen.headers import NOT_KEPT
from altid.screen.language import words_for
from altid.web import cookies
from altid.web.addresses import FRONT, LOGON, START, go, local
from altid.web.gate import Service, Visit, caller_of, gated, open_to_all, public_url
from altid.web.loading import UNREACHABLE
from altid.web.looks import origin_of
from altid.web.rendering import page

_JSON = "application/json"
NOT_THE_SAME = refusal.weak("The two new passwords are not the same.", "De to nye adgangskoder er ikke ens.")


class Asked(NamedTuple):
    """What the logon page shows: where it leads, what was typed, and why that was refused.

    `way`: as the audit calls it (`access.entries`).
    """

    wanted: str = FRONT
    username: str = ""
    way: str = "password"
    refused: Refusal | None = None


class Entrance:
    """The ways in and out, of one server process."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[BaseRoute]:
        return [
            Route(LOGON, open_to_all(self._show), methods=["GET"]),
            Route(LOGON, open_to_all(self._by_password), methods=["POST"]),
            Route(f"{LOGON}/password", open_to_all(self._show_change), methods=["GET"]),
            Route(f"{LOGON}/password", open_to_all(self._by_new_password), methods=["POST"]),
            Route(f"{LOGON}/passkey", open_to_all(self._ask_passkey), methods=["GET"]),
            Route(f"{LOGON}/passkey", open_to_all(self._by_passkey), methods=["POST"]),
            Route(f"{LOGON}/badge", open_to_all(self._by_badge), methods=["POST"]),
            Route(f"{LOGON}/pin", open_to_all(self._by_pin), methods=["POST"]),
            Route("/logoff", gated(self._service, self._off, needs_audit=False), methods=["POST"]),
        ]

    async def _show(self, request: Request) -> Response:
        return self._page(request, Asked(local(request.query_params.get("next"))))

    async def _by_password(self, request: Request) -> Response:
        form = await self.form(request)
        typed = Typed(
            form.get("username", ""), form.get("password", ""), appointment=form.get("appointment") or None
        )
        answer = await with_password(self._service.guard.desk, self._caller(request), typed)
        asked = Asked(local(form.get("next")), typed.username)
        if isinstance(answer, Refusal) and answer.code is Code.MUST_CHANGE and not _wants_json(request):
            await self._tell(request, answer, asked)
            return self.change_page(request, asked._replace(refused=answer))
        return await self.finish(request, answer, asked)

    async def _show_change(self, request: Request) -> Response:
        return self.change_page(request, Asked(local(request.query_params.get("next"))))

    async def _by_new_password(self, request: Request) -> Response:
        form = await self.form(request)
        typed = Typed(form.get("username", ""), form.get("password", ""))
        asked = Asked(local(form.get("next")), typed.username, "new password")
        answer: Answer = NOT_THE_SAME
        if form.get("new", "") == form.get("again"):
            desk = self._service.guard.desk
            answer = await with_new_password(desk, self._caller(request), typed, form.get("new", ""))
        if isinstance(answer, Refusal):
            await self._tell(request, answer, asked)
            return self.change_page(request, asked._replace(refused=answer))
        return await self.finish(request, answer, asked)

    async def _ask_passkey(self, request: Request) -> Response:
        desk = self._service.guard.desk
        asked = passkeys.ask_to_log_on(desk.challenges, desk.settings, desk.clock())
        return JSONResponse(
            {"options": json.loads(asked.options), "state": asked.state}, headers=dict(NOT_KEPT)
        )

    async def _by_passkey(self, request: Request) -> Response:
        form = await self.form(request)
        desk, caller = self._service.guard.desk, self._caller(request)
        answer = await with_passkey(desk, caller, form.get("answer", ""), form.get("state", ""))
        return await self.finish(request, answer, Asked(local(form.get("next")), way="passkey"))

    async def _by_badge(self, request: Request) -> Response:
        form = await self.form(request)
        key, desk = cookies.workplace_of(request), self._service.guard.desk
        answer: Answer = refusal.FULL_LOGON
        if key:
            answer = await with_badge(desk, self._caller(request), key, form.get("badge", "").strip())
        return await self.finish(request, answer, Asked(local(form.get("next")), way="badge"))

    async def _by_pin(self, request: Request) -> Response:
        form = await self.form(request)
        key, desk, username = (
            cookies.workplace_of(request),
            self._service.guard.desk,
            form.get("username", ""),
        )
        answer: Answer = refusal.FULL_LOGON
        if key:
            answer = await with_pin(desk, self._caller(request), key, username, form.get("pin", "").strip())
        return await self.finish(request, answer, Asked(local(form.get("next")), username, "pin"))

    async def _off(self, visit: Visit) -> Response:
        """The browser forgets the session in any case: also where the database is away, in which case the
        session's tokens still end by themselves."""
        ended = await log_off(visit.service.guard.desk, visit.caller, visit.identity)
        outcome = Outcome.UNKNOWN if isinstance(ended, Refusal) else Outcome.DONE
        with suppress(AuditUnavailableError):
            who, origin = who_of(visit.identity), origin_of(visit.request)
            await entries.keep(visit.service.guard, origin, Action.LOGOFF, outcome, who, "page:logoff")
        answer = go(LOGON)
        cookies.end(answer, secure=cookies.is_secure(visit.request))
        return answer

    async def form(self, request: Request) -> Form:
        """What was sent from a page of ours. Raises `FormError`, `StrangeFormError`."""
        check_from_here(request, public_url(self._service))
        return await read_form(request)

    async def finish(self, request: Request, answer: Answer, asked: Asked) -> Response:
        """Into the house, or the logon page with the reason why not."""
        try:
            await self._tell(request, answer, asked)
        except AuditUnavailableError as error:
            if not _wants_json(request):
                raise
            return _as_json(request, _unaudited(error))
        if isinstance(answer, Granted):
            return await self._let_in(request, answer, asked)
        if _wants_json(request):
            return _as_json(request, answer)
        return self._page(request, asked._replace(refused=answer))

    async def _let_in(self, request: Request, granted: Granted, asked: Asked) -> Response:
        """Always by cookies of a new session; one that another had left open in this browser ends."""
        where = asked.wanted
        if where == FRONT and await self._has_start(granted.identity):
            where = START
        if asked.way not in ("badge", "pin") and await self._has_choice(granted.identity):
            where = f"/role?next={quote(where, safe='')}"
        answer = JSONResponse({"next": where}, headers=dict(NOT_KEPT)) if _wants_json(request) else go(where)
        cookies.begin(answer, granted, secure=cookies.is_secure(request))
        await self._end_former(request)
        return answer

    async def _end_former(self, request: Request) -> None:
        with suppress(NotIdentifiedError):
            former = self._service.guard.identify_token(cookies.access_of(request) or "", moved=True)
            await log_off(self._service.guard.desk, self._caller(request), former)

    async def _has_start(self, identity: Identity) -> bool:
        """Whether somebody has chosen a ward to begin at, anywhere."""
        try:
            async with self._service.database.reading() as connection:
                return await start_wards.has_any(connection, identity.subject)
        except UNREACHABLE:
            return False

    async def _has_choice(self, identity: Identity) -> bool:
        try:
            async with self._service.database.reading() as connection:
                account = await accounts.by_id(connection, identity.subject)
        except UNREACHABLE:
            return False
        return account is not None and len(account.roles) * len(account.organisations) > 1

    async def _tell(self, request: Request, answer: Answer, asked: Asked) -> None:
        """Raises `AuditUnavailableError`: then nobody is let in."""
        guard, caller, origin = self._service.guard, self._caller(request), origin_of(request)
        await entries.keep_logon(guard, caller, origin, answer, asked.way, username=asked.username)

    def _caller(self, request: Request) -> Caller:
        return caller_of(request, self._service)

    def _page(self, request: Request, asked: Asked) -> Response:
        shown = page(
            "logon.html",
            words_for(request),
            status=asked.refused.status if asked.refused else 200,
            asked=asked,
            providers=self._service.guard.desk.federation.offers(),
            has_workplace=cookies.workplace_of(request) is not None,
        )
        return _with_retry(shown, asked.refused)

    def change_page(self, request: Request, asked: Asked) -> Response:
        shown = page(
            "new-password.html",
            words_for(request),
            status=asked.refused.status if asked.refused else 200,
            asked=asked,
        )
        return _with_retry(shown, asked.refused)


def _wants_json(request: Request) -> bool:
    return request.headers.get("accept", "").startswith(_JSON)


def _as_json(request: Request, refused: Refusal) -> Response:
    language = words_for(request).language
    shown = JSONResponse(refused.as_json(language), refused.status, headers=dict(NOT_KEPT))
    return _with_retry(shown, refused)


def _with_retry(shown: Response, refused: Refusal | None) -> Response:
    if refused is not None and refused.retry_after_s is not None:
        shown.headers["Retry-After"] = str(math.ceil(refused.retry_after_s))
    return shown


def _unaudited(error: AuditUnavailableError) -> Refusal:
    return Refusal(Code.UNAVAILABLE, 503, error.text_en, error.text_da, retry_after_s=5.0)
