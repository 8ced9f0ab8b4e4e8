"""`/settings`: what somebody has chosen for the PC that they sit at; `/patterns`: all parts of pages.

Choices are kept by the browser: a ward's PC stands in its ward, whoever logs on there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from altid.screen.views.moments import ZONE
from altid.web import cookies
from altid.web.addresses import go
from altid.web.gate import Service, Visit, gated
from altid.web.me import PlaceNames, me_of
from altid.web.rendering import page
from altid.web.ward_reading import Ward
from altid.web.wards import Wards

SETTINGS, PATTERNS = "/settings", "/patterns"
_LEVELS = ("high", "low", "critical-high", "critical-low", "normal")
_PEOPLE, _NUMBER = ("BERGGREN, Nancy Ann Test", "TESTESEN, Test"), "251248-9996"
"""Nobody: the CPR office's own numbers for tests."""


def settings_routes(service: Service, names: PlaceNames, wards: Wards) -> list[BaseRoute]:
    async def show(visit: Visit) -> Response:
        return page(
            "settings.html",
            visit.words,
            me=await me_of(visit, names),
            wards=await wards.of(visit),
            first=cookies.first_ward_of(visit.request),
        )

    async def keep(visit: Visit) -> Response:
        """Only a ward of one's own place of work; all else takes the choice back."""
        known = {ward.id for ward in await wards.of(visit)}
        wanted, answer = visit.form.get("ward", ""), go(SETTINGS)
        secure = cookies.is_secure(visit.request)
        cookies.keep_first_ward(answer, wanted if wanted in known else "", secure=secure)
        return answer

    async def patterns(visit: Visit) -> Response:
        me = await me_of(visit, names)
        return page(
            "patterns.html",
            visit.words,
            me=me,
            now=datetime.now(ZONE),
            levels=_LEVELS,
            people=_PEOPLE,
            number=_NUMBER,
        )

    return [
        Route(SETTINGS, gated(service, show, needs_audit=False), methods=["GET"]),
        Route(SETTINGS, gated(service, keep, needs_audit=False), methods=["POST"]),
        Route(PATTERNS, gated(service, patterns, needs_audit=False), methods=["GET"]),
    ]


def first_chosen(wards: Sequence[Ward], request: Request) -> tuple[Ward, ...]:
    """The ward that was chosen at this PC first, then the others as they stood."""
    first = cookies.first_ward_of(request)
    return tuple(sorted(wards, key=lambda ward: ward.id != first))
