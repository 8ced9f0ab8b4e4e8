"""What one asker may be shown, as plain data: searches, includes and counts are cut by it.

A hidden row is as if it were not there: it is neither shown nor counted, and no criterion finds anything
through it (chains and `_has` look at shown rows only), so that nothing can be concluded from what is missing.
A row is shown if it is about at least one of the patients; what names no patient is shown to nobody for whom
its type is bound to patients.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from altid.fhir import json
from altid.fhir.definitions import resource_types
from altid.fhir.search.about import PATIENT, about_codes, patients_about
from altid.fhir.search.criteria import AllOf, Criterion, IdCriterion, TermCriterion
from altid.fhir.search.entries import Entries
from altid.fhir.search.extract import extract
from altid.fhir.search.hidden import Period, is_from
from altid.record.stored import Found, Stored, compose


@dataclass(frozen=True, slots=True)
class Visible:
    """Types that are in neither set are not shown at all."""

    whole: frozenset[str]
    """Types that are shown of whomever."""
    bound: frozenset[str] = frozenset()
    """Types of which is shown what is about one of `patients`."""
    patients: Collection[str] = frozenset()
    hidden: Mapping[str, Sequence[Period]] = field(default_factory=dict)
    """Of some of the patients: periods of which nothing is shown. They are of what was found and done: who
    the patient is (`Patient`) they hide nowhere."""

    @property
    def is_everything(self) -> bool:
        return self.whole is _ALL_TYPES or len(self.whole) == len(_ALL_TYPES)

    @property
    def types(self) -> frozenset[str]:
        return self.whole | self.bound

    def shows(self, stored: Stored, refs: Iterable[str]) -> bool:
        """Whether a row may be shown; one without content only if it could be about anybody."""
        if stored.type in self.whole:
            return True
        if stored.type not in self.bound:
            return False
        return any(
            patient in self.patients and not self._is_hidden(patient, stored)
            for patient in patients_about(stored.type, stored.id, refs)
        )

    def surely_shows(self, found: Found) -> bool:
        """Whether a row may be shown by a look at whom it is about alone. False where a patient has blocked
        a period: then it must be looked at more closely."""
        stored, refs = found
        if stored.type in self.whole:
            return True
        if stored.type not in self.bound:
            return False
        for patient in patients_about(stored.type, stored.id, refs):
            if patient in self.patients and patient not in self.hidden:
                return True
        return False

    def shows_version(self, stored: Stored) -> bool:
        """The same of an earlier version, whose entries are nowhere but in its content."""
        if stored.type in self.whole:
            return True
        return stored.body is not None and self.shows(stored, _entries(stored).refs)

    def _is_hidden(self, patient: str, stored: Stored) -> bool:
        periods = self.hidden.get(patient)
        if not periods or stored.type == PATIENT:
            return False
        if stored.body is None:
            return True
        return is_from(_entries(stored).dates, periods)


_ALL_TYPES = frozenset(resource_types())

EVERYTHING = Visible(_ALL_TYPES)
"""For what the record itself needs to know: whether something is there already, say."""


def _entries(stored: Stored) -> Entries:
    return extract(json.loads(compose(stored)))


def pinned(type_: str, criteria: Iterable[Criterion]) -> frozenset[str] | None:
    """The patients of whom every row of this type is about one that meets the criteria; None: not told."""
    for criterion in criteria:
        match criterion:
            case IdCriterion(ids, False) if type_ == PATIENT:
                return frozenset(ids)
            case TermCriterion(terms, False) if terms:
                found = [_patient_of(type_, term) for term in terms]
                if None not in found:
                    return frozenset(patient for patient in found if patient is not None)
            case AllOf(criteria=inner):
                within = pinned(type_, inner)
                if within is not None:
                    return within
    return None


def _patient_of(type_: str, term: str) -> str | None:
    """The id in "Type.code=Patient/id" where the code says whom it is about."""
    if not term.startswith(_about_terms(type_)):
        return None
    id_ = term.partition("/")[2]
    return id_ if "/" not in id_ else None


@cache
def _about_terms(type_: str) -> tuple[str, ...]:
    """How such terms begin."""
    return tuple(f"{type_}.{code}={PATIENT}/" for code in about_codes(type_))
