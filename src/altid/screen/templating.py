"""Templates by language: texts of the catalogue stand in them as if somebody had written them there.

`da/patient.html` is the template `patient.html` in which `{{ t('key') }}` is already the Danish text. A page
asks for some two hundred texts; looking each up while it is made would take a third of the time.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from jinja2 import BaseLoader, ChoiceLoader, Environment, PackageLoader
from markupsafe import escape

from altid.screen.words import LANGUAGES, words
from altid.screen.words.speaker import Language

_TEXT = re.compile(r"\{\{ (?:t|words\.text)\('([a-z][a-z0-9.-]*)'\) \}\}", re.ASCII)
"""A text without places to fill. Any other is looked up when the page is made."""


class InLanguages(Environment):
    """What a template includes, imports or extends is in its own language."""

    def join_path(self, template: str, parent: str) -> str:
        return f"{parent.partition('/')[0]}/{template}"


class Said(BaseLoader):
    """Those of the packages, the first that has one, in each language."""

    def __init__(self, *packages: str) -> None:
        self._written = ChoiceLoader([PackageLoader(name) for name in packages])

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str | None, Callable[[], bool] | None]:
        """Raises `KeyError` for a text that nobody wrote."""
        name, _, written = template.partition("/")
        language: Language = next(language for language in LANGUAGES if language == name)
        source, path, is_fresh = self._written.get_source(environment, written)
        said = _TEXT.sub(lambda found: str(escape(words(language).text(found[1]))), source)
        return said, path, is_fresh

    def list_templates(self) -> list[str]:
        return [f"{language}/{name}" for language in LANGUAGES for name in self._written.list_templates()]
