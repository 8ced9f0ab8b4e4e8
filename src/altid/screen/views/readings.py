"""Observations as single readings: one thing measured, once (R4 observation.html)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from altid.screen.views.back_entry import Entered, entered_of
from altid.screen.views.chart import Chart, author_of
from altid.screen.views.elements import (
    HL7,
    LOINC,
    SNOMED,
    Resource,
    codes,
    codings,
    concept_text,
    elements,
    first_moment,
    is_changed_in_meaning,
    text,
)
from altid.screen.views.judgement import Judgement, judgement_of
from altid.screen.views.moments import Moment, sort_key
from altid.screen.views.values import Pair, Quantity, Span, Value, same_unit, span_of, value_of

CATEGORIES = (f"{HL7}/observation-category", "")
"""Systems of the categories that tell what kind a reading is; "": none is named."""
VITAL_CODES = ("vital-signs", "vital-sign")
_NPU = ("urn:oid:1.2.208.176.2.1", "http://npu-terminology.org")
_SYSTEMS = (*_NPU, LOINC, SNOMED)
"""Which of several codes names the analysis, the first that there is."""
_WITHDRAWN = ("entered-in-error", "cancelled")
_SYSTOLIC = {"8480-6", "271649006", "407554009", "72313002"}
_DIASTOLIC = {"8462-4", "271650006", "407555005"}


class Kind(StrEnum):
    LABORATORY = "laboratory"
    VITAL = "vital-signs"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Reading:
    """`key` is the same for all readings of one analysis. `missing` says why there is no value."""

    key: str
    codes: frozenset[str]
    name: str | None
    at: Moment | None
    value: Value | None
    value_codes: frozenset[str]
    """Of a value that is a code: how awake somebody is."""
    missing: str | None
    judgement: Judgement | None
    interval: Span | None
    interval_text: str | None
    status: str
    by: str | None
    notes: tuple[str, ...]
    has_reservation: bool
    entered: Entered | None = None
    """It was written on paper first."""

    @property
    def sort_at(self) -> datetime:
        return sort_key(self.at)


def readings_of(chart: Chart, kind: Kind) -> list[Reading]:
    """The readings of one kind, newest first; those that were withdrawn are left out."""
    found = [
        reading
        for observation in chart.once(_by_kind)[kind]
        for reading in _of_observation(chart, observation)
    ]
    return sorted(found, key=lambda reading: reading.sort_at, reverse=True)


def _by_kind(chart: Chart) -> dict[Kind, list[Resource]]:
    """Without what was withdrawn."""
    found: dict[Kind, list[Resource]] = {kind: [] for kind in Kind}
    for observation in chart.of("Observation"):
        if observation.get("status") not in _WITHDRAWN:
            found[_kind(observation)].append(observation)
    return found


def _of_observation(chart: Chart, observation: Resource) -> Iterator[Reading]:
    """The value and each component; systolic and diastolic pressure go together."""
    components = elements(observation.get("component"))
    pressure = _pressure(components)
    own = value_of(observation)
    if own is not None or pressure or not components:
        yield _reading(chart, observation, observation, own if own is not None else pressure)
    for component in components:
        if pressure and _codes_of(component) & (_SYSTOLIC | _DIASTOLIC):
            continue
        yield _reading(chart, observation, component, value_of(component))


def _reading(chart: Chart, observation: Resource, part: Resource, value: Value | None) -> Reading:
    interval, written = _interval(part)
    named = list(codings(part.get("code")))
    return Reading(
        key=_key(part, named) if part is observation else f"{_key(observation)} / {_key(part, named)}",
        codes=frozenset(code for _, code, _ in named if code),
        name=concept_text(part.get("code")),
        at=first_moment(observation, "effectiveDateTime", "effectiveInstant", "effectivePeriod", "issued"),
        value=value,
        value_codes=frozenset(code for _, code, _ in codings(part.get("valueCodeableConcept")) if code),
        missing=None if value is not None else concept_text(part.get("dataAbsentReason")),
        judgement=judgement_of(part, value, interval),
        interval=interval,
        interval_text=written,
        status=text(observation.get("status")) or "unknown",
        by=author_of(chart, observation, "performer"),
        notes=tuple(said for note in elements(observation.get("note")) if (said := text(note.get("text")))),
        has_reservation=is_changed_in_meaning(observation) or is_changed_in_meaning(part),
        entered=entered_of(observation),
    )


def _pressure(components: list[Resource]) -> Pair | None:
    values: dict[str, Quantity] = {}
    for component in components:
        value = value_of(component)
        if isinstance(value, Quantity):
            known = _codes_of(component)
            values |= {"systolic": value} if known & _SYSTOLIC else {}
            values |= {"diastolic": value} if known & _DIASTOLIC else {}
    if len(values) < 2 or not same_unit(values["systolic"], values["diastolic"]):
        return None
    return Pair(values["systolic"], values["diastolic"])


def _interval(part: Resource) -> tuple[Span | None, str | None]:
    """The normal range; others, such as treatment goals, are passed over."""
    for entry in elements(part.get("referenceRange")):
        meaning = codes(entry.get("type"), f"{HL7}/referencerange-meaning")
        if not meaning or "normal" in meaning:
            return span_of(entry), text(entry.get("text"))
    return None, None


def _codes_of(part: Resource) -> frozenset[str]:
    return frozenset(code for _, code, _ in codings(part.get("code")) if code)


def _key(part: Resource, named: Sequence[tuple[str, str, str | None]] | None = None) -> str:
    """`named`: the codings of its code, where they are at hand."""
    listed = list(codings(part.get("code"))) if named is None else named
    known = {system: code for system, code, _ in reversed(listed) if code}
    for system in (*_SYSTEMS, *known):
        if system in known:
            return f"{'NPU' if system in _NPU else system}|{known[system]}"
    return (concept_text(part.get("code")) or "").casefold()


def _kind(observation: Resource) -> Kind:
    """By category; without one, an NPU code means the laboratory."""
    categories = elements(observation.get("category"))
    named = {code for category in categories for system, code, _ in codings(category) if system in CATEGORIES}
    if not named.isdisjoint(VITAL_CODES):
        return Kind.VITAL
    if "laboratory" in named:
        return Kind.LABORATORY
    if not categories and any(system in _NPU for system, _, _ in codings(observation.get("code"))):
        return Kind.LABORATORY
    return Kind.OTHER
