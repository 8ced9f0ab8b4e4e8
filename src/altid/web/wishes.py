"""What an application asks for, so that a page can say it in words: who, what it wants to do, with what."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from altid.access.scopes import LOGS_ON, NAMES_USER, PEOPLES, STAYS, of_record, parse
from altid.access.wishes import Wish

_READING_ORDER = "rscud"


@dataclass(frozen=True, slots=True)
class Asking:
    """One right that is asked for. `letters`: what it lets one do, reading first."""

    scope: str
    letters: str
    resource: str
    """A type, or `*`."""
    is_of_one: bool
    """Of one patient; else of all whom the person may see."""


@dataclass(frozen=True, slots=True)
class Application:
    """Who asks, and for what."""

    name: str
    organisation: str
    returns_to: str
    askings: tuple[Asking, ...]
    needs_patient: bool
    stays: bool
    """It may go on for as long as the person is logged on."""
    learns_who: bool
    """It is told who the person is."""


def application_of(wish: Wish) -> Application:
    client = wish.client
    return Application(
        name=client.name,
        organisation=client.organisation,
        returns_to=urlsplit(wish.redirect_uri).netloc,
        askings=tuple(_asking(scope) for scope in of_record(wish.scopes, *PEOPLES)),
        needs_patient=wish.needs_patient,
        stays=STAYS in wish.scopes,
        learns_who=LOGS_ON in wish.scopes or NAMES_USER in wish.scopes,
    )


def _asking(text: str) -> Asking:
    scope = parse(text)
    assert scope is not None
    letters = "".join(letter for letter in _READING_ORDER if letter in scope.letters)
    return Asking(text, letters, scope.resource, scope.context == "patient")
