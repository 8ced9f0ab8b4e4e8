"""From the templates of entry to answers, where nobody has a frame of their own for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import Response

from altid.screen import rendering
from altid.screen.language import words_for

Show = Callable[[Request, str, int, Mapping[str, Any]], Response]
"""(request, template, status, data) -> the answer."""


@cache
def _templates() -> Environment:
    return rendering.environment("altid.lookup")


def show(request: Request, template: str, status: int, data: Mapping[str, Any]) -> Response:
    """A page of one template, in the language that the browser wants."""
    words = words_for(request)
    html = rendering.render(_templates(), template, words, **{"me": None, "path": request.url.path, **data})
    return rendering.answer(html, words, status)
