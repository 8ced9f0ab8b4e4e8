"""One request of somebody who is logged on, and how every page is entered and left.

Nobody known is led to the logon. What a page shows of patients is kept among the looks before the answer
leaves; where that fails nothing is shown.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from altid.access.audit.event import Action
from altid.access.audit.unavailable import AuditUnavailableError
from altid.access.grounds import PlaceTooWideError
from altid.lookup.age import Age, Watch
from altid.lookup.bar import Bar, bar_of, loading
from altid.lookup.damage import CopyDamagedError
from altid.lookup.needs import Doorkeeper, Person, Readable
from altid.lookup.rendering import page
from altid.lookup.settings import Settings
from altid.screen.forms import FormError, StrangeFormError
from altid.screen.headers import NOT_KEPT
from altid.screen.language import keep_language, language_named, words_for
from altid.screen.views.moments import ZONE
from altid.screen.words import Words

_log = logging.getLogger(__name__)
_RETRY_S = "5"


@dataclass(frozen=True, slots=True)
class Place:
    """What one process answers from."""

    copy: Readable
    entry: Doorkeeper
    settings: Settings
    watch: Watch
    following: Callable[[], dict[str, Any] | None] = lambda: None
    """How the feed gets on (`altid.lookup.following`)."""

    def age(self) -> Age:
        return self.watch.age_of(self.copy.heartbeat(), self.settings.thresholds)

    def bar(self, words: Words, age: Age | None = None) -> Bar:
        made = bar_of(words, age or self.age(), self.settings.thresholds, self.settings.name)
        bar = replace(made, record=self.settings.record_urls)
        told = self.following()
        return bar if told is None or told["phase"] != "loading" else loading(words, bar, told)


@dataclass(frozen=True, slots=True)
class Visit:
    """Who looks at which page, in which language. `age`: of the data, taken before they are read, so that it
    is never too young."""

    place: Place
    request: Request
    person: Person
    words: Words
    age: Age

    @property
    def today(self) -> date:
        return self.place.watch.now().astimezone(ZONE).date()

    def bar(self) -> Bar:
        return self.place.bar(self.words, self.age)

    async def look(
        self, page_name: str, patients: Collection[str], action: Action, grounds: Collection[Any] = ()
    ) -> None:
        """Keep what is going to be shown. Raises `AuditUnavailableError`."""
        await self.place.entry.look(
            self.person,
            self.request,
            page=page_name,
            patients=tuple(patients),
            action=action,
            grounds=tuple(grounds),
        )

    def page(self, template: str, *, status: int = 200, **data: Any) -> Response:
        path = self.request.scope["path"] if self.request.method in ("GET", "HEAD") else "/"
        return page(template, self.words, self.bar(), status=status, me=self.person, path=path, **data)

    def absent(self) -> Response:
        return told(self.place, self.words, "absent", 404, me=self.person)


PageHandler = Callable[[Visit], Awaitable[Response]]
Handler = Callable[[Request], Awaitable[Response]]


def told(
    place: Place, words: Words, kind: str, status: int, *, me: Person | None = None, text: str = ""
) -> Response:
    """A page that says what can't be done, and why."""
    group = "error" if kind == "too-wide" else "lookup"
    return page(
        "told.html",
        words,
        place.bar(words),
        status=status,
        me=me,
        title=words.text(f"{group}.{kind}.title"),
        text=text or words.text(f"{group}.{kind}.text"),
    )


def visited(place: Place, handler: PageHandler) -> Handler:
    """A page for those who are logged on."""

    async def entered(request: Request) -> Response:
        words = words_for(request)
        wanted = language_named(request.query_params.get("lang"))
        if wanted is not None and request.method == "GET":
            answer = RedirectResponse(request.scope["path"], 303, headers=NOT_KEPT)
            keep_language(answer, wanted, secure=request.url.scheme == "https")
            return answer
        try:
            person = place.entry.who(request)
            if person is None:
                return _to_logon(request)
            return await handler(Visit(place, request, person, words, place.age()))
        except AuditUnavailableError as error:
            said = error.text_da if words.language == "da" else error.text_en
            answer_503 = told(place, words, "unaudited", 503, text=said)
            answer_503.headers["Retry-After"] = _RETRY_S
            return answer_503
        except PlaceTooWideError:
            return told(place, words, "too-wide", 403, me=person)
        except (StrangeFormError, FormError):
            return told(place, words, "strange", 403)
        except CopyDamagedError:
            _log.error("the copy is not whole")
            return told(place, words, "broken", 503)

    return entered


def _to_logon(request: Request) -> Response:
    """And from there back to where this request wanted to, if that can be asked for by an address."""
    path = request.scope["path"]
    wanted = path if request.method == "GET" and path != "/" else ""
    return RedirectResponse(
        f"/logon?next={quote(wanted, safe='')}" if wanted else "/logon", 303, headers=NOT_KEPT
    )
