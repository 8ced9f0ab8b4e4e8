"""A patient's chart: what was read from the record, and what could not be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from altid.screen.views.elements import (
    Resource,
    concept_text,
    element,
    elements,
    reference_key,
    reference_text,
    text,
)

WHOLE = (
    "AllergyIntolerance",
    "Appointment",
    "Condition",
    "Consent",
    "Encounter",
    "Flag",
    "MedicationRequest",
    "MedicationStatement",
    "ServiceRequest",
)
"""What of a chart is read to its end: it is in force, or there is never much of it."""
BESIDE = ("HealthcareService", "Location", "Medication", "Organization", "Practitioner", "PractitionerRole")
"""What a chart refers to and belongs to no patient."""

View = TypeVar("View")


@dataclass(frozen=True, slots=True)
class Chart:
    """The resources of one patient by type; `others` are staff, places and drugs by `Type/id`.

    A type in `unread` could not be read at all or not to its end; of a type in `older` only the newest were
    read; a type in `closed` was not read since it is not for whoever looks. What is neither, is all there is.
    """

    patient: Resource
    read_at: datetime
    parts: Mapping[str, Sequence[Resource]] = field(default_factory=dict)
    others: Mapping[str, Resource] = field(default_factory=dict)
    unread: frozenset[str] = frozenset()
    older: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()
    is_partly_blocked: bool = False
    """The patient has blocked a period of the record for whoever looks: what is of it was left out."""
    _made: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def once(self, make: Callable[[Chart], View]) -> View:
        """What a function makes of this chart, made once, since several sections of a page ask for it."""
        if make not in self._made:
            self._made[make] = make(self)
        made: View = self._made[make]
        return made

    def of(self, kind: str) -> Sequence[Resource]:
        return self.parts.get(kind, ())

    def all_read(self, *kinds: str) -> bool:
        return self.unread.isdisjoint(kinds)

    def referred(self, owner: Resource, reference: object) -> Resource:
        """The resource that a reference points to, contained or read along; empty if it is not at hand."""
        key = reference_key(reference)
        if key is None:
            return {}
        if key.startswith("#"):
            return next((r for r in elements(owner.get("contained")) if f"#{r.get('id')}" == key), {})
        kind, _, identity = key.partition("/")
        mine = (part for part in self.of(kind) if part.get("id") == identity)
        return self.others.get(key) or next(mine, {})

    def name_of(self, owner: Resource, reference: object) -> str | None:
        """What people call the target of a reference; None if nobody says."""
        return reference_text(reference) or name_of(self.referred(owner, reference))


def name_of(resource: Resource) -> str | None:
    """The name of an organisation, place, person or thing."""
    name = resource.get("name")
    if isinstance(name, str):
        return text(name)
    written = next((human_name(item) for item in elements(name)), None)
    return written or concept_text(resource.get("code")) or text(resource.get("description"))


def human_name(name: Resource) -> str | None:
    """`text`, or given names and family name in that order."""
    if text(name.get("text")):
        return text(name.get("text"))
    parts = [part for part in [*(name.get("given") or []), name.get("family")] if text(part)]
    return " ".join(parts) or None


def author_of(chart: Chart, resource: Resource, *names: str) -> str | None:
    """The first of these reference elements (or arrays of them) that has a name."""
    for name in names:
        value = resource.get(name)
        for reference in elements(value) if isinstance(value, list) else [element(value)]:
            found = chart.name_of(resource, reference)
            if found:
                return found
    return None
