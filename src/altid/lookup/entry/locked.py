"""What a place that is locked or revoked answers: one page, at every address, that says what to do."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from altid.lookup.entry import pages
from altid.screen.static import serving

REVOKED = "revoked"
_METHODS = ["GET", "HEAD", "POST"]


def locked_app(why: str) -> Starlette:
    """For a process that found its place locked (`keys.LockedError`) and has neither key nor copy. `why`: as
    `keys.locked` tells."""

    async def locked(request: Request) -> Response:
        return pages.show(request, "entry/locked.html", 503, {"revoked": why == REVOKED})

    return Starlette(
        routes=[
            Route("/static/{name}", serving("altid.lookup"), methods=["GET"]),
            Route("/{path:path}", locked, methods=_METHODS),
        ]
    )
