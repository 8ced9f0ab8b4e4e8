"""Who asks, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What somebody works as. An account may have several; a session has one."""

    DOCTOR = "doctor"
    NURSE = "nurse"
    PHARMACIST = "pharmacist"
    SECRETARY = "secretary"
    OPERATIONS = "operations"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
    SYSTEM = "system"


class Level(StrEnum):
    """How surely we know that it is this person: the three levels of NSIS (and eIDAS)."""

    LOW = "low"
    SUBSTANTIAL = "substantial"
    HIGH = "high"

    @property
    def rank(self) -> int:
        return _LEVELS.index(self)


_LEVELS = (Level.LOW, Level.SUBSTANTIAL, Level.HIGH)


@dataclass(frozen=True, slots=True)
class Identity:
    """What a verified token says."""

    subject: str
    """Account id (a UUID), or a system's client id."""
    name: str
    """Shown on the screen and in the audit."""
    role: Role
    organisation: str
    """Where one works now: SOR-style id of a ward, a hospital or a region."""
    scopes: tuple[str, ...]
    """SMART on FHIR v2 scopes: a system's `system/` ones, or the `patient/` and `user/` ones that somebody
    has given to an application. () is a person's own session, which is not narrowed."""
    level: Level
    session: str
    site: str
    """Where the token was issued."""
    expires_s: int
    """Epoch seconds."""
    patient: str | None = None
    """Id of the patient whom `patient/` scopes are about. They mean nothing without one."""
    application: str | None = None
    """Client id of the application that acts for the person. Its scopes are never ()."""
    is_page: bool = False
    """It is the token of a page that the person has open (`page_tokens`): it opens the record and nothing of
    the ways in, and says with each write which patient is on the screen."""
    is_moved: bool = False
    """It is the session of a browser that came over from the other site (`handover`)."""

    @property
    def makes_ways_in(self) -> bool:
        """The person has logged on themselves at this site, and may say how they come in from now on: badge,
        PIN, passkey, an application, another role."""
        return self.is_own_session and not self.is_page and not self.is_moved

    @property
    def is_own_session(self) -> bool:
        """A person has come in, and not an application or a system: only they may let others in."""
        return self.role is not Role.SYSTEM and self.application is None and not self.scopes


NOBODY = Identity("", "", Role.SYSTEM, "", (), Level.LOW, "", "", 0)
"""Before somebody is known. A system without scopes: it may do nothing."""
