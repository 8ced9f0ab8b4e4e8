"""Why somebody may look at a patient: admitted here, referred here, on one's list, or broken glass.

Plain data; `altid.access.relations` reads it from the record. What the patient has blocked takes the grounds
away, and only broken glass (*værdispring*) goes beyond that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from itertools import chain

from altid.access.identity import Role
from altid.fhir.search.hidden import Period

SOR = "urn:oid:1.2.208.176.1.1"
"""The system of SOR numbers, by which places of work are named."""


def sor_term(organisation: str) -> str:
    """What an index calls an organisation of this SOR number."""
    return f"Organization.identifier={SOR}|{organisation}"


HERE = {
    "Encounter.service-provider": ("Organization",),
    "Encounter.location": ("Location",),
    "ServiceRequest.performer": ("Organization", "HealthcareService"),
    "Appointment.actor": ("Location", "HealthcareService"),
}
"""By which search parameters an admission, a referral, an appointment is somewhere, and what that may be."""

OPEN = {
    "Encounter": ("planned", "arrived", "triaged", "in-progress", "onleave"),
    "ServiceRequest": ("draft", "active", "on-hold"),
    "Appointment": ("proposed", "pending", "booked", "arrived", "checked-in", "waitlist"),
}
"""The statuses in which it makes grounds."""

APPOINTMENT_DAYS = 30
"""So long after its day an appointment that nobody has closed still makes grounds: notes are written, answers
come."""


OPEN_MAX = 50_000
"""Admissions, referrals and appointments that one place has open: 5 MB, read in some tenths of a second.
A region's beds are thousands, the bookings of a big hospital many more: there people log on at a ward."""


@dataclass(frozen=True, slots=True)
class Above:
    """Where a place of work stands: the ids of its organisation and of all that it is part of."""

    organisations: frozenset[str] = frozenset()
    is_whole: bool = False
    """Whether that was told up to the top. If not, the place may be part of any other."""


NOWHERE = Above()


class Grounds(StrEnum):
    """The grounds for one patient, the strongest first."""

    ADMITTED = "admitted"
    REFERRED = "referred"
    LISTED = "listed"
    OVERRIDE = "override"
    SCOPE = "scope"
    """A system: its scopes say what it may, of whomever."""


class PlaceTooWideError(Exception):
    """A place of work has more patients than are kept of one: nobody's grounds there can be told for sure."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place of work: where it stands, and the patients whom all who work there have."""

    above: Above = NOWHERE
    patients: Mapping[str, Grounds] = field(default_factory=dict)
    is_too_wide: bool = False
    """There are more, so there are none: a list that is cut would look whole."""


@dataclass(frozen=True, slots=True)
class Own:
    """What is one person's at one place."""

    listed: Mapping[str, datetime] = field(default_factory=dict)
    """Patient -> until when."""
    overrides: Mapping[str, datetime] = field(default_factory=dict)
    blocked: frozenset[str] = frozenset()
    """Patients who have blocked all of their record for this person or place."""
    hidden: Mapping[str, tuple[Period, ...]] = field(default_factory=dict)
    """Patients who have blocked periods of it."""


_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom an identity has grounds for, at one moment. Patients by their id; making one copies nothing."""

    everyone: bool
    place: Place = Place()
    own: Own = Own()
    now: datetime = _NEVER
    only: str | None = None
    """An application's patient: the reach is this one, if that."""

    def of(self, patient: str) -> Grounds | None:
        """The grounds for one patient, if there are any."""
        if self.everyone:
            return Grounds.SCOPE
        if self.only is not None and patient != self.only:
            return None
        if self._is_overridden(patient):
            return Grounds.OVERRIDE
        if patient in self.own.blocked:
            return None
        here = self.place.patients.get(patient)
        if here is not None:
            return here
        until = self.own.listed.get(patient)
        return Grounds.LISTED if until is not None and until > self.now else None

    @property
    def patients(self) -> Collection[str]:
        """All of them, for whom there are grounds. Asking for one may raise `PlaceTooWideError`."""
        return _Patients(self)

    @property
    def hidden(self) -> Mapping[str, tuple[Period, ...]]:
        """Of patients with grounds: periods of their data that they have blocked. Broken glass opens them."""
        hidden = self.own.hidden
        if not hidden or not self.own.overrides:
            return hidden
        return {patient: hidden[patient] for patient in hidden if not self._is_overridden(patient)}

    def _is_overridden(self, patient: str) -> bool:
        until = self.own.overrides.get(patient)
        return until is not None and until > self.now


class _Patients(Collection[str]):
    """A view of a reach: membership costs a look-up or two. Raises `PlaceTooWideError` rather than saying no
    to, or leaving out, somebody who may be there."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach

    def __contains__(self, patient: object) -> bool:
        if isinstance(patient, str) and self._reach.of(patient) is not None:
            return True
        self._check()
        return False

    def __iter__(self) -> Iterator[str]:
        self._check()
        reach, own = self._reach, self._reach.own
        if reach.only is None and not (own.listed or own.overrides or own.blocked):
            return iter(reach.place.patients)  # mostly so, and a hospital has thousands
        named = chain(reach.place.patients, own.listed, own.overrides)
        return (patient for patient in dict.fromkeys(named) if reach.of(patient) is not None)

    def _check(self) -> None:
        if self._reach.place.is_too_wide:
            raise PlaceTooWideError

    def __len__(self) -> int:
        return sum(1 for _ in self)


EVERYONE = Reach(everyone=True)
NOBODY = Reach(everyone=False)


def reach_of_system(patient: str | None) -> Reach:
    """Everyone, or the one patient whom the system's token is bound to."""
    if patient is None:
        return EVERYONE
    return Reach(everyone=False, place=Place(patients={patient: Grounds.SCOPE}), only=patient)


TREATING = frozenset({Role.DOCTOR, Role.NURSE, Role.PHARMACIST, Role.SECRETARY})
"""The others have grounds for nobody."""
