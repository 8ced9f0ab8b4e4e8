"""For programs: whether it answers, and how it stands. Nothing of a patient, so it needs no logon."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from altid.lookup.pages.visit import Handler, Place
from altid.screen.headers import NOT_KEPT
from altid.screen.words import words

_FOR_PAGES_OF_THE_RECORD = {"Cross-Origin-Resource-Policy": "cross-origin"}
"""They look whether there is a lookup record before they lead to it. It tells nothing but that."""


def status_of(place: Place) -> dict[str, Any]:
    """What `altid opslag status --json` prints of a running one."""
    age = place.age()
    return {
        "place": place.settings.name,
        "kind": place.settings.kind.value,
        "state": age.state.value,
        "data_at": age.at.isoformat() if age.at else None,
        "age_s": age.age_s,
        "said": place.bar(words("da"), age).sentence,
        "positions": {
            name: {"epoch": one.epoch, "cursor": one.cursor} for name, one in place.copy.positions().items()
        },
        "lock": place.entry.closed,
        "feed": place.following(),
        "wards": len(place.copy.wards()),
    }


def live(_place: Place) -> Handler:
    async def answer(_request: Request) -> Response:
        return JSONResponse({"status": "live"}, headers={**NOT_KEPT, **_FOR_PAGES_OF_THE_RECORD})

    return answer


def ready(place: Place) -> Handler:
    """Ready means that it answers from its file, however old that is: the age says so."""

    async def answer(_request: Request) -> Response:
        return JSONResponse(status_of(place), headers=NOT_KEPT)

    return answer
