"""Reading a patient's chart, and the list of patients, from the record.

What grows without end (measurements, notes, doses given) is read newest first up to a limit; the rest of the
chart is read whole. Each part is a statement of its own: when one fails, the others are still shown, and the
page says what is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import asyncpg

from altid.fhir import json
from altid.fhir.search import query
from altid.fhir.search.parameters import reference_terms
from altid.record.database import Connection, Database
from altid.record.everything import Everything, everything
from altid.record.read import read, read_many
from altid.record.search import search
from altid.record.stored import Stored, compose
from altid.record.visibility import EVERYTHING
from altid.web.finding import Parameter
from altid.web.views.admission import PRESENT, Place, is_stay, place_of
from altid.web.views.chart import Chart
from altid.web.views.elements import Resource, elements, period, reference_key
from altid.web.views.identity import Identity, identity_of, name_order
from altid.web.views.moments import sort_key

PATIENTS_SHOWN_MAX = 50
"""One page of the list: more than a ward has beds."""

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
BESIDE = ("HealthcareService", "Location", "Medication", "Organization", "Practitioner", "PractitionerRole")
"""What the chart refers to and belongs to no patient."""
_WHOLE_ROWS_MAX = 5_000
"""Ten times what the fullest charts hold; beyond it the page says that it is not complete."""


class Newest(NamedTuple):
    """A type of which only the newest are read."""

    kind: str
    parameters: tuple[Parameter, ...]
    count_max: int


NEWEST = (
    Newest("Observation", (("_sort", "-date"),), 1_000),
    Newest("DocumentReference", (("_sort", "-date"),), 40),
    Newest("DiagnosticReport", (("_sort", "-issued"),), 100),
    Newest("MedicationAdministration", (("_sort", "-effective-time"),), 300),
)
"""Three weeks in hospital have fewer measurements, two weeks fewer notes, three days fewer doses."""

UNREACHABLE = (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What it looks like when the record does not answer."""


class GoneError(Exception):
    """The patient was deleted."""


@dataclass(frozen=True, slots=True)
class Row:
    """A patient of the list; `place` is where they lie, None when they are not admitted."""

    identity: Identity
    place: Place | None


@dataclass(frozen=True, slots=True)
class Listing:
    """`places_known` is False when the wards could not be read."""

    rows: tuple[Row, ...]
    has_more: bool
    places_known: bool
    read_at: datetime


async def read_chart(database: Database, identity: str) -> Chart | None:
    """The chart of a patient; None if there never was one. Raises `GoneError`, or one of `UNREACHABLE`."""
    async with database.reading() as connection:
        read_at = datetime.now(UTC)
        stored = await read(connection, "Patient", identity)
        if stored is None:
            return None
        if stored.body is None:
            raise GoneError
        parts = _Parts()
        await _read_whole(connection, identity, parts)
        for newest in NEWEST:
            await _read_newest(connection, identity, newest, parts)
    return Chart(
        patient=_content(stored),
        read_at=read_at,
        parts=parts.parts,
        others=parts.others,
        unread=frozenset(parts.unread),
        older=frozenset(parts.older),
    )


class _Parts:
    """Collects what is read."""

    def __init__(self) -> None:
        self.parts: dict[str, list[Resource]] = {}
        self.others: dict[str, Resource] = {}
        self.unread: set[str] = set()
        self.older: set[str] = set()

    def add(self, stored: Stored) -> None:
        if stored.type in BESIDE:
            self.others[stored.reference] = _content(stored)
        elif stored.type != "Patient":
            self.parts.setdefault(stored.type, []).append(_content(stored))


async def _read_whole(connection: Connection, identity: str, parts: _Parts) -> None:
    """One statement for all that is read to its end, with the places, staff and drugs that it refers to."""
    asked = Everything(identity, _terms(identity), BESIDE)
    try:
        found = await everything(connection, asked, after=("", ""), count=_WHOLE_ROWS_MAX + 1)
        for stored, _ in found[:_WHOLE_ROWS_MAX]:
            parts.add(stored)
        if len(found) > _WHOLE_ROWS_MAX:
            # They come in order of type: the last one may be cut, and what follows is missing.
            parts.unread |= {kind for kind in WHOLE if kind >= found[-1].stored.type}
        parts.others |= await _locations(connection, _wards(parts.others))
    except UNREACHABLE:
        parts.unread |= set(WHOLE)


async def _read_newest(connection: Connection, identity: str, newest: Newest, parts: _Parts) -> None:
    asked = query.parse(newest.kind, (("patient", f"Patient/{identity}"), *newest.parameters))
    try:
        page = await search(connection, asked, EVERYTHING, count=newest.count_max)
    except UNREACHABLE:
        parts.unread.add(newest.kind)
        return
    for found in page.found:
        parts.add(found.stored)
    if page.resume is not None:
        parts.older.add(newest.kind)


def _terms(identity: str) -> tuple[str, ...]:
    """What is about the patient. Not the whole compartment: that also has what a patient said of another."""
    return tuple(term for kind in WHOLE for term in reference_terms(kind, "patient", "Patient", identity))


def _wards(others: Mapping[str, Resource]) -> set[str | None]:
    """The places that the beds are part of, where they were not read yet."""
    return {reference_key(place.get("partOf")) for place in others.values()} - others.keys()


async def _locations(connection: Connection, keys: Iterable[str | None]) -> dict[str, Resource]:
    """Those of the keys that are places of this record."""
    split = (key.partition("/") for key in keys if key)
    wanted = [(kind, identity) for kind, _, identity in split if kind == "Location"]
    found = await read_many(connection, wanted)
    return {stored.reference: _content(stored) for stored in found if stored.body is not None}


async def read_patients(database: Database, conditions: Sequence[Parameter]) -> Listing:
    """Patients for whom the conditions hold, by name. Raises one of `UNREACHABLE`.

    The database doesn't sort them: it would have to look at all the Jensens of a region to tell the first 50,
    and whoever gets that many writes more anyway.
    """
    asked = query.parse("Patient", conditions)
    async with database.reading() as connection:
        read_at = datetime.now(UTC)
        page = await search(connection, asked, EVERYTHING, count=PATIENTS_SHOWN_MAX)
        identities = sorted((identity_of(_content(found.stored)) for found in page.found), key=name_order)
        try:
            places: dict[str, Place] | None = await _places(connection, [each.id for each in identities])
        except UNREACHABLE:
            places = None
    rows = tuple(Row(each, places.get(each.id) if places else None) for each in identities)
    return Listing(rows, page.resume is not None, places is not None, read_at)


async def _places(connection: Connection, patients: Sequence[str]) -> dict[str, Place]:
    """Where those of the patients lie who are in hospital."""
    if not patients:
        return {}
    subjects = ",".join(f"Patient/{identity}" for identity in patients)
    asked = query.parse("Encounter", (("patient", subjects), ("status", ",".join(PRESENT))))
    page = await search(connection, asked, EVERYTHING, count=4 * PATIENTS_SHOWN_MAX)
    stays = [stay for found in page.found if is_stay(stay := _content(found.stored))]
    entries = (entry for stay in stays for entry in elements(stay.get("location")))
    others = await _locations(connection, {reference_key(entry.get("location")) for entry in entries})
    others |= await _locations(connection, _wards(others))
    chart = Chart({}, datetime.now(UTC), others=others)
    stays.sort(key=lambda stay: sort_key(period(stay.get("period"))[0]))
    return {
        key.partition("/")[2]: place_of(chart, stay)
        for stay in stays
        if (key := reference_key(stay.get("subject")))
    }


def _content(stored: Stored) -> Resource:
    content: Resource = json.loads(compose(stored))
    return content
