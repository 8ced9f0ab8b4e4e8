"""From views to HTML. Everything is escaped: names and notes come from people and machines we don't know."""

from __future__ import annotations

import math
from datetime import datetime
from functools import cache
from typing import Any

from jinja2 import Environment
from starlette.responses import HTMLResponse

from altid.access.audit.unavailable import AuditUnavailableError
from altid.access.lists import FORMER_DAYS, HOURS
from altid.access.refusal import Refusal
from altid.fhir import json
from altid.orders.todo import action_name
from altid.screen import rendering
from altid.screen.rendering import environment
from altid.screen.views.moments import ZONE
from altid.screen.words import LANGUAGES, Language, Words
from altid.screen.words.ordering import ORDERING, SCRIPTED
from altid.web import asking_for
from altid.web.finding import SEARCH_CHARACTERS_MAX
from altid.web.telemetry import TELLS

WARD_DOSES_NAMED_MAX = 2
"""Drugs that were missed and fit into a row of a ward's list; the rest is counted."""


@cache
def templates() -> Environment:
    """The templates of the pages."""
    made = environment("altid.web")
    made.globals |= {
        "FORMER_DAYS": FORMER_DAYS,
        "LIST_HOURS": HOURS,
        "SEARCH_CHARACTERS_MAX": SEARCH_CHARACTERS_MAX,
        "TELLS": TELLS,
        "WARD_DOSES_NAMED_MAX": WARD_DOSES_NAMED_MAX,
        "action_name": action_name,
        "asking_for": asking_for,
        "scripted": scripted,
        "jsoned": jsoned,
    }
    return made


@cache
def scripted(language: Language) -> str:
    """What the pages' scripts say in a language, as JSON."""
    place = LANGUAGES.index(language)
    said = {
        key.removeprefix(SCRIPTED): texts[place]
        for key, texts in ORDERING.items()
        if key.startswith(SCRIPTED)
    }
    return jsoned(said)


def jsoned(content: Any) -> str:
    """For an attribute that a page's script reads; decimals keep their digits."""
    return json.dumps(content).decode()


def render(template: str, words: Words, **data: Any) -> str:
    """One template in one language."""
    return rendering.render(templates(), template, words, **data)


def page(template: str, words: Words, *, status: int = 200, **data: Any) -> HTMLResponse:
    """A page of one template."""
    return rendering.answer(render(template, words, **data), words, status)


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
