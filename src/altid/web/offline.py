"""`/service-worker.js` and `/offline`: what a browser keeps for when no server answers it.

Kept are the files that pages are dressed with and one page without anybody's data. It looks for the sites by
itself, and leads on to the one that answers, or to the lookup record. Pages of patients are never kept.
"""

from __future__ import annotations

import hashlib
import json

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from altid.screen.headers import POLICY, SECURITY, reaching
from altid.screen.language import words_for
from altid.screen.static import addresses, files
from altid.screen.words import LANGUAGES, words
from altid.web.gate import Service, open_to_all, public_url
from altid.web.rendering import render

WORKER, SHELL = "/service-worker.js", "/offline"
_PACKAGE = "altid.web"
_KEPT_BY_BROWSERS = {"Cache-Control": "no-cache"}
"""Asked for anew each time: a worker of an older version would show its older page."""
_TELLS_ITS_ORIGIN = {"Referrer-Policy": "strict-origin"}
"""The form by which it goes on at the other site says which origin has sent it. The page's address, which may
name a patient, is told to nobody."""


def offline_routes(service: Service) -> list[BaseRoute]:
    async def shell(request: Request) -> Response:
        return _shell(service, request)

    return [
        Route(WORKER, open_to_all(_worker), methods=["GET"]),
        Route(SHELL, open_to_all(shell), methods=["GET"]),
    ]


def _shell(service: Service, request: Request) -> Response:
    """In all languages at once, that of the browser first: what is kept does not know who will read it."""
    guard, first = service.guard, words_for(request)
    sites = guard.sites or ((guard.site, public_url(service)),)
    html = render(
        "offline.html",
        first,
        spoken=[first, *(words(each) for each in LANGUAGES if each != first.language)],
        sites=json.dumps([{"name": name, "url": url} for name, url in sites]),
        lookup=guard.lookup_url,
    )
    own = {POLICY: reaching(SECURITY[POLICY], guard.sites, guard.lookup_url), **_TELLS_ITS_ORIGIN}
    return Response(html, headers={**SECURITY, **own, **_KEPT_BY_BROWSERS}, media_type="text/html")


async def _worker(_: Request) -> Response:
    """The script with the list of what it keeps in front: another list makes another worker."""
    kept = [SHELL, *(addresses(_PACKAGE)(name) for name in sorted(files(_PACKAGE)) if name != "worker.js")]
    version = hashlib.sha256("".join(kept).encode()).hexdigest()[:16]
    head = f"const VERSION = {json.dumps(version)};\nconst KEPT = {json.dumps(kept)};\n"
    script = head.encode() + files(_PACKAGE)["worker.js"].content
    return Response(script, headers={**SECURITY, **_KEPT_BY_BROWSERS}, media_type="text/javascript")
