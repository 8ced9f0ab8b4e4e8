"""Who is at the door in tests of the pages: a nurse with a cookie, and nobody without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from starlette.requests import Request

from altid.access.audit.event import Action
from altid.access.audit.unavailable import AuditUnavailableError
from altid.access.journal.unavailable import Cause
from altid.fhir.search.hidden import Period

COOKIE = {"test-session": "nurse"}


@dataclass(frozen=True)
class Nurse:
    name: str = "Nanna Sørensen"
    place: str = "Afsnit B12"
    form_token: str = "token-of-tests"
    choices: tuple[tuple[str, str], ...] = ()


class Seen(NamedTuple):
    grounds: str | None
    hidden: tuple[Period, ...] = ()


@dataclass
class Door:
    """Default is deny: only those in `grounds` are seen."""

    grounds: dict[str, Seen] = field(default_factory=dict)
    unreadable: frozenset[str] = frozenset()
    """Types that the role may not read."""
    looks: list[tuple[str, tuple[str, ...], Action]] = field(default_factory=list)
    cannot_keep: bool = False
    closed: str | None = None

    def who(self, request: Request) -> Nurse | None:
        return Nurse() if request.cookies.get("test-session") == "nurse" else None

    def breaks_glass(self, person: Any) -> bool:
        return True

    def sight(self, person: Any, patient: str) -> Seen:
        return self.grounds.get(patient, Seen(None))

    def may_read(self, person: Any, kind: str) -> bool:
        return kind not in self.unreadable

    async def look(
        self,
        person: Any,
        request: Request | None,
        page: str,
        patients: Sequence[str] = (),
        *,
        action: Action = Action.READ,
        grounds: Sequence[Any] = (),
    ) -> None:
        if self.cannot_keep:
            raise AuditUnavailableError(Cause.DISK)
        self.looks.append((page, tuple(patients), action))
