"""One language: everything on the page that is words, numbers, times or ages is said here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from altid.region.page.texts import TEXTS

Language = Literal["da", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
"""In the order of the texts; the first is the one for a browser that wants neither."""

LANGUAGE_NAMES = {"da": "Dansk", "en": "English"}

ZONE = ZoneInfo("Europe/Copenhagen")
"""The wall clock of the control room."""

NO_BREAK_SPACE = "\u00a0"

_AGES = (("days", 86_400.0, 2.0), ("hours", 3_600.0, 2.0), ("minutes", 60.0, 2.0))
"""A unit with its seconds, told from so many of it."""


@dataclass(frozen=True, slots=True)
class Words:
    """Speaks one language; has no state."""

    language: Language

    def text(self, key: str, **data: object) -> str:
        """The text, with `data` put in its places. `KeyError` for a key that nobody wrote."""
        template = TEXTS[key][LANGUAGES.index(self.language)]
        return template.format_map(data) if data else template

    def known(self, group: str, name: str) -> str:
        """The word for a name that programs use; the name itself where there is none."""
        return self.text(f"{group}.{name}") if f"{group}.{name}" in TEXTS else name

    def part(self, name: str) -> str:
        """`server 2`, `database`: what people call a part."""
        if name.startswith("server-"):
            return self.text("part.server", number=name.removeprefix("server-"))
        return self.known("part", name)

    def number(self, value: float, digits: int = 0) -> str:
        text = f"{value:,.{digits}f}"
        return text.translate(str.maketrans(",.", ".,")) if self.language == "da" else text

    def size(self, size_bytes: int) -> str:
        """`0 byte`, `12,3 kB`, `4,0 MB`."""
        if size_bytes < 1_000:
            return f"{self.number(size_bytes)}{NO_BREAK_SPACE}{self.text('unit.byte')}"
        if size_bytes < 1_000_000:
            return f"{self.number(size_bytes / 1_000, 1)}{NO_BREAK_SPACE}kB"
        return f"{self.number(size_bytes / 1_000_000, 1)}{NO_BREAK_SPACE}MB"

    def age(self, seconds: float) -> str:
        """`for 3 s siden`; what the script of the page counts on with has the same forms."""
        for unit, unit_s, least in _AGES:
            if seconds >= least * unit_s:
                return self.text(f"age.{unit}", n=int(seconds // unit_s))
        return self.text("age.seconds", n=int(max(0.0, seconds)))

    def ahead(self, seconds: float) -> str:
        """`om 12 dage`."""
        for unit, unit_s, least in _AGES:
            if seconds >= least * unit_s:
                return self.text(f"ahead.{unit}", n=int(seconds // unit_s))
        return self.text("ahead.seconds", n=int(seconds))

    def distance(self, at: datetime, now: datetime) -> str:
        """How long ago, or how far ahead."""
        seconds = (at - now).total_seconds()
        return self.ahead(seconds) if seconds > 0 else self.age(-seconds)

    def clock(self, at: datetime) -> str:
        return at.astimezone(ZONE).strftime("%H:%M:%S")

    def moment(self, at: datetime) -> str:
        local = at.astimezone(ZONE)
        form = "%d.%m.%Y kl. %H:%M:%S" if self.language == "da" else "%d %b %Y, %H:%M:%S"
        return local.strftime(form)


def wanted(query: str | None, accepted: str | None) -> Language:
    """The language of a request: `?lang=`, else what the browser accepts first that we speak."""
    for language in LANGUAGES:
        if query == language:
            return language
    for offer in (accepted or "").split(","):
        tag = offer.split(";")[0].strip().lower().partition("-")[0]
        for language in LANGUAGES:
            if tag == language or (tag in ("nb", "nn", "no", "sv") and language == "da"):
                return language
    return LANGUAGES[0]
