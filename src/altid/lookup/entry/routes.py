"""The pages of entry: the ways in and out, another role or place, and breaking the glass.

All that is posted comes from a page of ours (`altid.screen.forms`), and once somebody is in, from one of
their session. Whatever comes as `next` is a page of ours or the front page.
"""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from altid.access.audit.unavailable import AuditUnavailableError
from altid.access.glass import KINDS, OverrideError
from altid.access.refusal import Refusal
from altid.lookup.damage import CopyDamagedError, CopyFullError
from altid.lookup.entry import cookie, pages
from altid.lookup.entry.door import Answer, CodeUse
from altid.lookup.entry.entry import Entry
from altid.lookup.entry.locked import REVOKED
from altid.lookup.entry.person import Person, Way
from altid.screen.forms import Form, FormError, StrangeFormError, check_from_here, check_token, read_form
from altid.screen.headers import NOT_KEPT
from altid.screen.language import words_for

FRONT, LOGON, ROLE = "/", "/logon", "/role"
_PATH_CHARACTERS_MAX = 200
_LOCAL = re.compile(r"/(?:[A-Za-z0-9\-.][A-Za-z0-9\-._/]*)?", re.ASCII)
"""As all addresses of pages look: no sign that a browser could read as another host
(`altid.web.addresses`)."""
_KEPT = ("username", "ward", "name", "reason")
"""Fields that stay as they were typed: nothing that is secret."""
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)

Handler = Callable[[Request], Awaitable[Response]]


def entry_routes(entry: Entry, show: pages.Show = pages.show) -> list[BaseRoute]:
    """`show` makes the answer of a template, so that the pages can have the frame of all others."""
    ways = _Ways(entry, show)
    posts: dict[str, Handler] = {
        LOGON: ways.by_password,
        f"{LOGON}/pin": ways.by_pin,
        f"{LOGON}/code": ways.by_code,
        "/logoff": ways.off,
        ROLE: ways.change_role,
        "/patient/{id}/override": ways.break_glass,
    }
    looks: dict[str, Handler] = {LOGON: ways.logon_page, ROLE: ways.role_page}
    return [
        *(Route(path, ways.answered(handler), methods=["GET"]) for path, handler in looks.items()),
        *(Route(path, ways.answered(handler), methods=["POST"]) for path, handler in posts.items()),
    ]


def to_logon(request: Request) -> Response:
    """To the logon page, and from there back to where this request wanted to."""
    wanted = local(request.url.path)
    return go(LOGON if wanted == FRONT else f"{LOGON}?next={quote(wanted, safe='')}")


def local(path: str | None) -> str:
    """The path, if it can only be one of ours; else that of the front page."""
    if (
        not path
        or len(path) > _PATH_CHARACTERS_MAX
        or not _LOCAL.fullmatch(path)
        or "//" in path
        or ".." in path
    ):
        return FRONT
    return FRONT if path.startswith((LOGON, "/logoff", "/static/")) else path


def go(path: str) -> Response:
    """To a page of ours, by GET."""
    return RedirectResponse(path, 303, headers=NOT_KEPT)


class _Ways:
    """The handlers, of one process."""

    def __init__(self, entry: Entry, show: pages.Show) -> None:
        self._entry, self._show = entry, show

    def answered(self, handler: Handler) -> Handler:
        """What fails is told on a page; a closed place has only one."""

        async def work(request: Request) -> Response:
            if self._entry.closed is not None:
                return self._page(request, "locked", 503, revoked=self._entry.closed == REVOKED)
            try:
                return await handler(request)
            except AuditUnavailableError as error:
                text = error.text_da if words_for(request).language == "da" else error.text_en
                return self._page(request, "refused", 503, text=text)
            except (OSError, CopyFullError):
                return self._page(request, "refused", 503, text=words_for(request).text("entry.disk"))
            except CopyDamagedError:
                return self._page(request, "refused", 503, text=words_for(request).text("lookup.broken.text"))
            except StrangeFormError:
                return self._page(request, "refused", 403, text=words_for(request).text("entry.strange"))
            except (FormError, OverrideError) as error:
                return self._page(request, "refused", 422, text=_text_of(error, request))

        return work

    async def logon_page(self, request: Request) -> Response:
        return self._logon(request, local(request.query_params.get("next")))

    async def by_password(self, request: Request) -> Response:
        form = await self._form(request)
        typed = form.get("username", "")
        answer = await self._entry.door.with_password(typed, form.get("password", ""), _address(request))
        return await self._finish(request, form, answer, Way.PASSWORD)

    async def by_pin(self, request: Request) -> Response:
        form = await self._form(request)
        answer = await self._entry.door.with_pin(
            form.get("username", ""), form.get("pin", "").strip(), _address(request)
        )
        return await self._finish(request, form, answer, Way.PIN)

    async def by_code(self, request: Request) -> Response:
        form = await self._form(request)
        use = CodeUse(*(form.get(name, "") for name in ("ward", "code", "name", "reason")))
        answer = await self._entry.door.with_code(use, _address(request))
        return await self._finish(request, form, answer, Way.CODE, use)

    async def off(self, request: Request) -> Response:
        person, _ = await self._session_form(request)
        if person is not None:
            await self._entry.log_off(request, person)
        answer = go(LOGON)
        cookie.end(answer, request)
        return answer

    async def role_page(self, request: Request) -> Response:
        person = self._entry.who(request)
        return to_logon(request) if person is None else self._roles(request, person)

    async def change_role(self, request: Request) -> Response:
        person, form = await self._session_form(request)
        if person is None:
            return to_logon(request)
        role, _, organisation = form.get("choice", "").partition(" ")
        if not self._entry.change_role(request, person, role, organisation):
            return self._roles(request, person, 422)
        return go(FRONT)

    def _roles(self, request: Request, person: Person, status: int = 200) -> Response:
        names = self._entry.names_of({place for _, place in person.choices})
        return self._page(request, "role", status, me=person, names=names)

    async def break_glass(self, request: Request) -> Response:
        person, form = await self._session_form(request)
        patient = request.path_params["id"]
        if person is None or not _ID.fullmatch(patient):
            return go(LOGON)
        kind, reason = form.get("kind", ""), form.get("reason", "")
        await self._entry.break_glass(request, person, patient, kind, reason)
        return go(f"/patient/{patient}")

    async def _finish(
        self, request: Request, form: Form, answer: Answer, way: Way, use: CodeUse | None = None
    ) -> Response:
        inside = await self._entry.let_in(request, answer, way, use)
        if isinstance(inside, Refusal):
            return self._logon(request, local(form.get("next")), way, inside, form)
        done = go(local(form.get("next")))
        cookie.begin(done, request, inside)
        return done

    async def _form(self, request: Request) -> Form:
        check_from_here(request, "")
        return await read_form(request)

    async def _session_form(self, request: Request) -> tuple[Person | None, Form]:
        """Of somebody who is in. Raises `StrangeFormError` for a form of another session."""
        form = await self._form(request)
        person = self._entry.who(request)
        if person is not None:
            check_token(form, person.form_token)
        return person, form

    def _logon(
        self,
        request: Request,
        wanted: str,
        way: Way = Way.PASSWORD,
        refused: Refusal | None = None,
        form: Form | None = None,
    ) -> Response:
        """The logon page; what was typed stays, but for what is secret."""
        shown = self._page(
            request,
            "logon",
            refused.status if refused else 200,
            wanted=wanted,
            way=way,
            refused=refused,
            typed={name: (form or {}).get(name, "") for name in _KEPT},
            wards=self._entry.wards_with_code,
            has_pins=self._entry.has_pins,
            accounts_at=self._entry.accounts_at,
        )
        if refused is not None and refused.retry_after_s is not None:
            shown.headers["Retry-After"] = str(math.ceil(refused.retry_after_s))
        return shown

    def _page(self, request: Request, template: str, status: int = 200, **data: Any) -> Response:
        return self._show(request, f"entry/{template}.html", status, {"kinds": KINDS, **data})


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _text_of(error: FormError | OverrideError, request: Request) -> str:
    if isinstance(error, OverrideError):
        return error.text_da if words_for(request).language == "da" else error.text_en
    return words_for(request).text("entry.bad-form")
