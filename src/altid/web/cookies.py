"""How a browser keeps a session: in cookies that no script can read and that end with the browser.

Over HTTPS their names begin with `__Host-`, so that no other host of the domain, and nobody on a line without
encryption, can plant one: what is read back was set here. That prefix asks for `Path=/`. The refresh cookie
goes to every page, too: any of them may be the one on which the access token has run out, and goes on by it.

`SameSite=Lax`, not `Strict`: the first page after a logon at the region's identity provider is a redirect
that another site began, and other systems link to patients; with `Strict` both would seem to be logged off.
`Lax` goes along with such looks only, never with a form that another site sends (see `forms` for the rest).
FHIR takes no cookie at all: what another site's page makes the browser ask there comes without a session.
"""

from __future__ import annotations

from typing import Final, Literal

from starlette.requests import Request
from starlette.responses import Response

from altid.access.door import Granted
from altid.access.handover import Moved

_ACCESS, _REFRESH, _WORKPLACE, _JOURNEY = "altid", "altid-refresh", "altid-workplace", "altid-journey"
_MOVED, _WARD = "altid-moved", "altid-ward"
_PREFIX: Final = "__Host-"
_WORKPLACE_S_MAX = 365 * 24 * 3600
"""A ward's PC is made known once a year; browsers keep no cookie much longer."""
_LARGEST = 4_000
"""Browsers take no more than 4,096 bytes, and what is longer was never ours."""


def begin(response: Response, granted: Granted, *, secure: bool) -> None:
    """Keep a session in the browser that gets this answer, in place of any that it had.

    `secure`: the browser came by HTTPS (`is_secure`).
    """
    _set(response, _ACCESS, granted.access, secure=secure)
    if granted.refresh is not None:
        _set(response, _REFRESH, granted.refresh, secure=secure)
        _clear(response, _MOVED, secure=secure)


def begin_moved(response: Response, moved: Moved, *, secure: bool) -> None:
    """Likewise, of a session that came over from the other site."""
    _set(response, _ACCESS, moved.granted.access, secure=secure)
    _set(response, _MOVED, moved.stay, secure=secure)
    _clear(response, _REFRESH, secure=secure)


def end(response: Response, *, secure: bool) -> None:
    """Take the session away from the browser. The language and the workplace stay."""
    for name in (_ACCESS, _REFRESH, _MOVED):
        _clear(response, name, secure=secure)


def keep_workplace(response: Response, key: str, *, secure: bool) -> None:
    """From now on this browser is that of a known workplace."""
    _set(response, _WORKPLACE, key, secure=secure, age_s=_WORKPLACE_S_MAX)


def forget_workplace(response: Response, *, secure: bool) -> None:
    _clear(response, _WORKPLACE, secure=secure)


def keep_ward(response: Response, ward: str, *, secure: bool) -> None:
    """The ward whose list was opened last: where the browser stands that tells its measures."""
    _set(response, _WARD, ward, secure=secure)


def keep_journey(response: Response, journey: str, *, secure: bool, age_s: float) -> None:
    """While somebody is at an identity provider (`access.federation.journey`). It must come along with a form
    that the provider's page sends, which only `None` does, and that only over HTTPS."""
    samesite: Literal["lax", "none"] = "none" if secure else "lax"
    _set(response, _JOURNEY, journey, secure=secure, age_s=int(age_s), samesite=samesite)


def forget_journey(response: Response, *, secure: bool) -> None:
    _clear(response, _JOURNEY, secure=secure)


def is_secure(request: Request) -> bool:
    """The browser came by HTTPS, as far as the gateway says."""
    return request.url.scheme == "https"


def access_of(request: Request) -> str | None:
    """The access token that the browser keeps."""
    return _read(request, _ACCESS)


def refresh_of(request: Request) -> str | None:
    """The refresh token that the browser keeps."""
    return _read(request, _REFRESH)


def stay_of(request: Request) -> str | None:
    """What goes on with a session that came over from the other site."""
    return _read(request, _MOVED)


def workplace_of(request: Request) -> str | None:
    """The key of the workplace, on a PC that an administrator has made known."""
    return _read(request, _WORKPLACE)


def ward_of(request: Request) -> str | None:
    """The id of the ward whose list this browser has opened last. A browser may say anything here."""
    return _read(request, _WARD)


def journey_of(request: Request) -> str | None:
    """What this browser has kept since it left for an identity provider."""
    return _read(request, _JOURNEY)


def decides_session(response: Response) -> bool:
    """The answer itself begins or ends a session."""
    names = tuple(_name(_ACCESS, secure=secure) + "=" for secure in (False, True))
    return any(value.startswith(names) for value in response.headers.getlist("set-cookie"))


def _name(name: str, *, secure: bool) -> str:
    return f"{_PREFIX}{name}" if secure else name


def _read(request: Request, name: str) -> str | None:
    value = request.cookies.get(_name(name, secure=is_secure(request)))
    return value if value and len(value) <= _LARGEST else None


def _set(
    response: Response,
    name: str,
    value: str,
    *,
    secure: bool,
    age_s: int | None = None,
    samesite: Literal["lax", "none"] = "lax",
) -> None:
    response.set_cookie(
        _name(name, secure=secure),
        value,
        max_age=age_s,
        path="/",
        secure=secure,
        httponly=True,
        samesite=samesite,
    )


def _clear(response: Response, name: str, *, secure: bool) -> None:
    response.delete_cookie(_name(name, secure=secure), path="/", secure=secure, httponly=True, samesite="lax")
