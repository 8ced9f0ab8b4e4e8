"""What has happened between patients, places and people, and whom somebody may see then: in plain Python.

Written from the rules in docs/access.md and from nothing else, so that it can be wrong only in its own way.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from altid.access.identity import Identity, Role
from tests.access.little_region import ADRIFT, NORTH, PARTS, PRACTICE, REGION, SOUTH, UNKNOWN

TREATS = {Role.DOCTOR, Role.NURSE, Role.PHARMACIST, Role.SECRETARY}
BREAKS = {Role.DOCTOR, Role.NURSE, Role.PHARMACIST}
SHIFT = timedelta(hours=8)
WRITING_UP = timedelta(days=30)
Span: TypeAlias = "tuple[datetime, datetime]"


@dataclass(frozen=True, slots=True)
class Treated:
    """Admitted, referred or booked at a place. `day`: of an appointment."""

    kind: str
    patient: str
    place: str
    is_open: bool = True
    day: datetime | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    who: Identity
    patient: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Broken:
    """The glass."""

    who: Identity
    patient: str
    began: datetime


@dataclass(frozen=True, slots=True)
class Blocked:
    """`account`, `place`, `period`: None is any, or all."""

    patient: str
    account: str | None
    place: str | None
    period: Span | None
    since: datetime
    until: datetime | None


Fact: TypeAlias = Treated | Listed | Broken | Blocked


@dataclass(frozen=True, slots=True)
class World:
    """All that has happened."""

    facts: tuple[Fact, ...]

    def grounds(self, who: Identity, patient: str, now: datetime) -> str | None:
        if who.role not in TREATS:
            return None
        if self._is_broken(who, patient, now):
            return "override"
        if None in self._blocked(who, patient, now):
            return None
        if self._is_treated(("provider", "location"), who, patient, now):
            return "admitted"
        if self._is_treated(("referral", "appointment"), who, patient, now):
            return "referred"
        return "listed" if self._is_listed(who, patient, now) else None

    def hidden(self, who: Identity, patient: str, now: datetime) -> list[Span]:
        """The periods of whom there are grounds."""
        if self._is_broken(who, patient, now):
            return []
        return [period for period in self._blocked(who, patient, now) if period is not None]

    def shows(self, who: Identity, patient: str, at: datetime | None, now: datetime) -> bool:
        """Something about the patient that was done then; None: nobody knows when."""
        if self.grounds(who, patient, now) is None:
            return False
        hidden = self.hidden(who, patient, now)
        if at is None:
            return not hidden
        return not any(low <= at < high for low, high in hidden)

    def _is_broken(self, who: Identity, patient: str, now: datetime) -> bool:
        return who.role in BREAKS and any(
            fact.who == who and fact.patient == patient and now < fact.began + SHIFT
            for fact in self.facts
            if isinstance(fact, Broken)
        )

    def _is_listed(self, who: Identity, patient: str, now: datetime) -> bool:
        return any(
            fact.who == who and fact.patient == patient and now < fact.until
            for fact in self.facts
            if isinstance(fact, Listed)
        )

    def _is_treated(self, kinds: tuple[str, ...], who: Identity, patient: str, now: datetime) -> bool:
        return any(
            fact.kind in kinds
            and fact.patient == patient
            and fact.is_open
            and fact.place in _reached(who.organisation)
            and (fact.day is None or now < fact.day + WRITING_UP)
            for fact in self.facts
            if isinstance(fact, Treated)
        )

    def _blocked(self, who: Identity, patient: str, now: datetime) -> list[Span | None]:
        return [
            fact.period
            for fact in self.facts
            if isinstance(fact, Blocked)
            and fact.patient == patient
            and fact.account in (None, who.subject)
            and (fact.place is None or _covers(fact.place, who.organisation))
            and fact.since <= now
            and (fact.until is None or now < fact.until)
        ]


def _reached(place: str) -> set[str]:
    """The places whose patients are also this one's."""
    if place in (REGION, PRACTICE):
        return {place}
    if place == UNKNOWN:
        return set()
    return {place} | {each for each, above in PARTS.items() if above == place and each != ADRIFT}


def _covers(blocked: str, place: str) -> bool:
    if blocked == UNKNOWN or place in (UNKNOWN, ADRIFT):
        return True
    above = {place, PARTS.get(place, place)}
    return blocked in above or (blocked == REGION and bool(above & {NORTH, SOUTH}))
