"""From views to HTML. Everything is escaped: names and notes come from people and machines we don't know."""

from __future__ import annotations

import math
from datetime import datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from altid.access.audit.unavailable import AuditUnavailableError
from altid.access.lists import FORMER_DAYS, HOURS
from altid.access.refusal import Refusal
from altid.web.finding import SEARCH_CHARACTERS_MAX
from altid.web.headers import NOT_KEPT
from altid.web.language import LANGUAGE_NAMES
from altid.web.static import static
from altid.web.views import trend
from altid.web.views.moments import ZONE, moment_at
from altid.web.words import LANGUAGES, Words, asking_for, dosing
from altid.web.words.speaker import person_name

CAVE_FULL_MAX = 3
"""Agents that the banner tells in full; of more it names all, and the section below has the rest."""
NOTES_OPEN_MAX = 3


@cache
def templates() -> Environment:
    """The templates of this package; names that are not defined are errors."""
    environment = Environment(
        loader=PackageLoader("altid.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals |= {
        "CAVE_FULL_MAX": CAVE_FULL_MAX,
        "GRAPH_HEIGHT": trend.HEIGHT,
        "GRAPH_WIDTH": trend.WIDTH,
        "FORMER_DAYS": FORMER_DAYS,
        "LANGUAGES": LANGUAGES,
        "LANGUAGE_NAMES": LANGUAGE_NAMES,
        "LIST_HOURS": HOURS,
        "NOTES_OPEN_MAX": NOTES_OPEN_MAX,
        "asking_for": asking_for,
        "SEARCH_CHARACTERS_MAX": SEARCH_CHARACTERS_MAX,
        "dosing": dosing,
        "moment": moment_at,
        "person_name": person_name,
        "static": static,
    }
    return environment


def render(template: str, words: Words, **data: Any) -> str:
    """One template in one language."""
    return templates().get_template(template).render(words=words, t=words.text, **data)


def answer(html: str, words: Words, status: int = 200) -> HTMLResponse:
    """A page, never kept by the browser."""
    return HTMLResponse(html, status, {**NOT_KEPT, "Content-Language": words.language})


def page(template: str, words: Words, *, status: int = 200, **data: Any) -> HTMLResponse:
    """A page of one template."""
    return answer(render(template, words, **data), words, status)


def refusal_page(refused: Refusal, words: Words) -> HTMLResponse:
    """A page that says why not, in the refusal's own words."""
    shown = page("refused.html", words, status=refused.status, text=refused.text(words.language))
    if refused.retry_after_s is not None:
        shown.headers["Retry-After"] = str(math.ceil(refused.retry_after_s))
    return shown


def unaudited_page(error: AuditUnavailableError, words: Words, now: datetime) -> HTMLResponse:
    """Nothing of a patient is shown while looks can't be told of."""
    text = error.text_da if words.language == "da" else error.text_en
    shown = page("unaudited.html", words, status=503, text=text, now=now.astimezone(ZONE))
    shown.headers["Retry-After"] = "5"
    return shown


def error_page(kind: str, status: int, words: Words, now: datetime) -> HTMLResponse:
    """A page that says what went wrong and what to do."""
    shown = page("error.html", words, status=status, kind=kind, now=now.astimezone(ZONE))
    if kind == "unreachable":
        shown.headers["Retry-After"] = "5"
    return shown
