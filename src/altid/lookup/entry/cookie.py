"""How a browser keeps a session of this place: a cookie that no script can read and that ends with the
browser.

Its own name: the record may be at another port of the same host, and browsers tell cookies apart by host
alone.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

_NAME, _PREFIX = "altid-opslag", "__Host-"
_LARGEST = 200


def cookie_of(request: Request) -> str | None:
    value = request.cookies.get(_name(request))
    return value if value and len(value) <= _LARGEST else None


def begin(response: Response, request: Request, cookie: str) -> None:
    secure = _is_secure(request)
    response.set_cookie(_name(request), cookie, path="/", secure=secure, httponly=True, samesite="strict")


def end(response: Response, request: Request) -> None:
    secure = _is_secure(request)
    response.delete_cookie(_name(request), path="/", secure=secure, httponly=True, samesite="strict")


def _name(request: Request) -> str:
    return f"{_PREFIX}{_NAME}" if _is_secure(request) else _NAME


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https"
