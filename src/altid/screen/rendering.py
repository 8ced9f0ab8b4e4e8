"""From views to HTML. Everything is escaped: names and notes come from people and machines we don't know."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, StrictUndefined
from starlette.responses import HTMLResponse

from altid.screen.headers import NOT_KEPT
from altid.screen.static import addresses
from altid.screen.templating import InLanguages, Said
from altid.screen.views import trend
from altid.screen.views.moments import moment_at
from altid.screen.words import LANGUAGE_NAMES, LANGUAGES, Language, Words, dosing
from altid.screen.words.speaker import person_name

CAVE_FULL_MAX = 3
"""Agents that the banner tells in full; of more it names all, and the section below has the rest."""
NOTES_OPEN_MAX = 3

_SCREEN = "altid.screen"


@cache
def environment(package: str = _SCREEN) -> Environment:
    """The templates of a package, and those that all screens share; names that are not defined are errors.

    A room adds its own globals once, to the environment of its own package.
    """
    made = InLanguages(
        loader=Said(*dict.fromkeys((package, _SCREEN))),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals |= {
        "CAVE_FULL_MAX": CAVE_FULL_MAX,
        "GRAPH_HEIGHT": trend.HEIGHT,
        "GRAPH_WIDTH": trend.WIDTH,
        "LANGUAGES": LANGUAGES,
        "LANGUAGE_NAMES": LANGUAGE_NAMES,
        "NOTES_OPEN_MAX": NOTES_OPEN_MAX,
        "dosing": dosing,
        "moment": moment_at,
        "person_name": person_name,
        "static": addresses(package),
    }
    return made


def compile_all(made: Environment, language: Language) -> None:
    """Compile every template that a room shows in a language now, so that the first page is as fast as any:
    sections come from the environment of all screens, the rest from the room's own."""
    for templates, of_sections in ((made, False), (environment(), True)):
        for name in templates.list_templates(extensions=["html"]):
            is_wanted = ("/sections/" in name) is of_sections or name.endswith("/macros.html")
            if is_wanted and name.startswith(f"{language}/"):
                templates.get_template(name)


def render(made: Environment, template: str, words: Words, **data: Any) -> str:
    """One template in one language."""
    return made.get_template(f"{words.language}/{template}").render(words=words, t=words.text, **data)


def answer(html: str, words: Words, status: int = 200) -> HTMLResponse:
    """A page, never kept by the browser."""
    return HTMLResponse(html, status, {**NOT_KEPT, "Content-Language": words.language})
