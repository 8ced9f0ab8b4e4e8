"""The page over HTTP: `/`, the fragment `/picture` that its script asks for, `/status.json` for programs."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from altid.region.page import drawing
from altid.region.page.asking import OLD_S, Asked, Asker
from altid.region.page.levels import SIGNS, STATE_LEVELS
from altid.region.page.view import board
from altid.region.page.words import LANGUAGE_NAMES, Language, Words, wanted
from altid.screen.headers import NOT_KEPT, SECURITY

_HEADERS = NOT_KEPT | {"Vary": "Accept-Language"}
_STATIC_TYPES = {
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "page.svg": "image/svg+xml",
}
_NOW_HEADER = "Altid-Now"
"""The server's clock, in milliseconds since 1970: the page counts ages on by it, not by the browser's."""


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("altid.region.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals |= {
        "ARROWS": drawing.ARROWS,
        "HEIGHT": drawing.HEIGHT,
        "LANGUAGE_NAMES": LANGUAGE_NAMES,
        "SIGNS": SIGNS,
        "SITES": drawing.SITES,
        "STATE_LEVELS": STATE_LEVELS,
        "TRACKS": drawing.TRACKS,
        "WIDTH": drawing.WIDTH,
        "WITNESS": drawing.WITNESS,
        "fitted": drawing.fitted,
        "name_size": drawing.name_size,
    }
    return environment


def render(template: str, asked: Asked | None, words: Words, now: datetime, *, old: bool) -> str:
    """The page, or only its picture, of what was asked."""
    shown = None if asked is None else board(asked.picture, words)
    return (
        _templates()
        .get_template(template)
        .render(
            board=shown,
            words=words,
            t=words.text,
            now=now,
            now_ms=_milliseconds(now),
            old=old,
        )
    )


class StatusPage:
    """The routes, and what was made of the newest picture: a thousand browsers cost one rendering."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self._made: dict[tuple[str, Language], tuple[tuple[int, int], bytes]] = {}

    def application(self) -> Starlette:
        routes = [
            Route("/", self._page),
            Route("/picture", self._fragment),
            Route("/status.json", self._json),
            Route("/static/{name}", _static),
            Route("/health/live", _live),
            Route("/{path:path}", _nowhere),
        ]
        return Starlette(routes=routes, lifespan=self._lifespan)

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        yield
        await self._asker.close()

    async def _page(self, request: Request) -> Response:
        return await self._html("page.html", request)

    async def _fragment(self, request: Request) -> Response:
        return await self._html("board.html", request)

    async def _html(self, template: str, request: Request) -> Response:
        language = wanted(request.query_params.get("lang"), request.headers.get("accept-language"))
        asked, now = await self._asker.newest(), datetime.now(UTC)
        headers = _HEADERS | {"Content-Language": language, _NOW_HEADER: str(_milliseconds(now))}
        status = 200 if asked or template == "board.html" else 503
        body = self._rendered(template, asked, language, now)
        return Response(body, status, headers, "text/html; charset=utf-8")

    def _rendered(self, template: str, asked: Asked | None, language: Language, now: datetime) -> bytes:
        old = asked is not None and self._asker.age_s(asked) > OLD_S
        # An old picture is made anew each second, so that its ages are right without a script as well.
        version = (asked.number if asked else 0, int(now.timestamp()) if old else 0)
        made = self._made.get((template, language))
        if made is None or made[0] != version:
            html = render(template, asked, Words(language), now, old=old).encode()
            made = self._made[template, language] = (version, html)
        return made[1]

    async def _json(self, _request: Request) -> Response:
        asked = await self._asker.newest()
        picture: dict[str, Any] = asked.picture if asked else {"error": "nothing can be asked right now"}
        body = json.dumps(picture).encode()
        return Response(body, 200 if asked else 503, _HEADERS, "application/json")


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


async def _live(_request: Request) -> Response:
    return Response(b'{"status": "live"}', 200, _HEADERS, "application/json")


async def _nowhere(request: Request) -> Response:
    language = wanted(None, request.headers.get("accept-language"))
    return PlainTextResponse(Words(language).text("page.not-found") + "\n", 404, _HEADERS)


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _STATIC_TYPES:
        return await _nowhere(request)
    return Response(
        _static_content(name), 200, SECURITY | {"Cache-Control": "no-cache"}, media_type=_STATIC_TYPES[name]
    )


@cache
def _static_content(name: str) -> bytes:
    return (resources.files("altid.region.page") / "static" / name).read_bytes()
