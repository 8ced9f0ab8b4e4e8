"""`/patterns`: all parts that pages are put together of, for whoever changes the style."""

from __future__ import annotations

from datetime import datetime

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from altid.screen.views.moments import ZONE
from altid.web import nobody
from altid.web.gate import Service, Visit, gated
from altid.web.me import PlaceNames, me_of
from altid.web.rendering import page

PATTERNS = "/patterns"
_LEVELS = ("high", "low", "critical-high", "critical-low", "normal")
_PEOPLE = ("BERGGREN, Nancy Ann Test", "TESTESEN, Test")
"""Nobody: the CPR office's own names for tests."""


def pattern_routes(service: Service, names: PlaceNames) -> list[BaseRoute]:
    async def patterns(visit: Visit) -> Response:
        return page(
            "patterns.html",
            visit.words,
            me=await me_of(visit, names),
            now=datetime.now(ZONE),
            levels=_LEVELS,
            people=_PEOPLE,
            number=nobody.NUMBER,
            **nobody.shown(visit.words),
        )

    return [Route(PATTERNS, gated(service, patterns, needs_audit=False), methods=["GET"])]
