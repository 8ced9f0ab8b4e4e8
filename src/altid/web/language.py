"""How a browser says which language it wants: `?lang=` once, which leads back to the same page."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from altid.screen.language import keep_language, language_named
from altid.web.addresses import APPLICATION, FRONT, LOGON, go, local


def switched(request: Request) -> Response | None:
    """The answer to `?lang=`: remember it and show the same page without it. None where nothing is asked."""
    wanted = language_named(request.query_params.get("lang"))
    if wanted is None:
        return None
    answer = go(_same_page(request))
    keep_language(answer, wanted, secure=request.url.scheme == "https")
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
