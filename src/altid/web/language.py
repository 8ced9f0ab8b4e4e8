"""Which language a browser wants: `?lang=` once, then a cookie; Danish where nobody has said."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from altid.screen.words import LANGUAGES, Language, Words, words
from altid.web.addresses import APPLICATION, FRONT, LOGON, go, local

_COOKIE = "lang"
_COOKIE_AGE_S_MAX = 365 * 24 * 3600


def words_for(request: Request) -> Words:
    return words(_known(request.cookies.get(_COOKIE)) or LANGUAGES[0])


def switched(request: Request) -> Response | None:
    """The answer to `?lang=`: remember it and show the same page without it. None where nothing is asked."""
    wanted = _known(request.query_params.get("lang"))
    if wanted is None:
        return None
    answer = go(_same_page(request))
    answer.set_cookie(
        _COOKIE,
        wanted,
        max_age=_COOKIE_AGE_S_MAX,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return answer


def _same_page(request: Request) -> str:
    """Its path, if it is one of ours (`//elsewhere` is a path, too), and for the logon where to go then."""
    path = request.url.path
    if path == APPLICATION:
        rest = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
        return local(f"{path}?{urlencode(rest)}" if rest else path)
    if not path.startswith(LOGON):
        return local(path)
    wanted = local(request.query_params.get("next"))
    return LOGON if wanted == FRONT else f"{LOGON}?next={quote(wanted, safe='')}"


def _known(name: str | None) -> Language | None:
    return next((language for language in LANGUAGES if language == name), None)
