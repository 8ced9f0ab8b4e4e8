"""From views to HTML in the lookup record's frame, with the bar that tells the age of the data."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment
from starlette.responses import HTMLResponse

from altid.lookup.bar import Bar
from altid.screen import rendering
from altid.screen.headers import POLICY, asking
from altid.screen.words import Words
from altid.screen.words.speaker import Language

PACKAGE = "altid.lookup"
SEARCH_CHARACTERS_MAX = 200


@cache
def templates() -> Environment:
    """The templates of the lookup record, all compiled: the first page is then as fast as any."""
    made = rendering.environment(PACKAGE)
    made.globals |= {"SEARCH_CHARACTERS_MAX": SEARCH_CHARACTERS_MAX}
    return made


def compile_all(language: Language) -> None:
    """All of ours in a language, now."""
    rendering.compile_all(templates(), language)


def page(
    template: str, words: Words, bar: Bar, *, status: int = 200, me: Any = None, path: str = "/", **data: Any
) -> HTMLResponse:
    """A page of one template. `me`: who looks, None for nobody; `path`: its own, for the switch of
    language."""
    frame = {"bar": bar, "me": me, "path": path, "sought": "", "autofocus": False}
    html = rendering.render(templates(), template, words, **{**frame, **data})
    shown = rendering.answer(html, words, status)
    shown.headers[POLICY] = asking(shown.headers[POLICY], bar.record)
    return shown
