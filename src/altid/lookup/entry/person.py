"""Who is at the keyboard, as far as this place can tell."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from altid.access.identity import Identity, Role


class Way(StrEnum):
    """How somebody came in; stable, for the audit."""

    PASSWORD = "password"  # noqa: S105 (a word)
    PIN = "pin"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Person:
    """An identity as the record has it, with no scopes; who came in by a ward's code has the code's id."""

    identity: Identity
    way: Way
    workplace: str = ""
    code: str | None = None
    choices: tuple[tuple[str, str], ...] = ()
    """Roles and places of work that the account has."""
    place: str = ""
    """What the place of work is called, its SOR number where nobody says."""
    form_token: str = field(default="", repr=False)
    """What every form of the session's pages holds (`altid.screen.forms.check_token`)."""

    @property
    def name(self) -> str:
        return self.identity.name

    @property
    def role(self) -> Role:
        return self.identity.role

    @property
    def is_by_code(self) -> bool:
        return self.code is not None
