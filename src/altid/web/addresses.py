"""Addresses of our own pages, as they come back from a browser: nothing else is ever redirected to."""

from __future__ import annotations

import re
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse

from altid.screen.headers import NOT_KEPT

FRONT = "/"
START = "/start"
"""Leads to the ward at which somebody begins."""
LOGON = "/logon"
_PATH_CHARACTERS_MAX = 200
_LOCAL = re.compile(r"/(?:[A-Za-z0-9\-.][A-Za-z0-9\-._/]*)?", re.ASCII)
"""All addresses of pages look so. No sign that a browser could read as another host, or as an escape of one:
no second "/" at the beginning, no backslash, colon, percent, space or line end."""
APPLICATION = "/application"
_QUESTION_CHARACTERS_MAX = 1_800
"""Of an application's question that survives a logon: a provider's journey keeps it in a cookie, too."""
_QUESTION = re.compile(rf"{APPLICATION}\?[A-Za-z0-9\-._~%&=+]{{1,{_QUESTION_CHARACTERS_MAX}}}", re.ASCII)
"""The one page whose query says what it is about. The signs are those of an encoded query, and stand behind
the "?", where no browser looks for a host."""


def local(path: str | None) -> str:
    """The path, if it can only be one of ours; else that of the front page."""
    if path and _QUESTION.fullmatch(path):
        return path
    if not path or len(path) > _PATH_CHARACTERS_MAX or not _LOCAL.fullmatch(path):
        return FRONT
    if "//" in path or ".." in path or path == LOGON or path.startswith((f"{LOGON}/", "/logoff", "/static/")):
        return FRONT
    return path


def page_of(request: Request) -> str:
    """The page that is asked for; an application's with its question, and from its forms back to the page."""
    path, query = request.url.path, request.url.query
    if path == APPLICATION and query:
        return f"{path}?{query}"
    return APPLICATION if path.startswith(f"{APPLICATION}/") else path


def to_logon(request: Request) -> RedirectResponse:
    """To the logon page, and from there back to where this request wanted to."""
    wanted = local(page_of(request))
    query = "" if wanted == FRONT else f"?next={quote(wanted, safe='')}"
    return go(f"{LOGON}{query}")


def go(path: str) -> RedirectResponse:
    """To a page of ours, by GET."""
    return RedirectResponse(path, 303, headers=NOT_KEPT)
