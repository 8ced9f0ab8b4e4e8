"""Pages about one's own access: another role or place, badge or PIN at this PC, passkeys; and for an
administrator, to make this PC a known workplace."""

from __future__ import annotations

import functools
import json
from typing import NamedTuple

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from altid.access import accounts, enrolling, entries, reentry, refusal, returning
from altid.access.accounts import Account
from altid.access.audit.event import Action, Outcome, who_of
from altid.access.door import writing
from altid.access.identity import Role
from altid.access.reentry import Workplace
from altid.access.refusal import Refusal
from altid.access.switching import to_role
from altid.screen.headers import NOT_KEPT
from altid.web import cookies
from altid.web.addresses import go, local
from altid.web.gate import Service, Visit, gated
from altid.web.looks import origin_of
from altid.web.me import PlaceNames, me_of
from altid.web.rendering import page, refusal_page

_ROLE, _QUICK, _WORKPLACE = "/role", "/quick", "/workplace"
_NAME_CHARACTERS_MAX = 80
_PLACE_CHARACTERS_MAX = 64


class Choice(NamedTuple):
    """One way in which the account may work."""

    value: str
    role: Role
    place: str
    is_now: bool


class OwnPages:
    """Of one server process."""

    def __init__(self, service: Service, names: PlaceNames) -> None:
        self._service = service
        self._names = names

    def routes(self) -> list[BaseRoute]:
        mine = functools.partial(gated, self._service, makes_ways_in=True)
        return [
            Route(_ROLE, mine(self._roles), methods=["GET"]),
            Route(_ROLE, mine(self._change), methods=["POST"]),
            Route(_QUICK, mine(self._quick), methods=["GET"]),
            Route(_QUICK, mine(self._allow), methods=["POST"]),
            Route(f"{_QUICK}/passkey", mine(self._ask_passkey), methods=["GET"]),
            Route(f"{_QUICK}/passkey", mine(self._add_passkey), methods=["POST"]),
            Route(_WORKPLACE, mine(self._workplace), methods=["GET"]),
            Route(_WORKPLACE, mine(self._make_workplace), methods=["POST"]),
            Route(f"{_WORKPLACE}/close", mine(self._close_workplace), methods=["POST"]),
        ]

    # Role and place

    async def _roles(self, visit: Visit) -> Response:
        account = await self._account(visit)
        if account is None:
            return refusal_page(refusal.ENDED, visit.words)
        known = await self._names.of(self._service, account.organisations)
        now = (visit.identity.role, visit.identity.organisation)
        choices = [
            Choice(f"{role}|{place}", role, known[place], (role, place) == now)
            for place in account.organisations
            for role in account.roles
        ]
        return page(
            "role.html",
            visit.words,
            me=await me_of(visit, self._names),
            choices=choices,
            wanted=local(visit.request.query_params.get("next")),
        )

    async def _change(self, visit: Visit) -> Response:
        role, _, organisation = visit.form.get("choice", "").partition("|")
        wanted = local(visit.form.get("next"))
        if (role, organisation) == (visit.identity.role, visit.identity.organisation):
            return go(wanted)
        if role not in set(Role):
            return refusal_page(refusal.NOT_YOURS, visit.words)
        guard, token = self._service.guard, cookies.refresh_of(visit.request) or ""
        answer = await to_role(guard.desk, visit.caller, token, Role(role), organisation)
        await entries.keep_logon(guard, visit.caller, origin_of(visit.request), answer, "role")
        if isinstance(answer, Refusal):
            return refusal_page(answer, visit.words)
        shown = go(wanted)
        cookies.begin(shown, answer, secure=cookies.is_secure(visit.request))
        return shown

    # Quickly back in

    async def _quick(self, visit: Visit) -> Response:
        return await self._quick_page(visit)

    async def _allow(self, visit: Visit) -> Response:
        key = cookies.workplace_of(visit.request)
        if key is None:
            return await self._quick_page(visit, refused=refusal.FULL_LOGON)
        guard = self._service.guard
        refused = await returning.allow(
            guard.desk,
            visit.caller,
            visit.identity,
            key,
            badge=visit.form.get("badge", "").strip() or None,
            pin=visit.form.get("pin", "").strip() or None,
        )
        await self._tell(visit, refused, "re-entry")
        return await self._quick_page(visit, refused=refused, done="" if refused else "allowed")

    async def _ask_passkey(self, visit: Visit) -> Response:
        asked = await enrolling.ask(self._service.guard.desk, visit.caller, visit.identity)
        if isinstance(asked, Refusal):
            return JSONResponse(asked.as_json(visit.words.language), asked.status, headers=dict(NOT_KEPT))
        return JSONResponse(
            {"options": json.loads(asked.options), "state": asked.state}, headers=dict(NOT_KEPT)
        )

    async def _add_passkey(self, visit: Visit) -> Response:
        refused = await enrolling.keep(
            self._service.guard.desk,
            visit.caller,
            visit.identity,
            answer=visit.form.get("answer", ""),
            state=visit.form.get("state", ""),
            name=visit.form.get("name", ""),
        )
        await self._tell(visit, refused, "passkey")
        return await self._quick_page(visit, refused=refused, done="" if refused else "passkey")

    async def _tell(self, visit: Visit, refused: Refusal | None, what: str) -> None:
        guard, origin = self._service.guard, origin_of(visit.request)
        await entries.keep_change(guard, origin, who_of(visit.identity), refused, what)

    async def _quick_page(self, visit: Visit, *, refused: Refusal | None = None, done: str = "") -> Response:
        return page(
            "quick.html",
            visit.words,
            status=refused.status if refused else 200,
            me=await me_of(visit, self._names),
            workplace=await self._known_workplace(visit),
            refused=refused,
            done=done,
        )

    # Workplaces

    async def _workplace(self, visit: Visit) -> Response:
        return await self._workplace_page(visit)

    async def _make_workplace(self, visit: Visit) -> Response:
        if not _makes_workplaces(visit):
            return await self._workplace_page(visit)
        name, place = visit.form.get("name", "").strip(), visit.form.get("place", "").strip()
        is_good = 0 < len(name) <= _NAME_CHARACTERS_MAX and 0 < len(place) <= _PLACE_CHARACTERS_MAX
        if not is_good or not name.isprintable() or not place.isprintable():
            return await self._workplace_page(visit, refused=refusal.INVALID_REQUEST)
        desk = self._service.guard.desk
        async with writing(desk, visit.caller) as connection:
            made, key = await reentry.add_workplace(connection, name, place, desk.clock(), desk.rng)
        visit.note(Action.ADMINISTER, "workplace", type="Workplace", id=made.id)
        answer = go(_WORKPLACE)
        cookies.keep_workplace(answer, key, secure=cookies.is_secure(visit.request))
        return answer

    async def _close_workplace(self, visit: Visit) -> Response:
        known = await self._known_workplace(visit)
        if known is None or not _makes_workplaces(visit):
            return await self._workplace_page(visit)
        desk = self._service.guard.desk
        async with writing(desk, visit.caller) as connection:
            await reentry.close_workplace(connection, known.id, desk.clock())
        visit.note(Action.ADMINISTER, "workplace-closed", type="Workplace", id=known.id)
        answer = go(_WORKPLACE)
        cookies.forget_workplace(answer, secure=cookies.is_secure(visit.request))
        return answer

    async def _workplace_page(self, visit: Visit, *, refused: Refusal | None = None) -> Response:
        me = await me_of(visit, self._names)
        if not me.makes_workplaces:
            visit.note(Action.ADMINISTER, "workplace", outcome=Outcome.REFUSED)
            return page("not-for-role.html", visit.words, status=403, me=me)
        return page(
            "workplace.html",
            visit.words,
            status=refused.status if refused else 200,
            me=me,
            workplace=await self._known_workplace(visit),
            organisation=visit.identity.organisation,
            refused=refused,
        )

    async def _known_workplace(self, visit: Visit) -> Workplace | None:
        key = cookies.workplace_of(visit.request)
        if key is None:
            return None
        async with self._service.database.reading() as connection:
            return await reentry.workplace_of(connection, key)

    async def _account(self, visit: Visit) -> Account | None:
        async with self._service.database.reading() as connection:
            return await accounts.by_id(connection, visit.identity.subject)


def _makes_workplaces(visit: Visit) -> bool:
    return visit.identity.role is Role.ADMINISTRATOR
